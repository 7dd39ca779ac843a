#!/usr/bin/env python3
"""The exemplary FastAPI service and its pytest suite under cinderlog, in the ways that the README tells.

usage: run_fastapi.py BINARY PYTHON     last line: N passed, M failed
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY, PYTHON = os.path.abspath(sys.argv[1]), sys.argv[2]
SUITE = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "fixtures/fastapi/fixed"]


def pytest(args, env=None):
    p = subprocess.run(args, cwd=ROOT, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **(env or {})), text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=600)
    passed = re.findall(r"(\d+) passed", p.stdout)
    failed = re.findall(r"(\d+) failed", p.stdout)
    errors = re.findall(r"(\d+) error", p.stdout)
    bad = int(failed[-1] if failed else 0) + int(errors[-1] if errors else 0)
    if p.returncode and not bad:
        bad = 1
    if bad:
        print(" ".join(args))
        print(p.stdout[-6000:])
    return int(passed[-1]) if passed else 0, bad


def main():
    total = [0, 0]

    def add(counts):
        total[0] += counts[0]
        total[1] += counts[1]

    # As bare owner; with append-only on; under a least-privilege role; and with a server of pytest's own.
    add(pytest([BINARY, "exec", "--", *SUITE]))
    add(pytest([BINARY, "exec", "--append-only", "api_audit_logs", "--owner-iam", "fixtures/firestore-writer.role.json",
                "--", *SUITE]))
    add(pytest(SUITE, {"EMULATOR_BINARY": BINARY}))
    with tempfile.TemporaryDirectory() as folder:
        add(pytest([BINARY, "exec", "--data", folder, "--summary", os.path.join(folder, "summary.json"), "--", *SUITE]))
        code = subprocess.run([BINARY, "verify", folder], stdout=subprocess.DEVNULL).returncode
        add((1, 0) if code == 0 else (0, 1))
    print("%d passed, %d failed" % tuple(total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())

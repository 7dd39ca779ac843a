#!/usr/bin/env python3
"""Every defect test of fixtures/fastapi/defects fails on the service as published and passes on the fixed one.

usage: run_defects.py BINARY PYTHON     prints the table; last line: N passed, M failed
"""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY, PYTHON = os.path.abspath(sys.argv[1]), sys.argv[2]
SERVICES = ("published", "fixed")


def start(service, folder):
    env = dict(os.environ, EMULATOR_BINARY=BINARY, PYTHONDONTWRITEBYTECODE="1")
    return subprocess.Popen([PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--service", service,
                             "--junitxml", os.path.join(folder, service + ".xml"), "fixtures/fastapi/defects"],
                            cwd=ROOT, env=env, text=True, stdout=open(os.path.join(folder, service + ".txt"), "w"),
                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)


def results(path):
    """{test: what failed, "" when nothing did}; a test that could not run at all is "error: ..."."""
    found = {}
    for case in ElementTree.parse(path).iter("testcase"):
        failure, error = case.find("failure"), case.find("error")
        found[case.get("name")] = "error: " + error.get("message", "") if error is not None else (
            failure.get("message", "failed").splitlines()[0] if failure is not None else "")
    return found


def main():
    with tempfile.TemporaryDirectory() as folder:
        runs = [start(service, folder) for service in SERVICES]
        for run in runs:
            run.wait(900)
        published, fixed = (results(os.path.join(folder, service + ".xml")) for service in SERVICES)
        right = 0
        for test in fixed:
            red, green = published.get(test, ""), not fixed[test]
            good = bool(red) and "error: " not in red and "is not ready" not in red and green
            right += good
            print("%-9s %s\n    published: %s\n    fixed:     %s" % (
                "as told" if good else "NOT SO", test, red[:200] or "passed, which it must not", fixed[test][:200] or "passed"))
        wrong = len(fixed) - right + (not fixed)
        if wrong:
            print(open(os.path.join(folder, "fixed.txt")).read()[-6000:])
        print("%d passed, %d failed" % (right, wrong))
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

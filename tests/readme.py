#!/usr/bin/env python3
"""Runs the README: every ```console block, in order, and compares what is printed with what the README says.

usage: readme.py BINARY          last line: N passed, M failed

In a block, a line that begins with "$ " is a command (a line ending in a backslash goes on); the lines after it are its
output. "..." in a line stands for anything; a line "..." alone for any lines. A block marked ```console server is a
server: it is started as ./dev run would, and stopped at the next server block or by "$ # Ctrl-C". Blocks run in a copy
of fixtures/ in a temporary folder; the port 8080 is replaced by a free one.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.abspath(sys.argv[1])


def blocks(text):
    for match in re.finditer(r"^```console( server)?\n(.*?)^```$", text, re.M | re.S):
        steps, lines = [], match.group(2).splitlines()
        while lines:
            line = lines.pop(0)
            assert line.startswith("$ "), "a console block begins with a command: %r" % line
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + lines.pop(0)
            output = []
            while lines and not lines[0].startswith("$ "):
                output.append(lines.pop(0))
            steps.append((command, output))
        yield bool(match.group(1)), steps, text[:match.start()].count("\n") + 1


def as_pattern(line):
    return ".*".join(re.escape(part) for part in line.rstrip().split("..."))


def matches(expected, got):
    """Whether lines of output match the expectation."""
    if not expected:
        return not got
    if expected[0].strip() == "...":
        return any(matches(expected[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and re.fullmatch(as_pattern(expected[0]), got[0].rstrip()) is not None and matches(expected[1:], got[1:])


def dev_run():
    with open(os.path.join(ROOT, "dev")) as f:
        return re.search(r'exec build/release/cinderlog (serve .*) "\$@"', f.read()).group(1)


def main():
    with open(os.path.join(ROOT, "README.md")) as f:
        text = f.read()
    folder = tempfile.mkdtemp(prefix="cinderlog-readme-")
    shutil.copytree(os.path.join(ROOT, "fixtures"), os.path.join(folder, "fixtures"))
    os.mkdir(os.path.join(folder, "bin"))
    os.symlink(BINARY, os.path.join(folder, "bin", "cinderlog"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CINDERLOG_", "FIRESTORE_", "GOOGLE_", "GCLOUD_"))}
    env["PATH"] = os.path.join(folder, "bin") + ":" + env["PATH"]
    server = None
    passed = failed = 0

    def stop():
        nonlocal server
        if server:
            server.send_signal(signal.SIGINT)
            server.wait(20)
        server = None

    try:
        for is_server, steps, line in blocks(text):
            for command, output in steps:
                command = command.replace("8080", port)
                output = [o.replace("8080", port) for o in output]
                if command.startswith("# Ctrl-C"):
                    stop()
                    continue
                if is_server:
                    stop()
                    command = command.replace("./dev run", "cinderlog " + dev_run() + " --port " + port)
                    log = os.path.join(folder, "server.log")
                    with open(log, "w") as f:
                        server = subprocess.Popen(["bash", "-c", "exec " + command], cwd=folder, env=env, stdout=f, stderr=f)
                    deadline = time.monotonic() + 30
                    while "is now running" not in open(log).read() and server.poll() is None and time.monotonic() < deadline:
                        time.sleep(0.02)
                    got = open(log).read()
                else:
                    if command.startswith(("./dev ", "git clone", "docker ", "export PATH")):
                        continue  # shown, and proved elsewhere
                    got = subprocess.run(["bash", "-c", command], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         text=True, timeout=300, stdin=subprocess.DEVNULL).stdout
                if matches(output, got.splitlines()):
                    passed += 1
                else:
                    failed += 1
                    print("README.md, block at line %d:\n$ %s\nexpected:\n%s\ngot:\n%s" % (line, command, "\n".join(output), got))
    finally:
        stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

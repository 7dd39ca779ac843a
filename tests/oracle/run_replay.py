#!/usr/bin/env python3
"""Replays everything against a fresh server of ours: run_replay.py BINARY [PYTHON]

PYTHON is an interpreter that has grpcio, google-cloud-firestore and hpack; without one the gRPC half is skipped, and says
so. A slice of the REST half is asked once more over HTTP/2. Each gets a server of its own. Last line: "N passed, M failed".
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class Server:
    """The server on a free port, in memory, in an empty directory: no rules file of anybody's is found."""

    def __init__(self, binary):
        self.directory = tempfile.TemporaryDirectory()
        port_file = pathlib.Path(self.directory.name, "port")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CINDERLOG_", "FIRESTORE_"))}
        self.log = open(pathlib.Path(self.directory.name, "log"), "w+b")
        self.process = subprocess.Popen(
            [str(pathlib.Path(binary).resolve()), "serve", "--host", "127.0.0.1", "--port", "0", "--port-file",
             str(port_file), "--data", ":memory:"], cwd=self.directory.name, env=env, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(600):
            if self.process.poll() is not None:
                break
            if port_file.exists() and port_file.read_text().strip():
                self.address = "127.0.0.1:" + port_file.read_text().split()[0]
                return
            time.sleep(0.05)
        self.log.seek(0)
        raise SystemExit("run_replay: the server did not start:\n" + self.log.read().decode(errors="replace")[-3000:])

    def stop(self):
        """What is wrong with how it ended, or ''."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        self.log.close()
        self.directory.cleanup()
        return "" if code == 0 else f"the server ended with {code}:\n{text[-3000:]}"


def run(python, script, *arguments):
    """(passed, failed) of a script whose last line counts them."""
    p = subprocess.run([python, str(HERE / script), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace")
    print(f"== {script}\n{p.stdout}", end="", flush=True)
    counts = re.findall(r"^(\d+) passed, (\d+) failed", p.stdout, re.M)
    if p.returncode == 3:
        return 0, 0
    if not counts:
        return (1, 0) if p.returncode == 0 else (0, 1)
    passed, failed = map(int, counts[-1])
    return passed, max(failed, 1) if p.returncode else failed


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    binary, grpc_python = sys.argv[1], (sys.argv[2] if len(sys.argv) == 3 else sys.executable)
    passed, failed = map(sum, zip(run(sys.executable, "selftest.py"), run(sys.executable, "coverage.py", "--check")))
    for python, script, *flags in ((sys.executable, "replay.py"), (grpc_python, "replay.py", "--http2", "--every", "7"),
                                   (grpc_python, "replay_grpc.py")):
        server = Server(binary)
        p, f = run(python, script, server.address, *flags)
        problem = server.stop()
        if problem:
            print(problem)
        passed, failed = passed + p, failed + f + bool(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

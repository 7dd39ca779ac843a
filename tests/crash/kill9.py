#!/usr/bin/env python3
"""kill -9 rounds: nothing that was acknowledged may be missing afterwards.

usage: kill9.py BINARY [--rounds N] [--connections C] [--writes W]      last line: N passed, M failed

Each round: C connections create documents over REST as fast as they can; after W acknowledgements in all the server
is killed mid-flight. It is started again on the same data, every acknowledged id is read back with its content,
then stopped, and `verify` must say intact. A round counts a commit in flight when some request was sent and not answered.
"""
import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HEADERS = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
ROOT = "/v1/projects/crash/databases/(default)/documents"


def start(binary, data, folder):
    port_file = os.path.join(folder, "port")
    if os.path.exists(port_file):
        os.remove(port_file)
    process = subprocess.Popen([binary, "serve", "--port", "0", "--port-file", port_file, "--data", data, "--append-only", "logs"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not os.path.exists(port_file):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("did not start: %s" % process.stderr.read())
        time.sleep(0.01)
    with open(port_file) as f:
        return process, int(f.read())


class Writers:
    def __init__(self, port, round_number, connections, writes):
        self.acknowledged, self.in_flight = {}, 0
        self.lock, self.enough, self.stop = threading.Lock(), threading.Event(), False
        self.threads = [threading.Thread(target=self.work, args=(port, round_number, i, writes)) for i in range(connections)]

    def work(self, port, round_number, index, writes):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        n = 0
        while not self.stop:
            name, sent = "r%d-c%d-%d" % (round_number, index, n), False
            body = json.dumps({"fields": {"id": {"stringValue": name}, "n": {"integerValue": str(n)}}})
            try:
                sent = True
                connection.request("POST", "%s/logs?documentId=%s" % (ROOT, name), body, HEADERS)
                answer = connection.getresponse()
                answer.read()
                ok = answer.status == 200
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.in_flight += sent
                return
            with self.lock:
                if ok:
                    self.acknowledged[name] = n
                if len(self.acknowledged) >= writes:
                    self.enough.set()
            n += 1


def read_back(port, acknowledged):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    missing = []
    for name, n in acknowledged.items():
        connection.request("GET", "%s/logs/%s" % (ROOT, name), headers=HEADERS)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200 or body["fields"]["n"]["integerValue"] != str(n) or body["fields"]["id"]["stringValue"] != name:
            missing.append(name)
    return missing


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--connections", type=int, default=32)
    p.add_argument("--writes", type=int, default=1500)
    a = p.parse_args()
    folder = tempfile.mkdtemp(prefix="cinderlog-crash-")
    data = os.path.join(folder, "data")
    passed = failed = flights = total = 0
    try:
        for r in range(a.rounds):
            process, port = start(a.binary, data, folder)
            writers = Writers(port, r, a.connections, a.writes)
            for t in writers.threads:
                t.start()
            enough = writers.enough.wait(300)
            process.send_signal(signal.SIGKILL)
            process.wait()
            writers.stop = True
            for t in writers.threads:
                t.join()
            process, port = start(a.binary, data, folder)
            missing = read_back(port, writers.acknowledged)
            process.terminate()
            code = process.wait(30)
            verify = subprocess.run([a.binary, "verify", data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            good = enough and not missing and code == 0 and verify.returncode == 0
            passed, failed = passed + good, failed + (not good)
            flights += writers.in_flight > 0
            total += len(writers.acknowledged)
            print("round %d: %d acknowledged, %d in flight, %d missing, verify %d%s" % (
                r + 1, len(writers.acknowledged), writers.in_flight, len(missing), verify.returncode,
                "" if good else "   FAILED\n" + verify.stdout), flush=True)
        print("%d acknowledged in all, a commit in flight in %d of %d rounds" % (total, flights, a.rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

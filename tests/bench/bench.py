#!/usr/bin/env python3
"""./dev bench: CPU per request first, then requests per second, beside the bare libraries in the same run.

usage: bench.py [--rounds N] [--seconds S] [--google "COMMAND"] [--only WORDS]

What is measured: the audit log itself. Creates come from the service principal under fixtures/rules/audit_log.rules, all seven
fields, data on disk, `process` durability, ledger entry included; gets from the auditor. The ceiling is the simplest server that
each library allows (tests/bench/bare_*.c), answering a constant of about the same size. COMMAND starts Google's emulator; the
word PORT in it is replaced. Medians of the rounds; compare within one run only: machines are shared and noisy.
"""
import argparse
import base64
import datetime
import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICK = os.sysconf("SC_CLK_TCK")
PROJECT = "bench"
DOCS = "projects/%s/databases/(default)/documents" % PROJECT


def jwt(claims):
    part = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()
    return "%s.%s." % (part({"alg": "none", "type": "JWT"}), part(claims))


SERVICE = "Bearer " + jwt({"sub": "svc", "source": "fastapi_service"})
AUDITOR = "Bearer " + jwt({"sub": "ada", "role": "auditor"})


# ---- messages, by hand: the bench needs no client library ----

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def entry(now):
    seconds = int(now.timestamp())
    text = lambda s: field(17, s.encode())
    values = {"timestamp": field(10, varint(8) + varint(seconds)), "request_id": text("7f6d1c1e9a4b4c0d"), "user_id": text("u-1042"),
              "endpoint": text("/items/42"), "method": text("GET"), "status_code": varint(2 << 3) + varint(200),
              "firestore_path": text("items/42")}
    return b"".join(field(2, field(1, k.encode()) + field(2, v)) for k, v in sorted(values.items()))


def entry_json(now):
    s = lambda v: {"stringValue": v}
    return json.dumps({"fields": {
        "timestamp": {"timestampValue": now.strftime("%Y-%m-%dT%H:%M:%SZ")}, "request_id": s("7f6d1c1e9a4b4c0d"), "user_id": s("u-1042"),
        "endpoint": s("/items/42"), "method": s("GET"), "status_code": {"integerValue": "200"}, "firestore_path": s("items/42")}})


def frame(message):
    return b"\0" + struct.pack(">I", len(message)) + message


# ---- servers ----

class Server:
    def __init__(self, name, args, port, ready="/"):
        self.name, self.port = name, port
        self.log = tempfile.TemporaryFile()
        start = time.monotonic()
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log, cwd=ROOT, start_new_session=True)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                    if ready:
                        s.sendall(b"GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" % ready.encode())
                        if not s.recv(16).startswith(b"HTTP/1."):
                            raise OSError
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - start > 120:
                    self.log.seek(0)
                    sys.exit("%s did not start:\n%s" % (name, self.log.read().decode()[-2000:]))
                time.sleep(0.002)
        self.started_ms = (time.monotonic() - start) * 1000

    def pids(self):
        """The process and what it started (a script that starts Java)."""
        out = subprocess.run(["ps", "-o", "pid=", "-g", str(self.process.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        return [int(p) for p in out] or [self.process.pid]

    def cpu(self):
        total = 0
        for pid in self.pids():
            try:
                with open("/proc/%d/stat" % pid) as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total / TICK

    def memory(self):
        rss = anon = 0
        for pid in self.pids():
            try:
                with open("/proc/%d/status" % pid) as f:
                    text = f.read()
                rss += int(re.search(r"VmRSS:\s+(\d+)", text).group(1))
                anon += int(re.search(r"RssAnon:\s+(\d+)", text).group(1))
            except (OSError, AttributeError):
                pass
        return rss / 1024, anon / 1024

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- loads ----

LUA = 'wrk.method = "%s"\nwrk.body = [==[%s]==]\n%s'


class Loads:
    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds

    def rest(self, port, method, path, body, auth, connections):
        script = os.path.join(self.folder, "load.lua")
        headers = 'wrk.headers["Content-Type"] = "application/json"\n'
        if auth:
            headers += 'wrk.headers["Authorization"] = "%s"\n' % auth
        with open(script, "w") as f:
            f.write(LUA % (method, body, headers))
        out = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%ds" % self.seconds, "-s", script, "http://127.0.0.1:%d%s" % (port, path)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        done = int(re.search(r"(\d+) requests in", out).group(1))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        return done, float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), int(bad.group(1)) if bad else 0

    def grpc(self, port, method, message, auth, connections):
        data = os.path.join(self.folder, "message.bin")
        with open(data, "wb") as f:
            f.write(frame(message))
        args = ["h2load", "-t1", "-c%d" % connections, "-m1", "-D", str(self.seconds), "-d", data, "-H", "content-type: application/grpc", "-H", "te: trailers"]
        if auth:
            args += ["-H", "authorization: " + auth]
        out = subprocess.run(args + ["http://127.0.0.1:%d/google.firestore.v1.Firestore/%s" % (port, method)], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True).stdout
        done = int(re.search(r"(\d+) succeeded", out).group(1))
        rate = float(re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", out).group(1))
        return done, rate, int(re.search(r"(\d+) failed", out).group(1))


def measure(server, run):
    before = server.cpu()
    done, rate, bad = run()
    cpu = server.cpu() - before
    return {"us": cpu / max(done, 1) * 1e6, "rate": rate, "bad": bad, "done": done}


def http(port, method, path, body=None, auth="Bearer owner"):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), method=method, data=body.encode() if body else None,
                                     headers={"Authorization": auth, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as a:
        return json.loads(a.read())


def build(folder):
    for args in (["cmake", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"], ["cmake", "--build", folder, "-j2", "--target", "cinderlog", "bare_mhd", "bare_nghttp2"]):
        subprocess.run(args, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def find(folder, name):
    for base, _, files in os.walk(folder):
        if name in files and os.access(os.path.join(base, name), os.X_OK):
            return os.path.join(base, name)
    sys.exit("no %s under %s" % (name, folder))


def start_and_memory(binary, results):
    """Time to the first answer beside /bin/true, and idle memory."""
    times, true_times, rss, anon = [], [], [], []
    for _ in range(7):
        begin = time.monotonic()
        subprocess.run(["/bin/true"])
        true_times.append((time.monotonic() - begin) * 1000)
        port = free_port()
        s = Server("cinderlog", [binary, "serve", "--port", str(port), "--data", ":memory:", "--rules", "fixtures/rules/audit_log.rules"], port)
        times.append(s.started_ms)
        time.sleep(0.3)
        r, a = s.memory()
        rss.append(r)
        anon.append(a)
        s.stop()
    results.append("start to first answer: %.1f ms (/bin/true: %.1f ms); idle VmRSS %.1f MB, RssAnon %.1f MB" % (
        statistics.median(times), statistics.median(true_times), statistics.median(rss), statistics.median(anon)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=4)
    p.add_argument("--google", default=os.environ.get("GOOGLE_EMULATOR_COMMAND", ""))
    p.add_argument("--only", default="")
    a = p.parse_args()
    folder = os.path.join(ROOT, "build", "bench")
    build(folder)
    binary = find(folder, "cinderlog")
    scratch = tempfile.mkdtemp(prefix="cinderlog-bench-")
    results = []
    rows = {}
    loads = Loads(scratch, a.seconds)

    def note(server, case, m):
        rows.setdefault(case, {}).setdefault(server, []).append(m)
        if sys.stderr.isatty():
            print("  %-28s %-14s %7.1f us  %8.0f/s  bad %d" % (case, server, m["us"], m["rate"], m["bad"]), file=sys.stderr)

    try:
        if not a.only or "start" in a.only:
            start_and_memory(binary, results)
        for r in range(a.rounds):
            now = datetime.datetime.now(datetime.timezone.utc)
            message = field(1, DOCS.encode()) + field(2, b"api_audit_logs") + field(4, entry(now))
            one = "%s/api_audit_logs/one" % DOCS
            for name in ("cinderlog", "google") if a.google else ("cinderlog",):
                port = free_port()
                if name == "cinderlog":
                    data = os.path.join(scratch, "data%d" % r)
                    s = Server(name, [binary, "serve", "--port", str(port), "--data", data, "--rules", "fixtures/rules/audit_log.rules"], port)
                else:
                    s = Server(name, a.google.replace("PORT", str(port)).split() + ["--rules", "fixtures/rules/audit_log.rules"], port)
                http(port, "PATCH", "/v1/" + one, entry_json(now))
                commits = http(port, "GET", "/cinderlog/v1/stats") if name == "cinderlog" else None
                for c in (1, 64):
                    note(name, "rest create c%d" % c, measure(s, lambda: loads.rest(port, "POST", "/v1/%s/api_audit_logs" % DOCS, entry_json(now), SERVICE, c)))
                    note(name, "rest get c%d" % c, measure(s, lambda: loads.rest(port, "GET", "/v1/" + one, "", AUDITOR, c)))
                    note(name, "grpc create c%d" % c, measure(s, lambda: loads.grpc(port, "CreateDocument", message, SERVICE, c)))
                    note(name, "grpc get c%d" % c, measure(s, lambda: loads.grpc(port, "GetDocument", field(1, one.encode()), AUDITOR, c)))
                if commits:
                    after = http(port, "GET", "/cinderlog/v1/stats")
                    results.append("round %d: %d commits in %d SQLite transactions" % (
                        r + 1, after["commits"] - commits["commits"], after["batches"] - commits["batches"]))
                s.stop()
            for name, kind in (("bare_mhd", "rest"), ("bare_nghttp2", "grpc")):
                port = free_port()
                s = Server(name, [find(folder, name), str(port)], port, "/" if kind == "rest" else None)
                for c in (1, 64):
                    if kind == "rest":
                        note("bare", "rest create c%d" % c, measure(s, lambda: loads.rest(port, "POST", "/v1/%s/api_audit_logs" % DOCS, entry_json(now), SERVICE, c)))
                        note("bare", "rest get c%d" % c, measure(s, lambda: loads.rest(port, "GET", "/v1/" + one, "", AUDITOR, c)))
                    else:
                        note("bare", "grpc create c%d" % c, measure(s, lambda: loads.grpc(port, "CreateDocument", message, SERVICE, c)))
                        note("bare", "grpc get c%d" % c, measure(s, lambda: loads.grpc(port, "GetDocument", field(1, one.encode()), AUDITOR, c)))
                s.stop()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

    def median(case, server, key):
        got = [m[key] for m in rows[case].get(server, [])]
        return statistics.median(got) if got else None

    print("\nCPU per request (us) and requests/s; medians of %d rounds of %d s; x = times the bare library" % (a.rounds, a.seconds))
    print("%-16s %21s %21s %8s %8s %21s" % ("", "cinderlog", "bare library", "CPU x", "rate x", "Google's emulator"))
    failed = 0
    for case in rows:
        us, rate, bus, brate = median(case, "cinderlog", "us"), median(case, "cinderlog", "rate"), median(case, "bare", "us"), median(case, "bare", "rate")
        google = "%8.0f us %7.0f/s" % (median(case, "google", "us"), median(case, "google", "rate")) if a.google else "-"
        print("%-16s %8.1f us %7.0f/s %8.1f us %7.0f/s %8.2f %8.2f %21s" % (case, us, rate, bus, brate, us / bus if bus else 0, rate / brate if brate else 0, google))
        failed += sum(m["bad"] for m in rows[case].get("cinderlog", []))
    for line in results:
        print(line)
    if failed:
        sys.exit("%d requests were not answered with success: the figures are void" % failed)


if __name__ == "__main__":
    main()

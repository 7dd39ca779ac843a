#!/usr/bin/env python3
"""./dev bench: CPU per request first, then requests per second, beside the bare libraries in the same run.

usage: bench.py [--rounds N] [--seconds S] [--google "COMMAND"] [--only start,requests,rpcs,batches,log,micro,scan,listen]

What is measured: the audit log itself. Creates come from the service principal under fixtures/rules/audit_log.rules, all seven
fields, data on disk, `process` durability, ledger entry included; gets from the auditor. The ceiling is the simplest server that
each library allows (tests/bench/bare_*.c), answering a constant of about the same size. COMMAND starts Google's emulator; the
word PORT in it is replaced. Every answer must be a success, or the figures are void and the exit code is 1.

The servers run side by side and take turns case by case, so that a noisy minute hits all of them; ratios are taken within one
turn, and medians of the rounds are printed. Compare within one run only: machines are shared and noisy. CPU is the server
process's, user and system; the load generator's is not counted but runs on the same cores.
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
import subprocess
import sys
import tempfile
import time
import urllib.request

import listen
import log_cost
import rpcs
import scan
from messages import field, frame

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICK = os.sysconf("SC_CLK_TCK")
PROJECT = "bench"
DOCS = "projects/%s/databases/(default)/documents" % PROJECT


def jwt(claims):
    part = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()
    return "%s.%s." % (part({"alg": "none", "type": "JWT"}), part(claims))


SERVICE = "Bearer " + jwt({"sub": "svc", "source": "fastapi_service"})
AUDITOR = "Bearer " + jwt({"sub": "ada", "role": "auditor"})


def entry(now):
    seconds = int(now.timestamp())
    text = lambda s: field(17, s.encode())
    values = {"timestamp": field(10, field(1, seconds)), "request_id": text("7f6d1c1e9a4b4c0d"), "user_id": text("u-1042"),
              "endpoint": text("/items/42"), "method": text("GET"), "status_code": field(2, 200),
              "firestore_path": text("items/42")}
    return b"".join(field(2, field(1, k.encode()) + field(2, v)) for k, v in sorted(values.items()))


def entry_json(now):
    s = lambda v: {"stringValue": v}
    return json.dumps({"fields": {
        "timestamp": {"timestampValue": now.strftime("%Y-%m-%dT%H:%M:%SZ")}, "request_id": s("7f6d1c1e9a4b4c0d"), "user_id": s("u-1042"),
        "endpoint": s("/items/42"), "method": s("GET"), "status_code": {"integerValue": "200"}, "firestore_path": s("items/42")}})


# ---- servers ----

class Server:
    """A server process, ready when it accepts (and, with `http`, answers GET / with 200)."""

    running = []

    def __init__(self, name, args, port, http=True):
        self.name, self.port = name, port
        self.log = tempfile.TemporaryFile()
        start = time.monotonic()
        self.process = subprocess.Popen(args, stdout=self.log, stderr=self.log, cwd=ROOT, start_new_session=True)
        Server.running.append(self)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                    if http:
                        s.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
                        if s.recv(12)[8:] != b" 200":
                            raise OSError
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - start > 120:
                    self.log.seek(0)
                    sys.exit("%s did not start:\n%s" % (name, self.log.read().decode()[-2000:]))
                time.sleep(0.0005)
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

    def memory(self, pids=None):
        """VmRSS and RssAnon in MB. Whoever asks often gives the pids: finding them starts a process each time."""
        rss = anon = 0
        for pid in pids or self.pids():
            try:
                with open("/proc/%d/status" % pid) as f:
                    text = f.read()
                rss += int(re.search(r"VmRSS:\s+(\d+)", text).group(1))
                anon += int(re.search(r"RssAnon:\s+(\d+)", text).group(1))
            except (OSError, AttributeError):
                pass
        return rss / 1024, anon / 1024

    @staticmethod
    def stop_all():
        for s in list(Server.running):
            s.stop()

    def stop(self):
        Server.running.remove(self)
        if self.process.poll() is not None:
            sys.exit("%s ended by itself with code %d" % (self.name, self.process.returncode))
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
ANSWER_MIN = 200  # bytes: an error has fewer, and h2load does not look at grpc-status


def number(pattern, text, tool):
    found = re.search(pattern, text)
    if not found:
        sys.exit("%s said what this script does not understand:\n%s" % (tool, text[-2000:]))
    return float(found.group(1))


class Loads:
    """Each load returns (answers, answers per second, answers that are no success)."""

    def __init__(self, folder, seconds):
        self.folder, self.seconds = folder, seconds

    def rest(self, port, method, path, body, auth, connections, script=""):
        """`script`: Lua that makes the requests instead."""
        path_of_script = os.path.join(self.folder, "load.lua")
        headers = 'wrk.headers["Content-Type"] = "application/json"\nwrk.headers["Authorization"] = "%s"\n' % auth
        with open(path_of_script, "w") as f:
            f.write(LUA % (method, body, headers) + script)
        out = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%ds" % self.seconds, "-s", path_of_script, "http://127.0.0.1:%d%s" % (port, path)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
        bad = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out)) + (sum(map(int, errors.groups())) if errors else 0)
        return int(number(r"(\d+) requests in", out, "wrk")), number(r"Requests/sec:\s+([\d.]+)", out, "wrk"), bad

    def grpc(self, port, method, message, auth, connections, count=0, least=ANSWER_MIN):
        data = os.path.join(self.folder, "message.bin")
        with open(data, "wb") as f:
            f.write(frame(message))
        args = ["h2load", "-t1", "-c%d" % connections, "-m1", "-d", data, "-H", "content-type: application/grpc", "-H", "te: trailers",
                "-H", "authorization: " + auth] + (["-n", str(count)] if count else ["-D", str(self.seconds)])
        out = subprocess.run(args + ["http://127.0.0.1:%d/google.firestore.v1.Firestore/%s" % (port, method)], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True).stdout
        done, failed = int(number(r"(\d+) succeeded", out, "h2load")), int(number(r"(\d+) failed", out, "h2load"))
        data = number(r"space savings [\d.]+%\), [\d.]+\w+ \((\d+)\) data", out, "h2load")
        return done, number(r"finished in [\d.]+\w+, ([\d.]+) req/s", out, "h2load"), done if data < done * least else failed


def measure(server, run):
    before = server.cpu()
    done, rate, bad = run()
    return {"us": (server.cpu() - before) / max(done, 1) * 1e6, "rate": rate, "bad": bad + (done == 0)}


def http(port, method, path, body=None, auth="Bearer owner"):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), method=method, data=body.encode() if body else None,
                                     headers={"Authorization": auth, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as a:
        return json.loads(a.read())


def build():
    """The release build, with the programs of this folder added to it."""
    folder = os.path.join(ROOT, "build", "bench")
    for args in (["cmake", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"],
                 ["cmake", "--build", folder, "-j2", "--target", "cinderlog", "bare_mhd", "bare_nghttp2", "bench_codec", "bench_metrics", "bench_rules", "bench_store", "bench_request_log"]):
        done = subprocess.run(args, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(done.stdout[-4000:])
    return folder


def find(folder, name):
    for base, _, files in os.walk(folder):
        if name in files and os.access(os.path.join(base, name), os.X_OK):
            return os.path.join(base, name)
    sys.exit("no %s under %s" % (name, folder))


# ---- the parts of a run ----

def serve(binary, data, *more):
    port = free_port()
    return Server("cinderlog", [binary, "serve", "--port", str(port), "--data", data, "--rules", "fixtures/rules/audit_log.rules", *more], port)


CASES = [(kind, what, c) for c in (1, 64) for kind in ("rest", "grpc") for what in ("create", "get")]


def requests(a, folder, scratch, rows, results):
    """CPU and rate of each case, cinderlog and the others in turn."""
    loads = Loads(scratch, a.seconds)
    for r in range(a.rounds):
        now = datetime.datetime.now(datetime.timezone.utc)
        message = field(1, DOCS.encode()) + field(2, b"api_audit_logs") + field(4, entry(now))
        one = "%s/api_audit_logs/one" % DOCS
        ours = serve(find(folder, "cinderlog"), os.path.join(scratch, "data%d" % r))
        ports = [free_port(), free_port(), free_port()]
        bare = {"rest": Server("bare_mhd", [find(folder, "bare_mhd"), str(ports[0])], ports[0]),
                "grpc": Server("bare_nghttp2", [find(folder, "bare_nghttp2"), str(ports[1])], ports[1], http=False)}
        google = a.google and Server("google", a.google.replace("PORT", str(ports[2])).split() + ["--rules", "fixtures/rules/audit_log.rules"], ports[2])
        for s in (ours, google) if google else (ours,):
            http(s.port, "PATCH", "/v1/" + one, entry_json(now))
        for kind, what, c in CASES:
            for name, s in (("cinderlog", ours), ("bare", bare[kind])) + ((("google", google),) if google else ()):
                if kind == "rest" and what == "create":
                    run = lambda: loads.rest(s.port, "POST", "/v1/%s/api_audit_logs" % DOCS, entry_json(now), SERVICE, c)
                elif kind == "rest":
                    run = lambda: loads.rest(s.port, "GET", "/v1/" + one, "", AUDITOR, c)
                elif what == "create":
                    run = lambda: loads.grpc(s.port, "CreateDocument", message, SERVICE, c)
                else:
                    run = lambda: loads.grpc(s.port, "GetDocument", field(1, one.encode()), AUDITOR, c)
                m = measure(s, run)
                case = "%s %s c%d" % (kind, what, c)
                rows.setdefault(case, {}).setdefault(name, []).append(m)
                if sys.stderr.isatty():
                    print("  %-16s %-10s %7.1f us %8.0f/s %s" % (case, name, m["us"], m["rate"], "bad %d" % m["bad"] if m["bad"] else ""), file=sys.stderr)
        rss, anon = ours.memory()
        results.append("round %d: VmRSS %.1f MB, RssAnon %.1f MB after the loads" % (r + 1, rss, anon))
        for s in (ours, *bare.values(), google) if google else (ours, *bare.values()):
            s.stop()


def every_rpc(a, folder, scratch):
    """Each RPC over both transports, beside Google's emulator when it was given."""
    port = free_port()
    servers = {"cinderlog": Server("cinderlog", [find(folder, "cinderlog"), "serve", "--port", str(port), "--data", os.path.join(scratch, "rpcs")], port)}
    if a.google:
        port = free_port()
        servers["google"] = Server("google", a.google.replace("PORT", str(port)).split(), port)

    def note(case, server, m):
        if sys.stderr.isatty():
            print("  %-42s %-10s %7.1f us %s" % (case, server, m["us"], "bad %d" % m["bad"] if m["bad"] else ""), file=sys.stderr)

    rows = rpcs.run(servers, http, Loads(scratch, a.seconds), measure, note)
    for s in servers.values():
        s.stop()
    return rows


def batches(a, folder, scratch, results):
    """64 connections with 1,000 creates each: how many SQLite transactions they share."""
    now = datetime.datetime.now(datetime.timezone.utc)
    message = field(1, DOCS.encode()) + field(2, b"api_audit_logs") + field(4, entry(now))
    s = serve(find(folder, "cinderlog"), os.path.join(scratch, "batches"))
    before = http(s.port, "GET", "/cinderlog/v1/stats")
    done, rate, bad = Loads(scratch, a.seconds).grpc(s.port, "CreateDocument", message, SERVICE, 64, 64000)
    after = http(s.port, "GET", "/cinderlog/v1/stats")
    s.stop()
    commits, shared = after["commits"] - before["commits"], after["batches"] - before["batches"]
    if bad or done != 64000 or commits != 64000:
        sys.exit("64 x 1,000 creates: %d answered, %d bad, %d committed" % (done, bad, commits))
    results.append("64 connections x 1,000 creates: %d SQLite transactions, %.1f creates each, %.0f/s" % (shared, commits / shared, rate))


def start_and_memory(folder, results):
    """Time to the first answer beside /bin/true, and idle memory."""
    times, true_times, rss, anon = [], [], [], []
    for _ in range(7):
        begin = time.monotonic()
        subprocess.run(["/bin/true"])
        true_times.append((time.monotonic() - begin) * 1000)
        s = serve(find(folder, "cinderlog"), ":memory:")
        times.append(s.started_ms)
        time.sleep(0.3)
        r, m = s.memory()
        rss.append(r)
        anon.append(m)
        s.stop()
    results.append("start to first answer %.1f ms (/bin/true %.1f ms); idle VmRSS %.1f MB, RssAnon %.1f MB" % (
        statistics.median(times), statistics.median(true_times), statistics.median(rss), statistics.median(anon)))


def micro(folder, scratch, results):
    """The rooms without a server around them."""
    for args in (["bench_codec"], ["bench_metrics"], ["bench_rules", "0.3"], ["bench_request_log", os.path.join(scratch, "requests.ndjson")], ["bench_store", "1000000", os.path.join(scratch, "store"), "process", "quick"]):
        done = subprocess.run([find(folder, args[0])] + args[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit("%s failed:\n%s" % (args[0], done.stdout))
        results.append("\n%s\n  %s" % (" ".join(args[:2]), done.stdout.strip().replace("\n", "\n  ")))


def table(rows, a):
    def median(case, server, key):
        return statistics.median(m[key] for m in rows[case][server])

    def ratio(case, key):
        pairs = zip(rows[case]["cinderlog"], rows[case]["bare"])
        return statistics.median(ours[key] / bare[key] if bare[key] else 0 for ours, bare in pairs)

    print("CPU per request and requests per second; medians of %d rounds of %d s; x: times the bare library" % (a.rounds, a.seconds))
    print("%-16s %21s %21s %7s %7s %s" % ("", "cinderlog", "bare library", "CPU x", "rate x", "     Google's emulator" if a.google else ""))
    for case in rows:
        google = "%9.0f us %6.0f/s" % (median(case, "google", "us"), median(case, "google", "rate")) if a.google else ""
        print("%-16s %8.1f us %7.0f/s %8.1f us %7.0f/s %7.2f %7.2f %s" % (
            case, median(case, "cinderlog", "us"), median(case, "cinderlog", "rate"), median(case, "bare", "us"), median(case, "bare", "rate"),
            ratio(case, "us"), ratio(case, "rate"), google))
    return sum(m["bad"] for case in rows.values() for server in case.values() for m in server)


PARTS = ("start", "requests", "rpcs", "batches", "log", "micro", "scan", "listen")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--google", default=os.environ.get("GOOGLE_EMULATOR_COMMAND", ""))
    p.add_argument("--only", default=",".join(PARTS))
    a = p.parse_args()
    parts = a.only.split(",")
    unknown = set(parts) - set(PARTS)
    if unknown:
        p.error("--only: no such part: " + ", ".join(sorted(unknown)))
    for tool in ("wrk", "h2load", "ps"):
        if not shutil.which(tool):
            sys.exit("%s is missing: ./dev bench installs it" % tool)
    folder = build()
    scratch = tempfile.mkdtemp(prefix="cinderlog-bench-")
    results, rows, by_rpc = [], {}, {}
    try:
        if "start" in parts:
            start_and_memory(folder, results)
        if "requests" in parts:
            requests(a, folder, scratch, rows, results)
        if "rpcs" in parts:
            by_rpc = every_rpc(a, folder, scratch)
        if "batches" in parts:
            batches(a, folder, scratch, results)
        if "log" in parts:
            log_cost.run(sys.modules[__name__], 5 * a.rounds, folder, scratch, results)
        if "micro" in parts:
            micro(folder, scratch, results)
        if "scan" in parts:
            results.append("\nqueries over a million documents")
            results += scan.report(lambda data: serve(find(folder, "cinderlog"), data), 1000000, scratch)
        if "listen" in parts:
            results.append("\nlisteners")
            results += listen.report(sys.modules[__name__], a, folder, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        Server.stop_all()
    bad = table(rows, a) if rows else 0
    bad += rpcs.table(by_rpc) if by_rpc else 0
    print("\n".join(results))
    if bad:
        sys.exit("%d answers were no success: the figures are void" % bad)


if __name__ == "__main__":
    main()

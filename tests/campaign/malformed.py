#!/usr/bin/env python3
"""Malformed requests over both transports: no 5xx, no hang, no sanitizer report, no document changed.

  malformed.py BINARY [--count N] [--seed S] [--bound SECONDS] [--only N]      last line: N passed, M failed

Mutants of valid requests (mutants.py) are put to two servers of BINARY, best one built with sanitizers:

  held  rules let nobody write, control requests are locked; the requests are a user's or nobody's, and the owner's only
        where the method is fixed and reads. Afterwards the ledger must hold the same versions as before: entries of
        any kind but `refused`, which is what a denied write leaves there by design.
  open  a user's or the owner's requests, control endpoints too, so that rules change as well. A mutant may write.

An answer is 2xx, 3xx or 4xx; over gRPC a code that blames the request. 501 and UNIMPLEMENTED are for RPCs that are none
or not answered yet, and for compressed messages; 505 is for another version of HTTP. Where HTTP itself is broken,
closing or resetting will do.
After each server both the process and `cinderlog verify` must end well. A mutant is named by its seed and number: the
one that failed is written to a file, and --only runs it alone. Python 3.11, standard library only.
"""
import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "oracle")]
import channels  # noqa: E402
import mutants  # noqa: E402
import seeds  # noqa: E402

# Rules that see the document that would be written, and let nothing be written.
RULES = """rules_version = '2';
service cloud.firestore { match /databases/{db}/documents { match /{document=**} {
  allow read: if true;
  allow create, update: if request.resource.data.size() < 0 || request.resource.data.keys().size() < 0;
  allow delete: if resource.data.size() < 0;
} } }
"""


class Server:
    """One server of the binary, on disk, in an empty directory, and what it said."""

    def __init__(self, binary, folder, *options):
        self.binary, self.data = binary, os.path.join(folder, "data")
        port_file = os.path.join(folder, "port")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CINDERLOG_", "FIRESTORE_"))}
        env.update(ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:exitcode=99",
                   UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:exitcode=99")
        self.log = open(os.path.join(folder, "log"), "w+b")
        self.process = subprocess.Popen([binary, "serve", "--port", "0", "--port-file", port_file, "--data", self.data,
                                         *options], cwd=folder,
                                        env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 120
        while not (os.path.exists(port_file) and open(port_file).read()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start:\n" + self.said())
            time.sleep(0.02)
        self.port = int(open(port_file).read())

    def fill(self):
        writes = [{"update": {"name": f"{seeds.ROOT}/{path}", "fields": fields}} for path,
                  fields in seeds.DOCUMENTS.items()]
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/{seeds.ROOT}:commit",
                                         json.dumps({"writes": writes}).encode(),
                                         {"Authorization": mutants.OWNER})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-6000:]

    def stop(self):
        """What is wrong with how it ended, or ''."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "the server does not stop"
        said = self.said()
        report = re.search(r"(==\d+==|runtime error:).*", said, re.S)
        if code or report:
            return f"the server ended with {code}:\n" + (report[0] if report else said)[:6000]
        verify = subprocess.run([self.binary, "verify", self.data], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)
        return "" if verify.returncode == 0 else "verify: " + verify.stdout[-2000:]

    def versions(self):
        """The ledger's entries, refused writes left out: those are entries by design."""
        out = subprocess.run([self.binary, "log", f"127.0.0.1:{self.port}", "--format", "ndjson"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        entries = [json.loads(line) for line in out.splitlines()]
        return [(e["kind"], e.get("path"), e.get("bodyDigest"),
                 e.get("leaf")) for e in entries if e["kind"] != "refused"]


# ---- what is wrong with an answer ----

BLAMES_REQUEST = {0: "OK", 1: "CANCELLED", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND",
                  6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED",
                  8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE",
                  12: "UNIMPLEMENTED", 16: "UNAUTHENTICATED"}


def unanswered(rows_not_answered, body):
    """Whether the body names an RPC that is not answered; of v1beta1, which has fewer, it may be any."""
    m = re.search(rb"google\.firestore\.v1(beta1)?\.Firestore/(\w+) is unimplemented", body)
    return bool(m) and (m[1] is not None or m[2].decode() in rows_not_answered)


def wrong(mutant, answer, not_answered):
    """Why the answer will not do, or ''."""
    if answer.hung:
        return "hangs"
    if not answer.statuses and mutant.framed:
        return "no answer"
    if not mutant.http2:
        for status in answer.statuses:
            named = status == 501 and unanswered(not_answered, answer.body)
            if status >= 500 and not named and not (status == 505 and not mutant.framed):
                return f"status {status}: {answer.body[:300]!r}"
        return "half an answer" if mutant.framed and answer.refused else ""
    if answer.grpc is None:
        return "no grpc-status" if mutant.framed else ""
    if answer.statuses[:1] in ([405], [415]):  # no gRPC request at all: Google's emulator calls that 13, as we do
        return "" if answer.grpc == 13 else f"grpc-status {answer.grpc}"
    return "" if answer.grpc in BLAMES_REQUEST else f"grpc-status {answer.grpc}"


def put(server, mutant, bound):
    ask = channels.ask_http2 if mutant.http2 else channels.ask_http1
    return ask(server.port, mutant.data, mutant.framed, bound)


LOCK_WAIT = 3  # a write waits two seconds for a lock before it is refused


def is_lock_wait(answer):
    return b"lock timeout" in answer.body or answer.grpc == 10


class Campaign:
    def __init__(self, binary, args, rows):
        self.binary, self.args = binary, args
        self.rows = [(r[0], r[2], r[3]) for r in rows]
        self.not_answered = {r[0] for r in rows if r[1] != "yes"}
        self.passed, self.failed, self.slowest, self.counts = 0, 0, 0.0, {}

    def fail(self, text, mutant=None, number=0):
        self.failed += 1
        print("FAILED " + text, flush=True)
        if mutant:
            fd, path = tempfile.mkstemp(prefix=f"malformed-{self.args.seed}-{number}-", suffix=".bin")
            with os.fdopen(fd, "wb") as f:
                f.write(mutant.data)
            print(f"       the request: {path}; again: --seed {self.args.seed} --only {number}", flush=True)

    def one(self, server, number, open_):
        rng = random.Random(f"{self.args.seed}/{number}")
        mutant = (mutants.grpc_mutant if number % 2 else mutants.rest_mutant)(rng, self.rows, open_)
        answer = put(server, mutant, self.args.bound)
        for _ in range(2):  # neither another program on this machine nor a lock that is not given is a hang of ours
            if answer.hung and server.process.poll() is None:
                answer = put(server, mutant, max(self.args.bound, LOCK_WAIT))
                answer.hung |= answer.seconds > self.args.bound and not is_lock_wait(answer)
        why = wrong(mutant, answer, self.not_answered)
        if server.process.poll() is not None:
            why = "the server died"
        if not is_lock_wait(answer):
            self.slowest = max(self.slowest, answer.seconds)
        outcome = "refused" if answer.refused else str(answer.grpc if mutant.http2 else answer.statuses[:1])
        kind = " ".join(mutant.what.split()[::2] + [outcome])
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if why:
            self.fail(f"{number} {mutant.what}: {why}", mutant, number)
        else:
            self.passed += 1
        return server.process.poll() is None and self.failed < 25

    def run(self, open_, numbers):
        with tempfile.TemporaryDirectory() as folder:
            rules = os.path.join(folder, "held.rules")
            with open(rules, "w") as f:
                f.write(RULES)
            options = ["--allow-reset"] if open_ else ["--rules", rules, "--lock-control"]
            server = Server(self.binary, folder, *options)
            try:
                self.put_all(server, open_, numbers)
            finally:
                server.process.kill()

    def put_all(self, server, open_, numbers):
        server.fill()
        before = server.versions()
        for number in numbers:
            if not self.one(server, number, open_):
                break
        if not open_ and server.process.poll() is None:
            after = server.versions()
            if after != before:
                self.fail("the ledger changed: %s" % [e for e in after if e not in before][:5])
        problem = server.stop()
        if problem:
            self.fail(("open: " if open_ else "held: ") + problem)
        else:
            self.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", default="cinderlog")
    parser.add_argument("--bound", type=float, default=30.0, help="an answer later than this is a hang")
    parser.add_argument("--only", type=int)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    binary = os.path.abspath(args.binary)
    rows = [line.split("\t") for line in subprocess.run([binary, "--list-rpcs"], stdout=subprocess.PIPE, text=True,
                                                        check=True).stdout.splitlines()]
    unknown = [r[0] for r in rows if r[0] not in seeds.MESSAGES]
    campaign = Campaign(binary, args, rows)
    if unknown:
        campaign.fail("RPCs without a seed: " + " ".join(unknown))
    held = args.count * 3 // 4
    numbers = [args.only] if args.only is not None else range(args.count)
    started = time.monotonic()
    for open_ in (False, True):
        mine = [n for n in numbers if (n >= held) == open_]
        if mine:
            campaign.run(open_, mine)
    if args.verbose:
        for kind, n in sorted(campaign.counts.items()):
            print("%6d %s" % (n, kind))
    print("%d requests in %.0f s, slowest answer %.3f s" % (sum(campaign.counts.values()), time.monotonic() - started,
                                                            campaign.slowest))
    print("%d passed, %d failed" % (campaign.passed, campaign.failed))
    return 1 if campaign.failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A part of bench.py: queries over very many documents, and what they cost everybody else.

usage: scan.py BINARY [--documents N] [--cases NAME,...]     (or ./dev bench --only scan)

Each query runs over one collection of N documents while a second client creates documents elsewhere at a steady pace. Printed
are the time to the first result, to the end, how much the server's memory grew meanwhile, and how the creates' latency compares
with that of the same pace on a server that does nothing else. The clients are processes of their own that only count bytes.
"""
import argparse
import multiprocessing
import os
import random
import re
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time

from messages import field, frame

DOCS = "projects/scan/databases/(default)/documents"
BATCH = 1000        # documents of one commit while filling
PACE = 0.005        # seconds between two creates
LAST = "z" * 20     # the id after all others
QUIET = 4           # seconds of creates without a query
PATIENCE = 300      # seconds a query may take
INDEXED = 0.5       # seconds: a query that takes longer has no index yet
PROMISED = "first result under 50 ms, grew under 16 MB, creates at most 2 times slower at p99"


# ---- queries ----

def where(op, name, value):
    """A Filter of one FieldFilter on an integer."""
    return field(3, field(2, field(1, field(2, name)) + field(2, op) + field(3, field(2, value))))


def order(name, descending=False):
    return field(4, field(1, field(2, name)) + field(2, 2 if descending else 1))


EQUAL = 5  # FieldFilter.Operator
FROM = field(2, field(2, b"logs"))


def queries(n):
    """Name: (StructuredQuery, how many answers)."""
    return {
        "all": (FROM, n),
        "filter all match": (FROM + where(EQUAL, b"status_code", 200), n),
        "filter one matches": (FROM + where(EQUAL, b"last", 1), 1),
        "filter none match": (FROM + where(EQUAL, b"n", n + 1), 0),
        "order by field": (FROM + order(b"n"), n),
        "order by field desc": (FROM + order(b"text", True), n),
        "order by limit 10": (FROM + order(b"n") + field(5, field(1, 10)), 10),
        "order by limit n/2": (FROM + order(b"n") + field(5, field(1, n // 2)), n // 2),
        "offset to the end": (FROM + field(6, n - 10), 10),
        "collection group": (field(2, field(2, b"logs") + field(3, 1)), n),
    }


# ---- clients ----

def http2(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def send_grpc(port, query, window):
    """RunQuery on a connection of its own; nothing is read. The client's windows hold `window` bytes."""
    text = lambda s: bytes([len(s)]) + s  # HPACK: all are shorter than 127
    headers = b"".join(b"\0" + text(k) + text(v) for k, v in (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/google.firestore.v1.Firestore/RunQuery"), (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"), (b"te", b"trailers"), (b"authorization", b"Bearer owner")))
    message = field(1, DOCS.encode()) + field(2, query)
    s = connect(port)
    s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2(4, 0, 0, struct.pack(">HI", 4, window)) +
              http2(8, 0, 0, struct.pack(">I", max(window - 65535, 1))) + http2(1, 4, 1, headers) +
              http2(0, 1, 1, frame(message)))
    return s


def read_grpc(port, query, out):
    """(seconds to the first result, to the end, answers)."""
    begin, first, answers, buffered, data = time.monotonic(), None, 0, b"", b""
    s = send_grpc(port, query, 2 ** 31 - 1)
    while True:
        got = s.recv(1 << 20)
        if not got:
            sys.exit("the connection ended before the answer")
        buffered += got
        at = 0
        while len(buffered) - at >= 9:
            length, kind, flags = struct.unpack_from(">I", b"\0" + buffered[at:at + 3])[0], buffered[at + 3], buffered[at + 4]
            if len(buffered) - at < 9 + length:
                break
            payload = buffered[at + 9:at + 9 + length]
            at += 9 + length
            if kind == 0:
                first = first or time.monotonic() - begin
                data += payload
                seen = 0
                while len(data) - seen >= 5 and len(data) - seen >= 5 + struct.unpack_from(">I", data, seen + 1)[0]:
                    size = struct.unpack_from(">I", data, seen + 1)[0]
                    answers += data[seen + 5:seen + 6] == b"\x0a"
                    seen += 5 + size
                data = data[seen:]
            elif kind == 1 and flags & 1:
                out.put((first, time.monotonic() - begin, answers))
                return
        buffered = buffered[at:]


def read_rest(port, body, out):
    begin, first, answers, last, key = time.monotonic(), None, 0, b"", b'"document":'
    s = connect(port)
    s.sendall(b"POST /v1/%s:runQuery HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner\r\nConnection: close\r\n"
              b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (DOCS.encode(), len(body), body))
    while True:
        got = s.recv(1 << 20)
        if not got:
            break
        first = first or time.monotonic() - begin
        answers += (last + got).count(key)
        last = (last + got)[1 - len(key):]
    out.put((first, time.monotonic() - begin, answers))


def create_steadily(port, stop, out):
    """Creates at a steady pace until told to stop; the latencies, in seconds."""
    s, times, body = connect(port), [], b'{"fields":{"n":{"integerValue":"1"}}}'
    request = (b"POST /v1/%s/elsewhere HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner\r\nContent-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n%s" % (DOCS.encode(), len(body), body))
    due = time.monotonic()
    while not stop.is_set():
        due = max(due + PACE, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
        begin = time.monotonic()
        s.sendall(request)
        if not s.recv(65536).startswith(b"HTTP/1.1 200"):
            out.put(None)
            return
        times.append(time.monotonic() - begin)
    out.put(times)


class Peak:
    """The most memory that the server has while it runs."""

    def __init__(self, server):
        self.server, self.pids = server, server.pids()
        self.before, self.most, self.done = server.memory(self.pids)[0], 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.done:
            self.most = max(self.most, self.server.memory(self.pids)[0])
            time.sleep(0.02)

    def growth(self):
        self.done = True
        self.thread.join()
        return self.most - self.before


def fill(port, n):
    """n documents in one collection, ids as auto ids, fields in no order."""
    rng, s = random.Random(1), connect(port)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    numbers = list(range(n))
    rng.shuffle(numbers)
    write = ('{"update":{"name":"%s/logs/%s","fields":{"n":{"integerValue":"%d"},"text":{"stringValue":"%s"},"status_code":{"integerValue":"200"},'
             '"endpoint":{"stringValue":"/items/42"},"method":{"stringValue":"GET"},"user_id":{"stringValue":"u-1042"}%s}}}')
    for at in range(0, n, BATCH):
        ids = ["".join(rng.choices(letters, k=20)) for _ in range(min(BATCH, n - at))]
        if at + BATCH >= n:
            ids[-1] = LAST
        body = ('{"writes":[%s]}' % ",".join(
            write % (DOCS, id, numbers[at + i], id[::-1], ',"last":{"integerValue":"1"}' if id == LAST else "")
            for i, id in enumerate(ids))).encode()
        s.sendall(b"POST /v1/%s:commit HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n%s" % (DOCS.encode(), len(body), body))
        answer = s.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit("filling: " + answer.decode(errors="replace"))
        head, _, rest = answer.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)content-length: (\d+)", head).group(1)) - len(rest)
        while left > 0:
            left -= len(s.recv(min(left, 1 << 20)))


# ---- measuring ----

class Pace:
    def __init__(self, port):
        self.stop, self.out = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=create_steadily, args=(port, self.stop, self.out))
        self.process.start()

    def latencies(self):
        self.stop.set()
        times = self.out.get()
        self.process.join()
        if not times:
            sys.exit("a create failed")
        return percentiles(times)


def percentiles(times):
    times = sorted(times)
    return [times[min(int(len(times) * p), len(times) - 1)] * 1000 for p in (0.5, 0.99)]


def run(target, *args):
    out = multiprocessing.Queue()
    process = multiprocessing.Process(target=target, args=args + (out,))
    process.start()
    got = out.get(timeout=PATIENCE)
    process.join()
    return got


def quiet(server):
    pace = Pace(server.port)
    time.sleep(QUIET)
    return pace.latencies()


def case(server, name, target, query, expected):
    base = quiet(server)
    pace, peak = Pace(server.port), Peak(server)
    first, total, answers = run(target, server.port, query)
    growth, busy = peak.growth(), pace.latencies()
    wrong = "" if answers == expected else "  WRONG: %d answers" % answers
    line = "%-28s first %8.1f ms  all %7.2f s  grew %6.1f MB  creates p50 %5.2f -> %5.2f ms  p99 %5.2f -> %6.2f ms (x %.1f)%s" % (
        name, (first or 0) * 1000, total, growth, base[0], busy[0], base[1], busy[1], busy[1] / base[1], wrong)
    return line


def indexed(server, name, query, expected):
    """The same query again, once the index that it wished for has been built."""
    begin = time.monotonic()
    while run(read_grpc, server.port, query)[1] > INDEXED and time.monotonic() - begin < PATIENCE:
        time.sleep(5)
    return "after %3.0f s " % (time.monotonic() - begin) + case(server, name, read_grpc, query, expected)


def stalled(server, query):
    """A client that asks and does not read: memory stays flat, nobody waits for it."""
    base = quiet(server)
    pace, peak = Pace(server.port), Peak(server)
    sockets = [send_grpc(server.port, query, 65535) for _ in range(20)]
    time.sleep(QUIET)
    growth, busy = peak.growth(), pace.latencies()
    for s in sockets:
        s.close()
    return "%-28s grew %6.1f MB  creates p50 %5.2f -> %5.2f ms  p99 %5.2f -> %6.2f ms (x %.1f)" % (
        "20 clients that do not read", growth, base[0], busy[0], base[1], busy[1], busy[1] / base[1])


def report(serve, documents, scratch, only=()):
    """The lines of the report, one by one. serve(data) starts a server."""
    data = os.path.join(scratch, "scan")
    server = None
    try:
        if not os.path.isdir(data):
            server, begin = serve(data), time.monotonic()
            fill(server.port, documents)
            yield "%d documents in %.1f s, VmRSS %.1f MB; promised of `all`: %s" % (
                documents, time.monotonic() - begin, server.memory()[0], PROMISED)
            server.stop()
        server = serve(data)
        for name, (query, expected) in queries(documents).items():
            if not only or name in only:
                yield case(server, name, read_grpc, query, expected)
        for name in ("filter one matches", "order by limit 10"):
            if not only or "indexed" in only:
                yield indexed(server, name + " (indexed)", *queries(documents)[name])
        if not only or "rest" in only:
            yield case(server, "all, over REST", read_rest, b'{"structuredQuery":{"from":[{"collectionId":"logs"}]}}', documents)
        if not only or "stalled" in only:
            yield stalled(server, FROM)
    finally:
        if server:
            server.stop()


def main():
    import bench  # only here: it imports this file
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("binary")
    p.add_argument("--documents", type=int, default=1000000)
    p.add_argument("--cases", default="")
    p.add_argument("--scratch", default="", help="keep the data here, and use what is there")
    a = p.parse_args()
    scratch = a.scratch or tempfile.mkdtemp(prefix="cinderlog-scan-")
    serve = lambda data: bench.serve(os.path.abspath(a.binary), data)
    try:
        for line in report(serve, a.documents, scratch, [c for c in a.cases.split(",") if c]):
            print(line, flush=True)
    finally:
        if not a.scratch:
            shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()

"""A part of bench.py: what listeners cost, and how soon they are told.

One listener on a collection of 100,000 documents: from the request of a commit until its answer, and until the snapshot that
has it; CPU of the server per delta. 1,000 idle listeners: what they add to VmRSS. Creates on 64 connections without a
listener and with one, on their collection or elsewhere, in turn, so that a noisy minute hits both. A resume
after 10,000 missed commits in 100 documents: bytes.

Listeners read HTTP/2 by hand (RFC 9113): a client library would use up the core that the server needs.
"""
import json
import os
import socket
import statistics
import struct
import threading
import time

from messages import field, frame

DATABASE = "projects/bench/databases/(default)"
DOCS = DATABASE + "/documents"
DOCUMENTS = 100000
DELTAS = 300
IDLE = 1000
MISSED = 10000
DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
END_HEADERS, ACK = 4, 1
STREAMS = 100  # of one connection


def query(collection, target=1, token=b""):
    """ListenRequest: everything in a collection."""
    structured = field(2, field(2, collection.encode()))
    asked = field(2, field(1, DOCS.encode()) + field(2, structured)) + field(5, target)
    return field(1, DATABASE.encode()) + field(2, asked + (field(4, token) if token else b""))


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def parts(message):
    """(field number, value) of a message whose fields are varints or bytes."""
    at = 0
    while at < len(message):
        key, at = number(message, at)
        value, at = number(message, at)
        if key & 7 == 2:
            value, at = message[at:at + value], at + value
        yield key >> 3, value


def number(message, at):
    n = shift = 0
    while True:
        n |= (message[at] & 127) << shift
        shift += 7
        at += 1
        if message[at - 1] < 128:
            return n, at


class Connection:
    """HTTP/2 with the largest windows; what is read are the DATA frames."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.streams, self.rest, self.begun, self.bytes = 0, b"", {}, 0
        settings = struct.pack(">HI", 4, 2 ** 31 - 1)  # INITIAL_WINDOW_SIZE
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(SETTINGS, 0, 0, settings) +
                            self.frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2 ** 31 - 1 - 65535)))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def listen(self, *requests):
        """One more stream."""
        stream = 2 * self.streams + 1
        self.streams += 1
        headers = b"".join(literal(*pair) for pair in (
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/google.firestore.v1.Firestore/Listen"),
            (b":authority", b"localhost"), (b"content-type", b"application/grpc"), (b"te", b"trailers"),
            (b"authorization", b"Bearer owner")))
        self.socket.sendall(self.frame(HEADERS, END_HEADERS, stream, headers) +
                            b"".join(self.frame(DATA, 0, stream, frame(r)) for r in requests))

    def read(self):
        """The messages that have come, of all streams. Waits for some bytes."""
        self.rest += self.socket.recv(1 << 20)
        found = []
        while len(self.rest) >= 9:
            n, (kind, flags, stream) = int.from_bytes(self.rest[:3], "big"), struct.unpack(">BBI", self.rest[3:9])
            if len(self.rest) < 9 + n:
                break
            payload, self.rest = self.rest[9:9 + n], self.rest[9 + n:]
            if kind == DATA:
                self.bytes += n
                found += self.messages(stream, payload)
            elif kind in (SETTINGS, PING) and not flags & ACK:
                self.socket.sendall(self.frame(kind, ACK, 0, payload if kind == PING else b""))
            elif kind in (GOAWAY, 3):
                raise SystemExit("listen: the server ended a stream: %r" % payload)
        return found

    def messages(self, stream, payload):
        """Those that end in a frame of a stream."""
        payload, at = self.begun.pop(stream, b"") + payload, 0
        while len(payload) - at >= 5:
            n = int.from_bytes(payload[at + 1:at + 5], "big")
            if len(payload) - at < 5 + n:
                break
            yield payload[at + 5:at + 5 + n]
            at += 5 + n
        if at < len(payload):
            self.begun[stream] = payload[at:]

    def until_snapshots(self, n=1):
        """Until that many snapshots have come: a target change without kind and targets. The documents before, and the
        newest token."""
        documents, token = 0, b""
        while n > 0:
            for message in self.read():
                (case, body), = parts(message)
                documents += case == 3
                change = dict(parts(body)) if case == 2 else {1: 0}
                if 1 not in change and 2 not in change:
                    n, token = n - 1, change[4]
        return documents, token

    def swallow(self):
        """Reads whatever comes, in a thread, until it is closed."""
        def run():
            try:
                while n := len(self.socket.recv(1 << 20)):
                    self.bytes += n
            except OSError:
                pass
        threading.Thread(target=run, daemon=True).start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def listening(port, *collections):
    """A connection for a hundred of them each, all with their first snapshot."""
    connections = []
    for a in range(0, len(collections), STREAMS):
        c = Connection(port)
        for collection in collections[a:a + STREAMS]:
            c.listen(query(collection))
        c.until_snapshots(len(collections[a:a + STREAMS]))
        connections.append(c)
    return connections


def commit(http, port, writes):
    http(port, "POST", "/v1/%s:commit" % DOCS, json.dumps({"writes": [
        {"update": {"name": "%s/%s" % (DOCS, path), "fields": {"n": {"integerValue": str(n)}, "text": {"stringValue": "some text of a document"}}}}
        for path, n in writes]}))


def fill(http, port, collection, n):
    for a in range(0, n, 500):
        commit(http, port, [("%s/%06d" % (collection, i), i) for i in range(a, min(a + 500, n))])


def deltas(bench, server):
    """One changed document after the other, and a resume that missed ten thousand."""
    fill(bench.http, server.port, "large", DOCUMENTS)
    c = Connection(server.port)
    begin = time.monotonic()
    c.listen(query("large"))
    documents, token = c.until_snapshots()
    if documents != DOCUMENTS:
        raise SystemExit("listen: %d documents came, of %d" % (documents, DOCUMENTS))
    yield "the first %d documents: %.2f s, %.1f MB" % (DOCUMENTS, time.monotonic() - begin, c.bytes / 1e6)
    answers, told, before = [], [], server.cpu()
    for i in range(DELTAS):
        begin = time.monotonic()
        commit(bench.http, server.port, [("large/%06d" % (i * 7), -1 - i)])
        answers.append((time.monotonic() - begin) * 1000)
        documents = 0
        while not documents:  # a stream also says that it lives
            documents, token = c.until_snapshots()
        told.append((time.monotonic() - begin) * 1000)
        if documents != 1:
            raise SystemExit("listen: one document changed, and %d came" % documents)
    p99 = lambda values: sorted(values)[len(values) * 99 // 100]
    yield "one changed document, from the request to its answer: median %.2f ms, p99 %.2f; to the listener: median %.2f ms, p99 %.2f; CPU of both %.0f us" % (
        statistics.median(answers), p99(answers), statistics.median(told), p99(told), (server.cpu() - before) / DELTAS * 1e6)
    c.close()
    for a in range(0, MISSED, 100):
        bench.http(server.port, "POST", "/v1/%s:batchWrite" % DOCS, json.dumps({"writes": [
            {"update": {"name": "%s/large/%06d" % (DOCS, i), "fields": {"n": {"integerValue": str(a)}}}} for i in range(100)]}))
    c = Connection(server.port)
    begin = time.monotonic()
    c.listen(query("large", token=token))
    documents, token = c.until_snapshots()
    yield "a resume after %d missed commits in 100 documents: %d documents, %d bytes, %.1f ms" % (
        MISSED, documents, c.bytes, (time.monotonic() - begin) * 1000)
    c.close()


def idle(server):
    before, _ = server.memory()
    connections = listening(server.port, *("idle%d" % n for n in range(IDLE)))
    after, _ = server.memory()
    for c in connections:
        c.close()
    return "%d idle listeners: VmRSS %.1f MB, %.1f more than before" % (IDLE, after, after - before)


# What listens while documents are created.
BESIDE = (("one on the collection", ["api_audit_logs"]), ("one elsewhere", ["elsewhere"]),
          ("100 elsewhere", ["elsewhere%d" % n for n in range(100)]))


def writes(bench, a, server, loads):
    """Creates per second, beside those without a listener just before."""
    message = lambda: field(1, DOCS.encode()) + field(2, b"api_audit_logs") + field(4, bench.entry(bench.datetime.datetime.now(bench.datetime.timezone.utc)))

    def rate():
        m = bench.measure(server, lambda: loads.grpc(server.port, "CreateDocument", message(), bench.SERVICE, 64))
        if m["bad"]:
            raise SystemExit("listen: %d creates were no success" % m["bad"])
        return m
    rows = {what: [] for what, _ in BESIDE}
    rate()
    for _ in range(a.rounds):
        for what, collections in BESIDE:
            alone = rate()
            connections = [c for c in resumed(server.port, collections)]
            beside = rate()
            for c in connections:
                c.close()
            rows[what].append((beside["rate"] / alone["rate"], alone["us"], beside["us"], beside["rate"]))
    for what, found in rows.items():
        ratio, alone, beside, per_s = (statistics.median(column) for column in zip(*found))
        yield "creates with a listener, %s: %.0f/s, %.2f of without; CPU %.1f us each, without %.1f" % (what, per_s, ratio, beside, alone)


def resumed(port, collections):
    """Listeners that know what is there: not even the first results are in the way."""
    c = Connection(port)
    c.listen(query("nothing"))
    _, token = c.until_snapshots()
    c.close()
    c = Connection(port)
    for collection in collections:
        c.listen(query(collection, token=token))
    c.until_snapshots(len(collections))
    c.swallow()
    return [c]


def report(bench, a, folder, scratch):
    server = bench.serve(bench.find(folder, "cinderlog"), os.path.join(scratch, "listen"))
    lines = [idle(server), *deltas(bench, server), *writes(bench, a, server, bench.Loads(scratch, a.seconds))]
    server.stop()
    return lines

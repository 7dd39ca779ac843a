#!/usr/bin/env python3
"""What a client may do to the server over HTTP/2 and what it may not, with frames made by hand: each flood ends its own
connection with GOAWAY and ENHANCE_YOUR_CALM while others are served; what ordinary clients send is never punished.

usage: test_http2.py BINARY [NAME ...]        last line: N passed, M failed
"""
import os
import select
import socket
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "oracle")]
import h2  # noqa: E402  (the frames of tests/oracle)
from test_cli import DOCS, Server, main, text  # noqa: E402

NO_ERROR, CANCEL, ENHANCE_YOUR_CALM = 0, 8, 11
MANY = 60000  # of anything: every flood must have been stopped before
INITIAL_WINDOW_SIZE = 4


def get(stream, path="/", flags=h2.END_STREAM | h2.END_HEADERS):
    head = b"".join(h2.literal(*x) for x in ((":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
                                             ("authorization", "Bearer owner")))
    return h2.frame(h2.HEADERS, flags, stream, head)


def reset(stream, code=CANCEL):
    return h2.frame(h2.RST_STREAM, 0, stream, struct.pack(">I", code))


class Raw:
    """A connection that sends what it is told and takes frames apart. It gives no window back by itself."""

    def __init__(self, server, settings=b""):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes, self.goaway, self.next_stream = b"", None, 1
        self.send(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def stream(self):
        self.next_stream += 2
        return self.next_stream - 2

    def send(self, data):
        """False: the server has ended the connection."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def take(self):
        """The first frame of what has come, as (type, flags, stream, payload); None when it is not whole."""
        size = struct.unpack(">I", b"\0" + self.bytes[:3])[0] if len(self.bytes) >= 9 else 0
        if len(self.bytes) < 9 + size:
            return None
        kind, flags, stream = self.bytes[3], self.bytes[4], struct.unpack(">I", self.bytes[5:9])[0]
        payload, self.bytes = self.bytes[9:9 + size], self.bytes[9 + size:]
        if kind == h2.GOAWAY:
            self.goaway = struct.unpack(">I", payload[4:8])[0], payload[8:].decode()
        return kind, flags, stream, payload

    def receive(self):
        """False: the connection has ended."""
        try:
            more = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.bytes += more
        return more != b""

    def read(self):
        """The next frame; None at the end."""
        while not (frame := self.take()):
            if not self.receive():
                return None
        return frame

    def has_ended(self):
        """Looks without waiting."""
        ended = select.select([self.socket], [], [], 0)[0] and not self.receive()
        while self.take():
            pass
        return ended or self.goaway is not None

    def until(self, wanted):
        """Reads to a frame that is wanted and returns it."""
        while frame := self.read():
            if wanted(*frame):
                return frame
        raise AssertionError("the connection ended: %s" % (self.goaway,))

    def answer(self, stream):
        """Reads to the end of a stream; how many bytes of DATA came."""
        size = 0
        while frame := self.read():
            kind, flags, of, payload = frame
            assert kind != h2.RST_STREAM or of != stream, payload
            if of == stream:
                size += len(payload) if kind == h2.DATA else 0
                if kind in (h2.DATA, h2.HEADERS) and flags & h2.END_STREAM:
                    return size
        raise AssertionError("the connection ended: %s" % (self.goaway,))

    def ended(self):
        """Reads to the end; the code and the words of its GOAWAY."""
        while self.read():
            pass
        return self.goaway


def flooded(make, batch=500):
    """Sends batches of what make(connection) gives until the server has had enough: the words of its GOAWAY. Others are
    served meanwhile and afterwards, over either protocol."""
    with Server("--data", ":memory:") as s, Raw(s) as bystander, Raw(s) as flood:
        assert bystander.send(get(1)) and bystander.answer(1) > 0
        sent = 0
        while sent < MANY and not flood.has_ended() and flood.send(b"".join(make(flood) for _ in range(batch))):
            sent += batch
        goaway = flood.ended()
        assert bystander.send(get(3)) and bystander.answer(3) > 0
        assert s.ask("GET", "/")[0] == 200
        assert s.stop() == 0
    assert goaway and goaway[0] == ENHANCE_YOUR_CALM, goaway
    return goaway[1]


# ---- floods ----

def rapid_reset(c):
    stream = c.stream()
    return get(stream) + reset(stream)


def test_rapid_reset_cve_2023_44487():
    assert flooded(rapid_reset) == "too many requests taken back at once"


def test_ping_flood():
    assert flooded(lambda c: h2.frame(h2.PING, 0, 0, b"12345678")) == "too_many_pings"


def test_settings_flood():
    assert flooded(lambda c: h2.frame(h2.SETTINGS, 0, 0, b"")) == "too many SETTINGS"


def test_continuation_flood_cve_2024_27316():
    begun = []

    def more(c):
        if not begun:
            begun.append(True)
            return get(1, flags=h2.END_STREAM)
        return h2.frame(h2.CONTINUATION, 0, 1, h2.literal("x", "y"))
    assert flooded(more) == "too many CONTINUATION frames"


def test_empty_data_flood():
    begun = []

    def more(c):
        if not begun:
            begun.append(True)
            return get(1, flags=h2.END_HEADERS)
        return h2.frame(h2.DATA, 0, 1, b"")
    assert flooded(more) == "too many frames without content"


def test_priority_and_unknown_frames_flood():
    unknown = h2.frame(0x42, 0, 0, b"?") + h2.frame(h2.PRIORITY, 0, 1, b"\0\0\0\0\1")
    assert flooded(lambda c: unknown) == "too many frames without content"


def test_header_bombs():
    """4 kB go into HPACK's table, and each later byte refers to them."""
    begun = []

    def bomb(c):
        insert = b""
        if not begun:
            begun.append(True)
            insert = b"\x40" + h2.length(1) + b"b" + h2.length(4000) + b"x" * 4000  # literal, to be indexed: number 62
        return h2.frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, c.stream(), insert + b"\x82\x86\x84" + b"\xbe" * 8000)
    assert flooded(bomb, 10) == "too many header blocks over the maximum"


# ---- windows of 0 ----

def memory(server):
    with open("/proc/%d/status" % server.process.pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) * 1024


def test_answers_without_a_window_are_parked_and_others_are_served():
    """What ends them in the long run is a limit of ten minutes: test_net_http2.c has it."""
    with Server("--data", ":memory:") as s, Raw(s, struct.pack(">HI", INITIAL_WINDOW_SIZE, 0)) as stuck:
        for i in range(40):
            assert s.ask("POST", DOCS + "/c?documentId=d%d" % i, text("x" * 500000))[0] == 200
        before = memory(s)
        streams = [stuck.stream() for _ in range(100)]
        query = b'{"structuredQuery":{"from":[{"collectionId":"c"}]}}'
        head = b"".join(h2.literal(*x) for x in ((":method", "POST"), (":scheme", "http"), (":path", DOCS + ":runQuery"),
                                                 (":authority", "localhost"), ("authorization", "Bearer owner")))
        for stream in streams:
            stuck.send(h2.frame(h2.HEADERS, h2.END_HEADERS, stream, head) + h2.frame(h2.DATA, h2.END_STREAM, stream, query))
        seen = set()
        while len(seen) < len(streams):  # every answer has begun
            seen.add(stuck.until(lambda kind, *_: kind == h2.HEADERS)[2])
        assert s.ask("GET", DOCS + "/c/d1")[0] == 200
        grown = memory(s) - before
        assert grown < 700 << 20, grown  # of 2 GB: each stream holds what a parked one may hold
        window = struct.pack(">I", 1 << 25)  # it was only slow: given a window, all comes
        stuck.send(h2.frame(h2.WINDOW_UPDATE, 0, 0, window) + h2.frame(h2.WINDOW_UPDATE, 0, streams[0], window))
        assert stuck.answer(streams[0]) > 40 * 500000
        assert s.stop() == 0


# ---- what ordinary clients do ----

def test_pings_in_step_with_answers_are_no_flood():
    """grpc-go sends one for nearly every DATA frame, to measure the bandwidth."""
    with Server("--data", ":memory:") as s, Raw(s) as c:
        for _ in range(1500):
            stream = c.stream()
            c.send(get(stream) + h2.frame(h2.PING, 0, 0, b"bandwidt"))
            c.answer(stream)
        assert c.goaway is None


def test_keepalive_pings_are_answered():
    with Server("--data", ":memory:") as s, Raw(s) as c:
        for i in range(300):
            c.send(h2.frame(h2.PING, 0, 0, struct.pack(">Q", i)))
            assert c.until(lambda kind, *_: kind == h2.PING)[1:] == (h2.ACK, 0, struct.pack(">Q", i))


def test_a_reset_after_the_end_of_an_answer_is_no_flood():
    """grpc-js sends one after each; nghttp2 by itself would allow 33 a second."""
    with Server("--data", ":memory:") as s, Raw(s) as c:
        for _ in range(1500):
            stream = c.stream()
            c.send(get(stream))
            c.answer(stream)
            c.send(reset(stream, NO_ERROR))
        assert c.goaway is None


def test_cancelled_calls_are_no_flood():
    """Listeners end so: the answer had begun."""
    with Server("--data", ":memory:") as s, Raw(s, struct.pack(">HI", INITIAL_WINDOW_SIZE, 0)) as c:
        for _ in range(1500):
            stream = c.stream()
            c.send(get(stream))
            c.until(lambda kind, _, of, __: kind == h2.HEADERS and of == stream)
            c.send(reset(stream))
        c.send(h2.frame(h2.PING, 0, 0, b"the end."))
        c.until(lambda kind, *_: kind == h2.PING)
        assert c.goaway is None


def test_an_offer_to_upgrade_is_passed_over():
    with Server("--data", ":memory:") as s, socket.create_connection(("127.0.0.1", s.port), timeout=60) as c:
        c.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
                  b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n")
        answer = b""
        while more := c.recv(65536):
            answer += more
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"Ok\n"), answer


if __name__ == "__main__":
    sys.exit(main(dict(globals())))

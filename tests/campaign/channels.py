"""Sends bytes and reads what comes back, over HTTP/1.1 and over HTTP/2, without any client library in between.

Both return an Answer; `refused` is the connection-level refusal: closed, RST_STREAM or GOAWAY before any answer.
"""
import dataclasses
import re
import socket
import struct
import time

import h2


@dataclasses.dataclass
class Answer:
    statuses: list  # HTTP status of each answer
    grpc: int = None  # grpc-status
    body: bytes = b""
    refused: bool = False
    hung: bool = False
    seconds: float = 0.0


def connect(port, timeout):
    s = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def send(s, data):
    """What the server does not want to read any more is no failure: its answer may be there already."""
    try:
        s.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


# ---- HTTP/1.1 ----

STATUS = re.compile(rb"(?:\A|\r\n|\n)HTTP/1\.[01] (\d{3})[ \r]")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)


def first_answer(data, is_head):
    """(head, body) of the first final answer in data, or None while it is not complete."""
    while True:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head, rest = data[:end + 2], data[end + 4:]
        if not re.match(rb"HTTP/1\.[01] 1\d\d", head):
            break
        data = rest
    if is_head or re.match(rb"HTTP/1\.[01] (204|304)", head):
        return head, b""
    if CHUNKED.search(head):
        out = b""
        while True:
            line, mark, rest = rest.partition(b"\r\n")
            if not mark or len(rest) < int(line, 16) + 2:
                return None
            size = int(line, 16)
            if not size:
                return head, out
            out, rest = out + rest[:size], rest[size + 2:]
    size = int((LENGTH.search(head) or [0, 0])[1])
    return (head, rest[:size]) if len(rest) >= size else None


PATIENCE = 0.3  # before we say that nothing follows a request whose end may be missing


def ask_http1(port, data, framed, timeout):
    """framed: data is a whole request. Else, without an answer for a while, our side is closed and theirs must end."""
    is_head = data.startswith(b"HEAD ")
    received, closed = b"", framed
    with connect(port, timeout) as s:
        send(s, data)
        started = last = time.monotonic()
        try:
            while not first_answer(received, is_head):
                s.settimeout(max(0.01, last + timeout - time.monotonic()) if closed else PATIENCE)
                try:
                    chunk = s.recv(65536)
                except TimeoutError:
                    if closed:
                        raise
                    closed, last = True, time.monotonic()
                    s.shutdown(socket.SHUT_WR)
                    continue
                if not chunk:
                    break
                received += chunk
        except TimeoutError:
            return Answer([int(x) for x in STATUS.findall(received)], body=received, hung=True, seconds=timeout)
        except OSError:
            pass
    parsed = first_answer(received, is_head)
    statuses = [int(x) for x in STATUS.findall(received)]
    return Answer(statuses, body=parsed[1] if parsed else received, refused=not parsed,
                  seconds=time.monotonic() - started)


# ---- HTTP/2 ----

# Our SETTINGS forbid a dynamic table, so that names are literals, plain or in this one Huffman form.
NO_TABLE = h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 1, 0))
GRPC_STATUS = (b"grpc-status", bytes.fromhex("9acac8b21234da8f"))
STATIC_STATUS = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def integer(block, at, bits):
    mask = (1 << bits) - 1
    n, at = block[at] & mask, at + 1
    if n < mask:
        return n, at
    shift = 0
    while True:
        n += (block[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if block[at - 1] < 128:
            return n, at


def text(block, at):
    n, after = integer(block, at, 7)
    return block[after:after + n], after + n


def statuses_of(block):
    """(:status, grpc-status) of a header block, None where absent. Their values are too short for Huffman to pay."""
    http = grpc = None
    at = 0
    while at < len(block):
        first = block[at]
        if first & 128:
            index, at = integer(block, at, 7)
            http = STATIC_STATUS.get(index, http)
            continue
        if first & 0xe0 == 0x20:
            _, at = integer(block, at, 5)
            continue
        index, at = integer(block, at, 6 if first & 64 else 4)
        name = b""
        if not index:
            name, at = text(block, at)
        value, at = text(block, at)
        if 8 <= index <= 14:
            http = int(value)
        if name in GRPC_STATUS:
            grpc = int(value)
    return http, grpc


class Frames:
    """Reads frames until stream 1 ends, one way or the other."""

    def __init__(self, s, deadline):
        self.s, self.deadline, self.buffer = s, deadline, b""

    def take(self, n):
        while len(self.buffer) < n:
            self.s.settimeout(max(0.01, self.deadline - time.monotonic()))
            chunk = self.s.recv(65536)
            if not chunk:
                raise ConnectionError
            self.buffer += chunk
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def next(self):
        head = self.take(9)
        return head[3], head[4], int.from_bytes(head[5:], "big"), self.take(int.from_bytes(head[:3], "big"))


def read_stream(s, frames, answer):
    while True:
        kind, flags, stream, payload = frames.next()
        if kind == h2.SETTINGS and not flags & h2.ACK:
            send(s, h2.frame(h2.SETTINGS, h2.ACK, 0, b""))
        elif kind == h2.PING and not flags & h2.ACK:
            send(s, h2.frame(h2.PING, h2.ACK, 0, payload))
        elif kind == h2.HEADERS and stream == 1:
            http, grpc = statuses_of(payload)
            answer.statuses += [http] if http else []
            answer.grpc = grpc if grpc is not None else answer.grpc
        elif kind == h2.DATA and stream == 1:
            answer.body += payload
            if payload:
                send(s, b"".join(h2.frame(h2.WINDOW_UPDATE, 0, x, struct.pack(">I", len(payload))) for x in (0, 1)))
        if kind == h2.GOAWAY or (kind == h2.RST_STREAM and stream == 1):
            answer.refused = answer.grpc is None
            return
        if kind in (h2.HEADERS, h2.DATA) and stream == 1 and flags & h2.END_STREAM:
            return


def ask_http2(port, data, framed, timeout):
    """framed: data is a whole request. Else our side is closed after it."""
    answer = Answer([])
    with connect(port, timeout) as s:
        whole = send(s, data)
        started = time.monotonic()
        try:
            if whole and not framed:
                s.shutdown(socket.SHUT_WR)
            read_stream(s, Frames(s, started + timeout), answer)
        except TimeoutError:
            answer.hung = True
        except OSError:
            answer.refused = answer.grpc is None
    answer.seconds = time.monotonic() - started
    return answer

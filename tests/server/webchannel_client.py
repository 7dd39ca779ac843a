"""A client of WebChannel over raw sockets, as browsers speak it: it checks framing, lengths and the order of ids as it reads.

A back channel is read when the test says so, and not before: so there are slow readers and broken ones.
"""
import json
import os
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "oracle"))
import h2  # noqa: E402

PATIENCE = 60
DATABASE = "projects/p/databases/(default)"
DOCUMENTS = DATABASE + "/documents"
ORIGIN = "http://localhost:5000"
OWNER = "X-Goog-Api-Client:gl-js/ fire/12\r\nContent-Type:text/plain\r\nAuthorization:Bearer owner\r\n"


def quote(text):
    return urllib.parse.quote(text, safe="")


def form(messages, ofs=0, headers=None):
    """What browsers send: a field a message, everything percent-encoded."""
    fields = [] if headers is None else ["headers=" + quote(headers)]
    fields += ["count=%d" % len(messages), "ofs=%d" % ofs]
    fields += ["req%d___data__=%s" % (i, quote(m if isinstance(m, str) else json.dumps(m, ensure_ascii=False)))
               for i, m in enumerate(messages)]
    return "&".join(fields)


class Chunks:
    """Length-prefixed chunks of arrays out of what comes, in UTF-16 code units."""

    def __init__(self):
        self.bytes = b""

    def feed(self, data):
        """The arrays that are whole now."""
        self.bytes += data
        arrays = []
        while b"\n" in self.bytes:
            number, rest = self.bytes.split(b"\n", 1)
            units = rest.decode("utf-8", errors="ignore").encode("utf-16-le")
            if len(units) < 2 * int(number):
                break
            chunk = units[:2 * int(number)].decode("utf-16-le")
            self.bytes = rest[len(chunk.encode()):]
            arrays += json.loads(chunk)
        return arrays


class Http1:
    """One request on a connection of its own, and its answer as it comes."""

    def __init__(self, port, method, target, body=None, headers=(), receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: 127.0.0.1:%d" % port, "Origin: " + ORIGIN, *headers]
        data = b"" if body is None else body.encode()
        if body is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", "Content-Length: %d" % len(data)]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        self.raw, self.ended = b"", False
        self.status = None

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the connection ended in the middle of an answer")
        self.raw += data

    def _line(self):
        while b"\r\n" not in self.raw:
            self._receive()
        line, self.raw = self.raw.split(b"\r\n", 1)
        return line

    def head(self):
        if self.status is not None:
            return self.status
        self.status = int(self._line().split()[1])
        self.headers = {}
        while (line := self._line()):
            name, value = line.decode().split(":", 1)
            self.headers[name.lower()] = value.strip()
        return self.status

    def piece(self):
        """Some bytes of the body; b"" at its end."""
        self.head()
        if self.ended:
            return b""
        if "content-length" in self.headers:
            n, self.ended = int(self.headers["content-length"]), True
        else:
            n = int(self._line(), 16)
        while len(self.raw) < n:
            self._receive()
        data, self.raw = self.raw[:n], self.raw[n:]
        if not self.ended:
            self._line()
            self.ended = n == 0
        return data

    def body(self):
        return b"".join(iter(self.piece, b""))

    def close(self):
        self.socket.close()


class Http2:
    """The same as a stream of a connection with prior knowledge."""

    def __init__(self, port, method, target, body=None, headers=(), receive_buffer=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        block = b"".join(h2.literal(n, v) for n, v in (
            (":method", method), (":scheme", "http"), (":path", target), (":authority", "127.0.0.1:%d" % port),
            ("origin", ORIGIN), *((h.split(": ", 1)[0].lower(), h.split(": ", 1)[1]) for h in headers)))
        if body is not None:
            block += h2.literal("content-type", "application/x-www-form-urlencoded")
        flags = h2.END_HEADERS | (0 if body is not None else h2.END_STREAM)
        out = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, b"") + h2.frame(h2.HEADERS, flags, 1, block)
        data = (body or "").encode()
        while body is not None:
            out += h2.frame(h2.DATA, h2.END_STREAM if len(data) <= 16384 else 0, 1, data[:16384])
            data = data[16384:]
            if not data:
                break
        self.socket.sendall(out)
        self.raw, self.ended, self.status = b"", False, None

    def _exactly(self, n):
        while len(self.raw) < n:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the connection ended in the middle of an answer")
            self.raw += data
        part, self.raw = self.raw[:n], self.raw[n:]
        return part

    def piece(self):
        while not self.ended:
            head = self._exactly(9)
            payload = self._exactly(int.from_bytes(head[:3], "big"))
            kind, flags = head[3], head[4]
            if kind == h2.SETTINGS and not flags & h2.ACK:
                self.socket.sendall(h2.frame(h2.SETTINGS, h2.ACK, 0, b""))
            if kind == h2.RST_STREAM:
                raise ConnectionError("the stream was reset")
            if kind not in (h2.HEADERS, h2.DATA):
                continue
            self.ended = bool(flags & h2.END_STREAM)
            if kind == h2.HEADERS:
                self.status = 200 if payload[:1] == b"\x88" else 0  # ":status: 200" of the static table
            elif payload:
                window = len(payload).to_bytes(4, "big")
                self.socket.sendall(h2.frame(h2.WINDOW_UPDATE, 0, 0, window) + h2.frame(h2.WINDOW_UPDATE, 0, 1, window))
                return payload
        return b""

    def head(self):
        return self.status

    body = Http1.body
    close = Http1.close


class Channel:
    """A session. `got` are the payloads of its arrays without noops, `last` the id that it acknowledges."""

    def __init__(self, port, kind, messages=(), headers=OWNER, http=Http1, polling=False, query="", more=()):
        self.port, self.http, self.polling = port, http, polling
        self.base = "/google.firestore.v1.Firestore/%s/channel?VER=8&database=%s" % (kind, quote(DATABASE))
        self.rid, self.ofs, self.last, self.got, self.noops = 40000, 0, 0, [], 0
        self.back, self.chunks = None, Chunks()
        answer = self.ask("POST", "&CVER=22&X-HTTP-Session-Id=gsessionid" + query, form(messages, 0, headers), headers=more)
        self.ofs = len(messages)
        self.opened = answer
        self.answer = answer.body()
        assert answer.head() == 200, (answer.head(), self.answer)
        (first, (command, self.sid, host, version, *_)), = Chunks().feed(self.answer)
        assert (first, command, host, version) == (0, "c", "", 8), self.answer

    def ask(self, method, query, body=None, headers=()):
        self.rid += 1
        return self.http(self.port, method, "%s&RID=%d%s&zx=z%d&t=1" % (self.base, self.rid, query, self.rid), body, headers)

    def forward(self, *messages, ofs=None):
        """Sends messages; the three numbers of the answer."""
        if ofs is None:
            ofs, self.ofs = self.ofs, self.ofs + len(messages)
        answer = self.ask("POST", "&SID=%s&AID=%d" % (self.sid, self.last), form(messages, ofs))
        body = answer.body()
        assert answer.head() == 200, (answer.head(), body)
        answer.close()
        return Chunks().feed(body)

    def listen(self, aid=None, **kw):
        """Opens a back channel."""
        target = "%s&RID=rpc&SID=%s&AID=%d&CI=%d&TYPE=xmlhttp&zx=z&t=1" % (
            self.base, self.sid, self.last if aid is None else aid, self.polling)
        self.back, self.chunks = self.http(self.port, "GET", target, **kw), Chunks()
        return self.back

    def read(self):
        """Takes what comes next, ids in order and none twice. False: the back channel has ended."""
        piece = self.back.piece()
        assert self.back.head() == 200, piece
        for number, payload in self.chunks.feed(piece):
            assert number == self.last + 1, "array %d after %d" % (number, self.last)
            self.last = number
            if payload == ["noop"]:
                self.noops += 1
            else:
                assert len(payload) == 1
                self.got.append(payload[0])
        if not piece:
            assert not self.chunks.bytes, "a back channel ended in the middle of a chunk"
            self.back.close()
            self.back = None
        return bool(piece)

    def until(self, done):
        """Reads until done(got), opening back channels as one ends."""
        end = time.monotonic() + PATIENCE
        while not done(self.got):
            assert time.monotonic() < end, "waited in vain; the last of %d: %r" % (len(self.got), self.got[-3:])
            if not self.back:
                self.listen()
            self.read()
        return self.got

    def break_off(self):
        """The connection of the back channel is gone, with what it had not read."""
        self.back.close()
        self.back = None

    def terminate(self):
        answer = self.ask("POST", "&SID=%s&TYPE=terminate" % self.sid, "")
        body = answer.body()
        answer.close()
        return answer.head(), body


def add_target(number, *names, collection=None):
    target = {"targetId": number}
    if collection:
        target["query"] = {"parent": DOCUMENTS, "structuredQuery": {"from": [{"collectionId": collection}]}}
    else:
        target["documents"] = {"documents": [DOCUMENTS + "/" + n for n in names]}
    return {"database": DATABASE, "addTarget": target}


def changes(got):
    """Names of the documents that were told, in order."""
    return [m["documentChange"]["document"]["name"].rpartition("/")[2] for m in got if "documentChange" in m]


def is_snapshot(message):
    change = message.get("targetChange")
    return bool(change) and "targetIds" not in change and "readTime" in change


def has_snapshot(got):
    return any(map(is_snapshot, got))

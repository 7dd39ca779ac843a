"""wire.py's client over HTTP/2 with prior knowledge: the same requests, the same answers. Needs the package hpack."""
import http.client
import socket
import struct

import hpack

import h2
import wire

WINDOW = (1 << 31) - 1
SETTINGS_INITIAL_WINDOW_SIZE = 4


class Client(wire.Client):
    """One connection, one request at a time."""

    def connect(self):
        self.connection = socket.create_connection((self.host, self.port), timeout=self.timeout)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader, self.decoder = self.connection.makefile("rb"), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.stream = -1
        self.credit = {0: 65535}
        self.first_window = 65535
        self.connection.sendall(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", SETTINGS_INITIAL_WINDOW_SIZE, WINDOW)) +
                                h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW - 65535)))
        while self.next_frame()[0] != h2.SETTINGS:  # its window, before the first body
            pass

    def next_frame(self):
        """(type, flags, stream, payload), with what concerns the connection already done."""
        head = self.reader.read(9)
        if len(head) < 9:
            raise http.client.RemoteDisconnected("the server has ended the connection")
        size, (kind, flags, stream) = struct.unpack(">I", b"\0" + head[:3])[0], struct.unpack(">BBI", head[3:])
        payload = self.reader.read(size)
        if kind == h2.SETTINGS and not flags & h2.ACK:
            for at in range(0, size, 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name == SETTINGS_INITIAL_WINDOW_SIZE:
                    self.first_window = value
            self.connection.sendall(h2.frame(h2.SETTINGS, h2.ACK, 0, b""))
        elif kind == h2.PING and not flags & h2.ACK:
            self.connection.sendall(h2.frame(h2.PING, h2.ACK, 0, payload))
        elif kind == h2.WINDOW_UPDATE:
            self.credit[stream] = self.credit.get(stream, 0) + struct.unpack(">I", payload)[0]
        elif kind == h2.GOAWAY:
            raise http.client.RemoteDisconnected("GOAWAY: %r" % payload)
        return kind, flags, stream, payload

    def send_request(self, method, target, headers, has_body):
        given = {name.lower(): value.strip() for name, value in headers}  # as HTTP/1.1 reads them
        authority = given.pop("host", "%s:%d" % (self.host, self.port))
        block = b"".join(h2.literal(n, v) for n, v in [(":method", method), (":scheme", "http"), (":path", target), (":authority", authority),
                                                       *given.items()])
        self.connection.sendall(h2.frame(h2.HEADERS, h2.END_HEADERS | (0 if has_body else h2.END_STREAM), self.stream, block))

    def send_body(self, body, answer):
        """As the windows allow; the answer may come before all is sent."""
        at = 0
        while not answer.done:
            size = min(16384, len(body) - at, self.credit[0], self.credit[self.stream])
            if size or at == len(body):
                last = at + size == len(body)
                self.connection.sendall(h2.frame(h2.DATA, h2.END_STREAM if last else 0, self.stream, body[at:at + size]))
                self.credit[0] -= size
                self.credit[self.stream] -= size
                at += size
                if last:
                    return
            else:
                answer.take(*self.next_frame())

    def once(self, method, target, headers, body):
        if not self.connection:
            self.connect()
        self.stream += 2
        self.credit[self.stream] = self.first_window
        answer = Answer(self.decoder, self.stream)
        body = body or (b"" if method in ("POST", "PUT", "PATCH") else None)
        self.send_request(method, target, headers, body is not None)
        if body is not None:
            self.send_body(body, answer)
        while not answer.done:
            answer.take(*self.next_frame())
        return answer.status, answer.headers, answer.body


class Answer:
    def __init__(self, decoder, stream):
        self.decoder, self.stream = decoder, stream
        self.status, self.headers, self.body, self.done = None, {}, b"", False

    def take(self, kind, flags, stream, payload):
        if stream != self.stream:
            return
        if kind == h2.RST_STREAM:
            raise http.client.RemoteDisconnected("RST_STREAM with %d" % struct.unpack(">I", payload))
        if kind == h2.HEADERS:
            assert flags & h2.END_HEADERS
            fields = dict(self.decoder.decode(payload))
            self.status = int(fields.pop(":status"))
            self.headers = fields
        elif kind == h2.DATA:
            self.body += payload
        self.done = kind in (h2.HEADERS, h2.DATA) and bool(flags & h2.END_STREAM)

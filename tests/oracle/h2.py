"""HTTP/2 frames and HPACK literals by hand: what can be sent that no client library would. Standard library only."""
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 1
END_HEADERS, PADDED = 4, 8


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def length(size):
    """A string's length as HPACK writes it, not Huffman-coded."""
    if size < 127:
        return bytes([size])
    out, size = bytearray([127]), size - 127
    while size >= 128:
        out.append(size % 128 + 128)
        size //= 128
    return bytes(out + bytes([size]))


def literal(name, value):
    """A header as a literal without indexing; text or bytes."""
    n, v = (x.encode() if isinstance(x, str) else x for x in (name, value))
    return b"\0" + length(len(n)) + n + length(len(v)) + v


def grpc_message(data, flag=0):
    return bytes([flag]) + struct.pack(">I", len(data)) + data

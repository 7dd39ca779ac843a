"""Protobuf messages and gRPC frames by hand: the bench needs no client library."""
import struct


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, data):
    """A field of a message: an int as a varint, bytes (text, a message) with their length."""
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    return varint(number << 3 | 2) + varint(len(data)) + data


def frame(message):
    return b"\0" + struct.pack(">I", len(message)) + message

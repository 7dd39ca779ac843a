"""Breaks requests. Everything is drawn from one random.Random, so a seed names a mutant.

break_json, break_tree and break_bytes damage a body; break_target, break_http, break_grpc and break_frames what is round it.
"""
import json
import struct

import h2
import protobuf_wire

# ---- bytes ----

TOKENS = [b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"%", b"\r\n", b"\"", b"\\", b"{", b"}", b"[", b"]", b"\x80" * 10,
          b"\xff" * 10, b"\\u0000", b"\\ud800", b"null", b"NaN", b"1e999", b"-", b"//", b"/*", b"__name__", b"`", b".", b"..", b":"]


def break_bytes(rng, data):
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        data = rng.choice((
            lambda: data[:at] + rng.choice(TOKENS) + data[at:],
            lambda: data[:at] + data[end:],
            lambda: data[:at],
            lambda: data[:end] + data[at:end] + data[end:],
            lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1:],
            lambda: data[:at] + bytes([(data[at] if at < len(data) else 0) ^ 1 << rng.randrange(8)]) + data[at + 1:],
            lambda: data[:at] + rng.choice(TOKENS) + data[end:],
            lambda: data[:at] + rng.randbytes(rng.randrange(1, 40)) + data[at:],
        ))()
    return data


# ---- JSON ----


class Raw(bytes):
    """JSON text as it is, sound or not."""


class Pairs(list):
    """An object whose names may repeat."""


def dump(node):
    if isinstance(node, Raw):
        return node
    if isinstance(node, (dict, Pairs)):
        pairs = node.items() if isinstance(node, dict) else node
        return b"{" + b",".join(dump(k) + b":" + dump(x) for k, x in pairs) + b"}"
    if isinstance(node, list):
        return b"[" + b",".join(dump(x) for x in node) + b"]"
    return json.dumps(node).encode()


def nested(opening, inside, closing, depth):
    return Raw(opening * depth + inside + closing * depth)


ODD_STRINGS = ["", "\0", "a\0b", "\ufeff", "\U0010ffff", "`", "a..b", "a.b", "__name__", "__x__", "*", "~", "/", "a/b", "a/b/c", "..", ".", "projects",
               "projects/p/databases/d/documents", "projects//databases//documents/c/d", "AA=A", "A", "====", "_-_-", "NaN", "Infinity", "-0", "0x10", "1e5",
               "9223372036854775808", "-9223372036854775809", "2020-13-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z",
               "10000-01-01T00:00:00Z", "2020-01-01T00:00:00+99:99", "EQUAL", "AND", "OR", "NOT_IN", "ARRAY_CONTAINS_ANY", "IN", "OPERATOR_UNSPECIFIED",
               "REQUEST_TIME", "null", "true", "%s%n", "${x}", "<script>", "__id5__", "__id99999999999999999999__"]
ODD_RAW = [Raw(x) for x in (b"-0", b"1e400", b"-1e400", b"1E-400", b"00", b"1.", b".5", b"+1", b"0x1", b"NaN", b"Infinity", b"nul", b"tru", b"", b"'a'", b"\"\\x\"",
                            b"\"\\ud800\"", b"\"\\udc00\\ud800\"", b"\"\xff\"", b"\"\xc0\x80\"", b"\"\n\"", b"\"\x00\"", b"\"", b"{", b"[", b"{\"a\"}", b"{\"a\":}",
                            b"[1,]", b"{,}", b"{\"a\":1,}", b"9" * 400, b"0." + b"1" * 5000, b"1e" + b"9" * 50, b"18446744073709551616", b"-9223372036854775809",
                            b"1 2", b"//x\n1", b"/*x*/1")]
ODD_VALUES = [None, True, False, 0, 1, -1, 2, 1.5, 5e-324, 2**31, -2**31 - 1, 2**32, 2**53 + 1, 2**63, -2**63, 2**64, [], {}, [[]], [None], {"": 1}, {"a": 1},
              [1, [2]], {"nullValue": None}, {"integerValue": "1"}, {"arrayValue": {"values": [{"arrayValue": {}}]}}, {"mapValue": {"fields": {"": {"nullValue": None}}}},
              {"fieldReferenceValue": "a"}, {"stringValue": 5}, {"bytesValue": "!"}, {"geoPointValue": {"latitude": 91}}, {"referenceValue": "x"},
              {"doubleValue": "NaN"}, {"timestampValue": "now"}, {"pipelineValue": {}}, {"functionValue": {}}]
ODD_NAMES = ["", "bogus", "\0", "__proto__", "__type__", "name", "fields", "value", "values", "integerValue", "string_value", "field_path", "a" * 1501, "\U0001f600"]


def odd(rng):
    pick = rng.random()
    if pick < 0.3:
        return rng.choice(ODD_STRINGS)
    if pick < 0.55:
        return rng.choice(ODD_VALUES)
    if pick < 0.8:
        return rng.choice(ODD_RAW)
    if pick < 0.9:
        n = rng.choice((19, 20, 21, 50, 99, 101, 500, 5000, 50000))
        return rng.choice((nested(b'{"mapValue":{"fields":{"a":', b'{"nullValue":null}', b"}}}", n), nested(b'{"arrayValue":{"values":[', b"", b"]}}", n),
                           nested(b"[", b"", b"]", n), nested(b'{"a":', b"1", b"}", n), Raw(b"[" * n), Raw(b'{"a":' * n),
                           nested(b'{"compositeFilter":{"op":"AND","filters":[', b"", b"]}}", n)))
    return rng.choice(("x" * 1500, "x" * 1501, "\u00e9" * 800, "x" * 70000, "\U0001f600" * 30000, "/".join(["c", "d"] * 101), ".".join(["a"] * 3000)))


def places(node):
    """(container, key) of everything inside, depth first."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) and not isinstance(node, Pairs) else ()
    for key, x in items:
        yield node, key
        yield from places(x)


def break_json(rng, root):
    """root is not kept: the caller's copy. Returns the new root."""
    where = list(places(root))
    if not where or rng.random() < 0.02:
        return odd(rng)
    holder, key = rng.choice(where)
    old = holder[key]

    def rename():
        if isinstance(holder, dict):
            holder[rng.choice(ODD_NAMES + [key.upper(), key + " ", key[:-1]])] = holder.pop(key)

    def repeat():
        if isinstance(holder, list):
            holder[key:key] = [old] * rng.choice((1, 2, 40, 120, 600))
        else:
            holder[key] = [old, old] if rng.random() < 0.5 else Raw(dump(old) + b"," + dump(key) + b":" + dump(old))

    def remove():
        del holder[key]

    def replace():
        holder[key] = odd(rng)

    def retype():
        holder[key] = rng.choice((lambda: [old], lambda: {"value": old}, lambda: str(old), lambda: len(str(old)), lambda: None, lambda: bool(old)))()

    def swap():
        other, at = rng.choice(where)
        if at in other if isinstance(other, dict) else at < len(other):
            holder[key] = json.loads(json.dumps(other[at], default=lambda raw: "raw"))

    def beside():
        if isinstance(holder, dict):
            holder[rng.choice(ODD_NAMES + ["integerValue", "stringValue", "update", "delete", "fieldFilter", "unaryFilter"])] = odd(rng)

    rng.choice((rename, repeat, remove, remove, replace, replace, replace, retype, swap, beside))()
    return root


# ---- protobuf ----

ODD_INTS = [0, 1, 2, 3, 4, 99, 127, 128, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
ODD_BYTES = [b"", b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"a\0b", b"\x0a\x7f", b"\xff" * 11, b"\x80" * 11, b"\x0a\x00", b"\x0b\x0c", b"\x08", b"\x12\x80"]


def deep_value(rng):
    field, wrap = rng.choice(((9, lambda x: [[9, 2, [[1, 2, x]]]]), (6, lambda x: [[6, 2, [[1, 2, [[1, 2, b"a"], [2, 2, x]]]]]])))
    del field
    out = [[11, 0, 0]]
    data = protobuf_wire.encode(out)
    for _ in range(rng.choice((19, 20, 21, 60, 101, 400))):
        data = protobuf_wire.encode(wrap(data))
    return data


def groups(rng):
    n = rng.choice((1, 30, 101, 5000))
    return b"\x0b" * n + (b"\x0c" * n if rng.random() < 0.5 else b"")


def subtrees(fields):
    yield fields
    for x in fields:
        if isinstance(x[2], list):
            yield from subtrees(x[2])


def break_tree(rng, root):
    """Changes a tree of protobuf_wire in place."""
    fields = rng.choice([t for t in subtrees(root) if t] or [root])
    if not fields:
        fields.append([1, 2, b"x"])
    at = rng.randrange(len(fields))
    node = fields[at]

    def anything():
        return rng.choice((lambda: rng.choice(ODD_BYTES), lambda: rng.choice(ODD_STRINGS).encode(), lambda: rng.randbytes(rng.randrange(30)),
                           lambda: deep_value(rng), lambda: groups(rng), lambda: b"x" * rng.choice((1500, 1501, 70000)),
                           lambda: b"/".join([b"c", b"d"] * 101)))()

    def payload():
        node[2] = rng.choice(ODD_INTS) if node[1] == 0 else rng.randbytes(len(node[2])) if node[1] in (1, 5) else anything()

    def wire_type():
        node[1] = rng.randrange(8)
        if node[1] == 0:
            node[2] = rng.choice(ODD_INTS)
        elif isinstance(node[2], int):
            node[2] = rng.choice(ODD_BYTES)

    def swap():
        other = rng.choice(rng.choice([t for t in subtrees(root) if t]))
        node[1:] = [other[1], other[2] if not isinstance(other[2], list) else protobuf_wire.encode(other[2])]

    def number():
        node[0] = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 17, 18, 19, 100, 19000, 2**29 - 1, 2**29, 2**40))

    rng.choice((lambda: fields.pop(at), lambda: fields.insert(at, node), lambda: fields.extend([node] * rng.choice((30, 101, 600))), number, number,
                wire_type, payload, payload, payload, swap, lambda: rng.shuffle(fields)))()


# ---- URL ----

ODD_PATHS = ["", "/", "//", "..", ".", "%2F", "%00", "%", "%2", "%zz", "%ff", "%C3%28", "%25", "a%20b", "__x__", "x" * 1501, "\u00e9", "\x7f", "#x", ";x=1", "*",
             "(default)", "%28default%29", "c:bogus", ":", "::", ":runQuery", ":batchGet", ":commit", ":listCollectionIds", ":rollback", "c:commit", "/".join(["c", "d"] * 102),
             "v1", "v1beta1", "projects", "documents"]
ODD_PARAMETERS = ["", "&", "=", "a", "a=b", "pageSize=abc", "pageSize=-1", "pageSize=99999999999", "pageSize=1&pageSize=2", "pageToken=%%", "pageToken=AAAA",
                  "orderBy=a..b", "orderBy=%00", "mask.fieldPaths=a..b", "mask.fieldPaths=`a`b", "mask=1", "mask.fieldPaths.x=1", "updateMask.fieldPaths=", "transaction=!",
                  "transaction=AAAA", "readTime=now", "readTime=2020-01-01T00:00:00Z", "currentDocument.exists=perhaps", "currentDocument.exists=true",
                  "currentDocument.updateTime=1", "documentId=a%2Fb", "documentId=__x__", "documentId=%00", "documentId=" + "x" * 1501, "showMissing=1", "showMissing=true",
                  "$alt=json%3Benum-encoding%3Dint", "alt=sse", "prettyPrint=false", "document.name=x", "name=x", "parent=y", "database=z", "%=%", "x=" + "y" * 3000,
                  "after=-1", "after=99999999999999999999", "after=1&format=text", "__proto__=1", "mask.fieldPaths=" + "a." * 900 + "a"]


def break_target(rng, target):
    path, mark, query = target.partition("?")
    if rng.random() < 0.4:
        pieces = [p for p in query.split("&") if p]
        pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(ODD_PARAMETERS))
        if rng.random() < 0.2:
            pieces.pop(rng.randrange(len(pieces)))
        return path + "?" + "&".join(pieces)
    parts = path.split("/")
    at = rng.randrange(len(parts))
    path = rng.choice((
        lambda: "/".join(parts[:at] + [rng.choice(ODD_PATHS)] + parts[at:]),
        lambda: "/".join(parts[:at] + [rng.choice(ODD_PATHS)] + parts[at + 1:]),
        lambda: "/".join(parts[:at] + [parts[at] + rng.choice(ODD_PATHS)] + parts[at + 1:]),
        lambda: "/".join(parts[:at] + parts[at + 1:]),
        lambda: "/".join(parts[:at + 1] + parts[at:]),
        lambda: "/".join(parts[:at] + ["".join("%%%02x" % b for b in parts[at].encode())] + parts[at + 1:]),
        lambda: path[1:],
        lambda: "http://127.0.0.1" + path,
        lambda: break_bytes(rng, path.encode()).decode("latin-1").replace("\r", "").replace("\n", "").replace(" ", ""),
    ))()
    return path + mark + query


# ---- HTTP/1.1 ----

ODD_METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "X", "GET\0", "", "M" * 3000, "PRI"]
ODD_HEADERS = ["Authorization: Bearer", "Authorization: Bearer x.y.z", "Authorization: Bearer \xff", "Authorization: Basic eDp5", "Authorization: ", "Authorization",
               "Authorization: Bearer e30.e30.", "Authorization: Bearer e30.bnVsbA.", "Authorization: Bearer " + "A" * 9000, "Content-Type: text/plain", "Content-Type: ",
               "Content-Type: application/grpc", "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x", "Host: evil.example",
               "Host: ", "Host: [::1", "Host: localhost:99999", "Origin: null", "Origin: https://evil.example", "Origin: http://localhost:3000", "Origin: ",
               "Access-Control-Request-Headers: " + "x" * 2000, "Expect: 100-continue", "Expect: x", "Connection: close", "Connection: upgrade", "Upgrade: h2c",
               "HTTP2-Settings: AAAA", "Upgrade: websocket", "Content-Encoding: gzip", "Accept-Encoding: gzip", "X: " + "y" * 20000, ": x", "x", " folded: x", "A\0: b",
               "A: b\0c", "Cookie: \x01\x02", "X-HTTP-Method-Override: DELETE", "x-goog-request-params: database=%%", "google-cloud-resource-prefix: projects/x",
               "x-goog-api-client: " + "\u00e9", "Range: bytes=0-", "If-None-Match: *", "TE: trailers", "x-firebase-appcheck: x", "x-request-id: a\tb"]
LENGTHS = ["-1", "+5", "0x10", "1e3", "99999999999999999999", "18446744073709551615", "", "abc", "5, 5", "5 5", "00005", "11000000"]


def head_of(method, target, headers, version="HTTP/1.1", eol="\r\n"):
    return (eol.join([f"{method} {target} {version}"] + headers) + eol + eol).encode("utf-8", "surrogateescape")


def chunked(rng, body):
    sizes = rng.choice(["%x", "%X", "0%x", "%x;ext=1", "%x ", "-%x", "0x%x", "%xg", "ffffffffffffffff%x"])
    out, step = b"", rng.choice((1 << 20, 7, 100))
    step = max(step, len(body) // 50)
    for at in range(0, len(body), step):
        piece = body[at:at + step]
        out += (sizes % len(piece)).encode() + b"\r\n" + piece + rng.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b""))
    return out + rng.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"0\r\n", b""))


def break_http(rng, method, target, headers, body):
    """The whole request as bytes, broken where HTTP frames it."""
    headers, version, eol = list(headers), "HTTP/1.1", "\r\n"
    sized = headers + ["Content-Length: %d" % len(body)]
    how = rng.randrange(9)
    if how == 0:
        return head_of(method, target, headers + ["Transfer-Encoding: " + rng.choice(("chunked", "chunked", "chunked", "Chunked", "gzip, chunked", "gzip", "identity", ""))]) + chunked(rng, body)
    if how == 1:
        n = rng.choice(LENGTHS + [str(len(body) + rng.choice((-1, 1, 10)))])
        return head_of(method, target, headers + ["Content-Length: " + n]) + body
    if how == 2:
        extra = rng.choice(("Content-Length: %d" % len(body), "Content-Length: 3", "Transfer-Encoding: chunked"))
        return head_of(method, target, sized + [extra]) + body
    if how == 3:
        version = rng.choice(("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1.1", "HTTP/", "", "http/1.1", "HTTP/1.", "XTTP/1.1", "HTTP/1.2"))
    elif how == 4:
        method = rng.choice(ODD_METHODS)
    elif how == 5:
        eol = rng.choice(("\n", "\r", "\r\r\n"))
    elif how == 6:
        sized = [h for h in sized if not h.startswith(rng.choice(("Host", "Content-Type", "Authorization", "Content-Length")))]
    elif how == 7:
        sized = sized + ["X-%d: y" % n for n in range(rng.choice((50, 200, 3000)))]
    data = head_of(method, target, sized, version, eol) + body
    if how == 8:
        return rng.choice((lambda: data[:rng.randrange(len(data))], lambda: break_bytes(rng, data), lambda: data + data, lambda: data + b"\r\n\r\n" + rng.randbytes(20),
                           lambda: b"\r\n" * rng.choice((1, 3, 3000)) + data))()
    return data


# ---- gRPC ----


def break_message(rng, data):
    """The bytes of a gRPC request body."""
    whole = h2.grpc_message(data)
    return rng.choice((
        lambda: b"", lambda: whole[:rng.randrange(len(whole))], lambda: whole + whole, lambda: whole + rng.randbytes(rng.randrange(1, 9)),
        lambda: h2.grpc_message(data, rng.choice((1, 2, 128, 255))),
        lambda: b"\0" + struct.pack(">I", rng.choice((0, 1, max(len(data) - 1, 0), len(data) + 1, 10 * 2**20 + 1, 2**31, 2**32 - 1))) + data,
        lambda: h2.grpc_message(b""), lambda: h2.grpc_message(b"") * 50,
    ))()


GRPC_METADATA = [
    ("authorization", "Bearer"), ("authorization", "Bearer x.y.z"), ("authorization", "Basic eDp5"), ("authorization", ""), ("authorization", b"\xff"),
    ("grpc-timeout", "1n"), ("grpc-timeout", "0S"), ("grpc-timeout", "99999999H"), ("grpc-timeout", "x"), ("grpc-timeout", ""), ("grpc-timeout", "123456789m"),
    ("grpc-timeout", "-1S"), ("grpc-timeout", "1"), ("grpc-encoding", "gzip"), ("grpc-encoding", "x"), ("grpc-accept-encoding", "gzip"), ("x-bin", "!"), ("x-bin", "A" * 9000),
    ("Upper", "x"), ("a b", "x"), ("x", b"a\0b"), ("x", b"\r\nx"), ("", "x"), (":path", "/"), (":bogus", "x"), ("connection", "close"), ("transfer-encoding", "chunked"),
    ("content-length", "5"), ("content-length", "-1"), ("content-length", "99999999999"), ("host", "evil.example"), ("origin", "https://evil.example"), ("te", "gzip"),
    ("x-goog-request-params", "database=%%&a"), ("google-cloud-resource-prefix", "projects/x/databases/y"), ("x", "y" * 20000), ("x-goog-api-client", "\u00e9"), ("cookie", "a=b; c"),
]
GRPC_PATHS = ["", "/", "*", "//", "/google.firestore.v1.Firestore", "/google.firestore.v1.Firestore/", "/google.firestore.v1.Firestore/Bogus", "/google.firestore.v1.Firestore/getDocument",
              "/google.firestore.v1beta1.Firestore/RunQuery", "/google.firestore.admin.v1.FirestoreAdmin/ListIndexes", "/grpc.health.v1.Health/Check", "/x" * 2000, "/\xff",
              "/google.firestore.v1.Firestore/GetDocument/", "/google.firestore.v1.Firestore/GetDocument?x=1", "google.firestore.v1.Firestore/GetDocument", "/%00", "/v1/projects/p/databases/d/documents/c/d"]
TYPES = ["application/grpc+proto", "application/grpc; charset=utf-8", "application/grpc-web", "application/grpc-web+proto", "application/json", "text/html", "", "application/grpcx", "APPLICATION/GRPC"]


def break_metadata(rng, headers):
    headers = list(headers)
    at = rng.randrange(len(headers))
    how = rng.randrange(8)
    if how < 4:
        headers.insert(rng.choice((len(headers), len(headers), at)), rng.choice(GRPC_METADATA))
    elif how == 4:
        headers.pop(at)
    elif how == 5:
        headers.insert(at, headers[at])
    elif how == 6:
        name = rng.choice((":method", ":path", "content-type", ":scheme", ":authority"))
        values = {":method": ODD_METHODS, ":path": GRPC_PATHS, "content-type": TYPES, ":scheme": ["https", "ftp", ""], ":authority": ["evil.example", "", "[", "localhost:x"]}
        headers = [(k, rng.choice(values[name]) if k == name else v) for k, v in headers]
    else:
        headers += [("x-%d" % n, "y" * 10) for n in range(rng.choice((40, 150, 2000)))]
    return headers


def break_frames(rng, head, body):
    """HTTP/2 frames of one request, broken as frames."""
    data = h2.frame(h2.DATA, h2.END_STREAM, 1, body)
    headers = h2.frame(h2.HEADERS, h2.END_HEADERS, 1, head)
    cut = rng.randrange(len(head))
    odd_frames = [
        h2.frame(h2.WINDOW_UPDATE, 0, 1, struct.pack(">I", 0)), h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)), h2.frame(h2.WINDOW_UPDATE, 0, 0, b"x"),
        h2.frame(h2.PRIORITY, 0, 1, struct.pack(">IB", 1, 5)), h2.frame(h2.RST_STREAM, 0, 1, struct.pack(">I", 8)), h2.frame(h2.RST_STREAM, 0, 9, struct.pack(">I", 8)),
        h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)), h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 5, 1)), h2.frame(h2.SETTINGS, 0, 0, b"abc"),
        h2.frame(h2.SETTINGS, 0, 1, b""), h2.frame(h2.SETTINGS, h2.ACK, 0, b"x" * 6), h2.frame(h2.PING, 0, 0, b"x" * 8) * 20, h2.frame(h2.PING, 0, 0, b"x"), h2.frame(h2.PING, 0, 1, b"x" * 8),
        h2.frame(h2.GOAWAY, 0, 0, b"\0" * 8), h2.frame(h2.PUSH_PROMISE, 4, 1, struct.pack(">I", 2) + head), h2.frame(h2.CONTINUATION, 4, 1, head), h2.frame(77, 255, 1, b"x" * 50),
        h2.frame(h2.DATA, 0, 0, b"x"), h2.frame(h2.DATA, 0, 3, b"x"), h2.frame(h2.DATA, h2.PADDED, 1, b"\xff" + b"x"), h2.frame(h2.DATA, 0, 1, b"") * 100, h2.frame(h2.HEADERS, 4, 2, head),
        b"\xff" * 20, rng.randbytes(40), b"\0\x80\x00" + b"\0\0" + struct.pack(">I", 1) + b"x" * 0x8000,
    ]
    return rng.choice((
        lambda: rng.choice(odd_frames) + headers + data,
        lambda: headers + rng.choice(odd_frames) + data,
        lambda: headers + rng.choice(odd_frames),
        lambda: h2.frame(h2.HEADERS, 0, 1, head[:cut]) + h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, head[cut:]) + data,
        lambda: h2.frame(h2.HEADERS, 0, 1, head[:cut]) + rng.choice(odd_frames) + h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, head[cut:]) + data,
        lambda: h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, head),
        lambda: headers + h2.frame(h2.HEADERS, h2.END_HEADERS, 1, head) + data,
        lambda: headers + h2.frame(h2.DATA, 0, 1, body) + h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, h2.literal("x-trailer", "y")),
        lambda: data + headers,
        lambda: headers + data + data,
        lambda: (headers + data)[:rng.randrange(9, len(headers + data))],
        lambda: headers + h2.frame(h2.DATA, h2.END_STREAM | h2.PADDED, 1, bytes([min(5, len(body))]) + body),
        lambda: h2.frame(h2.HEADERS, h2.END_HEADERS, 1, break_bytes(rng, head)) + data,
        lambda: break_bytes(rng, headers + data),
    ))()

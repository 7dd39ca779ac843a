"""Breaks what is round a body: URL, HTTP/1.1, gRPC messages and metadata, HTTP/2 frames. See mutate.py."""
import struct

import h2
from mutate import break_bytes

# ---- URL ----

ODD_PATHS = ["", "/", "//", "..", ".", "%2F", "%00", "%", "%2", "%zz", "%ff", "%C3%28", "%25", "a%20b", "__x__",
             "x" * 1501, "\u00e9", "\x7f", "#x", ";x=1", "*",
             "(default)", "%28default%29", "c:bogus", ":", "::", ":runQuery", ":batchGet", ":commit",
             ":listCollectionIds", ":rollback", "c:commit", "/".join(["c", "d"] * 102),
             "v1", "v1beta1", "projects", "documents"]
ODD_PARAMETERS = ["", "&", "=", "a", "a=b", "pageSize=abc", "pageSize=-1", "pageSize=99999999999",
                  "pageSize=1&pageSize=2", "pageToken=%%", "pageToken=AAAA",
                  "orderBy=a..b", "orderBy=%00", "mask.fieldPaths=a..b", "mask.fieldPaths=`a`b", "mask=1",
                  "mask.fieldPaths.x=1", "updateMask.fieldPaths=", "transaction=!",
                  "transaction=AAAA", "readTime=now", "readTime=2020-01-01T00:00:00Z", "currentDocument.exists=perhaps",
                  "currentDocument.exists=true",
                  "currentDocument.updateTime=1", "documentId=a%2Fb", "documentId=__x__", "documentId=%00",
                  "documentId=" + "x" * 1501, "showMissing=1", "showMissing=true",
                  "$alt=json%3Benum-encoding%3Dint", "alt=sse", "prettyPrint=false", "document.name=x", "name=x",
                  "parent=y", "database=z", "%=%", "x=" + "y" * 3000,
                  "after=-1", "after=99999999999999999999", "after=1&format=text", "__proto__=1",
                  "mask.fieldPaths=" + "a." * 900 + "a"]


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

ODD_METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "X", "GET\0", "",
               "M" * 3000, "PRI"]
ODD_HEADERS = ["Authorization: Bearer", "Authorization: Bearer x.y.z", "Authorization: Bearer \xff",
               "Authorization: Basic eDp5", "Authorization: ", "Authorization",
               "Authorization: Bearer e30.e30.", "Authorization: Bearer e30.bnVsbA.",
               "Authorization: Bearer " + "A" * 9000, "Content-Type: text/plain", "Content-Type: ",
               "Content-Type: application/grpc", "Content-Type: application/x-www-form-urlencoded",
               "Content-Type: multipart/form-data; boundary=x", "Host: evil.example",
               "Host: ", "Host: [::1", "Host: localhost:99999", "Origin: null", "Origin: https://evil.example",
               "Origin: http://localhost:3000", "Origin: ",
               "Access-Control-Request-Headers: " + "x" * 2000, "Expect: 100-continue", "Expect: x",
               "Connection: close", "Connection: upgrade", "Upgrade: h2c",
               "HTTP2-Settings: AAAA", "Upgrade: websocket", "Content-Encoding: gzip", "Accept-Encoding: gzip",
               "X: " + "y" * 20000, ": x", "x", " folded: x", "A\0: b",
               "A: b\0c", "Cookie: \x01\x02", "X-HTTP-Method-Override: DELETE", "x-goog-request-params: database=%%",
               "google-cloud-resource-prefix: projects/x",
               "x-goog-api-client: " + "\u00e9", "Range: bytes=0-", "If-None-Match: *", "TE: trailers",
               "x-firebase-appcheck: x", "x-request-id: a\tb"]
LENGTHS = ["-1", "+5", "0x10", "1e3", "99999999999999999999", "18446744073709551615", "", "abc", "5, 5", "5 5", "00005",
           "11000000"]


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
        return head_of(method, target, headers + ["Transfer-Encoding: " + rng.choice(("chunked", "chunked", "chunked",
                                                                                      "Chunked", "gzip, chunked",
                                                                                      "gzip", "identity",
                                                                                      ""))]) + chunked(rng, body)
    if how == 1:
        n = rng.choice(LENGTHS + [str(len(body) + rng.choice((-1, 1, 10)))])
        return head_of(method, target, headers + ["Content-Length: " + n]) + body
    if how == 2:
        extra = rng.choice(("Content-Length: %d" % len(body), "Content-Length: 3", "Transfer-Encoding: chunked"))
        return head_of(method, target, sized + [extra]) + body
    if how == 3:
        version = rng.choice(("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1.1", "HTTP/", "", "http/1.1",
                              "HTTP/1.", "XTTP/1.1", "HTTP/1.2"))
    elif how == 4:
        method = rng.choice(ODD_METHODS)
    elif how == 5:
        eol = rng.choice(("\n", "\r", "\r\r\n"))
    elif how == 6:
        sized = [h for h in sized if not h.startswith(rng.choice(("Host", "Content-Type", "Authorization",
                                                                  "Content-Length")))]
    elif how == 7:
        sized = sized + ["X-%d: y" % n for n in range(rng.choice((50, 200, 3000)))]
    data = head_of(method, target, sized, version, eol) + body
    if how == 8:
        return rng.choice((lambda: data[:rng.randrange(len(data))], lambda: break_bytes(rng, data), lambda: data + data,
                           lambda: data + b"\r\n\r\n" + rng.randbytes(20),
                           lambda: b"\r\n" * rng.choice((1, 3, 3000)) + data))()
    return data


# ---- gRPC ----


def break_message(rng, data):
    """The bytes of a gRPC request body."""
    whole = h2.grpc_message(data)
    return rng.choice((
        lambda: b"", lambda: whole[:rng.randrange(len(whole))], lambda: whole + whole,
        lambda: whole + rng.randbytes(rng.randrange(1, 9)),
        lambda: h2.grpc_message(data, rng.choice((1, 2, 128, 255))),
        lambda: b"\0" + struct.pack(">I", rng.choice((0, 1, max(len(data) - 1, 0), len(data) + 1, 10 * 2**20 + 1, 2**31,
                                                      2**32 - 1))) + data,
        lambda: h2.grpc_message(b""), lambda: h2.grpc_message(b"") * 50,
    ))()


GRPC_METADATA = [
    ("authorization", "Bearer"), ("authorization", "Bearer x.y.z"), ("authorization", "Basic eDp5"),
    ("authorization", ""), ("authorization", b"\xff"),
    ("grpc-timeout", "1n"), ("grpc-timeout", "0S"), ("grpc-timeout", "99999999H"), ("grpc-timeout", "x"),
    ("grpc-timeout", ""), ("grpc-timeout", "123456789m"),
    ("grpc-timeout", "-1S"), ("grpc-timeout", "1"), ("grpc-encoding", "gzip"), ("grpc-encoding", "x"),
    ("grpc-accept-encoding", "gzip"), ("x-bin", "!"), ("x-bin", "A" * 9000),
    ("Upper", "x"), ("a b", "x"), ("x", b"a\0b"), ("x", b"\r\nx"), ("", "x"), (":path", "/"), (":bogus", "x"),
    ("connection", "close"), ("transfer-encoding", "chunked"),
    ("content-length", "5"), ("content-length", "-1"), ("content-length", "99999999999"), ("host", "evil.example"),
    ("origin", "https://evil.example"), ("te", "gzip"),
    ("x-goog-request-params", "database=%%&a"), ("google-cloud-resource-prefix", "projects/x/databases/y"),
    ("x", "y" * 20000), ("x-goog-api-client", "\u00e9"), ("cookie", "a=b; c"),
]
GRPC_PATHS = ["", "/", "*", "//", "/google.firestore.v1.Firestore", "/google.firestore.v1.Firestore/",
              "/google.firestore.v1.Firestore/Bogus", "/google.firestore.v1.Firestore/getDocument",
              "/google.firestore.v1beta1.Firestore/RunQuery", "/google.firestore.admin.v1.FirestoreAdmin/ListIndexes",
              "/grpc.health.v1.Health/Check", "/x" * 2000, "/\xff",
              "/google.firestore.v1.Firestore/GetDocument/", "/google.firestore.v1.Firestore/GetDocument?x=1",
              "google.firestore.v1.Firestore/GetDocument", "/%00", "/v1/projects/p/databases/d/documents/c/d"]
TYPES = ["application/grpc+proto", "application/grpc; charset=utf-8", "application/grpc-web",
         "application/grpc-web+proto", "application/json", "text/html", "", "application/grpcx", "APPLICATION/GRPC"]


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
        values = {":method": ODD_METHODS, ":path": GRPC_PATHS, "content-type": TYPES, ":scheme": ["https", "ftp", ""],
                  ":authority": ["evil.example", "", "[", "localhost:x"]}
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
        h2.frame(h2.WINDOW_UPDATE, 0, 1, struct.pack(">I", 0)),
        h2.frame(h2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)), h2.frame(h2.WINDOW_UPDATE, 0, 0, b"x"),
        h2.frame(h2.PRIORITY, 0, 1, struct.pack(">IB", 1, 5)), h2.frame(h2.RST_STREAM, 0, 1, struct.pack(">I", 8)),
        h2.frame(h2.RST_STREAM, 0, 9, struct.pack(">I", 8)),
        h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)),
        h2.frame(h2.SETTINGS, 0, 0, struct.pack(">HI", 5, 1)), h2.frame(h2.SETTINGS, 0, 0, b"abc"),
        h2.frame(h2.SETTINGS, 0, 1, b""), h2.frame(h2.SETTINGS, h2.ACK, 0, b"x" * 6),
        h2.frame(h2.PING, 0, 0, b"x" * 8) * 20, h2.frame(h2.PING, 0, 0, b"x"), h2.frame(h2.PING, 0, 1, b"x" * 8),
        h2.frame(h2.GOAWAY, 0, 0, b"\0" * 8), h2.frame(h2.PUSH_PROMISE, 4, 1, struct.pack(">I", 2) + head),
        h2.frame(h2.CONTINUATION, 4, 1, head), h2.frame(77, 255, 1, b"x" * 50),
        h2.frame(h2.DATA, 0, 0, b"x"), h2.frame(h2.DATA, 0, 3, b"x"), h2.frame(h2.DATA, h2.PADDED, 1, b"\xff" + b"x"),
        h2.frame(h2.DATA, 0, 1, b"") * 100, h2.frame(h2.HEADERS, 4, 2, head),
        b"\xff" * 20, rng.randbytes(40), b"\0\x80\x00" + b"\0\0" + struct.pack(">I", 1) + b"x" * 0x8000,
    ]
    return rng.choice((
        lambda: rng.choice(odd_frames) + headers + data,
        lambda: headers + rng.choice(odd_frames) + data,
        lambda: headers + rng.choice(odd_frames),
        lambda: h2.frame(h2.HEADERS, 0, 1, head[:cut]) + h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1,
                                                                  head[cut:]) + data,
        lambda: h2.frame(h2.HEADERS, 0, 1, head[:cut]) + rng.choice(odd_frames) + h2.frame(h2.CONTINUATION,
                                                                                           h2.END_HEADERS, 1,
                                                                                           head[cut:]) + data,
        lambda: h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, head),
        lambda: headers + h2.frame(h2.HEADERS, h2.END_HEADERS, 1, head) + data,
        lambda: headers + h2.frame(h2.DATA, 0, 1, body) + h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1,
                                                                   h2.literal("x-trailer", "y")),
        lambda: data + headers,
        lambda: headers + data + data,
        lambda: (headers + data)[:rng.randrange(9, len(headers + data))],
        lambda: headers + h2.frame(h2.DATA, h2.END_STREAM | h2.PADDED, 1, bytes([min(5, len(body))]) + body),
        lambda: h2.frame(h2.HEADERS, h2.END_HEADERS, 1, break_bytes(rng, head)) + data,
        lambda: break_bytes(rng, headers + data),
    ))()

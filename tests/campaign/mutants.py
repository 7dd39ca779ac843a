"""Mutants of the valid requests of seeds.py, made of mutate.py and mutate_envelope.py."""
import base64
import copy
import dataclasses
import json

import channels
import h2
import mutate
import mutate_envelope
import protobuf_wire
import seeds


def unsigned_token(payload):
    parts = [base64.urlsafe_b64encode(json.dumps(x).encode()).decode().rstrip("=") for x in ({"alg": "none"}, payload)]
    return ".".join(parts) + "."


USER = "Bearer " + unsigned_token({"sub": "u", "user_id": "u", "iat": 1, "exp": 4102444800,
                                   "firebase": {"sign_in_provider": "custom"}})
OWNER = "Bearer owner"


@dataclasses.dataclass
class Mutant:
    what: str
    data: bytes
    http2: bool
    framed: bool = True  # HTTP itself is sound: only an answer will do


def who(rng, open_, fixed):
    """The Authorization that a request has, or none. fixed: its method cannot become another, and reads."""
    if fixed:
        return [OWNER]
    return rng.choice(([OWNER], [OWNER], [USER]) if open_ else ([USER], [USER], []))


def rest_mutant(rng, rows, open_):
    """A request over HTTP/1.1: an RPC's, or a control endpoint's."""
    control = rng.random() < (0.3 if open_ else 0.1)
    if control:
        endpoints = seeds.CONTROL if open_ else seeds.CONTROL + seeds.LOCKED_CONTROL
        what, (method, target, body) = "control", rng.choice(endpoints)
        rpc = None
    else:
        rpc, method, template = rng.choice([r for r in rows if r[1] != "-"])
        what = rpc
        target, body = seeds.rest_of(template, method, rng.choice(seeds.MESSAGES[rpc]))
    fixed = not open_ and rpc in seeds.READS and method == "POST" and rng.random() < 0.5
    headers = ["Host: 127.0.0.1", "Content-Type: application/json"]
    headers += ["Authorization: " + x for x in who(rng, open_, fixed)]
    body = copy.deepcopy(body)
    data = b"" if body is None else json.dumps(body).encode()
    how = rng.choice(("json", "json", "json", "bytes") if fixed else ("json", "json", "json", "bytes", "target",
                                                                      "target", "header", "http"))
    if body is None and how in ("json", "bytes"):
        how = "target"
    framed = True
    if how == "json":
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            body = mutate.break_json(rng, body)
        data = mutate.dump(body)
    elif how == "bytes":
        data = mutate.break_bytes(rng, data)
    if how == "target" or (not fixed and rng.random() < 0.05):
        target = mutate_envelope.break_target(rng, target)
        framed = False  # a target with odd bytes may break the request line
    if how == "header":
        headers.insert(rng.randrange(len(headers) + 1), rng.choice(mutate_envelope.ODD_HEADERS))
        framed = False
    if how == "http":
        return Mutant(f"rest {what} http", mutate_envelope.break_http(rng, method, target, headers, data), False, False)
    if data or body is not None:
        headers.append("Content-Length: %d" % len(data))
    return Mutant(f"rest {what} {how}", mutate_envelope.head_of(method, target, headers) + data, False, framed)


def grpc_mutant(rng, rows, open_):
    rpc = rng.choice([r[0] for r in rows])
    tree = protobuf_wire.tree(rng.choice(seeds.MESSAGES[rpc]), rpc)
    fixed = not open_ and rpc in seeds.READS and rng.random() < 0.5
    headers = [(":method", "POST"), (":scheme", "http"), (":path", "/google.firestore.v1.Firestore/" + rpc),
               (":authority", "127.0.0.1"),
               ("content-type", "application/grpc"), ("te", "trailers")]
    headers += [("authorization", x) for x in who(rng, open_, fixed)]
    how = rng.choice(("tree", "tree", "tree", "tree", "bytes", "message") if fixed else ("tree", "tree",
                                                                                                       "tree", "bytes",
                                                                                                       "message",
                                                                                                       "metadata",
                                                                                                       "frames"))
    if how == "tree":
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            mutate.break_tree(rng, tree)
    body = protobuf_wire.encode(tree)
    if how == "bytes":
        body = mutate.break_bytes(rng, body)
    body = mutate_envelope.break_message(rng, body) if how == "message" else h2.grpc_message(body)
    if how == "metadata":
        headers = mutate_envelope.break_metadata(rng, headers)
    block = b"".join(h2.literal(k, v) for k, v in headers)
    pieces = [block[i:i + 16000] for i in range(0, max(len(block), 1), 16000)]
    start = h2.PREFACE + channels.NO_TABLE
    if how == "frames":
        broken = mutate_envelope.break_frames(rng, pieces[0], body[:16000])
        return Mutant(f"grpc {rpc} frames", start + broken, True, False)
    for i, piece in enumerate(pieces):
        start += h2.frame(h2.CONTINUATION if i else h2.HEADERS, h2.END_HEADERS if i == len(pieces) - 1 else 0, 1, piece)
    chunks = [body[i:i + 16000] for i in range(0, max(len(body), 1), 16000)]
    for i, chunk in enumerate(chunks):
        start += h2.frame(h2.DATA, h2.END_STREAM if i == len(chunks) - 1 else 0, 1, chunk)
    return Mutant(f"grpc {rpc} {how}", start, True,
                  how != "metadata" and len(body) < 60000)  # more: beyond the first window

"""gRPC for the oracle: how REST cases become calls, how calls are made, and what is kept of an answer.

An answer takes the shape that wire.py compares: {"status": HTTP status, "headers": {}, "body": message | [messages] |
{"error": {...}}}, so recordings, placeholders and known differences work alike for both transports.

Needs the PyPI packages grpcio and google-cloud-firestore (its message types decode the answers).
"""
import base64
import json
import re
import socket
import urllib.parse

import grpc
from google.cloud.firestore_v1.types import firestore as types
from google.protobuf import empty_pb2, json_format

import h2
import wire

SERVICE = "/google.firestore.v1.Firestore/"
HTTP_OF = {"OK": 200, "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401,
           "PERMISSION_DENIED": 403, "NOT_FOUND": 404, "ALREADY_EXISTS": 409, "ABORTED": 409, "RESOURCE_EXHAUSTED": 429,
           "CANCELLED": 499, "UNKNOWN": 500, "INTERNAL": 500, "DATA_LOSS": 500, "UNIMPLEMENTED": 501,
           "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504}


def pb(name):
    return getattr(types, name).pb()


# method -> (request type, answer type, server streaming)
METHODS = {
    "GetDocument": (pb("GetDocumentRequest"), None, False),
    "ListDocuments": (pb("ListDocumentsRequest"), pb("ListDocumentsResponse"), False),
    "CreateDocument": (pb("CreateDocumentRequest"), None, False),
    "UpdateDocument": (pb("UpdateDocumentRequest"), None, False),
    "DeleteDocument": (pb("DeleteDocumentRequest"), empty_pb2.Empty, False),
    "BatchGetDocuments": (pb("BatchGetDocumentsRequest"), pb("BatchGetDocumentsResponse"), True),
    "BeginTransaction": (pb("BeginTransactionRequest"), pb("BeginTransactionResponse"), False),
    "Commit": (pb("CommitRequest"), pb("CommitResponse"), False),
    "Rollback": (pb("RollbackRequest"), empty_pb2.Empty, False),
    "RunQuery": (pb("RunQueryRequest"), pb("RunQueryResponse"), True),
    "RunAggregationQuery": (pb("RunAggregationQueryRequest"), pb("RunAggregationQueryResponse"), True),
    "PartitionQuery": (pb("PartitionQueryRequest"), pb("PartitionQueryResponse"), False),
    "ListCollectionIds": (pb("ListCollectionIdsRequest"), pb("ListCollectionIdsResponse"), False),
    "BatchWrite": (pb("BatchWriteRequest"), pb("BatchWriteResponse"), False),
}
from google.cloud.firestore_v1.types import document as _document  # noqa: E402
for _m in ("GetDocument", "CreateDocument", "UpdateDocument"):
    METHODS[_m] = (METHODS[_m][0], _document.Document.pb(), False)
VERBS = {"batchGet": ("BatchGetDocuments", "database"), "batchWrite": ("BatchWrite", "database"),
         "beginTransaction": ("BeginTransaction", "database"), "commit": ("Commit", "database"),
         "rollback": ("Rollback", "database"), "runQuery": ("RunQuery", "parent"),
         "runAggregationQuery": ("RunAggregationQuery", "parent"), "listCollectionIds": ("ListCollectionIds", "parent"),
         "partitionQuery": ("PartitionQuery", "parent")}


class NotForGrpc(Exception):
    """A REST request that has no counterpart: odd routes, malformed JSON."""


def parameters(query):
    """The query string as a nested message: mask.fieldPaths=a -> {"mask": {"fieldPaths": ["a"]}}."""
    out = {}
    for key, value in urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        *parents, last = key.split(".")
        node = out
        for part in parents:
            node = node.setdefault(part, {})
        if last in ("fieldPaths", "field_paths"):
            node.setdefault(last, []).append(value)
        elif value in ("true", "false"):
            node[last] = value == "true"
        else:
            node[last] = value
    return out


def call_of(request):
    """(method, request message as JSON) of a REST request."""
    target, _, query = request["target"].partition("?")
    m = re.fullmatch(r"/v1/(projects/[^/]+/databases/[^/]+)/documents(?:/([^:]*))?(?::(\w+))?", target)
    if not m:
        raise NotForGrpc(target)
    database, path, verb = m[1], urllib.parse.unquote(m[2] or ""), m[3]
    # A captured value is percent-encoded in a URL only.
    root, params, body = database + "/documents", parameters(query.replace(":url}", "}")), request.get("body", {})
    if not isinstance(body, dict) or "base64" in request:
        raise NotForGrpc("the body is no JSON object")
    parts = path.split("/") if path else []
    if verb:
        if request["method"] != "POST" or verb not in VERBS:
            raise NotForGrpc(verb)
        method, field = VERBS[verb]
        if field == "database" and path:
            raise NotForGrpc("a path before the verb")
        return method, {field: database if field == "database" else "/".join([root] + parts), **body}
    name, parent = "/".join([root] + parts), "/".join([root] + parts[:-1])
    if request["method"] == "GET" and parts:
        if len(parts) % 2 == 0:
            return "GetDocument", {"name": name, **params}
        return "ListDocuments", {"parent": parent, "collectionId": parts[-1], **params}
    if request["method"] == "POST" and parts:
        return "CreateDocument", {"parent": parent, "collectionId": parts[-1], "document": body, **params}
    if request["method"] == "PATCH" and parts:
        return "UpdateDocument", {"document": {**body, "name": name}, **params}
    if request["method"] == "DELETE" and parts:
        return "DeleteDocument", {"name": name, **params}
    raise NotForGrpc(target)


def encode(method, message):
    try:
        return json_format.ParseDict(message, METHODS[method][0]()).SerializeToString(deterministic=True)
    except (json_format.ParseError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as e:
        raise NotForGrpc(str(e)) from None


class Client:
    def __init__(self, address, timeout=15.0):
        self.address, self.timeout = address, timeout
        self.channel = grpc.insecure_channel(address, options=[
            ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1),
            ("grpc.enable_retries", 0), ("grpc.lb_policy_name", "pick_first")])

    def send(self, path, metadata, data):
        """(grpc status name, message, [answer messages as bytes])."""
        call = self.channel.unary_stream(path, request_serializer=None, response_deserializer=None)(
            data, timeout=self.timeout, metadata=metadata)
        messages = []
        try:
            for message in call:
                messages.append(message)
        except grpc.RpcError as e:
            if e.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise wire.Hang(f"{path}: no answer within {self.timeout} s") from None
            return e.code().name, e.details() or "", messages
        return call.code().name, call.details() or "", messages


def decode(method, messages):
    answer_type = METHODS[method][1]
    return [json_format.MessageToDict(answer_type.FromString(m)) for m in messages]


def answer_of(path, status, message, messages):
    method = path.rsplit("/", 1)[1]
    known = METHODS.get(method) if path.startswith(SERVICE) else None
    decoded = decode(method, messages) if known else [base64.b64encode(m).decode() for m in messages]
    if status == "OK":
        body = decoded if not known or known[2] else (decoded[0] if len(decoded) == 1 else decoded)
    else:
        body = {"error": {"code": HTTP_OF[status], "message": message, "status": status}}
        if decoded:
            body["messages"] = decoded
    return {"status": HTTP_OF[status], "headers": {}, "body": body}


def run_step(client, step, captured):
    """(answer, answer messages as bytes)."""
    call = step["call"]
    data = base64.b64decode(call["bytes"]) if "bytes" in call else encode(
        call["path"].rsplit("/", 1)[1], wire.fill(wire.grow(call["message"]), captured))
    status, message, messages = client.send(call["path"], list(call.get("metadata", {}).items()), data)
    answer = answer_of(call["path"], status, message, messages)
    for name, path in step.get("capture", {}).items():
        try:
            captured[name] = wire.pointer(answer["body"], path)
        except (KeyError, IndexError, TypeError, ValueError):
            captured[name] = "NOT-CAPTURED"
    return answer, messages, data


# ---- one call over bare HTTP/2, to see whether HEADERS come before the trailers ----

def is_trailers_only(address, path, metadata, data, timeout=15.0):
    """True when the answer's first HEADERS frame ends the stream (clients then retry a streaming call)."""
    host, _, port = address.rpartition(":")
    headers = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", address),
               ("content-type", "application/grpc"), ("te", "trailers"), *metadata]
    out = h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, b"")
    out += h2.frame(h2.HEADERS, h2.END_HEADERS, 1, b"".join(h2.literal(k, v) for k, v in headers))
    message = h2.grpc_message(data)
    chunks = [message[i:i + 16384] for i in range(0, len(message), 16384)]
    if len(message) > 60000:
        raise NotForGrpc("larger than the first window")
    for i, chunk in enumerate(chunks):
        out += h2.frame(h2.DATA, h2.END_STREAM if i == len(chunks) - 1 else 0, 1, chunk)
    with socket.create_connection((host, int(port)), timeout=timeout) as s, s.makefile("rb") as reader:
        s.sendall(out)
        while True:
            head = reader.read(9)
            if len(head) < 9:
                raise ConnectionError(f"{path}: the connection ended before HEADERS")
            size, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
            payload = reader.read(size)
            if kind == h2.SETTINGS and not flags & h2.ACK:
                s.sendall(h2.frame(h2.SETTINGS, h2.ACK, 0, b""))
            elif kind == h2.PING and not flags & h2.ACK:
                s.sendall(h2.frame(h2.PING, h2.ACK, 0, payload))
            elif kind == h2.HEADERS and stream == 1:
                return bool(flags & h2.END_STREAM)
            elif kind in (h2.RST_STREAM, h2.GOAWAY):
                raise ConnectionError(f"{path}: the stream was reset before HEADERS")


def dumps(node):
    return json.dumps(node, ensure_ascii=True, separators=(",", ":"))

"""Which cases are recorded over gRPC too, and those that only gRPC has.

Most are the REST cases of cases/*.py as messages (grpc_wire.call_of); what has no counterpart, such as malformed
JSON, is left out by itself.
"""
import base64

import caselib
import grpc_wire
import record

# Whole groups, without what is only about one value's text or one URL.
GROUPS = ("get", "batch_get", "list", "create", "update", "delete", "commit", "transform", "batch_write", "query",
          "query_errors", "query_inequalities", "query_groups", "query_refusals", "query_mistakes", "transaction",
          "rollback",
          "transaction_begin", "transaction_ids", "transaction_snapshot", "transaction_optimistic", "transaction_locks",
          "transform_values", "transform_paths", "masks", "preconditions", "write_pairs", "auth", "rules", "rules_context", "rules_request", "limit",
          "aggregate", "aggregate_times",
          "aggregate_errors", "aggregate_rules", "nearest", "nearest_errors", "nearest_rules", "explain",
          "collection_ids", "show_missing", "grpc_only")
SKIP = ("query: types,", "501 writes", "60 writes", "2000", "a document over 1 MiB", "a transform that makes",
        "1048", "list: the default page is 30", "list: a page is at most 150", "list: pages of an ordered list",
        "in the query", "no boolean", "limit: a string of 1600", "limit: a request over", "auth: Bearer with nothing",
        "auth: a garbage token", "snake case", "as an integer", "limit: many")


def field(number, payload):
    """A length-delimited protobuf field."""
    out, size = bytearray([number << 3 | 2]), len(payload)
    while size >= 128:
        out.append(size % 128 + 128)
        size //= 128
    return bytes(out + bytes([size])) + payload


def raw_case(name, path, data, metadata=None, setup=None):
    project = caselib.project_of("grpc " + name)
    call = {"path": path, "bytes": base64.b64encode(data.replace(b"$PROJECT##", project.encode())).decode()}
    if metadata:
        call["metadata"] = metadata
    out = {"name": "grpc: " + name, "project": project, "steps": [{"call": call}]}
    if setup:
        out["setup"] = [caselib.with_project(s["request"], project) for s in setup]
    return out


DATABASE = b"projects/$PROJECT##/databases/(default)"
DOCS = DATABASE + b"/documents"
ONE = [caselib.docs({"c/a": {"n": 1}})]


def special_cases():
    service = grpc_wire.SERVICE
    yield raw_case("an unknown method is unimplemented", service + "Nothing", b"")
    yield raw_case("an unknown service is unimplemented", "/google.firestore.v1.Nothing/GetDocument", b"")
    yield raw_case("the admin service is unimplemented", "/google.firestore.admin.v1.FirestoreAdmin/ListDatabases", b"")
    yield raw_case("v1beta1 over gRPC", "/google.firestore.v1beta1.Firestore/GetDocument", b"")
    for method in grpc_wire.METHODS:
        yield raw_case(f"an empty {method} request", service + method, b"", {"authorization": "Bearer owner"})
    yield raw_case("an unknown field is skipped", service + "GetDocument",
                   field(1, DOCS + b"/c/a") + b"\xfa\x3f\x03abc", None, ONE)
    yield raw_case("the last of a doubled field counts", service + "GetDocument",
                   field(1, DOCS + b"/c/never") + field(1, DOCS + b"/c/a"), None, ONE)
    yield raw_case("verify is field 5 of a write", service + "Commit",
                   field(1, DATABASE) + field(2, field(5, DOCS + b"/c/a") + field(4, b"\x08\x01")), None, ONE)
    yield raw_case("verify of a missing document", service + "Commit",
                   field(1, DATABASE) + field(2, field(5, DOCS + b"/c/b") + field(4, b"\x08\x01")), None, ONE)
    yield raw_case("verify without a precondition", service + "Commit",
                   field(1, DATABASE) + field(2, field(5, DOCS + b"/c/a")), None, ONE)
    yield raw_case("a bad database", service + "Commit", field(1, b"zzz"))
    yield raw_case("a database that is the documents root", service + "Commit", field(1, DOCS))
    yield raw_case("a bad database of a batch get", service + "BatchGetDocuments", field(1, b"zzz"))
    yield raw_case("a bad database of a begin", service + "BeginTransaction", field(1, b"zzz"))
    yield raw_case("a bad parent of a query", service + "RunQuery", field(1, b"zzz") + field(2, b""))
    yield raw_case("a database as the parent of a query", service + "RunQuery", field(1, DATABASE) + field(2, b""))
    yield raw_case("an empty authorization is none", service + "GetDocument", field(1, DOCS + b"/c/a"),
                   {"authorization": ""}, ONE)
    yield raw_case("a bare word as authorization", service + "GetDocument", field(1, DOCS + b"/c/a"),
                   {"authorization": "owner"}, ONE)
    yield raw_case("a garbage token", service + "GetDocument", field(1, DOCS + b"/c/a"),
                   {"authorization": "Bearer garbage"}, ONE)
    yield raw_case("a garbage token on a stream", service + "BatchGetDocuments",
                   field(1, DATABASE) + field(2, DOCS + b"/c/a"), {"authorization": "Bearer garbage"}, ONE)
    yield raw_case("a routing header of another project is followed", service + "GetDocument", field(1, DOCS + b"/c/a"),
                   {"google-cloud-resource-prefix": "projects/x/databases/(default)"}, ONE)


# Bytes that are no message: Google's emulator cancels the stream, so they are ours alone (replay_grpc.py).
def broken_cases():
    for method in grpc_wire.METHODS:
        yield raw_case(f"bytes that are no {method} request", grpc_wire.SERVICE + method, b"\x0a\xff\xff\xff\xff\x0f")
    yield raw_case("a string that is no UTF-8", grpc_wire.SERVICE + "GetDocument", field(1, DOCS + b"/c/\xff\xfe"))
    yield raw_case("a message cut off", grpc_wire.SERVICE + "Commit", field(1, DATABASE)[:-4])
    yield raw_case("a field number of 0", grpc_wire.SERVICE + "GetDocument", b"\x02\x01a")
    yield raw_case("a group that is not closed", grpc_wire.SERVICE + "GetDocument", b"\x0b\x08\x01")


def wanted(case):
    return case["group"] in GROUPS and not any(s in case["name"] for s in SKIP)


def grpc_case(case):
    """The case as calls, or NotForGrpc."""
    steps = []
    for step in case["steps"]:
        method, message = grpc_wire.call_of(step["request"])
        call = {"path": grpc_wire.SERVICE + method, "message": message}
        text = grpc_wire.dumps(message)
        if "${" not in text:
            call["bytes"] = base64.b64encode(grpc_wire.encode(method, record.wire.grow(message))).decode()
            del call["message"]
        metadata = {k.lower(): v for k, v in step["request"].get("headers", {}).items() if k.lower() == "authorization"}
        if metadata:
            call["metadata"] = metadata
        steps.append({"call": call, **({"capture": step["capture"]} if "capture" in step else {})})
    return {**{k: v for k, v in case.items() if k != "group"}, "steps": steps}


def load():
    """(cases by group, fixtures, how many had no counterpart)."""
    cases, fixtures = record.load_cases()
    import grpc_only  # noqa: F401 its cases join the list as it is loaded
    groups, left_out = {"grpc": list(special_cases())}, 0
    for case in cases:
        if not wanted(case):
            continue
        try:
            groups.setdefault(case["group"], []).append(grpc_case(case))
        except grpc_wire.NotForGrpc:
            left_out += 1
    return groups, fixtures, left_out

#!/usr/bin/env python3
"""What the recordings cover: requests for each RPC and status, and each error of the API that has no recorded case.

    coverage.py            prints the table
    coverage.py --check    exit 1 when there are fewer requests than REQUESTS, an RPC has none, or an error is missing

Counts the steps of recorded/*.ndjson (REST) and recorded_grpc/*.ndjson. Python 3.11, standard library only.
"""
import collections
import json
import pathlib
import re
import sys

from errors import ERRORS

HERE = pathlib.Path(__file__).resolve().parent
REQUESTS = 3000
VERBS = {"batchGet": "BatchGetDocuments", "batchWrite": "BatchWrite", "beginTransaction": "BeginTransaction",
         "commit": "Commit",
         "rollback": "Rollback", "runQuery": "RunQuery", "runAggregationQuery": "RunAggregationQuery",
         "partitionQuery": "PartitionQuery",
         "listCollectionIds": "ListCollectionIds", "executePipeline": "ExecutePipeline"}
RPCS = ["GetDocument", "ListDocuments", "CreateDocument", "UpdateDocument", "DeleteDocument", *VERBS.values()]


def rpc_of_rest(request):
    path = request["target"].partition("?")[0]
    m = re.match(r"/v1(?:beta1)?/projects/[^/]+/databases/[^/]+/documents(?:/(.*?))?(?::(\w+))?$", path)
    if not m:
        return "other"
    method, parts = request["method"], [p for p in (m[1] or "").split("/") if p]
    if m[2] in VERBS and method == "POST":
        return VERBS[m[2]]
    if not parts:
        return "other"
    if method == "GET":
        return "GetDocument" if len(parts) % 2 == 0 else "ListDocuments"
    return {"POST": "CreateDocument", "PATCH": "UpdateDocument", "DELETE": "DeleteDocument"}.get(method, "other")


def rpc_of_grpc(call):
    name = call["path"].rpartition("/")[2]
    return name if name in RPCS else "other"


def steps():
    """(transport, RPC, answer) of every recorded request."""
    for transport, folder in (("REST", "recorded"), ("gRPC", "recorded_grpc")):
        for path in sorted((HERE / folder).glob("*.ndjson")):
            for line in path.read_text(encoding="utf-8").splitlines():
                for step in json.loads(line).get("steps", []):
                    if "answer" in step:
                        rpc = rpc_of_rest(step["request"]) if transport == "REST" else rpc_of_grpc(step["call"])
                        yield transport, rpc, step["answer"]


def error_of(answer):
    body = answer["body"]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def messages_of(answer):
    """Of the answer, and of each write of a batch."""
    body = answer["body"]
    statuses = body.get("status", []) if isinstance(body, dict) else []
    return [error_of(answer).get("message", "")] + [s.get("message", "") for s in statuses if isinstance(s, dict)]


def print_table(counts):
    columns = sorted({s for _, _, s in counts}, key=lambda s: (s != "OK", s))
    print("%-21s %5s  %s" % ("RPC", "all", "  ".join(columns)))
    for rpc in RPCS + ["other"]:
        for transport in ("REST", "gRPC"):
            row = [counts[rpc, transport, s] for s in columns]
            numbers = "  ".join("%*d" % (len(s), n) for s, n in zip(columns, row))
            print("%-21s %5d  %s" % (rpc + " " + transport[0], sum(row), numbers))
    total = sum(counts.values())
    rest = sum(n for (_, transport, _), n in counts.items() if transport == "REST")
    print("%d requests: %d over REST, %d over gRPC" % (total, rest, total - rest))


def main():
    counts, messages = collections.Counter(), {"REST": set(), "gRPC": set()}
    for transport, rpc, answer in steps():
        status = error_of(answer).get("status", "OK" if answer["status"] < 400 else str(answer["status"]))
        counts[rpc, transport, status] += 1
        messages[transport].update(messages_of(answer))
    print_table(counts)
    failed = [] if sum(counts.values()) >= REQUESTS else ["fewer than %d requests" % REQUESTS]
    failed += ["no request: " + rpc for rpc in RPCS if not any(r == rpc for r, _, _ in counts)]
    for name, pattern in ERRORS.items():
        missing = [t for t in messages if not any(re.search(pattern, m, re.S) for m in messages[t])]
        if len(missing) == len(messages):
            failed.append("no recorded case: " + name)
        elif missing:
            print(f"no recorded case over {missing[0]}: {name}")
    for problem in failed:
        print("FAIL " + problem)
    print("%d passed, %d failed" % (1 + len(RPCS) + len(ERRORS) - len(failed), len(failed)))
    return 1 if failed and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())

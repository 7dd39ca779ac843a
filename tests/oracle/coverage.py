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
                        yield transport, rpc_of_rest(step["request"]) if transport == "REST" else rpc_of_grpc(step["call"]), step["answer"]


def error_of(answer):
    body = answer["body"]
    return body.get("error", {}) if isinstance(body, dict) and isinstance(body.get("error"), dict) else {}


def main():
    counts, messages = collections.Counter(), collections.defaultdict(set)
    for transport, rpc, answer in steps():
        error = error_of(answer)
        counts[rpc, transport, error.get("status", "OK" if answer["status"] < 400 else str(answer["status"]))] += 1
        for message in [error.get("message", "")] + re.findall(r'"message": ?"([^"]*)"',
                                                               json.dumps(answer["body"].get("status", ""))
                                                               if isinstance(answer["body"], dict) else ""):
            messages[transport].add(message)
    columns = sorted({s for _, _, s in counts}, key=lambda s: (s != "OK", s))
    print("%-20s %5s  %s" % ("RPC", "all", "  ".join(columns)))
    for rpc in RPCS + ["other"]:
        for transport in ("REST", "gRPC"):
            row = [counts[rpc, transport, s] for s in columns]
            print("%-20s %5d  %s" % (rpc + " " + transport[0], sum(row),
                                     "  ".join("%*d" % (len(s), n) for s, n in zip(columns, row))))
    total = sum(counts.values())
    rest = sum(n for (_, t, _), n in counts.items() if t == "REST")
    print("%d requests: %d over REST, %d over gRPC" % (total, rest, total - rest))
    missing = [(name, t) for name, pattern in ERRORS.items() for t in ("REST",
                                                                       "gRPC") if not any(re.search(pattern, m,
                                                                                                    re.S) for m in messages[t])]
    nowhere = sorted(name for name, _ in missing if (name, "REST") in missing and (name, "gRPC") in missing)
    for name, transport in missing:
        print(f"no recorded case over {transport}: {name}")
    idle = [rpc for rpc in RPCS if not any(counts[rpc, "REST", s] for s in columns)]
    if idle:
        print("no request at all: " + ", ".join(idle))
    bad = total < REQUESTS or bool(idle) or bool(set(nowhere))
    print("%d passed, %d failed" % (len(ERRORS) - len(set(nowhere)) + (total >= REQUESTS),
                                    len(set(nowhere)) + len(idle) + (total < REQUESTS)))
    return 1 if "--check" in sys.argv and bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""A part of bench.py: the CPU of every RPC over both transports, beside Google's emulator in the same run.

Requests come as owner, on 8 connections, over a collection of 1,000 documents; each row says what one request asks for.
Listen, Write and ExecutePipeline are not among them: the first two are streams, the third is not answered.
"""
import json

from messages import field

PROJECT = "rpcs"
DATABASE = "projects/%s/databases/(default)" % PROJECT
DOCS = DATABASE + "/documents"
CONNECTIONS = 8
DOCUMENTS = 1000
FRAME = 5  # bytes: the least that a gRPC answer has; an error has none


def fields_json(i):
    return {"n": {"integerValue": str(i)}, "group": {"stringValue": "g%d" % (i % 50)}, "text": {"stringValue": "some text of a document"}}


def fields_binary(i):
    values = {"group": field(17, b"g%d" % (i % 50)), "n": field(2, i), "text": field(17, b"some text of a document")}
    return b"".join(field(2, field(1, k.encode()) + field(2, v)) for k, v in sorted(values.items()))


def name(i):
    return "%s/items/d%04d" % (DOCS, i)


def text(number, s):
    return field(number, s.encode())


# One query, in both encodings: the 20 documents of one group.
QUERY = {"from": [{"collectionId": "items"}], "where": {"fieldFilter": {
    "field": {"fieldPath": "group"}, "op": "EQUAL", "value": {"stringValue": "g7"}}}}
QUERY_BINARY = field(2, text(2, "items")) + field(3, field(2, field(1, text(2, "group")) + field(2, 5) + field(3, text(17, "g7"))))
GROUP = {"from": [{"collectionId": "items", "allDescendants": True}], "orderBy": [{"field": {"fieldPath": "__name__"}, "direction": "ASCENDING"}]}
GROUP_BINARY = field(2, text(2, "items") + field(3, 1)) + field(4, field(1, text(2, "__name__")) + field(2, 1))

# A change each time, on a document of its own: nothing is written for what is there already.
INCREMENT = {"update": {"name": name(1)}, "updateMask": {}, "updateTransforms": [{"fieldPath": "n", "increment": {"integerValue": "1"}}]}
INCREMENT_BINARY = field(1, text(1, name(1))) + field(3, b"") + field(7, text(1, "n") + field(3, field(2, 1)))

# The creates fill a collection beside, which whoever looks through a whole database would have to pass: they come after.
# (RPC and what is asked, HTTP method, path, JSON body, message, whether Google's emulator answers it)
ROWS = [
    ("GetDocument", "GET", "/v1/" + name(1), None, text(1, name(1)), True),
    ("ListDocuments: 20", "GET", "/v1/%s/items?pageSize=20" % DOCS, None, text(1, DOCS) + text(2, "items") + field(3, 20), True),
    ("PartitionQuery: 4", "POST", "/v1/%s:partitionQuery" % DOCS, {"structuredQuery": GROUP, "partitionCount": "3"},
     text(1, DOCS) + field(2, GROUP_BINARY) + field(3, 3), False),
    ("CreateDocument", "POST", "/v1/%s/new" % DOCS, {"fields": fields_json(1)},
     text(1, DOCS) + text(2, "new") + field(4, fields_binary(1)), True),
    ("UpdateDocument: no change", "PATCH", "/v1/" + name(2), {"fields": fields_json(2)}, field(1, text(1, name(2)) + fields_binary(2)), True),
    ("DeleteDocument: none there", "DELETE", "/v1/%s/items/none" % DOCS, None, text(1, DOCS + "/items/none"), True),
    ("BatchGetDocuments: 10", "POST", "/v1/%s:batchGet" % DOCS, {"documents": [name(i) for i in range(10)]},
     text(1, DATABASE) + b"".join(text(2, name(i)) for i in range(10)), True),
    ("Commit: an increment", "POST", "/v1/%s:commit" % DOCS, {"writes": [INCREMENT]}, text(1, DATABASE) + field(2, INCREMENT_BINARY), True),
    ("BatchWrite: an increment", "POST", "/v1/%s:batchWrite" % DOCS, {"writes": [INCREMENT]},
     text(1, DATABASE) + field(2, INCREMENT_BINARY), True),
    ("RunQuery: 20 of 1,000", "POST", "/v1/%s:runQuery" % DOCS, {"structuredQuery": QUERY}, text(1, DOCS) + field(2, QUERY_BINARY), True),
    ("RunAggregationQuery: count 20", "POST", "/v1/%s:runAggregationQuery" % DOCS,
     {"structuredAggregationQuery": {"structuredQuery": QUERY, "aggregations": [{"alias": "n", "count": {}}]}},
     text(1, DOCS) + field(2, field(1, QUERY_BINARY) + field(3, field(1, b"") + text(7, "n"))), True),
    ("ListCollectionIds", "POST", "/v1/%s:listCollectionIds" % DOCS, {}, text(1, DOCS), True),
]

# A transaction that nobody ends stays open, and there is a limit to those: so a pair of requests is measured over
# REST, whose load can read answers, and a few beginnings over gRPC.
BEGINNINGS = 5000
PAIR = "BeginTransaction and Rollback, each"
PAIR_LUA = """
local open = {}
function request()
  local id = table.remove(open)
  if id then return wrk.format("POST", "%(docs)s:rollback", nil, '{"transaction":"' .. id .. '"}') end
  return wrk.format("POST", "%(docs)s:beginTransaction", nil, '{}')
end
function response(status, headers, body)
  local id = string.match(body, '"transaction": *"([^"]+)"')
  if id then table.insert(open, id) end
end
""" % {"docs": "/v1/" + DOCS}


def fill(http, port):
    for start in range(0, DOCUMENTS, 500):
        writes = [{"update": {"name": name(i), "fields": fields_json(i)}} for i in range(start, start + 500)]
        http(port, "POST", "/v1/%s:commit" % DOCS, json.dumps({"writes": writes}))


def run(servers, http, loads, measure, note):
    """servers: {"cinderlog": Server, "google": Server}. Returns {row: {server: measurement}}."""
    rows = {}
    for s in servers.values():
        fill(http, s.port)
    for what, method, path, body, message, everywhere in ROWS:
        for server, s in servers.items():
            if server == "google" and not everywhere:
                continue
            both = {"rest": lambda: loads.rest(s.port, method, path, json.dumps(body) if body is not None else "", "Bearer owner", CONNECTIONS),
                    "grpc": lambda: loads.grpc(s.port, what.split(":")[0], message, "Bearer owner", CONNECTIONS, least=FRAME)}
            for kind, load in both.items():
                m = rows.setdefault("%s %s" % (kind, what), {})[server] = measure(s, load)
                note("%s %s" % (kind, what), server, m)
    begin = text(1, DATABASE) + field(2, field(2, b""))
    last = {"rest " + PAIR: lambda: loads.rest(s.port, "POST", "/", "", "Bearer owner", CONNECTIONS, script=PAIR_LUA),
            "grpc BeginTransaction: read only": lambda: loads.grpc(s.port, "BeginTransaction", begin, "Bearer owner", CONNECTIONS,
                                                                   count=BEGINNINGS, least=FRAME)}
    for case, load in last.items():
        for server, s in servers.items():
            m = rows.setdefault(case, {})[server] = measure(s, load)
            note(case, server, m)
    return rows


def table(rows):
    print("\nCPU per request of every RPC, as owner, %d connections, %d documents; x: Google's emulator's beside ours" % (CONNECTIONS, DOCUMENTS))
    for case, by in rows.items():
        ours, google = by["cinderlog"], by.get("google")
        beside = "%9.0f us %6.0f/s %7.1f x" % (google["us"], google["rate"], google["us"] / ours["us"] if ours["us"] else 0) if google else ""
        bad = "".join("  %s: %d bad" % (server, m["bad"]) for server, m in by.items() if m["bad"])
        print("%-42s %9.1f us %7.0f/s  %s%s" % (case, ours["us"], ours["rate"], beside, bad))
    return sum(m["bad"] for by in rows.values() for m in by.values())

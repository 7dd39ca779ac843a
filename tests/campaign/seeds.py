"""Valid requests that malformed.py starts from: every RPC row of `cinderlog --list-rpcs`, and every control endpoint.

An RPC's messages are written once, as proto-JSON; protobuf_wire.py makes gRPC messages of them, rest_of() REST
requests.
"""
import json
import re
import urllib.parse

DATABASE = "projects/demo-m/databases/(default)"
ROOT = DATABASE + "/documents"
# What the campaign's server holds before it starts; documents of `read/` are written by no seed.
DOCUMENTS = {"c/d%d" % i: {"n": {"integerValue": str(i)}, "s": {"stringValue": "text %d" % i}} for i in range(8)}
DOCUMENTS["read/a"] = {"t": {"arrayValue": {"values": [{"stringValue": "x"}, {"doubleValue": 1.5}]}},
                       "v": {"mapValue": {"fields": {"__type__": {"stringValue": "__vector__"},
                                                     "value": {"arrayValue": {
                           "values": [{"doubleValue": 1.0}, {"doubleValue": 2.0}]}}}}}}
DOCUMENTS["read/a/sub/b"] = {"n": {"integerValue": "7"}}

FIELDS = {
    "n": {"integerValue": "9007199254740993"}, "d": {"doubleValue": -0.5}, "b": {"booleanValue": True},
    "z": {"nullValue": None},
    "s": {"stringValue": "caf\u00e9 \U0001f600"}, "t": {"timestampValue": "2020-01-01T00:00:00.000001Z"},
    "y": {"bytesValue": "AAH/"},
    "r": {"referenceValue": ROOT + "/c/d1"}, "g": {"geoPointValue": {"latitude": 1.5, "longitude": -2.5}},
    "a": {"arrayValue": {"values": [{"integerValue": "1"}, {"mapValue": {"fields": {"x y": {"stringValue": "z"}}}}]}},
    "m": {"mapValue": {"fields": {"k": {"mapValue": {"fields": {"deep": {"nullValue": None}}}}}}},
}


def field(path):
    return {"fieldPath": path}


def compare(path, op, value):
    return {"fieldFilter": {"field": field(path), "op": op, "value": value}}


ONE = {"integerValue": "1"}
QUERY = {
    "select": {"fields": [field("n"), field("`x y`")]}, "from": [{"collectionId": "c"}],
    "where": {"compositeFilter": {"op": "AND", "filters": [
        compare("n", "GREATER_THAN_OR_EQUAL", ONE), {"unaryFilter": {"field": field("s"), "op": "IS_NOT_NULL"}},
        {"compositeFilter": {"op": "OR", "filters": [compare("s", "EQUAL", {"stringValue": "text 2"}),
                                                     compare("n", "LESS_THAN", {"doubleValue": 5.5})]}}]}},
    "orderBy": [{"field": field("n"), "direction": "DESCENDING"}, {"field": field("s")}],
    "startAt": {"values": [{"integerValue": "6"}], "before": True}, "endAt": {"values": [ONE, {"stringValue": "x"}]},
    "limit": 3, "offset": 1,
}
IN_QUERY = {"from": [{"collectionId": "c", "allDescendants": True}],
            "where": compare("n", "IN", {"arrayValue": {"values": [ONE, {"stringValue": "2"}]}})}
NEAREST = {"from": [{"collectionId": "read"}], "findNearest": {
    "vectorField": field("v"), "queryVector": DOCUMENTS["read/a"]["v"], "distanceMeasure": "EUCLIDEAN", "limit": 2,
    "distanceResultField": "far", "distanceThreshold": 9.5}}
ARRAY_QUERY = {"from": [{"collectionId": "read"}], "where": compare("t", "ARRAY_CONTAINS", {"stringValue": "x"})}
WRITES = [
    {"update": {"name": ROOT + "/c/d1", "fields": FIELDS}, "updateMask": {"fieldPaths": ["n", "m.k", "`x y`"]},
     "updateTransforms": [{"fieldPath": "n", "increment": ONE},
                          {"fieldPath": "a", "appendMissingElements": {"values": [ONE]}}],
     "currentDocument": {"exists": True}},
    {"update": {"name": ROOT + "/c/new", "fields": {"n": ONE}}, "updateTransforms": [
        {"fieldPath": "t", "setToServerValue": "REQUEST_TIME"}, {"fieldPath": "x", "maximum": ONE},
        {"fieldPath": "y", "minimum": {"doubleValue": 2.5}},
        {"fieldPath": "a", "removeAllFromArray": {"values": [{"stringValue": "q"}]}}]},
    {"delete": ROOT + "/c/d2", "currentDocument": {"updateTime": "2020-01-01T00:00:00Z"}},
    {"verify": ROOT + "/c/d3", "currentDocument": {"exists": True}},
    {"transform": {"document": ROOT + "/c/d4", "fieldTransforms": [{"fieldPath": "n",
                                                                    "increment": {"doubleValue": 1.5}}]}},
]
OLD = "2020-01-01T00:00:00Z"
MESSAGES = {
    "GetDocument": [{"name": ROOT + "/c/d1"}, {"name": ROOT + "/read/a", "mask": {"fieldPaths": ["t", "v"]},
                                               "readTime": OLD},
                    {"name": ROOT + "/c/d1", "transaction": "AAAAAAAAAAAA"}],
    "ListDocuments": [{"parent": ROOT, "collectionId": "c", "pageSize": 2, "orderBy": "n desc, s",
                       "mask": {"fieldPaths": ["n"]}},
                      {"parent": ROOT + "/read/a", "collectionId": "sub", "pageToken": "AAAA", "showMissing": True},
                      {"parent": ROOT, "collectionId": "c", "readTime": OLD, "transaction": "AAAA"}],
    "CreateDocument": [{"parent": ROOT, "collectionId": "c", "documentId": "made", "document": {"fields": FIELDS},
                        "mask": {"fieldPaths": ["n"]}},
                       {"parent": ROOT + "/read/a", "collectionId": "sub", "document": {}}],
    "UpdateDocument": [{"document": {"name": ROOT + "/c/d5", "fields": FIELDS},
                        "updateMask": {"fieldPaths": ["n", "g"]},
                        "mask": {"fieldPaths": ["n"]}, "currentDocument": {"exists": True}},
                       {"document": {"name": ROOT + "/c/d6", "fields": {"n": ONE}},
                        "currentDocument": {"updateTime": OLD}}],
    "DeleteDocument": [{"name": ROOT + "/c/d7"}, {"name": ROOT + "/c/d7", "currentDocument": {"exists": True}}],
    "BatchGetDocuments": [{"database": DATABASE, "documents": [ROOT + "/c/d1", ROOT + "/c/none"],
                           "mask": {"fieldPaths": ["n"]}},
                          {"database": DATABASE, "documents": [ROOT + "/read/a"],
                           "newTransaction": {"readWrite": {"retryTransaction": "AAAA"}}},
                          {"database": DATABASE, "documents": [ROOT + "/read/a"], "readTime": OLD}],
    "BeginTransaction": [{"database": DATABASE, "options": {"readOnly": {"readTime": OLD}}},
                         {"database": DATABASE, "options": {"readWrite": {"retryTransaction": "AAAAAAAA"}}},
                         {"database": DATABASE}],
    "Commit": [{"database": DATABASE, "writes": WRITES}, {"database": DATABASE, "writes": WRITES[1:2],
                                                          "transaction": "AAAAAAAAAAAA"}]
              + [{"database": DATABASE, "writes": [w]} for w in WRITES],
    "Rollback": [{"database": DATABASE, "transaction": "AAAAAAAAAAAA"}],
    "RunQuery": [{"parent": ROOT, "structuredQuery": QUERY}, {"parent": ROOT, "structuredQuery": IN_QUERY,
                                                              "explainOptions": {"analyze": True}},
                 {"parent": ROOT + "/read/a", "structuredQuery": {"from": [{"collectionId": "sub"}], "limit": 1},
                  "newTransaction": {"readOnly": {}}},
                 {"parent": ROOT, "structuredQuery": NEAREST},
                 {"parent": ROOT, "structuredQuery": ARRAY_QUERY, "readTime": OLD}],
    "RunAggregationQuery": [{"parent": ROOT, "structuredAggregationQuery": {"structuredQuery": IN_QUERY,
                                                                            "aggregations": [
        {"alias": "c", "count": {"upTo": "5"}}, {"alias": "s", "sum": {"field": field("n")}},
        {"avg": {"field": field("n")}}]}}],
    "PartitionQuery": [{"parent": ROOT, "partitionCount": "3", "pageSize": 2, "structuredQuery": {
        "from": [{"collectionId": "c", "allDescendants": True}],
        "orderBy": [{"field": field("__name__"), "direction": "ASCENDING"}]}}],
    "ListCollectionIds": [{"parent": ROOT, "pageSize": 1}, {"parent": ROOT + "/read/a", "pageToken": "AAAA"}],
    "BatchWrite": [{"database": DATABASE, "writes": WRITES, "labels": {"a": "b"}}],
    "ExecutePipeline": [{"database": DATABASE}],
    "Write": [{"database": DATABASE}],
    "Listen": [{"database": DATABASE}],
}
READS = {"GetDocument", "ListDocuments", "BatchGetDocuments", "BeginTransaction", "Rollback", "RunQuery",
         "RunAggregationQuery",
         "PartitionQuery", "ListCollectionIds", "ExecutePipeline"}
RULES = ("rules_version = '2';\nservice cloud.firestore { match /databases/{db}/documents { match /{d=**} {\n"
         "  function held() { return request.auth.uid == 'u' && exists(/databases/$(db)/documents/c/d1); }\n"
         "  allow read: if true; allow write: if held() && request.resource.data.n is int; } } }\n")
# (method, target, JSON body or None)
CONTROL = [
    ("GET", "/", None), ("GET", "/healthz", None), ("GET", "/readyz", None),
    ("PUT", "/emulator/v1/projects/demo-m:securityRules", {"rules": {"files": [{"name": "security.rules",
                                                                               "content": RULES}]}}),
    ("PUT", "/emulator/v1/projects/demo-m:securityRules", {"rules": {"files": [{"content": RULES}]},
                                                          "ignore_errors": True}),
    ("GET", "/emulator/v1/projects/demo-m:securityRules", None),
    ("DELETE", "/emulator/v1/projects/other/databases/(default)/documents", None),
    ("DELETE", "/emulator/v1/projects/other/databases/(default)/documents/c/d1", None),
    ("POST", "/reset", None),
    ("GET", "/cinderlog/v1/checkpoint", None), ("GET", "/cinderlog/v1/stats", None),
    ("GET", "/cinderlog/v1/summary", None),
    ("GET", "/cinderlog/v1/entries?after=3&format=ndjson&denied=true&request=r&path=c/d1", None),
    ("GET", "/cinderlog/v1/entries?format=text", None),
    ("OPTIONS", "/v1/" + ROOT + "/c/d1", None),
]

# Refused where control is locked; elsewhere it would end the server.
LOCKED_CONTROL = [("POST", "/shutdown", None)]


def parameters(node, prefix=""):
    """A message as query parameters: {"mask": {"fieldPaths": ["a"]}} -> [("mask.fieldPaths", "a")]."""
    for name, value in node.items():
        for x in value if isinstance(value, list) else [value]:
            if isinstance(x, dict):
                yield from parameters(x, prefix + name + ".")
            else:
                yield prefix + name, str(x).lower() if isinstance(x, bool) else str(x)


def rest_of(template, method, message):
    """(target, body as JSON or None) of an RPC over REST, from its row's template and its message."""
    rest = json.loads(json.dumps(message))
    path = template
    for variable in re.findall(r"\{([^}]*)\}", template):
        *parents, last = variable.partition("=")[0].split(".")
        holder = rest
        for name in [re.sub(r"_(.)", lambda m: m[1].upper(), p) for p in parents]:
            holder = holder[name]
        value = holder.pop(re.sub(r"_(.)", lambda m: m[1].upper(), last))
        path = path.replace("{" + variable + "}", urllib.parse.quote(value, safe="/()"))
    body = None
    if method in ("POST", "PATCH"):
        body = rest.pop("document") if "document" in rest else rest
    query = rest if body is not rest else {}
    text = urllib.parse.urlencode(list(parameters(query)))
    return path + ("?" + text if text else ""), body

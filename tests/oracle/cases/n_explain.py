"""explainOptions of RunQuery and RunAggregationQuery."""
from caselib import *

group("explain")
DATA = fixture("explain", docs({"q/1": {"a": 1, "v": vector(1, 1)}, "q/2": {"a": 2, "v": vector(2, 2)}, "q/3": {"a": 3, "b": "x"}, "q/2/s/x": {"a": 9}}))


def explained(options, *args, headers=None, request=None, **kw):
    return query(*args, headers=headers, request={"explainOptions": options, **(request or {})}, **kw)


def explained_count(options, *aggregations, of="q", headers=None, request=None, **kw):
    return call("runAggregationQuery", {"structuredAggregationQuery": {"structuredQuery": structured(of, **kw), "aggregations": list(aggregations)},
                                        "explainOptions": options, **(request or {})}, headers=headers)


COUNT = {"alias": "n", "count": {}}
for name, options in (("no analyze", {}), ("analyze false", {"analyze": False}), ("analyze", {"analyze": True})):
    case(f"{name}: a collection", explained(options, "q"), uses=DATA)
    case(f"{name}: a filter", explained(options, "q", f("a", ">", 1)), uses=DATA)
    case(f"{name}: orders and a limit", explained(options, "q", order=["-a"], limit=1), uses=DATA)
    case(f"{name}: an offset", explained(options, "q", offset=1), uses=DATA)
    case(f"{name}: nothing found", explained(options, "never"), uses=DATA)
    case(f"{name}: a count", explained_count(options, COUNT), uses=DATA)
    case(f"{name}: a sum", explained_count(options, {"alias": "s", "sum": {"field": {"fieldPath": "a"}}}), uses=DATA)
    case(f"{name}: the nearest", explained(options, "q", findNearest={"vectorField": {"fieldPath": "v"}, "queryVector": vector(1, 1),
                                                                        "distanceMeasure": "EUCLIDEAN", "limit": 1}), uses=DATA)
    case(f"{name}: a collection group", explained(options, [{"collectionId": "s", "allDescendants": True}]), uses=DATA)
    case(f"{name}: a new transaction", explained(options, "q", request={"newTransaction": {}}), uses=DATA)
    case(f"{name}: a count in a new transaction", explained_count(options, COUNT, request={"newTransaction": {}}), uses=DATA)
    case(f"{name}: a refused query", explained(options, "__q__"), uses=DATA)
    case(f"{name}: a refused aggregation", explained_count(options), uses=DATA)
case("null explainOptions", explained(None, "q"), uses=DATA)
case("null explainOptions of a count", explained_count(None, COUNT), uses=DATA)
case("explainOptions with an unknown key", explained({"analyse": True}, "q"), uses=DATA)
case("analyze that is no boolean", explained({"analyze": "yes"}, "q"), uses=DATA)
RULES = ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n    match /q/{id} {\n"
         "      allow list: if request.query.limit == 1;\n    }\n  }\n}")
case("the rules decide", explained({}, "q"), explained({}, "q", limit=1), explained({"analyze": True}, "q", limit=1), explained_count({}, COUNT),
     rules=RULES, setup=[docs({"q/1": {"a": 1}})])

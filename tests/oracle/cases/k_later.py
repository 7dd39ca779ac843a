"""RPCs of the next issue: aggregations, partitions, collection ids."""
from caselib import *

group("later")
DATA = fixture("later", docs({
    "q/1": {"a": 1, "b": 1.5}, "q/2": {"a": 2, "b": 2.5}, "q/3": {"a": 3, "c": "x"}, "q/4": {"b": 4.0},
    "q/5": {"a": float("nan")}, "q/1/sub/x": {"a": 10}, "q/2/sub/y": {"a": 20}, "q/2/zub/y/deep/z": {"a": 30},
    "e/1": {"s": "x"}, "big/1": {"a": 9223372036854775807}, "big/2": {"a": 1},
}))


def agg(name, *aggregations, of="q", where=None, parent="", request=None, **kw):
    body = {"structuredAggregationQuery": {"structuredQuery": structured(of, where, **kw), "aggregations": list(aggregations)},
            **(request or {})}
    case(name, call("runAggregationQuery", body, parent), uses=DATA, later=True)


def count(alias=None, **kw):
    return {**({"alias": alias} if alias is not None else {}), "count": kw}


def sum_(path, alias="s"):
    return {"alias": alias, "sum": {"field": {"fieldPath": path}}}


def avg(path, alias="v"):
    return {"alias": alias, "avg": {"field": {"fieldPath": path}}}


agg("count", count("n"))
agg("count of an empty collection", count("n"), of="never")
agg("count with a filter", count("n"), where=f("a", ">", 1))
agg("count with a limit", count("n"), limit=2)
agg("count with an offset", count("n"), offset=2)
agg("count up to", count("n", upTo="2"))
agg("count up to more than there are", count("n", upTo="200"))
agg("count without an alias", count())
agg("two counts without an alias", count(), count())
agg("count of a subcollection", count("n"), of="sub", parent="q/1")
agg("count of a collection group", count("n"), of=[{"collectionId": "sub", "allDescendants": True}])
agg("sum of integers", sum_("a"), of="sub", parent="q/1")
agg("sum of doubles", sum_("b"))
agg("sum with NaN", sum_("a"))
agg("sum of strings is 0", sum_("s"), of="e")
agg("sum of nothing", sum_("a"), of="never")
agg("sum that overflows", sum_("a"), of="big")
agg("average", avg("b"))
agg("average of nothing is null", avg("a"), of="never")
agg("average of integers", avg("a"), where=f("a", ">=", 1))
agg("count, sum and average count only documents that have the fields", count("n"), sum_("a"), avg("b"))
agg("cursor", count("n"), order=["a"], start=at(2))
agg("in a new transaction", count("n"), request={"newTransaction": {}})
agg("no aggregation")
agg("the same alias twice", count("n"), count("n"))
agg("an aggregation without an operator", {"alias": "n"})
agg("sum without a field", {"alias": "n", "sum": {}})
agg("sum of a bad path", sum_("a..b"))
agg("a negative up to", count("n", upTo="-1"))
agg("a reserved alias", count("__n__"))
agg("an unknown operator", {"alias": "n", "max": {}})
agg("a bad collection", count("n"), of="__c__")
case("an aggregation query without a query", call("runAggregationQuery", {}), uses=DATA, later=True)
case("an aggregation without the inner query", call("runAggregationQuery", {"structuredAggregationQuery": {"aggregations": [count("n")]}}),
     uses=DATA, later=True)


def ids(name, body, parent="", headers=OWNER):
    case(name, call("listCollectionIds", body, parent, headers), uses=DATA, later=True)


ids("collection ids of the root", {})
ids("collection ids of a document", {}, "q/2")
ids("collection ids of a missing document", {}, "q/9")
ids("collection ids of a document without children", {}, "q/3")
ids("collection ids with a page size", {"pageSize": 2})
ids("collection ids with a negative page size", {"pageSize": -1})
ids("collection ids with a bad page token", {"pageToken": "zzzz"})
ids("collection ids of a collection", {}, "q")
ids("collection ids of a reserved parent", {}, "q/__x__")
ids("collection ids with an unknown key", {"page": 1})
ids("collection ids without a token under the open ruleset", {}, headers=None)
case("collection ids page by page", capture(call("listCollectionIds", {"pageSize": 2}, headers=OWNER), t="/nextPageToken"),
     call("listCollectionIds", {"pageSize": 2, "pageToken": "${t}"}, headers=OWNER), uses=DATA, later=True)
case("partitionQuery", call("partitionQuery", {"structuredQuery": {"from": [{"collectionId": "q", "allDescendants": True}], "orderBy": by("__name__")},
                                               "partitionCount": 2}, headers=OWNER), uses=DATA, later=True)
case("executePipeline", call("executePipeline", {}, headers=OWNER), uses=DATA, later=True)
case("nearest by vector", query("v", select=["n"], findNearest={"vectorField": {"fieldPath": "v"}, "queryVector": vector(1, 1), "limit": 2,
                                                               "distanceMeasure": "EUCLIDEAN"}),
     setup=[docs({"v/1": {"n": 1, "v": vector(0, 0)}, "v/2": {"n": 2, "v": vector(5, 5)}, "v/3": {"n": 3, "v": vector(1, 2)}})], later=True)

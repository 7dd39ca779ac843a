"""RunAggregationQuery: count, sum, avg; names of results, what a query's parts mean for them, and what is refused.

Google's emulator adds doubles in an order of its own: there are no sums here whose last digits depend on it.
"""
from caselib import *

group("aggregate")
NAN, INF = float("nan"), float("inf")
MAX, MIN = 9223372036854775807, -9223372036854775808
DATA = fixture("aggregate", docs({
    "q/1": {"a": 1, "b": 1.5, "m": {"x": 1, "y": {"z": 5}}, "a b": 7, "s": "x"},
    "q/2": {"a": 2, "b": 2.5, "m": {"x": 2.5}, "s": "x"}, "q/3": {"a": 3, "c": "x", "m": 7, "s": "y"},
    "q/4": {"b": 4.0, "s": "y"}, "q/5": {"a": NAN, "s": "z"},
    "q/1/sub/x": {"a": 10}, "q/2/sub/y": {"a": 20}, "q/2/zub/y/deep/z": {"a": 30},
    # Every kind of value; numbers among them.
    "t/null": {"f": None, "n": 1}, "t/bool": {"f": True, "n": 1}, "t/int": {"f": 4, "n": 1}, "t/double": {"f": 0.5, "n": 1},
    "t/time": {"f": ts("2020-01-01T00:00:00Z"), "n": 1}, "t/string": {"f": "5", "n": 1}, "t/bytes": {"f": b"5", "n": 1},
    "t/ref": {"f": ref("t/int"), "n": 1}, "t/geo": {"f": geo(1, 2), "n": 1}, "t/array": {"f": [7], "n": 1},
    "t/vector": {"f": vector(1, 2), "n": 1}, "t/map": {"f": {"x": 1}, "n": 1}, "t/missing": {"n": 1},
    "e/1": {"s": "x"}, "i/1": {"a": 1}, "i/2": {"a": 2}, "i/3": {"a": 4}, "neg/1": {"a": -0.0}, "neg/2": {"a": -0.0},
    "negint/1": {"a": -0.0}, "negint/2": {"a": 0},
    "inf/1": {"a": INF}, "inf/2": {"a": 1}, "infs/1": {"a": INF}, "infs/2": {"a": -INF},
    "big/1": {"a": MAX}, "big/2": {"a": 1}, "low/1": {"a": MIN}, "low/2": {"a": -1},
    "back/1": {"a": MAX}, "back/2": {"a": 1}, "back/3": {"a": -2}, "back/4": {"b": 1},
    "maxes/1": {"a": MAX}, "maxes/2": {"a": MAX}, "maxes/3": {"a": MAX}, "maxes/4": {"a": MAX},
    "o/1": {"a": 1, "b": 9, "c": 1}, "o/2": {"a": 2, "b": 8, "c": 2}, "o/3": {"a": 3, "b": 7, "c": 1}, "o/4": {"a": 3, "b": 1, "c": 2},
    "o/5": {"a": 0, "b": 2}, "o/6": {"a": 5}, "both/1": {"a": MAX}, "both/2": {"a": MIN}, "late/1": {"a": 1}, "late/2": {"a": 9007199254740993}, "late/3": {"a": 0.5},
    "exact/1": {"a": 9007199254740993}, "exact/2": {"a": 2}, "exact/3": {"a": 1.0},
    "tenths/1": {"a": 0.1}, "tenths/2": {"a": 0.2}, "tenths/3": {"a": 0.3}, "tenths/4": {"a": 0.4}, "tenths/5": {"a": 0.7},
    "huge/1": {"a": 1.7e308}, "huge/2": {"a": 1.7e308}, "mixed/1": {"a": 1}, "mixed/2": {"a": 2.5}, "whole/1": {"a": 1}, "whole/2": {"a": 2.0},
    "p/a/q/1": {"a": 5},
}))


def body(aggregations, of="q", where=None, request=None, **kw):
    return {"structuredAggregationQuery": {"structuredQuery": structured(of, where, **kw), "aggregations": list(aggregations)},
            **(request or {})}


def run(*aggregations, parent="", headers=None, **kw):
    return call("runAggregationQuery", body(aggregations, **kw), parent, headers)


def agg(name, *aggregations, **kw):
    case(name, run(*aggregations, **kw), uses=DATA)


def count(alias=None, **kw):
    return {**({"alias": alias} if alias is not None else {}), "count": kw}


def sum_(path, alias="s"):
    return {**({"alias": alias} if alias is not None else {}), "sum": {"field": {"fieldPath": path}}}


def avg(path, alias="v"):
    return {**({"alias": alias} if alias is not None else {}), "avg": {"field": {"fieldPath": path}}}


agg("count", count("n"))
agg("count of an empty collection", count("n"), of="never")
agg("count with a filter", count("n"), where=f("a", ">", 1))
agg("count with an order counts documents that have the field", count("n"), order=["c"])
agg("count with a limit", count("n"), limit=2)
agg("count with a limit of 0", count("n"), limit=0)
agg("count with a limit above the result", count("n"), limit=99)
agg("count with an offset", count("n"), offset=2)
agg("count with an offset behind the end", count("n"), offset=20)
agg("count with an offset and a limit", count("n"), offset=3, limit=9)
agg("count with a projection", count("n"), select=["c"])
agg("count of names alone", count("n"), select=[])
agg("count up to", count("n", upTo="2"))
agg("count up to 0", count("n", upTo="0"))
agg("count up to as a number", count("n", upTo=3))
agg("count up to as a wrapper", count("n", upTo={"value": "2"}))
agg("count up to null", count("n", upTo=None))
agg("count up to more than there are", count("n", upTo="200"))
agg("count up to the largest integer", count("n", upTo=str(MAX)))
agg("count up to more than the limit", count("n", upTo="3"), limit=2)
agg("count up to less than the limit", count("n", upTo="2"), limit=4)
agg("count up to after an offset", count("n", upTo="2"), offset=4)
agg("two counts up to different numbers", count("n", upTo="2"), count("m", upTo="4"), count("o"))
agg("count up to beside a sum", count("n", upTo="1"), sum_("b"))
agg("count up to 0 beside a sum", count("n", upTo="0"), sum_("b"), avg("b"))
agg("sum beside a count up to", sum_("b"), count("n", upTo="2"))
agg("count without an alias", count())
agg("two counts without an alias", count(), count())
agg("count, sum and average without an alias", count(), sum_("b", None), avg("b", None))
agg("an alias that is a default name", count("field_1"), count())
agg("an alias that is the next default name", count(), count("field_1"))
agg("an alias that is a default name, twice ahead", count("field_2"), count(), count())
agg("an empty alias", count(""), count(""))
agg("an alias with a space", count("a b"))
agg("an alias with a dot", count("a.b"))
agg("an alias in back quotes", count("`a b`"))
agg("an alias with a back quote", count("a`b"))
agg("an alias of other letters", count("\u00fc\U0001f600"))
agg("an alias that starts with a digit", count("1n"))
agg("an alias of 1500 bytes", count("${repeat:n:1500}"))
agg("an alias of 1501 bytes", count("${repeat:n:1501}"))
agg("an alias that is the field's name", sum_("a", "a"))
agg("aliases are given back in order of name", count("b"), count("a"), sum_("b", "A"))
agg("a reserved alias", count("__n__"))
agg("an alias that starts like a reserved one", count("__n"))
agg("the alias __name__", count("__name__"))
agg("the same alias twice", count("n"), count("n"))
agg("the same alias thrice", count("n"), sum_("a", "m"), sum_("a", "m"), avg("a", "n"))
agg("five aggregations", *[count(f"n{i}") for i in range(5)])
agg("six aggregations", *[count(f"n{i}") for i in range(6)])
agg("the same sum twice", sum_("b", "x"), sum_("b", "y"))
agg("count of a subcollection", count("n"), of="sub", parent="q/1")
agg("count below a missing document", count("n"), of="q", parent="p/a")
agg("count of a collection group", count("n"), of=[{"collectionId": "sub", "allDescendants": True}])
agg("sum of a collection group", sum_("a"), of=[{"collectionId": "sub", "allDescendants": True}])
agg("sum of a collection group below a document", sum_("a"), of=[{"collectionId": "deep", "allDescendants": True}], parent="q/2")
agg("count of a collection group below a document", count("n"), of=[{"collectionId": "deep", "allDescendants": True}], parent="q/2")
agg("count of everything below a document", count("n"), of=[{"allDescendants": True}], parent="q/2")
agg("count of any collection", count("n"), of=[{}], parent="q/2")
agg("sum of any collection", sum_("a"), of=[{}], parent="q/2")
agg("sum of everything below a document", sum_("a"), of=[{"allDescendants": True}], parent="q/2")
agg("sum of integers", sum_("a"), of="i")
agg("sum of doubles", sum_("b"))
agg("sum of integers and doubles", sum_("a"), of="mixed")
agg("sum of an integer and a whole double", sum_("a"), of="whole")
agg("sum with NaN", sum_("a"))
agg("sum with infinity", sum_("a"), of="inf")
agg("sum of both infinities", sum_("a"), of="infs")
agg("sum of minus zeros", sum_("a"), of="neg")
agg("sum of minus zero and an integer zero", sum_("a"), of="negint")
agg("sum of every kind of value takes the numbers", sum_("f"), of="t")
agg("count beside a sum of every kind of value", count("n"), sum_("f"), of="t")
agg("sum of strings is 0", sum_("s"), of="e")
agg("sum of a field that no document has", sum_("zzz"))
agg("sum of nothing", sum_("a"), of="never")
agg("sum that overflows", sum_("a"), of="big")
agg("sum that overflows downwards", sum_("a"), of="low")
agg("sum that overflows and comes back", sum_("a"), of="back")
agg("sum of four of the largest", sum_("a"), of="maxes")
agg("sum of the largest and the smallest", sum_("a"), of="both")
agg("sum of large integers is exact", sum_("a"), of="exact", where=f("a", "!=", 1.0))
agg("sum of large integers and a double", sum_("a"), of="exact")
agg("sum of large integers and a double, by name", sum_("a"), of="exact", order=["__name__"])
agg("sum of large integers and a small double", sum_("a"), of="late")
agg("sum of tenths", sum_("a"), of="tenths")
agg("sum of tenths from the largest", sum_("a"), of="tenths", order=["-a"])
agg("sum of doubles that overflows", sum_("a"), of="huge")
agg("sum of a nested field", sum_("m.x"))
agg("sum of a deeper field", sum_("m.y.z"))
agg("sum of a quoted field", sum_("`a b`"))
agg("sum of a map that holds numbers", sum_("m"))
agg("sum of the name", sum_("__name__"))
agg("sum with a limit", sum_("b"), limit=2)
agg("sum with a limit takes documents that have the field", sum_("a"), limit=1, offset=2)
agg("sum with an offset", sum_("b"), offset=1)
agg("sum with an order and a limit", sum_("b"), order=["-b"], limit=2)
agg("sum with an order by another field and a limit", sum_("b"), order=["-a"], limit=2)
agg("sum with a filter on another field", sum_("b"), where=f("s", "==", "x"))
agg("sum with an inequality on another field", sum_("b"), where=f("a", ">=", 1))
agg("sum with a projection", sum_("b"), select=["a"])
agg("sum and average with a disjunction", sum_("b"), avg("b"), where=or_(f("s", "==", "x"), f("a", "==", 1), f("s", "==", "y")))
agg("sum and average with IN", sum_("b"), avg("b"), where=f("s", "in", ["x", "y", "x"]))
agg("average", avg("b"))
agg("average of nothing is null", avg("a"), of="never")
agg("average of strings is null", avg("s"), of="e")
agg("average of integers", avg("a"), of="i")
agg("average of integers with a filter", avg("a"), where=f("a", ">=", 1))
agg("average with NaN", avg("a"))
agg("average with infinity", avg("a"), of="inf")
agg("average of every kind of value takes the numbers", avg("f"), of="t")
agg("count beside an average of every kind of value", count("n"), avg("f"), of="t")
agg("average of the largest and 1", avg("a"), of="big")
agg("average of four of the largest", avg("a"), of="maxes")
agg("average of the largest and the smallest", avg("a"), of="both")
agg("average of large integers and a double", avg("a"), of="exact")
agg("average of tenths", avg("a"), of="tenths")
agg("average of doubles that overflows", avg("a"), of="huge")
agg("average of minus zeros", avg("a"), of="neg")
agg("average of a nested field", avg("m.x"))
agg("average of the name", avg("__name__"))
agg("average with a limit", avg("b"), order=["b"], limit=2)
agg("count, sum and average count only documents that have the fields", count("n"), sum_("a"), avg("b"))
agg("count and sum count only documents that have the field", count("n"), sum_("b"))
agg("a limit counts only documents that have the fields", count("n"), sum_("b"), limit=3)
agg("an offset counts only documents that have the fields", count("n"), sum_("b"), offset=2)
agg("sums of two fields", sum_("a", "x"), sum_("b", "y"))
agg("a limit cuts in the order of the summed fields by name", sum_("b", "y"), sum_("a", "x"), of="o", limit=2)
agg("a limit cuts in the order of the inequality first", sum_("a"), of="o", where=f("b", ">", 1), limit=2)
agg("a limit cuts downwards after a descending order", sum_("b"), of="o", order=["-c"], limit=1)
agg("a limit cuts in the order given", sum_("b"), of="o", order=["c"], limit=1)
agg("a name and a sum", sum_("a"), of="o", where=f("__name__", "==", ref("o/2")))
agg("names after one and a sum", sum_("a"), of="o", where=f("__name__", ">", ref("o/2")))
agg("two sums after the name", sum_("b"), sum_("a", "t"), avg("b"), of="o", order=["__name__"])
agg("a sum of what is ordered by before the name", sum_("c"), of="o", order=["c", "__name__"])
agg("a sum after an order and the name", sum_("b"), of="o", order=["c", "__name__"])
agg("a sum of everything in the database", sum_("zz"), of=[{"allDescendants": True}])
agg("sums of a field and one inside it", sum_("m", "x"), sum_("m.x", "y"))
agg("cursor", count("n"), order=["a"], start=at(2))
agg("cursor behind", count("n"), order=["a"], start=at(2, before=False))
agg("cursors at both ends", sum_("b"), order=["b"], start=at(1.5, before=False), end=at(4.0, before=False))
agg("cursor at a name", count("n"), order=["__name__"], start=at(ref("q/3")))
agg("names downwards", count("n"), order=["-__name__"])
agg("sum with names downwards", sum_("b"), order=["-__name__"])
agg("a bound of names", count("n"), where=f("__name__", ">", ref("q/3")))
agg("IS_NOT_NULL", count("n"), where=unary("a", "IS_NOT_NULL"))
agg("NOT_IN", count("n"), where=f("a", "not-in", [1, 2]))
agg("array contains", count("n"), of="t", where=f("f", "contains", 7))
agg("every filter at once", count("n"), where=and_(f("s", "in", ["x", "y"]), f("a", ">", 0), f("b", "<", 2)))

group("aggregate_times")
ONE = [docs({"c/a": {"n": 1}, "c/b": {"n": 2}})]
N = {"of": "c"}
case("in a new transaction", run(count("n"), request={"newTransaction": {}}, **N), setup=ONE)
case("in a new transaction that reads and writes", capture(run(count("n"), request={"newTransaction": {"readWrite": {}}}, **N), tx="/0/transaction"),
     run(sum_("n"), request={"transaction": "${tx}"}, **N), commit(transaction="${tx}"), run(count("n"), request={"transaction": "${tx}"}, **N), setup=ONE)
case("in a new transaction that only reads", capture(run(count("n"), request={"newTransaction": {"readOnly": {}}}, **N), tx="/0/transaction"),
     commit(set_("c/c", {"n": 3})), run(count("n"), request={"transaction": "${tx}"}, **N), run(count("n"), **N), setup=ONE)
case("a counted document is locked", capture(call("beginTransaction", {}), tx="/transaction"),
     run(count("n"), request={"transaction": "${tx}"}, **N), commit(set_("c/a", {"n": 9})), call("rollback", {"transaction": "${tx}"}), setup=ONE)
case("a summed document is locked", capture(call("beginTransaction", {}), tx="/transaction"),
     run(sum_("n"), request={"transaction": "${tx}"}, **N), commit(del_("c/b")), call("rollback", {"transaction": "${tx}"}), setup=ONE)
case("a document that the filter leaves out is not locked", capture(call("beginTransaction", {}), tx="/transaction"),
     run(count("n"), request={"transaction": "${tx}"}, where=f("n", "==", 1), **N), commit(set_("c/b", {"n": 9})),
     commit(set_("c/a", {"n": 7}), transaction="${tx}"), setup=ONE)
case("a count and a commit in one transaction", capture(call("beginTransaction", {}), tx="/transaction"),
     run(count("n"), request={"transaction": "${tx}"}, **N), commit(set_("c/total", {"n": 2}), transaction="${tx}"), run(count("n"), **N), setup=ONE)
case("a transaction that is closed", capture(call("beginTransaction", {}), tx="/transaction"), call("rollback", {"transaction": "${tx}"}),
     run(count("n"), request={"transaction": "${tx}"}, **N), setup=ONE)
case("a bad transaction", run(count("n"), request={"transaction": "AAAA"}, **N), setup=ONE)
case("an empty transaction", run(count("n"), request={"transaction": ""}, **N), setup=ONE)
case("at a readTime", capture(commit(set_("c/c", {"n": 4})), t="/commitTime"), commit(set_("c/d", {"n": 8}), del_("c/a")),
     run(count("k"), sum_("n"), request={"readTime": "${t}"}, **N), run(count("k"), sum_("n"), **N), setup=ONE)
case("at a readTime in the future", run(count("n"), request={"readTime": "2999-01-01T00:00:00Z"}, **N), setup=ONE)
case("at a readTime long ago", run(count("n"), request={"readTime": "2001-01-01T00:00:00Z"}, **N), setup=ONE)
case("at a readTime before 1970", run(count("n"), request={"readTime": "1960-01-01T00:00:00Z"}, **N), setup=ONE)
case("a readTime and a transaction", run(count("n"), request={"readTime": "2001-01-01T00:00:00Z", "transaction": "AAAA"}, **N), setup=ONE)
case("without documents in a new transaction", run(count("n"), avg("x"), of="never", request={"newTransaction": {}}))

group("aggregate_errors")


def refused(name, *aggregations, **kw):
    case(name, run(*aggregations, **kw), uses=DATA)


refused("no aggregation")
refused("an aggregation without an operator", {"alias": "n"})
refused("an empty aggregation", {})
refused("a null operator", {"alias": "n", "count": None})
refused("two operators", {"alias": "n", "count": {}, "sum": {"field": {"fieldPath": "a"}}})
refused("sum without a field", {"alias": "n", "sum": {}})
refused("average without a field", {"alias": "n", "avg": {}})
refused("sum of an empty path", sum_(""))
refused("sum of a bad path", sum_("a..b"))
refused("average of a bad path", avg("1a"))
refused("sum of a reserved path", sum_("__x__"))
refused("sum of a reserved path inside", sum_("m.__x__"))
refused("sum of a path of 21 segments", sum_(".".join("abcdefghijklmnopqrstu")))
refused("sum of a field of 1500 bytes", sum_("${repeat:n:1500}"))
refused("sum of a field of 1501 bytes", sum_("${repeat:n:1501}"))
refused("a negative up to", count("n", upTo="-1"))
refused("an up to that is no number", count("n", upTo="x"))
refused("an up to beyond 64 bits", count("n", upTo="9223372036854775808"))
refused("an unknown operator", {"alias": "n", "max": {}})
refused("an unknown key of count", count("n", downTo="1"))
refused("a bad collection", count("n"), of="__c__")
refused("two collections", count("n"), of=[{"collectionId": "q"}, {"collectionId": "i"}])
refused("a bad filter", count("n"), where={})
refused("a filter without an operator", count("n"), where={"fieldFilter": {"field": {"fieldPath": "a"}, "value": v(1)}})
refused("a negative limit", count("n"), limit=-1)
refused("a negative offset", count("n"), offset=-1)
refused("a cursor with too many values", count("n"), start=at(1))
refused("a field group below a document", sum_("a"), of=[{"collectionId": "sub", "allDescendants": True}], parent="q/1")
refused("an order of any collection", count("n"), of=[{}], order=["a"])
refused("two orders of one field", count("n"), order=["a", "a"])
refused("97 filters and a sum", sum_("b"), where=and_(*[f("a", ">", i) for i in range(97)]))
refused("100 filters and a sum", sum_("b"), where=and_(*[f("a", ">", i) for i in range(100)]))
refused("100 filters and two sums", sum_("b", "x"), sum_("a", "y"), where=and_(*[f("s", "==", str(i)) for i in range(100)]))
refused("100 filters and a count", count("n"), where=and_(*[f("s", "==", str(i)) for i in range(100)]))
refused("101 filters and a count", count("n"), where=and_(*[f("s", "==", str(i)) for i in range(101)]))
refused("the alias before the query", count("__n__"), of="__c__")
refused("the operator before the query", {"alias": "n"}, of="__c__")
refused("the number of aggregations before the query", of="__c__")
refused("a duplicate before the operator", count("n"), {"alias": "n"})
refused("an operator before the duplicate", {"alias": "n"}, count("n"), count("n"))
refused("a reserved alias before a bad path", count("__n__"), sum_("a..b"))
refused("a bad path before a reserved alias", sum_("a..b"), count("__n__"))
refused("a negative up to before a duplicate", count("n", upTo="-1"), count("n"))
refused("a projection that holds the summed field", sum_("a"), select=["a"])
refused("a projection that holds a map around it", sum_("m.x"), select=["m"])
refused("a projection of a field inside", sum_("m"), select=["m.x"])
refused("a sum of names alone", sum_("a"), select=[])
refused("six before a duplicate", *[count("n") for _ in range(6)])
refused("a bad path before the query", sum_("a..b"), of="__c__")
refused("a negative up to before the query", count("n", upTo="-1"), of="__c__")
refused("an alias before a duplicate", count("__n__"), count("m"), count("m"))
refused("an alias before a projection", sum_("a", "__n__"), select=["c"])
refused("a projection before a duplicate", sum_("a"), sum_("a"), select=["c"])
refused("a projection before the name", sum_("__name__"), select=["c"])
refused("the name before a duplicate", sum_("__name__"), sum_("__name__"))
refused("a duplicate before names downwards", count("n"), count("n"), order=["-__name__"])
refused("a duplicate before a negative limit", count("n"), count("n"), limit=-1)
refused("a duplicate before two orders of one field", count("n"), count("n"), order=["a", "a"])
refused("a duplicate before a sum behind the name", sum_("b"), sum_("b"), order=["__name__"])
refused("no aggregation before a negative limit", limit=-1)
refused("an order below a document before a count", count("n"), of=[{"collectionId": "x", "allDescendants": True}], parent="q/1", order=["a"])
refused("a bad query before a bad transaction", count("n"), of="__c__", request={"transaction": "AAAA"})
refused("a bad aggregation before a bad transaction", count("__n__"), request={"transaction": "AAAA"})
refused("a bad parent", count("n"), parent="q")
refused("a reserved parent", count("n"), parent="q/__x__")
case("without a query", call("runAggregationQuery", {}), uses=DATA)
case("without the inner query", call("runAggregationQuery", {"structuredAggregationQuery": {"aggregations": [count("n")]}}), uses=DATA)
case("without the inner query, a sum", call("runAggregationQuery", {"structuredAggregationQuery": {"aggregations": [sum_("a")]}}), uses=DATA)
case("an empty inner query", call("runAggregationQuery", {"structuredAggregationQuery": {"structuredQuery": {}, "aggregations": [count("n")]}}, "q/2"), uses=DATA)
case("an empty aggregation query", call("runAggregationQuery", {"structuredAggregationQuery": {}}), uses=DATA)
case("an inner query instead", call("runAggregationQuery", {"structuredQuery": structured("q")}), uses=DATA)
case("an unknown key", call("runAggregationQuery", {**body([count("n")]), "colour": 1}), uses=DATA)
case("another parent in the body", call("runAggregationQuery", {"structuredAggregationQuery": {"aggregations": 5}}), uses=DATA)

group("aggregate_rules")


def ruled(name, condition, *steps, **kw):
    rules = ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n    match /{path=**}/q/{id} {\n"
             f"      allow list: if {condition};\n      allow get: if true;\n    }}\n  }}\n}}")
    case(name, *steps, rules=rules, setup=[docs({"q/1": {"a": 1, "owner": "u"}, "q/2": {"a": 5, "owner": "u"}})], **kw)


ruled("list allows", "true", run(count("n")), run(sum_("a")), run(avg("a")))
ruled("list denies", "false", run(count("n")), run(sum_("a")), run(count("n"), of="r"))
ruled("owner passes", "false", run(count("n"), headers=OWNER))
ruled("get alone does not allow", "request.method == 'get'", run(count("n")))
ruled("a filter proves", "resource.data.owner == 'u'", run(count("n"), where=f("owner", "==", "u")), run(count("n")),
      run(sum_("a"), where=f("owner", "==", "u")), run(count("n"), where=f("owner", "==", "x")))
ruled("a bound proves", "resource.data.a > 0", run(count("n"), where=f("a", ">", 0)), run(sum_("a"), where=f("a", ">", 3)),
      run(sum_("a")))
ruled("a sum is no constraint", "resource.data.a != null", run(sum_("a")), run(sum_("a"), where=unary("a", "IS_NOT_NULL")))
ruled("a sum does not make the field known", "'a' in resource.data", run(sum_("a")), run(count("n"), order=["a"]))
ruled("the limit is known", "request.query.limit <= 10", run(count("n"), limit=5), run(count("n"), limit=50), run(count("n")))
ruled("up to is no limit", "request.query.limit <= 10", run(count("n", upTo="5")))
ruled("up to and the limit", "request.query.limit == 7", run(count("n", upTo="5"), limit=7))
ruled("no limit is null", "request.query.limit == null", run(count("n")), run(count("n", upTo="5")))
ruled("the offset is known", "request.query.offset == 1", run(count("n"), offset=1), run(count("n")))
ruled("the order is known", "request.query.orderBy.a == 'ASC'", run(count("n"), order=["a"]), run(sum_("a")), run(count("n")))
ruled("an aggregation selects names alone", "request.query.selectOnlyKeys == true", run(count("n")), run(sum_("a")))
ruled("a collection group", "true", run(count("n"), of=[{"collectionId": "q", "allDescendants": True}]))
ruled("any collection", "true", run(count("n"), of=[{}]))
ruled("a denial comes after a refusal", "false", run(count("__n__")), run(sum_("a..b")), run(count("n"), limit=-1))
ruled("a denial in a transaction leaves it open", "false", capture(call("beginTransaction", {}), tx="/transaction"),
      run(count("n"), request={"transaction": "${tx}"}), commit(transaction="${tx}"))

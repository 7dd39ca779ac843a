"""findNearest: every distance measure, what it finds, in which order, where the distance goes, and what is refused."""
from caselib import *

group("nearest")
NAN, INF = float("nan"), float("inf")
DATA = fixture("nearest", docs({
    "v/a": {"n": 1, "v": vector(0, 0), "m": {"v": vector(1, 1)}}, "v/b": {"n": 2, "v": vector(5, 5), "m": {"v": vector(2, 2)}},
    "v/c": {"n": 3, "v": vector(1, 2), "m": {"x": 1}}, "v/d": {"n": 4, "v": vector(1, 0)}, "v/e": {"n": 5, "v": vector(0, 1)},
    "v/f": {"n": 6, "v": vector(-3, -4)}, "v/g": {"n": 7, "v": vector(1, 2, 3)}, "v/h": {"n": 8, "v": [1, 1]},
    "v/i": {"n": 9, "v": "1,1"}, "v/j": {"n": 10}, "v/k": {"n": 11, "v": vector(0.1, 0.2), "d": "kept"},
    "v/a/sub/x": {"v": vector(1, 1)}, "v/b/sub/y": {"v": vector(2, 1)},
    "odd/inf": {"v": vector(INF, 1)}, "odd/ninf": {"v": vector(-INF, 1)},
    "odd/big": {"v": vector(1e200, 1e200)}, "odd/one": {"v": vector(1, 1)}, "odd/zero": {"v": vector(0, 0)}, "odd/mzero": {"v": vector(-0.0, 0)},
    "s/1": {"v": vector(1, 1), "k": "x", "n": 1}, "s/2": {"v": vector(2, 2), "k": "y", "n": 2}, "s/3": {"v": vector(3, 3), "k": "x", "n": 3},
    "s/4": {"v": vector(4, 4), "k": "y", "n": 4}, "s/5": {"v": vector(1, 1), "k": "x", "n": 5}, "s/6": {"v": vector(1, 1), "k": "y", "n": 0},
    "small/1": {"v": vector(1)}, "small/2": {"v": vector(2)}, "small/3": {"v": vector(-1)},
    "f/1": {"v": vector(0.1, 0.2, 0.3)}, "f/2": {"v": vector(0.3, 0.2, 0.1)}, "f/3": {"v": vector(1 / 3, 1 / 7, 1 / 11)},
    "ints/1": {"v": {"mapValue": {"fields": {"__type__": v("__vector__"), "value": v([1.0, 2.0])}}}},
}))
MEASURES = ("EUCLIDEAN", "COSINE", "DOT_PRODUCT")


def near(of="v", to=vector(1, 1), measure="EUCLIDEAN", k=3, field="v", headers=None, parent="", request=None, nearest=None, **kw):
    find = {"vectorField": {"fieldPath": field}, "queryVector": to, "distanceMeasure": measure, "limit": k, **(nearest or {})}
    return query(of, parent=parent, headers=headers, request=request, findNearest={a: x for a, x in find.items() if x is not ...}, **kw)


def n(name, *args, nearest=None, uses=DATA, **kw):
    case(name, near(*args, nearest=nearest, **{"select": ["n"], **kw}), uses=uses)


D_FIELD = {"distanceResultField": "d"}
for measure in MEASURES:
    n(f"{measure}: the nearest", measure=measure)
    n(f"{measure}: all, with their distances", measure=measure, k=100, nearest=D_FIELD, select=["d"])
    n(f"{measure}: odd components", "odd", measure=measure, k=100, nearest=D_FIELD, select=["d"])
    n(f"{measure}: from the origin", measure=measure, to=vector(0, 0), k=100, nearest=D_FIELD, select=["d"])
    n(f"{measure}: from NaN", measure=measure, to=vector(NAN, 1), k=100, nearest=D_FIELD, select=["d"])
    n(f"{measure}: from infinity", measure=measure, to=vector(INF, 1), k=100, nearest=D_FIELD, select=["d"])
    n(f"{measure}: three dimensions", measure=measure, to=vector(1, 1, 1), nearest=D_FIELD, select=["d"])
    n(f"{measure}: one dimension", "small", measure=measure, to=vector(1), nearest=D_FIELD, select=["d"])
    n(f"{measure}: fractions", "f", measure=measure, to=vector(0.2, 0.3, 0.7), nearest=D_FIELD, select=["d"])
    n(f"{measure}: large", "s", measure=measure, to=vector(1e200, 1e200), k=9, nearest=D_FIELD, select=["d"])
    n(f"{measure}: ties go by name", "s", measure=measure, to=vector(1, 1), k=9, nearest=D_FIELD, select=["d"])
    n(f"{measure}: a dimension that no document has", measure=measure, to=vector(1, 1, 1, 1))
    for threshold in (0, 0.2, 1, 1.5, 3, -1, INF, NAN):
        n(f"{measure}: threshold {threshold}", measure=measure, k=100,
          nearest={**D_FIELD, "distanceThreshold": v(float(threshold))["doubleValue"]}, select=["d"])

n("integers as query vector", to={"mapValue": {"fields": {"__type__": v("__vector__"), "value": v([1, 1])}}})
n("a limit of 1", k=1)
n("a limit of 1000", k=1000)
n("a limit as a wrapper", k={"value": 2})
n("an empty collection", "never")
n("a subcollection", "sub", parent="v/a", select=None)
n("a collection group", [{"collectionId": "sub", "allDescendants": True}], select=None)
n("any collection", [{}], parent="v/a", select=None)
n("everything below a document", [{"allDescendants": True}], parent="v/a", select=None)
n("a nested field", field="m.v")
n("a quoted field", field="`v`")
n("whole documents", select=None)
n("whole documents with the distance", select=None, nearest=D_FIELD)
n("a projection without the distance", select=["n"], nearest=D_FIELD)
n("a projection without the vector", select=["d"], nearest=D_FIELD)
n("names alone", select=[])
n("names alone and the distance", select=[], nearest=D_FIELD)
n("the distance of a document that has such a field", to=vector(0, 0), select=["d"], nearest=D_FIELD, k=9)
n("the distance in a nested field", nearest={"distanceResultField": "m.d"}, select=None, k=2)
n("the distance in a nested field, selected", nearest={"distanceResultField": "m.d"}, select=["m.d"], k=2)
n("the distance in a field that is no map", nearest={"distanceResultField": "n.d"}, select=None, k=2)
n("the distance in a quoted field", nearest={"distanceResultField": "`a b`"}, select=["`a b`"], k=2)
n("the distance in the vector's field", nearest={"distanceResultField": "v"}, select=None, k=2)
n("the distance inside the vector's field", nearest={"distanceResultField": "v.value"}, select=None, k=2)
n("an empty result field", nearest={"distanceResultField": ""}, k=2)
n("with a filter", "s", where=f("k", "==", "x"), k=9)
n("with an inequality", "s", where=f("n", ">", 1), k=9)
n("with a filter on the name", "s", where=f("__name__", ">", ref("s/2")), k=9)
n("with a filter on the vector", "s", where=f("v", "==", vector(1, 1)), k=9)
n("with a filter on the result field", where=f("d", "==", "kept"), nearest=D_FIELD, select=["d"])
n("with a disjunction", "s", where=or_(f("k", "==", "x"), f("n", "==", 4)), k=9)
n("with IN", "s", where=f("k", "in", ["x", "z"]), k=9)
n("with an order", "s", order=["n"], k=9)
n("with an order by name", "s", order=["__name__"], k=9)
n("with a descending order", "s", order=["-n"], k=2)
n("with a limit of the query", "s", limit=2, k=9)
n("with a limit of the query above its own", "s", limit=5, k=2)
n("with a limit of the query of 0", "s", limit=0, k=2)
n("with a limit of the query among the farthest", "s", to=vector(4, 4), limit=2, k=1)
n("with an offset", "s", offset=1, k=9)
n("with an offset and its own limit", "s", offset=1, k=2)
n("with an offset behind the end", "s", offset=20, k=9)
n("with an offset and a limit", "s", offset=1, limit=2, k=9)
n("with a start", "s", order=["n"], start=at(2), k=9)
n("with a start at a name", "s", order=["__name__"], start=at(ref("s/2"), before=False), k=9)
n("with an end", "s", order=["n"], end=at(3, before=False), k=9)
n("a threshold and a limit", k=2, nearest={**D_FIELD, "distanceThreshold": 1.5}, select=["d"])
n("a threshold as a wrapper", nearest={**D_FIELD, "distanceThreshold": {"value": 0.9}}, select=["d"])
n("a null threshold", k=100, nearest={"distanceThreshold": None})
SET = [docs({"c/a": {"v": vector(1, 1)}, "c/b": {"v": vector(2, 2)}, "c/c": {"v": vector(9, 9)}})]
case("in a transaction its results are locked", capture(call("beginTransaction", {}), tx="/transaction"),
     near("c", k=1, request={"transaction": "${tx}"}), commit(set_("c/a", {"n": 9})), call("rollback", {"transaction": "${tx}"}), setup=SET)
case("in a transaction others are not locked", capture(call("beginTransaction", {}), tx="/transaction"),
     near("c", k=1, request={"transaction": "${tx}"}), commit(set_("c/c", {"n": 9})), call("rollback", {"transaction": "${tx}"}), setup=SET)
case("in a new transaction", near("c", k=1, request={"newTransaction": {}}), setup=SET)
case("at a readTime", capture(commit(set_("c/d", {"v": vector(1, 1)})), t="/commitTime"), commit(set_("c/d", {"v": vector(9, 9)})),
     near("c", k=2, request={"readTime": "${t}"}), near("c", k=2), setup=SET)


def counted(name, aggregations, **kw):
    find = {"vectorField": {"fieldPath": "v"}, "queryVector": vector(1, 1), "distanceMeasure": "EUCLIDEAN", "limit": 3, **kw.pop("nearest", {})}
    case(name, call("runAggregationQuery", {"structuredAggregationQuery": {
        "structuredQuery": structured("v", findNearest=find, **kw), "aggregations": aggregations}}), uses=DATA)


counted("counted", [{"alias": "n", "count": {}}])
counted("counted up to", [{"alias": "n", "count": {"upTo": "2"}}])
counted("summed", [{"alias": "s", "sum": {"field": {"fieldPath": "n"}}}, {"alias": "n", "count": {}}])
counted("the distance summed", [{"alias": "s", "sum": {"field": {"fieldPath": "d"}}}], nearest=D_FIELD)
counted("counted within a threshold", [{"alias": "n", "count": {}}], nearest={"distanceThreshold": 1.0})

group("nearest_errors")


def bad(name, *args, nearest=None, **kw):
    case(name, near(*args, nearest=nearest, **kw), uses=DATA)


bad("no limit", k=...)
bad("a null limit", k=None)
bad("a limit of 0", k=0)
bad("a negative limit", k=-1)
bad("a limit of 1001", k=1001)
bad("a limit that is no number", k="x")
bad("no measure", measure=...)
bad("the measure unspecified", measure="DISTANCE_MEASURE_UNSPECIFIED")
bad("an unknown measure by name", measure="MANHATTAN")
bad("an unknown measure by number", measure=9)
bad("a measure by number", measure=1, select=["n"])
bad("no query vector", to=...)
bad("a null query vector", to={"nullValue": None})
bad("a query vector without a kind", to={})
bad("an array as query vector", to=v([1.0, 1.0]))
bad("a string as query vector", to=v("1,1"))
bad("a map as query vector", to=v({"a": 1}))
bad("an empty query vector", to=vector())
bad("a query vector with a string", to={"mapValue": {"fields": {"__type__": v("__vector__"), "value": v([1.0, "a"])}}})
bad("a query vector without a value", to={"mapValue": {"fields": {"__type__": v("__vector__")}}})
bad("a query vector with more", to={"mapValue": {"fields": {"__type__": v("__vector__"), "value": v([1.0]), "x": v(1)}}})
bad("a query vector of another type", to={"mapValue": {"fields": {"__type__": v("__matrix__"), "value": v([1.0])}}})
bad("a query vector of 2048 dimensions", to=vector(*([1] * 2048)))
bad("a query vector of 2049 dimensions", to=vector(*([1] * 2049)))
bad("a field reference without a path", nearest={"vectorField": {}})
bad("no vectorField", nearest={"vectorField": ...})
bad("an empty field", field="")
bad("a bad field", field="a..b")
bad("a reserved field", field="__x__")
bad("the name as field", field="__name__")
bad("a bad result field", nearest={"distanceResultField": "a..b"})
bad("a reserved result field", nearest={"distanceResultField": "__x__"})
bad("the name as result field", nearest={"distanceResultField": "__name__"})
bad("a threshold that is no number", nearest={"distanceThreshold": "x"})
bad("an unknown key", nearest={"colour": 1})
bad("an array contains beside it", where=f("n", "contains", 1))
bad("a bad filter beside it", where={})
bad("a bad collection", "__c__")
bad("a negative limit of the query", limit=-1)
bad("a negative offset", offset=-1)
bad("any collection with a filter", [{}], where=f("n", "==", 1))
bad("names downwards", order=["-__name__"])
bad("a group below a document", [{"collectionId": "sub", "allDescendants": True}], parent="v/a", where=f("n", "==", 1))
bad("100 filters", where=and_(*[f("n", ">", i) for i in range(100)]))
bad("101 filters", where=and_(*[f("n", ">", i) for i in range(101)]))
bad("a query limit before the result field", limit=5, nearest={"distanceResultField": "__x__"})
bad("the field before a query limit", limit=5, field="a..b")
bad("a query limit before an offset", limit=5, offset=1)
bad("an offset before a cursor", offset=1, order=["n"], start=at(2))
bad("a query limit before names downwards", limit=1, order=["-__name__"])
bad("the result field before the threshold", nearest={"distanceThreshold": "NaN", "distanceResultField": "__x__"})
bad("the measure before the threshold", measure=..., nearest={"distanceThreshold": "NaN"})
bad("a result field of 1500 bytes", nearest={"distanceResultField": "${repeat:d:1500}"}, select=["n"])
bad("a result field of 1501 bytes", nearest={"distanceResultField": "${repeat:d:1501}"})
bad("the vector before the limit", k=0, to=v("x"))
bad("the limit before the measure", k=0, measure=...)
bad("the measure before the vector", measure=..., to=...)
bad("the vector before the field", to=..., field="a..b")
bad("the field before the result field", field="a..b", nearest={"distanceResultField": "c..d"})
bad("the limit before the field", k=0, field="a..b")
bad("the filter before the limit", k=0, where={})
bad("the limit before a cursor", k=0, start=at(1))
bad("the limit before the negative limit", k=0, limit=-1)
bad("the limit before a projection", k=0, select=["a..b"])
bad("the limit before an order", k=0, order=["a..b"])
bad("the limit before the collection", "__c__", k=0)
bad("the vector before the limit of filters", to=vector(), where=and_(*[f("n", ">", i) for i in range(101)]))
case("an empty findNearest", query("v", findNearest={}), uses=DATA)
case("findNearest that is no object", query("v", findNearest=5), uses=DATA)

group("nearest_rules")


def ruled(name, condition, *steps):
    rules = ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n    match /c/{id} {\n"
             f"      allow list: if {condition};\n      allow get: if true;\n    }}\n  }}\n}}")
    case(name, *steps, rules=rules, setup=[docs({"c/a": {"v": vector(1, 1), "k": "x"}, "c/b": {"v": vector(2, 2), "k": "y"}})])


ruled("list allows", "true", near("c"))
ruled("list denies", "false", near("c"), near("d"), near("c", headers=OWNER))
ruled("a filter proves", "resource.data.k == 'x'", near("c", where=f("k", "==", "x")), near("c"))
ruled("its limit is not the query's", "request.query.limit <= 10", near("c", k=2), near("c", k=2, limit=5))
ruled("its limit is null", "request.query.limit == null", near("c", k=2))
ruled("the vector is no constraint", "resource.data.v != null", near("c"))
ruled("a denial comes after a refusal", "false", near("c", k=0), near("c", to=vector()))

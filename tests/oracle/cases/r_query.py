"""RunQuery once more: every operator with every odd operand, several inequalities, every refusal and which comes first.

The fixtures are those of g_query.py."""
from caselib import *

TYPES, DATA = "all types", "query"
NAN = float("nan")
OPERANDS = {"null": None, "false": False, "true": True, "NaN": NAN, "an integer": 1, "a double": 1.5,
            "minus zero": {"doubleValue": -0.0},
            "a large integer": 9007199254740993, "the largest integer": 9223372036854775807,
            "minus infinity": float("-inf"),
            "a timestamp": ts("2020-01-01T00:00:00Z"), "an empty string": "", "a ligature": "\ufb01",
            "an emoji": "\U0001f600", "empty bytes": b"",
            "bytes": b"\x00", "a reference": ref("c/a"), "a numeric id": ref("c/__id5__"), "a geopoint": geo(0, 1),
            "an empty array": [],
            "an array": [1], "an array of null": [None], "a vector": vector(1, 2), "an empty map": {},
            "a map": {"a": 1}, "a map of null": {"a": None}}

group("query_operands")


def types(name, where=None, **kw):
    case(name, query("t", where, **{"select": ["k"], **kw}), uses=TYPES)


for label, operand in OPERANDS.items():
    for op in ("!=", "<", ">="):
        types(f"{OPS[op]} {label}", f("f", op, operand))
for label in ("null", "NaN", "an integer", "a double", "an empty string", "bytes", "a reference", "an array",
              "a vector", "an empty map", "a map"):
    types(f"in a list of {label}", f("f", "in", [OPERANDS[label]]))
    types(f"not in a list of {label}", f("f", "not-in", [OPERANDS[label]]))
    types(f"array contains {label}", f("f", "contains", OPERANDS[label]))
    types(f"array contains any of {label}", f("f", "contains-any", [OPERANDS[label], "never"]))
for op in ("IS_NULL", "IS_NAN", "IS_NOT_NULL", "IS_NOT_NAN"):
    types(f"{op} ordered down", unary("f", op), order=["-f"])
    types(f"{op} of a field inside a map", unary("f.a", op))
types("a range over two types is empty", and_(f("f", ">", 1), f("f", "<", "z")))
types("a range between integer and double", and_(f("f", ">=", 9007199254740992.0), f("f", "<=", 9007199254740993)))
types("start at NaN", order=["f"], start=at(NAN), limit=3)
types("start after the largest double", order=["f"], start=at(float("inf"), before=False), limit=3)
types("start at an empty map", order=["f"], start=at({}))
types("end at null", order=["f"], end=at(None, before=False))
types("end before false", order=["f"], end=at(False))
types("between two cursors of other types", order=["f"], start=at("z"), end=at(ref("zzz/z")))
types("a cursor of a geopoint, down", order=["-f"], start=at(geo(0, 0)), limit=3)
types("a cursor of an array, after", order=["f"], start=at([1], before=False), limit=3)

group("query_inequalities")


def q(name, *args, **kw):
    case(name, query(*args, **kw), uses=DATA)


A, B, S = f("a", ">", 0), f("b", ">", 1), f("s", ">=", "x")
NAMED = f("__name__", ">", ref("q/2"))
for label, where in {"two fields": and_(A, B), "two fields, the later first": and_(B, A), "three fields": and_(S, B, A),
                     "a field and its like with an equality": and_(A, f("b", "==", 2)),
                     "a not equal": and_(A, f("s", "!=", "x")),
                     "is not null": and_(B, unary("s", "IS_NOT_NULL")), "is not NaN": and_(unary("a", "IS_NOT_NAN"), B),
                     "not in": and_(B, f("s", "not-in", ["x"])),
                     "the name": and_(B, NAMED), "an OR": or_(A, B), "an OR of ANDs": or_(and_(A, B), and_(S, B)),
                     "a nested field": and_(f("m.x", ">", 0), B)}.items():
    for how, order in {"": None, ", down by the first": ["-a"], ", by b then a": ["b", "a"],
                       ", by the name": ["__name__"], ", by another field down": ["-s", "b"]}.items():
        q(label + how, "q", where, order=order)
q("a range on the name under a range on a field, down", "q", and_(f("b", ">=", 1), f("__name__", "<", ref("q/5"))),
  order=["-b", "-__name__"])
q("a cursor on both implied orders", "q", and_(A, B), order=["a", "b"], start=at(1, 2))
q("a cursor on one of two orders", "q", and_(A, B), order=["a", "b"], start=at(2), limit=1)
q("a cursor on an implied order", "q", and_(A, B), order=["a"], start=at(2, 1))
q("a disjunction under limits", "q", or_(f("a", "==", 1), f("b", ">", 4)), limit=2, offset=1)
q("a disjunction finds a document once", "q", or_(f("a", "==", 1), f("b", "==", 1), f("s", "==", "x")))
q("in orders by nothing", "q", f("b", "in", [3, 1, 2]))
q("in with an order", "q", f("b", "in", [3, 1, 2]), order=["-b"])
q("in with a cursor", "q", f("b", "in", [3, 1, 2]), order=["b"], start=at(2))
q("in with values twice", "q", f("b", "in", [1, 1, 1.0]))
q("in of names, down", "q", f("__name__", "in", [ref("q/4"), ref("q/1")]), order=["-__name__"])
q("not in of names", "q", f("__name__", "not-in", [ref("q/4"), ref("q/1")]))
q("not equal to a name", "q", f("__name__", "!=", ref("q/4")))
q("a filter on the name and cursors", "q", f("__name__", ">", ref("q/2")), order=["__name__"], start=at(ref("q/4")),
  end=at(ref("q/6")))

group("query_groups")
G, K = [{"collectionId": "sub", "allDescendants": True}], [{"allDescendants": True}]
for label, source in {"group": G, "kindless": [{}], "every document": K, "no from": None}.items():
    for under, parent in {"": "", " under a document": "q/1", " under a missing document": "q/9"}.items():
        q(f"{label}{under}", source, parent=parent)
        q(f"{label}{under}, a filter", source, f("a", "==", 1), parent=parent)
        q(f"{label}{under}, a range", source, f("a", ">", 1), parent=parent)
        q(f"{label}{under}, an order", source, order=["a"], parent=parent)
        q(f"{label}{under}, by name", source, order=["__name__"], parent=parent)
    q(f"{label} by name down", source, order=["-__name__"])
    q(f"{label}, names from", source, f("__name__", ">=", ref("q/1/sub/x")), order=["__name__"])
    q(f"{label}, a name", source, f("__name__", "==", ref("q/1/sub/x")))
    q(f"{label}, a cursor", source, order=["__name__"], start=at(ref("q/1/sub/x"), before=False))
    q(f"{label}, limit, offset and projection", source, limit=2, offset=1, select=["__name__"])
q("the bounds recursive deletion sends", K, and_(f("__name__", ">=", ref("q/__id-9223372036854775808__")),
                                                 f("__name__", "<", ref("q\0/__id-9223372036854775808__"))),
  order=["__name__"])
q("the bounds recursive deletion sends for a document", [{"allDescendants": True}],
  and_(f("__name__", ">=", ref("q/1/sub/x")), f("__name__", "<", ref("q/2/sub/zz"))), parent="q/1")
q("a group with an empty id", [{"collectionId": "", "allDescendants": True}], limit=1)
q("a group of a reserved id", [{"collectionId": "__x__", "allDescendants": True}])
q("a group with a slash", [{"collectionId": "a/b", "allDescendants": True}])
q("a group and another collection", G + [{"collectionId": "q"}])

group("query_refusals")
BIG = "x" * 1501
REFERENCES = {"null": None, "text": "q/1", "an integer": 1, "a map": {"a": 1}, "a collection": ref("q"),
              "the root": {"referenceValue": NAME},
              "another database": {"referenceValue": "projects/$P/databases/other/documents/q/1"},
              "another project": {"referenceValue": "projects/other/databases/(default)/documents/q/1"},
              "no name": {"referenceValue": "q/1"},
              "a document of another collection": ref("other/1"), "a document below": ref("q/1/sub/x")}
for label, value in REFERENCES.items():
    for op in ("==", "<=", "!="):
        q(f"the name {OPS[op]} {label}", "q", f("__name__", op, value))
    q(f"the name in {label}", "q", f("__name__", "in", [value]))
    q(f"the name not in {label}", "q", f("__name__", "not-in", [value]))
    q(f"a name cursor of {label}", "q", order=["__name__"], start=at(value))
    q(f"a name cursor after a field of {label}", "q", order=["b", "__name__"], end=at(1, value))
EQUAL_NAME, EQUAL_NAMES = f("__name__", "==", ref("q/3")), f("__name__", "in", [ref("q/3"), ref("q/4")])
for label, where in {"and a range": and_(EQUAL_NAME, B), "or a range": or_(EQUAL_NAME, B),
                     "in a list and a range": and_(EQUAL_NAMES, B), "and not equal": and_(EQUAL_NAME, f("b", "!=", 0)),
                     "and not null": and_(EQUAL_NAME, unary("b", "IS_NOT_NULL")),
                     "and null": and_(EQUAL_NAME, unary("b", "IS_NULL")),
                     "and later names and a range": and_(EQUAL_NAME, NAMED, B),
                     "and a range of nothing": and_(EQUAL_NAME, f("b", ">", None))}.items():
    q(f"the name equal {label}", "q", where)
    q(f"the name equal {label}, ordered", "q", where, order=["b", "__name__"])
q("the name contains", "q", f("__name__", "contains", ref("q/1")))
q("the name contains any", "q", f("__name__", "contains-any", [ref("q/1")]))
q("the name in no list", "q", f("__name__", "in", ref("q/1")))
q("the name in an empty list", "q", f("__name__", "in", []))
for op in ("IS_NAN", "IS_NOT_NULL", "IS_NOT_NAN"):
    q(f"{op} of the name", "q", unary("__name__", op))
for op in ("in", "not-in", "contains-any"):
    for label, value in {"null": None, "a string": "x", "a vector": vector(1, 2), "a map": {"a": 1},
                         "an empty list": [], "10 values": list(range(10)),
                         "11 values": list(range(11)), "30 values": list(range(30)), "31 values": list(range(31)),
                         "31 of one value": [1] * 31,
                         "a list in the list": [[1]],
                         "a list in a list in the list": {"arrayValue": {"values": [v([[1]])]}},
                         "an unset value": {"arrayValue": {"values": [{}]}},
                         "a field": {"arrayValue": {"values": [{"fieldReferenceValue": "a"}]}},
                         "an element of 1501 bytes": [BIG]}.items():
        q(f"{OPS[op]} {label}", "q", f("a", op, value))
    q(f"{OPS[op]} without a value", "q", {"fieldFilter": {"field": {"fieldPath": "a"}, "op": OPS[op]}})
for op in ("!=", "<", "contains"):
    q(f"{OPS[op]} without a value", "q", {"fieldFilter": {"field": {"fieldPath": "a"}, "op": OPS[op]}})
    q(f"{OPS[op]} a value of 1501 bytes", "q", f("a", op, BIG))
    q(f"{OPS[op]} a field", "q", f("a", op, {"fieldReferenceValue": "b"}))
q("a value of 1501 bytes", "q", f("a", "==", BIG))
q("a value of 1500 bytes", "q", f("a", "==", BIG[1:]))
q("a latitude out of range", "q", f("a", "==", geo(91, 0)))
q("a reserved name in a map", "q", f("a", "==", {"__x__": 1}))
q("an empty name in a map", "q", f("a", "==", {"": 1}))
NOTS = {"!=": f("a", "!=", 1), "not-in": f("a", "not-in", [1]), "IS_NOT_NULL": unary("b", "IS_NOT_NULL"),
        "IS_NOT_NAN": unary("b", "IS_NOT_NAN")}
for one, first in NOTS.items():
    for two, second in NOTS.items():
        q(f"{one} and {two}", "q", and_(first, second))
    q(f"{one} or an equality", "q", or_(first, f("b", "==", 1)))
    q(f"{one} and in", "q", and_(first, f("b", "in", [1, 2])))
    q(f"{one} and array contains any", "q", and_(first, f("t", "contains-any", ["g"])))
    q(f"{one} and array contains", "q", and_(first, f("t", "contains", "g")))
C, CA = f("t", "contains", "g"), f("t", "contains-any", ["g", "r"])
for label, where in {"two array contains any": and_(CA, f("m", "contains-any", ["g"])),
                     "array contains and any": and_(C, CA), "array contains or any": or_(C, CA),
                     "two array contains, one nested": and_(C, and_(C)),
                     "two array contains of two fields": and_(C, f("m", "contains", 1)),
                     "two array contains below an OR": or_(and_(C, C), f("a", "==", 1)),
                     "array contains with an OR of them": and_(C, or_(C, f("a", "==", 1)))}.items():
    q(label, "q", where)
for label, where in {"an OR of 30": or_(*[f("a", "==", n) for n in range(30)]),
                     "an OR of 31": or_(*[f("a", "==", n) for n in range(31)]),
                     "an OR of 31 alike": or_(*[f("a", "==", 1)] * 31),
                     "in of 6 and in of 5": and_(f("a", "in", list(range(6))), f("b", "in", list(range(5)))),
                     "in of 6 and in of 6": and_(f("a", "in", list(range(6))), f("b", "in", list(range(6)))),
                     "in of 20 or in of 20": or_(f("a", "in", list(range(20))), f("b", "in", list(range(20)))),
                     "five ORs of two": and_(*[or_(f(x, "==", 1), f(x, "==", 2)) for x in "abcde"]),
                     "an OR in an OR": or_(f("a", "==", 1), or_(f("b", "==", 1), f("b", "==", 2))),
                     "an AND of an empty OR": and_(or_()), "an OR of an empty AND": or_(and_(), f("a", "==", 1)),
                     "a composite with no operator and no filter": {"compositeFilter": {}},
                     "an empty filter inside": and_(f("a", "==", 1), {}),
                     "a field filter of nothing": {"fieldFilter": {}},
                     "a unary filter of nothing": {"unaryFilter": {}}}.items():
    q(label, "q", where)
for label, path in {"an empty segment": "a..b", "a dot at the end": "a.", "a dot at the start": ".a", "a space": "x y",
                    "an open quote": "`a", "text after a quote": "`a`b", "empty quotes": "``",
                    "a digit first": "1a", "a dash": "a-b", "reserved": "__x__", "reserved inside": "a.__x__",
                    "below the name": "__name__.a", "the name quoted": "`__name__`",
                    "the key": "__key__", "1501 bytes": "a" * 1501}.items():
    q(f"a filter path with {label}", "q", f(path, ">", 1))
    q(f"an order path with {label}", "q", order=[path])
    q(f"a projection path with {label}", "q", select=[path])
for label, orders in {"quoted and not": ["a", "`a`"], "the name twice": ["__name__", "__name__"],
                      "a field after the name": ["a", "__name__", "b"],
                      "the name against the field": ["a", "-__name__"],
                      "the name against the field, down": ["-a", "__name__"],
                      "a field and one in it": ["m", "m.x"]}.items():
    q(f"orders: {label}", "q", order=orders)
UNKNOWN = {"field": {"fieldPath": "a"}, "direction": 99}
q("an order number out of range", "q", order=[UNKNOWN])
q("an order number out of range for a bad path", "q", order=[{**UNKNOWN, "field": {"fieldPath": "a..b"}}])
q("an order number out of range after a bad path", "q", order=[{"field": {"fieldPath": "a..b"}}, UNKNOWN])
q("an order number out of range, twice the field", "q", order=[{"field": {"fieldPath": "a"}}, UNKNOWN])
q("an order number out of range and an empty where", "q", {}, order=[UNKNOWN])
q("an order number out of range and a bad projection", "q", order=[UNKNOWN], select=["a..b"])
q("an order number out of range and a cursor too long", "q", order=[UNKNOWN], start=at(1, 2))
q("an order number out of range and a negative limit", "q", order=[UNKNOWN], limit=-1)
q("a negative order number", "q", order=[{**UNKNOWN, "direction": -1}])
q("an order of nothing", "q", order=[{}])
for label, kw in {"no value": {"start": {"values": []}}, "no value, before": {"start": {"values": [], "before": True}},
                  "too many at the end": {"order": ["a"], "end": at(1, 2)},
                  "three for two": {"order": ["a", "b"], "start": at(1, 2, 3)}, "one, and no order": {"end": at(1)},
                  "the name, implied": {"order": ["a"], "start": at(1, ref("q/1"))},
                  "an unset value": {"order": ["a"], "end": {"values": [{}]}},
                  "a field": {"order": ["a"], "start": {"values": [{"fieldReferenceValue": "a"}]}},
                  "an array in an array": {"order": ["a"], "end": at([[1]])},
                  "a value of 1501 bytes": {"order": ["a"], "start": at(BIG)},
                  "a bad reference": {"order": ["a"], "start": at({"referenceValue": "x"})},
                  "start past the end": {"order": ["b"], "start": at(4), "end": at(2)}}.items():
    q(f"cursor: {label}", "q", **kw)
for label, kw in {"both negative": {"limit": -1, "offset": -1}, "the least integer as limit": {"limit": -2147483648},
                  "the largest limit": {"limit": 2147483647},
                  "the largest offset": {"offset": 2147483647}, "an offset out of range": {"offset": 2147483648},
                  "an offset of null": {"offset": None, "limit": 1}, "an offset as text": {"offset": "1", "limit": 1},
                  "an offset that is a fraction": {"offset": 1.5}, "a limit of true": {"limit": True},
                  "limit 0 and an offset": {"limit": 0, "offset": 3}}.items():
    q(label, "q", **kw)
for label, fields in {"overlapping": ["m", "m.x"], "the name twice": ["__name__", "__name__"],
                      "a missing parent": ["never.x"], "below a scalar": ["a.x"], "the key": ["__key__"]}.items():
    q(f"select: {label}", "q", select=fields)
q("select of a field without a path", "q", **{"select": None},
  request={"structuredQuery": {"from": [{"collectionId": "q"}], "select": {"fields": [{}]}}})

# Two mistakes in one query: the first that is told.
MISTAKES = {"an empty where": {"where": {}}, "a bad path": {"where": f("a..b", "==", 1)},
            "no value": {"where": {"fieldFilter": {"field": {"fieldPath": "a"}, "op": "EQUAL"}}},
            "in of no list": {"where": f("a", "in", 1)}, "two nots": {"where": and_(NOTS["!="], NOTS["IS_NOT_NULL"])},
            "31 disjunctions": {"where": or_(*[f("a", "==", n) for n in range(31)])},
            "a large value": {"where": f("a", "==", BIG)}, "a name that is none": {"where": f("__name__", "==", 1)},
            "a bad order": {"order": ["a..b"]}, "an order twice": {"order": ["a", "a"]},
            "an order after the name": {"order": ["__name__", "a"]}, "the name down": {"order": ["-__name__"]},
            "cursor too long": {"start": at(1, 2, 3)}, "a bad projection": {"select": ["a..b"]},
            "a negative limit": {"limit": -1}, "a negative offset": {"offset": -1}, "a bad collection": {"of": "a/b"},
            "two collections": {"of": [{"collectionId": "a"}, {"collectionId": "b"}]}}
names = list(MISTAKES)
for i, one in enumerate(names):
    for two in names[i + 1:i + 9:2]:
        if not set(MISTAKES[one]) & set(MISTAKES[two]):
            kw = {"of": "q", **MISTAKES[one], **MISTAKES[two]}
            q(f"{one} and {two}", kw.pop("of"), kw.pop("where", None), **kw)

group("query_mistakes")


def agg(name, *sums, where=None, **kw):
    aggregations = [{"alias": f"x{i}", "sum": {"field": {"fieldPath": p}}} for i, p in enumerate(sums)]
    body = {"structuredQuery": structured("q", where, **kw), "aggregations": aggregations}
    case(name, call("runAggregationQuery", {"structuredAggregationQuery": body}), uses=DATA)


agg("sums behind a name that a field follows", "b", order=["__name__", "a"])
agg("sums behind a name that a range follows", "b", "s", where=f("a", ">", 0), order=["__name__"])
agg("the sum of the range's field behind a name", "a", "b", where=f("a", ">", 0), order=["__name__"])
agg("only the sum of the range's field behind a name", "a", where=f("a", ">", 0), order=["__name__"])
agg("sums behind the name twice", "b", order=["__name__", "__name__"])
agg("sums behind a name downwards that a field follows", "b", order=["-__name__", "a"])
agg("sums behind a name, and an order twice", "b", where=EQUAL_NAME, order=["a", "a"])
agg("one sum selected, the other not", "a", "b", select=["a"])
agg("the second sum selected, the first not", "b", "a", select=["a"])
agg("two sums selected", "a", "b", select=["a", "b"])
agg("a sum of the name, and one that is not selected", "__name__", "b", select=["a"])
agg("a sum of an empty path and an empty filter", "", where={})
agg("a sum of a bad path and two negations", "a..b", where=and_(NOTS["!="], NOTS["IS_NOT_NULL"]))
agg("a sum of a bad path and a bad order", "a..b", order=["c..d"])
NEAR = {"vectorField": {"fieldPath": "v"}, "queryVector": vector(1, 2), "limit": 1, "distanceMeasure": "EUCLIDEAN"}
for label, kw in {"a limit and a name beside a range": {"where": and_(EQUAL_NAME, B), "limit": 1},
                  "a name beside a range": {"where": and_(EQUAL_NAME, B)},
                  "a limit and 31 disjunctions": {"where": or_(*[f("a", "==", n) for n in range(31)]), "limit": 1},
                  "a limit and two array contains": {"where": and_(C, C), "limit": 1},
                  "a limit and a large value": {"where": f("a", "==", BIG), "limit": 1},
                  "a limit and an order twice": {"order": ["a", "a"], "limit": 1},
                  "a limit and a name that is none": {"where": f("__name__", "==", 1), "limit": 1}}.items():
    q(f"nearest with {label}", "q", **{"findNearest": NEAR, **kw})
for label, members in {"its type": {"__type__": {}, "value": v([1.0])},
                       "its value": {"__type__": v("__vector__"), "value": {}},
                       "another member": {"__type__": v("__vector__"), "value": v([1.0]), "x": {}},
                       "an element": {"__type__": v("__vector__"), "value": {"arrayValue": {"values": [{}]}}}}.items():
    q(f"a vector with {label} unset", "q", f("a", "==", {"mapValue": {"fields": members}}))

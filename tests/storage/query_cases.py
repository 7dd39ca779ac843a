"""query_cases.py - queries that were put to Google's emulator 1.19.9, as Python data.

query_answers.ndjson has what it answered; oracle_queries.py records and replays. Documents live below the relative paths given; {D} stands for the documents root's
resource name.
"""

NAN = {"doubleValue": "NaN"}
NULL = {"nullValue": None}


def i(n):
    return {"integerValue": str(n)}


def d(x):
    return {"doubleValue": x}


def s(text):
    return {"stringValue": text}


def b(flag):
    return {"booleanValue": flag}


def arr(*items):
    return {"arrayValue": {"values": list(items)}}


def m(**fields):
    return {"mapValue": {"fields": fields}}


def vec(*numbers):
    return {"mapValue": {"fields": {"__type__": s("__vector__"), "value": arr(*[d(x) for x in numbers])}}}


def ref(path):
    return {"referenceValue": "{D}/" + path}


def ts(text):
    return {"timestampValue": text}


def by(text):
    return {"bytesValue": text}


def geo(lat, lon):
    return {"geoPointValue": {"latitude": lat, "longitude": lon}}


def f(path, op, value=None):
    filt = {"field": {"fieldPath": path}, "op": op}
    if value is not None:
        filt["value"] = value
    return {"fieldFilter": filt}


def u(path, op):
    return {"unaryFilter": {"field": {"fieldPath": path}, "op": op}}


def AND(*filters):
    return {"compositeFilter": {"op": "AND", "filters": list(filters)}}


def OR(*filters):
    return {"compositeFilter": {"op": "OR", "filters": list(filters)}}


def o(path, direction=None):
    order = {"field": {"fieldPath": path}}
    if direction:
        order["direction"] = {"a": "ASCENDING", "d": "DESCENDING"}[direction]
    return order


def cur(*values, before=False):
    return {"values": list(values), "before": before}


def q(collection="c", **rest):
    query = {"from": [{"collectionId": collection}]}
    query.update(rest)
    return query


DOCS = {
    # c: one field `a` of every type; names sort as written
    "c/a00": {"a": NULL, "k": i(1)},
    "c/a01": {"a": b(False), "k": i(2)},
    "c/a02": {"a": b(True), "k": i(1)},
    "c/a03": {"a": NAN, "k": i(2)},
    "c/a04": {"a": d("-Infinity")},
    "c/a05": {"a": i(-5)},
    "c/a06": {"a": d(-0.0)},
    "c/a07": {"a": i(0)},
    "c/a08": {"a": i(1), "k": i(1)},
    "c/a09": {"a": d(1.0), "k": i(2)},
    "c/a10": {"a": d(1.5)},
    "c/a11": {"a": i(9007199254740993)},
    "c/a12": {"a": d(9007199254740992.0)},
    "c/a13": {"a": ts("2020-01-01T00:00:00Z")},
    "c/a14": {"a": ts("2021-01-01T00:00:00.5Z")},
    "c/a15": {"a": s("")},
    "c/a16": {"a": s("abc")},
    "c/a17": {"a": s("\ufb01")},
    "c/a18": {"a": s("\U0001f600")},
    "c/a19": {"a": by("AAE=")},
    "c/a20": {"a": ref("c/a00")},
    "c/a21": {"a": ref("c/a00/s/1")},
    "c/a22": {"a": geo(1, 2)},
    "c/a23": {"a": arr()},
    "c/a24": {"a": arr(i(1), s("x"), NULL, NAN)},
    "c/a25": {"a": arr(d(1.0))},
    "c/a26": {"a": vec(1, 2)},
    "c/a27": {"a": vec(3)},
    "c/a28": {"a": m()},
    "c/a29": {"a": m(x=i(1))},
    "c/a30": {"a": m(x=m(y=i(7)), z=i(2))},
    "c/a31": {"b": i(1)},
    "c/a32": {},
    # n: numbers for orders and cursors
    "n/d1": {"a": i(1), "b": i(3), "c": s("x")},
    "n/d2": {"a": i(1), "b": i(2), "c": s("y")},
    "n/d3": {"a": i(2), "b": i(2)},
    "n/d4": {"a": i(2), "b": i(1), "c": s("x")},
    "n/d5": {"a": i(3)},
    "n/d6": {"b": i(5), "c": s("z")},
    "n/d7": {"a": s("t"), "b": i(2)},
    # names
    "x/__id7__": {"p": i(1)},
    "x/__id-3__": {"p": i(2)},
    "x/__id10__": {"p": i(3)},
    "x/A": {"p": i(4)},
    "x/a": {"p": i(5)},
    "x/\ufb01": {"p": i(6)},
    "x/\U0001f600": {"p": i(7)},
    "x/a b": {"p": i(8)},
    # arrays
    "y/1": {"t": arr(i(1), i(2)), "w": arr(s("p"))},
    "y/2": {"t": arr(i(2), NULL), "w": arr(s("q"))},
    "y/3": {"t": arr(NAN), "w": arr(m(k=i(1)))},
    "y/4": {"t": i(1)},
    # nested and odd names
    "z/1": {"a": m(b=m(c=i(1))), "x y": i(1), "q`q": i(2), "back\\s": i(3)},
    "z/2": {"a": m(b=m(c=i(2)), d=i(9)), "x y": i(2)},
    "z/3": {"a": m(b=i(5)), "a.b": i(5)},
    # subcollections
    "n/d1/sub/s1": {"a": i(1)},
    "n/d1/sub/s2": {"a": i(2)},
    "n/d2/sub/s0": {"a": i(0)},
    "sub/top": {"a": i(9)},
}

CASES = []


def case(query, parent=""):
    CASES.append({"parent": parent, "query": query})


ALL_OPERANDS = [
    NULL, NAN, b(False), b(True), i(0), i(1), d(1.0), d(1.5), d("Infinity"), d(9007199254740992.0),
    i(9007199254740993), ts("2020-01-01T00:00:00Z"), s(""), s("abc"), s("\ufb01"), by("AAE="), by(""),
    ref("c/a00"), ref("c/a00/s/0"), geo(1, 2), geo(1, 1), arr(), arr(i(1)), vec(1, 2), vec(), vec(4), m(),
    m(x=d(1.0)), m(a=i(1)),
]
for op in ["EQUAL", "NOT_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL",
           "ARRAY_CONTAINS"]:
    for operand in ALL_OPERANDS:
        case(q(where=f("a", op, operand)))
for op in ["IN", "NOT_IN", "ARRAY_CONTAINS_ANY"]:
    for items in [[NULL], [NAN], [i(1)], [i(1), NULL], [i(1), NAN], [s("abc"), b(True)], [arr()], [arr(i(1))],
                  [vec(1, 2)], [m(x=i(1))], [i(1), i(1), d(1.0)], []]:
        case(q(where=f("a", op, arr(*items))))
    case(q(where=f("a", op, i(1))))
    case(q(where=f("a", op)))
    case(q(where=f("a", op, vec(1, 2))))
    case(q(where=f("a", op, arr(*[i(n) for n in range(10)]))))
    case(q(where=f("a", op, arr(*[i(n) for n in range(11)]))))
    case(q(where=f("a", op, arr(*[i(n) for n in range(30)]))))
    case(q(where=f("a", op, arr(*[i(n) for n in range(31)]))))
    case(q(where=f("a", op, arr(*[i(1) for n in range(31)]))))
for op in ["IS_NAN", "IS_NULL", "IS_NOT_NAN", "IS_NOT_NULL"]:
    case(q(where=u("a", op)))
    case(q(where=u("a.x", op)))
    case(q(where=u("__name__", op)))
    case(q(where=u("a", op), orderBy=[o("a", "d")]))
    case(q(where=u("a", op), orderBy=[o("k")]))
    case(q(where={"unaryFilter": {"op": op}}))
case(q(where=u("a", "OPERATOR_UNSPECIFIED")))
case(q(where=u("a..b", "IS_NULL")))
# arrays
case(q("y", where=f("t", "ARRAY_CONTAINS", i(2))))
case(q("y", where=f("t", "ARRAY_CONTAINS", d(2.0))))
case(q("y", where=f("t", "ARRAY_CONTAINS", NULL)))
case(q("y", where=f("t", "ARRAY_CONTAINS", NAN)))
case(q("y", where=f("w", "ARRAY_CONTAINS", m(k=i(1)))))
case(q("y", where=f("t", "ARRAY_CONTAINS_ANY", arr(i(1), NULL))))
case(q("y", where=f("t", "ARRAY_CONTAINS_ANY", arr(i(2), i(1)))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS", i(1)), f("t", "ARRAY_CONTAINS", i(2)))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS", i(1)), f("w", "ARRAY_CONTAINS", s("p")))))
case(q("y", where=OR(f("t", "ARRAY_CONTAINS", i(1)), f("w", "ARRAY_CONTAINS", s("q")))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS", i(1)), f("w", "ARRAY_CONTAINS_ANY", arr(s("p"))))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS_ANY", arr(i(1))), f("w", "ARRAY_CONTAINS_ANY", arr(s("p"))))))
case(q("y", where=AND(f("t", "IN", arr(arr(i(1), i(2)))), f("w", "ARRAY_CONTAINS_ANY", arr(s("p"))))))
# missing, nested, quoted paths
for path in ["a.b.c", "a.b", "`a`.`b`.`c`", "`x y`", "x y", "`q\\`q`", "`back\\\\s`", "a..b", "", ".a", "a.", "`a",
             "`a`b", "1a", "a-b", "__x__", "a.__x__", "__name__.a", "a.__name__", "`__name__`", "__key__", "`a.b`",
             "é", "``", "a" * 1501, "`" + "a" * 1501 + "`", "__none__", "__", "____", "__a", "a\u0000b"]:
    case(q("z", where=f(path, "GREATER_THAN_OR_EQUAL", i(1))))
    case(q("z", orderBy=[o(path)]))
    case(q("z", select={"fields": [{"fieldPath": path}]}))
case(q("z", where=f("a", "EQUAL", {"mapValue": {"fields": {"b": m(c=i(1))}}})))
# values that cannot be operands
case(q(where=f("a", "EQUAL")))
case(q(where=f("a", "EQUAL", {})))
case(q(where=f("a", "LESS_THAN", {})))
case(q(where=f("a", "NOT_EQUAL", {})))
case(q(where=f("a", "EQUAL", arr({}))))
case(q(where=f("a", "IN", arr({}))))
case(q(where=f("a", "EQUAL", arr(arr(i(1))))))
case(q(where=f("a", "IN", arr(arr(i(1))))))
case(q(where=f("a", "IN", arr(arr(arr(i(1)))))))
case(q(where=f("a", "EQUAL", {"fieldReferenceValue": "b"})))
case(q(where=f("a", "EQUAL", {"referenceValue": "bad"})))
case(q(where=f("a", "EQUAL", {"referenceValue": "{D}/c"})))
case(q(where=f("a", "EQUAL", geo(91, 0))))
case(q(where=f("a", "EQUAL", m(__x__=i(1)))))
case(q(where=f("a", "EQUAL", {"mapValue": {"fields": {"": i(1)}}})))
case(q(where=f("a", "EQUAL", s("x" * 1600))))
# filter trees
for where in [{}, {"compositeFilter": {}}, {"compositeFilter": {"op": "AND"}}, {"compositeFilter": {"op": "OR"}},
              {"compositeFilter": {"filters": [f("a", "EQUAL", i(1))]}}, {"fieldFilter": {}}, {"unaryFilter": {}},
              f("a", "OPERATOR_UNSPECIFIED", i(1)), {"fieldFilter": {"op": "EQUAL", "value": i(1)}},
              AND({}), OR({}), OR(AND(), f("a", "EQUAL", i(1))), AND(OR(), f("a", "EQUAL", i(1))),
              AND(f("a", "EQUAL", i(1))), OR(f("a", "EQUAL", i(1))),
              AND(f("a", "EQUAL", i(1)), AND(f("k", "EQUAL", i(1)))),
              OR(f("a", "EQUAL", i(1)), f("k", "EQUAL", i(1))),
              OR(f("a", "GREATER_THAN", i(0)), f("b", "EQUAL", i(1))),
              OR(f("a", "GREATER_THAN", i(0)), f("k", "GREATER_THAN", i(1))),
              OR(f("a", "EQUAL", i(1)), u("b", "IS_NOT_NULL")),
              OR(f("a", "NOT_EQUAL", i(1)), f("b", "EQUAL", i(1))),
              OR(f("b", "EQUAL", i(1)), f("a", "LESS_THAN", i(1))),
              AND(OR(f("a", "EQUAL", i(1)), f("a", "EQUAL", b(True))), OR(f("k", "EQUAL", i(1)), f("k", "EQUAL", i(2)))),
              AND(f("a", "EQUAL", i(1)), f("a", "EQUAL", i(2))),
              AND(f("a", "GREATER_THAN", i(-1)), f("a", "LESS_THAN", d(1.5))),
              AND(f("a", "GREATER_THAN", i(-1)), f("a", "LESS_THAN", s("z"))),
              AND(f("a", "GREATER_THAN", i(-1)), f("k", "LESS_THAN", i(2))),
              AND(f("k", "LESS_THAN", i(2)), f("a", "GREATER_THAN", i(-1))),
              AND(f("a", "NOT_EQUAL", i(1)), f("k", "NOT_EQUAL", i(2))),
              AND(f("a", "NOT_EQUAL", i(1)), f("a", "NOT_EQUAL", i(2))),
              AND(f("a", "NOT_EQUAL", i(1)), f("k", "GREATER_THAN", i(1))),
              AND(f("a", "NOT_EQUAL", i(1)), f("a", "NOT_IN", arr(i(2)))),
              AND(f("a", "NOT_EQUAL", i(1)), f("a", "IN", arr(i(2), i(0)))),
              AND(f("a", "NOT_EQUAL", i(1)), u("a", "IS_NOT_NULL")),
              AND(u("a", "IS_NOT_NAN"), u("a", "IS_NOT_NULL")),
              OR(f("a", "NOT_EQUAL", i(1)), f("k", "NOT_EQUAL", i(1))),
              OR(u("a", "IS_NOT_NULL"), u("k", "IS_NOT_NULL")),
              OR(f("a", "NOT_IN", arr(i(1))), f("k", "EQUAL", i(1))),
              AND(f("a", "NOT_IN", arr(i(1))), f("k", "IN", arr(i(1)))),
              AND(f("a", "NOT_IN", arr(i(1))), f("k", "IN", arr(i(1), i(2)))),
              AND(f("a", "NOT_IN", arr(i(1))), f("k", "NOT_IN", arr(i(1)))),
              AND(f("a", "NOT_IN", arr(i(1))), f("k", "ARRAY_CONTAINS_ANY", arr(i(1)))),
              AND(f("a", "NOT_IN", arr(i(1))), f("k", "ARRAY_CONTAINS", i(1))),
              AND(f("a", "NOT_IN", arr(i(1))), OR(f("k", "EQUAL", i(1)))),
              AND(f("a", "NOT_IN", arr(i(1))), f("k", "EQUAL", i(1))),
              AND(f("a", "IN", arr(i(1), b(True))), f("k", "IN", arr(i(1)))),
              AND(f("a", "IN", arr(i(1), i(2), s("abc"))), f("a", "IN", arr(i(1), b(True)))),
              AND(f("a", "IN", arr(*[i(n) for n in range(6)])), f("k", "IN", arr(*[i(n) for n in range(5)]))),
              AND(f("a", "IN", arr(*[i(n) for n in range(6)])), f("k", "IN", arr(*[i(n) for n in range(6)]))),
              AND(f("a", "IN", arr(*[i(n) for n in range(31)])), f("k", "IN", i(1))),
              OR(*[f("a", "EQUAL", i(n)) for n in range(30)]), OR(*[f("a", "EQUAL", i(n)) for n in range(31)]),
              OR(*[f("a", "EQUAL", i(1)) for n in range(31)]),
              AND(*[f("a", "EQUAL", i(1)) for n in range(99)]), AND(*[f("a", "EQUAL", i(1)) for n in range(100)]),
              AND(*[f("a", "EQUAL", i(1)) for n in range(101)]), AND(u("a", "IS_NULL"), u("a", "IS_NAN")),
              AND(f("a", "EQUAL", NULL), f("k", "EQUAL", i(1))), OR(f("a", "EQUAL", NULL), f("k", "EQUAL", i(1)))]:
    case(q(where=where))
case(q(where=AND(*[f("a", "EQUAL", i(1)) for n in range(98)]), orderBy=[o("a"), o("k")]))
case(q(where=AND(*[f("a", "EQUAL", i(1)) for n in range(99)]), orderBy=[o("a"), o("k")]))
case(q("sub", where=AND(*[f("a", "EQUAL", i(1)) for n in range(99)])), "n/d1")
case(q("sub", where=AND(*[f("a", "EQUAL", i(1)) for n in range(100)])), "n/d1")
case(q("sub", where=AND(*[f("a", "IN", arr(i(1), i(2))) for n in range(100)])), "n/d1")
# orders
for orders in [["a"], ["a d"], ["k"], ["__name__"], ["__name__ d"], ["a", "__name__"], ["a d", "__name__"],
               ["a d", "__name__ d"], ["a", "__name__ d"], ["__name__", "a"], ["__name__ d", "a d"], ["a", "a"],
               ["a", "a d"], ["a", "`a`"], ["__name__", "__name__"], ["a.x"], ["a.x.y d"], ["a", "a.x"], ["nope"]]:
    case(q(orderBy=[o(*x.split()) for x in orders]))
for orders in [["a", "b"], ["a d", "b"], ["a", "b d"], ["b", "a d"], ["b d", "a d"], ["c", "b d"]]:
    case(q("n", orderBy=[o(*x.split()) for x in orders]))
    for where in [f("a", "GREATER_THAN", i(1)), f("b", "LESS_THAN", i(3)), f("a", "EQUAL", i(2)),
                  f("c", "IN", arr(s("x"), s("y"))), AND(f("a", "GREATER_THAN_OR_EQUAL", i(1)), f("b", "GREATER_THAN", i(1)))]:
        case(q("n", where=where, orderBy=[o(*x.split()) for x in orders]))
for where in [f("b", "GREATER_THAN", i(0)), f("b", "NOT_EQUAL", i(0)), f("b", "NOT_IN", arr(i(0))), u("b", "IS_NOT_NULL"),
              u("b", "IS_NOT_NAN"), f("b", "IN", arr(i(3), i(2), i(1))), AND(f("c", "GREATER_THAN", s("")), f("b", "GREATER_THAN", i(0))),
              AND(f("b", "GREATER_THAN", i(0)), f("c", "GREATER_THAN", s(""))), AND(f("b", "GREATER_THAN", i(0)), f("b", "LESS_THAN", i(9))),
              OR(f("a", "EQUAL", i(1)), f("b", "GREATER_THAN", i(1))),
              OR(f("a", "EQUAL", i(1)), AND(f("b", "GREATER_THAN", i(1)), f("c", "GREATER_THAN", s("")))),
              OR(f("c", "GREATER_THAN", s("")), f("b", "GREATER_THAN", i(1))),
              f("__name__", "GREATER_THAN", ref("n/d2")), AND(f("__name__", "GREATER_THAN", ref("n/d1")), f("b", "GREATER_THAN", i(1)))]:
    case(q("n", where=where))
    for orders in [["a"], ["a d"], ["b d"], ["c d", "a"], ["__name__ d"]]:
        case(q("n", where=where, orderBy=[o(*x.split()) for x in orders]))
# limit and offset
for rest in [{"limit": 2}, {"limit": 0}, {"offset": 2}, {"offset": 2, "limit": 2}, {"offset": 100}, {"limit": -1},
             {"offset": -1}, {"offset": -1, "limit": -1}, {"limit": 2147483647}, {"offset": 2147483647}]:
    case(q("n", **rest))
    case(q("n", orderBy=[o("b", "d")], **rest))
    case(q("n", where=f("a", "EQUAL", i(1)), **rest))
# projections
for fields in [None, [], ["a"], ["a", "b"], ["__name__"], ["__name__", "a"], ["a", "a"], ["nope"], ["a", "a.b"]]:
    case(q("n", select={} if fields is None else {"fields": [{"fieldPath": x} for x in fields]}))
for fields in [["a.b"], ["a.b.c"], ["a"], ["a", "a.b"], ["a.b", "a"], ["a.b.c", "a.d"], ["a.nope"], ["`a.b`"], ["`x y`", "`q\\`q`"]]:
    case(q("z", select={"fields": [{"fieldPath": x} for x in fields]}))
case(q("z", select={"fields": [{}]}))
# names
for op in ["EQUAL", "NOT_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "ARRAY_CONTAINS"]:
    for operand in [ref("n/d3"), ref("n/none"), ref("m/d3"), ref("o/d3"), ref("n/d1/sub/s1"), ref("n"), i(1), s("d3"), NULL, {},
                    {"referenceValue": "bad"}, {"referenceValue": "projects/other/databases/(default)/documents/n/d3"}]:
        case(q("n", where=f("__name__", op, operand)))
for op in ["IN", "NOT_IN", "ARRAY_CONTAINS_ANY"]:
    for operand in [arr(ref("n/d3"), ref("n/d1")), arr(ref("n/d3"), i(1)), arr(ref("m/x")), arr(), i(1), ref("n/d3"), arr(NULL),
                    arr(ref("n/d1"), ref("n/d1"))]:
        case(q("n", where=f("__name__", op, operand)))
case(q("n", where=AND(f("__name__", "GREATER_THAN", ref("n/d2")), f("a", "GREATER_THAN", i(1)))))
case(q("n", where=f("__name__", "EQUAL", ref("n/d3")), orderBy=[o("a")]))
case(q("x"))
case(q("x", orderBy=[o("__name__", "d")]))
case(q("x", where=f("__name__", "GREATER_THAN", ref("x/A"))))
case(q("x", where=f("__name__", "LESS_THAN", ref("x/A"))))
case(q("x", where=f("__name__", "GREATER_THAN", ref("x/__id7__"))))
# cursors
for rest in [{"startAt": cur(i(2), before=True)}, {"startAt": cur(i(2))}, {"endAt": cur(i(2), before=True)}, {"endAt": cur(i(2))},
             {"startAt": cur(i(1), i(3), before=True)}, {"startAt": cur(i(1), i(2))}, {"startAt": cur(i(1), i(2), ref("n/d1"))},
             {"startAt": cur()}, {"endAt": cur()}, {"startAt": {}}, {"endAt": {}}, {"startAt": cur(NULL)}, {"startAt": cur({})},
             {"startAt": cur(s("a"), before=True)}, {"startAt": cur(d(1.5))}, {"startAt": cur(i(3), before=True), "endAt": cur(i(1))},
             {"startAt": cur(i(1), before=True), "endAt": cur(i(2), before=True)}, {"startAt": cur(arr(arr(i(1))))},
             {"startAt": cur(NAN)}, {"startAt": cur(i(1), {}, before=True)}, {"startAt": cur({"referenceValue": "bad"})}]:
    for orders in [["a"], ["a d"], ["a", "b"], ["a d", "b d"], []]:
        case(q("n", orderBy=[o(*x.split()) for x in orders], **rest))
for rest in [{"startAt": cur(ref("n/d3"), before=True)}, {"startAt": cur(ref("n/d3"))}, {"endAt": cur(ref("n/d3"), before=True)},
             {"endAt": cur(ref("n/d3"))}, {"startAt": cur(ref("m/zzz"))}, {"startAt": cur(ref("o/a"))}, {"startAt": cur(ref("n"))},
             {"startAt": cur(i(1))}, {"startAt": cur(s("d3"))}, {"startAt": cur({})}, {"startAt": cur(NULL)}, {"startAt": cur(ref("n/d1/sub/s1"))},
             {"startAt": cur({"referenceValue": "bad"})}, {"startAt": cur({"referenceValue": "projects/other/databases/(default)/documents/n/d3"})},
             {"endAt": cur(i(1))}, {"endAt": cur(ref("n/d3"), i(1))}]:
    for orders in [["__name__"], ["__name__ d"], []]:
        case(q("n", orderBy=[o(*x.split()) for x in orders], **rest))
case(q("n", orderBy=[o("a"), o("__name__")], startAt=cur(i(1), ref("n/d1"))))
case(q("n", orderBy=[o("a"), o("__name__")], startAt=cur(i(1), ref("n/d1"), before=True)))
case(q("n", orderBy=[o("a", "d"), o("__name__", "d")], startAt=cur(i(2), ref("n/d4"))))
case(q("n", orderBy=[o("a"), o("__name__", "d")], endAt=cur(i(2), ref("n/d4"))))
case(q("n", orderBy=[o("a"), o("__name__")], startAt=cur(i(1), i(2))))
case(q("n", where=f("a", "GREATER_THAN", i(1)), startAt=cur(i(2))))
case(q("n", where=f("a", "GREATER_THAN", i(0)), orderBy=[o("a")], startAt=cur(i(1)), offset=1, limit=2))
case(q("n", where=f("a", "EQUAL", i(1)), orderBy=[o("b")], startAt=cur(i(2)), endAt=cur(i(3))))
case(q("c", orderBy=[o("a")], startAt=cur(NAN)))
case(q("c", orderBy=[o("a")], startAt=cur(b(True)), endAt=cur(i(1))))
case(q("c", orderBy=[o("a")], startAt=cur(i(1), before=True), endAt=cur(d(1.0))))
case(q("c", orderBy=[o("a")], startAt=cur(NULL)))
case(q("c", orderBy=[o("a", "d")], startAt=cur(vec(1, 2), before=True)))
# from
for selectors in [[], [{}], [{"allDescendants": True}], [{"collectionId": "n"}, {"collectionId": "c"}], [{"collectionId": "a/b"}],
                  [{"collectionId": "__x__"}], [{"collectionId": "."}], [{"collectionId": "sub", "allDescendants": True}],
                  [{"collectionId": "a" * 1501}], [{"collectionId": "sub"}], [{"collectionId": ""}]]:
    case({"from": selectors})
    case({"from": selectors}, "n/d1")
case({})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "where": f("a", "GREATER_THAN", i(0))})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "where": f("__name__", "EQUAL", ref("n/d1/sub/s1"))})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "where": f("__name__", "GREATER_THAN", ref("n/d1/sub/s1"))})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "orderBy": [o("__name__", "d")]})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "orderBy": [o("__name__")], "startAt": cur(ref("n/d1/sub/s1"))})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "orderBy": [o("__name__")], "startAt": cur(ref("zz/a"))})
case({"from": [{"collectionId": "sub", "allDescendants": True}], "orderBy": [o("a", "d")], "limit": 2})
case({"where": f("a", "GREATER_THAN", i(1))})
case({"orderBy": [o("a")]})
case({"orderBy": [o("__name__")], "startAt": cur(ref("n/d1"))})
case({"where": f("a", "EQUAL", i(2))}, "n/d1")
case({"from": [{"allDescendants": True}], "where": f("a", "EQUAL", i(2))})
case({"from": [{"allDescendants": True}], "limit": 3}, "n/d1")
case(q("sub"), "n/d1")
case(q("sub"), "n/nope")
case(q("sub"), "n")
case(q("sub"), "n/d1/sub")
case(q(""), "n/d1")
# which refusal comes first
case(q("n", limit=-1, where=f("a", "IN", i(1)), orderBy=[o("a"), o("a")]))
case(q("n", where=f("a", "IN", i(1)), orderBy=[o("a"), o("a")]))
case(q("n", where=f("a..b", "EQUAL", i(1)), limit=-1))
case(q("n", offset=-1, orderBy=[o("a"), o("a")]))
case(q("n", select={"fields": [{"fieldPath": "a..b"}]}, where={}))
case(q("n", startAt=cur(i(1), i(2)), limit=-1))
case(q("a/b", where={}))
case(q("n", orderBy=[o("a..b")], where={}))
case(q("n", orderBy=[o("a..b")], startAt=cur(i(1), i(2))))
case(q("n", where=AND(f("a", "NOT_IN", arr()), f("a", "NOT_EQUAL", i(1)))))
case(q("n", where=AND(f("a", "ARRAY_CONTAINS", i(1)), f("a", "ARRAY_CONTAINS", i(1)), f("a", "NOT_EQUAL", i(1)), f("b", "NOT_EQUAL", i(1)))))
# nearest
case(q("c", findNearest={"vectorField": {"fieldPath": "a"}, "queryVector": vec(1, 2), "distanceMeasure": "EUCLIDEAN", "limit": 2}))

# counting and normalising
for n in [99, 100, 101, 150]:
    case(q(where=AND(*[f("a", "EQUAL", i(x)) for x in range(n)])))
    case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(n)])))
    case(q("sub", where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(n)])), "n/d1")
for n, orders in [(99, ["a"]), (100, ["a"]), (98, ["a", "__name__"]), (99, ["a", "__name__"]), (98, ["b"])]:
    case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(n)]), orderBy=[o(x) for x in orders]))
    case(q("sub", where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(n)]), orderBy=[o(x) for x in orders]), "n/d1")
case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(99)], f("b", "GREATER_THAN", i(1)))))
case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(98)], f("b", "GREATER_THAN", i(1)))))
case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(99)], u("b", "IS_NULL"), u("c", "IS_NULL"))))
case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(80)], f("b", "IN", arr(*[i(x) for x in range(25)])))))
case(q(where=AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(2)], *[f("b%d" % x, "EQUAL", i(x)) for x in range(99)])))
case(q(where=OR(AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(60)]), AND(*[f("b%d" % x, "EQUAL", i(x)) for x in range(60)]))))
case(q(where=AND(*[f("__name__", "GREATER_THAN", ref("c/a%d" % x)) for x in range(101)])))
case({"from": [{"collectionId": "sub", "allDescendants": True}], "where": AND(*[f("a%d" % x, "EQUAL", i(x)) for x in range(101)])})
case(q(orderBy=[o("a%d" % x) for x in range(100)]))
case(q(orderBy=[o("a%d" % x) for x in range(101)]))
case(q(where=OR(*[f("a", "EQUAL", i(x)) for x in range(30)], AND(f("a", "EQUAL", i(1)), f("k", "EQUAL", i(1))))))
case(q(where=AND(OR(*[f("a", "EQUAL", i(x)) for x in range(6)]), OR(*[f("a", "EQUAL", i(x)) for x in range(6)]))))
case(q(where=AND(OR(*[f("a", "EQUAL", i(x)) for x in range(8)]), OR(*[f("a", "EQUAL", i(x)) for x in range(8)]))))
case(q(where=AND(*[f("a%d" % x, "IN", arr(i(1), i(2))) for x in range(5)])))
case(q(where=AND(*[f("a%d" % x, "IN", arr(i(1), i(2))) for x in range(12)])))
case(q(where=AND(*[f("a%d" % x, "IN", arr(i(1), i(2))) for x in range(40)])))
case(q(where=AND(*[f("a%d" % x, "IN", arr(i(1), i(1))) for x in range(12)])))
case(q(where=AND(*[f("a%d" % x, "IN", arr(i(1), d(1.0))) for x in range(5)])))
case(q(where=AND(*[f("a%d" % x, "IN", arr(i(1), NULL)) for x in range(5)])))
case(q(where=AND(f("a", "IN", arr(*[i(x) for x in range(30)])), f("b", "ARRAY_CONTAINS_ANY", arr(*[i(x) for x in range(3)])))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS", i(1)), f("t", "ARRAY_CONTAINS", i(1)))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS_ANY", arr(i(1), i(2))), f("t", "ARRAY_CONTAINS_ANY", arr(i(1), i(2))))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS_ANY", arr(i(1))), f("t", "ARRAY_CONTAINS", i(1)))))
case(q("y", where=AND(f("t", "ARRAY_CONTAINS", i(1)), OR(f("w", "ARRAY_CONTAINS", s("p")), f("t", "ARRAY_CONTAINS", i(1))))))
case(q(where=AND(f("a", "NOT_EQUAL", i(1)), f("a", "NOT_EQUAL", i(1)))))
case(q(where=AND(f("__name__", "NOT_EQUAL", ref("c/a08")), f("a", "NOT_EQUAL", i(1)))))
case(q(where=AND(f("__name__", "NOT_EQUAL", ref("c/a08")), f("a", "EQUAL", i(1)))))
case(q(where=OR(f("__name__", "EQUAL", ref("c/a08")), f("a", "EQUAL", i(0)))))
case(q(where=OR(f("__name__", "GREATER_THAN", ref("c/a28")), f("a", "EQUAL", i(0)))))
case(q(where=OR(f("__name__", "GREATER_THAN", ref("c/a28")), f("a", "GREATER_THAN", i(1)))))
# size and kind of operands
for size in [1499, 1500, 1501]:
    case(q(where=f("a", "EQUAL", s("x" * size))))
    case(q(where=f("a", "GREATER_THAN", s("x" * size))))
    case(q(where=f("a.b", "IN", arr(i(1), s("x" * size)))))
    case(q(where=f("a", "EQUAL", arr(s("x" * size)))))
    case(q(where=f("a", "EQUAL", m(x=s("x" * size)))))
    case(q(where=f("a", "EQUAL", {"mapValue": {"fields": {"x" * size: i(1)}}})))
    case(q(where=f("a", "ARRAY_CONTAINS", s("x" * size))))
    case(q(orderBy=[o("a")], startAt=cur(s("x" * size))))
case(q(where=f("a", "EQUAL", s("\u00e9" * 750))))
case(q(where=f("a", "EQUAL", s("\u00e9" * 751))))
case(q(where=f("a", "EQUAL", by("A" * 2000))))
case(q(where=f("a", "EQUAL", by("A" * 2004))))
case(q(where=f("a", "EQUAL", arr(*[s("x" * 100) for x in range(20)]))))
case(q(where=f("a", "EQUAL", arr(*[i(x) for x in range(400)]))))
case(q(where=f("`a b`.c", "EQUAL", s("x" * 1501))))
case(q(where=f("__name__", "EQUAL", ref("c/" + "x" * 1500))))
case(q(where=f("__name__", "EQUAL", ref("c/" + "x" * 1501))))
case(q(where=f("a", "EQUAL", ref("c/" + "x" * 1500))))


def deep(n, leaf):
    for _ in range(n):
        leaf = m(x=leaf)
    return leaf


for n in [19, 20, 21, 22, 30]:
    case(q(where=f("a", "EQUAL", deep(n, i(1)))))
    case(q(orderBy=[o("a")], startAt=cur(deep(n, i(1)))))
for value in [geo(91, 0), geo(0, 181), ts("0001-01-01T00:00:00Z"), {"fieldReferenceValue": "b"}, m(__x__=i(1)), m(x=m(__x__=i(1))), vec(),
              m(__type__=s("__vector__")), m(__type__=s("__vector__"), value=i(1)), m(__type__=s("__vector__"), value=arr(s("x"))),
              m(__type__=s("other")), m(__type__=s("__vector__"), value=arr(d(1)), more=i(1)), m(__type__=s("__vector__"), value=arr(i(1), i(2))),
              arr(vec()), {"referenceValue": "projects/other/databases/(default)/documents/n/d3"},
              {"referenceValue": "projects/p/databases/d/documents"}, {"referenceValue": ""}, {"referenceValue": "{D}/c/__x__"}]:
    case(q(where=f("a", "EQUAL", value)))
    case(q(where=f("a", "IN", arr(value))))
    case(q(orderBy=[o("a")], startAt=cur(value)))
case(q("n", where=f("__name__", "IN", arr({"referenceValue": "projects/other/databases/(default)/documents/n/d3"}))))
case(q("n", where=f("__name__", "IN", arr({"referenceValue": "bad"}))))
case(q("n", where=f("__name__", "IN", arr({}))))
case(q("n", where=f("__name__", "EQUAL", {"referenceValue": "projects/demo-q/databases/other/documents/n/d3"})))
# redundant orders
for where in [f("a", "EQUAL", i(1)), f("a", "IN", arr(i(1), i(2))), f("a", "IN", arr(i(1))), u("c", "IS_NOT_NULL")]:
    for orders in [["a"], ["a d"], ["a d", "b"], ["b d", "a"], ["a", "__name__ d"], ["a d", "__name__"], ["__name__"], ["__name__ d"],
                   ["c d", "__name__"], ["c", "a d"]]:
        case(q("n", where=where, orderBy=[o(*x.split()) for x in orders]))
case(q("n", where=f("a", "EQUAL", i(1)), orderBy=[o("a", "d")], startAt=cur(i(1))))
case(q("n", where=f("a", "EQUAL", i(1)), orderBy=[o("a", "d")], startAt=cur(i(1), before=True)))
case(q("n", where=f("a", "EQUAL", i(1)), orderBy=[o("a", "d"), o("b")], startAt=cur(i(1), i(2))))
case(q("n", where=f("a", "EQUAL", i(1)), orderBy=[o("a"), o("b")], startAt=cur(i(0), i(2))))
case(q("n", where=f("a", "EQUAL", i(1)), orderBy=[o("a"), o("b")], startAt=cur(i(2), i(2))))
case(q("n", where=f("b", "GREATER_THAN", i(0)), orderBy=[o("__name__")]))
case(q("n", where=f("b", "GREATER_THAN", i(0)), orderBy=[o("b"), o("__name__", "d")]))
case(q("n", where=f("b", "GREATER_THAN", i(0)), orderBy=[o("a"), o("__name__", "d")]))
case(q("n", where=f("b", "GREATER_THAN", i(0)), orderBy=[o("a"), o("b", "d")]))
case(q("z", where=AND(f("a.b", "GREATER_THAN", i(0)), f("`a.b`", "GREATER_THAN", i(0)))))
case(q("z", where=AND(u("`x y`", "IS_NOT_NULL"), f("a.d", "GREATER_THAN", i(0)))))
case(q("n", startAt=cur(before=True)))
case(q("n", endAt=cur(before=True)))
case(q("n", orderBy=[o("a")], startAt=cur(before=True)))
case(q("n", orderBy=[o("a", "d")], endAt=cur(before=True)))
case(q("n", where=AND(f("__name__", "GREATER_THAN", ref("n/d2")), f("a", "EQUAL", i(2))), orderBy=[o("__name__", "d")]))
case(q("n", where=f("__name__", "EQUAL", ref("n/d2")), orderBy=[o("__name__", "d")]))
case(q("n", where=f("__name__", "IN", arr(ref("n/d2"), ref("n/d4"))), orderBy=[o("__name__", "d")]))
case(q("n", where=f("__name__", "NOT_EQUAL", ref("n/d2")), orderBy=[o("__name__", "d")]))
case(q("n", where=f("__name__", "IN", arr(ref("n/d4"), ref("n/d2"))), limit=1))
case(q("n", orderBy=[o("__name__", "d")], limit=0))
case(q("n", where=AND(), orderBy=[o("__name__", "d")]))
case({"from": [{}], "orderBy": [o("__name__", "d")]})
case({"where": f("__name__", "GREATER_THAN", ref("n/d4"))})
case({"where": u("a", "IS_NULL")})
case({"where": AND()})
case({"from": [{"allDescendants": True}], "where": f("__name__", "LESS_THAN", ref("n/d1/sub/s2"))})
case({"orderBy": [o("__name__"), o("a")]})
# which refusal comes first, by pairs
BAD = {
    "where_type": {"where": {}},
    "op": {"where": f("a", "OPERATOR_UNSPECIFIED", i(1))},
    "path": {"where": f("a..b", "EQUAL", i(1))},
    "unset": {"where": f("a", "EQUAL")},
    "in": {"where": f("a", "IN", i(1))},
    "in31": {"where": f("a", "IN", arr(*[i(x) for x in range(31)]))},
    "not2": {"where": AND(f("a", "NOT_EQUAL", i(1)), f("b", "NOT_EQUAL", i(1)))},
    "notin": {"where": AND(f("a", "NOT_IN", arr(i(1))), f("b", "IN", arr(i(1))))},
    "dnf": {"where": OR(*[f("a", "EQUAL", i(x)) for x in range(31)])},
    "ac": {"where": AND(f("a", "ARRAY_CONTAINS", i(1)), f("b", "ARRAY_CONTAINS", i(1)))},
    "many": {"where": AND(*[f("a%d" % x, "EQUAL", i(1)) for x in range(101)])},
    "big": {"where": f("a", "EQUAL", s("x" * 1501))},
    "key": {"where": f("__name__", "EQUAL", i(1))},
    "keydb": {"where": f("__name__", "EQUAL", {"referenceValue": "projects/o/databases/(default)/documents/n/d3"})},
    "order_path": {"orderBy": [o("a..b")]},
    "order_dup": {"orderBy": [o("a"), o("a")]},
    "order_key": {"orderBy": [o("__name__"), o("a")]},
    "desc": {"orderBy": [o("__name__", "d")]},
    "start_many": {"startAt": cur(i(1), i(2), i(3))},
    "start_key": {"orderBy": [o("__name__")], "startAt": cur(i(1))},
    "select": {"select": {"fields": [{"fieldPath": "a..b"}]}},
    "limit": {"limit": -1},
    "offset": {"offset": -1},
    "kind": {"from": [{"collectionId": "a/b"}]},
    "kinds": {"from": [{"collectionId": "a"}, {"collectionId": "b"}]},
    "kindless": {"from": [], "where": f("a", "EQUAL", i(1))},
}
names = list(BAD)
for x in range(len(names)):
    for y in range(x):
        if not set(BAD[names[x]]) & set(BAD[names[y]]):
            case({"from": [{"collectionId": "n"}], **BAD[names[x]], **BAD[names[y]]})
WHERES = [BAD[name]["where"] for name in names if set(BAD[name]) == {"where"}]
for x in range(len(WHERES)):
    for y in range(x):
        case(q("n", where=AND(WHERES[x], WHERES[y])))
        case(q("n", where=AND(WHERES[y], WHERES[x])))

# more digits than are stored
for op in ["EQUAL", "GREATER_THAN", "LESS_THAN_OR_EQUAL"]:
    case(q(where=f("a", op, ts("2021-01-01T00:00:00.500000999Z"))))
    case(q(where=f("a", op, ts("2021-01-01T00:00:00.499999999Z"))))
case(q(orderBy=[o("a")], startAt=cur(ts("2021-01-01T00:00:00.500000999Z"))))
case(q(orderBy=[o("a")], startAt=cur(ts("2021-01-01T00:00:00.500000999Z"), before=True)))
case(q(where=f("a", "EQUAL", m(__type__=i(1)))))
case(q(where=f("a", "EQUAL", vec(*[1] * 2048))))
case(q(where=f("a", "EQUAL", vec(*[1] * 2049))))
case(q(where=f("a", "EQUAL", {"mapValue": {"fields": {"__type__": s("__vector__"), "value": arr(NAN)}}})))
# multiplying out, sizes to the byte, other mixtures
for sizes in [(7,7),(10,6),(30,2),(8,8),(10,7),(9,7),(30,3),(2,2,2,2,2),(2,2,2,2,2,2),(2,2,2,2,2,2,2),(6,6),(3,3,3,2),(3,3,3,3),(31,),(5,5,2),(16,2),(16,3),(4,4,4)]:
    case(q(where=AND(*[OR(*[f("f%d"%k, "EQUAL", i(x)) for x in range(n)]) for k,n in enumerate(sizes)])))
for n in [50,60,61,64,65,90,100]:
    case(q(where=OR(*[f("f", "EQUAL", i(x)) for x in range(n)])))
case(q(where=OR(f("a","EQUAL",i(1)), AND(*[OR(*[f("f%d"%k, "EQUAL", i(x)) for x in range(6)]) for k in range(2)]))))
case(q(where=OR(AND(*[OR(*[f("f%d"%k, "EQUAL", i(x)) for x in range(5)]) for k in range(2)]), AND(*[OR(*[f("g%d"%k, "EQUAL", i(x)) for x in range(5)]) for k in range(2)]))))
case(q(where=AND(f("a","EQUAL",i(1)), AND(f("a","EQUAL",i(1)), f("b","EQUAL",i(1))), *[f("z%d"%x,"EQUAL",i(x)) for x in range(98)])))
case(q(where=AND(f("a","NOT_IN",arr(*[i(x) for x in range(10)])), *[f("z%d"%x,"EQUAL",i(x)) for x in range(95)])))
case(q(where=AND(f("a","NOT_IN",arr(*[i(x) for x in range(10)])), *[f("z%d"%x,"EQUAL",i(x)) for x in range(101)])))
case(q(where=AND(f("a","ARRAY_CONTAINS_ANY",arr(*[i(x) for x in range(10)])), *[f("z%d"%x,"EQUAL",i(x)) for x in range(95)])))
case(q(where=OR(f("a","IN",arr(*[i(x) for x in range(20)])), f("b","IN",arr(*[i(x) for x in range(20)])))))
case(q("y",where=AND(f("t","ARRAY_CONTAINS",i(1)), AND(f("t","ARRAY_CONTAINS",i(1))))))
case(q("y",where=AND(f("t","ARRAY_CONTAINS",i(1)), f("t","ARRAY_CONTAINS",d(1.0)))))
case(q("y",where=AND(f("t","ARRAY_CONTAINS",i(1)), OR(f("t","ARRAY_CONTAINS",i(1))))))
case(q(where=AND(f("a","NOT_IN",arr(i(1))), OR(AND(f("a","EQUAL",i(1)))))))
case(q(where=AND(f("a","NOT_IN",arr(i(1))), {"compositeFilter":{"op":"OR"}})))
case(q(where=AND(f("a","EQUAL",i(1)),{"unaryFilter":{"op":"IS_NULL","field":{"fieldPath":"a..b"}}})))
case(q(where=f("a","OPERATOR_UNSPECIFIED")))
case(q(where=f("a","OPERATOR_UNSPECIFIED",{})))
case(q(where=f("a..b","OPERATOR_UNSPECIFIED")))
case(q(where={"unaryFilter":{"field":{"fieldPath":"a..b"}}}))
case(q(where={"compositeFilter":{"filters":[{}]}}))
case(q(where=f("a.b","ARRAY_CONTAINS_ANY",arr(s("x"*1500)))))
case(q(where=f("a","NOT_IN",arr(s("x"*1500)))))
case(q(where=f("a","NOT_EQUAL",s("x"*1500))))
case(q(where=f("a","EQUAL",arr(m(x=s("y"*1499))))))
case(q(where=f("a","EQUAL",arr(s("y"*1498),b(True)))))
case(q(where=f("a","EQUAL",arr(s("y"*1498),NULL))))
case(q(where=f("a","EQUAL",arr(s("y"*1498)))))
case(q(where=f("a","EQUAL",m(x=s("y"*1497)))))
case(q(where=f("a","EQUAL",m(x=s("y"*1496)))))
case(q(where=f("a","EQUAL",m(x=s("y"*1464)))))
case(q(where=f("a","EQUAL",m(x=s("y"*1465)))))
case(q(where=f("a","EQUAL",m(x=s("y"*1480)))))
for n in [1400,1420,1440,1450,1460,1470,1475,1480,1490,1495]:
    case(q(where=f("a","EQUAL",ref("c/"+"x"*n))))
for n in [185,186,187,188]:
    case(q(where=f("a","EQUAL",arr(*[i(x) for x in range(n)]))))
case(q("n",where=AND(f("__name__","ARRAY_CONTAINS",ref("n/d1")), f("a","EQUAL",s("x"*1501)))))
case(q("n",where=AND(f("a","EQUAL",s("x"*1501)),f("__name__","ARRAY_CONTAINS",ref("n/d1")))))
case(q("n",where=u("__name__","IS_NULL"), orderBy=[o("a"),o("a")]))
case({"where":AND(f("__name__","EQUAL",i(1)), f("a","EQUAL",i(1)))})
case({"where":AND(f("a","EQUAL",i(1)), f("__name__","EQUAL",i(1)))})
case({"where":AND(*[f("a%d"%x,"EQUAL",i(1)) for x in range(101)])})
case({"where":f("a","ARRAY_CONTAINS",i(1))})
case({"where":AND(f("a","ARRAY_CONTAINS",i(1)),f("b","ARRAY_CONTAINS",i(1)))})
case({"where":f("a.b","IN",arr(i(1)))})
case({"where":f("a","EQUAL",s("x"*1501))})
case({"orderBy":[o("a")],"where":AND(*[f("a%d"%x,"EQUAL",i(1)) for x in range(101)])})
case({"orderBy":[o("a")],"where":f("__name__","EQUAL",i(1))})
case(q("n",select={"fields":[{"fieldPath":"`"}]},orderBy=[o("a..b")]))
case(q("n",select={"fields":[{"fieldPath":"b"},{"fieldPath":"__x__"}]}))
case(q("n",where=AND(f("a","EQUAL",{}),OR())))
case(q("n",where=OR(*[]),orderBy=[o("a..b")]))
case(q("n",where=AND(OR(),f("a","EQUAL",{}))))
case(q("c",where=f("a","EQUAL",arr(i(1),s("x"),NULL,NAN))))
case(q("c",where=f("a","IN",arr(arr(i(1),s("x"),NULL,NAN)))))
case(q("c",where=f("a","GREATER_THAN",arr(i(1),s("x"),NULL))))
case(q("c",where=f("a","GREATER_THAN_OR_EQUAL",arr(NULL))))
case(q("c",where=f("a","GREATER_THAN_OR_EQUAL",arr(NAN))))
case(q("c",where=f("a","NOT_EQUAL",arr(i(1),s("x"),NULL,NAN))))
case(q("y",where=f("w","EQUAL",arr(m(k=NULL)))))

# groups below a document, equality of the key beside inequalities
GROUP = {"from": [{"collectionId": "sub", "allDescendants": True}]}
for rest in [{}, {"where": AND()}, {"where": f("a", "EQUAL", i(1))}, {"where": f("a", "GREATER_THAN", i(1))}, {"where": u("a", "IS_NULL")},
             {"orderBy": [o("a")]}, {"orderBy": [o("__name__")]}, {"orderBy": [o("__name__", "d")]}, {"limit": 1}, {"offset": 1},
             {"select": {"fields": [{"fieldPath": "a"}]}}, {"select": {}}, {"where": f("__name__", "EQUAL", ref("n/d1/sub/s1"))},
             {"where": f("__name__", "GREATER_THAN", ref("n/d1/sub/s1"))}, {"where": f("__name__", "IN", arr(ref("n/d1/sub/s1")))},
             {"where": f("__name__", "NOT_EQUAL", ref("n/d1/sub/s1"))},
             {"orderBy": [o("__name__")], "startAt": cur(ref("n/d1/sub/s1"))}, {"orderBy": [o("a"), o("a")]},
             {"where": f("a", "EQUAL", s("x" * 1501))}, {"where": f("__name__", "EQUAL", i(1))},
             {"where": OR(*[f("a", "EQUAL", i(x)) for x in range(31)])}, {"limit": -1, "orderBy": [o("a")]},
             {"where": AND(*[f("a%d" % x, "EQUAL", i(1)) for x in range(101)])},
             {"where": AND(f("a", "ARRAY_CONTAINS", i(1)), f("b", "ARRAY_CONTAINS", i(1)))},
             {"orderBy": [o("__name__"), o("a")]}, {"where": f("a", "GREATER_THAN", i(1)), "orderBy": [o("__name__")]},
             {"where": AND(f("a", "GREATER_THAN", i(1)), f("__name__", "EQUAL", ref("n/d1/sub/s1")))}]:
    case({**GROUP, **rest}, "n/d1")
    case({"from": [{"allDescendants": True}], **rest}, "n/d1")
    case({"from": [{}], **rest}, "n/d1")
KEY, KEYS, LATER = f("__name__", "EQUAL", ref("n/d3")), f("__name__", "IN", arr(ref("n/d3"), ref("n/d4"))), f("__name__", "GREATER_THAN", ref("n/d2"))
MORE = f("b", "GREATER_THAN", i(0))
for where in [AND(KEY, MORE), AND(MORE, KEY), OR(KEY, MORE), AND(KEYS, MORE), AND(f("__name__", "IN", arr(ref("n/d3"))), MORE), AND(KEY, LATER, MORE),
              AND(KEY, f("b", "NOT_EQUAL", i(0))), AND(KEY, f("b", "NOT_IN", arr(i(0)))), AND(KEY, u("b", "IS_NOT_NULL")),
              AND(KEY, u("b", "IS_NOT_NAN")), AND(KEY, f("b", "EQUAL", i(2))), AND(KEY, u("b", "IS_NULL")), AND(KEY, f("b", "IN", arr(i(2), i(3)))),
              OR(KEY, AND(LATER, MORE)), AND(f("__name__", "NOT_EQUAL", ref("n/d3")), MORE), AND(f("__name__", "NOT_EQUAL", ref("n/d3")), KEY, MORE),
              AND(OR(KEY, f("a", "EQUAL", i(1))), MORE), AND(KEY, LATER), AND(KEY, MORE, f("a", "GREATER_THAN", i(0))),
              AND(f("__name__", "NOT_IN", arr(ref("n/d1"))), MORE), AND(f("__name__", "NOT_IN", arr(ref("n/d1"))), KEY, MORE)]:
    for orders in [[], ["b"], ["a"], ["b", "__name__"], ["b d", "__name__"], ["__name__"], ["__name__ d"], ["a", "a"]]:
        case(q("n", where=where, orderBy=[o(*x.split()) for x in orders]))
case(q("n", where=AND(KEY, MORE, f("c", "EQUAL", s("x" * 1501)))))
case(q("n", where=AND(KEY, MORE, OR(*[f("a", "EQUAL", i(x)) for x in range(31)]))))
case(q("n", where=AND(KEY, MORE, OR(*[f("a", "EQUAL", i(x)) for x in range(15)]))))
case(q("n", where=AND(KEY, MORE, f("a", "ARRAY_CONTAINS", i(1)), f("c", "ARRAY_CONTAINS", i(1)))))
case(q("n", where=AND(KEY, MORE), limit=-1))
case(q("n", where=AND(KEY, MORE, f("__name__", "EQUAL", i(1)))))
case({"from": [], "where": AND(KEY, MORE)})
# comparisons that nothing satisfies, beside others
VOIDS = [f("k", "GREATER_THAN", NULL), f("k", "LESS_THAN_OR_EQUAL", NAN), f("k", "NOT_EQUAL", NULL)]
for void in VOIDS:
    for where in [void, AND(void, f("b", "GREATER_THAN", i(0))), OR(void, f("a", "GREATER_THAN", i(0))), OR(void, f("a", "EQUAL", i(1))),
                  OR(void, f("__name__", "GREATER_THAN", ref("c/a07"))), AND(f("__name__", "EQUAL", ref("c/a08")), void),
                  OR(f("__name__", "EQUAL", ref("c/a08")), void), OR(AND(void, f("a", "EQUAL", i(1))), f("a", "EQUAL", i(0))),
                  OR(AND(f("a", "EQUAL", NULL), f("k", "GREATER_THAN", i(0))), f("a", "EQUAL", i(0))),
                  OR(AND(void, f("a", "GREATER_THAN", i(1))), f("a", "EQUAL", i(0))), OR(void, f("k", "GREATER_THAN", i(0))),
                  OR(AND(f("k", "GREATER_THAN", i(0)), f("b", "EQUAL", NULL)), f("a", "EQUAL", i(0))),
                  AND(OR(void, f("a", "EQUAL", i(1))), OR(f("a", "EQUAL", i(1)), f("a", "EQUAL", i(0))))]:
        for orders in [[], ["a d"], ["__name__"], ["__name__ d"], ["k"]]:
            case(q(where=where, orderBy=[o(*x.split()) for x in orders]))
for nots in [arr(NULL), arr(i(1), NULL)]:
    for orders in [[], ["__name__"], ["a"], ["a d", "__name__"]]:
        case(q(where=f("k", "NOT_IN", nots), orderBy=[o(*x.split()) for x in orders]))
        case(q(where=AND(f("k", "NOT_IN", nots), f("__name__", "EQUAL", ref("c/a08"))), orderBy=[o(*x.split()) for x in orders]))

# ListDocuments: collection, parameters
LISTS = []


def lst(path, **params):
    LISTS.append({"path": path, "params": params})


for text in ["a", "a desc", "a asc", "a DESC", "a Desc", "a desc, b", " a  desc ,  b ", "a,b", "a, a", "a sideways", "a desc desc", ",",
             "a,", ",a", "", " ", "`a`", "`a` desc", "a.b", "a..b", "__name__", "__name__ desc", "a desc b", "a\tdesc", "a\ndesc",
             "`x y` desc", "`x,y`", "`x, y` desc", "`x desc`", "1a", "a, __name__ desc", "__name__, a", "asc", "desc", "desc desc",
             "a ascending", "a descending", "a;b", "`a", "a -1", "__x__"]:
    lst("n", orderBy=text)
lst("n", pageSize=2)
lst("n", pageSize=0)
lst("n", pageSize=-1)
lst("n", pageSize=300)
lst("n", pageSize=7)
lst("n", pageToken="bad")
lst("n", pageToken="AAAA")
lst("n", pageToken="!!")
lst("n", pageSize=2, orderBy="b desc")
lst("n", orderBy="a", showMissing="true")
for t in ["a  desc","a ,b","a,  b"," a","a ","a desc ","a,b desc","a asc,b desc","a\t,b","a,\tb","a desc,b","a desc ,b","a desc  , b","aDESC","a  ,b","a,\n b","`a `","`a\\`` desc", "a.b desc,c.d asc", "__name__ asc", "a , b", "`a`.b desc", "`a``b`", "a desc,", "a  asc ,  b   desc", "a\u00a0desc", "é", "`é` desc", "a"*1501, "", "__key__", "a.__name__"]:
    lst("n",orderBy=t)
lst("n",pageSize=-1,orderBy="a sideways")
lst("n",pageSize=-1,pageToken="bad")
lst("n",orderBy="a sideways",pageToken="bad")
lst("n",orderBy="a,a",pageToken="bad")
lst("n",orderBy="a sideways",showMissing="true")
lst("n",pageSize=-1,showMissing="true",orderBy="a")

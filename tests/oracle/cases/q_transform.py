"""Transforms, masks and preconditions to the last edge: every operand against every stored kind, paths of every form,
what belongs together in one commit, and limits at the edge and one beyond."""
from caselib import *

NAN, INF = float("nan"), float("inf")
MAX, MIN = 9223372036854775807, -9223372036854775808
OLD = "2020-01-01T00:00:00Z"
MISSING_FIELD = object()
STORED = {"nothing": MISSING_FIELD, "an integer": 7, "a double": 7.5, "an integral double": 7.0, "zero": 0, "0.0": 0.0,
          "minus zero": {"doubleValue": -0.0}, "NaN": NAN, "infinity": INF, "minus infinity": -INF, "the largest integer": MAX,
          "the smallest integer": MIN, "2^53 + 1": 9007199254740993, "null": None, "a boolean": True, "a string": "7",
          "bytes": b"7", "a timestamp": ts(OLD), "a reference": {"referenceValue": NAME + "/c/a"}, "a place": geo(1, 2),
          "an array": [1, 7], "a map": {"x": 1}, "a vector": vector(1, 2)}
OPERANDS = {"1": 1, "-1": -1, "0.5": 0.5, "0": 0, "-0.0": {"doubleValue": -0.0}, "NaN": NAN, "infinity": INF,
            "the largest integer": MAX, "the smallest integer": MIN, "7": 7, "7.0": 7.0, "2^53": 9007199254740992.0}

group("transform_values")


def key(i):
    return f"f{i}"


# One document holds every stored kind; one write changes them all.
START = {key(i): x for i, x in enumerate(STORED.values()) if x is not MISSING_FIELD}
for op, make in (("increment", increment), ("maximum", maximum), ("minimum", minimum)):
    for what, operand in OPERANDS.items():
        case(f"{op} of every kind by {what}",
             commit(set_("c/a", {}, [], [make(key(i), operand) for i in range(len(STORED))])), get("c/a"), setup=[docs({"c/a": START})])
    for what in ("null", "a boolean", "a string", "bytes", "a timestamp", "an array", "a map"):
        case(f"{op} by {what}", commit(set_("c/a", {}, [], [make("n", STORED[what])])), get("c/a"), setup=[docs({"c/a": {"n": 1}})])
    case(f"{op} by a value of no kind", commit(set_("c/a", {}, [], [{"fieldPath": "n", op: {}}])))

LISTS = {"integers": [1, 2, 3], "integers and doubles": [1, 1.0, 2.5], "NaN and zeros": [NAN, 0, {"doubleValue": -0.0}, 0.0],
         "null and booleans": [None, True, False, None], "strings and bytes": ["a", b"a", "A", ""],
         "times": [ts(OLD), ts("2020-01-01T00:00:00.000001Z")], "maps": [{"x": 1}, {"x": 1.0}, {"x": 1, "y": 2}, {}],
         "places and references": [geo(1, 2), geo(0, 0), {"referenceValue": NAME + "/c/a"}],
         "large numbers": [9007199254740993, 9007199254740992.0, MAX]}
for op, make in (("append to", append), ("remove from", remove)):
    for kind, stored in LISTS.items():
        for what, elements in LISTS.items():
            if what == kind or {what, kind} == {"integers", "integers and doubles"} or {what, kind} == {"large numbers", "integers"}:
                case(f"{op} {kind}: {what}", commit(set_("c/a", {}, [], [make("a", *elements[::-1])])), get("c/a"),
                     setup=[docs({"c/a": {"a": stored}})])
    case(f"{op} every kind", commit(set_("c/a", {}, [], [make(key(i), 7) for i in range(len(STORED))])), get("c/a"),
         setup=[docs({"c/a": START})])
    case(f"{op} an array: no values", commit(set_("c/a", {}, [], [make("a")])), get("c/a"), setup=[docs({"c/a": {"a": [1]}})])
    case(f"{op} an array: a value of no kind", call("commit", {"writes": [{**set_("c/a", {}, []), "updateTransforms": [
        {"fieldPath": "a", "appendMissingElements" if make is append else "removeAllFromArray": {"values": [{}]}}]}]}), get("c/a"))
case("append then remove the same", commit(set_("c/a", {}, [], [append("a", 1, 2), remove("a", 1)])), get("c/a"), setup=[docs({"c/a": {"a": [1]}})])
case("remove then append the same", commit(set_("c/a", {}, [], [remove("a", 1), append("a", 1)])), get("c/a"), setup=[docs({"c/a": {"a": [1, 2]}})])
case("append what is there is no change", get("c/a"), commit(set_("c/a", {}, [], [append("a", 1.0)])), get("c/a"), setup=[docs({"c/a": {"a": [1]}})])
case("remove what is not there is no change", get("c/a"), commit(set_("c/a", {}, [], [remove("a", 2)])), get("c/a"), setup=[docs({"c/a": {"a": [1]}})])
case("maximum of less is no change", get("c/a"), commit(set_("c/a", {}, [], [maximum("n", 0)])), get("c/a"), setup=[docs({"c/a": {"n": 1}})])
case("maximum of an equal double is no change", get("c/a"), commit(set_("c/a", {}, [], [maximum("n", 1.0)])), get("c/a"), setup=[docs({"c/a": {"n": 1}})])

group("transform_paths")
M = [docs({"c/a": {"n": 1, "m": {"x": 1, "y": {"z": 1}}, "d.t": 1, "a b": 1, "s": "x"}})]


def tr(name, *transforms, values=None, mask=[], setup=M, path="c/a", **kw):
    case(name, commit(set_(path, values or {}, mask, list(transforms), **kw)), get(path), setup=setup)


tr("two levels down", increment("m.y.z", 1))
tr("a path that is not there", increment("p.q.r", 1))
tr("a path through a number replaces it", increment("n.x", 1))
tr("a path through a string replaces it", server_time("s.t"))
tr("a path with dots in back-quotes", increment("`d.t`", 1))
tr("a path with a space in back-quotes", increment("`a b`", 1))
tr("a path with a space and none", increment("a b", 1))
tr("a path that begins with a digit", increment("1a", 1))
tr("a path that begins with a digit in back-quotes", increment("`1a`", 1))
tr("a path with an escaped back-quote", increment("`a\\`b`", 1))
tr("a path with an escaped backslash", increment("`a\\\\b`", 1))
tr("a path that ends in a dot", increment("m.", 1))
tr("a path that begins with a dot", increment(".m", 1))
tr("an empty path", increment("", 1))
tr("empty back-quotes", increment("``", 1))
tr("a path with an open back-quote", increment("`a", 1))
tr("a path beyond ASCII", increment("é", 1))
tr("a path beyond ASCII in back-quotes", increment("`é`", 1))
tr("__name__ below a field", increment("m.__name__", 1))
tr("a reserved name below a field", increment("m.__x__", 1))
tr("a path of twenty names", increment(".".join("abcdefghijklmnopqrst"), 1))
tr("a path of twenty-one names", increment(".".join("abcdefghijklmnopqrstu"), 1))
tr("a name of 1500 bytes", increment("${repeat:x:1500}", 1))
tr("a name of 1501 bytes", increment("${repeat:x:1501}", 1))
tr("a field and one below it", increment("m.x", 1), append("m", 1))
tr("a field and one below it, the outer first", append("m", 1), increment("m.x", 1))
tr("a field and one two levels below it", increment("m.y.z", 1), append("m", 1))
tr("a quoted field and one below it", increment("`m`", 1), increment("m.x", 1))
tr("two fields below one", increment("m.x", 1), increment("m.q", 1))
tr("an empty array appended beside a field below", append("m"), increment("m.x", 1))
tr("a transform of a field that the mask deletes", increment("n", 5), mask=["n"])
tr("a transform of a field that the mask sets", increment("n", 5), values={"n": 10}, mask=["n"])
tr("a transform below a field that the mask sets", increment("m.x", 5), values={"m": {"x": 10}}, mask=["m"])
tr("a transform above a field that the mask sets", append("m", 5), values={"m": {"x": 10}}, mask=["m.x"])
tr("a transform of a field given without a mask", increment("n", 5), values={"n": 10}, mask=None)
tr("a transform of a field given but not in the mask", increment("n", 5), values={"n": 10})
tr("the same transform twice", server_time("t"), server_time("t"))
tr("five transforms of one field", increment("n", 1), maximum("n", 10), minimum("n", 5), increment("n", 0.5), append("n", 1))
tr("a transform that makes an array of a map", append("m", 1))
tr("a vector into an array", append("l", vector(1, 2)))
tr("results in the order asked", append("b", 1), increment("n", 1), remove("b", 1), maximum("n", 0), server_time("t"), minimum("z", 3))
case("server time is before the commit's time", commit(set_("c/a", {}, [], [server_time("t")])), get("c/a"))
case("server time in an array is no transform", call("commit", {"writes": [{**set_("c/a", {}, []), "updateTransforms": [
    {"fieldPath": "a[0]", "setToServerValue": "REQUEST_TIME"}]}]}))
case("transforms of two writes of one document", commit(set_("c/a", {}, [], [increment("n", 1)]), set_("c/a", {}, [], [increment("n", 1), increment("k", 1)])),
     get("c/a"), setup=M)
case("a transform after a delete", commit(del_("c/a"), set_("c/a", {}, [], [increment("n", 1)])), get("c/a"), setup=M)
case("a transform before a delete", commit(set_("c/a", {}, [], [increment("n", 1)]), del_("c/a")), get("c/a"), setup=M)
case("a transform before a set", commit(set_("c/a", {}, [], [increment("n", 1)]), set_("c/a", {"k": 1})), get("c/a"), setup=M)
case("a legacy transform of two fields", commit(transform("c/a", increment("n", 1), append("l", 1))), get("c/a"), setup=M)
case("a legacy transform with a mask", call("commit", {"writes": [{**transform("c/a", increment("n", 1)), "updateMask": {"fieldPaths": ["s"]}}]}), get("c/a"), setup=M)
case("a legacy transform with updateTransforms", call("commit", {"writes": [{**transform("c/a", increment("n", 1)), "updateTransforms": [increment("n", 1)]}]}), get("c/a"), setup=M)
case("a legacy transform with exists false", commit(transform("c/b", increment("n", 1), pre=MISSING)), get("c/b"))
case("a legacy transform with exists false of what exists", commit(transform("c/a", increment("n", 1), pre=MISSING)), setup=M)
case("a legacy transform that changes nothing", get("c/a"), commit(transform("c/a", increment("n", 0))), get("c/a"), setup=M)
case("500 transforms of one document", call("commit", {"writes": [{**set_("c/a", {}, []), "updateTransforms": {"$copies": [500, increment("f#", 1)]}}]}))
case("501 transforms of one document", call("commit", {"writes": [{**set_("c/a", {}, []), "updateTransforms": {"$copies": [501, increment("f#", 1)]}}]}))
case("two writes of 300 transforms of one document", call("commit", {"writes": {"$copies": [2, {**set_("c/a", {}, []), "updateTransforms": [
    increment(f"f{i}_#", 1) for i in range(300)]}]}}))

group("masks")
D1 = [docs({"c/a": {"n": 1, "s": "x", "m": {"x": 1, "y": {"z": 1, "w": 2}}, "a": [1, {"x": 1}], "d.t": 1}})]


def mask(name, paths, values=None, path="c/a", setup=D1):
    case(name, commit(set_(path, values or {}, paths)), get(path), setup=setup)


mask("a field twice", ["n", "n"], {"n": 5})
mask("a field and one beside it", ["n", "s"], {"n": 5})
mask("a field of a map keeps the others", ["m.y.z"], {"m": {"y": {"z": 5}}})
mask("a field of a map without its value deletes it", ["m.y.z"], {"m": {"x": 9}})
mask("the last field of a map leaves an empty map", ["m.y.z", "m.y.w"], {})
mask("a map is replaced as a whole", ["m"], {"m": {"q": 1}})
mask("a map replaced by an empty one", ["m"], {"m": {}})
mask("a path through a number", ["n.x"], {"n": {"x": 1}})
mask("a path through a number without a value", ["n.x"], {})
mask("a path through a value that is a number in the update", ["m.x.q"], {"m": {"x": 5}})
mask("a path through a missing field without a value", ["p.q"], {})
mask("a path through a missing field", ["p.q.r"], {"p": {"q": {"r": 1}}})
mask("a path into an array", ["a.x"], {"a": {"x": 1}})
mask("a number in a path", ["a.0"], {"a": [9]})
mask("back-quotes", ["`d.t`"], {"d.t": 5})
mask("back-quotes around a simple name", ["`n`"], {"n": 5})
mask("a simple name twice, once quoted", ["`n`", "n"], {"n": 5})
mask("a field that is in neither", ["zz"], {})
mask("__name__ alone", ["__name__"], {"n": 5})
mask("__name__ below a field", ["m.__name__"], {"m": {"__name__": 5}})
mask("overlapping paths, the inner one without a value", ["m", "m.x"], {"m": {"y": 1}})
mask("overlapping paths, the inner one first and without a value", ["m.x", "m"], {"m": {"y": 1}})
mask("overlapping paths without values", ["m", "m.x"], {})
mask("overlapping paths three deep", ["m.y", "m", "m.y.z"], {"m": {"y": {"z": 9}}})
mask("fields outside the mask are not looked at", ["n"], {"n": 5, "__x__": 1})
mask("fields outside the mask may be of no kind", ["n"], {"n": 5, "q": [[1]]})
mask("a mask of a missing document", ["n"], {"n": 5, "s": "y"}, "c/b")
mask("a mask without values of a missing document", ["n", "m.x"], {}, "c/b")
mask("a nested mask of a missing document", ["m.y.z"], {"m": {"x": 1, "y": {"z": 5, "w": 6}}}, "c/b")
mask("an empty mask of a missing document", [], {"n": 5}, "c/b")
mask("a mask of twenty names", [".".join("abcdefghijklmnopqrst")], {})
mask("a mask of twenty-one names", [".".join("abcdefghijklmnopqrstu")], {})
mask("a mask with a star", ["*"], {"n": 5})
mask("a mask with a slash", ["a/b"], {"n": 5})
mask("a name of 1499 bytes", ["${repeat:x:1499}"], {})
mask("a name of 1500 bytes", ["${repeat:x:1500}"], {})
mask("a name of 1501 bytes", ["${repeat:x:1501}"], {})
mask("a path of two names, 1499 bytes in all", ["${repeat:x:749}.${repeat:y:749}"], {})
mask("a path of two names, 1500 bytes in all", ["${repeat:x:749}.${repeat:y:750}"], {})
mask("a path of two names, 1501 bytes in all", ["${repeat:x:750}.${repeat:y:750}"], {})
mask("a name of 1498 bytes in back-quotes", ["`${repeat:x:1498}`"], {})
case("a mask that sets what is there changes nothing", get("c/a"), commit(set_("c/a", {"m": {"x": 1}}, ["m.x"])), get("c/a"), setup=D1)
case("a mask that deletes what is not there changes nothing", get("c/a"), commit(set_("c/a", {}, ["zz"])), get("c/a"), setup=D1)
case("an integer over an equal double changes", get("c/a"), commit(set_("c/a", {"n": 1.0}, ["n"])), get("c/a"), setup=D1)
case("an empty mask changes nothing", get("c/a"), commit(set_("c/a", {"n": 9}, [])), get("c/a"), setup=D1)
case("a patch with a mask and a mask of the answer", patch("c/a", {"n": 5}, ["n"], {"mask.fieldPaths": "s"}), get("c/a"), setup=D1)
case("a patch that changes nothing answers the old time", get("c/a"), patch("c/a", {"n": 1}, ["n"]), setup=D1)

group("preconditions")
N1 = [docs({"c/a": {"n": 1}})]
STATES = {"a missing document": ("c/b", ()), "an existing document": ("c/a", N1), "a deleted document": ("c/a", [*N1, commit(del_("c/a"))])}
PRE = {"exists true": EXISTS, "exists false": MISSING, "another updateTime": {"updateTime": OLD},
       "a later updateTime": {"updateTime": "2100-01-01T00:00:00Z"}}
KINDS = {"a set": lambda p, c: set_(p, {"k": 1}, pre=c), "a merge": lambda p, c: set_(p, {"k": 1}, ["k"], pre=c),
         "an empty merge": lambda p, c: set_(p, {}, [], pre=c), "a delete": lambda p, c: del_(p, c),
         "a verify": lambda p, c: verify(p, c), "a transform": lambda p, c: set_(p, {}, [], [increment("n", 1)], c)}
for state, (path, setup) in STATES.items():
    for pre, condition in PRE.items():
        case(f"{state}, {pre}", *[step for make in KINDS.values() for step in (commit(make(path, condition)),)], get(path), setup=setup)
case("set, then exists true", commit(set_("c/b", {}), set_("c/b", {"n": 1}, pre=EXISTS)), get("c/b"))
case("set, then exists false", commit(set_("c/b", {}), set_("c/b", {"n": 1}, pre=MISSING)), get("c/b"))
case("delete, then exists true", commit(del_("c/a"), set_("c/a", {"n": 1}, pre=EXISTS)), get("c/a"), setup=N1)
case("delete, then exists false", commit(del_("c/a"), set_("c/a", {"n": 1}, pre=MISSING)), get("c/a"), setup=N1)
case("create, then delete", commit(set_("c/b", {"n": 1}, pre=MISSING), del_("c/b")), get("c/b"))
case("create, then delete with exists true", commit(set_("c/b", {"n": 1}, pre=MISSING), del_("c/b", EXISTS)), get("c/b"))
case("delete with exists true twice", commit(del_("c/a", EXISTS), del_("c/a", EXISTS)), get("c/a"), setup=N1)
case("delete twice", commit(del_("c/a"), del_("c/a")), get("c/a"), setup=N1)
case("delete and set the same again has a new createTime", get("c/a"), commit(del_("c/a"), set_("c/a", {"n": 1})), get("c/a"), setup=N1)
case("set and delete and set", commit(set_("c/a", {"n": 2}), del_("c/a"), set_("c/a", {"n": 3})), get("c/a"), setup=N1)
case("set and set back", get("c/a"), commit(set_("c/a", {"n": 2}), set_("c/a", {"n": 1})), get("c/a"), setup=N1)
case("create and transform", commit(set_("c/b", {"n": 1}, pre=MISSING), set_("c/b", {}, [], [increment("n", 1)], EXISTS)), get("c/b"))
case("the first failing precondition is told", commit(set_("c/x", {}, pre=EXISTS), set_("c/a", {}, pre=MISSING)), setup=N1)
case("an invalid write after a failing precondition", commit(set_("c/x", {}, pre=EXISTS), set_("c/a", {"__x__": 1})), setup=N1)
case("a no-op twice in one commit", get("c/a"), commit(set_("c/a", {"n": 1}), set_("c/a", {"n": 1})), setup=N1)
case("a no-op and then a change of one document", get("c/a"), commit(set_("c/a", {"n": 1}), set_("c/a", {"n": 2})), setup=N1)
case("a change and then a no-op of one document", get("c/a"), commit(set_("c/a", {"n": 2}), set_("c/a", {"n": 2})), get("c/a"), setup=N1)
case("a delete of what is missing beside a set", commit(del_("c/b"), set_("c/a", {"n": 2})), get("c/a"), setup=N1)
case("a patch with exists true of a missing document", patch("c/b", {"n": 1}, params={"currentDocument.exists": "true"}))
case("a delete by URL with exists true of a missing document", delete("c/b", {"currentDocument.exists": "true"}))

# Two writes of one document in one commit: every pair, each on a document of its own.
group("write_pairs")
AT = {"updateTime": "${u}"}
FIRST = {"a set": lambda p: set_(p, {"k": 1}), "a set with exists true": lambda p: set_(p, {"k": 1}, pre=EXISTS),
         "a set with exists false": lambda p: set_(p, {"k": 1}, pre=MISSING), "a set on the version": lambda p: set_(p, {"k": 1}, pre=AT),
         "a delete": lambda p: del_(p), "a delete with exists true": lambda p: del_(p, EXISTS),
         "a delete with exists false": lambda p: del_(p, MISSING), "a delete on the version": lambda p: del_(p, AT),
         "a verify of exists true": lambda p: verify(p, EXISTS), "a verify of exists false": lambda p: verify(p, MISSING),
         "a verify of the version": lambda p: verify(p, AT)}
for first, one in FIRST.items():
    for state, made in (("an existing", True), ("a missing", False)):
        steps, paths = [capture(get("c/d0" if made else "c/there"), u="/updateTime")], [f"c/d{i}" for i in range(len(FIRST))]
        for path, two in zip(paths, FIRST.values()):
            steps.append(commit(one(path), two(path)))
        case(f"{first} of {state} document, then every other", *steps, batch_get(*paths),
             setup=[docs({**{p: {"n": 1} for p in paths if made}, "c/there": {}})])
for what, writes in {
        "insert, update, insert": ("a set with exists false", "a set with exists true", "a set with exists false"),
        "insert, upsert, insert": ("a set with exists false", "a set", "a set with exists false"),
        "upsert, update, insert": ("a set", "a set with exists true", "a set with exists false"),
        "update, upsert, insert": ("a set with exists true", "a set", "a set with exists false"),
        "delete, insert, insert": ("a delete", "a set with exists false", "a set with exists false"),
        "delete, upsert, insert": ("a delete", "a set", "a set with exists false"),
        "delete, upsert, update": ("a delete", "a set", "a set with exists true"),
        "insert, delete, update": ("a set with exists false", "a delete", "a set with exists true"),
        "insert, delete, insert": ("a set with exists false", "a delete", "a set with exists false"),
        "version, upsert, version": ("a set on the version", "a set", "a set on the version"),
        "version, delete, upsert, version": ("a set on the version", "a delete", "a set", "a set on the version"),
        "delete on the version, upsert, version": ("a delete on the version", "a set", "a set on the version"),
        "upsert, verify, upsert": ("a set", "a verify of exists true", "a set")}.items():
    case(what + " of an existing document", capture(get("c/d"), u="/updateTime"), commit(*[FIRST[w]("c/d") for w in writes]), get("c/d"),
         setup=[docs({"c/d": {"n": 1}})])
    case(what + " of a missing document", capture(get("c/there"), u="/updateTime"), commit(*[FIRST[w]("c/d") for w in writes]), get("c/d"),
         setup=[docs({"c/there": {"n": 1}})])
for one, other in ((OLD, "2021-01-01T00:00:00Z"), ("2020-01-01T00:00:00.000001Z", OLD)):
    case(f"a set on {one}, then one on {other}", commit(set_("c/d", {}, pre={"updateTime": one}), set_("c/d", {}, pre={"updateTime": other})))
case("a transform with exists false, then one with exists false",
     commit(set_("c/d", {}, [], [increment("n", 1)], MISSING), set_("c/d", {}, [], [increment("n", 1)], MISSING)))
case("legacy transforms with exists false", commit(transform("c/d", increment("n", 1), pre=MISSING), transform("c/d", increment("n", 1), pre=MISSING)))
case("a conflict of two writes after a precondition that fails", commit(set_("c/x", {}, pre=EXISTS), set_("c/d", {}), set_("c/d", {}, pre=MISSING)))
case("a conflict of two writes before an invalid value", commit(set_("c/d", {}), set_("c/d", {}, pre=MISSING), set_("c/x", {"__x__": 1})))
case("an invalid value before a conflict of two writes", commit(set_("c/x", {"__x__": 1}), set_("c/d", {}), set_("c/d", {}, pre=MISSING)))

group("limit_edges")
case("a field name of 1500 bytes", patch("c/a", {"${repeat:x:1500}": 1}), get("c/a"))
case("a field name of 1501 bytes", patch("c/a", {"${repeat:x:1501}": 1}), get("c/a"))
case("a field name of 1500 bytes in a map", patch("c/a", {"m": {"${repeat:x:1500}": 1}}), get("c/a"))
case("a field name of 1501 bytes in a map", patch("c/a", {"m": {"${repeat:x:1501}": 1}}), get("c/a"))
case("a document id of 1500 bytes", patch("c/${repeat:x:1500}", {}, params={"mask.fieldPaths": "_"}))
case("a document id of 1501 bytes", patch("c/${repeat:x:1501}", {}))
case("a document id of 500 characters of three bytes", commit(set_("c/${repeat:\u20ac:500}", {})))
case("a document id of 501 characters of three bytes", commit(set_("c/${repeat:\u20ac:501}", {})))
case("a collection id of 1500 bytes", patch("${repeat:x:1500}/a", {}, params={"mask.fieldPaths": "_"}))
case("a collection id of 1501 bytes", patch("${repeat:x:1501}/a", {}))
case("a path of 100 pairs", commit(set_("/".join(["c/d"] * 100), {})))
case("a path of 101 pairs", commit(set_("/".join(["c/d"] * 101), {})))
case("a name of more than 6 KiB", commit(set_("/".join(["c/${repeat:x:1400}"] * 5), {})))
case("a string that fills the document", commit(set_("c/a", {"f": "${repeat:x:1048487}"})), commit(set_("c/a", {"f": "${repeat:x:1048420}"})))
case("bytes over 1048487 bytes", commit(set_("c/a", {"f": b"x" * 1048488})))
case("a map and an array in turns, 20 deep", commit({"update": {"name": NAME + "/c/a", "fields": {"f": v(
    {"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [1]}]}]}]}]}]}]}]}]})}}}))
case("a map and an array in turns, 21 deep", commit({"update": {"name": NAME + "/c/a", "fields": {"f": v(
    [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [{"a": [1]}]}]}]}]}]}]}]}]}]}])}}}))
case("a vector of 2048 dimensions", commit(set_("c/a", {"v": vector(*range(2048))})))
case("a vector of 2049 dimensions", commit(set_("c/a", {"v": vector(*range(2049))})))
case("an array of 40000 elements", call("commit", {"writes": [{"update": {"name": NAME + "/c/a", "fields": {"a": {"arrayValue": {
    "values": {"$copies": [40000, {"integerValue": "#"}]}}}}}}]}))
case("an array of 40001 elements", call("commit", {"writes": [{"update": {"name": NAME + "/c/a", "fields": {"a": {"arrayValue": {
    "values": {"$copies": [40001, {"integerValue": "#"}]}}}}}}]}))
case("a batchWrite of a document that is too large beside another", batch_write(set_("c/a", {"f": "${repeat:x:600000}", "g": "${repeat:x:600000}"}),
                                                                                set_("c/b", {})), get("c/b"))
case("a batchWrite of a field name that is too long beside another", batch_write(set_("c/a", {"${repeat:x:1501}": 1}), set_("c/b", {})), get("c/b"))
case("a batchWrite of maps 21 deep beside another", batch_write({"update": {"name": NAME + "/c/a", "fields": {"f": {"$nest": ["map", 21]}}}},
                                                               set_("c/b", {})), get("c/b"))
case("a batchWrite of 500 writes", call("batchWrite", {"writes": {"$copies": [500, del_("c/d#")]}}, headers=OWNER))
case("a batchWrite of 501 writes", call("batchWrite", {"writes": {"$copies": [501, del_("c/d#")]}}, headers=OWNER))

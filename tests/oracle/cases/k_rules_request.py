"""What `request` tells rules beside the documents: the names in masks and transforms, the id that is not known yet; and
queries whose filters find nothing. Line 5 is the first line of the block given.
"""
from caselib import *

group("rules_request")


def block(*lines):
    return ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n    match /c/{id} {\n"
            + "".join(f"      {x}\n" for x in lines) + "    }\n  }\n}\n")


START = [docs({"c/a": {"n": 1, "s": "x", "m": {"x": 1, "y": 2}}, "c/b": {"n": None}, "c/d": {"n": float("nan")}, "c/t": {"n": "\U0001f600"},
               "c/e": {"n": [None, 1]}, "c/f": {"n": "\ue000"}})]


def r(name, rules, *steps):
    case(name, *steps, rules=rules, setup=START)


# ---- writeFields, transforms, autoId ----

FIELDS, TRANSFORMS = "request.writeFields", "request.transforms"


def write(name, condition, *writes):
    r(name, block(f"allow write: if {condition};"), commit(*writes))


write("writeFields without a mask is null", f"{FIELDS} == null && {TRANSFORMS} == null", set_("c/a", {"n": 2}))
write("writeFields is the mask", f"{FIELDS} == ['n']", set_("c/a", {"n": 2}, ["n"]))
write("writeFields of a nested mask", f"{FIELDS}.hasOnly(['m.x', 's']) && {FIELDS}.size() == 2", set_("c/a", {"m": {"x": 2}}, ["m.x", "s"]))
write("writeFields of quoted names", f"{FIELDS}.hasOnly(['m.a-b', 'a\\\\.b']) && {FIELDS}.size() == 2",
      set_("c/a", {"m": {"a-b": 2}, "a.b": 1}, ["m.`a-b`", "`a.b`"]))
write("writeFields of an empty mask is empty", f"{FIELDS} == []", set_("c/a", {}, []))
write("writeFields of a create by mask", f"{FIELDS} == ['n'] && request.method == 'create'", set_("c/x", {"n": 2}, ["n"]))
write("writeFields of transforms", f"{FIELDS} == ['k', 'j'] && {TRANSFORMS} == ['k', 'j']", set_("c/a", {}, [], [increment("k", 1), increment("j", 1)]))
write("writeFields of transforms without a mask", f"{FIELDS} == ['k'] && {TRANSFORMS} == ['k']", set_("c/a", {"n": 2}, None, [increment("k", 1)]))
write("writeFields of transforms and mask", f"{FIELDS} == ['k', 'n'] && {TRANSFORMS} == ['k']", set_("c/a", {"n": 2}, ["n"], [increment("k", 1)]))
write("writeFields of a transform of a quoted name", f"{FIELDS} == ['a.b'] && {TRANSFORMS} == ['a.b']", set_("c/a", {}, [], [increment("`a.b`", 1)]))
write("writeFields of a field twice", f"{FIELDS} == ['k', 'k'] && {TRANSFORMS} == ['k', 'k']", set_("c/a", {}, [], [increment("k", 1), increment("k", 1)]))
write("writeFields of the legacy transform", f"{FIELDS} == ['k'] && {TRANSFORMS} == ['k']", transform("c/a", increment("k", 1)))
write("writeFields of two masks", f"{FIELDS}.size() == 3 && {FIELDS}.hasAll(['n', 's', 'k'])", set_("c/a", {"n": 2}, ["n", "s"]), set_("c/a", {"k": 2}, ["n", "k"]))
write("writeFields of a mask and a replacement is null", f"{FIELDS} == null", set_("c/a", {"n": 2}, ["n"]), set_("c/a", {"n": 2}))
write("writeFields of a replacement and a mask is null", f"{FIELDS} == null", set_("c/a", {"n": 2}), set_("c/a", {"n": 2}, ["n"]))
write("writeFields of a replacement and a transform", f"{FIELDS} == ['k']", set_("c/a", {"n": 2}), transform("c/a", increment("k", 1)))
write("writeFields of a transform and a mask", f"{FIELDS} == ['k', 'n']", transform("c/a", increment("k", 1)), set_("c/a", {"n": 2}, ["n"]))
write("writeFields of a delete is null", f"{FIELDS} == null && {TRANSFORMS} == null", del_("c/a"))
write("writeFields of a delete and a set is null", f"{FIELDS} == null", del_("c/a"), set_("c/a", {"n": 2}))
write("writeFields of two documents are each its own", f"{FIELDS} == [id]", set_("c/a", {"a": 2}, ["a"]), set_("c/b", {"b": 2}, ["b"]))
r("writeFields of a read is not there", block(f"allow get: if {FIELDS} == null;", "allow get: if request.fields == null && !('writeFields' in request);"), get("c/a"))
r("writeFields of a PATCH with a mask", block(f"allow update: if {FIELDS}.hasOnly(['n', 's']) && {FIELDS}.size() == 2;"), patch("c/a", {"n": 2}, ["n", "s"]))
AUTO = "request.autoId == false"
write("autoId of a set is not there", "!('autoId' in request)", set_("c/x", {"n": 1}))
write("autoId of an insert", AUTO, set_("c/x", {"n": 1}, pre={"exists": False}))
write("autoId of an insert by mask and transform", AUTO, set_("c/x", {"n": 1}, ["n"], [increment("k", 1)], pre={"exists": False}))
write("autoId of an insert that is updated", AUTO, set_("c/x", {"n": 1}, pre={"exists": False}), set_("c/x", {"n": 2}, ["n"]))
write("autoId of an update is not there", "!('autoId' in request)", set_("c/a", {"n": 1}, pre={"exists": True}))
for what, condition in {
    "autoId": "request.autoId == true", "no autoId": AUTO, "the wildcard": "id is string", "no use of the wildcard": "request.resource.data.n == 1",
    "request.path is the collection": "request.path == /databases/(default)/documents/c", "request.path[4]": "request.path[4] is string",
    "request.resource.id": "request.resource.id is string && request.resource.id.size() == 20",
    "request.resource.__name__": "request.resource.__name__[4] == request.resource.id", "resource": "resource == null",
    "exists(request.path)": "!exists(request.path)", "getAfter": "getAfter(/databases/$(db)/documents/c/$(request.resource.id)).data.n == 1",
}.items():
    r(f"CreateDocument without an id: {what}", block(f"allow create: if {condition};"), create("c", {"n": 1}))
    r(f"CreateDocument with an id: {what}", block(f"allow create: if {condition};"), create("c", {"n": 1}, id="k"))

# ---- filters that are not what they look like ----

N = "resource.data.n"
NAN = float("nan")
VOID = {"== null": f("n", "==", None), "!= null": f("n", "!=", None), "== NaN": f("n", "==", NAN), "!= NaN": f("n", "!=", NAN), "> null": f("n", ">", None),
        "<= NaN": f("n", "<=", NAN), "in [null]": f("n", "in", [None]), "in [null, 1]": f("n", "in", [None, 1]), "in [NaN]": f("n", "in", [NAN]),
        "not-in [null]": f("n", "not-in", [None]), "not-in [null, 1]": f("n", "not-in", [None, 1]), "not-in [NaN]": f("n", "not-in", [NAN]),
        "not-in [NaN, 1]": f("n", "not-in", [NAN, 1]), "contains null": f("n", "array-contains", None), "contains NaN": f("n", "array-contains", NAN),
        "contains any of null and 1": f("n", "array-contains-any", [None, 1]), "IS_NULL": unary("n", "IS_NULL"), "IS_NAN": unary("n", "IS_NAN"),
        "IS_NOT_NULL": unary("n", "IS_NOT_NULL"), "IS_NOT_NAN": unary("n", "IS_NOT_NAN"),
        "== null and > 1": and_(f("n", "==", None), f("n", ">", 1)), "!= NaN and == 1": and_(f("n", "!=", NAN), f("n", "==", 1))}
for condition in (f"{N} == null", f"{N} != null", f"{N} == true", f"{N} != 1", f"{N} == 1", f"{N} is constraint", f"null in {N}", f"{N} != 0.0 / 0.0", f"!({N} == null)"):
    r(f"filters with null and NaN: {condition}", block(f"allow list: if {condition};"), *[query("c", x) for x in VOID.values()])
for op, value in ((">=", "\ue000"), (">", "\U0001f600"), ("<", "\U0001f600"), ("<", "a\uf8ff")):
    r(f"text in two orders: {op} {value!a}", block(f"allow list: if {N} {op} '{value}';"), *[query("c", f("n", o, v)) for o in (">", ">=", "<", "<=")
                                                                                           for v in ("a", "\U0001f600", "\uf8ff", "a\uf8ff", "\ue000")
                                                                                           if not (o in (">", ">=") and v >= "\ue000" and v < "\U00010000")
                                                                                           and not (o in ("<", "<=") and v >= "\U00010000")])

# ---- names and collection groups ----


def anywhere(condition):
    return f"rules_version = '2';\nservice cloud.firestore {{\n  match /{{any=**}}/{{id}} {{\n    allow list: if {condition};\n  }}\n}}\n"


GROUP = [{"collectionId": "s", "allDescendants": True}]
NAMES = {"a range of names": ("s", f("__name__", ">", ref("s/x")), ""), "names up to one": ("s", f("__name__", "<=", ref("s/x")), ""),
         "all names but one": ("s", f("__name__", "!=", ref("s/x")), ""), "all names but two": ("s", f("__name__", "not-in", [ref("s/x"), ref("s/y")]), ""),
         "a group": (GROUP, None, ""), "a group below a document": (GROUP, None, "a/b"), "a collection below a document": ("s", None, "a/b"),
         "all below a document": ([{"allDescendants": True}], None, "a/b"), "a group and a filter": (GROUP, f("n", "==", 1), "a/b")}
for condition in ("resource.keys().size() == 1", "'__name__' in resource", "resource.__name__ != null", "resource.__name__ == null", "resource.__name__ is constraint",
                  "resource.__name__ != /databases/(default)/documents/s/x", "resource.__name__ != /databases/(default)/documents/s/z", "resource.id != null",
                  "resource.data.n == 1", "request.query.parent == null", "request.query.ancestor == null", "request.query.ancestor[4] == 'b'",
                  "request.query.kind == null", "request.query.keys().size() == 9", "'parent' in request.query"):
    r(f"names and groups: {condition}", anywhere(condition), *[query(c, where, parent=p) for c, where, p in NAMES.values()])

# ---- an insert of what is there: rules see it, and are asked whether it may be created ----

TAKEN = {"exists": False}
for condition in ("resource == null", "resource.data.n == 1", "request.method == 'create' && request.resource.data.n == 5", "request.resource.data.s == 'x'",
                  "exists(request.path)"):
    for what, taken in {"a set": set_("c/a", {"n": 5}, pre=TAKEN), "a mask": set_("c/a", {"n": 5}, ["n"], pre=TAKEN),
                        "a transform": set_("c/a", {"n": 5}, ["n"], [increment("k", 1)], pre=TAKEN)}.items():
        r(f"{what} that inserts what is there: {condition}", block(f"allow create: if {condition};"), commit(taken))
    r(f"CreateDocument of what is there: {condition}", block(f"allow create: if {condition};"), create("c", {"n": 5}, id="a"))
r("an update of what is missing is an update of null", block("allow update: if resource == null && request.resource.data.n == 5;"),
  commit(set_("c/never", {"n": 5}, ["n"], pre={"exists": True})))

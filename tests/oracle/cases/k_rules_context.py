"""What rules are told about a request: documents after masks and transforms, the whole commit, the query; and how much
they may ask and compute. Line 5 is the first line of the block given.
"""
from caselib import *

group("rules_context")


def outer(*lines):
    return ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n"
            + "".join(f"    {x}\n" for x in lines) + "  }\n}\n")


def block(*lines):
    return outer("match /c/{id} {", *[f"  {x}" for x in lines], "}")


def path(rest):
    return "/databases/$(db)/documents/" + rest


START = [docs({"c/a": {"n": 1, "s": "x", "owner": "alice", "m": {"x": 1, "y": 2}, "l": [1, 2]}, "c/b": {"n": 5, "owner": "bob"},
               "u/a": {"n": 1}, "c/a/s/x": {"n": 1}, "c/b/s/x": {"n": 2}})]


def r(name, rules, *steps):
    case(name, *steps, rules=rules, setup=START)


# ---- the document after the write ----

def update(name, condition, *writes):
    r(name, block(f"allow update: if {condition};"), commit(*writes))


AFTER = "request.resource.data"
update("a mask keeps the other fields", f"{AFTER} == {{'n': 2, 's': 'x', 'owner': 'alice', 'm': {{'x': 1, 'y': 2}}, 'l': [1, 2]}}",
       set_("c/a", {"n": 2}, ["n"]))
update("a mask keeps nested fields", f"{AFTER}.m == {{'x': 9, 'y': 2}}", set_("c/a", {"m": {"x": 9}}, ["m.x"]))
update("a mask without the field deletes it", f"!('s' in {AFTER}) && {AFTER}.n == 1", set_("c/a", {}, ["s"]))
update("a mask without the nested field deletes it", f"{AFTER}.m == {{'y': 2}}", set_("c/a", {}, ["m.x"]))
update("without a mask the document is replaced", f"{AFTER} == {{'n': 2}}", set_("c/a", {"n": 2}))
update("an empty mask changes nothing", f"{AFTER} == resource.data", set_("c/a", {"n": 2}, []))
update("increment is applied", f"{AFTER}.n == 3 && {AFTER}.s == 'x'", set_("c/a", {}, [], [increment("n", 2)]))
update("increment of a missing field is its operand", f"{AFTER}.k == 2 && {AFTER}.k is int", set_("c/a", {}, [], [increment("k", 2)]))
update("increment by a double gives a float", f"{AFTER}.n == 1.5 && {AFTER}.n is float", set_("c/a", {}, [], [increment("n", 0.5)]))
update("maximum is applied", f"{AFTER}.n == 7", set_("c/a", {}, [], [maximum("n", 7)]))
update("minimum is applied", f"{AFTER}.n == 0", set_("c/a", {}, [], [minimum("n", 0)]))
update("array union is applied", f"{AFTER}.l == [1, 2, 3]", set_("c/a", {}, [], [append("l", 2, 3)]))
update("array remove is applied", f"{AFTER}.l == [1]", set_("c/a", {}, [], [remove("l", 2)]))
update("two transforms are applied in order", f"{AFTER}.n == 10", set_("c/a", {}, [], [increment("n", 4), maximum("n", 10)]))
update("a transform of a nested field", f"{AFTER}.m == {{'x': 2, 'y': 2}}", set_("c/a", {}, [], [increment("m.x", 1)]))
update("the server's time is request.time", f"{AFTER}.t == request.time && {AFTER}.t is timestamp", set_("c/a", {}, [], [server_time("t")]))
update("the legacy transform is applied", f"{AFTER}.n == 3 && {AFTER}.s == 'x'", transform("c/a", increment("n", 2)))
update("affectedKeys of a transform", f"{AFTER}.diff(resource.data).affectedKeys() == ['n'].toSet()", set_("c/a", {}, [], [increment("n", 1)]))
update("affectedKeys of a transform that changes nothing", f"{AFTER}.diff(resource.data).affectedKeys().size() == 0",
       set_("c/a", {}, [], [increment("n", 0)]))
update("affectedKeys of a nested mask", f"{AFTER}.diff(resource.data).affectedKeys().hasOnly(['m'])", set_("c/a", {"m": {"x": 9}}, ["m.x"]))
r("a create with transforms", block(f"allow create: if {AFTER} == {{'n': 2, 't': request.time}};"),
  commit(set_("c/x", {}, None, [increment("n", 2), server_time("t")])))
r("a create by a mask has the masked fields only", block(f"allow create: if {AFTER} == {{'n': 2}};"), commit(set_("c/x", {"n": 2, "s": "y"}, ["n"])))
r("resource is the document before", block("allow update: if resource.data.n == 1; allow delete: if resource.data.n == 1;"),
  commit(set_("c/a", {"n": 2})), commit(del_("c/a")))
r("request.resource of a delete is null", block("allow delete: if request.resource == null;"), commit(del_("c/a")), commit(del_("c/never")))
r("resource of a create is null", block("allow create: if resource == null;"), commit(set_("c/x", {})))
r("request.resource of a read is not there", block("allow get: if request.resource == null; allow list: if request.resource == null;"),
  get("c/a"), query("c"))

# ---- several writes ----

r("two writes of one document are judged on what they make together", block(f"allow update: if {AFTER}.n == 3;"),
  commit(set_("c/a", {"n": 2}), set_("c/a", {"n": 3})), commit(set_("c/a", {"n": 3}), set_("c/a", {"n": 2})))
r("a mask after a replacement", block(f"allow update: if {AFTER} == {{'n': 2, 's': 'z'}};"), commit(set_("c/a", {"n": 2}), set_("c/a", {"s": "z"}, ["s"])))
r("a transform after an update of one document", block(f"allow update: if {AFTER}.n == 12;"),
  commit(set_("c/a", {"n": 10}), set_("c/a", {}, [], [increment("n", 2)])))
r("resource is the document before all writes", block("allow update: if resource.data.n == 1;"), commit(set_("c/a", {"n": 2}), set_("c/a", {"n": 3})))
CREATE = block("allow create: if true;")
r("create and update is a create", CREATE, commit(set_("c/x", {"n": 1}), set_("c/x", {"n": 2})), commit(set_("c/y", {"n": 1}), set_("c/y", {"m": 2}, ["m"])))
r("delete and set of an existing document is an update", block("allow update: if true;"), commit(del_("c/a"), set_("c/a", {"n": 2})))
r("set and delete of an existing document is a delete", block("allow delete: if true;"), commit(set_("c/a", {"n": 2}), del_("c/a")))
r("one denied write denies the commit", block(f"allow write: if {AFTER}.n > 1;"), commit(set_("c/a", {"n": 2}), set_("c/b", {"n": 1})),
  batch_get("c/a", "c/b", headers=OWNER))
r("a batch of single writes is judged write by write", block(f"allow write: if {AFTER}.n > 1;"), batch_write(set_("c/a", {"n": 2}), set_("c/b", {"n": 1})),
  batch_get("c/a", "c/b", headers=OWNER))
BOTH = outer(f"match /c/{{id}} {{ allow create, update: if getAfter({path('u/$(id)')}).data.n == {AFTER}.n;",
             f"  allow delete: if !existsAfter({path('u/$(id)')}); }}", "match /u/{id} { allow write: if true; }")
r("getAfter sees a later write", BOTH, commit(set_("c/a", {"n": 2}), set_("u/a", {"n": 2})))
r("getAfter sees an earlier write", BOTH, commit(set_("u/a", {"n": 2}), set_("c/a", {"n": 2})))
r("getAfter sees transforms", BOTH, commit(set_("u/a", {}, [], [increment("n", 1)]), set_("c/a", {"n": 2})))
r("getAfter sees masks", BOTH, commit(set_("u/a", {"n": 2}, ["n"]), set_("c/a", {"n": 2})))
r("getAfter sees the last of two writes", BOTH, commit(set_("u/a", {"n": 2}), set_("c/a", {"n": 3}), set_("u/a", {"n": 3})))
r("getAfter of what is not written is the document before", BOTH, commit(set_("c/a", {"n": 1})), commit(set_("c/a", {"n": 2})))
r("getAfter of a document that is created", BOTH, commit(set_("c/k", {"n": 4}), set_("u/k", {"n": 4})))
r("getAfter of a document that is deleted", BOTH, commit(set_("c/a", {"n": 1}), del_("u/a")))
r("existsAfter of a document that is deleted", BOTH, commit(del_("c/a"), del_("u/a")), commit(del_("c/b")))
r("existsAfter of a document that stays", BOTH, commit(del_("c/a")))
U = path("u/$(id)")


def gone(name, condition, *writes):
    """What getAfter says while c/a is written."""
    r(name, outer(f"match /c/{{id}} {{ allow update: if {condition}; }}", "match /u/{id} { allow write: if true; }"), commit(set_("c/a", {"n": 1}), *writes))


gone("getAfter of what the commit deletes is null", f"getAfter({U}) == null", del_("u/a"))
gone("getAfter of what the commit deletes is not there", f"getAfter({U}) != null", del_("u/a"))
gone("getAfter of what the commit made and deleted", f"getAfter({path('u/x')}) == null", set_("u/x", {}), del_("u/x"))
gone("getAfter of what the commit deleted and made", f"getAfter({U}).data.n == 7", del_("u/a"), set_("u/a", {"n": 7}))
gone("getAfter of a missing document that the commit deletes", f"getAfter({path('u/never')}) == null", del_("u/never"))
gone("existsAfter of a missing document that the commit deletes", f"!existsAfter({path('u/never')})", del_("u/never"))
gone("getAfter of a missing document that the commit leaves alone", f"getAfter({path('u/never')}) == null", del_("u/a"))
gone("get of what the commit deletes", f"get({U}).data.n == 1", del_("u/a"))
r("getAfter of the document that is deleted", block("allow delete: if getAfter(request.path) == null;"), commit(del_("c/a")), commit(del_("c/never")))
r("existsAfter of the document that is deleted", block("allow delete: if !existsAfter(request.path) && exists(request.path);"), commit(del_("c/a")))
r("get does not see the commit", block(f"allow update: if get({path('c/b')}).data.n == 5;"), commit(set_("c/a", {"n": 2}), set_("c/b", {"n": 6})))
r("exists does not see the commit", block(f"allow create: if !exists({path('c/y')});"), commit(set_("c/x", {}), set_("c/y", {})))
r("getAfter in a read is get", block(f"allow get: if getAfter({path('c/b')}).data.n == 5 && existsAfter({path('c/b')});"), get("c/a"))
r("getAfter of the document itself", block(f"allow update: if getAfter(request.path).data == {AFTER} && get(request.path).data == resource.data;"),
  commit(set_("c/a", {"n": 2})))
r("a transform of one and the time of another are one time", outer(f"match /c/{{id}} {{ allow write: if getAfter({path('u/a')}).data.t == {AFTER}.t; }}",
                                                             "match /u/{id} { allow write: if true; }"),
  commit(set_("c/a", {}, None, [server_time("t")]), set_("u/a", {}, None, [server_time("t")])))

# ---- how much ----


def lookups(n, start=0):
    return " && ".join(f"!exists({path(f'u/k{i}')})" for i in range(start, start + n))


r("ten documents may be looked up", block(f"allow get: if {lookups(10)};"), get("c/a"))
r("eleven may not", block(f"allow get: if {lookups(11)};"), get("c/a"))
r("a document is counted once", block(f"allow get: if {lookups(10)} && {lookups(10)} && !exists({path('u/k3')});"), get("c/a"))
r("get and exists of a document count once", block(f"allow get: if {lookups(9)} && exists({path('u/a')}) && get({path('u/a')}).data.n == 1;"), get("c/a"))
r("getAfter counts beside get", block(f"allow update: if {lookups(9)} && exists({path('u/a')}) && existsAfter({path('u/a')});"), commit(set_("c/a", {})))
r("the eleventh is an error that is overcome", block(f"allow get: if ({lookups(11)}) || true;"), get("c/a"))
r("all statements of a request share the ten", block(f"allow get: if !({lookups(6)});", f"allow get: if {lookups(5, 6)};"), get("c/a"))
r("ten for each write of two", block(f"allow write: if {lookups(10)};"), commit(set_("c/a", {}), set_("c/b", {})))
EIGHT = " && ".join("!exists(" + path(f"u/$(id + '{i}')") + ")" for i in range(8))
r("twenty for a commit of three", block(f"allow write: if {EIGHT};"), commit(set_("c/a", {}), set_("c/b", {})))
A, OWNPATH = path("u/a"), "request.path"
for name, more in {
    "exists twice": f"exists({A}) && exists({A})", "get twice": f"get({A}).data.n == 1 && get({A}).id == 'a'",
    "exists and then get": f"exists({A}) && get({A}).data.n == 1", "get and then exists": f"get({A}).data.n == 1 && exists({A})",
    "existsAfter and then getAfter": f"existsAfter({A}) && getAfter({A}).data.n == 1",
    "getAfter and then existsAfter": f"getAfter({A}).data.n == 1 && existsAfter({A})",
    "exists and then existsAfter": f"exists({A}) && existsAfter({A})", "get and then getAfter": f"get({A}) == getAfter({A})",
}.items():
    for before in (8, 9):
        r(f"{before} lookups and {name}", block(f"allow read, update: if {lookups(before)} && {more};"), get("c/a"), commit(set_("c/a", {})))
for name, more in {
    "exists": f"exists({OWNPATH})", "get": f"get({OWNPATH}).id == 'a'", "existsAfter": f"existsAfter({OWNPATH})",
    "getAfter": f"getAfter({OWNPATH}).id == 'a'", "all four": f"get({OWNPATH}).id == getAfter({OWNPATH}).id && exists({OWNPATH}) && existsAfter({OWNPATH})",
}.items():
    r(f"ten lookups and {name} of the document that is judged", block(f"allow get, update: if {lookups(10)} && {more};"),
      get("c/a"), commit(set_("c/a", {})))
r("ten lookups and existsAfter of another document of the commit",
  outer(f"match /c/a {{ allow update: if {lookups(10)} && existsAfter({path('c/b')}); }}", "match /c/b { allow update: if true; }"),
  commit(set_("c/a", {}), set_("c/b", {})))
r("lookups of the documents that are judged are not in the twenty", block(f"allow write: if {lookups(10)} && exists(request.path);"),
  commit(set_("c/a", {}), set_("c/b", {})))
r("two writes of ten documents each", block("allow write: if " + " && ".join("!exists(" + path(f"u/$(id + '{i}')") + ")" for i in range(10)) + ";"),
  commit(set_("c/a", {}), set_("c/b", {})), commit(set_("c/a", {}), set_("c/b", {}), del_("c/x")))
r("three writes that look up the same ten", block(f"allow write: if {lookups(10)};"), commit(set_("c/a", {}), set_("c/b", {}), set_("c/x", {})))
r("eight for each of two documents read at once", block(f"allow read: if {EIGHT};"), batch_get("c/a", "c/b"))
r("ten for each of two documents read at once", block(f"allow read: if {lookups(10)};"), batch_get("c/a", "c/b"))
r("three writes of a batch of single writes", block(f"allow write: if {EIGHT};"), batch_write(set_("c/a", {}), set_("c/b", {}), set_("c/x", {})),
  batch_get("c/a", "c/b", "c/x", headers=OWNER))
r("eight for each of two names in a query", block(f"allow list: if {EIGHT};"),
  query("c", f("__name__", "in", [ref("c/a"), ref("c/b")])))
TEN_OF_N = " && ".join("!exists(" + path(f"u/$(string(resource.data.n) + '{i}')") + ")" for i in range(10))
r("ten lookups for each disjunct of a query", block(f"allow list: if {TEN_OF_N};"), query("c", f("n", "in", [1, 2])), query("c", f("n", "in", [1])))
r("an owner looks nothing up", block(f"allow get: if {lookups(11)};"), get("c/a", headers=OWNER))


def expressions(n):
    """A condition of about n expressions: lists of literals cost one each."""
    ones = ", ".join(["1"] * 90)
    parts = [f"[{ones}].size() == 90"] * (n // 94)
    rest = n % 94
    return " && ".join(parts + [f"[{', '.join(['1'] * rest)}].size() == {rest}"])


for count in (850, 900, 910, 915, 920, 925, 930, 940, 950, 960, *range(970, 991), 1010):
    r(f"about {count} expressions", block(f"allow get: if {expressions(count)};"), get("c/a"))
r("expressions are counted over all statements", block(f"allow get: if !({expressions(500)});", f"allow get: if {expressions(600)};"), get("c/a"))
r("expressions are counted for each write", block(f"allow write: if {expressions(600)};"), commit(set_("c/a", {}), set_("c/b", {})))
r("expressions are counted for each document read", block(f"allow read: if {expressions(600)};"), batch_get("c/a", "c/b"))
r("expressions of the disjuncts of a query", block(f"allow list: if {expressions(600)} && resource.data.n > 0;"), query("c", f("n", "in", [1, 2])),
  query("c", f("n", "in", [1, 2, 3])), query("c", f("n", "==", 1)))
r("too many expressions are not overcome", block(f"allow get: if ({expressions(1100)}) || true;"), get("c/a"))
r("too many expressions behind a grant", block("allow get: if true;", f"allow get: if {expressions(1100)};"), get("c/a"))

# ---- queries, as clients send them ----



def asks(name, condition, *filters):
    r(name, block(f"allow list: if {condition};"), *[query("c", x) for x in filters])


N = "resource.data.n"
asks("in is every value", f"{N} in [1, 5]", f("n", "in", [1, 5]), f("n", "in", [1, 6]), f("n", "in", [1]), f("n", "==", 5))
asks("in against a bound", f"{N} >= 1", f("n", "in", [1, 5]), f("n", "in", [0, 5]))
asks("OR is every branch", f"{N} == 1 || resource.data.s == 'x'", or_(f("n", "==", 1), f("s", "==", "x")))
asks("OR of ANDs", f"{N} > 1 && resource.data.s == 'x'", or_(and_(f("n", ">", 1), f("s", "==", "x")), and_(f("n", "==", 7), f("s", "==", "x"))),
     and_(f("s", "==", "x"), or_(f("n", "==", 2), f("n", "==", 3))), and_(f("s", "==", "x"), or_(f("n", "==", 2), f("n", "==", 1))))
asks("array-contains-any is every value", "resource.data.l.hasAny([1, 2])", f("l", "array-contains-any", [1, 2]), f("l", "array-contains-any", [1, 3]),
     f("l", "array-contains", 2))
asks("membership of a list", "1 in resource.data.l", f("l", "array-contains", 1), f("l", "array-contains", 2), f("l", "array-contains-any", [1]))
asks("not-in", f"{N} != 5", f("n", "not-in", [5, 6]), f("n", "not-in", [6]), f("n", "!=", 5), f("n", ">", 5), f("n", "<", 9))
asks("IS_NULL", f"{N} == null", unary("n", "IS_NULL"), unary("n", "IS_NOT_NULL"))
asks("IS_NOT_NULL", f"{N} != null", unary("n", "IS_NULL"), unary("n", "IS_NOT_NULL"), f("n", ">", 1), f("n", "!=", 1))
asks("IS_NAN", f"{N} != {N}", unary("n", "IS_NAN"), unary("n", "IS_NOT_NAN"))
asks("nested fields", "resource.data.m.x == 1 && resource.data.m.y > 1", and_(f("m.x", "==", 1), f("m.y", ">", 1)),
     and_(f("m.x", "==", 1), f("m.y", ">=", 1)), f("m", "==", {"x": 1, "y": 2}))
asks("a quoted field", "resource.data['a.b'] == 1", f("`a.b`", "==", 1), f("a.b", "==", 1))
asks("a range by two filters", f"{N} > 1 && {N} < 9", and_(f("n", ">", 1), f("n", "<", 9)), and_(f("n", ">", 2), f("n", "<", 8)), f("n", ">", 1))
asks("a name", "id == 'a'", f("__name__", "==", ref("c/a")), f("__name__", "==", ref("c/b")), f("__name__", "in", [ref("c/a")]),
     f("__name__", ">=", ref("c/a")))
asks("a name and its real document", f"{N} == 1", f("__name__", "==", ref("c/a")), f("__name__", "==", ref("c/b")), f("__name__", "==", ref("c/never")),
     and_(f("__name__", "==", ref("c/a")), f("n", "==", 9)))
NEVER = f("__name__", "==", ref("c/never"))
for condition in ("resource == null", "resource != null", "resource == null || true", "id == 'never'", "resource.data.n == 1 || id == 'never'", "resource is map",
                  "!(resource == null)", "exists(request.path)"):
    r(f"a name without document: {condition}", block(f"allow list: if {condition};"), query("c", NEVER), query("c", f("__name__", "==", ref("c/a"))))
r("a cursor proves nothing", block(f"allow list: if {N} >= 1;"), query("c", order=["n"], start=at(1)), query("c", f("n", ">=", 1), order=["n"], start=at(3)))
QUERY = block("allow list: if request.query.limit == 2 && request.query.offset == 1 && request.query.orderBy == {'n': 'DESC'};")
DOWN = [{"field": {"fieldPath": "n"}, "direction": "DESCENDING"}]
r("request.query", QUERY, query("c", limit=2, offset=1, order=DOWN), query("c", limit=2, order=DOWN), query("c", limit=2, offset=1, order=["n"]))
r("request.query.kind and parent", outer("match /c/{id}/s/{x} { allow list: if request.query.kind == 's' && request.query.parent[4] == id; }"),
  query("s", parent="c/a"), call("runQuery", {"structuredQuery": structured([{"collectionId": "s", "allDescendants": True}])}))
GROUP = [{"collectionId": "s", "allDescendants": True}]
r("a collection group needs a recursive wildcard", outer("match /c/{id}/s/{x} { allow list: if true; }"), query(GROUP), query("s", parent="c/a"))
r("a collection group with one", outer("match /{p=**}/s/{x} { allow list: if resource.data.n == 1; }"), query(GROUP, f("n", "==", 1)), query(GROUP),
  query("s", f("n", "==", 1), parent="c/a"))
r("a collection group below a document", outer("match /c/{id}/{p=**} { allow list: if true; }"), query(GROUP, parent="c/a"), query(GROUP))
r("the parent's wildcard is bound", outer("match /c/{id}/s/{x} { allow list: if id == 'a'; }"), query("s", parent="c/a"), query("s", parent="c/b"),
  get("c/a/s"), get("c/b/s"))
COUNT = {"aggregations": [{"alias": "n", "count": {}}]}


def count(where=None):
    return call("runAggregationQuery", {"structuredAggregationQuery": {"structuredQuery": structured("c", where), **COUNT}})


r("an aggregation is proved as its query", block("allow list: if resource.data.owner == 'alice';"), count(f("owner", "==", "alice")), count())
r("listing documents proves nothing", block("allow list: if resource.data.owner == 'alice';"), get("c"))
r("listing collections needs an owner", block("allow read: if true;"), call("listCollectionIds", {}), call("listCollectionIds", {}, headers=OWNER))
r("get(...) of a value that the query fixes", block(f"allow list: if get({path('u/$(resource.data.owner)')}).data.n == 1;"),
  query("c", f("owner", "==", "a")), query("c", f("owner", "==", "zz")), query("c", f("owner", ">", "a")))
r("a select proves and hides nothing", block(f"allow list: if {N} == 1;"), query("c", f("n", "==", 1), select=["s"]), query("c", select=["n"]))

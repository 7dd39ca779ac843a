"""ListCollectionIds, and ListDocuments with showMissing."""
from caselib import *

group("collection_ids")
TREE = fixture("collection ids", docs({
    "q/1": {"a": 1}, "q/2": {"a": 2}, "q/1/sub/x": {}, "q/2/sub/y": {}, "q/2/zub/y/deep/z": {}, "e/1": {}, "big/1": {},
    "ghost/g/s/x": {}, "only/a/deep/b/deeper/c": {}, "q/2/zub/y/deep/z/more/m": {},
}))
NAMES_ = fixture("collection ids order", docs({p + "/1": {} for p in (
    "B", "a", "_", "\u00e9", "1", "10", "9", "\U0001f600", "\ufb01", "a-b", "ab", "A", "a b", "~", "Z:x", "aa")}))
MANY = fixture("collection ids many", docs({f"c{i:03d}/d": {} for i in range(320)}))
RULES = """rules_version = '2';
service cloud.firestore {
  match /databases/{db}/documents {
    match /{document=**} {
      allow read, write: if true;
    }
  }
}
"""
USER = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."}


def ids(name, body, parent="", headers=OWNER, uses=TREE, **kw):
    case(name, call("listCollectionIds", body, parent, headers), uses=uses, **kw)


ids("of the root", {})
ids("of a document", {}, "q/2")
ids("of a document that has one", {}, "q/1")
ids("of a missing document", {}, "q/9")
ids("of a missing document that has some", {}, "ghost/g")
ids("of a document without children", {}, "e/1")
ids("of a document below a missing one", {}, "q/2/zub/y")
ids("of a document of a missing collection", {}, "never/x")
ids("where only the grandchildren exist", {}, "only/a")
ids("where only the children of missing documents exist", {}, "only/a/deep/b")
ids("sorted by their bytes", {}, uses=NAMES_)
ids("sorted, three of them", {"pageSize": 3}, uses=NAMES_)
ids("the default page", {}, uses=MANY)
ids("pageSize 0 is the default", {"pageSize": 0}, uses=MANY)
ids("a large pageSize", {"pageSize": 1000}, uses=MANY)
ids("pageSize 301", {"pageSize": 301}, uses=MANY)
ids("pageSize 2", {"pageSize": 2})
ids("page_size in snake case", {"page_size": 2})
ids("pageSize as text", {"pageSize": "2"})
ids("pageSize that is exactly all", {"pageSize": 5})
ids("pageSize one more than all", {"pageSize": 6})
ids("pageSize one less than all", {"pageSize": 4})
ids("pageSize 1 of one", {"pageSize": 1}, "q/1")
ids("a negative pageSize", {"pageSize": -1})
ids("pageSize that is no number", {"pageSize": "x"})
ids("pageSize beyond 32 bits", {"pageSize": 3000000000})
ids("a bad pageToken", {"pageToken": "zzzz"})
ids("a pageToken that is no base64", {"pageToken": "***"})
ids("an empty pageToken", {"pageToken": ""})
ids("of a collection", {}, "q")
ids("of a collection below a document", {}, "q/2/sub")
ids("of a reserved document id", {}, "q/__x__")
ids("of a document in a reserved collection", {}, "__c__/x")
ids("of a numeric id", {}, "q/__id7__")
ids("of a document id with a dot", {}, "q/%2E%2E")
ids("an unknown key", {"page": 1})
ids("a list for a body", [])
ids("the parent in the body too", {"parent": NAME})
ids("a readTime in the future", {"readTime": "2999-01-01T00:00:00Z"})
ids("a readTime long ago", {"readTime": "2001-01-01T00:00:00Z"})
ids("a readTime before 1970", {"readTime": "1960-01-01T00:00:00Z"})
ids("a readTime that is no time", {"readTime": "yesterday"})
ids("a transaction is not taken", {"transaction": "AAAA"})
ids("without a token under the open ruleset", {}, headers=None)
ids("as a user under the open ruleset", {}, headers=USER)
ids("of a bad parent without a token", {}, "q", headers=None)
ids("a negative pageSize without a token", {"pageSize": -1}, headers=None)
case("without a token under open rules of one's own", call("listCollectionIds", {}), rules=RULES, setup=[docs({"c/a": {}})])
case("of an empty database", call("listCollectionIds", {}, headers=OWNER))
case("an empty body", raw("POST", D + ":listCollectionIds", "", OWNER), uses=TREE)
case("no body", raw("POST", D + ":listCollectionIds", None, OWNER), uses=TREE)
case("GET is not found", raw("GET", D + ":listCollectionIds", None, OWNER), uses=TREE)
case("of the database without documents is not found", raw("POST", DB + ":listCollectionIds", {}, OWNER), uses=TREE)
case("parameters in the URL do not count", raw("POST", D + ":listCollectionIds", {}, OWNER, {"pageSize": 1}), uses=TREE)
case("of another database", raw("POST", D.replace("(default)", "db-2") + ":listCollectionIds", {}, OWNER), uses=TREE)
case("with a percent-encoded parent", raw("POST", D + "/q%2F2:listCollectionIds", {}, OWNER), uses=TREE)


def page(body, parent="", keep=True):
    step = call("listCollectionIds", body, parent, OWNER)
    return capture(step, t="/nextPageToken") if keep else step


TOKEN = {"pageToken": "${t}"}
case("page by page", page({"pageSize": 2}), page({"pageSize": 2, **TOKEN}), page({"pageSize": 2, **TOKEN}, keep=False), uses=TREE)
case("one by one to the end", *[page({"pageSize": 1, **(TOKEN if i else {})}, "q/2") for i in range(2)],
     page({"pageSize": 1, **TOKEN}, "q/2", keep=False), uses=TREE)
case("a token with another page size", page({"pageSize": 1}), page({"pageSize": 3, **TOKEN}), uses=TREE)
case("a token without a page size", page({"pageSize": 1}), page(TOKEN, keep=False), uses=TREE)
case("a token after three hundred", page({"pageSize": 300}), page(TOKEN, keep=False), uses=MANY)
case("a token of another parent", page({"pageSize": 1}), page({"pageSize": 1, **TOKEN}, "q/2", keep=False), uses=TREE)
case("a token whose collection is gone", page({"pageSize": 1}), delete("a/1", headers=OWNER), page({"pageSize": 1, **TOKEN}, keep=False),
     setup=[docs({"a/1": {}, "b/1": {}})])
case("a collection that came before the token", page({"pageSize": 1}), create("a", {}, "1", headers=OWNER),
     page({"pageSize": 3, **TOKEN}, keep=False), setup=[docs({"b/1": {}, "c/1": {}})])
case("a collection vanishes with its last document", delete("a/1", headers=OWNER), call("listCollectionIds", {}, headers=OWNER),
     setup=[docs({"a/1": {}, "b/1": {}})])
case("a collection stays while a document below one of its missing documents does", delete("a/1", headers=OWNER),
     call("listCollectionIds", {}, headers=OWNER), call("listCollectionIds", {}, "a/1", headers=OWNER),
     delete("a/1/s/x", headers=OWNER), call("listCollectionIds", {}, headers=OWNER), setup=[docs({"a/1": {}, "a/1/s/x": {}})])
case("at a readTime", capture(commit(set_("a/1", {}), headers=OWNER), r="/commitTime"), commit(set_("b/1", {}), del_("a/1"), headers=OWNER),
     call("listCollectionIds", {"readTime": "${r}"}, headers=OWNER), call("listCollectionIds", {}, headers=OWNER))
case("of a document at a readTime", capture(commit(set_("a/1/s/x", {}), headers=OWNER), r="/commitTime"),
     commit(set_("a/1/t/x", {}), headers=OWNER), call("listCollectionIds", {"readTime": "${r}"}, "a/1", OWNER),
     call("listCollectionIds", {}, "a/1", OWNER))
case("pages at a readTime", capture(commit(set_("a/1", {}), set_("b/1", {}), headers=OWNER), r="/commitTime"),
     commit(set_("aa/1", {}), del_("b/1"), headers=OWNER),
     capture(call("listCollectionIds", {"readTime": "${r}", "pageSize": 1}, headers=OWNER), t="/nextPageToken"),
     call("listCollectionIds", {"readTime": "${r}", "pageSize": 1, **TOKEN}, headers=OWNER))

group("show_missing")
HOLES = fixture("show missing", docs({
    "m/real": {"n": 1, "k": {"x": 1, "y": 2}}, "m/ghost/s/x": {"n": 1}, "m/zz/s/x/t/y": {"n": 1}, "m/both": {"n": 2}, "m/both/s/x": {},
    "m/__id9__/s/x": {}, "m/__id10__": {"n": 3}, "n/1/o/2/p/3": {}, "n/1/o/4": {"n": 4}, "full/a": {}, "full/b": {},
}))
WIDE = fixture("show missing wide", docs({f"big/{i:03d}/s/x": {} for i in range(160)}))
SHOW = {"showMissing": "true"}


def lst(name, path, params=(), headers=OWNER, **kw):
    case(name, get(path, {**SHOW, **dict(params)}, headers), uses=HOLES, **kw)


lst("documents that have only children", "m")
lst("a subcollection whose documents are missing", "n/1/o")
lst("a collection of missing documents alone", "n")
lst("a collection without missing documents", "full")
lst("an empty collection", "never")
lst("a collection below a missing document", "m/ghost/s")
lst("a mask", "m", {"mask.fieldPaths": "n"})
lst("a mask of a nested field", "m", {"mask.fieldPaths": "k.x"})
lst("a mask of nothing as the console asks", "m", {"mask.fieldPaths": "_none_"})
lst("a bad mask", "m", {"mask.fieldPaths": "a..b"})
lst("a mask of __none__", "m", {"mask.fieldPaths": "__none__"})
lst("pageSize 2", "m", {"pageSize": 2})
lst("pageSize as many as there are", "m", {"pageSize": 6})
lst("a large pageSize", "m", {"pageSize": 300})
lst("a negative pageSize", "m", {"pageSize": -1})
case("the default page is 30", get("big", SHOW, OWNER), uses=WIDE)
case("a page is at most 150", get("big", {"pageSize": 300, **SHOW}, OWNER), uses=WIDE)
case("a negative pageSize of many", get("big", {"pageSize": -5, **SHOW}, OWNER), uses=WIDE)
lst("a bad pageToken", "m", {"pageToken": "zzzz"})
lst("an order", "m", {"orderBy": "n"})
lst("an order by name", "m", {"orderBy": "__name__"})
lst("an empty order", "m", {"orderBy": ""})
lst("a bad order", "m", {"orderBy": "a sideways"})
lst("a reserved collection", "__c__")
lst("without a token", "m", headers=None)
lst("as a user", "m", headers=USER)
lst("an order without a token", "m", {"orderBy": "n"}, headers=None)
lst("a negative pageSize without a token", "m", {"pageSize": -1}, headers=None)
lst("a bad mask without a token", "m", {"mask.fieldPaths": "a..b"}, headers=None)
case("show missing as 1", get("m", {"showMissing": "1"}, OWNER), uses=HOLES)
case("show missing as tRUE", get("m", {"showMissing": "tRUE"}, OWNER), uses=HOLES)
case("show missing twice", get("m", [("showMissing", "true"), ("showMissing", "true")], OWNER), uses=HOLES)
case("show missing as True", get("m", {"showMissing": "True"}, OWNER), uses=HOLES)
case("pages", *[capture(get("m", {"pageSize": 2, **SHOW, **({"pageToken": "${t:url}"} if i else {})}, OWNER), t="/nextPageToken") for i in range(3)],
     get("m", {"pageSize": 2, **SHOW, "pageToken": "${t:url}"}, OWNER), uses=HOLES)
case("a token of a list without missing documents", capture(get("m", {"pageSize": 1}, OWNER), t="/nextPageToken"),
     get("m", {"pageSize": 9, **SHOW, "pageToken": "${t:url}"}, OWNER), uses=HOLES)
case("a token for a list without missing documents", capture(get("m", {"pageSize": 1, **SHOW}, OWNER), t="/nextPageToken"),
     get("m", {"pageSize": 9, "pageToken": "${t:url}"}, OWNER), uses=HOLES)
case("a deleted document with children is missing", delete("m/a", headers=OWNER), get("m", SHOW, OWNER), delete("m/a/s/x", headers=OWNER),
     get("m", SHOW, OWNER), setup=[docs({"m/a": {"n": 1}, "m/a/s/x": {}})])
case("a missing document that is created", create("m", {"n": 1}, "a", headers=OWNER), get("m", SHOW, OWNER), setup=[docs({"m/a/s/x": {}})])

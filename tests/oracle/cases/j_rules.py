"""Decisions of security rules over REST, and the words of a denial. Line 5 is the first line of the block given."""
import base64
import json

from caselib import *

group("rules")


def block(*lines):
    return ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n    match /c/{id} {\n"
            + "".join(f"      {x}\n" for x in lines) + "    }\n  }\n}\n")


def outer(*lines):
    """Lines from line 4, at the level of match /databases/{db}/documents."""
    return ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n"
            + "".join(f"    {x}\n" for x in lines) + "  }\n}\n")


def user(uid="alice", **claims):
    def b64(x):
        return base64.urlsafe_b64encode(json.dumps(x, separators=(",", ":")).encode()).decode().rstrip("=")
    return {"Authorization": f"Bearer {b64({'alg': 'none', 'type': 'JWT'})}.{b64({'sub': uid, **claims})}."}


A = [docs({"c/a": {"n": 1, "s": "x", "owner": "alice", "m": {"x": 1}, "l": [1, 2]}, "c/b": {"n": 5, "owner": "bob"}})]


def r(name, rules, *steps, setup=A, **kw):
    case(name, *steps, rules=rules, setup=setup, **kw)


READ_TRUE, READ_FALSE = block("allow read: if true;"), block("allow read: if false;")
r("read allows get", READ_TRUE, get("c/a"))
r("read allows list", READ_TRUE, get("c"))
r("read allows a query", READ_TRUE, query("c"))
r("read allows batchGet", READ_TRUE, batch_get("c/a", "c/never"))
r("read does not allow create", READ_TRUE, create("c", {"n": 1}, "x"), batch_get("c/x"))
r("read does not allow delete", READ_TRUE, delete("c/a"), get("c/a"))
r("get alone does not allow list", block("allow get: if true;"), get("c/a"), get("c"))
r("list alone does not allow get", block("allow list: if true;"), get("c/a"), get("c"))
r("false denies get", READ_FALSE, get("c/a"))
r("false denies list", READ_FALSE, get("c"))
r("false denies a query", READ_FALSE, query("c"))
r("false denies batchGet as a whole", READ_FALSE, batch_get("c/a", "c/b"))
r("false denies a missing document", READ_FALSE, get("c/never"))
r("an allowed get of a missing document is not found", READ_TRUE, get("c/never"))
r("another collection matches nothing", READ_TRUE, get("d/a"))
r("another collection matches nothing in a list", READ_TRUE, get("d"))
r("another collection matches nothing in a write", READ_TRUE, patch("d/a", {"n": 1}))
r("a subcollection is not covered", READ_TRUE, get("c/a/s/x"))
r("no owner token is needed with true", block("allow read, write: if true;"), patch("c/x", {"n": 1}), delete("c/x"))
r("the owner passes everything", READ_FALSE, get("c/a", headers=OWNER), query("c", headers=OWNER),
  commit(set_("c/x", {}), headers=OWNER))
r("no statement for the method", block("allow delete: if false;"), get("c/a"), patch("c/a", {}))
WRITE_FALSE = block("allow read: if true;", "allow write: if false;")
r("write false denies create", WRITE_FALSE, create("c", {"n": 1}, "x"))
r("write false denies a create without an id", WRITE_FALSE, create("c", {"n": 1}))
r("write false denies update", WRITE_FALSE, patch("c/a", {"n": 1}))
r("write false denies an upsert of a missing document", WRITE_FALSE, patch("c/x", {"n": 1}))
r("write false denies a commit update with exists true", WRITE_FALSE, commit(set_("c/a", {"n": 2}, pre=EXISTS)))
r("write false denies a commit with exists false", WRITE_FALSE, commit(set_("c/x", {"n": 2}, pre=MISSING)))
r("write false denies delete", WRITE_FALSE, delete("c/a"))
r("write false denies a commit delete", WRITE_FALSE, commit(del_("c/a")))
r("write false denies a transform", WRITE_FALSE, commit(set_("c/a", {}, [], [increment("n", 1)])))
r("write false denies the legacy transform", WRITE_FALSE, commit(transform("c/a", increment("n", 1))))
r("write false allows an empty commit", WRITE_FALSE, commit())
r("write false and verify", WRITE_FALSE, commit(verify("c/a", EXISTS)))
r("write false and a write that changes nothing", WRITE_FALSE, commit(set_("c/a", {"n": 1}, ["n"])))
r("write false denies before a failing precondition", WRITE_FALSE, commit(set_("c/x", {"n": 1}, pre=EXISTS)))
r("write false denies before a duplicate", WRITE_FALSE, create("c", {"n": 1}, "a"))
CREATE = block("allow create: if true;", "allow update, delete: if false;")
r("create only allows a create", CREATE, create("c", {"n": 1}, "x"))
r("create only allows an upsert of a missing document", CREATE, patch("c/x", {"n": 1}))
r("create only denies an update", CREATE, patch("c/a", {"n": 2}))
r("create only denies a delete", CREATE, delete("c/a"))
r("create only denies a delete of a missing document", CREATE, delete("c/never"))
r("create only and a second create is a duplicate", CREATE, create("c", {"n": 1}, "a"))
r("create only denies a batch with one update", CREATE, commit(set_("c/x", {"n": 1}), set_("c/a", {"n": 2})), batch_get("c/x", headers=OWNER))
r("create only denies set twice in one commit", CREATE, commit(set_("c/x", {"n": 1}), set_("c/x", {"n": 2})), batch_get("c/x", headers=OWNER))
r("create only denies create and delete in one commit", CREATE, commit(set_("c/x", {"n": 1}), del_("c/x")), batch_get("c/x", headers=OWNER))
UPDATE = block("allow update: if true;")
r("update only denies a create", UPDATE, create("c", {"n": 1}, "x"))
r("update only denies an upsert of a missing document", UPDATE, patch("c/x", {"n": 1}))
r("update only allows an update", UPDATE, patch("c/a", {"n": 2}))
r("update only and a missing document with exists true", UPDATE, patch("c/x", {"n": 1}, params={"currentDocument.exists": "true"}))
r("two statements are both named", block("allow read: if false;", "allow get: if 1 == 2;"), get("c/a"))
r("one statement of two suffices", block("allow read: if false;", "allow get: if 1 == 1;"), get("c/a"))
r("two match blocks are both named", outer("match /c/{id} { allow read: if false; }", "match /{x=**} { allow read: if 1 > 2; }"), get("c/a"))
r("a broad grant is not taken back", outer("match /c/{id} { allow read: if false; }", "match /{x=**} { allow read: if true; }"), get("c/a"))
r("a recursive wildcard covers subcollections", outer("match /c/{id=**} { allow read: if true; }"), get("c/a/s/x"), get("d/a"))
r("a wildcard is bound to the id", block("allow get: if id == 'a';"), get("c/a"), get("c/b"))
r("a recursive wildcard is a path", outer("match /c/{id=**} { allow get: if id == /a/s/x; }"), get("c/a/s/x"), get("c/a"))
r("the database wildcard", block("allow get: if db == '(default)';"), get("c/a"))
r("nested match blocks", outer("match /c/{id} {", "  match /s/{sid} {", "    allow get: if id == 'a' && sid == 'x';", "  }", "}"),
  get("c/a/s/x"), get("c/b/s/x"))
r("a literal segment", outer("match /c/a { allow get: if true; }"), get("c/a"), get("c/b"))
OWN = block("allow read: if resource.data.owner == request.auth.uid;")
r("the stored document decides a get", OWN, get("c/a", headers=user()), get("c/b", headers=user()))
r("the stored document of a missing document is null", OWN, get("c/never", headers=user()))
r("the stored document and nobody", OWN, get("c/a"))
r("batchGet is denied as a whole by one document", OWN, batch_get("c/a", "c/b", headers=user()))
r("a query is proved by its equality", OWN, query("c", f("owner", "==", "alice"), headers=user()))
r("a query with another value is denied", OWN, query("c", f("owner", "==", "bob"), headers=user()))
r("a query without a constraint is denied", OWN, query("c", headers=user()))
r("a list without a constraint is denied", OWN, get("c", headers=user()))
r("a query proved by an AND", OWN, query("c", and_(f("n", "==", 1), f("owner", "==", "alice")), headers=user()))
r("resource == null on a missing document", block("allow get: if resource == null;"), get("c/never"), get("c/a"))
r("a missing property", block("allow get: if resource.data.never == 1;"), get("c/a"))
r("a missing property on a write", block("allow write: if request.resource.data.never == 1;"), patch("c/a", {"n": 2}))
r("a missing property on a create", block("allow create: if request.resource.data.never == 1;"), create("c", {"n": 2}, "x"))
r("'in' guards a missing property", block("allow get: if 'n' in resource.data && resource.data.n == 1;"), get("c/a"))
r("get with a default", block("allow get: if resource.data.get('never', 7) == 7;"), get("c/a"))
r("an error on one side of || is overcome", block("allow get: if resource.data.never == 1 || true;"), get("c/a"))
r("an error on one side of || with false", block("allow get: if resource.data.never == 1 || false;"), get("c/a"))
r("false && error is false", block("allow get: if false && resource.data.never == 1;"), get("c/a"))
r("a comparison of types that do not compare", block("allow get: if resource.data.s > 5;"), get("c/a"))
r("an addition of types that do not add", block("allow get: if resource.data.s + 1 == 2;"), get("c/a"))
r("a division by zero", block("allow get: if 1 / 0 == 1;"), get("c/a"))
r("a condition that is a string", block("allow get: if resource.data.s;"), get("c/a"))
r("an unknown variable", block("allow get: if nope;"), get("c/a"))
r("an unknown function", block("allow get: if nope();"), get("c/a"))
r("an index outside a list", block("allow get: if resource.data.l[5] == 1;"), get("c/a"))
r("a member of a number", block("allow get: if resource.data.n.x == 1;"), get("c/a"))
r("a function", outer("function own() { return resource.data.owner == request.auth.uid; }", "match /c/{id} { allow get: if own(); }"),
  get("c/a", headers=user()), get("c/b", headers=user()))
r("a function with an argument and let", outer("function f(a) { let b = a + 1; return b == 2; }", "match /c/{id} { allow get: if f(resource.data.n); }"),
  get("c/a"), get("c/b"))
r("exists of an existing document", block("allow get: if exists(/databases/$(db)/documents/c/b);"), get("c/a"))
r("exists of a missing document", block("allow get: if exists(/databases/$(db)/documents/c/never);"), get("c/a"))
r("get of an existing document", block("allow get: if get(/databases/$(db)/documents/c/b).data.n == 5;"), get("c/a"))
r("get of a missing document", block("allow get: if get(/databases/$(db)/documents/c/never).data.n == 5;"), get("c/a"))
r("getAfter sees the commit", block("allow write: if getAfter(/databases/$(db)/documents/c/b).data.n == 6;"),
  commit(set_("c/a", {"n": 2}), set_("c/b", {"n": 6})), commit(set_("c/a", {"n": 3})))
r("getAfter of a document the commit does not touch", block("allow write: if getAfter(/databases/$(db)/documents/c/b).data.n == 5;"),
  commit(set_("c/a", {"n": 2})))
r("existsAfter of a document deleted in the commit", block("allow write: if existsAfter(/databases/$(db)/documents/c/b);"),
  commit(set_("c/a", {"n": 2})), commit(set_("c/a", {"n": 3}), del_("c/b")))
AUDIT = block("allow create: if request.resource.data.keys().hasAll(['timestamp','request_id','status_code'])",
              "  && request.resource.data.timestamp is timestamp && request.resource.data.status_code is int;",
              "allow update, delete: if false;")
GOOD = {"timestamp": ts("2020-01-01T00:00:00Z"), "request_id": "r", "status_code": 200}
r("a complete log entry", AUDIT, create("c", GOOD, "x"))
r("a log entry that lacks a field", AUDIT, create("c", {k: x for k, x in GOOD.items() if k != "status_code"}, "x"))
r("a log entry with a field of another type", AUDIT, create("c", {**GOOD, "status_code": "200"}, "x"))
r("a log entry cannot be updated", AUDIT, patch("c/a", GOOD))
r("a log entry cannot be deleted", AUDIT, delete("c/a"))
r("hasOnly", block("allow create: if request.resource.data.keys().hasOnly(['n']);"), create("c", {"n": 1}, "x"), create("c", {"n": 1, "z": 1}, "y"))
r("affectedKeys", block("allow update: if request.resource.data.diff(resource.data).affectedKeys().hasOnly(['n']);"),
  patch("c/a", {"n": 2}, ["n"]), patch("c/a", {"s": "z"}, ["s"]))
r("request.resource has the merged document", block("allow update: if request.resource.data.s == 'x';"), patch("c/a", {"n": 2}, ["n"]))
r("request.resource has the transformed value", block("allow update: if request.resource.data.n == 2;"),
  commit(set_("c/a", {}, [], [increment("n", 1)])))
r("a server time equals request.time", block("allow update: if request.resource.data.t == request.time;"),
  commit(set_("c/a", {}, [], [server_time("t")])), commit(set_("c/a", {"t": ts("2020-01-01T00:00:00Z")}, ["t"])))
r("request.method names the method", block("allow read: if request.method == 'get';", "allow write: if request.method == 'create';"),
  get("c/a"), get("c"), create("c", {}, "x"), patch("c/a", {"n": 2}), delete("c/a"))
r("request.path", block("allow get: if request.path == /databases/$(db)/documents/c/a;"), get("c/a"), get("c/b"))
r("resource.id", block("allow get: if resource.id == 'a';"), get("c/a"), get("c/b"))
r("resource.__name__", block("allow get: if resource.__name__ == /databases/$(db)/documents/c/a;"), get("c/a"))
r("a limit in the query", block("allow list: if request.query.limit <= 10;"), query("c", limit=10), query("c", limit=11), query("c"))
r("a pageSize in a list", block("allow list: if request.query.limit <= 10;"), get("c", {"pageSize": 5}), get("c"))
r("an order in the query", block("allow list: if request.query.orderBy == 'n asc';"), query("c", order=["n"]))
r("a range proves a range", block("allow list: if resource.data.n > 1;"), query("c", f("n", ">", 3)), query("c", f("n", ">", 0)))
r("a transaction does not help", READ_FALSE, capture(call("beginTransaction", {}), tx="/transaction"), batch_get("c/a", transaction="${tx}"),
  call("rollback", {"transaction": "${tx}"}))
r("a denied commit in a transaction", CREATE, capture(call("beginTransaction", {}), tx="/transaction"),
  commit(set_("c/a", {"n": 2}), transaction="${tx}"), call("rollback", {"transaction": "${tx}"}))
r("a bad request is bad before rules are asked", READ_FALSE, batch_get("c/a", mask={"fieldPaths": ["a..b"]}))
r("a bad name is bad before rules are asked", READ_FALSE, commit({"delete": "bad"}))
r("an empty write is bad before rules are asked", READ_FALSE, commit({}))
r("a reserved id is bad before rules are asked", READ_FALSE, get("c/__x__"))
r("a bad query is bad before rules are asked", READ_FALSE, query("c", limit=-1))
r("a reserved field is bad before rules are asked", READ_FALSE, patch("c/a", {"__x__": 1}))
r("a mask does not change the decision", block("allow get: if resource.data.owner == 'alice';"), get("c/a", {"mask.fieldPaths": "n"}))
r("rules of version 1: a recursive wildcard needs a segment", outer("match /c/{id}/{x=**} { allow get: if true; }").replace("'2'", "'1'"),
  get("c/a"), get("c/a/s/x"))
r("rules of version 2: a recursive wildcard may be empty", outer("match /c/{id}/{x=**} { allow get: if true; }"), get("c/a"), get("c/a/s/x"))
r("a new ruleset decides the next request", READ_FALSE, get("c/a"), rules_request(READ_TRUE), get("c/a"))
r("a string condition that matches", block("allow get: if resource.data.s.matches('x+') && resource.data.s.size() == 1;"), get("c/a"))
r("a role claim on a write", block("allow write: if request.auth.token.source == 'svc';"), patch("c/a", {"n": 2}, headers=user(source="svc")),
  patch("c/a", {"n": 3}, headers=user(source="web")))
r("an aggregation is a list", READ_FALSE, call("runAggregationQuery", {"structuredAggregationQuery": {
    "structuredQuery": structured("c"), "aggregations": [{"alias": "n", "count": {}}]}}))

"""Rulesets and requests that record_verdicts.py asks about, in plain notation.

A ruleset: (name, text, {path: fields}, requests). A request: (auth, operation, path, data) with auth None or claims,
operation one of get, list, create, update, delete, or "commit" with a list of (operation, path, data). Values of
documents are Python's: str, int, float, bool, None, list, dict; T("2024-01-01T00:00:00Z") a timestamp, NOW the
server's time, R("c/d") a reference.
"""


class T(str):
    pass


class R(str):
    pass


NOW = object()


def wrap(body, version="2"):
    return (f"rules_version = '{version}';\n" if version else "") + \
        "service cloud.firestore {\n  match /databases/{database}/documents {\n" + body + "  }\n}\n"


ALICE = {"sub": "alice", "role": "writer"}
BOB = {"sub": "bob"}
AUDITOR = {"sub": "ada", "role": "auditor"}
MONITOR = {"sub": "mo", "role": "monitor"}
SERVICE = {"sub": "svc", "source": "fastapi_service"}
ADMIN = {"sub": "root", "admin": True}

ENTRY = {"timestamp": T("2024-01-01T00:00:00Z"), "request_id": "r1", "user_id": "u1", "endpoint": "/items/1",
         "method": "GET", "status_code": 200, "firestore_path": "items/1"}


def without(fields, *names):
    return {k: v for k, v in fields.items() if k not in names}


REQUIRED = "['timestamp', 'request_id', 'user_id', 'endpoint', 'method', 'status_code', 'firestore_path']"
TYPES = """request.resource.data.timestamp is timestamp
          && request.resource.data.request_id is string
          && request.resource.data.user_id is string
          && request.resource.data.endpoint is string
          && request.resource.data.method is string
          && request.resource.data.status_code is int
          && request.resource.data.firestore_path is string"""

AS_PUBLISHED = wrap(f"""    match /api_audit_logs/{{logId}} {{
      allow read: if request.auth != null
        && request.auth.token.role in ['auditor', 'monitor'];
      allow write: if request.auth != null
        && request.auth.token.source == 'fastapi_service';
      allow create: if request.resource.data.keys().hasAll({REQUIRED})
          && {TYPES};
      allow update, delete: if false;
    }}
""")

AUDIT = wrap(f"""    function required() {{
      return {REQUIRED};
    }}
    function optional() {{
      return ['remote_addr', 'outcome', 'error', 'severity', 'component', 'operation_id', 'latency_ms', 'ingested_at',
              'expire_at'];
    }}
    function short(value, max) {{
      return value is string && value.size() > 0 && value.size() <= max;
    }}
    function fresh(time) {{
      return time is timestamp
        && time > request.time - duration.value(1, 'h')
        && time < request.time + duration.value(1, 'm');
    }}
    match /api_audit_logs/{{logId}} {{
      allow get, list: if request.auth.token.role in ['auditor', 'monitor'];
      allow create: if request.auth.token.source == 'fastapi_service'
        && request.resource.data.keys().hasAll(required())
        && request.resource.data.keys().hasOnly(required().concat(optional()))
        && fresh(request.resource.data.timestamp)
        && short(request.resource.data.request_id, 128)
        && short(request.resource.data.user_id, 128)
        && short(request.resource.data.endpoint, 512)
        && request.resource.data.method in ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
        && request.resource.data.status_code is int
        && request.resource.data.status_code >= 100 && request.resource.data.status_code < 600
        && short(request.resource.data.firestore_path, 1500)
        && (!('ingested_at' in request.resource.data) || request.resource.data.ingested_at == request.time);
    }}
""")
LIVE = {**ENTRY, "timestamp": NOW}

VERSIONED = wrap("""    match /records/{id} {
      function next() {
        return request.resource.data.latest == resource.data.latest + 1;
      }
      allow get: if request.auth != null;
      allow create: if request.auth != null && request.resource.data.latest == 1
        && existsAfter(/databases/$(database)/documents/records/$(id)/versions/1);
      allow update: if request.auth != null && next()
        && request.resource.data.keys().hasOnly(['latest'])
        && existsAfter(/databases/$(database)/documents/records/$(id)/versions/$(request.resource.data.latest));
      match /versions/{n} {
        allow get: if request.auth != null;
        allow create: if request.auth != null
          && n == string(getAfter(/databases/$(database)/documents/records/$(id)).data.latest)
          && request.resource.data.n == int(n);
      }
    }
""")

OWNER = wrap("""    function signedIn() { return request.auth != null; }
    function isOwner(data) { return signedIn() && data.owner == request.auth.uid; }
    function isAdmin() {
      let user = get(/databases/$(database)/documents/users/$(request.auth.uid)).data;
      return user.get('role', 'none') == 'admin';
    }
    match /users/{uid} {
      allow get: if signedIn() && request.auth.uid == uid;
      allow write: if isAdmin();
    }
    match /notes/{id} {
      allow get: if isOwner(resource.data) || isAdmin();
      allow list: if signedIn() && resource.data.owner == request.auth.uid;
      allow create: if isOwner(request.resource.data) && request.resource.data.title.size() <= 5;
      allow update: if isOwner(resource.data)
        && request.resource.data.diff(resource.data).affectedKeys().hasOnly(['title', 'tags']);
      allow delete: if isOwner(resource.data) && !resource.data.get('locked', false);
    }
""")

WILDCARDS_2 = wrap("""    match /t/{id} { allow get: if id == 'a'; }
    match /u/{x}/t/{id} { allow get: if x == 'p' && id == 'a'; }
    match /r/{p=**} { allow get: if p[0] == 'x'; }
    match /{p=**}/deep/{id} { allow get: if p == /u/1 && id == 'd'; allow list: if true; }
    match /s/{id}/{rest=**} { allow get: if rest == /k/v || id == 'top'; }
    match /lit/only { allow get; }
    match /odd/{id}/sub { allow get; }
    match /one/{x=*} { allow get: if x is string; }
    match /glob/{y=**} { allow get: if y is path; }
    match /same/{id} { match /sub/{id} { allow get: if id == 'inner'; } }
    match /meth/{id} { allow read, write; allow reed: if true; }
""")
WILDCARDS_1 = WILDCARDS_2.replace("rules_version = '2';\n", "").replace(
    "    match /{p=**}/deep/{id} { allow get: if p == /u/1 && id == 'd'; allow list: if true; }\n", "    ")

METHODS = wrap("""    match /r/{id} { allow read: if request.method == 'get'; }
    match /w/{id} { allow write: if request.method == 'create'; }
    match /u/{id} { allow create, update: if request.resource.data.n > 0; allow delete: if resource.data.n > 0; }
    match /n/{id} { allow create: if resource == null; allow update: if resource != null;
      allow delete: if request.resource == null; allow get: if resource == null; }
    match /or/{id} { allow write: if request.auth != null; allow update, delete: if false; }
    match /two/{id} { allow create: if request.resource.data.a == 1; allow create: if request.resource.data.b == 1; }
    match /errs/{id} { allow create: if request.resource.data.a == 1 || request.resource.data.b == 1;
      allow update: if request.resource.data.a / 0 == 1; allow get: if resource.data.list[5] == 1; }
    match /type/{id} { allow create: if request.resource.data.a; allow get: if 'yes'; }
    match /full/{id} { allow update: if request.resource.data.keys().hasAll(['a', 'b']); }
    match /time/{id} { allow create: if request.resource.data.at == request.time; }
    match /ids/{id} { allow create: if id == request.resource.id && request.resource.__name__[4] == id
      && request.path[4] == id && request.resource.data.self == request.path; }
    match /keys/{id} { allow create: if request.keys().hasAll(['auth', 'headers', 'inTransaction', 'method', 'path',
      'readFields', 'resource', 'time', 'transforms', 'writeFields', 'autoId']) && request.keys().size() == 11;
      allow delete: if request.keys().size() == 10; allow get: if request.keys().size() == 7 && request.fields == null; }
    match /tx/{id} { allow create: if request.inTransaction; allow get: if !request.inTransaction; }
""")

SCOPES = wrap("""    function top(x) { return x == 1; }
    match /a/{id} {
      function top(x) { return x == 2; }
      function usesId() { return id == 'k'; }
      allow get: if top(resource.data.n);
      allow create: if usesId();
      match /b/{sub} {
        function both() { return id == 'k' && sub == 's'; }
        allow get: if both();
        allow create: if usesId() && top(2);
      }
    }
    match /c/{id} {
      function f(request) { return request == 1; }
      function g(n) { let x = n + 1; let y = x * 2; return y; }
      function lazy(a, b) { return a || b; }
      function unused() { let z = 1 / 0; return true; }
      allow get: if f(1);
      allow create: if g(1) == 4;
      allow update: if lazy(true, 1 / 0);
      allow delete: if unused();
    }
    match /d/{id} { allow get: if top(1); allow create: if top(); allow update: if nope(1); allow delete: if usesId(); }
""")

GROUPS = wrap("""    match /{p=**}/logs/{id} { allow list: if request.auth != null; allow get: if true; }
    match /u/{x}/notes/{id} { allow list: if x == 'alice'; }
    match /flat/{id} { allow list: if resource.data.n == 1; }
    match /open/{d=**} { allow list; }
    match /paths/{d=**} { allow list: if d[0] == 'x'; }
    match /paths2/{id} { allow list: if request.query.parent == null; }
    match /u/{x}/paths3/{id} { allow list: if request.query.parent == /databases/(default)/documents/u/alice; }
    match /u/{x}/paths4/{id} { allow list: if request.path == /databases/(default)/documents/u/alice/paths4; }
    match /u/{x}/paths5/{id} { allow list: if request.query.parent is path; }
    match /{p=**}/g6/{id} { allow list: if request.query.allDescendants; }
    match /{p=**}/g7/{id} { allow list: if request.path == null; }
    match /{p=**}/g8/{id} { allow list: if p[0] == 'x'; }
    match /{p=**}/g9/{id} { allow list: if p is path; }
    match /q1/{id} { allow list: if request.query.groupBy is map; }
    match /q2/{id} { allow list: if request.query.groupBy is string; }
    match /q3/{id} { allow list: if request.query.groupBy == [].toSet(); }
    match /q4/{id} { allow list: if request.query.groupBy == {}; }
    match /q5/x { allow list; }
    match /q6/{id} { allow list: if resource.id == 'a' && id == 'a' && resource.data.n == 1; }
""")

DOCS = {"records/r": {"latest": 1}, "records/r/versions/1": {"n": 1}}

RULESETS = [
    ("as published", AS_PUBLISHED, {"api_audit_logs/x": ENTRY}, [
        (SERVICE, "create", "api_audit_logs/a", ENTRY), (ALICE, "create", "api_audit_logs/a", ENTRY),
        (None, "create", "api_audit_logs/a", ENTRY), (ALICE, "create", "api_audit_logs/a", without(ENTRY, "status_code")),
        (ALICE, "create", "api_audit_logs/a", {**ENTRY, "status_code": "200"}), (ALICE, "create", "api_audit_logs/a", {}),
        (SERVICE, "create", "api_audit_logs/a", {}), (SERVICE, "update", "api_audit_logs/x", {**ENTRY, "method": "PUT"}),
        (ALICE, "update", "api_audit_logs/x", {**ENTRY, "method": "PUT"}), (SERVICE, "delete", "api_audit_logs/x", None),
        (ALICE, "delete", "api_audit_logs/x", None), (None, "delete", "api_audit_logs/x", None),
        (AUDITOR, "get", "api_audit_logs/x", None), (MONITOR, "get", "api_audit_logs/x", None),
        (ALICE, "get", "api_audit_logs/x", None), (None, "get", "api_audit_logs/x", None),
        (AUDITOR, "list", "api_audit_logs", None), (BOB, "list", "api_audit_logs", None), (None, "list", "api_audit_logs", None),
        (SERVICE, "get", "api_audit_logs/x", None), (SERVICE, "create", "other/a", ENTRY),
        (SERVICE, "create", "api_audit_logs/a/sub/b", ENTRY),
    ]),
    ("audit log", AUDIT, {"api_audit_logs/x": ENTRY}, [
        (SERVICE, "create", "api_audit_logs/a", LIVE), (ALICE, "create", "api_audit_logs/a", LIVE),
        (None, "create", "api_audit_logs/a", LIVE), (SERVICE, "create", "api_audit_logs/a", ENTRY),
        (SERVICE, "create", "api_audit_logs/a", without(LIVE, "method")),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "extra": 1}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "outcome": "ok", "ingested_at": NOW}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "ingested_at": T("2024-01-01T00:00:00Z")}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "method": "BREW"}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "status_code": 99}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "status_code": 200.0}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "request_id": ""}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "request_id": "x" * 129}),
        (SERVICE, "create", "api_audit_logs/a", {**LIVE, "user_id": None}),
        (SERVICE, "update", "api_audit_logs/x", LIVE), (SERVICE, "delete", "api_audit_logs/x", None),
        (AUDITOR, "get", "api_audit_logs/x", None), (AUDITOR, "list", "api_audit_logs", None),
        (SERVICE, "get", "api_audit_logs/x", None), (BOB, "get", "api_audit_logs/x", None),
        (AUDITOR, "get", "api_audit_logs/missing", None), (AUDITOR, "create", "api_audit_logs/b", LIVE),
    ]),
    ("versioned", VERSIONED, DOCS, [
        (ALICE, "commit", None, [("update", "records/r", {"latest": 2}), ("create", "records/r/versions/2", {"n": 2})]),
        (ALICE, "commit", None, [("create", "records/r/versions/2", {"n": 2}), ("update", "records/r", {"latest": 2})]),
        (ALICE, "commit", None, [("update", "records/r", {"latest": 3}), ("create", "records/r/versions/3", {"n": 3})]),
        (ALICE, "update", "records/r", {"latest": 2}), (ALICE, "create", "records/r/versions/2", {"n": 2}),
        (ALICE, "update", "records/r/versions/1", {"n": 1, "x": 2}), (ALICE, "delete", "records/r/versions/1", None),
        (ALICE, "delete", "records/r", None), (ALICE, "get", "records/r/versions/1", None), (None, "get", "records/r", None),
        (ALICE, "commit", None, [("create", "records/q", {"latest": 1}), ("create", "records/q/versions/1", {"n": 1})]),
        (ALICE, "create", "records/q", {"latest": 1}), (ALICE, "create", "records/q/versions/1", {"n": 1}),
        (ALICE, "commit", None, [("create", "records/q", {"latest": 2}), ("create", "records/q/versions/2", {"n": 2})]),
        (ALICE, "commit", None, [("create", "records/q", {"latest": 1}), ("create", "records/q/versions/1", {"n": 7})]),
        (ALICE, "commit", None, [("update", "records/r", {"latest": 2, "x": 1}), ("create", "records/r/versions/2", {"n": 2})]),
    ]),
    ("owner", OWNER, {"users/alice": {"role": "admin"}, "users/bob": {}, "notes/n": {"owner": "alice", "title": "t"},
                      "notes/l": {"owner": "bob", "title": "t", "locked": True}, "notes/x": {"title": "t"}}, [
        (ALICE, "get", "users/alice", None), (BOB, "get", "users/alice", None), (None, "get", "users/alice", None),
        (ALICE, "update", "users/bob", {"role": "x"}), (BOB, "update", "users/bob", {"role": "admin"}),
        ({"sub": "carol"}, "update", "users/bob", {"role": "x"}), (None, "update", "users/bob", {"role": "x"}),
        (ALICE, "get", "notes/n", None), (BOB, "get", "notes/n", None), (BOB, "get", "notes/l", None),
        (BOB, "get", "notes/x", None), (ALICE, "get", "notes/x", None), (None, "get", "notes/n", None),
        (BOB, "get", "notes/none", None), ({"sub": "carol"}, "get", "notes/n", None),
        (BOB, "create", "notes/a", {"owner": "bob", "title": "ok"}), (BOB, "create", "notes/a", {"owner": "bob", "title": "too long"}),
        (BOB, "create", "notes/a", {"owner": "alice", "title": "ok"}), (BOB, "create", "notes/a", {"title": "ok"}),
        (BOB, "create", "notes/a", {"owner": "bob", "title": 5}), (BOB, "create", "notes/a", {"owner": "bob"}),
        (BOB, "update", "notes/l", {"owner": "bob", "title": "n", "locked": True}),
        (BOB, "update", "notes/l", {"owner": "bob", "title": "n"}), (BOB, "update", "notes/l", {"owner": "eve", "title": "t", "locked": True}),
        (BOB, "delete", "notes/l", None), (ALICE, "delete", "notes/n", None), (ALICE, "delete", "notes/none", None),
        (BOB, "list", "notes", None), (BOB, "list", "notes", ["owner == 'bob'"]), (BOB, "list", "notes", ["owner == 'alice'"]),
        (BOB, "list", "notes", ["owner == 'bob'", "title > 'a'"]), (BOB, "list", "users", None),
    ]),
    ("wildcards 2", WILDCARDS_2, {"meth/a": {}}, [(ALICE, "get", p, None) for p in (
        "t/a t/b u/p/t/a u/q/t/a r/x r/y r/x/k/v r/y/k/v u/1/deep/d u/2/deep/d deep/d s/i/k/v s/top s/i s/i/k/w lit/only lit/other "
        "odd/a/sub/b odd/a one/a one/a/b/c glob/a glob/a/b/c same/x/sub/inner same/inner/sub/x meth/a none/a").split()] + [
        (ALICE, "create", "meth/b", {}), (ALICE, "update", "meth/a", {}), (ALICE, "delete", "meth/a", None),
        (ALICE, "list", "meth", None), (ALICE, "list", "t", None), (ALICE, "list", "deep", None), (ALICE, "create", "t/a", {})]),
    ("wildcards 1", WILDCARDS_1, {}, [(ALICE, "get", p, None) for p in (
        "t/a t/b u/p/t/a r/x r/y r/x/k/v u/1/deep/d deep/d s/i/k/v s/top s/i s/top/a/b lit/only one/a glob/a glob/a/b/c").split()]),
    ("methods", METHODS, {"w/a": {}, "u/a": {"n": 1}, "u/b": {"n": 0}, "n/a": {}, "or/a": {}, "errs/a": {"list": [1]},
                          "full/a": {"a": 1}, "keys/a": {}, "tx/a": {}, "type/a": {}, "r/a": {}}, [
        (ALICE, "get", "r/a", None), (ALICE, "list", "r", None), (ALICE, "create", "r/b", {}), (ALICE, "create", "w/b", {}),
        (ALICE, "update", "w/a", {}), (ALICE, "delete", "w/a", None), (ALICE, "create", "u/c", {"n": 1}), (ALICE, "create", "u/c", {"n": 0}),
        (ALICE, "create", "u/c", {}), (ALICE, "update", "u/a", {"n": 0}), (ALICE, "delete", "u/a", None), (ALICE, "delete", "u/b", None),
        (ALICE, "delete", "u/none", None), (ALICE, "create", "n/b", {}), (ALICE, "update", "n/a", {"x": 1}), (ALICE, "delete", "n/a", None),
        (ALICE, "get", "n/none", None), (ALICE, "get", "n/a", None), (ALICE, "update", "or/a", {"x": 1}), (ALICE, "delete", "or/a", None),
        (None, "update", "or/a", {"x": 1}), (None, "delete", "or/a", None), (ALICE, "create", "two/a", {"a": 1}),
        (ALICE, "create", "two/a", {"b": 1}), (ALICE, "create", "two/a", {"a": 2, "b": 2}), (ALICE, "create", "two/a", {}),
        (ALICE, "create", "errs/b", {"b": 1}), (ALICE, "create", "errs/b", {"a": 2}), (ALICE, "create", "errs/b", {"b": 2}),
        (ALICE, "update", "errs/a", {"a": 1}), (ALICE, "get", "errs/a", None), (ALICE, "create", "type/b", {"a": True}),
        (ALICE, "create", "type/b", {"a": "true"}), (ALICE, "create", "type/b", {"a": None}), (ALICE, "get", "type/a", None),
        (ALICE, "update", "full/a", {"a": 1, "b": 2}), (ALICE, "update", "full/a", {"b": 2}), (ALICE, "create", "time/a", {"at": NOW}),
        (ALICE, "create", "time/a", {"at": T("2024-01-01T00:00:00Z")}), (ALICE, "create", "ids/k", {"self": R("ids/k")}),
        (ALICE, "create", "ids/k", {"self": R("ids/l")}), (ALICE, "create", "keys/b", {}), (ALICE, "delete", "keys/a", None),
        (ALICE, "get", "keys/a", None), (ALICE, "create", "tx/b", {}), (ALICE, "get", "tx/a", None),
    ]),
    ("scopes", SCOPES, {"a/x": {"n": 2}, "a/y": {"n": 1}, "c/x": {}, "d/x": {}}, [
        (ALICE, "get", "a/x", None), (ALICE, "get", "a/y", None), (ALICE, "create", "a/k", {}), (ALICE, "create", "a/l", {}),
        (ALICE, "get", "a/k/b/s", None), (ALICE, "get", "a/k/b/t", None), (ALICE, "create", "a/k/b/q", {}), (ALICE, "create", "a/j/b/q", {}),
        (ALICE, "get", "c/x", None), (ALICE, "create", "c/y", {}), (ALICE, "update", "c/x", {"a": 1}), (ALICE, "delete", "c/x", None),
        (ALICE, "get", "d/x", None), (ALICE, "create", "d/y", {}), (ALICE, "update", "d/x", {"a": 1}), (ALICE, "delete", "d/x", None),
    ]),
    ("lists", GROUPS, {"flat/a": {"n": 1}, "flat/b": {"n": 2}, "q6/a": {"n": 1}, "q6/b": {"n": 1}}, [
        (ALICE, "list", "logs", None), (ALICE, "list", "u/1/logs", None), (ALICE, "group", "logs", None), (None, "group", "logs", None),
        (ALICE, "list", "u/alice/notes", None), (ALICE, "list", "u/bob/notes", None), (ALICE, "group", "notes", None),
        (ALICE, "list", "flat", None), (ALICE, "list", "flat", ["n == 1"]), (ALICE, "group", "flat", ["n == 1"]),
        (ALICE, "list", "flat", ["__name__ == flat/a"]), (ALICE, "list", "flat", ["__name__ == flat/b"]),
        (ALICE, "list", "open", None), (ALICE, "list", "open/a/b", None), (ALICE, "group", "open", None),
        (ALICE, "list", "paths", None), (ALICE, "list", "paths/x/k", None), (ALICE, "list", "paths2", None),
        (ALICE, "list", "u/alice/paths3", None), (ALICE, "list", "u/alice/paths4", None), (ALICE, "list", "u/alice/paths5", None),
        (ALICE, "group", "g6", None), (ALICE, "list", "g6", None), (ALICE, "group", "g7", None), (ALICE, "group", "g8", None),
        (ALICE, "list", "x/1/g8", None), (ALICE, "group", "g9", None), (ALICE, "list", "q1", None), (ALICE, "list", "q2", None),
        (ALICE, "list", "q3", None), (ALICE, "list", "q4", None), (ALICE, "list", "q5", None),
        (ALICE, "list", "q6", ["__name__ == q6/a"]), (ALICE, "list", "q6", ["__name__ == q6/b"]), (ALICE, "list", "q6", ["__name__ == q6/none"]),
    ]),
]

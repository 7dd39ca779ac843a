"""Rulesets in the styles people write, each with a battery of requests: everybody tries everything. The notation is
that of verdict_requests.py.
"""
import itertools
import random

from verdict_requests import ADMIN, ALICE, BOB, NOW, R, T, wrap

NOBODY = None
VERIFIED = {"sub": "vera", "email": "vera@example.com", "email_verified": True}
UNVERIFIED = {"sub": "uma", "email": "uma@example.com", "email_verified": False}
USERS = [ALICE, BOB, ADMIN, NOBODY]


def everybody(users, *requests):
    return [(user, op, path, data) for user, (op, path, data) in itertools.product(users, requests)]


# ---- roles kept in documents ----

ROLES = wrap("""    function user() { return get(/databases/$(database)/documents/users/$(request.auth.uid)).data; }
    function hasRole(role) { return request.auth != null && role in user().roles; }
    function isOwner(project) { return project.data.owner == request.auth.uid; }
    function member() { return request.auth.uid in resource.data.members; }
    match /users/{uid} {
      allow read: if request.auth.uid == uid || hasRole('admin');
      allow create: if request.auth.uid == uid && request.resource.data.roles == [];
      allow update: if hasRole('admin')
        || (request.auth.uid == uid && request.resource.data.roles == resource.data.roles);
    }
    match /projects/{project} {
      allow get: if hasRole('admin') || member() || isOwner(resource);
      allow list: if request.auth.uid in resource.data.members;
      allow create: if request.auth.uid == request.resource.data.owner && request.resource.data.members is list;
      allow update: if isOwner(resource)
        && request.resource.data.diff(resource.data).affectedKeys().hasOnly(['title', 'members']);
      allow delete: if hasRole('admin') && resource.data.get('archived', false);
      match /tasks/{task} {
        function parent() { return get(/databases/$(database)/documents/projects/$(project)); }
        allow read: if request.auth.uid in parent().data.members;
        allow write: if isOwner(parent()) || request.auth.uid in parent().data.get('editors', []);
      }
      match /log/{entry} {
        allow create: if exists(/databases/$(database)/documents/projects/$(project)/tasks/$(entry));
        allow read: if true;
      }
    }
""")
ROLES_DOCS = {
    "users/alice": {"roles": ["editor"], "name": "A"}, "users/root": {"roles": ["admin"]}, "users/bob": {"name": "no roles"},
    "projects/p": {"owner": "alice", "members": ["alice", "bob"], "title": "t"},
    "projects/q": {"owner": "bob", "members": [], "archived": True, "editors": ["alice"]},
    "projects/p/tasks/t": {"n": 1}, "projects/q/tasks/t": {"n": 2},
}
ROLES_REQUESTS = everybody(
    USERS, ("get", "users/alice", None), ("get", "users/bob", None), ("list", "users", None),
    ("update", "users/alice", {"roles": ["editor"], "name": "B"}), ("update", "users/alice", {"roles": ["admin"]}),
    ("update", "users/bob", {"name": "x"}), ("create", "users/new", {"roles": []}), ("get", "projects/p", None),
    ("get", "projects/q", None), ("get", "projects/none", None), ("list", "projects", None),
    ("list", "projects", ["members array-contains 'alice'"]), ("list", "projects", ["members array-contains 'bob'"]),
    ("create", "projects/n", {"owner": "alice", "members": []}), ("create", "projects/n", {"owner": "alice", "members": "all"}),
    ("update", "projects/p", {"owner": "alice", "members": ["alice"], "title": "new"}),
    ("update", "projects/p", {"owner": "bob", "members": ["alice", "bob"], "title": "t"}),
    ("update", "projects/p", {"owner": "alice", "members": ["alice", "bob"], "title": "t", "extra": 1}),
    ("delete", "projects/p", None), ("delete", "projects/q", None), ("get", "projects/p/tasks/t", None),
    ("get", "projects/q/tasks/t", None), ("list", "projects/p/tasks", None), ("create", "projects/q/tasks/n", {"n": 3}),
    ("update", "projects/p/tasks/t", {"n": 9}), ("delete", "projects/q/tasks/t", None), ("create", "projects/none/tasks/n", {}),
    ("create", "projects/p/log/t", {}), ("create", "projects/p/log/none", {}), ("get", "projects/p/log/t", None))

# ---- owner fields, validation, what may change ----

OWNED = wrap("""    function signedIn() { return request.auth != null && request.auth.uid != null; }
    function incoming() { return request.resource.data; }
    function existing() { return resource.data; }
    function valid() {
      let data = incoming();
      let keys = data.keys();
      return keys.hasAll(['owner', 'title', 'createdAt'])
        && keys.hasOnly(['owner', 'title', 'createdAt', 'tags', 'rating', 'place'])
        && data.title is string && data.title.size() in [1, 2, 3, 4, 5]
        && data.get('tags', []) is list && data.get('tags', []).size() <= 3
        && (!('rating' in data) || (data.rating is number && data.rating >= 0 && data.rating <= 5))
        && (!('place' in data) || data.place is latlng);
    }
    match /notes/{id} {
      allow get: if signedIn() && (existing().owner == request.auth.uid || existing().get('public', false) == true);
      allow list: if signedIn() && resource.data.owner == request.auth.uid && request.query.limit <= 20;
      allow create: if signedIn() && valid() && incoming().owner == request.auth.uid && incoming().createdAt == request.time;
      allow update: if signedIn() && valid() && existing().owner == request.auth.uid
        && !incoming().diff(existing()).affectedKeys().hasAny(['owner', 'createdAt']);
      allow delete: if signedIn() && existing().owner == request.auth.uid;
    }
    match /mail/{id} {
      allow create: if request.auth.token.email_verified && request.auth.token.email.matches('.*@example[.]com');
      allow read: if request.auth.token.email == resource.data.to;
    }
    match /counters/{id} {
      allow create: if request.resource.data == {'n': 0};
      allow update: if request.resource.data.n == resource.data.n + 1
        && request.resource.data.diff(resource.data).affectedKeys() == ['n'].toSet();
    }
""")
NOTE = {"owner": "alice", "title": "abc", "createdAt": T("2024-01-01T00:00:00Z")}
OWNED_DOCS = {"notes/a": NOTE, "notes/b": {**NOTE, "owner": "bob", "public": True}, "counters/c": {"n": 1},
              "mail/v": {"to": "vera@example.com"}}


def changed(**changes):
    return {**NOTE, **changes}


OWNED_REQUESTS = everybody(
    [ALICE, BOB, NOBODY], ("get", "notes/a", None), ("get", "notes/b", None), ("get", "notes/none", None), ("list", "notes", None),
    ("list", "notes", ["owner == 'alice'"]), ("delete", "notes/a", None), ("delete", "notes/none", None),
    *[("create", "notes/n", changed(createdAt=NOW, **c)) for c in (
        {}, {"title": ""}, {"title": "abcdef"}, {"title": 5}, {"tags": []}, {"tags": ["a", "b", "c", "d"]}, {"tags": "a"},
        {"rating": 5}, {"rating": 5.5}, {"rating": -1}, {"rating": "5"}, {"place": None}, {"other": 1}, {"owner": "bob"})],
    ("create", "notes/n", NOTE), ("create", "notes/n", {"owner": "alice"}), ("create", "notes/n", {}),
    *[("update", "notes/a", changed(**c)) for c in (
        {}, {"title": "new"}, {"owner": "bob"}, {"createdAt": T("2024-01-01T00:00:01Z")}, {"tags": ["x"]}, {"extra": 1})],
    ("update", "notes/a", {"owner": "alice", "title": "abc"})) + everybody(
    [VERIFIED, UNVERIFIED, ALICE, NOBODY], ("create", "mail/n", {"to": "x"}), ("get", "mail/v", None), ("get", "mail/none", None),
    ("list", "mail", None), ("list", "mail", ["to == 'vera@example.com'"]), ("create", "counters/n", {"n": 0}),
    ("create", "counters/n", {"n": 1}), ("create", "counters/n", {"n": 0, "m": 0}), ("update", "counters/c", {"n": 2}),
    ("update", "counters/c", {"n": 3}), ("update", "counters/c", {"n": 2, "m": 1}), ("update", "counters/c", {"n": 2.0}))

# ---- several writes at once ----

LEDGER = wrap("""    function after(id) { return getAfter(/databases/$(database)/documents/accounts/$(id)).data; }
    function before(id) { return get(/databases/$(database)/documents/accounts/$(id)).data; }
    match /accounts/{id} {
      allow create: if request.resource.data.balance == 0;
      allow update: if request.resource.data.balance >= 0
        && existsAfter(/databases/$(database)/documents/transfers/$(request.resource.data.last));
      allow delete: if !existsAfter(/databases/$(database)/documents/owners/$(id));
    }
    match /transfers/{id} {
      allow create: if request.resource.data.amount > 0
        && before(request.resource.data.from).balance - after(request.resource.data.from).balance == request.resource.data.amount
        && after(request.resource.data.to).balance - before(request.resource.data.to).balance == request.resource.data.amount
        && after(request.resource.data.from).last == id;
      allow delete: if !exists(/databases/$(database)/documents/transfers/$(id + 'x'));
    }
    match /owners/{id} {
      allow create: if existsAfter(/databases/$(database)/documents/accounts/$(id))
        && !exists(/databases/$(database)/documents/accounts/$(id));
      allow update: if getAfter(request.path).data == request.resource.data && get(request.path).data == resource.data;
      allow delete: if getAfter(/databases/$(database)/documents/accounts/$(id)).data.balance == 0;
    }
""")
LEDGER_DOCS = {"accounts/a": {"balance": 10}, "accounts/b": {"balance": 5}, "accounts/z": {"balance": 0}, "owners/a": {"name": "A"},
               "owners/z": {"name": "Z"}, "transfers/old": {"amount": 1}}


def transfer(amount, a, b, name="t", **extra):
    return [("update", "accounts/a", {"balance": a, "last": name}), ("update", "accounts/b", {"balance": b, "last": name}),
            ("create", "transfers/t", {"from": "a", "to": "b", "amount": amount, **extra})]


LEDGER_REQUESTS = [(ALICE, "commit", None, writes) for writes in [
    transfer(3, 7, 8), transfer(3, 7, 8)[::-1], transfer(3, 8, 8), transfer(3, 7, 9), transfer(3, 7, 8, "other"),
    transfer(30, -20, 35), transfer(0, 10, 5), transfer(-1, 11, 4), transfer(3, 7, 8)[1:], transfer(3, 7, 8)[:2],
    transfer(10, 0, 15, extra=True), transfer("3", 7, 8),
    [("create", "accounts/n", {"balance": 0}), ("create", "owners/n", {"name": "N"})],
    [("create", "owners/n", {"name": "N"}), ("create", "accounts/n", {"balance": 0})],
    [("create", "owners/n", {"name": "N"})], [("create", "accounts/n", {"balance": 1}), ("create", "owners/n", {"name": "N"})],
    [("delete", "accounts/a", None)], [("delete", "accounts/b", None)], [("delete", "owners/a", None)],
    [("delete", "owners/z", None)], [("delete", "accounts/z", None), ("delete", "owners/z", None)],
    [("delete", "owners/z", None), ("delete", "accounts/z", None)], [("delete", "transfers/old", None)],
    [("update", "owners/a", {"name": "B"})], [("update", "owners/a", {"name": "B"}), ("delete", "transfers/old", None)],
    [("update", "owners/a", {}), ("create", "accounts/n", {"balance": 0})],
    [("create", "accounts/m", {"balance": 0}), ("create", "accounts/n", {"balance": 1})],
]] + everybody([ALICE], ("update", "accounts/a", {"balance": 1, "last": "old"}), ("update", "accounts/a", {"balance": 1, "last": "no"}),
               ("update", "accounts/a", {"balance": 1}), ("create", "transfers/t", {"from": "a", "to": "b", "amount": 1}))

# ---- queries ----

QUERIES = wrap("""    match /posts/{id} {
      allow list: if resource.data.published == true || resource.data.author == request.auth.uid;
      allow get: if resource.data.published || resource.data.author == request.auth.uid;
    }
    match /ages/{id} { allow list: if resource.data.age >= 18 && resource.data.age < 100; }
    match /tags/{id} { allow list: if resource.data.tags.hasAny(['public', 'free']); }
    match /rooms/{room} {
      allow list: if request.auth.uid in resource.data.members && resource.data.kind != 'secret';
      match /messages/{id} { allow list: if room == 'lobby' && resource.data.at > timestamp.date(2020, 1, 1); }
    }
    match /{path=**}/reviews/{id} { allow read: if resource.data.stars > 2 || path[1] == 'books'; }
    match /nested/{id} { allow list: if resource.data.a.b.c == 1 && resource.data.a.b.d != 2; }
    match /absent/{id} { allow list: if !('secret' in resource.data); }
    match /checked/{id} { allow list: if resource.data.kind is string && resource.data.kind.matches('[a-z]+'); }
    match /roles/{id} { allow list: if get(/databases/$(database)/documents/users/$(resource.data.owner)).data.open; }
    match /nulls/{id} { allow list: if resource.data.gone == null; }
    match /some/{id} { allow list: if resource.data.gone != null; }
    match /one/{id} { allow read: if id == 'x' || resource.data.n == 1; }
    match /kinds/{id} { allow list: if resource.data.kind in ['a', 'b', 'c']; }
    match /users/{id} { allow list: if request.auth.uid == id; allow get: if request.auth.uid == id; }
""")
QUERIES_DOCS = {"posts/a": {"published": True, "author": "bob"}, "posts/b": {"published": False, "author": "alice"},
                "users/alice": {"open": True}, "users/bob": {"open": False}, "books/b/reviews/r": {"stars": 5}, "one/x": {"n": 2},
                "one/y": {"n": 1}, "one/z": {"n": 3}}
FILTERS = {
    "posts": [["published == true"], ["published == false"], ["author == 'alice'"], ["author == 'bob'"], ["published != false"],
              ["author == 'alice'", "published == false"], ["published == true", "n > 5"], ["published == null"]],
    "ages": [["age >= 18", "age < 100"], ["age > 17", "age < 100"], ["age >= 18"], ["age == 20"], ["age == 120"], ["age > 30", "age < 40"],
             ["age >= 18.0", "age < 100.0"], ["age == 20.5"], ["age != 5"], ["age not-in 1,2"]],
    "tags": [["tags array-contains 'public'"], ["tags array-contains 'free'"], ["tags array-contains 'x'"], ["tags == 'public'"],
             ["tags array-contains 'x'", "n == 1"]],
    "rooms": [["members array-contains 'alice'", "kind == 'open'"], ["members array-contains 'alice'", "kind != 'secret'"],
              ["members array-contains 'alice'"], ["members array-contains 'alice'", "kind not-in 'secret','x'"],
              ["members array-contains 'alice'", "kind > 'secret'"], ["members array-contains 'bob'", "kind == 'open'"],
              ["members array-contains 'alice'", "kind < 'b'"], ["members array-contains 'alice'", "kind == 'secret'"]],
    "rooms/lobby/messages": [["at > 5"], ["n == 1"], ["at == null"]],
    "rooms/other/messages": [["at > 5"]],
    "books/b/reviews": [["stars > 2"], ["stars > 3"], ["stars >= 2"], ["stars == 3"], ["stars == 1"], []],
    "films/f/reviews": [["stars > 2"], ["stars == 1"], []],
    "nested": [["a.b.c == 1", "a.b.d != 2"], ["a.b.c == 1", "a.b.d == 3"], ["a.b.c == 1", "a.b.d == 2"], ["a.b.c == 1"], ["a.b.d != 2"],
               ["a.b.c == 1", "a.b.d > 2"]],
    "absent": [["n == 1"], ["secret == 1"], ["secret > 1"], []],
    "checked": [["kind == 'abc'"], ["kind == 'ABC'"], ["kind == 5"], ["kind > 'a'"], []],
    "roles": [["owner == 'alice'"], ["owner == 'bob'"], ["owner == 'nobody'"], ["owner > 'a'"], ["owner == 5"]],
    "nulls": [["gone == null"], ["gone != null"], ["gone == 1"], ["gone > 1"], []],
    "some": [["gone == null"], ["gone != null"], ["gone == 1"], ["gone > 1"], ["gone != 1"], ["gone not-in 1"],
             ["gone array-contains 1"], []],
    "one": [["__name__ == one/x"], ["__name__ == one/y"], ["__name__ == one/z"], ["n == 1"], ["n == 2"], []],
    "kinds": [["kind == 'a'"], ["kind == 'd'"], ["kind > 'a'"], ["kind != 'd'"], []],
    "users": [["__name__ == users/alice"], ["__name__ == users/bob"], ["open == true"], []],
}
QUERIES_REQUESTS = [(user, "list", path, filters) for path, many in FILTERS.items() for filters in many for user in (ALICE, NOBODY)] + [
    (ALICE, "group", "reviews", filters) for filters in FILTERS["books/b/reviews"]] + [
    (ALICE, "group", "posts", ["published == true"]), (ALICE, "group", "messages", ["at > 5"])]

# ---- statements: functions, lets, scopes, test mode, odd matches ----

STATEMENTS = wrap("""    function id(x) { return x; }
    function nothing() { return null; }
    function both(a, b) { return a && b; }
    function first(a, b) { return a; }
    function pick(c, a, b) { return c ? a : b; }
    function lets(n) { let a = n + 1; let b = a * 2; let c = [a, b]; return c; }
    function shadow(resource) { return resource; }
    function inner() { return outer(3); }
    function outer(n) { return n * 2; }
    function size(x) { return 42; }
    function seven(a, b, c, d, e, f, g) { return [a, b, c, d, e, f, g]; }
    function failing() { let x = 1 / 0; return x; }
    function unusedFailing() { let x = 1 / 0; return 5; }
%s
    match /mode/{id} { allow read, write: if request.time < timestamp.date(2020, 1, 1); }
    match /later/{id} { allow read, write: if request.time < timestamp.date(2999, 1, 1); }
    match /bare/{id} { allow read; }
    match /semi/{id} { allow get: if true
      allow delete: if false }
    match /many/{id} { allow get, get, read, list: if id == 'a'; allow get: if id == 'b'; }
    match /star/{id=*} { allow get: if id == 'a'; }
    match /lit/fixed { allow get: if true; }
    match /deep/{a}/x/{b} { allow get: if a + b == 'pq'; match /y/{a} { allow get: if a + b == 'rq'; } }
    match /both/{id} { allow get: if resource.data.n == 1; }
    match /both/{other} { allow get: if resource.data.n == 2; }
    match /rest/{r=**} { allow get: if r[0] == 'a'; allow create: if r[1] == 'b'; }
    match /back/{id} { allow get: if /databases/$(database)/documents/back/$(id) == resource.__name__
      && resource['id'] == id && resource.__name__[4] == id; }
    match /refs/{id} { allow get: if get(resource.data.to).data.open == true; allow list: if resource.data.to is path; }
""")
BODIES = [
    "id(5) == 5", "id(null) == null", "nothing() == null", "nothing()", "both(true, true)", "both(true, false)",
    "both(false, 1 / 0 == 1)", "both(true, 1 / 0 == 1)", "first(true, 1 / 0)", "pick(true, true, 1 / 0)", "pick(false, 1 / 0, true)",
    "pick(null, true, true)", "lets(1) == [2, 4]", "lets(1)[1] == 4", "lets('a') == null", "shadow(5) == 5", "shadow(resource) == resource",
    "inner() == 6", "size([1]) == 42", "[1].size() == 1", "seven(1, 2, 3, 4, 5, 6, 7).size() == 7", "failing() == 0",
    "failing() == 0 || true", "unusedFailing() == 5", "id(id(id(id(1)))) == 1", "lets(1).size() == 2 && lets(2)[0] == 3",
    "first(resource.data.n, 1) == 7", "both(resource.data.n == 7, request.auth.uid == 'alice')", "id(request).auth.uid == 'alice'",
    "id(resource).data.n == 7", "id(request.auth).token.role == 'writer'", "id({'a': 1}).a == 1", "id([1, 2])[0] == 1",
    "pick(resource.data.n > 5, 'big', 'small') == 'big'", "id(exists)", "pick(1 == 1, 2, 3) + 1 == 3", "outer(outer(2)) == 8",
    "database == '(default)'", "id(database) == '(default)'", "doc == 's0'", "doc.size() > 1", "doc[0] == 's'", "id(doc) != null",
    "!both(true, false) && !nothing()", "(true)", "((1)) == 1", "true ? false ? 1 == 1 : 2 == 2 : 3 == 3", "1 == 1 == true",
    "2 in [2] && !(3 in [2])", "resource.data.n is int && resource.data['n'] == 7", "resource.data.keys() == ['n']",
    "resource.data == {'n': 7}", "{'n': 7} == resource.data", "resource.id + 'x' != doc", "request.path[4] == doc",
    "debug(debug(true))", "debug(resource.data) == resource.data", "[resource.data].hasAny([{'n': 7}])",
    "get(request.path).data.n == 7", "exists(request.path)", "getAfter(request.path).data == resource.data", "existsAfter(request.path)",
    "get(resource.__name__) == resource", "get(request.path).id == resource.id", "exists(/databases/$(database)/documents/st/$(doc))",
]
STATEMENTS = STATEMENTS % "\n".join(f"    match /st{i}/{{doc}} {{ allow get: if {body}; }}" for i, body in enumerate(BODIES))
STATEMENTS_DOCS = {**{f"st{i}/s0": {"n": 7} for i in range(len(BODIES))}, "both/a": {"n": 1}, "both/b": {"n": 2}, "both/c": {"n": 3},
                   "back/k": {}, "refs/a": {"to": R("lit/open")}, "refs/b": {"to": R("lit/none")}, "refs/c": {"to": "lit/open"},
                   "lit/open": {"open": True}, "mode/a": {}, "later/a": {}, "semi/a": {}}
STATEMENTS_REQUESTS = everybody([ALICE], *[("get", f"st{i}/s0", None) for i in range(len(BODIES))]) + everybody(
    [NOBODY], *[("get", f"st{i}/s0", None) for i in range(0, len(BODIES), 3)]) + everybody(
    [ALICE], *[("get", p, None) for p in (
        "mode/a later/a bare/a bare/a/b/c semi/a many/a many/b many/c star/a star/b lit/fixed lit/other deep/p/x/q deep/q/x/p "
        "deep/p/x/q/y/r deep/p/x/q/y/p both/a both/b both/c both/none rest/a rest/a/b/c rest/b rest/b/a/c back/k back/none refs/a "
        "refs/b refs/c refs/none").split()],
    ("create", "mode/n", {}), ("create", "later/n", {}), ("delete", "later/a", None), ("update", "later/a", {"x": 1}),
    ("delete", "semi/a", None), ("create", "rest/x/b/c", {}), ("create", "rest/x/c/d", {}), ("list", "bare", None),
    ("list", "many", None), ("list", "later", None), ("list", "mode", None), ("list", "refs", ["n == 1"]), ("group", "bare", None))

# ---- paths: random match blocks, each asked about many paths ----


class Matches:
    """Nested match blocks over the names a, b and c, with wildcards that conditions look at."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.version = self.random.choice("1222")
        self.names = 0

    def segments(self, bound, globs):
        made = []
        for _ in range(self.random.choice((1, 1, 2, 2, 2, 3))):
            kind = self.random.random()
            self.names += 1
            if kind < 0.4:
                made.append("/" + self.random.choice("abc"))
            elif kind < 0.85 or globs:
                made.append(f"/{{v{self.names}}}")
                bound.append(f"v{self.names}")
            else:
                made.append(f"/{{g{self.names}=**}}")
                globs.append(f"g{self.names}")
                if self.version == "1":
                    break
        return "".join(made)

    def condition(self, bound, globs):
        options = ["true", "request.auth != null"]
        options += [f"{v} == '{self.random.choice('abc')}'" for v in bound] * 2
        options += [f"{v} != {w}" for v, w in zip(bound, bound[1:])]
        options += [text for g in globs for text in (f"{g}[0] == '{self.random.choice('abc')}'", f"{g} is path", f"{g}[0:2] == /a/b",
                                                     f"{g} == /{self.random.choice('abc')}/b")]
        return self.random.choice(options)

    def is_closed(self, line, globs):
        """Nothing may stand behind ** in version 1; what stands behind the segments that follow it is overlaid."""
        return globs and (self.version == "1" or ("=**}" in line and not line.endswith("=**} {")))

    def block(self, depth, bound, globs):
        bound, globs = list(bound), list(globs)
        indent = "    " + "  " * depth
        lines = [f"{indent}match {self.segments(bound, globs)} {{"]
        closed = self.is_closed(lines[0], globs)
        for _ in range(self.random.choice((1, 1, 2)) if depth or closed else self.random.choice((0, 1, 1))):
            lines.append(f"{indent}  allow {self.random.choice(('get', 'list', 'read', 'read', 'get, list'))}: if {self.condition(bound, globs)};")
        for _ in range(self.random.choice((0, 1, 2)) if depth < 2 and not closed else 0):
            lines += self.block(depth + 1, bound, globs)
        if len(lines) == 1:
            lines.append(f"{indent}  allow read;")
        return lines + [indent + "}"]

    def text(self):
        blocks = [line for _ in range(4) for line in self.block(0, [], [])]
        return wrap("\n".join(blocks) + "\n", self.version)

    def path(self, n):
        return "/".join(self.random.choice("abc") for _ in range(n))

    def requests(self):
        gets = [f"{a}/{b}" for a in "abc" for b in "abc"] + [self.path(4) for _ in range(12)] + [self.path(6) for _ in range(4)]
        lists = ["a", "b"] + [self.path(3) for _ in range(4)] + [self.path(5)]
        return [(ALICE, "get", p, None) for p in gets] + [(ALICE, "list", p, None) for p in lists] + [
            (ALICE, "group", c, None) for c in "abc"] + [(ALICE, "group", "a/b/c", None)]


# A nested match lies over the segments behind ** of its parent: x is the b.
OVERLAY = wrap("""    match /{g=**}/b { match /{x}/{y} { allow get: if x == 'b'; } }
""")
OVERLAY_REQUESTS = [(ALICE, "get", p, None) for p in ("b/p", "p/b/b/q", "p/q", "p/q/r/s")]


def matches(count):
    for seed in range(count):
        made = Matches(seed)
        yield f"matches {seed}", made.text(), {}, made.requests()


RULESETS = [
    ("roles", ROLES, ROLES_DOCS, ROLES_REQUESTS), ("owned", OWNED, OWNED_DOCS, OWNED_REQUESTS),
    ("ledger", LEDGER, LEDGER_DOCS, LEDGER_REQUESTS), ("queries", QUERIES, QUERIES_DOCS, QUERIES_REQUESTS),
    ("statements", STATEMENTS, STATEMENTS_DOCS, STATEMENTS_REQUESTS), ("overlay", OVERLAY, {}, OVERLAY_REQUESTS), *matches(40),
]

"""Random rulesets in the styles people write, with random requests: roles kept in documents, owner fields, what an
update may change, expiry dates, batches, queries. And match blocks nested below a recursive wildcard. The same seed
makes the same ruleset everywhere; the notation is that of verdict_requests.py.
"""
import itertools
import random

from verdict_batteries import Matches
from verdict_requests import ADMIN, ALICE, BOB, NOW, T, wrap

DOC = "/databases/$(database)/documents/"
ME = f"get({DOC}users/$(request.auth.uid)).data"
USERS = [ALICE, BOB, ADMIN, None, {"sub": "eve", "role": "reader", "email_verified": True, "level": 2}]
FIELDS = ("owner", "n", "s", "tags", "at", "open", "m")

HELPERS = """    function signedIn() { return request.auth != null; }
    function me() { return %s; }
    function isOwner(data) { return signedIn() && data.owner == request.auth.uid; }
    function role() { return me().get('role', 'none'); }
    function changed() { return request.resource.data.diff(resource.data).affectedKeys(); }
    function valid(data) { let keys = data.keys(); return keys.hasAll(['owner', 'n']) && data.n is int && data.get('s', '') is string; }
    function twin(id) { return getAfter(%sb/$(id)).data; }
""" % (ME, DOC)

# What conditions are made of, by what they need: a signed in user, a document before, one after, nothing, a query.
USER = """request.auth != null ;; signedIn() ;; request.auth.uid != null ;; role() == 'admin' ;; role() in ['admin', 'editor'] ;;
me().role != 'banned' ;; 'writer' in me().roles ;; me().roles.hasAny(['writer', 'admin']) ;; request.auth.token.role == 'writer' ;;
request.auth.token.get('role', 'x') != 'x' ;; request.auth.token.email_verified == true ;; request.auth.token.level > 1 ;;
exists({d}users/$(request.auth.uid)) ;; !exists({d}banned/$(request.auth.uid)) ;; get({d}users/$(request.auth.uid)).data.open ;;
request.auth.uid == id ;; id == 'x' ;; id.size() < 2 ;; id in ['x', 'y'] ;; request.time < timestamp.date(2020, 1, 1) ;;
request.time < timestamp.date(2999, 1, 1) ;; request.method == 'get' ;; request.method in ['create', 'update'] ;;
request.path[3] == 'a' ;; request.auth.uid.matches('[a-e].*') ;; debug(request.auth) != null""".replace("{d}", DOC)
BEFORE = """isOwner(resource.data) ;; resource.data.owner == request.auth.uid ;; resource.data.n > 1 ;; resource.data.open ;;
resource.data.open == true ;; request.auth.uid in resource.data.tags ;; 'p' in resource.data.tags ;; resource.data.tags.hasAny(['p', 'q']) ;;
resource.data.tags.hasAll(['p']) ;; resource.data.tags.size() < 2 ;; 'secret' in resource.data ;; !('secret' in resource.data) ;;
resource.data.get('open', false) ;; resource.data.get(['m', 'k'], 0) == 1 ;; resource.data.m.k == 1 ;; request.auth.uid in resource.data.m ;;
resource.data.m[request.auth.uid] == 'editor' ;; resource == null ;; resource != null ;; resource.data.at < request.time ;;
request.time > resource.data.at + duration.value(1, 'd') ;; resource.data.s.matches('a.*') ;; resource.data.s == 'abc' ;;
resource.data.keys().hasOnly(['owner', 'n', 's', 'open']) ;; resource.id == id ;; exists({d}users/$(resource.data.owner)) ;;
get({d}users/$(resource.data.owner)).data.role == 'admin' ;; resource.data.n in [1, 2] ;; resource.data.s in ['abc', 'x'] ;;
resource.data.n is int ;; resource.data.n != 3 ;; resource.data.s >= 'a' && resource.data.s < 'b'""".replace("{d}", DOC)
AFTER = """isOwner(request.resource.data) ;; request.resource.data.owner == request.auth.uid ;; valid(request.resource.data) ;;
request.resource.data.n is int ;; request.resource.data.n >= 0 ;; request.resource.data.keys().hasAll(['owner', 'n']) ;;
request.resource.data.keys().hasOnly(['owner', 'n', 's', 'tags']) ;; request.resource.data.size() <= 3 ;;
request.resource.data.at == request.time ;; request.resource.data.get('s', '').size() < 4 ;; request.resource.data.s is string ;;
request.resource.data.tags.size() < 3 ;; request.resource.data.tags.toSet().size() == request.resource.data.tags.size() ;;
request.resource != null ;; twin(id).n == request.resource.data.n ;; existsAfter({d}b/$(id)) ;; !existsAfter({d}b/$(id)) ;;
getAfter({d}a/$(id)).data == request.resource.data ;; request.resource.id == id ;; request.resource.data.m.keys().hasOnly(['k']) ;;
request.resource.data.owner is string && request.resource.data.owner.size() > 0""".replace("{d}", DOC)
BOTH = """changed().hasOnly(['n']) ;; changed().hasOnly(['n', 's', 'tags']) ;; !changed().hasAny(['owner']) ;; changed().size() <= 1 ;;
request.resource.data.owner == resource.data.owner ;; request.resource.data.n == resource.data.n + 1 ;;
request.resource.data.diff(resource.data).addedKeys().size() == 0 ;; request.resource.data.diff(resource.data).removedKeys() == [].toSet() ;;
request.resource.data.diff(resource.data).changedKeys() == ['n'].toSet() ;; 'owner' in request.resource.data.diff(resource.data).unchangedKeys() ;;
request.resource.data == resource.data ;; request.resource.data.tags.hasAll(resource.data.tags) ;;
request.resource.data.tags.removeAll(resource.data.tags).size() <= 1 ;; request.resource.data.n > resource.data.n"""
QUERY = """request.query.limit <= 10 ;; request.query.limit == null ;; request.query.offset == 0 ;; request.query.kind == 'a' ;;
request.query.orderBy == {} ;; resource.data.n >= 1 && resource.data.n < 9"""
KINDS = {"get": (USER, BEFORE), "list": (USER, BEFORE, BEFORE, QUERY), "read": (USER, BEFORE), "create": (USER, AFTER, AFTER),
         "update": (USER, BEFORE, AFTER, BOTH, BOTH), "delete": (USER, BEFORE), "write": (USER, AFTER, BEFORE),
         "create, update": (USER, AFTER), "update, delete": (USER, BEFORE)}
FILTERS = {"owner": ["== 'alice'", "== 'bob'", "!= 'bob'"], "n": ["== 1", "== 2", "> 1", ">= 1", "< 9", "!= 3", "not-in 3,4", "== 2.0"],
           "s": ["== 'abc'", ">= 'a'", "< 'b'", ">= 'abc'", "== 'x'"], "open": ["== true", "== false", "!= false"],
           "tags": ["array-contains 'p'", "array-contains 'alice'", "array-contains 'z'"], "m.k": ["== 1", "> 0"], "secret": ["== 1"],
           "at": ["== null", "!= null"]}


class Styles:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, text):
        return self.random.choice([t.strip() for t in text.split(";;")])

    def condition(self, method, depth=0):
        roll = self.random.random()
        if depth > 2 or roll < 0.45:
            return self.pick(self.random.choice(KINDS[method]))
        a, b = self.condition(method, depth + 1), self.condition(method, depth + 1)
        if roll < 0.72:
            return f"{a} && {b}"
        if roll < 0.9:
            return f"({a} || {b})"
        return f"!({a})" if roll < 0.95 else f"({a} ? {b} : {self.condition(method, depth + 1)})"

    def block(self, pattern, indent="    "):
        lines = [f"{indent}match {pattern} {{"]
        for _ in range(self.random.choice((2, 3, 3, 4))):
            method = self.random.choice(list(KINDS))
            lines.append(f"{indent}  allow {method}: if {self.condition(method)};")
        return lines

    def text(self):
        lines = self.block("/a/{id}") + self.block("/s/{doc}", "      ") + ["      }", "    }"]
        lines += self.block("/b/{id}") + ["    }"]
        lines += self.block(self.random.choice(("/{path=**}/s/{id}", "/{path=**}/g/{id}", "/{p=**}"))
                            .replace("/{p=**}", "/{any=**}/{id}")) + ["    }"]
        return wrap(HELPERS + "\n".join(lines) + "\n")

    def fields(self):
        choices = {"owner": ["alice", "bob", "eve", 5], "n": [0, 1, 2, 3, 1.5, "1"], "s": ["", "abc", "abcdef", 7],
                   "tags": [[], ["p"], ["p", "q"], ["alice"], ["p", "p"], "p"], "open": [True, False, None],
                   "at": [T("2020-01-01T00:00:00Z"), T("2031-01-01T00:00:00Z"), NOW],
                   "m": [{}, {"k": 1}, {"alice": "editor", "k": 2}], "secret": [1]}
        names = [n for n in choices if self.random.random() < (0.75 if n in ("owner", "n") else 0.15 if n == "secret" else 0.4)]
        return {n: self.random.choice(choices[n]) for n in names}

    def stored(self):
        return {k: v for k, v in self.fields().items() if v is not NOW}

    def documents(self):
        docs = {"users/alice": {"role": "editor", "roles": ["writer"], "open": True}, "users/bob": {"role": "admin", "roles": []},
                "users/root": {"roles": ["admin"]}, "users/eve": {"role": "banned"}, "banned/eve": {}}
        for path in ("a/x", "a/yy", "a/alice", "b/x", "b/z", "a/x/s/x", "a/x/s/bob", "g/x", "q/w/g/x"):
            docs[path] = self.stored()
        return docs

    def filters(self):
        made = []
        for field in self.random.sample(list(FILTERS), self.random.choice((0, 1, 1, 2, 2, 3))):
            made.append(f"{field} {self.random.choice(FILTERS[field])}")
        negative = [f for f in made if "!=" in f or "not-in" in f]
        return [f for f in made if f not in negative[1:]]

    def write(self, docs, path, alone=False):
        if path not in docs:
            return ("create", path, self.fields() if alone else self.stored())
        if self.random.random() < 0.25:
            return ("delete", path, None)
        fields = self.stored() if self.random.random() < 0.3 else {**docs[path], **self.stored()}
        if self.random.random() < 0.3:
            fields = {**docs[path], "n": 2}
        return ("update", path, fields)

    def requests(self, docs):
        paths = list(docs) + ["a/new", "b/new", "b/yy", "a/new/s/x", "g/new", "other/x"]
        made = [(self.random.choice(USERS), "get", self.random.choice(paths), None) for _ in range(14)]
        made += [(self.random.choice(USERS), *self.write(docs, self.random.choice(paths[5:]), True)) for _ in range(24)]
        for _ in range(14):
            made.append((self.random.choice(USERS), "list", self.random.choice(("a", "a", "a", "b", "a/x/s", "g", "users")), self.filters()))
        made += [(self.random.choice(USERS), "group", self.random.choice("sgab"), self.filters()) for _ in range(4)]
        for _ in range(8):
            several = self.random.sample(paths[5:], self.random.choice((2, 2, 3)))
            made.append((self.random.choice(USERS), "commit", None, [self.write(docs, p) for p in several]))
        return made


class Nested(Matches):
    """Blocks nested below a recursive wildcard and names behind it."""

    def __init__(self, seed):
        super().__init__(seed)
        self.version = "2"

    def segments(self, bound, globs):
        if not bound and not globs and self.random.random() < 0.7:
            self.names += 1
            globs.append(f"g{self.names}")
            return f"/{{g{self.names}=**}}" + super().segments(bound, globs)
        return super().segments(bound, globs)

    def is_closed(self, line, globs):
        return False


# ---- list proofs: numbers beside NaN, and text where the orders of queries and of rules differ ----


def nan_cases():
    filters = ("n != 5 ;; n == 5 ;; n > 5 ;; n < 5 ;; n >= 5 ;; n <= 5.5 ;; n != 5.5 ;; n not-in 5 ;; n not-in 5,6 ;; n != 'a' ;; n > 'a' ;; "
               "n != null ;; n != NaN ;; n array-contains 5 ;; n == NaN ;; n == null")
    for first in filters.split(" ;; "):
        for more in ([], ["m == 1"], [] if first in ("n != null", "n == NaN") else ["n > 3"]):
            for condition in ("resource.data.n != 0.0 / 0.0", "resource.data.n == 0.0 / 0.0", "resource.data.n > 0.0 / 0.0",
                              "0.0 / 0.0 != resource.data.n", "math.isNaN(resource.data.n)"):
                yield condition, [[first, *more]], {}
    yield "resource.data.n == 5", [["n == NaN", "n != 3"]], {}


TEXTS = ("a", "a\uf8ff", "\ue000", "\U0001d11e", "a\U0001d11e", "\ud7ff")


def text_cases():
    """Without the bounds of which Google's proves too much, but for one of each kind."""
    for op, bound in [(op, t) for op in (">", ">=", "<", "<=", "==", "!=") for t in TEXTS]:
        moved = (op in (">", ">=") and any("\ue000" <= c <= "\uffff" for c in bound)) or (op in ("<", "<=") and any(c > "\uffff" for c in bound))
        for wanted, other in [(w, t) for w in (">", ">=", "<", "<=", "!=") for t in TEXTS]:
            if not moved or (wanted == op and other == bound and op in (">=", "<") and len(bound) == 1):
                yield f"resource.data.n {wanted} '{other}'", [[f"n {op} '{bound}'"]], {}


# ---- list proofs of every kind: what conditions ask of a field, and what queries say of it ----

ASKED = """{d}.{f} == {v} ;; {d}.{f} != {v} ;; {v} == {d}.{f} ;; {d}.{f} > {v} ;; {d}.{f} >= {v} ;; {d}.{f} < {v} ;; {d}.{f} <= {v} ;; {v} < {d}.{f} ;;
{d}.{f} in [{v}, {w}] ;; !({d}.{f} in [{v}, {w}]) ;; {d}.{f} is {t} ;; !({d}.{f} is {t}) ;; '{f}' in {d} ;; !('{f}' in {d}) ;; {d}.get('{f}', {v}) == {v} ;;
{d}.get('{f}', {v}) != {w} ;; {d}['{f}'] == {v} ;; {d}.keys().hasAll(['{f}']) ;; {d}.keys().hasOnly(['{f}', 'n', 's']) ;; {d}.keys().hasAny(['{f}']) ;;
{v} in {d}.{f} ;; {d}.{f}.hasAny([{v}, {w}]) ;; {d}.{f}.hasAll([{v}]) ;; {d}.{f}.size() > 0 ;; {d}.{f} == null ;; {d}.{f} != null ;; {d}.size() == 1 ;;
[{d}.{f}].hasAny([{v}]) ;; {d}.{f} == {d}.{f} ;; {d}.{f} == {d}.n ;; [{v}, {d}.{f}].size() == 2 ;; {{'a': {d}.{f}}}.a == {v} ;; f({d}) ;; g() ;;
{d}.diff({{}}).addedKeys().hasAny(['{f}']) ;; {d}.{f} == {v} ? true : {d}.n > 1 ;; string({d}.{f}) == string({v}) ;; {d}.{f} + {v} > {w}"""
VALUES = {"n": ("int", ["0", "1", "2", "2.5", "3"]), "s": ("string", ["'a'", "'b'", "'c'"]), "f": ("bool", ["true", "false"]),
          "l": ("list", ["'p'", "'q'", "1"]), "m.k": ("int", ["1", "2"]), "x": ("number", ["1", "'a'", "null"])}
PLAIN_OPS = ("==", "==", "==", "!=", ">", ">=", "<", "<=")


class Lists:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def query_filter(self, field):
        values = VALUES[field][1]
        one = self.random.choice(values)
        several = ",".join(self.random.sample(values, 2)) if one != "null" else "1"
        if field == "l":
            op = self.random.choice(("array-contains", "array-contains", "array-contains-any"))
            return f"{field} {op} {several.replace(',null', '') if op.endswith('any') else one}"
        op = self.random.choice(PLAIN_OPS + ("in", "not-in")) if field != "f" else self.random.choice(("==", "==", "!="))
        if one == "null":
            return f"{field} {self.random.choice(('==', '!='))} null"
        return f"{field} {op} {several if op in ('in', 'not-in') and 'null' not in several else one}"

    def conjunction(self):
        fields = self.random.sample(list(VALUES), self.random.choice((0, 1, 1, 1, 2, 2, 3)))
        made = [self.query_filter(f) for f in fields]
        if made and self.random.random() < 0.15:
            made.append(self.query_filter(fields[0]))
        return made

    @staticmethod
    def expanded(filters):
        choices = []
        for text in filters:
            field, op, value = text.split(" ", 2)
            plain = {"in": "==", "array-contains-any": "array-contains"}.get(op)
            choices.append([f"{field} {plain} {v}" for v in value.split(",")] if plain else [text])
        return [list(c) for c in itertools.product(*choices)]

    def atom(self, fields):
        field = self.random.choice(fields) if fields and self.random.random() < 0.8 else self.random.choice(list(VALUES))
        kind, values = VALUES[field]
        text = self.random.choice([t.strip() for t in ASKED.split(";;")])
        d, f = ("resource.data.m", "k") if field == "m.k" else ("resource.data", field)
        return text.format(d=d, f=f, v=self.random.choice(values), w=self.random.choice(values), t=kind)

    def condition(self, fields, depth=0):
        roll = self.random.random()
        if depth > 1 or roll < 0.5:
            return self.atom(fields)
        a, b = self.condition(fields, depth + 1), self.condition(fields, depth + 1)
        return (f"({a} && {b})" if roll < 0.7 else f"({a} || {b})" if roll < 0.9 else f"!({a})" if roll < 0.94
                else f"({a} ? {b} : {self.condition(fields, depth + 1)})")

    def case(self):
        query = [self.conjunction() for _ in range(self.random.choice((1, 1, 1, 2)))]
        fields = [f.split(" ")[0] for d in query for f in d]
        return self.condition(fields), [e for d in query for e in self.expanded(d)], {"query": query}


def lists():
    made = Lists(7)
    return [*nan_cases(), *text_cases(), *(made.case() for _ in range(3000))]


# In a list the inner {id} is not known, and Google's then takes the outer one, which may be another document's.
SHADOW = wrap("""    match /a/{id} { match /s/{id} { allow read: if id == 'x'; } }
""")
SHADOW_REQUESTS = [(ALICE, "list", "a/x/s", []), (ALICE, "get", "a/x/s/x", None), (ALICE, "get", "a/x/s/y", None), (ALICE, "get", "a/y/s/x", None)]


def rulesets():
    yield "shadow", SHADOW, {}, SHADOW_REQUESTS
    for seed in range(30):
        made = Nested(1000 + seed)
        yield f"nested {seed}", made.text(), {}, made.requests()
    for seed in range(70):
        made = Styles(seed)
        text, docs = made.text(), made.documents()
        yield f"styles {seed}", text, docs, made.requests(docs)

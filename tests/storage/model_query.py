#!/usr/bin/env python3
"""model_query.py - random queries over random documents, answered by a model of a few lines and compared.

  model_query.py DRIVER [CASES [SEED]]         against query_driver (ctest: 2,000 cases)
  model_query.py --live HOST:PORT CASES SEED   against a live emulator: is the model right?

The model shares nothing with the C code: it sorts Python tuples and filters with Python comparisons (whose
int/float comparison is exact). Every value is proto-JSON. Standard library only; same seed, same cases.
"""
import base64
import json
import random
import subprocess
import sys

from oracle_queries import request

NEGATIVE = {"NOT_EQUAL", "NOT_IN", "IS_NOT_NAN", "IS_NOT_NULL"}
INEQUALITY = NEGATIVE | {"LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"}
LISTS = {"IN", "NOT_IN", "ARRAY_CONTAINS_ANY"}

# ---- the order of values ----


def id_key(text):
    if text.startswith("__id") and text.endswith("__"):
        return (0, int(text[4:-2]))
    return (1, text.encode())


def path_key(path):
    return tuple(id_key(x) for x in path.split("/"))


def reference_key(name):
    _, project, _, database, _, path = name.split("/", 5)
    return (project.encode(), database.encode(), path_key(path))


def is_vector(fields):
    return fields.get("__type__") == {"stringValue": "__vector__"}


def value_key(value):
    """A tuple that sorts as the value does; its first element is the type class."""
    ((kind, x),) = value.items()
    if kind == "nullValue":
        return (0,)
    if kind == "booleanValue":
        return (1, x)
    if kind == "integerValue":
        return (2, 1, int(x))
    if kind == "doubleValue":
        x = float(x)
        return (2, 0) if x != x else (2, 1, x)
    if kind == "timestampValue":
        return (3, x)  # generated in one form, which sorts as text
    if kind == "stringValue":
        return (4, x.encode())
    if kind == "bytesValue":
        return (5, base64.b64decode(x))
    if kind == "referenceValue":
        return (6, reference_key(x))
    if kind == "geoPointValue":
        return (7, x.get("latitude", 0), x.get("longitude", 0))
    if kind == "arrayValue":
        return (8, tuple(value_key(v) for v in x.get("values", [])))
    fields = x.get("fields", {})
    if is_vector(fields):
        numbers = [float(v["doubleValue"]) for v in fields["value"]["arrayValue"]["values"]]
        return (9, len(numbers), tuple(numbers))
    return (10, tuple((k.encode(), value_key(v)) for k, v in sorted(fields.items(), key=lambda kv: kv[0].encode())))


# ---- the model ----


def is_null(key):
    return key == (0,)


def is_void(key):
    return key in ((0,), (2, 0))


def segments(path):
    out, rest = [], path
    while rest:
        if rest[0] == "`":
            end = rest.index("`", 1)
            out.append(rest[1:end])
            rest = rest[end + 2:]
        else:
            head, _, rest = rest.partition(".")
            out.append(head)
    return out


def lookup(fields, path):
    value = {"mapValue": {"fields": fields}}
    for name in segments(path):
        if "mapValue" not in value:
            return None
        value = value["mapValue"].get("fields", {}).get(name)
        if value is None:
            return None
    return value


def equal(key, operand):
    return not is_void(operand) and key == operand


def compares(op, a, b):
    return {"LESS_THAN": a < b, "LESS_THAN_OR_EQUAL": a <= b, "GREATER_THAN": a > b, "GREATER_THAN_OR_EQUAL": a >= b}[op]


def name_matches(op, path, value):
    def paths(v):
        return path_key(v["referenceValue"].split("/", 5)[5])

    here = path_key(path)
    if op in ("IN", "NOT_IN"):
        listed = here in [paths(v) for v in value["arrayValue"]["values"]]
        return listed == (op == "IN")
    if op in ("EQUAL", "NOT_EQUAL"):
        return (here == paths(value)) == (op == "EQUAL")
    return compares(op, here, paths(value))


def field_matches(op, value, operand):
    key = value_key(value)
    if op == "IS_NULL":
        return is_null(key)
    if op == "IS_NAN":
        return key == (2, 0)
    if op == "IS_NOT_NULL":
        return not is_null(key)
    if op == "IS_NOT_NAN":
        return not is_void(key)
    if op in LISTS:
        operands = [value_key(v) for v in operand["arrayValue"]["values"]]
    else:
        operands = [value_key(operand)]
    if op.startswith("ARRAY"):
        elements = [value_key(v) for v in value.get("arrayValue", {}).get("values", [])]
        return any(equal(e, x) for e in elements for x in operands)
    listed = any(equal(key, x) for x in operands)
    if op in ("EQUAL", "IN"):
        return listed
    if op in ("NOT_EQUAL", "NOT_IN"):
        return not is_null(key) and not any(is_null(x) for x in operands) and not listed
    x = operands[0]
    return not is_void(key) and not is_void(x) and key[0] == x[0] and compares(op, key, x)


def leaf(filt):
    """(path, op, operand) of a filter that is no composite."""
    inner = filt.get("fieldFilter") or filt["unaryFilter"]
    return inner["field"]["fieldPath"], inner["op"], inner.get("value")


def matches(filt, path, fields):
    if "compositeFilter" in filt:
        how = all if filt["compositeFilter"]["op"] == "AND" else any
        return how(matches(x, path, fields) for x in filt["compositeFilter"].get("filters", []))
    name, op, operand = leaf(filt)
    if name == "__name__":
        return name_matches(op, path, operand)
    value = lookup(fields, name)
    return value is not None and field_matches(op, value, operand)


def leaves(filt):
    if "compositeFilter" in filt:
        for x in filt["compositeFilter"].get("filters", []):
            yield from leaves(x)
    else:
        yield leaf(filt)


def is_inequality(op, operand):
    """One that nothing can satisfy does not count; each element of NOT_IN is one of its own."""
    if op == "NOT_IN":
        return not all(is_null(value_key(v)) for v in operand["arrayValue"]["values"])
    if op not in INEQUALITY or operand is None:
        return op in INEQUALITY
    return not (is_null if op == "NOT_EQUAL" else is_void)(value_key(operand))


def all_orders(query):
    """Explicit and implied orders as (path, descending), or None when the query is not allowed."""
    orders = [(x["field"]["fieldPath"], x.get("direction") == "DESCENDING") for x in query.get("orderBy", [])]
    down = bool(orders) and orders[-1][1]
    where = query.get("where", {"compositeFilter": {"op": "AND"}})
    implied = {p for p, op, x in leaves(where) if is_inequality(op, x) and p != "__name__"} - {p for p, _ in orders}
    orders += [(p, down) for p in sorted(implied, key=lambda p: [x.encode() for x in segments(p)])]
    names = [p for p, _ in orders]
    if "__name__" not in names:
        orders.append(("__name__", down))
    elif names[-1] != "__name__":
        return None
    fields = [p for p, _, _ in leaves(where) if p != "__name__"]
    return None if orders[0] == ("__name__", True) and not fields else orders


class Down:
    """Turns an order round."""

    def __init__(self, key):
        self.key = key

    def __eq__(self, other):
        return self.key == other.key

    def __lt__(self, other):
        return other.key < self.key


def sort_key(orders, path, fields, cursor=None):
    out = []
    for i, (name, down) in enumerate(orders[:len(cursor)] if cursor is not None else orders):
        if name == "__name__":
            key = path_key(cursor[i]["referenceValue"].split("/", 5)[5] if cursor is not None else path)
        else:
            key = value_key(cursor[i] if cursor is not None else lookup(fields, name))
        out.append(Down(key) if down else key)
    return out


def in_scope(query, parent, path):
    source = (query.get("from") or [{}])[0]
    prefix = parent + "/" if parent else ""
    if not path.startswith(prefix):
        return False
    ids = path[len(prefix):].split("/")
    if not source.get("allDescendants") and len(ids) != 2:
        return False
    return not source.get("collectionId") or ids[-2] == source["collectionId"]


def project(fields, paths):
    out = {}
    for path in paths:
        value = None if path == "__name__" else lookup(fields, path)
        if value is None:
            continue
        at, names = out, segments(path)
        for name in names[:-1]:
            at = at.setdefault(name, {"mapValue": {"fields": {}}})["mapValue"].setdefault("fields", {})
        at[names[-1]] = value
    return out


def answer(query, parent, documents):
    orders = all_orders(query)
    rows = []
    for path, fields in documents.items():
        if not in_scope(query, parent, path):
            continue
        if any(p != "__name__" and lookup(fields, p) is None for p, _ in orders):
            continue
        if "where" in query and not matches(query["where"], path, fields):
            continue
        key = sort_key(orders, path, fields)
        start, end = query.get("startAt"), query.get("endAt")
        if start:
            cursor = sort_key(orders, None, None, start["values"])
            here = key[:len(cursor)]
            if here < cursor or (here == cursor and not start["before"]):
                continue
        if end:
            cursor = sort_key(orders, None, None, end["values"])
            here = key[:len(cursor)]
            if cursor < here or (here == cursor and end["before"]):
                continue
        rows.append((key, path, fields))
    rows.sort(key=lambda row: row[0])
    rows = rows[query.get("offset", 0):]
    rows = rows[:query.get("limit", len(rows))]
    if "select" in query:
        paths = [x["fieldPath"] for x in query["select"].get("fields", [])]
        return [(path, project(fields, paths)) for _, path, fields in rows]
    return [(path, fields) for _, path, fields in rows]


# ---- random documents and queries ----

FIELDS = ["a", "b", "m.x", "m.y.z", "`x y`", "`m.x`"]
PATHS = ["c/d%d" % n for n in range(9)] + ["c/__id7__", "c/__id-3__", "c/__id10__", "c/A", "c/\ufb01", "c/\U0001f600",
         "c/d1/c/s1", "c/d1/c/s2", "c/d2/e/s1", "e/1", "e/2", "e/1/c/9"]


class Generator:
    def __init__(self, rng, root):
        self.rng, self.root = rng, root

    def scalar(self):
        r = self.rng
        return r.choice([
            lambda: {"nullValue": None},
            lambda: {"booleanValue": r.random() < 0.5},
            lambda: {"integerValue": str(r.choice([-1, 0, 1, 2, 3, 2**53 + 1, 2**63 - 1, -2**63]))},
            lambda: {"integerValue": str(r.randrange(4))},
            lambda: {"doubleValue": r.choice([0.0, -0.0, 1.0, 1.5, 2.0, 2.0**53, 2.0**63, -1e300, 5e-324])},
            lambda: {"doubleValue": r.choice(["NaN", "Infinity", "-Infinity"])},
            lambda: {"timestampValue": r.choice(["2020-01-01T00:00:00.000001Z", "2020-01-01T00:00:00.000002Z",
                                                 "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z"])},
            lambda: {"stringValue": r.choice(["", "a", "b", "ab", "\ufb01", "\U0001f600", "a\0", "a\0b"])},
            lambda: {"bytesValue": base64.b64encode(r.choice([b"", b"\0", b"\0\1", b"\1", b"\xff"])).decode()},
            lambda: self.reference(),
            lambda: {"geoPointValue": {"latitude": r.choice([0.0, 1.0, -1.0]), "longitude": r.choice([0.0, 2.0])}},
        ])()

    def reference(self, paths=PATHS):
        return {"referenceValue": f"{self.root}/{self.rng.choice(paths)}"}

    def vector(self):
        numbers = [{"doubleValue": self.rng.choice([0.0, 1.0, 2.0])} for _ in range(self.rng.randint(1, 3))]
        return {"mapValue": {"fields": {"__type__": {"stringValue": "__vector__"}, "value": {"arrayValue": {"values": numbers}}}}}

    def value(self, depth=0, in_array=False):
        pick = self.rng.random()
        if depth < 3 and pick < 0.12 and not in_array:
            return {"arrayValue": {"values": [self.value(depth + 1, True) for _ in range(self.rng.randrange(4))]}}
        if depth < 3 and pick < 0.22:
            return {"mapValue": {"fields": self.fields(depth + 1, ["x", "y", "z", "k"])}}
        if pick < 0.27 and not in_array:
            return self.vector()
        return self.scalar()

    def fields(self, depth, names):
        return {name: self.value(depth) for name in names if self.rng.random() < (0.85 if depth == 0 else 0.4)}

    def document(self):
        out = self.fields(0, ["a", "b", "x y", "m.x"])
        if self.rng.random() < 0.8:
            out["m"] = {"mapValue": {"fields": self.fields(1, ["x", "k"])}}
            if self.rng.random() < 0.5:
                out["m"]["mapValue"]["fields"]["y"] = {"mapValue": {"fields": {"z": self.value(2)}}}
        return out

    def documents(self):
        return {path: self.document() for path in PATHS if self.rng.random() < 0.75}

    def operand(self, path, documents):
        """Often a value that some document has there."""
        found = [v for v in (lookup(fields, path) for fields in documents.values()) if v is not None]
        if found and self.rng.random() < 0.85:
            return self.rng.choice(found)
        return self.value()

    def leaf(self, documents, negative, array):
        r = self.rng
        path = r.choice(FIELDS + ["a", "a", "b"])
        if r.random() < 0.08:
            op = r.choice(["EQUAL", "LESS_THAN", "GREATER_THAN_OR_EQUAL", "IN"])
            value = self.reference()
            if op == "IN":
                value = {"arrayValue": {"values": [self.reference() for _ in range(r.randint(1, 3))]}}
            return {"fieldFilter": {"field": {"fieldPath": "__name__"}, "op": op, "value": value}}
        ops = ["EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "IN", "IS_NAN", "IS_NULL"]
        ops += sorted(NEGATIVE) if negative else []
        ops += ["ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY"] if array else []
        op = r.choice(ops)
        if op.startswith("IS"):
            return {"unaryFilter": {"field": {"fieldPath": path}, "op": op}}
        if op in LISTS:
            value = {"arrayValue": {"values": [self.operand(path, documents) for _ in range(r.randint(1, 4))]}}
        else:
            value = self.operand(path, documents)
        if op.startswith("ARRAY"):
            elements = [v for fields in documents.values()
                        for v in (lookup(fields, path) or {}).get("arrayValue", {}).get("values", [])]
            if elements and r.random() < 0.8:
                value = r.choice(elements)
                value = {"arrayValue": {"values": [value, self.value()]}} if op in LISTS else value
        return {"fieldFilter": {"field": {"fieldPath": path}, "op": op, "value": value}}

    def filter(self, documents, depth=0):
        r = self.rng
        if depth == 2 or r.random() < 0.5:
            return self.leaf(documents, True, True)
        return {"compositeFilter": {"op": r.choice(["AND", "AND", "OR"]),
                                    "filters": [self.filter(documents, depth + 1) for _ in range(r.randint(1, 3))]}}

    def orders(self):
        r = self.rng
        paths = r.sample(FIELDS, r.choice([0, 0, 1, 1, 2, 3]))
        if r.random() < 0.25:
            paths.append("__name__")
        return [{"field": {"fieldPath": p}, "direction": r.choice(["ASCENDING", "DESCENDING"])} for p in paths]

    def cursor(self, orders, documents):
        values = []
        for order in orders[:self.rng.randint(1, len(orders))]:
            path = order["field"]["fieldPath"]
            values.append(self.reference() if path == "__name__" else self.operand(path, documents))
        return {"values": values, "before": self.rng.random() < 0.5}

    def query(self, documents):
        r = self.rng
        query = {"from": [r.choice([{"collectionId": "c"}, {"collectionId": "c"}, {"collectionId": "e"},
                                    {"collectionId": "c", "allDescendants": True}, {"allDescendants": True}, {}])]}
        kind = "collectionId" in query["from"][0]
        if kind and r.random() < 0.8:
            query["where"] = self.filter(documents)
        orders = self.orders() if kind else []
        if orders:
            query["orderBy"] = orders
            for name in ("startAt", "endAt"):
                if r.random() < 0.25:
                    query[name] = self.cursor(orders, documents)
        if r.random() < 0.3:
            query["limit"] = r.choice([0, 1, 2, 3, 50])
        if r.random() < 0.2:
            query["offset"] = r.choice([1, 2, 5])
        if r.random() < 0.2:
            query["select"] = {"fields": [{"fieldPath": p} for p in r.sample(FIELDS + ["a.x", "m", "__name__"], r.randrange(3))]}
        return query, r.choice(["c/d1", "e/1"]) if r.random() < 0.1 else ""


def disjunctions(filt):
    """(how many there are, most array comparisons in one)"""
    if "compositeFilter" in filt:
        parts = [disjunctions(x) for x in filt["compositeFilter"]["filters"]]
        if filt["compositeFilter"]["op"] == "OR":
            return sum(n for n, _ in parts), max(k for _, k in parts)
        n = 1
        for count, _ in parts:
            n *= count
        return n, sum(k for _, k in parts)
    _, op, operand = leaf(filt)
    many = op in ("IN", "ARRAY_CONTAINS_ANY")
    return len(operand["arrayValue"]["values"]) if many else 1, op.startswith("ARRAY")


def has_or(filt):
    if "compositeFilter" not in filt:
        return False
    return filt["compositeFilter"]["op"] == "OR" or any(has_or(x) for x in filt["compositeFilter"]["filters"])


def is_allowed(query, parent):
    where = query.get("where")
    fields = any(x["field"]["fieldPath"] != "__name__" for x in query.get("orderBy", []))
    if where:
        names = {op for path, op, _ in leaves(where) if path == "__name__"}
        others = [is_inequality(op, x) for path, op, x in leaves(where) if path != "__name__"]
        if names - INEQUALITY and any(others) and not names & INEQUALITY:
            return False
        fields = fields or bool(others)
        ops = [op for _, op, _ in leaves(where)]
        if sum(op in NEGATIVE for op in ops) > 1:
            return False
        if "NOT_IN" in ops and (has_or(where) or {"IN", "ARRAY_CONTAINS_ANY"} & set(ops)):
            return False
        n, arrays = disjunctions(where)
        if n > 30 or arrays > 1:
            return False
    if fields and parent and query["from"][0].get("allDescendants"):
        return False
    return all_orders(query) is not None


# ---- who is asked ----


class Driver:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.root = "projects/demo-m/databases/(default)/documents"

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def start(self, documents):
        self.send("X")
        for path, fields in documents.items():
            self.send("D" + json.dumps({"name": f"{self.root}/{path}", "fields": fields}))

    def read(self):
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def ask(self, query, parent):
        parent = self.root + ("/" + parent if parent else "")
        self.send("Q" + json.dumps({"parent": parent, "structuredQuery": query}))
        return self.read()

    def list_all(self, collection, order_by, page_size):
        """Every page of a list, as names."""
        names, token = [], ""
        for _ in range(100):
            self.send("L" + json.dumps({"parent": self.root, "collectionId": collection, "order_by": order_by,
                                        "page_size": page_size, "page_token": token}))
            reply = self.read()
            names += [d["name"] for d in reply["documents"]]
            token = reply.get("token")
            if not token:
                return names
        return names + ["a list without end"]

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Live:
    def __init__(self, host):
        self.host, self.worlds, self.root = host, 0, "projects/demo-m0/databases/(default)/documents"

    def start(self, documents):
        request(self.host, "DELETE", "emulator/v1/" + self.root)
        writes = [{"update": {"name": f"{self.root}/{path}", "fields": fields}} for path, fields in documents.items()]
        reply = request(self.host, "POST", f"v1/{self.root}:commit", {"writes": writes})
        assert "error" not in reply, reply

    def ask(self, query, parent):
        parent = self.root + ("/" + parent if parent else "")
        reply = request(self.host, "POST", f"v1/{parent}:runQuery", {"structuredQuery": query})
        if isinstance(reply, dict):
            return {"error": [reply["error"]["status"], reply["error"].get("message")]}
        return {"documents": [r["document"] for r in reply if "document" in r]}

    def close(self):
        return 0


def normal(value):
    """Forms that mean the same to both sides: -0.0, empty lists and maps, zeros of a geo point."""
    if isinstance(value, list):
        return [normal(x) for x in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"doubleValue"}:
        return {"doubleValue": repr(float(value["doubleValue"]) + 0.0)}
    if set(value) == {"geoPointValue"}:
        return {"geo": [float(value["geoPointValue"].get(k, 0)) for k in ("latitude", "longitude")]}
    if set(value) == {"timestampValue"}:
        seconds, _, fraction = value["timestampValue"].rstrip("Z").partition(".")
        return {"timestampValue": f"{seconds}.{fraction:0<6}"}
    out = {k: normal(v) for k, v in value.items()}
    return {k: v for k, v in out.items() if not (k in ("values", "fields") and v in ([], {}))}


CASES_A_WORLD = 20


def compare(asked, cases, seed):
    failed = empty = 0
    refused = {}
    for n in range(cases):
        rng = random.Random(f"{seed}/{n}")
        generator = Generator(rng, asked.root)
        if n % CASES_A_WORLD == 0:
            documents = generator.documents()
            asked.start(documents)
        query, parent = generator.query(documents)
        while not is_allowed(query, parent):
            query, parent = generator.query(documents)
        expected = [[p, normal(f)] for p, f in answer(query, parent, documents)]
        reply = asked.ask(query, parent)
        root = len(asked.root) + 1
        got = reply if "error" in reply else [[d["name"][root:], normal(d.get("fields", {}))] for d in reply["documents"]]
        empty += expected == []
        if got != expected:
            failed += 1
            if isinstance(got, dict):
                refused[got["error"][1]] = refused.get(got["error"][1], 0) + 1
            if failed - sum(max(0, k - 2) for k in refused.values()) <= 8:
                print(f"case {n} parent {parent!r}\nquery {json.dumps(query)}")
                names = lambda rows: rows if isinstance(rows, dict) else [row[0] for row in rows]
                print(f"model {names(expected)}\ngot   {names(got)}")
                for p in sorted(set(names(expected)) ^ set(names(got))) if isinstance(got, list) else []:
                    print(f"  {p}: {json.dumps(documents[p])}")
                if isinstance(got, list) and names(got) == names(expected):
                    print([x for x in zip(expected, got) if x[0] != x[1]][:1])
        if n % CASES_A_WORLD == 0 and hasattr(asked, "list_all"):
            failed += compare_list(asked, documents, rng)
    for message, times in refused.items():
        print(f"{times} refused: {message}")
    print(f"{cases} cases, {empty} with an empty answer, {failed} differ")
    return failed


def compare_list(asked, documents, rng):
    order_by = rng.choice(["", "a", "a desc", "b,a desc", "__name__", "a, __name__ desc", "m.x desc", "`x y`"])
    orders = [{"field": {"fieldPath": x.split()[0] if x[0] != "`" else x}, "direction": "DESCENDING" if x.endswith("desc") else "ASCENDING"}
              for x in order_by.replace(", ", ",").split(",") if x]
    query = {"from": [{"collectionId": "c"}], "orderBy": orders}
    expected = [p for p, _ in answer(query, "", documents)]
    got = [name.replace(asked.root + "/", "") for name in asked.list_all("c", order_by, rng.randint(1, 4))]
    if got != expected:
        print(f"list {order_by!r}\nmodel {expected}\ngot   {got}")
    return got != expected


if __name__ == "__main__":
    if sys.argv[1] == "--live":
        sys.exit(1 if compare(Live(sys.argv[2]), int(sys.argv[3]), sys.argv[4]) else 0)
    driver = Driver(sys.argv[1])
    bad = compare(driver, int(sys.argv[2]) if len(sys.argv) > 2 else 2000, sys.argv[3] if len(sys.argv) > 3 else "cinderlog")
    sys.exit(1 if driver.close() or bad else 0)

"""query_generator.py - random documents and queries for model_query.py. Same random.Random, same cases."""
import base64

from query_model import INEQUALITY, LISTS, NEGATIVE, all_orders, is_inequality, leaf, leaves, lookup

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
            lambda: self.reference() if r.random() < 0.8 else self.foreign(),
            lambda: {"geoPointValue": {"latitude": r.choice([0.0, 1.0, -1.0]), "longitude": r.choice([0.0, 2.0])}},
        ])()

    def reference(self, paths=PATHS):
        return {"referenceValue": f"{self.root}/{self.rng.choice(paths)}"}

    def foreign(self):
        """A reference to another database: stored and compared, but no name of a document here."""
        return {"referenceValue": self.rng.choice(["projects/demo-m/databases/a",
                                                   "projects/z/databases/(default)"]) + "/documents/c/d1"}

    def vector(self):
        numbers = [{"doubleValue": self.rng.choice([0.0, 1.0, 2.0])} for _ in range(self.rng.randint(1, 3))]
        return {"mapValue": {"fields": {"__type__": {"stringValue": "__vector__"},
                                        "value": {"arrayValue": {"values": numbers}}}}}

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
        if self.rng.random() < 0.6:
            out["v"] = self.vector()
        if self.rng.random() < 0.8:
            out["m"] = {"mapValue": {"fields": self.fields(1, ["x", "k"])}}
            if self.rng.random() < 0.5:
                out["m"]["mapValue"]["fields"]["y"] = {"mapValue": {"fields": {"z": self.value(2)}}}
        return out

    def documents(self):
        return {path: self.document() for path in PATHS if self.rng.random() < 0.75}

    def changes(self):
        """{path: fields, or None to remove it}"""
        return {path: self.document() if self.rng.random() < 0.6 else None for path in self.rng.sample(PATHS, 5)}

    def operand(self, path, documents):
        """Often a value that some document has there."""
        found = [v for v in (lookup(fields, path) for fields in documents.values()) if v is not None]
        if found and self.rng.random() < 0.92:
            return self.rng.choice(found)
        return self.value()

    def name_leaf(self):
        r = self.rng
        op = r.choice(["EQUAL", "NOT_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL",
                       "IN", "NOT_IN"])
        value = self.reference()
        if op in LISTS:
            value = {"arrayValue": {"values": [self.reference() for _ in range(r.randint(1, 3))]}}
        return {"fieldFilter": {"field": {"fieldPath": "__name__"}, "op": op, "value": value}}

    def leaf(self, documents, negative, array):
        r = self.rng
        path = r.choice(FIELDS + ["a", "a", "b"])
        if r.random() < 0.08:
            return self.name_leaf()
        ops = ["EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "IN", "IS_NAN",
               "IS_NULL"]
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
        if depth == 2 or r.random() < 0.6:
            return self.leaf(documents, True, True)
        return {"compositeFilter": {"op": r.choice(["AND", "OR"]),
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

    def nearest(self):
        r = self.rng
        out = {"vectorField": {"fieldPath": r.choice(["v", "v", "v", "a", "`x y`"])}, "queryVector": self.vector(),
               "limit": r.choice([1, 2, 5, 100]),
               "distanceMeasure": r.choice(["EUCLIDEAN", "COSINE", "DOT_PRODUCT"])}
        if r.random() < 0.4:
            out["distanceResultField"] = r.choice(["far", "a"])
        if r.random() < 0.3:
            out["distanceThreshold"] = r.choice([0.0, 0.5, 1.0, 2.0])
        return out

    def by_name(self, query):
        """Filters, order and cursors of a query without a collection id: by name alone."""
        r = self.rng
        if r.random() < 0.5:
            query["where"] = self.name_leaf()
        if r.random() < 0.5:
            query["orderBy"] = [{"field": {"fieldPath": "__name__"}, "direction": "ASCENDING"}]

    def query(self, documents):
        r = self.rng
        query = {"from": [r.choice([{"collectionId": "c"}, {"collectionId": "c"}, {"collectionId": "c"},
                                    {"collectionId": "e"},
                                    {"collectionId": "c", "allDescendants": True}, {"allDescendants": True}, {}])]}
        kind = "collectionId" in query["from"][0]
        if kind and r.random() < 0.8:
            query["where"] = self.filter(documents)
        orders = self.orders() if kind else []
        if orders:
            query["orderBy"] = orders
        if not kind:
            self.by_name(query)
        for name in ("startAt", "endAt"):
            if query.get("orderBy") and r.random() < 0.25:
                query[name] = self.cursor(query["orderBy"], documents)
        if r.random() < 0.3:
            query["limit"] = r.choice([0, 1, 2, 3, 50])
        if r.random() < 0.2:
            query["offset"] = r.choice([1, 2, 5])
        if r.random() < 0.2:
            query["select"] = {"fields": [{"fieldPath": p} for p in r.sample(FIELDS + ["a.x", "m", "__name__"],
                                                                             r.randrange(3))]}
        return query, r.choice(["c/d1", "e/1"]) if r.random() < 0.1 else ""

    def aggregations(self, counts_only):
        r, out = self.rng, []
        for n in range(r.randint(1, 4)):
            kind = "count" if counts_only else r.choice(["count", "sum", "avg"])
            inside = {}
            if kind != "count":
                inside = {"field": {"fieldPath": r.choice(FIELDS)}}
            elif r.random() < 0.4:
                inside = {"upTo": str(r.randrange(1, 5))}
            out.append({"alias": f"x{n}", kind: inside})
        return out

    def case(self, documents):
        """{"query", "parent"}, with "aggregations" where they are asked for; allowed."""
        kind = self.rng.random()
        while True:
            query, parent = self.query(documents)
            if kind < 0.1:
                for part in ("orderBy", "startAt", "endAt", "limit", "offset"):
                    query.pop(part, None)
                if self.rng.random() < 0.6:
                    query.pop("where", None)
                query["findNearest"] = self.nearest()
            if not is_allowed(query, parent):
                continue
            if kind < 0.1 or kind >= 0.25:
                return {"query": query, "parent": parent}
            query.pop("select", None)
            names = any(p == "__name__" for p, _, _ in leaves(query.get("where", {"compositeFilter": {}})))
            names = names or any(x["field"]["fieldPath"] == "__name__" for x in query.get("orderBy", []))
            plain = "collectionId" in query["from"][0] and not names and not parent
            return {"query": query, "parent": parent, "aggregations": self.aggregations(not plain)}


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



"""query_model.py - what a query answers, in a few lines of Python: the judge of model_query.py.

It shares nothing with the C code: it sorts Python tuples and filters with Python comparisons (whose int/float
comparison is exact). Documents are {path: fields}, every value proto-JSON; queries are StructuredQuery as JSON.
"""
import base64
import fractions
import math

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
    return {"LESS_THAN": a < b, "LESS_THAN_OR_EQUAL": a <= b, "GREATER_THAN": a > b,
            "GREATER_THAN_OR_EQUAL": a >= b}[op]


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


def in_range(query, orders, key):
    """Whether the cursors let a sort key through."""
    start, end = query.get("startAt"), query.get("endAt")
    if start:
        cursor = sort_key(orders, None, None, start["values"])
        here = key[:len(cursor)]
        if here < cursor or (here == cursor and not start["before"]):
            return False
    if end:
        cursor = sort_key(orders, None, None, end["values"])
        here = key[:len(cursor)]
        if cursor < here or (here == cursor and end["before"]):
            return False
    return True


def distance(nearest, fields):
    """None: the document has no such vector, or it is too far away."""
    def numbers(value):
        return [float(v["doubleValue"]) for v in value["mapValue"]["fields"]["value"]["arrayValue"]["values"]]

    value = lookup(fields, nearest["vectorField"]["fieldPath"])
    if value is None or not is_vector(value.get("mapValue", {}).get("fields", {})):
        return None
    a, b = numbers(nearest["queryVector"]), numbers(value)
    if len(a) != len(b):
        return None
    dot = sum(x * y for x, y in zip(a, b))
    if nearest["distanceMeasure"] == "DOT_PRODUCT":
        far = dot
    elif nearest["distanceMeasure"] == "EUCLIDEAN":
        far = math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b)))
    else:
        norms = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
        far = 1 - dot / norms if norms else math.nan
    bound = nearest.get("distanceThreshold")
    if bound is not None and not (far >= bound if nearest["distanceMeasure"] == "DOT_PRODUCT" else far <= bound):
        return None
    return far


def members(query, parent, documents, also=()):
    """[(path, fields, distance or None)] in order, cut by offset and limit; no document lacks a field of `also`."""
    orders, nearest = all_orders(query), query.get("findNearest")
    known = {p for p, _ in orders}
    orders[-1:-1] = [(p, orders[-1][1]) for p in sorted(set(also) - known,
                                                        key=lambda p: [x.encode() for x in segments(p)])]
    rows = []
    for path, fields in documents.items():
        if not in_scope(query, parent, path) or any(p != "__name__" and lookup(fields, p) is None for p, _ in orders):
            continue
        if "where" in query and not matches(query["where"], path, fields):
            continue
        key = sort_key(orders, path, fields)
        if not in_range(query, orders, key):
            continue
        far = None
        if nearest:
            far = distance(nearest, fields)
            if far is None:
                continue
            near = -far if nearest["distanceMeasure"] == "DOT_PRODUCT" else far
            key = [(far != far, near if far == far else 0)] + key
        rows.append((key, path, fields, far))
    rows.sort(key=lambda row: row[0])
    rows = rows[query.get("offset", 0):]
    rows = rows[:nearest["limit"] if nearest else query.get("limit", len(rows))]
    return [row[1:] for row in rows]


def answer(query, parent, documents):
    """[(path, fields as the query shows them)]"""
    out = []
    result_field = query.get("findNearest", {}).get("distanceResultField")
    for path, fields, far in members(query, parent, documents):
        if result_field:
            fields = {**fields, result_field: {"doubleValue": far}}
        if "select" in query:
            fields = project(fields, [x["fieldPath"] for x in query["select"].get("fields", [])])
        out.append((path, fields))
    return out


def total(values):
    """(sum as a Value, how many numbers there were)"""
    integers = [int(v["integerValue"]) for v in values if "integerValue" in v]
    doubles = [float(v["doubleValue"]) for v in values if "doubleValue" in v]
    if not doubles and -2**63 <= sum(integers) < 2**63:
        return {"integerValue": str(sum(integers))}, len(integers)
    if all(math.isfinite(x) for x in doubles):
        exact = sum((fractions.Fraction(x) for x in doubles), fractions.Fraction(sum(integers)))
        return {"doubleValue": float(exact)}, len(integers) + len(doubles)
    return {"doubleValue": sum(doubles)}, len(integers) + len(doubles)


def aggregate(query, aggregations, parent, documents):
    """{alias: Value}"""
    paths = [(a.get("sum") or a["avg"])["field"]["fieldPath"] for a in aggregations if "count" not in a]
    rows = members(query, parent, documents, paths)
    out = {}
    for a in aggregations:
        if "count" in a:
            out[a["alias"]] = {"integerValue": str(min(len(rows), int(a["count"].get("upTo", len(rows)))))}
            continue
        path = (a.get("sum") or a["avg"])["field"]["fieldPath"]
        value, numbers = total([lookup(fields, path) for _, fields, _ in rows])
        if "avg" in a:
            ((_, x),) = value.items()
            value = {"doubleValue": float(x) / numbers} if numbers else {"nullValue": None}
        out[a["alias"]] = value
    return out

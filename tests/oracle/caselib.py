"""The small language that cases/*.py are written in.

    group("get")                                     # -> recorded/get.ndjson
    case("a missing document is named in full", get("c/x"))
    case("a second read sees the first write", patch("c/a", {"n": 1}), get("c/a"), setup=[...])

Each case has a project of its own ($P, made from its name), so cases neither see each other nor depend on order.
Read-only cases may share one by `uses=fixture(...)`. Steps are requests; each answer is recorded. `setup` requests
must answer 200 and are not recorded. Fields are plain Python values, or ready Values such as ts(...) and ref(...).
"""
import base64
import hashlib
import json
import math
import urllib.parse

CASES = []
FIXTURES = {}
_group = None

DB = "/v1/projects/$P/databases/(default)"
D = DB + "/documents"
NAME = "projects/$P/databases/(default)/documents"
OWNER = {"Authorization": "Bearer owner"}


def group(name):
    global _group
    _group = name


def project_of(name):
    # Always ten characters: positions inside error messages depend on the length.
    return "o-" + hashlib.sha1(name.encode()).hexdigest()[:8]


def with_project(node, project):
    return json.loads(json.dumps(node).replace("$P", project))


def rules_request(text, **extra):
    body = {"rules": {"files": [{"name": "security.rules", "content": text}]}, **extra}
    return {"request": {"method": "PUT", "target": "/emulator/v1/projects/$P:securityRules", "body": body}}


def fixture(name, *setup):
    FIXTURES[name] = with_project({"fixture": name, "project": project_of("fixture " + name),
                                   "setup": [s["request"] for s in setup]}, project_of("fixture " + name))
    return name


def case(name, *steps, setup=(), rules=None, uses=None):
    full = f"{_group}: {name}"
    project = FIXTURES[uses]["project"] if uses else project_of(full)
    record = {"name": full, "project": project}
    if uses:
        record["uses"] = uses
    if rules is not None:
        record["rules"] = rules
    before = ([rules_request(rules)] if rules is not None else []) + list(setup)
    if before:
        record["setup"] = [s["request"] for s in before]
    record["steps"] = list(steps)
    if any(c["name"] == full for c in CASES):
        raise SystemExit(f"two cases named {full!r}")
    if not uses and any(c["project"] == project for c in CASES):
        raise SystemExit(f"two cases with project {project}: rename one of them")
    CASES.append({"group": _group, **with_project(record, project)})


# ---- values ----

def is_value(x):
    return isinstance(x, dict) and len(x) == 1 and next(iter(x)).endswith(("Value", "_value", "$nest", "$copies"))


def v(x):
    """A Value from a plain Python value."""
    if is_value(x):
        return x
    if x is None:
        return {"nullValue": None}
    if isinstance(x, bool):
        return {"booleanValue": x}
    if isinstance(x, int):
        return {"integerValue": str(x)}
    if isinstance(x, float):
        if math.isnan(x):
            return {"doubleValue": "NaN"}
        return {"doubleValue": x if math.isfinite(x) else ("Infinity" if x > 0 else "-Infinity")}
    if isinstance(x, str):
        return {"stringValue": x}
    if isinstance(x, bytes):
        return {"bytesValue": base64.b64encode(x).decode()}
    if isinstance(x, list):
        return {"arrayValue": {"values": [v(e) for e in x]} if x else {}}
    if isinstance(x, dict):
        return {"mapValue": {"fields": fields(x)} if x else {}}
    raise TypeError(repr(x))


def fields(d):
    return {k: v(x) for k, x in d.items()}


def ts(text):
    return {"timestampValue": text}


def ref(path):
    return {"referenceValue": f"{NAME}/{path}"}


def geo(lat, lng):
    return {"geoPointValue": {"latitude": lat, "longitude": lng}}


def vector(*components):
    return {"mapValue": {"fields": {"__type__": v("__vector__"), "value": v([float(c) for c in components])}}}


# ---- requests ----

def raw(method, target, body=None, headers=None, params=()):
    request = {"method": method, "target": target + query_string(params)}
    if headers:
        request["headers"] = headers
    if body is not None:
        request["body"] = body
    return {"request": request}


def query_string(params):
    pairs = params.items() if isinstance(params, dict) else params
    text = "&".join(f"{k}={x if '${' in str(x) else urllib.parse.quote(str(x), safe='')}" for k, x in pairs)
    return "?" + text if text else ""


def capture(step, **paths):
    """Keeps values of this answer (JSON pointers) for later requests of the case, there written ${name}."""
    return {**step, "capture": paths}


def get(path, params=(), headers=None):
    return raw("GET", f"{D}/{path}", None, headers, params)


def create(collection, values=None, id=None, params=(), headers=None):
    pairs = list(params.items() if isinstance(params, dict) else params)
    if id is not None:
        pairs.insert(0, ("documentId", id))
    return raw("POST", f"{D}/{collection}", {} if values is None else {"fields": fields(values)}, headers, pairs)


def patch(path, values=None, mask=None, params=(), headers=None):
    pairs = list(params.items() if isinstance(params, dict) else params)
    pairs = [("updateMask.fieldPaths", m) for m in mask or []] + pairs
    return raw("PATCH", f"{D}/{path}", {} if values is None else {"fields": fields(values)}, headers, pairs)


def delete(path, params=(), headers=None):
    return raw("DELETE", f"{D}/{path}", None, headers, params)


def call(verb, body, at="", headers=None):
    """POST D[/at]:verb"""
    return raw("POST", D + ("/" + at if at else "") + ":" + verb, body, headers)


def batch_get(*paths, headers=None, **extra):
    return call("batchGet", {"documents": [f"{NAME}/{p}" for p in paths], **extra}, headers=headers)


def commit(*writes, headers=None, **extra):
    return call("commit", {"writes": list(writes), **extra}, headers=headers)


def batch_write(*writes, headers=None, **extra):
    return call("batchWrite", {"writes": list(writes), **extra}, headers=headers or OWNER)


def set_(path, values=None, mask=None, transforms=None, pre=None):
    """An update write."""
    document = {"name": f"{NAME}/{path}"}
    if values is not None:
        document["fields"] = fields(values)
    write = {"update": document}
    if mask is not None:
        write["updateMask"] = {"fieldPaths": mask} if mask else {}
    if transforms is not None:
        write["updateTransforms"] = transforms
    if pre is not None:
        write["currentDocument"] = pre
    return write


def del_(path, pre=None):
    write = {"delete": f"{NAME}/{path}"}
    if pre is not None:
        write["currentDocument"] = pre
    return write


def verify(path, pre=None):
    write = {"verify": f"{NAME}/{path}"}
    if pre is not None:
        write["currentDocument"] = pre
    return write


def transform(path, *transforms, pre=None):
    """The legacy transform write."""
    write = {"transform": {"document": f"{NAME}/{path}", "fieldTransforms": list(transforms)}}
    if pre is not None:
        write["currentDocument"] = pre
    return write


EXISTS, MISSING = {"exists": True}, {"exists": False}


def server_time(path):
    return {"fieldPath": path, "setToServerValue": "REQUEST_TIME"}


def increment(path, by):
    return {"fieldPath": path, "increment": v(by)}


def maximum(path, by):
    return {"fieldPath": path, "maximum": v(by)}


def minimum(path, by):
    return {"fieldPath": path, "minimum": v(by)}


def append(path, *elements):
    return {"fieldPath": path, "appendMissingElements": {"values": [v(e) for e in elements]}}


def remove(path, *elements):
    return {"fieldPath": path, "removeAllFromArray": {"values": [v(e) for e in elements]}}


def docs(documents, headers=None):
    """One commit that writes many documents (as owner, so that rules do not matter)."""
    return commit(*[set_(p, x) for p, x in documents.items()], headers=headers or OWNER)


OPS = {"==": "EQUAL", "!=": "NOT_EQUAL", "<": "LESS_THAN", "<=": "LESS_THAN_OR_EQUAL", ">": "GREATER_THAN",
       ">=": "GREATER_THAN_OR_EQUAL", "in": "IN", "not-in": "NOT_IN", "contains": "ARRAY_CONTAINS",
       "contains-any": "ARRAY_CONTAINS_ANY"}


def f(path, op, value):
    return {"fieldFilter": {"field": {"fieldPath": path}, "op": OPS.get(op, op), "value": v(value)}}


def unary(path, op):
    return {"unaryFilter": {"op": op, "field": {"fieldPath": path}}}


def and_(*filters):
    return {"compositeFilter": {"op": "AND", "filters": list(filters)}}


def or_(*filters):
    return {"compositeFilter": {"op": "OR", "filters": list(filters)}}


def by(*paths):
    """orderBy from "a", "-b" (descending)."""
    return [{"field": {"fieldPath": p.lstrip("-")}, "direction": "DESCENDING" if p[0] == "-" else "ASCENDING"}
            for p in paths]


def structured(collection, where=None, order=None, limit=None, offset=None, start=None, end=None, select=None,
               **extra):
    query = {"from": [{"collectionId": collection}]} if isinstance(collection, str) else {"from": collection}
    if collection is None:
        query = {}
    if where is not None:
        query["where"] = where
    if order is not None:
        query["orderBy"] = by(*order) if order and isinstance(order[0], str) else order
    if limit is not None:
        query["limit"] = limit
    if offset is not None:
        query["offset"] = offset
    if start is not None:
        query["startAt"] = start
    if end is not None:
        query["endAt"] = end
    if select is not None:
        query["select"] = {"fields": [{"fieldPath": p} for p in select]} if select else {}
    query.update(extra)
    return query


def at(*values, before=True):
    """A cursor: startAt at(...) is inclusive, at(..., before=False) is after; endAt the other way round."""
    cursor = {"values": [v(x) for x in values]}
    if before:
        cursor["before"] = True
    return cursor


def query(collection, where=None, parent="", headers=None, request=None, **kw):
    body = {"structuredQuery": structured(collection, where, **kw), **(request or {})}
    return call("runQuery", body, parent, headers)


NAMES = ["__name__"]

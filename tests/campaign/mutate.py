"""Breaks the bodies of requests: as bytes, as JSON, as protobuf. What is round them: mutate_envelope.py.

Everything is drawn from one random.Random, so a seed names a mutant.
"""
import copy
import json

import protobuf_wire

# ---- bytes ----

TOKENS = [b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"%", b"\r\n", b"\"", b"\\", b"{", b"}",
          b"[", b"]", b"\x80" * 10,
          b"\xff" * 10, b"\\u0000", b"\\ud800", b"null", b"NaN", b"1e999", b"-", b"//", b"/*", b"__name__", b"`", b".",
          b"..", b":"]


def break_bytes(rng, data):
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        data = rng.choice((
            lambda: data[:at] + rng.choice(TOKENS) + data[at:],
            lambda: data[:at] + data[end:],
            lambda: data[:at],
            lambda: data[:end] + data[at:end] + data[end:],
            lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1:],
            lambda: data[:at] + bytes([(data[at] if at < len(data) else 0) ^ 1 << rng.randrange(8)]) + data[at + 1:],
            lambda: data[:at] + rng.choice(TOKENS) + data[end:],
            lambda: data[:at] + rng.randbytes(rng.randrange(1, 40)) + data[at:],
        ))()
    return data


def copies(rng, piece):
    """Many of the same, but no more than a megabyte."""
    return [piece] * min(rng.choice((1, 2, 30, 101, 600)), 1 + 1000000 // (len(piece) + 1))


# ---- JSON ----


class Raw(bytes):
    """JSON text as it is, sound or not."""


class Pairs(list):
    """An object whose names may repeat."""


def dump(node):
    if isinstance(node, Raw):
        return node
    if isinstance(node, (dict, Pairs)):
        pairs = node.items() if isinstance(node, dict) else node
        return b"{" + b",".join(dump(k) + b":" + dump(x) for k, x in pairs) + b"}"
    if isinstance(node, list):
        return b"[" + b",".join(dump(x) for x in node) + b"]"
    return json.dumps(node).encode()


def nested(opening, inside, closing, depth):
    return Raw(opening * depth + inside + closing * depth)


ODD_STRINGS = ["", "\0", "a\0b", "\ufeff", "\U0010ffff", "`", "a..b", "a.b", "__name__", "__x__", "*", "~", "/", "a/b",
               "a/b/c", "..", ".", "projects",
               "projects/p/databases/d/documents", "projects//databases//documents/c/d", "AA=A", "A", "====", "_-_-",
               "NaN", "Infinity", "-0", "0x10", "1e5",
               "9223372036854775808", "-9223372036854775809", "2020-13-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
               "0001-01-01T00:00:00Z",
               "10000-01-01T00:00:00Z", "2020-01-01T00:00:00+99:99", "EQUAL", "AND", "OR", "NOT_IN",
               "ARRAY_CONTAINS_ANY", "IN", "OPERATOR_UNSPECIFIED",
               "REQUEST_TIME", "null", "true", "%s%n", "${x}", "<script>", "__id5__", "__id99999999999999999999__"]
ODD_RAW = [Raw(x) for x in (b"-0", b"1e400", b"-1e400", b"1E-400", b"00", b"1.", b".5", b"+1", b"0x1", b"NaN",
                            b"Infinity", b"nul", b"tru", b"", b"'a'", b"\"\\x\"",
                            b"\"\\ud800\"", b"\"\\udc00\\ud800\"", b"\"\xff\"", b"\"\xc0\x80\"", b"\"\n\"", b"\"\x00\"",
                            b"\"", b"{", b"[", b"{\"a\"}", b"{\"a\":}",
                            b"[1,]", b"{,}", b"{\"a\":1,}", b"9" * 400, b"0." + b"1" * 5000, b"1e" + b"9" * 50,
                            b"18446744073709551616", b"-9223372036854775809",
                            b"1 2", b"//x\n1", b"/*x*/1")]
ODD_VALUES = [None, True, False, 0, 1, -1, 2, 1.5, 5e-324, 2**31, -2**31 - 1, 2**32, 2**53 + 1, 2**63, -2**63, 2**64,
              [], {}, [[]], [None], {"": 1}, {"a": 1},
              [1, [2]], {"nullValue": None}, {"integerValue": "1"}, {"arrayValue": {"values": [{"arrayValue": {}}]}},
              {"mapValue": {"fields": {"": {"nullValue": None}}}},
              {"fieldReferenceValue": "a"}, {"stringValue": 5}, {"bytesValue": "!"},
              {"geoPointValue": {"latitude": 91}}, {"referenceValue": "x"},
              {"doubleValue": "NaN"}, {"timestampValue": "now"}, {"pipelineValue": {}}, {"functionValue": {}}]
ODD_NAMES = ["", "bogus", "\0", "__proto__", "__type__", "name", "fields", "value", "values", "integerValue",
             "string_value", "field_path", "a" * 1501, "\U0001f600"]


def odd(rng):
    pick = rng.random()
    if pick < 0.3:
        return rng.choice(ODD_STRINGS)
    if pick < 0.55:
        return copy.deepcopy(rng.choice(ODD_VALUES))  # it will be changed in its turn
    if pick < 0.8:
        return rng.choice(ODD_RAW)
    if pick < 0.9:
        n = rng.choice((19, 20, 21, 50, 99, 101, 500, 5000, 50000))
        return rng.choice((nested(b'{"mapValue":{"fields":{"a":', b'{"nullValue":null}', b"}}}", n),
                           nested(b'{"arrayValue":{"values":[', b"", b"]}}", n),
                           nested(b"[", b"", b"]", n), nested(b'{"a":', b"1", b"}", n), Raw(b"[" * n),
                           Raw(b'{"a":' * n),
                           nested(b'{"compositeFilter":{"op":"AND","filters":[', b"", b"]}}", n)))
    return rng.choice(("x" * 1500, "x" * 1501, "\u00e9" * 800, "x" * 70000, "\U0001f600" * 30000,
                       "/".join(["c", "d"] * 101), ".".join(["a"] * 3000)))


def places(node):
    """(container, key) of everything inside, depth first."""
    items = ()
    if isinstance(node, dict):
        items = node.items()
    elif isinstance(node, list) and not isinstance(node, Pairs):
        items = enumerate(node)
    for key, x in items:
        yield node, key
        yield from places(x)


def break_json(rng, root):
    """root is not kept: the caller's copy. Returns the new root."""
    where = list(places(root))
    if not where or rng.random() < 0.02:
        return odd(rng)
    holder, key = rng.choice(where)
    old = holder[key]

    def rename():
        if isinstance(holder, dict):
            holder[rng.choice(ODD_NAMES + [key.upper(), key + " ", key[:-1]])] = holder.pop(key)

    def repeat():
        if isinstance(holder, list):
            holder[key:key] = copies(rng, Raw(dump(old)))
        else:
            holder[key] = [old, old] if rng.random() < 0.5 else Raw(dump(old) + b"," + dump(key) + b":" + dump(old))

    def remove():
        del holder[key]

    def replace():
        holder[key] = odd(rng)

    def retype():
        holder[key] = rng.choice((lambda: [old], lambda: {"value": old}, lambda: str(old), lambda: len(str(old)),
                                  lambda: None, lambda: bool(old)))()

    def swap():
        other, at = rng.choice(where)
        if at in other if isinstance(other, dict) else at < len(other):
            holder[key] = json.loads(json.dumps(other[at], default=lambda raw: "raw"))

    def beside():
        if isinstance(holder, dict):
            holder[rng.choice(ODD_NAMES + ["integerValue", "stringValue", "update", "delete", "fieldFilter",
                                           "unaryFilter"])] = odd(rng)

    rng.choice((rename, repeat, remove, remove, replace, replace, replace, retype, swap, beside))()
    return root


# ---- protobuf ----

ODD_INTS = [0, 1, 2, 3, 4, 99, 127, 128, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
ODD_BYTES = [b"", b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"a\0b", b"\x0a\x7f", b"\xff" * 11, b"\x80" * 11,
             b"\x0a\x00", b"\x0b\x0c", b"\x08", b"\x12\x80"]


def deep_value(rng):
    """A Value of lists in lists, or of maps in maps."""
    wrap = rng.choice((lambda x: [[9, 2, [[1, 2, x]]]], lambda x: [[6, 2, [[1, 2, [[1, 2, b"a"], [2, 2, x]]]]]]))
    data = protobuf_wire.encode([[11, 0, 0]])
    for _ in range(rng.choice((19, 20, 21, 60, 101, 400))):
        data = protobuf_wire.encode(wrap(data))
    return data


def groups(rng):
    n = rng.choice((1, 30, 101, 5000))
    return b"\x0b" * n + (b"\x0c" * n if rng.random() < 0.5 else b"")


def subtrees(fields):
    yield fields
    for x in fields:
        if isinstance(x[2], list):
            yield from subtrees(x[2])


def break_tree(rng, root):
    """Changes a tree of protobuf_wire in place."""
    fields = rng.choice([t for t in subtrees(root) if t] or [root])
    if not fields:
        fields.append([1, 2, b"x"])
    at = rng.randrange(len(fields))
    node = fields[at]

    def anything():
        return rng.choice((lambda: rng.choice(ODD_BYTES), lambda: rng.choice(ODD_STRINGS).encode(),
                           lambda: rng.randbytes(rng.randrange(30)),
                           lambda: deep_value(rng), lambda: groups(rng), lambda: b"x" * rng.choice((1500, 1501, 70000)),
                           lambda: b"/".join([b"c", b"d"] * 101)))()

    def payload():
        if node[1] == 0:
            node[2] = rng.choice(ODD_INTS)
        else:
            node[2] = rng.randbytes(len(node[2])) if node[1] in (1, 5) else anything()

    def wire_type():
        node[1] = rng.randrange(8)
        if node[1] == 0:
            node[2] = rng.choice(ODD_INTS)
        elif isinstance(node[2], int):
            node[2] = rng.choice(ODD_BYTES)

    def swap():
        other = rng.choice(rng.choice([t for t in subtrees(root) if t]))
        node[1:] = [other[1], other[2] if not isinstance(other[2], list) else protobuf_wire.encode(other[2])]

    def many():
        inside = protobuf_wire.encode(node[2]) if isinstance(node[2], list) else node[2]
        repeated = copies(rng, inside) if isinstance(inside, bytes) else [inside] * 101
        fields.extend([node[0], node[1], x] for x in repeated)

    def number():
        node[0] = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 17, 18, 19, 100, 19000, 2**29 - 1, 2**29, 2**40))

    rng.choice((lambda: fields.pop(at), lambda: fields.insert(at, node),
                many, number, number,
                wire_type, payload, payload, payload, swap, lambda: rng.shuffle(fields)))()

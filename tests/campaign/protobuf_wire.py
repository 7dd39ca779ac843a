"""Messages of google.firestore.v1 as trees of wire fields, so that they can be broken field by field.

A tree is a list of [number, wire type, payload]: an int (wire type 0), bytes (1, 5 and 2), or a tree (2).
Field numbers are of the public API definition.
"""
import base64
import datetime
import struct

# message -> {JSON name: (number, type)}; a type with * is repeated, map:T is a map from string.
SCHEMA = {
    "Document": {"name": (1, "string"), "fields": (2, "map:Value"), "createTime": (3, "time"),
                 "updateTime": (4, "time")},
    "Value": {"nullValue": (11, "null"), "booleanValue": (1, "bool"), "integerValue": (2, "int"),
              "doubleValue": (3, "double"),
              "timestampValue": (10, "time"), "stringValue": (17, "string"), "bytesValue": (18, "bytes"),
              "referenceValue": (5, "string"),
              "geoPointValue": (8, "Geo"), "arrayValue": (9, "Array"), "mapValue": (6, "Map")},
    "Geo": {"latitude": (1, "double"), "longitude": (2, "double")},
    "Array": {"values": (1, "*Value")},
    "Map": {"fields": (1, "map:Value")},
    "Mask": {"fieldPaths": (1, "*string")},
    "Precondition": {"exists": (1, "bool"), "updateTime": (2, "time")},
    "Options": {"readOnly": (2, "ReadOnly"), "readWrite": (3, "ReadWrite")},
    "ReadOnly": {"readTime": (2, "time")},
    "ReadWrite": {"retryTransaction": (1, "bytes")},
    "Transform": {"fieldPath": (1, "string"), "setToServerValue": (2, "enum"), "increment": (3, "Value"),
                  "maximum": (4, "Value"),
                  "minimum": (5, "Value"), "appendMissingElements": (6, "Array"), "removeAllFromArray": (7, "Array")},
    "DocumentTransform": {"document": (1, "string"), "fieldTransforms": (2, "*Transform")},
    "WriteOp": {"update": (1, "Document"), "delete": (2, "string"), "updateMask": (3, "Mask"),
                "currentDocument": (4, "Precondition"),
                "verify": (5, "string"), "transform": (6, "DocumentTransform"), "updateTransforms": (7, "*Transform")},
    "Field": {"fieldPath": (2, "string")},
    "Projection": {"fields": (2, "*Field")},
    "Selector": {"collectionId": (2, "string"), "allDescendants": (3, "bool")},
    "Order": {"field": (1, "Field"), "direction": (2, "enum")},
    "Cursor": {"values": (1, "*Value"), "before": (2, "bool")},
    "Filter": {"compositeFilter": (1, "Composite"), "fieldFilter": (2, "FieldFilter"), "unaryFilter": (3, "Unary")},
    "Composite": {"op": (1, "enum"), "filters": (2, "*Filter")},
    "FieldFilter": {"field": (1, "Field"), "op": (2, "enum"), "value": (3, "Value")},
    "Unary": {"op": (1, "enum"), "field": (2, "Field")},
    "Wrapped": {"value": (1, "int")},
    "WrappedDouble": {"value": (1, "double")},
    "Nearest": {"vectorField": (1, "Field"), "queryVector": (2, "Value"), "distanceMeasure": (3, "enum"),
                "limit": (4, "wrapped"),
                "distanceResultField": (5, "string"), "distanceThreshold": (6, "wrappedDouble")},
    "Query": {"select": (1, "Projection"), "from": (2, "*Selector"), "where": (3, "Filter"), "orderBy": (4, "*Order"),
              "limit": (5, "wrapped"),
              "offset": (6, "int"), "startAt": (7, "Cursor"), "endAt": (8, "Cursor"), "findNearest": (9, "Nearest")},
    "AggregationQuery": {"structuredQuery": (1, "Query"), "aggregations": (3, "*Aggregation")},
    "Aggregation": {"count": (1, "Count"), "sum": (2, "Over"), "avg": (3, "Over"), "alias": (7, "string")},
    "Count": {"upTo": (1, "wrapped")},
    "Over": {"field": (1, "Field")},
    "Explain": {"analyze": (1, "bool")},
    "GetDocument": {"name": (1, "string"), "mask": (2, "Mask"), "transaction": (3, "bytes"), "readTime": (5, "time")},
    "ListDocuments": {"parent": (1, "string"), "collectionId": (2, "string"), "pageSize": (3, "int"),
                      "pageToken": (4, "string"),
                      "orderBy": (6, "string"), "mask": (7, "Mask"), "transaction": (8, "bytes"),
                      "readTime": (10, "time"), "showMissing": (12, "bool")},
    "CreateDocument": {"parent": (1, "string"), "collectionId": (2, "string"), "documentId": (3, "string"),
                       "document": (4, "Document"), "mask": (5, "Mask")},
    "UpdateDocument": {"document": (1, "Document"), "updateMask": (2, "Mask"), "mask": (3, "Mask"),
                       "currentDocument": (4, "Precondition")},
    "DeleteDocument": {"name": (1, "string"), "currentDocument": (2, "Precondition")},
    "BatchGetDocuments": {"database": (1, "string"), "documents": (2, "*string"), "mask": (3, "Mask"),
                          "transaction": (4, "bytes"),
                          "newTransaction": (5, "Options"), "readTime": (7, "time")},
    "BeginTransaction": {"database": (1, "string"), "options": (2, "Options")},
    "Commit": {"database": (1, "string"), "writes": (2, "*WriteOp"), "transaction": (3, "bytes")},
    "Rollback": {"database": (1, "string"), "transaction": (2, "bytes")},
    "RunQuery": {"parent": (1, "string"), "structuredQuery": (2, "Query"), "transaction": (5, "bytes"),
                 "newTransaction": (6, "Options"),
                 "readTime": (7, "time"), "explainOptions": (10, "Explain")},
    "RunAggregationQuery": {"parent": (1, "string"), "structuredAggregationQuery": (2, "AggregationQuery")},
    "PartitionQuery": {"parent": (1, "string"), "structuredQuery": (2, "Query"), "partitionCount": (3, "int"),
                       "pageToken": (4, "string"), "pageSize": (5, "int")},
    "ListCollectionIds": {"parent": (1, "string"), "pageSize": (2, "int"), "pageToken": (3, "string")},
    "BatchWrite": {"database": (1, "string"), "writes": (2, "*WriteOp"), "labels": (3, "map:string")},
    "ExecutePipeline": {"database": (1, "string")},
    "Write": {"database": (1, "string")},
    "Listen": {"database": (1, "string")},
}
ENUMS = {"AND": 1, "OR": 2, "LESS_THAN": 1, "LESS_THAN_OR_EQUAL": 2, "GREATER_THAN": 3, "GREATER_THAN_OR_EQUAL": 4,
         "EQUAL": 5, "NOT_EQUAL": 6,
         "ARRAY_CONTAINS": 7, "IN": 8, "ARRAY_CONTAINS_ANY": 9, "NOT_IN": 10, "IS_NAN": 2, "IS_NULL": 3,
         "IS_NOT_NAN": 4, "IS_NOT_NULL": 5,
         "ASCENDING": 1, "DESCENDING": 2, "EUCLIDEAN": 1, "REQUEST_TIME": 1}
MASK64 = (1 << 64) - 1


def varint(n):
    n &= MASK64
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def timestamp(text):
    stamp = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    seconds = int(stamp.replace(microsecond=0).timestamp())
    return [[1, 0, seconds], [2, 0, stamp.microsecond * 1000]]


def one(number, kind, x):
    if kind in ("string", "bytes"):
        return [number, 2, x.encode() if kind == "string" else base64.b64decode(x)]
    if kind in ("int", "bool", "null", "enum"):
        return [number, 0, ENUMS[x] if kind == "enum" else int(x or 0)]
    if kind == "double":
        return [number, 1, struct.pack("<d", float(x))]
    if kind == "time":
        return [number, 2, timestamp(x)]
    if kind in ("wrapped", "wrappedDouble"):
        return [number, 2, tree({"value": x}, kind[0].upper() + kind[1:])]
    return [number, 2, tree(x, kind)]


def tree(message, kind):
    """The fields of a message given as proto-JSON."""
    out = []
    for name, x in message.items():
        number, how = SCHEMA[kind][name]
        if how.startswith("*"):
            out += [one(number, how[1:], e) for e in x]
        elif how.startswith("map:"):
            out += [[number, 2, [[1, 2, k.encode()], one(2, how[4:], e)]] for k, e in x.items()]
        else:
            out.append(one(number, how, x))
    return out


def encode(fields):
    out = bytearray()
    for number, wire_type, payload in fields:
        out += varint(number << 3 | wire_type)
        if isinstance(payload, int):
            out += varint(payload)
        elif wire_type == 2:
            inside = encode(payload) if isinstance(payload, list) else payload
            out += varint(len(inside)) + inside
        else:
            out += payload if isinstance(payload, bytes) else encode(payload)
    return bytes(out)

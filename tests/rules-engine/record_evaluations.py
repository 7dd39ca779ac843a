#!/usr/bin/env python3
"""Listens to the Requests feed of a running Firestore emulator while a few requests are judged, and writes down what it
tells of each.

    record_evaluations.py HOST:PORT WEBSOCKET_PORT > evaluation/recorded.ndjson

Standard library only. Google's emulator evaluates first without documents and tells that too, and each record lists
the outcomes of all before it: of a document the last record is kept, of a query all, each with its own outcomes.
"""
import base64
import json
import os
import select
import socket
import struct
import sys

from record_verdicts import TOKEN, Emulator, jwt, put_documents, ruleset, with_project

PROJECT = "demo-p"
NAME = f"projects/{PROJECT}/databases/(default)/documents/"


class Feed:
    """A WebSocket that only listens."""

    def __init__(self, host, port):
        self.socket, self.data = socket.create_connection((host, port)), b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f"GET /requests HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.data:
            self.data += self.socket.recv(65536)
        self.data = self.data.split(b"\r\n\r\n", 1)[1]

    def has(self, n, patience):
        while len(self.data) < n:
            if not select.select([self.socket], [], [], patience)[0]:
                return False
            self.data += self.socket.recv(1 << 20)
        return True

    def message(self, patience):
        """The next text, or None; messages of one frame are all there are."""
        if not self.has(2, patience):
            return None
        length, head = self.data[1] & 127, 2
        if length >= 126:
            head = 4 if length == 126 else 10
            self.has(head, 5)
            length, = struct.unpack(">H" if head == 4 else ">Q", self.data[2:head])
        self.has(head + length, 5)
        text, self.data = self.data[head:head + length], self.data[head + length:]
        return text.decode()

    def told(self):
        found = []
        while (text := self.message(0.4)) is not None:
            found.append(json.loads(text))
        return found


RULES = ruleset([
    "    function f(x) { return x == 3; }",
    "    match /c/{id} {",
    "      allow read: if request.auth != null && resource.data.n > 1;",
    "      allow get: if f(1) || exists(/databases/$(database)/documents/u/v);",
    "      allow create, update: if request.resource.data.n == 5;",
    "      allow write: if resource.data.zz == 1;",
    "      allow delete: if true;",
    "    }",
    "    match /d/{id} { allow read, write; }",
    "    match /e/{id} { allow read: if resource.data.n; allow get: if 1 / 0 == 1; allow list: if 'x'; }",
    "    match /{path=**}/s/{id} { allow list: if request.query.limit <= 3; }",
])
DOCS = {"c/a": {"n": {"integerValue": "2"}, "m": {"mapValue": {"fields": {"x": {"stringValue": "q"}}}}, "z": {"nullValue": None},
                "t": {"timestampValue": "2024-02-29T12:34:56.789123Z"}, "r": {"referenceValue": "projects/{p}/databases/(default)/documents/u/v"},
                "g": {"geoPointValue": {"latitude": 1, "longitude": -2.5}}, "by": {"bytesValue": "AAH/"}, "d": {"doubleValue": 1.5},
                "nan": {"doubleValue": "NaN"}, "l": {"arrayValue": {"values": [{"integerValue": "1"}, {"booleanValue": True}]}},
                "e": {"arrayValue": {}}, "v": {"mapValue": {"fields": {"__type__": {"stringValue": "__vector__"}, "value": {"arrayValue": {
                    "values": [{"doubleValue": 1.5}]}}}}}},
        "c/low": {"n": {"integerValue": "0"}}, "e/a": {"n": {"integerValue": "1"}}}
FIVE = {"n": {"integerValue": "5"}}
WITH_K = {"n": {"integerValue": "5"}, "k": {"integerValue": "1"}}


def field(path, op, value):
    return {"fieldFilter": {"field": {"fieldPath": path}, "op": op, "value": value}}


def listing(name, collection, filters=(), disjuncts=((),), parent="", auth=TOKEN, **parts):
    """A query: as it is sent, and as the rules engine is told it."""
    source = {"collectionId": collection, **({"allDescendants": True} if parts.pop("group", False) else {})}
    query = {"from": [source], **parts}
    if filters:
        query["where"] = {"compositeFilter": {"op": parts.pop("op", "AND"), "filters": list(filters)}}
    return {"name": name, "op": "list", "path": parent, "auth": auth, "query": query, "disjuncts": [list(d) for d in disjuncts]}


def reading(name, path, auth=TOKEN):
    return {"name": name, "op": "get", "path": path, "auth": auth}


def writing(name, op, path, write, after=None, **told):
    return {"name": name, "op": op, "path": path, "auth": TOKEN, "write": write, **({"after": after} if after else {}), **told}


INT = {"integerValue": "3"}
SAMPLES = [
    reading("a get that is allowed", "c/a"), reading("a get that is denied", "c/low"), reading("a get of what is missing", "c/none"),
    reading("a get by nobody", "c/a", None), reading("a get that nothing matches", "zz/a"), reading("a get that all may", "d/a", None),
    reading("a get with errors alone", "e/a"),
    writing("a create that is denied", "create", "c/new", {"update": {"name": NAME + "c/new", "fields": {"n": INT}}, "currentDocument": {"exists": False}},
            {"n": INT}, inserted=True),
    writing("a create that is allowed", "create", "c/new", {"update": {"name": NAME + "c/new", "fields": FIVE}, "currentDocument": {"exists": False}},
            FIVE, inserted=True),
    writing("an update by mask and transform", "update", "c/low", {"update": {"name": NAME + "c/low", "fields": FIVE}, "updateMask": {"fieldPaths": ["n"]},
            "updateTransforms": [{"fieldPath": "k", "increment": {"integerValue": "1"}}], "currentDocument": {"exists": True}}, WITH_K, mask=["n"],
            transforms=["k"]),
    writing("an update that is denied", "update", "c/low", {"update": {"name": NAME + "c/low", "fields": {"n": INT}}, "currentDocument": {"exists": True}},
            {"n": INT}),
    writing("a delete", "delete", "c/low", {"delete": NAME + "c/low"}),
    listing("a list", "d", limit=7), listing("a list that is denied", "c"), listing("a list of values", "e", [field("n", "EQUAL", INT)], [["n == 3"]]),
    listing("a list that is proved", "c", [field("n", "GREATER_THAN", INT)], [["n > 3"]], limit=3,
            orderBy=[{"field": {"fieldPath": "n"}, "direction": "DESCENDING"}]),
    listing("a list with two disjuncts", "c", [field("n", "IN", {"arrayValue": {"values": [{"integerValue": "3"}, {"integerValue": "0"}]}})],
            [["n == 3"], ["n == 0"]]),
    listing("constraints of many kinds", "c", [field("a.b", "EQUAL", INT), field("a.c", "GREATER_THAN_OR_EQUAL", INT), field("t", "ARRAY_CONTAINS", INT),
                                               field("n", "NOT_IN", {"arrayValue": {"values": [INT, {"integerValue": "4"}]}})],
            [["a.b == 3", "a.c >= 3", "t array-contains 3", "n not-in 3,4"]]),
    listing("a collection group", "s", group=True, limit=3), listing("a collection group below a document", "s", parent="a/b", group=True, limit=4),
    listing("a collection below a document", "s", parent="a/b", limit=3),
    listing("a list for one name", "c", [field("__name__", "EQUAL", {"referenceValue": NAME + "c/a"})], [["__name__ == c/a"]]),
]


def send(emulator, sample):
    token = jwt(sample["auth"]) if sample["auth"] else None
    if sample["op"] == "get":
        return emulator.documents(PROJECT, "GET", "/" + sample["path"], None, token)
    if sample["op"] == "list":
        parent = "/" + sample["path"] if sample["path"] else ""
        return emulator.documents(PROJECT, "POST", parent + ":runQuery", {"structuredQuery": sample["query"]}, token)
    return emulator.documents(PROJECT, "POST", ":commit", {"writes": [sample["write"]]}, token)


def kept(sample, told):
    records, before = [], 0
    for record in told:
        own = record["granularAllowOutcomes"][before:]
        before = len(record["granularAllowOutcomes"])
        records.append({"rulesContext": record["rulesContext"], "granularAllowOutcomes": own, "outcome": record["outcome"]})
    by_name = len(records) == 2 and records[0]["rulesContext"]["resource"] == {"undefined": {}}
    return records if sample["op"] == "list" and not by_name else records[-1:]


def main():
    emulator = Emulator(sys.argv[1])
    feed = Feed(sys.argv[1].rsplit(":", 1)[0], int(sys.argv[2]))
    code, answer = emulator.rules(PROJECT, RULES)
    assert code == 200, answer
    docs = with_project(DOCS, PROJECT)
    print(json.dumps({"rules": RULES, "docs": docs}))
    feed.told()
    for sample in SAMPLES:
        put_documents(emulator, PROJECT, docs)
        feed.told()
        send(emulator, sample)
        print(json.dumps({**sample, "records": kept(sample, feed.told())}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

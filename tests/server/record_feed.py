#!/usr/bin/env python3
"""Sends a few requests to a running Firestore emulator and writes down what its Requests feed tells of each.

    record_feed.py HOST:PORT WEBSOCKET_PORT > feed/recorded.ndjson

Standard library only. test_feed.py sends the same requests and compares. What single decisions tell is recorded in
tests/rules-engine/evaluation; here it is which requests are told at all, in which order, and what an entry is made of.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rules-engine"))
from record_evaluations import FIVE, NAME, PROJECT, RULES, DOCS, Feed
from record_verdicts import TOKEN, Emulator, jwt, put_documents, with_project

OTHER = "demo-q"
INSERT = {"currentDocument": {"exists": False}}
COUNT = {"structuredAggregationQuery": {"structuredQuery": {"from": [{"collectionId": "d"}]}, "aggregations": [{"count": {}}]}}


def request(name, method, path, body=None, who="user", project=PROJECT):
    return {"name": name, "method": method, "path": path, "body": body, "who": who, "project": project}


def write(document, fields=FIVE):
    return {"update": {"name": NAME + document, "fields": fields}, **INSERT}


SCRIPT = [
    request("a get", "GET", "/c/a"),
    request("a get that is denied", "GET", "/c/low"),
    request("a get by nobody", "GET", "/c/a", who="nobody"),
    request("a get in another project", "GET", "/d/x", project=OTHER),
    request("a batch of gets", "POST", ":batchGet", {"documents": [NAME + "c/a", NAME + "d/none", NAME + "d/x"]}),
    request("a get in a transaction", "POST", ":batchGet", {"documents": [NAME + "c/a"], "newTransaction": {"readOnly": {}}}),
    request("a list", "GET", "/d?pageSize=3"),
    request("a query", "POST", ":runQuery", {"structuredQuery": {"from": [{"collectionId": "d"}], "limit": 2}}),
    request("a query that is denied", "POST", ":runQuery", {"structuredQuery": {"from": [{"collectionId": "zz"}]}}),
    request("a count", "POST", ":runAggregationQuery", COUNT),
    request("a create", "POST", "/c?documentId=made", {"fields": FIVE}),
    request("a create without a name", "POST", "/c", {"fields": FIVE}),
    request("an update", "PATCH", "/c/low?currentDocument.exists=true", {"fields": FIVE}),
    request("a delete", "DELETE", "/c/low?currentDocument.exists=true"),
    request("a commit of two", "POST", ":commit", {"writes": [write("c/one"), write("d/two", {})]}),
    request("a commit that is denied", "POST", ":commit", {"writes": [write("c/three", {"n": {"integerValue": "4"}})]}),
    request("a list of collections", "POST", ":listCollectionIds", {}),
    request("what has errors", "GET", "/e/a"),
    request("an owner's get", "GET", "/c/a", who="owner"),
    request("an owner's commit", "POST", ":commit", {"writes": [write("c/four")]}, who="owner"),
]


def prepare(emulator):
    """The same rules and documents before each request."""
    put_documents(emulator, PROJECT, with_project(DOCS, PROJECT))
    for document in ("c/made", "c/one", "d/two", "c/three", "c/four"):
        emulator.documents(PROJECT, "DELETE", "/" + document, None, "owner")


def send(emulator, r):
    token = {"user": jwt(TOKEN), "owner": "owner", "nobody": None}[r["who"]]
    return emulator.documents(r["project"], r["method"], r["path"], r["body"], token)


def last_of_each(told):
    """Google's emulator evaluates first without the document, tells that too, and lists the outcomes of all before: of
    each document and method the last entry, with its own outcomes where one document is all that was asked for."""
    entries = {}
    for entry in told:
        context = entry["rulesContext"]
        key = context["path"], context["method"]
        before = len(entries[key][1]["granularAllowOutcomes"]) if key in entries else 0
        entries[key] = entry["granularAllowOutcomes"][before:], entry
    return [{**entry, "granularAllowOutcomes": own if len(entries) == 1 else None} for own, entry in entries.values()]


def main():
    emulator = Emulator(sys.argv[1])
    feed = Feed(sys.argv[1].rsplit(":", 1)[0], int(sys.argv[2]))
    for project in (PROJECT, OTHER):
        assert emulator.rules(project, RULES)[0] == 200
    print(json.dumps({"first message": json.loads(feed.message(5))}))
    for r in SCRIPT:
        prepare(emulator)
        feed.told()
        send(emulator, r)
        print(json.dumps({**r, "told": last_of_each(feed.told())}, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

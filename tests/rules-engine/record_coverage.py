#!/usr/bin/env python3
"""Asks a running Firestore emulator for its coverage report after a few requests, and writes it down.

    record_coverage.py HOST:PORT > coverage/recorded.json

tests/server/test_cli.py sends the same to our server and compares. Compared are the tree and which values each
expression had, not how often: Google's emulator evaluates twice, first with documents it has not read yet, and each
set() as create and as update. What that first pass says ({"undefined": {}}) and server times are left out.
"""
import json
import re
import sys

from record_verdicts import DOC, TOKEN, Emulator, jwt, with_project

PROJECT = "demo-coverage"
RULES = """rules_version = '2';
function top(a) { return a == 1 || 2 == 2; }
service cloud.firestore {
  match /databases/{database}/documents {
    function ok(a, b) { let x = a + 1; let y = x * 2; return y > 2 && b; }
    function never(c) { return c; }
    match /t/{id} {
      allow get: if request.auth.uid == 'alice' && (resource.data.n > 8 || resource.data.missing == 1) && ok(resource.data.n, true);
      allow get: if false;
      allow get: if !('s' in resource.data) ? 1 == 1 : [1, resource.data.n, 'x'].hasAny([8]) && {'a': id, 'b': {'c': 2}}.a == id;
      allow get: if -resource.data.n == -8 || resource.data['s'][0:1] == 'b' || resource.data.s is string && math.abs(-1) == 2;
      allow get: if exists(/databases/$(database)/documents/u/$(id)) || "é𝄞" == id || 1 / 0 == 1 || debug(resource.data.s) == 's';
      allow get: if resource.data.by == b'abc' || resource.data.t > timestamp.date(2030, 1, 1) && duration.value(1, 'h') == duration.value(2, 'm')
        || resource.data.g == latlng.value(1.0, 0.0) || {'a':1}.diff({'b':2}) == [1].toSet() || 1.5 > 2.5 || resource.data.d == 1.0 || request.path == /a/b;
      allow get: if (id in ['m1', 'm2',]) && ((later(id)));
      allow get: if id[0:] == 'zz' || id[:1] == 'zz' || id[:] == 'z';
      allow get: if /databases/$(database)/documents/u/{id} == /a/b || /{x=**} == /a/$(id) || resource.data.n == 7 && top(1,);
      allow get: if true && (true == (!true || !!false));
      allow list: if resource.data.n > 5 && resource.data.n != 3 && resource.data.s == 'x' && request.query.limit < 10;
      allow update: if request.resource.data.size() == 0 || request.resource.data.keys().hasAll(['a']) && resource.data.l != [] && never(true);
      allow delete: if ok(2, resource != null);
      function later(b) { return true; }
      function later2(b) { let c = 1; return (b == c); }
      function later3(b) { let c = b; let d = 5; return d; }
      match /v/{w} { allow read: if w == id; function inner() { return resource == null; } }
    }
  }
  function s(q) { return (q is string) == (true); }
}
function bottom() { return request.auth != null; }
"""


def filters(*each):
    parts = [{"fieldFilter": {"field": {"fieldPath": f}, "op": op, "value": v}} for f, op, v in each]
    return {"structuredQuery": {"from": [{"collectionId": "t"}], "limit": 20, "where":
                                {"compositeFilter": {"op": "AND", "filters": parts}}}}


def exercise(emulator):
    """Sets the rules, sends the requests, gives the coverage report."""
    token = jwt(TOKEN)
    code, answer = emulator.rules(PROJECT, RULES)
    assert code == 200, answer
    emulator.documents(PROJECT, "PATCH", "/t/d1", {"fields": with_project(DOC, PROJECT)}, "owner")
    emulator.documents(PROJECT, "GET", "/t/d1", None, token)
    emulator.documents(PROJECT, "GET", "/t/d1", None, token)
    emulator.documents(PROJECT, "POST", ":runQuery", filters(
        ("n", "GREATER_THAN", {"integerValue": "7"}), ("s", "EQUAL", {"stringValue": "x"})), token)
    emulator.documents(PROJECT, "PATCH", "/t/d1?currentDocument.exists=true",
                       {"fields": {"a": {"integerValue": "1"}}}, token)
    code, answer = emulator.call("GET", f"/emulator/v1/projects/{PROJECT}:ruleCoverage", None, "owner")
    assert code == 200, answer
    return answer["report"]


def value_text(value):
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return re.sub(r'"20[0-9-]+T[0-9:]+\.[0-9]{3}Z"', '"NOW"', text)


def plain(node):
    """[line, column, first offset, last offset, values, children]: what is compared."""
    at = node["sourcePosition"]
    values = {value_text(v["value"]) for v in node.get("values", ()) if v["value"] != {"undefined": {}}}
    return [at["line"], at["column"], at["currentOffset"], at["endOffset"], sorted(values),
            [plain(child) for child in node.get("children", ())]]


def main():
    report = [plain(node) for node in exercise(Emulator(sys.argv[1]))]
    print("[\n" + ",\n".join(json.dumps(root, ensure_ascii=False) for root in report) + "\n]")


if __name__ == "__main__":
    main()

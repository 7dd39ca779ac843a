#!/usr/bin/env python3
"""Records what Google's emulator 1.19.9 says about the rulesets of compile_cases.py.

    record_compile.py HOST:PORT > compile/recorded.ndjson

One line a ruleset: {"name", "rules", "issues": [[severity, line, column, offset, end offset, text], ...]}, with
"refusal" (the message of the 400 that it answers without ignore_errors) where there is an error. Only the
standard library is used. test_compile_recorded.c replays the file.
"""
import http.client
import json
import sys

from compile_cases import cases


def put(emulator, project, rules, ignore_errors):
    """Its answer, by an open http.client.HTTPConnection."""
    body = {"rules": {"files": [{"name": "firestore.rules", "content": rules}]}}
    if ignore_errors:
        body["ignore_errors"] = True
    emulator.request("PUT", "/emulator/v1/projects/%s:securityRules" % project, json.dumps(body),
                     {"Authorization": "Bearer owner", "Content-Type": "application/json"})
    return json.load(emulator.getresponse())


def row(issue):
    at = issue.get("sourcePosition", {})
    return [issue["severity"][0], at.get("line", 0), at.get("column", 0), at.get("currentOffset", 0),
            at.get("endOffset", 0), issue["description"]]


def main():
    emulator = http.client.HTTPConnection(sys.argv[1], timeout=40)
    for number, (name, rules) in enumerate(cases.items()):
        answer = put(emulator, "compile-%d" % number, rules, True)
        if "error" in answer:  # the emulator failed: nothing to learn
            print("skipped: %s: %s" % (name, answer["error"]), file=sys.stderr)
            continue
        record = {"name": name, "rules": rules, "issues": [row(i) for i in answer.get("issues", [])]}
        if any(issue[0] == "E" for issue in record["issues"]) and number % 10 == 0:
            record["refusal"] = put(emulator, "refused-%d" % number, rules, False)["error"]["message"]
        print(json.dumps(record, ensure_ascii=False))


if __name__ == "__main__":
    main()

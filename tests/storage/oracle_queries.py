#!/usr/bin/env python3
"""oracle_queries.py - answers of Google's emulator 1.19.9 to the queries of query_cases.py, replayed.

  oracle_queries.py DRIVER ANSWERS              put the cases to query_driver and compare (ctest)
  oracle_queries.py --record HOST:PORT ANSWERS  put them to a live emulator and write ANSWERS

Python's standard library only. ANSWERS has a line for each different case: a checksum of the case, and
{"names": [...]}, {"documents": [...]} when there is a projection, or {"error": [code, message]}. Names are
relative to the documents root, which messages show as {D}.
"""
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zlib

import query_cases

ROOT = "projects/demo-q/databases/(default)/documents"


def expand(value):
    """{D} in every string of a JSON value."""
    if isinstance(value, str):
        return value.replace("{D}", ROOT)
    if isinstance(value, list):
        return [expand(x) for x in value]
    if isinstance(value, dict):
        return {k: expand(x) for k, x in value.items()}
    return value


def key_of(case):
    return "%08x" % zlib.crc32(json.dumps(case, sort_keys=True).encode())


def short(name):
    return name[len(ROOT) + 1:]


def error_answer(error):
    return {"error": [error["status"], error.get("message", "").replace(ROOT, "{D}")]}


def canonical(value):
    """Numbers that mean the same, however they are printed."""
    if isinstance(value, dict):
        if set(value) == {"doubleValue"}:
            return {"doubleValue": repr(float(value["doubleValue"]))}
        return {k: canonical(x) for k, x in value.items()}
    if isinstance(value, list):
        return [canonical(x) for x in value]
    return value


def documents_answer(documents, case):
    if "select" in case["query"]:
        return {"documents": [[short(d["name"]), canonical(d.get("fields"))] for d in documents]}
    return {"names": [short(d["name"]) for d in documents]}


# ---- the live emulator ----


def request(host, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    req = urllib.request.Request(f"http://{host}/{path}", data=data, method=method)
    req.add_header("Authorization", "Bearer owner")
    if data is not None:
        req.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(req, timeout=20) as response:
            return json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        return json.loads(error.read() or b"null")


def ask_live(host, case):
    url = f"v1/{ROOT}" + ("/" + case["parent"] if case["parent"] else "") + ":runQuery"
    reply = request(host, "POST", url, {"structuredQuery": expand(case["query"])})
    if isinstance(reply, dict):
        return error_answer(reply["error"])
    return documents_answer([r["document"] for r in reply if "document" in r], case)


def list_live(host, case):
    params = urllib.parse.urlencode(case["params"], quote_via=urllib.parse.quote)
    reply = request(host, "GET", f"v1/{ROOT}/{case['path']}?{params}")
    if "error" in reply:
        return error_answer(reply["error"])
    names = [short(d["name"]) for d in reply.get("documents", [])]
    return {"names": names, "more": "nextPageToken" in reply}


def record(host, out):
    for path, fields in query_cases.DOCS.items():
        write = {"update": {"name": f"{ROOT}/{path}", "fields": expand(fields)}}
        reply = request(host, "POST", f"v1/{ROOT}:commit", {"writes": [write]})
        assert "error" not in reply, (path, reply)
    answers = {}
    for case in query_cases.CASES:
        answers[key_of(case)] = ask_live(host, case)
    for case in query_cases.LISTS:
        answers[key_of(case)] = list_live(host, case)
    with open(out, "w") as file:
        for key, answer in answers.items():
            file.write(json.dumps([key, answer], separators=(",", ":")) + "\n")


# ---- query_driver ----


def driver_line(case):
    if "params" in case:
        names = {"orderBy": "order_by", "pageSize": "page_size", "pageToken": "page_token"}
        body = {names.get(k, k): v for k, v in case["params"].items()}
        if "showMissing" in body:
            body["showMissing"] = True
        return "L" + json.dumps({"parent": ROOT, "collectionId": case["path"], **body})
    parent = ROOT + ("/" + case["parent"] if case["parent"] else "")
    return "Q" + json.dumps({"parent": parent, "structuredQuery": expand(case["query"])})


def ask_driver(driver, cases):
    lines = [
        "D" + json.dumps({"name": f"{ROOT}/{path}", "fields": expand(fields)})
        for path, fields in query_cases.DOCS.items()
    ]
    lines += [driver_line(case) for case in cases]
    run = subprocess.run([driver], input="\n".join(lines).encode() + b"\n", stdout=subprocess.PIPE, check=True)
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(replies) == len(cases), (len(replies), len(cases))
    return replies


def driver_answer(reply, case):
    if "error" in reply:
        code, message = reply["error"]
        return error_answer({"status": code, "message": message})
    if "params" in case:
        return {"names": [short(d["name"]) for d in reply["documents"]], "more": "token" in reply}
    return documents_answer(reply["documents"], case)


def known_difference(case, answer, ours):
    """Why ours may differ: each of these is in the table of differences."""
    if "findNearest" in case.get("query", {}):
        return ours.get("error", [""])[0] == "UNIMPLEMENTED"
    if "\0" in json.dumps(answer).replace("\\u0000", "\0"):  # NUL is shown as \x00 in our messages
        return [x.replace("\\x00", "\0") for x in ours.get("error", [])] == answer["error"]
    if "00.500000999Z" in json.dumps(case):  # our codec cuts every time to microseconds, operands too
        return ours["names"][1:] == answer["names"]
    if case.get("params", {}).get("pageToken") == "!!":  # 500 UNKNOWN there
        return ours == {"error": ["INVALID_ARGUMENT", "invalid page token"]}
    return False


def replay(driver, recorded):
    with open(recorded) as file:
        answers = dict(json.loads(line) for line in file)
    cases = query_cases.CASES + query_cases.LISTS
    failed = 0
    for case, reply in zip(cases, ask_driver(driver, cases)):
        answer, ours = answers.get(key_of(case)), driver_answer(reply, case)
        if answer != ours and not known_difference(case, answer, ours):
            failed += 1
            if failed <= 20:
                print(f"case   {json.dumps(case)[:1500]}\nGoogle {json.dumps(answer)[:600]}\nours   {json.dumps(ours)[:600]}\n")
    print(f"{len(cases)} cases, {failed} differ")
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "--record":
        record(sys.argv[2], sys.argv[3])
    else:
        sys.exit(1 if replay(sys.argv[1], sys.argv[2]) else 0)

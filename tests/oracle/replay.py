#!/usr/bin/env python3
"""Replays the recorded answers of Google's emulator (1.19.9) against a server, and compares.

    replay.py HOST:PORT [--only PATTERN] [--every N] [--http2] [--list-differences] [--google] [--verbose]

Start the server with no --rules and empty data. --only takes a pattern (fnmatch, or a plain part) of case names.
--every takes each Nth of those. --http2 asks over HTTP/2 (needs hpack), for the same answers: Google's emulator has none there.
--google expects the recorded answers themselves, as a check of this tool against Google's emulator: no differences,
nothing of ours.json.

Known differences are rows of differences.json, at most 15. A case that a row names must answer what the row says,
and a row that no longer differs is a failure. Requests that hang Google's emulator are in ours.json, with the answer
we give.

Last line: "N passed, M failed, K known differences". Exit 0, 1 something failed, 2 no server there.
"""
import argparse
import fnmatch
import http.client
import json
import pathlib
import re
import sys

import wire

HERE = pathlib.Path(__file__).resolve().parent
MAX_ROWS = 15


def load_lines():
    fixtures, cases = {}, []
    for path in sorted((HERE / "recorded").glob("*.ndjson")):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if "fixture" in record:
                    fixtures[record["fixture"]] = record
                else:
                    cases.append(record)
    # /reset drops what other cases hold: its group is last.
    cases.sort(key=lambda c: c["name"].startswith("zz_"))
    return fixtures, cases


def matches(name, pattern):
    # A pattern without * or ? is a part of the name; [ is no special character in either.
    if not re.search(r"[*?]", pattern):
        return pattern in name
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


# ---- denial messages: Google's repeats reasons ----

ENTRY = re.compile(r"(.*?) for '(\w+)' @ L(\d+)(?:, |$)", re.S)


def denial_entries(message):
    """[(reason, method, line)] of a PERMISSION_DENIED message of the rules, or None when it is no such message."""
    if not message.startswith("\n"):
        return None
    entries, at = [], 1
    while at < len(message):
        m = ENTRY.match(message, at)
        if not m or m.end() == at:
            return None
        entries.append((m[1], m[2], m[3]))
        at = m.end()
    return entries


def essential(entries):
    """Each reason once, and no "evaluation error at" of the first pass where a later pass gave the reason."""
    unique = list(dict.fromkeys(entries))
    told = {e[1:] for e in unique if not e[0].startswith("evaluation error at ")}
    return [e for e in unique if not (e[0].startswith("evaluation error at ") and e[1:] in told)]


def denial_difference(google, ours):
    """None when `ours` says what `google` says, each reason once, for the methods that were really tried.

    Google evaluates first without the document and then with it, so it repeats itself, gives "evaluation error at
    Lx:y" for what the first pass could not know, and names both create and update for a write that may be either.
    """
    theirs, mine = denial_entries(google), denial_entries(ours)
    if theirs is None:
        return None if google == ours else f"expected {google!r}, got {ours!r}"
    if not mine:
        return f"expected the reasons of {google!r}, got {ours!r}"
    if len(set(mine)) != len(mine):
        return f"a reason twice in {ours!r}"
    methods = {e[1] for e in mine}
    told = {m for reason, m, _ in theirs if not reason.startswith("evaluation error at ")}
    expected = [e for e in essential(theirs) if e[1] in methods]
    first_pass = [e for e in expected if e[0].startswith("evaluation error at ") and told and e[1] not in told]
    expected = [e for e in expected if e not in first_pass]
    if not expected or sorted(expected) != sorted(mine):
        return f"expected {essential(theirs)}, got {mine}"
    return None


# ---- the table of known differences ----

class Row:
    """One difference. Each entry of `expect` covers recorded steps and says what ours answers to them."""

    def __init__(self, entry):
        self.entry, self.hits, self.differing = entry, 0, 0
        for needed in ("id", "google", "ours", "why", "expect"):
            if needed not in entry:
                raise SystemExit(f"differences.json: row {entry.get('id')!r} lacks {needed!r}")
        for expect in entry["expect"]:
            expect["hits"] = 0

    def covering(self, case, index, recorded):
        return next((e for e in self.entry["expect"] if covers(e, case, index, recorded)), None)

    def check(self, expect, recorded, actual, bindings):
        """Problems of an answer that this row covers."""
        self.hits += 1
        expect["hits"] += 1
        if expect["answer"] == "denial":
            google, ours = error_of(recorded)["message"], error_of(actual).get("message") or ""
            self.differing += google != ours
            return check_denial(google, ours, actual)
        if not wire.answer_differences(recorded, actual, wire.Bindings()):
            if expect.get("some"):
                return []
            return [f"row {self.entry['id']!r}: no longer differs from Google's answer: take the case out of the row"]
        self.differing += 1
        return [f"row {self.entry['id']!r}: {x}" for x in check_want(expect["answer"], actual, bindings)]


def covers(expect, case, index, recorded):
    if not any(matches(case["name"], p) for p in expect["cases"]):
        return False
    if "steps" in expect and index not in expect["steps"]:
        return False
    when = expect.get("when", {})
    message = error_of(recorded).get("message", "")
    return recorded["status"] in when.get("status", [recorded["status"]]) and (
        "message" not in when or re.fullmatch(when["message"], message, re.S) is not None)


def check_want(want, actual, bindings):
    """Problems of an answer that is wanted by status, error, message (a regular expression), body, matches (a regular
    expression for the body's JSON text, keys sorted) and headers."""
    out = []
    allowed = want.get("status", actual["status"])
    if actual["status"] not in (allowed if isinstance(allowed, list) else [allowed]):
        out.append(f"status {allowed} expected, got {actual['status']}: {wire.short(actual['body'])}")
    if "error" in want and error_of(actual).get("status") != want["error"]:
        out.append(f"error {want['error']} expected, got {wire.short(actual['body'])}")
    if "message" in want and not re.search(want["message"], error_of(actual).get("message") or "", re.S):
        out.append(f"message like {want['message']!r} expected, got {error_of(actual).get('message')!r}")
    if "matches" in want and not re.search(want["matches"], json.dumps(actual["body"], sort_keys=True)):
        out.append(f"a body like {want['matches']!r} expected, got {wire.short(actual['body'])}")
    if "body" in want and not out:
        out += wire.differences(want["body"], wire.without_details(actual["body"]), bindings)
    return out


def check_denial(google, ours, actual):
    if actual["status"] != 403:
        return [f"status: expected 403, got {actual['status']}: {wire.short(actual['body'])}"]
    why = denial_difference(google, ours)
    return [f"body/error/message: {why}"] if why else []


def error_of(answer):
    body = answer["body"]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def load_rows(path=HERE / "differences.json"):
    rows = [Row(e) for e in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    if len(rows) > MAX_ROWS:
        raise SystemExit(f"differences.json: {len(rows)} rows, at most {MAX_ROWS} are allowed")
    return rows


# ---- running ----

def set_up(client, requests):
    for request in requests:
        try:
            answer = wire.parse_answer(*client.send(*wire.request_bytes(request, {})))
        except (wire.Hang, OSError, http.client.HTTPException) as e:
            return [f"setup {request['method']} {request['target'][:100]}: {e or type(e).__name__}"]
        if answer["status"] != 200:
            return [f"setup {request['method']} {request['target']}: {answer['status']} {wire.short(answer['body'])}"]
    return []


def covering(rows, case, index, step):
    """(row, its entry) of the known difference that covers a step, or (None, None)."""
    for row in rows if "answer" in step else []:
        expect = row.covering(case, index, step["answer"])
        if expect:
            return row, expect
    return None, None


def run_case(client, case, rows, used_rows):
    """Problems of one case, as text; the ids of the rows that covered a step go to used_rows."""
    problems = set_up(client, case.get("setup", []))
    if problems:
        return problems
    captured, bindings = {}, wire.Bindings()
    for i, step in enumerate(case["steps"]):
        try:
            actual = wire.run_step(client, step, captured)
        except (wire.Hang, OSError, http.client.HTTPException) as e:
            return problems + [f"step {i}: {type(e).__name__} {e}"]
        row, expect = covering(rows, case, i, step)
        if "want" in step:
            found = check_want(step["want"], actual, bindings)
        elif row:
            used_rows.add(row.entry["id"])
            found = row.check(expect, step["answer"], actual, bindings)
        else:
            found = wire.answer_differences(step["answer"], actual, bindings)
        what = f"step {i} {step['request']['method']} {step['request']['target'][:100]}"
        problems += [f"{what}: {x}" for x in found]
    return problems + bindings.check_relations()


def is_gone(client):
    """Whether nobody listens any more: the cases that are left would all say so."""
    try:
        client.send("GET", "/")
    except (OSError, wire.Hang, http.client.HTTPException) as e:
        print(f"replay: the server is gone: {e}", file=sys.stderr)
        return True
    return False


class Report:
    def __init__(self, verbose):
        self.passed = self.failed = 0
        self.verbose = verbose

    def case(self, name, problems):
        if not problems:
            self.passed += 1
            if self.verbose:
                print(f"ok   {name}")
            return
        self.failed += 1
        print(f"FAIL {name}")
        for p in problems[:6]:
            print("     " + p[:600])
        if len(problems) > 6:
            print(f"     ... and {len(problems) - 6} more")


def check_rows(rows, report):
    """After a run of everything: each row must have covered steps, and still stand for a difference."""
    for row in rows:
        name = f"differences.json: row {row.entry['id']!r}"
        idle = [e["cases"] for e in row.entry["expect"] if not e["hits"]]
        if idle:
            report.case(name, [f"{cases} match no recorded step: take them out" for cases in idle])
        elif row.hits and not row.differing:
            report.case(name, ["no longer differs anywhere: take it out"])


def list_differences(rows):
    for row in rows:
        e = row.entry
        print(f"{e['id']}\n  Google: {e['google']}\n  ours:   {e['ours']}\n  why:    {e['why']}")


def new_client(address, http2):
    if not http2:
        return wire.Client(address)
    import wire_h2  # here: the rest of this needs nothing but Python
    return wire_h2.Client(address)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--only", default="*")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--http2", action="store_true")
    parser.add_argument("--google", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--list-differences", action="store_true")
    args = parser.parse_args()
    rows = load_rows()
    if args.list_differences:
        list_differences(rows)
        return 0
    if not args.address:
        parser.error("HOST:PORT is needed")
    client = new_client(args.address, args.http2)
    try:
        client.send("GET", "/")
    except (OSError, wire.Hang) as e:
        print(f"replay: no server answers on {args.address}: {e}", file=sys.stderr)
        return 2
    fixtures, cases = load_lines()
    if not args.google:
        cases = json.loads((HERE / "ours.json").read_text(encoding="utf-8"))["cases"] + cases
    cases = cases[::args.every]
    report, begun, known = Report(args.verbose), {}, set()
    for row in rows:
        row.entry["expect"] = [e for e in row.entry["expect"] if e.get("rest", True)]
    active = [] if args.google else rows
    steps = 0
    for case in cases:
        if not matches(case["name"], args.only):
            continue
        uses = case.get("uses")
        if uses and uses not in begun:
            begun[uses] = set_up(client, fixtures[uses]["setup"])
        steps += len(case["steps"])
        problems = begun.get(uses, [])
        problems = problems or run_case(client, case, active, known)
        report.case(case["name"], problems)
        if problems and is_gone(client):
            break
    if args.only == "*" and args.every == 1:
        check_rows(active, report)
    known |= {r.entry["id"] for r in active if r.entry.get("ours_json")}
    print(f"{steps} requests")
    print(f"{report.passed} passed, {report.failed} failed, {len(known)} known differences")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Replays over gRPC the recorded answers of Google's emulator (recorded_grpc/) against a server, and compares.

    replay_grpc.py HOST:PORT [--only PATTERN] [--google] [--verbose]

As replay.py, whose comparison and table of known differences it shares: rows apply here where their entry says
"grpc": true. Beyond Google's answers it checks what is ours alone: a streaming call that fails answers HEADERS
before its trailers (never Trailers-Only, which makes clients retry any error), and bytes that are no message are
INVALID_ARGUMENT.

Needs grpcio and google-cloud-firestore, for example in a venv; exit 3 says that they are absent. Last line: "N passed,
M failed, K known differences". Exit 0, 1 something failed, 2 no server there.
"""
import argparse
import base64
import json
import sys

import replay
import wire

try:
    import grpc_cases
    import grpc_wire
except ImportError as e:
    print(f"replay_grpc: skipped: {e}: install grpcio and google-cloud-firestore", file=sys.stderr)
    sys.exit(3)


def load_lines():
    fixtures, cases = {}, []
    for path in sorted((replay.HERE / "recorded_grpc").glob("*.ndjson")):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                if "fixture" in entry:
                    fixtures[entry["fixture"]] = entry
                else:
                    cases.append(entry)
    return fixtures, cases


def check_framing(client, step, google):
    """A failed stream: Trailers-Only as recorded (Google), HEADERS first (ours)."""
    if "trailers_only" not in step:
        return []
    call = step["call"]
    seen = grpc_wire.is_trailers_only(client.address, call["path"], list(call.get("metadata", {}).items()),
                                      base64.b64decode(call["bytes"]))
    wanted = step["trailers_only"] if google else False
    return [] if seen == wanted else [f"trailers-only is {seen}, wanted {wanted}"]


def run_case(http, client, case, rows, known, google):
    problems = replay.set_up(http, case.get("setup", []))
    if problems:
        return problems
    captured, bindings = {}, wire.Bindings()
    for i, step in enumerate(case["steps"]):
        try:
            actual = grpc_wire.run_step(client, step, captured)[0]
            framing = check_framing(client, step, google)
        except (wire.Hang, OSError, grpc_wire.NotForGrpc) as e:
            return problems + [f"step {i}: {e or type(e).__name__}"]
        row, expect = replay.covering(rows, case, i, step)
        if row:
            known.add(row.entry["id"])
            found = row.check(expect, step["answer"], actual, bindings)
        else:
            found = wire.answer_differences(step["answer"], actual, bindings)
        what = f"step {i} {step['call']['path'].rsplit('/', 1)[1]}"
        problems += [f"{what}: {x}" for x in found + framing]
    return problems + bindings.check_relations()


def run_broken(client, case):
    actual = grpc_wire.run_step(client, case["steps"][0], {})[0]
    return replay.check_want({"status": 400, "error": "INVALID_ARGUMENT", "message": "."}, actual, wire.Bindings())


def grpc_rows():
    rows = replay.load_rows()
    for row in rows:
        row.entry["expect"] = [e for e in row.entry["expect"] if e.get("grpc")]
    return [r for r in rows if r.entry["expect"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--only", default="*")
    parser.add_argument("--google", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    http, client = wire.Client(args.address), grpc_wire.Client(args.address)
    try:
        http.send("GET", "/")
    except (OSError, wire.Hang) as e:
        print(f"replay_grpc: no server answers on {args.address}: {e}", file=sys.stderr)
        return 2
    fixtures, cases = load_lines()
    rows = [] if args.google else grpc_rows()
    report, begun, known, calls = replay.Report(args.verbose), {}, set(), 0
    for case in cases:
        if not replay.matches(case["name"], args.only):
            continue
        uses = case.get("uses")
        if uses and uses not in begun:
            begun[uses] = replay.set_up(http, fixtures[uses]["setup"])
        calls += len(case["steps"])
        problems = begun.get(uses) or run_case(http, client, case, rows, known, args.google)
        report.case(case["name"], problems)
        if problems and replay.is_gone(http):
            break
    if not args.google:
        for case in grpc_cases.broken_cases():
            if replay.matches(case["name"], args.only):
                calls += 1
                report.case(case["name"], run_broken(client, case))
        if args.only == "*":
            replay.check_rows(rows, report)
    print(f"{calls} calls")
    print(f"{report.passed} passed, {report.failed} failed, {len(known)} known differences")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())

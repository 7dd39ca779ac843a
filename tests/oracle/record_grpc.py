#!/usr/bin/env python3
"""Records over gRPC what Google's own Firestore emulator answers: recorded_grpc/*.ndjson.

    record_grpc.py HOST:PORT [--only GROUP], or ORACLE_COMMAND='...' record_grpc.py (see record.py)

Needs grpcio and google-cloud-firestore. Exit 0 recorded, 1 some case hung, 3 no emulator or no packages.
"""
import argparse
import base64
import sys
import time

import record
import wire

try:
    import grpc_cases
    import grpc_wire
except ImportError as e:
    print(f"record_grpc: {e}: install grpcio and google-cloud-firestore; nothing recorded", file=sys.stderr)
    sys.exit(3)


def record_step(client, step, captured):
    answer, messages, data = grpc_wire.run_step(client, step, captured)
    path = step["call"]["path"]
    extra = {"messages": [base64.b64encode(m).decode() for m in messages]}
    known = grpc_wire.METHODS.get(path.rsplit("/", 1)[1])
    if known and known[2] and answer["status"] != 200 and "${" not in grpc_wire.dumps(step["call"]):
        extra["trailers_only"] = grpc_wire.is_trailers_only(
            client.address, path, list(step["call"].get("metadata", {}).items()), data)
    return answer, extra


def record_case(http, client, case):
    begin = time.time_ns() // 1000
    record.set_up(http, case.get("setup", []), case["name"])
    captured, answers = {}, []
    for step in case["steps"]:
        answers.append(record_step(client, step, captured))
    namer = wire.Namer(begin, time.time_ns() // 1000)
    namer.learn(a["body"] for a, _ in answers)
    steps = []
    for step, (answer, extra) in zip(case["steps"], answers):
        named = namer.replace(answer)
        if named["body"] != answer["body"]:
            del extra["messages"]  # bytes with times in them would differ at each recording
        steps.append({**step, "answer": named, **extra})
    return {**case, "steps": steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--only", help="record this group alone")
    args = parser.parse_args()
    groups, fixtures, left_out = grpc_cases.load()
    process, address = (None, args.address) if args.address else record.start_emulator()
    http, client = wire.Client(address, 8), grpc_wire.Client(address, 8)
    directory = record.HERE / "recorded_grpc"
    directory.mkdir(exist_ok=True)
    bad = calls = 0
    begun = set()
    try:
        for group, cases in groups.items():
            if args.only and group != args.only:
                continue
            records, used = [], []
            for case in cases:
                uses = case.get("uses")
                try:
                    if uses and uses not in used:
                        used.append(uses)
                    if uses and uses not in begun:
                        begun.add(uses)
                        record.set_up(http, fixtures[uses]["setup"], "fixture " + uses)
                    records.append(record_case(http, client, case))
                    calls += len(case["steps"])
                except (wire.Hang, RuntimeError, OSError, grpc_wire.NotForGrpc) as e:
                    bad += 1
                    print(f"NOT RECORDED {case['name']}: {e}", file=sys.stderr)
            with open(directory / f"{group}.ndjson", "w", encoding="utf-8") as out:
                out.writelines(grpc_wire.dumps(x) + "\n" for x in [fixtures[u] for u in used] + records)
            print(f"{group}: {len(records)} cases")
        print(f"{calls} calls recorded, {bad} cases not recorded, {left_out} REST cases have no counterpart")
    finally:
        if process:
            record.stop_emulator(process)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Records what Google's own Firestore emulator answers to the cases of cases/*.py.

Run by hand where that emulator is installed, on a FRESH instance with no --rules; the recordings in recorded/ are
what every other test run uses.

    record.py HOST:PORT [--only GROUP]     records against an emulator that runs already
    ORACLE_COMMAND='...' record.py         starts it: a shell command that gets the port as $PORT

Exit 0 recorded, 1 some case hung or its setup failed, 3 no emulator to record from.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import caselib
import wire

HERE = pathlib.Path(__file__).resolve().parent


def load_cases():
    for path in sorted((HERE / "cases").glob("*.py")):
        spec = importlib.util.spec_from_file_location("cases_" + path.stem, path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return caselib.CASES, caselib.FIXTURES


def stop_emulator(process):
    """The whole session: a command that still waits for something must not start an emulator later."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    process.wait()


def start_emulator():
    """(process, HOST:PORT) of an emulator started by ORACLE_COMMAND, or exit 3."""
    command = os.environ.get("ORACLE_COMMAND")
    if not command:
        print("record: no HOST:PORT given and ORACLE_COMMAND is not set: Google's emulator is not here, nothing "
              "recorded", file=sys.stderr)
        sys.exit(3)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen(["sh", "-c", command], env={**os.environ, "PORT": str(port)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            if wire.Client(f"127.0.0.1:{port}", 2).send("GET", "/")[0] == 200:
                return process, f"127.0.0.1:{port}"
        except (OSError, wire.Hang):
            pass
        time.sleep(0.25)
    stop_emulator(process)
    print("record: ORACLE_COMMAND did not give an emulator that answers GET /: nothing recorded", file=sys.stderr)
    sys.exit(3)


def set_up(client, requests, what):
    for request in requests:
        answer = wire.parse_answer(*client.send(*wire.request_bytes(request, {})))
        if answer["status"] != 200:
            raise RuntimeError(f"{what}: setup answered {answer['status']}: {wire.short(answer['body'])}")


def record_case(client, case):
    begin = time.time_ns() // 1000
    set_up(client, case.get("setup", []), case["name"])
    captured, answers = {}, []
    for step in case["steps"]:
        answers.append(wire.run_step(client, step, captured))
    namer = wire.Namer(begin, time.time_ns() // 1000)
    namer.learn(a["body"] for a in answers)
    steps = [{**s, "answer": namer.replace(a)} for s, a in zip(case["steps"], answers)]
    return {**{k: x for k, x in case.items() if k != "group"}, "steps": steps}


def write_group(group, fixtures, records):
    (HERE / "recorded").mkdir(exist_ok=True)
    with open(HERE / "recorded" / f"{group}.ndjson", "w", encoding="utf-8") as out:
        for line in fixtures + records:
            out.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--only", help="record this group alone")
    args = parser.parse_args()
    cases, fixtures = load_cases()
    process = None
    address = args.address
    if not address:
        process, address = start_emulator()
    bad = requests = 0
    try:
        client = wire.Client(address, timeout=8)
        try:
            client.send("GET", "/")
        except OSError as e:
            print(f"record: nothing answers on {address} ({e}): nothing recorded", file=sys.stderr)
            sys.exit(3)
        begun = set()
        for group in dict.fromkeys(c["group"] for c in cases):
            if args.only and group != args.only:
                continue
            records, used = [], []
            for case in (c for c in cases if c["group"] == group):
                try:
                    uses = case.get("uses")
                    if uses and uses not in used:
                        used.append(uses)
                    if uses and uses not in begun:
                        begun.add(uses)
                        set_up(client, fixtures[uses]["setup"], "fixture " + uses)
                    records.append(record_case(client, case))
                    requests += len(case["steps"])
                except (wire.Hang, RuntimeError, OSError) as e:
                    bad += 1
                    print(f"NOT RECORDED {case['name']}: {e}", file=sys.stderr)
            write_group(group, [fixtures[u] for u in used], records)
            print(f"{group}: {len(records)} cases")
        print(f"{requests} requests recorded, {bad} cases not recorded")
    finally:
        if process:
            stop_emulator(process)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Faults, quotas and the clock as scripts set them: flags, variables, /cinderlog/v1, the header, and their locks.

usage: test_faults.py BINARY [NAME ...]       last line: N passed, M failed
"""
import datetime
import http.client
import json
import os
import sys
import tempfile

from test_cli import DOCS, Server, main, run, text

FAULTS, CLOCK = "/cinderlog/v1/faults", "/cinderlog/v1/clock"


def create(server, name, **kw):
    return server.ask("POST", DOCS + "/c?documentId=" + name, text("x"), **kw)


def code(answer):
    status, body = answer
    return status if status == 200 else json.loads(body)["error"]["status"]


def entries(server):
    status, body = server.ask("GET", "/cinderlog/v1/entries")
    assert status == 200
    return [json.loads(line) for line in body.splitlines()][:-1]


def test_a_fault_on_the_command_line_is_announced_happens_and_is_summed_up():
    with Server("--data", ":memory:", "--fault", "UNAVAILABLE rpc=CreateDocument count=2", "--fault", "ABORTED path=nothing") as s:
        assert [code(create(s, "a")) for _ in range(3)] == ["UNAVAILABLE", "UNAVAILABLE", 200]
        assert s.stop() == 0
    assert "Fault 1: UNAVAILABLE rpc=CreateDocument count=2\n" in s.out
    assert "faults injected: 2\n" in s.err
    assert "never happened: ABORTED path=nothing (0 calls matched)\n" in s.err


def test_what_happened_is_counted_in_metrics_and_summary():
    with tempfile.TemporaryDirectory() as folder:
        summary = os.path.join(folder, "summary.json")
        with Server("--data", ":memory:", "--fault", "ABORTED count=2", "--quota", "reads=1/d", "--summary", summary) as s:
            assert [code(create(s, "a")) for _ in range(3)] == ["ABORTED", "ABORTED", 200]
            assert [code(s.ask("GET", DOCS + "/c/a")) for _ in range(2)] == [200, "RESOURCE_EXHAUSTED"]
            metrics = s.ask("GET", "/metrics")[1].splitlines()
            assert 'cinderlog_faults_injected_total{fault="ABORTED"} 2' in metrics
            assert 'cinderlog_faults_injected_total{fault="quota"} 1' in metrics
            assert s.stop() == 0
        with open(summary) as f:
            assert json.load(f)["faultsInjected"] == 3


def test_a_fault_in_the_environment():
    with Server("--data", ":memory:", env={"CINDERLOG_FAULT": "ABORTED count=1,INTERNAL count=1"}) as s:
        assert [code(create(s, "a")) for _ in range(3)] == ["ABORTED", "INTERNAL", 200]


def test_what_cannot_be_read_is_exit_2_and_named():
    for flags, words in [(["--fault", "UNAVAILABEL"], "did you mean 'UNAVAILABLE'?"), (["--quota", "writes=many"], "--quota: 'writes=many'")]:
        r = run("serve", "--data", ":memory:", "--port", "0", *flags)
        assert r.returncode == 2 and words in r.stderr, r.stderr


def test_faults_lists_effects_and_keys():
    r = run("faults")
    assert r.returncode == 0
    for word in ("RESOURCE_EXHAUSTED", "lost-answer", "goaway", "probability=0..1", "latency=DURATION|FROM..TO|~MEAN"):
        assert word in r.stdout, word


def test_faults_are_set_listed_and_removed_over_http():
    with Server("--data", ":memory:") as s:
        status, body = s.ask("POST", FAULTS, {"effect": "aborted", "rpc": "CreateDocument", "nth": 2})
        assert status == 200 and json.loads(body) == {"id": 1, "effect": "ABORTED", "rpc": "CreateDocument", "nth": "2",
                                                      "matched": 0, "injected": 0}
        assert s.ask("POST", FAULTS, b"INTERNAL rpc=Commit\n")[0] == 200
        assert [code(create(s, n)) for n in "abc"] == [200, "ABORTED", 200]
        listed = json.loads(s.ask("GET", FAULTS)[1])
        assert [(f["id"], f["matched"], f["injected"]) for f in listed["faults"]] == [(1, 3, 1), (2, 0, 0)]
        assert listed["injected"] == 1
        assert s.ask("DELETE", FAULTS + "/2")[0] == 200
        assert code(s.ask("DELETE", FAULTS + "/2")) == "NOT_FOUND"
        assert s.ask("DELETE", FAULTS)[0] == 200
        assert json.loads(s.ask("GET", FAULTS)[1]) == {"faults": [], "injected": 1}
        assert code(s.ask("POST", FAULTS, b"x" * 5000)) == "INVALID_ARGUMENT"


def test_a_lost_answer_is_in_ledger_and_log_but_not_on_the_wire():
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as log, \
            Server("--data", ":memory:", "--request-log", log.name, "--fault-header") as s:
        try:
            create(s, "a", headers={"x-cinderlog-fault": "lost-answer"})
            raise AssertionError("answered")
        except (http.client.RemoteDisconnected, ConnectionResetError):
            pass
        assert [e["path"] for e in entries(s)] == ["c/a"]
        (line,) = [json.loads(line) for line in log if b"CreateDocument" in line]
        assert (line["code"], line["fault"]) == ("OK", "lost-answer")


def test_a_header_needs_its_flag():
    with Server("--data", ":memory:") as s:
        assert code(create(s, "a", headers={"x-cinderlog-fault": "ABORTED"})) == "FAILED_PRECONDITION"
        assert code(create(s, "a")) == 200


def test_lock_control_refuses_faults_and_clock():
    with Server("--data", ":memory:", "--lock-control", "--fault-header", "--allow-clock", "--fault", "ABORTED") as s:
        for method, path in [("GET", FAULTS), ("POST", FAULTS), ("DELETE", FAULTS), ("DELETE", FAULTS + "/1"),
                             ("GET", CLOCK), ("POST", CLOCK), ("DELETE", CLOCK)]:
            body = b"ABORTED" if method == "POST" else None
            assert code(s.ask(method, path, body)) == "PERMISSION_DENIED", (method, path)
        assert code(create(s, "a", headers={"x-cinderlog-fault": "ABORTED"})) == "PERMISSION_DENIED"
        assert code(create(s, "b")) == "ABORTED"  # what the operator has set stays


def test_a_quota_is_productions_text_and_the_time_to_wait():
    with Server("--data", ":memory:", "--quota", "writes=2/d,reads=100/s") as s:
        assert [code(create(s, n)) for n in "abc"] == [200, 200, "RESOURCE_EXHAUSTED"]
        error = json.loads(create(s, "d")[1])["error"]
        assert (error["code"], error["message"]) == (429, "Quota exceeded.")
        info, retry = error["details"]
        assert info["reason"] == "RATE_LIMIT_EXCEEDED" and info["metadata"] == {"quota": "writes", "limit": "2/d"}
        assert retry["@type"].endswith("google.rpc.RetryInfo") and float(retry["retryDelay"].rstrip("s")) > 3600
        assert s.stop() == 0
    assert "Quota of each database: writes=2/d,reads=100/s\n" in s.out


def seconds(time):
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def updated(answer):
    assert answer[0] == 200, answer
    return seconds(json.loads(answer[1])["updateTime"])


def test_the_clock_moves_forward_and_back_and_commits_never_back():
    data = tempfile.mkdtemp()
    with Server("--data", data, "--allow-clock") as s:
        start = updated(create(s, "a"))
        moved = json.loads(s.ask("POST", CLOCK, {"advance": "30d"})[1])
        assert moved["moved"] and abs(moved["offsetSeconds"] - 30 * 86400) < 1
        later = updated(create(s, "b"))
        assert later - start >= 30 * 86400
        assert seconds(json.loads(s.ask("GET", CLOCK)[1])["time"]) >= later
        back = json.loads(s.ask("DELETE", CLOCK)[1])
        assert not back["moved"] and seconds(back["time"]) < later
        assert later < updated(create(s, "c")) < later + 1
        notes = [e for e in entries(s) if e["kind"] == "note"]
        assert len(notes) == 2 and all("clock moved from " in e["text"] for e in notes)
        to = json.loads(s.ask("POST", CLOCK, {"to": "2031-01-01T00:00:00Z"})[1])
        assert to["time"].startswith("2031-01-01T00:00:0")
        assert s.stop() == 0
    assert run("verify", data).returncode == 0


def test_rules_and_server_timestamps_follow_the_clock():
    with tempfile.TemporaryDirectory() as folder:
        rules = os.path.join(folder, "firestore.rules")
        with open(rules, "w") as f:
            f.write("rules_version = '2';\nservice cloud.firestore { match /databases/{d}/documents { match /c/{id} {\n"
                    "  allow read: if request.time < resource.data.at + duration.value(7, 'd');\n"
                    "  allow create: if request.resource.data.at == request.time; } } }\n")
        with Server("--data", ":memory:", "--rules", rules, "--allow-clock") as s:
            name = DOCS[4:] + "/c/a"
            write = {"writes": [{"update": {"name": name}, "updateTransforms": [{"fieldPath": "at", "setToServerValue": "REQUEST_TIME"}],
                                 "currentDocument": {"exists": False}}]}
            assert s.ask("POST", DOCS + ":commit", write, auth=None)[0] == 200
            assert s.ask("GET", DOCS + "/c/a", auth=None)[0] == 200
            s.ask("POST", CLOCK, {"advance": "8d"})
            assert code(s.ask("GET", DOCS + "/c/a", auth=None)) == "PERMISSION_DENIED"


def test_a_clock_that_may_not_move_or_not_there():
    with Server("--data", ":memory:") as s:
        assert code(s.ask("POST", CLOCK, {"advance": "1d"})) == "FAILED_PRECONDITION"
    with Server("--data", ":memory:", "--allow-clock") as s:
        for body in [{}, {"advance": "1 day"}, {"advance": 5}, {"to": "tomorrow"}, {"to": "9999-06-01T00:00:00Z"},
                     {"to": "1969-12-31T00:00:00Z"}, {"advance": "1d", "to": "2031-01-01T00:00:00Z"}, {"back": "1d"}]:
            assert code(s.ask("POST", CLOCK, body)) == "INVALID_ARGUMENT", body
        assert entries(s) == []


if __name__ == "__main__":
    sys.exit(main(dict(globals())))

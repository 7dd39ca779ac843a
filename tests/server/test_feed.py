#!/usr/bin/env python3
"""The Requests feed as Firebase's Emulator UI meets it, by a WebSocket client of the world outside.

usage: test_feed.py BINARY [NAME ...]       last line: N passed, M failed
"""
import contextlib
import json
import math
import os
import re
import socket
import sys
import time

import websocket

from test_cli import DOCS, ROOT, Server, main, run, text

import record_feed
from record_feed import PROJECT, RULES, SCRIPT
from record_evaluations import send as send_sample
from record_verdicts import Emulator, put_documents

PATIENCE = 60


class Listener:
    """Reads what it is told when asked; every message is text."""

    def __init__(self, server, port=None, **options):
        self.server = server
        self.socket = websocket.create_connection("ws://127.0.0.1:%d/requests" % (port or server.port), timeout=PATIENCE,
                                                  skip_utf8_validation=True, **options)  # json does it, and faster
        self.first = self.next()
        assert isinstance(self.first, list)

    def next(self):
        return json.loads(self.socket.recv())

    def until(self, path):
        """All up to the entry of a path, without that one."""
        told = []
        while True:
            told.append(self.next())
            assert isinstance(told[-1], dict)
            if told[-1]["rulesContext"]["path"].endswith("/" + path):
                return told[:-1]

    marks = 0

    def told(self):
        """All so far: entries come before the answers to their requests, and in order."""
        Listener.marks += 1
        mark = "marks/m%d" % Listener.marks
        self.server.ask("GET", "/v1/projects/marks/databases/(default)/documents/" + mark)
        return self.until(mark)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()


def paths(told):
    return [entry["rulesContext"]["path"].rsplit("/", 1)[1] for entry in told]


def get(server, *ids, auth=None):
    for i in ids:
        server.ask("GET", "%s/c/%s" % (DOCS, i), auth=auth)


@contextlib.contextmanager
def listening(*args):
    with Server("--data", ":memory:", *args) as s, Listener(s) as listener:
        yield s, listener


def feed_port(server):
    """The port of --websocket_port 0, from what is printed at the start."""
    for line in server.process.stdout:
        found = re.match(r"Requests feed: ws://127\.0\.0\.1:(\d+)/requests$", line)
        if found:
            return int(found.group(1))
    raise AssertionError("the port is not printed")


# ---- beside Google's emulator ----

def same(theirs, ours):
    """Whether ours says what Google's does, which says {"undefined":{}} of a document that it has not read yet. Times are
    other times."""
    if theirs == {"undefined": {}}:
        return True
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and theirs.keys() == ours.keys() and all(
            k == "timestampValue" or same(v, ours[k]) for k, v in theirs.items())
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(theirs) == len(ours) and all(map(same, theirs, ours))
    if isinstance(theirs, float) or isinstance(ours, float):
        return theirs == ours or math.isclose(theirs, ours)
    return theirs == ours


def assert_same_decision(theirs, ours, name):
    theirs, ours = [{**r["rulesContext"], "time": None, "outcome": r["outcome"]} for r in (theirs, ours)]
    assert same(theirs, ours), (name, theirs, ours)


def without_name(entry):
    """Google's emulator judges a document without a name before it has one; here it has one already."""
    document = entry["rulesContext"]["request"]["mapValue"]["fields"]["resource"]["mapValue"]["fields"]
    for member in ("__name__", "id"):
        document.pop(member, None)


def recorded(*parts):
    with open(os.path.join(ROOT, "tests", *parts), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def test_requests_are_told_as_google_tells_them():
    first, *script = recorded("server", "feed", "recorded.ndjson")
    assert [{k: v for k, v in r.items() if k != "told"} for r in script] == SCRIPT
    with listening() as (s, listener):
        assert listener.first == first["first message"]
        emulator = Emulator("127.0.0.1:%d" % s.port)
        for project in (PROJECT, record_feed.OTHER):
            emulator.rules(project, RULES)
        for r in script:
            record_feed.prepare(emulator)
            listener.told()
            record_feed.send(emulator, r)
            told = [entry for entry in listener.told() if entry["outcome"] != "admin"]
            assert len(told) == len(r["told"]), (r["name"], told)
            for theirs, ours in zip(r["told"], told):
                assert ours.pop("rulesReleaseName") == "projects/%s/releases/cloud.firestore" % r["project"]
                assert ours.keys() == theirs.keys()
                if r["name"] == "a create without a name":
                    without_name(ours)
                assert_same_decision(theirs, ours, r["name"])
                assert theirs["granularAllowOutcomes"] in (None, ours["granularAllowOutcomes"]), r["name"]
                assert ours["rules"] == RULES and theirs["rules"] in (RULES, "")  # of the first of two projects it forgets them
                shapes = {"rulesReleaseKey": r"projects/%s/releases/cloud\.firestore-?\d+" % r["project"],
                          "requestId": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                          "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"}
                for member, shape in shapes.items():
                    assert re.fullmatch(shape, theirs[member]) and re.fullmatch(shape, ours[member]), (member, ours[member])


def test_every_kind_of_decision_is_told_as_google_tells_it():
    head, *samples = recorded("rules-engine", "evaluation", "recorded.ndjson")
    with listening() as (s, listener):
        emulator = Emulator("127.0.0.1:%d" % s.port)
        emulator.rules(PROJECT, head["rules"])
        for sample in samples:
            put_documents(emulator, PROJECT, head["docs"])
            listener.told()
            send_sample(emulator, sample)
            told = listener.told()
            assert len(told) == len(sample["records"]), (sample["name"], told)
            for theirs, ours in zip(sample["records"], told):
                assert_same_decision(theirs, ours, sample["name"])
                assert theirs["granularAllowOutcomes"] == ours["granularAllowOutcomes"], sample["name"]


def test_each_entry_has_an_id_of_its_own_and_the_rules_in_force_have_a_number():
    with listening() as (s, listener):
        emulator = Emulator("127.0.0.1:%d" % s.port)
        get(s, "a", "b")
        emulator.rules("p", RULES)
        get(s, "c")
        a, b, c = listener.told()
    assert len({a["requestId"], b["requestId"], c["requestId"]}) == 3
    assert a["rulesReleaseKey"] == b["rulesReleaseKey"] != c["rulesReleaseKey"]
    assert "rules_version" in a["rules"] and c["rules"] == RULES


# ---- what no rule was asked about ----

def admin(listener):
    told = listener.told()
    for entry in told:
        assert entry["outcome"] == "admin" and entry["granularAllowOutcomes"] == [] and "rules" in entry
    return [(e["rulesContext"]["method"], e["rulesContext"]["path"].removeprefix("/databases/(default)/documents/")) for e in told]


def test_requests_of_owners_are_told_as_admin():
    def query(**source):
        return {"structuredQuery": {"from": [{"collectionId": "c", **source}]}}

    with listening() as (s, listener):
        s.ask("POST", DOCS + "/c?documentId=a", text("x"))
        s.ask("POST", DOCS + "/c", text("x"))
        s.ask("PATCH", DOCS + "/c/a", text("y"))
        assert admin(listener) == [("create", "c/a"), ("create", "c/*"), ("update", "c/a")]
        get(s, "a", "none", auth="Bearer owner")
        s.ask("GET", DOCS + "/c")
        s.ask("POST", DOCS + ":runQuery", query())
        s.ask("POST", DOCS + ":runQuery", query(allDescendants=True))
        s.ask("DELETE", DOCS + "/c/a")
        s.ask("POST", DOCS + ":batchGet", {"documents": [DOCS[4:] + "/c/x", DOCS[4:] + "/c/y"]})
        assert admin(listener) == [("get", "c/a"), ("get", "c/none"), ("list", "c/*"), ("list", "c/*"), ("list", "**/c/*"),
                                   ("delete", "c/a"), ("get", "c/x"), ("get", "c/y")]


def test_an_admin_entry_shows_what_was_asked_for_and_not_what_nobody_looked_at():
    with listening() as (s, listener):
        s.ask("POST", DOCS + "/c?documentId=a", text("x"))
        s.ask("PATCH", DOCS + "/c/a", text("y"))
        _, update = listener.told()
    request = update["rulesContext"]["request"]["mapValue"]["fields"]
    assert request["auth"] == {"nullValue": None}
    assert request["resource"]["mapValue"]["fields"]["data"]["mapValue"]["fields"]["t"] == {"stringValue": "y"}
    assert update["rulesContext"]["resource"] == {"undefined": {}}


def test_what_iam_refuses_is_a_denial():
    with listening("--owner-iam", "get") as (s, listener):
        get(s, "a", auth="Bearer owner")
        assert s.ask("POST", DOCS + "/c?documentId=a", text("x"))[0] == 403
        assert [(e["rulesContext"]["method"], e["outcome"]) for e in listener.told()[:2]] == [("get", "admin"), ("create", "deny")]


def test_owners_with_a_principal_are_judged():
    with listening("--owner-as", "fixtures/principals/fastapi_service.json") as (s, listener):
        get(s, "a", auth="Bearer owner")
        entry, = listener.told()
        assert entry["outcome"] == "allow"
        assert entry["rulesContext"]["request"]["mapValue"]["fields"]["auth"]["mapValue"]["fields"]["uid"]["stringValue"]


# ---- what was before ----

def test_with_a_port_of_its_own_the_last_fifty_are_kept_for_whoever_comes():
    with Server("--data", ":memory:", "--websocket_port", "0") as s:
        get(s, *range(60))
        with Listener(s) as listener:
            assert paths(listener.first) == [str(i) for i in range(10, 60)]
            get(s, "now")
            assert paths(listener.told()) == ["now"]


def test_without_it_nothing_is_told_of_the_time_when_nobody_listened():
    with Server("--data", ":memory:") as s:
        get(s, "alone")
        with Listener(s) as listener:
            assert listener.first == []
            get(s, "seen")
            with Listener(s) as late:
                assert paths(late.first) == ["seen"]


def test_few_large_ones_are_kept():
    with Server("--data", ":memory:", "--websocket_port", "0") as s:
        s.ask("POST", DOCS + "/c?documentId=large", text("x" * 1000000))
        get(s, *["large"] * 20)
        with Listener(s) as listener:
            size = len(json.dumps(listener.first))
        assert 8 << 20 < size <= 17 << 20, size


# ---- ports, handshakes, listeners ----

def test_both_ports_serve_it_and_all_else():
    with Server("--data", ":memory:", "--websocket_port", "0") as s:
        port = feed_port(s)
        assert port != s.port
        with Listener(s, port) as there, Listener(s) as here:
            get(s, "a")
            there_told, here_told = there.told(), here.told()
        assert paths(there_told) == ["a"] and here_told[:1] == there_told
        s.port = port
        assert s.ask("GET", "/")[1] == "Ok\n"


def test_one_number_for_both_ports_is_one_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Server("--data", ":memory:", "--port", str(port), "--websocket_port", str(port)) as s, Listener(s) as listener:
        get(s, "a")
        assert paths(listener.told()) == ["a"]


def test_a_port_that_is_taken_is_told_by_its_option():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        r = run("serve", "--data", ":memory:", "--port", "0", "--websocket_port", str(taken.getsockname()[1]))
    assert r.returncode == 3 and "address already in use" in r.stderr and "--websocket_port" in r.stderr, (r.returncode, r.stderr)


def refusal(server, **options):
    try:
        Listener(server, **options).socket.close()
    except websocket.WebSocketBadStatusException as e:
        return e.status_code
    return 101


def test_pages_of_foreign_origins_may_not_listen():
    with Server("--data", ":memory:", "--allow-origin", "https://app.example") as s:
        assert refusal(s, origin="http://localhost:4000") == 101
        assert refusal(s, origin="https://app.example") == 101
        assert refusal(s, origin="https://evil.example") == 403
        assert refusal(s, suppress_origin=True) == 101
        assert refusal(s, host="evil.example") == 403


def test_what_asks_for_no_websocket_is_told_so():
    with Server("--data", ":memory:") as s:
        code, body = s.ask("GET", "/requests")
        assert code == 426 and "ws://" in body


def test_sixteen_may_listen_and_places_become_free():
    with Server("--data", ":memory:") as s, contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(Listener(s)) for _ in range(16)]
        assert refusal(s) == 503
        get(s, "a")
        for listener in listeners:
            assert listener.until("a") == []
        listeners[3].socket.close()
        deadline = time.monotonic() + PATIENCE
        while refusal(s) == 503:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_listener_that_does_not_read_is_dropped_and_the_others_are_not():
    with Server("--data", ":memory:") as s:
        s.ask("POST", DOCS + "/c?documentId=large", text("x" * 1000000))
        with Listener(s) as stuck, Listener(s) as good:
            for _ in range(60):
                get(s, "large")
                assert paths([good.next()]) == ["large"]
            heard = 0
            try:
                while stuck.next():
                    heard += 1
            except (websocket.WebSocketException, OSError, ValueError):
                pass
            assert heard < 60
            get(s, "after")
            assert paths([good.next()]) == ["after"]


def test_the_stop_ends_the_feed_in_order():
    with Server("--data", ":memory:") as s, Listener(s) as listener:
        assert s.stop() == 0
        opcode, data = listener.socket.recv_data(control_frame=True)
        assert opcode == websocket.ABNF.OPCODE_CLOSE and int.from_bytes(data[:2], "big") == 1001


if __name__ == "__main__":
    sys.exit(main({k: v for k, v in globals().items() if k.startswith("test_")}))

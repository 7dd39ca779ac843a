#!/usr/bin/env python3
"""WebChannel over real sockets: what browsers rely on, and what broken networks and slow readers do to it.

usage: test_webchannel.py BINARY [NAME ...]       last line: N passed, M failed
"""
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
import traceback

from test_cli import DOCS, Server, main, text
from webchannel_client import (
    DATABASE, DOCUMENTS, ORIGIN, OWNER, PATIENCE, Channel, Http1, Http2, add_target, changes, form, has_snapshot, is_snapshot)

SMALL = 8 * 1024  # a receive buffer that is soon full


def with_server(*args):
    """Runs a test with a server of its own."""
    def wrap(fn):
        def run():
            with Server("--data", ":memory:", *args) as server:
                fn(server)
                assert server.stop() == 0, server.err
        run.__name__ = fn.__name__
        return run
    return wrap


def put(server, name, value):
    status, body = server.ask("PATCH", DOCS + "/" + name, text(value))
    assert status == 200, body


def write(name, value, token="MA=="):
    return {"streamToken": token, "writes": [{"update": {"name": DOCUMENTS + "/" + name, **text(value)}}]}


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def rss(server):
    with open("/proc/%d/status" % server.process.pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


# ---- opening ----

@with_server()
def test_the_first_answer_names_a_session_of_protocol_8(s):
    c = Channel(s.port, "Listen", [add_target(2, "c/a")])
    assert re.fullmatch(rb'60\n\[\[0,\["c","[0-9a-f]{32}","",8,12,30000\]\]\]', c.answer), c.answer


@with_server()
def test_answers_may_be_read_by_the_page_that_asked(s):
    c = Channel(s.port, "Listen", [add_target(2, "c/a")])
    c.listen().head()
    for answer in (c.opened, c.back, c.ask("POST", "&SID=nosuch", "")):
        answer.head()
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "x-http-session-id" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"].lower() == "origin"
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "private" in answer.headers["cache-control"]


@with_server()
def test_a_preflight_is_granted_and_a_foreign_page_is_not(s):
    path = "/google.firestore.v1.Firestore/Listen/channel?VER=8&RID=1"
    asks = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"]
    answer = Http1(s.port, "OPTIONS", path, headers=asks)
    assert answer.head() == 200 and answer.headers["access-control-allow-headers"] == "authorization"
    status, _ = s.ask("POST", path, form([add_target(2, "c/a")]).encode(), headers={"Origin": "https://evil.example"})
    assert status == 403


def test_the_token_comes_in_the_form_in_the_url_or_as_a_header():
    rules = ("rules_version = '2'; service cloud.firestore { match /databases/{d}/documents { match /{p=**} {"
             " allow read: if request.auth.uid == 'u'; } } }")
    user = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as f:
        f.write(rules)
        f.flush()
        with Server("--data", ":memory:", "--rules", f.name) as s:
            for kw in ({"headers": "Authorization:%s\r\n" % user}, {"headers": None, "more": ["Authorization: " + user]},
                       {"headers": None, "query": "&%24httpHeaders=Authorization%3A" + user.replace(" ", "%20") + "%0D%0A"}):
                c = Channel(s.port, "Listen", [add_target(2, "c/a")], **kw)
                assert all("cause" not in json.dumps(m) for m in c.until(has_snapshot)), (kw, c.got)
            c = Channel(s.port, "Listen", [add_target(2, "c/a")], headers=None)
            refused = c.until(lambda got: any("cause" in m.get("targetChange", ()) for m in got))[-1]["targetChange"]
            assert refused["targetChangeType"] == "REMOVE" and refused["cause"]["code"] == 7, refused
            c = Channel(s.port, "Listen", [add_target(2, "c/a")], headers="Authorization:Bearer nonsense\r\n")
            assert c.until(len)[0]["error"]["status"] == "INVALID_ARGUMENT"
            assert s.stop() == 0


@with_server()
def test_a_form_that_cannot_be_read_is_a_400_that_names_its_field(s):
    path = "/google.firestore.v1.Firestore/Listen/channel?VER=8&RID=1&CVER=22"
    for body, field in (("count=x", "count"), ("count=1&ofs=0", "req0___data__"), ("count=1&ofs=-1&req0___data__=%7B%7D", "ofs"),
                        ("count=1&ofs=0&req0___data__=%7", "percent"), ("count=1&ofs=0&req1___data__=%7B%7D", "req1___data__"),
                        ("count=1001&ofs=0", "count"), ("count=1&ofs=0&req0___data__=1&req0___data__=2", "twice")):
        status, answer = s.ask("POST", path, body.encode())
        error = json.loads(answer)["error"]
        assert (status, error["status"]) == (400, "INVALID_ARGUMENT") and field in error["message"], (body, answer)


# ---- streams ----

@with_server()
def test_lengths_count_utf_16_units_and_nothing_is_escaped(s):
    for i, value in enumerate(("plain", "ü", "😀", "ü😀\u2028\u0001é" * 50, "\U0010ffff\uffff\u07ff\u0800")):
        put(s, "c/d%d" % i, value)
    c = Channel(s.port, "Listen", [add_target(2, collection="c")])
    got = c.until(has_snapshot)
    assert changes(got) == ["d0", "d1", "d2", "d3", "d4"]
    values = [m["documentChange"]["document"]["fields"]["t"]["stringValue"] for m in got if "documentChange" in m]
    assert values[2] == "😀" and values[3] == "ü😀\u2028\u0001é" * 50 and values[4] == "\U0010ffff\uffff\u07ff\u0800"


@with_server()
def test_one_back_channel_streams_what_happens(s):
    c = Channel(s.port, "Listen", [add_target(2, collection="c")])
    c.until(has_snapshot)
    back = c.back
    for i in range(20):
        put(s, "c/d%d" % i, str(i))
        c.until(lambda got: "d%d" % i in changes(got))
    assert c.back is back and changes(c.got) == ["d%d" % i for i in range(20)]


@with_server()
def test_polling_ends_each_answer_and_loses_nothing(s):
    c = Channel(s.port, "Listen", [add_target(2, collection="c")], polling=True)
    c.until(has_snapshot)
    answers = 0
    for i in range(20):
        put(s, "c/d%d" % i, str(i))
        while "d%d" % i not in changes(c.got):
            c.listen()
            answers += 1
            while c.read():
                continue
    assert answers >= 20 and changes(c.got) == ["d%d" % i for i in range(20)]


@with_server()
def test_writes_are_answered_in_order_and_a_refused_one_ends_the_stream(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    assert c.until(len)[0]["streamToken"] == "MA=="
    c.forward(*(write("w/%d" % i, str(i)) for i in range(50)))
    tokens = [m["streamToken"] for m in c.until(lambda got: len(got) == 51)]
    assert len(set(tokens)) == 51 and all("commitTime" in m for m in c.got[1:])
    c.forward({"streamToken": tokens[-1], "writes": [{"delete": DOCUMENTS + "/w/none", "currentDocument": {"exists": True}}]})
    error = c.until(lambda got: len(got) == 52)[-1]["error"]
    assert (error["status"], error["code"]) == ("NOT_FOUND", 404), error
    while c.back and c.read():  # then it ends
        continue
    answer = c.listen()
    assert answer.head() == 400 and b" Unknown SID" in answer.body()


@with_server()
def test_zeros_lose_their_sign_as_in_any_json(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    fields = {"n": {"doubleValue": "-0"}, "s": {"doubleValue": -0.0}}
    c.forward({"streamToken": "MA==", "writes": [{"update": {"name": DOCUMENTS + "/c/z", "fields": fields}}]})
    c.until(lambda got: len(got) == 2)
    stored = json.loads(s.ask("GET", DOCS + "/c/z")[1])["fields"]
    assert {str(v["doubleValue"]) for v in stored.values()} <= {"0", "0.0"}, stored


@with_server()
def test_a_batch_of_nearly_10_mib_comes_through_though_escaping_trebles_it(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    batch = {"streamToken": "MA==", "writes": [{"update": {"name": "%s/c/%d" % (DOCUMENTS, i), **text("ü" * 500000)}} for i in range(10)]}
    c.forward(batch)
    assert len(c.until(lambda got: len(got) == 2)[1]["writeResults"]) == 10
    more = {"streamToken": "MA==", "writes": [{"update": {"name": DOCUMENTS + "/c/x", **text("x" * (10 << 20))}}]}
    c.forward(more)
    assert c.until(lambda got: len(got) == 3)[2]["error"]["status"] == "RESOURCE_EXHAUSTED"


@with_server()
def test_over_http_2_it_is_the_same(s):
    c = Channel(s.port, "Listen", [add_target(2, collection="c")], http=Http2)
    c.until(has_snapshot)
    put(s, "c/u", "ü😀")
    c.until(lambda got: changes(got) == ["u"])
    w = Channel(s.port, "Write", [{"database": DATABASE}], http=Http2, polling=True)
    w.forward(write("c/w", "x" * 50000))
    w.until(lambda got: len(got) == 2)
    c.until(lambda got: changes(got) == ["u", "w"])
    assert c.terminate() == (200, b"")


@with_server()
def test_a_message_that_is_none_is_an_error_in_the_stream(s):
    for message, shown in (("{nojson", "quotes"), ({"foo": 1}, "foo"), ({"database": DATABASE, "addTarget": {"targetId": "x"}}, "target")):
        c = Channel(s.port, "Listen", [message])
        error = c.until(len)[0]["error"]
        assert error["status"] == "INVALID_ARGUMENT" and shown in error["message"], error


# ---- what is sent twice, early, or not acknowledged ----

@with_server()
def test_a_message_that_is_sent_again_is_not_done_again(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    messages = [{"streamToken": "MA==", "writes": [{"update": {"name": DOCUMENTS + "/c/n"}, "updateTransforms": [
        {"fieldPath": "n", "increment": {"integerValue": 1}}], "updateMask": {}}]} for _ in range(3)]
    c.forward(*messages)
    c.until(lambda got: len(got) == 4)
    c.forward(*messages, ofs=1)
    c.forward(*messages[:2], ofs=2)
    c.forward(messages[0], messages[0], ofs=3)  # the second of them is new
    c.until(lambda got: len(got) == 5)
    status, body = s.ask("GET", DOCS + "/c/n")
    assert json.loads(body)["fields"]["n"] == {"integerValue": "4"}, body


@with_server()
def test_messages_that_come_early_wait_for_their_turn(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    for ofs in (5, 3, 4, 2):
        c.forward(write("c/a", str(ofs)), ofs=ofs)
    c.until(lambda got: len(got) == 1)
    c.forward(write("c/a", "1"), ofs=1)
    c.until(lambda got: len(got) == 6)
    _, body = s.ask("GET", DOCS + "/c/a")
    assert json.loads(body)["fields"] == text("5")["fields"], body


@with_server()
def test_too_many_early_messages_are_refused_and_named(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    c.forward(*("{}" for _ in range(1000)), ofs=2)
    answer = c.ask("POST", "&SID=%s&AID=0" % c.sid, form(["{}"], 5000))
    assert answer.head() == 429 and b"number 1" in answer.body()


@with_server()
def test_what_a_broken_connection_lost_is_sent_again_and_nothing_twice(s):
    c = Channel(s.port, "Listen", [add_target(2, collection="c")])
    c.until(has_snapshot)
    for i in range(60):
        put(s, "c/d%02d" % i, "ü😀" * 200)
        if i % 3 == 0 and c.back:
            c.break_off()  # with whatever was under way
        elif i % 3 == 1:
            c.until(lambda got: "d%02d" % (i - 1) in changes(got))
    c.until(lambda got: "d59" in changes(got))
    assert changes(c.got) == ["d%02d" % i for i in range(60)]


def shaky_writer(server, seed, failures):
    """Sends everything up to three times, on back channels that break or are replaced at any moment."""
    rng, count, name = random.Random(seed), 40, "c/w%d" % seed
    try:
        c = Channel(server.port, "Write", [{"database": DATABASE}], polling=seed % 2 == 1, http=Http2 if seed % 4 > 1 else Http1)
        one = {"streamToken": "MA==", "writes": [{"update": {"name": DOCUMENTS + "/" + name}, "updateMask": {}, "updateTransforms": [
            {"fieldPath": "n", "increment": {"integerValue": 1}}]}]}
        while c.ofs <= count:
            first, n = c.ofs, min(rng.randint(1, 4), count + 1 - c.ofs)
            for _ in range(rng.randint(1, 3)):
                c.forward(*([one] * n), ofs=first)
            c.ofs += n
            for _ in range(rng.randint(0, 2)):
                c.back or c.listen()
                if rng.random() < 0.5:
                    c.break_off()
                elif rng.random() < 0.5:
                    c.listen()
                else:
                    c.until(lambda got: len(got) >= rng.randint(1, first))
        tokens = [m["streamToken"] for m in c.until(lambda got: len(got) == count + 1)]
        assert len(set(tokens)) == count + 1, tokens
        assert c.terminate()[0] == 200
        fields = json.loads(server.ask("GET", DOCS + "/" + name)[1])["fields"]
        assert fields["n"] == {"integerValue": str(count)}, fields
    except Exception:  # of a thread: told by the one that waits
        failures.append("seed %d: %s" % (seed, traceback.format_exc()))


@with_server()
def test_many_clients_with_bad_connections_lose_nothing_and_do_nothing_twice(s):
    failures = []
    threads = [threading.Thread(target=shaky_writer, args=(s, seed, failures)) for seed in range(12)]
    watcher = Channel(s.port, "Listen", [add_target(2, collection="c")])
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[0]
    last = {}

    def all_told(got):
        last.update({m["documentChange"]["document"]["name"]: m["documentChange"]["document"]["fields"]["n"]["integerValue"]
                     for m in got if "documentChange" in m})
        return len(last) == 12 and set(last.values()) == {"40"}
    watcher.until(all_told)


@with_server()
def test_a_back_channel_begins_after_what_is_acknowledged(s):
    c = Channel(s.port, "Listen", [add_target(2, "c/a")])
    c.until(has_snapshot)
    told, c.got, last, c.last = list(c.got), [], c.last, 0
    c.listen(aid=0)
    c.until(lambda got: len(got) == len(told))
    assert c.got == told
    c.listen(aid=last)  # from here on they are gone
    c.back.piece()
    c.got, c.last = [], last + 1  # after the noop
    c.listen(aid=0)
    put(s, "c/a", "new")
    c.last = last
    c.until(lambda got: changes(got) == ["a"])


@with_server()
def test_a_second_back_channel_ends_the_first(s):
    c = Channel(s.port, "Listen", [add_target(2, "c/a")])
    c.until(has_snapshot)
    first = c.back
    c.listen()
    assert first.piece() == b""
    put(s, "c/a", "x")
    c.until(lambda got: changes(got) == ["a"])


@with_server()
def test_answers_to_messages_tell_what_is_outstanding(s):
    c = Channel(s.port, "Listen", [add_target(2, "c/a")])
    wait_for(lambda: c.forward()[1] == 4)
    present, last, unread = c.forward()
    assert (present, last) == (0, 4) and unread > 300
    c.until(has_snapshot)
    assert c.forward() == [1, 4, 0]


# ---- sessions ----

@with_server()
def test_an_unknown_session_is_a_400_with_the_words_that_clients_look_for(s):
    c = Channel(s.port, "Listen", [add_target(2, "c/a")])
    for answer in (c.ask("POST", "&SID=nosuch&AID=0", form([])), c.ask("GET", "&SID=nosuch&TYPE=xmlhttp"),
                   c.ask("GET", ""), c.ask("POST", "&SID=nosuch&TYPE=terminate", "")):
        assert answer.head() == 400
        assert answer.body().find(b"Unknown SID") > 0  # at the very beginning the SDK would not see them
    c.base = c.base.replace("Listen", "Write")
    assert c.ask("POST", "&SID=%s&AID=0" % c.sid, form([])).head() == 400


@with_server()
def test_terminate_ends_the_call_and_its_back_channel_after_what_was_sent_before(s):
    for polling in (False, True):
        name = "c/last%d" % polling
        c = Channel(s.port, "Write", [{"database": DATABASE}], polling=polling)
        c.until(len)
        back = c.back or c.listen()
        c.forward(write(name, "x"))
        assert c.terminate() == (200, b"")
        while back.piece():
            continue
        wait_for(lambda: s.ask("GET", DOCS + "/" + name)[0] == 200)
        assert c.ask("POST", "&SID=%s&AID=0" % c.sid, form([])).head() == 400


@with_server()
def test_one_client_has_several_sessions(s):
    sessions = [Channel(s.port, "Listen", [add_target(2, collection="c")], polling=i % 2 == 1) for i in range(20)]
    assert len({c.sid for c in sessions}) == 20
    for c in sessions:
        c.until(has_snapshot)
    put(s, "c/a", "x")
    for c in sessions:
        c.until(lambda got: changes(got) == ["a"])
    for c in sessions[::2]:
        c.terminate()
    put(s, "c/b", "x")
    for c in sessions[1::2]:
        c.until(lambda got: changes(got) == ["a", "b"])


@with_server()
def test_one_session_too_many_is_refused_and_the_others_go_on(s):
    sessions = []
    for _ in range(2000):
        sessions.append(Channel(s.port, "Write", [{"database": DATABASE}]))
        sessions[-1].opened.close()
    answer = sessions[0].ask("POST", "", form([{"database": DATABASE}]))
    assert answer.head() == 429 and b"2000 sessions" in answer.body()
    sessions[0].until(len)
    sessions[1].terminate()
    wait_for(lambda: sessions[0].ask("POST", "", form([{"database": DATABASE}])).head() == 200)


def test_a_session_belongs_to_nobody_once_its_client_is_gone():
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        with Server("--data", ":memory:", "--request-log", log) as s:
            c = Channel(s.port, "Listen", [add_target(2, "c/a")])
            c.until(has_snapshot)
            c.terminate()
            w = Channel(s.port, "Write", [{"database": DATABASE}])
            w.forward(write("c/a", "x"))
            w.until(lambda got: len(got) == 2)
            assert s.stop() == 0
        with open(log) as f:
            lines = [json.loads(line) for line in f]
        assert {(e["rpc"], e["transport"]) for e in lines} == {(rpc, "webchannel") for rpc in ("Listen", "Write", "Commit")}, lines


@with_server()
def test_metrics_name_the_transport(s):
    c = Channel(s.port, "Write", [{"database": DATABASE}])
    c.forward(write("c/a", "x"))
    c.until(lambda got: len(got) == 2)
    c.terminate()
    wanted = 'cinderlog_requests_total{rpc="%s",transport="webchannel",code="OK"} 1'
    wait_for(lambda: all(wanted % rpc in s.ask("GET", "/metrics")[1] for rpc in ("Write", "Commit")))


@with_server()
def test_a_back_channel_on_which_nothing_happens_says_so(s):
    streams = [Channel(s.port, "Listen", [add_target(2, "c/a")], polling=polling) for polling in (False, True)]
    for c in streams:
        c.until(has_snapshot)
        c.noops = 0
        while c.polling and c.back:
            c.read()
        c.back = c.back or c.listen()
    for c in streams:
        while not c.noops:
            c.read()


@with_server()
def test_the_server_stops_with_sessions_open_and_says_why(s):
    listens = [Channel(s.port, kind, [m]) for kind, m in (("Listen", add_target(2, "c/a")), ("Write", {"database": DATABASE}))]
    for c in listens:
        c.until(len)
    stopper = threading.Thread(target=s.stop)
    stopper.start()
    for c in listens:
        while c.back and c.read():
            continue
        assert c.got[-1]["error"]["status"] == "UNAVAILABLE", c.got[-1]
    stopper.join()
    assert s.process.returncode == 0
    s.stop = lambda: 0


def test_faults_befall_the_back_channel():
    with Server("--data", ":memory:", "--fault", "UNAVAILABLE rpc=Listen transport=webchannel count=1") as s:
        c = Channel(s.port, "Listen", [add_target(2, "c/a")])
        assert c.until(len)[0]["error"]["status"] == "UNAVAILABLE"
        Channel(s.port, "Listen", [add_target(2, "c/a")]).until(has_snapshot)
        assert s.stop() == 0
    for kind in ("reset", "truncate"):
        with Server("--data", ":memory:", "--fault", "%s rpc=Listen count=1" % kind) as s:
            c = Channel(s.port, "Listen", [add_target(2, "c/a")])
            c.listen()
            try:
                while c.back.piece():
                    continue
                raise AssertionError("it ended in order")
            except (ConnectionError, ValueError):
                pass
            wait_for(lambda: c.ask("POST", "&SID=%s&AID=0" % c.sid, form([])).head() == 400)
            assert s.stop() == 0


# ---- memory ----

@with_server()
def test_a_slow_reader_gets_everything_and_costs_no_memory(s):
    value = "ü" * 25000  # 50 KB
    for i in range(500):  # 25 MB in all
        put(s, "c/d%03d" % i, value)
    c = Channel(s.port, "Listen", [add_target(2, collection="c")])
    c.listen(receive_buffer=SMALL)
    c.read()
    wait_for(lambda: c.forward()[2] > 100000)
    before = rss(s)
    readers = [Channel(s.port, "Listen", [add_target(2, collection="c")]) for _ in range(20)]
    for r in readers:
        r.listen(receive_buffer=SMALL)
        r.read()
    for r in readers:
        wait_for(lambda: r.forward()[2] > 100000)
    grown = rss(s) - before
    assert grown < 40 * 1024, "20 readers that do not read cost %d KiB" % grown  # 500 MB would wait for them
    c.until(lambda got: changes(got) and changes(got)[-1] == "d499" and is_snapshot(got[-1]))
    assert changes(c.got) == ["d%03d" % i for i in range(500)]
    for r in readers:
        assert r.terminate() == (200, b"")


@with_server()
def test_back_channels_that_nobody_reads_cost_one_answer_and_not_one_each(s):
    for i in range(40):
        put(s, "c/d%03d" % i, "x" * 100000)
    c = Channel(s.port, "Listen", [add_target(2, collection="c")])
    wait_for(lambda: c.forward()[2] > 256 * 1024)
    before = rss(s)
    kept = [c.listen(aid=0, receive_buffer=SMALL) for _ in range(200)]  # 60 MB if each were kept
    wait_for(lambda: c.forward()[1] > 0)
    grown = rss(s) - before
    assert grown < 30 * 1024, "200 back channels cost %d KiB" % grown
    for back in kept:
        back.close()


if __name__ == "__main__":
    sys.exit(main(globals()))

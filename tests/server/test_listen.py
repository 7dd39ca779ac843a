#!/usr/bin/env python3
"""Listeners: what rules take away and give back, and what a resume costs, in bytes.

usage: test_listen.py BINARY [NAME ...]       (needs grpcio, google-cloud-firestore)       last line: N passed, M failed

Every client here is the one of the random schedules: it also judges what it is told (listen_client.py).
"""
import contextlib
import os
import sys
import tempfile
import time

from listen_client import PATIENCE, REMOVE, USER, Api, Client, Server, pb
from test_cli import BINARY, main

DB = "projects/p/databases/(default)"
RULES = ("rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {"
         " match /marks/{id} { allow read: if true; } match /{all=**} { allow read: if %s; } } }")
LOOKED_UP = RULES % "get(/databases/$(database)/documents/acl/u).data.ok"
DENIED = 7
MISSED = 10000


@contextlib.contextmanager
def listening(rules=None, data=None):
    """A server and a user's client of it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(BINARY, folder, os.path.join(folder, data) if data else ":memory:")
        try:
            api = Api(server)
            if rules:
                api.rules(DB, rules)
            yield api, Client(api, DB, who=USER)
        finally:
            server.process.kill()
            server.process.wait()


def query(i, collection, group=False, limit=0, parent=""):
    target = pb["Target"](target_id=i)
    target.query.parent = DB + "/documents" + parent
    q = target.query.structured_query
    selector = q.from_.add()
    selector.collection_id, selector.all_descendants = collection, group
    q.limit.value = limit
    if not limit:
        q.ClearField("limit")
    return target


def documents(i, *paths):
    return pb["Target"](target_id=i, documents={"documents": ["%s/documents/%s" % (DB, path) for path in paths]})


def every_kind(first=2):
    return [query(first, "c"), query(first + 1, "c", group=True), query(first + 2, "c", limit=2),
            query(first + 3, "c", group=True, limit=2), documents(first + 4, "c/0", "c/never")]


def fill(api):
    api.commit(DB, [("c/%d" % n, {"n": n}) for n in range(5)] + [("d/x/c/%d" % n, {"n": n}) for n in range(2)])


def refused(client):
    """{id: code} of the targets that were taken away, and forgets them."""
    codes = {h.target.target_id: code for h, code in client.taken}
    client.taken.clear()
    return codes


def keep_refusals(client):
    """Notes every refusal in client.taken; the judge looks at them, too."""
    client.taken, on_target = [], client.on_target

    def noted(h, change):
        on_target(h, change)
        if change.target_change_type == REMOVE:
            client.taken.append((h, change.cause.code))
    client.on_target = noted


def settle(client):
    """Until every target is complete or refused: what is added is served when it has come, be a mark earlier or later."""
    deadline = time.monotonic() + PATIENCE
    client.until_marked()
    while not all(h.complete for h in client.held.values()):
        assert time.monotonic() < deadline
        client.until_marked()


def add_all(client, targets):
    for target in targets:
        client.add(target)
    settle(client)


def everything_is_refused_within_one_commit(client, ids):
    """The mark of the client is the commit: what is in a snapshot with it, was asked with it."""
    client.until_marked()
    assert refused(client) == dict.fromkeys(ids, DENIED)
    assert list(client.held) == [1]


def test_other_rules_take_every_kind_of_target_within_one_commit_and_give_it_back():
    with listening(RULES % "true") as (api, client):
        keep_refusals(client)
        fill(api)
        add_all(client, every_kind())
        held = [h for i, h in client.held.items() if i != 1]
        client.expect_other_rules()
        api.rules(DB, RULES % "false")
        everything_is_refused_within_one_commit(client, range(2, 7))
        api.commit(DB, [("c/0", {"n": 10}), ("c/1", None), ("c/00", {"n": 0})])
        client.until_marked()
        for n, h in enumerate(held):  # still refused, with its token, too
            client.resume(10 + n, h)
        settle(client)
        assert refused(client) == dict.fromkeys(range(10, 15), DENIED)
        client.expect_other_rules()
        api.rules(DB, RULES % "true")
        for n, h in enumerate(held):  # from where they were
            client.resume(20 + n, h)
        settle(client)
        assert refused(client) == {} and set(client.held) == {1, *range(20, 25)}


def test_a_change_to_a_document_that_rules_look_up_takes_every_kind_of_target_and_gives_it_back():
    for change in ({"ok": False}, {}, None):
        with listening(LOOKED_UP) as (api, client):
            keep_refusals(client)
            fill(api)
            client.times.append(api.commit(DB, [("acl/u", {"ok": True})]))
            add_all(client, every_kind())
            assert refused(client) == {}
            client.times.append(api.commit(DB, [("acl/u", change), ("c/0", {"n": 7})]))
            everything_is_refused_within_one_commit(client, range(2, 7))
            client.times.append(api.commit(DB, [("acl/u", {"ok": True}), ("c/0", {"n": 8})]))
            client.until_marked()
            for h in client.lost:
                client.resume(h.target.target_id + 10, h)
            settle(client)
            assert refused(client) == {} and set(client.held) == {1, *range(12, 17)}


def test_a_clear_takes_away_what_rules_look_up():
    with listening(LOOKED_UP) as (api, client):
        keep_refusals(client)
        fill(api)
        client.times.append(api.commit(DB, [("acl/u", {"ok": True})]))
        add_all(client, every_kind())
        api.clear(DB)
        client.times.append(api.commit(DB, [("d/moment", {})]))
        everything_is_refused_within_one_commit(client, range(2, 7))


def test_rules_that_look_elsewhere_are_followed_there():
    """What is looked up depends on a document that was looked up."""
    rules = RULES % ("get(/databases/$(database)/documents/acl/$(get(/databases/$(database)/documents/acl/at).data.id)).data.ok")
    with listening(rules) as (api, client):
        keep_refusals(client)
        fill(api)
        client.times.append(api.commit(DB, [("acl/at", {"id": "a"}), ("acl/a", {"ok": True}), ("acl/b", {"ok": True})]))
        add_all(client, every_kind())
        client.times.append(api.commit(DB, [("acl/b", {"ok": False})]))
        client.until_marked()
        client.times.append(api.commit(DB, [("acl/b", {"ok": True}), ("acl/at", {"id": "b"})]))
        client.until_marked()
        client.times.append(api.commit(DB, [("acl/a", {"ok": False})]))
        client.until_marked()
        assert refused(client) == {}
        client.times.append(api.commit(DB, [("acl/b", {"ok": False})]))
        everything_is_refused_within_one_commit(client, range(2, 7))


def test_a_document_that_ceases_to_be_allowed_takes_the_list_that_names_it():
    with listening(RULES % "resource.data.open == true") as (api, client):
        keep_refusals(client)
        api.commit(DB, [("c/a", {"open": True}), ("c/b", {"open": True})])
        add_all(client, [documents(2, "c/a", "c/b"), documents(3, "c/a")])
        client.times.append(api.commit(DB, [("c/b", {"open": False})]))
        client.until_marked()
        assert refused(client) == {2: DENIED} and set(client.held) == {1, 3}


def test_rules_that_change_while_results_are_sent_end_them():
    """A client that does not read has little of a large result when the rules change, and gets no more of it."""
    with listening(RULES % "true") as (api, client):
        keep_refusals(client)
        client.until_marked()
        large = b"x" * 250000
        for a in range(0, 120, 20):
            api.commit(DB, [("c/%d" % n, {"large": large}) for n in range(a, a + 20)])
        client.add(query(2, "c"))
        while client.responses.get(timeout=PATIENCE).WhichOneof("response_type") != "document_change":
            pass
        client.reads.clear()
        client.expect_other_rules()
        api.rules(DB, RULES % "false")
        client.reads.set()
        told = 0
        while 2 not in refused(client):
            r = client.responses.get(timeout=PATIENCE)
            told += r.WhichOneof("response_type") == "document_change"
            client.take(r)
        assert told < 110, told


# ---- what a resume costs ----

def commits(api, n):
    """`n` commits of one write each, which change a hundred documents."""
    for a in range(0, n, 100):
        api.batch_write(DB, [("c/%04d" % i, {"n": a + i}) for i in range(100)])


def resumed_bytes(client, held):
    client.bytes = 0
    client.resume(3, held)
    settle(client)
    return client.bytes


def missed(api, client, restart):
    """What a client is sent that has 5,000 documents and missed 10,000 commits, which changed 100 of them."""
    for a in range(0, 5000, 500):
        api.commit(DB, [("c/%04d" % n, {"n": -1}) for n in range(a, a + 500)])
    add_all(client, [query(2, "c")])
    all_of_it = client.bytes
    held = client.disconnect(False)[2]
    commits(api, MISSED)
    if restart:
        api.server.stop()
        api.server.start()
    client.connect()
    assert all_of_it > 400000
    return resumed_bytes(client, held)


def test_a_resume_after_10000_missed_commits_sends_the_documents_that_changed():
    with listening() as (api, client):
        assert missed(api, client, False) < 100 * 110 + 500


def test_a_resume_after_10000_missed_commits_and_another_start_sends_the_documents_that_changed():
    with listening(data="data") as (api, client):
        assert missed(api, client, True) < 100 * 110 + 500


def test_a_resume_that_missed_nothing_sends_no_document():
    with listening() as (api, client):
        fill(api)
        add_all(client, [query(2, "c")])
        held = client.disconnect(True)[2]
        client.connect()
        client.until_marked()
        assert resumed_bytes(client, held) < 400


if __name__ == "__main__":
    sys.exit(main(dict(globals())))

#!/usr/bin/env python3
"""Listen against a naive model (listen_client.py): random schedules of writes, targets, rules and reconnects.

usage: listen_model.py BINARY [--schedules N] [--seed S] [--only K]      (needs grpcio, google-cloud-firestore)
last line: N passed, M failed

Each schedule has a project of its own, so that they share one server; each seed makes the same one again. One in
fifty reads slowly, one in fifty has a server of its own with its ledger on disk, which is ended and started again.
"""
import argparse
import itertools
import os
import queue
import random
import signal
import sys
import tempfile
import time

import grpc

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from listen_client import (  # noqa: E402
    CURRENT, NO_CHANGE, OWNER, REMOVE, USER, Api, Client, Server, Wrong, expect, pb, put_value)

LT, LE, GT, GE, EQ, NE, HAS, IN, HAS_ANY, NOT_IN = range(1, 11)  # of FieldFilter
ASC, DESC, AND, OR = 1, 2, 1, 2
COLLECTIONS = ("c", "d", "c/p/c")
PATHS = ["%s/%d" % (c, n) for c in COLLECTIONS for n in range(5)]

# ---- rules: each lets everybody read marks ----

ALL = "match /{all=**} { allow read: if %s; }"
LOOKED_UP = "get(/databases/$(database)/documents/acl/u).data.ok == true"
RULES = {
    "open": ALL % "true",
    "closed": ALL % "false",
    "looked up": ALL % LOOKED_UP,
    "two looked up": ALL % ("exists(/databases/$(database)/documents/acl/v) || " + LOOKED_UP),
    "one collection": "match /{path=**}/c/{id} { allow read: if true; }",
    "limited": "match /{all=**} { allow get: if true; allow list: if request.query.limit <= 2; }",
    "by content": ALL % "resource.data.m == 1",
    "by content or looked up": "match /c/{id} { allow read: if resource.data.m == 1; } match /{path=**}/c/{id} { allow read: if %s; }"
                               % LOOKED_UP,
}


def rules_text(name):
    return ("rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {"
            " match /marks/{id} { allow read: if true; } %s } }" % RULES[name])


# ---- targets ----

def random_filter(rng, f):
    field, op, operand = rng.choice((
        ("n", GE, rng.randint(0, 4)), ("n", EQ, rng.randint(0, 4)), ("n", LT, rng.randint(1, 4)), ("n", NE, rng.randint(0, 4)),
        ("m", EQ, 1), ("m", EQ, rng.randint(0, 2)), ("n", IN, rng.sample(range(5), 2)), ("n", NOT_IN, rng.sample(range(5), 2)),
        ("tags", HAS, rng.randint(0, 2)), ("tags", HAS_ANY, [0, 1])))
    f.field_filter.field.field_path, f.field_filter.op = field, op
    put_value(f.field_filter.value, operand)


def random_where(rng, where):
    n = rng.choice((0, 0, 1, 1, 1, 2, 3))
    if n == 1:
        random_filter(rng, where)
    elif n:
        where.composite_filter.op = rng.choice((AND, OR))
        for _ in range(n):
            random_filter(rng, where.composite_filter.filters.add())


def random_order(rng, q):
    for field in rng.choice(((), (), ("n",), ("n",), ("m", "n"), ("__name__",))):
        o = q.order_by.add()
        o.field.field_path, o.direction = field, rng.choice((ASC, DESC))
    if q.order_by and q.order_by[0].field.field_path != "__name__":
        for cursor in ("start_at", "end_at"):
            if rng.random() < 0.2:
                put_value(getattr(q, cursor).values.add(), rng.randint(0, 4))
                getattr(q, cursor).before = rng.random() < 0.5


def random_target(rng, database, i):
    root = database + "/documents"
    target = pb["Target"](target_id=i, once=rng.random() < 0.05)
    if rng.random() < 0.2:
        for path in rng.sample(PATHS + ["c/never"], rng.randint(1, 3)):
            target.documents.documents.append("%s/%s" % (root, path))
        return target
    q = target.query.structured_query
    where = rng.choice(COLLECTIONS + ("group", "group below", "all", "all below"))
    target.query.parent = root + "/c/p" if where in ("c/p/c", "group below", "all below") else root
    selector = q.from_.add()
    selector.all_descendants = where.startswith(("group", "all"))
    if not where.startswith("all"):
        selector.collection_id = "d" if where == "d" else "c"
    random_order(rng, q)
    if not where.startswith("all"):
        random_where(rng, q.where)
        if not q.where.WhichOneof("filter_type"):
            q.ClearField("where")
    if rng.random() < 0.4:
        q.limit.value = rng.randint(1, 3)
    if rng.random() < 0.1:
        q.offset = rng.randint(1, 2)
    if rng.random() < 0.1:
        q.select.fields.add().field_path = rng.choice(("n", "__name__"))
    return target


# ---- writes ----

def random_fields(rng):
    fields = {"n": rng.choice((0, 1, 2, 3, 4, 0, 1, 2, 3, 4, "text", None)), "m": rng.randint(0, 2),
              "tags": rng.sample(range(3), rng.randint(0, 2))}
    if rng.random() < 0.1:
        del fields[rng.choice(sorted(fields))]
    return fields


def random_writes(rng):
    writes = [(path, None if rng.random() < 0.3 else random_fields(rng)) for path in rng.sample(PATHS, rng.randint(1, 4))]
    if rng.random() < 0.15:
        writes.append(("acl/u", rng.choice(({"ok": True}, {"ok": True}, {"ok": False}, None))))
    if rng.random() < 0.05:
        writes.append(("acl/v", rng.choice(({}, None))))
    return writes


class Schedule:
    """One project: its databases, their clients, and what happens to them."""

    def __init__(self, server, seed, name="listen"):
        self.rng, self.server, self.api = random.Random(seed), server, Api(server)
        self.project = "projects/%s-%d" % (name, seed)
        databases = ["%s/databases/%s" % (self.project, d) for d in self.rng.choice((("(default)",), ("(default)", "other")))]
        who = self.rng.choice((OWNER, USER, USER))
        self.clients = [Client(self.api, self.rng.choice(databases), n, who) for n in range(self.rng.choice((1, 1, 1, 2)))]
        self.ids = itertools.count(2)

    def wrote(self, database, moment):
        for c in self.clients:
            if c.database == database and moment is not None:
                c.times.append(moment)

    def passes(self, database):
        """A moment that is known, after something whose own is not."""
        self.wrote(database, self.api.commit(database, [("moments/m", {})]))

    def write(self, database):
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2, 5))):
            how, writes = rng.random(), random_writes(rng)
            if how < 0.8:
                self.wrote(database, self.api.commit(database, writes))
            elif how < 0.9:
                self.wrote(database, self.api.transaction(database, [path for path, _ in writes], writes, rng.random() < 0.8))
            else:
                for w in writes:  # each its own commit, at its own moment
                    self.api.batch_write(database, [w])
                    self.passes(database)

    def clear(self, database):
        self.api.clear(database)
        self.passes(database)

    def other_rules(self, name=None):
        for c in self.clients:
            c.expect_other_rules()
        self.api.rules(self.project + "/databases/x", rules_text(name or self.rng.choice(sorted(RULES))))

    def resume(self, c, held):
        rng, how = self.rng, self.rng.random()
        if how < 0.5:
            c.resume(next(self.ids), held)
        elif how < 0.65:
            c.resume(next(self.ids), held, back=rng.randint(0, 3))
        elif how < 0.8:
            c.resume(next(self.ids), held, back=rng.randint(0, 2), lose=rng.randint(1, 3))
        elif how < 0.9:
            c.resume(next(self.ids), held, back=rng.randint(0, 2), by_time=True)
        else:
            token = bytearray(held.snapshots[-1].token if held.snapshots else b"")
            if token:
                token[rng.randint(2, 10)] ^= 1 + rng.randint(0, 100)  # of no ledger
            c.resume(next(self.ids), held, token=rng.choice((bytes(token[:-1]), bytes(token), b"garbage", b"\0" * 18)))

    def reconnect(self, c, meanwhile):
        held = c.disconnect(self.rng.random() < 0.5)
        for _ in range(self.rng.randint(0, 3)):
            self.write(c.database)
        meanwhile(c)
        c.connect()
        self.resume_all(c, held)

    def resume_all(self, c, held):
        for i, h in held.items():
            if i != 1 and not h.target.once:
                self.resume(c, h)

    def restart(self, gone):
        """Every stream ends, `gone` has before; what was acknowledged is there afterwards."""
        others = [(c, c.disconnect(False)) for c in self.clients if c is not gone]
        self.server.stop(self.rng.choice((signal.SIGTERM, signal.SIGKILL)))
        self.server.start()
        self.other_rules("open")  # they are not kept
        for c, held in others:
            c.connect()
            self.resume_all(c, held)

    def step(self):
        rng, what = self.rng, self.rng.random()
        c = rng.choice(self.clients)
        mine = [i for i in c.held if i != 1]
        if what < 0.40:
            self.write(c.database)
        elif what < 0.65:
            c.add(random_target(rng, c.database, next(self.ids)))
        elif what < 0.72 and mine:
            c.remove(rng.choice(mine))
        elif what < 0.75:
            self.clear(c.database)
        elif what < 0.83:
            self.reconnect(c, lambda _: None)
        elif what < 0.93:
            self.other_rules()
        elif c.lost:  # asks again, as an application does once the user may
            self.resume(c, c.lost.pop(rng.randrange(len(c.lost))))
        if rng.random() < 0.5:
            c.until_marked()

    def end(self):
        for c in self.clients:
            c.until_marked()
            c.disconnect(True)

    def run(self):
        if self.rng.random() < 0.3:
            self.other_rules()
        for _ in range(self.rng.randint(3, 14)):
            self.step()
        self.end()


def restarted(binary, seed):
    """A schedule in whose middle the server is started again."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder, os.path.join(folder, "data"))
        try:
            s = Schedule(server, seed, "restart")
            for part in range(2):
                for _ in range(s.rng.randint(3, 8)):
                    s.step()
                if part == 0:
                    c = s.clients[0]
                    c.until_marked()
                    s.reconnect(c, s.restart)
            s.end()
        finally:
            server.process.kill()
            server.process.wait()


def slowly(server, seed):
    """A client that does not read is told, once it does, what has changed altogether, however much it was."""
    s = Schedule(server, seed, "slow")
    c = s.clients[0]
    for _ in range(s.rng.randint(1, 3)):
        c.add(random_target(s.rng, c.database, next(s.ids)))
    c.until_marked()
    c.reads.clear()
    large = os.urandom(60000)
    for n in range(30):  # more than all buffers on the way hold
        writes = random_writes(s.rng) + [("c/%d" % (n % 7), {"n": n % 5, "large": large})]
        s.wrote(c.database, s.api.commit(c.database, dict(writes).items()))
    c.reads.set()
    s.end()


def once(server, seed):
    """A target that is wanted once gets all results, a snapshot, and its removal, however many come at a time."""
    api, database = Api(server), "projects/once-%d/databases/(default)" % seed
    api.commit(database, [("c/%d" % n, {"n": n}) for n in range(3)])
    rng, requests = random.Random(seed), queue.Queue()
    call = api.method("stream_stream", "Listen", "ListenRequest", "ListenResponse")(iter(requests.get, None), metadata=OWNER)
    for i in range(1, 30):
        time.sleep(rng.random() / 1000)  # some come while others are served
        target = pb["Target"](target_id=i, once=True)
        target.query.parent = database + "/documents"
        target.query.structured_query.from_.add().collection_id = "c"
        requests.put(pb["ListenRequest"](database=database, add_target=target))
    told, current, left = {i: 0 for i in range(1, 30)}, set(), set(range(1, 30))
    snapshots = 0
    for r in call:
        change = r.target_change
        if r.WhichOneof("response_type") == "document_change":
            told[r.document_change.target_ids[0]] += 1
        elif change.target_change_type == CURRENT:
            current.update(change.target_ids)
        elif change.target_change_type == NO_CHANGE:
            snapshots += 1
        elif change.target_change_type == REMOVE:
            i = change.target_ids[0]
            expect(i in current and told[i] == 3 and snapshots, "target %d was removed before its snapshot", i)
            left.discard(i)
            if not left:
                requests.put(None)


def run_seed(binary, server, seed):
    Schedule(server, seed).run()
    if seed % 50 == 1:
        once(server, seed)
    elif seed % 50 == 2:
        slowly(server, seed)
    elif seed % 50 == 3:
        restarted(binary, seed)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("binary")
    p.add_argument("--schedules", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", type=int)
    a = p.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        server = Server(a.binary, folder)
        for seed in [a.only] if a.only else range(a.seed, a.seed + a.schedules):
            try:
                run_seed(a.binary, server, seed)
                passed += 1
            except (Wrong, queue.Empty, grpc.RpcError) as e:
                failed += 1
                print("schedule %d: %s: %s" % (seed, type(e).__name__, e), flush=True)
                if failed == 10:
                    break
        server.stop()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

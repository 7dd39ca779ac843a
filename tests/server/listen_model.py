#!/usr/bin/env python3
"""Listen against a naive model: random schedules of writes, targets and reconnects.

usage: listen_model.py BINARY [--schedules N] [--seed S] [--only K]      (needs grpcio, google-cloud-firestore)
last line: N passed, M failed

A client holds what the stream told it, and nothing else. At each snapshot it asks RunQuery and BatchGetDocuments with the
snapshot's read time what every current target should be: that is the judge. Beyond that it checks that nothing is
told twice, nothing is taken back that was not told, times never go backwards, a resumed target is told only what
changed, and a client that lost something is told its count.
"""
import argparse
import itertools
import os
import queue
import random
import sys
import tempfile
import threading
import time
import urllib.request

import grpc
from google.cloud.firestore_v1.types import common, document, firestore, query, write  # noqa: F401

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from contract import start  # noqa: E402

PATIENCE = 60
OWNER = (("authorization", "Bearer owner"),)
pb = {name: getattr(firestore, name).pb() for name in (
    "ListenRequest", "ListenResponse", "RunQueryRequest", "RunQueryResponse", "BatchGetDocumentsRequest",
    "BatchGetDocumentsResponse", "CommitRequest", "CommitResponse", "Target")}
NO_CHANGE, ADD, REMOVE, CURRENT, RESET = range(5)
FIELD_GE, FIELD_EQ, ASC, DESC = 4, 5, 1, 2
COLLECTIONS = ("c", "d", "c/p/c")
MARK = "marks/m"


class Wrong(Exception):
    pass


def expect(ok, what, *args):
    if not ok:
        raise Wrong(what % args if args else what)


class Api:
    def __init__(self, port):
        self.port = port
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % port, [("grpc.max_receive_message_length", -1)])

    def method(self, kind, name, request, response):
        return getattr(self.channel, kind)("/google.firestore.v1.Firestore/" + name,
                                           request_serializer=pb[request].SerializeToString,
                                           response_deserializer=pb[response].FromString)

    def commit(self, database, writes):
        request = pb["CommitRequest"](database=database)
        for path, n in writes:
            w = request.writes.add()
            name = "%s/documents/%s" % (database, path)
            if n is None:
                w.delete = name
            else:
                w.update.name = name
                w.update.fields["n"].integer_value = n
        self.method("unary_unary", "Commit", "CommitRequest", "CommitResponse")(request, metadata=OWNER, timeout=PATIENCE)

    def clear(self, database):
        url = "http://127.0.0.1:%d/emulator/v1/%s/documents" % (self.port, database)
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=PATIENCE).read()

    def run(self, database, target, read_time):
        """{name: update time} of a target's result at a time."""
        if target.WhichOneof("target_type") == "query":
            request = pb["RunQueryRequest"](parent=target.query.parent, structured_query=target.query.structured_query)
            request.read_time.CopyFrom(read_time)
            got = self.method("unary_stream", "RunQuery", "RunQueryRequest", "RunQueryResponse")(
                request, metadata=OWNER, timeout=PATIENCE)
            found = [r.document for r in got if r.HasField("document")]
        else:
            request = pb["BatchGetDocumentsRequest"](database=database, documents=target.documents.documents)
            request.read_time.CopyFrom(read_time)
            got = self.method("unary_stream", "BatchGetDocuments", "BatchGetDocumentsRequest", "BatchGetDocumentsResponse")(
                request, metadata=OWNER, timeout=PATIENCE)
            found = [r.found for r in got if r.WhichOneof("result") == "found"]
        return {d.name: stamp(d.update_time) for d in found}


def stamp(t):
    return t.seconds * 10 ** 9 + t.nanos


class Held:
    """What the client has of one target."""

    def __init__(self, target):
        self.target, self.docs, self.token = target, {}, b""
        self.current = self.counted = False
        self.count_due = None  # of a resume that lost something: the filter must say the true count
        self.saved = ({}, b"", None)  # of the last snapshot: that is what a client still has after a reconnect
        self.is_query = target.WhichOneof("target_type") == "query"


class Client:
    def __init__(self, api, database):
        self.api, self.database = api, database
        self.held, self.gone, self.time, self.marked = {}, set(), 0, 0
        self.connect()

    def connect(self):
        self.requests = queue.Queue()
        self.responses = queue.Queue()
        self.call = self.api.method("stream_stream", "Listen", "ListenRequest", "ListenResponse")(
            iter(self.requests.get, None), metadata=OWNER)
        threading.Thread(target=self.read, args=(self.call, self.responses), daemon=True).start()
        self.add(pb["Target"](target_id=1, documents={"documents": [self.name(MARK)]}))

    def read(self, call, responses):
        try:
            for response in call:
                responses.put(response)
            responses.put(None)
        except grpc.RpcError as e:
            responses.put(e)

    def name(self, path):
        return "%s/documents/%s" % (self.database, path)

    def disconnect(self, politely):
        if politely:
            self.requests.put(None)
            end = None
            while not isinstance(end, grpc.RpcError) and (end := self.responses.get(timeout=PATIENCE)) is not None:
                pass
            expect(end is None, "half-closed, and the stream ended with %s", end)
        else:
            self.call.cancel()
            self.requests.put(None)
        held, self.held, self.gone, self.time = self.held, {}, set(), 0
        return held

    def add(self, target):
        self.held[target.target_id] = Held(target)
        self.requests.put(pb["ListenRequest"](database=self.database, add_target=target))

    def remove(self, target_id):
        del self.held[target_id]
        self.gone.add(target_id)
        self.requests.put(pb["ListenRequest"](database=self.database, remove_target=target_id))

    def resume(self, target_id, held, lose):
        target = pb["Target"]()
        target.CopyFrom(held.target)
        target.target_id = target_id
        saved, token, due = held.saved
        docs = dict(saved)
        if token:
            target.resume_token = token
            if held.is_query:
                if lose and docs:
                    docs.pop(sorted(docs)[0])
                target.expected_count.value = len(docs)
        else:
            docs = {}
        self.add(target)
        new = self.held[target_id]
        new.docs, new.token = docs, token
        new.count_due = (due or len(docs) != len(saved)) if token else None
        new.saved = (dict(docs), token, new.count_due)

    # ---- what comes ----

    def until_marked(self):
        """Takes what comes until the newest write of this client is in a snapshot."""
        self.marked += 1
        self.api.commit(self.database, [(MARK, self.marked)])
        seen = False
        while True:
            r = self.responses.get(timeout=PATIENCE)
            expect(r is not None and not isinstance(r, grpc.RpcError), "the stream ended: %s", r)
            seen = seen or (r.WhichOneof("response_type") == "document_change" and
                            r.document_change.document.name == self.name(MARK) and
                            r.document_change.document.fields["n"].integer_value == self.marked)
            if self.take(r) and seen:
                return

    def take(self, r):
        """True for a snapshot."""
        kind = r.WhichOneof("response_type")
        if kind == "target_change":
            return self.on_target_change(r.target_change)
        if kind == "document_change":
            for i in r.document_change.target_ids:
                self.on_change(i, r.document_change.document)
        elif kind == "filter":
            if r.filter.target_id in self.held:
                self.held[r.filter.target_id].counted = r.filter.count
        else:
            gone = getattr(r, kind)
            for i in gone.removed_target_ids:
                self.on_gone(i, gone.document)
        return False

    def on_change(self, i, d):
        if i in self.gone and i not in self.held:
            return
        h = self.held[i]
        expect(h.docs.get(d.name) != stamp(d.update_time), "target %d is told %s twice", i, d.name)
        h.docs[d.name] = stamp(d.update_time)

    def on_gone(self, i, name):
        if i in self.gone and i not in self.held:
            return
        h = self.held[i]
        lost = h.count_due
        expect(not h.is_query or name in h.docs or lost, "target %d: %s is taken back, and was not told", i, name)
        h.docs.pop(name, None)

    def on_target_change(self, change):
        if change.HasField("read_time"):
            expect(stamp(change.read_time) >= self.time, "the read time went backwards")
            self.time = stamp(change.read_time)
        for i in change.target_ids:
            if i not in self.held:
                expect(i in self.gone, "a change of target %d, which nobody added", i)
                continue
            h = self.held[i]
            if change.target_change_type == REMOVE:
                raise Wrong("target %d was removed: %s" % (i, change.cause))
            if change.target_change_type == RESET:
                h.docs, h.count_due = {}, None
            if change.target_change_type == CURRENT:
                h.current, h.token = True, change.resume_token
        if change.target_change_type == NO_CHANGE and not change.target_ids:
            self.judge(change)
            return True
        return False

    def judge(self, change):
        for i, h in sorted(self.held.items()):
            if not h.current:
                continue
            h.token = change.resume_token
            should = self.api.run(self.database, h.target, change.read_time)
            if h.count_due:
                expect(h.counted is not False and h.counted == len(should),
                       "target %d (%s) lost a document; its count is %s, the stream said %s", i,
                       str(h.target).replace("\n", " "), len(should), h.counted)
                h.docs, h.count_due = should, None  # what a client gets by asking again without a token
            expect(h.docs == should, "target %d (%s): has %s, should have %s", i, str(h.target).replace("\n", " "),
                   sorted(h.docs.items()), sorted(should.items()))
            h.saved = (dict(h.docs), h.token, None)


# ---- schedules ----

def random_target(rng, database, i):
    root = database + "/documents"
    target = pb["Target"](target_id=i)
    if rng.random() < 0.2:
        for path in rng.sample(["%s/%d" % (c, n) for c in COLLECTIONS for n in range(5)], rng.randint(1, 3)):
            target.documents.documents.append("%s/%s" % (root, path))
        return target
    q = target.query.structured_query
    where = rng.choice(("c", "d", "c/p/c", "group", "all"))
    target.query.parent = root + "/c/p" if where == "c/p/c" else root
    selector = getattr(q, "from").add() if hasattr(q, "from") else q.from_.add()
    if where in ("group", "all"):
        selector.all_descendants = True
    if where != "all":
        selector.collection_id = "c" if where in ("group", "c/p/c") else where
    if where == "all":
        return target
    if rng.random() < 0.6:
        f = q.where.field_filter
        f.field.field_path, f.op, f.value.integer_value = "n", rng.choice((FIELD_GE, FIELD_EQ)), rng.randint(0, 4)
    if rng.random() < 0.5:
        o = q.order_by.add()
        o.field.field_path, o.direction = "n", rng.choice((ASC, DESC))
    if rng.random() < 0.4:
        q.limit.value = rng.randint(1, 3)
    if rng.random() < 0.1:
        q.offset = rng.randint(1, 2)
    return target


def random_writes(rng):
    paths = rng.sample(["%s/%d" % (c, n) for c in COLLECTIONS for n in range(5)], rng.randint(1, 4))
    return [(path, None if rng.random() < 0.3 else rng.randint(0, 4)) for path in paths]


def schedule(api, seed):
    rng = random.Random(seed)
    database = "projects/listen-%d/databases/(default)" % seed
    client, ids = Client(api, database), itertools.count(2)
    for _ in range(rng.randint(3, 14)):
        what = rng.random()
        mine = [i for i in client.held if i != 1]
        if what < 0.45:
            for _ in range(rng.choice((1, 1, 2, 5))):
                api.commit(database, random_writes(rng))
        elif what < 0.7:
            i = next(ids)
            client.add(random_target(rng, database, i))
        elif what < 0.78 and mine:
            client.remove(rng.choice(mine))
        elif what < 0.82:
            api.clear(database)
        elif what < 0.92:
            held = client.disconnect(rng.random() < 0.5)
            for _ in range(rng.randint(0, 3)):
                api.commit(database, random_writes(rng))
            client.connect()
            for i, h in held.items():
                if i != 1:
                    client.resume(next(ids), h, rng.random() < 0.2)
        if rng.random() < 0.6:
            client.until_marked()
    client.until_marked()
    client.disconnect(True)


def once(api, seed):
    """A target that is wanted once gets all results, a snapshot, and its removal, however many come at a time."""
    database = "projects/once-%d/databases/(default)" % seed
    api.commit(database, [("c/%d" % n, n) for n in range(3)])
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


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("binary")
    p.add_argument("--schedules", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", type=int)
    a = p.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(os.path.abspath(a.binary), folder)
        api = Api(port)
        for seed in [a.only] if a.only else range(a.seed, a.seed + a.schedules):
            try:
                schedule(api, seed)
                if seed % 50 == 1:
                    once(api, seed)
                passed += 1
            except (Wrong, queue.Empty, grpc.RpcError) as e:
                failed += 1
                print("schedule %d: %s: %s" % (seed, type(e).__name__, e))
                if failed == 10:
                    break
        process.terminate()
        process.wait(PATIENCE)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A client of Listen that keeps what it was told, and nothing else; and the naive model that judges it.

At each snapshot RunQuery and BatchGetDocuments are asked, by the same caller and with the snapshot's read time, what every
current target should be. Beyond that the client checks that nothing is told twice, nothing is taken back that was not told,
times never go backwards, a resumed target is told only what changed, one that lost something is told its count, and
that a target is refused exactly while its rules refuse the same question.
"""
import base64
import collections
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import grpc
from google.cloud.firestore_v1.types import common, document, firestore, query, write  # noqa: F401

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from contract import start  # noqa: E402

PATIENCE = 60
pb = {name: getattr(firestore, name).pb() for name in (
    "ListenRequest", "ListenResponse", "RunQueryRequest", "RunQueryResponse", "BatchGetDocumentsRequest",
    "BatchGetDocumentsResponse", "CommitRequest", "CommitResponse", "Target", "BatchWriteRequest", "BatchWriteResponse",
    "BeginTransactionRequest", "BeginTransactionResponse", "RollbackRequest", "WriteRequest", "WriteResponse")}
NO_CHANGE, ADD, REMOVE, CURRENT, RESET = range(5)
MARKS = "marks"


def jwt(claims):
    part = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()
    return "%s.%s." % (part({"alg": "none", "type": "JWT"}), part(claims))


OWNER = (("authorization", "Bearer owner"),)
USER = (("authorization", "Bearer " + jwt({"sub": "u"})),)


class Wrong(Exception):
    pass


class Refused(Exception):
    def __init__(self, code):
        super().__init__("code %d" % code)
        self.code = code


def expect(ok, what, *args):
    if not ok:
        raise Wrong(what % args if args else what)


def stamp(t):
    return t.seconds * 10 ** 9 + t.nanos


class Server:
    """A server process; with `data` a file, it can be started again on what it has written."""

    def __init__(self, binary, folder, data=":memory:"):
        self.binary, self.folder, self.data = os.path.abspath(binary), folder, data
        self.start()

    def start(self):
        self.process, self.port = start(self.binary, self.folder, self.data)
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % self.port, [("grpc.max_receive_message_length", -1)])

    def stop(self, how=signal.SIGTERM):
        self.channel.close()
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        with contextlib.suppress(FileNotFoundError):  # killed, it leaves it behind
            os.unlink(os.path.join(self.folder, "port"))

    def rss(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def put_value(value, x):
    if x is None:
        value.null_value = 0
    elif isinstance(x, bool):
        value.boolean_value = x
    elif isinstance(x, int):
        value.integer_value = x
    elif isinstance(x, bytes):
        value.bytes_value = x
    elif isinstance(x, str):
        value.string_value = x
    else:
        value.array_value.SetInParent()
        for item in x:
            put_value(value.array_value.values.add(), item)


class Api:
    """What the tests ask a server for, besides Listen."""

    def __init__(self, server):
        self.server = server

    def method(self, kind, name, request, response):
        return getattr(self.server.channel, kind)("/google.firestore.v1.Firestore/" + name,
                                                  request_serializer=pb[request].SerializeToString,
                                                  response_deserializer=pb[response].FromString)

    def unary(self, name, request, response=None, who=OWNER):
        return self.method("unary_unary", name, name + "Request", response or name + "Response")(
            request, metadata=who, timeout=PATIENCE)

    def put_writes(self, request, database, writes):
        """writes: (path, fields), or (path, None) for a deletion."""
        for path, fields in writes:
            w = request.writes.add()
            name = "%s/documents/%s" % (database, path)
            if fields is None:
                w.delete = name
                continue
            w.update.name = name
            for key, x in fields.items():
                put_value(w.update.fields[key], x)
        return request

    def commit(self, database, writes, transaction=b""):
        """The time of the commit."""
        request = self.put_writes(pb["CommitRequest"](database=database, transaction=transaction), database, writes)
        return self.unary("Commit", request).commit_time

    def batch_write(self, database, writes):
        """One after the other, each a commit of its own."""
        self.unary("BatchWrite", self.put_writes(pb["BatchWriteRequest"](database=database), database, writes))

    def transaction(self, database, read, writes, keep):
        begun = self.unary("BeginTransaction", pb["BeginTransactionRequest"](database=database)).transaction
        request = pb["BatchGetDocumentsRequest"](database=database, transaction=begun,
                                                 documents=["%s/documents/%s" % (database, path) for path in read])
        for _ in self.method("unary_stream", "BatchGetDocuments", "BatchGetDocumentsRequest", "BatchGetDocumentsResponse")(
                request, metadata=OWNER, timeout=PATIENCE):
            pass
        if keep:
            return self.commit(database, writes, begun)
        self.method("unary_unary", "Rollback", "RollbackRequest", "CommitResponse")(
            pb["RollbackRequest"](database=database, transaction=begun), metadata=OWNER, timeout=PATIENCE)
        return None

    def http(self, method, path, body=None):
        url = "http://127.0.0.1:%d%s" % (self.server.port, path)
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=PATIENCE).read()

    def clear(self, database):
        self.http("DELETE", "/emulator/v1/%s/documents" % database)

    def rules(self, database, text):
        self.http("PUT", "/emulator/v1/%s:securityRules" % database.split("/databases")[0],
                  {"rules": {"files": [{"name": "test.rules", "content": text}]}})

    def run(self, database, target, read_time, who):
        """{name: the document's bytes} of a target's result at a time; Refused."""
        if target.WhichOneof("target_type") == "query":
            request = pb["RunQueryRequest"](parent=target.query.parent, structured_query=target.query.structured_query)
            ask, field = ("RunQuery", "RunQueryRequest", "RunQueryResponse"), "document"
        else:
            request = pb["BatchGetDocumentsRequest"](database=database, documents=target.documents.documents)
            ask, field = ("BatchGetDocuments", "BatchGetDocumentsRequest", "BatchGetDocumentsResponse"), "found"
        request.read_time.CopyFrom(read_time)
        try:
            got = list(self.method("unary_stream", *ask)(request, metadata=who, timeout=PATIENCE))
        except grpc.RpcError as e:
            raise Refused(e.code().value[0]) from e
        found = [getattr(r, field) for r in got if r.HasField(field)]
        return {d.name: content(d) for d in found}


def content(d):
    return d.SerializeToString(deterministic=True)


Saved = collections.namedtuple("Saved", "docs token time")


class Held:
    """What the client has of one target."""

    def __init__(self, target):
        self.target, self.docs = target, {}
        self.current = self.counted = self.complete = False  # complete: CURRENT, and in a snapshot
        self.must_count = False  # it lost something before it resumed: the filter must say the true count
        self.snapshots = []      # of the last ones, what a client still has after a reconnect
        self.is_query = target.WhichOneof("target_type") == "query"

    def __str__(self):
        return "target %d (%s)" % (self.target.target_id, " ".join(str(self.target).split()))


class Client:
    def __init__(self, api, database, number=0, who=OWNER):
        self.api, self.database, self.who = api, database, who
        self.mark, self.marked = "%s/%d" % (MARKS, number), 0
        self.refused = []             # [(Held, code)] since the last snapshot
        self.lost = []                # targets that were refused earlier
        self.times = []               # moments since the last snapshot
        self.other_rules = False      # they changed since the last snapshot with a mark that came after
        self.sees_mark = False        # the newest one: so what comes is later than the rules
        self.bytes = 0                # that came
        self.connect()

    def connect(self):
        self.requests, self.responses = queue.Queue(), queue.Queue()
        self.reads = threading.Event()
        self.reads.set()
        self.held, self.gone, self.done, self.time = {}, set(), set(), 0
        self.call = self.api.method("stream_stream", "Listen", "ListenRequest", "ListenResponse")(
            iter(self.requests.get, None), metadata=self.who)
        threading.Thread(target=self.read, args=(self.call, self.responses, self.reads), daemon=True).start()
        self.add(pb["Target"](target_id=1, documents={"documents": [self.name(self.mark)]}))

    @staticmethod
    def read(call, responses, reads):
        try:
            for response in call:
                responses.put(response)
                reads.wait()
            responses.put(None)
        except grpc.RpcError as e:
            responses.put(e)

    def expect_other_rules(self):
        self.other_rules, self.sees_mark = True, False

    def name(self, path):
        return "%s/documents/%s" % (self.database, path)

    def disconnect(self, politely):
        """What was held."""
        self.reads.set()
        if politely:
            self.requests.put(None)
            while True:
                r = self.responses.get(timeout=PATIENCE)
                expect(not isinstance(r, grpc.RpcError), "half-closed, and the stream ended with %s", r)
                if r is None:
                    break
                self.take(r)
            expect(self.gone <= self.done, "targets %s were taken away and not confirmed", self.gone - self.done)
        else:
            self.call.cancel()
            self.requests.put(None)
        return self.held

    # ---- targets ----

    def add(self, target):
        self.held[target.target_id] = Held(target)
        self.requests.put(pb["ListenRequest"](database=self.database, add_target=target))
        return self.held[target.target_id]

    def remove(self, target_id):
        del self.held[target_id]
        self.gone.add(target_id)
        self.requests.put(pb["ListenRequest"](database=self.database, remove_target=target_id))

    def resume(self, target_id, held, back=0, lose=0, by_time=False, token=None):
        """Goes on where the client was `back` snapshots ago, without some documents; or with another token."""
        target = pb["Target"]()
        target.CopyFrom(held.target)
        target.ClearField("resume_token")
        target.ClearField("read_time")
        target.ClearField("expected_count")
        target.target_id = target_id
        saved = held.snapshots[-1 - back] if back < len(held.snapshots) else None
        docs, must_count = {}, False
        if saved:
            docs = dict(sorted(saved.docs.items())[lose if held.is_query else 0:])
            must_count = len(docs) != len(saved.docs) and not by_time and token is None
            if by_time:
                target.read_time.CopyFrom(saved.time)
                docs = dict(saved.docs)
            else:
                target.resume_token = saved.token
            if held.is_query:
                target.expected_count.value = len(docs)
        if token is not None:
            target.resume_token = token
        new = self.add(target)
        new.docs, new.must_count = docs, must_count
        if saved and not must_count and token is None:
            new.snapshots.append(saved)
        return new

    # ---- what comes ----

    def until_marked(self):
        """Takes what comes until the newest write of this client is in a snapshot."""
        self.marked += 1
        self.sees_mark = False
        self.times.append(self.api.commit(self.database, [(self.mark, {"n": self.marked})]))
        while True:
            r = self.responses.get(timeout=PATIENCE)
            expect(r is not None and not isinstance(r, grpc.RpcError), "the stream ended: %s", r)
            if (r.WhichOneof("response_type") == "document_change" and 1 in r.document_change.target_ids
                    and r.document_change.document.fields["n"].integer_value == self.marked):
                self.sees_mark = True
            if self.take(r) and self.sees_mark:
                self.other_rules = False
                return

    def take(self, r):
        """True for a snapshot."""
        self.bytes += r.ByteSize()
        kind = r.WhichOneof("response_type")
        if kind == "target_change":
            return self.on_target_change(r.target_change)
        if kind == "document_change":
            for i in r.document_change.target_ids:
                self.on_change(i, r.document_change.document)
        elif kind == "filter":
            if r.filter.target_id in self.held:
                h = self.held[r.filter.target_id]
                expect(h.must_count, "%s had the right count, and is told another", h)
                h.counted = r.filter.count
        else:
            gone = getattr(r, kind)
            for i in gone.removed_target_ids:
                self.on_gone(i, gone.document)
        return False

    def on_change(self, i, d):
        expect(i not in self.done, "target %d is told of %s after its end", i, d.name)
        if i in self.held:
            h = self.held[i]
            expect(h.docs.get(d.name) != content(d), "target %d is told %s twice", i, d.name)
            h.docs[d.name] = content(d)

    def on_gone(self, i, name):
        expect(i not in self.done, "target %d is told of %s after its end", i, name)
        if i in self.held:
            h = self.held[i]
            expect(not h.is_query or name in h.docs or h.must_count, "%s: %s is taken back, and was not told", h, name)
            h.docs.pop(name, None)

    def on_target_change(self, change):
        if change.HasField("read_time"):
            expect(stamp(change.read_time) >= self.time, "the read time went backwards")
            self.time = stamp(change.read_time)
        for i in change.target_ids:
            if i in self.held:
                self.on_target(self.held[i], change)
            else:
                expect(i in self.gone or i in self.done, "a change of target %d, which nobody added", i)
                if change.target_change_type == REMOVE:
                    self.done.add(i)
        if change.target_change_type == NO_CHANGE and not change.target_ids:
            self.judge(change)
            return True
        return False

    def on_target(self, h, change):
        kind = change.target_change_type
        if kind == REMOVE:
            expect(change.cause.code or (h.target.once and h.complete), "%s was removed without a reason", h)
            del self.held[h.target.target_id]
            self.done.add(h.target.target_id)
            if change.cause.code:
                self.refused.append((h, change.cause.code))
        elif kind == RESET:
            h.docs, h.must_count = {}, False
        elif kind == CURRENT:
            h.current = True

    # ---- the judge ----

    def should(self, h, read_time):
        """What it should have, or the code with which it should be refused."""
        try:
            return self.api.run(self.database, h.target, read_time, self.who)
        except Refused as e:
            return e.code

    def judge(self, change):
        for h, code in self.refused:
            expect(self.other_rules or any(self.should(h, t) == code for t in self.times + [change.read_time]),
                   "%s was refused with %d, though the same question is not", h, code)
            self.lost.append(h)
        for _, h in sorted(self.held.items()):
            h.complete = h.current
            if h.current:
                self.judge_target(h, self.should(h, change.read_time), change)
        self.refused = []
        self.times = [change.read_time] + [t for t in self.times if stamp(t) > stamp(change.read_time)]

    def judge_target(self, h, should, change):
        if isinstance(should, int):
            expect(self.other_rules and not self.sees_mark, "%s should be refused with %s", h, should)
            return
        if h.must_count:
            expect(h.counted is not False and h.counted == len(should), "%s lost a document; its count is %s, the stream said %s",
                   h, len(should), h.counted)
            h.docs, h.must_count = should, False  # what a client gets by asking again without a token
        expect(h.docs == should, "%s: has %s beside what it should, and lacks %s", h, sorted(h.docs.items() - should.items()),
               sorted(should.items() - h.docs.items()))
        h.snapshots = h.snapshots[-4:] + [Saved(dict(h.docs), change.resume_token, change.read_time)]

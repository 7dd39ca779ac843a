#!/usr/bin/env python3
"""Write streams as gRPC has them: tokens, pipelining, ends, and streams that broke and are taken up again.

usage: test_write_stream.py BINARY [NAME ...]     (needs grpcio, google-cloud-firestore)     last line: N passed, M failed
"""
import contextlib
import json
import queue
import random
import sys
import tempfile
import time
import urllib.request

import grpc
from listen_client import OWNER, PATIENCE, USER, Api, Server, pb
from test_cli import BINARY, main

DB = "projects/p/databases/(default)"
DENY = ("service cloud.firestore { match /databases/{d}/documents { match /c/{id} { allow read, write: if id != 'no'; } } }")


@contextlib.contextmanager
def running():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(BINARY, folder)
        try:
            yield Api(server)
        finally:
            server.process.kill()
            server.process.wait()


class Stream:
    def __init__(self, api, who=OWNER, **first):
        self.requests = queue.Queue()
        self.call = api.method("stream_stream", "Write", "WriteRequest", "WriteResponse")(
            iter(self.requests.get, None), metadata=who, timeout=PATIENCE)
        self.say(**{"database": DB, **first})
        self.first = next(self.call)
        self.id, self.token = self.first.stream_id, self.first.stream_token

    def say(self, writes=(), **kw):
        request = pb["WriteRequest"](**kw)
        for w in writes:
            request.writes.add().CopyFrom(w)
        self.requests.put(request)

    def write(self, *writes):
        """Says it with the newest token, and does not wait."""
        self.say(writes, stream_token=self.token)

    def answer(self):
        r = next(self.call)
        self.token = r.stream_token
        return r

    def end(self):
        """Half-closes; the answers that were left, and the code."""
        self.requests.put(None)
        return self.rest()

    def rest(self):
        answers = []
        try:
            while True:
                answers.append(next(self.call))
        except StopIteration:
            return answers, 0
        except grpc.RpcError as e:
            return answers, e.code().value[0]

    def cut(self):
        self.call.cancel()
        self.requests.put(None)


def name(path):
    return "%s/documents/%s" % (DB, path)


def put(path, n):
    w = pb["WriteRequest"]().writes.add()
    w.update.name = name(path)
    w.update.fields["n"].integer_value = n
    return w


def add(path, n=1):
    w = pb["WriteRequest"]().writes.add()
    w.transform.document = name(path)
    t = w.transform.field_transforms.add()
    t.field_path, t.increment.integer_value = "n", n
    return w


def must_exist(path):
    w = put(path, 1)
    w.current_document.exists = True
    return w


def value(api, path):
    request = pb["BatchGetDocumentsRequest"](database=DB, documents=[name(path)])
    for r in api.method("unary_stream", "BatchGetDocuments", "BatchGetDocumentsRequest", "BatchGetDocumentsResponse")(
            request, metadata=OWNER, timeout=PATIENCE):
        return r.found.fields["n"].integer_value if r.WhichOneof("result") == "found" else None


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def again(api, old, token, who=OWNER):
    """Takes a stream up again; the server may not have seen yet that it broke."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return Stream(api, who, stream_id=old.id, stream_token=token)
        except grpc.RpcError as e:
            if e.code() != grpc.StatusCode.ABORTED or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def refused(make):
    try:
        make()
    except grpc.RpcError as e:
        return e.code().name
    return "OK"


def test_each_answer_has_the_next_token_and_its_results():
    with running() as api:
        s = Stream(api)
        assert s.id and s.token == b"0" and not s.first.write_results and not s.first.HasField("commit_time")
        s.write(put("c/a", 1), put("c/b", 2))
        r = s.answer()
        assert r.stream_token == b"1" and len(r.write_results) == 2 and r.HasField("commit_time") and not r.stream_id
        assert r.write_results[0].update_time == r.commit_time
        s.write(add("c/a", 5))
        r = s.answer()
        assert r.stream_token == b"2" and r.write_results[0].transform_results[0].integer_value == 6
        assert s.end() == ([], 0)


def test_batches_that_are_sent_without_waiting_are_written_and_answered_in_order():
    with running() as api:
        s = Stream(api)
        for n in range(50):
            s.write(put("c/a", n))
        answers, code = s.end()
        assert code == 0 and [r.stream_token for r in answers] == [b"%d" % n for n in range(1, 51)]
        times = [(r.commit_time.seconds, r.commit_time.nanos) for r in answers]
        assert times == sorted(set(times)) and value(api, "c/a") == 49


def test_a_message_without_writes_is_not_answered_and_ends_nothing():
    with running() as api:
        s = Stream(api)
        for _ in range(3):
            s.write()
        s.write(put("c/a", 1))
        assert s.answer().stream_token == b"1"
        s.write()
        assert s.end() == ([], 0)


def test_a_refused_batch_ends_the_stream_with_its_code_and_what_came_before_is_written():
    for bad, code, who in ((must_exist("c/none"), 5, OWNER), (put("c/no", 1), 7, USER), (put("c", 1), 3, OWNER)):
        with running() as api:
            api.rules(DB, DENY)
            s = Stream(api, who)
            for w in (put("c/a", 1), bad, put("c/a", 2)):
                s.write(w)
            answers, ended = s.rest()
            assert ended == code and [r.stream_token for r in answers] == [b"1"] and value(api, "c/a") == 1


def test_the_first_message_has_a_database_and_no_writes():
    with running() as api:
        assert refused(lambda: Stream(api, writes=[put("c/a", 1)])) == "INVALID_ARGUMENT"
        assert refused(lambda: Stream(api, database="")) == "INVALID_ARGUMENT"
        s = Stream(api)
        s.say(database=DB + "x")
        assert s.rest() == ([], 3)


# ---- streams that broke ----

def test_what_was_written_before_a_stream_broke_is_answered_again_and_not_written_again():
    with running() as api:
        s = Stream(api)
        s.write(add("c/a"))
        first = s.answer()
        for n in (10, 100):
            s.write(add("c/a", n))
        until(lambda: value(api, "c/a") == 111)
        told = [next(s.call) for _ in range(2)]  # the client forgets them
        s.cut()
        for _ in range(3):  # and breaks again
            t = again(api, s, first.stream_token)
            assert t.id == s.id and t.token == b"1"
            t.say(stream_token=b"3")  # which it was not given again
            for n in (10, 100):
                t.say([add("c/a", n)], stream_token=b"1")
            assert [next(t.call) for _ in range(2)] == told
            t.cut()
        t = again(api, s, b"1")
        for n in (10, 100, 1000):
            t.say([add("c/a", n)], stream_token=b"1")
        answers, code = t.end()
        assert code == 0 and answers[:2] == told and answers[2].stream_token == b"4"
        assert value(api, "c/a") == 1111


def test_however_a_stream_breaks_each_batch_is_written_once():
    rng = random.Random(1)
    with running() as api:
        for round_ in range(30):
            path, batches, answered = "c/%d" % round_, 8, 0
            s = Stream(api)
            while answered < batches:
                for _ in range(answered, batches):
                    s.write(add(path))
                for _ in range(rng.randint(0, batches - answered)):
                    s.answer()
                    answered += 1
                s.cut()
                if answered < batches:
                    s = again(api, s, b"%d" % answered)
            assert value(api, path) == batches, round_


def test_batches_that_were_acknowledged_are_not_answered_again():
    with running() as api:
        s = Stream(api)
        for _ in range(3):
            s.write(add("c/a"))
            s.answer()
        s.write()  # names token 3
        s.write(add("c/b"))
        s.answer()
        s.cut()
        until(lambda: refused(lambda: again(api, s, b"1").cut()) == "OUT_OF_RANGE")
        assert again(api, s, b"3").token == b"3"


def test_what_cannot_be_taken_up_again():
    with running() as api:
        s = Stream(api)
        s.write(put("c/a", 1))
        s.answer()
        take = lambda **kw: refused(lambda: Stream(api, **{"stream_id": s.id, "stream_token": b"0", **kw}))
        assert take() == "ABORTED"  # it is still open
        s.cut()
        until(lambda: take(stream_id="none") == "NOT_FOUND" and take(stream_token=b"2") == "OUT_OF_RANGE")
        assert take(stream_token=b"") == take(stream_token=b"-1") == take(stream_token=b"9" * 19) == "OUT_OF_RANGE"
        assert take(who=USER) == take(database=DB + "x") == "NOT_FOUND"
        t = again(api, s, b"0")
        t.write(put("c/a", 2))  # not what was first
        assert t.rest() == ([], 3) and value(api, "c/a") == 1


def test_a_stream_whose_client_has_said_all_is_forgotten():
    with running() as api:
        s = Stream(api)
        assert s.end() == ([], 0)
        until(lambda: refused(lambda: again(api, s, b"0")) == "NOT_FOUND")


def calls(api):
    with urllib.request.urlopen("http://127.0.0.1:%d/cinderlog/v1/stats" % api.server.port, timeout=PATIENCE) as a:
        return json.load(a)["calls"]


def test_of_broken_streams_the_last_hundred_are_kept():
    with running() as api:
        before = calls(api)
        streams = [Stream(api) for _ in range(105)]
        for s in streams:
            s.cut()
        until(lambda: calls(api) == before)
        kept = sum(refused(lambda: again(api, s, b"0").end()) == "OK" for s in streams)
        assert kept == 100, kept


if __name__ == "__main__":
    sys.exit(main(dict(globals())))

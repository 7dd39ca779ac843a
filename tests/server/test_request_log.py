#!/usr/bin/env python3
"""The request log, ids of requests, --expect and the helpers of fixtures/helpers, as a user meets them.

usage: test_request_log.py BINARY [NAME ...]       last line: N passed, M failed
"""
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from test_cli import BINARY, CLEAN, DOCS, ROOT, Server, main, run

sys.path.insert(0, os.path.join(ROOT, "fixtures", "helpers"))
sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))
import cinderlog_testing
import h2

RULES = ("--rules", "fixtures/rules/audit_log.rules", "--owner-as", "fixtures/principals/fastapi_service.json")
LOGS = DOCS + "/api_audit_logs"
NAME = LOGS[4:]
ENTRY = {"request_id": {"stringValue": "r-1"}, "user_id": {"stringValue": "u1"}, "endpoint": {"stringValue": "/items/1"},
         "method": {"stringValue": "GET"}, "status_code": {"integerValue": "200"}, "firestore_path": {"stringValue": "items/1"}}


def entry(**fields):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"fields": {"timestamp": {"timestampValue": now}, **ENTRY, **fields}}


def jwt(**claims):
    part = lambda o: base64.urlsafe_b64encode(json.dumps(o).encode()).rstrip(b"=").decode()
    return "%s.%s." % (part({"alg": "none"}), part(claims))


class Logged(Server):
    """A server in memory with a request log."""

    def __init__(self, *args):
        self.log = os.path.join(tempfile.mkdtemp(prefix="cinderlog-log-"), "requests.ndjson")
        super().__init__("--data", ":memory:", "--request-log", self.log, *args)

    def text(self):
        with open(self.log, newline="") as f:
            return f.read()

    def lines(self):
        return [json.loads(line) for line in self.text().split("\n")[:-1]]

    def wait_for(self, count):
        """Lines of reads follow their answers."""
        deadline = time.monotonic() + 20
        while len(self.lines()) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(self.lines()) == count, self.text()
        return self.lines()

    def headers(self, method, target, body=None, headers=None):
        """The answer's headers."""
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", self.port)
        c.request(method, target, body and json.dumps(body), {"Authorization": "Bearer owner", **(headers or {})})
        answer = c.getresponse()
        answer.read()
        c.close()
        return {k.lower(): v for k, v in answer.getheaders()}

    def entries(self, query=""):
        *found, _ = [json.loads(line) for line in self.ask("GET", "/cinderlog/v1/entries?" + query)[1].splitlines()]
        return found


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def rpc(s, method, message, metadata=(), timeout=20, token="owner"):
    """A unary call; returns (its status, its metadata)."""
    with grpc.insecure_channel("127.0.0.1:%d" % s.port) as channel:
        call = channel.unary_unary("/google.firestore.v1.Firestore/" + method).with_call
        try:
            _, done = call(message, timeout=timeout, metadata=[("authorization", "Bearer " + token), *metadata])
            return "OK", dict(done.initial_metadata())
        except grpc.RpcError as e:
            return e.code().name, dict([*(e.initial_metadata() or ()), *(e.trailing_metadata() or ())])


def text_document(path, **texts):
    """CreateDocument of api_audit_logs/PATH."""
    value = lambda v: field(17, v.encode())
    fields = b"".join(field(2, field(1, k.encode()) + field(2, value(v))) for k, v in texts.items())
    return field(1, DOCS[4:].encode()) + field(2, b"api_audit_logs") + field(3, path.encode()) + field(4, fields)


# ---- what a line says ----

def test_a_create_tells_who_decided_it_by_which_line_and_what_it_made():
    with Logged(*RULES) as s:
        status, body = s.ask("POST", LOGS + "?documentId=a", entry(), headers={"x-request-id": "r-9", "user-agent": "me/1"})
        assert status == 200, body
        (line,) = s.lines()
        (made,) = s.entries("path=api_audit_logs")
    with open(os.path.join(ROOT, "fixtures/rules/audit_log.rules")) as f:
        source = f.read().splitlines()
    name, number, column = line["rule"].rsplit(":", 2)
    assert name.endswith("audit_log.rules") and source[int(number) - 1][int(column) - 1:].startswith("allow create"), line["rule"]
    wanted = {"severity": "INFO", "request_id": "r-9", "transport": "rest", "rpc": "CreateDocument", "operation": "create", "project": "p",
              "database": "(default)", "path": "api_audit_logs/a", "principal": "user", "uid": "svc", "owner_as": True, "decision": "allow",
              "decided_by": "rules", "ruleset": made["rulesDigest"], "code": "OK", "http_status": 200, "outcome": "success",
              "entries": [made["seq"], made["seq"]], "user_agent": "me/1", "response_bytes": len(body.rstrip("\n")), "request_bytes": len(json.dumps(entry())),
              "writes": [{"operation": "create", "path": "api_audit_logs/a", "code": "OK", "seq": made["seq"]}]}
    assert {k: line.get(k) for k in wanted} == wanted, line
    assert made["requestId"] == "r-9"
    assert line["duration_us"] >= line["commit_us"] > 0 and line["duration_us"] >= line["rules_us"] >= 0
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["time"]) and line["peer"].startswith("127.0.0.1:")
    assert not {"error", "reason", "retry_of", "caller_gone", "fault"} & set(line)


def test_a_denial_tells_its_reason_and_its_entry():
    with Logged(*RULES) as s:
        assert s.ask("POST", LOGS + "?documentId=a", {"fields": {}})[0] == 403
        assert s.ask("GET", LOGS + "/a", auth=None)[0] == 403
        create, get = s.lines()
        (refused,) = s.entries("denied=true")
    assert (create["severity"], create["decision"], create["code"], create["outcome"]) == ("WARNING", "deny", "PERMISSION_DENIED", "failure")
    assert create["entries"] == [refused["seq"]] * 2 and create["writes"][0]["seq"] == refused["seq"] and create["reason"] == "false"
    assert (get["principal"], get["decision"], get["path"]) == ("anonymous", "error", "api_audit_logs/a") and "entries" not in get
    assert "Null value error" in get["reason"] and get["error"].startswith("\n"), get


def test_iam_append_only_and_bare_owner_are_told_apart():
    with Logged("--append-only", "logs") as s:
        assert s.ask("PATCH", DOCS + "/logs/a", {"fields": {}})[0] == 200
        assert s.ask("DELETE", DOCS + "/logs/a")[0] == 403
        made, refused = s.lines()
    assert (made["decision"], made["decided_by"]) == ("allow", "owner")
    assert (refused["decision"], refused["decided_by"], refused["reason"]) == ("deny", "append-only", "logs")
    assert refused["operation"] == "delete" and refused["entries"] == [2, 2]
    with Logged("--owner-iam", "get,list") as s:
        assert s.ask("PATCH", DOCS + "/logs/a", {"fields": {}})[0] == 403
        (line,) = s.lines()
    assert (line["decision"], line["decided_by"], line["reason"]) == ("deny", "iam", "datastore.entities.create")


def test_a_commit_lists_its_writes():
    name = DOCS[4:] + "/c/"
    with Logged() as s:
        assert s.ask("PATCH", DOCS + "/c/old", {"fields": {}})[0] == 200
        writes = [{"update": {"name": name + "new", "fields": {}}}, {"delete": name + "old"}, {"delete": name + "never"},
                  {"verify": name + "x", "currentDocument": {"exists": False}}]
        assert s.ask("POST", DOCS + ":commit", {"writes": writes})[0] == 200
        line = s.lines()[1]
    assert line["operation"] == "write" and line["path"] == "c/new" and line["entries"] == [2, 3]
    assert line["writes"] == [{"operation": "create", "path": "c/new", "code": "OK", "seq": 2}, {"operation": "delete", "path": "c/old", "code": "OK", "seq": 3},
                              {"operation": "delete", "path": "c/never", "code": "OK"}, {"operation": "write", "path": "c/x", "code": "OK"}]


def test_each_write_of_a_batch_has_its_own_code():
    with Logged("--append-only", "c") as s:
        assert s.ask("PATCH", DOCS + "/c/old", {"fields": {}})[0] == 200
        writes = [{"update": {"name": DOCS[4:] + "/c/new", "fields": {}}}, {"delete": DOCS[4:] + "/c/old"}]
        assert s.ask("POST", DOCS + ":batchWrite", {"writes": writes})[0] == 200
        line = s.lines()[1]
    assert [w["code"] for w in line["writes"]] == ["OK", "PERMISSION_DENIED"] and line["code"] == "OK" and line["entries"] == [2, 3]


def test_a_record_of_very_many_writes_says_how_many_more():
    writes = [{"update": {"name": "%s/c/%s%d" % (DOCS[4:], "x" * 500, i), "fields": {}}} for i in range(300)]
    with Logged() as s:
        assert s.ask("POST", DOCS + ":commit", {"writes": writes})[0] == 200
        (line,) = s.lines()
        assert len(s.text()) < 64 * 1024
    *shown, more = line["writes"]
    assert len(shown) + more["more"] == 300 and 50 < len(shown) < 300


def test_a_create_sent_again_names_the_entry_it_repeats():
    def commit(value):
        return s.ask("POST", DOCS + ":commit", {"writes": [{
            "update": {"name": NAME + "/a", "fields": {"n": {"integerValue": value}}}, "currentDocument": {"exists": False},
            "updateTransforms": [{"fieldPath": "at", "setToServerValue": "REQUEST_TIME"}]}]})[0]

    with Logged() as s:
        assert [commit(1), commit(1), commit(2)] == [200, 409, 409]
        assert [s.ask("POST", LOGS + "?documentId=b", {"fields": {}})[0] for _ in range(2)] == [200, 409]
        lines = s.lines()
        assert s.stop() == 0
    assert [line.get("retry_of") for line in lines] == [None, 1, None, None, 2]
    assert "creates sent again with equal content: 2" in s.err, s.err


def test_reads_tell_collection_and_bytes():
    with Logged() as s:
        assert s.ask("PATCH", DOCS + "/a/b/logs/x", {"fields": {}})[0] == 200
        body = s.ask("POST", DOCS + "/a/b:runQuery", {"structuredQuery": {"from": [{"collectionId": "logs"}]}})[1]
        s.ask("POST", DOCS + ":batchGet", {"documents": [DOCS[4:] + "/a/b/logs/x"]})
        s.ask("GET", DOCS + "/a/b/logs")
        _, query, batch, listing = s.wait_for(4)
    assert (query["operation"], query["path"]) == ("list", "a/b/logs") and 0 < query["response_bytes"] <= len(body)
    assert (batch["operation"], batch["path"]) == ("get", "a/b/logs/x") and (listing["operation"], listing["path"]) == ("list", "a/b/logs")


def test_what_is_no_valid_request_is_logged_too():
    with Logged() as s:
        assert s.ask("POST", LOGS, b"{")[0] == 400
        assert s.ask("GET", LOGS + "/a", auth="Bearer x.y.z")[0] in (400, 401)
        bad, token = s.wait_for(2)
    assert bad["code"] == "INVALID_ARGUMENT" and bad["severity"] == "NOTICE" and "decision" not in bad
    assert token["principal"] == "anonymous" and "x.y.z" not in json.dumps(token)


# ---- when it is written ----

def test_a_line_is_there_before_its_answer():
    errors = []

    def one_client(s, number):
        try:
            for i in range(25):
                id = "t%d-%d" % (number, i)
                status, _ = s.ask("POST", LOGS, {"fields": {}}, headers={"x-request-id": id}, auth="Bearer owner" if i % 2 else None)
                assert status == (200 if i % 2 else 403)
                assert '"request_id":"%s"' % id in s.text(), "answered before it was logged: " + id
        except Exception as e:
            errors.append(e)

    with Logged("--rules", "fixtures/rules/audit_log.rules") as s:
        threads = [threading.Thread(target=one_client, args=(s, n)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not errors, errors[0]
        assert len(s.lines()) == 200


def test_sighup_goes_on_in_a_new_file_and_loses_nothing():
    with Logged() as s:
        stop = threading.Event()
        count = [0]

        def write():
            while not stop.is_set():
                assert s.ask("POST", LOGS, {"fields": {}})[0] == 200
                count[0] += 1

        t = threading.Thread(target=write)
        t.start()
        moved = []
        for i in range(5):
            before = count[0]
            while count[0] < before + 10:
                time.sleep(0.001)
            moved.append(s.log + ".%d" % i)
            os.rename(s.log, moved[-1])
            s.process.send_signal(signal.SIGHUP)
            while not os.path.exists(s.log):
                time.sleep(0.001)
        stop.set()
        t.join()
        assert s.stop() == 0
        total = 0
        for path in [*moved, s.log]:
            assert oct(os.stat(path).st_mode & 0o777) == "0o600"
            with open(path) as f:
                total += len([json.loads(line) for line in f])
    assert total == count[0]


def test_standard_output_is_a_file_too():
    r = run("exec", "--request-log", "-", "--", sys.executable, "-c", "import os, urllib.request as u; u.urlopen(u.Request("
            "'http://' + os.environ['FIRESTORE_EMULATOR_HOST'] + '%s', b'{}', {'Authorization': 'Bearer owner'}))" % LOGS)
    assert r.returncode == 0 and json.loads(r.stdout)["rpc"] == "CreateDocument", r.stdout + r.stderr


def test_a_log_that_cannot_be_opened_is_a_failed_start():
    r = run("serve", "--data", ":memory:", "--request-log", "/nonexistent/x")
    assert r.returncode == 2 and "--request-log /nonexistent/x: No such file or directory" in r.stderr, r.stderr


# ---- which id ----

def test_the_header_wins_over_the_trace_and_that_over_the_document():
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with Logged() as s:
        wanted = []
        for headers, id in (({"x-request-id": "h", "traceparent": trace}, "h"), ({"traceparent": trace}, trace[3:35]), ({}, "r-1")):
            assert s.headers("POST", LOGS, {"fields": ENTRY}, headers)["x-request-id"] == id
            wanted.append(id)
        own = s.headers("POST", LOGS, {"fields": {}})["x-request-id"]
        wanted.append(own)
        assert [line["request_id"] for line in s.lines()] == wanted and [e["requestId"] for e in s.entries()] == wanted
        assert s.lines()[0]["traceparent"] == trace


def test_metadata_carries_it_both_ways():
    with Logged() as s:
        code, metadata = rpc(s, "CreateDocument", text_document("a"), [("x-request-id", "m-1")])
        assert code == "OK" and metadata["x-request-id"] == "m-1"
        code, metadata = rpc(s, "CreateDocument", text_document("a", request_id="d\u00e9-2"))
        assert code == "ALREADY_EXISTS" and metadata["x-request-id"] == "d%C3%A9-2"
        code, metadata = rpc(s, "CreateDocument", text_document("b", request_id="d\u00e9-2"))
        assert code == "OK" and metadata["x-request-id"] == "d%C3%A9-2"
        assert [line["request_id"] for line in s.lines()] == ["m-1", "d\u00e9-2", "d\u00e9-2"]
        assert [e["requestId"] for e in s.entries()] == ["m-1", "d\u00e9-2"]


def test_each_document_of_a_commit_keeps_its_own():
    writes = [{"update": {"name": "%s/%d" % (NAME, i), "fields": {"request_id": {"stringValue": "w-%d" % i}}}} for i in range(3)]
    with Logged() as s:
        assert s.ask("POST", DOCS + ":commit", {"writes": writes})[0] == 200
        assert s.ask("POST", DOCS + ":batchWrite", {"writes": writes[:2]})[0] == 200  # changes nothing
        assert [e["requestId"] for e in s.entries()] == ["w-0", "w-1", "w-2"]
        assert [w.get("request_id") for w in s.lines()[0]["writes"]] == [None, "w-1", "w-2"] and s.lines()[0]["request_id"] == "w-0"
        assert s.ask("POST", DOCS + ":commit", {"writes": [{"delete": NAME + "/0"}, {"delete": NAME + "/1"}]}, headers={"x-request-id": "all"})[0] == 200
        assert [e["path"] for e in s.entries("request_id=all")] == ["api_audit_logs/0", "api_audit_logs/1"]


def test_request_id_field_names_another_field():
    with Logged("--request-id-field", "correlation") as s:
        assert s.headers("POST", LOGS, {"fields": {**ENTRY, "correlation": {"stringValue": "c-1"}}})["x-request-id"] == "c-1"


# ---- what it must not say ----

def test_nothing_from_outside_can_forge_a_line_or_turn_text_round():
    nasty = "a\r\nb\tc\x7f\u202ed\u2028e\u2066f\u0085g\"\\"
    token = jwt(sub="u" + nasty, firebase={"sign_in_provider": "p" + nasty})
    path = "/c/" + "%E2%80%AEx%0Ay"
    with Logged() as s:
        s.ask("PATCH", DOCS + path, {"fields": {"request_id": {"stringValue": nasty}}}, auth="Bearer " + token)
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            c.sendall(b"GET %s/c/d HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\xe2\x80\xaeb\x01\xff\r\nX-Request-Id: \xe2\x80\xaey\x02\r\nConnection: close\r\n\r\n"
                      % DOCS.encode())
            while c.recv(4096):
                pass
        first, second = s.wait_for(2)
        with open(s.log, "rb") as f:
            raw = f.read()
    text = raw.decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text), ascii(text)
    assert text.count("\n") == 2
    assert first["uid"] == "u" + nasty and first["provider"] == "p" + nasty and first["path"] == "c/\u202ex\ny"
    assert first["request_id"].startswith("a\\x0D\\x0Ab\\x09c\\x7F\\u{202E}d\\u{2028}e"), first["request_id"]
    assert second["request_id"] == "\\u{202E}y\\x02" and second["user_agent"].startswith("a\u202eb\x01")


def test_tokens_are_never_written():
    token = jwt(sub="ada", secret="s3cr3t-claim", firebase={"sign_in_provider": "password"})
    with Logged() as s:
        s.ask("GET", LOGS + "/a", auth="Bearer " + token)
        (line,) = s.wait_for(1)
        assert (line["principal"], line["uid"], line["provider"]) == ("user", "ada", "password")
        assert "s3cr3t" not in s.text() and not any(part and part in s.text() for part in token.split("."))


def test_redaction_hashes_equal_values_equally():
    flags = [f for name in ("uid", "path", "peer", "user_agent") for f in ("--audit-redact", name)]
    with Logged("--rules", "fixtures/rules/audit_log.rules", *flags) as s:
        for _ in range(2):
            assert s.ask("POST", LOGS + "?documentId=private-doc", {"fields": {}}, auth="Bearer " + jwt(sub="ada@example.com"))[0] == 403
        assert s.ask("POST", LOGS, entry(), auth="Bearer " + jwt(sub="bob", source="fastapi_service"))[0] == 200
        first, again, other = s.lines()
        for hidden in ("ada@example.com", "private-doc", "127.0.0.1", "Python-urllib"):
            assert hidden not in s.text(), hidden
    assert first["uid"].startswith("redacted:") and first["uid"] == again["uid"] != other["uid"]
    assert first["path"] == first["writes"][0]["path"] != other["path"] and "error" not in first and first["rule"]


def test_what_cannot_be_redacted_is_exit_2():
    r = run("serve", "--audit-redact", "token")
    assert r.returncode == 2 and "--audit-redact: 'token' is none of request_id" in r.stderr, r.stderr


def test_audit_leaves_out_what_is_not_asked_for():
    def told(scope):
        with Logged("--rules", "fixtures/rules/audit_log.rules", "--audit", scope) as s:
            s.ask("POST", LOGS, {"fields": {}})
            s.ask("GET", LOGS + "/x")
            s.ask("GET", LOGS + "/x", auth=None)
            s.ask("POST", LOGS, {"fields": {}}, auth=None)
            assert s.stop() == 0
            return [(line["rpc"][:3], line["code"][:2]) for line in s.lines()]

    assert told("all") == [("Cre", "OK"), ("Get", "NO"), ("Get", "PE"), ("Cre", "PE")]
    assert told("writes") == [("Cre", "OK"), ("Get", "PE"), ("Cre", "PE")]
    assert told("denied") == [("Get", "PE"), ("Cre", "PE")]


# ---- what others call it ----

def rows(text):
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("| `")]


def test_the_page_has_the_table_that_the_program_prints():
    printed = run("request-log").stdout
    with open(os.path.join(ROOT, "server/ops/REQUEST_LOG.md")) as f:
        page = f.read()
    assert page.endswith(printed), "server/ops/REQUEST_LOG.md: replace its table by the output of cinderlog request-log"
    assert all(len(row) == 5 and row[2] and row[3] and row[4] for row in rows(printed))


def test_every_field_of_a_line_is_a_row_of_the_table():
    known = [row[0].strip("`") for row in rows(run("request-log").stdout)]
    with Logged(*RULES, "--fault-header") as s:
        s.ask("POST", LOGS + "?documentId=a", entry(), headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
        s.ask("POST", LOGS + "?documentId=a", {"fields": {}})
        s.ask("GET", LOGS + "/a", auth="Bearer " + jwt(sub="a", firebase={"sign_in_provider": "x"}), headers={"x-cinderlog-fault": "UNAVAILABLE"})
        lines = s.wait_for(3)
    seen = {key for line in lines for key in line}
    assert seen <= set(known), seen - set(known)
    assert set(known) - seen == {"retry_of", "caller_gone", "fault_id"}, set(known) ^ seen
    for line in lines:
        assert list(line) == [name for name in known if name in line], "the order is the table's"


# ---- what was lost ----

def test_a_write_that_waits_for_a_lock_beyond_its_deadline_does_not_happen():
    with Logged() as s:
        s.ask("PATCH", LOGS + "/a", {"fields": {}})
        transaction = json.loads(s.ask("POST", DOCS + ":beginTransaction", {"options": {"readWrite": {}}})[1])["transaction"]
        s.ask("POST", DOCS + ":batchGet", {"documents": [NAME + "/a"], "transaction": transaction})
        update = field(1, field(1, (NAME + "/a").encode()) + field(2, field(1, b"n") + field(2, field(17, b"x"))))
        assert rpc(s, "UpdateDocument", update, [("x-request-id", "late")], timeout=0.2)[0] == "DEADLINE_EXCEEDED"
        time.sleep(0.2)  # the server began to count later than the client
        s.ask("POST", DOCS + ":rollback", {"transaction": transaction})
        deadline = time.monotonic() + 20
        while not [line for line in s.lines() if line["request_id"] == "late"] and time.monotonic() < deadline:
            time.sleep(0.01)
        (late,) = [line for line in s.lines() if line["request_id"] == "late"]
        assert late["code"] in ("DEADLINE_EXCEEDED", "CANCELLED") and late["caller_gone"] is True and "entries" not in late, late
        assert not s.entries("request_id=late")
        assert s.stop() == 0
    assert "writes cancelled or past their deadline before the commit: 1 (nothing was written)" in s.err, s.err


def test_a_request_that_ends_in_the_middle_is_counted():
    with Logged("--summary", os.path.join(tempfile.mkdtemp(), "summary.json")) as s:
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            c.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{" % LOGS.encode())
            time.sleep(0.1)
        deadline = time.monotonic() + 20
        while json.loads(s.ask("GET", "/cinderlog/v1/summary")[1])["cutOff"] == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        s.ask("GET", LOGS + "/x")
        assert s.stop() == 0
    assert "requests cut off before they were complete: 1 (nothing was written)" in s.err, s.err


def test_a_grpc_request_that_ends_in_the_middle_is_logged():
    headers = b"".join(h2.literal(name, value) for name, value in (
        (":method", "POST"), (":scheme", "http"), (":path", "/google.firestore.v1.Firestore/CreateDocument"), (":authority", "localhost"),
        ("content-type", "application/grpc"), ("te", "trailers"), ("authorization", "Bearer owner"), ("x-request-id", "half")))
    with Logged() as s:
        with socket.create_connection(("127.0.0.1", s.port)) as c:
            c.sendall(h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, b"") + h2.frame(h2.HEADERS, h2.END_HEADERS, 1, headers) +
                      h2.frame(h2.DATA, 0, 1, h2.grpc_message(text_document("a"))[:20]))
            time.sleep(0.1)
        (line,) = s.wait_for(1)
        assert s.stop() == 0
    assert (line["request_id"], line["rpc"], line["code"], line["principal"]) == ("half", "CreateDocument", "CANCELLED", "owner"), line
    assert line["caller_gone"] is True and "in the middle" in line["error"] and "entries" not in line
    assert "before the commit: 1 (nothing was written)" in s.err, s.err


def test_one_client_per_request_is_noticed():
    with Logged() as s:
        for _ in range(24):
            assert s.ask("POST", LOGS, {"fields": {}})[0] == 200
        assert s.stop() == 0
    assert "24 connections for 24 calls: one client per request?" in s.err, s.err


# ---- --expect ----

def creates(count, collection="api_audit_logs"):
    return [sys.executable, "-c", "import os, urllib.request as u\nfor i in range(%d): u.urlopen(u.Request('http://' + os.environ['FIRESTORE_EMULATOR_HOST'] +"
            " '%s/%s', b'{}', {'Authorization': 'Bearer owner'}))" % (count, DOCS, collection)]


def test_expectations_are_counted_and_decide():
    for text, code in (("api_audit_logs>=2", 0), ("api_audit_logs>=3", 1), ("api_audit_logs==2", 0), ("api_audit_logs=2", 0), ("api_audit_logs<=1", 1),
                       ("api_audit_logs!=2", 1), ("api_audit_logs<3", 0), ("api_audit_logs>2", 1), (" ** >= 2 ", 0), ("*>=2", 0), ("other==0", 0)):
        r = run("exec", "--expect", text, "--", *creates(2))
        assert r.returncode == code, (text, r.stderr)
        assert ("NOT MET" in r.stderr) == (code == 1) and "expected " + text.strip() in r.stderr, r.stderr


def test_every_expectation_counts_and_the_commands_own_code_wins():
    r = run("exec", "--expect", "api_audit_logs>=1", "--expect", "other>=1", "--", *creates(1))
    assert r.returncode == 1 and "expected other>=1: 0 created, NOT MET" in r.stderr, r.stderr
    assert run("exec", "--expect", "c>=1", "--", "sh", "-c", "exit 7").returncode == 7
    r = run("exec", "--", *creates(1), env={"CINDERLOG_EXPECT": "api_audit_logs>=1,other==0"})
    assert r.returncode == 0 and r.stderr.count("  expected ") == 2, r.stderr


def test_example_data_and_refused_creates_are_not_expected_ones():
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as f:
        f.write('{"path":"api_audit_logs/seed","data":{}}\n')
        f.flush()
        r = run("exec", "--seed", f.name, "--expect", "api_audit_logs==0", "--", "true")
    assert r.returncode == 0, r.stderr
    r = run("exec", "--owner-iam", "get", "--expect", "api_audit_logs==0", "--", "sh", "-c", 'curl -s -H "Authorization: Bearer owner" -d "{}" '
            '"http://$FIRESTORE_EMULATOR_HOST%s" >/dev/null' % LOGS)
    assert r.returncode == 0 and "0 allowed, 1 denied" in r.stderr, r.stderr


def test_what_is_no_expectation_is_exit_2():
    for text in ("api_audit_logs", "api_audit_logs>=", ">=3", "a//b>=1", "a>=x", "a>=-1", "a>=1.5", "a~1", "a>=9999999999999999999"):
        r = run("exec", "--expect", text, "--", "true")
        assert r.returncode == 2 and "is not PATTERN>=N" in r.stderr, (text, r.stderr)


def test_the_summary_file_tells_what_was_expected():
    path = os.path.join(tempfile.mkdtemp(), "summary.json")
    run("exec", "--summary", path, "--expect", "api_audit_logs>=2", "--", *creates(1))
    with open(path) as f:
        assert json.load(f)["expected"] == [{"expected": "api_audit_logs>=2", "created": 1, "met": False}]


# ---- one entry for one request ----

def test_entries_of_a_request_are_found_among_many_and_by_database():
    other = DOCS.replace("/p/", "/q/")
    with Logged() as s:
        writes = [{"update": {"name": "%s/c/%d" % (DOCS[4:], i), "fields": {}}} for i in range(2500)]
        assert s.ask("POST", DOCS + ":commit", {"writes": writes}, headers={"x-request-id": "many"})[0] == 200
        s.ask("POST", LOGS + "?documentId=a", {"fields": {}}, headers={"x-request-id": "r 1/ä&".encode().decode("latin-1")})
        s.ask("POST", other + "/c?documentId=a", {"fields": {}}, headers={"x-request-id": "r-2"})
        host = "127.0.0.1:%d" % s.port
        assert [e["seq"] for e in cinderlog_testing.entries("many", host=host)] == list(range(1, 2501)), "several pages"
        assert [e["path"] for e in cinderlog_testing.entries("r 1/ä&", host=host)] == ["api_audit_logs/a"]
        assert cinderlog_testing.assert_one_entry("r-2", path="c", host=host)["project"] == "q"
        for project, count in (("p", 1), ("q", 2)):
            *found, _ = s.ask("GET", "/cinderlog/v1/projects/%s/databases/(default)/entries?request_id=r-2&after=2500" % project)[1].splitlines()
            assert len(found) == count - 1, (project, found)


def helper_says(s, language, id, path=None):
    """None, or the words of its AssertionError."""
    env = dict(CLEAN, FIRESTORE_EMULATOR_HOST="127.0.0.1:%d" % s.port)
    folder = os.path.join(ROOT, "fixtures", "helpers")
    if language == "python":
        code = "import cinderlog_testing as c; c.assert_one_entry(%r, path=%r, within=0.05)" % (id, path)
        args = [sys.executable, "-c", code]
    else:
        options = "{ within: 50%s }" % (", path: %r" % path if path else "")
        args = ["node", "-e", "require('./cinderlog_testing').assertOneEntry(%r, %s).catch((e) => { console.error('AssertionError: ' + e.message); process.exit(1); })" % (id, options)]
    r = subprocess.run(args, cwd=folder, env=dict(env, PYTHONDONTWRITEBYTECODE="1"), text=True, capture_output=True, timeout=60)
    return r.stderr.split("AssertionError: ", 1)[1].strip() if r.returncode else None


def check_helper(language):
    with Logged("--append-only", "once") as s:
        s.ask("POST", LOGS, {"fields": {"request_id": {"stringValue": "o ne/\u00e4&+"}}})
        s.ask("POST", LOGS, {"fields": {}}, headers={"x-request-id": "one"})
        for i in range(2):
            s.ask("POST", LOGS + "?documentId=%d" % i, {"fields": {}}, headers={"x-request-id": "two"})
        s.ask("PATCH", DOCS + "/once/a", {"fields": {}}, headers={"x-request-id": "first"})
        s.ask("DELETE", DOCS + "/once/a", headers={"x-request-id": "refused"})
        assert helper_says(s, language, "o ne/\u00e4&+") is None
        assert helper_says(s, language, "one") is None and helper_says(s, language, "one", "api_audit_logs") is None
        assert helper_says(s, language, "one", "elsewhere").startswith("0 entries for request id 'one' at elsewhere, expected exactly one; nothing")
        assert helper_says(s, language, "none").startswith("0 entries for request id 'none', expected exactly one; nothing was refused either")
        two = helper_says(s, language, "two")
        assert two.startswith("2 entries") and "seq 3: write create api_audit_logs/0 by owner [owner]" in two and "seq 4" in two, two
        assert "refused delete once/a by owner [append-only:once]" in helper_says(s, language, "refused")


def test_the_python_helper_wants_exactly_one():
    check_helper("python")


def test_the_node_helper_wants_exactly_one():
    if not shutil.which("node"):
        print("SKIPPED: node is not installed")
        return
    check_helper("node")


def test_one_request_is_followed_by_one_id_through_log_ledger_and_metrics():
    with Logged(*RULES) as s:
        assert s.ask("POST", LOGS, entry(request_id={"stringValue": "follow-me"}))[0] == 200
        (line,) = s.lines()
        made = cinderlog_testing.assert_one_entry("follow-me", path="api_audit_logs", host="127.0.0.1:%d" % s.port)
        metrics = s.ask("GET", "/metrics", headers={"Accept": "application/openmetrics-text"})[1]
    assert line["request_id"] == "follow-me" and line["entries"] == [made["seq"], made["seq"]] and line["path"] == made["path"]
    assert re.search(r'# \{[^}]*"follow-me"', metrics), metrics[:2000]


if __name__ == "__main__":
    sys.exit(main(globals()))

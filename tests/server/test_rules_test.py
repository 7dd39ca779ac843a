#!/usr/bin/env python3
"""`cinderlog rules test`, its --replay and --watch, and `rules push`: verdicts, reports, exit codes.

usage: test_rules_test.py BINARY [NAME ...]       last line: N passed, M failed
"""
import base64
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET

from test_cli import BINARY, CLEAN, DOCS, ROOT, Server, main, run

EXAMPLE = "fixtures/rules/audit_log.rules.test"
HEAD = "rules_version = '2';\nservice cloud.firestore {\n  match /databases/{database}/documents {\n"
TAIL = "\n  }\n}\n"
OPEN = "match /{x=**} { allow read, write: if true; }"


class Folder(tempfile.TemporaryDirectory):
    """A folder with files in it; the rules are what stands inside `match /databases/...`."""

    def __init__(self, **files):
        super().__init__(prefix="cinderlog-rules-test-")
        for name, text in files.items():
            self.write(name, text)

    def __enter__(self):
        super().__enter__()
        return self

    def write(self, name, text):
        if name == "rules":
            text = HEAD + text + TAIL
        with open(self.path(name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def path(self, name):
        return os.path.join(self.name, {"rules": "firestore.rules", "tests": "firestore.rules.test"}.get(name, name))

    def test(self, *args):
        return run("rules", "test", *args, cwd=self.name)


def verdicts(rules, tests, *args):
    """Runs one test file; returns its result."""
    with Folder(rules=rules, tests="rules firestore.rules\n" + tests) as f:
        return f.test(*args, "firestore.rules.test")


def passes(rules, tests, n):
    r = verdicts(rules, tests)
    assert r.returncode == 0 and r.stdout.endswith("\n%d passed, 0 failed\n" % n), r.stdout + r.stderr


def fails(rules, tests, said):
    r = verdicts(rules, tests)
    assert r.returncode == 1 and said in r.stdout, r.stdout + r.stderr
    assert "0 passed, 1 failed" in r.stdout, r.stdout


def refused(tests, place, said):
    r = verdicts(OPEN, tests)
    assert r.returncode == 2 and r.stdout == "", r.stdout
    assert "firestore.rules.test:%s\n" % place in r.stderr and said in r.stderr, r.stderr


# ---- the example, and what a report says ----

def test_the_example_passes_and_every_allow_is_reached():
    r = run("rules", "test", EXAMPLE, cwd=ROOT)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "coverage: of 2 allow statements 2 granted, 2 refused\n24 passed, 0 failed\n" in r.stdout, r.stdout
    assert "\033" not in r.stdout


def test_the_example_of_batches_passes():
    r = run("rules", "test", "fixtures/rules/versioned.rules.test", EXAMPLE, cwd=ROOT)
    assert r.returncode == 0 and "coverage: of 5 allow statements 5 granted, 4 refused" in r.stdout, r.stdout + r.stderr
    assert r.stdout.endswith("\n45 passed, 0 failed\n"), r.stdout


def test_the_example_fails_on_the_published_rules():
    r = run("rules", "test", "--rules", "fixtures/rules/as_published.rules", EXAMPLE, cwd=ROOT)
    assert r.returncode == 1, r.stdout
    assert EXAMPLE + ":44:1: expected deny, but allowed by fixtures/rules/as_published.rules:10:7" in r.stdout, r.stdout


def test_a_denial_is_explained_in_terms_of_the_source():
    rules = "match /a/{x} { allow create: if request.resource.data.n > 5\n && request.resource.data.keys().hasAll(['n', 'm']); }"
    r = verdicts(rules, "allow create a/x {n: 3}\nallow create a/x {n: 9}")
    assert r.returncode == 1
    assert ("firestore.rules.test:2:1: expected allow, but denied\n"
            "         firestore.rules:4:33 request.resource.data.n > 5 is false (request.resource.data.n is 3)") in r.stdout, r.stdout
    assert "hasAll(['n', 'm']) is false\n           missing: 'm'   have: n" in r.stdout, r.stdout


def test_what_was_never_asked_is_told():
    r = verdicts("match /a/{x} { allow get: if true;\nallow list: if false; }", "allow get a/x")
    assert "coverage: of 2 allow statements 1 granted, 0 refused; never asked: firestore.rules:5 allow list" in r.stdout, r.stdout


def test_colour_is_for_terminals():
    terminal, end = pty.openpty()
    process = subprocess.Popen([BINARY, "rules", "test", "--only", "auditors read", EXAMPLE], cwd=ROOT, env=CLEAN, stdout=end,
                               stdin=subprocess.DEVNULL)
    os.close(end)
    out = b""
    try:
        while piece := os.read(terminal, 65536):
            out += piece
    except OSError:
        pass  # how a terminal says that nobody writes to it any more
    assert process.wait(60) == 0 and b"\033[32mok" in out, out


# ---- who asks ----

def test_principals():
    rules = """match /uid/{x} { allow get: if request.auth.uid == x && request.auth.token.sub == x; }
      match /role/{x} { allow get: if request.auth.token.role == x; }
      match /none/{x} { allow get: if request.auth == null; }
      match /nobody/{x} { allow get: if request.auth != null && request.auth.uid == null; }"""
    with Folder(rules=rules, who='{"uid": "zed", "token": {"role": "r"}}') as f:
        f.write("tests", """
          rules firestore.rules
          principal ann = user ann { role: "r" }
          allow get none/x
          as user bob
          allow get uid/bob
          deny get uid/ann
          deny get none/x
          as user "b c" { role: "q", sub: "b c" }
          allow get "uid/b c"
          allow get role/q
          as ann
          allow get uid/ann
          allow get role/r
          as token { sub: "eve", role: "r" }
          allow get uid/eve
          as token { role: "r" }
          allow get role/r
          as file "who"
          allow get role/r
          deny get uid/ann
          as anonymous
          allow get none/x
          as owner
          allow get any/thing""")
        r = f.test("firestore.rules.test")
        assert r.returncode == 0 and "14 passed" in r.stdout, r.stdout + r.stderr


def test_a_service_account_is_decided_by_iam():
    passes("match /a/{x} { allow read, write: if false; }", """
      given a/old {}
      as service-account create, get, list
      allow create a/x {}
      deny set a/x {}            because "datastore.entities.update"
      deny delete a/old          because "datastore.entities.delete"
      allow list a
      as service-account roles/datastore.viewer   # and not more
      deny create a/x {}
      allow get a/old
      as owner
      allow delete a/old
      as anonymous
      deny get a/old""", 8)


# ---- what is asked ----

def test_requests_begin_with_the_given_documents():
    passes("match /a/{x} { allow create: if !exists(/databases/$(database)/documents/a/first); allow get: if resource.data.n == 1; }", """
      allow create a/first {}
      allow create a/second {}
      test "in it"
      given a/first { n: 1 }
      deny create a/second {}
      allow get a/first
      given a/first { n: 2 }
      deny get a/first
      test "and after it"
      allow create a/second {}
      allow batch {
        create a/first {}
        create a/second {}
      }
      allow create a/second {}""", 8)


def test_writes_are_those_of_the_client_libraries():
    rules = """match /a/{x} {
        allow create: if request.resource.data.keys().hasOnly(['n']);
        allow update: if request.resource.data == {'n': 1, 'm': {'a': 1, 'b': 5}};
        allow delete: if resource.data.n == 1; }"""
    passes(rules, """
      given a/old { n: 1, m: { a: 1, b: 2 } }
      allow create a/new { n: 1 }
      deny create a/new { n: 1, k: 2 }
      allow set a/new { n: 7 }
      allow set a/old { n: 1, m: { a: 1, b: 5 } }
      deny set a/old { n: 1 }
      allow update a/old { m.b: 5 }
      deny update a/old { m: { b: 5 } }
      deny update a/old { m.b: 5, n: deleteField() }
      deny update a/old { "m.b": 5 }
      allow delete a/old
      deny update a/old { m.c: 1 }""", 11)


def test_data_is_json_and_more():
    rules = """match /a/{x} { allow create: if request.resource.data.v == request.resource.data.w
        && debug(request.resource.data.v) != null; }
      match /types/{t} { allow create: if
           t == 'ts' && request.resource.data.v == timestamp.value(1772366400000)
        || t == 'now' && request.resource.data.v == request.time
        || t == 'later' && request.resource.data.v == request.time + duration.value(90, 'm') - duration.value(1, 's')
        || t == 'bytes' && request.resource.data.v == b'abc'
        || t == 'geo' && request.resource.data.v == latlng.value(1.5, -2.0)
        || t == 'ref' && request.resource.data.v == /databases/(default)/documents/c/d
        || t == 'int' && request.resource.data.v is int && request.resource.data.v == -3
        || t == 'float' && request.resource.data.v is float && request.resource.data.v == 3.0
        || t == 'text' && request.resource.data.v == 'a"\\u00e9\\n'
        || t == 'long' && request.resource.data.v.size() == 300
        || t == 'null' && request.resource.data.v == null
        || t == 'list' && request.resource.data.v == [1, [] == [], {'k': true}]; }"""
    passes(rules, """
      time 2026-03-01T12:00:00Z
      let list = [1, true, {k: true,},]
      allow create types/ts { v: timestamp("2026-03-01T13:00:00+01:00") }
      allow create types/now { v: request.time }
      allow create types/now { v: serverTimestamp() }
      allow create types/later { v: request.time + 1h + 30m - 1s }
      allow create types/bytes { "v": bytes('YWJj') }
      allow create types/geo { v: latlng(1.5, -2), }
      allow create types/ref { v: ref("c/d") }
      allow create types/int { v: -3 }
      deny create types/int { v: -3.0 }
      allow create types/float { v: 3.0 }
      allow create types/text { v: "a\\"\\u00e9\\n" }
      allow create types/text { v: 'a"\\u{e9}\\n' }
      allow create types/long { v: repeat("abc", 100) }
      allow create types/null { v: null }
      allow create types/list { v: list }""", 15)


def test_transforms_reach_the_rules():
    rules = "match /a/{x} { allow write: if request.resource.data == {'n': 3, 't': request.time, 'm': {'l': [1, 2]}}; }"
    passes(rules, """
      time 2031-05-06T00:00:00Z
      given a/old { n: 1, m: { l: [1] } }
      allow update a/old { n: increment(2), t: serverTimestamp(), m.l: arrayUnion(2, 1) }
      deny update a/old { n: increment(1), t: serverTimestamp(), m.l: arrayUnion(2) }
      allow create a/new { n: 3, t: serverTimestamp(), m: { l: arrayUnion(1, 2) } }
      let base = { n: 3, t: serverTimestamp(), m: { l: [1, 2], k: 1 } }
      deny create a/new base
      allow create a/new { ...base, m: { l: [1, 2] } }
      deny create a/new { ...base, m: { l: [1, 2] }, t: absent }
      deny create a/new { m: { l: [1, 2] }, ...base }""", 7)


def test_time_is_what_the_file_says_or_now():
    rules = "match /a/{x} { allow get: if request.time == timestamp.date(2031, 5, 6); allow list: if request.time > timestamp.date(2025, 1, 1); }"
    passes(rules, """
      deny get a/x
      allow list a
      test "in it"
      time 2031-05-06T00:00:00Z
      allow get a/x
      test "after it"
      deny get a/x""", 4)


def test_batches_are_judged_as_a_whole():
    rules = """match /order/{x} { allow create: if getAfter(/databases/$(database)/documents/stock/a).data.n == 1; }
               match /stock/{x} { allow update: if request.resource.data.n == resource.data.n - 1; }"""
    passes(rules, """
      given stock/a { n: 2 }
      deny create order/x {}
      allow batch {
        create order/x {}   # and a comment
        update stock/a { n: increment(-1) }
      }
      deny batch { create order/x {
        }
        update stock/a { n: 0 } }""", 3)


def test_lists_are_proved_from_the_query():
    rules = """match /posts/{x} { allow list: if resource.data.owner == request.auth.uid && request.query.limit <= 10; }
               match /n/{x} { allow list: if resource.data.n > 5; }
               match /{path=**}/notes/{x} { allow list: if resource.data.shown == true; }"""
    passes(rules, """
      as user ann
      allow list posts where owner == "ann" limit 10
      deny list posts where owner == "ann" limit 11
      deny list posts where owner == "bob" limit 10
      deny list posts limit 5
      allow list posts where owner == "ann" and (n == 1 or n == 2) order by a.b desc, c limit 3
      allow list n where n in [6, 7]
      deny list n where n in [5, 6]
      allow list n where n >= 6 order by n
      deny list n where n == null
      allow list group notes where shown == true
      deny list group notes
      allow list a/b/notes where shown == true""", 12)


def test_by_which_line():
    rules = "match /a/{x} { allow get: if x == 'x';\nallow get: if x == 'y';\nallow create: if true\n&& x == 'x'; }"
    passes(rules, "allow get a/x at 4\nallow get a/y at 5\ndeny get a/z at 4\ndeny get a/z at 5\ndeny create a/y {} at 7\ndeny create a/y {} at 6", 6)
    fails(rules, "allow get a/y at 4", "expected allow at line 4, but allowed by firestore.rules:5:1")
    fails(rules, "deny get a/z at 6", "expected deny at line 6, but denied elsewhere")
    fails(rules, "deny delete a/z at 6", "expected deny at line 6, but denied elsewhere")


def test_why():
    rules = "match /a/{x} { allow create: if request.resource.data.n > 5; }"
    passes(rules, 'deny create a/x {n: 1} because "n is 1"', 1)
    fails(rules, 'deny create a/x {n: 1} because "n is 2"', 'the explanation does not say "n is 2"')


def test_a_request_that_fails_otherwise_is_neither():
    fails(OPEN, "allow update a/x {n: 1}", "expected allow, but it failed otherwise: NOT_FOUND")
    fails(OPEN, "deny update a/x {n: 1}", "expected deny, but it failed otherwise: NOT_FOUND")
    fails(OPEN, "given a/x {}\nallow create a/x {}", "it failed otherwise: ALREADY_EXISTS")
    fails(OPEN, "allow create a/x { __x__: 1 }", "it failed otherwise: INVALID_ARGUMENT")
    passes(OPEN, "allow get a/missing", 1)


# ---- mistakes in a test file ----

def test_mistakes_name_their_place():
    refused("allow get a", "2:11", "a document is needed, and this is a collection")
    refused("allow list a/b", "2:12", "list is for collections")
    refused("# é\n  foo", "3:3", "expected allow, deny, as")
    refused('let é = "é"\nallow get a/b {}', "3:15", "expected the end of the line")
    refused("allow create a/b { x: y }", "2:23", "nothing is called y here")
    refused("allow create a/b { x: [1, 2 }", "2:29", "expected ,")
    refused('allow create a/b { x: "a\nb" }', "2:23", "does not end on its line")
    refused("allow create a/b { x: 99999999999999999999 }", "2:23", "64 bits")
    refused("allow create a/b { x.y: 1 }", "2:18", "is for update")
    refused("allow create a/b { x: [serverTimestamp()] }", "2:24", "not inside a list")
    refused("given a/b { x: serverTimestamp() }", "2:16", "that a request writes")
    refused("allow set a/b { x: deleteField() }", "2:20", "for the fields that update names")
    refused("allow create a/b { x: tomorrow() }", "2:23", "there is no tomorrow()")
    refused("allow create a/b { x: timestamp(1) }", "2:33", "expected a string here")
    refused("allow create a/b { x: request.time - 5 }", "2:38", "expected a duration")
    refused("allow list a where n = 1", "2:22", "expected ==")
    refused("as somebody", "2:4", "nobody is called somebody here")
    refused("as service-account creat", "2:20", "unknown permission 'creat'")
    refused('as file "nope.json"', "2:9", "nope.json")
    refused("allow batch {\n get a/b\n}", "3:2", "expected create, set, update, delete or }")
    refused("deny get a/b at here", "2:17", "the number of a line")
    refused('allow get a/b because "x"', "2:23", "because is for denials")
    refused("time yesterday", "2:6", "expected a time")
    refused("rules other.rules", "2:1", "the rules are named already")


def test_a_file_without_expectations_is_no_green_test():
    r = verdicts(OPEN, "given a/b {}")
    assert r.returncode == 2 and "no allow and no deny" in r.stderr, r.stderr


def test_rules_that_do_not_compile_are_exit_2():
    r = verdicts("match /a/{b} { allow get if true; }", "allow get a/b")
    assert r.returncode == 2 and "firestore.rules:4:26" in r.stderr and r.stdout == "", r.stderr


def test_rules_are_those_of_the_option_the_file_or_the_project():
    closed = "match /{x=**} { allow read: if false; }"
    with Folder(rules=OPEN, other=HEAD + closed + TAIL, tests="allow get a/b") as f:
        os.mkdir(f.path("sub"))
        f.write("sub/t.test", "rules ../other\ndeny get a/b")
        assert f.test("firestore.rules.test").returncode == 0
        assert f.test("sub/t.test").returncode == 0
        assert f.test("--rules", "other", "firestore.rules.test").returncode == 1
        os.remove(f.path("rules"))
        r = f.test("firestore.rules.test")
        assert r.returncode == 2 and "no rules" in r.stderr, r.stderr


# ---- options ----

def test_list_and_only():
    r = run("rules", "test", "--list", "--only", "history stays: deny delete", EXAMPLE, cwd=ROOT)
    assert r.returncode == 0 and [line.split(": ")[0] for line in r.stdout.splitlines()] == [EXAMPLE + ":44", EXAMPLE + ":46"], r.stdout
    r = run("rules", "test", "--only=history stays: deny delete", EXAMPLE, cwd=ROOT)
    assert r.returncode == 0 and r.stdout.endswith("2 passed, 0 failed, 22 left out\n"), r.stdout
    r = run("rules", "test", "--only", "histroy", EXAMPLE, cwd=ROOT)
    assert r.returncode == 2 and "leaves nothing to run" in r.stderr, "a typo is no green test"


def test_help_tells_every_option_and_every_function_of_the_format():
    r = run("rules", "test", "--help")
    assert r.returncode == 0 and r.stderr == "", r.stderr
    for option in re.findall(r"--[a-z]+", run("rules", "test", "--nonsense").stderr.split("it has")[1]):
        assert "\n  " + option in r.stdout, option
    functions = re.findall(r"\w+", verdicts(OPEN, "let a = no()").stderr.split("there are ")[1].split("\n")[0])
    assert len(functions) == 11, functions
    for function in set(functions) - {"and"}:
        assert function + "(" in r.stdout, function


def test_wrong_options_are_exit_2():
    for args, said in [([], "which tests?"), (["--onyl", "x", EXAMPLE], "--only TEXT"), (["--only"], "--only needs a value"),
                       (["--list=yes", EXAMPLE], "takes no value"), (["--replay", "x", EXAMPLE], "takes no test files"),
                       (["--principal", "user:a=f", EXAMPLE], "belongs to --replay"), (["nope.test"], "nope.test"),
                       (["--junit", "/nonexistent/x", EXAMPLE], "/nonexistent/x")]:
        r = run("rules", "test", *args, cwd=ROOT)
        assert r.returncode == 2 and said in r.stderr, (args, r.stderr)


def test_junit():
    with Folder(rules="match /a/{x} { allow create: if request.resource.data.n == '<&>'; }",
                tests='rules firestore.rules\ntest "one & two"\nallow create a/x {n: "<&>"}\nallow create a/x {n: "\\u0001<"}') as f:
        r = f.test("--junit", "out.xml", "firestore.rules.test")
        assert r.returncode == 1, r.stdout + r.stderr
        suites = ET.parse(f.path("out.xml")).getroot()
    assert (suites.tag, suites.get("tests"), suites.get("failures")) == ("testsuites", "2", "1")
    suite = suites.find("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("firestore.rules.test", "2", "1", "0")
    good, bad = suite.findall("testcase")
    assert (good.get("classname"), good.get("line"), good.find("failure")) == ("one & two", "3", None)
    assert good.get("name") == 'allow create a/x {n: "<&>"} as anonymous (line 3)', good.get("name")
    assert float(good.get("time")) > 0
    failure = bad.find("failure")
    assert failure.get("message") == "expected allow, but denied" and "firestore.rules:4:33" in failure.text, failure.text


def test_coverage_of_several_files_adds_up():
    with Folder(rules="match /a/{x} { allow get: if x == 'x'; }", one="rules firestore.rules\nallow get a/x",
                two="rules firestore.rules\ndeny get a/y") as f:
        r = f.test("--coverage", "out.info", "one", "two")
        assert r.returncode == 0 and "coverage: of 1 allow statement 1 granted, 1 refused\n2 passed" in r.stdout, r.stdout
        lcov = f.read("out.info")
    assert lcov.count("SF:firestore.rules\n") == 1 and "BRDA:4,0,0,1" in lcov and "BRDA:4,0,1,1" in lcov, lcov


# ---- replay ----

def typed(fields):
    return {"fields": {k: {"integerValue": str(v)} if isinstance(v, int) else {"timestampValue": v} for k, v in fields.items()}}


def token(**claims):
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return "Bearer e30.%s." % part


class Recorded(Folder):
    """A ledger that clients have written under OPEN rules (or others), in folder/data."""

    def __init__(self, requests, rules=OPEN, options=("--record-denied", "body"), **files):
        super().__init__(rules=rules, **files)
        with Server("--data", self.path("data"), "--rules", self.path("rules"), *options) as s:
            for auth, method, target, body in requests:
                s.ask(method, target if target.startswith("/") else DOCS + "/" + target, body, auth=auth)
            assert s.stop() == 0, s.err

    def replay(self, *args):
        return self.test("--replay", "data", *args)


ANN = token(sub="ann", role="writer")


def test_replay_decides_each_write_on_the_documents_of_then():
    requests = [(ANN, "PATCH", "n/a", typed({"v": 1})), (ANN, "PATCH", "n/a", typed({"v": 2})), (ANN, "PATCH", "n/a", typed({"v": 9})),
                (ANN, "PATCH", "n/a", typed({"v": 10})), (ANN, "DELETE", "n/a", None), (ANN, "PATCH", "n/a", typed({"v": 1}))]
    with Recorded(requests) as f:
        assert f.replay().returncode == 0, f.replay().stdout
        f.write("rules", """match /n/{x} { allow create: if request.resource.data.v == 1;
                              allow update: if request.resource.data.v == resource.data.v + 1; allow delete: if resource.data.v == 10; }""")
        r = f.replay()
        assert r.returncode == 1, r.stdout
        told = re.findall(r"^ +(\d+)  (\S+Z)  WOULD BE REFUSED  (\w+) (\S+)  by (\S+)\n +(.*)$", r.stdout, re.M)
        assert [t[0] for t in told] == ["4"] and told[0][2:5] == ("update", "n/a", "user:ann"), r.stdout
        assert "firestore.rules:5" in told[0][5] and "is false (request.resource.data.v is 9" in told[0][5], r.stdout
        assert "of 6 recorded writes 1 would be refused" in r.stdout, r.stdout
        assert "judged as a uid without claims" in r.stdout and "user:ann" in r.stdout.splitlines()[-1], r.stdout
        log = run("log", "data", cwd=f.name).stdout.splitlines()[3]
        assert told[0][1] in log and log.split()[0] == "4", log


def test_replay_takes_claims_from_files():
    with Recorded([(ANN, "PATCH", "n/a", typed({"v": 1})), ("Bearer owner", "PATCH", "n/b", typed({"v": 1})), (None, "PATCH", "n/c", typed({}))],
                  ann='{"uid": "ann", "token": {"role": "writer"}}', svc='{"uid": "svc", "token": {"role": "reader"}}') as f:
        f.write("rules", "match /n/{x} { allow write: if request.auth != null && request.auth.token.role == 'writer'; }")
        r = f.replay()
        assert r.returncode == 1 and "of 3 recorded writes 2 would be refused, 1 by owner not judged" in r.stdout, r.stdout
        r = f.replay("--principal", "user:ann=ann")
        assert "of 3 recorded writes 1 would be refused" in r.stdout and "without claims" not in r.stdout, r.stdout
        assert "create n/c  by anonymous" in r.stdout, r.stdout
        r = f.replay("--principal", "user:ann=ann", "--principal", "owner=svc")
        assert "of 3 recorded writes 2 would be refused\n" in r.stdout, r.stdout
        r = f.replay("--principal", "user:ann=nope")
        assert r.returncode == 2 and "nope" in r.stderr, r.stderr


def test_replay_of_one_commit_is_one_request():
    writes = [{"update": {"name": DOCS[4:] + "/n/" + x, **typed({"v": 1})}} for x in "ab"]
    with Recorded([(ANN, "POST", DOCS + ":commit", {"writes": writes})]) as f:
        f.write("rules", "match /n/{x} { allow create: if existsAfter(/databases/$(database)/documents/n/b); }")
        assert f.replay().returncode == 0, f.replay().stdout
        f.write("rules", "match /n/{x} { allow create: if x == 'a'; }")
        r = f.replay()
        assert r.returncode == 1 and "of 2 recorded writes 2 would be refused" in r.stdout, r.stdout


def test_replay_knows_server_timestamps():
    write = {"update": {"name": DOCS[4:] + "/n/a", **typed({"v": 1})},
             "updateTransforms": [{"fieldPath": "at", "setToServerValue": "REQUEST_TIME"}]}
    with Recorded([(ANN, "POST", DOCS + ":commit", {"writes": [write]})]) as f:
        f.write("rules", "match /n/{x} { allow create: if request.resource.data.at == request.time; }")
        r = f.replay()
        assert r.returncode == 0, r.stdout
        f.write("rules", "match /n/{x} { allow create: if request.resource.data.at != request.time && false; }")
        assert f.replay().returncode == 1


def test_replay_follows_clearing_and_resets():
    clear = "/emulator/v1/projects/p/databases/(default)/documents"
    requests = []
    for target, method in [(clear + "/n", "DELETE"), (clear, "DELETE"), ("/reset", "POST")]:
        requests += [(ANN, "PATCH", "n/a", typed({"v": 1})), (None, method, target, None)]
    with Recorded(requests) as f:
        f.write("rules", "match /n/{x} { allow create: if true; }")
        r = f.replay()
        assert r.returncode == 0 and "of 4 recorded writes 0 would be refused, 1 by the server itself" in r.stdout, r.stdout


def test_replay_tells_denials_that_would_be_allowed():
    requests = [(ANN, "PATCH", "n/a", typed({"v": 1})), (ANN, "PATCH", "n/a", typed({"v": 2})), (ANN, "DELETE", "n/a", None),
                (ANN, "PATCH", "n/b", typed({"v": 1})), ("Bearer owner", "DELETE", "log/x", None)]
    with Recorded(requests, rules="match /n/{x} { allow create: if x == 'a'; }") as f:
        f.write("rules", "match /n/{x} { allow create: if x == 'a'; allow update: if resource.data.v == 1; }")
        r = f.replay()
        assert r.returncode == 0, r.stdout
        told = re.findall(r"^ +(\d+)  \S+Z  WOULD BE ALLOWED  (\w+ \S+)  by user:ann\n +by (\S+); it was (.*)$", r.stdout, re.M)
        assert told == [("3", "update n/a", "firestore.rules:4:43", "denied: no matching allow")], r.stdout
        assert "refusals recorded: 3; 1 would be allowed now, 2 not" in r.stdout, r.stdout


def test_replay_takes_back_what_would_be_allowed():
    requests = [(ANN, "PATCH", "n/a", typed({"v": 1})), (ANN, "PATCH", "n/a", typed({"v": 2})), (ANN, "PATCH", "n/a", typed({"v": 3})),
                (ANN, "PATCH", "n/b", typed({"v": 1})), (ANN, "PATCH", "n/b", typed({"v": 1}))]
    with Recorded(requests, rules="match /n/{x} { allow create: if x == 'a'; }") as f:
        f.write("rules", "match /n/{x} { allow create: if true; allow update: if resource.data.v == 1 && x == 'a'; }")
        r = f.replay()
        assert "refusals recorded: 4; 4 would be allowed now, 0 not" in r.stdout, r.stdout


def test_replay_says_which_denials_it_cannot_judge():
    requests = [(ANN, "PATCH", "n/a", typed({"v": 1})), (ANN, "DELETE", "n/a", None), (ANN, "PATCH", "log/x", typed({"v": 1})),
                (ANN, "PATCH", "log/x", typed({"v": 2}))]
    with Recorded(requests, rules="match /log/{x} { allow write: if true; }", options=("--append-only", "log")) as f:
        f.write("rules", OPEN)
        r = f.replay()
        assert r.returncode == 0, r.stdout
        assert ("refusals recorded: 3; 1 would be allowed now, 0 not, 1 not judged (only a digest was kept: serve --record-denied body), "
                "1 not judged (not refused by rules)\n") in r.stdout, r.stdout


def test_replay_of_no_ledger_is_exit_2():
    with Folder(rules=OPEN) as f:
        r = f.test("--replay", "nope")
        assert r.returncode == 2 and "nope" in r.stderr, r.stderr


# ---- push ----

def test_push_puts_rules_in_force():
    with Server("--data", ":memory:", "--project_id", "p") as s, Folder(rules="match /a/{x} { allow get: if x == 'b'; }") as f:
        here = "127.0.0.1:%d" % s.port
        r = run("rules", "push", "firestore.rules", here, "--project", "p", cwd=f.name)
        assert r.returncode == 0 and r.stdout == "firestore.rules is in force on %s for project p\n" % here, r.stdout + r.stderr
        assert s.ask("GET", DOCS + "/a/b", auth=None)[0] == 404 and s.ask("GET", DOCS + "/a/c", auth=None)[0] == 403
        # Found by itself, and the server from the environment.
        f.write("rules", "match /a/{x} { allow get: if x == 'c'; }")
        r = run("rules", "push", cwd=f.name, env={"FIRESTORE_EMULATOR_HOST": here, "GOOGLE_CLOUD_PROJECT": "p"})
        assert r.returncode == 0, r.stderr
        assert s.ask("GET", DOCS + "/a/b", auth=None)[0] == 403 and s.ask("GET", DOCS + "/a/c", auth=None)[0] == 404


def test_push_sends_nothing_that_does_not_compile():
    with Server("--data", ":memory:") as s, Folder(rules="match /a/{x} { allow get if true; }") as f:
        r = run("rules", "push", "firestore.rules", "127.0.0.1:%d" % s.port, cwd=f.name)
        assert r.returncode == 1 and "firestore.rules:4:26" in r.stderr and "nothing was sent" in r.stderr, r.stderr
        assert s.ask("GET", DOCS + "/a/c", auth=None)[0] == 404, "open rules are still in force"


def test_push_tells_what_the_server_says():
    with Server("--data", ":memory:", "--lock-control") as s, Folder(rules=OPEN) as f:
        r = run("rules", "push", "firestore.rules", "127.0.0.1:%d" % s.port, cwd=f.name)
        assert r.returncode == 1 and "refused the rules (403): control requests are refused on this server" in r.stderr, r.stderr


def test_push_takes_an_answer_whose_connection_stays_open():
    """As Google's emulator 1.19.9 answers."""
    with Folder(rules=OPEN) as f, socket.create_server(("127.0.0.1", 0)) as listener:
        seen, kept = [], []

        def answer():
            connection = listener.accept()[0]
            kept.append(connection)
            while not seen or not seen[-1].endswith(b"]}}"):
                seen.append((seen or [b""])[-1] + connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{\n}\n")

        threading.Thread(target=answer, daemon=True).start()
        r = run("rules", "push", "firestore.rules", "127.0.0.1:%d" % listener.getsockname()[1], "--project", "p", cwd=f.name)
        assert r.returncode == 0, r.stderr
        kept[0].close()
        assert seen[-1].startswith(b"PUT /emulator/v1/projects/p:securityRules HTTP/1.0\r\n"), seen[-1]
        assert json.loads(seen[-1].split(b"\r\n\r\n")[1])["rules"]["files"] == [{"name": "firestore.rules", "content": HEAD + OPEN + TAIL}]


def test_push_without_a_server_is_exit_2():
    with Folder(rules=OPEN) as f:
        for args, said in [(["127.0.0.1:1"], "127.0.0.1:1"), ([], "to which server?"), (["nope.rules", "127.0.0.1:1"], "nope.rules"),
                           (["--project", "a/b", "127.0.0.1:1"], "no project id")]:
            r = run("rules", "push", *args, cwd=f.name)
            assert r.returncode == 2 and said in r.stderr, (args, r.stderr)


# ---- watch ----

class Watched:
    """A command under --watch; `next` waits for text that was not there before."""

    def __init__(self, folder, *args):
        self.out = open(os.path.join(folder.name, "watched"), "w+")
        self.process = subprocess.Popen([BINARY, "rules", *args, "--watch"], cwd=folder.name, env=CLEAN, stdout=self.out,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.seen = 0

    def next(self, text):
        deadline = time.monotonic() + 30
        while True:
            with open(self.out.name) as f:
                said = f.read()
            if text in said[self.seen:] and "Ctrl-C ends" in said[said.index(text, self.seen):]:
                self.seen = len(said)
                return
            assert self.process.poll() is None and time.monotonic() < deadline, "%r not in %s" % (text, said)
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGINT)
        try:
            self.code = self.process.wait(20)
        finally:
            self.process.kill()
            self.out.close()
        assert self.code == 0, self.code


def test_watch_of_test_runs_again_when_tests_or_rules_change():
    with Folder(rules=OPEN, tests="rules firestore.rules\nallow get a/b") as f:
        with Watched(f, "test", "firestore.rules.test") as w:
            w.next("1 passed, 0 failed")
            f.write("tests", "rules firestore.rules\nallow get a/b\nallow list a")
            w.next("2 passed, 0 failed")
            f.write("rules", "match /a/{x} { allow get: if true; }")
            w.next("1 passed, 1 failed")
            f.write("tests", "nonsense")
            w.next("expected allow, deny")
            f.write("aside", "rules firestore.rules\nallow get a/b")
            os.rename(f.path("aside"), f.path("tests"))
            w.next("1 passed, 0 failed")


def test_watch_of_check_checks_again():
    with Folder(rules=OPEN) as f:
        with Watched(f, "check", "firestore.rules") as w:
            w.next("firestore.rules: 0 errors")
            f.write("rules", "match /a/{x} { allow get if true; }")
            w.next("firestore.rules: 1 error")
            f.write("rules", "match /a/{x} { allow get: if false; }")
            w.next("firestore.rules: 0 errors")
    r = run("rules", "check", "--watch", "--baseline", "b", "--write-baseline", "firestore.rules")
    assert r.returncode == 2 and "one of them" in r.stderr, r.stderr


def test_watch_of_push_pushes_again():
    with Server("--data", ":memory:", "--project_id", "p") as s, Folder(rules=OPEN) as f:
        with Watched(f, "push", "firestore.rules", "127.0.0.1:%d" % s.port, "--project", "p") as w:
            w.next("is in force")
            f.write("rules", "match /a/{x} { allow get if true; }")
            w.next("nothing was sent")
            f.write("rules", "match /a/{x} { allow list: if true; }")
            w.next("is in force")
            assert s.ask("GET", DOCS + "/a/c", auth=None)[0] == 403


if __name__ == "__main__":
    sys.exit(main(globals()))

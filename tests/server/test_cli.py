#!/usr/bin/env python3
"""The command line as scripts depend on it: exit codes, sentences, signals, exec's environment, verify, log.

usage: test_cli.py BINARY [NAME ...]       last line: N passed, M failed
"""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(sys.argv[1])
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("CINDERLOG_", "FIRESTORE_", "GOOGLE_", "GCLOUD_"))}


def run(*args, env=None, cwd=None, timeout=60):
    return subprocess.run([BINARY, *args], env=dict(CLEAN, **(env or {})), cwd=cwd, text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


class Server:
    def __init__(self, *args, folder=None, env=None):
        self.folder = folder or tempfile.mkdtemp(prefix="cinderlog-cli-")
        port_file = os.path.join(self.folder, "port")
        self.start([BINARY, "serve", "--port", "0", "--port-file", port_file, *args], port_file, ROOT, dict(CLEAN, **(env or {})))

    def start(self, args, port_file, cwd, env):
        """Runs a command that becomes a server, and waits until it has told its port."""
        if os.path.exists(port_file):
            os.remove(port_file)
        self.process = subprocess.Popen(args, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not os.path.exists(port_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("did not start: %s" % self.process.communicate()[1])
            time.sleep(0.01)
        with open(port_file) as f:
            self.port = int(f.read())

    def ask(self, method, target, body=None, headers=None, auth="Bearer owner"):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, target), method=method,
                                         data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode())
        if auth:
            request.add_header("Authorization", auth)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        for k, v in (headers or {}).items():
            request.add_header(k, v)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.out, self.err = self.process.communicate(timeout=20)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


DOCS = "/v1/projects/p/databases/(default)/documents"


def text(value):
    return {"fields": {"t": {"stringValue": value}}}


# ---- usage ----

def test_version_and_help():
    assert run("--version").stdout.startswith("cinderlog ")
    out = run("--help")
    assert out.returncode == 0 and "--append-only" in out.stdout and "exec" in out.stdout


def test_a_typo_in_a_flag_is_exit_2_and_names_the_nearest():
    r = run("serve", "--apend-only", "logs")
    assert r.returncode == 2 and "did you mean --append-only" in r.stderr, r.stderr


def test_a_typo_in_a_variable_is_exit_2_and_names_the_nearest():
    r = run("serve", env={"CINDERLOG_APPENDONLY": "logs"})
    assert r.returncode == 2 and "CINDERLOG_APPEND_ONLY" in r.stderr, r.stderr


def test_unknown_command_is_exit_2():
    r = run("serv")
    assert r.returncode == 2 and "did you mean cinderlog serve" in r.stderr


def test_bad_values_are_exit_2():
    for args in (["--port", "70000"], ["--port", "x"], ["--durability", "maybe"], ["--owner-iam", "creat"], ["--rules"],
                 ["--owner-as", "/nonexistent.json"], ["--append-only", "a//b"], ["--import-data", "x"]):
        r = run("serve", "--data", ":memory:", *args)
        assert r.returncode == 2 and r.stderr.startswith("cinderlog: "), (args, r.returncode, r.stderr)


def test_google_flags_are_known_in_both_spellings():
    with Server("--data=:memory:", "--single-project-mode", "true", "--project_id", "p", "--webchannel_port=9150") as s:
        assert s.ask("GET", "/")[1] == "Ok\n"
        assert s.stop() == 0
    assert "no effect" in s.err


# ---- example data ----

def seed_file(*lines, name="seed.ndjson", folder=None):
    path = os.path.join(folder or tempfile.mkdtemp(prefix="cinderlog-seed-"), name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_seed_creates_documents_once_and_leaves_equal_ones():
    path = seed_file({"path": "items/a", "data": {"n": 1, "d": 1.5, "s": "x", "l": [1, "a", None], "m": {"b": True}}}, "", "  \r",
                     {"path": "items/b", "fields": {"at": {"timestampValue": "2026-01-01T00:00:00.123456789Z"}, "g": {"geoPointValue": {}}}},
                     {"path": "projects/other/databases/db-2/documents/items/c", "data": {}}, {"path": "items/a/sub/x", "data": {"n": -0.0}},
                     {"path": "items/a", "data": {"n": 1, "d": 1.5, "s": "x", "l": [1, "a", None], "m": {"b": True}}})
    data = os.path.join(tempfile.mkdtemp(), "d")
    for created, kept in ((4, 1), (0, 5)):
        with Server("--data", data, "--project_id", "p", "--seed", path) as s:
            a = json.loads(s.ask("GET", DOCS + "/items/a")[1])["fields"]
            assert a["n"] == {"integerValue": "1"} and a["l"]["arrayValue"]["values"][2] == {"nullValue": None}, a
            b = json.loads(s.ask("GET", DOCS + "/items/b")[1])["fields"]
            assert b["at"] == {"timestampValue": "2026-01-01T00:00:00.123456Z"} and "geoPointValue" in b["g"], b
            assert s.ask("GET", "/v1/projects/other/databases/db-2/documents/items/c")[0] == 200
            assert s.stop() == 0
        assert "Example data: %d documents created in project p, %d were there already" % (created, kept) in s.out, s.out
    entries = [json.loads(line) for line in run("log", data, "--format", "ndjson").stdout.splitlines()]
    writes = [e for e in entries if e["kind"] == "write"]
    assert [e["path"] for e in writes] == ["items/a", "items/b", "items/c", "items/a/sub/x"]
    assert all(e["principal"] == "seed" and e["operation"] == "create" for e in writes)
    assert writes[1]["decision"] == "seed:%s:4" % path, writes[1]
    assert run("verify", data).returncode == 0


def test_seed_takes_a_directory_in_order_and_several_times():
    folder = tempfile.mkdtemp()
    seed_file({"path": "c/a", "data": {"n": 1}}, name="02.ndjson", folder=folder)
    seed_file({"path": "c/a", "data": {"n": 1}}, {"path": "c/b", "data": {}}, name="01.jsonl", folder=folder)
    seed_file("not JSON", name="readme.txt", folder=folder)
    more = seed_file({"path": "c/z", "data": {}})
    with Server("--data", ":memory:", "--seed", folder, env={"CINDERLOG_SEED": more, "GOOGLE_CLOUD_PROJECT": "from-env"}) as s:
        assert len(json.loads(s.ask("GET", DOCS.replace("/p/", "/from-env/") + "/c")[1])["documents"]) == 3
        assert s.stop() == 0
    assert "created in project from-env, 1 were there already" in s.out


def test_bad_seed_lines_are_exit_2_with_file_and_line():
    good = {"path": "c/good", "data": {}}
    for line, reason in (("{", "cut off"), ("[]", "a line is one JSON object"), ('{"path":"c/a"}', "exactly one of data"),
                         ({"path": "c/a", "data": {}, "fields": {}}, "exactly one of data"), ({"data": {}}, "path is missing"),
                         ({"path": "c", "data": {}}, 'lacks "/"'), ({"path": "c/__x__", "data": {}}, "reserved"), ({"path": 5, "data": {}}, "path must be a string"),
                         ({"path": "c/a", "data": []}, "data must be an object"), ({"path": "c/a", "data": {}, "id": 1}, 'unknown member "id"'),
                         ('{"path":"c/a","data":{}} x', "something follows"), ('{"path":"c/a","path":"c/b","data":{}}', "path is given twice"),
                         ({"path": "c/a", "fields": {"n": {"integerValue": "x"}}}, 'fields.n.integerValue: "x" is not'),
                         ({"path": "c/a", "fields": {"n": {}}}, "type unset"), ({"path": "c/a", "data": {"__x__": 1}}, "reserved"),
                         ({"path": "c/a", "data": {"l": [[1]]}}, "array"), ({"path": "c/a", "data": {"s": "x" * 1048488}}, "longer than 1048487 bytes"),
                         ({"path": "c/good", "data": {"n": 1}}, "exists with other content")):
        path = seed_file(good, "", line)
        r = run("serve", "--port", "0", "--data", ":memory:", "--seed", path)
        assert r.returncode == 2 and r.stderr.startswith("cinderlog: --seed %s:3: " % path) and reason in r.stderr, (line, r.returncode, r.stderr)
        assert "running" not in r.stdout
    for path, reason in (("/nonexistent.ndjson", "No such file"), (tempfile.mkdtemp(), "there is no *.ndjson")):
        r = run("serve", "--port", "0", "--data", ":memory:", "--seed", path)
        assert r.returncode == 2 and "--seed %s: %s" % (path, reason) in r.stderr, r.stderr


def test_seed_never_overwrites():
    data = os.path.join(tempfile.mkdtemp(), "d")
    with Server("--data", data, "--project_id", "p") as s:
        s.ask("PATCH", DOCS + "/c/a", text("mine"))
        s.stop()
    path = seed_file({"path": "c/0", "data": {}}, {"path": "c/a", "data": {"t": "theirs"}})
    r = run("serve", "--port", "0", "--data", data, "--project_id", "p", "--seed", path)
    assert r.returncode == 2 and path + ":2: c/a exists with other content" in r.stderr, r.stderr
    with Server("--data", data) as s:
        assert "mine" in s.ask("GET", DOCS + "/c/a")[1]


def test_exec_has_the_seed_before_its_command_starts():
    path = seed_file({"path": "c/a", "data": {"n": 7}})
    program = ("import os, urllib.request as u; print(u.urlopen('http://%s/v1/projects/%s/databases/(default)/documents/c/a' % "
               "(os.environ['FIRESTORE_EMULATOR_HOST'], os.environ['GOOGLE_CLOUD_PROJECT'])).read().decode())")
    r = run("exec", "--seed", path, "--", sys.executable, "-c", program)
    assert r.returncode == 0 and '"integerValue": "7"' in r.stdout, (r.stdout, r.stderr)
    r = run("exec", "--seed", seed_file("x"), "--", "true")
    assert r.returncode == 2, r.returncode


def test_probes_are_answered_while_the_server_starts():
    """A pipe as example data holds the start for as long as we like."""
    pipe = os.path.join(tempfile.mkdtemp(), "seed.ndjson")
    os.mkfifo(pipe)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([BINARY, "serve", "--host", "127.0.0.1", "--port", str(port), "--data", ":memory:", "--project_id", "p", "--seed", pipe],
                               env=CLEAN, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    s = Server.__new__(Server)
    s.port, s.process = port, process
    with s:
        with open(pipe, "w") as gate:  # returns when the server reads it
            assert s.ask("GET", "/readyz") == (503, "starting: loading example data\n")
            assert s.ask("GET", "/healthz") == (200, "ok\n")
            assert s.ask("GET", "/")[0] == 503
            status, answer = s.ask("GET", DOCS + "/c/a")
            assert status == 503 and '"starting: loading example data","status":"UNAVAILABLE"' in answer, answer
            assert run("healthcheck", "127.0.0.1:%d" % port).returncode == 1
            gate.write('{"path":"c/a","data":{}}\n')
        deadline = time.monotonic() + 60
        while s.ask("GET", "/readyz")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert s.ask("GET", "/readyz") == (200, "ready\n") and s.ask("GET", DOCS + "/c/a")[0] == 200
        assert s.stop() == 0
    assert s.out.rstrip().endswith("Dev App Server is now running."), s.out


# ---- serving ----

def test_ready_block_ends_in_googles_line():
    with Server("--data", ":memory:") as s:
        assert s.stop() == 0
    assert "API endpoint: http://127.0.0.1:%d" % s.port in s.out
    assert "   export FIRESTORE_EMULATOR_HOST=127.0.0.1:%d" % s.port in s.out
    assert s.out.rstrip().endswith("Dev App Server is now running.")


def test_sigint_stops_with_exit_0():
    with Server("--data", ":memory:") as s:
        assert s.stop(signal.SIGINT) == 0


def test_shutdown_over_http_and_its_lock():
    with Server("--data", ":memory:") as s:
        assert s.ask("POST", "/shutdown", b"")[0] == 200
        assert s.process.wait(10) == 0
    with Server("--data", ":memory:", "--lock-control") as s:
        for method, target in (("POST", "/shutdown"), ("POST", "/reset"), ("DELETE", "/emulator/v1/projects/p/databases/(default)/documents")):
            assert s.ask(method, target, b"" if method == "POST" else None)[0] == 403
        assert s.ask("PUT", "/emulator/v1/projects/p:securityRules", {"rules": {"files": [{"content": "x"}]}})[0] == 403
        assert s.stop() == 0


def test_port_in_use_is_exit_3_and_says_who():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        r = run("serve", "--data", ":memory:", "--host", "127.0.0.1", "--port", str(taken.getsockname()[1]))
    assert r.returncode == 3 and "address already in use" in r.stderr.lower(), r.stderr


def test_second_server_on_the_same_data_is_exit_4():
    with Server("--data", os.path.join(tempfile.mkdtemp(), "d")) as s:
        data = s.process.args[s.process.args.index("--data") + 1]
        r = run("serve", "--port", "0", "--data", data)
        assert r.returncode == 4 and data in r.stderr, r.stderr
        assert s.stop() == 0


def test_broken_rules_are_shown_with_a_caret_and_exit_2():
    with tempfile.NamedTemporaryFile("w", suffix=".rules") as f:
        f.write("rules_version = '2';\nservice cloud.firestore {\n  match /a/{b} { allow read if true; }\n}\n")
        f.flush()
        r = run("serve", "--port", "0", "--data", ":memory:", "--rules", f.name)
    assert r.returncode == 2 and "^" in r.stderr and ":3:" in r.stderr, r.stderr


def test_rules_are_watched_and_a_broken_edit_keeps_the_old_ones():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "r.rules")
    head = "rules_version = '2';\nservice cloud.firestore {\n  match /databases/{d}/documents/{x=**} {\n    allow read: if %s;\n  }\n}\n"

    def write(condition):
        with open(path + ".new", "w") as f:
            f.write(head % condition)
        os.replace(path + ".new", path)

    def until(status):
        deadline = time.monotonic() + 20
        while s.ask("GET", DOCS + "/c/d", auth=None)[0] != status:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    write("false")
    with Server("--data", ":memory:", "--rules", path) as s:
        until(403)
        write("true")
        until(404)
        write("nonsense (")
        time.sleep(1)
        until(404)
        write("false")
        until(403)
        assert s.stop() == 0
    assert "stay in force" in s.err


def test_data_stays_over_restart_and_fresh_moves_it_aside():
    folder = tempfile.mkdtemp()
    data = os.path.join(folder, "data")
    with Server("--data", data) as s:
        assert s.ask("PATCH", DOCS + "/c/d", text("kept"))[0] == 200
        assert s.stop() == 0
    assert oct(os.stat(os.path.join(data, "ledger.db")).st_mode & 0o777) == "0o600"
    with open(os.path.join(data, ".gitignore")) as f:
        assert f.read().strip() == "*"
    with Server("--data", data) as s:
        assert "kept" in s.ask("GET", DOCS + "/c/d")[1]
        assert s.stop() == 0
    assert "entries from earlier runs" in s.out
    with Server("--data", data, "--fresh") as s:
        assert s.ask("GET", DOCS + "/c/d")[0] == 404
        assert s.stop() == 0


def test_reset_of_append_only_data_needs_allow_reset():
    data = os.path.join(tempfile.mkdtemp(), "data")
    with Server("--data", data, "--append-only", "logs") as s:
        assert s.ask("PATCH", DOCS + "/logs/a", text("x"))[0] == 200
        status, body = s.ask("POST", "/reset", b"")
        assert status == 400 and "FAILED_PRECONDITION" in body, body
        assert s.ask("DELETE", "/emulator/v1/projects/p/databases/(default)/documents/logs")[0] == 400
        assert s.ask("GET", DOCS + "/logs/a")[0] == 200
        assert s.stop() == 0
    with Server("--data", data, "--append-only", "logs", "--allow-reset") as s:
        assert s.ask("POST", "/reset", b"")[0] == 200
        assert s.ask("GET", DOCS + "/logs/a")[0] == 404
        assert s.stop() == 0


def test_two_owners_on_two_ports():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        second = probe.getsockname()[1]
    with Server("--data", ":memory:", "--rules", "fixtures/rules/audit_log.rules", "--owner-as", "fixtures/principals/fastapi_service.json",
                "--owner-as", "%d=fixtures/principals/auditor.json" % second) as s:
        assert s.ask("GET", DOCS + "/api_audit_logs")[0] == 403
        s.port = second
        assert s.ask("GET", DOCS + "/api_audit_logs")[0] == 200
        assert s.stop() == 0


def test_foreign_web_pages_are_kept_out():
    with Server("--data", ":memory:") as s:
        assert s.ask("GET", DOCS + "/c/d", headers={"Origin": "https://evil.example"})[0] == 403
        assert s.ask("GET", DOCS + "/c/d", headers={"Origin": "http://localhost:5173"})[0] == 404
        assert s.ask("GET", DOCS + "/c/d", headers={"Host": "evil.example"})[0] == 403
        assert s.ask("POST", "/shutdown", b"", headers={"Origin": "https://evil.example"})[0] == 403
        assert s.stop() == 0
    with Server("--data", ":memory:", "--allow-origin", "https://app.example") as s:
        assert s.ask("GET", DOCS + "/c/d", headers={"Origin": "https://app.example"})[0] == 404
        assert s.stop() == 0


REFUSED_PROJECT = ("Multiple projectIds are not permitted in single project mode. Requested project ID other, but the emulator is configured for p. "
                   "To opt-out of single project mode add/set the '\"singleProjectMode\": false' property in the firebase.json emulators config.")


def test_single_project_mode_refuses_other_projects():
    """Every RPC and Google's endpoints, right after the name was understood, whoever asks."""
    other = DOCS.replace("/p/", "/other/")
    with Server("--data", ":memory:", "--project_id", "p", "--single_project_mode", "true", "--single_project_mode_error=true") as s:
        assert s.ask("PATCH", DOCS + "/c/d", text("x"))[0] == 200
        for method, target, body in (
                ("PATCH", other + "/c/d", text("x")), ("GET", other + "/c/d", None), ("GET", other + "/c?pageSize=-1", None),
                ("GET", other + "/c/d?mask.fieldPaths=a..b", None), ("POST", other + "/c", {}), ("DELETE", other + "/c/d", None),
                ("POST", other + ":commit", {"writes": [{}]}), ("POST", other + ":batchWrite", {"writes": []}), ("POST", other + ":batchGet", {}),
                ("POST", other + ":runQuery", {}), ("POST", other + "/c/d:runAggregationQuery", {}), ("POST", other + ":listCollectionIds", {"pageSize": -1}),
                ("POST", other + ":partitionQuery", {}), ("POST", other + ":beginTransaction", {}), ("POST", other + ":rollback", {}),
                ("PUT", "/emulator/v1/projects/other:securityRules", {"rules": {"files": [{"content": ""}]}}),
                ("GET", "/emulator/v1/projects/other:securityRules", None),
                ("DELETE", "/emulator/v1/projects/other/databases/(default)/documents", None)):
            for auth in ("Bearer owner", None):
                status, answer = s.ask(method, target, body, auth=auth)
                assert status == 400 and json.loads(answer)["error"]["message"] == REFUSED_PROJECT, (method, target, status, answer)
        assert "is reserved" in s.ask("GET", other + "/c/__x__")[1], "a bad name comes first"
        assert s.ask("GET", "/emulator/v1/projects/p:securityRules")[0] == 200
        assert s.stop() == 0


def test_single_project_mode_alone_warns_once():
    with Server("--data", ":memory:", "--project_id", "p", "--single_project_mode", "true") as s:
        for _ in range(2):
            assert s.ask("PATCH", DOCS.replace("/p/", "/other/") + "/c/d", text("x"))[0] == 200
        assert s.stop() == 0
    assert s.err.count("names project other, but this server is for p") == 1, s.err
    for flag in ("--single_project_mode", "--single_project_mode_error"):
        r = run("serve", "--data", ":memory:", flag)
        assert r.returncode == 2 and "--project_id" in r.stderr, r.stderr


def test_request_log_has_a_line_for_each_call():
    path = os.path.join(tempfile.mkdtemp(), "requests.ndjson")
    with Server("--data", ":memory:", "--request-log", path) as s:
        s.ask("PATCH", DOCS + "/c/d", text("x"), headers={"x-request-id": "abc\tdef"})
        s.ask("GET", DOCS + "/c/none", auth=None)
        assert s.stop() == 0
    with open(path) as f:
        first, second = [json.loads(line) for line in f]
    assert first["rpc"] == "UpdateDocument" and first["entries"] == [1, 1] and first["code"] == "OK" and first["principal"] == "owner"
    assert second["rpc"] == "GetDocument" and second["http_status"] == 404 and second["principal"] == "anonymous"
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"


def test_versioned_rules_keep_history_without_gaps():
    name = "projects/p/databases/(default)/documents/records/r1"

    def pointer(n):
        return {"update": {"name": name, "fields": {"latest": {"integerValue": n}}}}

    def version(n, **more):
        return {"update": {"name": "%s/versions/%d" % (name, n), "fields": {"author": {"stringValue": "ada"}, "body": {"stringValue": "v"}, **more}},
                "updateTransforms": [{"fieldPath": "at", "setToServerValue": "REQUEST_TIME"}], "currentDocument": {"exists": False}}

    with Server("--data", ":memory:", "--rules", "fixtures/rules/versioned.rules", "--owner-as", "fixtures/principals/fastapi_service.json") as s:
        def commit(*writes):
            return s.ask("POST", DOCS + ":commit", {"writes": list(writes)})[0]

        assert commit(version(1)) == 403, "a version without its pointer"
        assert commit(pointer(1)) == 403, "a pointer without its version"
        assert commit(version(2), pointer(2)) == 403, "the first version is 1"
        assert commit(version(1), pointer(1)) == 200
        assert commit(version(3), pointer(3)) == 403, "a gap"
        assert commit(pointer(2)) == 403, "the pointer alone"
        assert commit(version(2, extra={"nullValue": None}), pointer(2)) == 403, "a field too many"
        assert commit(version(2), pointer(2)) == 200
        assert commit({"update": {"name": name + "/versions/1", "fields": {"body": {"stringValue": "forged"}}}}) == 403
        assert commit({"delete": name + "/versions/1"}) == 403 and commit({"delete": name}) == 403
        assert s.ask("GET", DOCS + "/records/r1")[0] == 200
        assert s.stop() == 0


def test_a_long_request_id_field_is_cut_between_characters():
    data = os.path.join(tempfile.mkdtemp(), "data")
    with Server("--data", data) as s:
        status, body = s.ask("PATCH", DOCS + "/c/d", {"fields": {"request_id": {"stringValue": "x" * 127 + "\u00e9" * 10}}})
        assert status == 200, body
        assert s.stop() == 0
    entry = json.loads(run("log", data, "--format", "ndjson").stdout)
    assert entry["requestId"] == "x" * 127


# ---- exec ----

def test_exec_sets_the_environment_and_passes_the_exit_code_on():
    r = run("exec", "--", "sh", "-c", 'echo "$FIRESTORE_EMULATOR_HOST $GOOGLE_CLOUD_PROJECT $NO_GCE_CHECK $METADATA_SERVER_DETECTION"; exit 7')
    assert r.returncode == 7, r.stderr
    host, project, gce, metadata = r.stdout.split()
    assert host.startswith("127.0.0.1:") and (project, gce, metadata) == ("demo-cinderlog", "true", "none")


def test_exec_serves_before_the_command_runs():
    r = run("exec", "--", sys.executable, "-c",
            "import os, urllib.request; print(urllib.request.urlopen('http://' + os.environ['FIRESTORE_EMULATOR_HOST'] + '/').read())")
    assert r.returncode == 0 and "Ok" in r.stdout, r.stderr


def test_exec_without_a_command_and_with_a_missing_one():
    assert run("exec").returncode == 2
    assert run("exec", "--", "/nonexistent/command").returncode == 127
    assert run("exec", "--rules", "/nonexistent.rules", "--", "true").returncode == 2


def test_exec_says_that_the_rules_were_not_exercised():
    rules = "fixtures/rules/audit_log.rules"
    write = ("import os, urllib.request; urllib.request.urlopen(urllib.request.Request('http://' + os.environ['FIRESTORE_EMULATOR_HOST'] + "
             "'/v1/projects/p/databases/(default)/documents/c/d', method='PATCH', data=b'{}', headers={'Authorization': 'Bearer owner'}))")
    r = run("exec", "--rules", rules, "--fail-if-unexercised", "--", sys.executable, "-c", write, cwd=ROOT)
    assert r.returncode == 1 and "rules were NOT exercised" in r.stderr, r.stderr
    r = run("exec", "--rules", rules, "--", sys.executable, "-c", write, cwd=ROOT)
    assert r.returncode == 0 and "bare owner" in r.stderr, r.stderr


def test_summary_file_is_json():
    path = os.path.join(tempfile.mkdtemp(), "s.json")
    assert run("exec", "--summary", path, "--append-only", "logs", "--", "true").returncode == 0
    with open(path) as f:
        summary = json.load(f)
    assert summary["rulesExercised"] is False and summary["appendOnly"] == [{"pattern": "logs", "created": 0, "refused": 0}]


# ---- healthcheck, rules check, log, verify ----

def test_healthcheck():
    with Server("--data", ":memory:") as s:
        assert run("healthcheck", "127.0.0.1:%d" % s.port).returncode == 0
        assert run("healthcheck", env={"CINDERLOG_PORT": str(s.port)}).returncode == 0
        assert s.stop() == 0
    assert run("healthcheck", "127.0.0.1:%d" % s.port).returncode == 1


def test_rules_check_names_the_granting_line():
    r = run("rules", "check", "fixtures/rules/as_published.rules", cwd=ROOT)
    assert r.returncode == 1 and "line 10 grants update, delete" in r.stdout and "^" in r.stdout, r.stdout
    for clean in ("audit_log", "versioned"):
        r = run("rules", "check", "fixtures/rules/%s.rules" % clean, cwd=ROOT)
        assert r.returncode == 0 and "0 errors, 0 warnings" in r.stdout, r.stdout


def test_rules_builtins_prints_the_table():
    r = run("rules", "builtins")
    assert r.returncode == 0 and re.search(r"^string\.matches\(string\) +Whether a regular", r.stdout, re.M), r.stdout
    assert re.search(r"\nmath\.abs\(int\) ", r.stdout) and r.stdout.count("\n\n") > 8, r.stdout
    assert run("rules", "builtins", "x").returncode == 2


def filled(folder):
    data = os.path.join(folder, "data")
    with Server("--data", data, "--append-only", "logs") as s:
        for i in range(5):
            assert s.ask("POST", DOCS + "/logs?documentId=e%d" % i, text("v%d" % i), headers={"x-request-id": "r%d" % i})[0] == 200
        assert s.ask("PATCH", DOCS + "/logs/e1", text("changed"), headers={"x-request-id": "bad"})[0] == 403
        assert s.ask("DELETE", DOCS + "/logs/e1")[0] == 403
        checkpoint = json.loads(s.ask("GET", "/cinderlog/v1/checkpoint")[1])
        assert s.stop() == 0
    return data, checkpoint


def same_coverage(ours, theirs):
    """Whether a report node is that of Google's emulator: place, children, and no value that it does not know."""
    assert ours[:4] == theirs[:4], (ours[:4], theirs[:4])
    assert set(ours[4]) <= set(theirs[4]), (ours[:4], sorted(set(ours[4]) - set(theirs[4])))
    assert len(ours[5]) == len(theirs[5]), ours[:4]
    return len(ours[4]) + sum(same_coverage(a, b) for a, b in zip(ours[5], theirs[5]))


def test_the_coverage_report_is_googles():
    sys.path.insert(0, os.path.join(ROOT, "tests", "rules-engine"))
    import record_coverage
    with open(os.path.join(ROOT, "tests", "rules-engine", "coverage", "recorded.json")) as f:
        theirs = json.load(f)
    with Server("--data", ":memory:") as s:
        report = record_coverage.exercise(record_coverage.Emulator("127.0.0.1:%d" % s.port))
    ours = [record_coverage.plain(node) for node in report]
    assert len(ours) == len(theirs) == 21
    assert sum(same_coverage(a, b) for a, b in zip(ours, theirs)) > 150


COVERED_RULES = """rules_version = '2';
service cloud.firestore { match /databases/{d}/documents {
  match /a/{id} {
    allow get: if request.auth == null
      || request.auth.uid == id;
    allow create: if false; }
} }
"""


def test_rules_coverage_tells_what_was_exercised():
    with Server("--data", ":memory:") as s:
        address, target = "127.0.0.1:%d" % s.port, "/emulator/v1/projects/demo-c:ruleCoverage"
        body = {"rules": {"files": [{"name": "<x>.rules", "content": COVERED_RULES + "// </script>"}]}}
        assert s.ask("PUT", "/emulator/v1/projects/demo-c:securityRules", body)[0] == 200
        for _ in range(3):
            assert s.ask("GET", "/v1/projects/demo-c/databases/(default)/documents/a/x", auth=None)[0] == 404
        r = run("rules", "coverage", address, "--project", "demo-c")
        assert r.returncode == 0 and "L4 allow get in /databases/{d}/documents/a/{id}: tried 3, granted 3" in r.stdout, r
        assert "L4:19 always true: request.auth == null" in r.stdout and "2 allows: 1 tried, 1 granted" in r.stdout
        assert "L5:10 never evaluated: request.auth.uid == id" in r.stdout
        r = run("rules", "coverage", "--format", "lcov", "--project", "demo-c", env={"FIRESTORE_EMULATOR_HOST": address})
        lines = r.stdout.splitlines()
        assert lines[:2] == ["TN:", "SF:<x>.rules"] and lines[-1] == "end_of_record"
        assert {"DA:4,3", "DA:5,0", "DA:6,0", "LF:3", "LH:1", "BRDA:4,1,1,0", "BRDA:5,2,0,-"} <= set(lines), lines
        r = run("rules", "coverage", address, "--format", "json", "--project", "demo-c")
        root = json.loads(r.stdout)["report"][0]
        assert root["values"] == [{"value": {"boolValue": True}, "count": 3}]
        assert root["children"][1]["values"] == [{"value": {}, "count": 3}]  # short-circuited
        status, page = s.ask("GET", target + ".html")
        assert status == 200 and page.count("</script>") == 2 and "\\u003cx>.rules" in page
        assert s.ask("PUT", "/emulator/v1/projects/demo-c:securityRules", body)[0] == 200
        assert "values" not in json.loads(s.ask("GET", target)[1])["report"][0]  # new rules, new counters
        assert "report" not in json.loads(s.ask("GET", target.replace("demo-c", "demo-open"))[1])
    for args, word in ((["--format", "xml"], "text|lcov|json"), (["nowhere:x"], "HOST:PORT"), ([], "which server"),
                       (["127.0.0.1:1"], "127.0.0.1:1"), ([address, "--project", "a b"], "no project id")):
        r = run("rules", "coverage", *args)
        assert r.returncode == 2 and word in r.stderr, (args, r)


def test_log_of_a_file_and_of_a_server():
    folder = tempfile.mkdtemp()
    data, _ = filled(folder)
    r = run("log", data, "--format", "ndjson")
    entries = [json.loads(line) for line in r.stdout.splitlines()]
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1)), r.stderr
    assert entries[0]["fields"]["t"]["stringValue"] == "v0" and entries[0]["requestId"] == "r0"
    denied = run("log", data, "--denied").stdout
    assert "REFUSED update logs/e1" in denied and "REFUSED delete logs/e1" in denied, denied
    assert run("log", data, "--request", "r3").stdout.count("\n") == 1
    with Server("--data", data) as s:
        remote = run("log", "127.0.0.1:%d" % s.port, "--denied").stdout
        beside = run("log", data, "--denied").stdout
        assert remote == denied == beside
        assert s.stop() == 0


def test_verify_names_the_row_changed_with_sqlite():
    data, checkpoint = filled(tempfile.mkdtemp())
    r = run("verify", data)
    assert r.returncode == 0 and "intact" in r.stdout and checkpoint["head"] in r.stdout, r.stdout + r.stderr
    db = sqlite3.connect(os.path.join(data, "ledger.db"))
    try:
        db.execute("UPDATE entry SET principal = 'nobody' WHERE seq = 3")
        raise AssertionError("the guard let an UPDATE through")
    except sqlite3.DatabaseError:
        pass
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute("DROP TRIGGER " + name)
    db.execute("UPDATE entry SET principal = 'nobody' WHERE seq = 3")
    db.commit()
    db.close()
    r = run("verify", data)
    assert r.returncode == 1, r.stdout + r.stderr


def test_a_forged_ledger_is_only_found_by_a_kept_head():
    data, checkpoint = filled(tempfile.mkdtemp())
    ledger = os.path.join(data, "ledger.db")
    db = sqlite3.connect(ledger)
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute("DROP TRIGGER " + name)
    db.execute("UPDATE body SET bytes = ? WHERE seq = 2", (b"\x12\x0a\x0a\x01t\x12\x05\x8a\x01\x02no",))
    for _, sql in triggers:
        db.execute(sql)
    db.commit()
    db.close()
    r = run("verify", data)
    assert r.returncode == 1 and "2" in r.stdout, r.stdout
    subprocess.run([sys.executable, os.path.join(ROOT, "fixtures", "recompute_hashes.py"), ledger], check=True, stdout=subprocess.DEVNULL)
    r = run("verify", data)
    assert r.returncode == 0, r.stdout + r.stderr
    r = run("verify", data, "--since", checkpoint["head"])
    assert r.returncode == 1, r.stdout + r.stderr


def test_verify_of_nothing_is_exit_2():
    assert run("verify", os.path.join(tempfile.mkdtemp(), "none")).returncode == 2


def main(tests=None):
    wanted = sys.argv[2:]
    passed = failed = 0
    for name, fn in list((tests or globals()).items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        try:
            fn()
            passed += 1
        except Exception:
            failed += 1
            print("FAILED", name)
            traceback.print_exc(limit=-3, file=sys.stdout)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

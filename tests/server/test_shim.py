#!/usr/bin/env python3
"""Dropping in: java and gcloud as the Firebase CLI and Testcontainers call them, and what firebase.json says.

usage: test_shim.py BINARY [NAME ...]       last line: N passed, M failed
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

from test_cli import BINARY, CLEAN, DOCS, ROOT, Server, main, run

# What firebase-tools 15.34.2 runs, in its order.
FIREBASE_VERSION = ["java", "-Duser.language=en", "-Dfile.encoding=UTF-8", "-version"]
FIREBASE_START = ["java", "-Dgoogle.cloud_firestore.debug_log_level=FINE", "-Duser.language=en", "-jar",
                  "/home/dev/.cache/firebase/emulators/cloud-firestore-emulator-v1.22.0.jar", "--host", "127.0.0.1",
                  "--port", "0", "--websocket_port", "9150", "--database-edition", "standard", "--project_id", "demo-p",
                  "--single_project_mode", "true"]
GCLOUD_START = "gcloud beta emulators firestore start --host-port 127.0.0.1:0"
RULES = "rules_version = '2'; service cloud.firestore { match /databases/{d}/documents/{x=**} { allow write: if %s; } }"
CLOSED, OPEN = RULES % "false", RULES % "true"


class Folder:
    """A working directory with a bin/ that is first on the PATH."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="cinderlog-shim-test-")
        self.name = self.temporary.name
        self.bin = os.path.join(self.name, "bin")
        os.mkdir(self.bin)
        self.work = os.path.join(self.name, "work")
        os.mkdir(self.work)
        os.mkdir(os.path.join(self.name, "tmp"))
        self.env = dict(CLEAN, PATH=self.bin + ":/usr/bin:/bin", TMPDIR=os.path.join(self.name, "tmp"))
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def link(self, name):
        os.symlink(BINARY, os.path.join(self.bin, name))
        return self

    def script(self, folder, name, text):
        os.makedirs(os.path.join(self.name, folder), exist_ok=True)
        path = os.path.join(self.name, folder, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)
        return os.path.dirname(path)

    def write(self, name, content):
        with open(os.path.join(self.work, name), "w") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
        return self

    def run(self, *args, env=None, timeout=60):
        return subprocess.run(args, env=dict(self.env, **(env or {})), cwd=self.work, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


class Started(Server):
    """A server started by any command in a folder, on the port that it tells."""

    def __init__(self, folder, *args, env=None):
        port_file = os.path.join(folder.name, "port")
        self.start(args, port_file, folder.work, dict(folder.env, CINDERLOG_PORT_FILE=port_file, **(env or {})))

    def create(self):
        return self.ask("POST", DOCS.replace("/p/", "/demo-p/") + "/c", {}, auth=None)[0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- java ----

def test_java_has_a_version_that_the_firebase_cli_takes():
    with Folder() as f:
        for args in (FIREBASE_VERSION, [BINARY, "shim", *FIREBASE_VERSION]):
            r = f.link("java").run(*args) if args[0] == "java" else f.run(*args)
            # firebase-tools: JAVA_VERSION_REGEX, MIN_SUPPORTED_JAVA_MAJOR_VERSION
            found = re.search(r'version "([1-9][0-9]*)', r.stdout + r.stderr)
            assert r.returncode == 0 and found and int(found.group(1)) >= 21, r


def test_java_serves_where_the_firebase_cli_starts_the_emulator():
    with Folder() as f, Started(f.link("java"), *FIREBASE_START) as s:
        assert s.create() == 200
        assert s.ask("GET", DOCS + "/c/a", auth=None)[0] == 404, "single project mode warns"
        assert s.stop(signal.SIGINT) == 0
        assert s.out.rstrip().endswith("Dev App Server is now running.") and "in memory" in s.out
        assert os.listdir(f.work) == [], "nothing is left behind"


def test_java_takes_the_rules_it_is_given_and_no_others():
    with Folder() as f:
        f.link("java").write("firestore.rules", CLOSED).write("firebase.json", "{ broken")
        with Started(f, *FIREBASE_START) as s:
            assert s.create() == 200, "firebase-tools says so: no rules given, everything is allowed"
        with Started(f, *FIREBASE_START, "--rules", os.path.join(f.work, "firestore.rules")) as s:
            assert s.create() == 403


def test_java_passes_over_what_googles_emulator_would():
    calls = [
        ["java", "-Xmx2g", "-cp", "/opt/cloud-firestore-emulator.jar", "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
         "start", "--host=127.0.0.1", "--port=0", "--new_flag=1", "--other-new-flag", "value"],
        ["java", "-jar", "cloud-firestore-emulator-v1.22.0.jar", "--port", "0", "--new_flag", "--other-new-flag", "x"],
    ]
    with Folder() as f:
        f.link("java")
        for call in calls:
            with Started(f, *call) as s:
                assert s.create() == 200 and s.stop() == 0
            assert s.err.count("passed over") == 2 and "--new_flag is not known here" in s.err, s.err


def test_java_takes_options_of_cinderlog_from_the_environment():
    with Folder() as f:
        kept = os.path.join(f.name, "kept.db")
        env = {"CINDERLOG_DATA": kept, "CINDERLOG_APPEND_ONLY": "c"}
        with Started(f.link("java"), *FIREBASE_START, env=env) as s:
            assert s.create() == 200 and s.stop() == 0
        assert "Append-only: c" in s.out and run("verify", kept).returncode == 0
        r = f.run(*FIREBASE_START, env={"CINDERLOG_APPENDONLY": "c"})
        assert r.returncode == 2 and "CINDERLOG_APPEND_ONLY" in r.stderr


def test_java_refuses_imports_with_a_sentence():
    with Folder() as f:
        r = f.link("java").run(*FIREBASE_START, "--seed_from_export", "x.overall_export_metadata")
        assert r.returncode == 2 and "--seed_from_export" in r.stderr and "does not have yet" in r.stderr, r


def test_an_export_is_answered_unimplemented_as_json():
    with Folder() as f, Started(f.link("java"), *FIREBASE_START) as s:
        status, body = s.ask("POST", "/emulator/v1/projects/demo-p:export", b'{"database":"x","export_directory":"d","export_name":"n"}')
        assert status == 501 and json.loads(body)["error"]["status"] == "UNIMPLEMENTED", (status, body)


def test_other_programs_get_the_next_java():
    with Folder() as f:
        f.link("java")
        later = f.script("later", "java", 'echo "real $*"; exit 9')
        env = {"PATH": "%s::/nonexistent:%s" % (f.bin, later)}
        jar = ["-jar", "/x/firebase-database-emulator-v4.11.2.jar", "--port", "9000"]
        for call in (["java", *jar], [BINARY, "shim", "java", *jar]):
            r = f.run(*call, env=env)
            assert (r.returncode, r.stdout) == (9, "real %s\n" % " ".join(jar)), r


def test_without_another_java_other_programs_are_an_error():
    with Folder() as f:
        f.link("java")
        second = os.path.join(f.name, "second")
        os.mkdir(second)
        os.link(BINARY, os.path.join(second, "java")) if os.stat(BINARY).st_dev == os.stat(second).st_dev else \
            os.symlink(BINARY, os.path.join(second, "java"))
        r = f.run("java", "-jar", "/x/pubsub.jar", env={"PATH": f.bin + ":" + second})
        assert r.returncode == 2 and "/x/pubsub.jar needs a real java on the PATH" in r.stderr, r


# ---- gcloud ----

def test_gcloud_starts_as_testcontainers_has_it():
    with Folder() as f, Started(f.link("gcloud"), "/bin/sh", "-c", "exec " + GCLOUD_START) as s:
        assert s.create() == 200
        assert s.stop() == 0
    assert "Dev App Server is now running." in s.out.splitlines()
    assert "[firestore] Dev App Server is now running." in s.err.splitlines()


def test_gcloud_takes_its_flags_in_any_place():
    with Folder() as f:
        f.link("gcloud").write("closed.rules", CLOSED)
        with Started(f, "gcloud", "--quiet", "--project", "demo-p", "emulators", "firestore", "start", "--rules=closed.rules",
                     "--host-port=127.0.0.1:0", "--database-mode=firestore-native", "--verbosity=debug") as s:
            assert s.create() == 403


def test_gcloud_has_no_datastore_mode():
    with Folder() as f:
        r = f.link("gcloud").run("gcloud", "emulators", "firestore", "start", "--database-mode=datastore-mode")
        assert r.returncode == 2 and "firestore-native" in r.stderr, r


def test_anything_else_gets_the_next_gcloud():
    with Folder() as f:
        f.link("gcloud")
        later = f.script("later", "gcloud", 'echo "real $*"')
        assert f.run("gcloud", "auth", "list", env={"PATH": f.bin + ":" + later}).stdout == "real auth list\n"
        r = f.run("gcloud", "auth", "list", env={"PATH": f.bin})
        assert r.returncode == 2 and "gcloud emulators firestore start" in r.stderr, r


# ---- shim NAME -- CMD ----

def test_a_command_finds_java_first_and_the_file_that_it_would_run():
    with Folder() as f:
        f.script("bin", "java", "echo real")
        r = f.run(BINARY, "shim", "java", "--", "sh", "-c", 'java -version; command -v java; test -f "$FIRESTORE_EMULATOR_BINARY_PATH"')
        assert r.returncode == 0 and "cinderlog" in r.stderr and r.stdout.startswith(f.env["TMPDIR"]), r
        assert os.listdir(f.env["TMPDIR"]) == [], "it goes with the command"


def test_a_file_that_was_named_stays_named():
    with Folder() as f:
        r = f.run(BINARY, "shim", "java", "--", "sh", "-c", 'echo "$FIRESTORE_EMULATOR_BINARY_PATH"',
                  env={"FIRESTORE_EMULATOR_BINARY_PATH": "/mine.jar"})
        assert r.stdout == "/mine.jar\n", r


def test_the_commands_code_is_passed_on():
    with Folder() as f:
        assert f.run(BINARY, "shim", "gcloud", "--", "sh", "-c", "exit 7").returncode == 7
        assert f.run(BINARY, "shim", "java", "--", "sh", "-c", "kill -KILL $$").returncode == 137
        assert f.run(BINARY, "shim", "java", "--", "no-such-command").returncode == 127
        assert f.run(BINARY, "shim", "java", "--", "true", env={"TMPDIR": "/nonexistent"}).returncode == 125
        assert os.listdir(f.env["TMPDIR"]) == []


def test_a_termination_reaches_the_command():
    with Folder() as f:
        p = subprocess.Popen([BINARY, "shim", "java", "--", "sh", "-c", "trap 'exit 5' TERM; echo on; while :; do sleep 0.05; done"],
                             env=f.env, cwd=f.work, text=True, stdout=subprocess.PIPE)
        assert p.stdout.readline() == "on\n"
        p.send_signal(signal.SIGTERM)
        assert p.wait(60) == 5 and os.listdir(f.env["TMPDIR"]) == []
        p.stdout.close()


def test_shim_alone_says_how():
    for args in ([], ["java"], ["jav", "-version"], ["java", "--"]):
        r = run("shim", *args)
        assert r.returncode == 2 and "cinderlog shim java -- " in r.stderr, r


# ---- firebase.json ----

def firebase_json(port, **more):
    return {"firestore": {"rules": "closed.rules"}, "emulators": {"firestore": {"port": port, "host": "127.0.0.1", **more}}}


def test_serve_does_as_firebase_json_says_and_tells():
    with Folder() as f:
        port, feed = free_port(), free_port()
        f.write("closed.rules", CLOSED).write("firebase.json", firebase_json(port, websocketPort=feed))
        f.write(".firebaserc", {"projects": {"default": "demo-p"}})
        with Started(f, BINARY, "serve", "--data", ":memory:") as s:
            socket.create_connection(("127.0.0.1", feed), timeout=60).close()
            assert s.port == port and s.create() == 403 and s.stop() == 0
        assert s.err.startswith("firebase.json: host 127.0.0.1, port %d, rules closed.rules, project demo-p (.firebaserc)\n" % port), s.err
        assert "Rules: closed.rules (firebase.json), watched" in s.out


def test_flags_and_variables_win_over_firebase_json():
    with Folder() as f:
        f.write("closed.rules", CLOSED).write("open.rules", OPEN)
        f.write("firebase.json", firebase_json(1))
        for args, env in ([["--port", "0", "--rules", "open.rules", "--host", "localhost"], {}],
                          [[], {"CINDERLOG_PORT": "0", "CINDERLOG_RULES": "open.rules", "CINDERLOG_HOST": "localhost"}]):
            with Started(f, BINARY, "serve", "--data", ":memory:", *args, env=env) as s:
                assert s.port != 1 and s.create() == 200 and s.stop() == 0
            assert "firebase.json" not in s.out + s.err, (s.out, s.err)


def test_exec_takes_rules_and_project_and_keeps_its_own_port():
    with Folder() as f:
        port = free_port()
        f.write("closed.rules", CLOSED).write("firebase.json", firebase_json(port)).write(".firebaserc", {"projects": {"default": "demo-rc"}})
        script = 'echo "$FIRESTORE_EMULATOR_HOST $GCLOUD_PROJECT"'
        r = f.run(BINARY, "exec", "--", "sh", "-c", script)
        assert r.returncode == 0 and r.stdout.endswith(" demo-rc\n") and ":%d " % port not in r.stdout, r
        assert "firebase.json: rules closed.rules, project demo-rc (.firebaserc)\n" in r.stderr, r
        r = f.run(BINARY, "exec", "--", "sh", "-c", script, env={"GCLOUD_PROJECT": "demo-env"})
        assert r.stdout.endswith(" demo-env\n") and "demo-rc" not in r.stderr, r


def test_rules_of_other_databases_are_told():
    with Folder() as f:
        f.write("d.rules", CLOSED).write("firebase.json", {"firestore": [{"database": "a", "rules": "a.rules"}, {"database": "(default)", "rules": "d.rules"}]})
        r = f.run(BINARY, "exec", "--", "true")
        assert r.returncode == 0 and "other databases have rules of their own there; here d.rules judges all of them" in r.stderr, r


def test_a_broken_firebase_json_is_exit_2_with_its_line():
    for name, content, wanted in (("firebase.json", '{\n  "firestore": {"rules": "a" "b"}\n}', "firebase.json:2: "),
                                  ("firebase.json", '{"emulators": {"firestore":\n{"port": "80"}}}', "firebase.json:2: emulators.firestore.port must be"),
                                  (".firebaserc", "[]", ".firebaserc:1: must be one JSON object"),
                                  ("firebase.json", {"firestore": {"rules": "nowhere.rules"}}, "nowhere.rules: No such file")):
        with Folder() as f:
            r = f.write(name, content).run(BINARY, "serve", "--data", ":memory:", "--port", "0")
            assert r.returncode == 2 and wanted in r.stderr, r


if __name__ == "__main__":
    sys.exit(main(dict(globals())))

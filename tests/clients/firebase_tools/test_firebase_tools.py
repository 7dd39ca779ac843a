#!/usr/bin/env python3
"""The Firebase CLI, unmodified, with `cinderlog shim java` and no Java on the PATH.

usage: test_firebase_tools.py BINARY NODE_MODULES [NAME ...]       last line: N passed, M failed
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BINARY, MODULES = map(os.path.abspath, sys.argv[1:3])
del sys.argv[2]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "server"))
from test_cli import main  # noqa: E402

RULES = """rules_version = '2';
service cloud.firestore {
  match /databases/{database}/documents {
    match /notes/{id} { allow read, create: if true; }
  }
}
"""
# What the script under emulators:exec does: a note is created, anything else refused, an owner may all.
CURL = "curl -s -o /dev/null -w '%%{http_code} ' -H 'Content-Type: application/json' -d '{}' %s" \
       "\"http://$FIRESTORE_EMULATOR_HOST/v1/projects/demo-shim/databases/(default)/documents/%s\""
ASK = "; ".join([CURL % ("", "notes"), CURL % ("", "other"), CURL % ("-H 'Authorization: Bearer owner' ", "other"), "echo asked"])


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Project:
    """A folder of the Firebase CLI, and a PATH with nothing on it but what the tests name."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="cinderlog-firebase-")
        self.port, websocket, hub, logging = free_ports(4)
        self.write("firestore.rules", RULES)
        self.write("firebase.json", json.dumps({
            "firestore": {"rules": "firestore.rules"},
            "emulators": {"firestore": {"port": self.port, "websocketPort": websocket}, "hub": {"port": hub},
                          "logging": {"port": logging}, "ui": {"enabled": False}},
        }))
        path = os.path.join(self.folder, "bin")
        os.mkdir(path)
        for tool in ("node", "sh", "curl", "sleep", "cat"):
            os.symlink(shutil.which(tool), os.path.join(path, tool))
        self.env = {"PATH": path, "HOME": self.folder, "TMPDIR": self.folder, "CI": "true", "NO_UPDATE_NOTIFIER": "1"}
        assert shutil.which("java", path=path) is None
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(content)

    def log(self):
        with open(os.path.join(self.folder, "firestore-debug.log")) as f:
            return f.read()

    def command(self, *args):
        return [BINARY, "shim", "java", "--", "node", os.path.join(MODULES, "firebase-tools", "lib", "bin", "firebase.js"),
                *args, "--project", "demo-shim"]

    def run(self, *args):
        return subprocess.run(self.command(*args), env=self.env, cwd=self.folder, text=True, timeout=180,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_emulators_exec_runs_a_script_against_us_under_its_rules():
    with Project() as p:
        r = p.run("emulators:exec", ASK)
        assert r.returncode == 0 and "200 403 200 asked" in r.stdout, r.stdout
        assert "Dev App Server is now running." in p.log() and "in memory" in p.log(), p.log()


def test_the_scripts_code_is_that_of_emulators_exec():
    with Project() as p:
        r = p.run("emulators:exec", "exit 7")
        assert r.returncode == 7, r.stdout


def test_an_export_that_is_not_there_is_told():
    with Project() as p:
        r = p.run("emulators:exec", "--export-on-exit=out", "true")
        assert "Export failed" in r.stdout and "cinderlog does not export yet" in r.stdout, r.stdout


def test_an_import_that_is_not_there_is_told():
    with Project() as p:
        os.mkdir(os.path.join(p.folder, "in"))
        p.write("in/firebase-export-metadata.json", json.dumps({"version": "15", "firestore": {
            "version": "1", "path": "f", "metadata_file": "f/f.overall_export_metadata"}}))
        r = p.run("emulators:exec", "--import=in", "true")
        # Why is in firestore-debug.log, unless the CLI is gone before it is written.
        assert r.returncode == 1 and "has exited with code: 2" in r.stdout, r.stdout


def test_emulators_start_takes_edited_rules_and_an_interrupt():
    with Project() as p:
        out = os.path.join(p.folder, "out")
        with open(out, "w") as f:
            process = subprocess.Popen(p.command("emulators:start"), env=p.env, cwd=p.folder, stdin=subprocess.DEVNULL,
                                       stdout=f, stderr=subprocess.STDOUT, start_new_session=True)

        def wait_for(text):
            end = time.monotonic() + 120
            while True:
                with open(out) as f:
                    said = f.read()
                if text in said:
                    return
                assert process.poll() is None and time.monotonic() < end, said
                time.sleep(0.05)

        try:
            wait_for("All emulators ready!")
            p.write("firestore.rules", RULES.replace("notes", "other"))
            wait_for("Rules updated.")
            asked = subprocess.run(["sh", "-c", ASK], env=dict(p.env, FIRESTORE_EMULATOR_HOST="127.0.0.1:%d" % p.port),
                                   text=True, stdout=subprocess.PIPE, timeout=60).stdout
            assert asked == "403 200 200 asked\n", asked
            os.killpg(process.pid, signal.SIGINT)  # Ctrl-C: to the whole group
            process.wait(60)
            with socket.socket() as s:
                assert s.connect_ex(("127.0.0.1", p.port)) != 0, "it is gone"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(dict(globals())))

"""Servers with flags of their own, and clients of the official library for each."""
import os
import subprocess
import time
import uuid

import pytest
from google.cloud import firestore

from either import Requests

BINARY = os.environ["EMULATOR_BINARY"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


class Server:
    def __init__(self, folder, args):
        self.folder, self.args = folder, list(args)
        self.process = self.host = None

    def start(self):
        port_file = os.path.join(str(self.folder), "port-%s" % uuid.uuid4().hex)
        env = {k: v for k, v in os.environ.items() if not k.startswith("CINDERLOG_")}
        args = self.args if "--data" in self.args else [*self.args, "--data", ":memory:"]
        self.process = subprocess.Popen([BINARY, "serve", "--port", "0", "--port-file", port_file, *args], cwd=ROOT, env=env,
                                        stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not os.path.exists(port_file):
            assert self.process.poll() is None, "cinderlog ended with %s" % self.process.returncode
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with open(port_file) as f:
            self.host = "127.0.0.1:" + f.read().strip()
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(20) == 0
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait(20)
        self.process = None


@pytest.fixture
def serve(tmp_path):
    """serve("--append-only", "logs") -> a running Server; all are stopped at the end."""
    servers = []

    def start(*args):
        server = Server(tmp_path, args).start()
        servers.append(server)
        return server

    yield start
    for s in servers:
        s.stop()


@pytest.fixture
def connect(monkeypatch):
    """connect(host) -> (firestore client, AsyncClient class bound to it)."""
    clients = []
    project = "test-" + uuid.uuid4().hex[:10]

    def make(host=None, cls=firestore.Client, database=None):
        if host:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        client = cls(project=project, database=database)
        clients.append(client)
        return client

    yield make
    for c in clients:
        c.close()


@pytest.fixture(params=[firestore.Client, firestore.AsyncClient], ids=["blocking", "asyncio"])
def db(request):
    """Each official client in turn, on a project of its own."""
    return request.param(project="test-" + uuid.uuid4().hex[:10])


@pytest.fixture
def requests():
    """What the server is asked meanwhile (needs exec --request-log FILE and REQUEST_LOG=FILE)."""
    return Requests(os.environ["REQUEST_LOG"])

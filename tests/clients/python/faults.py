"""Faults set at the shared server over HTTP, each for a collection of its own, and what the ledger says afterwards."""
import json
import os
import urllib.request


def control(method, path, body=None):
    """An answer of /cinderlog/v1: JSON, or its lines."""
    url = "http://%s/cinderlog/v1/%s" % (os.environ["FIRESTORE_EMULATOR_HOST"], path)
    request = urllib.request.Request(url, method=method, data=body.encode() if body else None)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [json.loads(line) for line in answer]


class Fault:
    """One fault, for the time of a with block: Fault("UNAVAILABLE count=1", "logs")."""

    def __init__(self, what, collection):
        self.text = "%s path=%s" % (what, collection)

    def __enter__(self):
        self.id = control("POST", "faults", self.text)[0]["id"]
        return self

    def __exit__(self, *unused):
        control("DELETE", "faults/%d" % self.id)

    def counted(self):
        """How many calls were about the collection, and how many of them it happened to."""
        mine = [f for f in control("GET", "faults")[0]["faults"] if f["id"] == self.id]
        return mine[0]["matched"], mine[0]["injected"]


def entries(path):
    """What the ledger holds of a document: its operations, in order."""
    found, after = [], 0
    while True:
        *lines, end = control("GET", "entries?after=%d&path=%s" % (after, path))
        found += [line["operation"] for line in lines]
        if end["next"] == after:
            return found
        after = end["next"]

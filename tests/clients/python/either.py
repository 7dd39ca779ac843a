"""One suite for both official clients: what the blocking one returns and the asyncio one awaits, read the same way."""
import contextlib
import inspect
import json
import os
import time
import urllib.error
import urllib.request
import uuid

from google.cloud import firestore


async def done(result):
    """The result of a call: at once from the blocking client, awaited from the other."""
    return await result if inspect.isawaitable(result) else result


async def each(results):
    """All that a stream, an iterator or a list gives."""
    results = await done(results)
    if hasattr(results, "__aiter__"):
        return [r async for r in results]
    return list(results)


async def ids(results):
    return [r.id for r in await each(results)]


async def fill(collection, documents):
    """Writes {id: data} in one batch."""
    batch = collection._client.batch()
    for name, data in documents.items():
        batch.set(collection.document(name), data)
    await done(batch.commit())


async def transact(db, body, **options):
    """Runs `async def body(transaction)` in a transaction, with the client's own retries."""
    if isinstance(db, firestore.AsyncClient):
        return await firestore.async_transactional(body)(db.transaction(**options))

    def blocking(transaction):  # the awaits in body never suspend here: one step runs it to its end
        try:
            body(transaction).send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("the blocking client suspended")

    return firestore.transactional(blocking)(db.transaction(**options))


class Requests:
    """The server's request log, read as calls come in: what a client really sent."""

    def __init__(self, path):
        self.path = path
        self.seen = os.path.getsize(path)

    def calls(self, rpc):
        """The calls of this RPC since the last look. Lines of reads come a moment after their answers: a read of our
        own is asked for, and once its line is there, so are those before it."""
        marker = uuid.uuid4().hex
        url = "http://%s/v1/projects/marker/databases/(default)/documents/marker/none" % os.environ["FIRESTORE_EMULATOR_HOST"]
        headers = {"x-request-id": marker, "authorization": "Bearer owner"}
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30).close()
        calls = []
        with open(self.path, encoding="utf-8") as f:
            f.seek(self.seen)
            while marker not in [c["request_id"] for c in calls]:
                line = f.readline()
                if line:
                    calls.append(json.loads(line))
                else:
                    time.sleep(0.002)
            self.seen = f.tell()
        return [c for c in calls if c["rpc"] == rpc and c["request_id"] != marker]

    def new(self, rpc):
        """The codes answered to them."""
        return [c["code"] for c in self.calls(rpc)]

    def connections(self, rpc):
        """The connections that they came over."""
        return [c["connection"] for c in self.calls(rpc)]

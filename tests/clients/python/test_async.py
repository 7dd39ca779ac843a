"""The official asyncio client against the same."""
import asyncio

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore import FieldFilter

pytestmark = pytest.mark.asyncio


@pytest.fixture
def make(monkeypatch):
    import uuid
    project = "test-" + uuid.uuid4().hex[:10]

    def client(host=None):
        if host:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        return firestore.AsyncClient(project=project)

    return client


async def test_add_get_stream(make):
    db = make()
    _, ref = await db.collection("logs").add({"request_id": "r1", "n": 1})
    assert (await ref.get()).to_dict() == {"request_id": "r1", "n": 1}
    query = db.collection("logs").where(filter=FieldFilter("request_id", "==", "r1"))
    assert [s.id async for s in query.stream()] == [ref.id]


async def test_fifty_adds_at_once(make):
    db = make()
    await asyncio.gather(*(db.collection("logs").add({"i": i}) for i in range(50)))
    assert sorted([s.get("i") async for s in db.collection("logs").stream()]) == list(range(50))


async def test_hundreds_of_updates_of_one_document_at_once(make):
    ref = make().document("c/counter")
    await ref.set({"n": 0})
    change = {"n": firestore.Increment(1), "at": firestore.SERVER_TIMESTAMP}
    await asyncio.gather(*(ref.update(change) for _ in range(300)))
    assert (await ref.get()).get("n") == 300


async def test_transaction(make):
    db = make()
    ref = db.collection("bank").document("a")
    await ref.set({"n": 1})

    @firestore.async_transactional
    async def double(transaction):
        snapshot = await ref.get(transaction=transaction)
        transaction.update(ref, {"n": snapshot.get("n") * 2})

    await double(db.transaction())
    assert (await ref.get()).get("n") == 2


async def test_append_only_refuses_changes(serve, make):
    db = make(serve("--append-only", "logs").host)
    _, ref = await db.collection("logs").add({"a": 1})
    with pytest.raises(exceptions.PermissionDenied):
        await ref.set({"a": 2})
    with pytest.raises(exceptions.PermissionDenied):
        await ref.update({"a": 2})
    with pytest.raises(exceptions.PermissionDenied):
        await ref.delete()
    assert (await ref.get()).to_dict() == {"a": 1}


async def test_deadline_is_surfaced(make):
    db = make()
    ref = db.collection("c").document("d")
    await ref.set({"a": 1})
    reader = db.transaction()
    await reader._begin()
    await ref.get(transaction=reader)
    with pytest.raises(exceptions.DeadlineExceeded):
        await ref.set({"a": 2}, timeout=0.2, retry=None)  # waits for the reader, up to two seconds
    await reader._rollback()

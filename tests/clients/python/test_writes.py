"""Writes by the official clients, blocking and asyncio: merges, transforms, preconditions, batches, bulk writers,
recursive deletes, transactions. Each step looks at what came back and at what is then read."""
import datetime

import pytest
from google.api_core import exceptions
from google.cloud import firestore

from either import done, each, fill, ids, transact

pytestmark = pytest.mark.asyncio


async def read(ref):
    return (await done(ref.get())).to_dict()


async def test_set_merge_keeps_the_other_fields(db):
    ref = db.document("c/d")
    await done(ref.set({"a": {"b": 1, "c": [1]}, "n": 1}))
    await done(ref.set({"a": {"c": [2]}, "new": "x"}, merge=True))
    assert await read(ref) == {"a": {"b": 1, "c": [2]}, "n": 1, "new": "x"}


async def test_set_merge_of_named_fields_writes_only_those(db):
    ref = db.document("c/d")
    await done(ref.set({"a": {"b": 1, "c": 1}, "n": 1}))
    await done(ref.set({"a": {"b": 2, "c": 2}}, merge=["a.b"]))
    assert await read(ref) == {"a": {"b": 2, "c": 1}, "n": 1}


async def test_set_merge_creates_what_is_missing(db):
    ref = db.document("c/new")
    await done(ref.set({"a": {"b": 1}}, merge=True))
    assert await read(ref) == {"a": {"b": 1}}


async def test_set_without_merge_replaces(db):
    ref = db.document("c/d")
    await done(ref.set({"a": 1, "b": 1}))
    await done(ref.set({"b": 2}))
    assert await read(ref) == {"b": 2}


async def test_set_merge_with_a_server_timestamp_inside(db):
    ref = db.document("c/d")
    await done(ref.set({"a": {"x": 1}}))
    result = await done(ref.set({"a": {"at": firestore.SERVER_TIMESTAMP}}, merge=True))
    data = await read(ref)
    assert data["a"]["x"] == 1
    assert data["a"]["at"] == result.transform_results[0].timestamp_value
    assert abs(data["a"]["at"] - result.update_time) < datetime.timedelta(seconds=1)


async def test_update_of_nested_and_quoted_paths(db):
    ref = db.document("c/d")
    await done(ref.set({"a": {"b": 1, "c": 1}, "odd.name": 1}))
    await done(ref.update({"a.b": 2, "`odd.name`": 2, "new.deep.er": True, "a.c": firestore.DELETE_FIELD}))
    assert await read(ref) == {"a": {"b": 2}, "odd.name": 2, "new": {"deep": {"er": True}}}


async def test_transforms_return_their_results(db):
    ref = db.document("c/d")
    await done(ref.set({"i": 40, "f": 0.5, "max": 3, "min": 3, "tags": ["a", "b"], "less": [1, 2, 1]}))
    result = await done(ref.update({
        "i": firestore.Increment(2), "f": firestore.Increment(1), "fresh": firestore.Increment(5),
        "max": firestore.Maximum(7.5), "min": firestore.Minimum(-1),
        "tags": firestore.ArrayUnion(["b", "c"]), "less": firestore.ArrayRemove([1])}))
    assert await read(ref) == {"i": 42, "f": 1.5, "max": 7.5, "min": -1, "tags": ["a", "b", "c"], "less": [2],
                               "fresh": 5}
    numbers = [r.integer_value or r.double_value for r in result.transform_results if "null_value" not in r]
    assert sorted(numbers) == [-1, 1.5, 5, 7.5, 42]
    assert len(result.transform_results) == 7


async def test_preconditions_on_the_update_time(db):
    ref = db.document("c/d")
    first = await done(ref.set({"n": 1}))
    second = await done(ref.update({"n": 2}, option=db.write_option(last_update_time=first.update_time)))
    assert second.update_time > first.update_time
    with pytest.raises(exceptions.FailedPrecondition):
        await done(ref.update({"n": 3}, option=db.write_option(last_update_time=first.update_time)))
    with pytest.raises(exceptions.FailedPrecondition):
        await done(ref.delete(option=db.write_option(last_update_time=first.update_time)))
    assert await read(ref) == {"n": 2}


async def test_delete_that_must_exist(db):
    ref = db.document("c/d")
    await done(ref.delete())  # what is not there may be deleted
    with pytest.raises(exceptions.NotFound):
        await done(ref.delete(option=db.write_option(exists=True)))
    await done(ref.create({"n": 1}))
    await done(ref.delete(option=db.write_option(exists=True)))
    assert not (await done(ref.get())).exists


async def test_batch_gives_one_result_a_write_at_one_time(db):
    c = db.collection("c")
    await done(c.document("gone").set({"n": 0}))
    batch = db.batch()
    batch.create(c.document("a"), {"n": 1})
    batch.set(c.document("b"), {"n": 2})
    batch.set(c.document("b"), {"m": 3}, merge=True)
    batch.update(c.document("a"), {"n": firestore.Increment(9)})
    batch.delete(c.document("gone"))
    results = await done(batch.commit())
    assert len(results) == 5 and batch.commit_time == results[1].update_time
    assert results[3].transform_results[0].integer_value == 10
    snapshots = await each(c.stream())
    assert {s.id: s.to_dict() for s in snapshots} == {"a": {"n": 10}, "b": {"n": 2, "m": 3}}
    assert all(s.update_time == batch.commit_time for s in snapshots)


async def test_a_batch_is_written_whole_or_not_at_all(db):
    c = db.collection("c")
    await fill(c, {"taken": {"n": 0}})
    batch = db.batch()
    batch.set(c.document("new"), {"n": 1})
    batch.update(c.document("taken"), {"n": 1})
    batch.update(c.document("missing"), {"n": 1})
    with pytest.raises(exceptions.NotFound):
        await done(batch.commit())
    assert {s.id: s.to_dict() for s in await each(c.stream())} == {"taken": {"n": 0}}


async def test_batch_of_five_hundred(db):
    await fill(db.collection("c"), {"%03d" % i: {"i": i} for i in range(500)})
    assert [s.get("i") for s in await each(db.collection("c").stream())] == list(range(500))


async def test_bulk_writer_writes_and_tells_of_each(db):
    c = db.collection("bulk")
    await fill(c, {"taken": {"n": 0}, "merged": {"a": 1}, "gone": {"n": 0}})
    writer, written, refused = db.bulk_writer(), [], []
    writer.on_write_result(lambda ref, result, bulk: written.append((ref.id, result.update_time)))
    writer.on_write_error(lambda error, bulk: refused.append((error.operation.reference.id, error.code)) or False)
    for i in range(45):  # more than two batches of 20
        writer.create(c.document("n%02d" % i), {"i": i})
    writer.create(c.document("taken"), {"n": 1})
    writer.set(c.document("merged"), {"b": 2}, merge=True)
    writer.update(c.document("missing"), {"n": 1})
    writer.delete(c.document("gone"))
    writer.close()
    assert sorted(refused) == [("missing", 5), ("taken", 6)]
    assert len(written) == 47 and all(time for name, time in written if name != "gone")
    back = {s.id: s.to_dict() for s in await each(c.stream())}
    assert back == {**{"n%02d" % i: {"i": i} for i in range(45)}, "taken": {"n": 0}, "merged": {"a": 1, "b": 2}}


async def test_recursive_delete_of_a_document_spares_its_neighbours(db):
    for path in ("c/a", "c/a/s/1", "c/a/s/1/t/2", "c/a/s/phantom/t/3", "c/ab", "c/ab/s/1", "d/a"):
        await done(db.document(path).set({"n": 1}))
    assert await done(db.recursive_delete(db.document("c/a"))) == 4
    assert await ids(db.collection("c").stream()) == ["ab"]
    assert [s.reference.path for s in await each(db.collection_group("s").stream())] == ["c/ab/s/1"]
    assert await ids(db.collection_group("t").stream()) == []
    assert await ids(db.collection("d").stream()) == ["a"]


async def test_recursive_delete_of_a_collection_in_chunks(db):
    for i in range(12):
        await fill(db.collection("c"), {"%d" % i: {}})
        await fill(db.collection("c/%d/s" % i), {"x": {}, "y": {}})
    await fill(db.collection("cc"), {"0": {}})
    assert await done(db.recursive_delete(db.collection("c"), chunk_size=7)) == 36
    assert await ids(db.collection("c").stream()) == []
    assert [c.id for c in await each(db.collections())] == ["cc"]


async def test_transaction_reads_documents_and_queries(db):
    c = db.collection("bank")
    await fill(c, {"a": {"n": 5}, "b": {"n": 7}})

    async def total(transaction):
        got = await each(db.get_all([c.document("a"), c.document("b")], transaction=transaction))
        found = await each(c.where(filter=firestore.FieldFilter("n", ">", 5)).stream(transaction=transaction))
        counted = await each(c.count(alias="all").get(transaction=transaction))
        transaction.set(c.document("sum"), {"n": sum(s.get("n") for s in got), "above": len(found),
                                            "all": counted[0][0].value})
        return [s.id for s in found]

    assert await transact(db, total) == ["b"]
    assert await read(c.document("sum")) == {"n": 12, "above": 1, "all": 2}


async def test_a_transaction_that_fails_writes_nothing_and_lets_go(db):
    ref = db.document("c/d")
    await done(ref.set({"n": 1}))

    async def fail(transaction):
        await done(ref.get(transaction=transaction))
        transaction.set(ref, {"n": 2})
        raise KeyError("changed my mind")

    with pytest.raises(KeyError):
        await transact(db, fail)
    await done(ref.set({"n": 3}))  # waits for nobody
    assert await read(ref) == {"n": 3}


async def test_a_read_only_transaction_sees_one_moment(db):
    ref = db.document("c/d")
    await done(ref.set({"n": 1}))

    async def look(transaction):
        before = (await done(ref.get(transaction=transaction))).get("n")
        await done(ref.set({"n": 2}))
        return before, (await done(ref.get(transaction=transaction))).get("n")

    assert await transact(db, look, read_only=True) == (1, 1)
    assert await read(ref) == {"n": 2}


async def test_a_refused_write_inside_a_transaction_is_told(db):
    taken = db.document("c/taken")
    await done(taken.set({"n": 1}))

    async def clash(transaction):
        transaction.set(db.document("c/other"), {"n": 1})
        transaction.create(taken, {"n": 2})

    with pytest.raises(exceptions.AlreadyExists):
        await transact(db, clash)
    assert await ids(db.collection("c").stream()) == ["taken"]

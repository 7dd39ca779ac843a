"""Errors reach the caller as the exception of their code, at once: the request log shows that nothing was sent
twice."""
import datetime

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore import FieldFilter
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.vector import Vector

from either import Requests, done, each, fill

pytestmark = pytest.mark.asyncio

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


def stale(db):
    return db.write_option(last_update_time=LONG_AGO)


WRITES = {
    "create of what exists": (lambda db: db.document("c/d").create({}), exceptions.AlreadyExists, "ALREADY_EXISTS"),
    "update of what is missing": (lambda db: db.document("c/no").update({"a": 1}), exceptions.NotFound, "NOT_FOUND"),
    "stale update": (lambda db: db.document("c/d").update({"a": 1}, option=stale(db)), exceptions.FailedPrecondition,
                     "FAILED_PRECONDITION"),
    "stale delete": (lambda db: db.document("c/d").delete(option=stale(db)), exceptions.FailedPrecondition,
                     "FAILED_PRECONDITION"),
    "reserved id": (lambda db: db.document("c/__d__").set({}), exceptions.InvalidArgument, "INVALID_ARGUMENT"),
    "reserved field": (lambda db: db.document("c/d").set({"__f__": 1}), exceptions.InvalidArgument, "INVALID_ARGUMENT"),
    "list in a list": (lambda db: db.document("c/d").set({"a": [[1]]}), exceptions.InvalidArgument, "INVALID_ARGUMENT"),
    "document over 1 MiB": (lambda db: db.document("c/d").set({"a": "x" * (1 << 20)}), exceptions.InvalidArgument,
                            "INVALID_ARGUMENT"),
}


@pytest.mark.parametrize("what", WRITES)
async def test_a_refused_write_is_sent_once(db, requests, what):
    await done(db.document("c/d").set({"kept": True}))
    assert requests.new("Commit") == ["OK"]
    call, error, code = WRITES[what]
    with pytest.raises(error):
        await done(call(db))
    assert requests.new("Commit") == [code]
    assert (await done(db.document("c/d").get())).to_dict() == {"kept": True}


def too_many(db):
    query = db.collection("c").count(alias="a0")
    for i in range(1, 6):
        query = query.count(alias="a%d" % i)
    return query.get()


def far_off(db):
    return db.collection("c").find_nearest("v", Vector([1.0]), distance_measure=DistanceMeasure.EUCLIDEAN,
                                           limit=1001).get()


READS = {
    "two kinds of negation": ("RunQuery", lambda db: db.collection("c").where(filter=FieldFilter("a", "!=", 1)).where(
        filter=FieldFilter("a", "not-in", [2])).get()),
    "equality list too long": ("RunQuery", lambda db: db.collection("c").where(
        filter=FieldFilter("a", "in", list(range(31)))).get()),
    "nearest of too many": ("RunQuery", far_off),
    "six aggregates": ("RunAggregationQuery", too_many),
    "read in an unknown transaction": ("BatchGetDocuments", lambda db: db.document("c/d").get(transaction=unknown(db))),
}


def unknown(db):
    transaction = db.transaction()
    transaction._id = b"no such transaction"
    return transaction


@pytest.mark.parametrize("what", READS)
async def test_a_refused_read_is_sent_once(db, requests, what):
    rpc, call = READS[what]
    with pytest.raises(exceptions.InvalidArgument):
        await each(call(db))
    assert requests.new(rpc) == ["INVALID_ARGUMENT"]


async def test_a_pipeline_is_unimplemented_and_says_so(db, requests):
    with pytest.raises(exceptions.MethodNotImplemented):
        await done(db.pipeline().collection("c").execute())
    assert requests.new("ExecutePipeline") == ["UNIMPLEMENTED"]


async def test_denied_is_denied_once(serve, monkeypatch, tmp_path):
    log = tmp_path / "requests.ndjson"
    server = serve("--append-only", "logs", "--request-log", str(log))
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    for cls in (firestore.Client, firestore.AsyncClient):
        db = cls(project="denied")
        await fill(db.collection("logs"), {cls.__name__: {"n": 1}})
        requests = Requests(str(log))
        with pytest.raises(exceptions.PermissionDenied):
            await done(db.document("logs/" + cls.__name__).update({"n": 2}))
        assert requests.new("Commit") == ["PERMISSION_DENIED"]

"""What an application sees of each fault through the official clients: how often they ask, what they raise, and what
the ledger has. tests/clients/faults.md is the same for people."""
import uuid

import pytest
from google.api_core import exceptions as e
from google.api_core.retry import AsyncRetry, Retry, if_exception_type
from google.cloud import firestore

from either import done, fill, ids, transact
from faults import Fault, control, entries

pytestmark = pytest.mark.asyncio

# fault: (attempts, what is raised or None) of a create, a get and a query; entries of the create
BEHAVIOUR = {
    "RESOURCE_EXHAUSTED": ((2, None), (1, e.ResourceExhausted), (1, e.ResourceExhausted), 1),
    "UNAVAILABLE": ((2, None), (2, None), (2, None), 1),
    "DEADLINE_EXCEEDED": ((1, e.DeadlineExceeded), (2, None), (2, None), 0),
    "ABORTED": ((1, e.Aborted), (1, e.Aborted), (1, e.Aborted), 0),
    "PERMISSION_DENIED": ((1, e.PermissionDenied),) * 3 + (0,),
    "UNAUTHENTICATED": ((1, e.Unauthenticated),) * 3 + (0,),
    "INTERNAL": ((1, e.InternalServerError), (2, None), (2, None), 0),
    "UNKNOWN": ((1, e.Unknown),) * 3 + (0,),
    "CANCELLED": ((1, e.Cancelled),) * 3 + (0,),
    "INVALID_ARGUMENT": ((1, e.InvalidArgument),) * 3 + (0,),
    "NOT_FOUND": ((1, e.NotFound),) * 3 + (0,),
    "ALREADY_EXISTS": ((1, e.AlreadyExists),) * 3 + (0,),
    "FAILED_PRECONDITION": ((1, e.FailedPrecondition),) * 3 + (0,),
    "OUT_OF_RANGE": ((1, e.OutOfRange),) * 3 + (0,),
    "UNIMPLEMENTED": ((1, e.MethodNotImplemented),) * 3 + (0,),
    "DATA_LOSS": ((1, e.DataLoss),) * 3 + (0,),
    "delay latency=50ms": ((1, None), (1, None), (1, None), 1),
    "reset": ((2, None), (2, None), (2, None), 1),
    "stall": ((1, e.DeadlineExceeded), (2, None), (2, None), 0),
    # The write is there, its answer is not: the second attempt meets what the first one wrote.
    "lost-answer": ((2, e.AlreadyExists), (2, None), (2, None), 1),
    "UNAVAILABLE when=after": ((2, e.AlreadyExists), (2, None), (2, None), 1),
    "DEADLINE_EXCEEDED when=after": ((1, e.DeadlineExceeded), (2, None), (2, None), 1),
    "truncate messages=0": ((1, e.InternalServerError), (2, None), (2, None), 1),
    "goaway": ((1, None), (1, None), (1, None), 1),
}
# What a read that is asked twice was told first. The asyncio client asks again only when the error comes in the same
# moment as the headers of the answer, which is a matter of packets: both are right.
FIRST = {"UNAVAILABLE": e.ServiceUnavailable, "DEADLINE_EXCEEDED": e.DeadlineExceeded, "INTERNAL": e.InternalServerError,
         "reset": e.ServiceUnavailable, "stall": e.DeadlineExceeded, "lost-answer": e.ServiceUnavailable,
         "truncate": e.InternalServerError}


def waiting(fault):
    """Who is never answered waits for a deadline: a short one."""
    return {"timeout": 0.3} if fault == "stall" else {}


def collection():
    return "c" + uuid.uuid4().hex[:10]


def expected(db, fault, call):
    """What may be seen: attempts and what is raised."""
    usual = BEHAVIOUR[fault][call]
    if isinstance(db, firestore.AsyncClient) and call and usual == (2, None):
        return [usual, (1, FIRST[fault.split()[0]])]
    return [usual]


async def outcome(call):
    try:
        return None, await done(call())
    except Exception as error:  # the class is what the test asks for
        return type(error), None


@pytest.mark.parametrize("fault", BEHAVIOUR)
async def test_a_create_under(db, fault):
    name = collection()
    with Fault(fault + " count=1", name) as f:
        raised, _ = await outcome(lambda: db.document(name + "/d").create({"a": 1}, **waiting(fault)))
        attempts, injected = f.counted()
    assert (attempts, raised) in expected(db, fault, 0)
    assert injected == 1
    assert entries(name + "/d") == ["create"] * BEHAVIOUR[fault][3]


@pytest.mark.parametrize("fault", BEHAVIOUR)
async def test_a_get_under(db, fault):
    name = collection()
    await fill(db.collection(name), {"d": {"a": 1}})
    with Fault(fault + " count=1", name) as f:
        raised, document = await outcome(lambda: db.document(name + "/d").get(**waiting(fault)))
        attempts, injected = f.counted()
    assert (attempts, raised) in expected(db, fault, 1)
    assert injected == 1
    assert raised or document.to_dict() == {"a": 1}


@pytest.mark.parametrize("fault", BEHAVIOUR)
async def test_a_query_under(db, fault):
    name = collection()
    await fill(db.collection(name), {"d%d" % i: {"a": i} for i in range(3)})
    with Fault(fault + " count=1", name) as f:
        raised, found = await outcome(lambda: ids(db.collection(name).stream(**waiting(fault))))
        attempts, injected = f.counted()
    assert (attempts, raised) in expected(db, fault, 2)
    assert injected == 1
    assert raised or found == ["d0", "d1", "d2"]


async def test_a_query_that_breaks_off_is_never_short(db):
    """Where its error overtakes the documents it is asked again, where they come first the blocking client's way to go
    on fails with an AttributeError: all of them, or an error."""
    name = collection()
    await fill(db.collection(name), {"d%d" % i: {"a": i} for i in range(3)})
    with Fault("truncate messages=2 count=1", name) as f:
        raised, found = await outcome(lambda: ids(db.collection(name).stream()))
        assert f.counted()[1] == 1
    assert raised or found == ["d0", "d1", "d2"]


async def test_a_create_that_keeps_failing_gives_up_at_its_deadline(db):
    name = collection()
    kind = AsyncRetry if isinstance(db, firestore.AsyncClient) else Retry
    retry = kind(predicate=if_exception_type(e.ServiceUnavailable), initial=0.01, maximum=0.05, timeout=0.5)
    with Fault("UNAVAILABLE", name) as f:
        raised, _ = await outcome(lambda: db.document(name + "/d").create({}, retry=retry))
        attempts, injected = f.counted()
    assert raised is e.RetryError
    assert attempts == injected >= 2
    assert entries(name + "/d") == []


async def test_over_quota_tells_when_to_try_again(db):
    name = collection()
    with Fault("RESOURCE_EXHAUSTED retry=1500ms", name):
        with pytest.raises(e.ResourceExhausted) as caught:
            await done(db.document(name + "/d").get())
    assert caught.value.message == "Quota exceeded."
    (info,) = caught.value.details
    assert (info.retry_delay.seconds, info.retry_delay.nanos) == (1, 500000000)


async def test_a_transaction_runs_again_when_its_commit_is_aborted(db):
    name, runs = collection(), []

    async def body(transaction):
        runs.append(1)
        transaction.set(db.document(name + "/d"), {"runs": len(runs)})

    with Fault("ABORTED rpc=Commit count=2", name) as f:
        await transact(db, body)
        assert f.counted() == (3, 2)
    assert len(runs) == 3
    assert entries(name + "/d") == ["create"]


async def test_after_goaway_the_next_call_takes_a_new_connection(db, requests):
    name = collection()
    await done(db.document(name + "/a").set({}))
    with Fault("goaway rpc=Commit count=1", name):
        await done(db.document(name + "/b").set({}))
        await done(db.document(name + "/c").set({}))
    before, on, after = requests.connections("Commit")
    assert before == on != after


async def test_what_is_set_is_listed_and_removed():
    with Fault("UNAVAILABLE rpc=Commit nth=3", "listed") as f:
        assert [x for x in control("GET", "faults")[0]["faults"] if x["id"] == f.id] == [
            {"id": f.id, "effect": "UNAVAILABLE", "rpc": "Commit", "nth": "3", "path": "listed", "matched": 0, "injected": 0}]
    assert f.id not in [x["id"] for x in control("GET", "faults")[0]["faults"]]

"""The official google-cloud-firestore client (gRPC, blocking), unmodified, against the ambient emulator of exec and
against servers with flags."""
import datetime
import threading

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore import FieldFilter

ENTRY = {"timestamp": datetime.datetime.now(datetime.timezone.utc), "request_id": "r1", "user_id": "u1", "endpoint": "/items/1",
         "method": "GET", "status_code": 200, "firestore_path": "items/1"}


def test_add_then_get_returns_what_was_written(connect):
    db = connect()
    update_time, ref = db.collection("api_audit_logs").add(ENTRY)
    snapshot = ref.get()
    assert snapshot.exists and snapshot.to_dict() == {**ENTRY, "timestamp": snapshot.get("timestamp")}
    assert abs(snapshot.get("timestamp") - ENTRY["timestamp"]) < datetime.timedelta(microseconds=2)
    assert snapshot.create_time == snapshot.update_time == update_time
    assert len(ref.id) == 20


def test_every_value_type_survives(connect):
    db = connect()
    ref = db.collection("types").document("all")
    data = {"null": None, "yes": True, "int": -(2 ** 63), "big": 2 ** 63 - 1, "float": 1.5, "inf": float("inf"), "text": "größe \U0001f600 \0 end",
            "bytes": bytes(range(256)), "when": datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc),
            "where": firestore.GeoPoint(-12.5, 170.25), "ref": db.document("c/d"), "list": [1, "two", {"three": [4]}],
            "map": {"a": {"b": {"c": 1}}}, "empty map": {}, "empty list": []}
    ref.set(data)
    back = ref.get().to_dict()
    assert {k: v for k, v in back.items() if k not in ("ref", "where")} == {k: v for k, v in data.items() if k not in ("ref", "where")}
    assert back["ref"].path == "c/d" and back["where"] == data["where"]


def test_missing_document_does_not_exist(connect):
    assert not connect().collection("c").document("missing").get().exists


def test_where_streams_the_matching_entries_in_order(connect):
    db = connect()
    for i in range(10):
        db.collection("logs").document("e%02d" % i).set({"n": i, "even": i % 2 == 0})
    got = [s.id for s in db.collection("logs").where(filter=FieldFilter("even", "==", True)).stream()]
    assert got == ["e00", "e02", "e04", "e06", "e08"]
    query = db.collection("logs").where(filter=FieldFilter("n", ">=", 3)).order_by("n", direction=firestore.Query.DESCENDING).limit(3)
    assert [s.get("n") for s in query.stream()] == [9, 8, 7]
    paged = db.collection("logs").order_by("n").start_after({"n": 4}).limit(2).stream()
    assert [s.get("n") for s in paged] == [5, 6]
    assert [s.to_dict() for s in db.collection("logs").select(["n"]).limit(1).stream()] == [{"n": 0}]


def test_two_thousand_documents_stream_through_flow_control(connect):
    db = connect()
    for start in range(0, 2000, 500):
        batch = db.batch()
        for i in range(start, start + 500):
            batch.set(db.collection("many").document("%05d" % i), {"i": i, "pad": "x" * 200})
        batch.commit()
    assert [s.get("i") for s in db.collection("many").stream()] == list(range(2000))


def test_merge_update_and_delete_of_fields(connect):
    ref = connect().collection("c").document("d")
    ref.set({"a": {"b": 1, "c": 2}, "n": 1})
    ref.set({"a": {"b": 5}}, merge=True)
    ref.update({"n": firestore.Increment(2), "a.c": firestore.DELETE_FIELD, "tags": firestore.ArrayUnion(["x", "y"])})
    assert ref.get().to_dict() == {"a": {"b": 5}, "n": 3, "tags": ["x", "y"]}
    ref.update({"at": firestore.SERVER_TIMESTAMP, "tags": firestore.ArrayRemove(["x"]), "top": firestore.Maximum(7)})
    data = ref.get().to_dict()
    assert data["tags"] == ["y"] and data["top"] == 7 and isinstance(data["at"], datetime.datetime)


def test_create_twice_is_already_exists_and_update_of_missing_is_not_found(connect):
    db = connect()
    db.collection("c").document("d").create({"x": 1})
    with pytest.raises(exceptions.Conflict):
        db.collection("c").document("d").create({"x": 1})
    with pytest.raises(exceptions.NotFound):
        db.collection("c").document("nope").update({"x": 1})


def test_transaction_reads_and_writes_atomically(connect):
    db = connect()
    ref = db.collection("bank").document("a")
    ref.set({"n": 0})

    @firestore.transactional
    def add(transaction):
        n = ref.get(transaction=transaction).get("n")
        transaction.update(ref, {"n": n + 1})

    threads = [threading.Thread(target=lambda: [add(db.transaction(max_attempts=50)) for _ in range(5)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert ref.get().get("n") == 20


def test_bulk_writer_uses_batch_write(connect):
    db = connect()
    writer = db.bulk_writer()
    for i in range(50):
        writer.create(db.collection("bulk").document(str(i)), {"i": i})
    writer.close()
    assert len(list(db.collection("bulk").stream())) == 50


def test_read_time_sees_the_past(connect):
    db = connect()
    ref = db.collection("c").document("d")
    first = ref.set({"v": 1}).update_time
    ref.set({"v": 2})
    assert ref.get(read_time=first).get("v") == 1
    assert ref.get().get("v") == 2


def test_append_only_refuses_set_update_delete_even_for_admin(serve, connect):
    db = connect(serve("--append-only", "api_audit_logs").host)
    _, ref = db.collection("api_audit_logs").add(ENTRY)
    for change in (lambda: ref.set({"x": 1}), lambda: ref.update({"status_code": 500}), lambda: ref.delete()):
        with pytest.raises(exceptions.PermissionDenied, match="api_audit_logs"):
            change()
    assert ref.get().get("status_code") == 200
    db.collection("elsewhere").document("x").set({"a": 1})
    db.collection("elsewhere").document("x").set({"a": 2})


def test_least_privilege_role_may_add_and_read_but_not_change(serve, connect):
    db = connect(serve("--owner-iam", "fixtures/firestore-writer.role.json").host)
    _, ref = db.collection("api_audit_logs").add(ENTRY)
    assert ref.get().exists and len(list(db.collection("api_audit_logs").stream())) == 1
    for change in (lambda: ref.set({"x": 1}), lambda: ref.update({"status_code": 500}), lambda: ref.delete()):
        with pytest.raises(exceptions.PermissionDenied, match="datastore.entities"):
            change()


def test_owner_as_is_decided_by_the_rules(serve, connect):
    db = connect(serve("--rules", "fixtures/rules/audit_log.rules", "--owner-as",
                       "fixtures/principals/fastapi_service.json").host)
    now = datetime.datetime.now(datetime.timezone.utc)
    db.collection("api_audit_logs").add({**ENTRY, "timestamp": now})
    incomplete = {k: v for k, v in ENTRY.items() if k != "status_code"}
    with pytest.raises(exceptions.PermissionDenied) as refused:
        db.collection("api_audit_logs").add({**incomplete, "timestamp": now})
    facts = [d.metadata for d in refused.value.details if hasattr(d, "metadata")]
    assert any("status_code" in f.get("missing", "") for f in facts), refused.value.details
    with pytest.raises(exceptions.PermissionDenied):
        list(db.collection("api_audit_logs").stream())


def test_published_rules_let_the_service_rewrite_history(serve, connect):
    db = connect(serve("--rules", "fixtures/rules/as_published.rules", "--owner-as",
                       "fixtures/principals/fastapi_service.json").host)
    _, ref = db.collection("api_audit_logs").add(ENTRY)
    ref.update({"status_code": 204})
    ref.delete()


def test_kill_and_restart_loses_nothing_acknowledged(serve, connect, tmp_path):
    server = serve("--data", str(tmp_path / "data"))
    db = connect(server.host)
    ids = [db.collection("logs").add({"i": i})[1].id for i in range(50)]
    server.kill()
    server.start()
    again = connect(server.host)
    assert sorted(s.id for s in again.collection("logs").stream()) == sorted(ids)

"""on_snapshot of the blocking client: what a listener is told, and that it goes on where it was."""
import queue

from google.cloud.firestore import FieldFilter

PATIENCE = 60


def listen(target):
    """(a queue of snapshots, the watch): of a query what changed, of a document what it holds."""
    told = queue.Queue()

    def on_snapshot(documents, changes, read_time):
        if hasattr(target, "stream"):
            told.put([(c.type.name, c.document.id) for c in changes])
        else:
            told.put([d.to_dict() for d in documents if d.exists])

    return told, target.on_snapshot(on_snapshot)


def test_a_query_is_told_what_comes_changes_leaves_and_goes(connect):
    db = connect()
    c = db.collection("c")
    c.document("a").set({"n": 1})
    told, watch = listen(c.where(filter=FieldFilter("n", ">", 0)))
    try:
        assert told.get(timeout=PATIENCE) == [("ADDED", "a")]
        c.document("b").set({"n": 2})
        assert told.get(timeout=PATIENCE) == [("ADDED", "b")]
        c.document("b").set({"n": 3})
        assert told.get(timeout=PATIENCE) == [("MODIFIED", "b")]
        c.document("b").set({"n": 0})
        assert told.get(timeout=PATIENCE) == [("REMOVED", "b")]
        c.document("a").delete()
        assert told.get(timeout=PATIENCE) == [("REMOVED", "a")]
    finally:
        watch.unsubscribe()


def test_one_commit_is_one_snapshot(connect):
    db = connect()
    told, watch = listen(db.collection("c"))
    try:
        assert told.get(timeout=PATIENCE) == []
        batch = db.batch()
        for i in range(20):
            batch.create(db.document("c/%d" % i), {"n": i})
        batch.commit()
        assert len(told.get(timeout=PATIENCE)) == 20
    finally:
        watch.unsubscribe()


def test_a_document_is_told_of_before_it_is_there_while_it_is_and_after(connect):
    db = connect()
    told, watch = listen(db.document("c/d"))
    try:
        assert told.get(timeout=PATIENCE) == []
        db.document("c/d").set({"n": 1})
        assert told.get(timeout=PATIENCE) == [{"n": 1}]
        db.document("c/d").delete()
        assert told.get(timeout=PATIENCE) == []
    finally:
        watch.unsubscribe()

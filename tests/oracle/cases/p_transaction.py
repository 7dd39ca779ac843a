"""Transactions to the last edge: how a read begins one, which ids are refused in which words, snapshots, optimistic
commits, and who waits for whom. A wait that nobody ends takes two seconds of every replay: only what shows another
fact waits here."""
from caselib import *

A = [docs({"c/a": {"n": 1}, "c/b": {"n": 2}})]
OLD = "2020-01-01T00:00:00Z"
RO, RW = {"readOnly": {}}, {"readWrite": {}}
TX, T2 = {"transaction": "${tx}"}, {"transaction": "${t2}"}
ROLLBACK = call("rollback", TX)
UNKNOWN = "EQEAAAAAAAAA"  # the form of an id, of none that was given out


def begin(options=None, name="tx"):
    return capture(call("beginTransaction", {} if options is None else {"options": options}), **{name: "/transaction"})


def read_begins(options, *paths, **extra):
    return capture(batch_get(*(paths or ("c/a",)), newTransaction=options, **extra), tx="/0/transaction")


def query_begins(options, collection="c", where=None, **kw):
    return capture(query(collection, where, request={"newTransaction": options}, **kw), tx="/0/transaction")


def query_in(tx=TX, collection="c", where=None, **kw):
    return query(collection, where, request=tx, **kw)


def write(n=5, path="c/a", **tx):
    return commit(set_(path, {"n": n}), **tx)


group("transaction_begin")
case("a batchGet begins a read-write one", read_begins(RW), write(**TX), get("c/a"), setup=A)
case("a batchGet begins a read-only one", read_begins(RO), write(**TX), get("c/a"), setup=A)
case("a batchGet of a missing document begins one", read_begins(RW, "c/x"), write(path="c/x", **TX), get("c/x"))
case("a batchGet of two documents begins one", read_begins(RW, "c/a", "c/b", "c/a"), write(**TX), setup=A)
case("a batchGet without documents begins one", capture(call("batchGet", {"newTransaction": RW}), tx="/0/transaction"),
     write(**TX), get("c/a"))
case("a batchGet without documents in a transaction", begin(), call("batchGet", TX), write(**TX))
case("a batchGet with a mask begins one", read_begins(RW, "c/a", mask={"fieldPaths": ["x"]}), write(**TX), setup=A)
case("a batchGet with a bad name begins none", call("batchGet", {"documents": ["bad"], "newTransaction": RW}))
case("a batchGet with a bad mask begins none", batch_get("c/a", newTransaction=RW, mask={"fieldPaths": ["a..b"]}))
case("a batchGet with a transaction and a new one", begin(), batch_get("c/a", newTransaction=RW, **TX), setup=A)
case("a batchGet with a new transaction and a time", batch_get("c/a", newTransaction=RW, readTime=OLD), setup=A)
case("a batchGet begins one at a time", capture(write(1), t="/commitTime"), write(2),
     read_begins({"readOnly": {"readTime": "${t}"}}), write(3), batch_get("c/a", **TX), query_in(), commit(**TX))
case("a batchGet begins one in the future", batch_get("c/a", newTransaction={"readOnly": {"readTime": "2999-01-01T00:00:00Z"}}))
case("a batchGet begins one before 1970", batch_get("c/a", newTransaction={"readOnly": {"readTime": "1969-01-01T00:00:00Z"}}))
case("a batchGet begins one that retries another", begin(), ROLLBACK,
     read_begins({"readWrite": {"retryTransaction": "${tx}"}}), write(**TX), setup=A)
case("a batchGet begins one that retries none", batch_get("c/a", newTransaction={"readWrite": {"retryTransaction": "AAAA"}}))
case("a batchGet begins one of two modes", batch_get("c/a", newTransaction={**RO, **RW}))
case("a query begins a read-only one", query_begins(RO), write(**TX), get("c/a"), setup=A)
case("a query without results begins one", query_begins(RW, "none"), write(**TX), get("c/a"))
case("a query with limit 0 begins one", query_begins(RW, limit=0), write(**TX), setup=A)
case("a query with an offset begins one", query_begins(RW, offset=1), write(**TX), setup=A)
case("a query below a document begins one", query_begins(RW, "s", parent="c/a"), write(path="c/a/s/x", **TX), setup=A)
case("a query of a collection group begins one", query_begins(RW, [{"collectionId": "c", "allDescendants": True}]),
     write(**TX), setup=A)
case("a query that is refused begins none", query("c", limit=-1, request={"newTransaction": RW}))
case("a query with a transaction and a new one", begin(), query("c", request={"newTransaction": RW, **TX}))
case("a query with a new transaction and a time", query("c", request={"newTransaction": RW, "readTime": OLD}))
case("a query begins one at a time", capture(write(1), t="/commitTime"), write(2),
     query_begins({"readOnly": {"readTime": "${t}"}}), batch_get("c/a", **TX), query_in())
case("a query begins one that retries another", begin(), ROLLBACK,
     query_begins({"readWrite": {"retryTransaction": "${tx}"}}), write(**TX), setup=A)
case("begin that retries a committed one", begin(), commit(**TX), begin({"readWrite": {"retryTransaction": "${tx}"}}, "t2"),
     write(**T2))
case("begin that retries one still open", begin(), begin({"readWrite": {"retryTransaction": "${tx}"}}, "t2"), write(1, **T2),
     write(2, **TX))
case("begin that retries one whose lock it takes over", begin(), batch_get("c/a", **TX),
     begin({"readWrite": {"retryTransaction": "${tx}"}}, "t2"), write(**T2), setup=A)
case("begin that retries a read-only one", begin(RO), begin({"readWrite": {"retryTransaction": "${tx}"}}, "t2"), write(**T2))
case("begin that retries an unknown one", call("beginTransaction", {"options": {"readWrite": {"retryTransaction": UNKNOWN}}}))
case("begin that retries an empty one", call("beginTransaction", {"options": {"readWrite": {"retryTransaction": ""}}}))
case("begin that retries eight bytes", call("beginTransaction", {"options": {"readWrite": {"retryTransaction": "AAAAAAAAAAA="}}}))
case("begin read-only before 1970", call("beginTransaction", {"options": {"readOnly": {"readTime": "1969-12-31T23:59:59Z"}}}))
case("begin read-only at 1970", begin({"readOnly": {"readTime": "1970-01-01T00:00:00Z"}}), batch_get("c/a", **TX))
case("begin with an unknown mode", call("beginTransaction", {"options": {"write": {}}}))
case("begin with a mode that is null", begin({"readWrite": None}), write(**TX))
case("begin read-only as a boolean", call("beginTransaction", {"options": {"readOnly": True}}))

group("transaction_ids")
IDS = {"four bytes": "AAAA", "no bytes": "", "eight bytes": "AAAAAAAAAAA=", "nine zero bytes": "AAAAAAAAAAAA",
       "an id that was never given out": UNKNOWN, "ten bytes": "EQEAAAAAAAAAAA=="}
for what, id_ in IDS.items():
    case(f"a batchGet with {what}", batch_get("c/a", transaction=id_), setup=A)
    case(f"a query with {what}", query_in({"transaction": id_}), setup=A)
    case(f"a commit with {what}", write(transaction=id_), get("c/a"))
    case(f"a rollback with {what}", call("rollback", {"transaction": id_}))
case("a query with a transaction that is no base64", query_in({"transaction": "*"}))
case("a query with a transaction as a number", query_in({"transaction": 5}))
OTHER = DB.replace("(default)", "db2") + "/documents"
case("a batchGet with the transaction of another database", begin(), raw("POST", OTHER + ":batchGet", {"documents": [], **TX}), ROLLBACK)
case("a query with the transaction of another database", begin(), raw("POST", OTHER + ":runQuery",
                                                                     {"structuredQuery": structured("c"), **TX}), ROLLBACK)
case("a rollback of the transaction of another database", begin(), raw("POST", OTHER + ":rollback", TX), write(**TX))
case("a commit after a refused batchGet", begin(), call("batchGet", {"documents": ["bad"], **TX}), write(**TX), get("c/a"))
case("a commit after a refused query", begin(), query_in(limit=-1), write(**TX), get("c/a"))
case("a commit after a commit with an empty write", begin(), call("commit", {"writes": [{}], **TX}), write(**TX), get("c/a"))
case("a commit after a commit with a bad name", begin(), call("commit", {"writes": [{"delete": "bad"}], **TX}), write(**TX), get("c/a"))
case("a commit after a commit with a bad mask", begin(), commit(set_("c/a", {}, ["a..b"]), **TX), write(**TX), get("c/a"))
case("a commit after a commit with a bad transform", begin(), commit(set_("c/a", {}, [], [increment("n", "x")]), **TX),
     write(**TX), get("c/a"))
case("a commit after a commit with a reserved field", begin(), commit(set_("c/a", {"__x__": 1}), **TX), write(**TX), get("c/a"))
case("a commit after a commit with an array in an array", begin(), commit(set_("c/a", {"a": [[1]]}), **TX), write(**TX), get("c/a"))
case("a commit after a commit that inserts twice", begin(), commit(set_("c/a", {}, pre=MISSING), set_("c/a", {}, pre=MISSING), **TX),
     write(**TX), get("c/a"))
case("a commit after a commit with a verify without a precondition", begin(), commit(verify("c/a"), **TX), write(**TX), get("c/a"))
case("a commit after a commit that created what exists", begin(), commit(set_("c/a", {}, pre=MISSING), **TX), write(**TX),
     get("c/a"), setup=A)
case("a commit after a commit with a stale updateTime", begin(), commit(set_("c/a", {}, pre={"updateTime": OLD}), **TX),
     write(**TX), get("c/a"), setup=A)
case("a commit after a commit with an updateTime to come", begin(), commit(set_("c/a", {}, pre={"updateTime": "2999-01-01T00:00:00Z"}), **TX),
     write(**TX), get("c/a"), setup=A)
case("a commit after a commit that verifies what it wrote", begin(), commit(set_("c/a", {}), verify("c/a", EXISTS), **TX), write(**TX), get("c/a"))
case("a commit after a commit of too large a document", begin(), commit(set_("c/a", {"f": "${repeat:x:600000}", "g": "${repeat:x:600000}"}), **TX),
     write(**TX), get("c/a"))
case("a commit after a commit of a field name of 1501 bytes", begin(), commit(set_("c/a", {"${repeat:x:1501}": 1}), **TX), write(**TX), get("c/a"))
case("a commit after a commit of maps 21 deep", begin(), commit({"update": {"name": NAME + "/c/a", "fields": {"f": {"$nest": ["map", 21]}}}}, **TX),
     write(**TX), get("c/a"))
case("a commit after a commit of a string that is too long", begin(), commit(set_("c/a", {"f": "${repeat:x:1048488}"}), **TX), write(**TX), get("c/a"))
case("a commit after a commit of an empty field name", begin(), commit(set_("c/a", {"": 1}), **TX), write(**TX), get("c/a"))
case("a commit after a commit with a document of another kind of path", begin(), call("commit", {"writes": [{"delete": NAME + "/c"}], **TX}), write(**TX), get("c/a"))
case("a commit after a refused commit of a read-only one", begin(RO), write(**TX), commit(**TX), setup=A)
case("a read after a refused commit of a read-only one", begin(RO), write(**TX), batch_get("c/a", **TX), setup=A)
case("a rollback after a refused commit", begin(), commit(set_("c/x", {}, pre=EXISTS), **TX), ROLLBACK)
case("a rollback of a read-only one, then a read", begin(RO), batch_get("c/a", **TX), ROLLBACK, batch_get("c/a", **TX), setup=A)
case("a commit of a read-only one, then a read", begin(RO), commit(**TX), batch_get("c/a", **TX), setup=A)
case("a commit of a read-only one, then a rollback", begin(RO), commit(**TX), ROLLBACK)
case("a rollback after the transaction wrote", begin(), write(**TX), ROLLBACK, get("c/a"))
case("a query after its own commit", begin(), write(**TX), query_in(), setup=A)
case("a retry after a lost commit", begin(), commit(set_("c/x", {}, pre=EXISTS), **TX),
     begin({"readWrite": {"retryTransaction": "${tx}"}}), batch_get("c/a", **TX), write(**TX), setup=A)

group("transaction_snapshot")
case("a read-only one sees one state of two documents", begin(RO), batch_get("c/a", **TX),
     commit(set_("c/a", {"n": 7}), set_("c/b", {"n": 8})), batch_get("c/a", "c/b", **TX), setup=A)
case("a read-only one sees what is deleted later", begin(RO), batch_get("c/a", **TX), commit(del_("c/a"), del_("c/b")),
     batch_get("c/a", **TX), query_in(), setup=A)
case("a read-only one does not see what is created later", begin(RO), query_in(), write(path="c/z"), query_in(),
     batch_get("c/z", **TX), query("c"), setup=A)
case("a read-only one does not see what changes its matches", begin(RO), query_in(where=f("n", "==", 2)),
     commit(set_("c/a", {"n": 2}), set_("c/b", {"n": 3})), query_in(where=f("n", "==", 2)), query("c", f("n", "==", 2)), setup=A)
case("a read-only one orders by what was", begin(RO), query_in(order=["n"]), commit(set_("c/a", {"n": 9})),
     query_in(order=["n"]), query("c", order=["n"]), setup=A)
case("read-only ones at two times", capture(write(1), t="/commitTime"), capture(write(2), u="/commitTime"),
     begin({"readOnly": {"readTime": "${t}"}}), begin({"readOnly": {"readTime": "${u}"}}, "t2"), batch_get("c/a", **TX),
     batch_get("c/a", **T2))
case("a read-only one at a time and a batchGet with the time", capture(write(1), t="/commitTime"), commit(del_("c/a")),
     begin({"readOnly": {"readTime": "${t}"}}), batch_get("c/a", **TX), batch_get("c/a", readTime="${t}"), get("c/a"))
case("a read-only one at a time between delete and create", write(1), capture(commit(del_("c/a")), t="/commitTime"), write(2),
     begin({"readOnly": {"readTime": "${t}"}}), batch_get("c/a", **TX), query_in())
case("a batchGet with a transaction and a time", begin(), batch_get("c/a", readTime=OLD, **TX), setup=A)
case("a query with a transaction and a time", begin(), query_in({"readTime": OLD, **TX}), setup=A)
case("a read-write one reads the newest", begin(), write(7), batch_get("c/a", **TX), query_in(), ROLLBACK, setup=A)
case("a time with nanoseconds", begin({"readOnly": {"readTime": "2020-01-01T00:00:00.123456789Z"}}),
     batch_get("c/a", readTime="2020-01-01T00:00:00.123456789Z"), query("c", request={"readTime": "2020-01-01T00:00:00.123456789Z"}))
case("a time of 1970", batch_get("c/a", readTime="1970-01-01T00:00:00Z"), query("c", request={"readTime": "1970-01-01T00:00:00Z"}))
case("two read-only ones at once", begin(RO), begin(RO, "t2"), batch_get("c/a", **TX), batch_get("c/a", **T2), commit(**TX),
     batch_get("c/b", **T2), commit(**T2), setup=A)
case("a read-only one does not keep a transaction from writing", begin(RO), batch_get("c/a", **TX), begin(name="t2"),
     batch_get("c/a", **T2), write(**T2), batch_get("c/a", **TX), setup=A)

group("transaction_optimistic")
U, UB = capture(get("c/a"), u="/updateTime"), capture(get("c/b"), ub="/updateTime")
AT, BT = {"updateTime": "${u}"}, {"updateTime": "${ub}"}
case("an update on the version that was read", U, commit(set_("c/a", {"n": 2}, pre=AT)), get("c/a"), setup=A)
case("an update on a version that is gone", U, write(7), commit(set_("c/a", {"n": 2}, pre=AT)), get("c/a"), setup=A)
case("a delete on a version that is gone", U, write(7), commit(del_("c/a", AT)), get("c/a"), setup=A)
case("a transform on a version that is gone", U, write(7), commit(set_("c/a", {}, [], [increment("n", 1)], AT)), get("c/a"), setup=A)
case("a legacy transform on a version that is gone", U, write(7), commit(transform("c/a", increment("n", 1), pre=AT)), get("c/a"), setup=A)
case("a merge on the version that was read", U, commit(set_("c/a", {"m": 2}, ["m"], pre=AT)), get("c/a"), setup=A)
case("a version that was deleted", U, commit(del_("c/a")), commit(set_("c/a", {"n": 2}, pre=AT)), get("c/a"), setup=A)
case("a version that was deleted and made again", U, commit(del_("c/a")), write(1), commit(set_("c/a", {"n": 2}, pre=AT)), setup=A)
case("the version stays when a write changes nothing", U, write(1), commit(set_("c/a", {"n": 2}, pre=AT)), get("c/a"), setup=A)
case("verify of the version beside a write", U, commit(verify("c/a", AT), set_("c/b", {"n": 9})), get("c/b"), setup=A)
case("verify of a version that is gone beside a write", U, write(7), commit(verify("c/a", AT), set_("c/b", {"n": 9})), get("c/b"), setup=A)
case("a write beside a verify of a version that is gone", U, write(7), commit(set_("c/b", {"n": 9}), verify("c/a", AT)), get("c/b"), setup=A)
case("verify of two documents", U, UB, commit(verify("c/a", AT), verify("c/b", BT)), setup=A)
case("verify of two documents, one gone", U, UB, commit(del_("c/b")), commit(verify("c/a", AT), verify("c/b", BT)), setup=A)
case("verify of one document twice", U, commit(verify("c/a", AT), verify("c/a", EXISTS)), setup=A)
case("verify, then a write of the document", U, commit(verify("c/a", AT), set_("c/a", {"n": 3})), get("c/a"), setup=A)
case("verify, then a delete of the document", U, commit(verify("c/a", AT), del_("c/a")), get("c/a"), setup=A)
case("verify exists false, then its creation", commit(verify("c/x", MISSING), set_("c/x", {"n": 3})), get("c/x"))
case("verify that a document is still missing, beside a write", commit(verify("c/x", MISSING), set_("c/b", {"n": 9})), get("c/b"))
case("verify that a document is missing which came", write(path="c/x"), commit(verify("c/x", MISSING), set_("c/b", {"n": 9})), get("c/b"))
case("verify alone changes no version", U, commit(verify("c/a", AT)), get("c/a"), setup=A)
case("verify with an empty precondition", commit(verify("c/a", {})), setup=A)
case("verify of a document of a sub-collection", write(path="c/a/s/x"), commit(verify("c/a/s/x", EXISTS)))
case("verify of a collection", call("commit", {"writes": [{"verify": NAME + "/c", "currentDocument": EXISTS}]}))
case("verify with a mask", call("commit", {"writes": [{**verify("c/a", EXISTS), "updateMask": {"fieldPaths": ["n"]}}]}), setup=A)
case("verify with transforms", call("commit", {"writes": [{**verify("c/a", EXISTS), "updateTransforms": [increment("n", 1)]}]}),
     get("c/a"), setup=A)
case("verify in a transaction", begin(), batch_get("c/a", **TX), commit(verify("c/a", EXISTS), set_("c/b", {"n": 9}), **TX), get("c/b"), setup=A)
case("verify that fails in a transaction", begin(), commit(verify("c/x", EXISTS), set_("c/b", {"n": 9}), **TX), get("c/b"), setup=A)
case("two optimists, the second comes too late", U, commit(set_("c/a", {"n": 2}, pre=AT)), commit(set_("c/a", {"n": 3}, pre=AT)),
     get("c/a"), setup=A)
case("an optimist after a transaction", U, begin(), batch_get("c/a", **TX), write(7, **TX), commit(set_("c/a", {"n": 3}, pre=AT)),
     get("c/a"), setup=A)
case("an updateTime with nanoseconds", commit(set_("c/a", {"n": 2}, pre={"updateTime": "2020-01-01T00:00:00.123456789Z"})), setup=A)
case("an updateTime before 1970", commit(set_("c/a", {"n": 2}, pre={"updateTime": "1960-01-01T00:00:00Z"})), setup=A)
case("an updateTime of zero on a missing document", commit(set_("c/x", {"n": 2}, pre={"updateTime": "1970-01-01T00:00:00Z"})), get("c/x"))
case("an updateTime of zero on an existing document", commit(set_("c/a", {"n": 2}, pre={"updateTime": "1970-01-01T00:00:00Z"})), setup=A)
case("a second write of a document with the version that was read", U,
     commit(set_("c/a", {"n": 2}, pre=AT), set_("c/a", {"n": 3}, pre=AT)), get("c/a"), setup=A)
case("a second write of a document with exists true", U, commit(set_("c/a", {"n": 2}, pre=AT), set_("c/a", {"n": 3}, pre=EXISTS)),
     get("c/a"), setup=A)
case("a delete and a write with the version that was read", U, commit(del_("c/a"), set_("c/a", {"n": 3}, pre=AT)), get("c/a"), setup=A)

group("transaction_locks")
case("of two that read one document the first to commit waits and is aborted", begin(), begin(name="t2"), batch_get("c/a", **TX),
     batch_get("c/a", **T2), write(5, **TX), write(6, **T2), get("c/a"), setup=A)
case("one that was aborted is closed", begin(), begin(name="t2"), batch_get("c/a", **TX), batch_get("c/a", **T2), write(5, **TX),
     write(5, **TX), ROLLBACK, call("rollback", T2), setup=A)
case("one that was aborted holds nothing any more", begin(), begin(name="t2"), batch_get("c/a", "c/b", **TX), batch_get("c/a", **T2),
     write(5, **TX), write(9, "c/b"), call("rollback", T2), setup=A)
case("one that has read nothing waits as well", begin(), batch_get("c/a", **TX), begin(name="t2"), write(6, **T2), ROLLBACK, setup=A)
case("a batchWrite waits for each document", begin(), batch_get("c/a", **TX), batch_write(set_("c/a", {"n": 9}), set_("c/b", {"n": 9})),
     ROLLBACK, batch_get("c/a", "c/b"), setup=A)
case("a verify waits too", begin(), batch_get("c/a", **TX), commit(verify("c/a", EXISTS), set_("c/b", {"n": 9})), ROLLBACK, setup=A)
case("a write that changes nothing waits too", begin(), batch_get("c/a", **TX), write(1), ROLLBACK, setup=A)
case("a precondition that fails before the lock is asked for", begin(), batch_get("c/a", **TX), commit(set_("c/a", {}, pre=MISSING)),
     ROLLBACK, setup=A)
case("an invalid write is told at once", begin(), batch_get("c/a", **TX), commit(set_("c/a", {"__x__": 1})), ROLLBACK, setup=A)
case("its own lock does not keep it waiting", begin(), batch_get("c/a", **TX), query_in(), write(**TX), get("c/a"), setup=A)
case("a commit without writes gives its locks back", begin(), batch_get("c/a", **TX), commit(**TX), write(9), setup=A)
case("a rollback gives its locks back", begin(), batch_get("c/a", **TX), ROLLBACK, write(9), setup=A)
case("a refused commit gives its locks back", begin(), batch_get("c/a", **TX), commit(set_("c/x", {}, pre=EXISTS), **TX), write(9), setup=A)
case("reading a document locks neither its children nor its parent", begin(), batch_get("c/a/s/x", **TX), write(9), write(9, "c/a/s/y"),
     write(9, "c/a/s/x/t/z"), ROLLBACK, setup=A)
case("two may read one document", begin(), begin(name="t2"), batch_get("c/a", **TX), batch_get("c/a", **T2), commit(**TX),
     write(6, **T2), setup=A)
case("two may read one document and write others", begin(), begin(name="t2"), batch_get("c/a", **TX), batch_get("c/a", **T2),
     write(5, "c/x", **TX), write(6, "c/y", **T2), setup=A)
case("a query that finds nothing locks no other document", query_begins(RW, where=f("n", "==", 99)), write(9, "d/x"), ROLLBACK, setup=A)
case("a query with a filter locks what it leaves out too", query_begins(RW, where=f("n", "==", 1)),
     commit(set_("c/b", {"n": 3})), ROLLBACK, get("c/b"), setup=A)
case("a query locks what would leave its result", query_begins(RW, where=f("n", "==", 1)), write(3), ROLLBACK, get("c/a"), setup=A)
case("a query with a limit locks what lies behind it too", query_begins(RW, order=["n"], limit=1), write(9, "c/b"), ROLLBACK, get("c/b"), setup=A)
case("a query of a collection does not lock its sub-collections", query_begins(RW), write(9, "c/a/s/x"), ROLLBACK, setup=A)
case("a query that projects locks its documents", query_begins(RW, select=["x"]), commit(del_("c/a")), ROLLBACK, setup=A)
case("a read-only one at a time takes no lock", capture(write(1), t="/commitTime"), begin({"readOnly": {"readTime": "${t}"}}),
     batch_get("c/a", **TX), query_in(), write(2), batch_get("c/a", **TX))
case("a document of another database is another document", begin(), batch_get("c/a", **TX),
     raw("PATCH", D.replace("(default)", "db2") + "/c/a", {"fields": fields({"n": 1})}), ROLLBACK, setup=A)


def count(collection="c", where=None, **request):
    return call("runAggregationQuery", {"structuredAggregationQuery": {
        "structuredQuery": structured(collection, where), "aggregations": [{"alias": "n", "count": {}}]}, **request})


case("a count locks what it counted", capture(count(newTransaction=RW), tx="/0/transaction"), write(9), ROLLBACK, get("c/a"), setup=A)
case("a count locks nothing of another collection", capture(count(newTransaction=RW), tx="/0/transaction"), write(9, "d/a"), ROLLBACK, setup=A)
case("its own count does not keep it waiting", begin(), count(**TX), write(**TX), count(), setup=A)
case("two may count one collection", begin(), begin(name="t2"), count(**TX), count(**T2), commit(**TX), write(9, **T2), setup=A)
case("a count in a read-only one locks nothing", capture(count(newTransaction=RO), tx="/0/transaction"), commit(set_("c/z", {})),
     count(**TX), count(), setup=A)

"""BeginTransaction, Rollback, and reads and commits inside transactions."""
from caselib import *

group("transaction")
A = [docs({"c/a": {"n": 1}, "c/b": {"n": 2}})]


def begin(options=None, **kw):
    return capture(call("beginTransaction", {} if options is None else {"options": options}, **kw), tx="/transaction")


RO, RW = {"readOnly": {}}, {"readWrite": {}}
TX = {"transaction": "${tx}"}
NEW = {"structuredQuery": structured("c")}

case("begin", call("beginTransaction", {}))
case("begin with an empty body", call("beginTransaction", ""))
case("begin twice gives two ids", call("beginTransaction", {}), call("beginTransaction", {}))
case("begin read-write", call("beginTransaction", {"options": RW}))
case("begin read-only", call("beginTransaction", {"options": RO}))
case("begin with empty options", call("beginTransaction", {"options": {}}))
case("begin with both modes", call("beginTransaction", {"options": {**RO, **RW}}))
case("begin with an unknown key", call("beginTransaction", {"option": {}}))
case("begin with options as text", call("beginTransaction", {"options": "rw"}))
case("begin with text that is no JSON", call("beginTransaction", "x"))
case("begin with a list", call("beginTransaction", []))
case("begin with a bad retry id", call("beginTransaction", {"options": {"readWrite": {"retryTransaction": "AAAA"}}}))
case("begin with a retry id that is no base64", call("beginTransaction", {"options": {"readWrite": {"retryTransaction": "*"}}}))
case("begin with a retry id", begin(), call("rollback", TX),
     call("beginTransaction", {"options": {"readWrite": {"retryTransaction": "${tx}"}}}))
case("begin read-only at a time", capture(commit(set_("c/a", {"n": 2})), t="/commitTime"), commit(set_("c/a", {"n": 3})),
     begin({"readOnly": {"readTime": "${t}"}}), batch_get("c/a", **TX), call("runQuery", {**NEW, **TX}), setup=A)
case("begin read-only at a time in the future", call("beginTransaction", {"options": {"readOnly": {"readTime": "2999-01-01T00:00:00Z"}}}))
case("begin read-only at a time that is none", call("beginTransaction", {"options": {"readOnly": {"readTime": "now"}}}))
case("begin read-only at a time before everything",
     begin({"readOnly": {"readTime": "2001-01-01T00:00:00Z"}}), batch_get("c/a", **TX), setup=A)
case("begin at an unknown database", call("beginTransaction", {}))
case("begin below a document is no such method", call("beginTransaction", {}, "c/a"))

case("read then commit", begin(), batch_get("c/a", **TX), commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("a commit without writes closes it", begin(), commit(**TX), commit(**TX))
case("a commit closes it", begin(), commit(set_("c/x", {"n": 5}), **TX), commit(set_("c/y", {"n": 5}), **TX), get("c/y"))
case("a rolled back transaction is closed", begin(), call("rollback", TX), commit(set_("c/x", {"n": 5}), **TX), get("c/x"))
case("rollback twice is fine", begin(), call("rollback", TX), call("rollback", TX))
case("rollback after a commit", begin(), commit(**TX), call("rollback", TX))
case("a read after a commit", begin(), commit(**TX), batch_get("c/a", **TX), setup=A)
case("a read after a rollback", begin(), call("rollback", TX), batch_get("c/a", **TX), setup=A)
case("a query after a rollback", begin(), call("rollback", TX), call("runQuery", {**NEW, **TX}), setup=A)
case("a refused commit closes it", begin(), commit(set_("c/x", {}, pre=EXISTS), **TX), commit(set_("c/y", {}), **TX), get("c/y"))
case("an invalid commit and the transaction after it", begin(), commit({}, **TX), commit(set_("c/y", {}), **TX), get("c/y"))
case("a read-only transaction refuses writes", begin(RO), batch_get("c/a", **TX), commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("a read-only transaction refuses deletes", begin(RO), commit(del_("c/a"), **TX), get("c/a"), setup=A)
case("a read-only transaction refuses verify", begin(RO), commit(verify("c/a", EXISTS), **TX), setup=A)
case("a read-only transaction may be committed empty", begin(RO), batch_get("c/a", **TX), commit(**TX), setup=A)
case("a read-only transaction does not see later writes", begin(RO), batch_get("c/a", **TX),
     commit(set_("c/a", {"n": 7})), batch_get("c/a", **TX), call("runQuery", {**NEW, **TX}), setup=A)
case("a read-only transaction before its first read", begin(RO), commit(set_("c/a", {"n": 7})), batch_get("c/a", **TX), setup=A)
case("a missing document in a read-only transaction stays missing", begin(RO), batch_get("c/x", **TX),
     commit(set_("c/x", {"n": 7})), batch_get("c/x", **TX), setup=A)
case("a query in a transaction then a commit", begin(), call("runQuery", {**NEW, **TX}),
     commit(set_("c/a", {"n": 5}), set_("c/x", {"n": 9}), **TX), query("c"), setup=A)
case("writes are not seen before the commit", begin(), batch_get("c/a", **TX), commit(set_("c/z", {"n": 1})), get("c/z"),
     commit(set_("c/a", {"n": 5}), **TX), setup=A)
case("reads after its own commit see the writes", begin(), commit(set_("c/a", {"n": 5}), **TX), batch_get("c/a"), setup=A)
case("a commit with a precondition that fails", begin(), batch_get("c/a", **TX), commit(set_("c/a", {}, pre=MISSING), **TX), get("c/a"), setup=A)
case("a document read and deleted", begin(), batch_get("c/a", **TX), commit(del_("c/a"), **TX), get("c/a"), setup=A)
case("a transaction read twice", begin(), batch_get("c/a", **TX), batch_get("c/a", **TX), commit(set_("c/a", {"n": 5}), **TX), setup=A)
case("transform in a transaction", begin(), batch_get("c/a", **TX), commit(set_("c/a", {}, [], [increment("n", 1)]), **TX), get("c/a"), setup=A)
case("two transactions on two documents", begin(), capture(call("beginTransaction", {}), t2="/transaction"),
     batch_get("c/a", **TX), batch_get("c/b", transaction="${t2}"), commit(set_("c/b", {"n": 5}), transaction="${t2}"),
     commit(set_("c/a", {"n": 5}), **TX), setup=A)
case("two transactions read one document, one rolls back", begin(), capture(call("beginTransaction", {}), t2="/transaction"),
     batch_get("c/a", **TX), batch_get("c/a", transaction="${t2}"), call("rollback", TX),
     commit(set_("c/a", {"n": 5}), transaction="${t2}"), setup=A)
case("a write to a document that a transaction has read waits, then is aborted", begin(), batch_get("c/a", **TX),
     commit(set_("c/a", {"n": 9})), commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("a delete of a document that a transaction has read waits, then is aborted", begin(), batch_get("c/a", **TX),
     delete("c/a"), call("rollback", TX), get("c/a"), setup=A)
case("a patch of a document that a transaction has read waits, then is aborted", begin(), batch_get("c/a", **TX),
     patch("c/a", {"n": 9}), call("rollback", TX), get("c/a"), setup=A)
case("creating a document that a transaction found missing waits, then is aborted", begin(), batch_get("c/x", **TX),
     create("c", {"n": 9}, "x"), call("rollback", TX), setup=A)
case("reads do not wait for a transaction", begin(), batch_get("c/a", **TX), get("c/a"), batch_get("c/a"), query("c"), call("rollback", TX), setup=A)
case("a write elsewhere does not wait", begin(), batch_get("c/a", **TX), commit(set_("c/b", {"n": 9})), call("rollback", TX), setup=A)
case("a read-only transaction takes no lock", begin(RO), batch_get("c/a", **TX), commit(set_("c/a", {"n": 9})), setup=A)
case("the transaction of another project", begin(), raw("POST", DB.replace("$P", "o-elsewhere") + "/documents:commit",
                                                        {"writes": [], **TX}), call("rollback", TX))
case("the transaction of another database", begin(), raw("POST", DB.replace("(default)", "db2") + "/documents:commit",
                                                         {"writes": [], **TX}), call("rollback", TX))

case("one that a batchGet begins is read-only by default", capture(batch_get("c/a", newTransaction={}), tx="/0/transaction"),
     commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("one that a query begins is read-only by default", capture(call("runQuery", {**NEW, "newTransaction": {}}), tx="/0/transaction"),
     commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("one that a query begins may be read-write", capture(call("runQuery", {**NEW, "newTransaction": RW}), tx="/0/transaction"),
     commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("one begun without options is read-write", begin({}), batch_get("c/a", **TX), commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("a query locks what it finds", capture(call("runQuery", {**NEW, "newTransaction": RW}), tx="/0/transaction"),
     commit(set_("c/b", {"n": 9})), call("rollback", TX), get("c/b"), setup=A)
case("a query locks the documents that would join it too", capture(call("runQuery", {**NEW, "newTransaction": RW}), tx="/0/transaction"),
     commit(set_("c/new", {"n": 9})), call("rollback", TX), setup=A)

group("rollback")
case("without a transaction", call("rollback", {}))
case("an empty body", call("rollback", ""))
case("an empty transaction", call("rollback", {"transaction": ""}))
case("a bad transaction", call("rollback", {"transaction": "AAAA"}))
case("a bad transaction of nine bytes", call("rollback", {"transaction": "AAAAAAAAAAAA"}))
case("a transaction that is no base64", call("rollback", {"transaction": "%"}))
case("a transaction as a number", call("rollback", {"transaction": 5}))
case("an unknown key", call("rollback", {"tx": "AAAA"}))
case("text that is no JSON", call("rollback", "}"))
case("a fresh transaction", begin(), call("rollback", TX))
case("a read-only transaction", begin(RO), call("rollback", TX))
case("below a document", call("rollback", {}, "c/a"))

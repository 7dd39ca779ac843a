"""Cases that work over gRPC but not over REST on Google's emulator: it cannot read transactions and times in URLs."""
from caselib import *

group("grpc_only")
A = [docs({"c/a": {"n": 1}, "c/b": {"n": 2}})]
TX = {"transaction": "${tx}"}


def begin(options=None):
    return capture(call("beginTransaction", {} if options is None else {"options": options}), tx="/transaction")


def get_tx(path):
    return get(path, {"transaction": "${tx}"})


case("a get in a transaction then a commit", begin(), get_tx("c/a"), commit(set_("c/a", {"n": 5}), **TX), get("c/a"), setup=A)
case("a get of a missing document in a transaction", begin(), get_tx("c/x"), commit(set_("c/x", {"n": 5}), **TX), get("c/x"))
case("a list in a transaction then a commit", begin(), get_tx("c"), commit(set_("c/a", {"n": 5}), **TX), get("c"), setup=A)
case("a get after a rollback", begin(), call("rollback", TX), get_tx("c/a"), setup=A)
case("a list after a rollback", begin(), call("rollback", TX), get_tx("c"), setup=A)
case("a get with a bad transaction", get("c/a", {"transaction": "AAAA"}), setup=A)
case("a list with a bad transaction", get("c", {"transaction": "AAAA"}), setup=A)
case("a get in a read-only transaction does not see later writes", begin({"readOnly": {}}), get_tx("c/a"),
     commit(set_("c/a", {"n": 5})), get_tx("c/a"), get_tx("c"), setup=A)
case("a document that a get has locked", begin(), get_tx("c/a"), commit(set_("c/a", {"n": 9})), call("rollback", TX), setup=A)
case("a document that a list has locked", begin(), get_tx("c"), commit(set_("c/b", {"n": 9})), call("rollback", TX), setup=A)
case("readTime of a get", capture(commit(set_("c/a", {"n": 1})), t="/commitTime"), commit(set_("c/a", {"n": 2})),
     get("c/a", {"readTime": "${t}"}), get("c/a"))
case("readTime of a get before the document", capture(commit(set_("c/b", {"n": 1})), t="/commitTime"),
     commit(set_("c/a", {"n": 2})), get("c/a", {"readTime": "${t}"}))
case("readTime of a list", capture(commit(set_("c/a", {"n": 1})), t="/commitTime"), commit(set_("c/b", {"n": 2}), del_("c/a")),
     get("c", {"readTime": "${t}"}), get("c"))
HOLES = docs({"m/a": {"n": 1}, "m/ghost/s/x": {}})
SHOW = {"showMissing": "true"}
case("show missing at a readTime", capture(commit(set_("m/a", {"n": 1}), set_("m/g/s/x"), headers=OWNER), t="/commitTime"),
     commit(del_("m/a"), del_("m/g/s/x"), set_("m/b/s/x"), headers=OWNER), get("m", {**SHOW, "readTime": "${t}"}, OWNER), get("m", SHOW, OWNER))
case("show missing in a read-only transaction", begin({"readOnly": {}}), get("m", {**SHOW, **TX}, OWNER), delete("m/ghost/s/x", headers=OWNER),
     get("m", {**SHOW, **TX}, OWNER), get("m", SHOW, OWNER), setup=[HOLES])
case("show missing in a transaction then a commit", begin(), get("m", {**SHOW, **TX}, OWNER), commit(set_("m/ghost", {"n": 5}), headers=OWNER, **TX),
     get("m", SHOW, OWNER), setup=[HOLES])
case("show missing after a rollback", begin(), call("rollback", TX), get("m", {**SHOW, **TX}, OWNER), setup=[HOLES])
case("show missing with a bad transaction", get("m", {**SHOW, "transaction": "AAAA"}, OWNER), setup=[HOLES])
case("show missing in the future", get("m", {**SHOW, "readTime": "2999-01-01T00:00:00Z"}, OWNER), setup=[HOLES])
case("show missing long ago", get("m", {**SHOW, "readTime": "2001-01-01T00:00:00Z"}, OWNER), setup=[HOLES])
case("show missing before 1970", get("m", {**SHOW, "readTime": "1960-01-01T00:00:00Z"}, OWNER), setup=[HOLES])
case("readTime in the future", get("c/a", {"readTime": "2999-01-01T00:00:00Z"}))
case("readTime long ago", get("c/a", {"readTime": "2001-01-01T00:00:00Z"}))
case("updateTime of an update", capture(get("c/a"), u="/updateTime"),
     patch("c/a", {"n": 2}, params={"currentDocument.updateTime": "${u}"}), get("c/a"), setup=A)
case("another updateTime of an update", patch("c/a", {"n": 2}, params={"currentDocument.updateTime": "2020-01-01T00:00:00Z"}), setup=A)
case("updateTime of a delete", capture(get("c/a"), u="/updateTime"),
     delete("c/a", {"currentDocument.updateTime": "${u}"}), get("c/a"), setup=A)
case("another updateTime of a delete", delete("c/a", {"currentDocument.updateTime": "2020-01-01T00:00:00Z"}), get("c/a"), setup=A)
case("updateTime of a delete of a missing document", delete("c/x", {"currentDocument.updateTime": "2020-01-01T00:00:00Z"}))
case("a message over 4 MiB", call("batchGet", {"documents": {"$copies": [3000, NAME + "/c/${repeat:x:1450}#"]}, "mask": {"fieldPaths": ["n"]}}))

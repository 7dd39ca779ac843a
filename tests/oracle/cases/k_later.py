"""RPCs of the next issue: partitions, collection ids."""
from caselib import *

group("later")
DATA = fixture("later", docs({
    "q/1": {"a": 1, "b": 1.5}, "q/2": {"a": 2, "b": 2.5}, "q/3": {"a": 3, "c": "x"}, "q/4": {"b": 4.0},
    "q/5": {"a": float("nan")}, "q/1/sub/x": {"a": 10}, "q/2/sub/y": {"a": 20}, "q/2/zub/y/deep/z": {"a": 30},
    "e/1": {"s": "x"}, "big/1": {"a": 9223372036854775807}, "big/2": {"a": 1},
}))


def ids(name, body, parent="", headers=OWNER):
    case(name, call("listCollectionIds", body, parent, headers), uses=DATA, later=True)


ids("collection ids of the root", {})
ids("collection ids of a document", {}, "q/2")
ids("collection ids of a missing document", {}, "q/9")
ids("collection ids of a document without children", {}, "q/3")
ids("collection ids with a page size", {"pageSize": 2})
ids("collection ids with a negative page size", {"pageSize": -1})
ids("collection ids with a bad page token", {"pageToken": "zzzz"})
ids("collection ids of a collection", {}, "q")
ids("collection ids of a reserved parent", {}, "q/__x__")
ids("collection ids with an unknown key", {"page": 1})
ids("collection ids without a token under the open ruleset", {}, headers=None)
case("collection ids page by page", capture(call("listCollectionIds", {"pageSize": 2}, headers=OWNER), t="/nextPageToken"),
     call("listCollectionIds", {"pageSize": 2, "pageToken": "${t}"}, headers=OWNER), uses=DATA, later=True)
case("partitionQuery", call("partitionQuery", {"structuredQuery": {"from": [{"collectionId": "q", "allDescendants": True}], "orderBy": by("__name__")},
                                               "partitionCount": 2}, headers=OWNER), uses=DATA, later=True)
case("executePipeline", call("executePipeline", {}, headers=OWNER), uses=DATA, later=True)

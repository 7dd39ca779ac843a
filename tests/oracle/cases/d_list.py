"""ListDocuments."""
from caselib import *

group("list")
LIST = fixture("list", docs({
    **{f"c/d{i:02d}": {"n": i % 4, "i": i} for i in range(8)},
    "c/nofield": {}, "c/d00/s/x": {"n": 1}, "c/d00/s/y": {"n": 2}, "m/real": {"n": 1}, "m/ghost/s/x": {"n": 1},
    "m/zz/s/x/t/y": {"n": 1}, "up/B": {}, "up/a": {}, "up/_": {}, "up/\u00e9": {}, "up/1": {}, "up/__id10__": {},
    "up/__id9__": {}, "up/__id-3__": {}, "up/\U0001f600": {}, "up/\ufb01": {},
}))
BIG = fixture("list big", docs({f"big/d{i:03d}": {} for i in range(160)}))


def lst(name, path, params=(), **kw):
    case(name, get(path, params, **kw), uses=LIST)


lst("all documents by name", "c")
lst("a subcollection", "c/d00/s")
lst("an empty collection is an empty object", "never")
lst("a collection below a missing document", "m/ghost/s")
lst("names sort by UTF-8 bytes, numeric ids first", "up", {"mask.fieldPaths": "_"})
lst("pageSize", "c", {"pageSize": 3})
lst("page_size in snake case", "c", {"page_size": 2})
lst("a pageSize as large as the collection", "c", {"pageSize": 9})
lst("a pageSize larger than the collection", "c", {"pageSize": 100})
lst("pageSize 0 is the default", "c", {"pageSize": 0})
lst("a negative pageSize", "c", {"pageSize": -1})
lst("pageSize 1", "c", {"pageSize": 1})
lst("a mask", "c", {"mask.fieldPaths": "n", "pageSize": 2})
lst("a bad mask", "c", {"mask.fieldPaths": "a..b"})
lst("a mask of __none__", "c", {"mask.fieldPaths": "__none__"})
lst("orderBy a field leaves out documents without it", "c", {"orderBy": "n"})
lst("orderBy descending", "c", {"orderBy": "n desc"})
lst("orderBy DESC in upper case", "c", {"orderBy": "n DESC"})
lst("orderBy two fields", "c", {"orderBy": "n desc, i asc"})
lst("orderBy two fields, both down", "c", {"orderBy": "n desc,i desc"})
lst("order_by in snake case", "c", {"order_by": "i desc"})
lst("orderBy __name__ descending", "c", {"orderBy": "__name__ desc"})
lst("orderBy a missing field", "c", {"orderBy": "never"})
lst("orderBy with a bad direction", "c", {"orderBy": "a sideways"})
lst("orderBy with three words", "c", {"orderBy": "a asc b"})
lst("orderBy with an empty part", "c", {"orderBy": "a,,b"})
lst("orderBy a bad path", "c", {"orderBy": "a..b"})
lst("orderBy the same field twice", "c", {"orderBy": "n,n"})
lst("a bad pageToken", "c", {"pageToken": "zzzz"})
lst("a pageToken that is no base64", "c", {"pageToken": "***"})
lst("readTime in the query is refused", "c", {"readTime": "2026-01-01T00:00:00Z"})
lst("showMissing shows documents that have only children", "m", {"showMissing": "true"}, headers=OWNER)
lst("show_missing in snake case", "m", {"show_missing": "true"}, headers=OWNER)
lst("showMissing false", "m", {"showMissing": "false"}, headers=OWNER)
lst("showMissing with a mask as the console asks", "m",
    {"mask.fieldPaths": "_none_", "pageSize": 300, "showMissing": "true"}, headers=OWNER)
lst("showMissing that is no boolean", "m", {"showMissing": "maybe"}, headers=OWNER)
lst("showMissing with an order", "m", {"showMissing": "true", "orderBy": "n"}, headers=OWNER)
lst("showMissing without the owner token under the open ruleset", "m", {"showMissing": "true"})
lst("a reserved collection id", "__c__")
lst("a collection id that is a dot", "%2E")
lst("a collection id over 1500 bytes", "${repeat:c:1501}")
lst("a collection below a reserved document id", "c/__x__/s")
case("the default page is 30", get("big", {"mask.fieldPaths": "_"}), uses=BIG)
case("a page is at most 150", get("big", {"pageSize": 300, "mask.fieldPaths": "_"}), uses=BIG)
case("pages follow each other to the end", capture(get("c", {"pageSize": 4}), t="/nextPageToken"),
     capture(get("c", {"pageSize": 4, "pageToken": "${t:url}"}), t="/nextPageToken"),
     get("c", {"pageSize": 4, "pageToken": "${t:url}"}), uses=LIST)
case("pages of an ordered list follow each other", capture(get("c", {"pageSize": 3, "orderBy": "n desc"}), t="/nextPageToken"),
     capture(get("c", {"pageSize": 3, "orderBy": "n desc", "pageToken": "${t:url}"}), t="/nextPageToken"),
     get("c", {"pageSize": 3, "orderBy": "n desc", "pageToken": "${t:url}"}), uses=LIST)
case("a pageToken with another page size", capture(get("c", {"pageSize": 3}), t="/nextPageToken"),
     get("c", {"pageSize": 2, "pageToken": "${t:url}"}), uses=LIST)
case("a pageToken of another collection", capture(get("c", {"pageSize": 3}), t="/nextPageToken"),
     get("up", {"pageSize": 2, "pageToken": "${t:url}"}), uses=LIST)
case("a pageToken with another order", capture(get("c", {"pageSize": 3}), t="/nextPageToken"),
     get("c", {"pageSize": 2, "orderBy": "n", "pageToken": "${t:url}"}), uses=LIST)
case("showMissing pages", capture(get("m", {"pageSize": 1, "showMissing": "true"}, OWNER), t="/nextPageToken"),
     capture(get("m", {"pageSize": 1, "showMissing": "true", "pageToken": "${t:url}"}, OWNER), t="/nextPageToken"),
     get("m", {"pageSize": 1, "showMissing": "true", "pageToken": "${t:url}"}, OWNER), uses=LIST)

"""REST details: verbs and versions, percent-encoding, parameters, bodies, overrides."""
import json

from caselib import *

group("rest")
SIMPLE = fixture("rest", docs({
    "c/a": {"n": 1, "m": {"x": 1, "y": 2}, "z": None}, "c/b": {"n": 2}, "c/a/s/x": {"n": 3}, "c/a b": {"n": 4}, "c/a+b": {"n": 5},
    "c/100%": {"n": 6}, "c/q?x#y": {"n": 7}, "c/a:b": {"n": 8}, "c/\u00e9": {"n": 9}, "c/e\u0301": {"n": 10}, "c:d/a": {"n": 11},
    "c/a;b=1": {"n": 12}, "c/(x)": {"n": 13}, "c/@&=+$,": {"n": 14}, "c/'": {"n": 15},
}))
BETA = D.replace("/v1/", "/v1beta1/")


def rest(name, *steps, **kw):
    case(name, *steps, uses=SIMPLE, **kw)


def own(name, *steps, **kw):
    case(name, *steps, **kw)


# ---- percent-encoding ----
for shown, path in (("a space", "c/a%20b"), ("a plus", "c/a%2Bb"), ("a percent sign", "c/100%25"), ("a question mark and a hash", "c/q%3Fx%23y"),
                    ("a colon", "c/a%3Ab"), ("a colon left as it is", "c/a:b"), ("UTF-8", "c/%C3%A9"), ("UTF-8 in lower case", "c/%c3%a9"),
                    ("a decomposed letter", "c/e%CC%81"), ("a semicolon", "c/a;b=1"), ("parentheses", "c/%28x%29"), ("parentheses as they are", "c/(x)"),
                    ("reserved characters", "c/@&=+$,"), ("reserved characters encoded", "c/%40%26%3D%2B%24%2C"), ("an apostrophe", "c/%27"),
                    ("a letter that needs none", "c/%61"), ("a slash between segments", "c%2Fa"), ("a slash of a longer path", "c/a%2Fs%2Fx"),
                    ("a percent sign twice encoded", "c/100%2525"), ("a letter twice encoded", "c/%2561"), ("a tilde", "c/~")):
    rest("an id with " + shown + " is read", get(path))
rest("an encoded collection with a colon is read", get("c%3Ad/a"))
rest("a collection with a colon is read", get("c:d/a"))
rest("a collection with a colon is listed", get("c:d"))
rest("a collection with an encoded colon is listed", get("c%3Ad"))
rest("a project percent-encoded", raw("GET", D.replace("$P", "%6F" + "-nothing") + "/c/a"))
rest("documents percent-encoded", raw("GET", DB + "/%64ocuments/c/a"))
own("a document with a slash in its documentId", create("c", {}, "a/b"))
own("a document whose id needs encoding is created and read", create("c", {"n": 1}, "a b%/c".replace("/", "|")), get("c/a%20b%25%7Cc"))
own("a documentId with a plus is a plus", raw("POST", D + "/c?documentId=a+b", {"fields": fields({"n": 1})}), get("c/a%2Bb"))
own("a documentId with %2B is a plus", raw("POST", D + "/c?documentId=a%2Bb", {"fields": fields({"n": 1})}), get("c/a%2Bb"))

# ---- versions and verbs ----
rest("v1beta1 gets", raw("GET", BETA + "/c/a"))
rest("v1beta1 lists", raw("GET", BETA + "/c", params={"pageSize": 2}))
rest("v1beta1 queries", raw("POST", BETA + ":runQuery", {"structuredQuery": structured("c", limit=1)}))
rest("v1beta1 gets a batch", raw("POST", BETA + ":batchGet", {"documents": [NAME + "/c/a", NAME + "/c/never"]}))
rest("v1beta1 lists collection ids", raw("POST", BETA + ":listCollectionIds", {}, OWNER))
rest("v1beta1 counts", raw("POST", BETA + ":runAggregationQuery", {"structuredAggregationQuery": {
    "structuredQuery": structured("c"), "aggregations": [{"alias": "n", "count": {}}]}}))
own("v1beta1 creates, patches, deletes", raw("POST", BETA + "/c", {"fields": fields({"n": 1})}, None, {"documentId": "a"}),
    raw("PATCH", BETA + "/c/a", {"fields": fields({"m": 1})}, None, {"updateMask.fieldPaths": "m"}), raw("DELETE", BETA + "/c/a"), get("c/a"))
own("v1beta1 commits", raw("POST", BETA + ":commit", {"writes": [set_("c/a", {"n": 1})]}), get("c/a"))
own("v1beta1 batch writes", raw("POST", BETA + ":batchWrite", {"writes": [set_("c/a", {"n": 1})]}, OWNER))
own("v1beta1 begins and rolls back", capture(raw("POST", BETA + ":beginTransaction", {}), tx="/transaction"),
    raw("POST", BETA + ":rollback", {"transaction": "${tx}"}))
rest("V1 in upper case is not found", raw("GET", D.replace("/v1/", "/V1/") + "/c/a"))
rest("v1alpha is not found", raw("GET", D.replace("/v1/", "/v1alpha/") + "/c/a"))
rest("no version is not found", raw("GET", D.replace("/v1/", "/") + "/c/a"))
rest("a doubled slash before the version is not found", raw("GET", "/" + D + "/c/a"))
for method in ("HEAD", "PUT"):
    rest(method + " of a document is not found", raw(method, D + "/c/a", None if method == "HEAD" else {}))
rest("PATCH of a collection", patch("c", {}))
rest("DELETE of a collection", delete("c"))
rest("DELETE of the root", raw("DELETE", D))
rest("PATCH of the root", raw("PATCH", D, {"fields": {}}))
rest("POST of a document", raw("POST", D + "/c/a", {"fields": {}}))
rest("POST of the root", raw("POST", D, {"fields": {}}))
rest("GET of a query", raw("GET", D + ":runQuery"))
rest("PUT of a commit", raw("PUT", D + ":commit", {}))
rest("DELETE of a commit", raw("DELETE", D + ":commit"))
rest("PATCH of a commit", raw("PATCH", D + ":commit", {}))
rest("a verb with an encoded colon", raw("POST", D + "%3AbatchGet", {}))
rest("a verb with another case", call("batchget", {}))
rest("a verb after a slash", raw("POST", D + "/:batchGet", {"documents": []}))
rest("a query of a document", query("s", parent="c/a"))
rest("a query of a missing document", query("s", parent="c/never"))
rest("a query of a collection", query("s", parent="c"))
own("a batch get of a document is a document to create", call("batchGet", {}, "c/a"))
own("an unknown verb of a collection creates", raw("POST", D + "/c:bogus", {"fields": {}}, None, {"documentId": "a"}), raw("GET", D + "/c:bogus/a"))
rest("executePipeline", call("executePipeline", {}, headers=OWNER))
rest("executePipeline with a pipeline", call("executePipeline", {"structuredPipeline": {"pipeline": {"stages": [
    {"name": "collection", "args": [{"referenceValue": "/c"}]}]}}}, headers=OWNER))
rest("executePipeline without a token", call("executePipeline", {}))
rest("GET of executePipeline", raw("GET", D + ":executePipeline"))

# ---- overrides are not read ----
rest("X-HTTP-Method-Override of a GET", raw("GET", D + "/c/b", None, {"X-HTTP-Method-Override": "DELETE"}), get("c/b"))
own("X-HTTP-Method-Override of a POST", raw("POST", D + "/c", {"fields": {}}, {"X-HTTP-Method-Override": "PATCH"}, {"documentId": "a"}), get("c/a"))
rest("X-HTTP-Method-Override in the URL", get("c/b", {"X-HTTP-Method-Override": "DELETE"}), get("c/b"))
rest("$httpMethod in the URL", get("c/b", {"$httpMethod": "DELETE"}), get("c/b"))
rest("X-HTTP-Method of a GET", raw("GET", D + "/c/b", None, {"X-HTTP-Method": "DELETE"}), get("c/b"))

# ---- parameters that say nothing here ----
for params in ({"alt": "json"}, {"alt": "sse"}, {"alt": "media"}, {"alt": "proto"}, {"$alt": "json;enum-encoding=int"}, {"$alt": "json"},
               {"$alt": "proto"}, {"prettyPrint": "false"}, {"prettyPrint": "true"}, {"$prettyPrint": "false"}, {"pp": "0"}, {"key": "AIzaSy-none"},
               {"access_token": "owner"}, {"oauth_token": "x"}, {"quotaUser": "u"}, {"userIp": "127.0.0.1"}, {"fields": "name"},
               {"$fields": "name"}, {"callback": "f"}, {"uploadType": "media"}, {"upload_protocol": "raw"}, {"$.xgafv": "1"}, {"$.xgafv": "9"},
               {"": "x"}, {"bogus": "1"}):
    k, x = next(iter(params.items()))
    rest(f"the parameter {k or 'without a name'} {x} of a get", get("c/b", params))
rest("the parameter alt of a query", raw("POST", D + ":runQuery", {"structuredQuery": structured("c", limit=1, order=["n"])}, None, {"alt": "sse"}))
rest("$alt with integers of a query", raw("POST", D + ":runQuery", {"structuredQuery": structured("c", limit=1, order=["n"])}, None,
                                          {"$alt": "json;enum-encoding=int"}))
rest("$alt with integers of a null", get("c/a", {"$alt": "json;enum-encoding=int"}))
own("$alt with integers of a commit", raw("POST", D + ":commit", {"writes": [set_("c/a", {"n": 1})]}, None, {"$alt": "json;enum-encoding=int"}))
own("$alt with integers of a batch write", raw("POST", D + ":batchWrite", {"writes": [set_("c/a", {}, pre=EXISTS)]}, OWNER, {"$alt": "json;enum-encoding=int"}))
rest("$alt with integers of an error", get("c/never", {"$alt": "json;enum-encoding=int"}))
rest("prettyPrint false of a query", raw("POST", D + ":runQuery", {"structuredQuery": structured("c", limit=1, order=["n"])}, None, {"prettyPrint": "false"}))
rest("a key of a commit", raw("POST", D + ":commit", {"writes": []}, None, {"key": "AIzaSy-none"}))
rest("an access_token does not make an owner", raw("POST", D + ":listCollectionIds", {}, None, {"access_token": "owner"}))

# ---- field masks and other parameters of a message ----
rest("two masks", get("c/a", [("mask.fieldPaths", "n"), ("mask.fieldPaths", "m.x")]))
rest("two masks, one in snake case", get("c/a", [("mask.fieldPaths", "n"), ("mask.field_paths", "m.x")]))
rest("a mask with a comma", get("c/a", {"mask.fieldPaths": "n,m"}))
rest("a mask in brackets", get("c/a", {"mask.fieldPaths[]": "n"}))
rest("a mask by number", get("c/a", {"mask.fieldPaths[0]": "n"}))
rest("a mask with a percent-encoded name", raw("GET", D + "/c/a?mask%2EfieldPaths=n"))
rest("a mask whose value is encoded", raw("GET", D + "/c/a?mask.fieldPaths=%6D%2E%78"))
rest("a mask without a value", raw("GET", D + "/c/a?mask.fieldPaths"))
rest("a mask in another case", get("c/a", {"Mask.FieldPaths": "n"}))
rest("a mask of an unknown member", get("c/a", {"mask.bogus": "n"}))
rest("a mask twice the same", get("c/a", [("mask.fieldPaths", "n"), ("mask.fieldPaths", "n")]))
rest("pageSize twice", get("c", [("pageSize", "1"), ("pageSize", "2")]))
rest("pageSize with a plus sign", raw("GET", D + "/c?pageSize=%2B2"))
rest("parameters after a second question mark", raw("GET", D + "/c/a?x=1?mask.fieldPaths=n"))
rest("parameters divided by a semicolon", raw("GET", D + "/c/a?x=1;mask.fieldPaths=n"))
rest("an empty query string", raw("GET", D + "/c/b?"))
rest("ampersands alone", raw("GET", D + "/c/b?&&"))
rest("the parent as a parameter", get("c", {"parent": NAME + "/c/a", "pageSize": 1}))
rest("the collectionId as a parameter", get("c", {"collectionId": "s", "pageSize": 1}))
rest("the name as a parameter", get("c/b", {"name": NAME + "/c/a"}))
own("updateMask twice", patch("c/a", {"n": 5, "s": 6, "t": 7}, ["n", "s"]), get("c/a"), setup=[docs({"c/a": {"n": 1, "t": 1}})])
own("update_mask in snake case", patch("c/a", {"n": 5, "s": 6}, params={"update_mask.field_paths": "n"}), get("c/a"), setup=[docs({"c/a": {"n": 1}})])
own("a mask of an update's answer", patch("c/a", {"n": 5, "s": 6}, params={"mask.fieldPaths": "s"}), setup=[docs({"c/a": {"n": 1}})])
own("current_document in snake case", patch("c/a", {"n": 5}, params={"current_document.exists": "true"}))
own("currentDocument.exists false", patch("c/a", {"n": 5}, params={"currentDocument.exists": "false"}), setup=[docs({"c/a": {"n": 1}})])
own("currentDocument.exists on a delete", delete("c/a", {"currentDocument.exists": "true"}))
own("document_id in snake case", create("c", {"n": 1}, params={"document_id": "a"}), get("c/a"))
own("documentId twice", create("c", {"n": 1}, params=[("documentId", "a"), ("documentId", "b")]))
own("a field of the document as a parameter", raw("POST", D + "/c", {"fields": fields({"n": 1})}, None, {"documentId": "a", "document.name": "x"}))
own("a mask of a create's answer", create("c", {"n": 1, "s": 2}, "a", {"mask.fieldPaths": "s"}))

rest("a parameter of a message's member", get("c/a", {"mask.fieldPaths.x": "n"}))
rest("an empty parameter of a message", get("c/a", {"mask": ""}))
own("a name as a parameter of a delete", raw("DELETE", D + "/c/a?name=projects/x/databases/y/documents/c/b"))
own("a name as a parameter of a patch", raw("PATCH", D + "/c/a?document.name=projects/x/databases/y/documents/c/b", {"fields": {}}))
own("createTime as a parameter of a patch", raw("PATCH", D + "/c/a?document.createTime=2001-01-01T00:00:00Z", {"fields": fields({"n": 1})}))
own("an empty document.name as a parameter", raw("POST", D + "/c?documentId=a&document.name=", {"fields": {}}))
rest("a limit as a parameter", raw("POST", D + ":runQuery?structuredQuery.limit=1", {"structuredQuery": structured("c", order=["n"])}))
rest("an offset as a parameter", raw("POST", D + ":runQuery?structuredQuery.offset=2", {"structuredQuery": structured("c", order=["n"], select=[])}))
rest("documents as a parameter", raw("POST", D + ":batchGet?documents=" + NAME + "/c/b", {}))
rest("documents as a parameter and in the body", raw("POST", D + ":batchGet?documents=" + NAME + "/c/b", {"documents": [NAME + "/c/never"]}))
rest("a mask as a parameter of a batch get", raw("POST", D + ":batchGet?mask.fieldPaths=m.x", {"documents": [NAME + "/c/a"]}))
own("the database as a parameter", raw("POST", D + ":commit?database=zzz", {"writes": []}))
rest("pageSize in both cases", get("c", [("pageSize", "1"), ("page_size", "1")]))

# ---- bodies ----
EMPTY = [("an empty text", ""), ("white space", " \n\t "), ("an empty object", "{}"), ("null", "null"), ("a number", "1"), ("a string", '"x"'),
         ("a list", "[]"), ("half an object", "{"), ("a byte order mark", "\ufeff{}")]
for shown, body in EMPTY:
    own(f"a commit of {shown}", raw("POST", D + ":commit", body))
    own(f"a create of {shown}", raw("POST", D + "/c", body, None, {"documentId": "a"}))
for kind in ("application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "text/plain", "text/plain; charset=utf-8"):
    own(f"a create as {kind}", raw("POST", D + "/c", json.dumps({"fields": fields({"s": "\u00e9"})}), {"Content-Type": kind}, {"documentId": "a"}), get("c/a"))
own("text/plain of a query", raw("POST", D + ":runQuery", json.dumps({"structuredQuery": {"from": [{"collectionId": "c"}]}}), {"Content-Type": "text/plain;charset=UTF-8"}))
own("text/plain of a patch", raw("PATCH", D + "/c/a", json.dumps({"fields": fields({"n": 1})}), {"Content-Type": "text/plain"}), get("c/a"))
own("fields in snake case", raw("POST", D + ":commit", {"writes": [{"update": {"name": NAME + "/c/a", "fields": {"n": {"integer_value": "1"}, "m": {
    "map_value": {"fields": {"x": {"array_value": {"values": [{"string_value": "s"}]}}}}}}}, "update_mask": {"field_paths": ["n", "m"]},
    "current_document": {"exists": False}, "update_transforms": [{"field_path": "t", "increment": {"double_value": 1.5}}]}]}), get("c/a"))
own("createTime in a body is not stored", raw("POST", D + "/c", {"fields": fields({"n": 1}), "createTime": "2001-01-01T00:00:00Z",
    "updateTime": "2001-01-01T00:00:00Z"}, None, {"documentId": "a"}), get("c/a"))
own("a name in the body of a create", raw("POST", D + "/c", {"name": NAME + "/c/a", "fields": {}}, None, {"documentId": "a"}))
own("a name in the body of a patch", raw("PATCH", D + "/c/a", {"name": NAME + "/c/a", "fields": fields({"n": 1})}))
own("the database in the body of a commit", raw("POST", D + ":commit", {"database": "projects/$P/databases/(default)", "writes": []}))
rest("the parent in the body of a query", raw("POST", D + ":runQuery", {"parent": NAME, "structuredQuery": structured("c", limit=1, order=["n"])}))
own("a body of a delete", raw("DELETE", D + "/c/a", {"x": 1}))
own("accept-encoding does not compress", raw("GET", D + "/c/a", None, {"Accept-Encoding": "gzip"}), setup=[docs({"c/a": {"s": "x" * 2000}})])
rest("accept of something else", raw("GET", D + "/c/b", None, {"Accept": "text/html"}))

# ---- error shapes ----
for shown, step in (("400 of a get", get("c/__x__")), ("404 of a get", get("c/never")), ("409 of a create", create("c", {}, "a")),
                    ("400 of a query", query("c", limit=-1)), ("400 of a batch get", batch_get("c/__x__")), ("403 of a batch write", call("batchWrite", {})),
                    ("400 of a commit", commit({})), ("404 of a commit", commit(del_("c/never", pre=EXISTS))), ("400 of a list", get("c", {"pageSize": -1})),
                    ("400 of a rollback", call("rollback", {"transaction": "AAAA"})), ("501 of a partition query", call("partitionQuery", {"partitionCount": 1}))):
    rest("the shape of " + shown, step)

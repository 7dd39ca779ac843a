"""Google's endpoints beside the Firestore API, routing, content types and CORS."""
from caselib import *

RULES = "/emulator/v1/projects/$P:securityRules"
OPEN = ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{database}/documents {\n"
        "    match /{document=**} {\n      allow read, write: if true;\n    }\n  }\n}\n")


def ruleset(body, version="rules_version = '2';\n"):
    """Rules with one statement block on line 4 of the file."""
    return (version + "service cloud.firestore {\n  match /databases/{database}/documents {\n    "
            + body + "\n  }\n}\n")


def put(text, **extra):
    return rules_request(text, **extra)


group("root")
case("GET / says Ok", raw("GET", "/"))
case("HEAD / is not found", raw("HEAD", "/"))
case("POST / is not found", raw("POST", "/", "{}"))
case("an unknown path is not found", raw("GET", "/nothing/here"))
case("favicon is not found", raw("GET", "/favicon.ico"))
case("GET of the documents root is not found", raw("GET", D))
case("GET of the database is not found", raw("GET", DB))
case("GET of the databases list is not found", raw("GET", "/v1/projects/$P/databases"))
case("an unknown verb is not found", call("bogus", {}))
case("GET of a verb is not found", raw("GET", D + ":commit"))
case("commit without /documents is not found", raw("POST", DB + ":commit", {"writes": []}))
case("write has no REST form", call("write", {}))
case("listen has no REST form", call("listen", {}))
case("PUT of a document is not found", raw("PUT", D + "/c/d", {"fields": {}}))
case("v1beta1 is an alias of v1", raw("GET", D.replace("/v1/", "/v1beta1/") + "/c/a"), setup=[docs({"c/a": {"n": 1}})])
case("v1beta2 is not found", raw("GET", D.replace("/v1/", "/v1beta2/") + "/c/a"))
case("v2 is not found", raw("GET", D.replace("/v1/", "/v2/") + "/c/a"))
case("the parentheses of (default) may be percent-encoded",
     raw("GET", D.replace("(default)", "%28default%29") + "/c/a"), setup=[docs({"c/a": {"n": 1}})])
case("a slash percent-encoded inside an id separates segments",
     raw("GET", D + "/c%2Fa"), setup=[docs({"c/a": {"n": 1}})])
case("a space percent-encoded inside an id is decoded",
     raw("GET", D + "/c/a%20b"), setup=[docs({"c/a b": {"n": 1}})])
case("a plus inside an id is a plus",
     raw("GET", D + "/c/a+b"), setup=[docs({"c/a+b": {"n": 1}})])
case("UTF-8 inside an id is percent-decoded",
     raw("GET", D + "/c/%C3%A9%F0%9F%98%80"), setup=[docs({"c/\u00e9\U0001f600": {"n": 1}})])
case("a colon percent-encoded inside an id is no verb",
     raw("GET", D + "/c/a%3Ab"), setup=[docs({"c/a:b": {"n": 1}})])
case("a colon inside an id of a GET", raw("GET", D + "/c/a:b"), setup=[docs({"c/a:b": {"n": 1}})])
case("an id that ends like a verb when percent-encoded",
     raw("GET", D + "/c/run%3ArunQuery"), setup=[docs({"c/run:runQuery": {"n": 1}})])
case("a NUL percent-encoded in an id", raw("GET", D + "/c/a%00b"))
case("an empty project id", raw("POST", "/v1/projects//databases/(default)/documents:commit", {"writes": []}))
case("an empty database id", raw("POST", "/v1/projects/$P/databases//documents:commit", {"writes": []}))
case("a database id with a space", raw("POST", "/v1/projects/$P/databases/a%20b/documents:commit", {"writes": []}))
case("a trailing slash", raw("GET", D + "/c/a/"), setup=[docs({"c/a": {"n": 1}})])
case("a doubled slash", raw("GET", D + "/c//a"), setup=[docs({"c/a": {"n": 1}})])
case("other databases need no creation", raw("PATCH", D.replace("(default)", "second-db") + "/c/a", {"fields": {}}),
     raw("GET", D.replace("(default)", "second-db") + "/c/a"))
case("databases do not see each other", raw("GET", D.replace("(default)", "second-db") + "/c/a"),
     setup=[docs({"c/a": {"n": 1}})])
case("unknown query parameters are ignored", get("c/a", {"bogus": "1", "key": "k", "prettyPrint": "false"}),
     setup=[docs({"c/a": {"n": 1}})])
case("$alt is ignored", get("c/a", {"$alt": "json;enum-encoding=int"}), setup=[docs({"c/a": {"n": 1}})])
case("x-http-method-override is ignored", raw("POST", D + "/c", {"fields": {}}, {"X-HTTP-Method-Override": "GET"},
                                              {"documentId": "a"}))

group("content_type")
BODY = '{"writes":[]}'
case("application/json is read", raw("POST", D + ":commit", BODY, {"Content-Type": "application/json"}))
case("application/json with a charset is read",
     raw("POST", D + ":commit", BODY, {"Content-Type": "application/json; charset=utf-8"}))
case("text/plain is read as JSON", raw("POST", D + ":commit", BODY, {"Content-Type": "text/plain;charset=UTF-8"}))
case("no content type is read as JSON", raw("POST", D + ":commit", BODY))
case("a form content type is not found",
     raw("POST", D + ":commit", BODY, {"Content-Type": "application/x-www-form-urlencoded"}))
case("application/xml is not found", raw("POST", D + ":commit", BODY, {"Content-Type": "application/xml"}))

group("rules_put")
case("open rules are accepted without findings", put(OPEN))
case("a file without a name is accepted",
     raw("PUT", RULES, {"rules": {"files": [{"content": OPEN}]}}))
case("text/plain is accepted",
     raw("PUT", RULES, '{"rules":{"files":[{"content":"service cloud.firestore { match /x/{y} { allow read: if true; } }"}]}}',
         {"Content-Type": "text/plain;charset=UTF-8"}))
case("no rules_version is a warning", put(ruleset("match /c/{d} { allow read: if true; }", "")))
case("rules_version 1 is a warning", put(ruleset("match /c/{d} { allow read: if true; }", "rules_version = '1';\n")))
case("rules_version 3 is an error", put(ruleset("match /c/{d} { allow read: if true; }", "rules_version = '3';\n")))
case("an unused function is a warning",
     put(ruleset("function f() { return true; }\n    match /c/{d} { allow read: if true; }")))
case("an unused variable is a warning",
     put(ruleset("function f() { let a = 1; return true; }\n    match /c/{d} { allow read: if f(); }")))
case("an unknown variable is a warning", put(ruleset("match /c/{d} { allow read: if nope; }")))
case("an unknown function is a warning", put(ruleset("match /c/{d} { allow read: if g(); }")))
case("an unknown method is a warning", put(ruleset("match /c/{d} { allow reed: if true; }")))
case("a wrong number of arguments is a warning",
     put(ruleset("function f(a) { return a; }\n    match /c/{d} { allow read: if f(); }")))
case("a string condition is a warning", put(ruleset("match /c/{d} { allow read: if 'x'; }")))
case("a missing colon before if is an error", put(ruleset("match /c/{d} { allow read if true; }")))
case("a missing expression is an error", put(ruleset("match /c/{d} { allow read: if ; }")))
case("a missing match keyword is an error", put(ruleset("/c/{d} { allow read: if true; }")))
case("a glob before the last segment is an error under version 1",
     put(ruleset("match /{a=**}/c/{d} { allow read: if true; }", "rules_version = '1';\n")))
case("an empty service is an error", put("rules_version = '2';\nservice cloud.firestore {\n}\n"))
case("empty text is an error", put(""))
case("only a comment is an error", put("// nothing\n"))
case("an unclosed brace is an error", put("service cloud.firestore { match /a/{b} { allow read: if true; }"))
case("a storage ruleset is accepted", put("service firebase.storage { match /b/{bucket}/o { match /{x=**} { allow read; } } }"))
case("errors keep the old rules", put(ruleset("match /c/{d} { allow read if true; }")), get("c/a"),
     rules=ruleset("match /c/{d} { allow read: if false; }"))
case("ignore_errors turns errors into issues",
     put(ruleset("match /c/{d} { allow read if true; }"), ignore_errors=True))
case("two files are both compiled",
     raw("PUT", RULES, {"rules": {"files": [{"name": "a", "content": ruleset("match /c/{d} { allow read if true; }")},
                                            {"name": "b", "content": "x"}]}}))
case("no files is an internal error", raw("PUT", RULES, {"rules": {"files": []}}))
case("an empty object is an internal error", raw("PUT", RULES, {}))
case("text that is no JSON is refused", raw("PUT", RULES, "not json"))
case("an unknown key is refused", raw("PUT", RULES, {"ruleset": {}}))
case("rules given as a string are refused", raw("PUT", RULES, {"rules": "x"}))
case("POST is not found", raw("POST", RULES, {}))
case("DELETE is not found", raw("DELETE", RULES))
case("PATCH is not found", raw("PATCH", RULES, {}))
case("rules that are put are those of the (default) database alone", raw("GET", D.replace("(default)", "other") + "/c/a"),
     rules=ruleset("match /c/{d} { allow read: if false; }"))
case("no owner token is needed", put(OPEN), setup=[put(ruleset("match /c/{d} { allow read: if false; }"))])

group("rules_get")
case("a project without rules has the open ruleset", raw("GET", RULES))
case("the text that was put comes back", raw("GET", RULES), rules=OPEN)
case("a name given to the file comes back",
     raw("GET", RULES), setup=[raw("PUT", RULES, {"rules": {"files": [{"name": "my.rules", "content": OPEN}]}})])
case("a file without a name", raw("GET", RULES),
     setup=[raw("PUT", RULES, {"rules": {"files": [{"content": OPEN}]}})])
case("warnings come back with the rules", raw("GET", RULES), rules=ruleset("match /c/{d} { allow reed: if true; }"))

group("clear")
TREE = {"c/a": {"n": 1}, "c/a/s/x": {"n": 2}, "c/b": {"n": 3}, "k/a": {"n": 4}}
CLEAR = "/emulator/v1/projects/$P/databases/(default)/documents"
AFTER = [batch_get("c/a", "c/a/s/x", "c/b", "k/a")]
case("a whole database", raw("DELETE", CLEAR), *AFTER, setup=[docs(TREE)])
case("a document and everything below it", raw("DELETE", CLEAR + "/c/a"), *AFTER, setup=[docs(TREE)])
case("a collection and everything below it", raw("DELETE", CLEAR + "/c"), *AFTER, setup=[docs(TREE)])
case("a subcollection", raw("DELETE", CLEAR + "/c/a/s"), *AFTER, setup=[docs(TREE)])
case("an unknown database", raw("DELETE", CLEAR.replace("(default)", "never")))
case("an unknown document", raw("DELETE", CLEAR + "/c/never"))
case("another database stays", raw("DELETE", CLEAR.replace("(default)", "other")), *AFTER, setup=[docs(TREE)])
case("rules do not apply and no token is needed", raw("DELETE", CLEAR), batch_get("c/a", headers=OWNER),
     rules=ruleset("match /c/{d} { allow read: if false; }"), setup=[docs(TREE)])
case("GET is not found", raw("GET", CLEAR))
case("the list of databases is not found", raw("DELETE", "/emulator/v1/projects/$P/databases"))
case("a project is not found", raw("DELETE", "/emulator/v1/projects/$P"))
case("a cleared document can be created anew", raw("DELETE", CLEAR), create("c", {"n": 9}, "a"), get("c/a"),
     setup=[docs(TREE)])

group("cors")
ORIGIN = {"Origin": "http://localhost:5000"}


def preflight(method="POST", **headers):
    return raw("OPTIONS", D + ":commit", None, {**ORIGIN, "Access-Control-Request-Method": method,
                                                **{k.replace("_", "-"): x for k, x in headers.items()}})


case("a preflight from localhost", preflight())
case("a preflight that asks for headers",
     preflight(Access_Control_Request_Headers="authorization,content-type,google-cloud-resource-prefix"))
case("a preflight that asks for a private network", preflight(Access_Control_Request_Private_Network="true"))
case("a preflight from 127.0.0.1",
     raw("OPTIONS", D + ":commit", None, {"Origin": "http://127.0.0.1:3000", "Access-Control-Request-Method": "POST"}))
case("a preflight from a foreign origin",
     raw("OPTIONS", D + ":commit", None, {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}))
case("OPTIONS without an origin", raw("OPTIONS", D + ":commit"))
case("an answer to localhost", get("c/a", headers=ORIGIN), setup=[docs({"c/a": {"n": 1}})])
case("an error to localhost", get("c/never", headers=ORIGIN))
case("an answer to a foreign origin", get("c/a", headers={"Origin": "https://example.com"}),
     setup=[docs({"c/a": {"n": 1}})])
case("a commit with an origin", raw("POST", D + ":commit", {"writes": []}, ORIGIN))

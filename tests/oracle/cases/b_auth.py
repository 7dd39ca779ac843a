"""Who is asking: the forms of the Authorization header, and what rules see of a token."""
import base64
import json

from caselib import *

group("auth")


def b64(node):
    text = node if isinstance(node, str) else json.dumps(node, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt(payload, header={"alg": "none", "type": "JWT"}, signature=""):
    return f"{b64(header)}.{b64(payload)}.{signature}"


def bearer(token):
    return {"Authorization": "Bearer " + token}


def rules(condition):
    return ("rules_version = '2';\nservice cloud.firestore {\n  match /databases/{db}/documents {\n"
            "    match /c/{id} {\n      allow read: if " + condition + ";\n    }\n  }\n}\n")


A = [docs({"c/a": {"n": 1}})]
DENY = rules("false")


def header_case(name, value):
    case(name, get("c/a", headers=None if value is None else {"Authorization": value}), rules=DENY, setup=A)


header_case("no header is decided by the rules", None)
header_case("Bearer owner passes the rules", "Bearer owner")
header_case("bearer in lower case passes", "bearer owner")
header_case("OWNER in upper case passes", "Bearer OWNER")
header_case("a Google access token passes", "Bearer ya29.abcdef")
header_case("an unsigned JWT is a user", "Bearer " + jwt({"sub": "alice"}))
header_case("garbage is no JWT", "Bearer garbage")
header_case("three parts that are no JSON are no JWT", "Bearer a.b.c")
header_case("two parts are no JWT", "Bearer " + jwt({"sub": "alice"}).rstrip("."))
header_case("four parts", "Bearer " + jwt({"sub": "alice"}) + ".x")
header_case("a payload that is no JSON is no JWT", "Bearer " + b64({"alg": "none"}) + "." + b64("not json") + ".")
header_case("a payload that is a list is no JWT", "Bearer " + b64({"alg": "none"}) + "." + b64("[1]") + ".")
header_case("Bearer with nothing after it", "Bearer ")
header_case("Basic", "Basic dXNlcjpwYXNz")
header_case("Firebase", "Firebase owner")
header_case("owner without Bearer", "owner")
header_case("an empty header", "")
case("an API key does not help", get("c/a", {"key": "abc"}, {"x-goog-api-key": "abc"}), rules=DENY, setup=A)
case("access_token in the query does not help", get("c/a", {"access_token": "owner"}), rules=DENY, setup=A)
case("a garbage token on a write", patch("c/b", {"n": 1}, headers=bearer("garbage")), rules=DENY)
case("a garbage token on a commit", commit(set_("c/b", {}), headers=bearer("garbage")), rules=DENY)
case("a garbage token on a query", query("c", headers=bearer("garbage")), rules=DENY)
case("a garbage token under open rules", get("c/a", headers=bearer("garbage")), setup=A)


def token_case(name, condition, payload, **kw):
    case(name, get("c/a", headers=bearer(jwt(payload, **kw))), rules=rules(condition), setup=A)


token_case("sub is the uid", "request.auth.uid == 'alice'", {"sub": "alice"})
token_case("another uid is denied", "request.auth.uid == 'alice'", {"sub": "bob"})
token_case("user_id is not the uid", "request.auth.uid == 'alice'", {"user_id": "alice"})
token_case("uid is not the uid", "request.auth.uid == 'alice'", {"uid": "alice"})
token_case("a token without sub has a null uid", "request.auth != null && request.auth.uid == null", {"user_id": "x"})
token_case("an empty payload is a user with an empty token",
           "request.auth != null && request.auth.uid == null && request.auth.token.keys().size() == 0", {})
token_case("custom claims are in the token", "request.auth.token.role in ['auditor','monitor']",
           {"sub": "a", "role": "monitor"})
token_case("another claim value is denied", "request.auth.token.role in ['auditor','monitor']",
           {"sub": "a", "role": "writer"})
token_case("a missing claim is an error", "request.auth.token.role == 'auditor'", {"sub": "a"})
token_case("integers are int", "request.auth.token.n is int && request.auth.token.n == 5", {"sub": "a", "n": 5})
token_case("decimals are float", "request.auth.token.n is float", {"sub": "a", "n": 5.5})
token_case("null claims are null", "request.auth.token.n == null", {"sub": "a", "n": None})
token_case("lists and maps are nested", "request.auth.token.o.l[1] == 'b'", {"sub": "a", "o": {"l": ["a", "b"]}})
token_case("sub is in the token too", "request.auth.token.sub == 'alice'", {"sub": "alice"})
token_case("expiry is not checked", "request.auth.uid == 'a'", {"sub": "a", "exp": 3600, "iat": 0})
token_case("the audience is not checked", "request.auth.uid == 'a'", {"sub": "a", "aud": "other-project"})
token_case("a signature is not checked", "request.auth.uid == 'a'", {"sub": "a"}, signature="abc")
token_case("an RS256 header is not checked", "request.auth.uid == 'a'", {"sub": "a"},
           header={"alg": "RS256", "typ": "JWT"}, signature="abc")
token_case("a service account's JWT is an ordinary user", "false", {"iss": "x@p.iam.gserviceaccount.com",
                                                                    "sub": "x@p.iam.gserviceaccount.com"})
token_case("an email claim", "request.auth.token.email.matches('.*@example[.]com')",
           {"sub": "a", "email": "a@example.com"})
case("no token is a null auth", get("c/a"), rules=rules("request.auth == null"), setup=A)
case("the uid of nobody is a null value error", get("c/a"), rules=rules("request.auth.uid != null"), setup=A)
case("a user passes where auth is needed", get("c/a", headers=bearer(jwt({"sub": "a"}))),
     rules=rules("request.auth != null"), setup=A)
case("nobody is denied where auth is needed", get("c/a"), rules=rules("request.auth != null"), setup=A)

USER = bearer(jwt({"sub": "alice"}))
OPEN = rules("true").replace("allow read", "allow read, write")
case("listCollectionIds needs the owner", call("listCollectionIds", {}, headers=USER), rules=OPEN)
case("listCollectionIds needs the owner under open rules too", call("listCollectionIds", {}), rules=OPEN)
case("showMissing needs the owner", get("c", {"showMissing": "true"}, USER), rules=OPEN, setup=A)
case("batchWrite needs the owner", batch_write(set_("c/x", {}), headers=USER), rules=OPEN)
case("batchWrite without a token needs the owner", raw("POST", D + ":batchWrite", {"writes": []}), rules=OPEN)
case("beginTransaction does not need the owner", call("beginTransaction", {}, headers=USER), rules=DENY)
case("an empty commit does not need the owner", commit(headers=USER), rules=DENY)
case("rollback does not need the owner", capture(call("beginTransaction", {}, headers=USER), tx="/transaction"),
     call("rollback", {"transaction": "${tx}"}, headers=USER), rules=DENY)

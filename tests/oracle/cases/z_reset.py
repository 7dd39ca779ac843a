"""POST /reset drops everything: the last group of all."""
from caselib import *

group("zz_reset")
case("reset drops documents", create("c", {"n": 1}, "a"), raw("POST", "/reset"), get("c/a"))
case("reset by GET is not found", raw("GET", "/reset"))
case("after a reset writes go on", raw("POST", "/reset"), create("c", {"n": 1}, "a"), get("c/a"))
case("reset and rules", get("c/a"), raw("POST", "/reset"), get("c/a"),
     rules="service cloud.firestore { match /databases/{d}/documents/c/{i} { allow read: if false; } }")
case("reset closes transactions", capture(call("beginTransaction", {}), tx="/transaction"), raw("POST", "/reset"),
     call("commit", {"writes": [], "transaction": "${tx}"}))

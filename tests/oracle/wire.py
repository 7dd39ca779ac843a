"""Sending, naming and comparing answers: what record.py and replay.py share.

A recording must be the same on every run, so everything volatile in an answer becomes a placeholder:

  <T1>      a time the server gave (createTime, updateTime, commitTime). Numbered in time order within the case; a
            replay must see strictly rising times. <T1:us> is the same instant written as microseconds in a message.
  <R1>      a readTime. <S1> a server timestamp inside a field (milliseconds at most).
  <ID1>     a document id made by the server. <X1> a transaction id. <N1> a page token.

One placeholder is one value throughout the case. Python 3.11, standard library only.
"""
import base64
import datetime
import http.client
import json
import math
import re
import socket
import urllib.parse

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z"
FORMS = {
    "T": TIME,
    "R": TIME,
    "S": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z",
    "ID": r"[A-Za-z0-9]{20}",
    "X": r"[A-Za-z0-9+/]{4,}={0,2}",
    "N": r"[A-Za-z0-9+/_-]{4,}={0,2}",
    "us": r"\d{16}",
}
PLACEHOLDER = re.compile(r"<(T|R|S|ID|X|N)(\d+)(:us)?>")
KEPT_HEADERS = ("content-type",)
AUTO_ID = re.compile(r"(?<=/)[A-Za-z0-9]{20}(?=$|[/\s\"])")
MICROS = re.compile(r"\b1[6-9]\d{14}\b")


class Hang(Exception):
    """No answer in time: some requests hang Google's emulator (they belong in ours.json)."""


class Client:
    """One keep-alive HTTP/1.1 connection, reopened when it breaks. Targets are sent as they are written."""

    def __init__(self, address, timeout=15.0):
        host, _, port = address.rpartition(":")
        self.host, self.port, self.timeout = host, int(port), timeout
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def once(self, method, target, headers, body):
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        c = self.connection
        c.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            c.putheader(name, value)
        if body is not None or method in ("POST", "PUT", "PATCH"):
            c.putheader("Content-Length", str(len(body or b"")))
        c.endheaders(body)
        answer = c.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def send(self, method, target, headers=(), body=None):
        fresh = self.connection is None
        try:
            return self.once(method, target, headers, body)
        except (socket.timeout, TimeoutError):
            self.close()
            raise Hang(f"{method} {target}: no answer within {self.timeout} s") from None
        except (http.client.HTTPException, OSError):
            self.close()
            if fresh:
                raise
            return self.once(method, target, headers, body)


REPEAT = re.compile(r"\$\{repeat:(.*?):(\d+)\}")
CAPTURED = re.compile(r"\$\{(\w+)(:url)?\}")


def fill(node, captured):
    """${repeat:TEXT:N} and ${captured} inside any string of a request (the :url form percent-encodes)."""
    if isinstance(node, str):
        node = REPEAT.sub(lambda m: m[1] * int(m[2]), node)

        def value(m):
            text = str(captured[m[1]])
            return urllib.parse.quote(text, safe="") if m[2] else text
        return CAPTURED.sub(value, node)
    if isinstance(node, list):
        return [fill(x, captured) for x in node]
    if isinstance(node, dict):
        return {fill(k, captured): fill(x, captured) for k, x in node.items()}
    return node


def nest(kind, depth):
    """A Value nested `depth` deep: what the body forms {"$nest": ["map"|"array", n]} stand for."""
    value = {"integerValue": "1"}
    for _ in range(depth):
        value = {"mapValue": {"fields": {"f": value}}} if kind == "map" else {"arrayValue": {"values": [value]}}
    return value


def grow(node):
    if isinstance(node, list):
        return [grow(x) for x in node]
    if isinstance(node, dict):
        if set(node) == {"$nest"}:
            return nest(*node["$nest"])
        if set(node) == {"$copies"}:  # [n, value]: a list of n, "#" in its strings replaced by the index
            n, value = node["$copies"]
            text = json.dumps(value)
            return [grow(json.loads(text.replace("#", str(i)))) for i in range(n)]
        return {k: grow(x) for k, x in node.items()}
    return node


def request_bytes(request, captured):
    """(method, target, headers, body bytes or None) of a recorded request."""
    body = request.get("body")
    headers = [(k, fill(v, captured)) for k, v in request.get("headers", {}).items()]
    if "base64" in request:
        data = base64.b64decode(request["base64"])
    elif body is None:
        data = None
    elif isinstance(body, str):
        data = fill(body, captured).encode()
    else:
        data = json.dumps(fill(grow(body), captured)).encode()
        if not any(k.lower() == "content-type" for k, _ in headers):
            headers.append(("Content-Type", "application/json"))
    return request["method"], fill(request["target"], captured), headers, data


def parse_answer(status, headers, body):
    """The part of an answer that recordings keep."""
    kept = {k: v for k, v in headers.items() if k in KEPT_HEADERS or k.startswith("access-control-")}
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text) if text else ""
    except ValueError:
        parsed = text
    return {"status": status, "headers": kept, "body": parsed}


def pointer(node, path):
    """The value at /a/0/b of a JSON document."""
    for part in path.strip("/").split("/"):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


def run_step(client, step, captured):
    request = request_bytes(step["request"], captured)
    answer = parse_answer(*client.send(*request))
    for name, path in step.get("capture", {}).items():
        try:
            captured[name] = pointer(answer["body"], path)
        except (KeyError, IndexError, TypeError, ValueError):
            captured[name] = "NOT-CAPTURED"
    return answer


# ---- naming what is volatile (recording) ----

def to_us(text):
    stamp = text.rstrip("Z")
    whole, _, fraction = stamp.partition(".")
    seconds = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return int(seconds) * 1000000 + int((fraction + "000000")[:6])


def strings_of(node, key=""):
    """(key, string) for every string, depth first, with the name of the member that holds it."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, list):
        for x in node:
            yield from strings_of(x, key)
    elif isinstance(node, dict):
        for k in sorted(node):
            yield from strings_of(node[k], k)


class Namer:
    """Gives placeholders to the volatile strings of one case, recorded between two instants (us)."""

    def __init__(self, begin, end):
        self.begin, self.end = begin, end
        self.names = {}
        self.counts = {}

    def recent(self, us):
        return self.begin - 60_000_000 <= us <= self.end + 60_000_000

    def kind(self, key, text):
        if re.fullmatch(TIME, text) and self.recent(to_us(text)):
            return {"readTime": "R", "timestampValue": "S"}.get(key, "T")
        if key == "transaction" and text:
            return "X"
        if key == "nextPageToken" and text:
            return "N"
        return None

    def name(self, kind, value):
        if (kind, value) not in self.names:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.names[(kind, value)] = f"<{kind}{self.counts[kind]}>"
        return self.names[(kind, value)]

    def learn(self, bodies):
        times = set()
        for body in bodies:
            for key, text in strings_of(body):
                if self.kind(key, text) == "T":
                    times.add(to_us(text))
                for m in MICROS.finditer(text):
                    if key == "message" and self.recent(int(m[0])):
                        times.add(int(m[0]))
        for us in sorted(times):
            self.name("T", us)

    def replace(self, node, key=""):
        if isinstance(node, list):
            return [self.replace(x, key) for x in node]
        if isinstance(node, dict):
            return {k: self.replace(node[k], k) for k in sorted(node)}
        if not isinstance(node, str):
            return node
        kind = self.kind(key, node)
        if kind:
            return self.name(kind, to_us(node) if kind == "T" else node)
        if key == "message":
            node = MICROS.sub(lambda m: self.name("T", int(m[0]))[:-1] + ":us>" if self.recent(int(m[0])) else m[0], node)
        if key in ("name", "message", "document", "found", "missing", "referenceValue"):
            node = AUTO_ID.sub(lambda m: self.name("ID", m[0]), node)
        return node


# ---- comparing (replay) ----

class Bindings:
    """What each placeholder stood for so far in this case."""

    def __init__(self):
        self.values = {}

    def match(self, expected, actual):
        """None when the strings agree; else why not."""
        if not PLACEHOLDER.search(expected):
            return None if expected == actual else f"expected {expected!r}, got {actual!r}"
        parts, names, at = [], [], 0
        for m in PLACEHOLDER.finditer(expected):
            parts.append(re.escape(expected[at:m.start()]))
            parts.append("(" + FORMS["us" if m[3] else m[1]] + ")")
            names.append((m[1], m[2], bool(m[3])))
            at = m.end()
        parts.append(re.escape(expected[at:]))
        found = re.fullmatch("".join(parts), actual, re.S)
        if not found:
            return f"expected {expected!r}, got {actual!r}"
        for (kind, number, us), text in zip(names, found.groups()):
            value = (int(text) if us else to_us(text)) if kind == "T" else text
            known = self.values.setdefault((kind, int(number)), value)
            if known != value:
                return f"<{kind}{number}> was {known!r}, now {value!r}"
        return None

    def check_relations(self):
        """Times must rise with their number; ids and transactions must differ from each other."""
        out = []
        times = sorted((n, v) for (kind, n), v in self.values.items() if kind == "T")
        for (n1, v1), (n2, v2) in zip(times, times[1:]):
            if v1 >= v2:
                out.append(f"<T{n1}> ({v1}) is not before <T{n2}> ({v2})")
        for wanted in ("ID", "X"):
            seen = {}
            for (kind, n), value in sorted(self.values.items()):
                if kind == wanted and value in seen:
                    out.append(f"<{kind}{n}> equals <{kind}{seen[value]}>")
                if kind == wanted:
                    seen[value] = n
        return out


def is_number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool)


def differences(expected, actual, bindings, path=""):
    """Every place where two JSON documents differ, as text. Map order is ignored; numbers compare by value."""
    where = path or "body"
    if isinstance(expected, dict) and isinstance(actual, dict):
        out = []
        for k in expected:
            if k not in actual:
                out.append(f"{where}: lacks {k!r}")
            else:
                out += differences(expected[k], actual[k], bindings, f"{path}/{k}")
        out += [f"{where}: has {k!r} too: {short(actual[k])}" for k in actual if k not in expected]
        return out
    if isinstance(expected, list) and isinstance(actual, list):
        out = []
        if len(expected) != len(actual):
            out.append(f"{where}: {len(expected)} elements expected, got {len(actual)}")
        for i, (e, a) in enumerate(zip(expected, actual)):
            out += differences(e, a, bindings, f"{path}/{i}")
        return out
    if isinstance(expected, str) and isinstance(actual, str):
        why = bindings.match(expected, actual)
        return [f"{where}: {why}"] if why else []
    if is_number(expected) and is_number(actual):
        same = expected == actual or (math.isnan(expected) and math.isnan(actual))
        return [] if same else [f"{where}: expected {expected!r}, got {actual!r}"]
    if type(expected) is type(actual) and expected == actual:
        return []
    return [f"{where}: expected {short(expected)}, got {short(actual)}"]


def short(node, limit=160):
    text = json.dumps(node, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "..."


def without_details(body):
    """Errors compare by code, status and message: what else a server adds under `details` is its own."""
    if isinstance(body, dict):
        return {k: without_details(x) for k, x in body.items() if not (k == "details" and "message" in body)}
    if isinstance(body, list):
        return [without_details(x) for x in body]
    return body


def answer_differences(expected, actual, bindings):
    out = []
    if expected["status"] != actual["status"]:
        out.append(f"status: expected {expected['status']}, got {actual['status']}")
    for name, value in expected.get("headers", {}).items():
        got = actual["headers"].get(name)
        if name == "content-type":
            value, got = value.split(";")[0].strip(), (got or "").split(";")[0].strip()
        if got != value:
            out.append(f"header {name}: expected {value!r}, got {got!r}")
    for name in actual["headers"]:
        if name.startswith("access-control-") and name not in expected.get("headers", {}):
            out.append(f"header {name}: not expected, got {actual['headers'][name]!r}")
    return out + differences(expected["body"], without_details(actual["body"]), bindings)

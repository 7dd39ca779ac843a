#!/usr/bin/env python3
"""Asks a running Firestore emulator how it judges expressions and requests, and writes the answers down.

    record_verdicts.py HOST:PORT expressions lists requests > verdicts/recorded.ndjson
    record_verdicts.py HOST:PORT more batteries > verdicts/more.ndjson
    record_verdicts.py HOST:PORT styles > verdicts/styles.ndjson
    test_proof --print 2500 | record_verdicts.py HOST:PORT proofs > verdicts/proofs.ndjson

Standard library only. Expressions become `allow get: if <expr>` in one match block each, 100 to a project,
so that one upload judges 100 of them; the value of the expression is read from the coverage report. The
answers are replayed by test_verdicts.c. Texts are normalised: what a first evaluation pass said
("evaluation error at L4:33") and repetitions are dropped, as our messages give each reason once.
"""
import base64
import http.client
import itertools
import json
import re
import sys

import verdict_batteries as batteries
import verdict_more as more
import verdict_random as styles
import verdict_requests as scenarios

BATCH = 100


class Emulator:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.http = http.client.HTTPConnection(host, int(port), timeout=60)

    def call(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + token
        self.http.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.http.getresponse()
        text = answer.read().decode("utf-8", "replace")
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def rules(self, project, text):
        body = {"rules": {"files": [{"name": "r.rules", "content": text}]}}
        return self.call("PUT", f"/emulator/v1/projects/{project}:securityRules", body, "owner")

    def documents(self, project, method, path, body=None, token=None):
        return self.call(method, f"/v1/projects/{project}/databases/(default)/documents{path}", body, token)


def jwt(claims):
    def part(obj):
        return base64.urlsafe_b64encode(json.dumps(obj).encode()).rstrip(b"=").decode()

    return part({"alg": "none", "type": "JWT"}) + "." + part(claims) + "."


# ---- documents, in the plain notation of the record: Firestore's own JSON values ----

DOC = {
    "s": {"stringValue": "abc"}, "n": {"integerValue": "7"}, "d": {"doubleValue": 2.5}, "b": {"booleanValue": True},
    "z": {"nullValue": None}, "by": {"bytesValue": "AAH/"}, "t": {"timestampValue": "2024-02-29T12:34:56.789123Z"},
    "g": {"geoPointValue": {"latitude": 10.5, "longitude": -20.25}},
    "r": {"referenceValue": "projects/{p}/databases/(default)/documents/u/v"},
    "l": {"arrayValue": {"values": [{"integerValue": "1"}, {"stringValue": "x"}, {"doubleValue": 1.0}]}},
    "e": {"arrayValue": {}},
    "m": {"mapValue": {"fields": {"k": {"integerValue": "1"}, "in": {"mapValue": {"fields": {
        "deep": {"stringValue": "v"}}}}}}},
    "v": {"mapValue": {"fields": {"__type__": {"stringValue": "__vector__"}, "value": {"arrayValue": {"values": [
        {"doubleValue": 1.0}, {"doubleValue": 2.0}]}}}}},
    "u8": {"stringValue": "日本𝄞"}, "size": {"integerValue": "3"}, "nan": {"doubleValue": "NaN"},
}
TOKEN = {"sub": "alice", "user_id": "alice", "role": "auditor", "level": 3, "rate": 0.5, "flags": ["a", "b"],
         "nothing": None, "firebase": {"sign_in_provider": "custom", "identities": {}}}


def encode(value):
    """The plain notation of verdict_requests.py as a Firestore value; None for the server's time."""
    if isinstance(value, scenarios.T):
        return {"timestampValue": str(value)}
    if isinstance(value, scenarios.R):
        return {"referenceValue": "projects/{p}/databases/(default)/documents/" + value}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"integerValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [encode(v) for v in value]}}
    if isinstance(value, dict):
        return {"mapValue": {"fields": {k: encode(v) for k, v in value.items()}}}
    assert value is None
    return {"nullValue": None}


def encode_fields(fields):
    """Fields, and the names of those that are the server's time."""
    return ({k: encode(v) for k, v in fields.items() if v is not scenarios.NOW},
            [k for k, v in fields.items() if v is scenarios.NOW])


def with_project(obj, project):
    return json.loads(json.dumps(obj).replace("{p}", project))


# ---- expressions ----

SAMPLES = [
    "null", "true", "1", "2.5", "'abc'", "b'abc'", "[1, 2]", "{'a': 1}", "[1, 2].toSet()", "/a/b",
    "timestamp.date(2020, 1, 2)", "duration.value(1, 'h')", "latlng.value(1.0, 2.0)", "{'a': 1}.diff({'b': 1})",
    "resource.data.v", "{'a': 1}.x",
]
BINARY = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in", "&&", "||"]
TYPES = ("bool bytes constraint duration float int latlng list vector set number map string timestamp path "
         "map_diff").split()
METHODS = {  # name -> argument lists to try on every receiver
    "size": ["", "1"], "lower": [""], "upper": [""], "trim": [""], "split": ["','", "1", ""], "matches": ["'a.c'", "1", ""],
    "replace": ["'b', 'x'", "'b'", "1, 2"], "toUtf8": [""], "toBase64": [""], "toHexString": [""],
    "hasAny": ["[1]", "[1].toSet()", "1", ""], "hasAll": ["[1]", "[1].toSet()", "'a'"],
    "hasOnly": ["[1, 2, 3]", "[1, 2, 3].toSet()", "null"], "concat": ["[3]", "'x'", ""], "removeAll": ["[1]", "1"],
    "join": ["','", "1", ""], "toSet": ["", "1"], "union": ["[9].toSet()", "[9]"],
    "intersection": ["[1].toSet()", "[1]"], "difference": ["[1].toSet()", "[1]"], "keys": ["", "1"],
    "values": [""], "get": ["'a', 0", "['a'], 0", "'a'", "1, 2", "", "'a', 1, 2"], "diff": ["{'a': 2}", "1", ""],
    "addedKeys": [""], "removedKeys": [""], "changedKeys": [""], "unchangedKeys": [""], "affectedKeys": ["", "1"],
    "bind": ["{'x': 'y'}", "1"], "year": ["", "1"], "month": [""], "day": [""], "hours": [""], "minutes": [""],
    "seconds": [""], "nanos": [""], "dayOfWeek": [""], "dayOfYear": [""], "date": [""], "time": [""],
    "toMillis": [""], "latitude": [""], "longitude": [""], "distance": ["latlng.value(1, 1)", "1"], "nope": [""],
}
OWN_METHODS = {  # receivers on which every argument list is tried; elsewhere one is enough
    **{name: ("'abc'", "[1, 2]", "{'a': 1}", "[1, 2].toSet()", "b'abc'") for name in METHODS},
    **{name: ("timestamp.date(2020, 1, 2)", "duration.value(1, 'h')") for name in ("year", "seconds", "nanos")},
    "bind": ("/a/b",), "distance": ("latlng.value(1.0, 2.0)",), "affectedKeys": ("{'a': 1}.diff({'b': 1})",),
}
GLOBALS = ["int", "float", "string", "path", "debug", "exists", "get", "getAfter", "existsAfter"]
PACKAGES = {
    "math": ["abs", "ceil", "floor", "round", "sqrt", "isNaN"], "hashing": ["md5", "sha256", "crc32", "crc32c"],
    "duration": ["abs"], "timestamp": ["value"],
}

HAND = r"""
1 + 1 == 2
9223372036854775807 + 1
-9223372036854775808 - 1
9223372036854775807 * 2
-(-9223372036854775808)
-9223372036854775808 / -1
-9223372036854775808 % -1
math.abs(-9223372036854775808)
7 / 2
-7 / 2
7 / -2
-7 % 3
7 % -3
1 / 0
1 % 0
1.0 / 0
-1.0 / 0
0.0 / 0
1 % 0.0
5.5 % 2
1 + 2.5
2.5 + 1
2 * 2.5
1 - 0.5
7 / 2.0
0.1 + 0.2
'a' + 'b'
'a' + 1
[1] + [2]
{'a': 1} + {'b': 2}
b'a' + b'b'
1 == 1.0
9007199254740993 == 9007199254740992.0
9007199254740993 > 9007199254740992.0
9007199254740993 < 9007199254740992.0
0.0 / 0 == 0.0 / 0
-0.0 == 0.0
[1] == [1.0]
[1, 2] == [2, 1]
{'a': 1} == {'a': 1.0}
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
1.0 in [1]
1 in [1]
[1].hasAll([1.0])
[1, 1.0].toSet().size()
[1, 1.0].toSet()
1 in [1.0].toSet()
{'a': 0}.diff({'a': 0.0}).changedKeys()
{'a': 0}.diff({'a': 0.0}).unchangedKeys()
[1].toSet() == [1]
[1].toSet() == [1.0].toSet()
[1, 2].toSet() == [2, 1].toSet()
'a' in {'a': 1}
'b' in {'a': 1}
1 in {'a': 1}
'a' in 'abc'
'a' in null
null in [null]
[1] in [[1]]
[1, 2, 3][0]
[1, 2, 3][3]
[1, 2, 3][-1]
[1, 2, 3]['a']
[1, 2, 3][1.0]
'abc'[0]
'abc'[3]
'abc'[-1]
/a/b[0]
/a/b[1]
/a/b[2]
{'a': 1}['a']
{'a': 1}['b']
{'a': 1}[0]
null['a']
1['a']
[1, 2, 3][0:2]
[1, 2, 3][1:]
[1, 2, 3][:2]
[1, 2, 3][:]
[1, 2, 3][1:1]
[1, 2, 3][0:0]
[1, 2, 3][3:3]
[1, 2, 3][2:1]
[1, 2, 3][0:4]
[1, 2, 3][-1:2]
[1, 2, 3][0:1.0]
'abc'[0:2]
'abc'[1:]
'abc'[:1]
'abc'[0:0]
'abc'[3:3]
'abc'[1:1]
'abc'[2:1]
'abc'[0:4]
/a/b/c[0:2]
/a/b/c[1:]
/a/b/c[1:1]
{'a': 1}[0:1]
1[0:1]
'日本𝄞'.size()
'日本𝄞'[2]
'日本𝄞'[3]
'日本𝄞'[0:3]
'日本𝄞'[2:4]
'日本𝄞'[2] + '日本𝄞'[3]
'日本𝄞'[2] + '日本𝄞'[3] == '𝄞'
'é' > 'z'
'a' > 'B'
'𝄞' > '\uffff'
b'b' > b'a'
b'a' < b'ab'
b'\xff' > b'\x01'
null.x
1.x
'abc'.x
[1].x
/a/b.x
{'a': {'b': 2}}.a.b
{'a': {'b': 2}}.a.c
{'a': null}.a.b
{'a': 1, 'a': 2}
{'a': 1, 'a': 2}.size()
{1: 2}
{'a': 1}.x == 1
[{'a': 1}.x]
{'a': {'b': 1}.x}
!true
!false
!null
!1
!{'a': 1}.x
-1
-2.5
-'a'
-duration.value(1, 's')
-null
-[1]
{'a': 1}.x || true
true || {'a': 1}.x
{'a': 1}.x && false
false && {'a': 1}.x
{'a': 1}.x || false
{'a': 1}.x && true
false || {'a': 1}.x
true && {'a': 1}.x
'a' || true
true || 'a'
'a' && false
false && 'a'
'a' && true
'a' || 'b'
1 || {'a': 1}.x
{'a': 1}.x || 1
null || true
null && true
true ? 1 : 2
false ? 1 : 2
null ? 1 : 2
1 ? 1 : 2
{'a': 1}.x ? 1 : 2
true ? 1 : {'a': 1}.x
false ? {'a': 1}.x : 2
true ? false ? 1 : 2 : 3
{'a': 1}.x is int
null is bool
1 is number
1.5 is number
1 is int
1.0 is int
1.0 is float
'a' is number
[].toSet() is set
[1].toSet() is set
{'a': 1}.diff({}) is map_diff
{'a': 1}.keys() is list
{'a': 1}.keys() is set
1 in [1] == true
'a' == 'b' in [false]
int('5')
int('+5')
int('-5')
int(' 5')
int('5.5')
int('')
int('9223372036854775807')
int('9223372036854775808')
int('abc')
int('0x10')
int('007')
int(5.9)
int(-5.9)
int(1e0)
int(9.3e18)
int(0.0 / 0)
int(1.0 / 0)
int(-1.0 / 0)
int(9300000000000000000.0)
int(true)
int(null)
int('٣')
float('1e3')
float('NaN')
float('Infinity')
float('-Infinity')
float('0x1p3')
float(' 1 ')
float('1.5f')
float('1.5d')
float('abc')
float('')
float('.5')
float('5.')
float('1_0')
float('nan')
float('inf')
float('+1.5')
float('1e400')
float('4.9e-324')
float(7)
float(true)
float(null)
float(9007199254740993)
string(1)
string(1.0)
string(100000000.0)
string(12345678.9)
string(0.0001)
string(0.001)
string(123456.789)
string(1.0 / 0)
string(-1.0 / 0)
string(0.0 / 0)
string(-0.0)
string(9007199254740993.0)
string(10000000.0)
string(9999999.0)
string(2.0e0)
string(0.1)
string(100.0)
string(1.0E10)
string(3.4028234663852886E38)
string(4.35)
string(2.2250738585072014)
string(true)
string(null)
string('x')
string(/a/b)
string(/a/$('b/c')/d)
string(/a/b%20c)
string([1])
string({'a': 1})
string(b'a')
string(timestamp.date(2020, 1, 1))
string(duration.value(1, 's'))
string(-9223372036854775808)
path('a/b')
path('/a/b')
path('')
path('/')
path('a//b')
path('a/b/')
path('{x}')
path('a/{x}')
path('a/{x=*}')
path('a/{x=**}')
path('a/{x}/b/{y}')
path('a b/c')
path('a%20b/c')
path('a+b/c')
path('a/$(x)')
path('a/*')
path('é/b')
path('a/b') == /a/b
path('/a/b') == path('a/b')
path(1)
path(/a/b)
/a/b == /a/b
/a/b == /a/c
/a/$('b') == /a/b
/a/$(1)
/a/$(1.5)
/a/$(true)
/a/$(null)
/a/$('')
/a/$('b/c')
/a/$('b/c') == /a/b/c
/a/$([1])
/a/$({'a': 1})
/a/$(/b/c)
/a/$(/b)
/a/$(timestamp.date(2020, 1, 1))
/a/$(b'x')
/a/$({'a': 1}.x)
/a%20b/c+d
/a%20b == /a+b
/a/*
/(default)/x
/a/(default)
/{x}
/a/{x}
/a/{x}/b
/a/{x=**}
path('a/{x}').bind({'x': 'y'})
path('a/{x}').bind({'x': 'y'}).x
path('a/{x}').bind({'x': 'y'}) == /a/y
path('a/{x}').bind({'x': 1})
path('a/{x}').bind({'x': null})
path('a/{x}').bind({'x': [1]})
path('a/{x}').bind({'x': /p/q})
path('a/{x}').bind({'x': 'p/q'})
path('a/{x}').bind({})
path('a/{x}/b/{y}').bind({'x': '1'})
path('a/{x}/b/{y}').bind({'x': '1', 'y': '2'})
path('a/{x}').bind({'x': '1', 'z': '2'})
path('a/{x=**}').bind({'x': 'p'})
path('a/{x=**}').bind({'x': /p/q})
path('a/{x=**}').bind({'x': 'p/q'})
path('a/{x}').x
path('a/{x}')[1]
path('a/{x}')[0]
path('a/{x}') == path('a/{y}')
path('a/{x}') == path('a/{x}')
/a/{x}.bind({'x': 'y'})
/a/b.bind({'x': 'y'})
string(path('a/{x}').bind({'x': 'y'}))
string(path('a/{x}'))
string(path('a/{x=**}'))
'abc'.size()
''.size()
'ABCé'.lower()
'abcÉé'.upper()
'İ'.lower()
'ß'.upper()
'  a '.trim()
'\t\n a \r\f'.trim()
' a '.trim()
'\u00a0a'.trim()
'\ba'.trim()
'\u000ba'.trim()
'\x1fa'.trim()
'a,b,c'.split(',')
'a,b,,'.split(',')
',a'.split(',')
''.split(',')
','.split(',')
',,'.split(',')
'abc'.split('')
''.split('')
'日𝄞'.split('')
'a.b'.split('.')
'a.b'.split('[.]')
'a1b22c'.split('[0-9]+')
'abc'.split('x*')
'axbxxc'.split('x*')
'abc'.split('b*')
'abc'.split('$')
'abc'.split('^')
'a b'.split('\\s')
'aXbxc'.split('(?i)x')
'abc'.split('(b)')
'abc'.matches('abc')
'abc'.matches('ab')
'abc'.matches('a.*')
'abc'.matches('(?i)ABC')
'a\nb'.matches('a.b')
'a\nb'.matches('(?s)a.b')
'abc\n'.matches('abc')
'abc'.matches('^abc$')
'abc'.matches('a|abc')
'é'.matches('.')
'𝄞'.matches('.')
'𝄞'.matches('..')
'é'.matches('\\w')
'é'.matches('\\pL')
'7'.matches('\\d')
'٣'.matches('\\d')
'abc'.matches('')
''.matches('')
''.matches('a*')
'aa'.matches('a{2}')
'a'.matches('a{1001}')
'abc'.matches('(')
'abc'.matches(resource.data.s)
'abc'.matches(resource.data.s + '(')
'abc'.matches(resource.data.s + '(?=x)')
'abc'.split(resource.data.s + '(')
'abc'.replace(resource.data.s + '(', 'x')
'abc'.replace('b', 'x')
'abcb'.replace('b', 'x')
'abc'.replace('', '-')
'abc'.replace('(b)', '[$1]')
'abc'.replace('(b)', '[$0]')
'abc'.replace('(b)', '$2')
'abc'.replace('b', '$')
'abc'.replace('b', '$x')
'abc'.replace('b', '\\$')
'abc'.replace('b', '\\')
'abc'.replace('b', '\\\\')
'abc'.replace('b', '\\1')
'abc'.replace('(b)', '$1$1')
'abc'.replace('(b)', '${1}')
'abc'.replace('(?P<n>b)', '${n}')
'abc'.replace('(?P<n>b)', '[$n]')
'abc'.replace('(b)', '$10')
'abc'.replace('(b)', '$1x')
'aaa'.replace('a*', 'x')
'baac'.replace('a*', 'x')
'abc'.replace('x*', '-')
'a.b'.replace('.', '-')
'日𝄞'.replace('', '-')
'é'.toUtf8()
'𝄞'.toUtf8()
'𝄞'[0].toUtf8()
'abc'.contains('a')
'abc'.length
'abc'.length()
'abc'.startsWith('a')
b'abc'.size()
b'\x00\x01\xff'.toBase64()
b'\xfb\xff\xfe'.toBase64()
b'\xab\xcd'.toHexString()
b''.toBase64()
b'é'.size()
b'abc'[0]
b'abc' == b'abc'
b'abc' == 'abc'
[1, 2].hasAny([2, 3])
[1, 2].hasAny([])
[].hasAny([])
[1, 2].hasAll([1])
[1, 2].hasAll([])
[1, 2].hasAll([1, 3])
[1].hasAll([1, 1])
[1, 2].hasOnly([1, 2, 3])
[1, 1].hasOnly([1])
[].hasOnly([1])
[1, 4].hasOnly([1, 2, 3])
[1].concat([2, 1])
[1, 2, 1].removeAll([1])
[1].removeAll([1.0])
[1, 2].join('-')
['a', null, true, 1.5].join(',')
[].join(',')
[[1]].join(',')
[/a/b].join(',')
[b'a'].join(',')
[timestamp.date(2020, 1, 1)].join(',')
[{'a': 1}].join(',')
[1, 2, 2].toSet().size()
[3, 1, 2].toSet()
['b', 'a'].toSet()
[[1], [1.0]].toSet().size()
[null, null].toSet().size()
[0.0 / 0, 0.0 / 0].toSet().size()
[0.0, -0.0].toSet().size()
[/a/b, /a/b].toSet().size()
[{'a': 1}, {'a': 1.0}].toSet().size()
[1].toSet().hasAny([1])
[1].toSet().hasAll([1].toSet())
[1].toSet().hasOnly([1, 2])
[1, 2].toSet().union([3].toSet())
[1, 2].toSet().intersection([2, 3].toSet())
[1, 2].toSet().difference([2, 3].toSet())
[1].toSet().union([1.0].toSet())
[1.0].toSet().intersection([1].toSet())
[1].toSet()[0]
[1].toSet().toSet()
[1].toSet().concat([1])
[1].toSet().join(',')
[0.0 / 0] == [0.0 / 0]
0.0 / 0 in [0.0 / 0]
[0.0 / 0].hasAll([0.0 / 0])
[0.0] == [-0.0]
0.0 in [-0.0]
{'b': 1, 'a': 2}.keys()
{'b': 1, 'a': 2}.values()
{}.keys()
{}.size()
{'a': 1}.get('a', 2)
{'a': 1}.get('b', 2)
{'a': null}.get('a', 2)
{'a': 1}.get('b', {'a': 1}.x)
{'a': {'b': 1}}.get(['a', 'b'], 2)
{'a': {'b': 1}}.get(['a', 'c'], 2)
{'a': 1}.get(['a', 'c'], 2)
{'a': 1}.get([], 2)
{'a': 1}.get([1], 2)
{'a': 1}.get(['b', 1], 2)
{'a': 1}.get(['a', 1], 2)
{'a': {'b': null}}.get(['a', 'b'], 2)
{'a': 1}.diff({'a': 1}).affectedKeys()
{'a': 1, 'b': 2, 'c': 3}.diff({'a': 1, 'b': 3, 'd': 4}).addedKeys()
{'a': 1, 'b': 2, 'c': 3}.diff({'a': 1, 'b': 3, 'd': 4}).removedKeys()
{'a': 1, 'b': 2, 'c': 3}.diff({'a': 1, 'b': 3, 'd': 4}).changedKeys()
{'a': 1, 'b': 2, 'c': 3}.diff({'a': 1, 'b': 3, 'd': 4}).unchangedKeys()
{'a': 1, 'b': 2, 'c': 3}.diff({'a': 1, 'b': 3, 'd': 4}).affectedKeys()
{'a': {'b': 1}}.diff({'a': {'b': 2}}).affectedKeys()
{'a': [1]}.diff({'a': [1.0]}).changedKeys()
{'a': {'b': 1}}.diff({'a': {'b': 1.0}}).changedKeys()
{'a': [1, 2]}.diff({'a': [2, 1]}).changedKeys()
{'a': 1}.diff({}) == {'a': 1}.diff({})
{'a': 1}.diff({}).x
{'a': 1}.diff({})
{'a': 0.0 / 0}.diff({'a': 0.0 / 0}).changedKeys()
{'size': 5}.size
{'size': 5}.size()
timestamp.date(2021, 2, 29)
timestamp.date(2020, 2, 29)
timestamp.date(0, 1, 1)
timestamp.date(1, 1, 1)
timestamp.date(9999, 12, 31)
timestamp.date(10000, 1, 1)
timestamp.date(2020, 13, 1)
timestamp.date(2020, 0, 1)
timestamp.date(-1, 1, 1)
timestamp.date(2020, 1)
timestamp.date(2020, 1, 1.0)
timestamp.date('2020', 1, 1)
timestamp.value(0)
timestamp.value(1)
timestamp.value(-1)
timestamp.value(1600000000123)
timestamp.value(99999999999999999)
timestamp.value(-99999999999999999)
timestamp.value(253402300799999)
timestamp.value(253402300800000)
timestamp.value(-62135596800000)
timestamp.value(-62135596800001)
timestamp.value('2020-01-01T00:00:00Z')
timestamp.value('2020-01-01T00:00:00.123456789Z')
timestamp.value('2020-01-01T00:00:00+02:00')
timestamp.value('2020-01-01')
timestamp.value('2020-01-01T00:00:00')
timestamp.value('2020-01-01 00:00:00Z')
timestamp.value('abc')
timestamp.value('')
timestamp.value('2020-02-30T00:00:00Z')
timestamp.value('2020-01-01T24:00:00Z')
timestamp.value('2020-01-01T23:59:60Z')
timestamp.value('2020-01-01t00:00:00z')
timestamp.value(1.5)
timestamp.value(timestamp.date(2020, 1, 1))
timestamp.value('2024-02-29T12:34:56.789123Z').year()
timestamp.value('2024-02-29T12:34:56.789123Z').month()
timestamp.value('2024-02-29T12:34:56.789123Z').day()
timestamp.value('2024-02-29T12:34:56.789123Z').hours()
timestamp.value('2024-02-29T12:34:56.789123Z').minutes()
timestamp.value('2024-02-29T12:34:56.789123Z').seconds()
timestamp.value('2024-02-29T12:34:56.789123Z').nanos()
timestamp.value('2024-02-29T12:34:56.789123Z').dayOfWeek()
timestamp.value('2024-02-29T12:34:56.789123Z').dayOfYear()
timestamp.value('2024-02-29T12:34:56.789123Z').date()
timestamp.value('2024-02-29T12:34:56.789123Z').time()
timestamp.value('2024-02-29T12:34:56.789123Z').toMillis()
timestamp.value('1969-12-31T23:59:59.5Z').toMillis()
timestamp.value('1969-12-31T23:59:59.5Z').seconds()
timestamp.value('1969-12-31T23:59:59.5Z').nanos()
timestamp.value('1969-12-31T23:59:59.5Z').time()
timestamp.value('1969-12-31T23:59:59.5Z').dayOfWeek()
timestamp.value('1969-12-31T23:59:59.9999Z').toMillis()
timestamp.value('0001-01-01T00:00:00Z').dayOfWeek()
timestamp.value('2024-03-03T00:00:00Z').dayOfWeek()
timestamp.date(2020, 1, 1) + duration.value(1, 'd')
duration.value(1, 'd') + timestamp.date(2020, 1, 1)
timestamp.date(2020, 1, 1) - duration.value(1, 'd')
duration.value(1, 'd') - timestamp.date(2020, 1, 1)
timestamp.date(2020, 1, 2) - timestamp.date(2020, 1, 1)
timestamp.date(2020, 1, 1) + timestamp.date(2020, 1, 1)
timestamp.date(9999, 12, 31) + duration.value(2, 'd')
timestamp.date(1, 1, 1) - duration.value(1, 'd')
timestamp.date(2020, 1, 1) < timestamp.date(2020, 1, 2)
timestamp.date(2020, 1, 1) == timestamp.value('2020-01-01T00:00:00Z')
timestamp.date(2020, 1, 1) - timestamp.value('2020-01-01T00:00:00.5Z')
duration.value(1, 'w')
duration.value(1, 'd')
duration.value(1, 'h')
duration.value(1, 'm')
duration.value(1, 's')
duration.value(1, 'ms')
duration.value(1, 'ns')
duration.value(1, 'us')
duration.value(1, 'x')
duration.value(1, '')
duration.value(1.5, 's')
duration.value(1500, 'ms')
duration.value(-1500, 'ms')
duration.value(-1500, 'ms').seconds()
duration.value(-1500, 'ms').nanos()
duration.value(315576000000, 's')
duration.value(315576000001, 's')
duration.value(-315576000001, 's')
duration.value(9223372036854775807, 'w')
duration.value(9223372036854775807, 'ns')
duration.time(1, 2, 3, 4)
duration.time(25, 61, 61, 1000000000)
duration.time(-1, 30, 0, 0)
duration.time(1, 2, 3)
duration.time(1, 2, 3, 4.5)
duration.time(9223372036854775807, 0, 0, 0)
duration.abs(duration.value(-1, 's'))
duration.abs(1)
duration.value(1, 's') + duration.value(1, 's')
duration.value(1, 's') - duration.value(2, 's')
duration.value(1, 's') * 2
duration.value(315576000000, 's') + duration.value(1, 's')
duration.value(60, 's') == duration.value(1, 'm')
duration.value(60, 's') < duration.value(1, 'h')
duration.value(90, 'm').seconds()
duration.value(90, 'm').nanos()
-duration.value(1500, 'ms')
latlng.value(1, 2)
latlng.value(1.5, 2)
latlng.value(90, 180)
latlng.value(91, 0)
latlng.value(0, 181)
latlng.value(-91, 0)
latlng.value(0, -181)
latlng.value('1', 2)
latlng.value(1)
latlng.value(0.0 / 0, 0)
latlng.value(0, 0).distance(latlng.value(0, 1))
latlng.value(10, 20).distance(latlng.value(11, 21))
latlng.value(0, 0).distance(latlng.value(0, 180))
latlng.value(0, 0).distance(latlng.value(0, 0))
latlng.value(90, 0).distance(latlng.value(-90, 0))
latlng.value(37.7749, -122.4194).distance(latlng.value(40.7128, -74.006))
latlng.value(1, 2).latitude()
latlng.value(1, 2).longitude()
latlng.value(1, 2) == latlng.value(1.0, 2.0)
latlng.value(1, 2) < latlng.value(1, 3)
math.abs(-1)
math.abs(-1.5)
math.ceil(1.2)
math.ceil(-1.2)
math.ceil(1)
math.floor(1.8)
math.floor(-1.2)
math.floor(1)
math.round(2.5)
math.round(-2.5)
math.round(0.49999999999999994)
math.round(1)
math.round(1.0 / 0)
math.round(0.0 / 0)
math.round(-1.0 / 0)
math.round(4503599627370497.5)
math.sqrt(4)
math.sqrt(2)
math.sqrt(-1)
math.pow(2, 10)
math.pow(2, 0.5)
math.pow(2, -1)
math.pow(2.0, 3)
math.pow(0, 0)
math.pow('a', 1)
math.pow(1)
math.isNaN(0.0 / 0)
math.isNaN(1)
math.isInfinite(1.0 / 0)
math.max(1, 2)
math.nope(1)
hashing.md5('abc').toHexString()
hashing.sha256('abc').toHexString()
hashing.crc32('abc').toHexString()
hashing.crc32c('abc').toHexString()
hashing.md5(b'abc') == hashing.md5('abc')
hashing.sha256('').toBase64()
hashing.sha256('日')
hashing.crc32('')
hashing.sha1('abc')
hashing.md5('𝄞'[0]).toHexString()
debug(1)
debug('a') == 'a'
bool('true')
bytes('a')
list(1)
map(1)
duration('1s')
nope(1)
'a'.nope()
null.size()
1.5.size()
{'a': 1}.x.size()
[1].hasAny({'a': 1}.x)
[1].hasAny(null)
'a'.nope({'a': 1}.x)
1[{'a': 1}.x]
null[{'a': 1}.x]
[1][{'a': 1}.x]
{'a': 1}[{'a': 1}.x]
1[{'a': 1}.x:1]
[1][0:{'a': 1}.x]
nope({'a': 1}.x)
math.nope({'a': 1}.x)
math.abs({'a': 1}.x, 1)
int({'a': 1}.x, 1)
debug({'a': 1}.x)
{{'a': 1}.x: {'a': 1}.y}
{1: {'a': 1}.y}
{'k': {'a': 1}.y, 1: 2}
[{'a': 1}.x, {'a': 1}.y]
/a/$({'a': 1}.x)/$([1])
/a/$([1])/$({'a': 1}.x)
{'a': 1}.get({'a': 1}.x, {'a': 1}.y)
[1].join({'a': 1}.x)
'a'.replace({'a': 1}.x, {'a': 1}.y)
null.hasAny({'a': 1}.x)
'abc'.matches({'a': 1}.x)
'abc'.size({'a': 1}.x)
{'a': 1}.x.y.z
{'a': 1}.x + {'a': 1}.y
1 + {'a': 1}.y
{'a': 1}.y == {'a': 1}.z
{'a': 1}.y in {'a': 1}.z
resource.data.s == 'abc'
resource.data.n == 7
resource.data.d is float
resource.data.t.nanos()
resource.data.t
resource.data.g
resource.data.g.latitude()
resource.data.r
resource.data.r is path
resource.data.r == /databases/(default)/documents/u/v
resource.data.r == path('/databases/(default)/documents/u/v')
resource.data.r[3]
resource.data.r[4]
resource.data.by
resource.data.by.size()
resource.data.l
resource.data.l.hasAll([1])
resource.data.l.hasAll([1.0])
resource.data.l.toSet().size()
resource.data.l[2] is float
resource.data.e.size()
resource.data.m
resource.data.m.in.deep
resource.data.m['in']['deep']
resource.data.m.get(['in', 'deep'], 'no')
resource.data.v
resource.data.v is vector
resource.data.v is list
resource.data.v is map
resource.data.v.size()
resource.data.v[0]
resource.data.v == resource.data.v
resource.data.v.value
resource.data.v == [1.0, 2.0]
resource.data.u8.size()
resource.data.u8[2:4]
resource.data.size
resource.data.size()
resource.data.keys()
resource.data.keys().size()
resource.data.keys().hasAll(['s', 'n'])
resource.data.keys().hasOnly(['s', 'n'])
resource.data.keys().hasAny(['q'])
resource.data.values().size()
resource.data.nope
resource.data.nope.deeper
resource.data.get('nope', 1)
resource.data.get('z', 1)
resource.data.z
resource.data.z == null
resource.data.z.x
resource.data.nan == resource.data.nan
resource.data.nan
's' in resource.data
'nope' in resource.data
resource.data['s']
resource.data['nope']
resource.data.diff(resource.data).affectedKeys()
resource.data.diff({}).addedKeys().size()
resource.id
resource.__name__
resource.__name__[3]
resource.name
resource.createTime
resource.keys()
resource.size()
resource
resource == null
resource.data == resource.data
resource is map
resource.data is map
request.auth
request.auth.uid
request.auth.token
request.auth.token.role
request.auth.token.level
request.auth.token.level + 1
request.auth.token.rate
request.auth.token.flags
request.auth.token.flags.hasAny(['a'])
request.auth.token.nothing
request.auth.token.nope
request.auth.token.get('nope', false)
request.auth.token.firebase.sign_in_provider
request.auth.keys()
request.auth.nope
request.auth is map
request.auth != null
request.auth == null
request.auth.uid is string
request.keys()
request.size()
request.nope
request is map
request.method
request.method == 'get'
request.path
request.path[0]
request.path[3]
request.path is path
request.time is timestamp
request.time > timestamp.date(2020, 1, 1)
request.time.nanos() % 1000000
request.resource
request.resource.data
request.resource == null
request.query
request.headers
request.fields
request.inTransaction
request.writeFields
request.params
request.app
request['auth']['uid']
'auth' in request
exists(/databases/(default)/documents/u/v)
exists(/databases/(default)/documents/u/nope)
exists(/databases/(default)/documents/u)
exists(/u/v)
exists(/databases/other/documents/u/v)
exists(path('/databases/(default)/documents/u/v'))
exists('/databases/(default)/documents/u/v')
exists(resource.data.r)
exists(null)
exists()
exists(/databases/(default)/documents/u/{x})
exists(/databases/(default)/documents/u/$('a/b'))
exists(/databases/(default)/documents)
exists(/)
get(/databases/(default)/documents/u/v)
get(/databases/(default)/documents/u/v).data
get(/databases/(default)/documents/u/v).data.role
get(/databases/(default)/documents/u/v).id
get(/databases/(default)/documents/u/v).__name__
get(/databases/(default)/documents/u/v).keys()
get(/databases/(default)/documents/u/v) is map
get(/databases/(default)/documents/u/nope)
get(/databases/(default)/documents/u/nope) == null
get(/databases/(default)/documents/u/nope) != null
get(/databases/(default)/documents/u/nope) || true
get(/databases/(default)/documents/u)
get(/u/v)
get('x')
get(resource.data.r).data.role
getAfter(/databases/(default)/documents/u/v).data.role
getAfter(/databases/(default)/documents/u/nope)
existsAfter(/databases/(default)/documents/u/v)
existsAfter(/databases/(default)/documents/u/nope)
{'a': 1}.keys().hasAll(['a']) && {'a': 1}.a is int
['a', 'b'].hasAll(['a']) ? 'yes' : 'no'
[{'a': 1}, {'a': 2}][1].a
{'a': [1, 2, {'b': 'c'}]}.a[2].b
'a' + string(1) + 'b'
(1 + 2) * 3
1 + 2 * 3
10 - 2 - 3
2 * 3 % 4
1 < 2 == true
!true == false
!(true == false)
-1 - -1
- 1
1 - 1
'x\x41\101\u00e9\n\t\\\''
b'\x41\101'
{'a': 1,}
[1, 2,]
[[1, 2], [3]]
{'a': {'b': [1, {'c': null}]}}
[1, 'a', null, 2.5, true, b'x', /a/b]
2.
.5
0.1
123456789012345678
1.7976931348623157
"dq"
""
''
''.upper()
'abc'.size() == 3 && 'abc'[1] == 'b'
"""


def expressions():
    seen = set()

    def out(group, text):
        if text not in seen:
            seen.add(text)
            yield group, text

    for line in HAND.strip().split("\n"):
        yield from out("hand", line)
    for op, (i, a), (j, b) in itertools.product(BINARY, enumerate(SAMPLES), enumerate(SAMPLES)):
        yield from out("binary", f"{a} {op} {b}")
    for a in SAMPLES:
        for op in "-!":
            yield from out("unary", f"{op}{a}")
        for t in TYPES:
            yield from out("is", f"{a} is {t}")
        yield from out("ternary", f"{a} ? 1 : 2")
        yield from out("path part", f"/a/$({a})")
        yield from out("map key", "{%s: 1}" % a)
        yield from out("member", f"({a}).x")
        for b in ["0", "'a'", "null", "1.0", "true"]:
            yield from out("index", f"({a})[{b}]")
        for r in ["0:1", "'a':1", "0:null", ":", "1:"]:
            yield from out("slice", f"({a})[{r}]")
        for name, lists in METHODS.items():
            for args in lists if a in OWN_METHODS.get(name, ()) else lists[:1]:
                yield from out("method", f"({a}).{name}({args})")
        for name in GLOBALS:
            yield from out("global", f"{name}({a})")
        for package, names in PACKAGES.items():
            for name in names:
                yield from out("package", f"{package}.{name}({a})")
        yield from out("package", f"math.pow({a}, 2)")
        yield from out("package", f"math.pow(2, {a})")
        yield from out("package", f"duration.value({a}, 's')")
        yield from out("package", f"duration.value(1, {a})")
        yield from out("package", f"duration.time({a}, 1, 1, 1)")
        yield from out("package", f"timestamp.date({a}, 1, 1)")
        yield from out("package", f"latlng.value({a}, 1)")
    for name in GLOBALS:
        yield from out("global", f"{name}()")
        yield from out("global", f"{name}(1, 2)")
    for package, names in PACKAGES.items():
        for name in names + ["value", "date", "time", "pow"]:
            yield from out("package", f"{package}.{name}()")
            yield from out("package", f"{package}.{name}(1, 2)")


def reasons(message):
    """The distinct reasons of a denial, each once, without what the first pass said."""
    items = re.findall(r"(.*?) for '(\w+)' @ L(\d+)(?:, |$)", message.lstrip("\n"), re.S)
    found = []
    for text, _, _ in items:
        if text not in found:
            found.append(text)
    real = [t for t in found if not re.fullmatch(r"evaluation error at L\d+:\d+", t)]
    return real or found


# ---- lists: which conditions does which query prove ----

LIST_CONDITIONS = r"""
true
resource.data.n > 5
resource.data.n >= 5
resource.data.n < 5
resource.data.n <= 5
resource.data.n == 5
resource.data.n == 7
resource.data.n != 5
5 < resource.data.n
5 >= resource.data.n
5 == resource.data.n
5 != resource.data.n
!(resource.data.n == 5)
!(resource.data.n != 5)
!(resource.data.n > 5)
resource.data.n is int
resource.data.n is number
resource.data.n is string
resource.data.n is list
resource.data.n is constraint
resource.data.n + 1 > 5
-resource.data.n < 0
resource.data.n in [5, 7]
resource.data.n in [1, 5, 7, 10]
5 in resource.data.n
7 in resource.data.n
resource.data.n.hasAny([5])
resource.data.n.hasAny([5, 9])
resource.data.n.hasAll([5])
resource.data.n.size() > 0
resource.data.n[0] == 5
resource.data.n.x == 5
'n' in resource.data
!('n' in resource.data)
'm' in resource.data
resource.data.keys().hasAll(['n'])
resource.data.keys().hasOnly(['n'])
resource.data.get('n', 0) > 5
resource.data.get('m', 0) == 0
resource.data.size() == 1
resource.data.n > 5 && resource.data.n < 10
resource.data.n > 5 || resource.data.n < 3
resource.data.n > 5 || resource.data.m > 5
resource.data.n == resource.data.n
resource.data.n != null
resource.data.n == null
resource.data != null
resource.data == null
resource.data.n > resource.data.m
resource.data == {'n': 7}
resource.data.n > 5.0
resource.data.n > 'a'
resource.data.n != 'a'
resource.data.n == 'a'
resource.data.n ? true : false
[resource.data.n].hasAny([7])
[resource.data.n] == [7]
string(resource.data.n) == '7'
resource.data.diff({}).addedKeys().hasAny(['n'])
resource.data.n < 5 ? true : true
resource.data.n == 5 || true
resource.data.n < 5 || true
resource.data.n < 5 && false
resource.data.n > 100
resource.data.n >= 6
resource.data.n != 6
"""
LIST_FILTERS = [  # a list of disjuncts, each a list of (field, op, value)
    [], [["n == 7"]], [["n == 5"]], [["n == 5.0"]], [["n > 5"]], [["n >= 5"]], [["n > 6"]], [["n >= 6"]], [["n < 5"]],
    [["n <= 5"]], [["n < 4"]], [["n != 5"]], [["n not-in 5"]], [["n not-in 5,6"]], [["n > 5", "n < 10"]],
    [["n == null"]], [["n != null"]], [["n array-contains 5"]], [["n == 5"], ["n == 7"]], [["n == 7"], ["n == 8"]],
    [["n == 'a'"]], [["n > 'a'"]], [["n == NaN"]], [["n != NaN"]], [["m == 1", "n == 7"]], [["n array-contains 5"],
    ["n array-contains 7"]], [["n >= 5", "n <= 5"]], [["n == 7"], ["n == 3"]],
]
LIST_MORE = [  # condition, disjuncts, extra parts of the query
    ("resource.data.owner == request.auth.uid", [["owner == 'alice'"]], {}),
    ("resource.data.owner == request.auth.uid", [["owner == 'bob'"]], {}),
    ("resource.data.owner == request.auth.uid", [], {}),
    ("resource.data.owner == request.auth.uid", [["owner >= 'alice'", "owner <= 'alice'"]], {}),
    ("resource.data.owner == request.auth.uid && resource.data.n == 1", [["owner == 'alice'", "n == 1"]], {}),
    ("resource.data.owner == request.auth.uid || resource.data.public == true", [["public == true"]], {}),
    ("resource.data.owner == request.auth.uid || resource.data.public", [["public == true"]], {}),
    ("resource.data.public", [["public == true"]], {}), ("resource.data.public", [["public == false"]], {}),
    ("resource.data.owner in ['alice']", [["owner == 'alice'"]], {}),
    ("resource.data.owner != 'bob'", [["owner != 'bob'"]], {}),
    ("resource.data.owner != 'bob'", [["owner not-in 'bob'"]], {}),
    ("resource.data.owner != 'bob'", [["owner == 'alice'"]], {}),
    ("!(resource.data.owner == 'bob')", [["owner != 'bob'"]], {}),
    ("resource.data.owner > 'a'", [["owner > 'b'"]], {}), ("resource.data.owner > 'b'", [["owner > 'a'"]], {}),
    ("resource.data.owner.matches('a.*')", [["owner == 'alice'"]], {}),
    ("resource.data.owner.matches('a.*')", [["owner >= 'a'", "owner < 'b'"]], {}),
    ("resource.data.a.b == 1", [["a.b == 1"]], {}), ("resource.data.a.b == 1", [["a.b == 2"]], {}),
    ("resource.data.a.b > 1", [["a.b > 1"]], {}), ("resource.data.a.b > 1 && resource.data.a.c == 2",
                                                     [["a.b > 1", "a.c == 2"]], {}),
    ("resource.data.a.keys().hasOnly(['b'])", [["a.b == 1"]], {}), ("'b' in resource.data.a", [["a.b == 1"]], {}),
    ("resource.data.a == {'b': 1}", [["a.b == 1"]], {}),
    ("resource.data['a']['b'] == 1", [["a.b == 1"]], {}), ("resource.data.get(['a', 'b'], 0) == 1", [["a.b == 1"]], {}),
    ("id == 'x'", [], {}), ("id != 'x'", [], {}), ("id is string", [], {}), ("id == null", [], {}),
    ("resource.id == 'x'", [], {}), ("resource.id != null", [], {}), ("resource.__name__ != null", [], {}),
    ("'id' in resource", [], {}), ("resource.keys().size() >= 0", [], {}), ("resource.name == 'x'", [], {}),
    ("resource != null", [], {}), ("resource == null", [], {}), ("resource is map", [], {}),
    ("resource.data is map", [], {}), ("resource.data.keys().size() == 0", [], {}), ("resource.data.size() == 0", [], {}),
    ("resource.data.nope == 1", [], {}), ("resource.data.nope.deeper == 1", [], {}),
    ("resource.data.get('nope', 1) == 1", [], {}), ("resource.data == {}", [], {}),
    ("exists(/databases/$(database)/documents/u/$(id))", [], {}),
    ("exists(/databases/$(database)/documents/u/v)", [], {}),
    ("get(/databases/$(database)/documents/u/v).data.role == 'admin'", [], {}),
    ("get(/databases/$(database)/documents/u/$(resource.data.owner)).data.role == 'admin'", [["owner == 'v'"]], {}),
    ("get(/databases/$(database)/documents/u/$(resource.data.owner)).data.role == 'admin'", [["owner > 'v'"]], {}),
    ("request.query.limit <= 10", [], {}), ("request.query.limit <= 10", [], {"limit": 10}),
    ("request.query.limit <= 10", [], {"limit": 11}), ("request.query.limit == null", [], {}),
    ("request.query.limit is int", [], {"limit": 3}), ("request.query.limit != null && request.query.limit <= 10", [], {}),
    ("request.query.offset == 0", [], {}), ("request.query.offset == 3", [], {"offset": 3}),
    ("request.query.orderBy == {}", [], {}), ("request.query.orderBy.n == 'ASC'", [], {"orderBy": ["n ASCENDING"]}),
    ("request.query.orderBy.n == 'DESC'", [], {"orderBy": ["n DESCENDING"]}),
    ("request.query.orderBy.n == 'ASC' && request.query.orderBy.m == 'DESC'", [], {"orderBy": ["n ASCENDING", "m DESCENDING"]}),
    ("request.query.orderBy is map", [], {}), ("request.query.orderBy == null", [], {}),
    ("request.query.orderBy.size() == 0", [["n > 5"]], {}), ("request.query.keys().size() == 9", [], {}),
    ("request.query.keys().hasAll(['allDescendants', 'distinct', 'groupBy', 'kind', 'limit', 'offset', 'orderBy', "
     "'parent', 'selectOnlyKeys'])", [], {}),
    ("request.query.kind == '{c}'", [], {}), ("request.query.kind is string", [], {}), ("request.query.kind is list", [], {}),
    ("request.query.kind is map", [], {}), ("request.query.parent is path", [], {}), ("request.query.parent is string", [], {}),
    ("request.query.parent == /databases/(default)/documents", [], {}), ("request.query.parent == null", [], {}),
    ("request.query.allDescendants == false", [], {}), ("request.query.distinct == false", [], {}),
    ("request.query.distinct is list", [], {}), ("request.query.distinct == null", [], {}),
    ("request.query.selectOnlyKeys == false", [], {}), ("request.query.selectOnlyKeys == null", [], {}),
    ("request.query.groupBy is list", [], {}), ("request.query.groupBy == null", [], {}), ("request.query.nope == 1", [], {}),
    ("request.query.groupBy.size() == 0", [], {}), ("request.query.where == null", [], {}),
    ("request.method == 'list'", [], {}), ("request.path[3] == '{c}'", [], {}), ("request.path[4] == '*'", [], {}),
    ("request.path == /databases/(default)/documents/{c}", [], {}), ("request.path[0] == 'databases'", [], {}),
    ("request.resource == null", [], {}), ("request.keys().hasAll(['query'])", [], {}), ("request.keys().size() == 8", [], {}),
    ("resource.data.n >= 5", [], {"orderBy": ["n ASCENDING"]}), ("'n' in resource.data", [], {"orderBy": ["n ASCENDING"]}),
    ("resource.data.tags.hasAny(['a'])", [["tags array-contains 'a'"]], {}),
    ("'a' in resource.data.tags", [["tags array-contains 'a'"]], {}),
    ("'b' in resource.data.tags", [["tags array-contains 'a'"]], {}),
    ("resource.data.tags.hasAll(['a'])", [["tags array-contains 'a'"]], {}),
    ("resource.data.tags.hasOnly(['a'])", [["tags array-contains 'a'"]], {}),
    ("resource.data.tags is list", [["tags array-contains 'a'"]], {}),
    ("resource.data.tags.size() > 0", [["tags array-contains 'a'"]], {}),
    ("request.auth.uid in resource.data.tags", [["tags array-contains 'alice'"]], {}),
    ("request.auth.token.role in ['auditor', 'monitor']", [], {}), ("request.auth.token.role == 'other'", [], {}),
    ("request.auth == null", [], {}), ("database == '(default)'", [], {}),
    ("f(resource.data)", [["n == 7"]], {}), ("f(resource.data)", [["n > 7"]], {}), ("g()", [["n == 7"]], {}),
    ("(resource.data.n > 5)", [["n >= 5"]], {}), ("((resource.data.n) > 5)", [["n >= 5"]], {}),
    ("true && resource.data.n > 5", [["n >= 5"]], {}), ("(true && resource.data.n > 5) || false", [["n >= 5"]], {}),
    ("resource.data.n == resource.data.m", [["n > 5", "m < 3"]], {}), ("resource.data.n < resource.data.m", [["n > 5", "m < 3"]], {}),
    ("resource.data.t > timestamp.date(2020, 1, 1)", [["t == null"]], {}), ("resource.data.n != 5.0", [["n != 5"]], {}),
    ("resource.data.n != 5", [["n != 5.0"]], {}), ("resource.data.n != 5", [["n not-in 5.0"]], {}),
    ("resource.data.n > 5", [["n > 5.0"]], {}), ("resource.data.n > 5", [["n > 5.5"]], {}),
    ("resource.data.n > 5", [["n >= 6.0"]], {}), ("resource.data.n < 5", [["n < 4.5"]], {}),
    ("resource.data.n >= 5", [["n == 5.5"]], {}), ("resource.data.n > 5.5", [["n > 6"]], {}),
    ("resource.data.n != 5", [["n > 5.5"]], {}), ("resource.data.n != 5.0", [["n not-in 5"]], {}),
    ("resource.data.public != false", [["public != false"]], {}), ("resource.data.public != true", [["public != false"]], {}),
]


def list_value(text):
    if "/" in text:
        return {"referenceValue": "projects/{p}/databases/(default)/documents/" + text}
    if text == "null":
        return {"nullValue": None}
    if text in ("true", "false"):
        return {"booleanValue": text == "true"}
    if text.startswith("'"):
        return {"stringValue": text.strip("'")}
    if text == "NaN":
        return {"doubleValue": "NaN"}
    return {"doubleValue": float(text)} if "." in text else {"integerValue": text}


OPS = {"==": "EQUAL", ">": "GREATER_THAN", ">=": "GREATER_THAN_OR_EQUAL", "<": "LESS_THAN", "<=": "LESS_THAN_OR_EQUAL",
       "!=": "NOT_EQUAL", "not-in": "NOT_IN", "array-contains": "ARRAY_CONTAINS", "in": "IN",
       "array-contains-any": "ARRAY_CONTAINS_ANY"}
LIST_OPS = ("in", "not-in", "array-contains-any")


def list_filter(text):
    field, op, value = text.split(" ", 2)
    target = {"field": {"fieldPath": field}}
    if value in ("null", "NaN"):
        name = {"null": "NULL", "NaN": "NAN"}[value]
        return {"unaryFilter": {**target, "op": ("IS_NOT_" if op == "!=" else "IS_") + name}}
    if op in LIST_OPS:
        operand = {"arrayValue": {"values": [list_value(v) for v in value.split(",")]}}
    else:
        operand = list_value(value)
    return {"fieldFilter": {**target, "op": OPS[op], "value": operand}}


def list_query(collection, disjuncts, extra):
    query = {"from": [{"collectionId": collection}]}
    ands = [{"compositeFilter": {"op": "AND", "filters": [list_filter(f) for f in d]}} for d in disjuncts]
    if ands:
        query["where"] = ands[0] if len(ands) == 1 else {"compositeFilter": {"op": "OR", "filters": ands}}
    for order in extra.get("orderBy", []):
        field, direction = order.split(" ")
        query.setdefault("orderBy", []).append({"field": {"fieldPath": field}, "direction": direction})
    for key in ("limit", "offset"):
        if key in extra:
            query[key] = extra[key]
    return query


def list_cases():
    for cond in LIST_CONDITIONS.strip().split("\n"):
        for disjuncts in LIST_FILTERS:
            yield cond, disjuncts, {}
    yield from LIST_MORE


FUNCTIONS = """  function f(d) { return d.n == 7 && g(); }
  function g() { return resource.data.n == 7; }
"""


def judge_lists(emulator):
    yield from judge_list_cases(emulator, list(list_cases()), "demo-l")


def judge_proofs(emulator):
    """Generated cases; queries that Firestore does not take are left out."""
    cases = [json.loads(line) for line in sys.stdin]
    parts = [(c["expr"], c["disjuncts"], {"query": c["query"]}) for c in cases]
    for record in judge_list_cases(emulator, parts, "demo-p"):
        if "http" not in record:
            yield record


def judge_list_cases(emulator, cases, prefix):
    for at in range(0, len(cases), BATCH):
        project = f"{prefix}{at // BATCH}"
        part = cases[at:at + BATCH]
        lines = [f"    match /q{i}/{{id}} {{ allow list: if {c[0].replace('{c}', f'q{i}')}; }}" for i, c in enumerate(part)]
        code, answer = emulator.rules(project, ruleset([FUNCTIONS.replace("\n", " ")] + lines))
        assert code == 200, answer
        emulator.documents(project, "PATCH", "/u/v", {"fields": {"role": {"stringValue": "admin"}}}, "owner")
        column = len("    match /q/{id} { allow list: if ") + 1
        for i, (cond, disjuncts, extra) in enumerate(part):
            code, answer = emulator.documents(project, "POST", ":runQuery",
                                              {"structuredQuery": list_query(f"q{i}", extra.get("query", disjuncts), extra)},
                                              jwt(TOKEN))
            record = {"group": "list", "expr": cond, "disjuncts": disjuncts, **extra}
            if isinstance(answer, list):
                answer = answer[0]
            if code == 200:
                record["allowed"] = True
            elif code == 403:
                message = answer["error"]["message"]
                shift = column + len(str(i))
                record["allowed"] = False
                record["reasons"] = [re.sub(r"at L\d+:(\d+)", lambda m: f"at +{int(m.group(1)) - shift}", r)
                                     for r in reasons(message)]
            else:
                record.update({"http": code, "answer": answer})
            yield record


# ---- requests ----


def normal_message(message):
    """The items of a denial once each, without those of a first pass that a second one settled."""
    if not message.startswith("\n"):
        return message
    items = []
    for item in re.findall(r"(.*?) for '(\w+)' @ L(\d+)(?:, |$)", message[1:], re.S):
        if item not in items:
            items.append(item)

    def first_pass(item):
        return re.fullmatch(r"evaluation error at L\d+:\d+", item[0])

    settled = {item[1:] for item in items if not first_pass(item)}
    left = [i for i in items if not first_pass(i) or (i[1] == "list" and i[1:] not in settled)]
    items = left or items
    return "\n" + ", ".join(f"{t} for '{m}' @ L{n}" for t, m, n in items)


def write_of(project, op, path, data):
    name = f"projects/{project}/databases/(default)/documents/{path}"
    if op == "delete":
        return {"delete": name}
    fields, times = encode_fields(data)
    write = {"update": {"name": name, "fields": with_project(fields, project)},
             "currentDocument": {"exists": op == "update"}}
    if times:
        write["updateTransforms"] = [{"fieldPath": t, "setToServerValue": "REQUEST_TIME"} for t in times]
    return write


def send(emulator, project, auth, op, path, data):
    token = jwt(auth) if auth is not None else None
    if op == "get":
        return emulator.documents(project, "GET", "/" + path, None, token)
    if op in ("list", "group"):
        parent, _, collection = path.rpartition("/")
        query = with_project(list_query(collection, [data] if data else [], {}), project)
        query["from"][0]["allDescendants"] = op == "group"
        return emulator.documents(project, "POST", ("/" + parent if parent else "") + ":runQuery", {"structuredQuery": query}, token)
    writes = data if op == "commit" else [(op, path, data)]
    return emulator.documents(project, "POST", ":commit", {"writes": [write_of(project, *w) for w in writes]}, token)


def judge_requests(emulator):
    yield from judge_rulesets(emulator, scenarios.RULESETS, "demo-r")


def judge_batteries(emulator):
    yield from judge_rulesets(emulator, batteries.RULESETS, "demo-b")


def judge_styles(emulator):
    yield from judge_rulesets(emulator, styles.rulesets(), "demo-s")
    for record in judge_list_cases(emulator, styles.lists(), "demo-t"):
        if "http" not in record:
            yield record


def put_documents(emulator, project, encoded):
    emulator.call("DELETE", f"/emulator/v1/projects/{project}/databases/(default)/documents", None, "owner")
    prefix = f"projects/{project}/databases/(default)/documents/"
    writes = [{"update": {"name": prefix + at, "fields": with_project(fields, project)}} for at, fields in encoded.items()]
    code, answer = emulator.documents(project, "POST", ":commit", {"writes": writes}, "owner")
    assert code == 200, answer


def judge_rulesets(emulator, rulesets, prefix):
    for number, (name, text, docs, requests) in enumerate(rulesets):
        project = f"{prefix}{number}"
        written = True
        code, answer = emulator.rules(project, text)
        assert code == 200, (name, answer)
        encoded = {path: encode_fields(fields)[0] for path, fields in docs.items()}
        yield {"group": "ruleset", "name": name, "rules": text, "docs": encoded}
        for auth, op, path, data in requests:
            if written:
                put_documents(emulator, project, encoded)
            code, answer = send(emulator, project, auth, op, path, data)
            written = code == 200 and op not in ("get", "list", "group")
            record = {"group": "request", "auth": auth, "op": op, "path": path}
            if op in ("list", "group"):
                record["filters"] = data or []
            elif op == "commit":
                record["writes"] = [{"op": o, "path": p, **({} if f is None else {"fields": encode_fields(f)[0]})}
                                    for o, p, f in data]
            elif data is not None:
                record["fields"], record["now"] = encode_fields(data)
            if isinstance(answer, list):
                answer = answer[0]
            if code == 200:
                record["allowed"] = True
            elif code == 403:
                record.update({"allowed": False, "message": normal_message(answer["error"]["message"])})
            elif code == 404 and op == "get":
                record["allowed"] = True
            else:
                record.update({"http": code, "answer": answer})
            yield json.loads(json.dumps(record).replace(project, "demo-p"))


def ruleset(lines):
    head = "rules_version = '2';\nservice cloud.firestore {\n  match /databases/{database}/documents {\n"
    return head + "\n".join(lines) + "\n  }\n}\n"


HEAD_LINES = 3


def judge(emulator, project, cases):
    """Yields (case, record) for one upload."""
    compiled = list(cases)
    while True:
        text = ruleset([f"    match /e/c{i} {{ allow get: if {case[1]}; }}" for i, case in enumerate(compiled)])
        code, answer = emulator.rules(project, text)
        if code == 200:
            break
        lines = {}
        if not isinstance(answer, dict):
            raise SystemExit(f"{project}: {code} {answer}")
        for line in answer["error"]["message"].split("\n")[1:]:
            m = re.match(r"L(\d+):(\d+) (.*)", line)
            if m:
                lines.setdefault(int(m.group(1)) - HEAD_LINES - 1, []).append(m.group(3))
        warnings = ("Invalid type", "Invalid variable name", "Invalid function name", "The sub-expressions",
                    "Incorrect number of arguments supplied", "Unused")
        bad = {i: [t for t in texts if not t.startswith(warnings)] for i, texts in lines.items()}
        bad = {i: texts for i, texts in bad.items() if texts}
        if not bad:
            raise SystemExit(f"cannot place: {answer}")
        for i, texts in bad.items():
            if 0 <= i < len(compiled):
                yield compiled[i], {"compile": texts}
        compiled = [c for i, c in enumerate(compiled) if i not in bad]
    emulator.documents(project, "PATCH", "/u/v", {"fields": {"role": {"stringValue": "admin"}}}, "owner")
    writes = [{"update": {"name": f"projects/{project}/databases/(default)/documents/e/c{i}",
                          "fields": with_project(DOC, project)}} for i in range(len(compiled))]
    code, answer = emulator.documents(project, "POST", ":commit", {"writes": writes}, "owner")
    assert code == 200, answer
    verdicts = []
    for i, case in enumerate(compiled):
        code, answer = emulator.documents(project, "GET", f"/e/c{i}", None, jwt(TOKEN))
        if code == 200:
            verdicts.append({"allowed": True})
        elif code == 403:
            verdicts.append({"allowed": False, "reasons": reasons(answer["error"]["message"])})
        else:
            verdicts.append({"http": code, "answer": answer})
    _, coverage = emulator.call("GET", f"/emulator/v1/projects/{project}:ruleCoverage", None, "owner")
    for node in coverage.get("report", []):
        i = node["sourcePosition"]["line"] - HEAD_LINES - 1
        values = [v["value"] for v in node.get("values", []) if v.get("value") not in ({}, {"undefined": {}})]
        if 0 <= i < len(verdicts) and values and "undefined" not in values[-1]:
            verdicts[i]["value"] = values[-1]
    for i, (case, verdict) in enumerate(zip(compiled, verdicts)):
        yield case, {"id": f"c{i}", **verdict}


def judge_expressions(emulator):
    yield {"group": "setup", "fields": with_project(DOC, "demo-p"), "token": TOKEN}
    yield from judge_cases(emulator, list(expressions()), "demo-v")


def judge_more(emulator):
    """What the first recording has not asked yet."""
    seen = {text for _, text in expressions()}
    cases = [seen.add(text) or (group, text) for group, text in more.expressions() if text not in seen]
    for record in judge_cases(emulator, cases, "demo-w"):
        if "http" not in record:  # a few random trees are too much for it: 500
            yield record
    yield from judge_list_cases(emulator, list(more.lists()), "demo-m")


def judge_cases(emulator, cases, prefix):
    for at in range(0, len(cases), BATCH):
        project = f"{prefix}{at // BATCH}"
        for (group, text), record in judge(emulator, project, cases[at:at + BATCH]):
            record = {"group": group, "expr": text, **record}
            yield json.loads(json.dumps(record, ensure_ascii=False).replace(project, "demo-p"))


def main():
    emulator = Emulator(sys.argv[1])
    parts = {"expressions": judge_expressions, "lists": judge_lists, "requests": judge_requests,
             "more": judge_more, "batteries": judge_batteries, "proofs": judge_proofs,
             "styles": judge_styles}
    for name in sys.argv[2:]:
        for record in parts[name](emulator):
            print(json.dumps(record, ensure_ascii=False, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()

"""More expressions and list cases for record_verdicts.py: every built-in with every kind of argument, what each
gives, numbers at their edges, regular expressions, and random trees of operators (always the same ones).
"""
import itertools
import random

KINDS = ["null", "true", "7", "2.5", "'abc'", "b'abc'", "[1, 'a']", "{'a': 1}", "[1, 'a'].toSet()", "/a/b",
         "timestamp.date(2020, 1, 2)", "duration.value(90, 's')", "latlng.value(1.0, 2.0)", "{'a': 1}.diff({'b': 1})",
         "resource.data.v", "resource.data.nope", "resource.data.l", "resource.data.m", "request.auth.token.role"]

# Receivers by type, and methods with as many arguments as they take.
RECEIVERS = {
    "string": ["'abc'", "resource.data.u8", "''"],
    "bytes": ["b'a\\xff'", "resource.data.by"],
    "list": ["[1, 'a']", "resource.data.l", "[]", "resource.data.keys()"],
    "set": ["[1, 'a'].toSet()", "[].toSet()"],
    "map": ["{'a': 1, 'b': {'c': 2}}", "resource.data.m", "{}"],
    "map_diff": ["{'a': 1, 'b': 2, 'c': 3}.diff({'a': 1, 'b': 3, 'd': 4})", "{}.diff({})"],
    "path": ["/a/b/c", "path('x/{a}').bind({'a': 'y'})", "resource.data.r"],
    "timestamp": ["timestamp.value('2024-02-29T12:34:56.789Z')", "resource.data.t"],
    "duration": ["duration.value(-90500, 'ms')", "duration.time(1, 2, 3, 4)"],
    "latlng": ["latlng.value(1.5, -2.5)", "resource.data.g"],
}
METHODS = {
    "string": {"size": 0, "lower": 0, "upper": 0, "trim": 0, "toUtf8": 0, "split": 1, "matches": 1, "replace": 2},
    "bytes": {"size": 0, "toBase64": 0, "toHexString": 0},
    "list": {"size": 0, "toSet": 0, "hasAny": 1, "hasAll": 1, "hasOnly": 1, "concat": 1, "removeAll": 1, "join": 1},
    "set": {"size": 0, "hasAny": 1, "hasAll": 1, "hasOnly": 1, "union": 1, "intersection": 1, "difference": 1},
    "map": {"size": 0, "keys": 0, "values": 0, "diff": 1, "get": 2},
    "map_diff": {"addedKeys": 0, "removedKeys": 0, "changedKeys": 0, "unchangedKeys": 0, "affectedKeys": 0},
    "path": {"bind": 1},
    "timestamp": {n: 0 for n in "year month day hours minutes seconds nanos dayOfWeek dayOfYear date time toMillis".split()},
    "duration": {"seconds": 0, "nanos": 0},
    "latlng": {"latitude": 0, "longitude": 0, "distance": 1},
}
GLOBALS = {"int": 1, "float": 1, "string": 1, "path": 1, "debug": 1, "exists": 1, "get": 1, "getAfter": 1, "existsAfter": 1,
           "math.abs": 1, "math.ceil": 1, "math.floor": 1, "math.round": 1, "math.sqrt": 1, "math.isNaN": 1, "math.pow": 2,
           "hashing.md5": 1, "hashing.sha256": 1, "hashing.crc32": 1, "hashing.crc32c": 1, "duration.abs": 1,
           "duration.value": 2, "duration.time": 4, "timestamp.value": 1, "timestamp.date": 3, "latlng.value": 2}
# What stands in the other places while one argument is tried.
USUAL = {"replace": ["'b'", "'x'"], "get": ["'a'", "0"], "math.pow": ["2", "3"], "duration.value": ["1", "'h'"],
         "duration.time": ["1", "2", "3", "4"], "timestamp.date": ["2020", "1", "2"], "latlng.value": ["1", "2"]}
TYPES = ("bool bytes duration float int latlng list vector number map string timestamp path").split()

# Calls that give a value: their type, equality and membership are asked.
VALUES = r"""
'aBc'.lower() ;; 'abc' ;; 'ABC'
'aBc'.upper() ;; 'ABC' ;; 'abc'
' a '.trim() ;; 'a' ;; ' a'
'abc'.size() ;; 3 ;; 3.5
'a,b'.split(',') ;; ['a', 'b'] ;; ['b', 'a']
'abc'.matches('a.c') ;; true ;; 'true'
'abc'.replace('b', 'x') ;; 'axc' ;; 'abc'
'é'.toUtf8() ;; b'é' ;; 'é'
b'abc'.size() ;; 3 ;; 4
b'abc'.toBase64() ;; 'YWJj' ;; b'YWJj'
b'\xab'.toHexString() ;; 'AB' ;; 'ab'
[1, 2].size() ;; 2.0 ;; 3
[1, 2].hasAny([2]) ;; true ;; false
[1, 2].hasAll([2]) ;; true ;; false
[1, 2].hasOnly([1, 2]) ;; true ;; false
[1].concat([2]) ;; [1, 2] ;; [1, 2.0]
[1, 2].removeAll([1]) ;; [2] ;; []
['a', 1].join('-') ;; 'a-1' ;; 'a1'
[1, 1].toSet() ;; [1].toSet() ;; [1]
[1].toSet().size() ;; 1 ;; 0
[1].toSet().union([2].toSet()) ;; [2, 1].toSet() ;; [1].toSet()
[1, 2].toSet().intersection([2].toSet()) ;; [2.0].toSet() ;; [].toSet()
[1, 2].toSet().difference([2].toSet()) ;; [1].toSet() ;; [2].toSet()
{'b': 1, 'a': 2}.keys() ;; ['a', 'b'] ;; ['b', 'a']
{'a': 2}.values() ;; [2] ;; [2.0]
{'a': 2}.size() ;; 1 ;; 2
{'a': 1}.get('a', 0) ;; 1 ;; 0
{'a': {'b': 1}}.get(['a', 'b'], 0) ;; 1 ;; 0
{'a': 1}.diff({}).addedKeys() ;; ['a'].toSet() ;; ['a']
{}.diff({'a': 1}).removedKeys() ;; ['a'].toSet() ;; [].toSet()
{'a': 1}.diff({'a': 2}).changedKeys() ;; ['a'].toSet() ;; [].toSet()
{'a': 1}.diff({'a': 1.0}).unchangedKeys() ;; ['a'].toSet() ;; [].toSet()
{'a': 1, 'b': 1}.diff({'a': 2, 'c': 1}).affectedKeys() ;; ['a', 'b', 'c'].toSet() ;; ['a'].toSet()
path('a/{x}').bind({'x': 'y'}) ;; /a/y ;; /a/x
path('/a/b') ;; /a/b ;; 'a/b'
timestamp.value('2024-02-29T12:34:56.789Z').year() ;; 2024 ;; '2024'
timestamp.value('2024-02-29T12:34:56.789Z').month() ;; 2 ;; 3
timestamp.value('2024-02-29T12:34:56.789Z').day() ;; 29 ;; 28
timestamp.value('2024-02-29T12:34:56.789Z').hours() ;; 12 ;; 0
timestamp.value('2024-02-29T12:34:56.789Z').minutes() ;; 34 ;; 35
timestamp.value('2024-02-29T12:34:56.789Z').seconds() ;; 56 ;; 57
timestamp.value('2024-02-29T12:34:56.789Z').nanos() ;; 789000000 ;; 789
timestamp.value('2024-02-29T12:34:56.789Z').dayOfWeek() ;; 4 ;; 5
timestamp.value('2024-02-29T12:34:56.789Z').dayOfYear() ;; 60 ;; 59
timestamp.value('2024-02-29T12:34:56.789Z').toMillis() ;; 1709210096789 ;; 1709210096
timestamp.value('2024-02-29T12:34:56.789Z').date() ;; timestamp.date(2024, 2, 29) ;; timestamp.date(2024, 2, 28)
timestamp.value('1970-01-01T00:01:00Z').time() ;; duration.value(60, 's') ;; 60
timestamp.value(0) ;; timestamp.date(1970, 1, 1) ;; 0
duration.value(90, 's').seconds() ;; 90 ;; 1
duration.value(1500, 'ms').nanos() ;; 500000000 ;; 500
duration.abs(duration.value(-1, 's')) ;; duration.value(1, 's') ;; duration.value(-1, 's')
duration.time(1, 0, 0, 0) ;; duration.value(1, 'h') ;; 3600
latlng.value(1, 2).latitude() ;; 1.0 ;; '1'
latlng.value(1, 2).longitude() ;; 2.0 ;; 1.0
latlng.value(1, 2).distance(latlng.value(1, 2)) ;; 0.0 ;; 1.0
latlng.value(1, 2) ;; latlng.value(1.0, 2.0) ;; latlng.value(2, 1)
math.abs(-1) ;; 1 ;; -1
math.abs(-1.5) ;; 1.5 ;; 1
math.ceil(1.2) ;; 2.0 ;; 1
math.floor(1.8) ;; 1 ;; 2
math.round(2.5) ;; 3 ;; 2
math.sqrt(4) ;; 2 ;; -2
math.pow(2, 10) ;; 1024 ;; 1025
math.isNaN(0.0 / 0) ;; true ;; false
hashing.md5('a') ;; hashing.md5(b'a') ;; hashing.md5('b')
hashing.sha256('a') ;; hashing.sha256(b'a') ;; hashing.sha256('b')
hashing.crc32('a') ;; hashing.crc32(b'a') ;; hashing.crc32('b')
hashing.crc32c('a') ;; hashing.crc32c(b'a') ;; hashing.crc32('a')
int('12') ;; 12 ;; '12'
float('1.5') ;; 1.5 ;; 1
string(1.0) ;; '1.0' ;; '1'
debug('x') ;; 'x' ;; null
exists(/databases/(default)/documents/u/v) ;; true ;; false
existsAfter(/databases/(default)/documents/u/nope) ;; false ;; true
get(/databases/(default)/documents/u/v).data.role ;; 'admin' ;; 'user'
getAfter(/databases/(default)/documents/u/v).data ;; {'role': 'admin'} ;; {}
get(/databases/(default)/documents/u/v).id ;; 'v' ;; 'u'
request.auth.uid ;; 'alice' ;; 'bob'
request.auth.token.flags ;; ['a', 'b'] ;; ['b']
request.method ;; 'get' ;; 'read'
resource.data.l[2] ;; 1 ;; 'x'
resource.data.m['in'].deep ;; 'v' ;; 'k'
resource.data.t ;; timestamp.value('2024-02-29T12:34:56.789123Z') ;; timestamp.value('2024-02-29T12:34:56Z')
resource.data.by ;; b'\x00\x01\xff' ;; b''
resource.data.r ;; /databases/(default)/documents/u/v ;; 'u/v'
resource.data.g ;; latlng.value(10.5, -20.25) ;; null
"""

NUMBERS = ["0", "1", "-1", "2", "7", "9223372036854775807", "-9223372036854775808", "9007199254740993", "0.0", "-0.0", "0.1",
           "2.5", "-2.5", "1000000000000000000000.0", "(1.0 / 0)", "(-1.0 / 0)", "(0.0 / 0)"]
ARITHMETIC = ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!="]

PATTERNS = ["", ".", ".*", "a", "a+", "a*", "a?b", "^a", "b$", "^$", "[abc]", "[^a]", "[a-c]+", "(a|b)", "(a)(b)", "a{2}",
            "a{1,2}", "a{2,}", "a+?", "\\\\d+", "\\\\w+", "\\\\s", "\\\\.", "\\\\bab", "\\\\Aab", "(?i)A", "(?:ab)+", "\\\\x61",
            "[[:alpha:]]+", "\\\\pL+", "\\\\D", "a|", "|a", "()", "(?P<x>a)", "a\\\\z", "[\\\\]]", "-", "[a-]", "\\\\Qa.b\\\\E",
            "(?s).", "(?m)^b", "x*", "(a*)*", "(a|ab)(c|bcd)"]
SUBJECTS = ["''", "'a'", "'ab'", "'aab a1'", "'b\\na'", "'a.b-c]'", "'é1'", "'abcd'"]

STAMPS = ["0001-01-01T00:00:00Z", "1582-10-15T01:02:03Z", "1899-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z",
          "1969-12-31T23:59:59.5Z", "2000-02-29T12:00:00Z", "2023-03-01T00:00:00+14:00", "2024-12-31T23:59:59.001-12:00",
          "2038-01-19T03:14:08Z", "9999-12-31T23:59:59.999999999Z", "2024-02-30T00:00:00Z", "2024-04-31T10:00:00.1Z"]


def calls(name, count, receiver=""):
    """Every kind of argument in every place."""
    usual = USUAL.get(name, ["'a'"] * count)
    if count == 0:
        yield f"{receiver}{name}()"
    for place, kind in itertools.product(range(count), KINDS):
        args = list(usual)
        args[place] = kind
        yield f"{receiver}{name}({', '.join(args)})"


def built_ins():
    for kind, methods in METHODS.items():
        for receiver, (name, count) in itertools.product(RECEIVERS[kind], methods.items()):
            yield from calls(name, count, receiver + ".")
    for name, count in GLOBALS.items():
        yield from calls(name, count)
    for a, b in itertools.product(KINDS, KINDS):
        yield f"{{'a': 1}}.get({a}, {b})"
    for a, b in itertools.product(KINDS[:13], KINDS[:13]):
        yield f"'abc'.replace({a}, {b})"
        yield f"{a} in [{b}]"
        yield f"[{a}].hasAny([{b}])"
        yield f"[{a}].toSet().hasAll([{b}])"
        yield f"{{'k': {a}}}.diff({{'k': {b}}}).changedKeys().size() == 1"


def values():
    for line in VALUES.strip().split("\n"):
        call, right, wrong = line.split(" ;; ")
        yield f"{call} == {right}"
        yield f"{call} == {wrong}"
        yield f"{call} != {right}"
        yield f"({call}) in [{right}]"
        yield f"({call}) in [{wrong}, {right}].toSet()"
        yield f"[{call}] == [{right}]"
        yield f"{{'k': {call}}}.k == {wrong} || {call} == {right}"
        for name in TYPES:
            yield f"{call} is {name}"


def numbers():
    for a, op, b in itertools.product(NUMBERS, ARITHMETIC, NUMBERS):
        yield f"{a} {op} {b}"
    for a in NUMBERS:
        for name in ("int", "float", "string", "math.abs", "math.ceil", "math.floor", "math.round", "math.sqrt", "math.isNaN", "-"):
            yield f"{name}({a})"


def patterns():
    for subject, pattern in itertools.product(SUBJECTS, PATTERNS):
        yield f"{subject}.matches('{pattern}')"
        yield f"{subject}.split('{pattern}')"
        yield f"{subject}.replace('{pattern}', '<$0>')"


def times():
    methods = METHODS["timestamp"]
    for stamp, name in itertools.product(STAMPS, methods):
        yield f"timestamp.value('{stamp}').{name}()"
    for a, b in itertools.product(STAMPS[:8], STAMPS[:8]):
        yield f"timestamp.value('{a}') - timestamp.value('{b}')"
        yield f"timestamp.value('{a}') < timestamp.value('{b}')"
    for count, unit in itertools.product([0, 1, -1, 1500, -1500, 999999999999], "w d h m s ms ns us".split()):
        yield f"duration.value({count}, '{unit}')"
        yield f"timestamp.date(2020, 1, 31) + duration.value({count}, '{unit}')"
        yield f"duration.value({count}, '{unit}').seconds() + duration.value({count}, '{unit}').nanos()"


def ranges():
    for what in ["[1, 2, 3]", "'abc'", "/a/b/c", "resource.data.l", "resource.data.u8", "[]", "''"]:
        for i in range(-1, 5):
            yield f"{what}[{i}]"
            yield f"{what}[{i}:]"
            yield f"{what}[:{i}]"
            for j in range(-1, 5):
                yield f"{what}[{i}:{j}]"


class Trees:
    """Random trees: mostly of the right types, with an error or a wrong type here and there."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *options):
        return self.random.choice(options)

    def boolean(self, depth):
        if self.random.random() < 0.06:
            return self.pick("resource.data.nope", "null", "'a'", "1", "resource.data.z.x", "1 / 0 == 1")
        if depth == 0:
            return self.pick("true", "false", "resource.data.b", "1 == 1", "'a' == 'b'", "request.auth != null")
        a, b, c = (self.boolean(depth - 1) for _ in range(3))
        return self.pick(
            f"({a} && {b})", f"({a} || {b})", f"!({a})", f"({a} ? {b} : {c})", f"({a} == {b})", f"({a} != {b})",
            f"({self.number(depth - 1)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.number(depth - 1)})",
            f"({self.text(depth - 1)} {self.pick('<', '>', '==', '!=')} {self.text(depth - 1)})",
            f"({self.any(depth - 1)} in {self.list(depth - 1)})", f"({self.any(depth - 1)} is {self.pick(*TYPES)})",
            f"{self.list(depth - 1)}.{self.pick('hasAny', 'hasAll', 'hasOnly')}({self.list(depth - 1)})",
            f"({self.text(depth - 1)} in {self.map(depth - 1)})", f"({self.map(depth - 1)} == {self.map(depth - 1)})")

    def number(self, depth):
        if depth <= 0:
            return self.pick("0", "1", "2", "7", "2.5", "resource.data.n", "resource.data.d", "-3", "resource.data.size")
        a, b = self.number(depth - 1), self.number(depth - 1)
        return self.pick(f"({a} {self.pick('+', '-', '*', '/', '%')} {b})", f"{self.text(depth - 1)}.size()",
                         f"{self.list(depth - 1)}.size()", f"math.abs({a})", f"int({a})", f"-({a})",
                         f"{self.list(depth - 1)}[{self.pick('0', '1', '2')}]", f"({self.boolean(depth - 1)} ? {a} : {b})",
                         f"{self.map(depth - 1)}.get('{self.pick('a', 'b', 'c')}', {a})")

    def text(self, depth):
        if depth <= 0:
            return self.pick("'a'", "'b'", "''", "'a.b'", "resource.data.s", "request.auth.uid", "resource.data.u8", "resource.id")
        a, b = self.text(depth - 1), self.text(depth - 1)
        return self.pick(f"({a} + {b})", f"{a}.upper()", f"string({self.number(depth - 1)})", f"{a}[0:1]",
                         f"{self.list(depth - 1)}.join('-')", f"{a}.replace('a', {b})", f"({self.boolean(depth - 1)} ? {a} : {b})",
                         f"{a}.split('[.]')[0]")

    def list(self, depth):
        if depth <= 0:
            return self.pick("[]", "[1, 2]", "['a', 'b']", "resource.data.l", "[1, 'a', null]", "request.auth.token.flags",
                             "[true, 2.5]")
        a, b = self.list(depth - 1), self.list(depth - 1)
        return self.pick(f"{a}.concat({b})", f"{a}.removeAll({b})", f"[{self.any(depth - 1)}, {self.any(depth - 1)}]",
                         f"{self.map(depth - 1)}.keys()", f"{self.text(depth - 1)}.split('[.]')", f"{a}[0:1]")

    def map(self, depth):
        if depth <= 0:
            return self.pick("{}", "{'a': 1}", "{'a': 1, 'b': 'x'}", "resource.data.m", "{'a': null, 'c': [1]}")
        return self.pick(f"{{'a': {self.any(depth - 1)}}}", f"{{'a': {self.any(depth - 1)}, 'b': {self.any(depth - 1)}}}",
                         f"{{'m': {self.map(depth - 1)}}}.m", f"{{'a': 1}}.get('b', {self.map(depth - 1)})")

    def any(self, depth):
        return self.pick(self.boolean, self.number, self.text, self.list, self.map)(depth)


def trees(count):
    made = Trees(1)
    for i in range(count):
        yield made.boolean(2 + i % 3)


def expressions():
    for group, texts in (("built-in", built_ins()), ("value", values()), ("number", numbers()), ("pattern", patterns()),
                         ("time", times()), ("range", ranges()), ("tree", trees(2500))):
        for text in texts:
            if len(text) < 1500:
                yield group, text


# ---- lists: filters beside each other, and constraints where values are expected ----

ONE_FIELD = r"""
resource.data.n is int
resource.data.n == 7
resource.data.n != 3
resource.data.n > 5
resource.data.n >= 7
resource.data.n < 9
resource.data.n > 5.5
resource.data.n == 7.0
resource.data.n != 7.0
resource.data.n < 7.5
resource.data.n + 1 == 8
resource.data.n in [7]
resource.data.n != 'a'
resource.data.n == 'a'
resource.data.n == null
resource.data.n != null
!(resource.data.n == 3)
!(resource.data.n == null)
resource.data.n is constraint
resource.data.n > 'a'
resource.data.n != 5
!(resource.data.n != 7)
!(resource.data.n > 7)
resource.data.n is bool
""".strip().split("\n")
BESIDE = [[["n == 7", "n == 7"]], [["n == 7", "n >= 7"]], [["n == 7", "n != 3"]], [["n == 7", "n == 8"]], [["n == null", "n != 3"]],
          [["n == 'a'", "n > 5"]], [["n == 7.5", "n != 3"]], [["n == true", "n != 3"]], [["n >= 7", "n <= 7"]], [["n > 6.5"]],
          [["n not-in 7"]], [["n != 3.5"]], [["n == 7.0", "n != 3"]]]
WHERE_VALUES_ARE = r"""
!(resource.data.n in [5, 7])
!([resource.data.n].hasAny([7]))
!([resource.data.n] == [7])
[resource.data.n] != [7]
!(resource.data.n is int)
!(resource.data.n.hasAny([5]))
!(9 in resource.data.n)
!resource.data.keys().hasAny(['m'])
!(resource.data.n == resource.data.n)
resource.data != {'n': 7}
{'x': resource.data.n}.x > 5
{'x': resource.data.n} == {'x': 7}
[resource.data.n][0] > 5
resource.data.values()[0] > 5
![resource.data.n].hasAll([7])
![resource.data.n].hasOnly([7])
[7].hasOnly([resource.data.n])
[7].removeAll([resource.data.n]).size() == 1
resource.data.get('n', 0) != 3
!(resource.data.get('n', 0) in [3])
resource.data.diff({'n': 7}).addedKeys().size() == 0
resource.data.diff({'n': 7}).affectedKeys().size() == 1
resource.data.diff({'m': 7}).affectedKeys().size() == 2
resource.data.diff({'n': 'a'}).changedKeys().size() == 1
{'n': 7}.diff(resource.data).changedKeys().size() == 1
{'m': 7}.diff(resource.data).removedKeys().size() == 1
resource.data.diff(resource.data).unchangedKeys().size() == 1
{'x': {'n': resource.data.n}}.diff({'x': {'n': 7}}).changedKeys().size() == 1
{'x': [resource.data.n]}.diff({'x': [7]}).changedKeys().size() == 1
{'x': [resource.data.n]}.diff({'y': [7]}).changedKeys().size() == 0
{'x': {'n': resource.data.n}}.diff({'x': 7}).changedKeys().size() == 1
[[resource.data.n]].toSet().size() == 1
[{'x': resource.data.n}].toSet().size() == 1
[1, resource.data.n].toSet().size() == 2
resource.data.n in [7].toSet()
resource.data.n in [].toSet()
[7].toSet().hasAny([resource.data.n])
[7].toSet().hasAll([resource.data.n])
[7].toSet().hasOnly([resource.data.n])
[].toSet().hasAny([resource.data.n])
[resource.data.n] in [[7]].toSet()
[resource.data.n] in [[7]]
debug(resource.data.n) > 5
string(resource.data.n) == 'x'
int(resource.data.n) > 5
math.abs(resource.data.n) > 5
[resource.data.n].join(',') == ''
/a/$(resource.data.n) == /a/b
exists(/databases/(default)/documents/u/$(resource.data.n))
{resource.data.n: 1}.size() == 1
[1, 2][resource.data.n] == 1
resource.data[resource.data.n] == 1
resource.data.get(resource.data.n, 5) == 5
(resource.data.n ? 1 : 2) == 1
resource.data.n || true
resource.data.n && false
!resource.data.n
-resource.data.n == 1
resource.data.n.size() == 1
resource.data.n.x == 1
resource.data.n[0] == 1
resource.data.n.hasAny(7)
resource.data.n.hasAny([7].toSet())
resource.data.n.hasAll([7])
resource.data.n.hasAny([7, 9])
resource.data.n.hasAny([7.0])
7.0 in resource.data.n
[7] in resource.data.n
null in resource.data.n
resource.data.n in resource.data
resource.data.n in resource.data.n
resource.data.n.hasAny([resource.data.n])
resource.data.n == [7]
resource.data.n > [7]
resource.data.n == true
resource.data.n > true
resource.data.n < null
resource.data.n == {'a': 1}
resource.data.n != [7]
resource.data.n == /a/b
resource.data.n != timestamp.date(2020, 1, 1)
resource.data.n > request.time
resource.data.n != request.auth.uid
resource.data.n == [7].toSet()
resource.data.n == b'a'
resource.data.n == latlng.value(1, 1)
resource.data.n == duration.value(1, 's')
resource.data.n == {'a': 1}.diff({})
resource.data.n == resource
(resource.data.n > 5) == true
(resource.data.n > 5) is bool
(resource.data.n > 9) || 'n' in resource.data
(resource.data.n > 9) in [true] || true
resource.data.n > 9 ? true : true
[resource.data.n > 9].size() == 1
{'a': resource.data.n > 9}.size() == 1
""".strip().split("\n")
KINDS_OF_FILTER = [[["n > 6"]], [["n == 7"]], [["n array-contains 7"]], [["n != 7"]], [["n == 7", "n > 1"]], [["n not-in 7,8"]],
                   [["n > 'a'"]], [["n != null"]], [["n == null"]]]


def lists():
    for conditions, queries in ((ONE_FIELD, BESIDE), (WHERE_VALUES_ARE, KINDS_OF_FILTER)):
        for condition, query in itertools.product(conditions, queries):
            yield condition, query, {}

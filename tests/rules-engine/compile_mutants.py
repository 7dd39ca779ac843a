"""Mutants of the rulesets in compile/bases, for record_mutants.py: what typing and pasting go wrong with.

A mutant is a base and a list of edits [from, removed, inserted] in characters, each made in the result of the one
before. Which mutants there are follows from the seed alone; no two are the same text.
"""
import pathlib
import random
import re

BASES = {path.stem: path.read_bytes().decode()
         for path in sorted((pathlib.Path(__file__).parent / "compile" / "bases").glob("*.rules"))}

TOKEN = re.compile(r"""\s+|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\n\\])*"|'(?:\\.|[^'\n\\])*'|[A-Za-z_$][\w$]*|\d+(?:\.\d*)?
    |/(?:[\w\-.~]+|\([\w\-]+\))|\*\*|&&|\|\||[=!<>]=|\+\+|--|.""".replace("\n    ", ""), re.S)
NAME = re.compile(r"[A-Za-z_$][\w$]*$")

KEYWORDS = ("allow false function if import in is let null return service match rules_version true arguments break "
            "case continue default deny do each else extends for goto not package switch then var while").split()
NAMES = ("x uid request resource get exists size data math duration timestamp latlng hashing debug string int number "
         "nowhere isAdmin id database and or const path list keys _ $a a$ as").split()
OPERATORS = "&& || ! == != < <= > >= + - * / % ? : . , ; ( ) [ ] { } = $ @ ** ++ -- is in".split()
WRONG_OPERATORS = ("=== !== & | ^ ~ <> => -> =< ?? ?. ... :: := += and or not && || = == ! !! - -- + ++ * ** / // /* "
                   "# % && && |||").split() + ["! =", "= =", "& &", "not in", "is not", "|| |"]
LITERALS = ("'a' \"a\" 1 0 1.5 true false null [] {} b'x' B\"\\xff\" /a/b /a/$(x) [1,] {'k': 1,} -1 0.0 1. .5 "
            "9223372036854775807 -9223372036854775808 request resource request.time request.auth.uid math.abs(1) "
            "duration.value(1,'s') timestamp.date(2024,1,1) latlng.value(1,2) [1].toSet() 'a'.size()").split()
BAD_LITERALS = (r"""007 1e3 0x1F 1_000 1.5f 1..2 .5.5 1.2.3 00 9223372036854775808 99999999999999999999 -9223372036854775809
    '\d' "\d" '\.' '\0' '\400' '\u12' '\u{1F600}' '\x4' '\/' 'it’s' "it’s" "“q”" '“q”' 'unclosed "unclosed 'a" "a'
    b'\u0041' b'é' b"\777" b 'x' r'x' `x` 'a''b' "" '' '''a''' [1,,2] [,] [ {a:} {,} {'a'} {'a':1,,} {'a' 1} (,) () ((
    )) '\' '\\' "\\" "\"" '\'' None undefined True NaN Infinity '	' TRUE""").split()
PATHS = (r"""/ // /a/ /a//b /{x /{x} /{x=} /{x=*} /{x=**} /{x=***} /{=x} /{x}} /{x=**}} /{x=*}} /{1} /{'x'} /{a.b} /$x /$
    /$() /$(x /$(x) /$(x)y /x$(y) /x{y} /{x}y /{x}{y} /(default) /(default /(a b) /%2 /%20 /%zz /a%20b /é /a'b /a*b /a**
    /** /* /*/ /a+b /a@b:c /{if} /{match} /{request} /{math} /{x=**}/{y=**} /{x}/{x} /a/b/c/d /$(1 /$ (x) / x / {x} / $(x)
    /-/_/~/. /a"b /$(x)/ /{x}/ /a?b /a=b /a#b /a,b /a;b""").split()
STATEMENTS = """let z = 1;|let z = 1|let = 1;|let z;|let z == 1;|allow read;|allow read: if true;|allow read if true;|allow: if true;|
allow read, : if true;|allow read write: if true;|allow read: true;|allow read: if;|allow read: if (true;|allow;|deny read;|allow read = if true;|
allow read: if true else false;|allow read: if { true };|return true;|return;|function f() { return true; }|function f(a, a) { return a; }|
function f(a,) { return a; }|function f { return true; }|function (a) { return a; }|function f(a) { a }|function f(a) { let b = a; }|function f() {}|
function f(a) { return a }|function f(a)) { return a; }|function f(1) { return 1; }|function f(a b) { return a; }|function f(a) { return f(a); }|
function f() { if (true) { return 1; } return 2; }|function math() { return 1; }|function f(math) { return 1; }|match /q/{r} { allow read; }|
match /q/{r} {}|match /q/{r} allow read;|match q/{r} { allow read; }|match /q/ { allow read; }|match /q/{r}/{r} { allow read; }|match { allow read; }|
/q/{r} { allow read; }|match /q/{r=**}/{s=**} { allow read; }|match ('/q') { allow read; }|import 'x';|import "x" as y;|import 'x' y;|import x;|
service cloud.firestore { match /q/{r} { allow read; } }|service cloud.firestore { }|service { }|service in { match /q/{r} { allow read; } }|
service 'cloud.firestore' { }|service cloud.datastore { match /q/{r} { allow read; } }|rules_version = '2';|rules_version = '3';|rules_version = 2;|
rules_version '2';|rules_version: '2';|var x = 1;|const x = 1;|if (true) { }|x = 1;|x;|;|{}|()|},|{|}|/* x */|// x
|/*|*/|#|@|//|<!-- x -->""".replace("|\n", "|").split("|")
VERSIONS = """rules_version = '1';|rules_version = "2";|rules_version = '2'|rules_version='2';;|rules_version = '3';|rules_version = '';|
rules_version = 2;|rules_version = '2.0';|rules_version == '2';|rules_version '2';|rules_version = ;|rules_version;|rule_version = '2';|
rules version = '2';|version = '2';|rules_version = b'2';|rules_version = '2', '1';|rules_version = '\\x32';|rules_version = '2' service = '1';|
rules_version = "2'; |'2';|import 'a'; rules_version = '2';|/* */ rules_version = '2';|rules_version = '2'; rules_version = '2';|
Rules_version = '2';|RULES_VERSION = '2';|#rules_version = '2';|""".replace("|\n", "|").split("|")
CHARACTERS = ("abcxyzAZ_$0123456789 \t\n\r.,;:()[]{}<>=!&|+-*/%?@#'\"\\^~`"
              "\0\x01\x08\x0b\x0c\x1b\x7f\x85\xa0\xad\xe9\u2018\u2019\u201c\u201d\u2028\u200b\u3000\ufeff\u65e5\U0001f600")
METHODS = ("size lower keys values toSet hasAny hasAll hasOnly matches split replace join get diff affectedKeys union year "
           "date toMillis seconds latitude distance toBase64 toUtf8 bind concat removeAll contains length includes").split()
TYPES = ("bool bytes constraint duration float int latlng list vector set number map string timestamp path map_diff null "
         "String boolean integer object foo").split()


# ---- places in a text ----

def tokens(text):
    """[(from, to)] of what is neither space nor comment; an end of the file alone is left when nothing else is."""
    found = [m.span() for m in TOKEN.finditer(text)
             if not m.group().isspace() and not m.group().startswith(("//", "/*"))]
    return found or [(len(text), len(text))]


def any_token(r, text, wanted=lambda word: True):
    found = [at for at in tokens(text) if wanted(text[at[0]:at[1]])] or tokens(text)
    return r.choice(found)


def is_literal(word):
    return word[:1] in "'\"" or word[:1].isdigit() or word in ("true", "false", "null")


def lines(text):
    """[(from, to)] of the lines, each with its end."""
    ends = [0] + [m.end() for m in re.finditer("\n", text)] + [len(text)]
    return [(a, b) for a, b in zip(ends, ends[1:]) if a < b] or [(0, 0)]


def swap(text, one, other):
    (a, b), (c, d) = sorted([one, other])
    if b > c:
        return []
    return [[c, d - c, text[a:b]], [a, b - a, text[c:d]]]


def spaced(r, word):
    return r.choice(["", " "]) + word + r.choice(["", " "])


# ---- mutations: each answers with its edits ----

def delete_token(r, text):
    a, b = any_token(r, text)
    return [[a, b - a, ""]]


def delete_tokens(r, text):
    found = tokens(text)
    i = r.randrange(len(found))
    j = min(len(found) - 1, i + r.randrange(1, 6))
    return [[found[i][0], found[j][1] - found[i][0], ""]]


def duplicate_token(r, text):
    a, b = any_token(r, text)
    return [[a, 0, text[a:b] + r.choice(["", " "])]]


def copy_token(r, text):
    (a, b), (at, _) = any_token(r, text), any_token(r, text)
    return [[at, 0, spaced(r, text[a:b])]]


def swap_neighbours(r, text):
    found = tokens(text)
    i = r.randrange(len(found))
    return swap(text, found[i], found[min(i + 1, len(found) - 1)])


def swap_tokens(r, text):
    return swap(text, any_token(r, text), any_token(r, text))


def replace_token(r, text):
    a, b = any_token(r, text)
    return [[a, b - a, r.choice(r.choice([KEYWORDS, NAMES, OPERATORS, LITERALS]))]]


def insert_token(r, text):
    a, _ = any_token(r, text)
    return [[a, 0, spaced(r, r.choice(r.choice([KEYWORDS, NAMES, OPERATORS, LITERALS])))]]


def truncate(r, text):
    a = r.choice([any_token(r, text)[0], r.randrange(len(text) + 1)])
    return [[a, len(text) - a, ""]]


def behead(r, text):
    return [[0, any_token(r, text)[0], ""]]


def delete_character(r, text):
    return [[r.randrange(max(1, len(text))), 1, ""]]


def insert_character(r, text):
    return [[r.randrange(len(text) + 1), 0, r.choice(CHARACTERS)]]


def replace_character(r, text):
    return [[r.randrange(max(1, len(text))), 1, r.choice(CHARACTERS)]]


def swap_characters(r, text):
    i = r.randrange(max(1, len(text) - 1))
    return [[i, 2, text[i:i + 2][::-1]]]


def delete_line(r, text):
    a, b = r.choice(lines(text))
    return [[a, b - a, ""]]


def duplicate_line(r, text):
    a, b = r.choice(lines(text))
    return [[a, 0, text[a:b]]]


def move_line(r, text):
    (a, b), (at, _) = r.choice(lines(text)), r.choice(lines(text))
    if a <= at < b:
        return []
    moved = [[a, b - a, ""], [at if at < a else at - (b - a), 0, text[a:b]]]
    return moved


def comment_line(r, text):
    return [[r.choice(lines(text))[0], 0, r.choice(["//", "/*", "*/", "#", "/", "--", "/**", "//*/"])]]


def wrong_operator(r, text):
    a, b = any_token(r, text, lambda word: not NAME.match(word) and not is_literal(word) or word in ("in", "is"))
    return [[a, b - a, r.choice(WRONG_OPERATORS)]]


def other_literal(r, text):
    a, b = any_token(r, text, is_literal)
    return [[a, b - a, r.choice(r.choice([LITERALS, BAD_LITERALS, BAD_LITERALS]))]]


def other_path(r, text):
    a, b = any_token(r, text, lambda word: word[:1] == "/")
    return [[a, b - a, r.choice(PATHS)]]


def other_name(r, text):
    a, b = any_token(r, text, lambda word: NAME.match(word) and word not in KEYWORDS)
    names = [text[c:d] for c, d in tokens(text) if NAME.match(text[c:d])] or NAMES
    return [[a, b - a, r.choice(r.choice([names, NAMES, KEYWORDS, METHODS, TYPES]))]]


def misspell(r, text):
    a, b = any_token(r, text, NAME.match)
    if b - a < 2:
        return []
    i = r.randrange(a, b - 1)
    return [r.choice([[i, 1, ""], [i, 2, text[i:i + 2][::-1]], [i, 1, text[i].swapcase()], [i, 0, text[i]], [i, 0, " "]])]


def add_argument(r, text):
    a, b = any_token(r, text, lambda word: word in "()[],")
    return [[r.choice([a, b]), 0, r.choice(LITERALS + NAMES) + r.choice([",", "", ", "])]]


def add_method(r, text):
    _, b = any_token(r, text, lambda word: NAME.match(word) or word in ")]" or is_literal(word))
    return [[b, 0, r.choice(["." + r.choice(METHODS) + r.choice(["()", "('a')", "([1])", ""]), "[0]", "['a']", "[0:1]", "[]",
                            "." + r.choice(KEYWORDS + TYPES), " is " + r.choice(TYPES), "(", "()", ".."])]]


def add_statement(r, text):
    starts = [i for i in range(len(text)) if i == 0 or text[i - 1] in ";{}\n"] or [0]
    at = r.choice([r.choice(starts), r.choice(starts), any_token(r, text)[0]])
    return [[at, 0, r.choice(STATEMENTS) + r.choice([" ", "\n"])]]


def other_version(r, text):
    line = text.split("\n")[0] if text.startswith("rules_version") else ""
    return [[0, len(line), r.choice(VERSIONS)]]


def other_spaces(r, text):
    kind = r.randrange(5)
    if kind == 0:
        return [[0, 0, r.choice(["\ufeff", "\xa0", "\0", "\u2028", "\x1a", "\f", "\x0b"])]]
    spaces = [m.span() for m in re.finditer(r"\s+", text)] or [(0, 0)]
    a, b = r.choice(spaces)
    if kind == 1:
        return [[a, b - a, ""]]
    if kind == 2:
        return [[a, b - a, r.choice(["\xa0", "\f", "\r", "\r\n", "\t", "\u3000", "\x0b", "/**/", "//\n", "/* é */"])]]
    return [[any_token(r, text)[0], 0, r.choice([" ", "\n", "\r", "/* x */", "// x\n", "/*", "*/", "//"])]]


MUTATIONS = [delete_token, delete_token, delete_tokens, duplicate_token, copy_token, swap_neighbours, swap_tokens,
             replace_token, replace_token, insert_token, insert_token, truncate, behead, delete_character, delete_character,
             insert_character, insert_character, replace_character, replace_character, swap_characters, delete_line,
             duplicate_line, move_line, comment_line, wrong_operator, wrong_operator, other_literal, other_literal, other_path,
             other_path, other_name, other_name, misspell, misspell, add_argument, add_method, add_method, add_statement,
             add_statement, add_statement, other_version, other_spaces]


def apply(text, edits):
    for at, removed, inserted in edits:
        text = text[:at] + inserted + text[at + removed:]
    return text


def mutants(seed, n):
    """n of (base, mutations, edits, text)."""
    r = random.Random(seed)
    seen = set(BASES.values())
    while n > 0:
        base = r.choice(sorted(BASES))
        text, edits, names = BASES[base], [], []
        for _ in range(r.choice([1, 1, 1, 1, 2, 3])):
            mutation = r.choice(MUTATIONS)
            made = mutation(r, text)
            text = apply(text, made)
            edits += made
            names.append(mutation.__name__)
        if text not in seen:
            seen.add(text)
            n -= 1
            yield base, names, edits, text

#!/usr/bin/env python3
"""Keeps the house rules that no compiler checks. Each check is one ctest:

  house.py arrows ROOT        rooms include only rooms below them
  house.py third-party ROOT   each library is included by one file or folder only
  house.py banned ROOT        no function that cannot be told how much room there is
  house.py opening ROOT       every source file opens with a comment that says what it is for
  house.py leftovers ROOT     no unfinished marks, no paths of somebody's machine
  house.py headers ROOT CC    every header compiles alone, twice, under strict flags
  house.py selftest ROOT CC   every check above finds what it is for

Exit code 1 and one line a finding, as compilers print them. Only the standard library is used."""
import os
import re
import subprocess
import sys
import tempfile

# Each room, and what it may include. Arrows point down only.
ROOMS = {
    "core": {"core"},
    "rules-engine": {"rules-engine", "core"},
    "storage": {"storage", "core"},
    "server": {"server", "storage", "rules-engine", "core"},
}

# Beginning of an included name, and where in the product it may stand. Tests are clients: they may use any.
THIRD_PARTY = {
    "nettle/": "core/crypto.c",
    "sqlite3": "storage/",
    "jansson": "server/",
    "microhttpd": "server/net/http1.c",
    "nghttp2/": "server/net/http2.c",
    "re2/": "rules-engine/regex.cc",
    "wslay/": "server/net/websocket.c",
}

# The C library, POSIX and Linux.
SYSTEM = set("""assert ctype dirent errno fcntl fenv float getopt inttypes libgen limits locale math netdb poll
pthread pwd sched setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn
string strings termios time unistd wchar endian fnmatch ftw glob grp ifaddrs malloc semaphore threads""".split())
SYSTEM_FOLDERS = ("sys/", "netinet/", "arpa/", "net/", "linux/")

BANNED = re.compile(r"\b(v?sprintf|strcpy|stpcpy|strcat|gets|strtok|atoi|atol|atoll|atof|alloca)\s*\(")
# Written in pieces, so that this file does not find itself.
LEFTOVERS = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "/wo" + "rk/", "shared/(?:spe" + "c|desig" + "n|styl" + "e)"]))

SOURCES = (".c", ".h", ".cc")
SKIPPED_FOLDERS = {".git", "build", ".cinderlog", "node_modules", ".venv", "__pycache__", ".cache"}
SKIPPED_PREFIXES = ("tests/fuzz/corpus/",)  # inputs, not texts of ours


def files(root):
    """All files of the tree as paths relative to root, with '/'."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
            if not path.startswith(SKIPPED_PREFIXES) and not os.path.islink(os.path.join(root, path)):
                yield path


def read(root, path):
    with open(os.path.join(root, path), "rb") as f:
        return f.read().decode("utf-8", "replace")


def room_of(path):
    room = path.split("/")[0]
    return room if room in ROOMS and "/" in path else None


def sources(root, product_only=False):
    for path in files(root):
        if path.endswith(SOURCES) and (room_of(path) or (path.startswith("tests/") and not product_only)):
            yield path


def without_comments(text, keep_strings=False):
    """The code alone, line by line as before: comments, and the inside of literals, become blanks."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        piece = match.group(0)
        if piece[0] in "\"'":
            return piece if keep_strings else '""'
        return re.sub(r"[^\n]", " ", piece)

    return pattern.sub(blank, text)


def includes(root, path):
    """(line, quoted?, name) of each #include."""
    code = without_comments(read(root, path), keep_strings=True)
    for number, line in enumerate(code.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if match:
            yield number, match.group(1) is not None, match.group(1) or match.group(2)


def check_arrows(root):
    for path in sources(root, product_only=True):
        room = room_of(path)
        for line, quoted, name in includes(root, path):
            target = room_of(name)
            if not quoted:
                if target:
                    yield f"{path}:{line}: write \"{name}\", not <{name}>"
            elif target is None:
                yield f"{path}:{line}: \"{name}\" must be written from the top: \"room/file.h\""
            elif target not in ROOMS[room]:
                yield f"{path}:{line}: {room} may not include {target} (\"{name}\"): arrows point down only"
            elif not os.path.exists(os.path.join(root, name)):
                yield f"{path}:{line}: there is no \"{name}\""


def check_third_party(root):
    for path in sources(root, product_only=True):
        for line, quoted, name in includes(root, path):
            if quoted:
                continue
            library = next((key for key in THIRD_PARTY if name.startswith(key)), None)
            if library:
                allowed = THIRD_PARTY[library]
                if not (path == allowed or (allowed.endswith("/") and path.startswith(allowed))):
                    yield f"{path}:{line}: <{name}> may be included only in {allowed}"
            elif path.endswith(".cc") and "." not in name:
                continue  # the C++ library
            elif not (name.endswith(".h") and name[:-2] in SYSTEM) and not name.startswith(SYSTEM_FOLDERS):
                yield f"{path}:{line}: <{name}> is in no table of tests/house/house.py"


def check_banned(root):
    for path in sources(root):
        for number, line in enumerate(without_comments(read(root, path)).split("\n"), 1):
            match = BANNED.search(line)
            if match:
                yield f"{path}:{number}: {match.group(1)}() is banned: it does not know how much room there is"


def check_opening(root):
    for path in sources(root):
        if not read(root, path).startswith(("/*", "//")):
            yield f"{path}:1: opens with no comment that says what it is for"


def check_leftovers(root):
    for path in files(root):
        text = read(root, path)
        if "\0" in text:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            match = LEFTOVERS.search(line)
            if match:
                yield f"{path}:{number}: contains \"{match.group(0)}\""


def check_headers(root, compiler):
    for path in sources(root, product_only=True):
        if not path.endswith(".h"):
            continue
        command = [compiler, "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-pedantic", "-Werror",
                   "-fsyntax-only", "-I", root, "-x", "c", "-"]
        unit = f'#include "{path}"\n#include "{path}"\n'
        result = subprocess.run(command, input=unit, text=True, capture_output=True)
        if result.returncode != 0:
            yield f"{path}:1: does not compile alone:\n{result.stderr.rstrip()}"


CHECKS = {
    "arrows": check_arrows,
    "third-party": check_third_party,
    "banned": check_banned,
    "opening": check_opening,
    "leftovers": check_leftovers,
    "headers": check_headers,
}

# For each check: files that must be found, and files that must not.
SELFTEST = {
    "arrows": (
        {
            "core/a.c": '/* */\n#include "storage/a.h"\n',
            "storage/b.c": '/* */\n#include "rules-engine/a.h"\n',
            "rules-engine/c.c": '/* */\n#include "server/a.h"\n',
            "server/d.c": '/* */\n#include "tests/a.h"\n',
            "core/e.c": '/* */\n#include "a.h"\n',
            "core/f.c": '/* */\n#include <core/a.h>\n',
            "core/g.c": '/* */\n#include "core/missing.h"\n',
            "core/h.c": '/* */\n  #  include "../storage/a.h"\n',
        },
        {
            "server/z.c": '/* */\n#include "storage/a.h"\n#include "rules-engine/a.h"\n#include "core/a.h"\n',
            "core/y.c": '/* #include "storage/a.h" */\n// #include "storage/a.h"\n#include "core/a.h"\n',
        },
    ),
    "third-party": (
        {
            "server/a.c": "/* */\n#include <sqlite3.h>\n",
            "core/b.c": "/* */\n#include <nettle/sha2.h>\n",
            "server/net/c.c": "/* */\n#include <microhttpd.h>\n",
            "core/d.c": "/* */\n#include <curl/curl.h>\n",
        },
        {
            "storage/z.c": "/* */\n#include <sqlite3.h>\n#include <sys/stat.h>\n#include <string.h>\n",
            "core/crypto.c": "/* */\n#include <nettle/sha2.h>\n",
            "rules-engine/regex.cc": "/* */\n#include <re2/re2.h>\n#include <string>\n",
        },
    ),
    "banned": (
        {
            "core/a.c": "/* */\nvoid f(char *p) { strcpy (p, p); }\n",
            "tests/b.c": "/* */\nint g(char *p) { return atoi(p); }\n",
            "server/c.h": '/* */\n#define X(p) sprintf(p, "x")\n',
        },
        {"core/z.c": '/* strcpy(a, b) */\nint h(char *p) { return snprintf(p, 1, "gets(x)"); } // atoi(x)\n'},
    ),
    "opening": (
        {"core/a.c": "int a;\n", "tests/b.h": "\n/* late */\n", "core/c.h": ""},
        {"core/z.c": "/* z.c - said. */\nint z;\n"},
    ),
    "leftovers": (
        {"core/a.c": "/* TO" + "DO: more */\n", "notes.md": "see /wo" + "rk/x\n", "tests/c.py": "# FIX" + "ME\n"},
        {"core/z.c": "/* todo lists, frameworks/, homework */\n", "build/x.c": "/* TO" + "DO */\n"},
    ),
    "headers": (
        {
            "core/a.h": "/* */\nsize_t f(void);\n",
            "core/b.h": "/* */\nint twice = 1;\n",
            "core/c.h": "/* */\nstatic int unused(void) { return 0; }\n",
        },
        {"core/z.h": "/* */\n#ifndef Z\n#define Z\n#include <stddef.h>\nsize_t f(void);\n#endif\n"},
    ),
}


def selftest(compiler):
    for name, (bad, good) in SELFTEST.items():
        with tempfile.TemporaryDirectory() as root:
            tree = {f"{room}/a.h": "/* */\n" for room in ROOMS} if name == "arrows" else {}
            for path, text in {**tree, **bad, **good}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            arguments = [root, compiler] if name == "headers" else [root]
            found = {finding.split(":")[0] for finding in CHECKS[name](*arguments)}
            for path in sorted(set(bad) - found):
                yield f"{name}: {path} was not found:\n{bad[path]}"
            for path in sorted(found - set(bad)):
                yield f"{name}: {path} was found without reason"


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in [*CHECKS, "selftest"]:
        print(__doc__, file=sys.stderr)
        return 2
    name, root, *rest = arguments
    findings = list(selftest(*rest) if name == "selftest" else CHECKS[name](root, *rest))
    print("\n".join(findings or [f"house: {name}: nothing found"]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

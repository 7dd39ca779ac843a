#!/usr/bin/env python3
"""Records what Google's emulator 1.19.9 says about the mutants of compile_mutants.py.

    record_mutants.py HOST:PORT > compile/mutants.ndjson

One line a mutant: [base, edits, errors, finding, ...]. Edits are [from, removed, inserted] in bytes of UTF-8, each
made in the result of the one before; `errors` counts them; of a mutant that is refused the first error follows, of
one that is not all warnings, as "E 5:12 text". test_compile_mutants.c replays the file.
"""
import http.client
import json
import sys

from compile_mutants import BASES, mutants
from record_compile import put, row

SEED, COUNT = 20241124, 10000


def in_bytes(text, edits):
    for at, removed, inserted in edits:
        yield [len(text[:at].encode()), len(text[at:at + removed].encode()), inserted]
        text = text[:at] + inserted + text[at + removed:]


def main():
    emulator = http.client.HTTPConnection(sys.argv[1], timeout=40)
    for number, (base, mutations, edits, text) in enumerate(mutants(SEED, COUNT)):
        answer = put(emulator, "mutants", text, True)
        if "error" in answer:  # the emulator failed: nothing to learn
            print("skipped: %d, %s of %s: %s" % (number, mutations, base, answer["error"]), file=sys.stderr)
            continue
        issues = [row(issue) for issue in answer.get("issues", [])]
        errors = [issue for issue in issues if issue[0] == "E"]
        said = ["%s %d:%d %s" % (i[0], i[1], i[2], i[5]) for i in errors[:1] or issues]
        print(json.dumps([base, list(in_bytes(BASES[base], edits)), len(errors)] + said, ensure_ascii=False,
                         separators=(",", ":")))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""An independent implementation of storage/FORMAT.md, in plain Python (hashlib, sqlite3).

    vectors.py              print the golden vectors (tests/storage/vectors.json)
    vectors.py --test FILE  compare FILE with what this program computes
    vectors.py --check DB   check a ledger file by section 4 of FORMAT.md; exit 1 and the first bad seq if not intact

It shares no code with storage/*.c: written from the page, so that page and program are checked against each other.
"""
import hashlib
import json
import sqlite3
import sys


def field(b):
    return len(b).to_bytes(4, "big") + b


def u64(n):
    return n.to_bytes(8, "big", signed=True)


def sha(first, *parts):
    h = hashlib.sha256(bytes([first]))
    for p in parts:
        h.update(p)
    return h.digest()


def genesis(ledger_id):
    return sha(4, b"cinderlog ledger 1", ledger_id)


def body_digest(salt, data):
    return sha(3, salt, data)


NUMBERS = ("seq", "commit_seq", "time", "prev")
ORDER = ("seq", "kind", "commit_seq", "time", "project", "database", "path", "operation", "prev", "principal",
         "request_id", "decision", "rules_digest", "body_digest")


def leaf(row):
    return sha(0, *[field(u64(row[c]) if c in NUMBERS else row[c]) for c in ORDER])


def chain(before, leaf_hash):
    return sha(2, before, leaf_hash)


def sample_rows():
    """Rows that reach every column, every length that matters, and the odd bytes."""
    long_path = b"c/" + b"x" * 1400
    nul = "c/a\0b".encode()
    base = dict(kind=b"write", project=b"demo-p", database=b"(default)", operation=b"create", prev=0,
                principal=b"owner", request_id=b"req-1", decision=b"owner", rules_digest=b"", time=1795507200000000)
    rules = hashlib.sha256(b"rules").digest()
    fields = bytes.fromhex("120a0a016112053a03") + b"abc"
    yield dict(base, path=b"api_audit_logs/7Qx", body=fields)
    yield dict(base, path="größe/日本/😀/x".encode(), body=b"", decision=b"rules:14:9", rules_digest=rules)
    yield dict(base, path=b"api_audit_logs/7Qx", operation=b"update", prev=1, body=b"\x00" * 3, same_commit=True)
    yield dict(base, path=b"api_audit_logs/7Qx", operation=b"delete", prev=3, body=None, time=1795507200000001)
    yield dict(base, path=nul, kind=b"refused", body=b"secret", principal=b"user:\xc3\xa9", time=1795507200000002)
    yield dict(base, path=b"", kind=b"refusals", operation=b"", decision=b"1234", body=None, time=1795507200000003)
    yield dict(base, path=b"", kind=b"rules", operation=b"", body=b"service cloud.firestore {}", time=1795507200000004,
               project=b"", database=b"")
    yield dict(base, path=b"", kind=b"epoch", operation=b"", body=None, time=1795507200000005)
    yield dict(base, path=long_path, body=b"y" * 5000, time=1795507200000006, request_id=b"r" * 1020)
    yield dict(base, path=b"", kind=b"note", operation=b"", body=b"hello", time=-1)


def vectors():
    ledger_id = bytes(range(16))
    out = {"about": "storage/FORMAT.md, format 1; made by tests/storage/vectors.py; hex, texts as hex of UTF-8",
           "ledger_id": ledger_id.hex(), "chain_0": genesis(ledger_id).hex(), "entries": []}
    before, commit = genesis(ledger_id), 1
    for seq, row in enumerate(sample_rows(), 1):
        row["seq"] = seq
        if not row.pop("same_commit", False):
            commit = seq
        row["commit_seq"] = commit
        salt = hashlib.sha256(b"salt%d" % seq).digest()[:16]
        data = row.pop("body")
        row["body_digest"] = b"" if data is None else body_digest(salt, data)
        lf = leaf(row)
        before = chain(before, lf)
        entry = {c: row[c] if c in NUMBERS else row[c].hex() for c in ORDER}
        entry["salt"] = "" if data is None else salt.hex()
        entry["body"] = "" if data is None else data.hex()
        entry["leaf"], entry["chain"] = lf.hex(), before.hex()
        out["entries"].append(entry)
    return out


class Bad(Exception):
    pass


def need(ok, seq, what):
    if not ok:
        raise Bad("seq %d: %s" % (seq, what))


WITH_BODY = {b"write": {b"create", b"update"}, b"rules": {b""}, b"note": {b""}, b"import": {b""}}
KINDS = {b"write", b"refused", b"refusals", b"rules", b"epoch", b"note", b"import", b"prune"}


def check_rows(db, ledger_id):
    bodies = {s: (salt, data) for s, salt, data in db.execute("SELECT seq, salt, bytes FROM body")}
    before, n, last = genesis(ledger_id), 0, None
    newest, live, missing = {}, {}, set()
    columns = ORDER + ("leaf", "chain")
    for values in db.execute("SELECT %s FROM entry ORDER BY seq" % ", ".join(columns)):
        row = {c: (v.encode() if isinstance(v, str) else v) for c, v in zip(columns, values)}
        seq = n = n + 1
        need(row["seq"] == seq, seq, "missing (found %d)" % row["seq"])
        need(row["kind"] in KINDS, seq, "unknown kind")
        same = last is not None and row["commit_seq"] == last["commit_seq"]
        need(same or row["commit_seq"] == seq, seq, "commit_seq")
        need(last is None or (row["time"] == last["time"] if same else row["time"] > last["time"]), seq, "time")
        need(leaf(row) == row["leaf"], seq, "leaf differs")
        before = chain(before, row["leaf"])
        need(before == row["chain"], seq, "chain differs")
        check_body(row, bodies, missing)
        check_history(row, newest, live)
        if row["kind"] == b"prune":
            a, b = map(int, row["path"].split(b"-"))
            missing = {s for s in missing if not a <= s <= b}
        last = row
    need(not bodies, min(bodies, default=0), "a body without its entry")
    need(not missing, min(missing, default=0), "its body is missing")
    return n, before


def check_body(row, bodies, missing):
    seq, digest = row["seq"], row["body_digest"]
    wants = row["operation"] in WITH_BODY.get(row["kind"], ())
    need(row["kind"] == b"refused" or bool(digest) == wants, seq, "body digest present or not, against its kind")
    if not digest:
        need(seq not in bodies, seq, "a body that its entry does not have")
    elif seq not in bodies:
        missing.add(seq)
    else:
        salt, data = bodies.pop(seq)
        need(len(salt) == 16, seq, "salt")
        need(data is not None or row["kind"] == b"refused", seq, "its body is NULL")
        need(data is None or body_digest(salt, data) == digest, seq, "body differs from its digest")


def check_history(row, newest, live):
    seq, space = row["seq"], (row["project"], row["database"])
    if row["kind"] == b"epoch":
        for key in [k for k in live if row["project"] == b"" or k[:2] == space]:
            del live[key]
    if row["kind"] != b"write":
        need(row["prev"] == 0, seq, "prev of a %s" % row["kind"].decode())
        return
    key = space + (row["path"],)
    need(row["prev"] == newest.get(key, 0), seq, "prev is %d, expected %d" % (row["prev"], newest.get(key, 0)))
    newest[key] = seq
    need((row["operation"] == b"create") == (key not in live), seq, "operation against history")
    if row["operation"] == b"delete":
        del live[key]
    else:
        live[key] = seq


def check(path):
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    try:
        (app,), (version,) = db.execute("PRAGMA application_id").fetchone(), db.execute("PRAGMA user_version").fetchone()
        need(app == 0x436C6F67 and version == 1, 0, "not a ledger of format 1")
        ((ledger_id,),) = db.execute("SELECT id FROM ledger").fetchall()
        n, head = check_rows(db, ledger_id)
        print("intact: %d entries, chain %s" % (n, head.hex()))
        return 0
    except (Bad, sqlite3.DatabaseError) as e:
        print("not intact: %s" % e)
        return 1
    finally:
        db.close()


def main(argv):
    if argv[:1] == ["--check"]:
        return check(argv[1])
    text = json.dumps(vectors(), indent=1) + "\n"
    if argv[:1] == ["--test"]:
        same = open(argv[1]).read() == text
        print("vectors agree" if same else "vectors differ")
        return 0 if same else 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

/* ledger.c - the append-only file. What always holds, and what the code below may rely on:
 *
 *  (1) Rows of `entry` are only ever inserted, with seq = last seq + 1, by one connection of one process
 *      (flock on the lock file), inside a transaction.
 *  (2) A row's leaf covers all its columns; its chain covers every leaf before it, back to the ledger id.
 *  (3) `body` has a row for an entry exactly when its body_digest is not empty (until pruned), and it is
 *      inserted in the same transaction.
 *  (4) Entries of one commit are neighbours, in one transaction, with one time; times of commits rise.
 *  (5) `committed` never runs ahead of what COMMIT returned OK for; after any other result of COMMIT it is
 *      not used again (the store stops).
 *  (6) No SQL text is made from anything that came from outside: all statements are constants.
 *  (7) No other statement than INSERT into the two tables can be prepared on the appending connection once
 *      it is open (authorizer), triggers or not.
 *  (8) Nothing reads or writes the -wal behind SQLite's back while a connection is open; before the first
 *      one opens, wal.c looks for damage that SQLite would take for the log's end. */
#include "storage/ledger.h"

#include "core/clock.h"

#include <assert.h>
#include <stdio.h>

const char *const ledger_schema[] = {
    "CREATE TABLE ledger(\n"
    "  one INTEGER PRIMARY KEY CHECK(one = 1),\n"
    "  id BLOB NOT NULL\n"
    ") STRICT",
    "CREATE TABLE entry(\n"
    "  seq INTEGER PRIMARY KEY,\n"
    "  kind TEXT NOT NULL,\n"
    "  commit_seq INTEGER NOT NULL,\n"
    "  time INTEGER NOT NULL,\n"
    "  project TEXT NOT NULL,\n"
    "  database TEXT NOT NULL,\n"
    "  path TEXT NOT NULL,\n"
    "  operation TEXT NOT NULL,\n"
    "  prev INTEGER NOT NULL,\n"
    "  principal TEXT NOT NULL,\n"
    "  request_id TEXT NOT NULL,\n"
    "  decision TEXT NOT NULL,\n"
    "  rules_digest BLOB NOT NULL,\n"
    "  body_digest BLOB NOT NULL,\n"
    "  leaf BLOB NOT NULL,\n"
    "  chain BLOB NOT NULL\n"
    ") STRICT",
    "CREATE TABLE body(\n"
    "  seq INTEGER PRIMARY KEY,\n"
    "  salt BLOB NOT NULL,\n"
    "  bytes BLOB\n"
    ") STRICT",
#define FORBID(name, when, table)                                                                            \
    "CREATE TRIGGER " name " BEFORE " when " ON " table " BEGIN\n"                                           \
    "  SELECT RAISE(ABORT, 'cinderlog: the ledger is append-only');\n"                                       \
    "END"
    FORBID("entry_no_update", "UPDATE", "entry"),
    FORBID("entry_no_delete", "DELETE", "entry"),
    FORBID("body_no_update", "UPDATE", "body"),
    FORBID("body_no_delete", "DELETE", "body"),
    FORBID("ledger_no_update", "UPDATE", "ledger"),
    FORBID("ledger_no_delete", "DELETE", "ledger"),
    /* These also stop INSERT OR REPLACE on connections where recursive_triggers is off. */
    "CREATE TRIGGER entry_next BEFORE INSERT ON entry\n"
    "WHEN new.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entry) BEGIN\n"
    "  SELECT RAISE(ABORT, 'cinderlog: seq must be the next one');\n"
    "END",
    "CREATE TRIGGER body_next BEFORE INSERT ON body\n"
    "WHEN new.seq <= (SELECT coalesce(max(seq), 0) FROM body) BEGIN\n"
    "  SELECT RAISE(ABORT, 'cinderlog: the ledger is append-only');\n"
    "END",
    "CREATE TRIGGER ledger_once BEFORE INSERT ON ledger\n"
    "WHEN EXISTS (SELECT 1 FROM ledger) BEGIN\n"
    "  SELECT RAISE(ABORT, 'cinderlog: the ledger has its id');\n"
    "END",
    NULL,
};

/* From format N to N + 1, each in one transaction with the new user_version. Format 1 is the first. */
static const struct {
    int64_t from;
    const char *sql;
} migrations[] = { { 0, NULL } };

/* Only what appending needs; see invariant (7). */
static int authorize(void *data, int action, const char *a, const char *b, const char *c, const char *d)
{
    (void)data, (void)b, (void)c, (void)d;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_TRANSACTION:
    case SQLITE_FUNCTION:
        return SQLITE_OK;
    case SQLITE_INSERT:
        return strcmp(a, "entry") == 0 || strcmp(a, "body") == 0 ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

static enum status_code create(sqlite3 *db, struct status *st)
{
    unsigned char id[FORMAT_LEDGER_ID];
    sqlite3_stmt *insert = NULL;
    clock_random(id, sizeof id);
    if (db_exec(db, "BEGIN IMMEDIATE; PRAGMA application_id = 0x436C6F67; PRAGMA user_version = 1", st))
        return st->code;
    for (size_t i = 0; ledger_schema[i]; i++)
        if (db_exec(db, ledger_schema[i], st))
            return st->code;
    if (db_prepare(&insert, db, "INSERT INTO ledger(one, id) VALUES(1, ?)", st))
        return st->code;
    sqlite3_bind_blob(insert, 1, id, sizeof id, SQLITE_STATIC);
    int rc = sqlite3_step(insert);
    sqlite3_finalize(insert);
    if (rc != SQLITE_DONE)
        return db_fail(db, rc, "naming the ledger", st);
    return db_exec(db, "COMMIT", st);
}

static enum status_code check_version(sqlite3 *db, struct status *st)
{
    const char *name = db_basename(sqlite3_db_filename(db, "main"));
    int64_t application, version;
    if (db_number(&application, db, "PRAGMA application_id", st) ||
        db_number(&version, db, "PRAGMA user_version", st))
        return st->code;
    if (application != LEDGER_APPLICATION_ID)
        return status_set(
            st, STATUS_FAILED_PRECONDITION,
            "%s is not a Cinderlog ledger (application_id 0x%llx): name another file or directory", name,
            (unsigned long long)application);
    if (version > FORMAT_VERSION)
        return status_set(st, STATUS_FAILED_PRECONDITION,
                          "%s has format %lld, this version reads up to %d: use a newer Cinderlog", name,
                          (long long)version, FORMAT_VERSION);
    if (version < 1)
        return status_set(st, STATUS_DATA_LOSS, "%s says format %lld, which never existed", name,
                          (long long)version);
    return STATUS_OK;
}

static enum status_code migrate(sqlite3 *db, struct status *st)
{
    int64_t version;
    if (check_version(db, st) || db_number(&version, db, "PRAGMA user_version", st))
        return st->code;
    for (size_t i = 0; i < sizeof migrations / sizeof migrations[0]; i++)
        if (migrations[i].sql && migrations[i].from == version++)
            if (db_exec(db, migrations[i].sql, st))
                return st->code;
    return STATUS_OK;
}

static enum status_code use_wal(sqlite3 *db, struct status *st)
{
    sqlite3_stmt *stmt = NULL;
    if (db_prepare(&stmt, db, "PRAGMA journal_mode = WAL", st))
        return st->code;
    int rc = sqlite3_step(stmt);
    bool wal = rc == SQLITE_ROW && str_eq_z(db_column_bytes(stmt, 0), "wal");
    sqlite3_finalize(stmt);
    if (wal)
        return STATUS_OK;
    if (rc != SQLITE_ROW)
        return db_fail(db, rc, "switching to WAL mode", st);
    return status_set(st, STATUS_FAILED_PRECONDITION,
                      "%s: this filesystem cannot hold a WAL: use another directory",
                      db_basename(sqlite3_db_filename(db, "main")));
}

static enum status_code prepare(struct ledger *l, struct status *st)
{
    if (db_prepare(&l->begin, l->db, "BEGIN IMMEDIATE", st) || db_prepare(&l->commit, l->db, "COMMIT", st) ||
        db_prepare(&l->rollback, l->db, "ROLLBACK", st) ||
        db_prepare(&l->insert_entry, l->db,
                   "INSERT INTO entry(" LEDGER_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", st))
        return st->code;
    return db_prepare(&l->insert_body, l->db, "INSERT INTO body(seq, salt, bytes) VALUES(?,?,?)", st);
}

enum status_code ledger_open(struct ledger *l, const char *path, const char *vfs, bool sync_full,
                             struct status *st)
{
    int64_t tables, application;
    *l = (struct ledger){ 0 };
    if (db_open(&l->db, path, vfs, DB_CREATE, st))
        return st->code;
    if (db_number(&tables, l->db, "SELECT count(*) FROM sqlite_schema", st) ||
        db_number(&application, l->db, "PRAGMA application_id", st))
        goto fail;
    bool empty = tables == 0 && application == 0;
    if (!empty && check_version(l->db, st))
        goto fail;
    if (empty &&
        db_exec(l->db, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE; PRAGMA encoding = 'UTF-8'", st))
        goto fail;
    /* Making the files would be five fsyncs; only `power` promises that they are there after a power cut. */
    if (empty && !sync_full && db_exec(l->db, "PRAGMA synchronous = OFF", st))
        goto fail;
    if (use_wal(l->db, st) || (empty && create(l->db, st)) || migrate(l->db, st))
        goto fail;
    if (db_exec(l->db, sync_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", st) ||
        db_exec(l->db, "PRAGMA secure_delete = ON", st) || ledger_read_id(l->id, l->db, st) ||
        ledger_read_head(&l->committed, l->db, l->id, st))
        goto fail;
    sqlite3_set_authorizer(l->db, authorize, NULL);
    if (prepare(l, st))
        goto fail;
    l->next = l->committed;
    return STATUS_OK;
fail:
    ledger_close(l);
    return st->code;
}

void ledger_close(struct ledger *l)
{
    db_close(l->db);
    *l = (struct ledger){ 0 };
}

/* ---- appending ---- */

static enum status_code run(struct ledger *l, sqlite3_stmt *stmt, const char *what, struct status *st)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? STATUS_OK : db_fail(l->db, rc, what, st);
}

enum status_code ledger_begin(struct ledger *l, struct status *st)
{
    l->next = l->committed;
    return run(l, l->begin, "beginning a batch", st);
}

enum status_code ledger_commit(struct ledger *l, struct status *st)
{
    if (run(l, l->commit, "committing a batch", st))
        return st->code;
    l->committed = l->next;
    return STATUS_OK;
}

void ledger_rollback(struct ledger *l)
{
    if (!sqlite3_get_autocommit(l->db)) { /* SQLite itself rolls back on some errors */
        sqlite3_step(l->rollback);
        sqlite3_reset(l->rollback);
    }
    l->next = l->committed;
}

static const unsigned char *take_salt(struct ledger *l)
{
    if (l->salts_left == 0) {
        clock_random(l->salts, sizeof l->salts);
        l->salts_left = sizeof l->salts / FORMAT_SALT;
    }
    return l->salts + --l->salts_left * FORMAT_SALT;
}

static enum status_code append_body(struct ledger *l, uint64_t seq, const unsigned char *salt,
                                    const struct str *bytes, struct status *st)
{
    sqlite3_bind_int64(l->insert_body, 1, (sqlite3_int64)seq);
    sqlite3_bind_blob(l->insert_body, 2, salt, FORMAT_SALT, SQLITE_STATIC);
    if (bytes)
        db_bind_blob(l->insert_body, 3, *bytes);
    else
        sqlite3_bind_null(l->insert_body, 3);
    return run(l, l->insert_body, "appending a body", st);
}

static void bind_entry(sqlite3_stmt *s, const struct format_entry *e, const unsigned char *leaf,
                       const unsigned char *chain)
{
    sqlite3_bind_int64(s, 1, (sqlite3_int64)e->seq);
    db_bind_text(s, 2, e->kind);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)e->commit_seq);
    sqlite3_bind_int64(s, 4, e->time_us);
    db_bind_text(s, 5, e->project);
    db_bind_text(s, 6, e->database);
    db_bind_text(s, 7, e->path);
    db_bind_text(s, 8, e->operation);
    sqlite3_bind_int64(s, 9, (sqlite3_int64)e->prev);
    db_bind_text(s, 10, e->principal);
    db_bind_text(s, 11, e->request_id);
    db_bind_text(s, 12, e->decision);
    db_bind_blob(s, 13, e->rules_digest);
    db_bind_blob(s, 14, e->body_digest);
    sqlite3_bind_blob(s, 15, leaf, FORMAT_HASH, SQLITE_STATIC);
    sqlite3_bind_blob(s, 16, chain, FORMAT_HASH, SQLITE_STATIC);
}

enum status_code ledger_append(struct ledger *l, struct format_entry *e, const struct str *body,
                               bool keep_bytes, struct status *st)
{
    unsigned char digest[FORMAT_HASH], leaf[FORMAT_HASH], chain[FORMAT_HASH];
    e->seq = l->next.seq + 1;
    assert(e->commit_seq == e->seq ? e->time_us > l->next.time_us || l->next.seq == 0
                                   : e->time_us == l->next.time_us && e->commit_seq < e->seq);
    e->body_digest = (struct str){ 0 };
    if (body) {
        const unsigned char *salt = take_salt(l);
        format_body_digest(digest, salt, *body);
        e->body_digest = str_from(digest, sizeof digest);
        if (append_body(l, e->seq, salt, keep_bytes ? body : NULL, st))
            return st->code;
    }
    format_leaf(leaf, e);
    format_chain(chain, l->next.chain, leaf);
    bind_entry(l->insert_entry, e, leaf, chain);
    if (run(l, l->insert_entry, "appending an entry", st))
        return st->code;
    e->body_digest = (struct str){ 0 }; /* it pointed into this frame */
    l->next.seq = e->seq;
    l->next.time_us = e->time_us;
    memcpy(l->next.chain, chain, sizeof chain);
    return STATUS_OK;
}

/* ---- reading ---- */

enum status_code ledger_read_id(unsigned char id[FORMAT_LEDGER_ID], sqlite3 *db, struct status *st)
{
    sqlite3_stmt *stmt = NULL;
    if (db_prepare(&stmt, db, "SELECT id FROM ledger", st))
        return st->code;
    int rc = sqlite3_step(stmt);
    struct str bytes = rc == SQLITE_ROW ? db_column_bytes(stmt, 0) : (struct str){ 0 };
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        db_fail(db, rc, "reading the ledger's id", st);
    else if (bytes.n != FORMAT_LEDGER_ID)
        status_set(st, STATUS_DATA_LOSS, "%s: table `ledger` does not hold an id of 16 bytes",
                   db_basename(sqlite3_db_filename(db, "main")));
    else
        memcpy(id, bytes.p, FORMAT_LEDGER_ID);
    sqlite3_finalize(stmt);
    return st->code;
}

enum status_code ledger_open_read(sqlite3 **out, const char *path, const char *vfs, struct status *st)
{
    *out = NULL;
    sqlite3 *db = NULL;
    if (db_open(&db, path, vfs, DB_READ, st))
        return st->code;
    if (check_version(db, st)) {
        db_close(db);
        return st->code;
    }
    *out = db;
    return STATUS_OK;
}

static bool hash_or_empty(struct str s)
{
    return s.n == 0 || s.n == FORMAT_HASH;
}

enum status_code ledger_row_read(struct ledger_row *row, sqlite3_stmt *s, struct status *st)
{
    static const unsigned char types[] = {
        SQLITE_INTEGER, SQLITE_TEXT, SQLITE_INTEGER, SQLITE_INTEGER, SQLITE_TEXT, SQLITE_TEXT,
        SQLITE_TEXT,    SQLITE_TEXT, SQLITE_INTEGER, SQLITE_TEXT,    SQLITE_TEXT, SQLITE_TEXT,
        SQLITE_BLOB,    SQLITE_BLOB, SQLITE_BLOB,    SQLITE_BLOB,
    };
    uint64_t seq = (uint64_t)sqlite3_column_int64(s, 0);
    for (int i = 0; i < (int)sizeof types; i++)
        if (sqlite3_column_type(s, i) != types[i])
            return status_set(st, STATUS_DATA_LOSS, "entry %llu: column %s has the wrong type",
                              (unsigned long long)seq, sqlite3_column_name(s, i));
    *row = (struct ledger_row){
        .entry = {
            .seq = seq,
            .kind = db_column_bytes(s, 1),
            .commit_seq = (uint64_t)sqlite3_column_int64(s, 2),
            .time_us = sqlite3_column_int64(s, 3),
            .project = db_column_bytes(s, 4),
            .database = db_column_bytes(s, 5),
            .path = db_column_bytes(s, 6),
            .operation = db_column_bytes(s, 7),
            .prev = (uint64_t)sqlite3_column_int64(s, 8),
            .principal = db_column_bytes(s, 9),
            .request_id = db_column_bytes(s, 10),
            .decision = db_column_bytes(s, 11),
            .rules_digest = db_column_bytes(s, 12),
            .body_digest = db_column_bytes(s, 13),
        },
        .leaf = db_column_bytes(s, 14),
        .chain = db_column_bytes(s, 15),
    };
    if (!hash_or_empty(row->entry.rules_digest) || !hash_or_empty(row->entry.body_digest) ||
        row->leaf.n != FORMAT_HASH || row->chain.n != FORMAT_HASH)
        return status_set(st, STATUS_DATA_LOSS, "entry %llu: a digest has the wrong length",
                          (unsigned long long)seq);
    return STATUS_OK;
}

enum status_code ledger_row_check(const struct ledger_row *row, const unsigned char before[FORMAT_HASH],
                                  struct status *st)
{
    unsigned char hash[FORMAT_HASH];
    unsigned long long seq = row->entry.seq;
    format_leaf(hash, &row->entry);
    if (memcmp(hash, row->leaf.p, sizeof hash) != 0)
        return status_set(st, STATUS_DATA_LOSS, "entry %llu: its columns do not give its leaf hash", seq);
    format_chain(hash, before, hash);
    if (memcmp(hash, row->chain.p, sizeof hash) != 0)
        return status_set(st, STATUS_DATA_LOSS, "entry %llu: its chain hash does not continue entry %llu",
                          seq, seq - 1);
    return STATUS_OK;
}

enum status_code ledger_chain_at(unsigned char out[FORMAT_HASH], bool *found, sqlite3 *db, uint64_t seq,
                                 struct status *st)
{
    *found = true;
    if (seq == 0) {
        unsigned char id[FORMAT_LEDGER_ID];
        if (ledger_read_id(id, db, st) == STATUS_OK)
            format_genesis(out, id);
        return st->code;
    }
    sqlite3_stmt *stmt = NULL;
    if (db_prepare(&stmt, db, "SELECT chain FROM entry WHERE seq = ?", st))
        return st->code;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(stmt);
    struct str chain = rc == SQLITE_ROW ? db_column_bytes(stmt, 0) : (struct str){ 0 };
    *found = chain.n == FORMAT_HASH;
    if (*found)
        memcpy(out, chain.p, FORMAT_HASH);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        db_fail(db, rc, "reading a chain hash", st);
    sqlite3_finalize(stmt);
    return st->code;
}

enum status_code ledger_read_head(struct ledger_head *out, sqlite3 *db,
                                  const unsigned char id[FORMAT_LEDGER_ID], struct status *st)
{
    sqlite3_stmt *stmt = NULL;
    struct ledger_row row;
    unsigned char before[FORMAT_HASH];
    bool found;
    *out = (struct ledger_head){ 0 };
    format_genesis(out->chain, id);
    if (db_prepare(&stmt, db, "SELECT " LEDGER_COLUMNS " FROM entry ORDER BY seq DESC LIMIT 1", st))
        return st->code;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE)
        goto out;
    if (rc != SQLITE_ROW) {
        db_fail(db, rc, "reading the newest entry", st);
        goto out;
    }
    if (ledger_row_read(&row, stmt, st) || ledger_chain_at(before, &found, db, row.entry.seq - 1, st))
        goto out;
    if (!found) {
        status_set(st, STATUS_DATA_LOSS, "entry %llu is missing", (unsigned long long)row.entry.seq - 1);
        goto out;
    }
    if (ledger_row_check(&row, before, st))
        goto out;
    out->seq = row.entry.seq;
    out->time_us = row.entry.time_us;
    memcpy(out->chain, row.chain.p, FORMAT_HASH);
out:
    sqlite3_finalize(stmt);
    return st->code;
}

/* derived.c - see derived.h. Writes touch one tree for a new document, two for an update or a delete:
 *
 *   create   insert head(open)
 *   update   insert past(closed by this seq), change head in place
 *   delete   insert past(closed by this seq), delete from head
 *
 * so that a scan of what is current meets neither old versions nor tombstones. The tombstone of a document is
 * the `until` of its newest row in `past` when head has none. */
#include "storage/derived.h"

#include "core/limits.h"
#include "core/log.h"
#include "core/order.h"

#include <assert.h>

enum { APPLICATION_ID = 0x436C6F64 /* "Clod" */, VERSION = 2, REPLAY_ROWS = 20000, FILTER_FIRST = 4096 };

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "PRAGMA application_id = 0x436C6F64; PRAGMA user_version = 2;"
    "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), ledger_id BLOB NOT NULL,"
    " applied_seq INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;"
    "CREATE TABLE space(id INTEGER PRIMARY KEY, project TEXT NOT NULL, database TEXT NOT NULL,"
    " from_seq INTEGER NOT NULL, until_seq INTEGER NOT NULL) STRICT;"
    "CREATE TABLE head(space INTEGER NOT NULL, key BLOB NOT NULL, seq INTEGER NOT NULL, "
    " updated INTEGER NOT NULL, age INTEGER NOT NULL, PRIMARY KEY(space, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE past(space INTEGER NOT NULL, key BLOB NOT NULL, until_seq INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, updated INTEGER NOT NULL, age INTEGER NOT NULL,"
    " PRIMARY KEY(space, key, until_seq)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE field_index(id INTEGER PRIMARY KEY, space INTEGER NOT NULL, prefix BLOB NOT NULL,"
    " field TEXT NOT NULL, elements INTEGER NOT NULL, complete INTEGER NOT NULL) STRICT;"
    "CREATE TABLE field_row(id INTEGER NOT NULL, row BLOB NOT NULL, from_seq INTEGER NOT NULL,"
    " until_seq INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY(id, row, from_seq)) STRICT, WITHOUT "
    "ROWID;";

/* ---- keys ---- */

unsigned derived_depth(struct str path)
{
    return (unsigned)((path_segments(path) + 1) / 2);
}

void derived_prefix(struct buf *out, unsigned depth, struct str path)
{
    assert(depth > 0 && depth <= 255);
    buf_clear(out);
    buf_byte(out, (unsigned char)depth);
    /* Id by id and without an end mark: the key of a parent is the beginning of its children's keys. */
    for (struct str id; path_next(&path, &id);)
        order_key_id(out, id);
    assert(!out->overflowed);
}

void derived_key(struct buf *out, struct str document_path)
{
    derived_prefix(out, derived_depth(document_path), document_path);
}

void derived_after_prefix(struct buf *out, struct str prefix)
{
    buf_clear(out);
    buf_str(out, prefix);
    while (out->len && out->data[out->len - 1] == 0xff)
        out->len--;
    assert(out->len); /* the first byte is a depth */
    out->data[out->len - 1]++;
}

/* ---- helpers ---- */

static enum status_code run(sqlite3_stmt *stmt, const char *what, struct status *st)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? STATUS_OK : db_fail(sqlite3_db_handle(stmt), rc, what, st);
}

static void bind_key(sqlite3_stmt *stmt, int64_t space, struct str key)
{
    sqlite3_bind_int64(stmt, 1, space);
    db_bind_blob(stmt, 2, key);
}

/* ---- reading ---- */

enum status_code derived_reads_prepare(struct derived_reads *r, sqlite3 *db, struct status *st)
{
    if (db_prepare(&r->head, db, "SELECT seq, updated, age FROM head WHERE space = ? AND key = ?", st) ||
        db_prepare(&r->covering, db,
                   "SELECT seq, updated, age FROM past WHERE space = ? AND key = ? AND until_seq > ?"
                   " ORDER BY until_seq LIMIT 1",
                   st))
        return st->code;
    return db_prepare(&r->ended, db,
                      "SELECT until_seq FROM past WHERE space = ? AND key = ? AND until_seq <= ?"
                      " ORDER BY until_seq DESC LIMIT 1",
                      st);
}

static void doc_from(struct derived_doc *out, sqlite3_stmt *stmt)
{
    out->exists = true;
    out->seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    out->updated_us = sqlite3_column_int64(stmt, 1);
    out->created_us = out->updated_us - sqlite3_column_int64(stmt, 2);
}

/* One row: whether its version had begun at the view. */
static enum status_code step_version(struct derived_doc *out, sqlite3_stmt *stmt, int64_t view,
                                     struct status *st)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && sqlite3_column_int64(stmt, 0) <= view)
        doc_from(out, stmt);
    sqlite3_reset(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(sqlite3_db_handle(stmt), rc, "looking up a document", st);
    return STATUS_OK;
}

static enum status_code find_ended(struct derived_doc *out, sqlite3_stmt *stmt, int64_t space, struct str key,
                                   int64_t view, struct status *st)
{
    bind_key(stmt, space, key);
    sqlite3_bind_int64(stmt, 3, view);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        out->seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(sqlite3_db_handle(stmt), rc, "looking up a document", st);
    return STATUS_OK;
}

enum status_code derived_covering(struct derived_doc *out, const struct derived_reads *r, int64_t space,
                                  struct str key, int64_t view, struct status *st)
{
    *out = (struct derived_doc){ 0 };
    bind_key(r->covering, space, key);
    sqlite3_bind_int64(r->covering, 3, view);
    return step_version(out, r->covering, view, st);
}

enum status_code derived_lookup(struct derived_doc *out, const struct derived_reads *r, int64_t space,
                                struct str key, int64_t view, struct status *st)
{
    *out = (struct derived_doc){ 0 };
    bind_key(r->head, space, key);
    if (step_version(out, r->head, view, st) || out->exists)
        return st->code;
    if (view != DERIVED_NOW && (derived_covering(out, r, space, key, view, st) || out->exists))
        return st->code;
    return find_ended(out, r->ended, space, key, view, st);
}

enum status_code derived_open_read(sqlite3 **out, const char *path, const char *vfs, struct status *st)
{
    int64_t application, version;
    if (db_open(out, path, vfs, DB_READ, st))
        return st->code;
    if (db_number(&application, *out, "PRAGMA application_id", st) ||
        db_number(&version, *out, "PRAGMA user_version", st))
        goto fail;
    if (application == APPLICATION_ID && version == VERSION)
        return STATUS_OK;
    status_set(st, STATUS_FAILED_PRECONDITION,
               "%s is not a derived file of this version: it is rebuilt at the next start",
               db_basename(path));
fail:
    db_close(*out);
    *out = NULL;
    return st->code;
}

/* ---- opening ---- */

static enum status_code prepare(struct derived *d, struct status *st)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        { &d->begin, "BEGIN IMMEDIATE" },
        { &d->commit, "COMMIT" },
        { &d->rollback, "ROLLBACK" },
        { &d->set_state, "UPDATE state SET applied_seq = ?, chain = ? WHERE one = 1" },
        { &d->add_head, "INSERT INTO head(space, key, seq, updated, age) VALUES(?,?,?,?,?)" },
        { &d->set_head, "UPDATE head SET seq = ?3, updated = ?4, age = ?5 WHERE space = ?1 AND key = ?2" },
        { &d->drop_head, "DELETE FROM head WHERE space = ? AND key = ?" },
        { &d->add_past, "INSERT INTO past(space, key, until_seq, seq, updated, age) VALUES(?,?,?,?,?,?)" },
        { &d->add_space, "INSERT INTO space(id, project, database, from_seq, until_seq) VALUES(?,?,?,?,?)" },
        { &d->end_space, "UPDATE space SET until_seq = ?2 WHERE id = ?1" },
        { &d->head_from, "SELECT seq, updated, age, key FROM head WHERE space = ?1 AND key >= ?2 AND key < ?3"
                         " ORDER BY key LIMIT 1" },
        { &d->any_past, "SELECT 1 FROM past WHERE space = ? LIMIT 1" },
        { &d->keys, "SELECT key FROM head WHERE space = ?1 UNION ALL SELECT key FROM past WHERE space = ?1" },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (db_prepare(all[i].stmt, d->db, all[i].sql, st))
            return st->code;
    return derived_reads_prepare(&d->reads, d->db, st);
}

static enum status_code create(struct derived *d, const struct derived_open *o, struct status *st)
{
    unsigned char genesis[FORMAT_HASH];
    sqlite3_stmt *insert = NULL;
    if (db_exec(d->db, schema, st) ||
        db_prepare(&insert, d->db, "INSERT INTO state(one, ledger_id, applied_seq, chain) VALUES(1, ?, 0, ?)",
                   st))
        return st->code;
    format_genesis(genesis, o->ledger->id);
    sqlite3_bind_blob(insert, 1, o->ledger->id, FORMAT_LEDGER_ID, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, genesis, sizeof genesis, SQLITE_STATIC);
    run(insert, "naming the ledger", st);
    sqlite3_finalize(insert);
    return st->code ? st->code : db_exec(d->db, "COMMIT", st);
}

static enum status_code load_spaces(struct derived *d, struct status *st)
{
    sqlite3_stmt *stmt = NULL;
    int rc;
    if (db_prepare(&stmt, d->db, "SELECT id, project, database, from_seq, until_seq FROM space ORDER BY id",
                   st))
        return st->code;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct database_name name = { db_column_bytes(stmt, 1), db_column_bytes(stmt, 2) };
        struct space_db *db = space_db_find(d->spaces, name);
        if (space_current(db)) {
            status_set(st, STATUS_DATA_LOSS, "two open spaces of one database");
            break;
        }
        space_add(d->spaces, name, sqlite3_column_int64(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 3),
                  (uint64_t)sqlite3_column_int64(stmt, 4));
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        db_fail(d->db, rc, "reading spaces", st);
    sqlite3_finalize(stmt);
    return st->code;
}

/* Compares `state` with the ledger. *rebuild says why it cannot be used; NULL: it can. *refused: an error
 * that rebuilding would only cover up. */
static enum status_code compare(const char **rebuild, bool *refused, struct derived *d,
                                const struct derived_open *o, struct status *st)
{
    sqlite3_stmt *stmt = NULL;
    unsigned char chain[FORMAT_HASH];
    bool found = false;
    *rebuild = NULL;
    if (db_prepare(&stmt, d->db, "SELECT applied_seq, ledger_id, chain FROM state", st))
        return st->code;
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        *rebuild = "it has no state";
        goto out;
    }
    d->applied = (uint64_t)sqlite3_column_int64(stmt, 0);
    struct str id = db_column_bytes(stmt, 1), at = db_column_bytes(stmt, 2);
    bool same = id.n == FORMAT_LEDGER_ID && memcmp(id.p, o->ledger->id, FORMAT_LEDGER_ID) == 0;
    uint64_t last = o->ledger->committed.seq;
    if (!same && o->ledger_created && d->applied > 0) {
        *refused = true;
        status_set(st, STATUS_DATA_LOSS,
                   "the ledger file is missing, but %s knows its entries 1 to %llu: put it back, or start "
                   "empty with --fresh",
                   db_basename(o->path), (unsigned long long)d->applied);
    } else if (!same) {
        *rebuild = "it belongs to another ledger";
    } else if (d->applied > last) {
        *refused = true;
        status_set(st, STATUS_DATA_LOSS,
                   "entries %llu to %llu were acknowledged (%s has them) and are missing from the ledger: its"
                   " -wal is damaged, an older copy was put back, or the power failed under durability"
                   " `process`; restore the ledger, or delete %s to go on without them",
                   (unsigned long long)last + 1, (unsigned long long)d->applied, db_basename(o->path),
                   db_basename(o->path));
    } else if (ledger_chain_at(chain, &found, o->ledger->db, d->applied, st) == STATUS_OK) {
        if (!found || at.n != FORMAT_HASH || memcmp(chain, at.p, FORMAT_HASH) != 0)
            *rebuild = "its chain hash differs from the ledger's (was an older ledger put back, or the "
                       "ledger rewritten?)";
    }
out:
    sqlite3_finalize(stmt);
    return st->code;
}

static enum status_code open_once(const char **rebuild, bool *refused, struct derived *d,
                                  const struct derived_open *o, struct status *st)
{
    int64_t tables, application, version;
    *rebuild = NULL;
    *d = (struct derived){ .spaces = o->spaces, .indexes = o->indexes };
    if (db_open(&d->db, o->path, o->vfs, DB_CREATE, st) ||
        db_number(&tables, d->db, "SELECT count(*) FROM sqlite_schema", st) ||
        db_number(&application, d->db, "PRAGMA application_id", st) ||
        db_number(&version, d->db, "PRAGMA user_version", st))
        return st->code;
    if (tables == 0) {
        if (db_exec(d->db,
                    "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE; PRAGMA synchronous = OFF;"
                    "PRAGMA journal_mode = WAL",
                    st) ||
            create(d, o, st))
            return st->code;
    } else if (application != APPLICATION_ID || version != VERSION) {
        *rebuild = "it is of another version";
        return STATUS_OK;
    }
    /* secure_delete off: nothing here is not in the ledger too. */
    if (db_exec(d->db,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = OFF;"
                "PRAGMA cache_size = -16000",
                st) ||
        compare(rebuild, refused, d, o, st) || *rebuild)
        return st->code;
    if (load_spaces(d, st) || prepare(d, st))
        return st->code;
    return d->indexes ? index_load(d->indexes, d->db, o->ledger->db, d->spaces, st) : STATUS_OK;
}

static enum status_code replay_row(struct derived *d, const struct ledger_row *row, struct buf *key,
                                   struct status *st)
{
    const struct format_entry *e = &row->entry;
    struct database_name name = { e->project, e->database };
    struct derived_doc before;
    int64_t space;
    if (str_eq_z(e->kind, "epoch"))
        return derived_epoch(d, name, e->seq, st);
    if (!str_eq_z(e->kind, "write"))
        return STATUS_OK;
    size_t segments = path_segments(e->path);
    if (segments == 0 || segments % 2 != 0 || segments / 2 > LIMIT_PATH_PAIRS)
        return status_set(st, STATUS_DATA_LOSS, "entry %llu: its path is no document's",
                          (unsigned long long)e->seq);
    derived_key(key, e->path);
    if (derived_newest(&before, NULL, &space, d, name, buf_view(key), st))
        return st->code;
    if (!str_eq_z(e->operation, "delete"))
        return derived_put(d, name, buf_view(key), &before, e->seq, e->time_us, st);
    return before.exists ? derived_delete(d, name, buf_view(key), &before, e->seq, st) : STATUS_OK;
}

/* One transaction's worth of entries after d->applied; every hash is checked on the way. */
static enum status_code replay_some(struct derived *d, const struct ledger *ledger, sqlite3_stmt *stmt,
                                    struct buf *key, struct ledger_head *at, struct status *st)
{
    int rc = SQLITE_DONE;
    if (derived_begin(d, st))
        return st->code;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)at->seq);
    for (int n = 0; n < REPLAY_ROWS && (rc = sqlite3_step(stmt)) == SQLITE_ROW; n++) {
        struct ledger_row row;
        if (ledger_row_read(&row, stmt, st))
            break;
        if (row.entry.seq != at->seq + 1) {
            status_set(st, STATUS_DATA_LOSS, "entry %llu is missing", (unsigned long long)at->seq + 1);
            break;
        }
        if (ledger_row_check(&row, at->chain, st) || replay_row(d, &row, key, st))
            break;
        at->seq = row.entry.seq;
        memcpy(at->chain, row.chain.p, FORMAT_HASH);
    }
    sqlite3_reset(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        db_fail(ledger->db, rc, "replaying the ledger", st);
    if (st->code) {
        derived_rollback(d);
        return st->code;
    }
    return derived_commit(d, at, st);
}

static enum status_code replay(struct derived *d, const struct derived_open *o, bool rebuilding,
                               struct status *st)
{
    const char *what = rebuilding ? "rebuilding derived state" : "replaying the ledger";
    struct ledger_head at = { .seq = d->applied };
    sqlite3_stmt *stmt = NULL;
    struct buf key;
    bool found;
    buf_init(&key, DERIVED_KEY_MAX);
    uint64_t first = d->applied, total = o->ledger->committed.seq - first;
    if (ledger_chain_at(at.chain, &found, o->ledger->db, at.seq, st) ||
        db_prepare(&stmt, o->ledger->db, "SELECT " LEDGER_COLUMNS " FROM entry WHERE seq > ? ORDER BY seq",
                   st))
        goto out;
    while (at.seq < o->ledger->committed.seq) {
        uint64_t before = at.seq;
        if (o->progress && (rebuilding || total > REPLAY_ROWS))
            o->progress(o->progress_data, what, at.seq - first, total);
        if (replay_some(d, o->ledger, stmt, &key, &at, st))
            goto out;
        if (at.seq == before) {
            status_set(st, STATUS_DATA_LOSS, "entry %llu is missing", (unsigned long long)at.seq + 1);
            goto out;
        }
        sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    if (o->progress && (rebuilding || total > REPLAY_ROWS))
        o->progress(o->progress_data, what, total, total);
out:
    sqlite3_finalize(stmt);
    buf_dispose(&key);
    return st->code;
}

enum status_code derived_open(struct derived *d, const struct derived_open *o, struct status *st)
{
    const char *rebuild = o->damaged ? "its -wal is damaged" : NULL;
    bool rebuilding = false, refused = false;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (rebuild) {
            rebuilding = o->ledger->committed.seq > 0;
            if (rebuilding)
                log_warn("%s: %s; rebuilding it from the ledger", db_basename(o->path), rebuild);
            o->remove(o->remove_data);
        }
        struct status mine = status_init(st->arena);
        if (open_once(&rebuild, &refused, d, o, &mine) == STATUS_OK && !rebuild)
            break;
        derived_close(d);
        if (mine.code && (mine.code != STATUS_DATA_LOSS || refused || attempt > 0)) {
            status_copy(st, &mine);
            return st->code;
        }
        if (!rebuild)
            rebuild = "it is damaged";
        space_map_dispose(o->spaces);
        space_map_init(o->spaces);
    }
    assert(d->db);
    if (d->applied < o->ledger->committed.seq && replay(d, o, rebuilding, st))
        derived_close(d);
    return st->code;
}

void derived_close(struct derived *d)
{
    if (d->indexes)
        index_unload(d->indexes);
    db_close(d->db);
    *d = (struct derived){ 0 };
}

/* ---- writing ---- */

enum status_code derived_begin(struct derived *d, struct status *st)
{
    return run(d->begin, "beginning a batch", st);
}

enum status_code derived_commit(struct derived *d, const struct ledger_head *head, struct status *st)
{
    sqlite3_bind_int64(d->set_state, 1, (sqlite3_int64)head->seq);
    sqlite3_bind_blob(d->set_state, 2, head->chain, FORMAT_HASH, SQLITE_STATIC);
    if (run(d->set_state, "committing derived state", st) || run(d->commit, "committing derived state", st))
        return st->code;
    d->applied = head->seq;
    return STATUS_OK;
}

enum status_code derived_commit_rows(struct derived *d, struct status *st)
{
    return run(d->commit, "committing derived state", st);
}

void derived_rollback(struct derived *d)
{
    if (!sqlite3_get_autocommit(d->db)) {
        sqlite3_step(d->rollback);
        sqlite3_reset(d->rollback);
    }
    space_forget_after(d->spaces, d->applied);
}

static enum status_code load_keys(struct derived *d, struct space_db *db, size_t from, size_t *count,
                                  bool add, struct status *st)
{
    int rc = SQLITE_DONE;
    for (size_t i = from; i < db->n; i++) {
        if (db->spaces[i].until == SPACE_OPEN)
            break;
        sqlite3_bind_int64(d->keys, 1, db->spaces[i].id);
        while ((rc = sqlite3_step(d->keys)) == SQLITE_ROW) {
            ++*count;
            if (add)
                space_filter_add(&db->known, space_hash(db_column_bytes(d->keys, 0)));
        }
        sqlite3_reset(d->keys);
        if (rc != SQLITE_DONE)
            return db_fail(d->db, rc, "reading keys of earlier epochs", st);
        if (add)
            db->n_filtered = i + 1;
    }
    return STATUS_OK;
}

/* Brings the filter of ended spaces up to date: each key is read once, a few more times as the filter
 * doubles. */
static enum status_code filter_update(struct derived *d, struct space_db *db, struct status *st)
{
    size_t ended = db->n - (space_current(db) ? 1 : 0), fresh = 0;
    if (db->n_filtered >= ended && db->known.bits)
        return STATUS_OK;
    if (load_keys(d, db, db->n_filtered, &fresh, false, st))
        return st->code;
    if (!db->known.bits || db->known.count + fresh > db->known.max) {
        size_t max = (db->known.count + fresh) * 2;
        space_filter_reset(&db->known, max > FILTER_FIRST ? max : FILTER_FIRST);
        db->n_filtered = 0;
    }
    return load_keys(d, db, db->n_filtered, &fresh, true, st);
}

/* The newest version in the epochs before the current one: what `prev` of a document's first version in an
 * epoch is. */
static enum status_code newest_before(uint64_t *seq, struct derived *d, struct space_db *db, struct str key,
                                      struct status *st)
{
    *seq = 0;
    size_t ended = db->n - (space_current(db) ? 1 : 0);
    if (ended == 0)
        return STATUS_OK;
    if (filter_update(d, db, st) || !space_filter_maybe(&db->known, space_hash(key)))
        return st->code;
    for (size_t i = ended; i > 0 && *seq == 0; i--) {
        struct derived_doc doc;
        if (derived_lookup(&doc, &d->reads, db->spaces[i - 1].id, key, DERIVED_NOW, st))
            return st->code;
        *seq = doc.seq;
    }
    return STATUS_OK;
}

/* derived_lookup at the present, without the second tree while nothing ever ended in this space. */
static enum status_code lookup_now(struct derived_doc *out, struct derived *d, struct space *space,
                                   struct str key, struct status *st)
{
    *out = (struct derived_doc){ 0 };
    bind_key(d->reads.head, space->id, key);
    if (step_version(out, d->reads.head, DERIVED_NOW, st) || out->exists)
        return st->code;
    if (space->has_past == 0) {
        sqlite3_bind_int64(d->any_past, 1, space->id);
        int rc = sqlite3_step(d->any_past);
        sqlite3_reset(d->any_past);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return db_fail(d->db, rc, "looking up a document", st);
        space->has_past = rc == SQLITE_ROW ? 1 : -1;
    }
    return space->has_past > 0 ? find_ended(out, d->reads.ended, space->id, key, DERIVED_NOW, st) : STATUS_OK;
}

enum status_code derived_newest(struct derived_doc *out, uint64_t *prev, int64_t *space, struct derived *d,
                                struct database_name name, struct str key, struct status *st)
{
    struct space_db *db = space_db_find(d->spaces, name);
    struct space *current = space_current(db);
    *out = (struct derived_doc){ 0 };
    *space = current ? current->id : 0;
    if (current && lookup_now(out, d, current, key, st))
        return st->code;
    if (!prev)
        return STATUS_OK;
    *prev = out->seq;
    return db && out->seq == 0 ? newest_before(prev, d, db, key, st) : STATUS_OK;
}

static enum status_code open_space(struct space **out, struct derived *d, struct database_name name,
                                   uint64_t seq, struct status *st)
{
    *out = space_current(space_db_find(d->spaces, name));
    if (*out)
        return STATUS_OK;
    struct space_db *db = space_add(d->spaces, name, 0, seq, SPACE_OPEN);
    *out = space_current(db);
    sqlite3_bind_int64(d->add_space, 1, (*out)->id);
    db_bind_text(d->add_space, 2, name.project);
    db_bind_text(d->add_space, 3, name.database);
    sqlite3_bind_int64(d->add_space, 4, (sqlite3_int64)seq);
    sqlite3_bind_int64(d->add_space, 5, (sqlite3_int64)SPACE_OPEN);
    return run(d->add_space, "opening an epoch", st);
}

static enum status_code close_interval(struct derived *d, struct space *space, struct str key,
                                       const struct derived_doc *doc, uint64_t until, struct status *st)
{
    space->has_past = 1;
    bind_key(d->add_past, space->id, key);
    sqlite3_bind_int64(d->add_past, 3, (sqlite3_int64)until);
    sqlite3_bind_int64(d->add_past, 4, (sqlite3_int64)doc->seq);
    sqlite3_bind_int64(d->add_past, 5, doc->updated_us);
    sqlite3_bind_int64(d->add_past, 6, doc->updated_us - doc->created_us);
    return run(d->add_past, "ending a version", st);
}

enum status_code derived_put(struct derived *d, struct database_name name, struct str key,
                             const struct derived_doc *before, uint64_t seq, int64_t time_us,
                             struct status *st)
{
    struct space *space;
    if (open_space(&space, d, name, seq, st) ||
        (before->exists && close_interval(d, space, key, before, seq, st)))
        return st->code;
    sqlite3_stmt *stmt = before->exists ? d->set_head : d->add_head;
    bind_key(stmt, space->id, key);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)seq);
    sqlite3_bind_int64(stmt, 4, time_us);
    sqlite3_bind_int64(stmt, 5, before->exists ? time_us - before->created_us : 0);
    if (run(stmt, "adding a version", st))
        return st->code;
    return index_changed(d->indexes, space->id, key, before->exists ? before->seq : 0, seq, seq, st);
}

enum status_code derived_delete(struct derived *d, struct database_name name, struct str key,
                                const struct derived_doc *before, uint64_t seq, struct status *st)
{
    struct space *space;
    assert(before->exists);
    if (open_space(&space, d, name, seq, st) || close_interval(d, space, key, before, seq, st))
        return st->code;
    bind_key(d->drop_head, space->id, key);
    if (run(d->drop_head, "removing a document", st))
        return st->code;
    return index_changed(d->indexes, space->id, key, before->seq, 0, seq, st);
}

struct ending {
    struct derived *d;
    uint64_t seq;
    struct status *st;
};

static bool end_space(void *data, struct space_db *db)
{
    struct ending *e = data;
    struct space *space = space_current(db);
    if (!space)
        return true;
    sqlite3_bind_int64(e->d->end_space, 1, space->id);
    sqlite3_bind_int64(e->d->end_space, 2, (sqlite3_int64)e->seq);
    index_space_ended(e->d->indexes, space->id);
    return run(e->d->end_space, "ending an epoch", e->st) == STATUS_OK;
}

enum status_code derived_epoch(struct derived *d, struct database_name name, uint64_t seq, struct status *st)
{
    struct ending ending = { d, seq, st };
    struct space_db *one = name.project.n ? space_db_find(d->spaces, name) : NULL;
    if (name.project.n == 0)
        space_each(d->spaces, end_space, &ending);
    else if (one)
        end_space(&ending, one);
    if (st->code == STATUS_OK)
        space_end(d->spaces, name, seq);
    return st->code;
}

enum status_code derived_first(bool *found, struct buf *key_out, struct derived_doc *out, struct derived *d,
                               int64_t space, struct str from, struct str to, struct status *st)
{
    *out = (struct derived_doc){ 0 };
    bind_key(d->head_from, space, from);
    db_bind_blob(d->head_from, 3, to);
    int rc = sqlite3_step(d->head_from);
    *found = rc == SQLITE_ROW;
    if (*found) {
        doc_from(out, d->head_from);
        buf_clear(key_out); /* `from` may lie in key_out: only now */
        buf_str(key_out, db_column_bytes(d->head_from, 3));
    }
    sqlite3_reset(d->head_from);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(d->db, rc, "walking documents", st);
    return STATUS_OK;
}

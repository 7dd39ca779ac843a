/* reader.c - one worker's connections: point reads, entries.
 *
 * A read transaction is kept open between calls for as long as it sees what is asked (a BEGIN and COMMIT on
 * two connections cost more than the read), but not beyond STORE_TX_MAX_MS: the housekeeper ends the idle
 * ones, so that no WAL is held back by a worker that sleeps. */
#include "storage/internal.h"

#include "core/clock.h"

#include <assert.h>
#include <stdlib.h>

/* Room for the inner pages of the trees at a million entries; leaves come from the system's cache. Filled as
 * it is used: an idle worker holds next to nothing. */
static const char cache_sql[] = "PRAGMA cache_size = -5000";

static enum status_code prepare(struct store_reader *r, struct status *st)
{
    if (db_exec(r->ledger, cache_sql, st) || db_exec(r->derived, cache_sql, st))
        return st->code;
    if (db_prepare(&r->ledger_begin, r->ledger, "BEGIN", st) ||
        db_prepare(&r->ledger_end, r->ledger, "COMMIT", st) ||
        db_prepare(&r->derived_begin, r->derived, "BEGIN", st) ||
        db_prepare(&r->derived_end, r->derived, "COMMIT", st) ||
        db_prepare(&r->version, r->ledger,
                   "SELECT e.path, e.project, e.database, e.body_digest, b.salt, b.bytes"
                   " FROM entry AS e LEFT JOIN body AS b ON b.seq = e.seq WHERE e.seq = ?",
                   st) ||
        db_prepare(&r->entry, r->ledger, "SELECT " LEDGER_COLUMNS " FROM entry WHERE seq = ?", st) ||
        db_prepare(&r->body, r->ledger, "SELECT salt, bytes FROM body WHERE seq = ?", st) ||
        db_prepare(&r->applied, r->derived, "SELECT applied_seq FROM state", st) ||
        db_prepare(&r->changes, r->ledger,
                   "SELECT seq, project, database, path FROM entry WHERE seq > ? AND seq <= ?"
                   " AND kind IN ('write', 'epoch') ORDER BY seq",
                   st) ||
        db_prepare(&r->past_key[0], r->derived,
                   "SELECT key FROM past WHERE space = ? AND key >= ? AND key < ? ORDER BY key LIMIT 1",
                   st) ||
        db_prepare(&r->past_key[1], r->derived,
                   "SELECT key FROM past WHERE space = ? AND key >= ? AND key < ? ORDER BY key DESC LIMIT 1",
                   st) ||
        db_prepare(
            &r->index_page[0], r->derived,
            "SELECT row, value FROM field_row WHERE id = ?1 AND row >= ?2 AND row < ?3 AND from_seq <= ?4"
            " AND until_seq > ?4 ORDER BY row LIMIT ?5",
            st) ||
        db_prepare(
            &r->index_page[1], r->derived,
            "SELECT row, value FROM field_row WHERE id = ?1 AND row >= ?2 AND row < ?3 AND from_seq <= ?4"
            " AND until_seq > ?4 ORDER BY row DESC LIMIT ?5",
            st) ||
        db_prepare(&r->index_state, r->derived, "SELECT complete FROM field_index WHERE id = ?", st) ||
        db_prepare(&r->time, r->ledger, "SELECT time FROM entry WHERE seq = ?", st))
        return st->code;
    return derived_reads_prepare(&r->reads, r->derived, st);
}

enum status_code store_reader_open(struct store_reader **out, struct store *store, struct status *st)
{
    const char *vfs = store_place_vfs(&store->place);
    *out = NULL;
    struct store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    r->store = store;
    buf_init(&r->key, DERIVED_KEY_MAX);
    if (ledger_open_read(&r->ledger, store->place.ledger, vfs, st) ||
        derived_open_read(&r->derived, store->place.derived, vfs, st) || prepare(r, st)) {
        db_close(r->ledger);
        db_close(r->derived);
        free(r);
        return st->code;
    }
    pthread_mutex_init(&r->mutex, NULL);
    pthread_mutex_lock(&store->readers_mutex);
    r->next = store->readers;
    if (r->next)
        r->next->prev = &r->next;
    r->prev = &store->readers;
    store->readers = r;
    pthread_mutex_unlock(&store->readers_mutex);
    *out = r;
    return STATUS_OK;
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->store->readers_mutex);
    *r->prev = r->next;
    if (r->next)
        r->next->prev = r->prev;
    pthread_mutex_unlock(&r->store->readers_mutex);
    store_reader_end(r);
    db_close(r->ledger);
    db_close(r->derived);
    buf_dispose(&r->key);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

const char *store_reader_file(const struct store_reader *r)
{
    return r->store->place.vfs ? NULL : r->store->place.ledger;
}

/* ---- transactions ---- */

static int once(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc;
}

void store_reader_end(struct store_reader *r)
{
    if (!r->in_transaction)
        return;
    while (r->scans)
        store_scan_interrupt(r->scans);
    once(r->ledger_end);
    once(r->derived_end);
    r->in_transaction = false;
}

static enum status_code begin(struct store_reader *r, int64_t now_ns, struct status *st)
{
    /* Read before BEGIN: SQLite takes its snapshots at the first SELECT, later than this. */
    uint64_t sees = atomic_load_explicit(&r->store->visible, memory_order_acquire);
    int rc = once(r->ledger_begin);
    if (rc != SQLITE_DONE)
        return db_fail(r->ledger, rc, "beginning to read", st);
    rc = once(r->derived_begin);
    if (rc != SQLITE_DONE) {
        once(r->ledger_end);
        return db_fail(r->derived, rc, "beginning to read", st);
    }
    r->in_transaction = true;
    r->sees = sees;
    r->begun_ns = now_ns;
    if (!atomic_load_explicit(&r->store->reading, memory_order_relaxed))
        store_housekeeper_reading(r->store);
    return STATUS_OK;
}

enum status_code store_reader_enter(struct store_reader *r, uint64_t view, struct status *st)
{
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&r->mutex);
    if (r->in_transaction && (view > r->sees || now - r->begun_ns > (int64_t)STORE_TX_MAX_MS * 1000000))
        store_reader_end(r);
    if (!r->in_transaction && begin(r, now, st)) {
        pthread_mutex_unlock(&r->mutex);
        return st->code;
    }
    assert(view <= r->sees); /* views come from store_view_now and store_view_at */
    return STATUS_OK;
}

enum status_code store_reader_pin(struct store_reader *r, struct status *st)
{
    int rc = once(r->applied);
    return rc == SQLITE_ROW ? STATUS_OK : db_fail(r->derived, rc, "beginning to read", st);
}

void store_reader_leave(struct store_reader *r)
{
    pthread_mutex_unlock(&r->mutex);
}

/* ---- documents ---- */

static enum status_code differs(uint64_t seq, struct status *st)
{
    return status_set(st, STATUS_DATA_LOSS,
                      "derived state names entry %llu, which is not the document's: run `cinderlog verify`",
                      (unsigned long long)seq);
}

static enum status_code check_body(sqlite3_stmt *s, uint64_t seq, struct status *st)
{
    unsigned char digest[FORMAT_HASH];
    struct str expected = db_column_bytes(s, 3), salt = db_column_bytes(s, 4), bytes = db_column_bytes(s, 5);
    if (sqlite3_column_type(s, 5) != SQLITE_BLOB || salt.n != FORMAT_SALT)
        return status_set(st, STATUS_DATA_LOSS, "the body of entry %llu is missing: run `cinderlog verify`",
                          (unsigned long long)seq);
    format_body_digest(digest, (const unsigned char *)salt.p, bytes);
    if (expected.n != sizeof digest || memcmp(digest, expected.p, sizeof digest) != 0)
        return status_set(st, STATUS_DATA_LOSS,
                          "the body of entry %llu differs from its digest: run `cinderlog verify`",
                          (unsigned long long)seq);
    return STATUS_OK;
}

enum status_code store_reader_version(struct store_reader *r, struct database_name db, struct str *path,
                                      const struct derived_doc *doc, bool fields, struct arena *arena,
                                      struct store_document *out, struct status *st)
{
    sqlite3_stmt *s = r->version;
    out->exists = true;
    out->seq = doc->seq;
    out->create_time = timestamp_from_us(doc->created_us);
    out->update_time = timestamp_from_us(doc->updated_us);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)doc->seq);
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW) {
        sqlite3_reset(s);
        return rc == SQLITE_DONE ? differs(doc->seq, st) : db_fail(r->ledger, rc, "reading a document", st);
    }
    struct str at = db_column_bytes(s, 0);
    struct database_name in = { db_column_bytes(s, 1), db_column_bytes(s, 2) };
    if (!database_name_eq(in, db) || (path->n && !str_eq(at, *path)))
        differs(doc->seq, st);
    else if (!fields || check_body(s, doc->seq, st) == STATUS_OK) {
        if (path->n == 0)
            *path = arena_str(arena, at);
        if (fields)
            out->fields = arena_str(arena, db_column_bytes(s, 5));
    }
    sqlite3_reset(s);
    return st->code;
}

static enum status_code lookup(struct derived_doc *doc, struct store_reader *r, uint64_t view,
                               struct database_name db, struct str path, struct status *st)
{
    int64_t space;
    *doc = (struct derived_doc){ 0 };
    if (!space_find(&space, &r->store->spaces, db, view))
        return STATUS_OK;
    derived_key(&r->key, path);
    return derived_lookup(doc, &r->reads, space, buf_view(&r->key), (int64_t)view, st);
}

enum status_code store_get(struct store_reader *r, uint64_t view, struct database_name db, struct str path,
                           struct arena *arena, struct store_document *out, struct status *st)
{
    struct derived_doc doc;
    *out = (struct store_document){ 0 };
    if (store_reader_enter(r, view, st))
        return st->code;
    if (lookup(&doc, r, view, db, path, st) == STATUS_OK) {
        out->seq = doc.seq;
        if (doc.exists)
            store_reader_version(r, db, &path, &doc, true, arena, out, st);
    }
    store_reader_leave(r);
    if (st->code)
        *out = (struct store_document){ 0 };
    return st->code;
}

enum status_code store_peek(struct store_reader *r, uint64_t view, struct database_name db, struct str path,
                            struct store_document *out, struct status *st)
{
    struct derived_doc doc;
    *out = (struct store_document){ 0 };
    if (store_reader_enter(r, view, st))
        return st->code;
    if (lookup(&doc, r, view, db, path, st) == STATUS_OK) {
        out->exists = doc.exists;
        out->seq = doc.seq;
        if (doc.exists) {
            out->create_time = timestamp_from_us(doc.created_us);
            out->update_time = timestamp_from_us(doc.updated_us);
        }
    }
    store_reader_leave(r);
    return st->code;
}

/* ---- entries ---- */

static const char *constant_of(struct str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_z(s, list[i]))
            return list[i];
    return "?";
}

static void copy_digest(unsigned char out[FORMAT_HASH], struct str s)
{
    if (s.n == FORMAT_HASH)
        memcpy(out, s.p, FORMAT_HASH);
}

enum status_code store_entry_from_row(struct store_entry *out, const struct ledger_row *row,
                                      sqlite3_stmt *body, struct arena *arena, struct status *st)
{
    static const char *const kinds[] = { "write", "refused", "refusals", "rules",
                                         "epoch", "note",    "import",   "prune" };
    static const char *const operations[] = { "", "create", "update", "delete" };
    const struct format_entry *e = &row->entry;
    *out = (struct store_entry){
        .seq = e->seq,
        .commit = e->commit_seq,
        .prev = e->prev,
        .time_us = e->time_us,
        .kind = constant_of(e->kind, kinds, sizeof kinds / sizeof kinds[0]),
        .operation = constant_of(e->operation, operations, sizeof operations / sizeof operations[0]),
        .db = { arena_str(arena, e->project), arena_str(arena, e->database) },
        .path = arena_str(arena, e->path),
        .principal = arena_str(arena, e->principal),
        .request_id = arena_str(arena, e->request_id),
        .decision = arena_str(arena, e->decision),
    };
    copy_digest(out->rules_digest, e->rules_digest);
    copy_digest(out->body_digest, e->body_digest);
    copy_digest(out->leaf, row->leaf);
    copy_digest(out->chain, row->chain);
    if (e->body_digest.n == 0)
        return STATUS_OK;
    sqlite3_bind_int64(body, 1, (sqlite3_int64)e->seq);
    int rc = sqlite3_step(body);
    if (rc == SQLITE_ROW && sqlite3_column_type(body, 1) == SQLITE_BLOB) {
        out->has_body = true;
        out->body = arena_str(arena, db_column_bytes(body, 1));
    }
    sqlite3_reset(body);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_fail(sqlite3_db_handle(body), rc, "reading a body", st);
    return STATUS_OK;
}

enum status_code store_read_entry(struct store_reader *r, uint64_t seq, struct arena *arena,
                                  struct store_entry *out, bool *found, struct status *st)
{
    struct ledger_row row;
    *found = false;
    if (seq == 0 || seq > atomic_load_explicit(&r->store->visible, memory_order_acquire))
        return STATUS_OK;
    if (store_reader_enter(r, seq, st))
        return st->code;
    if (store_reader_pin(r, st)) {
        store_reader_leave(r);
        return st->code;
    }
    sqlite3_bind_int64(r->entry, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(r->entry);
    if (rc == SQLITE_ROW) {
        if (ledger_row_read(&row, r->entry, st) == STATUS_OK)
            store_entry_from_row(out, &row, r->body, arena, st);
        *found = st->code == STATUS_OK;
    } else if (rc == SQLITE_DONE) {
        status_set(st, STATUS_DATA_LOSS, "entry %llu is missing: run `cinderlog verify`",
                   (unsigned long long)seq);
    } else {
        db_fail(r->ledger, rc, "reading an entry", st);
    }
    sqlite3_reset(r->entry);
    store_reader_leave(r);
    return st->code;
}

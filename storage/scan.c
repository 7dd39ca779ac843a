/* scan.c - documents of a collection, or of a subtree, at a view.
 *
 * What is current comes from `head` alone. Only when the transaction also sees commits after the view are the
 * versions that ended since merged in (scan_past.h); heads that began after the view are left out then. Both
 * are ordered by key, no key can come from both, so it is one merge.
 *
 * The scan keeps the last key it returned and no more: when its read transaction ends (age, or another call
 * of the same worker needs a newer one) it seeks behind that key in the next one, at the same view. */
#include "storage/scan_past.h"

#include "core/clock.h"

#include <assert.h>
#include <stdlib.h>

enum { ROWS_AT_ONCE = 128 }; /* of other collections, before one of them is given out */

struct store_scan {
    struct store_reader *reader;
    struct store_scan *next, **prev; /* in reader->scans while running */
    uint64_t running; /* under the reader's mutex; a word apart from what its owner reads without */
    uint64_t view;
    int64_t space;
    bool empty, ended;
    bool descending, subtree, names_only, start_after, end_before;
    bool moved; /* by store_scan_move, and the statement does not know yet */
    char *text; /* owns the five below */
    struct database_name db;
    struct str path; /* collection, or top of the subtree */
    struct str collection_id, start, end_path;
    unsigned depth, first_depth, last_depth;
    struct buf low, high; /* keys still to come: low <= key < high */
    sqlite3_stmt *head;
    bool head_row, head_done; /* it stands on a row that the view sees; it has none left */
    struct scan_past past;
};

/* ---- statements ---- */

static const char *const head_sql[] = {
    "SELECT key, seq, updated, age FROM head WHERE space = ?1 AND key >= ?2 AND key < ?3 ORDER BY key",
    "SELECT key, seq, updated, age FROM head WHERE space = ?1 AND key >= ?2 AND key < ?3 ORDER BY key DESC",
};

static enum status_code bind_head(struct store_scan *s, struct status *st)
{
    sqlite3_stmt **spare = &s->reader->spare_head[s->descending];
    if (!s->head && *spare) {
        s->head = *spare;
        *spare = NULL;
    }
    if (!s->head && db_prepare(&s->head, s->reader->derived, head_sql[s->descending], st))
        return st->code;
    sqlite3_bind_int64(s->head, 1, s->space);
    /* Copied: the bounds change while the statement runs. */
    sqlite3_bind_blob64(s->head, 2, s->low.data, s->low.len, SQLITE_TRANSIENT);
    sqlite3_bind_blob64(s->head, 3, s->high.data, s->high.len, SQLITE_TRANSIENT);
    s->head_row = s->head_done = false;
    return STATUS_OK;
}

void store_scan_interrupt(struct store_scan *s)
{
    assert(s->running);
    sqlite3_reset(s->head);
    scan_past_stop(&s->past);
    s->running = false;
    *s->prev = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

static enum status_code start(struct store_scan *s, struct status *st)
{
    struct store_reader *r = s->reader;
    int64_t applied = 0;
    int rc = sqlite3_step(r->applied);
    if (rc == SQLITE_ROW)
        applied = sqlite3_column_int64(r->applied, 0);
    sqlite3_reset(r->applied);
    if (rc != SQLITE_ROW)
        return db_fail(r->derived, rc, "beginning a scan", st);
    if (bind_head(s, st))
        return st->code;
    s->past.space = s->space;
    if ((uint64_t)applied > s->view &&
        scan_past_start(&s->past, (uint64_t)applied, buf_view(&s->low), buf_view(&s->high), st)) {
        scan_past_stop(&s->past);
        return st->code;
    }
    s->moved = false;
    s->running = true;
    s->next = r->scans;
    if (s->next)
        s->next->prev = &s->next;
    s->prev = &r->scans;
    r->scans = s;
    return STATUS_OK;
}

/* A running scan was moved: `head` seeks anew; what has ended is known and only passed over. */
static enum status_code catch_up(struct store_scan *s, struct status *st)
{
    s->moved = false;
    sqlite3_reset(s->head);
    scan_past_skip(&s->past, buf_view(&s->low));
    return bind_head(s, st);
}

/* ---- ranges ---- */

/* Keys of the scan at its present depth, cut by start and end where those lie at that depth. */
static void set_range(struct store_scan *s)
{
    struct buf key;
    buf_init(&key, DERIVED_KEY_MAX);
    derived_prefix(&s->low, s->depth, s->path);
    derived_after_prefix(&s->high, buf_view(&s->low));
    if (s->start.n && derived_depth(s->start) == s->depth) {
        derived_key(&key, s->start);
        if (s->start_after)
            buf_byte(&key, 0);
        if (str_cmp(buf_view(&key), buf_view(&s->low)) > 0) {
            buf_clear(&s->low);
            buf_str(&s->low, buf_view(&key));
        }
    }
    if (s->end_path.n && derived_depth(s->end_path) == s->depth) {
        derived_key(&key, s->end_path);
        if (!s->end_before)
            buf_byte(&key, 0);
        if (str_cmp(buf_view(&key), buf_view(&s->high)) < 0) {
            buf_clear(&s->high);
            buf_str(&s->high, buf_view(&key));
        }
    }
    buf_dispose(&key);
}

/* Behind the key just returned. */
static void move_range(struct store_scan *s, struct str key)
{
    struct buf *bound = s->descending ? &s->high : &s->low;
    buf_clear(bound);
    buf_str(bound, key);
    if (!s->descending)
        buf_byte(bound, 0);
}

static void move_behind(struct store_scan *s, struct str path)
{
    struct buf key;
    buf_init(&key, DERIVED_KEY_MAX);
    derived_key(&key, path);
    move_range(s, buf_view(&key));
    buf_dispose(&key);
}

void store_scan_move(struct store_scan *s, struct str path, bool behind)
{
    struct buf prefix;
    assert(!s->descending);
    buf_init(&prefix, DERIVED_KEY_MAX);
    derived_prefix(&prefix, s->depth, path);
    buf_clear(&s->low);
    if (behind)
        derived_after_prefix(&s->low, buf_view(&prefix));
    else
        buf_str(&s->low, buf_view(&prefix));
    buf_dispose(&prefix);
    s->moved = true;
}

unsigned store_scan_last_depth(const struct store_scan *s)
{
    return s->last_depth;
}

void store_scan_keep_to_depth(struct store_scan *s, unsigned depth)
{
    assert(!s->running);
    s->first_depth = s->last_depth = s->depth = depth;
    set_range(s);
}

/* The greatest depth of any document that ever was in the space. */
static enum status_code find_last_depth(struct store_scan *s, struct status *st)
{
    static const char *const sql[] = { "SELECT key FROM head WHERE space = ? ORDER BY key DESC LIMIT 1",
                                       "SELECT key FROM past WHERE space = ? ORDER BY key DESC LIMIT 1" };
    s->last_depth = s->first_depth;
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *stmt = NULL;
        if (db_prepare(&stmt, s->reader->derived, sql[i], st))
            return st->code;
        sqlite3_bind_int64(stmt, 1, s->space);
        int rc = sqlite3_step(stmt);
        struct str key = rc == SQLITE_ROW ? db_column_bytes(stmt, 0) : (struct str){ 0 };
        if (key.n && (unsigned char)key.p[0] > s->last_depth)
            s->last_depth = (unsigned char)key.p[0];
        sqlite3_finalize(stmt);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            return db_fail(s->reader->derived, rc, "beginning a scan", st);
    }
    return STATUS_OK;
}

/* ---- life ---- */

static struct str keep(char **at, struct str s)
{
    struct str copy = str_from(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static enum status_code copy_texts(struct store_scan *s, struct database_name db,
                                   const struct store_scan_range *range, struct status *st)
{
    bool slash = range->parent.n && range->collection_id.n && !range->subtree;
    size_t path = range->parent.n + slash + (range->subtree ? 0 : range->collection_id.n);
    s->text = malloc(db.project.n + db.database.n + path + range->collection_id.n + range->start.n +
                     range->end.n + 1);
    if (!s->text)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    char *at = s->text;
    s->db.project = keep(&at, db.project);
    s->db.database = keep(&at, db.database);
    s->path = keep(&at, range->parent);
    if (slash)
        *at++ = '/';
    if (!range->subtree)
        keep(&at, range->collection_id);
    s->path.n = path;
    s->collection_id = keep(&at, range->collection_id);
    s->start = keep(&at, range->start);
    s->end_path = keep(&at, range->end);
    return STATUS_OK;
}

enum status_code store_scan_open(struct store_scan **out, struct store_reader *reader, uint64_t view,
                                 struct database_name db, const struct store_scan_range *range,
                                 struct status *st)
{
    assert(range->subtree || range->collection_id.n);
    assert(path_segments(range->parent) % 2 == 0 || range->subtree);
    *out = NULL;
    struct store_scan *s = calloc(1, sizeof *s);
    if (!s || copy_texts(s, db, range, st)) {
        free(s);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    s->reader = reader;
    s->view = view;
    s->descending = range->descending;
    s->subtree = range->subtree;
    s->names_only = range->names_only;
    s->start_after = range->start_after;
    s->end_before = range->end_before;
    buf_init(&s->low, DERIVED_KEY_MAX);
    buf_init(&s->high, DERIVED_KEY_MAX);
    s->past = (struct scan_past){ .reader = reader, .db = s->db, .view = view, .descending = s->descending };
    buf_init(&s->past.key, DERIVED_KEY_MAX);
    s->empty = !space_find(&s->space, &reader->store->spaces, db, view);
    /* "Below parent" begins one document deeper than the parent itself; a collection's documents lie at its
     * depth. */
    s->first_depth = s->subtree ? (unsigned)(path_segments(s->path) / 2 + 1) : derived_depth(s->path);
    s->last_depth = s->first_depth;
    if (!s->empty && s->subtree) {
        if (store_reader_enter(reader, view, st) == STATUS_OK) {
            find_last_depth(s, st);
            store_reader_leave(reader);
        }
        if (st->code) {
            store_scan_close(s);
            return st->code;
        }
    }
    s->depth = s->descending ? s->last_depth : s->first_depth;
    if (range->after.n)
        s->depth = derived_depth(range->after);
    set_range(s);
    if (range->after.n)
        move_behind(s, range->after);
    *out = s;
    return STATUS_OK;
}

void store_scan_close(struct store_scan *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->reader->mutex);
    if (s->running)
        store_scan_interrupt(s);
    sqlite3_reset(s->head);
    if (s->head && !s->reader->spare_head[s->descending]) {
        sqlite3_clear_bindings(s->head);
        s->reader->spare_head[s->descending] = s->head;
    } else {
        sqlite3_finalize(s->head);
    }
    scan_past_dispose(&s->past);
    pthread_mutex_unlock(&s->reader->mutex);
    buf_dispose(&s->low);
    buf_dispose(&s->high);
    free(s->text);
    free(s);
}

/* ---- stepping ---- */

/* Makes `head` stand on a row that the view sees, if it has one left. */
static enum status_code fill_head(struct store_scan *s, struct status *st)
{
    while (!s->head_done && !s->head_row) {
        int rc = sqlite3_step(s->head);
        if (rc == SQLITE_ROW)
            s->head_row = (uint64_t)sqlite3_column_int64(s->head, 1) <= s->view;
        else if (rc == SQLITE_DONE)
            s->head_done = true;
        else
            return db_fail(s->reader->derived, rc, "scanning", st);
    }
    return STATUS_OK;
}

/* The next version in key order, the range moved behind it; *found false when this depth is done. What has
 * ended is looked for only up to the next head: a page of results never pays for what lies behind it. */
static enum status_code next_row(struct store_scan *s, bool *found, struct derived_doc *doc,
                                 struct status *st)
{
    const struct scan_past_row *past;
    *found = false;
    if (fill_head(s, st))
        return st->code;
    struct str low = buf_view(&s->low), high = buf_view(&s->high);
    struct str head = s->head_row ? db_column_bytes(s->head, 0) : (struct str){ 0 };
    if (s->head_row)
        *(s->descending ? &low : &high) = head;
    if (scan_past_peek(&past, &s->past, low, high, st))
        return st->code;
    if (past) {
        *doc = past->doc;
        move_range(s, past->key);
        scan_past_take(&s->past);
        *found = true;
    } else if (s->head_row) {
        int64_t updated = sqlite3_column_int64(s->head, 2);
        *doc = (struct derived_doc){ true, (uint64_t)sqlite3_column_int64(s->head, 1), updated,
                                     updated - sqlite3_column_int64(s->head, 3) };
        move_range(s, head);
        s->head_row = false;
        *found = true;
    }
    return STATUS_OK;
}

static bool next_depth(struct store_scan *s)
{
    if (s->depth == (s->descending ? s->first_depth : s->last_depth))
        return false;
    s->depth = s->descending ? s->depth - 1 : s->depth + 1;
    if (s->running)
        store_scan_interrupt(s);
    set_range(s);
    return true;
}

static bool wanted(const struct store_scan *s, struct str path)
{
    return !s->subtree || s->collection_id.n == 0 || str_eq(path_last(path_parent(path)), s->collection_id);
}

/* One row: false in *found at the end of the scan. The reader is entered. */
static enum status_code step(struct store_scan *s, struct arena *arena, struct str *path,
                             struct store_document *out, bool *found, struct status *st)
{
    struct derived_doc doc;
    bool more;
    *found = false;
    if (!s->running ? start(s, st) : s->moved ? catch_up(s, st) : STATUS_OK)
        return st->code;
    if (next_row(s, &more, &doc, st))
        return st->code;
    if (!more) {
        s->ended = !next_depth(s);
        return STATUS_OK;
    }
    *path = (struct str){ 0 };
    bool sieve = s->subtree && s->collection_id.n; /* most are not wanted: their bodies are not read */
    bool fields = !s->names_only;
    if (store_reader_version(s->reader, s->db, path, &doc, fields && !sieve, arena, out, st))
        return st->code;
    *found = wanted(s, *path);
    if (*found && fields && sieve)
        store_reader_version(s->reader, s->db, path, &doc, true, arena, out, st);
    return st->code;
}

enum status_code store_scan_next(struct store_scan *s, struct arena *arena, struct str *path,
                                 struct store_document *out, struct status *st)
{
    bool found = false;
    *path = (struct str){ 0 };
    *out = (struct store_document){ 0 };
    if (s->empty || s->ended)
        return STATUS_OK;
    if (store_reader_enter(s->reader, s->view, st))
        return st->code;
    for (int n = 0; !found && !s->ended && (n < ROWS_AT_ONCE || path->n == 0); n++)
        if (step(s, arena, path, out, &found, st))
            break;
    store_reader_leave(s->reader);
    if (!found)
        *out = (struct store_document){ 0 };
    if (st->code || s->ended)
        *path = (struct str){ 0 };
    return st->code;
}

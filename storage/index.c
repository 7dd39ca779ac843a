/* index.c - the list of field indexes, and how the writer keeps them up.
 *
 * `field_index` in the derived file has a row for each, `field_row` the rows of all: (index, value and
 * document) with the interval of seq in which the document has the value. An update that leaves the value
 * alone touches no row.
 *
 *   I1  For every view S >= complete: the rows with from <= S < until are exactly the documents of the
 *       collection that S shows, once for each value (element) they have there.
 *   I2  While an index is built (complete = 0) that holds for the documents up to its cursor, from the
 *       moment on when the cursor passed them: the writer closes and opens rows for every document, those
 *       not yet passed included (closing one that is not there changes nothing), and the builder opens rows
 *       only where none is open.
 *   I3  `complete` is set in the transaction that adds the last rows, to the seq that the derived file has
 *       applied.
 *   I4  Rows change in the transaction that changes `head` and `past` for the same entry, so that a crash or
 *       a rollback takes both; what the replay at open repeats goes through the same functions.
 *   I5  An index is used only by queries that hold it (users > 0) and only if the reader's snapshot shows it
 *       complete; rows are removed only when nobody holds it.
 *   I6  An index that cannot be kept (a value too long, a body that is gone) is refused, not wrong: nobody
 *       finds it again, its rows are removed.
 *
 * Everything here can be computed from the ledger again; verify does, and never trusts it. */
#include "storage/index.h"

#include "core/order.h"
#include "storage/derived.h"
#include "storage/pick.h"

#include <assert.h>
#include <stdlib.h>

/* ---- life ---- */

void index_set_init(struct index_set *set)
{
    *set = (struct index_set){ 0 };
    pthread_mutex_init(&set->lock, NULL);
    set->scratch = arena_new();
}

static void forget_all(struct index_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        buf_dispose(&set->items[i]->cursor);
        arena_free(set->items[i]->arena);
    }
    set->n = 0;
}

void index_set_dispose(struct index_set *set)
{
    if (!set->scratch)
        return;
    forget_all(set);
    for (size_t i = 0; i < set->n_wishes; i++)
        free((void *)(uintptr_t)set->wishes[i].prefix.p);
    arena_free(set->scratch);
    pthread_mutex_destroy(&set->lock);
    *set = (struct index_set){ 0 };
}

enum status_code index_add(struct field_index **out, struct index_set *set, const struct field_index *as,
                           struct str field, struct status *st)
{
    assert(set->n < LIMIT_INDEXES);
    struct arena *arena = arena_new();
    struct field_index *x = ARENA_NEW(arena, struct field_index);
    *x = *as;
    x->arena = arena;
    x->prefix = arena_str(arena, as->prefix);
    if (field_path_parse(&x->field, arena, arena_str(arena, field), st)) {
        arena_free(arena);
        return st->code;
    }
    buf_init(&x->cursor, DERIVED_KEY_MAX);
    buf_str(&x->cursor, x->prefix);
    pthread_mutex_lock(&set->lock);
    set->items[set->n++] = x;
    pthread_mutex_unlock(&set->lock);
    if (x->id > set->last_id)
        set->last_id = x->id;
    *out = x;
    return STATUS_OK;
}

void index_remove(struct index_set *set, struct field_index *x)
{
    pthread_mutex_lock(&set->lock);
    assert(x->users == 0);
    for (size_t i = 0; i < set->n; i++)
        if (set->items[i] == x)
            set->items[i] = set->items[--set->n];
    pthread_mutex_unlock(&set->lock);
    buf_dispose(&x->cursor);
    arena_free(x->arena);
}

struct open_space {
    int64_t id;
    bool open;
};

static bool look_for_space(void *data, struct space_db *db)
{
    struct open_space *want = data;
    struct space *space = space_current(db);
    want->open |= space && space->id == want->id;
    return !want->open;
}

static enum status_code load_rows(struct index_set *set, sqlite3_stmt *s, struct space_map *spaces,
                                  struct status *st)
{
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && set->n < LIMIT_INDEXES) {
        struct field_index as = { .id = sqlite3_column_int64(s, 0),
                                  .space = sqlite3_column_int64(s, 1),
                                  .prefix = db_column_bytes(s, 2),
                                  .elements = sqlite3_column_int64(s, 4) != 0,
                                  .complete = sqlite3_column_int64(s, 5) };
        struct open_space space = { as.space, false };
        struct field_index *x;
        space_each(spaces, look_for_space, &space);
        as.ended = !space.open;
        as.stored = as.complete == INDEX_REFUSED;
        if (index_add(&x, set, &as, db_column_bytes(s, 3), st))
            return status_set(st, STATUS_DATA_LOSS, "an index of the derived file names no field");
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK
                                                 : db_fail(sqlite3_db_handle(s), rc, "reading indexes", st);
}

enum status_code index_load_list(struct index_set *set, sqlite3 *derived, struct space_map *spaces,
                                 struct status *st)
{
    sqlite3_stmt *list = NULL;
    if (db_prepare(&list, derived,
                   "SELECT id, space, prefix, field, elements, complete FROM field_index ORDER BY id", st))
        return st->code;
    load_rows(set, list, spaces, st);
    sqlite3_finalize(list);
    return st->code;
}

enum status_code index_load(struct index_set *set, sqlite3 *derived, sqlite3 *ledger,
                            struct space_map *spaces, struct status *st)
{
    const struct {
        sqlite3_stmt **stmt;
        sqlite3 *db;
        const char *sql;
    } all[] = {
        { &set->add, derived,
          "INSERT INTO field_index(id, space, prefix, field, elements, complete) VALUES(?,?,?,?,?,0)" },
        { &set->set_complete, derived, "UPDATE field_index SET complete = ?2 WHERE id = ?1" },
        { &set->drop, derived, "DELETE FROM field_index WHERE id = ?" },
        { &set->open_row, derived,
          "INSERT INTO field_row(id, row, from_seq, until_seq, value) SELECT ?1, ?2, ?3, ?4, ?5"
          " WHERE NOT EXISTS(SELECT 1 FROM field_row WHERE id = ?1 AND row = ?2 AND until_seq = ?4)" },
        { &set->end_row, derived,
          "UPDATE field_row SET until_seq = ?3 WHERE id = ?1 AND row = ?2 AND until_seq = ?4" },
        { &set->purge, derived,
          "DELETE FROM field_row WHERE id = ?1 AND row <= (SELECT max(row) FROM"
          " (SELECT row FROM field_row WHERE id = ?1 ORDER BY row LIMIT 64))" },
        { &set->body, ledger, "SELECT bytes FROM body WHERE seq = ?" },
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (db_prepare(all[i].stmt, all[i].db, all[i].sql, st))
            return st->code;
    return index_load_list(set, derived, spaces, st);
}

void index_unload(struct index_set *set)
{
    sqlite3_stmt **all[] = { &set->add,     &set->set_complete, &set->drop, &set->open_row,
                             &set->end_row, &set->purge,        &set->body };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sqlite3_finalize(*all[i]);
        *all[i] = NULL;
    }
    forget_all(set);
}

/* ---- a body's rows ---- */

static int by_row(const void *a, const void *b)
{
    return str_cmp(((const struct index_row *)a)->row, ((const struct index_row *)b)->row);
}

static bool add_row(struct index_rows *out, const struct value *value, struct str id, struct arena *arena)
{
    struct buf row;
    buf_init(&row, LIMIT_INDEX_VALUE_BYTES);
    bool fits = order_key(&row, value);
    if (fits) {
        char *bytes = arena_alloc(arena, row.len + id.n);
        memcpy(bytes, row.data, row.len);
        memcpy(bytes + row.len, id.p, id.n);
        out->items[out->n++] = (struct index_row){ { bytes, row.len + id.n }, row.len };
    }
    buf_dispose(&row);
    return fits;
}

static void remove_doubles(struct index_rows *rows)
{
    size_t kept = 0;
    if (rows->n > 1)
        qsort(rows->items, rows->n, sizeof *rows->items, by_row);
    for (size_t i = 0; i < rows->n; i++)
        if (i == 0 || !str_eq(rows->items[i].row, rows->items[i - 1].row))
            rows->items[kept++] = rows->items[i];
    rows->n = kept;
}

bool index_rows_of(struct index_rows *out, const struct field_index *x, struct str key, struct str body,
                   struct arena *arena)
{
    struct value_map fields;
    struct status ignored = status_init(NULL);
    struct str id = str_skip(key, x->prefix.n);
    *out = (struct index_rows){ 0 };
    if (pick_fields(&fields, arena, body, x->field.segments, 1, &ignored))
        return false;
    const struct value *value = field_path_get(&fields, &x->field);
    if (!value || (x->elements && value->kind != VALUE_ARRAY))
        return true;
    size_t n = x->elements ? value->array.n : 1;
    if (n > LIMIT_INDEX_ELEMENTS)
        return false;
    const struct value *values = x->elements ? value->array.items : value;
    out->items = ARENA_ARRAY(arena, struct index_row, n);
    for (size_t i = 0; i < n; i++)
        if (!add_row(out, &values[i], id, arena))
            return false;
    remove_doubles(out);
    return true;
}

/* ---- writing ---- */

static enum status_code run(sqlite3_stmt *stmt, const char *what, struct status *st)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? STATUS_OK : db_fail(sqlite3_db_handle(stmt), rc, what, st);
}

enum status_code index_set_complete(struct index_set *set, struct field_index *x, int64_t complete,
                                    struct status *st)
{
    sqlite3_bind_int64(set->set_complete, 1, x->id);
    sqlite3_bind_int64(set->set_complete, 2, complete);
    return run(set->set_complete, "completing an index", st);
}

/* Should the batch roll back, the index stays refused in memory, and the next change says so to the file
 * again. */
static enum status_code refuse(struct index_set *set, struct field_index *x, struct status *st)
{
    pthread_mutex_lock(&set->lock);
    x->complete = INDEX_REFUSED;
    pthread_mutex_unlock(&set->lock);
    return index_set_complete(set, x, INDEX_REFUSED, st);
}

/* The rows of a version of the ledger, 0: none. */
static enum status_code version_rows(struct index_rows *out, bool *fits, struct index_set *set,
                                     const struct field_index *x, struct str key, uint64_t seq,
                                     struct status *st)
{
    *out = (struct index_rows){ 0 };
    *fits = true;
    if (seq == 0)
        return STATUS_OK;
    sqlite3_bind_int64(set->body, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(set->body);
    if (rc == SQLITE_ROW && sqlite3_column_type(set->body, 0) == SQLITE_BLOB)
        *fits =
            index_rows_of(out, x, key, arena_str(set->scratch, db_column_bytes(set->body, 0)), set->scratch);
    else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        *fits = false;
    else
        db_fail(sqlite3_db_handle(set->body), rc, "reading a body for an index", st);
    sqlite3_reset(set->body);
    return st->code;
}

static enum status_code open_row(struct index_set *set, const struct field_index *x,
                                 const struct index_row *row, uint64_t from, struct status *st)
{
    sqlite3_bind_int64(set->open_row, 1, x->id);
    db_bind_blob(set->open_row, 2, row->row);
    sqlite3_bind_int64(set->open_row, 3, (sqlite3_int64)from);
    sqlite3_bind_int64(set->open_row, 4, (sqlite3_int64)SPACE_OPEN);
    sqlite3_bind_int64(set->open_row, 5, (sqlite3_int64)row->value);
    return run(set->open_row, "adding to an index", st);
}

static enum status_code end_row(struct index_set *set, const struct field_index *x,
                                const struct index_row *row, uint64_t until, struct status *st)
{
    sqlite3_bind_int64(set->end_row, 1, x->id);
    db_bind_blob(set->end_row, 2, row->row);
    sqlite3_bind_int64(set->end_row, 3, (sqlite3_int64)until);
    sqlite3_bind_int64(set->end_row, 4, (sqlite3_int64)SPACE_OPEN);
    return run(set->end_row, "ending a row of an index", st);
}

/* Both are sorted: what only the first has ends, what only the second has begins. */
static enum status_code replace_rows(struct index_set *set, const struct field_index *x,
                                     const struct index_rows *old, const struct index_rows *new, uint64_t seq,
                                     struct status *st)
{
    for (size_t i = 0, k = 0; i < old->n || k < new->n;) {
        int c = i == old->n ? 1 : k == new->n ? -1 : str_cmp(old->items[i].row, new->items[k].row);
        if ((c < 0 && end_row(set, x, &old->items[i], seq, st)) ||
            (c > 0 && open_row(set, x, &new->items[k], seq, st)))
            return st->code;
        i += c <= 0;
        k += c >= 0;
    }
    return STATUS_OK;
}

static enum status_code change(struct index_set *set, struct field_index *x, struct str key, uint64_t before,
                               uint64_t after, uint64_t seq, struct status *st)
{
    struct index_rows old, new;
    bool old_fits, new_fits;
    arena_reset(set->scratch);
    if (version_rows(&old, &old_fits, set, x, key, before, st) ||
        version_rows(&new, &new_fits, set, x, key, after, st))
        return st->code;
    return old_fits && new_fits ? replace_rows(set, x, &old, &new, seq, st) : refuse(set, x, st);
}

enum status_code index_changed(struct index_set *set, int64_t space, struct str key, uint64_t before,
                               uint64_t after, uint64_t seq, struct status *st)
{
    for (size_t i = 0; set && i < set->n; i++) {
        struct field_index *x = set->items[i];
        if (x->space != space || x->stored || !str_starts(key, x->prefix))
            continue;
        if (x->complete == INDEX_REFUSED ? index_set_complete(set, x, INDEX_REFUSED, st)
                                         : change(set, x, key, before, after, seq, st))
            return st->code;
    }
    return STATUS_OK;
}

enum status_code index_add_current(struct index_set *set, struct field_index *x, struct str key, uint64_t seq,
                                   struct status *st)
{
    struct index_rows rows;
    bool fits;
    arena_reset(set->scratch);
    if (version_rows(&rows, &fits, set, x, key, seq, st))
        return st->code;
    if (!fits)
        return refuse(set, x, st);
    for (size_t i = 0; i < rows.n; i++)
        if (open_row(set, x, &rows.items[i], seq, st))
            return st->code;
    return STATUS_OK;
}

/* Should the batch roll back, the index is dropped all the same: that is slower, not wrong. */
void index_space_ended(struct index_set *set, int64_t space)
{
    for (size_t i = 0; set && i < set->n; i++) {
        if (set->items[i]->space != space)
            continue;
        pthread_mutex_lock(&set->lock);
        set->items[i]->ended = true;
        pthread_mutex_unlock(&set->lock);
    }
}

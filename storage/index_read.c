/* index_read.c - field indexes as queries see them: found, held, read a page at a time, wished for. */
#include "storage/index_read.h"

#include "storage/internal.h"

#include <stdlib.h>

static bool same_path(const struct field_path *a, const struct field_path *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->segments[i], b->segments[i]);
    return same;
}

/* The space, and what the keys of the collection's documents begin with. */
static bool place_of(int64_t *space, struct buf *prefix, struct store_reader *r, uint64_t view,
                     const struct index_name *name)
{
    buf_init(prefix, DERIVED_KEY_MAX);
    derived_prefix(prefix, derived_depth(name->collection), name->collection);
    return space_find(space, &r->store->spaces, name->db, view);
}

struct field_index *store_index_hold(struct store_reader *r, uint64_t view, const struct index_name *name)
{
    struct index_set *set = &r->store->indexes;
    struct field_index *found = NULL;
    struct buf prefix;
    int64_t space;
    bool any = place_of(&space, &prefix, r, view, name);
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; any && i < set->n && !found; i++) {
        struct field_index *x = set->items[i];
        if (x->space == space && x->complete > 0 && (uint64_t)x->complete <= view && !x->ended &&
            x->elements == name->elements && str_eq(x->prefix, buf_view(&prefix)) &&
            same_path(&x->field, &name->field))
            found = x;
    }
    if (found)
        found->users++;
    pthread_mutex_unlock(&set->lock);
    buf_dispose(&prefix);
    return found;
}

void store_index_release(struct store_reader *r, struct field_index *x)
{
    struct index_set *set = &r->store->indexes;
    pthread_mutex_lock(&set->lock);
    bool leaving = --x->users == 0 && (x->ended || x->complete == INDEX_REFUSED);
    pthread_mutex_unlock(&set->lock);
    if (leaving)
        store_housekeeper_wake(r->store);
}

void store_index_wish(struct store_reader *r, uint64_t view, const struct index_name *name)
{
    struct index_set *set = &r->store->indexes;
    struct arena *arena = arena_new();
    struct str field = field_path_print(arena, &name->field);
    struct buf prefix;
    int64_t space;
    bool any = place_of(&space, &prefix, r, view, name), more = false;
    char *texts = any ? malloc(prefix.len + field.n + 1) : NULL;
    if (texts) {
        memcpy(texts, prefix.data, prefix.len);
        memcpy(texts + prefix.len, field.p, field.n);
        struct index_wish wish = {
            space, { texts, prefix.len }, { texts + prefix.len, field.n }, name->elements
        };
        pthread_mutex_lock(&set->lock);
        more = set->n_wishes < LIMIT_INDEX_WISHES;
        if (more)
            set->wishes[set->n_wishes++] = wish;
        pthread_mutex_unlock(&set->lock);
        if (more)
            store_housekeeper_wake(r->store);
        else
            free(texts);
    }
    buf_dispose(&prefix);
    arena_free(arena);
}

/* ---- reading ---- */

/* Whether the reader's snapshot has the index complete; it may be older than the index. */
static enum status_code see(bool *seen, struct store_reader *r, const struct field_index *x,
                            struct status *st)
{
    sqlite3_bind_int64(r->index_state, 1, x->id);
    int rc = sqlite3_step(r->index_state);
    *seen = rc == SQLITE_ROW && sqlite3_column_int64(r->index_state, 0) != INDEX_BUILDING;
    sqlite3_reset(r->index_state);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK
                                                 : db_fail(r->derived, rc, "reading an index", st);
}

static enum status_code enter(struct store_reader *r, uint64_t view, const struct field_index *x,
                              struct status *st)
{
    bool seen;
    if (store_reader_enter(r, view, st))
        return st->code;
    if (see(&seen, r, x, st) == STATUS_OK && seen)
        return STATUS_OK;
    store_reader_end(r);
    store_reader_leave(r);
    return st->code ? st->code : store_reader_enter(r, view, st);
}

static enum status_code read_rows(struct index_entry *out, size_t *n, size_t want, struct store_reader *r,
                                  uint64_t view, const struct field_index *x, const struct index_range *range,
                                  struct arena *arena, struct status *st)
{
    sqlite3_stmt *s = r->index_page[range->descending];
    int rc = SQLITE_DONE;
    sqlite3_bind_int64(s, 1, x->id);
    db_bind_blob(s, 2, range->low);
    db_bind_blob(s, 3, range->high);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)view);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)want);
    while (*n < want && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct index_entry *e = &out[(*n)++];
        *e = (struct index_entry){ .row = arena_str(arena, db_column_bytes(s, 0)) };
        size_t value = (size_t)sqlite3_column_int64(s, 1);
        e->id = str_skip(e->row, value < e->row.n ? value : e->row.n);
    }
    sqlite3_reset(s);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK
                                                 : db_fail(r->derived, rc, "reading an index", st);
}

static enum status_code read_document(struct index_entry *e, struct store_reader *r, uint64_t view,
                                      struct database_name db, const struct field_index *x,
                                      struct arena *arena, struct status *st)
{
    struct derived_doc doc;
    buf_clear(&r->key);
    buf_str(&r->key, x->prefix);
    buf_str(&r->key, e->id);
    if (derived_lookup(&doc, &r->reads, x->space, buf_view(&r->key), (int64_t)view, st))
        return st->code;
    if (!doc.exists)
        return status_set(st, STATUS_DATA_LOSS,
                          "an index names a document that is not there: run `cinderlog verify`");
    return store_reader_version(r, db, &e->path, &doc, true, arena, &e->document, st);
}

enum status_code store_index_read(struct index_entry *out, size_t *n, size_t want, struct store_reader *r,
                                  uint64_t view, struct database_name db, const struct field_index *x,
                                  const struct index_range *range, struct arena *arena, struct status *st)
{
    *n = 0;
    if (str_cmp(range->low, range->high) >= 0)
        return STATUS_OK;
    if (enter(r, view, x, st))
        return st->code;
    read_rows(out, n, want, r, view, x, range, arena, st);
    for (size_t i = 0; i < *n && !st->code; i++)
        read_document(&out[i], r, view, db, x, arena, st);
    store_reader_leave(r);
    return st->code;
}

/* scan_past.c - see scan_past.h. */
#include "storage/scan_past.h"

#include <assert.h>
#include <stdlib.h>

static enum status_code covering(struct derived_doc *out, struct scan_past *p, struct str key,
                                 struct status *st)
{
    return derived_covering(out, &p->reader->reads, p->space, key, (int64_t)p->view, st);
}

/* ---- near ---- */

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct scan_past_row *)a)->key, ((const struct scan_past_row *)b)->key);
}

struct collection {
    struct scan_past *past;
    struct str low, high;
};

static bool collect(void *data, const struct store_change *change)
{
    struct collection *c = data;
    struct scan_past *p = c->past;
    if (change->path.n == 0 || !database_name_eq(change->db, p->db))
        return true; /* what was cleared is in another space */
    derived_key(&p->key, change->path);
    struct str key = buf_view(&p->key);
    if (str_cmp(key, c->low) >= 0 && str_cmp(key, c->high) < 0)
        p->rows[p->n++].key = arena_str(p->arena, key);
    return true;
}

static enum status_code start_near(struct scan_past *p, uint64_t applied, struct str low, struct str high,
                                   struct status *st)
{
    if (!p->arena)
        p->arena = arena_new();
    p->rows = ARENA_ARRAY(p->arena, struct scan_past_row, (size_t)(applied - p->view));
    /* Keys of the documents that changed after the view, as far as they lie in the range; twice where changed
     * twice. */
    struct collection c = { p, low, high };
    if (store_reader_changes(p->reader, p->view, applied, collect, &c, st))
        return st->code;
    if (p->n > 1)
        qsort(p->rows, p->n, sizeof *p->rows, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (i > 0 && str_eq(p->rows[i].key, p->rows[i - 1].key) && kept &&
            str_eq(p->rows[kept - 1].key, p->rows[i].key))
            continue;
        struct scan_past_row row = { .key = p->rows[i].key };
        if (covering(&row.doc, p, row.key, st))
            return st->code;
        if (row.doc.exists)
            p->rows[kept++] = row;
    }
    p->n = kept;
    p->at = p->descending ? kept : 0;
    return STATUS_OK;
}

static const struct scan_past_row *peek_near(const struct scan_past *p, struct str low, struct str high)
{
    if (p->descending ? p->at == 0 : p->at == p->n)
        return NULL;
    const struct scan_past_row *row = &p->rows[p->descending ? p->at - 1 : p->at];
    return str_cmp(row->key, low) >= 0 && str_cmp(row->key, high) < 0 ? row : NULL;
}

/* ---- far ---- */

/* The next key of `past` in the range, into p->key. */
static enum status_code next_key(bool *found, struct scan_past *p, struct str low, struct str high,
                                 struct status *st)
{
    sqlite3_stmt *s = p->reader->past_key[p->descending];
    sqlite3_bind_int64(s, 1, p->space);
    db_bind_blob(s, 2, low);
    db_bind_blob(s, 3, high);
    int rc = sqlite3_step(s);
    *found = rc == SQLITE_ROW;
    struct buf key;
    buf_init(&key, DERIVED_KEY_MAX);
    if (*found)
        buf_str(&key, db_column_bytes(s, 0));
    sqlite3_reset(s);
    buf_dispose(&p->key); /* only now: low or high may lie in it */
    p->key = key;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK
                                                 : db_fail(p->reader->derived, rc, "scanning", st);
}

static enum status_code find_far(struct scan_past *p, struct str low, struct str high, struct status *st)
{
    bool found;
    struct buf behind;
    buf_init(&behind, DERIVED_KEY_MAX);
    while (next_key(&found, p, low, high, st) == STATUS_OK && found) {
        p->far.key = buf_view(&p->key);
        if (covering(&p->far.doc, p, p->far.key, st))
            break;
        if (p->far.doc.exists) {
            p->has_far = true;
            break;
        }
        buf_clear(&behind);
        buf_str(&behind, p->far.key);
        if (!p->descending)
            buf_byte(&behind, 0);
        *(p->descending ? &high : &low) = buf_view(&behind);
    }
    buf_dispose(&behind);
    return st->code;
}

/* ---- both ---- */

enum status_code scan_past_start(struct scan_past *p, uint64_t applied, struct str low, struct str high,
                                 struct status *st)
{
    p->active = true;
    p->near = applied - p->view <= SCAN_PAST_NEAR;
    p->n = p->at = 0;
    p->has_far = false;
    return p->near ? start_near(p, applied, low, high, st) : STATUS_OK;
}

enum status_code scan_past_peek(const struct scan_past_row **out, struct scan_past *p, struct str low,
                                struct str high, struct status *st)
{
    *out = NULL;
    if (!p->active)
        return STATUS_OK;
    if (p->near) {
        *out = peek_near(p, low, high);
        return STATUS_OK;
    }
    if (!p->has_far && find_far(p, low, high, st))
        return st->code;
    /* One found under a wider range stays for later. */
    if (p->has_far && str_cmp(p->far.key, low) >= 0 && str_cmp(p->far.key, high) < 0)
        *out = &p->far;
    return STATUS_OK;
}

void scan_past_take(struct scan_past *p)
{
    if (!p->near)
        p->has_far = false;
    else if (p->descending)
        p->at--;
    else
        p->at++;
}

void scan_past_skip(struct scan_past *p, struct str low)
{
    assert(!p->has_far); /* what peek finds there is taken before the scan moves */
    while (p->near && p->at < p->n && str_cmp(p->rows[p->at].key, low) < 0)
        p->at++;
}

void scan_past_stop(struct scan_past *p)
{
    p->active = p->has_far = false;
    p->n = p->at = 0;
    if (p->arena)
        arena_reset(p->arena);
}

void scan_past_dispose(struct scan_past *p)
{
    arena_free(p->arena);
    buf_dispose(&p->key);
    p->arena = NULL;
}

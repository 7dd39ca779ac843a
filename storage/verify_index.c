/* verify_index.c - whether each complete field index has exactly the rows that its documents give
 * (verify_derived.c).
 *
 * `head` and `past` are right by now, and so are the bodies. The versions of each document of the collection
 * are read in order, and the stretches in which it keeps a value are added up, as hashes; then the rows that
 * there are. A row counts from `complete` on: what was before no query asks it. */
#include "storage/verify.h"

#include <inttypes.h>
#include <stdlib.h>

/* Of one document: since when it has which value. */
struct stretch {
    struct str row; /* malloc'ed */
    size_t value;
    uint64_t from;
};

struct checking {
    struct verify *v;
    const struct field_index *index;
    sqlite3_stmt *body;
    struct arena *arena;
    struct row_sum sum;
    uint64_t n;
    struct buf key; /* of the document whose stretches these are */
    uint64_t until; /* of its last version */
    struct stretch *open;
    size_t n_open;
};

static void count_row(struct checking *c, struct str row, size_t value, uint64_t from, uint64_t until)
{
    uint64_t complete = (uint64_t)c->index->complete;
    if (until <= complete)
        return;
    struct buf *out = &c->v->row;
    buf_clear(out);
    verify_put_number(out, from > complete ? from : complete);
    verify_put_number(out, until);
    verify_put_number(out, value);
    buf_str(out, row);
    verify_sum(&c->sum, buf_view(out), false);
    c->n++;
}

/* ---- what there must be ---- */

/* Stretches that this version does not continue end where the one before ended. `rows` NULL: it continues
 * none. */
static void end_stretches(struct checking *c, const struct index_rows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n_open; i++) {
        struct stretch *s = &c->open[i];
        bool goes_on = false;
        for (size_t k = 0; rows && k < rows->n && !goes_on; k++)
            goes_on = str_eq(rows->items[k].row, s->row);
        if (goes_on) {
            c->open[kept++] = *s;
            continue;
        }
        count_row(c, s->row, s->value, s->from, c->until);
        free((void *)(uintptr_t)s->row.p);
    }
    c->n_open = kept;
}

static void begin_stretches(struct checking *c, const struct index_rows *rows, uint64_t seq)
{
    c->open = verify_must(realloc(c->open, (c->n_open + rows->n + 1) * sizeof *c->open));
    size_t before = c->n_open;
    for (size_t k = 0; k < rows->n; k++) {
        const struct index_row *row = &rows->items[k];
        bool known = false;
        for (size_t i = 0; i < before && !known; i++)
            known = str_eq(c->open[i].row, row->row);
        if (known)
            continue;
        char *copy = verify_must(malloc(row->row.n + 1));
        memcpy(copy, row->row.p, row->row.n);
        c->open[c->n_open++] = (struct stretch){ { copy, row->row.n }, row->value, seq };
    }
}

static bool add_version(struct checking *c, struct str key, uint64_t seq, uint64_t until)
{
    struct index_rows rows = { 0 };
    if (!str_eq(key, buf_view(&c->key)) || seq != c->until) {
        end_stretches(c, NULL);
        buf_clear(&c->key);
        buf_str(&c->key, key);
    }
    arena_reset(c->arena);
    sqlite3_bind_int64(c->body, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(c->body);
    bool ok =
        rc == SQLITE_ROW || rc == SQLITE_DONE
            ? rc == SQLITE_ROW && index_rows_of(&rows, c->index, key,
                                                arena_str(c->arena, db_column_bytes(c->body, 0)), c->arena)
            : verify_failed(c->v, c->v->ledger, rc, "reading a body", seq);
    sqlite3_reset(c->body);
    /* What an index cannot have matters only to views that may ask it. */
    if (!ok && until > (uint64_t)c->index->complete)
        return verify_bad(c->v, seq,
                          "derived state differs: an index has entry %" PRIu64 ", which has no place in it",
                          seq);
    if (!ok)
        rows.n = 0;
    end_stretches(c, &rows);
    begin_stretches(c, &rows, seq);
    c->until = until;
    return true;
}

static bool add_versions(struct checking *c)
{
    struct verify *v = c->v;
    sqlite3_stmt *stmt = NULL;
    struct buf end;
    int rc;
    buf_init(&end, DERIVED_KEY_MAX);
    derived_after_prefix(&end, c->index->prefix);
    bool ok = verify_prepare(
        v, &stmt, v->derived,
        "SELECT key, seq, 9223372036854775807 FROM head WHERE space = ?1 AND key >= ?2 AND key < ?3"
        " UNION ALL SELECT key, seq, until_seq FROM past WHERE space = ?1 AND key >= ?2"
        " AND key < ?3 ORDER BY 1, 3");
    if (ok) {
        sqlite3_bind_int64(stmt, 1, c->index->space);
        db_bind_blob(stmt, 2, c->index->prefix);
        db_bind_blob(stmt, 3, buf_view(&end));
    }
    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE)
        ok = rc == SQLITE_ROW
                 ? add_version(c, db_column_bytes(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1),
                               (uint64_t)sqlite3_column_int64(stmt, 2))
                 : verify_failed(v, v->derived, rc, "reading derived state", 0);
    end_stretches(c, NULL);
    sqlite3_finalize(stmt);
    buf_dispose(&end);
    return ok;
}

/* ---- what there is ---- */

static bool add_rows(struct checking *c)
{
    struct verify *v = c->v;
    sqlite3_stmt *stmt = NULL;
    int rc;
    bool ok = verify_prepare(v, &stmt, v->derived,
                             "SELECT row, value, from_seq, until_seq FROM field_row WHERE id = ?");
    if (ok)
        sqlite3_bind_int64(stmt, 1, c->index->id);
    while (ok && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW)
            ok = verify_failed(v, v->derived, rc, "reading derived state", 0);
        else
            count_row(c, db_column_bytes(stmt, 0), (size_t)sqlite3_column_int64(stmt, 1),
                      (uint64_t)sqlite3_column_int64(stmt, 2), (uint64_t)sqlite3_column_int64(stmt, 3));
    }
    sqlite3_finalize(stmt);
    return ok;
}

static bool check_index(struct verify *v, const struct field_index *x)
{
    struct checking c = { .v = v, .index = x, .arena = arena_new() };
    buf_init(&c.key, DERIVED_KEY_MAX);
    bool ok =
        verify_prepare(v, &c.body, v->ledger, "SELECT bytes FROM body WHERE seq = ?") && add_versions(&c);
    struct row_sum expected = c.sum;
    uint64_t n = c.n;
    c.sum = (struct row_sum){ 0, 0 };
    c.n = 0;
    ok = ok && add_rows(&c);
    if (ok && (c.n != n || c.sum.low != expected.low || c.sum.high != expected.high))
        ok = verify_bad(v, 0,
                        "derived state differs: index %" PRId64
                        " has other rows than its documents give (%" PRIu64 " and %" PRIu64 ")",
                        x->id, c.n, n);
    sqlite3_finalize(c.body);
    free(c.open);
    buf_dispose(&c.key);
    arena_free(c.arena);
    return ok;
}

bool verify_indexes(struct verify *v)
{
    struct index_set set;
    struct status st = status_init(v->arena);
    index_set_init(&set);
    bool ok = verify_passed(v, (index_load_list(&set, v->derived, &v->spaces, &st), &st), 0);
    for (size_t i = 0; i < set.n && ok; i++)
        if (set.items[i]->complete > 0)
            ok = check_index(v, set.items[i]);
    index_set_dispose(&set);
    return ok;
}

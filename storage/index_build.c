/* index_build.c - what the housekeeper does for field indexes: begins them, fills them, takes them away.
 *
 * It works on the writer's connection with the writer held back (apply_mutex), so a slice is short. */
#include "storage/index.h"
#include "storage/internal.h"

#include "core/clock.h"
#include "core/log.h"

#include <stdlib.h>

enum { SLICE_NS = 1000 * 1000 };

static void fail(struct store *s, struct field_index *x, const struct status *st)
{
    log_warn("an index is given up: %s", status_message(st));
    derived_rollback(&s->derived);
    if (!x)
        return;
    pthread_mutex_lock(&s->indexes.lock);
    x->complete = INDEX_REFUSED; /* `stored` stays: the next change tells the file */
    pthread_mutex_unlock(&s->indexes.lock);
}

/* ---- beginning ---- */

static bool take_wish(struct index_wish *out, struct index_set *set)
{
    pthread_mutex_lock(&set->lock);
    bool some = set->n_wishes > 0;
    if (some)
        *out = set->wishes[--set->n_wishes];
    pthread_mutex_unlock(&set->lock);
    return some;
}

static bool is_known(const struct index_set *set, const struct index_wish *wish)
{
    for (size_t i = 0; i < set->n; i++) {
        struct field_index *x = set->items[i];
        struct arena *arena = arena_new();
        bool same = x->space == wish->space && x->elements == wish->elements &&
                    str_eq(x->prefix, wish->prefix) &&
                    str_eq(field_path_print(arena, &x->field), wish->field);
        arena_free(arena);
        if (same)
            return true;
    }
    return false;
}

static enum status_code add_row(struct store *s, const struct index_wish *wish, const struct field_index *x,
                                struct status *st)
{
    struct index_set *set = &s->indexes;
    if (derived_begin(&s->derived, st))
        return st->code;
    sqlite3_bind_int64(set->add, 1, x->id);
    sqlite3_bind_int64(set->add, 2, x->space);
    db_bind_blob(set->add, 3, x->prefix);
    db_bind_text(set->add, 4, wish->field);
    sqlite3_bind_int64(set->add, 5, x->elements);
    int rc = sqlite3_step(set->add);
    sqlite3_reset(set->add);
    if (rc != SQLITE_DONE)
        return db_fail(s->derived.db, rc, "beginning an index", st);
    return derived_commit_rows(&s->derived, st);
}

/* Listed first: what cannot be listed must not be in the file, where the next start would find it. */
static enum status_code begin_index(struct store *s, const struct index_wish *wish, struct status *st)
{
    struct index_set *set = &s->indexes;
    struct field_index *x, as = { .id = set->last_id + 1,
                                  .space = wish->space,
                                  .prefix = wish->prefix,
                                  .elements = wish->elements,
                                  .complete = INDEX_BUILDING };
    if (index_add(&x, set, &as, wish->field, st) == STATUS_OK && add_row(s, wish, x, st))
        index_remove(set, x);
    return st->code;
}

static bool begin_wished(struct store *s)
{
    struct index_wish wish;
    struct status st = status_init(NULL);
    if (!take_wish(&wish, &s->indexes))
        return false;
    if (s->indexes.n < LIMIT_INDEXES && !is_known(&s->indexes, &wish) && begin_index(s, &wish, &st))
        fail(s, NULL, &st);
    free((void *)(uintptr_t)wish.prefix.p);
    return true;
}

/* ---- filling ---- */

/* A slice of documents. *done: the cursor has reached the end. */
static enum status_code fill_some(bool *done, struct store *s, struct field_index *x, struct buf *end,
                                  struct status *st)
{
    struct derived_doc doc;
    bool found = true;
    int64_t end_ns = clock_mono_ns() + SLICE_NS;
    while (found && clock_mono_ns() < end_ns) {
        if (x->cursor.len > x->prefix.n)
            buf_byte(&x->cursor, 0); /* the first key behind it */
        if (derived_first(&found, &x->cursor, &doc, &s->derived, x->space, buf_view(&x->cursor),
                          buf_view(end), st) ||
            (found && index_add_current(&s->indexes, x, buf_view(&x->cursor), doc.seq, st)))
            return st->code;
    }
    *done = !found;
    return STATUS_OK;
}

static bool build_some(struct store *s)
{
    struct field_index *x = NULL;
    struct status st = status_init(NULL);
    struct buf end;
    bool done = false;
    for (size_t i = 0; i < s->indexes.n && !x; i++)
        if (s->indexes.items[i]->complete == INDEX_BUILDING && !s->indexes.items[i]->ended)
            x = s->indexes.items[i];
    if (!x)
        return false;
    int64_t applied = (int64_t)s->derived.applied;
    buf_init(&end, DERIVED_KEY_MAX);
    derived_after_prefix(&end, x->prefix);
    if (derived_begin(&s->derived, &st) || fill_some(&done, s, x, &end, &st) ||
        (done && x->complete == INDEX_BUILDING && index_set_complete(&s->indexes, x, applied, &st)) ||
        derived_commit_rows(&s->derived, &st)) {
        fail(s, x, &st);
    } else if (done) {
        pthread_mutex_lock(&s->indexes.lock);
        if (x->complete == INDEX_BUILDING)
            x->complete = applied;
        pthread_mutex_unlock(&s->indexes.lock);
    }
    buf_dispose(&end);
    return true;
}

/* ---- taking away ---- */

static bool take_leaving(struct field_index **out, struct index_set *set)
{
    *out = NULL;
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < set->n && !*out; i++) {
        struct field_index *x = set->items[i];
        if (x->users == 0 && (x->ended || (x->complete == INDEX_REFUSED && !x->empty))) {
            x->complete = INDEX_REFUSED; /* nobody finds it any more */
            *out = x;
        }
    }
    pthread_mutex_unlock(&set->lock);
    return *out != NULL;
}

static enum status_code purge(struct store *s, struct field_index *x, struct status *st)
{
    struct index_set *set = &s->indexes;
    sqlite3_bind_int64(set->purge, 1, x->id);
    int rc = sqlite3_step(set->purge);
    sqlite3_reset(set->purge);
    if (rc != SQLITE_DONE)
        return db_fail(s->derived.db, rc, "removing an index", st);
    x->empty = sqlite3_changes(s->derived.db) == 0;
    if (!x->empty || !x->ended)
        return index_set_complete(set, x, INDEX_REFUSED, st);
    sqlite3_bind_int64(set->drop, 1, x->id);
    rc = sqlite3_step(set->drop);
    sqlite3_reset(set->drop);
    return rc == SQLITE_DONE ? STATUS_OK : db_fail(s->derived.db, rc, "removing an index", st);
}

static bool purge_some(struct store *s)
{
    struct field_index *x;
    struct status st = status_init(NULL);
    if (!take_leaving(&x, &s->indexes))
        return false;
    if (derived_begin(&s->derived, &st) || purge(s, x, &st) || derived_commit_rows(&s->derived, &st)) {
        x->empty = false;
        log_warn("an index is not removed: %s", status_message(&st));
        derived_rollback(&s->derived);
        return false;
    }
    x->stored = true;
    if (x->empty && x->ended)
        index_remove(&s->indexes, x);
    return true;
}

bool index_work(struct store *s)
{
    pthread_mutex_lock(&s->apply_mutex);
    /* A transaction that is open now is one that the writer stopped in for good. */
    bool stopped = !sqlite3_get_autocommit(s->derived.db);
    bool more = !stopped && (begin_wished(s) || build_some(s) || purge_some(s));
    pthread_mutex_unlock(&s->apply_mutex);
    return more;
}

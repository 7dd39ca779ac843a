/* listen_follow.c - the documents of a target; see listen_state.h. Everything here can stop after any
 * document, and goes on there, maybe on another worker. */
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/listen_state.h"

#include <stdlib.h>

static struct store_reader *reader_of(const struct listen *l)
{
    return l->call->worker->reader;
}

/* ---- all results of a view ---- */

static enum status_code open_query(struct target *t, struct listen *l, uint64_t view, struct status *st)
{
    return t->query ? STATUS_OK : query_open(&t->query, t->plan, reader_of(l), view, st);
}

static void close_query(struct target *t)
{
    query_close(t->query);
    t->query = NULL;
}

/* The next result of t->query in l->scratch. LISTEN_DONE with an empty name at the end, which closes it. */
static enum listen_work next_result(struct document *out, struct listen *l, struct target *t,
                                    struct status *st)
{
    enum listen_work why;
    *out = (struct document){ 0 };
    if (listen_must_rest(&why, l))
        return why;
    arena_reset(l->scratch);
    query_pause_at(t->query, l->slice_end);
    if (query_next(t->query, reader_of(l), l->scratch, out, st))
        return LISTEN_REFUSED;
    if (query_paused(t->query))
        return LISTEN_SLICE_OVER;
    if (out->name.n == 0)
        close_query(t);
    return LISTEN_DONE;
}

static enum listen_work send_document_as_it_is(struct listen *l, struct target *t, struct str path,
                                               uint64_t view, struct status *st)
{
    struct store_document stored;
    struct document d;
    if (store_get(reader_of(l), view, l->db, path, l->scratch, &stored, st))
        return LISTEN_REFUSED;
    if (!stored.exists)
        listen_send_gone(l, t, path, false);
    else if (answer_document(&d, l->scratch, l->db, path, &stored, &t->mask, st))
        return LISTEN_REFUSED;
    else
        listen_send_document(l, t, &d);
    return LISTEN_DONE;
}

static enum listen_work fill_documents(struct listen *l, struct target *t, struct status *st)
{
    enum listen_work work = LISTEN_DONE;
    while (work == LISTEN_DONE && t->next_path < t->n_paths && !listen_must_rest(&work, l)) {
        arena_reset(l->scratch);
        work = send_document_as_it_is(l, t, t->paths[t->next_path], t->known, st);
        t->next_path += work == LISTEN_DONE;
    }
    return work;
}

/* All results of a target's view: told, or only counted. */
static enum listen_work walk_results(struct listen *l, struct target *t, bool told, struct status *st)
{
    struct document d;
    if (open_query(t, l, t->known, st))
        return LISTEN_REFUSED;
    for (;;) {
        enum listen_work work = next_result(&d, l, t, st);
        if (work != LISTEN_DONE || d.name.n == 0)
            return work;
        if (told)
            listen_send_document(l, t, &d);
        else
            t->count++;
    }
}

enum listen_work target_fill(struct listen *l, struct target *t, struct status *st)
{
    return t->plan ? walk_results(l, t, true, st) : fill_documents(l, t, st);
}

enum listen_work target_count(struct listen *l, struct target *t, struct status *st)
{
    return walk_results(l, t, false, st);
}

/* What the client has is void; it gets all results of the round's view. */
static enum listen_work start_again(struct listen *l, struct target *t)
{
    listen_send_target(l, TARGET_RESET, t, NULL);
    target_start_filling(t, l->view, l->time);
    return LISTEN_DONE;
}

/* ---- one document between two views ---- */

struct versions {
    struct store_document before, after;
    bool was_in, is_in; /* the result, whatever its limit */
};

static enum status_code is_result(bool *is, const struct target *t, struct str path,
                                  const struct store_document *stored, struct arena *arena, struct status *st)
{
    struct value_map fields;
    *is = false;
    if (!stored->exists || protobuf_decode_fields(&fields, arena, stored->fields, st))
        return st->code;
    *is = !t->plan || query_matches(t->plan, path, &fields);
    return STATUS_OK;
}

static enum status_code read_versions(struct versions *v, struct listen *l, const struct target *t,
                                      struct str path, struct status *st)
{
    *v = (struct versions){ 0 };
    if (store_get(reader_of(l), l->view, l->db, path, l->scratch, &v->after, st) ||
        store_get(reader_of(l), t->known, l->db, path, l->scratch, &v->before, st) ||
        is_result(&v->was_in, t, path, &v->before, l->scratch, st))
        return st->code;
    return is_result(&v->is_in, t, path, &v->after, l->scratch, st);
}

static enum status_code send_change(struct listen *l, struct target *t, struct str path,
                                    const struct versions *v, struct status *st)
{
    struct document d;
    if (v->is_in) {
        if (answer_document(&d, l->scratch, l->db, path, &v->after, &t->mask, st))
            return st->code;
        listen_send_document(l, t, &d);
    } else if (v->was_in || !t->plan) {
        listen_send_gone(l, t, path, v->after.exists);
    }
    t->count += (int64_t)v->is_in - (int64_t)v->was_in;
    return STATUS_OK;
}

/* Entry `seq` named the document. Only its newest version in the round's view counts: an earlier entry is
 * passed over, so that each document is told of once (L1). */
static enum status_code follow_change(struct listen *l, struct target *t, uint64_t seq, struct str path,
                                      struct status *st)
{
    struct versions v;
    struct store_document newest;
    if (seq <= t->known || !target_has_in_scope(t, path) ||
        store_peek(reader_of(l), l->view, l->db, path, &newest, st) || newest.seq != seq)
        return st->code;
    arena_reset(l->scratch);
    if (read_versions(&v, l, t, path, st))
        return st->code;
    if (!t->windowed)
        return send_change(l, t, path, &v, st);
    t->window_changed |= v.was_in || v.is_in;
    return STATUS_OK;
}

/* ---- the results of two views compared: of a query with a limit, or after a clear ---- */

struct window_row {
    struct str path;
    struct timestamp update_time;
    bool kept;
};

struct window {
    struct arena *arena;
    struct window_row *rows; /* of the view before, then by path */
    size_t n, cap, gone;     /* gone: how far the rows were looked at that are no more */
    enum { WINDOW_BEFORE, WINDOW_AFTER, WINDOW_GONE } phase;
};

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct window_row *)a)->path, ((const struct window_row *)b)->path);
}

static struct str relative(const struct listen *l, const struct document *d)
{
    return str_skip(d->name, path_full(l->scratch, l->db, STR("")).n + 1);
}

static void add_row(struct window *w, const struct listen *l, const struct document *d)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 16;
        w->rows = arena_grow(w->arena, w->rows, w->cap * sizeof *w->rows, cap * sizeof *w->rows);
        w->cap = cap;
    }
    w->rows[w->n++] = (struct window_row){ arena_str(w->arena, relative(l, d)), d->update_time, false };
}

static void end_window(struct target *t)
{
    if (t->window)
        arena_free(t->window->arena);
    t->window = NULL;
    t->window_changed = false;
}

static enum listen_work window_before(struct listen *l, struct target *t, struct status *st)
{
    struct window *w = t->window;
    struct document d;
    if (open_query(t, l, t->known, st))
        return LISTEN_REFUSED;
    for (;;) {
        enum listen_work work = next_result(&d, l, t, st);
        if (work != LISTEN_DONE)
            return work;
        if (d.name.n == 0)
            break;
        if (w->n == LIMIT_LISTEN_WINDOW)
            return start_again(l, t);
        add_row(w, l, &d);
    }
    if (w->n > 1)
        qsort(w->rows, w->n, sizeof *w->rows, by_path);
    w->phase = WINDOW_AFTER;
    t->count = 0;
    return LISTEN_DONE;
}

static enum listen_work window_after(struct listen *l, struct target *t, struct status *st)
{
    struct window *w = t->window;
    struct document d;
    if (open_query(t, l, l->view, st))
        return LISTEN_REFUSED;
    for (;; t->count++) {
        enum listen_work work = next_result(&d, l, t, st);
        if (work != LISTEN_DONE)
            return work;
        if (d.name.n == 0)
            break;
        struct window_row key = { .path = relative(l, &d) };
        struct window_row *row = w->n ? bsearch(&key, w->rows, w->n, sizeof key, by_path) : NULL;
        if (row)
            row->kept = true;
        if (!row || timestamp_cmp(row->update_time, d.update_time) != 0)
            listen_send_document(l, t, &d);
    }
    w->phase = WINDOW_GONE;
    return LISTEN_DONE;
}

static enum listen_work window_gone(struct listen *l, struct target *t, struct status *st)
{
    struct window *w = t->window;
    enum listen_work why;
    for (; w->gone < w->n; w->gone++) {
        struct store_document now;
        if (listen_must_rest(&why, l))
            return why;
        if (w->rows[w->gone].kept)
            continue;
        if (store_peek(reader_of(l), l->view, l->db, w->rows[w->gone].path, &now, st))
            return LISTEN_REFUSED;
        listen_send_gone(l, t, w->rows[w->gone].path, now.exists);
    }
    end_window(t);
    return LISTEN_DONE;
}

static enum listen_work compare_windows(struct listen *l, struct target *t, struct status *st)
{
    enum listen_work work = LISTEN_DONE;
    if (!t->window) {
        struct arena *arena = arena_new();
        t->window = ARENA_NEW(arena, struct window);
        t->window->arena = arena;
    }
    if (t->window->phase == WINDOW_BEFORE)
        work = window_before(l, t, st);
    if (work == LISTEN_DONE && t->window && t->window->phase == WINDOW_AFTER)
        work = window_after(l, t, st);
    if (work == LISTEN_DONE && t->window && t->window->phase == WINDOW_GONE)
        work = window_gone(l, t, st);
    return work;
}

void target_stop_work(struct target *t)
{
    close_query(t);
    end_window(t);
}

/* ---- a round ---- */

struct gathering {
    struct listen *l;
    struct target *t;
    struct buf *out;
    uint64_t upto; /* everything up to it is in `out` */
    bool full, cleared;
};

static bool gather(void *data, const struct store_change *c)
{
    struct gathering *g = data;
    bool ours = database_name_eq(c->db, g->l->db);
    if (c->path.n == 0 && (ours || c->db.project.n == 0)) {
        g->cleared = true;
        return false;
    }
    g->full =
        ours && c->path.n && target_has_in_scope(g->t, c->path) && !listen_news_put(g->out, c->seq, c->path);
    if (g->full)
        return false;
    g->upto = c->seq;
    return true;
}

/* Reads in the ledger what has changed since `behind_at`, as much as there is room for. */
static enum status_code read_behind(bool *cleared, struct listen *l, struct target *t, struct status *st)
{
    struct gathering g = { .l = l, .t = t, .out = &t->watch.news.changes, .upto = t->behind_at };
    buf_clear(g.out);
    if (store_changes(reader_of(l), t->behind_at, l->view, gather, &g, st))
        return st->code;
    *cleared = g.cleared;
    t->behind = g.full;
    t->behind_at = g.upto;
    t->news = buf_view(g.out);
    return STATUS_OK;
}

/* After a clear every document may have changed: the results of both views are compared instead. */
static void follow_clear(struct listen *l, struct target *t)
{
    struct str rest = t->news, path;
    uint64_t seq;
    t->cleared = false;
    while (listen_news_next(&rest, &seq, &path) && seq <= l->view)
        t->news = rest;
    t->window_changed = true;
    if (!t->plan)
        target_start_filling(t, l->view, l->time); /* a list of documents is told of whole */
}

enum listen_work target_follow(struct listen *l, struct target *t, struct status *st)
{
    enum listen_work why;
    if (t->cleared && !t->behind)
        follow_clear(l, t);
    if (t->phase == TARGET_FILLING)
        return LISTEN_DONE;
    for (;;) {
        struct str rest = t->news, path;
        uint64_t seq;
        bool cleared = false;
        if (listen_must_rest(&why, l))
            return why;
        if (listen_news_next(&rest, &seq, &path) && seq <= l->view) {
            t->news = rest;
            if (path.n && follow_change(l, t, seq, path, st))
                return LISTEN_REFUSED;
        } else if (!t->behind) {
            break;
        } else if (read_behind(&cleared, l, t, st)) {
            return LISTEN_REFUSED;
        } else if (cleared) {
            t->cleared = false;
            return start_again(l, t);
        }
    }
    if (t->window_changed || t->window)
        return compare_windows(l, t, st);
    return LISTEN_DONE;
}

/* writer.c - the one thread that appends: group commit.
 *
 * A batch is what is queued when the writer is free; there is no timer, so a lone commit waits for nothing
 * and under load batches grow by themselves. For each commit of the batch, in order:
 *
 *   check   texts, then the read set against what is true now (batch-mates included)     -> stale or refused
 *   plan    what each operation finds and which entry it makes; append-only collections   -> refused
 *   apply   insert entries, bodies and derived rows                                       -> fails by I/O
 * only
 *
 * (commit.c). Then
 *
 *   ledger COMMIT -> derived COMMIT -> publish the new view -> done() for every commit.
 *
 * An error before the ledger's COMMIT rolls the whole batch back: every member gets UNAVAILABLE and nothing
 * of it is in the ledger. An error of a COMMIT leaves the outcome unknown: the store stops (fatal), the next
 * start tells. */
#include "storage/writer.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/thread.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- the queue ---- */

void store_submit(struct store *store, struct store_commit *commit)
{
    struct writer *w = store->writer;
    commit->next_ = NULL;
    commit->stale = false;
    pthread_mutex_lock(&w->mutex);
    if (w->queued >= LIMIT_WRITER_QUEUE)
        status_set(&commit->status, STATUS_RESOURCE_EXHAUSTED,
                   "%d commits are waiting already: send fewer at once", LIMIT_WRITER_QUEUE);
    *w->end = commit;
    w->end = &commit->next_;
    bool wake = w->queued++ == 0;
    pthread_mutex_unlock(&w->mutex);
    if (wake)
        pthread_cond_signal(&w->wake); /* it wakes into a free mutex */
}

static size_t weight(const struct store_commit *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < c->n_ops; i++)
        bytes += c->ops[i].path.n + c->ops[i].fields.n + 512; /* entry, hashes, keys */
    return bytes;
}

/* Takes the front of the queue off it, up to the limits of one batch; at least one commit. Under the mutex.
 */
static struct store_commit *take(struct writer *w)
{
    struct store_commit *batch = w->first, *last = w->first;
    size_t rows = batch->n_ops, bytes = weight(batch), n = 1;
    while (last->next_ && !writer_is_solo(last) && !writer_is_solo(last->next_)) {
        rows += last->next_->n_ops;
        bytes += weight(last->next_);
        if (rows > LIMIT_BATCH_ROWS || bytes > LIMIT_BATCH_BYTES)
            break;
        last = last->next_;
        n++;
    }
    w->first = last->next_;
    if (!w->first)
        w->end = &w->first;
    w->queued -= n;
    last->next_ = NULL;
    return batch;
}

/* NULL: nothing is queued; either stopping, or refusals that were only counted are due. */
static struct store_commit *wait_for_batch(struct writer *w, bool *stop)
{
    struct store_commit *batch = NULL;
    pthread_mutex_lock(&w->mutex);
    while (!w->first && !w->stopping) {
        if (!refusals_pending(w->refusals)) {
            pthread_cond_wait(&w->wake, &w->mutex);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        if (pthread_cond_timedwait(&w->wake, &w->mutex, &until) != 0)
            break;
    }
    if (w->first)
        batch = take(w);
    *stop = !batch && w->stopping;
    pthread_mutex_unlock(&w->mutex);
    return batch;
}

/* ---- batches ---- */

/* Entries of refusals that were only counted, from a second that is over. */
static bool flush_refusals(struct writer *w, bool all)
{
    struct refusals_due due;
    struct ledger *l = &w->store->ledger;
    while (refusals_take(w->refusals, all, clock_mono_ns(), &due)) {
        w->time_us++;
        struct format_entry e = {
            .commit_seq = l->next.seq + 1,
            .time_us = w->time_us,
            .kind = STR("refusals"),
            .project = due.db.project,
            .database = due.db.database,
            .principal = due.principal,
            .decision = str_of(arena_printf(w->arena, "%llu", (unsigned long long)due.count)),
        };
        if (ledger_append(l, &e, NULL, true, &w->failed))
            return false;
    }
    return true;
}

static void answer(struct store *s, struct store_commit *batch, enum status_code code, const char *why)
{
    if (s->observer.answering)
        s->observer.answering(s->observer.data, true);
    while (batch) {
        struct store_commit *next = batch->next_; /* done() may free the commit */
        if (code) {
            status_clear(&batch->status);
            batch->stale = false;
            status_set(&batch->status, code, "%s", why);
        }
        batch->done(batch);
        batch = next;
    }
    if (s->observer.answering)
        s->observer.answering(s->observer.data, false);
}

static void roll_back(struct writer *w)
{
    ledger_rollback(&w->store->ledger);
    derived_rollback(&w->store->derived);
}

static void die(struct writer *w, const char *what)
{
    w->dead = true;
    snprintf(w->why, sizeof w->why, "%s: %s", what, status_message(&w->failed));
}

/* Both COMMITs. false: the outcome is unknown, or known but invisible; either way the store has stopped. */
static bool make_lasting(struct writer *w)
{
    struct store *s = w->store;
    int64_t began = clock_mono_ns();
    if (ledger_commit(&s->ledger, &w->failed)) {
        die(w, "the outcome of a COMMIT is unknown");
        return false;
    }
    if (derived_commit(&s->derived, &s->ledger.committed, &w->failed)) {
        die(w, "a batch is in the ledger but not in derived state");
        return false;
    }
    w->lasting_ns = clock_mono_ns() - began;
    return true;
}

static size_t count(const struct store_commit *batch)
{
    size_t n = 0;
    for (; batch; batch = batch->next_)
        n += batch->status.code == STATUS_OK;
    return n;
}

/* What the batch held, for whoever observes it. */
static void tell_batch(struct writer *w, const struct store_commit *batch, size_t entries)
{
    struct store *s = w->store;
    struct store_batch told = { .commits = count(batch), .entries = entries, .lasting_ns = w->lasting_ns };
    for (const struct store_commit *c = batch; c; c = c->next_)
        for (size_t i = 0; c->status.code == STATUS_OK && i < c->n_ops; i++)
            told.bytes += c->ops[i].kind == STORE_PUT ? c->ops[i].fields.n : 0;
    s->observer.batch(s->observer.data, &told);
}

static bool apply_batch(struct writer *w, struct store_commit *batch, bool all_refusals)
{
    if (ledger_begin(&w->store->ledger, &w->failed) || derived_begin(&w->store->derived, &w->failed) ||
        !flush_refusals(w, all_refusals))
        return false;
    for (struct store_commit *c = batch; c; c = c->next_)
        if (!writer_commit(w, c))
            return false;
    return true;
}

static void run_batch(struct writer *w, struct store_commit *batch, bool all_refusals)
{
    struct store *s = w->store;
    if (w->dead) {
        answer(s, batch, STATUS_UNAVAILABLE, w->why);
        return;
    }
    arena_reset(w->arena);
    w->failed = status_init(w->arena);
    store_housekeeper_wait(s);
    pthread_mutex_lock(&s->apply_mutex);
    w->time_us = store_view_begin(s) - 1;
    bool ok = apply_batch(w, batch, all_refusals);
    size_t entries = (size_t)(s->ledger.next.seq - s->ledger.committed.seq);
    bool wrote = ok && entries > 0;
    if (wrote)
        make_lasting(w);
    else
        roll_back(w);
    if (!ok)
        writer_forget_changes_after(w, s->ledger.committed.seq);
    if (!w->dead)
        store_view_publish(s, &s->ledger.committed, ok ? w->time_us : 0, ok ? count(batch) : 0);
    pthread_mutex_unlock(&s->apply_mutex);
    if (w->dead) {
        if (s->fatal)
            s->fatal(s->fatal_data, w->why);
        answer(s, batch, STATUS_UNKNOWN, w->why);
        return;
    }
    if (wrote && s->observer.visible)
        s->observer.visible(s->observer.data, s->ledger.committed.seq);
    if (wrote && s->observer.batch)
        tell_batch(w, batch, entries);
    answer(s, batch,
           ok                                   ? STATUS_OK
           : w->failed.code == STATUS_DATA_LOSS ? STATUS_DATA_LOSS
                                                : STATUS_UNAVAILABLE,
           status_message(&w->failed));
}

static void *run(void *data)
{
    struct writer *w = data;
    bool stop = false;
    thread_serves("ledger-writer");
    while (!stop) {
        struct store_commit *batch = wait_for_batch(w, &stop);
        if (batch || refusals_pending(w->refusals))
            run_batch(w, batch, stop);
    }
    return NULL;
}

/* ---- life ---- */

static int on_wal(void *data, sqlite3 *db, const char *schema, int pages)
{
    (void)schema;
    struct store *s = data;
    store_housekeeper_wal(s, db == s->derived.db, pages);
    return SQLITE_OK;
}

static void writer_free(struct writer *w)
{
    sqlite3_finalize(w->body_at);
    sqlite3_finalize(w->path_at);
    arena_free(w->arena);
    refusals_free(w->refusals);
    free(w->changed);
    buf_dispose(&w->key);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->wake);
    free(w);
}

enum status_code store_writer_start(struct store *s, struct status *st)
{
    pthread_condattr_t monotonic;
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    w->store = s;
    w->end = &w->first;
    w->arena = arena_new();
    w->refusals = refusals_new();
    w->changed = calloc(WRITER_CHANGED_SLOTS, sizeof *w->changed);
    buf_init(&w->key, DERIVED_KEY_MAX);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!w->changed)
        status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    else if (db_prepare(&w->body_at, s->ledger.db, "SELECT bytes FROM body WHERE seq = ?", st) == STATUS_OK &&
             db_prepare(&w->path_at, s->ledger.db, "SELECT path FROM entry WHERE seq = ?", st) == STATUS_OK) {
        sqlite3_wal_hook(s->ledger.db, on_wal, s);
        sqlite3_wal_hook(s->derived.db, on_wal, s);
        s->writer = w;
        if (pthread_create(&w->thread, NULL, run, w) != 0)
            status_set(st, STATUS_RESOURCE_EXHAUSTED, "no thread for the writer");
    }
    if (st->code) {
        writer_free(w);
        s->writer = NULL;
    }
    return st->code;
}

void store_writer_stop(struct store *s)
{
    struct writer *w = s->writer;
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    writer_free(w);
    s->writer = NULL;
}

const struct str *store_append_only(const struct store *store, struct str document_path)
{
    for (size_t i = 0; i < store->options.n_append_only; i++)
        if (path_pattern_matches(store->options.append_only[i], document_path))
            return &store->options.append_only[i];
    return NULL;
}

void store_observe(struct store *store, struct store_observer observer)
{
    store->observer = observer;
}

void store_on_fatal(struct store *store, void (*fatal)(void *data, const char *why), void *data)
{
    store->fatal = fatal;
    store->fatal_data = data;
}

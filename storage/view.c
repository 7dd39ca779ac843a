/* view.c - views are numbers; this file keeps them and times in step.
 *
 * The rule: a read time T given out together with a view means that every commit up to the view has time <= T
 * and every later commit has time > T. Three numbers under one mutex make it true: commits get times above
 * read_us; while a batch is being written (its times are already given, from pending_us on) read times stay
 * below pending_us. A read at a T that a batch in flight could still fall below waits for it. */
#include "storage/internal.h"

#include "core/clock.h"

#include <assert.h>

void store_view_init(struct store *s)
{
    pthread_mutex_init(&s->view_mutex, NULL);
    pthread_cond_init(&s->view_published, NULL);
    atomic_init(&s->visible, s->ledger.committed.seq);
    s->last_us = s->ledger.committed.time_us;
    s->read_us = s->last_us;
    memcpy(s->chain, s->ledger.committed.chain, FORMAT_HASH);
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t store_view_begin(struct store *s)
{
    int64_t now = clock_wall_us();
    pthread_mutex_lock(&s->view_mutex);
    assert(s->pending_us == 0);
    s->pending_us = max64(now, max64(s->last_us, s->read_us) + 1);
    int64_t first = s->pending_us;
    pthread_mutex_unlock(&s->view_mutex);
    return first;
}

void store_view_publish(struct store *s, const struct ledger_head *head, int64_t last_us, size_t commits)
{
    pthread_mutex_lock(&s->view_mutex);
    bool moved = head->seq != atomic_load_explicit(&s->visible, memory_order_relaxed);
    s->pending_us = 0;
    s->last_us = max64(s->last_us, last_us);
    s->commits += commits;
    if (moved) {
        s->batches++;
        memcpy(s->chain, head->chain, FORMAT_HASH);
        atomic_store_explicit(&s->visible, head->seq, memory_order_release);
    }
    pthread_cond_broadcast(&s->view_published);
    pthread_mutex_unlock(&s->view_mutex);
}

uint64_t store_view_now(struct store *s, struct timestamp *read_time)
{
    int64_t now = clock_wall_us();
    pthread_mutex_lock(&s->view_mutex);
    uint64_t view = atomic_load_explicit(&s->visible, memory_order_relaxed);
    /* Later than what it shows, if a microsecond is left before the batch in flight. */
    int64_t time = max64(now, s->last_us + 1);
    if (s->pending_us && time >= s->pending_us)
        time = s->pending_us - 1;
    s->read_us = max64(s->read_us, time);
    pthread_mutex_unlock(&s->view_mutex);
    *read_time = timestamp_from_us(time);
    return view;
}

void store_get_info(struct store *s, struct store_info *out)
{
    *out = (struct store_info){
        .path = s->place.lock ? s->place.ledger : ":memory:",
        .in_memory = s->place.lock == NULL,
        .entries_at_open = s->entries_at_open,
    };
    memcpy(out->ledger_id, s->ledger.id, sizeof out->ledger_id);
    pthread_mutex_lock(&s->view_mutex);
    out->visible = atomic_load_explicit(&s->visible, memory_order_relaxed);
    memcpy(out->chain, s->chain, FORMAT_HASH);
    out->batches = s->batches;
    out->commits = s->commits;
    pthread_mutex_unlock(&s->view_mutex);
}

/* ---- reading in the past ---- */

/* Makes it a promise that nothing will be committed at or before `time`; the newest view then. */
static enum status_code fix_time(struct store *s, int64_t time, uint64_t *newest, struct status *st)
{
    int64_t now = clock_wall_us();
    pthread_mutex_lock(&s->view_mutex);
    bool future = time > max64(now, max64(s->last_us, s->read_us));
    while (!future && s->pending_us && time >= s->pending_us)
        pthread_cond_wait(&s->view_published, &s->view_mutex);
    if (!future)
        s->read_us = max64(s->read_us, time);
    *newest = atomic_load_explicit(&s->visible, memory_order_relaxed);
    pthread_mutex_unlock(&s->view_mutex);
    if (future)
        return status_set(st, STATUS_INVALID_ARGUMENT, "The requested 'read_time' cannot be in the future.");
    return STATUS_OK;
}

static enum status_code time_at(int64_t *out, struct store_reader *r, uint64_t seq, struct status *st)
{
    sqlite3_bind_int64(r->time, 1, (sqlite3_int64)seq);
    int rc = sqlite3_step(r->time);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(r->time, 0);
    sqlite3_reset(r->time);
    if (rc == SQLITE_ROW)
        return STATUS_OK;
    if (rc == SQLITE_DONE)
        return status_set(st, STATUS_DATA_LOSS, "entry %llu is missing: run `cinderlog verify`",
                          (unsigned long long)seq);
    return db_fail(r->ledger, rc, "reading a commit time", st);
}

enum status_code store_view_at(struct store_reader *r, struct timestamp time, uint64_t *view,
                               struct status *st)
{
    uint64_t low = 0, high;
    int64_t us = timestamp_to_us(time);
    *view = 0;
    if (fix_time(r->store, us, &high, st))
        return st->code;
    if (store_reader_enter(r, high, st))
        return st->code;
    if (r->at.set && r->at.time_us == us) {
        *view = r->at.view;
        store_reader_leave(r);
        return STATUS_OK;
    }
    /* Times rise with seq and are equal within a commit: the last entry at or before `time` ends a commit. */
    store_reader_pin(r, st);
    while (low < high && st->code == STATUS_OK) {
        uint64_t mid = low + (high - low + 1) / 2;
        int64_t at = 0;
        if (time_at(&at, r, mid, st))
            break;
        if (at <= us)
            low = mid;
        else
            high = mid - 1;
    }
    if (st->code == STATUS_OK) {
        r->at.time_us = us;
        r->at.view = low;
        r->at.set = true;
        *view = low;
    }
    store_reader_leave(r);
    return st->code;
}

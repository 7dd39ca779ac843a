/* housekeeper.c - what must not cost the writer or a reader time: copying WALs back, ending idle reads.
 *
 * A PASSIVE checkpoint runs beside writer and readers, but never empties a WAL that somebody reads. When one
 * has grown to STORE_WAL_RESET_PAGES all the same, the housekeeper takes the writer's and every reader's
 * mutex, ends their read transactions (they seek again, at the same view) and resets it; almost everything
 * has been copied back by then, so the pause is short. Another process that reads (verify, a shell) can
 * prevent it; then it is tried again when the WAL has grown further. A writer that runs far ahead waits for
 * one attempt, so that on a busy machine a WAL stays bounded too. Field indexes are built and removed here
 * too (index_build.c), a slice at a time. The thread sleeps without a timer while nothing happens. */
#include "storage/internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/thread.h"

#include <stdlib.h>
#include <time.h>

enum { TICK_MS = STORE_TX_MAX_MS, WORK_PAUSE_MS = 10 };

struct wal {
    sqlite3 *db; /* opened when it is first needed: most short runs never checkpoint */
    const char *path, *vfs;
    bool sync_full;
    atomic_int pages; /* as the writer saw it last */
    int copied;       /* of those, at the last checkpoint */
};

struct housekeeper {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, attempted;
    bool stopping, work;
    uint64_t attempts;       /* to reset the WALs */
    atomic_int next_attempt; /* at so many pages */
    struct wal ledger, derived;
};

static void wake(struct housekeeper *h)
{
    pthread_mutex_lock(&h->mutex);
    h->work = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->mutex);
}

void store_housekeeper_wal(struct store *s, bool derived, int pages)
{
    struct housekeeper *h = s->housekeeper;
    if (!h)
        return;
    struct wal *wal = derived ? &h->derived : &h->ledger;
    int before = atomic_exchange(&wal->pages, pages);
    int step = atomic_load_explicit(&s->checkpoint_pages, memory_order_relaxed);
    if (before / step != pages / step)
        wake(h);
}

void store_housekeeper_wake(struct store *s)
{
    if (s->housekeeper)
        wake(s->housekeeper);
}

void store_housekeeper_limit(struct store *s, int checkpoint_pages, int reset_pages)
{
    atomic_store(&s->checkpoint_pages, checkpoint_pages);
    atomic_store(&s->reset_pages, reset_pages);
    atomic_store(&s->housekeeper->next_attempt, reset_pages);
}

void store_housekeeper_reading(struct store *s)
{
    if (s->housekeeper && !atomic_exchange(&s->reading, true))
        wake(s->housekeeper);
}

static bool open_db(struct wal *wal)
{
    struct status st = status_init(NULL);
    /* The order of syncs in a checkpoint depends on this setting of the connection that makes it. */
    if (!wal->db && db_open(&wal->db, wal->path, wal->vfs, DB_WRITE, &st) == STATUS_OK)
        db_exec(wal->db, wal->sync_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", &st);
    if (wal->db)
        sqlite3_busy_timeout(wal->db, 0); /* everybody would wait with us */
    if (st.code)
        log_warn("a checkpoint is not possible: %s", status_message(&st));
    return wal->db != NULL;
}

/* Whether all of the WAL is copied back, and for RESTART that nobody needs it any more. */
static bool checkpoint(struct wal *wal, int mode)
{
    int pages = 0, copied = 0;
    if (!open_db(wal))
        return false;
    /* Busy or failed: nothing is lost, the WAL only stays long; the writer meets a real I/O error itself. */
    int rc = sqlite3_wal_checkpoint_v2(wal->db, NULL, mode, &pages, &copied);
    if (copied >= 0)
        wal->copied = copied;
    return rc == SQLITE_OK && pages == copied;
}

static void checkpoint_if_long(struct wal *wal, int step)
{
    int pages = atomic_load(&wal->pages);
    if (pages < wal->copied)
        wal->copied = 0; /* it began anew */
    if (pages - wal->copied >= step)
        checkpoint(wal, SQLITE_CHECKPOINT_PASSIVE);
}

static int longest(struct housekeeper *h)
{
    int ledger = atomic_load(&h->ledger.pages), derived = atomic_load(&h->derived.pages);
    return ledger > derived ? ledger : derived;
}

void store_housekeeper_wait(struct store *s)
{
    struct housekeeper *h = s->housekeeper;
    if (!h || longest(h) < atomic_load(&h->next_attempt) + atomic_load(&s->reset_pages))
        return;
    pthread_mutex_lock(&h->mutex);
    uint64_t before = h->attempts;
    h->work = true;
    pthread_cond_signal(&h->wake);
    while (h->attempts == before && !h->stopping)
        pthread_cond_wait(&h->attempted, &h->mutex);
    pthread_mutex_unlock(&h->mutex);
}

/* With everybody held back. */
static void reset_wals(struct store *s, struct housekeeper *h)
{
    pthread_mutex_lock(&s->apply_mutex);
    pthread_mutex_lock(&s->readers_mutex);
    for (struct store_reader *r = s->readers; r; r = r->next) {
        pthread_mutex_lock(&r->mutex);
        store_reader_end(r);
    }
    bool ledger = checkpoint(&h->ledger, SQLITE_CHECKPOINT_RESTART);
    bool derived = checkpoint(&h->derived, SQLITE_CHECKPOINT_RESTART);
    if (ledger)
        atomic_store(&h->ledger.pages, h->ledger.copied = 0);
    if (derived)
        atomic_store(&h->derived.pages, h->derived.copied = 0);
    atomic_store(&h->next_attempt, longest(h) + atomic_load(&s->reset_pages));
    for (struct store_reader *r = s->readers; r; r = r->next)
        pthread_mutex_unlock(&r->mutex);
    pthread_mutex_unlock(&s->readers_mutex);
    pthread_mutex_unlock(&s->apply_mutex);
}

/* Whether some transaction is still open. */
static bool end_idle_reads(struct store *s)
{
    bool open = false;
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&s->readers_mutex);
    for (struct store_reader *r = s->readers; r; r = r->next) {
        if (pthread_mutex_trylock(&r->mutex) != 0) {
            open = true;
            continue;
        }
        if (r->in_transaction && now - r->begun_ns >= (int64_t)STORE_TX_MAX_MS * 1000000)
            store_reader_end(r);
        open |= r->in_transaction;
        pthread_mutex_unlock(&r->mutex);
    }
    pthread_mutex_unlock(&s->readers_mutex);
    return open;
}

/* `working`: only a moment, for the writer to have its turn. */
static bool wait(struct store *s, struct housekeeper *h, bool working)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (working ? WORK_PAUSE_MS : TICK_MS) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&h->mutex);
    while (!h->stopping && !h->work) {
        if (!working && !atomic_load(&s->reading))
            pthread_cond_wait(&h->wake, &h->mutex);
        else if (pthread_cond_timedwait(&h->wake, &h->mutex, &until) != 0)
            break;
    }
    h->work = false;
    bool go_on = !h->stopping;
    pthread_mutex_unlock(&h->mutex);
    return go_on;
}

static void *run(void *data)
{
    struct store *s = data;
    struct housekeeper *h = s->housekeeper;
    thread_serves("ledger-keeper");
    bool working = false;
    while (wait(s, h, working)) {
        working = index_work(s);
        if (atomic_exchange(&s->reading, false) && end_idle_reads(s))
            atomic_store(&s->reading, true);
        checkpoint_if_long(&h->ledger, atomic_load(&s->checkpoint_pages));
        checkpoint_if_long(&h->derived, atomic_load(&s->checkpoint_pages));
        if (longest(h) < atomic_load(&h->next_attempt))
            continue;
        /* What came while the last copy ran, so that little is left to copy with everybody held back. */
        checkpoint(&h->ledger, SQLITE_CHECKPOINT_PASSIVE);
        checkpoint(&h->derived, SQLITE_CHECKPOINT_PASSIVE);
        reset_wals(s, h);
        pthread_mutex_lock(&h->mutex);
        h->attempts++;
        pthread_cond_broadcast(&h->attempted);
        pthread_mutex_unlock(&h->mutex);
    }
    return NULL;
}

static void housekeeper_free(struct housekeeper *h)
{
    db_close(h->ledger.db);
    db_close(h->derived.db);
    pthread_mutex_destroy(&h->mutex);
    pthread_cond_destroy(&h->wake);
    pthread_cond_destroy(&h->attempted);
    free(h);
}

enum status_code store_housekeeper_start(struct store *s, struct status *st)
{
    const char *vfs = store_place_vfs(&s->place);
    pthread_condattr_t monotonic;
    struct housekeeper *h = calloc(1, sizeof *h);
    if (!h)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    pthread_mutex_init(&h->mutex, NULL);
    pthread_cond_init(&h->attempted, NULL);
    atomic_init(&h->next_attempt, atomic_load(&s->reset_pages));
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    h->ledger = (struct wal){ .path = s->place.ledger,
                              .vfs = vfs,
                              .sync_full = s->options.durability == STORE_DURABILITY_POWER };
    h->derived = (struct wal){ .path = s->place.derived, .vfs = vfs };
    s->housekeeper = h;
    if (pthread_create(&h->thread, NULL, run, s) == 0)
        return STATUS_OK;
    status_set(st, STATUS_RESOURCE_EXHAUSTED, "no thread for the housekeeper");
    s->housekeeper = NULL;
    housekeeper_free(h);
    return st->code;
}

void store_housekeeper_stop(struct store *s)
{
    struct housekeeper *h = s->housekeeper;
    if (!h)
        return;
    pthread_mutex_lock(&h->mutex);
    h->stopping = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->mutex);
    pthread_join(h->thread, NULL);
    s->housekeeper = NULL;
    housekeeper_free(h);
}

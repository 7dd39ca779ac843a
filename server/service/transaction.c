/* transaction.c - see transaction.h: how transactions begin, are found, expire and end. */
#include "core/clock.h"
#include "core/crypto.h"
#include "core/limits.h"
#include "server/service/consistency.h"
#include "server/service/transaction_state.h"

#include <assert.h>
#include <stdlib.h>

enum { TICK_MS = 25, ID_PREFIX = 0x11, SIGNATURE_BYTES = 4 };

static const char no_id[] = "Invalid transaction.";
static const char is_closed[] = "Transaction is invalid or closed.";

/* ---- ids: a prefix (as on Google's emulator 1.19.9), a serial number, and a signature of it, of the mode
 * and of the database, so that an id tells what it was after its transaction has gone, and which ones were
 * never given out ---- */

enum id_kind { ID_FOREIGN, ID_READ_WRITE, ID_READ_ONLY };

static bool has_id_form(struct str id)
{
    return id.n == TRANSACTION_ID_BYTES && id.p[0] == ID_PREFIX;
}

static size_t bucket_of(const unsigned char *id)
{
    return (id[1] | (size_t)id[2] << 8) % TRANSACTION_BUCKETS;
}

static void sign(unsigned char out[SIGNATURE_BYTES], const struct transactions *all,
                 const unsigned char *serial, bool read_only, struct database_name db)
{
    unsigned char digest[SHA256_SIZE];
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, all->secret, sizeof all->secret);
    sha256_update(&h, serial, 4);
    sha256_update(&h, read_only ? "r" : "w", 1);
    sha256_update(&h, db.project.p, db.project.n);
    sha256_update(&h, "/", 1);
    sha256_update(&h, db.database.p, db.database.n);
    sha256_final(&h, digest);
    memcpy(out, digest, SIGNATURE_BYTES);
}

static void make_id(struct transaction *t, uint32_t serial)
{
    t->id[0] = ID_PREFIX;
    for (int i = 0; i < 4; i++)
        t->id[1 + i] = (unsigned char)(serial >> 8 * i);
    sign(t->id + 5, t->all, t->id + 1, t->read_only, t->db);
}

static enum id_kind id_kind(const struct transactions *all, struct database_name db, struct str id)
{
    const unsigned char *bytes = (const unsigned char *)id.p;
    unsigned char wanted[SIGNATURE_BYTES];
    for (int read_only = 0; read_only < 2; read_only++) {
        sign(wanted, all, bytes + 1, read_only, db);
        if (memcmp(wanted, bytes + 5, SIGNATURE_BYTES) == 0)
            return read_only ? ID_READ_ONLY : ID_READ_WRITE;
    }
    return ID_FOREIGN;
}

/* ---- ending (under the mutex) ---- */

static void free_transaction(struct transaction *t)
{
    transaction_forget_reads(t);
    arena_free(t->arena);
    free(t);
}

static void close_locked(struct transaction *t)
{
    struct transactions *all = t->all;
    if (t->closed)
        return;
    t->closed = true;
    lock_release(all->locks, &t->locks);
    if (t->ticket)
        return;
    struct transaction **link = &all->by_id[bucket_of(t->id)];
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    all->count--;
}

static void leave_locked(struct transaction *t)
{
    assert(t->users);
    t->used_ns = clock_mono_ns();
    if (--t->users == 0 && t->closed)
        free_transaction(t);
}

static void end_unused(struct transaction *t)
{
    close_locked(t);
    if (t->users == 0)
        free_transaction(t);
}

static bool is_expired(const struct transaction *t, int64_t now)
{
    return t->users == 0 && (now - t->used_ns > (int64_t)LIMIT_TRANSACTION_IDLE_S * 1000000000 ||
                             now - t->begun_ns > (int64_t)LIMIT_TRANSACTION_TOTAL_S * 1000000000);
}

/* Ends those that `expired_at` finds expired; negative: all. */
static void end_many(struct transactions *all, int64_t expired_at)
{
    for (size_t i = 0; i < TRANSACTION_BUCKETS && all->count; i++) {
        struct transaction *next;
        for (struct transaction *t = all->by_id[i]; t; t = next) {
            next = t->next;
            if (expired_at < 0 || is_expired(t, expired_at))
                end_unused(t);
        }
    }
}

/* ---- housekeeping: waiters past their time, transactions past theirs; runs only while there are some ----
 */

static void start_tick(struct transactions *all)
{
    if (!all->ticking && !all->closing && !pool_closing(all->pool)) {
        all->ticking = true;
        pool_post_later(all->pool, &all->tick, TICK_MS);
    }
}

static void tick(struct task *task, struct worker *worker)
{
    struct transactions *all = (struct transactions *)((char *)task - offsetof(struct transactions, tick));
    (void)worker;
    int64_t now = clock_mono_ns();
    bool closing = pool_closing(all->pool); /* which runs timers at once: nobody may wait for another */
    pthread_mutex_lock(&all->mutex);
    all->ticking = false;
    lock_time_out(all->locks, now, closing);
    end_many(all, now);
    if (lock_waiters(all->locks) || all->count)
        start_tick(all);
    pthread_mutex_unlock(&all->mutex);
}

struct transactions *transactions_new(struct pool *pool)
{
    struct transactions *all = calloc(1, sizeof *all);
    if (!all)
        abort();
    pthread_mutex_init(&all->mutex, NULL);
    all->pool = pool;
    all->locks = lock_table_new(pool);
    all->tick.run = tick;
    clock_random(all->secret, sizeof all->secret);
    return all;
}

void transactions_free(struct transactions *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->mutex);
    all->closing = true;
    end_many(all, -1);
    pthread_mutex_unlock(&all->mutex);
    lock_table_free(all->locks);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

void transactions_end_all(struct transactions *all)
{
    pthread_mutex_lock(&all->mutex);
    end_many(all, -1);
    pthread_mutex_unlock(&all->mutex);
}

size_t transactions_count(struct transactions *all)
{
    pthread_mutex_lock(&all->mutex);
    size_t n = all->count;
    pthread_mutex_unlock(&all->mutex);
    return n;
}

/* ---- beginning ---- */

static struct transaction *new_transaction(struct transactions *all, struct database_name db)
{
    struct transaction *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->all = all;
    t->arena = arena_new();
    t->db.project = arena_str(t->arena, db.project);
    t->db.database = arena_str(t->arena, db.database);
    t->begun_ns = t->used_ns = clock_mono_ns();
    return t;
}

/* An id of an earlier run of the server is no reason to refuse the retry: nothing is taken over from it. */
static enum status_code check_retried(const struct transactions *all, struct database_name db, struct str id,
                                      struct status *st)
{
    if (id.n && !has_id_form(id))
        return status_set(st, STATUS_INVALID_ARGUMENT, no_id);
    if (id.n && id_kind(all, db, id) == ID_READ_ONLY)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Cannot retry a read-only transaction.");
    return STATUS_OK;
}

/* Gives it an id, copied while nobody can have ended it yet; false: too many are open. */
static bool enrol(struct transactions *all, struct transaction *t, unsigned char id[TRANSACTION_ID_BYTES])
{
    pthread_mutex_lock(&all->mutex);
    bool fits = all->count < LIMIT_TRANSACTIONS;
    if (fits) {
        make_id(t, ++all->serial);
        memcpy(id, t->id, TRANSACTION_ID_BYTES);
        struct transaction **bucket = &all->by_id[bucket_of(t->id)];
        t->next = *bucket;
        *bucket = t;
        all->count++;
        start_tick(all);
    }
    pthread_mutex_unlock(&all->mutex);
    return fits;
}

enum status_code transactions_begin(struct transactions *all, struct store *store,
                                    struct store_reader *reader, struct database_name db,
                                    const struct msg_transaction_options *options, struct arena *arena,
                                    struct str *id, struct status *st)
{
    bool read_only = options && options->mode_case == 2;
    uint64_t view = 0;
    struct timestamp read_time = { 0 };
    if (options && options->mode_case == 3 &&
        check_retried(all, db, options->read_write.retry_transaction, st))
        return st->code;
    if (read_only && options->read_only.read_time.set) {
        read_time = options->read_only.read_time.value;
        if (consistency_view_at(&view, reader, read_time, st))
            return st->code;
    } else if (read_only) {
        view = store_view_now(store, &read_time);
    }
    struct transaction *t = new_transaction(all, db);
    t->read_only = read_only;
    t->view = view;
    t->read_time = read_time;
    unsigned char made[TRANSACTION_ID_BYTES];
    if (!enrol(all, t, made)) {
        free_transaction(t);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "more than %d transactions are open",
                          LIMIT_TRANSACTIONS);
    }
    *id = arena_str(arena, str_from(made, TRANSACTION_ID_BYTES));
    return STATUS_OK;
}

struct transaction *transactions_ticket(struct transactions *all, struct database_name db,
                                        const struct str *paths, size_t n)
{
    struct transaction *t = new_transaction(all, db);
    t->ticket = t->locks.exclusive = true;
    t->users = 1;
    pthread_mutex_lock(&all->mutex);
    /* Two tickets on one path would wait for each other: the second comer waits without one. */
    bool taken = lock_is_held(all->locks, db, paths, n);
    for (size_t i = 0; i < n && !taken; i++)
        lock_take(all->locks, &t->locks, db, paths[i]);
    pthread_mutex_unlock(&all->mutex);
    if (!taken)
        return t;
    free_transaction(t);
    return NULL;
}

/* ---- using one ---- */

/* NULL when no open one has this id; an expired one ends here, whatever the housekeeping has come to. */
static struct transaction *find(struct transactions *all, struct database_name db, struct str id)
{
    for (struct transaction *t = all->by_id[bucket_of((const unsigned char *)id.p)]; t; t = t->next) {
        if (memcmp(t->id, id.p, TRANSACTION_ID_BYTES) != 0 || !database_name_eq(t->db, db))
            continue;
        if (!is_expired(t, clock_mono_ns()))
            return t;
        end_unused(t);
        return NULL;
    }
    return NULL;
}

enum status_code transactions_enter(struct transactions *all, struct database_name db, struct str id,
                                    bool commit, struct transaction **out, struct status *st)
{
    *out = NULL;
    if (!has_id_form(id))
        return status_set(st, STATUS_INVALID_ARGUMENT, no_id);
    pthread_mutex_lock(&all->mutex);
    struct transaction *t = find(all, db, id);
    if (t && !t->committing) {
        t->committing = commit;
        t->users++;
        t->used_ns = clock_mono_ns();
        *out = t;
    }
    pthread_mutex_unlock(&all->mutex);
    return *out ? STATUS_OK : status_set(st, STATUS_INVALID_ARGUMENT, is_closed);
}

void transaction_leave(struct transaction *txn)
{
    if (!txn)
        return;
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    leave_locked(txn);
    pthread_mutex_unlock(&all->mutex);
}

void transaction_leave_open(struct transaction *txn)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    assert(txn->committing);
    txn->committing = false;
    leave_locked(txn);
    pthread_mutex_unlock(&all->mutex);
}

void transaction_end(struct transaction *txn)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    close_locked(txn);
    leave_locked(txn);
    pthread_mutex_unlock(&all->mutex);
}

enum status_code transactions_rollback(struct transactions *all, struct database_name db, struct str id,
                                       struct status *st)
{
    if (!has_id_form(id))
        return status_set(st, STATUS_INVALID_ARGUMENT, no_id);
    if (id_kind(all, db, id) == ID_FOREIGN)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Transaction is invalid or expired.");
    pthread_mutex_lock(&all->mutex);
    struct transaction *t = find(all, db, id);
    if (t && !t->committing)
        end_unused(t);
    pthread_mutex_unlock(&all->mutex);
    return STATUS_OK;
}

bool transaction_read_only(const struct transaction *txn)
{
    return txn->read_only;
}

uint64_t transaction_view(const struct transaction *txn, struct timestamp *read_time)
{
    assert(txn->read_only);
    *read_time = txn->read_time;
    return txn->view;
}

enum status_code transaction_lock(struct transaction *txn, struct str path, struct status *st)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    bool closed = txn->closed, full = txn->locks.n_holds >= LIMIT_TRANSACTION_LOCKS;
    if (!closed && !full)
        lock_take(all->locks, &txn->locks, txn->db, path);
    pthread_mutex_unlock(&all->mutex);
    if (closed)
        return status_set(st, STATUS_INVALID_ARGUMENT, is_closed);
    if (full)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "a transaction may read at most %d documents",
                          LIMIT_TRANSACTION_LOCKS);
    return STATUS_OK;
}

enum lock_answer transactions_may_write(struct transactions *all, struct transaction *txn,
                                        struct database_name db, const struct str *paths, size_t n,
                                        struct lock_waiter *waiter, struct task *task)
{
    waiter->owner = txn ? &txn->locks : NULL;
    waiter->db = db;
    waiter->paths = paths;
    waiter->n = n;
    pthread_mutex_lock(&all->mutex);
    enum lock_answer answer = lock_ask(all->locks, waiter, task);
    if (answer == LOCK_WAITING && task)
        start_tick(all);
    pthread_mutex_unlock(&all->mutex);
    return answer;
}

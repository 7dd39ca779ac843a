/* transaction.c - see transaction.h. One mutex guards everything here; nothing is done under it but walking
 * short lists: reads of the store happen outside. */
#include "server/service/transaction.h"

#include "core/clock.h"
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/consistency.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 4096, ID_SIZE = 9, TICK_MS = 25 };

struct lock;

struct hold {
    struct hold *next_in_lock, *next_in_txn;
    struct lock *lock;
    struct transaction *txn;
    uint64_t seq;
    bool seen;
};

struct lock {
    struct lock *next; /* in its bucket */
    struct hold *holders;
    uint64_t hash;
    size_t project_n, database_n, path_n;
    char text[]; /* project, database, path, one after the other */
};

struct read_query {
    struct read_query *next;
    struct query_plan *plan;
    struct str collection;
    uint64_t view;
};

struct transaction {
    struct transactions *all;
    struct transaction *next; /* in the id table */
    struct arena *arena;
    unsigned char id[ID_SIZE];
    struct database_name db;
    bool ticket, read_only, in_use, closed;
    uint64_t view; /* read-only */
    struct timestamp read_time;
    struct hold *holds;
    size_t n_holds;
    struct read_query *queries;
    struct lock_waiter *waiter; /* while it waits to write */
    int64_t begun_ns, used_ns;
};

struct transactions {
    pthread_mutex_t mutex;
    struct pool *pool;
    struct transaction *by_id[BUCKETS];
    size_t count, holds;
    struct lock *locks[BUCKETS];
    struct lock_waiter *waiters;
    struct task tick;
    bool ticking, closing;
    uint64_t serial;
};

static uint64_t hash_of(struct database_name db, struct str path)
{
    return str_hash(str_hash(str_hash(STR_HASH_SEED, db.project), db.database), path);
}

static bool is_id(struct str id) { return id.n == ID_SIZE && id.p[0] == 0x11; }

static size_t id_bucket(const unsigned char id[ID_SIZE]) { return (id[1] | (size_t)id[2] << 8) % BUCKETS; }

static struct str lock_path(const struct lock *lock)
{
    return str_from(lock->text + lock->project_n + lock->database_n, lock->path_n);
}

static struct lock *find_lock(struct transactions *all, struct database_name db, struct str path)
{
    uint64_t h = hash_of(db, path);
    for (struct lock *l = all->locks[h % BUCKETS]; l; l = l->next)
        if (l->hash == h && str_eq(lock_path(l), path) && str_eq(str_from(l->text, l->project_n), db.project) &&
            str_eq(str_from(l->text + l->project_n, l->database_n), db.database))
            return l;
    return NULL;
}

static struct lock *make_lock(struct transactions *all, struct database_name db, struct str path)
{
    struct lock *l = find_lock(all, db, path);
    if (l)
        return l;
    size_t size = db.project.n + db.database.n + path.n;
    l = malloc(sizeof *l + size);
    if (!l)
        abort();
    *l = (struct lock){ .hash = hash_of(db, path),
                        .project_n = db.project.n,
                        .database_n = db.database.n,
                        .path_n = path.n };
    char *at = l->text;
    memcpy(at, db.project.p, db.project.n);
    memcpy(at + db.project.n, db.database.p, db.database.n);
    memcpy(at + db.project.n + db.database.n, path.p, path.n);
    l->next = all->locks[l->hash % BUCKETS];
    all->locks[l->hash % BUCKETS] = l;
    return l;
}

static void drop_hold(struct transactions *all, struct hold *hold)
{
    struct lock *l = hold->lock;
    struct hold **link = &l->holders;
    while (*link != hold)
        link = &(*link)->next_in_lock;
    *link = hold->next_in_lock;
    all->holds--;
    if (!l->holders) {
        struct lock **at = &all->locks[l->hash % BUCKETS];
        while (*at != l)
            at = &(*at)->next;
        *at = l->next;
        free(l);
    }
    free(hold);
}

/* Finds or makes txn's hold on path. NULL: too many. */
static struct hold *take_hold(struct transactions *all, struct transaction *txn, struct str path)
{
    struct lock *l = make_lock(all, txn->db, path);
    for (struct hold *h = l->holders; h; h = h->next_in_lock)
        if (h->txn == txn)
            return h;
    struct hold *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    *h = (struct hold){ .next_in_lock = l->holders, .next_in_txn = txn->holds, .lock = l, .txn = txn };
    l->holders = h;
    txn->holds = h;
    txn->n_holds++;
    all->holds++;
    return h;
}

/* Takes every waiter off the list and posts it: what it waited for may be free now. */
static void wake_all(struct transactions *all)
{
    while (all->waiters) {
        struct lock_waiter *w = all->waiters;
        all->waiters = w->next;
        if (w->txn)
            w->txn->waiter = NULL;
        pool_post(all->pool, w->task);
    }
}

static void end_locked(struct transactions *all, struct transaction *txn)
{
    if (txn->closed)
        return;
    txn->closed = true;
    while (txn->holds) {
        struct hold *h = txn->holds;
        txn->holds = h->next_in_txn;
        drop_hold(all, h);
    }
    if (!txn->ticket) {
        struct transaction **link = &all->by_id[id_bucket(txn->id)];
        while (*link != txn)
            link = &(*link)->next;
        *link = txn->next;
        all->count--;
    }
    wake_all(all);
    arena_free(txn->arena);
    free(txn);
}

static void start_tick(struct transactions *all)
{
    if (!all->ticking && !all->closing && !pool_closing(all->pool)) {
        all->ticking = true;
        pool_post_later(all->pool, &all->tick, TICK_MS);
    }
}

/* The housekeeping of this file: waiters past their time, transactions past theirs. Runs only while there
 * are some. */
static void tick(struct task *task, struct worker *worker)
{
    struct transactions *all = (struct transactions *)((char *)task - offsetof(struct transactions, tick));
    (void)worker;
    int64_t now = clock_mono_ns();
    bool closing = pool_closing(all->pool); /* which runs timers at once: nobody may wait for another */
    pthread_mutex_lock(&all->mutex);
    all->ticking = false;
    struct lock_waiter **link = &all->waiters;
    while (*link) {
        struct lock_waiter *w = *link;
        if (now < w->deadline_ns && !closing) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        w->timed_out = true;
        if (w->txn)
            w->txn->waiter = NULL;
        pool_post(all->pool, w->task);
    }
    for (size_t i = 0; i < BUCKETS && all->count; i++) {
        struct transaction *next;
        for (struct transaction *t = all->by_id[i]; t; t = next) {
            next = t->next;
            if (!t->in_use && (now - t->used_ns > (int64_t)LIMIT_TRANSACTION_IDLE_S * 1000000000 ||
                               now - t->begun_ns > (int64_t)LIMIT_TRANSACTION_TOTAL_S * 1000000000))
                end_locked(all, t);
        }
    }
    if (all->waiters || all->count)
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
    all->tick.run = tick;
    return all;
}

void transactions_free(struct transactions *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->mutex);
    all->closing = true;
    assert(!all->waiters);
    for (size_t i = 0; i < BUCKETS; i++)
        while (all->by_id[i])
            end_locked(all, all->by_id[i]);
    pthread_mutex_unlock(&all->mutex);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

void transactions_end_all(struct transactions *all)
{
    pthread_mutex_lock(&all->mutex);
    for (size_t i = 0; i < BUCKETS; i++) {
        struct transaction *next;
        for (struct transaction *t = all->by_id[i]; t; t = next) {
            next = t->next;
            if (!t->in_use)
                end_locked(all, t);
        }
    }
    pthread_mutex_unlock(&all->mutex);
}

size_t transactions_count(struct transactions *all)
{
    pthread_mutex_lock(&all->mutex);
    size_t n = all->count;
    pthread_mutex_unlock(&all->mutex);
    return n;
}

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

enum status_code transactions_begin(struct transactions *all, struct store *store, struct store_reader *reader,
                                    struct database_name db, const struct msg_transaction_options *options,
                                    struct arena *arena, struct str *id, struct status *st)
{
    bool read_only = options && options->mode_case == 2;
    struct str retried = options && options->mode_case == 3 ? options->read_write.retry_transaction : STR("");
    if (retried.n && !is_id(retried))
        return status_set(st, STATUS_INVALID_ARGUMENT, "Invalid transaction.");
    uint64_t view = 0;
    struct timestamp read_time = { 0 };
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
    unsigned char random[6];
    clock_random(random, sizeof random);
    pthread_mutex_lock(&all->mutex);
    bool full = all->count >= LIMIT_TRANSACTIONS;
    if (!full) {
        /* Serial number in the low bytes: unique while this process lives; the rest is not guessable. */
        uint64_t serial = ++all->serial;
        t->id[0] = 0x11;
        t->id[1] = (unsigned char)serial;
        t->id[2] = (unsigned char)(serial >> 8);
        t->id[3] = (unsigned char)(serial >> 16);
        memcpy(t->id + 4, random, 5);
        size_t b = id_bucket(t->id);
        t->next = all->by_id[b];
        all->by_id[b] = t;
        all->count++;
        start_tick(all);
        *id = arena_str(arena, str_from(t->id, ID_SIZE));
    }
    pthread_mutex_unlock(&all->mutex);
    if (full) {
        arena_free(t->arena);
        free(t);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "more than %d transactions are open", LIMIT_TRANSACTIONS);
    }
    return STATUS_OK;
}

static struct transaction *find(struct transactions *all, struct database_name db, struct str id)
{
    if (id.n != ID_SIZE)
        return NULL;
    for (struct transaction *t = all->by_id[id_bucket((const unsigned char *)id.p)]; t; t = t->next)
        if (memcmp(t->id, id.p, ID_SIZE) == 0 && database_name_eq(t->db, db))
            return t;
    return NULL;
}

enum status_code transactions_enter(struct transactions *all, struct database_name db, struct str id,
                                    struct transaction **out, struct status *st)
{
    *out = NULL;
    if (!is_id(id))
        return status_set(st, STATUS_INVALID_ARGUMENT, "Invalid transaction.");
    pthread_mutex_lock(&all->mutex);
    struct transaction *t = find(all, db, id);
    if (!t)
        status_set(st, STATUS_INVALID_ARGUMENT, "Transaction is invalid or closed.");
    else if (t->in_use)
        status_set(st, STATUS_ABORTED, "The transaction is being used by another request.");
    else {
        t->in_use = true;
        t->used_ns = clock_mono_ns();
        *out = t;
    }
    pthread_mutex_unlock(&all->mutex);
    return st->code;
}

void transaction_leave(struct transaction *txn)
{
    if (!txn)
        return;
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    txn->in_use = false;
    txn->used_ns = clock_mono_ns();
    pthread_mutex_unlock(&all->mutex);
}

void transaction_end(struct transaction *txn)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    end_locked(all, txn);
    pthread_mutex_unlock(&all->mutex);
}

enum status_code transactions_rollback(struct transactions *all, struct database_name db, struct str id,
                                       struct status *st)
{
    if (!is_id(id))
        return status_set(st, STATUS_INVALID_ARGUMENT, "Invalid transaction.");
    pthread_mutex_lock(&all->mutex);
    struct transaction *t = find(all, db, id);
    if (t && t->in_use)
        status_set(st, STATUS_ABORTED, "The transaction is being used by another request.");
    else if (t)
        end_locked(all, t);
    pthread_mutex_unlock(&all->mutex);
    return st->code;
}

bool transaction_read_only(const struct transaction *txn) { return txn->read_only; }

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
    bool full = txn->n_holds >= LIMIT_TRANSACTION_LOCKS;
    if (!full)
        take_hold(all, txn, path);
    pthread_mutex_unlock(&all->mutex);
    if (full)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "a transaction may read at most %d documents",
                          LIMIT_TRANSACTION_LOCKS);
    return STATUS_OK;
}

void transaction_saw(struct transaction *txn, struct str path, uint64_t seq)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    struct hold *h = take_hold(all, txn, path);
    /* The first sight counts: a document that changed between two reads of one transaction must make the
     * commit fail. */
    if (!h->seen) {
        h->seen = true;
        h->seq = seq;
    }
    pthread_mutex_unlock(&all->mutex);
}

enum status_code transaction_saw_query(struct transaction *txn, struct str parent,
                                       const struct msg_structured_query *query, uint64_t view, struct status *st)
{
    /* The query outlives its request: encode it and decode it into the transaction's own arena. The
     * transaction is in use by one call at a time, so its arena needs no lock. */
    struct buf bytes;
    buf_init(&bytes, LIMIT_MESSAGE_BYTES);
    struct msg_structured_query *copy = ARENA_NEW(txn->arena, struct msg_structured_query);
    struct read_query *q = ARENA_NEW(txn->arena, struct read_query);
    if (!protobuf_encode(&bytes, SCHEMA(structured_query), query)) {
        status_set(st, STATUS_RESOURCE_EXHAUSTED, "the query is too large");
        goto out;
    }
    if (protobuf_decode(copy, SCHEMA(structured_query), txn->arena, arena_str(txn->arena, buf_view(&bytes)), st))
        goto out;
    if (query_check(&q->plan, txn->db, arena_str(txn->arena, parent), copy, txn->arena, st))
        goto out;
    q->collection = query_collection_path(q->plan);
    q->view = view;
    q->next = txn->queries;
    txn->queries = q;
out:
    buf_dispose(&bytes);
    return st->code;
}

void transaction_deps(struct transaction *txn, struct arena *arena, struct store_dep **deps, size_t *n)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    size_t count = txn->n_holds;
    for (struct read_query *q = txn->queries; q; q = q->next)
        count++;
    struct store_dep *d = ARENA_ARRAY(arena, struct store_dep, count);
    size_t at = 0;
    for (struct hold *h = txn->holds; h; h = h->next_in_txn)
        if (h->seen)
            d[at++] = (struct store_dep){ .path = arena_str(arena, lock_path(h->lock)), .seq = h->seq };
    for (struct read_query *q = txn->queries; q; q = q->next)
        d[at++] = (struct store_dep){ .whole_collection = true, .path = q->collection, .seq = q->view };
    pthread_mutex_unlock(&all->mutex);
    *deps = d;
    *n = at;
}

static bool in_query_scope(const struct read_query *q, struct str path)
{
    return q->collection.n == 0 || str_eq(path_parent(path), q->collection);
}

static bool holds_path(struct transaction *txn, struct str path)
{
    struct transactions *all = txn->all;
    pthread_mutex_lock(&all->mutex);
    bool found = false;
    struct lock *l = find_lock(all, txn->db, path);
    for (struct hold *h = l ? l->holders : NULL; h && !found; h = h->next_in_lock)
        found = h->txn == txn && h->seen;
    pthread_mutex_unlock(&all->mutex);
    return found;
}

/* A document that changed after the query was answered and now belongs to its result, though the
 * transaction did not see it, is a phantom. */
static enum status_code recheck_query(struct transaction *txn, struct read_query *q, struct store_reader *reader,
                                      uint64_t view, struct arena *arena, struct status *st)
{
    for (uint64_t seq = q->view + 1; seq <= view; seq++) {
        struct store_entry e;
        bool found;
        struct store_document now;
        struct value_map fields;
        if (store_read_entry(reader, seq, arena, &e, &found, st))
            return st->code;
        if (!found || !database_name_eq(e.db, txn->db) || e.path.n == 0 || !in_query_scope(q, e.path) ||
            holds_path(txn, e.path))
            continue;
        if (store_get(reader, view, txn->db, e.path, arena, &now, st))
            return st->code;
        if (!now.exists)
            continue;
        if (protobuf_decode_fields(&fields, arena, now.fields, st))
            return st->code;
        if (query_matches(q->plan, e.path, &fields))
            return status_set(st, STATUS_ABORTED,
                              "The transaction was aborted: a query it made would now also return a document that "
                              "another request wrote. Try again.");
    }
    q->view = view;
    return STATUS_OK;
}

enum status_code transaction_recheck(struct transaction *txn, struct store_reader *reader, uint64_t view,
                                     struct arena *arena, struct status *st)
{
    struct store_dep *deps;
    size_t n;
    transaction_deps(txn, arena, &deps, &n);
    for (size_t i = 0; i < n; i++) {
        struct store_document d;
        if (deps[i].whole_collection)
            continue;
        if (store_peek(reader, view, txn->db, deps[i].path, &d, st))
            return st->code;
        if (d.seq != deps[i].seq && (d.exists || deps[i].seq != 0))
            return status_set(st, STATUS_ABORTED,
                              "The transaction was aborted: a document it read was changed by another request. "
                              "Try again.");
    }
    for (struct read_query *q = txn->queries; q; q = q->next)
        if (recheck_query(txn, q, reader, view, arena, st))
            return st->code;
    return STATUS_OK;
}

/* Whether someone other than `me` holds one of the paths. */
static bool blocked(struct transactions *all, const struct transaction *me, struct database_name db,
                    const struct str *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct lock *l = find_lock(all, db, paths[i]);
        for (struct hold *h = l ? l->holders : NULL; h; h = h->next_in_lock)
            if (h->txn != me)
                return true;
    }
    return false;
}

enum { MAX_CHAIN = 64 }; /* a longer chain of waits is not searched: its timeout ends it */

/* Whether waiting for the holders of the paths leads back to `me`. */
static bool leads_back(struct transactions *all, const struct transaction *me, struct database_name db,
                       const struct str *paths, size_t n, const struct transaction *asker, int depth)
{
    if (depth > MAX_CHAIN)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct lock *l = find_lock(all, db, paths[i]);
        for (struct hold *h = l ? l->holders : NULL; h; h = h->next_in_lock) {
            if (h->txn == asker)
                continue;
            if (h->txn == me)
                return true;
            const struct lock_waiter *w = h->txn->waiter;
            if (w && leads_back(all, me, w->db, w->paths, w->n, h->txn, depth + 1))
                return true;
        }
    }
    return false;
}

enum lock_answer transactions_may_write(struct transactions *all, struct transaction *txn, struct database_name db,
                                        const struct str *paths, size_t n, struct lock_waiter *waiter,
                                        struct task *task)
{
    enum lock_answer answer = LOCK_FREE;
    pthread_mutex_lock(&all->mutex);
    if (all->holds > 0 && blocked(all, txn, db, paths, n)) {
        if (txn && leads_back(all, txn, db, paths, n, txn, 0)) {
            answer = LOCK_DEADLOCK;
        } else if (!waiter) {
            answer = LOCK_WAITING;
        } else {
            answer = LOCK_WAITING;
            int64_t deadline = waiter->deadline_ns
                                   ? waiter->deadline_ns
                                   : clock_mono_ns() + (int64_t)LIMIT_LOCK_WAIT_MS * 1000000;
            *waiter = (struct lock_waiter){ .next = all->waiters,
                                            .task = task,
                                            .txn = txn,
                                            .db = db,
                                            .paths = paths,
                                            .n = n,
                                            .deadline_ns = deadline };
            all->waiters = waiter;
            if (txn)
                txn->waiter = waiter;
            start_tick(all);
        }
    }
    pthread_mutex_unlock(&all->mutex);
    return answer;
}

struct transaction *transactions_ticket(struct transactions *all, struct database_name db, const struct str *paths,
                                        size_t n)
{
    struct transaction *t = new_transaction(all, db);
    t->ticket = true;
    t->in_use = true;
    pthread_mutex_lock(&all->mutex);
    /* Two tickets on one path would wait for each other: the second comer waits without one. */
    bool taken = all->holds > 0 && blocked(all, NULL, db, paths, n);
    for (size_t i = 0; i < n && !taken; i++)
        take_hold(all, t, paths[i]);
    pthread_mutex_unlock(&all->mutex);
    if (taken) {
        arena_free(t->arena);
        free(t);
        return NULL;
    }
    return t;
}

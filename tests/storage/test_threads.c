/* test_threads.c - submitters, readers, scans, checkpoints and resets of the WALs at once; run it under TSan.
 *
 * Every writer moves one unit from one of its two documents to the other in one commit: at every view their
 * sum is the same. Readers check it at the newest view, at old views, by time and by scan. */
#include "storage/kit.h"

#include "core/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITERS = 6, READERS = 3, MOVES = 250, SUM = 1000 };

struct shared {
    struct kit *kit;
    atomic_int running; /* writers */
    atomic_ulong reads, scans;
};

struct writer_thread {
    struct shared *shared;
    int id;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
};

static void on_done(struct store_commit *c)
{
    struct writer_thread *w = c->user;
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

static void *write_run(void *data)
{
    struct writer_thread *w = data;
    for (int n = 0; n <= MOVES; n++) {
        char a[24], b[24], va[24], vb[24];
        snprintf(a, sizeof a, "c/%d-a", w->id);
        snprintf(b, sizeof b, "c/%d-b", w->id);
        snprintf(va, sizeof va, "%d", SUM - n);
        snprintf(vb, sizeof vb, "%d", n);
        struct store_op ops[] = { { .kind = STORE_PUT, .path = str_of(a), .fields = str_of(va) },
                                  { .kind = STORE_PUT, .path = str_of(b), .fields = str_of(vb) } };
        struct store_commit c = {
            .db = DEMO, .ops = ops, .n_ops = 2, .done = on_done, .user = w, .status = status_init(NULL)
        };
        w->done = false;
        store_submit(w->shared->kit->store, &c);
        pthread_mutex_lock(&w->mutex);
        while (!w->done)
            pthread_cond_wait(&w->cond, &w->mutex);
        pthread_mutex_unlock(&w->mutex);
        if (c.status.code)
            abort();
    }
    atomic_fetch_sub(&w->shared->running, 1);
    return NULL;
}

static int value_at(struct store_reader *r, uint64_t view, const char *path, struct arena *arena)
{
    struct status st = status_init(arena);
    struct store_document doc;
    if (store_get(r, view, DEMO, str_of(path), arena, &doc, &st)) {
        fprintf(stderr, "get: %s\n", status_message(&st));
        abort();
    }
    return doc.exists ? (int)strtol(doc.fields.p, NULL, 10) : 0;
}

static void check_pair(struct store_reader *r, uint64_t view, int id, struct arena *arena)
{
    char a[24], b[24];
    snprintf(a, sizeof a, "c/%d-a", id);
    snprintf(b, sizeof b, "c/%d-b", id);
    int sum = value_at(r, view, a, arena) + value_at(r, view, b, arena);
    if (sum != 0 && sum != SUM) {
        fprintf(stderr, "view %llu: sum %d\n", (unsigned long long)view, sum);
        abort();
    }
}

static void check_scan(struct shared *s, struct store_reader *r, uint64_t view, struct arena *arena)
{
    struct status st = status_init(arena);
    struct store_scan_range range = { .collection_id = STR("c") };
    struct store_scan *scan;
    struct store_document doc;
    struct str path;
    int n = 0;
    long sum = 0;
    if (store_scan_open(&scan, r, view, DEMO, &range, &st))
        abort();
    while (store_scan_next(scan, arena, &path, &doc, &st) == STATUS_OK && path.n) {
        n++;
        sum += strtol(doc.fields.p, NULL, 10);
        if (n % 3 == 0) /* a read at a newer view ends the scan's transaction */
            check_pair(r, atomic_load(&s->kit->store->visible), n % WRITERS, arena);
    }
    if (st.code || n % 2 != 0 || sum != n / 2 * SUM) {
        fprintf(stderr, "scan at %llu: %d documents, sum %ld: %s\n", (unsigned long long)view, n, sum,
                status_message(&st));
        abort();
    }
    store_scan_close(scan);
    atomic_fetch_add(&s->scans, 1);
}

static void *read_run(void *data)
{
    struct shared *s = data;
    struct store_reader *r;
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    uint64_t seed = (uint64_t)(uintptr_t)&r;
    if (store_reader_open(&r, s->kit->store, &st))
        abort();
    while (atomic_load(&s->running) > 0) {
        struct timestamp time;
        uint64_t now = store_view_now(s->kit->store, &time), at;
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t old = now ? (seed >> 20) % (now / 2 + 1) * 2 : 0; /* commits have two entries */
        for (int id = 0; id < WRITERS; id++) {
            check_pair(r, now, id, arena);
            check_pair(r, old, id, arena);
        }
        if (store_view_at(r, time, &at, &st) || at != now) {
            fprintf(stderr, "view at the time of %llu is %llu\n", (unsigned long long)now,
                    (unsigned long long)at);
            abort();
        }
        check_scan(s, r, seed & 1024 ? now : old, arena);
        atomic_fetch_add(&s->reads, 1);
        arena_reset(arena);
    }
    store_reader_close(r);
    arena_free(arena);
    return NULL;
}

static void every_view_is_whole_whatever_else_goes_on(void **state)
{
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        struct kit kit;
        struct store_verify_report report;
        kit_init(&kit, on_disk);
        kit_must_open(&kit);
        store_housekeeper_limit(kit.store, 20, 60);
        struct shared shared = { .kit = &kit };
        struct writer_thread writers[WRITERS];
        pthread_t threads[WRITERS + READERS];
        atomic_init(&shared.running, WRITERS);
        for (int i = 0; i < WRITERS; i++) {
            writers[i] = (struct writer_thread){ &shared, i, PTHREAD_MUTEX_INITIALIZER,
                                                 PTHREAD_COND_INITIALIZER, false };
            pthread_create(&threads[i], NULL, write_run, &writers[i]);
        }
        for (int i = 0; i < READERS; i++)
            pthread_create(&threads[WRITERS + i], NULL, read_run, &shared);
        for (int i = 0; i < WRITERS + READERS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(kit_view(&kit), WRITERS * (MOVES + 1) * 2);
        if (!on_disk && !kit_intact(&kit, &report))
            fail_msg("%s", report.what);
        print_message("%s: %lu rounds of reads, %lu scans\n", on_disk ? "disk" : "memory",
                      atomic_load(&shared.reads), atomic_load(&shared.scans));
        kit_dispose(&kit);
    }
}

/* A worker that sleeps after a read holds no WAL back. */
static void an_idle_reader_holds_nothing_back(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/d", "1");
    kit_expect(&kit, "c/d", "1");
    bool open = true;
    for (int i = 0; i < 2000 && open; i++) {
        sqlite3_sleep(5);
        pthread_mutex_lock(&kit.reader->mutex);
        open = kit.reader->in_transaction;
        pthread_mutex_unlock(&kit.reader->mutex);
    }
    assert_false(open);
    kit_expect(&kit, "c/d", "1");
    kit_dispose(&kit);
}

/* However long it runs, a WAL does not grow without end. */
static void wals_are_emptied_under_load(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    store_housekeeper_limit(kit.store, 20, 60);
    size_t largest = 0;
    for (int i = 0; i < 600; i++) {
        char path[24];
        snprintf(path, sizeof path, "c/%d", i * 7919);
        kit_put(&kit, path, "x");
        kit_expect(&kit, path, "x");
        size_t size = vfs_size(kit.vfs, "ledger.db-wal");
        largest = size > largest ? size : largest;
    }
    /* 600 commits write well over 1,200 pages. The writer itself waits beyond twice the limit. */
    assert_true(largest / 4120 < 200);
    kit_dispose(&kit);
}

/* A foreign reader keeps the WAL; nobody waits for it, and once it is gone the WAL is emptied. */
static void a_foreign_reader_only_delays_the_emptying(void **state)
{
    (void)state;
    struct kit kit;
    sqlite3 *db;
    kit_init(&kit, false);
    kit_must_open(&kit);
    store_housekeeper_limit(kit.store, 20, 60);
    kit_put(&kit, "c/d", "x");
    assert_int_equal(sqlite3_open_v2("ledger.db", &db, SQLITE_OPEN_READONLY, vfs_name(kit.vfs)), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM entry", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 300; i++)
        kit_put(&kit, "c/d", i % 2 ? "x" : "y");
    size_t held = vfs_size(kit.vfs, "ledger.db-wal");
    assert_true(held / 4120 > 300);
    sqlite3_close(db);
    for (int i = 0; i < 600; i++)
        kit_put(&kit, "c/d", i % 2 ? "x" : "y");
    /* Emptied, it is written from the front again and does not grow by these commits. */
    assert_true(vfs_size(kit.vfs, "ledger.db-wal") < held + 600 * 4120);
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_view_is_whole_whatever_else_goes_on),
        cmocka_unit_test(an_idle_reader_holds_nothing_back),
        cmocka_unit_test(wals_are_emptied_under_load),
        cmocka_unit_test(a_foreign_reader_only_delays_the_emptying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

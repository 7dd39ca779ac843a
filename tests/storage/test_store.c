/* test_store.c - writing and reading through the room's face: versions, views, read times, deps, scans. */
#include "storage/kit.h"
#include "storage/scan_past.h"

#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_document_is_read_back(void **state)
{
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        struct kit kit;
        kit_init(&kit, on_disk);
        kit_must_open(&kit);
        kit_expect(&kit, "c/d", NULL);
        assert_int_equal(kit_put(&kit, "c/d", "one"), STATUS_OK);
        kit_expect(&kit, "c/d", "one");
        struct store_document doc = kit_get(&kit, "c/d");
        assert_int_equal(doc.seq, 1);
        assert_int_equal(timestamp_cmp(doc.create_time, doc.update_time), 0);
        kit_close(&kit);
        kit_must_open(&kit);
        kit_expect(&kit, "c/d", "one");
        kit_dispose(&kit);
    }
}

static void the_data_directory_is_private_and_ignored_by_git(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, true);
    char inner[80], path[120];
    snprintf(inner, sizeof inner, "%s/inner", kit.directory);
    kit.options.data = inner;
    kit_must_open(&kit);
    kit_put(&kit, "c/d", "x");
    struct stat info;
    assert_int_equal(stat(inner, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    static const char *const files[] = { "ledger.db",      "ledger.db-wal", "derived.db",
                                         "derived.db-wal", "lock",          ".gitignore" };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", inner, files[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    kit_close(&kit);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", inner, files[i]);
        unlink(path);
    }
    rmdir(inner);
    kit_dispose(&kit);
}

static void every_view_keeps_showing_what_it_showed(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/d", "one");   /* 1 */
    kit_put(&kit, "c/d", "two");   /* 2 */
    kit_delete(&kit, "c/d");       /* 3 */
    kit_put(&kit, "c/e", "other"); /* 4 */
    kit_put(&kit, "c/d", "three"); /* 5 */
    static const struct {
        const char *body;
        uint64_t seq;
    } expected[] = { { NULL, 0 }, { "one", 1 }, { "two", 2 }, { NULL, 3 }, { NULL, 3 }, { "three", 5 } };
    for (int again = 0; again < 2; again++) {
        for (uint64_t view = 0; view < 6; view++) {
            struct store_document doc = kit_get_at(&kit, view, "c/d");
            assert_int_equal(doc.exists, expected[view].body != NULL);
            assert_int_equal(doc.seq, expected[view].seq);
            if (doc.exists)
                assert_true(str_eq_z(doc.fields, expected[view].body));
        }
        struct store_document two = kit_get_at(&kit, 2, "c/d"), three = kit_get_at(&kit, 5, "c/d");
        assert_true(timestamp_cmp(two.create_time, two.update_time) < 0);
        assert_true(timestamp_cmp(three.create_time, three.update_time) == 0);
        kit_close(&kit);
        kit_must_open(&kit);
    }
    kit_dispose(&kit);
}

static void deleting_what_does_not_exist_writes_nothing(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    assert_int_equal(kit_delete(&kit, "c/d"), STATUS_OK);
    assert_int_equal(kit_view(&kit), 0);
    kit_dispose(&kit);
}

static void one_commit_has_one_time_and_becomes_visible_at_once(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    struct store_op ops[] = {
        { .kind = STORE_PUT, .path = STR("c/a"), .fields = STR("1") },
        { .kind = STORE_PUT, .path = STR("c/a"), .fields = STR("2") },
        { .kind = STORE_DELETE, .path = STR("c/a") },
        { .kind = STORE_PUT, .path = STR("c/a"), .fields = STR("3") },
        { .kind = STORE_PUT, .path = STR("c/b"), .fields = STR("4") },
    };
    struct store_commit c = {
        .db = DEMO, .ops = ops, .n_ops = 5, .principal = STR("owner"), .status = status_init(kit.arena)
    };
    kit_submit(&kit, &c);
    assert_int_equal(c.status.code, STATUS_OK);
    assert_int_equal(c.last_seq, 5);
    kit_expect(&kit, "c/a", "3");
    kit_expect(&kit, "c/b", "4");
    static const char *const operations[] = { "create", "update", "delete", "create", "create" };
    static const uint64_t prev[] = { 0, 1, 2, 3, 0 };
    struct status st = status_init(kit.arena);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        struct store_entry e;
        bool found;
        assert_int_equal(store_read_entry(kit.reader, seq, kit.arena, &e, &found, &st), STATUS_OK);
        assert_true(found);
        assert_int_equal(e.commit, 1);
        assert_int_equal(e.time_us, timestamp_to_us(c.commit_time));
        assert_string_equal(e.operation, operations[seq - 1]);
        assert_int_equal(e.prev, prev[seq - 1]);
        assert_int_equal(ops[seq - 1].seq, seq);
    }
    kit_dispose(&kit);
}

/* ---- read times ---- */

static int64_t frozen_us;
static int64_t frozen(void *data)
{
    (void)data;
    return frozen_us;
}

static void read_times_separate_commits_even_when_the_clock_stands(void **state)
{
    (void)state;
    static const struct clock_source source = { .wall_us = frozen };
    frozen_us = INT64_C(1795507200000000);
    clock_replace(&source);
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    struct timestamp times[21], last = { 0 };
    for (int i = 0; i < 20; i++) {
        struct store_commit c;
        assert_int_equal(store_view_now(kit.store, &times[i]), i);
        kit_op(&kit, DEMO, STORE_PUT, "c/d", "x", &c);
        assert_true(timestamp_cmp(c.commit_time, times[i]) > 0);
        assert_true(timestamp_cmp(times[i], last) >= 0);
        last = c.commit_time;
        if (i == 10)
            frozen_us -= 5000000; /* the clock goes back */
    }
    store_view_now(kit.store, &times[20]);
    for (uint64_t i = 0; i <= 20; i++) {
        struct status st = status_init(kit.arena);
        uint64_t view;
        assert_int_equal(store_view_at(kit.reader, times[i], &view, &st), STATUS_OK);
        assert_int_equal(view, i);
    }
    kit_dispose(&kit);
    clock_replace(NULL); /* no thread left that asks it */
}

static bool ignore_change(void *data, const struct store_change *change)
{
    (void)data;
    (void)change;
    return true;
}

/* The reader's transaction begins with the ledger: its snapshot of the derived file may not be the newer one. */
static void a_scan_after_a_look_at_the_ledger_misses_nothing(void **state)
{
    (void)state;
    static const char *const looks[] = { "time", "entry", "changes" };
    struct store_scan_range range = { .collection_id = STR("c") };
    for (size_t i = 0; i < 3; i++) {
        struct kit kit;
        kit_init(&kit, true); /* a file: in memory there are no snapshots */
        kit_must_open(&kit);
        struct status st = status_init(kit.arena);
        struct timestamp time;
        struct store_entry entry;
        uint64_t view, at;
        bool found;
        kit_put(&kit, "c/d", "old");
        view = store_view_now(kit.store, &time);
        if (i == 0)
            store_view_at(kit.reader, time, &at, &st);
        else if (i == 1)
            store_read_entry(kit.reader, 1, kit.arena, &entry, &found, &st);
        else
            store_changes(kit.reader, 0, view, ignore_change, NULL, &st);
        kit_put(&kit, "c/d", "new");
        if (strcmp(kit_scan_at(&kit, view, &range), "c/d") != 0)
            fail_msg("after a look at the %s: %s", looks[i], kit_scan_at(&kit, view, &range));
        kit_dispose(&kit);
    }
}

static void a_read_in_the_future_is_refused(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    struct status st = status_init(kit.arena);
    struct timestamp later = timestamp_from_us(clock_wall_us() + 60000000);
    uint64_t view;
    assert_int_equal(store_view_at(kit.reader, later, &view, &st), STATUS_INVALID_ARGUMENT);
    assert_string_equal(status_message(&st), "The requested 'read_time' cannot be in the future.");
    kit_dispose(&kit);
}

static void commit_time_is_not_before_what_was_asked(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    int64_t ahead = clock_wall_us() + 3000000;
    struct store_op op = { .kind = STORE_PUT, .path = STR("c/d"), .fields = STR("x") };
    struct store_commit c = {
        .db = DEMO, .ops = &op, .n_ops = 1, .min_time_us = ahead, .status = status_init(kit.arena)
    };
    kit_submit(&kit, &c);
    assert_int_equal(timestamp_to_us(c.commit_time), ahead);
    kit_dispose(&kit);
}

/* ---- what a commit read ---- */

static bool stale_with(struct kit *kit, struct store_dep dep)
{
    struct store_commit c = { .db = DEMO, .deps = &dep, .n_deps = 1, .status = status_init(kit->arena) };
    kit_submit(kit, &c);
    assert_int_equal(c.status.code, c.stale ? STATUS_ABORTED : STATUS_OK);
    return c.stale;
}

static void a_commit_is_stale_when_what_it_read_has_changed(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    assert_false(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 0 }));
    kit_put(&kit, "c/d", "1");
    assert_true(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 0 }));
    assert_false(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 1 }));
    kit_put(&kit, "c/d", "2");
    assert_true(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 1 }));
    kit_delete(&kit, "c/d");
    assert_true(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 2 }));
    assert_false(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 3 }));
    assert_true(stale_with(&kit, (struct store_dep){ .path = STR("c/d"), .seq = 0 }));
    kit_dispose(&kit);
}

static void a_collection_read_is_stale_after_any_change_in_it(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/d", "1");
    uint64_t view = kit_view(&kit);
    kit_put(&kit, "c/d/sub/x", "deeper");
    kit_put(&kit, "other/d", "1");
    assert_false(
        stale_with(&kit, (struct store_dep){ .whole_collection = true, .path = STR("c"), .seq = view }));
    kit_put(&kit, "c/new", "1");
    assert_true(
        stale_with(&kit, (struct store_dep){ .whole_collection = true, .path = STR("c"), .seq = view }));
    assert_false(stale_with(
        &kit, (struct store_dep){ .whole_collection = true, .path = STR("c"), .seq = kit_view(&kit) }));
    assert_true(
        stale_with(&kit, (struct store_dep){ .whole_collection = true, .seq = view })); /* of the database */
    assert_false(stale_with(&kit, (struct store_dep){ .whole_collection = true, .seq = kit_view(&kit) }));
    view = kit_view(&kit);
    struct store_commit c;
    kit_op(&kit, DEMO, STORE_EPOCH, "", NULL, &c);
    assert_true(
        stale_with(&kit, (struct store_dep){ .whole_collection = true, .path = STR("c"), .seq = view }));
    kit_dispose(&kit);
}

struct group {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    size_t left;
};

static void group_done(struct store_commit *c)
{
    struct group *g = c->user;
    pthread_mutex_lock(&g->mutex);
    if (--g->left == 0)
        pthread_cond_signal(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

/* Of many commits that all read the same thing and are queued together, exactly one goes through. */
static void batch_mates_see_each_other(void **state)
{
    (void)state;
    enum { N = 50 };
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    for (int whole = 0; whole < 2; whole++) {
        struct group group = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, N };
        struct store_commit commits[N];
        struct store_op ops[N];
        struct store_dep dep = { .whole_collection = whole,
                                 .path = whole ? STR("w") : STR("c/d"),
                                 .seq = whole ? kit_view(&kit) : 0 };
        for (size_t i = 0; i < N; i++) {
            ops[i] = (struct store_op){ .kind = STORE_PUT,
                                        .path = whole ? STR("w/d") : STR("c/d"),
                                        .fields = STR("x") };
            commits[i] = (struct store_commit){ .db = DEMO,
                                                .ops = &ops[i],
                                                .n_ops = 1,
                                                .deps = &dep,
                                                .n_deps = 1,
                                                .done = group_done,
                                                .user = &group,
                                                .status = status_init(NULL) };
        }
        pthread_mutex_lock(&kit.store->apply_mutex); /* so that they pile up */
        for (size_t i = 0; i < N; i++)
            store_submit(kit.store, &commits[i]);
        pthread_mutex_unlock(&kit.store->apply_mutex);
        pthread_mutex_lock(&group.mutex);
        while (group.left)
            pthread_cond_wait(&group.cond, &group.mutex);
        pthread_mutex_unlock(&group.mutex);
        size_t through = 0;
        for (size_t i = 0; i < N; i++) {
            through += commits[i].status.code == STATUS_OK;
            assert_int_equal(commits[i].stale, commits[i].status.code != STATUS_OK);
        }
        assert_int_equal(through, 1);
    }
    struct store_info info;
    store_get_info(kit.store, &info);
    assert_true(info.batches <= 4); /* group commit: 100 commits, few transactions */
    kit_dispose(&kit);
}

/* ---- scans ---- */

static struct store_scan_range collection(const char *parent, const char *id)
{
    return (struct store_scan_range){ .parent = str_of(parent), .collection_id = str_of(id) };
}

static void a_scan_gives_one_collection_in_name_order(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    static const char *const paths[] = { "c/b", "c/a", "c/__id10__", "c/__id9__", "c/a/s/x",
                                         "d/a", "c/B", "c/\xc3\xa9", "b/z" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        kit_put(&kit, paths[i], paths[i]);
    uint64_t view = kit_view(&kit);
    struct store_scan_range range = collection("", "c");
    assert_string_equal(kit_scan_at(&kit, view, &range), "c/__id9__ c/__id10__ c/B c/a c/b c/\xc3\xa9");
    range.descending = true;
    assert_string_equal(kit_scan_at(&kit, view, &range), "c/\xc3\xa9 c/b c/a c/B c/__id10__ c/__id9__");
    range = collection("c/a", "s");
    assert_string_equal(kit_scan_at(&kit, view, &range), "c/a/s/x");
    range = collection("", "none");
    assert_string_equal(kit_scan_at(&kit, view, &range), "");
    range = (struct store_scan_range){ .subtree = true };
    assert_string_equal(kit_scan_at(&kit, view, &range),
                        "b/z c/__id9__ c/__id10__ c/B c/a c/b c/\xc3\xa9 d/a c/a/s/x");
    range = (struct store_scan_range){ .subtree = true, .parent = STR("c/a") };
    assert_string_equal(kit_scan_at(&kit, view, &range), "c/a/s/x");
    range = (struct store_scan_range){ .subtree = true, .collection_id = STR("s") };
    assert_string_equal(kit_scan_at(&kit, view, &range), "c/a/s/x");
    kit_dispose(&kit);
}

static void a_scan_keeps_to_its_bounds(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    static const char *const paths[] = { "c/a", "c/b", "c/c", "c/d" };
    for (size_t i = 0; i < 4; i++)
        kit_put(&kit, paths[i], "x");
    static const struct {
        const char *start, *end;
        bool after, before;
        const char *up, *down;
    } cases[] = {
        { "c/b", "", false, false, "c/b c/c c/d", "c/d c/c c/b" },
        { "c/b", "", true, false, "c/c c/d", "c/d c/c" },
        { "", "c/c", false, false, "c/a c/b c/c", "c/c c/b c/a" },
        { "", "c/c", false, true, "c/a c/b", "c/b c/a" },
        { "c/b", "c/c", true, true, "", "" },
        { "c/aa", "c/cc", false, false, "c/b c/c", "c/c c/b" },
        { "c/d", "c/a", false, false, "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_scan_range range = collection("", "c");
        range.start = str_of(cases[i].start);
        range.end = str_of(cases[i].end);
        range.start_after = cases[i].after;
        range.end_before = cases[i].before;
        assert_string_equal(kit_scan_at(&kit, kit_view(&kit), &range), cases[i].up);
        range.descending = true;
        assert_string_equal(kit_scan_at(&kit, kit_view(&kit), &range), cases[i].down);
    }
    kit_dispose(&kit);
}

static void scans_of_old_views_see_old_versions(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    const char *shown[64];
    struct store_scan_range range = collection("", "c");
    static const char *const names[] = { "c/a", "c/b", "c/c", "c/d", "c/e" };
    shown[0] = "";
    uint64_t seed = 1;
    for (int i = 1; i < 64; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        const char *name = names[(seed >> 33) % 5];
        if ((seed >> 40) % 3 == 0)
            kit_delete(&kit, name);
        if (kit_view(&kit) < (uint64_t)i)
            kit_put(&kit, name, "x");
        assert_int_equal(kit_view(&kit), i);
        shown[i] = kit_scan_at(&kit, (uint64_t)i, &range);
    }
    for (int i = 0; i < 64; i++)
        assert_string_equal(kit_scan_at(&kit, (uint64_t)i, &range), shown[i]);
    kit_dispose(&kit);
}

/* Near views (changes named by the ledger) and far ones (seeks through what ended) give the same, both ways
 * round. */
static void near_and_far_views_are_scanned_alike(void **state)
{
    (void)state;
    enum { OPS = 2600, SHOWN = 130 };
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    const char *up[SHOWN], *down[SHOWN], *part[SHOWN];
    uint64_t views[SHOWN], seed = 11;
    struct store_scan_range range = collection("", "c"), back = collection("", "c"),
                            cut = collection("", "c");
    size_t n = 0;
    back.descending = true;
    cut.start = STR("c/05");
    cut.start_after = true;
    cut.end = STR("c/20");
    for (int i = 0; i < OPS; i++) {
        char path[16];
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        snprintf(path, sizeof path, (seed >> 60) == 0 ? "c/%02d/s/x" : "c/%02d", (int)((seed >> 33) % 30));
        if ((seed >> 50) % 3 == 0)
            kit_delete(&kit, path);
        else
            kit_put(&kit, path, path);
        if (i % (OPS / SHOWN) == 0) {
            views[n] = kit_view(&kit);
            up[n] = kit_scan_at(&kit, views[n], &range);
            down[n] = kit_scan_at(&kit, views[n], &back);
            part[n] = kit_scan_at(&kit, views[n], &cut);
            n++;
        }
    }
    assert_true(kit_view(&kit) > 2 * SCAN_PAST_NEAR);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(kit_scan_at(&kit, views[i], &range), up[i]);
        assert_string_equal(kit_scan_at(&kit, views[i], &back), down[i]);
        assert_string_equal(kit_scan_at(&kit, views[i], &cut), part[i]);
    }
    kit_dispose(&kit);
}

/* Points reads on newer views end the scan's transaction: it goes on behind the last key, at its own view. */
static void a_scan_survives_newer_reads_of_its_worker(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    char path[16];
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "c/%02d", i);
        kit_put(&kit, path, "old");
    }
    struct status st = status_init(kit.arena);
    struct store_scan *scan;
    struct store_scan_range range = collection("", "c");
    assert_int_equal(store_scan_open(&scan, kit.reader, kit_view(&kit), DEMO, &range, &st), STATUS_OK);
    for (int i = 0; i < 20; i++) {
        struct str at;
        struct store_document doc;
        assert_int_equal(store_scan_next(scan, kit.arena, &at, &doc, &st), STATUS_OK);
        snprintf(path, sizeof path, "c/%02d", i);
        assert_true(str_eq_z(at, path));
        assert_true(str_eq_z(doc.fields, "old"));
        snprintf(path, sizeof path, "c/%02d", (i * 7) % 20);
        if (i % 3)
            kit_put(&kit, path, "new");
        else
            kit_delete(&kit, path);
        kit_get(&kit, path);
    }
    store_scan_close(scan);
    kit_dispose(&kit);
}

static void texts_that_are_not_utf8_are_refused_by_name(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    struct store_op op = { .kind = STORE_PUT, .path = STR("c/d"), .fields = STR("x") };
    struct store_commit c = {
        .db = DEMO, .ops = &op, .n_ops = 1, .request_id = STR("\xff"), .status = status_init(kit.arena)
    };
    kit_submit(&kit, &c);
    assert_int_equal(c.status.code, STATUS_INVALID_ARGUMENT);
    assert_string_equal(status_message(&c.status), "request id is not valid UTF-8");
    assert_int_equal(kit_view(&kit), 0);
    kit_dispose(&kit);
}

/* ---- observing ---- */

static void remember_batch(void *data, const struct store_batch *batch)
{
    *(struct store_batch *)data = *batch;
}

static void a_batch_is_told_with_what_it_held(void **state)
{
    struct kit kit;
    struct store_batch told = { 0 };
    (void)state;
    kit_init(&kit, false);
    kit_must_open(&kit);
    store_observe(kit.store, (struct store_observer){ .batch = remember_batch, .data = &told });
    struct store_op ops[] = {
        { .kind = STORE_PUT, .operation = STORE_OPERATION_CREATE, .path = STR("c/a"), .fields = STR("") },
        { .kind = STORE_REFUSED, .operation = STORE_OPERATION_UPDATE, .path = STR("c/b"), .decision = STR("denied") },
    };
    struct store_commit c = { .db = DEMO, .ops = ops, .n_ops = 2, .status = status_init(kit.arena) };
    kit_submit(&kit, &c);
    assert_int_equal(c.status.code, STATUS_OK);
    assert_int_equal(told.commits, 1);
    assert_int_equal(told.entries, 2);
    assert_int_equal(told.bytes, 0);
    assert_true(told.lasting_ns > 0);
    kit_put(&kit, "c/c", "\x0a\x07\x0a\x01k\x12\x02\x10\x05");
    assert_int_equal(told.entries, 1);
    assert_int_equal(told.bytes, 9);
    told = (struct store_batch){ 0 };
    kit_delete(&kit, "c/none");
    assert_int_equal(told.commits, 0); /* it made no entry: there was no batch to make lasting */
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read_back),
        cmocka_unit_test(the_data_directory_is_private_and_ignored_by_git),
        cmocka_unit_test(every_view_keeps_showing_what_it_showed),
        cmocka_unit_test(deleting_what_does_not_exist_writes_nothing),
        cmocka_unit_test(one_commit_has_one_time_and_becomes_visible_at_once),
        cmocka_unit_test(read_times_separate_commits_even_when_the_clock_stands),
        cmocka_unit_test(a_scan_after_a_look_at_the_ledger_misses_nothing),
        cmocka_unit_test(a_read_in_the_future_is_refused),
        cmocka_unit_test(commit_time_is_not_before_what_was_asked),
        cmocka_unit_test(a_commit_is_stale_when_what_it_read_has_changed),
        cmocka_unit_test(a_collection_read_is_stale_after_any_change_in_it),
        cmocka_unit_test(batch_mates_see_each_other),
        cmocka_unit_test(a_scan_gives_one_collection_in_name_order),
        cmocka_unit_test(a_scan_keeps_to_its_bounds),
        cmocka_unit_test(scans_of_old_views_see_old_versions),
        cmocka_unit_test(near_and_far_views_are_scanned_alike),
        cmocka_unit_test(a_scan_survives_newer_reads_of_its_worker),
        cmocka_unit_test(texts_that_are_not_utf8_are_refused_by_name),
        cmocka_unit_test(a_batch_is_told_with_what_it_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

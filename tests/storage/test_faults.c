/* test_faults.c - failure is swept: operation N of the disk fails, for N = 0, 1, 2, ... until none does.
 *
 * Whatever fails, a commit that was answered OK is there after the next start, one that was answered
 * UNAVAILABLE is not, one whose outcome is unknown is there whole or not at all, and the ledger is intact. */
#include "storage/index_read.h"
#include "storage/kit.h"

#include <stdio.h>
#include <string.h>

enum { COMMITS = 12 };

struct outcome {
    bool tried;
    enum status_code code;
};

static size_t fatals;
static void on_fatal(void *data, const char *why)
{
    (void)data;
    assert_non_null(why);
    fatals++;
}

/* {"n": a number that tells the commits apart}, without a NUL. */
static void put_body(char out[16], int commit)
{
    snprintf(out, 16, "\x12\x07\x0a\x01n\x12\x02\x10%c", 'A' + commit);
}

static void build_index(struct kit *kit, struct str collection)
{
    struct str field = STR("n");
    struct index_name name = { DEMO, collection, { &field, 1 }, false };
    store_index_wish(kit->reader, kit_view(kit), &name);
    while (index_work(kit->store))
        continue;
}

/* Each commit writes two documents and updates a third; on the way two collections get an index. */
static void run_commits(struct kit *kit, struct outcome *outcomes)
{
    store_on_fatal(kit->store, on_fatal, NULL);
    for (int i = 0; i < COMMITS; i++) {
        char a[16], b[16], body[16];
        static char big[9000];
        if (i == COMMITS / 3)
            build_index(kit, STR("b"));
        if (i == COMMITS / 2)
            build_index(kit, STR("c"));
        snprintf(a, sizeof a, "a/%d", i);
        snprintf(b, sizeof b, "b/%d", i);
        put_body(body, i);
        memset(big, 'x', sizeof big);
        struct store_op ops[] = { { .kind = STORE_PUT, .path = str_of(a), .fields = { big, sizeof big } },
                                  { .kind = STORE_PUT, .path = str_of(b), .fields = str_of(body) },
                                  { .kind = STORE_PUT, .path = STR("c/d"), .fields = str_of(body) } };
        struct store_commit c = { .db = DEMO, .ops = ops, .n_ops = 3, .status = status_init(kit->arena) };
        kit_submit(kit, &c);
        outcomes[i] = (struct outcome){ true, c.status.code };
        assert_true(c.status.code == STATUS_OK || c.status.code == STATUS_UNAVAILABLE ||
                    c.status.code == STATUS_UNKNOWN);
    }
}

static void check(struct kit *kit, const struct outcome *outcomes)
{
    struct store_verify_report report;
    struct status st;
    if (kit_open(kit, &st))
        fail_msg("the start after the failure: %s", status_message(&st));
    int newest = -1;
    for (int i = 0; i < COMMITS; i++) {
        char a[16], b[16], body[16];
        snprintf(a, sizeof a, "a/%d", i);
        snprintf(b, sizeof b, "b/%d", i);
        put_body(body, i);
        bool exists = kit_get(kit, b).exists;
        assert_int_equal(exists, kit_get(kit, a).exists);
        if (outcomes[i].tried && outcomes[i].code == STATUS_OK)
            assert_true(exists);
        if (!outcomes[i].tried || outcomes[i].code == STATUS_UNAVAILABLE)
            assert_false(exists);
        if (exists) {
            kit_expect(kit, b, body);
            newest = i;
        }
    }
    if (newest >= 0) {
        char body[16];
        put_body(body, newest);
        kit_expect(kit, "c/d", body);
    }
    if (!kit_intact(kit, &report))
        fail_msg("%s", report.what);
    kit_close(kit);
}

/* Whether the fault happened. */
static bool attempt(unsigned kind, long n, bool sticky, enum store_durability durability, bool crash)
{
    struct kit kit;
    struct status st;
    struct outcome outcomes[COMMITS] = { 0 };
    kit_init(&kit, false);
    kit.options.durability = durability;
    vfs_fault_set(kit.vfs, kind, n, sticky);
    if (kit_open(&kit, &st) == STATUS_OK)
        run_commits(&kit, outcomes);
    else
        assert_true(st.code == STATUS_UNAVAILABLE || st.code == STATUS_FAILED_PRECONDITION);
    bool hit = vfs_fault_hit(kit.vfs);
    struct vfs *left = crash ? vfs_clone(kit.vfs) : NULL; /* the process ends here, or closes what it can */
    kit_close(&kit);
    if (crash)
        kit_use_disk(&kit, left);
    vfs_fault_set(kit.vfs, 0, 0, false);
    check(&kit, outcomes);
    kit_dispose(&kit);
    return hit;
}

static void sweep(unsigned kind, const char *name)
{
    long steps = 0;
    fatals = 0;
    for (int mode = 0; mode < 4; mode++) {
        bool sticky = mode & 1, crash = mode & 2;
        long n = 0;
        while (attempt(kind, n, sticky, STORE_DURABILITY_POWER, crash)) {
            n++;
            steps++;
            assert_true(n < 5000);
        }
        assert_true(n > 0); /* the fault is reached at all */
    }
    print_message("%s: %ld failures, %zu of them fatal\n", name, steps, fatals);
}

static void failed_writes(void **state)
{
    (void)state;
    sweep(VFS_FAULT_WRITE, "write");
}

static void full_disk(void **state)
{
    (void)state;
    sweep(VFS_FAULT_FULL, "full disk");
}

static void failed_syncs(void **state)
{
    (void)state;
    sweep(VFS_FAULT_SYNC, "sync");
}

static void failed_opens(void **state)
{
    (void)state;
    sweep(VFS_FAULT_OPEN, "open");
}

static void failed_reads(void **state)
{
    (void)state;
    sweep(VFS_FAULT_READ, "read");
}

/* A reader meets an error: the call fails, the next one works. */
static void a_failed_read_fails_one_call(void **state)
{
    (void)state;
    struct kit kit;
    bool hit = true;
    kit_init(&kit, false);
    kit_must_open(&kit);
    for (int i = 0; i < 50; i++) {
        char path[16];
        snprintf(path, sizeof path, "c/%d", i);
        kit_put(&kit, path, "x");
    }
    for (long n = 0; hit; n++) {
        kit_close(&kit); /* cold caches */
        kit_must_open(&kit);
        vfs_fault_set(kit.vfs, VFS_FAULT_READ, n, false);
        struct status st = status_init(kit.arena);
        struct store_document doc;
        enum status_code code = store_get(kit.reader, 50, DEMO, STR("c/7"), kit.arena, &doc, &st);
        hit = vfs_fault_hit(kit.vfs);
        assert_int_equal(doc.exists, code == STATUS_OK);
        assert_true(code == STATUS_OK || code == STATUS_UNAVAILABLE);
        vfs_fault_set(kit.vfs, 0, 0, false);
        kit_expect(&kit, "c/7", "x");
    }
    kit_dispose(&kit);
}

static void after_a_fatal_error_nothing_is_accepted(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    kit_init(&kit, false);
    kit.options.durability = STORE_DURABILITY_POWER;
    kit_must_open(&kit);
    store_on_fatal(kit.store, on_fatal, NULL);
    kit_put(&kit, "c/a", "1");
    fatals = 0;
    vfs_fault_set(kit.vfs, VFS_FAULT_SYNC, 0, false);
    assert_int_equal(kit_op(&kit, DEMO, STORE_PUT, "c/b", "1", &c), STATUS_UNKNOWN);
    assert_int_equal(fatals, 1);
    assert_int_equal(kit_op(&kit, DEMO, STORE_PUT, "c/c", "1", &c), STATUS_UNAVAILABLE);
    assert_int_equal(fatals, 1);
    kit_expect(&kit, "c/a", "1"); /* reading goes on */
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_writes),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(failed_syncs),
        cmocka_unit_test(failed_opens),
        cmocka_unit_test(failed_reads),
        cmocka_unit_test(a_failed_read_fails_one_call),
        cmocka_unit_test(after_a_fatal_error_nothing_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

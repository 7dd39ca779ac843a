/* test_verify.c - what verify finds, and the half it cannot find without a checkpoint kept elsewhere. */
#include "storage/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two databases, updates, deletes, an epoch, a refusal, a commit of two. 12 entries. */
static void fill(struct kit *kit)
{
    struct store_commit c;
    const struct database_name other = { STR("other-p"), STR("(default)") };
    kit_must_open(kit);
    kit_put(kit, "c/a", "one");                            /* 1 */
    kit_put(kit, "c/a", "two");                            /* 2 */
    kit_put(kit, "c/b", "three");                          /* 3 */
    kit_delete(kit, "c/b");                                /* 4 */
    kit_op(kit, other, STORE_PUT, "c/a", "theirs", &c);    /* 5 */
    kit_op(kit, DEMO, STORE_EPOCH, "", NULL, &c);          /* 6 */
    kit_put(kit, "c/a", "four");                           /* 7 */
    kit_op(kit, DEMO, STORE_REFUSED, "c/x", "secret", &c); /* 8 */
    kit_op(kit, DEMO, STORE_RULES, "", "rules", &c);       /* 9 */
    struct store_op ops[] = { { .kind = STORE_PUT, .path = STR("c/a"), .fields = STR("five") },
                              { .kind = STORE_PUT, .path = STR("c/c"), .fields = STR("") } };
    struct store_commit two = {
        .db = DEMO, .ops = ops, .n_ops = 2, .principal = STR("user:x"), .status = status_init(kit->arena)
    };
    kit_submit(kit, &two);       /* 10, 11 */
    kit_put(kit, "c/d", "last"); /* 12 */
}

static void begin(struct kit *kit)
{
    kit_init(kit, false);
    fill(kit);
}

static void an_untouched_ledger_is_intact(void **state)
{
    (void)state;
    struct kit kit;
    struct store_verify_report report;
    begin(&kit);
    for (int closed = 0; closed < 2; closed++) { /* beside the running store too */
        if (!kit_intact(&kit, &report))
            fail_msg("%s", report.what);
        assert_int_equal(report.entries, 12);
        assert_int_equal(report.bodies, 9); /* the refused one is a digest only */
        assert_int_equal(report.documents, 4);
        assert_memory_equal(report.ledger_id, kit.store ? kit.store->ledger.id : report.ledger_id, 16);
        if (kit.store)
            kit_close(&kit);
    }
    kit_dispose(&kit);
}

static void verify_is_right_at_every_length(void **state)
{
    (void)state;
    struct kit kit;
    struct store_verify_report report;
    kit_init(&kit, false);
    kit_must_open(&kit);
    uint64_t seed = 3;
    char path[16];
    for (int i = 0; i < 150; i++) {
        struct store_commit c;
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        snprintf(path, sizeof path, "c/%d", (int)((seed >> 33) % 6));
        unsigned dice = (unsigned)(seed >> 50) % 12;
        if (dice < 7)
            kit_put(&kit, path, "x");
        else if (dice < 10)
            kit_delete(&kit, path);
        else
            kit_op(&kit, DEMO, dice == 10 ? STORE_EPOCH : STORE_CLEAR_SUBTREE, dice == 10 ? "" : "c", NULL,
                   &c);
        if (!kit_intact(&kit, &report))
            fail_msg("after %d: %s", i, report.what);
    }
    kit_dispose(&kit);
}

static void expect_found(const char *file, const char *sql, uint64_t seq, const char *part)
{
    struct kit kit;
    struct store_verify_report report;
    begin(&kit);
    kit_close(&kit);
    kit_tamper(&kit, file, sql);
    if (kit_intact(&kit, &report))
        fail_msg("not found: %s", sql);
    if (report.first_bad_seq != seq || !strstr(report.what, part))
        fail_msg("%s: seq %llu, %s", sql, (unsigned long long)report.first_bad_seq, report.what);
    kit_dispose(&kit);
}

static void every_changed_column_names_its_row(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE entry SET time = time + 1 WHERE seq = 12",
        "UPDATE entry SET project = 'demo-q' WHERE seq = 12",
        "UPDATE entry SET database = 'x' WHERE seq = 12",
        "UPDATE entry SET path = 'c/e' WHERE seq = 12",
        "UPDATE entry SET operation = 'update' WHERE seq = 12",
        "UPDATE entry SET principal = 'x' WHERE seq = 12",
        "UPDATE entry SET request_id = 'x' WHERE seq = 12",
        "UPDATE entry SET decision = 'x' WHERE seq = 12",
        "UPDATE entry SET rules_digest = zeroblob(32) WHERE seq = 12",
        "UPDATE entry SET body_digest = zeroblob(32) WHERE seq = 12",
        "UPDATE entry SET leaf = zeroblob(32) WHERE seq = 12",
        "UPDATE entry SET chain = zeroblob(32) WHERE seq = 12",
        "UPDATE entry SET prev = 1 WHERE seq = 12",
        "UPDATE entry SET kind = 'note' WHERE seq = 12",
        "UPDATE body SET bytes = 'lost' WHERE seq = 12",
        "UPDATE body SET salt = zeroblob(16) WHERE seq = 12",
        "UPDATE body SET bytes = NULL WHERE seq = 12",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        bool strict = strstr(changes[i], "'lost'") != NULL; /* STRICT: bytes must be a blob */
        expect_found("ledger.db", strict ? "UPDATE body SET bytes = x'6c6f7374' WHERE seq = 12" : changes[i],
                     12, "12");
    }
    expect_found("ledger.db", "UPDATE entry SET commit_seq = 10 WHERE seq = 12", 12, "12");
    expect_found("ledger.db", "UPDATE entry SET commit_seq = 11 WHERE seq = 11", 11, "11");
}

static void missing_and_superfluous_rows_are_found(void **state)
{
    (void)state;
    expect_found("ledger.db", "DELETE FROM entry WHERE seq = 5", 5, "entry 5 is missing");
    expect_found("ledger.db", "DELETE FROM entry WHERE seq = 1", 1, "entry 1 is missing");
    expect_found("ledger.db", "DELETE FROM body WHERE seq = 5", 5, "the body of entry 5 is missing");
    expect_found("ledger.db", "INSERT INTO body VALUES(6, zeroblob(16), x'00')", 6,
                 "body 6 belongs to no entry");
    expect_found("ledger.db", "INSERT INTO body VALUES(99, zeroblob(16), x'00')", 99,
                 "body 99 belongs to no entry");
    expect_found("ledger.db", "INSERT INTO body VALUES(-3, zeroblob(16), x'00')", (uint64_t)-3,
                 "belongs to no entry");
    expect_found("ledger.db", "DELETE FROM entry WHERE seq = 12; DELETE FROM body WHERE seq = 12", 13 - 1,
                 "entries 12 to 12 are missing");
    expect_found("ledger.db", "UPDATE ledger SET id = zeroblob(16)", 0, "another ledger");
    /* Two rows change places. */
    expect_found("ledger.db",
                 "UPDATE entry SET seq = 100 WHERE seq = 2; UPDATE entry SET seq = 2 WHERE seq = 3;"
                 "UPDATE entry SET seq = 3 WHERE seq = 100",
                 2, "entry 2");
}

static void a_removed_guard_is_found(void **state)
{
    (void)state;
    struct kit kit;
    struct store_verify_report report;
    sqlite3 *db;
    begin(&kit);
    kit_close(&kit);
    assert_int_equal(sqlite3_open_v2("ledger.db", &db, SQLITE_OPEN_READWRITE, vfs_name(kit.vfs)), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TRIGGER entry_no_delete", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_false(kit_intact(&kit, &report));
    assert_non_null(strstr(report.what, "schema"));
    kit_dispose(&kit);
}

static void derived_state_that_differs_is_found(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "DELETE FROM head WHERE seq = 12",
        "DELETE FROM past WHERE seq = 1",
        "DELETE FROM space WHERE id = 1",
        "UPDATE head SET seq = 11 WHERE seq = 12",
        "UPDATE head SET updated = updated + 1 WHERE seq = 12",
        "UPDATE head SET age = 1 WHERE seq = 12",
        "UPDATE head SET age = age + 1 WHERE seq = 10",
        "UPDATE head SET key = x'0141' WHERE seq = 12",
        "UPDATE head SET seq = 7 WHERE seq = 10",
        "UPDATE past SET until_seq = 3 WHERE seq = 1",
        "UPDATE past SET seq = 2 WHERE seq = 1",
        "UPDATE past SET updated = updated - 1 WHERE seq = 1",
        "UPDATE space SET until_seq = 7 WHERE until_seq = 6",
        "UPDATE space SET project = 'x' WHERE id = 1",
        "INSERT INTO head SELECT space, x'0199', seq, updated, age FROM head WHERE seq = 12",
        "INSERT INTO space VALUES(9, 'demo-p', 'x', 3, 9)",
        "UPDATE state SET chain = zeroblob(32)",
        "UPDATE state SET applied_seq = 13",
        "UPDATE state SET applied_seq = 11",
        "UPDATE state SET ledger_id = zeroblob(16)",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct kit kit;
        struct store_verify_report report;
        begin(&kit);
        kit_close(&kit);
        kit_tamper(&kit, "derived.db", changes[i]);
        if (kit_intact(&kit, &report))
            fail_msg("not found: %s", changes[i]);
        assert_true(strstr(report.what, "erived") != NULL || strstr(report.what, "missing") != NULL);
        kit_dispose(&kit);
    }
}

/* ---- what needs a checkpoint ---- */

/* Whoever can write the file can make every hash right again. This does. */
static void rewrite(struct kit *kit, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *read, *write;
    unsigned char chain[FORMAT_HASH], leaf[FORMAT_HASH], id[16];
    struct status st = status_init(kit->arena);
    kit_tamper(kit, "ledger.db", sql);
    kit_tamper(kit, "ledger.db",
               "UPDATE entry SET leaf = leaf"); /* it works: the triggers are away meanwhile */
    assert_int_equal(sqlite3_open_v2("ledger.db", &db, SQLITE_OPEN_READWRITE, vfs_name(kit->vfs)), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TRIGGER entry_no_update", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(ledger_read_id(id, db, &st), STATUS_OK);
    format_genesis(chain, id);
    assert_int_equal(db_prepare(&read, db, "SELECT " LEDGER_COLUMNS " FROM entry ORDER BY seq", &st),
                     STATUS_OK);
    assert_int_equal(db_prepare(&write, db, "UPDATE entry SET leaf = ?2, chain = ?3 WHERE seq = ?1", &st),
                     STATUS_OK);
    while (sqlite3_step(read) == SQLITE_ROW) {
        struct ledger_row row;
        assert_int_equal(ledger_row_read(&row, read, &st), STATUS_OK);
        format_leaf(leaf, &row.entry);
        format_chain(chain, chain, leaf);
        sqlite3_bind_int64(write, 1, (sqlite3_int64)row.entry.seq);
        sqlite3_bind_blob(write, 2, leaf, FORMAT_HASH, SQLITE_STATIC);
        sqlite3_bind_blob(write, 3, chain, FORMAT_HASH, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(write), SQLITE_DONE);
        sqlite3_reset(write);
    }
    sqlite3_finalize(read);
    sqlite3_finalize(write);
    for (size_t i = 3; ledger_schema[i]; i++)
        if (strstr(ledger_schema[i], "entry_no_update"))
            assert_int_equal(sqlite3_exec(db, ledger_schema[i], NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static bool intact_since(struct kit *kit, uint64_t seq, const unsigned char *chain,
                         struct store_verify_report *report)
{
    struct store_verify_options options = { .has_since = true, .since_seq = seq };
    struct store_place place;
    struct status st = status_init(kit->arena);
    memcpy(options.since_chain, chain, FORMAT_HASH);
    store_place_on(&place, kit->vfs, &st);
    assert_int_equal(store_verify_place(&place, &options, kit->arena, report, &st), STATUS_OK);
    store_place_dispose(&place);
    return report->intact;
}

static void only_a_kept_chain_head_finds_a_full_rewrite(void **state)
{
    (void)state;
    struct kit kit;
    struct store_info info;
    struct store_verify_report report;
    begin(&kit);
    store_get_info(kit.store, &info);
    kit_close(&kit);
    rewrite(&kit, "UPDATE entry SET principal = 'nobody' WHERE seq = 3");
    assert_false(kit_intact(&kit, &report)); /* derived state still remembers */
    vfs_remove(kit.vfs, "derived.db");
    assert_true(kit_intact(&kit, &report)); /* the other half of the promise */
    assert_false(intact_since(&kit, 12, info.chain, &report));
    assert_int_equal(report.first_bad_seq, 12);
    kit_dispose(&kit);
}

static void only_a_kept_chain_head_finds_a_cut_tail(void **state)
{
    (void)state;
    struct kit kit;
    struct store_info info;
    struct store_verify_report report;
    begin(&kit);
    store_get_info(kit.store, &info);
    kit_close(&kit);
    kit_tamper(&kit, "ledger.db", "DELETE FROM entry WHERE seq > 10; DELETE FROM body WHERE seq > 10");
    assert_false(kit_intact(&kit, &report));
    vfs_remove(kit.vfs, "derived.db");
    assert_true(kit_intact(&kit, &report));
    assert_false(intact_since(&kit, 12, info.chain, &report));
    assert_non_null(strstr(report.what, "cut off"));
    kit_dispose(&kit);
}

static void a_checkpoint_of_an_earlier_entry_holds(void **state)
{
    (void)state;
    struct kit kit;
    struct store_info info;
    struct store_verify_report report;
    begin(&kit);
    store_get_info(kit.store, &info);
    kit_put(&kit, "c/e", "later");
    assert_true(intact_since(&kit, 12, info.chain, &report));
    info.chain[0] ^= 1;
    assert_false(intact_since(&kit, 12, info.chain, &report));
    kit_dispose(&kit);
}

/* Wrong in itself, with every hash right. */
static void histories_that_cannot_be_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        uint64_t seq;
    } cases[] = {
        { "UPDATE entry SET prev = 0 WHERE seq = 2", 2 },
        { "UPDATE entry SET prev = 3 WHERE seq = 2", 2 },
        { "UPDATE entry SET prev = 1 WHERE seq = 10", 10 },
        { "UPDATE entry SET prev = 5 WHERE seq = 7", 7 },
        { "UPDATE entry SET operation = 'create' WHERE seq = 2", 2 },
        { "UPDATE entry SET operation = 'update' WHERE seq = 1", 1 },
        { "UPDATE entry SET path = 'c' WHERE seq = 1", 1 },
        { "UPDATE entry SET time = (SELECT time FROM entry WHERE seq = 4) WHERE seq = 5", 5 },
        { "UPDATE entry SET time = time - 1 WHERE seq = 11", 11 },
        { "UPDATE entry SET kind = 'other' WHERE seq = 9", 9 },
        { "UPDATE entry SET prev = 1 WHERE seq = 9", 9 },
        { "UPDATE entry SET body_digest = x'' WHERE seq = 9", 9 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kit kit;
        struct store_verify_report report;
        begin(&kit);
        kit_close(&kit);
        rewrite(&kit, cases[i].sql);
        vfs_remove(kit.vfs, "derived.db");
        if (kit_intact(&kit, &report) || report.first_bad_seq != cases[i].seq)
            fail_msg("%s: %llu %s", cases[i].sql, (unsigned long long)report.first_bad_seq,
                     report.what ? report.what : "intact");
        kit_dispose(&kit);
    }
}

/* The independent program reads what this one wrote. */
static void an_independent_program_agrees(void **state)
{
    (void)state;
    struct kit kit;
    char command[200];
    if (system("python3 -c 'import sqlite3; assert sqlite3.sqlite_version_info >= (3, 37)' 2>/dev/null") != 0)
        skip();
    kit_init(&kit, true);
    fill(&kit);
    for (int closed = 0; closed < 2; closed++) {
        snprintf(command, sizeof command, "python3 storage/vectors.py --check %s/ledger.db >/dev/null",
                 kit.directory);
        assert_int_equal(system(command), 0);
        kit_close(&kit);
    }
    kit_dispose(&kit);
}

static void a_store_without_a_ledger_cannot_be_verified(void **state)
{
    (void)state;
    struct store_verify_options options = { .data = "/nonexistent/place" };
    struct store_verify_report report;
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    assert_int_equal(store_verify(&options, arena, &report, &st), STATUS_FAILED_PRECONDITION);
    options.data = ":memory:";
    status_clear(&st);
    assert_int_equal(store_verify(&options, arena, &report, &st), STATUS_INVALID_ARGUMENT);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_ledger_is_intact),
        cmocka_unit_test(verify_is_right_at_every_length),
        cmocka_unit_test(every_changed_column_names_its_row),
        cmocka_unit_test(missing_and_superfluous_rows_are_found),
        cmocka_unit_test(a_removed_guard_is_found),
        cmocka_unit_test(derived_state_that_differs_is_found),
        cmocka_unit_test(only_a_kept_chain_head_finds_a_full_rewrite),
        cmocka_unit_test(only_a_kept_chain_head_finds_a_cut_tail),
        cmocka_unit_test(a_checkpoint_of_an_earlier_entry_holds),
        cmocka_unit_test(histories_that_cannot_be_are_found),
        cmocka_unit_test(an_independent_program_agrees),
        cmocka_unit_test(a_store_without_a_ledger_cannot_be_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

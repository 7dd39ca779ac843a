/* test_guards.c - what the file itself refuses, on connections of any program, and what ours refuses. */
#include "storage/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fill(struct kit *kit)
{
    kit_init(kit, true);
    kit_must_open(kit);
    kit_put(kit, "c/a", "1");
    kit_put(kit, "c/a", "2");
    kit_put(kit, "c/b", "3");
    kit_close(kit);
}

static const char *const forbidden[] = {
    "UPDATE entry SET path = 'x' WHERE seq = 1",
    "UPDATE body SET bytes = x'00' WHERE seq = 1",
    "UPDATE ledger SET id = zeroblob(16)",
    "DELETE FROM entry WHERE seq = 3",
    "DELETE FROM body WHERE seq = 3",
    "DELETE FROM ledger",
    "INSERT OR REPLACE INTO entry SELECT "
    "1,kind,commit_seq,time,project,database,'x',operation,prev,principal,request_id,"
    "decision,rules_digest,body_digest,leaf,chain FROM entry WHERE seq = 1",
    "REPLACE INTO body VALUES(1, zeroblob(16), x'00')",
    "INSERT OR REPLACE INTO body VALUES(2, zeroblob(16), x'00')",
    "REPLACE INTO body VALUES(3, zeroblob(16), x'00')", /* the newest, too */
    "INSERT INTO ledger VALUES(1, zeroblob(16))",
    "REPLACE INTO ledger VALUES(1, zeroblob(16))",
    "INSERT INTO entry SELECT 9,kind,9,time + 9,project,database,path,operation,prev,principal,request_id,"
    "decision,rules_digest,body_digest,leaf,chain FROM entry WHERE seq = 3",
    "INSERT INTO entry SELECT NULL,kind,4,time + 9,project,database,path,operation,prev,principal,request_id,"
    "decision,rules_digest,body_digest,leaf,chain FROM entry WHERE seq = 3",
    "UPDATE entry SET seq = 7 WHERE seq = 3",
    "INSERT INTO body SELECT seq, salt, bytes FROM body WHERE seq = 1 ON CONFLICT DO UPDATE SET bytes = "
    "x'00'",
};

/* A connection as any tool opens it, recursive_triggers off: REPLACE deletes without firing DELETE triggers.
 */
static void the_file_refuses_changes_from_any_connection(void **state)
{
    (void)state;
    struct kit kit;
    char path[100];
    fill(&kit);
    snprintf(path, sizeof path, "%s/ledger.db", kit.directory);
    for (int recursive = 0; recursive < 2; recursive++) {
        sqlite3 *db;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        sqlite3_exec(db, recursive ? "PRAGMA recursive_triggers = ON" : "PRAGMA recursive_triggers = OFF",
                     NULL, NULL, NULL);
        for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
            char *message = NULL;
            int rc = sqlite3_exec(db, forbidden[i], NULL, NULL, &message);
            if (rc != SQLITE_CONSTRAINT || !strstr(message, "cinderlog:"))
                fail_msg("%d %s: %s", rc, message ? message : "", forbidden[i]);
            sqlite3_free(message);
        }
        sqlite3_close(db);
    }
    struct store_verify_options verify = { .data = kit.directory };
    struct store_verify_report report;
    struct status st = status_init(kit.arena);
    assert_int_equal(store_verify(&verify, kit.arena, &report, &st), STATUS_OK);
    assert_true(report.intact);
    kit_dispose(&kit);
}

/* The connection that appends can prepare nothing else, triggers or not. */
static void our_own_connection_can_only_append(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    static const char *const denied[] = {
        "UPDATE entry SET path = 'x'",
        "DELETE FROM entry",
        "DROP TRIGGER entry_no_update",
        "DROP TABLE entry",
        "CREATE TABLE t(x)",
        "ATTACH ':memory:' AS m",
        "PRAGMA writable_schema = ON",
        "ALTER TABLE entry ADD COLUMN x",
        "INSERT INTO ledger VALUES(2, zeroblob(16))",
    };
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(kit.store->ledger.db, denied[i], -1, &stmt, NULL);
        if (rc == SQLITE_OK)
            fail_msg("prepared: %s", denied[i]);
        sqlite3_finalize(stmt);
    }
    kit_dispose(&kit);
}

static void readers_cannot_write(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, true);
    kit_must_open(&kit);
    kit_put(&kit, "c/a", "1");
    kit_get(&kit, "c/a");
    static const char sql[] = "INSERT INTO body VALUES(99, zeroblob(16), x'00')";
    assert_int_not_equal(sqlite3_exec(kit.reader->ledger, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(kit.reader->derived, "DELETE FROM head", NULL, NULL, NULL), SQLITE_OK);
    kit_dispose(&kit);
}

/* ---- opening ---- */

static void expect_refusal(struct kit *kit, enum status_code code, const char *part)
{
    struct status st;
    if (kit_open(kit, &st) != code || !strstr(status_message(&st), part))
        fail_msg("%s: %s (expected %s ... %s)", status_name(st.code), status_message(&st), status_name(code),
                 part);
}

static void a_second_store_on_the_same_data_is_refused_with_the_holder(void **state)
{
    (void)state;
    struct kit kit, second;
    char pid[32];
    kit_init(&kit, true);
    kit_must_open(&kit);
    second = kit;
    second.store = NULL;
    second.reader = NULL;
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    expect_refusal(&second, STATUS_FAILED_PRECONDITION, pid);
    kit_dispose(&kit);
}

static void set(const struct kit *kit, const char *sql)
{
    char path[100];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/ledger.db", kit->directory);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void other_files_and_newer_formats_are_refused(void **state)
{
    (void)state;
    struct kit kit;
    fill(&kit);
    set(&kit, "PRAGMA user_version = 2");
    expect_refusal(&kit, STATUS_FAILED_PRECONDITION, "use a newer Cinderlog");
    set(&kit, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    expect_refusal(&kit, STATUS_FAILED_PRECONDITION, "is not a Cinderlog ledger");
    kit_dispose(&kit);
    fill(&kit);
    char path[100];
    snprintf(path, sizeof path, "%s/ledger.db", kit.directory);
    FILE *f = fopen(path, "wb");
    fputs("this is a text file, not a database, and long enough to be taken for one at first sight: "
          "...............",
          f);
    fclose(f);
    expect_refusal(&kit, STATUS_DATA_LOSS, "ledger.db");
    kit_dispose(&kit);
}

static void a_lost_ledger_is_not_silently_begun_anew(void **state)
{
    (void)state;
    struct kit kit;
    char path[100];
    fill(&kit);
    snprintf(path, sizeof path, "%s/ledger.db", kit.directory);
    unlink(path);
    expect_refusal(&kit, STATUS_DATA_LOSS, "--fresh");
    kit.options.fresh = true;
    kit_must_open(&kit);
    assert_int_equal(kit_view(&kit), 0);
    kit_dispose(&kit);
}

static void fresh_moves_the_old_ledger_aside(void **state)
{
    (void)state;
    struct kit kit;
    char command[200];
    fill(&kit);
    kit.options.fresh = true;
    kit_must_open(&kit);
    kit_expect(&kit, "c/a", NULL);
    snprintf(command, sizeof command, "ls %s/ledger-2*Z.db >/dev/null", kit.directory);
    assert_int_equal(system(command), 0);
    kit_dispose(&kit);
}

static void data_paths_name_their_files(void **state)
{
    (void)state;
    static const struct {
        const char *data, *ledger, *derived, *lock;
    } cases[] = {
        { "x", "x/ledger.db", "x/derived.db", "x/lock" },
        { "x/", "x/ledger.db", "x/derived.db", "x/lock" },
        { "/a/b.db", "/a/b.db", "/a/b.derived.db", "/a/b.lock" },
        { "b.db", "b.db", "b.derived.db", "b.lock" },
        { "x/ledger.db", "x/ledger.db", "x/derived.db", "x/lock" },
        { "ledger.db", "./ledger.db", "./derived.db", "./lock" },
        { ".db", ".db/ledger.db", ".db/derived.db", ".db/lock" },
        { "x/.db", "x/.db/ledger.db", "x/.db/derived.db", "x/.db/lock" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_place place;
        struct status st = status_init(NULL);
        assert_int_equal(store_place_init(&place, cases[i].data, &st), STATUS_OK);
        assert_string_equal(place.ledger, cases[i].ledger);
        assert_string_equal(place.derived, cases[i].derived);
        assert_string_equal(place.lock, cases[i].lock);
        store_place_dispose(&place);
    }
    struct store_place place;
    struct status st = status_init(NULL);
    assert_int_equal(store_place_init(&place, "", &st), STATUS_INVALID_ARGUMENT);
}

static void filesystems_where_a_wal_corrupts_are_refused(void **state)
{
    (void)state;
    assert_non_null(store_filesystem_refused(0x01021997));
    assert_non_null(store_filesystem_refused(0x65735546));
    assert_non_null(store_filesystem_refused(0x6969));
    assert_non_null(store_filesystem_refused(0xFF534D42));
    assert_non_null(store_filesystem_refused(0xFFFFFFFFFF534D42)); /* f_type is signed on some machines */
    assert_null(store_filesystem_refused(0xEF53));                 /* ext4 */
    assert_null(store_filesystem_refused(0x01021994));             /* tmpfs */
    assert_null(store_filesystem_refused(0x794c7630));             /* overlayfs */
}

static void bad_patterns_are_refused(void **state)
{
    (void)state;
    struct kit kit;
    static const struct str bad = STR_INIT("a//b");
    kit_init(&kit, true);
    kit.options.append_only = &bad;
    kit.options.n_append_only = 1;
    expect_refusal(&kit, STATUS_INVALID_ARGUMENT, "'a//b'");
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_refuses_changes_from_any_connection),
        cmocka_unit_test(our_own_connection_can_only_append),
        cmocka_unit_test(readers_cannot_write),
        cmocka_unit_test(a_second_store_on_the_same_data_is_refused_with_the_holder),
        cmocka_unit_test(other_files_and_newer_formats_are_refused),
        cmocka_unit_test(a_lost_ledger_is_not_silently_begun_anew),
        cmocka_unit_test(fresh_moves_the_old_ledger_aside),
        cmocka_unit_test(data_paths_name_their_files),
        cmocka_unit_test(filesystems_where_a_wal_corrupts_are_refused),
        cmocka_unit_test(bad_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

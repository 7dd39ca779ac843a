/* test_gather.c - one write a transaction, and a COMMIT that returned OK is on the disk.
 *
 * The disk is in the heap: vfs_clone is what kill -9 leaves, and writes can be made to fail. The judge opens
 * the clone without the VFS under test. */
#include "storage/gather.h"
#include "storage/kit.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct vfs *disk;
    struct gather gather;
    sqlite3 *db;
};

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql)
{
    if (run(db, sql) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static void begin(struct world *w, const char *setup)
{
    w->disk = vfs_new();
    assert_int_equal(gather_register(&w->gather, "gather-under-test", sqlite3_vfs_find(vfs_name(w->disk))),
                     SQLITE_OK);
    assert_int_equal(
        sqlite3_open_v2("file.db", &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "gather-under-test"),
        SQLITE_OK);
    must(w->db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL;"
                "CREATE TABLE t(k INTEGER PRIMARY KEY, v BLOB)");
    must(w->db, setup);
}

static void end(struct world *w)
{
    assert_int_equal(sqlite3_close(w->db), SQLITE_OK);
    sqlite3_vfs_unregister(&w->gather.vfs);
    vfs_free(w->disk);
}

/* All that the table holds, as a number. */
static int64_t content(sqlite3 *db)
{
    sqlite3_stmt *stmt;
    uint64_t sum = 1;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT k, v FROM t ORDER BY k", -1, &stmt, NULL), SQLITE_OK);
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const unsigned char *v = sqlite3_column_blob(stmt, 1);
        int n = sqlite3_column_bytes(stmt, 1);
        sum = sum * 31 + (uint64_t)sqlite3_column_int64(stmt, 0);
        for (int i = 0; i < n; i++)
            sum = sum * 31 + v[i];
    }
    assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(stmt);
    return (int64_t)(sum >> 1);
}

/* What is found after kill -9 now. */
static int64_t content_after_kill(struct world *w)
{
    struct vfs *left = vfs_clone(w->disk);
    sqlite3 *db;
    assert_non_null(left);
    assert_int_equal(sqlite3_open_v2("file.db", &db, SQLITE_OPEN_READWRITE, vfs_name(left)), SQLITE_OK);
    int64_t found = content(db);
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    vfs_free(left);
    return found;
}

static void a_transaction_is_one_write(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "BEGIN; COMMIT");
    must(w.db, "INSERT INTO t VALUES(0, zeroblob(9))"); /* the header of the log is behind us */
    vfs_fault_set(w.disk, VFS_FAULT_WRITE, 1, true);
    must(w.db, "BEGIN; INSERT INTO t VALUES(1, randomblob(20000)); INSERT INTO t VALUES(2, "
               "randomblob(20000)); COMMIT");
    assert_false(vfs_fault_hit(w.disk));
    assert_int_equal(run(w.db, "INSERT INTO t VALUES(3, x'00')"), SQLITE_IOERR); /* the second write */
    assert_true(vfs_fault_hit(w.disk));
    vfs_fault_set(w.disk, 0, 0, false);
    end(&w);
}

/* Small caches spill: frames before the commit, rewritten ones, checksums done again, savepoints undone. */
static void what_was_committed_is_there_after_a_kill(void **state)
{
    (void)state;
    static const char *const setups[] = {
        "PRAGMA cache_size = 5; PRAGMA synchronous = NORMAL",
        "PRAGMA cache_size = 5; PRAGMA synchronous = FULL",
        "PRAGMA cache_size = 2000; PRAGMA synchronous = NORMAL",
    };
    for (size_t s = 0; s < sizeof setups / sizeof setups[0]; s++) {
        struct world w;
        uint32_t seed = 12345 + (uint32_t)s;
        char sql[200];
        begin(&w, setups[s]);
        for (int round = 0; round < 60; round++) {
            int64_t before = content(w.db);
            must(w.db, "BEGIN");
            for (int i = 0; i < 12; i++) {
                seed = seed * 1664525 + 1013904223;
                unsigned dice = seed >> 16 & 15, key = seed >> 20 & 63, size = 1 + (seed >> 8 & 0x3fff);
                if (dice == 0)
                    must(w.db, "SAVEPOINT s");
                else if (dice == 1)
                    run(w.db, "ROLLBACK TO s"); /* may be none */
                else if (dice == 2)
                    snprintf(sql, sizeof sql, "DELETE FROM t WHERE k = %u", key), must(w.db, sql);
                else
                    snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO t VALUES(%u, randomblob(%u))", key,
                             size),
                        must(w.db, sql);
                if (dice == 3)
                    assert_int_equal(content_after_kill(&w), before);
            }
            if (seed >> 30 == 0) {
                must(w.db, "ROLLBACK");
                assert_int_equal(content(w.db), before);
            } else {
                must(w.db, "COMMIT");
            }
            assert_int_equal(content_after_kill(&w), content(w.db));
            if (round % 7 == 3)
                must(w.db, round % 2 ? "PRAGMA wal_checkpoint(TRUNCATE)" : "PRAGMA wal_checkpoint(RESTART)");
        }
        end(&w);
    }
}

/* Its one frame goes where a frame was written already, not behind the last one. */
static void a_small_commit_after_a_spilled_rollback_is_there(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "PRAGMA cache_size = 5; INSERT INTO t VALUES(0, x'00')");
    for (int i = 0; i < 20; i++) {
        must(w.db, "BEGIN; INSERT INTO t VALUES(9, randomblob(100000)); ROLLBACK");
        must(w.db, "UPDATE t SET v = randomblob(8) WHERE k = 0");
        assert_int_equal(content_after_kill(&w), content(w.db));
    }
    end(&w);
}

static void a_failed_write_fails_the_commit(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (long after = 0; after < 12; after++) {
        for (int full = 0; full < 2; full++) {
            struct world w;
            begin(&w, "PRAGMA cache_size = 5");
            must(w.db, "INSERT INTO t VALUES(0, randomblob(5000))");
            int64_t before = content(w.db);
            vfs_fault_set(w.disk, full ? VFS_FAULT_FULL : VFS_FAULT_WRITE, after, true);
            int rc = run(w.db, "BEGIN; INSERT INTO t VALUES(1, randomblob(300000));"
                               "INSERT INTO t VALUES(2, randomblob(300000)); COMMIT");
            vfs_fault_set(w.disk, 0, 0, false);
            failed += rc != SQLITE_OK;
            if (!sqlite3_get_autocommit(w.db))
                must(w.db, "ROLLBACK");
            assert_true((content(w.db) == before) == (rc != SQLITE_OK));
            assert_int_equal(content_after_kill(&w), content(w.db));
            must(w.db, "INSERT INTO t VALUES(3, randomblob(10000))"); /* and it goes on */
            assert_int_equal(content_after_kill(&w), content(w.db));
            end(&w);
        }
    }
    assert_in_range(failed, 4, 23); /* both outcomes were seen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_is_one_write),
        cmocka_unit_test(what_was_committed_is_there_after_a_kill),
        cmocka_unit_test(a_small_commit_after_a_spilled_rollback_is_there),
        cmocka_unit_test(a_failed_write_fails_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

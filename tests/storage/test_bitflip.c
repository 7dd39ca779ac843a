/* test_bitflip.c - every flipped bit of a small ledger, and of its hot WAL, is found or shown to be harmless.
 *
 * Found: verify or the start names damage, or SQLite refuses the file. Harmless: the log gives exactly what
 * it gave before. Anything else is a miss and fails the test. CINDERLOG_ALL_BITS=1 flips all of them
 * (minutes); otherwise a fixed sample. */
#include "storage/kit.h"
#include "storage/wal.h"

#include "core/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct kit *kit, int rows)
{
    struct store_commit c;
    kit_must_open(kit);
    for (int i = 0; i < rows; i++) {
        char path[24];
        snprintf(path, sizeof path, "c/%d", i % 5);
        if (i % 7 == 5)
            kit_delete(kit, path);
        else
            kit_put(kit, path, "some text in a body");
    }
    kit_op(kit, DEMO, STORE_EPOCH, "", NULL, &c);
    kit_op(kit, DEMO, STORE_REFUSED, "c/x", "refused", &c);
    kit_put(kit, "c/1", "the last one");
}

static void flip(struct vfs *vfs, const char *name, size_t bit)
{
    unsigned char byte;
    assert_true(vfs_peek(vfs, name, bit / 8, &byte, 1));
    byte = (unsigned char)(byte ^ 1u << bit % 8);
    assert_true(vfs_poke(vfs, name, bit / 8, &byte, 1));
}

struct tally {
    size_t flips, found, starts, found_at_start, harmless;
};

/* verify on a disk with one bit flipped: intact, or not. Errors count as found. */
static bool verify_says_intact(struct vfs *vfs)
{
    struct arena *arena = arena_new();
    struct store_verify_options options = { 0 };
    struct store_verify_report report;
    struct store_place place;
    struct status st = status_init(arena);
    store_place_on(&place, vfs, &st);
    bool intact = store_verify_place(&place, &options, arena, &report, &st) == STATUS_OK && report.intact;
    store_place_dispose(&place);
    arena_free(arena);
    return intact;
}

/* Opens it as a server does and reads everything that should be there: the right content or an error, never
 * other content. Whether the start refused. */
static bool start_refuses(struct kit *whole, struct vfs *disk)
{
    struct kit kit;
    struct status st;
    kit_init(&kit, false);
    kit_use_disk(&kit, disk);
    bool refused = kit_open(&kit, &st) != STATUS_OK;
    if (!refused && kit_view(&kit) == kit_view(whole)) {
        struct store_document is, was;
        for (int i = 0; i < 5; i++) {
            char path[24];
            snprintf(path, sizeof path, "c/%d", i);
            was = kit_get(whole, path);
            st = status_init(kit.arena);
            if (store_get(kit.reader, kit_view(&kit), DEMO, str_of(path), kit.arena, &is, &st) == STATUS_OK) {
                assert_int_equal(is.exists, was.exists);
                assert_true(str_eq(is.fields, was.fields));
            }
        }
    } else if (!refused) {
        fail_msg("the start shows %d entries of %d and says nothing", (int)kit_view(&kit),
                 (int)kit_view(whole));
    }
    kit_dispose(&kit);
    return refused;
}

static bool damaged_wal(struct vfs *disk, const char *name)
{
    struct wal_report report;
    struct status st = status_init(NULL);
    return strcmp(name, "ledger.db-wal") == 0 && wal_check(&report, name, disk, false, &st) == STATUS_OK &&
           report.damaged;
}

enum { START_EVERY = 64 }; /* with all bits: a start for one flip in so many, verify for each */

static void flip_one(struct kit *whole, struct vfs *disk, const char *name, size_t bit, const char *original,
                     struct tally *t)
{
    bool all = getenv("CINDERLOG_ALL_BITS") != NULL;
    flip(disk, name, bit); /* and back below: verify changes nothing */
    t->flips++;
    /* What verify asks first; with all bits, its answer is enough. */
    bool intact = !(all && damaged_wal(disk, name)) && verify_says_intact(disk);
    if (intact) {
        char *dump = kit_dump(disk);
        if (!dump || strcmp(dump, original) != 0)
            fail_msg("bit %zu of %s changes the content and is not found", bit, name);
        free(dump);
        t->harmless++;
    } else {
        t->found++;
    }
    /* The start looks less closely (it must be quick); what it accepts it must still serve right. */
    if (!all || bit % START_EVERY == 0) {
        t->starts++;
        t->found_at_start += start_refuses(whole, vfs_clone(disk));
    }
    flip(disk, name, bit);
}

static size_t flip_all(struct kit *whole, struct vfs *disk, const char *name, size_t stride)
{
    struct tally t = { 0 };
    char *original = kit_dump(disk);
    size_t bits = vfs_size(disk, name) * 8;
    assert_non_null(original);
    assert_true(bits > 0);
    if (getenv("CINDERLOG_ALL_BITS"))
        stride = 1;
    for (size_t bit = stride / 2; bit < bits; bit += stride)
        flip_one(whole, disk, name, bit, original, &t);
    print_message(
        "%s: %zu of %zu bits flipped, %zu found by verify, %zu harmless; %zu starts, %zu of them refused\n",
        name, t.flips, bits, t.found, t.harmless, t.starts, t.found_at_start);
    assert_int_equal(t.found + t.harmless, t.flips);
    free(original);
    return t.found;
}

static void a_closed_ledger(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    fill(&kit, 20);
    kit_close(&kit);
    struct vfs *disk = vfs_clone(kit.vfs);
    kit_must_open(&kit);
    assert_true(flip_all(&kit, disk, "ledger.db", 263) > 0);
    vfs_free(disk);
    kit_dispose(&kit);
}

static void a_hot_wal(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    fill(&kit, 20);
    struct vfs *disk = vfs_clone(kit.vfs); /* kill -9: everything is in the WALs */
    assert_true(flip_all(&kit, disk, "ledger.db-wal", 1487) > 0);
    vfs_free(disk);
    kit_dispose(&kit);
}

/* As the writer leaves it in a long run: the front of the WAL is copied back already. */
static void a_hot_wal_partly_copied_back(void **state)
{
    (void)state;
    struct kit kit;
    sqlite3 *db;
    kit_init(&kit, false);
    fill(&kit, 14);
    assert_int_equal(sqlite3_open_v2("ledger.db", &db, SQLITE_OPEN_READWRITE, vfs_name(kit.vfs)), SQLITE_OK);
    /* A connection that has read nothing yet has no WAL to copy. */
    assert_int_equal(sqlite3_exec(db, "SELECT count(*) FROM entry", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    assert_true(vfs_size(kit.vfs, "ledger.db") > 2 * 4096);
    for (int i = 0; i < 6; i++)
        kit_put(&kit, "c/2", "afterwards");
    struct vfs *disk = vfs_clone(kit.vfs);
    sqlite3_close(db);
    assert_true(flip_all(&kit, disk, "ledger.db-wal", 1487) > 0);
    flip_all(&kit, disk, "ledger.db", 907); /* every page of it is in the WAL too: harmless */
    vfs_free(disk);
    kit_dispose(&kit);
}

/* Derived state may be rebuilt, never believed: after any flip in its WAL a start shows the right documents.
 */
static void the_wal_of_derived_state(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    fill(&kit, 20);
    struct vfs *disk = vfs_clone(kit.vfs);
    size_t bits = vfs_size(disk, "derived.db-wal") * 8, n = 0,
           stride = getenv("CINDERLOG_ALL_BITS") ? START_EVERY : 2411;
    log_set_level(LOG_ERROR);
    for (size_t bit = stride / 2; bit < bits; bit += stride, n++) {
        struct vfs *flipped = vfs_clone(disk);
        flip(flipped, "derived.db-wal", bit);
        if (start_refuses(&kit, flipped))
            fail_msg("bit %zu of derived.db-wal: the start refuses", bit);
    }
    print_message("derived.db-wal: %zu of %zu bits flipped, every start right\n", n, bits);
    vfs_free(disk);
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_ledger),
        cmocka_unit_test(a_hot_wal),
        cmocka_unit_test(a_hot_wal_partly_copied_back),
        cmocka_unit_test(the_wal_of_derived_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

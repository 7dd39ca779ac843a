/* test_recovery.c - what a start finds: derived state missing, behind, foreign, ahead; kill -9; damage in a
 * WAL. */
#include "storage/kit.h"
#include "storage/wal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void put_many(struct kit *kit, int from, int to)
{
    char path[24], body[24];
    for (int i = from; i < to; i++) {
        snprintf(path, sizeof path, "c/%03d", i % 40);
        snprintf(body, sizeof body, "v%d", i);
        if (i % 7 == 6)
            kit_delete(kit, path);
        else
            assert_int_equal(kit_put(kit, path, body), STATUS_OK);
    }
}

static const char *show(struct kit *kit)
{
    struct store_scan_range range = { .collection_id = STR("c") };
    return kit_scan_at(kit, kit_view(kit), &range);
}

static void expect_same(struct kit *kit, const char *shown)
{
    struct store_verify_report report;
    assert_string_equal(show(kit), shown);
    if (!kit_intact(kit, &report))
        fail_msg("%s", report.what);
}

static size_t progress_calls;
static void on_progress(void *data, const char *what, uint64_t done, uint64_t total)
{
    (void)data, (void)what;
    assert_true(done <= total);
    progress_calls++;
}

static void a_missing_derived_file_is_rebuilt(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    put_many(&kit, 0, 100);
    const char *shown = show(&kit);
    kit_close(&kit);
    vfs_remove(kit.vfs, "derived.db");
    progress_calls = 0;
    kit.options.progress = on_progress;
    kit_must_open(&kit);
    expect_same(&kit, shown);
    kit_dispose(&kit);
}

static void a_derived_file_that_is_behind_catches_up(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) { /* the old state with its WAL, or closed */
        struct kit kit;
        kit_init(&kit, false);
        kit_must_open(&kit);
        put_many(&kit, 0, 50);
        if (!open)
            kit_close(&kit);
        struct vfs *old = vfs_clone(kit.vfs);
        if (!open)
            kit_must_open(&kit);
        put_many(&kit, 50, 100);
        const char *shown = show(&kit);
        kit_close(&kit);
        kit_take_file(&kit, old, "derived.db");
        kit_take_file(&kit, old, "derived.db-wal");
        vfs_free(old);
        kit_must_open(&kit);
        expect_same(&kit, shown);
        kit_dispose(&kit);
    }
}

static void a_foreign_or_broken_derived_file_is_rebuilt(void **state)
{
    (void)state;
    enum { FOREIGN, TEXT, VERSION, CHAIN, HALF, CASES };
    for (int kind = 0; kind < CASES; kind++) {
        struct kit kit, other;
        kit_init(&kit, false);
        kit_must_open(&kit);
        put_many(&kit, 0, 60);
        const char *shown = show(&kit);
        kit_close(&kit);
        kit_init(&other, false);
        kit_must_open(&other);
        put_many(&other, 0, 30);
        kit_close(&other);
        static const char text[4096] = "not a database at all";
        if (kind == FOREIGN)
            kit_take_file(&kit, other.vfs, "derived.db");
        else if (kind == TEXT)
            vfs_poke(kit.vfs, "derived.db", 0, text, sizeof text);
        else if (kind == VERSION)
            kit_tamper(&kit, "derived.db", "PRAGMA user_version = 77");
        else if (kind == CHAIN)
            kit_tamper(&kit, "derived.db", "UPDATE state SET chain = zeroblob(32)");
        else
            kit_tamper(&kit, "derived.db", "DELETE FROM state");
        kit_must_open(&kit);
        expect_same(&kit, shown);
        kit_dispose(&other);
        kit_dispose(&kit);
    }
}

/* The ledger lost what derived state knows to have been acknowledged. */
static void a_ledger_behind_its_derived_file_is_data_loss_with_the_range(void **state)
{
    (void)state;
    struct kit kit;
    struct status st;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/a", "1");
    kit_put(&kit, "c/a", "2");
    struct vfs *old = vfs_clone(kit.vfs);
    kit_put(&kit, "c/a", "3");
    kit_put(&kit, "c/a", "4");
    kit_close(&kit);
    kit_take_file(&kit, old, "ledger.db");
    kit_take_file(&kit, old, "ledger.db-wal");
    vfs_free(old);
    assert_int_equal(kit_open(&kit, &st), STATUS_DATA_LOSS);
    assert_non_null(strstr(status_message(&st), "entries 3 to 4"));
    struct store_verify_report report;
    assert_false(kit_intact(&kit, &report));
    assert_int_equal(report.first_bad_seq, 3);
    /* Going on without them is the operator's decision: */
    vfs_remove(kit.vfs, "derived.db");
    vfs_remove(kit.vfs, "derived.db-wal");
    kit_must_open(&kit);
    kit_expect(&kit, "c/a", "2");
    kit_dispose(&kit);
}

static void a_damaged_newest_entry_is_data_loss_naming_it(void **state)
{
    (void)state;
    struct kit kit;
    struct status st;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/a", "1");
    kit_put(&kit, "c/a", "2");
    kit_close(&kit);
    kit_tamper(&kit, "ledger.db", "UPDATE entry SET decision = 'x' WHERE seq = 2");
    assert_int_equal(kit_open(&kit, &st), STATUS_DATA_LOSS);
    assert_non_null(strstr(status_message(&st), "entry 2"));
    kit_dispose(&kit);
}

static void a_damaged_body_is_never_served(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/a", "1");
    kit_put(&kit, "c/b", "2");
    kit_close(&kit);
    kit_tamper(&kit, "ledger.db", "UPDATE body SET bytes = x'33' WHERE seq = 1");
    kit_must_open(&kit);
    struct status st = status_init(kit.arena);
    struct store_document doc;
    assert_int_equal(store_get(kit.reader, 2, DEMO, STR("c/a"), kit.arena, &doc, &st), STATUS_DATA_LOSS);
    assert_non_null(strstr(status_message(&st), "entry 1"));
    assert_false(doc.exists);
    kit_expect(&kit, "c/b", "2");
    kit_dispose(&kit);
}

/* ---- kill -9 while 8 threads write ---- */

enum { WRITERS = 8 };
struct load {
    struct kit *kit;
    int id;
    atomic_int *acknowledged; /* per writer: how many of its documents are in */
    atomic_bool *stop;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
};

static void load_done(struct store_commit *c)
{
    struct load *l = c->user;
    pthread_mutex_lock(&l->mutex);
    l->done = true;
    pthread_cond_signal(&l->cond);
    pthread_mutex_unlock(&l->mutex);
}

static void *load_run(void *data)
{
    struct load *l = data;
    for (int n = 0; n < 4000 && !atomic_load(l->stop); n++) {
        char a[24], b[24];
        snprintf(a, sizeof a, "a/%d-%d", l->id, n);
        snprintf(b, sizeof b, "b/%d-%d", l->id, n);
        struct store_op ops[] = { { .kind = STORE_PUT, .path = str_of(a), .fields = str_of(a) },
                                  { .kind = STORE_PUT, .path = str_of(b), .fields = str_of(b) } };
        struct store_commit c = {
            .db = DEMO, .ops = ops, .n_ops = 2, .done = load_done, .user = l, .status = status_init(NULL)
        };
        l->done = false;
        store_submit(l->kit->store, &c);
        pthread_mutex_lock(&l->mutex);
        while (!l->done)
            pthread_cond_wait(&l->cond, &l->mutex);
        pthread_mutex_unlock(&l->mutex);
        assert_int_equal(c.status.code, STATUS_OK);
        atomic_store(&l->acknowledged[l->id], n + 1);
    }
    return NULL;
}

/* Every acknowledged commit is there whole, and no other one by half. */
static void check_survivors(struct kit *after, const int *acknowledged, bool power_cut)
{
    struct store_verify_report report;
    /* A power cut may leave holes in the WAL of derived state; it is rebuilt then. */
    if (!kit_intact(after, &report) && !(power_cut && strstr(report.what, "derived")))
        fail_msg("%s", report.what);
    kit_must_open(after);
    for (int w = 0; w < WRITERS; w++)
        for (int n = 0; n < acknowledged[w] + 2; n++) {
            char a[24], b[24];
            snprintf(a, sizeof a, "a/%d-%d", w, n);
            snprintf(b, sizeof b, "b/%d-%d", w, n);
            bool exists = kit_get(after, a).exists;
            assert_int_equal(exists, kit_get(after, b).exists);
            if (n < acknowledged[w])
                assert_true(exists);
            if (exists) {
                kit_expect(after, a, a);
                kit_expect(after, b, b);
            }
        }
    if (!kit_intact(after, &report))
        fail_msg("after recovery: %s", report.what);
}

static void crash_rounds(enum store_durability durability, bool power_cut, int rounds)
{
    struct kit kit;
    atomic_int acknowledged[WRITERS] = { 0 };
    atomic_bool stop = false;
    struct load loads[WRITERS];
    pthread_t threads[WRITERS];
    kit_init(&kit, false);
    if (power_cut)
        vfs_track_syncs(kit.vfs);
    kit.options.durability = durability;
    kit_must_open(&kit);
    for (int i = 0; i < WRITERS; i++) {
        loads[i] =
            (struct load){ &kit, i, acknowledged, &stop, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                           false };
        pthread_create(&threads[i], NULL, load_run, &loads[i]);
    }
    for (int round = 0; round < rounds; round++) {
        int before[WRITERS];
        for (int spin = 0; spin < 2000 && atomic_load(&acknowledged[0]) < (round + 1) * 3; spin++)
            sqlite3_sleep(1);
        for (int i = 0; i < WRITERS; i++)
            before[i] = atomic_load(&acknowledged[i]);
        struct kit after;
        kit_init(&after, false);
        kit_use_disk(&after, power_cut ? vfs_clone_power_cut(kit.vfs, (uint64_t)round) : vfs_clone(kit.vfs));
        check_survivors(&after, before, power_cut);
        kit_dispose(&after);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    kit_dispose(&kit);
}

static void kill_9_loses_nothing_acknowledged(void **state)
{
    (void)state;
    crash_rounds(STORE_DURABILITY_PROCESS, false, 6);
}

static void a_power_cut_loses_nothing_acknowledged_under_power(void **state)
{
    (void)state;
    crash_rounds(STORE_DURABILITY_POWER, true, 6);
}

/* The same with a real process, real files and a real SIGKILL. */
static void a_killed_process_leaves_what_it_acknowledged(void **state)
{
    (void)state;
    struct kit kit;
    int next = 0;
    kit_init(&kit, true);
    for (int round = 0; round < 4; round++) {
        int pipes[2], acknowledged = next - 1, i;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            kit_must_open(&kit);
            for (i = next;; i++) {
                char path[24];
                snprintf(path, sizeof path, "c/%d", i);
                if (kit_put(&kit, path, path) != STATUS_OK || write(pipes[1], &i, sizeof i) != sizeof i)
                    _exit(1);
            }
        }
        close(pipes[1]);
        while (read(pipes[0], &i, sizeof i) == sizeof i) {
            acknowledged = i;
            if (i >= next + 100 * (round + 1))
                kill(child, SIGKILL);
        }
        close(pipes[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct store_verify_options verify = { .data = kit.directory };
        struct store_verify_report report;
        struct status st = status_init(kit.arena);
        if (store_verify(&verify, kit.arena, &report, &st) || !report.intact)
            fail_msg("%s%s", report.what ? report.what : "", status_message(&st));
        kit_must_open(&kit);
        for (i = 0; i <= acknowledged; i++) {
            char path[24];
            snprintf(path, sizeof path, "c/%d", i);
            kit_expect(&kit, path, path);
        }
        next = (int)kit_view(&kit);
        assert_true(next > acknowledged);
        kit_close(&kit);
    }
    kit_dispose(&kit);
}

/* Under `process` a power cut may take commits, but never by half, and never unnoticed where derived state
 * knows. */
static void a_power_cut_under_process_leaves_a_beginning_or_says_so(void **state)
{
    (void)state;
    int opened = 0, refused = 0;
    struct kit kit;
    kit_init(&kit, false);
    vfs_track_syncs(kit.vfs);
    kit_must_open(&kit);
    put_many(&kit, 0, 80);
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct kit after;
        struct status st;
        struct store_verify_report report;
        kit_init(&after, false);
        kit_use_disk(&after, vfs_clone_power_cut(kit.vfs, seed));
        if (vfs_size(after.vfs, "ledger.db") == 0) { /* it was never synced: as if never made */
            kit_dispose(&after);
            continue;
        }
        if (kit_open(&after, &st) == STATUS_OK) {
            opened++;
            if (!kit_intact(&after, &report))
                fail_msg("seed %d: %s", (int)seed, report.what);
        } else {
            assert_int_equal(st.code, STATUS_DATA_LOSS);
            refused++;
        }
        kit_dispose(&after);
    }
    print_message("process, power cut: %d opened with a beginning, %d refused with what is missing\n", opened,
                  refused);
    kit_dispose(&kit);
}

/* ---- the WAL ---- */

static void flip(struct vfs *vfs, const char *name, size_t bit)
{
    unsigned char byte;
    assert_true(vfs_peek(vfs, name, bit / 8, &byte, 1));
    byte = (unsigned char)(byte ^ 1u << bit % 8);
    assert_true(vfs_poke(vfs, name, bit / 8, &byte, 1));
}

static void damage_in_the_middle_of_a_hot_wal_is_found_before_sqlite_cuts_it(void **state)
{
    (void)state;
    struct kit kit, after;
    struct status st;
    struct wal_report report;
    kit_init(&kit, false);
    kit_must_open(&kit);
    put_many(&kit, 0, 50);
    kit_init(&after, false);
    kit_use_disk(&after, vfs_clone(kit.vfs));
    st = status_init(after.arena);
    assert_int_equal(wal_check(&report, "ledger.db-wal", after.vfs, false, &st), STATUS_OK);
    assert_false(report.damaged);
    assert_int_equal(report.bad_frame, 0);
    assert_int_equal(report.frames, (vfs_size(after.vfs, "ledger.db-wal") - 32) / 4120);
    flip(after.vfs, "ledger.db-wal", 8 * (32 + 4120 * (report.frames / 2) + 2000));
    size_t size = vfs_size(after.vfs, "ledger.db-wal");
    assert_int_equal(kit_open(&after, &st), STATUS_DATA_LOSS);
    assert_non_null(strstr(status_message(&st), "-wal is damaged at frame"));
    assert_int_equal(vfs_size(after.vfs, "ledger.db-wal"), size); /* the evidence is untouched */
    kit_dispose(&after);
    kit_dispose(&kit);
}

static void a_damaged_wal_of_derived_state_is_only_rebuilt(void **state)
{
    (void)state;
    struct kit kit, after;
    kit_init(&kit, false);
    kit_must_open(&kit);
    put_many(&kit, 0, 50);
    const char *shown = show(&kit);
    kit_init(&after, false);
    kit_use_disk(&after, vfs_clone(kit.vfs));
    flip(after.vfs, "derived.db-wal", 8 * (vfs_size(after.vfs, "derived.db-wal") / 2));
    kit_must_open(&after);
    expect_same(&after, shown);
    kit_dispose(&after);
    kit_dispose(&kit);
}

static void a_torn_last_transaction_is_no_damage(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    put_many(&kit, 0, 10);
    size_t before = vfs_size(kit.vfs, "ledger.db-wal");
    struct vfs *old = vfs_clone(kit.vfs);
    put_many(&kit, 10, 11);
    size_t after = vfs_size(kit.vfs, "ledger.db-wal");
    assert_true(after > before);
    /* Killed while the last transaction was being written: derived state did not have it yet. */
    for (size_t cut = before; cut < after; cut += 1000) {
        struct kit torn;
        struct store_verify_report report;
        unsigned char byte;
        kit_init(&torn, false);
        kit_use_disk(&torn, vfs_clone(old));
        for (size_t i = before; i < cut; i++) {
            assert_true(vfs_peek(kit.vfs, "ledger.db-wal", i, &byte, 1));
            assert_true(vfs_poke(torn.vfs, "ledger.db-wal", i, &byte, 1));
        }
        if (!kit_intact(&torn, &report))
            fail_msg("cut at %zu: %s", cut, report.what);
        kit_must_open(&torn);
        assert_int_equal(kit_view(&torn), 10 - 1); /* one of the ten deleted nothing */
        kit_dispose(&torn);
    }
    vfs_free(old);
    kit_dispose(&kit);
}

static void the_log_follows_a_running_store(void **state)
{
    (void)state;
    struct kit kit;
    struct store_log *log;
    struct store_entry e;
    bool found;
    kit_init(&kit, true);
    kit_must_open(&kit);
    kit_put(&kit, "c/a", "1");
    struct status st = status_init(kit.arena);
    assert_int_equal(store_log_open(&log, kit.directory, &st), STATUS_OK);
    assert_int_equal(store_log_next(log, 0, kit.arena, &e, &found, &st), STATUS_OK);
    assert_true(found && e.seq == 1 && str_eq_z(e.path, "c/a") && str_eq_z(e.body, "1"));
    assert_int_equal(store_log_next(log, 1, kit.arena, &e, &found, &st), STATUS_OK);
    assert_false(found);
    kit_put(&kit, "c/a", "2");
    assert_int_equal(store_log_next(log, 1, kit.arena, &e, &found, &st), STATUS_OK);
    assert_true(found && e.seq == 2 && e.prev == 1);
    store_log_close(log);
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_derived_file_is_rebuilt),
        cmocka_unit_test(a_derived_file_that_is_behind_catches_up),
        cmocka_unit_test(a_foreign_or_broken_derived_file_is_rebuilt),
        cmocka_unit_test(a_ledger_behind_its_derived_file_is_data_loss_with_the_range),
        cmocka_unit_test(a_damaged_newest_entry_is_data_loss_naming_it),
        cmocka_unit_test(a_damaged_body_is_never_served),
        cmocka_unit_test(kill_9_loses_nothing_acknowledged),
        cmocka_unit_test(a_power_cut_loses_nothing_acknowledged_under_power),
        cmocka_unit_test(a_killed_process_leaves_what_it_acknowledged),
        cmocka_unit_test(a_power_cut_under_process_leaves_a_beginning_or_says_so),
        cmocka_unit_test(damage_in_the_middle_of_a_hot_wal_is_found_before_sqlite_cuts_it),
        cmocka_unit_test(a_damaged_wal_of_derived_state_is_only_rebuilt),
        cmocka_unit_test(a_torn_last_transaction_is_no_damage),
        cmocka_unit_test(the_log_follows_a_running_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_sort.c - the sorter: what it gives out is what qsort would, in memory and through its temporary file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/limits.h"
#include "storage/run.h"
#include "storage/sort.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TINY = 16 * 1024, MANY = 50000 };

static void work_off(struct sorter *sorter)
{
    struct status st = status_init(NULL);
    while (sorter_busy(sorter))
        assert_int_equal(sorter_work(sorter, &st), STATUS_OK);
}

static enum status_code add(struct sorter *sorter, const char *key, size_t body, struct status *st)
{
    static char bytes[LIMIT_SORT_INLINE];
    struct sort_row row = {
        .key = str_of(key), .path = str_of(key), .has_fields = true, .fields = { bytes, body }
    };
    work_off(sorter);
    return sorter_add(sorter, &row, st);
}

static void finish(struct sorter *sorter)
{
    struct status st = status_init(NULL);
    work_off(sorter);
    assert_int_equal(sorter_finish(sorter, &st), STATUS_OK);
}

static const struct sort_row *next(struct sorter *sorter)
{
    struct status st = status_init(NULL);
    const struct sort_row *row;
    assert_int_equal(sorter_next(sorter, &row, &st), STATUS_OK);
    return row;
}

static void the_least_rows_are_held(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct sorter *sorter = sorter_new(3, 1 << 20, NULL);
    static const char *const keys[] = { "f", "b", "a", "e", "d", "c", "" };
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(add(sorter, keys[i], 10, &st), 0);
    finish(sorter);
    assert_true(str_eq_z(next(sorter)->key, ""));
    assert_true(str_eq_z(next(sorter)->key, "a"));
    assert_true(str_eq_z(next(sorter)->key, "b"));
    assert_null(next(sorter));
    assert_null(next(sorter));
    sorter_free(sorter);
}

static void a_limit_of_nothing_is_empty(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct sorter *sorter = sorter_new(0, 1 << 20, NULL);
    assert_int_equal(add(sorter, "a", 10, &st), 0);
    finish(sorter);
    assert_null(next(sorter));
    sorter_free(sorter);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts `n` random rows of about `body` bytes in TINY memory; expects the `limit` least of them. */
static void sort_through_a_file(size_t n, size_t body, uint64_t limit)
{
    struct status st = status_init(NULL);
    struct arena *arena = arena_new();
    char **keys = ARENA_ARRAY(arena, char *, n);
    struct sorter *sorter = sorter_new(limit, TINY, NULL);
    srand(7);
    for (size_t i = 0; i < n; i++) {
        keys[i] = arena_printf(arena, "%d-%zu", rand() % 1000, i);
        assert_int_equal(add(sorter, keys[i], (size_t)rand() % body, &st), STATUS_OK);
    }
    finish(sorter);
    qsort(keys, n, sizeof *keys, compare_texts);
    for (size_t i = 0; i < n && i < limit; i++) {
        const struct sort_row *row = next(sorter);
        assert_non_null(row);
        assert_true(str_eq_z(row->key, keys[i]) && str_eq_z(row->path, keys[i]));
    }
    assert_null(next(sorter));
    sorter_free(sorter);
    arena_free(arena);
}

/* 500 runs of TINY and more: some are merged several times. */
static void many_rows_are_in_order(void **state)
{
    (void)state;
    sort_through_a_file(MANY, 400, UINT64_MAX);
}

static void a_limit_beyond_memory_is_kept(void **state)
{
    (void)state;
    sort_through_a_file(MANY, 400, MANY / 2);
    sort_through_a_file(5000, 400, 4999);
}

static void rows_larger_than_a_buffer_are_read_back(void **state)
{
    (void)state;
    sort_through_a_file(300, LIMIT_SORT_INLINE, UINT64_MAX);
}

static void rows_come_back_whole(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct spill *spill;
    struct run run;
    struct run_writer writer;
    struct run_merge *merge;
    const struct sort_row *got;
    const struct sort_row row = { STR_INIT("k\0k"), STR_INIT("c/d"), STR_INIT("bytes"), true,
                                  { -5, 7 },        { 6, 8 } };
    assert_int_equal(spill_open(&spill, NULL, &st), STATUS_OK);
    run_begin(&writer, spill);
    assert_int_equal(run_put(&writer, &row, &st), STATUS_OK);
    assert_int_equal(run_end(&run, &writer, &st), STATUS_OK);
    run_writer_dispose(&writer);
    assert_int_equal(run_merge_open(&merge, spill, &run, 1, &st), STATUS_OK);
    assert_int_equal(run_merge_next(merge, &got, &st), STATUS_OK);
    assert_true(str_eq(got->key, row.key) && str_eq(got->path, row.path) && str_eq(got->fields, row.fields));
    assert_true(got->has_fields);
    assert_int_equal(got->create_time.seconds, -5);
    assert_int_equal(got->create_time.nanos, 7);
    assert_int_equal(got->update_time.seconds, 6);
    assert_int_equal(got->update_time.nanos, 8);
    assert_int_equal(run_merge_next(merge, &got, &st), STATUS_OK);
    assert_null(got);
    run_merge_close(merge);
    spill_close(spill);
}

static void a_temporary_file_has_no_name_and_is_ours_alone(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct spill *spill;
    char folder[] = "/tmp/cinderlog-test-XXXXXX", beside[64];
    assert_non_null(mkdtemp(folder));
    snprintf(beside, sizeof beside, "%s/ledger.db", folder);
    assert_int_equal(spill_open(&spill, beside, &st), STATUS_OK);
    assert_int_equal(spill_write(spill, "abc", 3, &st), STATUS_OK);
    char back[2];
    assert_int_equal(spill_read(spill, 1, back, 2, &st), STATUS_OK);
    assert_memory_equal(back, "bc", 2);
    assert_int_equal(spill_read(spill, 2, back, 2, &st), STATUS_UNAVAILABLE);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
    spill_close(spill);
}

static void another_place_is_taken_when_the_first_is_closed(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    struct spill *spill;
    assert_int_equal(spill_open(&spill, "/proc/no/such/ledger.db", &st), STATUS_OK);
    spill_close(spill);
}

/* No file can be opened at all, as where nothing can be written. */
static void without_a_file_memory_must_do_up_to_its_limit(void **state)
{
    (void)state;
    struct rlimit before, none;
    struct status st = status_init(NULL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sorter *sorter = sorter_new(UINT64_MAX, TINY, NULL);
    int n = 0;
    char key[16];
    do {
        snprintf(key, sizeof key, "%08d", n * 7919 % 100000);
    } while (add(sorter, key, LIMIT_SORT_INLINE, &st) == STATUS_OK && ++n < 100000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(st.code, STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(status_message(&st), "let TMPDIR name a directory that can be written to"));
    assert_true(n > LIMIT_SORT_BYTES / LIMIT_SORT_INLINE * 9 / 10);
    sorter_free(sorter);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_least_rows_are_held),
        TEST(a_limit_of_nothing_is_empty),
        TEST(many_rows_are_in_order),
        TEST(a_limit_beyond_memory_is_kept),
        TEST(rows_larger_than_a_buffer_are_read_back),
        TEST(rows_come_back_whole),
        TEST(a_temporary_file_has_no_name_and_is_ours_alone),
        TEST(another_place_is_taken_when_the_first_is_closed),
        TEST(without_a_file_memory_must_do_up_to_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

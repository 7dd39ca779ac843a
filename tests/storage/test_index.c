/* test_index.c - field indexes: built in slices, kept up by writes, used, given up, checked. That queries
 * answer the same with and without them is said by the cases of query_driver_indexed. */
#include "storage/kit.h"
#include "storage/query_kit.h"

#include "storage/index_read.h"

#include <stdio.h>
#include <stdlib.h>

static struct kit kit;

static int setup(void **state)
{
    (void)state;
    kit_init(&kit, false);
    kit_must_open(&kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_dispose(&kit);
    return 0;
}

static void submit(const struct store_op *op)
{
    struct store_op ops[] = { *op };
    struct store_commit commit = {
        .db = QUERY_DB, .ops = ops, .n_ops = 1, .principal = STR("owner"), .status = status_init(kit.arena)
    };
    kit_submit(&kit, &commit);
    assert_int_equal(commit.status.code, STATUS_OK);
}

static void put(const char *path, const char *fields)
{
    struct value_map map = kit_fields(kit.arena, fields);
    struct buf bytes;
    buf_init(&bytes, LIMIT_MESSAGE_BYTES);
    assert_true(protobuf_encode_fields(&bytes, &map));
    submit(&(struct store_op){ .kind = STORE_PUT, .path = str_of(path), .fields = buf_view(&bytes) });
    buf_dispose(&bytes);
}

static void put_n(int id, int n)
{
    char path[32], fields[64];
    snprintf(path, sizeof path, "c/%03d", id);
    snprintf(fields, sizeof fields, "{'n':{'integerValue':%d}}", n);
    put(path, fields);
}

static void put_numbers(int count)
{
    for (int i = 0; i < count; i++)
        put_n(i, i % 5);
}

static void drop(int id)
{
    char path[32];
    snprintf(path, sizeof path, "c/%03d", id);
    submit(&(struct store_op){ .kind = STORE_DELETE, .path = str_of(path) });
}

static void clear(void)
{
    submit(&(struct store_op){ .kind = STORE_EPOCH });
}

static struct index_name name_of(const char *field)
{
    static struct str segment;
    segment = str_of(field);
    return (struct index_name){ QUERY_DB, STR("c"), { &segment, 1 }, false };
}

static void wish(const char *field)
{
    struct index_name name = name_of(field);
    store_index_wish(kit.reader, kit_view(&kit), &name);
}

static void work(void)
{
    while (index_work(kit.store))
        continue;
}

static bool has_index(const char *field)
{
    struct index_name name = name_of(field);
    struct field_index *x = store_index_hold(kit.reader, kit_view(&kit), &name);
    if (x)
        store_index_release(kit.reader, x);
    return x != NULL;
}

static void expect_intact(void)
{
    struct store_verify_report report;
    if (!kit_intact(&kit, &report))
        fail_msg("%s", report.what);
}

/* The number of answers to n == `n`, and how many rows of an index were read for them. */
static int ask(int n, uint64_t view, uint64_t *rows)
{
    struct status st = status_init(kit.arena);
    struct query *query;
    struct document doc;
    int answers = 0;
    const struct query_plan *plan = kit_plan(
        kit.arena,
        arena_printf(kit.arena,
                     "{'from':[{'collectionId':'c'}],'where':{'fieldFilter':{'field':{'fieldPath':'n'},"
                     "'op':'EQUAL','value':{'integerValue':%d}}}}",
                     n));
    assert_int_equal(query_open(&query, plan, kit.reader, view, &st), 0);
    for (; query_next(query, kit.reader, kit.arena, &doc, &st) == STATUS_OK && doc.name.n; answers++)
        continue;
    assert_int_equal(st.code, STATUS_OK);
    *rows = query_explain(query).index_entries_scanned;
    query_close(query);
    return answers;
}

static void expect_answers(int n, int answers, bool indexed)
{
    uint64_t rows;
    assert_int_equal(ask(n, kit_view(&kit), &rows), answers);
    assert_int_equal(rows, indexed ? answers : 0);
}

static void only_what_matches_is_read(void **state)
{
    (void)state;
    put_numbers(100);
    expect_answers(3, 20, false);
    wish("n");
    work();
    expect_answers(3, 20, true);
    expect_answers(7, 0, true);
    expect_intact();
}

static void a_wish_that_cannot_be_does_not_stop_the_next(void **state)
{
    (void)state;
    put_numbers(10);
    wish("__x__"); /* no query has such a field */
    work();
    wish("n");
    work();
    expect_answers(3, 2, true);
    kit_close(&kit);
    kit_must_open(&kit);
    expect_answers(3, 2, true);
    expect_intact();
}

static void writes_keep_it_up(void **state)
{
    (void)state;
    uint64_t rows, before;
    put_numbers(50);
    wish("n");
    work();
    before = kit_view(&kit);
    put_n(3, 7);  /* another value */
    put_n(8, 3);  /* the same one */
    put_n(99, 3); /* a new document */
    drop(13);
    drop(18);
    put_n(18, 3);                             /* a second life */
    put("c/023", "{'m':{'integerValue':3}}"); /* without the field */
    expect_answers(3, 8, true);
    expect_answers(7, 1, true);
    assert_int_equal(ask(3, before, &rows), 10); /* as it was */
    assert_int_equal(rows, 10);
    expect_intact();
}

static void a_view_older_than_the_index_is_scanned(void **state)
{
    (void)state;
    uint64_t rows, before;
    put_numbers(10);
    before = kit_view(&kit);
    put_n(3, 7);
    wish("n");
    work();
    assert_int_equal(ask(3, before, &rows), 2);
    assert_int_equal(rows, 0);
}

/* Between any two slices documents change that the builder has passed, and that it has not. */
static void writes_while_it_is_built_are_in_it(void **state)
{
    (void)state;
    srand(11);
    put_numbers(300);
    wish("n");
    bool more = true;
    for (int step = 0; more; step++) {
        more = index_work(kit.store);
        for (int i = 0; i < 10; i++) {
            if (rand() % 4)
                put_n(rand() % 350, rand() % 6);
            else
                drop(rand() % 350);
        }
    }
    assert_true(has_index("n"));
    expect_intact();
    for (int n = 0; n < 6; n++) {
        uint64_t rows;
        int indexed = ask(n, kit_view(&kit), &rows), scanned = 0;
        for (int id = 0; id < 350; id++) {
            char path[32];
            struct store_document doc;
            struct value_map fields;
            struct status st = status_init(kit.arena);
            snprintf(path, sizeof path, "c/%03d", id);
            assert_int_equal(
                store_get(kit.reader, kit_view(&kit), QUERY_DB, str_of(path), kit.arena, &doc, &st), 0);
            if (doc.exists && protobuf_decode_fields(&fields, kit.arena, doc.fields, &st) == STATUS_OK)
                scanned += value_map_get(&fields, STR("n"))->integer == n;
        }
        assert_int_equal(indexed, scanned);
        assert_int_equal(rows, indexed);
    }
}

static void it_is_there_after_a_restart(void **state)
{
    (void)state;
    put_numbers(100);
    wish("n");
    work();
    kit_close(&kit);
    kit_must_open(&kit);
    expect_answers(3, 20, true);
    put_n(3, 4);
    expect_answers(3, 19, true);
    expect_intact();
}

static void a_half_built_one_is_finished_after_a_restart(void **state)
{
    (void)state;
    put_numbers(200);
    wish("n");
    index_work(kit.store); /* begun */
    index_work(kit.store); /* some rows */
    kit_close(&kit);
    kit_must_open(&kit);
    put_n(3, 7);
    work();
    assert_true(has_index("n"));
    expect_answers(3, 39, true);
    expect_intact();
}

/* The derived file of an earlier moment beside the ledger of a later one: what a crash between the two
 * leaves. */
static void what_a_crash_cut_off_is_replayed_into_it(void **state)
{
    (void)state;
    put_numbers(50);
    wish("n");
    work();
    struct vfs *old = vfs_clone(kit.vfs);
    put_n(3, 7);
    drop(8);
    put_n(60, 3);
    kit_close(&kit);
    kit_take_file(&kit, old, "derived.db");
    kit_take_file(&kit, old, "derived.db-wal");
    vfs_free(old);
    kit_must_open(&kit);
    expect_answers(3, 9, true);
    expect_answers(7, 1, true);
    expect_intact();
}

static int64_t count(const char *table)
{
    struct status st = status_init(kit.arena);
    int64_t n = -1;
    assert_int_equal(
        db_number(&n, kit.store->derived.db, arena_printf(kit.arena, "SELECT count(*) FROM %s", table), &st),
        STATUS_OK);
    return n;
}

static void a_value_too_long_ends_it(void **state)
{
    (void)state;
    char *text = arena_zalloc(kit.arena, 2 * LIMIT_INDEX_VALUE_BYTES + 100, 1);
    put_numbers(50);
    wish("n");
    work();
    int n = snprintf(text, 40, "{'n':{'stringValue':'");
    memset(text + n, 'x', LIMIT_INDEX_VALUE_BYTES);
    memcpy(text + n + LIMIT_INDEX_VALUE_BYTES, "'}}", 4);
    put("c/long", text);
    expect_answers(3, 10, false);
    work();
    assert_int_equal(count("field_row"), 0);
    wish("n"); /* is remembered, and not built again */
    work();
    assert_false(has_index("n"));
    expect_intact();
    kit_close(&kit);
    kit_must_open(&kit);
    put_n(3, 7);
    expect_answers(3, 9, false);
    expect_intact();
}

static void a_new_epoch_takes_it_away(void **state)
{
    (void)state;
    put_numbers(50);
    wish("n");
    work();
    struct index_name name = name_of("n");
    struct field_index *held = store_index_hold(kit.reader, kit_view(&kit), &name);
    uint64_t before = kit_view(&kit), rows;
    assert_non_null(held);
    clear();
    work();
    assert_int_equal(count("field_index"), 1); /* somebody reads it */
    store_index_release(kit.reader, held);
    work();
    assert_int_equal(count("field_index"), 0);
    assert_int_equal(count("field_row"), 0);
    assert_int_equal(ask(3, before, &rows), 10);
    put_numbers(5);
    expect_answers(3, 1, false);
    expect_intact();
}

static void a_query_that_looks_at_much_for_little_gets_one(void **state)
{
    (void)state;
    uint64_t rows;
    enum { MANY = 1100 };
    struct store_op *ops = ARENA_ARRAY(kit.arena, struct store_op, MANY);
    struct buf bytes;
    for (int i = 0; i < MANY; i++) {
        struct value_map map =
            kit_fields(kit.arena, arena_printf(kit.arena, "{'n':{'integerValue':%d}}", i / 2));
        buf_init(&bytes, LIMIT_MESSAGE_BYTES);
        assert_true(protobuf_encode_fields(&bytes, &map));
        ops[i] = (struct store_op){ .kind = STORE_PUT,
                                    .path = str_of(arena_printf(kit.arena, "c/%d", i)),
                                    .fields = arena_str(kit.arena, buf_view(&bytes)) };
        buf_dispose(&bytes);
    }
    struct store_commit commit = {
        .db = QUERY_DB, .ops = ops, .n_ops = MANY, .principal = STR("owner"), .status = status_init(kit.arena)
    };
    kit_submit(&kit, &commit);
    assert_int_equal(ask(7, kit_view(&kit), &rows), 2);
    assert_int_equal(rows, 0);
    work();
    expect_answers(7, 2, true);
}

static void a_change_behind_our_back_is_found(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "DELETE FROM field_row WHERE from_seq = 4",
        "DELETE FROM field_row WHERE until_seq < 1000",
        "UPDATE field_row SET until_seq = 52 WHERE from_seq = 4",
        "UPDATE field_row SET until_seq = until_seq + 1 WHERE until_seq < 1000",
        "UPDATE field_row SET row = CAST(row || x'00' AS BLOB) WHERE from_seq = 4",
        "UPDATE field_row SET value = value + 1 WHERE from_seq = 4",
        "INSERT INTO field_row SELECT id, x'0102', from_seq, until_seq, value FROM field_row LIMIT 1",
        "UPDATE field_index SET field = 'm'",
        "UPDATE field_index SET complete = 1",
    };
    put_numbers(40);
    put_n(5, 9); /* before there is an index: it knows nothing of c/005 as it was */
    wish("n");
    work();
    put_n(1, 7);
    drop(2);
    kit_close(&kit);
    expect_intact();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct store_verify_report report;
        struct vfs *whole = vfs_clone(kit.vfs);
        kit_tamper(&kit, "derived.db", changes[i]);
        if (kit_intact(&kit, &report))
            fail_msg("not found: %s", changes[i]);
        assert_non_null(strstr(report.what, "derived state differs"));
        kit_use_disk(&kit, whole);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_what_matches_is_read),
        TEST(a_wish_that_cannot_be_does_not_stop_the_next),
        TEST(writes_keep_it_up),
        TEST(a_view_older_than_the_index_is_scanned),
        TEST(writes_while_it_is_built_are_in_it),
        TEST(it_is_there_after_a_restart),
        TEST(a_half_built_one_is_finished_after_a_restart),
        TEST(what_a_crash_cut_off_is_replayed_into_it),
        TEST(a_value_too_long_ends_it),
        TEST(a_new_epoch_takes_it_away),
        TEST(a_query_that_looks_at_much_for_little_gets_one),
        TEST(a_change_behind_our_back_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_query.c - queries over the real store: pages, sorting, and going on later and elsewhere. */
#include "storage/query_kit.h"
#include "storage/query_world.h"

#include <stdio.h>

#define FROM "'from':[{'collectionId':'c'}]"
#define ORDER(f, way) "{'field':{'fieldPath':'" f "'},'direction':'" way "'}"

static struct arena *arena;
static struct world *world;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    world = world_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_free(world);
    arena_free(arena);
    return 0;
}

static void put(const char *path, const char *fields)
{
    struct value_map map = kit_fields(arena, fields);
    world_put(world, QUERY_DB, str_of(path), &map);
}

/* c/d000 ... with n: 0, 1, 2, ... and odd: n % 2. */
static void put_numbers(int count)
{
    for (int i = 0; i < count; i++) {
        char path[16], fields[80];
        snprintf(path, sizeof path, "c/d%03d", i);
        snprintf(fields, sizeof fields, "{'n':{'integerValue':%d},'odd':{'integerValue':%d}}", i, i % 2);
        put(path, fields);
    }
}

static struct query *opened(const char *json)
{
    struct query *query;
    struct status st = status_init(arena);
    assert_int_equal(
        query_open(&query, kit_plan(arena, json), world_reader(world, 0), world_view(world), &st), 0);
    return query;
}

/* The next answer's id, "" at the end. */
static const char *next_id(struct query *query, unsigned reader)
{
    struct document doc;
    struct status st = status_init(arena);
    if (query_next(query, world_reader(world, reader), arena, &doc, &st))
        fail_msg("%s", status_message(&st));
    return doc.name.n ? arena_str(arena, path_last(doc.name)).p : "";
}

static int count_rest(struct query *query)
{
    int n = 0;
    while (*next_id(query, 0))
        n++;
    return n;
}

static void every_page_is_given_once_and_in_order(void **state)
{
    (void)state;
    put_numbers(600); /* pages of 16, 32, ... 256 */
    struct query *query = opened("{" FROM "}");
    for (int i = 0; i < 600; i++) {
        char id[16];
        snprintf(id, sizeof id, "d%03d", i);
        assert_string_equal(next_id(query, (unsigned)i % 2), id);
    }
    assert_string_equal(next_id(query, 0), "");
    assert_string_equal(next_id(query, 0), "");
    query_close(query);
}

static void names_downwards(void **state)
{
    (void)state;
    put_numbers(100);
    struct query *query =
        opened("{" FROM ",'where':{'fieldFilter':{'field':{'fieldPath':'odd'},'op':'EQUAL',"
               "'value':{'integerValue':1}}},'orderBy':[" ORDER("__name__", "DESCENDING") "]}");
    for (int i = 99; i > 0; i -= 2) {
        char id[16];
        snprintf(id, sizeof id, "d%03d", i);
        assert_string_equal(next_id(query, 0), id);
    }
    assert_string_equal(next_id(query, 0), "");
    query_close(query);
}

static void limit_and_offset_across_pages(void **state)
{
    (void)state;
    put_numbers(100);
    struct query *query = opened("{" FROM ",'offset':40,'limit':35}");
    assert_string_equal(next_id(query, 0), "d040");
    assert_int_equal(count_rest(query), 34);
    query_close(query);
    query = opened("{" FROM ",'offset':90,'limit':35,'orderBy':[" ORDER("n", "DESCENDING") "]}");
    assert_string_equal(next_id(query, 0), "d009");
    assert_int_equal(count_rest(query), 9);
    query_close(query);
    query = opened("{" FROM ",'limit':0}");
    assert_string_equal(next_id(query, 0), "");
    query_close(query);
    query = opened("{" FROM ",'offset':1000,'orderBy':[" ORDER("n", "ASCENDING") "]}");
    assert_string_equal(next_id(query, 0), "");
    query_close(query);
}

/* What is written after the query began is not in it, however long it rests. */
static void a_resting_query_keeps_its_view(void **state)
{
    (void)state;
    put_numbers(40);
    struct query *by_name = opened("{" FROM "}");
    struct query *sorted = opened("{" FROM ",'orderBy':[" ORDER("n", "DESCENDING") "]}");
    assert_string_equal(next_id(by_name, 0), "d000");
    assert_string_equal(next_id(sorted, 0), "d039");
    put("c/d0201", "{'n':{'integerValue':7}}");
    put("c/zzz", "{'n':{'integerValue':8}}");
    for (int i = 0; i < 40; i++) {
        char path[16];
        snprintf(path, sizeof path, "c/d%03d", i);
        put(path, "{'n':{'integerValue':1000}}");
    }
    assert_string_equal(next_id(by_name, 1), "d001");
    assert_string_equal(next_id(sorted, 1), "d038");
    assert_int_equal(count_rest(by_name), 38);
    assert_int_equal(count_rest(sorted), 38);
    query_close(by_name);
    query_close(sorted);
}

static void answers_may_be_raw_or_projected(void **state)
{
    (void)state;
    struct document doc;
    struct status st = status_init(arena);
    put("c/d", "{'a':{'integerValue':1},'b':{'mapValue':{'fields':{'x':{'integerValue':2},'y':{'integerValue'"
               ":3}}}}}");
    struct query *query = opened("{" FROM "}");
    assert_int_equal(query_next(query, world_reader(world, 0), arena, &doc, &st), 0);
    assert_non_null(doc.fields_raw.p);
    assert_int_equal(document_decode(&doc, arena, &st), 0);
    assert_int_equal(doc.fields.n, 2);
    assert_true(doc.has_create_time && doc.has_update_time);
    assert_true(timestamp_cmp(doc.create_time, doc.update_time) == 0 && doc.create_time.seconds > 0);
    query_close(query);
    query = opened("{" FROM ",'select':{'fields':[{'fieldPath':'b.y'},{'fieldPath':'zz'}]}}");
    assert_int_equal(query_next(query, world_reader(world, 0), arena, &doc, &st), 0);
    assert_int_equal(doc.fields.n, 1);
    assert_true(str_eq_z(doc.fields.items[0].name, "b"));
    assert_int_equal(doc.fields.items[0].value.map.n, 1);
    query_close(query);
    query = opened("{" FROM ",'select':{'fields':[{'fieldPath':'__name__'}]}}");
    assert_int_equal(query_next(query, world_reader(world, 0), arena, &doc, &st), 0);
    assert_true(doc.fields.n == 0 && doc.fields_raw.p == NULL);
    query_close(query);
}

/* Documents beyond LIMIT_SORT_INLINE are not held while sorting, but read again. */
static void large_results_are_sorted_too(void **state)
{
    (void)state;
    enum { COUNT = 40, SIZE = 1000000 };
    struct status st = status_init(arena);
    char *text = arena_alloc(arena, SIZE);
    memset(text, 'x', SIZE);
    for (int i = 0; i < COUNT; i++) {
        char path[16];
        struct field fields[] = {
            { STR("n"), { .kind = VALUE_INT, .integer = i } },
            { STR("text"), { .kind = VALUE_STRING, .text = str_from(text, SIZE) } },
        };
        struct value_map map = { fields, 2 };
        snprintf(path, sizeof path, "c/d%03d", i);
        world_put(world, QUERY_DB, str_of(path), &map);
    }
    struct query *query = opened("{" FROM ",'orderBy':[" ORDER("n", "DESCENDING") "]}");
    struct arena *one = arena_new();
    for (int i = COUNT - 1; i >= 0; i--) {
        struct document doc;
        arena_reset(one);
        assert_int_equal(query_next(query, world_reader(world, 0), one, &doc, &st), 0);
        assert_int_equal(document_decode(&doc, one, &st), 0);
        assert_int_equal(value_map_get(&doc.fields, STR("n"))->integer, i);
        assert_int_equal(value_map_get(&doc.fields, STR("text"))->text.n, SIZE);
    }
    arena_free(one);
    assert_string_equal(next_id(query, 0), "");
    query_close(query);
}

/* Every slice is over at once: a query goes on document by document, on one worker and the other. */
static void long_work_pauses_and_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int answers;
    } cases[] = {
        { "{" FROM "}", 100 },
        { "{" FROM ",'where':{'fieldFilter':{'field':{'fieldPath':'odd'},'op':'EQUAL','value':{'integerValue':1}}},'orderBy':["
          ORDER("__name__", "DESCENDING") "]}",
          50 },
        { "{" FROM ",'orderBy':[" ORDER("n", "DESCENDING") "]}", 100 },
        { "{" FROM ",'orderBy':[" ORDER("n", "DESCENDING") "],'limit':5,'offset':90}", 5 },
        { "{" FROM ",'offset':95}", 5 },
        { "{" FROM ",'where':{'fieldFilter':{'field':{'fieldPath':'n'},'op':'EQUAL','value':{'integerValue':-1}}}}", 0 },
        { "{'from':[{'collectionId':'c','allDescendants':true}]}", 101 },
        { "{'from':[{'collectionId':'none','allDescendants':true}]}", 0 },
    };
    put_numbers(100);
    put("x/y/c/deeper", "{}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query *query = opened(cases[i].query), *whole = opened(cases[i].query);
        int answers = 0, pauses = 0;
        for (;;) {
            struct document doc;
            struct status st = status_init(arena);
            query_pause_at(query, 1);
            assert_int_equal(query_next(query, world_reader(world, (unsigned)pauses % 2), arena, &doc, &st), 0);
            if (query_paused(query)) {
                assert_int_equal(doc.name.n, 0);
                pauses++;
                continue;
            }
            const char *expected = next_id(whole, 0);
            assert_true(doc.name.n ? str_eq_z(path_last(doc.name), expected) : !*expected);
            if (doc.name.n == 0)
                break;
            answers++;
        }
        assert_int_equal(answers, cases[i].answers);
        if (answers < 100)
            assert_true(pauses > 0);
        query_close(query);
        query_close(whole);
    }
}

static void groups_are_ordered_by_whole_names(void **state)
{
    (void)state;
    static const char *const paths[] = { "b/1/c/x", "c/a", "c/a/c/b", "c/b", "z/1/c/a" };
    for (size_t i = 0; i < 5; i++)
        put(paths[4 - i], "{}");
    put("c/a/b/x", "{}");
    struct query *query = opened("{'from':[{'collectionId':'c','allDescendants':true}]}");
    struct status st = status_init(arena);
    for (size_t i = 0; i < 5; i++) {
        struct document doc;
        assert_int_equal(query_next(query, world_reader(world, 0), arena, &doc, &st), 0);
        assert_true(str_eq_z(str_skip(doc.name, strlen(QUERY_ROOT)), paths[i]));
    }
    assert_string_equal(next_id(query, 0), "");
    query_close(query);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_page_is_given_once_and_in_order),
        TEST(names_downwards),
        TEST(limit_and_offset_across_pages),
        TEST(a_resting_query_keeps_its_view),
        TEST(answers_may_be_raw_or_projected),
        TEST(large_results_are_sorted_too),
        TEST(long_work_pauses_and_goes_on),
        TEST(groups_are_ordered_by_whole_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

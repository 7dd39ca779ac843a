/* test_nearest.c - findNearest: distances, thresholds, order and refusals, over the real store. */
#include "storage/query_kit.h"
#include "storage/query_world.h"

#include <math.h>
#include <stdio.h>

#define VECTOR(values)                                                                                       \
    "{'mapValue':{'fields':{'__type__':{'stringValue':'__vector__'},'value':{'arrayValue':{'values':"        \
    "[" values "]}}}}}"
#define D(x) "{'doubleValue':" x "}"
#define NEAR(measure, vector, more)                                                                          \
    "'findNearest':{'vectorField':{'fieldPath':'v'},'queryVector':" vector ",'distanceMeasure':'" measure    \
    "'" more "}"
#define FROM "'from':[{'collectionId':'c'}]"
#define ONES VECTOR(D("1") "," D("1"))

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

static void put_vectors(void)
{
    put("c/a", "{'n':{'integerValue':1},'v':" VECTOR(D("1") "," D("2")) "}");
    put("c/b", "{'n':{'integerValue':2},'v':" VECTOR(D("5") "," D("5")) "}");
    put("c/c", "{'n':{'integerValue':3},'v':" VECTOR(D("0") "," D("0")) "}");
    put("c/d", "{'n':{'integerValue':4},'v':" VECTOR(D("2") "," D("1")) "}");
    put("c/no_vector", "{'v':{'arrayValue':{'values':[" D("1") "," D("1") "]}}}");
    put("c/other_dimension", "{'v':" VECTOR(D("1")) "}");
    put("c/none", "{'n':{'integerValue':5}}");
}

/* "a:1 b:5.65685" in result order; without ":distance" when `field` is NULL. */
static const char *found(const char *json, const char *field)
{
    struct query *query;
    struct status st = status_init(arena);
    struct buf text;
    buf_init(&text, 10000);
    assert_int_equal(
        query_open(&query, kit_plan(arena, json), world_reader(world, 0), world_view(world), &st), 0);
    for (;;) {
        struct document doc;
        assert_int_equal(query_next(query, world_reader(world, 0), arena, &doc, &st), 0);
        if (doc.name.n == 0)
            break;
        assert_true(buf_printf(&text, "%s" STR_FMT, text.len ? " " : "", STR_ARG(path_last(doc.name))));
        const struct value *distance = field ? value_map_get(&doc.fields, str_of(field)) : NULL;
        if (distance)
            assert_true(buf_printf(&text, ":%g", distance->number));
    }
    query_close(query);
    const char *out = arena_printf(arena, STR_FMT, STR_ARG(buf_view(&text)));
    buf_dispose(&text);
    return out;
}

static void euclidean_finds_the_least_distance_and_ties_by_name(void **state)
{
    (void)state;
    put_vectors();
    assert_string_equal(
        found("{" FROM "," NEAR("EUCLIDEAN", ONES, ",'limit':3,'distanceResultField':'d'") "}", "d"),
        "a:1 d:1 c:1.41421");
}

static void cosine_puts_what_has_no_direction_last(void **state)
{
    (void)state;
    put_vectors();
    assert_string_equal(found("{" FROM "," NEAR("COSINE", ONES, ",'limit':9") "}", NULL), "b a d c");
}

static void the_dot_product_finds_the_greatest(void **state)
{
    (void)state;
    put_vectors();
    assert_string_equal(
        found("{" FROM "," NEAR("DOT_PRODUCT", ONES, ",'limit':2,'distanceResultField':'d'") "}", "d"),
        "b:10 a:3");
}

static void a_threshold_is_the_greatest_distance_or_the_least_product(void **state)
{
    (void)state;
    put_vectors();
    assert_string_equal(
        found("{" FROM "," NEAR("EUCLIDEAN", ONES, ",'limit':9,'distanceThreshold':1") "}", NULL), "a d");
    assert_string_equal(
        found("{" FROM "," NEAR("DOT_PRODUCT", ONES, ",'limit':9,'distanceThreshold':3") "}", NULL), "b a d");
}

static void equal_distances_follow_the_order_of_the_query(void **state)
{
    (void)state;
    put_vectors();
    assert_string_equal(found("{" FROM
                              ",'orderBy':[{'field':{'fieldPath':'n'},'direction':'DESCENDING'}]," NEAR(
                                  "EUCLIDEAN", ONES, ",'limit':2") "}",
                              NULL),
                        "d a");
}

static void the_field_may_lie_in_a_map(void **state)
{
    (void)state;
    put("c/a", "{'m':{'mapValue':{'fields':{'v':" ONES "}}}}");
    assert_string_equal(found("{" FROM ",'findNearest':{'vectorField':{'fieldPath':'m.v'},'queryVector':" ONES
                              ",'distanceMeasure':'EUCLIDEAN','limit':1}}",
                              NULL),
                        "a");
}

static void the_distance_takes_the_place_of_a_field_of_its_name(void **state)
{
    (void)state;
    put("c/a", "{'v':" ONES ",'d':{'stringValue':'kept'}}");
    assert_string_equal(
        found("{" FROM "," NEAR("EUCLIDEAN", ONES, ",'limit':1,'distanceResultField':'d'") "}", "d"), "a:0");
    assert_string_equal(found("{" FROM ",'select':{'fields':[{'fieldPath':'d'}]}," NEAR(
                                  "EUCLIDEAN", ONES, ",'limit':1,'distanceResultField':'d'") "}",
                              "d"),
                        "a:0");
}

static void a_nan_distance_is_not_within_any_threshold(void **state)
{
    (void)state;
    put("c/zero", "{'v':" VECTOR(D("0") "," D("0")) "}");
    assert_string_equal(found("{" FROM "," NEAR("COSINE", ONES, ",'limit':1") "}", NULL), "zero");
    assert_string_equal(
        found("{" FROM "," NEAR("COSINE", ONES, ",'limit':1,'distanceThreshold':9") "}", NULL), "");
}

static void mistakes_are_named_in_googles_order(void **state)
{
    (void)state;
    static const struct {
        const char *query, *message;
    } cases[] = {
        { NEAR("EUCLIDEAN", "{'nullValue':null}", ",'limit':0"), "Query Value must be of type vector." },
        { NEAR("DISTANCE_MEASURE_UNSPECIFIED", ONES, ",'limit':0"),
          "FindNearest.limit must be a positive integer of no more than 1000" },
        { NEAR("EUCLIDEAN", ONES, ",'limit':1001"),
          "FindNearest.limit must be a positive integer of no more than 1000" },
        { NEAR("DISTANCE_MEASURE_UNSPECIFIED", ONES, ",'limit':1"), "Unknown Distance Measure." },
        { "'limit':1," NEAR("EUCLIDEAN", ONES, ",'limit':1,'distanceResultField':'__d__'"),
          "A query limit cannot be used with FindNearest" },
        { "'offset':1," NEAR("EUCLIDEAN", ONES, ",'limit':1"),
          "A query offset cannot be used with FindNearest" },
        { "'endAt':{}," NEAR("EUCLIDEAN", ONES, ",'limit':1"), "A cursor cannot be used with FindNearest" },
        { NEAR("EUCLIDEAN", ONES, ",'limit':1,'distanceResultField':'__d__','distanceThreshold':'NaN'"),
          "The distanceResultField.property.name \"__d__\" is reserved." },
        { NEAR("EUCLIDEAN", ONES, ",'limit':1,'distanceThreshold':'NaN'"),
          "distanceThreshold must be a finite number." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum status_code code;
        const char *query = arena_printf(arena, "{" FROM ",%s}", cases[i].query);
        assert_string_equal(kit_refusal(arena, "", query, &code), cases[i].message);
        assert_int_equal(code, STATUS_INVALID_ARGUMENT);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(euclidean_finds_the_least_distance_and_ties_by_name),
        TEST(cosine_puts_what_has_no_direction_last),
        TEST(the_dot_product_finds_the_greatest),
        TEST(a_threshold_is_the_greatest_distance_or_the_least_product),
        TEST(equal_distances_follow_the_order_of_the_query),
        TEST(the_field_may_lie_in_a_map),
        TEST(the_distance_takes_the_place_of_a_field_of_its_name),
        TEST(a_nan_distance_is_not_within_any_threshold),
        TEST(mistakes_are_named_in_googles_order),
    };
    return cmocka_run_group_tests_name("storage/nearest", tests, NULL, NULL);
}

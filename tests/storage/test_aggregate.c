/* test_aggregate.c - sums and averages: what recordings cannot show of their arithmetic. */
#include "storage/query_kit.h"

#include "storage/aggregate.h"

#include <math.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct msg_aggregation aggregation(uint32_t op, const char *alias)
{
    struct msg_aggregation a = { .operator_case = op, .alias = str_of(alias) };
    a.sum_field.field_path = a.avg_field.field_path = STR("x");
    return a;
}

static const struct aggregate_plan *planned(const char *query, struct msg_aggregation *items, size_t n)
{
    struct msg_structured_aggregation_query message = { .structured_query = kit_query(arena, query) };
    message.aggregations.items = items;
    message.aggregations.n = n;
    struct aggregate_plan *plan;
    struct status st = status_init(arena);
    assert_int_equal(aggregate_check(&plan, QUERY_DB, STR(""), &message, arena, &st), 0);
    return plan;
}

/* The sum of numbers in JSON values, added in this order. */
static struct value sum_of(const char *const *values)
{
    struct msg_aggregation sum = aggregation(2, "s");
    struct aggregate_sums *sums = aggregate_begin(planned("{'from':[{'collectionId':'c'}]}", &sum, 1), arena);
    for (; *values; values++) {
        struct field field = { STR("x"), *kit_value(arena, *values) };
        struct value_map fields = { &field, 1 };
        aggregate_add(sums, &fields);
    }
    return aggregate_result(sums, arena).items[0].value;
}

static void integers_may_leave_64_bits_and_come_back(void **state)
{
    (void)state;
    struct value sum = sum_of((const char *[]){ "{'integerValue':'9223372036854775807'}",
                                                "{'integerValue':'9'}", "{'integerValue':'-10'}", NULL });
    assert_int_equal(sum.kind, VALUE_INT);
    assert_true(sum.integer == INT64_MAX - 1);
}

static void doubles_are_added_without_losing_small_ones(void **state)
{
    (void)state;
    struct value sum = sum_of((const char *[]){ "{'doubleValue':1}", "{'doubleValue':1e100}",
                                                "{'doubleValue':1}", "{'doubleValue':-1e100}", NULL });
    assert_int_equal(sum.kind, VALUE_DOUBLE);
    assert_true(sum.number == 2);
}

static void large_integers_stay_exact_beside_doubles(void **state)
{
    (void)state;
    struct value sum = sum_of((const char *[]){ "{'integerValue':'9007199254740993'}", "{'doubleValue':0}",
                                                "{'integerValue':'-9007199254740992'}", NULL });
    assert_int_equal(sum.kind, VALUE_DOUBLE);
    assert_true(sum.number == 1);
}

static void infinities_are_not_taken_for_loss(void **state)
{
    (void)state;
    struct value sum = sum_of((const char *[]){ "{'doubleValue':'Infinity'}", "{'doubleValue':1}", NULL });
    assert_true(isinf(sum.number) && sum.number > 0);
    sum = sum_of((const char *[]){ "{'doubleValue':'Infinity'}", "{'doubleValue':'-Infinity'}", NULL });
    assert_true(isnan(sum.number));
}

/* A count must not sort; a sum of what a cut leaves must. */
static void only_the_sum_of_a_cut_needs_the_order(void **state)
{
    (void)state;
    struct msg_aggregation count = aggregation(1, "n"), sum = aggregation(2, "s");
    const char *ordered = "{'from':[{'collectionId':'c'}],'orderBy':[{'field':{'fieldPath':'x'}}]}";
    const char *cut = "{'from':[{'collectionId':'c'}],'orderBy':[{'field':{'fieldPath':'x'}}],'limit':3}";
    const char *skipping = "{'from':[{'collectionId':'c'}],'offset':3}";
    assert_true(aggregate_query(planned(ordered, &sum, 1))->any_order);
    assert_true(aggregate_query(planned(cut, &count, 1))->any_order);
    assert_true(aggregate_query(planned(skipping, &count, 1))->any_order);
    assert_false(aggregate_query(planned(cut, &sum, 1))->any_order);
    assert_false(aggregate_query(planned(skipping, &sum, 1))->any_order);
}

static void only_fields_that_are_added_are_decoded(void **state)
{
    (void)state;
    struct msg_aggregation both[] = { aggregation(1, "n"), aggregation(3, "v") };
    const struct query_plan *plan = aggregate_query(planned("{'from':[{'collectionId':'c'}]}", both, 1));
    assert_true(plan->projected);
    assert_int_equal(plan->n_select, 0);
    plan = aggregate_query(planned("{'from':[{'collectionId':'c'}]}", both, 2));
    assert_int_equal(plan->n_select, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(integers_may_leave_64_bits_and_come_back), TEST(doubles_are_added_without_losing_small_ones),
        TEST(large_integers_stay_exact_beside_doubles), TEST(infinities_are_not_taken_for_loss),
        TEST(only_the_sum_of_a_cut_needs_the_order),    TEST(only_fields_that_are_added_are_decoded),
    };
    return cmocka_run_group_tests_name("storage/aggregate", tests, NULL, NULL);
}

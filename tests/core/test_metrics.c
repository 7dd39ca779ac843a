/* test_metrics.c - what only answers hold: ExplainMetrics, with its Structs and its Duration, in both
 * encodings. The bytes are those of an official runtime. */
#include "core/core_test.h"

#include "core/codec.h"
#include "core/codec_samples.h"
#include "core/messages.h"

static struct field text(const char *name, const char *value)
{
    return (struct field){ str_of(name), { .kind = VALUE_STRING, .text = str_of(value) } };
}

struct metrics {
    struct field property, inner, outer;
    struct value_map index;
    struct msg_plan_summary plan;
    struct msg_execution_stats stats;
    struct msg_explain_metrics all;
};

static void fill(struct metrics *m)
{
    *m = (struct metrics){ .property = text("properties", "(__name__ ASC)"), .inner = text("b", "x") };
    m->index = (struct value_map){ &m->property, 1 };
    m->plan.indexes_used.items = &m->index;
    m->plan.indexes_used.n = 1;
    m->outer = (struct field){ STR("a"), { .kind = VALUE_MAP, .map = { &m->inner, 1 } } };
    m->stats.results_returned = 3;
    m->stats.execution_duration = (opt_timestamp){ true, { 1, 340012 } };
    m->stats.debug_stats = (struct value_map){ &m->outer, 1 };
    m->all = (struct msg_explain_metrics){ &m->plan, &m->stats };
}

static const char metrics_hex[] =
    "5a450a220a200a1e0a0a70726f7065727469657312101a0e285f5f6e616d655f5f2041534329121f08031a06080110ac"
    "e0142a130a110a0161120c2a0a0a080a016212031a0178";

static void metrics_are_encoded_as_the_official_runtime_does(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct metrics m;
    fill(&m);
    struct msg_run_query_response response = { .explain_metrics = &m.all };
    assert_str(sample_protobuf(arena, SCHEMA(run_query_response), &response), sample_hex(arena, metrics_hex));
    arena_free(arena);
}

static void metrics_are_plain_json(void **state)
{
    (void)state;
    struct metrics m;
    struct buf out;
    fill(&m);
    struct msg_run_query_response response = { .explain_metrics = &m.all };
    buf_init(&out, 10000);
    assert_true(protojson_encode(&out, SCHEMA(run_query_response), &response, 0));
    assert_str_z(
        buf_view(&out),
        "{\"explainMetrics\":{\"planSummary\":{\"indexesUsed\":[{\"properties\":\"(__name__ ASC)\"}]},"
        "\"executionStats\":{\"resultsReturned\":\"3\",\"executionDuration\":\"1.000340012s\","
        "\"debugStats\":{\"a\":{\"b\":\"x\"}}}}}");
    buf_dispose(&out);
}

static void a_duration_has_as_many_digits_as_it_needs(void **state)
{
    (void)state;
    static const struct {
        int32_t nanos;
        const char *json;
    } cases[] = {
        { 0, "\"2s\"" }, { 5000000, "\"2.005s\"" }, { 5000, "\"2.000005s\"" }, { 5, "\"2.000000005s\"" }
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct msg_execution_stats stats = { .execution_duration = { true, { 2, cases[i].nanos } } };
        struct msg_explain_metrics metrics = { .execution_stats = &stats };
        struct msg_run_aggregation_response response = { .explain_metrics = &metrics };
        struct buf out;
        buf_init(&out, 1000);
        assert_true(protojson_encode(&out, SCHEMA(run_aggregation_response), &response, 0));
        assert_true(buf_byte(&out, '\0'));
        assert_non_null(strstr((const char *)out.data, cases[i].json));
        buf_dispose(&out);
    }
}

static void metrics_are_skipped_when_read(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct msg_run_query_response response = { 0 };
    assert_int_equal(
        protobuf_decode(&response, SCHEMA(run_query_response), arena, sample_hex(arena, metrics_hex), &st),
        0);
    assert_null(response.explain_metrics);
    assert_int_equal(protojson_decode(&response, SCHEMA(run_query_response), arena,
                                      STR("{\"explainMetrics\":{\"planSummary\":{}},\"skippedResults\":4}"),
                                      &st),
                     0);
    assert_null(response.explain_metrics);
    assert_int_equal(response.skipped_results, 4);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_encoded_as_the_official_runtime_does),
        cmocka_unit_test(metrics_are_plain_json),
        cmocka_unit_test(a_duration_has_as_many_digits_as_it_needs),
        cmocka_unit_test(metrics_are_skipped_when_read),
    };
    return cmocka_run_group_tests_name("core/metrics", tests, NULL, NULL);
}

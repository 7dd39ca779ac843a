/* test_metrics.c - what is counted, and how it is told: label sets, histograms, the page, and the counts of
 * real calls over the loopback. */
#include "server/loopback.h"

#include "core/limits.h"
#include "server/ops/histogram.h"
#include "server/ops/label_set.h"
#include "server/ops/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- label sets ---- */

static void a_value_keeps_its_number(void **state)
{
    struct label_set *set = label_set_new(3);
    (void)state;
    assert_int_equal(label_set_number(set, STR("a")), 1);
    assert_int_equal(label_set_number(set, STR("b")), 2);
    assert_int_equal(label_set_number(set, STR("a")), 1);
    assert_int_equal(label_set_count(set), 2);
    assert_true(str_eq_z(label_set_value(set, 2), "b"));
    label_set_free(set);
}

static void values_beyond_the_most_are_other(void **state)
{
    struct label_set *set = label_set_new(2);
    (void)state;
    label_set_number(set, STR("a"));
    label_set_number(set, STR("b"));
    assert_int_equal(label_set_number(set, STR("c")), 0);
    assert_int_equal(label_set_number(set, STR("b")), 2);
    assert_true(str_eq_z(label_set_value(set, 0), "__other__"));
    label_set_free(set);
}

static void a_value_that_is_too_long_is_other_and_takes_no_place(void **state)
{
    char text[LIMIT_METRIC_LABEL_BYTES + 1];
    struct label_set *set = label_set_new(2);
    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(label_set_number(set, str_from(text, sizeof text)), 0);
    assert_int_equal(label_set_number(set, str_from(text, sizeof text - 1)), 1);
    label_set_free(set);
}

enum { ADDERS = 4, VALUES = 200 };

static void *add_all(void *data)
{
    struct label_set *set = data;
    char text[16];
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < VALUES; i++) {
            int n = snprintf(text, sizeof text, "v%d", i);
            size_t number = label_set_number(set, str_from(text, (size_t)n));
            assert(number && str_eq(label_set_value(set, number), str_from(text, (size_t)n)));
        }
    return NULL;
}

static void threads_that_add_the_same_values_agree_on_their_numbers(void **state)
{
    pthread_t threads[ADDERS];
    struct label_set *set = label_set_new(VALUES);
    (void)state;
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_all, set), 0);
    for (int i = 0; i < ADDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(label_set_count(set), VALUES);
    label_set_free(set);
}

/* ---- histograms ---- */

static void a_value_falls_into_the_first_bucket_that_is_not_below_it(void **state)
{
    struct histogram h = { 0 };
    struct histogram_sum sum = { 0 };
    (void)state;
    assert_int_equal(histogram_add(&h, &histogram_sizes, 0), 0);
    assert_int_equal(histogram_add(&h, &histogram_sizes, 1), 0);
    assert_int_equal(histogram_add(&h, &histogram_sizes, 2), 1);
    assert_int_equal(histogram_add(&h, &histogram_sizes, 10001), histogram_sizes.n);
    histogram_read(&sum, &h);
    assert_int_equal(histogram_count(&sum), 4);
    assert_int_equal(sum.sum, 10004);
}

static void bounds_rise_and_their_texts_say_the_same(void **state)
{
    const struct histogram_scale *scales[] = { &histogram_time, &histogram_sizes };
    (void)state;
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < scales[s]->n; i++) {
            double bound = (double)scales[s]->bounds[i] / (scales[s]->seconds ? 1e9 : 1);
            assert_true(i == 0 || scales[s]->bounds[i] > scales[s]->bounds[i - 1]);
            assert_true(strtod(scales[s]->texts[i], NULL) == bound);
        }
}

/* ---- what calls count ---- */

static void open_with(struct loopback *l, const char *rules, const struct options *options)
{
    loopback_open(l, options);
    l->server.metrics = metrics_new();
    if (rules)
        loopback_rules(l, rules);
}

static void close_all(struct loopback *l)
{
    struct metrics *metrics = l->server.metrics;
    loopback_close(l);
    metrics_free(metrics);
}

/* The page, malloc'ed and terminated. */
static char *page_of(struct loopback *l, enum metrics_format format)
{
    struct buf out;
    size_t n;
    buf_init(&out, METRICS_PAGE_MAX);
    assert_true(metrics_print(&out, &l->server, format));
    buf_byte(&out, 0);
    return (char *)buf_detach(&out, &n);
}

static void assert_line(const char *page, const char *line)
{
    char with_ends[512];
    snprintf(with_ends, sizeof with_ends, "\n%s\n", line);
    if (!strstr(page, with_ends)) {
        print_error("%s\nis not in\n%s", line, page);
        fail();
    }
}

static void assert_no_line(const char *page, const char *part)
{
    if (strstr(page, part)) {
        print_error("%s\nis in\n%s", part, page);
        fail();
    }
}

#define DOCS "projects/p/databases/(default)/documents"

static void ask(struct loopback *l, const char *rpc, const char *who, const char *json)
{
    answer_free(loopback_ask(l, rpc, who, json));
}

static void calls_are_counted_by_rpc_transport_and_code(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/c/d\"}");
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/c/e\"}");
    ask(&l, "GetDocument", "owner", "{\"name\":\"nonsense\"}");
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page,
                "cinderlog_requests_total{rpc=\"GetDocument\",transport=\"other\",code=\"NOT_FOUND\"} 2");
    assert_line(
        page,
        "cinderlog_requests_total{rpc=\"GetDocument\",transport=\"other\",code=\"INVALID_ARGUMENT\"} 1");
    assert_line(page, "cinderlog_request_duration_seconds_bucket{rpc=\"GetDocument\",le=\"+Inf\"} 3");
    assert_line(page, "cinderlog_request_duration_seconds_count{rpc=\"GetDocument\"} 3");
    free(page);
    close_all(&l);
}

static const char create_only[] = "service cloud.firestore { match /databases/{d}/documents {\n"
                                  "match /logs/{id} {\n"
                                  "allow create: if request.resource.data.n is int; } } }";

static void decisions_by_rules_are_counted_by_collection_method_and_line(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, create_only, NULL);
    ask(&l, "CreateDocument", "anonymous",
        "{\"parent\":\"" DOCS "\",\"collectionId\":\"logs\",\"documentId\":\"a\",\"document\":{\"fields\":{"
                              "\"n\":{\"integerValue\":1}}}}");
    ask(&l, "CreateDocument", "anonymous",
        "{\"parent\":\"" DOCS "\",\"collectionId\":\"logs\",\"documentId\":\"b\",\"document\":{\"fields\":{"
                              "\"n\":{\"stringValue\":\"x\"}}}}");
    ask(&l, "GetDocument", "anonymous", "{\"name\":\"" DOCS "/logs/a\"}");
    ask(&l, "ListDocuments", "anonymous", "{\"parent\":\"" DOCS "\",\"collectionId\":\"logs\"}");
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_decisions_total{collection=\"logs\",method=\"create\",by=\"rules\",verdict="
                      "\"allowed\"} 1");
    assert_line(
        page,
        "cinderlog_decisions_total{collection=\"logs\",method=\"create\",by=\"rules\",verdict=\"denied\"} 1");
    assert_line(
        page,
        "cinderlog_decisions_total{collection=\"logs\",method=\"get\",by=\"rules\",verdict=\"denied\"} 1");
    assert_line(
        page,
        "cinderlog_decisions_total{collection=\"logs\",method=\"list\",by=\"rules\",verdict=\"denied\"} 1");
    assert_line(page, "cinderlog_rule_decisions_total{rule=\"test.rules:3\",verdict=\"allowed\"} 1");
    assert_line(page, "cinderlog_rule_decisions_total{rule=\"test.rules:3\",verdict=\"denied\"} 1");
    assert_line(page, "cinderlog_rule_decisions_total{rule=\"no matching allow\",verdict=\"denied\"} 2");
    free(page);
    close_all(&l);
}

static void what_owners_and_iam_decide_is_counted_as_theirs(void **state)
{
    struct options options = { .owner_iam = "get,list" };
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/c/d\"}");
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(
        page,
        "cinderlog_decisions_total{collection=\"c\",method=\"get\",by=\"owner\",verdict=\"allowed\"} 1");
    free(page);
    close_all(&l);
    open_with(&l, NULL, &options);
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/c/d\"}");
    ask(&l, "Commit", "owner",
        "{\"database\":\"projects/p/databases/(default)\",\"writes\":[{\"delete\":\"" DOCS "/c/d\"}]}");
    page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(
        page, "cinderlog_decisions_total{collection=\"c\",method=\"get\",by=\"iam\",verdict=\"allowed\"} 1");
    assert_line(
        page,
        "cinderlog_decisions_total{collection=\"c\",method=\"delete\",by=\"iam\",verdict=\"denied\"} 1");
    free(page);
    close_all(&l);
}

static void ids_of_documents_never_become_labels(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/tenants/alice/logs/secret\"}");
    ask(&l, "ListDocuments", "owner", "{\"parent\":\"" DOCS "/tenants/alice\",\"collectionId\":\"logs\"}");
    char *page = page_of(&l, METRICS_OPENMETRICS);
    assert_line(page, "cinderlog_decisions_total{collection=\"tenants/*/"
                      "logs\",method=\"get\",by=\"owner\",verdict=\"allowed\"} 1");
    assert_line(page, "cinderlog_decisions_total{collection=\"tenants/*/"
                      "logs\",method=\"list\",by=\"owner\",verdict=\"allowed\"} 1");
    assert_no_line(page, "alice");
    assert_no_line(page, "secret");
    free(page);
    close_all(&l);
}

static void label_values_are_escaped(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/a\\\"b\\\\c\\nd/x\"}");
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_decisions_total{collection=\"a\\\"b\\\\c\\nd\",method=\"get\",by=\"owner\","
                      "verdict=\"allowed\"} 1");
    free(page);
    close_all(&l);
}

static void a_write_that_waits_for_a_lock_is_counted(void **state)
{
    struct loopback l;
    char body[512];
    (void)state;
    open_with(&l, NULL, NULL);
    struct answer *begun =
        loopback_ask(&l, "BeginTransaction", "owner", "{\"database\":\"projects/p/databases/(default)\"}");
    const char *txn = answer_text(begun, "\"transaction\":\"");
    snprintf(body, sizeof body,
             "{\"database\":\"projects/p/databases/(default)\",\"documents\":[\"" DOCS
             "/c/d\"],\"transaction\":\"%s\"}",
             txn);
    ask(&l, "BatchGetDocuments", "owner", body);
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_transactions 1");
    assert_line(page, "cinderlog_lock_waits_total 0");
    free(page);
    struct answer *waiting = loopback_send(
        &l, "Commit", "owner",
        "{\"database\":\"projects/p/databases/(default)\",\"writes\":[{\"update\":{\"name\":\"" DOCS
        "/c/d\"}}]}");
    answer_wait(waiting); /* nobody ends the transaction: it times out */
    assert_int_equal(waiting->code, STATUS_ABORTED);
    answer_free(waiting);
    page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_lock_waits_total 1");
    assert_line(page, "cinderlog_aborts_total{reason=\"lock timeout\"} 1");
    free(page);
    answer_free(begun);
    close_all(&l);
}

/* ---- what does not need a call ---- */

static void collections_beyond_the_most_count_as_other(void **state)
{
    struct loopback l;
    char text[32];
    struct call_decision by_owner = { .verdict = CALL_ALLOWED, .by = "owner" };
    (void)state;
    open_with(&l, NULL, NULL);
    for (int i = 0; i < LIMIT_METRIC_COLLECTIONS + 7; i++) {
        int n = snprintf(text, sizeof text, "c%d/d", i);
        metrics_decision(l.server.metrics, &by_owner, RULES_GET, str_from(text, (size_t)n));
    }
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_decisions_total{collection=\"__other__\",method=\"get\",by=\"owner\","
                      "verdict=\"allowed\"} 7");
    assert_line(
        page,
        "cinderlog_decisions_total{collection=\"c0\",method=\"get\",by=\"owner\",verdict=\"allowed\"} 1");
    free(page);
    close_all(&l);
}

static void fill_all(struct metrics *metrics)
{
    static const struct call_decision decisions[] = {
        { .verdict = CALL_ALLOWED, .by = "rules" },      { .verdict = CALL_DENIED, .by = "rules" },
        { .verdict = CALL_ERROR, .by = "rules" },        { .verdict = CALL_ALLOWED, .by = "iam" },
        { .verdict = CALL_DENIED, .by = "iam" },         { .verdict = CALL_ALLOWED, .by = "owner" },
        { .verdict = CALL_DENIED, .by = "append-only" },
    };
    char text[LIMIT_METRIC_LABEL_BYTES - 4]; /* all of it is escaped */
    memset(text, '"', sizeof text);
    for (int i = 0; i < 600; i++) {
        for (int digit = 0, left = i; digit < 3; digit++, left /= 10)
            text[digit] = (char)('0' + left % 10);
        for (int method = RULES_GET; method <= RULES_DELETE; method++)
            for (size_t d = 0; d < sizeof decisions / sizeof *decisions; d++)
                metrics_decision(metrics, &decisions[d], (enum rules_method)method,
                                 str_from(text, sizeof text));
    }
}

static void the_largest_page_fits(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    fill_all(l.server.metrics);
    char *page = page_of(&l, METRICS_OPENMETRICS);
    assert_non_null(strstr(
        page, "collection=\"__other__\",method=\"list\",by=\"append-only\",verdict=\"denied\"} 100\n"));
    assert_in_range(strlen(page), METRICS_PAGE_MAX / 3, METRICS_PAGE_MAX * 3 / 4);
    free(page);
    close_all(&l);
}

static void a_batch_is_told_with_its_entries_and_bytes(void **state)
{
    struct loopback l;
    struct store_batch batch = { .commits = 2, .entries = 3, .bytes = 70, .lasting_ns = 30000 };
    (void)state;
    open_with(&l, NULL, NULL);
    metrics_batch(l.server.metrics, &batch);
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_commits_total 2");
    assert_line(page, "cinderlog_ledger_body_bytes_total 70");
    assert_line(page, "cinderlog_batch_entries_bucket{le=\"2.0\"} 0");
    assert_line(page, "cinderlog_batch_entries_bucket{le=\"5.0\"} 1");
    assert_line(page, "cinderlog_batch_entries_sum 3");
    assert_line(page, "cinderlog_ledger_sync_duration_seconds_bucket{le=\"2.5e-05\"} 0");
    assert_line(page, "cinderlog_ledger_sync_duration_seconds_bucket{le=\"5e-05\"} 1");
    assert_line(page, "cinderlog_ledger_sync_duration_seconds_sum 0.000030000");
    free(page);
    close_all(&l);
}

static void clients_are_told_by_the_first_product_of_their_user_agent(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    metrics_client(l.server.metrics, STR("grpc-python/1.80.0 grpc-c/53.0.0 (linux; chttp2)"));
    metrics_client(l.server.metrics, STR("grpc-python/1.80.0"));
    metrics_client(l.server.metrics, STR("\xff\xfe"));
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_client_connections_total{client=\"grpc-python/1.80.0\"} 2");
    assert_line(page, "cinderlog_client_connections_total{client=\"not UTF-8\"} 1");
    free(page);
    close_all(&l);
}

/* A call that ended, by hand. */
static void count_call(struct loopback *l, struct str request_id, struct call_notes notes)
{
    struct call *call = call_new(&l->server, rpc_by_name(STR("Commit")));
    call->request_id = request_id;
    call->notes = notes;
    call->notes.transport = "grpc";
    metrics_call(l->server.metrics, call);
    call_free(call);
}

static void a_bucket_names_its_newest_request_in_openmetrics_alone(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    count_call(&l, STR("older-one"), (struct call_notes){ .total_ns = 600000 });
    count_call(&l, STR("se\"cond"), (struct call_notes){ .total_ns = 700000 });
    char *page = page_of(&l, METRICS_OPENMETRICS);
    assert_non_null(
        strstr(page, "{rpc=\"Commit\",le=\"0.001\"} 2 # {request_id=\"se\\\"cond\"} 0.000700000 "));
    assert_no_line(page, "older-one");
    assert_true(strlen(page) > 6 && strcmp(page + strlen(page) - 6, "# EOF\n") == 0);
    free(page);
    page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_request_duration_seconds_bucket{rpc=\"Commit\",le=\"0.001\"} 2");
    assert_no_line(page, "# EOF");
    free(page);
    close_all(&l);
}

static void an_id_too_long_for_an_exemplar_is_left_out_whole(void **state)
{
    struct loopback l;
    char id[119];
    (void)state;
    memset(id, 'x', sizeof id);
    open_with(&l, NULL, NULL);
    count_call(&l, str_from(id, 119), (struct call_notes){ .total_ns = 1000 });
    char *page = page_of(&l, METRICS_OPENMETRICS);
    assert_no_line(page, "# {");
    free(page);
    count_call(&l, str_from(id, 118), (struct call_notes){ .total_ns = 1000 });
    page = page_of(&l, METRICS_OPENMETRICS);
    assert_non_null(strstr(page, "# {request_id=\"xxx"));
    free(page);
    close_all(&l);
}

static void writes_and_append_only_refusals_are_counted_by_collection(void **state)
{
    const struct call_write written[] = {
        { .operation = STORE_OPERATION_CREATE, .path = STR_INIT("c/1"), .seq = 7 },
        { .operation = STORE_OPERATION_DELETE, .path = STR_INIT("c/2"), .seq = 8 },
        { .operation = STORE_OPERATION_DELETE, .path = STR_INIT("c/3") }, /* there was nothing to delete */
        { .operation = STORE_OPERATION_NONE, .path = STR_INIT("c/4") },
    };
    const struct call_write refused[] = { { .operation = STORE_OPERATION_UPDATE,
                                            .path = STR_INIT("logs/1"),
                                            .code = STATUS_PERMISSION_DENIED,
                                            .seq = 9 } };
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    count_call(&l, STR("a"), (struct call_notes){ .writes = written, .n_writes = 4 });
    count_call(&l, STR("b"),
               (struct call_notes){ .writes = refused,
                                    .n_writes = 1,
                                    .decision = { .verdict = CALL_DENIED, .by = "append-only" } });
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_writes_total{collection=\"c\",operation=\"create\"} 1");
    assert_line(page, "cinderlog_writes_total{collection=\"c\",operation=\"delete\"} 1");
    assert_no_line(page, "cinderlog_writes_total{collection=\"logs\"");
    assert_line(page, "cinderlog_decisions_total{collection=\"logs\",method=\"update\",by=\"append-only\","
                      "verdict=\"denied\"} 1");
    free(page);
    close_all(&l);
}

static void an_injected_fault_is_counted_by_its_name(void **state)
{
    struct loopback l;
    (void)state;
    open_with(&l, NULL, NULL);
    count_call(&l, STR("a"), (struct call_notes){ .fault = "lost-answer" });
    char *page = page_of(&l, METRICS_PROMETHEUS);
    assert_line(page, "cinderlog_faults_injected_total{fault=\"lost-answer\"} 1");
    free(page);
    close_all(&l);
}

static void without_metrics_nothing_is_counted_and_nothing_fails(void **state)
{
    struct loopback l;
    (void)state;
    loopback_open(&l, NULL);
    ask(&l, "GetDocument", "owner", "{\"name\":\"" DOCS "/c/d\"}");
    metrics_event(NULL, METRICS_LOCK_WAIT);
    loopback_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_keeps_its_number),
        cmocka_unit_test(values_beyond_the_most_are_other),
        cmocka_unit_test(a_value_that_is_too_long_is_other_and_takes_no_place),
        cmocka_unit_test(threads_that_add_the_same_values_agree_on_their_numbers),
        cmocka_unit_test(a_value_falls_into_the_first_bucket_that_is_not_below_it),
        cmocka_unit_test(bounds_rise_and_their_texts_say_the_same),
        cmocka_unit_test(calls_are_counted_by_rpc_transport_and_code),
        cmocka_unit_test(decisions_by_rules_are_counted_by_collection_method_and_line),
        cmocka_unit_test(what_owners_and_iam_decide_is_counted_as_theirs),
        cmocka_unit_test(ids_of_documents_never_become_labels),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(a_write_that_waits_for_a_lock_is_counted),
        cmocka_unit_test(collections_beyond_the_most_count_as_other),
        cmocka_unit_test(the_largest_page_fits),
        cmocka_unit_test(a_batch_is_told_with_its_entries_and_bytes),
        cmocka_unit_test(clients_are_told_by_the_first_product_of_their_user_agent),
        cmocka_unit_test(a_bucket_names_its_newest_request_in_openmetrics_alone),
        cmocka_unit_test(an_id_too_long_for_an_exemplar_is_left_out_whole),
        cmocka_unit_test(writes_and_append_only_refusals_are_counted_by_collection),
        cmocka_unit_test(an_injected_fault_is_counted_by_its_name),
        cmocka_unit_test(without_metrics_nothing_is_counted_and_nothing_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

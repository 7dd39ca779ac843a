/* test_aggregate.c - aggregations, findNearest and explanations: what recordings cannot show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/loopback.h"
#include "server/service/transaction_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DB "\"database\":\"projects/p/databases/(default)\""
#define DOCS "projects/p/databases/(default)/documents"
#define PARENT "\"parent\":\"" DOCS "\""

static struct loopback L;
static char got[65536];

static int open_it(void **state)
{
    (void)state;
    loopback_open(&L, NULL);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    loopback_close(&L);
    return 0;
}

__attribute__((format(printf, 2, 3))) static enum status_code ask(const char *rpc, const char *format, ...)
{
    char body[16384];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    return answer_keep(got, sizeof got, loopback_ask(&L, rpc, "owner", body));
}

static void has(const char *part)
{
    if (!strstr(got, part))
        print_error("no '%s' in: %s\n", part, got);
    assert_non_null(strstr(got, part));
}

static void has_not(const char *part)
{
    if (strstr(got, part))
        print_error("'%s' in: %s\n", part, got);
    assert_null(strstr(got, part));
}

static enum status_code put(const char *path, const char *fields)
{
    return ask("Commit", "{" DB ",\"writes\":[{\"update\":{\"name\":\"" DOCS "/%s\",\"fields\":{%s}}}]}",
               path, fields);
}

struct txn {
    char id[64];
};

static struct txn begin(void)
{
    struct txn t;
    struct answer *a = loopback_ask(&L, "BeginTransaction", "owner", "{" DB "}");
    assert_int_equal(a->code, STATUS_OK);
    snprintf(t.id, sizeof t.id, "%s", answer_text(a, "\"transaction\":\""));
    answer_free(a);
    return t;
}

static enum status_code commit_in(struct txn t, const char *path)
{
    return ask("Commit",
               "{" DB ",\"transaction\":\"%s\",\"writes\":[{\"update\":{\"name\":\"" DOCS "/%s\"}}]}", t.id,
               path);
}

#define INT(name, n) "\"" name "\":{\"integerValue\":\"" #n "\"}"
#define FROM_C "\"from\":[{\"collectionId\":\"c\"}]"
#define WHERE_N_ABOVE_0                                                                                      \
    ",\"where\":{\"fieldFilter\":{\"field\":{\"fieldPath\":\"n\"},\"op\":\"GREATER_THAN\",\"value\":"        \
    "{\"integerValue\":\"0\"}}}"
#define COUNT "\"aggregations\":[{\"alias\":\"count\",\"count\":{}}]"
#define COUNTED(query) PARENT ",\"structuredAggregationQuery\":{\"structuredQuery\":{" query "}," COUNT "}"

/* ---- transactions ---- */

static void a_document_that_joins_a_count_aborts(void **state)
{
    (void)state;
    put("c/a", INT("n", 1));
    struct txn t = begin();
    assert_int_equal(
        ask("RunAggregationQuery", "{" COUNTED(FROM_C WHERE_N_ABOVE_0) ",\"transaction\":\"%s\"}", t.id),
        STATUS_OK);
    has("\"integerValue\":\"1\"");
    assert_int_equal(put("c/b", INT("n", 2)), STATUS_OK); /* an append waits for nobody */
    assert_int_equal(commit_in(t, "totals/x"), STATUS_ABORTED);
}

static void a_document_that_the_filter_leaves_out_does_not(void **state)
{
    (void)state;
    put("c/a", INT("n", 1));
    struct txn t = begin();
    assert_int_equal(
        ask("RunAggregationQuery", "{" COUNTED(FROM_C WHERE_N_ABOVE_0) ",\"transaction\":\"%s\"}", t.id),
        STATUS_OK);
    assert_int_equal(put("c/b", INT("n", 0)), STATUS_OK);
    assert_int_equal(commit_in(t, "totals/x"), STATUS_OK);
}

/* Until a write waits for a lock. */
static void until_one_waits(void)
{
    struct transactions *all = L.server.transactions;
    for (size_t n = 0; n == 0;) {
        pthread_mutex_lock(&all->mutex);
        n = lock_waiters(all->locks);
        pthread_mutex_unlock(&all->mutex);
    }
}

static void counted_documents_are_locked(void **state)
{
    (void)state;
    put("c/a", INT("n", 1));
    struct txn t = begin();
    assert_int_equal(ask("RunAggregationQuery", "{" COUNTED(FROM_C) ",\"transaction\":\"%s\"}", t.id),
                     STATUS_OK);
    struct answer *waiting =
        loopback_send(&L, "Commit", "owner", "{" DB ",\"writes\":[{\"delete\":\"" DOCS "/c/a\"}]}");
    until_one_waits();
    assert_int_equal(commit_in(t, "totals/x"), STATUS_OK);
    answer_wait(waiting);
    assert_int_equal(answer_keep(got, sizeof got, waiting), STATUS_OK);
}

#define VECTOR                                                                                               \
    "{\"mapValue\":{\"fields\":{\"__type__\":{\"stringValue\":\"__vector__\"},\"value\":{\"arrayValue\":{"   \
    "\"values\":["                                                                                           \
    "{\"doubleValue\":1},{\"doubleValue\":2}]}}}}}"
#define NEAREST                                                                                              \
    ",\"findNearest\":{\"vectorField\":{\"fieldPath\":\"v\"},\"queryVector\":" VECTOR                        \
    ",\"distanceMeasure\":\"EUCLIDEAN\",\"limit\":1}"

static void only_what_could_be_nearest_aborts(void **state)
{
    (void)state;
    put("c/a", "\"v\":" VECTOR);
    struct txn t = begin();
    assert_int_equal(
        ask("RunQuery", "{" PARENT ",\"structuredQuery\":{" FROM_C NEAREST "},\"transaction\":\"%s\"}", t.id),
        STATUS_OK);
    has("documents/c/a");
    assert_int_equal(put("c/b", INT("n", 1)), STATUS_OK);
    assert_int_equal(commit_in(t, "totals/x"), STATUS_OK);
    t = begin();
    assert_int_equal(
        ask("RunQuery", "{" PARENT ",\"structuredQuery\":{" FROM_C NEAREST "},\"transaction\":\"%s\"}", t.id),
        STATUS_OK);
    assert_int_equal(put("c/c", "\"v\":" VECTOR), STATUS_OK);
    assert_int_equal(commit_in(t, "totals/x"), STATUS_ABORTED);
}

/* ---- rules, IAM ---- */

static const char *const rules =
    "rules_version = '2';\nservice cloud.firestore { match /databases/{d}/documents {\n"
    "  match /c/{id} {\n"
    "    allow list: if resource.data.n > 0;\n"
    "  }\n"
    "} }\n";

static const char *fact(const struct status_detail *detail, const char *key)
{
    for (size_t i = 0; i < detail->count; i++)
        if (strcmp(detail->facts[i].key, key) == 0)
            return arena_printf(L.arena, STR_FMT, STR_ARG(detail->facts[i].value));
    return "";
}

static void a_denied_count_names_statement_and_method(void **state)
{
    (void)state;
    loopback_rules(&L, rules);
    struct answer *a = loopback_ask(&L, "RunAggregationQuery", "anonymous", "{" COUNTED(FROM_C) "}");
    assert_int_equal(a->code, STATUS_PERMISSION_DENIED);
    assert_non_null(a->details);
    assert_string_equal(fact(a->details, "method"), "list");
    assert_string_equal(fact(a->details, "path"), "c");
    assert_string_equal(fact(a->details, "allowLine"), "4");
    answer_free(a);
    a = loopback_ask(&L, "RunAggregationQuery", "anonymous", "{" COUNTED(FROM_C WHERE_N_ABOVE_0) "}");
    assert_int_equal(a->code, STATUS_OK);
    answer_free(a);
}

/* Whoever may not list may not be told how a list is found either. */
static void the_rules_decide_an_explanation(void **state)
{
    (void)state;
    loopback_rules(&L, rules);
    struct answer *a = loopback_ask(&L, "RunQuery", "anonymous",
                                    "{" PARENT ",\"structuredQuery\":{" FROM_C "},\"explainOptions\":{}}");
    assert_int_equal(a->code, STATUS_PERMISSION_DENIED);
    answer_free(a);
}

static int open_iam(void **state)
{
    (void)state;
    static struct options o;
    o = (struct options){ .owner_iam = "create,get" };
    loopback_open(&L, &o);
    return 0;
}

static void counting_needs_the_right_to_list(void **state)
{
    (void)state;
    assert_int_equal(ask("RunAggregationQuery", "{" COUNTED(FROM_C) "}"), STATUS_PERMISSION_DENIED);
    has("datastore.entities.list");
}

/* ---- long counts ---- */

static void put_many(const char *prefix, int n)
{
    struct buf body;
    buf_init(&body, 16 * 1024 * 1024);
    buf_printf(&body, "{" DB ",\"writes\":[");
    for (int i = 0; i < n; i++)
        buf_printf(&body,
                   "%s{\"update\":{\"name\":\"" DOCS
                   "/%s%d/g/x\",\"fields\":{\"n\":{\"integerValue\":\"%d\"}}}}",
                   i ? "," : "", prefix, i, i);
    assert_true(buf_printf(&body, "]}") && buf_byte(&body, '\0'));
    assert_int_equal(answer_keep(got, sizeof got, loopback_ask(&L, "Commit", "owner", (const char *)body.data)), STATUS_OK);
    buf_dispose(&body);
}

/* In slices, each going on behind the document of the one before, whatever its depth. */
static void a_collection_group_is_counted_once_each(void **state)
{
    (void)state;
    put_many("top/d", 3000);
    put_many("top/d/sub/d", 2000);
    assert_int_equal(
        ask("RunAggregationQuery",
            "{" PARENT
            ",\"structuredAggregationQuery\":{\"structuredQuery\":{\"from\":[{\"collectionId\":\"g\","
            "\"allDescendants\":true}],\"orderBy\":[{\"field\":{\"fieldPath\":\"n\"},\"direction\":"
            "\"DESCENDING\"}]},"
            "\"aggregations\":[{\"alias\":\"count\",\"count\":{}},{\"alias\":\"sum\",\"sum\":{\"field\":"
            "{\"fieldPath\":\"n\"}}}]}}"),
        STATUS_OK);
    has("\"count\":{\"integerValue\":\"5000\"}");
    has("\"sum\":{\"integerValue\":\"6497500\"}");
}

/* ---- explanations ---- */

static void a_plan_reads_and_locks_nothing(void **state)
{
    (void)state;
    put("c/a", INT("n", 1));
    struct txn t = begin();
    assert_int_equal(ask("RunQuery",
                         "{" PARENT ",\"structuredQuery\":{" FROM_C
                         "},\"explainOptions\":{},\"transaction\":\"%s\"}",
                         t.id),
                     STATUS_OK);
    has("\"planSummary\"");
    has_not("documents/c/a");
    has_not("executionStats");
    has_not("readTime");
    assert_int_equal(put("c/a", INT("n", 2)), STATUS_OK); /* it does not wait */
    assert_int_equal(commit_in(t, "totals/x"), STATUS_OK);
}

static void an_analysis_tells_what_was_looked_at(void **state)
{
    (void)state;
    put("c/a", INT("n", 0));
    put("c/b", INT("n", 0));
    put("c/c", INT("n", 1));
    assert_int_equal(ask("RunQuery",
                         "{" PARENT ",\"structuredQuery\":{" FROM_C WHERE_N_ABOVE_0 "},\"explainOptions\":"
                         "{\"analyze\":true}}"),
                     STATUS_OK);
    has("documents/c/c");
    has("\"resultsReturned\":\"1\"");
    has("\"documents_scanned\":\"3\"");
    assert_int_equal(ask("RunAggregationQuery",
                         "{" COUNTED(FROM_C WHERE_N_ABOVE_0) ",\"explainOptions\":{\"analyze\":true}}"),
                     STATUS_OK);
    has("\"count\":{\"integerValue\":\"1\"}");
    has("\"documents_scanned\":\"3\"");
}

static void a_scan_by_name_downwards_says_so(void **state)
{
    (void)state;
    assert_int_equal(ask("RunQuery", "{" PARENT ",\"structuredQuery\":{" FROM_C
                                     ",\"where\":{\"fieldFilter\":{\"field\":{\"fieldPath\":\"n\"},"
                                     "\"op\":\"EQUAL\",\"value\":{\"integerValue\":\"1\"}}},\"orderBy\":[{"
                                     "\"field\":{\"fieldPath\":\"__name__\"},"
                                     "\"direction\":\"DESCENDING\"}]},\"explainOptions\":{}}"),
                     STATUS_OK);
    has("\"properties\":\"(__name__ DESC)\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_that_joins_a_count_aborts),
        TEST(a_document_that_the_filter_leaves_out_does_not),
        TEST(counted_documents_are_locked),
        TEST(only_what_could_be_nearest_aborts),
        TEST(a_denied_count_names_statement_and_method),
        TEST(the_rules_decide_an_explanation),
        cmocka_unit_test_setup_teardown(counting_needs_the_right_to_list, open_iam, close_it),
        TEST(a_collection_group_is_counted_once_each),
        TEST(a_plan_reads_and_locks_nothing),
        TEST(an_analysis_tells_what_was_looked_at),
        TEST(a_scan_by_name_downwards_says_so),
    };
    return cmocka_run_group_tests_name("server/aggregate", tests, NULL, NULL);
}

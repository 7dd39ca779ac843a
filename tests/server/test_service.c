/* test_service.c - what the RPCs do, without sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "server/loopback.h"
#include "server/ops/summary.h"

#include <stdio.h>
#include <stdlib.h>

#define DB "\"database\":\"projects/p/databases/(default)\""
#define DOCS "projects/p/databases/(default)/documents"
#define WRITES(list) "{" DB ",\"writes\":[" list "]}"
#define SET(path, fields) "{\"update\":{\"name\":\"" DOCS "/" path "\",\"fields\":{" fields "}}}"
#define CREATE(path, fields)                                                                                           \
    "{\"update\":{\"name\":\"" DOCS "/" path "\",\"fields\":{" fields "}},\"currentDocument\":{\"exists\":false}}"
#define DELETE(path) "{\"delete\":\"" DOCS "/" path "\"}"
#define GET(path) "{\"name\":\"" DOCS "/" path "\"}"
#define INT(name, n) "\"" name "\":{\"integerValue\":\"" #n "\"}"

static struct loopback L;

static int open_plain(void **state)
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

/* Asks and checks the code; the answer's JSON and message in a static buffer. */
static char got[65536];
static void expect_as(const char *who, const char *rpc, const char *json, enum status_code code)
{
    struct answer *a = loopback_ask(&L, rpc, who, json);
    snprintf(got, sizeof got, "%s%s", a->json, a->message);
    if (a->code != code)
        print_error("%s %s: %s: %s\n", rpc, json, status_name(a->code), got);
    assert_int_equal(a->code, code);
    answer_free(a);
}
static void expect(const char *rpc, const char *json, enum status_code code) { expect_as("owner", rpc, json, code); }
static void has(const char *part)
{
    if (!strstr(got, part))
        print_error("no '%s' in: %s\n", part, got);
    assert_non_null(strstr(got, part));
}
static void has_not(const char *part) { assert_null(strstr(got, part)); }

static void test_created_document_is_read_back(void **state)
{
    (void)state;
    expect("CreateDocument",
           "{\"parent\":\"" DOCS "\",\"collectionId\":\"c\",\"documentId\":\"d\",\"document\":{\"fields\":{" INT("n", 5) "}}}",
           STATUS_OK);
    has("\"createTime\"");
    expect("GetDocument", GET("c/d"), STATUS_OK);
    has("\"integerValue\":\"5\"");
    expect("GetDocument", GET("c/other"), STATUS_NOT_FOUND);
    has("Document (" DOCS "/c/other) not found.");
}

static void test_create_without_id_gets_one_of_20_characters(void **state)
{
    (void)state;
    struct answer *a = loopback_ask(&L, "CreateDocument", "owner", "{\"parent\":\"" DOCS "\",\"collectionId\":\"c\"}");
    assert_int_equal(a->code, STATUS_OK);
    assert_int_equal(strlen(answer_text(a, "documents/c/")), 20);
    answer_free(a);
}

static void test_preconditions_are_told_in_googles_words(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("c/d1", INT("n", 1))), STATUS_OK);
    expect("Commit", WRITES(CREATE("c/d1", INT("n", 1))), STATUS_ALREADY_EXISTS);
    has("entity already exists: EntityRef{partitionRef=dev~p, path=/c/d1}");
    expect("Commit", "{" DB ",\"writes\":[{\"delete\":\"" DOCS "/c/d2\",\"currentDocument\":{\"exists\":true}}]}", STATUS_NOT_FOUND);
    has("no entity to update: app: \"dev~p\"\npath <\n  Element {\n    type: \"c\"\n    name: \"d2\"\n  }\n>\n");
    expect("Commit",
           "{" DB ",\"writes\":[{\"delete\":\"" DOCS "/c/d1\",\"currentDocument\":{\"updateTime\":\"2020-01-01T00:00:00Z\"}}]}",
           STATUS_FAILED_PRECONDITION);
    has("does not match the required base version (1577836800000000)");
}

static void test_a_failed_commit_changes_nothing(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("c/a", INT("n", 1)) "," "{\"delete\":\"" DOCS "/c/x\",\"currentDocument\":{\"exists\":true}}"),
           STATUS_NOT_FOUND);
    expect("GetDocument", GET("c/a"), STATUS_NOT_FOUND);
}

static void test_writes_of_one_commit_see_each_other(void **state)
{
    (void)state;
    expect("Commit",
           WRITES(CREATE("c/d", INT("n", 1)) "," DELETE("c/d") "," CREATE("c/d", INT("n", 2)) ","
                  "{\"update\":{\"name\":\"" DOCS "/c/d\",\"fields\":{" INT("m", 3) "}},\"updateMask\":{\"fieldPaths\":[\"m\"]}}"),
           STATUS_OK);
    expect("GetDocument", GET("c/d"), STATUS_OK);
    has("\"n\":{\"integerValue\":\"2\"}");
    has("\"m\":{\"integerValue\":\"3\"}");
}

static void test_a_write_that_changes_nothing_keeps_the_update_time(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("c/d", INT("n", 1))), STATUS_OK);
    struct store_info before, after;
    store_get_info(L.server.store, &before);
    struct answer *first = loopback_ask(&L, "GetDocument", "owner", GET("c/d"));
    struct answer *again = loopback_ask(&L, "Commit", "owner", WRITES(SET("c/d", INT("n", 1))));
    assert_int_equal(again->code, STATUS_OK);
    assert_string_equal(answer_text(first, "\"updateTime\":\""), answer_text(again, "\"updateTime\":\""));
    store_get_info(L.server.store, &after);
    assert_int_equal(before.visible, after.visible);
    answer_free(first);
    answer_free(again);
}

static void test_transforms(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("c/d", INT("n", 5))), STATUS_OK);
    expect("Commit",
           "{" DB ",\"writes\":[{\"update\":{\"name\":\"" DOCS "/c/d\"},\"updateMask\":{},\"updateTransforms\":["
           "{\"fieldPath\":\"n\",\"increment\":{\"integerValue\":\"2\"}},"
           "{\"fieldPath\":\"t\",\"setToServerValue\":\"REQUEST_TIME\"},"
           "{\"fieldPath\":\"l\",\"appendMissingElements\":{\"values\":[{\"integerValue\":\"1\"},{\"doubleValue\":1}]}}]}]}",
           STATUS_OK);
    has("\"transformResults\":[{\"integerValue\":\"7\"},{\"timestampValue\"");
    expect("GetDocument", GET("c/d"), STATUS_OK);
    has("\"l\":{\"arrayValue\":{\"values\":[{\"integerValue\":\"1\"}]}}");
}

static void test_server_timestamps_of_one_document_differ(void **state)
{
    (void)state;
    const char *before = "";
    for (int i = 0; i < 20; i++) {
        struct answer *a =
            loopback_ask(&L, "Commit", "owner",
                         "{" DB ",\"writes\":[{\"update\":{\"name\":\"" DOCS "/c/d\"},\"updateTransforms\":["
                         "{\"fieldPath\":\"t\",\"setToServerValue\":\"REQUEST_TIME\"}]}]}");
        assert_int_equal(a->code, STATUS_OK);
        const char *now = arena_str(L.arena, str_of(answer_text(a, "\"timestampValue\":\""))).p;
        assert_string_not_equal(before, now);
        before = now;
        answer_free(a);
    }
}

static void test_batch_write_reports_each_write(void **state)
{
    (void)state;
    expect("BatchWrite", WRITES(SET("c/a", INT("n", 1)) "," "{\"delete\":\"" DOCS "/c/x\",\"currentDocument\":{\"exists\":true}}"),
           STATUS_OK);
    has("\"status\":[{},{\"code\":5");
    expect("GetDocument", GET("c/a"), STATUS_OK);
    expect_as("{\"sub\":\"u\"}", "BatchWrite", WRITES(SET("c/a", INT("n", 1))), STATUS_PERMISSION_DENIED);
    has("Batch writes require admin authentication.");
}

/* A request of n deletes of different documents. */
static char *deletes(size_t n)
{
    size_t size = 64 + n * sizeof "{\"delete\":\"" DOCS "/c/12345678\"},";
    char *json = malloc(size);
    assert_non_null(json);
    int at = snprintf(json, size, "{" DB ",\"writes\":[");
    for (size_t i = 0; i < n; i++)
        at += snprintf(json + at, size - (size_t)at, "%s{\"delete\":\"" DOCS "/c/%zu\"}", i ? "," : "", i);
    snprintf(json + at, size - (size_t)at, "]}");
    return json;
}

static void test_so_many_writes_fit_a_request_and_one_more_does_not(void **state)
{
    static const char *const rpcs[] = { "Commit", "BatchWrite" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t more = 0; more < 2; more++) {
            char *json = deletes(LIMIT_COMMIT_WRITES + more);
            expect(rpcs[i], json, more ? STATUS_INVALID_ARGUMENT : STATUS_OK);
            free(json);
        }
        has(i ? "writes: at most 10000 in one batch, got 10001" : "writes: at most 10000 in one commit, got 10001");
    }
}

static void test_batch_get_answers_each_document_once(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("c/a", INT("n", 1))), STATUS_OK);
    struct answer *a = loopback_ask(&L, "BatchGetDocuments", "owner",
                                    "{" DB ",\"documents\":[\"" DOCS "/c/b\",\"" DOCS "/c/a\",\"" DOCS "/c/b\"]}");
    assert_int_equal(a->messages, 2);
    assert_non_null(strstr(a->json, "\"missing\":\"" DOCS "/c/b\""));
    answer_free(a);
}

#define QUERY(inner) "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"q\"}]" inner "}}"

static void test_queries(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("q/a", INT("n", 1)) "," SET("q/b", INT("n", 2)) "," SET("q/c", INT("n", 3)) "," SET("q/d/s/x", INT("n", 9))),
           STATUS_OK);
    struct answer *a = loopback_ask(&L, "RunQuery", "owner", QUERY(""));
    assert_int_equal(a->messages, 3);
    answer_free(a);
    expect("RunQuery", QUERY(",\"where\":{\"fieldFilter\":{\"field\":{\"fieldPath\":\"n\"},\"op\":\"GREATER_THAN\",\"value\":{\"integerValue\":1}}},"
                             "\"orderBy\":[{\"field\":{\"fieldPath\":\"n\"},\"direction\":\"DESCENDING\"}],\"limit\":1"), STATUS_OK);
    has("q/c");
    has_not("q/b");
    has("\"done\":true");
    expect("RunQuery", QUERY(",\"limit\":-1"), STATUS_INVALID_ARGUMENT);
    has("limit is negative");
    a = loopback_ask(&L, "RunQuery", "owner", QUERY(",\"limit\":0"));
    assert_int_equal(a->messages, 1);
    assert_non_null(strstr(a->json, "readTime"));
    answer_free(a);
}

static void test_list_pages(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("q/a", INT("n", 1)) "," SET("q/b", INT("n", 2)) "," SET("q/c", INT("n", 3))), STATUS_OK);
    struct answer *a = loopback_ask(&L, "ListDocuments", "owner", "{\"parent\":\"" DOCS "\",\"collectionId\":\"q\",\"pageSize\":2}");
    const char *token = answer_text(a, "\"nextPageToken\":\"");
    assert_true(strlen(token) > 0);
    char next[4096];
    snprintf(next, sizeof next, "{\"parent\":\"" DOCS "\",\"collectionId\":\"q\",\"pageSize\":2,\"pageToken\":\"%s\"}", token);
    expect("ListDocuments", next, STATUS_OK);
    has("q/c");
    has_not("q/b");
    answer_free(a);
    expect("ListDocuments", "{\"parent\":\"" DOCS "\",\"collectionId\":\"q\",\"pageToken\":\"zzz\"}", STATUS_INVALID_ARGUMENT);
}

/* ---- rules ---- */

static const char rules[] = "rules_version = '2';\n"
                            "service cloud.firestore { match /databases/{d}/documents {\n"
                            "  match /logs/{id} {\n"
                            "    allow read: if request.auth.token.role == 'auditor';\n"
                            "    allow create: if request.resource.data.keys().hasAll(['a', 'b']);\n"
                            "  }\n"
                            "  match /own/{id} { allow list: if resource.data.owner == request.auth.uid; }\n"
                            "  match /pair/{id} { allow create: if existsAfter(/databases/$(d)/documents/other/$(id)); }\n"
                            "  match /other/{id} { allow create: if true; }\n"
                            "} }\n";

static void test_rules_decide_and_the_denial_names_line_and_field(void **state)
{
    (void)state;
    loopback_rules(&L, rules);
    expect_as("anonymous", "Commit", WRITES(CREATE("logs/x", INT("a", 1) "," INT("b", 2))), STATUS_OK);
    struct answer *a = loopback_ask(&L, "Commit", "anonymous", WRITES(CREATE("logs/y", INT("a", 1))));
    assert_int_equal(a->code, STATUS_PERMISSION_DENIED);
    assert_string_equal(a->message, "\nfalse for 'create' @ L5");
    assert_non_null(a->details);
    bool missing = false;
    for (size_t i = 0; i < a->details->count; i++)
        missing |= strcmp(a->details->facts[i].key, "missing") == 0 && memmem(a->details->facts[i].value.p, a->details->facts[i].value.n, "'b'", 3);
    assert_true(missing);
    answer_free(a);
    expect_as("anonymous", "Commit", WRITES(SET("logs/x", INT("a", 3) "," INT("b", 2))), STATUS_PERMISSION_DENIED);
    has("No matching allow statements");
    expect_as("anonymous", "GetDocument", GET("logs/x"), STATUS_PERMISSION_DENIED);
    expect_as("{\"sub\":\"u\",\"role\":\"auditor\"}", "GetDocument", GET("logs/x"), STATUS_OK);
    expect("GetDocument", GET("logs/x"), STATUS_OK);
    assert_int_equal(summary_get(L.server.summary, SUMMARY_RULES_DENIED), 3);
}

static void test_lists_are_proved_from_equality(void **state)
{
    (void)state;
    loopback_rules(&L, rules);
    const char *who = "{\"sub\":\"me\"}";
    expect_as(who, "RunQuery", "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"own\"}]}}", STATUS_PERMISSION_DENIED);
    expect_as(who, "RunQuery",
              "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"own\"}],\"where\":{\"fieldFilter\":{\"field\":"
              "{\"fieldPath\":\"owner\"},\"op\":\"EQUAL\",\"value\":{\"stringValue\":\"me\"}}}}}",
              STATUS_OK);
}

static void test_rules_see_the_whole_commit(void **state)
{
    (void)state;
    loopback_rules(&L, rules);
    expect_as("anonymous", "Commit", WRITES(CREATE("pair/x", "")), STATUS_PERMISSION_DENIED);
    expect_as("anonymous", "Commit", WRITES(CREATE("pair/x", "") "," CREATE("other/x", "")), STATUS_OK);
}

static void test_a_refused_write_is_in_the_ledger(void **state)
{
    (void)state;
    loopback_rules(&L, rules);
    struct store_info info;
    expect_as("anonymous", "Commit", WRITES(CREATE("logs/y", INT("a", 1))), STATUS_PERMISSION_DENIED);
    store_get_info(L.server.store, &info);
    assert_int_equal(info.visible, 2); /* the rules, the refusal */
}

/* An insert is decided on a document that is taken for missing, once a ruleset has made enough decisions. */
static void expect_inserts(void)
{
    uint64_t denied = summary_get(L.server.summary, SUMMARY_RULES_DENIED);
    struct store_info before, after;
    store_get_info(L.server.store, &before);
    expect_as("anonymous", "Commit", WRITES(CREATE("free/there", INT("n", 2))), STATUS_PERMISSION_DENIED);
    has("false for 'create' @ L3");
    expect_as("anonymous", "Commit", WRITES(CREATE("taken/there", INT("n", 2))), STATUS_ALREADY_EXISTS);
    expect_as("anonymous", "Commit", WRITES(CREATE("taken/not", INT("n", 2))), STATUS_PERMISSION_DENIED);
    expect_as("anonymous", "Commit", WRITES(CREATE("any/there", INT("n", 2))), STATUS_ALREADY_EXISTS);
    store_get_info(L.server.store, &after);
    assert_int_equal(summary_get(L.server.summary, SUMMARY_RULES_DENIED) - denied, 2);
    assert_int_equal(after.visible - before.visible, 2);
    expect("GetDocument", GET("any/there"), STATUS_OK);
    has("\"integerValue\":\"1\"");
}

static void test_rules_see_what_an_insert_finds_however_it_was_looked_for(void **state)
{
    (void)state;
    loopback_rules(&L, "service cloud.firestore { match /databases/{d}/documents {\n"
                       "  match /free/{id} {\n    allow create: if resource == null; }\n"
                       "  match /taken/{id} { allow create: if resource.data.n == 1; }\n"
                       "  match /any/{id} { allow create, get: if true; } } }");
    expect("Commit", WRITES(SET("free/there", INT("n", 1)) "," SET("taken/there", INT("n", 1)) "," SET("any/there", INT("n", 1))), STATUS_OK);
    expect_inserts();
    for (size_t i = 0; i < LIMIT_COVERAGE_LOOKS; i++)
        expect_as("anonymous", "GetDocument", GET("any/there"), STATUS_OK);
    expect_inserts();
    expect_as("anonymous", "Commit", WRITES(CREATE("free/not", INT("n", 2))), STATUS_OK);
    expect_as("anonymous", "Commit", WRITES(CREATE("free/not", INT("n", 2))), STATUS_PERMISSION_DENIED);
}

/* ---- append-only, IAM ---- */

static int open_append_only(void **state)
{
    (void)state;
    static struct options o;
    o = (struct options){ .n_append_only = 1 };
    o.append_only[0] = STR("logs");
    loopback_open(&L, &o);
    return 0;
}

static void test_append_only_refuses_changes_for_admin_too(void **state)
{
    (void)state;
    expect("Commit", WRITES(SET("logs/x", INT("a", 1))), STATUS_OK);
    expect("Commit", WRITES(SET("logs/x", INT("a", 1))), STATUS_OK);
    expect("Commit", WRITES(SET("logs/x", INT("a", 2))), STATUS_PERMISSION_DENIED);
    has("logs");
    expect("Commit", WRITES(DELETE("logs/x")), STATUS_PERMISSION_DENIED);
    expect("Commit", WRITES(SET("free/y", INT("a", 1)) "," DELETE("logs/x")), STATUS_PERMISSION_DENIED);
    expect("GetDocument", GET("free/y"), STATUS_NOT_FOUND);
    expect("GetDocument", GET("logs/x"), STATUS_OK);
    has("\"integerValue\":\"1\"");
}

static int open_iam(void **state)
{
    (void)state;
    static struct options o;
    o = (struct options){ .owner_iam = "create,get,list" };
    loopback_open(&L, &o);
    return 0;
}

static void test_iam_table(void **state)
{
    (void)state;
    expect("Commit", WRITES(CREATE("c/a", INT("n", 1))), STATUS_OK);
    expect("Commit", WRITES(SET("c/b", INT("n", 1))), STATUS_PERMISSION_DENIED);
    has("datastore.entities.update");
    expect("Commit", WRITES(DELETE("c/a")), STATUS_PERMISSION_DENIED);
    has("datastore.entities.delete");
    expect("GetDocument", GET("c/a"), STATUS_OK);
    expect("RunQuery", "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"c\"}]}}", STATUS_OK);
    expect("BeginTransaction", "{" DB "}", STATUS_PERMISSION_DENIED);
    has("datastore.databases.get");
}

/* Sixty-four increments of one counter, all at once: none is lost. */
static void test_contended_increments_all_count(void **state)
{
    (void)state;
    enum { N = 400 }; /* more than there are tries */
    struct answer *all[N];
    for (int i = 0; i < N; i++)
        all[i] = loopback_send(&L, "Commit", "owner",
                               "{" DB ",\"writes\":[{\"transform\":{\"document\":\"" DOCS "/c/counter\",\"fieldTransforms\":["
                               "{\"fieldPath\":\"n\",\"increment\":{\"integerValue\":\"1\"}},"
                               "{\"fieldPath\":\"t\",\"setToServerValue\":\"REQUEST_TIME\"}]}}]}");
    for (int i = 0; i < N; i++) {
        answer_wait(all[i]);
        if (all[i]->code)
            print_error("%s\n", all[i]->message);
        assert_int_equal(all[i]->code, STATUS_OK);
        answer_free(all[i]);
    }
    expect("GetDocument", GET("c/counter"), STATUS_OK);
    has("\"integerValue\":\"400\"");
}

static void test_what_is_not_there_yet_says_so(void **state)
{
    (void)state;
    expect("ExecutePipeline", "{" DB "}", STATUS_UNIMPLEMENTED);
    has("ExecutePipeline");
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(test_created_document_is_read_back),
        PLAIN(test_create_without_id_gets_one_of_20_characters),
        PLAIN(test_preconditions_are_told_in_googles_words),
        PLAIN(test_a_failed_commit_changes_nothing),
        PLAIN(test_writes_of_one_commit_see_each_other),
        PLAIN(test_a_write_that_changes_nothing_keeps_the_update_time),
        PLAIN(test_transforms),
        PLAIN(test_server_timestamps_of_one_document_differ),
        PLAIN(test_batch_write_reports_each_write),
        PLAIN(test_so_many_writes_fit_a_request_and_one_more_does_not),
        PLAIN(test_batch_get_answers_each_document_once),
        PLAIN(test_queries),
        PLAIN(test_list_pages),
        PLAIN(test_rules_decide_and_the_denial_names_line_and_field),
        PLAIN(test_lists_are_proved_from_equality),
        PLAIN(test_rules_see_the_whole_commit),
        PLAIN(test_rules_see_what_an_insert_finds_however_it_was_looked_for),
        PLAIN(test_a_refused_write_is_in_the_ledger),
        cmocka_unit_test_setup_teardown(test_append_only_refuses_changes_for_admin_too, open_append_only, close_it),
        cmocka_unit_test_setup_teardown(test_iam_table, open_iam, close_it),
        PLAIN(test_contended_increments_all_count),
        PLAIN(test_what_is_not_there_yet_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

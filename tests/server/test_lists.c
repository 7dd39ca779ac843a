/* test_lists.c - lists of names: who may ask, pages while others write, and that a transaction keeps what it
 * was shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/loopback.h"

#include <stdio.h>
#include <string.h>

#define DB "\"database\":\"projects/p/databases/(default)\""
#define DOCS "projects/p/databases/(default)/documents"
#define IDS(rest) "{\"parent\":\"" DOCS "\"" rest "}"
#define LIST(rest) "{\"parent\":\"" DOCS "\",\"collectionId\":\"m\",\"showMissing\":true" rest "}"

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

/* The answer's JSON, or its message; in L.arena. */
static const char *ask_as(const char *who, const char *rpc, const char *json, enum status_code code)
{
    struct answer *a = loopback_ask(&L, rpc, who, json);
    if (a->code != code)
        fail_msg("%s %s: %s %s", rpc, json, status_name(a->code), a->message);
    const char *text = arena_printf(L.arena, "%s", code ? a->message : a->json);
    answer_free(a);
    return text;
}

static const char *ask(const char *rpc, const char *json)
{
    return ask_as("owner", rpc, json, STATUS_OK);
}

static void put(const char *path)
{
    ask("Commit",
        arena_printf(L.arena, "{" DB ",\"writes\":[{\"update\":{\"name\":\"" DOCS "/%s\"}}]}", path));
}

static const char *member(const char *json, const char *key)
{
    const char *at = strstr(json, key);
    return at ? arena_printf(L.arena, "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key)) : "";
}

static void names_are_for_owners_with_the_right_to_list(void **state)
{
    (void)state;
    static const char refused[] = "Metadata operations require admin authentication.";
    put("c/a");
    static const char *const others[] = { "anonymous", "{\"sub\":\"u\"}" };
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(ask_as(others[i], "ListCollectionIds", IDS(""), STATUS_PERMISSION_DENIED),
                            refused);
        assert_string_equal(ask_as(others[i], "ListDocuments", LIST(""), STATUS_PERMISSION_DENIED), refused);
    }
    L.policy.iam_given = true;
    L.policy.iam = IAM_ENTITIES_GET | IAM_ENTITIES_CREATE;
    static const char *const asks[][2] = { { "ListCollectionIds", IDS("") }, { "ListDocuments", LIST("") } };
    for (size_t i = 0; i < 2; i++)
        assert_non_null(strstr(ask_as("owner", asks[i][0], asks[i][1], STATUS_PERMISSION_DENIED),
                               "datastore.entities.list"));
    L.policy.iam |= IAM_ENTITIES_LIST;
    ask("ListCollectionIds", IDS(""));
}

/* A name that is there from the first page to the last is given out exactly once, whatever comes and goes. */
static void pages_of_names_miss_nothing_that_stays(void **state)
{
    (void)state;
    char path[32];
    bool seen[100] = { false };
    const char *token = "";
    for (int i = 0; i < 100; i += 2) {
        snprintf(path, sizeof path, "k%02d/x/s/y", i);
        put(path);
    }
    for (int page = 0; page == 0 || *token; page++) {
        const char *answer = ask("ListCollectionIds",
                                 arena_printf(L.arena, IDS(",\"pageSize\":7,\"pageToken\":\"%s\""), token));
        for (const char *at = answer; (at = strstr(at, "\"k")) != NULL; at += 4) {
            int i = (at[2] - '0') * 10 + at[3] - '0';
            assert_false(seen[i]);
            seen[i] = true;
        }
        token = member(answer, "\"nextPageToken\":\"");
        snprintf(path, sizeof path, "k%02d/x", (page * 37 + 11) % 100 | 1);
        put(path);
    }
    for (int i = 0; i < 100; i += 2)
        assert_true(seen[i]);
}

static void a_forged_token_is_no_way_around_the_rules_for_names(void **state)
{
    (void)state;
    put("a/1");
    put("b/1");
    const char *token = member(ask("ListCollectionIds", IDS(",\"pageSize\":1")), "\"nextPageToken\":\"");
    assert_true(*token);
    char *forged = arena_printf(L.arena, "%s", token);
    for (size_t i = 0; forged[i]; i++) {
        char kept = forged[i];
        forged[i] = kept == 'A' ? 'B' : 'A';
        const char *json = arena_printf(L.arena, IDS(",\"pageToken\":\"%s\""), forged);
        struct answer *a = loopback_ask(&L, "ListCollectionIds", "owner", json);
        assert_true(a->code == STATUS_INVALID_ARGUMENT ||
                    a->code == STATUS_OK); /* the last bits of base64 say nothing */
        assert_true(a->code == STATUS_OK || strcmp(a->message, "invalid page token") == 0);
        answer_free(a);
        forged[i] = kept;
    }
}

static void a_missing_document_shown_in_a_transaction_must_stay_missing(void **state)
{
    (void)state;
    put("m/ghost/s/x");
    const char *tx = member(ask("BeginTransaction", "{" DB "}"), "\"transaction\":\"");
    const char *list = ask("ListDocuments", arena_printf(L.arena, LIST(",\"transaction\":\"%s\""), tx));
    assert_non_null(strstr(list, "{\"name\":\"" DOCS "/m/ghost\"}"));
    /* Its own write of it is fine, and ends the lock that holds back this one until then. */
    struct answer *other = loopback_send(&L, "Commit", "owner",
                                         "{" DB ",\"writes\":[{\"update\":{\"name\":\"" DOCS "/m/ghost\"},"
                                         "\"currentDocument\":{\"exists\":false}}]}");
    ask("Commit", arena_printf(L.arena,
                               "{" DB ",\"transaction\":\"%s\",\"writes\":[{\"update\":{\"name\":\"" DOCS
                               "/m/ghost\",\"fields\":{\"n\":{\"integerValue\":\"1\"}}}}]}",
                               tx));
    answer_wait(other);
    assert_int_equal(other->code, STATUS_ALREADY_EXISTS);
    answer_free(other);
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, open_plain, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(names_are_for_owners_with_the_right_to_list),
        fresh(pages_of_names_miss_nothing_that_stays),
        fresh(a_forged_token_is_no_way_around_the_rules_for_names),
        fresh(a_missing_document_shown_in_a_transaction_must_stay_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

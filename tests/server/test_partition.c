/* test_partition.c - PartitionQuery as clients use it: page through the cursors, run one query between each
 * two of them, and have exactly the collection group. Random documents; a second copy of the group in another
 * database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/order.h"
#include "server/loopback.h"

#include <stdio.h>
#include <stdlib.h>

#define DB "projects/p/databases/(default)"
#define DOCS DB "/documents"
#define GROUP "\"structuredQuery\":{\"from\":[{\"collectionId\":\"g\",\"allDescendants\":true}]"
#define BY_NAME ",\"orderBy\":[{\"field\":{\"fieldPath\":\"__name__\"},\"direction\":\"ASCENDING\"}]"
#define PARTITIONS(query, rest) "{\"parent\":\"" DOCS "\"," query "}," rest "}"

enum { MOST = 4000 };
struct names {
    const char *items[MOST];
    size_t n;
};

static struct loopback L;
static uint64_t seed;

static unsigned random_below(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)((seed >> 33) % n);
}

static int open_plain(void **state)
{
    (void)state;
    seed = 7;
    loopback_open(&L, NULL);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    loopback_close(&L);
    return 0;
}

static struct answer *ask(const char *rpc, const char *json)
{
    struct answer *a = loopback_ask(&L, rpc, "owner", json);
    if (a->code)
        fail_msg("%s %s: %s", rpc, json, a->message);
    return a;
}

static void refused(const char *who, const char *json, enum status_code code, const char *message)
{
    struct answer *a = loopback_ask(&L, "PartitionQuery", who, json);
    if (a->code != code || !strstr(a->message, message))
        fail_msg("%s: %s: %s", json, status_name(a->code), a->message);
    answer_free(a);
}

/* A document of the group or of another collection, at any depth up to three. */
static const char *random_name(char out[160])
{
    int n = snprintf(out, 160, "%s", DOCS);
    for (unsigned depth = 1 + random_below(3); depth > 0; depth--)
        n += snprintf(out + n, 160 - (size_t)n, "/%s/%u%s", random_below(3) ? "g" : "other",
                      random_below(900), random_below(4) ? "" : "\xc3\xa9");
    return out;
}

static void write_random(int commits, int writes)
{
    char name[160];
    for (int c = 0; c < commits; c++) {
        struct buf json;
        buf_init(&json, 1 << 20);
        buf_printf(&json, "{\"database\":\"" DB "\",\"writes\":[");
        for (int w = 0; w < writes; w++)
            buf_printf(&json, "%s{\"update\":{\"name\":\"%s\",\"fields\":{}}}", w ? "," : "",
                       random_name(name));
        buf_z(&json, "]}");
        buf_byte(&json, 0);
        answer_free(ask("Commit", (const char *)json.data));
        buf_dispose(&json);
    }
}

/* Appends what stands between `key` and the next quote, wherever it occurs. */
static void collect(struct names *out, const char *json, const char *key)
{
    for (const char *at = json; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        size_t n = strcspn(at, "\"");
        assert_true(out->n < MOST);
        out->items[out->n++] = arena_printf(L.arena, "%.*s", (int)n, at);
    }
}

static void query_names(struct names *out, const char *bounds)
{
    struct answer *a =
        ask("RunQuery", arena_printf(L.arena, "{\"parent\":\"" DOCS "\"," GROUP BY_NAME "%s}}", bounds));
    collect(out, a->json, "{\"name\":\"");
    answer_free(a);
}

/* All cursors; `page` 0: as many in an answer as there are. Writes more in between when told to. */
static void all_cuts(struct names *out, unsigned count, unsigned page, bool writing)
{
    const char *token = "";
    do {
        struct answer *a = ask("PartitionQuery",
                               arena_printf(L.arena,
                                            PARTITIONS(GROUP BY_NAME, "\"partitionCount\":%u,\"pageSize\":%u,"
                                                                      "\"pageToken\":\"%s\""),
                                            count, page, token));
        size_t before = out->n;
        collect(out, a->json, "\"referenceValue\":\"");
        assert_true(page == 0 || out->n - before <= page);
        token = arena_printf(L.arena, "%s", answer_text(a, "\"nextPageToken\":\""));
        answer_free(a);
        if (writing && *token)
            write_random(1, 20);
    } while (*token);
}

static void expect_parts_to_be_the_group(const struct names *cuts)
{
    static struct names whole, parts;
    whole.n = parts.n = 0;
    query_names(&whole, "");
    for (size_t i = 0; i <= cuts->n; i++) {
        const char *start =
            i ? arena_printf(L.arena,
                             ",\"startAt\":{\"values\":[{\"referenceValue\":\"%s\"}],\"before\":true}",
                             cuts->items[i - 1])
              : "";
        const char *end =
            i < cuts->n
                ? arena_printf(L.arena,
                               ",\"endAt\":{\"values\":[{\"referenceValue\":\"%s\"}],\"before\":true}",
                               cuts->items[i])
                : "";
        size_t before = parts.n;
        query_names(&parts, arena_printf(L.arena, "%s%s", start, end));
        assert_true(parts.n > before || whole.n == 0);
    }
    assert_int_equal(parts.n, whole.n);
    for (size_t i = 0; i < whole.n; i++)
        assert_string_equal(parts.items[i], whole.items[i]);
}

static void the_parts_are_exactly_the_group(void **state)
{
    (void)state;
    static struct names cuts;
    static const unsigned counts[] = { 1, 2, 3, 7, 16, 60, 150 }, pages[] = { 0, 1, 2, 5, 50 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        write_random(3, 50);
        cuts.n = 0;
        all_cuts(&cuts, counts[i], pages[i % 5], false);
        assert_true(cuts.n > 0 && cuts.n <= counts[i]);
        for (size_t k = 1; k < cuts.n; k++)
            assert_true(order_compare_reference(str_of(cuts.items[k - 1]), str_of(cuts.items[k])) < 0);
        expect_parts_to_be_the_group(&cuts);
    }
}

static void pages_agree_while_others_write(void **state)
{
    (void)state;
    static struct names paged, at_once;
    write_random(4, 50);
    paged.n = at_once.n = 0;
    all_cuts(&at_once, 20, 0, false);
    all_cuts(&paged, 20, 3, true);
    assert_int_equal(paged.n, at_once.n);
    for (size_t i = 0; i < paged.n; i++)
        assert_string_equal(paged.items[i], at_once.items[i]);
    expect_parts_to_be_the_group(&paged);
}

static void a_group_of_one_document_has_no_cuts(void **state)
{
    (void)state;
    static struct names cuts;
    cuts.n = 0;
    all_cuts(&cuts, 10, 0, false);
    answer_free(
        ask("Commit", "{\"database\":\"" DB "\",\"writes\":[{\"update\":{\"name\":\"" DOCS "/a/1/g/1\"}}]}"));
    all_cuts(&cuts, 10, 0, false);
    assert_int_equal(cuts.n, 0);
    expect_parts_to_be_the_group(&cuts);
}

static void cuts_are_found_at_a_read_time(void **state)
{
    (void)state;
    write_random(2, 50);
    struct answer *a =
        ask("Commit", "{\"database\":\"" DB "\",\"writes\":[{\"update\":{\"name\":\"" DOCS "/g/first\"}}]}");
    const char *time = arena_printf(L.arena, "%s", answer_text(a, "\"commitTime\":\""));
    answer_free(a);
    const char *request =
        arena_printf(L.arena, PARTITIONS(GROUP, "\"partitionCount\":9,\"readTime\":\"%s\""), time);
    a = ask("PartitionQuery", request);
    const char *then = arena_printf(L.arena, "%s", a->json);
    answer_free(a);
    write_random(2, 50);
    a = ask("PartitionQuery", request);
    assert_string_equal(a->json, then);
    answer_free(a);
}

static void what_cannot_be_partitioned_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { PARTITIONS(GROUP, "\"partitionCount\":0"), "partition_count must be positive" },
        { PARTITIONS(GROUP, "\"partitionCount\":-3"), "partition_count must be positive" },
        { PARTITIONS(GROUP, "\"pageSize\":1"), "partition_count must be positive" },
        { PARTITIONS(GROUP, "\"partitionCount\":1,\"pageSize\":-1"), "page_size must be" },
        { PARTITIONS(GROUP, "\"partitionCount\":1,\"pageToken\":\"zzzz\""), "invalid page token" },
        { PARTITIONS(GROUP ",\"limit\":1", "\"partitionCount\":1"), "no filter, limit, offset" },
        { PARTITIONS(GROUP ",\"offset\":1", "\"partitionCount\":1"), "no filter, limit, offset" },
        { PARTITIONS(GROUP
                     ",\"where\":{\"unaryFilter\":{\"op\":\"IS_NULL\",\"field\":{\"fieldPath\":\"a\"}}}",
                     "\"partitionCount\":1"),
          "no filter, limit, offset" },
        { PARTITIONS(GROUP ",\"orderBy\":[{\"field\":{\"fieldPath\":\"a\"}}]", "\"partitionCount\":1"),
          "ordered by __name__ ascending" },
        { PARTITIONS("\"structuredQuery\":{\"from\":[{\"collectionId\":\"g\"}]", "\"partitionCount\":1"),
          "one collection group" },
        { PARTITIONS("\"structuredQuery\":{\"from\":[{\"allDescendants\":true}]", "\"partitionCount\":1"),
          "one collection group" },
        { "{\"parent\":\"" DOCS "\",\"partitionCount\":1}", "only structured queries are supported" },
        { "{\"parent\":\"" DOCS "/c/d\",\"partitionCount\":1," GROUP "}}",
          "parent: partitions are of the whole database" },
        { "{\"parent\":\"zzz\",\"partitionCount\":1," GROUP "}}", "lacks \"projects\"" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused("owner", bad[i][0], STATUS_INVALID_ARGUMENT, bad[i][1]);
    refused("anonymous", PARTITIONS(GROUP, "\"partitionCount\":1"), STATUS_PERMISSION_DENIED,
            "require admin");
    refused("{\"sub\":\"u\"}", PARTITIONS(GROUP, "\"partitionCount\":1"), STATUS_PERMISSION_DENIED,
            "require admin");
}

static void a_token_is_of_its_own_partitioning(void **state)
{
    (void)state;
    write_random(2, 50);
    struct answer *a = ask("PartitionQuery", PARTITIONS(GROUP, "\"partitionCount\":9,\"pageSize\":1"));
    const char *token = arena_printf(L.arena, "%s", answer_text(a, "\"nextPageToken\":\""));
    answer_free(a);
    assert_true(*token);
    refused("owner",
            arena_printf(L.arena, PARTITIONS(GROUP, "\"partitionCount\":8,\"pageToken\":\"%s\""), token),
            STATUS_INVALID_ARGUMENT, "invalid page token");
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, open_plain, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(the_parts_are_exactly_the_group),       fresh(pages_agree_while_others_write),
        fresh(a_group_of_one_document_has_no_cuts),   fresh(cuts_are_found_at_a_read_time),
        fresh(what_cannot_be_partitioned_is_refused), fresh(a_token_is_of_its_own_partitioning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

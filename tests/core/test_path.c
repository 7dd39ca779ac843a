/* test_path.c - resource names and ids. The messages are what Google's emulator 1.19.9 answered to the
 * same names (commit, batchGet, listCollectionIds and beginTransaction over REST and gRPC), except where
 * a comment says that they are ours. */
#include "core/clock.h"
#include "core/core_test.h"
#include "core/limits.h"
#include "core/path.h"

#include <stdlib.h>

#define ROOT "projects/demo-p/databases/(default)/documents"

typedef enum status_code parser(struct resource_name *out, struct str name, struct status *st);

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

static void refused_by(parser *parse, struct str name, const char *message)
{
    struct resource_name out;
    struct status st = status_init(arena);
    if (parse(&out, name, &st) != STATUS_INVALID_ARGUMENT)
        fail_msg("accepted \"" STR_FMT "\"", STR_ARG(name));
    assert_int_equal(st.code, STATUS_INVALID_ARGUMENT);
    assert_str_z(str_of(status_message(&st)), message);
}

static void accepted_by(parser *parse, struct str name, const char *path)
{
    struct resource_name out;
    struct status st = status_init(arena);
    if (parse(&out, name, &st))
        fail_msg("refused \"" STR_FMT "\": %s", STR_ARG(name), status_message(&st));
    assert_str_z(out.path, path);
}

struct refusal {
    const char *name, *rest; /* rest of the message after: <what> "<name>" */
};

static void each_refused(parser *parse, const char *what, const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        refused_by(parse, str_of(cases[i].name),
                   arena_printf(arena, "%s \"%s\" %s", what, cases[i].name, cases[i].rest));
}
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct refusal common[] = {
    { "", "lacks \"projects\" at index 0." },
    { "bad", "lacks \"projects\" at index 0." },
    { "projects", "lacks \"/\" at index 8." },
    { "projects/", "has invalid trailing \"/\"." },
    { "projects/p", "lacks \"/\" at index 10." },
    { "projects/p/", "has invalid trailing \"/\"." },
    { "projects/p/x", "lacks \"databases\" at index 11." },
    { "projects/p/databases", "lacks \"/\" at index 20." },
    { "projects/p/databases/", "has invalid trailing \"/\"." },
    { "projects/p/databases/d/", "has invalid trailing \"/\"." },
    { "projects//databases/d/documents/c/d", "lacks a project id at index 9." },
    { "projects/p/databases//documents/c/d", "lacks a database id at index 21." },
    { "projects/p/databasesx/d/documents/c/d", "lacks \"/\" at index 20." },
    { "projectsx/p/databases/d/documents/c/d", "lacks \"/\" at index 8." },
    { "projects/./databases/../documents/c/d", "contains a project id \".\" at index 9." },
    { "projects/p/databases/../documents/c/d", "contains a database id \"..\" at index 21." },
};

static const struct refusal below_database[] = {
    { "projects/p/databases/d", "lacks \"/\" at index 22." },
    { "projects/p/databases/d/x", "lacks \"documents\" at index 23." },
    { "projects/p/databases/d/documentsx/c/d", "lacks \"/\" at index 32." },
};

static const struct refusal below_documents[] = {
    { "projects/p/databases/d/documents/", "is invalid: Omit trailing \"/\"." },
    { "projects/p/databases/d/documents//", "lacks a collection id at index 33." },
    { "projects/p/databases/d/documents/c/", "has invalid trailing \"/\"." },
    { "projects/p/databases/d/documents/c/d/", "has invalid trailing \"/\"." },
    { "projects/p/databases/d/documents/c/d/e/", "has invalid trailing \"/\"." },
    { "projects/p/databases/d/documents/c//", "lacks a resource id at index 35." },
    { "projects/p/databases/d/documents/c//d", "lacks a resource id at index 35." },
    { "projects/p/databases/d/documents//d", "lacks a collection id at index 33." },
    { "projects/p/databases/d/documents/c/.", "contains a resource id \".\" at index 35." },
    { "projects/p/databases/d/documents/c/..", "contains a resource id \"..\" at index 35." },
    { "projects/p/databases/d/documents/./d", "contains a collection id \".\" at index 33." },
    { "projects/p/databases/d/documents/../d", "contains a collection id \"..\" at index 33." },
    /* Places are counted in UTF-16 units, of which the face has two. */
    { "projects/demo-p/databases/(default)/documents/\xC3\xA9/\xF0\x9F\x98\x80//a",
      "lacks a collection id at index 51." },
};

static const struct refusal odd[] = {
    { "projects/p/databases/d/documents/c", "lacks \"/\" at index 34." },
    { "projects/p/databases/d/documents/c/d/e", "lacks \"/\" at index 38." },
    { "projects/demo-p/databases/(default)/documents/\xC3\xA9/\xF0\x9F\x98\x80/\xC3\xA9",
      "lacks \"/\" at index 52." },
};

static void document_names_are_refused_at_the_place_that_is_wrong(void **state)
{
    (void)state;
    each_refused(path_parse_document, "Document name", common, COUNT(common));
    each_refused(path_parse_document, "Document name", below_database, COUNT(below_database));
    each_refused(path_parse_document, "Document name", below_documents, COUNT(below_documents));
    each_refused(path_parse_document, "Document name", odd, COUNT(odd));
    static const struct refusal root = {
        "projects/p/databases/d/documents",
        "is invalid: Omit \"/documents\" when referencing a database (except as the parent of a document).",
    };
    each_refused(path_parse_document, "Document name", &root, 1);
    refused_by(path_parse_document, STR("/projects/p/databases/d/documents/c/d"),
               "Document name \"/projects/p/databases/d/documents/c/d\" lacks \"projects\" at index 0.");
}

static void parents_are_documents_or_the_root(void **state)
{
    (void)state;
    each_refused(path_parse_parent, "Document parent name", common, COUNT(common));
    each_refused(path_parse_parent, "Document parent name", below_database, COUNT(below_database));
    each_refused(path_parse_parent, "Document parent name", below_documents, COUNT(below_documents));
    each_refused(path_parse_parent, "Document parent name", odd, COUNT(odd));
    accepted_by(path_parse_parent, STR(ROOT), "");
    accepted_by(path_parse_parent, STR(ROOT "/c/d"), "c/d");
}

static void references_name_documents(void **state)
{
    (void)state;
    each_refused(path_parse_reference, "Resource name", common, COUNT(common));
    each_refused(path_parse_reference, "Resource name", below_documents, COUNT(below_documents));
    each_refused(path_parse_reference, "Resource name", odd, COUNT(odd));
    refused_by(path_parse_reference, STR("projects/p/databases/d"),
               "Non-document resource reference value not supported.");
    refused_by(path_parse_reference, STR("projects/p/databases/d/x"),
               "Resource \"projects/p/databases/d/x\" is not recognized.");
    refused_by(path_parse_reference, STR("projects/p/databases/d/documentsx/c/d"),
               "Resource \"projects/p/databases/d/documentsx/c/d\" is not recognized.");
    accepted_by(path_parse_reference, STR("projects/other/databases/x/documents/c/d/e/f"), "c/d/e/f");
}

static void resources_may_be_root_collection_or_document(void **state)
{
    (void)state;
    each_refused(path_parse_resource, "Resource name", common, COUNT(common));
    each_refused(path_parse_resource, "Resource name", below_database, COUNT(below_database));
    each_refused(path_parse_resource, "Resource name", below_documents, COUNT(below_documents));
    accepted_by(path_parse_resource, STR(ROOT), "");
    accepted_by(path_parse_resource, STR(ROOT "/c"), "c");
    accepted_by(path_parse_resource, STR(ROOT "/c/d"), "c/d");
    accepted_by(path_parse_resource, STR(ROOT "/c/d/e"), "c/d/e");
}

static void parts_are_borrowed_from_the_name(void **state)
{
    (void)state;
    struct resource_name out;
    struct status st = status_init(arena);
    assert_int_equal(path_parse_document(&out, STR(ROOT "/c/d"), &st), STATUS_OK);
    assert_str_z(out.db.project, "demo-p");
    assert_str_z(out.db.database, "(default)");
    assert_str_z(path_full(arena, out.db, out.path), ROOT "/c/d");
    assert_str_z(path_full(arena, out.db, STR("")), ROOT);
    struct database_name other = { STR("demo-p"), STR("x") };
    assert_true(database_name_eq(out.db, out.db));
    assert_false(database_name_eq(out.db, other));
}

static void database_refused(const struct refusal *refusal)
{
    struct database_name out;
    struct status st = status_init(arena);
    assert_int_equal(path_parse_database(&out, str_of(refusal->name), &st), STATUS_INVALID_ARGUMENT);
    assert_string_equal(status_message(&st),
                        arena_printf(arena, "Database name \"%s\" %s", refusal->name, refusal->rest));
}

static void database_names_end_with_the_database(void **state)
{
    (void)state;
    static const struct refusal more[] = {
        { "projects/p/databases/d/x", "has extra characters at index 22." },
        { "projects/p/databases/d/documents", "has extra characters at index 22." },
        { "projects/p/databases/d/documents/c/d", "has extra characters at index 22." },
        { "projects//databases/d", "lacks a project id at index 9." },
        { "projects/p/databases//", "lacks a database id at index 21." },
        { "/projects/p", "lacks \"projects\" at index 0." },
        { "projects/p/databases/..", "contains a database id \"..\" at index 21." },
        { "projects/../databases/d", "contains a project id \"..\" at index 9." },
        { "projects/p/databases/d/", "has invalid trailing \"/\"." },
    };
    for (size_t i = 0; i < COUNT(more); i++)
        database_refused(&more[i]);
    struct database_name out;
    struct status st = status_init(arena);
    assert_int_equal(path_parse_database(&out, STR("projects/p/databases/(default)"), &st), STATUS_OK);
    assert_str_z(out.project, "p");
    assert_str_z(out.database, "(default)");
}

static void reserved_ids_are_refused_where_they_stand(void **state)
{
    (void)state;
    refused_by(path_parse_document, STR(ROOT "/c/__x__"),
               "Resource id \"__x__\" is invalid because it is reserved.");
    refused_by(path_parse_document, STR(ROOT "/__c__/d"),
               "Collection id \"__c__\" is invalid because it is reserved.");
    refused_by(path_parse_document, STR(ROOT "/c/__x__/e/f"),
               "Resource id \"__x__\" is invalid because it is reserved.");
    /* Before anything that is wrong further right. */
    refused_by(path_parse_document, STR(ROOT "/__c__"),
               "Collection id \"__c__\" is invalid because it is reserved.");
    refused_by(path_parse_document, STR(ROOT "/c/d/__x__"),
               "Collection id \"__x__\" is invalid because it is reserved.");
    refused_by(path_parse_reference, STR(ROOT "/c/__x__"),
               "Resource id \"__x__\" is invalid because it is reserved.");
    refused_by(path_parse_parent, STR(ROOT "/c/__x__"),
               "Resource id \"__x__\" is invalid because it is reserved.");
    refused_by(path_parse_document, STR(ROOT "/c/_____"),
               "Resource id \"_____\" is invalid because it is reserved.");
    refused_by(path_parse_document, STR(ROOT "/c/__\n__"),
               "Resource id \"__\n__\" is invalid because it is reserved.");
    static const char *const fine[] = { "c/____", "c/___", "c/__",    "c/__a",
                                        "c/a__",  "c/...", "c d/d e", "c/a:b" };
    for (size_t i = 0; i < COUNT(fine); i++)
        accepted_by(path_parse_document, str_of(arena_printf(arena, ROOT "/%s", fine[i])), fine[i]);
}

static void numeric_ids_are_canonical_int64_and_no_collections(void **state)
{
    (void)state;
    static const char *const good[] = { "__id7__", "__id-7__", "__id9223372036854775807__",
                                        "__id-9223372036854775808__" };
    static const char *const bad[] = { "__id007__", "__id__",  "__id7x__", "__id+7__",
                                       "__id-0__",  "__id0__", "__id-__",  "__id 7__" };
    for (size_t i = 0; i < COUNT(good); i++) {
        char *path = arena_printf(arena, "c/%s", good[i]);
        accepted_by(path_parse_document, str_of(arena_printf(arena, ROOT "/%s", path)), path);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        refused_by(path_parse_document, str_of(arena_printf(arena, ROOT "/c/%s", bad[i])),
                   arena_printf(arena, "Resource id \"%s\" is invalid because it is reserved.", bad[i]));
    refused_by(path_parse_document, STR(ROOT "/c/__id9223372036854775808__"),
               "Resource id \"__id9223372036854775808__\" is invalid because it is not a 64 bit integer.");
    refused_by(path_parse_document, STR(ROOT "/__id7__/d"),
               "Collection id \"__id7__\" is invalid because it is reserved.");
    int64_t n;
    assert_true(path_id_number(STR("__id-9223372036854775808__"), &n) && n == INT64_MIN);
    assert_true(path_id_number(STR("__id9223372036854775807__"), &n) && n == INT64_MAX);
    assert_true(path_id_number(STR("__id-12__"), &n) && n == -12);
    assert_false(path_id_number(STR("__id-9223372036854775809__"), &n));
    assert_false(path_id_number(STR("__id18446744073709551617__"), &n));
    assert_false(path_id_number(STR(""), &n));
}

static char *repeat(const char *piece, size_t times)
{
    size_t n = strlen(piece);
    char *out = arena_alloc(arena, n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(out + i * n, piece, n);
    out[n * times] = '\0';
    return out;
}

static void ids_have_1500_bytes_at_most(void **state)
{
    (void)state;
    static const char root[] = ROOT;
    accepted_by(path_parse_document, str_of(arena_printf(arena, "%s/c/%s", root, repeat("x", 1500))),
                arena_printf(arena, "c/%s", repeat("x", 1500)));
    accepted_by(path_parse_document, str_of(arena_printf(arena, "%s/%s/d", root, repeat("\xC3\xA9", 750))),
                arena_printf(arena, "%s/d", repeat("\xC3\xA9", 750)));
    refused_by(path_parse_document, str_of(arena_printf(arena, "%s/c/%s", root, repeat("x", 1501))),
               "The key path element name is longer than 1500 bytes.");
    refused_by(path_parse_document, str_of(arena_printf(arena, "%s/%s/d", root, repeat("\xC3\xA9", 751))),
               "The key path element kind is longer than 1500 bytes.");
    refused_by(path_parse_document,
               str_of(arena_printf(arena, "%s/%s/%s", root, repeat("x", 1501), repeat("x", 1501))),
               "The key path element kind is longer than 1500 bytes.");
}

static void paths_have_100_pairs_at_most(void **state)
{
    (void)state;
    static const char root[] = ROOT;
    accepted_by(path_parse_document, str_of(arena_printf(arena, "%s%s", root, repeat("/c/d", 100))),
                repeat("/c/d", 100) + 1);
    refused_by(path_parse_document, str_of(arena_printf(arena, "%s%s", root, repeat("/c/d", 101))),
               "Key path is too long. Cannot exceed 100 elements.");
    refused_by(path_parse_resource, str_of(arena_printf(arena, "%s%s/c", root, repeat("/c/d", 100))),
               "Key path is too long. Cannot exceed 100 elements.");
    refused_by(path_parse_reference,
               str_of(arena_printf(arena, "%s/c/%s%s", root, repeat("x", 1501), repeat("/c/d", 100))),
               "Key path is too long. Cannot exceed 100 elements.");
}

/* Google's emulator answers UNKNOWN for such projects, and takes any database over gRPC. */
static void projects_and_databases_are_bounded(void **state)
{
    (void)state;
    refused_by(path_parse_document,
               str_of(arena_printf(arena, "projects/p/databases/%s/documents/c/d", repeat("x", 101))),
               "The database is longer than 100 bytes.");
    refused_by(path_parse_document,
               str_of(arena_printf(arena, "projects/%s/databases/d/documents/c/d", repeat("x", 101))),
               "The project is longer than 100 bytes.");
    refused_by(
        path_parse_document, STR("projects/de mo/databases/d/documents/c/d"),
        "Document name \"projects/de mo/databases/d/documents/c/d\" has a project id with a space or control "
        "character.");
    refused_by(path_parse_document, STR("projects/demo/databases/d\n/documents/c/d"),
               "Document name \"projects/demo/databases/d\n/documents/c/d\" has a database id with a control "
               "character.");
    accepted_by(path_parse_document, STR("projects/example.com:p-1/databases/a b/documents/c/d"), "c/d");
}

/* Ours: 1.19.9 accepts NUL everywhere and replaces what is no UTF-8. */
static void nul_and_bad_utf8_are_refused_but_nul_in_references(void **state)
{
    (void)state;
    refused_by(path_parse_document, STR(ROOT "/c/a\0b"),
               "Resource id \"a\\x00b\" is invalid because it contains a NUL character.");
    refused_by(path_parse_resource, STR(ROOT "/c\0"),
               "Collection id \"c\\x00\" is invalid because it contains a NUL character.");
    refused_by(path_parse_document, STR(ROOT "/c/\xE9"),
               "Document name \"" ROOT "/c/\\xE9\" is not valid UTF-8.");
    refused_by(path_parse_reference, STR(ROOT "/c/\xE9"),
               "Resource name \"" ROOT "/c/\\xE9\" is not valid UTF-8.");
    struct resource_name out;
    struct status st = status_init(arena);
    assert_int_equal(path_parse_reference(&out, STR(ROOT "/rd\0/__id-9223372036854775808__"), &st),
                     STATUS_OK);
    assert_str(out.path, STR("rd\0/__id-9223372036854775808__"));
}

static void a_huge_name_makes_a_bounded_message(void **state)
{
    (void)state;
    struct resource_name out;
    struct status st = status_init(arena);
    assert_int_equal(path_parse_document(&out, str_of(repeat("y", 1000000)), &st), STATUS_INVALID_ARGUMENT);
    assert_true(strlen(status_message(&st)) < 3200);
    assert_non_null(strstr(status_message(&st), "yyy...\" lacks \"projects\" at index 0."));
    struct status bare = status_init(NULL);
    assert_int_equal(path_parse_document(&out, str_of(repeat("y", 5000)), &bare), STATUS_INVALID_ARGUMENT);
    assert_true(strlen(status_message(&bare)) < 240);
}

static void id_refused(struct str id, bool collection, const char *message)
{
    struct status st = status_init(arena);
    assert_int_equal(path_check_id(id, collection, &st), STATUS_INVALID_ARGUMENT);
    assert_string_equal(status_message(&st), message);
}

static void lone_ids_are_checked_like_those_in_names(void **state)
{
    (void)state;
    struct status st = status_init(arena);
    assert_int_equal(path_check_id(STR("a b"), true, &st), STATUS_OK);
    assert_int_equal(path_check_id(STR("__id7__"), false, &st), STATUS_OK);
    id_refused(STR("a/b"), false, "Resource id \"a/b\" is invalid because it contains \"/\".");
    id_refused(STR("a/b"), true, "Collection id \"a/b\" is invalid because it contains \"/\".");
    id_refused(STR("__x__"), false, "Resource id \"__x__\" is invalid because it is reserved.");
    id_refused(STR("__id7__"), true, "Collection id \"__id7__\" is invalid because it is reserved.");
    id_refused(STR("."), false, "Resource id \".\" is invalid because it is reserved.");
    id_refused(STR(".."), true, "Collection id \"..\" is invalid because it is reserved.");
    id_refused(str_of(repeat("x", 1501)), false, "The key path element name is longer than 1500 bytes.");
    id_refused(str_of(repeat("x", 1501)), true, "The key path element kind is longer than 1500 bytes.");
    /* Ours. */
    id_refused(STR(""), true, "Collection id \"\" is invalid because it is empty.");
    id_refused((struct str){ 0 }, false, "Resource id \"\" is invalid because it is empty.");
    id_refused(STR("a\0b"), false, "Resource id \"a\\x00b\" is invalid because it contains a NUL character.");
    id_refused(STR("\xFF"), false, "Resource id \"\\xFF\" is invalid because it is not valid UTF-8.");
}

static void relative_paths_come_apart(void **state)
{
    (void)state;
    assert_int_equal(path_segments(STR("")), 0);
    assert_int_equal(path_segments(STR("c")), 1);
    assert_int_equal(path_segments(STR("c/d/e")), 3);
    assert_str_z(path_last(STR("c/d/e")), "e");
    assert_str_z(path_last(STR("c")), "c");
    assert_str_z(path_last(STR("")), "");
    assert_str_z(path_parent(STR("c/d/e")), "c/d");
    assert_str_z(path_parent(STR("c")), "");
    assert_str_z(path_join(arena, STR("c/d"), STR("e")), "c/d/e");
    assert_str_z(path_join(arena, STR(""), STR("c")), "c");
    struct str rest = STR("c/d"), id;
    assert_true(path_next(&rest, &id));
    assert_str_z(id, "c");
    assert_true(path_next(&rest, &id));
    assert_str_z(id, "d");
    assert_false(path_next(&rest, &id));
}

static void patterns_match_collections_and_documents(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        { "api_audit_logs", "api_audit_logs/a", true },
        { "api_audit_logs", "api_audit_logsx/a", false },
        { "api_audit_logs", "api_audit_logs/a/sub/b", false },
        { "tenants/*/logs", "tenants/t1/logs/a", true },
        { "tenants/*/logs", "tenants/t1/other/a", false },
        { "tenants/*/logs", "tenants/t1/logs/a/logs/b", false },
        { "*", "any/a", true },
        { "*", "any/a/sub/b", false },
        { "c/special", "c/special", true },
        { "c/special", "c/other", false },
        { "c/*", "c/other", true },
        { "**", "c/d", true },
        { "**", "c/d/e/f/g/h", true },
        { "a/**", "a/x", true },
        { "a/**", "a/x/b/y", true },
        { "a/**", "b/x", false },
        { "**/logs", "logs/a", true },
        { "**/logs", "x/y/logs/a", true },
        { "**/logs", "x/y/other/a", false },
        { "a/**/z", "a/b/z/d", true },
        { "a/**/z", "a/z/y/d", false },
        { "**/logs/*", "x/y/logs/a", true },
        { "**/logs/*", "x/y/other/a", false },
        { "**/b/**/d", "x/b/y/d/e/f", false },
        { "**/b/**/d", "x/b/y/q/c/d", true },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(path_pattern_valid(str_of(cases[i].pattern)));
        if (path_pattern_matches(str_of(cases[i].pattern), str_of(cases[i].path)) != cases[i].matches)
            fail_msg("\"%s\" against \"%s\"", cases[i].pattern, cases[i].path);
    }
}

static void bad_patterns_are_invalid(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "/", "/c", "c/", "c//d", "c*", "a/***", "./b", "a/.." };
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (path_pattern_valid(str_of(bad[i])))
            fail_msg("accepted \"%s\"", bad[i]);
    }
    assert_false(path_pattern_valid(STR("a\0b")));
    assert_false(path_pattern_valid(STR("\xFF")));
}

/* An exponential matcher would not come back. */
static void many_stars_are_matched_in_time(void **state)
{
    (void)state;
    struct str pattern = str_of(arena_printf(arena, "%sb", repeat("**/a/", 40)));
    struct str path = str_of(arena_printf(arena, "%sc", repeat("a/", 199)));
    assert_false(path_pattern_matches(pattern, path));
}

static void seeded_bytes(void *data, void *out, size_t n)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(dice_roll(data) >> 56);
}

static void auto_ids_have_20_unbiased_letters(void **state)
{
    (void)state;
    enum { IDS = 31000, EACH = IDS * 20 / 62, FIVE_SIGMA = 500 };
    struct dice dice = { 7 };
    const struct clock_source source = { .random = seeded_bytes, .data = &dice };
    size_t seen[256] = { 0 };
    clock_replace(&source);
    for (int i = 0; i < IDS; i++) {
        struct str id = path_auto_id(arena);
        assert_int_equal(id.n, 20);
        for (size_t k = 0; k < id.n; k++)
            seen[(unsigned char)id.p[k]]++;
    }
    clock_replace(NULL);
    /* A plain remainder would make eight letters a quarter more likely. */
    for (int c = 0; c < 256; c++) {
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (letter)
            assert_in_range(seen[c], EACH - FIVE_SIGMA, EACH + FIVE_SIGMA);
        else
            assert_int_equal(seen[c], 0);
    }
    assert_false(str_eq(path_auto_id(arena), path_auto_id(arena)));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(document_names_are_refused_at_the_place_that_is_wrong),
    cmocka_unit_test(parents_are_documents_or_the_root),
    cmocka_unit_test(references_name_documents),
    cmocka_unit_test(resources_may_be_root_collection_or_document),
    cmocka_unit_test(parts_are_borrowed_from_the_name),
    cmocka_unit_test(database_names_end_with_the_database),
    cmocka_unit_test(reserved_ids_are_refused_where_they_stand),
    cmocka_unit_test(numeric_ids_are_canonical_int64_and_no_collections),
    cmocka_unit_test(ids_have_1500_bytes_at_most),
    cmocka_unit_test(paths_have_100_pairs_at_most),
    cmocka_unit_test(projects_and_databases_are_bounded),
    cmocka_unit_test(nul_and_bad_utf8_are_refused_but_nul_in_references),
    cmocka_unit_test(a_huge_name_makes_a_bounded_message),
    cmocka_unit_test(lone_ids_are_checked_like_those_in_names),
    cmocka_unit_test(relative_paths_come_apart),
    cmocka_unit_test(patterns_match_collections_and_documents),
    cmocka_unit_test(bad_patterns_are_invalid),
    cmocka_unit_test(many_stars_are_matched_in_time),
    cmocka_unit_test(auto_ids_have_20_unbiased_letters),
};

int main(void)
{
    return cmocka_run_group_tests(tests, setup, teardown);
}

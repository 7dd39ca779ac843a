/* test_rest_route.c - URL paths against google.api.http templates. */
#include "server/transport/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ROOT "projects/*/databases/*/documents"

static struct arena *arena;
static struct route_match match;

static bool matches(const char *pattern, const char *raw)
{
    struct route_path path;
    return route_split(&path, arena, str_of(raw)) && route_matches(&match, arena, pattern, &path);
}

static void expect(size_t i, const char *field, const char *value)
{
    assert_true(i < match.n);
    if (!str_eq_z(match.bindings[i].field, field) || !str_eq_z(match.bindings[i].value, value))
        fail_msg("got " STR_FMT "=" STR_FMT, STR_ARG(match.bindings[i].field),
                 STR_ARG(match.bindings[i].value));
}

static void a_variable_captures_its_segments_decoded(void **state)
{
    (void)state;
    assert_true(
        matches("/v1/{name=" ROOT "/*/**}", "/v1/projects/p/databases/%28default%29/documents/c/a%20b"));
    expect(0, "name", "projects/p/databases/(default)/documents/c/a b");
    assert_true(matches("/v1/{document.name=" ROOT "/*/**}", "/v1/projects/p/databases/d/documents/c/d/e/f"));
    expect(0, "document.name", "projects/p/databases/d/documents/c/d/e/f");
    assert_false(matches("/v1/{name=" ROOT "/*/**}", "/v1/projects/p/databases/d/documents"));
    assert_false(matches("/v1/{name=" ROOT "/*/**}", "/v1/projects/p/databases/d/document/c"));
    assert_false(matches("/v1/{name=" ROOT "/*/**}", "/v2/projects/p/databases/d/documents/c/d"));
}

static void two_stars_leave_what_the_rest_needs(void **state)
{
    (void)state;
    const char *pattern = "/v1/{parent=" ROOT "/*/**}/{collection_id}";
    assert_true(matches(pattern, "/v1/projects/p/databases/d/documents/a/b/c"));
    assert_int_equal(match.n, 2);
    expect(0, "parent", "projects/p/databases/d/documents/a/b");
    expect(1, "collection_id", "c");
    assert_true(
        matches("/v1/{parent=" ROOT "/**}/{collection_id}", "/v1/projects/p/databases/d/documents/c"));
    expect(0, "parent", "projects/p/databases/d/documents");
    assert_false(matches(pattern, "/v1/projects/p/databases/d/documents/a"));
}

static void the_verb_is_cut_before_decoding(void **state)
{
    (void)state;
    const char *query = "/v1/{parent=" ROOT "/*/**}:runQuery", *get = "/v1/{name=" ROOT "/*/**}";
    assert_true(matches(query, "/v1/projects/p/databases/d/documents/c/run%3ArunQuery:runQuery"));
    expect(0, "parent", "projects/p/databases/d/documents/c/run:runQuery");
    assert_false(matches(query, "/v1/projects/p/databases/d/documents/c/run%3ArunQuery"));
    assert_true(matches(get, "/v1/projects/p/databases/d/documents/c/run%3ArunQuery"));
    expect(0, "name", "projects/p/databases/d/documents/c/run:runQuery");
    assert_true(matches(get, "/v1/projects/p/databases/d/documents/c/a:b"));
    expect(0, "name", "projects/p/databases/d/documents/c/a:b");
    assert_true(matches("/v1/{database=projects/*/databases/*}/documents:commit",
                        "/v1/projects/p/databases/(default)/documents:commit"));
    expect(0, "database", "projects/p/databases/(default)");
    assert_false(matches("/v1/{database=projects/*/databases/*}/documents:commit",
                         "/v1/projects/p/databases/(default)/documents:bogus"));
    assert_false(matches("/v1/{database=projects/*/databases/*}/documents:commit",
                         "/v1/projects/p/databases/(default)/documents"));
}

static void a_colon_before_the_last_slash_is_no_verb(void **state)
{
    (void)state;
    assert_true(matches("/v1/{name=" ROOT "/*/**}", "/v1/projects/p/databases/d/documents/c:x/y"));
    expect(0, "name", "projects/p/databases/d/documents/c:x/y");
    assert_true(matches("/a/*:v", "/a%2Fb:v"));
    expect(0, "", "b");
}

static void an_escaped_slash_separates_segments(void **state)
{
    (void)state;
    assert_true(matches("/v1/{name=" ROOT "/*/**}", "/v1/projects/p/databases/d/documents/c%2Fa"));
    expect(0, "name", "projects/p/databases/d/documents/c/a");
    assert_true(matches("/a/*/*", "/a%2fb%2Fc"));
    expect(0, "", "b");
    expect(1, "", "c");
}

static void a_plus_is_a_plus(void **state)
{
    (void)state;
    assert_true(matches("/a/*", "/a/x+y"));
    expect(0, "", "x+y");
}

static void empty_segments_are_segments(void **state)
{
    (void)state;
    assert_true(matches("/a/*/*", "/a//"));
    expect(0, "", "");
    expect(1, "", "");
    assert_true(matches("/", "/"));
    assert_false(matches("/", "/x"));
    assert_false(matches("/x", "/x/"));
}

static void bare_stars_are_captured_in_order(void **state)
{
    (void)state;
    const char *pattern = "/emulator/v1/projects/*/databases/*/documents/**";
    assert_true(matches(pattern, "/emulator/v1/projects/p/databases/d/documents/a/b"));
    expect(0, "", "p");
    expect(1, "", "d");
    expect(2, "", "a/b");
    assert_true(matches(pattern, "/emulator/v1/projects/p/databases/d/documents"));
    expect(2, "", "");
    assert_true(matches("/emulator/v1/projects/*:securityRules", "/emulator/v1/projects/p:q:securityRules"));
    expect(0, "", "p:q");
}

static void malformed_escapes_are_refused(void **state)
{
    (void)state;
    struct route_path path;
    static const char *const bad[] = { "/%", "/a%2", "/%zz", "/a/%G0", "", "a/b" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(route_split(&path, arena, str_of(bad[i])));
    assert_true(route_split(&path, arena, STR("/a%00b")));
    assert_int_equal(path.segments[0].n, 3);
}

static void parameters_are_decoded_pair_by_pair(void **state)
{
    (void)state;
    struct str rest = STR("a=1&b=x+y%26&&c&%3d=%3D&bad=%"), name, value;
    static const char *const want[][2] = { { "a", "1" }, { "b", "x+y&" }, { "c", "" }, { "=", "=" } };
    bool ok;
    for (size_t i = 0; i < 4; i++) {
        assert_true(route_next_param(&rest, arena, &name, &value, &ok) && ok);
        assert_true(str_eq_z(name, want[i][0]) && str_eq_z(value, want[i][1]));
    }
    assert_true(route_next_param(&rest, arena, &name, &value, &ok));
    assert_false(ok);
    assert_false(route_next_param(&rest, arena, &name, &value, &ok));
}

static int open_arena(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_captures_its_segments_decoded),
        cmocka_unit_test(two_stars_leave_what_the_rest_needs),
        cmocka_unit_test(the_verb_is_cut_before_decoding),
        cmocka_unit_test(a_colon_before_the_last_slash_is_no_verb),
        cmocka_unit_test(an_escaped_slash_separates_segments),
        cmocka_unit_test(a_plus_is_a_plus),
        cmocka_unit_test(empty_segments_are_segments),
        cmocka_unit_test(bare_stars_are_captured_in_order),
        cmocka_unit_test(malformed_escapes_are_refused),
        cmocka_unit_test(parameters_are_decoded_pair_by_pair),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}

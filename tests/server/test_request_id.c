/* test_request_id.c - the id of a request: which one counts, and that it can deceive nobody. */
#include "core/core_test.h"

#include "server/ops/request_id.h"

static struct arena *arena;

static struct str safe(const char *text)
{
    return request_id_safe(arena, str_of(text));
}

static void what_could_forge_a_line_is_escaped(void **state)
{
    (void)state;
    assert_str_z(safe("abc-1"), "abc-1");
    assert_str_z(safe("a\r\nb\tc\x7F"), "a\\x0D\\x0Ab\\x09c\\x7F");
    assert_str_z(safe("x\xE2\x80\xAEy\xE2\x80\xA8z"), "x\\u{202E}y\\u{2028}z");
    assert_str_z(safe("\xFF"), "\\xFF");
    assert_str_z(safe("f\xC3\xA4hre"), "f\xC3\xA4hre");
}

static void what_is_safe_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const ids[] = { "abc", "a\r\nb", "\xE2\x80\xAE", "\xFF\xFE", "a b", "%41" };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct str once = safe(ids[i]);
        assert_str(request_id_safe(arena, once), once);
    }
}

static void a_long_one_is_cut_between_characters(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof text);
    assert_int_equal(request_id_safe(arena, str_from(text, 128)).n, 128);
    assert_int_equal(request_id_safe(arena, str_from(text, 129)).n, 128);
    memcpy(text + 127, "\xC3\xA4", 2);
    assert_int_equal(request_id_safe(arena, str_from(text, sizeof text)).n, 127);
    memset(text, '\n', sizeof text); /* escapes count too */
    struct str cut = request_id_safe(arena, str_from(text, sizeof text));
    assert_true(cut.n <= REQUEST_ID_MAX && str_is_utf8(cut));
}

static void the_header_comes_before_the_trace(void **state)
{
    (void)state;
    struct str trace = STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_str_z(request_id_of_headers(arena, STR("r-1"), trace), "r-1");
    assert_str_z(request_id_of_headers(arena, STR(""), trace), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_int_equal(request_id_of_headers(arena, STR(""), STR("")).n, 0);
}

static void what_is_no_traceparent_names_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47366-0f067aa0ba902b7-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(request_id_of_headers(arena, STR(""), str_of(bad[i])).n, 0);
}

static void a_field_counts_when_it_is_text(void **state)
{
    (void)state;
    struct field items[] = {
        { STR("a"), { .kind = VALUE_INT, .integer = 7 } },
        { STR("b"), { .kind = VALUE_STRING, .text = STR("r-2") } },
        { STR("c"), { .kind = VALUE_STRING } },
    };
    struct value_map fields = { items, 3 };
    assert_str_z(request_id_of_fields(arena, &fields, "b"), "r-2");
    assert_int_equal(request_id_of_fields(arena, &fields, "a").n, 0);
    assert_int_equal(request_id_of_fields(arena, &fields, "c").n, 0);
    assert_int_equal(request_id_of_fields(arena, &fields, "none").n, 0);
    assert_int_equal(request_id_of_fields(arena, &fields, NULL).n, 0);
}

static void a_header_holds_ascii_alone(void **state)
{
    (void)state;
    assert_str_z(request_id_as_header(arena, STR("r-1%")), "r-1%");
    assert_str_z(request_id_as_header(arena, STR("a b%\xC3\xA4")), "a%20b%25%C3%A4");
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
        cmocka_unit_test(what_could_forge_a_line_is_escaped),
        cmocka_unit_test(what_is_safe_stays_as_it_is),
        cmocka_unit_test(a_long_one_is_cut_between_characters),
        cmocka_unit_test(the_header_comes_before_the_trace),
        cmocka_unit_test(what_is_no_traceparent_names_nothing),
        cmocka_unit_test(a_field_counts_when_it_is_text),
        cmocka_unit_test(a_header_holds_ascii_alone),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}

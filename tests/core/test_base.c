/* test_base.c - what everything stands on: str, arena, status, clock. */
#include "core/clock.h"
#include "core/core_test.h"
#include "core/status.h"

#include <stdlib.h>

/* ---- str ---- */

static void utf8_is_well_formed_or_not(void **state)
{
    (void)state;
    static const struct str good[] = {
        STR_INIT(""),
        STR_INIT("plain ASCII, longer than eight bytes"),
        STR_INIT("\0"),
        STR_INIT("\x7F"),
        STR_INIT("\xC2\x80"),
        STR_INIT("\xDF\xBF"),
        STR_INIT("\xE0\xA0\x80"),
        STR_INIT("\xED\x9F\xBF"),
        STR_INIT("\xEE\x80\x80"),
        STR_INIT("\xEF\xBF\xBF"),
        STR_INIT("\xF0\x90\x80\x80"),
        STR_INIT("\xF4\x8F\xBF\xBF"),
        STR_INIT("12345678\xC3\xA9"
                 "12345678"),
    };
    static const struct str bad[] = {
        STR_INIT("\x80"),
        STR_INIT("\xBF"),
        STR_INIT("\xC0\x80"),
        STR_INIT("\xC1\xBF"),
        STR_INIT("\xC2"),
        STR_INIT("\xC2\x41"),
        STR_INIT("\xE0\x9F\xBF"),
        STR_INIT("\xE2\x82"),
        STR_INIT("\xED\xA0\x80"),
        STR_INIT("\xED\xBF\xBF"),
        STR_INIT("\xF0\x8F\xBF\xBF"),
        STR_INIT("\xF4\x90\x80\x80"),
        STR_INIT("\xF5\x80\x80\x80"),
        STR_INIT("\xFF"),
        STR_INIT("1234567\xE9"),
        STR_INIT("12345678\xC3"),
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(str_is_utf8(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_is_utf8(bad[i]));
    assert_true(str_is_utf8((struct str){ 0 }));
}

/* Every sequence of up to three bytes against the definition (RFC 3629, by decoding). */
static bool by_decoding(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = p[i];
        size_t len = c < 0x80 ? 1 : c >= 0xC0 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : 0;
        if (len == 0 || len > n - i)
            return false;
        uint32_t point = len == 1 ? c : c & (0xFFu >> (len + 1));
        for (size_t k = 1; k < len; k++) {
            if (p[i + k] >> 6 != 2)
                return false;
            point = point << 6 | (p[i + k] & 0x3Fu);
        }
        static const uint32_t least[] = { 0, 0, 0x80, 0x800 };
        if (point < least[len] || (point >= 0xD800 && point < 0xE000))
            return false;
        i += len;
    }
    return true;
}

static void utf8_agrees_with_decoding(void **state)
{
    (void)state;
    for (uint32_t all = 0; all < 1u << 24; all++) {
        unsigned char bytes[3] = { (unsigned char)(all >> 16), (unsigned char)(all >> 8),
                                   (unsigned char)all };
        if (bytes[0] < 0x80 && bytes[0] != 'a')
            continue; /* one letter stands for all of ASCII in front */
        if (str_is_utf8(str_from(bytes, 3)) != by_decoding(bytes, 3))
            fail_msg("%02x %02x %02x", bytes[0], bytes[1], bytes[2]);
    }
}

static void texts_compare_by_bytes_then_length(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("a\0")) < 0 && str_cmp(STR("a\0"), STR("a")) > 0);
    assert_true(str_cmp(STR("\x7F"), STR("\x80")) < 0);
    assert_true(str_cmp((struct str){ 0 }, STR("")) == 0);
    assert_true(str_eq(STR("a\0b"), STR("a\0b")) && !str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")) &&
                !str_starts(STR("a"), STR("ab")));
    assert_str_z(str_skip(STR("abc"), 1), "bc");
}

/* ---- arena ---- */

static void pieces_are_aligned_apart_and_counted(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    unsigned char *last = NULL;
    for (size_t size = 1; size < 40000; size = size * 2 + 1) {
        unsigned char *p = arena_alloc(arena, size);
        assert_true((uintptr_t)p % _Alignof(max_align_t) == 0);
        assert_true(p != last);
        memset(p, 0xEE, size);
        last = p;
    }
    assert_true(arena_used(arena) >= 32767 + 16383);
    unsigned char *zeroed = arena_zalloc(arena, 100, 3);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(zeroed[i], 0);
    arena_free(arena);
}

static void grown_pieces_keep_their_bytes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *old = arena_alloc(arena, 4);
    memcpy(old, "abc", 4);
    char *grown = arena_grow(arena, old, 4, 100000);
    assert_string_equal(grown, "abc");
    assert_string_equal(old, "abc");
    assert_str(arena_str(arena, STR("a\0b")), STR("a\0b"));
    assert_int_equal(arena_str(arena, STR("a\0b")).p[3], '\0');
    assert_string_equal(arena_printf(arena, "%d %s", 7, "x"), "7 x");
    arena_free(arena);
}

static char disposed[8];

static void note(void *data)
{
    strncat(disposed, data, sizeof disposed - strlen(disposed) - 1);
}

static void disposers_run_newest_first_and_once(void **state)
{
    (void)state;
    static char one[] = "1", two[] = "2", three[] = "3";
    struct arena *arena = arena_new();
    disposed[0] = '\0';
    arena_defer(arena, note, one);
    arena_defer(arena, note, two);
    arena_reset(arena);
    assert_string_equal(disposed, "21");
    assert_int_equal(arena_used(arena), 0);
    arena_defer(arena, note, three);
    arena_free(arena);
    assert_string_equal(disposed, "213");
    arena_free(NULL);
}

static void a_child_ends_with_its_parent(void **state)
{
    (void)state;
    static char inside[] = "c";
    struct arena *parent = arena_new();
    struct arena *child = arena_child(parent);
    disposed[0] = '\0';
    arena_defer(child, note, inside);
    arena_reset(child); /* sooner, and still usable */
    assert_string_equal(disposed, "c");
    arena_defer(child, note, inside);
    arena_free(parent);
    assert_string_equal(disposed, "cc");
}

/* ---- status ---- */

static void a_status_keeps_code_and_message(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct status st = status_init(arena), copy = status_init(arena);
    assert_string_equal(status_message(&st), "");
    assert_int_equal(status_set(&st, STATUS_NOT_FOUND, "no %s", "luck"), STATUS_NOT_FOUND);
    assert_int_equal(st.code, STATUS_NOT_FOUND);
    assert_string_equal(status_message(&st), "no luck");
    status_copy(&copy, &st);
    status_clear(&st);
    assert_int_equal(st.code, STATUS_OK);
    assert_string_equal(status_message(&st), "");
    assert_int_equal(copy.code, STATUS_NOT_FOUND);
    assert_string_equal(status_message(&copy), "no luck");
    arena_free(arena);
}

static void without_an_arena_messages_are_cut(void **state)
{
    (void)state;
    struct status st = status_init(NULL);
    status_set(&st, STATUS_ABORTED, "%0500d", 7);
    assert_int_equal(strlen(status_message(&st)), sizeof st.small - 1);
}

static void codes_have_names_and_http_numbers(void **state)
{
    (void)state;
    assert_string_equal(status_name(STATUS_INVALID_ARGUMENT), "INVALID_ARGUMENT");
    assert_string_equal(status_name((enum status_code)99), "UNKNOWN");
    assert_int_equal(status_http(STATUS_OK), 200);
    assert_int_equal(status_http(STATUS_INVALID_ARGUMENT), 400);
    assert_int_equal(status_http(STATUS_FAILED_PRECONDITION), 400);
    assert_int_equal(status_http(STATUS_PERMISSION_DENIED), 403);
    assert_int_equal(status_http(STATUS_NOT_FOUND), 404);
    assert_int_equal(status_http(STATUS_ALREADY_EXISTS), 409);
    assert_int_equal(status_http(STATUS_ABORTED), 409);
    assert_int_equal(status_http(STATUS_RESOURCE_EXHAUSTED), 429);
    assert_int_equal(status_http(STATUS_UNIMPLEMENTED), 501);
}

static void shown_text_is_utf8_without_nul_and_bounded(void **state)
{
    (void)state;
    char out[STATUS_SHOWN];
    assert_string_equal(status_show(out, STR("a\0b\xFF\xC3\xA9\xE2\x82")), "a\\x00b\\xFF\xC3\xA9\\xE2\\x82");
    assert_string_equal(status_show(out, (struct str){ 0 }), "");
    static char many[3 * 5000 + 1];
    for (size_t i = 0; i < 5000; i++)
        memcpy(many + 3 * i, "\xE2\x82\xAC", 3);
    for (size_t skip = 0; skip < 3; skip++) { /* the cut falls on every place in a character */
        many[3] = many[4] = many[5] = 'x';
        status_show(out, str_skip(str_of(many), 3 + skip));
        size_t n = strlen(out);
        assert_true(n < STATUS_SHOWN && n > STATUS_SHOWN - 16);
        assert_string_equal(out + n - 3, "...");
        assert_true(str_is_utf8(str_of(out)));
    }
    memset(many, 0xFF, sizeof many - 1);
    assert_true(strlen(status_show(out, str_of(many))) < STATUS_SHOWN);
}

/* ---- clock ---- */

static int64_t seven(void *data)
{
    ++*(int *)data;
    return 7;
}

static void sources_can_be_replaced_one_by_one(void **state)
{
    (void)state;
    int calls = 0;
    const struct clock_source source = { .wall_us = seven, .data = &calls };
    clock_replace(&source);
    assert_true(clock_wall_us() == 7);
    assert_int_equal(calls, 1);
    int64_t before = clock_mono_ns();
    assert_true(clock_mono_ns() >= before);
    clock_replace(NULL);
    assert_true(clock_wall_us() > INT64_C(1700000000000000));
    unsigned char a[32] = { 0 }, b[32] = { 0 };
    clock_random(a, sizeof a);
    clock_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(utf8_is_well_formed_or_not),
    cmocka_unit_test(utf8_agrees_with_decoding),
    cmocka_unit_test(texts_compare_by_bytes_then_length),
    cmocka_unit_test(pieces_are_aligned_apart_and_counted),
    cmocka_unit_test(grown_pieces_keep_their_bytes),
    cmocka_unit_test(disposers_run_newest_first_and_once),
        cmocka_unit_test(a_child_ends_with_its_parent),
    cmocka_unit_test(a_status_keeps_code_and_message),
    cmocka_unit_test(without_an_arena_messages_are_cut),
    cmocka_unit_test(codes_have_names_and_http_numbers),
    cmocka_unit_test(shown_text_is_utf8_without_nul_and_bounded),
    cmocka_unit_test(sources_can_be_replaced_one_by_one),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

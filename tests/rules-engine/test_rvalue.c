/* test_rvalue.c - values of rules by themselves: UTF-16 over UTF-8, the text of doubles, equalities, sets. */
#include "rules-engine/rvalue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

#define CLEF "\xF0\x9D\x84\x9E" /* U+1D11E, a surrogate pair in UTF-16 */
#define HIGH "\xED\xA0\xB4"
#define LOW "\xED\xB4\x9E"

static void sizes_count_utf16_units(void **state)
{
    (void)state;
    assert_int_equal(rv_utf16_size(STR("")), 0);
    assert_int_equal(rv_utf16_size(STR("abc")), 3);
    assert_int_equal(rv_utf16_size(STR("\xC3\xA9\xE6\x97\xA5" CLEF)), 4);
    assert_int_equal(rv_utf16_size(STR(HIGH)), 1);
}

static void a_slice_may_cut_a_pair(void **state)
{
    (void)state;
    struct str s = STR("a" CLEF "b");
    assert_true(str_eq(rv_utf16_slice(arena, s, 0, 2), STR("a" HIGH)));
    assert_true(str_eq(rv_utf16_slice(arena, s, 2, 4), STR(LOW "b")));
    assert_true(str_eq(rv_utf16_slice(arena, s, 1, 3), STR(CLEF)));
    assert_true(str_eq(rv_utf16_slice(arena, s, 1, 1), STR("")));
}

static void halves_that_meet_are_a_character_again(void **state)
{
    (void)state;
    assert_true(str_eq(rv_concat(arena, STR("a" HIGH), STR(LOW "b")), STR("a" CLEF "b")));
    assert_true(str_eq(rv_concat(arena, STR(LOW), STR(HIGH)), STR(LOW HIGH)));
    assert_true(str_eq(rv_utf8_bytes(arena, STR("a" HIGH "b" CLEF)), STR("a?b" CLEF)));
}

static void strings_order_by_utf16(void **state)
{
    (void)state;
    assert_true(rv_utf16_cmp(STR("a"), STR("b")) < 0);
    assert_true(rv_utf16_cmp(STR("a"), STR("ab")) < 0);
    assert_true(rv_utf16_cmp(STR("\xC3\xA9"), STR("z")) > 0);
    assert_true(rv_utf16_cmp(STR(CLEF), STR("\xEF\xBF\xBF")) < 0); /* D834 below FFFF */
    assert_true(rv_utf16_cmp(STR(CLEF), STR("\xED\x9F\xBF")) > 0); /* above D7FF */
    assert_int_equal(rv_utf16_cmp(STR(CLEF), STR(CLEF)), 0);
    assert_true(rv_utf16_cmp(STR("\xF0\x9D\x84\x9E"), STR("\xF0\x9D\x84\x9F")) < 0);
}

static void doubles_print_as_java_does(void **state)
{
    static const struct {
        double d;
        const char *text;
    } cases[] = { { 1, "1.0" },
                  { 100, "100.0" },
                  { 9999999, "9999999.0" },
                  { 1e7, "1.0E7" },
                  { 0.001, "0.001" },
                  { 0.00099, "9.9E-4" },
                  { -2.5, "-2.5" },
                  { 12345678.9, "1.23456789E7" },
                  { 5e-324, "4.9E-324" },
                  { 1e300, "1.0E300" },
                  { 0.1, "0.1" },
                  { 123456.789, "123456.789" } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str s = rv_double_text(arena, cases[i].d);
        if (cases[i].d == 5e-324) { /* Java keeps two digits here; the shortest text is ours */
            assert_true(str_eq(s, STR("5.0E-324")));
            continue;
        }
        if (!str_eq_z(s, cases[i].text))
            fail_msg("%s printed as " STR_FMT, cases[i].text, STR_ARG(s));
    }
}

static void the_three_equalities_differ_where_they_should(void **state)
{
    struct rvalue one = rv_int(1), one_float = rv_float(1), zero = rv_float(0), minus = rv_float(-0.0);
    struct rvalue nan = rv_float(strtod("nan", NULL));
    struct rvalue ints = rv_list(&one, 1), floats = rv_list(&one_float, 1);
    (void)state;
    assert_true(rv_equal(arena, one, one_float));
    assert_false(rv_list_has(arena, ints, one_float));
    assert_true(rv_equal_loose(arena, one, one_float));
    assert_true(rv_list_has(arena, rv_set(&one, 1), one_float));
    assert_false(rv_equal(arena, ints, floats));
    assert_true(rv_equal_loose(arena, ints, floats));
    assert_true(rv_equal(arena, zero, minus));
    assert_true(rv_list_has(arena, rv_list(&zero, 1), minus));
    assert_false(rv_equal(arena, rv_list(&zero, 1), rv_list(&minus, 1)));
    assert_false(rv_equal(arena, nan, nan));
    assert_true(rv_equal_loose(arena, nan, nan));
}

static void equal_values_hash_alike(void **state)
{
    struct rvalue nan = rv_float(strtod("nan", NULL));
    struct rvalue pairs[][2] = { { rv_int(1), rv_float(1) },
                                 { rv_float(0), rv_float(-0.0) },
                                 { nan, rv_float(-nan.number) },
                                 { rv_string(STR("abcdefghij")), rv_string(STR("abcdefghij")) } };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_true(rv_equal_loose(arena, pairs[i][0], pairs[i][1]));
        assert_true(rv_hash(arena, pairs[i][0]) == rv_hash(arena, pairs[i][1]));
        assert_true(rv_hash(arena, rv_list(pairs[i], 1)) == rv_hash(arena, rv_list(pairs[i] + 1, 1)));
    }
}

/* A quadratic set would need minutes for this. */
static void large_sets_are_hashed(void **state)
{
    enum { MANY = 200000 };
    struct rset set;
    (void)state;
    rset_init(&set, arena, 4, true);
    for (int i = 0; i < MANY; i++)
        assert_true(rset_add(&set, rv_int(i)));
    for (int i = 0; i < MANY; i++)
        assert_false(rset_add(&set, rv_float(i)));
    assert_int_equal(set.n, MANY);
    assert_false(rset_has(&set, rv_int(-1)));
}

static void of_equal_keys_the_last_stays(void **state)
{
    struct rentry entries[] = { { STR("b"), rv_int(1) }, { STR("a"), rv_int(2) }, { STR("b"), rv_int(3) } };
    struct rvalue v;
    (void)state;
    assert_int_equal(rv_sort_entries(entries, 3), 2);
    assert_true(rv_lookup(&v, arena, rv_map(entries, 2), STR("b")) && v.integer == 3);
    assert_false(rv_lookup(&v, arena, rv_map(entries, 2), STR("c")));
}

static void lookups_work_in_maps_of_any_size(void **state)
{
    enum { MANY = 40 };
    struct rentry entries[MANY];
    (void)state;
    for (size_t n = 0; n <= MANY; n++) {
        for (size_t i = 0; i < n; i++)
            entries[i] = (struct rentry){ str_of(arena_printf(arena, "k%02zu", i)), rv_int((int64_t)i) };
        struct rvalue map = rv_map(entries, n), v;
        for (size_t i = 0; i < n; i++)
            assert_true(rv_lookup(&v, arena, map, entries[i].name) && v.integer == (int64_t)i);
        assert_false(rv_has_key(map, STR("k")));
        assert_false(rv_has_key(map, STR("")));
        assert_false(rv_has_key(map, STR("k99")));
    }
}

static void a_reference_is_a_path_without_its_project(void **state)
{
    struct value v = { .kind = VALUE_REFERENCE, .text = STR("projects/p/databases/(default)/documents/u/v") };
    struct str text;
    (void)state;
    assert_true(rv_to_string(&text, arena, rv_of_value(arena, &v)));
    assert_true(str_eq(text, STR("/databases/(default)/documents/u/v")));
}

static void a_text_is_cut_between_characters(void **state)
{
    (void)state;
    struct rvalue v = rv_string(STR("\xC3\xA9\xC3\xA9\xC3\xA9\xE6\x97\xA5" CLEF));
    for (size_t max = 1; max < 20; max++) {
        struct str text = str_of(rv_text(arena, v, max));
        assert_true(str_is_utf8(text));
        assert_true(text.n <= max + 3);
    }
    assert_string_equal(rv_text(arena, v, 4), "'\xC3\xA9...");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sizes_count_utf16_units),
        TEST(a_slice_may_cut_a_pair),
        TEST(halves_that_meet_are_a_character_again),
        TEST(strings_order_by_utf16),
        TEST(doubles_print_as_java_does),
        TEST(the_three_equalities_differ_where_they_should),
        TEST(equal_values_hash_alike),
        TEST(large_sets_are_hashed),
        TEST(a_text_is_cut_between_characters),
        TEST(of_equal_keys_the_last_stays),
        TEST(lookups_work_in_maps_of_any_size),
        TEST(a_reference_is_a_path_without_its_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

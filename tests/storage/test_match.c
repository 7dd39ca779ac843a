/* test_match.c - what each operator matches, as Google's emulator 1.19.9 has it; the wide comparison is in
 * query_answers.ndjson and model_query.py. */
#include "storage/query_kit.h"

#define NAN_VALUE "{'doubleValue':'NaN'}"
#define NULL_VALUE "{'nullValue':null}"

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

static const struct match_filter *filter_of(const char *where)
{
    return kit_plan(arena, arena_printf(arena, "{'from':[{'collectionId':'c'}],'where':%s}", where))->filter;
}

static bool holds_at(const char *path, const char *where, const char *fields)
{
    struct value_map map = kit_fields(arena, fields);
    return match_filter(filter_of(where), str_of(path), &map);
}

static const char *field_filter(const char *field, const char *op, const char *operand)
{
    return arena_printf(arena, "{'fieldFilter':{'field':{'fieldPath':'%s'},'op':'%s','value':%s}}", field, op,
                        operand);
}

/* Whether a document whose field `a` has this value matches `a op operand`. */
static bool holds(const char *value, const char *op, const char *operand)
{
    return holds_at("c/d", field_filter("a", op, operand), arena_printf(arena, "{'a':%s}", value));
}

static bool is(const char *value, const char *op)
{
    const char *where = arena_printf(arena, "{'unaryFilter':{'field':{'fieldPath':'a'},'op':'%s'}}", op);
    return holds_at("c/d", where, arena_printf(arena, "{'a':%s}", value));
}

static const char *list(const char *items)
{
    return arena_printf(arena, "{'arrayValue':{'values':[%s]}}", items);
}

#define INT(n) "{'integerValue':" #n "}"
#define DOUBLE(x) "{'doubleValue':" #x "}"
#define STRING(s) "{'stringValue':'" s "'}"

static void equality_crosses_int_and_double(void **state)
{
    (void)state;
    assert_true(holds(INT(1), "EQUAL", DOUBLE(1.0)));
    assert_true(holds(DOUBLE(-0.0), "EQUAL", INT(0)));
    assert_false(holds(INT(9007199254740993), "EQUAL", DOUBLE(9007199254740992.0)));
    assert_false(holds(STRING("1"), "EQUAL", INT(1)));
}

static void null_and_nan_equal_nothing(void **state)
{
    (void)state;
    assert_false(holds(NULL_VALUE, "EQUAL", NULL_VALUE));
    assert_false(holds(NAN_VALUE, "EQUAL", NAN_VALUE));
    assert_false(holds(NULL_VALUE, "IN", list(NULL_VALUE)));
    assert_true(holds(INT(1), "IN", list(NULL_VALUE "," INT(1))));
    assert_true(holds(list(NULL_VALUE "," NAN_VALUE), "EQUAL", list(NULL_VALUE "," NAN_VALUE)));
}

static void inequalities_stay_within_the_type(void **state)
{
    (void)state;
    assert_true(holds(INT(1), "LESS_THAN", DOUBLE(1.5)));
    assert_false(holds("{'booleanValue':false}", "LESS_THAN", INT(1)));
    assert_false(holds(STRING("a"), "GREATER_THAN", INT(1)));
    assert_true(holds("{'booleanValue':true}", "GREATER_THAN", "{'booleanValue':false}"));
    assert_true(holds(list(INT(1)), "GREATER_THAN_OR_EQUAL", list("")));
    assert_true(holds(INT(2), "LESS_THAN_OR_EQUAL", INT(2)));
    assert_false(holds(INT(2), "LESS_THAN", INT(2)));
}

static void inequalities_never_match_null_or_nan(void **state)
{
    (void)state;
    assert_false(holds(NAN_VALUE, "LESS_THAN", INT(1)));
    assert_false(holds(INT(1), "GREATER_THAN", NAN_VALUE));
    assert_false(holds(NAN_VALUE, "GREATER_THAN_OR_EQUAL", NAN_VALUE));
    assert_false(holds(NULL_VALUE, "LESS_THAN_OR_EQUAL", NULL_VALUE));
}

static void a_vector_is_neither_array_nor_map(void **state)
{
    (void)state;
    const char *vector = "{'mapValue':{'fields':{'__type__':{'stringValue':'__vector__'},"
                         "'value':{'arrayValue':{'values':[{'doubleValue':1}]}}}}}";
    assert_true(holds(vector, "EQUAL", vector));
    assert_false(holds(vector, "GREATER_THAN", list("")));
    assert_false(holds(vector, "GREATER_THAN", "{'mapValue':{}}"));
    assert_false(holds(vector, "ARRAY_CONTAINS", DOUBLE(1)));
}

static void not_equal_wants_a_value_that_is_not_null(void **state)
{
    (void)state;
    assert_true(holds(INT(2), "NOT_EQUAL", INT(1)));
    assert_true(holds(STRING("x"), "NOT_EQUAL", INT(1)));
    assert_true(holds(NAN_VALUE, "NOT_EQUAL", INT(1)));
    assert_true(holds(NAN_VALUE, "NOT_EQUAL", NAN_VALUE));
    assert_false(holds(NULL_VALUE, "NOT_EQUAL", INT(1)));
    assert_false(holds(INT(1), "NOT_EQUAL", NULL_VALUE));
    assert_false(holds(DOUBLE(1.0), "NOT_EQUAL", INT(1)));
}

static void not_in_with_null_matches_nothing(void **state)
{
    (void)state;
    assert_true(holds(INT(2), "NOT_IN", list(INT(1))));
    assert_true(holds(NAN_VALUE, "NOT_IN", list(NAN_VALUE)));
    assert_false(holds(INT(2), "NOT_IN", list(INT(1) "," NULL_VALUE)));
    assert_false(holds(NULL_VALUE, "NOT_IN", list(INT(1))));
    assert_false(holds(DOUBLE(1.0), "NOT_IN", list(INT(1))));
}

static void array_operators_look_at_elements(void **state)
{
    (void)state;
    assert_true(holds(list(INT(1) "," INT(2)), "ARRAY_CONTAINS", DOUBLE(2.0)));
    assert_false(holds(list(NULL_VALUE "," NAN_VALUE), "ARRAY_CONTAINS", NULL_VALUE));
    assert_false(holds(list(NULL_VALUE "," NAN_VALUE), "ARRAY_CONTAINS", NAN_VALUE));
    assert_false(holds(INT(1), "ARRAY_CONTAINS", INT(1)));
    assert_true(holds(list(INT(1)), "ARRAY_CONTAINS_ANY", list(INT(7) "," INT(1))));
    assert_false(holds(list(""), "ARRAY_CONTAINS_ANY", list(INT(7))));
}

static void unary_operators(void **state)
{
    (void)state;
    assert_true(is(NULL_VALUE, "IS_NULL") && !is(INT(0), "IS_NULL"));
    assert_true(is(NAN_VALUE, "IS_NAN") && !is(INT(0), "IS_NAN"));
    assert_true(is(NAN_VALUE, "IS_NOT_NULL") && !is(NULL_VALUE, "IS_NOT_NULL"));
    assert_true(is(INT(0), "IS_NOT_NAN") && !is(NAN_VALUE, "IS_NOT_NAN") && !is(NULL_VALUE, "IS_NOT_NAN"));
}

static void a_missing_field_matches_nothing(void **state)
{
    (void)state;
    static const char *const ops[] = { "LESS_THAN", "GREATER_THAN_OR_EQUAL", "EQUAL", "NOT_EQUAL",
                                       "ARRAY_CONTAINS" };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        assert_false(holds_at("c/d", field_filter("b", ops[i], INT(1)), "{'a':" INT(1) "}"));
        assert_false(holds_at("c/d", field_filter("a.b", ops[i], INT(1)), "{'a':" INT(1) "}"));
    }
    assert_false(holds_at("c/d", field_filter("b", "NOT_IN", list(INT(1))), "{'a':" INT(1) "}"));
}

static void nested_and_quoted_fields(void **state)
{
    (void)state;
    const char *fields = "{'a':{'mapValue':{'fields':{'b c':" INT(1) "}}},'a.b c':" INT(2) "}";
    assert_true(holds_at("c/d", field_filter("a.`b c`", "EQUAL", INT(1)), fields));
    assert_true(holds_at("c/d", field_filter("`a.b c`", "EQUAL", INT(2)), fields));
}

static void trees(void **state)
{
    (void)state;
    const char *a = field_filter("a", "EQUAL", INT(1)), *b = field_filter("b", "EQUAL", INT(2));
    const char *both = arena_printf(arena, "{'compositeFilter':{'op':'AND','filters':[%s,%s]}}", a, b);
    const char *any = arena_printf(arena, "{'compositeFilter':{'op':'OR','filters':[%s,%s]}}", a, b);
    assert_true(holds_at("c/d", both, "{'a':" INT(1) ",'b':" INT(2) "}"));
    assert_false(holds_at("c/d", both, "{'a':" INT(1) ",'b':" INT(3) "}"));
    assert_true(holds_at("c/d", any, "{'a':" INT(1) ",'b':" INT(3) "}"));
    assert_false(holds_at("c/d", any, "{'a':" INT(0) ",'b':" INT(3) "}"));
    assert_true(holds_at("c/d", "{'compositeFilter':{'op':'AND'}}", "{}"));
}

static const char *ref(const char *path)
{
    return arena_printf(arena, "{'referenceValue':'" QUERY_ROOT "%s'}", path);
}

static void names_compare_by_path(void **state)
{
    (void)state;
    assert_true(holds_at("c/d", field_filter("__name__", "EQUAL", ref("c/d")), "{}"));
    assert_true(holds_at("c/__id2__", field_filter("__name__", "LESS_THAN", ref("c/__id10__")), "{}"));
    assert_true(holds_at("c/d", field_filter("__name__", "GREATER_THAN", ref("b/z")), "{}"));
    assert_true(holds_at("c/d", field_filter("__name__", "LESS_THAN", ref("c/d/s/1")), "{}"));
    assert_false(holds_at("c/d", field_filter("__name__", "NOT_IN", list(ref("c/d"))), "{}"));
    assert_true(holds_at("c/d", field_filter("__name__", "NOT_EQUAL", ref("c/e")), "{}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_crosses_int_and_double),
        cmocka_unit_test(null_and_nan_equal_nothing),
        cmocka_unit_test(inequalities_stay_within_the_type),
        cmocka_unit_test(inequalities_never_match_null_or_nan),
        cmocka_unit_test(a_vector_is_neither_array_nor_map),
        cmocka_unit_test(not_equal_wants_a_value_that_is_not_null),
        cmocka_unit_test(not_in_with_null_matches_nothing),
        cmocka_unit_test(array_operators_look_at_elements),
        cmocka_unit_test(unary_operators),
        cmocka_unit_test(a_missing_field_matches_nothing),
        cmocka_unit_test(nested_and_quoted_fields),
        cmocka_unit_test(trees),
        cmocka_unit_test(names_compare_by_path),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

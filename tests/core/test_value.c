/* test_value.c - equality, sizes, and what may not be stored. Messages and limits are the answers of Google's
 * emulator 1.19.9 to commits of the same fields; sizes were measured there by filling a document up to the
 * last byte. */
#include "core/core_test.h"
#include "core/limits.h"
#include "core/value.h"

#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DOCS "projects/demo-p/databases/(default)/documents/"

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

/* ---- making values ---- */

static struct value v_kind(enum value_kind kind)
{
    return (struct value){ .kind = kind };
}
static struct value v_int(int64_t n)
{
    return (struct value){ .kind = VALUE_INT, .integer = n };
}
static struct value v_double(double d)
{
    return (struct value){ .kind = VALUE_DOUBLE, .number = d };
}
static struct value v_text(enum value_kind kind, struct str s)
{
    return (struct value){ .kind = kind, .text = s };
}
static struct value v_string(const char *z)
{
    return v_text(VALUE_STRING, str_of(z));
}
static struct value v_geo(double a, double b)
{
    return (struct value){ .kind = VALUE_GEO, .geo = { a, b } };
}
static struct value v_time(int64_t s, int32_t n)
{
    return (struct value){ .kind = VALUE_TIMESTAMP, .time = { s, n } };
}

static struct value v_array(size_t n, const struct value *items)
{
    struct value out = { .kind = VALUE_ARRAY, .array = { ARENA_ARRAY(arena, struct value, n), n } };
    for (size_t i = 0; i < n; i++)
        out.array.items[i] = items[i];
    return out;
}

/* Names must be given in order. */
static struct value v_map(size_t n, const struct field *items)
{
    struct value out = { .kind = VALUE_MAP, .map = { ARENA_ARRAY(arena, struct field, n), n } };
    for (size_t i = 0; i < n; i++)
        out.map.items[i] = items[i];
    return out;
}
#define ARRAY(...) v_array(COUNT(((struct value[]){ __VA_ARGS__ })), (struct value[]){ __VA_ARGS__ })
#define MAP(...) v_map(COUNT(((struct field[]){ __VA_ARGS__ })), (struct field[]){ __VA_ARGS__ })
#define F(name, ...) ((struct field){ STR(name), __VA_ARGS__ })
#define VECTOR(...) MAP(F("__type__", v_string("__vector__")), F("value", ARRAY(__VA_ARGS__)))

static struct str repeat(const char *piece, size_t times)
{
    size_t n = strlen(piece);
    char *out = arena_alloc(arena, n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(out + i * n, piece, n);
    out[n * times] = '\0';
    return (struct str){ out, n * times };
}

/* leaf inside n maps, each with the one member "m". */
static struct value in_maps(size_t n, struct value leaf)
{
    for (; n > 0; n--)
        leaf = MAP(F("m", leaf));
    return leaf;
}

/* leaf inside n containers, arrays and maps in turn, an array innermost. */
static struct value in_turns(size_t n, struct value leaf)
{
    for (size_t i = 0; i < n; i++)
        leaf = i % 2 ? MAP(F("m", leaf)) : ARRAY(leaf);
    return leaf;
}

/* ---- validation ---- */

static const char *validate(struct value document)
{
    struct status st = status_init(arena);
    enum status_code code = document_validate(STR("c/v"), &document.map, &st);
    assert_true(code == STATUS_OK || code == STATUS_INVALID_ARGUMENT);
    return code ? status_message(&st) : "OK";
}

static void check_validate(struct value document, const char *want, const char *file, int line)
{
    const char *got = validate(document);
    check_str(str_of(got), str_of(want), file, line);
}
#define assert_validate(document, want) check_validate((document), (want), __FILE__, __LINE__)
/* The same value alone, in a map and in an array. */
#define assert_everywhere(value, want)                                                                       \
    do {                                                                                                     \
        assert_validate(MAP(F("f", value)), want);                                                           \
        assert_validate(MAP(F("f", MAP(F("a", value)))), want);                                              \
        assert_validate(MAP(F("f", ARRAY(value))), want);                                                    \
    } while (0)

static void what_cannot_be_converted_is_refused_anywhere(void **state)
{
    (void)state;
    assert_everywhere(v_kind(VALUE_UNSET), "Cannot convert firestore.v1.Value with type unset.");
    assert_everywhere(v_text(VALUE_FIELD_REFERENCE, STR("a")),
                      "Value type is not supported: FIELD_REFERENCE_VALUE");
    assert_everywhere(v_kind(VALUE_FUNCTION), "Value type is not supported: FUNCTION_VALUE");
    assert_everywhere(v_kind(VALUE_PIPELINE), "Value type is not supported: PIPELINE_VALUE");
    assert_everywhere(v_text(VALUE_REFERENCE, STR("bad")),
                      "Resource name \"bad\" lacks \"projects\" at index 0.");
    assert_everywhere(v_text(VALUE_REFERENCE, STR(DOCS "c")),
                      "Resource name \"" DOCS "c\" lacks \"/\" at index 47.");
    assert_everywhere(v_text(VALUE_REFERENCE, STR(DOCS "c/__x__")),
                      "Resource id \"__x__\" is invalid because it is reserved.");
    assert_everywhere(v_text(VALUE_REFERENCE, STR(DOCS "c/a\0b")), "OK");
    assert_everywhere(v_kind(VALUE_NULL), "OK");
    assert_everywhere(v_double(NAN), "OK");
}

static void arrays_hold_no_arrays_but_maps_with_arrays(void **state)
{
    (void)state;
    assert_validate(MAP(F("f", ARRAY(v_array(0, NULL)))), "Cannot convert an array value in an array value.");
    assert_validate(MAP(F("f", ARRAY(MAP(F("a", v_array(0, NULL)))))), "OK");
}

static void coordinates_have_ranges_and_print_as_in_java(void **state)
{
    (void)state;
    static const struct {
        double latitude, longitude;
        const char *shown; /* of the latitude, or NULL */
    } cases[] = {
        { 90, 180, NULL },       { -90, -180, NULL },         { 90.5, 0, "90.5" },
        { 91, 0, "91.0" },       { -91, 0, "-91.0" },         { 1e300, 0, "1.0E300" },
        { 91, 181, "91.0" },     { 1e7, 0, "1.0E7" },         { 12345678.9, 0, "1.23456789E7" },
        { 1e6, 0, "1000000.0" }, { -90.125, 0, "-90.125" },   { 90.00000001, 0, "90.00000001" },
        { NAN, 0, "NaN" },       { INFINITY, 0, "Infinity" }, { -INFINITY, 0, "-Infinity" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *want = "OK";
        if (cases[i].shown)
            want = arena_printf(arena, "Geo point latitude '%s' outside permitted range -90.0 to 90.0.",
                                cases[i].shown);
        assert_validate(MAP(F("f", v_geo(cases[i].latitude, cases[i].longitude))), want);
    }
    assert_validate(MAP(F("f", v_geo(0, 181))),
                    "Geo point longitude '181.0' outside permitted range -180.0 to 180.0.");
    assert_validate(MAP(F("f", v_geo(0, -180.00001))),
                    "Geo point longitude '-180.00001' outside permitted range -180.0 to 180.0.");
    assert_validate(MAP(F("f", v_geo(0, NAN))),
                    "Geo point longitude 'NaN' outside permitted range -180.0 to 180.0.");
}

static void times_outside_the_calendar_are_refused(void **state)
{
    (void)state;
    assert_everywhere(v_time(TIMESTAMP_MAX_SECONDS + 1, 0), "Timestamp seconds exceeds limit for field.");
    assert_everywhere(v_time(TIMESTAMP_MIN_SECONDS - 1, 0), "Timestamp seconds exceeds limit for field.");
    assert_everywhere(v_time(0, 1000000000), "Timestamp nanos exceeds limit for field.");
    assert_everywhere(v_time(0, -1), "Timestamp nanos exceeds limit for field.");
    assert_everywhere(v_time(TIMESTAMP_MAX_SECONDS, 999999999), "OK");
}

static void vectors_are_of_doubles_and_not_in_arrays(void **state)
{
    (void)state;
    struct value type = v_string("__vector__"), one = v_double(1);
    assert_validate(MAP(F("f", VECTOR(one))), "OK");
    assert_validate(MAP(F("f", MAP(F("a", VECTOR(one, v_double(INFINITY)))))), "OK");
    assert_validate(MAP(F("f", MAP(F("__type__", type), F("value", v_array(0, NULL))))),
                    "Cannot have a zero length vector.");
    assert_validate(MAP(F("f", VECTOR(one, v_string("a")))),
                    "Vector must only contain values of type 'double'");
    assert_validate(MAP(F("f", VECTOR(v_int(1)))), "Vector must only contain values of type 'double'");
    assert_validate(MAP(F("f", VECTOR(v_array(0, NULL)))),
                    "Vector must only contain values of type 'double'");
    assert_validate(MAP(F("f", VECTOR(v_double(NAN)))), "Vector cannot contain NaN values.");
    assert_validate(MAP(F("f", VECTOR(v_kind(VALUE_UNSET)))),
                    "Cannot convert firestore.v1.Value with type unset.");
    assert_validate(MAP(F("f", MAP(F("__type__", type)))), "Vector map is missing key 'value'.");
    assert_validate(MAP(F("f", MAP(F("__type__", type), F("valu", one)))),
                    "Vector map is missing key 'value'.");
    assert_validate(MAP(F("f", MAP(F("__type__", type), F("value", v_array(0, NULL)), F("x", one)))),
                    "Vector Value map has extraneous entries.");
    assert_validate(MAP(F("f", MAP(F("__type__", type), F("value", one)))),
                    "Vector Value type must be an array.");
    assert_validate(MAP(F("f", MAP(F("__type__", one), F("value", one)))), "Field __type__ is not a string.");
    assert_validate(MAP(F("f", MAP(F("__type__", v_string("zz"))))),
                    "Property f contains an invalid nested entity.");
    assert_validate(MAP(F("f", ARRAY(VECTOR(one)))), "Cannot convert a vector value in an array value.");
    struct value *components = ARENA_ARRAY(arena, struct value, 2049);
    for (size_t i = 0; i < 2049; i++)
        components[i] = one;
    assert_validate(MAP(F("f", MAP(F("__type__", type), F("value", v_array(2048, components))))), "OK");
    assert_validate(MAP(F("f", MAP(F("__type__", type), F("value", v_array(2049, components))))),
                    "Vectors must be at most 2048 dimensions.");
}

static void field_names_are_not_empty_and_not_reserved(void **state)
{
    (void)state;
    struct value v = v_int(1);
    assert_validate(MAP(F("", v)), "The property.name is the empty string.");
    assert_validate(MAP(F("f", MAP(F("", v)))), "Property f contains an invalid nested entity.");
    assert_validate(MAP(F("f", ARRAY(MAP(F("", v))))), "Property f contains an invalid nested entity.");
    assert_validate(MAP(F("__x__", v)), "field name __x__ is reserved");
    assert_validate(MAP(F("__name__", v)), "field name __name__ is reserved");
    assert_validate(MAP(F("__type__", v_string("__vector__"))), "field name __type__ is reserved");
    assert_validate(MAP(F("__\n__", v)), "field name __\n__ is reserved");
    assert_validate(MAP(F("__\0__", v)), "field name __\\x00__ is reserved");
    assert_validate(MAP(F("f", MAP(F("__q__", v)))), "field name '__q__' is reserved.");
    assert_validate(MAP(F("f", ARRAY(MAP(F("__q__", v))))), "field name '__q__' is reserved.");
    /* What cannot be converted is found before what is too big. */
    assert_validate(MAP(F("", v), F("b", MAP(F("__q__", v)))), "field name '__q__' is reserved.");
    assert_validate(MAP(F("", v), F("b", in_maps(21, v))), "The property.name is the empty string.");
    static const char *const fine[] = { "_", "__", "____", "__x", "a.b", "`" };
    for (size_t i = 0; i < COUNT(fine); i++) {
        struct field field = { str_of(fine[i]), v };
        assert_validate(v_map(1, &field), "OK");
        assert_validate(MAP(F("f", v_map(1, &field))), "OK");
    }
    assert_validate(MAP(F("a\0b", v)), "OK");
}

static void field_names_and_paths_have_1500_bytes_at_most(void **state)
{
    (void)state;
    struct value v = v_int(1);
    struct field fits = { repeat("x", 1500), v }, too_long = { repeat("x", 1501), v };
    assert_validate(v_map(1, &fits), "OK");
    assert_validate(v_map(1, &too_long), "The property.name is longer than 1500 bytes.");
    static const char nested[] = "Property f contains an invalid nested entity.";
    struct field x1498 = { repeat("x", 1498), v }, x1499 = { repeat("x", 1499), v };
    assert_validate(MAP(F("f", v_map(1, &x1498))), "OK"); /* f.xxx: 1500 */
    assert_validate(MAP(F("f", v_map(1, &x1499))), nested);
    assert_validate(MAP(F("f", ARRAY(v_map(1, &x1498)))), "OK"); /* arrays add nothing */
    assert_validate(MAP(F("f", ARRAY(v_map(1, &x1499)))), nested);
    struct field x1496 = { repeat("x", 1496), v }, x1497 = { repeat("x", 1497), v };
    assert_validate(MAP(F("f", in_maps(1, v_map(1, &x1496)))), "OK"); /* f.m.xxx: 1500 */
    assert_validate(MAP(F("f", in_maps(1, v_map(1, &x1497)))), nested);
    x1498.value = x1499.value = in_maps(1, v);
    assert_validate(v_map(1, &x1498), "OK"); /* xxx.m: 1500 */
    assert_validate(v_map(1, &x1499), arena_printf(arena, "Property %s contains an invalid nested entity.",
                                                   repeat("x", 1499).p));
}

static void maps_and_arrays_nest_20_deep(void **state)
{
    (void)state;
    static const char refused[] = "Property f contains an invalid nested entity.";
    struct value v = v_int(1);
    assert_validate(MAP(F("f", in_maps(20, v))), "OK");
    assert_validate(MAP(F("f", in_maps(21, v))), refused);
    assert_validate(MAP(F("f", in_maps(90, v))), refused);
    assert_validate(MAP(F("f", in_maps(19, v_map(0, NULL)))), "OK");
    assert_validate(MAP(F("f", in_maps(20, v_map(0, NULL)))), refused);
    assert_validate(MAP(F("f", in_maps(19, ARRAY(v)))), "OK");
    assert_validate(MAP(F("f", in_maps(20, ARRAY(v)))), refused);
    assert_validate(MAP(F("f", in_turns(20, v))), "OK");
    assert_validate(MAP(F("f", in_turns(21, v))), refused);
    assert_validate(MAP(F("f", in_maps(20, v_geo(0, 0)))), "OK");
    assert_validate(MAP(F("f", in_maps(20, VECTOR(v_double(1))))), "OK"); /* a vector is no container */
    assert_validate(MAP(F("a", MAP(F("b", in_maps(21, v))))),
                    "Property a contains an invalid nested entity.");
}

static void strings_and_bytes_have_1048487_bytes_at_most(void **state)
{
    (void)state;
    static const char refused[] = "The value of property \"f\" is longer than 1048487 bytes.";
    struct str fits = repeat("x", 1048487), too_long = repeat("x", 1048488);
    assert_validate(MAP(F("f", v_text(VALUE_STRING, fits))), "OK");
    assert_validate(MAP(F("f", MAP(F("g", v_text(VALUE_STRING, fits))))), "OK");
    assert_validate(MAP(F("f", ARRAY(v_text(VALUE_STRING, fits)))), "OK");
    assert_validate(MAP(F("f", v_text(VALUE_BYTES, fits))), "OK");
    assert_validate(MAP(F("f", v_text(VALUE_STRING, too_long))), refused);
    assert_validate(MAP(F("f", v_text(VALUE_BYTES, too_long))), refused);
    assert_validate(MAP(F("f", ARRAY(v_text(VALUE_STRING, too_long)))), refused);
    assert_validate(MAP(F("f", MAP(F("g", v_text(VALUE_STRING, too_long))))),
                    "Property f contains an invalid nested entity.");
    assert_validate(MAP(F("f", MAP(F("g", ARRAY(v_text(VALUE_STRING, too_long)))))),
                    "Property f contains an invalid nested entity.");
    assert_validate(MAP(F("a", v_text(VALUE_STRING, too_long)), F("f", in_maps(21, v_int(1)))),
                    "The value of property \"a\" is longer than 1048487 bytes.");
}

/* For each value: how long p may be when the document c/v holds p, q (500,000 bytes) and g. */
static void documents_have_1_mib_counted_as_google_counts(void **state)
{
    (void)state;
    static const size_t alone = 548518;
    const struct {
        struct value value;
        size_t room;
    } cases[] = {
        { v_kind(VALUE_NULL), 548515 },
        { v_int(1), 548508 },
        { v_map(0, NULL), 548515 },
        { MAP(F("a", v_kind(VALUE_NULL))), 548513 },
        { v_array(0, NULL), 548515 },
        { ARRAY(v_int(1)), 548508 },
        { v_geo(0, 0), 548500 },
        { v_text(VALUE_REFERENCE, STR(DOCS "c/d")), 548496 },
        { VECTOR(v_double(1), v_double(1), v_double(1)), 548492 },
    };
    struct value q = v_text(VALUE_STRING, repeat("x", 500000));
    for (size_t extra = 0; extra < 2; extra++) {
        const char *want = extra ? "maximum entity size is 1048576 bytes" : "OK";
        struct value p = v_text(VALUE_STRING, repeat("x", alone + extra));
        assert_validate(MAP(F("p", p), F("q", q)), want);
        for (size_t i = 0; i < COUNT(cases); i++) {
            p.text.n = cases[i].room + extra;
            assert_validate(MAP(F("g", cases[i].value), F("p", p), F("q", q)), want);
        }
    }
}

/* The example of the docs page "Storage size calculations". */
static void sizes_follow_the_docs(void **state)
{
    (void)state;
    struct value document = MAP(F("description", v_string("Learn Cloud Firestore")),
                                F("done", (struct value){ .kind = VALUE_BOOL }), F("priority", v_int(1)),
                                F("type", v_string("Personal")));
    assert_int_equal(document_size(STR("users/jeff/tasks/my_task_id"), &document.map), 147);
    struct value_map none = { 0 };
    assert_int_equal(document_size(STR("Task/__id5730082031140864__"), &none), 5 + 8 + 16 + 32);
    struct value bytes = v_text(VALUE_BYTES, STR("abc")), time = v_time(0, 0), d = v_double(1);
    assert_int_equal(value_size(&bytes), 3);
    assert_int_equal(value_size(&time), 8);
    assert_int_equal(value_size(&d), 8);
}

/* ---- equality and copies ---- */

static void identity_is_stricter_than_equality(void **state)
{
    (void)state;
    struct value one = v_int(1), one_double = v_double(1), zero = v_double(0.0), minus = v_double(-0.0),
                 nan = v_double(NAN);
    assert_true(value_equal(&one, &one_double) && !value_identical(&one, &one_double));
    assert_true(value_equal(&zero, &minus) && !value_identical(&zero, &minus));
    assert_true(value_equal(&nan, &nan) && value_identical(&nan, &nan));
    struct value a = MAP(F("x", ARRAY(one))), b = MAP(F("x", ARRAY(one_double))), c = MAP(F("y", ARRAY(one)));
    assert_true(value_equal(&a, &b) && !value_identical(&a, &b) && value_identical(&a, &a));
    assert_false(value_equal(&a, &c) || value_identical(&a, &c));
    struct value two = ARRAY(one, one), geo = v_geo(1, 2), other_geo = v_geo(1, 3);
    struct value just_one = ARRAY(one);
    assert_false(value_identical(&just_one, &two) || value_identical(&geo, &other_geo));
    struct value text = v_string("a"), bytes = v_text(VALUE_BYTES, STR("a")), t = v_time(1, 2),
                 later = v_time(1, 3);
    assert_false(value_identical(&text, &bytes) || value_equal(&text, &bytes) || value_identical(&t, &later));
    struct value yes = { .kind = VALUE_BOOL, .boolean = true }, no = { .kind = VALUE_BOOL };
    assert_false(value_identical(&yes, &no));
    assert_true(value_identical(&yes, &yes));
}

static void copies_share_nothing(void **state)
{
    (void)state;
    char text[] = "text", name[] = "name";
    struct field field = { { name, 4 }, v_text(VALUE_STRING, (struct str){ text, 4 }) };
    struct value original = ARRAY(v_map(1, &field), v_int(3));
    struct value copy = value_copy(arena, &original);
    assert_true(value_identical(&original, &copy));
    text[0] = 'T';
    name[0] = 'N';
    original.array.items[1] = v_int(4);
    assert_str_z(copy.array.items[0].map.items[0].name, "name");
    assert_str_z(copy.array.items[0].map.items[0].value.text, "text");
    assert_true(copy.array.items[1].integer == 3);
}

static void members_are_found_by_name(void **state)
{
    (void)state;
    struct value map = MAP(F("", v_int(0)), F("a", v_int(1)), F("a\0", v_int(2)), F("b", v_int(3)));
    assert_true(value_map_get(&map.map, STR(""))->integer == 0);
    assert_true(value_map_get(&map.map, STR("a"))->integer == 1);
    assert_true(value_map_get(&map.map, STR("a\0"))->integer == 2);
    assert_true(value_map_get(&map.map, STR("b"))->integer == 3);
    assert_null(value_map_get(&map.map, STR("aa")));
    assert_null(value_map_get(&map.map, STR("c")));
    assert_null(value_map_get(&(struct value_map){ 0 }, STR("a")));
}

static void times_are_cut_to_microseconds_everywhere(void **state)
{
    (void)state;
    struct value map = MAP(F("a", v_time(-1, 999999999)), F("b", ARRAY(v_time(1, 1999), v_int(1))));
    value_cut_times(&map);
    assert_int_equal(map.map.items[0].value.time.nanos, 999999000);
    assert_int_equal(map.map.items[1].value.array.items[0].time.nanos, 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_cannot_be_converted_is_refused_anywhere),
    cmocka_unit_test(arrays_hold_no_arrays_but_maps_with_arrays),
    cmocka_unit_test(coordinates_have_ranges_and_print_as_in_java),
    cmocka_unit_test(times_outside_the_calendar_are_refused),
    cmocka_unit_test(vectors_are_of_doubles_and_not_in_arrays),
    cmocka_unit_test(field_names_are_not_empty_and_not_reserved),
    cmocka_unit_test(field_names_and_paths_have_1500_bytes_at_most),
    cmocka_unit_test(maps_and_arrays_nest_20_deep),
    cmocka_unit_test(strings_and_bytes_have_1048487_bytes_at_most),
    cmocka_unit_test(documents_have_1_mib_counted_as_google_counts),
    cmocka_unit_test(sizes_follow_the_docs),
    cmocka_unit_test(identity_is_stricter_than_equality),
    cmocka_unit_test(copies_share_nothing),
    cmocka_unit_test(members_are_found_by_name),
    cmocka_unit_test(times_are_cut_to_microseconds_everywhere),
};

int main(void)
{
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* test_order.c - the order of all values, and that keys sort exactly as values do.
 *
 * The ladder is the order observed on Google's emulator 1.19.9; the property tests compare order_compare and
 * memcmp of keys over random values that are made to be close to each other. */
#include "core/core_test.h"
#include "core/limits.h"
#include "core/order.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DOCS "projects/p/databases/(default)/documents/"

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

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* ---- making values ---- */

static struct value v_null(void)
{
    return (struct value){ .kind = VALUE_NULL };
}
static struct value v_bool(bool b)
{
    return (struct value){ .kind = VALUE_BOOL, .boolean = b };
}
static struct value v_int(int64_t n)
{
    return (struct value){ .kind = VALUE_INT, .integer = n };
}
static struct value v_double(double d)
{
    return (struct value){ .kind = VALUE_DOUBLE, .number = d };
}
static struct value v_time(int64_t s, int32_t n)
{
    return (struct value){ .kind = VALUE_TIMESTAMP, .time = { s, n } };
}
static struct value v_text(enum value_kind kind, struct str s)
{
    return (struct value){ .kind = kind, .text = s };
}
static struct value v_string(const char *z)
{
    return v_text(VALUE_STRING, str_of(z));
}
static struct value v_ref(const char *z)
{
    return v_text(VALUE_REFERENCE, str_of(z));
}
static struct value v_geo(double a, double b)
{
    return (struct value){ .kind = VALUE_GEO, .geo = { a, b } };
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

static struct value v_vector(size_t n, const struct value *items)
{
    const struct field fields[] = { { STR("__type__"), v_string("__vector__") },
                                    { STR("value"), v_array(n, items) } };
    return v_map(2, fields);
}
#define ARRAY(...) v_array(COUNT(((struct value[]){ __VA_ARGS__ })), (struct value[]){ __VA_ARGS__ })
#define VECTOR(...) v_vector(COUNT(((struct value[]){ __VA_ARGS__ })), (struct value[]){ __VA_ARGS__ })
#define MAP(...) v_map(COUNT(((struct field[]){ __VA_ARGS__ })), (struct field[]){ __VA_ARGS__ })
#define F(name, ...) ((struct field){ STR(name), __VA_ARGS__ })

static struct str key_of(const struct value *value)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_true(order_key(&out, value));
    struct str key = arena_str(arena, buf_view(&out));
    buf_dispose(&out);
    return key;
}

/* Both ways of comparing say `want`, in both directions. */
static void check_order(const struct value *a, const struct value *b, int want, const char *file, int line)
{
    struct str key_a = key_of(a), key_b = key_of(b);
    _assert_true(sign(order_compare(a, b)) == want, "values compare as wanted", file, line);
    _assert_true(sign(order_compare(b, a)) == -want, "and the other way round", file, line);
    _assert_true(sign(str_cmp(key_a, key_b)) == want, "keys compare as wanted", file, line);
}

static void assert_ladder(const struct value *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            int want = (i > k) - (i < k);
            struct str a = key_of(&steps[i]), b = key_of(&steps[k]);
            if (sign(order_compare(&steps[i], &steps[k])) != want)
                fail_msg("steps %zu and %zu compare as %d", i, k, order_compare(&steps[i], &steps[k]));
            if (sign(str_cmp(a, b)) != want)
                fail_msg("keys of steps %zu and %zu compare as %d", i, k, sign(str_cmp(a, b)));
            if (i != k && str_starts(a, b))
                fail_msg("key of step %zu begins with that of step %zu", i, k);
        }
    }
}

/* ---- known orders ---- */

static void types_follow_the_ladder(void **state)
{
    (void)state;
    const struct value steps[] = {
        v_null(),
        v_bool(false),
        v_bool(true),
        v_double(NAN),
        v_double(-INFINITY),
        v_double(-1.5),
        v_int(-1),
        v_int(0),
        v_double(0.5),
        v_int(1),
        v_double(INFINITY),
        v_time(-1, 999999999),
        v_time(0, 0),
        v_time(0, 1),
        v_time(1, 0),
        v_string(""),
        v_text(VALUE_STRING, STR("\0")),
        v_text(VALUE_STRING, STR("\0\0")),
        v_text(VALUE_STRING, STR("\0\1")),
        v_string("\1"),
        v_string("A"),
        v_string("a"),
        v_text(VALUE_STRING, STR("a\0")),
        v_text(VALUE_STRING, STR("a\0b")),
        v_string("aa"),
        v_string("b"),
        v_string("\xEF\xAC\x81"),
        v_string("\xF0\x9F\x98\x80"),
        v_text(VALUE_BYTES, STR("")),
        v_text(VALUE_BYTES, STR("\0")),
        v_text(VALUE_BYTES, STR("\xFE")),
        v_text(VALUE_BYTES, STR("\xFF")),
        v_text(VALUE_BYTES, STR("\xFF\0")),
        v_text(VALUE_BYTES, STR("\xFF\xFF")),
        v_ref("projects/a/databases/z/documents/z/z"),
        v_ref(DOCS "c/__id-5__"),
        v_ref(DOCS "c/__id3__"),
        v_ref(DOCS "c/__id20__"),
        v_ref(DOCS "c/A"),
        v_ref(DOCS "c/_"),
        v_ref(DOCS "c/a"),
        v_ref(DOCS "c/a/b/c"),
        v_ref(DOCS "c/a-"),
        v_ref(DOCS "d/a"),
        v_geo(-90, 0),
        v_geo(0, -180),
        v_geo(0, 0),
        v_geo(0, 1),
        v_geo(1, 0),
        v_array(0, NULL),
        ARRAY(v_null()),
        ARRAY(v_int(1)),
        ARRAY(v_int(1), v_null()),
        ARRAY(v_int(1), v_int(2)),
        ARRAY(v_int(2)),
        ARRAY(v_string("a")),
        VECTOR(v_double(9)),
        VECTOR(v_double(1), v_double(2)),
        VECTOR(v_double(1), v_double(3)),
        VECTOR(v_double(1), v_double(1), v_double(1)),
        v_map(0, NULL),
        MAP(F("", v_null())),
        MAP(F("", v_null()), F("a", v_null())),
        MAP(F("\0", v_null())),
        MAP(F("a", v_null())),
        MAP(F("a", v_int(1))),
        MAP(F("a", v_int(1)), F("b", v_null())),
        MAP(F("a", v_int(2))),
        MAP(F("a", MAP(F("x", v_int(1))))),
        MAP(F("a\0", v_null())),
        MAP(F("aa", v_null())),
        MAP(F("b", v_null())),
    };
    assert_ladder(steps, COUNT(steps));
}

static void numbers_compare_exactly_across_int_and_double(void **state)
{
    (void)state;
    const struct value steps[] = {
        v_double(NAN),
        v_double(-INFINITY),
        v_double(-0x1.8p63),
        v_int(INT64_MIN),
        v_int(INT64_MIN + 1),
        v_int(INT64_MIN + 1023),
        v_double(-0x1p63 + 1024),
        v_int(-9007199254740993),
        v_double(-9007199254740992.0),
        v_int(-9007199254740991),
        v_int(-2),
        v_double(-1.5),
        v_int(-1),
        v_double(-5e-324),
        v_int(0),
        v_double(5e-324),
        v_double(0.5),
        v_int(1),
        v_double(1.0000000000000002),
        v_int(9007199254740991),
        v_double(9007199254740992.0),
        v_int(9007199254740993),
        v_double(9007199254740994.0),
        v_int(9007199254740995),
        v_int(INT64_C(4611686018427387903)),
        v_double(0x1p62),
        v_int(INT64_C(4611686018427387905)),
        v_double(0x1p63 - 1024),
        v_int(INT64_MAX - 1022),
        v_int(INT64_MAX - 1),
        v_int(INT64_MAX),
        v_double(0x1p63),
        v_double(INFINITY),
    };
    assert_ladder(steps, COUNT(steps));
}

static void equal_values_have_equal_keys(void **state)
{
    (void)state;
    const struct value pairs[][2] = {
        { v_int(1), v_double(1) },
        { v_double(0.0), v_double(-0.0) },
        { v_int(0), v_double(-0.0) },
        { v_double(NAN), v_double(-NAN) },
        { v_int(INT64_MIN), v_double(-0x1p63) },
        { v_int(9007199254740994), v_double(9007199254740994.0) },
        { v_geo(0.0, -0.0), v_geo(-0.0, 0.0) },
        { ARRAY(v_int(1), v_double(2)), ARRAY(v_double(1), v_int(2)) },
        { MAP(F("a", ARRAY(v_int(1)))), MAP(F("a", ARRAY(v_double(1)))) },
        { VECTOR(v_int(1)), VECTOR(v_double(1)) },
    };
    for (size_t i = 0; i < COUNT(pairs); i++)
        check_order(&pairs[i][0], &pairs[i][1], 0, __FILE__, __LINE__);
}

static void int_double_comparison_has_no_rounding(void **state)
{
    (void)state;
    assert_true(order_compare_int_double(INT64_MAX, 0x1p63) < 0);
    assert_true(order_compare_int_double(INT64_MIN, -0x1p63) == 0);
    assert_true(order_compare_int_double(INT64_MIN, -0x1.0000000000001p63) > 0);
    assert_true(order_compare_int_double(9007199254740993, 9007199254740992.0) > 0);
    assert_true(order_compare_int_double(9007199254740993, 9007199254740994.0) < 0);
    assert_true(order_compare_int_double(-1, -1.5) > 0 && order_compare_int_double(-2, -1.5) < 0);
    assert_true(order_compare_int_double(INT64_MIN, NAN) > 0);
    assert_true(order_compare_int_double(0, -0.0) == 0);
}

static void vectors_are_a_class_and_near_vectors_are_maps(void **state)
{
    (void)state;
    struct value vector = VECTOR(v_double(1));
    assert_int_equal(order_class_of(&vector), ORDER_VECTOR);
    const struct value maps[] = {
        v_map(0, NULL),
        MAP(F("__type__", v_string("__vector__"))),
        MAP(F("__type__", v_string("__vector")), F("value", ARRAY(v_double(1)))),
        MAP(F("__type__", v_string("__vector__")), F("value", ARRAY(v_string("x")))),
        MAP(F("__type__", v_string("__vector__")), F("value", v_double(1))),
        MAP(F("__type__", v_string("__vector__")), F("value", ARRAY(v_double(1))), F("w", v_null())),
    };
    for (size_t i = 0; i < COUNT(maps); i++)
        assert_int_equal(order_class_of(&maps[i]), ORDER_MAP);
}

static struct str id_key(struct str id)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_true(order_key_id(&out, id));
    struct str key = arena_str(arena, buf_view(&out));
    buf_dispose(&out);
    return key;
}

/* What recursiveDelete of server SDKs relies on: everything below rd lies between these two. */
static void numeric_ids_sort_before_all_others(void **state)
{
    (void)state;
    static const char *const order[] = {
        "__id-9223372036854775808__",
        "__id-7__",
        "__id7__",
        "__id10__",
        "__id9223372036854775807__",
        "",
        "!",
        "0",
        "A",
        "__id007__",
        "__id__",
        "_a",
        "a",
    };
    for (size_t i = 0; i < COUNT(order); i++) {
        for (size_t k = 0; k < COUNT(order); k++) {
            int want = (i > k) - (i < k);
            if (sign(order_compare_id(str_of(order[i]), str_of(order[k]))) != want)
                fail_msg("%s against %s", order[i], order[k]);
            if (sign(str_cmp(id_key(str_of(order[i])), id_key(str_of(order[k])))) != want)
                fail_msg("key of %s against key of %s", order[i], order[k]);
        }
    }
    struct value low = v_ref(DOCS "rd/__id-9223372036854775808__"), inside = v_ref(DOCS "rd/0/sub/x"),
                 high = v_text(VALUE_REFERENCE, STR(DOCS "rd\0/__id-9223372036854775808__")),
                 after = v_ref(DOCS "rd1/a");
    check_order(&low, &inside, -1, __FILE__, __LINE__);
    check_order(&inside, &high, -1, __FILE__, __LINE__);
    check_order(&high, &after, -1, __FILE__, __LINE__);
}

static struct str path_key(struct str path)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    assert_true(order_key_path(&out, path));
    struct str key = arena_str(arena, buf_view(&out));
    buf_dispose(&out);
    return key;
}

static void path_keys_cost_what_the_contract_says(void **state)
{
    (void)state;
    size_t end = path_key(STR("")).n;
    assert_int_equal(path_key(STR("abc/de")).n - end, 3 + 2 + 2 + 2);
    assert_int_equal(path_key(STR("c/__id7__")).n - end, 1 + 2 + 10);
}

static void paths_sort_by_segment_with_prefixes_first(void **state)
{
    (void)state;
    static const char *const order[] = { "", "a", "a/__id1__", "a/b", "a/b/c", "a/b!", "a!", "a!/b", "b" };
    for (size_t i = 0; i < COUNT(order); i++) {
        for (size_t k = 0; k < COUNT(order); k++) {
            int want = (i > k) - (i < k);
            struct str a = str_of(order[i]), b = str_of(order[k]);
            if (sign(order_compare_path(a, b)) != want || sign(str_cmp(path_key(a), path_key(b))) != want)
                fail_msg("\"%s\" against \"%s\"", order[i], order[k]);
        }
    }
}

static void a_full_buffer_is_reported(void **state)
{
    (void)state;
    struct value values[] = {
        v_null(),
        v_bool(true),
        v_int(1),
        v_time(1, 2),
        v_string("ab"),
        v_ref(DOCS "c/__id1__"),
        v_geo(1, 2),
        ARRAY(v_int(1)),
        VECTOR(v_double(1)),
        MAP(F("a", v_int(1))),
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        size_t need = key_of(&values[i]).n;
        for (size_t max = 1; max <= need; max++) {
            struct buf out;
            buf_init(&out, max);
            assert_int_equal(order_key(&out, &values[i]), max == need);
            assert_int_equal(out.overflowed, max < need);
            buf_dispose(&out);
        }
    }
}

/* ---- properties over random values ---- */

/* Numbers around the places where int and double differ. */
static struct value random_number(struct dice *dice)
{
    static const int64_t ints[] = { 0,
                                    1,
                                    -1,
                                    9007199254740992,
                                    -9007199254740992,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT64_C(4611686018427387904),
                                    INT64_MAX - 1023 };
    static const double doubles[] = { 0.0,
                                      -0.0,
                                      1.0,
                                      0.5,
                                      9007199254740992.0,
                                      -9007199254740992.0,
                                      0x1p63,
                                      -0x1p63,
                                      0x1p62,
                                      0x1p63 - 1024,
                                      1e300,
                                      5e-324,
                                      NAN,
                                      INFINITY,
                                      -INFINITY };
    int64_t near = (int64_t)dice_below(dice, 5) - 2;
    switch (dice_below(dice, 6)) {
    case 0:
        return v_int((int64_t)((uint64_t)ints[dice_below(dice, COUNT(ints))] + (uint64_t)near));
    case 1:
        return v_double(doubles[dice_below(dice, COUNT(doubles))]);
    case 2:
        return v_double((double)(ints[dice_below(dice, COUNT(ints))]) * (near ? 1.0 : -1.0));
    case 3:
        return v_int((int64_t)dice_roll(dice));
    case 4: {
        uint64_t bits = dice_roll(dice);
        double d;
        memcpy(&d, &bits, sizeof d);
        return v_double(d);
    }
    default: {
        /* An int and its double, or a neighbour of that. */
        double d = (double)(int64_t)dice_roll(dice);
        return v_double(near == 0 ? d : nextafter(d, near < 0 ? -INFINITY : INFINITY));
    }
    }
}

static struct str random_text(struct dice *dice)
{
    static const char letters[] = "\0\1\2\3ab\xFE\xFF";
    size_t n = dice_below(dice, 4);
    char *out = arena_alloc(arena, n);
    for (size_t i = 0; i < n; i++)
        out[i] = letters[dice_below(dice, sizeof letters - 1)];
    return (struct str){ out, n };
}

static struct str random_id(struct dice *dice)
{
    static const char *const ids[] = { "a",        "b",    "aa", "__id1__", "__id-1__",
                                       "__id01__", "__id", "!",  "__id99__" };
    if (dice_below(dice, 4) == 0) {
        struct str text = random_text(dice);
        return text.n ? text : STR("x");
    }
    return str_of(ids[dice_below(dice, COUNT(ids))]);
}

static struct str random_path(struct dice *dice)
{
    struct str path = random_id(dice);
    for (size_t i = dice_below(dice, 4); i > 0; i--) {
        struct str id = random_id(dice);
        char *joined = arena_alloc(arena, path.n + 1 + id.n);
        memcpy(joined, path.p, path.n);
        joined[path.n] = '/';
        memcpy(joined + path.n + 1, id.p, id.n);
        path = (struct str){ joined, path.n + 1 + id.n };
    }
    return path;
}

static struct value random_reference(struct dice *dice)
{
    static const char *const dbs[] = { "projects/p/databases/d/documents/",
                                       "projects/p/databases/e/documents/",
                                       "projects/pp/databases/d/documents/" };
    struct str db = str_of(dbs[dice_below(dice, COUNT(dbs))]), path = random_path(dice);
    char *name = arena_alloc(arena, db.n + path.n);
    memcpy(name, db.p, db.n);
    memcpy(name + db.n, path.p, path.n);
    return v_text(VALUE_REFERENCE, (struct str){ name, db.n + path.n });
}

static struct value random_value(struct dice *dice, int depth);

static struct value random_list(struct dice *dice, int depth, bool vector)
{
    struct value items[4];
    size_t n = dice_below(dice, COUNT(items));
    for (size_t i = 0; i < n; i++)
        items[i] = vector ? random_number(dice) : random_value(dice, depth + 1);
    return vector ? v_vector(n, items) : v_array(n, items);
}

static struct value random_map(struct dice *dice, int depth)
{
    static const struct str names[] = { STR_INIT("\0"), STR_INIT("a"), STR_INIT("a\0"), STR_INIT("aa"),
                                        STR_INIT("b") };
    struct field fields[COUNT(names)];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (dice_below(dice, 3) == 0)
            fields[n++] = (struct field){ names[i], random_value(dice, depth + 1) };
    }
    return v_map(n, fields);
}

static struct value random_value(struct dice *dice, int depth)
{
    switch (dice_below(dice, depth < 4 ? 12 : 8)) {
    case 0:
        return v_null();
    case 1:
        return v_bool(dice_below(dice, 2));
    case 2:
    case 3:
        return random_number(dice);
    case 4:
        return v_time((int64_t)dice_below(dice, 3) - 1, (int32_t)dice_below(dice, 3));
    case 5:
        return v_text(dice_below(dice, 2) ? VALUE_STRING : VALUE_BYTES, random_text(dice));
    case 6:
        return random_reference(dice);
    case 7:
        return v_geo((double)dice_below(dice, 3) - 1, dice_below(dice, 2) ? 0.0 : -0.0);
    case 8:
        return random_list(dice, depth, true);
    case 9:
        return random_list(dice, depth, false);
    default:
        return random_map(dice, depth);
    }
}

/* A value that differs from `value` in at most one place, so that pairs share long prefixes. */
static struct value mutated(struct dice *dice, const struct value *value)
{
    struct value out = value_copy(arena, value);
    if (out.kind == VALUE_ARRAY && out.array.n > 0) {
        size_t at = dice_below(dice, out.array.n);
        if (dice_below(dice, 3) == 0)
            out.array.n--;
        else
            out.array.items[at] = mutated(dice, &out.array.items[at]);
        return out;
    }
    if (out.kind == VALUE_MAP && out.map.n > 0 && !value_as_vector(&out)) {
        size_t at = dice_below(dice, out.map.n);
        if (dice_below(dice, 3) == 0)
            out.map.n--;
        else
            out.map.items[at].value = mutated(dice, &out.map.items[at].value);
        return out;
    }
    if (out.kind == VALUE_INT && dice_below(dice, 2))
        return v_double((double)out.integer);
    if (out.kind == VALUE_DOUBLE && out.number >= -0x1p63 && out.number < 0x1p63 && dice_below(dice, 2))
        return v_int((int64_t)out.number);
    return dice_below(dice, 2) ? out : random_value(dice, 4);
}

static void check_pair(const struct value *a, const struct value *b, int round)
{
    struct str key_a = key_of(a), key_b = key_of(b);
    int by_value = sign(order_compare(a, b));
    if (by_value != -sign(order_compare(b, a)))
        fail_msg("round %d: not antisymmetric", round);
    if (by_value != sign(str_cmp(key_a, key_b)))
        fail_msg("round %d: values compare as %d, keys as %d", round, by_value, sign(str_cmp(key_a, key_b)));
    if (by_value != 0 && (str_starts(key_a, key_b) || str_starts(key_b, key_a)))
        fail_msg("round %d: one key is the beginning of the other", round);
    if (value_equal(a, b) != (by_value == 0))
        fail_msg("round %d: value_equal", round);
}

static void keys_sort_as_values_do(void **state)
{
    (void)state;
    struct dice dice = { 424242 };
    size_t ties = 0;
    for (int round = 0; round < 60000; round++) {
        arena_reset(arena);
        struct value a = random_value(&dice, 0);
        struct value b = round % 2 ? mutated(&dice, &a) : random_value(&dice, 0);
        check_pair(&a, &b, round);
        check_pair(&a, &a, round);
        ties += order_compare(&a, &b) == 0;
    }
    /* The pairs are worth something: many equal ones, many not. */
    assert_in_range(ties, 5000, 55000);
}

static void number_keys_sort_as_numbers_do(void **state)
{
    (void)state;
    struct dice dice = { 31337 };
    for (int round = 0; round < 200000; round++) {
        arena_reset(arena);
        struct value a = random_number(&dice), b = round % 2 ? mutated(&dice, &a) : random_number(&dice);
        check_pair(&a, &b, round);
    }
}

/* Exactness against 80-bit or wider arithmetic, where the machine has it (x86, and software on ARM64). */
static void numbers_agree_with_wider_arithmetic(void **state)
{
    (void)state;
#if LDBL_MANT_DIG >= 64
    struct dice dice = { 5 };
    for (int round = 0; round < 200000; round++) {
        struct value a = random_number(&dice), b = random_number(&dice);
        long double wide_a = a.kind == VALUE_INT ? (long double)a.integer : (long double)a.number;
        long double wide_b = b.kind == VALUE_INT ? (long double)b.integer : (long double)b.number;
        if (isnan(wide_a) || isnan(wide_b))
            continue;
        int want = (wide_a > wide_b) - (wide_a < wide_b);
        if (sign(order_compare(&a, &b)) != want)
            fail_msg("round %d: %.20Lg against %.20Lg", round, wide_a, wide_b);
    }
#else
    skip();
#endif
}

static void order_is_transitive(void **state)
{
    (void)state;
    struct dice dice = { 8 };
    for (int round = 0; round < 40000; round++) {
        arena_reset(arena);
        struct value a = random_value(&dice, 1), b = mutated(&dice, &a), c = mutated(&dice, &b);
        int ab = order_compare(&a, &b), bc = order_compare(&b, &c), ac = order_compare(&a, &c);
        if ((ab <= 0 && bc <= 0 && ac > 0) || (ab >= 0 && bc >= 0 && ac < 0) ||
            (ab == 0 && sign(bc) != sign(ac)))
            fail_msg("round %d: %d %d %d", round, sign(ab), sign(bc), sign(ac));
    }
}

/* Keys put one behind the other sort as the tuples do, whatever comes after them. */
static void concatenated_keys_sort_as_tuples(void **state)
{
    (void)state;
    struct dice dice = { 77 };
    for (int round = 0; round < 40000; round++) {
        arena_reset(arena);
        struct value a1 = random_value(&dice, 3), b1 = mutated(&dice, &a1);
        struct str a2 = random_path(&dice), b2 = dice_below(&dice, 2) ? a2 : random_path(&dice);
        struct buf a, b;
        buf_init(&a, 1 << 16);
        buf_init(&b, 1 << 16);
        assert_true(order_key(&a, &a1) && order_key_path(&a, a2) &&
                    buf_byte(&a, (unsigned char)dice_roll(&dice)));
        assert_true(order_key(&b, &b1) && order_key_path(&b, b2) &&
                    buf_byte(&b, (unsigned char)dice_roll(&dice)));
        int want = sign(order_compare(&a1, &b1));
        if (want == 0)
            want = sign(order_compare_path(a2, b2));
        if (want != 0 && sign(str_cmp(buf_view(&a), buf_view(&b))) != want)
            fail_msg("round %d", round);
        buf_dispose(&a);
        buf_dispose(&b);
    }
}

static void path_keys_sort_as_paths_do(void **state)
{
    (void)state;
    struct dice dice = { 12 };
    for (int round = 0; round < 60000; round++) {
        arena_reset(arena);
        struct str a = random_path(&dice), b = random_path(&dice);
        int want = sign(order_compare_path(a, b));
        assert_int_equal(want, -sign(order_compare_path(b, a)));
        if (sign(str_cmp(path_key(a), path_key(b))) != want)
            fail_msg("round %d: \"" STR_FMT "\" against \"" STR_FMT "\"", round, STR_ARG(a), STR_ARG(b));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(types_follow_the_ladder),
    cmocka_unit_test(numbers_compare_exactly_across_int_and_double),
    cmocka_unit_test(equal_values_have_equal_keys),
    cmocka_unit_test(int_double_comparison_has_no_rounding),
    cmocka_unit_test(vectors_are_a_class_and_near_vectors_are_maps),
    cmocka_unit_test(numeric_ids_sort_before_all_others),
    cmocka_unit_test(path_keys_cost_what_the_contract_says),
    cmocka_unit_test(paths_sort_by_segment_with_prefixes_first),
    cmocka_unit_test(a_full_buffer_is_reported),
    cmocka_unit_test(keys_sort_as_values_do),
    cmocka_unit_test(number_keys_sort_as_numbers_do),
    cmocka_unit_test(numbers_agree_with_wider_arithmetic),
    cmocka_unit_test(order_is_transitive),
    cmocka_unit_test(concatenated_keys_sort_as_tuples),
    cmocka_unit_test(path_keys_sort_as_paths_do),
};

int main(void)
{
    return cmocka_run_group_tests(tests, setup, teardown);
}

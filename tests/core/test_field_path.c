/* test_field_path.c - the grammar and refusals of field paths (answers of Google's emulator 1.19.9 to the
 * same masks, projections and filters), and what masks do to maps. */
#include "core/core_test.h"
#include "core/field_path.h"
#include "core/limits.h"

#include <stdlib.h>

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

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct field_path parsed(struct str text)
{
    struct field_path path;
    struct status st = status_init(arena);
    if (field_path_parse(&path, arena, text, &st))
        fail_msg("\"" STR_FMT "\": %s", STR_ARG(text), status_message(&st));
    return path;
}

static void refused(struct str text, const char *message)
{
    struct field_path path;
    struct status st = status_init(arena);
    if (field_path_parse(&path, arena, text, &st) != STATUS_INVALID_ARGUMENT)
        fail_msg("accepted \"" STR_FMT "\"", STR_ARG(text));
    assert_str_z(str_of(status_message(&st)), message);
    assert_int_equal(path.n, 0);
}

static struct str repeat(const char *piece, size_t times)
{
    size_t n = strlen(piece);
    char *out = arena_alloc(arena, n * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(out + i * n, piece, n);
    out[n * times] = '\0';
    return (struct str){ out, n * times };
}

static struct str join(const char *a, struct str b, const char *c)
{
    return str_of(arena_printf(arena, "%s%.*s%s", a, (int)b.n, b.p, c));
}

static void segments_are_unquoted_and_unescaped(void **state)
{
    (void)state;
    struct field_path path = parsed(STR("a._b1.`c d`.`e\\`f\\\\g`.`.`"));
    assert_int_equal(path.n, 5);
    assert_str_z(path.segments[0], "a");
    assert_str_z(path.segments[1], "_b1");
    assert_str_z(path.segments[2], "c d");
    assert_str_z(path.segments[3], "e`f\\g");
    assert_str_z(path.segments[4], ".");
    path = parsed(STR("`a\0b`"));
    assert_int_equal(path.n, 1);
    assert_str(path.segments[0], STR("a\0b"));
}

static void what_is_no_path_is_refused_with_the_grammar(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a..b",
        ".",
        ".a",
        "a.",
        "`",
        "``",
        "`a",
        "a`",
        "`a`b",
        "`a\\xb`",
        "a b",
        "a-b",
        "1a",
        "\xC3\xA9",
        "a.``",
        "a\n",
        "*",
        "a.*",
        "$",
        "a[0]",
        "``.a",
        "`a``b`",
        "`a`.",
        "`a`..b",
        "`\\`",
        "`a\\",
        "`a\\.b`",
        /* before anything else that is wrong */
        "__x__.a..b",
        "__name__.a..b",
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a..",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        refused(str_of(bad[i]),
                arena_printf(arena,
                             "Invalid property path \"%s\". Unquoted property paths must match regex "
                             "([a-zA-Z_][a-zA-Z_0-9]*), and quoted property paths must match regex "
                             "(`(?:[^`\\\\]|(?:\\\\.))+`)",
                             bad[i]));
    refused(STR(""), "Invalid empty property path string.");
    struct field_path path;
    struct status st = status_init(arena);
    assert_int_equal(field_path_parse(&path, arena, STR("a\0b"), &st), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(status_message(&st), "Invalid property path \"a\\x00b\". Unquoted"));
    assert_int_equal(field_path_parse(&path, arena, STR("`\xFF`"), &st), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(status_message(&st), "Invalid property path \"`\\xFF`\". Unquoted"));
}

static void reserved_names_are_refused(void **state)
{
    (void)state;
    refused(STR("__x__"), "Invalid reserved name in field path __x__");
    refused(STR("`__x__`"), "Invalid reserved name in field path __x__");
    refused(STR("a.__x__"), "Invalid reserved name in field path __x__");
    refused(STR("a.__x__.b"), "Invalid reserved name in field path __x__.b");
    refused(STR("__x__.__y__"), "Invalid reserved name in field path __x__.__y__");
    refused(STR("a.__x__.__name__"), "Invalid reserved name in field path __x__.__key__");
    refused(STR("__x__.__type__"), "Invalid reserved name in field path __x__.__type__");
    refused(STR("____.__a__"), "Invalid reserved name in field path __a__");
    refused(STR("__none__"), "Invalid reserved name in field path __none__");
    refused(STR("__name__.__x__"), "Invalid reserved name in field path __x__");
    refused(STR("__type__.__x__"), "Invalid reserved name in field path __x__");
    refused(STR("__key__"), "Invalid property path member name \"__key__\".");
    refused(STR("a.__key__"), "Invalid property path member name \"__key__\".");
    refused(STR("__x__.__key__"), "Invalid property path member name \"__key__\".");
    refused(STR("__name__.x"), "the name __key__ is reserved");
    refused(STR("a.`__name__`"), "the name __key__ is reserved");
    refused(STR("__type__"), "the name __type__ is reserved");
    refused(STR("a.`__type__`"), "the name __type__ is reserved");
    static const char *const fine[] = { "__", "____", "_", "_none_", "__x", "x__" };
    for (size_t i = 0; i < COUNT(fine); i++)
        assert_int_equal(parsed(str_of(fine[i])).n, 1);
}

static void name_alone_is_the_documents_name(void **state)
{
    (void)state;
    struct field_path name = parsed(STR("__name__")), quoted = parsed(STR("`__name__`")),
                      other = parsed(STR("a.b"));
    assert_true(field_path_is_name(&name));
    assert_true(field_path_is_name(&quoted));
    assert_false(field_path_is_name(&other));
}

static void paths_have_1499_bytes_and_20_segments_at_most(void **state)
{
    (void)state;
    static const char long_message[] = "property path is longer than 1500 bytes.";
    parsed(repeat("x", 1499));
    parsed(join("`", repeat("x", 1498), "`"));
    parsed(join("a.", repeat("x", 1497), ""));
    parsed(join("`", repeat("\xC3\xA9", 749), "`"));
    parsed(join("`", repeat("\\`", 1499), "`")); /* counted without escapes */
    refused(repeat("x", 1500), long_message);
    refused(join("a.", repeat("x", 1498), ""), long_message);
    refused(join("`", repeat("\xC3\xA9", 750), "`"), long_message);
    refused(join("__name__.", repeat("x", 1600), ""), long_message);
    refused(join("__type__.", repeat("x", 1600), ""), long_message);
    refused(join("", repeat("a.", 21), repeat("x", 1600).p), long_message);
    refused(join("__x__.", repeat("x", 1600), ""),
            arena_printf(arena, "Invalid reserved name in field path __x__.%s", repeat("x", 1600).p));
    refused(repeat("`a`.", 2000000), long_message); /* ours: too long to be looked at */
    parsed(join("", repeat("a.", 19), "a"));
    refused(join("", repeat("a.", 20), "a"), "paths must have at most 20 elements");
    refused(join("", repeat("a.", 20), "__name__"), "the name __key__ is reserved");
    refused(join("", repeat("a.", 20), "__x__"), "Invalid reserved name in field path __x__");
}

static void printing_quotes_only_where_needed(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "a.b", "a.b" },
        { "`a`.`b1`", "a.b1" },
        { "`1a`", "`1a`" },
        { "`a b`", "`a b`" },
        { "`\\``.`\\\\`", "`\\``.`\\\\`" },
        { "`\xC3\xA9`", "`\xC3\xA9`" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct field_path path = parsed(str_of(cases[i][0]));
        assert_str_z(field_path_print(arena, &path), cases[i][1]);
    }
}

static void order_is_by_segments(void **state)
{
    (void)state;
    struct field_path a = parsed(STR("a")), ab = parsed(STR("a.b")), dash = parsed(STR("`a-`")),
                      b = parsed(STR("b"));
    assert_true(field_path_cmp(&a, &ab) < 0 && field_path_cmp(&ab, &a) > 0 && field_path_cmp(&ab, &ab) == 0);
    assert_true(field_path_cmp(&ab, &dash) < 0); /* though '.' sorts after '-' */
    assert_true(field_path_cmp(&dash, &b) < 0);
    assert_true(field_path_contains(&a, &ab) && field_path_contains(&a, &a));
    assert_false(field_path_contains(&ab, &a) || field_path_contains(&a, &dash));
}

/* ---- maps ---- */

static struct value integer(int64_t n)
{
    return (struct value){ .kind = VALUE_INT, .integer = n };
}

static void set(struct value_map *map, const char *path, const struct value *value)
{
    struct field_path parsed_path = parsed(str_of(path));
    field_path_set(arena, map, &parsed_path, value);
}

static void set_int(struct value_map *map, const char *path, int64_t n)
{
    struct value value = integer(n);
    set(map, path, &value);
}

/* "{a:1,b:{c:2}}" */
static void describe(struct buf *out, const struct value_map *map)
{
    buf_byte(out, '{');
    for (size_t i = 0; i < map->n; i++) {
        const struct value *value = &map->items[i].value;
        buf_printf(out, "%s" STR_FMT ":", i ? "," : "", STR_ARG(map->items[i].name));
        if (value->kind == VALUE_MAP)
            describe(out, &value->map);
        else
            buf_printf(out, "%lld", (long long)value->integer);
    }
    buf_byte(out, '}');
}

static void check_map(const struct value_map *map, const char *want, const char *file, int line)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    describe(&out, map);
    check_str(buf_view(&out), str_of(want), file, line);
    buf_dispose(&out);
}
#define assert_map(map, want) check_map((map), (want), __FILE__, __LINE__)

static struct value_map example(void)
{
    struct value_map map = { 0 };
    set_int(&map, "m.b", 2);
    set_int(&map, "z", 9);
    set_int(&map, "m.a", 1);
    set_int(&map, "a", 0);
    set_int(&map, "m.n.x", 3);
    return map;
}

static void get_finds_what_set_put(void **state)
{
    (void)state;
    struct value_map map = example();
    assert_map(&map, "{a:0,m:{a:1,b:2,n:{x:3}},z:9}");
    static const char *const missing[] = { "b", "a.b", "m.c", "m.n.x.y" };
    struct field_path path = parsed(STR("m.n.x"));
    assert_true(field_path_get(&map, &path)->integer == 3);
    for (size_t i = 0; i < COUNT(missing); i++) {
        path = parsed(str_of(missing[i]));
        assert_null(field_path_get(&map, &path));
    }
}

static void set_leaves_the_old_map_as_it_was(void **state)
{
    (void)state;
    struct value_map old = example(), changed = old;
    set_int(&changed, "m.n.x", 7);
    set_int(&changed, "m.n.y", 8);
    set(&changed, "z", NULL);
    assert_map(&old, "{a:0,m:{a:1,b:2,n:{x:3}},z:9}");
    assert_map(&changed, "{a:0,m:{a:1,b:2,n:{x:7,y:8}}}");
}

static void set_through_another_kind_replaces_it(void **state)
{
    (void)state;
    struct value_map map = example();
    set_int(&map, "a.b.c", 5);
    assert_map(&map, "{a:{b:{c:5}},m:{a:1,b:2,n:{x:3}},z:9}");
}

static void removing_what_is_not_there_changes_nothing(void **state)
{
    (void)state;
    struct value_map map = example();
    set(&map, "q", NULL);
    set(&map, "q.r", NULL);
    set(&map, "a.b", NULL);
    set(&map, "m.q.r", NULL);
    assert_map(&map, "{a:0,m:{a:1,b:2,n:{x:3}},z:9}");
    set(&map, "m.n.x", NULL);
    assert_map(&map, "{a:0,m:{a:1,b:2,n:{}},z:9}");
}

static struct value_map project(const struct value_map *map, const char *const *paths, size_t n)
{
    struct field_path *list = ARENA_ARRAY(arena, struct field_path, n);
    for (size_t i = 0; i < n; i++)
        list[i] = parsed(str_of(paths[i]));
    return field_path_project(arena, map, list, n);
}

static void projection_keeps_what_paths_name(void **state)
{
    (void)state;
    struct value_map map = example(), out;
    static const char *const some[] = { "z", "m.n", "m.a", "q", "a.b", "m.q.r" };
    out = project(&map, some, COUNT(some));
    assert_map(&out, "{m:{a:1,n:{x:3}},z:9}");
    static const char *const overlapping[] = { "m.a", "m", "m.n.x", "m" };
    out = project(&map, overlapping, COUNT(overlapping));
    assert_map(&out, "{m:{a:1,b:2,n:{x:3}}}");
    out = project(&map, NULL, 0);
    assert_map(&out, "{}");
    static const char *const nothing[] = { "m.q", "__name__" };
    out = project(&map, nothing, COUNT(nothing));
    assert_map(&out, "{}");
}

/* The obvious way, which merging must agree with. */
static struct value_map merge_one_by_one(struct value_map base, const struct value_map *changes,
                                         const struct field_path *paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        field_path_set(arena, &base, &paths[i], field_path_get(changes, &paths[i]));
    return base;
}

static struct value_map random_map(struct dice *dice, int depth)
{
    struct value_map map = { 0 };
    for (size_t i = dice_below(dice, 4); i > 0; i--) {
        struct str name = { &"abcd"[dice_below(dice, 4)], 1 };
        struct value value = integer((int64_t)dice_below(dice, 100));
        if (depth < 3 && dice_below(dice, 2)) {
            value.kind = VALUE_MAP;
            value.map = random_map(dice, depth + 1);
        }
        field_path_set(arena, &map, &(struct field_path){ &name, 1 }, &value);
    }
    return map;
}

static void merging_equals_setting_one_by_one(void **state)
{
    (void)state;
    struct dice dice = { 99 };
    for (int round = 0; round < 20000; round++) {
        arena_reset(arena);
        struct value_map base = random_map(&dice, 0), changes = random_map(&dice, 0);
        struct field_path paths[5];
        size_t n = dice_below(&dice, 6);
        for (size_t i = 0; i < n; i++) {
            paths[i].n = 1 + dice_below(&dice, 3);
            paths[i].segments = ARENA_ARRAY(arena, struct str, paths[i].n);
            for (size_t k = 0; k < paths[i].n; k++)
                paths[i].segments[k] = (struct str){ &"abcd"[dice_below(&dice, 4)], 1 };
        }
        struct value_map want = merge_one_by_one(base, &changes, paths, n);
        struct value_map got = field_path_merge(arena, &base, &changes, paths, n);
        struct value a = { .kind = VALUE_MAP, .map = want }, b = { .kind = VALUE_MAP, .map = got };
        if (!value_identical(&a, &b)) {
            assert_map(&got, "?");
        }
        /* Projecting is merging into nothing, but for the maps that stay empty. */
        struct value_map none = { 0 }, projected = field_path_project(arena, &changes, paths, n);
        want = merge_one_by_one(none, &changes, paths, n);
        a.map = want;
        b.map = projected;
        assert_true(value_identical(&a, &b));
    }
}

/* Quadratic work would take minutes and gigabytes. */
static void a_mask_of_100000_paths_is_no_feat(void **state)
{
    (void)state;
    enum { PATHS = 100000 };
    arena_reset(arena);
    struct value_map changes = { ARENA_ARRAY(arena, struct field, PATHS), PATHS }, base = { 0 };
    struct field_path *paths = ARENA_ARRAY(arena, struct field_path, PATHS);
    for (size_t i = 0; i < PATHS; i++) {
        struct str name = str_of(arena_printf(arena, "f%06zu", i));
        changes.items[i] = (struct field){ name, integer((int64_t)i) };
        paths[i] = (struct field_path){ arena_alloc(arena, sizeof(struct str)), 1 };
        paths[i].segments[0] = name;
    }
    size_t before = arena_used(arena);
    assert_int_equal(field_path_merge(arena, &base, &changes, paths, PATHS).n, PATHS);
    assert_int_equal(field_path_project(arena, &changes, paths, PATHS).n, PATHS);
    assert_true(arena_used(arena) - before < 32 * 1024 * 1024);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(segments_are_unquoted_and_unescaped),
    cmocka_unit_test(what_is_no_path_is_refused_with_the_grammar),
    cmocka_unit_test(reserved_names_are_refused),
    cmocka_unit_test(name_alone_is_the_documents_name),
    cmocka_unit_test(paths_have_1499_bytes_and_20_segments_at_most),
    cmocka_unit_test(printing_quotes_only_where_needed),
    cmocka_unit_test(order_is_by_segments),
    cmocka_unit_test(get_finds_what_set_put),
    cmocka_unit_test(set_leaves_the_old_map_as_it_was),
    cmocka_unit_test(set_through_another_kind_replaces_it),
    cmocka_unit_test(removing_what_is_not_there_changes_nothing),
    cmocka_unit_test(projection_keeps_what_paths_name),
    cmocka_unit_test(merging_equals_setting_one_by_one),
    cmocka_unit_test(a_mask_of_100000_paths_is_no_feat),
};

int main(void)
{
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* test_coverage.c - what the coverage counters count, what they keep, and that threads do not lose any. How
 * the report looks is compared with Google's in tests/server/test_cli.py. */
#include "rules_world.h"

#include "core/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD "rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {\n"
#define TAIL "\n} }"

struct fixture {
    struct arena *arena;
    struct ruleset *ruleset;
    struct buf out;
};

static struct fixture begin(const char *body)
{
    struct fixture f = { .arena = arena_new() };
    f.ruleset = world_compile(f.arena, str_of(arena_printf(f.arena, HEAD "%s" TAIL, body)));
    buf_init(&f.out, 4 * 1024 * 1024);
    return f;
}

static void end(struct fixture *f)
{
    rules_release(f->ruleset);
    buf_dispose(&f->out);
    arena_free(f->arena);
}

/* A read of t/ID by nobody. */
static void ask(const struct ruleset *ruleset, struct str path)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct rules_document missing = { 0 };
    struct rules_decision decision;
    struct rules_request request = { .method = RULES_GET,
                                     .db = { STR("demo-p"), STR("(default)") },
                                     .path = path,
                                     .time = { 1700000000, 0 },
                                     .resource = &missing };
    assert_int_equal(rules_decide(ruleset, &request, NULL, NULL, arena, &decision, &st), STATUS_OK);
    arena_free(arena);
}

static const struct json *report(struct fixture *f)
{
    struct json *json = ARENA_NEW(f->arena, struct json);
    buf_clear(&f->out);
    rules_coverage_json(&f->out, f->ruleset, f->arena);
    assert_true(json_parse(json, f->arena, arena_str(f->arena, buf_view(&f->out))));
    return json;
}

static const struct json *child(const struct json *node, size_t i)
{
    const struct json *children = json_get(node, "children");
    assert_non_null(children);
    assert_true(i < children->n);
    return &children->items[i];
}

/* The sum of the counts of a node's values whose kind is `kind`; NULL: short-circuited. */
static long long count(const struct json *node, const char *kind)
{
    const struct json *values = json_get(node, "values");
    long long n = 0;
    for (size_t i = 0; values && i < values->n; i++) {
        const struct json *value = json_get(&values->items[i], "value");
        if (kind ? json_get(value, kind) != NULL : value->n == 0)
            n += strtoll(json_get(&values->items[i], "count")->text.p, NULL, 10);
    }
    return n;
}

static long long others(const struct json *node)
{
    const struct json *n = json_get(node, "otherValues");
    return n ? strtoll(n->text.p, NULL, 10) : 0;
}

static void a_denial_counts_once_though_it_is_explained(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if id != 'a' && id.size() == 1 && id == 'c'; }");
    ask(f.ruleset, STR("t/b"));
    const struct json *root = &report(&f)->items[0];
    assert_int_equal(count(root, "boolValue"), 1);
    const struct json *first = child(child(root, 0), 0);
    assert_int_equal(count(first, "boolValue"), 1);
    assert_int_equal(count(child(first, 0), "stringValue"), 1);
    end(&f);
}

static void what_was_not_needed_is_short_circuited_with_all_below_it(void **state)
{
    (void)state;
    struct fixture f =
        begin("match /t/{id} { allow get: if id == 'a' ? true : id == 'b' || id.size() == 7; }");
    ask(f.ruleset, STR("t/a"));
    ask(f.ruleset, STR("t/b"));
    ask(f.ruleset, STR("t/c"));
    const struct json *branch = child(&report(&f)->items[0], 1);
    assert_int_equal(count(branch, NULL), 1);
    assert_int_equal(count(child(branch, 0), NULL), 1);
    assert_int_equal(count(child(branch, 1), NULL), 2);
    assert_int_equal(count(child(child(branch, 1), 0), NULL), 2);
    assert_int_equal(count(child(child(branch, 1), 0), "intValue"), 1);
    end(&f);
}

static void a_condition_that_is_never_reached_has_no_values(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if id != 'x'; allow get: if id == 'y'; }");
    ask(f.ruleset, STR("t/a"));
    assert_non_null(json_get(&report(&f)->items[0], "values"));
    assert_null(json_get(&report(&f)->items[1], "values"));
    end(&f);
}

static void literals_alone_have_no_report(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if false; function f() { return 1; } }");
    ask(f.ruleset, STR("t/a"));
    assert_false(rules_coverage_json(&f.out, f.ruleset, f.arena));
    assert_int_equal(report(&f)->n, 0);
    end(&f);
}

static void sixteen_values_are_told_apart_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if id == 'a'; }");
    for (int i = 0; i < 40; i++)
        ask(f.ruleset, str_of(arena_printf(f.arena, "t/d%d", i % 20)));
    const struct json *id = child(&report(&f)->items[0], 0);
    assert_int_equal(json_get(id, "values")->n, LIMIT_COVERAGE_VALUES);
    assert_int_equal(count(id, "stringValue"), 32);
    assert_int_equal(others(id), 8);
    end(&f);
}

static void verdicts_are_counted_beyond_the_watched_ones(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if ok(id) || id == 'z';\n"
                             "function ok(x) { let y = x; return y == 'a'; } }");
    for (int i = 0; i < 3000; i++)
        ask(f.ruleset, i % 3 ? STR("t/a") : STR("t/b"));
    const struct json *all = report(&f), *body = &all->items[0], *root = &all->items[1];
    assert_int_equal(count(root, "boolValue"), 3000);
    assert_int_equal(count(body, "boolValue"), 3000);
    assert_int_equal(count(child(root, 0), "boolValue"), 3000);
    assert_int_equal(count(child(root, 1), "boolValue"), 1000);
    assert_int_equal(count(child(root, 1), NULL), 2000);
    const struct json *argument = child(child(root, 0), 0);
    assert_int_equal(count(argument, "stringValue") + others(argument), 3000);
    assert_true(count(argument, "stringValue") >= LIMIT_COVERAGE_LOOKS);
    end(&f);
}

static void a_large_value_is_counted_and_not_kept(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if id == 'a'; }");
    struct buf path;
    buf_init(&path, 64 * 1024);
    buf_z(&path, "t/");
    while (path.len < LIMIT_COVERAGE_VALUE_BYTES)
        buf_z(&path, "0123456789");
    ask(f.ruleset, buf_view(&path));
    const struct json *id = child(&report(&f)->items[0], 0);
    assert_null(json_get(id, "values"));
    assert_int_equal(others(id), 1);
    buf_dispose(&path);
    end(&f);
}

static void text_and_lcov_name_what_is_missing(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if id == 'a'\n|| id == 'b'; }");
    ask(f.ruleset, STR("t/a"));
    rules_coverage_text(&f.out, f.ruleset, f.arena);
    buf_byte(&f.out, '\0');
    assert_non_null(strstr((char *)f.out.data, "L3:4 never evaluated: id == 'b'"));
    assert_non_null(
        strstr((char *)f.out.data, "1 allows: 1 tried, 1 granted; 2 conditions: 0 seen both true and not"));
    buf_clear(&f.out);
    rules_coverage_lcov(&f.out, f.ruleset, f.arena);
    buf_byte(&f.out, '\0');
    assert_non_null(strstr((char *)f.out.data, "DA:2,1\nDA:3,0\nLF:2\nLH:1\nend_of_record\n"));
    end(&f);
}

/* ---- many threads ---- */

enum { THREADS = 6, DECISIONS = 1500 };

static void *decide_many(void *data)
{
    for (int i = 0; i < DECISIONS; i++)
        ask(data, i % 2 ? STR("t/a") : STR("t/b"));
    return NULL;
}

static void threads_lose_no_count_while_reports_are_made(void **state)
{
    (void)state;
    struct fixture f = begin("match /t/{id} { allow get: if id == 'a' && [id].size() == 1; }");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decide_many, f.ruleset), 0);
    for (int i = 0; i < 20; i++)
        report(&f);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    const struct json *root = &report(&f)->items[0];
    assert_int_equal(count(root, "boolValue"), THREADS * DECISIONS);
    assert_int_equal(count(child(root, 1), "boolValue"), THREADS * DECISIONS / 2);
    assert_int_equal(count(child(root, 1), NULL), THREADS * DECISIONS / 2);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_denial_counts_once_though_it_is_explained),
        cmocka_unit_test(what_was_not_needed_is_short_circuited_with_all_below_it),
        cmocka_unit_test(a_condition_that_is_never_reached_has_no_values),
        cmocka_unit_test(literals_alone_have_no_report),
        cmocka_unit_test(sixteen_values_are_told_apart_and_the_rest_is_counted),
        cmocka_unit_test(verdicts_are_counted_beyond_the_watched_ones),
        cmocka_unit_test(a_large_value_is_counted_and_not_kept),
        cmocka_unit_test(text_and_lcov_name_what_is_missing),
        cmocka_unit_test(threads_lose_no_count_while_reports_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

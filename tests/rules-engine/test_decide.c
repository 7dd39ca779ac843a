/* test_decide.c - rules_decide against its host: what it asks for, what it does when the host fails, limits
 * of memory, counters, many threads on one ruleset. Verdicts themselves are tested by scripts and recordings.
 */
#include "rules_world.h"

#include "core/limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD "rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {\n"
#define TAIL "\n} }"

struct fixture {
    struct arena *arena;
    struct world world;
    struct ruleset *ruleset;
    struct rules_env env;
    struct rules_document resource;
    struct rules_request request;
    struct rules_decision decision;
    struct status st;
};

static struct fixture *begin(const char *body)
{
    struct arena *arena = arena_new();
    struct fixture *f = ARENA_NEW(arena, struct fixture);
    f->arena = arena;
    world_init(&f->world, arena);
    f->ruleset = world_compile(arena, str_of(arena_printf(arena, HEAD "%s" TAIL, body)));
    f->env = world_env(&f->world);
    f->st = status_init(arena);
    f->request = (struct rules_request){
        .method = RULES_GET, .db = f->world.db, .path = STR("t/x"), .resource = &f->resource
    };
    return f;
}

static enum status_code decide(struct fixture *f)
{
    return rules_decide(f->ruleset, &f->request, &f->env, NULL, f->arena, &f->decision, &f->st);
}

static void end(struct fixture *f)
{
    rules_release(f->ruleset);
    buf_dispose(&f->world.traces);
    arena_free(f->arena);
}

/* A file in Latin-1, say: as Firebase's tools read it, what is no UTF-8 is U+FFFD. */
static void a_file_that_is_not_utf8_still_answers_in_utf8(void **state)
{
    (void)state;
    struct fixture *f = begin("match /t/{id} { allow get: if int('\xE9\xC3\xA9 \xF0\x9D') == 1; }");
    assert_int_equal(decide(f), STATUS_OK);
    assert_true(str_is_utf8(str_of(f->decision.message)));
    assert_non_null(strstr(f->decision.message, "\xEF\xBF\xBD\xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD"));
    end(f);
}

static void one_path_is_read_once(void **state)
{
    (void)state;
    struct fixture *f = begin("match /t/{id} { allow get: if exists(/databases/$(database)/documents/u/v)\n"
                              "&& get(/databases/$(database)/documents/u/v).data.n == 1\n"
                              "&& exists(path('/databases/' + database + '/documents/u/v')); }");
    struct field n = { STR("n"), { .kind = VALUE_INT, .integer = 1 } };
    world_put(&f->world, STR("u/v"), (struct value_map){ &n, 1 });
    assert_int_equal(decide(f), STATUS_OK);
    assert_true(f->decision.allowed);
    assert_int_equal(f->world.reads, 1);
    end(f);
}

static void an_explanation_reads_nothing_twice(void **state)
{
    (void)state;
    struct fixture *f =
        begin("match /t/{id} { allow get: if exists(/databases/$(database)/documents/u/v) && debug(1) == 1\n"
              "&& get(/databases/$(database)/documents/u/v).data.n == 2; }");
    struct field n = { STR("n"), { .kind = VALUE_INT, .integer = 1 } };
    world_put(&f->world, STR("u/v"), (struct value_map){ &n, 1 });
    assert_int_equal(decide(f), STATUS_OK);
    assert_false(f->decision.allowed);
    assert_int_equal(f->world.reads, 1);
    assert_true(str_eq_z(buf_view(&f->world.traces), "2:79 1\n"));
    end(f);
}

static void an_explanation_reads_nothing_more(void **state)
{
    (void)state;
    struct fixture *f =
        begin("match /t/{id} { allow get: if id == 'y' && exists(/databases/$(database)/documents/u/v); }");
    assert_int_equal(decide(f), STATUS_OK);
    assert_false(f->decision.allowed);
    assert_int_equal(f->world.reads, 0);
    end(f);
}

/* Every level of an explanation walks what lies below it: a chain of n operands would cost n * n / 2. What
 * the list literals leave in the arena counts the walks. */
static void explanations_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_z(&text, "match /t/{id} { allow get: if {'a': 1}.x == 1"); /* an error, so that && goes on */
    for (int i = 0; i < 95; i++)
        buf_z(&text, " && [1, 2, 3].size() > 0");
    buf_z(&text, "; }");
    buf_byte(&text, '\0');
    struct fixture *f = begin((const char *)text.data);
    size_t before = arena_used(f->arena);
    assert_int_equal(decide(f), STATUS_OK);
    assert_false(f->decision.allowed);
    assert_true(f->decision.expressions > 800 && f->decision.expressions < LIMIT_RULES_EXPRESSIONS);
    assert_true(f->decision.tries[0].line > 0);
    assert_true(arena_used(f->arena) - before < 150 * 1024);
    end(f);
    buf_dispose(&text);
}

static enum status_code broken_host(void *data, struct database_name db, struct str path, bool after,
                                    struct arena *arena, struct rules_document *out, struct status *st)
{
    (void)data, (void)db, (void)path, (void)after, (void)arena, (void)out;
    return status_set(st, STATUS_RESOURCE_EXHAUSTED, "disk on fire");
}

static void a_host_that_fails_ends_the_decision(void **state)
{
    (void)state;
    struct fixture *f =
        begin("match /t/{id} { allow get: if exists(/databases/$(database)/documents/u/v) || true;\n"
              "allow get: if true; }");
    f->env.get_document = broken_host;
    assert_int_equal(decide(f), STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(status_message(&f->st), "disk on fire");
    assert_false(f->decision.allowed);
    end(f);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct fixture *f = begin("function d(s) { return s + s; }\n"
                              "function e(s) { return d(d(d(d(d(d(d(d(s)))))))); }\n"
                              "match /t/{id} { allow get: if e(e(e(e('abcdefgh')))).size() == 1 || true; }");
    assert_int_equal(decide(f), STATUS_RESOURCE_EXHAUSTED);
    assert_false(f->decision.allowed);
    assert_true(arena_used(f->arena) < 3u * LIMIT_RULES_ARENA);
    end(f);
}

static void memory_of_small_pieces_is_bounded_too(void **state)
{
    (void)state;
    struct fixture *f =
        begin("function d(s) { return s + s; }\n"
              "function e(s) { return d(d(d(d(d(d(d(d(s)))))))); }\n"
              "function big() { return d(d(d(d(e(e('abcdefgh')))))); }\n"
              "function many(b) { return [b + '1', b + '2', b + '3', b + '4', b + '5', b + '6', b + '7',\n"
              "  b + '8', b + '9'].size() == 9; }\n"
              "match /t/{id} { allow get: if many(big()); }");
    assert_int_equal(decide(f), STATUS_RESOURCE_EXHAUSTED);
    assert_true(arena_used(f->arena) < 2u * LIMIT_RULES_ARENA);
    end(f);
}

static void a_denial_counts_as_evaluated_only(void **state)
{
    (void)state;
    struct fixture *f =
        begin("match /t/{id} { allow get: if id == 'x'; allow get: if true; allow list: if true; }\n"
              "match /s/{id} { allow read: if false; }");
    size_t n;
    decide(f);
    f->request.path = STR("t/y");
    decide(f);
    f->request.path = STR("s/y");
    decide(f);
    struct rules_allow_stats *stats = rules_stats(f->ruleset, f->arena, &n);
    assert_int_equal(n, 4);
    assert_int_equal(stats[0].evaluated, 2);
    assert_int_equal(stats[0].granted, 1);
    assert_int_equal(stats[1].evaluated, 1);
    assert_int_equal(stats[1].granted, 1);
    assert_int_equal(stats[2].evaluated, 0);
    assert_int_equal(stats[3].evaluated, 1);
    assert_int_equal(stats[3].granted, 0);
    end(f);
}

static void the_open_ruleset_allows_everything(void **state)
{
    (void)state;
    struct fixture *f = begin("match /t/{id} { allow get: if false; }");
    rules_release(f->ruleset);
    f->ruleset = rules_open_ruleset();
    for (enum rules_method m = RULES_GET; m <= RULES_DELETE; m++) {
        f->request.method = m;
        f->request.resource = m == RULES_LIST ? NULL : &f->resource;
        f->request.path = m == RULES_LIST ? STR("t") : STR("t/x");
        assert_int_equal(decide(f), STATUS_OK);
        assert_true(f->decision.allowed);
    }
    end(f);
}

static void hostile_values_stay_out_of_messages(void **state)
{
    (void)state;
    struct fixture *f = begin("match /t/{id} { allow get: if int(resource.data.s) == 1; }");
    char *large = arena_alloc(f->arena, 1000000);
    memset(large, 'x', 1000000);
    struct field s = { STR("s"), { .kind = VALUE_STRING, .text = str_from(large, 1000000) } };
    f->resource = (struct rules_document){ .exists = true, .fields = { &s, 1 } };
    assert_int_equal(decide(f), STATUS_OK);
    assert_true(strlen(f->decision.message) < 5000);
    s.value.text = STR("a\033[31m\nb\0c");
    assert_int_equal(decide(f), STATUS_OK);
    assert_null(strchr(f->decision.tries[0].value, '\033'));
    assert_string_equal(f->decision.tries[0].value, "resource.data.s is 'a\\x1b[31m\\nb\\x00c'");
    end(f);
}

static void half_a_character_does_not_reach_the_message(void **state)
{
    (void)state;
    struct fixture *f = begin("match /t/{id} { allow get: if int(resource.data.s[0]) == 1; }");
    struct field s = { STR("s"), { .kind = VALUE_STRING, .text = STR("\xF0\x9D\x84\x9E") } };
    f->resource = (struct rules_document){ .exists = true, .fields = { &s, 1 } };
    assert_int_equal(decide(f), STATUS_OK);
    assert_true(str_is_utf8(str_of(f->decision.message)));
    assert_non_null(strstr(f->decision.message, "Argument: [?]"));
    assert_true(!f->decision.tries[0].value || str_is_utf8(str_of(f->decision.tries[0].value)));
    end(f);
}

/* What one expression costs of the 1,000, measured on Google's emulator 1.19.9 by how many of them fit. */
static void expressions_cost_what_they_cost_there(void **state)
{
    static const struct {
        const char *expression;
        uint32_t cost;
    } cases[] = {
        { "1", 1 },
        { "request", 1 },
        { "request.auth", 2 },
        { "request.auth.uid", 3 },
        { "request.time", 2 },
        { "request.auth.token.role", 4 },
        { "resource.data.s", 3 },
        { "id", 1 },
        { "1 + 1", 3 },
        { "[1]", 2 },
        { "[1, 1]", 3 },
        { "[]", 1 },
        { "{}", 1 },
        { "{'a': 1}", 3 },
        { "{'a': 1, 'b': 2}", 5 },
        { "f0()", 2 },
        { "f0b()", 3 },
        { "f1(1)", 3 },
        { "f1u(1)", 3 },
        { "f1u(1 + 1)", 5 },
        { "f2(1)", 5 },
        { "f2(1 + 1)", 7 },
        { "l1()", 4 },
        { "l1u()", 4 },
        { "l2()", 6 },
        { "lo()", 7 },
        { "/a/b", 3 },
        { "/a/b/c/d", 5 },
        { "/a/$('x')", 3 },
        { "/a/{x}", 2 },
        { "/a/{x=**}", 2 },
        { "true || true", 2 },
        { "true && true", 4 },
        { "false || true", 4 },
        { "true ? 1 : 2", 4 },
        { "'a'.size()", 2 },
        { "1 is int", 3 },
        { "math.abs(1)", 2 },
        { "(1)", 1 },
        { "((1))", 1 },
        { "-(1)", 2 },
        { "-1", 2 },
        { "!true", 2 },
        { "[1][0]", 4 },
        { "{'a': 1}.a", 4 },
        { "{'a': 1}['a']", 5 },
        { "'a' in ['a']", 4 },
        { "'a'.matches('a')", 3 },
        { "'ab'[0:1]", 4 },
        { "[1, 2][0:]", 6 },
        { "[1, 2][:]", 6 },
        { "exists(/databases/(default)/documents/u/v)", 7 },
        { "debug(1)", 2 },
        { "debug(1, 1)", 3 },
        { "{'a': 1}.x || true", 7 },
        { "1 + {'a': 1}.x == 1 || true", 11 },
        { "{'a': 1}.x + 1 == 2 || true", 11 },
        { "nope(1) || true", 5 },
        { "nope || true", 4 },
        { "'a'.nope(1) || true", 6 },
        { "({'a': 1}.x).size(1, 1, 1) || true", 11 },
        { "null.size(1, 1, 1) || true", 8 },
    };
    struct field claims[] = { { STR("role"), { .kind = VALUE_STRING, .text = STR("r") } } };
    struct value_map token = { claims, 1 };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *arena = arena_new();
        struct fixture *f = begin(arena_printf(arena,
                                               "function f0() { return 1; } function f0b() { return f0(); }\n"
                                               "function f1(a) { return a; } function f1u(a) { return 1; }\n"
                                               "function f2(a) { return [a, a]; }\n"
                                               "function l1() { let z = 1; return z; }\n"
                                               "function l1u() { let z = 1; return 1; }\n"
                                               "function l2() { let z = 1; return [z, z]; }\n"
                                               "function lo() { let z = 1 + 1; return true || z; }\n"
                                               "match /t/{id} { allow get: if [%s].size() >= 0; }",
                                               cases[i].expression));
        struct field s = { STR("s"), { .kind = VALUE_STRING, .text = STR("x") } };
        f->resource = (struct rules_document){ .exists = true, .fields = { &s, 1 } };
        f->request.auth = (struct rules_auth){ true, true, STR("u"), &token };
        assert_int_equal(decide(f), STATUS_OK);
        if (f->decision.expressions != cases[i].cost + 4)
            fail_msg("%s costs %u, not %u", cases[i].expression, f->decision.expressions - 4, cases[i].cost);
        end(f);
        arena_free(arena);
    }
}

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 3000 };

static void *decide_often(void *data)
{
    const struct ruleset *ruleset = data;
    struct arena *arena = arena_new();
    size_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct rules_document resource = { 0 };
        struct rules_decision decision;
        struct status st = status_init(arena);
        struct rules_request request = { .method = RULES_GET,
                                         .db = { STR("p"), STR("(default)") },
                                         .path = i % 3 ? STR("t/abc") : STR("t/123"),
                                         .resource = &resource };
        if (rules_decide(ruleset, &request, NULL, NULL, arena, &decision, &st) ||
            decision.allowed != (i % 3 != 0))
            wrong++;
        arena_reset(arena);
    }
    arena_free(arena);
    return (void *)wrong;
}

static void many_threads_share_a_ruleset(void **state)
{
    (void)state;
    struct fixture *f =
        begin("match /t/{id} { allow get: if id.matches('[a-z]+') && [1, 1.0].toSet().size() == 1; }");
    pthread_t threads[THREADS];
    size_t n;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decide_often, f->ruleset), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    struct rules_allow_stats *stats = rules_stats(f->ruleset, f->arena, &n);
    assert_int_equal(stats[0].evaluated, THREADS * ROUNDS);
    assert_int_equal(stats[0].granted, THREADS * (ROUNDS - ROUNDS / 3));
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_not_utf8_still_answers_in_utf8),
        cmocka_unit_test(one_path_is_read_once),
        cmocka_unit_test(an_explanation_reads_nothing_twice),
        cmocka_unit_test(an_explanation_reads_nothing_more),
        cmocka_unit_test(explanations_are_bounded),
        cmocka_unit_test(a_host_that_fails_ends_the_decision),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(memory_of_small_pieces_is_bounded_too),
        cmocka_unit_test(a_denial_counts_as_evaluated_only),
        cmocka_unit_test(the_open_ruleset_allows_everything),
        cmocka_unit_test(hostile_values_stay_out_of_messages),
        cmocka_unit_test(half_a_character_does_not_reach_the_message),
        cmocka_unit_test(expressions_cost_what_they_cost_there),
        cmocka_unit_test(many_threads_share_a_ruleset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

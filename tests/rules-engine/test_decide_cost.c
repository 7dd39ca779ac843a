/* test_decide_cost.c - what a decision may cost: no memory outside its arena, the limit of expressions to the
 * one where walks are left out (fold.h), and bounds on what hostile rules make it do. All counted, nothing
 * timed. The linker sends malloc, calloc and realloc of our code here (--wrap). */
#include "rules_world.h"

#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD "rules_version = '2'; service cloud.firestore { match /databases/{database}/documents {\n"
#define TAIL "\n} }"

/* ---- counting allocations ---- */

static size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* ---- deciding ---- */

static struct rules_decision decide(const struct ruleset *ruleset, struct world *world,
                                    const struct rules_request *request)
{
    struct rules_decision decision;
    struct status st = status_init(world->arena);
    struct rules_env env = world_env(world);
    assert_int_equal(rules_decide(ruleset, request, &env, NULL, world->arena, &decision, &st), STATUS_OK);
    return decision;
}

/* `rules` between HEAD and TAIL, asked for t/x, with what coverage looks at left out. */
static struct rules_decision decide_get(struct world *world, const char *rules)
{
    struct rules_document resource = { 0 };
    struct rules_request request = {
        .method = RULES_GET, .db = world->db, .path = STR("t/x"), .resource = &resource
    };
    struct ruleset *ruleset =
        world_compile(world->arena, str_of(arena_printf(world->arena, HEAD "%s" TAIL, rules)));
    world_watch(ruleset, false);
    struct rules_decision decision = decide(ruleset, world, &request);
    rules_release(ruleset);
    return decision;
}

static int begin(void **state)
{
    struct arena *arena = arena_new();
    struct world *world = ARENA_NEW(arena, struct world);
    world_init(world, arena);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    buf_dispose(&world->traces);
    arena_free(world->arena);
    return 0;
}

/* ---- memory ---- */

static void a_decision_that_grants_allocates_nothing_outside_its_arena(void **state)
{
    struct world *world = *state;
    struct field claim = { STR("role"), { .kind = VALUE_STRING, .text = STR("editor") } };
    struct field fields[] = { { STR("n"), { .kind = VALUE_INT, .integer = 7 } },
                              { STR("name"), { .kind = VALUE_STRING, .text = STR("a name") } } };
    struct value_map token = { &claim, 1 }, data = { fields, 2 };
    struct rules_document missing = { 0 };
    struct rules_request request = { .method = RULES_CREATE,
                                     .db = world->db,
                                     .path = STR("t/x"),
                                     .auth = { true, true, STR("alice"), &token },
                                     .resource = &missing,
                                     .new_fields = &data };
    struct ruleset *ruleset = world_compile(
        world->arena,
        STR(HEAD
            "function short(text, most) { let size = text.size(); return text is string && size < most; }\n"
            "match /t/{id} { allow create: if request.auth.token.role in ['editor', 'admin']\n"
            "  && request.resource.data.keys().hasAll(['n', 'name'])\n"
            "  && request.resource.data.keys().hasOnly(['n', 'name', 'more'])\n"
            "  && short(request.resource.data.name, 100) && request.resource.data.name.matches('a.*')\n"
            "  && request.resource.data.get('more', 'none') == 'no' + 'ne'\n"
            "  && request.time < timestamp.date(2100, 1, 1) + duration.value(1, 'h')\n"
            "  && get(/databases/$(database)/documents/users/$(request.auth.uid)).data.n > 0; }" TAIL));
    world_put(world, STR("users/alice"), data);
    world_watch(ruleset, false);
    assert_true(decide(ruleset, world, &request).allowed);
    size_t before = allocations;
    assert_true(before > 0); /* those of the compilation: they are counted here */
    assert_true(decide(ruleset, world, &request).allowed);
#ifndef CINDERLOG_ARENA_DEBUG /* there, each piece of an arena is a malloc */
    assert_int_equal(allocations - before, 0);
#else
    assert_true(allocations > before);
#endif
    rules_release(ruleset);
}

/* ---- the limit, where walks are left out ---- */

/* 0 <= [first item, item, ...].size(): 4 expressions more than the items, which come last. */
static const char *list_rule(struct arena *arena, const char *first, const char *item, unsigned n)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_printf(&text, "match /t/{id} { allow get: if 0 <= [%s", first);
    for (unsigned i = 0; i < n; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", item);
    buf_z(&text, "].size(); }");
    const char *rule = arena_str(arena, buf_view(&text)).p;
    buf_dispose(&text);
    return rule;
}

static void assert_limit_between(struct world *world, const char *rule, const char *longer)
{
    struct rules_decision decision = decide_get(world, rule);
    assert_true(decision.allowed);
    assert_int_equal(decision.expressions, LIMIT_RULES_EXPRESSIONS);
    decision = decide_get(world, longer);
    assert_false(decision.allowed);
    assert_non_null(strstr(decision.message, "maximum of 1000 expressions"));
}

static void the_thousandth_expression_may_be_in_a_constant_list(void **state)
{
    struct world *world = *state;
    assert_limit_between(world, list_rule(world->arena, "", "1", 996), list_rule(world->arena, "", "1", 997));
}

static void the_thousandth_expression_may_be_in_a_chain(void **state)
{
    struct world *world = *state;
    assert_limit_between(world, list_rule(world->arena, "", "request.time", 498),
                         list_rule(world->arena, "1, ", "request.time", 498));
}

/* ---- hostile rules ---- */

static void functions_that_call_twice_end_at_the_limit(void **state)
{
    struct world *world = *state;
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int i = 0; i < 18; i++)
        buf_printf(&text, "function f%d() { return f%d() && f%d(); }\n", i, i + 1, i + 1);
    buf_z(&text, "function f18() { return exists(/databases/$(database)/documents/u/v); }\n"
                 "match /t/{id} { allow get: if f0(); }");
    buf_byte(&text, '\0');
    world_put(world, STR("u/v"), (struct value_map){ 0 });
    struct rules_decision decision = decide_get(world, (const char *)text.data);
    assert_false(decision.allowed);
    assert_int_equal(decision.expressions, LIMIT_RULES_EXPRESSIONS);
    assert_int_equal(world->reads, 1);
    buf_dispose(&text);
}

/* 300 wildcards over one document: all their conditions together have the thousand expressions. */
static void many_matches_share_the_expressions_of_one_decision(void **state)
{
    struct world *world = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "match /{a%d=**} { allow get: if a%d.size() > %d && false; }\n", i, i, -i);
    buf_byte(&text, '\0');
    size_t before = arena_used(world->arena);
    struct rules_decision decision = decide_get(world, (const char *)text.data);
    assert_false(decision.allowed);
    assert_int_equal(decision.expressions, LIMIT_RULES_EXPRESSIONS);
    assert_true(decision.n_tries <= 300);
    assert_true(arena_used(world->arena) - before < 4 * 1024 * 1024);
    buf_dispose(&text);
}

/* An engine that goes back would take 2^100000 steps; that it is linear is RE2's promise. */
static void a_pattern_made_for_going_back_is_answered(void **state)
{
    struct world *world = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_z(&text, "match /t/{id} { allow get: if '");
    for (int i = 0; i < 100000; i++)
        buf_byte(&text, 'a');
    buf_z(&text, "'.matches('(a*)*(a|aa)*(a+)+b') == false; }");
    buf_byte(&text, '\0');
    assert_true(decide_get(world, (const char *)text.data).allowed);
    buf_dispose(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define FACT(name) cmocka_unit_test_setup_teardown(name, begin, end)
        FACT(a_decision_that_grants_allocates_nothing_outside_its_arena),
        FACT(the_thousandth_expression_may_be_in_a_constant_list),
        FACT(the_thousandth_expression_may_be_in_a_chain),
        FACT(functions_that_call_twice_end_at_the_limit),
        FACT(many_matches_share_the_expressions_of_one_decision),
        FACT(a_pattern_made_for_going_back_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

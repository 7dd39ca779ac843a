/* test_proof.c - the soundness of list proofs: a query that is allowed never returns a document that the same
 * rule denies for `get`.
 *
 *   test_proof [CASES [SEED]]            checks that many random cases; without arguments 20,000
 *   test_proof --print CASES [SEED]      prints them, for record_verdicts.py */
#include "proof_cases.h"

#include "rules-engine/constraint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DOCUMENTS = 4 };
static uint64_t n_cases = 20000, first_seed = 1;

static struct ruleset *compile_case(struct arena *arena, const struct proof_case *c)
{
    return world_compile(arena,
                         str_of(arena_printf(arena,
                                             "rules_version = '2';\nservice cloud.firestore {\n"
                                             "  match /databases/{database}/documents {\n"
                                             "    match /c/{id} { allow read: if " STR_FMT "; }\n  }\n}\n",
                                             STR_ARG(c->condition))));
}

static bool decide(const struct ruleset *ruleset, struct rules_request *request, struct arena *arena)
{
    struct rules_decision decision;
    struct status st = status_init(arena);
    assert_int_equal(rules_decide(ruleset, request, NULL, NULL, arena, &decision, &st), STATUS_OK);
    return decision.allowed;
}

static bool list_is_allowed(const struct ruleset *ruleset, const struct proof_case *c, struct arena *arena)
{
    struct rules_query query = { .collection_id = STR("c"),
                                 .disjuncts = c->expanded,
                                 .n_disjuncts = c->n_expanded };
    struct rules_request request = {
        .method = RULES_LIST, .db = { STR("p"), STR("(default)") }, .path = STR("c"), .query = &query
    };
    return decide(ruleset, &request, arena);
}

static bool get_is_allowed(const struct ruleset *ruleset, struct value_map fields, struct arena *arena)
{
    struct rules_document document = { .exists = true, .fields = fields };
    struct rules_request request = {
        .method = RULES_GET, .db = { STR("p"), STR("(default)") }, .path = STR("c/d"), .resource = &document
    };
    return decide(ruleset, &request, arena);
}

/* Whether the case is allowed; fails with the case when the proof was wrong. */
static bool check_case(uint64_t seed, struct arena *arena, uint64_t *documents)
{
    struct proof_case c;
    proof_case_make(&c, arena, seed);
    struct ruleset *ruleset = compile_case(arena, &c);
    bool allowed = list_is_allowed(ruleset, &c, arena);
    for (int i = 0; allowed && i < DOCUMENTS; i++) {
        struct value_map fields;
        if (!proof_document(&fields, arena, &c))
            continue;
        ++*documents;
        if (get_is_allowed(ruleset, fields, arena))
            continue;
        struct buf text;
        buf_init(&text, 65536);
        proof_case_print(&text, &c);
        for (size_t k = 0; k < fields.n; k++)
            buf_printf(&text, "  " STR_FMT " of kind %d, %lld, %f\n", STR_ARG(fields.items[k].name),
                       (int)fields.items[k].value.kind, (long long)fields.items[k].value.integer,
                       fields.items[k].value.number);
        fail_msg("seed %llu: the query is allowed and returns a document that is denied\n" STR_FMT,
                 (unsigned long long)seed, STR_ARG(buf_view(&text)));
    }
    rules_release(ruleset);
    return allowed;
}

static void an_allowed_query_returns_no_denied_document(void **state)
{
    uint64_t allowed = 0, documents = 0;
    struct arena *arena = arena_new();
    (void)state;
    for (uint64_t i = 0; i < n_cases; i++) {
        allowed += check_case(first_seed + i, arena, &documents);
        arena_reset(arena);
    }
    arena_free(arena);
    fprintf(stderr, "%llu cases, %llu allowed, %llu documents\n", (unsigned long long)n_cases,
            (unsigned long long)allowed, (unsigned long long)documents);
    assert_true(allowed * 100 >= n_cases * 30 && allowed * 100 <= n_cases * 70);
    assert_true(documents > allowed * 2);
}

/* ---- text, whose order in queries is not that in rules ---- */

enum { LETTERS = 7, TEXTS = 1 + LETTERS + LETTERS * LETTERS };
static const char *const letters[LETTERS] = { "a",      "b",          "\uD7FF",    "\uE000",
                                              "\uFFFF", "\U00010000", "\U0001D11E" };

static void make_texts(struct str texts[TEXTS], struct arena *arena)
{
    size_t n = 0;
    texts[n++] = STR("");
    for (int i = 0; i < LETTERS; i++) {
        texts[n++] = str_of(letters[i]);
        for (int k = 0; k < LETTERS; k++)
            texts[n++] = str_of(arena_printf(arena, "%s%s", letters[i], letters[k]));
    }
    assert_int_equal(n, TEXTS);
}

static bool is_bound(int order, bool less, bool or_equal)
{
    return order == 0 ? or_equal : less == (order < 0);
}

/* No text that the filter lets through is denied. False when it proves what is so for none of them. */
static bool check_text_proof(const struct str texts[TEXTS], enum rules_constraint_op have, struct str bound,
                             enum ast_kind want, struct str other)
{
    bool any = false;
    for (size_t i = 0; i < TEXTS; i++) {
        if (!is_bound(str_cmp(texts[i], bound), have == RULES_LT || have == RULES_LE,
                      have == RULES_LE || have == RULES_GE))
            continue;
        int order = rv_utf16_cmp(texts[i], other);
        any = true;
        if (want == AST_NE
                ? order == 0
                : !is_bound(order, want == AST_LT || want == AST_LE, want == AST_LE || want == AST_GE))
            fail_msg("a filter %d '" STR_FMT "' lets through '" STR_FMT "', which %d '" STR_FMT "' denies",
                     have, STR_ARG(bound), STR_ARG(texts[i]), want, STR_ARG(other));
    }
    return any;
}

static void a_bound_of_text_proves_what_holds_in_both_orders(void **state)
{
    static const enum rules_constraint_op bounds[] = { RULES_LT, RULES_LE, RULES_GT, RULES_GE };
    static const enum ast_kind wanted[] = { AST_NE, AST_LT, AST_LE, AST_GT, AST_GE };
    struct arena *arena = arena_new();
    struct str texts[TEXTS], f = STR("f");
    size_t proved = 0;
    (void)state;
    make_texts(texts, arena);
    for (size_t i = 0; i < 4 * TEXTS; i++) {
        struct value operand = { .kind = VALUE_STRING, .text = texts[i / 4] };
        const struct rules_constraint c = { &f, 1, bounds[i % 4], &operand }, *items = &c;
        const struct constraint_set set = { &items, 1 };
        for (size_t k = 0; k < 5 * TEXTS; k++)
            if (constraint_implies(arena, &set, wanted[k % 5], rv_string(texts[k / 5])))
                proved += check_text_proof(texts, c.op, operand.text, wanted[k % 5], texts[k / 5]);
    }
    assert_true(proved > 4 * TEXTS * TEXTS / 2); /* most that holds is proved */
    arena_free(arena);
}

static int print_cases(void)
{
    struct arena *arena = arena_new();
    struct buf out;
    buf_init(&out, 1 << 20);
    for (uint64_t i = 0; i < n_cases; i++) {
        struct proof_case c;
        proof_case_make(&c, arena, first_seed + i);
        proof_case_print(&out, &c);
        fwrite(out.data, 1, out.len, stdout);
        buf_clear(&out);
        arena_reset(arena);
    }
    buf_dispose(&out);
    arena_free(arena);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_allowed_query_returns_no_denied_document),
        cmocka_unit_test(a_bound_of_text_proves_what_holds_in_both_orders),
    };
    bool print = argc > 1 && strcmp(argv[1], "--print") == 0;
    if (argc > 1 + print)
        n_cases = strtoull(argv[1 + print], NULL, 10);
    if (argc > 2 + print)
        first_seed = strtoull(argv[2 + print], NULL, 10);
    return print ? print_cases() : cmocka_run_group_tests(tests, NULL, NULL);
}

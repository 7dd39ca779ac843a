/* lint_context.c - lints about what exists when: `wrong-context`, `lookup-null`, `absence-test`. */
#include "rules-engine/lint_expr.h"

/* ---- wrong-context ---- */

static const char *why_it_fails(const struct lint_pass *pass, const struct ast_node *cause, unsigned methods)
{
    struct arena *arena = pass->issues->arena;
    const char *text = lint_one_line(arena, lint_source(pass->ruleset, cause->file, cause->span));
    const char *what = methods & METHOD_CREATE   ? "the document does not exist before, so 'resource' is null"
                       : methods & METHOD_DELETE ? "nothing is written, so 'request.resource' is null"
                                                 : "nothing is written, so 'request.resource' is undefined";
    return lint_text(pass, "%s, and '%s' an error", what, text);
}

static void look_at_methods(struct lint_pass *pass, const struct ast_allow *allow)
{
    for (unsigned bit = METHOD_GET, done = 0; bit <= METHOD_DELETE; bit *= 2) {
        const struct ast_node *cause = NULL;
        if (!(allow->methods & bit) || done & bit || lint_truth_of(pass, allow, bit, &cause) != LINT_FAILS ||
            !cause)
            continue;
        unsigned all = bit == METHOD_GET && allow->methods & METHOD_LIST ? METHOD_READ : bit;
        unsigned left = allow->methods & ~all;
        done |= all;
        struct arena *arena = pass->issues->arena;
        const char *name = lint_methods(arena, all);
        const char *fix =
            left ? lint_text(pass, "write 'allow %s' here and give %s a line of its own if it is meant",
                             lint_methods(arena, left), name)
                 : lint_text(pass, "ask for something that %s has", name);
        lint_add(pass, RULES_WARNING, allow->file, allow->span, fix,
                 lint_text(pass, "this never grants %s: %s", name, why_it_fails(pass, cause, all)));
        lint_relate(pass, cause->file, cause->span, "this fails");
    }
}

static void look_at_list(struct lint_pass *pass, const struct ast_allow *allow)
{
    const struct ast_node *unbound = NULL;
    if (lint_says_list(pass, allow))
        unbound = lint_unbound_in_list(pass, allow->match, (struct lint_expr){ allow->condition, NULL });
    if (!unbound)
        return;
    const char *name =
        lint_one_line(pass->issues->arena, lint_source(pass->ruleset, unbound->file, unbound->span));
    if (unbound->kind == AST_NAME)
        name = lint_text(pass, "{%s}", name);
    lint_add(pass, RULES_WARNING, allow->file, allow->span,
             "ask for a field of resource.data that the query filters by, or give list a line of its own",
             lint_text(pass,
                       "this grants list for no query but one by document id: %s has no value in others",
                       name));
    lint_relate(pass, unbound->file, unbound->span, "this fails in a query");
}

void lint_wrong_context(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        look_at_methods(pass, pass->ruleset->allows[i]);
        look_at_list(pass, pass->ruleset->allows[i]);
    }
}

/* ---- lookup-null ---- */

/* The other side of a comparison with null, NULL when it is none. */
static const struct ast_node *compared_with_null(const struct ast_node *node)
{
    if (node->kind != AST_EQ && node->kind != AST_NE)
        return NULL;
    return node->op.b->kind == AST_NULL ? node->op.a : node->op.a->kind == AST_NULL ? node->op.b : NULL;
}

static void look_at_lookup(void *data, struct lint_expr e)
{
    struct lint_pass *pass = data;
    const struct ast_node *side = compared_with_null(e.node);
    if (!side)
        return;
    const char *chain = lint_chain(pass->arena, (struct lint_expr){ side, e.frame });
    if (!chain || (strcmp(chain, "get()") != 0 && strcmp(chain, "getAfter()") != 0 &&
                   strcmp(chain, "get().data") != 0 && strcmp(chain, "getAfter().data") != 0))
        return;
    bool after = chain[3] == 'A';
    lint_add(pass, RULES_WARNING, e.node->file, e.node->span,
             after ? "ask existsAfter(path)" : "ask exists(path)",
             lint_text(pass, "%s of a missing document is an error, not null: this is %s or an error",
                       after ? "getAfter()" : "get()", e.node->kind == AST_EQ ? "false" : "true"));
}

void lint_lookup_null(struct lint_pass *pass)
{
    lint_each_node(pass, look_at_lookup, pass);
}

/* ---- absence-test ---- */

struct absence {
    struct lint_pass *pass;
    struct lint_expr whole; /* the condition */
    struct str name;
    bool guarded;
};

static void look_for_name(void *data, struct lint_expr e)
{
    struct absence *a = data;
    if (e.node->kind == AST_STRING && str_eq(e.node->text, a->name))
        a->guarded = true;
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The last name of a chain that may be absent; NULL for what is always there. */
static const char *optional_name(const char *chain)
{
    static const char *const always[] = { "sub", "aud",       "iss",      "iat",
                                          "exp", "auth_time", "firebase", "user_id" };
    static const char token[] = "request.auth.token.";
    if (starts(chain, token)) {
        for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
            if (strcmp(chain + sizeof token - 1, always[i]) == 0)
                return NULL;
        return strrchr(chain, '.') + 1;
    }
    return starts(chain, "resource.data.") || starts(chain, "request.resource.data.") ||
                   starts(chain, "get().data.")
               ? strrchr(chain, '.') + 1
               : NULL;
}

/* What is asked to be absent: the operand of `== null`, of `!`, of `?:`, of `!= constant` for a claim; the
 * list of `!(x in list)`. */
static const struct ast_node *asked_absent(const struct ast_node *node, bool *claims_only)
{
    const struct ast_node *side = node->kind == AST_EQ ? compared_with_null(node) : NULL;
    bool is_test = node->kind == AST_NOT || node->kind == AST_TERNARY;
    *claims_only = !side;
    if (is_test && node->op.a->kind == AST_IN) {
        *claims_only = false;
        side = node->op.a->op.b;
    } else if (is_test ||
               (node->kind == AST_NE && node->op.b->kind != AST_NULL && lint_is_constant(node->op.b))) {
        side = node->op.a;
    }
    return side;
}

/* What the error is taken for. */
static const char *expected_of(const struct ast_node *node)
{
    return node->kind == AST_TERNARY ? "the part behind ':'" : "true";
}

static const char *fix_of(struct lint_pass *pass, const struct ast_node *node, bool claim, const char *name)
{
    bool compared = node->kind == AST_EQ || node->kind == AST_NE;
    bool of_list = !compared && node->op.a->kind == AST_IN;
    const char *fallback = compared ? "null" : of_list ? "[]" : "false";
    if (claim)
        return lint_text(pass, "write request.auth.token.get('%s', %s)", name, fallback);
    if (of_list)
        return lint_text(pass, "write data.get('%s', [])", name);
    return lint_text(pass, "write data.get('%s', null), or !('%s' in data)", name, name);
}

static void look_at_absence(void *data, struct lint_expr e)
{
    struct absence *a = data;
    struct lint_pass *pass = a->pass;
    bool claims_only;
    const struct ast_node *side = asked_absent(e.node, &claims_only);
    if (!side)
        return;
    struct lint_expr r = lint_resolve(pass->arena, (struct lint_expr){ side, e.frame });
    const char *chain =
        r.node->kind == AST_MEMBER || r.node->kind == AST_INDEX ? lint_chain(pass->arena, r) : NULL;
    const char *name = chain ? optional_name(chain) : NULL;
    bool claim = chain && starts(chain, "request.auth.token.");
    if (!name || (claims_only && !claim))
        return;
    struct absence guard = { pass, a->whole, str_of(name), false };
    lint_walk(pass, a->whole, look_for_name, &guard);
    if (guard.guarded)
        return;
    name = lint_text(pass, "%s", name);
    lint_add(pass, RULES_WARNING, e.node->file, e.node->span, fix_of(pass, e.node, claim, name),
             lint_text(pass, "without %s '%s' this is an error, not %s", claim ? "a claim" : "a field", name,
                       expected_of(e.node)));
}

void lint_absence(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        struct absence a = { .pass = pass, .whole = { pass->ruleset->allows[i]->condition, NULL } };
        lint_walk(pass, a.whole, look_at_absence, &a);
    }
}

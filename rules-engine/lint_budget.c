/* lint_budget.c - the lint `budget`: conditions that may need more than a request has: 10 lookups of
 * different documents, 1000 expressions (functions count anew at every call). An upper bound: what || or ?:
 * leaves out is counted as well, so this says "may". And chains of operators that are near the depth at which
 * an expression is no more compiled: 100, of which production is reported to take 98. */
#include "rules-engine/lint_expr.h"

#include "core/limits.h"

enum { COUNTED = 64, NEAR_DEPTH = LIMIT_RULES_AST_DEPTH - 10 };

struct count {
    struct lint_pass *pass;
    unsigned expressions;
    const char *paths[COUNTED];
    size_t n_paths;
};

static const char *part_text(struct count *c, const struct ast_path_part *part,
                             const struct lint_frame *frame)
{
    if (part->kind != PART_EXPR)
        return arena_str(c->pass->arena, part->text).p;
    struct lint_expr r = lint_resolve(c->pass->arena, (struct lint_expr){ part->expr, frame });
    if (r.node->kind == AST_STRING)
        return arena_str(c->pass->arena, r.node->text).p;
    const char *chain = lint_chain(c->pass->arena, r);
    return chain ? chain : arena_printf(c->pass->arena, "$%p", (const void *)r.node);
}

/* The path as far as it is known: equal texts are the same document. */
static const char *path_text(struct count *c, struct lint_expr e)
{
    e = lint_resolve(c->pass->arena, e);
    if (e.node->kind != AST_PATH)
        return arena_printf(c->pass->arena, "$%p", (const void *)e.node);
    const char *text = "";
    for (uint32_t i = 0; i < e.node->path.n; i++)
        text = arena_printf(c->pass->arena, "%s/%s", text, part_text(c, &e.node->path.parts[i], e.frame));
    return text;
}

static void count_one(void *data, struct lint_expr e)
{
    struct count *c = data;
    /* What a parameter or let stands for may be evaluated once however often it is named. */
    c->expressions += c->pass->names_followed == 0;
    if (!lint_is_lookup(e.node) || c->n_paths == COUNTED)
        return;
    const char *text = path_text(c, (struct lint_expr){ e.node->call.args[0], e.frame });
    for (size_t i = 0; i < c->n_paths; i++)
        if (strcmp(c->paths[i], text) == 0)
            return;
    c->paths[c->n_paths++] = text;
}

struct chains {
    struct lint_pass *pass;
    const struct ast_node *rest; /* of the chain that was looked at last: its operands but the last */
};

/* a && b && c is (a && b) && c, and visited in that order. */
static void look_at_chain(void *data, struct lint_expr e)
{
    struct chains *chains = data;
    struct lint_pass *pass = chains->pass;
    const struct ast_node *node = e.node;
    unsigned operands = 1;
    if (node->kind != AST_AND && node->kind != AST_OR)
        return;
    bool is_rest = node == chains->rest;
    chains->rest = node->op.a;
    for (const struct ast_node *n = node; n->kind == node->kind; n = n->op.a)
        operands++;
    if (!is_rest && operands >= NEAR_DEPTH)
        lint_add(pass, RULES_WARNING, node->file, node->span,
                 "put parts of it into functions: what they return counts from one again",
                 lint_text(pass,
                           "a chain of %u operands: with %d Firebase refuses the rules as too complex, in "
                           "production perhaps with %d",
                           operands, LIMIT_RULES_AST_DEPTH, LIMIT_RULES_AST_DEPTH - 1));
}

void lint_budget(struct lint_pass *pass)
{
    struct chains chains = { pass, NULL };
    lint_each_node(pass, look_at_chain, &chains);
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        struct count c = { .pass = pass };
        lint_walk(pass, (struct lint_expr){ allow->condition, NULL }, count_one, &c);
        if (c.n_paths > LIMIT_RULES_LOOKUPS)
            lint_add(pass, RULES_WARNING, allow->file, allow->span,
                     "keep in one document what is decided by, or ask in fewer steps",
                     lint_text(pass,
                               "this may look up %zu documents; a request has %d lookups, then it is refused",
                               c.n_paths, LIMIT_RULES_LOOKUPS));
        if (c.expressions > LIMIT_RULES_EXPRESSIONS)
            lint_add(pass, RULES_WARNING, allow->file, allow->span,
                     "split the allow by method, and functions by need",
                     lint_text(pass, "this may come to more than %d expressions, where a request is refused",
                               LIMIT_RULES_EXPRESSIONS));
    }
}

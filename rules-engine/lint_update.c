/* lint_update.c - the lint `unpinned-update`: updates that may change what identifies a document.
 *
 * Who may update a document because its 'owner' is oneself may write another owner, unless the condition
 * looks at the new value or lists what may change. The same holds of the time of creation: where create asks
 * for `createdAt == request.time` and update for nothing of the kind, the first update may make it any time.
 */
#include "rules-engine/lint_expr.h"

struct update {
    struct lint_pass *pass;
    const struct ast_allow *allow;
    struct lint_expr whole;
    const char *field; /* found */
    bool lists_changes;
};

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

static void look_for_changes(void *data, struct lint_expr e)
{
    struct update *u = data;
    u->lists_changes |= lint_is_method(e.node, "affectedKeys") || lint_is_method(e.node, "changedKeys");
}

/* The field F of `PREFIX.F == CHAIN`, either way round; NULL when it is something else. */
static const char *field_equal_to(struct lint_pass *pass, struct lint_expr e, const char *prefix,
                                  const char *chain)
{
    const char *field = NULL;
    if (e.node->kind != AST_EQ)
        return NULL;
    const struct ast_node *sides[2] = { e.node->op.a, e.node->op.b };
    for (int i = 0; i < 2 && !field; i++)
        if (lint_is_chain(pass->arena, sub(e, sides[i]), chain))
            field = lint_field(pass->arena, sub(e, sides[1 - i]), prefix);
    return field;
}

static bool looks_at_new(struct update *u, const char *field)
{
    return u->lists_changes ||
           lint_mentions(u->pass, u->whole, arena_printf(u->pass->arena, "request.resource.data.%s", field));
}

/* ---- the owner ---- */

static void look_for_owner(void *data, struct lint_expr e)
{
    struct update *u = data;
    u->field = u->field ? u->field : field_equal_to(u->pass, e, "resource.data.", "request.auth.uid");
}

static void look_at_owner(struct update *u)
{
    struct lint_pass *pass = u->pass;
    lint_conjuncts(pass, u->whole, look_for_owner, u);
    if (!u->field || looks_at_new(u, u->field))
        return;
    lint_add(
        pass, RULES_WARNING, u->allow->file, u->allow->span,
        lint_text(pass,
                  "add '&& request.resource.data.%s == resource.data.%s', or a list for "
                  "diff().affectedKeys().hasOnly()",
                  u->field, u->field),
        lint_text(pass,
                  "an owner may write another user's id into '%s' with an update: nothing looks at the new "
                  "value",
                  u->field));
}

/* ---- the time of creation ---- */

static void look_for_created(void *data, struct lint_expr e)
{
    struct update *u = data;
    const char *field = field_equal_to(u->pass, e, "request.resource.data.", "request.time");
    if (!field || looks_at_new(u, field))
        return;
    lint_add(u->pass, RULES_WARNING, u->allow->file, u->allow->span,
             lint_text(u->pass, "add '&& request.resource.data.%s == resource.data.%s'", field, field),
             lint_text(u->pass,
                       "line %u holds '%s' to request.time when it is created; this update may make it "
                       "any time",
                       lint_line(u->pass->ruleset, e.node->file, e.node->span), field));
    lint_relate(u->pass, e.node->file, e.node->span, "this is void after an update");
}

static void look_at_created(struct update *u)
{
    for (const struct ast_allow *create = u->allow->match->allows; create && lint_goes_on(u->pass);
         create = create->next)
        if (create != u->allow && create->methods & METHOD_CREATE)
            lint_conjuncts(u->pass, (struct lint_expr){ create->condition, NULL }, look_for_created, u);
}

void lint_unpinned_update(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        struct update u = { .pass = pass, .allow = pass->ruleset->allows[i] };
        u.whole = (struct lint_expr){ u.allow->condition, NULL };
        if (!(u.allow->methods & METHOD_UPDATE) ||
            lint_truth_of(pass, u.allow, METHOD_UPDATE, NULL) != LINT_UNKNOWN)
            continue;
        lint_walk(pass, u.whole, look_for_changes, &u);
        look_at_owner(&u);
        look_at_created(&u);
    }
}

/* lint_role_read.c - what conditions take for a role: see lint_role.h.
 *
 * A role is a field of the user's own document that is compared with constants, or is true itself; or that
 * the document exists, in a collection whose name says that to be in it is a privilege. What is compared with
 * data is none. */
#include "rules-engine/lint_role.h"

#include <strings.h>

struct reads {
    struct lint_pass *pass;
    const struct ast_allow *allow;
    role_visit *visit;
    void *data;
};

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

/* ---- what is read ---- */

/* "roles[...]" where the name of a member is computed: its object, with that in *suffix. */
static bool is_computed_member(struct lint_expr *e, const char **suffix, struct lint_pass *pass)
{
    const struct ast_node *node = e->node;
    bool get = lint_is_method(node, "get") && node->call.n == 2;
    if (node->kind != AST_INDEX && !get)
        return false;
    *suffix = lint_text(pass, "[...]%s", *suffix);
    *e = sub(*e, get ? node->call.object : node->index.object);
    return true;
}

/* "roles" of "get().data.roles.admin" or get().data.roles[x]; NULL when it is no field. *shown: as read. */
static const char *field_read(struct lint_pass *pass, struct lint_expr e, const char **shown)
{
    static const char *const prefixes[] = { "get().data.", "getAfter().data." };
    const char *suffix = "", *chain;
    do {
        e = lint_resolve(pass->arena, e);
        chain = lint_chain(pass->arena, e);
    } while (!chain && is_computed_member(&e, &suffix, pass));
    for (int i = 0; chain && i < 2; i++) {
        size_t n = strlen(prefixes[i]);
        if (strncmp(chain, prefixes[i], n) != 0 || !chain[n])
            continue;
        char *field = lint_text(pass, "%s", chain + n);
        *shown = lint_text(pass, "%s%s", field, suffix);
        field[strcspn(field, ".")] = '\0';
        return field;
    }
    return NULL;
}

/* Whether to be in a collection of that name is a privilege. That a user has a profile is none. */
static bool names_a_privilege(struct str collection)
{
    static const char *const words[] = { "admin",    "staff",      "moderator", "manager",   "editor",
                                         "operator", "owner",      "employee",  "whitelist", "allowed",
                                         "trusted",  "privileged", "super" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (size_t at = 0; at + strlen(words[i]) <= collection.n; at++)
            if (strncasecmp(collection.p + at, words[i], strlen(words[i])) == 0)
                return true;
    return false;
}

/* What makes the read decide for the user. */
struct wanted {
    const struct ast_node *constant; /* NULL: true */
    bool in_list;                    /* to be in the field, which is a list or map */
};

static const char *value_text(struct lint_pass *pass, struct wanted wanted)
{
    if (!wanted.constant)
        return "true";
    const char *text = lint_one_line(
        pass->issues->arena, lint_source(pass->ruleset, wanted.constant->file, wanted.constant->span));
    return wanted.in_list ? lint_text(pass, "[%s]", text) : text;
}

static void note_role(struct reads *s, struct lint_expr subject, const struct ast_node *at,
                      struct wanted wanted)
{
    struct lint_pass *pass = s->pass;
    struct role role = { .at = at, .used_by = s->allow };
    struct lint_expr lookup = lint_lookup_of(pass->arena, subject);
    if (!lookup.node)
        return;
    bool existence = lint_is_chain(pass->arena, subject, "exists()");
    role.field = field_read(pass, subject, &role.shown);
    if ((!existence && !role.field) ||
        !role_own_path(pass, sub(lookup, lookup.node->call.args[0]), &role.match))
        return;
    if (existence && !names_a_privilege(role.match.full[role.match.n_full - 2].text))
        return;
    role.value = value_text(pass, wanted);
    role.constant = wanted.in_list ? NULL : wanted.constant;
    s->visit(s->data, &role);
}

static bool is_value(const struct ast_node *node)
{
    return lint_is_constant(node) && node->kind != AST_NULL;
}

/* `subject in list`, `subject.hasAny(list)`: the first of the list is enough. */
static void note_one_of(struct reads *s, struct lint_expr subject, struct lint_expr list,
                        const struct ast_node *at)
{
    list = lint_resolve(s->pass->arena, list);
    if (list.node->kind != AST_LIST || list.node->list.n == 0)
        return;
    const struct ast_node *first = lint_resolve(s->pass->arena, sub(list, list.node->list.items[0])).node;
    if (is_value(first))
        note_role(s, subject, at, (struct wanted){ first, false });
}

/* Either side may be the read. */
static void look_at_equality(struct reads *s, struct lint_expr e)
{
    struct lint_expr a = lint_resolve(s->pass->arena, sub(e, e.node->op.a));
    struct lint_expr b = lint_resolve(s->pass->arena, sub(e, e.node->op.b));
    if (is_value(b.node))
        note_role(s, a, e.node, (struct wanted){ b.node, false });
    else if (is_value(a.node))
        note_role(s, b, e.node, (struct wanted){ a.node, false });
}

static void look_at_use(struct reads *s, struct lint_expr e)
{
    const struct ast_node *node = e.node;
    if (node->kind == AST_EQ) {
        look_at_equality(s, e);
    } else if (node->kind == AST_IN) {
        const struct ast_node *left = lint_resolve(s->pass->arena, sub(e, node->op.a)).node;
        note_one_of(s, sub(e, node->op.a), sub(e, node->op.b), node);
        if (lint_is_constant(left))
            note_role(s, sub(e, node->op.b), node, (struct wanted){ left, true });
    } else if ((lint_is_method(node, "hasAny") || lint_is_method(node, "hasAll")) && node->call.n == 1) {
        note_one_of(s, sub(e, node->call.object), sub(e, node->call.args[0]), node);
    } else if (node->kind == AST_MEMBER || lint_is_lookup(node) || lint_is_method(node, "get") ||
               node->kind == AST_INDEX) {
        note_role(s, e, node, (struct wanted){ NULL, false });
    }
}

static void look_at_condition(void *data, struct lint_expr e)
{
    struct reads *s = data;
    if (e.node->kind == AST_OR || e.node->kind == AST_AND) {
        lint_conjuncts(s->pass, sub(e, e.node->op.a), look_at_condition, s);
        lint_conjuncts(s->pass, sub(e, e.node->op.b), look_at_condition, s);
    } else if (e.node->kind == AST_TERNARY) {
        for (int i = 0; i < 3; i++)
            lint_conjuncts(s->pass,
                           sub(e, i == 0   ? e.node->op.a
                                  : i == 1 ? e.node->op.b
                                           : e.node->op.c),
                           look_at_condition, s);
    } else {
        look_at_use(s, e);
    }
}

void role_each_read(struct lint_pass *pass, role_visit *visit, void *data)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        struct reads s = { pass, pass->ruleset->allows[i], visit, data };
        lint_conjuncts(pass, (struct lint_expr){ s.allow->condition, NULL }, look_at_condition, &s);
    }
}

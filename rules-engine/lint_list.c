/* lint_list.c - the lint `list-fields`, and what has no value in a query.
 *
 * Rules do not filter: a query is allowed or refused before a document is looked at. `resource.data` has then
 * only the fields that the query filters by. So `!('draft' in resource.data)` and `resource.data.get('draft',
 * false) == false` are true of every query that does not filter by 'draft', which gets the drafts as well
 * (observed on Google's emulator 1.19.9); and `resource.data.title.size() < 80` can hold only for a query for
 * one title. */
#include "rules-engine/lint_expr.h"

#include "core/limits.h"

#include <strings.h>

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

/* ---- what has no value in a query ---- */

struct unbound {
    struct lint_pass *pass;
    const struct ast_match *match;
    const struct ast_node *found;
};

static bool is_last_wildcard(const struct ast_match *match, const struct ast_node *node)
{
    return node->kind == AST_NAME && node->name.scope == SCOPE_WILDCARD && match->n_wildcards > 0 &&
           match->full[match->n_full - 1].kind == PART_BINDING && node->name.slot == match->n_wildcards - 1;
}

static void look_for_unbound(void *data, struct lint_expr e)
{
    struct unbound *u = data;
    bool of_resource = e.node->kind == AST_MEMBER && (lint_is_chain(u->pass->arena, e, "resource.id") ||
                                                      lint_is_chain(u->pass->arena, e, "resource.__name__"));
    if (!u->found && (of_resource || is_last_wildcard(u->match, e.node)))
        u->found = e.node;
}

/* What stands beside another condition may not be needed. */
static void look_at_needed(void *data, struct lint_expr e)
{
    struct unbound *u = data;
    if (e.node->kind != AST_OR && e.node->kind != AST_TERNARY && e.node->kind != AST_NOT)
        lint_walk(u->pass, e, look_for_unbound, u);
}

const struct ast_node *lint_unbound_in_list(struct lint_pass *pass, const struct ast_match *match,
                                            struct lint_expr e)
{
    struct unbound u = { pass, match, NULL };
    if (e.node)
        lint_conjuncts(pass, e, look_at_needed, &u);
    return u.found;
}

bool lint_says_list(const struct lint_pass *pass, const struct ast_allow *allow)
{
    for (uint32_t i = 0; i < allow->n_methods; i++) {
        struct str name = lint_source(pass->ruleset, allow->file, allow->method_spans[i]);
        if (name.n == strlen("list") && strncasecmp(name.p, "list", name.n) == 0)
            return true;
    }
    return false;
}

/* ---- what is true of a field that the query leaves open ---- */

struct look {
    struct lint_pass *pass;
    const struct ast_allow *allow;
    unsigned steps;
};

static bool is_data(struct look *l, struct lint_expr e)
{
    return lint_is_chain(l->pass->arena, e, "resource.data");
}

/* The default of resource.data.get('f', default), and the 'f'; NULL for anything else. */
static const struct ast_node *default_of(struct look *l, struct lint_expr e, struct str *field)
{
    e = lint_resolve(l->pass->arena, e);
    if (!lint_is_method(e.node, "get") || e.node->call.n != 2 || !is_data(l, sub(e, e.node->call.object)))
        return NULL;
    const struct ast_node *key = lint_resolve(l->pass->arena, sub(e, e.node->call.args[0])).node;
    const struct ast_node *value = lint_resolve(l->pass->arena, sub(e, e.node->call.args[1])).node;
    *field = key->kind == AST_STRING ? key->text : STR("");
    return field->n && lint_is_constant(value) ? value : NULL;
}

static bool is_in_list(struct look *l, const struct ast_node *value, struct lint_expr list)
{
    list = lint_resolve(l->pass->arena, list);
    for (uint32_t i = 0; list.node->kind == AST_LIST && i < list.node->list.n; i++)
        if (lint_same_constant(value, lint_resolve(l->pass->arena, sub(list, list.node->list.items[i])).node))
            return true;
    return false;
}

/* resource.data.keys().NAME([...]): the first of the list. */
static bool asks_keys(struct look *l, struct lint_expr e, const char *name, struct str *field)
{
    struct str names[1];
    size_t n;
    if (!lint_is_method(e.node, name) || e.node->call.n != 1)
        return false;
    struct lint_expr keys = lint_resolve(l->pass->arena, sub(e, e.node->call.object));
    if (!lint_is_method(keys.node, "keys") || !is_data(l, sub(keys, keys.node->call.object)))
        return false;
    lint_strings(l->pass->arena, sub(e, e.node->call.args[0]), names, 1, &n);
    *field = n ? names[0] : STR("");
    return n > 0;
}

static bool is_open_bool(struct look *l, struct lint_expr e, bool wanted, struct str *field)
{
    const struct ast_node *value = default_of(l, e, field);
    return value && value->kind == AST_BOOL && value->boolean == wanted;
}

static bool is_open_negation(struct look *l, struct lint_expr e, struct str *field)
{
    e = lint_resolve(l->pass->arena, e);
    if (e.node->kind == AST_IN && is_data(l, sub(e, e.node->op.b))) {
        const struct ast_node *key = lint_resolve(l->pass->arena, sub(e, e.node->op.a)).node;
        *field = key->kind == AST_STRING ? key->text : STR("");
        return field->n > 0;
    }
    return is_open_bool(l, e, false, field) || asks_keys(l, e, "hasAny", field) ||
           asks_keys(l, e, "hasAll", field);
}

/* Whether it is true when no field is filtered by; *field is one that it is about. */
static bool is_open(struct look *l, struct lint_expr e, struct str *field)
{
    const struct ast_node *node = e.node, *value;
    if (node->kind == AST_NOT)
        return is_open_negation(l, sub(e, node->op.a), field);
    if (node->kind == AST_EQ || node->kind == AST_NE) {
        value = default_of(l, sub(e, node->op.a), field);
        const struct ast_node *other = lint_resolve(l->pass->arena, sub(e, node->op.b)).node;
        return value && lint_is_constant(other) && lint_same_constant(value, other) == (node->kind == AST_EQ);
    }
    if (node->kind == AST_IN) {
        value = default_of(l, sub(e, node->op.a), field);
        return value && is_in_list(l, value, sub(e, node->op.b));
    }
    return is_open_bool(l, e, true, field) || asks_keys(l, e, "hasOnly", field);
}

static void tell_open(struct look *l, const struct ast_node *at, struct str field)
{
    struct lint_pass *pass = l->pass;
    lint_add(pass, RULES_WARNING, at->file, at->span,
             lint_text(pass,
                       "let list ask for resource.data." STR_FMT " itself: queries must then filter by it",
                       STR_ARG(field)),
             lint_text(pass,
                       "a query sees no field that it does not filter by, so this holds whatever '" STR_FMT
                       "' is: 'list %s' without a filter gets every document",
                       STR_ARG(field), lint_pattern(pass->issues->arena, l->allow->match)));
    lint_relate(pass, l->allow->file, l->allow->span, "this allow grants list");
}

static void look_at_open(struct look *l, struct lint_expr e, enum ast_kind above);

static void look_at_operands(struct look *l, struct lint_expr e)
{
    const struct ast_node *node = e.node;
    if (node->kind != AST_TERNARY)
        look_at_open(l, sub(e, node->op.a), node->kind);
    look_at_open(l, sub(e, node->op.b), node->kind);
    if (node->kind == AST_TERNARY)
        look_at_open(l, sub(e, node->op.c), node->kind);
}

/* Where being true helps the allow. `above`: the kind of what it is an operand of. */
static void look_at_open(struct look *l, struct lint_expr e, enum ast_kind above)
{
    struct str field;
    if (l->steps == 0 || !lint_goes_on(l->pass))
        return;
    l->steps--;
    e = lint_resolve(l->pass->arena, e);
    /* What a chain of && needs is asked of the whole chain at once. */
    if (above != AST_AND && lint_unbound_in_list(l->pass, l->allow->match, e))
        return;
    if (e.node->kind == AST_AND || e.node->kind == AST_OR || e.node->kind == AST_TERNARY)
        look_at_operands(l, e);
    else if (is_open(l, e, &field))
        tell_open(l, e.node, field);
}

/* ---- what only a query for one value can meet ---- */

/* Methods of a field that a filter other than == lets decide: array-contains, and a default. */
static bool is_provable(struct str name)
{
    return str_eq_z(name, "hasAny") || str_eq_z(name, "hasAll") || str_eq_z(name, "get");
}

static void look_at_closed(void *data, struct lint_expr e)
{
    struct look *l = data;
    struct lint_pass *pass = l->pass;
    const struct ast_node *node = e.node, *subject = NULL;
    if (node->kind >= AST_EQ && node->kind <= AST_GE)
        node = lint_resolve(pass->arena, sub(e, node->op.a)).node;
    if (node->kind == AST_IS)
        subject = node->is.a;
    else if (node->kind == AST_METHOD && node->call.object && !is_provable(node->call.name))
        subject = node->call.object;
    const char *field = subject ? lint_field(pass->arena, sub(e, subject), "resource.data.") : NULL;
    if (!field)
        return;
    field = lint_text(pass, "%s", field);
    lint_add(
        pass, RULES_WARNING, node->file, node->span,
        "ask of single documents with get; let list ask what queries filter by",
        lint_text(pass,
                  "this grants list to no query but one for a single value of '%s' (%s == ...): others leave "
                  "it open, and this is an error",
                  field, field));
    lint_relate(pass, l->allow->file, l->allow->span, "this allow grants list");
}

void lint_list_fields(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        struct lint_expr whole = { allow->condition, NULL };
        struct look look = { pass, allow, LIMIT_RULES_EXPRESSIONS };
        if (!(allow->methods & METHOD_LIST) || lint_truth_of(pass, allow, METHOD_LIST, NULL) != LINT_UNKNOWN)
            continue;
        look_at_open(&look, whole, AST_OR);
        if (lint_says_list(pass, allow))
            lint_conjuncts(pass, whole, look_at_closed, &look);
    }
}

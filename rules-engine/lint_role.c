/* lint_role.c - the lint `own-role`: a role read from a document that its user can write.
 *
 * `get(/databases/$(database)/documents/users/$(request.auth.uid)).data.role == 'admin'` is worth as much as
 * the rules of /users. For each such read this looks for an allow of create or update that lets a user write
 * that field of the own document. An allow does when one way to make it true asks nothing that stands against
 * it. These stand against it: a lookup, a claim or a certain e-mail address (somebody else decides), a
 * constant false, a condition that names the field and does not ask for what is wanted, a list of keys
 * without it, another collection. Everything else about user and data a user can meet.
 */
#include "rules-engine/lint_role.h"
#include "rules-engine/lint_expr.h"
#include "rules-engine/pattern.h"

enum { NAMES = 128, SATISFY_STEPS = 4000 };

struct search {
    struct lint_pass *pass;
    const struct ast_allow *allow; /* that may write */
    const struct role *role;
    unsigned steps;
    struct told **told; /* by allow */
};

/* A field told of an allow: to let it be written is one finding, however many read it. */
struct told {
    const char *field; /* "" for the document's existence */
    const struct told *next;
};

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

/* ---- can a user meet it ---- */

struct naming {
    struct lint_pass *pass;
    const char *field;
    bool named, looked_up, claimed, mailed, compared;
};

static void look_for_naming(void *data, struct lint_expr e)
{
    struct naming *n = data;
    if (lint_is_lookup(e.node))
        n->looked_up = true;
    if (e.node->kind == AST_STRING && n->field && str_eq_z(e.node->text, n->field))
        n->named = true;
    if (e.node->kind != AST_MEMBER)
        return;
    const char *chain = lint_chain(n->pass->arena, e);
    bool token = chain && strncmp(chain, "request.auth.token.", 19) == 0;
    bool mail = token && strcmp(chain + 19, "email") == 0;
    n->mailed |= mail;
    n->claimed |= token && !mail && strcmp(chain + 19, "email_verified") != 0;
    n->compared |= chain && strncmp(chain, "request.resource.data", 21) == 0;
    n->named |= n->field && str_eq_z(e.node->member.name, n->field);
}

/* hasOnly over the keys of the new document or of what changes: true keeps the field out when it is not
 * named. */
static bool lists_keys(const struct ast_node *node)
{
    if (!lint_is_method(node, "hasOnly"))
        return node->kind == AST_EQ &&
               (lint_is_method(node->op.a, "keys") || lint_is_method(node->op.a, "affectedKeys"));
    return true;
}

/* What the wildcard stands for in the role's path; empty when that is not known. */
static struct str value_of_wildcard(const struct search *s, struct lint_expr e)
{
    const struct ast_match *match = s->allow->match;
    e = lint_resolve(s->pass->arena, e);
    uint32_t slot = 0;
    if (e.node->kind != AST_NAME || e.node->name.scope != SCOPE_WILDCARD)
        return STR("");
    for (uint32_t i = 0; i < match->n_full && i < s->role->match.n_full; i++) {
        if (match->full[i].kind == PART_GLOB)
            break;
        if (match->full[i].kind == PART_BINDING && slot++ == e.node->name.slot)
            return s->role->match.full[i].kind == PART_LITERAL ? s->role->match.full[i].text : STR("");
    }
    return STR("");
}

/* `collection in ['a', 'b']`, `collection == 'a'` of a wildcard that is neither in the role's path. */
static bool contradicts_path(const struct search *s, struct lint_expr e)
{
    struct str names[NAMES], value;
    size_t n = 0;
    if (e.node->kind != AST_EQ && e.node->kind != AST_IN)
        return false;
    value = value_of_wildcard(s, sub(e, e.node->op.a));
    struct lint_expr right = lint_resolve(s->pass->arena, sub(e, e.node->op.b));
    if (value.n == 0)
        return false;
    if (e.node->kind == AST_EQ)
        return right.node->kind == AST_STRING && !str_eq(right.node->text, value);
    if (!lint_strings(s->pass->arena, right, names, NAMES, &n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i], value))
            return false;
    return true;
}

/* ---- conditions that name the field and can be met ---- */

static bool is_new_field(struct search *s, struct lint_expr e)
{
    const char *field = lint_field(s->pass->arena, e, "request.resource.data.");
    return field && strcmp(field, s->role->field) == 0;
}

static bool is_wanted(struct search *s, struct lint_expr value)
{
    const struct ast_node *node = lint_resolve(s->pass->arena, value).node;
    return s->role->constant ? lint_same_constant(node, s->role->constant)
                             : node->kind == AST_BOOL && node->boolean;
}

static bool holds_wanted(struct search *s, struct lint_expr list)
{
    list = lint_resolve(s->pass->arena, list);
    for (uint32_t i = 0; list.node->kind == AST_LIST && i < list.node->list.n; i++)
        if (is_wanted(s, sub(list, list.node->list.items[i])))
            return true;
    return false;
}

/* keys().hasAll(list), keys().hasOnly(list) or affectedKeys().hasOnly(list) with the field in the list. */
static bool lists_field(struct search *s, struct lint_expr e)
{
    struct str names[NAMES];
    size_t n;
    if (!(lint_is_method(e.node, "hasOnly") || lint_is_method(e.node, "hasAll")) || e.node->call.n != 1)
        return false;
    lint_strings(s->pass->arena, sub(e, e.node->call.args[0]), names, NAMES, &n);
    for (size_t i = 0; i < n; i++)
        if (str_eq_z(names[i], s->role->field))
            return true;
    return false;
}

/* `role in ['admin', 'user']`, `role is string`, a list of keys with 'role' in it. */
static bool asks_for_what_is_wanted(struct search *s, struct lint_expr e)
{
    const struct ast_node *node = e.node;
    if (!s->role->field)
        return false;
    switch (node->kind) {
    case AST_IN:
        return is_new_field(s, sub(e, node->op.a)) && holds_wanted(s, sub(e, node->op.b));
    case AST_EQ:
        return (is_new_field(s, sub(e, node->op.a)) && is_wanted(s, sub(e, node->op.b))) ||
               (is_new_field(s, sub(e, node->op.b)) && is_wanted(s, sub(e, node->op.a)));
    case AST_IS:
        return is_new_field(s, sub(e, node->is.a));
    default:
        return lists_field(s, e);
    }
}

static bool leaf_can_be_met(struct search *s, struct lint_expr e)
{
    struct naming n = { .pass = s->pass, .field = s->role->field };
    if (e.node->kind == AST_BOOL)
        return e.node->boolean;
    if (asks_for_what_is_wanted(s, e))
        return true;
    lint_walk(s->pass, e, look_for_naming, &n);
    if (n.mailed && !n.compared) /* certain people; the address in one's own document is met by everyone */
        return false;
    return !contradicts_path(s, e) && !n.named && !n.looked_up && !n.claimed &&
           (!lists_keys(e.node) || !s->role->field);
}

static bool can_be_met(struct search *s, struct lint_expr e)
{
    if (s->steps == 0)
        return false;
    s->steps--;
    e = lint_resolve(s->pass->arena, e);
    if (e.node->kind == AST_AND)
        return can_be_met(s, sub(e, e.node->op.a)) && can_be_met(s, sub(e, e.node->op.b));
    if (e.node->kind == AST_OR)
        return can_be_met(s, sub(e, e.node->op.a)) || can_be_met(s, sub(e, e.node->op.b));
    return leaf_can_be_met(s, e);
}

static bool lets_write(struct search *s, unsigned method)
{
    enum lint_truth truth =
        s->allow->methods & method ? lint_truth_of(s->pass, s->allow, method, NULL) : LINT_NEVER;
    if (truth == LINT_ALWAYS || truth == LINT_NEVER || truth == LINT_FAILS)
        return truth == LINT_ALWAYS;
    s->steps = SATISFY_STEPS;
    return can_be_met(s, (struct lint_expr){ s->allow->condition, NULL });
}

static void report(struct search *s, unsigned methods)
{
    struct lint_pass *pass = s->pass;
    const struct ast_allow *allow = s->allow;
    const struct role *role = s->role;
    const char *path = lint_pattern(pass->issues->arena, &role->match);
    uint32_t line = lint_line(pass->ruleset, allow->file, allow->span);
    uint32_t read = lint_line(pass->ruleset, role->at->file, role->at->span);
    const char *method = methods & METHOD_UPDATE ? "update" : "create";
    const char *message =
        role->field
            ? lint_text(pass,
                        "line %u lets users write '%s' of their own document, and line %u takes it for a "
                        "role: '%s %s' "
                        "with %s: %s gets through",
                        line, role->field, read, method, path, role->shown, role->value ? role->value : "...")
            : lint_text(pass,
                        "line %u lets users create their own document, and line %u takes its existence for a "
                        "role: 'create %s' gets through",
                        line, read, path);
    const char *note = role->field ? lint_text(pass,
                                               "keep '%s' in a collection that users cannot write, or a "
                                               "custom claim; or add here that it does "
                                               "not change",
                                               role->field)
                                   : "let only a server, or who has the role already, create it";
    lint_add(pass, RULES_ERROR, allow->file, allow->span, note, message);
    lint_relate(pass, role->at->file, role->at->span, "this takes it for a role");
}

/* Whether it was told of the allow already; it is from now on. */
static bool is_told(struct search *s, uint32_t allow, const char *field)
{
    for (const struct told *t = s->told[allow]; t; t = t->next)
        if (strcmp(t->field, field) == 0)
            return true;
    struct told *t = ARENA_NEW(s->pass->arena, struct told);
    *t = (struct told){ field, s->told[allow] };
    s->told[allow] = t;
    return false;
}

static void look_for_writers(void *data, const struct role *role)
{
    struct search *s = data;
    s->role = role;
    int version = s->pass->ruleset->units[s->role->used_by->file].version;
    for (uint32_t i = 0; i < s->pass->ruleset->n_allows && lint_goes_on(s->pass); i++) {
        unsigned methods = 0;
        s->allow = s->pass->ruleset->allows[i];
        if (s->allow->match->never_matches || !(s->allow->methods & METHOD_WRITE) ||
            !pattern_intersects(s->allow->match, &s->role->match, version))
            continue;
        methods |= lets_write(s, METHOD_CREATE) ? METHOD_CREATE : 0;
        methods |= s->role->field && lets_write(s, METHOD_UPDATE) ? METHOD_UPDATE : 0;
        if (methods && !is_told(s, i, s->role->field ? s->role->field : ""))
            report(s, methods);
    }
}

void lint_own_role(struct lint_pass *pass)
{
    struct search s = { .pass = pass,
                        .told = ARENA_ARRAY(pass->arena, struct told *, pass->ruleset->n_allows) };
    role_each_read(pass, look_for_writers, &s);
}

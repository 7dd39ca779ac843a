/* lint_role.c - the lint `own-role`: a role read from a document that its user can write.
 *
 * `get(/databases/$(database)/documents/users/$(request.auth.uid)).data.role == 'admin'` is worth as much as
 * the rules of /users. For each such read this looks for an allow of create or update that lets a user write
 * that field of the own document. An allow does when one way to make it true asks nothing that stands against
 * it. These stand against it: a lookup, a claim or a certain e-mail address (somebody else decides), a
 * constant false, a condition that names the field in any way, a list of keys without it, another collection.
 * Everything else about user and data a user can meet.
 */
#include "rules-engine/lint_expr.h"
#include "rules-engine/pattern.h"

#include <strings.h>

enum { NAMES = 128, SATISFY_STEPS = 4000 };

/* A read that decides: `field` of the user's own document in the collection that `match` stands for; field
 * NULL when the document's existence decides. */
struct role {
    const struct ast_node *at;
    const char *field;
    const char *value;      /* what makes it true, as a user would write it; NULL for unknown */
    struct ast_match match; /* /databases/{}/documents/users/{uid} */
    const struct ast_allow *used_by;
};

struct search {
    struct lint_pass *pass;
    const struct ast_allow *allow; /* reads or writes, as the search goes on */
    struct role *role;
    unsigned steps;
    const char **told; /* by allow: fields told of it, "/role//status/"; a write is one finding, however many
                          read it */
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

static bool leaf_can_be_met(struct search *s, struct lint_expr e)
{
    struct naming n = { .pass = s->pass, .field = s->role->field };
    if (e.node->kind == AST_BOOL)
        return e.node->boolean;
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
                        line, role->field, read, method, path, role->field, role->value ? role->value : "...")
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

static void look_for_writers(struct search *s)
{
    int version = s->pass->ruleset->units[s->role->used_by->file].version;
    for (uint32_t i = 0; i < s->pass->ruleset->n_allows; i++) {
        unsigned methods = 0;
        s->allow = s->pass->ruleset->allows[i];
        if (s->allow->match->v1_never_matches || !(s->allow->methods & METHOD_WRITE) ||
            !pattern_intersects(s->allow->match, &s->role->match, version))
            continue;
        methods |= lets_write(s, METHOD_CREATE) ? METHOD_CREATE : 0;
        methods |= s->role->field && lets_write(s, METHOD_UPDATE) ? METHOD_UPDATE : 0;
        const char *key = arena_printf(s->pass->arena, "/%s/", s->role->field ? s->role->field : "");
        if (!methods || (s->told[i] && strstr(s->told[i], key)))
            continue;
        s->told[i] = arena_printf(s->pass->arena, "%s%s", s->told[i] ? s->told[i] : "", key);
        report(s, methods);
    }
}

/* ---- what is taken for a role ---- */

/* The match of /databases/$(d)/documents/users/$(request.auth.uid); false when the path is another. */
static bool own_document(struct lint_pass *pass, struct lint_expr lookup, struct ast_match *out)
{
    struct lint_expr path = lint_resolve(pass->arena, sub(lookup, lookup.node->call.args[0]));
    if (path.node->kind != AST_PATH || path.node->path.n < 5 || path.node->path.n % 2 == 0)
        return false;
    uint32_t n = path.node->path.n;
    struct ast_path_part *parts = ARENA_ARRAY(pass->issues->arena, struct ast_path_part, n);
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = path.node->path.parts[i];
        if (parts[i].kind == PART_EXPR)
            parts[i] =
                (struct ast_path_part){ .kind = PART_BINDING, .text = i == n - 1 ? STR("uid") : STR("id") };
    }
    parts[1] = (struct ast_path_part){ .kind = PART_BINDING, .text = STR("database") };
    const struct ast_node *last = path.node->path.parts[n - 1].expr;
    *out = (struct ast_match){ .full = parts, .n_full = n };
    return last && lint_is_chain(pass->arena, sub(path, last), "request.auth.uid");
}

/* "get().data.role" to "role". */
static const char *field_of_chain(const char *chain)
{
    static const char *const prefixes[] = { "get().data.", "getAfter().data." };
    for (int i = 0; i < 2; i++)
        if (chain && strncmp(chain, prefixes[i], strlen(prefixes[i])) == 0) {
            const char *field = chain + strlen(prefixes[i]);
            return strchr(field, '.') || !*field ? NULL : field;
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

static void note_role(struct search *s, struct lint_expr subject, const struct ast_node *at,
                      const char *value)
{
    struct lint_pass *pass = s->pass;
    struct role role = { .at = at, .value = value, .used_by = s->allow };
    struct lint_expr lookup = lint_lookup_of(pass->arena, subject);
    const char *chain = lint_chain(pass->arena, subject);
    bool existence = chain && strcmp(chain, "exists()") == 0;
    role.field = field_of_chain(chain);
    if (!lookup.node || (!existence && !role.field) || !own_document(pass, lookup, &role.match))
        return;
    if (existence && !names_a_privilege(role.match.full[role.match.n_full - 2].text))
        return;
    struct search writers = { pass, NULL, &role, 0, s->told };
    look_for_writers(&writers);
}

static const char *constant_text(struct lint_pass *pass, const struct ast_node *node)
{
    return lint_is_constant(node)
               ? lint_one_line(pass->issues->arena, lint_source(pass->ruleset, node->file, node->span))
               : NULL;
}

static void look_at_list(struct search *s, struct lint_expr subject, struct lint_expr list,
                         const struct ast_node *at)
{
    struct str names[NAMES];
    size_t n;
    if (lint_strings(s->pass->arena, list, names, NAMES, &n) && n > 0)
        note_role(s, subject, at, lint_text(s->pass, "'" STR_FMT "'", STR_ARG(names[0])));
}

static void look_at_condition(void *data, struct lint_expr e);

/* A role is what is compared with constants, or is true itself; what is compared with data is not. */
static void look_at_use(struct search *s, struct lint_expr e)
{
    struct lint_pass *pass = s->pass;
    const struct ast_node *node = e.node;
    if (node->kind == AST_EQ) {
        struct lint_expr a = lint_resolve(pass->arena, sub(e, node->op.a)),
                         b = lint_resolve(pass->arena, sub(e, node->op.b));
        const char *of_b = b.node->kind == AST_NULL ? NULL : constant_text(pass, b.node);
        const char *of_a = a.node->kind == AST_NULL ? NULL : constant_text(pass, a.node);
        if (of_b)
            note_role(s, a, node, of_b);
        else if (of_a)
            note_role(s, b, node, of_a);
    } else if (node->kind == AST_IN) {
        struct lint_expr right = lint_resolve(pass->arena, sub(e, node->op.b));
        const char *left = constant_text(pass, lint_resolve(pass->arena, sub(e, node->op.a)).node);
        look_at_list(s, sub(e, node->op.a), right, node);
        if (left)
            note_role(s, right, node, lint_text(pass, "[%s]", left));
    } else if (lint_is_method(node, "hasAny") && node->call.n == 1) {
        look_at_list(s, sub(e, node->call.object), sub(e, node->call.args[0]), node);
    } else if (node->kind == AST_MEMBER || lint_is_lookup(node) || lint_is_method(node, "get") ||
               node->kind == AST_INDEX) {
        note_role(s, e, node, "true");
    }
}

static void look_at_condition(void *data, struct lint_expr e)
{
    struct search *s = data;
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

void lint_own_role(struct lint_pass *pass)
{
    const char **told = ARENA_ARRAY(pass->arena, const char *, pass->ruleset->n_allows);
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        struct search s = { .pass = pass, .allow = pass->ruleset->allows[i], .told = told };
        lint_conjuncts(pass, (struct lint_expr){ s.allow->condition, NULL }, look_at_condition, &s);
    }
}

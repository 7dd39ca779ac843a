/* lint_expr.c - see lint_expr.h: resolving, member chains and walks. */
#include "rules-engine/lint_expr.h"

#include "rules-engine/builtins/builtins.h"

#include "core/limits.h"

enum { RESOLVE_STEPS = 64, WALK_STEPS = 20000, CHAIN_KEYS = 8 };

/* ---- resolving ---- */

static struct lint_expr at(const struct ast_node *node, const struct lint_frame *frame)
{
    return (struct lint_expr){ node, frame };
}

struct lint_expr lint_resolve(struct arena *arena, struct lint_expr e)
{
    for (unsigned steps = RESOLVE_STEPS; steps > 0; steps--) {
        const struct ast_node *node = e.node;
        if (node->kind == AST_NAME && e.frame && node->name.scope == SCOPE_PARAMETER) {
            e = at(e.frame->args[node->name.slot], e.frame->caller);
        } else if (node->kind == AST_NAME && e.frame && node->name.scope == SCOPE_LET) {
            e = at(e.frame->function->lets[node->name.slot].value, e.frame);
        } else if (node->kind == AST_CALL && node->call.function &&
                   node->call.n == node->call.function->n_parameters) {
            struct lint_frame *frame = ARENA_NEW(arena, struct lint_frame);
            *frame = (struct lint_frame){ node->call.function, node->call.args, e.frame };
            e = at(node->call.function->body, frame);
        } else {
            break;
        }
    }
    return e;
}

bool lint_is_method(const struct ast_node *node, const char *name)
{
    return node->kind == AST_METHOD && node->call.object && str_eq_z(node->call.name, name);
}

bool lint_is_lookup(const struct ast_node *node)
{
    return node->kind == AST_CALL && !node->call.function && node->call.builtin && node->call.n == 1 &&
           builtin_is_service(node->call.builtin);
}

bool lint_is_constant(const struct ast_node *node)
{
    return node->kind == AST_NULL || node->kind == AST_BOOL || node->kind == AST_INT ||
           node->kind == AST_FLOAT || node->kind == AST_STRING || node->kind == AST_BYTES;
}

bool lint_same_constant(const struct ast_node *a, const struct ast_node *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == AST_NULL || (a->kind == AST_BOOL && a->boolean == b->boolean) ||
           (a->kind == AST_INT && a->integer == b->integer) ||
           (a->kind == AST_STRING && str_eq(a->text, b->text));
}

/* ---- member chains ---- */

/* Longer ones are none: nobody writes them. */
enum { CHAIN_BYTES = 512, CHAIN_MEMBERS = 32 };

struct chain {
    struct arena *arena;
    char text[CHAIN_BYTES];
    size_t n;
    unsigned members;
};

static bool append(struct chain *c, struct str text)
{
    if (text.n >= sizeof c->text - c->n)
        return false;
    memcpy(c->text + c->n, text.p, text.n);
    c->n += text.n;
    c->text[c->n] = '\0';
    return true;
}

static bool append_member(struct chain *c, struct str name)
{
    return append(c, STR(".")) && append(c, name);
}

static bool append_name(struct chain *c, const struct ast_node *node)
{
    switch (node->name.scope) {
    case SCOPE_REQUEST:
        return append(c, STR("request"));
    case SCOPE_RESOURCE:
        return append(c, STR("resource"));
    case SCOPE_WILDCARD:
        return append(c, STR("{")) && append(c, node->name.name) && append(c, STR("}"));
    default:
        return false;
    }
}

static bool append_chain(struct chain *c, struct lint_expr e);

/* x['a'], x.get('a', d), x.get(['a', 'b'], d); false when the name is computed. */
static bool append_keyed(struct chain *c, struct lint_expr object, const struct ast_node *key)
{
    struct str names[CHAIN_KEYS];
    size_t n = 0;
    struct lint_expr r = lint_resolve(c->arena, at(key, object.frame));
    if (r.node->kind == AST_STRING)
        names[n++] = r.node->text;
    else if (!lint_strings(c->arena, r, names, CHAIN_KEYS, &n) || n == 0)
        return false;
    bool good = append_chain(c, object);
    for (size_t i = 0; i < n && good; i++)
        good = append_member(c, names[i]);
    return good;
}

static bool append_chain(struct chain *c, struct lint_expr e)
{
    e = lint_resolve(c->arena, e);
    const struct ast_node *node = e.node;
    if (c->members++ == CHAIN_MEMBERS)
        return false;
    switch (node->kind) {
    case AST_NAME:
        return append_name(c, node);
    case AST_MEMBER:
        return append_chain(c, at(node->member.object, e.frame)) && append_member(c, node->member.name);
    case AST_INDEX:
        return append_keyed(c, at(node->index.object, e.frame), node->index.from);
    case AST_METHOD:
        return lint_is_method(node, "get") && node->call.n == 2 &&
               append_keyed(c, at(node->call.object, e.frame), node->call.args[0]);
    case AST_CALL:
        return lint_is_lookup(node) && append(c, node->call.name) && append(c, STR("()"));
    default:
        return false;
    }
}

const char *lint_chain(struct arena *arena, struct lint_expr e)
{
    struct chain c = { .arena = arena };
    return append_chain(&c, e) ? arena_str(arena, str_from(c.text, c.n)).p : NULL;
}

bool lint_is_chain(struct arena *arena, struct lint_expr e, const char *chain)
{
    struct chain c = { .arena = arena };
    return append_chain(&c, e) && strcmp(c.text, chain) == 0;
}

const char *lint_field(struct arena *arena, struct lint_expr e, const char *prefix)
{
    const char *text = lint_chain(arena, e);
    size_t n = strlen(prefix);
    if (!text || strncmp(text, prefix, n) != 0 || text[n] == '\0' || strchr(text + n, '.'))
        return NULL;
    return text + n;
}

struct lint_expr lint_lookup_of(struct arena *arena, struct lint_expr e)
{
    for (;;) {
        e = lint_resolve(arena, e);
        const struct ast_node *node = e.node;
        if (node->kind == AST_MEMBER)
            e = at(node->member.object, e.frame);
        else if (node->kind == AST_INDEX)
            e = at(node->index.object, e.frame);
        else if (node->kind == AST_METHOD && node->call.object)
            e = at(node->call.object, e.frame);
        else
            return lint_is_lookup(node) ? e : at(NULL, NULL);
    }
}

bool lint_strings(struct arena *arena, struct lint_expr e, struct str *out, size_t max, size_t *n)
{
    e = lint_resolve(arena, e);
    *n = 0;
    if (lint_is_method(e.node, "toSet"))
        e = lint_resolve(arena, at(e.node->call.object, e.frame));
    if (e.node->kind != AST_LIST)
        return false;
    for (uint32_t i = 0; i < e.node->list.n; i++) {
        struct lint_expr item = lint_resolve(arena, at(e.node->list.items[i], e.frame));
        if (item.node->kind != AST_STRING || *n == max)
            return false;
        out[(*n)++] = item.node->text;
    }
    return true;
}

/* ---- walks ---- */

struct walker {
    struct lint_pass *pass;
    struct arena *arena;
    lint_visit *visit;
    void *data;
    unsigned steps;
    bool enter; /* bodies of called functions */
};

static void walk(struct walker *w, struct lint_expr e);

static void walk_all(struct walker *w, const struct lint_frame *frame, struct ast_node *const *items,
                     uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        walk(w, at(items[i], frame));
}

static void walk_call(struct walker *w, struct lint_expr e)
{
    const struct ast_node *node = e.node;
    const struct ast_function *function = node->kind == AST_CALL ? node->call.function : NULL;
    if (node->kind == AST_METHOD && node->call.object)
        walk(w, at(node->call.object, e.frame));
    if (!w->enter || !function || node->call.n != function->n_parameters) {
        walk_all(w, e.frame, node->call.args, node->call.n);
        return;
    }
    /* Arguments and lets are evaluated where their names are. */
    struct lint_frame *frame = ARENA_NEW(w->arena, struct lint_frame);
    *frame = (struct lint_frame){ function, node->call.args, e.frame };
    walk(w, at(function->body, frame));
}

static void walk_name(struct walker *w, struct lint_expr e)
{
    struct lint_expr value = lint_resolve(w->arena, e);
    if (!w->enter || value.node == e.node)
        return;
    w->pass->names_followed++;
    walk(w, value);
    w->pass->names_followed--;
}

static void walk_path(struct walker *w, struct lint_expr e)
{
    for (uint32_t i = 0; i < e.node->path.n; i++)
        if (e.node->path.parts[i].expr)
            walk(w, at(e.node->path.parts[i].expr, e.frame));
}

static void walk(struct walker *w, struct lint_expr e)
{
    const struct ast_node *node = e.node;
    if (!node || w->steps == 0)
        return;
    w->steps--;
    w->visit(w->data, e);
    switch (node->kind) {
    case AST_NULL:
    case AST_BOOL:
    case AST_INT:
    case AST_FLOAT:
    case AST_STRING:
    case AST_BYTES:
        break;
    case AST_NAME:
        walk_name(w, e);
        break;
    case AST_LIST:
        walk_all(w, e.frame, node->list.items, node->list.n);
        break;
    case AST_MAP:
        walk_all(w, e.frame, node->map.values, node->map.n);
        break;
    case AST_PATH:
        walk_path(w, e);
        break;
    case AST_MEMBER:
        walk(w, at(node->member.object, e.frame));
        break;
    case AST_INDEX:
    case AST_SLICE:
        walk(w, at(node->index.object, e.frame));
        walk(w, at(node->index.from, e.frame));
        walk(w, at(node->kind == AST_SLICE ? node->index.to : NULL, e.frame));
        break;
    case AST_CALL:
    case AST_METHOD:
        walk_call(w, e);
        break;
    case AST_IS:
        walk(w, at(node->is.a, e.frame));
        break;
    default:
        walk(w, at(node->op.a, e.frame));
        if (node->kind != AST_NOT && node->kind != AST_NEGATE)
            walk(w, at(node->op.b, e.frame));
        if (node->kind == AST_TERNARY)
            walk(w, at(node->op.c, e.frame));
    }
}

/* One walk may take a part of what the lint has. */
static unsigned steps_of(const struct lint_pass *pass)
{
    return pass->steps < WALK_STEPS ? pass->steps : WALK_STEPS;
}

void lint_walk(struct lint_pass *pass, struct lint_expr e, lint_visit *visit, void *data)
{
    unsigned steps = steps_of(pass);
    struct walker w = { pass, pass->arena, visit, data, steps, true };
    walk(&w, e);
    pass->steps -= steps - w.steps;
}

static void conjuncts(struct walker *w, struct lint_expr e)
{
    if (!e.node || w->steps == 0)
        return;
    w->steps--;
    e = lint_resolve(w->arena, e);
    if (e.node->kind != AST_AND) {
        w->visit(w->data, e);
        return;
    }
    conjuncts(w, at(e.node->op.a, e.frame));
    conjuncts(w, at(e.node->op.b, e.frame));
}

void lint_conjuncts(struct lint_pass *pass, struct lint_expr e, lint_visit *visit, void *data)
{
    unsigned steps = steps_of(pass);
    struct walker w = { pass, pass->arena, visit, data, steps, true };
    conjuncts(&w, e);
    pass->steps -= steps - w.steps;
}

static void walk_functions(struct walker *w, const struct ast_function *list)
{
    for (const struct ast_function *f = list; f; f = f->next) {
        for (uint32_t i = 0; i < f->n_lets; i++)
            walk(w, at(f->lets[i].value, NULL));
        walk(w, at(f->body, NULL));
    }
}

static void walk_matches(struct walker *w, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        walk_functions(w, match->functions);
        walk_matches(w, match->children);
    }
}

void lint_each_node(struct lint_pass *pass, lint_visit *visit, void *data)
{
    const struct ruleset *ruleset = pass->ruleset;
    struct walker w = { pass, pass->arena, visit, data, UINT32_MAX, false };
    for (uint32_t i = 0; i < ruleset->n_allows; i++)
        walk(&w, at(ruleset->allows[i]->condition, NULL));
    for (size_t i = 0; i < ruleset->n_files; i++) {
        walk_functions(&w, ruleset->units[i].functions);
        for (const struct ast_service *s = ruleset->units[i].services; s; s = s->next) {
            walk_functions(&w, s->functions);
            walk_matches(&w, s->matches);
        }
    }
}

/* ---- questions ---- */

struct mention {
    struct arena *arena;
    const char *chain;
    bool found;
};

static void look_for_chain(void *data, struct lint_expr e)
{
    struct mention *m = data;
    if (!m->found && (e.node->kind == AST_MEMBER || e.node->kind == AST_NAME || e.node->kind == AST_INDEX))
        m->found = lint_is_chain(m->arena, e, m->chain);
}

bool lint_mentions(struct lint_pass *pass, struct lint_expr e, const char *chain)
{
    struct mention m = { pass->arena, chain, false };
    lint_walk(pass, e, look_for_chain, &m);
    return m.found;
}

struct sign_in {
    struct arena *arena;
    bool asked, more;
};

static void ask_for_sign_in(void *data, struct lint_expr e)
{
    struct sign_in *s = data;
    const struct ast_node *node = e.node;
    if (node->kind == AST_BOOL && node->boolean)
        return;
    const char *chain = node->kind == AST_NE && node->op.b->kind == AST_NULL
                            ? lint_chain(s->arena, at(node->op.a, e.frame))
                            : NULL;
    if (chain && (strcmp(chain, "request.auth") == 0 || strcmp(chain, "request.auth.uid") == 0))
        s->asked = true;
    else
        s->more = true;
}

bool lint_asks_only_sign_in(struct lint_pass *pass, const struct ast_allow *allow)
{
    struct sign_in s = { pass->arena, false, false };
    lint_conjuncts(pass, at(allow->condition, NULL), ask_for_sign_in, &s);
    return s.asked && !s.more;
}

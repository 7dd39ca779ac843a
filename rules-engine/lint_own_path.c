/* lint_own_path.c - paths of the user's own documents, however they are written; see lint_role.h.
 *
 * /databases/$(d)/documents/users/$(request.auth.uid), path('/databases/' + d + '/documents/users/' +
 * request.auth.uid) and /databases/{d}/documents/users/{who}.bind({'d': d, 'who': request.auth.uid}) are the
 * same document. What a part stands for is known when it is a constant or the user's id; any other value
 * counts as any id. */
#include "rules-engine/lint_role.h"

enum { PARTS = 32, FIRST_ID = 4 /* /databases/{}/documents/collection/ID */ };

struct part {
    enum { CONSTANT, OWN_ID, OPEN /* to bind() */, UNKNOWN } kind;
    struct str text; /* constant: the id; open: the name */
};

struct reader {
    struct lint_pass *pass;
    struct part parts[PARTS];
    uint32_t n;
    bool failed;
};

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

static struct part value_of(struct lint_pass *pass, struct lint_expr e)
{
    e = lint_resolve(pass->arena, e);
    if (e.node->kind == AST_STRING)
        return (struct part){ CONSTANT, e.node->text };
    return (struct part){ lint_is_chain(pass->arena, e, "request.auth.uid") ? OWN_ID : UNKNOWN, STR("") };
}

static void add(struct reader *r, struct part part)
{
    if (r->n == PARTS)
        r->failed = true;
    else
        r->parts[r->n++] = part;
}

static void read_literal(struct reader *r, struct lint_expr e)
{
    for (uint32_t i = 0; i < e.node->path.n; i++) {
        const struct ast_path_part *part = &e.node->path.parts[i];
        if (part->kind == PART_EXPR)
            add(r, value_of(r->pass, sub(e, part->expr)));
        else
            add(r, (struct part){ part->kind == PART_LITERAL ? CONSTANT : OPEN, part->text });
        r->failed |= part->kind == PART_GLOB;
    }
}

/* ---- path('users/' + x) ---- */

/* A text is read piece by piece: what stands between two slashes is a part when it is one piece. */
struct text {
    struct reader *r;
    struct part pending;
    unsigned pieces; /* of the pending part */
};

static void end_part(struct text *t)
{
    struct str text = t->pending.text;
    if (t->pieces > 1)
        t->pending = (struct part){ UNKNOWN, STR("") };
    else if (t->pending.kind == CONSTANT && text.n > 2 && text.p[0] == '{' && text.p[text.n - 1] == '}')
        t->pending = (struct part){ OPEN, str_from(text.p + 1, text.n - 2) };
    if (t->pieces)
        add(t->r, t->pending);
    t->pieces = 0;
}

static void add_piece(struct text *t, struct part part)
{
    t->pending = part;
    t->pieces++;
}

static void add_characters(struct text *t, struct str rest)
{
    while (rest.n) {
        const char *slash = memchr(rest.p, '/', rest.n);
        size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
        if (n)
            add_piece(t, (struct part){ CONSTANT, str_from(rest.p, n) });
        if (slash)
            end_part(t);
        rest = str_skip(rest, slash ? n + 1 : n);
    }
}

static void read_sum(struct text *t, struct lint_expr e)
{
    e = lint_resolve(t->r->pass->arena, e);
    if (e.node->kind == AST_ADD) {
        read_sum(t, sub(e, e.node->op.a));
        read_sum(t, sub(e, e.node->op.b));
    } else if (e.node->kind == AST_STRING) {
        add_characters(t, e.node->text);
    } else {
        add_piece(t, value_of(t->r->pass, e));
    }
}

/* ---- .bind({'who': x}) ---- */

static void bind_one(struct reader *r, struct str name, struct part value)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (r->parts[i].kind == OPEN && str_eq(r->parts[i].text, name))
            r->parts[i] = value;
}

static void read_path(struct reader *r, struct lint_expr e);

static void read_bound(struct reader *r, struct lint_expr e)
{
    struct lint_expr map = lint_resolve(r->pass->arena, sub(e, e.node->call.args[0]));
    read_path(r, sub(e, e.node->call.object));
    for (uint32_t i = 0; map.node->kind == AST_MAP && i < map.node->map.n; i++) {
        struct part key = value_of(r->pass, sub(map, map.node->map.keys[i]));
        if (key.kind == CONSTANT)
            bind_one(r, key.text, value_of(r->pass, sub(map, map.node->map.values[i])));
    }
}

static void read_path(struct reader *r, struct lint_expr e)
{
    e = lint_resolve(r->pass->arena, e);
    const struct ast_node *node = e.node;
    if (node->kind == AST_PATH) {
        read_literal(r, e);
    } else if (lint_is_method(node, "bind") && node->call.n == 1) {
        read_bound(r, e);
    } else if (node->kind == AST_CALL && !node->call.function && str_eq_z(node->call.name, "path") &&
               node->call.n == 1) {
        struct text text = { .r = r };
        read_sum(&text, sub(e, node->call.args[0]));
        end_part(&text);
    } else {
        r->failed = true;
    }
}

bool role_own_path(struct lint_pass *pass, struct lint_expr argument, struct ast_match *out)
{
    struct reader r = { .pass = pass };
    bool own = false;
    read_path(&r, argument);
    if (r.failed || r.n <= FIRST_ID || r.n % 2 == 0)
        return false;
    struct ast_path_part *parts = ARENA_ARRAY(pass->issues->arena, struct ast_path_part, r.n);
    for (uint32_t i = 0; i < r.n; i++) {
        bool is_id = i >= FIRST_ID && i % 2 == 0 && r.parts[i].kind == OWN_ID;
        own |= is_id;
        parts[i].kind = r.parts[i].kind == CONSTANT ? PART_LITERAL : PART_BINDING;
        parts[i].text = r.parts[i].kind == CONSTANT ? r.parts[i].text : is_id ? STR("uid") : STR("id");
    }
    parts[1] = (struct ast_path_part){ .kind = PART_BINDING, .text = STR("database") };
    *out = (struct ast_match){ .full = parts, .n_full = r.n };
    return own;
}

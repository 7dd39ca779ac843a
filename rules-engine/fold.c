/* fold.c - see fold.h. Constants are computed by the evaluator itself, from the leaves up, without a request;
 * what could be as large as the square of its source (a sum of texts) is not computed. */
#include "rules-engine/fold.h"

#include "rules-engine/check.h"
#include "rules-engine/eval.h"

enum { CHAIN_NAMES = 8 }; /* longer chains are walked */

struct folding {
    struct arena *arena; /* the ruleset's */
    struct eval e;       /* for constants: no request, no coverage */
    struct rset chains;  /* their texts; the number of one is its place, from 1 */
    struct arena *scratch;
    struct buf text;
    bool constant; /* whether everything visited so far below the current node is */
    bool literal;  /* and none of it is a call */
};

/* ---- constants ---- */

/* A list that holds calls is none: an error in what is done with it would name the call that ran last. */
static bool can_be_constant(const struct ast_node *node, bool literal)
{
    switch (node->kind) {
    case AST_NULL:
    case AST_BOOL:
    case AST_INT:
    case AST_FLOAT:
    case AST_STRING:
    case AST_BYTES:
        return true;
    case AST_LIST:
    case AST_MAP:
        return literal;
    case AST_NEGATE:
        return true;
    case AST_METHOD:
        return node->call.package.n > 0 && node->call.builtin;
    default:
        return false;
    }
}

/* A scalar is made from its node as fast as it is read from elsewhere. */
static bool keep_constant(struct folding *f, struct ast_node *node)
{
    if (node->kind <= AST_BYTES)
        return true;
    eval_restart(&f->e);
    struct rvalue v = eval_node(&f->e, node);
    if (rv_is_error(v)) {
        f->e.fatal = false;
        return false;
    }
    struct rvalue *kept = arena_alloc(f->arena, sizeof *kept);
    *kept = v;
    node->constant = kept;
    node->cost = f->e.steps;
    return true;
}

/* ---- chains ---- */

/* "request.resource.data"; false for anything that is no chain, or too long a one. */
static bool chain_text(struct buf *out, const struct ast_node *node, uint32_t *names)
{
    if (node->kind == AST_NAME && node->name.scope == SCOPE_REQUEST)
        buf_z(out, "request");
    else if (node->kind == AST_NAME && node->name.scope == SCOPE_RESOURCE)
        buf_z(out, "resource");
    else if (node->kind != AST_MEMBER || ++*names > CHAIN_NAMES ||
             !chain_text(out, node->member.object, names))
        return false;
    if (node->kind == AST_MEMBER) {
        buf_byte(out, '.');
        buf_str(out, node->member.name);
    }
    return true;
}

static void number_chain(struct folding *f, struct ast_node *node)
{
    uint32_t names = 0;
    buf_clear(&f->text);
    if (!chain_text(&f->text, node, &names))
        return;
    node->chain = rset_find(&f->chains, rv_string(buf_view(&f->text)));
    if (!node->chain) {
        rset_add(&f->chains, rv_string(arena_str(f->scratch, buf_view(&f->text))));
        node->chain = (uint32_t)f->chains.n;
    }
    node->cost = names + 1;
}

/* ---- every expression, from the leaves up ---- */

static void fold(void *data, struct ast_node *node)
{
    struct folding *f = data;
    bool constant = f->constant, literal = f->literal;
    f->constant = f->literal = true;
    ast_each_child(node, fold, f);
    if (node->kind == AST_MEMBER)
        number_chain(f, node);
    bool kept = f->constant && can_be_constant(node, f->literal) && keep_constant(f, node);
    f->constant = constant && kept;
    f->literal = literal && f->literal && node->kind <= AST_MAP;
}

static void fold_function(void *data, struct ast_function *function)
{
    for (uint32_t i = 0; i < function->n_lets; i++)
        fold(data, function->lets[i].value);
    fold(data, function->body);
}

void fold_run(struct ruleset *ruleset)
{
    struct rules_request none = { .method = RULES_GET };
    struct arena *scratch = arena_new();
    struct status st = status_init(scratch);
    struct folding f = { .arena = ruleset->arena, .scratch = scratch };
    eval_init(&f.e, ruleset, &none, NULL, NULL, ruleset->arena, &st);
    rset_init(&f.chains, scratch, 64, false);
    buf_init(&f.text, LIMIT_RULES_SOURCE_BYTES);
    for (uint32_t i = 0; i < ruleset->n_allows; i++)
        if (ruleset->allows[i]->condition)
            fold(&f, ruleset->allows[i]->condition);
    for (size_t i = 0; i < ruleset->n_files; i++)
        check_each_function(&ruleset->units[i], fold_function, &f);
    buf_dispose(&f.text);
    arena_free(scratch);
}

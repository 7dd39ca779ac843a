/* lint_truth.c - what a condition comes to for a method, without documents and user; see lint_expr.h.
 *
 * The language's booleans have three outcomes, and an error in one operand of || or && can be absorbed by the
 * other; here a fourth is "unknown". What is known of the context of a method: a create has no `resource`, a
 * delete and a read have no `request.resource`, and request.method is the method. */
#include "rules-engine/lint_expr.h"

#include "core/limits.h"

enum { LOOK_STEPS = 4 * LIMIT_RULES_EXPRESSIONS };

struct look {
    struct arena *arena;
    unsigned method, steps;
    const struct ast_node *cause;
};

static enum lint_truth look_into(struct look *l, struct lint_expr e);

static struct lint_expr sub(struct lint_expr e, const struct ast_node *node)
{
    return (struct lint_expr){ node, e.frame };
}

static enum lint_truth negated(enum lint_truth a)
{
    return a == LINT_ALWAYS ? LINT_NEVER : a == LINT_NEVER ? LINT_ALWAYS : a;
}

static enum lint_truth of_and(enum lint_truth a, enum lint_truth b)
{
    if (a == LINT_NEVER || b == LINT_NEVER)
        return LINT_NEVER;
    if (a == LINT_FAILS || b == LINT_FAILS) /* an error or false: not true in any case */
        return LINT_FAILS;
    return a == LINT_ALWAYS && b == LINT_ALWAYS ? LINT_ALWAYS : LINT_UNKNOWN;
}

static enum lint_truth of_or(enum lint_truth a, enum lint_truth b)
{
    if (a == LINT_ALWAYS || b == LINT_ALWAYS)
        return LINT_ALWAYS;
    if (a == LINT_UNKNOWN || b == LINT_UNKNOWN)
        return LINT_UNKNOWN;
    return a == LINT_FAILS || b == LINT_FAILS ? LINT_FAILS : LINT_NEVER;
}

static const char *method_text(unsigned method)
{
    return method == METHOD_GET      ? "get"
           : method == METHOD_LIST   ? "list"
           : method == METHOD_CREATE ? "create"
           : method == METHOD_UPDATE ? "update"
           : method == METHOD_DELETE ? "delete"
                                     : NULL;
}

/* Whether a chain cannot be evaluated: something below a null, or below what a read does not have. */
static bool chain_fails(const char *chain, unsigned method)
{
    static const char resource[] = "resource.", written[] = "request.resource";
    if (strncmp(chain, resource, sizeof resource - 1) == 0)
        return method == METHOD_CREATE;
    if (strncmp(chain, written, sizeof written - 1) != 0)
        return false;
    char next = chain[sizeof written - 1];
    if (method == METHOD_GET || method == METHOD_LIST)
        return next == '\0' || next == '.';
    return method == METHOD_DELETE && next == '.';
}

/* Whether a value, not a condition, is known to be an error. */
static bool fails(struct look *l, struct lint_expr e)
{
    if (!e.node || l->steps == 0)
        return false;
    l->steps--;
    const char *chain = l->method ? lint_chain(l->arena, e) : NULL;
    struct lint_expr r = lint_resolve(l->arena, e);
    if (chain && r.node->kind != AST_METHOD) {
        if (!chain_fails(chain, l->method))
            return false;
        l->cause = l->cause ? l->cause : r.node;
        return true;
    }
    switch (r.node->kind) {
    case AST_METHOD:
        return r.node->call.object && fails(l, sub(r, r.node->call.object));
    case AST_MEMBER:
        return fails(l, sub(r, r.node->member.object));
    case AST_INDEX:
    case AST_SLICE:
        return fails(l, sub(r, r.node->index.object));
    case AST_NAME:
        return false;
    case AST_ADD:
    case AST_SUB:
    case AST_MUL:
    case AST_DIV:
    case AST_MOD:
        return fails(l, sub(r, r.node->op.a)) || fails(l, sub(r, r.node->op.b));
    default:
        return look_into(l, r) == LINT_FAILS;
    }
}

static bool is_plain(const struct ast_node *node)
{
    return node->kind == AST_NULL || node->kind == AST_BOOL || node->kind == AST_INT ||
           node->kind == AST_STRING;
}

/* a == b when one side is a chain of the context and the other a constant. */
static enum lint_truth context_equals(struct look *l, struct lint_expr chain, const struct ast_node *constant)
{
    const char *text = l->method ? lint_chain(l->arena, chain) : NULL;
    if (!text)
        return LINT_UNKNOWN;
    if (strcmp(text, "request.method") == 0 && constant->kind == AST_STRING)
        return str_eq_z(constant->text, method_text(l->method)) ? LINT_ALWAYS : LINT_NEVER;
    if (constant->kind != AST_NULL)
        return LINT_UNKNOWN;
    if (strcmp(text, "resource") == 0)
        return l->method == METHOD_CREATE                               ? LINT_ALWAYS
               : l->method == METHOD_UPDATE || l->method == METHOD_LIST ? LINT_NEVER
                                                                        : LINT_UNKNOWN;
    if (strcmp(text, "request.resource") == 0 && l->method & METHOD_WRITE)
        return l->method == METHOD_DELETE ? LINT_ALWAYS : LINT_NEVER;
    return LINT_UNKNOWN;
}

static enum lint_truth of_equal(struct look *l, struct lint_expr e)
{
    struct lint_expr a = lint_resolve(l->arena, sub(e, e.node->op.a));
    struct lint_expr b = lint_resolve(l->arena, sub(e, e.node->op.b));
    enum lint_truth equal = LINT_UNKNOWN;
    if (is_plain(a.node) && is_plain(b.node))
        equal = lint_same_constant(a.node, b.node) ? LINT_ALWAYS : LINT_NEVER;
    else if (is_plain(b.node))
        equal = context_equals(l, a, b.node);
    else if (is_plain(a.node))
        equal = context_equals(l, b, a.node);
    if (equal == LINT_UNKNOWN)
        return fails(l, a) || fails(l, b) ? LINT_FAILS : LINT_UNKNOWN;
    return e.node->kind == AST_NE ? negated(equal) : equal;
}

static enum lint_truth of_ternary(struct look *l, struct lint_expr e)
{
    enum lint_truth a = look_into(l, sub(e, e.node->op.a));
    if (a == LINT_FAILS)
        return a;
    if (a != LINT_UNKNOWN)
        return look_into(l, sub(e, a == LINT_ALWAYS ? e.node->op.b : e.node->op.c));
    enum lint_truth b = look_into(l, sub(e, e.node->op.b)), c = look_into(l, sub(e, e.node->op.c));
    return b == c ? b : LINT_UNKNOWN;
}

static enum lint_truth of_method_in_list(struct look *l, struct lint_expr e)
{
    struct str names[16];
    size_t n;
    if (l->method && lint_is_chain(l->arena, sub(e, e.node->op.a), "request.method") &&
        lint_strings(l->arena, sub(e, e.node->op.b), names, 16, &n)) {
        for (size_t i = 0; i < n; i++)
            if (str_eq_z(names[i], method_text(l->method)))
                return LINT_ALWAYS;
        return LINT_NEVER;
    }
    return fails(l, sub(e, e.node->op.a)) || fails(l, sub(e, e.node->op.b)) ? LINT_FAILS : LINT_UNKNOWN;
}

static enum lint_truth look_into(struct look *l, struct lint_expr e)
{
    if (l->steps == 0)
        return LINT_UNKNOWN;
    l->steps--;
    e = lint_resolve(l->arena, e);
    const struct ast_node *node = e.node;
    enum lint_truth a;
    switch (node->kind) {
    case AST_BOOL:
        return node->boolean ? LINT_ALWAYS : LINT_NEVER;
    case AST_NOT:
        return negated(look_into(l, sub(e, node->op.a)));
    case AST_AND:
        a = look_into(l, sub(e, node->op.a));
        return of_and(a, look_into(l, sub(e, node->op.b)));
    case AST_OR:
        a = look_into(l, sub(e, node->op.a));
        return of_or(a, look_into(l, sub(e, node->op.b)));
    case AST_TERNARY:
        return of_ternary(l, e);
    case AST_EQ:
    case AST_NE:
        return of_equal(l, e);
    case AST_IN:
        return of_method_in_list(l, e);
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
        return fails(l, sub(e, node->op.a)) || fails(l, sub(e, node->op.b)) ? LINT_FAILS : LINT_UNKNOWN;
    case AST_IS:
        return fails(l, sub(e, node->is.a)) ? LINT_FAILS : LINT_UNKNOWN;
    case AST_MEMBER:
    case AST_INDEX:
    case AST_METHOD:
    case AST_NAME:
        return fails(l, e) ? LINT_FAILS : LINT_UNKNOWN;
    default:
        return LINT_UNKNOWN;
    }
}

enum lint_truth lint_truth_of(struct lint_pass *pass, const struct ast_allow *allow, unsigned method,
                              const struct ast_node **cause)
{
    unsigned steps = pass->steps < LOOK_STEPS ? pass->steps : LOOK_STEPS;
    struct look l = { pass->arena, method, steps, NULL };
    if (!allow->condition)
        return LINT_ALWAYS;
    enum lint_truth truth = look_into(&l, (struct lint_expr){ allow->condition, NULL });
    pass->steps -= steps - l.steps;
    if (cause)
        *cause = l.cause;
    return truth;
}

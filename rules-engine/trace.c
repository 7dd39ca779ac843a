/* trace.c - see trace.h. explain() follows the value down: through &&, ||, ?:, !, calls of user functions, to
 * the node where it cannot be blamed on one child any more. Frames are entered on the way, so that describe()
 * can evaluate operands where they belong. */
#include "rules-engine/trace.h"

#include "core/limits.h"
#include "rules-engine/constraint.h"

enum {
    MAX_EXPRESSION = 200,
    MAX_VALUE = 200,
    MAX_ELEMENTS = 300,
    MAX_EXPLAINED = 4 * LIMIT_RULES_EXPRESSIONS,
};

static void explain(struct rules_try *out, struct eval *e, const struct ast_node *node, struct rvalue value);

/* ---- texts ---- */

/* The node's source on one line: runs of white space become one blank. */
static const char *source_of(struct eval *e, const struct ast_node *node, size_t max)
{
    struct str file = e->ruleset->sources[node->file].text;
    char *out = arena_alloc(e->arena, max + 4);
    size_t n = 0;
    for (uint32_t i = node->span.from; i < node->span.to && i < file.n; i++) {
        char c = file.p[i];
        bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
        if (blank && (n == 0 || out[n - 1] == ' '))
            continue;
        if (n == max) {
            while (n > 0 && ((unsigned char)out[n - 1] & 0xC0) == 0x80)
                n--;
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        out[n++] = blank ? ' ' : c;
    }
    out[n] = '\0';
    return out;
}

static const char *elements(struct eval *e, const struct rvalue *items, size_t n, size_t max, bool quoted)
{
    struct buf text;
    buf_init(&text, max);
    for (size_t i = 0; i < n && !text.overflowed; i++) {
        if (i)
            buf_z(&text, ", ");
        struct str one = str_of(rv_text(e->arena, items[i], max));
        if (items[i].type == RT_STRING && !quoted && one.n >= 2 && one.p[one.n - 1] == '\'')
            one = str_from(one.p + 1, one.n - 2);
        buf_str(&text, one);
    }
    const char *out =
        arena_printf(e->arena, STR_FMT "%s", STR_ARG(buf_view(&text)), text.overflowed ? "..." : "");
    buf_dispose(&text);
    return out;
}

static const char *is_text(struct eval *e, const struct ast_node *node, struct rvalue v)
{
    return arena_printf(e->arena, "%s is %s", source_of(e, node, MAX_EXPRESSION / 2),
                        rv_text(e->arena, v, MAX_VALUE));
}

static bool is_literal(const struct ast_node *node)
{
    return node->kind <= AST_BYTES ||
           ((node->kind == AST_LIST || node->kind == AST_MAP) && node->height <= 2);
}

/* ---- what made it so ---- */

/* hasAll and hasOnly: which elements are missing or too many. */
static void describe_has(struct rules_try *out, struct eval *e, struct rvalue self, struct rvalue arg,
                         bool all)
{
    struct rvalue of = all ? arg : self, in = all ? self : arg;
    struct rvalue *odd = arena_alloc(e->arena, of.n * sizeof *odd);
    struct rvalue *have = arena_alloc(e->arena, self.n * sizeof *have);
    struct rset set;
    size_t n = 0;
    rset_init(&set, e->arena, in.n, self.type == RT_SET);
    for (size_t i = 0; i < in.n; i++)
        rset_add(&set, rv_at(e->arena, in, i));
    for (size_t i = 0; i < of.n; i++) {
        struct rvalue v = rv_at(e->arena, of, i);
        if (!rset_has(&set, v))
            odd[n++] = v;
    }
    for (size_t i = 0; i < self.n; i++)
        have[i] = rv_at(e->arena, self, i);
    out->have = elements(e, have, self.n, MAX_ELEMENTS, false);
    if (all)
        out->missing = elements(e, odd, n, MAX_ELEMENTS, true);
    else
        out->extra = elements(e, odd, n, MAX_ELEMENTS, true);
}

static void describe_method(struct rules_try *out, struct eval *e, const struct ast_node *node)
{
    if (!node->call.object)
        return;
    struct rvalue self = eval_node(e, node->call.object), arg = { .type = RT_NULL };
    if (node->call.n > 0)
        arg = eval_node(e, node->call.args[0]);
    bool all = str_eq(node->call.name, STR("hasAll")), only = str_eq(node->call.name, STR("hasOnly"));
    bool sequences =
        (self.type == RT_LIST || self.type == RT_SET) && (arg.type == RT_LIST || arg.type == RT_SET);
    if ((all || only) && sequences)
        describe_has(out, e, self, arg, all);
    else if (!rv_is_error(self))
        out->value = is_text(e, node->call.object, self);
}

static void describe_binary(struct rules_try *out, struct eval *e, const struct ast_node *node)
{
    const struct ast_node *operands[2] = { node->op.a, node->op.b };
    const char *text = NULL;
    for (int i = 0; i < 2; i++) {
        if (is_literal(operands[i]))
            continue;
        struct rvalue v = eval_node(e, operands[i]);
        if (rv_is_error(v))
            continue;
        const char *one = is_text(e, operands[i], v);
        text = text ? arena_printf(e->arena, "%s, %s", text, one) : one;
    }
    out->value = text;
}

/* A member that is not there: what is. */
static void describe_member(struct rules_try *out, struct eval *e, const struct ast_node *node)
{
    struct rvalue object = eval_node(e, node->member.object);
    if (object.type == RT_MAP) {
        struct rvalue *keys = arena_alloc(e->arena, object.n * sizeof *keys);
        for (size_t i = 0; i < object.n; i++)
            keys[i] = rv_string(rv_key_at(object, i));
        out->have = elements(e, keys, object.n, MAX_ELEMENTS, false);
    } else if (!rv_is_error(object)) {
        out->value = is_text(e, node->member.object, object);
    }
}

static void describe(struct rules_try *out, struct eval *e, const struct ast_node *node, struct rvalue value)
{
    switch (node->kind) {
    case AST_METHOD:
        describe_method(out, e, node);
        break;
    case AST_CALL:
        if (!node->call.function && node->call.n > 0 && !is_literal(node->call.args[0]))
            out->value = is_text(e, node->call.args[0], eval_node(e, node->call.args[0]));
        break;
    case AST_MEMBER:
        if (rv_is_error(value))
            describe_member(out, e, node);
        else
            out->value = is_text(e, node, value);
        break;
    case AST_IS:
        out->value = is_text(e, node->is.a, eval_node(e, node->is.a));
        break;
    case AST_NOT:
    case AST_NEGATE:
        if (!is_literal(node->op.a))
            out->value = is_text(e, node->op.a, eval_node(e, node->op.a));
        break;
    case AST_EQ:
    case AST_NE:
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
    case AST_IN:
    case AST_ADD:
    case AST_SUB:
    case AST_MUL:
    case AST_DIV:
    case AST_MOD:
        describe_binary(out, e, node);
        break;
    case AST_NAME:
    case AST_INDEX:
        if (!rv_is_error(value))
            out->value = is_text(e, node, value);
        break;
    default:
        break;
    }
}

/* ---- following the value ---- */

static void settle(struct rules_try *out, struct eval *e, const struct ast_node *node, struct rvalue value,
                   bool details)
{
    bool elsewhere = rv_is_error(value) && value.error->node && value.error->node != node;
    const struct ast_node *at = elsewhere ? value.error->node : node;
    source_position(&e->ruleset->sources[at->file], at->span.from, &out->line, &out->column);
    out->expression = source_of(e, at, MAX_EXPRESSION);
    if (details && !elsewhere)
        describe(out, e, node, value);
}

static void explain_logic(struct rules_try *out, struct eval *e, const struct ast_node *node,
                          struct rvalue value)
{
    struct rvalue a = eval_node(e, node->op.a);
    if (rv_is_false(a) && node->kind == AST_AND) { /* the other side was not evaluated and is not now */
        explain(out, e, node->op.a, a);
        return;
    }
    struct rvalue b = eval_node(e, node->op.b);
    if (rv_is_false(value) && node->kind == AST_AND) {
        explain(out, e, node->op.b, b);
    } else if (rv_is_false(
                   value)) { /* || with both false: neither alone is to blame, unless one is a constant */
        if (is_literal(node->op.a))
            explain(out, e, node->op.b, b);
        else if (is_literal(node->op.b))
            explain(out, e, node->op.a, a);
        else
            settle(out, e, node, value, true);
    } else if (a.type != RT_BOOL) {
        explain(out, e, node->op.a, a);
    } else {
        explain(out, e, node->op.b, b);
    }
}

static void explain_call(struct rules_try *out, struct eval *e, const struct ast_node *node,
                         struct rvalue value)
{
    struct eval_frame frame, caller = e->frame;
    if (e->call_depth >= LIMIT_RULES_CALL_DEPTH || !eval_enter(e, node, &frame)) {
        settle(out, e, node, value, true);
        return;
    }
    e->frame = frame;
    e->call_depth++;
    explain(out, e, node->call.function->body, value);
    e->call_depth--;
    e->frame = caller;
}

/* For an error: the first operand that has one, or NULL when the node itself made it. */
static const struct ast_node *failing_child(struct eval *e, const struct ast_node *node, struct rvalue *v)
{
    const struct ast_node *children[2 + BUILTIN_MAX_ARGS] = { NULL };
    size_t n = 0;
    switch (node->kind) {
    case AST_MEMBER:
        children[n++] = node->member.object;
        break;
    case AST_INDEX:
    case AST_SLICE:
        children[n++] = node->index.object;
        children[n++] = node->index.from;
        children[n++] = node->index.to;
        break;
    case AST_METHOD:
    case AST_CALL: /* user functions are followed elsewhere */
        children[n++] = node->call.object;
        for (uint32_t i = 0; i < node->call.n && i < BUILTIN_MAX_ARGS; i++)
            children[n++] = node->call.args[i];
        break;
    case AST_IN:
        children[n++] = node->op.b;
        children[n++] = node->op.a;
        break;
    case AST_IS:
        children[n++] = node->is.a;
        break;
    case AST_NOT:
    case AST_NEGATE:
    case AST_EQ:
    case AST_NE:
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
    case AST_ADD:
    case AST_SUB:
    case AST_MUL:
    case AST_DIV:
    case AST_MOD:
        children[n++] = node->op.a;
        children[n++] = node->op.b;
        break;
    default:
        break;
    }
    for (size_t i = 0; i < n; i++) {
        if (!children[i])
            continue;
        *v = eval_node(e, children[i]);
        if (rv_is_error(*v))
            return children[i];
    }
    return NULL;
}

static void explain(struct rules_try *out, struct eval *e, const struct ast_node *node, struct rvalue value)
{
    struct rvalue v;
    const struct ast_node *child = NULL;
    /* Every level walks its subtree again; together they may not cost more than a few decisions. */
    e->explained += e->steps;
    eval_restart(e);
    if (e->fatal || e->explained > MAX_EXPLAINED) {
        settle(out, e, node, value, false);
    } else if (node->kind == AST_AND || node->kind == AST_OR) {
        explain_logic(out, e, node, value);
    } else if (node->kind == AST_TERNARY) {
        v = eval_node(e, node->op.a);
        if (v.type == RT_BOOL)
            explain(out, e, v.boolean ? node->op.b : node->op.c, value);
        else
            explain(out, e, node->op.a, v);
    } else if (node->kind == AST_CALL && node->call.function) {
        explain_call(out, e, node, value);
    } else if (rv_is_error(value) && (child = failing_child(e, node, &v)) != NULL) {
        explain(out, e, child, v);
    } else {
        settle(out, e, node, value, true);
    }
}

/* ---- the face ---- */

const char *trace_reason(struct eval *e, const struct ast_allow *allow, struct rvalue value)
{
    uint32_t line, column;
    if (rv_is_false(value))
        return "false";
    if (!rv_is_error(value))
        return arena_printf(e->arena, "Type error. Received: [%s] Expected: [bool].",
                            rules_type_name((enum rules_type)value.type));
    if (!value.error->unproved)
        return value.error->text;
    source_position(&e->ruleset->sources[allow->file], allow->condition->start, &line, &column);
    return arena_printf(e->arena, "evaluation error at L%u:%u", line, column);
}

static const char unproved_text[] =
    "we cannot prove this from the query's filters yet; == on the field would";

void trace_explain(struct rules_try *out, struct eval *e, const struct ast_allow *allow, struct rvalue value)
{
    const struct rules_env *env = e->env;
    struct coverage_node *coverage = e->coverage;
    struct rules_env quiet = { 0 };
    e->coverage = NULL; /* what is evaluated again for people counts once */
    if (env)
        quiet = *env;
    quiet.trace = NULL; /* debug() has printed already */
    e->env = &quiet;
    *out = (struct rules_try){ .file = e->ruleset->sources[allow->file].name };
    source_position(&e->ruleset->sources[allow->file], allow->span.from, &out->allow_line,
                    &out->allow_column);
    out->verdict = rv_is_false(value) ? "false" : "error";
    out->reason = trace_reason(e, allow, value);
    out->not_provable = rv_is_error(value) && value.error->unproved;
    explain(out, e, allow->condition, value);
    if (out->not_provable && !out->value)
        out->value = unproved_text;
    else if (out->not_provable)
        out->value = arena_printf(e->arena, "%s; %s", out->value, unproved_text);
    e->env = env;
    e->coverage = coverage;
}

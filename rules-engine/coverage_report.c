/* coverage_report.c - the counters of coverage.h as the report of Google's emulator 1.19.9.
 *
 * Its tree, observed there: a root for every function body and every allow condition, in the order in which a
 * scope declares functions, inner matches, allows. Below, the sub-expressions, in the order of their text,
 * except that `x in y` lists y first. Literals have no node, so neither has `allow read: if true`. A let is a
 * node from its keyword to the end of the body, with two children: its value, and what follows it.
 *
 * What a node's short-circuited evaluations are ({} there) follows from the counters: an operand that was not
 * needed was evaluated less often than the expression around it. */
#include "rules-engine/coverage.h"

#include "core/codec.h"

struct report {
    struct buf *out;
    const struct ruleset *ruleset;
    const struct coverage_node *nodes;
};

/* A list of nodes being written: `opening` comes before its first, since literals leave no trace. */
struct siblings {
    const char *opening;
    bool any;
};
#define CHILDREN ((struct siblings){ .opening = ",\"children\":[" })

/* What the node around a node says about it. */
struct around {
    uint64_t evaluated; /* as often as this, whatever its own counters say: it was not always watched */
    uint64_t skipped;   /* short-circuited with it */
};

static bool is_literal(const struct ast_node *node)
{
    return node->kind <= AST_BYTES;
}

static uint64_t evaluated(const struct report *r, const struct ast_node *node)
{
    const struct coverage_node *counters = &r->nodes[node->id];
    uint64_t n = counters->truth[false] + counters->truth[true] + counters->rest;
    for (const struct coverage_value *value = counters->values; value; value = value->next)
        n += value->count;
    return n;
}

/* ---- where a node ends: without the brackets that close it ---- */

static uint32_t end_of(const struct report *r, const struct ast_node *node);

static uint32_t end_of_path(const struct report *r, const struct ast_node *node)
{
    const struct ast_path_part *last = &node->path.parts[node->path.n - 1];
    if (last->kind == PART_EXPR)
        return end_of(r, last->expr);
    if (last->kind == PART_LITERAL)
        return last->span.to;
    struct str text = r->ruleset->sources[node->file].text;
    uint32_t at = last->span.from;
    while (at < last->span.to && text.p[at] != '{')
        at++;
    for (at++; at < last->span.to && (text.p[at] == ' ' || text.p[at] == '\n' || text.p[at] == '\t'); at++)
        ;
    return at + (uint32_t)last->text.n;
}

/* A literal in parentheses ends where its innermost one opens, as if it were not there. */
static uint32_t end_of_literal(const struct report *r, const struct ast_node *node)
{
    struct str text = r->ruleset->sources[node->file].text;
    uint32_t at = node->span.from;
    if (node->parentheses == 0)
        return node->span.to;
    while (at > node->start && text.p[at] != '(')
        at--;
    return at + 1;
}

static uint32_t end_of(const struct report *r, const struct ast_node *node)
{
    if (is_literal(node))
        return end_of_literal(r, node);
    switch (node->kind) {
    case AST_LIST:
        return node->list.n ? end_of(r, node->list.items[node->list.n - 1]) : node->span.from + 1;
    case AST_MAP:
        return node->map.n ? end_of(r, node->map.values[node->map.n - 1]) : node->span.from + 1;
    case AST_PATH:
        return end_of_path(r, node);
    case AST_MEMBER:
        return node->member.name_span.to;
    case AST_INDEX:
    case AST_SLICE:
        return end_of(r, node->index.to     ? node->index.to
                         : node->index.from ? node->index.from
                                            : node->index.object);
    case AST_CALL:
    case AST_METHOD:
        return node->call.n ? end_of(r, node->call.args[node->call.n - 1]) : node->call.name_span.to;
    case AST_NOT:
    case AST_NEGATE:
        return end_of(r, node->op.a);
    case AST_TERNARY:
        return end_of(r, node->op.c);
    default:
        return node->kind >= AST_AND && node->kind <= AST_IN ? end_of(r, node->op.b) : node->span.to;
    }
}

/* ---- values ---- */

static void put_count(const struct report *r, bool *any, struct str json, uint64_t count)
{
    if (!count)
        return;
    buf_z(r->out, *any ? ",{\"value\":" : ",\"values\":[{\"value\":");
    buf_str(r->out, json);
    buf_printf(r->out, ",\"count\":%llu}", (unsigned long long)count);
    *any = true;
}

/* "otherValues" is ours: evaluations that were not told apart. */
static void put_values(const struct report *r, const struct ast_node *node, struct around around)
{
    const struct coverage_node *counters = &r->nodes[node->id];
    uint64_t n = evaluated(r, node), rest = counters->rest;
    bool any = false;
    put_count(r, &any, STR("{\"boolValue\":true}"), counters->truth[true]);
    put_count(r, &any, STR("{\"boolValue\":false}"), counters->truth[false]);
    for (const struct coverage_value *value = counters->values; value; value = value->next)
        put_count(r, &any, value->json, value->count);
    put_count(r, &any, STR("{}"), around.skipped);
    buf_z(r->out, any ? "]" : "");
    if (n < around.evaluated)
        rest += around.evaluated - n;
    if (rest)
        buf_printf(r->out, ",\"otherValues\":%llu", (unsigned long long)rest);
}

/* ---- nodes ---- */

static void put_node(struct report *r, const struct ast_node *node, struct around around,
                     struct siblings *list);

static void open_node(struct report *r, struct siblings *list, uint32_t file, uint32_t from, uint32_t to)
{
    buf_z(r->out, list->any ? "," : list->opening);
    list->any = true;
    buf_z(r->out, "{\"sourcePosition\":");
    coverage_put_position(r->out, &r->ruleset->sources[file], from, to);
}

static void put_child(struct report *r, const struct ast_node *child, struct around around,
                      struct siblings *list)
{
    if (child && !is_literal(child))
        put_node(r, child, around, list);
}

/* The second operand of && and ||, the branches of ?:. Those that are needed always are not skipped. */
static void put_branch(struct report *r, const struct ast_node *child, uint64_t times, uint64_t skipped,
                       struct siblings *list)
{
    uint64_t n = evaluated(r, child);
    put_child(r, child, (struct around){ 0, skipped + (times > n ? times - n : 0) }, list);
}

static void put_operands(struct report *r, const struct ast_node *node, struct around inner,
                         struct siblings *list)
{
    switch (node->kind) {
    case AST_AND:
    case AST_OR:
        put_child(r, node->op.a, inner, list);
        put_branch(r, node->op.b, inner.evaluated, inner.skipped, list);
        break;
    case AST_TERNARY:
        put_child(r, node->op.a, inner, list);
        put_branch(r, node->op.b, inner.evaluated, inner.skipped, list);
        put_branch(r, node->op.c, inner.evaluated, inner.skipped, list);
        break;
    case AST_IN:
        put_child(r, node->op.b, inner, list);
        put_child(r, node->op.a, inner, list);
        break;
    case AST_IS:
        put_child(r, node->is.a, inner, list);
        break;
    default:
        put_child(r, node->op.a, inner, list);
        put_child(r, node->op.b, inner, list);
        break;
    }
}

static void put_children(struct report *r, const struct ast_node *node, struct around inner,
                         struct siblings *list)
{
    switch (node->kind) {
    case AST_NAME:
        break;
    case AST_LIST:
        for (uint32_t i = 0; i < node->list.n; i++)
            put_child(r, node->list.items[i], inner, list);
        break;
    case AST_MAP:
        for (uint32_t i = 0; i < node->map.n; i++) {
            put_child(r, node->map.keys[i], inner, list);
            put_child(r, node->map.values[i], inner, list);
        }
        break;
    case AST_PATH:
        for (uint32_t i = 0; i < node->path.n; i++)
            put_child(r, node->path.parts[i].expr, inner, list);
        break;
    case AST_MEMBER:
        put_child(r, node->member.object, inner, list);
        break;
    case AST_INDEX:
    case AST_SLICE:
        put_child(r, node->index.object, inner, list);
        put_child(r, node->index.from, inner, list);
        put_child(r, node->index.to, inner, list);
        break;
    case AST_CALL:
    case AST_METHOD:
        put_child(r, node->call.object, inner, list);
        for (uint32_t i = 0; i < node->call.n; i++)
            put_child(r, node->call.args[i], inner, list);
        break;
    default:
        put_operands(r, node, inner, list);
        break;
    }
}

static void put_node(struct report *r, const struct ast_node *node, struct around around,
                     struct siblings *list)
{
    struct siblings children = CHILDREN;
    uint64_t n = evaluated(r, node);
    struct around inner = { n > around.evaluated ? n : around.evaluated, around.skipped };
    open_node(r, list, node->file, node->start, end_of(r, node));
    put_values(r, node, around);
    put_children(r, node, inner, &children);
    buf_z(r->out, children.any ? "]}" : "}");
}

/* ---- roots ---- */

/* The lets from the i-th on and the body; their value is the body's. */
static void put_body(struct report *r, const struct ast_function *f, uint32_t i, struct siblings *list)
{
    struct siblings children = CHILDREN;
    if (i == f->n_lets) {
        put_child(r, f->body, (struct around){ 0 }, list);
        return;
    }
    open_node(r, list, f->file, f->lets[i].span.from, end_of(r, f->body));
    put_values(r, f->body, (struct around){ 0 });
    put_child(r, f->lets[i].value, (struct around){ evaluated(r, f->body), 0 }, &children);
    put_body(r, f, i + 1, &children);
    buf_z(r->out, children.any ? "]}" : "}");
}

static void put_functions(struct report *r, const struct ast_function *function, struct siblings *roots)
{
    for (; function; function = function->next)
        put_body(r, function, 0, roots);
}

static void put_matches(struct report *r, const struct ast_match *match, struct siblings *roots)
{
    for (; match; match = match->next) {
        put_functions(r, match->functions, roots);
        put_matches(r, match->children, roots);
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            put_child(r, allow->condition, (struct around){ 0 }, roots);
    }
}

bool rules_coverage_json(struct buf *out, const struct ruleset *ruleset, struct arena *arena)
{
    struct report r = { out, ruleset, coverage_sum(ruleset->coverage, arena) };
    struct siblings roots = { .opening = "[" };
    for (size_t i = 0; i < ruleset->n_files; i++) {
        put_functions(&r, ruleset->units[i].functions, &roots);
        for (const struct ast_service *s = ruleset->units[i].services; s; s = s->next) {
            put_functions(&r, s->functions, &roots);
            put_matches(&r, s->matches, &roots);
        }
    }
    buf_z(out, roots.any ? "]" : "[]");
    return roots.any;
}

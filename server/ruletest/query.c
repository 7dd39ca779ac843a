/* query.c - what follows `list` in a test file, as the query of a client:
 *
 *   [group] PATH [where FILTER] [order by FIELD [asc|desc], ...] [limit N] */
#include "core/field_path.h"
#include "server/ruletest/parse.h"

#include <stdlib.h>

static bool parse_or(struct ruletest_parser *p, struct msg_filter *out, int depth);

static bool parse_field(struct ruletest_parser *p, struct str *out)
{
    struct str segments[RULETEST_MAX_NESTING];
    struct field_path path = { segments, 0 };
    do {
        if (path.n == RULETEST_MAX_NESTING ||
            (p->lex.token.kind != LEX_WORD && p->lex.token.kind != LEX_STRING))
            return ruletest_expected(p, "a field");
        segments[path.n++] = p->lex.token.text;
        lex_next(&p->lex);
    } while (ruletest_accept(p, "."));
    *out = field_path_print(p->arena, &path);
    return true;
}

/* ---- filters ---- */

static const struct {
    const char *text;
    int32_t op;
} ops[] = {
    { "==", FIELD_OP_EQUAL },
    { "!=", FIELD_OP_NOT_EQUAL },
    { "<", FIELD_OP_LESS_THAN },
    { "<=", FIELD_OP_LESS_THAN_OR_EQUAL },
    { ">", FIELD_OP_GREATER_THAN },
    { ">=", FIELD_OP_GREATER_THAN_OR_EQUAL },
    { "in", FIELD_OP_IN },
    { "not-in", FIELD_OP_NOT_IN },
    { "array-contains", FIELD_OP_ARRAY_CONTAINS },
    { "array-contains-any", FIELD_OP_ARRAY_CONTAINS_ANY },
};

/* == null and == NaN are filters of their own kind on the wire. */
static bool make_unary(struct ruletest_parser *p, struct msg_filter *out, const struct msg_field_filter *f)
{
    bool is_null = f->value.kind == VALUE_NULL;
    bool is_nan = f->value.kind == VALUE_DOUBLE && f->value.number != f->value.number;
    bool equal = f->op == FIELD_OP_EQUAL;
    if ((!is_null && !is_nan) || (!equal && f->op != FIELD_OP_NOT_EQUAL))
        return false;
    *out = (struct msg_filter){ .filter_case = 3 };
    out->unary = ARENA_NEW(p->arena, struct msg_unary_filter);
    out->unary->field = ARENA_NEW(p->arena, struct msg_field_reference);
    *out->unary->field = f->field;
    if (is_null)
        out->unary->op = equal ? UNARY_OP_IS_NULL : UNARY_OP_IS_NOT_NULL;
    else
        out->unary->op = equal ? UNARY_OP_IS_NAN : UNARY_OP_IS_NOT_NAN;
    return true;
}

static bool parse_comparison(struct ruletest_parser *p, struct msg_filter *out)
{
    struct msg_field_filter *f = ARENA_NEW(p->arena, struct msg_field_filter);
    const struct data *operand;
    size_t i = 0, n = sizeof ops / sizeof *ops;
    if (!parse_field(p, &f->field.field_path))
        return false;
    while (i < n && !lex_is(&p->lex, ops[i].text))
        i++;
    if (i == n)
        return ruletest_expected(p, "== != < <= > >= in not-in array-contains or array-contains-any");
    f->op = ops[i].op;
    lex_next(&p->lex);
    if (!data_parse(p, &operand) || !data_to_value(p, operand, &f->value))
        return false;
    *out = (struct msg_filter){ .filter_case = 2, .field = f };
    make_unary(p, out, f);
    return true;
}

static bool parse_operand(struct ruletest_parser *p, struct msg_filter *out, int depth)
{
    if (depth > RULETEST_MAX_NESTING)
        return ruletest_expected(p, "less nesting");
    if (!lex_is(&p->lex, "("))
        return parse_comparison(p, out);
    lex_next(&p->lex);
    return parse_or(p, out, depth + 1) && ruletest_take(p, ")");
}

/* One operand, or all that `word` joins. */
static bool parse_joined(struct ruletest_parser *p, struct msg_filter *out, int depth, const char *word,
                         enum msg_composite_op op,
                         bool (*operand)(struct ruletest_parser *, struct msg_filter *, int))
{
    struct msg_composite_filter *all = ARENA_NEW(p->arena, struct msg_composite_filter);
    size_t cap = 0;
    all->op = (int32_t)op;
    do {
        if (all->filters.n == cap) {
            size_t grown = cap ? cap * 2 : 4;
            all->filters.items = arena_grow(p->arena, all->filters.items, cap * sizeof *all->filters.items,
                                            grown * sizeof *all->filters.items);
            cap = grown;
        }
        if (++p->nodes > RULETEST_MAX_NODES)
            return ruletest_expected(p, "fewer filters in one file");
        if (!operand(p, &all->filters.items[all->filters.n++], depth))
            return false;
    } while (ruletest_accept(p, word));
    *out = all->filters.items[0];
    if (all->filters.n > 1)
        *out = (struct msg_filter){ .filter_case = 1, .composite = all };
    return true;
}

static bool parse_and(struct ruletest_parser *p, struct msg_filter *out, int depth)
{
    return parse_joined(p, out, depth, "and", COMPOSITE_AND, parse_operand);
}

static bool parse_or(struct ruletest_parser *p, struct msg_filter *out, int depth)
{
    return parse_joined(p, out, depth, "or", COMPOSITE_OR, parse_and);
}

/* ---- the other clauses ---- */

static bool parse_where(struct ruletest_parser *p, struct msg_structured_query *query)
{
    query->where = ARENA_NEW(p->arena, struct msg_filter);
    return parse_or(p, query->where, 0);
}

static bool parse_order(struct ruletest_parser *p, struct msg_structured_query *query)
{
    size_t cap = 0;
    if (!ruletest_take(p, "by"))
        return false;
    do {
        if (query->order_by.n == cap) {
            size_t grown = cap ? cap * 2 : 4;
            query->order_by.items =
                arena_grow(p->arena, query->order_by.items, cap * sizeof *query->order_by.items,
                           grown * sizeof *query->order_by.items);
            cap = grown;
        }
        struct msg_order *order = &query->order_by.items[query->order_by.n++];
        *order = (struct msg_order){ .direction = DIRECTION_ASCENDING };
        if (!parse_field(p, &order->field.field_path))
            return false;
        if (ruletest_accept(p, "desc"))
            order->direction = DIRECTION_DESCENDING;
        else
            ruletest_accept(p, "asc");
    } while (ruletest_accept(p, ","));
    return true;
}

static bool parse_limit(struct ruletest_parser *p, struct msg_structured_query *query)
{
    struct str text = p->lex.token.text;
    if (p->lex.token.kind != LEX_NUMBER || text.n > 9 || memchr(text.p, '.', text.n) ||
        memchr(text.p, 'e', text.n))
        return ruletest_expected(p, "a whole number");
    query->limit.set = true;
    for (size_t i = 0; i < text.n; i++)
        query->limit.value = query->limit.value * 10 + (text.p[i] - '0');
    lex_next(&p->lex);
    return true;
}

static const struct {
    const char *word;
    bool (*parse)(struct ruletest_parser *p, struct msg_structured_query *query);
} clauses[] = { { "where", parse_where }, { "order", parse_order }, { "limit", parse_limit } };

/* c/d/c2: the parent, and the collection in it. */
static bool parse_collection(struct ruletest_parser *p, struct ruletest_case *out, bool group)
{
    struct resource_name name;
    struct status st = status_init(p->arena);
    lex_path(&p->lex);
    struct lex_token path = p->lex.token;
    if (path.kind != LEX_WORD && path.kind != LEX_STRING)
        return ruletest_expected(p, "the path of a collection");
    if (path_parse_resource(&name, ruletest_full_name(p, path.text), &st))
        return ruletest_fail_at(p, path.from, path.to, "%s", status_message(&st));
    if (path_segments(name.path) % 2 == 0)
        return ruletest_fail_at(p, path.from, path.to, "list is for collections, and this is a document");
    out->path = path_parent(name.path);
    out->query->from.items = ARENA_NEW(p->arena, struct msg_collection_selector);
    out->query->from.n = 1;
    *out->query->from.items =
        (struct msg_collection_selector){ .collection_id = path_last(name.path), .all_descendants = group };
    lex_next(&p->lex);
    return true;
}

bool ruletest_parse_query(struct ruletest_parser *p, struct ruletest_case *out)
{
    bool group = false;
    out->kind = RULETEST_LIST;
    out->query = ARENA_NEW(p->arena, struct msg_structured_query);
    /* A collection called group can be listed too: then no path follows. */
    if (lex_is(&p->lex, "group")) {
        struct lexer here = p->lex;
        lex_next(&p->lex);
        group = p->lex.token.kind != LEX_NEWLINE && p->lex.token.kind != LEX_END && !lex_is(&p->lex, "where");
        if (!group)
            p->lex = here;
    }
    if (!parse_collection(p, out, group))
        return false;
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
        if (ruletest_accept(p, clauses[i].word) && !clauses[i].parse(p, out->query))
            return false;
    return true;
}

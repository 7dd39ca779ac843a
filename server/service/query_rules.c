/* query_rules.c - see query_rules.h. */
#include "server/service/query_rules.h"

#include <math.h>

enum { MOST_OF_ONE = 3 }; /* constraints that one filter becomes */

static const struct value true_value = { .kind = VALUE_BOOL, .boolean = true };
static const struct value false_value = { .kind = VALUE_BOOL };
static const struct value null_value = { .kind = VALUE_NULL };

static enum rules_constraint_op constraint_op(int32_t op)
{
    switch (op) {
    case FIELD_OP_LESS_THAN:
        return RULES_LT;
    case FIELD_OP_LESS_THAN_OR_EQUAL:
        return RULES_LE;
    case FIELD_OP_GREATER_THAN:
        return RULES_GT;
    case FIELD_OP_GREATER_THAN_OR_EQUAL:
        return RULES_GE;
    case FIELD_OP_NOT_EQUAL:
        return RULES_NE;
    case FIELD_OP_ARRAY_CONTAINS:
        return RULES_ARRAY_CONTAINS;
    case FIELD_OP_NOT_IN:
        return RULES_NOT_IN;
    default:
        return RULES_EQ;
    }
}

static bool is_null(const struct value *v)
{
    return v->kind == VALUE_NULL;
}

static bool is_void(const struct value *v)
{
    return is_null(v) || (v->kind == VALUE_DOUBLE && isnan(v->number));
}

static bool lists_null(const struct value *list)
{
    for (size_t i = 0; i < list->array.n; i++)
        if (is_null(&list->array.items[i]))
            return true;
    return false;
}

/* Whether the filter, which is not unary, finds nothing. */
static bool finds_nothing(const struct query_constraint *c)
{
    switch (c->op) {
    case FIELD_OP_ARRAY_CONTAINS:
        return false; /* it may, but proves that there is an array */
    case FIELD_OP_NOT_IN:
        return lists_null(c->operand);
    case FIELD_OP_NOT_EQUAL:
        return is_null(c->operand);
    default:
        return is_void(c->operand);
    }
}

/* Adds what one filter says; returns how much. */
static size_t add(struct rules_constraint *out, const struct query_constraint *c)
{
    struct rules_constraint one = { c->field.segments, c->field.n, constraint_op(c->op), c->operand };
    size_t n = 0;
    if (!c->unary && finds_nothing(c)) {
        out[n++] = (struct rules_constraint){ one.field, one.field_n, RULES_EQ, &true_value };
        out[n++] = (struct rules_constraint){ one.field, one.field_n, RULES_EQ, &false_value };
        if (c->op != FIELD_OP_NOT_IN)
            return n;
    } else if (!c->unary && is_void(c->operand)) { /* != NaN, or a search for null or NaN in an array */
        one.op = RULES_NE;
        one.operand = &null_value;
    }
    out[n++] = one;
    return n;
}

static const struct rules_disjunct *disjuncts(size_t *n, const struct query_plan *plan, struct arena *arena)
{
    const struct query_disjunct *from = query_disjuncts(plan, n);
    struct rules_disjunct *to = ARENA_ARRAY(arena, struct rules_disjunct, *n);
    for (size_t i = 0; i < *n; i++) {
        struct rules_constraint *items = ARENA_ARRAY(arena, struct rules_constraint, from[i].n * MOST_OF_ONE);
        size_t made = 0;
        for (size_t k = 0; k < from[i].n; k++)
            made += add(items + made, &from[i].items[k]);
        to[i] = (struct rules_disjunct){ items, made };
    }
    return to;
}

void query_rules(struct rules_query *out, const struct query_plan *plan,
                 const struct msg_structured_query *query, struct str parent, struct arena *arena)
{
    size_t n;
    const struct rules_disjunct *made = disjuncts(&n, plan, arena);
    *out = (struct rules_query){
        .parent = parent,
        .collection_id = query->from.n ? query->from.items[0].collection_id : STR(""),
        .all_descendants = query->from.n && query->from.items[0].all_descendants,
        .has_limit = query->limit.set,
        .limit = query->limit.value,
        .offset = query->offset,
        .disjuncts = made,
        .n_disjuncts = n,
    };
    out->order_by = arena_zalloc(arena, query->order_by.n, sizeof *out->order_by);
    out->n_order_by = query->order_by.n;
    for (size_t i = 0; i < query->order_by.n; i++) {
        out->order_by[i].field = query->order_by.items[i].field.field_path;
        out->order_by[i].descending = query->order_by.items[i].direction == DIRECTION_DESCENDING;
    }
}

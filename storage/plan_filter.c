/* plan_filter.c - the filters of a query: what may be asked, in which order mistakes are noticed, and the
 * tree multiplied out. See plan.h.
 *
 * The work is bounded although a request may hold a million filters: repeated siblings are looked for among
 * DISTINCT_AMONG at most, and nothing is multiplied out before plan_filter_check has counted at most
 * LIMIT_QUERY_FILTERS comparisons. */
#include "storage/plan.h"

#include "core/limits.h"
#include "core/path.h"

#include <assert.h>
#include <math.h>

enum { DISTINCT_AMONG = 256 };

/* ---- operators ---- */

static const struct op_info {
    const char *name; /* as messages have it; NULL: no such operator */
    uint8_t list_max; /* how many elements the list may have; 0: takes no list */
    bool orders;      /* an inequality: orders the result by its field */
    bool negative;    /* one of the four of which a query may have one */
    bool array;       /* looks at the elements of the field's array */
} ops[MATCH_OPS] = {
    [MATCH_LESS] = { .name = "LESS_THAN", .orders = true },
    [MATCH_LESS_OR_EQUAL] = { .name = "LESS_THAN_OR_EQUAL", .orders = true },
    [MATCH_GREATER] = { .name = "GREATER_THAN", .orders = true },
    [MATCH_GREATER_OR_EQUAL] = { .name = "GREATER_THAN_OR_EQUAL", .orders = true },
    [MATCH_EQUAL] = { .name = "EQUAL" },
    [MATCH_NOT_EQUAL] = { .name = "NOT_EQUAL", .orders = true, .negative = true },
    [MATCH_ARRAY_CONTAINS] = { .name = "ARRAY_CONTAINS", .array = true },
    [MATCH_IN] = { .name = "IN", .list_max = LIMIT_QUERY_DISJUNCTIONS },
    [MATCH_ARRAY_CONTAINS_ANY] = { .name = "ARRAY_CONTAINS_ANY",
                                   .list_max = LIMIT_QUERY_DISJUNCTIONS,
                                   .array = true },
    [MATCH_NOT_IN] = { .name = "NOT_IN", .list_max = LIMIT_QUERY_NOT_IN, .orders = true, .negative = true },
    [MATCH_IS_NAN] = { .name = "IS_NAN" },
    [MATCH_IS_NULL] = { .name = "IS_NULL" },
    [MATCH_IS_NOT_NAN] = { .name = "IS_NOT_NAN", .orders = true, .negative = true },
    [MATCH_IS_NOT_NULL] = { .name = "IS_NOT_NULL", .orders = true, .negative = true },
};

/* MATCH_OPS for a number that is no operator. */
static enum match_op field_op(int32_t op)
{
    bool known = op >= FIELD_OP_LESS_THAN && op <= FIELD_OP_NOT_IN;
    return known ? (enum match_op)op : MATCH_OPS;
}

static enum match_op unary_op(int32_t op)
{
    switch (op) {
    case UNARY_OP_IS_NAN:
        return MATCH_IS_NAN;
    case UNARY_OP_IS_NULL:
        return MATCH_IS_NULL;
    case UNARY_OP_IS_NOT_NAN:
        return MATCH_IS_NOT_NAN;
    case UNARY_OP_IS_NOT_NULL:
        return MATCH_IS_NOT_NULL;
    default:
        return MATCH_OPS;
    }
}

bool plan_leaf_orders(const struct match_filter *leaf)
{
    return ops[leaf->op].orders && !match_is_void(leaf);
}

/* ---- what may not stand together ---- */

struct combination {
    size_t filters, negatives;
    bool not_in, any; /* any: something that makes disjunctions */
};

static void combine(struct combination *c, const struct msg_filter *filter)
{
    enum match_op op = MATCH_OPS;
    c->filters++;
    if (filter->filter_case == 1 && filter->composite) {
        c->any = c->any || filter->composite->op == COMPOSITE_OR;
        for (size_t i = 0; i < filter->composite->filters.n; i++)
            combine(c, &filter->composite->filters.items[i]);
    } else if (filter->filter_case == 2 && filter->field) {
        op = field_op(filter->field->op);
    } else if (filter->filter_case == 3 && filter->unary) {
        op = unary_op(filter->unary->op);
    }
    if (op == MATCH_OPS)
        return;
    c->negatives += ops[op].negative;
    c->not_in = c->not_in || op == MATCH_NOT_IN;
    c->any = c->any || op == MATCH_IN || op == MATCH_ARRAY_CONTAINS_ANY;
}

enum status_code plan_filter_combination(size_t *filters, const struct msg_filter *filter, struct status *st)
{
    struct combination c = { 0 };
    combine(&c, filter);
    *filters = c.filters;
    if (c.negatives > 1)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per "
            "query.");
    if (c.not_in && c.any)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.");
    return STATUS_OK;
}

/* ---- conversion ---- */

static bool same_values(const struct value *a, const struct value *b)
{
    return a == b || (a && b && value_identical(a, b));
}

static bool same_filter(const struct match_filter *a, const struct match_filter *b)
{
    if (a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == MATCH_FIELD || a->kind == MATCH_NAME)
        return a->op == b->op && field_path_cmp(&a->field, &b->field) == 0 &&
               same_values(a->operand, b->operand);
    for (size_t i = 0; i < a->n; i++)
        if (!same_filter(&a->items[i], &b->items[i]))
            return false;
    return true;
}

/* An operand of its own, a list without repetitions. */
static const struct value *convert_operand(const struct value *value, bool list, struct arena *arena)
{
    struct value *copy = ARENA_NEW(arena, struct value);
    *copy = value_copy(arena, value);
    if (!list)
        return copy;
    size_t n = 0;
    struct value *items = copy->array.items;
    for (size_t i = 0; i < copy->array.n; i++) {
        size_t k = 0;
        while (k < n && !value_identical(&items[k], &items[i]))
            k++;
        if (k == n)
            items[n++] = items[i];
    }
    copy->array.n = n;
    return copy;
}

static enum status_code check_list(const struct op_info *op, const struct value *value, struct status *st)
{
    if (value->kind != VALUE_ARRAY)
        return status_set(st, STATUS_INVALID_ARGUMENT, "'%s' requires an ArrayValue.", op->name);
    if (value->array.n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "'%s' requires an non-empty ArrayValue.", op->name);
    if (value->array.n > op->list_max)
        return status_set(st, STATUS_INVALID_ARGUMENT, "'%s' supports up to %d comparison values.", op->name,
                          op->list_max);
    return STATUS_OK;
}

static enum status_code convert_field(struct match_filter *out, const struct msg_field_filter *filter,
                                      struct arena *arena, struct status *st)
{
    if (field_path_parse(&out->field, arena, filter->field.field_path, st))
        return st->code;
    if (value_check_operand(&filter->value, st))
        return st->code;
    out->op = field_op(filter->op);
    if (out->op == MATCH_OPS)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Unknown FieldFilter operator.");
    bool list = ops[out->op].list_max > 0;
    if (list && check_list(&ops[out->op], &filter->value, st))
        return st->code;
    out->kind = field_path_is_name(&out->field) ? MATCH_NAME : MATCH_FIELD;
    out->operand = convert_operand(&filter->value, list, arena);
    return STATUS_OK;
}

static enum status_code convert_unary(struct match_filter *out, const struct msg_unary_filter *filter,
                                      struct arena *arena, struct status *st)
{
    if (!filter->field)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Unsupported UnaryFilter operand type (non-FIELD).");
    if (field_path_parse(&out->field, arena, filter->field->field_path, st))
        return st->code;
    out->op = unary_op(filter->op);
    if (out->op == MATCH_OPS)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Unknown UnaryFilter operator.");
    out->kind = field_path_is_name(&out->field) ? MATCH_NAME : MATCH_FIELD;
    return STATUS_OK;
}

static enum status_code convert_composite(struct match_filter *out, const struct msg_composite_filter *filter,
                                          struct arena *arena, struct status *st)
{
    if (filter->op != COMPOSITE_AND && filter->op != COMPOSITE_OR)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Unsupported CompositeFilter operator.");
    out->kind = filter->op == COMPOSITE_AND ? MATCH_AND : MATCH_OR;
    if (out->kind == MATCH_OR && filter->filters.n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Composite filter must have at least one sub-filter.");
    out->items = ARENA_ARRAY(arena, struct match_filter, filter->filters.n);
    for (size_t i = 0; i < filter->filters.n; i++) {
        struct match_filter *item = &out->items[out->n];
        if (plan_filter_convert(item, &filter->filters.items[i], arena, st))
            return st->code;
        size_t k = 0;
        while (k < out->n && k < DISTINCT_AMONG && !same_filter(&out->items[k], item))
            k++;
        bool repeated = k < out->n && k < DISTINCT_AMONG;
        out->n += !repeated;
    }
    return STATUS_OK;
}

enum status_code plan_filter_convert(struct match_filter *out, const struct msg_filter *filter,
                                     struct arena *arena, struct status *st)
{
    *out = (struct match_filter){ 0 };
    if (filter->filter_case == 1 && filter->composite)
        return convert_composite(out, filter->composite, arena, st);
    if (filter->filter_case == 2 && filter->field)
        return convert_field(out, filter->field, arena, st);
    if (filter->filter_case == 3 && filter->unary)
        return convert_unary(out, filter->unary, arena, st);
    return status_set(st, STATUS_INVALID_ARGUMENT, "Unknown Filter type.");
}

/* ---- walking the tree ---- */

static bool is_leaf(const struct match_filter *filter)
{
    return filter->kind == MATCH_FIELD || filter->kind == MATCH_NAME;
}

void plan_filter_visit(const struct match_filter *filter,
                       void (*visit)(void *data, const struct match_filter *leaf), void *data)
{
    if (!filter)
        return;
    if (is_leaf(filter))
        visit(data, filter);
    for (size_t i = 0; i < filter->n; i++)
        plan_filter_visit(&filter->items[i], visit, data);
}

static void count_leaf(void *data, const struct match_filter *leaf)
{
    *(size_t *)data += ops[leaf->op].list_max ? leaf->operand->array.n : 1;
}

size_t plan_filter_count(const struct match_filter *filter)
{
    size_t n = 0;
    plan_filter_visit(filter, count_leaf, &n);
    return n;
}

/* The most array comparisons that one disjunction will have. */
static size_t count_arrays(const struct match_filter *filter)
{
    if (is_leaf(filter))
        return ops[filter->op].array;
    size_t sum = 0, most = 0;
    for (size_t i = 0; i < filter->n; i++) {
        size_t n = count_arrays(&filter->items[i]);
        sum += n;
        most = n > most ? n : most;
    }
    return filter->kind == MATCH_AND ? sum : most;
}

/* ---- operands against the query they stand in ---- */

const char *plan_field_text(struct arena *arena, const struct field_path *field)
{
    size_t n = 1;
    for (size_t i = 0; i < field->n; i++)
        n += field->segments[i].n + 1;
    char *text = arena_alloc(arena, n), *at = text;
    for (size_t i = 0; i < field->n; i++) {
        if (i > 0)
            *at++ = '.';
        if (field->segments[i].n)
            memcpy(at, field->segments[i].p, field->segments[i].n);
        at += field->segments[i].n;
    }
    char shown[STATUS_SHOWN];
    return arena_printf(arena, "%s", status_show(shown, str_from(text, (size_t)(at - text))));
}

static enum status_code name_operand(struct str *path, const struct value *value, struct database_name db,
                                     struct arena *arena, struct status *st)
{
    struct resource_name name;
    if (value->kind != VALUE_REFERENCE)
        return status_set(st, STATUS_INVALID_ARGUMENT, "__key__ filter value must be a Key");
    if (path_parse_reference(&name, value->text, st))
        return st->code;
    if (!database_name_eq(name.db, db))
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "The request was for database 'projects/" STR_FMT "/databases/" STR_FMT
            "' but was attempting to access database 'projects/" STR_FMT "/databases/" STR_FMT "'",
            STR_ARG(db.project), STR_ARG(db.database), STR_ARG(name.db.project), STR_ARG(name.db.database));
    *path = arena_str(arena, name.path);
    return STATUS_OK;
}

static enum status_code check_name(struct match_filter *leaf, const struct query_plan *plan,
                                   struct arena *arena, struct status *st)
{
    if (ops[leaf->op].array)
        return status_set(st, STATUS_INVALID_ARGUMENT, "the name __key__ is reserved");
    if (!leaf->operand)
        return status_set(st, STATUS_INVALID_ARGUMENT, "__key__ filter value must be a Key");
    bool list = ops[leaf->op].list_max > 0;
    const struct value *values = list ? leaf->operand->array.items : leaf->operand;
    leaf->n_paths = list ? leaf->operand->array.n : 1;
    leaf->paths = ARENA_ARRAY(arena, struct str, leaf->n_paths);
    for (size_t i = 0; i < leaf->n_paths; i++)
        if (name_operand(&leaf->paths[i], &values[i], plan->db, arena, st))
            return st->code;
    return STATUS_OK;
}

static enum status_code check_field(const struct match_filter *leaf, const struct query_plan *plan,
                                    struct arena *arena, struct status *st)
{
    const char *suffix = ops[leaf->op].array ? "[*]" : "";
    bool list = ops[leaf->op].list_max > 0;
    const struct value *values = list ? leaf->operand->array.items : leaf->operand;
    size_t n = list ? leaf->operand->array.n : leaf->operand != NULL;
    for (size_t i = 0; i < n; i++)
        if (value_size(&values[i]) > LIMIT_QUERY_VALUE_BYTES)
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "value for %s%s is too large to be used in a query",
                              plan_field_text(arena, &leaf->field), suffix);
    if (plan->collection_id.n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "kind is required for filter: %s%s",
                          plan_field_text(arena, &leaf->field), suffix);
    return STATUS_OK;
}

static enum status_code check_leaves(struct match_filter *filter, const struct query_plan *plan,
                                     struct arena *arena, struct status *st)
{
    if (filter->kind == MATCH_NAME)
        return check_name(filter, plan, arena, st);
    if (filter->kind == MATCH_FIELD)
        return check_field(filter, plan, arena, st);
    for (size_t i = 0; i < filter->n; i++)
        if (check_leaves(&filter->items[i], plan, arena, st))
            return st->code;
    return STATUS_OK;
}

enum status_code plan_filter_check(struct match_filter *filter, const struct query_plan *plan,
                                   struct arena *arena, struct status *st)
{
    if (count_arrays(filter) > 1)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.");
    return check_leaves(filter, plan, arena, st);
}

/* ---- multiplying out ---- */

static const struct value null_value = { .kind = VALUE_NULL };
static const struct value nan_value = { .kind = VALUE_DOUBLE, .number = NAN };

static struct query_constraint leaf_constraint(const struct match_filter *leaf)
{
    struct query_constraint c = { .field = leaf->field, .op = (int32_t)leaf->op, .operand = leaf->operand };
    if (!leaf->operand) {
        bool not = leaf->op == MATCH_IS_NOT_NAN || leaf->op == MATCH_IS_NOT_NULL;
        bool nan = leaf->op == MATCH_IS_NAN || leaf->op == MATCH_IS_NOT_NAN;
        c.op = not ? FIELD_OP_NOT_EQUAL : FIELD_OP_EQUAL;
        c.unary = true;
        c.operand = nan ? &nan_value : &null_value;
    }
    return c;
}

/* A growing list of disjunctions; each is a list of constraints in the arena. */
struct disjuncts {
    struct query_disjunct *items;
    size_t n;
};

static struct disjuncts expand_leaf(const struct match_filter *leaf, struct arena *arena)
{
    struct query_constraint c = leaf_constraint(leaf);
    bool any = leaf->op == MATCH_IN || leaf->op == MATCH_ARRAY_CONTAINS_ANY;
    struct disjuncts out = { .n = any ? leaf->operand->array.n : 1 };
    out.items = ARENA_ARRAY(arena, struct query_disjunct, out.n);
    for (size_t i = 0; i < out.n; i++) {
        if (any) {
            c.op = leaf->op == MATCH_IN ? FIELD_OP_EQUAL : FIELD_OP_ARRAY_CONTAINS;
            c.operand = &leaf->operand->array.items[i];
        }
        out.items[i] = (struct query_disjunct){ ARENA_NEW(arena, struct query_constraint), 1 };
        out.items[i].items[0] = c;
    }
    return out;
}

static struct disjuncts append(struct disjuncts a, struct disjuncts b, struct arena *arena)
{
    struct disjuncts out = { .n = a.n + b.n };
    out.items = arena_grow(arena, a.items, a.n * sizeof *a.items, out.n * sizeof *out.items);
    for (size_t i = 0; i < b.n; i++)
        out.items[a.n + i] = b.items[i];
    return out;
}

static struct disjuncts multiply(struct disjuncts a, struct disjuncts b, struct arena *arena)
{
    struct disjuncts out = { .n = a.n * b.n };
    out.items = ARENA_ARRAY(arena, struct query_disjunct, out.n);
    for (size_t i = 0; i < out.n; i++) {
        const struct query_disjunct *x = &a.items[i / b.n], *y = &b.items[i % b.n];
        struct query_constraint *both = ARENA_ARRAY(arena, struct query_constraint, x->n + y->n);
        for (size_t k = 0; k < x->n; k++)
            both[k] = x->items[k];
        for (size_t k = 0; k < y->n; k++)
            both[x->n + k] = y->items[k];
        out.items[i] = (struct query_disjunct){ both, x->n + y->n };
    }
    return out;
}

/* False when AND makes too many: they are not even counted then. */
static bool expand(struct disjuncts *out, const struct match_filter *filter, struct arena *arena)
{
    if (is_leaf(filter)) {
        *out = expand_leaf(filter, arena);
        return true;
    }
    bool all = filter->kind == MATCH_AND;
    *out = (struct disjuncts){ ARENA_NEW(arena, struct query_disjunct), all };
    for (size_t i = 0; i < filter->n; i++) {
        struct disjuncts item;
        if (!expand(&item, &filter->items[i], arena))
            return false;
        if (all && out->n > 1 && item.n > 1 && out->n * item.n > LIMIT_QUERY_PRODUCT)
            return false;
        *out = all ? multiply(*out, item, arena) : append(*out, item, arena);
    }
    return true;
}

enum status_code plan_filter_expand(struct query_plan *plan, struct arena *arena, struct status *st)
{
    static const struct match_filter everything = { .kind = MATCH_AND };
    struct disjuncts d;
    if (!expand(&d, plan->filter ? plan->filter : &everything, arena))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "Too many disjunctions after normalization, the maximum is %d",
                          LIMIT_QUERY_DISJUNCTIONS);
    if (d.n > LIMIT_QUERY_DISJUNCTIONS)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "Too many disjunctions after normalization. Result had %zu disjunctions which is more than "
            "the maximum of %d",
            d.n, LIMIT_QUERY_DISJUNCTIONS);
    plan->disjuncts = d.items;
    plan->n_disjuncts = d.n;
    return STATUS_OK;
}

/* match.c - see match.h. */
#include "storage/match.h"

#include "core/order.h"

#include <assert.h>
#include <math.h>

bool match_is_nan(const struct value *value)
{
    return value->kind == VALUE_DOUBLE && isnan(value->number);
}

static bool is_null(const struct value *value)
{
    return value->kind == VALUE_NULL;
}

/* What EQUAL and the inequalities can never be satisfied by. */
static bool is_void(const struct value *value)
{
    return is_null(value) || match_is_nan(value);
}

static bool equals(const struct value *value, const struct value *operand)
{
    return !is_void(operand) && value_equal(value, operand);
}

static bool equals_any(const struct value *value, const struct value_list *operands)
{
    for (size_t i = 0; i < operands->n; i++)
        if (equals(value, &operands->items[i]))
            return true;
    return false;
}

static bool has_null(const struct value_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (is_null(&list->items[i]))
            return true;
    return false;
}

static bool contains_any(const struct value *array, const struct value *operands, size_t n)
{
    if (array->kind != VALUE_ARRAY)
        return false;
    for (size_t i = 0; i < array->array.n; i++)
        for (size_t k = 0; k < n; k++)
            if (equals(&array->array.items[i], &operands[k]))
                return true;
    return false;
}

/* Whether a comparison that came out as `c` (like memcmp) satisfies an inequality. */
static bool satisfies(enum match_op op, int c)
{
    switch (op) {
    case MATCH_LESS:
        return c < 0;
    case MATCH_LESS_OR_EQUAL:
        return c <= 0;
    case MATCH_GREATER:
        return c > 0;
    default:
        assert(op == MATCH_GREATER_OR_EQUAL);
        return c >= 0;
    }
}

static bool is_ordered(enum match_op op, const struct value *value, const struct value *operand)
{
    return !is_void(value) && !is_void(operand) && order_class_of(value) == order_class_of(operand) &&
           satisfies(op, order_compare(value, operand));
}

static bool match_field(const struct match_filter *f, const struct value_map *fields)
{
    const struct value *value = field_path_get(fields, &f->field);
    if (!value)
        return false;
    switch (f->op) {
    case MATCH_LESS:
    case MATCH_LESS_OR_EQUAL:
    case MATCH_GREATER:
    case MATCH_GREATER_OR_EQUAL:
        return is_ordered(f->op, value, f->operand);
    case MATCH_EQUAL:
        return equals(value, f->operand);
    case MATCH_NOT_EQUAL:
        return !is_null(value) && !is_null(f->operand) && !equals(value, f->operand);
    case MATCH_ARRAY_CONTAINS:
        return contains_any(value, f->operand, 1);
    case MATCH_ARRAY_CONTAINS_ANY:
        return contains_any(value, f->operand->array.items, f->operand->array.n);
    case MATCH_IN:
        return equals_any(value, &f->operand->array);
    case MATCH_NOT_IN:
        return !is_null(value) && !has_null(&f->operand->array) && !equals_any(value, &f->operand->array);
    case MATCH_IS_NAN:
        return match_is_nan(value);
    case MATCH_IS_NULL:
        return is_null(value);
    case MATCH_IS_NOT_NAN:
        return !is_void(value);
    case MATCH_IS_NOT_NULL:
        return !is_null(value);
    case MATCH_OPS:
        break;
    }
    assert(false); /* a plan has no filter without operator */
    return false;
}

static bool match_name(const struct match_filter *f, struct str path)
{
    bool listed = false;
    switch (f->op) {
    case MATCH_EQUAL:
    case MATCH_IN:
    case MATCH_NOT_EQUAL:
    case MATCH_NOT_IN:
        for (size_t i = 0; i < f->n_paths && !listed; i++)
            listed = str_eq(path, f->paths[i]);
        return listed == (f->op == MATCH_EQUAL || f->op == MATCH_IN);
    default:
        assert(f->n_paths == 1);
        return satisfies(f->op, order_compare_path(path, f->paths[0]));
    }
}

bool match_is_void(const struct match_filter *leaf)
{
    switch (leaf->op) {
    case MATCH_LESS:
    case MATCH_LESS_OR_EQUAL:
    case MATCH_GREATER:
    case MATCH_GREATER_OR_EQUAL:
    case MATCH_EQUAL:
        return is_void(leaf->operand);
    case MATCH_NOT_EQUAL:
        return is_null(leaf->operand);
    case MATCH_NOT_IN: /* each element is a NOT_EQUAL of its own */
        for (size_t i = 0; i < leaf->operand->array.n; i++)
            if (!is_null(&leaf->operand->array.items[i]))
                return false;
        return true;
    default:
        return false;
    }
}

bool match_filter(const struct match_filter *filter, struct str path, const struct value_map *fields)
{
    if (!filter)
        return true;
    switch (filter->kind) {
    case MATCH_FIELD:
        return match_field(filter, fields);
    case MATCH_NAME:
        return match_name(filter, path);
    case MATCH_AND:
        for (size_t i = 0; i < filter->n; i++)
            if (!match_filter(&filter->items[i], path, fields))
                return false;
        return true;
    case MATCH_OR:
        for (size_t i = 0; i < filter->n; i++)
            if (match_filter(&filter->items[i], path, fields))
                return true;
        return false;
    }
    assert(false);
    return false;
}

/* constraint.c - see constraint.h. */
#include "rules-engine/constraint.h"

#include <assert.h>

/* ---- resource.data ---- */

static bool is_name(const struct rules_constraint *c)
{
    return c->field_n == 1 && str_eq(c->field[0], STR("__name__"));
}

static struct rvalue build(struct arena *arena, const struct rules_constraint *const *items, size_t n,
                           size_t depth);

/* Whether the filters say one thing, that the field equals a value. */
static bool is_value(const struct rules_constraint *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (items[i]->op != RULES_EQ || items[i]->operand->kind != items[0]->operand->kind ||
            !value_equal(items[i]->operand, items[0]->operand))
            return false;
    return n > 0;
}

/* The value of one field: `items` share the first depth segments. */
static struct rvalue build_field(struct arena *arena, const struct rules_constraint *const *items, size_t n,
                                 size_t depth)
{
    const struct rules_constraint **leaves = ARENA_ARRAY(arena, const struct rules_constraint *, n);
    const struct rules_constraint **deeper = ARENA_ARRAY(arena, const struct rules_constraint *, n);
    size_t n_leaves = 0, n_deeper = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i]->field_n > depth)
            deeper[n_deeper++] = items[i];
        else
            leaves[n_leaves++] = items[i];
    }
    if (is_value(leaves, n_leaves))
        return rv_of_value(arena, leaves[0]->operand); /* invariant 2 */
    if (n_deeper > 0)
        return build(arena, deeper, n_deeper, depth);
    struct constraint_set *set = ARENA_NEW(arena, struct constraint_set);
    *set = (struct constraint_set){ leaves, n_leaves };
    return RV(RT_CONSTRAINT, constraint, set);
}

/* The map of the fields at segment `depth`. */
static struct rvalue build(struct arena *arena, const struct rules_constraint *const *items, size_t n,
                           size_t depth)
{
    struct rentry *entries = ARENA_ARRAY(arena, struct rentry, n);
    const struct rules_constraint **group = ARENA_ARRAY(arena, const struct rules_constraint *, n);
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        struct str name = items[i]->field[depth];
        bool seen = false;
        for (size_t k = 0; k < made && !seen; k++)
            seen = str_eq(entries[k].name, name);
        if (seen)
            continue;
        size_t in_group = 0;
        for (size_t k = i; k < n; k++)
            if (str_eq(items[k]->field[depth], name))
                group[in_group++] = items[k];
        entries[made++] = (struct rentry){ name, build_field(arena, group, in_group, depth + 1) };
    }
    return rv_map(entries, rv_sort_entries(entries, made));
}

/* resource.__name__, which no filter makes a value: that is judged as a document. False: there is none. */
static bool name_constraint(struct rvalue *out, struct arena *arena, const struct rules_disjunct *disjunct,
                            bool below)
{
    const struct rules_constraint **items = ARENA_ARRAY(arena, const struct rules_constraint *, disjunct->n);
    struct constraint_set *set = ARENA_NEW(arena, struct constraint_set);
    *set = (struct constraint_set){ items, 0 };
    *out = RV(RT_CONSTRAINT, constraint, set);
    for (size_t i = 0; i < disjunct->n; i++) {
        const struct rules_constraint *c = &disjunct->items[i];
        if (!is_name(c))
            continue;
        below = true;
        if (c->op == RULES_NE || c->op == RULES_NOT_IN)
            items[set->n++] = c;
    }
    return below;
}

static struct rvalue data(struct arena *arena, const struct rules_disjunct *disjunct)
{
    const struct rules_constraint **items = ARENA_ARRAY(arena, const struct rules_constraint *, disjunct->n);
    size_t n = 0;
    for (size_t i = 0; i < disjunct->n; i++)
        if (disjunct->items[i].field_n > 0 && !is_name(&disjunct->items[i]))
            items[n++] = &disjunct->items[i];
    return build(arena, items, n, 0);
}

struct rvalue constraint_resource(struct arena *arena, const struct rules_disjunct *disjunct, bool below)
{
    struct rentry *entries = arena_alloc(arena, 2 * sizeof *entries); /* in the order of their names */
    struct rvalue name;
    size_t n = 0;
    if (name_constraint(&name, arena, disjunct, below))
        entries[n++] = (struct rentry){ STR("__name__"), name };
    entries[n++] = (struct rentry){ STR("data"), data(arena, disjunct) };
    return rv_map(entries, n);
}

bool constraint_name(struct str *path, const struct rules_disjunct *disjunct)
{
    for (size_t i = 0; i < disjunct->n; i++) {
        const struct rules_constraint *c = &disjunct->items[i];
        if (!is_name(c) || c->op != RULES_EQ || c->operand->kind != VALUE_REFERENCE)
            continue;
        struct str rest = c->operand->text, id;
        for (int skip = 0; skip < 5; skip++) /* projects, p, databases, d, documents */
            if (!path_next(&rest, &id))
                return false;
        *path = rest;
        return true;
    }
    return false;
}

/* ---- implication ---- */

/* Does `field have x` imply `field want y`, when x and y compare as `order` (x against y)? */
static bool implies(enum rules_constraint_op have, enum ast_kind want, int order)
{
    switch (have) {
    case RULES_GT:
        return (want == AST_GT || want == AST_GE || want == AST_NE) && order >= 0;
    case RULES_GE:
        return (want == AST_GE && order >= 0) || ((want == AST_GT || want == AST_NE) && order > 0);
    case RULES_LT:
        return (want == AST_LT || want == AST_LE || want == AST_NE) && order <= 0;
    case RULES_LE:
        return (want == AST_LE && order <= 0) || ((want == AST_LT || want == AST_NE) && order < 0);
    default:
        return false;
    }
}

/* A float filter proves nothing about an int of the rules, not even n > 5.5 that n > 5; the other way round
 * it does. Observed on Google's emulator 1.19.9, and kept: what we allow here it would deny. */
static bool comparable(struct rvalue operand, struct rvalue other)
{
    return operand.type != RT_FLOAT || other.type != RT_INT;
}

static bool not_in(struct arena *arena, const struct value *list, struct rvalue v)
{
    if (list->kind != VALUE_ARRAY)
        return false;
    for (size_t i = 0; i < list->array.n; i++) {
        struct rvalue item = rv_of_value(arena, &list->array.items[i]);
        if (comparable(item, v) && rv_equal(arena, item, v))
            return true;
    }
    return false;
}

static bool has_order(enum ast_kind op, int order)
{
    switch (op) {
    case AST_LT:
        return order < 0;
    case AST_LE:
        return order <= 0;
    case AST_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* Whether both are numbers, or of the same type: other values are never compared with a filter's. */
static bool same_class(struct rvalue a, struct rvalue b)
{
    bool numbers = (a.type == RT_INT || a.type == RT_FLOAT) && (b.type == RT_INT || b.type == RT_FLOAT);
    return numbers || a.type == b.type;
}

static bool is_nan(struct rvalue v)
{
    return v.type == RT_FLOAT && rv_unordered(v, v);
}

/* What is compared with a number is != NaN, which nothing equals; Google's proves it for these alone. */
static bool is_numeric(struct arena *arena, const struct rules_constraint *c)
{
    const struct value *v = c->operand;
    if (c->op != RULES_NOT_IN)
        return v->kind == VALUE_INT || v->kind == VALUE_DOUBLE;
    for (size_t i = 0; v->kind == VALUE_ARRAY && i < v->array.n; i++) {
        struct rvalue item = rv_of_value(arena, &v->array.items[i]);
        if ((item.type == RT_INT || item.type == RT_FLOAT) && !is_nan(item))
            return true;
    }
    return false;
}

/* ---- text ---- */

/* Queries order text by its characters, rules by its UTF-16 units. The two differ in one thing: U+E000 to
 * U+FFFF come after the characters beyond them, which are pairs of units, in the one, and before in the
 * other. */
enum { FIRST_MOVED = 0xEE, FIRST_PAIR = 0xF0 }; /* the first bytes of U+E000 and of U+10000 */

/* The part of a bound that means the same in both orders: up to the first character beyond which one of them
 * goes on to what the other has on this side. */
static struct str agreed(struct str bound, bool lower)
{
    for (size_t i = 0; i < bound.n; i++) {
        unsigned char c = (unsigned char)bound.p[i];
        if (lower ? c >= FIRST_MOVED && c < FIRST_PAIR : c >= FIRST_PAIR)
            return str_from(bound.p, i);
    }
    return bound;
}

static bool is_within(enum rules_constraint_op bound, int order)
{
    static const enum ast_kind same[] = {
        [RULES_LT] = AST_LT, [RULES_LE] = AST_LE, [RULES_GT] = AST_GT, [RULES_GE] = AST_GE
    };
    return has_order(same[bound], order);
}

/* Whether `field have bound`, in the order of queries, implies `field want other` in that of the rules. */
static bool text_implies(struct arena *arena, enum rules_constraint_op have, struct str bound,
                         enum ast_kind want, struct str other)
{
    static const struct str first_pair = STR_INIT("\U00010000");
    bool lower = have == RULES_GT || have == RULES_GE;
    if (want == AST_NE)
        return !is_within(have, str_cmp(other, bound)) && !is_within(have, rv_utf16_cmp(other, bound));
    struct str sure = agreed(bound, lower);
    if (sure.n == bound.n)
        return implies(have, want, rv_utf16_cmp(bound, other));
    if (lower) /* the least that is left, in the order of the rules, are the pairs */
        return implies(RULES_GE, want, rv_utf16_cmp(rv_concat(arena, sure, first_pair), other));
    return implies(RULES_LT, want, rv_utf16_cmp(sure, other)) && !str_starts(other, sure);
}

/* ---- one filter ---- */

/* `field == operand` beside other filters: what holds for the operand. */
static bool equal_implies(struct arena *arena, struct rvalue operand, enum ast_kind op, struct rvalue other)
{
    int order;
    if (!same_class(operand, other))
        return false;
    if (op == AST_NE)
        return !rv_equal(arena, operand, other);
    if (!comparable(operand, other))
        return false;
    if (op == AST_EQ)
        return rv_equal(arena, operand, other);
    return rv_order(&order, operand, other) && !rv_unordered(operand, other) && has_order(op, order);
}

static bool one_implies(struct arena *arena, const struct rules_constraint *c, enum ast_kind op,
                        struct rvalue other)
{
    int order;
    struct rvalue operand = rv_of_value(arena, c->operand);
    if (op == AST_NE && other.type == RT_NULL && !(c->op == RULES_EQ && operand.type == RT_NULL))
        return true;
    if (op == AST_NE && is_nan(other) && is_numeric(arena, c))
        return true;
    if (c->op == RULES_EQ)
        return equal_implies(arena, operand, op, other);
    if (!comparable(operand, other))
        return false;
    if (c->op == RULES_NE)
        return op == AST_NE && rv_equal(arena, operand, other);
    if (c->op == RULES_NOT_IN)
        return op == AST_NE && not_in(arena, c->operand, other);
    if (operand.type == RT_STRING && other.type == RT_STRING && c->op != RULES_ARRAY_CONTAINS)
        return text_implies(arena, c->op, rv_str(operand), op, rv_str(other));
    return rv_order(&order, operand, other) && !rv_unordered(operand, other) && implies(c->op, op, order);
}

bool constraint_implies(struct arena *arena, const struct constraint_set *set, enum ast_kind op,
                        struct rvalue other)
{
    assert(op >= AST_EQ && op <= AST_GE);
    for (size_t i = 0; i < set->n; i++)
        if (one_implies(arena, set->items[i], op, other))
            return true;
    return false;
}

bool constraint_contains(struct arena *arena, const struct constraint_set *set, struct rvalue v)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->items[i]->op == RULES_ARRAY_CONTAINS &&
            rv_equal(arena, rv_of_value(arena, set->items[i]->operand), v))
            return true;
    return false;
}

/* constraints.c - the one method of a field that a query constrains without fixing its value, and where such
 * a field may not be. */
#include "rules-engine/builtins/tables.h"

#include "rules-engine/constraint.h"

/* Values of documents cannot hold one: only what rules put together is searched. */
static bool holds_constraint(struct arena *arena, struct rvalue v)
{
    if (v.type == RT_CONSTRAINT)
        return true;
    if ((v.type == RT_LIST || v.type == RT_SET) && v.form == LIST_ITEMS) {
        for (size_t i = 0; i < v.n; i++)
            if (holds_constraint(arena, v.items[i]))
                return true;
    } else if (v.type == RT_MAP && v.form == MAP_ENTRIES) {
        for (size_t i = 0; i < v.n; i++)
            if (holds_constraint(arena, rv_value_at(arena, v, i)))
                return true;
    }
    return false;
}

bool builtin_is_unproved(const struct eval *e, struct rvalue v)
{
    return e->request->method == RULES_LIST && holds_constraint(e->arena, v);
}

struct rvalue builtin_no_equality(struct eval *e)
{
    return eval_error(e, "Equality is not defined for type CONSTRAINT_VALUE");
}

static struct rvalue has_any(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    for (size_t i = 0; i < args[0].n; i++) {
        struct rvalue v = rv_at(e->arena, args[0], i);
        if (v.type == RT_CONSTRAINT)
            return eval_type_error(e, v, CONSTRAINT_EQUALITY_TYPES);
        if (constraint_contains(e->arena, self->constraint, v))
            return rv_bool(true);
    }
    return rv_bool(false);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_CONSTRAINT, "hasAny", 1, ARGS(T_LIST), "constraint.hasAny(list)",
               "list queries: whether an array-contains filter is for one of the elements.", has_any),
};
BUILTIN_TABLE(builtin_constraints, rows);

/* constraints.c - the one method of a field that a query constrains without fixing its value. */
#include "rules-engine/builtins/tables.h"

#include "rules-engine/constraint.h"

static struct rvalue has_any(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    for (size_t i = 0; i < args[0].seq.n; i++)
        if (constraint_contains(e->arena, self->constraint, rv_at(e->arena, args[0], i)))
            return rv_bool(true);
    return rv_bool(false);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_CONSTRAINT, "hasAny", 1, ARGS(T_LIST), "constraint.hasAny(list)",
               "list queries: whether an array-contains filter is for one of the elements.", has_any),
};
BUILTIN_TABLE(builtin_constraints, rows);

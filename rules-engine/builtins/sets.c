/* sets.c - methods of set. Elements compare loosely: 1 is 1.0. Order is that of insertion. */
#include "rules-engine/builtins/tables.h"

static void collect(struct rset *set, struct eval *e, struct rvalue items)
{
    rset_init(set, e->arena, items.n, true);
    for (size_t i = 0; i < items.n; i++)
        rset_add(set, rv_at(e->arena, items, i));
}

static bool some(struct eval *e, struct rvalue of, struct rvalue in, bool wanted)
{
    struct rset set;
    collect(&set, e, in);
    for (size_t i = 0; i < of.n; i++)
        if (rset_has(&set, rv_at(e->arena, of, i)) == wanted)
            return true;
    return false;
}

static struct rvalue size(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int((int64_t)self->n);
}

static struct rvalue has_any(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    if (builtin_is_unproved(e, args[0]))
        return builtin_no_equality(e);
    return rv_bool(some(e, *self, args[0], true));
}

static struct rvalue has_all(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    if (builtin_is_unproved(e, args[0]))
        return builtin_no_equality(e);
    return rv_bool(!some(e, args[0], *self, false));
}

static struct rvalue has_only(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    if (builtin_is_unproved(e, args[0]))
        return builtin_no_equality(e);
    return rv_bool(!some(e, *self, args[0], false));
}

static struct rvalue set_union(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    struct rset set;
    collect(&set, e, *self);
    for (size_t i = 0; i < args[0].n; i++)
        rset_add(&set, rv_at(e->arena, args[0], i));
    return rset_value(&set);
}

/* The elements of `of` that are (not) in `in`. */
static struct rvalue filter(struct eval *e, struct rvalue of, struct rvalue in, bool wanted)
{
    struct rset other, kept;
    collect(&other, e, in);
    rset_init(&kept, e->arena, of.n, true);
    for (size_t i = 0; i < of.n; i++) {
        struct rvalue v = rv_at(e->arena, of, i);
        if (rset_has(&other, v) == wanted)
            rset_add(&kept, v);
    }
    return rset_value(&kept);
}

static struct rvalue intersection(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    return filter(e, *self, args[0], true);
}

static struct rvalue difference(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    return filter(e, *self, args[0], false);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_SET, "size", 0, NO_ARGS, "set.size()", "Number of elements.", size),
    METHOD_ROW(RT_SET, "hasAny", 1, ARGS(T_SET), "set.hasAny(set)",
               "Whether any element is in the other set.", has_any, .more = true),
    METHOD_ROW(RT_SET, "hasAny", 1, ARGS(T_LIST), "set.hasAny(list)", "Whether any element is in the list.",
               has_any),
    METHOD_ROW(RT_SET, "hasAll", 1, ARGS(T_SET), "set.hasAll(set)",
               "Whether it has every element of the other.", has_all, .more = true),
    METHOD_ROW(RT_SET, "hasAll", 1, ARGS(T_LIST), "set.hasAll(list)",
               "Whether it has every element of the list.", has_all),
    METHOD_ROW(RT_SET, "hasOnly", 1, ARGS(T_SET), "set.hasOnly(set)",
               "Whether each of its elements is in the other.", has_only, .more = true),
    METHOD_ROW(RT_SET, "hasOnly", 1, ARGS(T_LIST), "set.hasOnly(list)",
               "Whether each of its elements is in the list.", has_only),
    METHOD_ROW(RT_SET, "union", 1, ARGS(T_SET), "set.union(set)", "Elements of either.", set_union),
    METHOD_ROW(RT_SET, "intersection", 1, ARGS(T_SET), "set.intersection(set)", "Elements of both.",
               intersection),
    METHOD_ROW(RT_SET, "difference", 1, ARGS(T_SET), "set.difference(set)", "Elements the other has not.",
               difference),
};
BUILTIN_TABLE(builtin_sets, rows);

/* maps.c - methods of map and map_diff. A diff compares the values of equal keys loosely and as a whole: a
 * change inside a nested map is a change of the outer key. */
#include "rules-engine/builtins/tables.h"

static struct rvalue size(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int((int64_t)self->n);
}

static struct rvalue keys(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)args;
    if (self->form == MAP_FIELDS)
        return rv_keys_of_fields(*self);
    struct rvalue *items = arena_alloc(e->arena, self->n * sizeof *items);
    for (size_t i = 0; i < self->n; i++)
        items[i] = rv_string(rv_key_at(*self, i));
    return rv_list(items, self->n);
}

static struct rvalue values(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)args;
    struct rvalue *items = arena_alloc(e->arena, self->n * sizeof *items);
    for (size_t i = 0; i < self->n; i++) {
        items[i] = rv_value_at(e->arena, *self, i);
        if (rv_is_error(items[i])) /* request.path of a collection group is not known */
            return items[i];
    }
    return rv_list(items, self->n);
}

static struct rvalue get_key(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    struct rvalue found;
    return rv_lookup(&found, e->arena, *self, rv_str(args[0])) ? found : args[1];
}

static struct rvalue get_path(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    struct rvalue at = *self;
    bool found = true;
    for (size_t i = 0; i < args[0].n; i++) {
        struct rvalue key = rv_at(e->arena, args[0], i);
        if (key.type != RT_STRING)
            return eval_type_error(e, key, "string");
        found = found && at.type == RT_MAP && rv_lookup(&at, e->arena, at, rv_str(key));
    }
    return found ? at : args[1];
}

/* Whether one of the values that a diff compares is not known. */
static bool diff_is_unproved(struct eval *e, struct rvalue now, struct rvalue before)
{
    struct rvalue old;
    for (size_t i = 0; e->request->method == RULES_LIST && i < now.n; i++)
        if (rv_lookup(&old, e->arena, before, rv_key_at(now, i)) &&
            (builtin_is_unproved(e, old) || builtin_is_unproved(e, rv_value_at(e->arena, now, i))))
            return true;
    return false;
}

static struct rvalue diff(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    if (diff_is_unproved(e, *self, args[0]))
        return builtin_no_equality(e);
    struct rdiff *made = ARENA_NEW(e->arena, struct rdiff);
    *made = (struct rdiff){ *self, args[0] };
    return RV(RT_MAP_DIFF, diff, made);
}

enum { ADDED = 1, REMOVED = 2, CHANGED = 4, UNCHANGED = 8 };

/* Both maps are sorted: one walk over each. Order of the outcome: changed, removed, added. */
static struct rvalue keys_of(struct eval *e, const struct rdiff *d, unsigned wanted)
{
    struct rvalue *items = arena_alloc(e->arena, (d->now.n + d->before.n) * sizeof *items);
    size_t n = 0;
    for (size_t i = 0, j = 0; (wanted & (CHANGED | UNCHANGED)) && i < d->now.n && j < d->before.n;) {
        struct str key = rv_key_at(d->now, i);
        int c = str_cmp(key, rv_key_at(d->before, j));
        if (c == 0) {
            bool same = rv_equal_loose(e->arena, rv_value_at(e->arena, d->now, i),
                                       rv_value_at(e->arena, d->before, j));
            if (wanted & (same ? UNCHANGED : CHANGED))
                items[n++] = rv_string(key);
        }
        i += c <= 0;
        j += c >= 0;
    }
    for (size_t j = 0; (wanted & REMOVED) && j < d->before.n; j++)
        if (!rv_has_key(d->now, rv_key_at(d->before, j)))
            items[n++] = rv_string(rv_key_at(d->before, j));
    for (size_t i = 0; (wanted & ADDED) && i < d->now.n; i++)
        if (!rv_has_key(d->before, rv_key_at(d->now, i)))
            items[n++] = rv_string(rv_key_at(d->now, i));
    return rv_set(items, n);
}

#define KEYS_FUNCTION(name, wanted)                                                                          \
    static struct rvalue name(struct eval *e, const struct rvalue *self, const struct rvalue *args)          \
    {                                                                                                        \
        (void)args;                                                                                          \
        return keys_of(e, self->diff, wanted);                                                               \
    }
KEYS_FUNCTION(added_keys, ADDED)
KEYS_FUNCTION(removed_keys, REMOVED)
KEYS_FUNCTION(changed_keys, CHANGED)
KEYS_FUNCTION(unchanged_keys, UNCHANGED)
KEYS_FUNCTION(affected_keys, CHANGED | REMOVED | ADDED)

static const struct builtin map_rows[] = {
    METHOD_ROW(RT_MAP, "size", 0, NO_ARGS, "map.size()", "Number of keys.", size),
    METHOD_ROW(RT_MAP, "keys", 0, NO_ARGS, "map.keys()", "The keys as a sorted list.", keys),
    METHOD_ROW(RT_MAP, "values", 0, NO_ARGS, "map.values()", "The values in the order of keys().", values),
    METHOD_ROW(RT_MAP, "get", 2, ARGS(T_STRING, BUILTIN_ANY), "map.get(string, any)",
               "The value of a key, or the second argument when there is none.", get_key, .more = true),
    METHOD_ROW(RT_MAP, "get", 2, ARGS(T_LIST, BUILTIN_ANY), "map.get(list, any)",
               "The value at a path of keys, or the second argument.", get_path),
    METHOD_ROW(RT_MAP, "diff", 1, ARGS(T_MAP), "map.diff(map)", "What changed from the argument to this map.",
               diff),
};
BUILTIN_TABLE(builtin_maps, map_rows);

static const struct builtin diff_rows[] = {
    METHOD_ROW(RT_MAP_DIFF, "addedKeys", 0, NO_ARGS, "map_diff.addedKeys()", "Keys only in the new map.",
               added_keys),
    METHOD_ROW(RT_MAP_DIFF, "removedKeys", 0, NO_ARGS, "map_diff.removedKeys()", "Keys only in the old map.",
               removed_keys),
    METHOD_ROW(RT_MAP_DIFF, "changedKeys", 0, NO_ARGS, "map_diff.changedKeys()",
               "Keys in both with another value.", changed_keys),
    METHOD_ROW(RT_MAP_DIFF, "unchangedKeys", 0, NO_ARGS, "map_diff.unchangedKeys()",
               "Keys in both with the same value.", unchanged_keys),
    METHOD_ROW(RT_MAP_DIFF, "affectedKeys", 0, NO_ARGS, "map_diff.affectedKeys()",
               "Added, removed and changed keys.", affected_keys),
};
BUILTIN_TABLE(builtin_map_diffs, diff_rows);

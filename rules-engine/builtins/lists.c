/* lists.c - methods of list. Elements compare strictly: 1 is not 1.0. Long arguments are hashed, so that
 * no call is worse than linear. */
#include "rules-engine/builtins/tables.h"

#include "core/limits.h"

enum { LINEAR = 16 }; /* shorter lists are compared pair by pair */

static void collect(struct rset *set, struct eval *e, struct rvalue list)
{
    rset_init(set, e->arena, list.n, false);
    for (size_t i = 0; i < list.n; i++)
        rset_add(set, rv_at(e->arena, list, i));
}

/* How many elements of `of` (stopping after the first `wanted` outcome) are in `in`: the one loop of hasAny,
 * hasAll and hasOnly. */
static bool some(struct eval *e, struct rvalue of, struct rvalue in, bool wanted)
{
    struct rset set;
    bool hashed = in.n > LINEAR && of.n > LINEAR && in.form != LIST_KEYS;
    if (hashed)
        collect(&set, e, in);
    for (size_t i = 0; i < of.n; i++) {
        struct rvalue v = rv_at(e->arena, of, i);
        if ((hashed ? rset_has(&set, v) : rv_list_has(e->arena, in, v)) == wanted)
            return true;
    }
    return false;
}

static struct rvalue size(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int((int64_t)self->n);
}

static struct rvalue has_any(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    return rv_bool(some(e, *self, args[0], true));
}

static struct rvalue has_all(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    return rv_bool(!some(e, args[0], *self, false));
}

static struct rvalue has_only(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    return rv_bool(!some(e, *self, args[0], false));
}

static struct rvalue concat(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    size_t n = self->n + args[0].n;
    if (!eval_room(e, n * sizeof(struct rvalue)))
        return eval_error(e, "out of memory");
    struct rvalue *items = arena_alloc(e->arena, n * sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = i < self->n ? rv_at(e->arena, *self, i) : rv_at(e->arena, args[0], i - self->n);
    return rv_list(items, n);
}

static struct rvalue remove_all(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    struct rset set;
    collect(&set, e, args[0]);
    struct rvalue *items = arena_alloc(e->arena, self->n * sizeof *items);
    size_t n = 0;
    for (size_t i = 0; i < self->n; i++) {
        struct rvalue v = rv_at(e->arena, *self, i);
        if (!rset_has(&set, v))
            items[n++] = v;
    }
    return rv_list(items, n);
}

static struct rvalue join(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    struct rvalue out;
    struct buf text;
    buf_init(&text, LIMIT_RULES_ARENA / 4);
    for (size_t i = 0; i < self->n; i++) {
        struct rvalue v = rv_at(e->arena, *self, i);
        struct str part;
        if (!rv_to_string(&part, e->arena, v)) {
            out = builtin_not_string(e, v);
            goto done;
        }
        if (i > 0)
            buf_str(&text, rv_str(args[0]));
        buf_str(&text, part);
    }
    if (text.overflowed || !eval_room(e, text.len))
        out = eval_error(e, "out of memory");
    else
        out = rv_string(arena_str(e->arena, buf_view(&text)));
done:
    buf_dispose(&text);
    return out;
}

static struct rvalue to_set(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)args;
    struct rset set;
    if (builtin_is_unproved(e, *self))
        return builtin_no_equality(e);
    rset_init(&set, e->arena, self->n, true);
    for (size_t i = 0; i < self->n; i++)
        rset_add(&set, rv_at(e->arena, *self, i));
    return rset_value(&set);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_LIST, "size", 0, NO_ARGS, "list.size()", "Number of elements.", size),
    METHOD_ROW(RT_LIST, "hasAny", 1, ARGS(T_LIST), "list.hasAny(list)",
               "Whether any element is in the other list.", has_any),
    METHOD_ROW(RT_LIST, "hasAll", 1, ARGS(T_LIST), "list.hasAll(list)",
               "Whether it has every element of the other.", has_all),
    METHOD_ROW(RT_LIST, "hasOnly", 1, ARGS(T_LIST), "list.hasOnly(list)",
               "Whether each of its elements is in the other; a subset will do.", has_only),
    METHOD_ROW(RT_LIST, "concat", 1, ARGS(T_LIST), "list.concat(list)", "Both lists, one after the other.",
               concat),
    METHOD_ROW(RT_LIST, "removeAll", 1, ARGS(T_LIST), "list.removeAll(list)",
               "Without the other list's elements.", remove_all),
    METHOD_ROW(RT_LIST, "join", 1, ARGS(T_STRING), "list.join(string)", "Elements as text with a separator.",
               join),
    METHOD_ROW(RT_LIST, "toSet", 0, NO_ARGS, "list.toSet()", "The distinct elements; 1 and 1.0 are one.",
               to_set),
};
BUILTIN_TABLE(builtin_lists, rows);

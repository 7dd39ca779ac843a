/* paths.c - methods of path. */
#include "rules-engine/builtins/tables.h"

static bool has_variable(const struct rpath *path, struct str name)
{
    for (size_t i = 0; i < path->n; i++)
        if (path->items[i].kind != SEGMENT_SIMPLE && str_eq(path->items[i].name, name))
            return true;
    return false;
}

/* The variables that the template does not have, joined by ","; empty when it has them all. */
static struct str unknown_variables(struct eval *e, const struct rpath *path, struct rvalue values)
{
    struct str out = STR("");
    for (size_t i = 0; i < values.n; i++) {
        struct str name = rv_key_at(values, i);
        if (!has_variable(path, name))
            out = rv_concat(e->arena, out.n ? rv_concat(e->arena, out, STR(",")) : out, name);
    }
    return out;
}

static struct rvalue bind(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    const struct rpath *from = self->path;
    struct str unknown = unknown_variables(e, from, args[0]);
    if (unknown.n)
        return eval_error(e, "Variable(s) " STR_FMT " do not exist in the path template.", STR_ARG(unknown));
    struct rsegment *items = ARENA_ARRAY(e->arena, struct rsegment, from->n);
    for (size_t i = 0; i < from->n; i++) {
        struct rvalue v;
        items[i] = from->items[i];
        if (items[i].kind == SEGMENT_SIMPLE || !rv_lookup(&v, e->arena, args[0], items[i].name))
            continue;
        if (items[i].bound)
            return eval_error(e, "Variable " STR_FMT " is already bound.", STR_ARG(items[i].name));
        items[i].bound = true;
        if (items[i].kind == SEGMENT_GLOB) {
            if (v.type != RT_PATH)
                return eval_type_error(e, v, "path");
            items[i].glob = v.path;
        } else if (!rv_to_string(&items[i].text, e->arena, v)) {
            return builtin_not_string(e, v);
        }
    }
    struct rpath *out = ARENA_NEW(e->arena, struct rpath);
    *out = (struct rpath){ items, from->n };
    return rv_path(out);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_PATH, "bind", 1, ARGS(T_MAP), "path.bind(map)",
               "The template with its {variables} filled in.", bind),
};
BUILTIN_TABLE(builtin_paths, rows);

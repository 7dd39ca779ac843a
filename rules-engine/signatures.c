/* signatures.c - see signatures.h. Orders of types in messages: observed on Google's compiler 1.19.9. */
#include "rules-engine/signatures.h"

/* In the order in which messages list them. */
static const struct {
    enum rules_type type;
    const char *name;
} type_order[] = {
    { RT_NULL, "null" },
    { RT_BOOL, "bool" },
    { RT_INT, "int" },
    { RT_FLOAT, "float" },
    { RT_STRING, "string" },
    { RT_BYTES, "bytes" },
    { RT_LIST, "list" },
    { RT_SET, "set" },
    { RT_MAP, "map" },
    { RT_CONSTRAINT, "constraint" },
    { RT_PATH, "path" },
    { RT_DURATION, "duration" },
    { RT_TIMESTAMP, "timestamp" },
    { RT_LATLNG, "latlng" },
    { RT_MAP_DIFF, "map_diff" },
    { RT_VECTOR, "vector" },
};

const char *type_set_text(struct arena *arena, type_set set)
{
    const char *text = "";
    for (size_t i = 0; i < sizeof type_order / sizeof type_order[0]; i++)
        if (set & BIT(type_order[i].type))
            text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", type_order[i].name);
    return text;
}

/* Within one row types are listed in an order of their own. */
static const enum rules_type row_order[] = {
    RT_INT, RT_FLOAT, RT_NULL,       RT_BYTES,     RT_STRING,   RT_BOOL,   RT_PATH,     RT_LIST,
    RT_SET, RT_MAP,   RT_CONSTRAINT, RT_TIMESTAMP, RT_DURATION, RT_LATLNG, RT_MAP_DIFF, RT_VECTOR,
};

static const char *type_name(enum rules_type type)
{
    size_t i = 0;
    while (type_order[i].type != type)
        i++;
    return type_order[i].name;
}

static void add_argument(struct arena *arena, struct wanted *wanted, type_set asked)
{
    static const enum rules_type float_first[] = { RT_FLOAT, RT_INT };
    bool is_float = asked == NUMBER;
    const enum rules_type *order = is_float ? float_first : row_order;
    size_t n = is_float ? 2 : sizeof row_order / sizeof row_order[0];
    for (size_t i = 0; asked != ANY && i < n; i++)
        if ((asked & ~wanted->set) & BIT(order[i]))
            wanted->text = arena_printf(arena, "%s%s%s", wanted->text ? wanted->text : "",
                                        wanted->text ? ", " : "", type_name(order[i]));
    wanted->set |= asked;
}

static void add_demand(struct arena *arena, struct demand *demand, const struct builtin *row, uint32_t n)
{
    demand->any_row = true;
    if (row->receiver != RT_CONSTRAINT) /* exists only in list requests; not named in warnings */
        demand->receivers |= BIT(row->receiver);
    if (row->n_args != n)
        return;
    demand->count_fits = true;
    for (uint32_t i = 0; i < n; i++)
        add_argument(arena, &demand->arguments[i], row->args[i]);
}

static bool is_candidate(const struct builtin *row, const struct ast_node *node)
{
    bool is_method = node->kind == AST_METHOD && node->call.package.n == 0;
    return str_eq(row->name, node->call.name) && is_method == (row->receiver != RT_UNDEFINED) &&
           (is_method || str_eq(row->package, node->call.package));
}

struct demand type_demand(struct arena *arena, const struct ast_node *node)
{
    struct demand demand = { 0 };
    size_t n;
    const struct builtin *const *rows = builtin_all(&n);
    for (size_t i = 0; i < n; i++)
        if (is_candidate(rows[i], node))
            add_demand(arena, &demand, rows[i], node->call.n);
    return demand;
}

static const struct {
    const char *package, *name; /* package NULL: methods and globals */
    type_set result;
} results[] = {
    { NULL, "size", BIT(RT_INT) },
    { NULL, "lower", BIT(RT_STRING) },
    { NULL, "upper", BIT(RT_STRING) },
    { NULL, "trim", BIT(RT_STRING) },
    { NULL, "replace", BIT(RT_STRING) },
    { NULL, "join", BIT(RT_STRING) },
    { NULL, "toBase64", BIT(RT_STRING) },
    { NULL, "toHexString", BIT(RT_STRING) },
    { NULL, "split", BIT(RT_LIST) },
    { NULL, "keys", BIT(RT_LIST) },
    { NULL, "values", BIT(RT_LIST) },
    { NULL, "concat", BIT(RT_LIST) },
    { NULL, "removeAll", BIT(RT_LIST) },
    { NULL, "matches", BIT(RT_BOOL) },
    { NULL, "hasAny", BIT(RT_BOOL) },
    { NULL, "hasAll", BIT(RT_BOOL) },
    { NULL, "hasOnly", BIT(RT_BOOL) },
    { NULL, "toUtf8", BIT(RT_BYTES) },
    { NULL, "toSet", BIT(RT_SET) },
    { NULL, "union", BIT(RT_SET) },
    { NULL, "intersection", BIT(RT_SET) },
    { NULL, "difference", BIT(RT_SET) },
    { NULL, "addedKeys", BIT(RT_SET) },
    { NULL, "removedKeys", BIT(RT_SET) },
    { NULL, "changedKeys", BIT(RT_SET) },
    { NULL, "unchangedKeys", BIT(RT_SET) },
    { NULL, "affectedKeys", BIT(RT_SET) },
    { NULL, "diff", BIT(RT_MAP_DIFF) },
    { NULL, "bind", BIT(RT_PATH) },
    { NULL, "year", BIT(RT_INT) },
    { NULL, "month", BIT(RT_INT) },
    { NULL, "day", BIT(RT_INT) },
    { NULL, "hours", BIT(RT_INT) },
    { NULL, "minutes", BIT(RT_INT) },
    { NULL, "seconds", BIT(RT_INT) },
    { NULL, "nanos", BIT(RT_INT) },
    { NULL, "dayOfWeek", BIT(RT_INT) },
    { NULL, "dayOfYear", BIT(RT_INT) },
    { NULL, "date", BIT(RT_TIMESTAMP) },
    { NULL, "time", BIT(RT_DURATION) },
    { NULL, "toMillis", BIT(RT_INT) },
    { NULL, "latitude", BIT(RT_FLOAT) },
    { NULL, "longitude", BIT(RT_FLOAT) },
    { NULL, "distance", BIT(RT_FLOAT) },
    { NULL, "int", BIT(RT_INT) },
    { NULL, "float", BIT(RT_FLOAT) },
    { NULL, "string", BIT(RT_STRING) },
    { NULL, "path", BIT(RT_PATH) },
    { NULL, "vector", BIT(RT_VECTOR) },
    { "math", "abs", NUMBER },
    { "math", "round", BIT(RT_INT) },
    { "math", "isNaN", BIT(RT_BOOL) },
    { "math", "ceil", BIT(RT_FLOAT) },
    { "math", "floor", BIT(RT_FLOAT) },
    { "math", "sqrt", BIT(RT_FLOAT) },
    { "math", "pow", BIT(RT_FLOAT) },
    { "hashing", "", BIT(RT_BYTES) },
    { "timestamp", "", BIT(RT_TIMESTAMP) },
    { "duration", "", BIT(RT_DURATION) },
    { "latlng", "", BIT(RT_LATLNG) },
};

type_set type_result(const struct ast_node *node)
{
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        bool same_package =
            results[i].package ? str_eq_z(node->call.package, results[i].package) : node->call.package.n == 0;
        if (same_package && (!*results[i].name || str_eq_z(node->call.name, results[i].name)))
            return results[i].result;
    }
    return ANY;
}

type_set type_known_result(const struct ast_node *node)
{
    size_t n;
    const struct builtin *const *rows = builtin_all(&n);
    for (size_t i = 0; i < n; i++)
        if (is_candidate(rows[i], node) && rows[i]->n_args == node->call.n)
            return type_result(node);
    return ANY;
}

/* types.c - see check.h: names that mean nothing, and types that cannot fit, as Google's compiler 1.19.9
 * warns about them. Nothing here decides whether rules run; a warning may be wrong about live data.
 *
 * A type is a set of enum rules_type. What comes from documents and requests may be anything; wildcards are
 * strings or paths; a function asks of its arguments what it does with its parameters, and its result is
 * what it returns. */
#include "rules-engine/check.h"

#include "core/limits.h"
#include "rules-engine/builtins/builtins.h"
#include "rules-engine/lexer.h"

typedef uint32_t type_set;

#define BIT(type) ((type_set)1 << (type))
#define ANY ((type_set)~0u)
#define NUMBER (BIT(RT_INT) | BIT(RT_FLOAT))

enum { CHECKED_PARAMETERS = 32, ARGUMENTS_ASKED = 4 };

/* What callers need to know of a function. */
struct function_facts {
    enum { FACTS_OPEN, FACTS_DONE } state;
    type_set parameters[CHECKED_PARAMETERS]; /* what is asked of each */
    bool mentioned[CHECKED_PARAMETERS];
    type_set result;
    uint32_t returned; /* the parameter that is returned as it is, or CHECKED_PARAMETERS */
};

struct typing {
    const struct ruleset *ruleset;
    struct arena *arena;
    struct issue_list *issues; /* NULL while only facts are gathered */
    uint32_t file;
    bool has_request;          /* request and resource mean something here */
    bool has_lookups;          /* get, exists, ... do */
    bool is_outside;           /* a function of the file, called from a service */
    const struct ast_function *function;
    struct function_facts *facts; /* of that function */
    bool lets_used[CHECKED_PARAMETERS];
    type_set *known; /* by node: what infer() found */
    uint32_t depth;  /* of functions whose facts are being gathered */
};

/* ---- words ---- */

/* In the order in which messages list them. */
static const struct {
    enum rules_type type;
    const char *name;
} type_order[] = {
    { RT_NULL, "null" },           { RT_BOOL, "bool" },         { RT_INT, "int" },
    { RT_FLOAT, "float" },         { RT_STRING, "string" },     { RT_BYTES, "bytes" },
    { RT_LIST, "list" },           { RT_SET, "set" },           { RT_MAP, "map" },
    { RT_CONSTRAINT, "constraint" }, { RT_PATH, "path" },       { RT_DURATION, "duration" },
    { RT_TIMESTAMP, "timestamp" }, { RT_LATLNG, "latlng" },     { RT_MAP_DIFF, "map_diff" },
};

static const char *set_text(struct typing *t, type_set set)
{
    const char *text = "";
    for (size_t i = 0; i < sizeof type_order / sizeof type_order[0]; i++)
        if (set & BIT(type_order[i].type))
            text = arena_printf(t->arena, "%s%s%s", text, *text ? ", " : "", type_order[i].name);
    return text;
}

static void warn(struct typing *t, struct ast_span span, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void warn(struct typing *t, struct ast_span span, const char *fmt, ...)
{
    if (!t->issues)
        return;
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(t->arena, fmt, args);
    va_end(args);
    issues_add(t->issues, RULES_WARNING, t->file, span, "%s", text);
}

static void warn_name(struct typing *t, const char *what, struct str name, struct ast_span span)
{
    warn(t, span, "%s: " STR_FMT ".", what, STR_ARG(name));
}

static struct ast_span first_token(const struct typing *t, const struct ast_node *node)
{
    return (struct ast_span){ node->start, lexer_token_end(t->ruleset->sources[node->file].text, node->start) };
}

/* The operator behind a left operand and its closing parentheses. */
static struct ast_span operator_token(const struct typing *t, const struct ast_node *left)
{
    struct str text = t->ruleset->sources[left->file].text;
    uint32_t at = lexer_skip_gap(text, left->span.to);
    for (uint32_t i = 0; i < left->parentheses; i++)
        at = lexer_skip_gap(text, at + 1);
    return (struct ast_span){ at, lexer_token_end(text, at) };
}

static bool is_binary(const struct ast_node *node)
{
    return node->kind >= AST_AND && node->kind <= AST_IN;
}

/* Where a finding about a whole expression stands: at its operator, else at its first token. */
static struct ast_span place_of(const struct typing *t, const struct ast_node *node)
{
    return is_binary(node) ? operator_token(t, node->op.a) : first_token(t, node);
}

/* ---- asking for types ---- */

static type_set infer(struct typing *t, const struct ast_node *node);
static void require(struct typing *t, const struct ast_node *node, type_set wanted, bool is_condition);
static const struct function_facts *facts_of(struct typing *t, struct ast_function *function);

static void mismatch(struct typing *t, const struct ast_node *node, type_set got, type_set wanted, bool is_condition)
{
    struct ast_span span = place_of(t, node);
    if (is_condition)
        warn(t, span, "Invalid type. Permission statements expect a boolean value. Received one of [%s].",
             set_text(t, got));
    else
        warn(t, span, "Invalid type. Received one of [%s]. Expected one of [%s].", set_text(t, got),
             set_text(t, wanted));
    if (node->kind == AST_NAME)
        warn(t, span, "Invalid type. There is no type for variable '" STR_FMT "' that satisfies all clauses.",
             STR_ARG(node->name.name));
}

/* The argument that a call gives back unchanged, or NULL. */
static const struct ast_node *returned_argument(struct typing *t, const struct ast_node *node)
{
    if (node->kind != AST_CALL || !node->call.function || node->call.n != node->call.function->n_parameters)
        return NULL;
    const struct function_facts *facts = facts_of(t, node->call.function);
    return facts && facts->returned < node->call.n ? node->call.args[facts->returned] : NULL;
}

static void require(struct typing *t, const struct ast_node *node, type_set wanted, bool is_condition)
{
    if (node->kind == AST_TERNARY) {
        require(t, node->op.a, BIT(RT_BOOL), false);
        require(t, node->op.b, wanted, false);
        require(t, node->op.c, wanted, false);
        t->known[node->id] = t->known[node->op.b->id] | t->known[node->op.c->id];
        return;
    }
    if ((node->kind == AST_EQ || node->kind == AST_NE) && !(wanted & BIT(RT_BOOL))) {
        infer(t, node->op.a);
        infer(t, node->op.b);
        mismatch(t, node, BIT(RT_BOOL), wanted, is_condition);
        return;
    }
    type_set got = infer(t, node);
    if (is_condition && node->kind == AST_CALL && node->call.function)
        got = ANY;
    const struct ast_node *argument = returned_argument(t, node);
    if (argument) {
        type_set given = t->known[argument->id];
        if (!(given & wanted))
            mismatch(t, argument, given, wanted, false);
        return;
    }
    if (!(got & wanted))
        mismatch(t, node, got, wanted, is_condition);
    else if (node->kind == AST_NAME && node->name.scope == SCOPE_PARAMETER && node->name.slot < CHECKED_PARAMETERS)
        t->facts->parameters[node->name.slot] &= wanted;
}

static void infer_all(struct typing *t, struct ast_node **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        infer(t, items[i]);
}

/* ---- names ---- */

static type_set infer_name(struct typing *t, const struct ast_node *node)
{
    uint32_t slot = node->name.slot;
    switch (node->name.scope) {
    case SCOPE_PARAMETER:
        if (slot >= CHECKED_PARAMETERS)
            return ANY;
        t->facts->mentioned[slot] = true;
        return t->facts->parameters[slot];
    case SCOPE_LET:
        if (slot < CHECKED_PARAMETERS)
            t->lets_used[slot] = true;
        return ANY;
    case SCOPE_WILDCARD:
        return node->name.is_glob ? BIT(RT_PATH) : BIT(RT_STRING);
    case SCOPE_REQUEST:
    case SCOPE_RESOURCE:
        if (t->has_request)
            return ANY;
        break;
    case SCOPE_UNKNOWN:
        break;
    }
    warn_name(t, "Invalid variable name", node->name.name, node->span);
    return ANY;
}

/* ---- calls ---- */

static void wrong_count(struct typing *t, const struct ast_node *node)
{
    struct str package = node->call.package;
    warn(t, node->call.name_span, "Incorrect number of arguments supplied to function: " STR_FMT "%s" STR_FMT ".",
         STR_ARG(package), package.n ? "." : "", STR_ARG(node->call.name));
}

static type_set infer_user_call(struct typing *t, const struct ast_node *node)
{
    struct ast_function *function = node->call.function;
    const struct function_facts *facts = facts_of(t, function);
    if (node->call.n != function->n_parameters) {
        infer_all(t, node->call.args, node->call.n);
        wrong_count(t, node);
        return ANY;
    }
    for (uint32_t i = 0; i < node->call.n; i++)
        require(t, node->call.args[i], facts && i < CHECKED_PARAMETERS ? facts->parameters[i] : ANY, false);
    if (!facts)
        return ANY;
    return facts->returned < node->call.n ? t->known[node->call.args[facts->returned]->id] : facts->result;
}

/* What the rows of one name ask, over all receivers. */
struct demand {
    type_set receivers;
    type_set arguments[ARGUMENTS_ASKED];
    bool any_row, count_fits;
};

static void add_demand(struct demand *demand, const struct builtin *row, uint32_t n)
{
    demand->any_row = true;
    demand->receivers |= BIT(row->receiver);
    if (row->n_args != n)
        return;
    demand->count_fits = true;
    for (uint32_t i = 0; i < n; i++)
        demand->arguments[i] |= row->args[i];
}

static struct demand demand_of(const struct ast_node *node, bool is_method)
{
    struct demand demand = { 0 };
    size_t n;
    const struct builtin *const *rows = builtin_all(&n);
    for (size_t i = 0; i < n; i++) {
        bool fits = is_method ? rows[i]->receiver != RT_UNDEFINED
                              : rows[i]->receiver == RT_UNDEFINED && str_eq(rows[i]->package, node->call.package);
        if (fits && str_eq(rows[i]->name, node->call.name))
            add_demand(&demand, rows[i], node->call.n);
    }
    return demand;
}

static const struct {
    const char *package, *name; /* package NULL: methods and globals */
    type_set result;
} results[] = {
    { NULL, "size", BIT(RT_INT) },         { NULL, "lower", BIT(RT_STRING) },
    { NULL, "upper", BIT(RT_STRING) },     { NULL, "trim", BIT(RT_STRING) },
    { NULL, "replace", BIT(RT_STRING) },   { NULL, "join", BIT(RT_STRING) },
    { NULL, "toBase64", BIT(RT_STRING) },  { NULL, "toHexString", BIT(RT_STRING) },
    { NULL, "split", BIT(RT_LIST) },       { NULL, "keys", BIT(RT_LIST) },
    { NULL, "values", BIT(RT_LIST) },      { NULL, "concat", BIT(RT_LIST) },
    { NULL, "removeAll", BIT(RT_LIST) },   { NULL, "matches", BIT(RT_BOOL) },
    { NULL, "hasAny", BIT(RT_BOOL) },      { NULL, "hasAll", BIT(RT_BOOL) },
    { NULL, "hasOnly", BIT(RT_BOOL) },     { NULL, "toUtf8", BIT(RT_BYTES) },
    { NULL, "toSet", BIT(RT_SET) },        { NULL, "union", BIT(RT_SET) },
    { NULL, "intersection", BIT(RT_SET) }, { NULL, "difference", BIT(RT_SET) },
    { NULL, "addedKeys", BIT(RT_SET) },    { NULL, "removedKeys", BIT(RT_SET) },
    { NULL, "changedKeys", BIT(RT_SET) },  { NULL, "unchangedKeys", BIT(RT_SET) },
    { NULL, "affectedKeys", BIT(RT_SET) }, { NULL, "diff", BIT(RT_MAP_DIFF) },
    { NULL, "bind", BIT(RT_PATH) },        { NULL, "year", BIT(RT_INT) },
    { NULL, "month", BIT(RT_INT) },        { NULL, "day", BIT(RT_INT) },
    { NULL, "hours", BIT(RT_INT) },        { NULL, "minutes", BIT(RT_INT) },
    { NULL, "seconds", BIT(RT_INT) },      { NULL, "nanos", BIT(RT_INT) },
    { NULL, "dayOfWeek", BIT(RT_INT) },    { NULL, "dayOfYear", BIT(RT_INT) },
    { NULL, "date", BIT(RT_TIMESTAMP) },   { NULL, "time", BIT(RT_DURATION) },
    { NULL, "toMillis", BIT(RT_INT) },     { NULL, "latitude", BIT(RT_FLOAT) },
    { NULL, "longitude", BIT(RT_FLOAT) },  { NULL, "distance", BIT(RT_FLOAT) },
    { NULL, "int", BIT(RT_INT) },          { NULL, "float", BIT(RT_FLOAT) },
    { NULL, "string", BIT(RT_STRING) },    { NULL, "path", BIT(RT_PATH) },
    { "math", "abs", NUMBER },             { "math", "round", BIT(RT_INT) },
    { "math", "isNaN", BIT(RT_BOOL) },     { "math", "ceil", BIT(RT_FLOAT) },
    { "math", "floor", BIT(RT_FLOAT) },    { "math", "sqrt", BIT(RT_FLOAT) },
    { "math", "pow", BIT(RT_FLOAT) },      { "hashing", "", BIT(RT_BYTES) },
    { "timestamp", "", BIT(RT_TIMESTAMP) }, { "duration", "", BIT(RT_DURATION) },
    { "latlng", "", BIT(RT_LATLNG) },
};

static type_set result_of(const struct ast_node *node)
{
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        bool same_package = results[i].package ? str_eq_z(node->call.package, results[i].package)
                                               : node->call.package.n == 0;
        if (same_package && (!*results[i].name || str_eq_z(node->call.name, results[i].name)))
            return results[i].result;
    }
    return ANY;
}

static type_set infer_builtin_call(struct typing *t, const struct ast_node *node, const struct demand *demand)
{
    if (!demand->any_row) {
        infer_all(t, node->call.args, node->call.n);
        return ANY;
    }
    if (!demand->count_fits) {
        infer_all(t, node->call.args, node->call.n);
        wrong_count(t, node);
        return ANY;
    }
    for (uint32_t i = 0; i < node->call.n; i++)
        require(t, node->call.args[i], demand->arguments[i], false);
    return result_of(node);
}

static type_set infer_global(struct typing *t, const struct ast_node *node)
{
    const struct builtin *builtin = node->call.builtin;
    bool is_lookup = builtin && builtin_is_service(builtin);
    struct demand demand = demand_of(node, false);
    if (!builtin || (is_lookup && !t->has_lookups)) {
        warn_name(t, "Invalid function name", node->call.name, node->call.name_span);
        demand = (struct demand){ 0 };
    } else if (is_lookup && t->is_outside) {
        warn(t, node->call.name_span, "Call to service function '" STR_FMT "' occurs outside of defining scope.",
             STR_ARG(node->call.name));
    }
    return infer_builtin_call(t, node, &demand);
}

static type_set infer_package(struct typing *t, const struct ast_node *node)
{
    struct demand demand = demand_of(node, false);
    if (!demand.any_row)
        warn(t, node->call.name_span, "Invalid function name: " STR_FMT "." STR_FMT ".", STR_ARG(node->call.package),
             STR_ARG(node->call.name));
    return infer_builtin_call(t, node, &demand);
}

static type_set infer_method(struct typing *t, const struct ast_node *node)
{
    if (node->call.package.n > 0)
        return infer_package(t, node);
    struct demand demand = demand_of(node, true);
    if (demand.any_row) {
        require(t, node->call.object, demand.receivers, false);
    } else {
        infer(t, node->call.object);
        warn_name(t, "Invalid function name", node->call.name, node->call.name_span);
    }
    return infer_builtin_call(t, node, &demand);
}

/* ---- operators ---- */

static type_set infer_equality(struct typing *t, const struct ast_node *node)
{
    type_set a = infer(t, node->op.a), b = infer(t, node->op.b);
    a |= a & NUMBER ? NUMBER : 0;
    if (!(a & b))
        warn(t, operator_token(t, node->op.a),
             "The sub-expressions are not comparable, so this comparison will always return %s.",
             node->kind == AST_EQ ? "false" : "true");
    return BIT(RT_BOOL);
}

static type_set infer_map(struct typing *t, const struct ast_node *node)
{
    for (uint32_t i = 0; i < node->map.n; i++) {
        require(t, node->map.keys[i], BIT(RT_STRING), false);
        infer(t, node->map.values[i]);
    }
    return BIT(RT_MAP);
}

static type_set infer_index(struct typing *t, const struct ast_node *node)
{
    require(t, node->index.object, BIT(RT_STRING) | BIT(RT_LIST) | BIT(RT_MAP) | BIT(RT_PATH), false);
    if (node->index.from)
        infer(t, node->index.from);
    if (node->index.to)
        infer(t, node->index.to);
    return ANY;
}

static type_set infer_binary(struct typing *t, const struct ast_node *node)
{
    switch (node->kind) {
    case AST_EQ: case AST_NE:
        return infer_equality(t, node);
    case AST_AND: case AST_OR:
        require(t, node->op.a, BIT(RT_BOOL), false);
        require(t, node->op.b, BIT(RT_BOOL), false);
        return BIT(RT_BOOL);
    case AST_IN:
        infer(t, node->op.a);
        require(t, node->op.b, BIT(RT_LIST) | BIT(RT_SET) | BIT(RT_MAP) | BIT(RT_CONSTRAINT), false);
        return BIT(RT_BOOL);
    case AST_LT: case AST_LE: case AST_GT: case AST_GE:
        infer(t, node->op.a);
        infer(t, node->op.b);
        return BIT(RT_BOOL);
    default:
        infer(t, node->op.a);
        infer(t, node->op.b);
        return ANY;
    }
}

static type_set infer_path(struct typing *t, const struct ast_node *node)
{
    for (uint32_t i = 0; i < node->path.n; i++)
        if (node->path.parts[i].expr)
            infer(t, node->path.parts[i].expr);
    return BIT(RT_PATH);
}

static type_set infer_ternary(struct typing *t, const struct ast_node *node)
{
    require(t, node->op.a, BIT(RT_BOOL), false);
    type_set b = infer(t, node->op.b);
    return b | infer(t, node->op.c);
}

static type_set infer_new(struct typing *t, const struct ast_node *node)
{
    switch (node->kind) {
    case AST_NULL:
        return BIT(RT_NULL);
    case AST_BOOL:
        return BIT(RT_BOOL);
    case AST_INT:
        return BIT(RT_INT);
    case AST_FLOAT:
        return BIT(RT_FLOAT);
    case AST_STRING:
        return BIT(RT_STRING);
    case AST_BYTES:
        return BIT(RT_BYTES);
    case AST_LIST:
        infer_all(t, node->list.items, node->list.n);
        return BIT(RT_LIST);
    case AST_MAP:
        return infer_map(t, node);
    case AST_PATH:
        return infer_path(t, node);
    case AST_NAME:
        return infer_name(t, node);
    case AST_MEMBER:
        require(t, node->member.object, BIT(RT_MAP), false);
        return ANY;
    case AST_INDEX: case AST_SLICE:
        return infer_index(t, node);
    case AST_CALL:
        return node->call.function ? infer_user_call(t, node) : infer_global(t, node);
    case AST_METHOD:
        return infer_method(t, node);
    case AST_NOT:
        require(t, node->op.a, BIT(RT_BOOL), false);
        return BIT(RT_BOOL);
    case AST_NEGATE:
        require(t, node->op.a, NUMBER | BIT(RT_DURATION), false);
        return ANY;
    case AST_IS:
        infer(t, node->is.a);
        return BIT(RT_BOOL);
    case AST_TERNARY:
        return infer_ternary(t, node);
    default:
        return infer_binary(t, node);
    }
}

static type_set infer(struct typing *t, const struct ast_node *node)
{
    return t->known[node->id] = infer_new(t, node);
}

/* ---- functions ---- */

/* Where code of a function stands: what request and get() mean there. */
static void enter_function(struct typing *t, const struct ast_function *function)
{
    t->function = function;
    t->facts = function->facts;
    t->file = function->file;
    memset(t->lets_used, 0, sizeof t->lets_used);
}

static void infer_function(struct typing *t, const struct ast_function *function)
{
    for (uint32_t i = 0; i < function->n_lets; i++)
        infer(t, function->lets[i].value);
    const struct ast_node *body = function->body;
    t->facts->result = infer(t, body);
    bool returns_parameter = body->kind == AST_NAME && body->name.scope == SCOPE_PARAMETER;
    t->facts->returned = returns_parameter ? body->name.slot : CHECKED_PARAMETERS;
}

static bool is_looked_at(const struct ast_function *function)
{
    return function->n_parameters < CHECKED_PARAMETERS && function->n_lets < CHECKED_PARAMETERS;
}

/* What a called function asks and gives, gathered on first need; NULL inside of itself. */
static const struct function_facts *facts_of(struct typing *t, struct ast_function *function)
{
    if (function->facts)
        return function->facts->state == FACTS_DONE ? function->facts : NULL;
    if (!is_looked_at(function) || t->depth > 2 * LIMIT_RULES_CALL_DEPTH)
        return NULL;
    function->facts = ARENA_NEW(t->ruleset->arena, struct function_facts);
    for (uint32_t i = 0; i < CHECKED_PARAMETERS; i++)
        function->facts->parameters[i] = ANY;
    struct typing quiet = { .ruleset = t->ruleset,
                            .arena = t->arena,
                            .has_request = true,
                            .has_lookups = true,
                            .known = t->known,
                            .depth = t->depth + 1 };
    enter_function(&quiet, function);
    infer_function(&quiet, function);
    function->facts->state = FACTS_DONE;
    return function->facts;
}

/* ---- the file ---- */

static bool is_mentioned(const struct ast_function *function, struct str parameter)
{
    for (uint32_t i = 0; i < function->n_parameters; i++)
        if (function->facts->mentioned[i] && str_eq(function->parameters[i], parameter))
            return true;
    return false;
}

static void warn_unused(struct typing *t, const struct ast_function *function)
{
    const struct ast_function *first = function->duplicate_of ? function->duplicate_of : function;
    if (!first->called)
        warn_name(t, "Unused function", function->name, function->name_span);
    for (uint32_t i = 0; i < function->n_parameters; i++)
        if (!is_mentioned(function, function->parameters[i]))
            warn_name(t, "Unused variable", function->parameters[i], function->parameter_spans[i]);
    for (uint32_t i = 0; i < function->n_lets && function->n_lets <= LIMIT_RULES_LETS; i++)
        if (!t->lets_used[i])
            warn_name(t, "Unused variable", function->lets[i].name, function->lets[i].name_span);
}

struct file_pass {
    struct typing typing;
    const struct ast_service *service; /* NULL for the functions of the file */
};

static void check_function(struct file_pass *pass, struct ast_function *function)
{
    struct typing t = pass->typing;
    if (!is_looked_at(function))
        return;
    facts_of(&t, function);
    if (!function->facts)
        return;
    t.has_request = t.has_request && function->used;
    t.has_lookups = t.has_lookups && function->used;
    enter_function(&t, function);
    infer_function(&t, function);
    warn_unused(&t, function);
}

static void check_function_list(struct file_pass *pass, struct ast_function *list)
{
    for (; list; list = list->next)
        check_function(pass, list);
}

static void check_match_list(struct file_pass *pass, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        check_function_list(pass, match->functions);
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            if (allow->condition)
                require(&pass->typing, allow->condition, BIT(RT_BOOL), true);
        check_match_list(pass, match->children);
    }
}

void check_types(const struct ruleset *ruleset, uint32_t file, struct issue_list *issues)
{
    struct arena *arena = arena_new();
    struct typing base = { .ruleset = ruleset,
                           .arena = arena,
                           .issues = issues,
                           .file = file,
                           .known = ARENA_ARRAY(arena, type_set, ruleset->n_nodes) };
    const struct ast_unit *unit = &ruleset->units[file];
    struct file_pass outside = { .typing = base };
    outside.typing.is_outside = outside.typing.has_request = outside.typing.has_lookups = true;
    check_function_list(&outside, unit->functions);
    for (const struct ast_service *service = unit->services; service; service = service->next) {
        struct file_pass pass = { base, service };
        pass.typing.has_lookups = str_eq(service->name, STR("cloud.firestore"));
        pass.typing.has_request = pass.typing.has_lookups || str_eq(service->name, STR("firebase.storage"));
        check_function_list(&pass, service->functions);
        check_match_list(&pass, service->matches);
    }
    arena_free(arena);
}

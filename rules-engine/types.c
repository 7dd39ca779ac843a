/* types.c - see check.h: names that mean nothing, and types that cannot fit, as Google's compiler 1.19.9
 * warns about them. Nothing here decides whether rules run; a warning may be wrong about live data.
 *
 * A type is a set of enum rules_type. What comes from documents and requests may be anything; wildcards are
 * strings or paths; a function asks of its arguments what it does with its parameters, and its result is
 * what it returns. */
#include "rules-engine/check.h"

#include "core/limits.h"
#include "rules-engine/builtins/builtins.h"
#include "rules-engine/clauses.h"
#include "rules-engine/lexer.h"
#include "rules-engine/signatures.h"

enum { CHECKED_NAMES = 32 };

/* What callers need to know of a function when they want its result to be of certain types: what is wanted
 * of the result is asked of what is returned, so it decides what is asked of the parameters. */
struct function_facts {
    struct function_facts *next; /* for another wish */
    type_set wanted;
    enum { FACTS_OPEN, FACTS_DONE } state;
    struct variable *parameters; /* as many as the function has */
    type_set result;
};

struct typing {
    const struct ruleset *ruleset;
    struct arena *arena;
    struct issue_list *issues; /* NULL while only facts are gathered */
    uint32_t file;
    bool has_request; /* request and resource mean something here */
    bool has_lookups; /* get, exists, ... do */
    bool is_outside;  /* a function of the file, called from a service */
    const struct ast_function *function;
    struct function_facts *facts; /* of that function */
    struct variable lets[CHECKED_NAMES], request, resource;
    struct clauses clauses;
    type_set *known; /* by node: what infer() found */
    uint32_t depth;  /* of functions whose facts are being gathered */
};

/* ---- words ---- */

static void warn(struct typing *t, struct ast_span span, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
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
    return (struct ast_span){ node->start,
                              lexer_token_end(t->ruleset->sources[node->file].text, node->start) };
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

static struct ast_span token_from(const struct typing *t, const struct ast_node *node, uint32_t from)
{
    return (struct ast_span){ from, lexer_token_end(t->ruleset->sources[node->file].text, from) };
}

/* Where a finding about a whole expression stands: at its operator or the name of its method, at the first
 * token of an object, call or sign, and of anything else at the first token with its parentheses. */
static struct ast_span place_of(const struct typing *t, const struct ast_node *node, bool is_object)
{
    if (is_binary(node))
        return operator_token(t, node->op.a);
    switch (node->kind) {
    case AST_IS:
        return operator_token(t, node->is.a);
    case AST_METHOD:
        return node->call.name_span;
    case AST_CALL:
    case AST_NEGATE:
    case AST_NOT:
    case AST_SLICE:
        return token_from(t, node, node->span.from);
    default:
        break;
    }
    if (!is_object || node->parentheses == 0)
        return first_token(t, node);
    return token_from(t, node, lexer_skip_gap(t->ruleset->sources[node->file].text, node->start + 1));
}

/* ---- asking for types ---- */

static type_set infer(struct typing *t, const struct ast_node *node);
static const struct function_facts *facts_of(struct typing *t, struct ast_function *function,
                                             type_set wanted);

/* How an expression stands in what surrounds it. */
enum role { ROLE_CONDITION, ROLE_OPERAND, ROLE_OBJECT /* of .x, [i], .f() */ };

static void mismatch(struct typing *t, const struct ast_node *node, type_set got, struct wanted wanted,
                     enum role role)
{
    struct ast_span span = place_of(t, node, role == ROLE_OBJECT);
    if (role == ROLE_CONDITION)
        warn(t, span, "Invalid type. Permission statements expect a boolean value. Received one of [%s].",
             type_set_text(t->arena, got));
    else
        warn(t, span, "Invalid type. Received one of [%s]. Expected one of [%s].",
             type_set_text(t->arena, got), wanted.text ? wanted.text : type_set_text(t->arena, wanted.set));
    if (node->kind == AST_NAME && node->name.scope == SCOPE_WILDCARD)
        warn(t, span, "Invalid type. There is no type for variable '" STR_FMT "' that satisfies all clauses.",
             STR_ARG(node->name.name));
}

static struct variable *variable_of(struct typing *t, const struct ast_node *node)
{
    if (node->kind != AST_NAME)
        return NULL;
    switch (node->name.scope) {
    case SCOPE_PARAMETER:
        return node->name.slot < CHECKED_NAMES ? &t->facts->parameters[node->name.slot] : NULL;
    case SCOPE_LET:
        return node->name.slot < CHECKED_NAMES ? &t->lets[node->name.slot] : NULL;
    case SCOPE_REQUEST:
        return t->has_request ? &t->request : NULL;
    case SCOPE_RESOURCE:
        return t->has_request ? &t->resource : NULL;
    case SCOPE_WILDCARD:
    case SCOPE_UNKNOWN:
        break;
    }
    return NULL;
}

static void compare_branches(struct typing *t, const struct ast_node *node, type_set b, type_set c)
{
    if (!(b & c))
        warn(t, operator_token(t, node->op.a),
             "Ternary operator result if condition is true has a different type than if condition is false.");
}

static type_set infer_user_call(struct typing *t, const struct ast_node *node, type_set wanted);
static type_set infer_index(struct typing *t, const struct ast_node *node, type_set sequences);
static type_set infer_slice(struct typing *t, const struct ast_node *node, type_set sequences);
static type_set infer_arithmetic(struct typing *t, const struct ast_node *node, type_set wanted);
static type_set infer_negation(struct typing *t, const struct ast_node *node, type_set wanted);
static type_set result_of_operator(const struct ast_node *node);
/* What a node gives whatever its parts are; ANY when that depends on them. */
static type_set result_of(const struct ast_node *node);
/* Looks at the parts of a node whose own type is wrong already: nothing is asked of them. */
static void infer_parts(struct typing *t, const struct ast_node *node);
static void require(struct typing *t, const struct ast_node *node, struct wanted wanted, enum role role);

static void require_parts(struct typing *t, const struct ast_node *node, struct wanted wanted, enum role role)
{
    if (wanted.set == ANY) {
        infer(t, node);
        return;
    }
    if (node->kind == AST_TERNARY) {
        require(t, node->op.a, (struct wanted){ BIT(RT_BOOL), NULL }, ROLE_OPERAND);
        require(t, node->op.b, wanted, ROLE_OPERAND);
        require(t, node->op.c, wanted, ROLE_OPERAND);
        type_set b = t->known[node->op.b->id], c = t->known[node->op.c->id];
        if ((b & wanted.set) && (c & wanted.set))
            compare_branches(t, node, b, c);
        t->known[node->id] = ANY;
        return;
    }
    if (!(result_of(node) & wanted.set)) {
        mismatch(t, node, result_of(node), wanted, role);
        infer_parts(t, node);
        return;
    }
    if (node->kind == AST_CALL && node->call.function) {
        infer_user_call(t, node, wanted.set);
        return;
    }
    if (node->kind == AST_INDEX && !(wanted.set & BIT(RT_STRING))) {
        t->known[node->id] = infer_index(t, node, SEQUENCE & ~BIT(RT_STRING));
        return;
    }
    if (node->kind == AST_SLICE) {
        t->known[node->id] = infer_slice(t, node, SEQUENCE & wanted.set);
        return;
    }
    if (node->kind == AST_NEGATE) {
        t->known[node->id] = infer_negation(t, node, wanted.set);
        return;
    }
    if (node->kind >= AST_ADD && node->kind <= AST_MOD) {
        t->known[node->id] = infer_arithmetic(t, node, wanted.set);
        return;
    }
    type_set got = infer(t, node);
    struct variable *variable = variable_of(t, node);
    if (variable)
        clauses_ask(&t->clauses, variable, wanted);
    else if (!(got & wanted.set))
        mismatch(t, node, got, wanted, role);
}

static void require(struct typing *t, const struct ast_node *node, struct wanted wanted, enum role role)
{
    uint32_t from = t->clauses.n;
    require_parts(t, node, wanted, role);
    clauses_join(&t->clauses, from, node->start);
}

static void require_set(struct typing *t, const struct ast_node *node, type_set set, enum role role)
{
    require(t, node, (struct wanted){ set, NULL }, role);
}

static void infer_all(struct typing *t, struct ast_node **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        infer(t, items[i]);
}

/* ---- names ---- */

static type_set infer_name(struct typing *t, const struct ast_node *node)
{
    switch (node->name.scope) {
    case SCOPE_PARAMETER:
    case SCOPE_LET:
        if (variable_of(t, node))
            variable_of(t, node)->mentioned = true;
        return ANY;
    case SCOPE_WILDCARD:
        return node->name.maybe_path ? BIT(RT_PATH) | BIT(RT_STRING) : BIT(RT_STRING);
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
    warn(t, node->call.name_span,
         "Incorrect number of arguments supplied to function: " STR_FMT "%s" STR_FMT ".", STR_ARG(package),
         package.n ? "." : "", STR_ARG(node->call.name));
}

static type_set infer_user_call(struct typing *t, const struct ast_node *node, type_set wanted)
{
    struct ast_function *function = node->call.function;
    if (node->call.n != function->n_parameters) {
        infer_all(t, node->call.args, node->call.n);
        wrong_count(t, node);
        return ANY;
    }
    const struct function_facts *facts = facts_of(t, function, wanted);
    for (uint32_t i = 0; i < node->call.n; i++)
        require(t, node->call.args[i],
                facts && i < CHECKED_NAMES ? facts->parameters[i].asked : (struct wanted){ ANY, NULL },
                ROLE_OPERAND);
    return facts ? facts->result : ANY;
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
        require(t, node->call.args[i], demand->arguments[i], ROLE_OPERAND);
    return type_result(node);
}

/* debug comes with the service, as request does. */
static bool is_known_here(const struct typing *t, const struct builtin *builtin)
{
    if (builtin_is_service(builtin))
        return t->has_lookups;
    return builtin && (t->has_request || !str_eq(builtin->name, STR("debug")));
}

static type_set infer_global(struct typing *t, const struct ast_node *node)
{
    struct demand demand = type_demand(t->arena, node);
    if (!is_known_here(t, node->call.builtin)) {
        warn_name(t, "Invalid function name", node->call.name, node->call.name_span);
        demand = (struct demand){ 0 };
    } else if (builtin_is_service(node->call.builtin) && t->is_outside) {
        warn(t, node->call.name_span,
             "Call to service function '" STR_FMT "' occurs outside of defining scope.",
             STR_ARG(node->call.name));
    }
    return infer_builtin_call(t, node, &demand);
}

static type_set infer_package(struct typing *t, const struct ast_node *node)
{
    struct demand demand = type_demand(t->arena, node);
    if (!demand.any_row)
        warn(t, node->call.name_span, "Invalid function name: " STR_FMT "." STR_FMT ".",
             STR_ARG(node->call.package), STR_ARG(node->call.name));
    return infer_builtin_call(t, node, &demand);
}

static type_set infer_method(struct typing *t, const struct ast_node *node)
{
    if (node->call.package.n > 0)
        return infer_package(t, node);
    struct demand demand = type_demand(t->arena, node);
    if (demand.count_fits)
        require_set(t, node->call.object, demand.receivers, ROLE_OBJECT);
    else
        infer(t, node->call.object);
    if (!demand.any_row)
        warn_name(t, "Invalid function name", node->call.name, node->call.name_span);
    return infer_builtin_call(t, node, &demand);
}

/* ---- operators ---- */

static type_set result_of_operator(const struct ast_node *node)
{
    switch (node->kind) {
    case AST_ADD:
        return ADDABLE;
    case AST_SUB:
        return SUBTRACTABLE;
    case AST_MUL:
    case AST_DIV:
    case AST_MOD:
        return NUMBER;
    default:
        return BIT(RT_BOOL);
    }
}

static type_set result_of(const struct ast_node *node)
{
    switch (node->kind) {
    case AST_CALL:
        return node->call.function || !node->call.builtin ? ANY : type_known_result(node);
    case AST_METHOD:
        return type_known_result(node);
    case AST_NOT:
    case AST_IS:
        return BIT(RT_BOOL);
    case AST_NEGATE:
        return NUMBER | BIT(RT_DURATION);
    case AST_SLICE:
        return SEQUENCE;
    default:
        return is_binary(node) ? result_of_operator(node) : ANY;
    }
}

static void infer_parts(struct typing *t, const struct ast_node *node)
{
    if (node->kind == AST_CALL || node->kind == AST_METHOD) {
        if (node->call.object)
            infer(t, node->call.object);
        infer_all(t, node->call.args, node->call.n);
    } else if (node->kind == AST_SLICE) {
        struct ast_node *parts[] = { node->index.object, node->index.from, node->index.to };
        for (size_t i = 0; i < 3; i++)
            if (parts[i])
                infer(t, parts[i]);
    } else if (node->kind == AST_IS) {
        infer(t, node->is.a);
    } else {
        infer(t, node->op.a);
        if (node->op.b)
            infer(t, node->op.b);
    }
}

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
        require_set(t, node->map.keys[i], BIT(RT_STRING), ROLE_OPERAND);
        infer(t, node->map.values[i]);
    }
    return BIT(RT_MAP);
}

/* Only an index of a string is known to give a string: where none is wanted, none is asked for. */
static type_set infer_index(struct typing *t, const struct ast_node *node, type_set sequences)
{
    require_set(t, node->index.object, sequences | BIT(RT_MAP), ROLE_OBJECT);
    require_set(t, node->index.from, BIT(RT_INT) | BIT(RT_STRING), ROLE_OPERAND);
    return ANY;
}

static type_set infer_slice(struct typing *t, const struct ast_node *node, type_set sequences)
{
    require_set(t, node->index.object, sequences, ROLE_OBJECT);
    if (node->index.from)
        require_set(t, node->index.from, BIT(RT_NULL) | BIT(RT_INT), ROLE_OPERAND);
    if (node->index.to)
        require_set(t, node->index.to, BIT(RT_NULL) | BIT(RT_INT), ROLE_OPERAND);
    return sequences;
}

/* It gives what it takes, so what is wanted of it is wanted of its operands; but int and float go together,
 * and timestamps give durations. */
static type_set operands_for(const struct ast_node *node, type_set wanted)
{
    if (wanted & NUMBER)
        wanted |= NUMBER;
    if (node->kind == AST_SUB && (wanted & BIT(RT_DURATION)))
        wanted |= BIT(RT_TIMESTAMP);
    return wanted;
}

static type_set infer_arithmetic(struct typing *t, const struct ast_node *node, type_set wanted)
{
    type_set set = result_of_operator(node) & operands_for(node, wanted);
    require_set(t, node->op.a, set, ROLE_OPERAND);
    require_set(t, node->op.b, set, ROLE_OPERAND);
    return set;
}

static type_set infer_negation(struct typing *t, const struct ast_node *node, type_set wanted)
{
    type_set set = (NUMBER | BIT(RT_DURATION)) & operands_for(node, wanted);
    require_set(t, node->op.a, set, ROLE_OPERAND);
    return set;
}

static type_set infer_binary(struct typing *t, const struct ast_node *node)
{
    switch (node->kind) {
    case AST_EQ:
    case AST_NE:
        return infer_equality(t, node);
    case AST_AND:
    case AST_OR:
        require_set(t, node->op.a, BIT(RT_BOOL), ROLE_OPERAND);
        require_set(t, node->op.b, BIT(RT_BOOL), ROLE_OPERAND);
        break;
    case AST_IN:
        infer(t, node->op.a);
        require_set(t, node->op.b, BIT(RT_LIST) | BIT(RT_SET) | BIT(RT_MAP) | BIT(RT_CONSTRAINT),
                    ROLE_OPERAND);
        break;
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
        infer_parts(t, node);
        break;
    default:
        return infer_arithmetic(t, node, ANY);
    }
    return result_of_operator(node);
}

static type_set infer_path(struct typing *t, const struct ast_node *node)
{
    const struct wanted segment = { BIT(RT_PATH) | BIT(RT_NULL) | NUMBER | BIT(RT_STRING) | BIT(RT_BOOL),
                                    "path, null, int, float, string, bool" };
    for (uint32_t i = 0; i < node->path.n; i++)
        if (node->path.parts[i].expr)
            require(t, node->path.parts[i].expr, segment, ROLE_OPERAND);
    return BIT(RT_PATH);
}

static type_set infer_ternary(struct typing *t, const struct ast_node *node)
{
    require_set(t, node->op.a, BIT(RT_BOOL), ROLE_OPERAND);
    type_set b = infer(t, node->op.b);
    compare_branches(t, node, b, infer(t, node->op.c));
    return ANY;
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
        require_set(t, node->member.object, BIT(RT_MAP), ROLE_OBJECT);
        return ANY;
    case AST_INDEX:
        return infer_index(t, node, SEQUENCE);
    case AST_SLICE:
        return infer_slice(t, node, SEQUENCE);
    case AST_CALL:
        return node->call.function ? infer_user_call(t, node, ANY) : infer_global(t, node);
    case AST_METHOD:
        return infer_method(t, node);
    case AST_NOT:
        require_set(t, node->op.a, BIT(RT_BOOL), ROLE_OPERAND);
        return BIT(RT_BOOL);
    case AST_NEGATE:
        return infer_negation(t, node, ANY);
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
    uint32_t from = t->clauses.n;
    t->known[node->id] = infer_new(t, node);
    clauses_join(&t->clauses, from, node->start);
    return t->known[node->id];
}

/* ---- functions ---- */

/* What conditions and functions ask of request and resource, each asks on its own. */
static void forget_context(struct typing *t)
{
    t->request = (struct variable){ STR("request"), .asked.set = ANY };
    t->resource = (struct variable){ STR("resource"), .asked.set = ANY };
}

static void enter_function(struct typing *t, const struct ast_function *function,
                           struct function_facts *facts)
{
    t->function = function;
    t->facts = facts;
    t->file = function->file;
    for (uint32_t i = 0; i < function->n_lets && i < CHECKED_NAMES; i++)
        t->lets[i] = (struct variable){ function->lets[i].name, .asked.set = ANY };
    forget_context(t);
}

static void warn_contradictions(struct typing *t)
{
    struct str text = t->ruleset->sources[t->file].text;
    for (uint32_t i = 0; t->issues && i < t->clauses.n_contradictions; i++) {
        const struct contradiction *c = &t->clauses.contradictions[i];
        warn(t, (struct ast_span){ c->start, lexer_token_end(text, c->start) },
             "Invalid type. There is no type for variable '" STR_FMT "' that satisfies all clauses.",
             STR_ARG(c->variable->name));
    }
}

/* What was asked of a let is asked of its value; the innermost let is closed first. */
static void close_lets(struct typing *t, const struct ast_function *function)
{
    for (uint32_t i = function->n_lets; i-- > 0;) {
        require(t, function->lets[i].value, t->lets[i].asked, ROLE_OPERAND);
        clauses_close(&t->clauses, function->lets[i].span.from);
    }
}

static void infer_function(struct typing *t, const struct ast_function *function)
{
    const struct ast_node *body = function->body;
    t->facts->result = ANY;
    if (function->n_lets > LIMIT_RULES_LETS) { /* an error; nothing is said about the rest */
        for (uint32_t i = 0; i <= LIMIT_RULES_LETS; i++)
            infer(t, function->lets[i].value);
        return;
    }
    if (t->facts->wanted == ANY)
        t->facts->result = infer(t, body);
    else
        require_set(t, body, t->facts->wanted, ROLE_OPERAND);
    clauses_close(&t->clauses, body->start);
    close_lets(t, function);
    warn_contradictions(t);
}

static bool is_looked_at(const struct ast_function *function)
{
    return function->n_parameters < CHECKED_NAMES && function->n_lets < CHECKED_NAMES;
}

static struct function_facts *new_facts(struct typing *t, const struct ast_function *function,
                                        type_set wanted)
{
    struct function_facts *facts = ARENA_NEW(t->arena, struct function_facts);
    *facts = (struct function_facts){ .next = function->facts, .wanted = wanted };
    facts->parameters = ARENA_ARRAY(t->arena, struct variable, function->n_parameters);
    for (uint32_t i = 0; i < function->n_parameters; i++)
        facts->parameters[i] = (struct variable){ function->parameters[i], .asked.set = ANY };
    return facts;
}

/* Gathered on first need; NULL inside of the function itself. */
static const struct function_facts *facts_of(struct typing *t, struct ast_function *function, type_set wanted)
{
    for (struct function_facts *facts = function->facts; facts; facts = facts->next)
        if (facts->wanted == wanted)
            return facts->state == FACTS_DONE ? facts : NULL;
    if (!is_looked_at(function) || t->depth > 2 * LIMIT_RULES_CALL_DEPTH)
        return NULL;
    struct function_facts *facts = new_facts(t, function, wanted);
    function->facts = facts;
    struct typing quiet = { .ruleset = t->ruleset,
                            .arena = t->arena,
                            .clauses.arena = t->arena,
                            .has_request = true,
                            .has_lookups = true,
                            .known = t->known,
                            .depth = t->depth + 1 };
    enter_function(&quiet, function, facts);
    infer_function(&quiet, function);
    facts->state = FACTS_DONE;
    return facts;
}

/* ---- the file ---- */

static bool is_mentioned(const struct typing *t, const struct ast_function *function, struct str parameter)
{
    for (uint32_t i = 0; i < function->n_parameters; i++)
        if (t->facts->parameters[i].mentioned && str_eq(function->parameters[i], parameter))
            return true;
    return false;
}

static void warn_unused(struct typing *t, const struct ast_function *function)
{
    const struct ast_function *first = function->duplicate_of ? function->duplicate_of : function;
    if (!first->called)
        warn_name(t, "Unused function", function->name, function->name_span);
    for (uint32_t i = 0; i < function->n_parameters; i++)
        if (!is_mentioned(t, function, function->parameters[i]))
            warn_name(t, "Unused variable", function->parameters[i], function->parameter_spans[i]);
    for (uint32_t i = 0; i < function->n_lets && function->n_lets <= LIMIT_RULES_LETS; i++)
        if (!t->lets[i].mentioned)
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
    t.has_request = t.has_request && function->used;
    t.has_lookups = t.has_lookups && function->used;
    enter_function(&t, function, new_facts(&t, function, ANY));
    infer_function(&t, function);
    warn_unused(&t, function);
}

static void check_function_list(struct file_pass *pass, struct ast_function *list)
{
    for (; list; list = list->next)
        check_function(pass, list);
}

/* Without a method that exists there is no request. */
static void check_condition(struct file_pass *pass, const struct ast_allow *allow)
{
    struct typing t = pass->typing;
    t.has_request = t.has_request && allow->methods != 0;
    t.has_lookups = t.has_lookups && allow->methods != 0;
    forget_context(&t);
    require_set(&t, allow->condition, BIT(RT_BOOL), ROLE_CONDITION);
    warn_contradictions(&t);
}

static void check_match_list(struct file_pass *pass, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        check_function_list(pass, match->functions);
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            if (allow->condition)
                check_condition(pass, allow);
        check_match_list(pass, match->children);
    }
}

static void forget_facts(void *data, struct ast_function *function)
{
    (void)data;
    function->facts = NULL; /* their memory goes */
}

void check_types(const struct ruleset *ruleset, uint32_t file, struct issue_list *issues)
{
    struct arena *arena = arena_new();
    struct typing base = { .ruleset = ruleset,
                           .arena = arena,
                           .clauses.arena = arena,
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
    check_each_function(unit, forget_facts, NULL);
    arena_free(arena);
}

/* check.c - see check.h: names to slots, functions and built-ins; declarations and their limits. */
#include "rules-engine/check.h"

#include "core/limits.h"
#include "rules-engine/builtins/builtins.h"
#include "rules-engine/lexer.h"
#include "rules-engine/parser.h"
#include "rules-engine/regex.h"

/* Functions by scope and name, because a file may hold tens of thousands: open addressing. A scope is known
 * by the head of its list. */
struct function_table {
    struct function_entry {
        const struct ast_function *scope;
        struct ast_function *function;
    } * slots;
    size_t n_slots; /* a power of two */
};

struct checker {
    struct ruleset *ruleset;
    struct arena *arena;
    struct issue_list *issues;
    struct function_table functions;
};

enum { NAMES_LOOKED_AT = 100 }; /* of one function; far above what is allowed */

/* Where a piece of code stands: what its names can mean. */
struct scope {
    const struct ast_match *match;     /* innermost enclosing match, NULL at service or file level */
    const struct ast_service *service; /* NULL at file level */
    const struct ast_unit *unit;
    const struct ast_function *function; /* NULL in a condition */
    uint32_t visible_lets;
};

/* ---- names ---- */

static bool find_parameter(const struct scope *scope, struct str name, uint32_t *slot)
{
    for (uint32_t i = 0; scope->function && i < scope->function->n_parameters; i++) {
        if (str_eq(scope->function->parameters[i], name)) {
            *slot = i;
            return true;
        }
    }
    return false;
}

static bool find_let(const struct scope *scope, struct str name, uint32_t *slot)
{
    for (uint32_t i = scope->visible_lets; scope->function && i > 0; i--) {
        if (str_eq(scope->function->lets[i - 1].name, name)) {
            *slot = i - 1;
            return true;
        }
    }
    return false;
}

static bool has_glob(const struct ast_path_part *parts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (parts[i].kind == PART_GLOB)
            return true;
    return false;
}

/* The innermost wildcard of that name: its slot counts wildcards of the full path from the outside. */
static bool find_wildcard(const struct ast_match *match, struct str name, uint32_t *slot, bool *maybe_path)
{
    for (; match; match = match->parent) {
        uint32_t at = match->n_wildcards;
        for (uint32_t i = match->n_parts; i > 0; i--) {
            const struct ast_path_part *part = &match->parts[i - 1];
            if (part->kind != PART_BINDING && part->kind != PART_GLOB)
                continue;
            at--;
            if (str_eq(part->text, name)) {
                *slot = at;
                *maybe_path = has_glob(match->parts, match->n_parts);
                return true;
            }
        }
    }
    return false;
}

static void resolve_name(const struct scope *scope, struct ast_node *node)
{
    struct str name = node->name.name;
    if (find_let(scope, name, &node->name.slot)) {
        node->name.scope = SCOPE_LET;
    } else if (find_parameter(scope, name, &node->name.slot)) {
        node->name.scope = SCOPE_PARAMETER;
    } else if (find_wildcard(scope->match, name, &node->name.slot, &node->name.maybe_path)) {
        node->name.scope = SCOPE_WILDCARD;
    } else if (str_eq(name, STR("request"))) {
        node->name.scope = SCOPE_REQUEST;
    } else if (str_eq(name, STR("resource"))) {
        node->name.scope = SCOPE_RESOURCE;
    } else {
        node->name.scope = SCOPE_UNKNOWN;
    }
}

static size_t function_hash(const struct ast_function *scope, struct str name)
{
    uint64_t h = (uint64_t)(uintptr_t)scope * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of that name in that scope, or a free one. */
static struct function_entry *function_slot(const struct function_table *table,
                                            const struct ast_function *scope, struct str name)
{
    size_t i = function_hash(scope, name) & (table->n_slots - 1);
    for (; table->slots[i].function; i = (i + 1) & (table->n_slots - 1))
        if (table->slots[i].scope == scope && str_eq(table->slots[i].function->name, name))
            break;
    return &table->slots[i];
}

static struct ast_function *find_in(const struct checker *c, const struct ast_function *scope,
                                    struct str name)
{
    return scope ? function_slot(&c->functions, scope, name)->function : NULL;
}

static struct ast_function *find_function(const struct checker *c, const struct scope *scope, struct str name)
{
    struct ast_function *found = NULL;
    for (const struct ast_match *match = scope->match; match && !found; match = match->parent)
        found = find_in(c, match->functions, name);
    if (!found && scope->service)
        found = find_in(c, scope->service->functions, name);
    return found ? found : find_in(c, scope->unit->functions, name);
}

/* ---- expressions ---- */

static void walk(struct checker *c, const struct scope *scope, struct ast_node *node);

static void walk_all(struct checker *c, const struct scope *scope, struct ast_node **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        walk(c, scope, items[i]);
}

static void resolve_call(struct checker *c, const struct scope *scope, struct ast_node *node)
{
    walk_all(c, scope, node->call.args, node->call.n);
    node->call.function = find_function(c, scope, node->call.name);
    if (!node->call.function)
        node->call.builtin = builtin_global(node->call.name);
}

static void free_pattern(void *regex)
{
    regex_free(regex);
}

/* A literal pattern is compiled here, once. */
static void compile_pattern(struct checker *c, struct ast_node *node)
{
    bool is_replace = str_eq(node->call.name, STR("replace")); /* Google does not check this one */
    bool is_checked = str_eq(node->call.name, STR("matches")) || str_eq(node->call.name, STR("split"));
    if (!(is_checked || is_replace) || !node->call.object || node->call.n == 0 ||
        node->call.args[0]->kind != AST_STRING)
        return;
    struct ast_node *pattern = node->call.args[0];
    struct regex *regex = regex_compile(pattern->text);
    if (!regex && is_replace)
        return;
    if (!regex) {
        issues_add(c->issues, RULES_ERROR, node->file, check_first_token(c->issues, pattern),
                   "%s Pattern: " STR_FMT ".", regex_refusal(pattern->text), STR_ARG(pattern->text));
        return;
    }
    node->call.cached = regex;
    arena_defer(c->arena, free_pattern, regex);
}

static void resolve_method(struct checker *c, const struct scope *scope, struct ast_node *node)
{
    struct ast_node *object = node->call.object;
    if (object->kind == AST_NAME && object->parentheses == 0 && builtin_is_package(object->name.name)) {
        node->call.package = object->name.name;
        node->call.object = NULL;
        node->call.builtin = builtin_package(node->call.package, node->call.name);
    } else {
        walk(c, scope, object);
        node->call.namesake = find_function(c, scope, node->call.name);
    }
    walk_all(c, scope, node->call.args, node->call.n);
    node->call.methods = builtin_methods(node->call.name);
    compile_pattern(c, node);
}

static void walk(struct checker *c, const struct scope *scope, struct ast_node *node)
{
    if (!node)
        return;
    switch (node->kind) {
    case AST_NULL:
    case AST_BOOL:
    case AST_INT:
    case AST_FLOAT:
    case AST_STRING:
    case AST_BYTES:
        return;
    case AST_LIST:
        walk_all(c, scope, node->list.items, node->list.n);
        return;
    case AST_MAP:
        walk_all(c, scope, node->map.keys, node->map.n);
        walk_all(c, scope, node->map.values, node->map.n);
        return;
    case AST_PATH:
        for (uint32_t i = 0; i < node->path.n; i++)
            walk(c, scope, node->path.parts[i].expr);
        return;
    case AST_NAME:
        resolve_name(scope, node);
        return;
    case AST_MEMBER:
        walk(c, scope, node->member.object);
        return;
    case AST_INDEX:
    case AST_SLICE:
        walk(c, scope, node->index.object);
        walk(c, scope, node->index.from);
        walk(c, scope, node->index.to);
        return;
    case AST_CALL:
        resolve_call(c, scope, node);
        return;
    case AST_METHOD:
        resolve_method(c, scope, node);
        return;
    case AST_IS:
        walk(c, scope, node->is.a);
        return;
    default:
        walk(c, scope, node->op.a);
        walk(c, scope, node->op.b);
        walk(c, scope, node->op.c);
        return;
    }
}

/* ---- functions ---- */

static bool is_bound(const struct ast_function *function, uint32_t lets, struct str name)
{
    for (uint32_t i = 0; i < function->n_parameters; i++)
        if (str_eq(function->parameters[i], name))
            return true;
    for (uint32_t i = 0; i < lets; i++)
        if (str_eq(function->lets[i].name, name))
            return true;
    return false;
}

static void check_parameters(struct checker *c, const struct ast_function *function)
{
    if (function->n_parameters > LIMIT_RULES_PARAMETERS)
        issues_add(c->issues, RULES_ERROR, function->file, function->name_span,
                   "Maximum allowed function arguments of %d for function " STR_FMT " is reached.",
                   LIMIT_RULES_PARAMETERS, STR_ARG(function->name));
    for (uint32_t i = 0; i < function->n_parameters && i < NAMES_LOOKED_AT; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq(function->parameters[i], function->parameters[j])) {
                issues_add(c->issues, RULES_ERROR, function->file, function->parameter_spans[i],
                           "Variable " STR_FMT " is already defined.", STR_ARG(function->parameters[i]));
                break;
            }
        }
    }
}

/* The limit is documented as 10 and takes hold at 12, at whatever follows the twelfth let. */
static void check_lets(struct checker *c, const struct ast_function *function)
{
    for (uint32_t i = 0; i < function->n_lets; i++) {
        const struct ast_let *let = &function->lets[i];
        if (c->ruleset->units[function->file].version == 1)
            issues_add(c->issues, RULES_ERROR, function->file, let->name_span,
                       "Let bindings are not allowed in rules_version=\"1\";");
        if (i < NAMES_LOOKED_AT && is_bound(function, i, let->name))
            issues_add(c->issues, RULES_ERROR, function->file, let->name_span,
                       "The identifier [" STR_FMT "] is already bound in the current scope.",
                       STR_ARG(let->name));
    }
    if (function->n_lets <= LIMIT_RULES_LETS)
        return;
    struct ast_span at = check_first_token(c->issues, function->body);
    if (function->n_lets > LIMIT_RULES_LETS + 1) {
        at = function->lets[LIMIT_RULES_LETS + 1].span;
        at.to = at.from + 3;
    }
    issues_add(c->issues, RULES_ERROR, function->file, at,
               "Maximum allowed variable count of %d for a given function has been reached.",
               LIMIT_RULES_LETS - 1);
}

/* Names are looked up one by one: a function so far over the limits is an error already. */
static void walk_function(struct checker *c, const struct scope *outer, struct ast_function *function)
{
    if (function->n_parameters > NAMES_LOOKED_AT || function->n_lets > NAMES_LOOKED_AT)
        return;
    struct scope scope = *outer;
    scope.function = function;
    for (uint32_t i = 0; i < function->n_lets; i++) {
        scope.visible_lets = i;
        walk(c, &scope, function->lets[i].value);
    }
    scope.visible_lets = function->n_lets;
    walk(c, &scope, function->body);
}

static void check_functions(struct checker *c, const struct scope *outer, struct ast_function *list)
{
    for (struct ast_function *function = list; function; function = function->next) {
        struct ast_function *first = find_in(c, list, function->name);
        function->duplicate_of = first != function ? first : NULL;
        if (function->duplicate_of) {
            function->next_duplicate = first->next_duplicate;
            first->next_duplicate = function;
            issues_add(c->issues, RULES_ERROR, function->file, function->name_span,
                       "Function " STR_FMT " is already defined.", STR_ARG(function->name));
        }
        check_parameters(c, function);
        check_lets(c, function);
        walk_function(c, outer, function);
    }
}

/* ---- matches ---- */

static struct ast_span match_keyword(const struct ast_match *match)
{
    return (struct ast_span){ match->span.from, match->span.from + 5 };
}

/* match.h tells what is overlaid: the parts behind ** of the match that has it, in those nested below. */
static void overlay(struct ast_match *match)
{
    const struct ast_match *top = match->parent;
    while (top && !has_glob(top->parts, top->n_parts))
        top = top->parent;
    if (!top || has_glob(match->parts, match->n_parts))
        return;
    uint32_t glob = top->n_full - 1;
    while (top->full[glob].kind != PART_GLOB)
        glob--;
    match->overlaid = top->n_full - glob - 1;
    const struct ast_path_part *over = match->full + glob + 1, *under = match->full + top->n_full;
    if (match->n_full - top->n_full <= match->overlaid)
        match->never_matches = match->overlaid > 0;
    for (uint32_t i = 0; i < match->overlaid && !match->never_matches; i++)
        match->never_matches = over[i].kind == PART_LITERAL && under[i].kind == PART_LITERAL &&
                               !str_eq(over[i].text, under[i].text);
}

static void build_full_path(struct checker *c, struct ast_match *match)
{
    uint32_t above = match->parent ? match->parent->n_full : 0;
    match->full = match->parts;
    match->n_full = match->n_parts;
    if (above + match->n_parts > LIMIT_RULES_PATH_SEGMENTS) {
        issues_add(c->issues, RULES_ERROR, match->file, match_keyword(match),
                   "Maximum allowed path length of %d is reached.", LIMIT_RULES_PATH_SEGMENTS);
    } else if (above > 0) {
        match->n_full = above + match->n_parts;
        match->full = ARENA_ARRAY(c->arena, struct ast_path_part, match->n_full);
        memcpy(match->full, match->parent->full, above * sizeof *match->full);
        memcpy(match->full + above, match->parts, match->n_parts * sizeof *match->full);
    }
    for (uint32_t i = 0; i < match->n_full; i++)
        match->n_wildcards += match->full[i].kind == PART_BINDING || match->full[i].kind == PART_GLOB;
    for (uint32_t i = 0; i + 1 < match->n_full; i++)
        if (match->full[i].kind == PART_GLOB && c->ruleset->units[match->file].version == 1)
            match->never_matches = true;
    overlay(match);
}

static void check_path_limits(struct checker *c, const struct ast_match *match)
{
    bool is_v1 = c->ruleset->units[match->file].version == 1;
    uint32_t above = match->n_full - match->n_parts;
    if (match->n_wildcards > LIMIT_RULES_WILDCARDS)
        issues_add(c->issues, RULES_ERROR, match->file, match_keyword(match),
                   "Maximum allowed amount of %d match field variables is reached.", LIMIT_RULES_WILDCARDS);
    if (!is_v1 && has_glob(match->full, above) && has_glob(match->parts, match->n_parts))
        issues_add(
            c->issues, RULES_ERROR, match->file, match_keyword(match),
            "Invalid glob match expression. Only one glob match is permitted in a match declaration path.");
    if (is_v1 && has_glob(match->parts, match->n_parts) && match->children)
        issues_add(c->issues, RULES_WARNING, match->file, match_keyword(match),
                   "Glob(**) resource rules should not have child resource rules.");
}

static bool is_known_service(struct str name)
{
    return str_eq(name, STR("cloud.firestore")) || str_eq(name, STR("firebase.storage"));
}

static void check_allow(struct checker *c, const struct scope *scope, struct ast_allow *allow)
{
    bool known = is_known_service(scope->service->name);
    for (uint32_t i = 0; i < allow->n_methods; i++) {
        struct ast_span span = allow->method_spans[i];
        struct str name = str_from(c->ruleset->sources[allow->file].text.p + span.from, span.to - span.from);
        if (!known || !parser_method(name))
            issues_add(c->issues, RULES_WARNING, allow->file, span, "Invalid method name: " STR_FMT ".",
                       STR_ARG(name));
    }
    c->ruleset->allows[allow->index] = allow;
    walk(c, scope, allow->condition);
}

static void check_matches(struct checker *c, const struct scope *outer, struct ast_match *list,
                          uint32_t depth)
{
    for (struct ast_match *match = list; match; match = match->next) {
        struct scope scope = *outer;
        scope.match = match;
        build_full_path(c, match);
        check_path_limits(c, match);
        if (depth == LIMIT_RULES_MATCH_DEPTH + 2)
            issues_add(c->issues, RULES_ERROR, match->file, match_keyword(match),
                       "Maximum allowed resource rule depth of %d is reached.", LIMIT_RULES_MATCH_DEPTH);
        check_functions(c, &scope, match->functions);
        for (struct ast_allow *allow = match->allows; allow; allow = allow->next)
            check_allow(c, &scope, allow);
        check_matches(c, &scope, match->children, depth + 1);
    }
}

/* ---- the whole ---- */

static void check_service(struct checker *c, const struct ast_unit *unit, struct ast_service *service)
{
    struct scope scope = { .unit = unit, .service = service };
    for (const struct ast_service *other = unit->services; other != service; other = other->next) {
        if (str_eq(other->name, service->name)) {
            issues_add(c->issues, RULES_ERROR, service->file, service->name_span,
                       "Duplicate service name declaration.");
            break;
        }
    }
    if (!is_known_service(service->name))
        issues_add(c->issues, RULES_WARNING, service->file, service->name_span,
                   "Invalid service name: " STR_FMT ".", STR_ARG(service->name));
    check_functions(c, &scope, service->functions);
    check_matches(c, &scope, service->matches, 1);
}

static void check_unit(struct checker *c, uint32_t file)
{
    struct ast_unit *unit = &c->ruleset->units[file];
    struct scope scope = { .unit = unit };
    if (unit->version == 1)
        issues_add_file(
            c->issues, RULES_WARNING, file,
            "Ruleset uses old version (version [1]). Please update to the latest version (version [2]).");
    check_functions(c, &scope, unit->functions);
    for (struct ast_service *service = unit->services; service; service = service->next)
        check_service(c, unit, service);
}

static void count_function(void *data, struct ast_function *function)
{
    (void)function;
    ++*(size_t *)data;
}

static void enter_functions(struct checker *c, struct ast_function *list)
{
    for (struct ast_function *function = list; function; function = function->next) {
        struct function_entry *entry = function_slot(&c->functions, list, function->name);
        if (!entry->function)
            *entry = (struct function_entry){ list, function };
    }
}

static void enter_matches(struct checker *c, const struct ast_match *list)
{
    for (; list; list = list->next) {
        enter_functions(c, list->functions);
        enter_matches(c, list->children);
    }
}

static void build_function_table(struct checker *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->ruleset->n_files; i++)
        check_each_function(&c->ruleset->units[i], count_function, &n);
    for (c->functions.n_slots = 16; c->functions.n_slots < n * 2;)
        c->functions.n_slots *= 2;
    c->functions.slots = ARENA_ARRAY(c->arena, struct function_entry, c->functions.n_slots);
    for (size_t i = 0; i < c->ruleset->n_files; i++) {
        enter_functions(c, c->ruleset->units[i].functions);
        for (struct ast_service *service = c->ruleset->units[i].services; service; service = service->next) {
            enter_functions(c, service->functions);
            enter_matches(c, service->matches);
        }
    }
}

void check_run(struct ruleset *ruleset, struct issue_list *issues)
{
    struct checker checker = { .ruleset = ruleset, .arena = ruleset->arena, .issues = issues };
    uint32_t n = (uint32_t)ruleset->n_files;
    ruleset->allows = ARENA_ARRAY(ruleset->arena, struct ast_allow *, ruleset->n_allows);
    build_function_table(&checker);
    for (uint32_t i = 0; i < n; i++)
        check_unit(&checker, i);
    check_calls(ruleset, issues);
    for (uint32_t i = 0; i < n; i++)
        check_types(ruleset, i, issues);
}

/* ---- shared ---- */

struct ast_span check_first_token(const struct issue_list *issues, const struct ast_node *node)
{
    return (struct ast_span){ node->start, lexer_token_end(issues->sources[node->file].text, node->start) };
}

static void visit_list(struct ast_function *list, void (*visit)(void *data, struct ast_function *f),
                       void *data)
{
    for (; list; list = list->next)
        visit(data, list);
}

static void visit_matches(const struct ast_match *list, void (*visit)(void *data, struct ast_function *f),
                          void *data)
{
    for (; list; list = list->next) {
        visit_list(list->functions, visit, data);
        visit_matches(list->children, visit, data);
    }
}

void check_each_function(const struct ast_unit *unit, void (*visit)(void *data, struct ast_function *f),
                         void *data)
{
    visit_list(unit->functions, visit, data);
    for (const struct ast_service *service = unit->services; service; service = service->next) {
        visit_list(service->functions, visit, data);
        visit_matches(service->matches, visit, data);
    }
}

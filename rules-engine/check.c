/* check.c - see check.h. */
#include "rules-engine/check.h"

#include "core/limits.h"
#include "rules-engine/builtins/builtins.h"

struct checker {
    struct ruleset *ruleset;
    struct arena *arena;
    struct issue_list *issues;
};

/* Where a piece of code stands: what its names can mean. */
struct scope {
    const struct ast_match *match;       /* innermost enclosing match, NULL at service or file level */
    const struct ast_service *service;   /* NULL at file level */
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

/* The innermost wildcard of that name: its slot counts wildcards of the full path from the outside. */
static bool find_wildcard(const struct ast_match *match, struct str name, uint32_t *slot)
{
    uint32_t at = match ? match->n_wildcards : 0;
    for (uint32_t i = match ? match->n_full : 0; i > 0; i--) {
        const struct ast_path_part *part = &match->full[i - 1];
        if (part->kind != PART_BINDING && part->kind != PART_GLOB)
            continue;
        at--;
        if (str_eq(part->text, name)) {
            *slot = at;
            return true;
        }
    }
    return false;
}

static void resolve_name(struct checker *c, const struct scope *scope, struct ast_node *node)
{
    struct str name = node->name.name;
    if (find_parameter(scope, name, &node->name.slot)) {
        node->name.scope = SCOPE_PARAMETER;
    } else if (find_let(scope, name, &node->name.slot)) {
        node->name.scope = SCOPE_LET;
    } else if (find_wildcard(scope->match, name, &node->name.slot)) {
        node->name.scope = SCOPE_WILDCARD;
    } else if (str_eq(name, STR("request"))) {
        node->name.scope = SCOPE_REQUEST;
    } else if (str_eq(name, STR("resource"))) {
        node->name.scope = SCOPE_RESOURCE;
    } else {
        node->name.scope = SCOPE_UNKNOWN;
        issues_add(c->issues, RULES_WARNING, node->file, node->span, "Invalid variable name: " STR_FMT ".",
                   STR_ARG(name));
    }
}

static struct ast_function *find_in(struct ast_function *list, struct str name)
{
    for (; list; list = list->next)
        if (str_eq(list->name, name))
            return list;
    return NULL;
}

static struct ast_function *find_function(const struct scope *scope, struct str name)
{
    struct ast_function *found = NULL;
    for (const struct ast_match *match = scope->match; match && !found; match = match->parent)
        found = find_in(match->functions, name);
    if (!found && scope->service)
        found = find_in(scope->service->functions, name);
    return found ? found : find_in(scope->unit->functions, name);
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
    node->call.function = find_function(scope, node->call.name);
    if (node->call.function)
        return;
    node->call.builtin = builtin_global(node->call.name);
    if (!node->call.builtin)
        issues_add(c->issues, RULES_WARNING, node->file, node->span, "Invalid function name: " STR_FMT ".",
                   STR_ARG(node->call.name));
}

static void resolve_method(struct checker *c, const struct scope *scope, struct ast_node *node)
{
    struct ast_node *object = node->call.object;
    if (object->kind == AST_NAME && builtin_is_package(object->name.name)) {
        node->call.package = object->name.name;
        node->call.object = NULL;
        node->call.builtin = builtin_package(node->call.package, node->call.name);
    } else {
        walk(c, scope, object);
    }
    walk_all(c, scope, node->call.args, node->call.n);
    if (node->call.package.n ? !node->call.builtin : !builtin_method_exists(node->call.name))
        issues_add(c->issues, RULES_WARNING, node->file, node->span, "Invalid function name: " STR_FMT ".",
                   STR_ARG(node->call.name));
}

static void walk(struct checker *c, const struct scope *scope, struct ast_node *node)
{
    if (!node)
        return;
    switch (node->kind) {
    case AST_NULL: case AST_BOOL: case AST_INT: case AST_FLOAT: case AST_STRING: case AST_BYTES:
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
        resolve_name(c, scope, node);
        return;
    case AST_MEMBER:
        walk(c, scope, node->member.object);
        return;
    case AST_INDEX: case AST_SLICE:
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

/* ---- declarations ---- */

static void check_functions(struct checker *c, const struct scope *outer, struct ast_function *list)
{
    for (struct ast_function *function = list; function; function = function->next) {
        struct scope scope = *outer;
        scope.function = function;
        for (uint32_t i = 0; i < function->n_lets; i++) {
            scope.visible_lets = i;
            walk(c, &scope, function->lets[i].value);
        }
        scope.visible_lets = function->n_lets;
        walk(c, &scope, function->body);
    }
}

static void build_full_path(struct checker *c, struct ast_match *match)
{
    uint32_t above = match->parent ? match->parent->n_full : 0;
    match->n_full = above + match->n_parts;
    match->full = ARENA_ARRAY(c->arena, struct ast_path_part, match->n_full);
    if (above)
        memcpy(match->full, match->parent->full, above * sizeof *match->full);
    memcpy(match->full + above, match->parts, match->n_parts * sizeof *match->full);
    for (uint32_t i = 0; i < match->n_full; i++)
        match->n_wildcards += match->full[i].kind == PART_BINDING || match->full[i].kind == PART_GLOB;
    for (uint32_t i = 0; i + 1 < match->n_full; i++)
        if (match->full[i].kind == PART_GLOB && c->ruleset->units[match->file].version == 1)
            match->v1_never_matches = true;
}

static void check_matches(struct checker *c, const struct scope *outer, struct ast_match *list)
{
    for (struct ast_match *match = list; match; match = match->next) {
        struct scope scope = *outer;
        scope.match = match;
        build_full_path(c, match);
        check_functions(c, &scope, match->functions);
        for (struct ast_allow *allow = match->allows; allow; allow = allow->next) {
            c->ruleset->allows[allow->index] = allow;
            walk(c, &scope, allow->condition);
        }
        check_matches(c, &scope, match->children);
    }
}

void check_run(struct ruleset *ruleset, struct issue_list *issues)
{
    struct checker checker = { .ruleset = ruleset, .arena = ruleset->arena, .issues = issues };
    ruleset->allows = ARENA_ARRAY(ruleset->arena, struct ast_allow *, ruleset->n_allows);
    for (size_t i = 0; i < ruleset->n_files; i++) {
        struct ast_unit *unit = &ruleset->units[i];
        struct scope scope = { .unit = unit };
        check_functions(&checker, &scope, unit->functions);
        for (struct ast_service *service = unit->services; service; service = service->next) {
            scope.service = service;
            check_functions(&checker, &scope, service->functions);
            check_matches(&checker, &scope, service->matches);
        }
    }
}

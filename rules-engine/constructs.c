/* constructs.c - see check.h: what is wrong with one construct, whatever stands around it. */
#include "rules-engine/check.h"

#include "core/limits.h"
#include "rules-engine/builtins/builtins.h"
#include "rules-engine/lexer.h"

enum { SEGMENTS_LOOKED_AT = 1000 }; /* of one path, each against each; ten times what a match may have */

struct pass {
    struct issue_list *issues;
    uint32_t file;
    int version;
};

static void check_not_package(struct pass *p, struct str name, struct ast_span span)
{
    if (builtin_is_package(name))
        issues_add(p->issues, RULES_ERROR, p->file, span,
                   STR_FMT " is a package and cannot be used as variable name.", STR_ARG(name));
}

static bool is_wildcard(const struct ast_path_part *part)
{
    return part->kind == PART_BINDING || part->kind == PART_GLOB;
}

/* The name in "/{name}", behind whatever spaces. */
static struct ast_span name_span(const struct pass *p, const struct ast_path_part *part)
{
    uint32_t from = (uint32_t)(part->text.p - p->issues->sources[p->file].text.p);
    return (struct ast_span){ from, from + (uint32_t)part->text.n };
}

static void check_wildcards(struct pass *p, const struct ast_path_part *parts, uint32_t n, bool declares)
{
    for (uint32_t i = 0; i < n && i < SEGMENTS_LOOKED_AT; i++) {
        if (!is_wildcard(&parts[i]))
            continue;
        if (declares)
            check_not_package(p, parts[i].text, name_span(p, &parts[i]));
        for (uint32_t j = 0; j < i; j++) {
            if (is_wildcard(&parts[j]) && str_eq(parts[j].text, parts[i].text)) {
                issues_add(p->issues, RULES_ERROR, p->file, name_span(p, &parts[i]),
                           "Variable " STR_FMT " already exists in the PathTemplate.",
                           STR_ARG(parts[i].text));
                break;
            }
        }
    }
}

static void check_globs(struct pass *p, const struct ast_match *match)
{
    bool seen = false;
    for (uint32_t i = 0; i < match->n_parts; i++) {
        struct ast_span slash = { match->parts[i].span.from, match->parts[i].span.from + 1 };
        if (match->parts[i].kind != PART_GLOB)
            continue;
        if (p->version == 1 && i + 1 < match->n_parts)
            issues_add(
                p->issues, RULES_ERROR, p->file, slash,
                "Invalid glob match expression. Glob matches are permitted as the last segment in a match "
                "declaration path.");
        else if (p->version == 2 && seen)
            issues_add(p->issues, RULES_ERROR, p->file, slash,
                       "Invalid glob match expression. Only one glob match is permitted in a match "
                       "declaration path.");
        seen = true;
    }
}

/* ---- expressions ---- */

/* Depth counts operands, arguments, elements and parentheses; a chain of .members is one level. The finding
 * stands where the first level too many begins, maybe at one of the parentheses around the node. */
static bool is_too_deep(struct pass *p, const struct ast_node *node, uint32_t depth)
{
    if (depth + node->parentheses < LIMIT_RULES_AST_DEPTH)
        return false;
    struct str text = p->issues->sources[p->file].text;
    uint32_t at = node->start;
    for (; depth < LIMIT_RULES_AST_DEPTH; depth++)
        at = lexer_skip_gap(text, at + 1);
    issues_add(p->issues, RULES_ERROR, p->file, (struct ast_span){ at, lexer_token_end(text, at) },
               "Expression is too complex to evaluate safely.");
    return true;
}

static void walk(struct pass *p, const struct ast_node *node, uint32_t depth);

static void walk_all(struct pass *p, struct ast_node **items, uint32_t n, uint32_t depth)
{
    for (uint32_t i = 0; i < n; i++)
        walk(p, items[i], depth);
}

static void walk_path(struct pass *p, const struct ast_node *node, uint32_t depth)
{
    check_wildcards(p, node->path.parts, node->path.n, false);
    for (uint32_t i = 0; i < node->path.n; i++)
        walk(p, node->path.parts[i].expr, depth + 1);
}

static void walk_call(struct pass *p, const struct ast_node *node, uint32_t depth)
{
    const struct ast_node *object = node->kind == AST_METHOD ? node->call.object : NULL;
    bool is_package = object && object->kind == AST_NAME && object->parentheses == 0 &&
                      builtin_is_package(object->name.name);
    if (!is_package)
        walk(p, object, depth);
    walk_all(p, node->call.args, node->call.n, depth + 1);
}

/* `depth` is that of the node's outermost parenthesis. */
static void walk(struct pass *p, const struct ast_node *node, uint32_t depth)
{
    if (!node || is_too_deep(p, node, depth))
        return;
    depth += node->parentheses;
    switch (node->kind) {
    case AST_NULL:
    case AST_BOOL:
    case AST_INT:
    case AST_FLOAT:
    case AST_STRING:
    case AST_BYTES:
        return;
    case AST_NAME:
        check_not_package(p, node->name.name, node->span);
        return;
    case AST_LIST:
        walk_all(p, node->list.items, node->list.n, depth + 1);
        return;
    case AST_MAP:
        walk_all(p, node->map.keys, node->map.n, depth + 1);
        walk_all(p, node->map.values, node->map.n, depth + 1);
        return;
    case AST_PATH:
        walk_path(p, node, depth);
        return;
    case AST_MEMBER:
        walk(p, node->member.object, depth);
        return;
    case AST_NEGATE:
        walk(p, node->op.a, depth);
        return;
    case AST_INDEX:
    case AST_SLICE:
        walk(p, node->index.object, depth);
        walk(p, node->index.from, depth + 1);
        walk(p, node->index.to, depth + 1);
        return;
    case AST_CALL:
    case AST_METHOD:
        walk_call(p, node, depth);
        return;
    case AST_IS:
        walk(p, node->is.a, depth + 1);
        return;
    default:
        walk(p, node->op.a, depth + 1);
        walk(p, node->op.b, depth + 1);
        walk(p, node->op.c, depth + 1);
        return;
    }
}

/* ---- declarations ---- */

static void check_function(void *data, struct ast_function *function)
{
    struct pass *p = data;
    for (uint32_t i = 0; i < function->n_parameters; i++)
        check_not_package(p, function->parameters[i], function->parameter_spans[i]);
    for (uint32_t i = 0; i < function->n_lets; i++) {
        check_not_package(p, function->lets[i].name, function->lets[i].name_span);
        walk(p, function->lets[i].value, 1);
    }
    walk(p, function->body, 1);
}

static void check_matches(struct pass *p, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        check_wildcards(p, match->parts, match->n_parts, true);
        check_globs(p, match);
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            walk(p, allow->condition, 1);
        check_matches(p, match->children);
    }
}

void check_constructs(const struct ast_unit *unit, uint32_t file, struct issue_list *issues)
{
    struct pass pass = { .issues = issues, .file = file, .version = unit->version };
    check_each_function(unit, check_function, &pass);
    for (const struct ast_service *service = unit->services; service; service = service->next)
        check_matches(&pass, service->matches);
}

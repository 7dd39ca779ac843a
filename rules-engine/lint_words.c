/* lint_words.c - how lints name lines, conditions, methods and paths; see lint.h. */
#include "rules-engine/lexer.h"
#include "rules-engine/lint.h"
#include "rules-engine/pattern.h"

enum { SHOWN_CONDITION = 100, DOCUMENT_PREFIX = 3 /* databases, {database}, documents */ };

struct str lint_source(const struct ruleset *ruleset, uint32_t file, struct ast_span span)
{
    return str_from(ruleset->sources[file].text.p + span.from, span.to - span.from);
}

const char *lint_one_line(struct arena *arena, struct str text)
{
    char *out = arena_alloc(arena, text.n + 4);
    size_t n = 0;
    for (uint32_t at = 0, end; at < text.n; at = end) {
        uint32_t token = lexer_skip_gap(text, at);
        if (token > at && token < text.n && n > 0)
            out[n++] = ' ';
        end = lexer_token_end(text, token);
        for (uint32_t i = token; i < end && i < text.n; i++) {
            if (n >= SHOWN_CONDITION && ((unsigned char)text.p[i] & 0xc0) != 0x80) {
                memcpy(out + n, "...", 4);
                return out;
            }
            out[n++] = text.p[i];
        }
    }
    out[n] = '\0';
    return out;
}

uint32_t lint_line(const struct ruleset *ruleset, uint32_t file, struct ast_span span)
{
    uint32_t line, column;
    source_position(&ruleset->sources[file], span.from, &line, &column);
    return line;
}

static const struct {
    unsigned bits;
    const char *name;
} method_names[] = {
    { METHOD_READ, "read" },     { METHOD_GET, "get" },       { METHOD_LIST, "list" },
    { METHOD_WRITE, "write" },   { METHOD_CREATE, "create" }, { METHOD_UPDATE, "update" },
    { METHOD_DELETE, "delete" },
};

const char *lint_methods(struct arena *arena, unsigned methods)
{
    const char *text = "";
    for (size_t i = 0; i < sizeof method_names / sizeof method_names[0]; i++) {
        if ((methods & method_names[i].bits) != method_names[i].bits)
            continue;
        text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", method_names[i].name);
        methods &= ~method_names[i].bits;
    }
    return text;
}

const char *lint_when(const struct lint_pass *pass, const struct ast_allow *allow)
{
    const struct ast_node *condition = allow->condition;
    if (!condition || (condition->kind == AST_BOOL && condition->boolean))
        return "always";
    struct ast_span span = { condition->start, allow->span.to };
    return lint_text(pass, "when %s",
                     lint_one_line(pass->issues->arena, lint_source(pass->ruleset, allow->file, span)));
}

const struct ast_path_part *lint_document_parts(const struct ast_match *match, uint32_t *n)
{
    const struct ast_path_part *full = match->full;
    *n = 0;
    if (match->n_full <= DOCUMENT_PREFIX || full[0].kind != PART_LITERAL ||
        !str_eq_z(full[0].text, "databases") || full[1].kind == PART_GLOB || full[2].kind != PART_LITERAL ||
        !str_eq_z(full[2].text, "documents"))
        return NULL;
    *n = match->n_full - DOCUMENT_PREFIX;
    return full + DOCUMENT_PREFIX;
}

const char *lint_pattern(struct arena *arena, const struct ast_match *match)
{
    uint32_t n;
    const struct ast_path_part *parts = lint_document_parts(match, &n);
    const char *text = "";
    if (!parts) {
        parts = match->full;
        n = match->n_full;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *open = parts[i].kind == PART_LITERAL ? "" : "{";
        const char *close = parts[i].kind == PART_LITERAL ? "" : parts[i].kind == PART_GLOB ? "=**}" : "}";
        text = arena_printf(arena, "%s/%s" STR_FMT "%s", text, open, STR_ARG(parts[i].text), close);
    }
    return text;
}

const char *lint_request(const struct lint_pass *pass, const struct ast_match *a, const struct ast_match *b,
                         unsigned methods)
{
    static const unsigned order[] = { METHOD_UPDATE, METHOD_CREATE, METHOD_DELETE, METHOD_LIST, METHOD_GET };
    static const char prefix[] = "/databases/x/documents/";
    struct arena *arena = pass->issues->arena;
    unsigned method = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0] && !method; i++)
        method = methods & order[i];
    const char *path = pattern_witness(arena, a, b, pass->ruleset->units[a->file].version);
    if (path && strncmp(path, prefix, sizeof prefix - 1) == 0)
        path += sizeof prefix - 1;
    return arena_printf(arena, "'%s %s'", lint_methods(arena, method), path ? path : "");
}

static void each_match(struct lint_pass *pass, const struct ast_match *list, lint_visit_match *visit)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        visit(pass, match);
        each_match(pass, match->children, visit);
    }
}

void lint_each_match(struct lint_pass *pass, lint_visit_match *visit)
{
    for (size_t i = 0; i < pass->ruleset->n_files; i++)
        for (const struct ast_service *s = pass->ruleset->units[i].services; s; s = s->next)
            if (str_eq_z(s->name, "cloud.firestore"))
                each_match(pass, s->matches, visit);
}

/* lint_paths.c - lints about match paths, method names and path literals: `never-matches`, `unknown-method`,
 * `literal-segment`. */
#include "rules-engine/lint_expr.h"
#include "rules-engine/pattern.h"

#include <strings.h>

/* ---- never-matches ---- */

static const struct ast_path_part *glob_of(const struct ast_match *match)
{
    for (uint32_t i = 0; i < match->n_full; i++)
        if (match->full[i].kind == PART_GLOB)
            return &match->full[i];
    return NULL;
}

/* Whether a path can begin with /databases/{d}/documents and go on. */
static bool is_below_documents(const struct ast_match *match)
{
    static struct ast_path_part parts[] = {
        { .kind = PART_LITERAL, .text = STR_INIT("databases") },
        { .kind = PART_BINDING },
        { .kind = PART_LITERAL, .text = STR_INIT("documents") },
        { .kind = PART_BINDING },
        { .kind = PART_GLOB },
    };
    const struct ast_match documents = { .full = parts, .n_full = sizeof parts / sizeof parts[0] };
    return pattern_intersects(match, &documents, 2);
}

static void look_at_match(struct lint_pass *pass, const struct ast_match *match)
{
    const char *message = NULL, *note = NULL;
    const char *path = lint_pattern(pass->issues->arena, match);
    if (!match->allows)
        return;
    if (match->never_matches && match->overlaid) {
        message =
            lint_text(pass,
                      "'%s' matches no document: what is nested below {%s=**} and a name begins at that "
                      "name, not behind it",
                      path, arena_str(pass->issues->arena, glob_of(match)->text).p);
        note = lint_text(pass, "declare it beside the other: match %s", path);
    } else if (match->never_matches) {
        message =
            lint_text(pass, "'%s' matches no document: in version 1 a {%s=**} can only be the end of a path",
                      path, arena_str(pass->issues->arena, glob_of(match)->text).p);
        note = "write rules_version = '2'; as the first line";
    } else if (!is_below_documents(match)) {
        message = lint_text(
            pass, "'%s' matches no document: their paths begin /databases/{database}/documents", path);
        note = "put it inside match /databases/{database}/documents { ... }";
    } else if (!glob_of(match) && match->n_full % 2 == 0) {
        message = lint_text(pass, "'%s' ends at a collection: it matches no document", path);
        note = lint_text(pass, "add the document: '%s/{id}'", path);
    }
    if (message)
        lint_add(pass, RULES_WARNING, match->file, match->path_span, note, message);
}

void lint_never_matches(struct lint_pass *pass)
{
    lint_each_match(pass, look_at_match);
}

/* ---- unknown-method ---- */

static const struct {
    const char *known;
    const char *others[8]; /* what people write for it */
} methods[] = {
    { "read", { "reads", "view", "select", "fetch", "query" } },
    { "write", { "writes", "edit", "modify", "save" } },
    { "get", { "find", "gets" } },
    { "list", { "lists", "search", "getAll" } },
    { "create", { "insert", "add", "post", "new", "set", "push" } },
    { "update", { "patch", "put", "change", "merge" } },
    { "delete", { "remove", "destroy", "del", "erase" } },
};

/* The known method in one of whose texts at most two characters differ from `name`. */
static bool differs_little(struct str name, const char *known)
{
    size_t n = strlen(known), different = n > name.n ? n - name.n : name.n - n;
    for (size_t i = 0; i < n && i < name.n; i++)
        different += (name.p[i] | 0x20) != known[i];
    return different <= 2;
}

static const char *suggested(struct str name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        for (size_t j = 0; methods[i].others[j]; j++)
            if (str_eq_z(name, methods[i].others[j]))
                return methods[i].known;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (differs_little(name, methods[i].known))
            return methods[i].known;
    return NULL;
}

/* In whatever case: Google's compiler takes them so. */
static bool is_method(struct str name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (name.n == strlen(methods[i].known) && strncasecmp(name.p, methods[i].known, name.n) == 0)
            return true;
    return false;
}

void lint_unknown_method(struct lint_pass *pass)
{
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        const struct ast_allow *allow = pass->ruleset->allows[i];
        for (uint32_t j = 0; j < allow->n_methods; j++) {
            struct str name = lint_source(pass->ruleset, allow->file, allow->method_spans[j]);
            if (is_method(name))
                continue;
            const char *known = suggested(name);
            lint_add(pass, RULES_WARNING, allow->file, allow->method_spans[j],
                     known ? lint_text(pass, "write '%s'", known)
                           : "methods are read (get, list) and write (create, update, delete)",
                     lint_text(pass, "there is no method '" STR_FMT "': this grants nothing", STR_ARG(name)));
        }
    }
}

/* ---- literal-segment ---- */

static void look_at_parts(struct lint_pass *pass, const struct ast_match *match)
{
    for (uint32_t i = 0; i < match->n_parts; i++) {
        const struct ast_path_part *part = &match->parts[i];
        struct str text = part->text;
        if (part->kind != PART_LITERAL || text.n == 0 ||
            !(text.p[0] == ':' || memchr(text.p, '*', text.n) || memchr(text.p, '\'', text.n)))
            continue;
        bool deep = str_eq_z(text, "**");
        while (text.n && (text.p[0] == ':' || text.p[0] == '*' || text.p[0] == '\''))
            text = str_skip(text, 1);
        lint_add(pass, RULES_WARNING, match->file, part->span,
                 text.n ? lint_text(pass, "write '{" STR_FMT "}'", STR_ARG(text))
                 : deep ? "write '{document=**}'"
                        : "write '{id}'",
                 lint_text(pass, "'" STR_FMT "' is a literal here: only an id spelled so matches",
                           STR_ARG(part->text)));
    }
}

struct path_look {
    struct lint_pass *pass;
    const struct ast_allow *allow;
};

static bool is_wildcard(const struct ast_match *match, struct str name)
{
    for (uint32_t i = 0; i < match->n_full; i++)
        if (match->full[i].kind != PART_LITERAL && str_eq(match->full[i].text, name))
            return true;
    return false;
}

/* Looks at ids only: a collection may well be called as a wildcard. /databases, the database's id,
 * /documents, then pairs of collection and id. */
static void look_at_path(void *data, struct lint_expr e)
{
    const struct path_look *look = data;
    if (e.node->kind != AST_PATH)
        return;
    for (uint32_t i = 1; i < e.node->path.n; i += i == 1 ? 3 : 2) {
        const struct ast_path_part *part = &e.node->path.parts[i];
        if (part->kind == PART_LITERAL && is_wildcard(look->allow->match, part->text))
            lint_add(look->pass, RULES_WARNING, e.node->file, part->span,
                     lint_text(look->pass, "write '$(" STR_FMT ")'", STR_ARG(part->text)),
                     lint_text(look->pass, "'" STR_FMT "' is the word, not the variable of that name",
                               STR_ARG(part->text)));
    }
}

void lint_literal_segment(struct lint_pass *pass)
{
    lint_each_match(pass, look_at_parts);
    for (uint32_t i = 0; i < pass->ruleset->n_allows; i++) {
        struct path_look look = { pass, pass->ruleset->allows[i] };
        lint_walk(pass, (struct lint_expr){ look.allow->condition, NULL }, look_at_path, &look);
    }
}

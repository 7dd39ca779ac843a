/* lint_deny.c - the lint `useless-deny`.
 *
 * A request is allowed when any allow of any matching block is true, so no allow can take back what another
 * one grants. Yet people write `allow write: if ...; allow update, delete: if false;`, or a strict block
 * beside a {document=**} that lets everybody in. For each allow that is always false, or stricter than
 * another (the other is always true, or asks only a part of the same), this names the line that grants.
 * A broad `if false` beside narrower grants is the usual default and no finding. */
#include "rules-engine/lint.h"

#include "rules-engine/lexer.h"
#include "rules-engine/pattern.h"

#include "core/limits.h"

enum truth { UNKNOWN, ALWAYS, NEVER };

enum { SHOWN_CONDITION = 100, CONJUNCTS = 64 };

/* ---- conditions ---- */

static enum truth look_into(const struct ast_node *node, unsigned *steps);

static enum truth look_into_call(const struct ast_node *node, unsigned *steps)
{
    const struct ast_function *function = node->call.function;
    return function && function->n_lets == 0 ? look_into(function->body, steps) : UNKNOWN;
}

static enum truth look_into(const struct ast_node *node, unsigned *steps)
{
    if (*steps == 0)
        return UNKNOWN;
    --*steps;
    enum truth a, b;
    switch (node->kind) {
    case AST_BOOL:
        return node->boolean ? ALWAYS : NEVER;
    case AST_NOT:
        a = look_into(node->op.a, steps);
        return a == UNKNOWN ? UNKNOWN : a == ALWAYS ? NEVER : ALWAYS;
    case AST_AND:
    case AST_OR:
        a = look_into(node->op.a, steps);
        b = look_into(node->op.b, steps);
        if (node->kind == AST_AND)
            return a == NEVER || b == NEVER ? NEVER : a == ALWAYS && b == ALWAYS ? ALWAYS : UNKNOWN;
        return a == ALWAYS || b == ALWAYS ? ALWAYS : a == NEVER && b == NEVER ? NEVER : UNKNOWN;
    case AST_CALL:
        return look_into_call(node, steps);
    default:
        return UNKNOWN;
    }
}

/* What a condition comes to without looking at the request, functions included. */
static enum truth truth_of(const struct ast_node *condition)
{
    unsigned steps = LIMIT_RULES_EXPRESSIONS;
    return condition ? look_into(condition, &steps) : ALWAYS;
}

static struct str text_of(const struct ruleset *ruleset, uint32_t file, struct ast_span span)
{
    return str_from(ruleset->sources[file].text.p + span.from, span.to - span.from);
}

static bool names_wildcard(struct str text, const struct ast_match *match)
{
    for (uint32_t i = 0; i < match->n_full; i++) {
        struct str name = match->full[i].text;
        if (match->full[i].kind != PART_LITERAL && text.n >= name.n && memmem(text.p, text.n, name.p, name.n))
            return true;
    }
    return false;
}

static bool calls_function(struct str text)
{
    return memchr(text.p, '(', text.n) != NULL;
}

/* Whether two pieces of text mean the same where they stand: alike but for spaces, and in another block
 * without names that a block can give another meaning. */
static bool same_condition(struct str a, const struct ast_match *in_a, struct str b,
                           const struct ast_match *in_b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.n && strchr(" \t\r\n", a.p[i]) && a.p[i])
            i++;
        while (j < b.n && strchr(" \t\r\n", b.p[j]) && b.p[j])
            j++;
        if (i == a.n || j == b.n)
            break;
        if (a.p[i++] != b.p[j++])
            return false;
    }
    if (i != a.n || j != b.n)
        return false;
    return in_a == in_b || (!calls_function(a) && !names_wildcard(a, in_a) && !names_wildcard(b, in_b));
}

/* The operands of a chain of &&; 0 when there are too many. */
static size_t conjuncts_of(const struct ast_node **out, const struct ast_node *node)
{
    size_t n = 0;
    while (node->kind == AST_AND) {
        if (n == CONJUNCTS - 1)
            return 0;
        out[n++] = node->op.b;
        node = node->op.a;
    }
    out[n++] = node;
    return n;
}

/* Whether `strict` asks everything that `grant` asks, and more. */
static bool asks_more(const struct ruleset *ruleset, const struct ast_allow *strict,
                      const struct ast_allow *grant)
{
    const struct ast_node *more[CONJUNCTS], *less[CONJUNCTS];
    if (!grant->condition || !strict->condition)
        return false;
    size_t n_more = conjuncts_of(more, strict->condition), n_less = conjuncts_of(less, grant->condition);
    if (n_less == 0 || n_more <= n_less)
        return false;
    for (size_t i = 0; i < n_less; i++) {
        bool found = false;
        for (size_t j = 0; j < n_more && !found; j++)
            found = same_condition(text_of(ruleset, grant->file, less[i]->span), grant->match,
                                   text_of(ruleset, strict->file, more[j]->span), strict->match);
        if (!found)
            return false;
    }
    return true;
}

/* ---- words ---- */

static const struct {
    unsigned bits;
    const char *name;
} method_names[] = {
    { METHOD_READ, "read" },     { METHOD_GET, "get" },       { METHOD_LIST, "list" },
    { METHOD_WRITE, "write" },   { METHOD_CREATE, "create" }, { METHOD_UPDATE, "update" },
    { METHOD_DELETE, "delete" },
};

static const char *methods_text(struct arena *arena, unsigned methods)
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

/* On one line, without comments, cut at SHOWN_CONDITION bytes. */
static const char *one_line(struct arena *arena, struct str text)
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

static uint32_t line_of(const struct ruleset *ruleset, const struct ast_allow *allow)
{
    uint32_t line, column;
    source_position(&ruleset->sources[allow->file], allow->span.from, &line, &column);
    return line;
}

static const char *when_text(const struct lint_pass *pass, const struct ast_allow *grant)
{
    if (truth_of(grant->condition) == ALWAYS)
        return "always";
    struct ast_span span = { grant->condition->start, grant->span.to };
    return arena_printf(pass->issues->arena, "when %s",
                        one_line(pass->issues->arena, text_of(pass->ruleset, grant->file, span)));
}

static const char *fix_text(const struct lint_pass *pass, const struct ast_allow *grant, unsigned common)
{
    struct arena *arena = pass->issues->arena;
    unsigned left = grant->methods & ~common;
    unsigned line = line_of(pass->ruleset, grant);
    if (left)
        return arena_printf(arena,
                            "write 'allow %s' on line %u, leaving out %s; what no allow grants is refused",
                            methods_text(arena, left), line, methods_text(arena, common));
    return arena_printf(
        arena, "narrow the match or the condition of line %u; what no allow grants is refused", line);
}

static void report(const struct lint *lint, struct lint_pass *pass, const struct ast_allow *deny,
                   const struct ast_allow *grant)
{
    struct arena *arena = pass->issues->arena;
    unsigned common = deny->methods & grant->methods;
    int version = pass->ruleset->units[deny->file].version;
    const char *partly = pattern_covers(grant->match, deny->match, version) ? "" : " on some of these paths";
    const char *message = arena_printf(
        arena, "line %u grants %s %s%s: allows are ORed, so '%s' on line %u takes nothing back",
        line_of(pass->ruleset, grant), methods_text(arena, common), when_text(pass, grant), partly,
        one_line(arena, text_of(pass->ruleset, deny->file, deny->span)), line_of(pass->ruleset, deny));
    /* Who writes `if false` means it: what it fails to refuse is an error. A stricter condition may be a
     * wish. */
    enum rules_severity severity = truth_of(deny->condition) == NEVER ? RULES_ERROR : RULES_WARNING;
    issues_add_lint(pass->issues, severity, lint->id, deny->file, deny->span, fix_text(pass, grant, common),
                    message);
}

/* ---- pairs ---- */

struct candidate {
    const struct ast_allow *allow;
    const struct ast_service *service;
    enum truth truth;
};

static void collect(struct candidate *out, const struct ast_service *service, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            out[allow->index] = (struct candidate){ allow, service, truth_of(allow->condition) };
        collect(out, service, match->children);
    }
}

/* Whether `deny` looks as if it should restrict what `grant` grants, and does not. */
static bool is_useless(const struct ruleset *ruleset, const struct candidate *deny,
                       const struct candidate *grant)
{
    const struct ast_match *narrow = deny->allow->match, *wide = grant->allow->match;
    int version = ruleset->units[deny->allow->file].version;
    if (deny == grant || deny->service != grant->service || !(deny->allow->methods & grant->allow->methods) ||
        grant->truth == NEVER || wide->v1_never_matches || narrow->v1_never_matches)
        return false;
    bool stricter = deny->truth == NEVER || (deny->truth == UNKNOWN && grant->truth == ALWAYS) ||
                    (deny->truth == UNKNOWN && asks_more(ruleset, deny->allow, grant->allow));
    return stricter && pattern_intersects(wide, narrow, version) &&
           (pattern_covers(wide, narrow, version) || !pattern_covers(narrow, wide, version));
}

void lint_deny_run(const struct lint *self, struct lint_pass *pass)
{
    const struct ruleset *ruleset = pass->ruleset;
    uint32_t n = ruleset->n_allows;
    if (n > LIMIT_RULES_LINT_ALLOWS)
        return;
    struct arena *arena = arena_new();
    struct candidate *all = ARENA_ARRAY(arena, struct candidate, n);
    for (size_t i = 0; i < ruleset->n_files; i++)
        for (const struct ast_service *s = ruleset->units[i].services; s; s = s->next)
            collect(all, s, s->matches);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            if (is_useless(ruleset, &all[i], &all[j]))
                report(self, pass, all[i].allow, all[j].allow);
    arena_free(arena);
}

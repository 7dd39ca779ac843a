/* lint_operators.c - lints about how single expressions read: `precedence`, `foreign-word`, `regex`,
 * `mixed-numbers`. Each looks at every expression once, where it is written. */
#include "rules-engine/builtins/builtins.h"
#include "rules-engine/lint_expr.h"

#include <math.h>

static const char *source_of(const struct lint_pass *pass, const struct ast_node *node)
{
    return lint_one_line(pass->issues->arena, lint_source(pass->ruleset, node->file, node->span));
}

static void warn(struct lint_pass *pass, const struct ast_node *node, const char *note, const char *message)
{
    lint_add(pass, RULES_WARNING, node->file, node->span, note, message);
}

/* ---- precedence ---- */

static bool is_bare(const struct ast_node *node, enum ast_kind a, enum ast_kind b)
{
    return node->parentheses == 0 && (node->kind == a || node->kind == b);
}

static void look_at_not(struct lint_pass *pass, const struct ast_node *node, const struct ast_node *left,
                        const char *word, const char *right)
{
    const char *operand = source_of(pass, left->op.a);
    warn(pass, node, lint_text(pass, "write !(%s %s %s)", operand, word, right),
         lint_text(pass, "'!' binds tighter than '%s': this is (!%s) %s %s", word, operand, word, right));
}

static void look_at_equality(struct lint_pass *pass, const struct ast_node *node, const struct ast_node *part,
                             const char *word)
{
    warn(pass, node, lint_text(pass, "put parentheses around the '%s'", word),
         lint_text(pass, "'%s' binds tighter than '%s': this takes '%s' as one operand",
                   part->kind == AST_EQ ? "==" : "!=", word, source_of(pass, part)));
}

static void look_at_precedence(void *data, struct lint_expr e)
{
    struct lint_pass *pass = data;
    const struct ast_node *node = e.node;
    if (node->kind == AST_IN) {
        if (is_bare(node->op.a, AST_NOT, AST_NOT))
            look_at_not(pass, node, node->op.a, "in", source_of(pass, node->op.b));
        else if (is_bare(node->op.a, AST_EQ, AST_NE))
            look_at_equality(pass, node, node->op.a, "in");
        else if (is_bare(node->op.b, AST_EQ, AST_NE))
            look_at_equality(pass, node, node->op.b, "in");
    } else if (node->kind == AST_IS) {
        if (is_bare(node->is.a, AST_NOT, AST_NOT))
            look_at_not(pass, node, node->is.a, "is", rules_type_name(node->is.type));
        else if (is_bare(node->is.a, AST_EQ, AST_NE))
            look_at_equality(pass, node, node->is.a, "is");
    }
}

void lint_precedence(struct lint_pass *pass)
{
    lint_each_node(pass, look_at_precedence, pass);
}

/* ---- foreign-word ---- */

static const struct {
    const char *word, *instead;
} foreign_methods[] = {
    { "contains", "'x in list', or text.matches('.*x.*')" },
    { "includes", "'x in list', or text.matches('.*x.*')" },
    { "indexOf", "'x in list', or text.matches('.*x.*')" },
    { "startsWith", "text.matches('x.*')" },
    { "endsWith", "text.matches('.*x')" },
    { "length", "size()" },
    { "count", "size()" },
    { "isEmpty", "size() == 0" },
    { "toLowerCase", "lower()" },
    { "toUpperCase", "upper()" },
    { "substring", "text[from:to]" },
    { "slice", "text[from:to]" },
    { "substr", "text[from:to]" },
    { "push", "concat([x])" },
    { "has", "'name' in map" },
    { "hasKey", "'name' in map" },
    { "containsKey", "'name' in map" },
    { "hasOwnProperty", "'name' in map" },
    { "hasField", "'name' in map" },
    { "exists", "'name' in map, or exists(path)" },
    { "equals", "==" },
    { "test", "matches(regex)" },
    { "match", "matches(regex)" },
    { "getTime", "toMillis()" },
    { "toDate", "timestamps compare as they are" },
    { "toString", "string(x)" },
    { "some", "hasAny(list)" },
    { "every", "hasAll(list)" },
};

static const struct {
    const char *chain, *instead;
} foreign_chains[] = {
    { "request.data", "request.resource.data" },
    { "request.user", "request.auth" },
    { "request.uid", "request.auth.uid" },
    { "request.userId", "request.auth.uid" },
    { "request.auth.email", "request.auth.token.email" },
    { "request.auth.role", "request.auth.token.role" },
    { "request.auth.admin", "request.auth.token.admin" },
    { "request.auth.email_verified", "request.auth.token.email_verified" },
    { "request.auth.token.uid", "request.auth.uid" },
    { "resource.exists", "resource != null" },
    { "request.document", "request.resource" },
    { "resource.uid", "resource.data.uid" },
};

static void look_at_foreign_method(struct lint_pass *pass, const struct ast_node *node)
{
    for (size_t i = 0; i < sizeof foreign_methods / sizeof foreign_methods[0]; i++) {
        if (!str_eq_z(node->call.name, foreign_methods[i].word) || builtin_methods(node->call.name))
            continue;
        lint_add(pass, RULES_WARNING, node->file, node->call.name_span,
                 lint_text(pass, "write %s", foreign_methods[i].instead),
                 lint_text(pass, "rules have no method '%s': this is an error", foreign_methods[i].word));
        return;
    }
}

/* "request.resource.data.tags.length": a property of a field, not a field of that name. */
static bool is_length_of_field(const char *chain)
{
    const char *data = strstr(chain, ".data."), *dot = strrchr(chain, '.');
    return data && dot && strcmp(dot, ".length") == 0 && dot > data + 5;
}

static void look_at_foreign_chain(struct lint_pass *pass, struct lint_expr e)
{
    const char *chain = lint_chain(pass->arena, e);
    if (!chain)
        return;
    for (size_t i = 0; i < sizeof foreign_chains / sizeof foreign_chains[0]; i++)
        if (strcmp(chain, foreign_chains[i].chain) == 0)
            warn(pass, e.node, lint_text(pass, "write %s", foreign_chains[i].instead),
                 lint_text(pass, "there is no '%s': this is an error", foreign_chains[i].chain));
    if (is_length_of_field(chain))
        warn(pass, e.node, "write size()", "strings, lists and maps have no property 'length'");
}

static bool is_text(const struct ast_node *node)
{
    return node->kind == AST_STRING || lint_is_method(node, "lower") || lint_is_method(node, "upper") ||
           lint_is_method(node, "trim");
}

static void look_at_foreign(void *data, struct lint_expr e)
{
    struct lint_pass *pass = data;
    const struct ast_node *node = e.node;
    if (node->kind == AST_METHOD && node->call.object)
        look_at_foreign_method(pass, node);
    else if (node->kind == AST_MEMBER)
        look_at_foreign_chain(pass, e);
    else if (node->kind == AST_ADD && (node->op.a->kind == AST_LIST || node->op.b->kind == AST_LIST))
        warn(pass, node, "write a.concat(b)", "lists have no '+': this is an error");
    else if (node->kind == AST_ADD && (node->op.a->kind == AST_MAP || node->op.b->kind == AST_MAP))
        warn(pass, node, "compare field by field", "maps have no '+': this is an error");
    else if (node->kind == AST_IN && is_text(node->op.b))
        warn(pass, node, "write text.matches('.*x.*')",
             "'in' looks into lists, sets and maps: in a string it is an error");
}

void lint_foreign_words(struct lint_pass *pass)
{
    lint_each_node(pass, look_at_foreign, pass);
}

/* ---- regex ---- */

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A '.' between the names of a host: after '@' or '://', outside brackets, not escaped or repeated. */
static bool has_bare_dot(struct str re)
{
    const char *host = memchr(re.p, '@', re.n);
    if (!host && re.n > 3)
        host = memmem(re.p, re.n, "://", 3);
    for (size_t i = host ? (size_t)(host - re.p) + 1 : re.n; i + 1 < re.n; i++)
        if (re.p[i] == '.' && is_alphanumeric(re.p[i - 1]) && is_alphanumeric(re.p[i + 1]) &&
            !memchr(re.p + i, ']', re.n - i))
            return true;
    return false;
}

static void look_at_regex(void *data, struct lint_expr e)
{
    struct lint_pass *pass = data;
    if (!lint_is_method(e.node, "matches") || e.node->call.n != 1)
        return;
    const struct ast_node *argument = e.node->call.args[0];
    struct str re = argument->kind == AST_STRING ? argument->text : STR("");
    if (argument->kind == AST_ADD) {
        warn(pass, argument, "compare with ==, or split() and compare the parts",
             "what stands in the added text counts as a pattern: '.' matches any character, '.*' everything");
    } else if (re.n && !strpbrk(arena_str(pass->arena, re).p, "\\^$.|?*+()[]{}")) {
        warn(pass, argument, lint_text(pass, "write '.*" STR_FMT ".*', or == if that is meant", STR_ARG(re)),
             "matches() asks of the whole text: this is true of this very text only");
    } else if (re.n && has_bare_dot(re)) {
        warn(pass, argument, "write [.] for a dot", "'.' matches any character: other hosts fit as well");
    }
}

void lint_regex(struct lint_pass *pass)
{
    lint_each_node(pass, look_at_regex, pass);
}

/* ---- mixed-numbers ---- */

static bool has_whole_float(const struct ast_node *node)
{
    for (uint32_t i = 0; node->kind == AST_LIST && i < node->list.n; i++)
        if (node->list.items[i]->kind == AST_FLOAT &&
            floor(node->list.items[i]->number) >= node->list.items[i]->number)
            return true;
    return false;
}

static void look_at_numbers(void *data, struct lint_expr e)
{
    struct lint_pass *pass = data;
    if (e.node->kind == AST_LIST && has_whole_float(e.node))
        warn(pass, e.node, "write whole numbers without a fraction, or compare each with ==",
             "in a list 1.0 is not 1: clients write whole numbers as integers");
}

void lint_mixed_numbers(struct lint_pass *pass)
{
    lint_each_node(pass, look_at_numbers, pass);
}

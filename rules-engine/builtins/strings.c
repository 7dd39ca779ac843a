/* strings.c - methods of string. Sizes are UTF-16 units, case is ASCII only, trim takes everything up to
 * U+0020 (Java's String.trim), regular expressions are RE2. */
#include "rules-engine/builtins/tables.h"

#include "core/limits.h"
#include "rules-engine/regex.h"

static struct rvalue size(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int((int64_t)rv_utf16_size(rv_str(*self)));
}

static struct rvalue change_case(struct eval *e, struct str s, char from, char to)
{
    char *out = arena_alloc(e->arena, s.n);
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] >= from && s.p[i] <= from + 25 ? (char)(s.p[i] - from + to) : s.p[i];
    return rv_string(str_from(out, s.n));
}

static struct rvalue lower(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)args;
    return change_case(e, rv_str(*self), 'A', 'a');
}

static struct rvalue upper(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)args;
    return change_case(e, rv_str(*self), 'a', 'A');
}

static struct rvalue trim(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    struct str s = rv_str(*self);
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = str_skip(s, 1);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return rv_string(s);
}

static void free_regex(void *regex)
{
    regex_free(regex);
}

/* The compiled first argument: the checker's when it is a literal, else made now and kept for the decision.
 */
static const struct regex *compiled(struct eval *e, struct str pattern)
{
    const struct ast_node *node = e->node;
    if (node->call.cached && node->call.args[0]->kind == AST_STRING)
        return node->call.cached;
    struct regex *regex = regex_compile(pattern);
    if (regex)
        arena_defer(e->arena, free_regex, regex);
    return regex;
}

static struct rvalue bad_pattern(struct eval *e, struct str pattern)
{
    return eval_error(e, "%s Pattern: " STR_FMT ".", regex_refusal(pattern), STR_ARG(pattern));
}

static struct rvalue matches(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    const struct regex *regex = compiled(e, rv_str(args[0]));
    return regex ? rv_bool(regex_matches(regex, rv_str(*self))) : bad_pattern(e, rv_str(args[0]));
}

static struct rvalue split(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    const struct regex *regex = compiled(e, rv_str(args[0]));
    if (!regex)
        return bad_pattern(e, rv_str(args[0]));
    /* At worst one piece a byte. */
    if (!eval_room(e, (rv_str(*self).n + 2) * (2 * sizeof(struct str) + sizeof(struct rvalue))))
        return eval_error(e, "out of memory");
    size_t n;
    struct str *pieces = regex_split(regex, rv_str(*self), &n, e->arena);
    struct rvalue *items = arena_alloc(e->arena, n * sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = rv_string(pieces[i]);
    return rv_list(items, n);
}

static struct rvalue replace(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    const struct regex *regex = compiled(e, rv_str(args[0]));
    struct str out;
    if (!regex)
        return bad_pattern(e, rv_str(args[0]));
    if (!regex_replace(&out, regex, rv_str(*self), rv_str(args[1]), LIMIT_RULES_ARENA / 4, e->arena))
        return eval_error(e, "Invalid regular expression replacement. Replacement: " STR_FMT ".",
                          STR_ARG(rv_str(args[1])));
    return rv_string(out);
}

static struct rvalue to_utf8(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)args;
    return rv_bytes(rv_utf8_bytes(e->arena, rv_str(*self)));
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_STRING, "size", 0, NO_ARGS, "string.size()", "Length in UTF-16 units.", size),
    METHOD_ROW(RT_STRING, "lower", 0, NO_ARGS, "string.lower()", "A-Z as a-z; other letters stay.", lower),
    METHOD_ROW(RT_STRING, "upper", 0, NO_ARGS, "string.upper()", "a-z as A-Z; other letters stay.", upper),
    METHOD_ROW(RT_STRING, "trim", 0, NO_ARGS, "string.trim()",
               "Without spaces and control characters at both ends.", trim),
    METHOD_ROW(RT_STRING, "split", 1, ARGS(T_STRING), "string.split(string)",
               "Pieces between matches of a regular expression; trailing empty ones are dropped.", split),
    METHOD_ROW(RT_STRING, "matches", 1, ARGS(T_STRING), "string.matches(string)",
               "Whether a regular expression (RE2) matches the whole string.", matches),
    METHOD_ROW(RT_STRING, "replace", 2, ARGS(T_STRING, T_STRING), "string.replace(string, string)",
               "Every match of a regular expression replaced; $1 is a group.", replace),
    METHOD_ROW(RT_STRING, "toUtf8", 0, NO_ARGS, "string.toUtf8()", "The bytes of the string in UTF-8.",
               to_utf8),
};
BUILTIN_TABLE(builtin_strings, rows);

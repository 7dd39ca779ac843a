/* lint_suppress.c - findings taken out by a comment, and comments that are findings; see lint.h.
 *
 *   // cinderlog-ignore: open-list -- the catalogue is public
 *
 * behind code speaks of its own line, alone on a line of the next line that is not a comment. Several IDs are
 * separated by commas. Findings of the compiler cannot be suppressed. */
#include "rules-engine/lexer.h"
#include "rules-engine/lint.h"

static const char marker[] = "cinderlog-ignore:";

struct suppression {
    struct ast_span span;
    uint32_t file, line; /* whose findings */
    struct str ids;
};

static struct str trim(struct str s)
{
    while (s.n && strchr(" \t\r", s.p[0]) && s.p[0])
        s = str_skip(s, 1);
    while (s.n && strchr(" \t\r", s.p[s.n - 1]) && s.p[s.n - 1])
        s.n--;
    return s;
}

static struct str first_id(struct str *rest)
{
    const char *comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
    struct str id = comma ? str_from(rest->p, (size_t)(comma - rest->p)) : *rest;
    *rest = str_skip(*rest, comma ? id.n + 1 : id.n);
    return trim(id);
}

static bool is_known(struct str id)
{
    const struct rules_lint_info *info;
    for (size_t i = 0; (info = rules_lint_info(i)); i++)
        if (str_eq_z(id, info->id))
            return true;
    return false;
}

/* Takes out the findings of that lint on that line; whether there were some. */
static bool take_out(struct lint_pass *pass, const struct suppression *s, struct str id)
{
    struct issue_list *list = pass->issues;
    size_t kept = 0, n = list->n;
    for (size_t i = 0; i < n; i++) {
        const struct rules_issue *issue = &list->items[i];
        if (!issue->lint || !str_eq_z(id, issue->lint) || issue->line != s->line ||
            issue->file.p != pass->ruleset->sources[s->file].name.p)
            list->items[kept++] = *issue;
    }
    list->n = kept;
    return kept < n;
}

static void complain(struct lint_pass *pass, const struct suppression *s, const char *message)
{
    issues_add_lint(pass->issues, RULES_WARNING, "suppression", s->file, s->span,
                    "write // cinderlog-ignore: ID -- reason", message);
}

static void apply(struct lint_pass *pass, const struct suppression *s, bool has_reason)
{
    struct str rest = s->ids;
    if (!has_reason) {
        complain(pass, s, "this suppresses nothing: it gives no reason");
        return;
    }
    while (rest.n) {
        struct str id = first_id(&rest);
        if (!is_known(id))
            complain(pass, s, lint_text(pass, "there is no lint '" STR_FMT "'", STR_ARG(id)));
        else if (!take_out(pass, s, id))
            complain(pass, s,
                     lint_text(pass, "nothing to suppress: no finding of '" STR_FMT "' on line %u",
                               STR_ARG(id), (unsigned)s->line));
    }
}

/* A comment of `text` from `from` to `to`; `alone` on its line, before the token at `next`. */
static void read_comment(struct lint_pass *pass, uint32_t file, struct ast_span span, bool alone,
                         uint32_t next)
{
    struct str body = lint_source(pass->ruleset, file, span);
    const char *at = memmem(body.p, body.n, marker, sizeof marker - 1);
    if (!at)
        return;
    struct str rest = str_skip(body, (size_t)(at - body.p) + sizeof marker - 1);
    const char *dashes = rest.n ? memmem(rest.p, rest.n, "--", 2) : NULL;
    struct str ids = dashes ? str_from(rest.p, (size_t)(dashes - rest.p)) : rest;
    struct str reason = dashes ? trim(str_skip(rest, ids.n + 2)) : STR("");
    struct suppression s = { .span = span, .file = file, .ids = trim(ids) };
    s.line = lint_line(pass->ruleset, file, (struct ast_span){ alone ? next : span.from, 0 });
    apply(pass, &s, reason.n > 0);
}

/* The comments between two tokens. Block comments are not looked at. */
static void read_gap(struct lint_pass *pass, uint32_t file, uint32_t from, uint32_t to)
{
    struct str text = pass->ruleset->sources[file].text;
    bool alone = from == 0;
    for (uint32_t i = from; i < to; i++) {
        if (text.p[i] == '\n') {
            alone = true;
        } else if (text.p[i] == '/' && i + 1 < to && text.p[i + 1] == '*') {
            const char *end = memmem(text.p + i + 2, to - i - 2, "*/", 2);
            i = end ? (uint32_t)(end - text.p) + 1 : to;
        } else if (text.p[i] == '/') {
            const char *newline = memchr(text.p + i, '\n', to - i);
            uint32_t end = newline ? (uint32_t)(newline - text.p) : to;
            read_comment(pass, file, (struct ast_span){ i, end }, alone, to);
            i = end - 1;
        }
    }
}

void lint_suppress(struct lint_pass *pass)
{
    for (uint32_t file = 0; file < pass->ruleset->n_files; file++) {
        struct tokens tokens;
        lexer_run(&tokens, pass->arena, pass->ruleset->sources[file].text);
        uint32_t end = 0;
        for (uint32_t i = 0; i < tokens.n; i++) {
            read_gap(pass, file, end, tokens.items[i].from);
            end = tokens.items[i].to;
        }
    }
}

/* lint_explain.c - notes on errors of the compiler whose cause is not what they name; see rules.h.
 *
 * The compiler's words stay as Google's are. A '/' directly before a name or digit begins a path, so that
 * `4/2` lacks a 'match'; a backslash that begins no escape ends a string, so that '\d' lacks its quote. */
#include "rules-engine/lint.h"

#include <ctype.h>

/* The byte that a finding's offset, in code points, is at; the end when it is past it. */
static size_t byte_of(struct str content, uint32_t offset)
{
    size_t i = 0;
    while (i < content.n && offset > 0) {
        i++;
        while (i < content.n && ((unsigned char)content.p[i] & 0xc0) == 0x80)
            i++;
        offset--;
    }
    return i;
}

/* A '/' behind an operand. */
static bool divides(struct str content, size_t at)
{
    if (at >= content.n || content.p[at] != '/')
        return false;
    while (at > 0 && isspace((unsigned char)content.p[at - 1]))
        at--;
    char before = at > 0 ? content.p[at - 1] : '{';
    return isalnum((unsigned char)before) || before == ')' || before == ']';
}

/* A backslash in the rest of the line. */
static bool escapes(struct str content, size_t at)
{
    while (at < content.n && content.p[at] != '\n' && content.p[at] != '\\')
        at++;
    return at < content.n && content.p[at] == '\\';
}

/* Where a backslash of no escape was read past. */
static bool follows_backslash(struct str content, size_t at)
{
    return at > 0 && at < content.n && content.p[at - 1] == '\\';
}

static const char path_note[] =
    "a '/' right before a name or number begins a path: to divide, write a space behind it";
static const char escape_note[] = "strings know the escapes \\\\ \\\" \\' \\n \\r \\t \\b \\f \\xHH \\uHHHH "
                                  "\\ooo: for a regular expression's "
                                  "\\d write \\\\d or [0-9]";

static const struct {
    const char *description; /* how it begins */
    bool (*applies)(struct str content, size_t at);
    const char *note;
} causes[] = {
    { "Missing 'match' keyword before path.", divides, path_note },
    { "Missing a closing", escapes, escape_note },
    { "Unexpected '", follows_backslash, escape_note },
};

static const char *note_on(const struct rules_issue *issue, struct str content)
{
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (strncmp(issue->description, causes[i].description, strlen(causes[i].description)) == 0 &&
            causes[i].applies(content, byte_of(content, issue->offset)))
            return causes[i].note;
    return NULL;
}

void rules_explain(const struct rules_file *files, size_t n, struct rules_issues *issues)
{
    for (size_t i = 0; i < issues->n; i++)
        for (size_t k = 0; k < n && !issues->items[i].note; k++)
            if (str_eq(files[k].name, issues->items[i].file))
                issues->items[i].note = note_on(&issues->items[i], files[k].content);
}

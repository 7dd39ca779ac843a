/* issues.c - see issues.h. */
#include "rules-engine/issues.h"

#include "core/limits.h"

#include <stdlib.h>

void issues_init(struct issue_list *list, struct arena *arena, const struct source *sources)
{
    *list = (struct issue_list){ .arena = arena, .sources = sources };
}

static struct rules_issue *push(struct issue_list *list, enum rules_severity severity, uint32_t file)
{
    list->errors += severity == RULES_ERROR;
    if (list->n == LIMIT_RULES_ISSUES) {
        list->n_dropped++;
        list->dropped_errors += severity == RULES_ERROR;
        return &list->dropped;
    }
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        list->items =
            arena_grow(list->arena, list->items, list->n * sizeof *list->items, cap * sizeof *list->items);
        list->cap = cap;
    }
    struct rules_issue *issue = &list->items[list->n++];
    *issue = (struct rules_issue){ .severity = severity, .file = list->sources[file].name };
    return issue;
}

static void place(struct issue_list *list, struct rules_issue *issue, uint32_t file, struct ast_span span)
{
    issue->has_position = true;
    source_position(&list->sources[file], span.from, &issue->line, &issue->column);
    issue->offset = source_chars(&list->sources[file], span.from);
    issue->end_offset = source_chars(&list->sources[file], span.to);
    issue->end_offset -= issue->end_offset > 0;
}

void issues_add(struct issue_list *list, enum rules_severity severity, uint32_t file, struct ast_span span,
                const char *fmt, ...)
{
    struct rules_issue *issue = push(list, severity, file);
    if (issue == &list->dropped)
        return;
    va_list args;
    va_start(args, fmt);
    issue->description = arena_vprintf(list->arena, fmt, args);
    va_end(args);
    place(list, issue, file, span);
}

void issues_add_lint(struct issue_list *list, enum rules_severity severity, const char *lint, uint32_t file,
                     struct ast_span span, const char *note, const char *message)
{
    struct rules_issue *issue = push(list, severity, file);
    issue->lint = lint;
    issue->description = message;
    issue->note = note;
    place(list, issue, file, span);
}

void issues_take(struct issue_list *list, const struct rules_issues *from)
{
    for (size_t i = 0; i < from->n; i++) {
        uint32_t file = 0;
        while (!str_eq(list->sources[file].name, from->items[i].file))
            file++;
        struct rules_issue *issue = push(list, from->items[i].severity, file);
        struct str name = issue->file;
        *issue = from->items[i];
        issue->file = name;
    }
    list->n_dropped += from->dropped;
    list->dropped_errors += from->dropped_errors;
}

void issues_add_file(struct issue_list *list, enum rules_severity severity, uint32_t file, const char *fmt,
                     ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(list->arena, fmt, args);
    va_end(args);
    push(list, severity, file)->description = text;
}

void issues_drop(struct issue_list *list, size_t n)
{
    while (list->n > n)
        list->errors -= list->items[--list->n].severity == RULES_ERROR;
}

/* Files keep their order: names of issues point to the names of sources. */
static size_t file_order(const struct issue_list *list, struct str name)
{
    size_t i = 0;
    while (list->sources[i].name.p != name.p)
        i++;
    return i;
}

struct keyed {
    struct rules_issue issue;
    size_t file;
};

static int compare_texts(const void *a, const void *b)
{
    const struct rules_issue *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity == RULES_ERROR ? -1 : 1;
    return strcmp(x->description, y->description);
}

static int compare(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->issue.line != y->issue.line)
        return x->issue.line < y->issue.line ? -1 : 1;
    if (x->issue.column != y->issue.column)
        return x->issue.column < y->issue.column ? -1 : 1;
    return compare_texts(&x->issue, &y->issue);
}

void issues_finish(struct issue_list *list, struct rules_issues *out)
{
    struct keyed *all = ARENA_ARRAY(list->arena, struct keyed, list->n);
    for (size_t i = 0; i < list->n; i++)
        all[i] = (struct keyed){ list->items[i], file_order(list, list->items[i].file) };
    qsort(all, list->n, sizeof *all, compare);
    *out = (struct rules_issues){ .items = ARENA_ARRAY(list->arena, struct rules_issue, list->n),
                                  .errors = list->dropped_errors,
                                  .dropped = list->n_dropped,
                                  .dropped_errors = list->dropped_errors };
    for (size_t i = 0; i < list->n; i++) {
        out->items[out->n++] = all[i].issue;
        out->errors += all[i].issue.severity == RULES_ERROR;
    }
}

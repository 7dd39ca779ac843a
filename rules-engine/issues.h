/* issues.h - where parser and checker put their findings, and how they become a struct rules_issues. */
#ifndef RULES_ENGINE_ISSUES_H
#define RULES_ENGINE_ISSUES_H

#include "rules-engine/ast.h"

struct issue_list {
    struct arena *arena;
    const struct source *sources; /* one per file */
    struct rules_issue *items;
    size_t n, cap;
    size_t errors;
    size_t n_dropped, dropped_errors; /* past the limit */
    struct rules_issue dropped;       /* where they go */
};

void issues_init(struct issue_list *list, struct arena *arena, const struct source *sources);
/* A finding at a span; an empty span (the end of the file) ends before it begins, as Google reports it.
 * At most LIMIT_RULES_ISSUES are kept. */
void issues_add(struct issue_list *list, enum rules_severity severity, uint32_t file, struct ast_span span,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A finding about a whole file, without a position. */
void issues_add_file(struct issue_list *list, enum rules_severity severity, uint32_t file, const char *fmt,
                     ...) __attribute__((format(printf, 4, 5)));
/* A finding of one of our own lints, with its id and what to do about it. */
void issues_add_lint(struct issue_list *list, enum rules_severity severity, const char *lint, uint32_t file,
                     struct ast_span span, const char *note, const char *message);
/* Takes findings of an earlier list over; their file names are those of the sources. */
void issues_take(struct issue_list *list, const struct rules_issues *from);
/* Forgets all findings but the first `n`. */
void issues_drop(struct issue_list *list, size_t n);
/* Sorted by file, position, severity (errors first), text. Some findings are made twice, as by Google. */
void issues_finish(struct issue_list *list, struct rules_issues *out);

#endif

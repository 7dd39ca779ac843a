/* lint.h - our own warnings about rules that compile and mean something else than they say. */
#ifndef RULES_ENGINE_LINT_H
#define RULES_ENGINE_LINT_H

#include "rules-engine/issues.h"

struct lint_pass {
    const struct ruleset *ruleset;
    struct issue_list *issues; /* where findings go; texts into its arena */
};

/* One lint. Adding one is a row in lint.c and a file lint_*.c. */
struct lint {
    const char *id;  /* as rules_issue.lint names it */
    const char *doc; /* one line: what it finds */
    void (*run)(const struct lint *self, struct lint_pass *pass);
};

/* All lints; *n of them. */
const struct lint *lint_all(size_t *n);

/* lint_deny.c: an `if false`, or a stricter condition, beside a grant that it cannot take back. */
void lint_deny_run(const struct lint *self, struct lint_pass *pass);

#endif

/* lint.c - see lint.h: the table of lints, and running them. */
#include "rules-engine/lint.h"

static const struct lint lints[] = {
    { "useless-deny", "a condition that is meant to restrict what another allow grants all the same",
      lint_deny_run },
};

const struct lint *lint_all(size_t *n)
{
    *n = sizeof lints / sizeof lints[0];
    return lints;
}

void rules_lint(const struct ruleset *ruleset, struct rules_issues *issues, struct arena *arena)
{
    struct issue_list list;
    issues_init(&list, arena, ruleset->sources);
    issues_take(&list, issues);
    struct lint_pass pass = { ruleset, &list };
    for (size_t i = 0; i < sizeof lints / sizeof lints[0]; i++)
        lints[i].run(&lints[i], &pass);
    issues_finish(&list, issues);
}

/* lint_role.h - what conditions take for a user's role: reads of documents whose path has the user's own id.
 * Found by lint_role_read.c; whether the user can write there is looked for by lint_role.c. */
#ifndef RULES_ENGINE_LINT_ROLE_H
#define RULES_ENGINE_LINT_ROLE_H

#include "rules-engine/lint_expr.h"

/* A read that decides: `field` of a document of the user's own, whose paths `match` stands for. */
struct role {
    const struct ast_node *at;
    const char *field;               /* outermost name, "roles"; NULL when the document's existence decides */
    const char *shown;               /* the field as it is read, "roles.admin" */
    const char *value;               /* what makes it true, as a user would write it */
    const struct ast_node *constant; /* that value of the field itself; NULL: true, or one of what it holds */
    struct ast_match match;          /* /databases/{database}/documents/users/{uid} */
    const struct ast_allow *used_by;
};

/* Visits each such read, once for each allow that it helps to decide. The role lasts for the visit, its texts
 * as long as the findings. */
typedef void role_visit(void *data, const struct role *role);
void role_each_read(struct lint_pass *pass, role_visit *visit, void *data);

/* The paths of a lookup's argument as a match, however they are written: a path literal, path('...' + x),
 * .bind({...}). False when it is no document's path, or none with request.auth.uid for an id
 * (lint_own_path.c). */
bool role_own_path(struct lint_pass *pass, struct lint_expr argument, struct ast_match *out);

#endif

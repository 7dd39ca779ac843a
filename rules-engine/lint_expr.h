/* lint_expr.h - looking at conditions as they are evaluated: through functions, parameters and lets.
 *
 * A lint_expr is a node where it stands: in the allow's own condition (frame NULL) or in the body of a
 * function called with certain arguments. lint_resolve replaces names and calls by what they stand for, so
 * that `owner(request.resource.data)` is looked at as if it were written out. Nothing is evaluated; what a
 * step limit cuts off counts as unknown. */
#ifndef RULES_ENGINE_LINT_EXPR_H
#define RULES_ENGINE_LINT_EXPR_H

#include "rules-engine/lint.h"

struct lint_frame {
    const struct ast_function *function;
    struct ast_node *const *args;
    const struct lint_frame *caller; /* where the arguments stand */
};
struct lint_expr {
    const struct ast_node *node;
    const struct lint_frame *frame;
};

/* Follows parameters, lets and calls of user functions until something else is there. */
struct lint_expr lint_resolve(struct arena *arena, struct lint_expr e);
/* "request.resource.data.owner" for that member chain, however it is written (['owner'], .get('owner', d),
 * through parameters); "get()..." below a lookup, "{name}" for a wildcard; NULL for anything else. */
const char *lint_chain(struct arena *arena, struct lint_expr e);
bool lint_is_chain(struct arena *arena, struct lint_expr e, const char *chain);
/* The field name when the chain is `prefix` and one name ("request.resource.data." and "owner"), else NULL.
 */
const char *lint_field(struct arena *arena, struct lint_expr e, const char *prefix);
/* The lookup that a chain "get()..." starts with, as written where it stands. */
struct lint_expr lint_lookup_of(struct arena *arena, struct lint_expr e);
/* Whether it is a call of a built-in that reads documents: get, exists, getAfter, existsAfter. */
bool lint_is_lookup(const struct ast_node *node);
/* A method call of that name. */
bool lint_is_method(const struct ast_node *node, const char *name);
bool lint_is_constant(const struct ast_node *node);
/* Whether both are the same null, bool, int or string. */
bool lint_same_constant(const struct ast_node *a, const struct ast_node *b);
/* The strings of a list of constants; false when it is something else. */
bool lint_strings(struct arena *arena, struct lint_expr e, struct str *out, size_t max, size_t *n);

/* Visits every expression that evaluation of `e` may reach, outermost first; e may be a NULL node. */
typedef void lint_visit(void *data, struct lint_expr e);
void lint_walk(struct lint_pass *pass, struct lint_expr e, lint_visit *visit, void *data);
/* Visits the operands of && that must all hold, functions written out. */
void lint_conjuncts(struct lint_pass *pass, struct lint_expr e, lint_visit *visit, void *data);
/* Visits every condition and function body of the ruleset once, as written. */
void lint_each_node(struct lint_pass *pass, lint_visit *visit, void *data);

enum lint_truth { LINT_UNKNOWN, LINT_ALWAYS, LINT_NEVER, LINT_FAILS };
/* What an allow's condition comes to for a method (one METHOD_ bit, 0 for any) without knowing documents or
 * user. LINT_FAILS: an error whatever they are; *cause (may be NULL) is what fails. */
enum lint_truth lint_truth_of(struct lint_pass *pass, const struct ast_allow *allow, unsigned method,
                              const struct ast_node **cause);

/* ---- questions that several lints ask of a condition ---- */

/* Whether a condition asks nothing but that somebody is signed in. */
bool lint_asks_only_sign_in(struct lint_pass *pass, const struct ast_allow *allow);
/* Whether an expression with that chain is reached. */
bool lint_mentions(struct lint_pass *pass, struct lint_expr e, const char *chain);

/* What `e` needs to be true and has no value in a query: the id of the document; NULL for nothing. */
const struct ast_node *lint_unbound_in_list(struct lint_pass *pass, const struct ast_match *match,
                                            struct lint_expr e);
/* Whether list is named, not granted as a part of read. */
bool lint_says_list(const struct lint_pass *pass, const struct ast_allow *allow);

#endif

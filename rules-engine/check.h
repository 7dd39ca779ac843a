/* check.h - resolves every name of a parsed ruleset and finds what the compiler complains about.
 *
 * After it, identifiers carry scope and slot (parameters: index in the signature; lets: index in the
 * function; wildcards: index in the full path of the match that declares the code, outermost first), calls
 * carry their function or built-in, matches carry their full path.
 *
 * It goes in two rounds, as Google's compiler 1.19.9 does: what is wrong with single constructs
 * (constructs.c) stops the compilation before the whole is looked at (check.c, calls.c, types.c), so an
 * integer that is too large hides an unused function. */
#ifndef RULES_ENGINE_CHECK_H
#define RULES_ENGINE_CHECK_H

#include "rules-engine/issues.h"

/* Round one, for one file that was parsed: packages as names, double wildcards, globs, expressions that are
 * too deep. Characters that are no tokens do not matter to it. */
void check_constructs(const struct ast_unit *unit, uint32_t file, struct issue_list *issues);
/* Round two. All files of the ruleset must have been parsed, without an error so far. */
void check_run(struct ruleset *ruleset, struct issue_list *issues);

/* ---- shared inside the checker ---- */

/* The call graph: marks functions as called and used; recursion, cycles, chains that are too long. */
void check_calls(struct ruleset *ruleset, struct issue_list *issues);

/* Names and types, for one file. */
void check_types(const struct ruleset *ruleset, uint32_t file, struct issue_list *issues);

/* The span of the first token of an expression, parentheses included: where findings about it stand. */
struct ast_span check_first_token(const struct issue_list *issues, const struct ast_node *node);

/* Calls visit(data, function) for each function of a file, in source order of scopes. */
void check_each_function(const struct ast_unit *unit, void (*visit)(void *data, struct ast_function *f),
                         void *data);

#endif

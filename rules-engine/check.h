/* check.h - resolves every name of a parsed ruleset and finds what the compiler complains about.
 *
 * After it, identifiers carry scope and slot (parameters: index in the signature; lets: index in the
 * function; wildcards: index in the full path of the match that declares the code, outermost first), calls
 * carry their function or built-in, matches carry their full path. */
#ifndef RULES_ENGINE_CHECK_H
#define RULES_ENGINE_CHECK_H

#include "rules-engine/issues.h"

/* All files of the ruleset must have been parsed. Findings go to `issues`, compile errors among them. */
void check_run(struct ruleset *ruleset, struct issue_list *issues);

#endif

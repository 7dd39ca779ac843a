/* fold.h - what is worked out when rules are compiled, so that decisions need not.
 *
 * Constants: literals, lists and maps of literals, and calls such as duration.value(1, 'h') get their value
 * (ast_node.constant). What fails is left for the decision that meets it: errors name their request.
 *
 * Chains: `request.resource.data` is the same in a whole decision, however often and wherever it is written.
 * Every such chain of names below `request` and `resource` gets a number (ast_node.chain), the same wherever
 * the same names stand; the evaluator remembers its value under it.
 *
 * Nothing that can be observed may change by it: ast_node.cost is the number of expressions that the
 * evaluator counts in place of the walk, and it walks all the same where coverage looks or the limit is near
 * (eval_node). */
#ifndef RULES_ENGINE_FOLD_H
#define RULES_ENGINE_FOLD_H

#include "rules-engine/ast.h"

/* After check_run, once; the ruleset must have compiled without errors. */
void fold_run(struct ruleset *ruleset);

#endif

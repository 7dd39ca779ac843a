/* trace.h - why an `allow` did not grant, for people: the smallest sub-expression that decided, and the
 * values that made it so. Runs only after a denial, by walking the condition once more. */
#ifndef RULES_ENGINE_TRACE_H
#define RULES_ENGINE_TRACE_H

#include "rules-engine/eval.h"

/* Fills *out for an allow whose condition gave `value` (false, an error, or no bool). e->wildcards are those
 * of its match. */
void trace_explain(struct rules_try *out, struct eval *e, const struct ast_allow *allow, struct rvalue value);

/* "evaluation error at L4:33", "false", or the error's text: what Google's message says. */
const char *trace_reason(struct eval *e, const struct ast_allow *allow, struct rvalue value);

#endif

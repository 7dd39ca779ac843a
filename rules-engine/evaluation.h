/* evaluation.h - what the Requests feed is told: one JSON object for each time that rules were evaluated.
 *
 * Its members are those of Google's emulator 1.19.9, without the three that the host knows (rulesReleaseKey,
 * requestId, time):
 *
 *     rules                   the text of the first file
 *     rulesContext            path, request, method, resource, time: all that the rules were told, as values of
 *                             the coverage report ({"intValue":"7"}). Paths: "/databases/(default)/documents/c/d",
 *                             of a list the collection and a star, of a collection group the document above, two
 *                             stars, the collection and a star
 *     granularAllowOutcomes   [{"line":7,"outcome":false}, ...]: each allow that was evaluated, in that order
 *     outcome                 "allow", "deny", or "error" when some allow failed and none granted; "admin" for what
 *                             no rule was asked about: the UI is made for it, Google's emulator does not tell it
 *
 * A query is one evaluation for each disjunct, up to the first that is denied. Google's emulator evaluates first
 * without the documents, tells that as well, and lists the outcomes of both times: here each is told once, and
 * `resource` is there even where no allow asked for it. */
#ifndef RULES_ENGINE_EVALUATION_H
#define RULES_ENGINE_EVALUATION_H

#include "rules-engine/eval.h"

struct evaluation {
    const struct ast_allow *const *allows; /* evaluated; only the last can have granted */
    size_t n;
    bool granted;
    bool failed; /* some was neither true nor false */
};

/* Tells e->env->evaluated, which is not NULL. A record of more than LIMIT_RULES_RECORD is not told.
 * rules_tell_unasked (rules.h) tells of requests that no rule was asked about. */
void evaluation_tell(struct eval *e, const struct evaluation *evaluation);

#endif

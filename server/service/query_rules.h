/* query_rules.h - what a query tells the rules: its filters as the constraints of rules.h.
 *
 * Some filters are not what they look like, and rules are told what they do (observed on Google's emulator
 * 1.19.9): a comparison with null or NaN finds nothing, IS_NULL and IS_NAN do; != NaN and not-in [NaN] find
 * whatever is not null. A field that nothing is found for is both true and false. */
#ifndef SERVER_SERVICE_QUERY_RULES_H
#define SERVER_SERVICE_QUERY_RULES_H

#include "core/messages.h"
#include "rules-engine/rules.h"
#include "storage/query.h"

/* In arena; points into the plan and the query. `parent`: the document below which is looked, "" for the
 * root. */
void query_rules(struct rules_query *out, const struct query_plan *plan,
                 const struct msg_structured_query *query, struct str parent, struct arena *arena);

#endif

/* explain.h - explainOptions: how a query is found, and with `analyze` what that took.
 *
 * Google's emulator 1.19.9 ignores the option. Here it is answered as the API documents: without analyze the
 * plan alone, no document; with it the results, and the metrics with the last of them. The plan names the index
 * that is really read (query_explain). */
#ifndef SERVER_SERVICE_EXPLAIN_H
#define SERVER_SERVICE_EXPLAIN_H

#include "server/service/query_run.h"

struct explain {
    bool wanted, analyze;
    int64_t begun_ns;
};

void explain_begin(struct explain *explain, const struct msg_explain_options *options);
static inline bool explain_plan_only(const struct explain *e)
{
    return e->wanted && !e->analyze;
}
/* In arena; NULL when it is not wanted. `billable`: reads that production would charge, at least one. */
const struct msg_explain_metrics *explain_metrics(const struct explain *explain, const struct query_run *run,
                                                  uint64_t results, uint64_t billable, struct arena *arena);

#endif

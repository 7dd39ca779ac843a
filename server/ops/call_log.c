/* call_log.c - see call_log.h. */
#include "server/ops/call_log.h"

#include "core/clock.h"
#include "server/ops/metrics.h"
#include "server/ops/request_log.h"
#include "server/ops/summary.h"
#include "server/rpc/rpc.h"
#include "server/server.h"

bool call_log(struct call *call)
{
    struct summary *summary = call->server->summary;
    call->notes.total_ns = clock_mono_ns() - call->started_ns;
    if (summary)
        summary_connection_call(summary, call->notes.connection);
    metrics_call(call->server->metrics, call);
    return call->server->request_log && request_log_add(call->server->request_log, call);
}

/* call_log.c - see call_log.h. */
#include "server/ops/call_log.h"

#include "core/clock.h"
#include "server/ops/metrics.h"
#include "server/ops/request_log.h"
#include "server/ops/summary.h"
#include "server/rpc/rpc.h"
#include "server/server.h"

static bool is_repeated(const struct call_notes *notes)
{
    for (size_t i = 0; i < notes->n_writes; i++)
        if (notes->writes[i].retry_of)
            return true;
    return false;
}

/* Writes that somebody may miss, or have twice. */
static void count_lost(struct summary *summary, const struct call *call)
{
    enum status_code code = call->status.code;
    if (!call->rpc->writes)
        return;
    if (code == STATUS_OK && call->notes.caller_gone)
        summary_count(summary, SUMMARY_CALLER_GONE);
    if ((code == STATUS_CANCELLED || code == STATUS_DEADLINE_EXCEEDED) && call->notes.caller_gone)
        summary_count(summary, SUMMARY_GIVEN_UP);
    if (is_repeated(&call->notes))
        summary_count(summary, SUMMARY_REPEATED);
}

bool call_log(struct call *call)
{
    struct summary *summary = call->server->summary;
    int64_t now = clock_mono_ns();
    call->notes.total_ns = now - call->started_ns;
    call->notes.caller_gone = atomic_load_explicit(&call->cancelled, memory_order_relaxed) ||
                              (call->deadline_ns && now >= call->deadline_ns);
    if (summary) {
        summary_connection_call(summary, call->notes.connection);
        count_lost(summary, call);
    }
    metrics_call(call->server->metrics, call);
    return call->server->request_log && request_log_add(call->server->request_log, call);
}

/* aggregate.c - RunAggregationQuery: count, sum and avg over a query's result, answered in one message.
 *
 * The query runs as RunQuery's does (query_run.h), slice by slice, and only the sums are kept. */
#include "storage/aggregate.h"
#include "core/codec.h"
#include "server/service/explain.h"
#include "server/service/query_run.h"
#include "server/service/service.h"

struct run_aggregation {
    struct query_run run;
    struct explain explain;
    struct aggregate_plan *plan;
    struct aggregate_sums *sums;
    struct arena *scratch;
    uint64_t documents;
};

static enum rpc_flow end(struct call *call)
{
    struct run_aggregation *a = call->state;
    query_run_end(&a->run);
    call_finish(call);
    return RPC_DONE;
}

/* What production charges: a read for each thousand index entries (public docs). */
static uint64_t reads_charged(uint64_t documents)
{
    return documents / 1000 + (documents % 1000 > 0);
}

/* Without `sums` the plan alone. */
static void send_result(struct call *call, struct run_aggregation *a)
{
    struct msg_aggregation_result result = { 0 };
    struct msg_run_aggregation_response response = {
        .continuation_case = 6,
        .done = true,
        .explain_metrics =
            explain_metrics(&a->explain, &a->run, a->sums != NULL, reads_charged(a->documents), call->arena),
    };
    if (a->sums) {
        result.aggregate_fields = aggregate_result(a->sums, call->arena);
        response.result = &result;
        response.read_time = (opt_timestamp){ true, a->run.consistency.read_time };
    }
    call_send(call, &response);
}

static enum rpc_flow add_up(struct call *call)
{
    struct run_aggregation *a = call->state;
    query_pause_at(a->run.query, call_slice_end());
    for (;;) {
        struct document d;
        if (call_over(call))
            return end(call);
        arena_reset(a->scratch);
        if (query_run_next(&a->run, call, a->scratch, &d, &call->status))
            return end(call);
        if (query_paused(a->run.query))
            return call_yield(call, add_up);
        if (d.name.n == 0)
            break;
        aggregate_add(a->sums, &d.fields);
        a->documents++;
    }
    send_result(call, a);
    return end(call);
}

static enum status_code start(struct run_aggregation *a, struct call *call, struct status *st)
{
    static const struct msg_structured_query everything = { 0 };
    const struct msg_run_aggregation_request *rq = call->request;
    const struct msg_structured_aggregation_query *query = rq->structured_aggregation_query;
    struct consistency_choice choice = {
        .kind = consistency_kind_of(rq->consistency_case, 4, 5, 6),
        .transaction = rq->transaction,
        .options = rq->new_transaction,
        .read_time = rq->read_time,
    };
    explain_begin(&a->explain, rq->explain_options);
    if (query_run_begin(&a->run, call, rq->parent, &choice, st))
        return st->code;
    if (rq->query_case != 2 || !query)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Only structured aggregation queries are supported.");
    a->run.structured = query->structured_query ? query->structured_query : &everything;
    if (aggregate_check(&a->plan, a->run.db, a->run.parent.path, query, call->arena, st))
        return st->code;
    a->run.plan = aggregate_query(a->plan);
    return query_run_open(&a->run, call, st);
}

enum rpc_flow service_run_aggregation_query(struct call *call)
{
    struct run_aggregation *a = ARENA_NEW(call->arena, struct run_aggregation);
    call->state = a;
    a->scratch = arena_child(call->arena);
    if (start(a, call, &call->status))
        return end(call);
    if (a->run.consistency.new_id.n) {
        struct msg_run_aggregation_response first = { .transaction = a->run.consistency.new_id };
        call_send(call, &first);
    }
    if (explain_plan_only(&a->explain)) {
        send_result(call, a);
        return end(call);
    }
    a->sums = aggregate_begin(a->plan, call->arena);
    return add_up(call);
}

/* query.c - RunQuery: checked, decided by proof against its constraints, then streamed from a view.
 *
 * Between two documents the call may park (the client reads slowly) or yield (its slice is over) and go on on
 * another worker. */
#include "core/codec.h"
#include "server/service/explain.h"
#include "server/service/query_run.h"
#include "server/service/service.h"

struct run_query {
    struct query_run run;
    struct explain explain;
    struct arena *scratch;
    struct msg_run_query_response held; /* the newest result: sent when it is known not to be the last */
    struct document held_document;
    struct arena *held_arena;
    uint64_t results;
    bool holding;
};

static enum rpc_flow end(struct call *call)
{
    struct run_query *q = call->state;
    query_run_end(&q->run);
    call_finish(call);
    return RPC_DONE;
}

/* What production charges (public docs): what is skipped costs as much as what is given out. */
static uint64_t reads_charged(const struct run_query *q)
{
    return q->results ? q->results + (uint64_t)q->run.structured->offset : 0;
}

/* Sends what is held; `last` marks it as the end of the stream. */
static void send_held(struct call *call, struct run_query *q, bool last)
{
    if (q->holding || last) {
        q->held.read_time = (opt_timestamp){ true, q->run.consistency.read_time };
        q->held.continuation_case = last ? 6 : 0;
        q->held.done = last;
        /* On every result but the last: observed on Google's emulator 1.19.9. */
        q->held.skipped_results = last ? 0 : q->run.structured->offset;
        if (last)
            q->held.explain_metrics =
                explain_metrics(&q->explain, &q->run, q->results, reads_charged(q), call->arena);
        call_send(call, &q->held);
    }
    q->holding = false;
    q->held = (struct msg_run_query_response){ 0 };
}

/* One document is held back so that the last one can carry `done`, as Google's emulator sends it. */
static enum rpc_flow stream(struct call *call)
{
    struct run_query *q = call->state;
    query_pause_at(q->run.query, call_slice_end());
    for (;;) {
        struct document d;
        if (call_over(call))
            return end(call);
        if (call_congested(call))
            return call_park(call, stream);
        arena_reset(q->scratch);
        if (query_run_next(&q->run, call, q->scratch, &d, &call->status))
            return end(call);
        if (query_paused(q->run.query))
            return call_yield(call, stream);
        if (d.name.n == 0)
            break;
        send_held(call, q, false);
        struct arena *swap = q->held_arena;
        q->held_arena = q->scratch;
        q->scratch = swap;
        q->held_document = d;
        q->held.document = &q->held_document;
        q->holding = true;
        q->results++;
    }
    send_held(call, q, true);
    return end(call);
}

static enum rpc_flow send_plan(struct call *call)
{
    struct run_query *q = call->state;
    struct msg_run_query_response plan = {
        .continuation_case = 6,
        .done = true,
        .explain_metrics = explain_metrics(&q->explain, &q->run, 0, 0, call->arena),
    };
    call_send(call, &plan);
    return end(call);
}

static enum status_code start(struct run_query *q, struct call *call, struct status *st)
{
    const struct msg_run_query_request *rq = call->request;
    struct consistency_choice choice = {
        .kind = consistency_kind_of(rq->consistency_case, 5, 6, 7),
        .transaction = rq->transaction,
        .options = rq->new_transaction,
        .read_time = rq->read_time,
    };
    explain_begin(&q->explain, rq->explain_options);
    if (query_run_begin(&q->run, call, rq->parent, &choice, st))
        return st->code;
    if (rq->query_case != 2 || !rq->structured_query)
        return status_set(st, STATUS_INVALID_ARGUMENT, "only structured queries are supported");
    q->run.structured = rq->structured_query;
    if (query_check(&q->run.plan, q->run.db, q->run.parent.path, q->run.structured, call->arena, st))
        return st->code;
    return query_run_open(&q->run, call, st);
}

enum rpc_flow service_run_query(struct call *call)
{
    struct run_query *q = ARENA_NEW(call->arena, struct run_query);
    call->state = q;
    q->scratch = arena_child(call->arena);
    q->held_arena = arena_child(call->arena);
    if (start(q, call, &call->status))
        return end(call);
    if (q->run.consistency.new_id.n) {
        struct msg_run_query_response first = { .transaction = q->run.consistency.new_id };
        call_send(call, &first);
    }
    return explain_plan_only(&q->explain) ? send_plan(call) : stream(call);
}

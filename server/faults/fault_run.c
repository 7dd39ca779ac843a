/* fault_run.c - how a fault happens to a call.
 *
 *   faults_run -> wait out the latency -> before the RPC: a status, a reset, a stall
 *                                      -> the RPC runs, and its answer goes through a sink of ours, which
 * loses it, replaces it by a status or breaks it off The sink stands in front of the transport's and forwards
 * to it; like everything of a call it is used by one thread at a time and lives in the call's arena. */
#include "core/clock.h"
#include "core/limits.h"
#include "server/faults/fault_hit.h"
#include "server/faults/front_sink.h"
#include "server/faults/quota.h"
#include "server/server.h"

struct bad_sink {
    struct front_sink front; /* first */
    struct call *call;
    struct fault_hit hit;
    uint64_t passed;  /* messages */
    int64_t until_ns; /* of a stall */
};

/* ---- a status ---- */

static void set_status(struct call *call, const struct fault_hit *hit)
{
    status_set(&call->status, hit->effect->code, STR_FMT, STR_ARG(hit->message));
    if (hit->retry_ms) {
        struct status_detail *retry = ARENA_NEW(call->arena, struct status_detail);
        retry->retry_ms = hit->retry_ms;
        call->status.details = retry;
    }
}

/* ---- the sink ---- */

static void on_message(struct reply_sink *sink, const void *response)
{
    struct bad_sink *b = (struct bad_sink *)sink;
    struct reply_sink *inner = b->front.inner;
    if (b->hit.effect->act != FAULT_TRUNCATE)
        return;
    /* Of a unary call there is one message, and it is that which breaks off. */
    if (b->call->rpc->kind == RPC_UNARY || b->passed < b->hit.messages)
        inner->message(inner, response);
    else
        inner->fault(inner, SINK_TRUNCATE);
    b->passed++;
}

/* The call is freed with it, and so is the sink. */
static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct bad_sink *b = (struct bad_sink *)sink;
    struct reply_sink *inner = b->front.inner;
    if (b->hit.effect->act == FAULT_LOST)
        inner->fault(inner, SINK_CLOSE);
    else if (b->hit.effect->act == FAULT_TRUNCATE)
        inner->fault(inner, SINK_TRUNCATE);
    else
        set_status(b->call, &b->hit); /* `status` is the call's */
    inner->finish(inner, status);
}

/* ---- the ways to go on ---- */

static enum rpc_flow finish(struct call *call)
{
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow reset(struct call *call)
{
    status_set(&call->status, STATUS_UNAVAILABLE, "the connection was reset by a fault");
    call->sink->fault(call->sink, SINK_RESET);
    return finish(call);
}

/* Until the client gives up, the server stops, or the fault is removed. */
static enum rpc_flow stalled(struct call *call)
{
    enum { LOOK_MS = 20 };
    struct bad_sink *b = call->state;
    bool removed = b->hit.id && !faults_is_set(call->server->faults, b->hit.id);
    if (removed || clock_mono_ns() >= b->until_ns || atomic_load(&call->server->stopping))
        return reset(call);
    if (atomic_load(&call->cancelled)) {
        status_set(&call->status, STATUS_CANCELLED, "the client went away");
        return finish(call);
    }
    pool_post_later(call->server->pool, &call->task, LOOK_MS);
    return RPC_PARKED;
}

static enum rpc_flow run_behind(struct call *call, struct bad_sink *b)
{
    front_sink_put(&b->front, call);
    b->front.sink.message = on_message;
    b->front.sink.finish = on_finish;
    call->state = NULL; /* the service's from here on */
    return call->rpc->run(call);
}

static enum rpc_flow happen(struct call *call)
{
    struct bad_sink *b = call->state;
    if (call_over(call))
        return finish(call);
    switch (b->hit.effect->act) {
    case FAULT_STATUS:
        if (b->hit.after)
            return run_behind(call, b);
        set_status(call, &b->hit);
        return finish(call);
    case FAULT_RESET:
        return reset(call);
    case FAULT_STALL:
        call->sink->fault(call->sink, SINK_MUTE);
        b->until_ns = clock_mono_ns() + (int64_t)LIMIT_FAULT_WAIT_MS * 1000000;
        call->step = stalled;
        return stalled(call);
    case FAULT_LOST:
    case FAULT_TRUNCATE:
        return run_behind(call, b);
    case FAULT_GOAWAY:
        call->sink->fault(call->sink, SINK_GOAWAY);
        break;
    case FAULT_DELAY:
        break;
    }
    call->state = NULL;
    return call->rpc->run(call);
}

/* ---- the way in ---- */

/* The fault that the request brings along. */
static enum status_code of_header(struct fault_hit *hit, struct call *call)
{
    struct fault fault;
    const struct options *o = call->server->options;
    if (o->lock_control)
        return status_set(&call->status, STATUS_PERMISSION_DENIED,
                          "x-cinderlog-fault: control requests are refused on this server (--lock-control)");
    if (!o->fault_header)
        return status_set(
            &call->status, STATUS_FAILED_PRECONDITION,
            "x-cinderlog-fault: start the server with --fault-header for requests to bring faults along");
    if (fault_parse(&fault, call->arena, call->fault_header, &call->status))
        return call->status.code;
    for (size_t i = 0; i < FAULT_KEYS; i++)
        if (fault.given[i].n && fault_keys[i].counts)
            return status_set(
                &call->status, STATUS_INVALID_ARGUMENT,
                "x-cinderlog-fault: %s looks at more than one request; set it at /cinderlog/v1/faults",
                fault_keys[i].name);
    if (fault_matches(&fault, call))
        fault_hit_fill(hit, &fault, 0, call->arena);
    return STATUS_OK;
}

enum rpc_flow faults_run(struct call *call)
{
    struct faults *faults = call->server->faults;
    struct fault_hit hit = { 0 };
    if (call->fault_header.n && of_header(&hit, call))
        return finish(call);
    if (!hit.effect && faults)
        faults_choose(&hit, faults, call);
    if (!hit.effect) {
        if (faults && faults_quota(faults) && quota_take(faults_quota(faults), call)) {
            faults_record(faults, call, "quota", 0);
            return finish(call);
        }
        return call->rpc->run(call);
    }
    faults_record(faults, call, hit.effect->name, hit.id);
    struct bad_sink *b = ARENA_NEW(call->arena, struct bad_sink);
    b->call = call;
    b->hit = hit;
    call->state = b;
    if (!hit.latency_ms)
        return happen(call);
    call->step = happen;
    pool_post_later(call->server->pool, &call->task, (int)hit.latency_ms);
    return RPC_PARKED;
}

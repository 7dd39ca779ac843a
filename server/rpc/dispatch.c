/* dispatch.c - the one ordered gate that every call passes, and the ways a call ends or waits. */
#include "server/rpc/rpc.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/path.h"
#include "server/faults/faults.h"
#include "server/ops/call_log.h"
#include "server/ops/request_log.h"
#include "server/rpc/name.h"
#include "server/server.h"
#include "server/single_project.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct call *call_new(struct server *server, const struct rpc *rpc)
{
    struct arena *arena = arena_new();
    struct call *call = ARENA_NEW(arena, struct call);
    call->arena = arena;
    call->server = server;
    call->rpc = rpc;
    call->status = status_init(arena);
    call->started_ns = clock_mono_ns();
    atomic_init(&call->cancelled, false);
    if (rpc->request)
        call->request = arena_zalloc(arena, 1, schema_size(rpc->request));
    atomic_fetch_add(&server->calls, 1);
    return call;
}

struct call *call_child(const struct call *outer, const struct rpc *rpc)
{
    struct call *call = call_new(outer->server, rpc);
    call->principal = outer->principal;
    call->worker = outer->worker;
    call->sink = outer->sink;
    call->request_id = outer->request_id;
    call->request_id_made = outer->request_id_made;
    call->notes.transport = outer->notes.transport;
    call->notes.peer = outer->notes.peer;
    call->notes.user_agent = outer->notes.user_agent;
    call->notes.connection = outer->notes.connection;
    return call;
}

void call_free(struct call *call)
{
    if (!call)
        return;
    struct server *server = call->server;
    arena_free(call->arena);
    atomic_fetch_sub(&server->calls, 1);
}

/* A name that is none is the service's to refuse. */
static bool is_of_other_project(struct call *call)
{
    struct resource_name name;
    struct status ignored = status_init(NULL);
    if (!single_project(call->server->options))
        return false;
    struct str text = rpc_resource_name(call);
    return (path_parse_resource(&name, text, &ignored) == STATUS_OK ||
            path_parse_database(&name.db, text, &ignored) == STATUS_OK) &&
           single_project_check(call->server->options, name.db.project, &call->status);
}

bool call_over(struct call *call)
{
    if (atomic_load_explicit(&call->cancelled, memory_order_relaxed)) {
        status_set(&call->status, STATUS_CANCELLED, "the client went away");
        return true;
    }
    if (call->deadline_ns && clock_mono_ns() >= call->deadline_ns) {
        status_set(&call->status, STATUS_DEADLINE_EXCEEDED, "the client's deadline passed before the answer");
        return true;
    }
    return false;
}

bool rpc_in_v1beta1(const struct rpc *rpc)
{
    return strcmp(rpc->name, "RunAggregationQuery") != 0 && strcmp(rpc->name, "ExecutePipeline") != 0;
}

enum status_code rpc_unimplemented(const struct rpc *rpc, bool v1beta1, struct status *st)
{
    static const char pipelines[] = ": pipelines are of Firestore's Enterprise edition, which this emulator does not "
                                    "run; use RunQuery or RunAggregationQuery";
    return status_set(st, STATUS_UNIMPLEMENTED, "Method google.firestore.%s.Firestore/%s is unimplemented%s",
                      v1beta1 ? "v1beta1" : "v1", rpc->name,
                      !v1beta1 && strcmp(rpc->name, "ExecutePipeline") == 0 ? pipelines : "");
}

static void run_call(struct task *task, struct worker *worker)
{
    struct call *call = (struct call *)task;
    enum rpc_flow (*step)(struct call *) = call->step;
    call->worker = worker;
    /* After RPC_PARKED or RPC_DONE the call may already be freed or running elsewhere. */
    step(call);
}

static enum rpc_flow first_step(struct call *call)
{
    if (call_over(call) || is_of_other_project(call)) {
        call_finish(call);
        return RPC_DONE;
    }
    return faults_wanted(call) ? faults_run(call) : call->rpc->run(call);
}

void rpc_dispatch(struct call *call)
{
    struct server *server = call->server;
    call->task.run = run_call;
    call->step = first_step;
    if (!call->rpc->run) {
        rpc_unimplemented(call->rpc, false, &call->status);
        call_finish(call);
        return;
    }
    if (atomic_load(&server->stopping)) {
        /* UNAVAILABLE is right here: another server on this port may answer the retry. */
        call_fail(call, STATUS_UNAVAILABLE, "cinderlog is shutting down");
        return;
    }
    if (pool_queued(server->pool) >= LIMIT_CALLS_QUEUED) {
        call_fail(call, STATUS_RESOURCE_EXHAUSTED, "more than %d calls are waiting; slow down", LIMIT_CALLS_QUEUED);
        return;
    }
    if (call->worker)
        run_call(&call->task, call->worker); /* decoded on a worker: it goes on there, without a second queue */
    else
        pool_post(server->pool, &call->task);
}

void call_resume(struct call *call) { pool_post(call->server->pool, &call->task); }

void call_send(struct call *call, const void *response) { call->sink->message(call->sink, response); }

/* ---- the end ---- */

/* Of the calling thread: the writer's, which finishes the calls of a batch one after the other. */
static _Thread_local struct {
    bool on;
    struct call *first, **last;
} held;

static void answer(struct call *call) { call->sink->finish(call->sink, &call->status); }

void call_hold(const struct server *server)
{
    held.on = server->request_log != NULL;
    held.first = NULL;
    held.last = &held.first;
}

void call_release(const struct server *server)
{
    struct call *call = held.first;
    held.on = false;
    if (call)
        request_log_flush(server->request_log);
    while (call) {
        struct call *next = call->next_held; /* answering frees it */
        answer(call);
        call = next;
    }
}

void call_finish(struct call *call)
{
    bool flush_first = call_log(call);
    if (held.on) {
        *held.last = call;
        held.last = &call->next_held;
        return;
    }
    if (flush_first)
        request_log_flush(call->server->request_log);
    answer(call);
}

enum rpc_flow call_fail(struct call *call, enum status_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    status_set(&call->status, code, "%s", arena_vprintf(call->arena, fmt, args));
    va_end(args);
    call_finish(call);
    return RPC_DONE;
}

bool call_congested(const struct call *call) { return call->sink->pending(call->sink) > LIMIT_RESPONSE_BUFFER; }

enum rpc_flow call_park(struct call *call, enum rpc_flow (*step)(struct call *call))
{
    call->step = step;
    call->sink->when_drained(call->sink);
    return RPC_PARKED;
}

enum rpc_flow call_yield(struct call *call, enum rpc_flow (*step)(struct call *call))
{
    call->step = step;
    pool_post_behind(call->server->pool, &call->task);
    return RPC_PARKED;
}

enum call_received call_receive(void **request, struct call *call, struct arena *arena)
{
    struct inbox *inbox = call->inbox;
    struct inbox_message *m = inbox_take(inbox);
    if (!m) {
        pthread_mutex_lock(&inbox->lock);
        /* Nothing came between the two locks, or it is there at the next call. */
        bool ended = inbox->ended && !inbox->first;
        enum status_code code = inbox->code;
        const char *broken = inbox->broken;
        pthread_mutex_unlock(&inbox->lock);
        if (!ended)
            return CALL_NOTHING_YET;
        if (!code)
            return CALL_ALL_SAID;
        status_set(&call->status, code, "%s", broken);
        return CALL_UNREADABLE;
    }
    struct str bytes = arena_str(arena, str_from(m->bytes, m->n));
    free(m);
    *request = arena_zalloc(arena, 1, schema_size(call->rpc->request));
    enum status_code code = inbox->json
                                ? protojson_decode(*request, call->rpc->request, arena, bytes, &call->status)
                                : protobuf_decode(*request, call->rpc->request, arena, bytes, &call->status);
    call->notes.request_bytes += bytes.n;
    return code ? CALL_UNREADABLE : CALL_RECEIVED;
}

void call_poke(struct call *call)
{
    if (wake_poke(&call->inbox->wake))
        pool_post(call->server->pool, &call->task);
}

enum rpc_flow call_wait(struct call *call, enum rpc_flow (*step)(struct call *call))
{
    call->step = step;
    if (!wake_rest(&call->inbox->wake))
        pool_post(call->server->pool, &call->task);
    return RPC_PARKED;
}

int64_t call_slice_end(void)
{
    return clock_mono_ns() + (int64_t)CALL_SLICE_MS * 1000000;
}

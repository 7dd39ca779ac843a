/* request.c - what REST and gRPC do alike: becoming a call, headers of answers, errors as JSON. */
#include "server/transport/request.h"

#include "core/clock.h"
#include "server/ops/call_log.h"
#include "server/ops/metrics.h"
#include "server/ops/request_id.h"
#include "server/ops/summary.h"
#include "server/server.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum { ERROR_MAX = 1024 * 1024 };

struct request *request_of_sink(struct reply_sink *sink)
{
    return (struct request *)(void *)((char *)sink - offsetof(struct request, sink));
}

void request_post(struct request *r, void (*run)(struct task *task, struct worker *worker))
{
    r->handed = true;
    r->task.run = run;
    pool_post(r->transport->options.server->pool, &r->task);
}

/* One that tells requests of this run apart. */
static struct str own_id(struct request *r, struct arena *arena)
{
    unsigned long long n = atomic_fetch_add(&r->transport->requests, 1) + 1;
    return str_of(
        arena_printf(arena, "%llx-%llx", (unsigned long long)exchange_head(r->exchange)->connection, n));
}

struct call *request_call(struct request *r, struct worker *worker)
{
    const struct net_head *head = exchange_head(r->exchange);
    struct call *call = call_new(r->transport->options.server, r->rpc);
    call->sink = &r->sink;
    call->inbox = r->rpc->kind == RPC_BIDI ? &r->inbox : NULL;
    call->worker = worker;
    call->request_id = request_id_of_headers(call->arena, exchange_header(r->exchange, "x-request-id"),
                                             exchange_header(r->exchange, "traceparent"));
    call->request_id_made = !call->request_id.n;
    if (call->request_id_made)
        call->request_id = own_id(r, call->arena);
    call->notes.transport = r->grpc ? "grpc" : "rest";
    call->notes.peer = head->peer; /* as long as the exchange, which outlives the call */
    call->notes.request_bytes = r->body.n;
    call->notes.traceparent = exchange_header(r->exchange, "traceparent");
    call->notes.user_agent = exchange_header(r->exchange, "user-agent");
    call->notes.connection = head->connection;
    call->fault_header = exchange_header(r->exchange, "x-cinderlog-fault");
    if (head->first)
        metrics_client(call->server->metrics, call->notes.user_agent);
    struct str id = request_id_as_header(call->arena, call->request_id);
    pthread_mutex_lock(&r->lock);
    r->call = call;
    r->id = id;
    if (exchange_cancelled(r->exchange))
        atomic_store(&call->cancelled, true);
    pthread_mutex_unlock(&r->lock);
    return call;
}

void request_dispatch(struct request *r, struct call *call)
{
    struct str id = call->request_id_made ? request_id_of_writes(call) : (struct str){ 0 };
    if (id.n) {
        call->request_id = id;
        id = request_id_as_header(call->arena, id);
        pthread_mutex_lock(&r->lock); /* a deadline may be answering */
        r->id = id;
        pthread_mutex_unlock(&r->lock);
    }
    rpc_dispatch(call);
}

enum status_code request_principal(struct request *r, struct call *call)
{
    return request_principal_of(r, call, exchange_header(r->exchange, "authorization"));
}

enum status_code request_principal_of(struct request *r, struct call *call, struct str authorization)
{
    const struct transport_options *o = &r->transport->options;
    unsigned listener = exchange_head(r->exchange)->listener;
    const struct owner_policy *policy =
        !o->n_policies ? NULL : &o->policies[listener < o->n_policies ? listener : 0];
    return principal_from_header(&call->principal, call->arena, authorization, policy, &call->status);
}

void request_end_call(struct request *r)
{
    pthread_mutex_lock(&r->lock);
    struct call *call = r->call;
    r->call = NULL;
    r->id = (struct str){ 0 };
    pthread_mutex_unlock(&r->lock);
    call_free(call);
}

void request_fault(struct request *r, enum sink_fault fault)
{
    static const enum net_fault faults[] = {
        [SINK_MUTE] = NET_FAULT_STALL,    [SINK_CLOSE] = NET_FAULT_CLOSE,
        [SINK_RESET] = NET_FAULT_RESET,   [SINK_TRUNCATE] = NET_FAULT_TRUNCATE,
        [SINK_GOAWAY] = NET_FAULT_GOAWAY,
    };
    bool closes = fault == SINK_CLOSE || fault == SINK_RESET; /* a muted answer too */
    if (r->ended && !closes)
        return;
    r->ended = fault != SINK_GOAWAY;
    net_fault(r->exchange, faults[fault]);
}

void request_cut_off(struct request *r)
{
    struct server *server = r->transport->options.server;
    if (!r->rpc || !readiness_reached(&server->readiness)) { /* REST: the path is a worker's to read */
        summary_count(server->summary, SUMMARY_CUT_OFF);
        return;
    }
    struct call *call = request_call(r, NULL);
    request_principal(r, call);
    status_set(&call->status, STATUS_CANCELLED, "the client went away in the middle of its request");
    call_log(call);
    request_end_call(r);
}

void request_poke(struct request *r, bool gone)
{
    pthread_mutex_lock(&r->lock);
    if (r->call && gone)
        atomic_store(&r->call->cancelled, true);
    if (r->call && r->call->inbox)
        call_poke(r->call);
    pthread_mutex_unlock(&r->lock);
}

size_t request_headers(const struct request *r, struct net_header *out, const char *content_type)
{
    size_t n = 0;
    struct str id = r->id.n ? r->id : exchange_header(r->exchange, "x-request-id");
    if (content_type)
        out[n++] = (struct net_header){ STR("content-type"), str_of(content_type) };
    if (r->cors) {
        out[n++] =
            (struct net_header){ STR("access-control-allow-origin"), exchange_header(r->exchange, "origin") };
        out[n++] =
            (struct net_header){ STR("access-control-allow-methods"), STR("DELETE,GET,HEAD,PATCH,POST,PUT") };
        out[n++] = (struct net_header){ STR("access-control-allow-credentials"), STR("true") };
        out[n++] = (struct net_header){ STR("vary"), STR("origin") };
    }
    if (id.n && (r->id.n || id.n <= REQUEST_ID_MAX))
        out[n++] = (struct net_header){ STR("x-request-id"), id };
    return n;
}

static void put_error_info(struct buf *out, const struct status_detail *d)
{
    buf_z(out, "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":");
    json_write_string(out, str_of(d->reason));
    buf_z(out, ",\"domain\":\"" STATUS_DETAIL_DOMAIN "\",\"metadata\":{");
    for (size_t i = 0; i < d->count; i++) {
        buf_z(out, i ? "," : "");
        json_write_string(out, str_of(d->facts[i].key));
        buf_z(out, ":");
        json_write_string(out, d->facts[i].value);
    }
    buf_z(out, "}}");
}

static void put_details(struct buf *out, const struct status_detail *details)
{
    buf_z(out, ",\"details\":[");
    for (const struct status_detail *d = details; d; d = d->next) {
        if (d->retry_ms)
            buf_printf(out,
                       "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"%" PRId64
                       ".%03" PRId64 "s\"}",
                       d->retry_ms / 1000, d->retry_ms % 1000);
        else
            put_error_info(out, d);
        buf_z(out, d->next ? "," : "");
    }
    buf_z(out, "]");
}

bool http_error_json(struct buf *out, const struct status *status)
{
    buf_printf(out, "{\"error\":{\"code\":%d,\"message\":", status_http(status->code));
    json_write_string(out, str_of(status_message(status)));
    buf_printf(out, ",\"status\":\"%s\"", status_name(status->code));
    if (status->details)
        put_details(out, status->details);
    return buf_z(out, "}}");
}

void request_reply_error(struct request *r, const struct status *status)
{
    struct net_header headers[REQUEST_HEADERS_MAX];
    struct buf body;
    size_t n = request_headers(r, headers, "application/json");
    buf_init(&body, ERROR_MAX);
    if (!http_error_json(&body, status)) {
        /* Details of any size are cut rather than lost with the message. */
        struct status plain = *status;
        plain.details = NULL;
        buf_clear(&body);
        http_error_json(&body, &plain);
    }
    exchange_reply(r->exchange, status_http(status->code), headers, n, &body);
}

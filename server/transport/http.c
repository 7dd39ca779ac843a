/* http.c - see http.h: the gate, CORS, and the way to each part. */
#include "server/transport/http.h"

#include "server/server.h"
#include "server/service/listen_hub.h"
#include "server/transport/request.h"
#include "server/transport/route.h"
#include "server/transport/webchannel.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- the gate ---- */

/* "host", "host:port", "[::1]:port" -> the host without brackets. */
static struct str host_of(struct str authority)
{
    if (authority.n && authority.p[0] == '[') {
        const char *end = memchr(authority.p, ']', authority.n);
        return end ? (struct str){ authority.p + 1, (size_t)(end - authority.p - 1) } : (struct str){ 0 };
    }
    const char *colon = authority.n ? memchr(authority.p, ':', authority.n) : NULL;
    return (struct str){ authority.p, colon ? (size_t)(colon - authority.p) : authority.n };
}

static bool same_text(struct str a, struct str b)
{
    return a.n == b.n && (!a.n || strncasecmp(a.p, b.p, a.n) == 0);
}

/* As an address, when it is one. */
static bool parse_ip(struct str host, struct in_addr *v4, struct in6_addr *v6, bool *is_v4)
{
    char text[INET6_ADDRSTRLEN];
    if (!host.n || host.n >= sizeof text || memchr(host.p, 0, host.n))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    *is_v4 = inet_pton(AF_INET, text, v4) == 1;
    return *is_v4 || inet_pton(AF_INET6, text, v6) == 1;
}

static bool is_loopback(struct str host)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool is_v4;
    if (same_text(host, STR("localhost")))
        return true;
    if (!parse_ip(host, &v4, &v6, &is_v4))
        return false;
    if (is_v4)
        return ntohl(v4.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static bool listed(const struct str *list, size_t n, struct str value)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_z(list[i], "*") || same_text(list[i], value))
            return true;
    return false;
}

/* Rebinding attacks need a name: a literal address is what the user typed, and right when we listen on all.
 */
static bool host_allowed(const struct transport_options *o, struct str authority)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool is_v4,
        everywhere = o->bind_host && (!strcmp(o->bind_host, "0.0.0.0") || !strcmp(o->bind_host, "::"));
    struct str host = host_of(authority);
    return !authority.n || is_loopback(host) || (o->bind_host && same_text(host, str_of(o->bind_host))) ||
           (everywhere && parse_ip(host, &v4, &v6, &is_v4)) ||
           listed(o->allow_host, o->n_allow_host, authority) || listed(o->allow_host, o->n_allow_host, host);
}

static bool origin_allowed(const struct transport_options *o, struct str origin)
{
    static const struct str schemes[] = { STR_INIT("http://"), STR_INIT("https://") };
    for (size_t i = 0; i < 2; i++)
        if (str_starts(origin, schemes[i]) && is_loopback(host_of(str_skip(origin, schemes[i].n))))
            return true;
    return listed(o->allow_origin, o->n_allow_origin, origin);
}

/* NULL: may pass. */
static const char *gate(struct request *r)
{
    const struct transport_options *o = &r->transport->options;
    struct str origin = exchange_header(r->exchange, "origin");
    if (!host_allowed(o, exchange_head(r->exchange)->authority))
        return "this Host is not served here: use localhost or the address it listens on, or start with "
               "--allow-host";
    if (!origin.n)
        return NULL;
    if (!origin_allowed(o, origin))
        return "web pages of this Origin may not use this server; start it with --allow-origin to let them";
    r->cors = true;
    return NULL;
}

/* ---- answers without a call ---- */

static void reply_plain(struct request *r, int status, const char *text)
{
    struct net_header headers[REQUEST_HEADERS_MAX];
    struct buf body;
    buf_init(&body, 256);
    buf_z(&body, text);
    exchange_reply(r->exchange, status, headers, request_headers(r, headers, NULL), &body);
}

static void reply_code(struct request *r, enum status_code code, const char *message)
{
    struct status st = status_init(NULL);
    status_set(&st, code, "%s", message);
    request_reply_error(r, &st);
}

static void preflight(struct request *r)
{
    struct net_header headers[REQUEST_HEADERS_MAX + 2];
    struct str method = exchange_header(r->exchange, "access-control-request-method");
    struct str wanted = exchange_header(r->exchange, "access-control-request-headers");
    struct str private_network = exchange_header(r->exchange, "access-control-request-private-network");
    size_t n = request_headers(r, headers, NULL);
    if (r->cors && method.n && wanted.n)
        headers[n++] = (struct net_header){ STR("access-control-allow-headers"), wanted };
    if (r->cors && method.n && str_eq_z(private_network, "true"))
        headers[n++] = (struct net_header){ STR("access-control-allow-private-network"), STR("true") };
    exchange_reply(r->exchange, 200, headers, n, NULL);
}

/* ---- control routes ---- */

struct str http_param(const struct http_call *call, size_t i)
{
    return i < call->n_params ? call->params[i] : (struct str){ 0 };
}

struct str http_query(struct http_call *call, const char *wanted)
{
    struct str rest = call->query, name, value;
    bool ok;
    while (route_next_param(&rest, call->arena, &name, &value, &ok))
        if (ok && str_eq_z(name, wanted))
            return value;
    return (struct str){ 0 };
}

static struct request *request_of(const struct http_call *call)
{
    return exchange_user(call->exchange);
}

void http_reply_bytes(struct http_call *call, int status, const char *content_type, struct buf *body)
{
    struct net_header headers[REQUEST_HEADERS_MAX];
    call->answered = true;
    exchange_reply(call->exchange, status, headers, request_headers(request_of(call), headers, content_type),
                   body);
}

void http_reply_json(struct http_call *call, int status, struct buf *body)
{
    http_reply_bytes(call, status, "application/json", body);
}

void http_reply_text(struct http_call *call, int status, const char *text)
{
    call->answered = true;
    reply_plain(request_of(call), status, text);
}

void http_reply_status(struct http_call *call, const struct status *status)
{
    call->answered = true;
    request_reply_error(request_of(call), status);
}

void http_call_keep(struct http_call *call)
{
    *call->kept = true;
}

void http_call_free(struct http_call *call)
{
    struct exchange *exchange = call->exchange;
    assert(call->answered);
    arena_free(call->arena);
    exchange_release(exchange);
}

static void split_target(struct str target, struct str *path, struct str *query)
{
    const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    *path = (struct str){ target.p, mark ? (size_t)(mark - target.p) : target.n };
    *query = mark ? str_skip(target, path->n + 1) : (struct str){ 0 };
}

/* The row for a path, with its captures in arena; NULL when there is none. */
static const struct http_route *find_route(struct route_match *match, struct arena *arena, struct str method,
                                           struct str path)
{
    struct route_path split;
    if (!route_split(&split, arena, path))
        return NULL;
    for (size_t i = 0; i < control_route_count; i++)
        if (str_eq_z(method, control_routes[i].method) &&
            route_matches(match, arena, control_routes[i].pattern, &split))
            return &control_routes[i];
    return NULL;
}

static void run_control(struct request *r, const struct http_route *route, struct route_match *match,
                        struct arena *arena, struct worker *worker)
{
    const struct net_head *head = exchange_head(r->exchange);
    struct http_call *call = ARENA_NEW(arena, struct http_call);
    struct str *params = ARENA_ARRAY(arena, struct str, match->n);
    bool kept = false; /* here, since a kept call may be gone before run() returns */
    r->handed = true;
    *call = (struct http_call){
        .exchange = r->exchange,
        .arena = arena,
        .server = r->transport->options.server,
        .worker = worker,
        .method = head->method,
        .body = r->body,
        .params = params,
        .n_params = match->n,
        .kept = &kept,
    };
    split_target(head->target, &call->path, &call->query);
    for (size_t i = 0; i < match->n; i++)
        params[i] = match->bindings[i].value;
    route->run(call);
    if (!kept)
        http_call_free(call);
}

static void control_run(struct task *task, struct worker *worker)
{
    struct request *r = (struct request *)(void *)task;
    struct arena *arena = arena_new();
    struct route_match match;
    struct str path, query;
    split_target(exchange_head(r->exchange)->target, &path, &query);
    const struct http_route *route = find_route(&match, arena, exchange_head(r->exchange)->method, path);
    run_control(r, route, &match, arena, worker);
}

/* Refuses on the loop what a worker would have to do. */
static void refuse_request(struct request *r, enum status_code code, const char *why)
{
    if (r->rpc)
        grpc_refuse(r->exchange, code, why);
    else
        reply_code(r, code, why);
    r->handed = true;
    exchange_release(r->exchange);
}

/* While the server starts there are no workers yet, and no store that they could ask. */
static bool refuse_while_starting(struct request *r)
{
    const struct readiness *readiness = &r->transport->options.server->readiness;
    char text[READINESS_TEXT];
    if (readiness_reached(readiness))
        return false;
    refuse_request(r, STATUS_UNAVAILABLE, readiness_text(text, readiness));
    return true;
}

/* Gives it to a worker; false: it is answered already. */
static bool admit(struct request *r, void (*run)(struct task *task, struct worker *worker))
{
    if (refuse_while_starting(r))
        return false;
    if (pool_queued(r->transport->options.server->pool) >= 2 * LIMIT_CALLS_QUEUED) {
        refuse_request(r, STATUS_RESOURCE_EXHAUSTED, "too many requests are waiting; slow down");
        return false;
    }
    request_post(r, run);
    return true;
}

/* On the loop: answers at once what is cheap, and knows what a worker has to do. */
static void route_other(struct request *r)
{
    struct arena *arena = arena_new();
    struct route_match match;
    struct str path, query;
    split_target(exchange_head(r->exchange)->target, &path, &query);
    const struct http_route *route = find_route(&match, arena, exchange_head(r->exchange)->method, path);
    if (route && route->on_loop) {
        run_control(r, route, &match, arena, NULL);
        return;
    }
    arena_free(arena);
    if (route) {
        if (!refuse_while_starting(r))
            request_post(r, control_run);
        return;
    }
    reply_plain(r, 404, "Not Found\n");
    r->handed = true;
    exchange_release(r->exchange);
}

/* ---- the handler ---- */

static void dispose(void *user)
{
    struct request *r = user;
    buf_dispose(&r->out);
    webchannel_forget(r);
    if (r->rpc && r->rpc->kind == RPC_BIDI) {
        buf_dispose(&r->in);
        inbox_dispose(&r->inbox);
    }
    side_dispose(r);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static enum net_body answered(struct request *r)
{
    r->handed = true;
    exchange_release(r->exchange);
    return NET_BODY_ANSWERED;
}

/* A gRPC method with another content type, as the specification has it. */
static void reply_not_grpc(struct request *r)
{
    char message[STATUS_SHOWN + 64], shown[STATUS_SHOWN];
    struct str type = exchange_header(r->exchange, "content-type");
    snprintf(message, sizeof message, "Content-Type '%s' is not supported", status_show(shown, type));
    grpc_not_grpc(r->exchange, 415, type.n ? message : "Content-Type is missing from the request");
}

static enum net_body refuse_head(struct request *r, const char *why)
{
    if (r->grpc)
        grpc_refuse(r->exchange, STATUS_PERMISSION_DENIED, why);
    else
        reply_code(r, STATUS_PERMISSION_DENIED, why);
    return answered(r);
}

static enum net_body begin_grpc(struct request *r)
{
    enum net_body body = grpc_head(r);
    if (body == NET_BODY_ANSWERED)
        return answered(r);
    if (body == NET_BODY_STREAM && !r->side && !admit(r, grpc_run))
        return NET_BODY_ANSWERED;
    return body;
}

static enum net_body on_head(void *data, struct exchange *e)
{
    const struct net_head *head = exchange_head(e);
    struct request *r = calloc(1, sizeof *r);
    if (!r) {
        exchange_abort(e);
        exchange_release(e);
        return NET_BODY_ANSWERED;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->transport = data;
    r->exchange = e;
    exchange_own_user(e, r, dispose);
    r->grpc = head->protocol == NET_HTTP2 && grpc_is(exchange_header(e, "content-type"));
    const char *refusal = gate(r);
    if (refusal)
        return refuse_head(r, refusal);
    if (r->grpc)
        return begin_grpc(r);
    if (head->protocol == NET_HTTP2 && grpc_names_method(head->target)) {
        reply_not_grpc(r);
        return answered(r);
    }
    if (str_eq_z(head->method, "OPTIONS")) {
        preflight(r);
        return answered(r);
    }
    if (webchannel_is(head->target))
        exchange_allow_body(e, WEBCHANNEL_MAX_BODY);
    return NET_BODY_WHOLE;
}

static void on_request(void *data, struct exchange *e, struct str body)
{
    struct request *r = exchange_user(e);
    struct str target = exchange_head(e)->target;
    (void)data;
    r->body = body;
    if (!r->rpc && webchannel_is(target)) {
        admit(r, webchannel_run);
        return;
    }
    bool rest = !r->rpc && (str_starts(target, STR("/v1/")) || str_starts(target, STR("/v1beta1/")));
    if (!r->rpc && !rest)
        route_other(r);
    else
        admit(r, rest ? rest_run : grpc_run);
}

static void on_too_large(void *data, struct exchange *e)
{
    struct request *r = exchange_user(e);
    char message[128];
    struct str length = exchange_header(e, "content-length");
    (void)data;
    if (r->rpc) {
        grpc_too_large(e);
    } else {
        snprintf(message, sizeof message, "gRPC message exceeds maximum size %d: " STR_FMT,
                 LIMIT_MESSAGE_BYTES, STR_ARG(length.n <= 20 ? length : (struct str){ 0 }));
        reply_code(r, STATUS_RESOURCE_EXHAUSTED, message);
    }
    r->handed = true;
    exchange_release(e);
}

static void on_chunk(void *data, struct exchange *e, struct str bytes, bool end)
{
    struct request *r = exchange_user(e);
    (void)data;
    if (r->side)
        side_chunk(r, bytes, end);
    else
        grpc_chunk(r, bytes, end);
}

static void on_closed(void *data, struct exchange *e)
{
    struct request *r = exchange_user(e);
    (void)data;
    if (!r)
        return;
    if (r->side) {
        side_closed(r);
        return;
    }
    request_poke(r, true);
    webchannel_closed(r);
    if (!r->handed) {
        request_cut_off(r);
        r->handed = true;
        exchange_release(e);
    }
}

/* Listeners and those who watch would stay for ever. */
static void on_stopping(void *data)
{
    struct transport *t = data;
    side_changed(t, true);
    listen_hub_wake_all(t->options.server->listeners);
    channels_stop(t->channels);
}

void transport_ready(struct transport *t)
{
    side_changed(t, false);
}

struct transport *transport_new(const struct transport_options *options)
{
    struct transport *t = calloc(1, sizeof *t);
    if (t)
        t->deadlines = deadlines_new(&options->server->pool);
    if (t)
        t->channels = channels_new(&options->server->pool);
    if (!t || !t->deadlines || !t->channels) {
        fprintf(stderr, "cinderlog: out of memory; stopping\n");
        abort();
    }
    t->options = *options;
    pthread_mutex_init(&t->side_lock, NULL);
    return t;
}

void transport_free(struct transport *t)
{
    if (!t)
        return;
    channels_free(t->channels);
    deadlines_free(t->deadlines);
    pthread_mutex_destroy(&t->side_lock);
    free(t);
}

struct net_handler transport_handler(struct transport *t)
{
    return (struct net_handler){ t, on_head, on_request, on_chunk, on_too_large, on_closed, on_stopping };
}

/* http.h - the entry of every request: who may ask at all, and which part answers.
 *
 * The gate (before anything else): Host must be a loopback name, the bind address or one of --allow-host;
 * Origin must be absent, loopback (any port) or one of --allow-origin. So a web page on a foreign origin,
 * or one that has rebound its name to 127.0.0.1, can neither read nor change anything.
 *
 * Then: application/grpc over HTTP/2 -> grpc.c (grpc_side.c for health and reflection); OPTIONS -> CORS; WebChannel's
 * paths -> webchannel.c; /v1 -> rest.c; control routes; else 404. All but gRPC is the same over HTTP/1.1 and HTTP/2 (of
 * which Google's emulator 1.19.9 answers nothing but gRPC).
 *
 * Control routes are rows of a table in server/control. A row's pattern is matched on the raw path and
 * decoded afterwards: "*" is one segment, "**" any number (none included), both captured as parameters in
 * order; the last segment may end in ":verb". Routes run on a worker unless on_loop says otherwise. */
#ifndef SERVER_TRANSPORT_HTTP_H
#define SERVER_TRANSPORT_HTTP_H

#include "core/buf.h"
#include "core/limits.h"
#include "core/status.h"
#include "server/net/net.h"

struct server;
struct worker;
struct transport;
struct owner_policy;

enum { TRANSPORT_MAX_BODY = LIMIT_MESSAGE_BYTES + 5 }; /* a gRPC message comes with five bytes */

struct transport_options {
    struct server *server;
    const struct str *allow_origin; /* "https://app.example:8443"; "*": any */
    size_t n_allow_origin;
    const struct str *allow_host; /* "cinderlog" or "cinderlog:8080"; "*": any */
    size_t n_allow_host;
    const char *bind_host;               /* what --host says; a wildcard admits every literal address */
    const struct owner_policy *policies; /* by listener; a listener beyond n_policies uses the first */
    size_t n_policies;
};

/* The options' strings and arrays are borrowed. Never NULL. Free after the pool and the net are closed. */
struct transport *transport_new(const struct transport_options *options);
void transport_free(struct transport *transport);
/* The server's readiness has been reached: those who watch its health are told. From any thread. */
void transport_ready(struct transport *transport);
struct net_handler transport_handler(struct transport *transport);

/* ---- control routes ---- */
struct http_call {
    struct exchange *exchange;
    struct arena *arena;
    struct server *server;
    struct worker *worker; /* NULL on the loop */
    struct str method;     /* "PUT" */
    struct str path;       /* raw, without the query */
    struct str query;      /* raw, without '?' */
    struct str body;
    const struct str *params; /* decoded, as the pattern captured them */
    size_t n_params;
    bool answered;
    bool *kept; /* http_call_keep */
};

struct http_route {
    const char *method, *pattern;
    void (*run)(struct http_call *call);
    bool on_loop; /* answers at once and touches nothing that blocks */
};
extern const struct http_route control_routes[];
extern const size_t control_route_count;

/* The i-th capture, empty when there are fewer. */
struct str http_param(const struct http_call *call, size_t i);
/* A query parameter, decoded into the call's arena; empty when absent (or not well escaped). */
struct str http_query(struct http_call *call, const char *name);
/* Exactly one of these answers a call. Buffers are taken over. */
void http_reply_bytes(struct http_call *call, int status, const char *content_type, struct buf *body);
void http_reply_json(struct http_call *call, int status, struct buf *body); /* application/json */
void http_reply_text(struct http_call *call, int status,
                     const char *text); /* without a content type, as 1.19.9 */
void http_reply_status(struct http_call *call, const struct status *status); /* {"error":{...}} */
/* The call outlives run(): somebody else answers it later and calls http_call_free. */
void http_call_keep(struct http_call *call);
void http_call_free(struct http_call *call);

#endif

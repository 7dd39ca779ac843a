/* net.h - sockets and HTTP, and nothing of Firestore: one loop thread, one port for everything.
 *
 * The loop accepts, peeks (MSG_PEEK) for the HTTP/2 preface and gives the socket to http2.c (nghttp2) or to
 * http1.c (libmicrohttpd in external epoll mode). Either turns it into exchanges: one request and its
 * answer; on HTTP/1.1 an exchange may become a WebSocket (websocket.c, wslay). Handlers run on the loop thread and must not block; answers may come from any thread.
 *
 *   head arrives -> handler.head()   answer at once, or say how the body shall come
 *   body complete -> handler.request()  (NET_BODY_WHOLE)     or handler.chunk() ... (NET_BODY_STREAM)
 *   answer: exchange_reply(), or exchange_start() -> exchange_write()* -> exchange_finish()
 *   client gone before the answer ended -> handler.closed(); exchange_cancelled() is true from then on
 *   exchange_release() exactly once, by whoever answers last (or on closed)
 *
 * Answers queue to the loop and wake it with one eventfd write per batch (none while it is awake). */
#ifndef SERVER_NET_NET_H
#define SERVER_NET_NET_H

#include "core/buf.h"
#include "core/status.h"
#include "server/ops/histogram.h"

struct net;
struct exchange;

struct net_header {
    struct str name, value; /* names in lower case on requests; on answers they are sent as given */
};

enum net_protocol { NET_HTTP10 = 10, NET_HTTP11 = 11, NET_HTTP2 = 20 };

struct net_head {
    enum net_protocol protocol;
    struct str method;    /* "GET" */
    struct str target;    /* raw: path and query, percent-encoding untouched */
    struct str authority; /* Host header or :authority; empty when absent */
    const struct net_header *headers;
    size_t n_headers;
    struct str peer;     /* "127.0.0.1:53122" */
    unsigned listener;   /* index into net_options.listeners */
    uint64_t connection; /* serial number of the connection, from 1 */
    bool first;          /* no exchange came before it on its connection */
};

enum net_body {
    NET_BODY_ANSWERED, /* head() has answered: the body is read and dropped */
    NET_BODY_WHOLE,    /* collect it, up to net_options.max_body; above: 413 (or grpc-status 8) by
                          handler.too_large */
    NET_BODY_STREAM,   /* hand over chunks as they come (HTTP/2 only) */
};

struct net_handler {
    void *data;
    enum net_body (*head)(void *data, struct exchange *exchange);
    /* The whole body; the bytes live as long as the exchange. */
    void (*request)(void *data, struct exchange *exchange, struct str body);
    /* NET_BODY_STREAM: bytes as they arrive, `end` with the last (maybe empty) ones. */
    void (*chunk)(void *data, struct exchange *exchange, struct str bytes, bool end);
    /* The body passed max_body. Must answer; the exchange's connection may be closed after it. */
    void (*too_large)(void *data, struct exchange *exchange);
    /* The client went away or reset the stream before the answer ended; called once, loop thread. The
     * exchange stays valid until exchange_release. */
    void (*closed)(void *data, struct exchange *exchange);
    /* net_stop was called: what waits for nothing in particular should end. Once, loop thread. NULL is allowed. */
    void (*stopping)(void *data);
};

struct net_listener {
    const char *host; /* "127.0.0.1", "::1", "localhost" (both loopbacks), "0.0.0.0", "::" */
    uint16_t port;    /* 0: any free one; filled with the real one */
    const char *option; /* named when the port is taken; NULL: "--port" */
};

struct net_options {
    struct net_listener *listeners;
    size_t n_listeners;
    size_t max_connections; /* 0: LIMIT_CONNECTIONS, lowered to fit RLIMIT_NOFILE */
    size_t max_body;        /* LIMIT_MESSAGE_BYTES + framing */
    struct net_handler handler;
    int read_deadline_ms; /* 0: LIMIT_REQUEST_READ_S; a whole request must have arrived within it */
    int idle_ms;          /* 0: LIMIT_IDLE_CONNECTION_S; HTTP/1.1 connections without a request, silent WebSockets */
    int unread_ms;        /* 0: LIMIT_UNREAD_S; HTTP/2 answers that the client does not take */
};

struct net_stats {
    uint64_t connections, open_connections, refused_connections, exchanges, http1_exchanges;
    struct histogram_sum reuse; /* exchanges on each connection that has ended; histogram_sizes */
};

/* Binds and listens, does not serve yet. UNAVAILABLE with "address already in use" and who holds the port
 * (pid and name where /proc tells); options->listeners[].port is filled. */
enum status_code net_open(struct net **out, struct net_options *options, struct status *st);
/* Serves on the calling thread until net_stop; returns after the graceful end: no new connections, GOAWAY,
 * running exchanges finished or cut after grace_ms, sockets closed. */
void net_run(struct net *net, int grace_ms);
/* Between the two, answers that the calling thread gives do not wake the loop one by one, but some at a time;
 * net_release wakes it for the rest. For a thread that gives several in a row and does nothing else meanwhile. */
void net_hold(struct net *net);
void net_release(struct net *net);
/* From any thread or a signal handler. */
void net_stop(struct net *net);
void net_close(struct net *net);
void net_get_stats(const struct net *net, struct net_stats *out);

/* ---- exchanges ---- */
const struct net_head *exchange_head(const struct exchange *exchange);
/* A header's value, empty when absent. `name` in lower case. */
struct str exchange_header(const struct exchange *exchange, const char *name);
/* Room for the handler's own pointer. */
void exchange_set_user(struct exchange *exchange, void *user);
void *exchange_user(const struct exchange *exchange);
/* The same, and dispose(user) is called when the exchange is freed: after exchange_release and after any
 * closed(), on whichever thread was last. So a handler that keeps its state there may be told closed()
 * while another thread finishes. */
void exchange_own_user(struct exchange *exchange, void *user, void (*dispose)(void *user));

/* ---- WebSockets (RFC 6455) ---- */
/* False for the handshake of one; what is none is answered, with 426 or 400 and a sentence. */
bool exchange_refuse_websocket(struct exchange *exchange);
/* Answers a handshake; on the loop thread, from request(). From then on each
 * exchange_write is one text message, exchange_finish ends it in order, exchange_abort at once. Pings are answered,
 * what the client says is read and dropped, and bounded; a client that is silent for idle_ms is asked for a sign of
 * life and let go without one. No extension and no subprotocol is spoken. */
void exchange_websocket(struct exchange *exchange);

/* All thread-safe; after a cancel they do nothing. `body` and `bytes` are taken over and left empty.
 * Headers are copied. content-length is set by exchange_reply. Chunked on HTTP/1.1 when streaming. Whatever
 * comes after the end of an answer is dropped, so that a deadline may answer while a worker still writes. */
void exchange_reply(struct exchange *exchange, int status, const struct net_header *headers, size_t n,
                    struct buf *body);
void exchange_start(struct exchange *exchange, int status, const struct net_header *headers, size_t n);
void exchange_write(struct exchange *exchange, struct buf *bytes);
void exchange_finish(struct exchange *exchange, const struct net_header *trailers, size_t n);
/* HTTP/2: one HEADERS frame with END_STREAM (gRPC Trailers-Only). HTTP/1.1: like reply without body. */
void exchange_trailers_only(struct exchange *exchange, int status, const struct net_header *headers,
                            size_t n);
/* Ends it without an (other) answer: RST_STREAM, or the socket is closed. */
void exchange_abort(struct exchange *exchange);

/* What broken networks and restarting front ends do, on purpose (server/faults). Thread-safe; after a cancel it
 * does nothing. NET_FAULT_CLOSE, _RESET and _TRUNCATE are the end of the answer. */
enum net_fault {
    NET_FAULT_NONE,
    NET_FAULT_STALL,    /* there will be no answer; a client that closes its side is let go, as waiting ones are not */
    NET_FAULT_CLOSE,    /* the connection is closed in order, and with it every other exchange on it */
    NET_FAULT_RESET,    /* the same by a TCP reset */
    NET_FAULT_TRUNCATE, /* what was written goes out, and then no end of it: RST_STREAM with INTERNAL_ERROR, or a
                           chunked body that breaks off. The answer was started and not finished */
    NET_FAULT_GOAWAY,   /* no further request on this connection, this one is answered: GOAWAY, or connection: close */
};
void net_fault(struct exchange *exchange, enum net_fault fault);

/* Another maximum than max_body for this one's. In head() only. */
void exchange_allow_body(struct exchange *exchange, size_t max);
/* Frees the body that request() was given, for an exchange that is kept long after. Not while others may read it. */
void exchange_forget_body(struct exchange *exchange);

size_t exchange_pending(const struct exchange *exchange); /* bytes given and not yet taken by the socket */
/* Calls ready(data) once, on the loop thread, when pending has fallen below `below` or the exchange was
 * cancelled. One waiter at a time. */
void exchange_when_drained(struct exchange *exchange, size_t below, void (*ready)(void *data), void *data);
bool exchange_cancelled(const struct exchange *exchange);
void exchange_release(struct exchange *exchange);

#endif

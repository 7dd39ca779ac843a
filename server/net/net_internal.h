/* net_internal.h - shared inside server/net: connections, the loop's state, and an exchange's inside.
 *
 * Threads. Everything here belongs to the loop thread except what is marked otherwise: the mailbox (how
 * other threads reach the loop) and the part of an exchange guarded by its lock (the answer).
 *
 * Who keeps an exchange alive: the loop (until the stream or request is over), the handler (until
 * exchange_release) and the mailbox (while queued there); the last one frees it. */
#ifndef SERVER_NET_NET_INTERNAL_H
#define SERVER_NET_NET_INTERNAL_H

#include "server/net/net.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    NET_SCRATCH = 64 * 1024,            /* one recv, and one send of gathered frames */
    NET_LINGER_MAX = 256,               /* refused connections kept until the client has read its 503 */
    NET_BODIES_MAX = 512 * 1024 * 1024, /* bytes of request bodies held at once, all connections */
    NET_ANSWERS_MAX = 1024 * 1024 * 1024, /* bytes of answers that clients have not read, all connections */
    NET_DRAIN_MAX = 64 * 1024 * 1024,   /* HTTP/1.1: a body over max_body is read and dropped up to here */
    NET_PEER_TEXT = 64,
    NET_HELD_MAX = 8, /* answers between net_hold and net_release for which the loop is not yet woken */
};

/* ---- lists: intrusive and doubly linked, as many objects as there are sockets and requests ---- */
struct link {
    struct link *prev, *next;
};
static inline void link_init(struct link *head)
{
    head->prev = head->next = head;
}
static inline bool link_empty(const struct link *head)
{
    return head->next == head;
}
static inline void link_add(struct link *head, struct link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}
static inline void link_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    l->prev = l->next = l;
}
#define LINK_OF(type, member, l) ((type *)(void *)((char *)(l)-offsetof(type, member)))

/* ---- the mailbox: answers on their way to the loop; any thread; outlives the loop ---- */
struct mailbox {
    atomic_uint refs;
    int event;          /* eventfd */
    atomic_bool asleep; /* the loop is, or is about to be, in epoll_wait: one write is due */
    pthread_mutex_t lock;
    atomic_size_t held; /* bytes of answers in all exchanges */
    bool closed;        /* under lock: nobody will read any more */
    struct exchange *first, *last;
};
struct mailbox *mailbox_new(void); /* NULL when no eventfd is to be had */
void mailbox_release(struct mailbox *box);
/* Everything that waits, oldest first, linked through next_queued; a reference comes with each. */
struct exchange *mailbox_take(struct mailbox *box);
void mailbox_close(struct mailbox *box);
/* Wakes the loop. Async-signal-safe. */
void mailbox_wake(struct mailbox *box);

/* ---- connections ---- */
enum source_kind { SOURCE_WAKE, SOURCE_LISTENER, SOURCE_MHD, SOURCE_CONN };
struct source { /* what epoll events point to */
    enum source_kind kind;
};
enum conn_kind {
    CONN_PEEK,  /* not yet known which protocol */
    CONN_HTTP1, /* libmicrohttpd has the socket */
    CONN_HTTP2,
    CONN_WEBSOCKET, /* was CONN_HTTP1 and will be so for a moment at its end: the library closes the socket */
    CONN_LINGER, /* has got its last bytes; kept a moment, since closing with unread input destroys them */
    CONN_DEAD,   /* closed; freed at the end of the loop's round */
};
struct http1_request;
struct http2;
struct websocket;
struct conn {
    struct source source;
    enum conn_kind kind;
    struct net *net;
    int fd;
    uint64_t serial;
    unsigned listener;
    char peer[NET_PEER_TEXT];
    int64_t since_ns; /* PEEK, LINGER: since then. HTTP1: the present wait or request began */
    bool has_bytes;   /* PEEK: the first byte has come */
    struct link all;  /* net->conns */
    uint64_t exchanges; /* so far */
    /* HTTP1 */
    struct MHD_Connection *mhd;
    struct http1_request *request; /* the one being read or answered, from its request line on */
    uint64_t bytes_when_idle;      /* received while no request was in progress: more means one began */
    bool idle_known, began;
    /* WEBSOCKET */
    struct MHD_UpgradeResponseHandle *upgrade;
    struct websocket *websocket;
    /* HTTP2 */
    struct http2 *h2;
    struct link dirty; /* net->dirty: has something to send */
    bool want_out;     /* EPOLLOUT is armed */
    unsigned char *rest; /* what a partial send left over; malloc'ed */
    size_t rest_len, rest_off;
    int64_t rest_since_ns; /* when the socket last took some of it */
};

struct net_socket {
    struct source source;
    int fd;
    unsigned listener;
};

struct net {
    struct net_options options;
    struct net_listener *listeners;
    struct net_socket *sockets;
    size_t n_sockets;
    struct source wake, mhd_source;
    int epoll, spare_fd; /* spare_fd: given up for a moment when descriptors run out */
    struct mailbox *box;
    atomic_bool stop;
    bool stopping;
    int64_t now_ns; /* taken once a round */
    struct link conns, dirty, dead;
    size_t open, lingering; /* conns that count, and those kept only for their last bytes */
    size_t live;            /* exchanges that a socket waits for */
    size_t body_bytes;      /* held by request bodies not yet freed; see exchange_body */
    unsigned char *scratch;
    struct http1 *http1;
    atomic_ullong n_connections, n_open, n_refused, n_exchanges, n_http1;
    struct histogram reuse; /* see net_stats */
};

/* loop.c */
void conn_close(struct conn *conn);  /* closes the socket and marks it dead */
void conn_reset(struct conn *conn);  /* tells the client by a TCP reset; the connection is still to be closed */
void conn_gone(struct conn *conn);   /* the same for a socket that is closed already */
void conn_linger(struct conn *conn); /* ends our side; closes when the client has closed its own */
bool conn_watch(struct conn *conn, uint32_t events); /* EPOLL_CTL_MOD */
void conn_dirty(struct conn *conn);

/* listener.c */
enum status_code net_listen(struct net *net, struct status *st);
void net_unlisten(struct net *net);
/* Accepts what waits on the socket; calls net_accepted (loop.c) for each. */
void net_accept(struct net *net, struct net_socket *socket);
void net_accepted(struct net *net, int fd, unsigned listener, const char *peer);
void net_refuse(struct net *net, int fd);

/* http1.c */
enum status_code http1_open(struct net *net, struct status *st);
int http1_fd(const struct net *net);
void http1_add(struct conn *conn); /* takes the socket over */
/* Runs the library; true when it must run again without waiting. */
bool http1_run(struct net *net);
bool http1_must_run(const struct net *net); /* answers were queued since the last run */
bool http1_waits(const struct net *net);    /* some request waits for its answer: poll now and then */
void http1_check(struct conn *conn);        /* deadlines; about once a second */
void http1_stop(struct conn *conn); /* ends it when no request is in progress, or after the present one */
void http1_cut(struct conn *conn);  /* at once */
void http1_answer(struct exchange *exchange); /* the answer has grown */
void http1_close(struct net *net);
void http1_take_back(struct conn *conn); /* a CONN_WEBSOCKET that is over: the library ends its exchange and closes it */

/* websocket.c */
/* The library has answered the handshake and gives the socket up; `early` came with the request. */
void websocket_add(struct conn *conn, struct exchange *exchange, const void *early, size_t n);
void websocket_event(struct conn *conn, uint32_t events);
void websocket_answer(struct conn *conn); /* the exchange has something to say */
void websocket_check(struct conn *conn);
void websocket_stop(struct conn *conn);   /* "going away", and the client may answer that */
void websocket_cut(struct conn *conn);    /* at once */
void websocket_free(struct conn *conn);   /* from conn_gone */

/* http2.c: one session of nghttp2, which knows nothing of sockets */
bool http2_add(struct conn *conn); /* false: could not, and the connection is to be closed */
/* Takes what the client sent; false: it broke the protocol or floods, its GOAWAY is part of the output, and after
 * that the connection is over. */
bool http2_input(struct conn *conn, const unsigned char *bytes, size_t n);
/* Frames that are to be sent: at least `max` bytes where there are so many, and then the rest of one frame, which
 * is NET_SCRATCH bytes at most. 0: nothing for now. */
size_t http2_output(struct conn *conn, unsigned char *to, size_t max);
bool http2_is_over(struct conn *conn);   /* nothing more will come in or go out */
void http2_check(struct conn *conn);     /* deadlines; about once a second */
void http2_stop(struct conn *conn);
void http2_free(struct conn *conn); /* from conn_close */
void http2_answer(struct exchange *exchange);

/* http2_io.c: its socket */
void http2_readable(struct conn *conn);
void http2_flush(struct conn *conn);
/* Sends what there is, as far as the socket takes it, and ends the connection. */
void http2_end(struct conn *conn);

/* ---- exchanges ---- */
struct chunk {
    struct chunk *next;
    unsigned char *data; /* malloc'ed */
    size_t len, off;
};

struct exchange {
    struct net_head head;
    void *user;
    void (*user_dispose)(void *user);
    atomic_uint refs;
    atomic_bool cancelled;
    atomic_size_t pending;
    struct mailbox *box; /* a reference */

    pthread_mutex_t lock; /* guards from here ... */
    bool queued;          /* in the mailbox */
    bool started, finished, aborted;
    bool whole; /* by exchange_reply: all of it is there */
    bool bare;  /* by exchange_trailers_only: no content-length */
    enum net_fault fault;
    int status;
    struct net_header *headers, *trailers; /* one block of memory each */
    size_t n_headers, n_trailers;
    struct chunk *first, *last;
    size_t drain_below;
    void (*drain_ready)(void *data);
    void *drain_data;             /* ... to here */
    struct exchange *next_queued; /* under the mailbox's lock */

    /* loop thread only */
    struct net *net;
    struct conn *conn;   /* NULL once the socket or stream is over */
    struct link of_conn; /* HTTP/2: the connection's exchanges */
    enum net_body body_mode;
    struct buf body;
    bool body_complete, body_too_large, told_closed;
    size_t body_counted;
    int64_t since_ns;
    int32_t stream_id;
    bool input_ended; /* HTTP/2: the client has sent END_STREAM */
    bool submitted, deferred;
    int64_t taken_ns; /* HTTP/2: when the client last took some of the answer; 0: nothing waits to be taken */
    struct http1_request *request;
    bool websocket; /* exchange_websocket was called */
};

/* A new exchange with the loop's and the handler's reference. All strings of `head` and its headers are
 * copied. */
struct exchange *exchange_new(struct net *net, struct conn *conn, const struct net_head *head);
/* Drops one reference. */
void exchange_drop(struct exchange *exchange);
/* The socket or stream is over: tells the handler unless it had finished its answer, fires a waiter, drops
 * the loop's reference. */
void exchange_over(struct exchange *exchange);
/* Adds to the body of NET_BODY_WHOLE. False when too much is held in all: the caller cuts it. Past max_body
 * the bytes are dropped and body_too_large is set. */
bool exchange_body(struct exchange *exchange, const void *bytes, size_t n);
/* The body is complete: calls request() or too_large(). */
void exchange_body_done(struct exchange *exchange);
enum exchange_rest {
    EXCHANGE_MORE, /* now or later */
    EXCHANGE_END,  /* nothing follows (trailers may) */
    EXCHANGE_CUT,  /* nothing follows, and that is not the end: NET_FAULT_TRUNCATE */
};
/* Moves up to n bytes of the answer to `to`. */
size_t exchange_take(struct exchange *exchange, void *to, size_t n, enum exchange_rest *rest);
/* exchange_abort was called, or the like. */
bool exchange_aborted(struct exchange *exchange);
/* NET_FAULT_STALL was called. */
bool exchange_stalls(struct exchange *exchange);
/* The oldest chunk, detached: what one exchange_write gave, or a whole answer; NULL when there is none. *rest is set. */
unsigned char *exchange_take_chunk(struct exchange *exchange, size_t *n, enum exchange_rest *rest);
/* Calls the waiter when pending is low enough or the exchange was cancelled. */
void exchange_check_drained(struct exchange *exchange);

#endif

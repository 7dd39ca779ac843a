/* http1.c - HTTP/1.x: all of libmicrohttpd, and the only file that includes it.
 *
 * The library runs on the loop thread with its own epoll set (MHD_USE_EPOLL without a thread), which the
 * loop watches as one more descriptor; sockets come by MHD_add_connection after the loop has peeked.
 *
 * Waiting for an answer (libmicrohttpd 0.9.75, each point tried):
 *   - We never suspend. A handler that returns without having queued a response leaves the connection in
 *     its "request received" state, and MHD_queue_response may be called later from the same thread.
 *     Suspending costs four system calls a request, blinds the library to resets, and after it the next
 *     read sees the end of a half-closed socket and drops the answer. Not suspended, a client may close
 *     its sending side and still reads its answer, and a reset is noticed at once.
 *   - The price: such connections stay in the library's ready list, so that MHD_get_timeout() says 0 and
 *     every MHD_run() visits them. The loop therefore polls every few milliseconds while any request waits
 *     (http1_waits), and runs at once when an answer came or progress was made.
 *   - Answering in the handler's first call turns keep-alive off: done only for bodies too large to drain.
 *   - The URL handed over is decoded already; the raw one comes from MHD_OPTION_URI_LOG_CALLBACK.
 *   - The library's timeout is idle time: slow senders are cut by http1_check. It cannot tell when a
 *     request on a kept-alive connection begins, so TCP_INFO's count of received bytes does. */
#include "core/limits.h"
#include "server/net/net_internal.h"

#include <assert.h>
#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    /* A connection's memory: LIMIT_HEADER_BYTES, their parsed form, and a write buffer. The library clears all of
     * it after each request, so not more than that. */
    POOL = 32 * 1024,
    BLOCK = 16 * 1024, /* of a streamed HTTP/1.0 answer */
    CLOSE_WAIT = 8,    /* TCP_CLOSE_WAIT: netinet/tcp.h has the name but not the byte counters */
};

struct http1 {
    struct MHD_Daemon *daemon;
    struct conn *adding; /* the connection that MHD_add_connection is about */
    size_t waiting;      /* requests without an answer, and streams without bytes */
    bool progress;       /* in this run: worth another one at once */
    bool must_run;
};

struct http1_request {
    struct conn *conn;
    struct exchange *exchange; /* from the first call of the handler on */
    bool waiting;
    size_t dropped; /* bytes of a body over the maximum */
    char target[];
};

/* ---- helpers ---- */

static void set_waiting(struct http1_request *r, bool waiting)
{
    struct http1 *h = r->conn->net->http1;
    if (r->waiting == waiting)
        return;
    r->waiting = waiting;
    h->waiting = waiting ? h->waiting + 1 : h->waiting - 1;
}

/* An answer past the library, for requests that it will never see whole; the caller ends the connection. */
static void answer_raw(struct conn *c, const char *status, const char *text)
{
    char out[512];
    int n = snprintf(
        out, sizeof out,
        "HTTP/1.1 %s\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: %zu\r\n\r\n%s\n",
        status, strlen(text) + 1, text);
    ssize_t sent = send(c->fd, out, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
}

static void hang_up(struct conn *c)
{
    shutdown(c->fd, SHUT_RDWR);
    c->net->http1->must_run = true;
}

/* What the kernel knows of a connection without a whole request: how many bytes ever came, and whether the
 * client has closed its side with nothing left to read, which the library misses when the end came together
 * with the bytes before it. */
static uint64_t received_bytes(int fd, bool *ended)
{
    struct tcp_info info = { 0 };
    socklen_t size = sizeof info;
    int unread = 0;
    *ended = false;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return 0;
    if (info.tcpi_state == CLOSE_WAIT)
        *ended = ioctl(fd, FIONREAD, &unread) == 0 && unread == 0;
    return info.tcpi_bytes_received;
}

/* ---- the answer ---- */

static ssize_t read_answer(void *data, uint64_t position, char *to, size_t max)
{
    struct exchange *e = data;
    enum exchange_rest rest;
    (void)position;
    size_t n = exchange_take(e, to, max, &rest);
    set_waiting(e->request, n == 0 && rest == EXCHANGE_MORE);
    if (n) {
        e->net->http1->progress = true;
        return (ssize_t)n;
    }
    return rest == EXCHANGE_END ? MHD_CONTENT_READER_END_OF_STREAM
         : rest == EXCHANGE_CUT ? MHD_CONTENT_READER_END_WITH_ERROR
                                : 0;
}

static void add_header(struct MHD_Response *response, const struct net_header *header)
{
    char name[128], small[512];
    if (header->name.n >= sizeof name || memchr(header->value.p ? header->value.p : "", 0, header->value.n))
        return;
    memcpy(name, header->name.p, header->name.n);
    name[header->name.n] = '\0';
    char *value = header->value.n < sizeof small ? small : malloc(header->value.n + 1);
    if (!value)
        return;
    if (header->value.n)
        memcpy(value, header->value.p, header->value.n);
    value[header->value.n] = '\0';
    MHD_add_response_header(response, name, value);
    if (value != small)
        free(value);
}

/* The 101 is sent: the socket is ours until http1_take_back. */
static void on_upgrade(void *data, struct MHD_Connection *mhd, void *context, const char *early, size_t n,
                       MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct exchange *e = data;
    (void)mhd;
    (void)context;
    assert(fd == e->conn->fd);
    (void)fd;
    e->conn->upgrade = handle;
    websocket_add(e->conn, e, early, n);
}

void http1_take_back(struct conn *c)
{
    MHD_upgrade_action(c->upgrade, MHD_UPGRADE_ACTION_CLOSE);
    c->upgrade = NULL;
    c->kind = CONN_HTTP1;
    c->net->http1->must_run = true;
}

/* Gives the answer to the library, once, as soon as it has begun. False when it has not. */
static bool queue_answer(struct exchange *e)
{
    struct MHD_Response *response;
    pthread_mutex_lock(&e->lock);
    bool started = e->started, whole = e->whole, aborted = e->aborted;
    enum net_fault fault = e->fault;
    pthread_mutex_unlock(&e->lock);
    if (aborted) {
        e->submitted = e->told_closed = true;
        if (fault == NET_FAULT_RESET)
            conn_reset(e->conn);
        hang_up(e->conn);
    }
    if (e->submitted || !started)
        return e->submitted;
    if (whole) {
        size_t n;
        enum exchange_rest rest;
        unsigned char *data = exchange_take_chunk(e, &n, &rest);
        response = MHD_create_response_from_buffer(n, data ? (void *)data : (void *)"",
                                                   data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
        if (!response)
            free(data);
    } else if (e->websocket) {
        response = MHD_create_response_for_upgrade(on_upgrade, e);
    } else {
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_answer, e, NULL);
    }
    if (!response) {
        hang_up(e->conn);
        return true;
    }
    for (size_t i = 0; i < e->n_headers; i++)
        add_header(response, &e->headers[i]);
    if ((e->net->stopping || fault == NET_FAULT_GOAWAY) && !e->websocket)
        MHD_add_response_header(response, "connection", "close");
    e->submitted = true;
    set_waiting(e->request, false);
    enum MHD_Result queued = MHD_queue_response(e->conn->mhd, (unsigned)e->status, response);
    MHD_destroy_response(response);
    if (queued != MHD_YES && e->conn)
        hang_up(e->conn);
    return true;
}

void http1_answer(struct exchange *e)
{
    if (!e->body_complete)
        return; /* answered early: the final call of the handler will find it */
    e->net->http1->must_run = true;
    queue_answer(e);
}

/* ---- the request ---- */

struct header_list {
    struct net_header headers[LIMIT_HEADER_COUNT];
    size_t n, bytes;
    bool too_many;
    char *lower, *lower_end; /* names in lower case */
};

static enum MHD_Result collect_header(void *data, enum MHD_ValueKind kind, const char *key, size_t key_n,
                                      const char *value, size_t value_n)
{
    struct header_list *list = data;
    (void)kind;
    list->bytes += key_n + value_n + 4;
    if (list->n == LIMIT_HEADER_COUNT || list->bytes > LIMIT_HEADER_BYTES ||
        key_n > (size_t)(list->lower_end - list->lower)) {
        list->too_many = true;
        return MHD_NO;
    }
    for (size_t i = 0; i < key_n; i++)
        list->lower[i] = key[i] >= 'A' && key[i] <= 'Z' ? (char)(key[i] | 32) : key[i];
    list->headers[list->n++] = (struct net_header){ { list->lower, key_n }, { value, value_n } };
    list->lower += key_n;
    return MHD_YES;
}

static const struct str *find_header(const struct header_list *list, const char *name, size_t *count)
{
    const struct str *found = NULL;
    *count = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (!str_eq_z(list->headers[i].name, name))
            continue;
        if (!found)
            found = &list->headers[i].value;
        ++*count;
    }
    return found;
}

/* What two readers of the same bytes could take differently is refused. NULL when the framing is clear. */
static const char *bad_framing(const struct header_list *list, uint64_t *length)
{
    size_t encodings, lengths;
    const struct str *encoding = find_header(list, "transfer-encoding", &encodings);
    const struct str *text = find_header(list, "content-length", &lengths);
    *length = 0;
    if (encodings > 1 || lengths > 1 || (encodings && lengths))
        return "more than one of content-length and transfer-encoding";
    if (encoding && !(encoding->n == 7 && strncasecmp(encoding->p, "chunked", 7) == 0))
        return "a transfer-encoding other than chunked";
    for (size_t i = 0; text && i < text->n && *length < UINT64_MAX / 20; i++)
        *length = *length * 10 + (uint64_t)(text->p[i] - '0'); /* digits: the library has checked */
    return NULL;
}

/* "http://host/path", as a client sends it to what it takes for a proxy, names the path after its host. */
static struct str origin_form(struct str target, struct str *authority)
{
    static const struct str scheme = STR_INIT("http://");
    if (!str_starts(target, scheme))
        return target;
    struct str rest = str_skip(target, scheme.n);
    const char *slash = memchr(rest.p, '/', rest.n);
    size_t n = slash ? (size_t)(slash - rest.p) : rest.n;
    *authority = (struct str){ rest.p, n };
    return slash ? str_skip(rest, n) : STR("/");
}

/* The first call of the handler: the head is there. False: the connection ends. */
static bool begin(struct http1_request *r, const char *method, const char *version)
{
    char lower[LIMIT_HEADER_BYTES];
    struct header_list list = { .lower = lower, .lower_end = lower + sizeof lower };
    struct conn *c = r->conn;
    struct net *net = c->net;
    uint64_t length;
    size_t count;
    struct net_head head = {
        .protocol = strcmp(version, "HTTP/1.0") == 0 ? NET_HTTP10 : NET_HTTP11,
        .method = str_of(method),
        .peer = str_of(c->peer),
        .listener = c->listener,
        .connection = c->serial,
    };
    list.bytes = strlen(r->target) + head.method.n;
    MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, collect_header, &list);
    if (list.too_many) {
        answer_raw(c, "431 Request Header Fields Too Large",
                   "more than 100 headers, or more than 32 KiB of them");
        return false;
    }
    const char *bad = bad_framing(&list, &length);
    if (bad) {
        answer_raw(c, "400 Bad Request", bad);
        return false;
    }
    const struct str *host = find_header(&list, "host", &count);
    if (count > 1 || (count == 0 && head.protocol == NET_HTTP11)) {
        answer_raw(c, "400 Bad Request", "exactly one Host header is needed");
        return false;
    }
    if (host)
        head.authority = *host;
    head.target = origin_form(str_of(r->target), &head.authority);
    head.headers = list.headers;
    head.n_headers = list.n;

    struct exchange *e = r->exchange = exchange_new(net, c, &head);
    atomic_fetch_add(&net->n_http1, 1);
    e->request = r;
    e->since_ns = c->since_ns;
    e->body_mode = net->options.handler.head(net->options.handler.data, e);
    assert(e->body_mode != NET_BODY_STREAM);
    if (e->body_mode == NET_BODY_WHOLE && length > e->body.max) {
        /* Read and dropped when that is affordable: a client that is still sending often does not read. */
        bool waits = find_header(&list, "expect", &count) != NULL;
        e->body_too_large = true;
        if (waits || length > NET_DRAIN_MAX) {
            exchange_body_done(e);
            return queue_answer(e);
        }
    } else if (e->body_mode == NET_BODY_WHOLE && length) {
        buf_reserve(&e->body, (size_t)length);
    }
    return true;
}

static bool take_body(struct http1_request *r, const char *bytes, size_t n)
{
    struct exchange *e = r->exchange;
    r->conn->net->http1->progress = true;
    if (e->body_too_large || e->body_mode != NET_BODY_WHOLE) {
        r->dropped += n;
        if (r->dropped <= NET_DRAIN_MAX)
            return true;
        answer_raw(r->conn, "413 Content Too Large", "the request body is over the maximum");
        return false;
    }
    if (exchange_body(e, bytes, n))
        return true;
    answer_raw(r->conn, "503 Service Unavailable", "too many bytes of request bodies at once; try again");
    return false;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *n, void **context)
{
    struct http1_request *r = *context;
    (void)data;
    (void)mhd;
    (void)url;
    if (!r)
        return MHD_NO;
    if (!r->exchange)
        return begin(r, method, version) ? MHD_YES : MHD_NO;
    if (*n) {
        size_t given = *n;
        *n = 0;
        return take_body(r, bytes, given) ? MHD_YES : MHD_NO;
    }
    if (!r->exchange->body_complete)
        exchange_body_done(r->exchange);
    if (!queue_answer(r->exchange))
        set_waiting(r, true);
    return MHD_YES;
}

/* ---- notices of the library ---- */

static struct conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void *on_request_line(void *data, const char *uri, struct MHD_Connection *mhd)
{
    struct conn *c = conn_of(mhd);
    (void)data;
    size_t n = strlen(uri);
    struct http1_request *r = calloc(1, sizeof *r + n + 1);
    if (!r || !c) {
        free(r);
        return NULL;
    }
    memcpy(r->target, uri, n);
    r->conn = c;
    if (!c->began)
        c->since_ns = c->net->now_ns;
    c->began = true;
    c->request = r;
    return r;
}

static void on_completed(void *data, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct http1_request *r = *context;
    (void)data;
    (void)mhd;
    (void)code;
    if (!r)
        return;
    struct conn *c = r->conn;
    *context = NULL;
    set_waiting(r, false);
    c->request = NULL;
    c->began = c->idle_known = false;
    c->since_ns = c->net->now_ns;
    if (r->exchange)
        exchange_over(r->exchange);
    free(r);
    if (c->net->stopping)
        hang_up(c);
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct net *net = data;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = net->http1->adding;
        net->http1->adding->mhd = mhd;
    } else if (*context) {
        conn_gone(*context); /* the library closes the socket */
        *context = NULL;
    }
}

/* ---- for the loop ---- */

void http1_add(struct conn *c)
{
    struct http1 *h = c->net->http1;
    struct sockaddr_in unused = { .sin_family = AF_INET };
    h->adding = c;
    c->idle_known = c->began = true; /* its first bytes are there */
    if (MHD_add_connection(h->daemon, c->fd, (struct sockaddr *)&unused, sizeof unused) != MHD_YES)
        conn_gone(c); /* closed by the library; a second notice does nothing */
    h->adding = NULL;
    h->must_run = true;
}

void http1_check(struct conn *c)
{
    const struct net_options *o = &c->net->options;
    int64_t age_ms = (c->net->now_ns - c->since_ns) / 1000000;
    struct exchange *e = c->request ? c->request->exchange : NULL;
    bool ours = e && e->body_complete, ended;
    if (ours && !exchange_stalls(e))
        return; /* ours to answer; a client that does not read meets the library's own timeout */
    uint64_t bytes = received_bytes(c->fd, &ended);
    if (ended) {
        hang_up(c);
        return;
    }
    if (ours)
        return;
    if (!c->request && !c->idle_known) {
        c->bytes_when_idle = bytes;
        c->idle_known = true;
    } else if (!c->request && !c->began && bytes > c->bytes_when_idle) {
        c->began = true;
        c->since_ns = c->net->now_ns;
        return;
    }
    if (c->began && age_ms > o->read_deadline_ms) {
        answer_raw(c, "408 Request Timeout", "the request did not arrive in time");
        hang_up(c);
    } else if (!c->began && age_ms > o->idle_ms) {
        hang_up(c);
    }
}

void http1_stop(struct conn *c)
{
    if (!c->request)
        hang_up(c);
}

void http1_cut(struct conn *c)
{
    hang_up(c);
}

bool http1_must_run(const struct net *net)
{
    return net->http1->must_run;
}
bool http1_waits(const struct net *net)
{
    return net->http1->waiting > 0;
}

bool http1_run(struct net *net)
{
    enum { AT_ONCE = 3 }; /* an answer takes two runs to get out */
    struct http1 *h = net->http1;
    MHD_UNSIGNED_LONG_LONG timeout;
    bool again = true;
    for (int i = 0; again && i < AT_ONCE; i++) {
        h->must_run = h->progress = false;
        MHD_run(h->daemon);
        bool ready = MHD_get_timeout(h->daemon, &timeout) == MHD_YES && timeout == 0;
        /* While requests wait, the library always says "ready": believe it only when something moved. */
        again = h->must_run || (ready && (h->waiting == 0 || h->progress));
    }
    return again;
}

enum status_code http1_open(struct net *net, struct status *st)
{
    unsigned timeout_s = (unsigned)(net->options.idle_ms + 999) / 1000;
    net->http1 = calloc(1, sizeof *net->http1);
    if (!net->http1)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "no memory to serve");
    net->http1->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_ALLOW_UPGRADE, 0, NULL, NULL, on_request,
        net, MHD_OPTION_CONNECTION_LIMIT, (unsigned)net->options.max_connections + 16,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL, MHD_OPTION_CONNECTION_TIMEOUT, timeout_s,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, net, MHD_OPTION_NOTIFY_COMPLETED, on_completed, net,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, net, MHD_OPTION_END);
    if (!net->http1->daemon) {
        free(net->http1);
        net->http1 = NULL;
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot start libmicrohttpd (%s)",
                          MHD_get_version());
    }
    return STATUS_OK;
}

int http1_fd(const struct net *net)
{
    return MHD_get_daemon_info(net->http1->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void http1_close(struct net *net)
{
    MHD_stop_daemon(net->http1->daemon);
    free(net->http1);
    net->http1 = NULL;
}

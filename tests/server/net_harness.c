/* net_harness.c - see net_harness.h. */
#include "server/net_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const struct net_header TEXT[] = { { STR_INIT("content-type"), STR_INIT("text/plain") } };
enum { PENDING_MAX = 256 * 1024, STUCK = 32 * 1024 * 1024 };
int harness_grace_ms = 5000;

static void reply(struct exchange *e, int status, struct str text)
{
    struct buf body;
    buf_init(&body, 64 * 1024 * 1024);
    buf_str(&body, text);
    exchange_reply(e, status, TEXT, 1, &body);
}

static void let_go(struct harness *h, struct exchange *e)
{
    exchange_release(e);
    atomic_fetch_sub(&h->held, 1);
}

/* ---- the thread that answers ---- */

static void post(struct harness *h, struct job *job)
{
    pthread_mutex_lock(&h->lock);
    struct job **at = &h->first;
    while (*at)
        at = &(*at)->next;
    job->next = NULL;
    *at = job;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
}

static struct buf filled(size_t n)
{
    struct buf b;
    buf_init(&b, n + 1);
    memset(buf_reserve(&b, n + 1), 'x', n);
    b.len = n;
    return b;
}

struct parked {
    struct harness *h;
    struct job *job;
};

static void drained(void *data)
{
    struct parked *p = data;
    post(p->h, p->job);
    free(p);
}

/* One go at a stream; false when it waits for the client. */
static bool stream_some(struct harness *h, struct job *job)
{
    struct exchange *e = job->exchange;
    while (job->left && !exchange_cancelled(e)) {
        struct buf piece = filled(job->size);
        exchange_write(e, &piece);
        job->left--;
        int pending = (int)exchange_pending(e);
        if (pending > atomic_load(&h->most_pending))
            atomic_store(&h->most_pending, pending);
        if (pending > PENDING_MAX) {
            struct parked *p = malloc(sizeof *p);
            *p = (struct parked){ h, job };
            exchange_when_drained(e, PENDING_MAX / 2, drained, p);
            return false;
        }
    }
    const struct net_header trailer = { STR("x-end"), STR("yes") };
    exchange_finish(e, &trailer, 1);
    return true;
}

static void answer_fault(struct exchange *e, struct str kind)
{
    struct buf piece;
    if (str_eq_z(kind, "close")) {
        net_fault(e, NET_FAULT_CLOSE);
    } else if (str_eq_z(kind, "reset")) {
        net_fault(e, NET_FAULT_RESET);
    } else if (str_eq_z(kind, "goaway")) {
        net_fault(e, NET_FAULT_GOAWAY);
        reply(e, 200, STR("last"));
    } else if (str_eq_z(kind, "truncate")) {
        buf_init(&piece, 16);
        buf_z(&piece, "half");
        exchange_start(e, 200, TEXT, 1);
        exchange_write(e, &piece);
        net_fault(e, NET_FAULT_TRUNCATE);
        exchange_finish(e, NULL, 0); /* comes to nothing */
    }
}

/* Answers a job; false when it is not over yet. */
static bool answer(struct harness *h, struct job *job)
{
    struct exchange *e = job->exchange;
    const struct net_head *head = exchange_head(e);
    unsigned long n, m;
    char target[64] = "";
    memcpy(target, head->target.p, head->target.n < sizeof target ? head->target.n : sizeof target - 1);
    if (job->size)
        return stream_some(h, job);
    if (sscanf(target, "/stream/%lu/%lu", &n, &m) == 2) {
        job->left = n;
        job->size = m;
        exchange_start(e, 200, TEXT, 1);
        return stream_some(h, job);
    }
    if (sscanf(target, "/websocket/%lu/%lu", &n, &m) == 2) {
        job->left = n;
        job->size = m;
        return stream_some(h, job);
    }
    if (str_eq_z(head->target, "/websocket/stuck")) {
        struct buf body = filled(STUCK);
        exchange_write(e, &body);
        exchange_abort(e);
        return true;
    }
    if (sscanf(target, "/bytes/%lu", &n) == 1) {
        struct buf body = filled(n);
        exchange_reply(e, 200, TEXT, 1, &body);
    } else if (str_eq_z(head->target, "/echo")) {
        reply(e, 200, job->body);
    } else if (str_eq_z(head->target, "/abort")) {
        exchange_abort(e);
    } else if (str_starts(head->target, STR("/fault/"))) {
        answer_fault(e, str_skip(head->target, strlen("/fault/")));
    } else {
        reply(e, 200, STR("later"));
    }
    return true;
}

static void *answer_all(void *data)
{
    struct harness *h = data;
    pthread_mutex_lock(&h->lock);
    for (;;) {
        struct job *job = h->first;
        if (!job && h->ending)
            break;
        if (!job) {
            pthread_cond_wait(&h->wake, &h->lock);
            continue;
        }
        h->first = job->next;
        pthread_mutex_unlock(&h->lock);
        if (answer(h, job)) {
            let_go(h, job->exchange);
            free(job);
        }
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* ---- the handler ---- */

static enum net_body on_head(void *data, struct exchange *e)
{
    struct harness *h = data;
    struct str target = exchange_head(e)->target;
    atomic_fetch_add(&h->heads, 1);
    atomic_fetch_add(&h->held, 1);
    if (str_eq_z(target, "/head")) {
        reply(e, 200, STR("head"));
        let_go(h, e);
        return NET_BODY_ANSWERED;
    }
    if (str_eq_z(target, "/parts")) {
        exchange_start(e, 200, TEXT, 1);
        return NET_BODY_STREAM;
    }
    return NET_BODY_WHOLE;
}

static void on_request(void *data, struct exchange *e, struct str body)
{
    struct harness *h = data;
    struct str target = exchange_head(e)->target;
    atomic_fetch_add(&h->requests, 1);
    if (str_starts(target, STR("/websocket"))) {
        if (exchange_refuse_websocket(e)) {
            let_go(h, e);
            return;
        }
        exchange_websocket(e);
    }
    if (str_eq_z(target, "/now")) {
        reply(e, 200, STR("now"));
        let_go(h, e);
    } else if (str_eq_z(target, "/half")) {
        struct buf piece;
        buf_init(&piece, 16);
        buf_z(&piece, "half");
        exchange_start(e, 200, TEXT, 1);
        exchange_write(e, &piece);
    } else if (str_eq_z(target, "/stall")) {
        net_fault(e, NET_FAULT_STALL);
    } else if (!str_eq_z(target, "/hang") && !str_eq_z(target, "/websocket")) {
        struct job *job = calloc(1, sizeof *job);
        job->exchange = e;
        exchange_set_user(e, job);
        job->body = body;
        post(h, job);
    }
}

static void on_chunk(void *data, struct exchange *e, struct str bytes, bool end)
{
    struct harness *h = data;
    struct buf piece;
    buf_init(&piece, bytes.n + 1);
    buf_str(&piece, bytes);
    exchange_write(e, &piece);
    if (end) {
        exchange_finish(e, NULL, 0);
        let_go(h, e);
    }
}

static void on_too_large(void *data, struct exchange *e)
{
    struct harness *h = data;
    atomic_fetch_add(&h->too_large, 1);
    reply(e, 413, STR("too large"));
    let_go(h, e);
}

static void on_closed(void *data, struct exchange *e)
{
    struct harness *h = data;
    atomic_fetch_add(&h->closed, 1);
    /* What the other thread has got, it releases. */
    if (!exchange_user(e))
        let_go(h, e);
}

/* ---- life ---- */

static void *run(void *data)
{
    struct harness *h = data;
    net_run(h->net, h->grace_ms);
    return NULL;
}

void harness_start(struct harness *h, void (*change)(struct net_options *options))
{
    struct status st = status_init(NULL);
    memset(h, 0, sizeof *h);
    h->grace_ms = harness_grace_ms;
    h->listener = (struct net_listener){ .host = "127.0.0.1" };
    h->options = (struct net_options){
        .listeners = &h->listener,
        .n_listeners = 1,
        .max_body = 10 * 1024 * 1024,
        .handler = { h, on_head, on_request, on_chunk, on_too_large, on_closed, NULL },
    };
    if (change)
        change(&h->options);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    if (net_open(&h->net, &h->options, &st) != STATUS_OK)
        fail_msg("%s", status_message(&st));
    assert_int_equal(pthread_create(&h->loop, NULL, run, h), 0);
    assert_int_equal(pthread_create(&h->answerer, NULL, answer_all, h), 0);
}

void harness_stop(struct harness *h)
{
    net_stop(h->net);
    pthread_join(h->loop, NULL);
}

void harness_close(struct harness *h)
{
    harness_stop(h);
    pthread_mutex_lock(&h->lock);
    h->ending = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->answerer, NULL);
    net_close(h->net);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    assert_int_equal(atomic_load(&h->held), 0);
}

void harness_wait(const atomic_int *counter, int value)
{
    for (int i = 0; i < 2000 && atomic_load(counter) < value; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    if (atomic_load(counter) < value)
        fail_msg("a counter is %d, not yet %d", atomic_load(counter), value);
}

/* ---- sockets ---- */

int dial(const struct harness *h)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(h->listener.port) };
    struct timeval limit = { .tv_sec = 20 };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

void send_all(int fd, const void *bytes, size_t n)
{
    for (size_t sent = 0; sent < n;) {
        ssize_t part = send(fd, (const char *)bytes + sent, n - sent, MSG_NOSIGNAL);
        if (part <= 0)
            return; /* the peer has closed: what it answered tells the rest */
        sent += (size_t)part;
    }
}

void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

size_t read_to_end(int fd, char *out, size_t max)
{
    size_t n = 0;
    while (n < max - 1) {
        ssize_t part = recv(fd, out + n, max - 1 - n, 0);
        if (part <= 0)
            break;
        n += (size_t)part;
    }
    out[n] = '\0';
    return n;
}

/* One line without its end; false at the end of the connection. */
static bool read_line(int fd, char *line, size_t max)
{
    size_t n = 0;
    char c;
    while (recv(fd, &c, 1, 0) == 1) {
        if (c == '\n') {
            line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
            return true;
        }
        if (n < max - 1)
            line[n++] = c;
    }
    return false;
}

static size_t read_exactly(int fd, char *out, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t part = recv(fd, out + got, n - got, 0);
        if (part <= 0)
            break;
        got += (size_t)part;
    }
    return got;
}

int read_answer(int fd, char *body, size_t max, size_t *length)
{
    char line[1024];
    int status = -1;
    size_t n = 0, size = 0;
    bool chunked = false;
    if (!read_line(fd, line, sizeof line) || sscanf(line, "HTTP/1.%*d %d", &status) != 1)
        return -1;
    while (read_line(fd, line, sizeof line) && line[0]) {
        if (strncasecmp(line, "content-length:", 15) == 0)
            size = strtoul(line + 15, NULL, 10);
        if (strcasecmp(line, "transfer-encoding: chunked") == 0)
            chunked = true;
    }
    if (!chunked) {
        assert_true(size < max);
        n = read_exactly(fd, body, size);
        assert_int_equal(n, size);
    }
    while (chunked && read_line(fd, line, sizeof line)) {
        size = strtoul(line, NULL, 16);
        assert_true(n + size < max);
        if (read_exactly(fd, body + n, size) != size)
            return -1;
        n += size;
        read_line(fd, line, sizeof line);
        chunked = size > 0;
    }
    body[n] = '\0';
    if (length)
        *length = n;
    return chunked ? -1 : status;
}

void expect_answer(int fd, int status, const char *text)
{
    char body[4096];
    assert_int_equal(read_answer(fd, body, sizeof body, NULL), status);
    assert_string_equal(body, text);
}

void expect_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    if (n > 0 || (n < 0 && errno != ECONNRESET))
        fail_msg("the connection is still open (%zd, %s)", n, n < 0 ? strerror(errno) : "bytes");
}

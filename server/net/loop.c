/* loop.c - the one I/O thread: waits, tells HTTP/1.1 from HTTP/2, hands sockets on, carries answers.
 *
 * A connection:   accepted -> PEEK -> HTTP1 (libmicrohttpd has the socket) or HTTP2 -> DEAD -> freed
 *                 HTTP1 -> WEBSOCKET -> HTTP1 (the library closes what it has accepted)
 *                 accepted -> LINGER (over the maximum; has its 503) -> DEAD -> freed
 * HTTP2 ends in LINGER too when it ends by itself.
 *
 * One round: wait; handle sockets; take the mailbox; run libmicrohttpd when it has something; send what
 * HTTP/2 connections gathered, each with one call; about once a second look at deadlines; free the dead.
 *
 * Sleeping: `asleep` is set before the mailbox is looked at for the last time, and whoever posts clears it
 * and writes the eventfd. Between two rounds a post costs no system call.
 *
 * PEEK uses edge-triggered events: a client that sends the preface byte by byte leaves its bytes in the
 * socket (MSG_PEEK), and level-triggered events would spin on them. */
#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "server/net/net_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum {
    PREFACE_LENGTH = sizeof PREFACE - 1,
    EVENTS = 256,
    TICK_MS = 1000,
    WAITING_POLL_MS = 5, /* see http1_waits */
    STOPPING_POLL_MS = 20,
    LINGER_MS = 2000,
    LINGER_STOPPING_MS = 250,
    DESCRIPTORS_OWN = 64, /* what the rest of the process needs */
};

/* ---- connections ---- */

static bool watch_new(struct conn *c, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = c };
    return epoll_ctl(c->net->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

bool conn_watch(struct conn *c, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = c };
    return epoll_ctl(c->net->epoll, EPOLL_CTL_MOD, c->fd, &event) == 0;
}

void conn_dirty(struct conn *c)
{
    if (link_empty(&c->dirty))
        link_add(&c->net->dirty, &c->dirty);
}

/* A connection that counted ends. */
static void count_out(struct conn *c)
{
    c->net->open--;
    atomic_store(&c->net->n_open, c->net->open);
    histogram_add(&c->net->reuse, &histogram_sizes, c->exchanges);
}

void conn_gone(struct conn *c)
{
    if (c->kind == CONN_DEAD)
        return;
    struct net *net = c->net;
    if (c->kind == CONN_LINGER) {
        net->lingering--;
    } else {
        count_out(c);
    }
    enum conn_kind kind = c->kind;
    c->kind = CONN_DEAD;
    if (kind == CONN_HTTP2)
        http2_free(c);
    websocket_free(c);
    link_remove(&c->dirty);
    link_remove(&c->all);
    link_add(&net->dead, &c->all);
}

void conn_close(struct conn *c)
{
    if (c->kind == CONN_DEAD)
        return;
    close(c->fd); /* leaves the epoll set by itself */
    conn_gone(c);
}

void conn_reset(struct conn *c)
{
    /* Connecting to nowhere drops a TCP connection with a reset and leaves the descriptor to its owner, which on
     * HTTP/1.1 is the library. */
    const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
    connect(c->fd, &nowhere, sizeof nowhere);
}

void conn_linger(struct conn *c)
{
    struct net *net = c->net;
    shutdown(c->fd, SHUT_WR);
    if (c->kind == CONN_HTTP2) {
        http2_free(c);
        count_out(c);
        net->lingering++;
    }
    c->kind = CONN_LINGER;
    c->since_ns = net->now_ns;
    link_remove(&c->dirty);
    if (!conn_watch(c, EPOLLIN | EPOLLRDHUP))
        conn_close(c);
}

static void free_dead(struct net *net)
{
    while (!link_empty(&net->dead)) {
        struct conn *c = LINK_OF(struct conn, all, net->dead.next);
        link_remove(&c->all);
        free(c);
    }
}

static struct conn *conn_new(struct net *net, int fd, enum conn_kind kind)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->source.kind = SOURCE_CONN;
    c->kind = kind;
    c->net = net;
    c->fd = fd;
    c->since_ns = net->now_ns;
    link_init(&c->dirty);
    link_add(&net->conns, &c->all);
    return c;
}

/* A connection over the maximum. It is kept for a moment, since closing a socket with unread bytes resets
 * it and the client may never see the 503; beyond NET_LINGER_MAX at once it is closed all the same. */
static void refuse(struct net *net, int fd)
{
    atomic_fetch_add(&net->n_refused, 1);
    net_refuse(net, fd);
    struct conn *c = net->lingering < NET_LINGER_MAX ? conn_new(net, fd, CONN_LINGER) : NULL;
    if (!c) {
        close(fd);
        return;
    }
    net->lingering++;
    if (!watch_new(c, EPOLLIN | EPOLLRDHUP))
        conn_close(c);
}

void net_accepted(struct net *net, int fd, unsigned listener, const char *peer)
{
    struct conn *c;
    if (net->open >= net->options.max_connections) {
        refuse(net, fd);
        return;
    }
    c = conn_new(net, fd, CONN_PEEK);
    if (!c) {
        close(fd);
        return;
    }
    net->open++;
    atomic_store(&net->n_open, net->open);
    c->serial = atomic_fetch_add(&net->n_connections, 1) + 1;
    c->listener = listener;
    size_t n = strnlen(peer, NET_PEER_TEXT - 1);
    memcpy(c->peer, peer, n);
    c->peer[n] = '\0';
    if (!watch_new(c, EPOLLIN | EPOLLRDHUP | EPOLLET))
        conn_close(c);
}

static void drop_input(struct conn *c)
{
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(c->fd, c->net->scratch, NET_SCRATCH, 0);
        if (n > 0)
            continue;
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            conn_close(c);
        return;
    }
}

static void peek(struct conn *c, bool ended)
{
    char bytes[PREFACE_LENGTH];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_PEEK);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            conn_close(c);
        return;
    }
    if (n == 0) {
        conn_close(c);
        return;
    }
    if (!c->has_bytes) {
        c->has_bytes = true;
        c->since_ns = c->net->now_ns;
    }
    if (memcmp(bytes, PREFACE, (size_t)n) != 0) {
        /* Its bytes are still in the socket: libmicrohttpd will read them. */
        epoll_ctl(c->net->epoll, EPOLL_CTL_DEL, c->fd, NULL);
        c->kind = CONN_HTTP1;
        c->since_ns = c->net->now_ns;
        http1_add(c);
    } else if (n == PREFACE_LENGTH) {
        c->kind = CONN_HTTP2;
        if (http2_add(c) && conn_watch(c, EPOLLIN | EPOLLRDHUP))
            http2_readable(c);
        else
            conn_close(c);
    } else if (ended) {
        drop_input(c); /* inside what might have become a preface; unread, closing it would be a reset */
    }
}

static void conn_event(struct conn *c, uint32_t events)
{
    switch (c->kind) {
    case CONN_PEEK:
        peek(c, events & (EPOLLRDHUP | EPOLLHUP));
        break;
    case CONN_LINGER:
        drop_input(c);
        break;
    case CONN_HTTP2:
        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            http2_readable(c);
        if (c->kind == CONN_HTTP2 && (events & EPOLLOUT))
            conn_dirty(c);
        break;
    case CONN_WEBSOCKET:
        websocket_event(c, events);
        break;
    case CONN_HTTP1:
    case CONN_DEAD:
        break;
    }
}

/* ---- deadlines ---- */

static bool passed(const struct net *net, int64_t since_ns, int ms)
{
    return net->now_ns - since_ns > (int64_t)ms * 1000000;
}

static void check_conn(struct conn *c)
{
    const struct net_options *o = &c->net->options;
    switch (c->kind) {
    case CONN_PEEK:
        if (passed(c->net, c->since_ns, c->has_bytes ? o->read_deadline_ms : o->idle_ms))
            conn_close(c);
        break;
    case CONN_LINGER:
        if (passed(c->net, c->since_ns, c->net->stopping ? LINGER_STOPPING_MS : LINGER_MS))
            conn_close(c);
        break;
    case CONN_HTTP1:
        http1_check(c);
        break;
    case CONN_HTTP2:
        http2_check(c);
        break;
    case CONN_WEBSOCKET:
        websocket_check(c);
        break;
    case CONN_DEAD:
        break;
    }
}

static void check_deadlines(struct net *net)
{
    for (struct link *l = net->conns.next, *next; l != &net->conns; l = next) {
        next = l->next;
        check_conn(LINK_OF(struct conn, all, l));
    }
}

/* ---- a round ---- */

static void take_mail(struct net *net)
{
    for (struct exchange *e = mailbox_take(net->box), *next; e; e = next) {
        next = e->next_queued;
        pthread_mutex_lock(&e->lock);
        e->queued = false;
        pthread_mutex_unlock(&e->lock);
        if (e->conn && e->conn->kind == CONN_HTTP2)
            http2_answer(e);
        else if (e->conn && e->conn->kind == CONN_WEBSOCKET)
            websocket_answer(e->conn);
        else if (e->conn)
            http1_answer(e);
        exchange_check_drained(e);
        exchange_drop(e);
    }
}

static void flush_dirty(struct net *net)
{
    while (!link_empty(&net->dirty)) {
        struct conn *c = LINK_OF(struct conn, dirty, net->dirty.next);
        link_remove(&c->dirty);
        http2_flush(c);
    }
}

static bool dispatch(struct net *net, const struct epoll_event *events, int n)
{
    bool run_http1 = false;
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        switch (source->kind) {
        case SOURCE_WAKE:
            break; /* edge-triggered: every write is an event, nothing has to be read */
        case SOURCE_LISTENER:
            if (!net->stopping)
                net_accept(net, (struct net_socket *)(void *)source);
            break;
        case SOURCE_MHD:
            run_http1 = true;
            break;
        case SOURCE_CONN:
            conn_event((struct conn *)(void *)source, events[i].events);
            break;
        }
    }
    return run_http1;
}

static int wait_events(struct net *net, struct epoll_event *events, int timeout_ms)
{
    atomic_store(&net->box->asleep, true);
    pthread_mutex_lock(&net->box->lock);
    bool mail = net->box->first != NULL;
    pthread_mutex_unlock(&net->box->lock);
    if (mail || atomic_load(&net->stop) != net->stopping)
        timeout_ms = 0;
    int n = epoll_wait(net->epoll, events, EVENTS, timeout_ms);
    atomic_store(&net->box->asleep, false);
    net->now_ns = clock_mono_ns();
    return n < 0 ? 0 : n;
}

/* No new connections; those without a request end now, the others after it. */
static void begin_stop(struct net *net)
{
    net->stopping = true;
    if (net->options.handler.stopping)
        net->options.handler.stopping(net->options.handler.data);
    net_unlisten(net);
    for (struct link *l = net->conns.next, *next; l != &net->conns; l = next) {
        struct conn *c = LINK_OF(struct conn, all, l);
        next = l->next;
        if (c->kind == CONN_HTTP1)
            http1_stop(c);
        else if (c->kind == CONN_HTTP2)
            http2_stop(c);
        else if (c->kind == CONN_WEBSOCKET)
            websocket_stop(c);
        else if (c->kind == CONN_PEEK)
            conn_close(c);
    }
}

static void cut_all(struct net *net)
{
    for (struct link *l = net->conns.next, *next; l != &net->conns; l = next) {
        struct conn *c = LINK_OF(struct conn, all, l);
        next = l->next;
        if (c->kind == CONN_HTTP1)
            http1_cut(c);
        else if (c->kind == CONN_WEBSOCKET)
            websocket_cut(c);
        else
            conn_close(c);
    }
    http1_run(net);
    take_mail(net);
    free_dead(net);
}

static int tick_ms(const struct net *net)
{
    const struct net_options *o = &net->options;
    int shorter = o->read_deadline_ms < o->idle_ms ? o->read_deadline_ms : o->idle_ms;
    shorter = o->unread_ms < shorter ? o->unread_ms : shorter;
    return shorter / 4 < TICK_MS ? shorter / 4 + 1 : TICK_MS;
}

void net_run(struct net *net, int grace_ms)
{
    struct epoll_event events[EVENTS];
    int64_t last_check, stop_at = 0;
    bool again = false;
    net->now_ns = last_check = clock_mono_ns();
    while (!net->stopping || (net->now_ns < stop_at && !link_empty(&net->conns))) {
        /* With nobody connected there is nothing to look after: sleep until somebody comes. */
        int timeout = again ? 0 : link_empty(&net->conns) ? -1 : tick_ms(net);
        if (!again && http1_waits(net))
            timeout = WAITING_POLL_MS;
        else if (!again && net->stopping)
            timeout = STOPPING_POLL_MS;
        int n = wait_events(net, events, timeout);
        bool run = dispatch(net, events, n) || again || http1_waits(net);
        if (atomic_load(&net->stop) && !net->stopping) {
            begin_stop(net);
            stop_at = net->now_ns + (int64_t)grace_ms * 1000000;
        }
        take_mail(net);
        again = (run || http1_must_run(net)) && http1_run(net);
        flush_dirty(net);
        if (passed(net, last_check, net->stopping ? STOPPING_POLL_MS : tick_ms(net))) {
            last_check = net->now_ns;
            check_deadlines(net);
            again |= http1_run(net);
            flush_dirty(net);
        }
        free_dead(net);
    }
    cut_all(net);
}

void net_stop(struct net *net)
{
    atomic_store(&net->stop, true);
    mailbox_wake(net->box);
}

/* ---- life ---- */

/* Raises the soft limit as far as the maximum needs, and lowers the maximum to what there is. */
static void fit_descriptors(struct net_options *o)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t need = o->max_connections + NET_LINGER_MAX + DESCRIPTORS_OWN;
    if (limit.rlim_cur < need && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < need) {
        rlim_t own = NET_LINGER_MAX + DESCRIPTORS_OWN;
        o->max_connections = limit.rlim_cur > own * 2 ? limit.rlim_cur - own : limit.rlim_cur / 2;
        log_info("at most %zu connections at once: the descriptor limit is %llu (ulimit -n)",
                 o->max_connections, (unsigned long long)limit.rlim_cur);
    }
}

static bool watch_source(struct net *net, struct source *source, enum source_kind kind, int fd,
                         uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    source->kind = kind;
    return epoll_ctl(net->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

enum status_code net_open(struct net **out, struct net_options *options, struct status *st)
{
    *out = NULL;
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "no memory to serve");
    signal(SIGPIPE, SIG_IGN); /* a client that hangs up is an error code, not a death */
    net->options = *options;
    net->listeners = options->listeners;
    if (!net->options.max_connections)
        net->options.max_connections = LIMIT_CONNECTIONS;
    if (!net->options.read_deadline_ms)
        net->options.read_deadline_ms = LIMIT_REQUEST_READ_S * 1000;
    if (!net->options.idle_ms)
        net->options.idle_ms = LIMIT_IDLE_CONNECTION_S * 1000;
    if (!net->options.unread_ms)
        net->options.unread_ms = LIMIT_UNREAD_S * 1000;
    fit_descriptors(&net->options);
    link_init(&net->conns);
    link_init(&net->dirty);
    link_init(&net->dead);
    net->now_ns = clock_mono_ns();
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    net->epoll = epoll_create1(EPOLL_CLOEXEC);
    net->box = mailbox_new();
    net->scratch = malloc(NET_SCRATCH * 2);
    if (net->epoll < 0 || !net->box || !net->scratch ||
        !watch_source(net, &net->wake, SOURCE_WAKE, net->box->event, EPOLLIN | EPOLLET)) {
        status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot set up the event loop: %s", strerror(errno));
        goto fail;
    }
    if (http1_open(net, st))
        goto fail;
    if (!watch_source(net, &net->mhd_source, SOURCE_MHD, http1_fd(net), EPOLLIN)) {
        status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot watch HTTP/1.1 connections: %s", strerror(errno));
        goto fail;
    }
    if (net_listen(net, st))
        goto fail;
    *out = net;
    return STATUS_OK;
fail:
    net_close(net);
    return st->code;
}

void net_close(struct net *net)
{
    if (!net)
        return;
    net->stopping = true;
    net_unlisten(net);
    if (net->http1) {
        cut_all(net);
        http1_close(net);
        free_dead(net);
    }
    if (net->box) {
        mailbox_close(net->box);
        mailbox_release(net->box);
    }
    if (net->epoll >= 0)
        close(net->epoll);
    if (net->spare_fd >= 0)
        close(net->spare_fd);
    free(net->sockets);
    free(net->scratch);
    free(net);
}

void net_get_stats(const struct net *net, struct net_stats *out)
{
    *out = (struct net_stats){
        .connections = atomic_load(&net->n_connections),
        .open_connections = atomic_load(&net->n_open),
        .refused_connections = atomic_load(&net->n_refused),
        .exchanges = atomic_load(&net->n_exchanges),
        .http1_exchanges = atomic_load(&net->n_http1),
    };
    histogram_read(&out->reuse, &net->reuse);
}

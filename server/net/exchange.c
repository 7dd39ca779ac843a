/* exchange.c - one request and its answer, between the loop and whoever answers; and the mailbox.
 *
 * The answer grows under the exchange's lock, by any thread; the loop takes bytes out under the same lock.
 * An exchange is in the mailbox at most once: however much is written before the loop looks, it costs one
 * place in the queue and at most one write to the eventfd. */
#include "core/clock.h"
#include "core/limits.h"
#include "server/net/net_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *must_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        fprintf(stderr, "cinderlog: out of memory (%zu bytes); stopping\n", size);
        abort();
    }
    return p;
}

/* ---- mailbox ---- */

struct mailbox *mailbox_new(void)
{
    int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event < 0)
        return NULL;
    struct mailbox *box = must_alloc(sizeof *box);
    atomic_init(&box->refs, 1);
    atomic_init(&box->asleep, false);
    box->event = event;
    pthread_mutex_init(&box->lock, NULL);
    return box;
}

void mailbox_release(struct mailbox *box)
{
    if (!box || atomic_fetch_sub(&box->refs, 1) != 1)
        return;
    close(box->event);
    pthread_mutex_destroy(&box->lock);
    free(box);
}

void mailbox_wake(struct mailbox *box)
{
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the loop wakes anyway. */
    ssize_t n = write(box->event, &one, sizeof one);
    (void)n;
}

/* The calling thread holds its wakes back; how many answers it gave since the last one. */
static _Thread_local bool holding;
static _Thread_local unsigned owing;

void net_hold(struct net *net)
{
    (void)net;
    holding = true;
    owing = 0;
}

void net_release(struct net *net)
{
    holding = false;
    if (owing && atomic_exchange(&net->box->asleep, false))
        mailbox_wake(net->box);
}

static void mailbox_post(struct mailbox *box, struct exchange *exchange)
{
    pthread_mutex_lock(&box->lock);
    bool closed = box->closed;
    if (!closed) {
        exchange->next_queued = NULL;
        if (box->last)
            box->last->next_queued = exchange;
        else
            box->first = exchange;
        box->last = exchange;
    }
    pthread_mutex_unlock(&box->lock);
    if (closed) {
        /* The loop has ended: nobody else would call a waiter. */
        exchange_check_drained(exchange);
        exchange_drop(exchange);
    } else if (holding && ++owing < NET_HELD_MAX) {
        return;
    } else if (atomic_exchange(&box->asleep, false)) {
        owing = 0;
        mailbox_wake(box);
    }
}

struct exchange *mailbox_take(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    struct exchange *first = box->first;
    box->first = box->last = NULL;
    pthread_mutex_unlock(&box->lock);
    return first;
}

void mailbox_close(struct mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->closed = true;
    pthread_mutex_unlock(&box->lock);
    for (struct exchange *e = mailbox_take(box), *next; e; e = next) {
        next = e->next_queued;
        exchange_drop(e);
    }
}

/* ---- life ---- */

static size_t head_size(const struct net_head *head)
{
    size_t n = head->method.n + head->target.n + head->authority.n + head->peer.n;
    for (size_t i = 0; i < head->n_headers; i++)
        n += head->headers[i].name.n + head->headers[i].value.n;
    return n;
}

static struct str copy_str(char **at, struct str s)
{
    struct str copy = { *at, s.n };
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static struct net_header *copy_headers(char **at, struct net_header *to, const struct net_header *from,
                                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i].name = copy_str(at, from[i].name);
        to[i].value = copy_str(at, from[i].value);
    }
    return to;
}

struct exchange *exchange_new(struct net *net, struct conn *conn, const struct net_head *head)
{
    struct exchange *e =
        must_alloc(sizeof *e + head->n_headers * sizeof(struct net_header) + head_size(head));
    struct net_header *headers = (struct net_header *)(void *)(e + 1);
    char *at = (char *)(headers + head->n_headers);
    e->head = *head;
    e->head.method = copy_str(&at, head->method);
    e->head.target = copy_str(&at, head->target);
    e->head.authority = copy_str(&at, head->authority);
    e->head.peer = copy_str(&at, head->peer);
    e->head.headers = copy_headers(&at, headers, head->headers, head->n_headers);
    atomic_init(&e->refs, 2);
    atomic_init(&e->cancelled, false);
    atomic_init(&e->pending, 0);
    pthread_mutex_init(&e->lock, NULL);
    e->net = net;
    e->conn = conn;
    e->box = net->box;
    atomic_fetch_add(&e->box->refs, 1);
    e->since_ns = net->now_ns;
    link_init(&e->of_conn);
    buf_init(&e->body, net->options.max_body ? net->options.max_body : LIMIT_MESSAGE_BYTES);
    net->live++;
    e->head.first = conn->exchanges++ == 0;
    atomic_fetch_add(&net->n_exchanges, 1);
    return e;
}

static void free_chunks(struct exchange *e)
{
    for (struct chunk *c = e->first, *next; c; c = next) {
        next = c->next;
        atomic_fetch_sub(&e->box->held, c->len - c->off);
        free(c->data);
        free(c);
    }
    e->first = e->last = NULL;
}

void exchange_drop(struct exchange *e)
{
    if (atomic_fetch_sub(&e->refs, 1) != 1)
        return;
    if (e->user_dispose)
        e->user_dispose(e->user);
    free_chunks(e);
    free(e->headers);
    free(e->trailers);
    buf_dispose(&e->body);
    pthread_mutex_destroy(&e->lock);
    mailbox_release(e->box);
    free(e);
}

void exchange_release(struct exchange *e)
{
    exchange_drop(e);
}

void exchange_over(struct exchange *e)
{
    struct net *net = e->net;
    pthread_mutex_lock(&e->lock);
    bool answered = e->finished || e->fault == NET_FAULT_TRUNCATE;
    pthread_mutex_unlock(&e->lock);
    e->conn = NULL;
    e->request = NULL;
    link_remove(&e->of_conn);
    net->live--;
    net->body_bytes -= e->body_counted;
    e->body_counted = 0;
    atomic_store(&e->cancelled, true);
    if (!answered && !e->told_closed) {
        e->told_closed = true;
        if (net->options.handler.closed)
            net->options.handler.closed(net->options.handler.data, e);
    }
    exchange_check_drained(e);
    exchange_drop(e);
}

/* ---- the request's body ---- */

bool exchange_body(struct exchange *e, const void *bytes, size_t n)
{
    if (e->body_mode != NET_BODY_WHOLE || e->body_too_large)
        return true;
    if (n > e->body.max - e->body.len) {
        e->body_too_large = true;
        buf_dispose(&e->body);
        e->net->body_bytes -= e->body_counted;
        e->body_counted = 0;
        return true;
    }
    if (n > NET_BODIES_MAX - e->net->body_bytes)
        return false;
    buf_put(&e->body, bytes, n);
    e->net->body_bytes += n;
    e->body_counted += n;
    return true;
}

void exchange_body_done(struct exchange *e)
{
    const struct net_handler *h = &e->net->options.handler;
    assert(!e->body_complete);
    e->body_complete = true;
    if (e->body_mode != NET_BODY_WHOLE)
        return;
    if (e->body_too_large)
        h->too_large(h->data, e);
    else
        h->request(h->data, e, buf_view(&e->body));
}

void exchange_allow_body(struct exchange *e, size_t max)
{
    assert(!e->body.len && !e->body_complete);
    e->body.max = max;
}

void exchange_forget_body(struct exchange *e)
{
    assert(e->body_complete);
    buf_dispose(&e->body); /* the loop only counts its bytes from here on */
}

/* ---- what the handler sees ---- */

const struct net_head *exchange_head(const struct exchange *e)
{
    return &e->head;
}

struct str exchange_header(const struct exchange *e, const char *name)
{
    for (size_t i = 0; i < e->head.n_headers; i++)
        if (str_eq_z(e->head.headers[i].name, name))
            return e->head.headers[i].value;
    return (struct str){ 0 };
}

void exchange_set_user(struct exchange *e, void *user)
{
    e->user = user;
}
void *exchange_user(const struct exchange *e)
{
    return e->user;
}

void exchange_own_user(struct exchange *e, void *user, void (*dispose)(void *user))
{
    e->user = user;
    e->user_dispose = dispose;
}

size_t exchange_pending(const struct exchange *e)
{
    return atomic_load(&e->pending);
}
bool exchange_cancelled(const struct exchange *e)
{
    return atomic_load(&e->cancelled);
}

/* ---- the answer ---- */

/* Unlocks, and lets the loop look at the exchange. */
static void unlock_and_post(struct exchange *e)
{
    bool post = !e->queued;
    if (post) {
        e->queued = true;
        atomic_fetch_add(&e->refs, 1);
    }
    pthread_mutex_unlock(&e->lock);
    if (post)
        mailbox_post(e->box, e);
}

static struct net_header *own_headers(const struct net_header *headers, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += headers[i].name.n + headers[i].value.n;
    struct net_header *own = must_alloc(n * sizeof *own + bytes);
    char *at = (char *)(own + n);
    return copy_headers(&at, own, headers, n);
}

static void start_locked(struct exchange *e, int status, const struct net_header *headers, size_t n)
{
    e->started = true;
    e->status = status;
    e->headers = own_headers(headers, n);
    e->n_headers = n;
}

static void write_locked(struct exchange *e, struct buf *bytes)
{
    if (!bytes || bytes->len == 0)
        return;
    if (atomic_fetch_add(&e->box->held, bytes->len) > NET_ANSWERS_MAX) {
        atomic_fetch_sub(&e->box->held, bytes->len);
        e->aborted = true; /* half an answer is none */
        return;
    }
    struct chunk *c = must_alloc(sizeof *c);
    c->data = buf_detach(bytes, &c->len);
    if (e->last)
        e->last->next = c;
    else
        e->first = c;
    e->last = c;
    atomic_fetch_add(&e->pending, c->len);
}

/* Whether there is still somebody to answer and the answer is not over. */
static bool answerable(const struct exchange *e)
{
    return !e->finished && !e->aborted && e->fault != NET_FAULT_TRUNCATE && !atomic_load(&e->cancelled);
}

static void reply(struct exchange *e, int status, const struct net_header *headers, size_t n,
                  struct buf *body, bool bare)
{
    pthread_mutex_lock(&e->lock);
    if (answerable(e) && !e->started) {
        start_locked(e, status, headers, n);
        write_locked(e, body);
        e->whole = e->finished = true;
        e->bare = bare;
        unlock_and_post(e);
    } else {
        pthread_mutex_unlock(&e->lock);
    }
    if (body)
        buf_dispose(body);
}

void exchange_reply(struct exchange *e, int status, const struct net_header *headers, size_t n,
                    struct buf *body)
{
    reply(e, status, headers, n, body, false);
}

void exchange_trailers_only(struct exchange *e, int status, const struct net_header *headers, size_t n)
{
    reply(e, status, headers, n, NULL, true);
}

void exchange_start(struct exchange *e, int status, const struct net_header *headers, size_t n)
{
    pthread_mutex_lock(&e->lock);
    if (answerable(e) && !e->started) {
        start_locked(e, status, headers, n);
        unlock_and_post(e);
    } else {
        pthread_mutex_unlock(&e->lock);
    }
}

void exchange_write(struct exchange *e, struct buf *bytes)
{
    pthread_mutex_lock(&e->lock);
    if (answerable(e)) {
        assert(e->started);
        write_locked(e, bytes);
        unlock_and_post(e);
    } else {
        pthread_mutex_unlock(&e->lock);
    }
    buf_dispose(bytes);
}

void exchange_finish(struct exchange *e, const struct net_header *trailers, size_t n)
{
    pthread_mutex_lock(&e->lock);
    if (answerable(e)) {
        assert(e->started);
        if (n) {
            e->trailers = own_headers(trailers, n);
            e->n_trailers = n;
        }
        e->finished = true;
        unlock_and_post(e);
    } else {
        pthread_mutex_unlock(&e->lock);
    }
}

void exchange_abort(struct exchange *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->aborted || atomic_load(&e->cancelled)) {
        pthread_mutex_unlock(&e->lock);
        return;
    }
    e->aborted = true;
    unlock_and_post(e);
}

void net_fault(struct exchange *e, enum net_fault fault)
{
    pthread_mutex_lock(&e->lock);
    if (!answerable(e)) {
        pthread_mutex_unlock(&e->lock);
        return;
    }
    assert(fault != NET_FAULT_TRUNCATE || e->started);
    e->fault = fault;
    e->aborted = fault == NET_FAULT_CLOSE || fault == NET_FAULT_RESET;
    unlock_and_post(e);
}

bool exchange_aborted(struct exchange *e)
{
    pthread_mutex_lock(&e->lock);
    bool aborted = e->aborted;
    pthread_mutex_unlock(&e->lock);
    return aborted;
}

bool exchange_stalls(struct exchange *e)
{
    pthread_mutex_lock(&e->lock);
    bool stalls = e->fault == NET_FAULT_STALL;
    pthread_mutex_unlock(&e->lock);
    return stalls;
}

/* ---- the loop takes ---- */

static enum exchange_rest rest_of(const struct exchange *e)
{
    if (e->first)
        return EXCHANGE_MORE;
    return e->finished ? EXCHANGE_END : e->fault == NET_FAULT_TRUNCATE ? EXCHANGE_CUT : EXCHANGE_MORE;
}

/* The oldest chunk is not needed any more; its bytes may be somebody else's now. */
static void drop_first(struct exchange *e)
{
    struct chunk *c = e->first;
    e->first = c->next;
    if (!e->first)
        e->last = NULL;
    free(c);
}

/* That many bytes do not wait any more: whoever waits for room may have it now. */
static void has_taken(struct exchange *e, size_t n)
{
    if (n == 0)
        return;
    atomic_fetch_sub(&e->pending, n);
    atomic_fetch_sub(&e->box->held, n);
    exchange_check_drained(e);
}

size_t exchange_take(struct exchange *e, void *to, size_t n, enum exchange_rest *rest)
{
    size_t taken = 0;
    pthread_mutex_lock(&e->lock);
    while (e->first && taken < n) {
        struct chunk *c = e->first;
        size_t part = c->len - c->off < n - taken ? c->len - c->off : n - taken;
        memcpy((char *)to + taken, c->data + c->off, part);
        taken += part;
        c->off += part;
        if (c->off == c->len) {
            free(c->data);
            drop_first(e);
        }
    }
    *rest = rest_of(e);
    pthread_mutex_unlock(&e->lock);
    has_taken(e, taken);
    return taken;
}

unsigned char *exchange_take_chunk(struct exchange *e, size_t *n, enum exchange_rest *rest)
{
    unsigned char *data = NULL;
    *n = 0;
    pthread_mutex_lock(&e->lock);
    if (e->first) {
        assert(e->first->off == 0);
        data = e->first->data;
        *n = e->first->len;
        drop_first(e);
    }
    *rest = rest_of(e);
    pthread_mutex_unlock(&e->lock);
    has_taken(e, *n);
    return data;
}

void exchange_check_drained(struct exchange *e)
{
    void (*ready)(void *) = NULL;
    void *data = NULL;
    pthread_mutex_lock(&e->lock);
    if (e->drain_ready && (atomic_load(&e->pending) < e->drain_below || atomic_load(&e->cancelled))) {
        ready = e->drain_ready;
        data = e->drain_data;
        e->drain_ready = NULL;
    }
    pthread_mutex_unlock(&e->lock);
    if (ready)
        ready(data);
}

void exchange_when_drained(struct exchange *e, size_t below, void (*ready)(void *data), void *data)
{
    pthread_mutex_lock(&e->lock);
    assert(!e->drain_ready);
    e->drain_below = below;
    e->drain_ready = ready;
    e->drain_data = data;
    /* Through the loop even when it could be called at once: the caller may hold locks of its own. */
    unlock_and_post(e);
}

/* fuzz_http2.c - whatever a client sends over HTTP/2, in whatever pieces: http2.c without a socket.
 *
 * The first byte says how large the pieces are and whether the client begins well: then the preface and an empty SETTINGS
 * need not be guessed. After each piece the answers are taken, as the loop does. Held: what is sent is frames, the first
 * of them SETTINGS; a connection that the server ends has been told so; in the end nothing is kept.
 *
 *   the path's first letter   a: answered by its head   w: when its body is there   s: its chunks are sent back
 *                             b: with 100,000 bytes     anything else: never */
#include "core/limits.h"
#include "server/net/http2_watch.h"
#include "server/net/net_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { GOAWAY = 7, SETTINGS = 4, LARGE = 100000 };

struct world {
    struct net net;
    struct conn *conn;
    size_t held; /* exchanges that the handler has */
    size_t skip; /* of the server's frame that is going out */
    size_t have; /* of its header */
    unsigned char header[HTTP2_FRAME_HEADER];
    size_t frames;
    bool goaway;
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the handler ---- */

static void let_go(struct world *w, struct exchange *e)
{
    w->held--;
    exchange_release(e);
}

static void reply(struct world *w, struct exchange *e, struct str text, size_t n)
{
    static const struct net_header type = { STR_INIT("content-type"), STR_INIT("text/plain") };
    struct buf body;
    buf_init(&body, text.n + n);
    buf_str(&body, text);
    if (n) {
        memset(buf_reserve(&body, n), 'x', n);
        body.len += n;
    }
    exchange_reply(e, 200, &type, 1, &body);
    let_go(w, e);
}

static enum net_body on_head(void *data, struct exchange *e)
{
    struct world *w = data;
    const struct net_head *head = exchange_head(e);
    w->held++;
    check(head->n_headers <= LIMIT_HEADER_COUNT + 4);
    switch (head->target.n > 1 ? head->target.p[1] : 0) {
    case 'a':
        reply(w, e, STR("a"), 0);
        return NET_BODY_ANSWERED;
    case 's':
        exchange_start(e, 200, NULL, 0);
        return NET_BODY_STREAM;
    default:
        return NET_BODY_WHOLE;
    }
}

static void on_request(void *data, struct exchange *e, struct str body)
{
    const struct net_head *head = exchange_head(e);
    switch (head->target.n > 1 ? head->target.p[1] : 0) {
    case 'w':
        reply(data, e, body, 0);
        break;
    case 'b':
        reply(data, e, body, LARGE);
        break;
    default:
        break;
    }
}

static void on_chunk(void *data, struct exchange *e, struct str bytes, bool end)
{
    static const struct net_header trailer = { STR_INIT("x-end"), STR_INIT("yes") };
    struct buf out;
    buf_init(&out, bytes.n);
    buf_str(&out, bytes);
    exchange_write(e, &out);
    if (end) {
        exchange_finish(e, &trailer, 1);
        let_go(data, e);
    }
}

static void on_too_large(void *data, struct exchange *e)
{
    reply(data, e, STR("too large"), 0);
}

static void on_closed(void *data, struct exchange *e)
{
    let_go(data, e);
}

/* ---- the loop's part ---- */

static void take_mail(struct world *w)
{
    for (struct exchange *e = mailbox_take(w->net.box), *next; e; e = next) {
        next = e->next_queued;
        pthread_mutex_lock(&e->lock);
        e->queued = false;
        pthread_mutex_unlock(&e->lock);
        if (e->conn)
            http2_answer(e);
        exchange_check_drained(e);
        exchange_drop(e);
    }
}

static void check_frames(struct world *w, const unsigned char *p, size_t n)
{
    for (; n; p++, n--) {
        if (w->skip) {
            w->skip--;
            continue;
        }
        w->header[w->have++] = *p;
        if (w->have < HTTP2_FRAME_HEADER)
            continue;
        w->have = 0;
        w->skip = (size_t)w->header[0] << 16 | (size_t)w->header[1] << 8 | w->header[2];
        check(w->skip <= 16384 && (w->frames++ || w->header[3] == SETTINGS));
        w->goaway |= w->header[3] == GOAWAY;
    }
}

static void send_all(struct world *w)
{
    size_t n;
    while ((n = http2_output(w->conn, w->net.scratch, NET_SCRATCH)) > 0)
        check_frames(w, w->net.scratch, n);
}

/* False when the connection is over. */
static bool feed(struct world *w, const uint8_t *bytes, size_t n)
{
    bool goes_on = http2_input(w->conn, bytes, n);
    if (goes_on)
        take_mail(w);
    send_all(w);
    check(goes_on || w->goaway);
    w->net.now_ns += 1000000;
    return goes_on && !http2_is_over(w->conn);
}

static void begin(struct world *w)
{
    struct net *net = &w->net;
    struct conn *c = w->conn = calloc(1, sizeof *c);
    net->options.handler =
        (struct net_handler){ w, on_head, on_request, on_chunk, on_too_large, on_closed, NULL };
    net->options.max_body = 10000;
    net->options.read_deadline_ms = net->options.unread_ms = 1000;
    link_init(&net->conns);
    link_init(&net->dirty);
    link_init(&net->dead);
    net->box = mailbox_new();
    net->scratch = malloc(NET_SCRATCH * 2);
    net->now_ns = 1;
    net->open = 1;
    check(c && net->box && net->scratch);
    c->kind = CONN_HTTP2;
    c->net = net;
    c->fd = -1;
    link_init(&c->dirty);
    link_add(&net->conns, &c->all);
    check(http2_add(c));
}

static void end(struct world *w)
{
    w->net.now_ns += (int64_t)LIMIT_REQUEST_READ_S * 1000000000; /* what is late is cut */
    http2_check(w->conn);
    conn_close(w->conn);
    take_mail(w);
    check(w->held == 0 && w->net.live == 0 && w->net.body_bytes == 0 && atomic_load(&w->net.box->held) == 0);
    mailbox_close(w->net.box);
    mailbox_release(w->net.box);
    free(w->net.scratch);
    free(w->conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The string's own end is the last byte. */
    static const unsigned char well[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct world w = { 0 };
    if (size == 0)
        return 0;
    size_t piece = data[0] & 0x7F ? (size_t)(data[0] & 0x7F) * 16 : size;
    begin(&w);
    bool goes_on = data[0] & 0x80 || feed(&w, well, sizeof well);
    for (size_t at = 1, n; goes_on && at < size; at += n) {
        n = size - at < piece ? size - at : piece;
        goes_on = feed(&w, data + at, n);
    }
    end(&w);
    return 0;
}

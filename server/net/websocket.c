/* websocket.c - an exchange that became a WebSocket; all of wslay, and the only file that includes it.
 *
 * The library frames, answers pings and close frames, and refuses what RFC 6455 forbids. Ours is the socket: how
 * much is read and kept. Messages go out one by one, the next when the socket has taken the last, so that what a
 * slow client has not read waits in the exchange, where its writer sees it (exchange_pending). Nothing is read
 * while PONGS_MAX answers to pings wait to be sent.
 *
 * Ends: the library has nothing to say or hear any more (close frames went both ways, or a violation was answered)
 * -> our side is shut -> the client closes its own, or CLOSE_MS pass -> http1_take_back. Closing at once would
 * reset the connection when input is unread, and the client might never see why. */
#include "core/limits.h"
#include "server/net/net_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

enum {
    PONGS_MAX = 16,
    READ_AT_ONCE = 64 * 1024, /* then other connections have their turn */
    CLOSE_MS = 2000,
    CLOSE_STOPPING_MS = 250,
};

struct websocket {
    struct conn *conn;
    struct exchange *exchange;
    wslay_event_context_ptr frames;
    unsigned char *early; /* came with the handshake */
    size_t early_n, early_off;
    size_t may_read; /* in this turn */
    uint32_t watched;
    int64_t heard_ns, closing_ns; /* 0: not closing */
    bool asked;                   /* for a sign of life, since heard_ns */
    bool gone;                    /* the client, without a word */
    bool shut;                    /* our side */
};

/* ---- what the library calls ---- */

static bool reads(const struct websocket *ws)
{
    return wslay_event_get_queued_msg_count(ws->frames) < PONGS_MAX;
}

static ssize_t give_early(struct websocket *ws, uint8_t *to, size_t n)
{
    size_t part = ws->early_n - ws->early_off < n ? ws->early_n - ws->early_off : n;
    memcpy(to, ws->early + ws->early_off, part);
    ws->early_off += part;
    return (ssize_t)part;
}

static ssize_t on_read(wslay_event_context_ptr frames, uint8_t *to, size_t n, int flags, void *data)
{
    struct websocket *ws = data;
    (void)flags;
    if (!reads(ws) || ws->may_read == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (ws->early_off < ws->early_n)
        return give_early(ws, to, n);
    ssize_t got = recv(ws->conn->fd, to, n < ws->may_read ? n : ws->may_read, 0);
    if (got > 0) {
        ws->may_read -= (size_t)got;
        ws->heard_ns = ws->conn->net->now_ns;
        ws->asked = false;
        return got;
    }
    ws->gone = got == 0 || (errno != EAGAIN && errno != EINTR);
    wslay_event_set_error(frames, ws->gone ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t n, int flags, void *data)
{
    struct websocket *ws = data;
    ssize_t sent = send(ws->conn->fd, bytes, n, MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
    if (sent >= 0)
        return sent;
    bool later = errno == EAGAIN || errno == EINTR;
    wslay_event_set_error(frames, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* ---- a turn ---- */

static void queue_close(struct websocket *ws, enum wslay_status_code code)
{
    wslay_event_queue_close(ws->frames, (uint16_t)code, NULL, 0); /* refused when one is on its way: as well */
}

/* Gives the library one more message; false when there is none. */
static bool next_message(struct websocket *ws)
{
    size_t n;
    enum exchange_rest rest;
    unsigned char *text = exchange_take_chunk(ws->exchange, &n, &rest);
    if (text) {
        const struct wslay_event_msg message = { WSLAY_TEXT_FRAME, text, n };
        wslay_event_queue_msg(ws->frames, &message); /* refused after a close: nobody wants it any more */
    }
    if (!text && rest == EXCHANGE_END && !ws->closing_ns) { /* a close frame overtakes messages */
        ws->closing_ns = ws->conn->net->now_ns;
        queue_close(ws, WSLAY_CODE_NORMAL_CLOSURE);
    }
    free(text);
    return text != NULL;
}

/* Until the socket is full or all is said. False: the connection is over. */
static bool send_messages(struct websocket *ws)
{
    do {
        if (wslay_event_send(ws->frames) != 0)
            return false;
    } while (!wslay_event_want_write(ws->frames) && (next_message(ws) || wslay_event_want_write(ws->frames)));
    return true;
}

/* Nothing will be said or heard any more: see at the top. */
static void shut(struct websocket *ws)
{
    ws->shut = true;
    if (!ws->closing_ns)
        ws->closing_ns = ws->conn->net->now_ns;
    shutdown(ws->conn->fd, SHUT_WR);
}

static bool watch(struct websocket *ws)
{
    uint32_t wanted = (ws->shut || reads(ws) ? EPOLLIN : 0u) |
                      (!ws->shut && wslay_event_want_write(ws->frames) ? EPOLLOUT : 0u);
    if (wanted == ws->watched)
        return true;
    ws->watched = wanted;
    return conn_watch(ws->conn, wanted);
}

/* Reads and sends what there is. False: the connection is over. */
static bool turn(struct websocket *ws)
{
    ws->may_read = READ_AT_ONCE;
    if (wslay_event_want_read(ws->frames) && wslay_event_recv(ws->frames) != 0)
        wslay_event_shutdown_read(ws->frames); /* a violation, for which it has a close frame, or the end */
    if (ws->gone || !send_messages(ws))
        return false;
    bool ends = wslay_event_get_close_sent(ws->frames) || !wslay_event_want_read(ws->frames);
    if (ends && !ws->closing_ns)
        ws->closing_ns = ws->conn->net->now_ns;
    if (!wslay_event_want_read(ws->frames) && !wslay_event_want_write(ws->frames))
        shut(ws);
    return watch(ws);
}

/* After our side was shut. False: so is the client's. */
static bool drop_input(struct websocket *ws)
{
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(ws->conn->fd, ws->conn->net->scratch, NET_SCRATCH, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n < 0)
            break;
    }
    return true;
}

/* ---- for the loop ---- */

void websocket_free(struct conn *c)
{
    struct websocket *ws = c->websocket;
    if (!ws)
        return;
    wslay_event_context_free(ws->frames);
    free(ws->early);
    free(ws);
    c->websocket = NULL;
}

void websocket_cut(struct conn *c)
{
    epoll_ctl(c->net->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    websocket_free(c);
    http1_take_back(c);
}

void websocket_add(struct conn *c, struct exchange *e, const void *early, size_t n)
{
    static const struct wslay_event_callbacks callbacks = { .recv_callback = on_read, .send_callback = on_send };
    struct websocket *ws = c->websocket = calloc(1, sizeof *ws);
    c->kind = CONN_WEBSOCKET;
    if (!ws || wslay_event_context_server_init(&ws->frames, &callbacks, ws) != 0) {
        free(ws);
        c->websocket = NULL;
        http1_take_back(c);
        return;
    }
    /* Data frames are looked at and not kept, so that the maximum is that of one frame. */
    wslay_event_config_set_no_buffering(ws->frames, 1);
    wslay_event_config_set_max_recv_msg_length(ws->frames, LIMIT_WEBSOCKET_FRAME);
    ws->conn = c;
    ws->exchange = e;
    ws->heard_ns = c->net->now_ns;
    ws->early = n ? malloc(n) : NULL;
    if (ws->early) {
        memcpy(ws->early, early, n);
        ws->early_n = n;
    }
    /* The socket has room, so that this is an event, and the first turn comes of it. */
    struct epoll_event event = { .events = ws->watched = EPOLLIN | EPOLLOUT, .data.ptr = c };
    if (epoll_ctl(c->net->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0 || (n && !ws->early))
        websocket_cut(c);
}

void websocket_answer(struct conn *c)
{
    struct websocket *ws = c->websocket;
    if (exchange_aborted(ws->exchange) || (!ws->shut && !turn(ws)))
        websocket_cut(c);
}

void websocket_event(struct conn *c, uint32_t events)
{
    struct websocket *ws = c->websocket;
    bool over = events & (EPOLLHUP | EPOLLERR);
    if (over || !(ws->shut ? drop_input(ws) : turn(ws)))
        websocket_cut(c);
}

static bool passed(const struct conn *c, int64_t since_ns, int ms)
{
    return c->net->now_ns - since_ns > (int64_t)ms * 1000000;
}

void websocket_check(struct conn *c)
{
    struct websocket *ws = c->websocket;
    int idle_ms = c->net->options.idle_ms;
    if (ws->closing_ns) {
        if (passed(c, ws->closing_ns, c->net->stopping ? CLOSE_STOPPING_MS : CLOSE_MS))
            websocket_cut(c);
    } else if (passed(c, ws->heard_ns, idle_ms)) {
        websocket_cut(c);
    } else if (!ws->asked && passed(c, ws->heard_ns, idle_ms / 2)) {
        const struct wslay_event_msg ping = { .opcode = WSLAY_PING };
        ws->asked = true;
        wslay_event_queue_msg(ws->frames, &ping);
        websocket_answer(c);
    }
}

void websocket_stop(struct conn *c)
{
    struct websocket *ws = c->websocket;
    if (ws->closing_ns)
        return;
    ws->closing_ns = c->net->now_ns;
    queue_close(ws, WSLAY_CODE_GOING_AWAY);
    websocket_answer(c);
}

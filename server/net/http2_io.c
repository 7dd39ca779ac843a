/* http2_io.c - the socket of an HTTP/2 connection: bytes between it and http2.c.
 *
 * What is to be sent is gathered into one send a round (http2_flush). */
#include "server/net/net_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void http2_readable(struct conn *c)
{
    enum { AT_ONCE = 4 };
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = recv(c->fd, c->net->scratch, NET_SCRATCH, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            conn_close(c);
            return;
        }
        if (!http2_input(c, c->net->scratch, (size_t)n)) {
            http2_end(c);
            return;
        }
        if (n < NET_SCRATCH)
            break;
    }
    conn_dirty(c);
}

/* How many of the bytes the socket took; -1 when it is broken. */
static ssize_t send_some(struct conn *c, const unsigned char *p, size_t n)
{
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return sent;
}

static void want_out(struct conn *c, bool want)
{
    if (c->want_out != want && conn_watch(c, EPOLLIN | EPOLLRDHUP | (want ? EPOLLOUT : 0u)))
        c->want_out = want;
}

static bool keep_rest(struct conn *c, const unsigned char *p, size_t n)
{
    c->rest = malloc(n);
    if (!c->rest)
        return false;
    memcpy(c->rest, p, n);
    c->rest_len = n;
    c->rest_off = 0;
    c->rest_since_ns = c->net->now_ns;
    return true;
}

/* False when the socket is full (or broken, and then the connection is closed). */
static bool send_rest(struct conn *c)
{
    if (!c->rest)
        return true;
    ssize_t sent = send_some(c, c->rest + c->rest_off, c->rest_len - c->rest_off);
    if (sent < 0) {
        conn_close(c);
        return false;
    }
    if (sent > 0)
        c->rest_since_ns = c->net->now_ns;
    c->rest_off += (size_t)sent;
    if (c->rest_off < c->rest_len)
        return false;
    free(c->rest);
    c->rest = NULL;
    return true;
}

void http2_flush(struct conn *c)
{
    if (c->kind != CONN_HTTP2)
        return;
    while (send_rest(c)) {
        size_t n = http2_output(c, c->net->scratch, NET_SCRATCH);
        if (n == 0)
            break;
        ssize_t sent = send_some(c, c->net->scratch, n);
        if (sent < 0 || ((size_t)sent < n && !keep_rest(c, c->net->scratch + sent, n - (size_t)sent))) {
            conn_close(c);
            return;
        }
    }
    if (c->kind != CONN_HTTP2)
        return;
    want_out(c, c->rest != NULL);
    if (!c->rest && http2_is_over(c))
        conn_linger(c);
}

void http2_end(struct conn *c)
{
    http2_flush(c);
    if (c->kind != CONN_HTTP2)
        return;
    if (c->net->lingering < NET_LINGER_MAX)
        conn_linger(c);
    else
        conn_close(c);
}

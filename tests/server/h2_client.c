/* h2_client.c - see h2_client.h. */
#include "server/h2_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADERS_MAX = 64 * 1024, BODY_MAX = 128 * 1024 * 1024, PATIENCE_MS = 10000 };

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    struct h2_stream *s = stream_of(session, frame->hd.stream_id);
    (void)flags;
    (void)user;
    if (!s)
        return 0;
    struct buf *to = s->header_frames ? &s->trailers : &s->headers;
    if (name_n == 7 && memcmp(name, ":status", 7) == 0)
        s->status = (int)strtol((const char *)value, NULL, 10);
    buf_put(to, name, name_n);
    buf_z(to, ": ");
    buf_put(to, value, value_n);
    buf_z(to, "\n");
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2_client *c = user;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        c->goaway = true;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        c->pings++;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct h2_stream *s = stream_of(session, frame->hd.stream_id);
        if (s && s->header_frames++ == 0)
            s->end_with_first = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t n,
                   void *user)
{
    struct h2_stream *s = stream_of(session, id);
    (void)flags;
    (void)user;
    if (s)
        buf_put(&s->body, bytes, n);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *user)
{
    struct h2_stream *s = stream_of(session, id);
    (void)user;
    if (s) {
        s->closed = true;
        s->error = error;
    }
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t max, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct h2_stream *s = source->ptr;
    size_t n = s->send_n < max ? s->send_n : max;
    (void)session;
    (void)id;
    (void)user;
    if (n == 0 && s->keep_open)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(to, s->send ? (const void *)s->send : "", n);
    s->send += n;
    s->send_n -= n;
    if (s->send_n == 0 && !s->keep_open)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

void h2_open(struct h2_client *c, int fd, uint32_t window)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_settings_entry setting = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window };
    memset(c, 0, sizeof *c);
    c->fd = fd;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&c->session, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &setting, window ? 1 : 0);
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                         NGHTTP2_NV_FLAG_NONE };
}

struct h2_stream *h2_send(struct h2_client *c, const char *method, const char *path,
                          const char *const *headers, const void *body, size_t n, bool keep_open)
{
    struct h2_stream *s = calloc(1, sizeof *s);
    nghttp2_nv nv[256];
    nghttp2_data_provider provider = { .source.ptr = s, .read_callback = read_body };
    size_t count = 0;
    buf_init(&s->headers, HEADERS_MAX);
    buf_init(&s->trailers, HEADERS_MAX);
    buf_init(&s->body, BODY_MAX);
    s->send = body;
    s->send_n = n;
    s->keep_open = keep_open;
    nv[count++] = pair(":method", method);
    nv[count++] = pair(":scheme", "http");
    nv[count++] = pair(":authority", "localhost");
    nv[count++] = pair(":path", path);
    for (; headers && *headers && count < 256; headers += 2)
        nv[count++] = pair(headers[0], headers[1]);
    s->next = c->streams;
    c->streams = s;
    s->id = nghttp2_submit_request(c->session, NULL, nv, count, body || keep_open ? &provider : NULL, s);
    return s;
}

void h2_flush(struct h2_client *c)
{
    const uint8_t *bytes;
    ssize_t n;
    while (!c->ended && (n = nghttp2_session_mem_send(c->session, &bytes)) > 0) {
        for (ssize_t sent = 0; sent < n;) {
            ssize_t part = send(c->fd, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);
            if (part <= 0) {
                c->ended = true;
                return;
            }
            sent += part;
        }
    }
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool h2_until(struct h2_client *c, bool (*holds)(struct h2_client *c, void *data), void *data)
{
    static unsigned char bytes[64 * 1024];
    int64_t end = now_ms() + PATIENCE_MS;
    for (;;) {
        h2_flush(c);
        if (holds(c, data))
            return true;
        if (c->ended || now_ms() > end)
            return false;
        struct pollfd p = { c->fd, POLLIN, 0 };
        if (poll(&p, 1, 100) <= 0)
            continue;
        ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
        if (n <= 0 || nghttp2_session_mem_recv(c->session, bytes, (size_t)n) < 0) {
            c->ended = true;
            return holds(c, data);
        }
    }
}

static bool is_closed(struct h2_client *c, void *data)
{
    (void)c;
    return ((struct h2_stream *)data)->closed;
}

bool h2_wait(struct h2_client *c, struct h2_stream *stream)
{
    return h2_until(c, is_closed, stream);
}

const char *h2_header(const struct buf *headers, const char *name)
{
    static char value[HEADERS_MAX];
    struct str text = buf_view(headers);
    size_t n = strlen(name);
    while (text.n) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t line = (size_t)(end - text.p);
        if (line > n + 2 && memcmp(text.p, name, n) == 0 && text.p[n] == ':') {
            memcpy(value, text.p + n + 2, line - n - 2);
            value[line - n - 2] = '\0';
            return value;
        }
        text = str_skip(text, line + 1);
    }
    return "";
}

void h2_close(struct h2_client *c)
{
    for (struct h2_stream *s = c->streams, *next; s; s = next) {
        next = s->next;
        buf_dispose(&s->headers);
        buf_dispose(&s->trailers);
        buf_dispose(&s->body);
        free(s);
    }
    nghttp2_session_del(c->session);
    close(c->fd);
    memset(c, 0, sizeof *c);
}

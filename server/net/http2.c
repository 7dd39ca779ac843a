/* http2.c - HTTP/2 with prior knowledge: all of nghttp2, and the only file that includes it.
 *
 * One session a connection, all on the loop thread. nghttp2 takes bytes and gives bytes; the socket is
 * http2_io.c's. A frame is asked for only when the socket took all before it, so that a client that does not
 * read holds back its own streams: their bytes stay in the exchanges, where exchange_pending sees them.
 *
 * Limits, and what of each is nghttp2's (Debian's 1.52.0-1+deb12u3) and what is ours:
 *
 *   streams at once        nghttp2, told LIMIT_STREAMS_PER_CONNECTION
 *   large header blocks    ours: counted and measured as they are decoded, answered 431. A small block can become
 *                          large (a bomb: one byte may stand for 4 KiB): nothing of it is kept, it is cut at BOMB,
 *                          and http2_watch.c bounds how many there are
 *   CONTINUATION flood     both: http2_watch.c; nghttp2 has the same limit (1.61, Debian's)
 *   rapid reset            both: http2_watch.c counts requests that are taken back unanswered. nghttp2 (1.57,
 *                          Debian's) counts every RST_STREAM, 33 a second by itself; clients that send one after
 *                          each ended answer reach that when they are busy, so it is told a limit above those
 *   PING, SETTINGS floods  ours: http2_watch.c. nghttp2 counts acknowledgements that wait to be sent (1,000),
 *                          and the entries of one SETTINGS (32)
 *   empty frames           ours: http2_watch.c
 *   windows of 0           ours: check_unread
 *   what is cut in half    ours: frames, header blocks and requests are whole within the read deadline
 *   request bodies         ours: by max_body, and in all */
#include "core/limits.h"
#include "server/net/http2_watch.h"
#include "server/net/net_internal.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STREAM_WINDOW = 1024 * 1024,
    CONNECTION_WINDOW = 16 * 1024 * 1024,
    ANSWER_HEADERS_MAX = 64,
    BOMB = 8 * LIMIT_HEADER_BYTES, /* decoded of one header block */
    RESETS_AT_ONCE = 20000,        /* for nghttp2; see above */
    RESETS_A_SECOND = 10000,
    UNREAD_GRACE_MS = 1000,
};

struct http2 {
    nghttp2_session *session;
    struct link exchanges;
    struct http2_watch watch;
    const char *flood; /* what the client does too much of; then the connection ends */
    int64_t taken_ns;  /* when the client last took some of any answer */
    /* The header block that is arriving: at most one a connection. */
    bool in_block, too_many;
    size_t block_bytes; /* decoded so far */
    int64_t block_since;
    struct buf text;
    size_t n;
    struct {
        size_t at, name_n, value_n;
    } fields[LIMIT_HEADER_COUNT + 4]; /* and the pseudo headers */
};

/* ---- answers ---- */

static nghttp2_nv make_nv(struct str name, struct str value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.n, value.n,
                         NGHTTP2_NV_FLAG_NONE };
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream, uint8_t *to, size_t max, uint32_t *flags,
                           nghttp2_data_source *source, void *user)
{
    struct conn *c = user;
    struct exchange *e = source->ptr;
    nghttp2_nv nv[ANSWER_HEADERS_MAX];
    enum exchange_rest rest;
    size_t n = exchange_take(e, to, max, &rest);
    if (n)
        e->taken_ns = c->h2->taken_ns = c->net->now_ns;
    if (n == 0 && rest == EXCHANGE_CUT)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* becomes RST_STREAM with INTERNAL_ERROR */
    if (rest == EXCHANGE_END) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (e->n_trailers) {
            assert(e->n_trailers <= ANSWER_HEADERS_MAX);
            for (size_t i = 0; i < e->n_trailers; i++)
                nv[i] = make_nv(e->trailers[i].name, e->trailers[i].value);
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (nghttp2_submit_trailer(session, stream, nv, e->n_trailers) != 0)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        return (ssize_t)n;
    }
    e->deferred = n == 0;
    return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
}

static void submit(struct exchange *e, bool whole, bool bare, bool empty)
{
    nghttp2_nv nv[ANSWER_HEADERS_MAX];
    nghttp2_data_provider provider = { .source.ptr = e, .read_callback = read_answer };
    char status[16], length[32];
    size_t n = 0;
    assert(e->n_headers + 2 <= ANSWER_HEADERS_MAX);
    snprintf(status, sizeof status, "%d", e->status);
    nv[n++] = make_nv(STR(":status"), str_of(status));
    for (size_t i = 0; i < e->n_headers; i++)
        nv[n++] = make_nv(e->headers[i].name, e->headers[i].value);
    if (whole && !bare) {
        snprintf(length, sizeof length, "%zu", exchange_pending(e));
        nv[n++] = make_nv(STR("content-length"), str_of(length));
    }
    e->submitted = true;
    nghttp2_submit_response(e->conn->h2->session, e->stream_id, nv, n, empty ? NULL : &provider);
}

void http2_answer(struct exchange *e)
{
    nghttp2_session *session = e->conn->h2->session;
    pthread_mutex_lock(&e->lock);
    bool started = e->started, whole = e->whole, bare = e->bare, aborted = e->aborted;
    bool empty = str_eq_z(e->head.method, "HEAD") || (e->finished && !e->first && e->n_trailers == 0);
    enum net_fault fault = e->fault;
    if (fault == NET_FAULT_GOAWAY)
        e->fault = NET_FAULT_NONE; /* once */
    pthread_mutex_unlock(&e->lock);
    if (fault == NET_FAULT_CLOSE || fault == NET_FAULT_RESET) {
        e->told_closed = true;
        if (fault == NET_FAULT_RESET)
            conn_reset(e->conn);
        conn_close(e->conn);
        return;
    }
    if (fault == NET_FAULT_GOAWAY)
        http2_stop(e->conn);
    if (aborted) {
        e->told_closed = true;
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, e->stream_id, NGHTTP2_CANCEL);
    } else if (started && !e->submitted) {
        submit(e, whole, bare, empty);
    } else if (e->submitted && e->deferred) {
        e->deferred = false;
        nghttp2_session_resume_data(session, e->stream_id);
    }
    conn_dirty(e->conn);
}

/* ---- requests ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct conn *c = user;
    struct http2 *h = c->h2;
    (void)session;
    h->in_block = true;
    h->too_many = false;
    h->block_bytes = 0;
    h->block_since = c->net->now_ns;
    h->n = 0;
    buf_clear(&h->text);
    (void)frame;
    return 0;
}

/* One more of a kind. False: that is too many, and the callback must fail. */
static bool count(struct conn *c, enum http2_nuisance kind)
{
    c->h2->flood = http2_watch_count(&c->h2->watch, kind, c->net->now_ns);
    return !c->h2->flood;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *user)
{
    struct conn *c = user;
    struct http2 *h = c->h2;
    (void)session;
    (void)frame;
    (void)flags;
    size_t at = h->text.len;
    h->block_bytes += name_n + value_n;
    if (h->block_bytes > BOMB) {
        /* The stream is reset; nghttp2 looks at no further value of the block and does not tell when it ends.
         */
        h->in_block = false;
        return count(c, NUISANCE_HEADERS) ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
                                          : NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (h->too_many || h->n == sizeof h->fields / sizeof h->fields[0] || !buf_put(&h->text, name, name_n) ||
        !buf_put(&h->text, value, value_n)) {
        h->too_many = true;
        return 0;
    }
    h->fields[h->n].at = at;
    h->fields[h->n].name_n = name_n;
    h->fields[h->n++].value_n = value_n;
    return 0;
}

/* The collected block as a head; `headers` has room for all. */
static void read_head(struct net_head *head, struct net_header *headers, const struct conn *c)
{
    const struct http2 *h = c->h2;
    struct str host = { 0 };
    *head = (struct net_head){ .protocol = NET_HTTP2,
                               .headers = headers,
                               .peer = str_of(c->peer),
                               .listener = c->listener,
                               .connection = c->serial };
    for (size_t i = 0; i < h->n; i++) {
        const char *at = (const char *)h->text.data + h->fields[i].at;
        struct str name = { at, h->fields[i].name_n }, value = { at + name.n, h->fields[i].value_n };
        if (str_eq_z(name, ":method"))
            head->method = value;
        else if (str_eq_z(name, ":path"))
            head->target = value;
        else if (str_eq_z(name, ":authority"))
            head->authority = value;
        else if (name.n && name.p[0] != ':')
            headers[head->n_headers++] = (struct net_header){ name, value };
        if (str_eq_z(name, "host"))
            host = value;
    }
    if (!head->authority.n)
        head->authority = host;
}

static void end_input(struct exchange *e)
{
    const struct net_handler *handler = &e->net->options.handler;
    if (e->input_ended)
        return;
    e->input_ended = true;
    if (e->body_mode == NET_BODY_STREAM)
        handler->chunk(handler->data, e, (struct str){ 0 }, true);
    else if (!e->body_complete)
        exchange_body_done(e);
}

static int begin_request(nghttp2_session *session, struct conn *c, int32_t stream)
{
    struct net_header headers[LIMIT_HEADER_COUNT + 4];
    struct net_head head;
    struct http2 *h = c->h2;
    if (h->too_many) {
        nghttp2_nv nv = make_nv(STR(":status"), STR("431"));
        return nghttp2_submit_response(session, stream, &nv, 1, NULL) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    read_head(&head, headers, c);
    struct exchange *e = exchange_new(c->net, c, &head);
    e->stream_id = stream;
    link_add(&h->exchanges, &e->of_conn);
    nghttp2_session_set_stream_user_data(session, stream, e);
    e->body_mode = c->net->options.handler.head(c->net->options.handler.data, e);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct conn *c = user;
    int32_t stream = frame->hd.stream_id;
    struct exchange *e = nghttp2_session_get_stream_user_data(session, stream);
    if (frame->hd.type == NGHTTP2_RST_STREAM && e && !e->submitted && !count(c, NUISANCE_RESET))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        c->h2->in_block = false;
        if (c->h2->too_many && !count(c, NUISANCE_HEADERS))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && begin_request(session, c, stream) != 0)
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        e = nghttp2_session_get_stream_user_data(session, stream);
        if (e)
            end_input(e);
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t n,
                   void *user)
{
    struct exchange *e = nghttp2_session_get_stream_user_data(session, stream);
    (void)flags;
    (void)user;
    if (!e)
        return 0;
    if (e->body_mode == NET_BODY_STREAM) {
        const struct net_handler *handler = &e->net->options.handler;
        handler->chunk(handler->data, e, str_from(bytes, n), false);
        return 0;
    }
    if (e->body_complete)
        return 0;
    if (!exchange_body(e, bytes, n))
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (e->body_too_large)
        exchange_body_done(e); /* answer now; on_frame_sent tells the client to stop */
    return 0;
}

/* The answer is out and the client is still sending: RFC 9113 8.1 has the server say that it need not. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct conn *c = user;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    http2_watch_answered(&c->h2->watch);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        struct exchange *e = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (e && !e->input_ended)
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error, void *user)
{
    struct exchange *e = nghttp2_session_get_stream_user_data(session, stream);
    (void)user;
    (void)error;
    if (e) {
        nghttp2_session_set_stream_user_data(session, stream, NULL);
        exchange_over(e);
    }
    return 0;
}

/* ---- bytes in and out ---- */

/* The client hears why; of a flood in words, too. */
static void say_goodbye(struct http2 *h, uint32_t code)
{
    const char *why = h->flood ? h->flood : "";
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session),
                          code, (const uint8_t *)why, strlen(why));
}

bool http2_input(struct conn *c, const unsigned char *bytes, size_t n)
{
    struct http2 *h = c->h2;
    ssize_t used = 0;
    h->flood = http2_watch_bytes(&h->watch, bytes, n, c->net->now_ns);
    if (!h->flood)
        used = nghttp2_session_mem_recv(h->session, bytes, n);
    if (!h->flood && used >= 0)
        return true;
    say_goodbye(h,
                h->flood || used == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
    return false;
}

size_t http2_output(struct conn *c, unsigned char *to, size_t max)
{
    size_t n = 0;
    while (n < max) {
        const uint8_t *frame;
        ssize_t size = nghttp2_session_mem_send(c->h2->session, &frame);
        if (size <= 0)
            break;
        assert((size_t)size <=
               NET_SCRATCH); /* the header block of an answer; other frames have 16 KiB at most */
        memcpy(to + n, frame, (size_t)size);
        n += (size_t)size;
    }
    return n;
}

bool http2_is_over(struct conn *c)
{
    return !nghttp2_session_want_read(c->h2->session) && !nghttp2_session_want_write(c->h2->session);
}

/* ---- for the loop ---- */

static nghttp2_session *new_session(struct conn *c)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session *session = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto out;
    nghttp2_option_set_no_closed_streams(option, 1); /* no priorities here: forget ended streams */
    nghttp2_option_set_peer_max_concurrent_streams(option, LIMIT_STREAMS_PER_CONNECTION);
#ifdef HAVE_STREAM_RESET_RATE_LIMIT
    nghttp2_option_set_stream_reset_rate_limit(option, RESETS_AT_ONCE, RESETS_A_SECOND);
#endif
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    if (nghttp2_session_server_new2(&session, callbacks, c, option) != 0)
        session = NULL;
out:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

bool http2_add(struct conn *c)
{
    const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LIMIT_STREAMS_PER_CONNECTION },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_HEADER_BYTES },
    };
    struct http2 *h = c->h2 = calloc(1, sizeof *h);
    if (!h)
        return false;
    link_init(&h->exchanges);
    buf_init(&h->text, LIMIT_HEADER_BYTES);
    http2_watch_init(&h->watch, c->net->now_ns);
    h->session = new_session(c);
    return h->session && nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, 3) == 0 &&
           nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) == 0;
}

void http2_free(struct conn *c)
{
    struct http2 *h = c->h2;
    if (!h)
        return;
    while (!link_empty(&h->exchanges))
        exchange_over(LINK_OF(struct exchange, of_conn, h->exchanges.next));
    nghttp2_session_del(h->session);
    free(c->rest);
    c->rest = NULL;
    buf_dispose(&h->text);
    free(h);
    c->h2 = NULL;
}

/* What a client does not take is kept: for a while, and not without bound. False: there is too much of it. */
static bool check_unread(struct conn *c)
{
    struct http2 *h = c->h2;
    const int64_t limit = (int64_t)c->net->options.unread_ms * 1000000, now = c->net->now_ns;
    size_t unread = 0;
    for (struct link *l = h->exchanges.next; l != &h->exchanges; l = l->next) {
        struct exchange *e = LINK_OF(struct exchange, of_conn, l);
        size_t pending = exchange_pending(e);
        unread += pending;
        if (pending == 0 || e->taken_ns == 0) {
            e->taken_ns = pending ? now : 0;
        } else if (now - e->taken_ns > limit) {
            nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, e->stream_id, NGHTTP2_ENHANCE_YOUR_CALM);
            conn_dirty(c);
        }
    }
    return unread <= LIMIT_UNREAD_BYTES || now - h->taken_ns <= (int64_t)UNREAD_GRACE_MS * 1000000;
}

static void check_requests(struct conn *c)
{
    struct http2 *h = c->h2;
    const int64_t limit = (int64_t)c->net->options.read_deadline_ms * 1000000, now = c->net->now_ns;
    for (struct link *l = h->exchanges.next; l != &h->exchanges; l = l->next) {
        struct exchange *e = LINK_OF(struct exchange, of_conn, l);
        if (e->input_ended || e->body_mode == NET_BODY_STREAM || now - e->since_ns <= limit)
            continue;
        nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, e->stream_id, NGHTTP2_CANCEL);
        conn_dirty(c);
    }
}

void http2_check(struct conn *c)
{
    struct http2 *h = c->h2;
    const struct net_options *o = &c->net->options;
    const int64_t read = (int64_t)o->read_deadline_ms * 1000000, unread = (int64_t)o->unread_ms * 1000000;
    const int64_t now = c->net->now_ns;
    if (c->rest && now - c->rest_since_ns > unread) {
        conn_close(c);
    } else if ((http2_watch_in_frame(&h->watch) && now - h->watch.frame_since_ns > read) ||
               (h->in_block && now - h->block_since > read) || !check_unread(c)) {
        say_goodbye(h, NGHTTP2_ENHANCE_YOUR_CALM);
        http2_end(c);
    } else {
        check_requests(c);
    }
}

void http2_stop(struct conn *c)
{
    struct http2 *h = c->h2;
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->session);
    nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
    conn_dirty(c);
}

/* h2_client.h - a small blocking HTTP/2 client for tests: nghttp2's client side over one socket. */
#ifndef TESTS_SERVER_H2_CLIENT_H
#define TESTS_SERVER_H2_CLIENT_H

#include "core/buf.h"

#include <nghttp2/nghttp2.h>

struct h2_stream {
    struct h2_stream *next;
    int32_t id;
    int status;
    unsigned header_frames;       /* HEADERS seen: 1 is Trailers-Only or an answer without trailers */
    bool end_with_first;          /* END_STREAM came with the first HEADERS */
    struct buf headers, trailers; /* "name: value\n" each */
    struct buf body;
    bool closed;
    uint32_t error;
    const unsigned char *send; /* what is left of the request's body */
    size_t send_n;
    bool keep_open; /* no END_STREAM after it */
};

struct h2_client {
    int fd;
    nghttp2_session *session;
    struct h2_stream *streams;
    bool goaway, ended; /* GOAWAY came; the connection ended */
    unsigned pings;     /* acknowledged */
};

/* Takes over a connected socket. window: initial stream window, 0 for the default of 65535. */
void h2_open(struct h2_client *c, int fd, uint32_t window);
/* `headers`: pairs of name and value ended by NULL; NULL for none. body may be NULL: END_STREAM at once
 * unless keep_open. The body must stay. */
struct h2_stream *h2_send(struct h2_client *c, const char *method, const char *path,
                          const char *const *headers, const void *body, size_t n, bool keep_open);
/* Exchanges bytes until the stream is closed, the connection has ended or 10 s passed (then false). */
bool h2_wait(struct h2_client *c, struct h2_stream *stream);
/* Exchanges bytes until the condition holds; the same return. */
bool h2_until(struct h2_client *c, bool (*holds)(struct h2_client *c, void *data), void *data);
/* Sends what is queued without waiting for anything. */
void h2_flush(struct h2_client *c);
/* The value of a header or trailer, "" when absent. */
const char *h2_header(const struct buf *headers, const char *name);
void h2_close(struct h2_client *c);

#endif

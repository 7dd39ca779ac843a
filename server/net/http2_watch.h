/* http2_watch.h - what a client sends over HTTP/2 that asks for nothing, counted; pure code, no nghttp2.
 *
 * Some frames cost the server more than the client, and HTTP/2 sets no bound to them: rapid resets
 * (CVE-2023-44487), header blocks without an end (CVE-2024-27316), PING and SETTINGS floods (CVE-2019-9512,
 * -9515), empty frames (CVE-2019-9518). Each kind has an allowance, a row of the table in http2_watch.c with
 * its numbers in core/limits.h: so many at once, so many a second in the long run. Whoever is over it gets
 * GOAWAY with ENHANCE_YOUR_CALM; its other connections and everybody else's go on.
 *
 * What ordinary clients do is far below, or does not count: pings in step with answers (grpc-go measures the
 * bandwidth with one for nearly every DATA frame it gets), the RST_STREAM that grpc-js sends after an answer
 * has ended, the cancel that ends a listener.
 *
 * The bytes are looked at before nghttp2 sees them, since it tells neither of empty frames nor of header
 * blocks that are not complete, nor that it waits for half a frame. */
#ifndef SERVER_NET_HTTP2_WATCH_H
#define SERVER_NET_HTTP2_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http2_nuisance {
    NUISANCE_PING,     /* not those that answer ours */
    NUISANCE_SETTINGS, /* the same */
    NUISANCE_EMPTY,    /* DATA and header frames of no byte that end nothing, PRIORITY, unknown frames */
    NUISANCE_RESET,    /* a request taken back before a byte of its answer went out; told by http2_watch_count */
    NUISANCE_HEADERS,  /* a header block over the maximum; told by http2_watch_count */
    NUISANCES,
};

enum { HTTP2_PREFACE = 24, HTTP2_FRAME_HEADER = 9 };

struct http2_watch {
    unsigned char header[HTTP2_FRAME_HEADER]; /* of the frame that is arriving */
    size_t have, skip;          /* bytes of it that are there; bytes of its payload still to come */
    int64_t frame_since_ns;     /* when its first byte came */
    unsigned continuations;     /* of the header block that is arriving */
    int64_t paid_ns[NUISANCES]; /* see http2_watch_count */
};

/* The preface is still to come. */
void http2_watch_init(struct http2_watch *watch, int64_t now_ns);
/* Looks at the next bytes. NULL, or what there is too much of (a constant, to be sent to the client). */
const char *http2_watch_bytes(struct http2_watch *watch, const unsigned char *bytes, size_t n,
                              int64_t now_ns);
/* One more of a kind; the same return. */
const char *http2_watch_count(struct http2_watch *watch, enum http2_nuisance kind, int64_t now_ns);
/* A frame of an answer has gone out. */
void http2_watch_answered(struct http2_watch *watch);
/* A frame has begun and not ended. */
bool http2_watch_in_frame(const struct http2_watch *watch);

#endif

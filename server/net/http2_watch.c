/* http2_watch.c - see http2_watch.h. */
#include "server/net/http2_watch.h"

#include "core/limits.h"

/* RFC 9113, 6 */
enum frame_type {
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_RST_STREAM = 3,
    FRAME_SETTINGS = 4,
    FRAME_PUSH_PROMISE = 5,
    FRAME_PING = 6,
    FRAME_WINDOW_UPDATE = 8,
    FRAME_CONTINUATION = 9,
};
enum { FLAG_ACK = 1, FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4 };
enum { PINGS_OF_AN_ANSWER = 2 }; /* for each frame of it */

static const struct {
    const char *what;
    int64_t at_once, a_second;
} allowances[NUISANCES] = {
    [NUISANCE_PING] = { "too_many_pings", LIMIT_HTTP2_PINGS,
                        LIMIT_HTTP2_PINGS_S }, /* gRPC's own word for it */
    [NUISANCE_SETTINGS] = { "too many SETTINGS", LIMIT_HTTP2_SETTINGS, LIMIT_HTTP2_SETTINGS_S },
    [NUISANCE_EMPTY] = { "too many frames without content", LIMIT_HTTP2_EMPTY, LIMIT_HTTP2_EMPTY_S },
    [NUISANCE_RESET] = { "too many requests taken back at once", LIMIT_HTTP2_RESETS, LIMIT_HTTP2_RESETS_S },
    [NUISANCE_HEADERS] = { "too many header blocks over the maximum", LIMIT_HTTP2_LARGE_HEADERS,
                           LIMIT_HTTP2_LARGE_HEADERS_S },
};

static int64_t price(enum http2_nuisance kind)
{
    return INT64_C(1000000000) / allowances[kind].a_second;
}

/* Each one costs 1/a_second of time. paid_ns is until when the past ones are paid for: behind the clock,
 * nothing is owed; ahead of it by more than at_once of them, the allowance is used up. */
const char *http2_watch_count(struct http2_watch *w, enum http2_nuisance kind, int64_t now)
{
    int64_t *paid = &w->paid_ns[kind];
    if (*paid < now)
        *paid = now;
    *paid += price(kind);
    return *paid - now > allowances[kind].at_once * price(kind) ? allowances[kind].what : NULL;
}

void http2_watch_answered(struct http2_watch *w)
{
    w->paid_ns[NUISANCE_PING] -= PINGS_OF_AN_ANSWER * price(NUISANCE_PING);
}

void http2_watch_init(struct http2_watch *w, int64_t now)
{
    *w = (struct http2_watch){ .skip = HTTP2_PREFACE, .frame_since_ns = now };
}

bool http2_watch_in_frame(const struct http2_watch *w)
{
    return w->have || w->skip;
}

static const char *count_header_frame(struct http2_watch *w, enum frame_type type, bool ends, bool empty,
                                      int64_t now)
{
    w->continuations = type == FRAME_CONTINUATION ? w->continuations + 1 : 0;
    if (w->continuations > LIMIT_HTTP2_CONTINUATIONS)
        return "too many CONTINUATION frames";
    return empty && !ends ? http2_watch_count(w, NUISANCE_EMPTY, now) : NULL;
}

/* The frame's header is complete. */
static const char *count_frame(struct http2_watch *w, int64_t now)
{
    enum frame_type type = w->header[3];
    unsigned flags = w->header[4];
    bool empty = w->skip == 0;
    switch (type) {
    case FRAME_DATA:
        return empty && !(flags & FLAG_END_STREAM) ? http2_watch_count(w, NUISANCE_EMPTY, now) : NULL;
    case FRAME_HEADERS:
    case FRAME_CONTINUATION:
        return count_header_frame(w, type, flags & FLAG_END_HEADERS, empty, now);
    case FRAME_SETTINGS:
        return flags & FLAG_ACK ? NULL : http2_watch_count(w, NUISANCE_SETTINGS, now);
    case FRAME_PING:
        return flags & FLAG_ACK ? NULL : http2_watch_count(w, NUISANCE_PING, now);
    case FRAME_RST_STREAM:    /* counted by what it resets */
    case FRAME_PUSH_PROMISE:  /* an error, which nghttp2 tells */
    case FRAME_WINDOW_UPDATE: /* as many as the client takes bytes; costs nothing */
        return NULL;
    }
    return http2_watch_count(w, NUISANCE_EMPTY, now);
}

const char *http2_watch_bytes(struct http2_watch *w, const unsigned char *p, size_t n, int64_t now)
{
    const char *flood = NULL;
    while (n) {
        if (w->skip) {
            size_t part = n < w->skip ? n : w->skip;
            w->skip -= part;
            p += part;
            n -= part;
            continue;
        }
        if (w->have == 0)
            w->frame_since_ns = now;
        w->header[w->have++] = *p++;
        n--;
        if (w->have < HTTP2_FRAME_HEADER)
            continue;
        w->have = 0;
        w->skip = (size_t)w->header[0] << 16 | (size_t)w->header[1] << 8 | w->header[2];
        const char *what = count_frame(w, now);
        flood = flood ? flood : what;
    }
    return flood;
}

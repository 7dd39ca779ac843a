/* webchannel_session.c - see webchannel_session.h. */
#include "server/transport/webchannel_session.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/codec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_MAX = 1024 * 1024 };
static const int64_t SECOND_NS = 1000000000;

size_t channel_headers(const struct request *r, struct net_header *out)
{
    size_t n = request_headers(r, out, "text/plain; charset=utf-8");
    out[n++] =
        (struct net_header){ STR("access-control-expose-headers"),
                             STR("x-client-wire-protocol, x-http-session-id, x-http-initial-response") };
    out[n++] = (struct net_header){ STR("x-content-type-options"), STR("nosniff") };
    out[n++] = (struct net_header){ STR("cache-control"), STR("private, max-age=0") };
    return n;
}

/* ---- the back channel; all with the lock held ---- */

static void let_go(struct request **at)
{
    struct request *r = *at;
    *at = NULL;
    if (r)
        exchange_release(r->exchange);
}

/* The answer before the present one: a client that has asked again does not read it any more. */
static void drop_last(struct channel *c)
{
    if (c->last && exchange_pending(c->last->exchange))
        exchange_abort(c->last->exchange);
    let_go(&c->last);
}

static void end_back(struct channel *c)
{
    drop_last(c);
    if (!c->back->ended) /* by a fault, which has had the last word */
        exchange_finish(c->back->exchange, NULL, 0);
    c->last = c->back;
    c->last_unread = exchange_pending(c->last->exchange);
    c->back = NULL;
}

/* Gives the back channel what waits for it, and ends it when that was all it was for. */
static void pump(struct channel *c)
{
    bool wrote = false;
    if (!c->back)
        return;
    if (channel_out_waits(&c->out)) {
        struct buf chunk;
        /* No larger than it must be: it stays as long as the client does not read. */
        buf_init(&chunk, channel_out_room(&c->out));
        bool fits = channel_out_take(&c->out, &chunk);
        assert(fits);
        (void)fits;
        c->answered += chunk.len;
        c->spoke_ns = clock_mono_ns();
        exchange_write(c->back->exchange, &chunk);
        wrote = true;
    }
    if (c->finished || (wrote && c->polling) || c->answered > LIMIT_CHANNEL_ANSWER)
        end_back(c);
    assert(!c->back ||
           c->out.bytes <=
               LIMIT_CHANNEL_ANSWER); /* so a call that is parked has a client that comes back (W4) */
}

static void put(struct channel *c, struct str payload)
{
    if (c->over)
        return;
    channel_out_put(&c->out, payload);
    pump(c);
}

static void put_error(struct channel *c, const struct status *status)
{
    struct buf payload;
    buf_init(&payload, ERROR_MAX);
    buf_byte(&payload, '[');
    if (!http_error_json(&payload, status)) {
        struct status plain = *status;
        plain.details = NULL; /* too many of them */
        buf_clear(&payload);
        buf_byte(&payload, '[');
        http_error_json(&payload, &plain);
    }
    buf_byte(&payload, ']');
    put(c, buf_view(&payload));
    buf_dispose(&payload);
}

/* Whether the call, which waits for it, is to be poked. */
static bool has_drained(struct channel *c)
{
    bool drained = c->waits && (c->over || c->leaving || c->out.bytes < LIMIT_RESPONSE_BUFFER / 2);
    if (drained)
        c->waits = false;
    return drained;
}

/* ---- the sink ---- */

static struct channel *of_sink(struct reply_sink *sink)
{
    return request_of_sink(sink)->opened;
}

static void on_message(struct reply_sink *sink, const void *response)
{
    struct request *r = request_of_sink(sink);
    struct channel *c = r->opened;
    struct buf payload;
    buf_init(&payload, LIMIT_RESPONSE_BYTES);
    buf_byte(&payload, '[');
    protojson_encode(&payload, r->rpc->response, response, 0);
    buf_byte(&payload, ']');
    r->call->notes.response_bytes += payload.len;
    pthread_mutex_lock(&c->lock);
    if (payload.overflowed) {
        struct status st = status_init(NULL);
        status_set(&st, STATUS_RESOURCE_EXHAUSTED, "the answer is larger than %d MiB",
                   LIMIT_RESPONSE_BYTES >> 20);
        put_error(c, &st);
    } else {
        put(c, buf_view(&payload));
    }
    pthread_mutex_unlock(&c->lock);
    if (payload.overflowed)
        inbox_end(&r->inbox, STATUS_RESOURCE_EXHAUSTED, "the answer was too large");
    buf_dispose(&payload);
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct channel *c = of_sink(sink);
    pthread_mutex_lock(&c->lock);
    assert(!c->finished);
    if (status->code)
        put_error(c, status);
    c->finished = true;
    pump(c);
    pthread_mutex_unlock(&c->lock);
    request_end_call(c->opener);
    channel_unref(c);
}

static size_t on_pending(struct reply_sink *sink)
{
    struct channel *c = of_sink(sink);
    pthread_mutex_lock(&c->lock);
    size_t n = c->over || c->leaving ? 0 : c->out.bytes;
    pthread_mutex_unlock(&c->lock);
    return n;
}

static void on_when_drained(struct reply_sink *sink)
{
    struct channel *c = of_sink(sink);
    pthread_mutex_lock(&c->lock);
    c->waits = true;
    bool poke = has_drained(c);
    pthread_mutex_unlock(&c->lock);
    if (poke)
        request_poke(c->opener, false);
}

/* A fault befalls the back channel; where there is none, the next one. */
static void befall(struct channel *c)
{
    if (!c->faulty || !c->back)
        return;
    c->faulty = false;
    pthread_mutex_lock(&c->back->lock);
    request_fault(c->back, c->fault);
    pthread_mutex_unlock(&c->back->lock);
    c->over = c->fault != SINK_GOAWAY;
}

static void on_fault(struct reply_sink *sink, enum sink_fault fault)
{
    struct channel *c = of_sink(sink);
    pthread_mutex_lock(&c->lock);
    c->faulty = true;
    c->fault = fault;
    befall(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- life ---- */

struct channel *channel_new(struct request *opener)
{
    struct channel *c = calloc(1, sizeof *c);
    unsigned char random[CHANNEL_SID / 2];
    if (!c) {
        fprintf(stderr, "cinderlog: out of memory (a channel); stopping\n");
        abort();
    }
    clock_random(random, sizeof random);
    hex_print(c->sid, random, sizeof random);
    atomic_init(&c->refs, 2);
    pthread_mutex_init(&c->lock, NULL);
    channel_in_init(&c->in);
    channel_out_init(&c->out);
    c->heard_ns = c->spoke_ns = clock_mono_ns();
    c->opener = opener;
    opener->opened = c;
    opener->sink = (struct reply_sink){ on_message, on_finish, on_pending, on_when_drained, on_fault };
    return c;
}

void channel_ref(struct channel *c)
{
    atomic_fetch_add(&c->refs, 1);
}

void channel_unref(struct channel *c)
{
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    assert(!c->back && !c->last && !c->listed);
    channel_in_dispose(&c->in);
    channel_out_dispose(&c->out);
    pthread_mutex_destroy(&c->lock);
    exchange_release(c->opener->exchange);
    free(c);
}

/* ---- the client's side ---- */

static void deliver(void *data, struct str message)
{
    inbox_put(data, message);
}

enum status_code channel_receive(struct channel *c, const struct channel_form *form, struct status *st)
{
    struct inbox *inbox = &c->opener->inbox;
    pthread_mutex_lock(&c->lock);
    c->heard_ns = clock_mono_ns();
    for (size_t i = 0; i < form->count && st->code == STATUS_OK; i++) {
        if (!form->messages[i].p)
            status_set(st, STATUS_INVALID_ARGUMENT, "req%zu___data__: it is missing, and count is %zu", i,
                       form->count);
        else if (!channel_in_take(&c->in, form->ofs + i, form->messages[i], deliver, inbox))
            status_set(st, STATUS_RESOURCE_EXHAUSTED,
                       "too many messages have come before their turn; the next is number %llu",
                       (unsigned long long)c->in.next);
    }
    pthread_mutex_unlock(&c->lock);
    request_poke(c->opener, false);
    return st->code;
}

void channel_ack(struct channel *c, int64_t aid)
{
    pthread_mutex_lock(&c->lock);
    channel_out_ack(&c->out, aid);
    bool poke = has_drained(c);
    pthread_mutex_unlock(&c->lock);
    if (poke)
        request_poke(c->opener, false);
}

bool channel_is_usable(struct channel *c)
{
    pthread_mutex_lock(&c->lock);
    bool usable = !c->over && !c->leaving;
    pthread_mutex_unlock(&c->lock);
    return usable;
}

struct channel_state channel_state(struct channel *c)
{
    pthread_mutex_lock(&c->lock);
    struct channel_state state = { c->back != NULL, channel_out_last_id(&c->out), c->out.bytes };
    pthread_mutex_unlock(&c->lock);
    return state;
}

static void begin_back(struct channel *c, struct request *r, bool polling)
{
    struct net_header headers[CHANNEL_HEADERS_MAX];
    if (c->back)
        end_back(c);
    drop_last(c);
    c->back = r;
    c->polling = polling;
    c->answered = 0;
    channel_out_rewind(&c->out);
    exchange_start(r->exchange, 200, headers, channel_headers(r, headers));
    befall(c);
    /* Without a first byte soon the client takes it that something between us holds bytes back, and falls
     * back to polling. */
    if (!channel_out_waits(&c->out) && !polling)
        put(c, STR("[\"noop\"]"));
    pump(c);
}

bool channel_attach(struct channel *c, struct request *r, bool polling, int64_t aid)
{
    channel_ack(c, aid);
    pthread_mutex_lock(&c->lock);
    bool open = !c->over && !(c->finished && !c->out.first);
    if (open) {
        channel_ref(c); /* of the request */
        pthread_mutex_lock(&r->lock);
        r->channel = c;
        pthread_mutex_unlock(&r->lock);
        c->heard_ns = clock_mono_ns();
        begin_back(c, r, polling);
        if (c->back == r &&
            exchange_cancelled(r->exchange)) /* closed() may have come before r->channel was set */
            let_go(&c->back);
    }
    pthread_mutex_unlock(&c->lock);
    return open;
}

void channel_detach(struct channel *c, struct request *r)
{
    pthread_mutex_lock(&c->lock);
    if (c->back == r) {
        c->heard_ns = clock_mono_ns();
        let_go(&c->back);
    }
    if (c->last == r)
        let_go(&c->last);
    pthread_mutex_unlock(&c->lock);
}

/* ---- the end ---- */

void channel_leave(struct channel *c, enum status_code code, const char *why)
{
    inbox_end(&c->opener->inbox, code, why);
    pthread_mutex_lock(&c->lock);
    c->leaving = true;
    c->waits = false;
    pthread_mutex_unlock(&c->lock);
    request_poke(c->opener, false);
}

/* With the lock held. */
static void end_locked(struct channel *c)
{
    c->over = true;
    c->waits = false;
    if (c->back)
        end_back(c);
    let_go(&c->last);
    channel_out_dispose(&c->out);
}

void channel_end(struct channel *c)
{
    pthread_mutex_lock(&c->lock);
    end_locked(c);
    pthread_mutex_unlock(&c->lock);
}

/* Whether the client reads: it has a back channel, or takes bytes of the one before. */
static bool is_reading(struct channel *c)
{
    if (!c->last)
        return c->back != NULL;
    size_t unread = exchange_pending(c->last->exchange);
    bool reading = unread < c->last_unread;
    c->last_unread = unread;
    if (unread == 0)
        let_go(&c->last);
    return reading || c->back;
}

bool channel_tick(struct channel *c, int64_t now_ns)
{
    pthread_mutex_lock(&c->lock);
    if (is_reading(c))
        c->heard_ns = now_ns;
    if (c->back && now_ns - c->spoke_ns >= LIMIT_CHANNEL_BEAT_S * SECOND_NS &&
        !exchange_pending(c->back->exchange))
        put(c, STR("[\"noop\"]"));
    bool delivered = c->finished && (c->leaving || !c->out.first);
    bool ends = c->over || delivered || now_ns - c->heard_ns >= LIMIT_CHANNEL_IDLE_S * SECOND_NS;
    if (ends)
        end_locked(c);
    pthread_mutex_unlock(&c->lock);
    if (ends)
        request_poke(c->opener, true);
    return ends;
}

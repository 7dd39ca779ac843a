/* feed.c - see feed.h: a ring of past evaluations and the listeners, under one lock, so that all are told in one
 * order and none twice. */
#include "server/ops/feed.h"

#include "core/clock.h"
#include "core/codec.h"
#include "core/limits.h"
#include "core/timestamp.h"
#include "server/net/net.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct listener {
    struct feed *feed;
    struct exchange *exchange; /* NULL: free */
    void (*gone)(void *data);
    void *data;
};

struct feed {
    bool always;
    atomic_uint n_listeners;
    pthread_mutex_t lock; /* guards the rest */
    struct buf kept[LIMIT_FEED_KEPT]; /* a ring */
    size_t first, n_kept, kept_bytes;
    struct listener listeners[LIMIT_FEED_LISTENERS];
};

struct feed *feed_new(bool always)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        abort();
    feed->always = always;
    atomic_init(&feed->n_listeners, 0);
    pthread_mutex_init(&feed->lock, NULL);
    return feed;
}

/* ---- the ring ---- */

static void forget_oldest(struct feed *feed)
{
    struct buf *oldest = &feed->kept[feed->first];
    feed->kept_bytes -= oldest->len;
    buf_dispose(oldest);
    feed->first = (feed->first + 1) % LIMIT_FEED_KEPT;
    feed->n_kept--;
}

static void keep(struct feed *feed, struct str text)
{
    while (feed->n_kept && (feed->n_kept == LIMIT_FEED_KEPT || feed->kept_bytes + text.n > LIMIT_FEED_BYTES))
        forget_oldest(feed);
    struct buf *newest = &feed->kept[(feed->first + feed->n_kept++) % LIMIT_FEED_KEPT];
    buf_init(newest, text.n);
    buf_str(newest, text);
    feed->kept_bytes += text.n;
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    assert(atomic_load(&feed->n_listeners) == 0);
    while (feed->n_kept)
        forget_oldest(feed);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}

/* ---- telling ---- */

bool feed_wanted(const struct feed *feed)
{
    return feed && (feed->always || atomic_load_explicit(&feed->n_listeners, memory_order_relaxed) > 0);
}

/* A random UUID (RFC 9562, version 4). */
static void put_uuid(struct buf *out)
{
    unsigned char b[16];
    clock_random(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof b; i++)
        buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

static void put_release(struct buf *out, const char *member, struct str project, const char *number)
{
    struct buf name;
    buf_init(&name, 4096);
    buf_printf(&name, "projects/" STR_FMT "/releases/cloud.firestore%s", STR_ARG(project), number);
    json_write_member(out, member, buf_view(&name));
    buf_dispose(&name);
}

/* `record` with the members of the host in front. */
static void put_entry(struct buf *out, struct str project, const struct ruleset *ruleset, struct str record)
{
    const unsigned char *digest = rules_digest(ruleset);
    char number[16], now[TIMESTAMP_TEXT_MAX];
    snprintf(number, sizeof number, "%u",
             (unsigned)digest[0] << 24 | (unsigned)digest[1] << 16 | (unsigned)digest[2] << 8 | digest[3]);
    buf_z(out, "{\"requestId\":\"");
    put_uuid(out);
    buf_byte(out, '"');
    put_release(out, "rulesReleaseKey", project, number);
    put_release(out, "rulesReleaseName", project, "");
    json_write_member(out, "time", str_from(now, timestamp_text(now, timestamp_from_us(clock_wall_us()))));
    buf_byte(out, ',');
    buf_str(out, str_skip(record, 1));
}

static void send_to(struct listener *l, struct str text)
{
    struct buf own;
    if (exchange_pending(l->exchange) + text.n > LIMIT_FEED_UNREAD) {
        exchange_abort(l->exchange);
        return;
    }
    buf_init(&own, text.n);
    buf_str(&own, text);
    exchange_write(l->exchange, &own);
}

void feed_tell(struct feed *feed, struct str project, const struct ruleset *ruleset, struct str record)
{
    struct buf entry;
    buf_init(&entry, LIMIT_FEED_BYTES);
    put_entry(&entry, project, ruleset, record);
    if (!entry.overflowed) {
        pthread_mutex_lock(&feed->lock);
        keep(feed, buf_view(&entry));
        for (size_t i = 0; i < LIMIT_FEED_LISTENERS; i++)
            if (feed->listeners[i].exchange)
                send_to(&feed->listeners[i], buf_view(&entry));
        pthread_mutex_unlock(&feed->lock);
    }
    buf_dispose(&entry);
}

/* ---- listeners ---- */

static void leave(void *data)
{
    struct listener *l = data, left = *l; /* only this thread, the loop's, changes a listener's place */
    pthread_mutex_lock(&l->feed->lock);
    l->exchange = NULL;
    atomic_fetch_sub(&l->feed->n_listeners, 1);
    pthread_mutex_unlock(&left.feed->lock);
    left.gone(left.data);
}

static struct listener *free_place(struct feed *feed)
{
    for (size_t i = 0; i < LIMIT_FEED_LISTENERS; i++)
        if (!feed->listeners[i].exchange)
            return &feed->listeners[i];
    return NULL;
}

static void send_kept(const struct feed *feed, struct exchange *exchange)
{
    struct buf all;
    buf_init(&all, feed->kept_bytes + feed->n_kept + 2);
    buf_byte(&all, '[');
    for (size_t i = 0; i < feed->n_kept; i++) {
        buf_z(&all, i ? "," : "");
        buf_str(&all, buf_view(&feed->kept[(feed->first + i) % LIMIT_FEED_KEPT]));
    }
    buf_byte(&all, ']');
    exchange_write(exchange, &all);
}

bool feed_join(struct feed *feed, struct exchange *exchange, void (*gone)(void *data), void *data)
{
    pthread_mutex_lock(&feed->lock);
    struct listener *l = free_place(feed);
    if (l) {
        *l = (struct listener){ feed, exchange, gone, data };
        atomic_fetch_add(&feed->n_listeners, 1);
        exchange_websocket(exchange);
        send_kept(feed, exchange);
    }
    pthread_mutex_unlock(&feed->lock);
    if (l)
        exchange_when_drained(exchange, 0, leave, l); /* never less than nothing: only when it is over */
    return l != NULL;
}

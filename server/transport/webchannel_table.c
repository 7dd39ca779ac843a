/* webchannel_table.c - see webchannel_table.h. */
#include "server/transport/webchannel_table.h"

#include "core/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 256, TICK_MS = 1000 };

struct channels {
    struct task task;         /* first */
    struct pool *const *pool; /* the server's: opened after the sockets, before any session */
    pthread_mutex_t lock;
    struct channel *buckets[BUCKETS];
    size_t n;
    bool ticking; /* the task is with the pool */
};

static struct channel **bucket(struct channels *t, struct str sid)
{
    return &t->buckets[str_hash(STR_HASH_SEED, sid) % BUCKETS];
}

/* Takes *at out of its list. Its reference is the caller's. */
static struct channel *unlist(struct channels *t, struct channel **at)
{
    struct channel *c = *at;
    *at = c->next;
    c->listed = false;
    t->n--;
    return c;
}

/* Nothing ticks while there is no session. */
static void arm_locked(struct channels *t)
{
    if (t->ticking || t->n == 0 || pool_closing(*t->pool))
        return;
    t->ticking = true;
    pool_post_later(*t->pool, &t->task, TICK_MS);
}

static void tick(struct task *task, struct worker *worker)
{
    struct channels *t = (struct channels *)task;
    int64_t now = clock_mono_ns();
    (void)worker;
    pthread_mutex_lock(&t->lock);
    t->ticking = false;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct channel **at = &t->buckets[i]; *at;)
            if (channel_tick(*at, now))
                channel_unref(unlist(t, at));
            else
                at = &(*at)->next;
    arm_locked(t);
    pthread_mutex_unlock(&t->lock);
}

bool channels_add(struct channels *t, struct channel *c)
{
    struct channel **first = bucket(t, str_of(c->sid));
    pthread_mutex_lock(&t->lock);
    bool room = t->n < LIMIT_CHANNELS;
    if (room) {
        channel_ref(c);
        c->listed = true;
        c->next = *first;
        *first = c;
        t->n++;
        arm_locked(t);
    }
    pthread_mutex_unlock(&t->lock);
    return room;
}

struct channel *channels_find(struct channels *t, struct str sid)
{
    pthread_mutex_lock(&t->lock);
    struct channel *c = *bucket(t, sid);
    while (c && !str_eq_z(sid, c->sid))
        c = c->next;
    if (c && channel_is_usable(c))
        channel_ref(c);
    else
        c = NULL;
    pthread_mutex_unlock(&t->lock);
    return c;
}

struct channels *channels_new(struct pool *const *pool)
{
    struct channels *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task.run = tick;
    t->pool = pool;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void channels_stop(struct channels *t)
{
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct channel *c = t->buckets[i]; c; c = c->next)
            channel_leave(c, STATUS_UNAVAILABLE, "cinderlog is shutting down");
    pthread_mutex_unlock(&t->lock);
}

void channels_free(struct channels *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->buckets[i]) {
            struct channel *c = unlist(t, &t->buckets[i]);
            channel_end(c);
            channel_unref(c);
        }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

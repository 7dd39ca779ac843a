/* deadlines.c - see deadlines.h. */
#include "server/transport/deadlines.h"

#include "core/clock.h"
#include "server/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct deadlines {
    struct task task;         /* first */
    struct pool *const *pool; /* the server's: opened after the sockets, before any call */
    pthread_mutex_t lock;
    struct deadline **heap; /* heap[1] is the earliest; place_ is the index */
    size_t n, cap;
    bool armed;
};

static void put(struct deadlines *d, size_t i, struct deadline *deadline)
{
    d->heap[i] = deadline;
    deadline->place_ = i;
}

static void sift_up(struct deadlines *d, size_t i)
{
    struct deadline *moved = d->heap[i];
    for (; i > 1 && moved->at_ns < d->heap[i / 2]->at_ns; i /= 2)
        put(d, i, d->heap[i / 2]);
    put(d, i, moved);
}

static void sift_down(struct deadlines *d, size_t i)
{
    struct deadline *moved = d->heap[i];
    for (size_t child; (child = 2 * i) <= d->n; i = child) {
        if (child < d->n && d->heap[child + 1]->at_ns < d->heap[child]->at_ns)
            child++;
        if (d->heap[child]->at_ns >= moved->at_ns)
            break;
        put(d, i, d->heap[child]);
    }
    put(d, i, moved);
}

static void remove_locked(struct deadlines *d, struct deadline *deadline)
{
    size_t i = deadline->place_;
    struct deadline *last = d->heap[d->n--];
    deadline->place_ = 0;
    if (last == deadline)
        return;
    put(d, i, last);
    sift_up(d, i);
    sift_down(d, last->place_);
}

/* One task, so one timer: a deadline that comes later but is due earlier waits for it, which is why the
 * timer never waits long. Nothing is armed while nothing is running. */
static void arm_locked(struct deadlines *d)
{
    enum { LONGEST_MS = 50 };
    if (d->armed || d->n == 0 || pool_closing(*d->pool))
        return;
    int64_t ms = (d->heap[1]->at_ns - clock_mono_ns()) / 1000000 + 1;
    d->armed = true;
    pool_post_later(*d->pool, &d->task, ms < 1 ? 1 : ms > LONGEST_MS ? LONGEST_MS : (int)ms);
}

static void fire(struct task *task, struct worker *worker)
{
    struct deadlines *d = (struct deadlines *)task;
    (void)worker;
    pthread_mutex_lock(&d->lock);
    d->armed = false;
    int64_t now = clock_mono_ns();
    while (d->n && d->heap[1]->at_ns <= now) {
        struct deadline *deadline = d->heap[1];
        remove_locked(d, deadline);
        deadline->passed(deadline);
    }
    arm_locked(d);
    pthread_mutex_unlock(&d->lock);
}

void deadlines_add(struct deadlines *d, struct deadline *deadline)
{
    pthread_mutex_lock(&d->lock);
    assert(deadline->place_ == 0);
    if (d->n + 2 > d->cap) {
        d->cap = d->cap ? d->cap * 2 : 256;
        d->heap = realloc(d->heap, d->cap * sizeof *d->heap);
        if (!d->heap) {
            fprintf(stderr, "cinderlog: out of memory (deadlines); stopping\n");
            abort();
        }
    }
    put(d, ++d->n, deadline);
    sift_up(d, d->n);
    arm_locked(d);
    pthread_mutex_unlock(&d->lock);
}

void deadlines_remove(struct deadlines *d, struct deadline *deadline)
{
    pthread_mutex_lock(&d->lock);
    if (deadline->place_)
        remove_locked(d, deadline);
    pthread_mutex_unlock(&d->lock);
}

struct deadlines *deadlines_new(struct pool *const *pool)
{
    struct deadlines *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->task.run = fire;
    d->pool = pool;
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void deadlines_free(struct deadlines *d)
{
    if (!d)
        return;
    pthread_mutex_destroy(&d->lock);
    free(d->heap);
    free(d);
}

/* pool.c - the workers and their timer.
 *
 * One queue under one mutex; a worker sleeps on the condition, with a deadline when a timer is due. Timers
 * are a binary heap: whichever worker is awake moves due tasks to the queue, so there is no timer thread. */
#include "server/pool.h"

#include "core/clock.h"
#include "storage/storage.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

struct timer {
    int64_t due_ns;
    struct task *task;
};

struct thread {
    pthread_t id;
    struct pool *pool;
    struct worker worker;
};

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct task *first, *last;
    size_t queued;
    struct timer *timers; /* a heap: the earliest first */
    size_t n_timers, cap_timers;
    unsigned idle; /* threads asleep */
    bool closing;
    unsigned n_threads;
    struct thread threads[THREADS_MAX];
};

/* ---- the heap of timers ---- */

static void swap(struct timer *a, struct timer *b)
{
    struct timer t = *a;
    *a = *b;
    *b = t;
}

static void timer_push(struct pool *p, struct timer timer)
{
    if (p->n_timers == p->cap_timers) {
        p->cap_timers = p->cap_timers ? p->cap_timers * 2 : 64;
        p->timers = realloc(p->timers, p->cap_timers * sizeof *p->timers);
        if (!p->timers) {
            fprintf(stderr, "cinderlog: out of memory (timers); stopping\n");
            abort();
        }
    }
    size_t i = p->n_timers++;
    p->timers[i] = timer;
    for (; i > 0 && p->timers[i].due_ns < p->timers[(i - 1) / 2].due_ns; i = (i - 1) / 2)
        swap(&p->timers[i], &p->timers[(i - 1) / 2]);
}

static struct task *timer_pop(struct pool *p)
{
    struct task *task = p->timers[0].task;
    p->timers[0] = p->timers[--p->n_timers];
    for (size_t i = 0;;) {
        size_t least = i, left = 2 * i + 1;
        if (left < p->n_timers && p->timers[left].due_ns < p->timers[least].due_ns)
            least = left;
        if (left + 1 < p->n_timers && p->timers[left + 1].due_ns < p->timers[least].due_ns)
            least = left + 1;
        if (least == i)
            return task;
        swap(&p->timers[i], &p->timers[least]);
        i = least;
    }
}

/* ---- the queue ---- */

static void push_locked(struct pool *p, struct task *task)
{
    task->next_ = NULL;
    if (p->last)
        p->last->next_ = task;
    else
        p->first = task;
    p->last = task;
    p->queued++;
}

static void take_due_locked(struct pool *p)
{
    if (p->n_timers == 0)
        return;
    int64_t now = clock_mono_ns();
    /* At the end nobody waits for a timer: what it would have woken is woken now. */
    while (p->n_timers && (p->closing || p->timers[0].due_ns <= now))
        push_locked(p, timer_pop(p));
}

static void sleep_locked(struct pool *p)
{
    p->idle++;
    if (p->n_timers == 0) {
        pthread_cond_wait(&p->wake, &p->lock);
    } else {
        /* The condition waits on the system's clock, the heap on ours, which tests may replace: only the
         * difference is carried over. */
        struct timespec until;
        int64_t wait = p->timers[0].due_ns - clock_mono_ns();
        clock_gettime(CLOCK_MONOTONIC, &until);
        if (wait > 0) {
            until.tv_sec += wait / 1000000000;
            until.tv_nsec += wait % 1000000000;
            if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
            }
        }
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
    }
    p->idle--;
}

/* The next task, or NULL at the end. */
static struct task *take(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    for (;;) {
        take_due_locked(p);
        if (p->first || p->closing)
            break;
        sleep_locked(p);
    }
    struct task *task = p->first;
    if (task) {
        p->first = task->next_;
        if (!p->first)
            p->last = NULL;
        p->queued--;
        /* Several were posted and one thread woken: pass it on. */
        if (p->first && p->idle)
            pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return task;
}

static void *work(void *data)
{
    struct thread *t = data;
    for (struct task *task; (task = take(t->pool));)
        task->run(task, &t->worker);
    return NULL;
}

void pool_post(struct pool *p, struct task *task)
{
    pthread_mutex_lock(&p->lock);
    push_locked(p, task);
    bool wake = p->idle > 0 && p->queued == 1;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->wake);
}

void pool_post_later(struct pool *p, struct task *task, int delay_ms)
{
    pthread_mutex_lock(&p->lock);
    int64_t due = clock_mono_ns() + (int64_t)delay_ms * 1000000;
    bool first = p->n_timers == 0 || due < p->timers[0].due_ns;
    timer_push(p, (struct timer){ due, task });
    bool wake = p->idle > 0 && (first || p->closing);
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->wake); /* one of the sleepers has to take the new, earlier deadline */
}

size_t pool_queued(const struct pool *pool)
{
    struct pool *p = (struct pool *)(uintptr_t)pool;
    pthread_mutex_lock(&p->lock);
    size_t n = p->queued;
    pthread_mutex_unlock(&p->lock);
    return n;
}

bool pool_closing(const struct pool *pool)
{
    struct pool *p = (struct pool *)(uintptr_t)pool;
    pthread_mutex_lock(&p->lock);
    bool closing = p->closing;
    pthread_mutex_unlock(&p->lock);
    return closing;
}

enum status_code pool_open(struct pool **out, unsigned threads, struct store *store, struct status *st)
{
    pthread_condattr_t attr;
    *out = NULL;
    if (threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        threads = cores > 2 ? (unsigned)cores : 2;
    }
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    struct pool *p = calloc(1, sizeof *p);
    if (!p)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "no memory for the workers");
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    for (unsigned i = 0; i < threads; i++) {
        struct thread *t = &p->threads[i];
        t->pool = p;
        t->worker.index = i;
        if (store && store_reader_open(&t->worker.reader, store, st))
            goto fail;
        if (pthread_create(&t->id, NULL, work, t) != 0) {
            store_reader_close(t->worker.reader);
            status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot start worker %u: %s", i, strerror(errno));
            goto fail;
        }
        p->n_threads++;
    }
    *out = p;
    return STATUS_OK;
fail:
    pool_close(p);
    return st->code;
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i].id, NULL);
    for (unsigned i = 0; i < p->n_threads; i++)
        store_reader_close(p->threads[i].worker.reader);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->timers);
    free(p);
}

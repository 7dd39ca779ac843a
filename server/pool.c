/* pool.c - the workers and their timer.
 *
 * One queue under one mutex. A worker without work puts itself on a stack and sleeps on a semaphore of its
 * own: the one that slept last, and is warm, is woken first, and one wake is two system calls (a condition
 * variable makes it four). Timers are a binary heap: whichever worker is awake moves due tasks to the
 * queue, and the sleepers have the earliest as their deadline, so there is no timer thread.
 *
 * A second queue holds the slices of long work. Its tasks are taken when the first is empty, or when none was taken
 * for BEHIND_WAITS_NS, and by all workers but one at a time. */
#include "server/pool.h"

#include "core/clock.h"
#include "core/thread.h"
#include "storage/storage.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, BEHIND_WAITS_NS = 50 * 1000 * 1000 };

struct timer {
    int64_t due_ns;
    struct task *task;
};

struct thread {
    pthread_t id;
    struct pool *pool;
    struct worker worker;
    sem_t wake;
    struct thread *below; /* on the stack of the idle */
    bool asleep;          /* on that stack */
    bool running;
};

struct queue {
    struct task *first, *last;
};

struct pool {
    pthread_mutex_t lock;
    struct thread *idle; /* a stack */
    struct queue front, behind;
    size_t queued;                         /* in both */
    unsigned running_behind, most_behind;  /* workers with a task of that queue */
    int64_t behind_ns;                     /* when one was last taken, or came to wait at first */
    struct timer *timers; /* a heap: the earliest first */
    size_t n_timers, cap_timers;
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

/* ---- the queues ---- */

static void push_locked(struct pool *p, struct queue *queue, struct task *task)
{
    task->next_ = NULL;
    if (queue->last)
        queue->last->next_ = task;
    else
        queue->first = task;
    queue->last = task;
    p->queued++;
}

static struct task *shift_locked(struct pool *p, struct queue *queue)
{
    struct task *task = queue->first;
    queue->first = task->next_;
    if (!queue->first)
        queue->last = NULL;
    p->queued--;
    return task;
}

/* Whether somebody could take a task now. */
static bool has_task_locked(const struct pool *p)
{
    return p->front.first || (p->behind.first && p->running_behind < p->most_behind);
}

static struct task *next_locked(struct pool *p, bool *behind)
{
    *behind = p->behind.first && p->running_behind < p->most_behind &&
              (!p->front.first || clock_mono_ns() - p->behind_ns > BEHIND_WAITS_NS);
    if (!*behind)
        return p->front.first ? shift_locked(p, &p->front) : NULL;
    p->running_behind++;
    p->behind_ns = clock_mono_ns();
    return shift_locked(p, &p->behind);
}

static void take_due_locked(struct pool *p)
{
    if (p->n_timers == 0)
        return;
    int64_t now = clock_mono_ns();
    /* At the end nobody waits for a timer: what it would have woken is woken now. */
    while (p->n_timers && (p->closing || p->timers[0].due_ns <= now))
        push_locked(p, &p->front, timer_pop(p));
}

/* Takes the top of the stack, to be woken once the lock is given up. NULL: nobody sleeps. */
static struct thread *pop_idle_locked(struct pool *p)
{
    struct thread *t = p->idle;
    if (t) {
        p->idle = t->below;
        t->asleep = false;
    }
    return t;
}

static void leave_idle_locked(struct pool *p, struct thread *t)
{
    for (struct thread **at = &p->idle; *at; at = &(*at)->below) {
        if (*at == t) {
            *at = t->below;
            break;
        }
    }
    t->asleep = false;
}

static void wake(struct thread *t)
{
    if (t)
        sem_post(&t->wake);
}

/* Gives up the lock, sleeps until woken or until the earliest timer is due, and takes the lock again. */
static void sleep_unlocked(struct pool *p, struct thread *t)
{
    /* The semaphore waits on the system's clock, the heap on ours, which tests may replace: only the
     * difference is carried over. */
    int64_t due = p->n_timers ? p->timers[0].due_ns : 0, wait = due - clock_mono_ns();
    struct timespec until;
    t->below = p->idle;
    t->asleep = true;
    p->idle = t;
    pthread_mutex_unlock(&p->lock);
    if (!due) {
        while (sem_wait(&t->wake) != 0)
            continue; /* a signal */
    } else {
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t ns = until.tv_nsec + (wait > 0 ? wait : 0);
        until.tv_sec += ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        sem_clockwait(&t->wake, CLOCK_MONOTONIC, &until);
    }
    pthread_mutex_lock(&p->lock);
    if (t->asleep)
        leave_idle_locked(p, t); /* the timer, not a wake */
}

/* The next task, or NULL at the end. *behind: what the task was, and what the one before was. */
static struct task *take(struct thread *t, bool *behind)
{
    struct pool *p = t->pool;
    struct thread *other = NULL;
    pthread_mutex_lock(&p->lock);
    if (*behind)
        p->running_behind--;
    for (;;) {
        take_due_locked(p);
        if (has_task_locked(p) || p->closing)
            break;
        sleep_unlocked(p, t);
    }
    struct task *task = next_locked(p, behind);
    /* More than one was due or posted: pass it on. */
    if (task && has_task_locked(p))
        other = pop_idle_locked(p);
    pthread_mutex_unlock(&p->lock);
    wake(other);
    return task;
}

static void *work(void *data)
{
    struct thread *t = data;
    char name[16]; /* what the kernel keeps of one */
    snprintf(name, sizeof name, "worker-%u", t->worker.index);
    thread_serves(name);
    bool behind = false;
    for (struct task *task; (task = take(t, &behind));) {
        task->run(task, &t->worker);
        arena_reset(t->worker.scratch);
    }
    return NULL;
}

void pool_post(struct pool *p, struct task *task)
{
    pthread_mutex_lock(&p->lock);
    push_locked(p, &p->front, task);
    struct thread *sleeper = pop_idle_locked(p);
    pthread_mutex_unlock(&p->lock);
    wake(sleeper);
}

void pool_post_behind(struct pool *p, struct task *task)
{
    pthread_mutex_lock(&p->lock);
    if (!p->behind.first)
        p->behind_ns = clock_mono_ns();
    push_locked(p, &p->behind, task);
    struct thread *sleeper = has_task_locked(p) ? pop_idle_locked(p) : NULL;
    pthread_mutex_unlock(&p->lock);
    wake(sleeper);
}

void pool_post_later(struct pool *p, struct task *task, int delay_ms)
{
    pthread_mutex_lock(&p->lock);
    int64_t due = clock_mono_ns() + (int64_t)delay_ms * 1000000;
    bool earliest = p->n_timers == 0 || due < p->timers[0].due_ns || p->closing;
    timer_push(p, (struct timer){ due, task });
    /* Every sleeper takes the new deadline: one of them may soon be busy for long. */
    for (struct thread *t; earliest && (t = pop_idle_locked(p));)
        wake(t);
    pthread_mutex_unlock(&p->lock);
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
    p->most_behind = threads > 1 ? threads - 1 : 1;
    for (unsigned i = 0; i < threads; i++) {
        struct thread *t = &p->threads[i];
        t->pool = p;
        t->worker.index = i;
        t->worker.scratch = arena_new();
        sem_init(&t->wake, 0, 0);
        p->n_threads++;
        if (store && store_reader_open(&t->worker.reader, store, st))
            goto fail;
        int error = pthread_create(&t->id, NULL, work, t);
        if (error) {
            status_set(st, STATUS_RESOURCE_EXHAUSTED, "cannot start worker %u: %s", i, strerror(error));
            goto fail;
        }
        t->running = true;
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
    for (struct thread *t; (t = pop_idle_locked(p));)
        wake(t);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        if (p->threads[i].running)
            pthread_join(p->threads[i].id, NULL);
    for (unsigned i = 0; i < p->n_threads; i++) {
        store_reader_close(p->threads[i].worker.reader);
        arena_free(p->threads[i].worker.scratch);
        sem_destroy(&p->threads[i].wake);
    }
    pthread_mutex_destroy(&p->lock);
    free(p->timers);
    free(p);
}

/* test_pool.c - the workers: everything posted runs once, timers in their order, the end loses nothing. */
#include "core/clock.h"
#include "server/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static struct pool *pool;
static atomic_int ran;
static atomic_bool enough; /* nothing is posted again */

struct counted {
    struct task task; /* first */
    int again;        /* posts itself that many more times */
    atomic_int order; /* when it ran */
};

static void run(struct task *task, struct worker *worker)
{
    struct counted *c = (struct counted *)task;
    assert_non_null(worker->scratch);
    assert_null(worker->reader);
    atomic_store(&c->order, atomic_fetch_add(&ran, 1) + 1);
    if (!atomic_load(&enough) && c->again-- > 0)
        pool_post(pool, task);
}

static void open_pool(unsigned threads)
{
    struct status st = status_init(NULL);
    atomic_store(&ran, 0);
    assert_int_equal(pool_open(&pool, threads, NULL, &st), STATUS_OK);
}

static void wait_for(int n)
{
    for (int i = 0; i < 4000 && atomic_load(&ran) < n; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    assert_true(atomic_load(&ran) >= n);
}

static void expect_order(const struct counted *c, int order)
{
    for (int i = 0; i < 2000 && atomic_load(&c->order) == 0; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    assert_int_equal(atomic_load(&c->order), order);
}

static void what_is_posted_runs_once(void **state)
{
    static struct counted tasks[1000];
    (void)state;
    open_pool(3);
    for (int i = 0; i < 1000; i++) {
        tasks[i] = (struct counted){ .task.run = run };
        pool_post(pool, &tasks[i].task);
    }
    pool_close(pool);
    assert_int_equal(atomic_load(&ran), 1000);
}

static void a_task_may_post_itself_again(void **state)
{
    struct counted task = { .task.run = run, .again = 99 };
    (void)state;
    open_pool(2);
    pool_post(pool, &task.task);
    wait_for(100);
    pool_close(pool);
    assert_int_equal(atomic_load(&ran), 100);
}

static void timers_run_in_the_order_of_their_times(void **state)
{
    static struct counted tasks[50];
    (void)state;
    open_pool(1);
    for (int i = 0; i < 50; i++) {
        tasks[i] = (struct counted){ .task.run = run };
        pool_post_later(pool, &tasks[i].task, 100 + (i * 7 % 50) * 2);
    }
    wait_for(50);
    pool_close(pool);
    for (int i = 0; i < 50; i++)
        assert_int_equal(atomic_load(&tasks[i].order), i * 7 % 50 + 1);
}

static void an_earlier_timer_is_not_kept_waiting_by_a_later_one(void **state)
{
    struct counted late = { .task.run = run }, soon = { .task.run = run };
    (void)state;
    open_pool(2);
    pool_post_later(pool, &late.task, 3600 * 1000);
    pool_post_later(pool, &soon.task, 1);
    wait_for(1);
    expect_order(&soon, 1);
    pool_close(pool);
    /* The end waits for nobody, and loses nobody: the hour was cut short. */
    expect_order(&late, 2);
}

/* ---- slices of long work ---- */

struct gate {
    struct task task; /* first */
    atomic_bool entered, open;
};

static void wait_at_gate(struct task *task, struct worker *worker)
{
    struct gate *g = (struct gate *)task;
    (void)worker;
    atomic_store(&g->entered, true);
    while (!atomic_load(&g->open))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void enter(struct gate *gate, void (*post)(struct pool *pool, struct task *task))
{
    *gate = (struct gate){ .task.run = wait_at_gate };
    post(pool, &gate->task);
    for (int i = 0; i < 4000 && !atomic_load(&gate->entered); i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    assert_true(atomic_load(&gate->entered));
}

static void slices_leave_one_worker_free(void **state)
{
    static struct counted slices[10], task;
    struct gate gate;
    (void)state;
    open_pool(2);
    enter(&gate, pool_post_behind);
    for (int i = 0; i < 10; i++) {
        slices[i] = (struct counted){ .task.run = run };
        pool_post_behind(pool, &slices[i].task);
    }
    task = (struct counted){ .task.run = run };
    pool_post(pool, &task.task);
    expect_order(&task, 1); /* while the first slice keeps the only worker that takes any */
    assert_int_equal(pool_queued(pool), 10);
    atomic_store(&gate.open, true);
    wait_for(11);
    pool_close(pool);
}

static int64_t no_time_passes(void *data)
{
    (void)data;
    return 1;
}

static void slices_stand_behind_what_came_later(void **state)
{
    static struct counted slice, task;
    static const struct clock_source stopped = { .mono_ns = no_time_passes };
    struct gate gate;
    (void)state;
    clock_replace(&stopped);
    open_pool(1);
    enter(&gate, pool_post);
    slice = task = (struct counted){ .task.run = run };
    pool_post_behind(pool, &slice.task);
    pool_post(pool, &task.task);
    atomic_store(&gate.open, true);
    expect_order(&task, 1);
    expect_order(&slice, 2);
    pool_close(pool);
    clock_replace(NULL);
}

static void slices_are_not_kept_waiting_for_ever(void **state)
{
    /* The worker is never without a task of the other kind. */
    static struct counted slice, busy[2];
    (void)state;
    open_pool(1);
    for (int i = 0; i < 2; i++) {
        busy[i] = (struct counted){ .task.run = run, .again = 1000 * 1000 * 1000 };
        pool_post(pool, &busy[i].task);
    }
    slice = (struct counted){ .task.run = run };
    pool_post_behind(pool, &slice.task);
    for (int i = 0; i < 20000 && atomic_load(&slice.order) == 0; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    assert_int_not_equal(atomic_load(&slice.order), 0);
    atomic_store(&enough, true);
    pool_close(pool);
    atomic_store(&enough, false);
}

struct poster {
    pthread_t id;
    struct counted tasks[500];
};

static void *post_all(void *data)
{
    struct poster *p = data;
    for (int i = 0; i < 500; i++) {
        p->tasks[i] = (struct counted){ .task.run = run, .again = 3 };
        if (i % 5)
            pool_post(pool, &p->tasks[i].task);
        else
            pool_post_later(pool, &p->tasks[i].task, i % 3);
    }
    return NULL;
}

static void many_threads_may_post_at_once(void **state)
{
    static struct poster posters[4];
    (void)state;
    open_pool(4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&posters[i].id, NULL, post_all, &posters[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(posters[i].id, NULL);
    wait_for(4 * 500 * 4);
    assert_int_equal(pool_queued(pool), 0);
    assert_false(pool_closing(pool));
    pool_close(pool);
    assert_int_equal(atomic_load(&ran), 4 * 500 * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_posted_runs_once),
        cmocka_unit_test(a_task_may_post_itself_again),
        cmocka_unit_test(timers_run_in_the_order_of_their_times),
        cmocka_unit_test(an_earlier_timer_is_not_kept_waiting_by_a_later_one),
        cmocka_unit_test(slices_leave_one_worker_free),
        cmocka_unit_test(slices_stand_behind_what_came_later),
        cmocka_unit_test(slices_are_not_kept_waiting_for_ever),
        cmocka_unit_test(many_threads_may_post_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

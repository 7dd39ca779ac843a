/* test_pool.c - the workers: everything posted runs once, timers in their order, the end loses nothing. */
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
    if (c->again-- > 0)
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
        cmocka_unit_test(many_threads_may_post_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

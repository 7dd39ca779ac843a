/* pool.h - the workers: a few threads that run tasks, each with its own reader of the store.
 *
 * Tasks are short or give way: whoever waits for a client, a lock or the writer returns and is posted again
 * by what it waited for. */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include "core/status.h"

struct store;
struct store_reader;

struct worker {
    unsigned index;
    struct store_reader *reader; /* this worker's alone */
    struct arena *scratch;       /* for the length of one run(); emptied afterwards */
};

struct task {
    void (*run)(struct task *task, struct worker *worker);
    struct task *next_;
};

struct pool;
/* `threads` 0: one per core, at least 2. store may be NULL (tests): readers are then NULL. */
enum status_code pool_open(struct pool **out, unsigned threads, struct store *store, struct status *st);
/* From any thread, never blocks. The task must stay valid until its run() began. */
void pool_post(struct pool *pool, struct task *task);
/* The same for a slice of long work, which stands back: it waits while other tasks do (but not for ever), and one
 * worker at least is left without such slices, so that a point read never waits for the end of one. */
void pool_post_behind(struct pool *pool, struct task *task);
/* run() is called about `delay_ms` from now (lock waits, deadlines). Cancelling is not needed: tasks check.
 */
void pool_post_later(struct pool *pool, struct task *task, int delay_ms);
size_t pool_queued(const struct pool *pool);
/* pool_close has begun: timers no longer wait, so that a task that posts itself again must not. */
bool pool_closing(const struct pool *pool);
/* Finishes what is queued, runs what waits for a timer, joins the threads, closes the readers. */
void pool_close(struct pool *pool);

#endif

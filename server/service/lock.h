/* lock.h - shared locks of transactions on documents, and who waits for whom. Only transaction*.c use it, and
 * only under their mutex: nothing here locks, reads the store or takes longer than a walk over short lists.
 *
 * Invariants
 *  1. A hold is older than a wait when its age is not above the wait's. A waiter waits for holds that are
 * older than its wait, never for later ones: readers that keep coming cannot starve a writer. (A later reader
 * saw what the writer is about to change, so its own commit is refused.) For the holds of an exclusive owner,
 * who is about to write himself, everybody waits.
 *  2. The graph of waits has no cycle: lock_ask refuses the wait that would close one.
 *  3. A waiter is on the list or its task was posted, once. */
#ifndef SERVER_SERVICE_LOCK_H
#define SERVER_SERVICE_LOCK_H

#include "core/path.h"
#include "server/pool.h"

struct lock;
struct lock_table;

/* Whoever holds locks: a part of every transaction. All zero: holds nothing. */
struct lock_owner {
    struct hold *holds;
    size_t n_holds;
    bool exclusive;                 /* set before the first hold: earlier waits wait for it too */
    struct lock_waiter *waiter;     /* while it waits to write */
    uint64_t searched;              /* by which search for a cycle; of lock.c alone */
    struct lock_owner *next_search; /* of lock.c alone */
};

struct hold {
    struct hold *next; /* of the same owner */
    struct lock *lock;
    struct hold *next_in_lock; /* of lock.c alone */
    struct lock_owner *owner;
    uint64_t age;
    uint64_t seq; /* the version that its owner saw there first, once `seen` */
    bool seen;
};

/* A write that waits. Zero before the first ask; paths and task must stay valid while it is queued. */
struct lock_waiter {
    struct lock_waiter *next;
    struct task *task;
    struct lock_owner *owner; /* who waits; NULL for a plain write */
    struct database_name db;
    const struct str *paths;
    size_t n;
    uint64_t age; /* 0: never had to wait */
    /* LIMIT_LOCK_WAIT_MS from the first wait for an owner who is not exclusive; 0: there was none. */
    int64_t deadline_ns;
    bool timed_out; /* set before the task is posted */
};

enum lock_answer { LOCK_FREE, LOCK_WAITING, LOCK_DEADLOCK };

struct lock_table *lock_table_new(struct pool *pool);
void lock_table_free(struct lock_table *table); /* nobody may hold or wait */

/* Finds or makes the owner's hold on a document. */
struct hold *lock_take(struct lock_table *table, struct lock_owner *owner, struct database_name db,
                       struct str path);
/* The owner's hold there, or NULL. */
const struct hold *lock_find(struct lock_table *table, const struct lock_owner *owner,
                             struct database_name db, struct str path);
struct str lock_path(const struct lock *lock);
/* Drops all of the owner's holds and posts the tasks of those who waited for nobody else. */
void lock_release(struct lock_table *table, struct lock_owner *owner);

/* Whether somebody holds one of the paths. */
bool lock_is_held(struct lock_table *table, struct database_name db, const struct str *paths, size_t n);
/* May the waiter's owner write its paths? With a task it is queued on LOCK_WAITING, and the task will be
 * posted once: ask again then. Without one this only asks. */
enum lock_answer lock_ask(struct lock_table *table, struct lock_waiter *waiter, struct task *task);
/* Posts those whose deadline has passed (all: everybody). */
void lock_time_out(struct lock_table *table, int64_t now_ns, bool all);
size_t lock_waiters(const struct lock_table *table);

#endif

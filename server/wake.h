/* wake.h - something that one worker runs at a time, and that others wake: no news is lost, and it is never queued twice.
 *
 *     WAKE_RUNNING   on a worker, or queued for one
 *     WAKE_AGAIN     the same, and there was news meanwhile
 *     WAKE_RESTING   nobody runs it: who wakes it queues it
 */
#ifndef SERVER_WAKE_H
#define SERVER_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>

enum wake { WAKE_RUNNING, WAKE_AGAIN, WAKE_RESTING };

/* There is news. True: the caller must queue it. From any thread. */
static inline bool wake_poke(atomic_int *wake)
{
    int now = atomic_load(wake);
    while (now != WAKE_AGAIN &&
           !atomic_compare_exchange_weak(wake, &now, now == WAKE_RESTING ? WAKE_RUNNING : WAKE_AGAIN))
        continue;
    return now == WAKE_RESTING;
}

/* Whoever runs it has done everything. False: there was news meanwhile, so the caller must queue it again. After true it may
 * run elsewhere already. */
static inline bool wake_rest(atomic_int *wake)
{
    int now = WAKE_RUNNING;
    if (atomic_compare_exchange_strong(wake, &now, WAKE_RESTING))
        return true;
    atomic_store(wake, WAKE_RUNNING);
    return false;
}

#endif

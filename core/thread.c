/* thread.c - see thread.h. */
#include "core/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>

void thread_serves(const char *name)
{
    const struct sched_param none = { 0 };
    if (name)
        pthread_setname_np(pthread_self(), name);
    /* Needs no privilege. Where a sandbox refuses it, everything works as before, only dearer. */
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

void thread_give_way(void)
{
    sched_yield();
}

/* readiness.c - see readiness.h. */
#include "server/readiness.h"

#include <stdio.h>

void readiness_step(struct readiness *r, const char *step, uint64_t done, uint64_t total)
{
    atomic_store(&r->percent, total ? (unsigned)(done * 100 / total) : READINESS_UNKNOWN);
    atomic_store(&r->step, step);
}

void readiness_done(struct readiness *r)
{
    atomic_store(&r->ready, true);
}

bool readiness_reached(const struct readiness *r)
{
    return atomic_load(&r->ready);
}

const char *readiness_text(char out[READINESS_TEXT], const struct readiness *r)
{
    const char *step = atomic_load(&r->step);
    unsigned percent = atomic_load(&r->percent);
    if (!step)
        snprintf(out, READINESS_TEXT, "starting: try again in a moment");
    else if (percent == READINESS_UNKNOWN)
        snprintf(out, READINESS_TEXT, "starting: %s", step);
    else
        snprintf(out, READINESS_TEXT, "starting: %s, %u%%", step, percent);
    return out;
}

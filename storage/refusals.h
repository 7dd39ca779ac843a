/* refusals.h - keeps a flood of refused writes from filling the ledger: above REFUSALS_PER_SECOND of one
 * principal they are only counted, and one entry carries the count (kind `refusals`). The writer's own; not
 * thread-safe. */
#ifndef STORAGE_REFUSALS_H
#define STORAGE_REFUSALS_H

#include "core/path.h"

enum { REFUSALS_PER_SECOND = 100 };

struct refusals;
struct refusals *refusals_new(void);
void refusals_free(struct refusals *r);

/* Whether this one gets an entry of its own; counts it otherwise. */
bool refusals_admit(struct refusals *r, struct database_name db, struct str principal, int64_t now_ns);
/* Whether any are only counted so far. */
bool refusals_pending(const struct refusals *r);

struct refusals_due {
    struct database_name db; /* of the last one */
    struct str principal;
    uint64_t count;
};
/* One principal whose second is over (any that is pending when `all`), false when there is none. Borrowed
 * until the next call. */
bool refusals_take(struct refusals *r, bool all, int64_t now_ns, struct refusals_due *out);

#endif

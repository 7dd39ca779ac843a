/* refusals.c - see refusals.h. A fixed table: a principal that meets another one in its slot while that one
 * is quiet takes the slot over; while it is counting, the newcomer is simply written. */
#include "storage/refusals.h"

#include "storage/space.h"

#include <stdlib.h>

enum { SLOTS = 256 };
#define SECOND INT64_C(1000000000)

struct slot {
    uint64_t who; /* hash of the principal */
    int64_t since_ns;
    unsigned written;
    uint64_t counted;
    char *text; /* project, database, principal of the last one counted */
    size_t project, database, principal;
};

struct refusals {
    struct slot slots[SLOTS];
    size_t pending;
};

struct refusals *refusals_new(void)
{
    return calloc(1, sizeof(struct refusals));
}

void refusals_free(struct refusals *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free(r->slots[i].text);
    free(r);
}

static bool remember(struct slot *s, struct database_name db, struct str principal)
{
    char *text = malloc(db.project.n + db.database.n + principal.n + 1);
    if (!text)
        return false;
    memcpy(text, db.project.p ? db.project.p : "", db.project.n);
    memcpy(text + db.project.n, db.database.p ? db.database.p : "", db.database.n);
    memcpy(text + db.project.n + db.database.n, principal.p ? principal.p : "", principal.n);
    free(s->text);
    s->text = text;
    s->project = db.project.n;
    s->database = db.database.n;
    s->principal = principal.n;
    return true;
}

bool refusals_admit(struct refusals *r, struct database_name db, struct str principal, int64_t now_ns)
{
    if (!r)
        return true;
    uint64_t who = space_hash(principal);
    struct slot *s = &r->slots[who % SLOTS];
    if (s->counted == 0 && (s->who != who || now_ns - s->since_ns >= SECOND)) {
        s->who = who;
        s->since_ns = now_ns;
        s->written = 0;
    }
    if (s->who != who || s->written < REFUSALS_PER_SECOND) {
        s->written++;
        return true;
    }
    if (s->counted == 0) {
        if (!remember(s, db, principal))
            return true;
        r->pending++;
    }
    s->counted++;
    return false;
}

bool refusals_pending(const struct refusals *r)
{
    return r && r->pending > 0;
}

bool refusals_take(struct refusals *r, bool all, int64_t now_ns, struct refusals_due *out)
{
    if (!refusals_pending(r))
        return false;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &r->slots[i];
        if (s->counted == 0 || (!all && now_ns - s->since_ns < SECOND))
            continue;
        *out = (struct refusals_due){
            .db = { str_from(s->text, s->project), str_from(s->text + s->project, s->database) },
            .principal = str_from(s->text + s->project + s->database, s->principal),
            .count = s->counted,
        };
        s->counted = 0;
        s->written = 0;
        s->since_ns = now_ns;
        r->pending--;
        return true;
    }
    return false;
}

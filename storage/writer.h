/* writer.h - the writer thread's own state, shared by the queue and batches (writer.c) and by what one commit
 * does (commit.c). */
#ifndef STORAGE_WRITER_H
#define STORAGE_WRITER_H

#include "storage/internal.h"
#include "storage/refusals.h"

enum { WRITER_CHANGED_SLOTS = 1 << 15 };

struct writer {
    struct store *store;
    pthread_t thread;

    pthread_mutex_t mutex; /* the queue */
    pthread_cond_t wake;
    struct store_commit *first, **end;
    size_t queued;
    bool stopping;

    /* The thread's own. */
    struct arena *arena;  /* of one batch */
    struct status failed; /* I/O of this batch */
    int64_t time_us;      /* newest commit time given out */
    int64_t lasting_ns;   /* how long the COMMITs of the newest batch took */
    struct buf key;
    sqlite3_stmt *body_at, *path_at;
    struct refusals *refusals;
    uint64_t *changed; /* per hash of a collection: seq of a change, not older than the newest in it */
    uint64_t epoch_seq;
    bool dead;
    char why[300];
};

/* Whether the commit is a reset or a clearing: those have a batch of their own. */
static inline bool writer_is_solo(const struct store_commit *c)
{
    return c->n_ops == 1 && (c->ops[0].kind == STORE_CLEAR_SUBTREE || c->ops[0].kind == STORE_EPOCH);
}

/* Checks, plans and applies one commit inside the open transactions of both files. false: I/O failed
 * (w->failed); what the commit did wrong itself is in its status. */
bool writer_commit(struct writer *w, struct store_commit *c);
/* After a rollback no collection may claim to have changed at a seq that was never given to anybody. */
void writer_forget_changes_after(struct writer *w, uint64_t seq);

#endif

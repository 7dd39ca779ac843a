/* transaction_state.h - the structs behind transaction.h, for transaction.c (life and locks) and
 * transaction_reads.c (what was read) alone. */
#ifndef SERVER_SERVICE_TRANSACTION_STATE_H
#define SERVER_SERVICE_TRANSACTION_STATE_H

#include "server/service/transaction.h"

#include <pthread.h>

enum { TRANSACTION_ID_BYTES = 9, TRANSACTION_BUCKETS = 4096, TRANSACTION_SECRET_BYTES = 16 };

/* A query that was answered inside a transaction: its answer must be the same at commit. */
struct read_query {
    struct read_query *next;
    struct arena *arena; /* of all this: it outlives the request that asked */
    struct query_plan *plan;
    struct str collection;
    bool skips;    /* it has an offset: documents belong to its answer that were not sent */
    uint64_t view; /* moved up by rechecks: of the committing call alone */
};

/* Under transactions.mutex, but for what never changes: all, arena, db, id, ticket, read_only, view,
 * read_time. */
struct transaction {
    struct transactions *all;
    struct transaction *next; /* in the id table */
    struct arena *arena;      /* of the names in db */
    unsigned char id[TRANSACTION_ID_BYTES];
    struct database_name db;
    bool ticket, read_only;
    bool committing, closed;
    unsigned users; /* calls that have entered it */
    uint64_t view;  /* read-only */
    struct timestamp read_time;
    struct lock_owner locks;
    struct read_query *queries;
    int64_t begun_ns, used_ns;
};

struct transactions {
    pthread_mutex_t mutex; /* nothing is done under it but walking short lists */
    struct pool *pool;
    struct lock_table *locks;
    struct transaction *by_id[TRANSACTION_BUCKETS];
    size_t count;
    struct task tick;
    bool ticking, closing;
    uint32_t serial;
    unsigned char secret[TRANSACTION_SECRET_BYTES]; /* what ids are signed with */
};

void transaction_forget_reads(struct transaction *txn);

#endif

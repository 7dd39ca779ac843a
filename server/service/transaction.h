/* transaction.h - transactions: ids, shared locks, waits, expiry, and what a transaction has read.
 *
 * Invariants
 *  1. A read-write transaction holds a shared lock on every document it read, missing ones and query
 *     results included, from before the read until it ends.
 *  2. A writer (transactional or not) waits while somebody else holds an older lock on a document it writes
 * or verifies (lock.h: readers that come while it waits do not count): up to LIMIT_LOCK_WAIT_MS, or until
 * waiting would close a cycle: then the request that closes it is ABORTED at once. Plain writers hold
 * nothing, so they are never part of a cycle.
 *  3. Locks are courtesy, not safety: every commit carries what it read as deps (storage.h), and the writer
 *     thread refuses it when something changed. A lock that came a moment too late costs a retry, never a
 *     lost update.
 *  4. Any number of calls may read in one transaction at once (clients send the reads of one function
 * together), and one may commit. A commit does not wait for reads still running: their answers cannot have
 * shaped it.
 *  5. A transaction that a call uses does not expire; it ends once, and its id answers "Transaction is
 * invalid or closed." afterwards. Its memory lives until the last call has left it. Waits, timeouts and
 * texts: observed on Google's emulator 1.19.9, except that deadlocks there only end by timeout. */
#ifndef SERVER_SERVICE_TRANSACTION_H
#define SERVER_SERVICE_TRANSACTION_H

#include "core/messages.h"
#include "server/server.h"
#include "server/service/lock.h"
#include "storage/query.h"

struct transaction;

struct transactions *transactions_new(struct pool *pool);
/* Ends all. No call may be running. */
void transactions_free(struct transactions *all);
/* POST /reset: ends every transaction. */
void transactions_end_all(struct transactions *all);
size_t transactions_count(struct transactions *all);

/* A new transaction; *id (9 bytes) is in arena. options NULL: read-write. Read-only ones get the view now, or
 * that of readTime. RESOURCE_EXHAUSTED above LIMIT_TRANSACTIONS. */
enum status_code transactions_begin(struct transactions *all, struct store *store,
                                    struct store_reader *reader, struct database_name db,
                                    const struct msg_transaction_options *options, struct arena *arena,
                                    struct str *id, struct status *st);
/* Finds one for a read or (`commit`) to commit it; whoever enters leaves once. INVALID_ARGUMENT "Invalid
 * transaction." for what has not the form of an id, "Transaction is invalid or closed." for one that ended,
 * is being committed or never was. */
enum status_code transactions_enter(struct transactions *all, struct database_name db, struct str id,
                                    bool commit, struct transaction **out, struct status *st);
void transaction_leave(struct transaction *txn); /* NULL is allowed */
/* The committing call leaves it open: its request was refused for what it says. */
void transaction_leave_open(struct transaction *txn);
/* Ends it and leaves it: locks go, waiters wake. */
void transaction_end(struct transaction *txn);
/* Rollback: ends it; one that has ended, or is being committed, is fine. INVALID_ARGUMENT "Transaction is
 * invalid or expired." for what never was an id of this database. */
enum status_code transactions_rollback(struct transactions *all, struct database_name db, struct str id,
                                       struct status *st);

bool transaction_read_only(const struct transaction *txn);
uint64_t transaction_view(const struct transaction *txn, struct timestamp *read_time); /* read-only ones */

/* Locks `path`; call before taking the view that it is read on. RESOURCE_EXHAUSTED above
 * LIMIT_TRANSACTION_LOCKS; INVALID_ARGUMENT when it has ended meanwhile. */
enum status_code transaction_lock(struct transaction *txn, struct str path, struct status *st);
/* What was seen there. */
void transaction_saw(struct transaction *txn, struct str path, uint64_t seq);
/* A query below the relative path `parent` was answered on `view`: its phantoms matter at commit. */
enum status_code transaction_saw_query(struct transaction *txn, struct str parent,
                                       const struct msg_structured_query *query, uint64_t view,
                                       struct status *st);
/* Everything it read, as deps in arena. */
void transaction_deps(struct transaction *txn, struct arena *arena, struct store_dep **deps, size_t *n);
/* After a stale commit: whether what it read still holds at `view` (documents unchanged, no phantom for its
 * queries); if so its query views move up to `view`. ABORTED otherwise. */
enum status_code transaction_recheck(struct transaction *txn, struct store_reader *reader, uint64_t view,
                                     struct arena *arena, struct status *st);

/* May `txn` (NULL: a plain write) write these paths now? waiter: zero at first, the same for every ask of one
 * write. With a task it is queued on LOCK_WAITING (lock.h). */
enum lock_answer transactions_may_write(struct transactions *all, struct transaction *txn,
                                        struct database_name db, const struct str *paths, size_t n,
                                        struct lock_waiter *waiter, struct task *task);
/* A ticket: an anonymous holder of locks on the paths, for a write that lost too often. NULL when somebody
 * holds one of them. Given as `txn` above it waits for nobody; ended by transaction_end. */
struct transaction *transactions_ticket(struct transactions *all, struct database_name db,
                                        const struct str *paths, size_t n);

#endif

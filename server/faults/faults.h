/* faults.h - the faults that are set, and the calls that meet one: Cinderlog on a bad day, on purpose.
 *
 * Every call passes faults_wanted, which is one relaxed load while nothing is set. The first fault, in the
 * order in which they were set, that matches a call and whose turn it is (nth, probability, count, time) is
 * the one that happens; one that the request brings along (x-cinderlog-fault, with --fault-header) goes
 * before all. Then the quota is asked. Which calls are hit is decided by their order and the seeds alone. All
 * functions are thread-safe. */
#ifndef SERVER_FAULTS_FAULTS_H
#define SERVER_FAULTS_FAULTS_H

#include "core/buf.h"
#include "server/rpc/rpc.h"

struct faults;
struct quota;

/* quota: taken over; NULL for none. */
struct faults *faults_new(struct quota *quota);
void faults_free(struct faults *faults);

/* fault_parse's forms; *id is its number from 1. INVALID_ARGUMENT, or RESOURCE_EXHAUSTED with LIMIT_FAULTS
 * set. */
enum status_code faults_add(uint64_t *id, struct faults *faults, struct str text, struct status *st);
/* False: there is no such fault. The connections of calls that it stalls are reset; others that it holds up wait on. */
bool faults_remove(struct faults *faults, uint64_t id);
void faults_clear(struct faults *faults);

/* Appends [{"id":1,"effect":...,"matched":5,"injected":2}, ...]: `matched` calls were of those that it is
 * about. With an id, the object of that one alone; nothing when it is gone. */
bool faults_print(struct buf *out, struct faults *faults, uint64_t id);
/* For the exit summary: a line for what happened, one for each fault that never did. Nothing when none was
 * ever set. */
void faults_summary(struct buf *out, struct faults *faults);
/* How many faults happened since the start, quotas included. */
uint64_t faults_injected(struct faults *faults);

/* Whether the call must go through faults_run. */
bool faults_wanted(const struct call *call);
/* Runs the call (rpc->run), or what happens to it instead. */
enum rpc_flow faults_run(struct call *call);

#endif

/* quota_cost.h - shared inside server/faults: what a call costs of the quota. */
#ifndef SERVER_FAULTS_QUOTA_COST_H
#define SERVER_FAULTS_QUOTA_COST_H

#include "core/path.h"
#include "server/rpc/rpc.h"

enum quota_kind { QUOTA_WRITES, QUOTA_READS, QUOTA_DELETES, QUOTA_KINDS };
struct quota;

struct quota_cost {
    uint64_t n[QUOTA_KINDS];
    bool answers; /* a query or list: one read now, and what it answers beyond that later */
};
void quota_cost_of(struct quota_cost *out, const struct call *call);
/* Puts a sink before the call's that charges a read for each document but the first that is answered. */
void quota_count_answers(struct quota *quota, struct database_name db, struct call *call);

/* quota.c: takes without asking. */
void quota_charge(struct quota *quota, struct database_name db, enum quota_kind kind, uint64_t n);

#endif

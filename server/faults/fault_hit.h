/* fault_hit.h - shared inside server/faults: one fault about to happen to one call. */
#ifndef SERVER_FAULTS_FAULT_HIT_H
#define SERVER_FAULTS_FAULT_HIT_H

#include "server/faults/fault.h"
#include "server/faults/faults.h"

struct fault_hit {
    const struct fault_effect *effect;
    uint64_t id; /* 0: of the request's header */
    int64_t latency_ms, retry_ms;
    uint64_t messages;
    bool after;
    struct str message; /* of a status; in the call's arena */
};

/* What the fault does to its `draw`-th call. */
void fault_hit_fill(struct fault_hit *out, const struct fault *fault, uint64_t draw, struct arena *arena);
/* Whether its chance says so for the `draw`-th call that matched. */
bool fault_hit_drawn(const struct fault *fault, uint64_t draw);

/* faults.c: the fault whose turn it is at this call; false for none. */
bool faults_choose(struct fault_hit *out, struct faults *faults, struct call *call);
/* Whether the fault of that number is still set. */
bool faults_is_set(struct faults *faults, uint64_t id);
/* Records in the call's notes and the counters that `kind`, a constant, happened. faults may be NULL. */
void faults_record(struct faults *faults, struct call *call, const char *kind, uint64_t id);
struct quota *faults_quota(struct faults *faults);

#endif

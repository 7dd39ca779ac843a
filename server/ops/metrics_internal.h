/* metrics_internal.h - what metrics.c counts and metrics_table.c prints. */
#ifndef SERVER_OPS_METRICS_INTERNAL_H
#define SERVER_OPS_METRICS_INTERNAL_H

#include "core/limits.h"
#include "server/ops/label_set.h"
#include "server/ops/metrics.h"
#include "server/ops/metrics_page.h"

#include <stdatomic.h>

typedef _Atomic uint64_t metric_count;

enum {
    METRICS_SHARDS = 8,
    METRICS_RPCS = 32,  /* room for rpc_count rows */
    METRICS_CODES = 17, /* of status.h */
    METRICS_METHODS = RULES_DELETE + 1,
};

enum metrics_transport {
    TRANSPORT_GRPC,
    TRANSPORT_REST,
    TRANSPORT_WEBCHANNEL,
    TRANSPORT_OTHER,
    METRICS_TRANSPORTS
};
extern const char *const metrics_transports[METRICS_TRANSPORTS];

/* Who decided, and what. */
enum metrics_outcome {
    OUTCOME_RULES_ALLOWED,
    OUTCOME_RULES_DENIED,
    OUTCOME_RULES_ERROR,
    OUTCOME_IAM_ALLOWED,
    OUTCOME_IAM_DENIED,
    OUTCOME_OWNER,       /* nobody was asked */
    OUTCOME_APPEND_ONLY, /* refused by --append-only */
    METRICS_OUTCOMES,
};
struct metrics_outcome_name {
    const char *by, *verdict;
};
extern const struct metrics_outcome_name metrics_outcomes[METRICS_OUTCOMES];

enum metrics_verdict { VERDICT_ALLOWED, VERDICT_DENIED, VERDICT_ERROR, METRICS_VERDICTS };

struct collection_counts {
    metric_count decisions[METRICS_METHODS][METRICS_OUTCOMES];
    metric_count writes[STORE_OPERATION_DELETE + 1];
};

/* The newest request of one bucket. `busy` guards the rest: who finds it set goes without. */
struct exemplar {
    atomic_bool busy;
    unsigned char n; /* 0: none */
    char request_id[METRICS_EXEMPLAR_ID];
    uint64_t value;
    int64_t at_ns; /* clock_mono_ns() */
};

struct shard {
    metric_count requests[METRICS_RPCS][METRICS_TRANSPORTS][METRICS_CODES];
    struct histogram durations[METRICS_RPCS];
    struct exemplar exemplars[METRICS_RPCS][HISTOGRAM_BUCKETS];
    struct histogram rules, commit;
    struct collection_counts collections[LIMIT_METRIC_COLLECTIONS + 1];
    metric_count rule_lines[LIMIT_METRIC_RULES + 1][METRICS_VERDICTS];
    metric_count clients[LIMIT_METRIC_CLIENTS + 1];
    metric_count faults[LIMIT_METRIC_FAULTS + 1];
    metric_count events[METRICS_EVENTS];
    char apart[64]; /* no cache line belongs to two shards */
};

struct metrics {
    struct label_set *collections, *rules, *clients, *faults;
    /* Of the writer's thread alone. */
    struct histogram sync, batch_entries;
    metric_count commits, body_bytes;
    int64_t started_us; /* wall clock */
    struct shard shards[METRICS_SHARDS];
};

/* The sum over the shards of the counter at `offset` in each. */
uint64_t metrics_sum(const struct metrics *metrics, size_t offset);
/* The same for a whole histogram. */
void metrics_sum_histogram(struct histogram_sum *out, const struct metrics *metrics, size_t offset);
/* The newest exemplar of a bucket among the shards; false: none. */
bool metrics_exemplar(struct page_exemplar *out, struct metrics *metrics, size_t rpc, size_t bucket);

#endif

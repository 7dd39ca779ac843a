/* metrics.h - what the running server counts, for GET /metrics (control/metrics.c) and the alerts on it.
 *
 * Counting never fails, takes no lock (but when a label value is seen for the first time) and costs some
 * relaxed additions. Numbers are kept in shards, one for each thread as far as they go, and added up when
 * they are read. `metrics` may be NULL everywhere: nothing is counted. metrics_table.c says what there is,
 * one row each. */
#ifndef SERVER_OPS_METRICS_H
#define SERVER_OPS_METRICS_H

#include "core/buf.h"
#include "rules-engine/rules.h"
#include "storage/storage.h"

struct call;
struct call_decision;
struct metrics;
struct server;

struct metrics *metrics_new(void); /* never NULL */
void metrics_free(struct metrics *metrics);

/* A call has ended: its notes (call_notes.h) are complete, total_ns included. */
void metrics_call(struct metrics *metrics, const struct call *call);
/* Somebody decided about one document or one list: `path` is its document or collection. */
void metrics_decision(struct metrics *metrics, const struct call_decision *decision, enum rules_method method,
                      struct str path);
/* The first request of a connection that carries a call came from this client. */
void metrics_client(struct metrics *metrics, struct str user_agent);
/* The writer made a batch lasting. Its thread only. */
void metrics_batch(struct metrics *metrics, const struct store_batch *batch);

enum metrics_event {
    METRICS_LOCK_WAIT,        /* a write began to wait for a transaction's lock */
    METRICS_COMMIT_RETRY,     /* what a commit had read was no longer true: prepared again */
    METRICS_ABORT_TIMEOUT,    /* ABORTED: the wait for a lock took too long */
    METRICS_ABORT_DEADLOCK,   /* ABORTED: it would have closed a cycle */
    METRICS_ABORT_CONTENTION, /* ABORTED: lost too many rounds */
    METRICS_ABORT_STALE,      /* ABORTED: what the transaction had read has changed */
    METRICS_EVENTS,
};
void metrics_event(struct metrics *metrics, enum metrics_event event);

enum metrics_format {
    METRICS_PROMETHEUS,  /* text exposition format 0.0.4 */
    METRICS_OPENMETRICS, /* OpenMetrics 1.0.0: the same numbers; latencies name the newest request in each
                            bucket */
};
extern const char *const metrics_content_type[]; /* by format */
/* Everything there is to tell of the server, whose metrics may not be NULL. False: `out` is too small.
 * METRICS_PAGE_MAX is enough whatever was counted: 500 collections with every method and outcome and the
 * longest names take 11 MB. */
enum { METRICS_PAGE_MAX = 16 * 1024 * 1024 };
bool metrics_print(struct buf *out, struct server *server, enum metrics_format format);

#endif

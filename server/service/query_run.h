/* query_run.h - what RunQuery and RunAggregationQuery share: a query on its way from the request to its
 * result.
 *
 *     query_run_begin   where, and in which transaction
 *     ...               the RPC checks the query: run->plan
 *     query_run_open    on which view, whether the rules allow it
 *     query_run_next    document by document; between two the call may park or yield
 *     query_run_end     always
 *
 * Between two steps neither an SQLite transaction nor a lock of the store is held. */
#ifndef SERVER_SERVICE_QUERY_RUN_H
#define SERVER_SERVICE_QUERY_RUN_H

#include "server/service/authorize.h"
#include "server/service/consistency.h"

struct query_run {
    struct database_name db;
    struct resource_name parent;
    const struct msg_structured_query *structured;
    struct query_plan *plan; /* by the RPC, between begin and open */
    struct consistency_choice choice;
    struct consistency consistency;
    struct authz authz;
    struct query *query;
    size_t prefix; /* bytes of ".../documents/" in a full name */
};

/* A transaction is looked at before the query is (1.19.9); one that begins with the read, and a readTime,
 * after. */
enum status_code query_run_begin(struct query_run *run, struct call *call, struct str parent,
                                 const struct consistency_choice *choice, struct status *st);
/* PERMISSION_DENIED when the rules cannot prove the query. Nothing is read yet. */
enum status_code query_run_open(struct query_run *run, struct call *call, struct status *st);
/* The part of query_run_open that asks the rules, on run->consistency.view: run->authz knows afterwards what they looked
 * up (authz_end). */
enum status_code query_run_authorize(struct query_run *run, struct call *call, struct status *st);
/* The next document, or an empty name: at the end, and when the query pauses (query_paused: call_yield then).
 * A read-write transaction locks each document and, at the end, keeps the query in mind. */
enum status_code query_run_next(struct query_run *run, struct call *call, struct arena *arena,
                                struct document *out, struct status *st);
void query_run_end(struct query_run *run);

#endif

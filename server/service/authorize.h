/* authorize.h - who may do what: joins rules-engine and IAM to the documents they look at.
 *
 * One struct authz serves one request on one view. It hands the rules a get_document that reads the view
 * (or, with `after`, the pending state of the request's own writes) and records every path read, so that
 * the writer can validate that the decision still holds on the state written to. */
#ifndef SERVER_SERVICE_AUTHORIZE_H
#define SERVER_SERVICE_AUTHORIZE_H

#include "rules-engine/rules.h"
#include "server/rpc/rpc.h"
#include "server/server.h"

/* The state of a document as a request would leave it: the seam to commit.c's overlay. */
struct authz_pending {
    void *data;
    /* False when the request does not touch `path`. */
    bool (*after)(void *data, struct str path, struct rules_document *out);
};

struct authz {
    struct call *call;
    struct store_reader *reader; /* of the worker that runs now */
    struct arena *arena;      /* decisions and lookups; may be reset between decisions by its owner */
    struct database_name db;
    uint64_t view;
    struct timestamp now;     /* request.time */
    bool in_transaction;      /* request.inTransaction: writes, and single reads in a transaction that may write
                                 (observed on Google's emulator 1.19.9; queries never) */
    struct ruleset *ruleset;  /* retained by authz_begin, released by authz_end */
    struct rules_budget budget; /* in the arena of authz_begin, which is not reset */
    struct authz_pending pending;
    bool tentative;           /* a refusal is only returned, and told nowhere: the caller will look closer, and ask again */
    /* Documents that get() and exists() looked at, with the seq seen. */
    struct store_dep *reads;
    size_t n_reads, cap_reads;
    struct str decision;      /* of the last decision, in call->arena: "owner", "iam", "rules:14:9" */
};

/* Now, as request.time and serverTimestamp have it: milliseconds (observed on Google's emulator 1.19.9). */
struct timestamp authz_request_time(void);
/* Starts a request's authorization on call->worker's reader. `arena` may be call->arena. */
void authz_begin(struct authz *authz, struct call *call, struct arena *arena, struct database_name db,
                 uint64_t view, struct timestamp now);
void authz_end(struct authz *authz);

/* Each: STATUS_OK when allowed; PERMISSION_DENIED with Google's message and ErrorInfo details in st. */
enum status_code authz_get(struct authz *authz, struct str path, const struct rules_document *document,
                           struct status *st);
/* The Requests feed is told of documents that an owner reads without a decision for each; `code` is what came of it. */
void authz_tell_reads(struct authz *authz, const struct str *paths, size_t n, enum status_code code);
enum status_code authz_list(struct authz *authz, struct str path, const struct rules_query *query,
                            struct status *st);
/* before/after: the document's state; touched: what is named on the way from one to the other; method as the merged result says. `iam` lists what an owner needs. */
enum status_code authz_write(struct authz *authz, enum rules_method method, struct str path,
                             const struct rules_document *before, const struct value_map *after,
                             const struct rules_touched *touched, uint64_t iam, struct status *st);
/* Only an owner may: "Metadata operations require admin authentication." and the like. */
enum status_code authz_admin(struct call *call, const char *message, uint64_t iam, struct status *st);
static inline enum status_code authz_metadata(struct call *call, struct status *st)
{
    return authz_admin(call, "Metadata operations require admin authentication.", IAM_ENTITIES_LIST, st);
}
/* Owner requests need these permissions under --owner-iam; others pass. */
enum status_code authz_iam(struct call *call, uint64_t iam, struct str what, struct status *st);
/* True when rules decide this call (so that documents must be decoded for them). */
static inline bool authz_by_rules(const struct call *call) { return call->principal.kind != PRINCIPAL_OWNER; }

#endif

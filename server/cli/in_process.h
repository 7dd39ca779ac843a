/* in_process.h - a server without sockets, in memory, for one caller: what the tools about rules ask.
 *
 * Requests take the way of any other one, from rpc_dispatch on: views, rules, transforms, preconditions and
 * the writer are those of `serve`. Time stands still until it is set. One of these a process. */
#ifndef SERVER_CLI_IN_PROCESS_H
#define SERVER_CLI_IN_PROCESS_H

#include "server/rpc/rpc.h"
#include "server/server.h"

struct in_process;

enum status_code in_process_open(struct in_process **out, struct status *st);
void in_process_close(struct in_process *p); /* NULL is allowed */

/* In force for every project. */
enum status_code in_process_set_rules(struct in_process *p, struct ruleset *ruleset, struct status *st);
/* request.time, and the time of commits unless an earlier one is later. A write that puts a server timestamp
 * into a document of this very millisecond waits for the next one, which must be set meanwhile. */
void in_process_set_time(struct in_process *p, struct timestamp time);
/* Whether owners are decided by their IAM permissions. */
void in_process_set_iam(struct in_process *p, bool decides);
/* Forgets every document of the database; of all of them where its project is empty. */
enum status_code in_process_clear(struct in_process *p, struct database_name db, struct status *st);

/* What came of a request; everything in the arena that it was sent with. */
struct in_process_answer {
    struct status status;          /* details: one for each allow that was tried */
    struct call_decision decision; /* of a commit: of the last document that was decided */
    struct document *document;     /* of GetDocument; its fields as they are stored */
    size_t messages;
};

/* A call whose request is to be filled in; the principal is borrowed until it was sent. */
struct call *in_process_call(struct in_process *p, const char *rpc, const struct principal *principal);
/* Sends it, waits for the end, frees it. */
void in_process_send(struct in_process_answer *out, struct call *call, struct arena *arena);
/* Both for Commit: the writes of this database, which are borrowed. */
void in_process_commit(struct in_process_answer *out, struct in_process *p, const struct principal *principal,
                       struct database_name db, write_list writes, struct arena *arena);

extern const struct principal in_process_owner; /* whom nothing refuses, unless IAM decides */

#endif

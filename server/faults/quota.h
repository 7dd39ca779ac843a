/* quota.h - how many documents a database may write, read and delete in a time, as --quota says.
 *
 *   writes=500/s,reads=50000/d,deletes=20/s        per s, m, h or d
 *
 * A token bucket for each kind and database: it holds one period's worth, fills evenly, and is full at first.
 * A call passes while the bucket holds anything and takes what it costs, so one large call may leave it in
 * debt (there is no call that could never pass). Costs: a write each for the writes of a Commit or BatchWrite
 * and for Create and Update; a delete for each delete, which is a write where deletes have no quota of their
 * own; a read for each document that is asked for by name, and for what a query or list answers, at least
 * one. Refused calls cost nothing. */
#ifndef SERVER_FAULTS_QUOTA_H
#define SERVER_FAULTS_QUOTA_H

#include "core/status.h"

struct call;
struct quota;

/* NULL in *out without any text. INVALID_ARGUMENT names what cannot be read. */
enum status_code quota_new(struct quota **out, const struct str *texts, size_t n, struct status *st);
void quota_free(struct quota *quota);
/* Takes what the call costs, or RESOURCE_EXHAUSTED ("Quota exceeded.", with RetryInfo) in call->status. What
 * a query answers is taken while it is answered, by a sink put before the call's. */
enum status_code quota_take(struct quota *quota, struct call *call);

#endif

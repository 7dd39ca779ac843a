/* denials.h - a refusal by rules, told on the terminal in the words of the developer's own source. */
#ifndef SERVER_OPS_DENIALS_H
#define SERVER_OPS_DENIALS_H

#include "rules-engine/rules.h"

struct call;

/* Prints (at most a handful a second; the rest is counted and mentioned):
 *   DENIED create api_audit_logs/7Qx as svc (request 4f1c): firestore.rules:14:9 keys().hasAll([...]) is false
 *     missing: 'status_code'   have: timestamp, ...
 *     also tried: firestore.rules:9 false (token.role is 'writer')   history: cinderlog log --denied ... */
void denials_print(struct call *call, const struct rules_request *request, const struct rules_decision *decision);
/* The text itself, for tests and for other outputs. */
bool denials_format(struct buf *out, const struct call *call, const struct rules_request *request,
                    const struct rules_decision *decision);

/* Parts of it. Where an allow failed, and what made it so: "firestore.rules:14:9 x is string is false (x is 1)" ... */
void denials_put_try(struct buf *out, const struct rules_try *t);
/* ... and what a set lacks or has too much of, on a line of its own, indented; nothing without that. */
void denials_put_sets(struct buf *out, const struct rules_try *t);

#endif

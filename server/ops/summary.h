/* summary.h - what this run did and, above all, did not test: counted while serving, told at exit.
 *
 * All counters are atomics or under one mutex; counting never fails. */
#ifndef SERVER_OPS_SUMMARY_H
#define SERVER_OPS_SUMMARY_H

#include "core/buf.h"
#include "rules-engine/rules.h"

struct server;
struct summary;

struct summary *summary_new(void);
void summary_free(struct summary *summary);

enum summary_event {
    SUMMARY_RULES_ALLOWED, SUMMARY_RULES_DENIED,  /* decisions by rules */
    SUMMARY_IAM_ALLOWED, SUMMARY_IAM_DENIED,      /* owner requests decided by --owner-iam */
    SUMMARY_OWNER,                                /* bare owner: nothing decided them */
    SUMMARY_NOT_PROVABLE,                         /* list denied only because we cannot prove it yet */
    SUMMARY_APPEND_CREATED, SUMMARY_APPEND_REFUSED, /* in append-only collections */
    SUMMARY_CALLER_GONE,                          /* a write that happened, but its caller left before the answer */
    SUMMARY_GIVEN_UP,                             /* a write cancelled or past its deadline before it happened */
    SUMMARY_CUT_OFF,                              /* a request whose client left in the middle of it */
    SUMMARY_REPEATED,                             /* a create of what is there already, with equal content */
    SUMMARY_EVENTS,
};
void summary_count(struct summary *summary, enum summary_event event);
/* Where options.append_only begins: patterns below are told by their address in it. */
void summary_patterns(struct summary *summary, const struct str *patterns);
/* A pattern of --append-only saw a create (refused false) or refused a change. */
void summary_append_only(struct summary *summary, const struct str *pattern, bool refused);
/* A denial by rules, by the line of the first allow tried. At most 1,000 distinct lines are kept. */
void summary_denied_at(struct summary *summary, struct str file, uint32_t line, const char *method);
/* One call over a connection: clients that open a connection per call are told. */
void summary_connection_call(struct summary *summary, uint64_t connection);

uint64_t summary_get(const struct summary *summary, enum summary_event event);
/* Text for the terminal; false when nothing at all was asked of this run. */
bool summary_print(struct buf *out, struct server *server, bool colour);
/* JSON for --summary. */
bool summary_json(struct buf *out, struct server *server);
/* Whether --fail-if-unexercised should make the exit code 1: no decision by rules was ever made. */
bool summary_unexercised(const struct summary *summary);

#endif

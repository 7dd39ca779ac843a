/* expect.h - --expect 'api_audit_logs>=3': how many documents a run must have created, counted while it
 * serves.
 *
 * What is counted are creates of documents that the pattern matches (core/path.h), in any database: entries
 * of the ledger, so that a reset between two tests takes nothing away. Example data (--seed) is not counted.
 */
#ifndef SERVER_OPS_EXPECT_H
#define SERVER_OPS_EXPECT_H

#include "core/buf.h"
#include "core/status.h"

struct expectations;

/* Whether it is PATTERN, one of >= <= == = != > <, and a number. */
enum status_code expect_check(struct str text, struct status *st);
/* Of texts that were checked; NULL when there are none. They are borrowed. */
struct expectations *expect_new(const struct str *texts, size_t n);
void expect_free(struct expectations *expectations); /* NULL is allowed in all of these */

/* A document was created there. From any thread. */
void expect_created(struct expectations *expectations, struct str path);
/* Whether every one holds now. */
bool expect_met(const struct expectations *expectations);
/* A line for each, for the exit summary: "  expected api_audit_logs>=3: 1 created, NOT MET". */
bool expect_print(struct buf *out, const struct expectations *expectations, bool colour);
/* The same as an array: [{"expected":"api_audit_logs>=3","created":1,"met":false}]. */
bool expect_json(struct buf *out, const struct expectations *expectations);

#endif

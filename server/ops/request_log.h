/* request_log.h - --request-log FILE: one JSON object a line for each call (request_fields.h has the fields).
 *
 * Lines are gathered and written whole. What the ledger or a denial answers for is on the file before its
 * answer goes out: whoever finishes such a call flushes first. Lines of other calls follow within
 * REQUEST_LOG_DELAY_MS. After `kill -9` the file has every line that an acknowledged write or a denial needs.
 *
 * The file is opened for appending, 0600, and again on SIGHUP, so that it can be rotated. "-" is standard
 * output. */
#ifndef SERVER_OPS_REQUEST_LOG_H
#define SERVER_OPS_REQUEST_LOG_H

#include "server/options.h"

struct call;
struct request_log;

enum { REQUEST_LOG_DELAY_MS = 20 };

/* Of options: request_log, audit, audit_redact. FAILED_PRECONDITION naming the file when it cannot be opened.
 */
enum status_code request_log_open(struct request_log **out, const struct options *options, struct status *st);
/* Writes what is left. NULL is allowed. */
void request_log_close(struct request_log *log);
/* Takes one line, from any thread, unless --audit leaves the call out. True: it is to be flushed before the
 * call is answered. A failing disk is told once and does not fail the call. */
bool request_log_add(struct request_log *log, const struct call *call);
/* Returns when all lines taken so far are written. */
void request_log_flush(struct request_log *log);
/* The file of that name from here on; async-signal-safe. When it cannot be opened the old one stays. */
void request_log_reopen(struct request_log *log);

#endif

/* request_log.h - --request-log FILE: one JSON object per call, appended.
 *
 * {"time","request_id","transport","rpc","principal","decision","code","http_status","duration_us","entries":[first,last],
 *  "peer","connection","user_agent"}; absent where there is nothing to say. Tokens are never written. */
#ifndef SERVER_OPS_REQUEST_LOG_H
#define SERVER_OPS_REQUEST_LOG_H

#include "core/status.h"

struct call;
struct request_log;

/* Opens for appending (0600). FAILED_PRECONDITION naming the file when it cannot. */
enum status_code request_log_open(struct request_log **out, const char *path, struct status *st);
void request_log_close(struct request_log *log); /* NULL is allowed */
/* One line, whole, from any thread; a failing disk is told once and does not fail the call. */
void request_log_write(struct request_log *log, const struct call *call);

#endif

/* call_log.h - what is recorded when a call ends: counters for the exit summary, a line of the request log. */
#ifndef SERVER_OPS_CALL_LOG_H
#define SERVER_OPS_CALL_LOG_H

#include <stdbool.h>

struct call;

/* Called once per call, before its answer goes out, by whichever thread finishes it. True: the answer waits until the
 * request log is flushed. */
bool call_log(struct call *call);

#endif

/* call_log.h - what is recorded when a call ends: counters for the exit summary, one line for a denial. */
#ifndef SERVER_OPS_CALL_LOG_H
#define SERVER_OPS_CALL_LOG_H

struct call;

/* Called once per call, before its answer goes out, by whichever thread finishes it. */
void call_log(struct call *call);

#endif

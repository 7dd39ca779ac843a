/* front_sink.h - a sink in front of a call's own: forwards everything, and its owner overrides what it is
 * for. */
#ifndef SERVER_FAULTS_FRONT_SINK_H
#define SERVER_FAULTS_FRONT_SINK_H

#include "server/rpc/rpc.h"

struct front_sink {
    struct reply_sink sink; /* first; `message` and `finish` may be replaced */
    struct reply_sink *inner;
};

/* Puts it before call->sink. It lives in the call's arena, embedded as first member of its owner's struct. */
void front_sink_put(struct front_sink *front, struct call *call);

#endif

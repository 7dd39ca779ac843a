/* loopback_stream.h - a call of RPC_BIDI without sockets: what a client says goes into its inbox, what it is told
 * is encoded and counted. */
#ifndef TESTS_SERVER_LOOPBACK_STREAM_H
#define TESTS_SERVER_LOOPBACK_STREAM_H

#include "server/loopback.h"

struct loopback_stream {
    struct reply_sink sink;
    struct inbox inbox;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct call *call; /* NULL: it is over */
    enum status_code code;
    char message[512]; /* of the status, its beginning */
    size_t messages, bytes;
};
/* json: the client says protojson. */
void stream_open(struct loopback_stream *s, struct loopback *l, const char *rpc, const char *who, bool json);
void stream_say(struct loopback_stream *s, struct str message);
/* The client has said everything. */
void stream_end(struct loopback_stream *s);
/* Waits until it has read what was said and rests, or is over. */
void stream_settle(struct loopback_stream *s);
/* Waits until it is over, after stream_end. */
void stream_close(struct loopback_stream *s);

#endif

/* inbox.h - what a client says on a stream that goes both ways, until the call reads it, and how the call is
 * woken.
 *
 * It lives in the transport's own struct, which outlives the call. The transport puts messages in as they
 * come, from one thread, also before the call exists; the call takes them out on workers. Bounded: by
 * LIMIT_STREAM_MESSAGES and by LIMIT_MESSAGE_BYTES of those that wait.
 *
 * A call is run by one worker at a time, and whoever has news for it pokes it (wake.h): the transport (a message, the
 * client is gone, the socket has room again) or the service (a commit). */
#ifndef SERVER_RPC_INBOX_H
#define SERVER_RPC_INBOX_H

#include "core/status.h"
#include "server/wake.h"

#include <pthread.h>

struct inbox_message {
    struct inbox_message *next;
    size_t n;
    char bytes[];
};

struct inbox {
    pthread_mutex_t lock;
    struct inbox_message *first, *last;
    size_t n, bytes;
    bool json;             /* messages are protojson, not protobuf */
    bool ended;            /* the client has said everything */
    enum status_code code; /* what came is no message: how the stream ends, and why; 0: it is well */
    const char *broken;
    atomic_int wake; /* of the call */
};

void inbox_init(struct inbox *inbox, bool json);
void inbox_dispose(struct inbox *inbox);
/* A copy of one message; dropped after the end. */
void inbox_put(struct inbox *inbox, struct str bytes);
/* No more comes: because the client said so (code 0), or since what came cannot be read (why: a constant). */
void inbox_end(struct inbox *inbox, enum status_code code, const char *broken);
/* Whether a take would give something, or the end has come. */
bool inbox_has_news(struct inbox *inbox);
/* The oldest one, to be freed by free(); NULL: none waits. */
struct inbox_message *inbox_take(struct inbox *inbox);

#endif

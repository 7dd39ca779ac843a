/* webchannel.h - WebChannel: streams that go both ways for browsers, over ordinary requests of HTTP/1.1 or HTTP/2.
 *
 * /google.firestore.v1.Firestore/{Listen,Write}/channel. One session is one call of RPC_BIDI, which runs as over gRPC:
 * it takes messages from an inbox and answers through a reply_sink. What a browser asks (observed on Google's emulator
 * 1.19.9 and from its own SDK; where we differ, the reason is with the code):
 *
 *   POST ?VER=8&RID=n                opens: [[0,["c",SID,"",8,12,30000]]]. Messages are form fields of the body, and so
 *                                    are the request's headers ("headers"), which spares the browser a preflight
 *   POST ?SID=s&RID=n+1&AID=a        more messages: [1 when a back channel is open, last array's id, unacknowledged bytes]
 *   GET  ?SID=s&RID=rpc&AID=a&CI=0   the back channel: arrays as they come
 *   GET  ?SID=s&RID=rpc&AID=a&CI=1   the same by polling: what there is or the next, and then the answer ends
 *   ANY  ?SID=s&TYPE=terminate       the client is done
 *
 * Answers are arrays [id,payload], ids rising by one; each chunk of them has its length before it, in UTF-16 code units.
 * An error of the call is the array [{"error":{...}}]; the back channel then ends, and the session once it has that array.
 *
 * The invariants, asserted where they are kept:
 *
 *   W1  Every message of the client reaches the call once and in the order of its number (ofs + i), whatever is sent
 *       twice or comes early (webchannel_in.h).
 *   W2  Every array is kept until the client has acknowledged its id by AID, and every back channel begins with the first
 *       that is not acknowledged: what a broken connection lost is sent again. Nothing acknowledged is (webchannel_out.h).
 *   W3  At most one back channel is open, a later one ends the one before it; and at most one answer is unread: a client
 *       that asks again without reading loses the older one.
 *   W4  Arrays that are not acknowledged take no more than LIMIT_RESPONSE_BUFFER and one message: above it the call
 *       parks, as it does when the window of an HTTP/2 stream is full, and goes on once half of it is acknowledged. A back
 *       channel over which LIMIT_CHANNEL_ANSWER was sent ends, so that a client which only reads comes back and
 *       acknowledges.
 *   W5  A session whose client neither reads nor has said anything for LIMIT_CHANNEL_IDLE_S ends, its call with it.
 *   W6  A session is in the table until it is over, and is over only once. Its call may outlive that; what the call says
 *       then goes nowhere.
 *
 * Threads: requests run on workers, and so does the call; closed() comes on the loop; time passes in a task of the pool.
 * Locks, in the order in which they may be taken: the table's (which sessions there are) -> a session's (everything in
 * it) -> a request's -> an exchange's. The call is poked with none of them held but the table's. */
#ifndef SERVER_TRANSPORT_WEBCHANNEL_H
#define SERVER_TRANSPORT_WEBCHANNEL_H

#include "core/limits.h"
#include "core/str.h"

/* Of a form: a message of the largest size may come with every byte escaped. */
enum { WEBCHANNEL_MAX_BODY = 3 * LIMIT_MESSAGE_BYTES + 64 * 1024 };

struct channel;
struct channels;
struct pool;
struct request;
struct task;
struct worker;

/* Whether a request's target is one of the paths above. */
bool webchannel_is(struct str target);
/* On a worker. */
void webchannel_run(struct task *task, struct worker *worker);
/* Loop thread: the client of this request has gone before its answer ended. */
void webchannel_closed(struct request *r);
/* The request is freed, and lets go of its session. */
void webchannel_forget(struct request *r);

/* The sessions of a server. */
struct channels *channels_new(struct pool *const *pool);
/* The server stops: every call is told that it ends. Loop thread. */
void channels_stop(struct channels *channels);
/* After the pool and the net are closed. NULL is allowed. */
void channels_free(struct channels *channels);

#endif

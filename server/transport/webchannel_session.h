/* webchannel_session.h - one session of WebChannel: its call, its back channel, and what is between them. The
 * invariants, threads and locks are told in webchannel.h.
 *
 * Who keeps a session: the table while it is in it, its call, and each request that is or was its back
 * channel. It keeps the request that opened it (in which the call and its inbox live) and at most two others:
 * the back channel and the one before, until its client has read it. */
#ifndef SERVER_TRANSPORT_WEBCHANNEL_SESSION_H
#define SERVER_TRANSPORT_WEBCHANNEL_SESSION_H

#include "server/transport/request.h"
#include "server/transport/webchannel.h"
#include "server/transport/webchannel_in.h"
#include "server/transport/webchannel_out.h"
#include "server/transport/webchannel_wire.h"

enum { CHANNEL_SID = 32 }; /* hexadecimal digits: 128 random bits */

struct channel {
    atomic_uint refs;
    char sid[CHANNEL_SID + 1];
    struct request *opener;
    struct channel *next; /* under the table's lock */
    bool listed;          /* the same */

    pthread_mutex_t lock; /* of all below */
    struct channel_in in;
    struct channel_out out;
    struct request *back; /* the back channel; NULL: none is open */
    bool polling;         /* it ends with the first arrays */
    size_t answered;      /* bytes given to it */
    struct request *last; /* the one before, while bytes of it may still be unread */
    size_t last_unread;   /* of it, when last looked at */
    bool waits;           /* the call is to be poked once half of what is kept is acknowledged */
    bool leaving;         /* terminated, or the server stops: nothing waits for acknowledgements any more */
    bool finished;        /* the call is over; what is kept is still delivered */
    bool over;            /* nothing goes out any more (W6) */
    bool faulty;          /* `fault` is to befall the next back channel */
    enum sink_fault fault;
    int64_t heard_ns; /* monotonic: when the client was last known to be there */
    int64_t spoke_ns; /* when something was last written to it */
};

/* A session with two references, the caller's and the call's, whose sink and inbox it sets up in `opener`. It
 * takes over the release of opener's exchange. */
struct channel *channel_new(struct request *opener);
void channel_ref(struct channel *channel);
void channel_unref(struct channel *channel);

/* Messages to the call, in order. RESOURCE_EXHAUSTED when too many are early, INVALID_ARGUMENT when one is
 * missing. */
enum status_code channel_receive(struct channel *channel, const struct channel_form *form, struct status *st);
/* The client says what it has. */
void channel_ack(struct channel *channel, int64_t aid);
/* Whether it still takes requests. */
bool channel_is_usable(struct channel *channel);
/* What its client is told: whether there is a back channel, the last array's id, bytes that are not
 * acknowledged. */
struct channel_state {
    bool back;
    int64_t last_id;
    size_t bytes;
};
struct channel_state channel_state(struct channel *channel);
/* Makes r the back channel and takes over the release of its exchange. False: the session is over, and r not
 * touched. */
bool channel_attach(struct channel *channel, struct request *r, bool polling, int64_t aid);
/* r's client is gone. */
void channel_detach(struct channel *channel, struct request *r);
/* No message comes any more (code 0: the client is done); what the call says until it ends still goes out. */
void channel_leave(struct channel *channel, enum status_code code, const char *why);
/* About once a second: heartbeats, and the end (true): its call is told, its requests are let go, the table
 * drops it. */
bool channel_tick(struct channel *channel, int64_t now_ns);
/* The same end when there are no workers any more. */
void channel_end(struct channel *channel);

/* Headers of every answer; at most CHANNEL_HEADERS_MAX. */
enum { CHANNEL_HEADERS_MAX = REQUEST_HEADERS_MAX + 3 };
size_t channel_headers(const struct request *r, struct net_header *out);

#endif

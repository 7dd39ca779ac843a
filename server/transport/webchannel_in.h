/* webchannel_in.h - the client's messages in the order of their numbers, each once (W1); pure code.
 *
 * A client that has no answer sends its request again, and with HTTP/2 several are under way at once. */
#ifndef SERVER_TRANSPORT_WEBCHANNEL_IN_H
#define SERVER_TRANSPORT_WEBCHANNEL_IN_H

#include "core/str.h"

struct channel_early;
struct channel_in {
    uint64_t next;               /* the number of the message that is due */
    struct channel_early *early; /* what came before its turn, by number */
    size_t n, bytes;
};

void channel_in_init(struct channel_in *in);
void channel_in_dispose(struct channel_in *in);
/* One that has come. deliver() is called for it and for every early one whose turn it is then, or not at all:
 * it was there already, or is early. False: too much is early (LIMIT_STREAM_MESSAGES, LIMIT_MESSAGE_BYTES).
 */
bool channel_in_take(struct channel_in *in, uint64_t number, struct str message,
                     void (*deliver)(void *data, struct str message), void *data);

#endif

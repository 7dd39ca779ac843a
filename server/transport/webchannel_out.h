/* webchannel_out.h - a session's arrays until the client has acknowledged them (W2); pure code.
 *
 *     acknowledged, gone | sent, kept | to be sent
 *                        first        unsent
 *
 * Ids rise by one from 1; 0 is the array that opened the session. Every one not after `acked` is gone, every
 * other is there. */
#ifndef SERVER_TRANSPORT_WEBCHANNEL_OUT_H
#define SERVER_TRANSPORT_WEBCHANNEL_OUT_H

#include "core/buf.h"

struct channel_array;
struct channel_out {
    struct channel_array *first, *last, *unsent;
    int64_t acked, next_id;
    size_t bytes; /* of payloads that are kept */
};

void channel_out_init(struct channel_out *out);
void channel_out_dispose(struct channel_out *out);
/* A copy of one payload, well-formed UTF-8. */
void channel_out_put(struct channel_out *out, struct str payload);
/* The client has everything up to `aid`; an older or unknown one says nothing new (as observed on Google's
 * emulator 1.19.9, an id beyond the last acknowledges all). */
void channel_out_ack(struct channel_out *out, int64_t aid);
/* A new back channel sends again what is kept. */
void channel_out_rewind(struct channel_out *out);
static inline bool channel_out_waits(const struct channel_out *out)
{
    return out->unsent != NULL;
}
static inline int64_t channel_out_last_id(const struct channel_out *out)
{
    return out->next_id - 1;
}
/* More bytes than the next chunk has. */
size_t channel_out_room(const struct channel_out *out);
/* One chunk of all that is to be sent, which then counts as sent. False when it did not fit. */
bool channel_out_take(struct channel_out *out, struct buf *chunk);

#endif

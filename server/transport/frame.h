/* frame.h - gRPC's own framing and header encodings, as pure code (gRPC over HTTP/2 specification). */
#ifndef SERVER_TRANSPORT_FRAME_H
#define SERVER_TRANSPORT_FRAME_H

#include "core/codec.h"
#include "core/status.h"

enum { FRAME_PREFIX = 5 }; /* one byte of flags, four of length, big-endian */

enum frame_result {
    FRAME_MESSAGE,    /* one was taken off */
    FRAME_MORE,       /* not all of it is there */
    FRAME_COMPRESSED, /* flag 1: we never offered an encoding */
    FRAME_BAD_FLAG,
    FRAME_TOO_LARGE, /* over LIMIT_MESSAGE_BYTES */
};
/* Takes one message off *rest. *rest moves only for FRAME_MESSAGE. */
enum frame_result frame_next(struct str *rest, struct str *message);
/* Writes the prefix of a message of n bytes. */
void frame_prefix(unsigned char out[FRAME_PREFIX], size_t n);

/* FRAME_COMPRESSED, _BAD_FLAG and _TOO_LARGE in words (a constant), and how a call with such a message ends. */
const char *frame_problem(enum frame_result result, enum status_code *code);
/* A message with its prefix at the end of out. False when it overflows. */
bool frame_message(struct buf *out, const struct schema_message *schema, const void *message);

/* "20S", "59999m": at most 8 digits and one of H M S m u n. Nanoseconds; false when malformed. */
bool frame_timeout(int64_t *ns, struct str text);
/* grpc-message: everything but printable ASCII, and '%' itself, as %XX. */
bool frame_percent(struct buf *out, struct str text);
/* grpc-status-details-bin: google.rpc.Status with one google.rpc.ErrorInfo a detail, base64 without padding.
 */
bool frame_status_details(struct buf *out, const struct status *status);

#endif

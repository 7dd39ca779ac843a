/* frame.h - gRPC's own framing and header encodings, as pure code (gRPC over HTTP/2 specification). */
#ifndef SERVER_TRANSPORT_FRAME_H
#define SERVER_TRANSPORT_FRAME_H

#include "core/buf.h"
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

/* "20S", "59999m": at most 8 digits and one of H M S m u n. Nanoseconds; false when malformed. */
bool frame_timeout(int64_t *ns, struct str text);
/* grpc-message: everything but printable ASCII, and '%' itself, as %XX. */
bool frame_percent(struct buf *out, struct str text);
/* grpc-status-details-bin: google.rpc.Status with one google.rpc.ErrorInfo a detail, base64 without padding.
 */
bool frame_status_details(struct buf *out, const struct status *status);

#endif

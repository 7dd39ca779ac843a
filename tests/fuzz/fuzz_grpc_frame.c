/* fuzz_grpc_frame.c - gRPC framing: whatever comes, what is taken off lies inside and adds up. */
#include "server/transport/frame.h"

#include "core/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_from(data, size), rest = all, message;
    unsigned char prefix[FRAME_PREFIX];
    struct buf out;
    int64_t ns;
    while (frame_next(&rest, &message) == FRAME_MESSAGE) {
        if (message.n > LIMIT_MESSAGE_BYTES || message.p < all.p || message.p + message.n > all.p + all.n ||
            message.p + message.n != rest.p)
            abort();
        frame_prefix(prefix, message.n);
        if (memcmp(prefix, message.p - FRAME_PREFIX, FRAME_PREFIX) != 0)
            abort();
    }
    if (frame_timeout(&ns, all) && ns < 0)
        abort();
    buf_init(&out, 3 * size + 1);
    if (!frame_percent(&out, all))
        abort();
    for (size_t i = 0; i < out.len; i++)
        if (out.data[i] < 0x20 || out.data[i] > 0x7E)
            abort();
    buf_dispose(&out);
    return 0;
}

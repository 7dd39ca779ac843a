/* buf.h - a growable byte buffer that cannot be made without a maximum.
 *
 * Appending past the maximum sets `overflowed`, drops the bytes and makes every later append a no-op, so
 * that a writer checks once, at the end. Memory is malloc'ed; buf_dispose frees it. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "core/str.h"

struct buf {
    unsigned char *data;
    size_t len, cap, max;
    bool overflowed;
};

/* An empty buffer that may grow to `max` bytes; allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);
/* Frees the bytes; the buffer may be used again with the same maximum. A zeroed buffer is allowed. */
void buf_dispose(struct buf *buf);
/* Forgets the content and the overflow, keeps the memory. */
void buf_clear(struct buf *buf);
/* Hands the bytes over: the caller frees the result with free(); the buffer is empty afterwards. */
unsigned char *buf_detach(struct buf *buf, size_t *len);

/* Room for n more bytes at the end, not yet counted in len; NULL past the maximum. */
unsigned char *buf_reserve(struct buf *buf, size_t n);
/* Each returns false (and sets overflowed) past the maximum. */
bool buf_put(struct buf *buf, const void *bytes, size_t n);
bool buf_byte(struct buf *buf, unsigned char byte);
bool buf_str(struct buf *buf, struct str s);
bool buf_z(struct buf *buf, const char *z);
bool buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline struct str buf_view(const struct buf *buf)
{
    return (struct str){ (const char *)buf->data, buf->len };
}

#endif

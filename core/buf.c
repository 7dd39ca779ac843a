/* buf.c - see buf.h. */
#include "core/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .max = max };
}

void buf_dispose(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){ .max = buf->max };
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflowed = false;
}

unsigned char *buf_detach(struct buf *buf, size_t *len)
{
    unsigned char *data = buf->data;
    *len = buf->len;
    *buf = (struct buf){ .max = buf->max };
    return data;
}

unsigned char *buf_reserve(struct buf *buf, size_t n)
{
    assert(buf->max > 0 && buf->len <= buf->cap);
    if (buf->overflowed || n > buf->max - buf->len) {
        buf->overflowed = true;
        return NULL;
    }
    if (n > buf->cap - buf->len || !buf->data) { /* room for nothing is not NULL either */
        size_t cap = buf->cap ? buf->cap : 256;
        while (cap - buf->len < n)
            cap = cap > buf->max / 2 ? buf->max : cap * 2;
        unsigned char *data = realloc(buf->data, cap);
        if (!data) {
            fprintf(stderr, "cinderlog: out of memory (%zu bytes); stopping\n", cap);
            abort();
        }
        buf->data = data;
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

bool buf_put(struct buf *buf, const void *bytes, size_t n)
{
    if (n == 0) /* an empty buffer has no memory to reserve from, and that is no overflow */
        return !buf->overflowed;
    unsigned char *at = buf_reserve(buf, n);
    if (!at)
        return false;
    memcpy(at, bytes, n);
    buf->len += n;
    return true;
}

bool buf_byte(struct buf *buf, unsigned char byte)
{
    return buf_put(buf, &byte, 1);
}
bool buf_str(struct buf *buf, struct str s)
{
    return buf_put(buf, s.p, s.n);
}
bool buf_z(struct buf *buf, const char *z)
{
    return buf_put(buf, z, strlen(z));
}

bool buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    /* Mostly there is room already, and this is all. */
    size_t room = buf->overflowed ? 0 : buf->cap - buf->len;
    int n = vsnprintf(room ? (char *)buf->data + buf->len : NULL, room, fmt, args);
    va_end(args);
    assert(n >= 0);
    /* One byte more than counted: vsnprintf writes a NUL. */
    unsigned char *at = buf_reserve(buf, (size_t)n + 1);
    if (at && (size_t)n >= room)
        vsnprintf((char *)at, (size_t)n + 1, fmt, again);
    if (at)
        buf->len += (size_t)n;
    va_end(again);
    return at != NULL;
}

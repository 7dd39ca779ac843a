/* wire.h - the primitives of the protobuf encoding, inline because the hot paths are made of them.
 *
 * Readers never read at or past `end`. Varints of more than ten bytes, or whose tenth byte does not fit in
 * 64 bits, are malformed. Internal to core. */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include "core/str.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_GROUP = 3,
    WIRE_GROUP_END = 4,
    WIRE_FIXED32 = 5,
};
#define WIRE_TAG(number, type) (((uint32_t)(number) << 3) | (uint32_t)(type))
enum { WIRE_VARINT_MAX = 10 };

static inline bool wire_varint_long(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    const uint8_t *p = *at;
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
        uint64_t byte = *p++;
        if (shift == 63 && byte > 1)
            return false;
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *out = v;
            return true;
        }
    }
    return false;
}

static inline bool wire_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    const uint8_t *p = *at;
    if (p < end && *p < 0x80) {
        *out = *p;
        *at = p + 1;
        return true;
    }
    return wire_varint_long(at, end, out);
}

/* A length and that many bytes, which begin at *at afterwards; *after is where they end. */
static inline bool wire_length(const uint8_t **at, const uint8_t *end, const uint8_t **after)
{
    uint64_t n;
    if (!wire_varint(at, end, &n) || n > (uint64_t)(end - *at))
        return false;
    *after = *at + n;
    return true;
}

static inline bool wire_fixed64(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    const uint8_t *p = *at;
    if (end - p < 8)
        return false;
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    *out = v;
    *at = p + 8;
    return true;
}

static inline double wire_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline uint64_t wire_double_bits(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* Writers: to memory that is known to be large enough; they return the place after what they wrote. */

static inline size_t wire_varint_size(uint64_t v)
{
    /* 64-bit log2 / 7 without a division: exact for all 64 positions. */
    return (size_t)((63 - __builtin_clzll(v | 1)) * 9 + 73) / 64;
}

static inline uint8_t *wire_put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *wire_put_fixed64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        *p++ = (uint8_t)v;
        v >>= 8;
    }
    return p;
}

static inline uint8_t *wire_put_bytes(uint8_t *p, struct str s)
{
    p = wire_put_varint(p, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

#endif

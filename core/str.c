/* str.c - UTF-8 validation (RFC 3629) for struct str. */
#include "core/str.h"

static bool is_cont(unsigned char c) { return (c & 0xC0) == 0x80; }

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    const unsigned char *end = p ? p + s.n : p;
    while (p < end) {
        /* Eight ASCII bytes at a time: nearly all text is. */
        while (end - p >= 8) {
            uint64_t word;
            memcpy(&word, p, 8);
            if (word & 0x8080808080808080u)
                break;
            p += 8;
        }
        if (p == end)
            break;
        unsigned char c = *p;
        size_t left = (size_t)(end - p);
        if (c < 0x80) {
            p += 1;
        } else if (c >= 0xC2 && c <= 0xDF) {
            if (left < 2 || !is_cont(p[1]))
                return false;
            p += 2;
        } else if (c >= 0xE0 && c <= 0xEF) {
            if (left < 3 || !is_cont(p[1]) || !is_cont(p[2]))
                return false;
            if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F))
                return false;
            p += 3;
        } else if (c >= 0xF0 && c <= 0xF4) {
            if (left < 4 || !is_cont(p[1]) || !is_cont(p[2]) || !is_cont(p[3]))
                return false;
            if ((c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F))
                return false;
            p += 4;
        } else {
            return false;
        }
    }
    return true;
}

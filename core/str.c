/* str.c - UTF-8 validation (RFC 3629) for struct str. */
#include "core/str.h"

static bool is_cont(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* The bytes of the character that p begins with; 0 when it begins with none. ASCII is the caller's. */
static size_t character(const unsigned char *p, size_t left)
{
    unsigned char c = *p;
    size_t n = c >= 0xC2 && c <= 0xDF ? 2 : c >= 0xE0 && c <= 0xEF ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (n == 0 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (!is_cont(p[i]))
            return 0;
    bool overlong = (c == 0xE0 && p[1] < 0xA0) || (c == 0xF0 && p[1] < 0x90);
    bool surrogate = c == 0xED && p[1] > 0x9F;
    bool too_large = c == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || too_large ? 0 : n;
}

size_t str_utf8_prefix(struct str s)
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
        size_t n = *p < 0x80 ? 1 : character(p, (size_t)(end - p));
        if (n == 0)
            break;
        p += n;
    }
    return (size_t)(p - (const unsigned char *)s.p);
}

bool str_is_utf8(struct str s)
{
    return str_utf8_prefix(s) == s.n;
}

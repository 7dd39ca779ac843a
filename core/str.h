/* str.h - a borrowed piece of text or bytes: pointer and length.
 *
 * Firestore strings may hold NUL and paths are slices of larger texts, so nothing in this program
 * relies on a terminating NUL. A struct str never owns its bytes: they live in a call's arena, in a
 * table of constants or in a caller's buffer, for as long as that owner says. */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

/* A constant from a string literal; usable in const tables. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_INIT(literal) { (literal), sizeof(literal) - 1 }
/* For printf: STR_FMT in the format, STR_ARG(s) among the arguments. Texts are cut at INT_MAX. */
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *z) { return (struct str){ z, z ? strlen(z) : 0 }; }
static inline struct str str_from(const void *p, size_t n) { return (struct str){ (const char *)p, n }; }

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_eq_z(struct str a, const char *z) { return str_eq(a, str_of(z)); }

/* Byte order (for UTF-8: code point order). Negative, 0, positive like memcmp. */
static inline int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}
/* The part of s from byte `from` on; `from` may not exceed s.n. */
static inline struct str str_skip(struct str s, size_t from)
{
    return (struct str){ s.n ? s.p + from : s.p, s.n - from };
}

/* FNV-1a, 64 bits: for tables in memory, never for what is stored or shown. Texts are chained by giving the hash of
 * the one before as seed; the first one's is STR_HASH_SEED. */
#define STR_HASH_SEED UINT64_C(0xcbf29ce484222325)
static inline uint64_t str_hash(uint64_t seed, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        seed = (seed ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return seed;
}

/* Whether s is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). NUL is allowed. */
bool str_is_utf8(struct str s);
/* How many bytes it has before the first that no well-formed character begins with or goes on with. */
size_t str_utf8_prefix(struct str s);

#endif

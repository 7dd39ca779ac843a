/* json_text.c - the small texts inside JSON: numbers, strings, base64, in both directions. */
#include "core/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- numbers in ---- */

/* A number's parts: digits * 10^exponent, when the digits fit. */
struct decimal {
    bool negative;
    bool exact;      /* all significant digits are in `digits` */
    uint64_t digits; /* without trailing zeros */
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Adds one digit; zeros are held back until another digit follows, so that "10" is 1 * 10^1. */
static void add_digit(struct decimal *d, char c, uint32_t *zeros)
{
    if (c == '0') {
        if (d->digits || !d->exact)
            *zeros += 1;
        return;
    }
    uint64_t v = d->digits;
    for (uint32_t i = 0; i <= *zeros && d->exact; i++) {
        d->exact = v <= (UINT64_MAX - 9) / 10;
        v *= 10;
    }
    if (d->exact)
        d->digits = v + (uint64_t)(c - '0');
    *zeros = 0;
}

static const char *parse_exponent(int64_t *out, const char *p, const char *end)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    const char *from = p;
    int64_t v = 0;
    for (; p < end && is_digit(*p); p++) {
        if (v < 100000000)
            v = v * 10 + (*p - '0');
    }
    *out = negative ? -v : v;
    return p > from ? p : NULL;
}

static bool parse_decimal(struct decimal *d, struct str text)
{
    const char *p = text.p, *end = text.p + text.n, *from;
    uint32_t zeros = 0;
    *d = (struct decimal){ .exact = true };
    if (text.n == 0)
        return false;
    d->negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    for (from = p; p < end && is_digit(*p); p++)
        add_digit(d, *p, &zeros);
    if (p == from || (*from == '0' && p - from > 1))
        return false;
    int64_t fraction = 0, exponent = 0;
    if (p < end && *p == '.') {
        for (from = ++p; p < end && is_digit(*p); p++)
            add_digit(d, *p, &zeros);
        fraction = p - from;
        if (fraction == 0)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p = parse_exponent(&exponent, p + 1, end);
        if (!p)
            return false;
    }
    d->exponent = exponent - fraction + (int64_t)zeros;
    return p == end;
}

bool json_int64(int64_t *out, struct str text)
{
    struct decimal d;
    if (!parse_decimal(&d, text) || !d.exact)
        return false;
    uint64_t v = d.digits, max = d.negative ? UINT64_C(1) << 63 : INT64_MAX;
    if (v == 0) {
        *out = 0;
        return true;
    }
    if (d.exponent < 0 || d.exponent > 18)
        return false;
    for (int64_t i = 0; i < d.exponent; i++) {
        if (v > max / 10)
            return false;
        v *= 10;
    }
    if (v > max)
        return false;
    *out = d.negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

enum json_double json_double(double *out, struct arena *arena, struct str text)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    struct decimal d;
    if (str_eq(text, STR("NaN")) || str_eq(text, STR("Infinity")) || str_eq(text, STR("-Infinity"))) {
        *out = text.p[0] == 'N' ? (double)NAN : text.p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
        return JSON_DOUBLE_OK;
    }
    if (!parse_decimal(&d, text))
        return JSON_DOUBLE_MALFORMED;
    /* Both operands exact: one correctly rounded operation gives the nearest double. */
    if (d.exact && d.digits < UINT64_C(1) << 53 && d.exponent >= -22 && d.exponent <= 22) {
        double v = (double)d.digits;
        v = d.exponent < 0 ? v / powers[-d.exponent] : v * powers[d.exponent];
        *out = d.negative ? -v : v;
        return JSON_DOUBLE_OK;
    }
    *out = strtod(arena_str(arena, text).p, NULL);
    return isinf(*out) ? JSON_DOUBLE_RANGE : JSON_DOUBLE_OK;
}

/* ---- numbers out ---- */

/* n in decimal before `end`; returns where it begins. */
static char *print_backwards(char *end, uint64_t n)
{
    do {
        *--end = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return end;
}

/* Doubles that are a whole number of millionths below 1e9, which most are: m / 10^6 is one correctly
 * rounded division, so the decimal text reads back as the same double. */
static bool write_short_double(struct buf *out, double d)
{
    double magnitude = fabs(d);
    if (!(magnitude < 1e9))
        return false;
    uint64_t millionths = (uint64_t)llrint(magnitude * 1e6);
    if ((double)millionths / 1e6 != magnitude)
        return false;
    char text[32], *end = text + sizeof text, *p = end;
    unsigned places = 6;
    uint64_t n = millionths % 1000000;
    while (places > 1 && n % 10 == 0) {
        n /= 10;
        places--;
    }
    for (; places > 0; places--) {
        *--p = (char)('0' + n % 10);
        n /= 10;
    }
    *--p = '.';
    p = print_backwards(p, millionths / 1000000);
    if (signbit(d))
        *--p = '-';
    return buf_put(out, p, (size_t)(end - p));
}

bool json_write_double(struct buf *out, double d)
{
    if (isnan(d))
        return buf_z(out, "\"NaN\"");
    if (isinf(d))
        return buf_z(out, d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    if (write_short_double(out, d))
        return true;
    if (out->overflowed)
        return false;
    char text[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    return buf_z(out, text) && (strpbrk(text, ".e") != NULL || buf_z(out, ".0"));
}

/* ---- strings out ---- */

static bool write_escape(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        return buf_z(out, "\\\"");
    case '\\':
        return buf_z(out, "\\\\");
    case '\b':
        return buf_z(out, "\\b");
    case '\f':
        return buf_z(out, "\\f");
    case '\n':
        return buf_z(out, "\\n");
    case '\r':
        return buf_z(out, "\\r");
    case '\t':
        return buf_z(out, "\\t");
    default:
        return buf_printf(out, "\\u%04x", (unsigned)c);
    }
}

bool json_write_string(struct buf *out, struct str text)
{
    const char *p = text.p, *end = text.n ? text.p + text.n : text.p;
    if (!buf_byte(out, '"'))
        return false;
    while (p < end) {
        const char *from = p;
        while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
        if (p > from && !buf_put(out, from, (size_t)(p - from)))
            return false;
        if (p < end && !write_escape(out, (unsigned char)*p++))
            return false;
    }
    return buf_byte(out, '"');
}

bool json_write_member(struct buf *out, const char *key, struct str value)
{
    if (value.n == 0)
        return !out->overflowed;
    buf_printf(out, ",\"%s\":", key);
    return str_is_utf8(value) ? json_write_string(out, value) : buf_z(out, "null");
}

/* ---- base64 ---- */

/* The six bits of a character in either alphabet; 64 for none. */
static uint32_t six_bits(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : 64;
}

bool base64_decode(struct str *out, struct arena *arena, struct str text)
{
    size_t n = text.n, padding = 0;
    while (n > 0 && padding < 2 && text.p[n - 1] == '=') {
        n--;
        padding++;
    }
    if (n % 4 == 1 || (padding > 0 && (n + padding) % 4 != 0))
        return false;
    unsigned char *bytes = arena_alloc(arena, n / 4 * 3 + 2), *to = bytes;
    uint32_t held = 0, bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = six_bits(text.p[i]);
        if (v == 64)
            return false;
        held = held << 6 | v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (unsigned char)(held >> bits);
            held &= (1u << bits) - 1;
        }
    }
    *out = str_from(bytes, (size_t)(to - bytes));
    return true;
}

bool base64_encode(struct buf *out, const void *bytes, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    size_t size = (n + 2) / 3 * 4;
    char *to = (char *)buf_reserve(out, size);
    if (!to)
        return false;
    for (; n >= 3; n -= 3, p += 3) {
        *to++ = alphabet[p[0] >> 2];
        *to++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        *to++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
        *to++ = alphabet[p[2] & 63];
    }
    if (n > 0) {
        unsigned second = n == 2 ? p[1] : 0;
        *to++ = alphabet[p[0] >> 2];
        *to++ = alphabet[(p[0] & 3u) << 4 | second >> 4];
        *to++ = n == 2 ? alphabet[(second & 15) << 2] : '=';
        *to++ = '=';
    }
    out->len += size;
    return true;
}

/* rtext.c - see rvalue.h: strings as UTF-16 sees them, and values as text. */
#include "rules-engine/rvalue.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- UTF-16 over UTF-8 ---- */

static bool is_ascii(struct str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        if (word & UINT64_C(0x8080808080808080))
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* Bytes of the character that starts with c; texts are well-formed, surrogates aside. */
static size_t length_of(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static uint32_t decode(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    switch (length) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    case 3:
        return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    default:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    }
}

/* Takes the first character off *s. A cut sequence at the end counts as one character. */
static uint32_t next_char(struct str *s)
{
    size_t length = length_of((unsigned char)s->p[0]);
    if (length > s->n) {
        *s = str_skip(*s, s->n);
        return 0xFFFD;
    }
    uint32_t c = decode(s->p, length);
    *s = str_skip(*s, length);
    return c;
}

size_t rv_utf16_size(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += (c & 0xC0) != 0x80; /* one for each character ... */
        n += c >= 0xF0;          /* ... and one more for those beyond 0xFFFF */
    }
    return n;
}

static void put_unit(char out[3], uint32_t unit)
{
    out[0] = (char)(0xE0 | unit >> 12);
    out[1] = (char)(0x80 | (unit >> 6 & 0x3F));
    out[2] = (char)(0x80 | (unit & 0x3F));
}

struct str rv_utf16_slice(struct arena *arena, struct str s, size_t from, size_t to)
{
    if (is_ascii(s))
        return str_from(s.p + from, to - from);
    if (from == to)
        return STR("");
    char *out = arena_alloc(arena, (to - from) * 3 + 4);
    size_t n = 0, unit = 0;
    while (s.n > 0 && unit < to) {
        size_t length = length_of((unsigned char)s.p[0]);
        length = length > s.n ? s.n : length;
        size_t units = length == 4 ? 2 : 1;
        if (unit >= from && unit + units <= to) {
            memcpy(out + n, s.p, length);
            n += length;
        } else if (units == 2 && unit + 1 >= from) { /* cut in two */
            uint32_t c = decode(s.p, 4) - 0x10000;
            put_unit(out + n, unit >= from ? 0xD800 + (c >> 10) : 0xDC00 + (c & 0x3FF));
            n += 3;
        }
        unit += units;
        s = str_skip(s, length);
    }
    return str_from(out, n);
}

int rv_utf16_cmp(struct str a, struct str b)
{
    size_t same = 0, shorter = a.n < b.n ? a.n : b.n;
    while (same < shorter && a.p[same] == b.p[same])
        same++;
    if (same == shorter)
        return (a.n > b.n) - (a.n < b.n);
    while (same > 0 && ((unsigned char)a.p[same] & 0xC0) == 0x80)
        same--; /* to the start of the character that differs */
    struct str x = str_skip(a, same), y = str_skip(b, same);
    uint32_t c = next_char(&x), d = next_char(&y);
    /* Beyond 0xFFFF a character begins with a surrogate, which sorts below 0xE000. */
    uint32_t first_c = c > 0xFFFF ? 0xD800 + ((c - 0x10000) >> 10) : c;
    uint32_t first_d = d > 0xFFFF ? 0xD800 + ((d - 0x10000) >> 10) : d;
    if (first_c != first_d)
        return first_c < first_d ? -1 : 1;
    return c == d ? 0 : c < d ? -1 : 1;
}

static bool is_surrogate(struct str s, size_t at, unsigned low, unsigned high)
{
    if (at + 3 > s.n || (unsigned char)s.p[at] != 0xED)
        return false;
    unsigned char second = (unsigned char)s.p[at + 1];
    return second >= low && second <= high;
}

struct str rv_concat(struct arena *arena, struct str a, struct str b)
{
    if (a.n == 0 || b.n == 0)
        return a.n ? a : b;
    char *out = arena_alloc(arena, a.n + b.n);
    memcpy(out, a.p, a.n);
    if (a.n >= 3 && is_surrogate(a, a.n - 3, 0xA0, 0xAF) && is_surrogate(b, 0, 0xB0, 0xBF)) {
        uint32_t high = decode(a.p + a.n - 3, 3) - 0xD800, low = decode(b.p, 3) - 0xDC00;
        uint32_t c = 0x10000 + (high << 10) + low;
        char *at = out + a.n - 3;
        at[0] = (char)(0xF0 | c >> 18);
        at[1] = (char)(0x80 | (c >> 12 & 0x3F));
        at[2] = (char)(0x80 | (c >> 6 & 0x3F));
        at[3] = (char)(0x80 | (c & 0x3F));
        memcpy(at + 4, b.p + 3, b.n - 3);
        return str_from(out, a.n - 3 + 4 + b.n - 3);
    }
    memcpy(out + a.n, b.p, b.n);
    return str_from(out, a.n + b.n);
}

struct str rv_utf8_bytes(struct arena *arena, struct str s)
{
    bool any = false;
    for (size_t i = 0; i + 3 <= s.n && !any; i++)
        any = is_surrogate(s, i, 0xA0, 0xBF);
    if (!any)
        return s;
    char *out = arena_alloc(arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        if (is_surrogate(s, i, 0xA0, 0xBF)) {
            out[n++] = '?';
            i += 3;
        } else {
            out[n++] = s.p[i++];
        }
    }
    return str_from(out, n);
}

/* ---- text ---- */

/* The fewest digits that read back: at most 17. *exponent is that of d.ddd notation. */
static void shortest(char digits[32], int *exponent, double d)
{
    char text[40];
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, d);
        if (strtod(text, NULL) == d)
            break;
    }
    size_t n = 0;
    char *e = strchr(text, 'e');
    assert(e);
    for (char *p = text; p < e; p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    *exponent = (int)strtol(e + 1, NULL, 10);
}

/* Java's Double.toString: plain between 0.001 and 10,000,000, else d.dddE±n. */
struct str rv_double_text(struct arena *arena, double d)
{
    if (d != d)
        return STR("NaN");
    if (isinf(d))
        return d > 0 ? STR("Infinity") : STR("-Infinity");
    if (d == 0)
        return signbit(d) ? STR("-0.0") : STR("0.0");
    const char *sign = d < 0 ? "-" : "";
    char digits[32];
    int exponent;
    shortest(digits, &exponent, fabs(d));
    int n = (int)strlen(digits);
    char *text;
    if (exponent < -3 || exponent >= 7)
        text = arena_printf(arena, "%s%c.%sE%d", sign, digits[0], n > 1 ? digits + 1 : "0", exponent);
    else if (exponent < 0)
        text = arena_printf(arena, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
    else if (n <= exponent + 1)
        text = arena_printf(arena, "%s%s%.*s.0", sign, digits, exponent + 1 - n, "0000000");
    else
        text = arena_printf(arena, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    return str_of(text);
}

static struct str path_text(struct arena *arena, const struct rpath *path)
{
    size_t size = 0;
    for (size_t i = 0; i < path->n; i++) {
        if (path->items[i].kind == SEGMENT_GLOB && path->items[i].bound)
            size += path_text(arena, path->items[i].glob).n;
        else
            size += 1 + path->items[i].text.n;
    }
    char *out = arena_alloc(arena, size + 1), *at = out;
    for (size_t i = 0; i < path->n; i++) {
        struct str part = path->items[i].text;
        if (path->items[i].kind == SEGMENT_GLOB && path->items[i].bound)
            part = path_text(arena, path->items[i].glob);
        else
            *at++ = '/';
        if (part.n)
            memcpy(at, part.p, part.n);
        at += part.n;
    }
    return str_from(out, (size_t)(at - out));
}

bool rv_to_string(struct str *out, struct arena *arena, struct rvalue v)
{
    switch ((enum rules_type)v.type) {
    case RT_NULL:
        *out = STR("null");
        return true;
    case RT_BOOL:
        *out = v.boolean ? STR("true") : STR("false");
        return true;
    case RT_INT:
        *out = str_of(arena_printf(arena, "%lld", (long long)v.integer));
        return true;
    case RT_FLOAT:
        *out = rv_double_text(arena, v.number);
        return true;
    case RT_STRING:
        *out = rv_str(v);
        return true;
    case RT_PATH:
        *out = path_text(arena, v.path);
        return true;
    default:
        return false;
    }
}

/* Control characters, quotes and backslashes are escaped: the text goes to terminals and logs. */
static void print_quoted(struct buf *out, struct str s)
{
    buf_byte(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\'' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_z(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\x%02x", c);
        else
            buf_byte(out, c);
    }
    buf_byte(out, '\'');
}

static void print_items(struct buf *out, struct arena *arena, struct rvalue v)
{
    for (size_t i = 0; i < v.n && !out->overflowed; i++) {
        if (i > 0)
            buf_z(out, ", ");
        if (v.type == RT_MAP) {
            buf_str(out, rv_key_at(v, i));
            buf_z(out, ": ");
            rv_print(out, arena, rv_value_at(arena, v, i));
        } else {
            rv_print(out, arena, rv_at(arena, v, i));
        }
    }
}

static void print_bytes(struct buf *out, struct str s)
{
    buf_z(out, "b'");
    for (size_t i = 0; i < s.n && !out->overflowed; i++)
        buf_printf(out, "\\x%02x", (unsigned)(unsigned char)s.p[i]);
    buf_byte(out, '\'');
}

static void print_duration(struct buf *out, struct rduration d)
{
    bool negative = d.seconds < 0 || d.nanos < 0;
    uint64_t seconds = d.seconds < 0 ? 0 - (uint64_t)d.seconds : (uint64_t)d.seconds;
    buf_printf(out, "%s%llu", negative ? "-" : "", (unsigned long long)seconds);
    if (d.nanos) {
        char digits[16];
        snprintf(digits, sizeof digits, "%09d", d.nanos < 0 ? -d.nanos : d.nanos);
        size_t n = 9;
        while (n > 3 && digits[n - 1] == '0' && digits[n - 2] == '0' && digits[n - 3] == '0')
            n -= 3;
        buf_printf(out, ".%.*s", (int)n, digits);
    }
    buf_byte(out, 's');
}

void rv_print(struct buf *out, struct arena *arena, struct rvalue v)
{
    struct str text;
    switch ((enum rules_type)v.type) {
    case RT_STRING:
        print_quoted(out, rv_str(v));
        return;
    case RT_BYTES:
        print_bytes(out, rv_str(v));
        return;
    case RT_LIST:
    case RT_SET:
    case RT_MAP:
        buf_byte(out, v.type == RT_MAP ? '{' : '[');
        print_items(out, arena, v);
        buf_byte(out, v.type == RT_MAP ? '}' : ']');
        return;
    case RT_TIMESTAMP:
        timestamp_print(out, rv_timestamp(v));
        return;
    case RT_DURATION:
        print_duration(out, rv_interval(v));
        return;
    case RT_LATLNG:
        buf_printf(out, "latlng(" STR_FMT ", ", STR_ARG(rv_double_text(arena, v.latlng->latitude)));
        buf_printf(out, STR_FMT ")", STR_ARG(rv_double_text(arena, v.latlng->longitude)));
        return;
    case RT_MAP_DIFF:
    case RT_CONSTRAINT:
    case RT_VECTOR:
        buf_printf(out, "(%s)", rules_type_name(v.type));
        return;
    case RT_UNDEFINED:
        buf_printf(out, "error: %s", v.error->text);
        return;
    default:
        if (rv_to_string(&text, arena, v))
            buf_str(out, text);
        return;
    }
}

const char *rv_text(struct arena *arena, struct rvalue v, size_t max)
{
    struct buf text;
    buf_init(&text, max);
    rv_print(&text, arena, v);
    struct str s = buf_view(&text);
    while (text.overflowed && s.n > 0 && ((unsigned char)s.p[s.n - 1] & 0xC0) == 0x80)
        s.n--;
    if (text.overflowed && s.n > 0 && (unsigned char)s.p[s.n - 1] >= 0xC0)
        s.n--;
    const char *copy =
        arena_printf(arena, STR_FMT "%s", STR_ARG(rv_utf8_bytes(arena, s)), text.overflowed ? "..." : "");
    buf_dispose(&text);
    return copy;
}

const char *rules_type_name(enum rules_type type)
{
    static const char *const names[] = { "undefined",  "null",      "bool",     "int",    "float",
                                         "string",     "bytes",     "list",     "map",    "set",
                                         "path",       "timestamp", "duration", "latlng", "map_diff",
                                         "constraint", "vector",    "number" };
    assert((size_t)type < sizeof names / sizeof *names);
    return names[type];
}

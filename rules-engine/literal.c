/* literal.c - see literal.h. The lexer has checked the form of every token. */
#include "rules-engine/literal.h"

#include <stdlib.h>

bool literal_int(int64_t *out, struct str token, bool negative)
{
    uint64_t value = 0, most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    *out = 0;
    for (size_t i = 0; i < token.n; i++) {
        uint64_t digit = (uint64_t)(token.p[i] - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

double literal_float(struct str token)
{
    struct arena *arena = arena_new();
    double value = strtod(arena_str(arena, token).p, NULL);
    arena_free(arena);
    return value;
}

static unsigned hex(const char *p, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* One escape at p; its length in the source is the result. */
static size_t unescape(const char *p, uint32_t *c)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *plain = strchr(from, p[1]);
    if (plain) {
        *c = (unsigned char)to[plain - from];
        return 2;
    }
    if (p[1] == 'x') {
        *c = hex(p + 2, 2);
        return 4;
    }
    if (p[1] == 'u') {
        *c = hex(p + 2, 4);
        return 6;
    }
    if (p[1] >= '0' && p[1] <= '3') {
        *c = (uint32_t)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
        return 4;
    }
    *c = (unsigned char)p[1];
    return 2;
}

/* \ud83d\ude00 is one character. */
static size_t join_surrogates(struct str rest, uint32_t *c)
{
    if (*c < 0xd800 || *c > 0xdbff || rest.n < 6 || rest.p[0] != '\\' || rest.p[1] != 'u')
        return 0;
    uint32_t low = hex(rest.p + 2, 4);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
    return 6;
}

struct str literal_string(struct arena *arena, struct str token)
{
    struct str body = str_from(token.p + 1, token.n - 2);
    char *out = arena_alloc(arena, body.n + 1); /* no escape is shorter than what it stands for */
    size_t n = 0;
    for (size_t i = 0; i < body.n;) {
        if (body.p[i] != '\\') {
            out[n++] = body.p[i++];
            continue;
        }
        uint32_t c;
        i += unescape(body.p + i, &c);
        i += join_surrogates(str_skip(body, i), &c);
        n += put_utf8(out + n, c);
    }
    return str_from(out, n);
}

bool literal_bytes(struct str *out, struct arena *arena, struct str token)
{
    struct str body = str_from(token.p + 2, token.n - 3);
    char *bytes = arena_alloc(arena, body.n + 1);
    size_t n = 0;
    bool valid = true;
    for (size_t i = 0; i < body.n;) {
        if (body.p[i] != '\\') {
            bytes[n++] = body.p[i++];
            continue;
        }
        uint32_t c;
        valid = valid && body.p[i + 1] != 'u';
        i += unescape(body.p + i, &c);
        bytes[n++] = (char)c;
    }
    *out = str_from(bytes, n);
    return valid;
}

struct str literal_path_segment(struct arena *arena, struct str segment)
{
    char *out = arena_alloc(arena, segment.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < segment.n; i++) {
        if (segment.p[i] == '%' && i + 2 < segment.n) {
            out[n++] = (char)hex(segment.p + i + 1, 2);
            i += 2;
        } else {
            out[n++] = segment.p[i] == '+' ? ' ' : segment.p[i];
        }
    }
    return str_from(out, n);
}

static const struct {
    const char *name;
    enum rules_type type;
} types[] = {
    { "bool", RT_BOOL },         { "bytes", RT_BYTES },   { "constraint", RT_CONSTRAINT },
    { "duration", RT_DURATION }, { "float", RT_FLOAT },   { "int", RT_INT },
    { "latlng", RT_LATLNG },     { "list", RT_LIST },     { "vector", RT_VECTOR },
    { "set", RT_SET },           { "number", RT_NUMBER }, { "map", RT_MAP },
    { "string", RT_STRING },     { "path", RT_PATH },     { "timestamp", RT_TIMESTAMP },
    { "map_diff", RT_MAP_DIFF },
};

bool literal_type(enum rules_type *out, struct str name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (str_eq_z(name, types[i].name)) {
            *out = types[i].type;
            return true;
        }
    }
    *out = RT_UNDEFINED;
    return false;
}

const char *literal_type_refusal(struct arena *arena, struct str name)
{
    return arena_printf(
        arena,
        "An unsupported type identifier was used with the 'is' operator. Received " STR_FMT
        ". Expected one of bool,bytes,constraint,duration,float,int,latlng,list,vector,set,number,"
        "map,string,timestamp,path,map_diff",
        STR_ARG(name));
}

/* bytes.c - methods of bytes. Base64 is the URL alphabet with padding, hexadecimal is upper-case. */
#include "rules-engine/builtins/tables.h"

static struct rvalue size(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int((int64_t)rv_str(*self).n);
}

static struct rvalue to_base64(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (void)args;
    struct str s = rv_str(*self);
    char *out = arena_alloc(e->arena, (s.n + 2) / 3 * 4), *at = out;
    for (size_t i = 0; i < s.n; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)s.p[i] << 16;
        three |= i + 1 < s.n ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        three |= i + 2 < s.n ? (uint32_t)(unsigned char)s.p[i + 2] : 0;
        *at++ = alphabet[three >> 18];
        *at++ = alphabet[three >> 12 & 63];
        *at++ = i + 1 < s.n ? alphabet[three >> 6 & 63] : '=';
        *at++ = i + 2 < s.n ? alphabet[three & 63] : '=';
    }
    return rv_string(str_from(out, (size_t)(at - out)));
}

static struct rvalue to_hex(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    static const char digits[] = "0123456789ABCDEF";
    (void)args;
    struct str s = rv_str(*self);
    char *out = arena_alloc(e->arena, s.n * 2);
    for (size_t i = 0; i < s.n; i++) {
        out[2 * i] = digits[(unsigned char)s.p[i] >> 4];
        out[2 * i + 1] = digits[(unsigned char)s.p[i] & 15];
    }
    return rv_string(str_from(out, s.n * 2));
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_BYTES, "size", 0, NO_ARGS, "bytes.size()", "Number of bytes.", size),
    METHOD_ROW(RT_BYTES, "toBase64", 0, NO_ARGS, "bytes.toBase64()", "Base64 in the URL alphabet, padded.",
               to_base64),
    METHOD_ROW(RT_BYTES, "toHexString", 0, NO_ARGS, "bytes.toHexString()", "Upper-case hexadecimal.", to_hex),
};
BUILTIN_TABLE(builtin_bytes, rows);

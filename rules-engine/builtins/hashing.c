/* hashing.c - the package hashing: of bytes, or of a string's UTF-8, to bytes. CRCs are little-endian. */
#include "rules-engine/builtins/tables.h"

#include "core/crypto.h"

static struct str input(struct eval *e, struct rvalue v)
{
    return v.type == RT_STRING ? rv_utf8_bytes(e->arena, rv_str(v)) : rv_str(v);
}

static struct rvalue crc(struct eval *e, uint32_t sum)
{
    char *out = arena_alloc(e->arena, 4);
    for (int i = 0; i < 4; i++)
        out[i] = (char)(sum >> (8 * i) & 0xFF);
    return rv_bytes(str_from(out, 4));
}

static struct rvalue crc32(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = input(e, args[0]);
    return crc(e, crc32_of(s.p, s.n));
}

static struct rvalue crc32c(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = input(e, args[0]);
    return crc(e, crc32c_of(s.p, s.n));
}

static struct rvalue md5(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = input(e, args[0]);
    unsigned char *out = arena_alloc(e->arena, MD5_SIZE);
    md5_of(out, s.p, s.n);
    return rv_bytes(str_from(out, MD5_SIZE));
}

static struct rvalue sha256(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = input(e, args[0]);
    unsigned char *out = arena_alloc(e->arena, SHA256_SIZE);
    sha256_of(out, s.p, s.n);
    return rv_bytes(str_from(out, SHA256_SIZE));
}

#define ROWS(name, doc, run)                                                                                 \
    PACKAGE_ROW("hashing", name, 1, ARGS(T_BYTES), "hashing." name "(bytes)", doc, run, .more = true),       \
        PACKAGE_ROW("hashing", name, 1, ARGS(T_STRING), "hashing." name "(string)", doc, run)
static const struct builtin rows[] = {
    ROWS("md5", "MD5, 16 bytes.", md5),
    ROWS("sha256", "SHA-256, 32 bytes.", sha256),
    ROWS("crc32", "CRC-32, 4 bytes, little-endian.", crc32),
    ROWS("crc32c", "CRC-32C, 4 bytes, little-endian.", crc32c),
};
BUILTIN_TABLE(builtin_hashing, rows);

/* crypto.c - see crypto.h. The one file that includes nettle. */
#include "core/crypto.h"

#include <assert.h>
#include <nettle/eddsa.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

/* nettle's headers rename its functions by macros; ours have the same short names. */
#undef sha256_init
#undef sha256_update

static_assert(sizeof(struct sha256_ctx) <= sizeof(struct sha256), "crypto.h gives too little room");
static_assert(_Alignof(struct sha256_ctx) <= _Alignof(struct sha256), "crypto.h aligns too little");
static_assert(SHA256_DIGEST_SIZE == SHA256_SIZE && SHA1_DIGEST_SIZE == SHA1_SIZE && MD5_DIGEST_SIZE == MD5_SIZE,
              "digest sizes");
static_assert(ED25519_KEY_SIZE == ED25519_KEY && ED25519_SIGNATURE_SIZE == ED25519_SIGNATURE,
              "Ed25519 sizes");

static struct sha256_ctx *context(struct sha256 *h)
{
    return (struct sha256_ctx *)h->state;
}

void sha256_init(struct sha256 *h)
{
    nettle_sha256_init(context(h));
}

void sha256_update(struct sha256 *h, const void *bytes, size_t n)
{
    if (n)
        nettle_sha256_update(context(h), n, bytes);
}

void sha256_final(struct sha256 *h, unsigned char out[SHA256_SIZE])
{
    nettle_sha256_digest(context(h), SHA256_SIZE, out);
}

void sha256_of(unsigned char out[SHA256_SIZE], const void *bytes, size_t n)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, bytes, n);
    sha256_final(&h, out);
}

void sha1_of(unsigned char out[SHA1_SIZE], const void *bytes, size_t n)
{
    struct sha1_ctx h;
    nettle_sha1_init(&h);
    if (n)
        nettle_sha1_update(&h, n, bytes);
    nettle_sha1_digest(&h, SHA1_SIZE, out);
}

void md5_of(unsigned char out[MD5_SIZE], const void *bytes, size_t n)
{
    struct md5_ctx h;
    nettle_md5_init(&h);
    if (n)
        nettle_md5_update(&h, n, bytes);
    nettle_md5_digest(&h, MD5_SIZE, out);
}

/* ---- CRC: four bits a step, so that the tables are short enough to be constants ---- */

static uint32_t crc(const uint32_t table[16], const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        c = (c >> 4) ^ table[c & 15];
        c = (c >> 4) ^ table[c & 15];
    }
    return ~c;
}

uint32_t crc32_of(const void *bytes, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    return crc(table, bytes, n);
}

uint32_t crc32c_of(const void *bytes, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
        0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
    };
    return crc(table, bytes, n);
}

/* ---- Ed25519 ---- */

void ed25519_public(unsigned char public_key[ED25519_KEY], const unsigned char private_key[ED25519_KEY])
{
    ed25519_sha512_public_key(public_key, private_key);
}

void ed25519_sign(unsigned char signature[ED25519_SIGNATURE], const unsigned char public_key[ED25519_KEY],
                  const unsigned char private_key[ED25519_KEY], const void *bytes, size_t n)
{
    ed25519_sha512_sign(public_key, private_key, n, bytes, signature);
}

bool ed25519_verify(const unsigned char signature[ED25519_SIGNATURE],
                    const unsigned char public_key[ED25519_KEY], const void *bytes, size_t n)
{
    return ed25519_sha512_verify(public_key, n, bytes, signature) == 1;
}

/* ---- hex ---- */

void hex_print(char *out, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(unsigned char *out, size_t n, struct str hex)
{
    if (hex.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

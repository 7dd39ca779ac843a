/* crypto.h - the hashes and signatures this program uses, over nettle. Only core/crypto.c includes it. */
#ifndef CORE_CRYPTO_H
#define CORE_CRYPTO_H

#include "core/str.h"

enum { SHA256_SIZE = 32, SHA1_SIZE = 20, MD5_SIZE = 16, ED25519_KEY = 32, ED25519_SIGNATURE = 64 };

/* A running SHA-256; opaque room for nettle's context (size asserted in crypto.c). */
struct sha256 {
    _Alignas(16) unsigned char state[128];
};
void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *bytes, size_t n);
void sha256_final(struct sha256 *h, unsigned char out[SHA256_SIZE]);
void sha256_of(unsigned char out[SHA256_SIZE], const void *bytes, size_t n);

void sha1_of(unsigned char out[SHA1_SIZE], const void *bytes, size_t n); /* for WebSocket handshakes alone */
void md5_of(unsigned char out[MD5_SIZE], const void *bytes, size_t n);
uint32_t crc32_of(const void *bytes, size_t n);  /* IEEE 802.3, reflected */
uint32_t crc32c_of(const void *bytes, size_t n); /* Castagnoli, reflected */

void ed25519_public(unsigned char public_key[ED25519_KEY], const unsigned char private_key[ED25519_KEY]);
void ed25519_sign(unsigned char signature[ED25519_SIGNATURE], const unsigned char public_key[ED25519_KEY],
                  const unsigned char private_key[ED25519_KEY], const void *bytes, size_t n);
bool ed25519_verify(const unsigned char signature[ED25519_SIGNATURE],
                    const unsigned char public_key[ED25519_KEY], const void *bytes, size_t n);

/* Lower-case hex; out holds 2 * n characters and a NUL. */
void hex_print(char *out, const void *bytes, size_t n);
bool hex_parse(unsigned char *out, size_t n, struct str hex);

#endif

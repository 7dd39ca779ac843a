/* format.h - the hashes of the ledger, exactly as FORMAT.md freezes them.
 *
 * Everything here is a pure function of bytes. tests/storage/vectors.json holds golden values that an
 * independent implementation (tests/storage/vectors.py) computed; nothing here may change them. */
#ifndef STORAGE_FORMAT_H
#define STORAGE_FORMAT_H

#include "core/crypto.h"

enum { FORMAT_HASH = SHA256_SIZE, FORMAT_SALT = 16, FORMAT_LEDGER_ID = 16, FORMAT_VERSION = 1 };

/* The columns of one entry in the order in which the leaf hashes them; texts are UTF-8 and may hold NUL.
 * Digests are empty (n == 0) or FORMAT_HASH bytes. */
struct format_entry {
    uint64_t seq;
    struct str kind;
    uint64_t commit_seq;
    int64_t time_us;
    struct str project, database, path, operation;
    uint64_t prev;
    struct str principal, request_id, decision;
    struct str rules_digest, body_digest;
};

/* chain_0: names the ledger, so that entries of one ledger cannot continue another. */
void format_genesis(unsigned char out[FORMAT_HASH], const unsigned char ledger_id[FORMAT_LEDGER_ID]);
void format_body_digest(unsigned char out[FORMAT_HASH], const unsigned char salt[FORMAT_SALT],
                        struct str bytes);
void format_leaf(unsigned char out[FORMAT_HASH], const struct format_entry *entry);
/* chain_n from chain_{n-1} and leaf_n; out may be `before`. */
void format_chain(unsigned char out[FORMAT_HASH], const unsigned char before[FORMAT_HASH],
                  const unsigned char leaf[FORMAT_HASH]);

#endif

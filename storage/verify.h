/* verify.h - what the two halves of verify share: the ledger (verify.c) and the derived file
 * (verify_derived.c). */
#ifndef STORAGE_VERIFY_H
#define STORAGE_VERIFY_H

#include "storage/internal.h"

/* A growing set of 64-bit hashes. */
struct hash_set {
    uint64_t *slots;
    size_t n, cap;
};

/* When documents that were updated since were created; by document hash, overwritten, never removed. */
struct created_map {
    struct created {
        uint64_t document; /* 0: empty */
        int64_t time_us;
    } * slots;
    size_t n, cap;
};

/* What a set of rows adds up to, whatever their order: the sum of their hashes, modulo 2^128. */
struct row_sum {
    uint64_t high, low;
};

/* Bodies that are missing, as runs: a later prune entry may explain them. */
struct missing_run {
    uint64_t from, to;
};

struct verify {
    const struct store_verify_options *options;
    const struct store_place *place;
    struct arena *arena;
    struct store_verify_report *report;
    struct status *st;
    sqlite3 *ledger, *derived;
    sqlite3_stmt *entry_at, *past_at;
    uint64_t total;

    /* While reading the ledger. */
    unsigned char chain[FORMAT_HASH];
    uint64_t seq, commit_seq;
    int64_t time_us;
    sqlite3_stmt *body;
    bool body_row; /* it stands on a row not yet matched */
    struct missing_run *missing;
    size_t n_missing, cap_missing;
    struct hash_set first_versions; /* documents that have a version with prev 0 */
    unsigned char *superseded; /* two bits a seq: 1 some entry has it as prev, 2 in the same epoch, applied */
    size_t n_superseded;
    struct space_map spaces; /* as the ledger says, up to `applied` */

    /* The derived file. */
    bool has_derived;
    uint64_t applied;
    unsigned char applied_chain[FORMAT_HASH];
    uint64_t heads, pasts; /* rows it must have */
    struct row_sum sum;    /* of those rows */
    struct created_map created;
    struct buf key, row;
};

/* An entry as the derived rows need it. */
struct version {
    struct str kind, operation, project, database, path;
    uint64_t prev;
    int64_t time_us;
};

/* Memory that must be there; ends the process otherwise. */
void *verify_must(void *p);
/* Notes the first thing that is wrong and returns false. */
bool verify_bad(struct verify *v, uint64_t seq, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A failed SQLite call: damage is a finding, anything else an error. Returns false. */
bool verify_failed(struct verify *v, sqlite3 *db, int rc, const char *what, uint64_t seq);
/* The same for a status of our own functions; true when it is OK. */
bool verify_passed(struct verify *v, struct status *st, uint64_t seq);
bool verify_prepare(struct verify *v, sqlite3_stmt **out, sqlite3 *db, const char *sql);
bool verify_wal(struct verify *v, const char *path, bool derived);
/* *found false: no such entry. Borrowed until the next call. */
bool verify_version_at(struct verify *v, uint64_t seq, struct version *out, bool *found);
/* Bits: 1 some entry has it as prev, 2 in the same epoch and applied. */
unsigned verify_superseded(const struct verify *v, uint64_t seq);
bool verify_document_path(struct str path);

/* Sums of rows: adds a row, or takes it away. */
void verify_sum(struct row_sum *sum, struct str row, bool away);
void verify_put_number(struct buf *out, uint64_t n);
/* While the ledger is read: what a write makes of the rows that there must be. `existed`: in the same epoch,
 * as version `before`; space_from names the epoch. */
void verify_derived_expect(struct verify *v, const struct format_entry *e, uint64_t document,
                           const struct version *before, bool existed, uint64_t space_from);
/* Opens the derived file, if it is there, and fixes what it has applied. */
bool verify_derived_open(struct verify *v);
/* After `head` and `past` were found right: the field indexes follow from them and the bodies. (verify_index.c) */
bool verify_indexes(struct verify *v);
/* After the ledger was read: every row justified, and as many as there must be. */
bool verify_derived(struct verify *v);

#endif

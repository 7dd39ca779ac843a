/* ledger.h - the ledger file: schema, guards, appending, reading rows. FORMAT.md says what the rows mean. */
#ifndef STORAGE_LEDGER_H
#define STORAGE_LEDGER_H

#include "storage/db.h"
#include "storage/format.h"

enum {
    LEDGER_APPLICATION_ID = 0x436C6F67, /* "Clog" */
    LEDGER_TEXT_MAX = 65536,            /* ours: principal, request id, decision each */
};

/* Where a ledger stands: its newest entry. */
struct ledger_head {
    uint64_t seq; /* 0: empty */
    int64_t time_us;
    unsigned char chain[FORMAT_HASH];
};

/* The one connection that appends. `committed` is what COMMIT made lasting; `next` includes the open
 * transaction and becomes `committed` only after COMMIT returned OK. */
struct ledger {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback, *insert_entry, *insert_body;
    unsigned char id[FORMAT_LEDGER_ID];
    struct ledger_head committed, next;
    size_t salts_left;
    unsigned char salts[64 * FORMAT_SALT];
};

/* One row as it lies in the file; everything is borrowed from the statement. */
struct ledger_row {
    struct format_entry entry;
    struct str leaf, chain;
};

/* SQL of the schema, one statement each, NULL at the end: creation and verify use the same list. */
extern const char *const ledger_schema[];

/* Opens for appending; makes the schema in an empty file. `sync_full`: every COMMIT is synced.
 * FAILED_PRECONDITION: not a ledger, or a newer format. DATA_LOSS: damaged (the newest entry is checked). */
enum status_code ledger_open(struct ledger *ledger, const char *path, const char *vfs, bool sync_full,
                             struct status *st);
void ledger_close(struct ledger *ledger);

enum status_code ledger_begin(struct ledger *ledger, struct status *st);
/* Gives the entry the next seq, completes body_digest, leaf and chain, and inserts it. `body` NULL: the
 * entry has none. keep_bytes false: only salt and digest are kept (refused writes). */
enum status_code ledger_append(struct ledger *ledger, struct format_entry *entry, const struct str *body,
                               bool keep_bytes, struct status *st);
/* Not OK: the outcome is unknown. */
enum status_code ledger_commit(struct ledger *ledger, struct status *st);
void ledger_rollback(struct ledger *ledger);

/* ---- reading; also on connections of readers ---- */

/* Opens an existing ledger for reading and checks that it is one. */
enum status_code ledger_open_read(sqlite3 **out, const char *path, const char *vfs, struct status *st);
enum status_code ledger_read_id(unsigned char id[FORMAT_LEDGER_ID], sqlite3 *db, struct status *st);
#define LEDGER_COLUMNS                                                                                       \
    "seq, kind, commit_seq, time, project, database, path, operation, prev, principal, request_id, "         \
    "decision, rules_digest, body_digest, leaf, chain"
/* From a statement that selects LEDGER_COLUMNS and stands on a row. DATA_LOSS when a value has a type or
 * length that no entry has. */
enum status_code ledger_row_read(struct ledger_row *row, sqlite3_stmt *stmt, struct status *st);
/* Whether the row's leaf is right and continues `before`. */
enum status_code ledger_row_check(const struct ledger_row *row, const unsigned char before[FORMAT_HASH],
                                  struct status *st);
/* The newest entry, checked against the one before it. */
enum status_code ledger_read_head(struct ledger_head *out, sqlite3 *db,
                                  const unsigned char id[FORMAT_LEDGER_ID], struct status *st);
/* chain at seq (the genesis for 0); *found false when there is no such entry. */
enum status_code ledger_chain_at(unsigned char out[FORMAT_HASH], bool *found, sqlite3 *db, uint64_t seq,
                                 struct status *st);

#endif

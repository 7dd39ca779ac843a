/* derived.h - the derived file: which version of a document every view sees.
 *
 * `head` has one row per existing document (its open interval), `past` one row per version that ended
 * (its closed interval); FORMAT.md section 6. Keys are opaque bytes made by derived_key. Everything here can
 * be computed from the ledger again, and is when in doubt. */
#ifndef STORAGE_DERIVED_H
#define STORAGE_DERIVED_H

#include "core/buf.h"
#include "storage/db.h"
#include "storage/index.h"
#include "storage/ledger.h"
#include "storage/space.h"

#define DERIVED_NOW INT64_MAX /* a view above every seq */
enum { DERIVED_KEY_MAX = 1024 * 1024 };

/* A document at some view. */
struct derived_doc {
    bool exists;
    uint64_t seq;                   /* newest version, tombstones included; 0: none in this space */
    int64_t updated_us, created_us; /* when it exists */
};

/* Point lookups; every connection has its own. */
struct derived_reads {
    sqlite3_stmt *head, *covering, *ended;
};

/* The one connection that writes. */
struct derived {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback, *set_state;
    sqlite3_stmt *add_head, *set_head, *drop_head, *add_past, *add_space, *end_space;
    sqlite3_stmt *head_from, *any_past, *keys;
    struct derived_reads reads;
    struct space_map *spaces;
    struct index_set *indexes; /* NULL: none are kept */
    uint64_t applied; /* seq in `state`, as committed */
};

/* Appends the key of a document; *out is cleared first. */
void derived_key(struct buf *out, struct str document_path);
/* Number of documents in the path: the first byte of its key. */
unsigned derived_depth(struct str path);
/* Bytes with which the keys of all documents begin that lie `depth` documents deep, at or below path. */
void derived_prefix(struct buf *out, unsigned depth, struct str path);
/* The first key above every key that begins with the bytes of `prefix`. */
void derived_after_prefix(struct buf *out, struct str prefix);

/* Opens for writing beside the ledger and brings it level with it: replays or rebuilds as FORMAT.md section 5
 * says; fills `spaces`. DATA_LOSS when it is ahead of the ledger. `ledger` is the appending connection;
 * `remove` deletes the file and its -wal, called when it must be rebuilt (it may not be NULL). */
struct derived_open {
    const char *path, *vfs;
    const struct ledger *ledger;
    struct space_map *spaces;
    struct index_set *indexes; /* filled too; may be NULL */
    bool damaged; /* known to be: rebuild */
    bool
        ledger_created; /* it did not exist: then a derived file with entries is what is left of a lost one */
    void (*remove)(void *data);
    void *remove_data;
    void (*progress)(void *data, const char *what, uint64_t done, uint64_t total);
    void *progress_data;
};
enum status_code derived_open(struct derived *d, const struct derived_open *o, struct status *st);
void derived_close(struct derived *d);

/* A connection for readers. */
enum status_code derived_open_read(sqlite3 **out, const char *path, const char *vfs, struct status *st);
enum status_code derived_reads_prepare(struct derived_reads *reads, sqlite3 *db, struct status *st);
/* What a view sees of a document of a space. */
enum status_code derived_lookup(struct derived_doc *out, const struct derived_reads *reads, int64_t space,
                                struct str key, int64_t view, struct status *st);

/* The ended version that covers the view, if any: out->exists. */
enum status_code derived_covering(struct derived_doc *out, const struct derived_reads *reads, int64_t space,
                                  struct str key, int64_t view, struct status *st);

/* ---- the writer's; all inside begin ... commit ---- */

enum status_code derived_begin(struct derived *d, struct status *st);
enum status_code derived_commit(struct derived *d, const struct ledger_head *head, struct status *st);
/* Commits rows that follow from what is applied already (indexes). */
enum status_code derived_commit_rows(struct derived *d, struct status *st);
void derived_rollback(struct derived *d);
/* The document now, and `prev`: its newest version in any epoch. *space is 0 when the database has no open
 * one. */
enum status_code derived_newest(struct derived_doc *out, uint64_t *prev, int64_t *space, struct derived *d,
                                struct database_name name, struct str key, struct status *st);
/* A new version or a tombstone of a document of which `before` is now true; seq opens the space if needed. */
enum status_code derived_put(struct derived *d, struct database_name name, struct str key,
                             const struct derived_doc *before, uint64_t seq, int64_t time_us,
                             struct status *st);
enum status_code derived_delete(struct derived *d, struct database_name name, struct str key,
                                const struct derived_doc *before, uint64_t seq, struct status *st);
/* Ends the open space of `name` (of all when its project is empty) at seq. */
enum status_code derived_epoch(struct derived *d, struct database_name name, uint64_t seq, struct status *st);
/* The first existing document of the space with from <= key < to; false in *found when there is none. key_out
 * is cleared and filled. */
enum status_code derived_first(bool *found, struct buf *key_out, struct derived_doc *out, struct derived *d,
                               int64_t space, struct str from, struct str to, struct status *st);

#endif

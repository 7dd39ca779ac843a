/* internal.h - what the files of this room share: the store, its published view, its readers.
 *
 * Locks, in the order in which they may be taken:
 *   apply_mutex    held by the writer for a whole batch, by the housekeeper to empty a WAL
 *   readers_mutex  the list of readers
 *   reader->mutex  a reader's connections; taken by its owner for each call, by the housekeeper to end an
 *                  idle read transaction
 *   view_mutex     what is published, and the times handed out; held for a few instructions
 *   spaces.lock    see space.h */
#ifndef STORAGE_INTERNAL_H
#define STORAGE_INTERNAL_H

#include "core/buf.h"
#include "storage/derived.h"
#include "storage/index.h"
#include "storage/storage.h"
#include "storage/vfs.h"

#include <stdatomic.h>

enum {
    STORE_TX_MAX_MS = 50, /* no read transaction lasts longer (design: a WAL cannot shrink below it) */
    /* A WAL is copied back to its file when it has grown by the first number of pages, and emptied, with
     * readers and writer held back for a moment, at the second. On disk each costs fsyncs; in memory the WAL
     * costs its size. */
    STORE_WAL_CHECKPOINT_PAGES = 5000,
    STORE_WAL_RESET_PAGES = 16000,
    STORE_WAL_CHECKPOINT_PAGES_MEMORY = 250,
    STORE_WAL_RESET_PAGES_MEMORY = 1000,
};

/* Where a store lies. Paths are malloc'ed. */
struct store_place {
    char *ledger, *derived, *lock; /* lock NULL: in memory */
    char *directory;               /* of the directory form; NULL otherwise */
    struct vfs *vfs;               /* NULL: the system's files */
    bool owns_vfs;
    int lock_fd; /* -1: none */
};

/* Splits `data` (store_options.data) into files; touches nothing. */
enum status_code store_place_init(struct store_place *place, const char *data, struct status *st);
void store_place_dispose(struct store_place *place);
static inline const char *store_place_vfs(const struct store_place *place)
{
    return place->vfs ? vfs_name(place->vfs) : NULL;
}

/* ---- lock.c ---- */

/* Takes the lock of a place on disk. FAILED_PRECONDITION naming the holder's process, or for a read-only
 * place. */
enum status_code store_lock(struct store_place *place, struct status *st);
void store_unlock(struct store_place *place);
/* Refuses filesystems where WAL corrupts (by statfs magic). */
enum status_code store_check_filesystem(const char *directory, struct status *st);
/* Name of a refused filesystem, NULL for one that is allowed. */
const char *store_filesystem_refused(unsigned long magic);

/* ---- the store ---- */

struct writer;
struct housekeeper;

struct store {
    struct store_options options;
    struct store_place place;
    struct space_map spaces;
    struct ledger ledger;
    struct derived derived;
    struct index_set indexes;
    uint64_t entries_at_open;

    pthread_mutex_t view_mutex;
    pthread_cond_t view_published;
    atomic_uint_fast64_t visible;
    int64_t last_us;    /* newest published commit time */
    int64_t read_us;    /* newest read time handed out */
    int64_t pending_us; /* first commit time of the batch being written, 0: none */
    unsigned char chain[FORMAT_HASH];
    uint64_t batches, commits;

    pthread_mutex_t apply_mutex;
    struct writer *writer;
    struct store_observer observer;
    void (*fatal)(void *data, const char *why);
    void *fatal_data;

    pthread_mutex_t readers_mutex;
    struct store_reader *readers;
    atomic_bool reading; /* some reader may have a transaction open */

    struct housekeeper *housekeeper;
    atomic_int checkpoint_pages, reset_pages; /* STORE_WAL_*; tests lower them */
};

/* store_open on a place that the caller made (tests: a heap disk that outlives the store). Takes the place
 * over. */
enum status_code store_open_place(struct store **out, struct store_place *place,
                                  const struct store_options *options, bool ledger_created,
                                  struct status *st);
/* A place on a heap disk, not owned. */
enum status_code store_place_on(struct store_place *place, struct vfs *vfs, struct status *st);

/* The log and verification of a place that the caller made; both leave it to the caller. */
enum status_code store_log_open_place(struct store_log **out, const struct store_place *place,
                                      struct status *st);
enum status_code store_verify_place(const struct store_place *place,
                                    const struct store_verify_options *options, struct arena *arena,
                                    struct store_verify_report *report, struct status *st);
/* FAILED_PRECONDITION when there is no ledger at all. */
enum status_code store_place_exists(const struct store_place *place, struct status *st);

/* ---- view.c: times and publication ---- */

void store_view_init(struct store *store);
/* A batch begins: its commits get times from the result on, and no reader is promised one of those. */
int64_t store_view_begin(struct store *store);
/* The batch became visible (or, with the old head, did not happen). last_us: newest commit time given out. */
void store_view_publish(struct store *store, const struct ledger_head *head, int64_t last_us, size_t commits);

/* ---- writer.c ---- */

enum status_code store_writer_start(struct store *store, struct status *st);
/* Finishes the queue and ends the thread. */
void store_writer_stop(struct store *store);

/* ---- housekeeper.c ---- */

enum status_code store_housekeeper_start(struct store *store, struct status *st);
void store_housekeeper_stop(struct store *store);
/* The writer tells how long the WALs are, in pages. */
void store_housekeeper_wal(struct store *store, bool derived, int pages);
/* Between batches: waits, if a WAL has grown far beyond its limit, until the housekeeper has tried to empty
 * it. */
void store_housekeeper_wait(struct store *store);
/* Tests: a lower limit from now on. */
void store_housekeeper_limit(struct store *store, int checkpoint_pages, int reset_pages);
/* There is work for index_work. */
void store_housekeeper_wake(struct store *store);
/* A reader began a transaction that somebody must end if its worker sleeps. */
void store_housekeeper_reading(struct store *store);

/* ---- reader.c ---- */

struct store_reader {
    struct store *store;
    struct store_reader *next, **prev;
    pthread_mutex_t mutex;
    sqlite3 *ledger, *derived;
    sqlite3_stmt *ledger_begin, *ledger_end, *derived_begin, *derived_end;
    sqlite3_stmt *version, *entry, *body, *time, *applied;
    sqlite3_stmt *changes;               /* store_reader_changes */
    sqlite3_stmt *past_key[2];           /* of scans at older views; by direction */
    sqlite3_stmt *spare_head[2];         /* for the next scan; by direction */
    sqlite3_stmt *index_page[2], *index_state;
    struct derived_reads reads;
    bool in_transaction;
    uint64_t sees; /* a seq that the open transaction surely sees */
    int64_t begun_ns;
    struct store_scan *scans; /* with a statement running: ended with the transaction */
    struct buf key;
    struct { /* store_view_at's last answer */
        int64_t time_us;
        uint64_t view;
        bool set;
    } at;
};

/* Every use of a reader's connections is between these two. enter opens or renews the transaction so that it
 * sees `view`; on failure it has left already. */
enum status_code store_reader_enter(struct store_reader *reader, uint64_t view, struct status *st);
void store_reader_leave(struct store_reader *reader);
/* For whoever reads the ledger before the derived file in a transaction: SQLite takes each file's snapshot at the first
 * SELECT, and the derived file's must be the older one, or a scan would look in vain for what has changed up to there in a
 * ledger that does not know it yet. The reader is entered. */
enum status_code store_reader_pin(struct store_reader *reader, struct status *st);
/* store_changes, for who has entered the reader and has read the derived file. */
enum status_code store_reader_changes(struct store_reader *reader, uint64_t after, uint64_t upto,
                                      store_change_fn *each, void *data, struct status *st);
/* Ends the read transaction; the caller holds the reader's mutex. */
void store_reader_end(struct store_reader *reader);
/* Fills times and, with `fields`, the checked body of version doc->seq. path and db must be what the entry
 * says; an empty path is filled in instead. Inside enter ... leave. */
enum status_code store_reader_version(struct store_reader *reader, struct database_name db, struct str *path,
                                      const struct derived_doc *doc, bool fields, struct arena *arena,
                                      struct store_document *out, struct status *st);
/* Copies a row into `out`; kind and operation become constants of ours. */
enum status_code store_entry_from_row(struct store_entry *out, const struct ledger_row *row,
                                      sqlite3_stmt *body, struct arena *arena, struct status *st);

/* ---- scan.c ---- */

/* The transaction of the scan's reader ends: it must seek again. */
void store_scan_interrupt(struct store_scan *scan);
/* For levels.h; all before the first store_scan_next, or between two. The greatest depth there is anything at, of a
 * subtree; only documents so deep from here on; goes on, upwards only, with what lies at or below `path`, or `behind`
 * all of that. */
unsigned store_scan_last_depth(const struct store_scan *scan);
void store_scan_keep_to_depth(struct store_scan *scan, unsigned depth);
void store_scan_move(struct store_scan *scan, struct str path, bool behind);

#endif

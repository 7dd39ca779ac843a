/* storage.h - the face of this room: an append-only ledger, views of it by sequence number, one writer.
 *
 * Words. An *entry* is one ledger row, numbered by a gapless *seq* from 1. A *commit* is the entries that
 * one request made; they share a time and become visible together. A *batch* is the commits that one
 * SQLite transaction holds. A *view* is a seq S at a commit boundary: it shows the newest version of each
 * document with seq <= S in the current epoch. Nothing that a view shows ever changes.
 *
 * Threads. Any thread may submit commits. Each worker owns one store_reader and uses it alone. Completion
 * runs on the writer thread and may neither block nor touch the store. */
#ifndef STORAGE_STORAGE_H
#define STORAGE_STORAGE_H

#include "core/path.h"
#include "core/value.h"

struct store;
struct store_reader;

enum store_durability {
    STORE_DURABILITY_PROCESS, /* survives kill -9: WAL, synchronous=NORMAL */
    STORE_DURABILITY_POWER,   /* survives a power cut: synchronous=FULL */
};

struct store_options {
    const char *data; /* directory (made when missing), a file ending in ".db", or ":memory:" */
    enum store_durability durability;
    bool fresh;            /* move what is there aside (renamed with a timestamp), start empty */
    bool allow_reset;      /* let resets touch append-only collections of a data file */
    bool record_denied_body; /* keep the body of refused writes, not only its digest */
    const struct str *append_only; /* patterns, see path_pattern_matches; borrowed until close */
    size_t n_append_only;
    /* Long work at open (replay, rebuild) reports here; may be NULL. `what` is a constant; total 0: unknown. */
    void (*progress)(void *data, const char *what, uint64_t done, uint64_t total);
    void *progress_data;
};

/* Opens or creates, takes the lock, recovers (replays or rebuilds what is derived) and starts the writer.
 * Refusals, each one sentence with what to do: FAILED_PRECONDITION (locked by another process, read-only,
 * full disk, a filesystem where WAL corrupts, newer format), DATA_LOSS (damaged; names the first bad seq),
 * INVALID_ARGUMENT (bad pattern or path). */
enum status_code store_open(struct store **out, const struct store_options *options, struct status *st);
/* Finishes what is queued, checkpoints, closes. Readers must be closed before. NULL is allowed. */
void store_close(struct store *store);

struct store_info {
    const char *path;          /* the ledger file, or ":memory:" */
    bool in_memory;
    unsigned char ledger_id[16];
    uint64_t entries_at_open;  /* left by earlier runs */
    uint64_t visible;          /* newest visible seq */
    unsigned char chain[32];   /* chain hash at visible */
    uint64_t batches;          /* SQLite transactions since open */
    uint64_t commits;          /* commits since open */
};
void store_get_info(struct store *store, struct store_info *out);

/* ---- views and reads ---- */

/* The newest view and the time to report for reads of it: later than every commit it shows, earlier than
 * every commit it does not show (the writer keeps later commits above every time handed out). */
uint64_t store_view_now(struct store *store, struct timestamp *read_time);
/* The newest view whose commits are all at or before `time`. INVALID_ARGUMENT for a time in the future
 * ("The requested 'read_time' cannot be in the future."). */
enum status_code store_view_at(struct store_reader *reader, struct timestamp time, uint64_t *view, struct status *st);

enum status_code store_reader_open(struct store_reader **out, struct store *store, struct status *st);
void store_reader_close(struct store_reader *reader);
/* The ledger file, for files beside it; NULL for :memory:. */
const char *store_reader_file(const struct store_reader *reader);

/* A document as a view shows it. */
struct store_document {
    bool exists;
    uint64_t seq;  /* of its newest version in the view, tombstones included; 0: never in this epoch */
    struct timestamp create_time, update_time;
    struct str fields; /* protobuf encoding (protobuf_decode_fields), in the arena given; digest checked */
};
/* DATA_LOSS when the body's digest differs from its entry: it is never served. */
enum status_code store_get(struct store_reader *reader, uint64_t view, struct database_name db, struct str path,
                           struct arena *arena, struct store_document *out, struct status *st);
/* Only whether it exists and its seq: no body is read. */
enum status_code store_peek(struct store_reader *reader, uint64_t view, struct database_name db, struct str path,
                            struct store_document *out, struct status *st);

/* Documents of one collection in name order (order.h), or of a whole subtree. Holds no SQLite read
 * transaction for longer than 50 ms: a long scan goes on at the same view. Memory is bounded. */
struct store_scan;
struct store_scan_range {
    struct str parent;        /* document path or "" */
    struct str collection_id; /* "": every collection (needs subtree) */
    bool subtree;             /* every document below parent, at any depth (clearing, recursive delete): by depth,
                                 then in name order; start and end cut only the depth they lie at */
    bool descending;
    bool names_only;          /* no body is read: the documents have no fields */
    struct str start, end;    /* document paths; empty: open */
    bool start_after, end_before; /* exclude the bound itself */
    struct str after;         /* goes on behind this document of the range, which a scan gave out; empty: from the
                                 beginning */
};
enum status_code store_scan_open(struct store_scan **out, struct store_reader *reader, uint64_t view,
                                 struct database_name db, const struct store_scan_range *range,
                                 struct status *st);
/* *path is empty at the end. The document and the path are in `arena`. A scan of a subtree for one collection id gives
 * out a document of another one now and then, with `exists` false: the caller can rest there, and reset the arena. */
enum status_code store_scan_next(struct store_scan *scan, struct arena *arena, struct str *path,
                                 struct store_document *out, struct status *st);
void store_scan_close(struct store_scan *scan);

/* The names directly below a path, each once, in name order: the collections of a document (or of the database, ""),
 * the documents of a collection. What has nothing but something below it counts: a missing document with
 * sub-collections, a collection of only such documents. The cost is some seeks for each name, whatever lies below it
 * (at an old view also what came there since). */
struct store_children;
/* `after`: full path of the last name not wanted any more; empty: from the first. The reader is used until close. */
enum status_code store_children_open(struct store_children **out, struct store_reader *reader, uint64_t view,
                                     struct database_name db, struct str parent, struct str after, struct status *st);
/* *path is the full path of the next one, in `arena`; empty at the end. */
enum status_code store_children_next(struct store_children *children, struct arena *arena, struct str *path,
                                     struct status *st);
void store_children_close(struct store_children *children);

/* Cuts a collection group into parts of about the same size. Reads every name, no body, some at a time; memory is
 * bounded by `most`. */
struct store_partition;
/* `collection_id` is borrowed. */
enum status_code store_partition_open(struct store_partition **out, uint64_t view, struct database_name db,
                                      struct str collection_id, size_t most, struct status *st);
/* Looks at more names until clock_mono_ns() >= until_ns, at some at least; *done after the last. The reader may be
 * another one each time. */
enum status_code store_partition_more(bool *done, struct store_partition *partition, struct store_reader *reader,
                                      int64_t until_ns, struct status *st);
/* At most `most` names of documents of the group: where parts begin, ascending, each once. The first document is none
 * of them, so no part is empty; none at all when there are too few. Valid until close. */
size_t store_partition_cuts(const struct str **cuts, struct store_partition *partition);
void store_partition_close(struct store_partition *partition);

/* ---- changes between views ---- */

/* A document that a write or a deletion named, or (an empty path) everything of the database at once: a new epoch, of
 * every database when the project is empty. Valid during the call. */
struct store_change {
    uint64_t seq;
    struct database_name db;
    struct str path;
};
typedef bool store_change_fn(void *data, const struct store_change *change); /* false: no more of them */
/* Those after one view up to another, oldest first, on this thread; `each` may not use the reader. */
enum status_code store_changes(struct store_reader *reader, uint64_t after, uint64_t upto, store_change_fn *each,
                               void *data, struct status *st);

/* ---- writing ---- */

enum store_op_kind {
    STORE_PUT = 1,           /* new version of a document: path, operation, fields */
    STORE_DELETE = 2,        /* tombstone: path; makes no entry when the document does not exist */
    STORE_REFUSED = 3,       /* a write that was refused: path, operation, decision; fields optional */
    STORE_RULES = 4,         /* rules changed: `fields` is the source (length-prefixed files) */
    STORE_CLEAR_SUBTREE = 5, /* tombstones for every document at or below path (document or collection);
                                the writer expands it. The only op of its commit */
    STORE_EPOCH = 6,         /* new epoch for the commit's database; for every database when its project
                                is empty (POST /reset). The only op of its commit */
    STORE_NOTE = 7,          /* operator notes and imports: `fields` is text */
};
enum store_operation { STORE_OPERATION_NONE, STORE_OPERATION_CREATE, STORE_OPERATION_UPDATE, STORE_OPERATION_DELETE };

struct store_op {
    enum store_op_kind kind;
    enum store_operation operation;
    struct str path;
    struct str fields;
    struct str decision; /* "rules:14:9", "owner", "iam"; for refused ones why, one line */
    struct str request_id; /* of this one alone; empty: the commit's */
    /* Filled before done(): */
    uint64_t seq;
};

/* What a commit read while it was prepared. The writer refuses the commit (ABORTED internally, see
 * `stale`) when a newer version exists, batch-mates included. */
struct store_dep {
    bool whole_collection; /* path is a collection: no document directly in it changed since `seq` (a view);
                              an empty path: no document of the database */
    struct str path;
    uint64_t seq;          /* of the version seen (store_document.seq), 0 for none */
};

struct store_commit {
    /* Filled by the caller; everything is borrowed until done(). */
    struct database_name db;
    struct store_op *ops;
    size_t n_ops;
    const struct store_dep *deps;
    size_t n_deps;
    struct str principal;  /* "owner", "anonymous", "user:<uid>" */
    struct str request_id;
    const unsigned char *rules_digest; /* 32 bytes or NULL */
    int64_t min_time_us;   /* commit time will be at least this (request.time) */
    void (*done)(struct store_commit *commit);
    void *user;
    /* Filled before done(): */
    struct status status;  /* initialise with status_init(arena); the arena is used on the writer thread
                              until done() */
    bool stale;            /* a dep did not hold: prepare again on a newer view and submit again */
    struct timestamp commit_time;
    uint64_t first_seq, last_seq; /* the entries it made, a refusal's too; 0: none */
    struct store_commit *next_; /* the store's queue */
};
/* Queues the commit and returns at once; done() follows always, on the writer thread, after the batch's
 * COMMIT returned and the new view is published (or when it was refused).
 * STATUS_UNKNOWN: a COMMIT failed, its outcome is unknown and the store has stopped (store_on_fatal).
 * Refusals decided here: append-only collections (PERMISSION_DENIED naming pattern and document; a refused
 * entry is written), resets that touch them (FAILED_PRECONDITION), queue full (RESOURCE_EXHAUSTED), I/O
 * failure (UNAVAILABLE: nothing of the batch is in the ledger). A commit without ops is answered with a
 * fresh commit time once its deps hold. */
void store_submit(struct store *store, struct store_commit *commit);

/* Which pattern makes this document append-only; NULL for none. */
const struct str *store_append_only(const struct store *store, struct str document_path);

/* A batch that became visible. */
struct store_batch {
    size_t commits, entries;
    uint64_t bytes;     /* of the documents in it, as stored */
    int64_t lasting_ns; /* both COMMITs; with STORE_DURABILITY_POWER their fsyncs */
};

/* Called on the writer thread after each publish; must return at once. Set before the first submit. */
struct store_observer {
    void (*visible)(void *data, uint64_t seq);
    void (*batch)(void *data, const struct store_batch *batch); /* NULL: nobody wants to know */
    /* Around the done() calls of one batch: whoever they wake can be woken once. */
    void (*answering)(void *data, bool begins);
    void *data;
};
void store_observe(struct store *store, struct store_observer observer);
/* When COMMIT's outcome is unknown (I/O error, failed fsync) the store stops accepting and calls this once;
 * the host ends the process with exit code 4: the next start tells what happened. */
void store_on_fatal(struct store *store, void (*fatal)(void *data, const char *why), void *data);

/* ---- the ledger as a file: log, verify (work beside a running server, take no lock) ---- */

struct store_entry {
    uint64_t seq, commit, prev;
    int64_t time_us;
    const char *kind;      /* "write", "refused", "rules", "epoch", "note" ... */
    const char *operation; /* "create", "update", "delete", "" */
    struct database_name db;
    struct str path, principal, request_id, decision;
    unsigned char rules_digest[32]; /* zeros: none */
    unsigned char body_digest[32], leaf[32], chain[32];
    bool has_body;
    struct str body;       /* protobuf fields of a document version, or text, by kind */
};
struct store_log;
/* `data` as in store_options. Opens read-only. */
enum status_code store_log_open(struct store_log **out, const char *data, struct status *st);
/* Entries after `seq`, in order; *found false at the present end (call again to follow). */
enum status_code store_log_next(struct store_log *log, uint64_t after_seq, struct arena *arena,
                                struct store_entry *out, bool *found, struct status *st);
void store_log_close(struct store_log *log);
/* The same over a live store's reader, for HTTP. */
enum status_code store_read_entry(struct store_reader *reader, uint64_t seq, struct arena *arena,
                                  struct store_entry *out, bool *found, struct status *st);

struct store_verify_options {
    const char *data;
    bool has_since; /* a chain head kept elsewhere: entry since_seq must have this chain hash */
    uint64_t since_seq;
    unsigned char since_chain[32];
    void (*progress)(void *data, uint64_t done, uint64_t total);
    void *progress_data;
};
struct store_verify_report {
    bool intact;
    uint64_t entries, bodies, pruned, documents;
    uint64_t first_bad_seq;   /* 0 when intact or not about one entry */
    const char *what;         /* one sentence naming the row and what differs; in arena */
    unsigned char chain[32];  /* head of what was read */
    unsigned char ledger_id[16];
};
/* STATUS_OK with report->intact either way; another code when it cannot be read. Checks every hash, the
 * gapless order, times, prev lists, SQLite's integrity and that the derived file shows exactly what the
 * ledger says. */
enum status_code store_verify(const struct store_verify_options *options, struct arena *arena,
                              struct store_verify_report *report, struct status *st);

#endif

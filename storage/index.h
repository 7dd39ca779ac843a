/* index.h - field indexes: which documents of a collection have which value in a field, as intervals of seq.
 *
 * Nobody asks for an index by name: a query that had to look at many documents wishes for one, the
 * housekeeper builds it in slices, the writer keeps it up, later queries use it. index.c tells how that stays
 * right.
 *
 * Threads. The list of indexes changes under the store's apply_mutex and `lock` both, so whoever holds one of
 * them may read it: the writer and the housekeeper the first, queries the second. */
#ifndef STORAGE_INDEX_H
#define STORAGE_INDEX_H

#include "core/field_path.h"
#include "core/limits.h"
#include "storage/db.h"
#include "storage/space.h"

enum {
    INDEX_BUILDING = 0, /* otherwise the first view that it is complete for */
    INDEX_REFUSED = -1, /* a value too long, a document without body: never built again in this epoch */
};

struct field_index {
    struct arena *arena; /* of itself and its texts */
    int64_t id, space;
    struct str prefix; /* with it begin the keys of the collection's documents */
    struct field_path field;
    bool elements;     /* of arrays, not values */
    int64_t complete;  /* INDEX_* or a view */
    bool ended;        /* its epoch is over */
    bool stored;       /* the file says so too that it is refused */
    bool empty;        /* refused, and its rows are gone */
    unsigned users;    /* queries; under `lock` */
    struct buf cursor; /* building: key of the last document done */
};

struct index_wish {
    int64_t space;
    struct str prefix, field; /* malloc'ed, in one piece */
    bool elements;
};

struct index_set {
    pthread_mutex_t lock;
    struct field_index *items[LIMIT_INDEXES];
    size_t n;
    struct index_wish wishes[LIMIT_INDEX_WISHES];
    size_t n_wishes;
    int64_t last_id;
    /* The writer's. */
    struct arena *scratch;
    sqlite3_stmt *add, *set_complete, *drop, *open_row, *end_row, *purge, *body;
};

void index_set_init(struct index_set *set);
void index_set_dispose(struct index_set *set);

/* Reads what there is; `spaces` says whose epochs are over. Bodies come from `ledger`. */
enum status_code index_load(struct index_set *set, sqlite3 *derived, sqlite3 *ledger,
                            struct space_map *spaces, struct status *st);
/* Only the list, for who does not write. */
enum status_code index_load_list(struct index_set *set, sqlite3 *derived, struct space_map *spaces,
                                 struct status *st);
/* Before the connections are closed. */
void index_unload(struct index_set *set);

/* ---- the writer's, inside derived_begin ... derived_commit ---- */

/* A document's version `before` (0: none) ended at `seq`, where its version `after` (0: deleted) began. */
enum status_code index_changed(struct index_set *set, int64_t space, struct str key, uint64_t before,
                               uint64_t after, uint64_t seq, struct status *st);
void index_space_ended(struct index_set *set, int64_t space);

/* ---- the housekeeper's (index_build.c) ---- */

struct store;
/* A slice of what is due, with the writer held back for about a millisecond; true: there is more. */
bool index_work(struct store *store);

/* ---- shared by the two ---- */

/* Rows for the values that version `seq`, which is current, has: as far as they are not there. */
enum status_code index_add_current(struct index_set *set, struct field_index *index, struct str key,
                                   uint64_t seq, struct status *st);
enum status_code index_set_complete(struct index_set *set, struct field_index *index, int64_t complete,
                                    struct status *st);
/* Adds to the list what the file has already; the texts are copied. INVALID_ARGUMENT for a field path that is
 * none. */
enum status_code index_add(struct field_index **out, struct index_set *set, const struct field_index *as,
                           struct str field, struct status *st);
void index_remove(struct index_set *set, struct field_index *index);

/* ---- a body's rows, also for verify ---- */

/* value_key || the document's id: the rows of one collection sort by value, then by name. */
struct index_row {
    struct str row;
    size_t value; /* bytes of it that are the value's key */
};
struct index_rows {
    struct index_row *items; /* sorted, each once */
    size_t n;
};
/* False when an index cannot have them: a value is longer than LIMIT_INDEX_VALUE_BYTES, there are more than
 * LIMIT_INDEX_ELEMENTS, or the body is no document's. */
bool index_rows_of(struct index_rows *out, const struct field_index *index, struct str key, struct str body,
                   struct arena *arena);

#endif

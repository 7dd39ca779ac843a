/* scan_past.h - for a scan at a view that is not the newest: the documents whose version at the view has
 * ended since.
 *
 * Two ways to find them, by how far the view is behind:
 *   near (SCAN_PAST_NEAR entries): the ledger's entries after the view name every document that changed
 * since; each is looked up at the view. The cost is what happened since, not what the collection went through
 * before. far: the keys of `past` one by one, with one seek for the version that covers the view. The cost is
 * documents, not versions. Inside the reader's transaction only; stop when it ends. */
#ifndef STORAGE_SCAN_PAST_H
#define STORAGE_SCAN_PAST_H

#include "storage/internal.h"

enum { SCAN_PAST_NEAR = 1000 };

struct scan_past_row {
    struct str key;
    struct derived_doc doc;
};

struct scan_past {
    struct store_reader *reader;
    struct database_name db; /* borrowed */
    int64_t space;
    uint64_t view;
    bool descending, active, near;
    struct arena *arena; /* of the near rows */
    struct scan_past_row *rows;
    size_t n, at;
    struct buf key; /* far: of the row found last */
    struct scan_past_row far;
    bool has_far;
};

/* The transaction sees `applied` (above the view). low <= key < high is what the scan still has before it. */
enum status_code scan_past_start(struct scan_past *past, uint64_t applied, struct str low, struct str high,
                                 struct status *st);
/* The next document in scan order within low <= key < high, NULL when there is none; it stays the next one
 * until taken. */
enum status_code scan_past_peek(const struct scan_past_row **out, struct scan_past *past, struct str low,
                                struct str high, struct status *st);
void scan_past_take(struct scan_past *past);
/* Passes over everything below `low`; upwards only. */
void scan_past_skip(struct scan_past *past, struct str low);
void scan_past_stop(struct scan_past *past);
void scan_past_dispose(struct scan_past *past);

#endif

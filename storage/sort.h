/* sort.h - rows in the order of their keys: all of them, or the first few of a stream.
 *
 * With a limit only that many rows are held (a heap whose root is the worst one); without, all. Either way
 * memory is counted and bounded, in all and for documents: rows beyond the second bound are held without
 * their document, to be read again. */
#ifndef STORAGE_SORT_H
#define STORAGE_SORT_H

#include "core/status.h"
#include "core/timestamp.h"

struct sort_row {
    struct str key, path, fields; /* of one block with this struct */
    bool has_fields;
    struct timestamp create_time, update_time;
};

struct sorter;

/* Holds the `limit` least rows, 0 none, in at most `bytes`, `body_bytes` of them documents. NULL without
 * memory. Free with sorter_free. */
struct sorter *sorter_new(uint64_t limit, size_t bytes, size_t body_bytes);
void sorter_free(struct sorter *sorter);
/* Copies the row when it belongs among those held. Keys differ. RESOURCE_EXHAUSTED above the bounds. */
enum status_code sorter_add(struct sorter *sorter, const struct sort_row *row, struct status *st);
/* No more rows come. Returns how many there are. */
size_t sorter_finish(struct sorter *sorter);
/* The row at `index` in order, after sorter_finish; valid until sorter_drop of it. */
const struct sort_row *sorter_row(const struct sorter *sorter, size_t index);
/* Gives the memory of a row back once it has been used. */
void sorter_drop(struct sorter *sorter, size_t index);

#endif

/* sort.h - rows in the order of their keys: all of them, or the first few of a stream.
 *
 * Memory is bounded whatever the number of rows. Rows are held up to `memory` bytes (with a limit only the
 * least of them, in a heap whose root is the worst); then they go, sorted, as a run into a temporary file,
 * and are merged in the end. Many runs are merged into longer ones on the way, a piece at a time.
 *
 *     sorter_add ...  sorter_finish  sorter_next ...
 *     sorter_work in between as long as sorter_busy: neither of the others may be called before */
#ifndef STORAGE_SORT_H
#define STORAGE_SORT_H

#include "core/status.h"
#include "core/timestamp.h"

struct sort_row {
    struct str key, path, fields;
    bool has_fields; /* false: the document is not held, but read again */
    struct timestamp create_time, update_time;
};

struct sorter;

/* Of the `limit` least rows; 0 none. `beside`, borrowed, is what a temporary file is made beside
 * (spill_open). Without any such place up to LIMIT_SORT_BYTES are held in memory. NULL without memory. */
struct sorter *sorter_new(uint64_t limit, size_t memory, const char *beside);
void sorter_free(struct sorter *sorter); /* NULL is allowed */

/* Copies the row when it may belong to the result. Keys differ. RESOURCE_EXHAUSTED when neither memory nor
 * disk has room for it. */
enum status_code sorter_add(struct sorter *sorter, const struct sort_row *row, struct status *st);
bool sorter_busy(const struct sorter *sorter);
/* A piece of the work that is due: about a millisecond. */
enum status_code sorter_work(struct sorter *sorter, struct status *st);
/* No more rows come. */
enum status_code sorter_finish(struct sorter *sorter, struct status *st);
/* The next row in order, NULL at the end; valid until the next call. */
enum status_code sorter_next(struct sorter *sorter, const struct sort_row **row, struct status *st);

#endif

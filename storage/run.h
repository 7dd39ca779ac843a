/* run.h - sorted rows in a temporary file: written one after the other, read back merged.
 *
 * A *run* is a stretch of the file with rows in ascending order of their keys. */
#ifndef STORAGE_RUN_H
#define STORAGE_RUN_H

#include "core/buf.h"
#include "storage/sort.h"
#include "storage/spill.h"

struct run {
    uint64_t from, to; /* bytes of the file */
    unsigned level;    /* how often its rows have been merged */
};

struct run_writer {
    struct spill *spill;
    struct buf rows; /* not yet in the file */
    uint64_t from;
};

/* Begins a run at the end of the file; nothing else is written there before its end. */
void run_begin(struct run_writer *writer, struct spill *spill);
enum status_code run_put(struct run_writer *writer, const struct sort_row *row, struct status *st);
enum status_code run_end(struct run *out, struct run_writer *writer, struct status *st);
void run_writer_dispose(struct run_writer *writer);

/* The rows of several runs in the order of their keys. Holds a buffer for each run. */
struct run_merge;
enum status_code run_merge_open(struct run_merge **out, const struct spill *spill, const struct run *runs,
                                size_t n, struct status *st);
/* *row is NULL at the end; it stays valid until the next call. */
enum status_code run_merge_next(struct run_merge *merge, const struct sort_row **row, struct status *st);
void run_merge_close(struct run_merge *merge); /* NULL is allowed */

#endif

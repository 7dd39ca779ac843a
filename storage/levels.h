/* levels.h - the documents below a path in name order, whatever their depth.
 *
 * The derived file keeps documents of each depth together (FORMAT.md section 6), so this is one scan a depth,
 * merged. A name and everything below it can be passed over for the price of one seek a depth. Holds what a
 * scan holds. */
#ifndef STORAGE_LEVELS_H
#define STORAGE_LEVELS_H

#include "storage/storage.h"

struct levels;
struct levels_range {
    struct str parent;        /* "", a document or a collection */
    struct str collection_id; /* "": of any collection */
    struct str after;         /* a document: goes on behind it; empty: from the beginning */
};

/* Names only. The reader is used until levels_close. */
enum status_code levels_open(struct levels **out, struct store_reader *reader, uint64_t view,
                             struct database_name db, const struct levels_range *range, struct status *st);
/* The next document's path, empty at the end; it stays the next one, and the text valid, until one of the two
 * below. Now and then it is one of another collection id, *wanted false: the caller may rest there. */
enum status_code levels_peek(struct str *path, bool *wanted, struct levels *levels, struct status *st);
void levels_take(struct levels *levels);
/* Passes over everything at or below `path`: the document where peek stands or a path above it; before the
 * first peek any path, and what lies before it too. */
void levels_skip(struct levels *levels, struct str path);
void levels_close(struct levels *levels);

#endif

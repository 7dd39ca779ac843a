/* source.h - where the documents of a query come from: a scan in name order, or a field index.
 *
 * Whichever it is, it gives out every document that the query can match, and more: the matcher decides.
 * Between source_begin and source_end it uses the reader given; otherwise it only remembers where it is, so a
 * query can rest there and go on with another reader. */
#ifndef STORAGE_SOURCE_H
#define STORAGE_SOURCE_H

#include "storage/plan.h"

struct source;

/* Chooses. `plan` and `reader` outlive it. */
enum status_code source_open(struct source **out, const struct query_plan *plan, struct store_reader *reader,
                             uint64_t view, struct status *st);
/* `matched`: how many of the documents given out belonged to the result. When few did, the index that would
 * have helped is wished for. NULL is allowed. */
void source_close(struct source *source, uint64_t matched);

/* Whether documents come in the order of the plan. */
bool source_is_ordered(const struct source *source);

enum status_code source_begin(struct source *source, struct store_reader *reader, struct status *st);
/* *path is empty at the end. Now and then a document that only tells how far the source is, with `exists`
 * false. */
enum status_code source_next(struct source *source, struct arena *arena, struct str *path,
                             struct store_document *out, struct status *st);
void source_end(struct source *source);

struct source_use {
    const char *properties;            /* "(n ASC, __name__ ASC)", borrowed */
    uint64_t documents, index_entries; /* looked at */
};
struct source_use source_use(const struct source *source);

#endif

/* index_read.h - field indexes as queries see them. Tests without a store answer these functions themselves.
 */
#ifndef STORAGE_INDEX_READ_H
#define STORAGE_INDEX_READ_H

#include "core/field_path.h"
#include "storage/storage.h"

struct field_index;

struct index_name {
    struct database_name db;
    struct str collection; /* path */
    struct field_path field;
    bool elements; /* of arrays: array-contains */
};

/* One that is complete for the view, NULL when there is none. It stays until released, by any reader. */
struct field_index *store_index_hold(struct store_reader *reader, uint64_t view,
                                     const struct index_name *name);
void store_index_release(struct store_reader *reader, struct field_index *index);
/* A query would have been glad of it: it will be built, if there is room. */
void store_index_wish(struct store_reader *reader, uint64_t view, const struct index_name *name);

/* Rows are an order key of the value, then the key of the document's id: low <= row < high. */
struct index_range {
    struct str low, high;
    bool descending;
};
struct index_entry {
    struct str row, id, path;
    struct store_document document;
};
/* Up to `want` documents in the order of their rows; fewer only at the end of the range. */
enum status_code store_index_read(struct index_entry *out, size_t *n, size_t want,
                                  struct store_reader *reader, uint64_t view, struct database_name db,
                                  const struct field_index *index, const struct index_range *range,
                                  struct arena *arena, struct status *st);

#endif

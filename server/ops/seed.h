/* seed.h - example data, loaded before anything is served: --seed FILE|DIR.
 *
 * A file has one JSON object a line (NDJSON); blank lines are passed over:
 *
 *   {"path":"items/a","data":{"name":"x","n":1,"tags":["a"],"gone":null}}        plain JSON
 *   {"path":"items/b","fields":{"at":{"timestampValue":"2026-01-01T00:00:00Z"}}}  Firestore's own JSON
 *
 * `path` is relative, or a full name when it begins with "projects/"; exactly one of data and fields is
 * there. A directory means its files *.ndjson and *.jsonl, by name.
 *
 * Documents are created as CreateDocument would create them, as ordinary entries of principal "seed". One
 * that exists with the same content is left alone, so a second start with the same files writes nothing; one
 * that exists with other content is an error: example data never overwrites. */
#ifndef SERVER_OPS_SEED_H
#define SERVER_OPS_SEED_H

#include "core/path.h"
#include "storage/storage.h"

struct seed {
    struct store *store;
    struct database_name db; /* of relative paths */
    /* done of total bytes of one file (total 0: not known); `what` is a constant. May be NULL. */
    void (*progress)(void *data, const char *what, uint64_t done, uint64_t total);
    void *progress_data;
    /* Filled: */
    uint64_t created, kept;
};

/* INVALID_ARGUMENT "FILE:LINE: what is wrong", others as store_submit. What stands before the bad line is
 * loaded and stays. */
enum status_code seed_load(struct seed *seed, const char *path, struct status *st);

#endif

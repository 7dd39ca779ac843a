/* query_world.h - documents to query in tests: put, then look at from any number of readers.
 *
 * Two implementations: world_fake.c answers store_scan_* and store_get itself and is strict about their use;
 * world_store.c is the real store in memory. */
#ifndef TESTS_STORAGE_QUERY_WORLD_H
#define TESTS_STORAGE_QUERY_WORLD_H

#include "storage/storage.h"

struct world;

struct world *world_new(void);
void world_free(struct world *world);
/* Creates or replaces a document; fields are encoded at once. */
void world_put(struct world *world, struct database_name db, struct str path, const struct value_map *fields);
/* Nothing happens when there is none. */
void world_remove(struct world *world, struct database_name db, struct str path);
/* The present view. Older ones stay readable. */
uint64_t world_view(struct world *world);
/* One of two readers (0, 1). */
struct store_reader *world_reader(struct world *world, unsigned which);
/* Scans that are open now; none may be between two calls of query_next. Only world_fake.c counts. */
size_t world_open_scans(const struct world *world);

#endif

/* space.h - which epoch of which database a view looks into.
 *
 * A *space* is one epoch of one database, itself an interval of seq: a view at S looks into the space with
 * from <= S < until. Its id leads every key of the derived file, so a reset costs one row and leaves nothing
 * to wade through. A space begins with the first write of its epoch.
 *
 * The map is in memory, read by all threads and changed by the writer alone. What the writer adds for an open
 * batch is invisible until published, because its `from` is above every view handed out. */
#ifndef STORAGE_SPACE_H
#define STORAGE_SPACE_H

#include "core/path.h"

#include <pthread.h>

#define SPACE_OPEN UINT64_C(0x7fffffffffffffff) /* `until` of a space that no reset has ended */

struct space {
    int64_t id;
    uint64_t from, until;
    signed char has_past; /* the writer's: whether any version ended here; 0 unknown, 1 yes, -1 no */
};

/* A set of document keys that may say yes wrongly, never no (a Bloom filter). */
struct space_filter {
    uint64_t *bits;
    size_t n_bits; /* a power of two */
    size_t count, max;
};

struct space_db {
    struct space_db *next; /* in its bucket */
    struct database_name name;
    struct space *spaces; /* by time; only the last can be open */
    size_t n, cap;
    /* The writer's: keys of documents of the first n_filtered spaces, all ended. */
    struct space_filter known;
    size_t n_filtered;
    uint64_t documents; /* verify's: existing ones */
};

struct space_map {
    pthread_rwlock_t lock;
    struct space_db **buckets;
    size_t n_buckets, n_dbs;
    int64_t last_id;
};

void space_map_init(struct space_map *map);
void space_map_dispose(struct space_map *map);

/* The space a view looks into; false when the database has nothing there. Any thread. */
bool space_find(int64_t *id, struct space_map *map, struct database_name name, uint64_t view);

/* ---- the writer's ---- */

/* NULL when the database was never written to. */
struct space_db *space_db_find(struct space_map *map, struct database_name name);
/* The open space or NULL. */
struct space *space_current(struct space_db *db);
/* Adds a space (the database too); `id` 0 takes the next one. Returns the database. */
struct space_db *space_add(struct space_map *map, struct database_name name, int64_t id, uint64_t from,
                           uint64_t until);
/* Ends the open space of `name`, of every database when its project is empty. */
void space_end(struct space_map *map, struct database_name name, uint64_t until);
/* Undoes everything that happened after seq (a batch that rolled back). */
void space_forget_after(struct space_map *map, uint64_t seq);
/* Calls visit for every database until it returns false. */
bool space_each(struct space_map *map, bool (*visit)(void *data, struct space_db *db), void *data);

uint64_t space_hash(struct str key);
void space_filter_add(struct space_filter *filter, uint64_t hash);
bool space_filter_maybe(const struct space_filter *filter, uint64_t hash);
/* Room for `max` keys; forgets all. */
void space_filter_reset(struct space_filter *filter, size_t max);

#endif

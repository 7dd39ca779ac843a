/* space.c - see space.h. Out of memory ends the process, as with arenas. */
#include "storage/space.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 64, FILTER_BITS_PER_KEY = 16, FILTER_PROBES = 5 };

static void *must(void *p)
{
    if (!p) {
        fputs("cinderlog: out of memory; stopping\n", stderr);
        abort();
    }
    return p;
}

/* FNV-1a with a final mix: the keys are short and the low bits choose the bucket. */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

uint64_t space_hash(struct str key)
{
    return mix(str_hash(STR_HASH_SEED, key));
}

static uint64_t hash_name(struct database_name name)
{
    uint64_t h = str_hash(STR_HASH_SEED, name.project);
    return mix(str_hash(h * UINT64_C(0x100000001b3) + 1, name.database));
}

void space_map_init(struct space_map *map)
{
    *map = (struct space_map){ .n_buckets = FIRST_BUCKETS };
    pthread_rwlock_init(&map->lock, NULL);
    map->buckets = must(calloc(map->n_buckets, sizeof *map->buckets));
}

void space_map_dispose(struct space_map *map)
{
    if (!map->buckets)
        return;
    for (size_t i = 0; i < map->n_buckets; i++)
        while (map->buckets[i]) {
            struct space_db *db = map->buckets[i];
            map->buckets[i] = db->next;
            free(db->spaces);
            free(db->known.bits);
            free((void *)(uintptr_t)db->name.project.p);
            free(db);
        }
    free(map->buckets);
    pthread_rwlock_destroy(&map->lock);
    map->buckets = NULL;
}

struct space_db *space_db_find(struct space_map *map, struct database_name name)
{
    struct space_db *db = map->buckets[hash_name(name) & (map->n_buckets - 1)];
    while (db && !database_name_eq(db->name, name))
        db = db->next;
    return db;
}

bool space_find(int64_t *id, struct space_map *map, struct database_name name, uint64_t view)
{
    bool found = false;
    pthread_rwlock_rdlock(&map->lock);
    const struct space_db *db = space_db_find(map, name);
    if (db && db->n) {
        size_t low = 0, high = db->n; /* the last space with from <= view */
        while (high - low > 1) {
            size_t mid = low + (high - low) / 2;
            if (db->spaces[mid].from <= view)
                low = mid;
            else
                high = mid;
        }
        const struct space *s = &db->spaces[low];
        found = s->from <= view && view < s->until;
        *id = s->id;
    }
    pthread_rwlock_unlock(&map->lock);
    return found;
}

struct space *space_current(struct space_db *db)
{
    return db && db->n && db->spaces[db->n - 1].until == SPACE_OPEN ? &db->spaces[db->n - 1] : NULL;
}

static void grow(struct space_map *map)
{
    size_t n = map->n_buckets * 2;
    struct space_db **buckets = must(calloc(n, sizeof *buckets));
    for (size_t i = 0; i < map->n_buckets; i++)
        while (map->buckets[i]) {
            struct space_db *db = map->buckets[i];
            map->buckets[i] = db->next;
            struct space_db **to = &buckets[hash_name(db->name) & (n - 1)];
            db->next = *to;
            *to = db;
        }
    free(map->buckets);
    map->buckets = buckets;
    map->n_buckets = n;
}

static struct space_db *db_add(struct space_map *map, struct database_name name)
{
    if (map->n_dbs++ >= map->n_buckets)
        grow(map);
    struct space_db *db = must(calloc(1, sizeof *db));
    char *text = must(malloc(name.project.n + name.database.n + 1));
    if (name.project.n)
        memcpy(text, name.project.p, name.project.n);
    if (name.database.n)
        memcpy(text + name.project.n, name.database.p, name.database.n);
    db->name.project = str_from(text, name.project.n);
    db->name.database = str_from(text + name.project.n, name.database.n);
    struct space_db **bucket = &map->buckets[hash_name(name) & (map->n_buckets - 1)];
    db->next = *bucket;
    *bucket = db;
    return db;
}

struct space_db *space_add(struct space_map *map, struct database_name name, int64_t id, uint64_t from,
                           uint64_t until)
{
    pthread_rwlock_wrlock(&map->lock);
    struct space_db *db = space_db_find(map, name);
    if (!db)
        db = db_add(map, name);
    assert(!space_current(db));
    if (db->n == db->cap) {
        db->cap = db->cap ? db->cap * 2 : 1;
        db->spaces = must(realloc(db->spaces, db->cap * sizeof *db->spaces));
    }
    db->spaces[db->n++] = (struct space){ id ? id : map->last_id + 1, from, until, 0 };
    if (db->spaces[db->n - 1].id > map->last_id)
        map->last_id = db->spaces[db->n - 1].id;
    pthread_rwlock_unlock(&map->lock);
    return db;
}

bool space_each(struct space_map *map, bool (*visit)(void *data, struct space_db *db), void *data)
{
    for (size_t i = 0; i < map->n_buckets; i++)
        for (struct space_db *db = map->buckets[i]; db; db = db->next)
            if (!visit(data, db))
                return false;
    return true;
}

static bool end_one(void *data, struct space_db *db)
{
    struct space *s = space_current(db);
    if (s)
        s->until = *(uint64_t *)data;
    return true;
}

void space_end(struct space_map *map, struct database_name name, uint64_t until)
{
    pthread_rwlock_wrlock(&map->lock);
    struct space_db *one = name.project.n ? space_db_find(map, name) : NULL;
    if (name.project.n == 0)
        space_each(map, end_one, &until);
    else if (one)
        end_one(&until, one);
    pthread_rwlock_unlock(&map->lock);
}

static bool forget_one(void *data, struct space_db *db)
{
    uint64_t seq = *(uint64_t *)data;
    while (db->n && db->spaces[db->n - 1].from > seq)
        db->n--;
    if (db->n && db->spaces[db->n - 1].until != SPACE_OPEN && db->spaces[db->n - 1].until > seq)
        db->spaces[db->n - 1].until = SPACE_OPEN;
    /* What the filter knows of later spaces is only superfluous, but the count of spaces must fit. */
    if (db->n_filtered > db->n || (db->n_filtered == db->n && space_current(db)))
        db->n_filtered = 0;
    return true;
}

void space_forget_after(struct space_map *map, uint64_t seq)
{
    pthread_rwlock_wrlock(&map->lock);
    space_each(map, forget_one, &seq);
    pthread_rwlock_unlock(&map->lock);
}

/* ---- filter ---- */

void space_filter_reset(struct space_filter *f, size_t max)
{
    size_t bits = 1024;
    while (bits < max * FILTER_BITS_PER_KEY)
        bits *= 2;
    free(f->bits);
    *f = (struct space_filter){ .bits = must(calloc(bits / 64, 8)),
                                .n_bits = bits,
                                .max = bits / FILTER_BITS_PER_KEY };
}

void space_filter_add(struct space_filter *f, uint64_t hash)
{
    uint64_t step = (hash >> 32) | 1;
    for (int i = 0; i < FILTER_PROBES; i++, hash += step)
        f->bits[(hash & (f->n_bits - 1)) / 64] |= UINT64_C(1) << (hash % 64);
    f->count++;
}

bool space_filter_maybe(const struct space_filter *f, uint64_t hash)
{
    uint64_t step = (hash >> 32) | 1;
    if (!f->bits)
        return false;
    for (int i = 0; i < FILTER_PROBES; i++, hash += step)
        if (!(f->bits[(hash & (f->n_bits - 1)) / 64] & (UINT64_C(1) << (hash % 64))))
            return false;
    return true;
}

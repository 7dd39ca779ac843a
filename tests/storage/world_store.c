/* world_store.c - the real store, in memory: see query_world.h. With WORLD_INDEXED every field of every
 * document that is put has its indexes, built when it is first seen and kept up by the writes that follow. */
#include "storage/query_world.h"

#include "core/codec.h"
#include "core/limits.h"
#include "storage/index_read.h"
#include "storage/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct world {
    struct store *store;
    struct store_reader *readers[2];
};

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
};

static void must(enum status_code code, const struct status *st)
{
    if (code == STATUS_OK)
        return;
    fprintf(stderr, "world_store: %s\n", status_message(st));
    abort();
}

struct world *world_new(void)
{
    struct status st = status_init(NULL);
    struct store_options options = { .data = ":memory:" };
    struct world *w = calloc(1, sizeof *w);
    must(store_open(&w->store, &options, &st), &st);
    for (size_t i = 0; i < 2; i++)
        must(store_reader_open(&w->readers[i], w->store, &st), &st);
    return w;
}

void world_free(struct world *w)
{
    for (size_t i = 0; i < 2; i++)
        store_reader_close(w->readers[i]);
    store_close(w->store);
    free(w);
}

static void on_done(struct store_commit *commit)
{
    struct waiting *w = commit->user;
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

static void submit(struct world *world, struct store_commit *commit)
{
    struct waiting w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    commit->done = on_done;
    commit->user = &w;
    store_submit(world->store, commit);
    pthread_mutex_lock(&w.mutex);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
    must(commit->status.code, &commit->status);
}

static void write_one(struct world *world, struct database_name db, const struct store_op *op)
{
    struct arena *arena = arena_new();
    struct store_op ops[] = { *op };
    struct store_commit commit = {
        .db = db, .ops = ops, .n_ops = 1, .principal = STR("owner"), .status = status_init(arena)
    };
    submit(world, &commit);
    arena_free(arena);
}

#ifdef WORLD_INDEXED
static void index_field(struct world *w, struct database_name db, struct str path, struct str *segments,
                        size_t n)
{
    struct index_name name = { db, path_parent(path), { segments, n }, false };
    if (str_starts(segments[n - 1], STR("__")))
        return; /* of a vector: no query names it */
    for (int elements = 0; elements < 2; elements++) {
        name.elements = elements;
        store_index_wish(w->readers[0], world_view(w), &name);
        while (index_work(w->store))
            continue;
    }
}

/* Fields of maps too, one level down. */
static void index_fields(struct world *w, struct database_name db, struct str path,
                         const struct value_map *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        const struct field *f = &fields->items[i];
        struct str segments[2] = { f->name };
        index_field(w, db, path, segments, 1);
        for (size_t k = 0; f->value.kind == VALUE_MAP && k < f->value.map.n; k++) {
            segments[1] = f->value.map.items[k].name;
            index_field(w, db, path, segments, 2);
        }
    }
}
#endif

void world_put(struct world *world, struct database_name db, struct str path, const struct value_map *fields)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_MESSAGE_BYTES);
    if (!protobuf_encode_fields(&bytes, fields))
        abort();
    struct store_op op = {
        .kind = STORE_PUT, .operation = STORE_OPERATION_UPDATE, .path = path, .fields = buf_view(&bytes)
    };
    write_one(world, db, &op);
    buf_dispose(&bytes);
#ifdef WORLD_INDEXED
    index_fields(world, db, path, fields);
#endif
}

void world_remove(struct world *world, struct database_name db, struct str path)
{
    struct store_op op = { .kind = STORE_DELETE, .operation = STORE_OPERATION_DELETE, .path = path };
    write_one(world, db, &op);
}

uint64_t world_view(struct world *world)
{
    struct timestamp ignored;
    return store_view_now(world->store, &ignored);
}

struct store_reader *world_reader(struct world *world, unsigned which)
{
    return world->readers[which];
}

size_t world_open_scans(const struct world *world)
{
    (void)world;
    return 0;
}

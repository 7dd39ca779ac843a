/* world_fake.c - the seam of scans over a sorted array: see query_world.h.
 *
 * Stricter than the real store: a scan must be used and closed with its reader alone, and the bytes it
 * gives out lie in blocks of exactly their size when arenas are in debug mode. */
#include "storage/query_world.h"

#include "core/codec.h"
#include "core/limits.h"
#include "core/order.h"
#include "storage/index_read.h"

#include <assert.h>
#include <stdlib.h>

struct version {
    char *path;
    unsigned char *fields;
    size_t path_n, fields_n;
    uint64_t from, until;
};

struct store_reader {
    struct world *world;
};

struct world {
    struct version *versions;
    size_t n, cap, open_scans;
    uint64_t seq;
    struct store_reader readers[2];
};

struct store_scan {
    struct store_reader *reader;
    uint64_t view;
    struct store_scan_range range;
    char *after; /* a copy: the caller's moves on with the scan */
    size_t at;
};

struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->readers[0].world = w->readers[1].world = w;
    return w;
}

void world_free(struct world *w)
{
    assert(w->open_scans == 0);
    for (size_t i = 0; i < w->n; i++) {
        free(w->versions[i].path);
        free(w->versions[i].fields);
    }
    free(w->versions);
    free(w);
}

static struct str path_of(const struct version *v)
{
    return (struct str){ v->path, v->path_n };
}

/* One change: what is there now was there until it. Returns where the path's versions begin, or would. */
static size_t end_present(struct world *w, struct str path)
{
    size_t at = 0;
    w->seq++;
    while (at < w->n && order_compare_path(path_of(&w->versions[at]), path) < 0)
        at++;
    for (size_t i = at; i < w->n && str_eq(path_of(&w->versions[i]), path); i++)
        if (w->versions[i].until == UINT64_MAX)
            w->versions[i].until = w->seq;
    return at;
}

void world_put(struct world *w, struct database_name db, struct str path, const struct value_map *fields)
{
    struct buf bytes;
    (void)db;
    buf_init(&bytes, LIMIT_MESSAGE_BYTES);
    bool ok = protobuf_encode_fields(&bytes, fields);
    assert(ok);
    (void)ok;
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->versions = realloc(w->versions, w->cap * sizeof *w->versions);
    }
    size_t at = end_present(w, path);
    memmove(&w->versions[at + 1], &w->versions[at], (w->n - at) * sizeof *w->versions);
    struct version *v = &w->versions[at];
    *v = (struct version){ malloc(path.n), NULL, path.n, 0, w->seq, UINT64_MAX };
    memcpy(v->path, path.p, path.n);
    v->fields = buf_detach(&bytes, &v->fields_n);
    w->n++;
}

void world_remove(struct world *w, struct database_name db, struct str path)
{
    (void)db;
    end_present(w, path);
}

uint64_t world_view(struct world *w)
{
    return w->seq;
}
struct store_reader *world_reader(struct world *w, unsigned which)
{
    return &w->readers[which];
}
size_t world_open_scans(const struct world *w)
{
    return w->open_scans;
}

static void give(struct store_document *out, const struct version *v, struct arena *arena)
{
    *out = (struct store_document){
        .exists = true,
        .seq = v->from,
        .create_time = timestamp_from_us((int64_t)v->from),
        .update_time = timestamp_from_us((int64_t)v->from),
        .fields = arena_str(arena, str_from(v->fields, v->fields_n)),
    };
}

enum status_code store_get(struct store_reader *reader, uint64_t view, struct database_name db,
                           struct str path, struct arena *arena, struct store_document *out,
                           struct status *st)
{
    (void)db;
    (void)st;
    *out = (struct store_document){ 0 };
    for (size_t i = 0; i < reader->world->n; i++) {
        const struct version *v = &reader->world->versions[i];
        if (v->from <= view && view < v->until && str_eq(path_of(v), path))
            give(out, v, arena);
    }
    return STATUS_OK;
}

const char *store_reader_file(const struct store_reader *reader)
{
    (void)reader;
    return NULL;
}

/* No indexes here: queries must be answered all the same. */
struct field_index *store_index_hold(struct store_reader *reader, uint64_t view, const struct index_name *name)
{
    (void)reader;
    (void)view;
    (void)name;
    return NULL;
}

void store_index_release(struct store_reader *reader, struct field_index *index)
{
    (void)reader;
    assert(!index);
}

void store_index_wish(struct store_reader *reader, uint64_t view, const struct index_name *name)
{
    (void)reader;
    (void)view;
    assert(name->collection.n > 0 && name->field.n > 0);
}

enum status_code store_index_read(struct index_entry *out, size_t *n, size_t want, struct store_reader *reader,
                                  uint64_t view, struct database_name db, const struct field_index *index,
                                  const struct index_range *range, struct arena *arena, struct status *st)
{
    (void)out;
    (void)want;
    (void)reader;
    (void)view;
    (void)db;
    (void)index;
    (void)range;
    (void)arena;
    *n = 0;
    return status_set(st, STATUS_UNIMPLEMENTED, "no indexes here");
}

enum status_code store_scan_open(struct store_scan **out, struct store_reader *reader, uint64_t view,
                                 struct database_name db, const struct store_scan_range *range,
                                 struct status *st)
{
    (void)db;
    (void)st;
    assert(range->subtree || range->collection_id.n > 0);
    struct store_scan *s = calloc(1, sizeof *s);
    *s = (struct store_scan){ .reader = reader, .view = view, .range = *range };
    if (range->after.n) { /* names are the order here at every depth */
        s->after = malloc(range->after.n);
        memcpy(s->after, range->after.p, range->after.n);
        *(range->descending ? &s->range.end : &s->range.start) = (struct str){ s->after, range->after.n };
        *(range->descending ? &s->range.end_before : &s->range.start_after) = true;
    }
    reader->world->open_scans++;
    *out = s;
    return STATUS_OK;
}

static bool is_in_range(const struct store_scan_range *r, struct str path)
{
    if (r->subtree) {
        size_t n = r->parent.n;
        if (n > 0 && !(str_starts(path, r->parent) && path.n > n && path.p[n] == '/'))
            return false;
    } else {
        struct str collection = path_parent(path);
        if (!str_eq(path_last(collection), r->collection_id) || !str_eq(path_parent(collection), r->parent))
            return false;
    }
    int low = r->start.n ? order_compare_path(path, r->start) : 1;
    int high = r->end.n ? order_compare_path(path, r->end) : -1;
    return (r->start_after ? low > 0 : low >= 0) && (r->end_before ? high < 0 : high <= 0);
}

enum status_code store_scan_next(struct store_scan *s, struct arena *arena, struct str *path,
                                 struct store_document *out, struct status *st)
{
    (void)st;
    struct world *w = s->reader->world;
    *path = (struct str){ 0 };
    while (s->at < w->n) {
        size_t at = s->range.descending ? w->n - 1 - s->at : s->at;
        const struct version *v = &w->versions[at];
        s->at++;
        if (v->from > s->view || s->view >= v->until || !is_in_range(&s->range, path_of(v)))
            continue;
        *path = arena_str(arena, path_of(v));
        give(out, v, arena);
        break;
    }
    return STATUS_OK;
}

void store_scan_close(struct store_scan *s)
{
    if (!s)
        return;
    s->reader->world->open_scans--;
    free(s->after);
    free(s);
}

/* levels.c - see levels.h. */
#include "storage/levels.h"

#include "core/order.h"
#include "storage/internal.h"

#include <stdlib.h>

struct level {
    struct store_scan *scan;
    struct arena *arena; /* of `path` */
    struct str path;     /* of the document it stands on; empty: not looked up yet */
    bool wanted, ended;
};

struct levels {
    size_t n;
    struct level *least; /* where peek stands */
    struct level items[];
};

static enum status_code open_level(struct level *level, struct store_reader *reader, uint64_t view,
                                   struct database_name db, const struct levels_range *range,
                                   struct status *st)
{
    struct store_scan_range all = {
        .parent = range->parent, .collection_id = range->collection_id, .subtree = true, .names_only = true
    };
    level->arena = arena_new();
    return store_scan_open(&level->scan, reader, view, db, &all, st);
}

/* What comes after a document in name order, at one depth: what lies below it or behind it where that is
 * deeper; what lies behind the document above it where that is not. */
static void begin_behind(struct store_scan *scan, unsigned depth, struct str document)
{
    size_t ids = path_segments(document);
    bool deeper = 2 * depth > ids;
    while (ids > 2 * depth) {
        document = path_parent(document);
        ids--;
    }
    store_scan_move(scan, document, !deeper);
}

enum status_code levels_open(struct levels **out, struct store_reader *reader, uint64_t view,
                             struct database_name db, const struct levels_range *range, struct status *st)
{
    unsigned first = (unsigned)(path_segments(range->parent) / 2 + 1);
    struct level top = { 0 };
    *out = NULL;
    if (open_level(&top, reader, view, db, range, st)) {
        arena_free(top.arena);
        return st->code;
    }
    size_t n = store_scan_last_depth(top.scan) - first + 1;
    struct levels *levels = calloc(1, sizeof *levels + n * sizeof levels->items[0]);
    if (!levels) {
        store_scan_close(top.scan);
        arena_free(top.arena);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    levels->items[0] = top;
    levels->n = 1;
    while (levels->n < n && open_level(&levels->items[levels->n++], reader, view, db, range, st) == STATUS_OK)
        ;
    if (st->code) {
        levels_close(levels);
        return st->code;
    }
    for (size_t i = 0; i < n; i++) {
        store_scan_keep_to_depth(levels->items[i].scan, first + (unsigned)i);
        if (range->after.n)
            begin_behind(levels->items[i].scan, first + (unsigned)i, range->after);
    }
    *out = levels;
    return STATUS_OK;
}

static enum status_code look_up(struct level *level, struct status *st)
{
    struct store_document doc;
    if (level->path.n || level->ended)
        return STATUS_OK;
    arena_reset(level->arena);
    if (store_scan_next(level->scan, level->arena, &level->path, &doc, st))
        return st->code;
    level->wanted = doc.exists; /* a scan for one collection id rests on others */
    level->ended = level->path.n == 0;
    return STATUS_OK;
}

enum status_code levels_peek(struct str *path, bool *wanted, struct levels *levels, struct status *st)
{
    levels->least = NULL;
    *path = (struct str){ 0 };
    *wanted = false;
    for (size_t i = 0; i < levels->n; i++) {
        struct level *level = &levels->items[i];
        if (look_up(level, st))
            return st->code;
        if (!level->ended && (!path->n || order_compare_path(level->path, *path) < 0)) {
            levels->least = level;
            *path = level->path;
            *wanted = level->wanted;
        }
    }
    return STATUS_OK;
}

void levels_take(struct levels *levels)
{
    levels->least->path = (struct str){ 0 };
}

static bool at_or_below(struct str path, struct str top)
{
    return str_starts(path, top) && (path.n == top.n || path.p[top.n] == '/');
}

void levels_skip(struct levels *levels, struct str path)
{
    for (size_t i = 0; i < levels->n; i++) {
        struct level *level = &levels->items[i];
        if (level->ended || (level->path.n && !at_or_below(level->path, path)))
            continue;
        /* A document itself is the last one at its depth that is at or below it. */
        if (level->path.n != path.n)
            store_scan_move(level->scan, path, true);
        level->path = (struct str){ 0 };
    }
}

void levels_close(struct levels *levels)
{
    if (!levels)
        return;
    for (size_t i = 0; i < levels->n; i++) {
        store_scan_close(levels->items[i].scan);
        arena_free(levels->items[i].arena);
    }
    free(levels);
}

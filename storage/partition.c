/* partition.c - where to cut a collection group into parts of about the same size; see storage.h.
 *
 * One pass over the names. Every stride-th is kept; when there is no more room every other one is dropped and
 * the stride doubled, so memory does not grow with the group and the names kept stay evenly spaced. Between
 * two steps only the last name is held. */
#include "storage/levels.h"

#include "core/clock.h"

#include <stdlib.h>

enum { NAMES_PER_CUT = 16 };

struct store_partition {
    uint64_t view;
    struct database_name db;
    struct str collection_id;
    size_t most;
    struct arena *arena; /* of what follows */
    struct str *names;   /* numbers 0, stride, 2 * stride ... of all `seen` */
    size_t n, room;      /* room is even */
    uint64_t stride, seen;
    struct str last; /* the name seen last */
};

enum status_code store_partition_open(struct store_partition **out, uint64_t view, struct database_name db,
                                      struct str collection_id, size_t most, struct status *st)
{
    struct store_partition *p = *out = calloc(1, sizeof *p);
    if (!p)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    *p = (struct store_partition){ .view = view,
                                   .db = db,
                                   .collection_id = collection_id,
                                   .most = most,
                                   .arena = arena_new(),
                                   .room = NAMES_PER_CUT * most,
                                   .stride = 1 };
    p->names = ARENA_ARRAY(p->arena, struct str, p->room);
    return STATUS_OK;
}

static void take_name(struct store_partition *p, struct str name)
{
    if (p->seen++ % p->stride != 0)
        return;
    if (p->n == p->room) {
        p->n /= 2;
        p->stride *= 2;
        for (size_t i = 0; i < p->n; i++)
            p->names[i] = p->names[2 * i]; /* the new one's number is a multiple of the new stride too */
    }
    p->names[p->n++] = arena_str(p->arena, name);
}

enum status_code store_partition_more(bool *done, struct store_partition *p, struct store_reader *reader,
                                      int64_t until_ns, struct status *st)
{
    struct levels *levels;
    struct levels_range range = { .collection_id = p->collection_id, .after = p->last };
    struct str path;
    bool wanted;
    *done = false;
    if (levels_open(&levels, reader, p->view, p->db, &range, st))
        return st->code;
    while (levels_peek(&path, &wanted, levels, st) == STATUS_OK) {
        *done = path.n == 0;
        if (*done)
            break;
        if (wanted)
            take_name(p, path);
        if (clock_mono_ns() >= until_ns) {
            p->last = arena_str(p->arena, path);
            break;
        }
        levels_take(levels);
    }
    levels_close(levels);
    return st->code;
}

size_t store_partition_cuts(const struct str **cuts, struct store_partition *p)
{
    struct str *chosen = ARENA_ARRAY(p->arena, struct str, p->most);
    size_t n = 0, last = 0; /* a cut before the first document would leave an empty part */
    for (size_t i = 1; i <= p->most; i++) {
        size_t at = (size_t)(p->seen * i / (p->most + 1) / p->stride);
        if (at > last)
            chosen[n++] = p->names[at];
        last = at > last ? at : last;
    }
    *cuts = chosen;
    return n;
}

void store_partition_close(struct store_partition *p)
{
    if (!p)
        return;
    arena_free(p->arena);
    free(p);
}

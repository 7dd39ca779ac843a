/* partition.c - where to cut a collection group into parts of about the same size; see storage.h.
 *
 * One pass over the names, no bodies. Every stride-th name is kept; when there is no more room every other
 * one is dropped and the stride doubled, so memory does not grow with the group and the names kept stay
 * evenly spaced. */
#include "storage/levels.h"

#include "core/status.h"

enum { NAMES_PER_CUT = 16, STOP_EVERY = 256 };

struct sample {
    struct str *names;
    size_t n, room; /* room is even */
    uint64_t stride, seen;
};

static void sample_add(struct sample *s, struct str name, struct arena *arena)
{
    if (s->seen++ % s->stride != 0)
        return;
    if (s->n == s->room) {
        s->n /= 2;
        s->stride *= 2;
        for (size_t i = 0; i < s->n; i++)
            s->names[i] =
                s->names[2 * i]; /* this one's turn has come: its number is a multiple of the new stride */
    }
    s->names[s->n++] = arena_str(arena, name);
}

static enum status_code sample_group(struct sample *s, struct levels *levels, struct store_stop stop,
                                     struct arena *arena, struct status *st)
{
    struct str path;
    for (;;) {
        if (s->seen % STOP_EVERY == 0 && stop.asked && stop.asked(stop.data))
            return status_set(st, STATUS_CANCELLED, "partitioning was stopped");
        if (levels_peek(&path, levels, st) || path.n == 0)
            return st->code;
        sample_add(s, path, arena);
        levels_take(levels);
    }
}

enum status_code store_partition(struct str **cuts, size_t *n, struct store_reader *reader, uint64_t view,
                                 struct database_name db, struct str collection_id, size_t most,
                                 struct store_stop stop, struct arena *arena, struct status *st)
{
    struct levels *levels;
    struct levels_range group = { .collection_id = collection_id };
    struct sample sample = { .room = NAMES_PER_CUT * most, .stride = 1 };
    *n = 0;
    *cuts = ARENA_ARRAY(arena, struct str, most);
    sample.names = ARENA_ARRAY(arena, struct str, sample.room);
    if (levels_open(&levels, reader, view, db, &group, st))
        return st->code;
    sample_group(&sample, levels, stop, arena, st);
    levels_close(levels);
    size_t last = 0; /* a cut before the first document would leave an empty part */
    for (size_t i = 1; i <= most && st->code == STATUS_OK; i++) {
        size_t at = (size_t)(sample.seen * i / (most + 1) / sample.stride);
        if (at > last)
            (*cuts)[(*n)++] = sample.names[at];
        last = at > last ? at : last;
    }
    return st->code;
}

/* children.c - the names directly below a path; see storage.h. */
#include "storage/levels.h"

#include "core/order.h"

#include <stdlib.h>

struct store_children {
    struct levels *levels;
    size_t segments; /* of a child's path */
};

enum status_code store_children_open(struct store_children **out, struct store_reader *reader, uint64_t view,
                                     struct database_name db, struct str parent, struct str after,
                                     struct status *st)
{
    *out = NULL;
    struct store_children *c = calloc(1, sizeof *c);
    if (!c)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    struct levels_range range = { .parent = parent };
    if (levels_open(&c->levels, reader, view, db, &range, st)) {
        free(c);
        return st->code;
    }
    c->segments = path_segments(parent) + 1;
    if (after.n)
        levels_skip(c->levels, after);
    *out = c;
    return STATUS_OK;
}

/* The beginning of a path that has at least n ids. */
static struct str first_ids(struct str path, size_t n)
{
    struct str rest = path, id = { 0 };
    while (n-- > 0)
        path_next(&rest, &id);
    return str_from(path.p, (size_t)(id.p + id.n - path.p));
}

enum status_code store_children_next(struct store_children *c, struct arena *arena, struct str *path,
                                     struct status *st)
{
    struct str next;
    bool wanted; /* always: any collection will do */
    *path = (struct str){ 0 };
    if (levels_peek(&next, &wanted, c->levels, st) || next.n == 0)
        return st->code;
    *path = arena_str(arena, first_ids(next, c->segments));
    levels_skip(c->levels, *path);
    return STATUS_OK;
}

void store_children_close(struct store_children *c)
{
    if (!c)
        return;
    levels_close(c->levels);
    free(c);
}

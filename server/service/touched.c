/* touched.c - see touched.h. */
#include "server/service/touched.h"

#include "core/field_path.h"

#include <stdlib.h>

enum { MASK_TEXT_BYTES = 2 * 64 * 1024 };

static void add_name(struct touched_names *names, struct str name, struct arena *arena)
{
    if (names->n == names->cap) {
        size_t size = names->cap * sizeof *names->items;
        names->cap = names->cap ? names->cap * 2 : 8;
        names->items = arena_grow(arena, names->items, size, names->cap * sizeof *names->items);
    }
    names->items[names->n++] = name;
}

/* Names joined by points and never quoted; a point inside a name is `escape` and itself. */
static struct str plain_text(const struct field_path *path, const char *escape, struct arena *arena)
{
    struct buf text;
    buf_init(&text, MASK_TEXT_BYTES);
    for (size_t i = 0; i < path->n; i++) {
        buf_z(&text, i ? "." : "");
        for (size_t k = 0; k < path->segments[i].n; k++) {
            buf_z(&text, path->segments[i].p[k] == '.' ? escape : "");
            buf_byte(&text, (unsigned char)path->segments[i].p[k]);
        }
    }
    struct str out = arena_str(arena, buf_view(&text));
    buf_dispose(&text);
    return out;
}

static void add_path(struct touched_names *names, struct str text, const char *escape, struct arena *arena)
{
    struct field_path path;
    struct status st = status_init(arena);
    if (field_path_parse(&path, arena, text, &st) == STATUS_OK)
        add_name(names, plain_text(&path, escape, arena), arena);
}

void touched_add(struct touched *touched, const struct msg_write *write, struct arena *arena)
{
    bool old_form = write->operation_case == 6; /* a write that is transforms alone */
    const field_transform_list *transforms =
        old_form ? &write->transform.field_transforms : &write->update_transforms;
    if (!old_form && !write->update_mask)
        touched->replaced = true;
    for (size_t i = 0; write->update_mask && i < write->update_mask->field_paths.n; i++)
        add_path(&touched->mask, write->update_mask->field_paths.items[i], "\\", arena);
    for (size_t i = 0; i < transforms->n; i++)
        add_path(&touched->transforms, transforms->items[i].field_path, "", arena);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct rules_touched touched_tell(struct touched *touched, bool inserted, bool auto_id)
{
    struct touched_names *mask = &touched->mask;
    size_t n = 0;
    if (mask->n > 1)
        qsort(mask->items, mask->n, sizeof *mask->items, by_name);
    for (size_t i = 0; i < mask->n; i++)
        if (n == 0 || !str_eq(mask->items[n - 1], mask->items[i]))
            mask->items[n++] = mask->items[i];
    mask->n = n;
    return (struct rules_touched){
        .masked = !touched->replaced,
        .mask = mask->items,
        .n_mask = mask->n,
        .transforms = touched->transforms.items,
        .n_transforms = touched->transforms.n,
        .inserted = inserted,
        .auto_id = auto_id,
    };
}

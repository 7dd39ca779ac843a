/* codec_fault.c - see codec_fault.h. */
#include "core/codec_fault.h"

#include "core/limits.h"
#include "core/schema.h"

#include <stdio.h>

void codec_fault_init(struct codec_fault *fault)
{
    fault->code = STATUS_OK;
    fault->path_at = sizeof fault->path;
    fault->path_cut = false;
}

bool codec_fault_set(struct codec_fault *fault, enum status_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fault->code = code;
    vsnprintf(fault->reason, sizeof fault->reason, fmt, args);
    va_end(args);
    return false;
}

static void prepend(struct codec_fault *fault, struct str text)
{
    if (fault->path_cut || text.n > fault->path_at) {
        fault->path_cut = true;
        return;
    }
    fault->path_at -= text.n;
    memcpy(fault->path + fault->path_at, text.p, text.n);
}

bool codec_fault_in(struct codec_fault *fault, struct str name)
{
    bool first = fault->path_at == sizeof fault->path;
    if (name.n == 0)
        return false;
    if (!first && fault->path[fault->path_at] != '[')
        prepend(fault, STR("."));
    prepend(fault, codec_quote(name));
    return false;
}

bool codec_fault_at(struct codec_fault *fault, size_t index)
{
    bool first = fault->path_at == sizeof fault->path;
    if (!first && fault->path[fault->path_at] != '[')
        prepend(fault, STR("."));
    char text[32];
    int n = snprintf(text, sizeof text, "[%zu]", index);
    prepend(fault, str_from(text, (size_t)n));
    return false;
}

enum status_code codec_fault_status(const struct codec_fault *fault, struct status *st, const char *intro)
{
    struct str path = { fault->path + fault->path_at, sizeof fault->path - fault->path_at };
    return status_set(st, fault->code, "%s %s" STR_FMT "%s%s.", intro, fault->path_cut ? "..." : "",
                      STR_ARG(path), path.n || fault->path_cut ? ": " : "", fault->reason);
}

struct str codec_quote(struct str text)
{
    enum { MAX = 80 };
    if (text.n > MAX) {
        text.n = MAX;
        while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
            text.n--;
    }
    return text;
}

void *codec_alloc(struct codec_fault *fault, struct arena *arena, size_t size)
{
    size_t used = arena_used(arena);
    if (used >= LIMIT_REQUEST_ARENA || size > LIMIT_REQUEST_ARENA - used) {
        codec_fault_set(fault, STATUS_RESOURCE_EXHAUSTED,
                        "the decoded request is larger than the maximum of %d bytes", LIMIT_REQUEST_ARENA);
        return NULL;
    }
    return arena_alloc(arena, size);
}

static size_t power_of_two(size_t n)
{
    size_t p = 4;
    while (p < n)
        p *= 2;
    return p;
}

void *codec_list_grow(struct codec_fault *fault, struct arena *arena, void *list, size_t add, size_t element,
                      bool *grown)
{
    struct schema_list *l = list;
    size_t need = l->n + add;
    /* Once grown, the room is the power of two at or above n: nobody has to remember it. */
    if (!*grown || !l->items || need > power_of_two(l->n)) {
        *grown = *grown || l->n > 0;
        void *items = codec_alloc(fault, arena, (*grown ? power_of_two(need) : need) * element);
        if (!items)
            return NULL;
        if (l->items)
            memcpy(items, l->items, l->n * element);
        l->items = items;
    }
    return (char *)l->items + l->n * element;
}

static bool fields_in_order(const struct field *a, const struct field *b)
{
    return str_cmp(a->name, b->name) <= 0;
}

static void insertion_sort(struct field *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct field moving = items[i];
        size_t j = i;
        for (; j > 0 && !fields_in_order(&items[j - 1], &moving); j--)
            items[j] = items[j - 1];
        items[j] = moving;
    }
}

static void merge(struct field *to, const struct field *a, const struct field *a_end, const struct field *b,
                  const struct field *b_end)
{
    while (a < a_end && b < b_end)
        *to++ = fields_in_order(a, b) ? *a++ : *b++;
    if (a < a_end)
        memcpy(to, a, (size_t)(a_end - a) * sizeof *a);
    else if (b < b_end)
        memcpy(to, b, (size_t)(b_end - b) * sizeof *b);
}

bool codec_sort_fields(struct codec_fault *fault, struct arena *arena, struct value_map *map)
{
    enum { RUN = 16 };
    size_t n = map->n;
    for (size_t i = 0; i < n; i += RUN)
        insertion_sort(map->items + i, n - i < RUN ? n - i : RUN);
    if (n <= RUN)
        return true;
    struct field *from = map->items, *to = codec_alloc(fault, arena, n * sizeof *to);
    if (!to)
        return false;
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t middle = i + width < n ? i + width : n;
            size_t stop = i + 2 * width < n ? i + 2 * width : n;
            merge(to + i, from + i, from + middle, from + middle, from + stop);
        }
        struct field *swap = from;
        from = to;
        to = swap;
    }
    map->items = from;
    return true;
}

void codec_unique_fields(struct value_map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->n; i++) {
        if (kept > 0 && str_eq(map->items[kept - 1].name, map->items[i].name))
            map->items[kept - 1] = map->items[i];
        else
            map->items[kept++] = map->items[i];
    }
    map->n = kept;
}

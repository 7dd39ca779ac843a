/* claims.c - see claims.h. */
#include "server/auth/claims.h"

#include "core/codec.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_DEPTH = 32, MAX_ITEMS = 10000 };

static bool read_value(struct value *out, struct json_reader *r, enum json_token token, int depth);

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

/* Sorts by name; of equal names the last one stays (qsort is not stable, so ties go by position). */
static void sort_fields(struct value_map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->n; i++) {
        size_t j = 0;
        while (j < kept && !str_eq(map->items[j].name, map->items[i].name))
            j++;
        map->items[j] = map->items[i];
        if (j == kept)
            kept++;
    }
    map->n = kept;
    if (kept > 1)
        qsort(map->items, kept, sizeof *map->items, by_name);
}

static bool read_object(struct value_map *out, struct json_reader *r, int depth)
{
    size_t cap = 0;
    *out = (struct value_map){ 0 };
    for (;;) {
        enum json_token t = json_next(r);
        if (t == JSON_OBJECT_END)
            break;
        if (t != JSON_KEY || out->n >= MAX_ITEMS)
            return false;
        if (out->n == cap) {
            size_t grown = cap ? cap * 2 : 8;
            out->items = arena_grow(r->arena, out->items, cap * sizeof *out->items, grown * sizeof *out->items);
            cap = grown;
        }
        struct field *f = &out->items[out->n];
        f->name = r->text;
        if (!read_value(&f->value, r, json_next(r), depth))
            return false;
        out->n++;
    }
    sort_fields(out);
    return true;
}

static bool read_array(struct value_list *out, struct json_reader *r, int depth)
{
    size_t cap = 0;
    *out = (struct value_list){ 0 };
    for (;;) {
        enum json_token t = json_next(r);
        if (t == JSON_ARRAY_END)
            return true;
        if (out->n >= MAX_ITEMS)
            return false;
        if (out->n == cap) {
            size_t grown = cap ? cap * 2 : 8;
            out->items = arena_grow(r->arena, out->items, cap * sizeof *out->items, grown * sizeof *out->items);
            cap = grown;
        }
        if (!read_value(&out->items[out->n], r, t, depth))
            return false;
        out->n++;
    }
}

static void read_number(struct value *out, struct arena *arena, struct str text)
{
    char *z = (char *)arena_str(arena, text).p;
    if (!strpbrk(z, ".eE")) {
        char *end;
        errno = 0;
        long long i = strtoll(z, &end, 10);
        if (errno == 0 && *end == '\0') {
            out->kind = VALUE_INT;
            out->integer = i;
            return;
        }
    }
    out->kind = VALUE_DOUBLE;
    out->number = strtod(z, NULL);
}

static bool read_value(struct value *out, struct json_reader *r, enum json_token token, int depth)
{
    *out = (struct value){ 0 };
    if (depth >= MAX_DEPTH)
        return false;
    switch (token) {
    case JSON_OBJECT:
        out->kind = VALUE_MAP;
        struct value_map map;
        if (!read_object(&map, r, depth + 1))
            return false;
        out->map = map;
        return true;
    case JSON_ARRAY:
        out->kind = VALUE_ARRAY;
        struct value_list list;
        if (!read_array(&list, r, depth + 1))
            return false;
        out->array = list;
        return true;
    case JSON_STRING:
        out->kind = VALUE_STRING;
        out->text = r->text;
        return true;
    case JSON_NUMBER:
        read_number(out, r->arena, r->text);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        out->kind = VALUE_BOOL;
        out->boolean = token == JSON_TRUE;
        return true;
    case JSON_NULL:
        out->kind = VALUE_NULL;
        return true;
    default:
        return false;
    }
}

enum status_code claims_parse(struct value_map *out, struct arena *arena, struct str json, struct status *st)
{
    struct json_reader r;
    json_reader_init(&r, arena, json);
    *out = (struct value_map){ 0 };
    if (json_next(&r) != JSON_OBJECT || !read_object(out, &r, 0) || json_next(&r) != JSON_END)
        return status_set(st, STATUS_INVALID_ARGUMENT, "not a JSON object");
    return STATUS_OK;
}

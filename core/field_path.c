/* field_path.c - see field_path.h.
 *
 * Merging and projecting sort the paths once and walk maps and paths together, so that a mask of 100,000
 * paths costs what reading it costs. */
#include "core/field_path.h"

#include "core/limits.h"

#include <stdlib.h>

/* No valid path is longer as text: every byte escaped, every segment quoted. */
enum { TEXT_BYTES = 2 * LIMIT_FIELD_NAME_BYTES + 3 * LIMIT_VALUE_DEPTH };

/* ---- parsing ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [a-zA-Z_][a-zA-Z_0-9]* */
static bool is_simple(struct str segment)
{
    if (segment.n == 0 || !is_letter(segment.p[0]))
        return false;
    for (size_t i = 1; i < segment.n; i++) {
        if (!is_letter(segment.p[i]) && !is_digit(segment.p[i]))
            return false;
    }
    return true;
}

/* `...` from *at on; leaves *at behind the closing quote. */
static bool parse_quoted(struct str *out, struct arena *arena, struct str text, size_t *at)
{
    size_t i = *at + 1, n = 0;
    char *segment = arena_alloc(arena, text.n - *at);
    for (; i < text.n && text.p[i] != '`'; i++) {
        if (text.p[i] == '\\') {
            i++;
            if (i == text.n || (text.p[i] != '`' && text.p[i] != '\\'))
                return false;
        }
        segment[n++] = text.p[i];
    }
    if (i == text.n || n == 0)
        return false;
    *at = i + 1;
    *out = (struct str){ segment, n };
    return true;
}

static bool parse_simple(struct str *out, struct str text, size_t *at)
{
    size_t start = *at;
    while (*at < text.n && (is_letter(text.p[*at]) || is_digit(text.p[*at])))
        ++*at;
    *out = (struct str){ text.p + start, *at - start };
    return is_simple(*out);
}

static bool parse_segments(struct field_path *out, struct arena *arena, struct str text)
{
    size_t at = 0, cap = 4;
    out->n = 0;
    out->segments = ARENA_ARRAY(arena, struct str, cap);
    for (;;) {
        if (out->n == cap) {
            out->segments =
                arena_grow(arena, out->segments, cap * sizeof(struct str), 2 * cap * sizeof(struct str));
            cap *= 2;
        }
        bool quoted = at < text.n && text.p[at] == '`';
        struct str *segment = &out->segments[out->n++];
        if (quoted ? !parse_quoted(segment, arena, text, &at) : !parse_simple(segment, text, &at))
            return false;
        if (at == text.n)
            return true;
        if (text.p[at++] != '.')
            return false;
    }
}

/* ---- names that are Google's own ---- */

/* 1.19.9 shows the rest of the path from the reserved name on, and calls the document's name "__key__". */
static enum status_code refuse_reserved(const struct field_path *path, size_t from, struct status *st)
{
    char text[STATUS_SHOWN];
    struct buf rest;
    buf_init(&rest, STATUS_SHOWN);
    for (size_t i = from; i < path->n && !rest.overflowed; i++) {
        if (i > from)
            buf_byte(&rest, '.');
        buf_str(&rest, str_eq_z(path->segments[i], "__name__") ? STR("__key__") : path->segments[i]);
    }
    status_set(st, STATUS_INVALID_ARGUMENT, "Invalid reserved name in field path %s",
               status_show(text, buf_view(&rest)));
    buf_dispose(&rest);
    return STATUS_INVALID_ARGUMENT;
}

static enum status_code refuse_length(struct status *st)
{
    return status_set(st, STATUS_INVALID_ARGUMENT, "property path is longer than %d bytes.",
                      LIMIT_FIELD_NAME_BYTES);
}

/* The order of these checks is that of 1.19.9. */
static enum status_code check(const struct field_path *path, struct status *st)
{
    size_t bytes = path->n - 1;
    for (size_t i = 0; i < path->n; i++) {
        bytes += path->segments[i].n;
        if (str_eq_z(path->segments[i], "__key__"))
            return status_set(st, STATUS_INVALID_ARGUMENT, "Invalid property path member name \"__key__\".");
    }
    for (size_t i = 0; i < path->n; i++) {
        struct str segment = path->segments[i];
        if (field_name_is_reserved(segment) && !str_eq_z(segment, "__name__") && !str_eq_z(segment, "__type__"))
            return refuse_reserved(path, i, st);
    }
    if (bytes >= LIMIT_FIELD_NAME_BYTES) /* one byte less than a field's name may have: so does 1.19.9 */
        return refuse_length(st);
    for (size_t i = 0; i < path->n; i++) {
        if (str_eq_z(path->segments[i], "__type__"))
            return status_set(st, STATUS_INVALID_ARGUMENT, "the name __type__ is reserved");
        if (str_eq_z(path->segments[i], "__name__") && path->n > 1)
            return status_set(st, STATUS_INVALID_ARGUMENT, "the name __key__ is reserved");
    }
    if (path->n > LIMIT_VALUE_DEPTH)
        return status_set(st, STATUS_INVALID_ARGUMENT, "paths must have at most %d elements",
                          LIMIT_VALUE_DEPTH);
    return STATUS_OK;
}

enum status_code field_path_parse(struct field_path *out, struct arena *arena, struct str text,
                                  struct status *st)
{
    char shown[STATUS_SHOWN];
    *out = (struct field_path){ 0 };
    if (text.n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Invalid empty property path string.");
    if (text.n > TEXT_BYTES)
        return refuse_length(st);
    struct field_path path;
    if (!str_is_utf8(text) || !parse_segments(&path, arena, text))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "Invalid property path \"%s\". Unquoted property paths must match regex "
                          "([a-zA-Z_][a-zA-Z_0-9]*), and quoted property paths must match regex "
                          "(`(?:[^`\\\\]|(?:\\\\.))+`)",
                          status_show(shown, text));
    enum status_code code = check(&path, st);
    if (!code)
        *out = path;
    return code;
}

bool field_path_is_name(const struct field_path *path)
{
    return path->n == 1 && str_eq_z(path->segments[0], "__name__");
}

/* ---- text and order ---- */

/* Bytes of a segment as printed; written to `at` unless that is NULL. */
static size_t print_segment(char *at, struct str segment)
{
    if (is_simple(segment)) {
        if (at)
            memcpy(at, segment.p, segment.n);
        return segment.n;
    }
    size_t n = 0;
    if (at)
        at[n] = '`';
    n++;
    for (size_t i = 0; i < segment.n; i++) {
        bool escape = segment.p[i] == '`' || segment.p[i] == '\\';
        if (at && escape)
            at[n] = '\\';
        n += escape;
        if (at)
            at[n] = segment.p[i];
        n++;
    }
    if (at)
        at[n] = '`';
    return n + 1;
}

struct str field_path_print(struct arena *arena, const struct field_path *path)
{
    size_t n = path->n ? path->n - 1 : 0;
    for (size_t i = 0; i < path->n; i++)
        n += print_segment(NULL, path->segments[i]);
    char *out = arena_alloc(arena, n + 1), *at = out;
    for (size_t i = 0; i < path->n; i++) {
        if (i > 0)
            *at++ = '.';
        at += print_segment(at, path->segments[i]);
    }
    *at = '\0';
    return (struct str){ out, n };
}

int field_path_cmp(const struct field_path *a, const struct field_path *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int c = str_cmp(a->segments[i], b->segments[i]);
        if (c != 0)
            return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

bool field_path_contains(const struct field_path *a, const struct field_path *b)
{
    if (a->n > b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!str_eq(a->segments[i], b->segments[i]))
            return false;
    }
    return true;
}

/* ---- values at paths ---- */

const struct value *field_path_get(const struct value_map *fields, const struct field_path *path)
{
    const struct value_map *map = fields;
    const struct value *value = NULL;
    for (size_t i = 0; i < path->n; i++) {
        value = map ? value_map_get(map, path->segments[i]) : NULL;
        if (!value)
            return NULL;
        map = value->kind == VALUE_MAP ? &value->map : NULL;
    }
    return value;
}

/* Where `name` is in the map or would be inserted. */
static size_t position(const struct value_map *map, struct str name, bool *found)
{
    size_t low = 0, high = map->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (str_cmp(map->items[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = low < map->n && str_eq(map->items[low].name, name);
    return low;
}

/* A copy of map in which `name` is value, or is missing when value is NULL. */
static struct value_map map_with(struct arena *arena, const struct value_map *map, struct str name,
                                 const struct value *value)
{
    bool found;
    size_t at = position(map, name, &found), after = at + found;
    if (!value && !found)
        return *map;
    struct value_map out = { ARENA_ARRAY(arena, struct field, map->n + 1), 0 };
    for (size_t i = 0; i < at; i++)
        out.items[out.n++] = map->items[i];
    if (value)
        out.items[out.n++] = (struct field){ name, *value };
    for (size_t i = after; i < map->n; i++)
        out.items[out.n++] = map->items[i];
    return out;
}

static struct value_map set(struct arena *arena, const struct value_map *map, const struct str *segments,
                            size_t n, const struct value *value)
{
    if (n == 1)
        return map_with(arena, map, segments[0], value);
    static const struct value_map empty = { 0 };
    const struct value *child = value_map_get(map, segments[0]);
    bool is_map = child && child->kind == VALUE_MAP;
    if (!value && !is_map)
        return *map;
    struct value inner = { .kind = VALUE_MAP };
    inner.map = set(arena, is_map ? &child->map : &empty, segments + 1, n - 1, value);
    return map_with(arena, map, segments[0], &inner);
}

void field_path_set(struct arena *arena, struct value_map *fields, const struct field_path *path,
                    const struct value *value)
{
    if (path->n > 0)
        *fields = set(arena, fields, path->segments, path->n, value);
}

/* ---- many paths at once ---- */

/* A run of sorted paths that agree in their first `depth` segments. */
struct run {
    const struct field_path **paths;
    size_t n, depth;
};

static int cmp_pointers(const void *a, const void *b)
{
    return field_path_cmp(*(const struct field_path *const *)a, *(const struct field_path *const *)b);
}

static struct run sorted(struct arena *arena, const struct field_path *paths, size_t n)
{
    struct run run = { ARENA_ARRAY(arena, const struct field_path *, n), 0, 0 };
    for (size_t i = 0; i < n; i++) {
        if (paths[i].n > 0)
            run.paths[run.n++] = &paths[i];
    }
    if (run.n > 1)
        qsort(run.paths, run.n, sizeof *run.paths, cmp_pointers);
    return run;
}

/* Takes the paths with the same next segment off *rest. *whole: one of them ends there. */
static struct run next_group(struct run *rest, struct str *name, bool *whole)
{
    *name = rest->paths[0]->segments[rest->depth];
    *whole = rest->paths[0]->n == rest->depth + 1; /* a prefix sorts first */
    size_t n = 1;
    while (n < rest->n && str_eq(rest->paths[n]->segments[rest->depth], *name))
        n++;
    struct run group = { rest->paths, n, rest->depth + 1 };
    rest->paths += n;
    rest->n -= n;
    return group;
}

static struct value_map project(struct arena *arena, const struct value_map *map, struct run run)
{
    struct value_map out = { ARENA_ARRAY(arena, struct field, map->n < run.n ? map->n : run.n), 0 };
    while (run.n > 0) {
        struct str name;
        bool whole;
        struct run group = next_group(&run, &name, &whole);
        const struct value *value = value_map_get(map, name);
        if (!value || (!whole && value->kind != VALUE_MAP))
            continue;
        struct value part = *value;
        if (!whole) {
            part.map = project(arena, &value->map, group);
            if (part.map.n == 0)
                continue;
        }
        out.items[out.n++] = (struct field){ name, part };
    }
    return out;
}

struct value_map field_path_project(struct arena *arena, const struct value_map *fields,
                                    const struct field_path *paths, size_t n)
{
    return project(arena, fields, sorted(arena, paths, n));
}

static struct value_map merge(struct arena *arena, const struct value_map *base,
                              const struct value_map *changes, struct run run);

/* What becomes of one field that the group's paths name; false when it is to be missing. */
static bool merge_field(struct value *out, struct arena *arena, const struct value *old,
                        const struct value *change, struct run group, bool whole)
{
    static const struct value_map empty = { 0 };
    if (whole) {
        if (change)
            *out = *change;
        return change != NULL;
    }
    bool is_map = old && old->kind == VALUE_MAP;
    const struct value_map *changes = change && change->kind == VALUE_MAP ? &change->map : &empty;
    struct value inner = { .kind = VALUE_MAP };
    inner.map = merge(arena, is_map ? &old->map : &empty, changes, group);
    /* Removing below something that is no map changes nothing. */
    bool keep = !is_map && inner.map.n == 0;
    if (!keep)
        *out = inner;
    else if (old)
        *out = *old;
    return !keep || old;
}

static struct value_map merge(struct arena *arena, const struct value_map *base,
                              const struct value_map *changes, struct run run)
{
    struct value_map out = { ARENA_ARRAY(arena, struct field, base->n + run.n), 0 };
    size_t at = 0;
    while (run.n > 0) {
        struct str name;
        bool whole;
        struct run group = next_group(&run, &name, &whole);
        while (at < base->n && str_cmp(base->items[at].name, name) < 0)
            out.items[out.n++] = base->items[at++];
        const struct value *old = NULL;
        if (at < base->n && str_eq(base->items[at].name, name))
            old = &base->items[at++].value;
        struct value merged;
        if (merge_field(&merged, arena, old, value_map_get(changes, name), group, whole))
            out.items[out.n++] = (struct field){ name, merged };
    }
    while (at < base->n)
        out.items[out.n++] = base->items[at++];
    return out;
}

struct value_map field_path_merge(struct arena *arena, const struct value_map *base,
                                  const struct value_map *changes, const struct field_path *paths, size_t n)
{
    return merge(arena, base, changes, sorted(arena, paths, n));
}

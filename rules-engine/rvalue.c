/* rvalue.c - see rvalue.h: making values, reading lists and maps of any form, comparing, sets. */
#include "rules-engine/rvalue.h"

#include "core/limits.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- making ---- */

static struct rvalue path_of_text(struct arena *arena, struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '/';
    struct rsegment *items = ARENA_ARRAY(arena, struct rsegment, n + 1);
    struct rpath *path = ARENA_NEW(arena, struct rpath);
    struct str rest = text, id;
    while (path_next(&rest, &id) && path->n <= n)
        items[path->n++] = (struct rsegment){ .kind = SEGMENT_SIMPLE, .text = id };
    path->items = items;
    return rv_path(path);
}

/* "projects/p/databases/d/documents/u/v" is /databases/d/documents/u/v to rules. */
static struct rvalue path_of_reference(struct arena *arena, struct str reference)
{
    struct str rest = reference, id;
    if (path_next(&rest, &id) && str_eq(id, STR("projects")))
        path_next(&rest, &id);
    else
        rest = reference;
    return path_of_text(arena, rest);
}

struct rvalue rv_document_path(struct arena *arena, struct database_name db, struct str path)
{
    size_t n = 3 + path_segments(path);
    struct rsegment *items = ARENA_ARRAY(arena, struct rsegment, n);
    items[0].text = STR("databases");
    items[1].text = db.database;
    items[2].text = STR("documents");
    struct str rest = path;
    for (size_t i = 3; i < n && path_next(&rest, &items[i].text); i++)
        ;
    struct rpath *out = ARENA_NEW(arena, struct rpath);
    *out = (struct rpath){ items, n };
    return rv_path(out);
}

struct rvalue rv_latlng(struct arena *arena, double latitude, double longitude)
{
    struct rlatlng *latlng = arena_alloc(arena, sizeof *latlng);
    *latlng = (struct rlatlng){ latitude, longitude };
    return RV(RT_LATLNG, latlng, latlng);
}

struct rvalue rv_of_value(struct arena *arena, const struct value *value)
{
    const struct value_list *vector;
    switch (value->kind) {
    case VALUE_BOOL:
        return rv_bool(value->boolean);
    case VALUE_INT:
        return rv_int(value->integer);
    case VALUE_DOUBLE:
        return rv_float(value->number);
    case VALUE_TIMESTAMP:
        return rv_time(value->time);
    case VALUE_STRING:
        return rv_string(value->text);
    case VALUE_BYTES:
        return rv_bytes(value->text);
    case VALUE_REFERENCE:
        return path_of_reference(arena, value->text);
    case VALUE_GEO:
        return rv_latlng(arena, value->geo.latitude, value->geo.longitude);
    case VALUE_ARRAY:
        return (struct rvalue){
            .type = RT_LIST, .form = LIST_VALUES, .n = (uint32_t)value->array.n, .values = value->array.items
        };
    case VALUE_MAP:
        vector = value_as_vector(value);
        return vector ? RV(RT_VECTOR, vector, vector) : rv_fields(&value->map);
    default:
        return rv_null();
    }
}

static int compare_entries(const void *a, const void *b)
{
    return str_cmp(((const struct rentry *)a)->name, ((const struct rentry *)b)->name);
}

/* Merge sort would need memory; insertion sort is stable and maps written in rules are short. Long ones go
 * through qsort with the position as tie-break in the caller's order: equal names are rare there. */
size_t rv_sort_entries(struct rentry *entries, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct rentry moving = entries[i];
        size_t at = i;
        for (; at > 0 && compare_entries(&entries[at - 1], &moving) > 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = moving;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && str_eq(entries[kept - 1].name, entries[i].name))
            kept--;
        entries[kept++] = entries[i];
    }
    return kept;
}

/* ---- lists and maps ---- */

struct rvalue rv_at(struct arena *arena, struct rvalue list, size_t i)
{
    assert(i < list.n);
    switch (list.form) {
    case LIST_VALUES:
        return rv_of_value(arena, &list.values[i]);
    case LIST_KEYS:
        return rv_string(list.fields[i].name);
    default:
        return list.items[i];
    }
}

struct str rv_key_at(struct rvalue map, size_t i)
{
    static const struct str document_keys[] = { STR_INIT("__name__"), STR_INIT("data"), STR_INIT("id") };
    assert(i < map.n);
    if (map.form == MAP_DOCUMENT)
        return document_keys[i];
    return map.form == MAP_FIELDS ? map.fields[i].name : map.entries[i].name;
}

static struct rvalue document_value(struct arena *arena, const struct rdocument *document, size_t i)
{
    if (i == 0)
        return rv_document_path(arena, document->db, document->path);
    return i == 1 ? rv_fields(&document->fields) : rv_string(path_last(document->path));
}

struct rvalue rv_value_at(struct arena *arena, struct rvalue map, size_t i)
{
    assert(i < map.n);
    if (map.form == MAP_DOCUMENT)
        return document_value(arena, map.document, i);
    return map.form == MAP_FIELDS ? rv_of_value(arena, &map.fields[i].value) : map.entries[i].value;
}

enum {
    MAP_LINEAR = 16
}; /* in maps of up to so many keys, length and bytes are compared one by one: cheaper */

static inline bool is_name(struct str key, struct str name)
{
    return key.n == name.n && (name.n == 0 || (key.p[0] == name.p[0] && memcmp(key.p, name.p, name.n) == 0));
}

/* The loop that most of a decision's look-ups are: once for each form, not a question of the form in it. */
static bool find_few(size_t *out, struct rvalue map, struct str name)
{
    size_t i = 0;
    if (map.form == MAP_FIELDS)
        while (i < map.n && !is_name(map.fields[i].name, name))
            i++;
    else if (map.form == MAP_ENTRIES)
        while (i < map.n && !is_name(map.entries[i].name, name))
            i++;
    else
        while (i < map.n && !is_name(rv_key_at(map, i), name))
            i++;
    *out = i;
    return i < map.n;
}

static bool find_key(size_t *out, struct rvalue map, struct str name)
{
    if (map.n <= MAP_LINEAR)
        return find_few(out, map, name);
    size_t low = 0, high = map.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = str_cmp(rv_key_at(map, middle), name);
        if (c == 0) {
            *out = middle;
            return true;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool rv_lookup(struct rvalue *out, struct arena *arena, struct rvalue map, struct str name)
{
    size_t at;
    if (!find_key(&at, map, name))
        return false;
    *out = rv_value_at(arena, map, at);
    return true;
}

bool rv_has_key(struct rvalue map, struct str name)
{
    size_t at;
    return find_key(&at, map, name);
}

/* ---- comparing ---- */

enum equality { STRICT, ELEMENT, LOOSE };

static bool equal(struct arena *arena, struct rvalue a, struct rvalue b, enum equality how);

static bool is_number(struct rvalue v)
{
    return v.type == RT_INT || v.type == RT_FLOAT;
}
static double as_double(struct rvalue v)
{
    return v.type == RT_INT ? (double)v.integer : v.number;
}

static bool equal_floats(double a, double b, enum equality how)
{
    if (how == LOOSE && a != a && b != b)
        return true;
    if (how == STRICT && a == 0 && b == 0)
        return signbit(a) == signbit(b);
    return a == b;
}

static bool equal_lists(struct arena *arena, struct rvalue a, struct rvalue b, enum equality how)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (!equal(arena, rv_at(arena, a, i), rv_at(arena, b, i), how))
            return false;
    return true;
}

static bool equal_maps(struct arena *arena, struct rvalue a, struct rvalue b, enum equality how)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (!str_eq(rv_key_at(a, i), rv_key_at(b, i)))
            return false;
    for (size_t i = 0; i < a.n; i++)
        if (!equal(arena, rv_value_at(arena, a, i), rv_value_at(arena, b, i), how))
            return false;
    return true;
}

static bool equal_sets(struct arena *arena, struct rvalue a, struct rvalue b)
{
    if (a.n != b.n)
        return false;
    struct rset set;
    rset_init(&set, arena, a.n, true);
    for (size_t i = 0; i < a.n; i++)
        rset_add(&set, rv_at(arena, a, i));
    for (size_t i = 0; i < b.n; i++)
        if (!rset_has(&set, rv_at(arena, b, i)))
            return false;
    return true;
}

/* The same segments from the same template: /a/y is not a/{x} bound to y. */
static bool same_template(const struct rpath *a, const struct rpath *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct rsegment *x = &a->items[i], *y = &b->items[i];
        if (x->kind != y->kind || !str_eq(x->name, y->name) || x->bound != y->bound)
            return false;
        if (x->kind == SEGMENT_GLOB && x->bound ? !same_template(x->glob, y->glob)
                                                : !str_eq(x->text, y->text))
            return false;
    }
    return true;
}

static bool equal_paths(struct arena *arena, const struct rpath *a, const struct rpath *b, enum equality how)
{
    struct str unbound;
    if (how == STRICT && !same_template(a, b))
        return false;
    if (!rv_path_flat(arena, a, &a, &unbound) || !rv_path_flat(arena, b, &b, &unbound) || a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->items[i].text, b->items[i].text))
            return false;
    return true;
}

/* Bit by bit, but for NaN. */
static bool equal_vectors(const struct value_list *a, const struct value_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        double x = a->items[i].kind == VALUE_INT ? (double)a->items[i].integer : a->items[i].number;
        double y = b->items[i].kind == VALUE_INT ? (double)b->items[i].integer : b->items[i].number;
        if (x != y || signbit(x) != signbit(y))
            return false;
    }
    return true;
}

static bool equal(struct arena *arena, struct rvalue a, struct rvalue b, enum equality how)
{
    if (a.type != b.type) {
        if (how == LOOSE && is_number(a) && is_number(b))
            return equal_floats(as_double(a), as_double(b), how);
        return false;
    }
    enum equality inside = how == LOOSE ? LOOSE : STRICT;
    switch ((enum rules_type)a.type) {
    case RT_NULL:
        return true;
    case RT_BOOL:
        return a.boolean == b.boolean;
    case RT_INT:
        return a.integer == b.integer;
    case RT_FLOAT:
        return equal_floats(a.number, b.number, how);
    case RT_STRING:
    case RT_BYTES:
        return str_eq(rv_str(a), rv_str(b));
    case RT_LIST:
        return equal_lists(arena, a, b, inside);
    case RT_MAP:
        return equal_maps(arena, a, b, inside);
    case RT_SET:
        return equal_sets(arena, a, b);
    case RT_PATH:
        return equal_paths(arena, a.path, b.path, how);
    case RT_TIMESTAMP:
        return timestamp_cmp(rv_timestamp(a), rv_timestamp(b)) == 0;
    case RT_DURATION:
        return a.seconds == b.seconds && a.nanos == b.nanos;
    case RT_LATLNG:
        return a.latlng->latitude == b.latlng->latitude && a.latlng->longitude == b.latlng->longitude;
    case RT_VECTOR:
        return equal_vectors(a.vector, b.vector);
    default: /* two map diffs are never equal; constraints are compared in constraint.c */
        return false;
    }
}

bool rv_equal(struct arena *arena, struct rvalue a, struct rvalue b)
{
    if (is_number(a) && is_number(b) && a.type != b.type)
        return as_double(a) == as_double(b);
    return equal(arena, a, b, a.type == RT_FLOAT || a.type == RT_PATH ? ELEMENT : STRICT);
}

/* Text is only equal to text, under any equality. */
static bool has_text(struct rvalue list, struct str text)
{
    for (size_t i = 0; i < list.n; i++)
        if (list.items[i].type == RT_STRING && is_name(rv_str(list.items[i]), text))
            return true;
    return false;
}

bool rv_list_has(struct arena *arena, struct rvalue list, struct rvalue v)
{
    if (v.type == RT_STRING && list.form == LIST_KEYS)
        return rv_has_key(rv_fields_of_keys(list), rv_str(v));
    if (v.type == RT_STRING && list.form == LIST_ITEMS)
        return has_text(list, rv_str(v));
    enum equality how = list.type == RT_SET ? LOOSE : ELEMENT;
    for (size_t i = 0; i < list.n; i++)
        if (equal(arena, rv_at(arena, list, i), v, how))
            return true;
    return false;
}

bool rv_equal_loose(struct arena *arena, struct rvalue a, struct rvalue b)
{
    return equal(arena, a, b, LOOSE);
}

static int compare_bytes(struct str a, struct str b)
{
    return str_cmp(a, b);
}

bool rv_order(int *order, struct rvalue a, struct rvalue b)
{
    if (is_number(a) && is_number(b)) {
        if (a.type == RT_INT && b.type == RT_INT)
            *order = (a.integer > b.integer) - (a.integer < b.integer);
        else
            *order = (as_double(a) > as_double(b)) - (as_double(a) < as_double(b));
        return true;
    }
    if (a.type != b.type)
        return false;
    switch ((enum rules_type)a.type) {
    case RT_STRING:
        *order = rv_utf16_cmp(rv_str(a), rv_str(b));
        return true;
    case RT_BYTES:
        *order = compare_bytes(rv_str(a), rv_str(b));
        return true;
    case RT_TIMESTAMP:
        *order = timestamp_cmp(rv_timestamp(a), rv_timestamp(b));
        return true;
    case RT_DURATION:
        *order = a.seconds != b.seconds ? (a.seconds > b.seconds ? 1 : -1)
                                        : (a.nanos > b.nanos) - (a.nanos < b.nanos);
        return true;
    default:
        return false;
    }
}

/* ---- hashing, sets ---- */

static uint64_t mix(uint64_t h, uint64_t x)
{
    h ^= x;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t hash_text(uint64_t h, struct str s)
{
    while (s.n >= 8) {
        uint64_t word;
        memcpy(&word, s.p, 8);
        h = mix(h, word);
        s = str_skip(s, 8);
    }
    uint64_t rest = s.n;
    for (size_t i = 0; i < s.n; i++)
        rest = rest << 8 | (unsigned char)s.p[i];
    return mix(h, rest);
}

static uint64_t hash_double(uint64_t h, double d)
{
    uint64_t bits = 1;
    if (d == 0)
        d = 0; /* -0.0 as 0.0 */
    if (d == d)
        memcpy(&bits, &d, sizeof bits);
    return mix(h, bits);
}

static uint64_t hash_path(struct arena *arena, uint64_t h, const struct rpath *path)
{
    struct str unbound;
    if (!rv_path_flat(arena, path, &path, &unbound))
        return h;
    for (size_t i = 0; i < path->n; i++)
        h = hash_text(h, path->items[i].text);
    return h;
}

static uint64_t hash_into(struct arena *arena, uint64_t h, struct rvalue v)
{
    h = mix(h, v.type == RT_INT ? RT_FLOAT : v.type);
    switch ((enum rules_type)v.type) {
    case RT_BOOL:
        return mix(h, v.boolean);
    case RT_INT:
        return hash_double(h, (double)v.integer);
    case RT_FLOAT:
        return hash_double(h, v.number);
    case RT_STRING:
    case RT_BYTES:
        return hash_text(h, rv_str(v));
    case RT_LIST:
        for (size_t i = 0; i < v.n; i++)
            h = hash_into(arena, h, rv_at(arena, v, i));
        return h;
    case RT_MAP:
        for (size_t i = 0; i < v.n; i++)
            h = hash_into(arena, hash_text(h, rv_key_at(v, i)), rv_value_at(arena, v, i));
        return h;
    case RT_SET: { /* order does not count */
        uint64_t sum = 0;
        for (size_t i = 0; i < v.n; i++)
            sum += hash_into(arena, 0, rv_at(arena, v, i));
        return mix(h, sum);
    }
    case RT_PATH:
        return hash_path(arena, h, v.path);
    case RT_TIMESTAMP:
        return mix(mix(h, (uint64_t)v.seconds), (uint64_t)v.nanos);
    case RT_DURATION:
        return mix(mix(h, (uint64_t)v.seconds), (uint64_t)v.nanos);
    case RT_LATLNG:
        return hash_double(hash_double(h, v.latlng->latitude), v.latlng->longitude);
    case RT_VECTOR:
        return mix(h, v.vector->n);
    default:
        return h;
    }
}

uint64_t rv_hash(struct arena *arena, struct rvalue v)
{
    return hash_into(arena, 0, v);
}

enum { SET_LINEAR = 12 }; /* up to here a search in order is faster than hashing */

void rset_init(struct rset *set, struct arena *arena, size_t expected, bool loose)
{
    *set = (struct rset){ .arena = arena, .loose = loose, .cap = expected ? expected : 1 };
    set->items = arena_alloc(arena, set->cap * sizeof *set->items);
}

static bool same(const struct rset *set, struct rvalue a, struct rvalue b)
{
    return equal(set->arena, a, b, set->loose ? LOOSE : ELEMENT);
}

/* The slot that holds v, or the empty one where it belongs. */
static size_t probe(const struct rset *set, struct rvalue v)
{
    size_t at = rv_hash(set->arena, v) & (set->n_slots - 1);
    while (set->slots[at] != 0 && !same(set, set->items[set->slots[at] - 1], v))
        at = (at + 1) & (set->n_slots - 1);
    return at;
}

static void rehash(struct rset *set)
{
    set->n_slots = 64;
    while (set->n_slots < set->cap * 2)
        set->n_slots *= 2;
    set->slots = ARENA_ARRAY(set->arena, uint32_t, set->n_slots);
    for (size_t i = 0; i < set->n; i++)
        set->slots[probe(set, set->items[i])] = (uint32_t)(i + 1);
}

uint32_t rset_find(const struct rset *set, struct rvalue v)
{
    if (set->slots)
        return set->slots[probe(set, v)];
    for (size_t i = 0; i < set->n; i++)
        if (same(set, set->items[i], v))
            return (uint32_t)i + 1;
    return 0;
}

bool rset_add(struct rset *set, struct rvalue v)
{
    if (!set->slots && set->n >= SET_LINEAR)
        rehash(set);
    if (set->n == set->cap) {
        size_t size = set->cap * sizeof *set->items;
        set->items = arena_grow(set->arena, set->items, size, size * 2);
        set->cap *= 2;
        if (set->slots)
            rehash(set);
    }
    if (!set->slots) {
        if (rset_has(set, v))
            return false;
    } else {
        size_t at = probe(set, v);
        if (set->slots[at] != 0)
            return false;
        set->slots[at] = (uint32_t)(set->n + 1);
    }
    set->items[set->n++] = v;
    return true;
}

/* ---- paths ---- */

bool rv_path_unbound(const struct rpath *path)
{
    for (size_t i = 0; i < path->n; i++)
        if (path->items[i].kind != SEGMENT_SIMPLE && !path->items[i].bound)
            return true;
    return false;
}

static size_t flat_size(const struct rpath *path)
{
    size_t n = 0;
    for (size_t i = 0; i < path->n; i++)
        n += path->items[i].kind == SEGMENT_GLOB ? flat_size(path->items[i].glob) : 1;
    return n;
}

static size_t flatten(struct rsegment *out, const struct rpath *path)
{
    size_t n = 0;
    for (size_t i = 0; i < path->n; i++) {
        if (path->items[i].kind == SEGMENT_GLOB)
            n += flatten(out + n, path->items[i].glob);
        else
            out[n++] = (struct rsegment){ .kind = SEGMENT_SIMPLE, .text = path->items[i].text };
    }
    return n;
}

bool rv_path_flat(struct arena *arena, const struct rpath *path, const struct rpath **flat,
                  struct str *unbound)
{
    bool simple = true;
    for (size_t i = 0; i < path->n; i++) {
        const struct rsegment *segment = &path->items[i];
        if (segment->kind == SEGMENT_SIMPLE)
            continue;
        simple = false;
        if (!segment->bound) {
            *unbound = segment->name;
            return false;
        }
        if (segment->kind == SEGMENT_GLOB) {
            const struct rpath *inner;
            if (!rv_path_flat(arena, segment->glob, &inner, unbound))
                return false;
        }
    }
    if (simple) {
        *flat = path;
        return true;
    }
    struct rpath *out = ARENA_NEW(arena, struct rpath);
    struct rsegment *items = ARENA_ARRAY(arena, struct rsegment, flat_size(path));
    out->n = flatten(items, path);
    out->items = items;
    *flat = out;
    return true;
}

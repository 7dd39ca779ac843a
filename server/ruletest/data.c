/* data.c - what a request makes of the values of a test file: fields, masks and transforms; see data.h. */
#include "server/ruletest/data.h"

#include "core/field_path.h"
#include "server/ruletest/parse.h"

#include <stdlib.h>

/* Where transforms go, and the way to where we are. */
struct lowering {
    struct ruletest_parser *p;
    struct msg_write *write; /* NULL: transforms have no place here */
    size_t cap_transforms;
    struct str way[RULETEST_MAX_NESTING + 2];
    size_t n_way;
};

static bool lower(struct lowering *l, const struct data *data, struct value *out, bool *absent, int depth);

static bool count_node(struct lowering *l, const struct data *data)
{
    return ++l->p->nodes <= RULETEST_MAX_NODES ||
           ruletest_fail_at(l->p, data->from, data->to, "more than %d values in one file",
                            RULETEST_MAX_NODES);
}

static bool lower_array(struct lowering *l, const struct data *data, struct value *out, int depth)
{
    struct msg_write *write = l->write;
    *out = (struct value){ .kind = VALUE_ARRAY };
    out->array.items = ARENA_ARRAY(l->p->arena, struct value, data->n);
    l->write = NULL; /* no transform in arrays, as the client libraries have it */
    for (size_t i = 0; i < data->n; i++) {
        bool absent = false;
        if (!lower(l, data->items[i], &out->array.items[out->array.n], &absent, depth + 1))
            return false;
        out->array.n += !absent;
    }
    l->write = write;
    return true;
}

/* Members in the order in which they count: those of ...value in its place. Later ones replace earlier ones.
 */
struct flat {
    const struct data_member **members;
    size_t n, cap;
};

static void add_member(struct flat *flat, struct arena *arena, const struct data_member *m)
{
    if (flat->n == flat->cap) {
        size_t grown = flat->cap ? flat->cap * 2 : 8;
        flat->members = arena_grow(arena, flat->members, flat->cap * sizeof *flat->members,
                                   grown * sizeof *flat->members);
        flat->cap = grown;
    }
    flat->members[flat->n++] = m;
}

static bool flatten(struct lowering *l, struct flat *flat, const struct data *data, int depth)
{
    if (depth > RULETEST_MAX_NESTING)
        return ruletest_fail_at(l->p, data->from, data->to, "nested too deeply");
    for (size_t i = 0; i < data->n; i++) {
        const struct data_member *m = &data->members[i];
        if (!count_node(l, data))
            return false;
        if (m->n_path)
            add_member(flat, l->p->arena, m);
        else if (!flatten(l, flat, m->value, depth + 1))
            return false;
    }
    return true;
}

static int by_path(const void *a, const void *b)
{
    const struct data_member *x = *(const struct data_member *const *)a,
                             *y = *(const struct data_member *const *)b;
    struct field_path px = { x->path, x->n_path }, py = { y->path, y->n_path };
    int c = field_path_cmp(&px, &py);
    return c ? c : (x->from > y->from) - (x->from < y->from);
}

/* Sorted by name, the last one of each. Where a spread comes from elsewhere in the file, places say nothing
 * of the order, so the order is kept by numbering first. */
static void keep_last(struct flat *flat, struct arena *arena)
{
    struct data_member *copies = ARENA_ARRAY(arena, struct data_member, flat->n);
    for (size_t i = 0; i < flat->n; i++) {
        copies[i] = *flat->members[i];
        copies[i].from = (uint32_t)i;
        flat->members[i] = &copies[i];
    }
    if (flat->n > 1)
        qsort(flat->members, flat->n, sizeof *flat->members, by_path);
    size_t kept = 0;
    for (size_t i = 0; i < flat->n; i++) {
        struct field_path next = { 0 }, here = { flat->members[i]->path, flat->members[i]->n_path };
        if (i + 1 < flat->n)
            next = (struct field_path){ flat->members[i + 1]->path, flat->members[i + 1]->n_path };
        if (i + 1 == flat->n || field_path_cmp(&here, &next) != 0)
            flat->members[kept++] = flat->members[i];
    }
    flat->n = kept;
}

static bool flat_members(struct lowering *l, struct flat *flat, const struct data *data)
{
    if (!flatten(l, flat, data, 0))
        return false;
    keep_last(flat, l->p->arena);
    return true;
}

static bool single_name(struct lowering *l, const struct data *data, const struct data_member *m)
{
    return m->n_path == 1 ||
           ruletest_fail_at(l->p, data->from, m->to,
                            "a.b: as a key is for update; elsewhere write a: {b: ...}, or \"a.b\" for a "
                            "name with a dot");
}

static bool lower_object(struct lowering *l, const struct data *data, struct value *out, int depth)
{
    struct flat flat = { 0 };
    if (!flat_members(l, &flat, data))
        return false;
    *out = (struct value){ .kind = VALUE_MAP };
    out->map.items = ARENA_ARRAY(l->p->arena, struct field, flat.n);
    for (size_t i = 0; i < flat.n; i++) {
        struct field *f = &out->map.items[out->map.n];
        bool absent = false;
        f->name = flat.members[i]->path[0];
        l->way[l->n_way++] = f->name;
        if (!single_name(l, data, flat.members[i]) ||
            !lower(l, flat.members[i]->value, &f->value, &absent, depth + 1))
            return false;
        l->n_way--;
        out->map.n += !absent;
    }
    return true;
}

static bool lower_transform(struct lowering *l, const struct data *data)
{
    if (!l->write)
        return ruletest_fail_at(l->p, data->from, data->to,
                                "this is for fields that a request writes, and not inside a list");
    field_transform_list *list = &l->write->update_transforms;
    if (list->n == l->cap_transforms) {
        size_t grown = l->cap_transforms ? l->cap_transforms * 2 : 4;
        list->items = arena_grow(l->p->arena, list->items, l->cap_transforms * sizeof *list->items,
                                 grown * sizeof *list->items);
        l->cap_transforms = grown;
    }
    struct field_path path = { l->way, l->n_way };
    list->items[list->n] = data->transform;
    list->items[list->n++].field_path = field_path_print(l->p->arena, &path);
    return true;
}

static bool lower(struct lowering *l, const struct data *data, struct value *out, bool *absent, int depth)
{
    if (depth > RULETEST_MAX_NESTING)
        return ruletest_fail_at(l->p, data->from, data->to, "nested too deeply");
    if (!count_node(l, data))
        return false;
    switch (data->kind) {
    case DATA_SCALAR:
        *out = data->scalar;
        return true;
    case DATA_OBJECT:
        return lower_object(l, data, out, depth);
    case DATA_ARRAY:
        return lower_array(l, data, out, depth);
    case DATA_TRANSFORM:
        *absent = true;
        return lower_transform(l, data);
    case DATA_DELETE_FIELD:
        return ruletest_fail_at(
            l->p, data->from, data->to,
            "deleteField() is for the fields that update names; elsewhere leave the field out");
    case DATA_ABSENT:
        *absent = true;
        return true;
    }
    return false;
}

bool data_to_value(struct ruletest_parser *p, const struct data *data, struct value *out)
{
    struct lowering l = { .p = p };
    bool absent = false;
    return lower(&l, data, out, &absent, 0) &&
           (!absent || ruletest_fail_at(p, data->from, data->to, "expected a value here"));
}

bool data_to_map(struct ruletest_parser *p, const struct data *data, struct value_map *out)
{
    struct value value = { 0 };
    bool ok = data_to_value(p, data, &value);
    *out = value.map;
    return ok;
}

bool data_to_document(struct ruletest_parser *p, const struct data *data, struct msg_write *out)
{
    struct lowering l = { .p = p, .write = out };
    struct value value = { 0 };
    bool ok = lower_object(&l, data, &value, 0);
    out->update.fields = value.map;
    return ok;
}

bool data_to_changes(struct ruletest_parser *p, const struct data *data, struct msg_write *out)
{
    struct lowering l = { .p = p, .write = out };
    struct flat flat = { 0 };
    if (!flat_members(&l, &flat, data))
        return false;
    struct msg_document_mask *mask = out->update_mask = ARENA_NEW(p->arena, struct msg_document_mask);
    mask->field_paths.items = ARENA_ARRAY(p->arena, struct str, flat.n);
    for (size_t i = 0; i < flat.n; i++) {
        const struct data_member *m = flat.members[i];
        struct field_path path = { m->path, m->n_path };
        struct value value = { 0 };
        bool absent = m->value->kind == DATA_DELETE_FIELD;
        if (m->value->kind == DATA_ABSENT)
            continue;
        if (m->n_path > RULETEST_MAX_NESTING)
            return ruletest_fail_at(p, data->from, m->to, "nested too deeply");
        l.n_way = m->n_path;
        memcpy(l.way, m->path, m->n_path * sizeof *m->path);
        if (!absent && !lower(&l, m->value, &value, &absent, (int)m->n_path))
            return false;
        if (m->value->kind != DATA_TRANSFORM)
            mask->field_paths.items[mask->field_paths.n++] = field_path_print(p->arena, &path);
        if (!absent)
            field_path_set(p->arena, &out->update.fields, &path, &value);
    }
    return true;
}

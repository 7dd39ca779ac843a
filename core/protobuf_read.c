/* protobuf_read.c - protobuf bytes into the structs of messages.h.
 *
 * Two readers: one for values and maps of values, which is where the time goes, written out by hand; and
 * one for everything else, which walks the tables of schema.c. Both keep to the rules of the encoding:
 * fields in any order, unknown ones skipped, a known number with another wire type is unknown, the last
 * scalar wins, messages merge, another member of a oneof replaces the earlier one.
 *
 * Depth is counted as the JSON text of the same message would nest (a list or a map is a level of its
 * own), so that whatever one encoding accepts the other can carry. Text is borrowed from the input. */
#include "core/codec_fault.h"
#include "core/limits.h"
#include "core/schema.h"
#include "core/wire.h"

#include <assert.h>
#include <stdio.h>

struct reader {
    struct arena *arena;
    uint32_t depth; /* of the message being read; the outermost is 1 */
    struct codec_fault fault;
};

/* What a list or map needs to know between its pieces. */
struct run {
    bool grown, unsorted;
};

static bool malformed(struct reader *r, const char *what)
{
    return codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s", what);
}
static bool bad_varint(struct reader *r)
{
    return malformed(r, "a varint is cut off or too long");
}
static bool bad_length(struct reader *r)
{
    return malformed(r, "a length reaches past the end of its message");
}

static bool may_nest(struct reader *r, uint32_t levels)
{
    if (r->depth + levels > LIMIT_MESSAGE_DEPTH) {
        codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "nested more than %d levels deep",
                        LIMIT_MESSAGE_DEPTH);
        return false;
    }
    return true;
}

/* ---- skipping ---- */

/* Past a value of wire type `type` that is no group. */
static bool skip_plain(struct reader *r, unsigned type, const uint8_t **p, const uint8_t *end)
{
    uint64_t ignored;
    const uint8_t *after;
    switch (type) {
    case WIRE_VARINT:
        return wire_varint(p, end, &ignored) || bad_varint(r);
    case WIRE_BYTES:
        if (!wire_length(p, end, &after))
            return bad_length(r);
        *p = after;
        return true;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        if (end - *p < (type == WIRE_FIXED64 ? 8 : 4))
            return malformed(r, "a fixed-width number is cut off");
        *p += type == WIRE_FIXED64 ? 8 : 4;
        return true;
    default:
        return malformed(r, type == WIRE_GROUP_END ? "a group ends that never began" : "no such wire type");
    }
}

static bool valid_tag(uint64_t tag)
{
    return tag <= UINT32_MAX && tag >> 3 != 0;
}

/* Past the unknown field whose tag was read. Groups nest, so they are counted instead of recursed into. */
static bool skip_field(struct reader *r, uint64_t tag, const uint8_t **p, const uint8_t *end)
{
    uint32_t open[LIMIT_MESSAGE_DEPTH];
    size_t n = 0;
    for (;;) {
        if (!valid_tag(tag))
            return malformed(r, "no such field number");
        uint32_t number = (uint32_t)(tag >> 3);
        unsigned type = tag & 7;
        if (type == WIRE_GROUP) {
            if (n == LIMIT_MESSAGE_DEPTH)
                return malformed(r, "groups nested too deep");
            open[n++] = number;
        } else if (type == WIRE_GROUP_END && n > 0) {
            if (open[--n] != number)
                return malformed(r, "a group ends under another number");
        } else if (!skip_plain(r, type, p, end)) {
            return false;
        }
        if (n == 0)
            return true;
        if (!wire_varint(p, end, &tag))
            return malformed(r, "a group is cut off");
    }
}

/* ---- pieces ---- */

static bool read_bytes(struct reader *r, struct str *out, const uint8_t **p, const uint8_t *end)
{
    const uint8_t *after;
    if (!wire_length(p, end, &after))
        return bad_length(r);
    *out = str_from(*p, (size_t)(after - *p));
    *p = after;
    return true;
}

static bool whole_text(struct reader *r, struct str *out, const uint8_t *p, const uint8_t *end)
{
    *out = str_from(p, (size_t)(end - p));
    return str_is_utf8(*out) || malformed(r, "text is not valid UTF-8");
}

static bool read_text(struct reader *r, struct str *out, const uint8_t **p, const uint8_t *end)
{
    return read_bytes(r, out, p, end) && (str_is_utf8(*out) || malformed(r, "text is not valid UTF-8"));
}

static bool read_varint(struct reader *r, uint64_t *out, const uint8_t **p, const uint8_t *end)
{
    if (wire_varint(p, end, out))
        return true;
    bad_varint(r);
    return false; /* said here for compilers that do not see it through the call */
}

static bool read_double(struct reader *r, double *out, const uint8_t **p, const uint8_t *end)
{
    uint64_t bits;
    if (!wire_fixed64(p, end, &bits))
        return malformed(r, "a fixed-width number is cut off");
    double d = wire_double(bits);
    /* One NaN for all: what is inside does not survive JSON either. */
    *out = d == d ? d : __builtin_nan("");
    return true;
}

static bool read_timestamp(struct reader *r, struct timestamp *out, const uint8_t *p, const uint8_t *end)
{
    uint64_t tag, v;
    while (p < end) {
        if (!read_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_VARINT)) {
            if (!read_varint(r, &v, &p, end))
                return false;
            out->seconds = (int64_t)v;
        } else if (tag == WIRE_TAG(2, WIRE_VARINT)) {
            if (!read_varint(r, &v, &p, end))
                return false;
            out->nanos = (int32_t)(uint32_t)v;
        } else if (!skip_field(r, tag, &p, end)) {
            return false;
        }
    }
    return timestamp_is_valid(*out) ||
           malformed(r, "time outside 0001-01-01T00:00:00Z .. 9999-12-31T23:59:59.999999999Z");
}

static bool read_geo(struct reader *r, struct value *out, const uint8_t *p, const uint8_t *end)
{
    uint64_t tag;
    while (p < end) {
        if (!read_varint(r, &tag, &p, end))
            return false;
        bool ok;
        if (tag == WIRE_TAG(1, WIRE_FIXED64))
            ok = read_double(r, &out->geo.latitude, &p, end);
        else if (tag == WIRE_TAG(2, WIRE_FIXED64))
            ok = read_double(r, &out->geo.longitude, &p, end);
        else
            ok = skip_field(r, tag, &p, end);
        if (!ok)
            return false;
    }
    return true;
}

/* How many fields with this tag follow each other, the first tag having been read. */
static size_t count_run(uint32_t tag, const uint8_t *p, const uint8_t *end)
{
    size_t n = 0;
    uint64_t next = tag;
    while (next == tag) {
        const uint8_t *after;
        if (!wire_length(&p, end, &after))
            return n + 1; /* the reader will say what is wrong with it */
        n++;
        p = after;
        if (!wire_varint(&p, end, &next))
            break;
    }
    return n;
}

/* ---- values: the hot path ---- */

static bool read_value(struct reader *r, struct value *out, const uint8_t *p, const uint8_t *end);

static bool read_entry(struct reader *r, struct field *out, const uint8_t *p, const uint8_t *end)
{
    out->name = (struct str){ "", 0 };
    out->value.kind = VALUE_UNSET;
    while (p < end) {
        uint64_t tag;
        const uint8_t *after;
        if (!read_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES)) {
            if (!read_text(r, &out->name, &p, end)) {
                out->name.n = 0;
                return false;
            }
        } else if (tag == WIRE_TAG(2, WIRE_BYTES)) {
            if (!wire_length(&p, end, &after))
                return bad_length(r);
            if (!read_value(r, &out->value, p, after))
                return false;
            p = after;
        } else if (!skip_field(r, tag, &p, end)) {
            return false;
        }
    }
    return true;
}

/* All the entries that follow each other from here on, the first tag having been read. */
static bool read_entries(struct reader *r, struct value_map *map, struct run *run, uint32_t tag,
                         const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after;
    size_t n = count_run(tag, p, end);
    struct field *item = codec_list_grow(&r->fault, r->arena, map, n, sizeof *item, &run->grown);
    if (!item || !may_nest(r, 2))
        return false;
    r->depth += 2;
    for (size_t i = 0; i < n; i++, item++) {
        uint64_t skipped;
        if (i > 0 && !read_varint(r, &skipped, &p, end))
            return false;
        if (!wire_length(&p, end, &after))
            return bad_length(r);
        if (!read_entry(r, item, p, after))
            return codec_fault_in(&r->fault, item->name);
        p = after;
        if (map->n > 0 && str_cmp(item[-1].name, item->name) >= 0)
            run->unsorted = true;
        map->n++;
    }
    r->depth -= 2;
    *at = p;
    return true;
}

static bool sort_entries(struct reader *r, struct value_map *map, const struct run *run)
{
    if (!run->unsorted)
        return true;
    if (!codec_sort_fields(&r->fault, r->arena, map))
        return false;
    codec_unique_fields(map);
    return true;
}

static bool read_map(struct reader *r, struct value_map *map, const uint8_t *p, const uint8_t *end)
{
    struct run run = { 0 };
    while (p < end) {
        uint64_t tag;
        if (!read_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES)) {
            if (!read_entries(r, map, &run, WIRE_TAG(1, WIRE_BYTES), &p, end))
                return codec_fault_in(&r->fault, STR("fields"));
        } else if (!skip_field(r, tag, &p, end)) {
            return false;
        }
    }
    return sort_entries(r, map, &run);
}

/* Like read_entries, for repeated Value. */
static bool read_values(struct reader *r, struct value_list *list, struct run *run, uint32_t tag,
                        const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after;
    size_t n = count_run(tag, p, end);
    struct value *item = codec_list_grow(&r->fault, r->arena, list, n, sizeof *item, &run->grown);
    if (!item || !may_nest(r, 2))
        return false;
    r->depth += 2;
    for (size_t i = 0; i < n; i++, item++) {
        uint64_t skipped;
        if (i > 0 && !read_varint(r, &skipped, &p, end))
            return false;
        if (!wire_length(&p, end, &after))
            return bad_length(r);
        item->kind = VALUE_UNSET;
        if (!read_value(r, item, p, after))
            return codec_fault_at(&r->fault, list->n);
        p = after;
        list->n++;
    }
    r->depth -= 2;
    *at = p;
    return true;
}

static bool read_array(struct reader *r, struct value_list *list, const uint8_t *p, const uint8_t *end)
{
    struct run run = { 0 };
    while (p < end) {
        uint64_t tag;
        if (!read_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES)) {
            if (!read_values(r, list, &run, WIRE_TAG(1, WIRE_BYTES), &p, end))
                return codec_fault_in(&r->fault, STR("values"));
        } else if (!skip_field(r, tag, &p, end)) {
            return false;
        }
    }
    return true;
}

/* The members of Value that are messages: the first of a kind starts empty, another one merges. */
static bool read_nested(struct reader *r, struct value *out, enum value_kind kind, const uint8_t **at,
                        const uint8_t *end)
{
    const uint8_t *after, *p = *at;
    if (!wire_length(&p, end, &after))
        return bad_length(r);
    if (kind != VALUE_TIMESTAMP && !may_nest(r, 1))
        return false;
    if (out->kind != kind)
        *out = (struct value){ .kind = kind };
    *at = after;
    bool ok = true;
    r->depth++;
    switch (kind) {
    case VALUE_MAP:
        ok = read_map(r, &out->map, p, after);
        break;
    case VALUE_ARRAY:
        ok = read_array(r, &out->array, p, after);
        break;
    case VALUE_GEO:
        ok = read_geo(r, out, p, after);
        break;
    case VALUE_TIMESTAMP:
        ok = read_timestamp(r, &out->time, p, after);
        /* Firestore keeps microseconds, rounded down. */
        out->time.nanos -= out->time.nanos % 1000;
        break;
    default: /* functions and pipelines: nobody looks inside */
        break;
    }
    r->depth--;
    return ok;
}

/* Whether the failed member was one of Value's: then its name belongs to the path. */
static bool in_kind(struct reader *r, uint64_t tag)
{
    const struct schema_field *row = schema_by_number(&schema_value, (uint32_t)(tag >> 3));
    return row ? codec_fault_in(&r->fault, row->json) : false;
}

static bool read_value(struct reader *r, struct value *out, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        uint64_t tag, v;
        bool ok;
        if (!read_varint(r, &tag, &p, end))
            return false;
        switch (tag) {
        case WIRE_TAG(VALUE_STRING, WIRE_BYTES):
        case WIRE_TAG(VALUE_REFERENCE, WIRE_BYTES):
        case WIRE_TAG(VALUE_FIELD_REFERENCE, WIRE_BYTES):
            out->kind = (enum value_kind)(tag >> 3);
            ok = read_text(r, &out->text, &p, end);
            break;
        case WIRE_TAG(VALUE_BYTES, WIRE_BYTES):
            out->kind = VALUE_BYTES;
            ok = read_bytes(r, &out->text, &p, end);
            break;
        case WIRE_TAG(VALUE_INT, WIRE_VARINT):
            ok = read_varint(r, &v, &p, end);
            if (ok) {
                out->kind = VALUE_INT;
                out->integer = (int64_t)v;
            }
            break;
        case WIRE_TAG(VALUE_BOOL, WIRE_VARINT):
            ok = read_varint(r, &v, &p, end);
            if (ok) {
                out->kind = VALUE_BOOL;
                out->boolean = v != 0;
            }
            break;
        case WIRE_TAG(VALUE_NULL, WIRE_VARINT):
            out->kind = VALUE_NULL;
            ok = read_varint(r, &v, &p, end);
            break;
        case WIRE_TAG(VALUE_DOUBLE, WIRE_FIXED64):
            out->kind = VALUE_DOUBLE;
            ok = read_double(r, &out->number, &p, end);
            break;
        case WIRE_TAG(VALUE_MAP, WIRE_BYTES):
        case WIRE_TAG(VALUE_ARRAY, WIRE_BYTES):
        case WIRE_TAG(VALUE_GEO, WIRE_BYTES):
        case WIRE_TAG(VALUE_TIMESTAMP, WIRE_BYTES):
        case WIRE_TAG(VALUE_FUNCTION, WIRE_BYTES):
        case WIRE_TAG(VALUE_PIPELINE, WIRE_BYTES):
            ok = read_nested(r, out, (enum value_kind)(tag >> 3), &p, end);
            break;
        default:
            if (!skip_field(r, tag, &p, end))
                return false;
            continue;
        }
        if (!ok)
            return in_kind(r, tag);
    }
    return true;
}

/* ---- everything else: by table ---- */

static bool read_message(struct reader *r, void *out, const struct schema_message *message, const uint8_t *p,
                         const uint8_t *end);

static unsigned wire_type_of(const struct schema_field *f)
{
    if (f->wrapped)
        return WIRE_BYTES;
    switch (f->type) {
    case SCHEMA_BOOL:
    case SCHEMA_INT32:
    case SCHEMA_INT64:
    case SCHEMA_ENUM:
    case SCHEMA_NULL:
        return WIRE_VARINT;
    case SCHEMA_DOUBLE:
        return WIRE_FIXED64;
    default:
        return WIRE_BYTES;
    }
}

static bool read_scalar(struct reader *r, const struct schema_field *f, void *to, const uint8_t **p,
                        const uint8_t *end)
{
    uint64_t v;
    switch (f->type) {
    case SCHEMA_STRING:
        return read_text(r, to, p, end);
    case SCHEMA_BYTES:
        return read_bytes(r, to, p, end);
    case SCHEMA_DOUBLE:
        return read_double(r, to, p, end);
    default:
        break;
    }
    if (!read_varint(r, &v, p, end))
        return false;
    if (f->type == SCHEMA_BOOL)
        *(bool *)to = v != 0;
    else if (f->type == SCHEMA_INT64)
        *(int64_t *)to = (int64_t)v;
    else if (f->wrapped)
        *(int64_t *)to = (int32_t)(uint32_t)v;
    else
        *(int32_t *)to = (int32_t)(uint32_t)v;
    return true;
}

/* google.protobuf.Int32Value and the like: the number is field 1, 0 when absent. */
static bool read_wrapped(struct reader *r, const struct schema_field *f, void *to, const uint8_t *p,
                         const uint8_t *end)
{
    unsigned type = f->type == SCHEMA_DOUBLE ? WIRE_FIXED64 : WIRE_VARINT;
    while (p < end) {
        uint64_t tag;
        if (!read_varint(r, &tag, &p, end))
            return false;
        bool ok = tag == WIRE_TAG(1, type) ? read_scalar(r, f, to, &p, end) : skip_field(r, tag, &p, end);
        if (!ok)
            return false;
    }
    return true;
}

/* The bytes of one message-like field into the place that holds it. */
static bool read_submessage(struct reader *r, const struct schema_field *f, void *to, uint32_t levels,
                            const uint8_t *p, const uint8_t *end)
{
    if (f->wrapped)
        return read_wrapped(r, f, to, p, end);
    if (f->type == SCHEMA_TIMESTAMP)
        return read_timestamp(r, to, p, end);
    if (!may_nest(r, levels))
        return false;
    r->depth += levels;
    bool ok = f->type == SCHEMA_VALUE ? read_value(r, to, p, end) : read_message(r, to, f->message, p, end);
    r->depth -= levels;
    return ok;
}

static bool read_singular(struct reader *r, const struct schema_field *f, void *out, const uint8_t **p,
                          const uint8_t *end)
{
    schema_mark_set(f, out);
    void *to = schema_at(out, f->offset);
    if (f->pointer) {
        void **slot = to;
        if (!*slot) {
            void *made = codec_alloc(&r->fault, r->arena, f->message->size);
            if (!made)
                return false;
            *slot = memset(made, 0, f->message->size);
        }
        to = *slot;
    }
    if (f->type != SCHEMA_MESSAGE && f->type != SCHEMA_VALUE && f->type != SCHEMA_TIMESTAMP && !f->wrapped)
        return read_scalar(r, f, to, p, end);
    const uint8_t *after, *from = *p;
    if (!wire_length(&from, end, &after))
        return bad_length(r);
    *p = after;
    return read_submessage(r, f, to, 1, from, after);
}

/* map<string, string>: an entry like that of a map of values. */
static bool read_label(struct reader *r, struct msg_label *out, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        uint64_t tag;
        bool ok;
        if (!read_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES))
            ok = read_text(r, &out->key, &p, end);
        else if (tag == WIRE_TAG(2, WIRE_BYTES))
            ok = read_text(r, &out->value, &p, end);
        else
            ok = skip_field(r, tag, &p, end);
        if (!ok)
            return false;
    }
    return true;
}

/* A row of equal tags of a repeated field, the first tag having been read. */
static bool read_repeated(struct reader *r, const struct schema_field *f, struct schema_list *list,
                          struct run *run, uint32_t tag, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after;
    size_t element = schema_element_size(f), n = count_run(tag, p, end);
    char *item = codec_list_grow(&r->fault, r->arena, list, n, element, &run->grown);
    if (!item || !may_nest(r, 1))
        return false;
    memset(item, 0, n * element);
    for (size_t i = 0; i < n; i++, item += element) {
        uint64_t skipped;
        bool ok;
        if (i > 0 && !read_varint(r, &skipped, &p, end))
            return false;
        if (!wire_length(&p, end, &after))
            return bad_length(r);
        if (f->type == SCHEMA_STRING)
            ok = whole_text(r, (struct str *)(void *)item, p, after);
        else if (f->type == SCHEMA_LABELS)
            ok = read_label(r, (struct msg_label *)(void *)item, p, after);
        else
            ok = read_submessage(r, f, item, 2, p, after);
        if (!ok)
            return codec_fault_at(&r->fault, list->n);
        p = after;
        list->n++;
    }
    *at = p;
    return true;
}

/* Repeated int32: packed, or one element. */
static bool read_int32s(struct reader *r, struct schema_list *list, struct run *run, bool packed,
                        const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after = end;
    size_t n = 1;
    if (packed) {
        if (!wire_length(&p, end, &after))
            return bad_length(r);
        n = 0;
        for (const uint8_t *q = p; q < after; q++)
            n += *q < 0x80;
    }
    int32_t *item = codec_list_grow(&r->fault, r->arena, list, n, sizeof *item, &run->grown);
    if (!item || !may_nest(r, 1))
        return false;
    for (size_t i = 0; packed ? p < after : i < 1; i++) {
        uint64_t v;
        if (!read_varint(r, &v, &p, after))
            return false;
        assert(i < n); /* each varint ends in one byte below 0x80, and those were counted */
        *item++ = (int32_t)(uint32_t)v;
        list->n++;
    }
    *at = p;
    return true;
}

/* Last one wins, sorted as maps of values are: by sorting a map that stands for them. */
static bool sort_labels(struct reader *r, label_list *labels)
{
    struct value_map map = { .n = labels->n };
    if (labels->n < 2)
        return true;
    map.items = codec_alloc(&r->fault, r->arena, labels->n * sizeof *map.items);
    if (!map.items)
        return false;
    for (size_t i = 0; i < labels->n; i++)
        map.items[i] =
            (struct field){ labels->items[i].key, { .kind = VALUE_STRING, .text = labels->items[i].value } };
    if (!codec_sort_fields(&r->fault, r->arena, &map))
        return false;
    codec_unique_fields(&map);
    for (size_t i = 0; i < map.n; i++)
        labels->items[i] = (struct msg_label){ map.items[i].name, map.items[i].value.text };
    labels->n = map.n;
    return true;
}

static bool read_list_field(struct reader *r, const struct schema_field *f, void *out, struct run *run,
                            uint32_t tag, const uint8_t **p, const uint8_t *end)
{
    void *list = schema_at(out, f->offset);
    switch (f->type) {
    case SCHEMA_VALUE_MAP:
        return read_entries(r, list, run, tag, p, end);
    case SCHEMA_VALUE:
        return read_values(r, list, run, tag, p, end);
    case SCHEMA_INT32:
        return read_int32s(r, list, run, (tag & 7) == WIRE_BYTES, p, end);
    default:
        return read_repeated(r, f, list, run, tag, p, end);
    }
}

static bool finish_maps(struct reader *r, const struct schema_message *message, void *out,
                        const struct run *runs, uint32_t maps)
{
    for (; maps; maps &= maps - 1) {
        unsigned i = (unsigned)__builtin_ctz(maps);
        void *list = schema_at(out, message->fields[i].offset);
        if (message->fields[i].type == SCHEMA_LABELS ? !sort_labels(r, list)
                                                     : !sort_entries(r, list, &runs[i]))
            return false;
    }
    return true;
}

static bool read_message(struct reader *r, void *out, const struct schema_message *message, const uint8_t *p,
                         const uint8_t *end)
{
    if (message->is_value)
        return read_value(r, out, p, end);
    struct run runs[SCHEMA_FIELDS_MAX] = { 0 };
    uint32_t maps = 0; /* rows that hold a map and were met */
    while (p < end) {
        uint64_t tag;
        if (!read_varint(r, &tag, &p, end))
            return false;
        const struct schema_field *f =
            schema_by_number(message, tag <= UINT32_MAX ? (uint32_t)(tag >> 3) : 0);
        bool known = f && f->type != SCHEMA_SKIP && !f->json_only;
        bool packed = known && f->repeated && f->type == SCHEMA_INT32 && (tag & 7) == WIRE_BYTES;
        if (!known || ((tag & 7) != wire_type_of(f) && !packed)) {
            if (!skip_field(r, tag, &p, end))
                return false;
            continue;
        }
        size_t i = (size_t)(f - message->fields);
        if (f->type == SCHEMA_VALUE_MAP || f->type == SCHEMA_LABELS)
            maps |= UINT32_C(1) << i;
        bool ok = f->repeated ? read_list_field(r, f, out, &runs[i], (uint32_t)tag, &p, end)
                              : read_singular(r, f, out, &p, end);
        if (!ok)
            return codec_fault_in(&r->fault, f->json);
    }
    return finish_maps(r, message, out, runs, maps);
}

/* ---- entry points ---- */

static enum status_code decode(void *out, const struct schema_message *schema, struct arena *arena,
                               struct str bytes, struct status *st)
{
    struct reader r = { .arena = arena, .depth = 1 };
    codec_fault_init(&r.fault);
    if (bytes.n > LIMIT_MESSAGE_BYTES)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "%s of %zu bytes exceeds the maximum of %d bytes.",
                          schema->name, bytes.n, LIMIT_MESSAGE_BYTES);
    const uint8_t *p = bytes.n ? (const uint8_t *)bytes.p : (const uint8_t *)"";
    if (read_message(&r, out, schema, p, p + bytes.n))
        return STATUS_OK;
    char intro[64];
    snprintf(intro, sizeof intro, "Message isn't a valid %s.", schema->name);
    return codec_fault_status(&r.fault, st, intro);
}

enum status_code protobuf_decode(void *out, const struct schema_message *schema, struct arena *arena,
                                 struct str bytes, struct status *st)
{
    return decode(out, schema, arena, bytes, st);
}

/* What the ledger keeps: a Document with nothing but fields. */
enum status_code protobuf_decode_fields(struct value_map *out, struct arena *arena, struct str bytes,
                                        struct status *st)
{
    struct document document = { 0 };
    enum status_code code = decode(&document, &schema_document, arena, bytes, st);
    *out = document.fields;
    return code;
}

enum status_code document_decode(struct document *document, struct arena *arena, struct status *st)
{
    if (!document->fields_raw.p)
        return STATUS_OK;
    enum status_code code = protobuf_decode_fields(&document->fields, arena, document->fields_raw, st);
    if (code == STATUS_OK)
        document->fields_raw = (struct str){ 0 };
    return code;
}

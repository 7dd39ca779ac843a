/* protobuf_value.c - values and maps of values from protobuf bytes: the hot path, written out by hand. */
#include "core/protobuf_read.h"

/* ---- skipping ---- */

/* Past a value of wire type `type` that is no group. */
static bool skip_plain(struct pb_reader *r, unsigned type, const uint8_t **p, const uint8_t *end)
{
    uint64_t ignored;
    const uint8_t *after;
    switch (type) {
    case WIRE_VARINT:
        return wire_varint(p, end, &ignored) || pb_bad_varint(r);
    case WIRE_BYTES:
        if (!wire_length(p, end, &after))
            return pb_bad_length(r);
        *p = after;
        return true;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        if (end - *p < (type == WIRE_FIXED64 ? 8 : 4))
            return pb_malformed(r, "a fixed-width number is cut off");
        *p += type == WIRE_FIXED64 ? 8 : 4;
        return true;
    default:
        return pb_malformed(r,
                            type == WIRE_GROUP_END ? "a group ends that never began" : "no such wire type");
    }
}

static bool valid_tag(uint64_t tag)
{
    return tag <= UINT32_MAX && tag >> 3 != 0;
}

/* Groups nest, so they are counted instead of recursed into. */
bool pb_skip(struct pb_reader *r, uint64_t tag, const uint8_t **p, const uint8_t *end)
{
    uint32_t open[LIMIT_MESSAGE_DEPTH];
    size_t n = 0;
    for (;;) {
        if (!valid_tag(tag))
            return pb_malformed(r, "no such field number");
        uint32_t number = (uint32_t)(tag >> 3);
        unsigned type = tag & 7;
        if (type == WIRE_GROUP) {
            if (n == LIMIT_MESSAGE_DEPTH)
                return pb_malformed(r, "groups nested too deep");
            open[n++] = number;
        } else if (type == WIRE_GROUP_END && n > 0) {
            if (open[--n] != number)
                return pb_malformed(r, "a group ends under another number");
        } else if (!skip_plain(r, type, p, end)) {
            return false;
        }
        if (n == 0)
            return true;
        if (!wire_varint(p, end, &tag))
            return pb_malformed(r, "a group is cut off");
    }
}

/* ---- pieces ---- */

bool pb_timestamp(struct pb_reader *r, struct timestamp *out, const uint8_t *p, const uint8_t *end)
{
    uint64_t tag, v;
    while (p < end) {
        if (!pb_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_VARINT)) {
            if (!pb_varint(r, &v, &p, end))
                return false;
            out->seconds = (int64_t)v;
        } else if (tag == WIRE_TAG(2, WIRE_VARINT)) {
            if (!pb_varint(r, &v, &p, end))
                return false;
            out->nanos = (int32_t)(uint32_t)v;
        } else if (!pb_skip(r, tag, &p, end)) {
            return false;
        }
    }
    return timestamp_is_valid(*out) ||
           pb_malformed(r, "time outside 0001-01-01T00:00:00Z .. 9999-12-31T23:59:59.999999999Z");
}

static bool read_geo(struct pb_reader *r, struct value *out, const uint8_t *p, const uint8_t *end)
{
    uint64_t tag;
    while (p < end) {
        if (!pb_varint(r, &tag, &p, end))
            return false;
        bool ok;
        if (tag == WIRE_TAG(1, WIRE_FIXED64))
            ok = pb_double(r, &out->geo.latitude, &p, end);
        else if (tag == WIRE_TAG(2, WIRE_FIXED64))
            ok = pb_double(r, &out->geo.longitude, &p, end);
        else
            ok = pb_skip(r, tag, &p, end);
        if (!ok)
            return false;
    }
    return true;
}

size_t pb_count_run(uint32_t tag, const uint8_t *p, const uint8_t *end)
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

static bool read_entry(struct pb_reader *r, struct field *out, const uint8_t *p, const uint8_t *end)
{
    out->name = (struct str){ "", 0 };
    out->value.kind = VALUE_UNSET;
    while (p < end) {
        uint64_t tag;
        const uint8_t *after;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES)) {
            if (!pb_text(r, &out->name, &p, end)) {
                out->name.n = 0;
                return false;
            }
        } else if (tag == WIRE_TAG(2, WIRE_BYTES)) {
            if (!wire_length(&p, end, &after))
                return pb_bad_length(r);
            if (!pb_value(r, &out->value, p, after))
                return false;
            p = after;
        } else if (!pb_skip(r, tag, &p, end)) {
            return false;
        }
    }
    return true;
}

bool pb_entries(struct pb_reader *r, struct value_map *map, struct pb_run *run, uint32_t tag,
                const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after;
    size_t n = pb_count_run(tag, p, end);
    struct field *item = codec_list_grow(&r->fault, r->arena, map, n, sizeof *item, &run->grown);
    if (!item || !pb_may_nest(r, 2))
        return false;
    r->depth += 2;
    for (size_t i = 0; i < n; i++, item++) {
        uint64_t skipped;
        if (i > 0 && !pb_varint(r, &skipped, &p, end))
            return false;
        if (!wire_length(&p, end, &after))
            return pb_bad_length(r);
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

bool pb_sort_entries(struct pb_reader *r, struct value_map *map, const struct pb_run *run)
{
    if (!run->unsorted)
        return true;
    if (!codec_sort_fields(&r->fault, r->arena, map))
        return false;
    codec_unique_fields(map);
    return true;
}

static bool read_map(struct pb_reader *r, struct value_map *map, const uint8_t *p, const uint8_t *end)
{
    struct pb_run run = { 0 };
    while (p < end) {
        uint64_t tag;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES)) {
            if (!pb_entries(r, map, &run, WIRE_TAG(1, WIRE_BYTES), &p, end))
                return codec_fault_in(&r->fault, STR("fields"));
        } else if (!pb_skip(r, tag, &p, end)) {
            return false;
        }
    }
    return pb_sort_entries(r, map, &run);
}

/* Like pb_entries, for repeated Value. */
bool pb_values(struct pb_reader *r, struct value_list *list, struct pb_run *run, uint32_t tag,
               const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after;
    size_t n = pb_count_run(tag, p, end);
    struct value *item = codec_list_grow(&r->fault, r->arena, list, n, sizeof *item, &run->grown);
    if (!item || !pb_may_nest(r, 2))
        return false;
    r->depth += 2;
    for (size_t i = 0; i < n; i++, item++) {
        uint64_t skipped;
        if (i > 0 && !pb_varint(r, &skipped, &p, end))
            return false;
        if (!wire_length(&p, end, &after))
            return pb_bad_length(r);
        item->kind = VALUE_UNSET;
        if (!pb_value(r, item, p, after))
            return codec_fault_at(&r->fault, list->n);
        p = after;
        list->n++;
    }
    r->depth -= 2;
    *at = p;
    return true;
}

static bool read_array(struct pb_reader *r, struct value_list *list, const uint8_t *p, const uint8_t *end)
{
    struct pb_run run = { 0 };
    while (p < end) {
        uint64_t tag;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES)) {
            if (!pb_values(r, list, &run, WIRE_TAG(1, WIRE_BYTES), &p, end))
                return codec_fault_in(&r->fault, STR("values"));
        } else if (!pb_skip(r, tag, &p, end)) {
            return false;
        }
    }
    return true;
}

/* The members of Value that are messages: the first of a kind starts empty, another one merges. */
static bool read_nested(struct pb_reader *r, struct value *out, enum value_kind kind, const uint8_t **at,
                        const uint8_t *end)
{
    const uint8_t *after, *p = *at;
    if (!wire_length(&p, end, &after))
        return pb_bad_length(r);
    if (kind != VALUE_TIMESTAMP && !pb_may_nest(r, 1))
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
        ok = pb_timestamp(r, &out->time, p, after);
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
static bool in_kind(struct pb_reader *r, uint64_t tag)
{
    const struct schema_field *row = schema_by_number(&schema_value, (uint32_t)(tag >> 3));
    return row ? codec_fault_in(&r->fault, row->json) : false;
}

bool pb_value(struct pb_reader *r, struct value *out, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        uint64_t tag, v;
        bool ok;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        switch (tag) {
        case WIRE_TAG(VALUE_STRING, WIRE_BYTES):
        case WIRE_TAG(VALUE_REFERENCE, WIRE_BYTES):
        case WIRE_TAG(VALUE_FIELD_REFERENCE, WIRE_BYTES):
            out->kind = (enum value_kind)(tag >> 3);
            ok = pb_text(r, &out->text, &p, end);
            break;
        case WIRE_TAG(VALUE_BYTES, WIRE_BYTES):
            out->kind = VALUE_BYTES;
            ok = pb_bytes(r, &out->text, &p, end);
            break;
        case WIRE_TAG(VALUE_INT, WIRE_VARINT):
            ok = pb_varint(r, &v, &p, end);
            if (ok) {
                out->kind = VALUE_INT;
                out->integer = (int64_t)v;
            }
            break;
        case WIRE_TAG(VALUE_BOOL, WIRE_VARINT):
            ok = pb_varint(r, &v, &p, end);
            if (ok) {
                out->kind = VALUE_BOOL;
                out->boolean = v != 0;
            }
            break;
        case WIRE_TAG(VALUE_NULL, WIRE_VARINT):
            out->kind = VALUE_NULL;
            ok = pb_varint(r, &v, &p, end);
            break;
        case WIRE_TAG(VALUE_DOUBLE, WIRE_FIXED64):
            out->kind = VALUE_DOUBLE;
            ok = pb_double(r, &out->number, &p, end);
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
            if (!pb_skip(r, tag, &p, end))
                return false;
            continue;
        }
        if (!ok)
            return in_kind(r, tag);
    }
    return true;
}

/* protobuf_read.c - protobuf bytes into the structs of messages.h.
 *
 * Two readers: one for values and maps of values, which is where the time goes (protobuf_value.c); and one
 * for everything else, here, which walks the tables of schema.c. Both keep to the rules of the encoding:
 * fields in any order, unknown ones skipped, a known number with another wire type is unknown, the last
 * scalar wins, messages merge, another member of a oneof replaces the earlier one.
 *
 * Depth is counted as the JSON text of the same message would nest (a list or a map is a level of its
 * own), so that whatever one encoding accepts the other can carry. Text is borrowed from the input. */
#include "core/protobuf_read.h"

#include <assert.h>
#include <stdio.h>

static bool read_message(struct pb_reader *r, void *out, const struct schema_message *message,
                         const uint8_t *p, const uint8_t *end);

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

static bool read_scalar(struct pb_reader *r, const struct schema_field *f, void *to, const uint8_t **p,
                        const uint8_t *end)
{
    uint64_t v;
    switch (f->type) {
    case SCHEMA_STRING:
        return pb_text(r, to, p, end);
    case SCHEMA_BYTES:
        return pb_bytes(r, to, p, end);
    case SCHEMA_DOUBLE:
        return pb_double(r, to, p, end);
    default:
        break;
    }
    if (!pb_varint(r, &v, p, end))
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
static bool read_wrapped(struct pb_reader *r, const struct schema_field *f, void *to, const uint8_t *p,
                         const uint8_t *end)
{
    unsigned type = f->type == SCHEMA_DOUBLE ? WIRE_FIXED64 : WIRE_VARINT;
    while (p < end) {
        uint64_t tag;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        bool ok = tag == WIRE_TAG(1, type) ? read_scalar(r, f, to, &p, end) : pb_skip(r, tag, &p, end);
        if (!ok)
            return false;
    }
    return true;
}

/* The bytes of one message-like field into the place that holds it. */
static bool read_submessage(struct pb_reader *r, const struct schema_field *f, void *to, uint32_t levels,
                            const uint8_t *p, const uint8_t *end)
{
    if (f->wrapped)
        return read_wrapped(r, f, to, p, end);
    if (f->type == SCHEMA_TIMESTAMP)
        return pb_timestamp(r, to, p, end);
    if (!pb_may_nest(r, levels))
        return false;
    r->depth += levels;
    bool ok = f->type == SCHEMA_VALUE ? pb_value(r, to, p, end) : read_message(r, to, f->message, p, end);
    r->depth -= levels;
    return ok;
}

static bool read_singular(struct pb_reader *r, const struct schema_field *f, void *out, const uint8_t **p,
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
        return pb_bad_length(r);
    *p = after;
    return read_submessage(r, f, to, 1, from, after);
}

/* map<string, string>: an entry like that of a map of values. */
static bool read_label(struct pb_reader *r, struct msg_label *out, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        uint64_t tag;
        bool ok;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        if (tag == WIRE_TAG(1, WIRE_BYTES))
            ok = pb_text(r, &out->key, &p, end);
        else if (tag == WIRE_TAG(2, WIRE_BYTES))
            ok = pb_text(r, &out->value, &p, end);
        else
            ok = pb_skip(r, tag, &p, end);
        if (!ok)
            return false;
    }
    return true;
}

/* A row of equal tags of a repeated field, the first tag having been read. */
static bool read_repeated(struct pb_reader *r, const struct schema_field *f, struct schema_list *list,
                          struct pb_run *run, uint32_t tag, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after;
    size_t element = schema_element_size(f), n = pb_count_run(tag, p, end);
    char *item = codec_list_grow(&r->fault, r->arena, list, n, element, &run->grown);
    if (!item || !pb_may_nest(r, 1))
        return false;
    memset(item, 0, n * element);
    for (size_t i = 0; i < n; i++, item += element) {
        uint64_t skipped;
        bool ok;
        if (i > 0 && !pb_varint(r, &skipped, &p, end))
            return false;
        if (!wire_length(&p, end, &after))
            return pb_bad_length(r);
        if (f->type == SCHEMA_STRING)
            ok = pb_whole_text(r, (struct str *)(void *)item, p, after);
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
static bool read_int32s(struct pb_reader *r, struct schema_list *list, struct pb_run *run, bool packed,
                        const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at, *after = end;
    size_t n = 1;
    if (packed) {
        if (!wire_length(&p, end, &after))
            return pb_bad_length(r);
        n = 0;
        for (const uint8_t *q = p; q < after; q++)
            n += *q < 0x80;
    }
    int32_t *item = codec_list_grow(&r->fault, r->arena, list, n, sizeof *item, &run->grown);
    if (!item || !pb_may_nest(r, 1))
        return false;
    for (size_t i = 0; packed ? p < after : i < 1; i++) {
        uint64_t v;
        if (!pb_varint(r, &v, &p, after))
            return false;
        assert(i < n); /* each varint ends in one byte below 0x80, and those were counted */
        *item++ = (int32_t)(uint32_t)v;
        list->n++;
    }
    *at = p;
    return true;
}

/* Last one wins, sorted as maps of values are: by sorting a map that stands for them. */
static bool sort_labels(struct pb_reader *r, label_list *labels)
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

static bool read_list_field(struct pb_reader *r, const struct schema_field *f, void *out, struct pb_run *run,
                            uint32_t tag, const uint8_t **p, const uint8_t *end)
{
    void *list = schema_at(out, f->offset);
    switch (f->type) {
    case SCHEMA_VALUE_MAP:
        return pb_entries(r, list, run, tag, p, end);
    case SCHEMA_VALUE:
        return pb_values(r, list, run, tag, p, end);
    case SCHEMA_INT32:
        return read_int32s(r, list, run, (tag & 7) == WIRE_BYTES, p, end);
    default:
        return read_repeated(r, f, list, run, tag, p, end);
    }
}

static bool finish_maps(struct pb_reader *r, const struct schema_message *message, void *out,
                        const struct pb_run *runs, uint32_t maps)
{
    for (; maps; maps &= maps - 1) {
        unsigned i = (unsigned)__builtin_ctz(maps);
        void *list = schema_at(out, message->fields[i].offset);
        if (message->fields[i].type == SCHEMA_LABELS ? !sort_labels(r, list)
                                                     : !pb_sort_entries(r, list, &runs[i]))
            return false;
    }
    return true;
}

static bool read_message(struct pb_reader *r, void *out, const struct schema_message *message,
                         const uint8_t *p, const uint8_t *end)
{
    if (message->is_value)
        return pb_value(r, out, p, end);
    struct pb_run runs[SCHEMA_FIELDS_MAX] = { 0 };
    uint32_t maps = 0; /* rows that hold a map and were met */
    while (p < end) {
        uint64_t tag;
        if (!pb_varint(r, &tag, &p, end))
            return false;
        const struct schema_field *f =
            schema_by_number(message, tag <= UINT32_MAX ? (uint32_t)(tag >> 3) : 0);
        bool known = f && f->type != SCHEMA_SKIP && !f->json_only && !f->write_only;
        bool packed = known && f->repeated && f->type == SCHEMA_INT32 && (tag & 7) == WIRE_BYTES;
        if (!known || ((tag & 7) != wire_type_of(f) && !packed)) {
            if (!pb_skip(r, tag, &p, end))
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
    struct pb_reader r = { .arena = arena, .depth = 1 };
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

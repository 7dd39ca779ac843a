/* protobuf_write.c - the structs of messages.h into protobuf bytes.
 *
 * The encoding is canonical: rows in the order of their numbers, map keys sorted, no defaults; the ledger's
 * digests rely on it. Like the reader it has hand-written code for values and walks tables for the rest.
 *
 * Lengths come before what they measure. Scalars are measured first; what nests is written after one byte
 * kept for its length and moved up in the rare case that the length needs more (128 bytes and above). */
#include "core/schema.h"
#include "core/wire.h"

#include <assert.h>
#include <math.h>

enum {
    TIMESTAMP_MAX = 1 + WIRE_VARINT_MAX + 1 + WIRE_VARINT_MAX,
    HEADER_MAX = 1 + WIRE_VARINT_MAX, /* a tag below 16 and a length */
};

/* ---- lengths that are not known yet ---- */

/* Writes the tag and keeps a byte for the length. False past the maximum. */
static bool open_message(struct buf *out, uint32_t tag, size_t *mark)
{
    uint8_t *p = buf_reserve(out, WIRE_VARINT_MAX + 1);
    if (!p)
        return false;
    uint8_t *end = wire_put_varint(p, tag);
    out->len += (size_t)(end - p) + 1;
    *mark = out->len;
    return true;
}

static bool close_message(struct buf *out, size_t mark)
{
    size_t n = out->len - mark, more = wire_varint_size(n) - 1;
    if (more > 0) {
        if (!buf_reserve(out, more))
            return false;
        memmove(out->data + mark + more, out->data + mark, n);
        out->len += more;
    }
    wire_put_varint(out->data + mark - 1, n);
    return true;
}

/* ---- values ---- */

static bool write_value(struct buf *out, const struct value *value);

static size_t timestamp_size(struct timestamp t)
{
    size_t n = t.seconds ? 1 + wire_varint_size((uint64_t)t.seconds) : 0;
    return t.nanos ? n + 1 + wire_varint_size((uint64_t)(int64_t)t.nanos) : n;
}

static uint8_t *put_timestamp(uint8_t *p, struct timestamp t)
{
    if (t.seconds) {
        *p++ = WIRE_TAG(1, WIRE_VARINT);
        p = wire_put_varint(p, (uint64_t)t.seconds);
    }
    if (t.nanos) {
        *p++ = WIRE_TAG(2, WIRE_VARINT);
        p = wire_put_varint(p, (uint64_t)(int64_t)t.nanos);
    }
    return p;
}

/* A number that proto3 leaves out: +0.0, but not -0.0. */
static bool is_default(double d)
{
    return d == 0 && !signbit(d);
}

static size_t geo_size(const struct value *v)
{
    return (is_default(v->geo.latitude) ? 0u : 9u) + (is_default(v->geo.longitude) ? 0u : 9u);
}

static uint8_t *put_geo(uint8_t *p, const struct value *v)
{
    if (!is_default(v->geo.latitude)) {
        *p++ = WIRE_TAG(1, WIRE_FIXED64);
        p = wire_put_fixed64(p, wire_double_bits(v->geo.latitude));
    }
    if (!is_default(v->geo.longitude)) {
        *p++ = WIRE_TAG(2, WIRE_FIXED64);
        p = wire_put_fixed64(p, wire_double_bits(v->geo.longitude));
    }
    return p;
}

enum { NESTS = -1 };

/* Bytes of the encoded value, or NESTS for maps and arrays. */
static int64_t flat_size(const struct value *v)
{
    switch (v->kind) {
    case VALUE_UNSET:
        return 0;
    case VALUE_BOOL:
    case VALUE_NULL:
        return 2;
    case VALUE_INT:
        return 1 + (int64_t)wire_varint_size((uint64_t)v->integer);
    case VALUE_DOUBLE:
        return 9;
    case VALUE_REFERENCE:
        return (int64_t)(1 + wire_varint_size(v->text.n) + v->text.n);
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_FIELD_REFERENCE:
        return (int64_t)(2 + wire_varint_size(v->text.n) + v->text.n);
    case VALUE_GEO:
        return 2 + (int64_t)geo_size(v);
    case VALUE_TIMESTAMP:
        return 2 + (int64_t)timestamp_size(v->time);
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        return 3;
    case VALUE_MAP:
    case VALUE_ARRAY:
        break;
    }
    return NESTS;
}

/* Writes the flat_size() bytes of a value that does not nest. */
static uint8_t *put_flat(uint8_t *p, const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL:
        *p++ = WIRE_TAG(VALUE_BOOL, WIRE_VARINT);
        *p++ = v->boolean;
        break;
    case VALUE_NULL:
        *p++ = WIRE_TAG(VALUE_NULL, WIRE_VARINT);
        *p++ = 0;
        break;
    case VALUE_INT:
        *p++ = WIRE_TAG(VALUE_INT, WIRE_VARINT);
        p = wire_put_varint(p, (uint64_t)v->integer);
        break;
    case VALUE_DOUBLE:
        *p++ = WIRE_TAG(VALUE_DOUBLE, WIRE_FIXED64);
        p = wire_put_fixed64(p, wire_double_bits(v->number));
        break;
    case VALUE_REFERENCE:
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_FIELD_REFERENCE:
        p = wire_put_varint(p, WIRE_TAG(v->kind, WIRE_BYTES));
        p = wire_put_bytes(p, v->text);
        break;
    case VALUE_GEO:
        *p++ = WIRE_TAG(VALUE_GEO, WIRE_BYTES);
        *p++ = (uint8_t)geo_size(v);
        p = put_geo(p, v);
        break;
    case VALUE_TIMESTAMP:
        *p++ = WIRE_TAG(VALUE_TIMESTAMP, WIRE_BYTES);
        *p++ = (uint8_t)timestamp_size(v->time);
        p = put_timestamp(p, v->time);
        break;
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        p = wire_put_varint(p, WIRE_TAG(v->kind, WIRE_BYTES));
        *p++ = 0;
        break;
    case VALUE_UNSET:
    case VALUE_MAP:
    case VALUE_ARRAY:
        break;
    }
    return p;
}

/* One entry of a map of values under `tag`. */
static bool write_entry(struct buf *out, uint32_t tag, const struct field *field)
{
    size_t name = 1 + wire_varint_size(field->name.n) + field->name.n, mark, inner;
    int64_t flat = flat_size(&field->value);
    if (flat == NESTS) {
        if (!open_message(out, tag, &mark))
            return false;
        uint8_t *p = buf_reserve(out, name);
        if (!p)
            return false;
        *p++ = WIRE_TAG(1, WIRE_BYTES);
        wire_put_bytes(p, field->name);
        out->len += name;
        return open_message(out, WIRE_TAG(2, WIRE_BYTES), &inner) && write_value(out, &field->value) &&
               close_message(out, inner) && close_message(out, mark);
    }
    size_t entry = name + 1 + wire_varint_size((uint64_t)flat) + (size_t)flat;
    uint8_t *p = buf_reserve(out, HEADER_MAX + entry);
    if (!p)
        return false;
    uint8_t *begin = p;
    *p++ = (uint8_t)tag; /* map fields have numbers below 16 */
    p = wire_put_varint(p, entry);
    *p++ = WIRE_TAG(1, WIRE_BYTES);
    p = wire_put_bytes(p, field->name);
    *p++ = WIRE_TAG(2, WIRE_BYTES);
    p = wire_put_varint(p, (uint64_t)flat);
    p = put_flat(p, &field->value);
    out->len += (size_t)(p - begin);
    return true;
}

static bool write_entries(struct buf *out, uint32_t tag, const struct value_map *map)
{
    for (size_t i = 0; i < map->n; i++) {
        if (!write_entry(out, tag, &map->items[i]))
            return false;
    }
    return true;
}

/* A Value with its tag and length. */
static bool write_value_field(struct buf *out, uint32_t tag, const struct value *value)
{
    size_t mark;
    int64_t flat = flat_size(value);
    if (flat == NESTS)
        return open_message(out, tag, &mark) && write_value(out, value) && close_message(out, mark);
    uint8_t *p = buf_reserve(out, HEADER_MAX + (size_t)flat);
    if (!p)
        return false;
    uint8_t *begin = p;
    p = wire_put_varint(p, tag);
    p = wire_put_varint(p, (uint64_t)flat);
    p = put_flat(p, value);
    out->len += (size_t)(p - begin);
    return true;
}

static bool write_values(struct buf *out, uint32_t tag, const struct value_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!write_value_field(out, tag, &list->items[i]))
            return false;
    }
    return true;
}

static bool write_value(struct buf *out, const struct value *value)
{
    size_t mark;
    int64_t flat = flat_size(value);
    if (flat != NESTS) {
        uint8_t *p = buf_reserve(out, (size_t)flat);
        if (!p)
            return false;
        put_flat(p, value);
        out->len += (size_t)flat;
        return true;
    }
    if (!open_message(out, WIRE_TAG(value->kind, WIRE_BYTES), &mark))
        return false;
    bool ok = value->kind == VALUE_MAP ? write_entries(out, WIRE_TAG(1, WIRE_BYTES), &value->map)
                                       : write_values(out, WIRE_TAG(1, WIRE_BYTES), &value->array);
    return ok && close_message(out, mark);
}

/* ---- by table ---- */

static bool write_message(struct buf *out, const struct schema_message *message, const void *in);

static bool write_tagged_varint(struct buf *out, uint32_t tag, uint64_t v)
{
    uint8_t *p = buf_reserve(out, WIRE_VARINT_MAX + WIRE_VARINT_MAX);
    if (!p)
        return false;
    out->len += (size_t)(wire_put_varint(wire_put_varint(p, tag), v) - p);
    return true;
}

static bool write_tagged_bytes(struct buf *out, uint32_t tag, struct str s)
{
    uint8_t *p = buf_reserve(out, WIRE_VARINT_MAX + WIRE_VARINT_MAX + s.n);
    if (!p)
        return false;
    out->len += (size_t)(wire_put_bytes(wire_put_varint(p, tag), s) - p);
    return true;
}

static bool write_tagged_double(struct buf *out, uint32_t tag, double d)
{
    uint8_t *p = buf_reserve(out, WIRE_VARINT_MAX + 8);
    if (!p)
        return false;
    out->len += (size_t)(wire_put_fixed64(wire_put_varint(p, tag), wire_double_bits(d)) - p);
    return true;
}

static bool write_timestamp(struct buf *out, uint32_t tag, struct timestamp t)
{
    uint8_t text[TIMESTAMP_MAX];
    return write_tagged_bytes(out, tag, str_from(text, (size_t)(put_timestamp(text, t) - text)));
}

/* A field that is a google.protobuf.Struct: a map of names to Values, in which 3 is a string and 5 a Struct. */
static bool write_struct(struct buf *out, uint32_t tag, const struct value_map *map)
{
    size_t mark, entry, value;
    bool ok = open_message(out, tag, &mark);
    for (size_t i = 0; i < map->n && ok; i++) {
        const struct field *f = &map->items[i];
        assert(f->value.kind == VALUE_STRING || f->value.kind == VALUE_MAP);
        ok = open_message(out, WIRE_TAG(1, WIRE_BYTES), &entry) &&
             write_tagged_bytes(out, WIRE_TAG(1, WIRE_BYTES), f->name) &&
             open_message(out, WIRE_TAG(2, WIRE_BYTES), &value) &&
             (f->value.kind == VALUE_MAP ? write_struct(out, WIRE_TAG(5, WIRE_BYTES), &f->value.map)
                                         : write_tagged_bytes(out, WIRE_TAG(3, WIRE_BYTES), f->value.text)) &&
             close_message(out, value) && close_message(out, entry);
    }
    return ok && close_message(out, mark);
}

/* The member of a scalar field as the 64 bits that a varint carries. */
static uint64_t varint_of(const struct schema_field *f, const void *at)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return *(const bool *)at;
    case SCHEMA_INT64:
        return (uint64_t) * (const int64_t *)at;
    default:
        return f->wrapped ? (uint64_t) * (const int64_t *)at : (uint64_t)(int64_t) * (const int32_t *)at;
    }
}

static bool write_scalar(struct buf *out, const struct schema_field *f, uint32_t number, const void *at,
                         bool always)
{
    switch (f->type) {
    case SCHEMA_STRING:
    case SCHEMA_BYTES: {
        const struct str *s = at;
        return (s->n == 0 && !always) || write_tagged_bytes(out, WIRE_TAG(number, WIRE_BYTES), *s);
    }
    case SCHEMA_DOUBLE: {
        const double *d = at;
        return (is_default(*d) && !always) || write_tagged_double(out, WIRE_TAG(number, WIRE_FIXED64), *d);
    }
    default: {
        uint64_t v = varint_of(f, at);
        return (v == 0 && !always) || write_tagged_varint(out, WIRE_TAG(number, WIRE_VARINT), v);
    }
    }
}

/* A message field; `optional`: left out when nothing is in it. */
static bool write_submessage(struct buf *out, const struct schema_field *f, const void *at, bool optional)
{
    size_t before = out->len, mark;
    if (!open_message(out, WIRE_TAG(f->number, WIRE_BYTES), &mark))
        return false;
    if (f->wrapped ? !write_scalar(out, f, 1, at, false) : !write_message(out, f->message, at))
        return false;
    if (optional && out->len == mark) {
        out->len = before;
        return true;
    }
    return close_message(out, mark);
}

static bool write_singular(struct buf *out, const struct schema_field *f, const void *in)
{
    const void *at = schema_at_const(in, f->offset);
    bool always = f->presence != SCHEMA_IF_NOT_DEFAULT;
    if (f->pointer) {
        at = *(void *const *)at;
        if (!at) /* a oneof whose chosen message is empty */
            return write_tagged_bytes(out, WIRE_TAG(f->number, WIRE_BYTES), STR(""));
    }
    if (f->wrapped || f->type == SCHEMA_MESSAGE)
        return write_submessage(out, f, at, !always);
    if (f->type == SCHEMA_TIMESTAMP || f->type == SCHEMA_DURATION) /* which are encoded alike */
        return write_timestamp(out, WIRE_TAG(f->number, WIRE_BYTES), *(const struct timestamp *)at);
    if (f->type == SCHEMA_STRUCT)
        return write_struct(out, WIRE_TAG(f->number, WIRE_BYTES), at);
    if (f->type == SCHEMA_VALUE) {
        const struct value *value = at;
        return (value->kind == VALUE_UNSET && !always) ||
               write_value_field(out, WIRE_TAG(f->number, WIRE_BYTES), value);
    }
    return write_scalar(out, f, f->number, at, always);
}

static bool write_int32s(struct buf *out, uint32_t number, const struct schema_list *list)
{
    const int32_t *items = list->items;
    size_t mark;
    if (list->n == 0)
        return true;
    if (!open_message(out, WIRE_TAG(number, WIRE_BYTES), &mark))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        uint8_t *p = buf_reserve(out, WIRE_VARINT_MAX);
        if (!p)
            return false;
        out->len += (size_t)(wire_put_varint(p, (uint64_t)(int64_t)items[i]) - p);
    }
    return close_message(out, mark);
}

static bool write_label(struct buf *out, uint32_t tag, const struct msg_label *label)
{
    size_t mark;
    return open_message(out, tag, &mark) && write_tagged_bytes(out, WIRE_TAG(1, WIRE_BYTES), label->key) &&
           write_tagged_bytes(out, WIRE_TAG(2, WIRE_BYTES), label->value) && close_message(out, mark);
}

static bool write_repeated(struct buf *out, const struct schema_field *f, const void *in)
{
    const struct schema_list *list = schema_at_const(in, f->offset);
    uint32_t tag = WIRE_TAG(f->number, WIRE_BYTES);
    if (f->type == SCHEMA_VALUE_MAP) {
        if (f->presence == SCHEMA_IF_NOT_RAW) {
            const struct str *raw = schema_at_const(in, f->has_offset);
            if (raw->p)
                return buf_str(out, *raw);
        }
        return write_entries(out, tag, schema_at_const(in, f->offset));
    }
    if (f->type == SCHEMA_VALUE)
        return write_values(out, tag, schema_at_const(in, f->offset));
    if (f->type == SCHEMA_INT32)
        return write_int32s(out, f->number, list);
    const char *item = list->items;
    for (size_t i = 0; i < list->n; i++, item += schema_element_size(f)) {
        bool ok;
        if (f->type == SCHEMA_STRING)
            ok = write_tagged_bytes(out, tag, *(const struct str *)(const void *)item);
        else if (f->type == SCHEMA_LABELS)
            ok = write_label(out, tag, (const struct msg_label *)(const void *)item);
        else if (f->type == SCHEMA_STRUCT)
            ok = write_struct(out, tag, (const struct value_map *)(const void *)item);
        else
            ok = write_submessage(out, f, item, false);
        if (!ok)
            return false;
    }
    return true;
}

static bool write_message(struct buf *out, const struct schema_message *message, const void *in)
{
    if (message->is_value)
        return write_value(out, in);
    for (size_t i = 0; i < message->n; i++) {
        const struct schema_field *f = &message->fields[i];
        if (f->type == SCHEMA_SKIP || f->json_only || !schema_is_set(f, in))
            continue;
        if (f->repeated ? !write_repeated(out, f, in) : !write_singular(out, f, in))
            return false;
    }
    return true;
}

bool protobuf_encode(struct buf *out, const struct schema_message *schema, const void *message)
{
    return write_message(out, schema, message);
}

bool protobuf_encode_fields(struct buf *out, const struct value_map *fields)
{
    return write_entries(out, WIRE_TAG(2, WIRE_BYTES), fields);
}

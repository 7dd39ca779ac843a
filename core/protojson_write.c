/* protojson_write.c - the structs of messages.h into proto3-JSON.
 *
 * camelCase, int64 as strings, NaN and infinities as strings, absent fields left out, members of a oneof
 * always printed. Pretty output is laid out as Google's emulator 1.19.9 does: two spaces, arrays on one
 * line with their elements. Fields kept in encoded form (document.fields_raw) are printed straight from
 * those bytes. */
#include "core/limits.h"
#include "core/schema.h"
#include "core/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

struct writer {
    struct buf *out;
    unsigned flags;
    uint32_t depth;
};

/* ---- layout ---- */

static bool line(struct writer *w)
{
    if (!(w->flags & PROTOJSON_PRETTY))
        return true;
    size_t n = 1 + (size_t)w->depth * 2;
    unsigned char *p = buf_reserve(w->out, n);
    if (!p)
        return false;
    memset(p, ' ', n);
    *p = '\n';
    w->out->len += n;
    return true;
}

static bool open_object(struct writer *w)
{
    w->depth++;
    return buf_byte(w->out, '{');
}

/* `any`: whether it has members. */
static bool close_object(struct writer *w, bool any)
{
    w->depth--;
    return (!any || line(w)) && buf_byte(w->out, '}');
}

static bool colon(struct writer *w)
{
    return w->flags & PROTOJSON_PRETTY ? buf_put(w->out, ": ", 2) : buf_byte(w->out, ':');
}

/* What stands before a member: a comma unless it is the first, and the line break. */
static bool begin_member(struct writer *w, bool *any)
{
    bool ok = !*any || buf_byte(w->out, ',');
    *any = true;
    return ok && line(w);
}

/* A member's name, which needs no escapes. */
static bool key(struct writer *w, bool *any, struct str name)
{
    if (!begin_member(w, any))
        return false;
    unsigned char *p = buf_reserve(w->out, name.n + 2);
    if (!p)
        return false;
    p[0] = '"';
    memcpy(p + 1, name.p, name.n);
    p[name.n + 1] = '"';
    w->out->len += name.n + 2;
    return colon(w);
}

static bool begin_element(struct writer *w, size_t i)
{
    if (i == 0)
        return true;
    return w->flags & PROTOJSON_PRETTY ? buf_put(w->out, ", ", 2) : buf_byte(w->out, ',');
}

/* ---- scalars ---- */

static bool write_integer(struct buf *out, int64_t v, bool quoted)
{
    char text[24], *end = text + sizeof text, *p = end;
    uint64_t n = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (quoted)
        *--p = '"';
    do {
        *--p = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    if (v < 0)
        *--p = '-';
    if (quoted)
        *--p = '"';
    return buf_put(out, p, (size_t)(end - p));
}

static bool write_bool(struct buf *out, bool v)
{
    return v ? buf_put(out, "true", 4) : buf_put(out, "false", 5);
}

static bool write_bytes(struct buf *out, struct str bytes)
{
    return buf_byte(out, '"') && base64_encode(out, bytes.p, bytes.n) && buf_byte(out, '"');
}

static bool write_time(struct buf *out, struct timestamp t)
{
    return buf_byte(out, '"') && timestamp_print(out, t) && buf_byte(out, '"');
}

static bool write_enum(struct writer *w, const struct schema_enum *e, int32_t number)
{
    struct str name = schema_enum_name(e, number);
    if (name.n == 0 || (w->flags & PROTOJSON_ENUM_INT))
        return write_integer(w->out, number, false);
    return buf_byte(w->out, '"') && buf_str(w->out, name) && buf_byte(w->out, '"');
}

/* +0.0 is left out of messages, -0.0 is not. */
static bool is_default(double d)
{
    return d == 0 && !signbit(d);
}

/* ---- values ---- */

static bool write_value(struct writer *w, const struct value *value);

static struct str kind_name(enum value_kind kind)
{
    const struct schema_field *row = schema_by_number(&schema_value, (uint32_t)kind);
    return row ? row->json : STR("");
}

static bool write_geo(struct writer *w, double latitude, double longitude)
{
    bool any = false;
    if (!open_object(w))
        return false;
    if (!is_default(latitude) && !(key(w, &any, STR("latitude")) && json_write_double(w->out, latitude)))
        return false;
    if (!is_default(longitude) && !(key(w, &any, STR("longitude")) && json_write_double(w->out, longitude)))
        return false;
    return close_object(w, any);
}

static bool write_fields(struct writer *w, const struct value_map *map)
{
    bool any = false;
    if (!open_object(w))
        return false;
    for (size_t i = 0; i < map->n; i++) {
        const struct field *field = &map->items[i];
        if (!begin_member(w, &any) || !json_write_string(w->out, field->name) || !colon(w) ||
            !write_value(w, &field->value))
            return false;
    }
    return close_object(w, any);
}

static bool write_values(struct writer *w, const struct value_list *list)
{
    if (!buf_byte(w->out, '['))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        if (!begin_element(w, i) || !write_value(w, &list->items[i]))
            return false;
    }
    return buf_byte(w->out, ']');
}

/* {"fields": {...}} and {"values": [...]}; {} when empty. */
static bool write_collection(struct writer *w, const struct value *value)
{
    bool any = false, map = value->kind == VALUE_MAP;
    if (!open_object(w))
        return false;
    if ((map ? value->map.n : value->array.n) > 0) {
        if (!key(w, &any, map ? STR("fields") : STR("values")))
            return false;
        if (map ? !write_fields(w, &value->map) : !write_values(w, &value->array))
            return false;
    }
    return close_object(w, any);
}

static bool write_member(struct writer *w, const struct value *value)
{
    switch (value->kind) {
    case VALUE_BOOL:
        return write_bool(w->out, value->boolean);
    case VALUE_INT:
        return write_integer(w->out, value->integer, true);
    case VALUE_DOUBLE:
        return json_write_double(w->out, value->number);
    case VALUE_NULL:
        return buf_put(w->out, "null", 4);
    case VALUE_STRING:
    case VALUE_REFERENCE:
    case VALUE_FIELD_REFERENCE:
        return json_write_string(w->out, value->text);
    case VALUE_BYTES:
        return write_bytes(w->out, value->text);
    case VALUE_TIMESTAMP:
        return write_time(w->out, value->time);
    case VALUE_GEO:
        return write_geo(w, value->geo.latitude, value->geo.longitude);
    case VALUE_MAP:
    case VALUE_ARRAY:
        return write_collection(w, value);
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
    case VALUE_UNSET:
        break;
    }
    return buf_put(w->out, "{}", 2);
}

static bool write_value(struct writer *w, const struct value *value)
{
    bool any = false;
    if (value->kind == VALUE_UNSET)
        return buf_put(w->out, "{}", 2);
    return open_object(w) && key(w, &any, kind_name(value->kind)) && write_member(w, value) &&
           close_object(w, any);
}

/* ---- values that are still encoded ----
 *
 * Only what protobuf_write.c writes comes here: one member a value, key before value in an entry, keys
 * sorted. Anything else makes the writer give up (false) rather than print something wrong. */

static bool raw_value(struct writer *w, const uint8_t *p, const uint8_t *end);

/* {"name": value, ...} from consecutive entries under `tag`. */
static bool raw_fields(struct writer *w, uint32_t tag, const uint8_t *p, const uint8_t *end)
{
    bool any = false;
    if (!open_object(w))
        return false;
    while (p < end) {
        uint64_t read;
        const uint8_t *entry_end, *after;
        if (!wire_varint(&p, end, &read) || read != tag || !wire_length(&p, end, &entry_end))
            return false;
        if (!wire_varint(&p, entry_end, &read) || read != WIRE_TAG(1, WIRE_BYTES) ||
            !wire_length(&p, entry_end, &after))
            return false;
        if (!begin_member(w, &any) || !json_write_string(w->out, str_from(p, (size_t)(after - p))) ||
            !colon(w))
            return false;
        p = after;
        if (!wire_varint(&p, entry_end, &read) || read != WIRE_TAG(2, WIRE_BYTES) ||
            !wire_length(&p, entry_end, &after) || after != entry_end || !raw_value(w, p, after))
            return false;
        p = after;
    }
    return close_object(w, any);
}

static bool raw_values(struct writer *w, const uint8_t *p, const uint8_t *end)
{
    if (!buf_byte(w->out, '['))
        return false;
    for (size_t i = 0; p < end; i++) {
        uint64_t tag;
        const uint8_t *after;
        if (!wire_varint(&p, end, &tag) || tag != WIRE_TAG(1, WIRE_BYTES) || !wire_length(&p, end, &after))
            return false;
        if (!begin_element(w, i) || !raw_value(w, p, after))
            return false;
        p = after;
    }
    return buf_byte(w->out, ']');
}

static bool raw_collection(struct writer *w, enum value_kind kind, const uint8_t *p, const uint8_t *end)
{
    bool any = false;
    if (w->depth > LIMIT_MESSAGE_DEPTH || !open_object(w))
        return false;
    if (p < end) {
        if (!key(w, &any, kind == VALUE_MAP ? STR("fields") : STR("values")))
            return false;
        if (kind == VALUE_MAP ? !raw_fields(w, WIRE_TAG(1, WIRE_BYTES), p, end) : !raw_values(w, p, end))
            return false;
    }
    return close_object(w, any);
}

static bool raw_time(struct writer *w, const uint8_t *p, const uint8_t *end)
{
    struct timestamp t = { 0, 0 };
    uint64_t tag, v;
    while (p < end) {
        if (!wire_varint(&p, end, &tag) || !wire_varint(&p, end, &v))
            return false;
        if (tag == WIRE_TAG(1, WIRE_VARINT))
            t.seconds = (int64_t)v;
        else if (tag == WIRE_TAG(2, WIRE_VARINT))
            t.nanos = (int32_t)v;
        else
            return false;
    }
    return timestamp_is_valid(t) && write_time(w->out, t);
}

static bool raw_geo(struct writer *w, const uint8_t *p, const uint8_t *end)
{
    double at[2] = { 0, 0 };
    uint64_t tag, bits;
    while (p < end) {
        if (!wire_varint(&p, end, &tag) || !wire_fixed64(&p, end, &bits))
            return false;
        if (tag != WIRE_TAG(1, WIRE_FIXED64) && tag != WIRE_TAG(2, WIRE_FIXED64))
            return false;
        at[(tag >> 3) - 1] = wire_double(bits);
    }
    return write_geo(w, at[0], at[1]);
}

static bool raw_member(struct writer *w, uint64_t tag, const uint8_t *p, const uint8_t *end)
{
    uint64_t v;
    const uint8_t *after;
    enum value_kind kind = (enum value_kind)(tag >> 3);
    switch (tag & 7) {
    case WIRE_VARINT:
        if (!wire_varint(&p, end, &v) || p != end)
            return false;
        return kind == VALUE_INT    ? write_integer(w->out, (int64_t)v, true)
               : kind == VALUE_BOOL ? write_bool(w->out, v != 0)
                                    : kind == VALUE_NULL && buf_put(w->out, "null", 4);
    case WIRE_FIXED64:
        return wire_fixed64(&p, end, &v) && p == end && kind == VALUE_DOUBLE &&
               json_write_double(w->out, wire_double(v));
    case WIRE_BYTES:
        if (!wire_length(&p, end, &after) || after != end)
            return false;
        break;
    default:
        return false;
    }
    struct str text = { (const char *)p, (size_t)(end - p) };
    switch (kind) {
    case VALUE_STRING:
    case VALUE_REFERENCE:
    case VALUE_FIELD_REFERENCE:
        return json_write_string(w->out, text);
    case VALUE_BYTES:
        return write_bytes(w->out, text);
    case VALUE_TIMESTAMP:
        return raw_time(w, p, end);
    case VALUE_GEO:
        return raw_geo(w, p, end);
    case VALUE_MAP:
    case VALUE_ARRAY:
        return raw_collection(w, kind, p, end);
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        return p == end && buf_put(w->out, "{}", 2);
    default:
        return false;
    }
}

static bool raw_value(struct writer *w, const uint8_t *p, const uint8_t *end)
{
    bool any = false;
    uint64_t tag;
    if (p == end)
        return buf_put(w->out, "{}", 2);
    if (!wire_varint(&p, end, &tag) || tag > UINT32_MAX)
        return false;
    struct str name = kind_name((enum value_kind)(tag >> 3));
    return name.n > 0 && open_object(w) && key(w, &any, name) && raw_member(w, tag, p, end) &&
           close_object(w, any);
}

/* google.protobuf.Struct: what it stands for, plainly. */
static bool write_struct(struct writer *w, const struct value_map *map)
{
    bool any = false;
    if (!open_object(w))
        return false;
    for (size_t i = 0; i < map->n; i++) {
        const struct field *f = &map->items[i];
        assert(f->value.kind == VALUE_STRING || f->value.kind == VALUE_MAP);
        if (!begin_member(w, &any) || !json_write_string(w->out, f->name) || !colon(w) ||
            !(f->value.kind == VALUE_MAP ? write_struct(w, &f->value.map)
                                         : json_write_string(w->out, f->value.text)))
            return false;
    }
    return close_object(w, any);
}

/* "1.000340012s": with none, three, six or nine digits of a fraction. */
static bool write_duration(struct buf *out, struct timestamp t)
{
    int digits = t.nanos == 0 ? 0 : t.nanos % 1000000 == 0 ? 3 : t.nanos % 1000 == 0 ? 6 : 9;
    int32_t fraction = digits == 3 ? t.nanos / 1000000 : digits == 6 ? t.nanos / 1000 : t.nanos;
    if (digits == 0)
        return buf_printf(out, "\"%" PRId64 "s\"", t.seconds);
    return buf_printf(out, "\"%" PRId64 ".%0*" PRId32 "s\"", t.seconds, digits, fraction);
}

/* ---- by table ---- */

static bool write_message(struct writer *w, const struct schema_message *message, const void *in);

static bool is_empty_scalar(const struct schema_field *f, const void *at)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return !*(const bool *)at;
    case SCHEMA_INT32:
    case SCHEMA_ENUM:
        return *(const int32_t *)at == 0;
    case SCHEMA_INT64:
        return *(const int64_t *)at == 0;
    case SCHEMA_DOUBLE:
        return is_default(*(const double *)at);
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        return ((const struct str *)at)->n == 0;
    case SCHEMA_VALUE:
        return ((const struct value *)at)->kind == VALUE_UNSET;
    case SCHEMA_STRUCT:
        return ((const struct value_map *)at)->n == 0;
    default:
        return false;
    }
}

static bool write_scalar(struct writer *w, const struct schema_field *f, const void *at)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return write_bool(w->out, *(const bool *)at);
    case SCHEMA_INT32:
        return write_integer(w->out, f->wrapped ? *(const int64_t *)at : *(const int32_t *)at, false);
    case SCHEMA_INT64:
        return write_integer(w->out, *(const int64_t *)at, true);
    case SCHEMA_DOUBLE:
        return json_write_double(w->out, *(const double *)at);
    case SCHEMA_ENUM:
        return write_enum(w, f->enumeration, *(const int32_t *)at);
    case SCHEMA_STRING:
        return json_write_string(w->out, *(const struct str *)at);
    case SCHEMA_BYTES:
        return write_bytes(w->out, *(const struct str *)at);
    case SCHEMA_TIMESTAMP:
        return write_time(w->out, *(const struct timestamp *)at);
    case SCHEMA_DURATION:
        return write_duration(w->out, *(const struct timestamp *)at);
    case SCHEMA_STRUCT:
        return write_struct(w, at);
    case SCHEMA_VALUE:
        return write_value(w, at);
    default:
        return write_message(w, f->message, at);
    }
}

/* A message held in place is left out when nothing in it is set: written, looked at, taken back. */
static bool write_in_place(struct writer *w, const struct schema_field *f, const void *at, bool *any)
{
    size_t before = w->out->len;
    bool had = *any;
    if (!key(w, any, f->json))
        return false;
    size_t begin = w->out->len;
    if (!write_message(w, f->message, at))
        return false;
    if (w->out->len == begin + 2) { /* {} */
        w->out->len = before;
        *any = had;
    }
    return true;
}

static bool write_singular(struct writer *w, const struct schema_field *f, const void *in, bool *any)
{
    const void *at = schema_at_const(in, f->offset);
    if (f->presence == SCHEMA_IF_NOT_DEFAULT) {
        if (f->type == SCHEMA_MESSAGE)
            return write_in_place(w, f, at, any);
        if (is_empty_scalar(f, at))
            return true;
    }
    if (!key(w, any, f->json))
        return false;
    if (f->pointer && !(at = *(void *const *)at)) /* a oneof whose chosen message is empty */
        return buf_put(w->out, "{}", 2);
    return write_scalar(w, f, at);
}

static bool write_labels(struct writer *w, const label_list *labels)
{
    bool any = false;
    if (!open_object(w))
        return false;
    for (size_t i = 0; i < labels->n; i++) {
        if (!begin_member(w, &any) || !json_write_string(w->out, labels->items[i].key) || !colon(w) ||
            !json_write_string(w->out, labels->items[i].value))
            return false;
    }
    return close_object(w, any);
}

static bool write_document_fields(struct writer *w, const struct schema_field *f, const void *in, bool *any)
{
    if (f->presence == SCHEMA_IF_NOT_RAW) {
        const struct str *raw = schema_at_const(in, f->has_offset);
        if (raw->p) {
            const uint8_t *p = (const uint8_t *)raw->p;
            return raw->n == 0 ||
                   (key(w, any, f->json) && raw_fields(w, WIRE_TAG(f->number, WIRE_BYTES), p, p + raw->n));
        }
    }
    const struct value_map *map = schema_at_const(in, f->offset);
    return map->n == 0 || (key(w, any, f->json) && write_fields(w, map));
}

static bool write_repeated(struct writer *w, const struct schema_field *f, const void *in, bool *any)
{
    const struct schema_list *list = schema_at_const(in, f->offset);
    if (f->type == SCHEMA_VALUE_MAP)
        return write_document_fields(w, f, in, any);
    if (list->n == 0)
        return true;
    if (!key(w, any, f->json))
        return false;
    if (f->type == SCHEMA_LABELS)
        return write_labels(w, schema_at_const(in, f->offset));
    if (!buf_byte(w->out, '['))
        return false;
    const char *item = list->items;
    for (size_t i = 0; i < list->n; i++, item += schema_element_size(f)) {
        if (!begin_element(w, i) || !write_scalar(w, f, item))
            return false;
    }
    return buf_byte(w->out, ']');
}

static bool write_message(struct writer *w, const struct schema_message *message, const void *in)
{
    bool any = false;
    if (message->is_value)
        return write_value(w, in);
    if (!open_object(w))
        return false;
    for (size_t i = 0; i < message->n; i++) {
        const struct schema_field *f = &message->fields[i];
        if (f->type == SCHEMA_SKIP || !schema_is_set(f, in))
            continue;
        if (f->repeated ? !write_repeated(w, f, in, &any) : !write_singular(w, f, in, &any))
            return false;
    }
    return close_object(w, any);
}

bool protojson_encode(struct buf *out, const struct schema_message *schema, const void *message,
                      unsigned flags)
{
    struct writer w = { .out = out, .flags = flags };
    return write_message(&w, schema, message);
}

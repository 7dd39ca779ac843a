/* protojson_read.c - proto3-JSON into the structs of messages.h.
 *
 * Walks the tokens of json_read.c along the tables of schema.c. Strict where a client must be told (unknown
 * and doubled names, two members of a oneof, null in lists and maps), lenient where Google's emulator
 * 1.19.9 is: numbers as strings and strings as numbers, snake_case, null for an absent field. */
#include "core/limits.h"
#include "core/protojson.h"

#include <stdio.h>

struct reader {
    struct json_reader json;
    struct arena *arena;
    struct codec_fault fault;
};

static bool refuse(struct reader *r, const char *why)
{
    return codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s", why);
}

/* The next token; JSON_ERROR with a fault. */
static enum json_token next(struct reader *r)
{
    enum json_token token = json_next(&r->json);
    if (token == JSON_ERROR)
        codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s, at byte %zu", r->json.error,
                        (size_t)(r->json.at - r->json.start));
    return token;
}

/* A token of another kind than the field takes; a JSON error keeps its own words. */
static bool unexpected(struct reader *r, enum json_token token, const char *wanted)
{
    return token == JSON_ERROR ? false
                               : codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s expected", wanted);
}

static bool skip(struct reader *r, enum json_token token)
{
    if (json_skip(&r->json, token))
        return true;
    return codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s, at byte %zu", r->json.error,
                           (size_t)(r->json.at - r->json.start));
}

static bool unknown_name(struct reader *r, struct str name, const char *message)
{
    struct str quoted = codec_quote(name);
    return codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "%s has no field \"" STR_FMT "\"%s", message,
                           STR_ARG(quoted), quoted.n < name.n ? "..." : "");
}

/* ---- values ---- */

static bool read_value(struct reader *r, struct value *out, enum json_token token);

static bool read_scalar(struct reader *r, const struct schema_field *f, void *to, enum json_token token)
{
    switch (token) {
    case JSON_STRING:
        return protojson_scalar(&r->fault, r->arena, f, to, r->json.text);
    case JSON_NUMBER:
        if (f->type == SCHEMA_BOOL || f->type == SCHEMA_BYTES || f->type == SCHEMA_TIMESTAMP)
            break;
        return protojson_scalar(&r->fault, r->arena, f, to, r->json.text);
    case JSON_TRUE:
    case JSON_FALSE:
        if (f->type != SCHEMA_BOOL && f->type != SCHEMA_STRING)
            break;
        return protojson_scalar(&r->fault, r->arena, f, to, token == JSON_TRUE ? STR("true") : STR("false"));
    default:
        break;
    }
    static const char *const wanted[] = {
        [SCHEMA_BOOL] = "true or false",
        [SCHEMA_INT32] = "a whole number",
        [SCHEMA_INT64] = "a whole number, in quotes or not,",
        [SCHEMA_DOUBLE] = "a number",
        [SCHEMA_ENUM] = "the name or number of an enumerator",
        [SCHEMA_STRING] = "a string",
        [SCHEMA_BYTES] = "base64 in a string",
        [SCHEMA_TIMESTAMP] = "a time in a string",
    };
    return unexpected(r, token, wanted[f->type]);
}

static bool read_values(struct reader *r, struct value_list *list, enum json_token token)
{
    bool grown = true;
    size_t i = 0;
    if (token != JSON_ARRAY)
        return unexpected(r, token, "an array");
    for (; (token = next(r)) != JSON_ARRAY_END; i++) {
        if (token == JSON_ERROR)
            return codec_fault_at(&r->fault, i);
        struct value *item = codec_list_grow(&r->fault, r->arena, list, 1, sizeof *item, &grown);
        if (!item)
            return false;
        if (!read_value(r, item, token))
            return codec_fault_at(&r->fault, i);
        list->n++;
    }
    return true;
}

/* Sorts a map whose names did not come sorted and refuses a name that came twice. */
static bool finish_fields(struct reader *r, struct value_map *map, bool unsorted)
{
    if (!unsorted)
        return true;
    if (!codec_sort_fields(&r->fault, r->arena, map))
        return false;
    for (size_t i = 1; i < map->n; i++) {
        if (str_eq(map->items[i - 1].name, map->items[i].name)) {
            refuse(r, "is given twice");
            return codec_fault_in(&r->fault, map->items[i].name);
        }
    }
    return true;
}

static bool read_fields(struct reader *r, struct value_map *map, enum json_token token)
{
    bool grown = true, unsorted = false;
    if (token != JSON_OBJECT)
        return unexpected(r, token, "an object");
    while ((token = next(r)) != JSON_OBJECT_END) {
        if (token == JSON_ERROR)
            return false;
        struct field *item = codec_list_grow(&r->fault, r->arena, map, 1, sizeof *item, &grown);
        if (!item)
            return false;
        item->name = r->json.text;
        token = next(r);
        if (!read_value(r, &item->value, token))
            return codec_fault_in(&r->fault, item->name);
        if (map->n > 0 && str_cmp(item[-1].name, item->name) >= 0)
            unsorted = true;
        map->n++;
    }
    return finish_fields(r, map, unsorted);
}

/* The inside of {"mapValue": {...}} and {"arrayValue": {...}}: one optional member. */
static bool read_collection(struct reader *r, struct value *out, enum json_token token)
{
    bool map = out->kind == VALUE_MAP, seen = false;
    struct str member = map ? STR("fields") : STR("values");
    if (token != JSON_OBJECT)
        return unexpected(r, token, "an object");
    while ((token = next(r)) != JSON_OBJECT_END) {
        if (token == JSON_ERROR)
            return false;
        if (!str_eq(r->json.text, member))
            return unknown_name(r, r->json.text, map ? "MapValue" : "ArrayValue");
        if (seen) {
            refuse(r, "is given twice");
            return codec_fault_in(&r->fault, member);
        }
        seen = true;
        token = next(r);
        if (token == JSON_NULL)
            continue;
        if (map ? !read_fields(r, &out->map, token) : !read_values(r, &out->array, token))
            return codec_fault_in(&r->fault, member);
    }
    return true;
}

static bool read_geo(struct reader *r, struct value *out, enum json_token token)
{
    static const struct schema_field coordinate = { .type = SCHEMA_DOUBLE };
    bool seen[2] = { false, false };
    if (token != JSON_OBJECT)
        return unexpected(r, token, "an object");
    while ((token = next(r)) != JSON_OBJECT_END) {
        if (token == JSON_ERROR)
            return false;
        bool latitude = str_eq(r->json.text, STR("latitude"));
        if (!latitude && !str_eq(r->json.text, STR("longitude")))
            return unknown_name(r, r->json.text, "LatLng");
        struct str member = latitude ? STR("latitude") : STR("longitude");
        bool twice = seen[latitude];
        seen[latitude] = true;
        if (twice)
            refuse(r, "is given twice");
        token = twice ? JSON_ERROR : next(r);
        if (token != JSON_NULL &&
            (twice ||
             !read_scalar(r, &coordinate, latitude ? &out->geo.latitude : &out->geo.longitude, token)))
            return codec_fault_in(&r->fault, member);
    }
    return true;
}

/* null, "NULL_VALUE", or a number: NullValue is an open enum, of which every number means null. */
static bool read_null(struct reader *r, enum json_token token)
{
    static const struct schema_field number = { .type = SCHEMA_INT32 };
    int32_t ignored;
    if (token == JSON_NULL || (token == JSON_STRING && str_eq(r->json.text, STR("NULL_VALUE"))))
        return true;
    if (token != JSON_NUMBER && token != JSON_STRING)
        return unexpected(r, token, "null");
    return protojson_scalar(&r->fault, r->arena, &number, &ignored, r->json.text) ||
           refuse(r, "null expected");
}

static bool read_member(struct reader *r, struct value *out, const struct schema_field *row,
                        enum json_token token)
{
    out->kind = (enum value_kind)row->number;
    switch (out->kind) {
    case VALUE_NULL:
        return read_null(r, token);
    case VALUE_MAP:
    case VALUE_ARRAY:
        return read_collection(r, out, token);
    case VALUE_GEO:
        return read_geo(r, out, token);
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        return token == JSON_OBJECT ? skip(r, token) : unexpected(r, token, "an object");
    case VALUE_BOOL:
        return read_scalar(r, row, &out->boolean, token);
    case VALUE_INT:
        return read_scalar(r, row, &out->integer, token);
    case VALUE_DOUBLE:
        return read_scalar(r, row, &out->number, token);
    case VALUE_TIMESTAMP:
        if (!read_scalar(r, row, &out->time, token))
            return false;
        /* Firestore keeps microseconds, rounded down. */
        out->time.nanos -= out->time.nanos % 1000;
        return true;
    default:
        return read_scalar(r, row, &out->text, token);
    }
}

static bool read_value(struct reader *r, struct value *out, enum json_token token)
{
    uint32_t seen = 0;
    *out = (struct value){ .kind = VALUE_UNSET };
    if (token != JSON_OBJECT)
        return unexpected(r, token, "a value, as in {\"stringValue\": \"x\"},");
    while ((token = next(r)) != JSON_OBJECT_END) {
        if (token == JSON_ERROR)
            return false;
        const struct schema_field *row = schema_by_name(&schema_value, r->json.text);
        if (!row)
            return unknown_name(r, r->json.text, "Value");
        uint32_t bit = UINT32_C(1) << (row - schema_value.fields);
        if (seen & bit) {
            refuse(r, "is given twice");
            return codec_fault_in(&r->fault, row->json);
        }
        seen |= bit;
        if (out->kind != VALUE_UNSET)
            return codec_fault_set(&r->fault, STATUS_INVALID_ARGUMENT, "only one of %s and %s may be set",
                                   schema_by_number(&schema_value, out->kind)->json.p, row->json.p);
        token = next(r);
        if (token == JSON_NULL && row->type != SCHEMA_NULL)
            continue; /* null is an absent member everywhere but in nullValue */
        if (!read_member(r, out, row, token))
            return codec_fault_in(&r->fault, row->json);
    }
    return true;
}

/* ---- by table ---- */

static bool read_message(struct reader *r, void *out, const struct schema_message *message,
                         enum json_token token);

/* One value that is no list: into the place of the field or of a list's element. */
static bool read_single(struct reader *r, const struct schema_field *f, void *to, enum json_token token)
{
    if (f->type == SCHEMA_MESSAGE)
        return read_message(r, to, f->message, token);
    if (f->type == SCHEMA_VALUE)
        return read_value(r, to, token);
    if (f->wrapped && token == JSON_OBJECT)
        return refuse(r, "a bare number expected, not an object");
    return read_scalar(r, f, to, token);
}

static bool read_list(struct reader *r, const struct schema_field *f, struct schema_list *list,
                      enum json_token token)
{
    bool grown = true;
    size_t element = schema_element_size(f);
    if (token != JSON_ARRAY)
        return unexpected(r, token, "an array");
    for (size_t i = 0; (token = next(r)) != JSON_ARRAY_END; i++) {
        void *item = codec_list_grow(&r->fault, r->arena, list, 1, element, &grown);
        if (!item)
            return false;
        memset(item, 0, element);
        if (token == JSON_ERROR || !read_single(r, f, item, token))
            return codec_fault_at(&r->fault, i);
        list->n++;
    }
    return true;
}

/* {"name": "text"}: read as a map of values would be, so that it is sorted and checked as one. */
static bool read_labels(struct reader *r, label_list *labels, enum json_token token)
{
    static const struct schema_field text = { .type = SCHEMA_STRING };
    struct value_map map = { 0 };
    bool grown = true;
    if (token != JSON_OBJECT)
        return unexpected(r, token, "an object");
    while ((token = next(r)) != JSON_OBJECT_END) {
        struct field *item = codec_list_grow(&r->fault, r->arena, &map, 1, sizeof *item, &grown);
        if (token == JSON_ERROR || !item)
            return false;
        *item = (struct field){ .name = r->json.text, .value.kind = VALUE_STRING };
        if (!read_scalar(r, &text, &item->value.text, next(r)))
            return codec_fault_in(&r->fault, item->name);
        map.n++;
    }
    if (!finish_fields(r, &map, map.n > 1))
        return false;
    labels->items = codec_alloc(&r->fault, r->arena, map.n * sizeof *labels->items);
    if (!labels->items)
        return false;
    for (size_t i = 0; i < map.n; i++)
        labels->items[i] = (struct msg_label){ map.items[i].name, map.items[i].value.text };
    labels->n = map.n;
    return true;
}

static bool read_field(struct reader *r, const struct schema_field *f, void *out, enum json_token token)
{
    void *list = schema_at(out, f->offset);
    if (f->type == SCHEMA_SKIP || f->write_only)
        return skip(r, token);
    switch (f->type) {
    case SCHEMA_VALUE_MAP:
        return read_fields(r, list, token);
    case SCHEMA_LABELS:
        return read_labels(r, list, token);
    case SCHEMA_VALUE:
        if (f->repeated)
            return read_values(r, list, token);
        break;
    default:
        if (f->repeated)
            return read_list(r, f, list, token);
        break;
    }
    void *to = protojson_place(&r->fault, r->arena, f, out);
    return to && read_single(r, f, to, token);
}

static bool read_message(struct reader *r, void *out, const struct schema_message *message,
                         enum json_token token)
{
    uint32_t seen = 0;
    if (message->is_value)
        return read_value(r, out, token);
    if (token != JSON_OBJECT)
        return unexpected(r, token, "an object");
    while ((token = next(r)) != JSON_OBJECT_END) {
        if (token == JSON_ERROR)
            return false;
        const struct schema_field *f = schema_by_name(message, r->json.text);
        if (!f)
            return unknown_name(r, r->json.text, message->name);
        uint32_t bit = UINT32_C(1) << (f - message->fields);
        if (seen & bit) {
            refuse(r, "is given twice");
            return codec_fault_in(&r->fault, f->json);
        }
        seen |= bit;
        if (!protojson_may_set(&r->fault, message, f, out))
            return false;
        token = next(r);
        if (token != JSON_NULL && !read_field(r, f, out, token))
            return codec_fault_in(&r->fault, f->json);
    }
    return true;
}

static bool is_blank(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != ' ' && text.p[i] != '\n' && text.p[i] != '\r' && text.p[i] != '\t')
            return false;
    }
    return true;
}

enum status_code protojson_decode(void *out, const struct schema_message *schema, struct arena *arena,
                                  struct str json, struct status *st)
{
    struct reader r = { .arena = arena };
    if (json.n > LIMIT_MESSAGE_BYTES)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "%s of %zu bytes exceeds the maximum of %d bytes.",
                          schema->name, json.n, LIMIT_MESSAGE_BYTES);
    codec_fault_init(&r.fault);
    json_reader_init(&r.json, arena, json);
    if (is_blank(json)) /* an empty body is an empty message on Google's emulator 1.19.9 too */
        return STATUS_OK;
    if (read_message(&r, out, schema, next(&r)) && next(&r) == JSON_END)
        return STATUS_OK;
    return codec_fault_status(&r.fault, st, "Payload isn't valid for request.");
}

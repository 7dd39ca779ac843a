/* value.c - see value.h. Validation has two rounds, because Google's emulator has: first every value must be
 * convertible at all, then the sizes and depths of what was converted are looked at. */
#include "core/value.h"

#include "core/limits.h"
#include "core/order.h"
#include "core/path.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const struct value *value_map_get(const struct value_map *map, struct str name)
{
    size_t low = 0, high = map->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = str_cmp(map->items[mid].name, name);
        if (c == 0)
            return &map->items[mid].value;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct value_list *value_as_vector(const struct value *value)
{
    /* "__type__" sorts before "value". */
    if (value->kind != VALUE_MAP || value->map.n != 2)
        return NULL;
    const struct field *type = &value->map.items[0], *list = &value->map.items[1];
    if (!str_eq_z(type->name, "__type__") || type->value.kind != VALUE_STRING ||
        !str_eq_z(type->value.text, "__vector__") || !str_eq_z(list->name, "value") ||
        list->value.kind != VALUE_ARRAY)
        return NULL;
    for (size_t i = 0; i < list->value.array.n; i++) {
        enum value_kind kind = list->value.array.items[i].kind;
        if (kind != VALUE_DOUBLE && kind != VALUE_INT)
            return NULL;
    }
    return &list->value.array;
}

static bool has_text(enum value_kind kind)
{
    return kind == VALUE_STRING || kind == VALUE_BYTES || kind == VALUE_REFERENCE ||
           kind == VALUE_FIELD_REFERENCE;
}

struct value value_copy(struct arena *arena, const struct value *value)
{
    struct value out = *value;
    if (has_text(value->kind)) {
        out.text = arena_str(arena, value->text);
    } else if (value->kind == VALUE_ARRAY) {
        out.array.items = ARENA_ARRAY(arena, struct value, value->array.n);
        for (size_t i = 0; i < value->array.n; i++)
            out.array.items[i] = value_copy(arena, &value->array.items[i]);
    } else if (value->kind == VALUE_MAP) {
        out.map.items = ARENA_ARRAY(arena, struct field, value->map.n);
        for (size_t i = 0; i < value->map.n; i++) {
            out.map.items[i].name = arena_str(arena, value->map.items[i].name);
            out.map.items[i].value = value_copy(arena, &value->map.items[i].value);
        }
    }
    return out;
}

bool value_equal(const struct value *a, const struct value *b)
{
    return order_compare(a, b) == 0;
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool identical_arrays(const struct value_list *a, const struct value_list *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!value_identical(&a->items[i], &b->items[i]))
            return false;
    }
    return true;
}

static bool identical_maps(const struct value_map *a, const struct value_map *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!str_eq(a->items[i].name, b->items[i].name) ||
            !value_identical(&a->items[i].value, &b->items[i].value))
            return false;
    }
    return true;
}

bool value_identical(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_BOOL:
        return a->boolean == b->boolean;
    case VALUE_INT:
        return a->integer == b->integer;
    case VALUE_DOUBLE:
        return same_bits(a->number, b->number);
    case VALUE_TIMESTAMP:
        return timestamp_cmp(a->time, b->time) == 0;
    case VALUE_STRING:
    case VALUE_BYTES:
    case VALUE_REFERENCE:
    case VALUE_FIELD_REFERENCE:
        return str_eq(a->text, b->text);
    case VALUE_GEO:
        return same_bits(a->geo.latitude, b->geo.latitude) && same_bits(a->geo.longitude, b->geo.longitude);
    case VALUE_ARRAY:
        return identical_arrays(&a->array, &b->array);
    case VALUE_MAP:
        return identical_maps(&a->map, &b->map);
    case VALUE_UNSET:
    case VALUE_NULL:
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        break;
    }
    return true;
}

/* ---- sizes ---- */

static size_t name_size(struct str relative_path)
{
    size_t size = 16;
    int64_t number;
    for (struct str id; path_next(&relative_path, &id);)
        size += path_id_number(id, &number) ? 8 : id.n + 1;
    return size;
}

static size_t reference_size(struct str name)
{
    struct str rest = name, word;
    for (int i = 0; i < 5; i++) { /* projects, p, databases, d, documents */
        if (!path_next(&rest, &word))
            return name.n + 1;
    }
    return name_size(rest);
}

static size_t fields_size(const struct value_map *fields)
{
    size_t size = 0;
    for (size_t i = 0; i < fields->n; i++)
        size += fields->items[i].name.n + 1 + value_size(&fields->items[i].value);
    return size;
}

static size_t elements_size(const struct value_list *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->n; i++)
        size += value_size(&list->items[i]);
    return size;
}

/* The docs say a map is "calculated the same way as document size"; 1.19.9 adds no constant to it, and
 * counts an empty map or array as 1. */
size_t value_size(const struct value *value)
{
    const struct value_list *vector;
    switch (value->kind) {
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_TIMESTAMP:
        return 8;
    case VALUE_GEO:
        return 16;
    case VALUE_STRING:
        return value->text.n + 1;
    case VALUE_BYTES:
        return value->text.n;
    case VALUE_REFERENCE:
        return reference_size(value->text);
    case VALUE_ARRAY:
        return value->array.n ? elements_size(&value->array) : 1;
    case VALUE_MAP:
        if ((vector = value_as_vector(value)))
            return 8 * vector->n;
        return value->map.n ? fields_size(&value->map) : 1;
    case VALUE_UNSET:
    case VALUE_BOOL:
    case VALUE_NULL:
    case VALUE_FIELD_REFERENCE:
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        break;
    }
    return 1;
}

size_t document_size(struct str relative_path, const struct value_map *fields)
{
    return name_size(relative_path) + fields_size(fields) + 32;
}

/* ---- validation: can it be converted? ---- */

/* Which property of the document we are in, for messages, and how deep. */
struct place {
    struct str property;
    bool in_array;
    bool operand; /* of a query, not of a document: nesting is free */
    struct status *st;
};

#define REFUSE(place, ...) status_set((place)->st, STATUS_INVALID_ARGUMENT, __VA_ARGS__)

static enum status_code refuse_nested(const struct place *place)
{
    char name[STATUS_SHOWN];
    return REFUSE(place, "Property %s contains an invalid nested entity.",
                  status_show(name, place->property));
}

/* As Java prints a double, because 1.19.9's messages do: 91.0, 1.23456789E7, NaN. */
enum { DOUBLE_TEXT = 64 };
static const char *java_double(char out[DOUBLE_TEXT], double d)
{
    if (isnan(d) || isinf(d)) {
        snprintf(out, DOUBLE_TEXT, "%s", isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
        return out;
    }
    char shortest[40];
    int precision = 0;
    do
        snprintf(shortest, sizeof shortest, "%.*e", precision, d);
    while (strtod(shortest, NULL) != d && ++precision < 17);
    char *e = strchr(shortest, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10);
    *e = '\0';
    if (exponent >= -3 && exponent < 7)
        snprintf(out, DOUBLE_TEXT, "%.*f", precision - exponent > 1 ? precision - exponent : 1, d);
    else
        snprintf(out, DOUBLE_TEXT, "%s%sE%d", shortest, strchr(shortest, '.') ? "" : ".0", exponent);
    return out;
}

static enum status_code check_coordinate(const struct place *place, const char *what, double d, double limit)
{
    char text[DOUBLE_TEXT];
    if (d >= -limit && d <= limit)
        return STATUS_OK;
    return REFUSE(place, "Geo point %s '%s' outside permitted range -%.1f to %.1f.", what,
                  java_double(text, d), limit, limit);
}

static enum status_code check_time(const struct place *place, struct timestamp t)
{
    if (timestamp_is_valid(t))
        return STATUS_OK;
    bool nanos = t.nanos < 0 || t.nanos > 999999999;
    return REFUSE(place, "Timestamp %s exceeds limit for field.", nanos ? "nanos" : "seconds");
}

static enum status_code convert(const struct value *value, const struct place *place);

/* A map with "__type__": "__vector__", whatever else is in it. */
static enum status_code check_vector(const struct value_map *map, const struct place *place)
{
    const struct value *list = value_map_get(map, STR("value"));
    if (!list)
        return REFUSE(place, "Vector map is missing key 'value'.");
    if (map->n != 2)
        return REFUSE(place, "Vector Value map has extraneous entries.");
    if (list->kind != VALUE_ARRAY)
        return REFUSE(place, "Vector Value type must be an array.");
    const struct value *items = list->array.items;
    for (size_t i = 0; i < list->array.n; i++) {
        /* What is no value at all is found before what is only no number. */
        enum status_code code = items[i].kind == VALUE_ARRAY ? STATUS_OK : convert(&items[i], place);
        if (code)
            return code;
    }
    if (list->array.n == 0)
        return REFUSE(place, "Cannot have a zero length vector.");
    if (list->array.n > LIMIT_VECTOR_DIMENSIONS)
        return REFUSE(place, "Vectors must be at most %d dimensions.", LIMIT_VECTOR_DIMENSIONS);
    for (size_t i = 0; i < list->array.n; i++) {
        if (items[i].kind != VALUE_DOUBLE)
            return REFUSE(place, "Vector must only contain values of type 'double'");
        if (isnan(items[i].number) && !place->operand)
            return REFUSE(place, "Vector cannot contain NaN values.");
    }
    return STATUS_OK;
}

bool field_name_is_reserved(struct str name)
{
    return name.n >= 5 && memcmp(name.p, "__", 2) == 0 && memcmp(name.p + name.n - 2, "__", 2) == 0;
}

static enum status_code convert_map(const struct value_map *map, const struct place *place)
{
    const struct value *type = value_map_get(map, STR("__type__"));
    /* What is no value at all is found before what is wrong with a vector. */
    for (size_t i = 0; type && i < map->n; i++)
        if (map->items[i].value.kind == VALUE_UNSET)
            return convert(&map->items[i].value, place);
    if (type && type->kind != VALUE_STRING)
        return REFUSE(place, "Field __type__ is not a string.");
    bool vector = type && str_eq_z(type->text, "__vector__");
    if (type && !vector && !place->operand)
        return refuse_nested(place);
    if (vector && place->in_array && !place->operand)
        return REFUSE(place, "Cannot convert a vector value in an array value.");
    if (vector)
        return check_vector(map, place);
    struct place inside = *place;
    inside.in_array = false;
    for (size_t i = 0; i < map->n; i++) {
        char name[STATUS_SHOWN];
        if (field_name_is_reserved(map->items[i].name) && &map->items[i].value != type)
            return REFUSE(place, "field name '%s' is reserved.", status_show(name, map->items[i].name));
        enum status_code code = convert(&map->items[i].value, &inside);
        if (code)
            return code;
    }
    return STATUS_OK;
}

static enum status_code convert_array(const struct value_list *list, const struct place *place)
{
    if (place->in_array && !place->operand)
        return REFUSE(place, "Cannot convert an array value in an array value.");
    struct place inside = *place;
    inside.in_array = true;
    for (size_t i = 0; i < list->n; i++) {
        enum status_code code = convert(&list->items[i], &inside);
        if (code)
            return code;
    }
    return STATUS_OK;
}

static enum status_code convert(const struct value *value, const struct place *place)
{
    struct resource_name name;
    enum status_code code;
    switch (value->kind) {
    case VALUE_UNSET:
        return REFUSE(place, "Cannot convert firestore.v1.Value with type unset.");
    case VALUE_FIELD_REFERENCE:
        return REFUSE(place, "Value type is not supported: FIELD_REFERENCE_VALUE");
    case VALUE_FUNCTION:
        return REFUSE(place, "Value type is not supported: FUNCTION_VALUE");
    case VALUE_PIPELINE:
        return REFUSE(place, "Value type is not supported: PIPELINE_VALUE");
    case VALUE_REFERENCE:
        return path_parse_reference(&name, value->text, place->st);
    case VALUE_GEO:
        code = check_coordinate(place, "latitude", value->geo.latitude, 90);
        return code ? code : check_coordinate(place, "longitude", value->geo.longitude, 180);
    case VALUE_TIMESTAMP:
        return check_time(place, value->time);
    case VALUE_ARRAY:
        return convert_array(&value->array, place);
    case VALUE_MAP:
        return convert_map(&value->map, place);
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
    case VALUE_STRING:
    case VALUE_BYTES:
        break;
    }
    return STATUS_OK;
}

enum status_code value_check_operand(const struct value *value, struct status *st)
{
    struct place place = { .operand = true, .st = st };
    return convert(value, &place);
}

/* ---- validation: is it small enough? ---- */

static bool is_long(const struct value *value)
{
    return (value->kind == VALUE_STRING || value->kind == VALUE_BYTES) && value->text.n > LIMIT_STRING_BYTES;
}

/* Whether everything inside a map fits. depth: containers around value; path: bytes of the dotted path. */
static bool nested_fits(const struct value *value, size_t depth, size_t path)
{
    bool container = value->kind == VALUE_ARRAY || (value->kind == VALUE_MAP && !value_as_vector(value));
    if (!container)
        return !is_long(value);
    if (++depth > LIMIT_VALUE_DEPTH)
        return false;
    bool fits = true;
    if (value->kind == VALUE_ARRAY) {
        for (size_t i = 0; i < value->array.n && fits; i++)
            fits = nested_fits(&value->array.items[i], depth, path);
        return fits;
    }
    for (size_t i = 0; i < value->map.n && fits; i++) {
        size_t n = value->map.items[i].name.n;
        fits = n > 0 && path + 1 + n <= LIMIT_FIELD_NAME_BYTES &&
               nested_fits(&value->map.items[i].value, depth, path + 1 + n);
    }
    return fits;
}

static enum status_code check_property(const struct field *field, const struct place *place)
{
    char name[STATUS_SHOWN];
    const struct value *value = &field->value;
    if (field->name.n == 0)
        return REFUSE(place, "The property.name is the empty string.");
    if (field->name.n > LIMIT_FIELD_NAME_BYTES)
        return REFUSE(place, "The property.name is longer than %d bytes.", LIMIT_FIELD_NAME_BYTES);
    bool too_long = is_long(value);
    for (size_t i = 0; value->kind == VALUE_ARRAY && i < value->array.n; i++)
        too_long = too_long || is_long(&value->array.items[i]);
    if (too_long)
        return REFUSE(place, "The value of property \"%s\" is longer than %d bytes.",
                      status_show(name, field->name), LIMIT_STRING_BYTES);
    return nested_fits(value, 0, field->name.n) ? STATUS_OK : refuse_nested(place);
}

enum status_code fields_validate(const struct value_map *fields, struct status *st)
{
    char name[STATUS_SHOWN];
    enum status_code code = STATUS_OK;
    for (size_t i = 0; i < fields->n && !code; i++) {
        struct place place = { .property = fields->items[i].name, .st = st };
        if (field_name_is_reserved(place.property))
            return REFUSE(&place, "field name %s is reserved", status_show(name, place.property));
        code = convert(&fields->items[i].value, &place);
    }
    for (size_t i = 0; i < fields->n && !code; i++) {
        struct place place = { .property = fields->items[i].name, .st = st };
        code = check_property(&fields->items[i], &place);
    }
    return code;
}

enum status_code document_validate(struct str relative_path, const struct value_map *fields,
                                   struct status *st)
{
    enum status_code code = fields_validate(fields, st);
    if (!code && document_size(relative_path, fields) > LIMIT_DOCUMENT_BYTES)
        code =
            status_set(st, STATUS_INVALID_ARGUMENT, "maximum entity size is %d bytes", LIMIT_DOCUMENT_BYTES);
    return code;
}

void value_cut_times(struct value *value)
{
    if (value->kind == VALUE_TIMESTAMP) {
        value->time.nanos -= value->time.nanos % 1000;
    } else if (value->kind == VALUE_ARRAY) {
        for (size_t i = 0; i < value->array.n; i++)
            value_cut_times(&value->array.items[i]);
    } else if (value->kind == VALUE_MAP) {
        for (size_t i = 0; i < value->map.n; i++)
            value_cut_times(&value->map.items[i].value);
    }
}

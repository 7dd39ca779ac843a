/* value.h - Firestore values and documents, as every room passes them around.
 *
 * Values are plain structs in somebody's arena; nothing in them is owned. The kind is the field number of
 * the member in google.firestore.v1.Value's oneof, so that the codec needs no translation table.
 * Map fields are sorted by key bytes and unique: the codec sees to it, everything else relies on it. */
#ifndef CORE_VALUE_H
#define CORE_VALUE_H

#include "core/buf.h"
#include "core/status.h"
#include "core/timestamp.h"

enum value_kind {
    VALUE_UNSET = 0, /* Value{} on the wire; refused by whoever stores it */
    VALUE_BOOL = 1,
    VALUE_INT = 2,
    VALUE_DOUBLE = 3,
    VALUE_REFERENCE = 5, /* full resource name of a document */
    VALUE_MAP = 6,
    VALUE_GEO = 8,
    VALUE_ARRAY = 9,
    VALUE_TIMESTAMP = 10,
    VALUE_NULL = 11,
    VALUE_STRING = 17,
    VALUE_BYTES = 18,
    VALUE_FIELD_REFERENCE = 19, /* pipelines only: decoded as text, refused when stored */
    VALUE_FUNCTION = 20,        /* likewise; content skipped */
    VALUE_PIPELINE = 21,        /* likewise; content skipped */
};

struct value {
    enum value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct timestamp time;
        struct str text; /* string, bytes, reference, field reference */
        struct {
            double latitude, longitude;
        } geo;
        struct value_list {
            struct value *items;
            size_t n;
        } array;
        struct value_map {
            struct field *items;
            size_t n;
        } map;
    };
};

struct field {
    struct str name;
    struct value value;
};

/* A document as it travels. `fields_raw`, when its pointer is set, is the protobuf encoding of the fields
 * (the bytes of repeated field 2 of google.firestore.v1.Document, sorted by key, exactly as the ledger
 * keeps them) and stands in for `fields`, which is then empty: encoders splice or transcode it, so that
 * a read answers without decoding. */
struct document {
    struct str name; /* full resource name */
    struct value_map fields;
    struct str fields_raw;
    bool has_create_time, has_update_time;
    struct timestamp create_time, update_time;
};

/* The member called `name`, or NULL. Binary search: the map is sorted. */
const struct value *value_map_get(const struct value_map *map, struct str name);
/* A vector is a map {"__type__": "__vector__", "value": [numbers]}. Returns its components or NULL. */
const struct value_list *value_as_vector(const struct value *value);
/* Deep copy into arena. */
struct value value_copy(struct arena *arena, const struct value *value);
/* Firestore equality: 1 == 1.0, NaN == NaN, -0 == 0; order.h's compare is 0. */
bool value_equal(const struct value *a, const struct value *b);
/* Identity as the no-op rule needs it: same kind, same bits; 1 is not 1.0. */
bool value_identical(const struct value *a, const struct value *b);
/* Bytes as Firestore counts them (public docs, "Storage size calculations"). */
size_t value_size(const struct value *value);
size_t document_size(struct str relative_path, const struct value_map *fields);
/* Cuts every timestamp in value to microseconds, in place: what Firestore stores (docs, 1.19.9). */
void value_cut_times(struct value *value);
/* "__x__": names that documents may not use. */
bool field_name_is_reserved(struct str name);
/* Refuses what a query may not compare with: what a document may not hold either, except that nesting of any
 * kind is free and empty field names are allowed (1.19.9; such operands just match nothing stored). */
enum status_code value_check_operand(const struct value *value, struct status *st);
/* Refuses what may be decoded but not stored, with the messages Google's emulator 1.19.9 gives: unset,
 * field references, arrays in arrays, depth over LIMIT_VALUE_DEPTH, over-long strings, reserved or empty
 * or over-long field names, bad latitudes, references that are no document name. */
enum status_code fields_validate(const struct value_map *fields, struct status *st);
/* The same, and the size of the whole document. */
enum status_code document_validate(struct str relative_path, const struct value_map *fields, struct status *st);

#endif

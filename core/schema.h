/* schema.h - how a message is described: one const table, one row per field, for both encodings.
 *
 * A row says what the wire knows (names, number, type) and where the struct of messages.h keeps it
 * (offset, how presence is told). Adding a field is adding a row in schema.c; neither codec changes.
 * Rows are in the order of their numbers, which is the order both encodings print in, as Google's do.
 * Names and numbers are facts of the public google.firestore.v1 API; tests/core/data/schema.txt is the
 * list the tables are checked against. Internal to core, except that tests walk the tables too. */
#ifndef CORE_SCHEMA_H
#define CORE_SCHEMA_H

#include "core/codec.h"

enum schema_type {
    SCHEMA_BOOL,
    SCHEMA_INT32,
    SCHEMA_INT64,
    SCHEMA_DOUBLE,
    SCHEMA_ENUM,
    SCHEMA_STRING,
    SCHEMA_BYTES,
    SCHEMA_NULL, /* google.protobuf.NullValue; only in Value */
    SCHEMA_TIMESTAMP,
    SCHEMA_VALUE,     /* struct value; read and written by the fast paths */
    SCHEMA_VALUE_MAP, /* map<string, Value>: struct value_map */
    SCHEMA_LABELS,    /* map<string, string>: label_list */
    SCHEMA_MESSAGE,   /* described by `message` */
    SCHEMA_STRUCT,    /* google.protobuf.Struct: struct value_map of strings and further such maps; only written */
    SCHEMA_DURATION,  /* google.protobuf.Duration: struct timestamp, not negative; only written */
    SCHEMA_SKIP,      /* known to the API and accepted, but nothing here reads it: no member */
};

/* How a struct says that a field is set. */
enum schema_presence {
    SCHEMA_IF_NOT_DEFAULT, /* by its value: not zero, not empty */
    SCHEMA_IF_POINTER,     /* the pointer is not NULL */
    SCHEMA_IF_FLAG,        /* the bool at has_offset */
    SCHEMA_IF_CASE,        /* the uint32_t at has_offset holds this row's number: a oneof */
    SCHEMA_IF_NOT_RAW,     /* VALUE_MAP of a document: the struct str at has_offset may stand in, encoded */
};

/* Name and number of every enumerator; n rows. */
struct schema_enum {
    const struct schema_enumerator {
        struct str name;
        int32_t number;
    } * rows;
    size_t n;
};

struct schema_field {
    struct str json, name; /* "updateMask", "update_mask" */
    uint32_t number;
    enum schema_type type;
    enum schema_presence presence;
    bool repeated;  /* the member is a REPEATED(T) */
    bool pointer;   /* the member is a T * */
    bool wrapped;   /* google.protobuf.Int32Value and the like: a message on the wire, bare in JSON */
    bool json_only; /* not in the published proto */
    bool write_only; /* of answers that nothing here reads: skipped then */
    uint16_t offset, has_offset;
    const struct schema_message *message;  /* of SCHEMA_MESSAGE */
    const struct schema_enum *enumeration; /* of SCHEMA_ENUM */
};

struct schema_message {
    const char *name; /* "CommitRequest" */
    size_t size;      /* of the C struct */
    const struct schema_field *fields;
    size_t n;      /* at most SCHEMA_FIELDS_MAX */
    bool is_value; /* struct value: the oneof is its kind and the codecs have their own code for it */
};
enum { SCHEMA_FIELDS_MAX = 32 }; /* decoders keep a set of rows in a uint32_t */

/* The layout every REPEATED(T) has. */
struct schema_list {
    void *items;
    size_t n;
};

/* Bytes of one element (of the member itself when it is neither repeated nor a pointer). */
size_t schema_element_size(const struct schema_field *field);
/* The row of that number or name (camelCase or snake_case), or NULL. */
const struct schema_field *schema_by_number(const struct schema_message *message, uint32_t number);
const struct schema_field *schema_by_name(const struct schema_message *message, struct str name);
/* The enumerator's name, or an empty str. */
struct str schema_enum_name(const struct schema_enum *e, int32_t number);
bool schema_enum_number(int32_t *out, const struct schema_enum *e, struct str name);

/* Where a message's field lives. */
static inline void *schema_at(void *message, size_t offset)
{
    return (char *)message + offset;
}
static inline const void *schema_at_const(const void *message, size_t offset)
{
    return (const char *)message + offset;
}
/* Whether the oneof member, flag or pointer says so; for SCHEMA_IF_NOT_DEFAULT always true. */
bool schema_is_set(const struct schema_field *field, const void *message);
/* Marks it set. Choosing another member of a oneof zeroes the new member first, which may share or hold
 * leftovers of an earlier choice. */
void schema_mark_set(const struct schema_field *field, void *message);

#endif

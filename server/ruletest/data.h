/* data.h - values of a test file: a tree as it is written, and what a request makes of it.
 *
 * They are two steps since what a name or ...NAME stands for may hold serverTimestamp() and other things that
 * are no values, and since what it means depends on where it is used. */
#ifndef SERVER_RULETEST_DATA_H
#define SERVER_RULETEST_DATA_H

#include "core/messages.h"

struct ruletest_parser;

enum data_kind {
    DATA_SCALAR,
    DATA_OBJECT,
    DATA_ARRAY,
    DATA_TRANSFORM,    /* serverTimestamp(), increment(1) and others */
    DATA_DELETE_FIELD, /* deleteField() */
    DATA_ABSENT,
};

struct data {
    enum data_kind kind;
    uint32_t from, to; /* bytes of the file */
    struct value scalar;
    struct data_member *members; /* of an object, in the order written */
    struct data **items;         /* of an array */
    size_t n;
    struct msg_field_transform transform;
};

/* name: value, or ...value (n_path is 0). */
struct data_member {
    struct str *path; /* more than one only in a.b: value */
    size_t n_path;
    uint32_t from, to;
    const struct data *value;
};

/* Reads one value; the parser is behind it then. */
bool data_parse(struct ruletest_parser *p, const struct data **out);
/* One that is an object. */
bool data_parse_object(struct ruletest_parser *p, const struct data **out);

/* As a value of its own: an operand, an element. Nothing in it may be there for writes only. */
bool data_to_value(struct ruletest_parser *p, const struct data *data, struct value *out);
/* The same of an object: claims, a given document. */
bool data_to_map(struct ruletest_parser *p, const struct data *data, struct value_map *out);
/* What create and set write: fields and transforms. */
bool data_to_document(struct ruletest_parser *p, const struct data *data, struct msg_write *out);
/* What update changes: fields, their mask, and transforms. */
bool data_to_changes(struct ruletest_parser *p, const struct data *data, struct msg_write *out);

#endif

/* rvalue.h - the values that rules compute with.
 *
 * A struct rvalue is 16 bytes, so that functions return it in registers, and owns nothing: what it points to
 * lives in the decision's arena, in the ruleset or in the request's documents. Document values are wrapped,
 * not converted: a list or map that came from a document points at the document's own items and converts the
 * one that is asked for. Immutable after construction.
 *
 * Errors are values of type RT_UNDEFINED: operations hand them on, && and || may absorb them.
 *
 * Equality is of two kinds, as on Google's emulator 1.19.9: strict (1 and 1.0 differ) inside lists and maps
 * compared with ==, and loose (numbers by value, NaN equal to itself) in sets and map diffs.
 *
 * Strings are UTF-8 here and UTF-16 to the rules: size, index and order count UTF-16 units. A lone surrogate
 * (half of a pair that a rule cut) is kept as its three-byte encoding and becomes "?" in bytes. */
#ifndef RULES_ENGINE_RVALUE_H
#define RULES_ENGINE_RVALUE_H

#include "rules-engine/ast.h"

enum rvalue_form {
    LIST_ITEMS,   /* struct rvalue[]; sets too */
    LIST_VALUES,  /* struct value[] of a document */
    LIST_KEYS,    /* the names of struct field[] */
    MAP_ENTRIES,  /* struct rentry[], sorted by name, unique */
    MAP_FIELDS,   /* struct field[] of a document */
    MAP_DOCUMENT, /* a document as rules see it: __name__, data, id */
};

struct rduration {
    int64_t seconds;
    int32_t nanos; /* same sign as seconds */
};
enum { RDURATION_MAX_HI = 315576 }; /* times 1,000,000 seconds */
#define RDURATION_MAX INT64_C(315576000000)

struct rerror;
struct rpath;
struct rdiff;
struct rdocument;
struct rentry;
struct constraint_set; /* constraint.h */

struct rlatlng {
    double latitude, longitude;
};

struct rvalue {
    uint8_t type; /* enum rules_type */
    uint8_t form; /* enum rvalue_form, of lists, maps and sets */
    union {
        uint32_t n;    /* bytes of a text; elements of a list, map or set: LIMIT_RULES_ARENA bounds both */
        int32_t nanos; /* timestamp, duration: the rest of `seconds` */
    };
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *bytes; /* string, bytes: rv_str */
        int64_t seconds;   /* timestamp, duration: rv_timestamp, rv_interval */
        const struct rlatlng *latlng;
        const struct rvalue *items; /* these five: by form */
        const struct value *values;
        const struct field *fields;
        const struct rentry *entries;
        const struct rdocument *document;
        const struct rpath *path;
        const struct rdiff *diff;
        const struct value_list *vector;
        const struct constraint_set *constraint;
        const struct rerror *error;
    };
};

struct rentry {
    struct str name;
    struct rvalue value;
};

/* {__name__, data, id}; the path is made when it is asked for. */
struct rdocument {
    struct database_name db;
    struct str path;
    struct value_map fields;
};

struct rdiff {
    struct rvalue now, before; /* maps: receiver and argument of diff() */
};

enum rsegment_kind {
    SEGMENT_SIMPLE,
    SEGMENT_CAPTURE, /* {name}, with or without a value */
    SEGMENT_GLOB,    /* {name=**}, value is a path */
};
struct rsegment {
    enum rsegment_kind kind;
    bool bound;
    struct str name, text;    /* name of captures; text of simple and of bound captures */
    const struct rpath *glob; /* of bound globs */
};
struct rpath {
    const struct rsegment *items;
    size_t n;
};

struct rerror {
    const char *text;            /* Google's words */
    const struct ast_node *node; /* where it arose */
    bool fatal;                  /* not absorbed by && and || */
    bool unproved;               /* list: the query does not say */
};

/* ---- making ---- */

#define RV(type_, member, value) ((struct rvalue){ .type = (type_), .member = (value) })
static inline struct rvalue rv_null(void)
{
    return (struct rvalue){ .type = RT_NULL };
}
static inline struct rvalue rv_bool(bool b)
{
    return RV(RT_BOOL, boolean, b);
}
static inline struct rvalue rv_int(int64_t i)
{
    return RV(RT_INT, integer, i);
}
static inline struct rvalue rv_float(double d)
{
    return RV(RT_FLOAT, number, d);
}
static inline struct rvalue rv_string(struct str s)
{
    return (struct rvalue){ .type = RT_STRING, .n = (uint32_t)s.n, .bytes = s.p };
}
static inline struct rvalue rv_bytes(struct str s)
{
    return (struct rvalue){ .type = RT_BYTES, .n = (uint32_t)s.n, .bytes = s.p };
}
static inline struct rvalue rv_time(struct timestamp t)
{
    return (struct rvalue){ .type = RT_TIMESTAMP, .nanos = t.nanos, .seconds = t.seconds };
}
static inline struct rvalue rv_duration(struct rduration d)
{
    return (struct rvalue){ .type = RT_DURATION, .nanos = d.nanos, .seconds = d.seconds };
}
struct rvalue rv_latlng(struct arena *arena, double latitude, double longitude);
static inline struct rvalue rv_path(const struct rpath *p)
{
    return RV(RT_PATH, path, p);
}
static inline struct rvalue rv_list(const struct rvalue *items, size_t n)
{
    return (struct rvalue){ .type = RT_LIST, .form = LIST_ITEMS, .n = (uint32_t)n, .items = items };
}
static inline struct rvalue rv_set(const struct rvalue *items, size_t n) /* distinct */
{
    return (struct rvalue){ .type = RT_SET, .form = LIST_ITEMS, .n = (uint32_t)n, .items = items };
}
static inline struct rvalue rv_map(const struct rentry *entries, size_t n) /* sorted, unique */
{
    return (struct rvalue){ .type = RT_MAP, .form = MAP_ENTRIES, .n = (uint32_t)n, .entries = entries };
}
static inline struct rvalue rv_fields(const struct value_map *map)
{
    return (struct rvalue){ .type = RT_MAP, .form = MAP_FIELDS, .n = (uint32_t)map->n, .fields = map->items };
}
/* The keys of a map of fields, and back: neither is copied. */
static inline struct rvalue rv_keys_of_fields(struct rvalue map)
{
    return (struct rvalue){ .type = RT_LIST, .form = LIST_KEYS, .n = map.n, .fields = map.fields };
}
static inline struct rvalue rv_fields_of_keys(struct rvalue keys)
{
    return (struct rvalue){ .type = RT_MAP, .form = MAP_FIELDS, .n = keys.n, .fields = keys.fields };
}
static inline struct rvalue rv_document(const struct rdocument *document)
{
    return (struct rvalue){ .type = RT_MAP, .form = MAP_DOCUMENT, .n = 3, .document = document };
}

/* ---- reading ---- */

static inline struct str rv_str(struct rvalue v) /* of a string or bytes */
{
    return (struct str){ v.bytes, v.n };
}
static inline struct timestamp rv_timestamp(struct rvalue v)
{
    return (struct timestamp){ v.seconds, v.nanos };
}
static inline struct rduration rv_interval(struct rvalue v)
{
    return (struct rduration){ v.seconds, v.nanos };
}
static inline bool rv_is_error(struct rvalue v)
{
    return v.type == RT_UNDEFINED;
}
static inline bool rv_is_true(struct rvalue v)
{
    return v.type == RT_BOOL && v.boolean;
}
static inline bool rv_is_false(struct rvalue v)
{
    return v.type == RT_BOOL && !v.boolean;
}

/* A document's value; lists and maps are wrapped, references become paths without the project. */
struct rvalue rv_of_value(struct arena *arena, const struct value *value);
/* The path of simple segments "/databases/db/documents" + relative path, each id one segment. */
struct rvalue rv_document_path(struct arena *arena, struct database_name db, struct str path);
/* Sorts by name; of equal names the last one stays. Returns the new count. */
size_t rv_sort_entries(struct rentry *entries, size_t n);

/* ---- lists and maps, whatever their form ---- */

struct rvalue rv_at(struct arena *arena, struct rvalue list, size_t i); /* i < list.n */
struct str rv_key_at(struct rvalue map, size_t i);                      /* sorted */
struct rvalue rv_value_at(struct arena *arena, struct rvalue map, size_t i);
bool rv_lookup(struct rvalue *out, struct arena *arena, struct rvalue map, struct str name);
bool rv_has_key(struct rvalue map, struct str name);

/* ---- comparing ---- */

bool rv_equal(struct arena *arena, struct rvalue a, struct rvalue b); /* the == operator */
/* Whether a list has an element equal to v, as `in` and hasAll compare; a set: loosely. */
bool rv_list_has(struct arena *arena, struct rvalue list, struct rvalue v);
bool rv_equal_loose(struct arena *arena, struct rvalue a, struct rvalue b); /* sets, diffs */
uint64_t rv_hash(struct arena *arena, struct rvalue v); /* equal under any of the three: equal hashes */
/* Order of two strings, bytes, numbers, timestamps or durations; false for other types or a mixture.
 * *order is meaningless with NaN: ask rv_unordered first. */
bool rv_order(int *order, struct rvalue a, struct rvalue b);
static inline bool rv_unordered(struct rvalue a, struct rvalue b)
{
    return (a.type == RT_FLOAT && a.number != a.number) || (b.type == RT_FLOAT && b.number != b.number);
}

/* A growing set of values under one of the equalities, for lists long enough to need it. */
struct rset {
    struct arena *arena;
    bool loose;
    struct rvalue *items;
    size_t n, cap;
    uint32_t *slots; /* NULL while n is small: then searched in order */
    size_t n_slots;
};
void rset_init(struct rset *set, struct arena *arena, size_t expected, bool loose);
uint32_t rset_find(const struct rset *set, struct rvalue v); /* its place in items, from 1; 0: not there */
static inline bool rset_has(const struct rset *set, struct rvalue v)
{
    return rset_find(set, v) != 0;
}
bool rset_add(struct rset *set, struct rvalue v); /* false: it was there */
static inline struct rvalue rset_value(const struct rset *set)
{
    return rv_set(set->items, set->n);
}

/* ---- paths ---- */

/* Bound captures and globs resolved to simple segments; false when one is not bound: *unbound names it. */
bool rv_path_flat(struct arena *arena, const struct rpath *path, const struct rpath **flat,
                  struct str *unbound);
bool rv_path_unbound(const struct rpath *path);

/* ---- strings as UTF-16 ---- */

size_t rv_utf16_size(struct str s);
struct str rv_utf16_slice(struct arena *arena, struct str s, size_t from,
                          size_t to); /* units, from <= to <= size */
int rv_utf16_cmp(struct str a, struct str b);
struct str rv_concat(struct arena *arena, struct str a, struct str b); /* joins halves of a pair that meet */
struct str rv_utf8_bytes(struct arena *arena, struct str s);           /* lone surrogates become '?' */

/* ---- text ---- */

/* As string() prints it: null, bool, int, float (Java's format), string, path. False for other types. */
bool rv_to_string(struct str *out, struct arena *arena, struct rvalue v);
struct str rv_double_text(struct arena *arena, double d);
/* As a rule would write it, for people: 'abc', [1, 2], {a: 1}. Cut to max bytes with "..." at the end. */
void rv_print(struct buf *out, struct arena *arena, struct rvalue v);
const char *rv_text(struct arena *arena, struct rvalue v, size_t max);

#endif

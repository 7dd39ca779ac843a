/* match.h - the one matcher: a document against a tree of filters.
 *
 * Scans, transactions (phantoms) and listeners all decide by match_filter, so that they cannot disagree.
 * The semantics are those observed on Google's emulator 1.19.9 (tests/storage/query_answers.ndjson):
 *   - a field that is missing matches nothing;
 *   - EQUAL compares across int and double and matches neither null nor NaN when those are the operand;
 *   - inequalities match only values of the operand's type class, and never null or NaN;
 *   - NOT_EQUAL and NOT_IN match any other type and NaN, but not null; with a null operand, nothing;
 *   - elements of IN, NOT_IN and the array operators are compared like EQUAL. */
#ifndef STORAGE_MATCH_H
#define STORAGE_MATCH_H

#include "core/field_path.h"
#include "core/messages.h"

/* Field operators keep their numbers; unary ones follow. */
enum match_op {
    MATCH_LESS = FIELD_OP_LESS_THAN,
    MATCH_LESS_OR_EQUAL = FIELD_OP_LESS_THAN_OR_EQUAL,
    MATCH_GREATER = FIELD_OP_GREATER_THAN,
    MATCH_GREATER_OR_EQUAL = FIELD_OP_GREATER_THAN_OR_EQUAL,
    MATCH_EQUAL = FIELD_OP_EQUAL,
    MATCH_NOT_EQUAL = FIELD_OP_NOT_EQUAL,
    MATCH_ARRAY_CONTAINS = FIELD_OP_ARRAY_CONTAINS,
    MATCH_IN = FIELD_OP_IN,
    MATCH_ARRAY_CONTAINS_ANY = FIELD_OP_ARRAY_CONTAINS_ANY,
    MATCH_NOT_IN = FIELD_OP_NOT_IN,
    MATCH_IS_NAN,
    MATCH_IS_NULL,
    MATCH_IS_NOT_NAN,
    MATCH_IS_NOT_NULL,
    MATCH_OPS
};

enum match_kind { MATCH_FIELD, MATCH_NAME, MATCH_AND, MATCH_OR };

struct match_filter {
    enum match_kind kind;
    /* MATCH_AND (empty: everything), MATCH_OR (never empty) */
    struct match_filter *items;
    size_t n;
    /* MATCH_FIELD, MATCH_NAME */
    enum match_op op;
    struct field_path field;
    const struct value *operand; /* NULL for unary operators; an array for the list operators */
    /* MATCH_NAME: the operand's document paths, relative; one, or those of the list */
    struct str *paths;
    size_t n_paths;
};

/* `path` is relative. NULL matches everything. */
bool match_filter(const struct match_filter *filter, struct str path, const struct value_map *fields);

bool match_is_nan(const struct value *value);
/* Whether a comparison's operand, null or NaN, is one that nothing can match; of a list: every element. */
bool match_is_void(const struct match_filter *leaf);

#endif

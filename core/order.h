/* order.h - the order of Firestore values across all types, in one place.
 *
 * null < false < true < NaN < numbers (int and double by exact numeric value) < timestamp < string
 * (UTF-8 bytes) < bytes < reference < geopoint < array (element-wise) < vector (dimension, then
 * element-wise) < map (sorted keys, key then value). Observed on Google's emulator 1.19.9.
 *
 * An order key is a byte string whose memcmp order is the value order; equal values (1 and 1.0, 0.0 and
 * -0.0) have equal keys. Keys are self-delimiting, so that they can be concatenated. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/value.h"

enum order_class {
    ORDER_NULL, ORDER_BOOL, ORDER_NUMBER, ORDER_TIMESTAMP, ORDER_STRING, ORDER_BYTES,
    ORDER_REFERENCE, ORDER_GEO, ORDER_ARRAY, ORDER_VECTOR, ORDER_MAP,
};
/* The type class: inequality filters only match values of the operand's class. */
enum order_class order_class_of(const struct value *value);
/* Negative, 0, positive. Values are stored ones (no VALUE_UNSET). */
int order_compare(const struct value *a, const struct value *b);
/* Appends the key; false when buf overflowed. */
bool order_key(struct buf *out, const struct value *value);
/* Turns the order of what was appended to buf since its length was `from` round. */
void order_key_reverse(struct buf *buf, size_t from);
/* int against double, exactly, beyond 2^53 too. NaN sorts below every int. */
int order_compare_int_double(int64_t i, double d);

/* Ids: "__id<int64>__" sorts numerically and before all other ids; the rest by UTF-8 bytes. */
int order_compare_id(struct str a, struct str b);
/* Paths ("c/d/c2/d2"), segment by segment, ids as above; a prefix sorts first. */
int order_compare_path(struct str a, struct str b);
/* Self-delimiting keys with those orders. Every segment costs its bytes + 2 (NUL escaped) or 10. */
bool order_key_id(struct buf *out, struct str id);
bool order_key_path(struct buf *out, struct str path);
/* Order of two reference values: project, database, then path. */
int order_compare_reference(struct str a, struct str b);

#endif

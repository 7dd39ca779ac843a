/* order.c - see order.h: the comparison, and beside it the key whose memcmp order is the same.
 *
 * Keys are built from parts none of which is a prefix of another of its kind:
 *
 *   text, bytes   the bytes, each 00 as 00 FF, then 00 02
 *   id            text, or for `__id<n>__` 00 01 and n as 8 biased big-endian bytes
 *   path          its ids, then 00 00
 *   number        the largest double that is not greater, as 8 bytes that sort, then what is missing to the
 *                 number itself as 2 bytes. A double misses nothing, an int64 at most 1023: from 2^62 on
 *                 doubles are 512 or 1024 apart. So int and double mix exactly. NaN is eight zero bytes.
 *   value         its class as a byte (10 and up), then: nothing; 1 byte; number; seconds and nanos; text;
 *                 bytes; project, database, path; two doubles; the elements' values, then 00; dimension and
 *                 numbers; name and value of each member, then 00 00
 *
 * 00 00 < 00 01 < 00 02 < 00 FF < any other text, so ends sort before continuations, numeric ids before
 * other ids, and "a" before "a\0" before "aa". */
#include "core/order.h"

#include "core/path.h"

#include <assert.h>
#include <math.h>

enum { CLASS_BASE = 0x10 };

static const unsigned char END[] = { 0x00, 0x00 }, NUMERIC[] = { 0x00, 0x01 }, TEXT_END[] = { 0x00, 0x02 },
                           NUL[] = { 0x00, 0xFF };

enum order_class order_class_of(const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        return ORDER_NULL;
    case VALUE_BOOL:
        return ORDER_BOOL;
    case VALUE_INT:
    case VALUE_DOUBLE:
        return ORDER_NUMBER;
    case VALUE_TIMESTAMP:
        return ORDER_TIMESTAMP;
    case VALUE_STRING:
        return ORDER_STRING;
    case VALUE_BYTES:
        return ORDER_BYTES;
    case VALUE_REFERENCE:
        return ORDER_REFERENCE;
    case VALUE_GEO:
        return ORDER_GEO;
    case VALUE_ARRAY:
        return ORDER_ARRAY;
    case VALUE_MAP:
        return value_as_vector(value) ? ORDER_VECTOR : ORDER_MAP;
    case VALUE_UNSET:
    case VALUE_FIELD_REFERENCE:
    case VALUE_FUNCTION:
    case VALUE_PIPELINE:
        break;
    }
    assert(value->kind == VALUE_NULL && "what cannot be stored has no order");
    return ORDER_NULL;
}

/* ---- comparison ---- */

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}
static int compare_size(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* NaN is the lowest and equal to itself. */
static int compare_double(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(b) - isnan(a);
    return (a > b) - (a < b);
}

int order_compare_int_double(int64_t i, double d)
{
    if (isnan(d) || d < -0x1p63)
        return 1;
    if (d >= 0x1p63)
        return -1;
    int64_t whole = (int64_t)d; /* toward zero */
    if (i != whole)
        return i < whole ? -1 : 1;
    return compare_double((double)whole, d);
}

static int compare_number(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_INT)
        return b->kind == VALUE_INT ? compare_int(a->integer, b->integer)
                                    : order_compare_int_double(a->integer, b->number);
    return b->kind == VALUE_INT ? -order_compare_int_double(b->integer, a->number)
                                : compare_double(a->number, b->number);
}

int order_compare_id(struct str a, struct str b)
{
    int64_t na, nb;
    bool a_numeric = path_id_number(a, &na), b_numeric = path_id_number(b, &nb);
    if (a_numeric && b_numeric)
        return compare_int(na, nb);
    if (a_numeric || b_numeric)
        return a_numeric ? -1 : 1;
    return str_cmp(a, b);
}

int order_compare_path(struct str a, struct str b)
{
    for (;;) {
        struct str id_a, id_b;
        bool more_a = path_next(&a, &id_a), more_b = path_next(&b, &id_b);
        if (!more_a || !more_b)
            return more_a - more_b;
        int c = order_compare_id(id_a, id_b);
        if (c != 0)
            return c;
    }
}

/* The parts of "projects/p/databases/d/documents/path". Text of another form counts as a project. */
static struct str split_reference(struct database_name *db, struct str name)
{
    static const struct str projects = STR_INIT("projects"), databases = STR_INIT("databases"),
                            documents = STR_INIT("documents");
    struct str rest = name, word[5];
    bool ok = true;
    for (size_t i = 0; i < 5 && ok; i++)
        ok = path_next(&rest, &word[i]);
    if (ok && str_eq(word[0], projects) && str_eq(word[2], databases) && str_eq(word[4], documents)) {
        *db = (struct database_name){ word[1], word[3] };
        return rest;
    }
    *db = (struct database_name){ name, STR("") };
    return STR("");
}

int order_compare_reference(struct str a, struct str b)
{
    struct database_name db_a, db_b;
    struct str path_a = split_reference(&db_a, a), path_b = split_reference(&db_b, b);
    int c = str_cmp(db_a.project, db_b.project);
    if (c == 0)
        c = str_cmp(db_a.database, db_b.database);
    return c ? c : order_compare_path(path_a, path_b);
}

static int compare_elements(const struct value_list *a, const struct value_list *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int c = order_compare(&a->items[i], &b->items[i]);
        if (c != 0)
            return c;
    }
    return compare_size(a->n, b->n);
}

static int compare_vector(const struct value_list *a, const struct value_list *b)
{
    int c = compare_size(a->n, b->n);
    return c ? c : compare_elements(a, b);
}

static int compare_map(const struct value_map *a, const struct value_map *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int c = str_cmp(a->items[i].name, b->items[i].name);
        if (c == 0)
            c = order_compare(&a->items[i].value, &b->items[i].value);
        if (c != 0)
            return c;
    }
    return compare_size(a->n, b->n);
}

int order_compare(const struct value *a, const struct value *b)
{
    enum order_class class = order_class_of(a), other = order_class_of(b);
    if (class != other)
        return class < other ? -1 : 1;
    switch (class) {
    case ORDER_NULL:
        return 0;
    case ORDER_BOOL:
        return a->boolean - b->boolean;
    case ORDER_NUMBER:
        return compare_number(a, b);
    case ORDER_TIMESTAMP:
        return timestamp_cmp(a->time, b->time);
    case ORDER_STRING:
    case ORDER_BYTES:
        return str_cmp(a->text, b->text);
    case ORDER_REFERENCE:
        return order_compare_reference(a->text, b->text);
    case ORDER_GEO: {
        int c = compare_double(a->geo.latitude, b->geo.latitude);
        return c ? c : compare_double(a->geo.longitude, b->geo.longitude);
    }
    case ORDER_ARRAY:
        return compare_elements(&a->array, &b->array);
    case ORDER_VECTOR:
        return compare_vector(value_as_vector(a), value_as_vector(b));
    case ORDER_MAP:
        return compare_map(&a->map, &b->map);
    }
    return 0;
}

/* ---- keys ---- */

static bool put_big_endian(struct buf *out, uint64_t n, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = size; i-- > 0; n >>= 8)
        bytes[i] = (unsigned char)n;
    return buf_put(out, bytes, size);
}

/* Signed numbers sort as unsigned ones after adding 2^63. */
static bool put_int(struct buf *out, int64_t n)
{
    return put_big_endian(out, (uint64_t)n ^ UINT64_C(1) << 63, 8);
}

static bool put_double(struct buf *out, double d)
{
    uint64_t bits = 0;
    if (!isnan(d)) {
        d += 0.0; /* -0 becomes 0 */
        memcpy(&bits, &d, 8);
        bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    }
    return put_big_endian(out, bits, 8);
}

static bool put_number(struct buf *out, const struct value *value)
{
    if (value->kind == VALUE_DOUBLE)
        return put_double(out, value->number) && put_big_endian(out, 0, 2);
    double below = (double)value->integer;
    if (order_compare_int_double(value->integer, below) < 0)
        below = nextafter(below, -INFINITY);
    uint64_t missing = (uint64_t)value->integer - (uint64_t)(int64_t)below;
    assert(missing < 1024);
    return put_double(out, below) && put_big_endian(out, missing, 2);
}

static bool put_text(struct buf *out, struct str s)
{
    while (s.n > 0) {
        const char *nul = memchr(s.p, '\0', s.n);
        size_t n = nul ? (size_t)(nul - s.p) : s.n;
        if (!buf_put(out, s.p, n) || (nul && !buf_put(out, NUL, sizeof NUL)))
            return false;
        s = str_skip(s, nul ? n + 1 : n);
    }
    return buf_put(out, TEXT_END, sizeof TEXT_END);
}

bool order_key_id(struct buf *out, struct str id)
{
    int64_t number;
    if (path_id_number(id, &number))
        return buf_put(out, NUMERIC, sizeof NUMERIC) && put_int(out, number);
    return put_text(out, id);
}

bool order_key_path(struct buf *out, struct str path)
{
    for (struct str id; path_next(&path, &id);) {
        if (!order_key_id(out, id))
            return false;
    }
    return buf_put(out, END, sizeof END);
}

static bool put_reference(struct buf *out, struct str name)
{
    struct database_name db;
    struct str path = split_reference(&db, name);
    return put_text(out, db.project) && put_text(out, db.database) && order_key_path(out, path);
}

static bool put_elements(struct buf *out, const struct value_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!order_key(out, &list->items[i]))
            return false;
    }
    return buf_byte(out, 0);
}

static bool put_vector(struct buf *out, const struct value_list *list)
{
    if (!put_big_endian(out, list->n, 8))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        if (!put_number(out, &list->items[i]))
            return false;
    }
    return true;
}

static bool put_map(struct buf *out, const struct value_map *map)
{
    for (size_t i = 0; i < map->n; i++) {
        if (!put_text(out, map->items[i].name) || !order_key(out, &map->items[i].value))
            return false;
    }
    return buf_put(out, END, sizeof END);
}

bool order_key(struct buf *out, const struct value *value)
{
    enum order_class class = order_class_of(value);
    if (!buf_byte(out, (unsigned char)(CLASS_BASE + class)))
        return false;
    switch (class) {
    case ORDER_NULL:
        return true;
    case ORDER_BOOL:
        return buf_byte(out, value->boolean);
    case ORDER_NUMBER:
        return put_number(out, value);
    case ORDER_TIMESTAMP:
        return put_int(out, value->time.seconds) && put_big_endian(out, (uint32_t)value->time.nanos, 4);
    case ORDER_STRING:
    case ORDER_BYTES:
        return put_text(out, value->text);
    case ORDER_REFERENCE:
        return put_reference(out, value->text);
    case ORDER_GEO:
        return put_double(out, value->geo.latitude) && put_double(out, value->geo.longitude);
    case ORDER_ARRAY:
        return put_elements(out, &value->array);
    case ORDER_VECTOR:
        return put_vector(out, value_as_vector(value));
    case ORDER_MAP:
        return put_map(out, &value->map);
    }
    return false;
}

/* Keys delimit themselves, so turning every bit is enough. */
void order_key_reverse(struct buf *buf, size_t from)
{
    for (size_t i = from; i < buf->len; i++)
        buf->data[i] = (unsigned char)~buf->data[i];
}

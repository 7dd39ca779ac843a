/* document_limits.c - see document_limits.h. Sizes and indexes are counted as the public docs of quotas,
 * storage size and index types say. */
#include "server/service/document_limits.h"

#include "core/limits.h"
#include "core/order.h"

#include <stdlib.h>

/* ---- entries of the indexes that every document has: ascending and descending for each field that is
 * neither an array nor a map, one for each different element of an array; the fields of maps likewise ---- */

static int by_order(const void *a, const void *b)
{
    return order_compare(*(const struct value *const *)a, *(const struct value *const *)b);
}

static size_t different(const struct value_list *list, struct arena *arena)
{
    const struct value **sorted = ARENA_ARRAY(arena, const struct value *, list->n);
    for (size_t i = 0; i < list->n; i++)
        sorted[i] = &list->items[i];
    if (list->n > 1)
        qsort(sorted, list->n, sizeof *sorted, by_order);
    size_t n = list->n > 0;
    for (size_t i = 1; i < list->n; i++)
        n += order_compare(sorted[i - 1], sorted[i]) != 0;
    return n;
}

/* exactly: elements that an array has twice count once; costs sorting it. */
static size_t index_entries(const struct value_map *fields, bool exactly, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < fields->n; i++) {
        const struct value *value = &fields->items[i].value;
        if (value->kind == VALUE_ARRAY)
            n += exactly ? different(&value->array, arena) : value->array.n;
        else if (value->kind == VALUE_MAP && !value_as_vector(value))
            n += index_entries(&value->map, exactly, arena);
        else
            n += 2;
    }
    return n;
}

enum status_code document_limits_check(struct str path, const struct value_map *fields, struct arena *arena,
                                       struct status *st)
{
    if (document_size(path, fields) > LIMIT_DOCUMENT_BYTES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "maximum entity size is %d bytes",
                          LIMIT_DOCUMENT_BYTES);
    size_t name_bytes = path.n + 1 + 16; /* of each id its length and one, and 16 */
    if (name_bytes > LIMIT_DOCUMENT_NAME_BYTES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "the document's name is longer than %d bytes",
                          LIMIT_DOCUMENT_NAME_BYTES);
    if (index_entries(fields, false, arena) <= LIMIT_INDEX_ENTRIES)
        return STATUS_OK;
    size_t n = index_entries(fields, true, arena);
    if (n <= LIMIT_INDEX_ENTRIES)
        return STATUS_OK;
    return status_set(st, STATUS_INVALID_ARGUMENT,
                      "too many index entries for entity /" STR_FMT ": %zu, at most %d are allowed",
                      STR_ARG(path), n, LIMIT_INDEX_ENTRIES);
}

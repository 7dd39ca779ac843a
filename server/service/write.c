/* write.c - see write.h. Masks, deletes, transforms: observed on Google's emulator 1.19.9 and public docs. */
#include "server/service/write.h"

#include "core/order.h"
#include "core/path.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { OP_UPDATE = 1, OP_DELETE = 2, OP_VERIFY = 5, OP_TRANSFORM = 6 };

/* Masks and transforms belong to updates. `what` is the kind of write in Google's words. */
static enum status_code refuse_extras(const struct msg_write *write, const char *what, struct status *st)
{
    if (write->update_mask)
        return status_set(st, STATUS_INVALID_ARGUMENT, "a %s must not specify a document mask.", what);
    if (write->update_transforms.n)
        return status_set(st, STATUS_INVALID_ARGUMENT, "a %s must not specify a update transform.", what);
    return STATUS_OK;
}

enum status_code write_target(struct str *name, const struct msg_write *write, struct status *st)
{
    switch (write->operation_case) {
    case OP_UPDATE:
        *name = write->update.name;
        break;
    case OP_DELETE:
        *name = write->delete_name;
        if (refuse_extras(write, "delete", st))
            return st->code;
        break;
    case OP_VERIFY:
        *name = write->verify;
        if (refuse_extras(write, "verify", st))
            return st->code;
        break;
    case OP_TRANSFORM:
        *name = write->transform.document;
        if (refuse_extras(write, "transform", st))
            return st->code;
        if (write->transform.field_transforms.n == 0)
            return status_set(st, STATUS_INVALID_ARGUMENT, "The list of FieldTransform must not be empty.");
        break;
    default:
        return status_set(st, STATUS_INVALID_ARGUMENT, "empty write operation");
    }
    return STATUS_OK;
}

enum status_code write_check_form(const struct msg_write *write, struct status *st)
{
    const struct msg_precondition *pre = write->current_document;
    if (write->operation_case == OP_VERIFY && (!pre || pre->condition_case == 0))
        return status_set(st, STATUS_INVALID_ARGUMENT, "a verify must contain a precondition");
    if (!pre || pre->condition_case != 2)
        return STATUS_OK;
    if (pre->update_time.nanos % 1000 != 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "timestamp cannot have more than microseconds precision");
    if (pre->update_time.seconds < 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Only timestamps past epoch are supported.");
    return STATUS_OK;
}

/* Google's textual form of an entity path, as its "no entity to update" message has it. */
static void print_elements(struct buf *out, struct str path)
{
    struct str collection, id;
    while (path_next(&path, &collection) && path_next(&path, &id)) {
        buf_z(out, "  Element {\n    type: \"");
        buf_str(out, collection);
        buf_z(out, "\"\n    name: \"");
        buf_str(out, id);
        buf_z(out, "\"\n  }\n");
    }
}

/* `what` is wrong with the entity at `path`. */
static enum status_code refuse_entity(struct status *st, enum status_code code, const char *what,
                                      struct str project, struct str path)
{
    struct buf elements;
    buf_init(&elements, 64 * 1024);
    print_elements(&elements, path);
    status_set(st, code, "%s: app: \"dev~" STR_FMT "\"\npath <\n" STR_FMT ">\n", what, STR_ARG(project),
               STR_ARG(buf_view(&elements)));
    buf_dispose(&elements);
    return code;
}

static enum status_code check_update_time(int64_t wanted, const struct write_state *state, struct str project,
                                          struct str path, struct status *st)
{
    int64_t stored = state->update_time_us;
    if (stored == wanted)
        return STATUS_OK;
    if (state->exists && stored < wanted)
        return refuse_entity(st, STATUS_INVALID_ARGUMENT,
                             "Invalid base version, it is greater than the stored version", project, path);
    return status_set(st, STATUS_FAILED_PRECONDITION,
                      "the stored version (%lld) does not match the required base version (%lld)",
                      (long long)stored, (long long)wanted);
}

enum status_code write_check(const struct msg_precondition *precondition, const struct write_state *state,
                             struct str project, struct str path, struct status *st)
{
    if (!precondition || precondition->condition_case == 0)
        return STATUS_OK;
    if (precondition->condition_case == 2)
        return check_update_time(timestamp_to_us(precondition->update_time), state, project, path, st);
    if (precondition->exists == state->exists)
        return STATUS_OK;
    if (state->exists)
        return status_set(st, STATUS_ALREADY_EXISTS,
                          "entity already exists: EntityRef{partitionRef=dev~" STR_FMT ", path=/" STR_FMT "}",
                          STR_ARG(project), STR_ARG(path));
    return refuse_entity(st, STATUS_NOT_FOUND, "no entity to update", project, path);
}

/* ---- transforms ---- */

static bool is_number(const struct value *v)
{
    return v && (v->kind == VALUE_INT || v->kind == VALUE_DOUBLE);
}

static double as_double(const struct value *v)
{
    return v->kind == VALUE_INT ? (double)v->integer : v->number;
}

static struct value increment(const struct value *old, const struct value *by)
{
    if (!is_number(old))
        return *by;
    if (old->kind == VALUE_DOUBLE || by->kind == VALUE_DOUBLE)
        return (struct value){ .kind = VALUE_DOUBLE, .number = as_double(old) + as_double(by) };
    int64_t sum;
    if (__builtin_add_overflow(old->integer, by->integer, &sum))
        sum = by->integer > 0 ? INT64_MAX : INT64_MIN;
    return (struct value){ .kind = VALUE_INT, .integer = sum };
}

/* sign 1: maximum, -1: minimum. Equal values keep the stored one; NaN wins. */
static struct value extreme(const struct value *old, const struct value *other, int sign)
{
    if (!is_number(old))
        return *other;
    if (old->kind == VALUE_DOUBLE && isnan(old->number))
        return *old;
    if (other->kind == VALUE_DOUBLE && isnan(other->number))
        return *other;
    return order_compare(other, old) * sign > 0 ? *other : *old;
}

static bool contains(const struct value_list *list, const struct value *v)
{
    for (size_t i = 0; i < list->n; i++)
        if (value_equal(&list->items[i], v))
            return true;
    return false;
}

static struct value change_array(const struct value *old, const struct value_list *operand, bool append,
                                 struct arena *arena)
{
    struct value_list from = old && old->kind == VALUE_ARRAY ? old->array : (struct value_list){ 0 };
    struct value_list to = { ARENA_ARRAY(arena, struct value, from.n + operand->n), 0 };
    for (size_t i = 0; i < from.n; i++)
        if (append || !contains(operand, &from.items[i]))
            to.items[to.n++] = from.items[i];
    for (size_t i = 0; append && i < operand->n; i++)
        if (!contains(&to, &operand->items[i]))
            to.items[to.n++] = operand->items[i];
    return (struct value){ .kind = VALUE_ARRAY, .array = to };
}

static enum status_code transform_one(struct value *result, struct value *stored,
                                      const struct msg_field_transform *t, const struct value *old,
                                      struct timestamp now, struct arena *arena, struct status *st)
{
    *result = (struct value){ .kind = VALUE_NULL };
    switch (t->transform_case) {
    case 2:
        if (t->set_to_server_value != SERVER_VALUE_REQUEST_TIME)
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "ServerValue type must be specified for set_to_server_value transformation.");
        *stored = (struct value){ .kind = VALUE_TIMESTAMP, .time = now };
        *result = *stored;
        return STATUS_OK;
    case 3:
    case 4:
    case 5:
        if (value_check_operand(&t->operand, st))
            return st->code;
        if (!is_number(&t->operand))
            return status_set(st, STATUS_INVALID_ARGUMENT, "Input must be int64 or double.");
        *stored = t->transform_case == 3   ? increment(old, &t->operand)
                  : t->transform_case == 4 ? extreme(old, &t->operand, 1)
                                           : extreme(old, &t->operand, -1);
        *result = *stored;
        return STATUS_OK;
    case 6:
    case 7:
        for (size_t i = 0; i < t->array_operand.n; i++)
            if (value_check_operand(&t->array_operand.items[i], st))
                return st->code;
        *stored = change_array(old, &t->array_operand, t->transform_case == 6, arena);
        return STATUS_OK;
    default:
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "Operation type must be specified for field transformation.");
    }
}

static int by_path(const void *a, const void *b)
{
    return field_path_cmp(*(const struct field_path *const *)a, *(const struct field_path *const *)b);
}

/* A field and one below it cannot both be transformed. In the order of paths an ancestor stands right before
 * what lies below it (or before itself once more). */
static enum status_code refuse_nested(const struct field_path *paths, size_t n, struct arena *arena,
                                      struct status *st)
{
    const struct field_path **sorted = ARENA_ARRAY(arena, const struct field_path *, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &paths[i];
    if (n > 1)
        qsort(sorted, n, sizeof *sorted, by_path);
    for (size_t i = 1; i < n; i++)
        if (sorted[i - 1]->n < sorted[i]->n && field_path_contains(sorted[i - 1], sorted[i]))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "Cannot transform property " STR_FMT
                              " and its nested property at the same time.",
                              STR_ARG(field_path_print(arena, sorted[i - 1])));
    return STATUS_OK;
}

static enum status_code parse_paths(struct field_path *paths, const field_transform_list *list,
                                    struct arena *arena, struct status *st)
{
    for (size_t i = 0; i < list->n; i++) {
        if (field_path_parse(&paths[i], arena, list->items[i].field_path, st))
            return st->code;
        if (field_path_is_name(&paths[i]))
            return status_set(st, STATUS_INVALID_ARGUMENT, "a transform may not name __name__");
    }
    return refuse_nested(paths, list->n, arena, st);
}

static enum status_code transform_all(struct write_state *after, struct value_list *results,
                                      const field_transform_list *list, struct timestamp now,
                                      struct arena *arena, struct status *st)
{
    struct field_path *paths = ARENA_ARRAY(arena, struct field_path, list->n);
    results->items = ARENA_ARRAY(arena, struct value, list->n);
    if (parse_paths(paths, list, arena, st))
        return st->code;
    for (size_t i = 0; i < list->n; i++) {
        struct value stored;
        const struct value *old = field_path_get(&after->fields, &paths[i]);
        if (transform_one(&results->items[i], &stored, &list->items[i], old, now, arena, st))
            return st->code;
        field_path_set(arena, &after->fields, &paths[i], &stored);
        results->n++;
    }
    return STATUS_OK;
}

static enum status_code apply_mask(struct write_state *after, const struct msg_document_mask *mask,
                                   const struct value_map *given, struct arena *arena, struct status *st)
{
    struct field_path *paths = ARENA_ARRAY(arena, struct field_path, mask->field_paths.n);
    size_t n = 0;
    for (size_t i = 0; i < mask->field_paths.n; i++) {
        if (field_path_parse(&paths[n], arena, mask->field_paths.items[i], st))
            return st->code;
        n += !field_path_is_name(&paths[n]);
    }
    after->fields = field_path_merge(arena, &after->fields, given, paths, n);
    return STATUS_OK;
}

static enum status_code update(struct write_state *after, struct value_list *results,
                               const struct msg_write *write, struct timestamp now, struct arena *arena,
                               struct status *st)
{
    const struct msg_document_mask *mask = write->update_mask;
    if (!mask)
        after->fields = write->update.fields;
    else if (fields_validate(&write->update.fields, st) || /* what the mask leaves out, too: as on 1.19.9 */
             apply_mask(after, mask, &write->update.fields, arena, st))
        return st->code;
    return transform_all(after, results, &write->update_transforms, now, arena, st);
}

enum status_code write_apply(struct write_state *after, struct value_list *results,
                             const struct msg_write *write, const struct write_state *state,
                             struct timestamp now, struct arena *arena, struct status *st)
{
    *after = *state;
    *results = (struct value_list){ 0 };
    after->exists = true;
    switch (write->operation_case) {
    case OP_DELETE:
        after->exists = false;
        after->fields = (struct value_map){ 0 };
        return STATUS_OK;
    case OP_VERIFY:
        after->exists = state->exists;
        return STATUS_OK;
    case OP_TRANSFORM:
        if (transform_all(after, results, &write->transform.field_transforms, now, arena, st))
            return st->code;
        break;
    default:
        assert(write->operation_case == OP_UPDATE);
        if (update(after, results, write, now, arena, st))
            return st->code;
        break;
    }
    return fields_validate(&after->fields, st);
}

size_t write_transforms(const struct msg_write *write)
{
    return write->operation_case == OP_UPDATE      ? write->update_transforms.n
           : write->operation_case == OP_TRANSFORM ? write->transform.field_transforms.n
                                                   : 0;
}

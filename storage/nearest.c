/* nearest.c - see nearest.h. */
#include "storage/nearest.h"

#include "core/limits.h"
#include "core/order.h"
#include "storage/plan.h"

#include <math.h>

/* ---- what the client wrote ---- */

enum status_code nearest_convert(struct nearest **out, const struct msg_find_nearest *message,
                                 struct arena *arena, struct status *st)
{
    struct nearest *nearest = ARENA_NEW(arena, struct nearest);
    if (value_check_operand(&message->query_vector, st))
        return st->code;
    nearest->to = value_as_vector(&message->query_vector);
    if (!nearest->to)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Query Value must be of type vector.");
    int64_t limit = message->limit.set ? message->limit.value : 0;
    if (limit <= 0 || limit > LIMIT_NEAREST)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "FindNearest.limit must be a positive integer of no more than %d", LIMIT_NEAREST);
    nearest->limit = (uint64_t)limit;
    nearest->measure = message->distance_measure;
    if (nearest->measure < DISTANCE_EUCLIDEAN || nearest->measure > DISTANCE_DOT_PRODUCT)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Unknown Distance Measure.");
    if (field_path_parse(&nearest->field, arena, message->vector_field.field_path, st))
        return st->code;
    nearest->result_field = message->distance_result_field;
    nearest->has_threshold = message->distance_threshold.set;
    nearest->threshold = message->distance_threshold.value;
    *out = nearest;
    return STATUS_OK;
}

enum status_code nearest_check(const struct nearest *nearest, struct status *st)
{
    if (plan_check_property("distanceResultField.", nearest->result_field, st))
        return st->code;
    if (nearest->has_threshold && !isfinite(nearest->threshold))
        return status_set(st, STATUS_INVALID_ARGUMENT, "distanceThreshold must be a finite number.");
    return STATUS_OK;
}

/* ---- measuring ---- */

static double euclidean(const struct value *a, const struct value *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = a[i].number - b[i].number;
        sum += difference * difference;
    }
    return sqrt(sum);
}

static double dot_product(const struct value *a, const struct value *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i].number * b[i].number;
    return sum;
}

static double cosine(const struct value *a, const struct value *b, size_t n)
{
    return 1 - dot_product(a, b, n) / sqrt(dot_product(a, a, n) * dot_product(b, b, n));
}

static const struct measure {
    double (*distance)(const struct value *a, const struct value *b, size_t n);
    bool greatest_first;
} measures[] = {
    [DISTANCE_EUCLIDEAN] = { euclidean, false },
    [DISTANCE_COSINE] = { cosine, false },
    [DISTANCE_DOT_PRODUCT] = { dot_product, true },
};

bool nearest_distance(double *out, const struct nearest *nearest, const struct value_map *fields)
{
    const struct measure *measure = &measures[nearest->measure];
    const struct value *value = field_path_get(fields, &nearest->field);
    const struct value_list *vector = value ? value_as_vector(value) : NULL;
    if (!vector || vector->n != nearest->to->n)
        return false;
    *out = measure->distance(nearest->to->items, vector->items, vector->n);
    if (!nearest->has_threshold)
        return true;
    return measure->greatest_first ? *out >= nearest->threshold : *out <= nearest->threshold;
}

bool nearest_key(struct buf *out, const struct nearest *nearest, double distance)
{
    size_t from = out->len;
    struct value value = { .kind = VALUE_DOUBLE, .number = distance };
    /* As a value NaN is the least number, as a distance the greatest. */
    bool no_number = isnan(distance);
    bool ok = buf_byte(out, no_number) && order_key(out, &value);
    if (measures[nearest->measure].greatest_first)
        order_key_reverse(out, from);
    return ok;
}

void nearest_set_result(struct value_map *fields, const struct nearest *nearest, struct arena *arena)
{
    struct str name = nearest->result_field;
    struct field_path path = { &name, 1 };
    struct value distance = { .kind = VALUE_DOUBLE };
    if (name.n > 0 && nearest_distance(&distance.number, nearest, fields))
        field_path_set(arena, fields, &path, &distance);
}

/* aggregate.c - see aggregate.h. */
#include "storage/aggregate.h"

#include "core/limits.h"
#include "storage/plan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum aggregate_operator {
    AGGREGATE_COUNT = 1,
    AGGREGATE_SUM = 2,
    AGGREGATE_AVG = 3
}; /* as the message has it */

struct aggregate {
    enum aggregate_operator op;
    struct str alias;
    struct field_path field; /* not of counts */
    int64_t up_to;           /* of counts; INT64_MAX: no bound */
};

struct aggregate_plan {
    struct query_plan *query;
    struct aggregate items[LIMIT_AGGREGATIONS];
    size_t n;
};

/* ---- refusals ---- */

static enum status_code convert(struct aggregate *out, const struct msg_aggregation *message,
                                struct arena *arena, struct status *st)
{
    out->op = (enum aggregate_operator)message->operator_case;
    out->alias = message->alias;
    out->up_to = message->count_up_to.set ? message->count_up_to.value : INT64_MAX;
    switch (out->op) {
    case AGGREGATE_COUNT:
        if (out->up_to < 0)
            return status_set(
                st, STATUS_INVALID_ARGUMENT,
                "The `up_to` value in a COUNT aggregation must be greater than or equal to zero.");
        return STATUS_OK;
    case AGGREGATE_SUM:
        return field_path_parse(&out->field, arena, message->sum_field.field_path, st);
    case AGGREGATE_AVG:
        return field_path_parse(&out->field, arena, message->avg_field.field_path, st);
    }
    return status_set(st, STATUS_INVALID_ARGUMENT, "Operator field in Aggregation is not set.");
}

/* All are looked at before it is said that there are too many, so only the first ones are kept. */
static enum status_code convert_all(struct aggregate_plan *plan,
                                    const struct msg_structured_aggregation_query *query, struct arena *arena,
                                    struct status *st)
{
    for (size_t i = 0; i < query->aggregations.n; i++) {
        struct aggregate item = { 0 };
        if (convert(&item, &query->aggregations.items[i], arena, st))
            return st->code;
        if (i < LIMIT_AGGREGATIONS)
            plan->items[plan->n++] = item;
    }
    return STATUS_OK;
}

static enum status_code check_number(size_t n, struct status *st)
{
    if (n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Aggregations can not be empty.");
    if (n > LIMIT_AGGREGATIONS)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "The maximum number of aggregations allowed in an aggregation query is %d. Received: %zu.",
            LIMIT_AGGREGATIONS, n);
    return STATUS_OK;
}

/* Those without an alias are field_1, field_2 and so on. */
static enum status_code name_all(struct aggregate_plan *plan, struct arena *arena, struct status *st)
{
    unsigned unnamed = 0;
    for (size_t i = 0; i < plan->n; i++) {
        struct aggregate *a = &plan->items[i];
        if (a->alias.n == 0)
            a->alias = str_of(arena_printf(arena, "field_%u", ++unnamed));
        if (plan_check_property("", a->alias, st))
            return st->code;
    }
    return STATUS_OK;
}

static bool is_selected(const struct query_plan *query, const struct field_path *field)
{
    bool selected = field_path_is_name(field);
    for (size_t i = 0; i < query->n_select && !selected; i++)
        selected = field_path_contains(&query->select[i], field);
    return selected;
}

static enum status_code check_selected(const struct query_plan *query, const struct field_path *field,
                                       struct arena *arena, struct status *st)
{
    if (query->projected && query->n_select > 0 && !is_selected(query, field))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "The aggregation property %s is not present in the base query's property mask.",
                          plan_field_text(arena, field));
    return STATUS_OK;
}

static enum status_code check_field(const struct query_plan *query, const struct field_path *field,
                                    struct arena *arena, struct status *st)
{
    (void)arena;
    if (query->projected && query->n_select > 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "Cannot apply property masks when aggregation fields are present.");
    if (field_path_is_name(field))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "Aggregations are not supported for the property: __key__");
    if (query->projected)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "Aggregation over non-key properties is not supported for base query that only returns "
            "keys.");
    return STATUS_OK;
}

/* One question to the field of every sum and average, before the next question. */
static enum status_code check_fields(const struct aggregate_plan *plan,
                                     enum status_code (*check)(const struct query_plan *query,
                                                               const struct field_path *field,
                                                               struct arena *arena, struct status *st),
                                     struct arena *arena, struct status *st)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->items[i].op != AGGREGATE_COUNT && check(plan->query, &plan->items[i].field, arena, st))
            return st->code;
    return STATUS_OK;
}

static enum status_code check_aliases(const struct aggregate_plan *plan, struct status *st)
{
    char shown[STATUS_SHOWN];
    for (size_t i = 0; i < plan->n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(plan->items[i].alias, plan->items[k].alias))
                return status_set(st, STATUS_INVALID_ARGUMENT,
                                  "Aggregation aliases contain duplicate alias: %s.",
                                  status_show(shown, plan->items[i].alias));
    return STATUS_OK;
}

/* ---- the query below ---- */

static int compare_aliases(const void *a, const void *b)
{
    const struct aggregate *x = a, *y = b;
    return str_cmp(x->alias, y->alias);
}

/* Just the fields that are added up: a count alone decodes nothing but what its filters need. */
static enum status_code finish(struct aggregate_plan *plan, struct arena *arena, struct status *st)
{
    struct query_plan *query = plan->query;
    query->projected = true;
    query->n_select = 0;
    query->select = ARENA_ARRAY(arena, struct field_path, plan->n);
    for (size_t i = 0; i < plan->n; i++)
        if (plan->items[i].op != AGGREGATE_COUNT)
            query->select[query->n_select++] = plan->items[i].field;
    if (plan_finish(query, query->select, query->n_select, arena, st))
        return st->code;
    /* Only what a cut leaves depends on the order, not how much. */
    query->any_order = query->n_select == 0 || (query->limit == UINT64_MAX && query->offset == 0);
    /* What is stored is added up, not the distance that would take its place. */
    if (query->nearest)
        query->nearest->result_field = STR("");
    qsort(plan->items, plan->n, sizeof *plan->items, compare_aliases);
    return STATUS_OK;
}

enum status_code aggregate_check(struct aggregate_plan **out, struct database_name db, struct str parent,
                                 const struct msg_structured_aggregation_query *query, struct arena *arena,
                                 struct status *st)
{
    static const struct msg_structured_query everything = { 0 };
    struct aggregate_plan *plan = ARENA_NEW(arena, struct aggregate_plan);
    const struct msg_structured_query *base = query->structured_query ? query->structured_query : &everything;
    *out = NULL;
    size_t filters = 0; /* asked again by plan_begin; Google asks before it looks at the aggregations */
    if (base->where && plan_filter_combination(&filters, base->where, st))
        return st->code;
    if (convert_all(plan, query, arena, st) || plan_begin(&plan->query, db, parent, base, arena, st) ||
        check_number(query->aggregations.n, st) || name_all(plan, arena, st))
        return st->code;
    if (check_fields(plan, check_selected, arena, st) || check_fields(plan, check_field, arena, st))
        return st->code;
    if (check_aliases(plan, st) || finish(plan, arena, st))
        return st->code;
    *out = plan;
    return STATUS_OK;
}

struct query_plan *aggregate_query(const struct aggregate_plan *plan)
{
    return plan->query;
}

/* ---- adding up ---- */

__extension__ typedef __int128 wide; /* no number of documents overflows it */

/* Doubles by Neumaier's variant of Kahan's summation: `lost` is what the sum had no room for. */
struct sum {
    uint64_t numbers;
    wide integers;
    bool has_double;
    double doubles, lost;
};

struct aggregate_sums {
    const struct aggregate_plan *plan;
    int64_t documents;
    struct sum sums[LIMIT_AGGREGATIONS]; /* as plan->items */
};

struct aggregate_sums *aggregate_begin(const struct aggregate_plan *plan, struct arena *arena)
{
    struct aggregate_sums *sums = ARENA_NEW(arena, struct aggregate_sums);
    sums->plan = plan;
    return sums;
}

static void add_double(struct sum *sum, double x)
{
    double total = sum->doubles + x;
    bool kept = fabs(sum->doubles) >= fabs(x);
    sum->lost += kept ? (sum->doubles - total) + x : (x - total) + sum->doubles;
    sum->doubles = total;
}

static void add_value(struct sum *sum, const struct value *value)
{
    if (!value || (value->kind != VALUE_INT && value->kind != VALUE_DOUBLE))
        return;
    sum->numbers++;
    if (value->kind == VALUE_INT) {
        sum->integers += value->integer;
    } else {
        sum->has_double = true;
        add_double(sum, value->number);
    }
}

void aggregate_add(struct aggregate_sums *sums, const struct value_map *fields)
{
    sums->documents++;
    for (size_t i = 0; i < sums->plan->n; i++)
        if (sums->plan->items[i].op != AGGREGATE_COUNT)
            add_value(&sums->sums[i], field_path_get(fields, &sums->plan->items[i].field));
}

static double total(const struct sum *from)
{
    struct sum sum = *from;
    double integers = (double)sum.integers;
    add_double(&sum, integers);
    add_double(&sum, (double)(sum.integers - (wide)integers));
    /* Of infinities and what is no number nothing can be lost. */
    return isfinite(sum.doubles) ? sum.doubles + sum.lost : sum.doubles;
}

static struct value sum_result(const struct sum *sum)
{
    if (!sum->has_double && sum->integers >= INT64_MIN && sum->integers <= INT64_MAX)
        return (struct value){ .kind = VALUE_INT, .integer = (int64_t)sum->integers };
    return (struct value){ .kind = VALUE_DOUBLE, .number = total(sum) };
}

static struct value avg_result(const struct sum *sum)
{
    if (sum->numbers == 0)
        return (struct value){ .kind = VALUE_NULL };
    return (struct value){ .kind = VALUE_DOUBLE, .number = total(sum) / (double)sum->numbers };
}

struct value_map aggregate_result(const struct aggregate_sums *sums, struct arena *arena)
{
    const struct aggregate_plan *plan = sums->plan;
    struct value_map out = { ARENA_ARRAY(arena, struct field, plan->n), plan->n };
    for (size_t i = 0; i < plan->n; i++) {
        const struct aggregate *a = &plan->items[i];
        struct field *field = &out.items[i];
        field->name = a->alias;
        if (a->op == AGGREGATE_COUNT)
            field->value =
                (struct value){ .kind = VALUE_INT,
                                .integer = sums->documents < a->up_to ? sums->documents : a->up_to };
        else
            field->value = a->op == AGGREGATE_SUM ? sum_result(&sums->sums[i]) : avg_result(&sums->sums[i]);
    }
    return out;
}

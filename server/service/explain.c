/* explain.c - see explain.h. */
#include "server/service/explain.h"

#include "core/clock.h"

#include <inttypes.h>

void explain_begin(struct explain *explain, const struct msg_explain_options *options)
{
    explain->wanted = options != NULL;
    explain->analyze = options && options->analyze;
    explain->begun_ns = clock_mono_ns();
}

static struct field text_field(const char *name, const char *text)
{
    return (struct field){ str_of(name), { .kind = VALUE_STRING, .text = str_of(text) } };
}

static struct field number_field(const char *name, uint64_t number, struct arena *arena)
{
    return text_field(name, arena_printf(arena, "%" PRIu64, number));
}

static struct value_map map_of(const struct field *fields, size_t n, struct arena *arena)
{
    struct value_map map = { ARENA_ARRAY(arena, struct field, n), n };
    memcpy(map.items, fields, n * sizeof *fields);
    return map;
}

static struct msg_plan_summary *plan_summary(const struct query_explanation *source, struct arena *arena)
{
    struct msg_plan_summary *summary = ARENA_NEW(arena, struct msg_plan_summary);
    struct field index[] = {
        text_field("properties", source->properties),
        text_field("query_scope", source->scope),
    };
    summary->indexes_used.items = ARENA_NEW(arena, struct value_map);
    summary->indexes_used.items[0] = map_of(index, 2, arena);
    summary->indexes_used.n = 1;
    return summary;
}

static struct value_map debug_stats(const struct query_explanation *source, uint64_t billable, bool minimum,
                                    struct arena *arena)
{
    struct field billing[] = {
        number_field("documents_billable", billable, arena),
        number_field("index_entries_billable", 0, arena),
        number_field("min_query_cost", minimum, arena),
    };
    struct field debug[] = {
        { STR("billing_details"), { .kind = VALUE_MAP, .map = map_of(billing, 3, arena) } },
        number_field("documents_scanned", source->documents_scanned, arena),
        number_field("index_entries_scanned", source->index_entries_scanned, arena),
    };
    return map_of(debug, 3, arena);
}

const struct msg_explain_metrics *explain_metrics(const struct explain *explain, const struct query_run *run,
                                                  uint64_t results, uint64_t billable, struct arena *arena)
{
    if (!explain->wanted)
        return NULL;
    struct msg_explain_metrics *metrics = ARENA_NEW(arena, struct msg_explain_metrics);
    struct query_explanation source = query_explain(run->query);
    metrics->plan_summary = plan_summary(&source, arena);
    if (!explain->analyze)
        return metrics;
    struct msg_execution_stats *stats = ARENA_NEW(arena, struct msg_execution_stats);
    int64_t took_ns = clock_mono_ns() - explain->begun_ns;
    stats->results_returned = (int64_t)results;
    stats->execution_duration =
        (opt_timestamp){ true, { took_ns / 1000000000, (int32_t)(took_ns % 1000000000) } };
    stats->read_operations = billable ? (int64_t)billable : 1;
    stats->debug_stats = debug_stats(&source, (uint64_t)stats->read_operations, billable == 0, arena);
    metrics->execution_stats = stats;
    return metrics;
}

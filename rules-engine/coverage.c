/* coverage.c - the counters of coverage.h: shards, and telling values apart. */
#include "rules-engine/coverage.h"

#include "rules-engine/eval.h"

#include <sched.h>
#include <stdlib.h>

struct coverage_shard {
    struct coverage_shard *next; /* does not change once the shard is in the list */
    atomic_bool held;            /* by the decision or report that uses the shard */
    struct arena *arena;         /* of the kept values */
    struct buf scratch;
    struct coverage_node nodes[];
};

struct coverage {
    uint32_t n_nodes;
    _Atomic(struct coverage_shard *) shards;
};

static void free_shards(void *data)
{
    struct coverage *coverage = data;
    for (struct coverage_shard *shard = atomic_load(&coverage->shards), *next; shard; shard = next) {
        next = shard->next;
        arena_free(shard->arena);
        buf_dispose(&shard->scratch);
        free(shard);
    }
}

struct coverage *coverage_new(struct arena *arena, uint32_t n_nodes)
{
    struct coverage *coverage = ARENA_NEW(arena, struct coverage);
    coverage->n_nodes = n_nodes;
    atomic_init(&coverage->shards, NULL);
    arena_defer(arena, free_shards, coverage);
    return coverage;
}

/* Zeroed pages are the operating system's until they are written: a shard of a large ruleset costs what it
 * uses. */
static struct coverage_shard *new_shard(uint32_t n_nodes)
{
    struct coverage_shard *shard = calloc(1, sizeof *shard + n_nodes * sizeof shard->nodes[0]);
    if (!shard)
        abort();
    atomic_init(&shard->held, true);
    shard->arena = arena_new();
    buf_init(&shard->scratch, LIMIT_COVERAGE_VALUE_BYTES);
    return shard;
}

static bool try_hold(struct coverage_shard *shard)
{
    return !atomic_load_explicit(&shard->held, memory_order_relaxed) &&
           !atomic_exchange_explicit(&shard->held, true, memory_order_acquire);
}

struct coverage_shard *coverage_take(struct coverage *coverage)
{
    struct coverage_shard *first = atomic_load_explicit(&coverage->shards, memory_order_acquire);
    for (struct coverage_shard *shard = first; shard; shard = shard->next)
        if (try_hold(shard))
            return shard;
    struct coverage_shard *shard = new_shard(coverage->n_nodes);
    do
        shard->next = first;
    while (!atomic_compare_exchange_weak_explicit(&coverage->shards, &first, shard, memory_order_release,
                                                  memory_order_acquire));
    return shard;
}

void coverage_give(struct coverage_shard *shard)
{
    atomic_store_explicit(&shard->held, false, memory_order_release);
}

struct coverage_node *coverage_nodes(struct coverage_shard *shard)
{
    return shard->nodes;
}

/* ---- telling values apart ---- */

/* Where json is in the list, or where it would be appended. */
static struct coverage_value **find(struct coverage_node *node, struct str json)
{
    struct coverage_value **at = &node->values;
    while (*at && !str_eq((*at)->json, json))
        at = &(*at)->next;
    return at;
}

/* Counts `count` more of a value; false when there is no room for a new one. */
static bool add(struct coverage_node *node, struct arena *arena, struct str json, uint64_t count)
{
    struct coverage_value **at = find(node, json);
    if (!*at && node->n_values >= LIMIT_COVERAGE_VALUES)
        return false;
    if (!*at) {
        *at = ARENA_NEW(arena, struct coverage_value);
        (*at)->json = arena_str(arena, json);
        node->n_values++;
    }
    (*at)->count += count;
    return true;
}

/* A map that differs every time, such as `request`, is not written again and again once there is no room. */
static bool is_large(struct rvalue v)
{
    return v.type == RT_MAP || v.type == RT_LIST || v.type == RT_SET || v.type == RT_MAP_DIFF;
}

void coverage_look(struct eval *e, const struct ast_node *node, struct rvalue v)
{
    struct coverage_shard *shard = e->shard;
    struct coverage_node *counters = &shard->nodes[node->id];
    if (counters->looks >= LIMIT_COVERAGE_LOOKS || v.type == RT_BOOL) {
        counters->looks += counters->looks < LIMIT_COVERAGE_LOOKS;
        coverage_count(counters, v);
        return;
    }
    counters->looks++;
    buf_clear(&shard->scratch);
    coverage_put_value(&shard->scratch, e->ruleset, e->arena, v);
    bool fits = !shard->scratch.overflowed && arena_used(shard->arena) < LIMIT_COVERAGE_BYTES;
    if (fits && add(counters, shard->arena, buf_view(&shard->scratch), 1))
        return;
    counters->rest++;
    if (is_large(v))
        counters->looks = LIMIT_COVERAGE_LOOKS;
}

/* ---- adding up ---- */

static void add_node(struct coverage_node *sum, const struct coverage_node *node, struct arena *arena)
{
    sum->truth[false] += node->truth[false];
    sum->truth[true] += node->truth[true];
    sum->rest += node->rest;
    for (const struct coverage_value *value = node->values; value; value = value->next)
        if (!add(sum, arena, value->json, value->count))
            sum->rest += value->count;
}

struct coverage_node *coverage_sum(struct coverage *coverage, struct arena *arena)
{
    struct coverage_node *sum = ARENA_ARRAY(arena, struct coverage_node, coverage->n_nodes);
    struct coverage_shard *shard = atomic_load_explicit(&coverage->shards, memory_order_acquire);
    for (; shard; shard = shard->next) {
        while (!try_hold(shard)) /* for as long as one decision takes */
            sched_yield();
        for (uint32_t i = 0; i < coverage->n_nodes; i++)
            add_node(&sum[i], &shard->nodes[i], arena);
        coverage_give(shard);
    }
    return sum;
}

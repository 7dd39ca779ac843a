/* coverage.h - which values every expression of a ruleset has had, counted while decisions are made.
 *
 * Always on, so it must cost next to nothing and never make a decision wait:
 *
 *   1. Counters are kept in shards. A decision takes a shard that nobody else holds (coverage_take), counts
 * in it with plain additions, and gives it back; when all are held it makes a new one. So there are at most
 * as many shards as decisions that ever ran at once.
 *   2. Always counted, true, false or else, is only what is not evaluated whenever the expression around it
 * is: conditions, operands of &&, || and ?:, bodies of functions (coverage_begin, coverage_end: eval.h). How
 * often anything else was evaluated follows from that, and so does what was short-circuited
 * (coverage_report.c).
 *   3. The first LIMIT_COVERAGE_LOOKS evaluations of each of these are watched: every value below it is
 * looked at. Values other than true and false are written as JSON and kept with a count of their own,
 *      LIMIT_COVERAGE_VALUES different ones to an expression. Later evaluations are only counted.
 *
 * A report takes one shard after the other like a decision would, and adds them up. */
#ifndef RULES_ENGINE_COVERAGE_H
#define RULES_ENGINE_COVERAGE_H

#include "core/limits.h"
#include "rules-engine/rvalue.h"

struct eval;

/* A value that is neither true nor false, as Google's coverage report writes it. */
struct coverage_value {
    struct coverage_value *next; /* in the order of first sight */
    uint64_t count;
    struct str json;
};

/* The counters of one expression, by ast_node.id. */
struct coverage_node {
    uint64_t truth[2]; /* [v]: how often it was false, true */
    uint64_t rest;     /* how often something that is not among `values` */
    struct coverage_value *values;
    uint32_t n_values;
    uint32_t looks; /* how often it was watched, up to LIMIT_COVERAGE_LOOKS */
};

struct coverage;
struct coverage_shard;

/* For a ruleset of n_nodes expressions; freed with its arena. */
struct coverage *coverage_new(struct arena *arena, uint32_t n_nodes);

/* A shard that is the caller's alone until coverage_give. Never waits. */
struct coverage_shard *coverage_take(struct coverage *coverage);
void coverage_give(struct coverage_shard *shard);
struct coverage_node *coverage_nodes(struct coverage_shard *shard); /* n_nodes of them */

/* All shards added up, in arena. */
struct coverage_node *coverage_sum(struct coverage *coverage, struct arena *arena);

/* A watched node had this value. */
void coverage_look(struct eval *e, const struct ast_node *node, struct rvalue v);

/* The same of one that is not watched any more. */
static inline void coverage_count(struct coverage_node *counters, struct rvalue v)
{
    if (v.type == RT_BOOL)
        counters->truth[v.boolean]++;
    else
        counters->rest++;
}

/* Whether values of this node are still told apart. `nodes` is NULL while nothing is counted. */
static inline bool coverage_wants(const struct coverage_node *nodes, const struct ast_node *node)
{
    return nodes && nodes[node->id].looks < LIMIT_COVERAGE_LOOKS;
}

/* coverage_value.c: a value as Google's coverage report writes it, {"intValue":"7"}. */
void coverage_put_value(struct buf *out, const struct ruleset *ruleset, struct arena *arena, struct rvalue v);

/* {"line":..} of the bytes from `from` to `to` of a file. */
void coverage_put_position(struct buf *out, const struct source *source, uint32_t from, uint32_t to);

#endif

/* aggregate.h - count, sum and avg over the result of a query, in the memory of one document.
 *
 * What counts is as observed on Google's emulator 1.19.9: with a sum or an average only documents that have
 * every such field are in the query's result, for the others too, which the query is then also ordered by
 * (a limit cuts in that order); of the values only numbers are added. Integers are added exactly: their sum
 * is an integer when it fits and no double was among them. Doubles are added with compensation for what
 * rounding loses; Google's emulator adds them in an order of its own, so that the last digits may differ. */
#ifndef STORAGE_AGGREGATE_H
#define STORAGE_AGGREGATE_H

#include "storage/query.h"

struct aggregate_plan;

/* Every refusal of query_check, and those of the aggregations, in Google's order. The plan is in `arena` and
 * borrows from db, parent and query. */
enum status_code aggregate_check(struct aggregate_plan **out, struct database_name db, struct str parent,
                                 const struct msg_structured_aggregation_query *query, struct arena *arena,
                                 struct status *st);
/* The query whose result is to be added up, document by document, in any order: its documents hold just the
 * fields that are looked at. */
struct query_plan *aggregate_query(const struct aggregate_plan *plan);

struct aggregate_sums;
struct aggregate_sums *aggregate_begin(const struct aggregate_plan *plan, struct arena *arena);
void aggregate_add(struct aggregate_sums *sums, const struct value_map *fields);
/* One value for each alias; in arena. */
struct value_map aggregate_result(const struct aggregate_sums *sums, struct arena *arena);

#endif

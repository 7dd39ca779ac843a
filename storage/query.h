/* query.h - structured queries over a view: checked, planned, streamed.
 *
 * Life cycle: query_check (every refusal, no I/O) -> query_open -> query_next until the end ->
 * query_close. One matcher, storage/match.h, decides document against query everywhere: scans,
 * transactions, listeners. */
#ifndef STORAGE_QUERY_H
#define STORAGE_QUERY_H

#include "core/field_path.h"
#include "core/messages.h"
#include "storage/storage.h"

/* A query with its field paths parsed, its implied orders added and its limits checked. Immutable. */
struct query_plan;

/* INVALID_ARGUMENT with the texts of Google's emulator 1.19.9; UNIMPLEMENTED naming the feature for what
 * this version does not answer yet. Everything is in `arena`. */
enum status_code query_check(struct query_plan **out, struct database_name db, struct str parent,
                             const struct msg_structured_query *query, struct arena *arena, struct status *st);

/* What the security rules need to know of it: conjunctive constraints by disjunct. */
struct query_constraint {
    struct field_path field;
    int32_t op; /* enum msg_field_op */
    const struct value *operand;
};
struct query_disjunct {
    struct query_constraint *items;
    size_t n;
};
const struct query_disjunct *query_disjuncts(const struct query_plan *plan, size_t *n);
struct str query_collection_path(const struct query_plan *plan); /* of a single collection; "" otherwise */

/* Whether a document belongs to the unlimited result: filters, orders' existence, cursors. */
bool query_matches(const struct query_plan *plan, struct str path, const struct value_map *fields);

/* ListDocuments as a query: the collection in `order_by` ("a desc, b"; "" for name order), going on after
 * page_token ("" for the first page), limited to `page`. *out is the equivalent structured query without
 * the cursor (for rules and transactions). INVALID_ARGUMENT: `invalid page token`,
 * `Invalid order by clause "a sideways".` */
enum status_code query_for_list(struct msg_structured_query *out, struct query_plan **plan, struct database_name db,
                                struct str parent, struct str collection_id, struct str order_by,
                                struct str page_token, size_t page, struct arena *arena, struct status *st);
/* The token after `last`: a cursor (its order values and name) with a checksum, base64. `last` is a document
 * that query_next returned (fields or fields_raw). */
struct str query_page_token(struct arena *arena, const struct query_plan *plan, const struct document *last);

struct query;
enum status_code query_open(struct query **out, const struct query_plan *plan, struct store_reader *reader,
                            uint64_t view, struct status *st);
/* The next document in result order, projection applied; out->name is empty at the end. In `arena`, which
 * may be reset between calls. Memory is bounded by limit (top-k) or, without one, by LIMIT_SORT_BYTES:
 * RESOURCE_EXHAUSTED above. `reader` may differ from call to call: a query can go on on another worker. */
enum status_code query_next(struct query *query, struct store_reader *reader, struct arena *arena,
                            struct document *out, struct status *st);
void query_close(struct query *query);

#endif

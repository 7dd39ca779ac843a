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

/* INVALID_ARGUMENT with the texts of Google's emulator 1.19.9 (FAILED_PRECONDITION for a scan by name
 * downwards); UNIMPLEMENTED naming the feature for what this version does not answer yet. `parent` is
 * relative: "" or a document's path. The plan is in `arena` and borrows from db, parent and query. */
enum status_code query_check(struct query_plan **out, struct database_name db, struct str parent,
                             const struct msg_structured_query *query, struct arena *arena,
                             struct status *st);

/* What the security rules need to know of it: conjunctive constraints by disjunct (at most
 * LIMIT_QUERY_DISJUNCTIONS). IN and ARRAY_CONTAINS_ANY are expanded to EQUAL and ARRAY_CONTAINS; IS_NULL and
 * IS_NAN are EQUAL with a null or NaN, IS_NOT_NULL and IS_NOT_NAN NOT_EQUAL with one, and `unary`: a field filter
 * with such an operand is not the same (match.h). NOT_IN keeps its list.
 * A field `__name__` (field_path_is_name) has reference operands. A query without filters has one disjunct
 * without constraints. */
struct query_constraint {
    struct field_path field;
    int32_t op; /* enum msg_field_op */
    bool unary;
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

struct query;
enum status_code query_open(struct query **out, const struct query_plan *plan, struct store_reader *reader,
                            uint64_t view, struct status *st);
/* The next document in result order, projection applied; out->name is empty at the end, and when the query pauses.
 * In `arena`, which may be reset between calls. Memory is bounded whatever the number of documents (sort.h).
 * `reader` may differ from call to call: a query can go on on another worker. */
enum status_code query_next(struct query *query, struct store_reader *reader, struct arena *arena,
                            struct document *out, struct status *st);
/* From clock_mono_ns() >= mono_ns on query_next pauses rather than work on, having done something at least: the
 * caller lets others have their turn, sets a new time and calls it again. 0, the default: it never does. */
void query_pause_at(struct query *query, int64_t mono_ns);
/* Whether query_next came back without a document because it pauses. */
bool query_paused(const struct query *query);
void query_close(struct query *query);
/* What an open query reads to find its result, which may then have to be sorted, and how much of it was read so
 * far, whether it belongs to the result or not. */
struct query_explanation {
    const char *scope;      /* "Collection", "Collection group", "Database" */
    const char *properties; /* of the index, as Google writes them: "(__name__ ASC)" */
    uint64_t documents_scanned, index_entries_scanned;
};
struct query_explanation query_explain(const struct query *query);

/* ---- ListDocuments, as a query with pages ---- */

struct query_list_options {
    struct str collection_id;
    struct str order_by;   /* "a desc, b"; empty: by name */
    int32_t page_size;     /* 0: LIMIT_LIST_PAGE_DEFAULT; never more than LIMIT_LIST_PAGE */
    struct str page_token; /* of query_page_token_make, for the same list; empty: from the start */
    bool show_missing;     /* only for what is refused with it, and what is not */
};
/* A plan whose limit is the page (*page documents; a full one has a next page). Masks are the caller's. */
enum status_code query_list(struct query_plan **out, int32_t *page, struct database_name db,
                            struct str parent, const struct query_list_options *options, struct arena *arena,
                            struct status *st);
/* "Invalid order by clause ..." and what field_path_parse refuses. */
enum status_code query_parse_order_by(struct msg_order **orders, size_t *n, struct arena *arena,
                                      struct str text, struct status *st);
/* The token (page_token.h) of the page after `last_path`, an answer of the plan with these (whole) fields: its
 * position is the values that the list is ordered by, and the name. */
struct str query_page_token_make(struct arena *arena, const struct query_plan *plan, struct str last_path,
                                 const struct value_map *fields);
/* The document after which the page of a list by name begins; empty: from the first on. */
struct str query_list_after(const struct query_plan *plan);

#endif

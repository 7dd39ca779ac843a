/* plan.h - what query_check makes of a StructuredQuery; shared by the files that check and run queries.
 *
 * plan.c asks the questions in the order in which Google's emulator 1.19.9 asks them, so that a query with
 * two mistakes is refused for the same one; plan_filter.c has those about filters. */
#ifndef STORAGE_PLAN_H
#define STORAGE_PLAN_H

#include "storage/match.h"
#include "storage/nearest.h"
#include "storage/query.h"

struct plan_order {
    struct field_path field;
    bool is_name, descending;
};

/* A position between results: as many values as the query gives, in the order of its orders. */
struct plan_cursor {
    bool set, before;
    const struct value *values;
    size_t n;
    struct str name; /* relative path of the value for `__name__`, where there is one */
};

/* Top-level field names, sorted, each once: no others need to be decoded. */
struct plan_names {
    struct str *items;
    size_t n;
};

struct query_plan {
    struct database_name db;
    struct str parent;
    struct str collection_id; /* "": any */
    bool all_descendants;
    struct str collection; /* path of the one collection; "" when it may be several */

    const struct msg_structured_query *query; /* as it came; borrowed */
    struct match_filter *filter;              /* NULL: everything */
    struct query_disjunct *disjuncts;
    size_t n_disjuncts;

    struct plan_order *orders; /* explicit, then implied, then always `__name__` */
    size_t n_orders, n_explicit;
    struct plan_cursor start, end;

    bool projected; /* only `select`, which may be empty */
    struct field_path *select;
    size_t n_select;
    uint64_t offset, limit; /* UINT64_MAX: none */
    bool any_order;         /* the reader of the result does not mind its order: nothing is sorted */
    struct nearest *nearest; /* NULL: ordered by `orders` alone */

    struct plan_names needed;   /* by filter and orders */
    struct plan_names selected; /* by the projection; unused when it has very many fields */
    /* Bounds of the names in `collection` that can match; empty: open. */
    struct str low, high;
    bool low_excluded, high_excluded;

    uint32_t list; /* which list a page token belongs to; 0 outside query_list */
};

/* ---- plan.c: query_check in two steps, for who checks more than the query (aggregate.c) ---- */

/* What can be said of each part of the query alone. */
enum status_code plan_begin(struct query_plan **out, struct database_name db, struct str parent,
                            const struct msg_structured_query *query, struct arena *arena, struct status *st);
/* What can be said of all parts together; then the plan can be run. The result is also ordered by the fields
 * in `also` (at most PLAN_ALSO, which may repeat): documents without one are not in it. */
enum { PLAN_ALSO = 16 };
enum status_code plan_finish(struct query_plan *plan, const struct field_path *also, size_t n_also,
                             struct arena *arena, struct status *st);
/* "The property.name ... is reserved." or too long: of a name that joins a result; `what` comes before
 * "property.name". */
enum status_code plan_check_property(const char *what, struct str name, struct status *st);

/* ---- plan_hints.c ---- */

/* Sets needed, selected, and the bounds of names. */
void plan_hints(struct query_plan *plan, struct arena *arena);

/* ---- plan_filter.c ---- */

/* What may not stand together in one query, whatever else is wrong with it. *filters: all there are. */
enum status_code plan_filter_combination(size_t *filters, const struct msg_filter *filter, struct status *st);
/* The tree without repeated siblings. Field paths, operators and operands are checked on the way. */
enum status_code plan_filter_convert(struct match_filter *out, const struct msg_filter *filter,
                                     struct arena *arena, struct status *st);
/* How many comparisons it makes, a list counting one for each different element. */
size_t plan_filter_count(const struct match_filter *filter);
/* Rules across fields, then names, sizes and whether a collection is needed. Fills paths of MATCH_NAME. */
enum status_code plan_filter_check(struct match_filter *filter, const struct query_plan *plan,
                                   struct arena *arena, struct status *st);
/* Sets plan->disjuncts from plan->filter. */
enum status_code plan_filter_expand(struct query_plan *plan, struct arena *arena, struct status *st);
/* Calls visit for each comparison in the tree, in order. */
void plan_filter_visit(const struct match_filter *filter,
                       void (*visit)(void *data, const struct match_filter *leaf), void *data);
/* "a.b c.d": as messages about queries name a field, without quotes. */
const char *plan_field_text(struct arena *arena, const struct field_path *field);
/* Inequality in Google's sense: the query is ordered by its field unless it says otherwise. One that nothing
 * can satisfy (match_is_void) is none. */
bool plan_leaf_orders(const struct match_filter *leaf);

#endif

/* plan.c - query_check: every refusal of a query, and what is left when there is none. See plan.h. */
#include "storage/plan.h"

#include "core/limits.h"
#include "core/order.h"
#include "core/path.h"

#include <assert.h>
#include <stdlib.h>

/* ---- where from ---- */

static enum status_code plan_from(struct query_plan *plan, const struct msg_structured_query *query,
                                  struct arena *arena, struct status *st)
{
    if (query->from.n > 1)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "StructuredQuery.from cannot have more than one collection selector.");
    if (query->from.n == 0)
        return STATUS_OK;
    plan->collection_id = query->from.items[0].collection_id;
    plan->all_descendants = query->from.items[0].all_descendants;
    if (plan->collection_id.n == 0)
        return STATUS_OK;
    bool one_id = !memchr(plan->collection_id.p, '/', plan->collection_id.n);
    if (one_id && plan->collection_id.n > LIMIT_ID_BYTES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "The query kind is longer than %d bytes.",
                          LIMIT_ID_BYTES);
    if (path_check_id(plan->collection_id, true, st))
        return st->code;
    if (!plan->all_descendants)
        plan->collection = path_join(arena, plan->parent, plan->collection_id);
    return STATUS_OK;
}

/* ---- counting ---- */

static enum status_code refuse_count(const struct query_plan *plan, size_t filters, size_t orders,
                                     struct status *st)
{
    return status_set(
        st, STATUS_INVALID_ARGUMENT,
        "The query may not have more than %d filters + sort orders + ancestor total. Currently there "
        "are %zu filters, %zu sort orders, and %s ancestor filter.",
        LIMIT_QUERY_FILTERS, filters, orders, plan->parent.n ? "one" : "no");
}

static enum status_code plan_count(const struct query_plan *plan, struct status *st)
{
    size_t filters = plan_filter_count(plan->filter);
    if (filters + plan->n_explicit + (plan->parent.n > 0) <= LIMIT_QUERY_FILTERS)
        return STATUS_OK;
    return refuse_count(plan, filters, plan->n_explicit, st);
}

/* ---- projection, orders ---- */

static enum status_code plan_select(struct query_plan *plan, const struct msg_projection *select,
                                    struct arena *arena, struct status *st)
{
    if (!select)
        return STATUS_OK;
    if (select->fields.n > LIMIT_QUERY_PARTS)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "StructuredQuery.select may not have more than %d fields", LIMIT_QUERY_PARTS);
    plan->projected = true;
    plan->select = ARENA_ARRAY(arena, struct field_path, select->fields.n);
    for (size_t i = 0; i < select->fields.n; i++) {
        struct field_path *path = &plan->select[plan->n_select];
        if (field_path_parse(path, arena, select->fields.items[i].field_path, st))
            return st->code;
        plan->n_select += !field_path_is_name(path);
    }
    return STATUS_OK;
}

/* Room is left for one implied order a filter, for what is also looked at and for the name. */
static enum status_code plan_explicit_orders(struct query_plan *plan,
                                             const struct msg_structured_query *query, struct arena *arena,
                                             struct status *st)
{
    size_t most = query->order_by.n + LIMIT_QUERY_FILTERS + PLAN_ALSO + 1;
    plan->orders = ARENA_ARRAY(arena, struct plan_order, most);
    for (size_t i = 0; i < query->order_by.n; i++) {
        const struct msg_order *from = &query->order_by.items[i];
        struct plan_order *order = &plan->orders[i];
        if (field_path_parse(&order->field, arena, from->field.field_path, st))
            return st->code;
        if (from->direction < DIRECTION_UNSPECIFIED || from->direction > DIRECTION_DESCENDING)
            return status_set(st, STATUS_INVALID_ARGUMENT, "Unrecognized ordering.");
        order->is_name = field_path_is_name(&order->field);
        order->descending = from->direction == DIRECTION_DESCENDING;
    }
    plan->n_explicit = plan->n_orders = query->order_by.n;
    return STATUS_OK;
}

static bool is_ordered_by(const struct query_plan *plan, const struct field_path *field)
{
    for (size_t i = 0; i < plan->n_orders; i++)
        if (field_path_cmp(&plan->orders[i].field, field) == 0)
            return true;
    return false;
}

struct field_set {
    struct field_path *items;
    size_t n;
};

static void add_field(struct field_set *set, const struct field_path *field)
{
    for (size_t i = 0; i < set->n; i++)
        if (field_path_cmp(&set->items[i], field) == 0)
            return;
    set->items[set->n++] = *field;
}

static void add_inequality(void *data, const struct match_filter *leaf)
{
    if (leaf->kind == MATCH_FIELD && plan_leaf_orders(leaf))
        add_field(data, &leaf->field);
}

static int compare_fields(const void *a, const void *b)
{
    return field_path_cmp(a, b);
}

/* Fields with inequalities that are not ordered by follow the explicit orders, by field, then the name; in
 * the direction of the last explicit order. */
static void plan_implied_orders(struct query_plan *plan, struct arena *arena)
{
    struct field_set set = { ARENA_ARRAY(arena, struct field_path, LIMIT_QUERY_FILTERS), 0 };
    bool descending = plan->n_explicit > 0 && plan->orders[plan->n_explicit - 1].descending;
    plan_filter_visit(plan->filter, add_inequality, &set);
    qsort(set.items, set.n, sizeof *set.items, compare_fields);
    for (size_t i = 0; i < set.n; i++)
        if (!is_ordered_by(plan, &set.items[i]))
            plan->orders[plan->n_orders++] =
                (struct plan_order){ .field = set.items[i], .descending = descending };
}

/* Each field once, and nothing behind the name, which is the last of all orders. */
static enum status_code plan_name_order(struct query_plan *plan, struct arena *arena, struct status *st)
{
    bool named = false;
    for (size_t i = 0; i < plan->n_orders; i++) {
        struct plan_order *order = &plan->orders[i];
        if (named)
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "order by clause cannot contain more fields after the key");
        for (size_t k = 0; k < i; k++)
            if (field_path_cmp(&plan->orders[k].field, &order->field) == 0)
                return status_set(st, STATUS_INVALID_ARGUMENT,
                                  "order by clause cannot contain duplicate fields %s",
                                  plan_field_text(arena, &order->field));
        named = order->is_name;
    }
    bool descending = plan->n_explicit > 0 && plan->orders[plan->n_explicit - 1].descending;
    if (!named)
        plan->orders[plan->n_orders++] = (struct plan_order){ .is_name = true, .descending = descending };
    return STATUS_OK;
}

/* ---- cursors ---- */

static enum status_code cursor_name(struct str *path, const struct value *value,
                                    const struct query_plan *plan, struct arena *arena, struct status *st)
{
    struct resource_name name;
    if (value->kind != VALUE_REFERENCE)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Cursor __key__ value is not a document reference.");
    if (path_parse_reference(&name, value->text, st))
        return st->code;
    if (!database_name_eq(name.db, plan->db))
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "The cursor key is in a different database than the query");
    *path = arena_str(arena, name.path);
    return STATUS_OK;
}

static enum status_code plan_cursor(struct plan_cursor *out, const struct msg_cursor *cursor,
                                    const struct query_plan *plan, struct arena *arena, struct status *st)
{
    if (!cursor)
        return STATUS_OK;
    if (cursor->values.n > plan->n_explicit)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Cursor has too many values.");
    struct value *values = ARENA_ARRAY(arena, struct value, cursor->values.n);
    for (size_t i = 0; i < cursor->values.n; i++) {
        const struct value *value = &cursor->values.items[i];
        if (value_check_operand(value, st))
            return st->code;
        if (plan->orders[i].is_name && cursor_name(&out->name, value, plan, arena, st))
            return st->code;
        values[i] = value_copy(arena, value);
    }
    out->set = true;
    out->before = cursor->before;
    out->values = values;
    out->n = cursor->values.n;
    return STATUS_OK;
}

/* ---- what only some sources can do ---- */

struct leaf_kinds {
    bool field, field_inequality, name_equality, name_inequality;
};

static void note_leaf(void *data, const struct match_filter *leaf)
{
    struct leaf_kinds *kinds = data;
    bool name = leaf->kind == MATCH_NAME, orders = plan_leaf_orders(leaf);
    kinds->field = kinds->field || !name;
    kinds->field_inequality = kinds->field_inequality || (!name && orders);
    kinds->name_equality = kinds->name_equality || (name && !orders);
    kinds->name_inequality = kinds->name_inequality || (name && orders);
}

static struct leaf_kinds leaf_kinds(const struct query_plan *plan)
{
    struct leaf_kinds kinds = { 0 };
    plan_filter_visit(plan->filter, note_leaf, &kinds);
    return kinds;
}

/* Google's store has indexes of fields for whole databases and for collections, not for subtrees. */
static enum status_code check_group(const struct query_plan *plan, struct status *st)
{
    bool fields = leaf_kinds(plan).field;
    for (size_t i = 0; i < plan->n_explicit; i++)
        fields = fields || !plan->orders[i].is_name;
    if (fields && plan->all_descendants && plan->parent.n > 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "collection group queries are only allowed at the root parent");
    return STATUS_OK;
}

static enum status_code check_key_equality(const struct query_plan *plan, struct status *st)
{
    struct leaf_kinds kinds = leaf_kinds(plan);
    if (kinds.name_equality && kinds.field_inequality && !kinds.name_inequality)
        return status_set(
            st, STATUS_INVALID_ARGUMENT,
            "Equality on key is not allowed if there are other inequality fields and key does not "
            "appear in inequalities.");
    return STATUS_OK;
}

static enum status_code check_kindless(const struct query_plan *plan, struct status *st)
{
    if (plan->collection_id.n > 0)
        return STATUS_OK;
    for (size_t i = 0; i < plan->n_explicit; i++)
        if (!plan->orders[i].is_name || plan->orders[i].descending)
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "kind is required for all orders except __key__ ascending");
    return STATUS_OK;
}

/* Names downwards need an index of some field in Google's store; clients are told so, and so are ours. */
static enum status_code check_descending(const struct query_plan *plan, struct status *st)
{
    bool alone = plan->n_orders == 1 && plan->orders[0].is_name; /* by nothing else, and well so */
    if (leaf_kinds(plan).field || !alone || !plan->orders[0].descending)
        return STATUS_OK;
    if (plan->all_descendants && plan->parent.n > 0)
        return status_set(st, STATUS_FAILED_PRECONDITION,
                          "collection group queries are only allowed if they're at the root or they're an "
                          "ascending primary key scan");
    return status_set(st, STATUS_FAILED_PRECONDITION, "Firestore does not support descending key scans");
}

/* ---- fields that are also looked at ---- */

/* Google's store finds these by the name first: no other field can come behind it in an index. */
static bool begins_with_name(const struct query_plan *plan)
{
    struct leaf_kinds kinds = leaf_kinds(plan);
    for (size_t i = 0; i < plan->n_explicit; i++)
        if (plan->orders[i].is_name)
            return true;
    return kinds.name_equality || kinds.name_inequality || (plan->all_descendants && plan->parent.n > 0);
}

static enum status_code refuse_behind_name(const struct field_set *set, struct arena *arena, struct status *st)
{
    const char *names = "";
    for (size_t i = 0; i < set->n; i++)
        names = arena_printf(arena, "%s%s%s", names, i ? ", " : "", plan_field_text(arena, &set->items[i]));
    return status_set(st, STATUS_INVALID_ARGUMENT,
                      "This query requires an index that has fields [%s] after __name__ and Firestore does not "
                      "currently support such an index. Please try the query again with additional ordering on "
                      "those fields.",
                      names);
}

/* Those of `also` that no order has yet, by field. Refused before it is seen that the orders themselves have a
 * field behind the name. */
static enum status_code plan_also(struct field_set *set, const struct query_plan *plan,
                                  const struct field_path *also, size_t n_also, struct arena *arena,
                                  struct status *st)
{
    *set = (struct field_set){ ARENA_ARRAY(arena, struct field_path, PLAN_ALSO), 0 };
    for (size_t i = 0; i < n_also; i++)
        if (!is_ordered_by(plan, &also[i]))
            add_field(set, &also[i]);
    qsort(set->items, set->n, sizeof *set->items, compare_fields);
    if (set->n == 0 || !begins_with_name(plan))
        return STATUS_OK;
    return check_descending(plan, st) ? st->code : refuse_behind_name(set, arena, st);
}

/* After everything else, before the name and in its direction. */
static void add_also(struct query_plan *plan, const struct field_set *set)
{
    struct plan_order name = plan->orders[--plan->n_orders];
    for (size_t i = 0; i < set->n; i++)
        plan->orders[plan->n_orders++] =
            (struct plan_order){ .field = set->items[i], .descending = name.descending };
    plan->orders[plan->n_orders++] = name;
}

/* ---- the whole ---- */

/* What can be said of each part alone, in Google's order. */
static enum status_code plan_parts(struct query_plan *plan, const struct msg_structured_query *query,
                                   struct arena *arena, struct status *st)
{
    size_t filters = 0;
    struct match_filter *filter = ARENA_NEW(arena, struct match_filter);
    if (query->where && plan_filter_combination(&filters, query->where, st))
        return st->code;
    if (plan_from(plan, query, arena, st))
        return st->code;
    if (filters > LIMIT_QUERY_PARTS || query->order_by.n > LIMIT_QUERY_PARTS)
        return refuse_count(plan, filters, query->order_by.n, st);
    if (query->where && plan_filter_convert(filter, query->where, arena, st))
        return st->code;
    plan->filter = query->where ? filter : NULL;
    if (plan_select(plan, query->select, arena, st) || plan_explicit_orders(plan, query, arena, st))
        return st->code;
    if (plan_cursor(&plan->start, query->start_at, plan, arena, st) ||
        plan_cursor(&plan->end, query->end_at, plan, arena, st))
        return st->code;
    return query->find_nearest ? nearest_convert(&plan->nearest, query->find_nearest, arena, st) : STATUS_OK;
}

enum status_code plan_begin(struct query_plan **out, struct database_name db, struct str parent,
                            const struct msg_structured_query *query, struct arena *arena, struct status *st)
{
    struct query_plan *plan = ARENA_NEW(arena, struct query_plan);
    plan->db = db;
    plan->parent = parent;
    plan->query = query;
    *out = plan;
    return plan_parts(plan, query, arena, st);
}

static enum status_code plan_range(struct query_plan *plan, struct status *st)
{
    const struct msg_structured_query *query = plan->query;
    if (query->offset < 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "offset is negative");
    if (query->limit.set && query->limit.value < 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "limit is negative");
    plan->offset = (uint64_t)query->offset;
    plan->limit = query->limit.set ? (uint64_t)query->limit.value : UINT64_MAX;
    return STATUS_OK;
}

/* findNearest finds among all that the query matches, which therefore may not be cut before. */
static enum status_code plan_nearest(struct query_plan *plan, struct status *st)
{
    const char *part = plan->limit != UINT64_MAX          ? "query limit"
                       : plan->offset > 0                 ? "query offset"
                       : plan->start.set || plan->end.set ? "cursor"
                                                          : NULL;
    if (!plan->nearest)
        return STATUS_OK;
    if (part)
        return status_set(st, STATUS_INVALID_ARGUMENT, "A %s cannot be used with FindNearest", part);
    plan->limit = plan->nearest->limit;
    return nearest_check(plan->nearest, st);
}

enum status_code plan_finish(struct query_plan *plan, const struct field_path *also, size_t n_also,
                             struct arena *arena, struct status *st)
{
    assert(n_also <= PLAN_ALSO);
    if (check_group(plan, st) || plan_range(plan, st) || plan_count(plan, st) || check_kindless(plan, st))
        return st->code;
    if (plan->filter && plan_filter_check(plan->filter, plan, arena, st))
        return st->code;
    struct field_set set;
    if (plan_nearest(plan, st) || check_key_equality(plan, st) || plan_filter_expand(plan, arena, st))
        return st->code;
    plan_implied_orders(plan, arena);
    if (plan_also(&set, plan, also, n_also, arena, st) || plan_name_order(plan, arena, st) ||
        check_descending(plan, st))
        return st->code;
    add_also(plan, &set);
    plan_hints(plan, arena);
    return STATUS_OK;
}

enum status_code query_check(struct query_plan **out, struct database_name db, struct str parent,
                             const struct msg_structured_query *query, struct arena *arena, struct status *st)
{
    struct query_plan *plan;
    *out = NULL;
    if (plan_begin(&plan, db, parent, query, arena, st) || plan_finish(plan, NULL, 0, arena, st))
        return st->code;
    *out = plan;
    return STATUS_OK;
}

enum status_code plan_check_property(const char *what, struct str name, struct status *st)
{
    char shown[STATUS_SHOWN];
    if (name.n > LIMIT_FIELD_NAME_BYTES)
        return status_set(st, STATUS_INVALID_ARGUMENT, "The %sproperty.name is longer than %d bytes.", what,
                          LIMIT_FIELD_NAME_BYTES);
    if (field_name_is_reserved(name))
        return status_set(st, STATUS_INVALID_ARGUMENT, "The %sproperty.name \"%s\" is reserved.", what,
                          status_show(shown, name));
    return STATUS_OK;
}

const struct query_disjunct *query_disjuncts(const struct query_plan *plan, size_t *n)
{
    *n = plan->n_disjuncts;
    return plan->disjuncts;
}

struct str query_collection_path(const struct query_plan *plan)
{
    return plan->collection;
}

/* ---- belonging ---- */

/* Where a document stands against a cursor: negative before it, 0 at it. */
static int compare_cursor(const struct query_plan *plan, const struct plan_cursor *cursor, struct str path,
                          const struct value_map *fields)
{
    for (size_t i = 0; i < cursor->n; i++) {
        const struct plan_order *order = &plan->orders[i];
        int c;
        if (order->is_name) {
            c = order_compare_path(path, cursor->name);
        } else {
            const struct value *value = field_path_get(fields, &order->field);
            assert(value); /* query_matches looked */
            c = order_compare(value, &cursor->values[i]);
        }
        if (c != 0)
            return order->descending ? -c : c;
    }
    return 0;
}

static bool is_in_scope(const struct query_plan *plan, struct str path)
{
    struct str collection = path_parent(path);
    if (plan->collection.n > 0)
        return str_eq(collection, plan->collection);
    if (plan->collection_id.n > 0 && !str_eq(path_last(collection), plan->collection_id))
        return false;
    if (!plan->all_descendants)
        return str_eq(path_parent(collection), plan->parent);
    size_t n = plan->parent.n;
    return n == 0 || (str_starts(path, plan->parent) && path.n > n && path.p[n] == '/');
}

bool query_matches(const struct query_plan *plan, struct str path, const struct value_map *fields)
{
    if (!is_in_scope(plan, path))
        return false;
    for (size_t i = 0; i < plan->n_orders; i++)
        if (!plan->orders[i].is_name && !field_path_get(fields, &plan->orders[i].field))
            return false;
    double distance;
    if (plan->nearest && !nearest_distance(&distance, plan->nearest, fields))
        return false;
    if (!match_filter(plan->filter, path, fields))
        return false;
    if (plan->start.set) {
        int c = compare_cursor(plan, &plan->start, path, fields);
        if (c < 0 || (c == 0 && !plan->start.before))
            return false;
    }
    if (plan->end.set) {
        int c = compare_cursor(plan, &plan->end, path, fields);
        if (c > 0 || (c == 0 && plan->end.before))
            return false;
    }
    return true;
}

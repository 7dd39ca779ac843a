/* plan_hints.c - what the source of a query may leave out: names that cannot match, fields nobody looks at. See
 * plan.h. */
#include "storage/plan.h"

#include "core/limits.h"
#include "core/order.h"
#include "core/path.h"

/* ---- bounds of names ---- */

static void raise_low(struct query_plan *plan, struct str path, bool excluded)
{
    int c = plan->low.n ? order_compare_path(path, plan->low) : 1;
    if (!str_eq(path_parent(path), plan->collection) || c < 0)
        return;
    plan->low_excluded = c > 0 ? excluded : plan->low_excluded || excluded;
    plan->low = path;
}

static void lower_high(struct query_plan *plan, struct str path, bool excluded)
{
    int c = plan->high.n ? order_compare_path(path, plan->high) : -1;
    if (!str_eq(path_parent(path), plan->collection) || c > 0)
        return;
    plan->high_excluded = c < 0 ? excluded : plan->high_excluded || excluded;
    plan->high = path;
}

/* A comparison of the name that every result satisfies. */
static void bound_by_name(struct query_plan *plan, const struct match_filter *leaf)
{
    struct str least = leaf->paths[0], most = leaf->paths[0];
    for (size_t i = 1; i < leaf->n_paths; i++) {
        if (order_compare_path(leaf->paths[i], least) < 0)
            least = leaf->paths[i];
        if (order_compare_path(leaf->paths[i], most) > 0)
            most = leaf->paths[i];
    }
    switch (leaf->op) {
    case MATCH_EQUAL:
    case MATCH_IN:
        raise_low(plan, least, false);
        lower_high(plan, most, false);
        break;
    case MATCH_LESS:
    case MATCH_LESS_OR_EQUAL:
        lower_high(plan, most, leaf->op == MATCH_LESS);
        break;
    case MATCH_GREATER:
    case MATCH_GREATER_OR_EQUAL:
        raise_low(plan, least, leaf->op == MATCH_GREATER);
        break;
    default:
        break;
    }
}

static void bound_by_filter(struct query_plan *plan, const struct match_filter *filter)
{
    if (!filter)
        return;
    if (filter->kind == MATCH_NAME)
        bound_by_name(plan, filter);
    for (size_t i = 0; filter->kind == MATCH_AND && i < filter->n; i++)
        bound_by_filter(plan, &filter->items[i]);
}

static void plan_bounds(struct query_plan *plan)
{
    if (plan->collection.n == 0)
        return;
    bound_by_filter(plan, plan->filter);
    if (!plan->orders[0].is_name)
        return;
    bool descending = plan->orders[0].descending;
    const struct plan_cursor *first = descending ? &plan->end : &plan->start;
    const struct plan_cursor *last = descending ? &plan->start : &plan->end;
    /* A start is excluded after its position, an end before it. */
    if (first->n)
        raise_low(plan, first->name, first->before == descending);
    if (last->n)
        lower_high(plan, last->name, last->before != descending);
}

/* ---- field names ---- */

static void add_name(struct plan_names *names, const struct field_path *field)
{
    size_t at = 0;
    while (at < names->n && str_cmp(names->items[at], field->segments[0]) < 0)
        at++;
    if (at < names->n && str_eq(names->items[at], field->segments[0]))
        return;
    memmove(&names->items[at + 1], &names->items[at], (names->n - at) * sizeof *names->items);
    names->items[at] = field->segments[0];
    names->n++;
}

static void add_leaf(void *data, const struct match_filter *leaf)
{
    if (leaf->kind == MATCH_FIELD)
        add_name(data, &leaf->field);
}

static void plan_field_names(struct query_plan *plan, struct arena *arena)
{
    enum { SELECTED_MOST = 100 };
    plan->needed.items = ARENA_ARRAY(arena, struct str, LIMIT_QUERY_FILTERS + plan->n_orders + 1);
    plan_filter_visit(plan->filter, add_leaf, &plan->needed);
    for (size_t i = 0; i < plan->n_orders; i++)
        if (!plan->orders[i].is_name)
            add_name(&plan->needed, &plan->orders[i].field);
    if (plan->nearest)
        add_name(&plan->needed, &plan->nearest->field);
    if (plan->n_select > SELECTED_MOST)
        return;
    plan->selected.items = ARENA_ARRAY(arena, struct str, plan->n_select);
    for (size_t i = 0; i < plan->n_select; i++)
        add_name(&plan->selected, &plan->select[i]);
}

void plan_hints(struct query_plan *plan, struct arena *arena)
{
    plan_bounds(plan);
    plan_field_names(plan, arena);
}

/* source.c - see source.h.
 *
 * An index serves
 *   a comparison that must hold (alone, or in an AND) with a constant: EQUAL, IS_NULL, IS_NAN,
 * ARRAY_CONTAINS; the first order, cut by inequalities of its field and by cursors: where there is a limit,
 * an inequality or a cursor, since reading all documents one by one costs more than a scan and a sort. In
 * both cases the documents of one value come in name order, so often nothing is left to be sorted. */
#include "storage/source.h"

#include "core/limits.h"
#include "core/order.h"
#include "storage/derived.h"
#include "storage/index_read.h"

#include <assert.h>
#include <stdlib.h>

enum {
    READ_FIRST = 16, /* documents read from an index at once; doubles */
    READ_MOST = 64,
    WORTH = 1000,     /* an index is wished for when at least so many documents were looked at, */
    WORTH_SHARE = 10, /* of which at most one in so many was wanted */
};

struct source {
    const struct query_plan *plan;
    struct arena *arena; /* of itself */
    uint64_t view;
    struct store_reader *home;   /* of the store; not read with */
    struct store_reader *reader; /* between begin and end */
    struct buf last;             /* where it is: the path, or the index row, given out last */
    bool ordered, descending, ended;
    const char *properties;
    uint64_t looked;

    struct store_scan *scan;

    struct field_index *index;
    struct buf low, high;
    struct arena *page;
    struct index_entry *entries;
    size_t n, at, want;
};

/* ---- what an index could do ---- */

static bool is_key(struct buf *out, const struct value *value)
{
    buf_clear(out);
    return order_key(out, value);
}

static void raise_low(struct source *s, const struct buf *key)
{
    if (str_cmp(buf_view(key), buf_view(&s->low)) > 0) {
        buf_clear(&s->low);
        buf_str(&s->low, buf_view(key));
    }
}

static void lower_high(struct source *s, struct str key)
{
    if (s->high.len == 0 || str_cmp(key, buf_view(&s->high)) < 0) {
        buf_clear(&s->high);
        buf_str(&s->high, key);
    }
}

/* Rows with a value at or above, or at or below it; `beyond`: not those with the value itself. A value that
 * is too long for an index cuts nothing. */
static void cut_low(struct source *s, const struct value *value, bool beyond)
{
    struct buf key, after;
    buf_init(&key, LIMIT_INDEX_VALUE_BYTES);
    buf_init(&after, LIMIT_INDEX_VALUE_BYTES);
    if (is_key(&key, value)) {
        derived_after_prefix(&after, buf_view(&key));
        raise_low(s, beyond ? &after : &key);
    }
    buf_dispose(&key);
    buf_dispose(&after);
}

static void cut_high(struct source *s, const struct value *value, bool beyond)
{
    struct buf key, after;
    buf_init(&key, LIMIT_INDEX_VALUE_BYTES);
    buf_init(&after, LIMIT_INDEX_VALUE_BYTES);
    if (is_key(&key, value)) {
        derived_after_prefix(&after, buf_view(&key));
        lower_high(s, buf_view(beyond ? &key : &after));
    }
    buf_dispose(&key);
    buf_dispose(&after);
}

/* Inequalities only match values of their operand's type class, the first byte of a key. */
static void cut_to_class(struct source *s, const struct value *value)
{
    unsigned char first;
    struct buf key, class;
    buf_init(&key, LIMIT_INDEX_VALUE_BYTES);
    buf_init(&class, sizeof first);
    if (is_key(&key, value)) {
        first = key.data[0];
        buf_byte(&class, first);
        raise_low(s, &class);
        first++;
        lower_high(s, str_from(&first, 1));
    }
    buf_dispose(&key);
    buf_dispose(&class);
}

/* The comparisons that all must hold. */
static const struct match_filter *conjuncts(const struct query_plan *plan, size_t *n)
{
    const struct match_filter *f = plan->filter;
    bool all = f && f->kind == MATCH_AND;
    *n = all ? f->n : f != NULL;
    return all ? f->items : f;
}

/* The one value that the leaf allows, or the element; NULL when it is no such comparison. */
static const struct value *only_value(const struct match_filter *leaf)
{
    static const struct value null = { .kind = VALUE_NULL };
    if (leaf->kind != MATCH_FIELD)
        return NULL;
    switch (leaf->op) {
    case MATCH_EQUAL:
        return match_is_void(leaf) ? NULL : leaf->operand;
    case MATCH_ARRAY_CONTAINS:
        return leaf->operand->kind == VALUE_NULL || match_is_nan(leaf->operand) ? NULL : leaf->operand;
    case MATCH_IS_NULL:
        return &null;
    default:
        return NULL;
    }
}

static struct index_name name_of(const struct query_plan *plan, struct field_path field, bool elements)
{
    return (struct index_name){ plan->db, plan->collection, field, elements };
}

static const struct match_filter *equality(const struct query_plan *plan)
{
    size_t n;
    const struct match_filter *leaves = conjuncts(plan, &n);
    for (size_t i = 0; i < n; i++)
        if (only_value(&leaves[i]))
            return &leaves[i];
    return NULL;
}

static bool is_range(const struct match_filter *leaf, const struct field_path *field)
{
    return leaf->kind == MATCH_FIELD && field_path_cmp(&leaf->field, field) == 0 &&
           leaf->op <= MATCH_GREATER_OR_EQUAL && !match_is_void(leaf);
}

static bool has_range(const struct query_plan *plan)
{
    size_t n;
    const struct match_filter *leaves = conjuncts(plan, &n);
    for (size_t i = 0; i < n; i++)
        if (is_range(&leaves[i], &plan->orders[0].field))
            return true;
    return false;
}

/* Rows are (value, name), read upwards or downwards. */
static bool is_row_order(const struct query_plan *plan)
{
    return !plan->nearest && (plan->any_order || (plan->n_orders == 2 && plan->orders[1].is_name &&
                                                  plan->orders[0].descending == plan->orders[1].descending));
}

static bool could_follow_order(const struct query_plan *plan)
{
    bool cut = has_range(plan) ||
               (is_row_order(plan) && (plan->limit != UINT64_MAX || plan->start.set || plan->end.set));
    return !plan->orders[0].is_name && cut;
}

/* ---- choosing ---- */

static void use(struct source *s, struct field_index *index, const struct field_path *field)
{
    s->index = index;
    s->want = READ_FIRST;
    s->page = arena_child(s->arena);
    s->properties =
        arena_printf(s->arena, "(" STR_FMT " %s, __name__ %s)", STR_ARG(field_path_print(s->arena, field)),
                     s->descending ? "DESC" : "ASC", s->descending ? "DESC" : "ASC");
}

/* All rows have one value, so they come in name order. */
static bool choose_equality(struct source *s, struct store_reader *reader)
{
    const struct query_plan *plan = s->plan;
    size_t n;
    const struct match_filter *leaves = conjuncts(plan, &n);
    for (size_t i = 0; i < n && !s->index; i++) {
        const struct value *value = only_value(&leaves[i]);
        if (!value)
            continue;
        struct index_name name = name_of(plan, leaves[i].field, leaves[i].op == MATCH_ARRAY_CONTAINS);
        struct field_index *index = store_index_hold(reader, s->view, &name);
        if (!index)
            continue;
        const struct plan_order *first = &plan->orders[0];
        bool same = !first->is_name && leaves[i].op != MATCH_ARRAY_CONTAINS &&
                    field_path_cmp(&first->field, &leaves[i].field) == 0;
        const struct plan_order *second = same && plan->n_orders > 1 ? &plan->orders[1] : first;
        s->ordered = !plan->nearest && (plan->any_order || second->is_name);
        s->descending = s->ordered && !plan->any_order && second->descending;
        cut_low(s, value, false);
        cut_high(s, value, false);
        use(s, index, &leaves[i].field);
    }
    return s->index != NULL;
}

static void cut_by_ranges(struct source *s)
{
    size_t n;
    const struct match_filter *leaves = conjuncts(s->plan, &n);
    for (size_t i = 0; i < n; i++) {
        const struct match_filter *leaf = &leaves[i];
        if (!is_range(leaf, &s->plan->orders[0].field))
            continue;
        cut_to_class(s, leaf->operand);
        if (leaf->op == MATCH_GREATER || leaf->op == MATCH_GREATER_OR_EQUAL)
            cut_low(s, leaf->operand, leaf->op == MATCH_GREATER);
        else
            cut_high(s, leaf->operand, leaf->op == MATCH_LESS);
    }
}

static void cut_by_cursors(struct source *s)
{
    const struct plan_cursor *low = &s->plan->start, *high = &s->plan->end;
    if (s->plan->orders[0].descending) {
        low = &s->plan->end;
        high = &s->plan->start;
    }
    if (low->set && low->n > 0)
        cut_low(s, &low->values[0], false);
    if (high->set && high->n > 0)
        cut_high(s, &high->values[0], false);
}

static bool choose_order(struct source *s, struct store_reader *reader)
{
    const struct query_plan *plan = s->plan;
    if (!could_follow_order(plan))
        return false;
    struct index_name name = name_of(plan, plan->orders[0].field, false);
    struct field_index *index = store_index_hold(reader, s->view, &name);
    if (!index)
        return false;
    s->ordered = is_row_order(plan);
    s->descending = s->ordered && !plan->any_order && plan->orders[0].descending;
    cut_by_ranges(s);
    cut_by_cursors(s);
    use(s, index, &plan->orders[0].field);
    return true;
}

static bool is_empty_range(const struct query_plan *plan)
{
    return plan->low.n > 0 && plan->high.n > 0 && order_compare_path(plan->low, plan->high) > 0;
}

/* Names are in no order when the scan goes through several collections. */
static void choose_scan(struct source *s)
{
    const struct query_plan *plan = s->plan;
    s->ordered = !plan->nearest && (plan->any_order || (plan->orders[0].is_name && plan->collection.n > 0));
    s->descending = s->ordered && !plan->any_order && plan->orders[0].descending;
    s->properties = s->descending ? "(__name__ DESC)" : "(__name__ ASC)";
}

enum status_code source_open(struct source **out, const struct query_plan *plan, struct store_reader *reader,
                             uint64_t view, struct status *st)
{
    (void)st;
    static const unsigned char top = 0xff; /* above every class of value */
    struct arena *arena = arena_new();
    struct source *s = ARENA_NEW(arena, struct source);
    *s = (struct source){ .plan = plan, .arena = arena, .view = view, .home = reader };
    buf_init(&s->last, LIMIT_MESSAGE_BYTES);
    buf_init(&s->low, DERIVED_KEY_MAX);
    buf_init(&s->high, DERIVED_KEY_MAX);
    s->ended = is_empty_range(plan);
    bool indexed = plan->collection.n > 0 && (choose_equality(s, reader) || choose_order(s, reader));
    if (!indexed)
        choose_scan(s);
    lower_high(s, str_from(&top, 1));
    *out = s;
    return STATUS_OK;
}

/* ---- wishing ---- */

static void wish(const struct source *s, uint64_t matched)
{
    const struct query_plan *plan = s->plan;
    const struct match_filter *leaf = equality(plan);
    bool few = matched < s->looked / WORTH_SHARE, limited = plan->limit < s->looked / WORTH_SHARE;
    struct index_name name;
    if (leaf && few)
        name = name_of(plan, leaf->field, leaf->op == MATCH_ARRAY_CONTAINS);
    else if (could_follow_order(plan) && (few || limited))
        name = name_of(plan, plan->orders[0].field, false);
    else
        return;
    store_index_wish(s->home, s->view, &name);
}

void source_close(struct source *s, uint64_t matched)
{
    if (!s)
        return;
    assert(!s->scan);
    if (s->index)
        store_index_release(s->home, s->index);
    else if (s->plan->collection.n > 0 && s->looked >= WORTH)
        wish(s, matched);
    buf_dispose(&s->last);
    buf_dispose(&s->low);
    buf_dispose(&s->high);
    arena_free(s->arena);
}

/* ---- reading ---- */

bool source_is_ordered(const struct source *s)
{
    return s->ordered;
}

enum status_code source_begin(struct source *s, struct store_reader *reader, struct status *st)
{
    const struct query_plan *plan = s->plan;
    s->reader = reader;
    if (s->ended || s->index)
        return STATUS_OK;
    struct store_scan_range range = {
        .parent = plan->parent,
        .collection_id = plan->collection_id,
        .subtree = plan->collection.n == 0,
        .descending = s->descending,
        .names_only = plan->needed.n == 0 && plan->projected && plan->n_select == 0,
        .start = plan->low,
        .start_after = plan->low_excluded,
        .end = plan->high,
        .end_before = plan->high_excluded,
        .after = buf_view(&s->last),
    };
    return store_scan_open(&s->scan, reader, s->view, plan->db, &range, st);
}

void source_end(struct source *s)
{
    store_scan_close(s->scan);
    s->scan = NULL;
    s->reader = NULL;
    s->n = s->at = 0; /* read again: the page may be large, and who rests shall hold little */
}

static enum status_code read_more(struct source *s, struct status *st)
{
    struct index_range range = { buf_view(&s->low), buf_view(&s->high), s->descending };
    if (s->last.len && s->descending) {
        range.high = buf_view(&s->last);
    } else if (s->last.len) {
        buf_clear(&s->low);
        buf_str(&s->low, buf_view(&s->last));
        buf_byte(&s->low, 0);
        range.low = buf_view(&s->low);
    }
    arena_reset(s->page);
    s->entries = ARENA_ARRAY(s->page, struct index_entry, s->want);
    s->at = 0;
    store_index_read(s->entries, &s->n, s->want, s->reader, s->view, s->plan->db, s->index, &range, s->page,
                     st);
    s->want = s->want * 2 < READ_MOST ? s->want * 2 : READ_MOST;
    return st->code;
}

static enum status_code next_of_index(struct source *s, struct arena *arena, struct str *path,
                                      struct store_document *out, struct status *st)
{
    *path = (struct str){ 0 };
    if (s->at == s->n && read_more(s, st))
        return st->code;
    if (s->at == s->n)
        return STATUS_OK;
    const struct index_entry *e = &s->entries[s->at++];
    buf_clear(&s->last);
    buf_str(&s->last, e->row);
    *path = arena_str(arena, e->path);
    *out = e->document;
    out->fields = arena_str(arena, e->document.fields);
    return STATUS_OK;
}

static enum status_code next_of_scan(struct source *s, struct arena *arena, struct str *path,
                                     struct store_document *out, struct status *st)
{
    if (store_scan_next(s->scan, arena, path, out, st))
        return st->code;
    if (path->n) {
        buf_clear(&s->last);
        buf_str(&s->last, *path);
    }
    return STATUS_OK;
}

enum status_code source_next(struct source *s, struct arena *arena, struct str *path,
                             struct store_document *out, struct status *st)
{
    *path = (struct str){ 0 };
    if (s->ended)
        return STATUS_OK;
    if (s->index ? next_of_index(s, arena, path, out, st) : next_of_scan(s, arena, path, out, st))
        return st->code;
    s->ended = path->n == 0;
    s->looked += path->n > 0 && out->exists;
    return STATUS_OK;
}

struct source_use source_use(const struct source *s)
{
    return (struct source_use){ s->properties, s->looked, s->index ? s->looked : 0 };
}

/* query.c - a checked query answered from a view, a document at a time.
 *
 * Documents come from a source (source.h), pass the matcher, and then:
 *
 *   in the source's order   are kept in pages of up to PAGE_MOST. Between calls only the page is held: no
 * scan, no reader, no transaction; so a query can rest for hours and go on on another worker. in any other
 * order      go into a sorter (all, or the first offset + limit of them), which then gives them out. Again
 * nothing else is held.
 *
 * Long work pauses when its time is over (query_pause_at), in the middle of a page or of filling the sorter.
 * Only the fields that filter and orders look at are decoded on the way; the rest of a document is copied as
 * bytes and decoded only for a projection. */
#include "storage/plan.h"

#include "core/clock.h"
#include "core/codec.h"
#include "core/limits.h"
#include "core/order.h"
#include "core/thread.h"
#include "storage/pick.h"
#include "storage/sort.h"
#include "storage/source.h"

#include <assert.h>
#include <stdlib.h>

enum {
    PAGE_FIRST = 16, /* answers of a query that nobody reads to its end stay cheap */
    PAGE_MOST = 256,
    PAGE_BYTES = 1024 * 1024,
    GIVE_WAY_NS = 100 * 1000,
};

struct row {
    struct str path;
    struct store_document document;
};

struct query {
    const struct query_plan *plan;
    uint64_t view;
    uint64_t skip, left;   /* offset and limit that remain */
    struct arena *scratch; /* of the document at hand */
    bool ended;            /* there are no more */
    int64_t pause_at;      /* 0: never */
    int64_t give_way_at;   /* when to let others have the core for a moment; only of a query that pauses */
    bool worked, paused;   /* since it was set */
    struct source *source;
    uint64_t matched;

    /* by name */
    struct arena *page;
    struct row *rows;
    size_t n_rows, at, page_size;

    /* sorted */
    struct sorter *sorter;
    bool filled;
};

/* ---- looking for documents ---- */

/* Whether the time is over. Whoever asks has just done something. */
static bool pauses(struct query *query)
{
    query->worked = true;
    if (!query->pause_at)
        return false;
    int64_t now = clock_mono_ns();
    query->paused = now >= query->pause_at;
    if (!query->paused && now >= query->give_way_at) {
        if (query->give_way_at)
            thread_give_way();
        query->give_way_at = now + GIVE_WAY_NS;
    }
    return query->paused;
}

/* The next document that belongs to the result; row->path is empty at the end (query->ended) and when the
 * query pauses. In query->scratch, with what was decoded of its fields. */
static enum status_code next_match(struct row *row, struct value_map *fields, struct query *query,
                                   struct status *st)
{
    for (;;) {
        arena_reset(query->scratch);
        if (source_next(query->source, query->scratch, &row->path, &row->document, st))
            return st->code;
        if (row->path.n == 0) {
            query->ended = true;
            return STATUS_OK;
        }
        if (row->document.exists) { /* not so when it only tells how far the source is */
            const struct plan_names *needed = &query->plan->needed;
            if (pick_fields(fields, query->scratch, row->document.fields, needed->items, needed->n, st))
                return st->code;
            if (query_matches(query->plan, row->path, fields)) {
                query->matched++;
                return STATUS_OK;
            }
        }
        if (pauses(query)) {
            row->path = (struct str){ 0 };
            return STATUS_OK;
        }
    }
}

/* ---- by name ---- */

static void keep_row(struct query *query, const struct row *row)
{
    struct row *copy = &query->rows[query->n_rows++];
    *copy = *row;
    copy->path = arena_str(query->page, row->path);
    copy->document.fields = arena_str(query->page, row->document.fields);
}

static enum status_code fill_page(struct query *query, struct store_reader *reader, struct status *st)
{
    size_t want = query->page_size;
    if (query->left < want)
        want = (size_t)query->left;
    query->page_size = query->page_size * 2 < PAGE_MOST ? query->page_size * 2 : PAGE_MOST;
    arena_reset(query->page);
    query->rows = ARENA_ARRAY(query->page, struct row, want);
    query->n_rows = query->at = 0;
    if (want == 0) {
        query->ended = true;
        return STATUS_OK;
    }
    if (source_begin(query->source, reader, st))
        return st->code;
    while (query->n_rows < want && arena_used(query->page) < PAGE_BYTES && !query->paused) {
        struct row row;
        struct value_map fields;
        if (next_match(&row, &fields, query, st) || row.path.n == 0)
            break;
        if (query->skip > 0)
            query->skip--;
        else
            keep_row(query, &row);
        pauses(query);
    }
    source_end(query->source);
    return st->code;
}

/* ---- sorted ---- */

static bool make_key(struct buf *out, const struct query_plan *plan, struct str path,
                     const struct value_map *fields)
{
    double distance;
    bool ok = !plan->nearest || (nearest_distance(&distance, plan->nearest, fields) &&
                                 nearest_key(out, plan->nearest, distance));
    for (size_t i = 0; i < plan->n_orders && ok; i++) {
        const struct plan_order *order = &plan->orders[i];
        size_t from = out->len;
        ok = order->is_name ? order_key_path(out, path)
                            : order_key(out, field_path_get(fields, &order->field));
        if (order->descending)
            order_key_reverse(out, from);
    }
    return ok;
}

static enum status_code add_row(struct query *query, const struct row *row, const struct value_map *fields,
                                struct buf *key, struct status *st)
{
    buf_clear(key);
    if (!make_key(key, query->plan, row->path, fields))
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "a document's sort key is too large");
    struct sort_row sorted = {
        .key = buf_view(key),
        .path = row->path,
        .has_fields = row->document.fields.n <= LIMIT_SORT_INLINE,
        .create_time = row->document.create_time,
        .update_time = row->document.update_time,
    };
    if (sorted.has_fields)
        sorted.fields = row->document.fields;
    return sorter_add(query->sorter, &sorted, st);
}

/* Until the query pauses, or every document is in the sorter. */
static enum status_code read_into_sorter(struct query *query, struct store_reader *reader, struct status *st)
{
    struct buf key;
    if (source_begin(query->source, reader, st))
        return st->code;
    buf_init(&key, LIMIT_SORT_MEMORY);
    while (!query->ended && !query->paused) {
        struct row row;
        struct value_map fields;
        if (sorter_busy(query->sorter)) {
            if (sorter_work(query->sorter, st))
                break;
        } else if (next_match(&row, &fields, query, st) ||
                   (row.path.n && add_row(query, &row, &fields, &key, st))) {
            break;
        }
        pauses(query);
    }
    source_end(query->source);
    buf_dispose(&key);
    return st->code;
}

static enum status_code fill_sorter(struct query *query, struct store_reader *reader, struct status *st)
{
    if (query->left == 0)
        query->ended = true;
    if (!query->ended && read_into_sorter(query, reader, st))
        return st->code;
    while (query->ended && sorter_busy(query->sorter) && !query->paused) {
        if (sorter_work(query->sorter, st))
            return st->code;
        pauses(query);
    }
    if (!query->ended || query->paused)
        return STATUS_OK;
    query->filled = true;
    return sorter_finish(query->sorter, st);
}

/* ---- giving out ---- */

static enum status_code give(struct document *out, const struct query_plan *plan, const struct row *row,
                             struct arena *arena, struct status *st)
{
    out->name = path_full(arena, plan->db, row->path);
    out->has_create_time = out->has_update_time = true;
    out->create_time = row->document.create_time;
    out->update_time = row->document.update_time;
    bool measured = plan->nearest && plan->nearest->result_field.n > 0; /* the distance joins its fields */
    if (!plan->projected && !measured) {
        out->fields_raw = arena_str(arena, row->document.fields);
        return STATUS_OK;
    }
    if (plan->projected && plan->n_select == 0)
        return STATUS_OK;
    struct value_map fields;
    struct str raw = arena_str(arena, row->document.fields);
    if (plan->selected.n && !measured
            ? pick_fields(&fields, arena, raw, plan->selected.items, plan->selected.n, st)
            : protobuf_decode_fields(&fields, arena, raw, st))
        return st->code;
    if (measured)
        nearest_set_result(&fields, plan->nearest, arena);
    out->fields =
        !plan->projected ? fields : field_path_project(arena, &fields, plan->select, plan->n_select);
    return STATUS_OK;
}

static enum status_code next_by_name(struct query *query, struct store_reader *reader, struct arena *arena,
                                     struct document *out, struct status *st)
{
    while (query->at == query->n_rows && !query->ended && !query->paused)
        if (fill_page(query, reader, st))
            return st->code;
    if (query->at == query->n_rows)
        return STATUS_OK;
    query->left--;
    return give(out, query->plan, &query->rows[query->at++], arena, st);
}

static enum status_code next_sorted(struct query *query, struct store_reader *reader, struct arena *arena,
                                    struct document *out, struct status *st)
{
    const struct sort_row *sorted = NULL;
    if (!query->filled && (fill_sorter(query, reader, st) || !query->filled))
        return st->code;
    do {
        if (sorter_next(query->sorter, &sorted, st) || !sorted)
            return st->code;
    } while (query->skip > 0 && (query->skip--, !pauses(query)));
    if (query->paused)
        return STATUS_OK;
    struct row row = {
        .path = sorted->path,
        .document = { .create_time = sorted->create_time, .update_time = sorted->update_time },
    };
    row.document.fields = sorted->fields;
    if (!sorted->has_fields &&
        store_get(reader, query->view, query->plan->db, sorted->path, arena, &row.document, st))
        return st->code;
    return give(out, query->plan, &row, arena, st);
}

enum status_code query_next(struct query *query, struct store_reader *reader, struct arena *arena,
                            struct document *out, struct status *st)
{
    *out = (struct document){ 0 };
    query->paused = false;
    if (query->worked && pauses(query))
        return STATUS_OK;
    query->worked = true;
    if (query->sorter ? next_sorted(query, reader, arena, out, st)
                      : next_by_name(query, reader, arena, out, st))
        return st->code;
    query->paused &= out->name.n == 0;
    return STATUS_OK;
}

void query_pause_at(struct query *query, int64_t mono_ns)
{
    query->pause_at = mono_ns;
    query->worked = false;
}

bool query_paused(const struct query *query)
{
    return query->paused;
}

struct query_explanation query_explain(const struct query *query)
{
    const struct query_plan *plan = query->plan;
    bool group = plan->all_descendants && plan->collection_id.n > 0;
    struct source_use use = source_use(query->source);
    return (struct query_explanation){
        .scope = plan->collection.n > 0 ? "Collection"
                 : group                ? "Collection group"
                                        : "Database",
        .properties = use.properties,
        .documents_scanned = use.documents,
        .index_entries_scanned = use.index_entries,
    };
}

/* ---- life ---- */

static uint64_t sum_or_all(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

enum status_code query_open(struct query **out, const struct query_plan *plan, struct store_reader *reader,
                            uint64_t view, struct status *st)
{
    *out = NULL;
    struct query *query = calloc(1, sizeof *query);
    if (!query)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "no memory for another query");
    query->plan = plan;
    query->view = view;
    query->skip = plan->offset;
    query->left = plan->limit;
    query->page_size = PAGE_FIRST;
    query->scratch = arena_new();
    query->page = arena_new();
    if (source_open(&query->source, plan, reader, view, st)) {
        query_close(query);
        return st->code;
    }
    if (!source_is_ordered(query->source)) {
        uint64_t most = plan->limit == 0 ? 0 : sum_or_all(plan->offset, plan->limit);
        query->sorter = sorter_new(most, LIMIT_SORT_MEMORY, store_reader_file(reader));
        if (!query->sorter) {
            query_close(query);
            return status_set(st, STATUS_RESOURCE_EXHAUSTED, "no memory for another query");
        }
    }
    *out = query;
    return STATUS_OK;
}

void query_close(struct query *query)
{
    if (!query)
        return;
    sorter_free(query->sorter);
    source_close(query->source, query->matched);
    arena_free(query->page);
    arena_free(query->scratch);
    free(query);
}

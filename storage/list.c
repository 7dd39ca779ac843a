/* list.c - ListDocuments as a query: its order clause and its page tokens. See query.h. */
#include "storage/page_token.h"
#include "storage/plan.h"

#include "core/limits.h"
#include "core/path.h"

#include <assert.h>

/* ---- "a desc, `b c`.d" ---- */

/* What \s is in the pattern that 1.19.9 goes by. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(struct str *s)
{
    while (s->n > 0 && is_space(s->p[0]))
        *s = str_skip(*s, 1);
}

static bool is_name_char(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

/* Length of one segment at the start of s; 0 when there is none. */
static size_t segment_length(struct str s)
{
    size_t n = 0;
    if (s.n == 0 || s.p[0] != '`') {
        while (n < s.n && is_name_char(s.p[n], n == 0))
            n++;
        return n;
    }
    for (n = 1; n < s.n && s.p[n] != '`'; n++)
        n += s.p[n] == '\\';
    return n < s.n && n > 1 ? n + 1 : 0;
}

/* Takes a whole field path, as text, off s. */
static bool take_path(struct str *s, struct str *out)
{
    size_t n = segment_length(*s);
    while (n > 0 && n < s->n && s->p[n] == '.') {
        size_t more = segment_length(str_skip(*s, n + 1));
        n = more ? n + 1 + more : 0;
    }
    *out = (struct str){ s->p, n };
    *s = str_skip(*s, n);
    return n > 0;
}

static bool take_word(struct str *s, const char *lower)
{
    size_t n = strlen(lower);
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((s->p[i] | 0x20) != lower[i])
            return false;
    *s = str_skip(*s, n);
    return true;
}

/* One path with its direction; what follows stays in *s. */
static bool take_order(struct str *s, struct msg_order *out)
{
    if (!take_path(s, &out->field.field_path))
        return false;
    skip_space(s);
    out->direction = DIRECTION_ASCENDING;
    if (take_word(s, "desc"))
        out->direction = DIRECTION_DESCENDING;
    else
        take_word(s, "asc");
    return true;
}

static bool take_comma(struct str *s)
{
    struct str after = *s;
    skip_space(&after);
    if (after.n == 0 || after.p[0] != ',')
        return false;
    *s = str_skip(after, 1);
    skip_space(s);
    return true;
}

enum status_code query_parse_order_by(struct msg_order **orders, size_t *n, struct arena *arena,
                                      struct str text, struct status *st)
{
    char shown[STATUS_SHOWN];
    size_t cap = 1;
    for (size_t i = 0; i < text.n; i++)
        cap += text.p[i] == ',';
    *n = 0;
    *orders = ARENA_ARRAY(arena, struct msg_order, cap + 1);
    if (text.n == 0)
        return STATUS_OK;
    struct str rest = text;
    bool ok;
    do {
        ok = take_order(&rest, &(*orders)[*n]);
        *n += ok;
    } while (ok && take_comma(&rest));
    if (!ok || rest.n > 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Invalid order by clause \"%s\".",
                          status_show(shown, text));
    for (size_t i = 0; i < *n; i++) {
        struct field_path path;
        if (field_path_parse(&path, arena, (*orders)[i].field.field_path, st))
            return st->code;
    }
    return STATUS_OK;
}

/* ---- page tokens ---- */

struct str query_page_token_make(struct arena *arena, const struct query_plan *plan, struct str last_path,
                                 const struct value_map *fields)
{
    struct msg_cursor cursor = { .values = { ARENA_ARRAY(arena, struct value, plan->n_explicit), 0 } };
    for (size_t i = 0; i < plan->n_explicit; i++) {
        const struct plan_order *order = &plan->orders[i];
        struct value name = { .kind = VALUE_REFERENCE, .text = path_full(arena, plan->db, last_path) };
        const struct value *value = order->is_name ? &name : field_path_get(fields, &order->field);
        assert(value); /* an answer has every field that it is ordered by */
        cursor.values.items[cursor.values.n++] = *value;
    }
    return page_token_make(arena, plan->list, &cursor);
}

/* ---- lists ---- */

/* The orders of the clause, ended by the name, so that a cursor can hold all of them. */
static enum status_code list_orders(struct msg_structured_query *query, struct str order_by,
                                    struct arena *arena, struct status *st)
{
    struct msg_order *orders;
    size_t n;
    if (query_parse_order_by(&orders, &n, arena, order_by, st))
        return st->code;
    bool named = false;
    for (size_t i = 0; i < n; i++) {
        struct field_path path;
        if (field_path_parse(&path, arena, orders[i].field.field_path, st))
            return st->code;
        named = named || field_path_is_name(&path);
    }
    if (!named) {
        orders[n].field.field_path = STR("__name__");
        orders[n].direction = n > 0 ? orders[n - 1].direction : DIRECTION_ASCENDING;
        n++;
    }
    query->order_by.items = orders;
    query->order_by.n = n;
    return STATUS_OK;
}

enum status_code query_list(struct query_plan **out, int32_t *page, struct database_name db,
                            struct str parent, const struct query_list_options *options, struct arena *arena,
                            struct status *st)
{
    *out = NULL;
    if (options->show_missing && options->order_by.n > 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "cannot specify an order when show_missing is true");
    /* With showMissing 1.19.9 takes a negative one for none. */
    if (options->page_size < 0 && !options->show_missing)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Page size must be nonnegative.");
    *page = options->page_size <= 0 ? LIMIT_LIST_PAGE_DEFAULT : options->page_size;
    *page = *page > LIMIT_LIST_PAGE ? LIMIT_LIST_PAGE : *page;
    struct msg_collection_selector *from = ARENA_NEW(arena, struct msg_collection_selector);
    struct msg_structured_query *query = ARENA_NEW(arena, struct msg_structured_query);
    from->collection_id = options->collection_id;
    query->from.items = from;
    query->from.n = 1;
    query->limit.set = true;
    query->limit.value = *page;
    if (list_orders(query, options->order_by, arena, st))
        return st->code;
    const struct str list_parts[] = { db.project, db.database, parent, options->collection_id,
                                      options->order_by };
    uint32_t list = page_list_id(list_parts, sizeof list_parts / sizeof list_parts[0]);
    if (options->page_token.n > 0 && page_token_parse(&query->start_at, arena, options->page_token, list, st))
        return st->code;
    if (query_check(out, db, parent, query, arena, st))
        return st->code;
    (*out)->list = list;
    return STATUS_OK;
}

struct str query_list_after(const struct query_plan *plan)
{
    return plan->start.set ? plan->start.name : STR("");
}

/* query_built.c - see query_built.h. */
#include "query_built.h"

struct choices {
    struct arena *arena;
    struct str bytes;
};

static unsigned choose(struct choices *c, unsigned n)
{
    if (c->bytes.n == 0)
        return 0;
    unsigned picked = (unsigned char)c->bytes.p[0] % n;
    c->bytes = str_skip(c->bytes, 1);
    return picked;
}

#define REFERENCE(path)                                                                                      \
    {                                                                                                        \
        .kind = VALUE_REFERENCE, .text = STR_INIT("projects/p/databases/d/documents/" path)                  \
    }

static const struct value names[] = { REFERENCE("c/a"), REFERENCE("c/c"),       REFERENCE("c/d"),
                                      REFERENCE("c/x"), REFERENCE("c/__id7__"), REFERENCE("c/a/c/z") };
static const struct value operands[] = {
    { .kind = VALUE_INT, .integer = 1 },
    { .kind = VALUE_INT, .integer = 3 },
    { .kind = VALUE_DOUBLE, .number = 1.5 },
    { .kind = VALUE_DOUBLE, .number = (double)__builtin_nanf("") },
    { .kind = VALUE_NULL },
    { .kind = VALUE_BOOL, .boolean = true },
    { .kind = VALUE_STRING, .text = STR_INIT("abc") },
    { .kind = VALUE_TIMESTAMP, .time = { 1577836800, 0 } },
    { .kind = VALUE_MAP },
};
enum { NAMES = sizeof names / sizeof names[0], OPERANDS = sizeof operands / sizeof operands[0] };

static struct msg_field_reference field(struct choices *c, bool *is_name)
{
    static const struct str paths[] = { STR_INIT("a"), STR_INIT("b"),   STR_INIT("t"),
                                        STR_INIT("m"), STR_INIT("m.x"), STR_INIT("__name__") };
    unsigned i = choose(c, 6);
    *is_name = i == 5;
    return (struct msg_field_reference){ paths[i] };
}

static struct value operand(struct choices *c, bool is_name)
{
    return is_name ? names[choose(c, NAMES)] : operands[choose(c, OPERANDS)];
}

static struct value list_operand(struct choices *c, bool is_name)
{
    size_t n = 1 + choose(c, 3);
    struct value *items = ARENA_ARRAY(c->arena, struct value, n);
    for (size_t i = 0; i < n; i++)
        items[i] = operand(c, is_name);
    return (struct value){ .kind = VALUE_ARRAY, .array = { items, n } };
}

static struct msg_filter filter(struct choices *c, unsigned depth);

static struct msg_filter composite(struct choices *c, unsigned depth)
{
    struct msg_composite_filter *f = ARENA_NEW(c->arena, struct msg_composite_filter);
    f->op = COMPOSITE_AND + (int32_t)choose(c, 2);
    f->filters.n = 1 + choose(c, 3);
    f->filters.items = ARENA_ARRAY(c->arena, struct msg_filter, f->filters.n);
    for (size_t i = 0; i < f->filters.n; i++)
        f->filters.items[i] = filter(c, depth + 1);
    return (struct msg_filter){ .filter_case = 1, .composite = f };
}

static struct msg_filter unary(struct choices *c)
{
    bool is_name;
    struct msg_unary_filter *f = ARENA_NEW(c->arena, struct msg_unary_filter);
    f->op = UNARY_OP_IS_NAN + (int32_t)choose(c, 4);
    f->field = ARENA_NEW(c->arena, struct msg_field_reference);
    *f->field = field(c, &is_name);
    return (struct msg_filter){ .filter_case = 3, .unary = f };
}

static struct msg_filter filter(struct choices *c, unsigned depth)
{
    bool is_name;
    unsigned kind = choose(c, 8);
    if (kind == 7 && depth < 3)
        return composite(c, depth);
    if (kind == 6)
        return unary(c);
    struct msg_field_filter *f = ARENA_NEW(c->arena, struct msg_field_filter);
    f->field = field(c, &is_name);
    f->op = FIELD_OP_LESS_THAN + (int32_t)choose(c, FIELD_OP_NOT_IN);
    bool many = f->op == FIELD_OP_IN || f->op == FIELD_OP_ARRAY_CONTAINS_ANY || f->op == FIELD_OP_NOT_IN;
    f->value = many ? list_operand(c, is_name) : operand(c, is_name);
    return (struct msg_filter){ .filter_case = 2, .field = f };
}

static void orders(struct msg_structured_query *q, struct choices *c)
{
    bool is_name;
    q->order_by.n = choose(c, 4);
    q->order_by.items = ARENA_ARRAY(c->arena, struct msg_order, q->order_by.n);
    for (size_t i = 0; i < q->order_by.n; i++) {
        q->order_by.items[i].field = field(c, &is_name);
        q->order_by.items[i].direction = (int32_t)choose(c, 3);
    }
}

/* Values for the orders that are written out, and sometimes one for the implied name. */
static struct msg_cursor *cursor(const struct msg_structured_query *q, struct choices *c)
{
    if (choose(c, 2) == 0)
        return NULL;
    struct msg_cursor *cursor = ARENA_NEW(c->arena, struct msg_cursor);
    cursor->before = choose(c, 2);
    cursor->values.items = ARENA_ARRAY(c->arena, struct value, q->order_by.n + 1);
    for (size_t i = 0; i < q->order_by.n; i++) {
        bool is_name = str_eq(q->order_by.items[i].field.field_path, STR("__name__"));
        cursor->values.items[cursor->values.n++] = operand(c, is_name);
    }
    if (cursor->values.n == 0 || choose(c, 3) == 0)
        cursor->values.items[cursor->values.n++] = operand(c, true);
    return cursor;
}

static const struct value components[] = { { .kind = VALUE_DOUBLE, .number = 1 },
                                           { .kind = VALUE_DOUBLE, .number = 2 },
                                           { .kind = VALUE_DOUBLE, .number = (double)__builtin_inff() } };
#define VECTOR(name, first, count)                                                                           \
    static const struct field name[] = {                                                                     \
        { STR_INIT("__type__"), { .kind = VALUE_STRING, .text = STR_INIT("__vector__") } },                  \
        { STR_INIT("value"),                                                                                 \
          { .kind = VALUE_ARRAY, .array = { (struct value *)(uintptr_t)&components[first], count } } },      \
    }
VECTOR(vector_12, 0, 2);
VECTOR(vector_2i, 1, 2);
VECTOR(vector_1, 0, 1);

static void nearest(struct msg_structured_query *q, struct choices *c)
{
    static const struct field *const vectors[] = { vector_12, vector_2i, vector_1 };
    static const struct str results[] = { STR_INIT(""), STR_INIT("a"), STR_INIT("near") };
    struct msg_find_nearest *n = ARENA_NEW(c->arena, struct msg_find_nearest);
    n->vector_field.field_path = choose(c, 4) ? STR("v") : STR("m.v");
    n->query_vector =
        (struct value){ .kind = VALUE_MAP, .map = { (struct field *)(uintptr_t)vectors[choose(c, 3)], 2 } };
    n->distance_measure = (int32_t)choose(c, 4);
    n->limit = (opt_int){ true, choose(c, 5) };
    n->distance_result_field = results[choose(c, 3)];
    n->distance_threshold.set = choose(c, 3) == 2;
    n->distance_threshold.value = (double)choose(c, 3);
    q->find_nearest = n;
    q->limit.set = false;
    q->offset = 0;
    q->start_at = q->end_at = NULL;
}

struct msg_structured_query *query_built(struct arena *arena, struct str bytes)
{
    struct choices c = { arena, bytes };
    struct msg_structured_query *q = ARENA_NEW(arena, struct msg_structured_query);
    q->from.n = 1;
    q->from.items = ARENA_NEW(arena, struct msg_collection_selector);
    q->from.items->collection_id = choose(&c, 8) == 7 ? STR("d") : STR("c");
    q->from.items->all_descendants = choose(&c, 4) == 3;
    if (choose(&c, 3) > 0) {
        q->where = ARENA_NEW(arena, struct msg_filter);
        *q->where = filter(&c, 0);
    }
    orders(q, &c);
    q->start_at = cursor(q, &c);
    q->end_at = cursor(q, &c);
    q->offset = (int32_t)choose(&c, 12);
    q->limit.set = choose(&c, 2);
    q->limit.value = choose(&c, 12);
    if (choose(&c, 3) == 2)
        nearest(q, &c);
    return q;
}

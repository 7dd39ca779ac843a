/* data_parse.c - values as they are written in a test file; see data.h. */
#include "core/codec.h"
#include "core/field_path.h"
#include "server/ruletest/parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static bool parse_value(struct ruletest_parser *p, struct data **out, int depth);

static struct data *new_data(struct ruletest_parser *p, enum data_kind kind)
{
    struct data *d = ARENA_NEW(p->arena, struct data);
    d->kind = kind;
    d->from = p->lex.token.from;
    d->to = p->lex.token.to;
    return d;
}

static struct data *new_scalar(struct ruletest_parser *p, struct value value)
{
    struct data *d = new_data(p, DATA_SCALAR);
    d->scalar = value;
    return d;
}

/* ---- numbers and times ---- */

static bool parse_number(struct ruletest_parser *p, struct data **out, bool negative)
{
    struct str text = p->lex.token.text;
    const char *z = arena_printf(p->arena, "%s" STR_FMT, negative ? "-" : "", STR_ARG(text));
    if (memchr(text.p, '.', text.n) || memchr(text.p, 'e', text.n) || memchr(text.p, 'E', text.n)) {
        *out = new_scalar(p, (struct value){ .kind = VALUE_DOUBLE, .number = strtod(z, NULL) });
    } else {
        errno = 0;
        *out = new_scalar(p, (struct value){ .kind = VALUE_INT, .integer = strtoll(z, NULL, 10) });
        if (errno)
            return ruletest_fail_at(p, p->lex.token.from, p->lex.token.to,
                                    "%s does not fit into an integer of 64 bits", z);
    }
    lex_next(&p->lex);
    return true;
}

/* 90m as microseconds. */
static bool duration_us(struct str text, int64_t *us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = { { "d", INT64_C(86400000000) },
                  { "h", INT64_C(3600000000) },
                  { "m", 60000000 },
                  { "s", 1000000 },
                  { "ms", 1000 } };
    size_t n = 0;
    for (*us = 0; n < text.n && text.p[n] >= '0' && text.p[n] <= '9'; n++)
        if (n < 12)
            *us = *us * 10 + (text.p[n] - '0');
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!str_eq_z(str_skip(text, n), units[i].unit))
            continue;
        return n < 12 && !__builtin_mul_overflow(*us, units[i].us, us);
    }
    return false;
}

/* The + 1h - 5m behind request.time. */
static bool parse_shifts(struct ruletest_parser *p, struct timestamp *time)
{
    while (lex_is(&p->lex, "+") || lex_is(&p->lex, "-")) {
        bool minus = lex_is(&p->lex, "-");
        int64_t us, at = timestamp_to_us(*time);
        lex_next(&p->lex);
        if (p->lex.token.kind != LEX_DURATION || !duration_us(p->lex.token.text, &us))
            return ruletest_expected(p, "a duration such as 90m (d, h, m, s, ms)");
        if (minus ? __builtin_sub_overflow(at, us, &at) : __builtin_add_overflow(at, us, &at))
            return ruletest_expected(p, "a shorter duration");
        *time = timestamp_from_us(at);
        if (!timestamp_is_valid(*time))
            return ruletest_expected(p, "a time from the year 1 to 9999");
        lex_next(&p->lex);
    }
    return true;
}

static bool parse_request_time(struct ruletest_parser *p, struct data **out)
{
    *out = new_scalar(p, (struct value){ .kind = VALUE_TIMESTAMP, .time = p->scope.time });
    lex_next(&p->lex);
    return ruletest_take(p, ".") && ruletest_take(p, "time") && parse_shifts(p, &(*out)->scalar.time);
}

/* ---- functions ---- */

/* The arguments are `d->items`. */
typedef bool make_value(struct ruletest_parser *p, struct data *d);

static bool text_argument(struct ruletest_parser *p, const struct data *d, struct str *out)
{
    const struct data *a = d->items[0];
    *out = (struct str){ 0 };
    if (a->kind != DATA_SCALAR || a->scalar.kind != VALUE_STRING)
        return ruletest_fail_at(p, a->from, a->to, "expected a string here");
    *out = a->scalar.text;
    return true;
}

static bool number_argument(struct ruletest_parser *p, const struct data *d, size_t i, double *out)
{
    const struct data *a = d->items[i];
    *out = 0;
    bool is_int = a->kind == DATA_SCALAR && a->scalar.kind == VALUE_INT;
    if (!is_int && (a->kind != DATA_SCALAR || a->scalar.kind != VALUE_DOUBLE))
        return ruletest_fail_at(p, a->from, a->to, "expected a number here");
    *out = is_int ? (double)a->scalar.integer : a->scalar.number;
    return true;
}

static bool make_timestamp(struct ruletest_parser *p, struct data *d)
{
    struct str text;
    d->scalar.kind = VALUE_TIMESTAMP;
    return text_argument(p, d, &text) &&
           (timestamp_parse(&d->scalar.time, text) ||
            ruletest_fail_at(p, d->from, d->to, "expected a time such as \"2026-03-01T12:00:00Z\""));
}

static bool make_bytes(struct ruletest_parser *p, struct data *d)
{
    struct str text;
    d->scalar.kind = VALUE_BYTES;
    return text_argument(p, d, &text) && (base64_decode(&d->scalar.text, p->arena, text) ||
                                          ruletest_fail_at(p, d->from, d->to, "this is not base64"));
}

static bool make_latlng(struct ruletest_parser *p, struct data *d)
{
    d->scalar.kind = VALUE_GEO;
    return number_argument(p, d, 0, &d->scalar.geo.latitude) &&
           number_argument(p, d, 1, &d->scalar.geo.longitude);
}

static bool make_ref(struct ruletest_parser *p, struct data *d)
{
    struct str text;
    struct resource_name name;
    struct status st = status_init(p->arena);
    if (!text_argument(p, d, &text))
        return false;
    d->scalar = (struct value){ .kind = VALUE_REFERENCE, .text = ruletest_full_name(p, text) };
    return path_parse_document(&name, d->scalar.text, &st) == STATUS_OK ||
           ruletest_fail_at(p, d->from, d->to, "%s", status_message(&st));
}

static bool make_repeat(struct ruletest_parser *p, struct data *d)
{
    struct str text;
    double times;
    if (!text_argument(p, d, &text) || !number_argument(p, d, 1, &times))
        return false;
    if (!(times >= 0) || times * (double)text.n > RULETEST_MAX_VALUE_BYTES - (double)p->repeated)
        return ruletest_fail_at(p, d->from, d->to, "this is too long");
    size_t n = text.n * (size_t)times;
    char *out = arena_alloc(p->arena, n + 1);
    for (size_t at = 0; at < n; at += text.n)
        memcpy(out + at, text.p, text.n);
    p->repeated += n;
    d->scalar = (struct value){ .kind = VALUE_STRING, .text = str_from(out, n) };
    return true;
}

static bool make_server_timestamp(struct ruletest_parser *p, struct data *d)
{
    (void)p;
    d->kind = DATA_TRANSFORM;
    d->transform =
        (struct msg_field_transform){ .transform_case = 2, .set_to_server_value = SERVER_VALUE_REQUEST_TIME };
    return true;
}

static bool make_increment(struct ruletest_parser *p, struct data *d)
{
    double ignored;
    d->kind = DATA_TRANSFORM;
    d->transform = (struct msg_field_transform){ .transform_case = 3, .operand = d->items[0]->scalar };
    return number_argument(p, d, 0, &ignored);
}

static bool make_array_transform(struct ruletest_parser *p, struct data *d, uint32_t transform_case)
{
    struct value_list list = { ARENA_ARRAY(p->arena, struct value, d->n), d->n };
    for (size_t i = 0; i < d->n; i++)
        if (!data_to_value(p, d->items[i], &list.items[i]))
            return false;
    d->kind = DATA_TRANSFORM;
    d->transform = (struct msg_field_transform){ .transform_case = transform_case, .array_operand = list };
    return true;
}

static bool make_union(struct ruletest_parser *p, struct data *d)
{
    return make_array_transform(p, d, 6);
}

static bool make_remove(struct ruletest_parser *p, struct data *d)
{
    return make_array_transform(p, d, 7);
}

static bool make_delete_field(struct ruletest_parser *p, struct data *d)
{
    (void)p;
    d->kind = DATA_DELETE_FIELD;
    return true;
}

static const struct {
    const char *name;
    size_t least, most;
    make_value *make;
} functions[] = {
    { "timestamp", 1, 1, make_timestamp },
    { "bytes", 1, 1, make_bytes },
    { "latlng", 2, 2, make_latlng },
    { "ref", 1, 1, make_ref },
    { "repeat", 2, 2, make_repeat },
    { "serverTimestamp", 0, 0, make_server_timestamp },
    { "increment", 1, 1, make_increment },
    { "arrayUnion", 1, SIZE_MAX, make_union },
    { "arrayRemove", 1, SIZE_MAX, make_remove },
    { "deleteField", 0, 0, make_delete_field },
};

/* ---- lists of values ---- */

static void add_item(struct ruletest_parser *p, struct data *d, size_t *cap, struct data *item)
{
    if (d->n == *cap) {
        size_t grown = *cap ? *cap * 2 : 4;
        d->items = arena_grow(p->arena, d->items, *cap * sizeof *d->items, grown * sizeof *d->items);
        *cap = grown;
    }
    d->items[d->n++] = item;
}

/* The bracket was taken. */
static bool parse_items(struct ruletest_parser *p, struct data *d, const char *end, int depth)
{
    size_t cap = 0;
    while (!lex_is(&p->lex, end)) {
        struct data *item;
        if (!parse_value(p, &item, depth + 1))
            return false;
        add_item(p, d, &cap, item);
        if (!lex_is(&p->lex, end) && !ruletest_take(p, ","))
            return false;
    }
    d->to = p->lex.token.to;
    lex_next(&p->lex);
    return true;
}

static bool parse_call(struct ruletest_parser *p, struct data *d, struct str name, int depth)
{
    size_t i = 0, count = sizeof functions / sizeof *functions;
    while (i < count && !str_eq_z(name, functions[i].name))
        i++;
    if (i == count)
        return ruletest_fail_at(p, d->from, d->to,
                                "there is no " STR_FMT "(); there are timestamp, bytes, latlng, ref, repeat, "
                                "serverTimestamp, increment, arrayUnion, arrayRemove and deleteField",
                                STR_ARG(name));
    lex_next(&p->lex);
    if (!parse_items(p, d, ")", depth))
        return false;
    if (d->n < functions[i].least || d->n > functions[i].most)
        return ruletest_fail_at(p, d->from, d->to, "%s() takes %s%zu argument%s, not %zu", functions[i].name,
                                functions[i].least == functions[i].most ? "" : "at least ",
                                functions[i].least, functions[i].least == 1 ? "" : "s", d->n);
    return functions[i].make(p, d);
}

static bool parse_array(struct ruletest_parser *p, struct data **out, int depth)
{
    *out = new_data(p, DATA_ARRAY);
    lex_next(&p->lex);
    return parse_items(p, *out, "]", depth);
}

/* ---- objects ---- */

static bool parse_key(struct ruletest_parser *p, struct data_member *m)
{
    size_t cap = 1;
    m->path = ARENA_ARRAY(p->arena, struct str, cap);
    for (;;) {
        bool quoted = p->lex.token.kind == LEX_STRING;
        if (!quoted && p->lex.token.kind != LEX_WORD)
            return ruletest_expected(p, "the name of a field");
        if (m->n_path == cap) {
            m->path = arena_grow(p->arena, m->path, cap * sizeof *m->path, 2 * cap * sizeof *m->path);
            cap *= 2;
        }
        m->path[m->n_path++] = p->lex.token.text;
        m->to = p->lex.token.to;
        lex_next(&p->lex);
        if (!ruletest_accept(p, "."))
            return ruletest_take(p, ":");
    }
}

static bool parse_member(struct ruletest_parser *p, struct data_member *m, int depth)
{
    struct data *value = NULL;
    *m = (struct data_member){ .from = p->lex.token.from, .to = p->lex.token.to };
    bool spread = ruletest_accept(p, "...");
    if ((!spread && !parse_key(p, m)) || !parse_value(p, &value, depth + 1))
        return false;
    m->value = value;
    if (spread && value->kind != DATA_OBJECT)
        return ruletest_fail_at(p, m->from, value->to, "only an object can be spread with ...");
    return true;
}

static bool parse_object(struct ruletest_parser *p, struct data **out, int depth)
{
    struct data *d = *out = new_data(p, DATA_OBJECT);
    size_t cap = 0;
    lex_next(&p->lex);
    while (!lex_is(&p->lex, "}")) {
        if (d->n == cap) {
            size_t grown = cap ? cap * 2 : 8;
            d->members =
                arena_grow(p->arena, d->members, cap * sizeof *d->members, grown * sizeof *d->members);
            cap = grown;
        }
        if (!parse_member(p, &d->members[d->n++], depth) || (!lex_is(&p->lex, "}") && !ruletest_take(p, ",")))
            return false;
    }
    d->to = p->lex.token.to;
    lex_next(&p->lex);
    return true;
}

/* ---- one value ---- */

static bool parse_constant(struct ruletest_parser *p, struct data **out, bool negative)
{
    static const struct {
        const char *word;
        struct value value;
    } constants[] = {
        { "null", { .kind = VALUE_NULL } },
        { "true", { .kind = VALUE_BOOL, .boolean = true } },
        { "false", { .kind = VALUE_BOOL, .boolean = false } },
        { "NaN", { .kind = VALUE_DOUBLE, .number = NAN } },
        { "Infinity", { .kind = VALUE_DOUBLE, .number = INFINITY } },
    };
    for (size_t i = negative ? 4 : 0; i < sizeof constants / sizeof *constants; i++) {
        if (!lex_is(&p->lex, constants[i].word))
            continue;
        *out = new_scalar(p, constants[i].value);
        if (negative)
            (*out)->scalar.number = -INFINITY;
        lex_next(&p->lex);
        return true;
    }
    return false;
}

static bool parse_name(struct ruletest_parser *p, struct data **out, int depth)
{
    struct str name = p->lex.token.text;
    struct data *d = *out = new_data(p, DATA_SCALAR);
    lex_next(&p->lex);
    if (lex_is(&p->lex, "("))
        return parse_call(p, d, name, depth);
    if (str_eq_z(name, "absent")) {
        d->kind = DATA_ABSENT;
        return true;
    }
    const struct ruletest_name *known = ruletest_find(p->scope.values, name);
    if (!known)
        return ruletest_fail_at(p, d->from, d->to,
                                "nothing is called " STR_FMT " here; strings need quotes, and names a let "
                                "above",
                                STR_ARG(name));
    uint32_t from = d->from, to = d->to;
    *d = *known->data;
    d->from = from;
    d->to = to;
    return true;
}

static bool parse_value(struct ruletest_parser *p, struct data **out, int depth)
{
    struct lexer *l = &p->lex;
    if (depth > RULETEST_MAX_NESTING)
        return ruletest_expected(p, "less nesting");
    if (++p->nodes > RULETEST_MAX_NODES)
        return ruletest_expected(p, "fewer values in one file");
    bool negative = ruletest_accept(p, "-");
    if (l->token.kind == LEX_NUMBER)
        return parse_number(p, out, negative);
    if (parse_constant(p, out, negative))
        return true;
    if (negative)
        return ruletest_expected(p, "a number");
    if (lex_is(l, "{"))
        return parse_object(p, out, depth);
    if (lex_is(l, "["))
        return parse_array(p, out, depth);
    if (lex_is(l, "request"))
        return parse_request_time(p, out);
    if (l->token.kind == LEX_WORD)
        return parse_name(p, out, depth);
    if (l->token.kind != LEX_STRING)
        return ruletest_expected(p, "a value");
    *out = new_scalar(p, (struct value){ .kind = VALUE_STRING, .text = l->token.text });
    lex_next(l);
    return true;
}

bool data_parse(struct ruletest_parser *p, const struct data **out)
{
    struct data *d = NULL;
    bool ok = parse_value(p, &d, 0);
    *out = d;
    return ok;
}

bool data_parse_object(struct ruletest_parser *p, const struct data **out)
{
    if (!lex_is(&p->lex, "{") && p->lex.token.kind != LEX_WORD)
        return ruletest_expected(p, "{ with the fields");
    return data_parse(p, out) && ((*out)->kind == DATA_OBJECT ||
                                  ruletest_fail_at(p, (*out)->from, (*out)->to, "expected an object here"));
}

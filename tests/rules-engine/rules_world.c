/* rules_world.c - see rules_world.h. */
#include "rules_world.h"

#include "rules-engine/coverage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- JSON ---- */

static bool read_value(struct json *out, struct json_reader *r, enum json_token token)
{
    *out = (struct json){ .kind = token, .text = r->text };
    size_t cap = 0;
    if (token == JSON_OBJECT || token == JSON_ARRAY) {
        for (;;) {
            token = json_next(r);
            if (token == JSON_OBJECT_END || token == JSON_ARRAY_END)
                return true;
            if (out->n == cap) {
                size_t grown = cap ? cap * 2 : 8;
                out->members = arena_grow(r->arena, out->members,
                                          out->kind == JSON_OBJECT ? cap * sizeof *out->members : 0,
                                          out->kind == JSON_OBJECT ? grown * sizeof *out->members : 0);
                out->items =
                    arena_grow(r->arena, out->items, out->kind == JSON_ARRAY ? cap * sizeof *out->items : 0,
                               out->kind == JSON_ARRAY ? grown * sizeof *out->items : 0);
                cap = grown;
            }
            struct json *at = out->kind == JSON_OBJECT ? &out->members[out->n].value : &out->items[out->n];
            if (out->kind == JSON_OBJECT) {
                if (token != JSON_KEY)
                    return false;
                out->members[out->n].name = r->text;
                token = json_next(r);
            }
            if (!read_value(at, r, token))
                return false;
            out->n++;
        }
    }
    return token >= JSON_STRING;
}

bool json_parse(struct json *out, struct arena *arena, struct str text)
{
    struct json_reader r;
    json_reader_init(&r, arena, text);
    return read_value(out, &r, json_next(&r)) && json_next(&r) == JSON_END;
}

const struct json *json_get(const struct json *object, const char *name)
{
    for (size_t i = 0; object && object->kind == JSON_OBJECT && i < object->n; i++)
        if (str_eq_z(object->members[i].name, name))
            return &object->members[i].value;
    return NULL;
}

struct str json_text(const struct json *object, const char *name)
{
    const struct json *v = json_get(object, name);
    return v ? v->text : STR("");
}

bool json_true(const struct json *object, const char *name)
{
    const struct json *v = json_get(object, name);
    return v && v->kind == JSON_TRUE;
}

static double read_double(struct arena *arena, struct str text)
{
    return strtod(arena_str(arena, text).p, NULL); /* reads NaN and Infinity too */
}

static int compare_fields(const void *a, const void *b)
{
    return str_cmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

static struct value_map map_of(struct arena *arena, const struct json *object,
                               struct value (*convert)(struct arena *, const struct json *))
{
    struct value_map map = { ARENA_ARRAY(arena, struct field, object ? object->n : 0),
                             object ? object->n : 0 };
    for (size_t i = 0; i < map.n; i++)
        map.items[i] = (struct field){ object->members[i].name, convert(arena, &object->members[i].value) };
    if (map.n > 1)
        qsort(map.items, map.n, sizeof *map.items, compare_fields);
    return map;
}

static struct value list_of(struct arena *arena, const struct json *list,
                            struct value (*convert)(struct arena *, const struct json *))
{
    size_t n = list ? list->n : 0;
    struct value out = { .kind = VALUE_ARRAY, .array = { ARENA_ARRAY(arena, struct value, n), n } };
    for (size_t i = 0; i < n; i++)
        out.array.items[i] = convert(arena, &list->items[i]);
    return out;
}

struct value_map json_fields(struct arena *arena, const struct json *fields)
{
    return map_of(arena, fields, json_typed);
}

struct value json_typed(struct arena *arena, const struct json *v)
{
    assert_true(v->kind == JSON_OBJECT && v->n == 1);
    struct str type = v->members[0].name;
    const struct json *inner = &v->members[0].value;
    struct value out = { .kind = VALUE_NULL };
    if (str_eq(type, STR("stringValue"))) {
        out = (struct value){ .kind = VALUE_STRING, .text = inner->text };
    } else if (str_eq(type, STR("integerValue"))) {
        out = (struct value){ .kind = VALUE_INT,
                              .integer = strtoll(arena_str(arena, inner->text).p, NULL, 10) };
    } else if (str_eq(type, STR("doubleValue"))) {
        out = (struct value){ .kind = VALUE_DOUBLE, .number = read_double(arena, inner->text) };
    } else if (str_eq(type, STR("booleanValue"))) {
        out = (struct value){ .kind = VALUE_BOOL, .boolean = inner->kind == JSON_TRUE };
    } else if (str_eq(type, STR("bytesValue"))) {
        out.kind = VALUE_BYTES;
        assert_true(base64_decode(&out.text, arena, inner->text));
    } else if (str_eq(type, STR("timestampValue"))) {
        out.kind = VALUE_TIMESTAMP;
        assert_true(timestamp_parse(&out.time, inner->text));
    } else if (str_eq(type, STR("referenceValue"))) {
        out = (struct value){ .kind = VALUE_REFERENCE, .text = inner->text };
        if (str_starts(out.text, STR("projects/{p}/")))
            out.text = arena_str(arena, str_of(arena_printf(arena, "projects/demo-p/" STR_FMT,
                                                            STR_ARG(str_skip(out.text, 13)))));
    } else if (str_eq(type, STR("geoPointValue"))) {
        out = (struct value){ .kind = VALUE_GEO };
        out.geo.latitude = read_double(arena, json_text(inner, "latitude"));
        out.geo.longitude = read_double(arena, json_text(inner, "longitude"));
    } else if (str_eq(type, STR("arrayValue"))) {
        out = list_of(arena, json_get(inner, "values"), json_typed);
    } else if (str_eq(type, STR("mapValue"))) {
        out = (struct value){ .kind = VALUE_MAP, .map = json_fields(arena, json_get(inner, "fields")) };
    }
    return out;
}

struct value json_plain(struct arena *arena, const struct json *v)
{
    switch (v->kind) {
    case JSON_STRING:
        return (struct value){ .kind = VALUE_STRING, .text = v->text };
    case JSON_NUMBER:
        if (memchr(v->text.p, '.', v->text.n) || memchr(v->text.p, 'e', v->text.n))
            return (struct value){ .kind = VALUE_DOUBLE, .number = read_double(arena, v->text) };
        return (struct value){ .kind = VALUE_INT, .integer = strtoll(arena_str(arena, v->text).p, NULL, 10) };
    case JSON_TRUE:
    case JSON_FALSE:
        return (struct value){ .kind = VALUE_BOOL, .boolean = v->kind == JSON_TRUE };
    case JSON_ARRAY:
        return list_of(arena, v, json_plain);
    case JSON_OBJECT:
        return (struct value){ .kind = VALUE_MAP, .map = map_of(arena, v, json_plain) };
    default:
        return (struct value){ .kind = VALUE_NULL };
    }
}

/* ---- documents ---- */

void world_init(struct world *w, struct arena *arena)
{
    *w = (struct world){ .arena = arena, .db = { STR("demo-p"), STR("(default)") } };
    buf_init(&w->traces, 65536);
}

void world_clear(struct world *w)
{
    w->n = 0;
}

struct world_document *world_find(struct world *w, struct str path)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->documents[i].path, path))
            return &w->documents[i];
    return NULL;
}

void world_put(struct world *w, struct str path, struct value_map fields)
{
    struct world_document *d = world_find(w, path);
    if (!d) {
        assert_true(w->n < sizeof w->documents / sizeof *w->documents);
        d = &w->documents[w->n++];
    }
    *d = (struct world_document){
        .path = path, .fields = fields, .exists = true, .exists_after = true, .fields_after = fields
    };
}

static enum status_code get_document(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st)
{
    struct world *w = data;
    (void)arena, (void)st;
    assert_true(database_name_eq(db, w->db));
    const struct world_document *d = world_find(w, path);
    w->reads++;
    *out = (struct rules_document){ 0 };
    if (d && (after ? d->exists_after : d->exists))
        *out = (struct rules_document){ .exists = true, .fields = after ? d->fields_after : d->fields };
    out->written = d && after && d->written;
    return STATUS_OK;
}

static void trace(void *data, struct str file, uint32_t line, uint32_t column, struct str text)
{
    struct world *w = data;
    (void)file;
    buf_printf(&w->traces, "%u:%u " STR_FMT "\n", (unsigned)line, (unsigned)column, STR_ARG(text));
}

struct rules_env world_env(struct world *w)
{
    return (struct rules_env){ .data = w, .get_document = get_document, .trace = trace };
}

/* ---- filters ---- */

static struct value plain_operand(struct arena *arena, struct str text)
{
    struct json number = { .kind = JSON_NUMBER, .text = text };
    if (str_eq(text, STR("null")))
        return (struct value){ .kind = VALUE_NULL };
    if (str_eq(text, STR("true")) || str_eq(text, STR("false")))
        return (struct value){ .kind = VALUE_BOOL, .boolean = str_eq(text, STR("true")) };
    if (str_eq(text, STR("NaN")))
        return (struct value){ .kind = VALUE_DOUBLE, .number = read_double(arena, text) };
    if (text.n >= 2 && text.p[0] == '\'')
        return (struct value){ .kind = VALUE_STRING, .text = str_from(text.p + 1, text.n - 2) };
    if (memchr(text.p, '/', text.n))
        return (struct value){
            .kind = VALUE_REFERENCE,
            .text = str_of(
                arena_printf(arena, "projects/demo-p/databases/(default)/documents/" STR_FMT, STR_ARG(text)))
        };
    return json_plain(arena, &number);
}

static struct str take_until(struct str *rest, char stop)
{
    const char *at = memchr(rest->p, stop, rest->n);
    struct str part = at ? str_from(rest->p, (size_t)(at - rest->p)) : *rest;
    *rest = str_skip(*rest, part.n + (at != NULL));
    return part;
}

static struct value operand_list(struct arena *arena, struct str text)
{
    struct value out = { .kind = VALUE_ARRAY, .array = { ARENA_ARRAY(arena, struct value, text.n + 1), 0 } };
    while (text.n > 0)
        out.array.items[out.array.n++] = plain_operand(arena, take_until(&text, ','));
    return out;
}

struct rules_constraint world_filter(struct arena *arena, struct str text)
{
    static const struct {
        const char *name;
        enum rules_constraint_op op;
    } ops[] = { { "==", RULES_EQ },
                { "!=", RULES_NE },
                { "<", RULES_LT },
                { "<=", RULES_LE },
                { ">", RULES_GT },
                { ">=", RULES_GE },
                { "array-contains", RULES_ARRAY_CONTAINS },
                { "not-in", RULES_NOT_IN } };
    struct str field = take_until(&text, ' '), name = take_until(&text, ' ');
    struct str *segments = ARENA_ARRAY(arena, struct str, field.n + 1);
    struct rules_constraint c = { .field = segments };
    while (field.n > 0)
        segments[c.field_n++] = take_until(&field, '.');
    size_t op = 0;
    while (op < sizeof ops / sizeof *ops && !str_eq_z(name, ops[op].name))
        op++;
    assert_true(op < sizeof ops / sizeof *ops);
    c.op = ops[op].op;
    struct value *operand = ARENA_NEW(arena, struct value);
    *operand = c.op == RULES_NOT_IN ? operand_list(arena, text) : plain_operand(arena, text);
    c.operand = operand;
    return c;
}

struct ruleset *world_try_compile(const char **message, struct arena *arena, struct str text)
{
    struct rules_file file = { STR("test.rules"), text };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    if (rules_compile(&ruleset, &file, 1, &issues, arena, &st))
        *message = arena_printf(arena, "%s", status_message(&st));
    return ruleset;
}

struct ruleset *world_compile(struct arena *arena, struct str text)
{
    const char *message;
    struct ruleset *ruleset = world_try_compile(&message, arena, text);
    if (!ruleset)
        fail_msg("%s\n" STR_FMT, message, STR_ARG(text));
    return ruleset;
}

/* ---- deciding twice ---- */

void world_watch(const struct ruleset *ruleset, bool watch)
{
    struct coverage_shard *shard = coverage_take(ruleset->coverage);
    struct coverage_node *nodes = coverage_nodes(shard);
    for (uint32_t i = 0; i < ruleset->n_nodes; i++)
        nodes[i].looks = watch ? 0 : LIMIT_COVERAGE_LOOKS;
    coverage_give(shard);
}

static void assert_same_text(const char *name, const char *walked, const char *known)
{
    if ((walked == NULL) != (known == NULL) || (walked && strcmp(walked, known) != 0))
        fail_msg("%s: %s when every expression is walked, %s when not", name, walked ? walked : "none",
                 known ? known : "none");
}

static void assert_same_try(const struct rules_try *walked, const struct rules_try *known)
{
    assert_int_equal(walked->line, known->line);
    assert_int_equal(walked->column, known->column);
    assert_same_text("reason", walked->reason, known->reason);
    assert_same_text("expression", walked->expression, known->expression);
    assert_same_text("value", walked->value, known->value);
    assert_same_text("missing", walked->missing, known->missing);
    assert_same_text("extra", walked->extra, known->extra);
}

enum status_code world_decide(const struct ruleset *ruleset, const struct rules_request *request,
                              const struct rules_env *env, struct rules_budget *budget, struct arena *arena,
                              struct rules_decision *decision, struct status *st)
{
    struct rules_budget again = budget ? *budget : (struct rules_budget){ 0 };
    struct rules_env quiet = env ? *env : (struct rules_env){ 0 };
    struct rules_decision known;
    struct status ignored = status_init(arena);
    enum status_code code = rules_decide(ruleset, request, env, budget, arena, decision, st);
    quiet.trace = NULL;
    world_watch(ruleset, false);
    assert_int_equal(rules_decide(ruleset, request, &quiet, budget ? &again : NULL, arena, &known, &ignored),
                     code);
    world_watch(ruleset, true);
    assert_int_equal(decision->allowed, known.allowed);
    assert_int_equal(decision->expressions, known.expressions);
    assert_same_text("message", decision->message, known.message);
    assert_int_equal(decision->n_tries, known.n_tries);
    for (size_t i = 0; i < known.n_tries; i++)
        assert_same_try(&decision->tries[i], &known.tries[i]);
    return code;
}

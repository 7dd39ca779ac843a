/* codec_samples.c - see codec_samples.h. */
#include "core/codec_samples.h"
#include "core/limits.h"

#include <math.h>
#include <stdlib.h>

const struct schema_message *const sample_schemas[] = {
#define X(name) SCHEMA(name),
    SCHEMA_LIST(X)
#undef X
};
const size_t sample_schema_count = sizeof sample_schemas / sizeof sample_schemas[0];

void *sample_empty(struct arena *arena, const struct schema_message *schema)
{
    return arena_zalloc(arena, 1, schema_size(schema));
}

/* ---- random messages ---- */

struct maker {
    struct dice *dice;
    struct arena *arena;
    int depth;
};

static bool chance(struct maker *m, size_t percent)
{
    return dice_below(m->dice, 100) < percent;
}

static struct str random_text(struct maker *m)
{
    static const struct str texts[] = {
        STR_INIT(""),
        STR_INIT("a"),
        STR_INIT("status_code"),
        STR_INIT("p\xc3\xa4th"),
        STR_INIT("a\0b"),
        STR_INIT("q\"\\/\b\f\n\r\t\x01"),
        STR_INIT("\xf0\x9f\x98\x80"),
        STR_INIT("5"),
    };
    if (chance(m, 80))
        return texts[dice_below(m->dice, sizeof texts / sizeof texts[0])];
    /* Lengths on both sides of where a length needs another byte. */
    static const size_t lengths[] = { 60, 118, 122, 124, 126, 127, 128, 129, 300, 16380, 16384 };
    size_t n = lengths[dice_below(m->dice, sizeof lengths / sizeof lengths[0] - (m->depth > 3 ? 2 : 0))];
    char *p = arena_alloc(m->arena, n);
    memset(p, 'x', n);
    return str_from(p, n);
}

/* Names in JSON are limited. */
static struct str random_key(struct maker *m)
{
    struct str key = random_text(m);
    return key.n <= LIMIT_JSON_KEY_BYTES ? key : STR("long");
}

static int64_t random_int64(struct maker *m)
{
    static const int64_t some[] = { 0, 1, -1, 127, 128, INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1, -300 };
    return chance(m, 70) ? some[dice_below(m->dice, sizeof some / sizeof some[0])]
                         : (int64_t)dice_roll(m->dice);
}

static double random_double(struct maker *m)
{
    static const double some[] = { 0,
                                   -0.0,
                                   1,
                                   -1.5,
                                   0.1,
                                   1e20,
                                   1e100,
                                   5e-324,
                                   1.7976931348623157e308,
                                   123456789.125,
                                   1e9,
                                   999999999.999999,
                                   0.000001,
                                   1e21,
                                   123456789012345678.0 };
    if (chance(m, 10))
        return chance(m, 30) ? (double)NAN : chance(m, 50) ? HUGE_VAL : -HUGE_VAL;
    if (chance(m, 60))
        return some[dice_below(m->dice, sizeof some / sizeof some[0])];
    uint64_t bits = dice_roll(m->dice);
    double d;
    memcpy(&d, &bits, sizeof d);
    return isnan(d) ? 2.5 : d;
}

/* Microseconds, as values keep them. */
static struct timestamp random_time(struct maker *m)
{
    static const int64_t seconds[] = { 0, 1, -1, TIMESTAMP_MIN_SECONDS, TIMESTAMP_MAX_SECONDS, 1795499331 };
    static const int32_t micros[] = { 0, 1, 897795, 500000, 999999 };
    return (struct timestamp){ seconds[dice_below(m->dice, 6)], micros[dice_below(m->dice, 5)] * 1000 };
}

static struct value random_value(struct maker *m);

static struct value_map random_map(struct maker *m)
{
    struct value_map map = { ARENA_ARRAY(m->arena, struct field, 4), 0 };
    size_t n = m->depth > 5 ? 0 : dice_below(m->dice, 5);
    for (size_t i = 0; i < n; i++) {
        struct field field = { random_key(m), random_value(m) };
        size_t at = map.n;
        while (at > 0 && str_cmp(map.items[at - 1].name, field.name) > 0)
            at--;
        if (at > 0 && str_eq(map.items[at - 1].name, field.name))
            continue;
        memmove(&map.items[at + 1], &map.items[at], (map.n - at) * sizeof field);
        map.items[at] = field;
        map.n++;
    }
    return map;
}

static struct value random_value(struct maker *m)
{
    static const enum value_kind kinds[] = {
        VALUE_UNSET,           VALUE_BOOL,     VALUE_INT,      VALUE_DOUBLE,
        VALUE_REFERENCE,       VALUE_MAP,      VALUE_GEO,      VALUE_ARRAY,
        VALUE_TIMESTAMP,       VALUE_NULL,     VALUE_STRING,   VALUE_BYTES,
        VALUE_FIELD_REFERENCE, VALUE_FUNCTION, VALUE_PIPELINE,
    };
    struct value v = { .kind = kinds[dice_below(m->dice, sizeof kinds / sizeof kinds[0])] };
    m->depth++;
    switch (v.kind) {
    case VALUE_BOOL:
        v.boolean = chance(m, 50);
        break;
    case VALUE_INT:
        v.integer = random_int64(m);
        break;
    case VALUE_DOUBLE:
        v.number = random_double(m);
        break;
    case VALUE_GEO:
        v.geo.latitude = random_double(m);
        v.geo.longitude = random_double(m);
        break;
    case VALUE_TIMESTAMP:
        v.time = random_time(m);
        break;
    case VALUE_MAP:
        v.map = random_map(m);
        break;
    case VALUE_ARRAY:
        v.array = (struct value_list){ ARENA_ARRAY(m->arena, struct value, 4),
                                       m->depth > 5 ? 0 : dice_below(m->dice, 5) };
        for (size_t i = 0; i < v.array.n; i++)
            v.array.items[i] = random_value(m);
        break;
    case VALUE_STRING:
    case VALUE_REFERENCE:
    case VALUE_FIELD_REFERENCE:
    case VALUE_BYTES:
        v.text = random_text(m);
        break;
    default:
        break;
    }
    m->depth--;
    return v;
}

static void random_fill(struct maker *m, const struct schema_message *schema, void *out);

static void random_single(struct maker *m, const struct schema_field *f, void *to)
{
    int64_t v = random_int64(m);
    switch (f->type) {
    case SCHEMA_BOOL:
        *(bool *)to = v & 1;
        break;
    case SCHEMA_INT32:
        if (f->wrapped)
            *(int64_t *)to = (int32_t)v;
        else
            *(int32_t *)to = (int32_t)v;
        break;
    case SCHEMA_INT64:
        *(int64_t *)to = v;
        break;
    case SCHEMA_ENUM:
        *(int32_t *)to =
            chance(m, 80) ? f->enumeration->rows[dice_below(m->dice, f->enumeration->n)].number : (int32_t)v;
        break;
    case SCHEMA_DOUBLE:
        *(double *)to = random_double(m);
        break;
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        *(struct str *)to = random_text(m);
        break;
    case SCHEMA_TIMESTAMP:
        *(struct timestamp *)to = random_time(m);
        break;
    case SCHEMA_VALUE:
        *(struct value *)to = random_value(m);
        break;
    case SCHEMA_LABELS:
        *(struct msg_label *)to = (struct msg_label){ random_key(m), random_text(m) };
        break;
    case SCHEMA_MESSAGE:
        random_fill(m, f->message, to);
        break;
    default:
        break;
    }
}

static void random_list(struct maker *m, const struct schema_field *f, void *out)
{
    size_t element = schema_element_size(f), n = m->depth > 5 ? 0 : dice_below(m->dice, 4);
    struct schema_list *list = schema_at(out, f->offset);
    if (f->type == SCHEMA_VALUE_MAP) {
        *(struct value_map *)schema_at(out, f->offset) = random_map(m);
        return;
    }
    if (f->type == SCHEMA_LABELS)
        n = n > 1 ? 1 : n; /* one: keys must differ */
    list->items = arena_zalloc(m->arena, n + 1, element);
    list->n = n;
    for (size_t i = 0; i < n; i++)
        random_single(m, f, (char *)list->items + i * element);
}

static void random_fill(struct maker *m, const struct schema_message *schema, void *out)
{
    if (schema->is_value) {
        *(struct value *)out = random_value(m);
        return;
    }
    m->depth++;
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_field *f = &schema->fields[i];
        if (f->type == SCHEMA_SKIP || f->json_only || f->write_only || chance(m, 35))
            continue;
        if (f->repeated) {
            random_list(m, f, out);
            continue;
        }
        if (f->presence == SCHEMA_IF_CASE && *(uint32_t *)schema_at(out, f->has_offset) != 0)
            continue;
        if (f->type == SCHEMA_MESSAGE && m->depth > 6)
            continue;
        schema_mark_set(f, out);
        void *to = schema_at(out, f->offset);
        if (f->pointer)
            to = *(void **)to = arena_zalloc(m->arena, 1, f->message->size);
        random_single(m, f, to);
    }
    m->depth--;
}

void *sample_message(struct dice *dice, struct arena *arena, const struct schema_message *schema)
{
    struct maker m = { .dice = dice, .arena = arena };
    void *out = sample_empty(arena, schema);
    random_fill(&m, schema, out);
    return out;
}

/* ---- recorded messages ---- */

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static struct str unhex(struct arena *arena, struct str hex)
{
    char *p = arena_alloc(arena, hex.n / 2 + 1);
    for (size_t i = 0; i + 1 < hex.n; i += 2)
        p[i / 2] = (char)(nibble(hex.p[i]) << 4 | nibble(hex.p[i + 1]));
    return str_from(p, hex.n / 2);
}

struct str sample_hex(struct arena *arena, const char *hex)
{
    return unhex(arena, str_of(hex));
}

static struct str until(struct str *rest, char end)
{
    const char *p = memchr(rest->p, end, rest->n);
    struct str first = { rest->p, p ? (size_t)(p - rest->p) : rest->n };
    *rest = str_skip(*rest, p ? first.n + 1 : first.n);
    return first;
}

static const struct schema_message *schema_called(struct str name)
{
    for (size_t i = 0; i < sample_schema_count; i++) {
        if (str_eq_z(name, schema_name(sample_schemas[i])))
            return sample_schemas[i];
    }
    fail_msg("no schema called " STR_FMT, STR_ARG(name));
    return NULL;
}

size_t sample_vectors(struct sample_vector **out, struct arena *arena)
{
    enum { MAX_FILE = 1 << 20, MAX_VECTORS = 1000 };
    FILE *file = fopen("core/data/codec_vectors.txt", "rb");
    assert_non_null(file);
    char *text = arena_alloc(arena, MAX_FILE);
    struct str rest = { text, fread(text, 1, MAX_FILE, file) };
    fclose(file);
    size_t n = 0;
    *out = ARENA_ARRAY(arena, struct sample_vector, MAX_VECTORS);
    while (rest.n > 0) {
        struct str line = until(&rest, '\n');
        if (line.n == 0 || line.p[0] == '#')
            continue;
        assert_true(n < MAX_VECTORS);
        struct sample_vector *v = &(*out)[n++];
        v->name = until(&line, ' ');
        v->schema = schema_called(v->name);
        struct str hex = until(&line, ' ');
        v->protobuf = str_eq(hex, STR("-")) ? STR("") : unhex(arena, hex);
        v->json = line;
    }
    assert_true(n > 0);
    return n;
}

struct str sample_protobuf(struct arena *arena, const struct schema_message *schema, const void *message)
{
    struct buf buf;
    buf_init(&buf, 64 << 20);
    assert_true(protobuf_encode(&buf, schema, message));
    struct str copy = arena_str(arena, buf_view(&buf));
    buf_dispose(&buf);
    return copy;
}

struct str sample_json(struct arena *arena, const struct schema_message *schema, const void *message,
                       unsigned flags)
{
    struct buf buf;
    buf_init(&buf, 64 << 20);
    assert_true(protojson_encode(&buf, schema, message, flags));
    struct str copy = arena_str(arena, buf_view(&buf));
    buf_dispose(&buf);
    return copy;
}

/* test_schema.c - the tables against the list of fields in the published descriptors (data/schema.txt). */
#include "core/codec_samples.h"

#include <ctype.h>

struct published {
    char message[64], json[64], name[64], type[64], repeated[16], oneof[64];
    unsigned number;
};

enum { MAX_ROWS = 1000 };
static struct published rows[MAX_ROWS];
static size_t row_count;

static int read_published(void **state)
{
    (void)state;
    char line[512];
    FILE *file = fopen("core/data/schema.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        struct published *p = &rows[row_count];
        if (line[0] == '#')
            continue;
        assert_true(row_count < MAX_ROWS);
        assert_int_equal(sscanf(line, "%63s %u %63s %63s %63s %15s %63s", p->message, &p->number, p->json,
                                p->name, p->type, p->repeated, p->oneof),
                         7);
        row_count++;
    }
    fclose(file);
    return 0;
}

static const struct published *find(const char *message, uint32_t number)
{
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].message, message) == 0 && rows[i].number == number &&
            strcmp(rows[i].name, "enumerator") != 0 && strcmp(rows[i].type, "-") != 0)
            return &rows[i];
    }
    return NULL;
}

/* Every message reachable from SCHEMA_LIST, each once. */
static size_t all_messages(const struct schema_message **out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < sample_schema_count; i++)
        out[n++] = sample_schemas[i];
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < out[i]->n; j++) {
            const struct schema_message *sub = out[i]->fields[j].message;
            bool known = !sub;
            for (size_t k = 0; k < n && !known; k++)
                known = out[k] == sub;
            if (!known) {
                assert_true(n < max);
                out[n++] = sub;
            }
        }
    }
    return n;
}

static const char *type_word(const struct schema_field *f)
{
    switch (f->type) {
    case SCHEMA_BOOL:
        return "bool";
    case SCHEMA_INT32:
        return f->wrapped ? "int32value" : "int32";
    case SCHEMA_INT64:
        return f->wrapped ? "int64value" : "int64";
    case SCHEMA_DOUBLE:
        return f->wrapped ? "doublevalue" : "double";
    case SCHEMA_ENUM:
    case SCHEMA_NULL:
        return "enum";
    case SCHEMA_STRING:
        return "string";
    case SCHEMA_BYTES:
        return "bytes";
    case SCHEMA_TIMESTAMP:
        return "timestamp";
    case SCHEMA_VALUE:
        return "message:Value";
    case SCHEMA_VALUE_MAP:
        return "map:Value";
    case SCHEMA_LABELS:
        return "map:string";
    case SCHEMA_STRUCT:
        return "struct";
    case SCHEMA_DURATION:
        return "duration";
    default:
        return NULL;
    }
}

static void check_row(const struct schema_message *m, const struct schema_field *f)
{
    const struct published *p = find(m->name, f->number);
    if (f->json_only || (strcmp(m->name, "Write") == 0 && f->number == 5)) { /* not in the published API */
        assert_null(p);
        return;
    }
    if (!p)
        fail_msg("%s has no field %u", m->name, f->number);
    assert_str_z(f->json, p->json);
    assert_str_z(f->name, p->name);
    if (f->type == SCHEMA_SKIP)
        return;
    assert_int_equal(f->repeated, strcmp(p->repeated, "repeated") == 0);
    if (type_word(f))
        assert_string_equal(type_word(f), p->type);
    else if (!m->is_value)
        assert_string_equal(f->message->name, p->type + strlen("message:"));
}

static void every_row_is_as_published(void **state)
{
    (void)state;
    const struct schema_message *messages[128];
    size_t n = all_messages(messages, 128);
    for (size_t i = 0; i < n; i++) {
        assert_true(messages[i]->n <= SCHEMA_FIELDS_MAX);
        for (size_t j = 0; j < messages[i]->n; j++) {
            check_row(messages[i], &messages[i]->fields[j]);
            if (j > 0)
                assert_true(messages[i]->fields[j - 1].number < messages[i]->fields[j].number);
        }
    }
}

static void every_published_field_has_a_row(void **state)
{
    (void)state;
    const struct schema_message *messages[128];
    size_t n = all_messages(messages, 128);
    for (size_t i = 0; i < row_count; i++) {
        for (size_t j = 0; j < n; j++) {
            if (strcmp(rows[i].message, messages[j]->name) == 0 &&
                strcmp(rows[i].name, "variable_reference_value") != 0 &&
                !schema_by_number(messages[j], rows[i].number))
                fail_msg("%s.%s (%u) has no row", rows[i].message, rows[i].name, rows[i].number);
        }
    }
}

static void check_enumerator(const struct schema_message *const *messages, size_t n,
                             const struct published *p)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < messages[i]->n; j++) {
            const struct schema_field *f = &messages[i]->fields[j];
            char place[160];
            snprintf(place, sizeof place, "%s." STR_FMT, messages[i]->name, STR_ARG(f->name));
            if (f->type != SCHEMA_ENUM || strcmp(place, p->message) != 0)
                continue;
            assert_str_z(schema_enum_name(f->enumeration, (int32_t)p->number), p->json);
            return;
        }
    }
    fail_msg("no enum field %s", p->message);
}

static void every_enumerator_is_as_published(void **state)
{
    (void)state;
    const struct schema_message *messages[128];
    size_t n = all_messages(messages, 128), seen = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].name, "enumerator") == 0) {
            check_enumerator(messages, n, &rows[i]);
            seen++;
        }
    }
    assert_true(seen > 30);
}

/* Members of one oneof share a case, and members of no oneof have none. */
static void oneofs_are_as_published(void **state)
{
    (void)state;
    const struct schema_message *messages[128];
    size_t n = all_messages(messages, 128);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < messages[i]->n; j++) {
            const struct schema_field *f = &messages[i]->fields[j];
            const struct published *p = find(messages[i]->name, f->number);
            if (!p || messages[i]->is_value || f->type == SCHEMA_SKIP)
                continue;
            if (f->presence == SCHEMA_IF_CASE)
                assert_string_not_equal(p->oneof, "-");
            for (size_t k = 0; k < j && strcmp(p->oneof, "-") != 0; k++) {
                const struct published *q = find(messages[i]->name, messages[i]->fields[k].number);
                if (q && strcmp(q->oneof, p->oneof) == 0) {
                    assert_int_equal(f->presence, SCHEMA_IF_CASE);
                    assert_int_equal(f->has_offset, messages[i]->fields[k].has_offset);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_as_published),
        cmocka_unit_test(every_published_field_has_a_row),
        cmocka_unit_test(every_enumerator_is_as_published),
        cmocka_unit_test(oneofs_are_as_published),
    };
    return cmocka_run_group_tests(tests, read_published, NULL);
}

/* test_protojson.c - proto3-JSON: what is taken, what is refused and in which words, what is printed. */
#include "core/codec_samples.h"
#include "core/limits.h"

#include <stdlib.h>

struct fixture {
    struct arena *arena;
    struct status st;
};

static int set_up(void **state)
{
    static struct fixture f;
    f.arena = arena_new();
    f.st = status_init(f.arena);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    arena_free(((struct fixture *)*state)->arena);
    return 0;
}

static enum status_code decode(struct fixture *f, void *out, const struct schema_message *schema,
                               struct str json)
{
    return protojson_decode(out, schema, f->arena, json, &f->st);
}

/* Reads JSON and prints it again. */
static struct str reprint(struct fixture *f, const struct schema_message *schema, const char *json)
{
    void *message = sample_empty(f->arena, schema);
    if (decode(f, message, schema, str_of(json)) != STATUS_OK)
        fail_msg("%s: %s", json, status_message(&f->st));
    return sample_json(f->arena, schema, message, 0);
}

static void json_of_the_official_runtime_means_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct sample_vector *vectors;
    size_t n = sample_vectors(&vectors, f->arena);
    for (size_t i = 0; i < n; i++) {
        const struct schema_message *schema = vectors[i].schema;
        void *message = sample_empty(f->arena, schema);
        if (decode(f, message, schema, vectors[i].json) != STATUS_OK)
            fail_msg("vector %zu: %s", i, status_message(&f->st));
        if (!str_eq(sample_protobuf(f->arena, schema, message), vectors[i].protobuf))
            fail_msg("vector %zu: " STR_FMT, i, STR_ARG(vectors[i].json));
        void *again = sample_empty(f->arena, schema);
        assert_int_equal(decode(f, again, schema, sample_json(f->arena, schema, message, PROTOJSON_PRETTY)),
                         STATUS_OK);
        assert_true(str_eq(sample_protobuf(f->arena, schema, again), vectors[i].protobuf));
    }
}

static void random_messages_of_every_schema_survive(void **state)
{
    (void)state;
    static const unsigned flags[] = { 0, PROTOJSON_PRETTY, PROTOJSON_ENUM_INT };
    struct dice dice = { 11 };
    for (size_t round = 0; round < 30 * sample_schema_count; round++) {
        struct arena *arena = arena_new();
        struct status st = status_init(arena);
        const struct schema_message *schema = sample_schemas[round % sample_schema_count];
        void *message = sample_message(&dice, arena, schema), *again = sample_empty(arena, schema);
        struct str json = sample_json(arena, schema, message, flags[round % 3]);
        assert_true(str_is_utf8(json));
        if (protojson_decode(again, schema, arena, json, &st) != STATUS_OK)
            fail_msg("%s: " STR_FMT, status_message(&st), STR_ARG(json));
        assert_true(str_eq(sample_protobuf(arena, schema, again), sample_protobuf(arena, schema, message)));
        assert_true(str_eq(sample_json(arena, schema, again, flags[round % 3]), json));
        arena_free(arena);
    }
}

static void every_truncation_is_refused(void **state)
{
    struct fixture *f = *state;
    struct dice dice = { 8 };
    size_t total = 0;
    for (size_t i = 0; i < sample_schema_count; i++) {
        void *message = sample_message(&dice, f->arena, sample_schemas[i]);
        struct str json = sample_json(f->arena, sample_schemas[i], message, 0);
        size_t end = json.n < 2000 ? json.n : 2000;
        for (size_t n = 1; n < end; n++, total++) {
            char *exact = malloc(n + 1); /* so that a sanitizer sees a read past the end */
            memcpy(exact, json.p, n);
            void *again = sample_empty(f->arena, sample_schemas[i]);
            assert_int_equal(decode(f, again, sample_schemas[i], str_from(exact, n)),
                             STATUS_INVALID_ARGUMENT);
            free(exact);
        }
    }
    assert_true(total > 1000);
}

static void values_are_read_leniently_and_printed_canonically(void **state)
{
    static const char *const cases[][2] = {
        { "{\"integerValue\":\"5\"}", "{\"integerValue\":\"5\"}" },
        { "{\"integerValue\":5}", "{\"integerValue\":\"5\"}" },
        { "{\"integerValue\":5.0}", "{\"integerValue\":\"5\"}" },
        { "{\"integerValue\":9007199254740993}", "{\"integerValue\":\"9007199254740993\"}" },
        { "{\"integer_value\":\"-9223372036854775808\"}", "{\"integerValue\":\"-9223372036854775808\"}" },
        { "{\"integerValue\":0}", "{\"integerValue\":\"0\"}" },
        { "{\"doubleValue\":1}", "{\"doubleValue\":1.0}" },
        { "{\"doubleValue\":\"1.5\"}", "{\"doubleValue\":1.5}" },
        { "{\"doubleValue\":100000000000000000000}", "{\"doubleValue\":1e+20}" },
        { "{\"doubleValue\":\"NaN\"}", "{\"doubleValue\":\"NaN\"}" },
        { "{\"doubleValue\":\"-Infinity\"}", "{\"doubleValue\":\"-Infinity\"}" },
        { "{\"doubleValue\":-0.0}", "{\"doubleValue\":-0.0}" },
        { "{\"nullValue\":null}", "{\"nullValue\":null}" },
        { "{\"nullValue\":\"NULL_VALUE\"}", "{\"nullValue\":null}" },
        { "{\"null_value\":0}", "{\"nullValue\":null}" },
        { "{\"nullValue\":1}", "{\"nullValue\":null}" },
        { "", "{}" },
        { " \n", "{}" },
        { "{\"booleanValue\":true}", "{\"booleanValue\":true}" },
        { "{\"booleanValue\":\"true\"}", "{\"booleanValue\":true}" },
        { "{\"booleanValue\":\"false\"}", "{\"booleanValue\":false}" },
        { "{\"stringValue\":5}", "{\"stringValue\":\"5\"}" },
        { "{\"stringValue\":1.50e3}", "{\"stringValue\":\"1.50e3\"}" },
        { "{\"stringValue\":true}", "{\"stringValue\":\"true\"}" },
        { "{\"stringValue\":\"\"}", "{\"stringValue\":\"\"}" },
        { "{\"stringValue\":\"\\u0000\\ud83d\\ude00\"}", "{\"stringValue\":\"\\u0000\xf0\x9f\x98\x80\"}" },
        { "{\"bytesValue\":\"-_8\"}", "{\"bytesValue\":\"+/8=\"}" },
        { "{\"bytesValue\":\"\"}", "{\"bytesValue\":\"\"}" },
        { "{\"timestampValue\":\"2026-11-24T07:44:37.8977956+02:00\"}",
          "{\"timestampValue\":\"2026-11-24T05:44:37.897795Z\"}" },
        { "{\"timestampValue\":\"1969-12-31T23:59:59.9999999Z\"}",
          "{\"timestampValue\":\"1969-12-31T23:59:59.999999Z\"}" },
        { "{\"timestampValue\":\"2026-11-24T05:44:37Z\"}", "{\"timestampValue\":\"2026-11-24T05:44:37Z\"}" },
        { "{\"geoPointValue\":{}}", "{\"geoPointValue\":{}}" },
        { "{\"geoPointValue\":{\"latitude\":0,\"longitude\":\"-1.5\"}}",
          "{\"geoPointValue\":{\"longitude\":-1.5}}" },
        { "{\"geoPointValue\":{\"latitude\":null}}", "{\"geoPointValue\":{}}" },
        { "{\"arrayValue\":{}}", "{\"arrayValue\":{}}" },
        { "{\"arrayValue\":{\"values\":[]}}", "{\"arrayValue\":{}}" },
        { "{\"arrayValue\":{\"values\":null}}", "{\"arrayValue\":{}}" },
        { "{\"array_value\":{\"values\":[{\"nullValue\":null},{}]}}",
          "{\"arrayValue\":{\"values\":[{\"nullValue\":null},{}]}}" },
        { "{\"mapValue\":{}}", "{\"mapValue\":{}}" },
        { "{\"mapValue\":{\"fields\":{}}}", "{\"mapValue\":{}}" },
        { "{\"map_value\":{\"fields\":{\"b\":{\"integer_value\":1},\"a\":{}}}}",
          "{\"mapValue\":{\"fields\":{\"a\":{},\"b\":{\"integerValue\":\"1\"}}}}" },
        { "{\"referenceValue\":\"projects/p/databases/d/documents/a/b\"}",
          "{\"referenceValue\":\"projects/p/databases/d/documents/a/b\"}" },
        { "{\"fieldReferenceValue\":\"a\"}", "{\"fieldReferenceValue\":\"a\"}" },
        { "{\"functionValue\":{\"name\":\"x\",\"args\":[{},[1]]}}", "{\"functionValue\":{}}" },
        { "{\"stringValue\":null}", "{}" },
        { "{\"stringValue\":null,\"integerValue\":1}", "{\"integerValue\":\"1\"}" },
        { "{}", "{}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_str_z(reprint(*state, SCHEMA(value), cases[i][0]), cases[i][1]);
}

#define REFUSED(name, json, words)                                                                           \
    {                                                                                                        \
        SCHEMA(name), json, words                                                                            \
    }

static void what_is_wrong_is_said_with_its_place(void **state)
{
    struct fixture *f = *state;
    const struct {
        const struct schema_message *schema;
        const char *json, *words;
    } cases[] = {
        REFUSED(value, "{", "an object is cut off, at byte 1."),
        REFUSED(value, "null", "a value, as in"),
        REFUSED(document, "null", "an object expected."),
        REFUSED(value, "[]", "a value, as in {\"stringValue\": \"x\"}, expected."),
        REFUSED(value, "{\"integerValue\":1.5}", "integerValue: \"1.5\" is not a whole number of 64 bits."),
        REFUSED(value, "{\"integerValue\":\"abc\"}",
                "integerValue: \"abc\" is not a whole number of 64 bits."),
        REFUSED(value, "{\"integerValue\":9223372036854775808}",
                "integerValue: \"9223372036854775808\" is not a whole"),
        REFUSED(value, "{\"integerValue\":true}",
                "integerValue: a whole number, in quotes or not, expected."),
        REFUSED(value, "{\"doubleValue\":\"x\"}", "doubleValue: \"x\" is not a number."),
        REFUSED(value, "{\"doubleValue\":1e400}",
                "doubleValue: \"1e400\" is not within the range of a double."),
        REFUSED(value, "{\"booleanValue\":1}", "booleanValue: true or false expected."),
        REFUSED(value, "{\"booleanValue\":\"yes\"}", "booleanValue: \"yes\" is not true or false."),
        REFUSED(value, "{\"nullValue\":1.5}", "nullValue: null expected."),
        REFUSED(value, "{\"nullValue\":\"null\"}", "nullValue: null expected."),
        REFUSED(value, "{\"nullValue\":false}", "nullValue: null expected."),
        REFUSED(value, "{\"stringValue\":{}}", "stringValue: a string expected."),
        REFUSED(value, "{\"stringValue\":[\"a\"]}", "stringValue: a string expected."),
        REFUSED(value, "{\"stringValue\":\"\\ud800\"}",
                "stringValue: a \\u escape is malformed or half a surrogate pair"),
        REFUSED(value, "{\"stringValue\":\"\xff\"}", "stringValue: text is not valid UTF-8, at byte 15."),
        REFUSED(value, "{\"bytesValue\":\"?\"}", "bytesValue: \"?\" is not base64."),
        REFUSED(value, "{\"bytesValue\":5}", "bytesValue: base64 in a string expected."),
        REFUSED(value, "{\"timestampValue\":\"2026-11-24\"}",
                "timestampValue: \"2026-11-24\" is not a time like"),
        REFUSED(value, "{\"timestampValue\":\"10000-01-01T00:00:00Z\"}", "timestampValue: \"10000"),
        REFUSED(value, "{\"timestampValue\":5}", "timestampValue: a time in a string expected."),
        REFUSED(value, "{\"geoPointValue\":{\"lat\":1}}", "geoPointValue: LatLng has no field \"lat\"."),
        REFUSED(value, "{\"geoPointValue\":{\"latitude\":1,\"latitude\":1}}",
                "geoPointValue.latitude: is given twice."),
        REFUSED(value, "{\"geoPointValue\":[]}", "geoPointValue: an object expected."),
        REFUSED(value, "{\"stringValue\":\"a\",\"integerValue\":1}",
                "only one of stringValue and integerValue may be set."),
        REFUSED(value, "{\"stringValue\":\"a\",\"string_value\":\"a\"}", "stringValue: is given twice."),
        REFUSED(value, "{\"strValue\":\"a\"}", "Value has no field \"strValue\"."),
        REFUSED(value, "{\"arrayValue\":{\"values\":[{},null]}}", "arrayValue.values[1]: a value, as in"),
        REFUSED(value, "{\"arrayValue\":{\"values\":[{},{\"x\":1}]}}",
                "arrayValue.values[1]: Value has no field \"x\"."),
        REFUSED(value, "{\"arrayValue\":{\"value\":[]}}", "arrayValue: ArrayValue has no field \"value\"."),
        REFUSED(value, "{\"arrayValue\":{\"values\":{}}}", "arrayValue.values: an array expected."),
        REFUSED(value, "{\"mapValue\":{\"fields\":{\"b\":{},\"a\":{},\"b\":{}}}}",
                "mapValue.fields.b: is given twice."),
        REFUSED(value, "{\"mapValue\":{\"fields\":[]}}", "mapValue.fields: an object expected."),
        REFUSED(document, "{\"fields\":{\"f\":null}}", "fields.f: a value, as in"),
        REFUSED(document, "{\"fields\":{\"f\":\"text\"}}", "fields.f: a value, as in"),
        REFUSED(document, "{\"fields\":{},\"fields\":{}}", "fields: is given twice."),
        REFUSED(document, "{\"nmae\":\"x\"}", "Document has no field \"nmae\"."),
        REFUSED(document, "{\"name\":\"x\"}}", "something follows the value, at byte 12."),
        REFUSED(document, "{\"name\":\"x\",}", "a name in quotes is expected, at byte 12."),
        REFUSED(commit_request,
                "{\"writes\":[{\"delete\":\"a\"},{\"update\":{\"fields\":{\"a\":{\"mapValue\":{\"fields\":{"
                "\"b\":{\"integerValue\":\"x\"}}}}}}}]}",
                "writes[1].update.fields.a.mapValue.fields.b.integerValue: \"x\" is not a whole number of 64 "
                "bits."),
        REFUSED(commit_request, "{\"writes\":[null]}", "writes[0]: an object expected."),
        REFUSED(commit_request, "{\"writes\":[{\"delete\":\"a\",\"verify\":\"b\"}]}",
                "writes[0]: only one of delete and verify may be set."),
        REFUSED(commit_request, "{\"writes\":{}}", "writes: an array expected."),
        REFUSED(commit_request, "{\"transaction\":\"*\"}", "transaction: \"*\" is not base64."),
        REFUSED(structured_query, "{\"limit\":{\"value\":5}}",
                "limit: a bare number expected, not an object."),
        REFUSED(structured_query, "{\"limit\":3000000000}",
                "limit: \"3000000000\" is not a whole number of 32 bits."),
        REFUSED(structured_query, "{\"orderBy\":[{\"direction\":\"UP\"}]}",
                "orderBy[0].direction: \"UP\" is not one of the names of this enum, nor a number."),
        REFUSED(batch_write_request, "{\"labels\":{\"a\":\"1\",\"a\":\"2\"}}", "labels.a: is given twice."),
        REFUSED(batch_write_request, "{\"labels\":{\"a\":null}}", "labels.a: a string expected."),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *out = sample_empty(f->arena, cases[i].schema);
        if (decode(f, out, cases[i].schema, str_of(cases[i].json)) != STATUS_INVALID_ARGUMENT)
            fail_msg("accepted: %s", cases[i].json);
        const char *message = status_message(&f->st);
        if (strncmp(message, "Payload isn't valid for request. ", 33) != 0 ||
            !strstr(message, cases[i].words))
            fail_msg("%s\ngot  %s\nwant %s", cases[i].json, message, cases[i].words);
    }
}

static void snake_case_is_taken_at_all_levels(void **state)
{
    assert_str_z(
        reprint(*state, SCHEMA(write),
                "{\"update\":{\"create_time\":\"2020-01-01T00:00:00Z\"},\"update_mask\":{\"field_paths\":["
                "\"a\"]},"
                "\"current_document\":{\"update_time\":\"2020-01-01T00:00:00.123456789Z\"}}"),
        "{\"update\":{\"createTime\":\"2020-01-01T00:00:00Z\"},\"updateMask\":{\"fieldPaths\":[\"a\"]},"
        "\"currentDocument\":{\"updateTime\":\"2020-01-01T00:00:00.123456789Z\"}}");
}

static void enums_come_by_name_or_number_and_print_as_asked(void **state)
{
    struct fixture *f = *state;
    struct msg_structured_query q = { 0 };
    assert_int_equal(decode(f, &q, SCHEMA(structured_query),
                            STR("{\"orderBy\":[{\"direction\":2},{\"direction\":\"DESCENDING\"},{"
                                "\"direction\":\"2\"},{\"direction\":9}]}")),
                     STATUS_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(q.order_by.items[i].direction, DIRECTION_DESCENDING);
    q.order_by.n = 1;
    assert_str_z(sample_json(f->arena, SCHEMA(structured_query), &q, 0),
                 "{\"orderBy\":[{\"direction\":\"DESCENDING\"}]}");
    assert_str_z(sample_json(f->arena, SCHEMA(structured_query), &q, PROTOJSON_ENUM_INT),
                 "{\"orderBy\":[{\"direction\":2}]}");
    q.order_by.items[0].direction = 9;
    assert_str_z(sample_json(f->arena, SCHEMA(structured_query), &q, 0), "{\"orderBy\":[{\"direction\":9}]}");
}

static void null_members_are_absent(void **state)
{
    assert_str_z(
        reprint(*state, SCHEMA(commit_request), "{\"writes\":null,\"transaction\":null,\"database\":\"d\"}"),
        "{\"database\":\"d\"}");
    assert_str_z(reprint(*state, SCHEMA(write), "{\"update\":null,\"delete\":\"x\",\"updateMask\":null}"),
                 "{\"delete\":\"x\"}");
}

static void an_empty_mask_is_not_an_absent_one(void **state)
{
    struct fixture *f = *state;
    struct msg_write write = { 0 };
    assert_int_equal(decode(f, &write, SCHEMA(write), STR("{\"updateMask\":{}}")), STATUS_OK);
    assert_non_null(write.update_mask);
    assert_str_z(sample_json(f->arena, SCHEMA(write), &write, 0), "{\"updateMask\":{}}");
}

static void wrappers_are_bare(void **state)
{
    assert_str_z(reprint(*state, SCHEMA(structured_query), "{\"limit\":5,\"offset\":\"2\"}"),
                 "{\"limit\":5,\"offset\":2}");
    assert_str_z(reprint(*state, SCHEMA(structured_query), "{\"limit\":0}"), "{\"limit\":0}");
    assert_str_z(
        reprint(
            *state, SCHEMA(run_aggregation_request),
            "{\"structuredAggregationQuery\":{\"aggregations\":[{\"count\":{\"upTo\":5}},{\"count\":{}}]}}"),
        "{\"structuredAggregationQuery\":{\"aggregations\":[{\"count\":{\"upTo\":\"5\"}},{\"count\":{}}]}}");
}

static void set_members_of_a_oneof_are_printed_even_when_default(void **state)
{
    struct fixture *f = *state;
    struct msg_precondition p = { .condition_case = 1 };
    assert_str_z(sample_json(f->arena, SCHEMA(precondition), &p, 0), "{\"exists\":false}");
    struct msg_run_query_response last = { .continuation_case = 6,
                                           .done = true,
                                           .read_time = { .set = true } };
    assert_str_z(sample_json(f->arena, SCHEMA(run_query_response), &last, 0),
                 "{\"readTime\":\"1970-01-01T00:00:00Z\",\"done\":true}");
    struct msg_run_aggregation_response sum = { .continuation_case = 6, .done = true };
    assert_str_z(sample_json(f->arena, SCHEMA(run_aggregation_response), &sum, 0), "{\"done\":true}");
    assert_int_equal(sample_protobuf(f->arena, SCHEMA(run_aggregation_response), &sum).n, 0);
    struct msg_filter filter = { .filter_case = 1 };
    assert_str_z(sample_json(f->arena, SCHEMA(filter), &filter, 0), "{\"compositeFilter\":{}}");
}

static void what_only_newer_apis_have_is_accepted_and_ignored(void **state)
{
    assert_str_z(reprint(*state, SCHEMA(get_document_request),
                         "{\"requestOptions\":{\"requestTags\":[\"a\"]},\"name\":\"n\"}"),
                 "{\"name\":\"n\"}");
    assert_str_z(reprint(*state, SCHEMA(execute_pipeline_request),
                         "{\"database\":\"d\",\"structuredPipeline\":{\"pipeline\":{}}}"),
                 "{\"database\":\"d\"}");
}

static void pretty_output_is_laid_out_as_googles(void **state)
{
    struct fixture *f = *state;
    struct msg_commit_response r = { 0 };
    assert_int_equal(
        decode(f, &r, SCHEMA(commit_response),
               STR("{\"writeResults\":[{\"updateTime\":\"2020-01-01T00:00:00Z\",\"transformResults\":[{"
                   "\"integerValue\":1},"
                   "{\"arrayValue\":{}},{\"mapValue\":{\"fields\":{\"a\":{\"nullValue\":null}}}}]},{}]}")),
        STATUS_OK);
    assert_str_z(sample_json(f->arena, SCHEMA(commit_response), &r, PROTOJSON_PRETTY),
                 "{\n"
                 "  \"writeResults\": [{\n"
                 "    \"updateTime\": \"2020-01-01T00:00:00Z\",\n"
                 "    \"transformResults\": [{\n"
                 "      \"integerValue\": \"1\"\n"
                 "    }, {\n"
                 "      \"arrayValue\": {}\n"
                 "    }, {\n"
                 "      \"mapValue\": {\n"
                 "        \"fields\": {\n"
                 "          \"a\": {\n"
                 "            \"nullValue\": null\n"
                 "          }\n"
                 "        }\n"
                 "      }\n"
                 "    }]\n"
                 "  }, {}]\n"
                 "}");
    struct msg_empty empty = { 0 };
    assert_str_z(sample_json(f->arena, SCHEMA(empty), &empty, PROTOJSON_PRETTY), "{}");
}

static void raw_fields_print_as_decoded_ones_do(void **state)
{
    (void)state;
    struct dice dice = { 17 };
    for (int i = 0; i < 300; i++) {
        struct arena *arena = arena_new();
        struct document *doc = sample_message(&dice, arena, SCHEMA(document));
        struct buf fields;
        buf_init(&fields, 1 << 22);
        assert_true(protobuf_encode_fields(&fields, &doc->fields));
        buf_reserve(&fields, 1);
        struct document raw = *doc;
        raw.fields = (struct value_map){ 0 };
        raw.fields_raw = buf_view(&fields);
        for (unsigned flags = 0; flags < 2; flags++)
            assert_str(sample_json(arena, SCHEMA(document), &raw, flags),
                       sample_json(arena, SCHEMA(document), doc, flags));
        buf_dispose(&fields);
        arena_free(arena);
    }
}

/* Damage must end in "no" or in valid JSON, never in a crash or a hang. */
static void damaged_raw_fields_are_not_printed_wrong(void **state)
{
    (void)state;
    struct dice dice = { 23 };
    size_t refused = 0;
    for (int i = 0; i < 3000; i++) {
        struct arena *arena = arena_new();
        struct document *doc = sample_message(&dice, arena, SCHEMA(document)), raw = { 0 };
        struct buf fields, out;
        buf_init(&fields, 1 << 22);
        buf_init(&out, 1 << 24);
        assert_true(protobuf_encode_fields(&fields, &doc->fields));
        size_t n = fields.len ? dice_below(&dice, fields.len + 1) : 0;
        unsigned char *exact = malloc(n + 1);
        memcpy(exact, n ? fields.data : exact, n);
        if (n)
            exact[dice_below(&dice, n)] ^= (unsigned char)(1u << dice_below(&dice, 8));
        raw.fields_raw = str_from(exact, n);
        if (!protojson_encode(&out, SCHEMA(document), &raw, 0))
            refused++;
        free(exact);
        buf_dispose(&fields);
        buf_dispose(&out);
        arena_free(arena);
    }
    assert_true(refused > 100);
}

/* ---- URL parameters ---- */

static enum status_code set(struct fixture *f, void *out, const struct schema_message *schema,
                            const char *name, const char *text)
{
    return protojson_set_param(out, schema, f->arena, str_of(name), str_of(text), &f->st);
}

static void parameters_set_fields_by_dotted_name(void **state)
{
    struct fixture *f = *state;
    static const char *const pairs[][2] = {
        { "pageSize", "300" },         { "show_missing", "true" }, { "mask.fieldPaths", "a" },
        { "mask.field_paths", "b.c" }, { "pageToken", "x y" },     { "transaction", "-_8" },
        { "orderBy", "a desc" },
    };
    struct msg_list_documents_request r = { 0 };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_int_equal(set(f, &r, SCHEMA(list_documents_request), pairs[i][0], pairs[i][1]), STATUS_OK);
    assert_str_z(sample_json(f->arena, SCHEMA(list_documents_request), &r, 0),
                 "{\"pageSize\":300,\"pageToken\":\"x y\",\"orderBy\":\"a "
                 "desc\",\"mask\":{\"fieldPaths\":[\"a\",\"b.c\"]},"
                 "\"transaction\":\"+/8=\",\"showMissing\":true}");
}

static void parameters_reach_times_and_wrappers(void **state)
{
    struct fixture *f = *state;
    struct msg_update_document_request r = { 0 };
    assert_int_equal(set(f, &r, SCHEMA(update_document_request), "currentDocument.updateTime",
                         "2020-01-01T02:00:00.5+02:00"),
                     STATUS_OK);
    assert_int_equal(r.current_document->condition_case, 2);
    assert_int_equal(r.current_document->update_time.nanos, 500000000);
    struct msg_structured_query q = { 0 };
    assert_int_equal(set(f, &q, SCHEMA(structured_query), "limit", "7"), STATUS_OK);
    assert_true(q.limit.set);
    assert_int_equal(q.limit.value, 7);
}

static void unknown_parameters_are_not_found_and_leave_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "bogus", "key", "mask.bogus", "mask.fieldPaths.x", "name.x",
                                         "",      ".",   "mask.",      "requestOptions",    "$alt" };
    struct msg_get_document_request r = { 0 };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(set(f, &r, SCHEMA(get_document_request), names[i], "1"), STATUS_NOT_FOUND);
    assert_null(r.mask);
}

static void bad_parameters_are_named(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][3] = {
        { "pageSize", "abc",
          "Query parameter isn't valid. pageSize: \"abc\" is not a whole number of 32 bits." },
        { "pageSize", "", "pageSize: \"\" is not" },
        { "transaction", "AAAAA", "transaction: \"AAAAA\" is not base64." },
        { "readTime", "yesterday", "readTime: \"yesterday\" is not a time like" },
        { "showMissing", "1", "showMissing: \"1\" is not true or false." },
        { "mask", "a", "mask: is a message" },
        { "showMissing", "Yes", "showMissing: \"Yes\" is not true or false." },
        { "pageToken", "\xff", "pageToken: text is not valid UTF-8." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct msg_list_documents_request r = { 0 };
        assert_int_equal(set(f, &r, SCHEMA(list_documents_request), cases[i][0], cases[i][1]),
                         STATUS_INVALID_ARGUMENT);
        if (!strstr(status_message(&f->st), cases[i][2]))
            fail_msg("got %s", status_message(&f->st));
    }
    struct msg_list_documents_request r = { 0 };
    assert_int_equal(set(f, &r, SCHEMA(list_documents_request), "transaction", "AAAA"), STATUS_OK);
    assert_int_equal(set(f, &r, SCHEMA(list_documents_request), "readTime", "2020-01-01T00:00:00Z"),
                     STATUS_INVALID_ARGUMENT);
    assert_non_null(
        strstr(status_message(&f->st), "readTime: only one of transaction and readTime may be set."));
}

static void a_singular_parameter_is_given_once(void **state)
{
    struct fixture *f = *state;
    static const char *const pairs[][2] = { { "pageSize", "1" },
                                            { "pageToken", "x" },
                                            { "showMissing", "true" },
                                            { "orderBy", "a" },
                                            { "transaction", "AAAA" } };
    struct msg_list_documents_request r = { 0 };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(set(f, &r, SCHEMA(list_documents_request), pairs[i][0], pairs[i][1]), STATUS_OK);
        assert_int_equal(set(f, &r, SCHEMA(list_documents_request), pairs[i][0], pairs[i][1]),
                         STATUS_INVALID_ARGUMENT);
        assert_non_null(strstr(status_message(&f->st), ": is given more than once."));
    }
}

static void booleans_of_parameters_are_of_any_case(void **state)
{
    struct fixture *f = *state;
    struct msg_list_documents_request r = { 0 };
    assert_int_equal(set(f, &r, SCHEMA(list_documents_request), "showMissing", "True"), STATUS_OK);
    assert_true(r.show_missing);
}

/* ---- limits ---- */

static void nesting_is_limited_without_recursing(void **state)
{
    struct fixture *f = *state;
    struct value v = { 0 };
    enum { N = 20000 };
    struct str open = STR("{\"arrayValue\":{\"values\":[");
    char *json = malloc(N * open.n);
    for (size_t i = 0; i < N; i++)
        memcpy(json + i * open.n, open.p, open.n);
    assert_int_equal(decode(f, &v, SCHEMA(value), str_from(json, N * open.n)), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(status_message(&f->st), ": nested too deep, at byte"));
    free(json);
}

static void ten_mebibytes_of_empty_values_stay_within_the_limit(void **state)
{
    struct fixture *f = *state;
    struct str head = STR("{\"values\":["), item = STR("{},"), tail = STR("{}]}");
    char *json = malloc(LIMIT_MESSAGE_BYTES);
    size_t n = (LIMIT_MESSAGE_BYTES - head.n - tail.n) / item.n, at = head.n;
    memcpy(json, head.p, head.n);
    for (size_t i = 0; i < n; i++, at += item.n)
        memcpy(json + at, item.p, item.n);
    memcpy(json + at, tail.p, tail.n);
    struct msg_cursor cursor = { 0 };
    enum status_code code = decode(f, &cursor, SCHEMA(cursor), str_from(json, at + tail.n));
    assert_true(code == STATUS_OK || code == STATUS_RESOURCE_EXHAUSTED);
    assert_true(arena_used(f->arena) <= LIMIT_REQUEST_ARENA);
    free(json);
}

static void decoded_size_is_limited(void **state)
{
    struct fixture *f = *state;
    struct str head = STR("{\"writes\":["), item = STR("{},");
    char *json = malloc(LIMIT_MESSAGE_BYTES);
    size_t n = (LIMIT_MESSAGE_BYTES - head.n) / item.n;
    memcpy(json, head.p, head.n);
    for (size_t i = 0; i < n; i++)
        memcpy(json + head.n + i * item.n, item.p, item.n);
    struct msg_commit_request request = { 0 };
    assert_int_equal(decode(f, &request, SCHEMA(commit_request), str_from(json, head.n + n * item.n)),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_true(arena_used(f->arena) <= LIMIT_REQUEST_ARENA);
    free(json);
}

static void a_message_over_ten_mebibytes_is_refused(void **state)
{
    struct fixture *f = *state;
    char *json = malloc(LIMIT_MESSAGE_BYTES + 1);
    memset(json, ' ', LIMIT_MESSAGE_BYTES + 1);
    struct msg_cursor cursor = { 0 };
    assert_int_equal(decode(f, &cursor, SCHEMA(cursor), str_from(json, LIMIT_MESSAGE_BYTES + 1)),
                     STATUS_RESOURCE_EXHAUSTED);
    free(json);
}

static void quoted_text_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    struct buf json;
    buf_init(&json, 1 << 20);
    buf_z(&json, "{\"");
    for (int i = 0; i < 1000; i++)
        buf_z(&json, "\xe6\x97\xa5");
    buf_z(&json, "\":1}");
    struct value v = { 0 };
    assert_int_equal(decode(f, &v, SCHEMA(value), buf_view(&json)), STATUS_INVALID_ARGUMENT);
    assert_true(str_is_utf8(str_of(status_message(&f->st))));
    assert_true(strlen(status_message(&f->st)) < 200);
    buf_dispose(&json);
}

static void a_long_place_keeps_its_innermost_names(void **state)
{
    struct fixture *f = *state;
    struct buf json;
    buf_init(&json, 1 << 20);
    for (int i = 0; i < 12; i++)
        buf_z(&json, "{\"mapValue\":{\"fields\":{\"a_rather_long_name_of_a_field\":");
    buf_z(&json, "{\"x\":1}");
    struct value v = { 0 };
    assert_int_equal(decode(f, &v, SCHEMA(value), buf_view(&json)), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(status_message(&f->st), "request. ..."));
    assert_non_null(
        strstr(status_message(&f->st), ".a_rather_long_name_of_a_field: Value has no field \"x\"."));
    buf_dispose(&json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_of_the_official_runtime_means_the_same_bytes),
        TEST(random_messages_of_every_schema_survive),
        TEST(every_truncation_is_refused),
        TEST(values_are_read_leniently_and_printed_canonically),
        TEST(what_is_wrong_is_said_with_its_place),
        TEST(snake_case_is_taken_at_all_levels),
        TEST(enums_come_by_name_or_number_and_print_as_asked),
        TEST(null_members_are_absent),
        TEST(an_empty_mask_is_not_an_absent_one),
        TEST(wrappers_are_bare),
        TEST(set_members_of_a_oneof_are_printed_even_when_default),
        TEST(what_only_newer_apis_have_is_accepted_and_ignored),
        TEST(pretty_output_is_laid_out_as_googles),
        TEST(raw_fields_print_as_decoded_ones_do),
        TEST(damaged_raw_fields_are_not_printed_wrong),
        TEST(parameters_set_fields_by_dotted_name),
        TEST(parameters_reach_times_and_wrappers),
        TEST(unknown_parameters_are_not_found_and_leave_nothing),
        TEST(bad_parameters_are_named),
        TEST(a_singular_parameter_is_given_once),
        TEST(booleans_of_parameters_are_of_any_case),
        TEST(nesting_is_limited_without_recursing),
        TEST(ten_mebibytes_of_empty_values_stay_within_the_limit),
        TEST(decoded_size_is_limited),
        TEST(a_message_over_ten_mebibytes_is_refused),
        TEST(quoted_text_is_cut_between_characters),
        TEST(a_long_place_keeps_its_innermost_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

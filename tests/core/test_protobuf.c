/* test_protobuf.c - the protobuf encoding: against bytes of an official runtime, and against nonsense. */
#include "core/codec_samples.h"
#include "core/limits.h"
#include "core/wire.h"

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
                               struct str bytes)
{
    return protobuf_decode(out, schema, f->arena, bytes, &f->st);
}

static struct value value_of(struct fixture *f, const char *hex)
{
    struct value v = { 0 };
    if (decode(f, &v, SCHEMA(value), sample_hex(f->arena, hex)) != STATUS_OK)
        fail_msg("%s: %s", hex, status_message(&f->st));
    return v;
}

static void assert_refused(struct fixture *f, const struct schema_message *schema, struct str bytes,
                           const char *words)
{
    void *out = sample_empty(f->arena, schema);
    assert_int_equal(decode(f, out, schema, bytes), STATUS_INVALID_ARGUMENT);
    if (!strstr(status_message(&f->st), words))
        fail_msg("\"%s\" does not say \"%s\"", status_message(&f->st), words);
}

static void bytes_of_the_official_runtime_come_back_unchanged(void **state)
{
    struct fixture *f = *state;
    struct sample_vector *vectors;
    size_t n = sample_vectors(&vectors, f->arena);
    for (size_t i = 0; i < n; i++) {
        void *message = sample_empty(f->arena, vectors[i].schema);
        if (decode(f, message, vectors[i].schema, vectors[i].protobuf) != STATUS_OK)
            fail_msg("vector %zu: %s", i, status_message(&f->st));
        struct str again = sample_protobuf(f->arena, vectors[i].schema, message);
        if (!str_eq(again, vectors[i].protobuf))
            fail_msg("vector %zu, " STR_FMT " " STR_FMT, i, STR_ARG(vectors[i].name),
                     STR_ARG(vectors[i].json));
    }
}

static void random_messages_of_every_schema_survive(void **state)
{
    (void)state;
    struct dice dice = { 20261124 };
    for (size_t round = 0; round < 40 * sample_schema_count; round++) {
        struct arena *arena = arena_new();
        struct status st = status_init(arena);
        const struct schema_message *schema = sample_schemas[round % sample_schema_count];
        void *message = sample_message(&dice, arena, schema), *again = sample_empty(arena, schema);
        struct str bytes = sample_protobuf(arena, schema, message);
        assert_int_equal(protobuf_decode(again, schema, arena, bytes, &st), STATUS_OK);
        assert_true(str_eq(sample_protobuf(arena, schema, again), bytes));
        arena_free(arena);
    }
}

/* Cut anywhere, a message is refused, or it is a shorter message: then it encodes to no more than was read.
 */
static void truncation_at_every_byte_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct dice dice = { 7 };
    size_t refused = 0, total = 0;
    for (size_t i = 0; i < sample_schema_count; i++) {
        void *message = sample_message(&dice, f->arena, sample_schemas[i]);
        struct str bytes = sample_protobuf(f->arena, sample_schemas[i], message);
        size_t end = bytes.n < 2000 ? bytes.n : 2000;
        for (size_t n = 0; n < end; n++, total++) {
            char *exact = malloc(n + 1); /* so that a sanitizer sees a read past the end */
            memcpy(exact, bytes.p, n);
            void *again = sample_empty(f->arena, sample_schemas[i]);
            if (decode(f, again, sample_schemas[i], str_from(exact, n)) != STATUS_OK)
                refused++;
            else
                assert_true(sample_protobuf(f->arena, sample_schemas[i], again).n <= n);
            free(exact);
        }
    }
    assert_true(total > 1000 && refused > total * 3 / 4);
}

static void unknown_fields_and_groups_are_skipped(void **state)
{
    struct fixture *f = *state;
    /* DocumentMask: 15: varint, 15: fixed64, 15: fixed32, 15: bytes, group 15 { group 1 {} }, then field 1 =
     * "a" */
    struct str bytes = sample_hex(f->arena, "7801"
                                            "790000000000000000"
                                            "7d00000000"
                                            "7a0161"
                                            "7b0b0c7c"
                                            "0a0161");
    struct msg_document_mask mask = { 0 };
    assert_int_equal(decode(f, &mask, SCHEMA(document_mask), bytes), STATUS_OK);
    assert_int_equal(mask.field_paths.n, 1);
    assert_str_z(mask.field_paths.items[0], "a");
}

static void a_known_number_with_another_wire_type_is_unknown(void **state)
{
    struct fixture *f = *state;
    struct msg_document_mask mask = { 0 };
    assert_int_equal(decode(f, &mask, SCHEMA(document_mask),
                            sample_hex(f->arena, "0801"
                                                 "0a0162")),
                     STATUS_OK);
    assert_int_equal(mask.field_paths.n, 1);
    assert_int_equal(value_of(f, "1001"
                                 "0a0161")
                         .kind,
                     VALUE_INT);
}

static void malformed_bytes_are_refused_with_the_reason(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *hex, *words;
    } cases[] = {
        { "08", "booleanValue: a varint is cut off" },
        { "10ffffffffffffffffff7f", "integerValue: a varint is cut off or too long" },
        { "10ffffffffffffffffffff01", "a varint" },
        { "8a01056162", "stringValue: a length reaches past the end" },
        { "8a01ffffffffffffffffff01", "a length" },
        { "8a01ff", "a length" },
        { "8a0101ff", "stringValue: text is not valid UTF-8" },
        { "8a0103eda080", "UTF-8" }, /* a surrogate */
        { "2a01ff", "referenceValue: text is not valid UTF-8" },
        { "19010203", "doubleValue: a fixed-width number is cut off" },
        { "7e", "no such wire type" },
        { "7f", "no such wire type" },
        { "0001", "no such field number" },
        { "808080808010", "no such field number" },
        { "7c", "a group ends that never began" },
        { "7b", "a group is cut off" },
        { "7b0b7c0c", "a group ends under another number" },
        { "3207"
          "0a05"
          "0a01ff"
          "1200",
          "mapValue.fields: text is not valid UTF-8" },
        { "320a"
          "0a08"
          "0a0161"
          "1203"
          "8a0105",
          "mapValue.fields.a.stringValue: a length" },
        { "4a07"
          "0a00"
          "0a03"
          "8a0105",
          "arrayValue.values[1].stringValue: a length" },
        { "520b"
          "0880808080808080808001",
          "timestampValue: time outside" }, /* -2^63 seconds */
        { "520b"
          "10ffffffffffffffffff01",
          "timestampValue: time outside" }, /* -1 ns */
        { "5206"
          "108094ebdc03",
          "timestampValue: time outside" }, /* 10^9 ns */
        { "4209090000", "geoPointValue" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(f, SCHEMA(value), sample_hex(f->arena, cases[i].hex), cases[i].words);
}

static void a_refusal_names_the_place(void **state)
{
    struct fixture *f = *state;
    /* CommitRequest.writes[1].update.fields.a.stringValue */
    struct str bytes = sample_hex(f->arena, "1200"
                                            "120e"
                                            "0a0c"
                                            "120a"
                                            "0a0161"
                                            "1205"
                                            "8a010261ff");
    assert_refused(f, SCHEMA(commit_request), bytes,
                   "Message isn't a valid CommitRequest. writes[1].update.fields.a.stringValue: text is not "
                   "valid UTF-8.");
    assert_refused(f, SCHEMA(structured_query), sample_hex(f->arena, "2a0208"), "limit: a length reaches");
}

static void the_last_scalar_wins_and_messages_merge(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(value_of(f, "1001"
                                 "1007")
                         .integer,
                     7);
    struct value map = value_of(f, "3207"
                                   "0a050a01621200"
                                   "3207"
                                   "0a050a01611200"
                                   "3207"
                                   "0a050a01621200");
    assert_int_equal(map.kind, VALUE_MAP);
    assert_int_equal(map.map.n, 2);
    assert_str_z(map.map.items[0].name, "a");
    assert_str_z(map.map.items[1].name, "b");
    struct value array = value_of(f, "4a02"
                                     "0a00"
                                     "4a04"
                                     "0a000a00"
                                     "4a02"
                                     "0a00");
    assert_int_equal(array.array.n, 4);
    struct value geo = value_of(f, "4209"
                                   "09000000000000f03f"
                                   "4209"
                                   "110000000000000040");
    assert_true(geo.geo.latitude == 1 && geo.geo.longitude == 2);
}

static void another_member_of_a_oneof_replaces(void **state)
{
    struct fixture *f = *state;
    struct value v = value_of(f, "3207"
                                 "0a050a01621200"
                                 "1005");
    assert_int_equal(v.kind, VALUE_INT);
    v = value_of(f, "3207"
                    "0a050a01621200"
                    "1005"
                    "3200");
    assert_int_equal(v.kind, VALUE_MAP);
    assert_int_equal(v.map.n, 0);
    struct msg_write write = { 0 }; /* update{name a}, delete x, update{} */
    assert_int_equal(decode(f, &write, SCHEMA(write),
                            sample_hex(f->arena, "0a030a0161"
                                                 "120178"
                                                 "0a00")),
                     STATUS_OK);
    assert_int_equal(write.operation_case, 1);
    assert_int_equal(write.update.name.n, 0);
}

static void map_keys_are_sorted_and_the_last_double_wins(void **state)
{
    struct fixture *f = *state;
    struct document doc = { 0 };
    /* fields b=1, a=2, b=3, "" (no key) = unset */
    struct str bytes = sample_hex(f->arena, "12070a016212021001"
                                            "12070a016112021002"
                                            "12070a016212021003"
                                            "1200");
    assert_int_equal(decode(f, &doc, SCHEMA(document), bytes), STATUS_OK);
    assert_int_equal(doc.fields.n, 3);
    assert_str_z(doc.fields.items[0].name, "");
    assert_str_z(doc.fields.items[1].name, "a");
    assert_int_equal(doc.fields.items[2].value.integer, 3);
}

static void many_unsorted_keys_are_sorted(void **state)
{
    struct fixture *f = *state;
    struct buf bytes;
    buf_init(&bytes, 1 << 22);
    enum { N = 5000 };
    for (unsigned i = 0; i < N; i++) {
        unsigned key = i * 7919 % N; /* a permutation, as 7919 and 5000 have no common factor */
        char entry[] = {
            0x12, 9, 0x0a, 3, (char)(1 + key / 2500), (char)(1 + key / 50 % 50), (char)(1 + key % 50),
            0x12, 2, 0x08, 1
        };
        buf_put(&bytes, entry, sizeof entry);
    }
    struct document doc = { 0 };
    assert_int_equal(decode(f, &doc, SCHEMA(document), buf_view(&bytes)), STATUS_OK);
    assert_int_equal(doc.fields.n, N);
    for (size_t i = 1; i < N; i++)
        assert_true(str_cmp(doc.fields.items[i - 1].name, doc.fields.items[i].name) < 0);
    buf_dispose(&bytes);
}

static void lists_in_pieces_are_put_together(void **state)
{
    struct fixture *f = *state;
    struct msg_cursor cursor = { 0 }; /* values and before take turns */
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    enum { N = 1000 };
    for (int i = 0; i < N; i++)
        buf_put(&bytes, "\x0a\x02\x10\x01\x10\x01", 6);
    assert_int_equal(decode(f, &cursor, SCHEMA(cursor), buf_view(&bytes)), STATUS_OK);
    assert_int_equal(cursor.values.n, N);
    assert_int_equal(cursor.values.items[N - 1].integer, 1);
    buf_dispose(&bytes);
}

static void int32_lists_come_packed_or_not_and_negative(void **state)
{
    struct fixture *f = *state;
    struct msg_listen_response response = { 0 };
    /* target_change { 2: packed [1, -1], 2: 300, 2: packed [] } */
    struct str bytes = sample_hex(f->arena, "1212"
                                            "120b01ffffffffffffffffff01"
                                            "10ac02"
                                            "1200");
    assert_int_equal(decode(f, &response, SCHEMA(listen_response), bytes), STATUS_OK);
    assert_int_equal(response.target_change->target_ids.n, 3);
    assert_int_equal(response.target_change->target_ids.items[1], -1);
    assert_int_equal(response.target_change->target_ids.items[2], 300);
    assert_refused(f, SCHEMA(listen_response),
                   sample_hex(f->arena, "1203"
                                        "120180"),
                   "targetChange.targetIds: a varint");
}

static void text_may_hold_nul(void **state)
{
    struct fixture *f = *state;
    struct value v = value_of(f, "8a0103610062");
    assert_str(v.text, STR("a\0b"));
}

static void values_keep_microseconds_and_other_times_nanoseconds(void **state)
{
    struct fixture *f = *state;
    struct value v = value_of(f, "5207"
                                 "0801"
                                 "10959aef3a");
    assert_int_equal(v.time.nanos, 123456000);
    struct msg_precondition p = { 0 };
    assert_int_equal(decode(f, &p, SCHEMA(precondition),
                            sample_hex(f->arena, "1207"
                                                 "0801"
                                                 "10959aef3a")),
                     STATUS_OK);
    assert_int_equal(p.update_time.nanos, 123456789);
}

static void pipeline_kinds_are_read_past_so_that_they_can_be_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(value_of(f, "9a010161").kind, VALUE_FIELD_REFERENCE);
    assert_int_equal(value_of(f, "a20103ffffff").kind, VALUE_FUNCTION);
    assert_int_equal(value_of(f, "aa0100").kind, VALUE_PIPELINE);
}

/* `depth` arrays around the encoded value `inner`: 4a <length> 0a <length> ... */
static struct str nested_arrays(struct arena *arena, size_t depth, struct str inner)
{
    size_t cap = depth * 12 + inner.n, at = cap - inner.n;
    unsigned char *p = arena_alloc(arena, cap);
    memcpy(p + at, inner.p, inner.n);
    for (size_t i = 0; i < 2 * depth; i++) {
        unsigned char length[WIRE_VARINT_MAX];
        size_t n = (size_t)(wire_put_varint(length, cap - at) - length);
        at -= n;
        memcpy(p + at, length, n);
        p[--at] = i % 2 == 0 ? 0x0a : 0x4a;
    }
    return str_from(p + at, cap - at);
}

static void nesting_is_limited_without_recursing(void **state)
{
    struct fixture *f = *state;
    struct value v = { 0 };
    /* Each array is three levels (the value, the array, its list), as in JSON; a point is one more. */
    size_t most = (LIMIT_MESSAGE_DEPTH - 1) / 3;
    assert_int_equal(most * 3 + 1, LIMIT_MESSAGE_DEPTH);
    struct str number = sample_hex(f->arena, "1001"), point = sample_hex(f->arena, "4200");
    assert_int_equal(decode(f, &v, SCHEMA(value), nested_arrays(f->arena, most, number)), STATUS_OK);
    const char *words = "nested more than 100 levels deep";
    assert_refused(f, SCHEMA(value), nested_arrays(f->arena, most, point), words);
    assert_refused(f, SCHEMA(value), nested_arrays(f->arena, most + 1, number), words);
    assert_refused(f, SCHEMA(value), nested_arrays(f->arena, 20000, number), words);
    struct str json = sample_json(f->arena, SCHEMA(value), &v, 0);
    assert_int_equal(protojson_decode(&v, SCHEMA(value), f->arena, json, &f->st), STATUS_OK);
    char groups[200];
    memset(groups, 0x7b, sizeof groups);
    assert_refused(f, SCHEMA(value), str_from(groups, sizeof groups), "groups nested too deep");
}

static void ten_mebibytes_of_empty_values_fit(void **state)
{
    struct fixture *f = *state;
    size_t n = LIMIT_MESSAGE_BYTES / 2;
    char *bytes = malloc(n * 2);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + 2 * i, "\x0a", 2);
    struct msg_cursor cursor = { 0 };
    assert_int_equal(decode(f, &cursor, SCHEMA(cursor), str_from(bytes, n * 2)), STATUS_OK);
    assert_int_equal(cursor.values.n, n);
    assert_true(arena_used(f->arena) < LIMIT_REQUEST_ARENA);
    free(bytes);
}

static void decoded_size_is_limited(void **state)
{
    struct fixture *f = *state;
    size_t n = LIMIT_MESSAGE_BYTES / 2; /* writes: two bytes on the wire, hundreds decoded */
    char *bytes = malloc(n * 2);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + 2 * i, "\x12", 2);
    struct msg_commit_request request = { 0 };
    assert_int_equal(decode(f, &request, SCHEMA(commit_request), str_from(bytes, n * 2)),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(status_message(&f->st), "writes: the decoded request is larger than the maximum"));
    assert_true(arena_used(f->arena) < LIMIT_REQUEST_ARENA);
    free(bytes);
}

static void a_message_over_ten_mebibytes_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t n = LIMIT_MESSAGE_BYTES + 1;
    char *bytes = calloc(1, n);
    struct msg_cursor cursor = { 0 };
    assert_int_equal(decode(f, &cursor, SCHEMA(cursor), str_from(bytes, n)), STATUS_RESOURCE_EXHAUSTED);
    free(bytes);
}

static void raw_fields_are_spliced_and_decoded_on_demand(void **state)
{
    struct fixture *f = *state;
    struct dice dice = { 3 };
    for (int i = 0; i < 200; i++) {
        struct document *doc = sample_message(&dice, f->arena, SCHEMA(document));
        struct buf fields;
        buf_init(&fields, 1 << 22);
        assert_true(protobuf_encode_fields(&fields, &doc->fields));
        buf_reserve(&fields, 1); /* a pointer even when there are none */
        struct document raw = *doc;
        raw.fields = (struct value_map){ 0 };
        raw.fields_raw = buf_view(&fields);
        struct str whole = sample_protobuf(f->arena, SCHEMA(document), doc);
        assert_true(str_eq(sample_protobuf(f->arena, SCHEMA(document), &raw), whole));
        assert_int_equal(document_decode(&raw, f->arena, &f->st), STATUS_OK);
        assert_null(raw.fields_raw.p);
        assert_int_equal(raw.fields.n, doc->fields.n);
        assert_true(str_eq(sample_protobuf(f->arena, SCHEMA(document), &raw), whole));
        buf_dispose(&fields);
    }
}

static void encoding_past_the_maximum_says_so(void **state)
{
    struct fixture *f = *state;
    struct dice dice = { 5 };
    void *message = sample_message(&dice, f->arena, SCHEMA(commit_request));
    size_t n = sample_protobuf(f->arena, SCHEMA(commit_request), message).n;
    for (size_t max = 1; max < n; max += 1 + n / 500) {
        struct buf buf;
        buf_init(&buf, max);
        assert_false(protobuf_encode(&buf, SCHEMA(commit_request), message));
        assert_true(buf.overflowed);
        buf_dispose(&buf);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_of_the_official_runtime_come_back_unchanged),
        TEST(random_messages_of_every_schema_survive),
        TEST(truncation_at_every_byte_is_noticed),
        TEST(unknown_fields_and_groups_are_skipped),
        TEST(a_known_number_with_another_wire_type_is_unknown),
        TEST(malformed_bytes_are_refused_with_the_reason),
        TEST(a_refusal_names_the_place),
        TEST(the_last_scalar_wins_and_messages_merge),
        TEST(another_member_of_a_oneof_replaces),
        TEST(map_keys_are_sorted_and_the_last_double_wins),
        TEST(many_unsorted_keys_are_sorted),
        TEST(lists_in_pieces_are_put_together),
        TEST(int32_lists_come_packed_or_not_and_negative),
        TEST(text_may_hold_nul),
        TEST(values_keep_microseconds_and_other_times_nanoseconds),
        TEST(pipeline_kinds_are_read_past_so_that_they_can_be_refused),
        TEST(nesting_is_limited_without_recursing),
        TEST(ten_mebibytes_of_empty_values_fit),
        TEST(decoded_size_is_limited),
        TEST(a_message_over_ten_mebibytes_is_refused),
        TEST(raw_fields_are_spliced_and_decoded_on_demand),
        TEST(encoding_past_the_maximum_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

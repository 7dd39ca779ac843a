/* test_write.c - what one write does to a document, which writes go together, and limits: at each edge and
 * one beyond. What Google's emulator does too is in tests/oracle; here is what it leaves open or does not
 * enforce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "server/service/document_limits.h"
#include "server/service/write.h"
#include "server/service/write_chain.h"

#include <math.h>
#include <stdio.h>

static struct arena *arena;
static struct status st;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_new();
    st = status_init(arena);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void refused_with(const char *part)
{
    if (!strstr(status_message(&st), part))
        print_error("no '%s' in: %s\n", part, status_message(&st));
    assert_non_null(strstr(status_message(&st), part));
    status_clear(&st);
}

/* ---- documents ---- */

static struct value integer(int64_t n)
{
    return (struct value){ .kind = VALUE_INT, .integer = n };
}

static struct value number(double n)
{
    return (struct value){ .kind = VALUE_DOUBLE, .number = n };
}

static struct value text(size_t n)
{
    char *bytes = arena_alloc(arena, n + 1);
    memset(bytes, 'x', n);
    return (struct value){ .kind = VALUE_STRING, .text = str_from(bytes, n) };
}

static struct value_map map_of(size_t n)
{
    struct value_map map = { .items = ARENA_ARRAY(arena, struct field, n), .n = n };
    for (size_t i = 0; i < n; i++) {
        map.items[i].name = str_of(arena_printf(arena, "f%zu", i));
        map.items[i].value = integer((int64_t)i);
    }
    return map;
}

static struct value array_of(size_t n, size_t different)
{
    struct value v = { .kind = VALUE_ARRAY, .array = { ARENA_ARRAY(arena, struct value, n), n } };
    for (size_t i = 0; i < n; i++)
        v.array.items[i] = integer((int64_t)(i % different));
    return v;
}

static enum status_code set(const char *path, struct value_map fields)
{
    static const struct write_state missing;
    struct msg_write write = { .operation_case = 1, .update = { .fields = fields } };
    struct write_state after;
    struct value_list results;
    return write_apply(&after, &results, &write, &missing, (struct timestamp){ 1, 0 }, arena, &st)
               ? st.code
               : document_limits_check(str_of(path), &after.fields, arena, &st);
}

static enum status_code set_one(const char *path, struct value value)
{
    struct value_map map = map_of(1);
    map.items[0].value = value;
    return set(path, map);
}

/* ---- limits ---- */

static void test_a_document_of_1_mib_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct value_map map = map_of(2);
        map.items[0].value = text(700000);
        map.items[1].value = text(0);
        map.items[1].value = text(LIMIT_DOCUMENT_BYTES - document_size(STR("c/d"), &map) + more);
        assert_int_equal(document_size(STR("c/d"), &map), LIMIT_DOCUMENT_BYTES + more);
        assert_int_equal(set("c/d", map), more ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    }
    refused_with("maximum entity size is 1048576 bytes");
}

static void test_a_value_of_1048487_bytes_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    assert_int_equal(set_one("c/d", text(LIMIT_STRING_BYTES)), STATUS_OK);
    assert_int_equal(set_one("c/d", text(LIMIT_STRING_BYTES + 1)), STATUS_INVALID_ARGUMENT);
    refused_with("The value of property \"f0\" is longer than 1048487 bytes.");
}

/* Five ids of up to 1,500 bytes and an id of what is left. */
static const char *long_name(size_t bytes)
{
    char *path = arena_alloc(arena, bytes + 1);
    size_t n = bytes - 17; /* what the rules of sizes add to the text of the path */
    memset(path, 'x', n);
    for (size_t i = 1; i < 6; i++)
        path[i * n / 6] = '/';
    path[n] = '\0';
    return path;
}

static void test_a_name_of_6_kib_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    assert_int_equal(set_one(long_name(LIMIT_DOCUMENT_NAME_BYTES), integer(1)), STATUS_OK);
    assert_int_equal(set_one(long_name(LIMIT_DOCUMENT_NAME_BYTES + 1), integer(1)), STATUS_INVALID_ARGUMENT);
    refused_with("longer than 6144 bytes");
}

static void test_20000_fields_are_indexed_and_one_more_is_not(void **state)
{
    (void)state;
    assert_int_equal(set("c/d", map_of(LIMIT_INDEX_ENTRIES / 2)), STATUS_OK);
    assert_int_equal(set("c/d", map_of(LIMIT_INDEX_ENTRIES / 2 + 1)), STATUS_INVALID_ARGUMENT);
    refused_with("too many index entries for entity /c/d: 40002");
    struct value_map inside = map_of(LIMIT_INDEX_ENTRIES / 2 + 1);
    assert_int_equal(set_one("c/d", (struct value){ .kind = VALUE_MAP, .map = inside }),
                     STATUS_INVALID_ARGUMENT);
    refused_with("too many index entries");
}

static void test_40000_different_elements_are_indexed_and_one_more_is_not(void **state)
{
    (void)state;
    assert_int_equal(set_one("c/d", array_of(LIMIT_INDEX_ENTRIES, LIMIT_INDEX_ENTRIES)), STATUS_OK);
    assert_int_equal(set_one("c/d", array_of(LIMIT_INDEX_ENTRIES + 5, LIMIT_INDEX_ENTRIES)), STATUS_OK);
    assert_int_equal(set_one("c/d", array_of(LIMIT_INDEX_ENTRIES + 1, LIMIT_INDEX_ENTRIES + 1)),
                     STATUS_INVALID_ARGUMENT);
    refused_with("too many index entries for entity /c/d: 40001");
}

static void test_a_vector_is_one_indexed_value(void **state)
{
    (void)state;
    struct value_map map = map_of(LIMIT_INDEX_ENTRIES / 2);
    struct value components = array_of(LIMIT_VECTOR_DIMENSIONS, 5);
    for (size_t i = 0; i < components.array.n; i++)
        components.array.items[i] = number((double)i);
    struct value_map vector = map_of(2);
    vector.items[0] = (struct field){ STR("__type__"), { .kind = VALUE_STRING, .text = STR("__vector__") } };
    vector.items[1] = (struct field){ STR("value"), components };
    map.items[0].value = (struct value){ .kind = VALUE_MAP, .map = vector };
    assert_int_equal(set("c/d", map), STATUS_OK);
}

/* ---- transforms ---- */

static struct value transformed(int kind, struct value stored, struct value operand)
{
    struct msg_field_transform t = { .field_path = STR("f0"),
                                     .transform_case = (uint32_t)kind,
                                     .operand = operand };
    struct msg_document_mask nothing = { 0 };
    struct msg_write write = { .operation_case = 1, .update_mask = &nothing, .update_transforms = { &t, 1 } };
    struct write_state before = { .exists = true, .fields = map_of(1) }, after;
    struct value_list results;
    before.fields.items[0].value = stored;
    assert_int_equal(write_apply(&after, &results, &write, &before, (struct timestamp){ 1, 0 }, arena, &st),
                     STATUS_OK);
    assert_int_equal(results.n, 1);
    return results.items[0];
}
enum { INCREMENT = 3, MAXIMUM = 4, MINIMUM = 5 };

static void test_increments_saturate_and_change_kind_with_a_double(void **state)
{
    (void)state;
    assert_int_equal(transformed(INCREMENT, integer(INT64_MAX), integer(1)).integer, INT64_MAX);
    assert_int_equal(transformed(INCREMENT, integer(INT64_MIN), integer(-1)).integer, INT64_MIN);
    assert_int_equal(transformed(INCREMENT, integer(INT64_MAX), integer(INT64_MIN)).integer, -1);
    assert_int_equal(transformed(INCREMENT, integer(1), number(1)).kind, VALUE_DOUBLE);
    assert_true(isnan(transformed(INCREMENT, number(INFINITY), number(-INFINITY)).number));
    assert_int_equal(transformed(INCREMENT, text(1), integer(5)).integer, 5);
}

/* Over REST the sign of zero cannot be seen (tests/oracle). */
static void test_zeros_of_both_signs_are_equal_to_maximum_and_minimum(void **state)
{
    (void)state;
    assert_false(signbit(transformed(MINIMUM, number(0.0), number(-0.0)).number));
    assert_true(signbit(transformed(MAXIMUM, number(-0.0), number(0.0)).number));
    assert_int_equal(transformed(MAXIMUM, integer(0), number(-0.0)).kind, VALUE_INT);
    assert_int_equal(transformed(MAXIMUM, integer(INT64_MAX), number(0x1p63)).kind, VALUE_DOUBLE);
    assert_int_equal(transformed(MINIMUM, integer(INT64_MAX), number(0x1p63)).kind, VALUE_INT);
}

/* ---- chains ---- */

static const struct msg_precondition exists = { .condition_case = 1, .exists = true };
static const struct msg_precondition is_missing = { .condition_case = 1, .exists = false };
static const struct msg_precondition version = { .condition_case = 2, .update_time = { 5, 0 } };
static const struct msg_precondition other_version = { .condition_case = 2, .update_time = { 6, 0 } };

static struct msg_write write_of(uint32_t kind, const struct msg_precondition *pre)
{
    struct msg_precondition *copy = pre ? ARENA_NEW(arena, struct msg_precondition) : NULL;
    if (copy)
        *copy = *pre;
    return (struct msg_write){ .operation_case = kind, .current_document = copy };
}
enum { SET = 1, DELETE = 2, VERIFY = 5 };

static enum status_code add(struct write_chain *chain, uint32_t kind, const struct msg_precondition *pre)
{
    struct msg_write write = write_of(kind, pre);
    return write_chain_add(chain, &write, &st);
}

static void test_a_chain_goes_on_after_a_delete_as_an_upsert(void **state)
{
    (void)state;
    struct write_chain chain = { 0 };
    assert_int_equal(add(&chain, SET, &is_missing), STATUS_OK);
    assert_int_equal(add(&chain, DELETE, &exists), STATUS_OK);
    assert_int_equal(add(&chain, SET, &is_missing), STATUS_OK);
    assert_int_equal(add(&chain, SET, &is_missing), STATUS_INVALID_ARGUMENT);
    refused_with("Cannot upsert then insert an entity in the same request.");
}

static void test_a_chain_keeps_to_one_version(void **state)
{
    (void)state;
    struct write_chain chain = { 0 };
    assert_int_equal(add(&chain, SET, &version), STATUS_OK);
    assert_int_equal(add(&chain, SET, NULL), STATUS_OK);
    assert_int_equal(add(&chain, SET, &version), STATUS_OK);
    assert_int_equal(add(&chain, DELETE, &other_version), STATUS_INVALID_ARGUMENT);
    refused_with("different version preconditions (VersionPrecondition{exactBaseVersion=5000000, "
                 "maxBaseVersion=null} and "
                 "VersionPrecondition{exactBaseVersion=6000000, maxBaseVersion=null})");
}

static void test_a_verify_stands_alone(void **state)
{
    (void)state;
    struct write_chain chain = { 0 };
    assert_int_equal(add(&chain, VERIFY, &exists), STATUS_OK);
    assert_int_equal(add(&chain, VERIFY, &exists), STATUS_INVALID_ARGUMENT);
    refused_with("verified more than once");
    assert_int_equal(add(&chain, SET, NULL), STATUS_INVALID_ARGUMENT);
    refused_with("verified and then written");
}

#define IT(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT(test_a_document_of_1_mib_fits_and_one_byte_more_does_not),
        IT(test_a_value_of_1048487_bytes_fits_and_one_byte_more_does_not),
        IT(test_a_name_of_6_kib_fits_and_one_byte_more_does_not),
        IT(test_20000_fields_are_indexed_and_one_more_is_not),
        IT(test_40000_different_elements_are_indexed_and_one_more_is_not),
        IT(test_a_vector_is_one_indexed_value),
        IT(test_increments_saturate_and_change_kind_with_a_double),
        IT(test_zeros_of_both_signs_are_equal_to_maximum_and_minimum),
        IT(test_a_chain_goes_on_after_a_delete_as_an_upsert),
        IT(test_a_chain_keeps_to_one_version),
        IT(test_a_verify_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_buf.c - buffers stop at their maximum and say so once, at the end. */
#include "core/buf.h"
#include "core/core_test.h"

#include <stdlib.h>

static void appending_nothing_to_an_empty_buffer_is_no_overflow(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 8);
    assert_true(buf_put(&buf, "", 0));
    assert_true(buf_str(&buf, (struct str){ 0 }));
    assert_true(buf_z(&buf, ""));
    assert_false(buf.overflowed);
    assert_int_equal(buf.len, 0);
    buf_dispose(&buf);
}

static void a_buffer_holds_exactly_its_maximum(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 600);
    for (int i = 0; i < 600; i++)
        assert_true(buf_byte(&buf, 'x'));
    assert_false(buf_byte(&buf, 'y'));
    assert_true(buf.overflowed);
    assert_int_equal(buf.len, 600);
    assert_false(buf_put(&buf, "", 0));
    buf_clear(&buf);
    assert_true(buf_z(&buf, "again"));
    assert_str_z(buf_view(&buf), "again");
    buf_dispose(&buf);
}

static void overflow_stays_until_cleared(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4);
    assert_true(buf_z(&buf, "ab"));
    assert_false(buf_z(&buf, "cde"));
    assert_false(buf_z(&buf, "c")); /* would fit, but the text would have a hole */
    assert_str_z(buf_view(&buf), "ab");
    buf_dispose(&buf);
}

static void printf_appends_without_its_nul(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 64);
    assert_true(buf_printf(&buf, "%d-%s", 7, "x") && buf_printf(&buf, "!"));
    assert_str_z(buf_view(&buf), "7-x!");
    buf_dispose(&buf);
}

static void detached_bytes_belong_to_the_caller(void **state)
{
    (void)state;
    struct buf buf;
    size_t n;
    buf_init(&buf, 64);
    buf_z(&buf, "mine");
    unsigned char *bytes = buf_detach(&buf, &n);
    assert_int_equal(n, 4);
    assert_memory_equal(bytes, "mine", 4);
    assert_int_equal(buf.len, 0);
    assert_true(buf_z(&buf, "more"));
    free(bytes);
    buf_dispose(&buf);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(appending_nothing_to_an_empty_buffer_is_no_overflow),
    cmocka_unit_test(a_buffer_holds_exactly_its_maximum),
    cmocka_unit_test(overflow_stays_until_cleared),
    cmocka_unit_test(printf_appends_without_its_nul),
    cmocka_unit_test(detached_bytes_belong_to_the_caller),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

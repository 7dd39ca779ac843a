/* test_store.c - writing and reading through the room's face: versions, views, deps, epochs, append-only. */
#include "storage/kit.h"

#include <string.h>

static void a_document_is_read_back(void **state)
{
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        struct kit kit;
        kit_init(&kit, on_disk);
        kit_must_open(&kit);
        kit_expect(&kit, "c/d", NULL);
        assert_int_equal(kit_put(&kit, "c/d", "one"), STATUS_OK);
        kit_expect(&kit, "c/d", "one");
        struct store_document doc = kit_get(&kit, "c/d");
        assert_int_equal(doc.seq, 1);
        assert_int_equal(timestamp_cmp(doc.create_time, doc.update_time), 0);
        kit_close(&kit);
        kit_must_open(&kit);
        kit_expect(&kit, "c/d", "one");
        kit_dispose(&kit);
    }
}

static void every_view_keeps_showing_what_it_showed(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/d", "one");   /* 1 */
    kit_put(&kit, "c/d", "two");   /* 2 */
    kit_delete(&kit, "c/d");       /* 3 */
    kit_put(&kit, "c/e", "other"); /* 4 */
    kit_put(&kit, "c/d", "three"); /* 5 */
    static const struct {
        const char *body;
        uint64_t seq;
    } expected[] = { { NULL, 0 }, { "one", 1 }, { "two", 2 }, { NULL, 3 }, { NULL, 3 }, { "three", 5 } };
    for (int again = 0; again < 2; again++) {
        for (uint64_t view = 0; view < 6; view++) {
            struct store_document doc = kit_get_at(&kit, view, "c/d");
            assert_int_equal(doc.exists, expected[view].body != NULL);
            assert_int_equal(doc.seq, expected[view].seq);
            if (doc.exists)
                assert_true(str_eq_z(doc.fields, expected[view].body));
        }
        struct store_document two = kit_get_at(&kit, 2, "c/d"), three = kit_get_at(&kit, 5, "c/d");
        assert_true(timestamp_cmp(two.create_time, two.update_time) < 0);
        assert_true(timestamp_cmp(three.create_time, three.update_time) == 0);
        kit_close(&kit);
        kit_must_open(&kit);
    }
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read_back),
        cmocka_unit_test(every_view_keeps_showing_what_it_showed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

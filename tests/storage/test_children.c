/* test_children.c - the names directly below a path, and where a collection group is cut: against a naive
 * model over random documents, at new and old views. */
#include "storage/kit.h"

#include "core/order.h"

#include <stdio.h>
#include <stdlib.h>

static struct kit kit;

static int open_kit(void **state)
{
    (void)state;
    kit_init(&kit, false);
    kit_must_open(&kit);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    kit_dispose(&kit);
    return 0;
}

/* The names joined by ' '. */
static const char *children_at(uint64_t view, const char *parent, const char *after)
{
    struct status st = status_init(kit.arena);
    struct store_children *children;
    struct str path;
    struct buf out;
    buf_init(&out, 1 << 20);
    if (store_children_open(&children, kit.reader, view, DEMO, str_of(parent), str_of(after), &st))
        fail_msg("children: %s", status_message(&st));
    while (store_children_next(children, kit.arena, &path, &st) == STATUS_OK && path.n)
        buf_printf(&out, "%s" STR_FMT, out.len ? " " : "", STR_ARG(path_last(path)));
    assert_int_equal(st.code, STATUS_OK);
    store_children_close(children);
    struct str text = arena_str(kit.arena, buf_view(&out));
    buf_dispose(&out);
    return text.p;
}

static const char *children(const char *parent)
{
    return children_at(kit_view(&kit), parent, "");
}

static void collections_are_found_below_missing_documents_too(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "b/1", "a/x/s/y", "a/x/s/y/t/z", "a/1/s/y", "deep/1/m/1/n/1/o/1", "c/__id9__/q/1"
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        kit_put(&kit, paths[i], "x");
    assert_string_equal(children(""), "a b c deep");
    assert_string_equal(children("a"), "1 x");
    assert_string_equal(children("a/x"), "s");
    assert_string_equal(children("a/x/s/y"), "t");
    assert_string_equal(children("deep/1"), "m");
    assert_string_equal(children("b/1"), "");
    assert_string_equal(children("never/1"), "");
    assert_string_equal(children_at(kit_view(&kit), "", "b"), "c deep");
    assert_string_equal(children_at(kit_view(&kit), "", "bb"), "c deep");
    assert_string_equal(children_at(kit_view(&kit), "a", "a/1"), "x");
    kit_delete(&kit, "b/1");
    kit_delete(&kit, "deep/1/m/1/n/1/o/1");
    assert_string_equal(children(""), "a c");
}

static void an_id_that_continues_another_is_a_name_of_its_own(void **state)
{
    (void)state;
    static const char *const paths[] = { "a/d/s/x", "a-/d",       "ab/d",      "a/d-/s/x",
                                         "a/dd",    "\xc3\xa9/1", "__id10__/1" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        kit_put(&kit, paths[i], "x");
    assert_string_equal(children(""), "__id10__ a a- ab \xc3\xa9");
    assert_string_equal(children("a"), "d d- dd");
}

/* Virtual machine steps of the statement that the scan at the first depth left behind. */
static int steps_spent(void)
{
    return sqlite3_stmt_status(kit.reader->spare_head[0], SQLITE_STMTSTATUS_VM_STEP, 1);
}

static void a_big_collection_is_passed_over_unread(void **state)
{
    (void)state;
    enum { BIG = 3000 };
    char path[32];
    for (int i = 0; i < BIG; i++) {
        snprintf(path, sizeof path, "big/%04d", i);
        kit_put(&kit, path, "x");
    }
    kit_put(&kit, "a/1", "x");
    kit_put(&kit, "z/1", "x");
    struct store_scan_range whole = { .collection_id = STR("big") };
    kit_scan_at(&kit, kit_view(&kit), &whole);
    assert_in_range(steps_spent(), BIG, BIG * 100);
    assert_string_equal(children(""), "a big z");
    assert_in_range(steps_spent(), 1, 200);
}

/* ---- against a model ---- */

enum { MOST = 4000 };
struct model {
    char paths[MOST][64];
    size_t n;
};

static uint64_t seed = 5;
static unsigned random_below(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)((seed >> 33) % n);
}

static void random_path(char *out, size_t size)
{
    static const char *const collections[] = { "a", "b", "g" }, *const ids[] = { "1", "2", "2x", "__id7__",
                                                                                 "z" };
    size_t n = 0;
    for (unsigned depth = 1 + random_below(3); depth > 0; depth--)
        n += (size_t)snprintf(out + n, size - n, "%s%s/%s", n ? "/" : "", collections[random_below(3)],
                              ids[random_below(5)]);
}

static void model_set(struct model *m, const char *path, bool exists)
{
    size_t at = 0;
    while (at < m->n && strcmp(m->paths[at], path) != 0)
        at++;
    if (exists && at == m->n)
        snprintf(m->paths[m->n++], sizeof m->paths[0], "%s", path);
    else if (!exists && at < m->n)
        memmove(m->paths[at], m->paths[--m->n], sizeof m->paths[0]);
    assert_true(m->n < MOST);
}

static int by_path(const void *a, const void *b)
{
    return order_compare_path(*(const struct str *)a, *(const struct str *)b);
}

static const char *model_children(const struct model *m, struct str parent)
{
    static struct str found[MOST];
    size_t n = 0;
    struct buf out;
    for (size_t i = 0; i < m->n; i++) {
        struct str rest = str_of(m->paths[i]), id;
        if (parent.n && (!str_starts(rest, parent) || rest.n <= parent.n || rest.p[parent.n] != '/'))
            continue;
        rest = str_skip(rest, parent.n ? parent.n + 1 : 0);
        path_next(&rest, &id);
        found[n++] = id;
    }
    qsort(found, n, sizeof *found, by_path);
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(found[i], found[i - 1]))
            buf_printf(&out, "%s" STR_FMT, out.len ? " " : "", STR_ARG(found[i]));
    struct str text = arena_str(kit.arena, buf_view(&out));
    buf_dispose(&out);
    return text.p;
}

static void names_are_those_of_a_model_at_every_view(void **state)
{
    (void)state;
    enum { ROUNDS = 60, OPS = 40 };
    static const char *const parents[] = { "", "a", "b/2", "g/__id7__", "a/1/g", "b/2/a/2x", "g/z/g/z/a" };
    enum { PARENTS = sizeof parents / sizeof parents[0] };
    const char *want[ROUNDS][PARENTS];
    uint64_t views[ROUNDS];
    static struct model m;
    for (size_t r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < OPS; i++) {
            char path[64];
            random_path(path, sizeof path);
            bool exists = random_below(3) != 0;
            model_set(&m, path, exists);
            assert_int_equal(exists ? kit_put(&kit, path, path) : kit_delete(&kit, path), STATUS_OK);
        }
        views[r] = kit_view(&kit);
        for (size_t p = 0; p < PARENTS; p++)
            want[r][p] = model_children(&m, str_of(parents[p]));
    }
    for (size_t r = 0; r < ROUNDS; r++)
        for (size_t p = 0; p < PARENTS; p++)
            assert_string_equal(children_at(views[r], parents[p], ""), want[r][p]);
}

/* ---- cutting a group ---- */

static size_t cut(struct str *cuts, const char *collection_id, size_t most)
{
    struct status st = status_init(kit.arena);
    struct store_partition *partition;
    const struct str *found;
    bool done = false;
    assert_int_equal(store_partition_open(&partition, kit_view(&kit), DEMO, str_of(collection_id), most, &st),
                     STATUS_OK);
    while (!done)
        if (store_partition_more(&done, partition, kit.reader, 0, &st)) /* one name a step */
            fail_msg("partition: %s", status_message(&st));
    size_t n = store_partition_cuts(&found, partition);
    for (size_t i = 0; i < n; i++)
        cuts[i] = arena_str(kit.arena, found[i]);
    store_partition_close(partition);
    return n;
}

static void cuts_make_parts_of_about_the_same_size(void **state)
{
    (void)state;
    enum { DOCUMENTS = 900, PARTS = 6 };
    struct str cuts[PARTS];
    char path[48];
    size_t in[PARTS] = { 0 };
    for (int i = 0; i < DOCUMENTS; i++) {
        snprintf(path, sizeof path, i % 3 ? "g/%04d" : "p/%04d/q/1/g/x", i);
        kit_put(&kit, path, "x");
        snprintf(path, sizeof path, "other/%04d/h/%04d", i, i);
        if (i % 2)
            kit_put(&kit, path, "x");
    }
    assert_int_equal(cut(cuts, "g", PARTS - 1), PARTS - 1);
    for (size_t i = 1; i < PARTS - 1; i++)
        assert_true(order_compare_path(cuts[i - 1], cuts[i]) < 0);
    for (int i = 0; i < DOCUMENTS; i++) {
        snprintf(path, sizeof path, i % 3 ? "g/%04d" : "p/%04d/q/1/g/x", i);
        size_t part = 0;
        while (part < PARTS - 1 && order_compare_path(cuts[part], str_of(path)) <= 0)
            part++;
        in[part]++;
    }
    for (size_t i = 0; i < PARTS; i++)
        assert_in_range(in[i], DOCUMENTS / PARTS * 9 / 10, DOCUMENTS / PARTS * 11 / 10);
}

static void a_small_group_has_fewer_cuts_and_no_empty_part(void **state)
{
    (void)state;
    struct str cuts[10];
    assert_int_equal(cut(cuts, "g", 10), 0);
    kit_put(&kit, "g/1", "x");
    assert_int_equal(cut(cuts, "g", 10), 0);
    kit_put(&kit, "a/1/g/1", "x");
    assert_int_equal(cut(cuts, "g", 10), 1);
    assert_true(str_eq_z(cuts[0], "g/1"));
    kit_put(&kit, "g/0", "x");
    assert_int_equal(cut(cuts, "g", 10), 2);
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, open_kit, close_kit)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(collections_are_found_below_missing_documents_too),
        fresh(an_id_that_continues_another_is_a_name_of_its_own),
        fresh(a_big_collection_is_passed_over_unread),
        fresh(names_are_those_of_a_model_at_every_view),
        fresh(cuts_make_parts_of_about_the_same_size),
        fresh(a_small_group_has_fewer_cuts_and_no_empty_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

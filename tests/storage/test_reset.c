/* test_reset.c - epochs, clearing of subtrees, append-only collections, refused writes. */
#include "storage/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_entry entry_at(struct kit *kit, uint64_t seq)
{
    struct status st = status_init(kit->arena);
    struct store_entry e;
    bool found;
    if (store_read_entry(kit->reader, seq, kit->arena, &e, &found, &st) || !found)
        fail_msg("entry %llu: %s", (unsigned long long)seq, status_message(&st));
    return e;
}

static void an_epoch_hides_everything_before_it_and_loses_nothing(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    const struct database_name other = { STR("other-p"), STR("(default)") };
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_put(&kit, "c/d", "1");                           /* 1 */
    kit_op(&kit, other, STORE_PUT, "c/d", "theirs", &c); /* 2 */
    kit_op(&kit, DEMO, STORE_EPOCH, "", NULL, &c);       /* 3 */
    kit_expect(&kit, "c/d", NULL);
    assert_int_equal(kit_get(&kit, "c/d").seq, 0);
    assert_true(kit_get_at(&kit, 2, "c/d").exists);
    struct status st = status_init(kit.arena);
    struct store_document doc;
    assert_int_equal(store_get(kit.reader, 3, other, STR("c/d"), kit.arena, &doc, &st), STATUS_OK);
    assert_true(doc.exists);
    kit_put(&kit, "c/d", "2"); /* 4 */
    assert_string_equal(entry_at(&kit, 4).operation, "create");
    assert_int_equal(entry_at(&kit, 4).prev, 1); /* history runs across the epoch */
    assert_int_equal(timestamp_cmp(kit_get(&kit, "c/d").create_time, kit_get(&kit, "c/d").update_time), 0);
    const struct database_name all = { { NULL, 0 }, { NULL, 0 } };
    kit_op(&kit, all, STORE_EPOCH, "", NULL, &c); /* 5 */
    assert_int_equal(store_get(kit.reader, 5, other, STR("c/d"), kit.arena, &doc, &st), STATUS_OK);
    assert_false(doc.exists);
    kit_expect(&kit, "c/d", NULL);
    kit_close(&kit);
    kit_must_open(&kit);
    kit_expect(&kit, "c/d", NULL);
    assert_true(str_eq_z(kit_get_at(&kit, 4, "c/d").fields, "2"));
    assert_true(str_eq_z(kit_get_at(&kit, 2, "c/d").fields, "1"));
    kit_dispose(&kit);
}

static void prev_runs_through_many_epochs(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    uint64_t last[3] = { 0 };
    char path[16];
    kit_init(&kit, false);
    kit_must_open(&kit);
    for (int epoch = 0; epoch < 40; epoch++) {
        for (int i = 0; i < 3; i++) {
            if ((epoch + i) % 3 == 0)
                continue; /* not every document is in every epoch */
            snprintf(path, sizeof path, "c/%d", i);
            kit_op(&kit, DEMO, STORE_PUT, path, "x", &c);
            assert_int_equal(entry_at(&kit, c.last_seq).prev, last[i]);
            last[i] = c.last_seq;
            if (epoch % 5 == 0) {
                kit_op(&kit, DEMO, STORE_DELETE, path, NULL, &c);
                last[i] = c.last_seq;
            }
        }
        snprintf(path, sizeof path, "c/new%d", epoch);
        kit_op(&kit, DEMO, STORE_PUT, path, "x", &c);
        assert_int_equal(entry_at(&kit, c.last_seq).prev, 0);
        kit_op(&kit, DEMO, STORE_EPOCH, "", NULL, &c);
        if (epoch == 20) {
            kit_close(&kit);
            kit_must_open(&kit);
        }
    }
    kit_dispose(&kit);
}

static void clearing_a_subtree_appends_tombstones_in_one_commit(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    kit_init(&kit, false);
    kit_must_open(&kit);
    static const char *const paths[] = { "c/a", "c/a/s/x", "c/a/s/x/t/y", "c/ab", "c/b/s/x", "d/a" };
    for (size_t i = 0; i < 6; i++)
        kit_put(&kit, paths[i], "x");
    struct store_scan_range all = { .subtree = true };
    kit_op(&kit, DEMO, STORE_CLEAR_SUBTREE, "c/a", NULL, &c);
    assert_string_equal(kit_scan_at(&kit, kit_view(&kit), &all), "c/ab d/a c/b/s/x");
    assert_int_equal(c.last_seq, 9);
    for (uint64_t seq = 7; seq <= 9; seq++) {
        assert_int_equal(entry_at(&kit, seq).commit, 7);
        assert_string_equal(entry_at(&kit, seq).operation, "delete");
    }
    kit_op(&kit, DEMO, STORE_CLEAR_SUBTREE, "c", NULL, &c);
    assert_string_equal(kit_scan_at(&kit, kit_view(&kit), &all), "d/a");
    assert_string_equal(kit_scan_at(&kit, 6, &all), "c/a c/ab d/a c/a/s/x c/b/s/x c/a/s/x/t/y");
    kit_op(&kit, DEMO, STORE_CLEAR_SUBTREE, "none", NULL, &c);
    assert_int_equal(c.status.code, STATUS_OK);
    kit_dispose(&kit);
}

static const struct str patterns[] = { STR_INIT("audit"), STR_INIT("tenants/*/logs") };

static void append_only_refuses_update_and_delete_and_says_so_in_the_ledger(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    kit_init(&kit, false);
    kit.options.append_only = patterns;
    kit.options.n_append_only = 2;
    kit_must_open(&kit);
    assert_int_equal(kit_put(&kit, "audit/1", "a"), STATUS_OK);
    assert_int_equal(kit_op(&kit, DEMO, STORE_PUT, "audit/1", "b", &c), STATUS_PERMISSION_DENIED);
    assert_non_null(strstr(status_message(&c.status), "'audit/1'"));
    assert_non_null(strstr(status_message(&c.status), "'audit'"));
    struct store_entry e = entry_at(&kit, 2);
    assert_string_equal(e.kind, "refused");
    assert_string_equal(e.operation, "update");
    assert_true(str_eq_z(e.decision, "append-only:audit"));
    assert_false(e.has_body);
    static const unsigned char none[32];
    assert_memory_not_equal(e.body_digest, none, 32);
    assert_int_equal(kit_delete(&kit, "audit/1"), STATUS_PERMISSION_DENIED);
    assert_string_equal(entry_at(&kit, 3).operation, "delete");
    kit_expect(&kit, "audit/1", "a");
    /* The same again is no change: a retry of the append. */
    assert_int_equal(kit_op(&kit, DEMO, STORE_PUT, "audit/1", "a", &c), STATUS_OK);
    assert_int_equal(c.ops[0].seq, 1);
    assert_int_equal(kit_view(&kit), 3);
    /* Only these collections. */
    assert_int_equal(kit_put(&kit, "tenants/t/logs/1", "a"), STATUS_OK);
    assert_int_equal(kit_put(&kit, "tenants/t/logs/1", "b"), STATUS_PERMISSION_DENIED);
    assert_int_equal(kit_put(&kit, "tenants/t", "a"), STATUS_OK);
    assert_int_equal(kit_put(&kit, "tenants/t", "b"), STATUS_OK);
    assert_int_equal(kit_delete(&kit, "audit/missing"), STATUS_OK);
    kit_dispose(&kit);
}

static void a_commit_that_appends_and_then_changes_is_refused_whole(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit.options.append_only = patterns;
    kit.options.n_append_only = 2;
    kit_must_open(&kit);
    struct store_op ops[] = { { .kind = STORE_PUT, .path = STR("x/1"), .fields = STR("1") },
                              { .kind = STORE_PUT, .path = STR("audit/1"), .fields = STR("1") },
                              { .kind = STORE_PUT, .path = STR("audit/1"), .fields = STR("2") } };
    struct store_commit c = { .db = DEMO, .ops = ops, .n_ops = 3, .status = status_init(kit.arena) };
    kit_submit(&kit, &c);
    assert_int_equal(c.status.code, STATUS_PERMISSION_DENIED);
    kit_expect(&kit, "x/1", NULL);
    kit_expect(&kit, "audit/1", NULL);
    assert_int_equal(kit_view(&kit), 1); /* the refusal */
    kit_dispose(&kit);
}

/* The first operation changes nothing; the second still finds the document. */
static void a_retry_and_a_delete_in_one_commit_are_refused(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, false);
    kit.options.append_only = patterns;
    kit.options.n_append_only = 2;
    kit_must_open(&kit);
    kit_put(&kit, "audit/1", "1");
    struct store_op ops[] = { { .kind = STORE_PUT, .path = STR("audit/1"), .fields = STR("1") },
                              { .kind = STORE_DELETE, .path = STR("audit/1") } };
    struct store_commit c = { .db = DEMO, .ops = ops, .n_ops = 2, .status = status_init(kit.arena) };
    kit_submit(&kit, &c);
    assert_int_equal(c.status.code, STATUS_PERMISSION_DENIED);
    kit_expect(&kit, "audit/1", "1");
    kit_dispose(&kit);
}

static void resets_may_not_touch_append_only_collections_of_a_data_file(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    const struct database_name all = { { NULL, 0 }, { NULL, 0 } };
    kit_init(&kit, true);
    kit.options.append_only = patterns;
    kit.options.n_append_only = 2;
    kit_must_open(&kit);
    kit_put(&kit, "other/1", "x");
    assert_int_equal(kit_op(&kit, DEMO, STORE_EPOCH, "", NULL, &c), STATUS_OK); /* touches none */
    kit_put(&kit, "audit/1", "x");
    kit_put(&kit, "audit/1/deep/1", "x");
    assert_int_equal(kit_op(&kit, DEMO, STORE_EPOCH, "", NULL, &c), STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(status_message(&c.status), "'audit/1'"));
    assert_non_null(strstr(status_message(&c.status), "--allow-reset"));
    assert_int_equal(kit_op(&kit, all, STORE_EPOCH, "", NULL, &c), STATUS_FAILED_PRECONDITION);
    assert_int_equal(kit_op(&kit, DEMO, STORE_CLEAR_SUBTREE, "audit", NULL, &c), STATUS_FAILED_PRECONDITION);
    assert_int_equal(kit_op(&kit, DEMO, STORE_CLEAR_SUBTREE, "audit/1/deep", NULL, &c), STATUS_OK);
    kit_expect(&kit, "audit/1", "x");
    kit_close(&kit);
    kit.options.allow_reset = true;
    kit_must_open(&kit);
    assert_int_equal(kit_op(&kit, DEMO, STORE_CLEAR_SUBTREE, "audit", NULL, &c), STATUS_OK);
    kit_expect(&kit, "audit/1", NULL);
    kit_dispose(&kit);
}

static void refused_writes_keep_a_digest_or_the_body(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct kit kit;
        struct store_commit c;
        kit_init(&kit, false);
        kit.options.record_denied_body = keep;
        kit_must_open(&kit);
        assert_int_equal(kit_op(&kit, DEMO, STORE_REFUSED, "c/d", "secret", &c), STATUS_OK);
        struct store_entry e = entry_at(&kit, 1);
        static const unsigned char none[32];
        assert_memory_not_equal(e.body_digest, none, 32);
        assert_int_equal(e.has_body, keep);
        if (keep)
            assert_true(str_eq_z(e.body, "secret"));
        kit_expect(&kit, "c/d", NULL);
        kit_dispose(&kit);
    }
}

static void a_flood_of_refusals_becomes_one_entry_with_a_count(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct kit kit;
    struct store_commit c;
    kit_init(&kit, false);
    kit_must_open(&kit);
    /* However the seconds fall, every refusal is an entry or counted, and most are counted. */
    for (int i = 0; i < N; i++)
        kit_op(&kit, DEMO, STORE_REFUSED, "c/d", NULL, &c);
    kit_close(&kit); /* writes what is still only counted */
    kit_must_open(&kit);
    uint64_t last = kit_view(&kit), single = 0, counted = 0;
    for (uint64_t seq = 1; seq <= last; seq++) {
        struct store_entry e = entry_at(&kit, seq);
        if (strcmp(e.kind, "refused") == 0) {
            single++;
        } else {
            char text[24] = "";
            assert_string_equal(e.kind, "refusals");
            assert_true(str_eq_z(e.principal, "owner"));
            memcpy(text, e.decision.p, e.decision.n);
            counted += strtoull(text, NULL, 10);
        }
    }
    assert_int_equal(single + counted, N);
    assert_true(single >= 100 && counted > 0);
    kit_dispose(&kit);
}

static void rules_and_notes_are_entries(void **state)
{
    (void)state;
    struct kit kit;
    struct store_commit c;
    kit_init(&kit, false);
    kit_must_open(&kit);
    kit_op(&kit, DEMO, STORE_RULES, "", "service cloud.firestore {}", &c);
    kit_op(&kit, DEMO, STORE_NOTE, "", "hello", &c);
    assert_string_equal(entry_at(&kit, 1).kind, "rules");
    assert_true(str_eq_z(entry_at(&kit, 1).body, "service cloud.firestore {}"));
    assert_string_equal(entry_at(&kit, 2).kind, "note");
    kit_dispose(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_hides_everything_before_it_and_loses_nothing),
        cmocka_unit_test(prev_runs_through_many_epochs),
        cmocka_unit_test(clearing_a_subtree_appends_tombstones_in_one_commit),
        cmocka_unit_test(append_only_refuses_update_and_delete_and_says_so_in_the_ledger),
        cmocka_unit_test(a_commit_that_appends_and_then_changes_is_refused_whole),
        cmocka_unit_test(a_retry_and_a_delete_in_one_commit_are_refused),
        cmocka_unit_test(resets_may_not_touch_append_only_collections_of_a_data_file),
        cmocka_unit_test(refused_writes_keep_a_digest_or_the_body),
        cmocka_unit_test(a_flood_of_refusals_becomes_one_entry_with_a_count),
        cmocka_unit_test(rules_and_notes_are_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

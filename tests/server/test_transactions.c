/* test_transactions.c - how transactions expire, wait, deadlock and read, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/limits.h"
#include "server/loopback.h"
#include "server/service/transaction_state.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DB "\"database\":\"projects/p/databases/(default)\""
#define DOCS "projects/p/databases/(default)/documents"

static struct loopback L;

/* ---- a clock that jumps ---- */

static atomic_llong ahead_ns;

static int64_t jumping_mono_ns(void *data)
{
    (void)data;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec + atomic_load(&ahead_ns);
}

static void pass_seconds(int s)
{
    atomic_fetch_add(&ahead_ns, (long long)s * 1000000000);
}

static int open_it(void **state)
{
    static const struct clock_source jumping = { .mono_ns = jumping_mono_ns };
    (void)state;
    clock_replace(&jumping);
    loopback_open(&L, NULL);
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    loopback_close(&L);
    clock_replace(NULL);
    return 0;
}

/* ---- requests ---- */

static char got[65536];

__attribute__((format(printf, 2, 3))) static enum status_code ask(const char *rpc, const char *format, ...)
{
    char body[16384];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    return answer_keep(got, sizeof got, loopback_ask(&L, rpc, "owner", body));
}

__attribute__((format(printf, 2, 3))) static struct answer *send(const char *rpc, const char *format, ...)
{
    char body[16384];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof body, format, args);
    va_end(args);
    return loopback_send(&L, rpc, "owner", body);
}

static enum status_code wait_for(struct answer *a)
{
    answer_wait(a);
    return answer_keep(got, sizeof got, a);
}

static void has(const char *part)
{
    if (!strstr(got, part))
        print_error("no '%s' in: %s\n", part, got);
    assert_non_null(strstr(got, part));
}

struct txn {
    char id[64];
};

static struct txn begin(void)
{
    struct txn t;
    struct answer *a = loopback_ask(&L, "BeginTransaction", "owner", "{" DB "}");
    assert_int_equal(a->code, STATUS_OK);
    snprintf(t.id, sizeof t.id, "%s", answer_text(a, "\"transaction\":\""));
    answer_free(a);
    return t;
}

static enum status_code read_in(struct txn t, const char *path)
{
    return ask("BatchGetDocuments", "{" DB ",\"documents\":[\"" DOCS "/%s\"],\"transaction\":\"%s\"}", path,
               t.id);
}

#define WRITE "{\"update\":{\"name\":\"" DOCS "/%s\",\"fields\":{\"n\":{\"integerValue\":\"%d\"}}}}"

static enum status_code write_plain(const char *path, int n)
{
    return ask("Commit", "{" DB ",\"writes\":[" WRITE "]}", path, n);
}

static struct answer *send_plain(const char *path, int n)
{
    return send("Commit", "{" DB ",\"writes\":[" WRITE "]}", path, n);
}

static enum status_code write_in(struct txn t, const char *path, int n)
{
    return ask("Commit", "{" DB ",\"transaction\":\"%s\",\"writes\":[" WRITE "]}", t.id, path, n);
}

static struct answer *send_in(struct txn t, const char *path, int n)
{
    return send("Commit", "{" DB ",\"transaction\":\"%s\",\"writes\":[" WRITE "]}", t.id, path, n);
}

static enum status_code roll_back(struct txn t)
{
    return ask("Rollback", "{" DB ",\"transaction\":\"%s\"}", t.id);
}

/* Until as many writes wait. */
static void until_waiting(size_t wanted)
{
    struct transactions *all = L.server.transactions;
    for (;;) {
        pthread_mutex_lock(&all->mutex);
        size_t n = lock_waiters(all->locks);
        pthread_mutex_unlock(&all->mutex);
        if (n >= wanted)
            return;
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
}

/* ---- expiry ---- */

static void test_one_that_is_used_now_and_then_lives(void **state)
{
    (void)state;
    struct txn t = begin();
    for (int i = 0; i < 4; i++) {
        pass_seconds(LIMIT_TRANSACTION_IDLE_S - 1);
        assert_int_equal(read_in(t, "c/d"), STATUS_OK);
    }
    assert_int_equal(write_in(t, "c/d", 1), STATUS_OK);
}

static void test_one_that_is_not_used_for_a_minute_is_closed(void **state)
{
    (void)state;
    struct txn t = begin();
    pass_seconds(LIMIT_TRANSACTION_IDLE_S + 1);
    assert_int_equal(read_in(t, "c/d"), STATUS_INVALID_ARGUMENT);
    has("Transaction is invalid or closed.");
    assert_int_equal(write_in(t, "c/d", 1), STATUS_INVALID_ARGUMENT);
    assert_int_equal(roll_back(t), STATUS_OK);
    assert_int_equal(transactions_count(L.server.transactions), 0);
}

static void test_one_that_goes_on_for_too_long_is_closed_though_it_is_used(void **state)
{
    (void)state;
    struct txn t = begin();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(read_in(t, "c/d"), STATUS_OK);
        pass_seconds(LIMIT_TRANSACTION_TOTAL_S / 5 + 1);
    }
    assert_int_equal(write_in(t, "c/d", 1), STATUS_INVALID_ARGUMENT);
    has("Transaction is invalid or closed.");
}

static void test_one_that_expired_keeps_nobody_waiting(void **state)
{
    (void)state;
    struct txn t = begin();
    assert_int_equal(read_in(t, "c/d"), STATUS_OK);
    pass_seconds(LIMIT_TRANSACTION_IDLE_S + 1);
    assert_int_equal(write_plain("c/d", 1), STATUS_OK);
}

static void test_a_wait_ends_after_its_time(void **state)
{
    (void)state;
    struct txn t = begin();
    assert_int_equal(read_in(t, "c/d"), STATUS_OK);
    struct answer *plain = send_plain("c/d", 1);
    until_waiting(1);
    pass_seconds(LIMIT_LOCK_WAIT_MS / 1000);
    assert_int_equal(wait_for(plain), STATUS_ABORTED);
    has("Transaction lock timeout.");
    assert_int_equal(write_in(t, "c/d", 2), STATUS_OK);
}

static void test_a_write_that_waits_goes_on_when_the_reader_ends(void **state)
{
    (void)state;
    struct txn t = begin();
    assert_int_equal(read_in(t, "c/d"), STATUS_OK);
    struct answer *plain = send_plain("c/d", 7);
    until_waiting(1);
    assert_int_equal(write_in(t, "c/d", 2), STATUS_OK);
    assert_int_equal(wait_for(plain), STATUS_OK);
    assert_int_equal(ask("GetDocument", "{\"name\":\"" DOCS "/c/d\"}"), STATUS_OK);
    has("\"integerValue\":\"7\"");
}

/* ---- reads ---- */

static void test_many_reads_of_one_transaction_at_once(void **state)
{
    (void)state;
    enum { N = 24 };
    struct answer *reads[N];
    struct txn t = begin();
    for (int i = 0; i < N; i++)
        reads[i] =
            i % 2
                ? send("GetDocument", "{\"name\":\"" DOCS "/c/d%d\",\"transaction\":\"%s\"}", i, t.id)
                : send("RunQuery",
                       "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"c%d\"}]},"
                       "\"transaction\":\"%s\"}",
                       i, t.id);
    for (int i = 0; i < N; i++)
        assert_int_equal(wait_for(reads[i]), i % 2 ? STATUS_NOT_FOUND : STATUS_OK);
    assert_int_equal(write_in(t, "c/d", 1), STATUS_OK);
}

static void test_a_read_only_one_reads_its_view_and_does_not_write(void **state)
{
    (void)state;
    struct txn t;
    assert_int_equal(write_plain("c/d", 1), STATUS_OK);
    struct answer *a =
        loopback_ask(&L, "BeginTransaction", "owner", "{" DB ",\"options\":{\"readOnly\":{}}}");
    snprintf(t.id, sizeof t.id, "%s", answer_text(a, "\"transaction\":\""));
    answer_free(a);
    assert_int_equal(write_plain("c/d", 2), STATUS_OK);
    assert_int_equal(read_in(t, "c/d"), STATUS_OK);
    has("\"integerValue\":\"1\"");
    assert_int_equal(write_in(t, "c/d", 3), STATUS_INVALID_ARGUMENT);
    has("Cannot modify entities in a read-only transaction.");
}

static void test_a_document_that_joins_a_query_aborts_and_another_does_not(void **state)
{
    (void)state;
    for (int n = 5; n <= 6; n++) {
        struct txn t = begin();
        assert_int_equal(
            ask("RunQuery",
                "{\"parent\":\"" DOCS "\",\"transaction\":\"%s\",\"structuredQuery\":{\"from\":[{"
                "\"collectionId\":\"c\"}],\"where\":{\"fieldFilter\":{\"field\":{\"fieldPath\":\"n\"},"
                "\"op\":\"EQUAL\",\"value\":{\"integerValue\":5}}}}}",
                t.id),
            STATUS_OK);
        assert_int_equal(write_plain(n == 5 ? "c/joins" : "c/does-not", n), STATUS_OK);
        assert_int_equal(write_in(t, "x/y", 1), n == 5 ? STATUS_ABORTED : STATUS_OK);
    }
}

static void test_what_an_offset_skipped_counts_as_read(void **state)
{
    (void)state;
    struct txn t = begin();
    assert_int_equal(write_plain("c/a", 1), STATUS_OK);
    assert_int_equal(write_plain("c/b", 2), STATUS_OK);
    assert_int_equal(ask("RunQuery",
                         "{\"parent\":\"" DOCS
                         "\",\"transaction\":\"%s\",\"structuredQuery\":{\"from\":[{\"collectionId\":"
                         "\"c\"}],\"offset\":1}}",
                         t.id),
                     STATUS_OK);
    has("c/b");
    assert_int_equal(ask("DeleteDocument", "{\"name\":\"" DOCS "/c/a\"}"), STATUS_OK);
    assert_int_equal(write_in(t, "x/y", 1), STATUS_ABORTED);
}

static void test_a_query_of_a_collection_group_sees_its_phantoms(void **state)
{
    (void)state;
    for (int phantom = 0; phantom < 2; phantom++) {
        struct txn t = begin();
        assert_int_equal(ask("RunQuery",
                             "{\"parent\":\"" DOCS
                             "\",\"transaction\":\"%s\",\"structuredQuery\":{\"from\":[{"
                             "\"collectionId\":\"s\",\"allDescendants\":true}]}}",
                             t.id),
                         STATUS_OK);
        assert_int_equal(write_plain(phantom ? "deep/a/s/new" : "deep/a/other/new", 1), STATUS_OK);
        assert_int_equal(write_in(t, "x/y", 1), phantom ? STATUS_ABORTED : STATUS_OK);
    }
}

/* ---- waits ---- */

/* A reader that comes after a write began to wait does not keep it waiting; its own commit is refused. */
static void test_later_readers_do_not_starve_a_writer(void **state)
{
    (void)state;
    assert_int_equal(write_plain("c/d", 1), STATUS_OK);
    struct txn first = begin(), later = begin();
    assert_int_equal(read_in(first, "c/d"), STATUS_OK);
    struct answer *plain = send_plain("c/d", 2);
    until_waiting(1);
    assert_int_equal(read_in(later, "c/d"), STATUS_OK);
    assert_int_equal(roll_back(first), STATUS_OK);
    assert_int_equal(wait_for(plain), STATUS_OK);
    assert_int_equal(write_in(later, "c/d", 3), STATUS_ABORTED);
    has("a document it read was changed");
}

static void test_of_two_that_read_one_document_one_wins_at_once(void **state)
{
    (void)state;
    struct txn one = begin(), two = begin();
    assert_int_equal(read_in(one, "c/d"), STATUS_OK);
    assert_int_equal(read_in(two, "c/d"), STATUS_OK);
    struct answer *waiting = send_in(one, "c/d", 1);
    until_waiting(1);
    assert_int_equal(write_in(two, "c/d", 2), STATUS_ABORTED);
    assert_int_equal(wait_for(waiting), STATUS_OK);
}

static void test_a_cycle_of_three_ends_at_once(void **state)
{
    (void)state;
    struct txn t[3] = { begin(), begin(), begin() };
    assert_int_equal(read_in(t[0], "c/a"), STATUS_OK);
    assert_int_equal(read_in(t[1], "c/b"), STATUS_OK);
    assert_int_equal(read_in(t[2], "c/c"), STATUS_OK);
    struct answer *one = send_in(t[0], "c/b", 1);
    until_waiting(1);
    struct answer *two = send_in(t[1], "c/c", 1);
    until_waiting(2);
    assert_int_equal(write_in(t[2], "c/a", 1), STATUS_ABORTED);
    has("wait for each other's documents");
    assert_int_equal(wait_for(two), STATUS_OK);
    assert_int_equal(wait_for(one), STATUS_OK);
}

/* Each waits for all before it: 2^40 ways lead from the last to the first, and there is no cycle among them.
 */
static void test_a_dense_graph_of_waits_is_searched_once(void **state)
{
    (void)state;
    enum { N = 40 };
    struct txn t[N];
    struct answer *commits[N];
    for (int i = 0; i < N; i++) {
        char path[16];
        snprintf(path, sizeof path, "c/%d", i);
        t[i] = begin();
        assert_int_equal(read_in(t[i], path), STATUS_OK);
    }
    for (int i = 1; i < N; i++) {
        char body[16384];
        int n = snprintf(body, sizeof body, "{" DB ",\"transaction\":\"%s\",\"writes\":[", t[i].id);
        for (int j = 0; j < i; j++)
            n += snprintf(body + n, sizeof body - (size_t)n, "%s{\"delete\":\"" DOCS "/c/%d\"}", j ? "," : "",
                          j);
        snprintf(body + n, sizeof body - (size_t)n, "]}");
        commits[i] = loopback_send(&L, "Commit", "owner", body);
        until_waiting((size_t)i);
    }
    assert_int_equal(roll_back(t[0]), STATUS_OK);
    for (int i = 1; i < N; i++)
        assert_int_equal(wait_for(commits[i]), STATUS_OK);
}

static void test_a_transaction_is_committed_once_even_at_the_same_time(void **state)
{
    (void)state;
    struct txn reader = begin(), t = begin();
    assert_int_equal(read_in(reader, "c/d"), STATUS_OK);
    struct answer *first = send_in(t, "c/d", 1);
    until_waiting(1);
    assert_int_equal(write_in(t, "c/e", 1), STATUS_INVALID_ARGUMENT);
    has("Transaction is invalid or closed.");
    assert_int_equal(read_in(t, "c/e"), STATUS_INVALID_ARGUMENT);
    assert_int_equal(roll_back(t), STATUS_OK);
    assert_int_equal(roll_back(reader), STATUS_OK);
    assert_int_equal(wait_for(first), STATUS_OK);
}

static void test_a_reset_ends_transactions_that_wait(void **state)
{
    (void)state;
    struct txn reader = begin(), t = begin();
    assert_int_equal(read_in(reader, "c/d"), STATUS_OK);
    struct answer *waiting = send_in(t, "c/d", 1);
    until_waiting(1);
    transactions_end_all(L.server.transactions);
    assert_int_equal(transactions_count(L.server.transactions), 0);
    wait_for(waiting); /* whatever the answer: it comes */
    assert_int_equal(read_in(reader, "c/d"), STATUS_INVALID_ARGUMENT);
    assert_int_equal(write_plain("c/d", 2), STATUS_OK);
}

static void test_an_id_is_of_its_database_alone(void **state)
{
    (void)state;
    struct txn t = begin();
    assert_int_equal(
        ask("Rollback", "{\"database\":\"projects/p/databases/other\",\"transaction\":\"%s\"}", t.id),
        STATUS_INVALID_ARGUMENT);
    has("Transaction is invalid or expired.");
    assert_int_equal(
        ask("Commit", "{\"database\":\"projects/q/databases/(default)\",\"transaction\":\"%s\"}", t.id),
        STATUS_INVALID_ARGUMENT);
    assert_int_equal(write_in(t, "c/d", 1), STATUS_OK);
}

static void test_there_is_a_limit_to_open_transactions(void **state)
{
    (void)state;
    for (int i = 0; i < LIMIT_TRANSACTIONS; i++)
        begin();
    assert_int_equal(ask("BeginTransaction", "{" DB "}"), STATUS_RESOURCE_EXHAUSTED);
    pass_seconds(LIMIT_TRANSACTION_IDLE_S + 1);
    while (transactions_count(L.server.transactions))
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    begin();
}

static void test_so_many_documents_fit_a_transaction_and_one_more_does_not(void **state)
{
    (void)state;
    struct transactions *all = L.server.transactions;
    struct database_name db = { STR("p"), STR("(default)") };
    struct status st = status_init(L.arena);
    struct transaction *t;
    struct str id;
    assert_int_equal(transactions_begin(all, L.server.store, NULL, db, NULL, L.arena, &id, &st), STATUS_OK);
    assert_int_equal(transactions_enter(all, db, id, false, &t, &st), STATUS_OK);
    for (int i = 0; i <= LIMIT_TRANSACTION_LOCKS; i++) {
        char path[16];
        int n = snprintf(path, sizeof path, "c/%d", i);
        assert_int_equal(transaction_lock(t, str_from(path, (size_t)n), &st),
                         i == LIMIT_TRANSACTION_LOCKS ? STATUS_RESOURCE_EXHAUSTED : STATUS_OK);
    }
    assert_non_null(strstr(status_message(&st), "at most 100000 documents"));
    transaction_end(t);
}

#define IT(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT(test_one_that_is_used_now_and_then_lives),
        IT(test_one_that_is_not_used_for_a_minute_is_closed),
        IT(test_one_that_goes_on_for_too_long_is_closed_though_it_is_used),
        IT(test_one_that_expired_keeps_nobody_waiting),
        IT(test_a_wait_ends_after_its_time),
        IT(test_a_write_that_waits_goes_on_when_the_reader_ends),
        IT(test_many_reads_of_one_transaction_at_once),
        IT(test_a_read_only_one_reads_its_view_and_does_not_write),
        IT(test_a_document_that_joins_a_query_aborts_and_another_does_not),
        IT(test_what_an_offset_skipped_counts_as_read),
        IT(test_a_query_of_a_collection_group_sees_its_phantoms),
        IT(test_later_readers_do_not_starve_a_writer),
        IT(test_of_two_that_read_one_document_one_wins_at_once),
        IT(test_a_cycle_of_three_ends_at_once),
        IT(test_a_dense_graph_of_waits_is_searched_once),
        IT(test_a_transaction_is_committed_once_even_at_the_same_time),
        IT(test_a_reset_ends_transactions_that_wait),
        IT(test_an_id_is_of_its_database_alone),
        IT(test_there_is_a_limit_to_open_transactions),
        IT(test_so_many_documents_fit_a_transaction_and_one_more_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_faults.c - faults without sockets: what a fault's text means, which calls are hit, what happens to
 * them and to the ledger, and quotas. */
#include "server/loopback.h"

#include "core/clock.h"
#include "core/limits.h"
#include "server/duration.h"
#include "server/faults/fault_hit.h"
#include "server/faults/quota.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DB "projects/p/databases/(default)"
#define COMMIT(path)                                                                                         \
    "{\"database\":\"" DB "\",\"writes\":[{\"update\":{\"name\":\"" DB "/documents/" path "\"}}]}"
#define GET(path) "{\"name\":\"" DB "/documents/" path "\"}"
#define QUERY(id)                                                                                            \
    "{\"parent\":\"" DB "/documents\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"" id "\"}]}}"

static struct loopback l;

static int open_server(void **state)
{
    (void)state;
    loopback_open(&l, NULL);
    return 0;
}

static int close_server(void **state)
{
    (void)state;
    loopback_close(&l);
    return 0;
}

static void set(const char *text)
{
    struct status st = status_init(NULL);
    uint64_t id;
    if (faults_add(&id, l.server.faults, str_of(text), &st))
        fail_msg("%s: %s", text, status_message(&st));
}

static enum status_code code_of(const char *rpc, const char *who, const char *json)
{
    struct answer *a = loopback_ask(&l, rpc, who, json);
    enum status_code code = a->code;
    answer_free(a);
    return code;
}

/* 'x' for each call of n that fails, '.' for one that does not. */
static const char *pattern_of(size_t n, const char *rpc, const char *json)
{
    static char out[64];
    assert_true(n < sizeof out);
    for (size_t i = 0; i < n; i++)
        out[i] = code_of(rpc, "owner", json) ? 'x' : '.';
    out[n] = '\0';
    return out;
}

static uint64_t entries(void)
{
    struct store_info info;
    store_get_info(l.server.store, &info);
    return info.visible;
}

/* ---- the text ---- */

static void both_forms_say_the_same(void **state)
{
    static const char text[] =
        "UNAVAILABLE rpc=Commit|BatchWrite path=a/*/b principal=user:* nth=2 latency=50ms..2s message=try it";
    static const char json[] =
        "{\"effect\":\"unavailable\",\"rpc\":\"Commit|BatchWrite\",\"path\":\"a/*/b\",\"principal\":"
        "\"user:*\",\"nth\":2,\"latency\":\"50ms..2s\",\"message\":\"try it\"}";
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct fault a, b;
    struct buf shown;
    (void)state;
    assert_int_equal(fault_parse(&a, arena, str_of(text), &st), STATUS_OK);
    assert_int_equal(fault_parse(&b, arena, str_of(json), &st), STATUS_OK);
    assert_ptr_equal(a.effect, b.effect);
    assert_int_equal(a.rpcs, b.rpcs);
    assert_int_equal(b.nth, 2);
    assert_int_equal(b.latency_to_ms, 2000);
    buf_init(&shown, 1024);
    fault_print(&shown, &b);
    assert_true(str_eq_z(buf_view(&shown), text));
    buf_dispose(&shown);
    arena_free(arena);
}

static void what_is_wrong_with_a_fault_is_named(void **state)
{
    static const char *const bad[][2] = {
        { "", "nothing is said" },
        { "UNAVAILABEL", "did you mean 'UNAVAILABLE'?" },
        { "ABORTED rcp=Commit", "there is no key 'rcp'; did you mean 'rpc'?" },
        { "ABORTED rpc=Comit", "rpc='Comit'" },
        { "ABORTED Commit", "'Commit' is not KEY=VALUE" },
        { "ABORTED nth=0", "nth='0'" },
        { "ABORTED nth=1 nth=2", "nth is given twice" },
        { "ABORTED nth=99999999999999999999", "nth=" },
        { "ABORTED probability=1.5", "probability='1.5'" },
        { "ABORTED probability=nan", "probability='nan'" },
        { "ABORTED path=a//b", "path='a//b'" },
        { "ABORTED latency=2", "latency='2'" },
        { "ABORTED latency=2s..1s", "latency='2s..1s'" },
        { "ABORTED latency=1d", "latency='1d'" },
        { "ABORTED from=2s until=1s", "until= is not later than from=" },
        { "ABORTED messages=1", "messages='1'" },
        { "reset when=after", "when='after'" },
        { "delay", "a delay needs latency" },
        { "{", "fault: " },
        { "{\"rpc\":\"Commit\"}", "\"effect\" is missing" },
        { "{\"effect\":\"ABORTED\",\"count\":[1]}", "count is neither a string nor a number" },
        { "{\"effect\":\"ABORTED\",\"count\":1.5}", "count='1.5'" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct status st = status_init(NULL);
        uint64_t id;
        if (faults_add(&id, l.server.faults, str_of(bad[i][0]), &st) != STATUS_INVALID_ARGUMENT ||
            !strstr(status_message(&st), bad[i][1]))
            fail_msg("%s: %s", bad[i][0], status_message(&st));
    }
}

static void durations_are_numbers_with_units(void **state)
{
    int64_t us;
    (void)state;
    assert_true(duration_parse(&us, STR("1h30m")) && us == INT64_C(5400000000));
    assert_true(duration_parse(&us, STR("1.5s")) && us == 1500000);
    assert_true(duration_parse(&us, STR("30d")) && us == INT64_C(2592000000000));
    assert_true(duration_parse(&us, STR("0s")) && us == 0);
    assert_false(duration_parse(&us, STR("")));
    assert_false(duration_parse(&us, STR("5")));
    assert_false(duration_parse(&us, STR("s")));
    assert_false(duration_parse(&us, STR("1y")));
    assert_false(duration_parse(&us, STR("1.2.3s")));
    assert_false(duration_parse(&us, STR("-1s")));
    assert_false(duration_parse(&us, STR("999999999d")));
}

/* ---- which calls ---- */

static void the_nth_the_first_few_and_all(void **state)
{
    (void)state;
    set("ABORTED nth=3");
    assert_string_equal(pattern_of(6, "Commit", COMMIT("c/a")), "..x...");
    faults_clear(l.server.faults);
    set("ABORTED count=2");
    assert_string_equal(pattern_of(6, "Commit", COMMIT("c/a")), "xx....");
    faults_clear(l.server.faults);
    set("ABORTED");
    assert_string_equal(pattern_of(3, "Commit", COMMIT("c/a")), "xxx");
    faults_clear(l.server.faults);
    assert_string_equal(pattern_of(3, "Commit", COMMIT("c/a")), "...");
}

static void chances_are_the_same_for_the_same_seed(void **state)
{
    char first[64], other[64];
    size_t hits = 0;
    (void)state;
    set("ABORTED probability=0.5 seed=7");
    snprintf(first, sizeof first, "%s", pattern_of(40, "Commit", COMMIT("c/a")));
    faults_clear(l.server.faults);
    set("ABORTED probability=0.5 seed=7");
    assert_string_equal(pattern_of(40, "Commit", COMMIT("c/a")), first);
    faults_clear(l.server.faults);
    set("ABORTED probability=0.5 seed=8");
    snprintf(other, sizeof other, "%s", pattern_of(40, "Commit", COMMIT("c/a")));
    assert_string_not_equal(first, other);
    for (size_t i = 0; i < 40; i++)
        hits += first[i] == 'x';
    assert_in_range(hits, 10, 30);
    faults_clear(l.server.faults);
    set("ABORTED probability=0");
    assert_string_equal(pattern_of(5, "Commit", COMMIT("c/a")), ".....");
}

static void rpcs_principals_and_paths_choose(void **state)
{
    static const struct {
        const char *fault, *rpc, *who, *json;
        bool hit;
    } cases[] = {
        { "ABORTED rpc=Commit", "Commit", "owner", COMMIT("c/a"), true },
        { "ABORTED rpc=Commit", "GetDocument", "owner", GET("c/a"), false },
        { "ABORTED rpc=GetDocument|Commit", "GetDocument", "owner", GET("c/a"), true },
        { "ABORTED principal=owner", "GetDocument", "anonymous", GET("c/a"), false },
        { "ABORTED principal=user:*", "GetDocument", "{\"sub\":\"x\"}", GET("c/a"), true },
        { "ABORTED principal=user:*", "GetDocument", "owner", GET("c/a"), false },
        { "ABORTED transport=grpc", "GetDocument", "owner", GET("c/a"), false },
        { "ABORTED path=c", "Commit", "owner", COMMIT("c/a"), true },
        { "ABORTED path=c", "Commit", "owner", COMMIT("d/a"), false },
        { "ABORTED path=c/*/e", "Commit", "owner", COMMIT("c/a/e/b"), true },
        { "ABORTED path=c/a", "GetDocument", "owner", GET("c/a"), true },
        { "ABORTED path=c/a", "GetDocument", "owner", GET("c/b"), false },
        { "ABORTED path=c", "RunQuery", "owner", QUERY("c"), true },
        { "ABORTED path=c", "RunQuery", "owner", QUERY("d"), false },
        { "ABORTED path=**", "RunQuery", "owner", QUERY("d"), true },
        { "ABORTED path=c", "BatchGetDocuments", "owner",
          "{\"database\":\"" DB "\",\"documents\":[\"" DB "/documents/d/a\",\"" DB "/documents/c/a\"]}",
          true },
        { "ABORTED path=c", "ListDocuments", "owner",
          "{\"parent\":\"" DB "/documents\",\"collectionId\":\"c\"}", true },
        { "ABORTED path=c", "CreateDocument", "owner",
          "{\"parent\":\"" DB "/documents\",\"collectionId\":\"c\"}", true },
        { "ABORTED path=c", "DeleteDocument", "owner", GET("c/a"), true },
        { "ABORTED path=c", "UpdateDocument", "owner", "{\"document\":" GET("c/a") "}", true },
        { "ABORTED path=**", "BeginTransaction", "owner", "{\"database\":\"" DB "\"}", false },
        { "ABORTED", "BeginTransaction", "owner", "{\"database\":\"" DB "\"}", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set(cases[i].fault);
        bool hit = code_of(cases[i].rpc, cases[i].who, cases[i].json) == STATUS_ABORTED;
        if (hit != cases[i].hit)
            fail_msg("%s: %s %s by %s", cases[i].fault, cases[i].rpc, cases[i].json, cases[i].who);
        faults_clear(l.server.faults);
    }
}

static int64_t now_ns;

static int64_t told_ns(void *data)
{
    (void)data;
    return now_ns;
}

static void a_fault_has_a_time_window(void **state)
{
    static const struct clock_source source = { .mono_ns = told_ns };
    struct faults *f = faults_new(NULL);
    struct arena *arena = arena_new();
    struct call call = { .rpc = rpc_by_name(STR("BeginTransaction")), .arena = arena };
    struct status st = status_init(arena);
    struct fault_hit hit;
    uint64_t id;
    char seen[31] = "";
    (void)state;
    now_ns = INT64_C(1000000000000);
    clock_replace(&source);
    assert_int_equal(faults_add(&id, f, STR("ABORTED from=10s until=20s"), &st), STATUS_OK);
    for (size_t second = 0; second < 30; second++, now_ns += 1000000000)
        seen[second] = faults_choose(&hit, f, &call) ? 'x' : '.';
    clock_replace(NULL);
    assert_string_equal(seen, "..........xxxxxxxxxx..........");
    arena_free(arena);
    faults_free(f);
}

static void the_first_that_was_set_happens_and_the_others_count_on(void **state)
{
    struct buf out;
    (void)state;
    set("ABORTED rpc=GetDocument nth=2");
    set("UNAVAILABLE rpc=GetDocument nth=2");
    assert_int_equal(code_of("GetDocument", "owner", GET("c/a")), STATUS_NOT_FOUND);
    assert_int_equal(code_of("GetDocument", "owner", GET("c/a")), STATUS_ABORTED);
    assert_int_equal(code_of("GetDocument", "owner", GET("c/a")), STATUS_UNAVAILABLE);
    assert_int_equal(code_of("GetDocument", "owner", GET("c/a")), STATUS_NOT_FOUND);
    buf_init(&out, 4096);
    faults_print(&out, l.server.faults, 2);
    assert_true(str_eq_z(buf_view(&out),
                         "{\"id\":2,\"effect\":\"UNAVAILABLE\",\"rpc\":\"GetDocument\",\"nth\":\"2\","
                         "\"matched\":3,\"injected\":1}"));
    buf_clear(&out);
    set("delay latency=1s rpc=Commit");
    faults_summary(&out, l.server.faults);
    assert_true(str_eq_z(buf_view(&out),
                         "  faults injected: 2\n"
                         "    never happened: delay rpc=Commit latency=1s (0 calls matched)\n"));
    buf_dispose(&out);
    assert_true(faults_remove(l.server.faults, 1));
    assert_false(faults_remove(l.server.faults, 1));
}

static void there_is_a_most_of_them(void **state)
{
    struct status st = status_init(NULL);
    uint64_t id;
    (void)state;
    for (size_t i = 0; i < LIMIT_FAULTS; i++)
        set("ABORTED rpc=Rollback");
    assert_int_equal(faults_add(&id, l.server.faults, STR("ABORTED"), &st), STATUS_RESOURCE_EXHAUSTED);
    faults_clear(l.server.faults);
    set("ABORTED");
}

/* ---- what happens ---- */

static void every_code_comes_with_productions_words_or_others(void **state)
{
    struct answer *a;
    (void)state;
    for (size_t i = 0; i < fault_effect_count; i++) {
        const struct fault_effect *e = &fault_effects[i];
        if (e->act != FAULT_STATUS)
            continue;
        set(e->name);
        a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
        assert_int_equal(a->code, e->code);
        assert_string_equal(a->message, e->text);
        assert_string_equal(a->fault, e->name);
        assert_true((a->details != NULL) == (e->code == STATUS_RESOURCE_EXHAUSTED));
        answer_free(a);
        faults_clear(l.server.faults);
    }
    assert_int_equal(entries(), 0);
    set("UNAVAILABLE retry=1500ms message=back at noon");
    a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
    assert_string_equal(a->message, "back at noon");
    assert_int_equal(a->details->retry_ms, 1500);
    answer_free(a);
}

static void a_status_after_the_commit_leaves_the_entry(void **state)
{
    (void)state;
    set("DEADLINE_EXCEEDED when=after rpc=Commit");
    struct answer *a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
    assert_int_equal(a->code, STATUS_DEADLINE_EXCEEDED);
    assert_int_equal(a->messages, 0);
    assert_int_equal(entries(), 1);
    answer_free(a);
}

static void a_lost_answer_leaves_the_entry_and_not_a_byte(void **state)
{
    (void)state;
    set("lost-answer rpc=Commit");
    struct answer *a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
    assert_int_equal(a->messages, 0);
    assert_int_equal(a->faults[SINK_CLOSE], 1);
    assert_int_equal(entries(), 1);
    assert_string_equal(a->fault, "lost-answer");
    answer_free(a);
}

static void a_reset_call_never_runs(void **state)
{
    (void)state;
    set("reset");
    struct answer *a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
    assert_int_equal(a->faults[SINK_RESET], 1);
    assert_int_equal(a->messages, 0);
    assert_int_equal(entries(), 0);
    answer_free(a);
}

static void goaway_and_delay_answer_as_always(void **state)
{
    (void)state;
    set("goaway count=1");
    set("delay latency=1ms count=1");
    set("delay latency=~1ms count=1");
    for (int i = 0; i < 3; i++) {
        struct answer *a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
        assert_int_equal(a->code, STATUS_OK);
        assert_int_equal(a->messages, 1);
        assert_int_equal(a->faults[SINK_GOAWAY], i == 0 ? 1 : 0);
        assert_string_equal(a->fault, i == 0 ? "goaway" : "delay");
        answer_free(a);
    }
    assert_int_equal(faults_injected(l.server.faults), 3);
}

static void a_truncated_stream_ends_after_its_messages(void **state)
{
    static const char *const documents[] = { COMMIT("c/a"), COMMIT("c/b"), COMMIT("c/d") };
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(code_of("Commit", "owner", documents[i]), STATUS_OK);
    set("truncate rpc=RunQuery messages=2");
    struct answer *a = loopback_ask(&l, "RunQuery", "owner", QUERY("c"));
    assert_int_equal(a->messages, 2);
    assert_true(a->faults[SINK_TRUNCATE] >= 1);
    answer_free(a);
    set("truncate rpc=Commit");
    a = loopback_ask(&l, "Commit", "owner", COMMIT("c/e"));
    assert_int_equal(a->messages, 1); /* the sink sends half of it */
    assert_int_equal(a->faults[SINK_TRUNCATE], 1);
    answer_free(a);
}

static void a_stalled_call_ends_with_its_caller(void **state)
{
    (void)state;
    set("stall");
    struct answer *a = loopback_send(&l, "Commit", "owner", COMMIT("c/a"));
    atomic_store(&a->call->cancelled, true);
    answer_wait(a);
    assert_int_equal(a->code, STATUS_CANCELLED);
    assert_int_equal(entries(), 0);
    answer_free(a);
}

static void a_stalled_call_ends_with_the_fault(void **state)
{
    (void)state;
    set("stall");
    struct answer *a = loopback_send(&l, "Commit", "owner", COMMIT("c/a"));
    while (faults_injected(l.server.faults) == 0)
        sched_yield();
    faults_clear(l.server.faults);
    answer_wait(a);
    assert_int_equal(a->code, STATUS_UNAVAILABLE);
    assert_int_equal(a->faults[SINK_RESET], 1);
    answer_free(a);
}

static void a_stalled_call_ends_with_the_server(void **state)
{
    (void)state;
    set("stall");
    struct answer *a = loopback_send(&l, "Commit", "owner", COMMIT("c/a"));
    atomic_store(&l.server.stopping, true);
    answer_wait(a);
    assert_int_equal(a->code, STATUS_UNAVAILABLE);
    answer_free(a);
}

/* ---- brought along ---- */

static void a_header_is_heard_only_where_it_may_be(void **state)
{
    (void)state;
    l.fault_header = STR("aborted");
    assert_int_equal(code_of("Commit", "owner", COMMIT("c/a")), STATUS_FAILED_PRECONDITION);
    l.options.fault_header = true;
    assert_int_equal(code_of("Commit", "owner", COMMIT("c/a")), STATUS_ABORTED);
    l.fault_header = STR("aborted rpc=GetDocument");
    assert_int_equal(code_of("Commit", "owner", COMMIT("c/a")), STATUS_OK);
    l.fault_header = STR("aborted count=1");
    assert_int_equal(code_of("Commit", "owner", COMMIT("c/a")), STATUS_INVALID_ARGUMENT);
    l.fault_header = STR("abroted");
    assert_int_equal(code_of("Commit", "owner", COMMIT("c/a")), STATUS_INVALID_ARGUMENT);
    l.fault_header = STR("aborted");
    l.options.lock_control = true;
    assert_int_equal(code_of("Commit", "owner", COMMIT("c/a")), STATUS_PERMISSION_DENIED);
}

/* ---- quotas ---- */

static void open_with_quota(const char *text)
{
    struct options o = { .n_quota = 1 };
    o.quota[0] = str_of(text);
    loopback_open(&l, &o);
}

static void writes_over_quota_are_refused_with_the_text_and_the_wait(void **state)
{
    (void)state;
    open_with_quota("writes=3/d");
    assert_string_equal(pattern_of(5, "Commit", COMMIT("c/a")), "...xx");
    struct answer *a = loopback_ask(&l, "Commit", "owner", COMMIT("c/a"));
    assert_int_equal(a->code, STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(a->message, "Quota exceeded.");
    assert_string_equal(a->fault, "quota");
    assert_string_equal(a->details->reason, "RATE_LIMIT_EXCEEDED");
    assert_true(str_eq_z(a->details->facts[0].value, "writes"));
    assert_true(str_eq_z(a->details->facts[1].value, "3/d"));
    assert_in_range(a->details->next->retry_ms, 1, 8 * 3600 * 1000 + 1);
    answer_free(a);
    /* Reads have no quota, and another database has its own. */
    assert_int_equal(code_of("GetDocument", "owner", GET("c/a")), STATUS_OK);
    assert_int_equal(code_of("Commit", "owner",
                             "{\"database\":\"projects/q/databases/(default)\",\"writes\":[{\"delete\":"
                             "\"projects/q/databases/(default)/documents/c/a\"}]}"),
                     STATUS_OK);
    assert_int_equal(entries(), 1); /* the same document again and again changes nothing */
    loopback_close(&l);
}

static void a_query_pays_for_what_it_finds(void **state)
{
    (void)state;
    open_with_quota("reads=5/d,writes=100/d");
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            code_of("CreateDocument", "owner", "{\"parent\":\"" DB "/documents\",\"collectionId\":\"c\"}"),
            STATUS_OK);
    assert_string_equal(pattern_of(3, "RunQuery", QUERY("c")), "..x"); /* 5 - 4 - 4 */
    loopback_close(&l);
}

static void deletes_count_as_writes_unless_they_have_their_own(void **state)
{
    static const char remove[] =
        "{\"database\":\"" DB "\",\"writes\":[{\"delete\":\"" DB "/documents/c/a\"}]}";
    (void)state;
    open_with_quota("writes=2/d");
    assert_string_equal(pattern_of(3, "Commit", remove), "..x");
    loopback_close(&l);
    open_with_quota("writes=2/d,deletes=3/d");
    assert_string_equal(pattern_of(4, "Commit", remove), "...x");
    assert_string_equal(pattern_of(3, "Commit", COMMIT("c/a")), "..x");
    loopback_close(&l);
}

static void a_bucket_fills_again(void **state)
{
    static const struct clock_source source = { .mono_ns = told_ns };
    (void)state;
    now_ns = INT64_C(1000000000000);
    clock_replace(&source);
    struct quota *q;
    struct str text = STR("writes=2/s");
    struct status st = status_init(NULL);
    struct arena *arena = arena_new();
    struct call call = { .rpc = rpc_by_name(STR("DeleteDocument")),
                         .arena = arena,
                         .status = status_init(arena) };
    struct msg_delete_document_request request = { .name = STR(DB "/documents/c/a") };
    call.request = &request;
    assert_int_equal(quota_new(&q, &text, 1, &st), STATUS_OK);
    assert_int_equal(quota_take(q, &call), STATUS_OK);
    assert_int_equal(quota_take(q, &call), STATUS_OK);
    assert_int_equal(quota_take(q, &call), STATUS_RESOURCE_EXHAUSTED);
    assert_in_range(call.status.details->next->retry_ms, 500, 501);
    now_ns += INT64_C(500000000);
    assert_int_equal(quota_take(q, &call), STATUS_OK);
    assert_int_equal(quota_take(q, &call), STATUS_RESOURCE_EXHAUSTED);
    quota_free(q);
    arena_free(arena);
    clock_replace(NULL);
}

static void what_is_wrong_with_a_quota_is_named(void **state)
{
    static const char *const bad[] = { "",
                                       "writes",
                                       "writes=5",
                                       "writes=0/s",
                                       "writes=5/y",
                                       "writes=5/s,",
                                       "wirtes=5/s",
                                       "writes=5/s,writes=6/s",
                                       "writes=-1/s",
                                       "writes=9999999999/s" };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct status st = status_init(NULL);
        struct str text = str_of(bad[i]);
        struct quota *q;
        if (quota_new(&q, &text, 1, &st) != STATUS_INVALID_ARGUMENT ||
            !strstr(status_message(&st), "--quota: "))
            fail_msg("%s: %s", bad[i], status_message(&st));
    }
}

#define served(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_say_the_same),
        served(what_is_wrong_with_a_fault_is_named),
        cmocka_unit_test(durations_are_numbers_with_units),
        served(the_nth_the_first_few_and_all),
        served(chances_are_the_same_for_the_same_seed),
        served(rpcs_principals_and_paths_choose),
        cmocka_unit_test(a_fault_has_a_time_window),
        served(the_first_that_was_set_happens_and_the_others_count_on),
        served(there_is_a_most_of_them),
        served(every_code_comes_with_productions_words_or_others),
        served(a_status_after_the_commit_leaves_the_entry),
        served(a_lost_answer_leaves_the_entry_and_not_a_byte),
        served(a_reset_call_never_runs),
        served(goaway_and_delay_answer_as_always),
        served(a_truncated_stream_ends_after_its_messages),
        served(a_stalled_call_ends_with_its_caller),
        served(a_stalled_call_ends_with_the_fault),
        served(a_stalled_call_ends_with_the_server),
        served(a_header_is_heard_only_where_it_may_be),
        cmocka_unit_test(writes_over_quota_are_refused_with_the_text_and_the_wait),
        cmocka_unit_test(a_query_pays_for_what_it_finds),
        cmocka_unit_test(deletes_count_as_writes_unless_they_have_their_own),
        cmocka_unit_test(a_bucket_fills_again),
        cmocka_unit_test(what_is_wrong_with_a_quota_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

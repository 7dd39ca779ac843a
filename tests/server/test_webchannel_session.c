/* test_webchannel_session.c - a session of WebChannel over exchanges without sockets, and with a clock of the test's: what
 * parks the call, when back channels end, and when the session does. */
#include "server/transport/webchannel_session.h"

#include "core/clock.h"
#include "core/codec.h"
#include "server/net/net_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000000;

static int64_t now_ns = 1000 * (int64_t)1000000000;

static int64_t test_mono_ns(void *data)
{
    (void)data;
    return now_ns;
}

/* ---- exchanges that no socket waits for ---- */

static struct net net = { .options.handler = { 0 } };
static struct conn conn = { .net = &net };
static atomic_int freed; /* requests */

static void dispose(void *user)
{
    struct request *r = user;
    webchannel_forget(r);
    if (r->rpc)
        inbox_dispose(&r->inbox);
    pthread_mutex_destroy(&r->lock);
    free(r);
    atomic_fetch_add(&freed, 1);
}

static struct request *new_request(void)
{
    struct net_head head = { .protocol = NET_HTTP11, .method = STR("GET"), .target = STR("/") };
    struct request *r = calloc(1, sizeof *r);
    assert_non_null(r);
    pthread_mutex_init(&r->lock, NULL);
    r->exchange = exchange_new(&net, &conn, &head);
    exchange_own_user(r->exchange, r, dispose);
    return r;
}

/* What the loop does when the answer is over, or the client has gone. */
static void loop_is_done(struct request *r)
{
    exchange_over(r->exchange);
}

/* What waits in the mailbox is of no use to anybody here. */
static void empty_mailbox(void)
{
    for (struct exchange *e = mailbox_take(net.box), *next; e; e = next) {
        next = e->next_queued;
        exchange_drop(e);
    }
}

/* Takes what there is of an answer, as a socket would; whether it has ended. */
static bool client_reads(struct request *r, char *text, size_t max)
{
    enum exchange_rest rest;
    size_t n = exchange_take(r->exchange, text, max - 1, &rest);
    text[n] = '\0';
    return rest == EXCHANGE_END;
}

/* ---- a session whose call does nothing by itself ---- */

static struct call call;
static struct request *opener;

static struct channel *new_session(void)
{
    opener = new_request();
    opener->rpc = rpc_by_name(STR("Listen"));
    inbox_init(&opener->inbox, true);
    call = (struct call){ .rpc = opener->rpc };
    struct channel *c = channel_new(opener);
    opener->call = &call;
    loop_is_done(opener);
    channel_unref(c); /* one of two: the call's stays */
    return c;
}

static void call_ends(struct channel *c)
{
    channel_end(c);
    opener->call = NULL;
    channel_unref(c);
}

static void call_says(size_t n)
{
    char *text = test_calloc(1, n + 1);
    struct msg_target_change change = { .resume_token =
                                            str_from(text, n * 3 / 4) }; /* base64 makes it n again */
    struct msg_listen_response response = { .response_case = 2, .target_change = &change };
    opener->sink.message(&opener->sink, &response);
    test_free(text);
}

static size_t pending(void)
{
    return opener->sink.pending(&opener->sink);
}

static struct request *attach(struct channel *c, bool polling, int64_t aid)
{
    struct request *r = new_request();
    assert_true(channel_attach(c, r, polling, aid));
    return r;
}

static bool tick_after(struct channel *c, int64_t seconds)
{
    now_ns += seconds * SECOND;
    return channel_tick(c, now_ns);
}

/* ---- the tests ---- */

static char text[1024 * 1024];

static void a_call_is_held_up_by_what_is_not_acknowledged_and_not_by_what_is_not_sent(void **state)
{
    (void)state;
    struct channel *c = new_session();
    while (pending() <= LIMIT_RESPONSE_BUFFER)
        call_says(10000);
    struct request *back = attach(c, false, 0);
    assert_true(
        client_reads(back, text, sizeof text)); /* too much for one answer: it ends, and is asked for again */
    assert_true(pending() > LIMIT_RESPONSE_BUFFER);
    opener->sink.when_drained(&opener->sink);
    assert_true(c->waits);
    channel_ack(c, 1);
    assert_true(c->waits);
    channel_ack(c, channel_out_last_id(&c->out) - 5);
    assert_false(c->waits);
    assert_true(pending() < LIMIT_RESPONSE_BUFFER / 2);
    loop_is_done(back);
    call_ends(c);
}

static void a_back_channel_ends_once_it_was_given_enough(void **state)
{
    (void)state;
    struct channel *c = new_session();
    struct request *back = attach(c, false, 0);
    for (size_t given = 0; given + 30000 < LIMIT_CHANNEL_ANSWER; given += 30000) {
        call_says(20000);
        assert_ptr_equal(c->back, back);
    }
    call_says(LIMIT_CHANNEL_ANSWER);
    assert_null(c->back);
    assert_ptr_equal(c->last, back);
    assert_true(client_reads(back, text, sizeof text));
    loop_is_done(back);
    call_ends(c);
}

static void a_client_that_asks_again_without_reading_loses_the_older_answer(void **state)
{
    (void)state;
    struct channel *c = new_session();
    call_says(10000);
    struct request *first = attach(c, false, 0);
    assert_true(exchange_pending(first->exchange) > 10000);
    struct request *second = attach(c, false, 0);
    assert_true(first->exchange->aborted);
    loop_is_done(first);
    client_reads(second, text, sizeof text);
    struct request *third = attach(c, false, 0);
    assert_true(!second->exchange->aborted && second->exchange->finished);
    loop_is_done(second);
    loop_is_done(third);
    call_ends(c);
}

static void a_quiet_back_channel_says_so_and_one_that_is_not_read_does_not(void **state)
{
    (void)state;
    struct channel *c = new_session();
    struct request *back = attach(c, false, 0);
    client_reads(back, text, sizeof text);
    assert_string_equal(text, "14\n[[1,[\"noop\"]]]");
    assert_false(tick_after(c, LIMIT_CHANNEL_BEAT_S - 1));
    client_reads(back, text, sizeof text);
    assert_string_equal(text, "");
    assert_false(tick_after(c, 1));
    assert_false(tick_after(c, LIMIT_CHANNEL_BEAT_S)); /* the one before has not been read */
    client_reads(back, text, sizeof text);
    assert_string_equal(text, "14\n[[2,[\"noop\"]]]");
    loop_is_done(back);
    call_ends(c);
}

static void polling_ends_with_the_first_arrays_or_the_beat(void **state)
{
    (void)state;
    struct channel *c = new_session();
    struct request *back = attach(c, true, 0);
    assert_false(client_reads(back, text, sizeof text));
    assert_string_equal(text, "");
    assert_false(tick_after(c, LIMIT_CHANNEL_BEAT_S));
    assert_true(client_reads(back, text, sizeof text));
    assert_string_equal(text, "14\n[[1,[\"noop\"]]]");
    loop_is_done(back);
    call_ends(c);
}

static void a_session_ends_when_nobody_has_asked_for_long(void **state)
{
    (void)state;
    struct channel *c = new_session();
    struct channel_form none = { 0 };
    struct status st = status_init(NULL);
    assert_false(tick_after(c, LIMIT_CHANNEL_IDLE_S - 1));
    assert_int_equal(channel_receive(c, &none, &st), STATUS_OK);
    assert_false(tick_after(c, LIMIT_CHANNEL_IDLE_S - 1));
    struct request *back = attach(c, false, 0);
    assert_false(tick_after(c, 10 * LIMIT_CHANNEL_IDLE_S)); /* it listens */
    channel_detach(c, back);
    loop_is_done(back);
    assert_false(tick_after(c, LIMIT_CHANNEL_IDLE_S - 1));
    assert_true(tick_after(c, 1));
    assert_true(atomic_load(&call.cancelled));
    assert_false(channel_is_usable(c));
    call_says(100); /* goes nowhere */
    assert_int_equal(pending(), 0);
    call_ends(c);
}

static void a_client_that_still_reads_the_last_answer_is_not_idle(void **state)
{
    (void)state;
    struct channel *c = new_session();
    call_says(2 * LIMIT_CHANNEL_ANSWER);
    struct request *back = attach(c, false, 0);
    assert_null(c->back);
    for (int i = 0; i < 20; i++) {
        client_reads(back, text, 1000);
        assert_false(tick_after(c, LIMIT_CHANNEL_IDLE_S - 1));
    }
    assert_true(tick_after(c, LIMIT_CHANNEL_IDLE_S)); /* it has stopped */
    loop_is_done(back);
    call_ends(c);
}

static void nothing_waits_for_a_client_that_has_said_goodbye(void **state)
{
    (void)state;
    struct channel *c = new_session();
    while (pending() <= LIMIT_RESPONSE_BUFFER)
        call_says(100000);
    opener->sink.when_drained(&opener->sink);
    channel_leave(c, STATUS_OK, NULL);
    assert_int_equal(pending(), 0);
    assert_false(c->waits);
    assert_true(opener->inbox.ended);
    assert_false(channel_is_usable(c));
    call_ends(c);
}

static void everything_is_freed(void **state)
{
    (void)state;
    empty_mailbox();
    int before = atomic_load(&freed);
    struct channel *c = new_session();
    struct request *a = attach(c, false, 0), *b = attach(c, true, 0);
    loop_is_done(a);
    loop_is_done(b);
    call_ends(c);
    empty_mailbox();
    assert_int_equal(atomic_load(&freed) - before, 3);
    assert_int_equal(net.live, 0);
}

static int start(void **state)
{
    static const struct clock_source source = { .mono_ns = test_mono_ns };
    (void)state;
    clock_replace(&source);
    net.box = mailbox_new();
    net.options.max_body = 1024;
    return net.box ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    mailbox_close(net.box);
    mailbox_release(net.box);
    clock_replace(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_held_up_by_what_is_not_acknowledged_and_not_by_what_is_not_sent),
        cmocka_unit_test(a_back_channel_ends_once_it_was_given_enough),
        cmocka_unit_test(a_client_that_asks_again_without_reading_loses_the_older_answer),
        cmocka_unit_test(a_quiet_back_channel_says_so_and_one_that_is_not_read_does_not),
        cmocka_unit_test(polling_ends_with_the_first_arrays_or_the_beat),
        cmocka_unit_test(a_session_ends_when_nobody_has_asked_for_long),
        cmocka_unit_test(a_client_that_still_reads_the_last_answer_is_not_idle),
        cmocka_unit_test(nothing_waits_for_a_client_that_has_said_goodbye),
        cmocka_unit_test(everything_is_freed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

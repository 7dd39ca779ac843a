/* test_webchannel.c - WebChannel's pure parts: forms and URLs, lengths and chunks, acknowledgements, the order of messages. */
#include "server/transport/webchannel_in.h"
#include "server/transport/webchannel_out.h"
#include "server/transport/webchannel_wire.h"

#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void expect_str(struct str have, const char *wanted)
{
    assert_int_equal(have.n, strlen(wanted));
    assert_memory_equal(have.p ? have.p : "", wanted, have.n);
}

/* ---- lengths ---- */

static void lengths_are_utf_16_units(void **state)
{
    (void)state;
    assert_int_equal(channel_units(STR("")), 0);
    assert_int_equal(channel_units(STR("abc")), 3);
    assert_int_equal(channel_units(STR("\xC3\xBC")), 1);         /* U+00FC */
    assert_int_equal(channel_units(STR("\xEF\xBF\xBF")), 1);     /* U+FFFF: the last of one unit */
    assert_int_equal(channel_units(STR("\xF0\x90\x80\x80")), 2); /* U+10000: the first of two */
    assert_int_equal(channel_units(STR("\xF4\x8F\xBF\xBF")), 2); /* U+10FFFF */
    assert_int_equal(channel_units(STR("a\xF0\x9F\x98\x80\xC3\xA9z")), 5);
    assert_int_equal(channel_units(STR("\0a")), 2);
}

/* ---- what is sent ---- */

/* What a back channel would be given now. */
static void expect_chunk(struct channel_out *out, const char *wanted)
{
    struct buf chunk;
    buf_init(&chunk, channel_out_room(out));
    if (channel_out_waits(out))
        assert_true(channel_out_take(out, &chunk));
    expect_str(buf_view(&chunk), wanted);
    buf_dispose(&chunk);
    assert_false(channel_out_waits(out));
}

static void a_chunk_has_all_that_waits_and_its_length_in_units(void **state)
{
    struct channel_out out;
    (void)state;
    channel_out_init(&out);
    channel_out_put(&out, STR("[{\"a\":\"\xF0\x9F\x98\x80\"}]"));
    expect_chunk(&out, "18\n[[1,[{\"a\":\"\xF0\x9F\x98\x80\"}]]]");
    channel_out_put(&out, STR("[\"noop\"]"));
    channel_out_put(&out, STR("[{}]"));
    expect_chunk(&out, "23\n[[2,[\"noop\"]],[3,[{}]]]");
    expect_chunk(&out, "");
    channel_out_dispose(&out);
}

static void the_length_counts_the_digits_of_every_id(void **state)
{
    struct channel_out out;
    (void)state;
    channel_out_init(&out);
    for (int i = 1; i < 9; i++)
        channel_out_put(&out, STR("[]"));
    channel_out_ack(&out, 8);
    channel_out_put(&out, STR("[]"));
    channel_out_put(&out, STR("[]"));
    expect_chunk(&out, "16\n[[9,[]],[10,[]]]");
    channel_out_dispose(&out);
}

static void a_new_back_channel_gets_what_is_not_acknowledged(void **state)
{
    struct channel_out out;
    (void)state;
    channel_out_init(&out);
    channel_out_put(&out, STR("[1]"));
    channel_out_put(&out, STR("[2]"));
    channel_out_put(&out, STR("[3]"));
    expect_chunk(&out, "25\n[[1,[1]],[2,[2]],[3,[3]]]");
    channel_out_ack(&out, 1);
    channel_out_rewind(&out);
    expect_chunk(&out, "17\n[[2,[2]],[3,[3]]]");
    channel_out_put(&out, STR("[4]"));
    channel_out_rewind(&out);
    expect_chunk(&out, "25\n[[2,[2]],[3,[3]],[4,[4]]]");
    channel_out_dispose(&out);
}

static void acknowledged_arrays_are_gone_whether_they_were_sent_or_not(void **state)
{
    struct channel_out out;
    (void)state;
    channel_out_init(&out);
    channel_out_put(&out, STR("[1]"));
    channel_out_put(&out, STR("[2]"));
    assert_int_equal(out.bytes, 6);
    channel_out_ack(&out, 0);
    channel_out_ack(&out, -1);
    assert_int_equal(out.bytes, 6);
    channel_out_ack(&out, 1); /* it waits still */
    assert_int_equal(out.bytes, 3);
    expect_chunk(&out, "9\n[[2,[2]]]");
    channel_out_ack(&out, 1); /* late: an older one */
    assert_int_equal(out.acked, 1);
    channel_out_ack(&out, 99); /* more than there is */
    assert_int_equal(out.bytes, 0);
    assert_int_equal(out.acked, 2);
    channel_out_put(&out, STR("[3]"));
    assert_int_equal(channel_out_last_id(&out), 3);
    channel_out_rewind(&out);
    expect_chunk(&out, "9\n[[3,[3]]]");
    channel_out_dispose(&out);
}

static void a_chunk_that_does_not_fit_says_so(void **state)
{
    struct channel_out out;
    struct buf chunk;
    (void)state;
    channel_out_init(&out);
    channel_out_put(&out, STR("[1]"));
    buf_init(&chunk, 8);
    assert_false(channel_out_take(&out, &chunk));
    buf_dispose(&chunk);
    channel_out_dispose(&out);
}

/* ---- what comes ---- */

static char delivered[64];

static void deliver(void *data, struct str message)
{
    size_t n = strlen(delivered);
    assert_ptr_equal(data, delivered);
    assert_true(n + message.n < sizeof delivered);
    memcpy(delivered + n, message.p, message.n);
    delivered[n + message.n] = '\0';
}

static bool take(struct channel_in *in, uint64_t number, const char *message)
{
    return channel_in_take(in, number, str_of(message), deliver, delivered);
}

static void messages_are_delivered_once_and_in_order(void **state)
{
    struct channel_in in;
    (void)state;
    channel_in_init(&in);
    delivered[0] = '\0';
    assert_true(take(&in, 0, "a"));
    assert_true(take(&in, 0, "A"));
    assert_true(take(&in, 3, "d"));
    assert_true(take(&in, 2, "c"));
    assert_true(take(&in, 2, "C"));
    assert_true(take(&in, 5, "f"));
    assert_string_equal(delivered, "a");
    assert_true(take(&in, 1, "b"));
    assert_string_equal(delivered, "abcd");
    assert_true(take(&in, 3, "D"));
    assert_true(take(&in, 4, "e"));
    assert_string_equal(delivered, "abcdef");
    assert_int_equal(in.n, 0);
    assert_int_equal(in.bytes, 0);
    channel_in_dispose(&in);
}

static void what_comes_early_is_bounded_in_number(void **state)
{
    struct channel_in in;
    (void)state;
    channel_in_init(&in);
    for (uint64_t i = 0; i < LIMIT_STREAM_MESSAGES; i++)
        assert_true(take(&in, 10 + i, "x"));
    assert_true(take(&in, 10, "x")); /* it is there */
    assert_false(take(&in, 5000, "x"));
    channel_in_dispose(&in);
}

static void what_comes_early_is_bounded_in_bytes(void **state)
{
    struct channel_in in;
    char *large = arena_zalloc(arena, 1, LIMIT_MESSAGE_BYTES);
    (void)state;
    channel_in_init(&in);
    assert_true(channel_in_take(&in, 7, str_from(large, LIMIT_MESSAGE_BYTES - 1), deliver, delivered));
    assert_true(take(&in, 8, "x"));
    assert_false(take(&in, 9, "x"));
    channel_in_dispose(&in);
}

/* ---- forms and URLs ---- */

static void expect_refused(const char *body, const char *names)
{
    struct status st = status_init(arena);
    struct channel_form form;
    assert_int_equal(channel_form_read(&form, arena, str_of(body), &st), STATUS_INVALID_ARGUMENT);
    if (!strstr(status_message(&st), names))
        fail_msg("\"%s\" does not name %s", status_message(&st), names);
}

static void a_form_as_browsers_send_it(void **state)
{
    struct status st = status_init(arena);
    struct channel_form form;
    (void)state;
    const char *body = "headers=X-A%3Ab%0D%0AAuthorization%3ABearer%20owner%0D%0A&count=2&ofs=7&req0___data__"
                       "=%7B%22a%22%3A%22%2B+%C3%BC%22%7D"
                       "&req1___data__=%7B%7D&req1_other=x";
    assert_int_equal(channel_form_read(&form, arena, str_of(body), &st), STATUS_OK);
    assert_int_equal(form.ofs, 7);
    assert_int_equal(form.count, 2);
    expect_str(form.messages[0], "{\"a\":\"+ \xC3\xBC\"}");
    expect_str(form.messages[1], "{}");
    expect_str(channel_header(form.headers, "authorization"), "Bearer owner");
    expect_str(channel_header(form.headers, "x-a"), "b");
    expect_str(channel_header(form.headers, "x"), "");
}

static void an_empty_form_has_no_messages_and_a_missing_message_is_told_from_an_empty_one(void **state)
{
    struct status st = status_init(arena);
    struct channel_form form;
    (void)state;
    assert_int_equal(channel_form_read(&form, arena, STR(""), &st), STATUS_OK);
    assert_int_equal(form.count, 0);
    assert_int_equal(channel_form_read(&form, arena, STR("req0___data__=&count=2"), &st), STATUS_OK);
    assert_non_null(form.messages[0].p);
    assert_int_equal(form.messages[0].n, 0);
    assert_null(form.messages[1].p);
}

static void what_is_wrong_with_a_form_is_named(void **state)
{
    (void)state;
    expect_refused("count=", "count");
    expect_refused("count=-1", "count");
    expect_refused("count=1e1", "count");
    expect_refused("count=1001", "count");
    expect_refused("count=1&ofs=99999999999999999999", "ofs");
    expect_refused("count=1&req1___data__=x", "req1___data__");
    expect_refused("count=1&req0___data__=x&req0___data__=x", "twice");
    expect_refused("count=1&req0___data__=%zz", "percent-encoded");
    expect_refused("%=1", "percent-encoded");
}

static void a_url_says_what_a_request_is(void **state)
{
    struct status st = status_init(arena);
    struct channel_query q;
    (void)state;
    assert_int_equal(
        channel_query_read(&q, arena, STR("VER=8&RID=rpc&SID=a%2Bb&AID=12&CI=1&TYPE=xmlhttp"), &st),
        STATUS_OK);
    expect_str(q.sid, "a+b");
    assert_true(q.back && q.polling && !q.terminate);
    assert_int_equal(q.aid, 12);
    assert_int_equal(channel_query_read(&q, arena, STR("RID=7&SID=a&TYPE=terminate&CI=0"), &st), STATUS_OK);
    assert_true(!q.back && !q.polling && q.terminate);
    assert_int_equal(q.aid, -1);
    assert_int_equal(channel_query_read(&q, arena, STR("AID=-1"), &st), STATUS_OK);
    assert_int_equal(q.aid, -1);
    assert_int_equal(channel_query_read(&q, arena, STR("AID=x"), &st), STATUS_INVALID_ARGUMENT);
    assert_int_equal(channel_query_read(&q, arena, STR("SID=%"), &st), STATUS_INVALID_ARGUMENT);
}

static void headers_in_a_form_are_lines_of_any_kind(void **state)
{
    (void)state;
    expect_str(channel_header(STR("A: b \nAUTHORIZATION:\tBearer x\t\r\n"), "authorization"), "Bearer x");
    expect_str(channel_header(STR("authorization"), "authorization"), "");
    expect_str(channel_header(STR(":\n\r\n::"), "authorization"), "");
    expect_str(channel_header(STR("a:b:c"), "a"), "b:c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_utf_16_units),
        cmocka_unit_test(a_chunk_has_all_that_waits_and_its_length_in_units),
        cmocka_unit_test(the_length_counts_the_digits_of_every_id),
        cmocka_unit_test(a_new_back_channel_gets_what_is_not_acknowledged),
        cmocka_unit_test(acknowledged_arrays_are_gone_whether_they_were_sent_or_not),
        cmocka_unit_test(a_chunk_that_does_not_fit_says_so),
        cmocka_unit_test(messages_are_delivered_once_and_in_order),
        cmocka_unit_test(what_comes_early_is_bounded_in_number),
        cmocka_unit_test(what_comes_early_is_bounded_in_bytes),
        cmocka_unit_test(a_form_as_browsers_send_it),
        cmocka_unit_test(an_empty_form_has_no_messages_and_a_missing_message_is_told_from_an_empty_one),
        cmocka_unit_test(what_is_wrong_with_a_form_is_named),
        cmocka_unit_test(a_url_says_what_a_request_is),
        cmocka_unit_test(headers_in_a_form_are_lines_of_any_kind),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}

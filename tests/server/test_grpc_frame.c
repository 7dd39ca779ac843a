/* test_grpc_frame.c - gRPC's framing, timeouts and header encodings. */
#include "server/transport/frame.h"

#include "core/codec.h"
#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void messages_are_taken_off_one_by_one(void **state)
{
    (void)state;
    struct str rest = STR("\0\0\0\0\2hi\0\0\0\0\0\0\0\0\0\1x"), message;
    assert_int_equal(frame_next(&rest, &message), FRAME_MESSAGE);
    assert_true(str_eq_z(message, "hi"));
    assert_int_equal(frame_next(&rest, &message), FRAME_MESSAGE);
    assert_int_equal(message.n, 0);
    assert_int_equal(frame_next(&rest, &message), FRAME_MESSAGE);
    assert_true(str_eq_z(message, "x"));
    assert_int_equal(frame_next(&rest, &message), FRAME_MORE);
    assert_int_equal(rest.n, 0);
}

static void half_a_message_waits_for_more(void **state)
{
    (void)state;
    struct str whole = STR("\0\0\0\0\3abc"), message;
    for (size_t n = 0; n < whole.n; n++) {
        struct str rest = { whole.p, n };
        assert_int_equal(frame_next(&rest, &message), FRAME_MORE);
        assert_int_equal(rest.n, n);
    }
}

static void flags_and_sizes_are_refused_before_the_bytes_are_there(void **state)
{
    (void)state;
    struct str message, compressed = STR("\1\0\0\0\0"), bad = STR("\2\0\0\0\0"),
                        huge = STR("\0\xFF\xFF\xFF\xFF");
    assert_int_equal(frame_next(&compressed, &message), FRAME_COMPRESSED);
    assert_int_equal(frame_next(&bad, &message), FRAME_BAD_FLAG);
    assert_int_equal(frame_next(&huge, &message), FRAME_TOO_LARGE);
    unsigned char prefix[FRAME_PREFIX];
    frame_prefix(prefix, LIMIT_MESSAGE_BYTES);
    struct str most = str_from(prefix, sizeof prefix);
    assert_int_equal(frame_next(&most, &message), FRAME_MORE);
    frame_prefix(prefix, LIMIT_MESSAGE_BYTES + 1);
    assert_int_equal(frame_next(&most, &message), FRAME_TOO_LARGE);
}

static void timeouts_have_six_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = { { "1H", 3600000000000 },
                 { "2M", 120000000000 },
                 { "301S", 301000000000 },
                 { "59999m", 59999000000 },
                 { "5u", 5000 },
                 { "7n", 7 },
                 { "0S", 0 },
                 { "86399840m", 86399840000000 } };
    static const char *const bad[] = { "", "S", "1", "1s", "-1S", "1.5S", "123456789S", "1 S", "S1", "1SS" };
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(frame_timeout(&ns, str_of(good[i].text)));
        assert_true(ns == good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(frame_timeout(&ns, str_of(bad[i])));
    assert_true(frame_timeout(&ns, STR("99999999H")) && ns > 0);
}

static void messages_are_percent_encoded(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 256);
    assert_true(frame_percent(&out, STR("\nfalse for 'get' @ L1, 100% \xC3\xA9\x7F")));
    assert_true(str_eq_z(buf_view(&out), "%0Afalse for 'get' @ L1, 100%25 %C3%A9%7F"));
    buf_dispose(&out);
    buf_init(&out, 4);
    assert_false(frame_percent(&out, STR("12345")));
    buf_dispose(&out);
}

static void details_are_a_status_with_error_infos(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct status_fact fact = { "line", STR("9") };
    struct status_detail detail = { "RULES", 1, &fact, NULL, 0 };
    struct status st = { .code = STATUS_PERMISSION_DENIED, .text = "no", .details = &detail };
    struct buf out;
    struct str bytes;
    buf_init(&out, 4096);
    assert_true(frame_status_details(&out, &st));
    assert_null(memchr(out.data, '=', out.len));
    assert_true(base64_decode(&bytes, arena, buf_view(&out)));
    static const char want[] =
        "\x08\x07\x12\x02no\x1A\x4D"
        "\x0A\x28type.googleapis.com/google.rpc.ErrorInfo"
        "\x12\x21\x0A\x05RULES\x12\x0D" STATUS_DETAIL_DOMAIN "\x1A\x09\x0A\x04line\x12\x01"
        "9";
    /* The lengths above hold for this domain only. */
    assert_int_equal(sizeof STATUS_DETAIL_DOMAIN - 1, 13);
    assert_int_equal(bytes.n, sizeof want - 1);
    assert_memory_equal(bytes.p, want, bytes.n);
    buf_dispose(&out);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_taken_off_one_by_one),
        cmocka_unit_test(half_a_message_waits_for_more),
        cmocka_unit_test(flags_and_sizes_are_refused_before_the_bytes_are_there),
        cmocka_unit_test(timeouts_have_six_units),
        cmocka_unit_test(messages_are_percent_encoded),
        cmocka_unit_test(details_are_a_status_with_error_infos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_http2_watch.c - the frames that ask for nothing: what counts, how much is allowed, and how it comes
 * back. */
#include "server/net/http2_watch.h"

#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct http2_watch w;

/* The preface has come. */
static int begin(void **state)
{
    static const unsigned char preface[HTTP2_PREFACE];
    (void)state;
    http2_watch_init(&w, 1);
    return http2_watch_bytes(&w, preface, sizeof preface, 1) != NULL;
}

/* How many of a frame are let through at one moment; at most 100,000. */
static int let_through(const char *frame, size_t n, int64_t now)
{
    int i = 0;
    while (i < 100000 && !http2_watch_bytes(&w, (const unsigned char *)frame, n, now))
        i++;
    return i;
}
#define LET_THROUGH(frame, now) let_through(frame, sizeof(frame) - 1, now)

static const char ping[] = "\0\0\10\6\0\0\0\0\0"
                           "12345678";

static void each_kind_has_its_allowance(void **state)
{
    (void)state;
    assert_int_equal(LET_THROUGH("\0\0\10\6\0\0\0\0\0"
                                 "12345678",
                                 1),
                     LIMIT_HTTP2_PINGS);
    assert_int_equal(LET_THROUGH("\0\0\0\4\0\0\0\0\0", 1), LIMIT_HTTP2_SETTINGS);
    assert_int_equal(LET_THROUGH("\0\0\0\0\0\0\0\0\1", 1), LIMIT_HTTP2_EMPTY); /* DATA */
}

static void what_carries_something_or_ends_something_is_free(void **state)
{
    (void)state;
    assert_int_equal(LET_THROUGH("\0\0\1\0\0\0\0\0\1x", 1), 100000); /* DATA */
    assert_int_equal(LET_THROUGH("\0\0\0\0\1\0\0\0\1", 1), 100000);  /* its end */
    assert_int_equal(LET_THROUGH("\0\0\1\1\4\0\0\0\1x", 1), 100000); /* HEADERS */
    assert_int_equal(LET_THROUGH("\0\0\4\3\0\0\0\0\1\0\0\0\0", 1),
                     100000); /* RST_STREAM: http2.c counts them */
    assert_int_equal(LET_THROUGH("\0\0\4\10\0\0\0\0\0\0\0\0\1", 1), 100000);
    assert_int_equal(LET_THROUGH("\0\0\0\4\1\0\0\0\0", 1), 100000); /* SETTINGS acknowledged */
}

static void frames_that_nobody_knows_count_as_empty_ones(void **state)
{
    (void)state;
    assert_int_equal(LET_THROUGH("\0\0\1\x42\0\0\0\0\0x", 1), LIMIT_HTTP2_EMPTY);
    assert_int_equal(LET_THROUGH("\0\0\5\2\0\0\0\0\1\0\0\0\0\0", 1), 0); /* PRIORITY: the same allowance */
}

static void header_blocks_have_few_continuations(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) { /* each block begins anew */
        assert_int_equal(let_through("\0\0\1\1\0\0\0\0\1x", 10, 1) > 0, 1);
        assert_int_equal(LET_THROUGH("\0\0\1\11\0\0\0\0\1x", 1), LIMIT_HTTP2_CONTINUATIONS);
    }
}

static void time_and_answers_give_back(void **state)
{
    (void)state;
    const int64_t second = 1000000000;
    assert_int_equal(let_through(ping, 17, 1), LIMIT_HTTP2_PINGS);
    assert_int_equal(let_through(ping, 17, 1 + second),
                     LIMIT_HTTP2_PINGS_S - 1); /* the one refused counted, too */
    for (int i = 0; i < 50; i++)
        http2_watch_answered(&w);
    assert_int_equal(let_through(ping, 17, 1 + second), 99);
    assert_int_equal(let_through(ping, 17, 1 + 1000 * second), LIMIT_HTTP2_PINGS);
}

static void frames_may_come_byte_by_byte(void **state)
{
    (void)state;
    for (int i = 0; i <= LIMIT_HTTP2_PINGS; i++) {
        for (size_t at = 0; at < 17; at++) {
            bool over = i == LIMIT_HTTP2_PINGS && at == 8;
            assert_int_equal(http2_watch_bytes(&w, (const unsigned char *)ping + at, 1, 1) != NULL, over);
            if (over)
                return;
            assert_int_equal(http2_watch_in_frame(&w), at < 16);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_kind_has_its_allowance, begin),
        cmocka_unit_test_setup(what_carries_something_or_ends_something_is_free, begin),
        cmocka_unit_test_setup(frames_that_nobody_knows_count_as_empty_ones, begin),
        cmocka_unit_test_setup(header_blocks_have_few_continuations, begin),
        cmocka_unit_test_setup(time_and_answers_give_back, begin),
        cmocka_unit_test_setup(frames_may_come_byte_by_byte, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

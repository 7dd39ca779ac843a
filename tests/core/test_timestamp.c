/* test_timestamp.c - RFC 3339 in and out, ranges, microseconds, civil dates. */
#include "core/core_test.h"
#include "core/timestamp.h"

static void assert_round_trip(const char *text, const char *printed)
{
    struct timestamp t;
    char out[TIMESTAMP_TEXT_MAX];
    assert_true(timestamp_parse(&t, str_of(text)));
    size_t n = timestamp_text(out, t);
    assert_str(str_from(out, n), str_of(printed));
    assert_int_equal(out[n], '\0');
}

static void offsets_are_converted_to_utc(void **state)
{
    (void)state;
    assert_round_trip("2026-11-24T05:44:37.897795Z", "2026-11-24T05:44:37.897795Z");
    assert_round_trip("2026-11-24T05:44:37+02:00", "2026-11-24T03:44:37Z");
    assert_round_trip("2026-11-24T23:44:37-05:30", "2026-11-25T05:14:37Z");
    assert_round_trip("2024-02-29t00:00:00z", "2024-02-29T00:00:00Z");
    assert_round_trip("2020-01-01T00:00:00+23:59", "2019-12-31T00:01:00Z");
}

static void fractions_print_with_0_3_6_or_9_digits(void **state)
{
    (void)state;
    assert_round_trip("2000-01-01T00:00:00.000000000Z", "2000-01-01T00:00:00Z");
    assert_round_trip("2000-01-01T00:00:00.5Z", "2000-01-01T00:00:00.500Z");
    assert_round_trip("2000-01-01T00:00:00.0001Z", "2000-01-01T00:00:00.000100Z");
    assert_round_trip("2000-01-01T00:00:00.123456789Z", "2000-01-01T00:00:00.123456789Z");
    assert_round_trip("2000-01-01T00:00:00.0000001Z", "2000-01-01T00:00:00.000000100Z");
}

static void the_range_is_years_1_to_9999(void **state)
{
    (void)state;
    struct timestamp t;
    assert_round_trip("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
    assert_round_trip("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z");
    assert_true(timestamp_parse(&t, STR("0001-01-01T00:00:00Z")));
    assert_true(t.seconds == TIMESTAMP_MIN_SECONDS);
    assert_true(timestamp_parse(&t, STR("9999-12-31T23:59:59Z")));
    assert_true(t.seconds == TIMESTAMP_MAX_SECONDS);
    /* The limit is on the instant, not on how it is written. */
    assert_true(timestamp_parse(&t, STR("0000-12-31T23:00:00-02:00")));
    assert_false(timestamp_parse(&t, STR("0001-01-01T00:00:00+00:01")));
    assert_false(timestamp_parse(&t, STR("9999-12-31T23:59:59-00:01")));
    assert_false(timestamp_is_valid((struct timestamp){ TIMESTAMP_MAX_SECONDS + 1, 0 }));
    assert_false(timestamp_is_valid((struct timestamp){ TIMESTAMP_MIN_SECONDS - 1, 999999999 }));
    assert_false(timestamp_is_valid((struct timestamp){ 0, -1 }));
    assert_false(timestamp_is_valid((struct timestamp){ 0, 1000000000 }));
}

static void malformed_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2020",
        "2020-01-01",
        "2020-01-01T00:00:00",
        "2020-01-01 00:00:00Z",
        "2020-1-01T00:00:00Z",
        "2020-13-01T00:00:00Z",
        "2020-00-01T00:00:00Z",
        "2020-01-00T00:00:00Z",
        "2020-01-32T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:60:00Z",
        "2020-01-01T23:59:60Z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T00:00:00,5Z",
        "2020-01-01T00:00:00.1234567890Z",
        "2020-01-01T00:00:00+24:00",
        "2020-01-01T00:00:00+00:60",
        "2020-01-01T00:00:00+0200",
        "2020-01-01T00:00:00+2",
        "2020-01-01T00:00:00ZZ",
        "+020-01-01T00:00:00Z",
        "2020-01-01T00:00:00Z ",
        " 2020-01-01T00:00:00Z",
        "2020-01-01T00:00Z",
        "20200101T000000Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct timestamp t = { 7, 7 };
        if (timestamp_parse(&t, str_of(bad[i])))
            fail_msg("accepted \"%s\"", bad[i]);
        assert_true(t.seconds == 7 && t.nanos == 7);
    }
    struct timestamp t;
    assert_false(timestamp_parse(&t, STR("2020-01-01T00:00:00Z\0")));
    assert_false(timestamp_parse(&t, (struct str){ 0 }));
}

static void microseconds_round_down_before_1970_too(void **state)
{
    (void)state;
    assert_true(timestamp_to_us((struct timestamp){ 1, 999 }) == 1000000);
    assert_true(timestamp_to_us((struct timestamp){ -1, 999999999 }) == -1);
    assert_true(timestamp_to_us((struct timestamp){ -1, 1000 }) == -999999);
    struct timestamp t = timestamp_from_us(-1);
    assert_true(t.seconds == -1 && t.nanos == 999999000);
    t = timestamp_from_us(-1000000);
    assert_true(t.seconds == -1 && t.nanos == 0);
    t = timestamp_from_us(1795499331854105);
    assert_true(t.seconds == 1795499331 && t.nanos == 854105000);
    assert_true(timestamp_to_us(timestamp_from_us(-62135596800000000)) == -62135596800000000);
}

static void comparison_looks_at_nanos_last(void **state)
{
    (void)state;
    struct timestamp a = { 5, 1 }, b = { 5, 2 }, c = { 6, 0 };
    assert_true(timestamp_cmp(a, b) < 0 && timestamp_cmp(b, a) > 0 && timestamp_cmp(a, a) == 0);
    assert_true(timestamp_cmp(b, c) < 0 && timestamp_cmp(c, b) > 0);
}

/* Against a count kept by hand, day by day through every day of the range. */
static void civil_dates_agree_with_counting(void **state)
{
    (void)state;
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int64_t days = TIMESTAMP_MIN_SECONDS / 86400;
    for (int y = 1; y <= 9999; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (int m = 1; m <= 12; m++) {
            for (int d = 1; d <= lengths[m - 1] + (m == 2 && leap); d++, days++) {
                int gy, gm, gd;
                timestamp_civil(days, &gy, &gm, &gd);
                if (gy != y || gm != m || gd != d || timestamp_days(y, m, d) != days)
                    fail_msg("%04d-%02d-%02d", y, m, d);
            }
        }
    }
    assert_true(days == (TIMESTAMP_MAX_SECONDS + 1) / 86400);
    assert_true(timestamp_days(1970, 1, 1) == 0);
}

static void random_instants_survive_their_text(void **state)
{
    (void)state;
    struct dice dice = { 20261124 };
    for (int i = 0; i < 20000; i++) {
        uint64_t span = (uint64_t)(TIMESTAMP_MAX_SECONDS - TIMESTAMP_MIN_SECONDS) + 1;
        struct timestamp t = { TIMESTAMP_MIN_SECONDS + (int64_t)(dice_roll(&dice) % span),
                               (int32_t)dice_below(&dice, 1000000000) },
                         back;
        char text[TIMESTAMP_TEXT_MAX];
        size_t n = timestamp_text(text, t);
        assert_true(timestamp_parse(&back, str_from(text, n)));
        assert_true(timestamp_cmp(t, back) == 0);
    }
}

static void print_appends(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 64);
    buf_z(&out, "at ");
    assert_true(timestamp_print(&out, (struct timestamp){ 0, 0 }));
    assert_str_z(buf_view(&out), "at 1970-01-01T00:00:00Z");
    buf_dispose(&out);
    buf_init(&out, 5);
    assert_false(timestamp_print(&out, (struct timestamp){ 0, 0 }));
    buf_dispose(&out);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(offsets_are_converted_to_utc),
    cmocka_unit_test(fractions_print_with_0_3_6_or_9_digits),
    cmocka_unit_test(the_range_is_years_1_to_9999),
    cmocka_unit_test(malformed_texts_are_refused),
    cmocka_unit_test(microseconds_round_down_before_1970_too),
    cmocka_unit_test(comparison_looks_at_nanos_last),
    cmocka_unit_test(civil_dates_agree_with_counting),
    cmocka_unit_test(random_instants_survive_their_text),
    cmocka_unit_test(print_appends),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

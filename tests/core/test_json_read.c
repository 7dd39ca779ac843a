/* test_json_read.c - the pull reader and the small texts: RFC 8259, number texts, escapes, base64. */
#include "core/core_test.h"
#include "core/json_text.h"
#include "core/limits.h"

#include <math.h>
#include <stdlib.h>

static int set_up(void **state)
{
    return *state = arena_new(), 0;
}
static int tear_down(void **state)
{
    return arena_free(*state), 0;
}

/* One letter a token: { } [ ] k s n t f N . and ! for an error. */
static const char *tokens(struct arena *arena, struct str json)
{
    static char out[4096];
    static const char letters[] = { '!', '.', '{', '}', '[', ']', 'k', 's', 'n', 't', 'f', 'N' };
    struct json_reader r;
    size_t n = 0;
    enum json_token token;
    json_reader_init(&r, arena, json);
    do {
        token = json_next(&r);
        out[n++] = letters[token];
    } while (token != JSON_END && token != JSON_ERROR && n < sizeof out - 1);
    out[n] = '\0';
    assert_true((token == JSON_ERROR) == (r.error != NULL));
    return out;
}

static void well_formed_texts_are_read(void **state)
{
    static const char *const cases[][2] = {
        { "{}", "{}." },
        { " [ ] ", "[]." },
        { "null", "N." },
        { "\"\"", "s." },
        { "-0.5e+10", "n." },
        { "0", "n." },
        { "{\"a\":1,\"b\":[true,false,null,\"x\"]}", "{knk[tfNs]}." },
        { "\t\r\n{ \"a\" :\n[ { } , [ ] ] }\n", "{k[{}[]]}." },
        { "[[[[]]]]", "[[[[]]]]." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(tokens(*state, str_of(cases[i][0])), cases[i][1]);
}

static void malformed_texts_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\" 1}",
        "[1 2]",
        "nul",
        "NULL",
        "True",
        "NaN",
        "Infinity",
        "-",
        "-a",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "1 1",
        "{}{}",
        "[]]",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"\n\"",
        "\"\x01\"",
        "/**/1",
        "[1]//",
        "\xef\xbb\xbf{}",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\v1",
        "[1;2]",
        "{\"a\":1;}",
        "\"\\\xc3\xa4\"",
        "\"\\\n\"",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = tokens(*state, str_of(cases[i]));
        if (got[strlen(got) - 1] != '!')
            fail_msg("accepted: %s", cases[i]);
    }
    const char *got = tokens(*state, STR("\"\\\0\""));
    assert_int_equal(got[strlen(got) - 1], '!');
    got = tokens(*state, STR("1\0"));
    assert_int_equal(got[strlen(got) - 1], '!');
}

static void an_error_stays(void **state)
{
    struct json_reader r;
    json_reader_init(&r, *state, STR("[x, 1]"));
    assert_int_equal(json_next(&r), JSON_ARRAY);
    assert_int_equal(json_next(&r), JSON_ERROR);
    assert_int_equal(json_next(&r), JSON_ERROR);
    assert_false(json_skip(&r, JSON_ERROR));
}

static void escapes_become_utf8(void **state)
{
    struct json_reader r;
    json_reader_init(&r, *state,
                     STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u0041\\u00e4\\u65E5\\ud83d\\ude00\\u0000\""));
    assert_int_equal(json_next(&r), JSON_STRING);
    assert_str(r.text, STR("\"\\/\b\f\n\r\t A\xc3\xa4\xe6\x97\xa5\xf0\x9f\x98\x80\0"));
}

static void strings_without_escapes_are_borrowed(void **state)
{
    struct json_reader r;
    const char *json = "\"plain \xc3\xa4\"";
    json_reader_init(&r, *state, str_of(json));
    assert_int_equal(json_next(&r), JSON_STRING);
    assert_ptr_equal(r.text.p, json + 1);
}

static void number_texts_are_kept(void **state)
{
    struct json_reader r;
    json_reader_init(&r, *state, STR("[100000000000000000000,-1.50E-7]"));
    json_next(&r);
    assert_int_equal(json_next(&r), JSON_NUMBER);
    assert_str_z(r.text, "100000000000000000000");
    assert_int_equal(json_next(&r), JSON_NUMBER);
    assert_str_z(r.text, "-1.50E-7");
}

static void values_can_be_skipped(void **state)
{
    struct json_reader r;
    json_reader_init(&r, *state, STR("{\"a\":{\"b\":[1,{}]},\"c\":7,\"d\":[]}"));
    json_next(&r);
    assert_true(json_skip(&r, json_next(&r))); /* from the key */
    assert_int_equal(json_next(&r), JSON_KEY);
    assert_true(json_skip(&r, json_next(&r)));
    assert_int_equal(json_next(&r), JSON_KEY);
    assert_true(json_skip(&r, json_next(&r)));
    assert_int_equal(json_next(&r), JSON_OBJECT_END);
    assert_int_equal(json_next(&r), JSON_END);
}

static void nesting_is_limited(void **state)
{
    char text[20000];
    memset(text, '[', sizeof text);
    const char *got = tokens(*state, str_from(text, sizeof text));
    assert_int_equal(strlen(got), LIMIT_MESSAGE_DEPTH + 1);
    assert_int_equal(got[LIMIT_MESSAGE_DEPTH], '!');
}

static void long_names_are_refused(void **state)
{
    char text[LIMIT_JSON_KEY_BYTES + 8] = "{\"";
    memset(text + 2, 'x', LIMIT_JSON_KEY_BYTES);
    memcpy(text + 2 + LIMIT_JSON_KEY_BYTES, "\":1}", 5);
    assert_string_equal(tokens(*state, str_of(text)), "{kn}.");
    memcpy(text + 2 + LIMIT_JSON_KEY_BYTES, "x\":1", 4);
    assert_string_equal(tokens(*state, str_from(text, LIMIT_JSON_KEY_BYTES + 6)), "{!");
}

static void whole_numbers_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {
        { "0", 0 },
        { "-0", 0 },
        { "5", 5 },
        { "+5", 5 },
        { "-5", -5 },
        { "5.0", 5 },
        { "5e0", 5 },
        { "1e3", 1000 },
        { "1.5e1", 15 },
        { "1500e-2", 15 },
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "9007199254740993", 9007199254740993 },
        { "922337203685477580.7e1", INT64_MAX },
        { "0e999", 0 },
        { "1000000000000000000", 1000000000000000000 },
        { "-1e18", -1000000000000000000 },
        { "10000000000000000000000e-22", 1 },
    };
    static const char *const bad[] = { "",
                                       "-",
                                       "+",
                                       "a",
                                       "1a",
                                       "1.5",
                                       "1e-1",
                                       "9223372036854775808",
                                       "-9223372036854775809",
                                       "1e19",
                                       "1e20",
                                       "1e999999999999",
                                       "01",
                                       "1.",
                                       ".5",
                                       " 1",
                                       "1 ",
                                       "0x1",
                                       "NaN",
                                       "--1",
                                       "18446744073709551616",
                                       "99999999999999999999999999999999" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t got = 77;
        if (!json_int64(&got, str_of(good[i].text)) || got != good[i].want)
            fail_msg("%s gave %lld", good[i].text, (long long)got);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t got;
        if (json_int64(&got, str_of(bad[i])))
            fail_msg("accepted %s", bad[i]);
    }
}

static void doubles_are_the_nearest(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0.0",
        "1",
        "0.1",
        "100000000000000000000",
        "1e23",
        "8.5e22",
        "123456789012345678",
        "9007199254740993",
        "1.7976931348623157e308",
        "5e-324",
        "2.2250738585072011e-308",
        "1e-400",
        "0.30000000000000004",
        "4.35",
        "179769313486231570000000000000000000000",
        "1e22",
        "1e-22",
        "123456789012345678e-30",
        "0e500",
        "+1.5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double got, want = strtod(texts[i], NULL);
        assert_int_equal(json_double(&got, *state, str_of(texts[i])), JSON_DOUBLE_OK);
        assert_memory_equal(&got, &want, sizeof got);
    }
    double d;
    assert_int_equal(json_double(&d, *state, STR("NaN")), JSON_DOUBLE_OK);
    assert_true(isnan(d));
    assert_int_equal(json_double(&d, *state, STR("-Infinity")), JSON_DOUBLE_OK);
    assert_true(d < 0 && isinf(d));
    assert_int_equal(json_double(&d, *state, STR("1e309")), JSON_DOUBLE_RANGE);
    assert_int_equal(json_double(&d, *state, STR("inf")), JSON_DOUBLE_MALFORMED);
    assert_int_equal(json_double(&d, *state, STR("0x10")), JSON_DOUBLE_MALFORMED);
    assert_int_equal(json_double(&d, *state, STR("")), JSON_DOUBLE_MALFORMED);
}

static struct str written_double(struct arena *arena, double d)
{
    struct buf buf;
    buf_init(&buf, 100);
    assert_true(json_write_double(&buf, d));
    struct str s = arena_str(arena, buf_view(&buf));
    buf_dispose(&buf);
    return s;
}

static void doubles_print_short_and_valid(void **state)
{
    static const struct {
        double d;
        const char *want;
    } cases[] = {
        { 0, "0.0" },
        { -0.0, "-0.0" },
        { 1, "1.0" },
        { -1.5, "-1.5" },
        { 0.1, "0.1" },
        { 0.000001, "0.000001" },
        { 1e-7, "1e-07" },
        { 999999999.5, "999999999.5" },
        { 1e9, "1000000000.0" },
        { 1e15, "1e+15" },
        { 1e20, "1e+20" },
        { 1e100, "1e+100" },
        { 5e-324, "4.94065645841247e-324" },
        { 0.30000000000000004, "0.30000000000000004" },
        { 123456789012345680.0, "1.2345678901234568e+17" },
        { 9007199254740992.0, "9007199254740992.0" },
        { 12.625, "12.625" },
        { 1.0 / 3, "0.3333333333333333" },
        { NAN, "\"NaN\"" },
        { HUGE_VAL, "\"Infinity\"" },
        { -HUGE_VAL, "\"-Infinity\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_str_z(written_double(*state, cases[i].d), cases[i].want);
}

static void any_double_reads_back(void **state)
{
    struct dice dice = { 99 };
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = dice_roll(&dice);
        double d, again;
        memcpy(&d, &bits, sizeof d);
        if (i % 3 == 1)
            d = (double)(int64_t)(bits >> 20) / 1e6; /* the short way */
        if (i % 3 == 2)
            d = (double)(bits >> 12) / 1048576;
        if (isnan(d) || isinf(d))
            continue;
        struct str text = written_double(*state, d);
        assert_int_equal(tokens(*state, text)[0], 'n');
        assert_int_equal(json_double(&again, *state, text), JSON_DOUBLE_OK);
        if (memcmp(&again, &d, sizeof d) != 0)
            fail_msg("%.17g printed as " STR_FMT, d, STR_ARG(text));
        if (i % 1000 == 0) {
            arena_free(*state);
            *state = arena_new();
        }
    }
}

static void strings_print_escaped(void **state)
{
    struct buf buf;
    struct str text = STR("a\"\\/\b\f\n\r\t\x01\x1f\x7f\0 \xc3\xa4\xf0\x9f\x98\x80");
    buf_init(&buf, 1000);
    assert_true(json_write_string(&buf, text));
    assert_str_z(buf_view(&buf),
                 "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000 \xc3\xa4\xf0\x9f\x98\x80\"");
    struct json_reader r;
    json_reader_init(&r, *state, buf_view(&buf));
    assert_int_equal(json_next(&r), JSON_STRING);
    assert_str(r.text, text);
    buf_clear(&buf);
    assert_true(json_write_string(&buf, (struct str){ 0 }));
    assert_str_z(buf_view(&buf), "\"\"");
    buf_dispose(&buf);
}

static void base64_takes_both_alphabets_and_needs_no_padding(void **state)
{
    static const struct {
        const char *text, *bytes;
    } good[] = {
        { "", "" },
        { "YQ==", "a" },
        { "YQ", "a" },
        { "YWI=", "ab" },
        { "YWI", "ab" },
        { "YWJj", "abc" },
        { "-_8", "\xfb\xff" },
        { "+/8=", "\xfb\xff" },
        { "-_-_", "\xfb\xff\xbf" },
    };
    static const char *const bad[] = { "Y",    "YQ=",      "YWJj=",  "YWJjY", "Y===", "====",
                                       "Y Q=", "YQ==YQ==", "YWJj\n", "=",     "==",   "Y!==" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct str out;
        assert_true(base64_decode(&out, *state, str_of(good[i].text)));
        assert_str_z(out, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct str out;
        if (base64_decode(&out, *state, str_of(bad[i])))
            fail_msg("accepted %s", bad[i]);
    }
}

static void base64_comes_back(void **state)
{
    struct dice dice = { 4 };
    for (size_t n = 0; n < 100; n++) {
        unsigned char bytes[100];
        struct buf buf;
        struct str out;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)dice_roll(&dice);
        buf_init(&buf, 1000);
        assert_true(base64_encode(&buf, bytes, n));
        assert_int_equal(buf.len % 4, 0);
        assert_true(base64_decode(&out, *state, buf_view(&buf)));
        assert_str(out, str_from(bytes, n));
        buf_dispose(&buf);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(well_formed_texts_are_read),
        TEST(malformed_texts_are_refused),
        TEST(an_error_stays),
        TEST(escapes_become_utf8),
        TEST(strings_without_escapes_are_borrowed),
        TEST(number_texts_are_kept),
        TEST(values_can_be_skipped),
        TEST(nesting_is_limited),
        TEST(long_names_are_refused),
        TEST(whole_numbers_are_read_exactly),
        TEST(doubles_are_the_nearest),
        TEST(doubles_print_short_and_valid),
        TEST(any_double_reads_back),
        TEST(strings_print_escaped),
        TEST(base64_takes_both_alphabets_and_needs_no_padding),
        TEST(base64_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

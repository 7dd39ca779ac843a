/* test_log.c - one line a message, levels, JSON, and nothing from outside reaching a terminal raw. */
#include "core/clock.h"
#include "core/core_test.h"
#include "core/log.h"

#include <stdlib.h>
#include <unistd.h>

static char captured[32 * 1024];

/* Runs `body` with stderr in a file and keeps what it wrote. */
static const char *capture(void (*body)(void))
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    body();
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    captured[fread(captured, 1, sizeof captured - 1, file)] = '\0';
    fclose(file);
    return captured;
}

static void assert_escaped(struct str in, const char *want)
{
    struct buf out;
    buf_init(&out, 1024);
    assert_true(log_escape(&out, in));
    assert_str_z(buf_view(&out), want);
    buf_dispose(&out);
}

static void control_bytes_are_escaped(void **state)
{
    (void)state;
    assert_escaped(STR("a\x1b[31mb\n\t\r\0z\x7f"), "a\\x1B[31mb\\x0A\\x09\\x0D\\x00z\\x7F");
}

static void bidi_marks_and_c1_controls_are_escaped(void **state)
{
    (void)state;
    assert_escaped(STR("x\xE2\x80\xAEy"), "x\\u{202E}y");
    assert_escaped(STR("\xE2\x81\xA6\xE2\x80\x8F\xD8\x9C"), "\\u{2066}\\u{200F}\\u{61C}");
    assert_escaped(STR("\xC2\x9B"
                       "31m\xE2\x80\xA8"),
                   "\\u{9B}31m\\u{2028}");
}

static void invalid_utf8_is_escaped_byte_by_byte(void **state)
{
    (void)state;
    assert_escaped(STR("\xFF\xC3(\xE2\x82"), "\\xFF\\xC3(\\xE2\\x82");
    assert_escaped(STR("\xED\xA0\x80"), "\\xED\\xA0\\x80");
    assert_escaped(STR("\xF4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");
    assert_escaped((struct str){ 0 }, "");
}

static void assert_json(struct str in, const char *want)
{
    struct buf out;
    buf_init(&out, 1024);
    assert_true(log_json_string(&out, in));
    assert_str_z(buf_view(&out), want);
    buf_dispose(&out);
}

static void json_strings_are_safe_to_look_at(void **state)
{
    (void)state;
    assert_json(STR(""), "\"\"");
    assert_json(STR("a\x1b[31mb\n\t\r\0z\x7f"), "\"a\\u001b[31mb\\n\\u0009\\u000d\\u0000z\\u007f\"");
    assert_json(STR("\xE2\x80\xAE\xE2\x80\xA8\xC2\x85 \xC3\xA9"), "\"\\u202e\\u2028\\u0085 \xC3\xA9\"");
    assert_json(STR("say \"\\\" \xFF"), "\"say \\\"\\\\\\\" \\ufffd\"");
}

/* Wherever it stands among plain text. */
static void each_ascii_byte_is_copied_or_escaped(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x80; c++) {
        bool plain = c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
        for (size_t at = 0; at < 17; at++) {
            char text[17], want[32] = "\"";
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            memcpy(want + 1, text, sizeof text);
            want[sizeof text + 1] = '"';
            struct buf out;
            buf_init(&out, 1024);
            assert_true(log_json_string(&out, str_from(text, sizeof text)));
            assert_int_equal(str_eq(buf_view(&out), str_from(want, sizeof text + 2)), plain);
            buf_dispose(&out);
        }
    }
}

static void ordinary_text_passes(void **state)
{
    (void)state;
    assert_escaped(STR("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \\ \""),
                   "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \\ \"");
}

static void escape_reports_a_full_buffer(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 3);
    assert_false(log_escape(&out, STR("\x01")));
    assert_true(out.overflowed);
    buf_dispose(&out);
}

static void write_each_level(void)
{
    log_debug("d %d", 1);
    log_info("i %d", 2);
    log_warn("w %d", 3);
    log_error("e %d", 4);
}

static void levels_are_named_and_filtered(void **state)
{
    (void)state;
    assert_string_equal(capture(write_each_level), "i 2\nwarning: w 3\nerror: e 4\n");
    log_set_level(LOG_DEBUG);
    assert_string_equal(capture(write_each_level), "debug: d 1\ni 2\nwarning: w 3\nerror: e 4\n");
    log_set_level(LOG_ERROR);
    assert_string_equal(capture(write_each_level), "error: e 4\n");
    log_set_level(LOG_INFO);
}

static int64_t fixed_wall_us(void *data)
{
    (void)data;
    return 1795499331854105;
}

static void write_awkward(void)
{
    log_warn("%s", "say \"hi\"\\ \x01\n\xFF caf\xC3\xA9");
}

static void json_lines_are_json(void **state)
{
    (void)state;
    static const struct clock_source source = { .wall_us = fixed_wall_us };
    clock_replace(&source);
    log_set_json(true);
    assert_string_equal(capture(write_awkward),
                        "{\"time\":\"2026-11-24T05:48:51.854105Z\",\"level\":\"warning\",\"message\":"
                        "\"say \\\"hi\\\"\\\\ \\u0001\\n\\ufffd caf\xC3\xA9\"}\n");
    log_set_json(false);
    clock_replace(NULL);
}

static void write_long(void)
{
    char text[10000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info("%s", text);
}

static void lines_over_8_kib_are_cut(void **state)
{
    (void)state;
    const char *line = capture(write_long);
    assert_int_equal(strlen(line), 8 * 1024);
    assert_int_equal(line[8 * 1024 - 1], '\n');
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(control_bytes_are_escaped),
    cmocka_unit_test(bidi_marks_and_c1_controls_are_escaped),
    cmocka_unit_test(invalid_utf8_is_escaped_byte_by_byte),
    cmocka_unit_test(json_strings_are_safe_to_look_at),
    cmocka_unit_test(each_ascii_byte_is_copied_or_escaped),
    cmocka_unit_test(ordinary_text_passes),
    cmocka_unit_test(escape_reports_a_full_buffer),
    cmocka_unit_test(levels_are_named_and_filtered),
    cmocka_unit_test(json_lines_are_json),
    cmocka_unit_test(lines_over_8_kib_are_cut),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* log.c - see log.h. One write(2) a line, so that lines of several threads never mix. */
#include "core/log.h"

#include "core/clock.h"
#include "core/timestamp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8 * 1024 };

static enum log_level threshold = LOG_INFO;
static bool as_json;

void log_set_level(enum log_level level)
{
    threshold = level;
}
void log_set_json(bool json)
{
    as_json = json;
}

/* The code point at p and its length; 0 when the bytes are no UTF-8. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *point)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (n > left || !str_is_utf8(str_from(p, n)))
        return 0;
    *point = n == 1 ? p[0] : p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        *point = *point << 6 | (p[i] & 0x3Fu);
    return n;
}

/* Marks that reorder text, and line ends that are not '\n': a terminal would show something else than
 * what was sent. */
static bool is_deceptive(uint32_t c)
{
    return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || (c >= 0x80 && c <= 0x9F);
}

bool log_escape(struct buf *out, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    bool ok = true;
    for (size_t i = 0; i < s.n;) {
        uint32_t c = 0;
        size_t n = decode(p + i, s.n - i, &c);
        if (n <= 1 && (n == 0 || c < 0x20 || c == 0x7F))
            ok = buf_printf(out, "\\x%02X", p[i]);
        else if (is_deceptive(c))
            ok = buf_printf(out, "\\u{%X}", (unsigned)c);
        else
            ok = buf_put(out, p + i, n);
        i += n ? n : 1;
    }
    return ok;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    return names[level];
}

/* In each of a word's bytes the top bit, where that byte is 0. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* How much can be copied as it is; most text can, eight bytes at a time. */
static size_t plain_prefix(const unsigned char *p, size_t n)
{
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        uint64_t control = (word - UINT64_C(0x2020202020202020)) & ~word;
        if (((word | control) & UINT64_C(0x8080808080808080)) |
            zero_bytes(word ^ UINT64_C(0x7F7F7F7F7F7F7F7F)) |
            zero_bytes(word ^ UINT64_C(0x2222222222222222)) | zero_bytes(word ^ UINT64_C(0x5C5C5C5C5C5C5C5C)))
            break;
    }
    while (i < n && p[i] >= 0x20 && p[i] < 0x7F && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

bool log_json_string(struct buf *out, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t c = 0;
        size_t plain = plain_prefix(p + i, s.n - i);
        buf_put(out, p + i, plain);
        i += plain;
        if (i == s.n)
            break;
        size_t n = decode(p + i, s.n - i, &c);
        if (n == 0)
            buf_z(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", (char)c);
        else if (c == '\n')
            buf_z(out, "\\n");
        else if (c < 0x20 || c == 0x7F || is_deceptive(c))
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_put(out, p + i, n);
        i += n ? n : 1;
    }
    return buf_byte(out, '"');
}

static void put_json_line(struct buf *line, enum log_level level, struct str message)
{
    char time[TIMESTAMP_TEXT_MAX];
    timestamp_text(time, timestamp_from_us(clock_wall_us()));
    buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time, level_name(level));
    log_json_string(line, message);
    buf_z(line, "}\n");
}

/* A message at INFO is for the person at the terminal and stands alone; the others say what they are. */
static void put_text_line(struct buf *line, enum log_level level, struct str message)
{
    if (level != LOG_INFO)
        buf_printf(line, "%s: ", level_name(level));
    buf_str(line, message);
    buf_byte(line, '\n');
}

/* Nobody can be told when stderr is gone: the rest of the line is dropped. */
static void write_all(const unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

void log_write(enum log_level level, const char *fmt, ...)
{
    if (level < threshold)
        return;
    int saved = errno;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n >= 0) {
        struct str message = { text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1 };
        struct buf line;
        buf_init(&line, 8 * LINE_MAX_BYTES); /* JSON makes at most 6 bytes of one */
        if (as_json)
            put_json_line(&line, level, message);
        else
            put_text_line(&line, level, message);
        write_all(line.data, line.len);
        buf_dispose(&line);
    }
    errno = saved;
}

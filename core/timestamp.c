/* timestamp.c - see timestamp.h. Civil dates by counting in 400-year eras that begin on 1 March. */
#include "core/timestamp.h"

#include <assert.h>

enum {
    NANOS_PER_S = 1000000000,
    US_PER_S = 1000000,
    S_PER_DAY = 86400,
    DAYS_PER_ERA = 146097, /* 400 years */
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
};

bool timestamp_is_valid(struct timestamp t)
{
    return t.seconds >= TIMESTAMP_MIN_SECONDS && t.seconds <= TIMESTAMP_MAX_SECONDS && t.nanos >= 0 &&
           t.nanos < NANOS_PER_S;
}

int timestamp_cmp(struct timestamp a, struct timestamp b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}

int64_t timestamp_to_us(struct timestamp t)
{
    assert(timestamp_is_valid(t));
    return t.seconds * US_PER_S + t.nanos / 1000;
}

/* Quotient rounded down, so that times before 1970 keep nanos positive. */
static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

struct timestamp timestamp_from_us(int64_t us)
{
    int64_t seconds = floor_div(us, US_PER_S);
    return (struct timestamp){ seconds, (int32_t)(us - seconds * US_PER_S) * 1000 };
}

void timestamp_civil(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + DAYS_TO_1970;
    int64_t era = floor_div(z, DAYS_PER_ERA);
    int64_t doe = z - era * DAYS_PER_ERA;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153; /* 0 is March */
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

int64_t timestamp_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * DAYS_PER_ERA + doe - DAYS_TO_1970;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* ---- text ---- */

struct scanner {
    const char *at, *end;
};

/* Exactly `digits` decimal digits. */
static bool scan_number(struct scanner *s, int digits, int *out)
{
    if (s->end - s->at < digits)
        return false;
    int n = 0;
    for (int i = 0; i < digits; i++) {
        char c = *s->at++;
        if (c < '0' || c > '9')
            return false;
        n = n * 10 + (c - '0');
    }
    *out = n;
    return true;
}

static bool scan_char(struct scanner *s, char upper, char lower)
{
    if (s->at == s->end || (*s->at != upper && *s->at != lower))
        return false;
    s->at++;
    return true;
}

/* The digits after the point, as nanoseconds; no point is 0. */
static bool scan_fraction(struct scanner *s, int32_t *nanos)
{
    *nanos = 0;
    if (!scan_char(s, '.', '.'))
        return true;
    int digits = 0;
    int32_t unit = NANOS_PER_S / 10;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        if (++digits > 9)
            return false;
        *nanos += (*s->at++ - '0') * unit;
        unit /= 10;
    }
    return digits > 0;
}

/* "Z" or "+hh:mm": seconds east of UTC. */
static bool scan_offset(struct scanner *s, int *seconds)
{
    *seconds = 0;
    if (scan_char(s, 'Z', 'z'))
        return true;
    int sign = 1, hours, minutes;
    if (!scan_char(s, '+', '+')) {
        if (!scan_char(s, '-', '-'))
            return false;
        sign = -1;
    }
    if (!scan_number(s, 2, &hours) || !scan_char(s, ':', ':') || !scan_number(s, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool timestamp_parse(struct timestamp *out, struct str text)
{
    struct scanner s = { text.p, text.p ? text.p + text.n : text.p };
    int year, month, day, hour, minute, second, offset;
    int32_t nanos;
    if (!scan_number(&s, 4, &year) || !scan_char(&s, '-', '-') || !scan_number(&s, 2, &month) ||
        !scan_char(&s, '-', '-') || !scan_number(&s, 2, &day) || !scan_char(&s, 'T', 't') ||
        !scan_number(&s, 2, &hour) || !scan_char(&s, ':', ':') || !scan_number(&s, 2, &minute) ||
        !scan_char(&s, ':', ':') || !scan_number(&s, 2, &second) || !scan_fraction(&s, &nanos) ||
        !scan_offset(&s, &offset) || s.at != s.end)
        return false;
    /* Leap seconds are refused: a Timestamp has no place for them. */
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    int64_t clock = hour * 3600 + minute * 60 + second - offset;
    struct timestamp t = { timestamp_days(year, month, day) * S_PER_DAY + clock, nanos };
    if (!timestamp_is_valid(t))
        return false;
    *out = t;
    return true;
}

static char *put_number(char *at, int n, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + n % 10);
        n /= 10;
    }
    return at + digits;
}

size_t timestamp_text(char out[TIMESTAMP_TEXT_MAX], struct timestamp t)
{
    assert(timestamp_is_valid(t));
    int year, month, day;
    int64_t days = floor_div(t.seconds, S_PER_DAY);
    int clock = (int)(t.seconds - days * S_PER_DAY);
    timestamp_civil(days, &year, &month, &day);
    char *at = put_number(out, year, 4);
    *at++ = '-';
    at = put_number(at, month, 2);
    *at++ = '-';
    at = put_number(at, day, 2);
    *at++ = 'T';
    at = put_number(at, clock / 3600, 2);
    *at++ = ':';
    at = put_number(at, clock / 60 % 60, 2);
    *at++ = ':';
    at = put_number(at, clock % 60, 2);
    if (t.nanos != 0) {
        *at++ = '.';
        if (t.nanos % 1000000 == 0)
            at = put_number(at, t.nanos / 1000000, 3);
        else if (t.nanos % 1000 == 0)
            at = put_number(at, t.nanos / 1000, 6);
        else
            at = put_number(at, t.nanos, 9);
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

bool timestamp_print(struct buf *out, struct timestamp t)
{
    char text[TIMESTAMP_TEXT_MAX];
    return buf_put(out, text, timestamp_text(text, t));
}

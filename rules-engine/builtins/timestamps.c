/* timestamps.c - methods of timestamp and the package of that name. All in UTC, years 1 to 9999. */
#include "rules-engine/builtins/tables.h"

enum { S_PER_DAY = 86400 };

#define RANGE_ERROR                                                                                          \
    "Timestamp is not valid. Seconds must be in range [-62,135,596,800, +253,402,300,799]. Nanos must be "   \
    "in "                                                                                                    \
    "range [0, +999,999,999]."

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

static int64_t day_of(struct timestamp t)
{
    return floor_div(t.seconds, S_PER_DAY);
}
static int64_t second_of_day(struct timestamp t)
{
    return t.seconds - day_of(t) * S_PER_DAY;
}

enum part { YEAR, MONTH, DAY };
static struct rvalue civil(const struct rvalue *self, enum part part)
{
    int parts[3];
    timestamp_civil(day_of(rv_timestamp(*self)), &parts[YEAR], &parts[MONTH], &parts[DAY]);
    return rv_int(parts[part]);
}

#define METHOD(name, expression)                                                                             \
    static struct rvalue name(struct eval *e, const struct rvalue *self, const struct rvalue *args)          \
    {                                                                                                        \
        (void)e, (void)args;                                                                                 \
        struct timestamp t = rv_timestamp(*self);                                                            \
        (void)t;                                                                                             \
        return expression;                                                                                   \
    }
METHOD(year, civil(self, YEAR))
METHOD(month, civil(self, MONTH))
METHOD(day, civil(self, DAY))
METHOD(hours, rv_int(second_of_day(t) / 3600))
METHOD(minutes, rv_int(second_of_day(t) / 60 % 60))
METHOD(seconds, rv_int(second_of_day(t) % 60))
METHOD(nanos, rv_int(t.nanos))
/* 1970-01-01 was a Thursday; Monday is 1. */
METHOD(day_of_week, rv_int((day_of(t) % 7 + 10) % 7 + 1))
METHOD(date, rv_time((struct timestamp){ day_of(t) * S_PER_DAY, 0 }))
METHOD(time_of_day, rv_duration((struct rduration){ second_of_day(t), t.nanos }))
METHOD(to_millis, rv_int(t.seconds * 1000 + t.nanos / 1000000))

static struct rvalue day_of_year(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    int y, m, d;
    timestamp_civil(day_of(rv_timestamp(*self)), &y, &m, &d);
    return rv_int(day_of(rv_timestamp(*self)) - timestamp_days(y, 1, 1) + 1);
}

/* ---- the package ---- */

static struct rvalue make_date(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    int64_t y = args[0].integer, m = args[1].integer, d = args[2].integer;
    if (y < 1 || y > 9999)
        return eval_error(
            e, "Timestamp should be between 0001-01-01T00.00.00Z and 9999-12-31T23.59.59Z. year: %lld.",
            (long long)y);
    int back_y = 0, back_m = 0, back_d = 0;
    int64_t days = 0;
    if (m >= 1 && m <= 12 && d >= 1 && d <= 31) {
        days = timestamp_days((int)y, (int)m, (int)d);
        timestamp_civil(days, &back_y, &back_m, &back_d);
    }
    if (back_m != m || back_d != d || m == 0)
        return eval_error(e, "Date is not valid. year: %lld, month: %lld day: %lld.", (long long)y,
                          (long long)m, (long long)d);
    return rv_time((struct timestamp){ days * S_PER_DAY, 0 });
}

static struct rvalue of_seconds(struct eval *e, int64_t seconds, int32_t nanos)
{
    struct timestamp t = { seconds, nanos };
    return timestamp_is_valid(t) ? rv_time(t) : eval_error(e, RANGE_ERROR);
}

static struct rvalue of_millis(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    int64_t seconds = floor_div(args[0].integer, 1000);
    return of_seconds(e, seconds, (int32_t)(args[0].integer - seconds * 1000) * 1000000);
}

/* Digits at *s, at most `max` of them; then the character `after` unless it is 0. */
static bool digits(struct str *s, size_t max, char after, int64_t *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->n && n < max && s->p[n] >= '0' && s->p[n] <= '9')
        *out = *out * 10 + (s->p[n++] - '0');
    if (n == 0 || (after && (n >= s->n || s->p[n] != after)))
        return false;
    *s = str_skip(*s, n + (after != 0));
    return true;
}

static bool fraction(struct str *s, int32_t *nanos)
{
    *nanos = 0;
    if (s->n == 0 || s->p[0] != '.')
        return true;
    size_t n = 1;
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        if (n > 9)
            return false;
        *nanos = *nanos * 10 + (s->p[n] - '0');
    }
    for (size_t k = n; k <= 9; k++)
        *nanos *= 10;
    *s = str_skip(*s, n);
    return n > 1;
}

static bool zone(struct str s, int64_t *offset)
{
    int64_t hours, minutes;
    *offset = 0;
    if (str_eq(s, STR("Z")))
        return true;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    int sign = s.p[0] == '-' ? -1 : 1;
    s = str_skip(s, 1);
    if (!digits(&s, 2, ':', &hours) || !digits(&s, 2, 0, &minutes) || s.n)
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* RFC 3339, but lenient as Google's is: February 30 is March 1 (or 2), 24:00:00 is the next day. */
static struct rvalue of_text(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    struct str s = rv_str(args[0]);
    int64_t y, mo, d, h, mi, sec, offset;
    int32_t nanos;
    if (!digits(&s, 4, '-', &y) || !digits(&s, 2, '-', &mo) || !digits(&s, 2, 'T', &d) ||
        !digits(&s, 2, ':', &h) || !digits(&s, 2, ':', &mi) || !digits(&s, 2, 0, &sec) ||
        !fraction(&s, &nanos) || !zone(s, &offset))
        return eval_error(e, RANGE_ERROR);
    int64_t month0 = mo - 1;
    y += floor_div(month0, 12);
    month0 -= floor_div(month0, 12) * 12;
    int64_t days = timestamp_days((int)y, (int)month0 + 1, 1) + d - 1;
    return of_seconds(e, days * S_PER_DAY + h * 3600 + mi * 60 + sec - offset, nanos);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_TIMESTAMP, "year", 0, NO_ARGS, "timestamp.year()", "1 to 9999.", year),
    METHOD_ROW(RT_TIMESTAMP, "month", 0, NO_ARGS, "timestamp.month()", "1 to 12.", month),
    METHOD_ROW(RT_TIMESTAMP, "day", 0, NO_ARGS, "timestamp.day()", "Day of the month, 1 to 31.", day),
    METHOD_ROW(RT_TIMESTAMP, "hours", 0, NO_ARGS, "timestamp.hours()", "0 to 23.", hours),
    METHOD_ROW(RT_TIMESTAMP, "minutes", 0, NO_ARGS, "timestamp.minutes()", "0 to 59.", minutes),
    METHOD_ROW(RT_TIMESTAMP, "seconds", 0, NO_ARGS, "timestamp.seconds()", "0 to 59.", seconds),
    METHOD_ROW(RT_TIMESTAMP, "nanos", 0, NO_ARGS, "timestamp.nanos()", "Nanoseconds of the second.", nanos),
    METHOD_ROW(RT_TIMESTAMP, "dayOfWeek", 0, NO_ARGS, "timestamp.dayOfWeek()", "Monday is 1, Sunday 7.",
               day_of_week),
    METHOD_ROW(RT_TIMESTAMP, "dayOfYear", 0, NO_ARGS, "timestamp.dayOfYear()", "1 to 366.", day_of_year),
    METHOD_ROW(RT_TIMESTAMP, "date", 0, NO_ARGS, "timestamp.date()", "Midnight of that day.", date),
    METHOD_ROW(RT_TIMESTAMP, "time", 0, NO_ARGS, "timestamp.time()", "Duration since midnight.", time_of_day),
    METHOD_ROW(RT_TIMESTAMP, "toMillis", 0, NO_ARGS, "timestamp.toMillis()", "Milliseconds since 1970.",
               to_millis),
    PACKAGE_ROW("timestamp", "date", 3, ARGS(T_INT, T_INT, T_INT), "timestamp.date(int, int, int)",
                "Midnight of a year, month and day.", make_date),
    PACKAGE_ROW("timestamp", "value", 1, ARGS(T_INT), "timestamp.value(int)", "From milliseconds since 1970.",
                of_millis, .more = true),
    PACKAGE_ROW("timestamp", "value", 1, ARGS(T_STRING), "timestamp.value(string)", "From RFC 3339 text.",
                of_text),
};
BUILTIN_TABLE(builtin_timestamps, rows);

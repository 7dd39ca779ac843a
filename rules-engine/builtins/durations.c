/* durations.c - methods of duration and the package of that name. */
#include "rules-engine/builtins/tables.h"

#define RANGE_ERROR                                                                                          \
    "Duration is not valid. Seconds must be in range [-315,576,000,000, +315,576,000,000]. Nanos must be "   \
    "in range "                                                                                              \
    "[-999,999,999, +999,999,999]. Nanos must have the same sign as seconds."
/* What duration.time says of too long a time; Google's words too. */
#define TIME_RANGE_ERROR                                                                                     \
    "Timestamp is not valid. Seconds must be in range [-62,135,596,800, +253,402,300,799]. Nanos must be "   \
    "in "                                                                                                    \
    "range [0, +999,999,999]."
enum { NANOS_PER_S = 1000000000 };

static struct rvalue of_parts(struct rduration *out, struct eval *e, int64_t seconds, int64_t nanos,
                              const char *error)
{
    seconds += nanos / NANOS_PER_S;
    nanos %= NANOS_PER_S;
    if (seconds > 0 && nanos < 0) {
        seconds--;
        nanos += NANOS_PER_S;
    } else if (seconds < 0 && nanos > 0) {
        seconds++;
        nanos -= NANOS_PER_S;
    }
    if (seconds > RDURATION_MAX || seconds < -RDURATION_MAX || (seconds == RDURATION_MAX && nanos > 0) ||
        (seconds == -RDURATION_MAX && nanos < 0))
        return eval_error(e, "%s", error);
    *out = (struct rduration){ seconds, (int32_t)nanos };
    return rv_duration(*out);
}

struct rvalue builtin_duration(struct eval *e, int64_t seconds, int64_t nanos)
{
    struct rduration d;
    return of_parts(&d, e, seconds, nanos, RANGE_ERROR);
}

static struct rvalue seconds(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int(self->seconds);
}

static struct rvalue nanos(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)args;
    return rv_int(self->nanos);
}

static struct rvalue absolute(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)e, (void)self;
    struct rvalue d = args[0];
    d.seconds = d.seconds < 0 ? -d.seconds : d.seconds;
    d.nanos = d.nanos < 0 ? -d.nanos : d.nanos;
    return d;
}

static struct rvalue of_unit(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    static const struct {
        struct str name;
        int64_t seconds, per_second; /* one of the two */
    } units[] = {
        { STR_INIT("w"), 604800, 0 },       { STR_INIT("d"), 86400, 0 }, { STR_INIT("h"), 3600, 0 },
        { STR_INIT("m"), 60, 0 },           { STR_INIT("s"), 1, 0 },     { STR_INIT("ms"), 0, 1000 },
        { STR_INIT("ns"), 0, NANOS_PER_S },
    };
    (void)self;
    int64_t count = args[0].integer;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!str_eq(units[i].name, rv_str(args[1])))
            continue;
        int64_t whole;
        if (units[i].per_second)
            return builtin_duration(e, count / units[i].per_second,
                                    count % units[i].per_second * (NANOS_PER_S / units[i].per_second));
        if (__builtin_mul_overflow(count, units[i].seconds, &whole))
            return eval_error(e, RANGE_ERROR);
        return builtin_duration(e, whole, 0);
    }
    /* No unit "us" either; the odd wording is Google's. */
    return eval_error(e, "Invalid regular expression pattern. Pattern: " STR_FMT ".",
                      STR_ARG(rv_str(args[1])));
}

static struct rvalue of_time(struct eval *e, const struct rvalue *self, const struct rvalue *args)
{
    (void)self;
    int64_t h, m, total;
    struct rduration d;
    if (__builtin_mul_overflow(args[0].integer, 3600, &h) ||
        __builtin_mul_overflow(args[1].integer, 60, &m) || __builtin_add_overflow(h, m, &total) ||
        __builtin_add_overflow(total, args[2].integer, &total) ||
        __builtin_add_overflow(total, args[3].integer / NANOS_PER_S, &total))
        return eval_error(e, TIME_RANGE_ERROR);
    return of_parts(&d, e, total, args[3].integer % NANOS_PER_S, TIME_RANGE_ERROR);
}

static const struct builtin rows[] = {
    METHOD_ROW(RT_DURATION, "seconds", 0, NO_ARGS, "duration.seconds()", "Whole seconds, signed.", seconds),
    METHOD_ROW(RT_DURATION, "nanos", 0, NO_ARGS, "duration.nanos()",
               "Nanoseconds beyond them, of the same sign.", nanos),
    PACKAGE_ROW("duration", "abs", 1, ARGS(T_DURATION), "duration.abs(duration)", "Without its sign.",
                absolute),
    PACKAGE_ROW("duration", "value", 2, ARGS(T_INT, T_STRING), "duration.value(int, string)",
                "A count of w, d, h, m, s, ms or ns.", of_unit),
    PACKAGE_ROW("duration", "time", 4, ARGS(T_INT, T_INT, T_INT, T_INT), "duration.time(int, int, int, int)",
                "Hours, minutes, seconds and nanoseconds together.", of_time),
};
BUILTIN_TABLE(builtin_durations, rows);

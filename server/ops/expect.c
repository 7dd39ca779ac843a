/* expect.c - see expect.h. */
#include "server/ops/expect.h"

#include "core/codec.h"
#include "core/path.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { DIGITS_MAX = 18 };

static bool at_least(uint64_t n, uint64_t wanted)
{
    return n >= wanted;
}
static bool at_most(uint64_t n, uint64_t wanted)
{
    return n <= wanted;
}
static bool equal(uint64_t n, uint64_t wanted)
{
    return n == wanted;
}
static bool other(uint64_t n, uint64_t wanted)
{
    return n != wanted;
}
static bool more(uint64_t n, uint64_t wanted)
{
    return n > wanted;
}
static bool less(uint64_t n, uint64_t wanted)
{
    return n < wanted;
}

/* Those that others end in come after them. */
static const struct comparison {
    struct str sign;
    bool (*holds)(uint64_t n, uint64_t wanted);
} comparisons[] = {
    { STR_INIT(">="), at_least }, { STR_INIT("<="), at_most }, { STR_INIT("=="), equal },
    { STR_INIT("!="), other },    { STR_INIT("="), equal },    { STR_INIT(">"), more },
    { STR_INIT("<"), less },
};

struct expectation {
    struct str text, pattern;
    const struct comparison *comparison;
    uint64_t wanted;
    _Atomic uint64_t created;
};

struct expectations {
    size_t n;
    struct expectation items[];
};

/* ---- reading ---- */

static struct str trimmed(struct str s)
{
    while (s.n && s.p[0] == ' ')
        s = str_skip(s, 1);
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* Takes the number off the end. */
static bool take_number(uint64_t *out, struct str *rest)
{
    size_t digits = 0;
    while (digits < rest->n && rest->p[rest->n - digits - 1] >= '0' && rest->p[rest->n - digits - 1] <= '9')
        digits++;
    if (digits == 0 || digits > DIGITS_MAX)
        return false;
    *out = 0;
    for (size_t i = rest->n - digits; i < rest->n; i++)
        *out = *out * 10 + (uint64_t)(rest->p[i] - '0');
    rest->n -= digits;
    return true;
}

static const struct comparison *take_comparison(struct str *rest)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        struct str sign = comparisons[i].sign;
        if (rest->n >= sign.n && memcmp(rest->p + rest->n - sign.n, sign.p, sign.n) == 0) {
            rest->n -= sign.n;
            return &comparisons[i];
        }
    }
    return NULL;
}

/* From the end, since ids may hold whatever a comparison is written with. */
static bool parse(struct expectation *out, struct str text)
{
    struct str rest = trimmed(text);
    out->text = rest;
    if (!take_number(&out->wanted, &rest))
        return false;
    rest = trimmed(rest);
    out->comparison = take_comparison(&rest);
    out->pattern = trimmed(rest);
    return out->comparison && path_pattern_valid(out->pattern);
}

enum status_code expect_check(struct str text, struct status *st)
{
    struct expectation ignored;
    if (parse(&ignored, text))
        return STATUS_OK;
    return status_set(st, STATUS_INVALID_ARGUMENT,
                      "'" STR_FMT "' is not PATTERN>=N (or <=, ==, !=, >, <), such as 'api_audit_logs>=3'",
                      STR_ARG(text));
}

struct expectations *expect_new(const struct str *texts, size_t n)
{
    if (!n)
        return NULL;
    struct expectations *all = calloc(1, sizeof *all + n * sizeof all->items[0]);
    if (!all)
        abort();
    for (size_t i = 0; i < n; i++)
        all->n += parse(&all->items[all->n], texts[i]);
    return all;
}

void expect_free(struct expectations *expectations)
{
    free(expectations);
}

/* ---- counting ---- */

void expect_created(struct expectations *expectations, struct str path)
{
    for (size_t i = 0; expectations && i < expectations->n; i++)
        if (path_pattern_matches(expectations->items[i].pattern, path))
            atomic_fetch_add_explicit(&expectations->items[i].created, 1, memory_order_relaxed);
}

static bool is_met(const struct expectation *e)
{
    return e->comparison->holds(atomic_load(&e->created), e->wanted);
}

bool expect_met(const struct expectations *expectations)
{
    for (size_t i = 0; expectations && i < expectations->n; i++)
        if (!is_met(&expectations->items[i]))
            return false;
    return true;
}

bool expect_print(struct buf *out, const struct expectations *expectations, bool colour)
{
    for (size_t i = 0; expectations && i < expectations->n; i++) {
        const struct expectation *e = &expectations->items[i];
        bool met = is_met(e);
        buf_printf(out, "  expected " STR_FMT ": %" PRIu64 " created%s%s%s\n", STR_ARG(e->text),
                   atomic_load(&e->created), met || !colour ? "" : "\033[31m", met ? "" : ", NOT MET",
                   met || !colour ? "" : "\033[0m");
    }
    return !out->overflowed;
}

bool expect_json(struct buf *out, const struct expectations *expectations)
{
    buf_byte(out, '[');
    for (size_t i = 0; expectations && i < expectations->n; i++) {
        const struct expectation *e = &expectations->items[i];
        buf_z(out, i ? ",{\"expected\":" : "{\"expected\":");
        json_write_string(out, e->text);
        buf_printf(out, ",\"created\":%" PRIu64 ",\"met\":%s}", atomic_load(&e->created),
                   is_met(e) ? "true" : "false");
    }
    return buf_byte(out, ']');
}

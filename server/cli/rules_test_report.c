/* rules_test_report.c - what `rules test` found, for people. */
#include "core/log.h"
#include "server/cli/rules_test.h"

enum { BRIEF_MAX = 120 };

static const char *red(bool colour)
{
    return colour ? "\033[1;31m" : "";
}

static const char *green(bool colour)
{
    return colour ? "\033[32m" : "";
}

static const char *off(bool colour)
{
    return colour ? "\033[0m" : "";
}

/* Each line of text behind an indent. */
static void put_indented(struct buf *out, const char *text)
{
    buf_z(out, "         ");
    for (; *text; text++) {
        buf_byte(out, (unsigned char)*text);
        if (*text == '\n')
            buf_z(out, "         ");
    }
    buf_byte(out, '\n');
}

/* Who decided, in brief: the first line, without the name of the rules that the heading has. */
static void put_brief(struct buf *out, const struct test_suite *suite, const char *text)
{
    struct str brief = str_from(text, strcspn(text, "\n")), rules = str_of(suite->rules);
    if (str_starts(brief, rules) && brief.p[rules.n] == ':')
        brief = str_skip(brief, rules.n + 1);
    bool whole = brief.n <= BRIEF_MAX;
    if (!whole)
        brief.n = str_utf8_prefix(str_from(brief.p, BRIEF_MAX));
    buf_printf(out, "  [" STR_FMT "%s]\n", STR_ARG(brief), whole ? "" : "...");
}

static void put_result(struct buf *out, const struct test_suite *suite, const struct test_result *r,
                       bool colour)
{
    buf_printf(out, "  %s%s%s %s ", r->wrong ? red(colour) : green(colour), r->wrong ? "FAIL" : "ok  ",
               off(colour), r->c->allow ? "allow" : "deny ");
    log_escape(out, r->c->text);
    buf_z(out, "  as ");
    log_escape(out, r->c->principal->label);
    if (!r->wrong) {
        put_brief(out, suite, r->allowed ? r->granted : r->explained);
        return;
    }
    buf_printf(out, "\n       " STR_FMT ":%u:%u: ", STR_ARG(suite->file.name), r->c->line, r->c->column);
    log_escape(out, str_of(r->wrong));
    buf_byte(out, '\n');
    if (r->denied)
        put_indented(out, r->explained);
}

void test_print_suite(struct buf *out, const struct test_suite *suite, bool colour)
{
    struct str test = { 0 };
    buf_printf(out, STR_FMT ", rules %s\n", STR_ARG(suite->file.name), suite->rules);
    for (size_t i = 0; i < suite->n; i++) {
        const struct test_result *r = &suite->results[i];
        if (r->c->test.n && r->c->test.p != test.p) {
            log_escape(out, r->c->test);
            buf_byte(out, '\n');
        }
        test = r->c->test;
        put_result(out, suite, r, colour);
    }
}

static bool seen_before(const struct test_suite *suites, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (suites[j].ruleset == suites[i].ruleset)
            return true;
    return false;
}

/* "granted 2 of 3, refused 1 of 3", and those that were never asked. */
static void put_coverage(struct buf *out, const struct ruleset *ruleset)
{
    struct arena *arena = arena_new();
    size_t n, granted = 0, refused = 0;
    struct rules_allow_stats *stats = rules_stats(ruleset, arena, &n);
    for (size_t i = 0; i < n; i++) {
        granted += stats[i].granted > 0;
        refused += stats[i].evaluated > stats[i].granted;
    }
    buf_printf(out, "coverage: of %zu allow statement%s %zu granted, %zu refused", n, n == 1 ? "" : "s",
               granted, refused);
    const char *word = "; never asked: ";
    for (size_t i = 0; i < n; i++) {
        if (stats[i].evaluated)
            continue;
        buf_printf(out, "%s" STR_FMT ":%u allow %s", word, STR_ARG(stats[i].file), stats[i].line,
                   stats[i].methods);
        word = ", ";
    }
    buf_byte(out, '\n');
    arena_free(arena);
}

void test_print_coverage(struct buf *out, const struct test_suite *suites, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!seen_before(suites, i))
            put_coverage(out, suites[i].ruleset);
}

/* rules_test_junit.c - what `rules test` found, as JUnit's XML: the dialect that CI servers agree on. */
#include "server/cli/rules_test.h"

/* U+FFFE and U+FFFF, which are characters and no XML. */
static bool is_no_xml(struct str text, size_t i)
{
    const unsigned char *p = (const unsigned char *)text.p + i;
    return text.n - i >= 3 && p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE;
}

/* Text as XML 1.0 can have it: what it cannot is a question mark. */
static void put_escaped(struct buf *out, struct str text)
{
    static const char *const names[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\n'] = "&#10;", ['\t'] = "&#9;"
    };
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool no_xml = is_no_xml(text, i);
        if (names[c])
            buf_z(out, names[c]);
        else
            buf_byte(out, c < 0x20 || no_xml ? '?' : c);
        i += no_xml ? 2 : 0;
    }
}

static void put_attribute(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, " %s=\"", name);
    put_escaped(out, value);
    buf_byte(out, '"');
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static void put_failure(struct buf *out, const struct test_suite *suite, const struct test_result *r)
{
    buf_z(out, "      <failure");
    put_attribute(out, "message", str_of(r->wrong));
    buf_printf(out, " type=\"%s\">", r->c->allow ? "expected allow" : "expected deny");
    put_escaped(out, suite->file.name);
    buf_printf(out, ":%u:%u", r->c->line, r->c->column);
    if (r->denied) {
        buf_byte(out, '\n');
        put_escaped(out, str_of(r->explained));
    }
    buf_z(out, "</failure>\n");
}

static void put_case(struct buf *out, struct arena *arena, const struct test_suite *suite,
                     const struct test_result *r)
{
    buf_z(out, "    <testcase");
    put_attribute(out, "classname", r->c->test.n ? r->c->test : suite->file.name);
    put_attribute(
        out, "name",
        str_of(arena_printf(arena, "%s " STR_FMT " as " STR_FMT " (line %u)", r->c->allow ? "allow" : "deny",
                            STR_ARG(r->c->text), STR_ARG(r->c->principal->label), r->c->line)));
    put_attribute(out, "file", suite->file.name);
    buf_printf(out, " line=\"%u\" time=\"%.6f\"", r->c->line, seconds(r->took_ns));
    buf_z(out, r->wrong ? ">\n" : "/>\n");
    if (!r->wrong)
        return;
    put_failure(out, suite, r);
    buf_z(out, "    </testcase>\n");
}

static int64_t duration(const struct test_suite *suite)
{
    int64_t ns = 0;
    for (size_t i = 0; i < suite->n; i++)
        ns += suite->results[i].took_ns;
    return ns;
}

void test_print_junit(struct buf *out, const struct test_suite *suites, size_t n)
{
    struct arena *arena = arena_new();
    size_t tests = 0, failures = 0;
    for (size_t i = 0; i < n; i++) {
        tests += suites[i].n;
        failures += suites[i].failed;
    }
    buf_z(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buf_printf(out,
               "<testsuites name=\"cinderlog rules test\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
               tests, failures);
    for (size_t i = 0; i < n; i++) {
        buf_z(out, "  <testsuite");
        put_attribute(out, "name", suites[i].file.name);
        buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" time=\"%.6f\">\n",
                   suites[i].n, suites[i].failed, seconds(duration(&suites[i])));
        for (size_t j = 0; j < suites[i].n; j++)
            put_case(out, arena, &suites[i], &suites[i].results[j]);
        buf_z(out, "  </testsuite>\n");
    }
    buf_z(out, "</testsuites>\n");
    arena_free(arena);
}

/* test_hostile.c - texts that nobody writes: a megabyte of one thing, nesting without end, ten thousand of
 * everything. Each compiles or is refused with an error that names a place, within an alarm that only a hang
 * reaches. */
#include "rules-engine/rules.h"

#include "core/buf.h"
#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { MEGABYTE = 1024 * 1024, ENDLESS = 20000, HANG_SECONDS = 300 };

/* `count` times `unit` between `before` and `after`; a '#' in the unit is its number. count 0: as fits a
 * megabyte. */
struct hostile {
    const char *before, *unit, *after;
    int count;
};

#define SERVICE "rules_version = '2';\nservice cloud.firestore { match /databases/{d}/documents {\n"
#define CONDITION SERVICE "match /t/{id} { allow read: if "

static void put_unit(struct buf *out, const char *unit, int number)
{
    for (const char *c = unit; *c; c++) {
        if (*c == '#')
            buf_printf(out, "%d", number);
        else
            buf_put(out, c, 1);
    }
}

static struct str hostile_text(struct arena *arena, const struct hostile *h)
{
    struct buf out;
    buf_init(&out, 2 * MEGABYTE);
    buf_z(&out, h->before);
    for (int i = 0; h->count ? i < h->count : buf_view(&out).n + strlen(h->after) + 40 < MEGABYTE; i++)
        put_unit(&out, h->unit, i);
    buf_z(&out, h->after);
    assert_false(out.overflowed);
    struct str text = arena_str(arena, buf_view(&out));
    buf_dispose(&out);
    assert_true(text.n <= LIMIT_RULES_SOURCE_BYTES);
    return text;
}

/* Its first error, or "" when it compiles; lints run then, too. */
static const char *compile(struct arena *arena, const struct hostile *h)
{
    struct rules_file file = { STR("t.rules"), hostile_text(arena, h) };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    enum status_code code = rules_compile(&ruleset, &file, 1, &issues, arena, &st);
    assert_int_equal(code, issues.errors ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    assert_true(issues.n <= LIMIT_RULES_ISSUES);
    const char *error = "";
    for (size_t i = issues.n; i-- > 0;) {
        if (issues.items[i].severity == RULES_ERROR) {
            assert_true(issues.items[i].has_position);
            error = issues.items[i].description;
        }
    }
    if (ruleset)
        rules_lint(ruleset, NULL, &issues, arena);
    rules_release(ruleset);
    return error;
}

static void refused_with(const struct hostile *cases, size_t n, const char *error)
{
    for (size_t i = 0; i < n; i++) {
        struct arena *arena = arena_new();
        alarm(HANG_SECONDS);
        const char *got = compile(arena, &cases[i]);
        alarm(0);
        if (strncmp(got, error, strlen(error)) != 0 || (*got != '\0') != (*error != '\0'))
            fail_msg("%s...: '%.80s', not '%s'", cases[i].unit, got, error);
        arena_free(arena);
    }
}
#define REFUSED_WITH(error, ...)                                                                             \
    refused_with((const struct hostile[]){ __VA_ARGS__ },                                                    \
                 sizeof((const struct hostile[]){ __VA_ARGS__ }) / sizeof(struct hostile), error)

static void nesting_without_end_is_too_complex(void **state)
{
    (void)state;
    REFUSED_WITH("Expression is too complex to evaluate safely.", { CONDITION, "(", "", ENDLESS },
                 { CONDITION, "!", "x", ENDLESS }, { CONDITION, "id[", "", ENDLESS },
                 { CONDITION, "f(", "", ENDLESS }, { CONDITION, "[", "", ENDLESS },
                 { CONDITION, "{'a':", "", ENDLESS }, { CONDITION, "/a/$(", "", ENDLESS },
                 { CONDITION, "a ? b : ", "", ENDLESS }, { CONDITION, "a && ", "", ENDLESS },
                 { CONDITION "a", ".b", "", ENDLESS }, { CONDITION, "/a / [", "", ENDLESS },
                 { CONDITION, "-(", "", ENDLESS });
    REFUSED_WITH("Maximum allowed resource rule depth of 10 is reached.",
                 { SERVICE, "match /a {", "", ENDLESS });
}

/* As deep as the parser reads, and then an error: all of look-ahead runs through it. */
static void errors_behind_deep_nesting_are_explained(void **state)
{
    (void)state;
    REFUSED_WITH("Unexpected", { CONDITION, "id[", "1;}}}", LIMIT_RULES_NESTING - 10 },
                 { CONDITION, "(", "1;}}}", LIMIT_RULES_NESTING - 10 },
                 { CONDITION, "f(", "1;}}}", LIMIT_RULES_NESTING - 10 },
                 { CONDITION, "[", "1;}}}", LIMIT_RULES_NESTING - 10 });
    REFUSED_WITH("Missing 'match' keyword before path.",
                 { CONDITION, "/a/$(", "1;}}}", LIMIT_RULES_NESTING - 10 });
}

static void a_megabyte_of_one_thing_is_refused(void **state)
{
    (void)state;
    REFUSED_WITH("mismatched input", { "", "#", "", 0 }, { "", "{", "", 0 }, { "", "/*", "", 0 },
                 { "", "\n", "", 0 }, { "", "\"", "", 0 }, { "", "\xf0\x9f\x98\x80", "", 0 },
                 { "rules_version = '", "3", "", 0 });
    REFUSED_WITH("Unexpected", { CONDITION, "\"", "", 0 }, { CONDITION "[", "1,", "}", 0 },
                 { SERVICE "match ", "/{x=**}", "", 0 });
    REFUSED_WITH("Expected at least one 'operation' after 'allow'.",
                 { SERVICE "match /a/{b} {", "allow ", "", 0 });
    REFUSED_WITH("Variable x already exists in the PathTemplate.",
                 { SERVICE "match ", "/{x}", "{ allow read; }}}", 0 });
    REFUSED_WITH("Import statements are not allowed.",
                 { "rules_version = '2';", "import 'a';", "service a { match /b { allow read; } }", 0 });
    REFUSED_WITH(
        "The identifier [a] is already bound in the current scope.",
        { SERVICE "function f() {", "let a = 1;", "return a; } match /a/{b} { allow read: if f(); }}}", 0 });
}

static void a_megabyte_that_is_allowed_compiles(void **state)
{
    (void)state;
    REFUSED_WITH("", { CONDITION "'", "a", "' == id; }}}", 0 }, { CONDITION, "a", "; }}}", 0 },
                 { "/*", " /", "*/" CONDITION "true; }}}", 0 }, { "", " ", CONDITION "true; }}}", 0 },
                 { CONDITION "[", "1,", "] == []; }}}", 0 },
                 { CONDITION "[", "request.x && request,", "] == []; }}}", 0 },
                 { SERVICE "match /a/{b} { allow read", ",a", "; }}}", 0 },
                 { SERVICE "match /a/{b} {", "allow read ", "}}}", 0 });
}

static void ten_thousand_of_everything_are_taken_or_counted(void **state)
{
    (void)state;
    REFUSED_WITH(
        "", { SERVICE, "match /{x=**}/c#/{y} { allow read: if x[0] == y; }\n", "}}", 10000 },
        { SERVICE, "match /{x=**}/c/{y} { allow read, write: if x[0] == y; }\n", "}}", 10000 },
        { SERVICE, "function f#(a) { return a == #; }\n", "match /a/{b} { allow read: if f0(b); }}}", 10000 },
        { "rules_version = '2';", "service a# { match /b { allow read; } }", "", 10000 });
    REFUSED_WITH("Recursive call is not allowed.", { SERVICE, "function f#() { return f0(); }\n",
                                                     "match /a/{b} { allow read: if f0(); }}}", 0 });
    REFUSED_WITH("Function f is already defined.", { SERVICE, "function f() { return 1; }\n",
                                                     "match /a/{b} { allow read: if f(); }}}", 10000 });
    REFUSED_WITH(
        "Maximum allowed function arguments of 7 for function f is reached.",
        { SERVICE "function f(z", ",a#", ") { return 1; } match /a/{b} { allow read: if f(); }}}", 10000 });
}

static void hostile_regexes_are_refused_or_bounded(void **state)
{
    (void)state;
    REFUSED_WITH("", { CONDITION "'a'.matches('", "(a|b)*", "'); }}}", 100000 },
                 { CONDITION "true", " && 'a'.matches('(a|b){1000}')", "; }}}", 90 },
                 { CONDITION "'a'.matches('", "(", "a))))))))))))))))))))'); }}}", 20 });
    REFUSED_WITH("Regular expression too many nested groupings.",
                 { CONDITION "'a'.matches('", "(", "'); }}}", 100000 },
                 { CONDITION "'a'.matches('", "(a*", "'); }}}", 21 });
    REFUSED_WITH("Invalid regular expression pattern.",
                 { CONDITION "'a'.matches('", "(a{1000}){1000}", "'); }}}", 1 },
                 { CONDITION "'a'.matches('", "\\\\pL{1000}", "'); }}}", 1000 },
                 { CONDITION "'a'.matches('", "*", "'); }}}", 100000 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_without_end_is_too_complex),
        cmocka_unit_test(errors_behind_deep_nesting_are_explained),
        cmocka_unit_test(a_megabyte_of_one_thing_is_refused),
        cmocka_unit_test(a_megabyte_that_is_allowed_compiles),
        cmocka_unit_test(ten_thousand_of_everything_are_taken_or_counted),
        cmocka_unit_test(hostile_regexes_are_refused_or_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

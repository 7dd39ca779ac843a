/* test_compile.c - the face of the compiler: what is taken and refused, how findings are worded and drawn,
 * the life of a ruleset; and that hostile texts give an error, never a crash. */
#include "rules-engine/rules.h"

#include "core/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    struct status st;
    struct rules_issues issues;
    struct ruleset *ruleset;
};

static void setup(struct fixture *f)
{
    f->arena = arena_new();
    f->st = status_init(f->arena);
}

static void dispose(struct fixture *f)
{
    rules_release(f->ruleset);
    arena_free(f->arena);
}

static enum status_code compile(struct fixture *f, const char *text)
{
    struct rules_file file = { STR("t.rules"), str_of(text) };
    setup(f);
    return rules_compile(&f->ruleset, &file, 1, &f->issues, f->arena, &f->st);
}

#define AROUND(condition)                                                                                    \
    "rules_version = '2';\nservice cloud.firestore {\n match /a/{b} {\n" condition "\n }\n}\n"

static void errors_and_warnings_fold_into_one_message(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(compile(&f, AROUND("function f() { return f(); } allow get: if nope;")),
                     STATUS_INVALID_ARGUMENT);
    assert_null(f.ruleset);
    assert_int_equal(f.issues.errors, 1);
    assert_string_equal(status_message(&f.st), "Error compiling rules:\n"
                                               "L4:10 Recursive call is not allowed.\n"
                                               "L4:44 Invalid variable name: nope.");
    dispose(&f);
}

static void warnings_alone_do_not_refuse(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(compile(&f, AROUND("allow get: if nope;")), STATUS_OK);
    assert_int_equal(f.issues.n, 1);
    assert_int_equal(f.issues.items[0].severity, RULES_WARNING);
    assert_true(f.issues.items[0].has_position);
    dispose(&f);
}

static void an_empty_file_has_its_own_words(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(compile(&f, ""), STATUS_INVALID_ARGUMENT);
    assert_string_equal(status_message(&f.st),
                        "Error compiling rules:\nL0:0 Rules content empty. Compilation aborted.");
    assert_false(f.issues.items[0].has_position);
    dispose(&f);
}

static void columns_and_offsets_count_code_points(void **state)
{
    (void)state;
    struct fixture f;
    compile(&f, AROUND("allow get: if \"日本𝄞\" == nope;"));
    assert_int_equal(f.issues.items[0].line, 4);
    assert_int_equal(f.issues.items[0].column, 24);
    assert_int_equal(f.issues.items[0].end_offset - f.issues.items[0].offset, 3);
    dispose(&f);
}

static void each_of_several_files_is_reported(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    struct rules_file files[] = { { STR("b"), STR("x") }, { STR("a"), STR("y") } };
    rules_compile(&f.ruleset, files, 2, &f.issues, f.arena, &f.st);
    assert_int_equal(f.issues.n, 2);
    assert_true(str_eq_z(f.issues.items[0].file, "b"));
    assert_true(str_eq_z(f.issues.items[1].file, "a"));
    dispose(&f);
}

static void no_files_and_too_many_bytes_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    assert_int_equal(rules_compile(&f.ruleset, NULL, 0, &f.issues, f.arena, &f.st), STATUS_INVALID_ARGUMENT);
    assert_int_equal(f.issues.n, 0);
    char *text = calloc(1, LIMIT_RULES_SOURCE_BYTES + 1);
    struct rules_file file = { STR("t"), { text, LIMIT_RULES_SOURCE_BYTES + 1 } };
    assert_int_equal(rules_compile(&f.ruleset, &file, 1, &f.issues, f.arena, &f.st), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(status_message(&f.st), "rules.files[0].content"));
    free(text);
    dispose(&f);
}

static void the_digest_is_of_names_and_contents(void **state)
{
    (void)state;
    struct fixture a, b;
    struct rules_file file = { STR("other.rules"), STR(AROUND("allow get;")) };
    compile(&a, AROUND("allow get;"));
    compile(&b, AROUND("allow get;"));
    assert_memory_equal(rules_digest(a.ruleset), rules_digest(b.ruleset), 32);
    rules_release(b.ruleset);
    assert_int_equal(rules_compile(&b.ruleset, &file, 1, &b.issues, b.arena, &b.st), STATUS_OK);
    assert_memory_not_equal(rules_digest(a.ruleset), rules_digest(b.ruleset), 32);
    dispose(&a);
    dispose(&b);
}

static void a_ruleset_keeps_its_files_and_lives_while_held(void **state)
{
    (void)state;
    struct fixture f;
    compile(&f, AROUND("allow get;"));
    rules_retain(f.ruleset);
    rules_release(f.ruleset);
    size_t n;
    const struct rules_file *files = rules_files(f.ruleset, &n);
    assert_int_equal(n, 1);
    assert_true(str_eq_z(files[0].content, AROUND("allow get;")));
    dispose(&f);
    rules_release(NULL);
}

static void statistics_name_each_allow_as_written(void **state)
{
    (void)state;
    struct fixture f;
    compile(&f, AROUND("allow read, write; match /c/{d=**} { allow list: if b == d; }"));
    size_t n;
    const struct rules_allow_stats *stats = rules_stats(f.ruleset, f.arena, &n);
    assert_int_equal(n, 2);
    assert_string_equal(stats[0].methods, "read, write");
    assert_string_equal(stats[1].pattern, "/a/{b}/c/{d=**}");
    assert_int_equal(stats[1].line, 4);
    assert_int_equal(stats[1].granted, 0);
    dispose(&f);
}

static void the_open_ruleset_has_googles_name(void **state)
{
    (void)state;
    struct ruleset *ruleset = rules_open_ruleset();
    size_t n;
    assert_true(str_eq_z(rules_files(ruleset, &n)[0].name, "OPEN_RULES"));
    rules_release(ruleset);
}

/* ---- pictures ---- */

static void expect_picture(const char *text, bool lint, const char *expected)
{
    struct fixture f;
    struct rules_file file = { STR("t.rules"), str_of(text) };
    compile(&f, text);
    if (lint)
        rules_lint(f.ruleset, NULL, &f.issues, f.arena);
    struct buf out;
    buf_init(&out, 65536);
    for (size_t i = 0; i < f.issues.n; i++)
        rules_print_issue(&out, &f.issues.items[i], &file, 1, false);
    assert_string_equal(arena_str(f.arena, buf_view(&out)).p, expected);
    buf_dispose(&out);
    dispose(&f);
}

static void findings_are_drawn_with_carets(void **state)
{
    (void)state;
    expect_picture(AROUND("\tallow get: if '日' == nope;"), false,
                   "warning: Invalid variable name: nope.\n"
                   "  --> t.rules:4:23\n"
                   "     |\n"
                   "   4 |     allow get: if '日' == nope;\n"
                   "     |                          ^^^^\n");
    expect_picture(AROUND("allow get: if (true"), false,
                   "error: Unexpected '}'.\n"
                   "  --> t.rules:5:2\n"
                   "     |\n"
                   "   5 |  }\n"
                   "     |  ^\n");
}

static void the_end_of_the_file_is_a_place(void **state)
{
    (void)state;
    expect_picture("service", false,
                   "error: Unexpected '<EOF>'.\n"
                   "  --> t.rules:1:8\n"
                   "     |\n"
                   "   1 | service\n"
                   "     |        ^\n");
}

static void lints_say_what_to_do(void **state)
{
    (void)state;
    expect_picture(
        "rules_version = '2';\nservice cloud.firestore {\n match /databases/{d}/documents/a/{b} {\n"
        "allow write: if b == 'x';\nallow delete: if false;\n }\n}\n",
        true,
        "error[useless-deny]: line 4 grants delete when b == 'x': allows are ORed, so 'allow delete: if "
        "false' on line 5 takes nothing back; 'delete a/x' gets through\n"
        "  --> t.rules:5:1\n"
        "     |\n"
        "   5 | allow delete: if false;\n"
        "     | ^^^^^^^^^^^^^^^^^^^^^^\n"
        "     = note: write 'allow create, update' on line 4, leaving out delete; what no allow grants is "
        "refused\n");
}

/* ---- hostile texts ---- */

/* `open` n times, then `middle`, then `close` n times, as a condition; it must be refused. */
static void refuse_nest(const char *open, const char *middle, const char *close)
{
    enum { N = 20000 };
    struct buf text;
    buf_init(&text, LIMIT_RULES_SOURCE_BYTES);
    buf_z(&text, "service cloud.firestore { match /a/{b} { allow get: if ");
    for (int i = 0; i < N; i++)
        buf_z(&text, open);
    buf_z(&text, middle);
    for (int i = 0; i < N; i++)
        buf_z(&text, close);
    buf_z(&text, "; } }");
    assert_false(text.overflowed);
    struct fixture f;
    struct rules_file file = { STR("t"), buf_view(&text) };
    setup(&f);
    assert_int_equal(rules_compile(&f.ruleset, &file, 1, &f.issues, f.arena, &f.st), STATUS_INVALID_ARGUMENT);
    assert_true(f.issues.errors > 0);
    dispose(&f);
    buf_dispose(&text);
}

static void deep_expressions_are_refused(void **state)
{
    (void)state;
    refuse_nest("(", "true", ")");
    refuse_nest("(", "true", "");
    refuse_nest("[", "", "]");
    refuse_nest("{'a':", "1", "}");
    refuse_nest("!", "true", "");
    refuse_nest("true ? 1 : ", "2", "");
    refuse_nest("true ? ", "1", " : 2");
    refuse_nest("true && ", "true", "");
    refuse_nest("a[", "0", "]");
    refuse_nest("f(", "0", ")");
    refuse_nest("/a/$(", "0", ")");
    refuse_nest("", "a", ".b");
    refuse_nest("", "a", "[0]");
    refuse_nest("", "a", ".b()");
    refuse_nest("", "a", " is bool");
}

static void deep_matches_are_refused(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, LIMIT_RULES_SOURCE_BYTES);
    buf_z(&text, "service cloud.firestore {");
    for (int i = 0; i < 20000; i++)
        buf_z(&text, "match /a/{b} {");
    struct fixture f;
    struct rules_file file = { STR("t"), buf_view(&text) };
    setup(&f);
    assert_int_equal(rules_compile(&f.ruleset, &file, 1, &f.issues, f.arena, &f.st), STATUS_INVALID_ARGUMENT);
    assert_string_equal(f.issues.items[0].description,
                        "Maximum allowed resource rule depth of 10 is reached.");
    dispose(&f);
    buf_dispose(&text);
}

static void ten_thousand_matches_with_one_error_are_explained(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, LIMIT_RULES_SOURCE_BYTES);
    buf_z(&text, "service cloud.firestore {");
    for (int i = 0; i < 10000; i++)
        buf_z(&text, "match /a/{b} { allow get: if f(b).c == 1; }\n");
    buf_z(&text, "match /a/{b} { allow get if f(b).c == 1; }\n}");
    struct fixture f;
    struct rules_file file = { STR("t"), buf_view(&text) };
    setup(&f);
    rules_compile(&f.ruleset, &file, 1, &f.issues, f.arena, &f.st);
    assert_int_equal(f.issues.n, 1);
    assert_string_equal(f.issues.items[0].description, "Missing ':' before 'if' condition.");
    assert_int_equal(f.issues.items[0].line, 10001);
    dispose(&f);
    buf_dispose(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_and_warnings_fold_into_one_message),
        cmocka_unit_test(warnings_alone_do_not_refuse),
        cmocka_unit_test(an_empty_file_has_its_own_words),
        cmocka_unit_test(columns_and_offsets_count_code_points),
        cmocka_unit_test(each_of_several_files_is_reported),
        cmocka_unit_test(no_files_and_too_many_bytes_are_refused),
        cmocka_unit_test(the_digest_is_of_names_and_contents),
        cmocka_unit_test(a_ruleset_keeps_its_files_and_lives_while_held),
        cmocka_unit_test(statistics_name_each_allow_as_written),
        cmocka_unit_test(the_open_ruleset_has_googles_name),
        cmocka_unit_test(findings_are_drawn_with_carets),
        cmocka_unit_test(the_end_of_the_file_is_a_place),
        cmocka_unit_test(lints_say_what_to_do),
        cmocka_unit_test(deep_expressions_are_refused),
        cmocka_unit_test(deep_matches_are_refused),
        cmocka_unit_test(ten_thousand_matches_with_one_error_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_compile_scripts.c - runs tests/rules/compile and tests/rules/lint: rules with the findings on the
 * line.
 *
 * A comment on a line says what is found there; every finding must be said and every saying found:
 *   // expect error: TEXT        // expect warning @ COLUMN: TEXT      // expect lint ID: TEXT
 * `@ 0` is a finding about the whole file, said anywhere. Several stand in one comment, each with its own
 * "// expect". `// note: TEXT` behind a lint is its second line. Lints run only on files under lint/, and
 * only where they compile; a line `// append-only: PATTERN` there is an option of theirs. Every lint has a
 * script ID.bad.rules in which it is found and ID.good.rules in which it is not. */
#include "recorded.h"
#include "rules-engine/rules.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static size_t expectations, failures;

struct expectation {
    uint32_t line, column; /* column 0: any */
    bool whole_file, found;
    const char *kind; /* "error", "warning" or "lint ID" */
    const char *text, *note;
};

struct script {
    struct arena *arena;
    const char *name;
    struct expectation items[256];
    size_t n;
    struct str append_only[4];
    size_t n_append_only;
};

static void complain(const struct script *s, uint32_t line, const char *what, const char *kind,
                     const char *text)
{
    failures++;
    print_error("%s:%u: %s: %s: %s\n", s->name, (unsigned)line, what, kind, text);
}

static struct str trim(struct str s)
{
    while (s.n && strchr(" \t\r", s.p[0]) && s.p[0])
        s = str_skip(s, 1);
    while (s.n && strchr(" \t\r", s.p[s.n - 1]) && s.p[s.n - 1])
        s.n--;
    return s;
}

static const char *copy(struct script *s, struct str text)
{
    return arena_str(s->arena, trim(text)).p;
}

/* Takes the text up to `end` off *rest, all of it when `end` does not occur. */
static struct str take_until(struct str *rest, const char *end)
{
    const char *at = rest->n ? memmem(rest->p, rest->n, end, strlen(end)) : NULL;
    struct str taken = at ? str_from(rest->p, (size_t)(at - rest->p)) : *rest;
    *rest = str_skip(*rest, at ? taken.n + strlen(end) : taken.n);
    return taken;
}

/* "warning @ 7: TEXT // note: TEXT" */
static void read_expectation(struct script *s, uint32_t line, struct str text)
{
    assert_true(s->n < sizeof s->items / sizeof *s->items);
    struct expectation *e = &s->items[s->n++];
    struct str before_note = take_until(&text, "// note:");
    struct str kind = take_until(&before_note, ": ");
    struct str place = kind;
    *e = (struct expectation){ .line = line, .note = text.n ? copy(s, text) : NULL };
    e->kind = copy(s, take_until(&place, "@"));
    if (place.n) {
        e->column = (uint32_t)strtoul(copy(s, place), NULL, 10);
        e->whole_file = e->column == 0;
    }
    e->text = copy(s, before_note);
    expectations++;
}

static void read_expectations(struct script *s, struct str text)
{
    for (uint32_t line = 1; text.n; line++) {
        struct str rest = take_until(&text, "\n");
        if (str_starts(rest, STR("// append-only: ")))
            s->append_only[s->n_append_only++] = str_skip(rest, strlen("// append-only: "));
        take_until(&rest, "// expect ");
        while (rest.n)
            read_expectation(s, line, take_until(&rest, "// expect "));
    }
}

static void match_issue(struct script *s, const struct rules_issue *issue)
{
    const char *kind = issue->severity == RULES_ERROR ? "error" : "warning";
    if (issue->lint)
        kind = arena_printf(s->arena, "lint %s", issue->lint);
    for (size_t i = 0; i < s->n; i++) {
        struct expectation *e = &s->items[i];
        bool here = e->whole_file ? issue->line == 0
                                  : e->line == issue->line && (e->column == 0 || e->column == issue->column);
        if (e->found || !here || strcmp(e->kind, kind) != 0 || strcmp(e->text, issue->description) != 0)
            continue;
        if (e->note && (!issue->note || strcmp(e->note, issue->note) != 0))
            complain(s, e->line, "other note", kind, issue->note ? issue->note : "none");
        e->found = true;
        return;
    }
    complain(s, issue->line, "not expected", arena_printf(s->arena, "%s @ %u", kind, (unsigned)issue->column),
             issue->description);
}

static void run_script(const char *path, bool lint)
{
    struct script s = { .arena = arena_new(), .name = path };
    struct status st = status_init(s.arena);
    struct rules_file file = { str_of(path), recorded_file(s.arena, path) };
    struct rules_issues issues;
    struct ruleset *ruleset;
    read_expectations(&s, file.content);
    rules_compile(&ruleset, &file, 1, &issues, s.arena, &st);
    struct rules_lint_options options = { s.append_only, s.n_append_only, 0 };
    if (ruleset && lint)
        rules_lint(ruleset, &options, &issues, s.arena);
    for (size_t i = 0; i < issues.n; i++)
        match_issue(&s, &issues.items[i]);
    for (size_t i = 0; i < s.n; i++)
        if (!s.items[i].found)
            complain(&s, s.items[i].line, "not found", s.items[i].kind, s.items[i].text);
    rules_release(ruleset);
    arena_free(s.arena);
}

static int is_script(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 6 && strcmp(entry->d_name + n - 6, ".rules") == 0;
}

static void run_directory(const char *directory, bool lint)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, is_script, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        run_script(path, lint);
        free(entries[i]);
    }
    free(entries);
}

static void compile_scripts_find_what_they_say(void **state)
{
    (void)state;
    expectations = failures = 0;
    run_directory("rules/compile", false);
    assert_true(expectations > 20);
    assert_int_equal(failures, 0);
}

static void lint_scripts_find_what_they_say(void **state)
{
    (void)state;
    expectations = failures = 0;
    run_directory("rules/lint", true);
    assert_true(expectations > 5);
    assert_int_equal(failures, 0);
}

static size_t found_in(const char *id, const char *kind)
{
    struct arena *arena = arena_new();
    struct str text = recorded_file(arena, arena_printf(arena, "rules/lint/%s.%s.rules", id, kind));
    const char *said = arena_printf(arena, "// expect lint %s:", id);
    size_t n = 0;
    for (take_until(&text, said); text.n; take_until(&text, said))
        n++;
    arena_free(arena);
    return n;
}

static void every_lint_has_a_bad_and_a_good_script(void **state)
{
    (void)state;
    const struct rules_lint_info *info;
    for (size_t i = 0; (info = rules_lint_info(i)); i++) {
        assert_true(found_in(info->id, "bad") > 0);
        assert_int_equal(found_in(info->id, "good"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compile_scripts_find_what_they_say),
        cmocka_unit_test(lint_scripts_find_what_they_say),
        cmocka_unit_test(every_lint_has_a_bad_and_a_good_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_compile_recorded.c - replays what Google's compiler 1.19.9 said about rulesets
 * (compile/recorded.ndjson, made by record_compile.py): every finding with its text, place and order. A
 * ruleset that differs must stand in compile/known.txt, and what stands there must differ. */
#include "recorded.h"
#include "rules_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct {
    size_t rulesets, same;       /* all findings alike */
    size_t refused, same_errors; /* with errors; all errors alike */
    size_t same_first;           /* the first error alike */
    size_t unexpected;
} tally;

static struct str known_text;

/* known.txt has one name of a recorded ruleset a line; '#' begins a comment. */
static bool is_known(struct str name)
{
    struct str rest = known_text, line;
    while (recorded_line(&rest, &line))
        if (str_eq(line, name))
            return true;
    return false;
}

static const char *issue_text(struct arena *arena, const struct rules_issue *issue)
{
    return arena_printf(arena, "%c %u:%u [%u..%u] %s", issue->severity == RULES_ERROR ? 'E' : 'W',
                        issue->line, issue->column, issue->offset, issue->end_offset, issue->description);
}

static const char *recorded_text(struct arena *arena, const struct json *issue)
{
    assert_int_equal(issue->n, 6);
    const struct json *i = issue->items;
    return arena_printf(arena, STR_FMT " " STR_FMT ":" STR_FMT " [" STR_FMT ".." STR_FMT "] " STR_FMT,
                        STR_ARG(i[0].text), STR_ARG(i[1].text), STR_ARG(i[2].text), STR_ARG(i[3].text),
                        STR_ARG(i[4].text), STR_ARG(i[5].text));
}

/* The nth finding of a list, counting only errors if asked; NULL past the end. */
static const char *theirs_at(struct arena *arena, const struct json *issues, size_t n, bool errors)
{
    for (size_t i = 0; i < issues->n; i++) {
        const char *text = recorded_text(arena, &issues->items[i]);
        if ((!errors || text[0] == 'E') && n-- == 0)
            return text;
    }
    return NULL;
}

static const char *ours_at(struct arena *arena, const struct rules_issues *issues, size_t n, bool errors)
{
    for (size_t i = 0; i < issues->n; i++)
        if ((!errors || issues->items[i].severity == RULES_ERROR) && n-- == 0)
            return issue_text(arena, &issues->items[i]);
    return NULL;
}

/* How many findings are alike from the front; *all when the lists are. */
static size_t compare(struct arena *arena, const struct json *theirs, const struct rules_issues *ours,
                      bool errors, bool *all)
{
    for (size_t n = 0;; n++) {
        const char *a = theirs_at(arena, theirs, n, errors), *b = ours_at(arena, ours, n, errors);
        *all = !a && !b;
        if (!a || !b || strcmp(a, b) != 0)
            return n;
    }
}

static void complain(struct arena *arena, const struct json *record, const struct rules_issues *ours,
                     size_t at)
{
    const char *a = theirs_at(arena, json_get(record, "issues"), at, false),
               *b = ours_at(arena, ours, at, false);
    tally.unexpected++;
    print_error(STR_FMT "\n  theirs %s\n  ours   %s\n", STR_ARG(json_text(record, "name")),
                a ? a : "nothing more", b ? b : "nothing more");
}

static void replay(struct arena *arena, const struct json *record)
{
    const struct json *theirs = json_get(record, "issues");
    struct rules_file file = { STR("firestore.rules"), json_text(record, "rules") };
    struct rules_issues ours;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    enum status_code code = rules_compile(&ruleset, &file, 1, &ours, arena, &st);
    assert_int_equal(code, ours.errors ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    bool same, same_errors;
    size_t alike = compare(arena, theirs, &ours, false, &same);
    tally.rulesets++;
    tally.same += same;
    if (theirs_at(arena, theirs, 0, true)) {
        tally.refused++;
        tally.same_first += compare(arena, theirs, &ours, true, &same_errors) > 0;
        tally.same_errors += same_errors;
    }
    if (same && json_get(record, "refusal"))
        assert_string_equal(status_message(&st), arena_str(arena, json_text(record, "refusal")).p);
    bool known = is_known(json_text(record, "name"));
    if (!same && !known)
        complain(arena, record, &ours, alike);
    if (same && known) {
        print_error(STR_FMT ": is alike now: take it off known.txt\n", STR_ARG(json_text(record, "name")));
        tally.unexpected++;
    }
    rules_release(ruleset);
}

static void findings_are_googles(void **state)
{
    (void)state;
    struct arena *arena = arena_new(), *scratch = arena_new();
    known_text = recorded_file(arena, "rules-engine/compile/known.txt");
    struct str rest = recorded_file(arena, "rules-engine/compile/recorded.ndjson"), line;
    while (recorded_line(&rest, &line)) {
        struct json record;
        assert_true(json_parse(&record, scratch, line));
        replay(scratch, &record);
        arena_reset(scratch);
    }
    print_message("%zu rulesets, %zu alike; %zu refused, %zu with all errors alike, %zu with the first\n",
                  tally.rulesets, tally.same, tally.refused, tally.same_errors, tally.same_first);
    assert_true(tally.rulesets > 300);
    assert_int_equal(tally.unexpected, 0);
    arena_free(scratch);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(findings_are_googles) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

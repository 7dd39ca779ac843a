/* test_compile_mutants.c - replays what Google's compiler 1.19.9 said about 10,000 mutants of valid rules
 * (compile/mutants.ndjson, made by record_mutants.py): whether they compile; if not, the first error with its
 * place and text, and how many there are; else every warning. Mutants that differ must stand in
 * compile/mutants_known.ndjson, by class: ["why", line, ...]; and what stands there must differ. */
#include "recorded.h"
#include "rules_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MUTANTS = 10000 };

static struct {
    size_t mutants, refused, same;
    size_t same_place; /* verdict, line and column of the first error */
    size_t unexpected;
} tally;

/* By line of the recording: whether the mutant is listed as one that differs. */
static bool is_known[MUTANTS];

static void read_known(struct arena *arena)
{
    struct str rest = recorded_file(arena, "rules-engine/compile/mutants_known.ndjson"), line;
    while (recorded_line(&rest, &line)) {
        struct json class;
        assert_true(json_parse(&class, arena, line));
        assert_true(class.n > 1 && class.items[0].text.n > 0);
        for (size_t i = 1; i < class.n; i++) {
            unsigned long number = strtoul(arena_str(arena, class.items[i].text).p, NULL, 10);
            assert_true(number < MUTANTS && !is_known[number]);
            is_known[number] = true;
        }
    }
}

static size_t number_of(struct arena *arena, const struct json *number)
{
    assert_int_equal(number->kind, JSON_NUMBER);
    return strtoul(arena_str(arena, number->text).p, NULL, 10);
}

static struct str mutant_text(struct arena *arena, const struct json *record)
{
    struct str text = recorded_file(arena, arena_printf(arena, "rules-engine/compile/bases/" STR_FMT ".rules",
                                                        STR_ARG(record->items[0].text)));
    for (size_t i = 0; i < record->items[1].n; i++) {
        const struct json *edit = record->items[1].items[i].items;
        size_t at = number_of(arena, &edit[0]), removed = number_of(arena, &edit[1]);
        struct str inserted = edit[2].text;
        assert_true(at <= text.n && removed <= text.n - at);
        char *made = arena_alloc(arena, text.n - removed + inserted.n + 1);
        memcpy(made, text.p, at);
        if (inserted.n > 0)
            memcpy(made + at, inserted.p, inserted.n);
        memcpy(made + at + inserted.n, text.p + at + removed, text.n - at - removed);
        text = str_from(made, text.n - removed + inserted.n);
    }
    return text;
}

/* The first error, or the nth warning of what compiled; "" past the end. */
static const char *finding(struct arena *arena, const struct rules_issues *issues, size_t n)
{
    for (size_t i = 0; i < issues->n; i++) {
        const struct rules_issue *issue = &issues->items[i];
        if (issues->errors > 0 ? issue->severity == RULES_ERROR && n == 0 : i == n)
            return arena_printf(arena, "%c %u:%u %s", issue->severity == RULES_ERROR ? 'E' : 'W', issue->line,
                                issue->column, issue->description);
    }
    return "";
}

static bool is_alike(struct arena *arena, const struct json *record, const struct rules_issues *issues)
{
    bool alike = number_of(arena, &record->items[2]) == issues->errors;
    size_t n = 0;
    for (; alike && n + 3 < record->n; n++)
        alike = str_eq_z(record->items[n + 3].text, finding(arena, issues, n));
    return alike && *finding(arena, issues, n) == '\0';
}

/* Both compile, or both have their first error at the same line and column. */
static bool is_at_same_place(struct arena *arena, const struct json *record,
                             const struct rules_issues *issues)
{
    bool theirs = number_of(arena, &record->items[2]) > 0, ours = issues->errors > 0;
    if (!theirs || !ours)
        return theirs == ours;
    const char *first = finding(arena, issues, 0);
    const char *text = strchr(first + 2, ' ');
    return str_starts(record->items[3].text, str_from(first, (size_t)(text - first + 1)));
}

static void replay(struct arena *arena, const struct json *record, size_t number)
{
    struct rules_file file = { STR("firestore.rules"), mutant_text(arena, record) };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    rules_compile(&ruleset, &file, 1, &issues, arena, &st);
    rules_release(ruleset);
    bool alike = is_alike(arena, record, &issues);
    tally.refused += number_of(arena, &record->items[2]) > 0;
    tally.same += alike;
    tally.same_place += is_at_same_place(arena, record, &issues);
    if (alike == is_known[number]) {
        tally.unexpected++;
        print_error("mutant %zu of " STR_FMT ": %s\n  theirs " STR_FMT "\n  ours   %s\n", number,
                    STR_ARG(record->items[0].text),
                    alike ? "is alike now: take it off mutants_known.ndjson" : "differs",
                    STR_ARG(record->n > 3 ? record->items[3].text : STR("nothing")),
                    finding(arena, &issues, 0));
    }
}

static void mutants_are_refused_where_googles_compiler_refuses_them(void **state)
{
    (void)state;
    struct arena *arena = arena_new(), *scratch = arena_new();
    read_known(arena);
    struct str rest = recorded_file(arena, "rules-engine/compile/mutants.ndjson"), line;
    for (; tally.mutants < MUTANTS && recorded_line(&rest, &line); tally.mutants++) {
        struct json record;
        assert_true(json_parse(&record, scratch, line));
        replay(scratch, &record, tally.mutants);
        arena_reset(scratch);
    }
    print_message("%zu mutants, %zu refused; %zu alike, %zu with verdict and place of the first error\n",
                  tally.mutants, tally.refused, tally.same, tally.same_place);
    assert_int_equal(tally.mutants, MUTANTS);
    assert_true(tally.same_place * 100 >= tally.mutants * 98);
    assert_int_equal(tally.unexpected, 0);
    arena_free(scratch);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(
        mutants_are_refused_where_googles_compiler_refuses_them) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

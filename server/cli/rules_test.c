/* rules_test.c - `cinderlog rules test [options] FILE ...`: runs test files of rules (ruletest.h), or with --replay
 * the writes of a ledger (rules_replay.h), against rules.
 *
 * Exit 0: all as expected; 1: not; 2: something cannot be read, does not parse or does not compile. */
#include "server/cli/rules_test.h"

#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "server/cli/args.h"
#include "server/cli/cli.h"
#include "server/cli/rules_replay.h"
#include "server/cli/watch.h"
#include "server/files.h"
#include "server/ops/rules_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTPUT_MAX = 256 * 1024 * 1024 };

/* Where the cases run. */
static const struct database_name database = { STR_INIT("demo-cinderlog"), STR_INIT("(default)") };

struct test_options {
    const char *rules, *only, *junit, *coverage;
    struct replay_options replay;
    bool list, watch;
    const char **files;
    size_t n_files;
};

/* ---- options ---- */

static int set_rules(void *options, const char *value)
{
    ((struct test_options *)options)->rules = value;
    return EXIT_OK;
}

static int set_only(void *options, const char *value)
{
    ((struct test_options *)options)->only = value;
    return EXIT_OK;
}

static int set_list(void *options, const char *value)
{
    (void)value;
    ((struct test_options *)options)->list = true;
    return EXIT_OK;
}

static int set_junit(void *options, const char *value)
{
    ((struct test_options *)options)->junit = value;
    return EXIT_OK;
}

static int set_coverage(void *options, const char *value)
{
    ((struct test_options *)options)->coverage = value;
    return EXIT_OK;
}

static int set_watch(void *options, const char *value)
{
    (void)value;
    ((struct test_options *)options)->watch = true;
    return EXIT_OK;
}

static int set_replay(void *options, const char *value)
{
    ((struct test_options *)options)->replay.data = value;
    return EXIT_OK;
}

static int set_principal(void *options, const char *value)
{
    return replay_add_principal(&((struct test_options *)options)->replay, value);
}

static const struct arg options[] = {
    { "--rules", "FILE", set_rules },       { "--only", "TEXT", set_only },
    { "--list", NULL, set_list },           { "--junit", "FILE", set_junit },
    { "--coverage", "FILE", set_coverage }, { "--watch", NULL, set_watch },
    { "--replay", "LEDGER", set_replay },   { "--principal", "RECORDED=FILE", set_principal },
};

static int parse_options(struct test_options *o, int argc, char **argv, struct arena *arena)
{
    o->files = ARENA_ARRAY(arena, const char *, (size_t)argc + 1);
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            o->files[o->n_files++] = argv[i];
            continue;
        }
        int code = args_read("rules test", options, sizeof options / sizeof *options, o, argc, argv, &i);
        if (code)
            return code;
    }
    if (o->replay.data && (o->n_files || o->list || o->only || o->junit))
        return cli_fail(
            EXIT_USAGE,
            "rules test --replay LEDGER takes no test files, and of the options --rules, --principal, "
            "--coverage and --watch");
    if (!o->replay.data && o->replay.n_principals)
        return cli_fail(EXIT_USAGE,
                        "--principal says who somebody in a ledger is: it belongs to --replay LEDGER");
    if (!o->replay.data && o->n_files == 0)
        return cli_fail(EXIT_USAGE, "which tests? cinderlog rules test FILE ...");
    return EXIT_OK;
}

/* ---- one run ---- */

struct run {
    const struct test_options *options;
    struct watch *watch;
    struct arena *arena;
    struct in_process *server;
    struct test_suite *suites;
    size_t n;
};

static int print_issue(const struct rules_issue *issue, struct str name, struct str text)
{
    struct rules_file file = { name, text };
    struct buf out;
    buf_init(&out, 1024 * 1024);
    rules_print_issue(&out, issue, &file, 1, isatty(STDERR_FILENO));
    fwrite(out.data, 1, out.len, stderr);
    buf_dispose(&out);
    return EXIT_USAGE;
}

static int read_tests(struct run *run, struct test_suite *suite, const char *path)
{
    struct status st = status_init(run->arena);
    struct rules_issue issue;
    struct str text;
    struct timestamp now = timestamp_from_us(clock_wall_us() / 1000 * 1000);
    watch_add(run->watch, path);
    if (file_read(&text, run->arena, path, RULETEST_MAX_BYTES, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    if (ruletest_parse(&suite->file, &issue, run->arena, str_of(path), text, database, now, &st))
        return issue.description ? print_issue(&issue, str_of(path), text)
                                 : cli_fail(EXIT_USAGE, "%s: %s", path, status_message(&st));
    if (suite->file.n == 0)
        return cli_fail(EXIT_USAGE, "%s: there is no allow and no deny in it", path);
    return EXIT_OK;
}

/* --rules, what the file says, what the project has. */
static int find_rules(const struct run *run, const char **path, const char *named)
{
    struct status st = status_init(run->arena);
    const char *why;
    *path = named;
    if (run->options->rules || !named)
        if (rules_file_find(path, &why, run->arena, run->options->rules, &st))
            return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    return *path ? EXIT_OK
                 : cli_fail(EXIT_USAGE,
                            "no rules: write `rules FILE` into the test file, or give --rules FILE");
}

static int load_rules(struct run *run, struct test_suite *suite)
{
    struct status st = status_init(run->arena);
    if (find_rules(run, &suite->rules, suite->file.rules))
        return EXIT_USAGE;
    for (const struct test_suite *other = run->suites; other < suite && !suite->ruleset; other++)
        if (strcmp(other->rules, suite->rules) == 0)
            suite->ruleset = other->ruleset; /* so that its coverage adds up */
    if (suite->ruleset) {
        rules_retain(suite->ruleset);
        return EXIT_OK;
    }
    watch_add(run->watch, suite->rules);
    if (rules_file_load(&suite->ruleset, suite->rules, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    return EXIT_OK;
}

static bool is_wanted(const struct run *run, const struct ruletest_case *c)
{
    return !run->options->only || strstr(test_name(run->arena, c), run->options->only);
}

static int run_suite(struct run *run, struct test_suite *suite)
{
    struct status st = status_init(run->arena);
    struct test_world world = { .server = run->server, .db = database };
    suite->results = ARENA_ARRAY(run->arena, struct test_result, suite->file.n);
    if (in_process_set_rules(run->server, suite->ruleset, &st))
        return cli_fail(EXIT_USAGE, "%s: %s", suite->rules, status_message(&st));
    for (size_t i = 0; i < suite->file.n; i++) {
        const struct ruletest_case *c = &suite->file.cases[i];
        if (!is_wanted(run, c)) {
            suite->left_out++;
            continue;
        }
        struct test_result *r = &suite->results[suite->n++];
        if (test_run(r, &world, c, run->arena, &st))
            return cli_fail(EXIT_USAGE, STR_FMT ":%u: %s", STR_ARG(suite->file.name), c->line,
                            status_message(&st));
        suite->failed += r->wrong != NULL;
    }
    return EXIT_OK;
}

/* ---- what came of it ---- */

static int list(const struct run *run)
{
    for (size_t i = 0; i < run->n; i++) {
        const struct ruletest_file *file = &run->suites[i].file;
        for (size_t j = 0; j < file->n; j++)
            if (is_wanted(run, &file->cases[j]))
                printf(STR_FMT ":%u: %s\n", STR_ARG(file->name), file->cases[j].line,
                       test_name(run->arena, &file->cases[j]));
    }
    return EXIT_OK;
}

static int write_file(const char *option, const char *path, const struct buf *content)
{
    struct status st = status_init(NULL);
    if (content->overflowed)
        return cli_fail(EXIT_USAGE, "%s: larger than %d bytes", option, OUTPUT_MAX);
    return file_write(path, buf_view(content), &st)
               ? cli_fail(EXIT_USAGE, "%s %s", option, status_message(&st))
               : EXIT_OK;
}

/* The tracefile of every ruleset, one behind the other, as lcov takes it. */
static int write_coverage(const struct run *run)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    for (size_t i = 0; i < run->n; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again = again || run->suites[j].ruleset == run->suites[i].ruleset;
        if (!again)
            rules_coverage_lcov(&out, run->suites[i].ruleset, run->arena);
    }
    int code = write_file("--coverage", run->options->coverage, &out);
    buf_dispose(&out);
    return code;
}

static int write_junit(const struct run *run)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    test_print_junit(&out, run->suites, run->n);
    int code = write_file("--junit", run->options->junit, &out);
    buf_dispose(&out);
    return code;
}

static int report(const struct run *run)
{
    size_t passed = 0, failed = 0, left_out = 0;
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    for (size_t i = 0; i < run->n; i++) {
        test_print_suite(&out, &run->suites[i], isatty(STDOUT_FILENO));
        passed += run->suites[i].n - run->suites[i].failed;
        failed += run->suites[i].failed;
        left_out += run->suites[i].left_out;
    }
    test_print_coverage(&out, run->suites, run->n);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
    if (run->options->junit && write_junit(run))
        return EXIT_USAGE;
    if (run->options->coverage && write_coverage(run))
        return EXIT_USAGE;
    if (passed + failed == 0)
        return cli_fail(EXIT_USAGE, "--only '%s' leaves nothing to run", run->options->only);
    printf("%zu passed, %zu failed", passed, failed);
    if (left_out)
        printf(", %zu left out", left_out);
    putchar('\n');
    return failed ? EXIT_RUNTIME : EXIT_OK;
}

static int run_all(struct run *run)
{
    struct status st = status_init(run->arena);
    int code = EXIT_OK;
    for (size_t i = 0; i < run->n && code == EXIT_OK; i++) {
        code = read_tests(run, &run->suites[i], run->options->files[i]);
        if (code == EXIT_OK && !run->options->list)
            code = load_rules(run, &run->suites[i]);
    }
    if (code || run->options->list)
        return code ? code : list(run);
    if (in_process_open(&run->server, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    for (size_t i = 0; i < run->n && code == EXIT_OK; i++)
        code = run_suite(run, &run->suites[i]);
    in_process_close(run->server);
    return code ? code : report(run);
}

static int run_tests(void *data, struct watch *watch)
{
    const struct test_options *o = data;
    struct run run = { .options = o, .watch = watch, .arena = arena_new(), .n = o->n_files };
    run.suites = ARENA_ARRAY(run.arena, struct test_suite, run.n);
    int code = run_all(&run);
    for (size_t i = 0; i < run.n; i++)
        rules_release(run.suites[i].ruleset);
    arena_free(run.arena);
    return code;
}

/* ---- replay ---- */

static int run_replay(void *data, struct watch *watch)
{
    const struct test_options *o = data;
    struct run run = { .options = o, .watch = watch, .arena = arena_new(), .n = 1 };
    struct test_suite suite = { 0 };
    struct status st = status_init(run.arena);
    run.suites = &suite;
    int code = load_rules(&run, &suite);
    if (code == EXIT_OK && in_process_open(&run.server, &st))
        code = cli_fail(EXIT_USAGE, "%s", status_message(&st));
    if (code == EXIT_OK && in_process_set_rules(run.server, suite.ruleset, &st))
        code = cli_fail(EXIT_USAGE, "%s: %s", suite.rules, status_message(&st));
    if (code == EXIT_OK)
        code = replay_run(&o->replay, run.server, suite.rules);
    in_process_close(run.server);
    if (code < EXIT_USAGE && o->coverage && write_coverage(&run))
        code = EXIT_USAGE;
    rules_release(suite.ruleset);
    arena_free(run.arena);
    return code;
}

static int help(void)
{
    printf(
        "cinderlog rules test [options] FILE ...\n"
        "cinderlog rules test --replay LEDGER [options]\n"
        "  --rules FILE                the rules, whatever test files say (default: what they say, then "
        "firebase.json,\n"
        "                              then firestore.rules)\n"
        "  --only TEXT                 those whose \"TEST: allow REQUEST\" has TEXT in it\n"
        "  --list                      tell them, run nothing\n"
        "  --junit FILE                the results as JUnit's XML\n"
        "  --coverage FILE             what of the rules was reached, as lcov's tracefile\n"
        "  --watch                     run again whenever a file changes; Ctrl-C ends\n"
        "  --replay LEDGER             ask the rules about every write that a ledger (serve --data) records\n"
        "  --principal RECORDED=FILE   who somebody in the ledger is: user:svc=svc.json, owner=svc.json\n"
        "Exit 0: all as expected; 1: not; 2: usage, or a file that cannot be read, parsed or compiled.\n\n%s",
        ruletest_format);
    return EXIT_OK;
}

int cli_rules_test(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
    struct arena *arena = arena_new();
    struct test_options o = { 0 };
    int code = parse_options(&o, argc, argv, arena);
    if (code == EXIT_OK)
        code = watch_run(o.watch, o.replay.data ? run_replay : run_tests, &o);
    arena_free(arena);
    return code;
}

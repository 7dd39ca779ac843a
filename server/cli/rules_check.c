/* rules_check.c - `cinderlog rules check [options] [FILE ...]`: compiles, lints, prints; exit 1 when
 * something was found that --fail-on asks for and the baseline does not have. */
#include "server/cli/rules_check.h"

#include "core/limits.h"
#include "server/cli/args.h"
#include "server/cli/cli.h"
#include "server/cli/watch.h"
#include "server/files.h"
#include "server/ops/rules_file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { OUTPUT_MAX = 64 * 1024 * 1024 };

/* ---- options ---- */

static const struct {
    const char *name;
    void (*print)(struct buf *out, const struct check_options *o, const struct checked_file *files, size_t n);
} formats[CHECK_FORMATS] = {
    [CHECK_TEXT] = { "text", check_print_text },
    [CHECK_JSON] = { "json", check_print_json },
    [CHECK_SARIF] = { "sarif", check_print_sarif },
    [CHECK_GITHUB] = { "github", check_print_github },
};

static int set_format(void *options, const char *value)
{
    for (unsigned i = 0; i < CHECK_FORMATS; i++) {
        if (strcmp(value, formats[i].name) == 0) {
            ((struct check_options *)options)->format = i;
            return EXIT_OK;
        }
    }
    return cli_fail(EXIT_USAGE, "--format is text, json, sarif or github, not '%s'", value);
}

static int set_fail_on(void *options, const char *value)
{
    struct check_options *o = options;
    if (strcmp(value, "error") != 0 && strcmp(value, "warning") != 0)
        return cli_fail(EXIT_USAGE, "--fail-on is error or warning, not '%s'", value);
    o->fail_on = value[0] == 'e' ? RULES_ERROR : RULES_WARNING;
    o->fail_on_given = true;
    return EXIT_OK;
}

static int add_append_only(void *options, const char *value)
{
    struct check_options *o = options;
    if (!path_pattern_valid(str_of(value)))
        return cli_fail(EXIT_USAGE,
                        "--append-only takes a pattern such as api_audit_logs or tenants/*/logs, not '%s'",
                        value);
    if (o->n_append_only == CHECK_MAX_PATTERNS)
        return cli_fail(EXIT_USAGE, "--append-only: at most %d patterns", CHECK_MAX_PATTERNS);
    o->append_only[o->n_append_only++] = str_of(value);
    return EXIT_OK;
}

static int set_baseline(void *options, const char *value)
{
    ((struct check_options *)options)->baseline = value;
    return EXIT_OK;
}

static int set_write_baseline(void *options, const char *value)
{
    (void)value;
    ((struct check_options *)options)->write_baseline = true;
    return EXIT_OK;
}

static int set_watch(void *options, const char *value)
{
    (void)value;
    ((struct check_options *)options)->watch = true;
    return EXIT_OK;
}

static const struct arg options[] = {
    { "--format", "text|json|sarif|github", set_format }, { "--fail-on", "error|warning", set_fail_on },
    { "--append-only", "PATTERN", add_append_only },      { "--baseline", "FILE", set_baseline },
    { "--write-baseline", NULL, set_write_baseline },     { "--watch", NULL, set_watch },
};

static int read_arguments(struct check_options *o, const char **paths, size_t *n, int argc, char **argv)
{
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        if (argv[i][0] == '-')
            code = args_read("rules check", options, sizeof options / sizeof *options, o, argc, argv, &i);
        else
            paths[(*n)++] = argv[i];
    }
    if (code == EXIT_OK && o->write_baseline && !o->baseline)
        return cli_fail(EXIT_USAGE, "--write-baseline needs --baseline FILE: which file?");
    if (code == EXIT_OK && o->write_baseline && o->watch)
        return cli_fail(EXIT_USAGE, "--write-baseline is done once, and --watch goes on: one of them");
    /* Who keeps a baseline asks that findings do not grow, of whatever level. */
    if (o->baseline && !o->fail_on_given)
        o->fail_on = RULES_WARNING;
    return code;
}

/* ---- checking ---- */

static int check_one(struct checked_file *out, const struct check_options *o, const char *path,
                     struct arena *arena)
{
    struct status st = status_init(arena);
    struct rules_lint_options lint = { o->append_only, o->n_append_only, (int64_t)time(NULL) };
    out->file.name = str_of(path);
    if (file_read(&out->file.content, arena, path, LIMIT_RULES_SOURCE_BYTES, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    if (rules_compile(&out->ruleset, &out->file, 1, &out->issues, arena, &st) == STATUS_OK)
        rules_lint(out->ruleset, &lint, &out->issues, arena);
    else
        rules_explain(&out->file, 1, &out->issues);
    check_mark(out, arena);
    return EXIT_OK;
}

/* The file that the project names, when none was given. */
static int find_file(const char **path, struct arena *arena)
{
    struct status st = status_init(arena);
    const char *why;
    if (rules_file_find(path, &why, arena, NULL, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    return *path ? EXIT_OK : cli_fail(EXIT_USAGE, "no rules file here: cinderlog rules check FILE");
}

/* What there was no room for cannot be known. */
static bool fails(const struct check_options *o, const struct checked_file *file)
{
    if (file->issues.dropped_errors || (o->fail_on == RULES_WARNING && file->issues.dropped))
        return true;
    for (size_t i = 0; i < file->issues.n; i++)
        if (!file->marks[i].known &&
            (o->fail_on == RULES_WARNING || file->issues.items[i].severity == RULES_ERROR))
            return true;
    return false;
}

static void print(const struct check_options *o, const struct checked_file *files, size_t n)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    formats[o->format].print(&out, o, files, n);
    if (out.len) /* github prints nothing when nothing is new */
        fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
}

/* What was found, against the baseline. */
static int judge(const struct check_options *o, struct checked_file *files, size_t n)
{
    int code = EXIT_OK;
    if (o->write_baseline)
        code = check_write_baseline(files, n, o->baseline);
    if (o->baseline && code == EXIT_OK)
        code = check_read_baseline(files, n, o->baseline);
    if (code != EXIT_OK)
        return code;
    print(o, files, n);
    for (size_t i = 0; i < n; i++)
        code = fails(o, &files[i]) ? EXIT_RUNTIME : code;
    return code;
}

struct check_run {
    const struct check_options *options;
    const char **paths;
    size_t n;
};

/* As watch.h has it. */
static int check_all(void *data, struct watch *watch)
{
    const struct check_run *run = data;
    struct arena *arena = arena_new();
    struct checked_file *files = ARENA_ARRAY(arena, struct checked_file, run->n);
    int code = EXIT_OK;
    for (size_t i = 0; i < run->n && code == EXIT_OK; i++) {
        watch_add(watch, run->paths[i]);
        code = check_one(&files[i], run->options, run->paths[i], arena);
    }
    if (code == EXIT_OK)
        code = judge(run->options, files, run->n);
    for (size_t i = 0; i < run->n; i++)
        rules_release(files[i].ruleset);
    arena_free(arena);
    return code;
}

static int help(void)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    check_print_help(&out);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
    return EXIT_OK;
}

int cli_rules_check(int argc, char **argv)
{
    struct check_options o = { .format = CHECK_TEXT, .fail_on = RULES_ERROR };
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
    struct arena *arena = arena_new();
    struct check_run run = { .options = &o, .paths = ARENA_ARRAY(arena, const char *, (size_t)argc + 1) };
    int code = read_arguments(&o, run.paths, &run.n, argc, argv);
    if (code == EXIT_OK && run.n == 0)
        code = find_file(&run.paths[run.n++], arena);
    if (code == EXIT_OK)
        code = watch_run(o.watch, check_all, &run);
    arena_free(arena);
    return code;
}

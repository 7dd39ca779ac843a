/* rules_check.c - `cinderlog rules check [options] [FILE ...]`: compiles, lints, prints; exit 1 when
 * something was found that --fail-on asks for. */
#include "server/cli/rules_check.h"

#include "core/limits.h"
#include "server/cli/cli.h"
#include "server/files.h"
#include "server/ops/rules_file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 * 1024 * 1024 };

/* ---- text ---- */

const char *check_verdict(struct arena *arena, const struct checked_file *file, struct str pattern)
{
    size_t grants = rules_append_only_grants(file->ruleset, pattern);
    if (grants == 0)
        return "no granting path found (not a proof)";
    return arena_printf(arena, "%zu %s update or delete, see append-only above", grants,
                        grants == 1 ? "line grants" : "lines grant");
}

void check_print_text(struct buf *out, const struct check_options *options, const struct checked_file *files,
                      size_t n)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < n; i++) {
        const struct rules_issues *issues = &files[i].issues;
        size_t warnings = issues->n - issues->errors;
        for (size_t j = 0; j < issues->n; j++)
            rules_print_issue(out, &issues->items[j], &files[i].file, 1, isatty(STDOUT_FILENO));
        for (size_t j = 0; j < options->n_append_only && files[i].ruleset; j++)
            buf_printf(out, "append-only '" STR_FMT "': %s\n", STR_ARG(options->append_only[j]),
                       check_verdict(arena, &files[i], options->append_only[j]));
        buf_printf(out, STR_FMT ": %zu error%s, %zu warning%s\n", STR_ARG(files[i].file.name), issues->errors,
                   issues->errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    }
    arena_free(arena);
}

/* ---- options ---- */

static int set_format(struct check_options *o, const char *value)
{
    static const char *const names[] = {
        [CHECK_TEXT] = "text", [CHECK_JSON] = "json", [CHECK_SARIF] = "sarif"
    };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value, names[i]) == 0) {
            o->format = i;
            return EXIT_OK;
        }
    }
    return cli_fail(EXIT_USAGE, "--format is text, json or sarif, not '%s'", value);
}

static int set_fail_on(struct check_options *o, const char *value)
{
    if (strcmp(value, "error") != 0 && strcmp(value, "warning") != 0)
        return cli_fail(EXIT_USAGE, "--fail-on is error or warning, not '%s'", value);
    o->fail_on = value[0] == 'e' ? RULES_ERROR : RULES_WARNING;
    return EXIT_OK;
}

static int add_append_only(struct check_options *o, const char *value)
{
    if (!path_pattern_valid(str_of(value)))
        return cli_fail(EXIT_USAGE,
                        "--append-only takes a pattern such as api_audit_logs or tenants/*/logs, not '%s'",
                        value);
    if (o->n_append_only == CHECK_MAX_PATTERNS)
        return cli_fail(EXIT_USAGE, "--append-only: at most %d patterns", CHECK_MAX_PATTERNS);
    o->append_only[o->n_append_only++] = str_of(value);
    return EXIT_OK;
}

static const struct {
    const char *name;
    int (*set)(struct check_options *o, const char *value);
} options[] = {
    { "--format", set_format },
    { "--fail-on", set_fail_on },
    { "--append-only", add_append_only },
};

/* Takes the option at argv[*i], with its value there or in the next argument. */
static int read_option(struct check_options *o, int argc, char **argv, int *i)
{
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        size_t n = strlen(options[k].name);
        if (strncmp(argv[*i], options[k].name, n) != 0)
            continue;
        if (argv[*i][n] == '=')
            return options[k].set(o, argv[*i] + n + 1);
        if (argv[*i][n] == '\0' && *i + 1 < argc)
            return options[k].set(o, argv[++*i]);
        if (argv[*i][n] == '\0')
            return cli_fail(EXIT_USAGE, "%s needs a value", argv[*i]);
    }
    return cli_fail(EXIT_USAGE,
                    "rules check has no option '%s'; it has --format text|json|sarif, "
                    "--fail-on error|warning and --append-only PATTERN",
                    argv[*i]);
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
    if (out->issues.errors || (o->fail_on == RULES_WARNING && out->issues.n))
        return EXIT_RUNTIME;
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

static void print(const struct check_options *o, const struct checked_file *files, size_t n)
{
    struct buf out;
    buf_init(&out, OUTPUT_MAX);
    if (o->format == CHECK_TEXT)
        check_print_text(&out, o, files, n);
    else if (o->format == CHECK_JSON)
        check_print_json(&out, o, files, n);
    else
        check_print_sarif(&out, files, n);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
}

static int check_all(const struct check_options *o, const char **paths, size_t n, struct arena *arena)
{
    struct checked_file *files = ARENA_ARRAY(arena, struct checked_file, n);
    int worst = EXIT_OK;
    for (size_t i = 0; i < n && worst < EXIT_USAGE; i++) {
        int code = check_one(&files[i], o, paths[i], arena);
        worst = code > worst ? code : worst;
    }
    if (worst < EXIT_USAGE)
        print(o, files, n);
    for (size_t i = 0; i < n; i++)
        rules_release(files[i].ruleset);
    return worst;
}

int cli_rules_check(int argc, char **argv)
{
    struct check_options o = { .format = CHECK_TEXT, .fail_on = RULES_ERROR };
    struct arena *arena = arena_new();
    const char **paths = ARENA_ARRAY(arena, const char *, (size_t)argc + 1);
    size_t n = 0;
    int code = EXIT_OK;
    for (int i = 1; i < argc && code == EXIT_OK; i++) {
        if (argv[i][0] == '-')
            code = read_option(&o, argc, argv, &i);
        else
            paths[n++] = argv[i];
    }
    if (code == EXIT_OK && n == 0)
        code = find_file(&paths[n++], arena);
    if (code == EXIT_OK)
        code = check_all(&o, paths, n, arena);
    arena_free(arena);
    return code;
}

/* rules.c - `cinderlog rules check FILE...`: findings with carets; exit 0 when there are none of level error. */
#include "core/limits.h"
#include "rules-engine/rules.h"
#include "server/cli/cli.h"
#include "server/files.h"
#include "server/ops/rules_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

static int check_file(const char *path)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct rules_file file = { .name = str_of(path) };
    struct rules_issues issues = { 0 };
    struct ruleset *ruleset = NULL;
    struct buf out;
    int code = EXIT_OK;
    buf_init(&out, OUTPUT_MAX);
    if (file_read(&file.content, arena, path, LIMIT_RULES_SOURCE_BYTES, &st)) {
        code = cli_fail(EXIT_USAGE, "%s", status_message(&st));
        goto out;
    }
    if (rules_compile(&ruleset, &file, 1, &issues, arena, &st) == STATUS_OK)
        rules_lint(ruleset, NULL, &issues, arena);
    size_t errors = 0;
    for (size_t i = 0; i < issues.n; i++) {
        errors += issues.items[i].severity == RULES_ERROR;
        rules_print_issue(&out, &issues.items[i], &file, 1, isatty(STDOUT_FILENO));
    }
    buf_printf(&out, "%s: %zu error%s, %zu warning%s\n", path, errors, errors == 1 ? "" : "s", issues.n - errors,
               issues.n - errors == 1 ? "" : "s");
    fwrite(out.data, 1, out.len, stdout);
    code = errors ? EXIT_RUNTIME : EXIT_OK;
out:
    rules_release(ruleset);
    buf_dispose(&out);
    arena_free(arena);
    return code;
}

static int check(int argc, char **argv)
{
    int worst = EXIT_OK;
    if (argc < 2) {
        struct arena *arena = arena_new();
        struct status st = status_init(arena);
        const char *path, *why;
        if (rules_file_find(&path, &why, arena, NULL, &st))
            worst = cli_fail(EXIT_USAGE, "%s", status_message(&st));
        else if (!path)
            worst = cli_fail(EXIT_USAGE, "no rules file here: cinderlog rules check FILE");
        else
            worst = check_file(path);
        arena_free(arena);
        return worst;
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            return cli_fail(EXIT_USAGE, "rules check takes files only, not '%s'", argv[i]);
        int code = check_file(argv[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

int cli_rules(int argc, char **argv)
{
    static const char *const later[] = { "test", "push", "coverage" };
    if (argc < 2)
        return cli_fail(EXIT_USAGE, "rules needs a command: cinderlog rules check [FILE ...]");
    if (strcmp(argv[1], "check") == 0)
        return check(argc - 1, argv + 1);
    if (strcmp(argv[1], "builtins") == 0)
        return cli_rules_builtins(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (strcmp(argv[1], later[i]) == 0)
            return cli_fail(EXIT_USAGE, "rules %s is not implemented yet; rules check is", argv[1]);
    return cli_fail(EXIT_USAGE, "unknown: rules %s; use cinderlog rules check [FILE ...]", argv[1]);
}

/* rules.c - `cinderlog rules COMMAND`: the tools about rules, one file each. */
#include "server/cli/cli.h"

#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "check", cli_rules_check },
    { "builtins", cli_rules_builtins },
    { "coverage", cli_rules_coverage },
    { "test", cli_rules_test },
    { "push", cli_rules_push },
};

int cli_rules(int argc, char **argv)
{
    if (argc < 2)
        return cli_fail(EXIT_USAGE, "rules needs a command: check, test, push, coverage or builtins");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return cli_fail(EXIT_USAGE, "unknown: rules %s; there are rules check, test, push, coverage and builtins", argv[1]);
}

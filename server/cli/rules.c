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
};

int cli_rules(int argc, char **argv)
{
    static const char *const later[] = { "test", "push" };
    if (argc < 2)
        return cli_fail(EXIT_USAGE, "rules needs a command: cinderlog rules check [FILE ...]");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (strcmp(argv[1], later[i]) == 0)
            return cli_fail(EXIT_USAGE, "rules %s is not implemented yet; rules check is", argv[1]);
    return cli_fail(EXIT_USAGE, "unknown: rules %s; use cinderlog rules check [FILE ...]", argv[1]);
}

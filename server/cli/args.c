/* args.c - see args.h. */
#include "server/cli/args.h"

#include "core/buf.h"
#include "server/cli/cli.h"

#include <string.h>

enum { LIST_MAX = 4096 };

static int unknown(const char *command, const struct arg *table, size_t n, const char *given)
{
    struct buf list;
    buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%s%s%s",
                   i == 0       ? ""
                   : i + 1 == n ? " and "
                                : ", ",
                   table[i].name, table[i].value ? " " : "", table[i].value ? table[i].value : "");
    int code = cli_fail(EXIT_USAGE, "%s has no option '%s'; it has " STR_FMT, command, given,
                        STR_ARG(buf_view(&list)));
    buf_dispose(&list);
    return code;
}

int args_read(const char *command, const struct arg *table, size_t n, void *options, int argc, char **argv,
              int *i)
{
    const char *given = argv[*i];
    for (size_t k = 0; k < n; k++) {
        size_t length = strlen(table[k].name);
        if (strncmp(given, table[k].name, length) != 0 || (given[length] != '\0' && given[length] != '='))
            continue;
        if (!table[k].value)
            return given[length] ? cli_fail(EXIT_USAGE, "%s takes no value", table[k].name)
                                 : table[k].set(options, NULL);
        if (given[length] == '=')
            return table[k].set(options, given + length + 1);
        if (*i + 1 < argc)
            return table[k].set(options, argv[++*i]);
        return cli_fail(EXIT_USAGE, "%s needs a value: %s %s", given, given, table[k].value);
    }
    return unknown(command, table, n, given);
}

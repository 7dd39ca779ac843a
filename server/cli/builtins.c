/* builtins.c - `cinderlog rules builtins`: the functions that rules can call, with what each does. */
#include "rules-engine/rules.h"
#include "server/cli/cli.h"

#include <stdio.h>

enum { OUTPUT_MAX = 256 * 1024 };

int cli_rules_builtins(int argc, char **argv)
{
    struct buf out;
    if (argc > 1)
        return cli_fail(EXIT_USAGE, "rules builtins takes no arguments, not '%s'", argv[1]);
    buf_init(&out, OUTPUT_MAX);
    rules_print_builtins(&out);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
    return EXIT_OK;
}

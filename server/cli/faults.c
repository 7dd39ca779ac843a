/* faults.c - `cinderlog faults`: what --fault and /cinderlog/v1/faults understand. */
#include "server/cli/cli.h"
#include "server/faults/fault.h"

#include <stdio.h>

enum { OUTPUT_MAX = 64 * 1024 };

int cli_faults(int argc, char **argv)
{
    struct buf out;
    if (argc > 1)
        return cli_fail(EXIT_USAGE, "faults takes no arguments, not '%s'", argv[1]);
    buf_init(&out, OUTPUT_MAX);
    fault_print_help(&out);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
    return EXIT_OK;
}

/* request_log.c - `cinderlog request-log`: the fields of --request-log, and what other schemas call them. */
#include "server/cli/cli.h"
#include "server/ops/request_fields.h"

#include <stdio.h>

enum { OUTPUT_MAX = 64 * 1024 };

int cli_request_log(int argc, char **argv)
{
    struct buf out;
    if (argc > 1)
        return cli_fail(EXIT_USAGE, "request-log takes no arguments, not '%s'", argv[1]);
    buf_init(&out, OUTPUT_MAX);
    request_fields_print(&out);
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
    return EXIT_OK;
}

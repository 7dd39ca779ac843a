/* serve.c - `cinderlog serve`, the default command. */
#include "server/cli/cli.h"

int cli_serve(int argc, char **argv)
{
    struct options options;
    struct status st = status_init(NULL);
    int rest;
    if (options_parse(&options, OPTIONS_SERVE, argc, argv, 1, &rest, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    if (rest < argc)
        return cli_fail(EXIT_USAGE, "serve takes no command; did you mean: cinderlog exec -- %s",
                        rest + 1 < argc ? argv[rest + 1] : "CMD");
    return app_serve(&options, NULL);
}

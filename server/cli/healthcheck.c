/* healthcheck.c - `cinderlog healthcheck [HOST:PORT]`: exit 0 when ready, for images without curl. */
#include "core/clock.h"
#include "server/cli/cli.h"
#include "server/cli/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 3000 };

/* The address: the argument, CINDERLOG_PORT (an image's own configuration), FIRESTORE_EMULATOR_HOST, 8080. */
static const char *address_of(int argc, char **argv, char *room, size_t size)
{
    const char *port = getenv("CINDERLOG_PORT"), *host = getenv("FIRESTORE_EMULATOR_HOST");
    if (argc > 1)
        return argv[1];
    if (port && *port) {
        snprintf(room, size, "127.0.0.1:%s", port);
        return room;
    }
    return host && *host ? host : "127.0.0.1:8080";
}

int cli_healthcheck(int argc, char **argv)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    const char *host;
    uint16_t port;
    char room[64];
    int code = EXIT_RUNTIME;
    if (argc > 2) {
        code = cli_fail(EXIT_USAGE, "healthcheck takes one address: cinderlog healthcheck [HOST:PORT]");
        goto out;
    }
    const char *address = address_of(argc, argv, room, sizeof room);
    if (!options_parse_address(str_of(address), arena, &host, &port)) {
        code = cli_fail(EXIT_USAGE, "'%s' is not HOST:PORT", address);
        goto out;
    }
    int http_status;
    if (http_get(&http_status, NULL, host, port, "/readyz", WAIT_MS, &st))
        code = cli_fail(EXIT_RUNTIME, "%s is not ready: %s", address, status_message(&st));
    else if (http_status != 200)
        code = cli_fail(EXIT_RUNTIME, "%s is not ready: /readyz answers %d", address, http_status);
    else
        code = EXIT_OK;
out:
    arena_free(arena);
    return code;
}

/* coverage.c - `cinderlog rules coverage [HOST:PORT]`: what a running server's rules were exercised with. */
#include "server/cli/cli.h"
#include "server/cli/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 10000, ANSWER_MAX = 64 * 1024 * 1024, MAX_PROJECT = 128 };

struct coverage_options {
    const char *address, *project, *format;
};

static bool is_one_of(const char *text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return true;
    return false;
}

static bool is_project(const char *text)
{
    return *text && strlen(text) <= MAX_PROJECT &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(text);
}

static int parse(struct coverage_options *o, int argc, char **argv)
{
    static const char *const formats[] = { "text", "lcov", "json" };
    const struct options none = { 0 };
    *o = (struct coverage_options){ .project = options_project(&none), .format = "text" };
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--format") == 0 && value &&
            is_one_of(value, formats, sizeof formats / sizeof *formats))
            o->format = argv[++i];
        else if ((strcmp(argv[i], "--project") == 0 || strcmp(argv[i], "--project_id") == 0) && value)
            o->project = argv[++i];
        else if (argv[i][0] == '-')
            return cli_fail(EXIT_USAGE,
                            "rules coverage: unknown or incomplete option %s; it takes --project ID and "
                            "--format text|lcov|json",
                            argv[i]);
        else if (o->address)
            return cli_fail(EXIT_USAGE, "rules coverage takes one HOST:PORT, got '%s' and '%s'", o->address,
                            argv[i]);
        else
            o->address = argv[i];
    }
    if (!is_project(o->project))
        return cli_fail(EXIT_USAGE, "rules coverage: --project '%s' is no project id", o->project);
    if (!o->address)
        o->address = getenv("FIRESTORE_EMULATOR_HOST");
    return o->address
               ? EXIT_OK
               : cli_fail(EXIT_USAGE, "rules coverage: which server? cinderlog rules coverage HOST:PORT");
}

static int print(const struct coverage_options *o, const char *host, uint16_t port)
{
    struct status st = status_init(NULL);
    struct buf target, body;
    int http_status = 0, code = EXIT_OK;
    buf_init(&target, 8192);
    buf_init(&body, ANSWER_MAX);
    buf_printf(&target, "/emulator/v1/projects/%s:ruleCoverage", o->project);
    if (strcmp(o->format, "json") != 0)
        buf_printf(&target, "?format=%s", o->format);
    buf_byte(&target, '\0');
    if (http_get(&http_status, &body, host, port, (const char *)target.data, WAIT_MS, &st))
        code = cli_fail(EXIT_USAGE, "%s: %s", o->address, status_message(&st));
    else if (http_status != 200)
        code = cli_fail(EXIT_RUNTIME, "%s answered %d: %.*s", o->address, http_status, (int)body.len,
                        body.data ? (const char *)body.data : "");
    else if (fwrite(body.data, 1, body.len, stdout) != body.len)
        code = EXIT_RUNTIME;
    buf_dispose(&target);
    buf_dispose(&body);
    return code;
}

int cli_rules_coverage(int argc, char **argv)
{
    struct coverage_options o;
    const char *host;
    uint16_t port;
    int code = parse(&o, argc, argv);
    if (code)
        return code;
    struct arena *arena = arena_new();
    code = options_parse_address(str_of(o.address), arena, &host, &port)
               ? print(&o, host, port)
               : cli_fail(EXIT_USAGE, "rules coverage: '%s' is no HOST:PORT", o.address);
    arena_free(arena);
    return code;
}

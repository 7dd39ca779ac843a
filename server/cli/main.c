/* main.c - the command table, --help and --version. */
#include "core/log.h"
#include "server/cli/cli.h"
#include "server/cli/shim.h"
#include "server/rpc/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *help;
} commands[] = {
    { "serve", cli_serve, "[serve] [options]", "start the emulator" },
    { "exec", cli_exec, "exec [options] -- CMD", "start on a free port, run CMD against it, stop, exit with CMD's code" },
    { "healthcheck", cli_healthcheck, "healthcheck [HOST:PORT]", "exit 0 when the server is ready" },
    { "rules", cli_rules, "rules check [options] [FILE ...]", "compile rules and find what means something else than it says; --format text|json|sarif" },
    { "rules", cli_rules, "rules coverage HOST:PORT [--project ID] [--format text|lcov|json]", "which rules, conditions and values a running server has seen" },
    { "rules", cli_rules, "rules test [options] FILE ...", "requests and what the rules must say to them; --only TEXT, --list, --junit FILE, --coverage FILE, --watch" },
    { "rules", cli_rules, "rules test --replay LEDGER [--rules FILE] [--principal RECORDED=FILE]", "which recorded writes these rules would refuse" },
    { "rules", cli_rules, "rules push [FILE] [HOST:PORT] [--project ID] [--watch]", "give rules to a running server" },
    { "faults", cli_faults, "faults", "the effects and keys of --fault" },
    { "verify", cli_verify, "verify DATA [--since SEQ:CHAIN]", "recompute every hash: 0 intact, 1 tampered, 2 unreadable" },
    { "log", cli_log, "log DATA|HOST:PORT [--denied] [--request ID] [--path P] [--follow] [--format text|ndjson]", "the ledger: versions, denials, rule changes" },
    { "request-log", cli_request_log, "request-log", "the fields of --request-log, and what Cloud Logging, ECS and OpenTelemetry call them" },
    { "shim", cli_shim, "shim java|gcloud -- CMD", "run CMD with a java or gcloud on its PATH that starts cinderlog where Google's emulator is asked for" },
    { "shim", cli_shim, "shim java|gcloud ARGS", "be that command, as a link named java or gcloud to this program is" },
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

int cli_fail(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("cinderlog: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

static int help(void)
{
    struct buf out;
    buf_init(&out, 64 * 1024);
    buf_z(&out, "cinderlog - a local, Firestore-compatible emulator with an append-only, tamper-evident ledger\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(&out, "cinderlog %s\n    %s\n", commands[i].usage, commands[i].help);
    buf_z(&out, "cinderlog --version | --help | --list-rpcs\n\nOptions of serve and exec; each is also a variable CINDERLOG_NAME "
                "(',' separates repeated values):\n");
    options_print_help(&out);
    buf_z(&out, "\nExit codes: 0 ok, 1 runtime, 2 usage, 3 port in use, 4 data locked or damaged; exec: CMD's, or 125.\n");
    fwrite(out.data, 1, out.len, stdout);
    buf_dispose(&out);
    return EXIT_OK;
}

/* For scripts and tests: name, whether it is answered, verb and path. */
static int list_rpcs(void)
{
    for (size_t i = 0; i < rpc_count; i++)
        printf("%s\t%s\t%s\t%s\n", rpc_table[i].name, rpc_table[i].run ? "yes" : "no",
               rpc_table[i].http_method ? rpc_table[i].http_method : "-",
               rpc_table[i].http_template ? rpc_table[i].http_template : "-");
    return EXIT_OK;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    static const char *const later[] = { "export", "import", "backup" };
    const char *first = argc > 1 ? argv[1] : "serve";
    if (argc > 0 && shim_is_name(argv[0]))
        return shim_run(argc, argv);
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0)
        return help();
    if (strcmp(first, "--version") == 0) {
        printf("cinderlog %s\n", CINDERLOG_VERSION);
        return EXIT_OK;
    }
    if (strcmp(first, "--list-rpcs") == 0)
        return list_rpcs();
    if (argc < 2 || (first[0] == '-' && first[1] == '-'))
        return cli_serve(argc, argv);
    const struct command *command = find(strcmp(first, "start") == 0 ? "serve" : first);
    if (command)
        return command->run(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (strcmp(first, later[i]) == 0)
            return cli_fail(EXIT_USAGE, "%s is not implemented yet", first);
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *near = options_nearest(str_of(first), names, COMMAND_COUNT);
    return cli_fail(EXIT_USAGE, "unknown command '%s'; %s%s", first, near ? "did you mean cinderlog " : "see cinderlog --help",
                    near ? near : "");
}

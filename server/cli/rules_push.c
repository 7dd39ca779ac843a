/* rules_push.c - `cinderlog rules push [FILE] [HOST:PORT]`: gives rules to a running server, ours or
 * Google's.
 *
 * They are compiled here first: what is found is told with its place, and what does not compile is not sent.
 * Exit 0: in force; 1: refused, here or there; 2: usage, or no server. */
#include "core/codec.h"
#include "core/limits.h"
#include "server/auth/claims.h"
#include "server/cli/args.h"
#include "server/cli/cli.h"
#include "server/cli/http_client.h"
#include "server/cli/watch.h"
#include "server/files.h"
#include "server/ops/rules_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 10000, MESSAGE_MAX = 16 * 1024 * 1024, MAX_PROJECT = 128 };

struct push_options {
    const char *file, *address, *project;
    const char *host;
    uint16_t port;
    bool watch;
};

/* ---- options ---- */

static int set_project(void *options, const char *value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
    if (*value == '\0' || strlen(value) > MAX_PROJECT || value[strspn(value, letters)])
        return cli_fail(EXIT_USAGE, "--project '%s' is no project id", value);
    ((struct push_options *)options)->project = value;
    return EXIT_OK;
}

static int set_watch(void *options, const char *value)
{
    (void)value;
    ((struct push_options *)options)->watch = true;
    return EXIT_OK;
}

static const struct arg options[] = {
    { "--project", "ID", set_project },
    { "--watch", NULL, set_watch },
};

/* A FILE that is there, or has a name that no address has; else HOST:PORT. */
static bool is_address(const char *text, struct arena *arena, const char **host, uint16_t *port)
{
    return access(text, F_OK) != 0 && strchr(text, '/') == NULL &&
           options_parse_address(str_of(text), arena, host, port);
}

static int parse_arguments(struct push_options *o, int argc, char **argv, struct arena *arena)
{
    for (int i = 1; i < argc; i++) {
        int code = EXIT_OK;
        if (argv[i][0] == '-')
            code = args_read("rules push", options, sizeof options / sizeof *options, o, argc, argv, &i);
        else if (is_address(argv[i], arena, &o->host, &o->port) && !o->address)
            o->address = argv[i];
        else if (!o->file)
            o->file = argv[i];
        else
            code =
                cli_fail(EXIT_USAGE, "rules push takes one FILE and one HOST:PORT, and then '%s'", argv[i]);
        if (code)
            return code;
    }
    if (!o->address) {
        o->address = getenv("FIRESTORE_EMULATOR_HOST");
        if (!o->address || !*o->address)
            return cli_fail(
                EXIT_USAGE,
                "to which server? cinderlog rules push FILE HOST:PORT, or FIRESTORE_EMULATOR_HOST");
        if (!options_parse_address(str_of(o->address), arena, &o->host, &o->port))
            return cli_fail(EXIT_USAGE, "FIRESTORE_EMULATOR_HOST '%s' is no HOST:PORT", o->address);
    }
    return EXIT_OK;
}

static int find_file(struct push_options *o, struct arena *arena)
{
    struct status st = status_init(arena);
    const char *why;
    if (rules_file_find(&o->file, &why, arena, o->file, &st))
        return cli_fail(EXIT_USAGE, "%s", status_message(&st));
    return o->file ? EXIT_OK : cli_fail(EXIT_USAGE, "no rules file here: cinderlog rules push FILE");
}

/* ---- pushing ---- */

/* False when it does not compile. */
static bool check(const struct rules_file *file, struct arena *arena)
{
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    struct buf out;
    buf_init(&out, MESSAGE_MAX);
    bool good = rules_compile(&ruleset, file, 1, &issues, arena, &st) == STATUS_OK;
    if (!good)
        rules_explain(file, 1, &issues);
    for (size_t i = 0; i < issues.n; i++)
        rules_print_issue(&out, &issues.items[i], file, 1, isatty(STDERR_FILENO));
    fwrite(out.data, 1, out.len, stderr);
    buf_dispose(&out);
    rules_release(ruleset);
    return good;
}

/* {"error":{"message":"..."}}: the message; else the answer as it is. */
static struct str message_of(struct str body, struct arena *arena)
{
    struct value_map root;
    struct status st = status_init(arena);
    if (claims_parse(&root, arena, body, &st))
        return body;
    const struct value *error = value_map_get(&root, STR("error"));
    const struct value *message =
        error && error->kind == VALUE_MAP ? value_map_get(&error->map, STR("message")) : NULL;
    return message && message->kind == VALUE_STRING ? message->text : body;
}

static int send_rules(const struct push_options *o, const struct rules_file *file, struct arena *arena)
{
    struct status st = status_init(arena);
    struct buf content, answer;
    int http_status = 0, code = EXIT_OK;
    buf_init(&content, MESSAGE_MAX);
    buf_init(&answer, MESSAGE_MAX);
    const char *target = arena_printf(arena, "/emulator/v1/projects/%s:securityRules", o->project);
    buf_z(&content, "{\"rules\":{\"files\":[{\"name\":");
    json_write_string(&content, file->name);
    buf_z(&content, ",\"content\":");
    json_write_string(&content, file->content);
    buf_z(&content, "}]}}");
    if (http_ask(&http_status, &answer, o->host, o->port, "PUT", target, buf_view(&content), WAIT_MS, &st))
        code = cli_fail(EXIT_USAGE, "%s: %s", o->address, status_message(&st));
    else if (http_status != 200)
        code = cli_fail(EXIT_RUNTIME, "%s refused the rules (%d): " STR_FMT, o->address, http_status,
                        STR_ARG(message_of(buf_view(&answer), arena)));
    else
        printf("%s is in force on %s for project %s\n", o->file, o->address, o->project);
    buf_dispose(&content);
    buf_dispose(&answer);
    return code;
}

static int push(void *data, struct watch *watch)
{
    const struct push_options *o = data;
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct rules_file file = { .name = str_of(o->file) };
    int code;
    watch_add(watch, o->file);
    if (file_read(&file.content, arena, o->file, LIMIT_RULES_SOURCE_BYTES, &st))
        code = cli_fail(EXIT_USAGE, "%s", status_message(&st));
    else if (!check(&file, arena))
        code = cli_fail(EXIT_RUNTIME, "%s does not compile: nothing was sent to %s", o->file, o->address);
    else
        code = send_rules(o, &file, arena);
    arena_free(arena);
    return code;
}

int cli_rules_push(int argc, char **argv)
{
    const struct options none = { 0 };
    struct arena *arena = arena_new();
    struct push_options o = { .project = options_project(&none) };
    int code = parse_arguments(&o, argc, argv, arena);
    if (code == EXIT_OK)
        code = find_file(&o, arena);
    if (code == EXIT_OK)
        code = watch_run(o.watch, push, &o);
    arena_free(arena);
    return code;
}

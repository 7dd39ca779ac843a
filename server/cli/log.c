/* log.c - `cinderlog log DATA|HOST:PORT`: the ledger of a file (also beside its server) or of a running server. */
#include "core/clock.h"
#include "server/cli/cli.h"
#include "server/cli/http_client.h"
#include "server/ops/entry_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLLOW_MS = 300, WAIT_MS = 10000, LINE_MAX_BYTES = 64 * 1024 * 1024 };

struct log_options {
    const char *source;
    struct entry_filter filter;
    bool follow, json, colour;
};

static int parse(struct log_options *o, int argc, char **argv)
{
    *o = (struct log_options){ .colour = isatty(STDOUT_FILENO) };
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(a, "--denied") == 0)
            o->filter.denied = true;
        else if (strcmp(a, "--follow") == 0)
            o->follow = true;
        else if (strcmp(a, "--request") == 0 && value)
            o->filter.request_id = str_of(argv[++i]);
        else if (strcmp(a, "--path") == 0 && value)
            o->filter.path = str_of(argv[++i]);
        else if (strcmp(a, "--format") == 0 && value && (strcmp(value, "text") == 0 || strcmp(value, "ndjson") == 0))
            o->json = strcmp(argv[++i], "ndjson") == 0;
        else if (a[0] == '-')
            return cli_fail(EXIT_USAGE, "log: unknown or incomplete option %s; see cinderlog --help", a);
        else if (o->source)
            return cli_fail(EXIT_USAGE, "log takes one DATA or HOST:PORT, got '%s' and '%s'", o->source, a);
        else
            o->source = a;
    }
    o->source = o->source ? o->source : ".cinderlog";
    return EXIT_OK;
}

static void pause_ms(int ms) { usleep((useconds_t)ms * 1000); }

static int from_file(const struct log_options *o)
{
    struct arena *arena = arena_new();
    struct status st = status_init(NULL);
    struct store_log *log = NULL;
    struct store_entry entry;
    struct buf line;
    uint64_t seq = 0;
    int code = EXIT_OK;
    buf_init(&line, LINE_MAX_BYTES);
    if (store_log_open(&log, o->source, &st)) {
        code = cli_fail(EXIT_USAGE, "%s", status_message(&st));
        goto out;
    }
    for (;;) {
        bool found;
        arena_reset(arena);
        if (store_log_next(log, seq, arena, &entry, &found, &st)) {
            code = cli_fail(EXIT_USAGE, "%s", status_message(&st));
            goto out;
        }
        if (!found && !o->follow)
            break;
        if (!found) {
            fflush(stdout);
            pause_ms(FOLLOW_MS);
            continue;
        }
        seq = entry.seq;
        if (!entry_wanted(&o->filter, &entry))
            continue;
        buf_clear(&line);
        if (o->json)
            entry_print_json(&line, arena, &entry);
        else
            entry_print_text(&line, &entry, o->colour);
        if (fwrite(line.data, 1, line.len, stdout) != line.len)
            goto out;
    }
out:
    store_log_close(log);
    buf_dispose(&line);
    arena_free(arena);
    return code;
}

static void put_query(struct buf *out, const char *key, struct str value)
{
    if (!value.n)
        return;
    buf_printf(out, "&%s=", key);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (plain)
            buf_byte(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* The server's answer ends in a line {"next":N}: where to go on. */
static bool take_next(struct buf *body, uint64_t *next)
{
    static const char key[] = "{\"next\":";
    size_t end = body->len;
    if (end == 0 || body->data[end - 1] != '\n')
        return false;
    size_t start = end - 1;
    while (start > 0 && body->data[start - 1] != '\n')
        start--;
    if (end - start < sizeof key || memcmp(body->data + start, key, sizeof key - 1) != 0)
        return false;
    *next = strtoull((const char *)body->data + start + sizeof key - 1, NULL, 10);
    body->len = start;
    return true;
}

static int from_server(const struct log_options *o, const char *host, uint16_t port)
{
    struct buf target, body;
    struct status st = status_init(NULL);
    uint64_t after = 0, next = 0;
    int code = EXIT_OK;
    buf_init(&target, 8192);
    buf_init(&body, LINE_MAX_BYTES);
    for (;;) {
        int http_status;
        buf_clear(&target);
        buf_clear(&body);
        buf_printf(&target, "/cinderlog/v1/entries?after=%" PRIu64 "&format=%s%s", after, o->json ? "ndjson" : "text",
                   o->filter.denied ? "&denied=true" : "");
        put_query(&target, "request", o->filter.request_id);
        put_query(&target, "path", o->filter.path);
        buf_byte(&target, '\0');
        if (http_get(&http_status, &body, host, port, (const char *)target.data, WAIT_MS, &st) || http_status != 200 ||
            !take_next(&body, &next)) {
            code = st.code ? cli_fail(EXIT_USAGE, "%s: %s", o->source, status_message(&st))
                           : cli_fail(EXIT_USAGE, "%s: is no cinderlog server (answer %d)", o->source, http_status);
            break;
        }
        if (fwrite(body.data, 1, body.len, stdout) != body.len)
            break;
        fflush(stdout);
        if (next == after && !o->follow)
            break;
        if (next == after)
            pause_ms(FOLLOW_MS);
        after = next;
    }
    buf_dispose(&target);
    buf_dispose(&body);
    return code;
}

int cli_log(int argc, char **argv)
{
    struct log_options o;
    struct stat ignored;
    const char *host;
    uint16_t port;
    int code = parse(&o, argc, argv);
    if (code)
        return code;
    struct arena *arena = arena_new();
    if (stat(o.source, &ignored) != 0 && options_parse_address(str_of(o.source), arena, &host, &port))
        code = from_server(&o, host, port);
    else
        code = from_file(&o);
    arena_free(arena);
    return code;
}

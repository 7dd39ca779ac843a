/* verify.c - `cinderlog verify DATA [--since SEQ:CHAIN]`: recomputes every hash, offline or beside a server.
 *
 * Exit 0 intact, 1 tampered or derived state differs, 2 unreadable. A chain head kept elsewhere (--since) is what
 * finds a ledger whose hashes were all recomputed, or whose tail was cut. */
#include "core/crypto.h"
#include "server/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show(void *data, uint64_t done, uint64_t total)
{
    (void)data;
    fprintf(stderr, "\rverifying: %" PRIu64 " of %" PRIu64 " entries ", done, total);
    fflush(stderr);
}

/* "1234:hex", as printed by verify and /cinderlog/v1/checkpoint; or a file whose first line is that. */
static bool parse_since(struct store_verify_options *o, const char *text)
{
    char line[160];
    FILE *f = fopen(text, "r");
    if (f) {
        bool got = fgets(line, sizeof line, f) != NULL;
        fclose(f);
        if (!got)
            return false;
        line[strcspn(line, "\r\n")] = '\0';
        text = line;
    }
    char *end;
    o->since_seq = strtoull(text, &end, 10);
    o->has_since = true;
    return end != text && *end == ':' && hex_parse(o->since_chain, sizeof o->since_chain, str_of(end + 1));
}

static int report(const struct store_verify_report *r, const struct store_verify_options *o)
{
    char chain[65];
    hex_print(chain, r->chain, sizeof r->chain);
    if (!r->intact) {
        printf("TAMPERED %s\n", o->data);
        if (r->first_bad_seq)
            printf("  first bad entry: %" PRIu64 "\n", r->first_bad_seq);
        printf("  %s\n", r->what);
        return EXIT_RUNTIME;
    }
    printf("intact: %" PRIu64 " entries, %" PRIu64 " bodies, %" PRIu64 " documents\n", r->entries, r->bodies,
           r->documents);
    printf("chain head: %" PRIu64 ":%s\n", r->entries, chain);
    if (o->has_since)
        printf("the kept head %" PRIu64 " is in this chain: nothing up to it was changed or cut\n", o->since_seq);
    else
        printf("Someone who can write the file can recompute every hash. Keep the chain head where they cannot\n"
               "write, and give it back: cinderlog verify %s --since SEQ:CHAIN\n",
               o->data);
    return EXIT_OK;
}

int cli_verify(int argc, char **argv)
{
    struct store_verify_options o = { 0 };
    struct store_verify_report r = { 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--since") == 0 && i + 1 < argc) {
            if (!parse_since(&o, argv[++i]))
                return cli_fail(EXIT_USAGE, "--since %s: expected SEQ:CHAIN as verify prints it, or a file with it",
                                argv[i]);
        } else if (argv[i][0] == '-') {
            return cli_fail(EXIT_USAGE, "unknown option %s; use cinderlog verify DATA [--since SEQ:CHAIN]", argv[i]);
        } else if (o.data) {
            return cli_fail(EXIT_USAGE, "verify takes one DATA, got '%s' and '%s'", o.data, argv[i]);
        } else {
            o.data = argv[i];
        }
    }
    o.data = o.data ? o.data : ".cinderlog";
    bool terminal = isatty(STDERR_FILENO);
    o.progress = terminal ? show : NULL;
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    enum status_code code = store_verify(&o, arena, &r, &st);
    if (terminal)
        fputs("\r\033[K", stderr);
    int exit_code = code ? cli_fail(EXIT_USAGE, "%s", status_message(&st)) : report(&r, &o);
    arena_free(arena);
    return exit_code;
}

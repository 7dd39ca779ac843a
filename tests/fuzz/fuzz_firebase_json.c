/* fuzz_firebase_json.c - firebase.json and .firebaserc from anyone's folder: either is read, or refused with
 * a line that it has. */
#include "server/firebase_json.h"

#include <stdio.h>
#include <stdlib.h>

static void check_refusal(struct str text, const char *name, const struct status *st)
{
    size_t line = 0, lines = 1, n = strlen(name);
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    const char *message = status_message(st);
    if (st->code != STATUS_INVALID_ARGUMENT || strncmp(message, name, n) != 0 ||
        sscanf(message + n, ":%zu: ", &line) != 1 || line < 1 || line > lines)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct firebase_folder folder = { 0 };
    struct str text = str_from(data, size);
    if (firebase_json_parse(&folder, arena, text, &st))
        check_refusal(text, "firebase.json", &st);
    else if ((folder.rules && !*folder.rules) || (folder.host && !*folder.host) ||
             (folder.other_rules && !folder.rules))
        abort();
    status_clear(&st);
    if (firebaserc_parse(&folder, arena, text, &st))
        check_refusal(text, ".firebaserc", &st);
    else if (folder.project && !*folder.project)
        abort();
    arena_free(arena);
    return 0;
}

/* files.c - see files.h. */
#include "server/files.h"

#include "core/buf.h"

#include <errno.h>
#include <stdio.h>

enum status_code file_read(struct str *out, struct arena *arena, const char *path, size_t max, struct status *st)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    struct buf b;
    buf_init(&b, max);
    char piece[16384];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0 && buf_put(&b, piece, n))
        ;
    if (ferror(f))
        status_set(st, STATUS_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    else if (b.overflowed)
        status_set(st, STATUS_INVALID_ARGUMENT, "%s: larger than %zu bytes", path, max);
    else
        *out = arena_str(arena, buf_view(&b));
    fclose(f);
    buf_dispose(&b);
    return st->code;
}

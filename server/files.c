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

enum status_code file_write(const char *path, struct str content, struct status *st)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(content.p, 1, content.n, f) == content.n;
    ok = f && fclose(f) == 0 && ok;
    return ok ? STATUS_OK : status_set(st, STATUS_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
}

bool file_changed(const struct stat *before, const struct stat *now)
{
    return before->st_mtim.tv_sec != now->st_mtim.tv_sec || before->st_mtim.tv_nsec != now->st_mtim.tv_nsec ||
           before->st_size != now->st_size || before->st_ino != now->st_ino;
}

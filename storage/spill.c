/* spill.c - see spill.h. */
#include "storage/spill.h"

#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

struct spill {
    int fd;
    uint64_t size;
};

/* Not every filesystem knows O_TMPFILE (overlayfs, virtiofs). */
static int open_in(const char *directory)
{
    char path[PATH_BYTES];
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT))
        return fd;
    if (snprintf(path, sizeof path, "%s/.cinderlog-sort-XXXXXX", directory) >= (int)sizeof path)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

/* The directory of a file; NULL when there is none. */
static const char *directory_of(char out[PATH_BYTES], const char *file)
{
    const char *slash = file ? strrchr(file, '/') : NULL;
    if (!file || (slash && slash - file >= PATH_BYTES))
        return NULL;
    if (!slash)
        return ".";
    size_t n = slash == file ? 1 : (size_t)(slash - file);
    memcpy(out, file, n);
    out[n] = '\0';
    return out;
}

enum status_code spill_open(struct spill **out, const char *beside, struct status *st)
{
    char directory[PATH_BYTES];
    const char *places[] = { directory_of(directory, beside), getenv("TMPDIR"), "/tmp" };
    int fd = -1, error = 0;
    *out = NULL;
    for (size_t i = 0; i < sizeof places / sizeof places[0] && fd < 0; i++) {
        if (!places[i] || !*places[i])
            continue;
        fd = open_in(places[i]);
        error = fd < 0 && !error ? errno : error;
    }
    if (fd < 0)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED,
                          "no temporary file can be made (%s): let TMPDIR name a "
                          "directory that can be written to",
                          strerror(error));
    struct spill *s = malloc(sizeof *s);
    if (!s) {
        close(fd);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    *s = (struct spill){ .fd = fd };
    *out = s;
    return STATUS_OK;
}

void spill_close(struct spill *s)
{
    if (!s)
        return;
    close(s->fd);
    free(s);
}

uint64_t spill_size(const struct spill *s)
{
    return s->size;
}

static bool has_room(const struct spill *s, size_t n)
{
    struct statvfs disk;
    if (fstatvfs(s->fd, &disk) != 0)
        return true; /* the write itself will tell */
    return (uint64_t)disk.f_bavail * disk.f_frsize >= (uint64_t)n + LIMIT_SPILL_DISK_FREE;
}

enum status_code spill_write(struct spill *s, const void *bytes, size_t n, struct status *st)
{
    const char *from = bytes;
    if (!has_room(s, n))
        return status_set(
            st, STATUS_RESOURCE_EXHAUSTED,
            "sorting needs a larger temporary file than the disk has room for (%d MiB stay free)",
            LIMIT_SPILL_DISK_FREE >> 20);
    while (n > 0) {
        ssize_t written = pwrite(s->fd, from, n, (off_t)s->size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return status_set(st, STATUS_RESOURCE_EXHAUSTED, "a temporary file cannot be written: %s",
                              strerror(written < 0 ? errno : ENOSPC));
        s->size += (uint64_t)written;
        from += written;
        n -= (size_t)written;
    }
    return STATUS_OK;
}

enum status_code spill_read(const struct spill *s, uint64_t at, void *to, size_t n, struct status *st)
{
    char *next = to;
    while (n > 0) {
        ssize_t got = pread(s->fd, next, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return status_set(st, STATUS_UNAVAILABLE, "a temporary file cannot be read: %s",
                              got < 0 ? strerror(errno) : "it is too short");
        at += (uint64_t)got;
        next += got;
        n -= (size_t)got;
    }
    return STATUS_OK;
}

void spill_forget(struct spill *s, uint64_t from, uint64_t to)
{
    if (to > from)
        (void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
}

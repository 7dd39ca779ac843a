/* gather.c - see gather.h. */
#include "storage/gather.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    WAL_HEADER = 32,   /* of the file: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
    FRAME_HEADER = 24, /* bytes 4 to 7: the database's size in pages after a commit, 0 in other frames */
};

struct file {
    sqlite3_file base; /* first */
    sqlite3_file *real;
    unsigned char *held; /* NULL: no memory, nothing is held back */
    size_t n_held;       /* the bytes before `next` */
    sqlite3_int64 next;  /* where a frame, or the page of one begun, is appended; -1: not known */
    bool in_frame;       /* its header is written or held, its page is next */
    bool commits;        /* and it ends its transaction */
};

static struct file *file_of(sqlite3_file *f)
{
    return (struct file *)(void *)f;
}

static int flush(struct file *f)
{
    size_t n = f->n_held;
    if (n == 0)
        return SQLITE_OK;
    f->n_held = 0; /* after an error too: the transaction fails by it */
    return f->real->pMethods->xWrite(f->real, f->held, (int)n, f->next - (sqlite3_int64)n);
}

/* A write at `at` is one of the two that append a frame. Headers elsewhere are rewritten checksums of frames
 * that are there, pages elsewhere replace what their frame holds: nobody would follow them with a commit. */
static bool appends(const struct file *f, int n, sqlite3_int64 at)
{
    return at == f->next && (f->in_frame ? n > FRAME_HEADER : n == FRAME_HEADER);
}

static void append(struct file *f, const unsigned char *bytes, int n)
{
    f->in_frame = !f->in_frame;
    if (f->in_frame)
        f->commits = memcmp(bytes + 4, "\0\0\0\0", 4) != 0;
    f->next += n;
}

/* After a write that was not held back: where the next one would append. */
static void follow(struct file *f, const unsigned char *bytes, int n, sqlite3_int64 at)
{
    bool begun = n == FRAME_HEADER;
    if (appends(f, n, at)) {
        append(f, bytes, n);
        return;
    }
    f->next = begun || (at == 0 && n == WAL_HEADER) ? at + n : -1;
    f->in_frame = begun;
    f->commits = begun && memcmp(bytes + 4, "\0\0\0\0", 4) != 0;
}

/* ---- methods ---- */

static int x_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    struct file *f = file_of(base);
    int rc = SQLITE_OK;
    if (appends(f, n, at) && f->held && n <= GATHER_BYTES) {
        if ((size_t)n > GATHER_BYTES - f->n_held && (rc = flush(f)) != SQLITE_OK)
            return rc;
        memcpy(f->held + f->n_held, bytes, (size_t)n);
        f->n_held += (size_t)n;
        append(f, bytes, n);
        return !f->in_frame && f->commits ? flush(f) : SQLITE_OK;
    }
    if (at == 0 && n == WAL_HEADER)
        f->n_held = 0; /* the log begins anew */
    rc = flush(f);
    if (rc == SQLITE_OK)
        rc = f->real->pMethods->xWrite(f->real, bytes, n, at);
    follow(f, bytes, n, at);
    return rc;
}

static int x_close(sqlite3_file *base)
{
    struct file *f = file_of(base);
    free(f->held);
    f->held = NULL;
    base->pMethods = NULL;
    return f->real->pMethods->xClose(f->real);
}

static int x_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
    struct file *f = file_of(base);
    int rc = flush(f);
    return rc ? rc : f->real->pMethods->xRead(f->real, out, n, at);
}

static int x_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *f = file_of(base);
    int rc = flush(f);
    f->next = -1;
    f->in_frame = false;
    return rc ? rc : f->real->pMethods->xTruncate(f->real, size);
}

static int x_sync(sqlite3_file *base, int flags)
{
    struct file *f = file_of(base);
    int rc = flush(f);
    return rc ? rc : f->real->pMethods->xSync(f->real, flags);
}

static int x_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct file *f = file_of(base);
    int rc = flush(f);
    return rc ? rc : f->real->pMethods->xFileSize(f->real, size);
}

static int x_lock(sqlite3_file *base, int level)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xLock(f->real, level);
}

static int x_unlock(sqlite3_file *base, int level)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xUnlock(f->real, level);
}

static int x_check_reserved(sqlite3_file *base, int *out)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xCheckReservedLock(f->real, out);
}

static int x_file_control(sqlite3_file *base, int what, void *data)
{
    struct file *f = file_of(base);
    int rc = flush(f);
    return rc ? rc : f->real->pMethods->xFileControl(f->real, what, data);
}

static int x_sector_size(sqlite3_file *base)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xSectorSize(f->real);
}

static int x_characteristics(sqlite3_file *base)
{
    struct file *f = file_of(base);
    return f->real->pMethods->xDeviceCharacteristics(f->real);
}

/* Version 1: a -wal is neither mapped nor does it have shared memory (that is the database file's). */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_characteristics,
};

/* ---- the VFS ---- */

static size_t own_size(void)
{
    return (sizeof(struct file) + 15) & ~(size_t)15;
}

static int x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    sqlite3_vfs *base = ((struct gather *)(void *)vfs)->base;
    struct file *f = file_of(out);
    if (!(flags & SQLITE_OPEN_WAL))
        return base->xOpen(base, name, out, flags, out_flags);
    *f = (struct file){ .real = (sqlite3_file *)(void *)((char *)out + own_size()), .next = -1 };
    int rc = base->xOpen(base, name, f->real, flags, out_flags);
    if (rc != SQLITE_OK) {
        if (f->real->pMethods)
            f->real->pMethods->xClose(f->real);
        return rc;
    }
    f->held = malloc(GATHER_BYTES);
    f->base.pMethods = &methods;
    return SQLITE_OK;
}

int gather_register(struct gather *gather, const char *name, sqlite3_vfs *base)
{
    gather->base = base;
    gather->vfs = *base; /* all but opening is the other one's, which finds its own data in pAppData */
    gather->vfs.pNext = NULL;
    gather->vfs.zName = name;
    gather->vfs.szOsFile = (int)own_size() + base->szOsFile;
    gather->vfs.xOpen = x_open;
    return sqlite3_vfs_register(&gather->vfs, 0);
}

static struct gather system_gather;
static const char *system_name;

static void register_system(void)
{
    sqlite3_vfs *base = sqlite3_vfs_find(NULL);
    if (base && gather_register(&system_gather, "cinderlog-gather", base) == SQLITE_OK)
        system_name = system_gather.vfs.zName;
}

const char *gather_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_system);
    return system_name;
}

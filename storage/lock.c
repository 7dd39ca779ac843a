/* lock.c - one process per ledger, and only where a WAL is safe.
 *
 * flock and not SQLite's own locks: it is held for the life of the process, says who holds it, and goes with
 * the process however it ends. WAL mode keeps its index in shared memory; filesystems that do not share it
 * between mounts or hosts corrupt the file. */
#include "storage/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const struct {
    unsigned long magic;
    const char *name;
} refused[] = {
    /* from statfs(2) and linux/magic.h; virtiofs reports the magic of FUSE */
    { 0x01021997, "9p" },
    { 0x65735546, "FUSE or virtiofs" },
    { 0x6969, "NFS" },
    { 0x517B, "SMB" },
    { 0xFF534D42, "SMB (cifs)" },
    { 0xFE534D42, "SMB2" },
    { 0x786F4256, "vboxsf" },
    { 0x5346414F, "AFS" },
    { 0x00C36400, "Ceph" },
};

const char *store_filesystem_refused(unsigned long magic)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (refused[i].magic == (magic & 0xffffffff))
            return refused[i].name;
    return NULL;
}

enum status_code store_check_filesystem(const char *directory, struct status *st)
{
    struct statfs fs;
    if (statfs(directory, &fs) != 0)
        return status_set(st, STATUS_FAILED_PRECONDITION, "%s: %s", directory, strerror(errno));
    const char *name = store_filesystem_refused((unsigned long)fs.f_type);
    if (!name)
        return STATUS_OK;
    return status_set(
        st, STATUS_FAILED_PRECONDITION,
        "%s lies on %s, where SQLite's write-ahead log corrupts: use a named volume or a local disk",
        directory, name);
}

static enum status_code say_holder(const char *path, int fd, struct status *st)
{
    char pid[24] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    for (ssize_t i = 0; i < n; i++)
        if (pid[i] < '0' || pid[i] > '9')
            pid[i] = '\0';
    return status_set(st, STATUS_FAILED_PRECONDITION,
                      "%s is locked by another process%s%s: stop it, or use another --data", path,
                      pid[0] ? ", pid " : "", pid);
}

enum status_code store_lock(struct store_place *place, struct status *st)
{
    int fd = open(place->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return status_set(st, STATUS_FAILED_PRECONDITION, "%s cannot be opened: %s", place->lock,
                          strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            say_holder(place->lock, fd, st);
        else
            status_set(st, STATUS_FAILED_PRECONDITION, "%s cannot be locked: %s", place->lock,
                       strerror(errno));
        close(fd);
        return st->code;
    }
    char pid[24];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        status_set(st, STATUS_FAILED_PRECONDITION, "%s cannot be written: %s", place->lock, strerror(errno));
        close(fd);
        return st->code;
    }
    place->lock_fd = fd;
    return STATUS_OK;
}

void store_unlock(struct store_place *place)
{
    if (place->lock_fd < 0)
        return;
    /* The file stays: removing it would let two processes lock two files of the same name. */
    if (ftruncate(place->lock_fd, 0) != 0)
        (void)0; /* the pid in it is only a courtesy */
    close(place->lock_fd);
    place->lock_fd = -1;
}

/* vfs.h - files in the heap, as an SQLite VFS: what `:memory:` stores live in, and what the tests break.
 *
 * Files and shared memory are ordinary allocations, so WAL mode and several connections work as they do on
 * disk (SQLite's own memdb and shared cache do neither). Each struct vfs is a little disk of its own with
 * its own name for sqlite3_open_v2. Thread-safe.
 *
 * Tests may make the Nth operation fail, take the disk's content as it would be after kill -9 or after a
 * power cut, and flip bits. */
#ifndef STORAGE_VFS_H
#define STORAGE_VFS_H

#include "core/str.h"

struct vfs;

/* A new, empty disk, registered with SQLite. NULL when out of memory. */
struct vfs *vfs_new(void);
/* No connection may be open on it any more. NULL is allowed. */
void vfs_free(struct vfs *vfs);
const char *vfs_name(const struct vfs *vfs);

/* ---- for tests ---- */

enum vfs_fault {
    VFS_FAULT_WRITE = 1,    /* SQLITE_IOERR_WRITE, half of the bytes written */
    VFS_FAULT_FULL = 2,     /* SQLITE_FULL, nothing written */
    VFS_FAULT_SYNC = 4,     /* SQLITE_IOERR_FSYNC */
    VFS_FAULT_TRUNCATE = 8, /* SQLITE_IOERR_TRUNCATE */
    VFS_FAULT_READ = 16,    /* SQLITE_IOERR_READ */
    VFS_FAULT_OPEN = 32,    /* SQLITE_CANTOPEN */
};
/* Lets `after` more operations of these kinds pass and fails the next one (all following ones too when
 * `sticky`). kinds 0: no more faults. */
void vfs_fault_set(struct vfs *vfs, unsigned kinds, long after, bool sticky);
/* Whether the fault has happened. */
bool vfs_fault_hit(const struct vfs *vfs);

/* From now on remembers what was written since each file's last sync. */
void vfs_track_syncs(struct vfs *vfs);
/* A second disk with the content of this moment: what kill -9 leaves. */
struct vfs *vfs_clone(struct vfs *vfs);
/* What a power cut leaves: per file the content of its last sync plus any of the later writes, chosen by
 * `seed`, the chosen ones possibly torn in 512-byte pieces. vfs_track_syncs must be on. */
struct vfs *vfs_clone_power_cut(struct vfs *vfs, uint64_t seed);

/* Bytes of a file; size 0 when it does not exist. vfs_peek returns false beyond the end. */
size_t vfs_size(struct vfs *vfs, const char *name);
bool vfs_peek(struct vfs *vfs, const char *name, size_t offset, void *out, size_t n);
bool vfs_poke(struct vfs *vfs, const char *name, size_t offset, const void *bytes, size_t n);
void vfs_remove(struct vfs *vfs, const char *name);

#endif

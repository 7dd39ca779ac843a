/* vfs_internal.h - how a heap disk is laid out: vfs.c is the disk, vfs_break.c what tests do to it. */
#ifndef STORAGE_VFS_INTERNAL_H
#define STORAGE_VFS_INTERNAL_H

#include "storage/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { VFS_CHUNK = 64 * 1024, VFS_SHM_SLOTS = SQLITE_SHM_NLOCK, VFS_NAME_MAX = 512, VFS_SECTOR = 512 };

/* A write or truncate that no sync has covered yet (tests only). */
struct unsynced {
    struct unsynced *next;
    size_t offset, n;
    bool truncate; /* to `offset` */
    unsigned char bytes[];
};

struct bytes {
    unsigned char **chunks;
    size_t n_chunks, size;
};

struct handle;

struct file {
    struct file *next;
    char name[VFS_NAME_MAX];
    pthread_mutex_t mutex;
    int refs; /* open handles, and one for the directory; under the disk's mutex */
    struct bytes now;
    struct bytes durable; /* as of the last sync; only when tracking */
    struct unsynced *unsynced, **unsynced_end;
    int n_shared;
    struct handle *reserved, *pending, *exclusive;
    void **shm; /* regions */
    int n_shm, shm_refs;
    int shm_shared[VFS_SHM_SLOTS];
    bool shm_exclusive[VFS_SHM_SLOTS];
};

struct vfs {
    sqlite3_vfs base; /* pAppData is this struct */
    char name[40];
    pthread_mutex_t mutex;
    struct file *files;
    atomic_uint fault_kinds;
    atomic_long fault_after;
    atomic_bool fault_sticky, fault_hit;
    atomic_bool tracking;
};

/* Each false when out of memory. */
bool vfs_bytes_resize(struct bytes *b, size_t size);
bool vfs_bytes_copy_in(struct bytes *b, size_t offset, const unsigned char *from, size_t n);
bool vfs_bytes_clone(struct bytes *to, const struct bytes *from);
bool vfs_bytes_apply(struct bytes *to, const struct unsynced *u);
/* The bytes must be there. */
void vfs_bytes_copy_out(const struct bytes *b, size_t offset, unsigned char *out, size_t n);
/* Under the disk's mutex. */
struct file *vfs_file_find(struct vfs *vfs, const char *name);
struct file *vfs_file_make(struct vfs *vfs, const char *name);
void vfs_file_unlink(struct vfs *vfs, const char *name);

#endif

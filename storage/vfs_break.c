/* vfs_break.c - what tests do to a heap disk: failing operations, crashes, power cuts, flipped bits (vfs.h).
 */
#include "storage/vfs_internal.h"

#include <assert.h>

void vfs_fault_set(struct vfs *vfs, unsigned kinds, long after, bool sticky)
{
    atomic_store(&vfs->fault_kinds, 0);
    atomic_store(&vfs->fault_after, after);
    atomic_store(&vfs->fault_sticky, sticky);
    atomic_store(&vfs->fault_hit, false);
    atomic_store(&vfs->fault_kinds, kinds);
}

bool vfs_fault_hit(const struct vfs *vfs)
{
    return atomic_load(&vfs->fault_hit);
}

void vfs_track_syncs(struct vfs *vfs)
{
    atomic_store(&vfs->tracking, true);
}

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Each unsynced write is kept whole (half of the time), lost, or torn by sectors. */
static bool apply_some(struct bytes *to, const struct unsynced *u, uint64_t *seed)
{
    uint64_t dice = next_random(seed) % 4;
    if (dice == 0)
        return true;
    if (dice < 3 || u->truncate)
        return vfs_bytes_apply(to, u);
    for (size_t at = 0; at < u->n; at += VFS_SECTOR) {
        size_t n = u->n - at < VFS_SECTOR ? u->n - at : VFS_SECTOR;
        if ((next_random(seed) & 1) && !vfs_bytes_copy_in(to, u->offset + at, u->bytes + at, n))
            return false;
    }
    return true;
}

/* One moment of the whole disk: everybody is stopped while it is copied. */
static struct vfs *disk_copy(struct vfs *vfs, bool power_cut, uint64_t seed)
{
    struct vfs *copy = vfs_new();
    bool ok = copy != NULL;
    pthread_mutex_lock(&vfs->mutex);
    for (struct file *f = vfs->files; f; f = f->next)
        pthread_mutex_lock(&f->mutex);
    for (struct file *f = vfs->files; f && ok; f = f->next) {
        struct file *to = vfs_file_make(copy, f->name);
        ok = to && vfs_bytes_clone(&to->now, power_cut ? &f->durable : &f->now);
        for (const struct unsynced *u = f->unsynced; power_cut && ok && u; u = u->next)
            ok = apply_some(&to->now, u, &seed);
    }
    for (struct file *f = vfs->files; f; f = f->next)
        pthread_mutex_unlock(&f->mutex);
    pthread_mutex_unlock(&vfs->mutex);
    assert(ok);
    return copy;
}

struct vfs *vfs_clone(struct vfs *vfs)
{
    return disk_copy(vfs, false, 0);
}

struct vfs *vfs_clone_power_cut(struct vfs *vfs, uint64_t seed)
{
    return disk_copy(vfs, true, seed);
}

static struct file *lock_file(struct vfs *vfs, const char *name)
{
    pthread_mutex_lock(&vfs->mutex);
    struct file *f = vfs_file_find(vfs, name);
    if (f)
        pthread_mutex_lock(&f->mutex);
    else
        pthread_mutex_unlock(&vfs->mutex);
    return f;
}

static void unlock_file(struct vfs *vfs, struct file *f)
{
    pthread_mutex_unlock(&f->mutex);
    pthread_mutex_unlock(&vfs->mutex);
}

size_t vfs_size(struct vfs *vfs, const char *name)
{
    struct file *f = lock_file(vfs, name);
    if (!f)
        return 0;
    size_t size = f->now.size;
    unlock_file(vfs, f);
    return size;
}

bool vfs_peek(struct vfs *vfs, const char *name, size_t offset, void *out, size_t n)
{
    struct file *f = lock_file(vfs, name);
    if (!f)
        return false;
    bool ok = offset <= f->now.size && n <= f->now.size - offset;
    if (ok)
        vfs_bytes_copy_out(&f->now, offset, out, n);
    unlock_file(vfs, f);
    return ok;
}

bool vfs_poke(struct vfs *vfs, const char *name, size_t offset, const void *bytes, size_t n)
{
    struct file *f = lock_file(vfs, name);
    if (!f)
        return false;
    bool ok = vfs_bytes_copy_in(&f->now, offset, bytes, n);
    unlock_file(vfs, f);
    return ok;
}

void vfs_remove(struct vfs *vfs, const char *name)
{
    pthread_mutex_lock(&vfs->mutex);
    vfs_file_unlink(vfs, name);
    pthread_mutex_unlock(&vfs->mutex);
}

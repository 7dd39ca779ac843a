/* vfs.c - see vfs.h. A file is a row of equal chunks, so that growing copies nothing. One mutex per disk
 * guards the names, one per file its bytes, locks and shared memory. */
#include "storage/vfs_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct handle {
    sqlite3_file base;
    struct vfs *vfs;
    struct file *file;
    int level; /* SQLITE_LOCK_* */
    bool delete_on_close, read_only;
    bool shm_open;
    unsigned shm_shared, shm_exclusive;
};

static bool fault(struct vfs *vfs, unsigned kind)
{
    if (!(atomic_load_explicit(&vfs->fault_kinds, memory_order_relaxed) & kind))
        return false;
    if (atomic_fetch_sub(&vfs->fault_after, 1) > 0)
        return false;
    if (!atomic_load(&vfs->fault_sticky))
        atomic_store(&vfs->fault_kinds, 0);
    atomic_store(&vfs->fault_hit, true);
    return true;
}

/* ---- bytes ---- */

bool vfs_bytes_resize(struct bytes *b, size_t size)
{
    size_t need = (size + VFS_CHUNK - 1) / VFS_CHUNK;
    if (need > b->n_chunks) {
        unsigned char **chunks = realloc(b->chunks, need * sizeof *chunks);
        if (!chunks)
            return false;
        b->chunks = chunks;
        for (; b->n_chunks < need; b->n_chunks++) {
            chunks[b->n_chunks] = calloc(1, VFS_CHUNK);
            if (!chunks[b->n_chunks])
                return false;
        }
    }
    if (size < b->size) {
        while (b->n_chunks > need)
            free(b->chunks[--b->n_chunks]);
        if (size % VFS_CHUNK) /* what is past the end reads as zeros if the file grows again */
            memset(b->chunks[need - 1] + size % VFS_CHUNK, 0, VFS_CHUNK - size % VFS_CHUNK);
    }
    b->size = size;
    return true;
}

void vfs_bytes_copy_out(const struct bytes *b, size_t offset, unsigned char *out, size_t n)
{
    while (n) {
        size_t at = offset % VFS_CHUNK, piece = VFS_CHUNK - at < n ? VFS_CHUNK - at : n;
        memcpy(out, b->chunks[offset / VFS_CHUNK] + at, piece);
        out += piece;
        offset += piece;
        n -= piece;
    }
}

bool vfs_bytes_copy_in(struct bytes *b, size_t offset, const unsigned char *from, size_t n)
{
    if (offset + n > b->size && !vfs_bytes_resize(b, offset + n))
        return false;
    while (n) {
        size_t at = offset % VFS_CHUNK, piece = VFS_CHUNK - at < n ? VFS_CHUNK - at : n;
        memcpy(b->chunks[offset / VFS_CHUNK] + at, from, piece);
        from += piece;
        offset += piece;
        n -= piece;
    }
    return true;
}

static void bytes_dispose(struct bytes *b)
{
    for (size_t i = 0; i < b->n_chunks; i++)
        free(b->chunks[i]);
    free(b->chunks);
    *b = (struct bytes){ 0 };
}

bool vfs_bytes_clone(struct bytes *to, const struct bytes *from)
{
    for (size_t at = 0; at < from->size; at += VFS_CHUNK) {
        size_t n = from->size - at < VFS_CHUNK ? from->size - at : VFS_CHUNK;
        if (!vfs_bytes_copy_in(to, at, from->chunks[at / VFS_CHUNK], n))
            return false;
    }
    return true;
}

/* ---- names ---- */

struct file *vfs_file_find(struct vfs *vfs, const char *name)
{
    struct file *f = vfs->files;
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

static void unsynced_clear(struct file *f)
{
    while (f->unsynced) {
        struct unsynced *u = f->unsynced;
        f->unsynced = u->next;
        free(u);
    }
    f->unsynced_end = &f->unsynced;
}

static void shm_free(struct file *f)
{
    for (int i = 0; i < f->n_shm; i++)
        free(f->shm[i]);
    free(f->shm);
    f->shm = NULL;
    f->n_shm = 0;
}

/* Under the disk's mutex. */
static void file_unref(struct file *f)
{
    if (--f->refs > 0)
        return;
    unsynced_clear(f);
    bytes_dispose(&f->now);
    bytes_dispose(&f->durable);
    shm_free(f);
    pthread_mutex_destroy(&f->mutex);
    free(f);
}

struct file *vfs_file_make(struct vfs *vfs, const char *name)
{
    struct file *f = strlen(name) < VFS_NAME_MAX ? calloc(1, sizeof *f) : NULL;
    if (!f)
        return NULL;
    memcpy(f->name, name, strlen(name) + 1);
    pthread_mutex_init(&f->mutex, NULL);
    f->unsynced_end = &f->unsynced;
    f->refs = 1;
    f->next = vfs->files;
    vfs->files = f;
    return f;
}

void vfs_file_unlink(struct vfs *vfs, const char *name)
{
    for (struct file **at = &vfs->files; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0) {
            struct file *f = *at;
            *at = f->next;
            file_unref(f);
            return;
        }
}

/* ---- sqlite3_file ---- */

static struct handle *handle_of(sqlite3_file *file)
{
    return (struct handle *)file;
}

static int x_unlock(sqlite3_file *base, int level);
static int x_shm_unmap(sqlite3_file *base, int delete_flag);

static int x_close(sqlite3_file *base)
{
    struct handle *h = handle_of(base);
    x_unlock(base, SQLITE_LOCK_NONE);
    x_shm_unmap(base, 0);
    pthread_mutex_lock(&h->vfs->mutex);
    if (h->delete_on_close)
        vfs_file_unlink(h->vfs, h->file->name);
    file_unref(h->file);
    pthread_mutex_unlock(&h->vfs->mutex);
    return SQLITE_OK;
}

static int x_read(sqlite3_file *base, void *out, int n, sqlite3_int64 offset)
{
    struct handle *h = handle_of(base);
    if (fault(h->vfs, VFS_FAULT_READ))
        return SQLITE_IOERR_READ;
    size_t want = (size_t)n, at = (size_t)offset, have = 0;
    pthread_mutex_lock(&h->file->mutex);
    if (at < h->file->now.size)
        have = h->file->now.size - at < want ? h->file->now.size - at : want;
    vfs_bytes_copy_out(&h->file->now, at, out, have);
    pthread_mutex_unlock(&h->file->mutex);
    if (have == want)
        return SQLITE_OK;
    memset((unsigned char *)out + have, 0, want - have);
    return SQLITE_IOERR_SHORT_READ;
}

static bool remember(struct handle *h, bool truncate, size_t offset, const void *bytes, size_t n)
{
    if (!atomic_load_explicit(&h->vfs->tracking, memory_order_relaxed))
        return true;
    struct unsynced *u = malloc(sizeof *u + n);
    if (!u)
        return false;
    *u = (struct unsynced){ .offset = offset, .n = n, .truncate = truncate };
    if (n)
        memcpy(u->bytes, bytes, n);
    *h->file->unsynced_end = u;
    h->file->unsynced_end = &u->next;
    return true;
}

static int x_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 offset)
{
    struct handle *h = handle_of(base);
    if (h->read_only)
        return SQLITE_READONLY;
    if (fault(h->vfs, VFS_FAULT_FULL))
        return SQLITE_FULL;
    bool torn = fault(h->vfs, VFS_FAULT_WRITE);
    size_t count = torn ? (size_t)n / 2 : (size_t)n;
    pthread_mutex_lock(&h->file->mutex);
    bool ok = vfs_bytes_copy_in(&h->file->now, (size_t)offset, bytes, count) &&
              remember(h, false, (size_t)offset, bytes, count);
    pthread_mutex_unlock(&h->file->mutex);
    return torn || !ok ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int x_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *h = handle_of(base);
    if (h->read_only)
        return SQLITE_READONLY;
    if (fault(h->vfs, VFS_FAULT_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    pthread_mutex_lock(&h->file->mutex);
    bool ok = true;
    if ((size_t)size < h->file->now.size)
        ok = vfs_bytes_resize(&h->file->now, (size_t)size) && remember(h, true, (size_t)size, NULL, 0);
    pthread_mutex_unlock(&h->file->mutex);
    return ok ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

bool vfs_bytes_apply(struct bytes *to, const struct unsynced *u)
{
    if (u->truncate)
        return u->offset >= to->size || vfs_bytes_resize(to, u->offset);
    return vfs_bytes_copy_in(to, u->offset, u->bytes, u->n);
}

static int x_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct handle *h = handle_of(base);
    if (fault(h->vfs, VFS_FAULT_SYNC))
        return SQLITE_IOERR_FSYNC;
    bool ok = true;
    pthread_mutex_lock(&h->file->mutex);
    for (const struct unsynced *u = h->file->unsynced; u && ok; u = u->next)
        ok = vfs_bytes_apply(&h->file->durable, u);
    unsynced_clear(h->file);
    pthread_mutex_unlock(&h->file->mutex);
    return ok ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int x_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct handle *h = handle_of(base);
    pthread_mutex_lock(&h->file->mutex);
    *size = (sqlite3_int64)h->file->now.size;
    pthread_mutex_unlock(&h->file->mutex);
    return SQLITE_OK;
}

/* The five lock levels of SQLite; a file in WAL mode is only ever SHARED, or EXCLUSIVE at close. */
static int x_lock(sqlite3_file *base, int level)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;
    int rc = SQLITE_OK;
    if (h->level >= level)
        return SQLITE_OK;
    pthread_mutex_lock(&f->mutex);
    if (level == SQLITE_LOCK_SHARED) {
        if ((f->pending && f->pending != h) || (f->exclusive && f->exclusive != h))
            rc = SQLITE_BUSY;
        else
            f->n_shared++;
    } else if (level == SQLITE_LOCK_RESERVED) {
        if (f->reserved && f->reserved != h)
            rc = SQLITE_BUSY;
        else
            f->reserved = h;
    } else { /* EXCLUSIVE, by way of PENDING */
        if ((f->pending && f->pending != h) || (f->reserved && f->reserved != h)) {
            rc = SQLITE_BUSY;
        } else {
            f->pending = h;
            if (f->n_shared > 1) {
                h->level = SQLITE_LOCK_PENDING;
                rc = SQLITE_BUSY;
            } else {
                f->exclusive = h;
            }
        }
    }
    if (rc == SQLITE_OK)
        h->level = level;
    pthread_mutex_unlock(&f->mutex);
    return rc;
}

static int x_unlock(sqlite3_file *base, int level)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;
    pthread_mutex_lock(&f->mutex);
    if (level < SQLITE_LOCK_RESERVED) {
        f->reserved = f->reserved == h ? NULL : f->reserved;
        f->pending = f->pending == h ? NULL : f->pending;
        f->exclusive = f->exclusive == h ? NULL : f->exclusive;
    }
    if (level == SQLITE_LOCK_NONE && h->level >= SQLITE_LOCK_SHARED)
        f->n_shared--;
    if (level < h->level)
        h->level = level;
    pthread_mutex_unlock(&f->mutex);
    return SQLITE_OK;
}

static int x_check_reserved(sqlite3_file *base, int *out)
{
    struct handle *h = handle_of(base);
    pthread_mutex_lock(&h->file->mutex);
    *out = h->file->reserved || h->file->exclusive;
    pthread_mutex_unlock(&h->file->mutex);
    return SQLITE_OK;
}

static int x_file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int x_sector_size(sqlite3_file *base)
{
    (void)base;
    return VFS_SECTOR;
}

static int x_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- shared memory: what WAL mode keeps its index and its locks in ---- */

static int x_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct handle *h = handle_of(base);
    struct file *f = h->file;
    int rc = SQLITE_OK;
    *out = NULL;
    pthread_mutex_lock(&f->mutex);
    if (!h->shm_open) {
        h->shm_open = true;
        f->shm_refs++;
    }
    while (extend && f->n_shm <= region) {
        void **shm = realloc(f->shm, (size_t)(f->n_shm + 1) * sizeof *shm);
        if (!shm) {
            rc = SQLITE_IOERR_NOMEM;
            break;
        }
        f->shm = shm;
        shm[f->n_shm] = calloc(1, (size_t)size);
        if (!shm[f->n_shm]) {
            rc = SQLITE_IOERR_NOMEM;
            break;
        }
        f->n_shm++;
    }
    if (region < f->n_shm)
        *out = f->shm[region];
    pthread_mutex_unlock(&f->mutex);
    return rc;
}

static int shm_take(struct handle *h, int slot, bool exclusive)
{
    struct file *f = h->file;
    unsigned bit = 1u << slot;
    if ((h->shm_exclusive | (exclusive ? 0u : h->shm_shared)) & bit)
        return SQLITE_OK;
    int others = f->shm_shared[slot] - ((h->shm_shared & bit) ? 1 : 0);
    if (f->shm_exclusive[slot] || (exclusive && others > 0))
        return SQLITE_BUSY;
    if (exclusive) {
        f->shm_exclusive[slot] = true;
        h->shm_exclusive |= bit;
    } else {
        f->shm_shared[slot]++;
        h->shm_shared |= bit;
    }
    return SQLITE_OK;
}

static void shm_drop(struct handle *h, int slot)
{
    unsigned bit = 1u << slot;
    if (h->shm_exclusive & bit)
        h->file->shm_exclusive[slot] = false;
    if (h->shm_shared & bit)
        h->file->shm_shared[slot]--;
    h->shm_exclusive &= ~bit;
    h->shm_shared &= ~bit;
}

static int x_shm_lock(sqlite3_file *base, int first, int n, int flags)
{
    struct handle *h = handle_of(base);
    int rc = SQLITE_OK;
    pthread_mutex_lock(&h->file->mutex);
    if (flags & SQLITE_SHM_UNLOCK) {
        for (int i = first; i < first + n; i++)
            shm_drop(h, i);
    } else {
        int i = first;
        while (i < first + n && rc == SQLITE_OK)
            rc = shm_take(h, i++, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
        if (rc != SQLITE_OK) /* all or none; the slot that refused was not taken */
            for (int j = first; j < i - 1; j++)
                shm_drop(h, j);
    }
    pthread_mutex_unlock(&h->file->mutex);
    return rc;
}

static void x_shm_barrier(sqlite3_file *base)
{
    (void)base;
    atomic_thread_fence(memory_order_seq_cst);
}

static int x_shm_unmap(sqlite3_file *base, int delete_flag)
{
    struct handle *h = handle_of(base);
    (void)delete_flag;
    if (!h->shm_open)
        return SQLITE_OK;
    pthread_mutex_lock(&h->file->mutex);
    for (int i = 0; i < VFS_SHM_SLOTS; i++)
        shm_drop(h, i);
    h->shm_open = false;
    if (--h->file->shm_refs == 0)
        shm_free(h->file);
    pthread_mutex_unlock(&h->file->mutex);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
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
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
};

/* ---- sqlite3_vfs ---- */

static int x_open(sqlite3_vfs *base, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    struct vfs *vfs = base->pAppData;
    struct handle *h = handle_of(out);
    char temporary[40];
    *h = (struct handle){ .vfs = vfs };
    if (fault(vfs, VFS_FAULT_OPEN))
        return SQLITE_CANTOPEN;
    if (!name) {
        snprintf(temporary, sizeof temporary, "temporary-%p", (void *)h);
        name = temporary;
        h->delete_on_close = true;
    }
    h->delete_on_close |= (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    h->read_only = (flags & SQLITE_OPEN_READONLY) != 0;
    pthread_mutex_lock(&vfs->mutex);
    struct file *f = vfs_file_find(vfs, name);
    if (!f && (flags & SQLITE_OPEN_CREATE))
        f = vfs_file_make(vfs, name);
    if (f)
        f->refs++;
    pthread_mutex_unlock(&vfs->mutex);
    if (!f)
        return SQLITE_CANTOPEN;
    h->file = f;
    h->base.pMethods = &methods;
    if (out_flags)
        *out_flags = flags;
    return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *base, const char *name, int sync_dir)
{
    (void)sync_dir;
    struct vfs *vfs = base->pAppData;
    pthread_mutex_lock(&vfs->mutex);
    bool found = vfs_file_find(vfs, name) != NULL;
    vfs_file_unlink(vfs, name);
    pthread_mutex_unlock(&vfs->mutex);
    return found ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

static int x_access(sqlite3_vfs *base, const char *name, int flags, int *out)
{
    (void)flags;
    struct vfs *vfs = base->pAppData;
    pthread_mutex_lock(&vfs->mutex);
    struct file *f = vfs_file_find(vfs, name);
    *out = f != NULL;
    if (f && flags == SQLITE_ACCESS_EXISTS) {
        pthread_mutex_lock(&f->mutex); /* as on disk: an empty file does not count */
        *out = f->now.size > 0;
        pthread_mutex_unlock(&f->mutex);
    }
    pthread_mutex_unlock(&vfs->mutex);
    return SQLITE_OK;
}

static int x_full_pathname(sqlite3_vfs *base, const char *name, int n, char *out)
{
    (void)base;
    int len = snprintf(out, (size_t)n, "%s", name);
    return len < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int x_randomness(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    return system->xRandomness(system, n, out);
}

static int x_sleep(sqlite3_vfs *base, int us)
{
    (void)base;
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    return system->xSleep(system, us);
}

static int x_current_time(sqlite3_vfs *base, sqlite3_int64 *out)
{
    (void)base;
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    return system->xCurrentTimeInt64(system, out);
}

static int x_last_error(sqlite3_vfs *base, int n, char *out)
{
    (void)base;
    if (n > 0)
        out[0] = '\0';
    return 0;
}

struct vfs *vfs_new(void)
{
    static atomic_uint number;
    if (sqlite3_initialize() != SQLITE_OK)
        return NULL;
    struct vfs *vfs = calloc(1, sizeof *vfs);
    if (!vfs)
        return NULL;
    snprintf(vfs->name, sizeof vfs->name, "cinderlog-heap-%u", atomic_fetch_add(&number, 1));
    pthread_mutex_init(&vfs->mutex, NULL);
    vfs->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(struct handle),
        .mxPathname = VFS_NAME_MAX - 1,
        .zName = vfs->name,
        .pAppData = vfs,
        .xOpen = x_open,
        .xDelete = x_delete,
        .xAccess = x_access,
        .xFullPathname = x_full_pathname,
        .xRandomness = x_randomness,
        .xSleep = x_sleep,
        .xCurrentTimeInt64 = x_current_time,
        .xGetLastError = x_last_error,
    };
    if (sqlite3_vfs_register(&vfs->base, 0) != SQLITE_OK) {
        pthread_mutex_destroy(&vfs->mutex);
        free(vfs);
        return NULL;
    }
    return vfs;
}

void vfs_free(struct vfs *vfs)
{
    if (!vfs)
        return;
    sqlite3_vfs_unregister(&vfs->base);
    while (vfs->files) {
        struct file *f = vfs->files;
        assert(f->refs == 1);
        vfs->files = f->next;
        file_unref(f);
    }
    pthread_mutex_destroy(&vfs->mutex);
    free(vfs);
}

const char *vfs_name(const struct vfs *vfs)
{
    return vfs->name;
}

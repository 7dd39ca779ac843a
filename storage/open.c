/* open.c - opening and closing a store: places, permissions, --fresh, the order of recovery. */
#include "storage/internal.h"
#include "storage/wal.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- places ---- */

static char *join(const char *directory, size_t n, const char *name, size_t m, const char *suffix)
{
    size_t k = strlen(suffix);
    char *out = malloc(n + m + k + 2);
    if (!out) {
        fputs("cinderlog: out of memory; stopping\n", stderr);
        abort();
    }
    size_t at = 0;
    memcpy(out, directory, n);
    at += n;
    if (n && out[n - 1] != '/')
        out[at++] = '/';
    memcpy(out + at, name, m);
    memcpy(out + at + m, suffix, k + 1);
    return out;
}

static void in_directory(struct store_place *p, const char *directory, size_t n)
{
    p->directory = join(directory, n, "", 0, "");
    p->ledger = join(directory, n, "ledger", 6, ".db");
    p->derived = join(directory, n, "derived", 7, ".db");
    p->lock = join(directory, n, "lock", 4, "");
}

enum status_code store_place_init(struct store_place *p, const char *data, struct status *st)
{
    *p = (struct store_place){ .lock_fd = -1 };
    struct str s = str_of(data);
    if (s.n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "--data is empty: name a directory, a file ending in .db, or :memory:");
    if (str_eq_z(s, ":memory:")) {
        struct vfs *vfs = vfs_new();
        if (!vfs)
            return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
        store_place_on(p, vfs, st);
        p->owns_vfs = true;
        return STATUS_OK;
    }
    if (s.n < 4 || memcmp(s.p + s.n - 3, ".db", 3) != 0 || s.p[s.n - 4] == '/') {
        in_directory(p, s.p, s.n);
        return STATUS_OK;
    }
    const char *name = db_basename(data);
    size_t n = (size_t)(name - data), m = s.n - n - 3;
    if (m == 6 && memcmp(name, "ledger", 6) == 0) {
        in_directory(p, n ? data : ".", n ? n : 1);
        return STATUS_OK;
    }
    p->ledger = join(data, n, name, m, ".db");
    p->derived = join(data, n, name, m, ".derived.db");
    p->lock = join(data, n, name, m, ".lock");
    return STATUS_OK;
}

enum status_code store_place_on(struct store_place *p, struct vfs *vfs, struct status *st)
{
    (void)st;
    *p = (struct store_place){ .vfs = vfs, .lock_fd = -1 };
    p->ledger = join("", 0, "ledger", 6, ".db");
    p->derived = join("", 0, "derived", 7, ".db");
    return STATUS_OK;
}

void store_place_dispose(struct store_place *p)
{
    store_unlock(p);
    free(p->ledger);
    free(p->derived);
    free(p->lock);
    free(p->directory);
    if (p->owns_vfs)
        vfs_free(p->vfs);
    *p = (struct store_place){ .lock_fd = -1 };
}

/* ---- preparing a place on disk ---- */

static enum status_code refuse_path(const char *what, const char *path, struct status *st)
{
    const char *hint = errno == ENOSPC                     ? ": free some space"
                       : errno == EROFS || errno == EACCES ? ": choose another --data"
                                                           : "";
    return status_set(st, STATUS_FAILED_PRECONDITION, "%s %s: %s%s", path, what, strerror(errno), hint);
}

/* mkdir -p with 0700 for what is made. */
static enum status_code make_directories(const char *path, struct status *st)
{
    char *copy = join(path, strlen(path), "", 0, "");
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            refuse_path("cannot be made", copy, st);
            break;
        }
        *slash = '/';
    }
    free(copy);
    return st->code;
}

static enum status_code write_gitignore(const char *directory, struct status *st)
{
    char *path = join(directory, strlen(directory), ".gitignore", 10, "");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        refuse_path("cannot be written", path, st);
    else if (fd >= 0 && write(fd, "*\n", 2) != 2)
        refuse_path("cannot be written", path, st);
    if (fd >= 0)
        close(fd);
    free(path);
    return st->code;
}

static char *directory_of(const struct store_place *p)
{
    const char *slash = strrchr(p->ledger, '/');
    if (!slash)
        return join("", 0, ".", 1, "");
    return join("", 0, p->ledger, slash == p->ledger ? 1 : (size_t)(slash - p->ledger), "");
}

static void sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static char *beside(const char *path, const char *suffix)
{
    return join("", 0, path, strlen(path), suffix);
}

static void remove_file(struct store_place *p, const char *path, const char *suffix)
{
    char *name = beside(path, suffix);
    if (p->vfs)
        vfs_remove(p->vfs, name);
    else
        unlink(name);
    free(name);
}

/* SQLite makes its files with the rights of the main file, so that is made here. */
static enum status_code make_private(const char *path, struct status *st)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse_path("cannot be opened for writing", path, st);
    close(fd);
    return STATUS_OK;
}

static void remove_derived(void *data)
{
    struct store_place *p = data;
    struct status ignored = status_init(NULL);
    remove_file(p, p->derived, "-wal"); /* first: a -wal must never meet another file of its name */
    remove_file(p, p->derived, "-shm");
    remove_file(p, p->derived, "");
    if (!p->vfs)
        make_private(p->derived, &ignored); /* opening it will tell */
}

/* Renames ledger.db to ledger-20261124T054437Z.db, its -wal with it. */
static enum status_code move_aside(struct store_place *p, struct status *st)
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm utc;
    char stamp[32] = "";
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "-%Y%m%dT%H%M%SZ.db", &utc);
    char *to = join("", 0, p->ledger, strlen(p->ledger) - 3, stamp);
    char *wal = beside(p->ledger, "-wal"), *to_wal = beside(to, "-wal");
    struct stat info;
    if (stat(p->ledger, &info) == 0) {
        if (stat(to, &info) == 0)
            status_set(st, STATUS_FAILED_PRECONDITION, "%s exists already: try again in a second", to);
        else if (rename(wal, to_wal) != 0 && errno != ENOENT)
            refuse_path("cannot be moved aside", wal, st);
        else if (rename(p->ledger, to) != 0)
            refuse_path("cannot be moved aside", p->ledger, st);
    }
    if (st->code == STATUS_OK) {
        remove_file(p, p->ledger, "-shm");
        remove_derived(p);
    }
    free(to);
    free(wal);
    free(to_wal);
    return st->code;
}

static uint64_t size_of(const struct store_place *p, const char *path, const char *suffix)
{
    char *name = beside(path, suffix);
    struct stat info;
    uint64_t size = 0;
    if (p->vfs)
        size = vfs_size(p->vfs, name);
    else if (stat(name, &info) == 0)
        size = (uint64_t)info.st_size;
    free(name);
    return size;
}

static enum status_code prepare_disk(struct store_place *p, bool fresh, struct status *st)
{
    char *directory = directory_of(p);
    if (p->directory && (make_directories(p->directory, st) || write_gitignore(p->directory, st)))
        goto out;
    if (store_check_filesystem(directory, st) || store_lock(p, st) || (fresh && move_aside(p, st)))
        goto out;
    if (size_of(p, p->ledger, "") == 0 && size_of(p, p->ledger, "-wal") > 0) {
        /* SQLite would delete it. */
        status_set(st, STATUS_DATA_LOSS,
                   "%s is missing or empty, but its -wal is there: put it back, or start empty with --fresh",
                   p->ledger);
        goto out;
    }
    bool made = size_of(p, p->ledger, "") == 0;
    if (make_private(p->ledger, st) == STATUS_OK && make_private(p->derived, st) == STATUS_OK && made)
        sync_directory(directory);
out:
    free(directory);
    return st->code;
}

/* ---- opening ---- */

static enum status_code check_wal(bool *damaged, const struct store_place *p, const char *path,
                                  struct status *st)
{
    struct wal_report report;
    char *wal = beside(path, "-wal");
    wal_check(&report, wal, p->vfs, false, st);
    *damaged = report.damaged;
    if (st->code == STATUS_OK && report.damaged)
        status_set(st, STATUS_DATA_LOSS,
                   "%s is damaged at %s%llu: commits after it cannot be reached; restore the ledger, or cut"
                   " it off there with sqlite3 %s 'PRAGMA wal_checkpoint(TRUNCATE)' and delete %s",
                   wal, report.bad_frame ? "frame " : "its header, frame ",
                   (unsigned long long)report.bad_frame, p->ledger, p->derived);
    free(wal);
    return st->code;
}

static enum status_code open_files(struct store *s, bool ledger_created, struct status *st)
{
    const struct store_options *o = &s->options;
    struct status ignored = status_init(NULL);
    bool damaged;
    if (check_wal(&damaged, &s->place, s->place.ledger, st))
        return st->code;
    if (ledger_open(&s->ledger, s->place.ledger, store_place_vfs(&s->place),
                    o->durability == STORE_DURABILITY_POWER, st))
        return st->code;
    s->entries_at_open = s->ledger.committed.seq;
    check_wal(&damaged, &s->place, s->place.derived, &ignored);
    const struct derived_open open = {
        .path = s->place.derived,
        .indexes = &s->indexes,
        .vfs = store_place_vfs(&s->place),
        .ledger = &s->ledger,
        .spaces = &s->spaces,
        .damaged = damaged,
        .ledger_created = ledger_created,
        .remove = remove_derived,
        .remove_data = &s->place,
        .progress = o->progress,
        .progress_data = o->progress_data,
    };
    return derived_open(&s->derived, &open, st);
}

enum status_code store_open_place(struct store **out, struct store_place *place,
                                  const struct store_options *options, bool ledger_created, struct status *st)
{
    *out = NULL;
    struct store *s = calloc(1, sizeof *s);
    if (!s) {
        store_place_dispose(place);
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    s->options = *options;
    s->place = *place;
    *place = (struct store_place){ .lock_fd = -1 };
    bool memory = s->place.vfs != NULL;
    atomic_init(&s->checkpoint_pages,
                memory ? STORE_WAL_CHECKPOINT_PAGES_MEMORY : STORE_WAL_CHECKPOINT_PAGES);
    atomic_init(&s->reset_pages, memory ? STORE_WAL_RESET_PAGES_MEMORY : STORE_WAL_RESET_PAGES);
    space_map_init(&s->spaces);
    index_set_init(&s->indexes);
    pthread_mutex_init(&s->apply_mutex, NULL);
    pthread_mutex_init(&s->readers_mutex, NULL);
    bool files = open_files(s, ledger_created, st) == STATUS_OK;
    store_view_init(s);
    if (!files || store_housekeeper_start(s, st) || store_writer_start(s, st)) {
        store_close(s);
        return st->code;
    }
    *out = s;
    return STATUS_OK;
}

static enum status_code check_options(const struct store_options *o, struct status *st)
{
    for (size_t i = 0; i < o->n_append_only; i++)
        if (!path_pattern_valid(o->append_only[i]))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "--append-only '" STR_FMT
                              "' is not a pattern of ids, '*' and '**' joined by '/'",
                              STR_ARG(o->append_only[i]));
    return STATUS_OK;
}

enum status_code store_open(struct store **out, const struct store_options *options, struct status *st)
{
    struct store_place place;
    *out = NULL;
    if (check_options(options, st) || store_place_init(&place, options->data, st))
        return st->code;
    bool created = !place.vfs && size_of(&place, place.ledger, "") == 0;
    if (!place.vfs && prepare_disk(&place, options->fresh, st)) {
        store_place_dispose(&place);
        return st->code;
    }
    return store_open_place(out, &place, options, created && !options->fresh, st);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    store_writer_stop(s);
    store_housekeeper_stop(s);
    /* The last connections: SQLite copies the WALs back and removes them. */
    derived_close(&s->derived);
    ledger_close(&s->ledger);
    index_set_dispose(&s->indexes);
    space_map_dispose(&s->spaces);
    pthread_mutex_destroy(&s->apply_mutex);
    pthread_mutex_destroy(&s->readers_mutex);
    pthread_mutex_destroy(&s->view_mutex);
    pthread_cond_destroy(&s->view_published);
    store_place_dispose(&s->place);
    free(s);
}

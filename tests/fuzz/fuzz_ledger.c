/* fuzz_ledger.c - bytes changed anywhere in a small store's files: verify and the start survive it, and what
 * they accept has the content it had.
 *
 * Input: a list of patches of 6 bytes: file (0 ledger, 1 its -wal, 2 derived, 3 its -wal; upper bits: how
 * many bytes), offset (4 bytes, modulo the size), value. */
#include "core/log.h"
#include "storage/internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = { "ledger.db", "ledger.db-wal", "derived.db", "derived.db-wal" };
static const struct database_name db = { STR_INIT("p"), STR_INIT("(default)") };
static const char *const paths[] = { "c/a", "c/b", "c/a/s/x" };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool done;

static void on_done(struct store_commit *c)
{
    (void)c;
    pthread_mutex_lock(&mutex);
    done = true;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
}

static void put(struct store *store, const char *path, const char *body)
{
    struct store_op op = { .kind = STORE_PUT, .path = str_of(path), .fields = str_of(body) };
    struct store_commit c = {
        .db = db, .ops = &op, .n_ops = 1, .done = on_done, .status = status_init(NULL)
    };
    done = false;
    store_submit(store, &c);
    pthread_mutex_lock(&mutex);
    while (!done)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* The disk that every input starts from: part of it copied back, part in the WALs. */
static struct vfs *base(void)
{
    static struct vfs *disk;
    if (disk)
        return disk;
    struct store_options options = { 0 };
    struct status st = status_init(NULL);
    struct vfs *live = vfs_new();
    for (int run = 0; run < 2; run++) {
        struct store_place place;
        struct store *store;
        if (!live || store_place_on(&place, live, &st) ||
            store_open_place(&store, &place, &options, run == 0, &st))
            abort();
        for (int i = 0; i < 6; i++)
            put(store, paths[i % 3], i < 3 ? "first" : "second");
        if (run == 1)
            disk = vfs_clone(live);
        store_close(store);
    }
    vfs_free(live);
    log_set_level(LOG_ERROR + 1);
    return disk;
}

static void patch(struct vfs *disk, const uint8_t *p)
{
    const char *name = names[p[0] & 3];
    size_t size = vfs_size(disk, name), n = 1 + (p[0] >> 2);
    size_t at = ((size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]) % (size ? size : 1);
    for (size_t i = 0; i < n && at + i < size; i++)
        vfs_poke(disk, name, at + i, &p[5], 1);
}

/* The body of a document at a view. Damage to the last transactions of both WALs at once cuts both logs there
 * and leaves no trace: then the view is an earlier one (FORMAT.md says so), but still whole. */
static const char *expected(uint64_t view, size_t path)
{
    for (uint64_t entry = view; entry > 0; entry--)
        if ((entry - 1) % 3 == path)
            return (entry - 1) % 6 < 3 ? "first" : "second";
    return "";
}

static void read_all(struct store *store, bool intact)
{
    struct store_reader *reader;
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct timestamp now;
    uint64_t view = store_view_now(store, &now);
    if (store_reader_open(&reader, store, &st) == STATUS_OK) {
        for (size_t i = 0; i < 3; i++) {
            struct store_document doc;
            st = status_init(arena);
            store_get(reader, view, db, str_of(paths[i]), arena, &doc, &st);
            if (st.code == STATUS_OK && doc.exists && !str_eq_z(doc.fields, "second") &&
                !str_eq_z(doc.fields, "first"))
                abort(); /* content that never was */
            if (intact && (st.code || !str_eq_z(doc.fields, expected(view, i)))) {
                fprintf(stderr, "verify says intact, but %s at %llu: %s '" STR_FMT "' %s\n", paths[i],
                        (unsigned long long)view, doc.exists ? "exists" : "does not exist",
                        STR_ARG(doc.fields), status_message(&st));
                abort();
            }
        }
        store_reader_close(reader);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vfs *disk = vfs_clone(base());
    struct arena *arena = arena_new();
    struct store_verify_options verify = { 0 };
    struct store_verify_report report;
    struct store_options options = { 0 };
    struct store_place place;
    struct store *store;
    struct status st = status_init(arena);
    for (size_t i = 0; i + 6 <= size && i < 6 * 64; i += 6)
        patch(disk, data + i);
    store_place_on(&place, disk, &st);
    bool intact = store_verify_place(&place, &verify, arena, &report, &st) == STATUS_OK && report.intact;
    st = status_init(arena);
    if (store_open_place(&store, &place, &options, false, &st) == STATUS_OK) {
        read_all(store, intact);
        store_close(store);
    } else if (intact) {
        fprintf(stderr, "verify says intact, the start says: %s\n", status_message(&st));
        abort();
    }
    vfs_free(disk);
    arena_free(arena);
    return 0;
}

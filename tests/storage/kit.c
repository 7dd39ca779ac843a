/* kit.c - see kit.h. */
#include "storage/kit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void kit_init(struct kit *kit, bool on_disk)
{
    *kit = (struct kit){ .arena = arena_new() };
    if (on_disk) {
        snprintf(kit->directory, sizeof kit->directory, "/tmp/cinderlog-test-XXXXXX");
        assert_non_null(mkdtemp(kit->directory));
        kit->options.data = kit->directory;
    } else {
        kit->vfs = vfs_new();
        assert_non_null(kit->vfs);
    }
}

enum status_code kit_open(struct kit *kit, struct status *st)
{
    *st = status_init(kit->arena);
    if (!kit->vfs) {
        store_open(&kit->store, &kit->options, st);
    } else {
        struct store_place place;
        assert_int_equal(store_place_on(&place, kit->vfs, st), STATUS_OK);
        store_open_place(&kit->store, &place, &kit->options, vfs_size(kit->vfs, "ledger.db") == 0, st);
    }
    if (st->code == STATUS_OK && store_reader_open(&kit->reader, kit->store, st))
        kit_close(kit);
    return st->code;
}

void kit_must_open(struct kit *kit)
{
    struct status st;
    if (kit_open(kit, &st))
        fail_msg("open: %s", status_message(&st));
}

void kit_close(struct kit *kit)
{
    store_reader_close(kit->reader);
    kit->reader = NULL;
    store_close(kit->store);
    kit->store = NULL;
}

static void remove_directory(const char *directory)
{
    DIR *d = opendir(directory);
    struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(directory);
}

void kit_dispose(struct kit *kit)
{
    kit_close(kit);
    vfs_free(kit->vfs);
    if (kit->directory[0])
        remove_directory(kit->directory);
    arena_free(kit->arena);
}

void kit_use_disk(struct kit *kit, struct vfs *vfs)
{
    assert_null(kit->store);
    vfs_free(kit->vfs);
    kit->vfs = vfs;
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
};

static void on_done(struct store_commit *commit)
{
    struct waiting *w = commit->user;
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

void kit_submit(struct kit *kit, struct store_commit *commit)
{
    struct waiting w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    commit->done = on_done;
    commit->user = &w;
    store_submit(kit->store, commit);
    pthread_mutex_lock(&w.mutex);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
}

enum status_code kit_op(struct kit *kit, struct database_name db, enum store_op_kind kind, const char *path,
                        const char *body, struct store_commit *out)
{
    struct store_op *op = ARENA_NEW(kit->arena, struct store_op);
    *op = (struct store_op){
        .kind = kind, .path = str_of(path), .fields = str_of(body), .decision = STR("test")
    };
    *out = (struct store_commit){
        .db = db, .ops = op, .n_ops = 1, .principal = STR("owner"), .status = status_init(kit->arena)
    };
    kit_submit(kit, out);
    return out->status.code;
}

enum status_code kit_put(struct kit *kit, const char *path, const char *body)
{
    struct store_commit commit;
    return kit_op(kit, DEMO, STORE_PUT, path, body, &commit);
}

enum status_code kit_delete(struct kit *kit, const char *path)
{
    struct store_commit commit;
    return kit_op(kit, DEMO, STORE_DELETE, path, NULL, &commit);
}

uint64_t kit_view(struct kit *kit)
{
    struct timestamp ignored;
    return store_view_now(kit->store, &ignored);
}

struct store_document kit_get_at(struct kit *kit, uint64_t view, const char *path)
{
    struct status st = status_init(kit->arena);
    struct store_document doc;
    if (store_get(kit->reader, view, DEMO, str_of(path), kit->arena, &doc, &st))
        fail_msg("get %s at %llu: %s", path, (unsigned long long)view, status_message(&st));
    return doc;
}

struct store_document kit_get(struct kit *kit, const char *path)
{
    return kit_get_at(kit, kit_view(kit), path);
}

void kit_expect(struct kit *kit, const char *path, const char *body)
{
    struct store_document doc = kit_get(kit, path);
    assert_int_equal(doc.exists, body != NULL);
    if (body)
        assert_true(str_eq_z(doc.fields, body));
}

const char *kit_scan_at(struct kit *kit, uint64_t view, const struct store_scan_range *range)
{
    struct status st = status_init(kit->arena);
    struct store_scan *scan;
    struct store_document doc;
    struct str path;
    struct buf out;
    buf_init(&out, 1 << 20);
    if (store_scan_open(&scan, kit->reader, view, DEMO, range, &st))
        fail_msg("scan: %s", status_message(&st));
    for (;;) {
        if (store_scan_next(scan, kit->arena, &path, &doc, &st))
            fail_msg("scan: %s", status_message(&st));
        if (path.n == 0)
            break;
        assert_true(doc.exists);
        buf_printf(&out, "%s" STR_FMT, out.len ? " " : "", STR_ARG(path));
    }
    store_scan_close(scan);
    struct str text = arena_str(kit->arena, buf_view(&out));
    buf_dispose(&out);
    return text.p;
}

void kit_take_file(struct kit *kit, struct vfs *from, const char *name)
{
    size_t n = vfs_size(from, name);
    unsigned char *bytes = malloc(n + 1);
    assert_non_null(bytes);
    vfs_remove(kit->vfs, name);
    assert_true(n == 0 || vfs_peek(from, name, 0, bytes, n));
    if (n) {
        /* A heap file comes into being by opening it. */
        sqlite3_vfs *v = sqlite3_vfs_find(vfs_name(kit->vfs));
        sqlite3_file *f = calloc(1, (size_t)v->szOsFile);
        assert_int_equal(v->xOpen(v, name, f, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
        assert_int_equal(f->pMethods->xWrite(f, bytes, (int)n, 0), SQLITE_OK);
        f->pMethods->xClose(f);
        free(f);
    }
    free(bytes);
}

void kit_tamper(struct kit *kit, const char *file, const char *sql)
{
    static const char *const triggers[] = { "entry_no_update", "entry_no_delete",  "body_no_update",
                                            "body_no_delete",  "ledger_no_update", "ledger_no_delete",
                                            "entry_next",      "body_next",        "ledger_once" };
    sqlite3 *db;
    char *message = NULL, drop[80];
    bool ledger = strcmp(file, "ledger.db") == 0;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, vfs_name(kit->vfs)), SQLITE_OK);
    for (size_t i = 0; ledger && i < sizeof triggers / sizeof triggers[0]; i++) {
        snprintf(drop, sizeof drop, "DROP TRIGGER %s", triggers[i]);
        assert_int_equal(sqlite3_exec(db, drop, NULL, NULL, NULL), SQLITE_OK);
    }
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    for (size_t i = 3; ledger && ledger_schema[i]; i++)
        assert_int_equal(sqlite3_exec(db, ledger_schema[i], NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

bool kit_intact(struct kit *kit, struct store_verify_report *report)
{
    struct store_verify_options options = { 0 };
    struct store_place place;
    struct status st = status_init(kit->arena);
    store_place_on(&place, kit->vfs, &st);
    if (store_verify_place(&place, &options, kit->arena, report, &st))
        fail_msg("verify: %s", status_message(&st));
    store_place_dispose(&place);
    return report->intact;
}

static void dump_entry(struct buf *out, const struct store_entry *e)
{
    buf_printf(out, "%llu %llu %llu %lld %s %s ", (unsigned long long)e->seq, (unsigned long long)e->commit,
               (unsigned long long)e->prev, (long long)e->time_us, e->kind, e->operation);
    const struct str texts[] = { e->db.project, e->db.database, e->path, e->principal,
                                 e->request_id, e->decision,    e->body };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        buf_printf(out, "%zu:", texts[i].n);
        buf_str(out, texts[i]);
    }
    const unsigned char *const digests[] = { e->rules_digest, e->body_digest, e->leaf, e->chain };
    for (size_t i = 0; i < 4; i++) {
        char text[2 * FORMAT_HASH + 1];
        hex_print(text, digests[i], FORMAT_HASH);
        buf_printf(out, " %s", text);
    }
    buf_printf(out, " %d\n", e->has_body);
}

char *kit_dump(struct vfs *vfs)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct store_place place;
    struct store_log *log = NULL;
    struct store_entry e = { 0 };
    struct buf out;
    bool found = true;
    buf_init(&out, 64 << 20);
    store_place_on(&place, vfs, &st);
    store_log_open_place(&log, &place, &st);
    while (st.code == STATUS_OK && found && store_log_next(log, e.seq, arena, &e, &found, &st) == STATUS_OK)
        if (found)
            dump_entry(&out, &e);
    store_log_close(log);
    store_place_dispose(&place);
    buf_byte(&out, 0);
    char *text = st.code ? NULL : strdup((const char *)out.data);
    buf_dispose(&out);
    arena_free(arena);
    return text;
}

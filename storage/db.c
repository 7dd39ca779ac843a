/* db.c - see db.h. */
#include "storage/db.h"

#include "storage/gather.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_TIMEOUT_MS = 5000, PATH_MAX_BYTES = 4096 };

/* Per-allocation statistics take a global mutex on every malloc of SQLite; nobody reads them. */
static void configure_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

const char *db_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum status_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH: /* a value that no version of us writes */
    case SQLITE_ERROR:    /* our SQL is constant: a table or the schema is not what it was */
        return STATUS_DATA_LOSS;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return STATUS_FAILED_PRECONDITION;
    default:
        return STATUS_UNAVAILABLE;
    }
}

enum status_code db_fail(sqlite3 *db, int rc, const char *what, struct status *st)
{
    const char *name = db ? sqlite3_db_filename(db, "main") : NULL;
    const char *text = db && sqlite3_errcode(db) == (rc & 0xff) ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    const char *hint = (rc & 0xff) == SQLITE_FULL ? ": no space left" : "";
    return status_set(st, code_of(rc), "%s: %s%s (SQLite %d, %s)",
                      name && *name ? db_basename(name) : "SQLite", text, hint, rc, what);
}

enum status_code db_exec(sqlite3 *db, const char *sql, struct status *st)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : db_fail(db, rc, sql, st);
}

enum status_code db_prepare(sqlite3_stmt **out, sqlite3 *db, const char *sql, struct status *st)
{
    *out = NULL;
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return rc == SQLITE_OK ? STATUS_OK : db_fail(db, rc, "preparing a statement", st);
}

enum status_code db_number(int64_t *out, sqlite3 *db, const char *sql, struct status *st)
{
    sqlite3_stmt *stmt = NULL;
    *out = 0;
    if (db_prepare(&stmt, db, sql, st))
        return st->code;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else if (rc != SQLITE_DONE)
        db_fail(db, rc, sql, st);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK : st->code;
}

static enum status_code guard(sqlite3 *db, struct status *st)
{
    int rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    if (rc != SQLITE_OK)
        return db_fail(db, rc, "setting guards", st);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    return db_exec(db,
                   "PRAGMA recursive_triggers = ON; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                   "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY",
                   st);
}

/* Reading in WAL mode makes a shared-memory file. In a place where nothing can be made (a mounted image,
 * somebody else's copy) a file that was closed properly is read as one that nobody changes. Whether `uri`
 * names it so. */
static bool immutable_uri(char uri[3 * PATH_MAX_BYTES + 32], const char *path)
{
    char beside[PATH_MAX_BYTES + 8];
    struct stat info;
    size_t n = strlen(path), at = 5;
    if (n >= PATH_MAX_BYTES)
        return false;
    memcpy(beside, path, n + 1);
    char *slash = strrchr(beside, '/');
    if (slash)
        slash[1] = '\0';
    if (access(slash ? beside : ".", W_OK) == 0 || (errno != EACCES && errno != EROFS))
        return false;
    snprintf(beside, sizeof beside, "%s-wal", path);
    if (stat(beside, &info) == 0 && info.st_size > 0)
        return false;
    memcpy(uri, "file:", 5);
    for (size_t i = 0; i < n; i++) {
        if (strchr("?#%", path[i]))
            at += (size_t)snprintf(uri + at, 4, "%%%02X", (unsigned)(unsigned char)path[i]);
        else
            uri[at++] = path[i];
    }
    memcpy(uri + at, "?immutable=1", 13);
    return true;
}

enum status_code db_open(sqlite3 **out, const char *path, const char *vfs, enum db_mode mode,
                         struct status *st)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const int flags[] = {
        [DB_READ] = SQLITE_OPEN_READONLY,
        [DB_WRITE] = SQLITE_OPEN_READWRITE,
        [DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    pthread_once(&once, configure_library);
    *out = NULL;
    sqlite3 *db = NULL;
    char uri[3 * PATH_MAX_BYTES + 32];
    bool immutable = mode == DB_READ && !vfs && immutable_uri(uri, path);
    if (!vfs && mode != DB_READ)
        vfs = gather_vfs();
    int more = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (immutable ? SQLITE_OPEN_URI : 0);
    int rc = sqlite3_open_v2(immutable ? uri : path, &db, flags[mode] | more, vfs);
    if (rc != SQLITE_OK) {
        const char *why = sqlite3_errstr(rc);
        status_set(st, code_of(rc), "%s: cannot be opened: %s", db_basename(path), why);
        sqlite3_close(db);
        return st->code;
    }
    /* A reader that happens to be the last one out must not tidy up: that WAL may be evidence. */
    if (mode == DB_READ)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (guard(db, st) || (mode == DB_READ && db_exec(db, "PRAGMA query_only = ON", st))) {
        db_close(db);
        return st->code;
    }
    *out = db;
    return STATUS_OK;
}

void db_close(sqlite3 *db)
{
    if (!db)
        return;
    sqlite3_stmt *stmt;
    while ((stmt = sqlite3_next_stmt(db, NULL)) != NULL)
        sqlite3_finalize(stmt);
    sqlite3_close(db);
}

void db_bind_text(sqlite3_stmt *stmt, int at, struct str s)
{
    sqlite3_bind_text64(stmt, at, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *stmt, int at, struct str s)
{
    sqlite3_bind_blob64(stmt, at, s.p ? s.p : "", s.n, SQLITE_STATIC);
}

struct str db_column_bytes(sqlite3_stmt *stmt, int at)
{
    const void *p = sqlite3_column_blob(stmt, at);
    return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(stmt, at) };
}

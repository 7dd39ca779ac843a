/* db.h - SQLite connections as this room opens them, and SQLite's errors in our words.
 *
 * Every connection belongs to one thread at a time (SQLITE_OPEN_NOMUTEX) and is opened with the same
 * guards: defensive mode, untrusted schema, recursive triggers, checked cells, no mmap. */
#ifndef STORAGE_DB_H
#define STORAGE_DB_H

#include "core/status.h"

#include <sqlite3.h>

enum db_mode {
    DB_READ,   /* never writes, not even a checkpoint at close */
    DB_WRITE,  /* the file must exist */
    DB_CREATE, /* made when missing */
};

/* `vfs` NULL: the system's. On failure *out is NULL. */
enum status_code db_open(sqlite3 **out, const char *path, const char *vfs, enum db_mode mode,
                         struct status *st);
void db_close(sqlite3 *db); /* NULL is allowed */

/* Turns SQLite's code into ours: DATA_LOSS for what is damaged, FAILED_PRECONDITION for what the place does
 * not allow, UNAVAILABLE for I/O. `what` says what was being done ("reading an entry"). */
enum status_code db_fail(sqlite3 *db, int rc, const char *what, struct status *st);
enum status_code db_exec(sqlite3 *db, const char *sql, struct status *st);
/* A statement to be kept as long as the connection. */
enum status_code db_prepare(sqlite3_stmt **out, sqlite3 *db, const char *sql, struct status *st);
/* The one integer a query gives, e.g. "PRAGMA user_version". */
enum status_code db_number(int64_t *out, sqlite3 *db, const char *sql, struct status *st);

/* Binding and reading of what may hold NUL; bound bytes must live until the statement is reset. */
void db_bind_text(sqlite3_stmt *stmt, int at, struct str s);
void db_bind_blob(sqlite3_stmt *stmt, int at, struct str s);
struct str db_column_bytes(sqlite3_stmt *stmt, int at);

/* Last part of a path, for messages. */
const char *db_basename(const char *path);

#endif

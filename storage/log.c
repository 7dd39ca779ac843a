/* log.c - the ledger as a stream of entries, read beside a running server.
 *
 * Every call is a statement of its own, so no read transaction outlives it and a follower never holds a WAL
 * back. */
#include "storage/internal.h"

#include <stdlib.h>
#include <unistd.h>

struct store_log {
    sqlite3 *db;
    sqlite3_stmt *next, *body;
};

enum status_code store_place_exists(const struct store_place *place, struct status *st)
{
    if (place->vfs ? vfs_size(place->vfs, place->ledger) > 0 : access(place->ledger, F_OK) == 0)
        return STATUS_OK;
    return status_set(st, STATUS_FAILED_PRECONDITION, "there is no ledger at %s", place->ledger);
}

enum status_code store_log_open_place(struct store_log **out, const struct store_place *place,
                                      struct status *st)
{
    *out = NULL;
    if (store_place_exists(place, st))
        return st->code;
    struct store_log *log = calloc(1, sizeof *log);
    if (!log)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "out of memory");
    if (ledger_open_read(&log->db, place->ledger, store_place_vfs(place), st) ||
        db_prepare(&log->next, log->db,
                   "SELECT " LEDGER_COLUMNS " FROM entry WHERE seq > ? ORDER BY seq LIMIT 1", st) ||
        db_prepare(&log->body, log->db, "SELECT salt, bytes FROM body WHERE seq = ?", st)) {
        store_log_close(log);
        return st->code;
    }
    *out = log;
    return STATUS_OK;
}

enum status_code store_log_open(struct store_log **out, const char *data, struct status *st)
{
    struct store_place place;
    *out = NULL;
    if (strcmp(data, ":memory:") == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "a :memory: ledger can only be read through its server: name HOST:PORT");
    if (store_place_init(&place, data, st))
        return st->code;
    store_log_open_place(out, &place, st);
    store_place_dispose(&place);
    return st->code;
}

enum status_code store_log_next(struct store_log *log, uint64_t after_seq, struct arena *arena,
                                struct store_entry *out, bool *found, struct status *st)
{
    struct ledger_row row;
    *found = false;
    if (after_seq >= INT64_MAX)
        return STATUS_OK;
    sqlite3_bind_int64(log->next, 1, (sqlite3_int64)after_seq);
    int rc = sqlite3_step(log->next);
    if (rc == SQLITE_ROW) {
        if (ledger_row_read(&row, log->next, st) == STATUS_OK)
            store_entry_from_row(out, &row, log->body, arena, st);
        *found = st->code == STATUS_OK;
    } else if (rc != SQLITE_DONE) {
        db_fail(log->db, rc, "reading the log", st);
    }
    sqlite3_reset(log->next);
    return st->code;
}

void store_log_close(struct store_log *log)
{
    if (!log)
        return;
    db_close(log->db);
    free(log);
}

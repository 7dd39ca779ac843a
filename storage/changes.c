/* changes.c - what changed between two views: the ledger's entries as they come, without bodies. For
 * listeners, and for scans at a view that is not the newest. */
#include "storage/internal.h"

enum status_code store_reader_changes(struct store_reader *r, uint64_t after, uint64_t upto,
                                      store_change_fn *each, void *data, struct status *st)
{
    sqlite3_stmt *s = r->changes;
    int rc = SQLITE_DONE;
    bool more = true;
    sqlite3_bind_int64(s, 1, (sqlite3_int64)after);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)upto);
    while (more && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct store_change change = {
            .seq = (uint64_t)sqlite3_column_int64(s, 0),
            .db = { db_column_bytes(s, 1), db_column_bytes(s, 2) },
            .path = db_column_bytes(s, 3),
        };
        more = each(data, &change);
    }
    sqlite3_reset(s);
    return more && rc != SQLITE_DONE ? db_fail(r->ledger, rc, "reading what has changed", st) : STATUS_OK;
}

enum status_code store_changes(struct store_reader *r, uint64_t after, uint64_t upto, store_change_fn *each,
                               void *data, struct status *st)
{
    if (store_reader_enter(r, upto, st))
        return st->code;
    if (store_reader_pin(r, st) == STATUS_OK)
        store_reader_changes(r, after, upto, each, data, st);
    store_reader_leave(r);
    return st->code;
}

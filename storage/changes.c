/* changes.c - what changed between two views, for listeners: the ledger's entries as they come, without
 * bodies. */
#include "storage/internal.h"

enum status_code store_changes(struct store_reader *r, uint64_t after, uint64_t upto, store_change_fn *each,
                               void *data, struct status *st)
{
    sqlite3_stmt *s = r->changed;
    int rc = SQLITE_DONE;
    if (store_reader_enter(r, upto, st))
        return st->code;
    if (store_reader_pin(r, st)) {
        store_reader_leave(r);
        return st->code;
    }
    sqlite3_bind_int64(s, 1, (sqlite3_int64)after);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)upto);
    bool more = true;
    while (more && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        struct store_change change = {
            .seq = (uint64_t)sqlite3_column_int64(s, 0),
            .db = { db_column_bytes(s, 1), db_column_bytes(s, 2) },
            .path = db_column_bytes(s, 3),
        };
        more = each(data, &change);
    }
    sqlite3_reset(s);
    if (more && rc != SQLITE_DONE)
        db_fail(r->ledger, rc, "reading what has changed", st);
    store_reader_leave(r);
    return st->code;
}

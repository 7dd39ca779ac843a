/* entry_print.h - ledger entries for people and for programs: `cinderlog log` and /cinderlog/v1/entries. */
#ifndef SERVER_OPS_ENTRY_PRINT_H
#define SERVER_OPS_ENTRY_PRINT_H

#include "core/buf.h"
#include "storage/storage.h"

/* Which entries are wanted; empty members do not filter. */
struct entry_filter {
    bool denied;           /* refused writes only */
    struct str request_id; /* exact */
    struct str path;       /* the document, or everything below it */
    struct database_name db;
};
bool entry_wanted(const struct entry_filter *filter, const struct store_entry *entry);

/* One line of text: "12  2026-11-24T05:44:37.897795Z  create  api_audit_logs/7Qx  by owner  ...". */
bool entry_print_text(struct buf *out, const struct store_entry *entry, bool colour);
/* One JSON object and a newline; `fields` as proto-JSON where the body is there. */
bool entry_print_json(struct buf *out, struct arena *arena, const struct store_entry *entry);

#endif

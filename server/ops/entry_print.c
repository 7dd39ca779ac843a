/* entry_print.c - see entry_print.h. */
#include "server/ops/entry_print.h"

#include "core/codec.h"
#include "core/crypto.h"
#include "core/log.h"

#include <inttypes.h>
#include <stdio.h>

bool entry_wanted(const struct entry_filter *filter, const struct store_entry *entry)
{
    if (filter->denied && strcmp(entry->kind, "refused") != 0)
        return false;
    if (filter->request_id.n && !str_eq(filter->request_id, entry->request_id))
        return false;
    if (filter->db.project.n && !database_name_eq(filter->db, entry->db))
        return false;
    if (filter->path.n == 0 || str_eq(filter->path, entry->path))
        return true;
    return str_starts(entry->path, filter->path) && entry->path.p[filter->path.n] == '/';
}

bool entry_print_text(struct buf *out, const struct store_entry *entry, bool colour)
{
    char time[TIMESTAMP_TEXT_MAX];
    bool refused = strcmp(entry->kind, "refused") == 0;
    bool write = refused || strcmp(entry->kind, "write") == 0;
    timestamp_text(time, timestamp_from_us(entry->time_us));
    buf_printf(out, "%6" PRIu64 "  %s  ", entry->seq, time);
    if (refused)
        buf_printf(out, "%sREFUSED%s ", colour ? "\033[31m" : "", colour ? "\033[0m" : "");
    buf_z(out, write ? entry->operation : entry->kind);
    if (entry->path.n) {
        buf_byte(out, ' ');
        log_escape(out, entry->path);
    }
    if (entry->db.project.n) {
        buf_z(out, "  in ");
        log_escape(out, entry->db.project);
        if (entry->db.database.n && !str_eq_z(entry->db.database, "(default)")) {
            buf_byte(out, '/');
            log_escape(out, entry->db.database);
        }
    }
    if (entry->principal.n) {
        buf_z(out, "  by ");
        log_escape(out, entry->principal);
    }
    if (entry->request_id.n) {
        buf_z(out, "  request ");
        log_escape(out, entry->request_id);
    }
    if (entry->decision.n) {
        buf_z(out, "  [");
        log_escape(out, entry->decision);
        buf_z(out, "]");
    }
    if (entry->prev)
        buf_printf(out, "  (before: %" PRIu64 ")", entry->prev);
    if (strcmp(entry->kind, "note") == 0) {
        buf_z(out, "  ");
        log_escape(out, entry->body);
    }
    return buf_byte(out, '\n');
}

static void put_hex(struct buf *out, const char *key, const unsigned char digest[32])
{
    static const unsigned char zero[32];
    char hex[65];
    if (memcmp(digest, zero, 32) == 0)
        return;
    hex_print(hex, digest, 32);
    buf_printf(out, ",\"%s\":\"%s\"", key, hex);
}

static void put_body(struct buf *out, struct arena *arena, const struct store_entry *entry)
{
    bool document = strcmp(entry->kind, "write") == 0 || strcmp(entry->kind, "refused") == 0;
    if (!entry->has_body || !entry->body.n)
        return;
    if (!document) {
        json_write_member(out, "text", entry->body);
        return;
    }
    struct document d = { .fields_raw = entry->body };
    struct status st = status_init(NULL);
    if (document_decode(&d, arena, &st))
        return;
    /* The inside of {"fields": {...}}: the member goes into our object. */
    struct buf json;
    buf_init(&json, 64 * 1024 * 1024);
    if (protojson_encode(&json, SCHEMA(document), &d, 0) && json.len > 2) {
        buf_byte(out, ',');
        buf_put(out, json.data + 1, json.len - 2);
    }
    buf_dispose(&json);
}

bool entry_print_json(struct buf *out, struct arena *arena, const struct store_entry *entry)
{
    char time[TIMESTAMP_TEXT_MAX];
    timestamp_text(time, timestamp_from_us(entry->time_us));
    buf_printf(out, "{\"seq\":%" PRIu64 ",\"commit\":%" PRIu64 ",\"time\":\"%s\",\"kind\":\"%s\"", entry->seq,
               entry->commit, time, entry->kind);
    json_write_member(out, "operation", str_of(entry->operation));
    json_write_member(out, "project", entry->db.project);
    json_write_member(out, "database", entry->db.database);
    json_write_member(out, "path", entry->path);
    if (entry->prev)
        buf_printf(out, ",\"prev\":%" PRIu64, entry->prev);
    json_write_member(out, "principal", entry->principal);
    json_write_member(out, "requestId", entry->request_id);
    json_write_member(out, "decision", entry->decision);
    put_hex(out, "rulesDigest", entry->rules_digest);
    put_hex(out, "bodyDigest", entry->body_digest);
    put_hex(out, "leaf", entry->leaf);
    put_hex(out, "chain", entry->chain);
    put_body(out, arena, entry);
    return buf_z(out, "}\n");
}

/* ledger.c - our own endpoints: health, readiness, the chain head, the ledger's entries, the running summary. */
#include "server/control/control.h"

#include "core/codec.h"
#include "core/crypto.h"
#include "server/ops/entry_print.h"
#include "server/ops/request_id.h"
#include "server/ops/summary.h"

#include <inttypes.h>
#include <stdio.h>

enum { PAGE_ENTRIES = 1000, PAGE_BYTES = 4 * 1024 * 1024, SCAN_ENTRIES = 20000, LINE_ROOM = 16 * 1024 * 1024 };

void control_health(struct http_call *call) { http_reply_text(call, 200, "ok\n"); }

void control_ready(struct http_call *call)
{
    char text[READINESS_TEXT];
    if (atomic_load(&call->server->stopping))
        http_reply_text(call, 503, "stopping\n");
    else if (!readiness_reached(&call->server->readiness))
        http_reply_text(call, 503, arena_printf(call->arena, "%s\n", readiness_text(text, &call->server->readiness)));
    else
        http_reply_text(call, 200, "ready\n");
}

void control_checkpoint(struct http_call *call)
{
    struct store_info info;
    struct buf out;
    char chain[65], id[33];
    store_get_info(call->server->store, &info);
    hex_print(chain, info.chain, sizeof info.chain);
    hex_print(id, info.ledger_id, sizeof info.ledger_id);
    buf_init(&out, 1024);
    buf_printf(&out, "{\"ledgerId\":\"%s\",\"seq\":%" PRIu64 ",\"chain\":\"%s\",\"head\":\"%" PRIu64 ":%s\"}\n", id,
               info.visible, chain, info.visible, chain);
    http_reply_json(call, 200, &out);
}

void control_stats(struct http_call *call)
{
    struct store_info info;
    struct buf out;
    store_get_info(call->server->store, &info);
    buf_init(&out, 1024);
    buf_printf(&out, "{\"entries\":%" PRIu64 ",\"commits\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"calls\":%zu}\n", info.visible,
               info.commits, info.batches, atomic_load(&call->server->calls));
    http_reply_json(call, 200, &out);
}

static bool parse_seq(uint64_t *out, struct str text)
{
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || *out > UINT64_MAX / 10 - 1)
            return false;
        *out = *out * 10 + (uint64_t)(text.p[i] - '0');
    }
    return *out <= INT64_MAX;
}

/* As it is recorded. */
static struct str wanted_request(struct http_call *call)
{
    struct str id = http_query(call, "request_id");
    return request_id_safe(call->arena, id.n ? id : http_query(call, "request"));
}

/* GET /cinderlog/v1/entries, or of one database /cinderlog/v1/projects/P/databases/D/entries, with
 * ?after=N&format=ndjson|text&denied=true&request_id=ID&path=P. The last line is {"next":M}: where the next page begins;
 * M == N when there was nothing new. */
void control_entries(struct http_call *call)
{
    struct status st = status_init(call->arena);
    struct entry_filter filter = {
        .denied = str_eq_z(http_query(call, "denied"), "true"),
        .request_id = wanted_request(call),
        .path = http_query(call, "path"),
        .db = { http_param(call, 0), http_param(call, 1) },
    };
    struct arena *scratch = arena_new();
    struct buf out;
    uint64_t seq;
    size_t shown = 0;
    bool text = str_eq_z(http_query(call, "format"), "text");
    buf_init(&out, PAGE_BYTES + LINE_ROOM);
    if (!parse_seq(&seq, http_query(call, "after"))) {
        status_set(&st, STATUS_INVALID_ARGUMENT, "after: not a number");
        goto failed;
    }
    for (size_t scanned = 0; scanned < SCAN_ENTRIES && shown < PAGE_ENTRIES && out.len < PAGE_BYTES; scanned++) {
        struct store_entry entry;
        bool found;
        arena_reset(scratch);
        if (store_read_entry(call->worker->reader, seq + 1, scratch, &entry, &found, &st))
            goto failed;
        if (!found)
            break;
        seq = entry.seq;
        if (!entry_wanted(&filter, &entry))
            continue;
        shown++;
        if (text)
            entry_print_text(&out, &entry, false);
        else
            entry_print_json(&out, scratch, &entry);
    }
    buf_printf(&out, "{\"next\":%" PRIu64 "}\n", seq);
    http_reply_bytes(call, 200, text ? "text/plain; charset=utf-8" : "application/x-ndjson", &out);
    goto out;
failed:
    http_reply_status(call, &st);
out:
    buf_dispose(&out);
    arena_free(scratch);
}

void control_summary(struct http_call *call)
{
    struct buf out;
    buf_init(&out, PAGE_BYTES);
    summary_json(&out, call->server);
    http_reply_json(call, 200, &out);
}

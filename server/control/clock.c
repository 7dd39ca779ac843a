/* clock.c - /cinderlog/v1/clock: the server's time moved, for tests of retention and expiry (--allow-clock).
 *
 *   GET     -> {"time":"2026-11-24T12:00:00.000000Z","offsetSeconds":86400.000000,"moved":true}
 *   POST    {"advance":"30d"} or {"to":"2027-01-01T00:00:00Z"} -> the same
 *   DELETE  back to the system's time -> the same
 *
 * request.time, server timestamps, read times and the log follow. Commit times follow too, but never
 * backwards: after a move back they go on from the newest one in steps of a microsecond until the clock has
 * caught up. A move is made by the entry (a note) that records it, in that entry's commit: there is none that
 * the ledger does not have. Deadlines, locks and quotas run on another clock and do not move. */
#include "server/control/control.h"

#include "core/clock.h"
#include "core/codec.h"
#include "server/auth/claims.h"
#include "server/duration.h"

#include <inttypes.h>

struct move {
    struct store_commit commit;
    struct store_op op;
    struct http_call *call;
    int64_t offset_us;
};

static void put_seconds(struct buf *out, int64_t us)
{
    buf_printf(out, "%s%" PRId64 ".%06" PRId64, us < 0 ? "-" : "", (us < 0 ? -us : us) / 1000000,
               (us < 0 ? -us : us) % 1000000);
}

static void reply_time(struct http_call *call)
{
    struct buf out;
    char time[TIMESTAMP_TEXT_MAX];
    int64_t offset = clock_offset_us();
    timestamp_text(time, timestamp_from_us(clock_wall_us()));
    buf_init(&out, 256);
    buf_printf(&out, "{\"time\":\"%s\",\"offsetSeconds\":", time);
    put_seconds(&out, offset);
    buf_printf(&out, ",\"moved\":%s}\n", offset ? "true" : "false");
    http_reply_json(call, 200, &out);
}

static bool refused(struct http_call *call)
{
    struct status st = status_init(call->arena);
    if (control_locked(call))
        return true;
    if (call->server->options->allow_clock)
        return false;
    status_set(&st, STATUS_FAILED_PRECONDITION,
               "the clock of this server is not to be moved: start it with --allow-clock");
    http_reply_status(call, &st);
    return true;
}

/* On the writer. */
static void move_done(struct store_commit *commit)
{
    struct move *m = commit->user;
    if (commit->status.code) {
        http_reply_status(m->call, &commit->status);
    } else {
        clock_move_us(m->offset_us);
        reply_time(m->call);
    }
    http_call_free(m->call);
}

/* The call is freed by move_done. */
static void move_to(struct http_call *call, int64_t offset_us)
{
    struct move *m = ARENA_NEW(call->arena, struct move);
    struct buf text;
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX];
    int64_t now = clock_wall_us();
    timestamp_text(from, timestamp_from_us(now));
    timestamp_text(to, timestamp_from_us(now - clock_offset_us() + offset_us));
    buf_init(&text, 256);
    buf_printf(&text, "clock moved from %s to %s, ", from, to);
    put_seconds(&text, offset_us);
    buf_z(&text, " s from the system's");
    m->call = call;
    m->offset_us = offset_us;
    m->op = (struct store_op){ .kind = STORE_NOTE,
                               .fields = arena_str(call->arena, buf_view(&text)),
                               .decision = STR("control") };
    m->commit = (struct store_commit){
        .ops = &m->op,
        .n_ops = 1,
        .principal = STR("control"),
        .done = move_done,
        .user = m,
        .status = status_init(call->arena),
    };
    buf_dispose(&text);
    http_call_keep(call);
    store_submit(call->server->store, &m->commit);
}

/* What the body says, as the time that it shall be. */
static enum status_code wanted_time(int64_t *us, struct http_call *call, struct status *st)
{
    static const char form[] =
        "the body: {\"advance\":\"30d\"} or {\"to\":\"2027-01-01T00:00:00Z\"} is wanted";
    struct value_map root;
    struct status json = status_init(NULL);
    struct timestamp to;
    int64_t by;
    if (claims_parse(&root, call->arena, call->body, &json) || root.n != 1 ||
        root.items[0].value.kind != VALUE_STRING)
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s", form);
    struct str name = root.items[0].name, text = root.items[0].value.text;
    if (str_eq_z(name, "advance")) {
        if (!duration_parse(&by, text))
            return status_set(st, STATUS_INVALID_ARGUMENT, "advance: not " DURATION_FORM);
        *us = clock_wall_us() + by;
    } else if (str_eq_z(name, "to")) {
        if (!timestamp_parse(&to, text))
            return status_set(st, STATUS_INVALID_ARGUMENT, "to: not a time such as 2027-01-01T00:00:00Z");
        *us = timestamp_to_us(to);
    } else {
        return status_set(st, STATUS_INVALID_ARGUMENT, "%s", form);
    }
    /* Room for what is counted from it: SQLite, RFC 3339 and rules know no year after 9999, or before 1. */
    if (*us < 0 || *us > (TIMESTAMP_MAX_SECONDS - INT64_C(366) * 86400) * 1000000)
        return status_set(st, STATUS_INVALID_ARGUMENT, "the clock goes from 1970 to 9998");
    return STATUS_OK;
}

void control_get_clock(struct http_call *call)
{
    if (!refused(call))
        reply_time(call);
}

void control_post_clock(struct http_call *call)
{
    struct status st = status_init(call->arena);
    int64_t us = 0;
    if (refused(call))
        return;
    if (wanted_time(&us, call, &st))
        http_reply_status(call, &st);
    else
        move_to(call, us - (clock_wall_us() - clock_offset_us()));
}

void control_delete_clock(struct http_call *call)
{
    if (!refused(call))
        move_to(call, 0);
}

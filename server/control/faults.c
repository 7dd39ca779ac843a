/* faults.c - /cinderlog/v1/faults: what is to go wrong, set, listed and removed while the server runs.
 *
 *   POST    one fault, as text or as a JSON object (fault.h) ->
 * {"id":1,"effect":...,"matched":0,"injected":0} GET     -> {"faults":[...],"injected":N} DELETE  all of
 * them, or /ID that one -> {} */
#include "server/control/control.h"

#include "core/json_text.h"
#include "server/faults/faults.h"

#include <inttypes.h>

enum { ANSWER_MAX = 1024 * 1024 };

static void reply_empty(struct http_call *call)
{
    struct buf out;
    buf_init(&out, 16);
    buf_z(&out, "{}\n");
    http_reply_json(call, 200, &out);
}

void control_get_faults(struct http_call *call)
{
    struct faults *faults = call->server->faults;
    struct buf out;
    if (control_locked(call))
        return;
    buf_init(&out, ANSWER_MAX);
    buf_z(&out, "{\"faults\":");
    faults_print(&out, faults, 0);
    buf_printf(&out, ",\"injected\":%" PRIu64 "}\n", faults_injected(faults));
    http_reply_json(call, 200, &out);
}

void control_post_fault(struct http_call *call)
{
    struct faults *faults = call->server->faults;
    struct status st = status_init(call->arena);
    struct buf out;
    uint64_t id;
    if (control_locked(call))
        return;
    if (faults_add(&id, faults, call->body, &st)) {
        http_reply_status(call, &st);
        return;
    }
    buf_init(&out, ANSWER_MAX);
    faults_print(&out, faults, id);
    buf_z(&out, "\n");
    http_reply_json(call, 200, &out);
}

void control_delete_faults(struct http_call *call)
{
    struct faults *faults = call->server->faults;
    struct status st = status_init(call->arena);
    struct str text = http_param(call, 0);
    int64_t id;
    if (control_locked(call))
        return;
    if (!text.n) {
        faults_clear(faults);
        reply_empty(call);
    } else if (json_int64(&id, text) && id > 0 && faults_remove(faults, (uint64_t)id)) {
        reply_empty(call);
    } else {
        status_set(&st, STATUS_NOT_FOUND,
                   "there is no fault of that number; GET /cinderlog/v1/faults lists them");
        http_reply_status(call, &st);
    }
}

/* denials.c - see denials.h. */
#include "server/ops/denials.h"

#include "core/clock.h"
#include "core/log.h"
#include "server/rpc/rpc.h"
#include "server/server.h"

#include <stdatomic.h>

enum { PER_SECOND = 5, TEXT_MAX = 8 * 1024, OTHERS_TOLD = 4 };

static void put(struct buf *out, struct str s) { log_escape(out, s); }

static void put_z(struct buf *out, const char *z) { log_escape(out, str_of(z)); }

void denials_put_try(struct buf *out, const struct rules_try *t)
{
    put(out, t->file);
    buf_printf(out, ":%u:%u ", t->line, t->column);
    if (t->expression && strcmp(t->expression, t->verdict ? t->verdict : "false") != 0)
        put_z(out, t->expression);
    else
        buf_z(out, "the condition");
    buf_printf(out, t->not_provable ? " cannot be proved from the query yet" : " is %s",
               t->verdict ? t->verdict : "false");
    if (t->reason && t->verdict && strcmp(t->verdict, "error") == 0) {
        buf_z(out, ": ");
        put_z(out, t->reason);
    }
    if (t->value) {
        buf_z(out, " (");
        put_z(out, t->value);
        buf_z(out, ")");
    }
}

void denials_put_sets(struct buf *out, const struct rules_try *t)
{
    if (!t->missing && !t->extra)
        return;
    buf_z(out, "\n  ");
    if (t->missing) {
        buf_z(out, "missing: ");
        put_z(out, t->missing);
        buf_z(out, "   ");
    }
    if (t->extra) {
        buf_z(out, "not allowed: ");
        put_z(out, t->extra);
        buf_z(out, "   ");
    }
    if (t->have) {
        buf_z(out, "have: ");
        put_z(out, *t->have ? t->have : "none");
    }
}

static void put_others(struct buf *out, const struct rules_decision *decision)
{
    if (decision->n_tries < 2)
        return;
    buf_z(out, "\n  also tried: ");
    for (size_t i = 1; i < decision->n_tries && i <= OTHERS_TOLD; i++) {
        const struct rules_try *t = &decision->tries[i];
        if (i > 1)
            buf_z(out, ", ");
        put(out, t->file);
        buf_printf(out, ":%u ", t->allow_line);
        put_z(out, t->value || !t->reason ? t->verdict : t->reason);
        if (t->value) {
            buf_z(out, " (");
            put_z(out, t->value);
            buf_z(out, ")");
        }
    }
    if (decision->n_tries > OTHERS_TOLD + 1)
        buf_printf(out, " and %zu more", decision->n_tries - OTHERS_TOLD - 1);
}

bool denials_format(struct buf *out, const struct call *call, const struct rules_request *request,
                    const struct rules_decision *decision)
{
    buf_printf(out, "DENIED %s ", rules_method_name(request->method));
    put(out, request->path);
    buf_z(out, " as ");
    put(out, call->principal.label);
    if (call->principal.was_owner)
        buf_z(out, " (owner token, --owner-as)");
    if (call->request_id.n) {
        buf_z(out, " (request ");
        put(out, call->request_id);
        buf_z(out, ")");
    }
    buf_z(out, ": ");
    if (decision->n_tries) {
        denials_put_try(out, &decision->tries[0]);
        denials_put_sets(out, &decision->tries[0]);
        put_others(out, decision);
    } else {
        buf_printf(out, "no allow statement for '%s' matches this path", rules_method_name(request->method));
    }
    if (call->request_id.n) {
        buf_z(out, "   history: cinderlog log --denied --request ");
        put(out, call->request_id);
    }
    return !out->overflowed;
}

void denials_print(struct call *call, const struct rules_request *request, const struct rules_decision *decision)
{
    /* A flood of refusals must not become a flood of lines: a handful a second, the rest in numbers. */
    static _Atomic int64_t second;
    static _Atomic uint32_t printed, skipped;
    if (call->server->quiet)
        return;
    int64_t now = clock_mono_ns() / 1000000000;
    if (atomic_exchange(&second, now) != now) {
        uint32_t n = atomic_exchange(&skipped, 0);
        atomic_store(&printed, 0);
        if (n)
            log_info("... and %u more denials; all of them: cinderlog log --denied", n);
    }
    if (atomic_fetch_add(&printed, 1) >= PER_SECOND) {
        atomic_fetch_add(&skipped, 1);
        return;
    }
    struct buf out;
    buf_init(&out, TEXT_MAX);
    denials_format(&out, call, request, decision);
    log_info(STR_FMT, STR_ARG(buf_view(&out)));
    buf_dispose(&out);
}

/* authorize.c - see authorize.h. */
#include "server/service/authorize.h"

#include "core/clock.h"
#include "core/codec.h"
#include "core/crypto.h"
#include "core/log.h"
#include "server/ops/denials.h"
#include "server/ops/feed.h"
#include "server/ops/metrics.h"
#include "server/ops/summary.h"
#include "server/service/rulesets.h"

#include <stdio.h>

struct timestamp authz_request_time(void) { return timestamp_from_us(clock_wall_us() / 1000 * 1000); }

void authz_begin(struct authz *authz, struct call *call, struct arena *arena, struct database_name db,
                 uint64_t view, struct timestamp now)
{
    *authz = (struct authz){
        .call = call, .reader = call->worker->reader, .arena = arena, .db = db, .view = view, .now = now,
        .budget = { .arena = arena }
    };
    authz->decision = STR("owner");
    if (authz_by_rules(call))
        authz->ruleset = rules_registry_get(call->server->rules, db.project);
}

void authz_end(struct authz *authz)
{
    rules_release(authz->ruleset);
    authz->ruleset = NULL;
}

static void record_read(struct authz *authz, struct str path, uint64_t seq)
{
    for (size_t i = 0; i < authz->n_reads; i++)
        if (str_eq(authz->reads[i].path, path))
            return;
    if (authz->n_reads == authz->cap_reads) {
        size_t cap = authz->cap_reads ? authz->cap_reads * 2 : 8;
        authz->reads = arena_grow(authz->arena, authz->reads, authz->cap_reads * sizeof *authz->reads,
                                  cap * sizeof *authz->reads);
        authz->cap_reads = cap;
    }
    authz->reads[authz->n_reads++] =
        (struct store_dep){ .path = arena_str(authz->arena, path), .seq = seq };
}

static enum status_code get_document(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st)
{
    struct authz *authz = data;
    struct store_document stored;
    *out = (struct rules_document){ 0 };
    if (after && authz->pending.after && authz->pending.after(authz->pending.data, path, out)) {
        out->written = true;
        return STATUS_OK;
    }
    if (store_get(authz->reader, authz->view, db, path, arena, &stored, st))
        return st->code;
    record_read(authz, path, stored.seq);
    out->exists = stored.exists;
    if (stored.exists)
        return protobuf_decode_fields(&out->fields, arena, stored.fields, st);
    return STATUS_OK;
}

static void trace_debug(void *data, struct str file, uint32_t line, uint32_t column, struct str text)
{
    (void)data;
    struct buf b;
    buf_init(&b, 64 * 1024);
    if (log_escape(&b, text))
        log_info("debug(): " STR_FMT ":%u:%u " STR_FMT, STR_ARG(file), line, column, STR_ARG(buf_view(&b)));
    buf_dispose(&b);
}

static void fill_request(const struct authz *authz, struct rules_request *r, enum rules_method method,
                         struct str path)
{
    const struct principal *p = &authz->call->principal;
    *r = (struct rules_request){
        .method = method,
        .db = authz->db,
        .path = path,
        .auth = { .present = p->kind == PRINCIPAL_USER, .has_uid = p->has_uid, .uid = p->uid, .token = &p->token },
        .time = authz->now,
        .in_transaction = authz->in_transaction,
    };
}

static void add_fact(struct status_detail *d, const char *key, struct str value)
{
    if (value.n)
        d->facts[d->count++] = (struct status_fact){ key, value };
}

/* ---- the Requests feed ---- */

static void tell_feed(void *data, struct str record)
{
    struct authz *authz = data;
    feed_tell(authz->call->server->feed, authz->db.project, authz->ruleset, record);
}

/* What the owner asked for: `asked` names method and path, and what else is known. No rules are held for it yet. */
static void tell_owner(struct authz *authz, const struct rules_request *asked, const char *outcome)
{
    struct rules_env env = { .data = authz, .evaluated = tell_feed };
    struct rules_request r = *asked;
    struct rules_touched touched = { .auto_id = asked->touched && asked->touched->auto_id };
    r.touched = &touched; /* no more is collected of an owner's writes */
    r.db = authz->db;
    r.time = authz->now;
    r.in_transaction = authz->in_transaction;
    authz->ruleset = rules_registry_get(authz->call->server->rules, authz->db.project);
    rules_tell_unasked(authz->ruleset, &r, &env, authz->arena, outcome);
    authz_end(authz);
}

/* One ErrorInfo for each allow that was tried. */
static const struct status_detail *details_of(struct arena *arena, const struct rules_decision *decision,
                                              enum rules_method method, struct str path)
{
    struct status_detail *first = NULL, **link = &first;
    for (size_t i = 0; i < decision->n_tries; i++) {
        const struct rules_try *t = &decision->tries[i];
        struct status_detail *d = ARENA_NEW(arena, struct status_detail);
        d->reason = t->not_provable ? "SECURITY_RULES_NOT_PROVABLE" : "SECURITY_RULES_DENIED";
        d->facts = ARENA_ARRAY(arena, struct status_fact, 16);
        add_fact(d, "method", str_of(rules_method_name(method)));
        add_fact(d, "path", arena_str(arena, path));
        add_fact(d, "file", arena_str(arena, t->file));
        add_fact(d, "allowLine", str_of(arena_printf(arena, "%u", t->allow_line)));
        add_fact(d, "line", str_of(arena_printf(arena, "%u", t->line)));
        add_fact(d, "column", str_of(arena_printf(arena, "%u", t->column)));
        add_fact(d, "verdict", str_of(t->verdict));
        add_fact(d, "reason", str_of(t->reason));
        add_fact(d, "expression", str_of(t->expression));
        add_fact(d, "value", str_of(t->value));
        add_fact(d, "missing", str_of(t->missing));
        add_fact(d, "have", str_of(t->have));
        add_fact(d, "extra", str_of(t->extra));
        *link = d;
        link = &d->next;
    }
    return first;
}

/* The decision as the request log tells it; in the call's arena, since the ruleset may go before the call does. */
static struct call_decision *note_decision(struct authz *authz, enum call_verdict verdict, struct str file)
{
    struct call *call = authz->call;
    struct call_decision *d = &call->notes.decision;
    const unsigned char *digest = rules_digest(authz->ruleset);
    if (!d->digest || memcmp(d->digest, digest, SHA256_SIZE) != 0)
        d->digest = (const unsigned char *)arena_str(call->arena, str_from(digest, SHA256_SIZE)).p;
    if (!str_eq(d->file, file))
        d->file = arena_str(call->arena, file);
    d->verdict = verdict;
    d->by = "rules";
    d->line = d->column = 0;
    d->reason = (struct str){ 0 };
    return d;
}

static void note_allowed(struct authz *authz, const struct rules_decision *decision)
{
    struct call *call = authz->call;
    struct call_decision *d = note_decision(authz, CALL_ALLOWED, decision->file);
    d->line = decision->line;
    d->column = decision->column;
    call->notes.decisions_allowed++;
    summary_count(call->server->summary, SUMMARY_RULES_ALLOWED);
    authz->decision = str_of(arena_printf(call->arena, "rules:%u:%u", decision->line, decision->column));
}

static bool is_unproved(const struct rules_decision *decision)
{
    for (size_t i = 0; i < decision->n_tries; i++)
        if (!decision->tries[i].not_provable)
            return false;
    return decision->n_tries > 0;
}

static void note_denied(struct authz *authz, const struct rules_decision *decision, enum rules_method method)
{
    struct call *call = authz->call;
    struct summary *summary = call->server->summary;
    const struct rules_try *first = decision->n_tries ? &decision->tries[0] : NULL;
    bool error = first && first->verdict && strcmp(first->verdict, "error") == 0;
    struct call_decision *d =
        note_decision(authz, error ? CALL_ERROR : CALL_DENIED, first ? first->file : (struct str){ 0 });
    d->reason = STR("no matching allow");
    if (first) {
        d->line = first->allow_line;
        d->column = first->column;
        d->reason = arena_str(call->arena, str_of(first->reason ? first->reason : first->verdict));
    }
    call->notes.decisions_denied++;
    summary_count(summary, SUMMARY_RULES_DENIED);
    if (is_unproved(decision))
        summary_count(summary, SUMMARY_NOT_PROVABLE);
    summary_denied_at(summary, first ? first->file : STR(""), first ? first->allow_line : 0,
                      rules_method_name(method));
    authz->decision = first ? str_of(arena_printf(call->arena, "denied:%u:%u " STR_FMT, d->line, d->column,
                                                  STR_ARG(d->reason)))
                            : STR("denied: no matching allow");
}

/* The decision that was just noted. */
static void count_decision(const struct authz *authz, enum rules_method method, struct str path)
{
    struct call *call = authz->call;
    metrics_decision(call->server->metrics, &call->notes.decision, method, path);
}

static enum status_code decide(struct authz *authz, const struct rules_request *request, struct status *st)
{
    struct call *call = authz->call;
    struct rules_env env = { .data = authz, .get_document = get_document, .trace = trace_debug };
    env.evaluated = feed_wanted(call->server->feed) ? tell_feed : NULL;
    struct rules_decision decision;
    int64_t began = clock_mono_ns();
    enum status_code code =
        rules_decide(authz->ruleset, request, &env, &authz->budget, authz->arena, &decision, st);
    call->notes.rules_ns += clock_mono_ns() - began;
    if (code)
        return code;
    if (decision.allowed) {
        note_allowed(authz, &decision);
        count_decision(authz, request->method, request->path);
        return STATUS_OK;
    }
    if (authz->tentative)
        return status_set(st, STATUS_PERMISSION_DENIED, "%s", decision.message);
    note_denied(authz, &decision, request->method);
    count_decision(authz, request->method, request->path);
    denials_print(call, request, &decision);
    status_set(st, STATUS_PERMISSION_DENIED, "%s", decision.message);
    if (st->arena)
        st->details = details_of(st->arena, &decision, request->method, request->path);
    return st->code;
}

enum status_code authz_iam(struct call *call, uint64_t iam, struct str what, struct status *st)
{
    const struct owner_policy *policy = &call->server->policies[0];
    if (call->principal.kind != PRINCIPAL_OWNER)
        return STATUS_OK;
    if (!policy->iam_given) {
        summary_count(call->server->summary, SUMMARY_OWNER);
        call->notes.decision = (struct call_decision){ .verdict = CALL_ALLOWED, .by = "owner" };
        return STATUS_OK;
    }
    uint64_t lacking = iam & ~call->principal.iam;
    call->notes.decision = (struct call_decision){ .verdict = lacking ? CALL_DENIED : CALL_ALLOWED, .by = "iam" };
    if (lacking == 0) {
        summary_count(call->server->summary, SUMMARY_IAM_ALLOWED);
        return STATUS_OK;
    }
    summary_count(call->server->summary, SUMMARY_IAM_DENIED);
    enum iam_permission first = (enum iam_permission)(lacking & (~lacking + 1));
    call->notes.decision.reason = str_of(iam_permission_name(first));
    struct status_detail *d = ARENA_NEW(call->arena, struct status_detail);
    d->reason = "IAM_PERMISSION_DENIED";
    d->facts = ARENA_ARRAY(call->arena, struct status_fact, 4);
    add_fact(d, "permission", str_of(iam_permission_name(first)));
    add_fact(d, "resource", what);
    status_set(st, STATUS_PERMISSION_DENIED,
               "Missing or insufficient permissions: %s on " STR_FMT
               " (--owner-iam; a write without exists:false or exists:true needs both create and update)",
               iam_permission_name(first), STR_ARG(what));
    st->details = d;
    return st->code;
}

static enum status_code decide_owner(struct authz *authz, const struct rules_request *asked, uint64_t iam,
                                     struct status *st)
{
    enum status_code code = authz_iam(authz->call, iam, asked->path, st);
    count_decision(authz, asked->method, asked->path);
    if (feed_wanted(authz->call->server->feed))
        tell_owner(authz, asked, code ? "deny" : "admin");
    return code;
}

void authz_tell_reads(struct authz *authz, const struct str *paths, size_t n, enum status_code code)
{
    for (size_t i = 0; i < n && feed_wanted(authz->call->server->feed); i++)
        tell_owner(authz, &(struct rules_request){ .method = RULES_GET, .path = paths[i] }, code ? "deny" : "admin");
}

enum status_code authz_get(struct authz *authz, struct str path, const struct rules_document *document,
                           struct status *st)
{
    struct rules_request r;
    if (!authz_by_rules(authz->call))
        return decide_owner(authz, &(struct rules_request){ .method = RULES_GET, .path = path }, IAM_ENTITIES_GET, st);
    fill_request(authz, &r, RULES_GET, path);
    r.resource = document;
    return decide(authz, &r, st);
}

enum status_code authz_list(struct authz *authz, struct str path, const struct rules_query *query,
                            struct status *st)
{
    struct rules_request r;
    if (!authz_by_rules(authz->call))
        return decide_owner(authz, &(struct rules_request){ .method = RULES_LIST, .path = path, .query = query },
                            IAM_ENTITIES_LIST | IAM_ENTITIES_GET, st);
    fill_request(authz, &r, RULES_LIST, path);
    r.query = query;
    return decide(authz, &r, st);
}

enum status_code authz_write(struct authz *authz, enum rules_method method, struct str path,
                             const struct rules_document *before, const struct value_map *after,
                             const struct rules_touched *touched, uint64_t iam, struct status *st)
{
    struct rules_request r;
    if (!authz_by_rules(authz->call)) {
        authz->decision = authz->call->server->policies[0].iam_given ? STR("iam") : STR("owner");
        struct rules_request asked = { .method = method, .path = path, .new_fields = after, .touched = touched };
        return decide_owner(authz, &asked, iam, st);
    }
    fill_request(authz, &r, method, path);
    r.in_transaction = true; /* also for a plain commit: observed on Google's emulator 1.19.9 */
    r.resource = before;
    r.new_fields = after;
    r.touched = touched;
    return decide(authz, &r, st);
}

enum status_code authz_admin(struct call *call, const char *message, uint64_t iam, struct status *st)
{
    if (call->principal.kind != PRINCIPAL_OWNER)
        return status_set(st, STATUS_PERMISSION_DENIED, "%s", message);
    return authz_iam(call, iam, STR("the database"), st);
}

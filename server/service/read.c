/* read.c - GetDocument, BatchGetDocuments. */
#include "core/clock.h"
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/answer.h"
#include "server/service/authorize.h"
#include "server/service/consistency.h"
#include "server/service/service.h"

#include <stdlib.h>

static enum status_code as_rules_document(struct rules_document *out, struct arena *arena,
                                          const struct store_document *stored, struct status *st)
{
    *out = (struct rules_document){ .exists = stored->exists };
    return stored->exists ? protobuf_decode_fields(&out->fields, arena, stored->fields, st) : STATUS_OK;
}

/* Reads one document on c's view and asks the rules. */
static enum status_code read_one(struct store_document *out, struct authz *authz, struct consistency *c,
                                 struct str path, struct arena *arena, struct status *st)
{
    struct rules_document seen = { 0 };
    if (store_get(authz->reader, c->view, authz->db, path, arena, out, st))
        return st->code;
    if (consistency_locks(c))
        transaction_saw(c->txn, path, out->seq);
    if (authz_by_rules(authz->call) && as_rules_document(&seen, arena, out, st))
        return st->code;
    return authz_get(authz, path, &seen, st);
}

enum rpc_flow service_get_document(struct call *call)
{
    const struct msg_get_document_request *rq = call->request;
    struct resource_name name;
    struct consistency c = { 0 };
    struct authz authz = { 0 };
    struct answer_mask mask;
    struct store_document stored;
    struct document answer;
    struct consistency_choice choice = {
        .kind = rq->consistency_case == 3   ? CONSISTENCY_TRANSACTION
                : rq->consistency_case == 5 ? CONSISTENCY_READ_TIME
                                            : CONSISTENCY_NEWEST,
        .transaction = rq->transaction,
        .read_time = rq->read_time,
    };
    struct status *st = &call->status;
    if (path_parse_document(&name, rq->name, st) || answer_mask_parse(&mask, call->arena, rq->mask, st) ||
        consistency_begin(&c, call, name.db, &choice, st))
        goto out;
    if (consistency_locks(&c) && transaction_lock(c.txn, name.path, st))
        goto out;
    consistency_fix_view(&c, call);
    authz_begin(&authz, call, call->arena, name.db, c.view, authz_request_time());
    authz.in_transaction = consistency_locks(&c);
    if (read_one(&stored, &authz, &c, name.path, call->arena, st))
        goto out;
    if (!stored.exists) {
        answer_not_found(name.db, name.path, st);
        goto out;
    }
    if (answer_document(&answer, call->arena, name.db, name.path, &stored, &mask, st))
        goto out;
    call_send(call, &answer);
out:
    authz_end(&authz);
    consistency_end(&c);
    call_finish(call);
    return RPC_DONE;
}

/* ---- BatchGetDocuments ---- */

struct batch_get {
    struct database_name db;
    struct answer_mask mask;
    struct consistency c;
    struct authz authz;
    struct str *paths; /* duplicates removed, request order */
    size_t n, decided, next;
    struct arena *scratch; /* of one document: reset between them */
};

static enum rpc_flow batch_get_end(struct call *call)
{
    struct batch_get *b = call->state;
    authz_end(&b->authz);
    consistency_end(&b->c);
    call_finish(call);
    return RPC_DONE;
}

/* Documents are sent one by one; between two of them the call may park or yield and go on on another worker. */
static enum rpc_flow batch_get_step(struct call *call)
{
    struct batch_get *b = call->state;
    struct status *st = &call->status;
    int64_t slice_end = call_slice_end();
    while (b->next < b->n) {
        struct msg_batch_get_response answer = { .read_time = { true, b->c.read_time } };
        struct store_document stored;
        struct str path = b->paths[b->next];
        if (call_over(call))
            break;
        if (call_congested(call))
            return call_park(call, batch_get_step);
        arena_reset(b->scratch);
        if (store_get(call->worker->reader, b->c.view, b->db, path, b->scratch, &stored, st))
            break;
        if (stored.exists) {
            answer.result_case = 1;
            if (answer_document(&answer.found, b->scratch, b->db, path, &stored, &b->mask, st))
                break;
        } else {
            answer.result_case = 2;
            answer.missing = path_full(b->scratch, b->db, path);
        }
        call_send(call, &answer);
        b->next++;
        if (clock_mono_ns() >= slice_end)
            return call_yield(call, batch_get_step);
    }
    return batch_get_end(call);
}

static enum rpc_flow batch_get_begin(struct call *call)
{
    struct batch_get *b = call->state;
    if (b->c.new_id.n) {
        struct msg_batch_get_response first = { .transaction = b->c.new_id };
        call_send(call, &first);
    }
    return batch_get_step(call);
}

/* The whole batch is refused when one document is: so every decision comes before the first answer. */
static enum rpc_flow batch_get_decide(struct call *call)
{
    struct batch_get *b = call->state;
    struct status *st = &call->status;
    int64_t slice_end = call_slice_end();
    b->authz.arena = b->scratch;
    b->authz.reader = call->worker->reader;
    while (b->decided < b->n) {
        struct store_document stored;
        arena_reset(b->scratch);
        b->authz.reads = NULL;
        b->authz.n_reads = b->authz.cap_reads = 0;
        if (call_over(call) || read_one(&stored, &b->authz, &b->c, b->paths[b->decided], b->scratch, st))
            return batch_get_end(call);
        b->decided++;
        if (clock_mono_ns() >= slice_end)
            return call_yield(call, batch_get_decide);
    }
    return batch_get_begin(call);
}

static int by_str(const void *a, const void *b)
{
    return str_cmp(**(struct str *const *)a, **(struct str *const *)b);
}

/* Each document once, in request order. Sorting pointers finds the doubles in n log n. */
static void remove_doubles(struct batch_get *b, struct arena *arena)
{
    struct str **sorted = ARENA_ARRAY(arena, struct str *, b->n);
    for (size_t i = 0; i < b->n; i++)
        sorted[i] = &b->paths[i];
    if (b->n > 1)
        qsort(sorted, b->n, sizeof *sorted, by_str);
    bool *drop = ARENA_ARRAY(arena, bool, b->n);
    for (size_t i = 1; i < b->n; i++) {
        if (!str_eq(*sorted[i], *sorted[i - 1]))
            continue;
        /* Equal texts: keep the one that stands first in the request. */
        struct str *later = sorted[i] > sorted[i - 1] ? sorted[i] : sorted[i - 1];
        struct str *earlier = later == sorted[i] ? sorted[i - 1] : sorted[i];
        drop[later - b->paths] = true;
        sorted[i] = earlier;
    }
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++)
        if (!drop[i])
            b->paths[kept++] = b->paths[i];
    b->n = kept;
}

static enum status_code batch_get_parse(struct batch_get *b, struct call *call, struct status *st)
{
    const struct msg_batch_get_request *rq = call->request;
    if (path_parse_database(&b->db, rq->database, st) || answer_mask_parse(&b->mask, call->arena, rq->mask, st))
        return st->code;
    b->paths = ARENA_ARRAY(call->arena, struct str, rq->documents.n);
    for (size_t i = 0; i < rq->documents.n; i++) {
        struct resource_name name;
        if (path_parse_document(&name, rq->documents.items[i], st))
            return st->code;
        if (!database_name_eq(name.db, b->db))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "documents[%zu]: \"" STR_FMT "\" is not in the request's database", i,
                              STR_ARG(rq->documents.items[i]));
        b->paths[b->n++] = name.path;
    }
    remove_doubles(b, call->arena);
    return STATUS_OK;
}

enum rpc_flow service_batch_get(struct call *call)
{
    const struct msg_batch_get_request *rq = call->request;
    struct batch_get *b = ARENA_NEW(call->arena, struct batch_get);
    struct status *st = &call->status;
    struct consistency_choice choice = {
        .kind = rq->consistency_case == 4   ? CONSISTENCY_TRANSACTION
                : rq->consistency_case == 5 ? CONSISTENCY_NEW
                : rq->consistency_case == 7 ? CONSISTENCY_READ_TIME
                                            : CONSISTENCY_NEWEST,
        .transaction = rq->transaction,
        .options = rq->new_transaction,
        .read_time = rq->read_time,
    };
    call->state = b;
    b->scratch = arena_child(call->arena);
    if (batch_get_parse(b, call, st) || consistency_begin(&b->c, call, b->db, &choice, st))
        return batch_get_end(call);
    for (size_t i = 0; i < b->n && consistency_locks(&b->c); i++)
        if (transaction_lock(b->c.txn, b->paths[i], st))
            return batch_get_end(call);
    consistency_fix_view(&b->c, call);
    authz_begin(&b->authz, call, call->arena, b->db, b->c.view, authz_request_time());
    b->authz.in_transaction = consistency_locks(&b->c);
    /* A bare owner needs no decisions, but a transaction must note what it sees. */
    if (authz_by_rules(call) || consistency_locks(&b->c))
        return batch_get_decide(call);
    authz_iam(call, IAM_ENTITIES_GET, STR("documents"), st);
    authz_tell_reads(&b->authz, b->paths, b->n, st->code);
    return st->code ? batch_get_end(call) : batch_get_begin(call);
}

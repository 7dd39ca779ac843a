/* query.c - RunQuery: checked, decided by proof against its constraints, then streamed from a view.
 *
 * Between two documents the call may park (the client reads slowly) or yield (its slice is over) and go on on another
 * worker: the query keeps no SQLite transaction and no lock meanwhile. */
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/authorize.h"
#include "server/service/consistency.h"
#include "server/service/service.h"

struct run_query {
    struct database_name db;
    struct resource_name parent;
    const struct msg_structured_query *structured;
    struct query_plan *plan;
    struct consistency c;
    struct authz authz;
    struct query *query;
    struct arena *scratch;
    size_t prefix; /* bytes of ".../documents/" in a full name */
    struct msg_run_query_response held; /* the newest result: sent when it is known not to be the last */
    struct document held_document;
    struct arena *held_arena;
    bool holding;
};

static void close_query(void *data)
{
    struct run_query *q = data;
    query_close(q->query);
    q->query = NULL;
}

static enum rpc_flow end(struct call *call)
{
    struct run_query *q = call->state;
    close_query(q);
    authz_end(&q->authz);
    consistency_end(&q->c);
    call_finish(call);
    return RPC_DONE;
}

static enum rules_constraint_op constraint_op(int32_t op)
{
    switch (op) {
    case FIELD_OP_LESS_THAN:
        return RULES_LT;
    case FIELD_OP_LESS_THAN_OR_EQUAL:
        return RULES_LE;
    case FIELD_OP_GREATER_THAN:
        return RULES_GT;
    case FIELD_OP_GREATER_THAN_OR_EQUAL:
        return RULES_GE;
    case FIELD_OP_NOT_EQUAL:
        return RULES_NE;
    case FIELD_OP_ARRAY_CONTAINS:
        return RULES_ARRAY_CONTAINS;
    case FIELD_OP_NOT_IN:
        return RULES_NOT_IN;
    default:
        return RULES_EQ;
    }
}

/* The query's guarantees, in the words of rules.h. */
static void describe_query(struct rules_query *out, const struct run_query *q, struct arena *arena)
{
    const struct msg_structured_query *s = q->structured;
    size_t n;
    const struct query_disjunct *from = query_disjuncts(q->plan, &n);
    struct rules_disjunct *to = ARENA_ARRAY(arena, struct rules_disjunct, n);
    for (size_t i = 0; i < n; i++) {
        struct rules_constraint *items = ARENA_ARRAY(arena, struct rules_constraint, from[i].n);
        for (size_t j = 0; j < from[i].n; j++) {
            const struct query_constraint *c = &from[i].items[j];
            items[j] = (struct rules_constraint){ c->field.segments, c->field.n, constraint_op(c->op), c->operand };
        }
        to[i] = (struct rules_disjunct){ items, from[i].n };
    }
    *out = (struct rules_query){
        .parent = q->parent.path,
        .collection_id = s->from.n ? s->from.items[0].collection_id : STR(""),
        .all_descendants = s->from.n && s->from.items[0].all_descendants,
        .has_limit = s->limit.set,
        .limit = s->limit.value,
        .offset = s->offset,
        .disjuncts = to,
        .n_disjuncts = n,
    };
    out->order_by = arena_zalloc(arena, s->order_by.n, sizeof *out->order_by);
    out->n_order_by = s->order_by.n;
    for (size_t i = 0; i < s->order_by.n; i++) {
        out->order_by[i].field = s->order_by.items[i].field.field_path;
        out->order_by[i].descending = s->order_by.items[i].direction == DIRECTION_DESCENDING;
    }
}

static enum status_code note_read(struct run_query *q, struct call *call, struct str path, struct status *st)
{
    struct store_document seen;
    if (transaction_lock(q->c.txn, path, st) ||
        store_peek(call->worker->reader, q->c.view, q->db, path, &seen, st))
        return st->code;
    transaction_saw(q->c.txn, path, seen.seq);
    return STATUS_OK;
}

/* Sends what is held; `last` marks it as the end of the stream. */
static void send_held(struct call *call, struct run_query *q, bool last)
{
    if (q->holding || last) {
        q->held.read_time = (opt_timestamp){ true, q->c.read_time };
        q->held.continuation_case = last ? 6 : 0;
        q->held.done = last;
        /* On every result but the last: observed on Google's emulator 1.19.9. */
        q->held.skipped_results = last ? 0 : q->structured->offset;
        call_send(call, &q->held);
    }
    q->holding = false;
    q->held = (struct msg_run_query_response){ 0 };
}

/* One document is held back so that the last one can carry `done`, as Google's emulator sends it. */
static enum rpc_flow stream(struct call *call)
{
    struct run_query *q = call->state;
    struct status *st = &call->status;
    query_pause_at(q->query, call_slice_end());
    for (;;) {
        struct document d;
        if (call_over(call))
            return end(call);
        if (call_congested(call))
            return call_park(call, stream);
        arena_reset(q->scratch);
        if (query_next(q->query, call->worker->reader, q->scratch, &d, st))
            return end(call);
        if (query_paused(q->query))
            return call_yield(call, stream);
        if (d.name.n == 0)
            break;
        if (consistency_locks(&q->c) && note_read(q, call, str_skip(d.name, q->prefix), st))
            return end(call);
        send_held(call, q, false);
        struct arena *swap = q->held_arena;
        q->held_arena = q->scratch;
        q->scratch = swap;
        q->held_document = d;
        q->held.document = &q->held_document;
        q->holding = true;
    }
    if (consistency_locks(&q->c) && transaction_saw_query(q->c.txn, q->parent.path, q->structured, q->c.view, st))
        return end(call);
    send_held(call, q, true);
    return end(call);
}

static enum status_code start(struct run_query *q, struct call *call, struct status *st)
{
    const struct msg_run_query_request *rq = call->request;
    struct consistency_choice choice = {
        .kind = rq->consistency_case == 5   ? CONSISTENCY_TRANSACTION
                : rq->consistency_case == 6 ? CONSISTENCY_NEW
                : rq->consistency_case == 7 ? CONSISTENCY_READ_TIME
                                            : CONSISTENCY_NEWEST,
        .transaction = rq->transaction,
        .options = rq->new_transaction,
        .read_time = rq->read_time,
    };
    if (path_parse_parent(&q->parent, rq->parent, st))
        return st->code;
    q->db = q->parent.db;
    if (rq->query_case != 2 || !rq->structured_query)
        return status_set(st, STATUS_INVALID_ARGUMENT, "only structured queries are supported");
    q->structured = rq->structured_query;
    if (query_check(&q->plan, q->db, q->parent.path, q->structured, call->arena, st) ||
        consistency_begin(&q->c, call, q->db, &choice, st))
        return st->code;
    consistency_fix_view(&q->c, call);
    authz_begin(&q->authz, call, call->arena, q->db, q->c.view, authz_request_time());
    q->authz.in_transaction = q->c.txn != NULL;
    struct rules_query rules;
    describe_query(&rules, q, call->arena);
    struct str path = rules.all_descendants ? rules.collection_id
                                            : path_join(call->arena, q->parent.path, rules.collection_id);
    if (authz_list(&q->authz, path, &rules, st))
        return st->code;
    q->prefix = path_full(call->arena, q->db, STR("")).n + 1;
    if (query_open(&q->query, q->plan, call->worker->reader, q->c.view, st))
        return st->code;
    return STATUS_OK;
}

enum rpc_flow service_run_query(struct call *call)
{
    struct run_query *q = ARENA_NEW(call->arena, struct run_query);
    call->state = q;
    q->scratch = arena_child(call->arena);
    q->held_arena = arena_child(call->arena);
    if (start(q, call, &call->status))
        return end(call);
    if (q->c.new_id.n) {
        struct msg_run_query_response first = { .transaction = q->c.new_id };
        call_send(call, &first);
    }
    return stream(call);
}

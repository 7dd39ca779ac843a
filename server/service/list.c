/* list.c - ListDocuments: a query with pages and, with showMissing, the names that have only something below
 * them. */
#include "core/codec.h"
#include "core/limits.h"
#include "server/service/answer.h"
#include "server/service/authorize.h"
#include "server/service/consistency.h"
#include "server/service/service.h"

struct listing {
    struct call *call;
    struct database_name db;
    struct str parent, collection; /* relative paths */
    struct answer_mask mask;
    struct query_plan *plan;
    size_t page;
    struct consistency c;
    struct authz authz;
    struct query *query; /* NULL with showMissing */
    struct msg_list_documents_response answer;
};

static enum rpc_flow list_end(struct call *call)
{
    struct listing *l = call->state;
    if (call->status.code == STATUS_OK)
        call_send(call, &l->answer);
    query_close(l->query);
    authz_end(&l->authz);
    consistency_end(&l->c);
    call_finish(call);
    return RPC_DONE;
}

static enum status_code list_parse(struct listing *l, struct status *st)
{
    const struct msg_list_documents_request *rq = l->call->request;
    struct arena *arena = l->call->arena;
    struct resource_name name;
    struct query_list_options options = {
        .collection_id = rq->collection_id,
        .order_by = rq->order_by,
        .page_size = rq->page_size,
        .page_token = rq->page_token,
        .show_missing = rq->show_missing,
    };
    int32_t page;
    if (path_parse_parent(&name, rq->parent, st))
        return st->code;
    if (rq->collection_id.n == 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "collection_id must be set");
    /* What the id may be is the query's to say. */
    if (answer_mask_parse(&l->mask, arena, rq->mask, st) ||
        query_list(&l->plan, &page, name.db, name.path, &options, arena, st))
        return st->code;
    l->db = name.db;
    l->parent = name.path;
    l->collection = path_join(arena, name.path, rq->collection_id);
    l->page = (size_t)page;
    l->answer.documents.items = ARENA_ARRAY(arena, struct document, l->page);
    return STATUS_OK;
}

/* A transaction locks and notes what it is shown, missing documents too. */
static enum status_code list_note(struct listing *l, struct str path, struct status *st)
{
    struct store_document seen;
    if (!consistency_locks(&l->c))
        return STATUS_OK;
    if (transaction_lock(l->c.txn, path, st) ||
        store_peek(l->call->worker->reader, l->c.view, l->db, path, &seen, st))
        return st->code;
    transaction_saw(l->c.txn, path, seen.seq);
    return STATUS_OK;
}

/* Takes one more document into the page; a full page has a next one. */
static enum status_code list_take(struct listing *l, struct str path, const struct value_map *fields,
                                  struct status *st)
{
    if (arena_used(l->call->arena) > LIMIT_RESPONSE_BYTES)
        return status_set(st, STATUS_RESOURCE_EXHAUSTED,
                          "the page is larger than %d bytes; ask for a smaller pageSize or a mask",
                          LIMIT_RESPONSE_BYTES);
    if (++l->answer.documents.n == l->page)
        l->answer.next_page_token = query_page_token_make(l->call->arena, l->plan, path, fields);
    return list_note(l, path, st);
}

/* ---- documents that exist ---- */

static enum status_code list_authorize(struct listing *l, struct status *st)
{
    const struct msg_list_documents_request *rq = l->call->request;
    authz_begin(&l->authz, l->call, l->call->arena, l->db, l->c.view, authz_request_time());
    l->authz.in_transaction = l->c.txn != NULL;
    /* Google's emulator decides a list without pageSize with its own page size as the limit. */
    struct rules_query rules = {
        .parent = l->parent, .collection_id = rq->collection_id, .has_limit = true, .limit = (int64_t)l->page
    };
    return authz_list(&l->authz, l->collection, &rules, st);
}

/* The query's next document becomes one of the answer's. */
static enum status_code list_answer(struct listing *l, struct document *d, struct status *st)
{
    struct arena *arena = l->call->arena;
    struct str path = str_skip(d->name, path_full(arena, l->db, STR("")).n + 1);
    bool last = l->answer.documents.n + 1 == l->page; /* the token needs its fields */
    if ((last || !l->mask.all) && document_decode(d, arena, st))
        return st->code;
    if (list_take(l, path, &d->fields, st))
        return st->code;
    if (!l->mask.all) {
        d->fields = field_path_project(arena, &d->fields, l->mask.paths, l->mask.n);
        d->fields_raw = (struct str){ 0 };
    }
    return STATUS_OK;
}

static enum rpc_flow list_existing(struct call *call)
{
    const struct msg_list_documents_request *rq = call->request;
    struct listing *l = call->state;
    struct status *st = &call->status;
    query_pause_at(l->query, call_slice_end());
    while (l->answer.documents.n < l->page && !call_over(call)) {
        struct document *d = &l->answer.documents.items[l->answer.documents.n];
        if (query_next(l->query, call->worker->reader, call->arena, d, st))
            break;
        if (query_paused(l->query))
            return call_yield(call, list_existing);
        if (d->name.n == 0 || list_answer(l, d, st))
            break;
    }
    if (st->code == STATUS_OK && consistency_locks(&l->c)) {
        struct msg_collection_selector whole = { .collection_id = rq->collection_id };
        struct msg_structured_query structured = { .from = { &whole, 1 } };
        transaction_saw_query(l->c.txn, l->parent, &structured, l->c.view, st);
    }
    return list_end(call);
}

/* ---- with missing ones ---- */

/* One name of the collection. Masks are checked and not applied, as on Google's emulator 1.19.9. */
static enum status_code list_child(struct listing *l, struct str path, struct status *st)
{
    static const struct answer_mask whole = { .all = true };
    static const struct value_map unordered = { 0 }; /* the token of a list by name needs no fields */
    struct arena *arena = l->call->arena;
    struct document *d = &l->answer.documents.items[l->answer.documents.n];
    struct store_document stored;
    if (store_get(l->call->worker->reader, l->c.view, l->db, path, arena, &stored, st))
        return st->code;
    if (!stored.exists)
        d->name = path_full(arena, l->db, path);
    else if (answer_document(d, arena, l->db, path, &stored, &whole, st))
        return st->code;
    return list_take(l, path, &unordered, st);
}

static enum rpc_flow list_with_missing(struct call *call)
{
    struct listing *l = call->state;
    struct status *st = &call->status;
    struct store_children *children;
    struct str path;
    if (store_children_open(&children, call->worker->reader, l->c.view, l->db, l->collection,
                            query_list_after(l->plan), st))
        return list_end(call);
    while (l->answer.documents.n < l->page && !call_over(call))
        if (store_children_next(children, call->arena, &path, st) || path.n == 0 || list_child(l, path, st))
            break;
    store_children_close(children);
    return list_end(call);
}

enum rpc_flow service_list_documents(struct call *call)
{
    const struct msg_list_documents_request *rq = call->request;
    struct status *st = &call->status;
    struct listing *l = ARENA_NEW(call->arena, struct listing);
    struct consistency_choice choice = {
        .kind = rq->consistency_case == 8    ? CONSISTENCY_TRANSACTION
                : rq->consistency_case == 10 ? CONSISTENCY_READ_TIME
                                             : CONSISTENCY_NEWEST,
        .transaction = rq->transaction,
        .read_time = rq->read_time,
    };
    call->state = l;
    l->call = call;
    if (list_parse(l, st) || (rq->show_missing && authz_metadata(call, st)) ||
        consistency_begin(&l->c, call, l->db, &choice, st))
        return list_end(call);
    consistency_fix_view(&l->c, call);
    if (rq->show_missing)
        return list_with_missing(call);
    if (list_authorize(l, st) || query_open(&l->query, l->plan, call->worker->reader, l->c.view, st))
        return list_end(call);
    return list_existing(call);
}

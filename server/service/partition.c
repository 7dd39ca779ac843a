/* partition.c - PartitionQuery: cursors that cut a collection group into parts for parallel readers.
 *
 * Google's emulator 1.19.9 lacks it; this is what the API reference says. Every page finds all cuts again, at
 * the time that its token holds, so that pages agree whatever is written meanwhile. */
#include "core/limits.h"
#include "core/order.h"
#include "server/service/authorize.h"
#include "server/service/consistency.h"
#include "server/service/service.h"
#include "storage/page_token.h"
#include "storage/query.h"

struct partitioning {
    struct call *call;
    struct database_name db;
    struct str collection_id;
    size_t most, page; /* cuts in all, in this page */
    uint32_t list;
    struct str after; /* path of the last cut of the page before */
    struct consistency_choice choice;
    struct consistency c;
    struct store_partition *partition;
    struct msg_partition_query_response answer;
};

static enum status_code refuse(struct status *st, const char *why)
{
    return status_set(st, STATUS_INVALID_ARGUMENT, "%s", why);
}

/* A collection group by name and nothing else. */
static enum status_code check_query(const struct msg_structured_query *q, struct status *st)
{
    if (q->from.n != 1 || !q->from.items[0].all_descendants || !q->from.items[0].collection_id.n)
        return refuse(st,
                      "a query to partition must be of one collection group: from needs a collectionId and "
                      "allDescendants");
    if (q->order_by.n > 1 ||
        (q->order_by.n == 1 && (!str_eq_z(q->order_by.items[0].field.field_path, "__name__") ||
                                q->order_by.items[0].direction == DIRECTION_DESCENDING)))
        return refuse(st, "a query to partition must be ordered by __name__ ascending");
    if (q->where || q->limit.set || q->offset || q->start_at || q->end_at || q->find_nearest)
        return refuse(st, "a query to partition can have no filter, limit, offset, cursor or findNearest");
    return STATUS_OK;
}

/* A token's position: the path of the last cut, and when the first page was read. */
static enum status_code take_token(struct partitioning *p, struct str token, struct status *st)
{
    struct msg_cursor *position;
    struct resource_name name;
    if (!token.n)
        return STATUS_OK;
    if (page_token_parse(&position, p->call->arena, token, p->list, st))
        return st->code;
    const struct value *values = position->values.items;
    if (position->values.n != 2 || values[0].kind != VALUE_REFERENCE || values[1].kind != VALUE_TIMESTAMP ||
        path_parse_document(&name, values[0].text, st))
        return refuse(st, "invalid page token");
    p->after = name.path;
    if (p->choice.kind == CONSISTENCY_NEWEST)
        p->choice = (struct consistency_choice){ .kind = CONSISTENCY_READ_TIME, .read_time = values[1].time };
    return STATUS_OK;
}

static enum status_code parse(struct partitioning *p, struct status *st)
{
    const struct msg_partition_query_request *rq = p->call->request;
    struct resource_name parent;
    struct query_plan *plan;
    if (path_parse_parent(&parent, rq->parent, st))
        return st->code;
    if (parent.path.n)
        return refuse(st, "parent: partitions are of the whole database, not of what lies below a document");
    if (rq->query_case != 2 || !rq->structured_query)
        return refuse(st, "only structured queries are supported");
    if (rq->partition_count < 1)
        return refuse(st, "partition_count must be positive.");
    if (rq->page_size < 0)
        return refuse(st, "page_size must be greater than or equal to zero.");
    if (query_check(&plan, parent.db, STR(""), rq->structured_query, p->call->arena, st) ||
        check_query(rq->structured_query, st))
        return st->code;
    p->db = parent.db;
    p->collection_id = rq->structured_query->from.items[0].collection_id;
    p->most = rq->partition_count < LIMIT_PARTITIONS ? (size_t)rq->partition_count : LIMIT_PARTITIONS;
    p->page = rq->page_size && (size_t)rq->page_size < p->most ? (size_t)rq->page_size : p->most;
    if (rq->consistency_case)
        p->choice = (struct consistency_choice){ .kind = CONSISTENCY_READ_TIME, .read_time = rq->read_time };
    const struct str parts[] = { STR_INIT("partitions"), rq->parent, p->collection_id,
                                 str_of(arena_printf(p->call->arena, "%zu", p->most)) };
    p->list = page_list_id(parts, 4);
    return take_token(p, rq->page_token, st);
}

static void answer_cuts(struct partitioning *p, const struct str *cuts, size_t n)
{
    struct arena *arena = p->call->arena;
    struct msg_cursor *items = ARENA_ARRAY(arena, struct msg_cursor, p->page);
    size_t at = 0, taken = 0;
    while (at < n && p->after.n && order_compare_path(cuts[at], p->after) <= 0)
        at++;
    for (; at < n && taken < p->page; at++, taken++) {
        struct value *name = ARENA_NEW(arena, struct value);
        *name = (struct value){ .kind = VALUE_REFERENCE, .text = path_full(arena, p->db, cuts[at]) };
        items[taken] = (struct msg_cursor){ .values = { name, 1 }, .before = true };
    }
    p->answer.partitions.items = items;
    p->answer.partitions.n = taken;
    if (at == n)
        return;
    struct value position[] = { items[taken - 1].values.items[0],
                                { .kind = VALUE_TIMESTAMP, .time = p->c.read_time } };
    struct msg_cursor cursor = { .values = { position, 2 } };
    p->answer.next_page_token = page_token_make(arena, p->list, &cursor);
}

static enum rpc_flow end(struct call *call)
{
    struct partitioning *p = call->state;
    if (call->status.code == STATUS_OK)
        call_send(call, &p->answer);
    store_partition_close(p->partition);
    consistency_end(&p->c);
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow find_cuts(struct call *call)
{
    struct partitioning *p = call->state;
    const struct str *cuts;
    bool done;
    if (call_over(call) ||
        store_partition_more(&done, p->partition, call->worker->reader, call_slice_end(), &call->status))
        return end(call);
    if (!done)
        return call_yield(call, find_cuts);
    size_t n = store_partition_cuts(&cuts, p->partition);
    answer_cuts(p, cuts, n);
    return end(call);
}

enum rpc_flow service_partition_query(struct call *call)
{
    struct status *st = &call->status;
    struct partitioning *p = ARENA_NEW(call->arena, struct partitioning);
    call->state = p;
    p->call = call;
    if (parse(p, st) ||
        authz_admin(call, "Partition queries require admin authentication.",
                    IAM_ENTITIES_LIST | IAM_ENTITIES_GET, st) ||
        consistency_begin(&p->c, call, p->db, &p->choice, st) ||
        store_partition_open(&p->partition, p->c.view, p->db, p->collection_id, p->most, st))
        return end(call);
    return find_cuts(call);
}

/* collections.c - ListCollectionIds. */
#include "core/limits.h"
#include "server/service/authorize.h"
#include "server/service/consistency.h"
#include "server/service/service.h"
#include "storage/page_token.h"

struct ids_page {
    struct resource_name parent;
    uint32_t list;
    struct str after; /* path of the last collection of the page before */
    size_t size;
};

/* A token's position is the name of the last collection given out. */
static enum status_code ids_parse(struct ids_page *page, struct call *call, struct status *st)
{
    const struct msg_list_collection_ids_request *rq = call->request;
    struct msg_cursor *position;
    if (path_parse_parent(&page->parent, rq->parent, st))
        return st->code;
    if (rq->page_size < 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "page_size must be greater than or equal to zero.");
    bool all = rq->page_size == 0 || rq->page_size > LIMIT_COLLECTION_IDS_PAGE;
    page->size = all ? LIMIT_COLLECTION_IDS_PAGE : (size_t)rq->page_size;
    const struct str parts[] = { STR_INIT("collection ids"), rq->parent };
    page->list = page_list_id(parts, 2);
    if (rq->consistency_case && rq->read_time.seconds < 0) /* 1.19.9 says it otherwise than elsewhere */
        return status_set(st, STATUS_FAILED_PRECONDITION, "The requested 'read_time' is too old.");
    if (!rq->page_token.n)
        return STATUS_OK;
    if (page_token_parse(&position, call->arena, rq->page_token, page->list, st))
        return st->code;
    const struct value *last = position->values.items;
    if (position->values.n != 1 || last->kind != VALUE_STRING || path_check_id(last->text, true, st))
        return status_set(st, STATUS_INVALID_ARGUMENT, "invalid page token");
    page->after = path_join(call->arena, page->parent.path, last->text);
    return STATUS_OK;
}

static enum status_code ids_collect(struct msg_list_collection_ids_response *answer,
                                    const struct ids_page *page, struct call *call, uint64_t view,
                                    struct status *st)
{
    struct store_children *children;
    struct str path;
    size_t cap = 0;
    if (store_children_open(&children, call->worker->reader, view, page->parent.db, page->parent.path,
                            page->after, st))
        return st->code;
    str_list *ids = &answer->collection_ids;
    while (ids->n < page->size && !call_over(call)) {
        if (store_children_next(children, call->arena, &path, st) || path.n == 0)
            break;
        if (ids->n == cap) {
            size_t more = cap ? 2 * cap : 16;
            ids->items =
                arena_grow(call->arena, ids->items, cap * sizeof *ids->items, more * sizeof *ids->items);
            cap = more;
        }
        ids->items[ids->n++] = path_last(path);
    }
    store_children_close(children);
    /* A full page has a next one, as on Google's emulator 1.19.9. */
    if (ids->n == page->size) {
        struct value last = { .kind = VALUE_STRING, .text = ids->items[ids->n - 1] };
        struct msg_cursor position = { .values = { &last, 1 } };
        answer->next_page_token = page_token_make(call->arena, page->list, &position);
    }
    return st->code;
}

enum rpc_flow service_list_collection_ids(struct call *call)
{
    const struct msg_list_collection_ids_request *rq = call->request;
    struct status *st = &call->status;
    struct ids_page page = { .size = 0 };
    struct consistency c = { 0 };
    struct msg_list_collection_ids_response answer = { .next_page_token = STR("") };
    struct consistency_choice choice = { .kind = rq->consistency_case ? CONSISTENCY_READ_TIME
                                                                      : CONSISTENCY_NEWEST,
                                         .read_time = rq->read_time };
    if (ids_parse(&page, call, st) || authz_metadata(call, st) ||
        consistency_begin(&c, call, page.parent.db, &choice, st) ||
        ids_collect(&answer, &page, call, c.view, st))
        goto out;
    call_send(call, &answer);
out:
    consistency_end(&c);
    call_finish(call);
    return RPC_DONE;
}

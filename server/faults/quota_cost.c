/* quota_cost.c - see quota_cost.h. */
#include "server/faults/quota_cost.h"

#include "core/messages.h"
#include "server/faults/front_sink.h"

enum { OP_DELETE = 2, OP_VERIFY = 5 }; /* operation_case of a Write */

static void cost_of_writes(struct quota_cost *out, const write_list *writes)
{
    for (size_t i = 0; i < writes->n; i++)
        if (writes->items[i].operation_case != OP_VERIFY)
            out->n[writes->items[i].operation_case == OP_DELETE ? QUOTA_DELETES : QUOTA_WRITES]++;
}

void quota_cost_of(struct quota_cost *out, const struct call *call)
{
    const struct schema_message *request = call->rpc->request;
    *out = (struct quota_cost){ 0 };
    if (request == SCHEMA(commit_request))
        cost_of_writes(out, &((const struct msg_commit_request *)call->request)->writes);
    else if (request == SCHEMA(batch_write_request))
        cost_of_writes(out, &((const struct msg_batch_write_request *)call->request)->writes);
    else if (request == SCHEMA(create_document_request) || request == SCHEMA(update_document_request))
        out->n[QUOTA_WRITES] = 1;
    else if (request == SCHEMA(delete_document_request))
        out->n[QUOTA_DELETES] = 1;
    else if (request == SCHEMA(batch_get_request))
        out->n[QUOTA_READS] = ((const struct msg_batch_get_request *)call->request)->documents.n;
    else if (request == SCHEMA(get_document_request) || request == SCHEMA(run_aggregation_request) ||
             request == SCHEMA(list_collection_ids_request) || request == SCHEMA(partition_query_request))
        out->n[QUOTA_READS] = 1;
    else if (request == SCHEMA(run_query_request) || request == SCHEMA(list_documents_request))
        *out = (struct quota_cost){ .n = { [QUOTA_READS] = 1 }, .answers = true };
}

/* ---- answers ---- */

struct counting_sink {
    struct front_sink front; /* first */
    const struct rpc *rpc;
    struct quota *quota;
    struct database_name db;
    bool first_paid;
};

static size_t documents_in(const struct rpc *rpc, const void *response)
{
    if (rpc->request == SCHEMA(list_documents_request))
        return ((const struct msg_list_documents_response *)response)->documents.n;
    return ((const struct msg_run_query_response *)response)->document != NULL;
}

static void on_message(struct reply_sink *sink, const void *response)
{
    struct counting_sink *c = (struct counting_sink *)sink;
    size_t n = documents_in(c->rpc, response);
    if (n && !c->first_paid) {
        c->first_paid = true;
        n--;
    }
    if (n)
        quota_charge(c->quota, c->db, QUOTA_READS, n);
    c->front.inner->message(c->front.inner, response);
}

void quota_count_answers(struct quota *quota, struct database_name db, struct call *call)
{
    struct counting_sink *c = ARENA_NEW(call->arena, struct counting_sink);
    *c = (struct counting_sink){ .rpc = call->rpc, .quota = quota, .db = db };
    front_sink_put(&c->front, call);
    c->front.sink.message = on_message;
}

/* call_subject.c - see call_subject.h. */
#include "server/ops/call_subject.h"

#include "core/messages.h"
#include "core/schema.h"
#include "server/rpc/name.h"
#include "server/rpc/rpc.h"

static struct str queried(const struct msg_structured_query *query)
{
    return query && query->from.n ? query->from.items[0].collection_id : (struct str){ 0 };
}

/* The collection below the parent that the request names; empty for a request that names none. */
static struct str collection_of(const struct call *call)
{
    const struct schema_message *message = call->rpc->request;
    if (message == SCHEMA(list_documents_request))
        return ((const struct msg_list_documents_request *)call->request)->collection_id;
    if (message == SCHEMA(create_document_request))
        return ((const struct msg_create_document_request *)call->request)->collection_id;
    if (message == SCHEMA(run_query_request))
        return queried(((const struct msg_run_query_request *)call->request)->structured_query);
    if (message == SCHEMA(partition_query_request))
        return queried(((const struct msg_partition_query_request *)call->request)->structured_query);
    if (message == SCHEMA(run_aggregation_request)) {
        const struct msg_run_aggregation_request *rq = call->request;
        return rq->structured_aggregation_query ? queried(rq->structured_aggregation_query->structured_query)
                                                : (struct str){ 0 };
    }
    return (struct str){ 0 };
}

/* The name of the first document of a request that lists some. */
static struct str listed_document(const struct call *call)
{
    const struct msg_batch_get_request *rq = call->request;
    return call->rpc->request == SCHEMA(batch_get_request) && rq->documents.n ? rq->documents.items[0]
                                                                              : (struct str){ 0 };
}

static const char *operation_text(const struct call_write *write, const char *otherwise)
{
    switch (write->operation) {
    case STORE_OPERATION_CREATE:
        return "create";
    case STORE_OPERATION_UPDATE:
        return "update";
    case STORE_OPERATION_DELETE:
        return "delete";
    case STORE_OPERATION_NONE:
        break;
    }
    return otherwise;
}

void call_subject(struct call_subject *out, const struct call *call)
{
    struct resource_name name = { 0 };
    struct status ignored = status_init(NULL);
    struct str text = rpc_resource_name(call), collection = collection_of(call),
               document = listed_document(call);
    const struct call_notes *notes = &call->notes;
    if (path_parse_resource(&name, text, &ignored) != STATUS_OK &&
        path_parse_database(&name.db, text, &ignored) != STATUS_OK)
        name = (struct resource_name){ 0 };
    struct database_name db = name.db;
    if (document.n && path_parse_resource(&name, document, &ignored) != STATUS_OK)
        name.path = (struct str){ 0 };
    if (collection.n)
        name.path = name.path.n ? path_join(call->arena, name.path, collection) : collection;
    *out = (struct call_subject){ .db = db, .path = name.path, .operation = call->rpc->operation };
    if (notes->n_writes)
        out->path = notes->writes[0].path;
    if (notes->n_writes == 1)
        out->operation = operation_text(&notes->writes[0], out->operation);
}

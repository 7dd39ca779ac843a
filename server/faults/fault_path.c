/* fault_path.c - see fault_path.h. The documents that a request is about, for each kind of request that has
 * some. */
#include "server/faults/fault_path.h"

#include "server/rpc/name.h"
#include "server/service/write.h"

static bool document_matches(struct str pattern, struct str name)
{
    struct resource_name resource;
    struct status ignored = status_init(NULL);
    return path_parse_document(&resource, name, &ignored) == STATUS_OK &&
           path_pattern_matches(pattern, resource.path);
}

/* Any document of the collection stands for all of them. */
static bool collection_matches(struct str pattern, struct str parent, struct str collection_id,
                               struct arena *arena)
{
    struct resource_name resource;
    struct status ignored = status_init(NULL);
    if (path_parse_parent(&resource, parent, &ignored))
        return false;
    struct str collection = path_join(arena, resource.path, collection_id);
    return path_pattern_matches(pattern, path_join(arena, collection, STR("-")));
}

static bool writes_match(struct str pattern, const struct call *call)
{
    /* Commit and BatchWrite are told apart by nothing that matters here but where their writes lie. */
    const write_list *writes = call->rpc->request == SCHEMA(commit_request)
                                   ? &((const struct msg_commit_request *)call->request)->writes
                                   : &((const struct msg_batch_write_request *)call->request)->writes;
    for (size_t i = 0; i < writes->n; i++) {
        struct str name;
        struct status ignored = status_init(NULL);
        if (write_target(&name, &writes->items[i], &ignored) == STATUS_OK && document_matches(pattern, name))
            return true;
    }
    return false;
}

static bool batch_get_matches(struct str pattern, const struct call *call)
{
    const struct msg_batch_get_request *m = call->request;
    for (size_t i = 0; i < m->documents.n; i++)
        if (document_matches(pattern, m->documents.items[i]))
            return true;
    return false;
}

static bool named_matches(struct str pattern, const struct call *call)
{
    return document_matches(pattern, rpc_resource_name(call));
}

static bool list_matches(struct str pattern, const struct call *call)
{
    const struct msg_list_documents_request *m = call->request;
    return collection_matches(pattern, m->parent, m->collection_id, call->arena);
}

static bool create_matches(struct str pattern, const struct call *call)
{
    const struct msg_create_document_request *m = call->request;
    return collection_matches(pattern, m->parent, m->collection_id, call->arena);
}

static bool query_matches(struct str pattern, struct str parent, const struct msg_structured_query *query,
                          struct arena *arena)
{
    for (size_t i = 0; query && i < query->from.n; i++)
        if (collection_matches(pattern, parent, query->from.items[i].collection_id, arena))
            return true;
    return false;
}

static bool run_query_matches(struct str pattern, const struct call *call)
{
    const struct msg_run_query_request *m = call->request;
    return query_matches(pattern, m->parent, m->structured_query, call->arena);
}

static bool partition_matches(struct str pattern, const struct call *call)
{
    const struct msg_partition_query_request *m = call->request;
    return query_matches(pattern, m->parent, m->structured_query, call->arena);
}

static bool aggregation_matches(struct str pattern, const struct call *call)
{
    const struct msg_run_aggregation_request *m = call->request;
    const struct msg_structured_aggregation_query *q = m->structured_aggregation_query;
    return q && query_matches(pattern, m->parent, q->structured_query, call->arena);
}

/* Requests without a row (BeginTransaction, Rollback, ListCollectionIds) are about no document. */
static const struct {
    const struct schema_message *request;
    bool (*matches)(struct str pattern, const struct call *call);
} kinds[] = {
    { SCHEMA(commit_request), writes_match },
    { SCHEMA(batch_write_request), writes_match },
    { SCHEMA(get_document_request), named_matches },
    { SCHEMA(update_document_request), named_matches },
    { SCHEMA(delete_document_request), named_matches },
    { SCHEMA(create_document_request), create_matches },
    { SCHEMA(list_documents_request), list_matches },
    { SCHEMA(batch_get_request), batch_get_matches },
    { SCHEMA(run_query_request), run_query_matches },
    { SCHEMA(run_aggregation_request), aggregation_matches },
    { SCHEMA(partition_query_request), partition_matches },
};

bool fault_path_matches(struct str pattern, const struct call *call)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].request == call->rpc->request)
            return kinds[i].matches(pattern, call);
    return false;
}

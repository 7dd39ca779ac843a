/* table.c - every RPC of google.firestore.v1.Firestore, one row each (public API annotations).
 *
 * A row without run answers UNIMPLEMENTED with its name. Adding an RPC is a row here and one file. */
#include "server/rpc/rpc.h"
#include "server/service/service.h"

#define ROOT "projects/*/databases/*/documents"

const struct rpc rpc_table[] = {
    { "GetDocument", "GET", "/v1/{name=" ROOT "/*/**}", NULL, NULL, RPC_UNARY, SCHEMA(get_document_request),
      SCHEMA(document), service_get_document, "get", false },
    { "ListDocuments", "GET", "/v1/{parent=" ROOT "/*/**}/{collection_id}",
      "/v1/{parent=" ROOT "}/{collection_id}", NULL, RPC_UNARY, SCHEMA(list_documents_request),
      SCHEMA(list_documents_response), service_list_documents, "list", false },
    { "CreateDocument", "POST", "/v1/{parent=" ROOT "/**}/{collection_id}",
      "/v1/{parent=" ROOT "}/{collection_id}", "document", RPC_UNARY, SCHEMA(create_document_request),
      SCHEMA(document), service_create_document, "create", true },
    { "UpdateDocument", "PATCH", "/v1/{document.name=" ROOT "/*/**}", NULL, "document", RPC_UNARY,
      SCHEMA(update_document_request), SCHEMA(document), service_update_document, "update", true },
    { "DeleteDocument", "DELETE", "/v1/{name=" ROOT "/*/**}", NULL, NULL, RPC_UNARY,
      SCHEMA(delete_document_request), SCHEMA(empty), service_delete_document, "delete", true },
    { "BatchGetDocuments", "POST", "/v1/{database=projects/*/databases/*}/documents:batchGet", NULL, "*",
      RPC_SERVER_STREAM, SCHEMA(batch_get_request), SCHEMA(batch_get_response), service_batch_get, "get",
      false },
    { "BeginTransaction", "POST", "/v1/{database=projects/*/databases/*}/documents:beginTransaction", NULL,
      "*", RPC_UNARY, SCHEMA(begin_transaction_request), SCHEMA(begin_transaction_response),
      service_begin_transaction, "begin", false },
    { "Commit", "POST", "/v1/{database=projects/*/databases/*}/documents:commit", NULL, "*", RPC_UNARY,
      SCHEMA(commit_request), SCHEMA(commit_response), service_commit, "write", true },
    { "Rollback", "POST", "/v1/{database=projects/*/databases/*}/documents:rollback", NULL, "*", RPC_UNARY,
      SCHEMA(rollback_request), SCHEMA(empty), service_rollback, "rollback", false },
    { "RunQuery", "POST", "/v1/{parent=" ROOT "}:runQuery", "/v1/{parent=" ROOT "/*/**}:runQuery", "*",
      RPC_SERVER_STREAM, SCHEMA(run_query_request), SCHEMA(run_query_response), service_run_query, "list",
      false },
    { "RunAggregationQuery", "POST", "/v1/{parent=" ROOT "}:runAggregationQuery",
      "/v1/{parent=" ROOT "/*/**}:runAggregationQuery", "*", RPC_SERVER_STREAM,
      SCHEMA(run_aggregation_request), SCHEMA(run_aggregation_response), service_run_aggregation_query,
      "list", false },
    { "PartitionQuery", "POST", "/v1/{parent=" ROOT "}:partitionQuery",
      "/v1/{parent=" ROOT "/*/**}:partitionQuery", "*", RPC_UNARY, SCHEMA(partition_query_request),
      SCHEMA(partition_query_response), service_partition_query, "list", false },
    { "ListCollectionIds", "POST", "/v1/{parent=" ROOT "}:listCollectionIds",
      "/v1/{parent=" ROOT "/*/**}:listCollectionIds", "*", RPC_UNARY, SCHEMA(list_collection_ids_request),
      SCHEMA(list_collection_ids_response), service_list_collection_ids, "list", false },
    { "BatchWrite", "POST", "/v1/{database=projects/*/databases/*}/documents:batchWrite", NULL, "*",
      RPC_UNARY, SCHEMA(batch_write_request), SCHEMA(batch_write_response), service_batch_write, "write",
      true },
    { "ExecutePipeline", "POST", "/v1/{database=projects/*/databases/*}/documents:executePipeline", NULL, "*",
      RPC_SERVER_STREAM, SCHEMA(execute_pipeline_request), SCHEMA(empty), NULL, "list", false },
    { "Write", NULL, NULL, NULL, NULL, RPC_BIDI, SCHEMA(write_request), SCHEMA(write_response), service_write, "write",
      false },
    { "Listen", NULL, NULL, NULL, NULL, RPC_BIDI, SCHEMA(listen_request), SCHEMA(listen_response), service_listen,
      "list", false },
};
const size_t rpc_count = sizeof rpc_table / sizeof rpc_table[0];

const struct rpc *rpc_by_name(struct str name)
{
    for (size_t i = 0; i < rpc_count; i++)
        if (str_eq_z(name, rpc_table[i].name))
            return &rpc_table[i];
    return NULL;
}

/* service.h - the RPCs' run functions, each in the file named after what it does.
 *
 * read.c get, batch get; list.c documents; collections.c ListCollectionIds; partition.c PartitionQuery; commit.c
 * everything that writes; query.c RunQuery; aggregate.c RunAggregationQuery; transaction.c begin and
 * rollback. authorize.h joins rules and IAM to the documents that they read. */
#ifndef SERVER_SERVICE_SERVICE_H
#define SERVER_SERVICE_SERVICE_H

#include "server/rpc/rpc.h"

enum rpc_flow service_get_document(struct call *call);
enum rpc_flow service_list_documents(struct call *call);
enum rpc_flow service_create_document(struct call *call);
enum rpc_flow service_update_document(struct call *call);
enum rpc_flow service_delete_document(struct call *call);
enum rpc_flow service_batch_get(struct call *call);
enum rpc_flow service_begin_transaction(struct call *call);
enum rpc_flow service_commit(struct call *call);
enum rpc_flow service_rollback(struct call *call);
enum rpc_flow service_write(struct call *call);
enum rpc_flow service_listen(struct call *call);
enum rpc_flow service_run_query(struct call *call);
enum rpc_flow service_run_aggregation_query(struct call *call);
enum rpc_flow service_list_collection_ids(struct call *call);
enum rpc_flow service_partition_query(struct call *call);
enum rpc_flow service_batch_write(struct call *call);

#endif

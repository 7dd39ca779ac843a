/* begin.c - BeginTransaction and Rollback. What they begin is in transaction.c. */
#include "server/service/authorize.h"
#include "server/service/service.h"
#include "server/service/transaction.h"

enum rpc_flow service_begin_transaction(struct call *call)
{
    const struct msg_begin_transaction_request *rq = call->request;
    struct server *server = call->server;
    struct status *st = &call->status;
    struct database_name db;
    struct msg_begin_transaction_response answer = { 0 };
    if (path_parse_database(&db, rq->database, st) ||
        authz_iam(call, IAM_DATABASES_GET, STR("the database"), st))
        goto out;
    if (transactions_begin(server->transactions, server->store, call->worker->reader, db, rq->options,
                           call->arena, &answer.transaction, st))
        goto out;
    call_send(call, &answer);
out:
    call_finish(call);
    return RPC_DONE;
}

enum rpc_flow service_rollback(struct call *call)
{
    const struct msg_rollback_request *rq = call->request;
    static const struct msg_empty empty;
    struct status *st = &call->status;
    struct database_name db;
    if (path_parse_database(&db, rq->database, st) ||
        transactions_rollback(call->server->transactions, db, rq->transaction, st))
        goto out;
    call_send(call, &empty);
out:
    call_finish(call);
    return RPC_DONE;
}

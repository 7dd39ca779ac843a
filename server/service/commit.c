/* commit.c - the RPCs that write: Commit, BatchWrite, CreateDocument, UpdateDocument, DeleteDocument. Each
 * turns its request into a run (job.h) and says how the end of it is answered. */
#include "core/limits.h"
#include "server/service/job.h"
#include "server/service/service.h"

#include <stdlib.h>

/* ---- Commit ---- */

static void answer_commit(struct run *run)
{
    struct job *job = &run->jobs[0];
    struct call *call = run->call;
    if (job->status.code) {
        status_copy(&call->status, &job->status);
        return;
    }
    struct msg_commit_response answer = { .commit_time = run->commit_time };
    answer.write_results.items = job->results;
    answer.write_results.n = job->n;
    if (job->n == 0)
        answer.commit_time.set = false; /* as Google's emulator 1.19.9 */
    call_send(call, &answer);
}

enum rpc_flow service_commit(struct call *call)
{
    const struct msg_commit_request *rq = call->request;
    struct status *st = &call->status;
    struct database_name db;
    struct run *run = NULL;
    if (path_parse_database(&db, rq->database, st))
        return run_refuse(call, run);
    if (rq->writes.n > LIMIT_COMMIT_WRITES) {
        status_set(st, STATUS_INVALID_ARGUMENT, "writes: at most %d in one commit, got %zu",
                   LIMIT_COMMIT_WRITES, rq->writes.n);
        return run_refuse(call, run);
    }
    run = run_new(call, db, 1, answer_commit);
    if (job_start(&run->jobs[0], run, rq->writes.items, rq->writes.n, st))
        return run_refuse(call, run);
    if (rq->transaction.n) {
        if (transactions_enter(call->server->transactions, db, rq->transaction, true, &run->txn, st))
            return run_refuse(call, run);
        if (transaction_read_only(run->txn) && rq->writes.n) {
            status_set(st, STATUS_INVALID_ARGUMENT, "Cannot modify entities in a read-only transaction.");
            return run_refuse(call, run);
        }
    }
    return run_step(call);
}

/* ---- BatchWrite ---- */

static void answer_batch(struct run *run)
{
    struct call *call = run->call;
    struct msg_batch_write_response answer = { 0 };
    answer.write_results.items = ARENA_ARRAY(call->arena, struct msg_write_result, run->n_jobs);
    answer.status.items = ARENA_ARRAY(call->arena, struct msg_rpc_status, run->n_jobs);
    answer.write_results.n = answer.status.n = run->n_jobs;
    for (size_t i = 0; i < run->n_jobs; i++) {
        struct job *job = &run->jobs[i];
        if (job->status.code == STATUS_OK) {
            answer.write_results.items[i] = job->results[0];
        } else {
            answer.status.items[i].code = (int32_t)job->status.code;
            answer.status.items[i].message = str_of(status_message(&job->status));
        }
    }
    call_send(call, &answer);
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum status_code refuse_doubles(struct run *run, struct status *st)
{
    struct str *paths = ARENA_ARRAY(run->call->arena, struct str, run->n_jobs);
    for (size_t i = 0; i < run->n_jobs; i++)
        paths[i] = run->jobs[i].names[0];
    if (run->n_jobs > 1)
        qsort(paths, run->n_jobs, sizeof *paths, by_path);
    for (size_t i = 1; i < run->n_jobs; i++)
        if (str_eq(paths[i], paths[i - 1]))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "the same document cannot be written more than once in a single request");
    return STATUS_OK;
}

enum rpc_flow service_batch_write(struct call *call)
{
    const struct msg_batch_write_request *rq = call->request;
    struct status *st = &call->status;
    struct database_name db;
    if (path_parse_database(&db, rq->database, st))
        return run_refuse(call, NULL);
    if (rq->writes.n > LIMIT_COMMIT_WRITES) {
        status_set(st, STATUS_INVALID_ARGUMENT, "writes: at most %d in one batch, got %zu",
                   LIMIT_COMMIT_WRITES, rq->writes.n);
        return run_refuse(call, NULL);
    }
    struct run *run = run_new(call, db, rq->writes.n, answer_batch);
    for (size_t i = 0; i < run->n_jobs; i++)
        if (job_start(&run->jobs[i], run, &rq->writes.items[i], 1, st))
            return run_refuse(call, run);
    if (refuse_doubles(run, st))
        return run_refuse(call, run);
    /* What is wrong with the request itself fails all of it, as on Google's emulator 1.19.9; only what
     * depends on the stored document fails one write. */
    for (size_t i = 0; i < run->n_jobs; i++)
        if (job_check(&run->jobs[i], st))
            return run_refuse(call, run);
    /* Who asks comes after what is asked: also as there. */
    if (authz_admin(call, "Batch writes require admin authentication.", 0, st))
        return run_refuse(call, run);
    return run_step(call);
}

/* ---- CreateDocument, UpdateDocument, DeleteDocument: one write, answered as a document ---- */

static void answer_written(struct run *run)
{
    struct job *job = &run->jobs[0];
    struct call *call = run->call;
    if (job->status.code) {
        status_copy(&call->status, &job->status);
        return;
    }
    const struct pending *p = &job->docs[0];
    struct store_document stored = {
        .exists = true,
        .create_time = p->base.exists && !p->recreated ? p->base.create_time : job->commit.commit_time,
        .update_time = p->changed ? job->commit.commit_time : p->base.update_time,
        .fields = p->raw,
    };
    struct document answer;
    if (answer_document(&answer, call->arena, run->db, p->path, &stored, &run->mask, &call->status) ==
        STATUS_OK)
        call_send(call, &answer);
}

static void answer_empty(struct run *run)
{
    static const struct msg_empty empty;
    if (run->jobs[0].status.code)
        status_copy(&run->call->status, &run->jobs[0].status);
    else
        call_send(run->call, &empty);
}

static enum rpc_flow run_one(struct run *run, const struct msg_write *write, const struct msg_document_mask *mask)
{
    struct call *call = run->call;
    if (answer_mask_parse(&run->mask, call->arena, mask, &call->status) ||
        job_start(&run->jobs[0], run, write, 1, &call->status))
        return run_refuse(call, run);
    return run_step(call);
}

static enum rpc_flow one_write(struct call *call, struct database_name db, const struct msg_write *write,
                               const struct msg_document_mask *mask, void (*answer)(struct run *))
{
    return run_one(run_new(call, db, 1, answer), write, mask);
}

enum rpc_flow service_create_document(struct call *call)
{
    const struct msg_create_document_request *rq = call->request;
    struct status *st = &call->status;
    struct arena *arena = call->arena;
    struct resource_name parent;
    struct msg_write *write = ARENA_NEW(arena, struct msg_write);
    struct msg_precondition *missing = ARENA_NEW(arena, struct msg_precondition);
    if (path_parse_parent(&parent, rq->parent, st) || path_check_id(rq->collection_id, true, st))
        return run_refuse(call, NULL);
    if (rq->document_id.n && path_check_id(rq->document_id, false, st))
        return run_refuse(call, NULL);
    if (rq->document && rq->document->name.n) {
        status_set(st, STATUS_INVALID_ARGUMENT, "document.name must not be set");
        return run_refuse(call, NULL);
    }
    struct str id = rq->document_id.n ? rq->document_id : path_auto_id(arena);
    struct str path = path_join(arena, path_join(arena, parent.path, rq->collection_id), id);
    missing->condition_case = 1;
    write->operation_case = 1;
    if (rq->document)
        write->update = *rq->document;
    write->update.name = path_full(arena, parent.db, path);
    write->current_document = missing;
    struct run *run = run_new(call, parent.db, 1, answer_written);
    run->auto_id = rq->document_id.n == 0;
    return run_one(run, write, rq->mask);
}

enum rpc_flow service_update_document(struct call *call)
{
    const struct msg_update_document_request *rq = call->request;
    struct status *st = &call->status;
    struct resource_name name;
    struct msg_write *write = ARENA_NEW(call->arena, struct msg_write);
    if (path_parse_document(&name, rq->document ? rq->document->name : STR(""), st))
        return run_refuse(call, NULL);
    write->operation_case = 1;
    write->update = *rq->document;
    write->update_mask = rq->update_mask;
    write->current_document = rq->current_document;
    return one_write(call, name.db, write, rq->mask, answer_written);
}

enum rpc_flow service_delete_document(struct call *call)
{
    const struct msg_delete_document_request *rq = call->request;
    struct resource_name name;
    struct msg_write *write = ARENA_NEW(call->arena, struct msg_write);
    if (path_parse_document(&name, rq->name, &call->status))
        return run_refuse(call, NULL);
    write->operation_case = 2;
    write->delete_name = rq->name;
    write->current_document = rq->current_document;
    return one_write(call, name.db, write, NULL, answer_empty);
}

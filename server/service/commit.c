/* commit.c - everything that writes: Commit, BatchWrite, CreateDocument, UpdateDocument, DeleteDocument.
 *
 * A *run* is one call; it has one *job* for each group of writes that succeeds or fails as a whole: one for
 * Commit, one for each write of a BatchWrite. A job goes round until it is done:
 *
 *   step (worker): wait for locks of transactions [LOCK_WAITING -> parked, woken by transaction.c]
 *     -> job_prepare on the newest view: load documents, preconditions, masks and transforms, rules or IAM
 *     -> submit what changed together with everything that was read [parked, woken by commit_done]
 *   commit_done (writer): stale -> step again; else answer, right there
 *
 * Invariants
 *  1. Nothing is submitted before every job of this round is prepared: from the first store_submit on, the
 *     run belongs to the writer, and the last commit_done hands it on.
 *  2. A commit's deps hold every document loaded, every document the rules read and everything its
 *     transaction read: the writer accepts it only on the state that it was decided on.
 *  3. A refused write is in the ledger before its answer goes out.
 *  4. After LIMIT_PREPARE_TRIES lost rounds a ticket holds other writers of the same documents back. */
#include "core/limits.h"
#include "server/ops/summary.h"
#include "server/service/job.h"
#include "server/service/service.h"

#include <stdlib.h>

enum { MAX_TRIES = 100, MAX_BATCH_WRITES = 500 };

/* ---- completion (writer thread) ---- */

/* What a request says wrong leaves its transaction open, as on Google's emulator 1.19.9; anything else ends
 * it. */
static void leave_transaction(struct run *run)
{
    if (run->jobs[0].status.code == STATUS_INVALID_ARGUMENT)
        transaction_leave_open(run->txn);
    else
        transaction_end(run->txn);
}

static void finish_run(struct run *run)
{
    struct call *call = run->call;
    for (size_t i = 0; i < run->n_jobs; i++)
        if (run->jobs[i].ticket)
            transaction_end(run->jobs[i].ticket);
    if (run->txn)
        leave_transaction(run);
    if (atomic_load(&call->cancelled))
        summary_count(call->server->summary, SUMMARY_CALLER_GONE);
    run->answer(run);
    call_finish(call);
}

/* For the exit summary: creates in append-only collections, and what was refused there. */
static void count_append_only(struct job *job, bool refused)
{
    struct server *server = job->run->call->server;
    for (size_t i = 0; i < job->n_ops && server->options->n_append_only; i++) {
        const struct str *pattern = store_append_only(server->store, job->ops[i].path);
        bool create = job->ops[i].operation == STORE_OPERATION_CREATE;
        if (pattern && create != refused)
            summary_append_only(server->summary, pattern, refused);
    }
}

static void adopt_results(struct job *job)
{
    struct run *run = job->run;
    for (size_t i = 0; i < job->n; i++) {
        const struct pending *p = job->doc_of[i];
        if (job->writes[i].operation_case != 5)
            job->results[i].update_time =
                (opt_timestamp){ p->now.exists, p->changed ? job->commit.commit_time : p->base.update_time };
    }
    run->commit_time = (opt_timestamp){ true, job->commit.commit_time };
    count_append_only(job, false);
    if (job->commit.n_ops) {
        run->call->notes.first_seq = job->commit.ops[0].seq;
        run->call->notes.last_seq = job->commit.last_seq;
    }
}

static void commit_done(struct store_commit *commit)
{
    struct job *job = commit->user;
    struct run *run = job->run;
    bool refused = job->status.code != STATUS_OK;
    if (refused) {
        job->state = JOB_DONE; /* the refusal is recorded (or could not be): it stands either way */
    } else if (commit->stale) {
        job->state = JOB_READY;
    } else if (commit->status.code != STATUS_OK) {
        status_copy(&job->status, &commit->status);
        if (commit->status.code == STATUS_PERMISSION_DENIED)
            count_append_only(job, true);
        job->state = JOB_DONE;
    } else {
        adopt_results(job);
        job->state = JOB_DONE;
    }
    if (atomic_fetch_sub(&run->remaining, 1) != 1)
        return;
    for (size_t i = 0; i < run->n_jobs; i++) {
        if (run->jobs[i].state != JOB_DONE) {
            call_resume(run->call);
            return;
        }
    }
    finish_run(run);
}

/* ---- rounds ---- */

static bool hopeless(struct job *job)
{
    if (job->waiter.timed_out) {
        status_set(&job->status, STATUS_ABORTED, "Transaction lock timeout.");
    } else if (job->tries >= MAX_TRIES) {
        status_set(&job->status, STATUS_ABORTED, "Too much contention on these documents. Please try again.");
    }
    return job->status.code != STATUS_OK;
}

/* What is wrong with the writes themselves, whatever the documents hold. */
static enum status_code check_job(const struct job *job, struct status *st)
{
    static const struct write_state missing = { 0 };
    for (size_t i = 0; i < job->n; i++) {
        struct write_state after;
        struct value_list results;
        if (write_apply(&after, &results, &job->writes[i], job->names[i], &missing, job->run->now,
                        job->run->call->arena, st))
            return st->code;
    }
    return STATUS_OK;
}

/* Whether the job may write now; takes a ticket when it lost too often. With a task it is queued if not. */
static enum lock_answer may_write(struct job *job, struct task *task)
{
    struct run *run = job->run;
    struct transactions *all = run->call->server->transactions;
    if (!run->txn && !job->ticket && job->tries >= LIMIT_PREPARE_TRIES)
        job->ticket = transactions_ticket(all, run->db, job->names, job->n);
    return transactions_may_write(all, run->txn ? run->txn : job->ticket, run->db, job->names, job->n,
                                  &job->waiter, task);
}

/* A transaction whose commit was stale: does what it read still hold? */
static bool transaction_holds(struct job *job)
{
    struct run *run = job->run;
    struct call *call = run->call;
    struct timestamp read_time;
    if (!run->txn || job->tries == 0)
        return true;
    uint64_t view = store_view_now(call->server->store, &read_time);
    return transaction_recheck(run->txn, call->worker->reader, view, call->arena, &job->status) == STATUS_OK;
}

static enum rpc_flow step(struct call *call);

/* Nothing could be prepared: wait for the first job that somebody's lock keeps back. */
static enum rpc_flow wait_for_lock(struct run *run, struct job *job)
{
    struct call *call = run->call;
    call->step = step;
    switch (may_write(job, &call->task)) {
    case LOCK_WAITING:
        return RPC_PARKED; /* the run may already be running elsewhere */
    case LOCK_FREE:
    case LOCK_DEADLOCK:
        break;
    }
    return step(call);
}

static enum rpc_flow step(struct call *call)
{
    struct run *run = call->state;
    struct job *waiting = NULL;
    size_t ready = 0;
    if (server_time_repeats(run) && !pool_closing(call->server->pool)) {
        call->step = step;
        pool_post_later(call->server->pool, &call->task, 1);
        return RPC_PARKED;
    }
    for (size_t i = 0; i < run->n_jobs; i++) {
        struct job *job = &run->jobs[i];
        if (job->state != JOB_READY)
            continue;
        if (hopeless(job) || !transaction_holds(job)) {
            job->state = JOB_DONE;
            continue;
        }
        enum lock_answer lock = may_write(job, NULL);
        if (lock == LOCK_WAITING && (job->waiter.deadline_ns || check_job(job, &job->status) == STATUS_OK)) {
            waiting = waiting ? waiting : job;
            continue;
        }
        if (job->status.code) { /* nobody waits only to be told that */
            job->state = JOB_DONE;
            continue;
        }
        if (lock == LOCK_DEADLOCK) {
            status_set(&job->status, STATUS_ABORTED,
                       "The transaction was aborted: it and another one wait for each other's documents. Try "
                       "again.");
            job->state = JOB_DONE;
            continue;
        }
        job->tries++;
        job->state = job_prepare(job, commit_done) ? JOB_SUBMITTED : JOB_DONE;
        ready += job->state == JOB_SUBMITTED;
    }
    if (ready == 0 && waiting)
        return wait_for_lock(run, waiting);
    if (ready == 0) {
        finish_run(run);
        return RPC_DONE;
    }
    call->step = step;
    atomic_store(&run->remaining, ready);
    /* Invariant 1: once the last one is submitted the run may be gone; commits are collected before. */
    struct store *store = call->server->store;
    struct store_commit **commits = ARENA_ARRAY(call->arena, struct store_commit *, ready);
    size_t n = 0;
    for (size_t i = 0; i < run->n_jobs; i++)
        if (run->jobs[i].state == JOB_SUBMITTED)
            commits[n++] = &run->jobs[i].commit;
    for (size_t i = 0; i < n; i++)
        store_submit(store, commits[i]);
    return RPC_PARKED;
}

/* ---- starting a run ---- */

/* Resolves the names of a job's writes. */
static enum status_code start_job(struct job *job, struct run *run, const struct msg_write *writes, size_t n,
                                  struct status *st)
{
    struct arena *arena = run->call->arena;
    *job = (struct job){ .run = run, .writes = writes, .n = n, .status = status_init(arena) };
    if (call_check_project(run->call, run->db.project, st))
        return st->code;
    job->names = ARENA_ARRAY(arena, struct str, n);
    for (size_t i = 0; i < n; i++) {
        struct str text;
        struct resource_name name;
        if (write_target(&text, &writes[i], st) || path_parse_document(&name, text, st) ||
            write_check_form(&writes[i], st))
            return st->code;
        if (!database_name_eq(name.db, run->db))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "writes[%zu]: \"" STR_FMT "\" is not in the request's database", i,
                              STR_ARG(text));
        job->names[i] = name.path;
    }
    return STATUS_OK;
}

static struct run *new_run(struct call *call, struct database_name db, size_t jobs,
                           void (*answer)(struct run *))
{
    struct run *run = ARENA_NEW(call->arena, struct run);
    run->call = call;
    run->db = db;
    run->now = authz_request_time();
    run->jobs = ARENA_ARRAY(call->arena, struct job, jobs);
    run->n_jobs = jobs;
    run->answer = answer;
    run->mask.all = true;
    call->state = run;
    return run;
}

static enum rpc_flow fail(struct call *call, struct run *run)
{
    if (run && run->txn)
        transaction_leave_open(run->txn);
    call_finish(call);
    return RPC_DONE;
}

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
        return fail(call, run);
    if (rq->writes.n > LIMIT_COMMIT_WRITES) {
        status_set(st, STATUS_INVALID_ARGUMENT, "writes: at most %d in one commit, got %zu",
                   LIMIT_COMMIT_WRITES, rq->writes.n);
        return fail(call, run);
    }
    run = new_run(call, db, 1, answer_commit);
    if (start_job(&run->jobs[0], run, rq->writes.items, rq->writes.n, st))
        return fail(call, run);
    if (rq->transaction.n) {
        if (transactions_enter(call->server->transactions, db, rq->transaction, true, &run->txn, st))
            return fail(call, run);
        if (transaction_read_only(run->txn) && rq->writes.n) {
            status_set(st, STATUS_INVALID_ARGUMENT, "Cannot modify entities in a read-only transaction.");
            return fail(call, run);
        }
    }
    return step(call);
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
        return fail(call, NULL);
    if (rq->writes.n > MAX_BATCH_WRITES) {
        status_set(st, STATUS_INVALID_ARGUMENT, "writes: at most %d in one batch, got %zu", MAX_BATCH_WRITES,
                   rq->writes.n);
        return fail(call, NULL);
    }
    struct run *run = new_run(call, db, rq->writes.n, answer_batch);
    for (size_t i = 0; i < run->n_jobs; i++)
        if (start_job(&run->jobs[i], run, &rq->writes.items[i], 1, st))
            return fail(call, run);
    if (refuse_doubles(run, st))
        return fail(call, run);
    /* What is wrong with the request itself fails all of it, as on Google's emulator 1.19.9; only what
     * depends on the stored document fails one write. */
    for (size_t i = 0; i < run->n_jobs; i++)
        if (check_job(&run->jobs[i], st))
            return fail(call, run);
    /* Who asks comes after what is asked: also as there. */
    if (authz_admin(call, "Batch writes require admin authentication.", 0, st))
        return fail(call, run);
    return step(call);
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

static enum rpc_flow one_write(struct call *call, struct database_name db, const struct msg_write *write,
                               const struct msg_document_mask *mask, void (*answer)(struct run *))
{
    struct run *run = new_run(call, db, 1, answer);
    if (answer_mask_parse(&run->mask, call->arena, mask, &call->status) ||
        start_job(&run->jobs[0], run, write, 1, &call->status))
        return fail(call, run);
    return step(call);
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
        return fail(call, NULL);
    if (rq->document_id.n && path_check_id(rq->document_id, false, st))
        return fail(call, NULL);
    if (rq->document && rq->document->name.n) {
        status_set(st, STATUS_INVALID_ARGUMENT, "document.name must not be set");
        return fail(call, NULL);
    }
    struct str id = rq->document_id.n ? rq->document_id : path_auto_id(arena);
    struct str path = path_join(arena, path_join(arena, parent.path, rq->collection_id), id);
    missing->condition_case = 1;
    write->operation_case = 1;
    if (rq->document)
        write->update = *rq->document;
    write->update.name = path_full(arena, parent.db, path);
    write->current_document = missing;
    return one_write(call, parent.db, write, rq->mask, answer_written);
}

enum rpc_flow service_update_document(struct call *call)
{
    const struct msg_update_document_request *rq = call->request;
    struct status *st = &call->status;
    struct resource_name name;
    struct msg_write *write = ARENA_NEW(call->arena, struct msg_write);
    if (path_parse_document(&name, rq->document ? rq->document->name : STR(""), st))
        return fail(call, NULL);
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
        return fail(call, NULL);
    write->operation_case = 2;
    write->delete_name = rq->name;
    write->current_document = rq->current_document;
    return one_write(call, name.db, write, NULL, answer_empty);
}

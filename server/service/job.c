/* job.c - see job.h: the rounds of a call that writes.
 *
 * A job goes round until it is done:
 *
 *   run_step (worker): wait for locks of transactions [LOCK_WAITING -> parked, woken by lock.c]
 *     -> job_prepare on the newest view: load documents, preconditions, masks and transforms, rules or IAM
 *     -> submit what changed together with everything that was read [parked, woken by commit_done]
 *   commit_done (writer): stale -> run_step again; else answer, right there
 *
 * Invariants
 *  1. Nothing is submitted before every job of this round is prepared: from the first store_submit on, the
 *     run belongs to the writer, and the last commit_done hands it on.
 *  2. A commit's deps hold every document loaded, every document the rules read and everything its
 *     transaction read: the writer accepts it only on the state that it was decided on.
 *  3. A refused write is in the ledger before its answer goes out.
 *  4. After LIMIT_PREPARE_TRIES lost rounds a ticket holds other writers of the same documents back. */
#include "server/service/job.h"
#include "core/clock.h"
#include "core/limits.h"
#include "server/ops/metrics.h"
#include "server/ops/expect.h"
#include "server/ops/summary.h"

enum { MAX_TRIES = 100 };

/* ---- completion (writer thread) ---- */

/* A request that is wrong in itself leaves its transaction open, as on Google's emulator 1.19.9; anything
 * else ends it. */
static void leave_transaction(struct run *run)
{
    if (run->jobs[0].malformed)
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
    note_writes(run);
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

/* The store refused what rules or IAM had let through. */
static void append_only_refused(struct job *job)
{
    struct call *call = job->run->call;
    call->notes.decision = (struct call_decision){ .verdict = CALL_DENIED, .by = "append-only" };
    for (size_t i = 0; i < job->n_ops; i++) {
        const struct str *pattern = store_append_only(call->server->store, job->ops[i].path);
        if (pattern && job->ops[i].operation != STORE_OPERATION_CREATE)
            call->notes.decision.reason = *pattern;
    }
    count_append_only(job, true);
}

static void count_created(const struct job *job)
{
    struct expectations *expectations = job->run->call->server->expectations;
    for (size_t i = 0; i < job->n_ops && expectations; i++)
        if (job->ops[i].operation == STORE_OPERATION_CREATE)
            expect_created(expectations, job->ops[i].path);
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
    count_created(job);
}

/* The entries of a run's commits, which other requests' may lie between. */
static void note_entries(struct call_notes *notes, const struct store_commit *commit)
{
    if (!commit->first_seq)
        return;
    if (!notes->first_seq || commit->first_seq < notes->first_seq)
        notes->first_seq = commit->first_seq;
    if (commit->last_seq > notes->last_seq)
        notes->last_seq = commit->last_seq;
}

static void commit_done(struct store_commit *commit)
{
    struct job *job = commit->user;
    struct run *run = job->run;
    bool refused = job->status.code != STATUS_OK;
    note_entries(&run->call->notes, commit);
    if (refused) {
        job->state = JOB_DONE; /* the refusal is recorded (or could not be): it stands either way */
    } else if (commit->stale) {
        job->state = JOB_READY;
        metrics_event(run->call->server->metrics, METRICS_COMMIT_RETRY);
    } else if (commit->status.code != STATUS_OK) {
        status_copy(&job->status, &commit->status);
        if (commit->status.code == STATUS_PERMISSION_DENIED)
            append_only_refused(job);
        job->state = JOB_DONE;
    } else {
        adopt_results(job);
        job->state = JOB_DONE;
    }
    if (atomic_fetch_sub(&run->remaining, 1) != 1)
        return;
    run->call->notes.commit_ns += clock_mono_ns() - run->submitted_ns;
    for (size_t i = 0; i < run->n_jobs; i++) {
        if (run->jobs[i].state != JOB_DONE) {
            call_resume(run->call);
            return;
        }
    }
    finish_run(run);
}

/* ---- rounds ---- */

static void abort_job(struct job *job, enum metrics_event reason, const char *message)
{
    status_set(&job->status, STATUS_ABORTED, "%s", message);
    metrics_event(job->run->call->server->metrics, reason);
}

static bool hopeless(struct job *job)
{
    if (job->waiter.timed_out)
        abort_job(job, METRICS_ABORT_TIMEOUT, "Transaction lock timeout.");
    else if (job->tries >= MAX_TRIES)
        abort_job(job, METRICS_ABORT_CONTENTION, "Too much contention on these documents. Please try again.");
    return job->status.code != STATUS_OK;
}

enum status_code job_check(const struct job *job, struct status *st)
{
    static const struct write_state missing = { 0 };
    for (size_t i = 0; i < job->n; i++) {
        struct write_state after;
        struct value_list results;
        if (write_apply(&after, &results, &job->writes[i], &missing, job->run->now, job->run->call->arena,
                        st))
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
    if (transaction_recheck(run->txn, call->worker->reader, view, call->arena, &job->status) == STATUS_ABORTED)
        metrics_event(call->server->metrics, METRICS_ABORT_STALE);
    return job->status.code == STATUS_OK;
}

/* Nothing could be prepared: wait for the first job that somebody's lock keeps back. */
static enum rpc_flow wait_for_lock(struct run *run, struct job *job)
{
    struct call *call = run->call;
    struct metrics *metrics = call->server->metrics;
    call->step = run_step;
    switch (may_write(job, &call->task)) {
    case LOCK_WAITING:
        metrics_event(metrics, METRICS_LOCK_WAIT);
        return RPC_PARKED; /* the run may already be running elsewhere */
    case LOCK_FREE:
    case LOCK_DEADLOCK:
        break;
    }
    return run_step(call);
}

/* Decides what becomes of a job in this round: true when it has to wait for somebody's lock. */
static bool must_wait(struct job *job)
{
    job->state = JOB_DONE;
    if (hopeless(job) || !transaction_holds(job))
        return false;
    switch (may_write(job, NULL)) {
    case LOCK_FREE:
        job->tries++;
        job->state = job_prepare(job, commit_done) ? JOB_SUBMITTED : JOB_DONE;
        return false;
    case LOCK_WAITING: /* but nobody waits only to be told that the request is wrong */
        if (!job->waiter.deadline_ns && job_check(job, &job->status)) {
            job->malformed = true;
            return false;
        }
        job->state = JOB_READY;
        return true;
    case LOCK_DEADLOCK:
        abort_job(
            job, METRICS_ABORT_DEADLOCK,
            "The transaction was aborted: it and another one wait for each other's documents. Try again.");
        return false;
    }
    return false;
}

/* Hands the prepared jobs to the writer. Invariant 1: once the last one is submitted the run may be gone, so
 * the commits are collected before. */
static enum rpc_flow submit(struct run *run, size_t ready)
{
    struct call *call = run->call;
    struct store *store = call->server->store;
    struct store_commit **commits = ARENA_ARRAY(call->arena, struct store_commit *, ready);
    size_t n = 0;
    call->step = run_step;
    atomic_store(&run->remaining, ready);
    run->submitted_ns = clock_mono_ns();
    for (size_t i = 0; i < run->n_jobs; i++)
        if (run->jobs[i].state == JOB_SUBMITTED)
            commits[n++] = &run->jobs[i].commit;
    for (size_t i = 0; i < n; i++)
        store_submit(store, commits[i]);
    return RPC_PARKED;
}

/* The client has left, or its deadline has passed: what is not yet with the writer does not happen. */
static bool give_up(struct run *run)
{
    struct status over = status_init(NULL);
    if (!call_over(run->call))
        return false;
    status_copy(&over, &run->call->status);
    for (size_t i = 0; i < run->n_jobs; i++) {
        struct job *job = &run->jobs[i];
        if (job->state != JOB_READY)
            continue;
        status_copy(&job->status, &over);
        job->state = JOB_DONE;
    }
    return true;
}

enum rpc_flow run_step(struct call *call)
{
    struct run *run = call->state;
    struct job *waiting = NULL;
    size_t ready = 0;
    if (give_up(run)) {
        finish_run(run);
        return RPC_DONE;
    }
    if (server_time_repeats(run) && !pool_closing(call->server->pool)) {
        call->step = run_step;
        pool_post_later(call->server->pool, &call->task, 1);
        return RPC_PARKED;
    }
    for (size_t i = 0; i < run->n_jobs; i++) {
        struct job *job = &run->jobs[i];
        if (job->state != JOB_READY)
            continue;
        if (must_wait(job) && !waiting)
            waiting = job;
        ready += job->state == JOB_SUBMITTED;
    }
    if (ready)
        return submit(run, ready);
    if (waiting)
        return wait_for_lock(run, waiting);
    finish_run(run);
    return RPC_DONE;
}

/* ---- starting a run ---- */

enum status_code job_start(struct job *job, struct run *run, const struct msg_write *writes, size_t n,
                           struct status *st)
{
    struct arena *arena = run->call->arena;
    *job = (struct job){ .run = run, .writes = writes, .n = n, .status = status_init(arena) };
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

struct run *run_new(struct call *call, struct database_name db, size_t jobs, void (*answer)(struct run *))
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

enum rpc_flow run_refuse(struct call *call, struct run *run)
{
    if (run && run->txn)
        transaction_leave_open(run->txn);
    call_finish(call);
    return RPC_DONE;
}

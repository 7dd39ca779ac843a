/* commit.c - everything that writes: Commit, BatchWrite, CreateDocument, UpdateDocument, DeleteDocument.
 *
 * A *run* is one call; it has one *job* for each group of writes that succeeds or fails as a whole: one for
 * Commit, one for each write of a BatchWrite. A job goes round until it is done:
 *
 *   step (worker): wait for locks of transactions [LOCK_WAITING -> parked, woken by transaction.c]
 *     -> prepare on the newest view: load documents, preconditions, masks and transforms, rules or IAM
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
#include "core/codec.h"
#include "core/limits.h"
#include "server/ops/summary.h"
#include "server/service/answer.h"
#include "server/service/authorize.h"
#include "server/service/service.h"
#include "server/service/transaction.h"
#include "server/service/write.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_TRIES = 100, MAX_BATCH_WRITES = 500 };

/* One document that a job touches. */
struct pending {
    struct str path;
    struct store_document base; /* as the view shows it */
    struct write_state before;  /* base, decoded when fields_known */
    struct write_state now;     /* after the writes so far */
    bool fields_known;
    struct str raw;             /* encoding of now.fields while now.exists */
    bool written;               /* some write (not only verify) named it */
    bool changed;               /* the commit makes a new version of it */
    bool recreated;             /* it was deleted on the way and exists again: a new life, a new create time */
    bool inserted;              /* the last write of it that is not a delete said exists: false */
    bool assume_missing, assume_exists; /* by a precondition: what the rules are asked about */
    uint64_t iam;
};

enum job_state { JOB_READY, JOB_SUBMITTED, JOB_DONE };

struct job {
    struct run *run;
    const struct msg_write *writes;
    size_t n;
    enum job_state state;
    unsigned tries;
    struct status status;
    struct str *names;  /* of each write: its document's path */
    struct str *locked; /* paths written: what must be free of others' locks */
    size_t n_locked;
    struct transaction *ticket;
    struct lock_waiter waiter;
    /* Of the present try: */
    struct pending *docs;
    size_t n_docs;
    uint32_t *table; /* open addressing: index + 1 into docs */
    size_t table_mask;
    struct store_op *ops;
    size_t n_ops;
    struct msg_write_result *results;
    struct pending **doc_of; /* of each write */
    bool guessed;            /* some document was taken for missing unseen */
    struct store_commit commit;
};

struct run {
    struct call *call;
    struct database_name db;
    struct transaction *txn;
    struct timestamp now;
    struct job *jobs;
    size_t n_jobs;
    atomic_size_t remaining;
    void (*answer)(struct run *run);
    struct answer_mask mask; /* of CreateDocument and UpdateDocument */
    opt_timestamp commit_time;
};

/* ---- documents of a job ---- */

/* The slot of `path` in the job's table: empty (0) or its index + 1. */
static uint32_t *slot_of(struct job *job, struct str path)
{
    size_t at = (size_t)str_hash(STR_HASH_SEED, path) & job->table_mask;
    while (job->table[at] && !str_eq(job->docs[job->table[at] - 1].path, path))
        at = (at + 1) & job->table_mask;
    return &job->table[at];
}

/* guess_missing: do not look, the document will not be there. The writer looks anyway (invariant 2), so that a
 * wrong guess costs another round and is never believed. */
static enum status_code load(struct pending **out, struct job *job, struct authz *authz, struct str path,
                             bool guess_missing, struct status *st)
{
    uint32_t *slot = slot_of(job, path);
    if (*slot) {
        *out = &job->docs[*slot - 1];
        return STATUS_OK;
    }
    struct pending *p = &job->docs[job->n_docs];
    *p = (struct pending){ .path = path };
    if (guess_missing)
        job->guessed = true;
    else if (store_get(authz->reader, authz->view, authz->db, path, authz->arena, &p->base, st))
        return st->code;
    p->before.exists = p->base.exists;
    p->before.update_time_us = p->base.exists ? timestamp_to_us(p->base.update_time) : 0;
    p->now = p->before;
    p->raw = p->base.fields;
    *slot = (uint32_t)++job->n_docs;
    *out = p;
    return STATUS_OK;
}

/* Decodes the stored fields, for whoever must look into them. */
static enum status_code know_fields(struct pending *p, struct arena *arena, struct status *st)
{
    if (p->fields_known)
        return STATUS_OK;
    p->fields_known = true;
    if (!p->base.exists)
        return STATUS_OK;
    if (protobuf_decode_fields(&p->before.fields, arena, p->base.fields, st))
        return st->code;
    if (!p->written)
        p->now.fields = p->before.fields;
    return STATUS_OK;
}

static bool pending_after(void *data, struct str path, struct rules_document *out)
{
    struct job *job = data;
    uint32_t slot = *slot_of(job, path);
    if (!slot || !job->docs[slot - 1].written)
        return false;
    const struct pending *p = &job->docs[slot - 1];
    *out = (struct rules_document){ .exists = p->now.exists, .fields = p->now.fields };
    return true;
}

/* ---- preparing one write ---- */

static uint64_t iam_of(const struct msg_write *write)
{
    const struct msg_precondition *pre = write->current_document;
    if (write->operation_case == 2)
        return IAM_ENTITIES_DELETE;
    if (write->operation_case == 5)
        return IAM_ENTITIES_GET;
    if (pre && pre->condition_case == 1)
        return pre->exists ? IAM_ENTITIES_UPDATE : IAM_ENTITIES_CREATE;
    if (pre && pre->condition_case == 2)
        return IAM_ENTITIES_UPDATE;
    return IAM_ENTITIES_CREATE | IAM_ENTITIES_UPDATE;
}

/* exists: false */
static bool inserts(const struct msg_write *write)
{
    const struct msg_precondition *pre = write->current_document;
    return pre && pre->condition_case == 1 && !pre->exists;
}

static bool looks_into_fields(const struct msg_write *write)
{
    return write->operation_case == 6 || (write->operation_case == 1 && (write->update_mask ||
                                                                        write->update_transforms.n));
}

static enum status_code encode_fields(struct str *out, struct arena *arena, const struct value_map *fields,
                                      struct status *st)
{
    struct buf b;
    buf_init(&b, LIMIT_MESSAGE_BYTES);
    if (!protobuf_encode_fields(&b, fields))
        status_set(st, STATUS_INVALID_ARGUMENT, "maximum entity size is %d bytes", LIMIT_DOCUMENT_BYTES);
    else
        *out = arena_str(arena, buf_view(&b));
    buf_dispose(&b);
    return st->code;
}

/* One version for each document, whatever number of writes made it: what changed between base and end. */
static void make_ops(struct job *job)
{
    for (size_t i = 0; i < job->n_docs; i++) {
        struct pending *p = &job->docs[i];
        bool same = p->base.exists && p->now.exists && !p->recreated && str_eq(p->raw, p->base.fields);
        if (!p->written || same || (!p->base.exists && !p->now.exists))
            continue;
        p->changed = true;
        if (p->base.exists && (!p->now.exists || p->recreated))
            job->ops[job->n_ops++] = (struct store_op){
                .kind = STORE_DELETE, .operation = STORE_OPERATION_DELETE, .path = p->path
            };
        if (p->now.exists)
            job->ops[job->n_ops++] = (struct store_op){
                .kind = STORE_PUT,
                .operation = p->base.exists && !p->recreated ? STORE_OPERATION_UPDATE : STORE_OPERATION_CREATE,
                .path = p->path,
                .fields = p->raw,
            };
    }
}

static void note_assumption(struct pending *p, const struct msg_precondition *pre)
{
    if (p->written || !pre)
        return;
    p->assume_missing = pre->condition_case == 1 && !pre->exists;
    p->assume_exists = (pre->condition_case == 1 && pre->exists) || pre->condition_case == 2;
}

/* A JSON reader that turns -0.0 into 0.0 is what REST clients of Google's emulator 1.19.9 see; over gRPC it stays. */
static void drop_negative_zeros(struct value *value)
{
    if (value->kind == VALUE_DOUBLE && value->number == 0)
        value->number = 0;
    for (size_t i = 0; value->kind == VALUE_ARRAY && i < value->array.n; i++)
        drop_negative_zeros(&value->array.items[i]);
    for (size_t i = 0; value->kind == VALUE_MAP && i < value->map.n; i++)
        drop_negative_zeros(&value->map.items[i].value);
}

static void normalise(struct value_map *fields, const struct call *call)
{
    bool rest = call->notes.transport && strcmp(call->notes.transport, "rest") == 0;
    for (size_t i = 0; i < fields->n; i++) {
        value_cut_times(&fields->items[i].value);
        if (rest)
            drop_negative_zeros(&fields->items[i].value);
    }
}

/* Applies write i. `failed` receives the first precondition that does not hold; writes go on being applied,
 * since the rules are asked before preconditions are told. */
static enum status_code prepare_write(struct job *job, size_t i, struct authz *authz, struct timestamp read_time,
                                      bool guess, struct status *failed, struct status *st)
{
    const struct msg_write *write = &job->writes[i];
    struct arena *arena = authz->arena;
    struct pending *p = NULL;
    struct write_state after;
    struct msg_write_result *result = &job->results[i];
    if (load(&p, job, authz, job->names[i], guess && inserts(write), st))
        return st->code;
    if ((looks_into_fields(write) || authz_by_rules(authz->call)) && know_fields(p, arena, st))
        return st->code;
    if (failed->code == STATUS_OK)
        write_check(write->current_document, &p->now, authz->db.project, p->path, failed);
    p->iam |= iam_of(write);
    job->doc_of[i] = p;
    if (write->operation_case == 5) {
        result->update_time = (opt_timestamp){ true, p->base.exists ? p->base.update_time : read_time };
        return p->written ? status_set(st, STATUS_INVALID_ARGUMENT,
                                       "the same document cannot be written and then verified in a single request")
                          : STATUS_OK;
    }
    bool insert = inserts(write);
    if (insert && p->inserted && p->now.exists)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Cannot insert then insert an entity in the same request.");
    p->inserted = insert;
    note_assumption(p, write->current_document);
    p->written = true;
    if (write_apply(&after, &result->transform_results, write, &p->now, authz->now, arena, st))
        return st->code;
    if (!after.exists) {
        p->recreated = false;
        p->now = after;
        p->raw = (struct str){ 0 };
        return STATUS_OK;
    }
    struct str raw;
    normalise(&after.fields, authz->call);
    if (document_validate(p->path, &after.fields, st) || encode_fields(&raw, arena, &after.fields, st))
        return st->code;
    p->recreated = p->recreated || (p->base.exists && !p->now.exists);
    if (!p->now.exists || !str_eq(raw, p->raw))
        after.update_time_us = -1; /* this commit's time: no precondition can name it */
    p->now = after;
    p->raw = raw;
    p->fields_known = true;
    return STATUS_OK;
}

/* ---- deciding ---- */

static enum status_code decide(struct job *job, struct pending *p, struct authz *authz, struct status *st)
{
    static const struct write_state missing = { 0 };
    const struct write_state *before = p->assume_missing ? &missing : &p->before;
    struct rules_document seen = { .exists = before->exists, .fields = before->fields };
    enum rules_method method = !p->now.exists                              ? RULES_DELETE
                               : p->assume_exists || before->exists ? RULES_UPDATE
                                                                           : RULES_CREATE;
    if (!p->written)
        return authz_get(authz, p->path, &seen, st);
    enum status_code code = authz_write(authz, method, p->path, &seen,
                                        method == RULES_DELETE ? NULL : &p->now.fields, p->iam, st);
    for (size_t i = 0; i < job->n_ops; i++)
        if (str_eq(job->ops[i].path, p->path))
            job->ops[i].decision = authz->decision;
    if (code) {
        /* Only the refusal of this document is told to the ledger. */
        job->ops[0] = (struct store_op){
            .kind = STORE_REFUSED,
            .operation = method == RULES_DELETE   ? STORE_OPERATION_DELETE
                         : method == RULES_UPDATE ? STORE_OPERATION_UPDATE
                                                  : STORE_OPERATION_CREATE,
            .path = p->path,
            .fields = p->now.exists ? p->raw : (struct str){ 0 },
            .decision = authz->decision.n ? authz->decision : STR("denied"),
        };
        job->n_ops = 1;
    }
    return code;
}

static enum status_code decide_all(struct job *job, struct authz *authz, struct status *st)
{
    for (size_t i = 0; i < job->n_docs; i++)
        if (decide(job, &job->docs[i], authz, st))
            return st->code;
    return STATUS_OK;
}

static void add_deps(struct job *job, struct authz *authz)
{
    struct store_dep *txn_deps = NULL;
    size_t n_txn = 0;
    if (job->run->txn)
        transaction_deps(job->run->txn, authz->arena, &txn_deps, &n_txn);
    struct store_dep *deps =
        ARENA_ARRAY(authz->arena, struct store_dep, job->n_docs + authz->n_reads + n_txn);
    size_t n = 0;
    for (size_t i = 0; i < job->n_docs; i++)
        deps[n++] = (struct store_dep){ .path = job->docs[i].path, .seq = job->docs[i].base.seq };
    for (size_t i = 0; i < authz->n_reads; i++)
        deps[n++] = authz->reads[i];
    for (size_t i = 0; i < n_txn; i++)
        deps[n++] = txn_deps[i];
    job->commit.deps = deps;
    job->commit.n_deps = n;
}

/* ---- completion (writer thread) ---- */

static void finish_run(struct run *run)
{
    struct call *call = run->call;
    for (size_t i = 0; i < run->n_jobs; i++)
        if (run->jobs[i].ticket)
            transaction_end(run->jobs[i].ticket);
    if (run->txn)
        transaction_end(run->txn);
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

static struct str request_id_of(const struct job *job)
{
    const struct call *call = job->run->call;
    const char *name = call->server->options->request_id_field;
    if (!call->request_id_made || !name)
        return call->request_id;
    for (size_t i = 0; i < job->n; i++) {
        const struct value *v = job->writes[i].operation_case == 1
                                    ? value_map_get(&job->writes[i].update.fields, str_of(name))
                                    : NULL;
        if (v && v->kind == VALUE_STRING) {
            struct str id = v->text.n > 128 ? str_from(v->text.p, 128) : v->text;
            while (!str_is_utf8(id)) /* never half a character */
                id.n--;
            return id;
        }
    }
    return call->request_id;
}

static bool prepare_on(struct job *job, bool guess)
{
    struct run *run = job->run;
    struct call *call = run->call;
    struct arena *arena = call->arena;
    struct authz authz;
    struct timestamp read_time;
    struct status failed = status_init(arena);
    bool denied = false;
    job->docs = ARENA_ARRAY(arena, struct pending, job->n);
    for (job->table_mask = 8; job->table_mask < job->n * 2; job->table_mask *= 2)
        ;
    job->table = ARENA_ARRAY(arena, uint32_t, job->table_mask);
    job->table_mask--;
    job->n_docs = job->n_ops = 0;
    job->guessed = false;
    job->ops = ARENA_ARRAY(arena, struct store_op, 2 * job->n + 1);
    job->results = ARENA_ARRAY(arena, struct msg_write_result, job->n);
    job->doc_of = ARENA_ARRAY(arena, struct pending *, job->n);
    call->request_id = request_id_of(job);
    authz_begin(&authz, call, arena, run->db, store_view_now(call->server->store, &read_time), run->now);
    authz.pending = (struct authz_pending){ .data = job, .after = pending_after };
    struct status *st = &job->status;
    for (size_t i = 0; i < job->n; i++)
        if (prepare_write(job, i, &authz, read_time, guess, &failed, st))
            goto out;
    make_ops(job);
    if (decide_all(job, &authz, st)) {
        denied = st->code == STATUS_PERMISSION_DENIED && job->n_ops == 1 && job->ops[0].kind == STORE_REFUSED;
    } else if (failed.code) {
        status_copy(st, &failed);
    }
    if (st->code && !denied)
        goto out;
    job->commit = (struct store_commit){
        .db = run->db,
        .ops = job->ops,
        .n_ops = job->n_ops,
        .principal = call->principal.label,
        .request_id = call->request_id,
        .rules_digest = authz.ruleset ? rules_digest(authz.ruleset) : NULL,
        .min_time_us = timestamp_to_us(run->now),
        .done = commit_done,
        .user = job,
        .status = status_init(arena),
    };
    if (job->commit.rules_digest) {
        unsigned char *copy = arena_alloc(arena, 32);
        memcpy(copy, job->commit.rules_digest, 32);
        job->commit.rules_digest = copy;
    }
    if (!denied)
        add_deps(job, &authz);
out:
    authz_end(&authz);
    return st->code == STATUS_OK || denied;
}

/* Prepares everything of one try; a failure leaves job->status set. True: there is something to submit.
 * The first time, documents that must not exist are taken for missing without a look; an error that is not the
 * rules' (they are asked about the missing document either way) may come of that, so it is not told. */
static bool prepare(struct job *job)
{
    bool ready = prepare_on(job, job->tries == 1 && !job->run->txn);
    if (ready || !job->guessed)
        return ready;
    status_clear(&job->status);
    return prepare_on(job, false);
}

static bool hopeless(struct job *job)
{
    if (job->waiter.timed_out) {
        status_set(&job->status, STATUS_ABORTED, "Transaction lock timeout.");
    } else if (job->tries >= MAX_TRIES) {
        status_set(&job->status, STATUS_ABORTED, "Too much contention on these documents. Please try again.");
    }
    return job->status.code != STATUS_OK;
}

/* Whether the job may write now; takes a ticket when it lost too often. */
static enum lock_answer may_write(struct job *job, struct lock_waiter *waiter)
{
    struct run *run = job->run;
    struct transactions *all = run->call->server->transactions;
    if (!run->txn && !job->ticket && job->tries >= LIMIT_PREPARE_TRIES)
        job->ticket = transactions_ticket(all, run->db, job->locked, job->n_locked);
    return transactions_may_write(all, run->txn ? run->txn : job->ticket, run->db, job->locked, job->n_locked, waiter,
                                  &run->call->task);
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
    switch (may_write(job, &job->waiter)) {
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
    for (size_t i = 0; i < run->n_jobs; i++) {
        struct job *job = &run->jobs[i];
        if (job->state != JOB_READY)
            continue;
        if (hopeless(job) || !transaction_holds(job)) {
            job->state = JOB_DONE;
            continue;
        }
        enum lock_answer lock = may_write(job, NULL);
        if (lock == LOCK_WAITING) {
            waiting = waiting ? waiting : job;
            continue;
        }
        if (lock == LOCK_DEADLOCK) {
            status_set(&job->status, STATUS_ABORTED,
                       "The transaction was aborted: it and another one wait for each other's documents. Try again.");
            job->state = JOB_DONE;
            continue;
        }
        job->tries++;
        job->state = prepare(job) ? JOB_SUBMITTED : JOB_DONE;
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

/* Resolves the names of a job's writes and which documents must be free. */
static enum status_code start_job(struct job *job, struct run *run, const struct msg_write *writes, size_t n,
                                  struct status *st)
{
    struct arena *arena = run->call->arena;
    *job = (struct job){ .run = run, .writes = writes, .n = n, .status = status_init(arena) };
    if (call_check_project(run->call, run->db.project, st))
        return st->code;
    job->names = ARENA_ARRAY(arena, struct str, n);
    job->locked = ARENA_ARRAY(arena, struct str, n);
    for (size_t i = 0; i < n; i++) {
        struct write_target target;
        struct resource_name name;
        if (write_target(&target, &writes[i], st) || path_parse_document(&name, target.name, st))
            return st->code;
        if (!database_name_eq(name.db, run->db))
            return status_set(st, STATUS_INVALID_ARGUMENT,
                              "writes[%zu]: \"" STR_FMT "\" is not in the request's database", i,
                              STR_ARG(target.name));
        if (target.is_verify && (!writes[i].current_document || writes[i].current_document->condition_case == 0))
            return status_set(st, STATUS_INVALID_ARGUMENT, "a verify must contain a precondition");
        job->names[i] = name.path;
        if (!target.is_verify)
            job->locked[job->n_locked++] = name.path;
    }
    return STATUS_OK;
}

static struct run *new_run(struct call *call, struct database_name db, size_t jobs, void (*answer)(struct run *))
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
        transaction_leave(run->txn);
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
        status_set(st, STATUS_INVALID_ARGUMENT, "writes: at most %d in one commit, got %zu", LIMIT_COMMIT_WRITES,
                   rq->writes.n);
        return fail(call, run);
    }
    run = new_run(call, db, 1, answer_commit);
    if (start_job(&run->jobs[0], run, rq->writes.items, rq->writes.n, st))
        return fail(call, run);
    if (rq->transaction.n) {
        if (transactions_enter(call->server->transactions, db, rq->transaction, &run->txn, st))
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

static int by_path(const void *a, const void *b) { return str_cmp(*(const struct str *)a, *(const struct str *)b); }

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

/* What is wrong with the request itself fails all of it, as on Google's emulator 1.19.9; only what depends on the
 * stored document fails one write. */
static enum status_code check_batch(struct run *run, struct status *st)
{
    static const struct write_state missing = { 0 };
    for (size_t i = 0; i < run->n_jobs; i++) {
        struct write_state after;
        struct value_list results;
        if (write_apply(&after, &results, run->jobs[i].writes, &missing, run->now, run->call->arena, st) ||
            document_validate(run->jobs[i].names[0], &after.fields, st))
            return st->code;
    }
    return STATUS_OK;
}

enum rpc_flow service_batch_write(struct call *call)
{
    const struct msg_batch_write_request *rq = call->request;
    struct status *st = &call->status;
    struct database_name db;
    if (path_parse_database(&db, rq->database, st))
        return fail(call, NULL);
    if (call->principal.kind != PRINCIPAL_OWNER) {
        status_set(st, STATUS_PERMISSION_DENIED, "Batch writes require admin authentication.");
        return fail(call, NULL);
    }
    if (rq->writes.n > MAX_BATCH_WRITES) {
        status_set(st, STATUS_INVALID_ARGUMENT, "writes: at most %d in one batch, got %zu", MAX_BATCH_WRITES,
                   rq->writes.n);
        return fail(call, NULL);
    }
    struct run *run = new_run(call, db, rq->writes.n, answer_batch);
    for (size_t i = 0; i < run->n_jobs; i++)
        if (start_job(&run->jobs[i], run, &rq->writes.items[i], 1, st))
            return fail(call, run);
    if (refuse_doubles(run, st) || check_batch(run, st))
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
    if (answer_document(&answer, call->arena, run->db, p->path, &stored, &run->mask, &call->status) == STATUS_OK)
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

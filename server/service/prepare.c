/* prepare.c - what a round of a write begins with: everything that can refuse it, decided on one view.
 *
 * The commit that comes of it carries as deps every document that was loaded or that the rules read
 * (commit.c, invariant 2): the writer accepts it only on the state that it was decided on. */
#include "core/codec.h"
#include "core/crypto.h"
#include "core/limits.h"
#include "server/ops/feed.h"
#include "server/ops/request_id.h"
#include "server/service/document_limits.h"
#include "server/service/job.h"
#include "server/service/stored_form.h"

/* ---- documents of a job ---- */

/* The slot of `path` in the job's table: empty (0) or its index + 1. */
static uint32_t *slot_of(struct job *job, struct str path)
{
    size_t at = (size_t)str_hash(STR_HASH_SEED, path) & job->table_mask;
    while (job->table[at] && !str_eq(job->docs[job->table[at] - 1].path, path))
        at = (at + 1) & job->table_mask;
    return &job->table[at];
}

/* guess_missing: do not look, the document will not be there. The writer looks anyway (the deps of add_deps),
 * so that a wrong guess costs another round and is never believed. */
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
    return write->operation_case == 6 ||
           (write->operation_case == 1 && (write->update_mask || write->update_transforms.n));
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
        p->first_op = job->n_ops;
        if (p->base.exists && (!p->now.exists || p->recreated))
            job->ops[job->n_ops++] = (struct store_op){ .kind = STORE_DELETE,
                                                        .operation = STORE_OPERATION_DELETE,
                                                        .path = p->path };
        if (p->now.exists)
            job->ops[job->n_ops++] = (struct store_op){
                .kind = STORE_PUT,
                .operation =
                    p->base.exists && !p->recreated ? STORE_OPERATION_UPDATE : STORE_OPERATION_CREATE,
                .path = p->path,
                .fields = p->raw,
                .request_id = p->request_id,
            };
        p->end_op = job->n_ops;
    }
}

static void note_assumption(struct pending *p, const struct msg_precondition *pre)
{
    p->assume_missing = pre && pre->condition_case == 1 && !pre->exists;
    p->assume_exists = pre && ((pre->condition_case == 1 && pre->exists) || pre->condition_case == 2);
}

/* What cannot be told before the whole request was looked at: first what contradicts itself, then (after the
 * rules) what contradicts the stored documents. Each receives the first of its kind. */
struct complaints {
    struct status conflict, precondition;
};

/* The version of a document that was deleted is the time of that (1.19.9). */
static enum status_code know_deletion(struct pending *p, struct authz *authz, struct status *st)
{
    struct store_entry entry;
    bool found;
    if (p->base.exists || p->base.seq == 0)
        return STATUS_OK;
    if (store_read_entry(authz->reader, p->base.seq, authz->arena, &entry, &found, st))
        return st->code;
    p->now.update_time_us = found ? entry.time_us : 0;
    return STATUS_OK;
}

/* Later writes of a document have no precondition of their own: their chain has seen to it (write_chain.h).
 */
static enum status_code check_precondition(struct pending *p, const struct msg_write *write,
                                           struct authz *authz, struct complaints *complaints,
                                           struct status *st)
{
    const struct msg_precondition *pre = write->current_document;
    if (p->chain.kind == CHAIN_NONE) {
        if (pre && pre->condition_case == 2 && know_deletion(p, authz, st))
            return st->code;
        if (complaints->precondition.code == STATUS_OK)
            write_check(pre, &p->now, authz->db.project, p->path, &complaints->precondition);
        note_assumption(p, pre);
    }
    if (complaints->conflict.code == STATUS_OK)
        write_chain_add(&p->chain, write, &complaints->conflict);
    return STATUS_OK;
}

static enum status_code count_transforms(struct pending *p, const struct msg_write *write, struct status *st)
{
    p->n_transforms += write_transforms(write);
    if (p->n_transforms <= LIMIT_DOCUMENT_TRANSFORMS)
        return STATUS_OK;
    return status_set(
        st, STATUS_INVALID_ARGUMENT,
        "at most %d field transforms are allowed on one document in a commit, got more for /" STR_FMT,
        LIMIT_DOCUMENT_TRANSFORMS, STR_ARG(p->path));
}

/* Takes over what a write leaves. */
static enum status_code adopt(struct pending *p, struct write_state *after, struct authz *authz,
                              struct status *st)
{
    p->written = true;
    if (!after->exists) {
        p->recreated = false;
        p->now = *after;
        p->raw = (struct str){ 0 };
        return STATUS_OK;
    }
    const char *transport = authz->call->notes.transport;
    stored_form_round(&after->fields, transport && strcmp(transport, "grpc") != 0);
    if (document_limits_check(p->path, &after->fields, authz->arena, st) ||
        stored_form_encode(&p->raw, authz->arena, &after->fields, st))
        return st->code;
    p->recreated = p->recreated || (p->base.exists && !p->now.exists);
    p->now = *after;
    p->fields_known = true;
    return STATUS_OK;
}

/* Applies write i; also after a complaint, since the rules are asked before preconditions are told. */
static enum status_code prepare_write(struct job *job, size_t i, struct authz *authz,
                                      struct timestamp read_time, bool guess, struct complaints *complaints,
                                      struct status *st)
{
    const struct msg_write *write = &job->writes[i];
    struct pending *p = NULL;
    struct write_state after;
    struct msg_write_result *result = &job->results[i];
    if (load(&p, job, authz, job->names[i], guess && inserts(write), st))
        return st->code;
    if ((looks_into_fields(write) || authz_by_rules(authz->call)) && know_fields(p, authz->arena, st))
        return st->code;
    if (check_precondition(p, write, authz, complaints, st))
        return st->code;
    p->iam |= iam_of(write);
    job->doc_of[i] = p;
    if (write->operation_case == 5) {
        result->update_time = (opt_timestamp){ true, p->base.exists ? p->base.update_time : read_time };
        return STATUS_OK;
    }
    if (count_transforms(p, write, st) ||
        write_apply(&after, &result->transform_results, write, &p->now, authz->now, authz->arena, st)) {
        job->malformed = true;
        return st->code;
    }
    if (authz_by_rules(authz->call))
        touched_add(&p->touched, write, authz->arena);
    if (write->operation_case == 1 && authz->call->request_id_made && !p->request_id.n)
        p->request_id = request_id_of_fields(authz->arena, &write->update.fields,
                                             authz->call->server->options->request_id_field);
    return adopt(p, &after, authz, st);
}

/* ---- deciding ---- */

static enum status_code decide(struct job *job, struct pending *p, struct authz *authz, struct status *st)
{
    struct rules_document seen = { .exists = p->before.exists, .fields = p->before.fields };
    bool update = p->assume_exists || (p->before.exists && !p->assume_missing);
    enum rules_method method = !p->now.exists ? RULES_DELETE : update ? RULES_UPDATE : RULES_CREATE;
    if (!p->written)
        return authz_get(authz, p->path, &seen, st);
    struct rules_touched touched = touched_tell(&p->touched, p->assume_missing, job->run->auto_id);
    enum status_code code = authz_write(authz, method, p->path, &seen,
                                        method == RULES_DELETE ? NULL : &p->now.fields, &touched, p->iam, st);
    for (size_t i = p->first_op; i < p->end_op; i++)
        job->ops[i].decision = authz->decision;
    if (code && !authz->tentative) {
        /* Only the refusal of this document is told to the ledger. */
        job->ops[0] = (struct store_op){
            .kind = STORE_REFUSED,
            .operation = method == RULES_DELETE   ? STORE_OPERATION_DELETE
                         : method == RULES_UPDATE ? STORE_OPERATION_UPDATE
                                                  : STORE_OPERATION_CREATE,
            .path = p->path,
            .fields = p->now.exists ? p->raw : (struct str){ 0 },
            .request_id = p->request_id,
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

/* ---- one try ---- */

/* Empty tables for a new try. */
static void clear_tables(struct job *job, struct arena *arena)
{
    job->docs = ARENA_ARRAY(arena, struct pending, job->n);
    for (job->table_mask = 8; job->table_mask < job->n * 2; job->table_mask *= 2)
        ;
    job->table = ARENA_ARRAY(arena, uint32_t, job->table_mask);
    job->table_mask--;
    job->n_docs = job->n_ops = 0;
    job->guessed = job->malformed = false;
    job->ops = ARENA_ARRAY(arena, struct store_op, 2 * job->n + 1);
    job->results = ARENA_ARRAY(arena, struct msg_write_result, job->n);
    job->doc_of = ARENA_ARRAY(arena, struct pending *, job->n);
}

/* Applies the writes and asks the rules. *denied: the refusal is to be in the ledger. */
static enum status_code apply_and_decide(bool *denied, struct job *job, struct authz *authz,
                                         struct timestamp read_time, bool guess)
{
    struct complaints complaints = { status_init(authz->arena), status_init(authz->arena) };
    struct status *st = &job->status;
    *denied = false;
    for (size_t i = 0; i < job->n; i++)
        if (prepare_write(job, i, authz, read_time, guess, &complaints, st))
            return st->code;
    if (complaints.conflict.code) {
        job->malformed = true;
        status_copy(st, &complaints.conflict);
        return st->code;
    }
    make_ops(job);
    authz->tentative = job->guessed && authz->ruleset;
    if (decide_all(job, authz, st))
        *denied =
            st->code == STATUS_PERMISSION_DENIED && job->n_ops == 1 && job->ops[0].kind == STORE_REFUSED;
    else if (complaints.precondition.code)
        status_copy(st, &complaints.precondition);
    return st->code;
}

static void fill_commit(struct job *job, struct authz *authz, void (*done)(struct store_commit *commit))
{
    struct run *run = job->run;
    job->commit = (struct store_commit){
        .db = run->db,
        .ops = job->ops,
        .n_ops = job->n_ops,
        .principal = run->call->principal.label,
        .request_id = run->call->request_id,
        .min_time_us = timestamp_to_us(run->now),
        .done = done,
        .user = job,
        .status = status_init(authz->arena),
    };
    if (!authz->ruleset)
        return;
    unsigned char *digest =
        arena_alloc(authz->arena, SHA256_SIZE); /* the ruleset may go before the commit does */
    memcpy(digest, rules_digest(authz->ruleset), SHA256_SIZE);
    job->commit.rules_digest = digest;
}

/* Whether a document that must not exist may be taken for missing without a look. The rules see what is there
 * (1.19.9): what they allow on a missing document holds only if the writer finds it missing, and is decided again
 * if not; what they refuse is decided again at once, which a job of one write can have without a trace. Not while
 * each evaluation is told. */
static bool may_guess(const struct job *job, const struct authz *authz)
{
    if (feed_wanted(authz->call->server->feed))
        return false;
    return !authz->ruleset || (job->n == 1 && !rules_watched(authz->ruleset));
}

static bool prepare_on(struct job *job, bool guess, void (*done)(struct store_commit *commit))
{
    struct run *run = job->run;
    struct call *call = run->call;
    struct authz authz;
    struct timestamp read_time;
    bool denied;
    clear_tables(job, call->arena);
    authz_begin(&authz, call, call->arena, run->db, store_view_now(call->server->store, &read_time),
                run->now);
    authz.pending = (struct authz_pending){ .data = job, .after = pending_after };
    guess = guess && may_guess(job, &authz);
    bool ready = apply_and_decide(&denied, job, &authz, read_time, guess) == STATUS_OK;
    if (ready || denied)
        fill_commit(job, &authz, done);
    if (ready)
        add_deps(job, &authz);
    authz_end(&authz);
    return ready || denied;
}

/* An error that came of a guess is not told. */
bool job_prepare(struct job *job, void (*done)(struct store_commit *commit))
{
    bool prepared = prepare_on(job, job->tries == 1 && !job->run->txn, done);
    if (prepared || !job->guessed)
        return prepared;
    status_clear(&job->status);
    return prepare_on(job, false, done);
}

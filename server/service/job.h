/* job.h - shared inside server/service: the writes of one call on their way into the ledger.
 *
 * A call that writes is a *run*; it has one *job* for each group of writes that succeeds or fails as a whole.
 * commit.c makes runs of requests and answers them; job.c takes them round; prepare.c does what a round
 * begins with. Everything lives in the call's arena and belongs to the worker that runs the call, until the
 * commit is submitted. */
#ifndef SERVER_SERVICE_JOB_H
#define SERVER_SERVICE_JOB_H

#include "server/service/answer.h"
#include "server/service/authorize.h"
#include "server/service/touched.h"
#include "server/service/transaction.h"
#include "server/service/write.h"
#include "server/service/write_chain.h"

struct run;

/* One document that a job touches. */
struct pending {
    struct str path;
    struct store_document base; /* as the view shows it */
    struct write_state before;  /* base, decoded when fields_known */
    struct write_state now;     /* after the writes so far */
    bool fields_known;
    struct str raw;           /* encoding of now.fields while now.exists */
    bool written;             /* some write (not only verify) named it */
    bool changed;             /* the commit makes a new version of it */
    bool recreated;           /* it was deleted on the way and exists again: a new life, a new create time */
    struct write_chain chain; /* the writes so far, as far as they go together */
    size_t first_op, end_op;  /* its part of the job's ops; equal: none */
    struct str request_id;    /* of the first of its writes that has one, where the call's is ours */
    struct touched touched;   /* what the writes so far name, where rules decide */
    size_t n_transforms;      /* asked for by the writes so far */
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
    bool malformed;    /* the status is about the request, whatever the documents hold */
    struct str *names; /* of each write: its document's path, which must be free of others' locks */
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
    int64_t not_before_ms; /* of `now`, once server_time_repeats has looked; of that alone */
    struct job *jobs;
    size_t n_jobs;
    atomic_size_t remaining;
    int64_t submitted_ns; /* this round's commits, to the writer */
    void (*answer)(struct run *run);
    bool auto_id;            /* CreateDocument without an id */
    struct answer_mask mask; /* of CreateDocument and UpdateDocument */
    opt_timestamp commit_time;
};

/* A run of so many jobs, still empty; `answer` sends what came of it or sets the call's status, and
 * call_finish follows. */
struct run *run_new(struct call *call, struct database_name db, size_t jobs, void (*answer)(struct run *run));
/* Makes a job of the writes: resolves their names. INVALID_ARGUMENT for a write that is none, or of another
 * database. */
enum status_code job_start(struct job *job, struct run *run, const struct msg_write *writes, size_t n,
                           struct status *st);
/* What else is wrong with the writes themselves, whatever the documents hold. */
enum status_code job_check(const struct job *job, struct status *st);
/* Takes the jobs round; the call's `run` function ends with it. */
enum rpc_flow run_step(struct call *call);
/* Instead of run_step: the request is refused with the call's status. run: NULL is allowed. */
enum rpc_flow run_refuse(struct call *call, struct run *run);

/* Prepares one try on the newest view: loads documents, checks preconditions, applies masks and transforms,
 * asks rules or IAM, fills job->commit, whose completion will be `done`. A failure leaves job->status set.
 * True: there is something to submit; with job->status set too it is the refusal, for the ledger. */
bool job_prepare(struct job *job, void (*done)(struct store_commit *commit));

/* For the request log: what became of each write (write_notes.c). */
void note_writes(struct run *run);

/* Whether the run would stamp a document with the millisecond that it was last written in when the run began
 * (server_time.c): come again in the next one. May move run->now on. */
bool server_time_repeats(struct run *run);

#endif

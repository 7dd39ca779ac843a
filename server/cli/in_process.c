/* in_process.c - see in_process.h. */
#include "server/cli/in_process.h"

#include "core/clock.h"
#include "server/ops/rules_file.h"
#include "server/ops/summary.h"
#include "server/service/rulesets.h"
#include "server/service/transaction.h"
#include "server/submit.h"

#include <pthread.h>
#include <stdlib.h>

enum { WORKERS = 2 }; /* as few as a pool may have */

struct in_process {
    struct options options;
    struct server server;
    struct owner_policy policy;
    struct clock_source clock;
    _Atomic int64_t now_us;
};

const struct principal in_process_owner = { .kind = PRINCIPAL_OWNER,
                                            .label = STR_INIT("owner"),
                                            .iam = IAM_ALL };

/* ---- life ---- */

static int64_t wall_us(void *data)
{
    return atomic_load(&((struct in_process *)data)->now_us);
}

enum status_code in_process_open(struct in_process **out, struct status *st)
{
    struct in_process *p = *out = calloc(1, sizeof *p);
    if (!p)
        abort();
    atomic_init(&p->now_us, clock_wall_us());
    p->clock = (struct clock_source){ .wall_us = wall_us, .data = p };
    clock_replace(&p->clock);
    p->options.data = ":memory:";
    p->policy.iam = IAM_ALL;
    struct server *s = &p->server;
    s->quiet = true;
    s->options = &p->options;
    s->policies = &p->policy;
    s->n_policies = 1;
    s->rules = rules_registry_new();
    s->summary = summary_new();
    struct store_options store = { .data = p->options.data, .allow_reset = true };
    if (store_open(&s->store, &store, st) || pool_open(&s->pool, WORKERS, s->store, st)) {
        in_process_close(p);
        *out = NULL;
        return st->code;
    }
    s->transactions = transactions_new(s->pool);
    return STATUS_OK;
}

void in_process_close(struct in_process *p)
{
    if (!p)
        return;
    if (p->server.pool)
        pool_close(p->server.pool);
    store_close(p->server.store);
    if (p->server.transactions)
        transactions_free(p->server.transactions);
    rules_registry_free(p->server.rules);
    summary_free(p->server.summary);
    clock_replace(NULL);
    free(p);
}

/* ---- setting ---- */

enum status_code in_process_set_rules(struct in_process *p, struct ruleset *ruleset, struct status *st)
{
    return rules_install(&p->server, STR(""), ruleset, STR("operator"), st);
}

void in_process_set_time(struct in_process *p, struct timestamp time)
{
    atomic_store(&p->now_us, timestamp_to_us(time));
}

void in_process_set_iam(struct in_process *p, bool decides)
{
    p->policy.iam_given = decides;
}

enum status_code in_process_clear(struct in_process *p, struct database_name db, struct status *st)
{
    struct arena *arena = arena_new();
    struct store_op op = { .kind = STORE_EPOCH, .decision = STR("control") };
    struct store_commit commit = {
        .db = db, .ops = &op, .n_ops = 1, .principal = STR("control"), .status = status_init(arena)
    };
    if (submit_and_wait(p->server.store, &commit))
        status_copy(st, &commit.status);
    arena_free(arena);
    return st->code;
}

/* ---- asking ---- */

/* Where the answer of a call goes; the caller waits on `ended`. */
struct waiter {
    struct reply_sink sink; /* first: the call knows only this */
    struct in_process_answer *answer;
    struct call *call;
    struct arena *arena;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool done;
};

static void keep_document(struct waiter *w, const struct document *from)
{
    struct document *to = w->answer->document = ARENA_NEW(w->arena, struct document);
    struct value fields = { .kind = VALUE_MAP, .map = from->fields };
    to->name = arena_str(w->arena, from->name);
    to->fields = value_copy(w->arena, &fields).map;
    to->fields_raw = arena_str(w->arena, from->fields_raw);
}

static void on_message(struct reply_sink *sink, const void *response)
{
    struct waiter *w = (struct waiter *)sink;
    w->answer->messages++;
    if (w->call->rpc->response == SCHEMA(document))
        keep_document(w, response);
}

/* The details go with the call; what they say is wanted longer. */
static const struct status_detail *copy_details(struct arena *arena, const struct status_detail *from)
{
    const struct status_detail *first = NULL, **link = &first;
    for (; from; from = from->next) {
        struct status_detail *to = ARENA_NEW(arena, struct status_detail);
        *to = *from;
        to->facts = ARENA_ARRAY(arena, struct status_fact, from->count);
        for (size_t i = 0; i < from->count; i++)
            to->facts[i] = (struct status_fact){ from->facts[i].key, arena_str(arena, from->facts[i].value) };
        *link = to;
        link = (const struct status_detail **)&to->next;
    }
    return first;
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct waiter *w = (struct waiter *)sink;
    status_copy(&w->answer->status, status);
    w->answer->status.details = copy_details(w->arena, status->details);
    w->answer->decision = w->call->notes.decision;
    w->answer->decision.file = arena_str(w->arena, w->call->notes.decision.file);
    w->answer->decision.reason = arena_str(w->arena, w->call->notes.decision.reason);
    w->answer->decision.digest = NULL;
    call_free(w->call);
    pthread_mutex_lock(&w->mutex);
    w->done = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->mutex);
}

static size_t nothing_pending(struct reply_sink *sink)
{
    (void)sink;
    return 0;
}

static void drained(struct reply_sink *sink)
{
    call_resume(((struct waiter *)sink)->call);
}

struct call *in_process_call(struct in_process *p, const char *rpc, const struct principal *principal)
{
    struct call *call = call_new(&p->server, rpc_by_name(str_of(rpc)));
    call->principal = *principal;
    return call;
}

void in_process_send(struct in_process_answer *out, struct call *call, struct arena *arena)
{
    struct waiter w = {
        .sink = { .message = on_message,
                  .finish = on_finish,
                  .pending = nothing_pending,
                  .when_drained = drained },
        .answer = out,
        .call = call,
        .arena = arena,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .ended = PTHREAD_COND_INITIALIZER,
    };
    *out = (struct in_process_answer){ .status = status_init(arena) };
    call->sink = &w.sink;
    rpc_dispatch(call);
    pthread_mutex_lock(&w.mutex);
    while (!w.done)
        pthread_cond_wait(&w.ended, &w.mutex);
    pthread_mutex_unlock(&w.mutex);
    pthread_cond_destroy(&w.ended);
    pthread_mutex_destroy(&w.mutex);
}

void in_process_commit(struct in_process_answer *out, struct in_process *p, const struct principal *principal,
                       struct database_name db, write_list writes, struct arena *arena)
{
    struct call *call = in_process_call(p, "Commit", principal);
    struct msg_commit_request *request = call->request;
    request->database = str_of(arena_printf(arena, "projects/" STR_FMT "/databases/" STR_FMT,
                                            STR_ARG(db.project), STR_ARG(db.database)));
    request->writes = writes;
    in_process_send(out, call, arena);
}

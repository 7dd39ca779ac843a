/* write_stream.c - Write: the stream on which web and mobile SDKs send their batches, in order.
 *
 * The first message names the database and is answered with a stream id and a token; each later one has the
 * writes of a batch and is answered with their results, in order. A batch is a Commit in every respect, and
 * is run as one: a call of its own (decided, faulted, logged as such), whose answer comes here instead of
 * going to a socket. A batch that is refused ends the stream with its status, as clients expect: they give
 * that batch up and open another stream for the rest.
 *
 * Tokens are numbers in ASCII from "0" on, as Google's emulator 1.19.9 gives them. A message without writes
 * keeps the stream alive and is not answered: a client that closes sends one and does not wait. */
#include "server/ops/request_id.h"
#include "server/server.h"
#include "server/service/service.h"
#include "server/single_project.h"

#include <stddef.h>
#include <stdio.h>

struct write_stream {
    struct call *call;
    struct str database; /* empty: not said yet */
    uint64_t token;
    /* The batch under way: */
    struct call *batch;
    struct reply_sink sink;
    struct msg_commit_response answer; /* borrows from the batch */
    pthread_mutex_t
        lock; /* of `finished`: whoever sees it set sees that the poke is done, too, and may end the stream */
    bool finished; /* the batch is over */
};

static struct write_stream *of_sink(struct reply_sink *sink)
{
    return (struct write_stream *)(void *)((char *)sink - offsetof(struct write_stream, sink));
}

/* ---- the sink of a batch ---- */

static void on_message(struct reply_sink *sink, const void *response)
{
    of_sink(sink)->answer = *(const struct msg_commit_response *)response;
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct write_stream *w = of_sink(sink);
    (void)status; /* the batch's own */
    pthread_mutex_lock(&w->lock);
    w->finished = true;
    call_poke(w->call);
    pthread_mutex_unlock(&w->lock);
}

static bool is_finished(struct write_stream *w)
{
    pthread_mutex_lock(&w->lock);
    bool finished = w->finished;
    pthread_mutex_unlock(&w->lock);
    return finished;
}

static size_t on_pending(struct reply_sink *sink)
{
    (void)sink;
    return 0;
}

static void on_when_drained(struct reply_sink *sink)
{
    call_resume(of_sink(sink)->batch);
}

/* What a fault does to the answer of a batch, it does to the stream. */
static void on_fault(struct reply_sink *sink, enum sink_fault fault)
{
    struct reply_sink *outer = of_sink(sink)->call->sink;
    outer->fault(outer, fault);
}

/* ---- batches ---- */

static enum rpc_flow end(struct call *call)
{
    struct write_stream *w = call->state;
    call_free(w->batch);
    pthread_mutex_destroy(&w->lock);
    call_finish(call);
    return RPC_DONE;
}

static void send_token(struct write_stream *w, struct msg_write_response *response)
{
    char token[24];
    snprintf(token, sizeof token, "%llu", (unsigned long long)w->token++);
    response->stream_token = str_of(token);
    call_send(w->call, response);
}

/* Answers the batch that is over. False: it was refused, and so the stream ends. */
static bool answer_batch(struct write_stream *w)
{
    struct call *batch = w->batch;
    struct msg_write_response response = {
        .write_results = w->answer.write_results,
        .commit_time = w->answer.commit_time,
    };
    bool accepted = batch->status.code == STATUS_OK;
    if (accepted)
        send_token(w, &response);
    else
        status_copy(&w->call->status, &batch->status);
    w->batch = NULL;
    call_free(batch);
    return accepted;
}

/* Takes over `batch`, in whose arena the request is. */
static void start_batch(struct write_stream *w, struct call *batch, const struct msg_write_request *request)
{
    struct msg_commit_request *commit = batch->request;
    commit->database = arena_str(batch->arena, w->database);
    commit->writes = request->writes;
    struct str id = request_id_of_writes(batch);
    batch->request_id = id.n ? id : w->call->request_id;
    w->answer = (struct msg_commit_response){ 0 };
    w->batch = batch;
    w->finished = false;
    rpc_dispatch(batch);
}

/* ---- messages ---- */

static struct call *new_batch(struct write_stream *w)
{
    struct call *batch = call_child(w->call, rpc_by_name(STR("Commit")));
    batch->sink = &w->sink;
    return batch;
}

static enum status_code open_stream(struct write_stream *w, const struct msg_write_request *request,
                                    struct status *st)
{
    struct database_name db;
    struct msg_write_response response = { .stream_id = STR("1") };
    if (path_parse_database(&db, request->database, st) ||
        single_project_check(w->call->server->options, db.project, st))
        return st->code;
    if (request->writes.n)
        return status_set(st, STATUS_INVALID_ARGUMENT, "the first message of the stream may have no writes");
    w->database = arena_str(w->call->arena, request->database);
    send_token(w, &response);
    return STATUS_OK;
}

static enum status_code on_message_of_client(struct write_stream *w, struct call *batch,
                                             const struct msg_write_request *request, struct status *st)
{
    if (!w->database.n)
        open_stream(w, request, st);
    else if (request->database.n && !str_eq(request->database, w->database))
        status_set(st, STATUS_INVALID_ARGUMENT, "the database may not change within a stream");
    else if (request->writes.n) {
        start_batch(w, batch, request);
        return STATUS_OK;
    }
    call_free(batch);
    return st->code;
}

static enum rpc_flow step(struct call *call)
{
    struct write_stream *w = call->state;
    for (;;) {
        void *request;
        if (w->batch && !is_finished(w))
            return call_wait(call, step);
        if (w->batch && !answer_batch(w))
            return end(call);
        if (call_over(call))
            return end(call);
        if (call_congested(call)) {
            call->sink->when_drained(call->sink);
            return call_wait(call, step);
        }
        if (!inbox_has_news(call->inbox))
            return call_wait(call, step);
        struct call *batch = new_batch(w);
        enum call_received received = call_receive(&request, call, batch->arena);
        if (received == CALL_RECEIVED) {
            if (on_message_of_client(w, batch, request, &call->status))
                return end(call);
            continue;
        }
        call_free(batch);
        if (received != CALL_NOTHING_YET)
            return end(call);
    }
}

enum rpc_flow service_write(struct call *call)
{
    struct write_stream *w = ARENA_NEW(call->arena, struct write_stream);
    w->call = call;
    w->sink = (struct reply_sink){ on_message, on_finish, on_pending, on_when_drained, on_fault };
    pthread_mutex_init(&w->lock, NULL);
    call->state = w;
    return step(call);
}

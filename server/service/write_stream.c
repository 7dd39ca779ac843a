/* write_stream.c - Write: the stream on which web and mobile SDKs send their batches, in order.
 *
 * The first message names the database and is answered with a stream id and a token; each later one has the
 * writes of a batch and is answered with their results, in order. A batch is a Commit in every respect, and
 * is run as one: a call of its own (decided, faulted, logged as such), whose answer comes here instead of
 * going to a socket. A batch that is refused ends the stream with its status, as clients expect: they give
 * that batch up and open another stream for the rest.
 *
 * Tokens are numbers in ASCII from "0" on, as Google's emulator 1.19.9 gives them. A message without writes
 * keeps the stream alive and is not answered: a client that closes sends one and does not wait.
 *
 * A stream that broke is taken up again by its id and the newest token that the client has got (both in the first message; the
 * ids are ours, Google's emulator calls every stream "1"). It is answered with that id and that token; then the client
 * sends again, in order, the batches whose answers it has not got. Those that were accepted are answered as before and
 * not written again, however often; the others are written. So each batch is written once. What broke is known for
 * some time, not over a start of the server: write_memory.h. A client that ends its side, or whose batch was refused after
 * all before were acknowledged, needs nothing of this. */
#include "server/ops/request_id.h"
#include "server/server.h"
#include "server/service/service.h"
#include "server/service/write_memory.h"
#include "server/single_project.h"

#include <stddef.h>
#include <stdio.h>

struct write_stream {
    struct call *call;
    struct str database;     /* empty: not said yet */
    struct write_past *past; /* with `database` */
    uint64_t number;         /* of the last batch that was answered */
    bool all_said;           /* by the client: it will not come again */
    /* The batch under way: */
    struct call *batch;
    unsigned char digest[SHA256_SIZE]; /* of its writes */
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
    write_memory_leave(call->server->write_memory, w->past, !w->all_said);
    call_finish(call);
    return RPC_DONE;
}

static void send_token(struct write_stream *w, struct msg_write_response *response)
{
    char token[24];
    snprintf(token, sizeof token, "%llu", (unsigned long long)w->number);
    response->stream_token = str_of(token);
    call_send(w->call, response);
}

static struct str encoded(struct arena *arena, const struct schema_message *schema, const void *message)
{
    struct buf b;
    buf_init(&b, 2 * LIMIT_MESSAGE_BYTES);
    protobuf_encode(&b, schema, message);
    struct str bytes = arena_str(arena, buf_view(&b));
    buf_dispose(&b);
    return bytes;
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
    if (accepted) {
        write_past_add(w->past, ++w->number, w->digest,
                       encoded(batch->arena, SCHEMA(write_response), &response));
        send_token(w, &response);
    } else {
        status_copy(&w->call->status, &batch->status);
    }
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

/* A batch that was accepted before the stream broke is answered as it was. False: it was not. */
static bool answer_again(struct write_stream *w, struct call *batch, const struct msg_write_request *request,
                         struct status *st)
{
    struct msg_write_request writes = { .writes = request->writes };
    struct msg_write_response *response = ARENA_NEW(batch->arena, struct msg_write_response);
    struct str bytes = encoded(batch->arena, SCHEMA(write_request), &writes), answer;
    sha256_of(w->digest, bytes.p, bytes.n);
    if (write_past_find(&answer, w->past, w->number + 1, w->digest, st) || answer.n == 0)
        return false;
    protobuf_decode(response, SCHEMA(write_response), batch->arena, answer, st);
    w->number++;
    send_token(w, response);
    return true;
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
    struct write_memory *memory = w->call->server->write_memory;
    struct msg_write_response response = { 0 };
    if (path_parse_database(&db, request->database, st) ||
        single_project_check(w->call->server->options, db.project, st))
        return st->code;
    if (request->writes.n)
        return status_set(st, STATUS_INVALID_ARGUMENT, "the first message of the stream may have no writes");
    if (!request->stream_id.n)
        w->past = write_memory_begin(memory, request->database, &w->call->principal);
    else if (write_memory_resume(&w->past, &w->number, memory, request->database, &w->call->principal,
                                 request->stream_id, request->stream_token, st))
        return st->code;
    w->database = arena_str(w->call->arena, request->database);
    response.stream_id = write_past_id(w->past);
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
    else {
        write_past_acknowledge(w->past, request->stream_token, w->number);
        if (request->writes.n && !answer_again(w, batch, request, st) && st->code == STATUS_OK) {
            start_batch(w, batch, request);
            return STATUS_OK;
        }
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
        w->all_said = received == CALL_ALL_SAID;
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

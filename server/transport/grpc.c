/* grpc.c - gRPC over HTTP/2 (the specification of that name, and what the official clients need back).
 *
 * An error of a streaming RPC is HEADERS and then trailers, never Trailers-Only: the Node server SDK retries
 * any code for seconds unless it has seen headers first. Unary errors are Trailers-Only.
 *
 * A deadline ends the answer whatever the RPC is doing; what the RPC sends afterwards is dropped, and its
 * finish only frees. `ended` decides, under the request's lock, who was first. */
#include "core/clock.h"
#include "core/codec.h"
#include "server/transport/frame.h"
#include "server/transport/request.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

static const char CONTENT_TYPE[] = "application/grpc";
enum { MESSAGE_MAX = 16 * 1024, DETAILS_MAX = 12 * 1024 }; /* of one header, below what clients accept */

bool grpc_is(struct str type)
{
    static const struct str prefix = STR_INIT("application/grpc");
    return str_starts(type, prefix) &&
           (type.n == prefix.n || type.p[prefix.n] == '+' || type.p[prefix.n] == ';');
}

bool grpc_names_method(struct str target)
{
    struct str service = target.n ? str_skip(target, 1) : target;
    const char *slash = service.n ? memchr(service.p, '/', service.n) : NULL;
    return slash && memchr(service.p, '.', (size_t)(slash - service.p)) &&
           !memchr(slash + 1, '/', service.n - (size_t)(slash + 1 - service.p));
}

/* ---- the end of an answer ---- */

/* grpc-status and what belongs to it, into out; texts in the two buffers. */
static size_t status_headers(struct net_header *out, char number[16], struct buf *message,
                             struct buf *details, const struct status *status)
{
    size_t n = 0;
    struct str text = str_of(status_message(status));
    snprintf(number, 16, "%d", (int)status->code);
    out[n++] = (struct net_header){ STR("grpc-status"), str_of(number) };
    if (text.n > MESSAGE_MAX / 3)
        text.n = MESSAGE_MAX / 3;
    if (text.n && frame_percent(message, text))
        out[n++] = (struct net_header){ STR("grpc-message"), buf_view(message) };
    if (status->details && frame_status_details(details, status))
        out[n++] = (struct net_header){ STR("grpc-status-details-bin"), buf_view(details) };
    return n;
}

/* Whoever is refused for compressing is told what is read: so the specification. */
static size_t first_headers(const struct request *r, struct net_header *out)
{
    size_t n = request_headers(r, out, CONTENT_TYPE);
    if (r->compressed)
        out[n++] = (struct net_header){ STR("grpc-accept-encoding"), STR("identity") };
    return n;
}

/* Ends the answer, once. Called with the lock held. */
static void end_locked(struct request *r, const struct status *status)
{
    struct net_header headers[REQUEST_HEADERS_MAX + 4];
    struct buf message, details;
    char number[16];
    buf_init(&message, MESSAGE_MAX);
    buf_init(&details, DETAILS_MAX);
    r->ended = true;
    bool streams = r->rpc && r->rpc->kind != RPC_UNARY;
    if (!r->started && !streams && status->code) {
        size_t n = first_headers(r, headers);
        n += status_headers(headers + n, number, &message, &details, status);
        exchange_trailers_only(r->exchange, 200, headers, n);
    } else {
        if (!r->started)
            exchange_start(r->exchange, 200, headers, first_headers(r, headers));
        r->started = true;
        if (r->out.len)
            exchange_write(r->exchange, &r->out);
        exchange_finish(r->exchange, headers, status_headers(headers, number, &message, &details, status));
    }
    buf_dispose(&message);
    buf_dispose(&details);
}

void grpc_end(struct request *r, const struct status *status)
{
    pthread_mutex_lock(&r->lock);
    end_locked(r, status);
    pthread_mutex_unlock(&r->lock);
}

void grpc_refuse(struct exchange *exchange, enum status_code code, const char *message)
{
    struct status st = status_init(NULL);
    status_set(&st, code, "%s", message);
    grpc_end(exchange_user(exchange), &st);
}

/* What is no gRPC at all, in the words of Google's emulator 1.19.9: a header for gRPC clients, a body for
 * people. */
void grpc_not_grpc(struct exchange *exchange, int status, const char *message)
{
    const struct net_header headers[] = {
        { STR_INIT("content-type"), STR_INIT("text/plain; charset=utf-8") },
        { STR_INIT("grpc-status"), STR_INIT("13") },
        { STR_INIT("grpc-message"), str_of(message) },
        { STR_INIT("allow"), STR_INIT("POST") },
    };
    struct buf body;
    buf_init(&body, MESSAGE_MAX);
    buf_z(&body, message);
    exchange_reply(exchange, status, headers, status == 405 ? 4 : 3, &body);
}

void grpc_too_large(struct exchange *exchange)
{
    char message[96];
    snprintf(message, sizeof message, "gRPC message exceeds maximum size %d", LIMIT_MESSAGE_BYTES);
    grpc_refuse(exchange, STATUS_RESOURCE_EXHAUSTED, message);
}

static void on_deadline(struct deadline *deadline)
{
    struct request *r = (struct request *)(void *)((char *)deadline - offsetof(struct request, deadline));
    struct status st = status_init(NULL);
    status_set(&st, STATUS_DEADLINE_EXCEEDED, "the client's deadline passed before the answer");
    pthread_mutex_lock(&r->lock);
    if (!r->ended) {
        bool stuck = exchange_pending(r->exchange) > 0;
        end_locked(r, &st);
        if (stuck)
            exchange_abort(r->exchange); /* the client does not read: trailers would wait behind its window */
    }
    pthread_mutex_unlock(&r->lock);
    if (r->rpc->kind == RPC_BIDI)
        request_poke(r, true);
}

/* ---- the sink ---- */

/* The one message of a unary answer goes out with its end, when the call is in the request log: not a byte of
 * it before. */
static void hold_message(struct request *r, struct buf *frame)
{
    r->out = *frame;
    *frame = (struct buf){ .max = frame->max };
}

void grpc_send(struct request *r, struct buf *frame)
{
    struct net_header headers[REQUEST_HEADERS_MAX];
    if (!r->started)
        exchange_start(r->exchange, 200, headers, request_headers(r, headers, CONTENT_TYPE));
    r->started = true;
    exchange_write(r->exchange, frame);
}

static void on_message(struct reply_sink *sink, const void *response)
{
    struct request *r = request_of_sink(sink);
    struct buf frame;
    buf_init(&frame, LIMIT_RESPONSE_BYTES);
    frame_message(&frame, r->rpc->response, response);
    r->call->notes.response_bytes += frame.len - FRAME_PREFIX;
    pthread_mutex_lock(&r->lock);
    if (frame.overflowed && !r->ended) {
        struct status st = status_init(NULL);
        status_set(&st, STATUS_RESOURCE_EXHAUSTED, "the answer is larger than %d MiB",
                   LIMIT_RESPONSE_BYTES >> 20);
        end_locked(r, &st);
    } else if (!r->ended) {
        if (r->rpc->kind == RPC_UNARY)
            hold_message(r, &frame);
        else
            grpc_send(r, &frame);
    }
    pthread_mutex_unlock(&r->lock);
    buf_dispose(&frame);
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct request *r = request_of_sink(sink);
    struct exchange *exchange = r->exchange;
    pthread_mutex_lock(&r->lock);
    if (!r->ended)
        end_locked(r, status);
    pthread_mutex_unlock(&r->lock);
    deadlines_remove(r->transport->deadlines, &r->deadline);
    request_end_call(r);
    exchange_release(exchange);
}

static size_t on_pending(struct reply_sink *sink)
{
    return exchange_pending(request_of_sink(sink)->exchange);
}

static void resume(void *data)
{
    call_resume(((struct request *)data)->call);
}

/* A stream may have been woken by something else meanwhile, and may even be over. */
static void resume_stream(void *data)
{
    struct request *r = data;
    pthread_mutex_lock(&r->lock);
    r->waits_for_socket = false;
    pthread_mutex_unlock(&r->lock);
    request_poke(r, false);
}

static void on_when_drained(struct reply_sink *sink)
{
    struct request *r = request_of_sink(sink);
    pthread_mutex_lock(&r->lock);
    bool stream = r->rpc->kind == RPC_BIDI, asked = r->waits_for_socket;
    r->waits_for_socket = stream;
    pthread_mutex_unlock(&r->lock);
    if (!asked)
        exchange_when_drained(r->exchange, LIMIT_RESPONSE_BUFFER / 2, stream ? resume_stream : resume, r);
}

static void on_fault(struct reply_sink *sink, enum sink_fault fault)
{
    struct request *r = request_of_sink(sink);
    pthread_mutex_lock(&r->lock);
    if (fault == SINK_TRUNCATE && !r->ended) {
        r->out.len /= 2;
        grpc_send(r, &r->out);
    }
    request_fault(r, fault);
    pthread_mutex_unlock(&r->lock);
}

/* ---- the request ---- */

/* "/service/Method" to a row. */
static const struct rpc *find_rpc(struct str path, bool *v1beta1)
{
    static const struct str services[] = { STR_INIT("/google.firestore.v1.Firestore/"),
                                           STR_INIT("/google.firestore.v1beta1.Firestore/") };
    for (size_t i = 0; i < 2; i++) {
        *v1beta1 = i == 1;
        if (str_starts(path, services[i]))
            return rpc_by_name(str_skip(path, services[i].n));
    }
    return NULL;
}

/* Its messages may be. Each says so itself, too, but who compresses some is refused at once. */
static bool is_compressed(struct exchange *exchange)
{
    struct str encoding = exchange_header(exchange, "grpc-encoding");
    return encoding.n && !str_eq_z(encoding, "identity");
}

enum net_body grpc_head(struct request *r)
{
    const struct net_head *head = exchange_head(r->exchange);
    struct str timeout = exchange_header(r->exchange, "grpc-timeout");
    char message[STATUS_SHOWN + 64], shown[STATUS_SHOWN];
    r->sink = (struct reply_sink){ on_message, on_finish, on_pending, on_when_drained, on_fault };
    if (!str_eq_z(head->method, "POST")) {
        snprintf(message, sizeof message, "Method '%s' is not supported", status_show(shown, head->method));
        grpc_not_grpc(r->exchange, 405, message);
        return NET_BODY_ANSWERED;
    }
    if (is_compressed(r->exchange)) {
        enum status_code code;
        r->compressed = true;
        grpc_refuse(r->exchange, STATUS_UNIMPLEMENTED, frame_problem(FRAME_COMPRESSED, &code));
        return NET_BODY_ANSWERED;
    }
    const struct side_method *side = side_by_path(head->target);
    if (side) {
        side_begin(r, side);
        return NET_BODY_STREAM;
    }
    bool v1beta1;
    r->rpc = find_rpc(head->target, &v1beta1);
    if (!r->rpc) {
        struct str name = head->target.n ? str_skip(head->target, 1) : head->target;
        snprintf(message, sizeof message, "Method not found: %s", status_show(shown, name));
        grpc_refuse(r->exchange, STATUS_UNIMPLEMENTED, message);
        return NET_BODY_ANSWERED;
    }
    if (timeout.n && !frame_timeout(&r->timeout_ns, timeout)) {
        grpc_refuse(r->exchange, STATUS_INVALID_ARGUMENT,
                    "grpc-timeout: not a number of at most 8 digits and a unit");
        return NET_BODY_ANSWERED;
    }
    if ((r->rpc->kind == RPC_BIDI && !r->rpc->run) || (v1beta1 && !rpc_in_v1beta1(r->rpc))) {
        struct status st = status_init(NULL);
        rpc_unimplemented(r->rpc, v1beta1, &st);
        grpc_refuse(r->exchange, st.code, status_message(&st));
        return NET_BODY_ANSWERED;
    }
    if (r->rpc->kind != RPC_BIDI)
        return NET_BODY_WHOLE;
    inbox_init(&r->inbox, false);
    buf_init(&r->in, FRAME_PREFIX + LIMIT_MESSAGE_BYTES + LIMIT_STREAM_CHUNK);
    return NET_BODY_STREAM;
}

static enum status_code take_message(struct str *message, struct request *r, struct status *st)
{
    struct str body = r->body;
    enum frame_result result = frame_next(&body, message);
    enum status_code code;
    switch (result) {
    case FRAME_MESSAGE:
        if (body.n)
            return status_set(st, STATUS_INVALID_ARGUMENT, "the request has bytes after its one message");
        return STATUS_OK;
    case FRAME_TOO_LARGE:
        return status_set(st, STATUS_RESOURCE_EXHAUSTED, "gRPC message exceeds maximum size %d",
                          LIMIT_MESSAGE_BYTES);
    case FRAME_MORE:
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          body.n ? "the request ends inside its message" : "the request has no message");
    case FRAME_COMPRESSED:
        r->compressed = true;
        break;
    case FRAME_BAD_FLAG:
        break;
    }
    const char *why = frame_problem(result, &code);
    return status_set(st, code, "%s", why);
}

static void end_unreadable(struct request *r, enum frame_result result)
{
    enum status_code code;
    const char *why = frame_problem(result, &code);
    inbox_end(&r->inbox, code, why);
}

void grpc_chunk(struct request *r, struct str bytes, bool end)
{
    struct str message;
    enum frame_result result;
    bool room = buf_str(&r->in, bytes); /* there is always some: what is whole is taken out below */
    assert(room);
    (void)room;
    struct str rest = buf_view(&r->in);
    while ((result = frame_next(&rest, &message)) == FRAME_MESSAGE)
        inbox_put(&r->inbox, message);
    if (result != FRAME_MORE)
        end_unreadable(r, result);
    else if (end)
        inbox_end(&r->inbox, rest.n ? STATUS_INVALID_ARGUMENT : STATUS_OK,
                  "the request ends inside its message");
    /* After the end nothing is read any more, so nothing is kept. */
    r->in.len = result == FRAME_MORE ? rest.n : 0;
    if (r->in.len)
        memmove(r->in.data, rest.p, rest.n);
    request_poke(r, false);
}

void grpc_run(struct task *task, struct worker *worker)
{
    struct request *r = (struct request *)(void *)task;
    struct call *call = request_call(r, worker);
    struct str message;
    if (r->timeout_ns) {
        call->deadline_ns = call->started_ns + r->timeout_ns;
        r->deadline.at_ns = call->deadline_ns;
        r->deadline.passed = on_deadline;
        deadlines_add(r->transport->deadlines, &r->deadline);
    }
    bool streams = r->rpc->kind == RPC_BIDI;
    if ((!streams &&
         (take_message(&message, r, &call->status) ||
          protobuf_decode(call->request, call->rpc->request, call->arena, message, &call->status))) ||
        request_principal(r, call))
        call_finish(call);
    else
        request_dispatch(r, call);
}

/* grpc_side.c - calls of the services beside Firestore's (server/rpc/side.h): from bytes of the client to its method, on
 * the loop thread, and back.
 *
 * A client that does not read its answers is not asked for more: what it sends is kept up to SIDE_BYTES, and then the
 * call ends. The transport's side_lock guards the open calls: the server's readiness changes on another thread. */
#include "server/transport/frame.h"
#include "server/transport/request.h"

#include <stdlib.h>

enum { SIDE_BYTES = 64 * 1024 }; /* above any question of these services */

struct side {
    struct side_call call;
    struct request *r;
    struct side *next, **link; /* of transport->sides, until it has ended */
    struct buf in;             /* what is not yet read */
    bool asked;                /* the first message has been taken */
    bool all_said;             /* the client has ended its side */
    bool waits;                /* for the client to read */
    bool over;
};

static void send_response(struct side_call *call, const void *response)
{
    struct side *s = (struct side *)(void *)call; /* its first member */
    struct buf frame;
    buf_init(&frame, LIMIT_RESPONSE_BYTES);
    if (frame_message(&frame, call->method->response, response))
        grpc_send(s->r, &frame);
    buf_dispose(&frame);
}

/* Takes it off the list. */
static void unlink_side(struct side *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    s->over = true;
}

static void end(struct side *s, const struct status *status)
{
    unlink_side(s);
    grpc_end(s->r, status);
    exchange_release(s->r->exchange);
}

static void fail(struct side *s, enum status_code code, const char *why)
{
    struct status st = status_init(NULL);
    status_set(&st, code, "%s", why);
    end(s, &st);
}

/* One message to its method. False: the call has ended with it. */
static bool take(struct side *s, struct str message)
{
    struct side_call *call = &s->call;
    const struct schema_message *schema = call->method->request;
    struct arena *arena = call->arena = arena_new();
    call->status = status_init(arena);
    void *request = arena_zalloc(arena, 1, schema_size(schema));
    s->asked = true;
    if (protobuf_decode(request, schema, arena, message, &call->status) == STATUS_OK)
        call->method->take(call, request);
    bool ends = call->status.code || call->method->kind == RPC_UNARY;
    if (ends)
        end(s, &call->status);
    arena_free(arena);
    return !ends;
}

static void go_on(struct side *s);

static void drained(void *data)
{
    struct side *s = data;
    pthread_mutex_lock(&s->r->transport->side_lock);
    s->waits = false;
    if (!s->over)
        go_on(s);
    pthread_mutex_unlock(&s->r->transport->side_lock);
}

static bool must_wait(struct side *s)
{
    if (!s->waits && exchange_pending(s->r->exchange) > LIMIT_RESPONSE_BUFFER) {
        s->waits = true;
        exchange_when_drained(s->r->exchange, LIMIT_RESPONSE_BUFFER / 2, drained, s);
    }
    return s->waits;
}

/* Nothing whole is left to read. */
static void at_rest(struct side *s, size_t left)
{
    const struct side_method *method = s->call.method;
    struct status ok = status_init(NULL);
    if (!s->all_said)
        return;
    if (left)
        fail(s, STATUS_INVALID_ARGUMENT, "the request ends inside its message");
    else if (!s->asked && method->kind != RPC_BIDI)
        fail(s, STATUS_INVALID_ARGUMENT, "the request has no message");
    else if (!method->changed) /* with it the server has more to say */
        end(s, &ok);
}

/* Reads what there is. */
static void go_on(struct side *s)
{
    struct str rest = buf_view(&s->in), message;
    enum frame_result result = FRAME_MESSAGE;
    enum status_code code;
    bool waits = false;
    while (!(waits = must_wait(s)) && (result = frame_next(&rest, &message)) == FRAME_MESSAGE) {
        if (s->asked && s->call.method->kind != RPC_BIDI) {
            fail(s, STATUS_INVALID_ARGUMENT, "the request has bytes after its one message");
            return;
        }
        if (!take(s, message))
            return;
    }
    s->in.len = rest.n;
    if (rest.n)
        memmove(s->in.data, rest.p, rest.n);
    if (waits)
        return;
    if (result != FRAME_MORE) {
        s->r->compressed = result == FRAME_COMPRESSED;
        const char *why = frame_problem(result, &code);
        fail(s, code, why);
    } else {
        at_rest(s, rest.n);
    }
}

/* ---- for http.c ---- */

void side_begin(struct request *r, const struct side_method *method)
{
    struct transport *t = r->transport;
    struct side *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->call = (struct side_call){ .method = method, .server = t->options.server, .send = send_response };
    s->r = r;
    buf_init(&s->in, SIDE_BYTES);
    r->side = s;
    r->handed = true;
    pthread_mutex_lock(&t->side_lock);
    s->next = t->sides;
    s->link = &t->sides;
    if (s->next)
        s->next->link = &s->next;
    t->sides = s;
    pthread_mutex_unlock(&t->side_lock);
}

void side_chunk(struct request *r, struct str bytes, bool ends)
{
    struct side *s = r->side;
    pthread_mutex_lock(&r->transport->side_lock);
    if (!s->over) {
        s->all_said |= ends;
        if (bytes.n > SIDE_BYTES - s->in.len)
            fail(s, STATUS_RESOURCE_EXHAUSTED, "too much is asked before the answers are read");
        else if (buf_str(&s->in, bytes))
            go_on(s);
    }
    pthread_mutex_unlock(&r->transport->side_lock);
}

void side_closed(struct request *r)
{
    struct side *s = r->side;
    pthread_mutex_lock(&r->transport->side_lock);
    bool was_open = !s->over;
    if (was_open)
        unlink_side(s);
    pthread_mutex_unlock(&r->transport->side_lock);
    if (was_open)
        exchange_release(r->exchange);
}

void side_dispose(struct request *r)
{
    if (r->side)
        buf_dispose(&r->side->in);
    free(r->side);
}

void side_changed(struct transport *t, bool stopping)
{
    pthread_mutex_lock(&t->side_lock);
    for (struct side *s = t->sides, *next; s; s = next) {
        next = s->next;
        if (s->asked && s->call.method->changed)
            s->call.method->changed(&s->call);
        if (stopping)
            fail(s, STATUS_UNAVAILABLE, "cinderlog is shutting down");
    }
    pthread_mutex_unlock(&t->side_lock);
}

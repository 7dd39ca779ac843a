/* webchannel.c - WebChannel's requests: which session each is for, and what it does there; see webchannel.h. */
#include "server/transport/webchannel.h"

#include "server/transport/webchannel_table.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    struct str path;
    struct str rpc;
} paths[] = {
    { STR_INIT("/google.firestore.v1.Firestore/Listen/channel"), STR_INIT("Listen") },
    { STR_INIT("/google.firestore.v1.Firestore/Write/channel"), STR_INIT("Write") },
};
enum { PATHS = sizeof paths / sizeof *paths, REPLY_MAX = 256 };

/* The path's RPC and the query; NULL: no path of ours. */
static const struct rpc *split(struct str *query, struct str target)
{
    const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    struct str path = { target.p, mark ? (size_t)(mark - target.p) : target.n };
    *query = mark ? str_skip(target, path.n + 1) : (struct str){ 0 };
    for (size_t i = 0; i < PATHS; i++)
        if (str_eq(path, paths[i].path))
            return rpc_by_name(paths[i].rpc);
    return NULL;
}

bool webchannel_is(struct str target)
{
    struct str query;
    return split(&query, target) != NULL;
}

/* ---- answers ---- */

static void reply(struct request *r, int status, struct buf *body)
{
    struct net_header headers[CHANNEL_HEADERS_MAX];
    exchange_reply(r->exchange, status, headers, channel_headers(r, headers), body);
}

/* Text with its length before it; all of it is ASCII. */
static void reply_chunk(struct request *r, const char *text)
{
    struct buf body;
    buf_init(&body, REPLY_MAX);
    buf_printf(&body, "%zu\n%s", strlen(text), text);
    reply(r, 200, &body);
}

static void refuse(struct request *r, const struct status *st)
{
    request_reply_error(r, st);
    exchange_release(r->exchange);
}

/* The client starts over when it finds these words, not at the very beginning, under this status. */
static void refuse_unknown(struct request *r)
{
    struct buf body;
    buf_init(&body, REPLY_MAX);
    buf_z(&body, "Error: Unknown SID\n");
    reply(r, 400, &body);
    exchange_release(r->exchange);
}

/* ---- a new session ---- */

/* Where a browser puts it, or where anybody else does; in arena. */
static struct str authorization(struct arena *arena, const struct request *r, const struct channel_query *q,
                                const struct channel_form *form)
{
    struct str value = channel_header(form->headers, "authorization");
    if (!value.n)
        value = channel_header(q->headers, "authorization");
    return arena_str(arena, value.n ? value : exchange_header(r->exchange, "authorization"));
}

static void greet(struct request *r, const struct channel *c)
{
    char text[REPLY_MAX];
    /* The version of the protocol and of the server, and the client's patience in ms (which it multiplies
     * by 1.5), as 1.19.9 gives them. */
    snprintf(text, sizeof text, "[[0,[\"c\",\"%s\",\"\",8,12,30000]]]", c->sid);
    reply_chunk(r, text);
}

static void open_session(struct request *r, const struct rpc *rpc, struct worker *worker,
                         const struct channel_query *q)
{
    struct status st = status_init(worker->scratch);
    struct channel_form form;
    if (channel_form_read(&form, worker->scratch, r->body, &st)) {
        refuse(r, &st);
        return;
    }
    r->rpc = rpc;
    inbox_init(&r->inbox, true);
    struct channel *c = channel_new(r);
    if (channel_receive(c, &form, &st) == STATUS_OK && !channels_add(r->transport->channels, c))
        status_set(&st, STATUS_RESOURCE_EXHAUSTED, "there are %d sessions of browsers already",
                   LIMIT_CHANNELS);
    if (st.code) {
        request_reply_error(r, &st);
        channel_unref(c); /* there will be no call */
        channel_unref(c);
        return;
    }
    struct str token = authorization(worker->scratch, r, q, &form);
    r->body =
        (struct str){ 0 }; /* its messages are in the inbox, and the exchange stays as long as the session */
    exchange_forget_body(r->exchange);
    struct call *call = request_call(r, worker);
    call->notes.transport = "webchannel";
    greet(r, c);
    channel_unref(c);
    if (request_principal_of(r, call, token))
        call_finish(call);
    else
        request_dispatch(r, call);
}

/* ---- requests of a session ---- */

static void forward(struct request *r, struct channel *c, struct arena *arena, const struct channel_query *q)
{
    struct status st = status_init(arena);
    struct channel_form form;
    char text[REPLY_MAX];
    channel_ack(c, q->aid);
    if (channel_form_read(&form, arena, r->body, &st) || channel_receive(c, &form, &st)) {
        refuse(r, &st);
        return;
    }
    struct channel_state state = channel_state(c);
    snprintf(text, sizeof text, "[%d,%" PRId64 ",%zu]", state.back, state.last_id, state.bytes);
    reply_chunk(r, text);
    exchange_release(r->exchange);
}

static void terminate(struct request *r, struct channel *c)
{
    channel_leave(c, STATUS_OK, NULL);
    reply(r, 200, NULL);
    exchange_release(r->exchange);
}

static void serve(struct request *r, struct channel *c, struct arena *arena, const struct channel_query *q)
{
    struct str method = exchange_head(r->exchange)->method;
    if (q->terminate)
        terminate(r, c);
    else if (str_eq_z(method, "POST"))
        forward(r, c, arena, q);
    else if (!q->back || !channel_attach(c, r, q->polling, q->aid))
        refuse_unknown(r);
}

void webchannel_run(struct task *task, struct worker *worker)
{
    struct request *r = (struct request *)(void *)task;
    const struct net_head *head = exchange_head(r->exchange);
    struct status st = status_init(worker->scratch);
    struct channel_query q;
    struct str query;
    const struct rpc *rpc = split(&query, head->target);
    if (channel_query_read(&q, worker->scratch, query, &st)) {
        refuse(r, &st);
        return;
    }
    if (!q.sid.n && str_eq_z(head->method, "POST")) {
        open_session(r, rpc, worker, &q);
        return;
    }
    struct channel *c = channels_find(r->transport->channels, q.sid);
    if (!c || c->opener->rpc != rpc)
        refuse_unknown(r);
    else
        serve(r, c, worker->scratch, &q);
    if (c)
        channel_unref(c);
}

/* ---- the loop's news ---- */

void webchannel_closed(struct request *r)
{
    pthread_mutex_lock(&r->lock);
    struct channel *c = r->channel;
    pthread_mutex_unlock(&r->lock);
    if (c)
        channel_detach(c, r);
}

void webchannel_forget(struct request *r)
{
    if (r->channel)
        channel_unref(r->channel);
}

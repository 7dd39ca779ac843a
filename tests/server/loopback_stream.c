/* loopback_stream.c - see loopback_stream.h. */
#include "server/loopback_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct loopback_stream *of_sink(struct reply_sink *sink) { return (struct loopback_stream *)sink; }

/* What cannot be encoded would not reach a client. */
static void on_message(struct reply_sink *sink, const void *response)
{
    struct loopback_stream *s = of_sink(sink);
    const struct schema_message *schema = s->call->rpc->response;
    struct buf b;
    buf_init(&b, 64 * 1024 * 1024);
    if (!(s->inbox.json ? protojson_encode(&b, schema, response, 0) : protobuf_encode(&b, schema, response)))
        abort();
    s->messages++;
    s->bytes += b.len;
    buf_dispose(&b);
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct loopback_stream *s = of_sink(sink);
    struct call *call = s->call;
    s->code = status->code;
    snprintf(s->message, sizeof s->message, "%s", status_message(status));
    pthread_mutex_lock(&s->lock); /* from here on nobody pokes it */
    s->call = NULL;
    call_free(call);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static size_t on_pending(struct reply_sink *sink)
{
    (void)sink;
    return 0;
}

static void on_when_drained(struct reply_sink *sink) { call_poke(of_sink(sink)->call); }

static void on_fault(struct reply_sink *sink, enum sink_fault fault)
{
    (void)sink;
    (void)fault;
}

void stream_open(struct loopback_stream *s, struct loopback *l, const char *rpc, const char *who, bool json)
{
    *s = (struct loopback_stream){ .sink = { on_message, on_finish, on_pending, on_when_drained, on_fault } };
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    inbox_init(&s->inbox, json);
    s->call = call_new(&l->server, rpc_by_name(str_of(rpc)));
    s->call->sink = &s->sink;
    s->call->inbox = &s->inbox;
    loopback_become(s->call, who);
    rpc_dispatch(s->call);
}

static void poke(struct loopback_stream *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->call)
        call_poke(s->call);
    pthread_mutex_unlock(&s->lock);
}

void stream_say(struct loopback_stream *s, struct str message)
{
    inbox_put(&s->inbox, message);
    poke(s);
}

void stream_end(struct loopback_stream *s)
{
    inbox_end(&s->inbox, STATUS_OK, NULL);
    poke(s);
}

void stream_settle(struct loopback_stream *s)
{
    for (bool rests = false; !rests;) {
        pthread_mutex_lock(&s->lock);
        rests = !s->call || atomic_load(&s->inbox.wake) == WAKE_RESTING;
        pthread_mutex_unlock(&s->lock);
        if (!rests)
            nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
    }
}

void stream_close(struct loopback_stream *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->call)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    inbox_dispose(&s->inbox);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

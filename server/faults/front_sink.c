/* front_sink.c - see front_sink.h. */
#include "server/faults/front_sink.h"

static struct reply_sink *inner(struct reply_sink *sink)
{
    return ((struct front_sink *)sink)->inner;
}

static void on_message(struct reply_sink *sink, const void *response)
{
    inner(sink)->message(inner(sink), response);
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    inner(sink)->finish(inner(sink), status);
}

static size_t on_pending(struct reply_sink *sink)
{
    return inner(sink)->pending(inner(sink));
}

static void on_when_drained(struct reply_sink *sink)
{
    inner(sink)->when_drained(inner(sink));
}

static void on_fault(struct reply_sink *sink, enum sink_fault fault)
{
    inner(sink)->fault(inner(sink), fault);
}

void front_sink_put(struct front_sink *front, struct call *call)
{
    front->sink = (struct reply_sink){ on_message, on_finish, on_pending, on_when_drained, on_fault };
    front->inner = call->sink;
    call->sink = &front->sink;
}

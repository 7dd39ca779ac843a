/* webchannel_in.c - see webchannel_in.h. */
#include "server/transport/webchannel_in.h"

#include "core/limits.h"

#include <assert.h>
#include <stdlib.h>

struct channel_early {
    struct channel_early *next;
    uint64_t number;
    size_t n;
    char bytes[];
};

void channel_in_init(struct channel_in *in)
{
    *in = (struct channel_in){ 0 };
}

static struct channel_early *take_first(struct channel_in *in)
{
    struct channel_early *e = in->early;
    in->early = e->next;
    in->n--;
    in->bytes -= e->n;
    return e;
}

void channel_in_dispose(struct channel_in *in)
{
    while (in->early)
        free(take_first(in));
}

static bool keep(struct channel_in *in, uint64_t number, struct str message)
{
    struct channel_early **at = &in->early;
    while (*at && (*at)->number < number)
        at = &(*at)->next;
    if (*at && (*at)->number == number)
        return true;
    bool room = in->n < LIMIT_STREAM_MESSAGES && in->bytes + message.n <= LIMIT_MESSAGE_BYTES;
    struct channel_early *e = room ? malloc(sizeof *e + message.n) : NULL;
    if (!e)
        return false;
    e->number = number;
    e->n = message.n;
    if (message.n)
        memcpy(e->bytes, message.p, message.n);
    e->next = *at;
    *at = e;
    in->n++;
    in->bytes += message.n;
    return true;
}

bool channel_in_take(struct channel_in *in, uint64_t number, struct str message,
                     void (*deliver)(void *data, struct str message), void *data)
{
    assert(!in->early || in->early->number > in->next);
    if (number < in->next)
        return true;
    if (number > in->next)
        return keep(in, number, message);
    deliver(data, message);
    in->next++;
    while (in->early && in->early->number == in->next) {
        struct channel_early *e = take_first(in);
        deliver(data, str_from(e->bytes, e->n));
        in->next++;
        free(e);
    }
    return true;
}

/* webchannel_out.c - see webchannel_out.h. */
#include "server/transport/webchannel_out.h"

#include "server/transport/webchannel_wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRAPPING = 32 }; /* more than an id, or a length, and what is around it */

struct channel_array {
    struct channel_array *next;
    int64_t id;
    size_t n, units;
    char bytes[];
};

void channel_out_init(struct channel_out *out)
{
    *out = (struct channel_out){ .next_id = 1 };
}

static void drop_first(struct channel_out *out)
{
    struct channel_array *a = out->first;
    out->first = a->next;
    if (!out->first)
        out->last = NULL;
    if (out->unsent == a)
        out->unsent = a->next;
    out->bytes -= a->n;
    free(a);
}

void channel_out_dispose(struct channel_out *out)
{
    while (out->first)
        drop_first(out);
}

void channel_out_put(struct channel_out *out, struct str payload)
{
    struct channel_array *a = malloc(sizeof *a + payload.n);
    if (!a) {
        fprintf(stderr, "cinderlog: out of memory (an array of a channel); stopping\n");
        abort();
    }
    a->next = NULL;
    a->id = out->next_id++;
    a->n = payload.n;
    a->units = channel_units(payload);
    if (payload.n)
        memcpy(a->bytes, payload.p, payload.n);
    *(out->last ? &out->last->next : &out->first) = a;
    out->last = a;
    if (!out->unsent)
        out->unsent = a;
    out->bytes += a->n;
}

void channel_out_ack(struct channel_out *out, int64_t aid)
{
    int64_t last = channel_out_last_id(out);
    while (out->first && out->first->id <= aid)
        drop_first(out);
    if (aid > out->acked)
        out->acked = aid < last ? aid : last;
    assert(!out->first || out->first->id == out->acked + 1);
    assert(out->first || (out->acked == last && out->bytes == 0));
}

void channel_out_rewind(struct channel_out *out)
{
    out->unsent = out->first;
}

/* "[id," payload "]", without a comma between arrays. */
static size_t wrapping(char text[WRAPPING], const struct channel_array *a)
{
    return (size_t)snprintf(text, WRAPPING, "[%" PRId64 ",", a->id);
}

size_t channel_out_room(const struct channel_out *out)
{
    size_t bytes = WRAPPING; /* the length, and the brackets around all */
    for (const struct channel_array *a = out->unsent; a; a = a->next)
        bytes += WRAPPING + a->n;
    return bytes;
}

bool channel_out_take(struct channel_out *out, struct buf *chunk)
{
    size_t units = 2; /* the brackets around all */
    char open[WRAPPING];
    for (const struct channel_array *a = out->unsent; a; a = a->next)
        units += wrapping(open, a) + a->units + 1 + (a->next != NULL);
    buf_printf(chunk, "%zu\n[", units);
    for (struct channel_array *a = out->unsent; a; a = a->next) {
        buf_put(chunk, open, wrapping(open, a));
        buf_put(chunk, a->bytes, a->n);
        buf_z(chunk, a->next ? "]," : "]");
    }
    out->unsent = NULL;
    return buf_byte(chunk, ']');
}

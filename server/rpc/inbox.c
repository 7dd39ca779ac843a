/* inbox.c - see inbox.h. */
#include "server/rpc/inbox.h"

#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

void inbox_init(struct inbox *inbox, bool json)
{
    *inbox = (struct inbox){ .json = json };
    pthread_mutex_init(&inbox->lock, NULL);
    atomic_init(&inbox->wake, WAKE_RUNNING);
}

void inbox_dispose(struct inbox *inbox)
{
    for (struct inbox_message *m; (m = inbox_take(inbox));)
        free(m);
    pthread_mutex_destroy(&inbox->lock);
}

static void end_locked(struct inbox *inbox, enum status_code code, const char *broken)
{
    inbox->ended = true;
    inbox->code = code;
    inbox->broken = broken;
}

void inbox_put(struct inbox *inbox, struct str bytes)
{
    pthread_mutex_lock(&inbox->lock);
    bool room = inbox->n < LIMIT_STREAM_MESSAGES && inbox->bytes + bytes.n <= LIMIT_MESSAGE_BYTES;
    struct inbox_message *m = inbox->ended ? NULL : room ? malloc(sizeof *m + bytes.n) : NULL;
    if (m) {
        m->next = NULL;
        m->n = bytes.n;
        if (bytes.n)
            memcpy(m->bytes, bytes.p, bytes.n);
        *(inbox->last ? &inbox->last->next : &inbox->first) = m;
        inbox->last = m;
        inbox->n++;
        inbox->bytes += bytes.n;
    } else if (!inbox->ended) {
        end_locked(inbox, STATUS_RESOURCE_EXHAUSTED,
                   "too many messages of this stream are waiting; send slower");
    }
    pthread_mutex_unlock(&inbox->lock);
}

void inbox_end(struct inbox *inbox, enum status_code code, const char *broken)
{
    pthread_mutex_lock(&inbox->lock);
    if (!inbox->ended)
        end_locked(inbox, code, broken);
    pthread_mutex_unlock(&inbox->lock);
}

bool inbox_has_news(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    bool has = inbox->first || inbox->ended;
    pthread_mutex_unlock(&inbox->lock);
    return has;
}

struct inbox_message *inbox_take(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    struct inbox_message *m = inbox->first;
    if (m) {
        inbox->first = m->next;
        if (!inbox->first)
            inbox->last = NULL;
        inbox->n--;
        inbox->bytes -= m->n;
    }
    pthread_mutex_unlock(&inbox->lock);
    return m;
}

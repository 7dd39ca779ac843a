/* fuzz_listen.c - a client's side of Listen or Write, message by message, while documents and rules change: every
 * stream ends, with a status that blames the client or nobody.
 *
 * Input: a byte (bit 0: Write, bit 1: protojson, bit 2: a user under rules), then pieces: a kind, a length of two bytes,
 * and the bytes of a message. Kinds, modulo 8: 0 to 3 the message itself; 4 a document is written; 5 everything is
 * cleared; 6 other rules; 7 the stream is cut, and another one begins. LEDGERID in a message becomes the first half of the
 * ledger's id: so tokens are of this ledger. */
#include "server/loopback_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS_PER_SERVER = 500, MOST_PIECES = 24 };

static const char *const rules[] = {
    "service cloud.firestore { match /databases/{d}/documents { match /{a=**} { allow read, write; } } }",
    "service cloud.firestore { match /databases/{d}/documents { match /{a=**} { allow read, write: if "
    "get(/databases/$(d)/documents/c/0).data.n > 2; } } }",
    "service cloud.firestore { match /databases/{d}/documents { match /c/{a} { allow read: if "
    "resource.data.n > 2; } "
    "} }",
};

/* A new one now and then: what is written stays. */
static struct loopback *loopback(void)
{
    static struct loopback l;
    static unsigned used;
    if (used > 0 && used % INPUTS_PER_SERVER == 0)
        loopback_close(&l);
    if (used++ % INPUTS_PER_SERVER == 0)
        loopback_open(&l, NULL);
    return &l;
}

static void ask(struct loopback *l, const char *rpc, const char *json)
{
    answer_free(loopback_ask(l, rpc, "owner", json));
}

static void write_one(struct loopback *l, size_t n)
{
    char json[256];
    snprintf(json, sizeof json,
             n % 5 == 4
                 ? "{\"database\":\"projects/p/databases/(default)\",\"writes\":[{\"delete\":"
                   "\"projects/p/databases/(default)/documents/c/%zu\"}]}"
                 : "{\"database\":\"projects/p/databases/(default)\",\"writes\":[{\"update\":{\"name\":"
                   "\"projects/p/databases/(default)/documents/c/"
                   "%zu\",\"fields\":{\"n\":{\"integerValue\":\"%zu\"}}}}]}",
             n % 3, n);
    ask(l, "Commit", json);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void on_cleared(struct store_commit *c)
{
    pthread_mutex_lock(&lock);
    *(bool *)c->user = true;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&lock);
}

static void clear(struct loopback *l)
{
    bool cleared = false;
    struct store_op op = { .kind = STORE_EPOCH, .decision = STR("control") };
    struct store_commit c = { .db = { STR("p"), STR("(default)") },
                              .ops = &op,
                              .n_ops = 1,
                              .done = on_cleared,
                              .user = &cleared,
                              .status = status_init(NULL) };
    store_submit(l->server.store, &c);
    pthread_mutex_lock(&lock);
    while (!cleared)
        pthread_cond_wait(&cond, &lock);
    pthread_mutex_unlock(&lock);
}

static void say(struct loopback_stream *s, struct loopback *l, const uint8_t *data, size_t n)
{
    struct store_info info;
    char *copy = malloc(n + 1);
    if (!copy)
        abort();
    memcpy(copy, data, n);
    store_get_info(l->server.store, &info);
    for (size_t i = 0; i + 8 <= n; i++)
        if (memcmp(copy + i, "LEDGERID", 8) == 0)
            memcpy(copy + i, info.ledger_id, 8);
    stream_say(s, str_from(copy, n));
    free(copy);
}

static void finish(struct loopback_stream *s)
{
    stream_settle(s);
    stream_end(s);
    stream_close(s);
    if (s->code == STATUS_INTERNAL || s->code == STATUS_UNKNOWN || s->code == STATUS_UNAVAILABLE ||
        s->code == STATUS_DATA_LOSS || (s->code && !s->message[0]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct loopback *l = loopback();
    struct loopback_stream s;
    const char *rpc = data[0] & 1 ? "Write" : "Listen", *who = data[0] & 4 ? "{\"sub\":\"u\"}" : "owner";
    bool json = data[0] & 2;
    loopback_rules(l, rules[0]);
    stream_open(&s, l, rpc, who, json);
    size_t at = 1;
    for (int pieces = 0; at + 3 <= size && pieces < MOST_PIECES; pieces++) {
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2], kind = data[at] % 8;
        at += 3;
        n = n < size - at ? n : size - at;
        if (kind < 4)
            say(&s, l, data + at, n);
        else if (kind == 4)
            write_one(l, n);
        else if (kind == 5)
            clear(l);
        else if (kind == 6)
            loopback_rules(l, rules[n % 3]);
        else {
            finish(&s);
            stream_open(&s, l, rpc, who, json);
        }
        if (kind != 3)
            stream_settle(&s);
        at += kind < 4 ? n : 0;
    }
    finish(&s);
    return 0;
}

/* test_scale.c - answers of many documents: memory that does not grow with them, clients that do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "server/loopback.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define DOCS "projects/p/databases/(default)/documents"

enum { MANY = 20000, BATCH = 1000, WARM = 100 };

static struct loopback L;

/* A client that counts what it gets, and reads only while it wants to. */
struct client {
    struct reply_sink sink; /* first */
    struct call *call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t messages, documents;
    size_t warm_arena, most_arena; /* bytes of the call's arena after WARM messages, and at most */
    bool reads, parked, finished;
    enum status_code code;
};

static void on_message(struct reply_sink *sink, const void *response)
{
    struct client *c = (struct client *)sink;
    size_t used = arena_used(c->call->arena);
    pthread_mutex_lock(&c->lock);
    c->messages++;
    if (c->call->rpc->response == &schema_run_query_response)
        c->documents += ((const struct msg_run_query_response *)response)->document != NULL;
    else
        c->documents += ((const struct msg_batch_get_response *)response)->result_case == 1;
    if (c->messages == WARM)
        c->warm_arena = used;
    if (used > c->most_arena)
        c->most_arena = used;
    pthread_mutex_unlock(&c->lock);
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct client *c = (struct client *)sink;
    enum status_code code = status->code;
    call_free(c->call);
    pthread_mutex_lock(&c->lock);
    c->code = code;
    c->finished = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static size_t on_pending(struct reply_sink *sink)
{
    struct client *c = (struct client *)sink;
    pthread_mutex_lock(&c->lock);
    size_t pending = c->reads || c->messages < WARM ? 0 : LIMIT_RESPONSE_BUFFER + 1;
    pthread_mutex_unlock(&c->lock);
    return pending;
}

static void on_drained(struct reply_sink *sink)
{
    struct client *c = (struct client *)sink;
    pthread_mutex_lock(&c->lock);
    c->parked = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void ask(struct client *c, const char *rpc, const char *json, bool reads)
{
    *c = (struct client){ .sink = { on_message, on_finish, on_pending, on_drained, NULL },
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .changed = PTHREAD_COND_INITIALIZER,
                          .reads = reads };
    struct call *call = c->call = call_new(&L.server, rpc_by_name(str_of(rpc)));
    call->sink = &c->sink;
    call->principal = (struct principal){ .kind = PRINCIPAL_OWNER, .label = STR("owner"), .iam = IAM_ALL };
    assert_int_equal(protojson_decode(call->request, call->rpc->request, call->arena,
                                      arena_str(call->arena, str_of(json)), &call->status),
                     STATUS_OK);
    rpc_dispatch(call);
}

static void wait_until(struct client *c, const bool *what)
{
    pthread_mutex_lock(&c->lock);
    while (!*what)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void fill(void)
{
    struct arena *arena = arena_new();
    for (int from = 0; from < MANY; from += BATCH) {
        struct buf json;
        buf_init(&json, LIMIT_MESSAGE_BYTES);
        buf_z(&json, "{\"database\":\"projects/p/databases/(default)\",\"writes\":[");
        for (int i = from; i < from + BATCH; i++)
            buf_printf(&json,
                       "%s{\"update\":{\"name\":\"" DOCS
                       "/c/%d\",\"fields\":{\"n\":{\"integerValue\":\"%d\"}}}}",
                       i > from ? "," : "", i, i * 7919 % MANY);
        buf_z(&json, "]}");
        struct answer *a = loopback_ask(&L, "Commit", "owner", arena_str(arena, buf_view(&json)).p);
        assert_int_equal(a->code, STATUS_OK);
        answer_free(a);
        buf_dispose(&json);
        arena_reset(arena);
    }
    arena_free(arena);
}

static int open_and_fill(void **state)
{
    (void)state;
    loopback_open(&L, NULL);
    fill();
    return 0;
}

static int close_it(void **state)
{
    (void)state;
    loopback_close(&L);
    return 0;
}

static const char *const queries[] = {
    "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"c\"}]}}",
    "{\"parent\":\"" DOCS "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"c\"}],"
    "\"orderBy\":[{\"field\":{\"fieldPath\":\"n\"}}]}}",
    "{\"parent\":\"" DOCS
    "\",\"structuredQuery\":{\"from\":[{\"collectionId\":\"c\",\"allDescendants\":true}]}}",
};

static void many_answers_need_no_more_memory_than_a_hundred(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct client client;
        ask(&client, "RunQuery", queries[i], true);
        wait_until(&client, &client.finished);
        assert_int_equal(client.code, STATUS_OK);
        assert_int_equal(client.documents, MANY);
        assert_int_equal(client.most_arena, client.warm_arena);
    }
}

static void a_batch_of_many_needs_no_more_memory_than_its_request(void **state)
{
    (void)state;
    struct client client;
    struct buf json;
    buf_init(&json, LIMIT_MESSAGE_BYTES);
    buf_z(&json, "{\"database\":\"projects/p/databases/(default)\",\"documents\":[");
    for (int i = 0; i < MANY; i++)
        buf_printf(&json, "%s\"" DOCS "/c/%d\"", i ? "," : "", i);
    buf_put(&json, "]}", 3); /* its NUL too */
    ask(&client, "BatchGetDocuments", (const char *)json.data, true);
    wait_until(&client, &client.finished);
    assert_int_equal(client.code, STATUS_OK);
    assert_int_equal(client.documents, MANY);
    assert_int_equal(client.most_arena, client.warm_arena);
    buf_dispose(&json);
}

/* Clients that stop reading keep no worker: everybody else is answered, and each goes on where it was. */
static void clients_that_do_not_read_hold_up_nobody(void **state)
{
    (void)state;
    enum { CLIENTS = 12 }; /* three to a worker */
    static struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        ask(&clients[i], "RunQuery", queries[i % 3], false);
    for (int i = 0; i < CLIENTS; i++)
        wait_until(&clients[i], &clients[i].parked);
    struct answer *a = loopback_ask(&L, "GetDocument", "owner", "{\"name\":\"" DOCS "/c/5\"}");
    assert_int_equal(a->code, STATUS_OK);
    answer_free(a);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_mutex_lock(&clients[i].lock);
        assert_int_equal(clients[i].messages, WARM);
        clients[i].reads = true;
        pthread_mutex_unlock(&clients[i].lock);
        call_resume(clients[i].call);
    }
    for (int i = 0; i < CLIENTS; i++) {
        wait_until(&clients[i], &clients[i].finished);
        assert_int_equal(clients[i].code, STATUS_OK);
        assert_int_equal(clients[i].documents, MANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_answers_need_no_more_memory_than_a_hundred),
        cmocka_unit_test(a_batch_of_many_needs_no_more_memory_than_its_request),
        cmocka_unit_test(clients_that_do_not_read_hold_up_nobody),
    };
    return cmocka_run_group_tests(tests, open_and_fill, close_it);
}

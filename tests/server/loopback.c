/* loopback.c - see loopback.h. */
#include "server/loopback.h"

#include "server/auth/claims.h"
#include "server/faults/faults.h"
#include "server/faults/quota.h"
#include "server/ops/rules_file.h"
#include "server/ops/summary.h"
#include "server/service/listen_hub.h"
#include "server/service/rulesets.h"
#include "server/service/transaction.h"
#include "server/service/write_memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

static void must(enum status_code code, const struct status *st)
{
    if (code) {
        fprintf(stderr, "loopback: %s\n", status_message(st));
        abort();
    }
}

static void visible(void *data, uint64_t seq)
{
    (void)seq;
    listen_hub_visible(data);
}

void loopback_open(struct loopback *l, const struct options *options)
{
    struct status st = status_init(NULL);
    *l = (struct loopback){ 0 };
    l->arena = arena_new();
    if (options)
        l->options = *options;
    if (!l->options.data)
        l->options.data = ":memory:";
    l->policy.iam = IAM_ALL;
    if (l->options.owner_iam) {
        l->policy.iam_given = true;
        must(iam_parse_list(&l->policy.iam, str_of(l->options.owner_iam), &st), &st);
    }
    struct server *s = &l->server;
    s->options = &l->options;
    s->policies = &l->policy;
    s->n_policies = 1;
    struct store_options so = { .data = l->options.data,
                                .append_only = l->options.append_only,
                                .n_append_only = l->options.n_append_only,
                                .allow_reset = true };
    must(store_open(&s->store, &so, &st), &st);
    s->listeners = listen_hub_new(s);
    s->write_memory = write_memory_new();
    store_observe(s->store, (struct store_observer){ .visible = visible, .data = s->listeners });
    s->rules = rules_registry_new();
    s->summary = summary_new();
    must(pool_open(&s->pool, 4, s->store, &st), &st);
    s->transactions = transactions_new(s->pool);
    struct quota *quota;
    must(quota_new(&quota, l->options.quota, l->options.n_quota, &st), &st);
    s->faults = faults_new(quota);
}

void loopback_close(struct loopback *l)
{
    pool_close(l->server.pool);
    store_close(l->server.store);
    transactions_free(l->server.transactions);
    rules_registry_free(l->server.rules);
    listen_hub_free(l->server.listeners);
    write_memory_free(l->server.write_memory);
    summary_free(l->server.summary);
    faults_free(l->server.faults);
    arena_free(l->arena);
}

void loopback_rules(struct loopback *l, const char *rules)
{
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct rules_file file = { STR("test.rules"), str_of(rules) };
    must(rules_compile(&ruleset, &file, 1, &issues, arena, &st), &st);
    must(rules_install(&l->server, STR(""), ruleset, STR("test"), &st), &st);
    rules_release(ruleset);
    arena_free(arena);
}

static void sink_message(struct reply_sink *sink, const void *response)
{
    struct answer *a = (struct answer *)sink;
    struct buf b;
    buf_init(&b, 64 * 1024 * 1024);
    protojson_encode(&b, a->call->rpc->response, response, 0);
    a->json = arena_printf(a->arena, "%s" STR_FMT "\n", a->json, STR_ARG(buf_view(&b)));
    a->messages++;
    buf_dispose(&b);
}

static void sink_finish(struct reply_sink *sink, const struct status *status)
{
    struct answer *a = (struct answer *)sink;
    struct status copy = status_init(a->arena);
    status_copy(&copy, status);
    a->code = copy.code;
    a->message = arena_printf(a->arena, "%s", status_message(&copy));
    a->details = copy.details;
    a->fault = a->call->notes.fault ? a->call->notes.fault : "";
    call_free(a->call);
    pthread_mutex_lock(&mutex);
    a->finished = true;
    pthread_cond_broadcast(&finished);
    pthread_mutex_unlock(&mutex);
}

static size_t sink_pending(struct reply_sink *sink)
{
    (void)sink;
    return 0;
}

static void sink_drained(struct reply_sink *sink) { call_resume(((struct answer *)sink)->call); }

static void sink_fault(struct reply_sink *sink, enum sink_fault fault)
{
    struct answer *a = (struct answer *)sink;
    a->faults[fault]++;
}

void loopback_become(struct call *call, const char *who)
{
    struct status st = status_init(NULL);
    struct principal *p = &call->principal;
    *p = (struct principal){ .kind = PRINCIPAL_ANONYMOUS, .label = STR("anonymous") };
    if (strcmp(who, "owner") == 0) {
        *p = (struct principal){ .kind = PRINCIPAL_OWNER, .label = STR("owner"), .iam = call->server->policies[0].iam };
    } else if (who[0] == '{') {
        p->kind = PRINCIPAL_USER;
        must(claims_parse(&p->token, call->arena, str_of(who), &st), &st);
        const struct value *sub = value_map_get(&p->token, STR("sub"));
        p->has_uid = sub != NULL;
        p->uid = sub ? sub->text : STR("");
        p->label = STR("user:test");
    }
}

struct answer *loopback_send(struct loopback *l, const char *rpc, const char *who, const char *json)
{
    struct arena *arena = arena_new();
    struct answer *a = ARENA_NEW(arena, struct answer);
    a->arena = arena;
    a->json = "";
    a->fault = "";
    a->sink = (struct reply_sink){ sink_message, sink_finish, sink_pending, sink_drained, sink_fault };
    struct call *call = a->call = call_new(&l->server, rpc_by_name(str_of(rpc)));
    call->sink = &a->sink;
    call->fault_header = l->fault_header;
    loopback_become(call, who);
    if (protojson_decode(call->request, call->rpc->request, call->arena, arena_str(call->arena, str_of(json)), &call->status))
        call_finish(call);
    else
        rpc_dispatch(call);
    return a;
}

void answer_wait(struct answer *a)
{
    pthread_mutex_lock(&mutex);
    while (!a->finished)
        pthread_cond_wait(&finished, &mutex);
    pthread_mutex_unlock(&mutex);
}

struct answer *loopback_ask(struct loopback *l, const char *rpc, const char *who, const char *json)
{
    struct answer *a = loopback_send(l, rpc, who, json);
    answer_wait(a);
    return a;
}

void answer_free(struct answer *a) { arena_free(a->arena); }

enum status_code answer_keep(char *out, size_t size, struct answer *a)
{
    enum status_code code = a->code;
    snprintf(out, size, "%s%s", a->json, a->message);
    answer_free(a);
    return code;
}

const char *answer_text(struct answer *a, const char *key)
{
    const char *at = strstr(a->json, key);
    if (!at)
        return "";
    at += strlen(key);
    return arena_str(a->arena, str_from(at, strcspn(at, "\""))).p;
}

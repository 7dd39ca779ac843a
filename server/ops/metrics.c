/* metrics.c - see metrics.h: the counting. */
#include "server/ops/metrics.h"

#include "core/clock.h"
#include "server/ops/call_notes.h"
#include "server/ops/metrics_internal.h"
#include "server/rpc/rpc.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

const char *const metrics_transports[METRICS_TRANSPORTS] = { "grpc", "rest", "webchannel", "other" };

const struct metrics_outcome_name metrics_outcomes[METRICS_OUTCOMES] = {
    [OUTCOME_RULES_ALLOWED] = { "rules", "allowed" },    [OUTCOME_RULES_DENIED] = { "rules", "denied" },
    [OUTCOME_RULES_ERROR] = { "rules", "error" },        [OUTCOME_IAM_ALLOWED] = { "iam", "allowed" },
    [OUTCOME_IAM_DENIED] = { "iam", "denied" },          [OUTCOME_OWNER] = { "owner", "allowed" },
    [OUTCOME_APPEND_ONLY] = { "append-only", "denied" },
};

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof *m); /* pages that nothing is counted in are never touched */
    assert(rpc_count <= METRICS_RPCS);
    if (!m) {
        fprintf(stderr, "cinderlog: out of memory (metrics); stopping\n");
        abort();
    }
    m->collections = label_set_new(LIMIT_METRIC_COLLECTIONS);
    m->rules = label_set_new(LIMIT_METRIC_RULES);
    m->clients = label_set_new(LIMIT_METRIC_CLIENTS);
    m->faults = label_set_new(LIMIT_METRIC_FAULTS);
    m->started_us = clock_wall_us();
    return m;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    label_set_free(metrics->collections);
    label_set_free(metrics->rules);
    label_set_free(metrics->clients);
    label_set_free(metrics->faults);
    free(metrics);
}

/* ---- counting ---- */

/* Threads are numbered as they come to count; more than there are shards share them, which costs time only.
 */
static struct shard *my_shard(struct metrics *metrics)
{
    static atomic_uint threads;
    static _Thread_local unsigned number; /* from 1; 0: not yet given */
    if (number == 0)
        number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % METRICS_SHARDS + 1;
    return &metrics->shards[number - 1];
}

static void add(metric_count *count)
{
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

/* The collection of a path, with ids of documents wildcarded: "tenants/a/logs/b" counts as "tenants/x/logs"
 * with a star for x. */
static size_t collection_number(struct metrics *metrics, struct str path)
{
    char text[LIMIT_METRIC_LABEL_BYTES];
    size_t n = 0;
    struct str rest = path, collection, document;
    while (path_next(&rest, &collection)) {
        if (n + 2 + collection.n + (n > 0) > sizeof text)
            return 0;
        if (n)
            text[n++] = '/';
        memcpy(text + n, collection.p, collection.n);
        n += collection.n;
        if (!path_next(&rest, &document) || !rest.n)
            break;
        text[n++] = '/';
        text[n++] = '*';
    }
    return label_set_number(metrics->collections, str_from(text, n));
}

/* "firestore.rules:14" */
static size_t rule_number(struct metrics *metrics, const struct call_decision *decision)
{
    char text[LIMIT_METRIC_LABEL_BYTES], digits[10];
    size_t n = decision->file.n, at = sizeof digits;
    uint32_t line = decision->line;
    if (line == 0 || n == 0)
        return label_set_number(metrics->rules, STR("no matching allow"));
    if (n + 1 + sizeof digits > sizeof text)
        return 0;
    for (; line; line /= 10)
        digits[--at] = (char)('0' + line % 10);
    memcpy(text, decision->file.p, n);
    text[n++] = ':';
    memcpy(text + n, digits + at, sizeof digits - at);
    return label_set_number(metrics->rules, str_from(text, n + sizeof digits - at));
}

/* The names in call_decision.by differ in their first letters. */
static enum metrics_outcome outcome_of(const struct call_decision *decision)
{
    bool allowed = decision->verdict == CALL_ALLOWED;
    switch (decision->by ? decision->by[0] : '\0') {
    case 'r':
        return allowed                           ? OUTCOME_RULES_ALLOWED
               : decision->verdict == CALL_ERROR ? OUTCOME_RULES_ERROR
                                                 : OUTCOME_RULES_DENIED;
    case 'i':
        return allowed ? OUTCOME_IAM_ALLOWED : OUTCOME_IAM_DENIED;
    case 'a':
        return OUTCOME_APPEND_ONLY;
    default:
        return OUTCOME_OWNER;
    }
}

void metrics_decision(struct metrics *metrics, const struct call_decision *decision, enum rules_method method,
                      struct str path)
{
    if (!metrics)
        return;
    struct shard *shard = my_shard(metrics);
    enum metrics_outcome outcome = outcome_of(decision);
    add(&shard->collections[collection_number(metrics, path)].decisions[method][outcome]);
    if (outcome <= OUTCOME_RULES_ERROR)
        add(&shard->rule_lines[rule_number(metrics, decision)][outcome - OUTCOME_RULES_ALLOWED]);
}

static void keep_exemplar(struct exemplar *e, const struct call *call)
{
    struct str id = call->request_id;
    /* An id that does not fit is left out: a part of one leads nowhere. */
    if (!id.n || id.n > sizeof e->request_id ||
        atomic_exchange_explicit(&e->busy, true, memory_order_acquire))
        return;
    memcpy(e->request_id, id.p, id.n);
    e->n = (unsigned char)id.n;
    e->value = (uint64_t)call->notes.total_ns;
    e->at_ns = call->started_ns + call->notes.total_ns;
    atomic_store_explicit(&e->busy, false, memory_order_release);
}

static void count_writes(struct metrics *metrics, struct shard *shard, const struct call_notes *notes)
{
    bool guarded = outcome_of(&notes->decision) == OUTCOME_APPEND_ONLY;
    for (size_t i = 0; i < notes->n_writes; i++) {
        const struct call_write *w = &notes->writes[i];
        if (w->operation == STORE_OPERATION_NONE)
            continue;
        struct collection_counts *counts = &shard->collections[collection_number(metrics, w->path)];
        if (w->code == STATUS_OK && w->seq)
            add(&counts->writes[w->operation]);
        else if (guarded && w->code == STATUS_PERMISSION_DENIED && w->operation != STORE_OPERATION_CREATE)
            add(&counts->decisions[w->operation == STORE_OPERATION_DELETE ? RULES_DELETE : RULES_UPDATE]
                                  [OUTCOME_APPEND_ONLY]);
    }
}

static enum metrics_transport transport_of(const struct call_notes *notes)
{
    const char *name = notes->transport;
    return !name                       ? TRANSPORT_OTHER
           : strcmp(name, "grpc") == 0 ? TRANSPORT_GRPC
           : strcmp(name, "rest") == 0 ? TRANSPORT_REST
           : strcmp(name, "webchannel") == 0 ? TRANSPORT_WEBCHANNEL
                                             : TRANSPORT_OTHER;
}

void metrics_call(struct metrics *metrics, const struct call *call)
{
    if (!metrics)
        return;
    const struct call_notes *notes = &call->notes;
    struct shard *shard = my_shard(metrics);
    size_t rpc = (size_t)(call->rpc - rpc_table), code = (size_t)call->status.code;
    assert(rpc < rpc_count && code < METRICS_CODES);
    add(&shard->requests[rpc][transport_of(notes)][code]);
    size_t bucket = histogram_add(&shard->durations[rpc], &histogram_time, (uint64_t)notes->total_ns);
    keep_exemplar(&shard->exemplars[rpc][bucket], call);
    if (notes->rules_ns)
        histogram_add(&shard->rules, &histogram_time, (uint64_t)notes->rules_ns);
    if (notes->commit_ns)
        histogram_add(&shard->commit, &histogram_time, (uint64_t)notes->commit_ns);
    count_writes(metrics, shard, notes);
    if (notes->fault)
        add(&shard->faults[label_set_number(metrics->faults, str_of(notes->fault))]);
}

/* The first product of a user agent: "grpc-python/1.80.0", "curl/7.88.1". */
void metrics_client(struct metrics *metrics, struct str user_agent)
{
    if (!metrics)
        return;
    const char *end = user_agent.n ? memchr(user_agent.p, ' ', user_agent.n) : NULL;
    struct str product = str_from(user_agent.p, end ? (size_t)(end - user_agent.p) : user_agent.n);
    if (!str_is_utf8(product))
        product = STR("not UTF-8");
    add(&my_shard(metrics)->clients[label_set_number(metrics->clients, product)]);
}

void metrics_batch(struct metrics *metrics, const struct store_batch *batch)
{
    if (!metrics)
        return;
    histogram_add(&metrics->sync, &histogram_time, (uint64_t)batch->lasting_ns);
    histogram_add(&metrics->batch_entries, &histogram_sizes, batch->entries);
    atomic_fetch_add_explicit(&metrics->commits, batch->commits, memory_order_relaxed);
    atomic_fetch_add_explicit(&metrics->body_bytes, batch->bytes, memory_order_relaxed);
}

void metrics_event(struct metrics *metrics, enum metrics_event event)
{
    if (metrics)
        add(&my_shard(metrics)->events[event]);
}

/* ---- adding up ---- */

uint64_t metrics_sum(const struct metrics *metrics, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < METRICS_SHARDS; i++) {
        const metric_count *count = (const void *)((const char *)&metrics->shards[i] + offset);
        sum += atomic_load_explicit(count, memory_order_relaxed);
    }
    return sum;
}

void metrics_sum_histogram(struct histogram_sum *out, const struct metrics *metrics, size_t offset)
{
    *out = (struct histogram_sum){ 0 };
    for (size_t i = 0; i < METRICS_SHARDS; i++)
        histogram_read(out, (const void *)((const char *)&metrics->shards[i] + offset));
}

bool metrics_exemplar(struct page_exemplar *out, struct metrics *metrics, size_t rpc, size_t bucket)
{
    int64_t newest = 0, now_ns = clock_mono_ns();
    int64_t now_us = clock_wall_us() - clock_offset_us(); /* the scraper's time, however ours was moved */
    for (size_t i = 0; i < METRICS_SHARDS; i++) {
        struct exemplar *e = &metrics->shards[i].exemplars[rpc][bucket];
        if (atomic_exchange_explicit(&e->busy, true, memory_order_acquire))
            continue;
        if (e->n && e->at_ns > newest) {
            newest = e->at_ns;
            memcpy(out->request_id, e->request_id, e->n);
            out->n = e->n;
            out->value = e->value;
            out->time_us = now_us - (now_ns - e->at_ns) / 1000;
        }
        atomic_store_explicit(&e->busy, false, memory_order_release);
    }
    return newest != 0;
}

/* metrics_table.c - the table of metrics: one row each, with the function that prints its samples. A counter
 * without anything counted is told where it has no label, and left out where it would need one. */
#include "core/clock.h"
#include "server/net/net.h"
#include "server/ops/metrics_internal.h"
#include "server/ops/process_stats.h"
#include "server/ops/summary.h"
#include "server/rpc/rpc.h"
#include "server/server.h"
#include "server/service/listen_hub.h"
#include "server/service/transaction.h"

#include <stddef.h>
#include <sys/stat.h>

/* What the rows print from: looked up once a page. */
struct source {
    struct server *server;
    struct metrics *metrics;
    struct store_info store;
    struct net_stats net;
    struct process_stats process;
};

struct metric {
    const char *name; /* without "_total" */
    enum metric_type type;
    const char *labels; /* as page_label tells them, for who reads this table */
    const char *help;
    void (*print)(struct page *page, const struct source *source);
};

/* ---- requests ---- */

static void print_requests(struct page *page, const struct source *source)
{
    for (size_t rpc = 0; rpc < rpc_count; rpc++)
        for (size_t t = 0; t < METRICS_TRANSPORTS; t++)
            for (size_t code = 0; code < METRICS_CODES; code++) {
                uint64_t n = metrics_sum(source->metrics, offsetof(struct shard, requests[rpc][t][code]));
                if (!n)
                    continue;
                page_sample(page, "_total");
                page_label(page, "rpc", str_of(rpc_table[rpc].name));
                page_label(page, "transport", str_of(metrics_transports[t]));
                page_label(page, "code", str_of(status_name((enum status_code)code)));
                page_uint(page, n);
            }
}

struct of_rpc {
    struct metrics *metrics;
    size_t rpc;
};

static bool find_exemplar(void *data, size_t bucket, struct page_exemplar *out)
{
    const struct of_rpc *of = data;
    return metrics_exemplar(out, of->metrics, of->rpc, bucket);
}

static void print_durations(struct page *page, const struct source *source)
{
    for (size_t rpc = 0; rpc < rpc_count; rpc++) {
        struct histogram_sum sum;
        struct of_rpc of = { source->metrics, rpc };
        struct page_exemplars exemplars = { find_exemplar, &of };
        metrics_sum_histogram(&sum, source->metrics, offsetof(struct shard, durations[rpc]));
        if (histogram_count(&sum))
            page_histogram(page, "rpc", str_of(rpc_table[rpc].name), &histogram_time, &sum, &exemplars);
    }
}

static void print_alone(struct page *page, const struct histogram_scale *scale,
                        const struct histogram_sum *sum)
{
    page_histogram(page, NULL, (struct str){ 0 }, scale, sum, NULL);
}

static void print_rules(struct page *page, const struct source *source)
{
    struct histogram_sum sum;
    metrics_sum_histogram(&sum, source->metrics, offsetof(struct shard, rules));
    print_alone(page, &histogram_time, &sum);
}

static void print_commit(struct page *page, const struct source *source)
{
    struct histogram_sum sum;
    metrics_sum_histogram(&sum, source->metrics, offsetof(struct shard, commit));
    print_alone(page, &histogram_time, &sum);
}

static void print_running(struct page *page, const struct source *source)
{
    page_gauge(page, atomic_load(&source->server->calls));
}

static void print_queued(struct page *page, const struct source *source)
{
    page_gauge(page, pool_queued(source->server->pool));
}

static void print_callers_gone(struct page *page, const struct source *source)
{
    page_counter(page, summary_get(source->server->summary, SUMMARY_CALLER_GONE));
}

/* ---- decisions and writes ---- */

static void print_decisions(struct page *page, const struct source *source)
{
    const struct label_set *collections = source->metrics->collections;
    for (size_t c = 0; c <= label_set_count(collections); c++)
        for (size_t method = 0; method < METRICS_METHODS; method++)
            for (size_t o = 0; o < METRICS_OUTCOMES; o++) {
                uint64_t n =
                    metrics_sum(source->metrics, offsetof(struct shard, collections[c].decisions[method][o]));
                if (!n)
                    continue;
                page_sample(page, "_total");
                page_label(page, "collection", label_set_value(collections, c));
                page_label(page, "method", str_of(rules_method_name((enum rules_method)method)));
                page_label(page, "by", str_of(metrics_outcomes[o].by));
                page_label(page, "verdict", str_of(metrics_outcomes[o].verdict));
                page_uint(page, n);
            }
}

static void print_rule_decisions(struct page *page, const struct source *source)
{
    const struct label_set *rules = source->metrics->rules;
    for (size_t rule = 0; rule <= label_set_count(rules); rule++)
        for (size_t v = 0; v < METRICS_VERDICTS; v++) {
            uint64_t n = metrics_sum(source->metrics, offsetof(struct shard, rule_lines[rule][v]));
            if (!n)
                continue;
            page_sample(page, "_total");
            page_label(page, "rule", label_set_value(rules, rule));
            page_label(page, "verdict", str_of(metrics_outcomes[OUTCOME_RULES_ALLOWED + v].verdict));
            page_uint(page, n);
        }
}

static void print_writes(struct page *page, const struct source *source)
{
    static const char *const operations[] = { "none", "create", "update", "delete" };
    const struct label_set *collections = source->metrics->collections;
    for (size_t c = 0; c <= label_set_count(collections); c++)
        for (size_t o = STORE_OPERATION_CREATE; o <= STORE_OPERATION_DELETE; o++) {
            uint64_t n = metrics_sum(source->metrics, offsetof(struct shard, collections[c].writes[o]));
            if (!n)
                continue;
            page_sample(page, "_total");
            page_label(page, "collection", label_set_value(collections, c));
            page_label(page, "operation", str_of(operations[o]));
            page_uint(page, n);
        }
}

/* ---- the ledger ---- */

static void print_entries(struct page *page, const struct source *source)
{
    page_counter(page, source->store.visible - source->store.entries_at_open);
}

static void print_last_seq(struct page *page, const struct source *source)
{
    page_gauge(page, source->store.visible);
}

static void print_body_bytes(struct page *page, const struct source *source)
{
    page_counter(page, atomic_load_explicit(&source->metrics->body_bytes, memory_order_relaxed));
}

static void print_file_bytes(struct page *page, const struct source *source)
{
    struct stat file;
    if (!source->store.in_memory && stat(source->store.path, &file) == 0)
        page_gauge(page, (uint64_t)file.st_size);
}

static void print_commits(struct page *page, const struct source *source)
{
    page_counter(page, atomic_load_explicit(&source->metrics->commits, memory_order_relaxed));
}

static void print_batches(struct page *page, const struct source *source)
{
    struct histogram_sum sum = { 0 };
    histogram_read(&sum, &source->metrics->batch_entries);
    print_alone(page, &histogram_sizes, &sum);
}

static void print_sync(struct page *page, const struct source *source)
{
    struct histogram_sum sum = { 0 };
    histogram_read(&sum, &source->metrics->sync);
    print_alone(page, &histogram_time, &sum);
}

/* ---- transactions and listeners ---- */

static void print_transactions(struct page *page, const struct source *source)
{
    page_gauge(page, transactions_count(source->server->transactions));
}

static void print_listeners(struct page *page, const struct source *source)
{
    page_gauge(page, listen_hub_watches(source->server->listeners));
}

static uint64_t events(const struct source *source, enum metrics_event event)
{
    return metrics_sum(source->metrics, offsetof(struct shard, events[event]));
}

static void print_lock_waits(struct page *page, const struct source *source)
{
    page_counter(page, events(source, METRICS_LOCK_WAIT));
}

static void print_commit_retries(struct page *page, const struct source *source)
{
    page_counter(page, events(source, METRICS_COMMIT_RETRY));
}

static void print_aborts(struct page *page, const struct source *source)
{
    static const struct {
        enum metrics_event event;
        const char *reason;
    } reasons[] = {
        { METRICS_ABORT_TIMEOUT, "lock timeout" },
        { METRICS_ABORT_DEADLOCK, "deadlock" },
        { METRICS_ABORT_CONTENTION, "contention" },
        { METRICS_ABORT_STALE, "stale read" },
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        page_sample(page, "_total");
        page_label(page, "reason", str_of(reasons[i].reason));
        page_uint(page, events(source, reasons[i].event));
    }
}

/* ---- connections, faults ---- */

static void print_connections(struct page *page, const struct source *source)
{
    page_gauge(page, source->net.open_connections);
}

static void print_opened(struct page *page, const struct source *source)
{
    page_counter(page, source->net.connections);
}

static void print_refused(struct page *page, const struct source *source)
{
    page_counter(page, source->net.refused_connections);
}

static void print_reuse(struct page *page, const struct source *source)
{
    print_alone(page, &histogram_sizes, &source->net.reuse);
}

static void print_by_value(struct page *page, const struct source *source, const char *key,
                           const struct label_set *values, size_t offset)
{
    for (size_t i = 0; i <= label_set_count(values); i++) {
        uint64_t n = metrics_sum(source->metrics, offset + i * sizeof(metric_count));
        if (!n)
            continue;
        page_sample(page, "_total");
        page_label(page, key, label_set_value(values, i));
        page_uint(page, n);
    }
}

static void print_clients(struct page *page, const struct source *source)
{
    print_by_value(page, source, "client", source->metrics->clients, offsetof(struct shard, clients));
}

static void print_faults(struct page *page, const struct source *source)
{
    print_by_value(page, source, "fault", source->metrics->faults, offsetof(struct shard, faults));
}

/* ---- the process ---- */

static void print_build(struct page *page, const struct source *source)
{
    (void)source;
    page_sample(page, "");
    page_label(page, "version", STR(CINDERLOG_VERSION));
    page_uint(page, 1);
}

static void print_resident(struct page *page, const struct source *source)
{
    page_gauge(page, source->process.resident_bytes);
}

static void print_cpu(struct page *page, const struct source *source)
{
    page_sample(page, "_total");
    page_seconds(page, source->process.cpu_ns);
}

static void print_open_fds(struct page *page, const struct source *source)
{
    page_gauge(page, source->process.open_fds);
}

static void print_max_fds(struct page *page, const struct source *source)
{
    page_gauge(page, source->process.max_fds);
}

static void print_started(struct page *page, const struct source *source)
{
    page_sample(page, "");
    page_seconds(page, (uint64_t)source->metrics->started_us * 1000);
}

/* ---- the table ---- */

static const struct metric table[] = {
    { "cinderlog_build_info", METRIC_GAUGE, "version", "Which Cinderlog this is; always 1.", print_build },
    { "cinderlog_requests", METRIC_COUNTER, "rpc, transport, code", "Calls answered, by gRPC status code.",
      print_requests },
    { "cinderlog_request_duration_seconds", METRIC_HISTOGRAM, "rpc",
      "From the request's arrival to its answer.", print_durations },
    { "cinderlog_rules_duration_seconds", METRIC_HISTOGRAM, "",
      "Deciding by rules, look-ups included, in calls that rules decided.", print_rules },
    { "cinderlog_commit_duration_seconds", METRIC_HISTOGRAM, "",
      "From handing a call's writes to the writer until they are in the ledger.", print_commit },
    { "cinderlog_running_calls", METRIC_GAUGE, "", "Calls that are not answered yet.", print_running },
    { "cinderlog_queued_tasks", METRIC_GAUGE, "", "Pieces of work that wait for a worker.", print_queued },
    { "cinderlog_callers_gone", METRIC_COUNTER, "", "Writes whose caller went away before the answer.",
      print_callers_gone },
    { "cinderlog_decisions", METRIC_COUNTER, "collection, method, by, verdict",
      "Decisions about documents and lists, and who made them; owner: nobody was asked.", print_decisions },
    { "cinderlog_rule_decisions", METRIC_COUNTER, "rule, verdict",
      "Decisions by rules, by the allow that granted or the first that was tried.", print_rule_decisions },
    { "cinderlog_writes", METRIC_COUNTER, "collection, operation",
      "Writes of clients that are in the ledger.", print_writes },
    { "cinderlog_ledger_entries", METRIC_COUNTER, "", "Entries appended since the start.", print_entries },
    { "cinderlog_ledger_last_seq", METRIC_GAUGE, "", "Number of the newest entry, earlier runs included.",
      print_last_seq },
    { "cinderlog_ledger_body_bytes", METRIC_COUNTER, "", "Bytes of the documents appended since the start.",
      print_body_bytes },
    { "cinderlog_ledger_file_bytes", METRIC_GAUGE, "", "Size of the ledger file; absent in memory.",
      print_file_bytes },
    { "cinderlog_commits", METRIC_COUNTER, "", "Commits in the ledger since the start.", print_commits },
    { "cinderlog_batch_entries", METRIC_HISTOGRAM, "", "Entries that one transaction of the ledger held.",
      print_batches },
    { "cinderlog_ledger_sync_duration_seconds", METRIC_HISTOGRAM, "",
      "Making a batch lasting: COMMIT of both files, with their fsyncs under --durability power.",
      print_sync },
    { "cinderlog_listeners", METRIC_GAUGE, "", "Targets that Listen streams are kept told about.",
      print_listeners },
    { "cinderlog_transactions", METRIC_GAUGE, "", "Transactions that are open.", print_transactions },
    { "cinderlog_lock_waits", METRIC_COUNTER, "", "Times a write waited for the lock of a transaction.",
      print_lock_waits },
    { "cinderlog_commit_retries", METRIC_COUNTER, "",
      "Times a commit was prepared again, since what it had read was no longer true.", print_commit_retries },
    { "cinderlog_aborts", METRIC_COUNTER, "reason", "Writes answered with ABORTED.", print_aborts },
    { "cinderlog_connections", METRIC_GAUGE, "", "Connections that are open.", print_connections },
    { "cinderlog_connections_opened", METRIC_COUNTER, "", "Connections accepted.", print_opened },
    { "cinderlog_connections_refused", METRIC_COUNTER, "", "Connections above the maximum.", print_refused },
    { "cinderlog_connection_requests", METRIC_HISTOGRAM, "",
      "Requests on each connection that has ended: 1 means a client for each request.", print_reuse },
    { "cinderlog_client_connections", METRIC_COUNTER, "client",
      "Connections that carried calls, by user agent.", print_clients },
    { "cinderlog_faults_injected", METRIC_COUNTER, "fault", "Calls that a fault was injected into.",
      print_faults },
    { "process_resident_memory_bytes", METRIC_GAUGE, "", "Memory in use.", print_resident },
    { "process_cpu_seconds", METRIC_COUNTER, "", "Time on the CPU, user and system.", print_cpu },
    { "process_open_fds", METRIC_GAUGE, "", "File descriptors that are open.", print_open_fds },
    { "process_max_fds", METRIC_GAUGE, "", "The limit on file descriptors.", print_max_fds },
    { "process_start_time_seconds", METRIC_GAUGE, "", "When it started, in seconds since 1970.",
      print_started },
};

const char *const metrics_content_type[] = {
    [METRICS_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
    [METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

bool metrics_print(struct buf *out, struct server *server, enum metrics_format format)
{
    struct page page = { .out = out, .format = format };
    struct source source = { .server = server, .metrics = server->metrics };
    store_get_info(server->store, &source.store);
    if (server->net) /* calls come without one in tests */
        net_get_stats(server->net, &source.net);
    process_stats_read(&source.process);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        page_family(&page, table[i].name, table[i].type, table[i].help);
        table[i].print(&page, &source);
    }
    page_end(&page);
    return !out->overflowed;
}

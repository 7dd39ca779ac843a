/* bench_metrics.c - what counting a request costs, and what telling the counts costs after 1,000,000 requests
 * over 10,000 collections.
 *
 * usage: bench_metrics [REQUESTS]
 * Each request is a create that rules allowed: one decision, one write, all three times, an exemplar. */
#include "core/clock.h"
#include "server/loopback.h"
#include "server/ops/metrics.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLLECTIONS = 10000, PAGES = 20 };

static void count_one(struct metrics *metrics, struct call *call, struct str path, unsigned long i)
{
    struct call_write write = { .operation = STORE_OPERATION_CREATE, .path = path, .seq = i + 1 };
    call->notes.decision = (struct call_decision){
        .verdict = CALL_ALLOWED, .by = "rules", .file = STR("firestore.rules"), .line = 10 + (uint32_t)(i % 7)
    };
    metrics_decision(metrics, &call->notes.decision, RULES_CREATE, path);
    call->notes.writes = &write;
    call->notes.n_writes = 1;
    call->notes.total_ns = 60000 + (int64_t)(i % 50) * 4000;
    metrics_call(metrics, call);
}

static double run(struct metrics *metrics, struct call *call, unsigned long requests, unsigned collections)
{
    char text[64];
    int64_t began = clock_mono_ns(), naming = 0;
    for (unsigned long i = 0; i < requests; i++) {
        int64_t t = clock_mono_ns();
        int n = snprintf(text, sizeof text, "logs_%lu/abcdefghij0123456789", i % collections);
        naming += clock_mono_ns() - t;
        count_one(metrics, call, str_from(text, (size_t)n), i);
    }
    return (double)(clock_mono_ns() - began - naming) / (double)requests;
}

int main(int argc, char **argv)
{
    unsigned long requests = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    struct loopback l;
    struct buf page;
    loopback_open(&l, NULL);
    l.server.metrics = metrics_new();
    struct call *call = call_new(&l.server, rpc_by_name(STR("Commit")));
    call->request_id = STR("7f6d1c1e9a4b4c0d");
    call->notes.transport = "grpc";
    call->notes.rules_ns = 8000;
    call->notes.commit_ns = 40000;
    printf("count one request: %.0f ns in one collection (a reading of the clock included)\n",
           run(l.server.metrics, call, requests, 1));
    printf("                   %.0f ns over %d collections\n",
           run(l.server.metrics, call, requests, COLLECTIONS), COLLECTIONS);
    for (int format = METRICS_PROMETHEUS; format <= METRICS_OPENMETRICS; format++) {
        int64_t best = INT64_MAX;
        buf_init(&page, METRICS_PAGE_MAX);
        for (int i = 0; i < PAGES; i++) {
            int64_t began = clock_mono_ns();
            buf_clear(&page);
            metrics_print(&page, &l.server, (enum metrics_format)format);
            int64_t took = clock_mono_ns() - began;
            best = took < best ? took : best;
        }
        printf("page of %s: %zu KB in %.2f ms\n", format ? "OpenMetrics" : "Prometheus", page.len / 1024,
               (double)best / 1e6);
        buf_dispose(&page);
    }
    call_free(call);
    metrics_free(l.server.metrics);
    loopback_close(&l);
    return 0;
}

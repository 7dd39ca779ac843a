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
#include <time.h>

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

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double run(struct metrics *metrics, struct call *call, unsigned long requests, unsigned collections)
{
    struct arena *arena = arena_new();
    struct str *paths = ARENA_ARRAY(arena, struct str, collections);
    for (unsigned i = 0; i < collections; i++)
        paths[i] = str_of(arena_printf(arena, "logs_%u/abcdefghij0123456789", i));
    int64_t began = cpu_ns();
    for (unsigned long i = 0; i < requests; i++)
        count_one(metrics, call, paths[i % collections], i);
    double each = (double)(cpu_ns() - began) / (double)requests;
    arena_free(arena);
    return each;
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
    printf("count one request: %.0f ns of CPU in one collection\n", run(l.server.metrics, call, requests, 1));
    printf("                   %.0f ns of CPU over %d collections\n",
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

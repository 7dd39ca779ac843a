/* bench_store.c - what the ledger costs: appends by 64 submitters, point reads at the newest and at an old
 * view.
 *
 *     bench_store [ENTRIES] [DIRECTORY|:memory:] [process|power] [quick]
 *
 * One line per figure. Reads go to random documents, so page caches are as cold as they are in use. */
#include "core/clock.h"
#include "storage/storage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { SUBMITTERS = 64, READS = 200000, BODY = 400 };

static const struct database_name db = { STR_INIT("demo-p"), STR_INIT("(default)") };

struct submitter {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
    struct store *store;
    uint64_t first, n;
};

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Ids spread as auto ids do. */
static struct str path_of(char out[64], uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    int n = snprintf(out, 64, "api_audit_logs/%016llx%04llx", (unsigned long long)z,
                     (unsigned long long)(i & 0xffff));
    return str_from(out, (size_t)n);
}

static void on_done(struct store_commit *c)
{
    struct submitter *s = c->user;
    pthread_mutex_lock(&s->mutex);
    s->done = true;
    pthread_cond_signal(&s->cond);
    pthread_mutex_unlock(&s->mutex);
}

static void *submit(void *data)
{
    struct submitter *s = data;
    char body[BODY], path[64];
    memset(body, 'x', sizeof body);
    for (uint64_t i = s->first; i < s->first + s->n; i++) {
        struct store_op op = { .kind = STORE_PUT,
                               .path = path_of(path, i),
                               .fields = { body, sizeof body },
                               .decision = STR("rules:14:9") };
        struct store_dep dep = { .path = op.path };
        struct store_commit c = { .db = db,
                                  .ops = &op,
                                  .n_ops = 1,
                                  .deps = &dep,
                                  .n_deps = 1,
                                  .principal = STR("user:svc"),
                                  .request_id = STR("4f1c2d3e"),
                                  .done = on_done,
                                  .user = s,
                                  .status = status_init(NULL) };
        s->done = false;
        store_submit(s->store, &c);
        pthread_mutex_lock(&s->mutex);
        while (!s->done)
            pthread_cond_wait(&s->cond, &s->mutex);
        pthread_mutex_unlock(&s->mutex);
        if (c.status.code) {
            fprintf(stderr, "commit: %s\n", status_message(&c.status));
            exit(1);
        }
    }
    return NULL;
}

static void append(struct store *store, uint64_t entries)
{
    static struct submitter s[SUBMITTERS];
    pthread_t threads[SUBMITTERS];
    struct store_info before, after;
    store_get_info(store, &before);
    double cpu = cpu_us();
    int64_t start = clock_mono_ns();
    for (size_t i = 0; i < SUBMITTERS; i++) {
        s[i] = (struct submitter){ PTHREAD_MUTEX_INITIALIZER,
                                   PTHREAD_COND_INITIALIZER,
                                   false,
                                   store,
                                   before.visible + i * (entries / SUBMITTERS),
                                   entries / SUBMITTERS };
        pthread_create(&threads[i], NULL, submit, &s[i]);
    }
    for (size_t i = 0; i < SUBMITTERS; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(clock_mono_ns() - start) / 1e9, n = (double)(entries / SUBMITTERS * SUBMITTERS);
    store_get_info(store, &after);
    printf("append  %8.0f entries  %7.0f/s  %6.2f us CPU each (threads included)  %.1f entries a batch\n", n,
           n / seconds, (cpu_us() - cpu) / n, n / (double)(after.batches - before.batches));
}

/* The same without 64 threads: what the writer itself costs. */
static uint64_t pending;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void on_counted(struct store_commit *c)
{
    (void)c;
    pthread_mutex_lock(&mutex);
    if (--pending == 0)
        pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
}

static void append_bare(struct store *store, uint64_t rounds, size_t batch)
{
    struct store_info before, after;
    static char body[BODY];
    struct store_commit *c = calloc(batch, sizeof *c);
    struct store_op *op = calloc(batch, sizeof *op);
    struct store_dep *dep = calloc(batch, sizeof *dep);
    char(*path)[64] = calloc(batch, sizeof *path);
    store_get_info(store, &before);
    double cpu = cpu_us();
    int64_t start = clock_mono_ns();
    uint64_t at = before.visible;
    for (uint64_t r = 0; r < rounds; r++) {
        pending = batch;
        for (size_t i = 0; i < batch; i++) {
            op[i] = (struct store_op){ .kind = STORE_PUT,
                                       .path = path_of(path[i], at++),
                                       .fields = { body, sizeof body },
                                       .decision = STR("rules:14:9") };
            dep[i] = (struct store_dep){ .path = op[i].path };
            c[i] = (struct store_commit){ .db = db,
                                          .ops = &op[i],
                                          .n_ops = 1,
                                          .deps = &dep[i],
                                          .n_deps = 1,
                                          .principal = STR("user:svc"),
                                          .request_id = STR("4f1c2d3e"),
                                          .done = on_counted,
                                          .status = status_init(NULL) };
        }
        for (size_t i = 0; i < batch; i++)
            store_submit(store, &c[i]);
        pthread_mutex_lock(&mutex);
        while (pending)
            pthread_cond_wait(&cond, &mutex);
        pthread_mutex_unlock(&mutex);
    }
    double seconds = (double)(clock_mono_ns() - start) / 1e9, n = (double)(rounds * batch);
    store_get_info(store, &after);
    printf(
        "append  %8.0f entries  %7.0f/s  %6.2f us CPU each (one thread, %zu at once)  %.1f entries a batch\n",
        n, n / seconds, (cpu_us() - cpu) / n, batch, n / (double)(after.batches - before.batches));
    free(c);
    free(op);
    free(dep);
    free(path);
}

static void read_at(struct store *store, uint64_t view, const char *what)
{
    struct store_reader *reader;
    struct status st = status_init(NULL);
    struct arena *arena = arena_new();
    struct store_document doc;
    char path[64];
    if (store_reader_open(&reader, store, &st))
        exit(1);
    uint64_t seed = 7, found = 0;
    double cpu = cpu_us();
    int64_t start = clock_mono_ns();
    for (int i = 0; i < READS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (store_get(reader, view, db, path_of(path, (seed >> 20) % view), arena, &doc, &st)) {
            fprintf(stderr, "get: %s\n", status_message(&st));
            exit(1);
        }
        found += doc.exists;
        arena_reset(arena);
    }
    printf("get     %8d %s  %6.2f us each, %6.2f us CPU  (%.0f%% exist)\n", READS, what,
           (double)(clock_mono_ns() - start) / 1e3 / READS, (cpu_us() - cpu) / READS,
           100.0 * (double)found / READS);
    store_reader_close(reader);
    arena_free(arena);
}

static void scan(struct store *store)
{
    struct store_reader *reader;
    struct status st = status_init(NULL);
    struct arena *arena = arena_new();
    struct store_scan *s;
    struct store_scan_range range = { .collection_id = STR("api_audit_logs") };
    struct store_document doc;
    struct timestamp now;
    struct str path;
    uint64_t n = 0;
    if (store_reader_open(&reader, store, &st) ||
        store_scan_open(&s, reader, store_view_now(store, &now), db, &range, &st))
        exit(1);
    double cpu = cpu_us();
    while (store_scan_next(s, arena, &path, &doc, &st) == STATUS_OK && path.n) {
        n++;
        arena_reset(arena);
    }
    printf("scan    %8llu documents  %6.2f us CPU each\n", (unsigned long long)n,
           (cpu_us() - cpu) / (double)n);
    store_scan_close(s);
    store_reader_close(reader);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    struct store_options options = { .data = argc > 2 ? argv[2] : ":memory:" };
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct store *store;
    options.durability =
        argc > 3 && strcmp(argv[3], "power") == 0 ? STORE_DURABILITY_POWER : STORE_DURABILITY_PROCESS;
    if (store_open(&store, &options, &st)) {
        fprintf(stderr, "open: %s\n", status_message(&st));
        return 1;
    }
    struct store_info info;
    append(store, entries / 5);
    append_bare(store, 2000, 1);
    append_bare(store, entries / 5 / 64, 64);
    append_bare(store, entries / 5 * 3 / 256, 256);
    store_get_info(store, &info);
    read_at(store, info.visible, "at the newest view");
    read_at(store, info.visible / 2, "at an old view   ");
    if (argc > 4) { /* quick: appends and point reads only */
        store_close(store);
        return 0;
    }
    scan(store);
    append(store, 64 * 200);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("rss     %8ld kB at most\n", u.ru_maxrss);
    int64_t start = clock_mono_ns();
    store_close(store);
    printf("close   %8.0f ms\n", (double)(clock_mono_ns() - start) / 1e6);
    if (strcmp(options.data, ":memory:") != 0) {
        start = clock_mono_ns();
        if (store_open(&store, &options, &st))
            return 1;
        printf("open    %8.1f ms\n", (double)(clock_mono_ns() - start) / 1e6);
        store_close(store);
        struct store_verify_options verify = { .data = options.data };
        struct store_verify_report report;
        start = clock_mono_ns();
        store_verify(&verify, arena, &report, &st);
        printf("verify  %8.0f ms  %s%s\n", (double)(clock_mono_ns() - start) / 1e6,
               report.intact ? "intact" : "NOT intact: ", report.what ? report.what : "");
    }
    arena_free(arena);
    return 0;
}

/* bench_codec.c - nanoseconds per decode and encode of a document with ten fields, in both encodings.
 *
 *   build/release/tests/bench/bench_codec [rounds]
 *
 * The document is an audit-log entry as the fixtures have it. CPU time of one thread; the best of five runs
 * is printed, because neighbours on the machine only ever add. */
#include "core/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char sample[] = "{\"name\":\"projects/demo-p/databases/(default)/documents/api_audit_logs/"
                             "0123456789abcdefghij\",\"fields\":{"
                             "\"duration_ms\":{\"doubleValue\":12.625},"
                             "\"endpoint\":{\"stringValue\":\"/v1/customers/4711/orders\"},"
                             "\"error\":{\"nullValue\":null},"
                             "\"firestore_path\":{\"stringValue\":\"tenants/t1/customers/4711\"},"
                             "\"method\":{\"stringValue\":\"POST\"},"
                             "\"request_id\":{\"stringValue\":\"7f3c9a52-4c0e-4a55-8d3e-3f6f6f3b9a11\"},"
                             "\"status_code\":{\"integerValue\":\"201\"},"
                             "\"success\":{\"booleanValue\":true},"
                             "\"timestamp\":{\"timestampValue\":\"2026-11-24T05:44:37.897795Z\"},"
                             "\"user_id\":{\"stringValue\":\"u-1234567\"}}}";

struct job {
    struct arena *arena;
    struct document document, raw;
    struct buf protobuf, json, out;
};

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_codec: %s failed\n", what);
        exit(1);
    }
}

static void decode_protobuf(struct job *job)
{
    struct document document = { 0 };
    struct status st = status_init(job->arena);
    check(protobuf_decode(&document, SCHEMA(document), job->arena, buf_view(&job->protobuf), &st) ==
              STATUS_OK,
          "decode");
    arena_reset(job->arena);
}

static void encode_protobuf(struct job *job)
{
    buf_clear(&job->out);
    check(protobuf_encode(&job->out, SCHEMA(document), &job->document), "encode");
}

static void decode_json(struct job *job)
{
    struct document document = { 0 };
    struct status st = status_init(job->arena);
    check(protojson_decode(&document, SCHEMA(document), job->arena, buf_view(&job->json), &st) == STATUS_OK,
          "decode");
    arena_reset(job->arena);
}

static void encode_json(struct job *job)
{
    buf_clear(&job->out);
    check(protojson_encode(&job->out, SCHEMA(document), &job->document, 0), "encode");
}

static void transcode_json(struct job *job)
{
    buf_clear(&job->out);
    check(protojson_encode(&job->out, SCHEMA(document), &job->raw, 0), "transcode");
}

static void splice_protobuf(struct job *job)
{
    buf_clear(&job->out);
    check(protobuf_encode(&job->out, SCHEMA(document), &job->raw), "splice");
}

static int64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void measure(const char *name, void (*run)(struct job *job), struct job *job, long rounds)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        int64_t start = cpu_ns();
        for (long n = 0; n < rounds; n++)
            run(job);
        int64_t took = cpu_ns() - start;
        if (took < best)
            best = took;
    }
    double ns = (double)best / (double)rounds;
    printf("%-28s %8.0f ns %8.2f M/s\n", name, ns, 1e3 / ns);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
    struct job job = { .arena = arena_new() };
    struct arena *keep = arena_new();
    struct status st = status_init(keep);
    struct buf fields;
    buf_init(&job.protobuf, 1 << 20);
    buf_init(&job.json, 1 << 20);
    buf_init(&job.out, 1 << 20);
    buf_init(&fields, 1 << 20);
    check(protojson_decode(&job.document, SCHEMA(document), keep, str_of(sample), &st) == STATUS_OK,
          "sample");
    check(protobuf_encode(&job.protobuf, SCHEMA(document), &job.document), "sample");
    check(protojson_encode(&job.json, SCHEMA(document), &job.document, 0), "sample");
    check(protobuf_encode_fields(&fields, &job.document.fields), "sample");
    job.raw = job.document;
    job.raw.fields = (struct value_map){ 0 };
    job.raw.fields_raw = buf_view(&fields);
    printf("10 fields, %zu bytes of protobuf, %zu bytes of JSON\n", job.protobuf.len, job.json.len);
    measure("protobuf decode", decode_protobuf, &job, rounds);
    measure("protobuf encode", encode_protobuf, &job, rounds);
    measure("protobuf splice (raw)", splice_protobuf, &job, rounds);
    measure("JSON decode", decode_json, &job, rounds);
    measure("JSON encode", encode_json, &job, rounds);
    measure("JSON from raw fields", transcode_json, &job, rounds);
    buf_dispose(&job.protobuf);
    buf_dispose(&job.json);
    buf_dispose(&job.out);
    buf_dispose(&fields);
    arena_free(keep);
    arena_free(job.arena);
    return 0;
}

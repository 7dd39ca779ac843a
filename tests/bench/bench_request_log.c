/* bench_request_log.c - CPU of the request log for each call: making the record, and getting it on the file.
 *
 * usage: bench_request_log FILE     FILE is written, and removed */
#include "core/messages.h"
#include "server/ops/request_log.h"
#include "server/rpc/rpc.h"
#include "server/server.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 200000 };

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fill(struct call *call)
{
    static const unsigned char digest[32] = { 1, 2, 3 };
    static const struct call_write write = { .operation = STORE_OPERATION_CREATE,
                                             .path = STR_INIT("api_audit_logs/7QxLr2mVt0aBcDeFgHiJ"),
                                             .seq = 123456 };
    bool writes = call->rpc->writes;
    call->request_id = STR("7f6d1c1e9a4b4c0d");
    call->principal = (struct principal){ .kind = PRINCIPAL_USER, .has_uid = true, .uid = STR("svc") };
    call->notes = (struct call_notes){
        .decision = { .verdict = CALL_ALLOWED,
                      .by = "rules",
                      .file = STR("fixtures/rules/audit_log.rules"),
                      .line = 14,
                      .column = 9,
                      .digest = digest },
        .rules_ns = 6000,
        .commit_ns = writes ? 310000 : 0,
        .total_ns = 420000,
        .request_bytes = 400,
        .response_bytes = 700,
        .first_seq = writes ? 123456 : 0,
        .last_seq = writes ? 123456 : 0,
        .writes = &write,
        .n_writes = writes,
        .transport = "grpc",
        .peer = STR("127.0.0.1:53122"),
        .user_agent = STR("grpc-python/1.62.1 grpc-c/39.0.0 (linux; chttp2)"),
        .connection = 42,
    };
}

/* One flush for `batch` calls; 0: nobody waits for the lines. */
static void run(struct request_log *log, struct call *call, const char *what, unsigned batch)
{
    double before = cpu_us();
    for (unsigned i = 0; i < CALLS; i++) {
        request_log_add(log, call);
        if (batch && i % batch == 0)
            request_log_flush(log);
    }
    request_log_flush(log);
    printf("%-44s %5.2f us CPU a call\n", what, (cpu_us() - before) / CALLS);
}

int main(int argc, char **argv)
{
    struct options options = { .request_log = argc > 1 ? argv[1] : "requests.ndjson" };
    struct server server = { .options = &options };
    struct status st = status_init(NULL);
    struct request_log *log;
    if (request_log_open(&log, &options, &st)) {
        fprintf(stderr, "%s\n", status_message(&st));
        return 1;
    }
    struct call *create = call_new(&server, rpc_by_name(STR("CreateDocument")));
    struct call *get = call_new(&server, rpc_by_name(STR("GetDocument")));
    fill(create);
    fill(get);
    ((struct msg_create_document_request *)create->request)->parent =
        STR("projects/bench/databases/(default)/documents");
    ((struct msg_get_document_request *)get->request)->name =
        STR("projects/bench/databases/(default)/documents/api_audit_logs/7QxLr2mVt0aBcDeFgHiJ");
    run(log, get, "a get", 0);
    run(log, create, "a create, 20 in a batch", 20);
    run(log, create, "a create, 4 in a batch", 4);
    run(log, create, "a create alone", 1);
    request_log_close(log);
    call_free(create);
    call_free(get);
    unlink(options.request_log);
    return 0;
}

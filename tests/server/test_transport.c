/* test_transport.c - both transports over real sockets with RPCs of the test's own: what a request becomes,
 * what an answer looks like, who may ask, and what happens when a client goes away or its time is up.
 *
 * The document's id says what GetDocument does; RunQuery sends as many documents as its limit says. The
 * tables rpc_table and control_routes are the test's. */
#include "server/h2_client.h"
#include "server/net_harness.h"

#include "core/codec.h"
#include "core/limits.h"
#include "server/control/control.h"
#include "server/rpc/rpc.h"
#include "server/server.h"
#include "server/transport/frame.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROOT "projects/*/databases/*/documents"
#define D "/v1/projects/p/databases/(default)/documents"
#define NAME "projects/p/databases/(default)/documents"

/* ---- the RPCs ---- */

static atomic_int cancelled, parked, dones;

static struct document *named(struct call *call, struct str name)
{
    struct document *d = ARENA_NEW(call->arena, struct document);
    d->name = name;
    return d;
}

static enum rpc_flow wait_for_end(struct call *call)
{
    if (!call_over(call)) {
        pool_post_later(call->server->pool, &call->task, 5);
        return RPC_PARKED;
    }
    atomic_fetch_add(call->status.code == STATUS_CANCELLED ? &cancelled : &dones, 1);
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow park(struct call *call)
{
    call->step = wait_for_end;
    atomic_fetch_add(&parked, 1);
    pool_post_later(call->server->pool, &call->task, 5);
    return RPC_PARKED;
}

static enum rpc_flow run_get(struct call *call)
{
    const struct msg_get_document_request *m = call->request;
    struct str name = m->name;
    const char *slash = name.n ? memrchr(name.p, '/', name.n) : NULL;
    struct str id = slash ? str_skip(name, (size_t)(slash + 1 - name.p)) : name;
    if (str_eq_z(id, "missing"))
        return call_fail(call, STATUS_NOT_FOUND, "Document (" STR_FMT ") not found.", STR_ARG(name));
    if (str_eq_z(id, "denied")) {
        static struct status_fact facts[] = { { "line", STR_INIT("9") }, { "file", STR_INIT("a\"b") } };
        static struct status_detail detail = { "RULES_DENIED", 2, facts, NULL, 0 };
        status_set(&call->status, STATUS_PERMISSION_DENIED, "\nfalse for 'get' @ L9");
        call->status.details = &detail;
        call_finish(call);
        return RPC_DONE;
    }
    if (str_eq_z(id, "park"))
        return park(call);
    struct document *d = named(call, name);
    struct field field = { STR("who"), { .kind = VALUE_STRING, .text = call->principal.label } };
    if (m->mask && m->mask->field_paths.n)
        field.name = m->mask->field_paths.items[m->mask->field_paths.n - 1];
    if (str_eq_z(id, "request_id"))
        field.value.text = call->request_id;
    d->fields = (struct value_map){ &field, 1 };
    call_send(call, d);
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow run_list(struct call *call)
{
    const struct msg_list_documents_request *m = call->request;
    struct msg_list_documents_response answer = { 0 };
    answer.next_page_token =
        str_of(arena_printf(call->arena, STR_FMT "|" STR_FMT "|%d|%d", STR_ARG(m->parent),
                            STR_ARG(m->collection_id), m->page_size, m->show_missing));
    call_send(call, &answer);
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow run_create(struct call *call)
{
    const struct msg_create_document_request *m = call->request;
    struct document *d =
        named(call, str_of(arena_printf(call->arena, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(m->parent),
                                        STR_ARG(m->collection_id), STR_ARG(m->document_id))));
    d->fields = m->document ? m->document->fields : d->fields;
    call_send(call, d);
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow run_update(struct call *call)
{
    const struct msg_update_document_request *m = call->request;
    call_send(call, m->document);
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow run_commit(struct call *call)
{
    const struct msg_commit_request *m = call->request;
    if (!str_eq_z(m->database, "projects/p/databases/(default)"))
        return call_fail(call, STATUS_INVALID_ARGUMENT, "database is " STR_FMT, STR_ARG(m->database));
    call_send(call, &(struct msg_commit_response){ 0 });
    call_finish(call);
    return RPC_DONE;
}

static enum rpc_flow run_nothing(struct call *call)
{
    call_finish(call);
    return RPC_DONE;
}

struct sending {
    int64_t left, fail_after;
    struct str bytes;
};

static enum rpc_flow send_more(struct call *call)
{
    struct sending *s = call->state;
    while (s->left > 0) {
        if (call_over(call)) {
            atomic_fetch_add(call->status.code == STATUS_CANCELLED ? &cancelled : &dones, 1);
            call_finish(call);
            return RPC_DONE;
        }
        if (call_congested(call)) {
            atomic_fetch_add(&parked, 1);
            return call_park(call, send_more);
        }
        if (s->fail_after-- == 0)
            return call_fail(call, STATUS_ABORTED, "in the middle");
        struct field field = { STR("f"), { .kind = VALUE_STRING, .text = s->bytes } };
        struct document d = { .name = STR("n"), .fields = { &field, 1 } };
        s->left--;
        call_send(call, &(struct msg_run_query_response){ .document = &d,
                                                          .done = s->left == 0,
                                                          .continuation_case = s->left == 0 ? 6 : 0 });
    }
    call_finish(call);
    return RPC_DONE;
}

/* limit: how many; offset: bytes in each; transaction "fail": an error after half of them. */
static enum rpc_flow run_query(struct call *call)
{
    const struct msg_run_query_request *m = call->request;
    struct sending *s = ARENA_NEW(call->arena, struct sending);
    s->left = m->structured_query ? m->structured_query->limit.value : 0;
    s->fail_after = m->consistency_case == 5 ? s->left / 2 : -1;
    s->bytes.n = m->structured_query ? (size_t)m->structured_query->offset : 0;
    s->bytes.p = memset(arena_alloc(call->arena, s->bytes.n), 'x', s->bytes.n);
    call->state = s;
    return send_more(call);
}

const struct rpc rpc_table[] = {
    { "GetDocument", "GET", "/v1/{name=" ROOT "/*/**}", NULL, NULL, RPC_UNARY, SCHEMA(get_document_request),
      SCHEMA(document), run_get, "get", false },
    { "ListDocuments", "GET", "/v1/{parent=" ROOT "/*/**}/{collection_id}",
      "/v1/{parent=" ROOT "}/{collection_id}", NULL, RPC_UNARY, SCHEMA(list_documents_request),
      SCHEMA(list_documents_response), run_list, "list", false },
    { "CreateDocument", "POST", "/v1/{parent=" ROOT "/**}/{collection_id}", NULL, "document", RPC_UNARY,
      SCHEMA(create_document_request), SCHEMA(document), run_create, "create", true },
    { "UpdateDocument", "PATCH", "/v1/{document.name=" ROOT "/*/**}", NULL, "document", RPC_UNARY,
      SCHEMA(update_document_request), SCHEMA(document), run_update, "update", true },
    { "DeleteDocument", "DELETE", "/v1/{name=" ROOT "/*/**}", NULL, NULL, RPC_UNARY,
      SCHEMA(delete_document_request), SCHEMA(empty), run_nothing, "delete", true },
    { "Commit", "POST", "/v1/{database=projects/*/databases/*}/documents:commit", NULL, "*", RPC_UNARY,
      SCHEMA(commit_request), SCHEMA(commit_response), run_commit, "write", true },
    { "RunQuery", "POST", "/v1/{parent=" ROOT "}:runQuery", "/v1/{parent=" ROOT "/*/**}:runQuery", "*",
      RPC_SERVER_STREAM, SCHEMA(run_query_request), SCHEMA(run_query_response), run_query, "list", false },
    { "PartitionQuery", "POST", "/v1/{parent=" ROOT "}:partitionQuery", NULL, "*", RPC_UNARY,
      SCHEMA(partition_query_request), SCHEMA(partition_query_response), NULL, "list", false },
    { "Listen", NULL, NULL, NULL, NULL, RPC_BIDI, SCHEMA(listen_request), SCHEMA(listen_response), NULL, "list", false },
};
const size_t rpc_count = sizeof rpc_table / sizeof rpc_table[0];

const struct rpc *rpc_by_name(struct str name)
{
    for (size_t i = 0; i < rpc_count; i++)
        if (str_eq_z(name, rpc_table[i].name))
            return &rpc_table[i];
    return NULL;
}

/* ---- control routes ---- */

static void route_root(struct http_call *call)
{
    http_reply_text(call, 200, "Ok\n");
}

static void route_params(struct http_call *call)
{
    struct buf out;
    buf_init(&out, 1024);
    buf_printf(&out, STR_FMT "|" STR_FMT "|" STR_FMT "|%d", STR_ARG(http_param(call, 0)),
               STR_ARG(http_query(call, "q")), STR_ARG(call->body), call->worker != NULL);
    http_reply_json(call, 200, &out);
}

struct later {
    struct task task;
    struct http_call *call;
};

static void answer_later(struct task *task, struct worker *worker)
{
    struct later *later = (struct later *)task;
    struct status st = status_init(NULL);
    (void)worker;
    status_set(&st, STATUS_FAILED_PRECONDITION, "later");
    http_reply_status(later->call, &st);
    http_call_free(later->call);
}

static void route_kept(struct http_call *call)
{
    struct later *later = ARENA_NEW(call->arena, struct later);
    later->task.run = answer_later;
    later->call = call;
    http_call_keep(call);
    pool_post_later(call->server->pool, &later->task, 1);
}

const struct http_route control_routes[] = {
    { "GET", "/", route_root, true },
    { "GET", "/healthz", control_health, true }, /* these two are the real ones */
    { "GET", "/readyz", control_ready, true },
    { "PUT", "/emulator/v1/projects/*:securityRules", route_params, false },
    { "POST", "/kept", route_kept, false },
};
const size_t control_route_count = sizeof control_routes / sizeof control_routes[0];

/* ---- the server ---- */

static struct {
    struct server server;
    struct options options;
    struct owner_policy policy;
    struct transport *transport;
    struct net_listener listener;
    pthread_t loop;
    struct harness dialer;
} t;
static const struct str origins[] = { STR_INIT("https://app.example:8443") };
static const struct str hosts[] = { STR_INIT("cinderlog"), STR_INIT("other:99") };

static void *serve(void *data)
{
    net_run(data, 3000);
    return NULL;
}

/* A server that is still opening its store: sockets and loop, nothing else. */
static int open_starting(void **state)
{
    struct status st = status_init(NULL);
    (void)state;
    memset(&t, 0, sizeof t);
    atomic_store(&cancelled, 0);
    atomic_store(&parked, 0);
    atomic_store(&dones, 0);
    t.policy.iam = IAM_ALL;
    t.server.options = &t.options;
    t.server.policies = &t.policy;
    t.server.n_policies = 1;
    struct transport_options to = {
        .server = &t.server,
        .allow_origin = origins,
        .n_allow_origin = 1,
        .allow_host = hosts,
        .n_allow_host = 2,
        .bind_host = "127.0.0.1",
        .policies = &t.policy,
        .n_policies = 1,
    };
    t.transport = transport_new(&to);
    t.listener = (struct net_listener){ .host = "127.0.0.1" };
    struct net_options no = { .listeners = &t.listener,
                              .n_listeners = 1,
                              .max_body = TRANSPORT_MAX_BODY,
                              .handler = transport_handler(t.transport) };
    if (net_open(&t.server.net, &no, &st))
        fail_msg("%s", status_message(&st));
    t.dialer.listener = t.listener;
    return pthread_create(&t.loop, NULL, serve, t.server.net);
}

static void become_ready(void)
{
    struct status st = status_init(NULL);
    assert_int_equal(pool_open(&t.server.pool, 2, NULL, &st), STATUS_OK);
    readiness_done(&t.server.readiness);
    transport_ready(t.transport);
}

static int open_server(void **state)
{
    int failed = open_starting(state);
    become_ready();
    return failed;
}

static int close_server(void **state)
{
    (void)state;
    net_stop(t.server.net);
    pthread_join(t.loop, NULL);
    pool_close(t.server.pool);
    net_close(t.server.net);
    transport_free(t.transport);
    assert_int_equal(atomic_load(&t.server.calls), 0);
    return 0;
}

/* ---- REST ---- */

static char answer[64 * 1024 * 1024];

/* Sends the request line, Host, `headers` (each with its CRLF) and the body; returns the status. The whole
 * answer, head included, is in `answer`. */
static int ask(const char *line, const char *headers, const char *body)
{
    struct buf out;
    int fd = dial(&t.dialer), status = 0;
    buf_init(&out, 16 * 1024 * 1024);
    buf_printf(&out, "%s HTTP/1.1\r\n%s%sconnection: close\r\ncontent-length: %zu\r\n\r\n", line,
               strstr(headers, "Host:") ? "" : "Host: localhost\r\n", headers, strlen(body));
    buf_z(&out, body);
    send_all(fd, out.data, out.len);
    buf_dispose(&out);
    read_to_end(fd, answer, sizeof answer);
    close(fd);
    sscanf(answer, "HTTP/1.1 %d", &status);
    return status;
}

static const char *body_of_answer(void)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

static void expect_rest(const char *line, const char *request, int status, const char *want)
{
    int got = ask(line, "", request);
    if (got != status || strcmp(body_of_answer(), want) != 0)
        fail_msg("%s: %d\n%s\nwant %d\n%s", line, got, body_of_answer(), status, want);
}

static void a_document_is_got_pretty_printed(void **state)
{
    (void)state;
    expect_rest("GET " D "/c/a", "", 200,
                "{\n  \"name\": \"" NAME
                "/c/a\",\n  \"fields\": {\n    \"who\": {\n      \"stringValue\": \"anonymous\"\n"
                "    }\n  }\n}\n");
    assert_non_null(strstr(answer, "\r\ncontent-type: application/json\r\n"));
    assert_null(strstr(answer, "\r\nDate:"));
    assert_null(strstr(answer, "access-control"));
}

static void the_number_of_ids_tells_get_from_list(void **state)
{
    (void)state;
    expect_rest("GET " D "/c?pageSize=7&show_missing=true&bogus=1&key=k", "", 200,
                "{\n  \"nextPageToken\": \"" NAME "|c|7|1\"\n}\n");
    expect_rest("GET " D "/c/d/e", "", 200, "{\n  \"nextPageToken\": \"" NAME "/c/d|e|0|0\"\n}\n");
    ask("GET " D "/c/d/e/f?mask.fieldPaths=x&mask.field_paths=y", "", "");
    assert_non_null(strstr(answer, "\"" NAME "/c/d/e/f\""));
    assert_non_null(strstr(answer, "\"y\": {"));
    ask("GET /v1beta1/projects/p/databases/%28default%29/documents/c/run%3ArunQuery", "", "");
    assert_non_null(strstr(answer, "\"" NAME "/c/run:runQuery\""));
}

static void unknown_paths_and_methods_are_not_found(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "GET /nothing",
        "POST /",
        "PUT " D "/c/a",
        "GET " D,
        "GET /v2/x",
        "GET /v1/x",
        "POST " D ":bogus",
        "POST /v1/projects/p/databases/d:commit",
        "GET " D ":commit",
        "POST " D ":listen",
        "HEAD /",
        "GET /v1beta2/projects/p/databases/d/documents/c/a",
        "POST /google.firestore.v1.Firestore/Commit",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (ask(lines[i], "", "") != 404)
            fail_msg("%s: %s", lines[i], answer);
        if (strncmp(lines[i], "HEAD", 4) != 0)
            assert_string_equal(body_of_answer(), "Not Found\n");
        assert_null(strstr(answer, "ontent-type"));
    }
}

static void errors_are_one_line_with_details(void **state)
{
    (void)state;
    expect_rest("GET " D "/c/missing", "", 404,
                "{\"error\":{\"code\":404,\"message\":\"Document (" NAME
                "/c/missing) not found.\",\"status\":\"NOT_FOUND\"}}");
    expect_rest(
        "GET " D "/c/denied", "", 403,
        "{\"error\":{\"code\":403,\"message\":\"\\nfalse for 'get' @ "
        "L9\",\"status\":\"PERMISSION_DENIED\",\"details\":"
        "[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"RULES_DENIED\",\"domain\":\""
        "cinderlog.dev\",\"metadata\":{\"line\":\"9\",\"file\":\"a\\\"b\"}}]}}");
}

static void bodies_bind_to_a_field_or_to_all(void **state)
{
    (void)state;
    expect_rest("POST " D "/c?documentId=new", "{\"fields\":{\"a\":{\"integerValue\":\"1\"}}}", 200,
                "{\n  \"name\": \"" NAME
                "/c/new\",\n  \"fields\": {\n    \"a\": {\n      \"integerValue\": \"1\"\n    }\n  }\n}\n");
    expect_rest("POST " D ":commit", "{\"writes\":[]}", 200, "{}\n");
    expect_rest("POST " D ":commit", "{\"database\":\"projects/p/databases/(default)\"}", 200, "{}\n");
    expect_rest("POST " D ":commit", "", 200, "{}\n");
    expect_rest("DELETE " D "/c/a", "", 200, "{}\n");
    ask("PATCH " D "/c/a", "", "{\"fields\":{}}");
    assert_non_null(strstr(answer, "\"" NAME "/c/a\""));
    assert_int_equal(ask("POST " D "/c/1:commit?documentId=x", "", "{}"), 200);
    assert_non_null(strstr(answer, NAME "/c/1:commit/x"));
}

static void whatever_the_content_type_says_the_body_is_json(void **state)
{
    (void)state;
    assert_int_equal(ask("POST " D ":commit", "content-type: text/plain\r\n", "{\"writes\":[]}"), 200);
    assert_int_equal(ask("POST " D ":commit", "content-type: application/x-www-form-urlencoded\r\n", "{}"),
                     200);
    assert_int_equal(ask("POST " D ":commit", "content-type: APPLICATION/JSON\r\n", "{}"), 200);
}

static void a_body_that_contradicts_the_url_is_400(void **state)
{
    (void)state;
    assert_int_equal(ask("PATCH " D "/c/a", "", "{\"name\":\"" NAME "/c/b\"}"), 400);
    assert_non_null(strstr(answer, "document.name"));
    assert_int_equal(ask("PATCH " D "/c/a", "", "{\"name\":\"" NAME "/c/a\"}"), 200);
    assert_int_equal(ask("POST " D ":commit", "", "{\"database\":\"zzz\"}"), 400);
    assert_non_null(strstr(answer, "zzz"));
}

static void malformed_requests_are_400_at_once(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "POST " D ":commit", "{" },
        { "POST " D ":commit", "[]" },
        { "POST " D ":commit", "{\"nope\":1}" },
        { "POST " D ":commit", "{\"writes\":5}" },
        { "GET " D "/c/%", "" },
        { "GET " D "/c/%FF", "" },
        { "GET " D "/c?pageSize=abc", "" },
        { "GET " D "/c?pageSize=%zz", "" },
        { "GET " D "/c/a?transaction=***", "" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ask(bad[i][0], "", bad[i][1]) != 400 || !strstr(answer, "INVALID_ARGUMENT"))
            fail_msg("%s %s: %s", bad[i][0], bad[i][1], answer);
    if (ask("GET " D "/c/a", "authorization: Bearer garbage\r\n", "") != 400)
        fail_msg("%s", answer);
}

static void tokens_become_principals(void **state)
{
    (void)state;
    ask("GET " D "/c/a", "authorization: Bearer owner\r\n", "");
    assert_non_null(strstr(answer, "\"owner\""));
    /* {"alg":"none"} . {"sub":"alice"} */
    ask("GET " D "/c/a", "authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.\r\n", "");
    assert_non_null(strstr(answer, "\"user:alice\""));
}

static void rpcs_without_run_are_501_with_their_name(void **state)
{
    (void)state;
    assert_int_equal(ask("POST " D ":partitionQuery", "", "{}"), 501);
    assert_non_null(strstr(answer, "Method google.firestore.v1.Firestore/PartitionQuery is unimplemented"));
}

static void streams_are_one_array(void **state)
{
    (void)state;
    expect_rest("POST " D ":runQuery", "{\"structuredQuery\":{\"limit\":2}}", 200,
                "[\n{\n  \"document\": {\n    \"name\": \"n\",\n    \"fields\": {\n      \"f\": {\n        "
                "\"stringValue\": \"\"\n"
                "      }\n    }\n  }\n}\n,\n{\n  \"document\": {\n    \"name\": \"n\",\n    \"fields\": {\n  "
                "    \"f\": {\n"
                "        \"stringValue\": \"\"\n      }\n    }\n  },\n  \"done\": true\n}\n]\n");
    expect_rest("POST " D ":runQuery", "{\"structuredQuery\":{\"limit\":0}}", 200, "[\n\n]\n");
    expect_rest("POST " D "/c/d:runQuery", "{\"structuredQuery\":{\"limit\":4},\"transaction\":\"AAAA\"}",
                409, "{\"error\":{\"code\":409,\"message\":\"in the middle\",\"status\":\"ABORTED\"}}");
}

static void an_error_in_a_long_stream_is_its_last_element(void **state)
{
    (void)state;
    static char decoded[8 * 1024 * 1024];
    const char *request = "{\"structuredQuery\":{\"limit\":40,\"offset\":100000},\"transaction\":\"AAAA\"}";
    char head[256];
    size_t n;
    int fd = dial(&t.dialer);
    snprintf(head, sizeof head,
             "POST " D ":runQuery HTTP/1.1\r\nHost: localhost\r\ncontent-length: %zu\r\n\r\n",
             strlen(request));
    send_text(fd, head);
    send_text(fd, request);
    assert_int_equal(read_answer(fd, decoded, sizeof decoded, &n), 200);
    assert_true(n > 20 * 100000);
    const char *end =
        ",\n{\"error\":{\"code\":409,\"message\":\"in the middle\",\"status\":\"ABORTED\"}}\n]\n";
    assert_string_equal(decoded + n - strlen(end), end);
    close(fd);
}

static void a_slow_reader_parks_the_stream_and_a_lost_one_ends_it(void **state)
{
    (void)state;
    const char *request = "{\"structuredQuery\":{\"limit\":2000,\"offset\":100000}}";
    char head[256], bytes[64];
    int fd = dial(&t.dialer);
    struct linger hard = { 1, 0 };
    snprintf(head, sizeof head,
             "POST " D ":runQuery HTTP/1.1\r\nHost: localhost\r\ncontent-length: %zu\r\n\r\n%s",
             strlen(request), request);
    send_text(fd, head);
    harness_wait(&parked, 1);
    assert_true(recv(fd, bytes, sizeof bytes, 0) > 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    harness_wait(&cancelled, 1);
}

static void a_reset_cancels_the_call(void **state)
{
    (void)state;
    int fd = dial(&t.dialer);
    struct linger hard = { 1, 0 };
    send_text(fd, "GET " D "/c/park HTTP/1.1\r\nHost: localhost\r\n\r\n");
    harness_wait(&parked, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    harness_wait(&cancelled, 1);
}

static void bodies_over_ten_megabytes_are_429(void **state)
{
    (void)state;
    size_t n = LIMIT_MESSAGE_BYTES + 6;
    char *body = malloc(n + 1);
    memset(body, ' ', n);
    body[n] = '\0';
    assert_int_equal(ask("POST " D ":commit", "", body), 429);
    assert_non_null(strstr(answer, "gRPC message exceeds maximum size 10485760: 10485766"));
    body[n - 6] = '\0';
    body[0] = '{';
    body[1] = '}';
    assert_int_equal(ask("POST " D ":commit", "", body), 200);
    free(body);
}

static void control_routes_get_their_parameters(void **state)
{
    (void)state;
    expect_rest("GET /", "", 200, "Ok\n");
    expect_rest("PUT /emulator/v1/projects/a%20b:securityRules?x=1&q=%C3%A9+", "body", 200,
                "a b|\xC3\xA9+|body|1");
    assert_int_equal(ask("POST /emulator/v1/projects/p:securityRules", "", ""), 404);
    expect_rest("POST /kept", "", 400,
                "{\"error\":{\"code\":400,\"message\":\"later\",\"status\":\"FAILED_PRECONDITION\"}}");
}

static void request_ids_come_back(void **state)
{
    (void)state;
    ask("GET " D "/c/request_id", "x-request-id: abc-1\r\n", "");
    assert_non_null(strstr(answer, "\r\nx-request-id: abc-1\r\n"));
    assert_non_null(strstr(body_of_answer(), "\"abc-1\""));
    ask("GET " D "/c/request_id", "", ""); /* ours, where the caller gave none */
    assert_non_null(strstr(answer, "\r\nx-request-id: "));
    ask("GET " D "/c/request_id", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", "");
    assert_non_null(strstr(answer, "\r\nx-request-id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"));
    ask("GET " D "/c/request_id", "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n", "");
    assert_null(strstr(answer, "x-request-id: 000"));
}

/* ---- who may ask ---- */

static void foreign_origins_are_refused_before_anything_runs(void **state)
{
    (void)state;
    static const char *const bad[] = { "https://example.com",
                                       "null",
                                       "http://localhost.evil.com",
                                       "http://127.0.0.1.evil.com",
                                       "http://evil.com:localhost",
                                       "https://app.example",
                                       "file://",
                                       "http://[::2]:80",
                                       "http://localhost@evil.com" };
    char headers[256];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(headers, sizeof headers, "Origin: %s\r\n", bad[i]);
        if (ask("GET " D "/c/a", headers, "") != 403 || !strstr(answer, "--allow-origin") ||
            strstr(answer, "access-control"))
            fail_msg("%s: %s", bad[i], answer);
        snprintf(headers, sizeof headers, "Origin: %s\r\nAccess-Control-Request-Method: POST\r\n", bad[i]);
        assert_int_equal(ask("OPTIONS " D "/c/a", headers, ""), 403);
        assert_int_equal(ask("POST /kept", headers, ""), 403);
    }
}

static void allowed_origins_are_echoed_also_on_errors(void **state)
{
    (void)state;
    static const char *const good[] = { "http://localhost:5000", "http://127.0.0.1:3000", "https://localhost",
                                        "http://[::1]:8080", "https://app.example:8443" };
    char headers[256], want[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(headers, sizeof headers, "Origin: %s\r\n", good[i]);
        snprintf(want, sizeof want, "\r\naccess-control-allow-origin: %s\r\n", good[i]);
        assert_int_equal(ask("GET " D "/c/a", headers, ""), 200);
        assert_non_null(strstr(answer, want));
        assert_non_null(strstr(answer, "\r\naccess-control-allow-credentials: true\r\n"));
        assert_int_equal(ask("GET " D "/c/missing", headers, ""), 404);
        assert_non_null(strstr(answer, want));
        assert_int_equal(ask("GET /nothing", headers, ""), 404);
        assert_non_null(strstr(answer, want));
    }
}

static void preflights_are_answered(void **state)
{
    (void)state;
    assert_int_equal(ask("OPTIONS " D ":commit",
                         "Origin: http://localhost:5000\r\nAccess-Control-Request-Method: POST\r\n"
                         "Access-Control-Request-Headers: authorization,x-b\r\n"
                         "Access-Control-Request-Private-Network: true\r\n",
                         ""),
                     200);
    assert_non_null(strstr(answer, "\r\naccess-control-allow-methods: DELETE,GET,HEAD,PATCH,POST,PUT\r\n"));
    assert_non_null(strstr(answer, "\r\naccess-control-allow-headers: authorization,x-b\r\n"));
    assert_non_null(strstr(answer, "\r\naccess-control-allow-private-network: true\r\n"));
    assert_int_equal(ask("OPTIONS " D ":commit", "", ""), 200);
    assert_null(strstr(answer, "access-control"));
}

static void foreign_hosts_are_refused(void **state)
{
    (void)state;
    static const char *const good[] = { "localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080",
                                        "127.1.2.3", "cinderlog",   "cinderlog:8080", "other:99" };
    static const char *const bad[] = {
        "example.com", "localhost.evil.com", "other", "other:98", "10.0.0.1", "[::2]", "["
    };
    char headers[128];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(headers, sizeof headers, "Host: %s\r\n", good[i]);
        if (ask("GET " D "/c/a", headers, "") != 200)
            fail_msg("%s: %s", good[i], answer);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(headers, sizeof headers, "Host: %s\r\n", bad[i]);
        if (ask("GET " D "/c/a", headers, "") != 403 || !strstr(answer, "--allow-host"))
            fail_msg("%s: %s", bad[i], answer);
    }
}

/* ---- gRPC ---- */

#define SERVICE "/google.firestore.v1.Firestore/"
static struct h2_client c;

static struct buf framed(const struct schema_message *schema, const void *message)
{
    struct buf out;
    buf_init(&out, 20 * 1024 * 1024);
    buf_put(&out, "\0\0\0\0\0", 5);
    protobuf_encode(&out, schema, message);
    frame_prefix(out.data, out.len - 5);
    return out;
}

static struct h2_stream *call_raw(const char *path, const char *const *more, const void *body, size_t n)
{
    const char *headers[32] = { "content-type", "application/grpc", "te", "trailers" };
    size_t at = 4;
    for (; more && *more; more++)
        headers[at++] = *more;
    struct h2_stream *s = h2_send(&c, "POST", path, headers, body, n, false);
    if (!h2_wait(&c, s))
        fail_msg("%s was not answered", path);
    return s;
}

static struct h2_stream *get(const char *id, const char *const *more)
{
    char name[256];
    snprintf(name, sizeof name, NAME "/c/%s", id);
    struct msg_get_document_request m = { .name = str_of(name) };
    struct buf body = framed(SCHEMA(get_document_request), &m);
    struct h2_stream *s = call_raw(SERVICE "GetDocument", more, body.data, body.len);
    buf_dispose(&body);
    return s;
}

static void expect_grpc(const struct h2_stream *s, bool trailers_only, const char *status,
                        const char *message)
{
    const struct buf *where = trailers_only ? &s->headers : &s->trailers;
    assert_int_equal(s->status, 200);
    assert_string_equal(h2_header(&s->headers, "content-type"), "application/grpc");
    assert_int_equal(s->header_frames, trailers_only ? 1 : 2);
    assert_int_equal(s->end_with_first, trailers_only);
    if (strcmp(h2_header(where, "grpc-status"), status) != 0)
        fail_msg("grpc-status %s, %s", h2_header(where, "grpc-status"), h2_header(where, "grpc-message"));
    assert_string_equal(h2_header(where, "grpc-message"), message);
}

static void a_unary_call_is_headers_message_trailers(void **state)
{
    (void)state;
    static const char *const owner[] = {
        "authorization", "Bearer owner", "grpc-timeout", "59999m", "x-request-id", "r-1", NULL
    };
    struct arena *arena = arena_new();
    struct status st = status_init(arena);
    struct document d = { 0 };
    struct str rest, message;
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = get("a", owner);
    expect_grpc(s, false, "0", "");
    assert_string_equal(h2_header(&s->headers, "x-request-id"), "r-1");
    rest = buf_view(&s->body);
    assert_int_equal(frame_next(&rest, &message), FRAME_MESSAGE);
    assert_int_equal(rest.n, 0);
    assert_int_equal(protobuf_decode(&d, SCHEMA(document), arena, message, &st), STATUS_OK);
    assert_true(str_eq_z(d.name, NAME "/c/a"));
    assert_true(str_eq_z(d.fields.items[0].value.text, "owner"));
    h2_close(&c);
    arena_free(arena);
}

static void unary_errors_are_trailers_only_with_details(void **state)
{
    (void)state;
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = get("missing", NULL);
    expect_grpc(s, true, "5", "Document (" NAME "/c/missing) not found.");
    s = get("denied", NULL);
    expect_grpc(s, true, "7", "%0Afalse for 'get' @ L9");
    assert_true(strlen(h2_header(&s->headers, "grpc-status-details-bin")) > 50);
    h2_close(&c);
}

static struct h2_stream *query(int limit, int size, bool fails)
{
    struct msg_structured_query q = { .limit = { true, limit }, .offset = size };
    struct msg_run_query_request m = { .parent = STR(NAME), .query_case = 2, .structured_query = &q };
    if (fails) {
        m.consistency_case = 5;
        m.transaction = STR("x");
    }
    struct buf body = framed(SCHEMA(run_query_request), &m);
    struct h2_stream *s = call_raw(SERVICE "RunQuery", NULL, body.data, body.len);
    buf_dispose(&body);
    return s;
}

static void streams_send_headers_before_any_error(void **state)
{
    (void)state;
    struct str rest, message;
    size_t n = 0;
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = query(3, 0, false);
    expect_grpc(s, false, "0", "");
    for (rest = buf_view(&s->body); frame_next(&rest, &message) == FRAME_MESSAGE;)
        n++;
    assert_int_equal(n, 3);
    expect_grpc(query(0, 0, false), false, "0", "");
    s = query(1, 0, true);
    expect_grpc(s, false, "10", "in the middle");
    assert_int_equal(s->body.len, 0);
    expect_grpc(query(8, 10, true), false, "10", "in the middle");
    expect_grpc(call_raw(SERVICE "RunQuery", NULL, "\0\0\0\0\1\xFF", 6), false, "3",
                h2_header(&c.streams->trailers, "grpc-message"));
    h2_close(&c);
}

static void answers_larger_than_the_window_come_through(void **state)
{
    (void)state;
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = query(100, 100000, false);
    expect_grpc(s, false, "0", "");
    assert_true(s->body.len > 100 * 100000);
    h2_close(&c);
}

static void unknown_methods_and_services_say_so(void **state)
{
    (void)state;
    h2_open(&c, dial(&t.dialer), 0);
    expect_grpc(call_raw(SERVICE "Nope", NULL, "", 0), true, "12",
                "Method not found: google.firestore.v1.Firestore/Nope");
    expect_grpc(call_raw("/x.Y/Z", NULL, "", 0), true, "12", "Method not found: x.Y/Z");
    expect_grpc(call_raw(SERVICE "PartitionQuery", NULL, "\0\0\0\0\0", 5), true, "12",
                "Method google.firestore.v1.Firestore/PartitionQuery is unimplemented");
    expect_grpc(call_raw(SERVICE "Listen", NULL, "\0\0\0\0\0", 5), false, "12",
                "Method google.firestore.v1.Firestore/Listen is unimplemented");
    expect_grpc(call_raw("/google.firestore.v1beta1.Firestore/DeleteDocument", NULL, "\0\0\0\0\0", 5), false,
                "0", "");
    h2_close(&c);
}

static void bad_messages_are_refused_by_what_is_wrong(void **state)
{
    (void)state;
    h2_open(&c, dial(&t.dialer), 0);
    expect_grpc(call_raw(SERVICE "Commit", NULL, "", 0), true, "3", "the request has no message");
    expect_grpc(call_raw(SERVICE "Commit", NULL, "\0\0\0\0\5ab", 7), true, "3",
                "the request ends inside its message");
    expect_grpc(call_raw(SERVICE "Commit", NULL, "\1\0\0\0\0", 5), true, "12",
                "compressed messages are not supported; send grpc-encoding identity");
    expect_grpc(call_raw(SERVICE "Commit", NULL, "\7\0\0\0\0", 5), true, "3",
                "the flags of the message's prefix are neither 0 nor 1");
    expect_grpc(call_raw(SERVICE "Commit", NULL, "\0\0\0\0\0\0\0\0\0\0", 10), true, "3",
                "the request has bytes after its one message");
    expect_grpc(call_raw(SERVICE "Commit", NULL, "\0\xFF\0\0\0", 5), true, "8",
                "gRPC message exceeds maximum size 10485760");
    static const char *const timeout[] = { "grpc-timeout", "1x", NULL };
    expect_grpc(call_raw(SERVICE "Commit", timeout, "\0\0\0\0\0", 5), true, "3",
                "grpc-timeout: not a number of at most 8 digits and a unit");
    h2_close(&c);
}

static void who_compresses_is_told_what_is_read(void **state)
{
    (void)state;
    static const char *const gzip[] = { "grpc-encoding", "gzip", NULL };
    static const char *const identity[] = { "grpc-encoding", "identity", NULL };
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *by_header = call_raw(SERVICE "Commit", gzip, "\0\0\0\0\0", 5);
    expect_grpc(by_header, true, "12", "compressed messages are not supported; send grpc-encoding identity");
    assert_string_equal(h2_header(&by_header->headers, "grpc-accept-encoding"), "identity");
    struct h2_stream *by_flag = call_raw(SERVICE "Commit", NULL, "\1\0\0\0\0", 5);
    assert_string_equal(h2_header(&by_flag->headers, "grpc-accept-encoding"), "identity");
    expect_grpc(call_raw(SERVICE "DeleteDocument", identity, "\0\0\0\0\0", 5), false, "0", "");
    h2_close(&c);
}

/* ---- health and reflection; tests/clients/python asks them by gRPC's own packages ---- */

#define HEALTH "/grpc.health.v1.Health/"
#define NOT_SERVING "\0\0\0\0\2\10\2"
#define SERVING "\0\0\0\0\2\10\1"

static bool has_said_twice(struct h2_client *client, void *data)
{
    (void)client;
    struct h2_stream *s = data;
    return s->closed || s->body.len >= 14;
}

static void health_is_watched_from_the_start_to_the_stop(void **state)
{
    (void)state;
    static const char *const headers[] = { "content-type", "application/grpc", NULL };
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *check = call_raw(HEALTH "Check", NULL, "\0\0\0\0\0", 5);
    expect_grpc(check, false, "0", "");
    assert_memory_equal(check->body.data, NOT_SERVING, 7);
    struct h2_stream *watch = h2_send(&c, "POST", HEALTH "Watch", headers, "\0\0\0\0\0", 5, false);
    check = call_raw(HEALTH "Check", NULL, "\0\0\0\0\0", 5); /* after it, so it has begun */
    become_ready();
    assert_true(h2_until(&c, has_said_twice, watch));
    assert_int_equal(watch->body.len, 14);
    assert_memory_equal(watch->body.data, NOT_SERVING SERVING, 14);
    atomic_store(&t.server.stopping, true);
    net_stop(t.server.net);
    assert_true(h2_wait(&c, watch));
    expect_grpc(watch, false, "14", "cinderlog is shutting down");
    assert_int_equal(watch->body.len, 21);
    assert_memory_equal(watch->body.data + 14, NOT_SERVING, 7);
    h2_close(&c);
}

static void bad_questions_beside_firestore_end_their_call(void **state)
{
    (void)state;
    static const char reflect[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    static char much[70000];
    h2_open(&c, dial(&t.dialer), 0);
    expect_grpc(call_raw(HEALTH "Check", NULL, "", 0), true, "3", "the request has no message");
    expect_grpc(call_raw(HEALTH "Check", NULL, "\0\0\0\0\5ab", 7), true, "3",
                "the request ends inside its message");
    expect_grpc(call_raw(HEALTH "Check", NULL, "\1\0\0\0\0", 5), true, "12",
                "compressed messages are not supported; send grpc-encoding identity");
    expect_grpc(call_raw(HEALTH "Watch", NULL, "\0\0\0\0\0\0\0\0\0\0", 10), false, "3",
                "the request has bytes after its one message");
    expect_grpc(call_raw(HEALTH "Nope", NULL, "", 0), true, "12",
                "Method not found: grpc.health.v1.Health/Nope");
    expect_grpc(call_raw(reflect, NULL, "", 0), false, "0", "");
    expect_grpc(call_raw(reflect, NULL, "\0\0\0\0\0", 5), true, "3", "message_request is not set");
    memcpy(much, "\0\0\1\0\0", 5); /* a message of 64 KiB is beyond any question */
    expect_grpc(call_raw(reflect, NULL, much, sizeof much), true, "8",
                "too much is asked before the answers are read");
    h2_close(&c);
}

static void messages_up_to_ten_megabytes_are_taken(void **state)
{
    (void)state;
    /* An unknown field of almost 10 MiB, which the decoder skips. */
    size_t n = LIMIT_MESSAGE_BYTES - 5;
    unsigned char *body = calloc(1, n + 32);
    h2_open(&c, dial(&t.dialer), 0);
    frame_prefix(body, n + 5);
    body[5] = 0x7A; /* field 15, bytes */
    for (size_t i = 0, left = n; i < 4; i++, left >>= 7)
        body[6 + i] = (unsigned char)((left & 0x7F) | (i < 3 ? 0x80 : 0));
    expect_grpc(call_raw(SERVICE "DeleteDocument", NULL, body, n + 10), false, "0", "");
    frame_prefix(body, n + 6);
    expect_grpc(call_raw(SERVICE "DeleteDocument", NULL, body, n + 11), true, "8",
                "gRPC message exceeds maximum size 10485760");
    h2_close(&c);
    free(body);
}

static void what_is_not_grpc_is_415(void **state)
{
    (void)state;
    static const char *const types[] = { NULL, "text/plain", "application/grpc-web", "application/json" };
    h2_open(&c, dial(&t.dialer), 0);
    for (size_t i = 0; i < 4; i++) {
        const char *headers[] = { types[i] ? "content-type" : NULL, types[i], NULL };
        struct h2_stream *s = h2_send(&c, "POST", SERVICE "Commit", headers, "x", 1, false);
        assert_true(h2_wait(&c, s));
        assert_int_equal(s->status, 415);
        assert_string_equal(h2_header(&s->headers, "grpc-status"), "13");
        assert_true(str_eq_z(buf_view(&s->body), h2_header(&s->headers, "grpc-message")));
    }
    const char *grpc[] = { "content-type", "application/grpc+proto", NULL };
    struct h2_stream *s = h2_send(&c, "GET", SERVICE "Commit", grpc, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->status, 405);
    h2_close(&c);
}

static void rest_and_control_routes_are_answered_over_http2_too(void **state)
{
    (void)state;
    static const char *const json[] = { "content-type", "application/json", NULL };
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = h2_send(&c, "GET", D "/c/a", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->status, 200);
    assert_string_equal(h2_header(&s->headers, "content-type"), "application/json");
    assert_non_null(strstr((const char *)s->body.data, "\"name\": \"" NAME "/c/a\""));
    s = h2_send(&c, "POST", D "/c", json, "{\"fields\"", 9, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->status, 400);
    s = h2_send(&c, "GET", "/readyz", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->status, 200);
    s = h2_send(&c, "GET", "/none", NULL, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    assert_int_equal(s->status, 404);
    const char *preflight[] = { "origin",
                                "http://localhost:1",
                                "access-control-request-method",
                                "PATCH",
                                "access-control-request-headers",
                                "x-a",
                                NULL };
    s = h2_send(&c, "OPTIONS", D "/c/a", preflight, NULL, 0, false);
    assert_true(h2_wait(&c, s));
    assert_string_equal(h2_header(&s->headers, "access-control-allow-origin"), "http://localhost:1");
    assert_string_equal(h2_header(&s->headers, "access-control-allow-headers"), "x-a");
    h2_close(&c);
}

static void the_gate_holds_over_grpc(void **state)
{
    (void)state;
    static const char *const foreign[] = { "origin", "https://example.com", NULL };
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = get("a", foreign);
    assert_string_equal(h2_header(&s->headers, "grpc-status"), "7");
    assert_non_null(strstr(h2_header(&s->headers, "grpc-message"), "--allow-origin"));
    h2_close(&c);
}

static void a_deadline_answers_for_a_parked_call(void **state)
{
    (void)state;
    static const char *const soon[] = { "grpc-timeout", "50m", NULL }, *const at_once[] = { "grpc-timeout",
                                                                                            "1n", NULL };
    h2_open(&c, dial(&t.dialer), 0);
    expect_grpc(get("park", soon), true, "4", "the client's deadline passed before the answer");
    expect_grpc(get("park", at_once), true, "4", "the client's deadline passed before the answer");
    harness_wait(&dones, 1);
    h2_close(&c);
}

static void a_reset_stream_cancels_its_call(void **state)
{
    (void)state;
    static const char *const headers[] = { "content-type", "application/grpc", "te", "trailers", NULL };
    struct msg_get_document_request m = { .name = STR(NAME "/c/park") };
    struct buf body = framed(SCHEMA(get_document_request), &m);
    h2_open(&c, dial(&t.dialer), 0);
    struct h2_stream *s = h2_send(&c, "POST", SERVICE "GetDocument", headers, body.data, body.len, false);
    h2_flush(&c);
    harness_wait(&parked, 1);
    nghttp2_submit_rst_stream(c.session, 0, s->id, NGHTTP2_CANCEL);
    h2_flush(&c);
    harness_wait(&cancelled, 1);
    expect_grpc(get("a", NULL), false, "0", "");
    h2_close(&c);
    buf_dispose(&body);
}

static void a_deadline_ends_a_stream_that_nobody_reads(void **state)
{
    (void)state;
    static const char *const headers[] = { "content-type", "application/grpc", "grpc-timeout", "100m", NULL };
    struct msg_structured_query q = { .limit = { true, 1000 }, .offset = 100000 };
    struct msg_run_query_request m = { .parent = STR(NAME), .query_case = 2, .structured_query = &q };
    struct buf body = framed(SCHEMA(run_query_request), &m);
    h2_open(&c, dial(&t.dialer), 0);
    h2_send(&c, "POST", SERVICE "RunQuery", headers, body.data, body.len, false);
    h2_flush(&c); /* and never reads */
    harness_wait(&parked, 1);
    for (int i = 0; i < 2000 && atomic_load(&t.server.calls); i++)
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    assert_int_equal(atomic_load(&t.server.calls), 0);
    h2_close(&c);
    buf_dispose(&body);
}

static void stopping_answers_unavailable(void **state)
{
    (void)state;
    atomic_store(&t.server.stopping, true);
    assert_int_equal(ask("GET " D "/c/a", "", ""), 503);
    h2_open(&c, dial(&t.dialer), 0);
    expect_grpc(get("a", NULL), true, "14", "cinderlog is shutting down");
    h2_close(&c);
}

static void a_starting_server_answers_probes_and_refuses_the_rest(void **state)
{
    (void)state;
    assert_int_equal(ask("GET /readyz", "", ""), 503);
    assert_non_null(strstr(answer, "\r\n\r\nstarting: try again in a moment\n"));
    readiness_step(&t.server.readiness, "rebuilding derived state", 1, 3);
    assert_int_equal(ask("GET /readyz", "", ""), 503);
    assert_non_null(strstr(answer, "\r\n\r\nstarting: rebuilding derived state, 33%\n"));
    assert_int_equal(ask("GET /healthz", "", ""), 200);
    assert_int_equal(ask("GET " D "/c/a", "", ""), 503);
    assert_non_null(strstr(answer,
                           "{\"error\":{\"code\":503,\"message\":\"starting: rebuilding derived state, 33%\","
                           "\"status\":\"UNAVAILABLE\"}}"));
    assert_int_equal(ask("PUT /emulator/v1/projects/p:securityRules", "", "{}"), 503);
    h2_open(&c, dial(&t.dialer), 0);
    expect_grpc(get("a", NULL), true, "14", "starting: rebuilding derived state, 33%25");
    h2_close(&c);
    become_ready();
    assert_int_equal(ask("GET /readyz", "", ""), 200);
    assert_int_equal(ask("GET " D "/c/a", "", ""), 200);
}

#define served(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        served(a_document_is_got_pretty_printed),
        served(the_number_of_ids_tells_get_from_list),
        served(unknown_paths_and_methods_are_not_found),
        served(errors_are_one_line_with_details),
        served(bodies_bind_to_a_field_or_to_all),
        served(whatever_the_content_type_says_the_body_is_json),
        served(a_body_that_contradicts_the_url_is_400),
        served(malformed_requests_are_400_at_once),
        served(tokens_become_principals),
        served(rpcs_without_run_are_501_with_their_name),
        served(streams_are_one_array),
        served(an_error_in_a_long_stream_is_its_last_element),
        served(a_slow_reader_parks_the_stream_and_a_lost_one_ends_it),
        served(a_reset_cancels_the_call),
        served(bodies_over_ten_megabytes_are_429),
        served(control_routes_get_their_parameters),
        served(request_ids_come_back),
        served(foreign_origins_are_refused_before_anything_runs),
        served(allowed_origins_are_echoed_also_on_errors),
        served(preflights_are_answered),
        served(foreign_hosts_are_refused),
        served(a_unary_call_is_headers_message_trailers),
        served(unary_errors_are_trailers_only_with_details),
        served(streams_send_headers_before_any_error),
        served(answers_larger_than_the_window_come_through),
        served(unknown_methods_and_services_say_so),
        served(bad_messages_are_refused_by_what_is_wrong),
        served(who_compresses_is_told_what_is_read),
        cmocka_unit_test_setup_teardown(health_is_watched_from_the_start_to_the_stop, open_starting,
                                        close_server),
        served(bad_questions_beside_firestore_end_their_call),
        served(messages_up_to_ten_megabytes_are_taken),
        served(what_is_not_grpc_is_415),
        served(rest_and_control_routes_are_answered_over_http2_too),
        served(the_gate_holds_over_grpc),
        served(a_deadline_answers_for_a_parked_call),
        served(a_reset_stream_cancels_its_call),
        served(a_deadline_ends_a_stream_that_nobody_reads),
        served(stopping_answers_unavailable),
        cmocka_unit_test_setup_teardown(a_starting_server_answers_probes_and_refuses_the_rest, open_starting,
                                        close_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

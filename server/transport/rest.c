/* rest.c - google.api.http bindings: from method, path, query and JSON body to a call, and its answer back.
 *
 * The rows of rpc_table say which templates there are. A path that GetDocument and ListDocuments both match
 * is a document when its number of ids is even. What the URL binds wins over nothing: a body that says
 * otherwise is refused, since either could have been meant (Google's emulator 1.19.9 hangs there).
 *
 * Answers: one object pretty-printed and a newline; streams are one array, "[\n{..}\n,\n{..}\n]\n". A stream
 * is gathered before it is started, so that short ones go out in one piece and an error before the first
 * STREAM_PIECE bytes is still an HTTP status and not an element of the array. */
#include "core/codec.h"
#include "core/schema.h"
#include "server/rpc/name.h"
#include "server/transport/request.h"
#include "server/transport/route.h"

#include <assert.h>

enum { STREAM_PIECE = 16 * 1024, SHOWN = 200 };

/* ---- the answer ---- */

static void flush_stream(struct request *r)
{
    struct net_header headers[REQUEST_HEADERS_MAX];
    if (!r->started)
        exchange_start(r->exchange, 200, headers, request_headers(r, headers, "application/json"));
    r->started = true;
    exchange_write(r->exchange, &r->out);
}

static void on_message(struct reply_sink *sink, const void *response)
{
    struct request *r = request_of_sink(sink);
    if (r->ended)
        return;
    if (r->rpc->kind != RPC_UNARY)
        buf_z(&r->out, r->any ? ",\n" : "[\n");
    r->any = true;
    size_t before = r->out.len;
    protojson_encode(&r->out, r->rpc->response, response, r->json_flags);
    r->call->notes.response_bytes += r->out.len - before;
    buf_z(&r->out, "\n");
    if (r->rpc->kind != RPC_UNARY && r->out.len > STREAM_PIECE && !r->out.overflowed)
        flush_stream(r);
}

/* An answer that is complete, or the end of a stream. */
static void finish_ok(struct request *r)
{
    struct net_header headers[REQUEST_HEADERS_MAX];
    if (r->rpc->kind != RPC_UNARY)
        buf_z(&r->out, r->any ? "]\n" : "[\n\n]\n");
    else if (!r->any)
        buf_z(&r->out, "{}\n");
    if (r->started) {
        exchange_write(r->exchange, &r->out);
        exchange_finish(r->exchange, NULL, 0);
        return;
    }
    size_t n = request_headers(r, headers, "application/json");
    exchange_reply(r->exchange, 200, headers, n, &r->out);
}

static void finish_error(struct request *r, const struct status *status)
{
    if (!r->started) {
        request_reply_error(r, status);
        return;
    }
    /* Too late for an HTTP status: the error is the last element. */
    buf_z(&r->out, r->any ? ",\n" : "");
    http_error_json(&r->out, status);
    buf_z(&r->out, "\n]\n");
    exchange_write(r->exchange, &r->out);
    exchange_finish(r->exchange, NULL, 0);
}

static void on_finish(struct reply_sink *sink, const struct status *status)
{
    struct request *r = request_of_sink(sink);
    struct exchange *exchange = r->exchange;
    struct status too_large = status_init(NULL);
    if (!status->code && r->out.overflowed) {
        buf_clear(&r->out);
        status_set(&too_large, STATUS_RESOURCE_EXHAUSTED, "the answer is larger than %d MiB",
                   LIMIT_RESPONSE_BYTES >> 20);
        status = &too_large;
    }
    if (r->ended)
        buf_clear(&r->out); /* a fault has had the last word */
    else if (status->code)
        finish_error(r, status);
    else
        finish_ok(r);
    request_end_call(r);
    exchange_release(exchange);
}

static size_t on_pending(struct reply_sink *sink)
{
    struct request *r = request_of_sink(sink);
    return exchange_pending(r->exchange) + r->out.len;
}

static void resume(void *data)
{
    call_resume(((struct request *)data)->call);
}

static void on_when_drained(struct reply_sink *sink)
{
    struct request *r = request_of_sink(sink);
    if (r->out.len)
        flush_stream(r);
    exchange_when_drained(r->exchange, LIMIT_RESPONSE_BUFFER / 2, resume, r);
}

static void on_fault(struct reply_sink *sink, enum sink_fault fault)
{
    struct request *r = request_of_sink(sink);
    if (fault == SINK_TRUNCATE && !r->ended) {
        if (r->rpc->kind == RPC_UNARY)
            r->out.len /= 2;
        flush_stream(r);
    }
    request_fault(r, fault);
}

/* ---- the request ---- */

/* The body as one field of the request: {"fields":...} is the document of a create. */
static enum status_code decode_field(struct call *call, struct str name, struct str json)
{
    const struct schema_message *schema = call->rpc->request;
    const struct schema_field *field = schema_by_name(schema, name);
    assert(field && field->type == SCHEMA_MESSAGE && !field->repeated);
    void *at = schema_at(call->request, field->offset);
    if (field->pointer) {
        void *message = arena_zalloc(call->arena, 1, schema_size(field->message));
        *(void **)at = message;
        at = message;
    }
    schema_mark_set(field, call->request);
    return protojson_decode(at, field->message, call->arena, json, &call->status);
}

static bool is_blank(struct str text)
{
    while (text.n && memchr(" \t\r\n", text.p[0], 4))
        text = str_skip(text, 1);
    return text.n == 0;
}

/* No body at all is an empty message and a byte order mark is passed over; white space alone is no JSON. All
 * as 1.19.9 has it. */
static enum status_code decode_body(struct call *call, struct str body)
{
    static const struct str mark = STR_INIT("\xEF\xBB\xBF");
    const char *binding = call->rpc->http_body;
    if (!binding)
        return STATUS_OK;
    if (!body.n)
        body = STR("{}");
    else if (str_starts(body, mark))
        body = str_skip(body, mark.n);
    if (is_blank(body))
        return status_set(
            &call->status, STATUS_INVALID_ARGUMENT,
            "Payload isn't valid for request. a JSON object is expected, and there is white space alone.");
    if (strcmp(binding, "*") == 0)
        return protojson_decode(call->request, call->rpc->request, call->arena, body, &call->status);
    return decode_field(call, str_of(binding), body);
}

static enum status_code bad_url(struct call *call, const char *what)
{
    return status_set(&call->status, STATUS_INVALID_ARGUMENT, "%s is not well percent-encoded", what);
}

/* Parameters set what the body has left unset, whatever part of the request that is. Unknown ones are
 * ignored, as 1.19.9 does. */
static enum status_code decode_query(struct request *r, struct call *call, struct str query)
{
    struct str name, value;
    bool ok;
    while (route_next_param(&query, call->arena, &name, &value, &ok)) {
        if (!ok)
            return bad_url(call, "a query parameter");
        if (str_eq_z(name, "$alt") && str_eq_z(value, "json;enum-encoding=int"))
            r->json_flags |= PROTOJSON_ENUM_INT;
        if (!name.n || name.p[0] == '$')
            continue;
        enum status_code code =
            protojson_set_param(call->request, call->rpc->request, call->arena, name, value, &call->status);
        if (code == STATUS_NOT_FOUND)
            status_clear(&call->status);
        else if (code)
            return code;
    }
    return STATUS_OK;
}

static enum status_code bind_path(struct call *call, const struct route_match *match)
{
    for (size_t i = 0; i < match->n; i++) {
        const struct route_binding *b = &match->bindings[i];
        struct str *have = rpc_string_field(call->request, call->rpc->request, b->field);
        if (have && str_eq(*have, b->value))
            continue;
        if (have && have->n) {
            char ours[STATUS_SHOWN], theirs[STATUS_SHOWN];
            return status_set(&call->status, STATUS_INVALID_ARGUMENT,
                              STR_FMT ": the request says \"%s\" and the URL's path \"%s\"",
                              STR_ARG(b->field), status_show(theirs, *have), status_show(ours, b->value));
        }
        if (!str_is_utf8(b->value))
            return status_set(&call->status, STATUS_INVALID_ARGUMENT, STR_FMT ": the URL's path is not UTF-8",
                              STR_ARG(b->field));
        if (have)
            *have = b->value;
        else if (protojson_set_param(call->request, call->rpc->request, call->arena, b->field, b->value,
                                     &call->status))
            return call->status.code;
    }
    return STATUS_OK;
}

/* Ids after "projects/p/databases/d/documents": even for a document. */
static bool names_document(const struct route_path *path)
{
    return path->n > 6 && (path->n - 6) % 2 == 0;
}

/* Templates with a verb come first: `c/d:runQuery` is also a collection to create a document in. */
static const struct rpc *find_rpc(struct route_match *match, struct arena *arena, struct str method,
                                  const struct route_path *path)
{
    for (int verbs = path->has_verb; verbs >= 0; verbs--) {
        for (size_t i = 0; i < rpc_count; i++) {
            const struct rpc *rpc = &rpc_table[i];
            if (!rpc->http_method || !str_eq_z(method, rpc->http_method) ||
                (strchr(rpc->http_template, ':') != NULL) != (verbs == 1))
                continue;
            if (str_eq_z(method, "GET") && names_document(path) != !strcmp(rpc->name, "GetDocument"))
                continue;
            if (route_matches(match, arena, rpc->http_template, path) ||
                (rpc->http_template2 && route_matches(match, arena, rpc->http_template2, path)))
                return rpc;
        }
    }
    return NULL;
}

static void not_found(struct request *r)
{
    struct exchange *exchange = r->exchange;
    struct net_header headers[REQUEST_HEADERS_MAX];
    struct buf body;
    buf_init(&body, 64);
    buf_z(&body, "Not Found\n");
    exchange_reply(exchange, 404, headers, request_headers(r, headers, NULL), &body);
    exchange_release(exchange);
}

static void reply_bad_path(struct request *r)
{
    struct exchange *exchange = r->exchange;
    struct status st = status_init(NULL);
    status_set(&st, STATUS_INVALID_ARGUMENT, "the URL's path is not well percent-encoded");
    request_reply_error(r, &st);
    exchange_release(exchange);
}

static void reply_not_in_v1beta1(struct request *r)
{
    struct exchange *exchange = r->exchange;
    struct status st = status_init(NULL);
    rpc_unimplemented(r->rpc, true, &st);
    request_reply_error(r, &st);
    exchange_release(exchange);
}

void rest_run(struct task *task, struct worker *worker)
{
    struct request *r = (struct request *)(void *)task;
    const struct net_head *head = exchange_head(r->exchange);
    struct arena *arena = worker->scratch;
    struct route_path path;
    struct route_match match;
    const char *mark = memchr(head->target.p, '?', head->target.n);
    struct str raw = { head->target.p, mark ? (size_t)(mark - head->target.p) : head->target.n };
    struct str query = mark ? str_skip(head->target, raw.n + 1) : (struct str){ 0 };
    if (!route_split(&path, arena, raw)) {
        reply_bad_path(r);
        return;
    }
    bool beta = !str_eq_z(path.segments[0], "v1");
    path.segments[0] = STR("v1"); /* v1beta1 is an alias, as far as it goes */
    r->rpc = find_rpc(&match, arena, head->method, &path);
    if (!r->rpc) {
        not_found(r);
        return;
    }
    if (beta && !rpc_in_v1beta1(r->rpc)) {
        reply_not_in_v1beta1(r);
        return;
    }
    r->json_flags = PROTOJSON_PRETTY;
    r->sink = (struct reply_sink){ on_message, on_finish, on_pending, on_when_drained, on_fault };
    buf_init(&r->out, LIMIT_RESPONSE_BYTES);
    struct call *call = request_call(r, worker);
    for (size_t i = 0; i < match.n; i++)
        match.bindings[i].value = arena_str(call->arena, match.bindings[i].value);
    if (decode_body(call, r->body) || decode_query(r, call, query) || bind_path(call, &match) ||
        request_principal(r, call))
        call_finish(call);
    else
        request_dispatch(r, call);
}

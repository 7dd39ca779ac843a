/* request_id.c - see request_id.h. */
#include "server/ops/request_id.h"

#include "core/log.h"
#include "core/messages.h"
#include "core/schema.h"
#include "server/rpc/rpc.h"
#include "server/server.h"

/* W3C Trace Context: version-traceid-parentid-flags. */
enum { TRACE_AT = 3, TRACE_DIGITS = 32, TRACEPARENT = 55 };

static struct str cut(struct str id)
{
    if (id.n > REQUEST_ID_MAX)
        id.n = REQUEST_ID_MAX;
    while (!str_is_utf8(id))
        id.n--;
    return id;
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

struct str request_id_safe(struct arena *arena, struct str given)
{
    struct buf safe;
    if (given.n > REQUEST_ID_MAX) {
        given.n = REQUEST_ID_MAX;
        size_t whole = str_utf8_prefix(given);
        given.n = given.n - whole < 4 ? whole : given.n; /* half a character at the cut is none */
    }
    if (is_plain(given))
        return arena_str(arena, given);
    buf_init(&safe, REQUEST_ID_MAX * 8);
    log_escape(&safe, given);
    struct str id = arena_str(arena, cut(buf_view(&safe)));
    buf_dispose(&safe);
    return id;
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return true;
}

/* Empty when the header is not one, or its trace id is all zeros, which means none. */
static struct str trace_id(struct str traceparent)
{
    static const struct str none = STR_INIT("00000000000000000000000000000000");
    if (traceparent.n < TRACEPARENT || traceparent.p[TRACE_AT - 1] != '-' ||
        traceparent.p[TRACE_AT + TRACE_DIGITS] != '-')
        return (struct str){ 0 };
    struct str id = str_from(traceparent.p + TRACE_AT, TRACE_DIGITS);
    return is_hex(id) && !str_eq(id, none) ? id : (struct str){ 0 };
}

struct str request_id_of_headers(struct arena *arena, struct str x_request_id, struct str traceparent)
{
    struct str given = x_request_id.n ? x_request_id : trace_id(traceparent);
    return given.n ? request_id_safe(arena, given) : (struct str){ 0 };
}

struct str request_id_of_fields(struct arena *arena, const struct value_map *fields, const char *field)
{
    const struct value *v = field ? value_map_get(fields, str_of(field)) : NULL;
    return v && v->kind == VALUE_STRING && v->text.n ? request_id_safe(arena, v->text) : (struct str){ 0 };
}

static struct str of_list(const struct call *call, const struct msg_write *writes, size_t n)
{
    struct str id = { 0 };
    for (size_t i = 0; i < n && !id.n; i++)
        if (writes[i].operation_case == 1)
            id = request_id_of_fields(call->arena, &writes[i].update.fields,
                                      call->server->options->request_id_field);
    return id;
}

static struct str of_document(const struct call *call, const struct document *document)
{
    return document
               ? request_id_of_fields(call->arena, &document->fields, call->server->options->request_id_field)
               : (struct str){ 0 };
}

struct str request_id_of_writes(const struct call *call)
{
    const struct schema_message *message = call->rpc->request;
    if (message == SCHEMA(commit_request)) {
        const struct msg_commit_request *rq = call->request;
        return of_list(call, rq->writes.items, rq->writes.n);
    }
    if (message == SCHEMA(batch_write_request)) {
        const struct msg_batch_write_request *rq = call->request;
        return of_list(call, rq->writes.items, rq->writes.n);
    }
    if (message == SCHEMA(create_document_request))
        return of_document(call, ((const struct msg_create_document_request *)call->request)->document);
    if (message == SCHEMA(update_document_request))
        return of_document(call, ((const struct msg_update_document_request *)call->request)->document);
    return (struct str){ 0 };
}

struct str request_id_as_header(struct arena *arena, struct str id)
{
    static const char hex[] = "0123456789ABCDEF";
    if (is_plain(id))
        return id;
    char *out = arena_alloc(arena, id.n * 3);
    size_t n = 0;
    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (c > ' ' && c <= '~' && c != '%') {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return str_from(out, n);
}

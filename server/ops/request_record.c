/* request_record.c - see request_record.h. It runs once a call: no printf for what can be copied. */
#include "server/ops/request_record.h"

#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "server/ops/call_subject.h"
#include "server/ops/request_fields.h"
#include "server/rpc/rpc.h"

enum { ERROR_SHOWN = 500, TEXT_SHOWN = 8192, HASH_SHOWN = 8 };

struct record {
    struct buf *out;
    const struct request_redaction *redaction;
};

/* ---- members ---- */

static void put_key(struct record *r, enum request_field field)
{
    struct str name = request_fields[field].name;
    unsigned char *at = buf_reserve(r->out, name.n + 4);
    if (!at)
        return;
    *at++ = field == 0 ? '{' : ',';
    *at++ = '"';
    memcpy(at, name.p, name.n);
    memcpy(at + name.n, "\":", 2);
    r->out->len += name.n + 4;
}

static void put_digits(struct buf *out, uint64_t n)
{
    char text[24], *end = text + sizeof text, *p = end;
    do {
        *--p = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    buf_put(out, p, (size_t)(end - p));
}

static void put_number(struct record *r, enum request_field field, uint64_t n)
{
    put_key(r, field);
    put_digits(r->out, n);
}

static bool is_redacted(const struct record *r, enum request_field field)
{
    return r->redaction->fields >> field & 1;
}

static void put_redacted(struct record *r, struct str value)
{
    unsigned char digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    struct sha256 h;
    sha256_init(&h);
    sha256_update(&h, r->redaction->salt, sizeof r->redaction->salt);
    sha256_update(&h, value.p, value.n);
    sha256_final(&h, digest);
    hex_print(hex, digest, HASH_SHOWN);
    buf_z(r->out, "\"redacted:");
    buf_z(r->out, hex);
    buf_byte(r->out, '"');
}

static void put_value(struct record *r, enum request_field field, struct str value)
{
    if (value.n > TEXT_SHOWN)
        value.n = TEXT_SHOWN;
    if (is_redacted(r, field))
        put_redacted(r, value);
    else
        log_json_string(r->out, value);
}

static void put_text(struct record *r, enum request_field field, struct str value)
{
    if (!value.n)
        return;
    put_key(r, field);
    put_value(r, field, value);
}

static void put_true(struct record *r, enum request_field field, bool value)
{
    if (!value)
        return;
    put_key(r, field);
    buf_z(r->out, "true");
}

/* ---- what the fields hold ---- */

static const char *severity_of(enum status_code code)
{
    switch (code) {
    case STATUS_OK:
        return "INFO";
    case STATUS_PERMISSION_DENIED:
    case STATUS_UNAUTHENTICATED:
        return "WARNING";
    case STATUS_UNKNOWN:
    case STATUS_INTERNAL:
    case STATUS_UNAVAILABLE:
    case STATUS_DATA_LOSS:
    case STATUS_RESOURCE_EXHAUSTED:
    case STATUS_DEADLINE_EXCEEDED:
        return "ERROR";
    default:
        return "NOTICE";
    }
}

static const char *outcome_of(enum status_code code)
{
    return code == STATUS_OK ? "success" : code == STATUS_UNKNOWN ? "unknown" : "failure";
}

static struct str provider_of(const struct principal *principal)
{
    const struct value *firebase = value_map_get(&principal->token, STR("firebase"));
    if (!firebase || firebase->kind != VALUE_MAP)
        return (struct str){ 0 };
    const struct value *provider = value_map_get(&firebase->map, STR("sign_in_provider"));
    return provider && provider->kind == VALUE_STRING ? provider->text : (struct str){ 0 };
}

static void put_principal(struct record *r, const struct principal *p)
{
    static const char *const kinds[] = {
        [PRINCIPAL_ANONYMOUS] = "anonymous", [PRINCIPAL_USER] = "user", [PRINCIPAL_OWNER] = "owner"
    };
    put_text(r, FIELD_PRINCIPAL, str_of(kinds[p->kind]));
    if (p->kind != PRINCIPAL_USER)
        return;
    put_text(r, FIELD_UID, p->uid);
    put_text(r, FIELD_PROVIDER, provider_of(p));
    put_true(r, FIELD_OWNER_AS, p->was_owner);
}

static void put_rule(struct record *r, const struct call_decision *d)
{
    if (!d->line || !d->file.n)
        return;
    put_text(r, FIELD_RULE, d->file);
    r->out->len--; /* the closing quote */
    buf_byte(r->out, ':');
    put_digits(r->out, d->line);
    buf_byte(r->out, ':');
    put_digits(r->out, d->column);
    buf_byte(r->out, '"');
}

static void put_decision(struct record *r, const struct call_decision *d)
{
    static const char *const verdicts[] = {
        [CALL_ALLOWED] = "allow", [CALL_DENIED] = "deny", [CALL_ERROR] = "error"
    };
    char hex[2 * SHA256_SIZE + 1];
    if (d->verdict == CALL_UNDECIDED)
        return;
    put_text(r, FIELD_DECISION, str_of(verdicts[d->verdict]));
    put_text(r, FIELD_DECIDED_BY, str_of(d->by));
    put_rule(r, d);
    if (d->digest) {
        hex_print(hex, d->digest, SHA256_SIZE);
        put_text(r, FIELD_RULESET, str_from(hex, 2 * SHA256_SIZE));
    }
    put_text(r, FIELD_REASON, d->reason);
}

static void put_write(struct record *r, const struct call_write *w)
{
    static const char *const operations[] = { [STORE_OPERATION_NONE] = "write",
                                              [STORE_OPERATION_CREATE] = "create",
                                              [STORE_OPERATION_UPDATE] = "update",
                                              [STORE_OPERATION_DELETE] = "delete" };
    struct buf *out = r->out;
    buf_z(out, "{\"operation\":\"");
    buf_z(out, operations[w->operation]);
    buf_z(out, "\",\"path\":");
    put_value(r, FIELD_PATH, w->path);
    buf_z(out, ",\"code\":\"");
    buf_z(out, status_name(w->code));
    buf_byte(out, '"');
    if (w->seq) {
        buf_z(out, ",\"seq\":");
        put_digits(out, w->seq);
    }
    if (w->request_id.n) {
        buf_z(out, ",\"request_id\":");
        put_value(r, FIELD_REQUEST_ID, w->request_id);
    }
    if (w->retry_of) {
        buf_z(out, ",\"retry_of\":");
        put_digits(out, w->retry_of);
    }
    buf_byte(out, '}');
}

static void put_writes(struct record *r, const struct call_notes *notes)
{
    size_t from = r->out->len, i = 0;
    if (!notes->n_writes)
        return;
    put_key(r, FIELD_WRITES);
    for (; i < notes->n_writes && r->out->len - from < REQUEST_RECORD_WRITES; i++) {
        buf_byte(r->out, i ? ',' : '[');
        put_write(r, &notes->writes[i]);
    }
    if (i < notes->n_writes) {
        buf_z(r->out, ",{\"more\":");
        put_digits(r->out, notes->n_writes - i);
        buf_byte(r->out, '}');
    }
    buf_byte(r->out, ']');
}

/* Of the first of its writes that was one. */
static uint64_t retry_of(const struct call_notes *notes)
{
    for (size_t i = 0; i < notes->n_writes; i++)
        if (notes->writes[i].retry_of)
            return notes->writes[i].retry_of;
    return 0;
}

/* ---- the record ---- */

static void put_what(struct record *r, const struct call *call)
{
    struct call_subject subject;
    call_subject(&subject, call);
    put_text(r, FIELD_TRANSPORT, str_of(call->notes.transport));
    put_text(r, FIELD_RPC, str_of(call->rpc->name));
    put_text(r, FIELD_OPERATION, str_of(subject.operation));
    put_text(r, FIELD_PROJECT, subject.db.project);
    put_text(r, FIELD_DATABASE, subject.db.database);
    put_text(r, FIELD_PATH, subject.path);
    put_writes(r, &call->notes);
}

static void put_outcome(struct record *r, const struct call *call)
{
    const struct status *st = &call->status;
    put_text(r, FIELD_CODE, str_of(status_name(st->code)));
    put_number(r, FIELD_HTTP_STATUS, (uint64_t)status_http(st->code));
    put_text(r, FIELD_OUTCOME, str_of(outcome_of(st->code)));
    if (st->code && !is_redacted(r, FIELD_PATH)) {
        struct str message = str_of(status_message(st));
        message.n = message.n > ERROR_SHOWN ? ERROR_SHOWN : message.n;
        put_text(r, FIELD_ERROR, message);
    }
}

static void put_cost(struct record *r, const struct call_notes *notes)
{
    put_number(r, FIELD_DURATION, (uint64_t)notes->total_ns / 1000);
    if (notes->rules_ns)
        put_number(r, FIELD_RULES, (uint64_t)notes->rules_ns / 1000);
    if (notes->commit_ns)
        put_number(r, FIELD_COMMIT, (uint64_t)notes->commit_ns / 1000);
    put_number(r, FIELD_REQUEST_BYTES, notes->request_bytes);
    put_number(r, FIELD_RESPONSE_BYTES, notes->response_bytes);
}

static void put_trail(struct record *r, const struct call *call)
{
    const struct call_notes *notes = &call->notes;
    uint64_t retry = retry_of(notes);
    if (notes->first_seq) {
        put_key(r, FIELD_ENTRIES);
        buf_byte(r->out, '[');
        put_digits(r->out, notes->first_seq);
        buf_byte(r->out, ',');
        put_digits(r->out, notes->last_seq);
        buf_byte(r->out, ']');
    }
    if (retry)
        put_number(r, FIELD_RETRY_OF, retry);
    put_true(r, FIELD_CALLER_GONE, notes->caller_gone);
    put_text(r, FIELD_FAULT, str_of(notes->fault));
    if (notes->fault_id)
        put_number(r, FIELD_FAULT_ID, notes->fault_id);
}

bool request_record_write(struct buf *out, const struct call *call, const struct request_redaction *redaction)
{
    struct record r = { out, redaction };
    const struct call_notes *notes = &call->notes;
    char time[TIMESTAMP_TEXT_MAX];
    size_t n = timestamp_text(time, timestamp_from_us(clock_wall_us() - notes->total_ns / 1000));
    put_text(&r, FIELD_TIME, str_from(time, n));
    put_text(&r, FIELD_SEVERITY, str_of(severity_of(call->status.code)));
    put_text(&r, FIELD_REQUEST_ID, call->request_id);
    put_text(&r, FIELD_TRACEPARENT, notes->traceparent);
    put_what(&r, call);
    put_principal(&r, &call->principal);
    put_decision(&r, &notes->decision);
    put_outcome(&r, call);
    put_cost(&r, notes);
    put_trail(&r, call);
    put_text(&r, FIELD_PEER, notes->peer);
    put_number(&r, FIELD_CONNECTION, notes->connection);
    put_text(&r, FIELD_USER_AGENT, notes->user_agent);
    return buf_z(out, "}\n");
}

/* request_fields.c - see request_fields.h. Names that begin with "cinderlog." or "labels.cinderlog_" are
 * custom fields: the schema has no word for it. */
#include "server/ops/request_fields.h"

#define ROW(name, ...)                                                                                       \
    {                                                                                                        \
        STR_INIT(name), __VA_ARGS__                                                                          \
    }

const struct request_field_row request_fields[FIELD_COUNT] = {
    [FIELD_TIME] = ROW("time", "when the request began", "timestamp", "@timestamp", "Timestamp", false),
    [FIELD_SEVERITY] =
        ROW("severity", "`INFO`; `NOTICE`: the caller's mistake; `WARNING`: denied; `ERROR`: ours",
            "severity", "log.level", "SeverityText", false),
    [FIELD_REQUEST_ID] =
        ROW("request_id", "from `x-request-id`, `traceparent`, the written document, else made here",
            "operation.id", "http.request.id", "http.request.header.x-request-id", true),
    [FIELD_TRACEPARENT] = ROW("traceparent", "W3C Trace Context, as it came", "trace, spanId",
                              "trace.id, span.id", "TraceId, SpanId", true),
    [FIELD_TRANSPORT] =
        ROW("transport", "`grpc`, `rest` or `webchannel`", "httpRequest.protocol", "network.protocol", "rpc.system", false),
    [FIELD_RPC] = ROW("rpc", "method of google.firestore.v1.Firestore", "protoPayload.methodName",
                      "cinderlog.rpc", "rpc.method", false),
    [FIELD_OPERATION] =
        ROW("operation",
            "in the words of the rules: `get`, `list`, `create`, `update`, `delete`; `write`: several",
            "protoPayload.authorizationInfo.permission", "event.action", "db.operation.name", false),
    [FIELD_PROJECT] = ROW("project", "of the database", "resource.labels.project_id", "cloud.project.id",
                          "cloud.account.id", true),
    [FIELD_DATABASE] = ROW("database", "`(default)`, mostly", "resource.labels.database_id",
                           "cinderlog.database", "db.namespace", false),
    [FIELD_PATH] = ROW("path", "document or collection; of several the first", "protoPayload.resourceName",
                       "cinderlog.path", "cinderlog.path", true),
    [FIELD_WRITES] =
        ROW("writes", "of a call that writes: operation, path, code, seq, request_id, retry_of of each",
            "protoPayload.request.writes", "cinderlog.writes", "cinderlog.writes", false),
    [FIELD_PRINCIPAL] =
        ROW("principal", "`owner`, `user` or `anonymous`; never a token",
            "protoPayload.authenticationInfo.authoritySelector", "user.roles", "user.roles", false),
    [FIELD_UID] = ROW("uid", "of a user", "protoPayload.authenticationInfo.principalSubject", "user.id",
                      "user.id", true),
    [FIELD_PROVIDER] = ROW("provider", "how the user signed in, by the token",
                           "protoPayload.authenticationInfo.thirdPartyPrincipal", "user.domain",
                           "cinderlog.provider", false),
    [FIELD_OWNER_AS] = ROW("owner_as", "true: an owner token that `--owner-as` sent through the rules",
                           "protoPayload.authenticationInfo.serviceAccountDelegationInfo",
                           "user.effective.roles", "cinderlog.owner_as", false),
    [FIELD_DECISION] =
        ROW("decision", "`allow`, `deny`, or `error`: a rule failed, which denies",
            "protoPayload.authorizationInfo.granted", "event.type", "cinderlog.decision", false),
    [FIELD_DECIDED_BY] =
        ROW("decided_by", "`rules`, `iam`, `append-only`, or `owner`: nobody was asked",
            "protoPayload.authorizationInfo.permissionType", "event.provider", "cinderlog.decided_by", false),
    [FIELD_RULE] = ROW("rule", "FILE:LINE:COLUMN of the allow that granted, or the first that was tried",
                       "sourceLocation", "rule.name", "code.file.path, code.line.number", false),
    [FIELD_RULESET] = ROW("ruleset", "SHA-256 of the rules, as in the ledger", "labels.cinderlog_ruleset",
                          "rule.version", "cinderlog.ruleset", false),
    [FIELD_REASON] = ROW("reason", "of a denial", "protoPayload.metadata.reason", "event.reason",
                         "cinderlog.reason", false),
    [FIELD_CODE] = ROW("code", "gRPC status, by name", "protoPayload.status.code", "error.code",
                       "rpc.response.status_code", false),
    [FIELD_HTTP_STATUS] = ROW("http_status", "the same as HTTP has it", "httpRequest.status",
                              "http.response.status_code", "http.response.status_code", false),
    [FIELD_OUTCOME] =
        ROW("outcome", "`success`, `failure`, or `unknown`: whether it was committed is not known",
            "labels.cinderlog_outcome", "event.outcome", "cinderlog.outcome", false),
    [FIELD_ERROR] = ROW("error", "the message, cut at 500 bytes; left out where `path` is redacted",
                        "protoPayload.status.message", "error.message", "error.message", true),
    [FIELD_DURATION] = ROW("duration_us", "from the whole request to its answer", "httpRequest.latency",
                           "event.duration", "cinderlog.duration_us", false),
    [FIELD_RULES] = ROW("rules_us", "of that, in decisions by rules", "protoPayload.metadata.rules_us",
                        "cinderlog.rules_us", "cinderlog.rules_us", false),
    [FIELD_COMMIT] = ROW("commit_us", "of that, until the ledger had it", "protoPayload.metadata.commit_us",
                         "cinderlog.commit_us", "cinderlog.commit_us", false),
    [FIELD_REQUEST_BYTES] = ROW("request_bytes", "of the request's message", "httpRequest.requestSize",
                                "http.request.body.bytes", "http.request.body.size", false),
    [FIELD_RESPONSE_BYTES] = ROW("response_bytes", "of the answer's messages", "httpRequest.responseSize",
                                 "http.response.body.bytes", "http.response.body.size", false),
    [FIELD_ENTRIES] = ROW("entries", "[first, last] entry of the ledger that it made, refusals too",
                          "labels.cinderlog_entries", "event.sequence", "cinderlog.entries", false),
    [FIELD_RETRY_OF] =
        ROW("retry_of", "a create of what is there already, with equal content: that one's entry",
            "labels.cinderlog_retry_of", "cinderlog.retry_of", "cinderlog.retry_of", false),
    [FIELD_CALLER_GONE] =
        ROW("caller_gone", "true: the client left, or its deadline passed, before the answer",
            "labels.cinderlog_caller_gone", "cinderlog.caller_gone", "cinderlog.caller_gone", false),
    [FIELD_FAULT] = ROW("fault", "what was injected", "labels.cinderlog_fault", "cinderlog.fault",
                        "cinderlog.fault", false),
    [FIELD_FAULT_ID] = ROW("fault_id", "by which fault", "labels.cinderlog_fault_id", "cinderlog.fault_id",
                           "cinderlog.fault_id", false),
    [FIELD_PEER] = ROW("peer", "the client's address and port", "protoPayload.requestMetadata.callerIp",
                       "client.address, client.port", "client.address, client.port", true),
    [FIELD_CONNECTION] =
        ROW("connection", "number of the connection in this run", "labels.cinderlog_connection",
            "cinderlog.connection", "cinderlog.connection", false),
    [FIELD_USER_AGENT] = ROW("user_agent", "the client library, mostly", "httpRequest.userAgent",
                             "user_agent.original", "user_agent.original", true),
};

enum request_field request_field_by_name(struct str name)
{
    size_t i = 0;
    while (i < FIELD_COUNT && !str_eq(request_fields[i].name, name))
        i++;
    return (enum request_field)i;
}

void request_fields_print(struct buf *out)
{
    buf_z(out, "| field | what | Cloud Logging | ECS | OpenTelemetry |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct request_field_row *f = &request_fields[i];
        buf_printf(out, "| `" STR_FMT "` | %s | %s | %s | %s |\n", STR_ARG(f->name), f->what, f->cloud,
                   f->ecs, f->otel);
    }
}

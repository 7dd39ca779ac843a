/* request_fields.h - the fields of a record of the request log: one row each, with what others call them.
 *
 * The writer of records, `--audit-redact` and the documentation (`cinderlog request-log`) all read this
 * table, so that a field is one row and one line in request_record.c. */
#ifndef SERVER_OPS_REQUEST_FIELDS_H
#define SERVER_OPS_REQUEST_FIELDS_H

#include "core/buf.h"

enum request_field {
    FIELD_TIME,
    FIELD_SEVERITY,
    FIELD_REQUEST_ID,
    FIELD_TRACEPARENT,
    FIELD_TRANSPORT,
    FIELD_RPC,
    FIELD_OPERATION,
    FIELD_PROJECT,
    FIELD_DATABASE,
    FIELD_PATH,
    FIELD_WRITES,
    FIELD_PRINCIPAL,
    FIELD_UID,
    FIELD_PROVIDER,
    FIELD_OWNER_AS,
    FIELD_DECISION,
    FIELD_DECIDED_BY,
    FIELD_RULE,
    FIELD_RULESET,
    FIELD_REASON,
    FIELD_CODE,
    FIELD_HTTP_STATUS,
    FIELD_OUTCOME,
    FIELD_ERROR,
    FIELD_DURATION,
    FIELD_RULES,
    FIELD_COMMIT,
    FIELD_REQUEST_BYTES,
    FIELD_RESPONSE_BYTES,
    FIELD_ENTRIES,
    FIELD_RETRY_OF,
    FIELD_CALLER_GONE,
    FIELD_FAULT,
    FIELD_FAULT_ID,
    FIELD_PEER,
    FIELD_CONNECTION,
    FIELD_USER_AGENT,
    FIELD_COUNT,
};

struct request_field_row {
    struct str name;
    const char *what;
    const char *cloud; /* LogEntry of Google Cloud Logging, with an AuditLog as protoPayload */
    const char *ecs;   /* Elastic Common Schema 8 */
    const char
        *otel; /* OpenTelemetry: a member of the log record, or an attribute of its semantic conventions */
    bool redactable;
};
/* By enum request_field. */
extern const struct request_field_row request_fields[FIELD_COUNT];

/* The field of that name, FIELD_COUNT when there is none. */
enum request_field request_field_by_name(struct str name);
/* All of them as a table in Markdown. */
void request_fields_print(struct buf *out);

#endif

/* request_id.h - the id by which one request is found again: in the request log, in the answer, in the
 * ledger.
 *
 * The first of: the header (metadata) x-request-id, the trace id of a W3C traceparent header, the text field
 * --request-id-field of a written document (the Python client can send no header per call); else one of ours.
 */
#ifndef SERVER_OPS_REQUEST_ID_H
#define SERVER_OPS_REQUEST_ID_H

#include "core/value.h"

struct call;

enum { REQUEST_ID_MAX = 128 }; /* bytes, as recorded */

/* An id as it is recorded: what could deceive a reader of logs escaped (log_escape), and cut between
 * characters. Of one that is recorded it makes the same again. In arena. */
struct str request_id_safe(struct arena *arena, struct str given);
/* What the caller's headers say, safe; empty when they say nothing. */
struct str request_id_of_headers(struct arena *arena, struct str x_request_id, struct str traceparent);
/* The text of the field in a document, safe; empty when there is none. */
struct str request_id_of_fields(struct arena *arena, const struct value_map *fields, const char *field);
/* Of the first document written by the call's request that has the field; empty when none has. */
struct str request_id_of_writes(const struct call *call);
/* As the value of a header: printable ASCII, everything else and '%' as %XX where there is something else. */
struct str request_id_as_header(struct arena *arena, struct str id);

#endif

/* webchannel_wire.h - WebChannel's text forms; pure code.
 *
 * In: URLs and form-encoded bodies. Out: lengths before chunks. */
#ifndef SERVER_TRANSPORT_WEBCHANNEL_WIRE_H
#define SERVER_TRANSPORT_WEBCHANNEL_WIRE_H

#include "core/arena.h"
#include "core/status.h"

struct channel_query {
    struct str sid;     /* empty: none */
    bool back;          /* RID=rpc: a back channel */
    bool polling;       /* CI=1: its answer ends after the first arrays */
    bool terminate;     /* TYPE=terminate */
    int64_t aid;        /* the last array that the client has; -1: none, or not said */
    struct str headers; /* $httpHeaders, as the form's */
};
/* Unknown parameters are passed over. INVALID_ARGUMENT for bad escapes and for numbers that are none. */
enum status_code channel_query_read(struct channel_query *out, struct arena *arena, struct str query,
                                    struct status *st);

struct channel_form {
    uint64_t ofs; /* the number of the first message */
    size_t count;
    const struct str *messages; /* count of them; JSON as it came; p is NULL where the form has none */
    struct str headers;         /* lines of "Name:value" */
};
/* An empty body is a form without messages. INVALID_ARGUMENT names the field: bad escapes, numbers that are
 * none, a message that is there twice or beyond count, more than LIMIT_STREAM_MESSAGES. */
enum status_code channel_form_read(struct channel_form *out, struct arena *arena, struct str body,
                                   struct status *st);

/* The value of a header in such lines, without the blanks around it; `name` in lower case. Empty when absent.
 */
struct str channel_header(struct str lines, const char *name);

/* How many UTF-16 code units text has, which is well-formed UTF-8. */
size_t channel_units(struct str text);

#endif

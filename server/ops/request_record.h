/* request_record.h - one record of the request log: what a call was, as one line of JSON. */
#ifndef SERVER_OPS_REQUEST_RECORD_H
#define SERVER_OPS_REQUEST_RECORD_H

#include "core/buf.h"

struct call;

/* What is not to be written plainly: bits of enum request_field. In its place stands "redacted:" and a hash
 * under the salt, so that equal values of one run can still be told to be equal. */
struct request_redaction {
    uint64_t fields;
    unsigned char salt[16];
};

enum {
    REQUEST_RECORD_MAX = 64 * 1024, /* bytes of a line */
    REQUEST_RECORD_WRITES =
        48 * 1024, /* bytes after which a record lists no more writes, but says how many */
};

/* Appends the line, newline included. Fields that have nothing to say are left out. Whatever the request put
 * into it is one line of JSON, with nothing that a terminal or a reader of text would take for something
 * else. */
bool request_record_write(struct buf *out, const struct call *call,
                          const struct request_redaction *redaction);

#endif

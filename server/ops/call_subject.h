/* call_subject.h - what a call is about, for logs and counters: which database, and which document or
 * collection. */
#ifndef SERVER_OPS_CALL_SUBJECT_H
#define SERVER_OPS_CALL_SUBJECT_H

#include "core/path.h"

struct call;

struct call_subject {
    struct database_name db; /* empty when the request names none, or not well */
    struct str path; /* relative; of a query the collection, of several documents the first; else empty */
    const char
        *operation; /* "get", "list", "create", "update", "delete", "write" (several), "begin", "rollback" */
};

/* Borrows from the call, or lives in its arena. */
void call_subject(struct call_subject *out, const struct call *call);

#endif

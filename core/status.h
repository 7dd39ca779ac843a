/* status.h - how every function of this program says what went wrong.
 *
 * One of the 17 canonical codes (google.rpc.Code) and one message, written where the fact is known and
 * passed up untouched. The caller owns the struct. Functions that can fail return the code (0 is OK), so
 * that `if (f(&out, ..., st)) goto out;` reads well.
 *
 * INTERNAL and UNAVAILABLE are never used for what a request got wrong: clients retry those. */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include "core/arena.h"

enum status_code {
    STATUS_OK = 0,
    STATUS_CANCELLED = 1,
    STATUS_UNKNOWN = 2,
    STATUS_INVALID_ARGUMENT = 3,
    STATUS_DEADLINE_EXCEEDED = 4,
    STATUS_NOT_FOUND = 5,
    STATUS_ALREADY_EXISTS = 6,
    STATUS_PERMISSION_DENIED = 7,
    STATUS_RESOURCE_EXHAUSTED = 8,
    STATUS_FAILED_PRECONDITION = 9,
    STATUS_ABORTED = 10,
    STATUS_OUT_OF_RANGE = 11,
    STATUS_UNIMPLEMENTED = 12,
    STATUS_INTERNAL = 13,
    STATUS_UNAVAILABLE = 14,
    STATUS_DATA_LOSS = 15,
    STATUS_UNAUTHENTICATED = 16,
};

/* One google.rpc.ErrorInfo: a reason in UPPER_SNAKE_CASE, our domain, and named facts. Or, with retry_ms, one
 * google.rpc.RetryInfo: when trying again may help; nothing else of it is set then. */
struct status_detail {
    const char *reason;
    size_t count;
    struct status_fact {
        const char *key;
        struct str value;
    } *facts;
    struct status_detail *next;
    int64_t retry_ms; /* 0: an ErrorInfo */
};
#define STATUS_DETAIL_DOMAIN "cinderlog.dev"

struct status {
    enum status_code code;
    struct arena *arena;            /* borrowed; NULL cuts messages to `small` */
    const char *text;               /* in the arena, or NULL: then `small` holds it */
    const struct status_detail *details; /* in the arena; NULL for none */
    char small[240];
};

/* STATUS_OK, with messages to be kept in `arena` (may be NULL). */
static inline struct status status_init(struct arena *arena) { return (struct status){ .arena = arena }; }

/* Sets code and message and returns the code. Messages are one line unless Google's has more. */
enum status_code status_set(struct status *st, enum status_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Text from outside as messages show it: NUL and what is no UTF-8 as \xHH, cut when very long (a name may
 * fill a whole request). Returns out. */
enum { STATUS_SHOWN = 3008 };
const char *status_show(char out[STATUS_SHOWN], struct str text);
/* Back to OK. */
void status_clear(struct status *st);
/* The message, "" when there is none; valid as long as the struct and its arena. */
const char *status_message(const struct status *st);
/* Copies code, message and details into `to`, which keeps its own arena. */
void status_copy(struct status *to, const struct status *from);

/* "INVALID_ARGUMENT" and so on; "UNKNOWN" for a number that is no code. */
const char *status_name(enum status_code code);
/* HTTP status of a code as google.api maps them (observed on Google's emulator 1.19.9). */
int status_http(enum status_code code);

#endif

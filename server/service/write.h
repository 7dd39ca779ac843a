/* write.h - what one google.firestore.v1.Write does to one document. Pure: no store, no clock, no rules. */
#ifndef SERVER_SERVICE_WRITE_H
#define SERVER_SERVICE_WRITE_H

#include "core/field_path.h"
#include "core/messages.h"

/* A document between two writes of one request. */
struct write_state {
    bool exists;
    struct value_map fields;
    int64_t update_time_us; /* of the stored version; 0 when there is none */
};

struct write_target {
    struct str name; /* the resource name in the write, whichever kind it is */
    bool is_delete, is_verify;
};
/* INVALID_ARGUMENT "empty write operation" and the like. */
enum status_code write_target(struct write_target *out, const struct msg_write *write, struct status *st);

/* Checks the precondition against the state. `project`, `database` and `path` are for the messages. Codes and texts as
 * observed on Google's emulator 1.19.9: ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION. */
enum status_code write_check(const struct msg_precondition *precondition, const struct write_state *state,
                             struct str project, struct str path, struct status *st);

/* The state after the write, in arena; `state` is left alone. *results are the transform results, in
 * transform order (n is 0 without transforms). `now` is what REQUEST_TIME becomes. */
enum status_code write_apply(struct write_state *after, struct value_list *results, const struct msg_write *write,
                             const struct write_state *state, struct timestamp now, struct arena *arena,
                             struct status *st);

#endif

/* write.h - what one google.firestore.v1.Write does to one document. Pure: no store, no clock, no rules. */
#ifndef SERVER_SERVICE_WRITE_H
#define SERVER_SERVICE_WRITE_H

#include "core/field_path.h"
#include "core/messages.h"

/* A document between two writes of one request. */
struct write_state {
    bool exists;
    struct value_map fields;
    int64_t update_time_us; /* of the stored version, or when it was deleted; 0: there never was one */
};

/* The resource name that a write is about. INVALID_ARGUMENT for what no write of its kind may have: "empty
 * write operation" and the like. */
enum status_code write_target(struct str *name, const struct msg_write *write, struct status *st);

/* Its precondition as it is written: a verify has one, and a time has no more than microseconds. */
enum status_code write_check_form(const struct msg_write *write, struct status *st);

/* Checks the precondition against the state. `project`, `database` and `path` are for the messages. Codes and
 * texts as observed on Google's emulator 1.19.9: ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION, and
 * INVALID_ARGUMENT for an update time later than the document's. */
enum status_code write_check(const struct msg_precondition *precondition, const struct write_state *state,
                             struct str project, struct str path, struct status *st);

/* The state after the write, in arena, every field of it valid; `state` is left alone. *results are the
 * transform results, in transform order (n is 0 without transforms). `now` is what REQUEST_TIME becomes. It
 * fails for what is wrong with the write itself; whether the document that comes of it fits is
 * document_limits.h's. */
enum status_code write_apply(struct write_state *after, struct value_list *results,
                             const struct msg_write *write, const struct write_state *state,
                             struct timestamp now, struct arena *arena, struct status *st);
/* How many transforms it asks for. */
size_t write_transforms(const struct msg_write *write);

#endif

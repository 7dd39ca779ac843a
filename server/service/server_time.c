/* server_time.c - REQUEST_TIME: the moment that a request's server timestamps and rules are told.
 *
 * It has milliseconds, as on Google's emulator 1.19.9, which never answers two writes of one document within
 * one. Here that happens, and whoever stamps a document twice in a row expects two times: the second write
 * waits for the next millisecond. Writes that race for a document may still share one: they would all wait
 * for each other. */
#include "server/service/job.h"

enum { OP_UPDATE = 1, OP_TRANSFORM = 6, TO_SERVER_VALUE = 2, US_PER_MS = 1000 };

/* Whether it sets a server timestamp in a document that may be there already. */
static bool stamps_again(const struct msg_write *write)
{
    const struct msg_precondition *pre = write->current_document;
    const field_transform_list *list = NULL;
    if (pre && pre->condition_case == 1 && !pre->exists)
        return false;
    if (write->operation_case == OP_UPDATE)
        list = &write->update_transforms;
    else if (write->operation_case == OP_TRANSFORM)
        list = &write->transform.field_transforms;
    for (size_t i = 0; list && i < list->n; i++)
        if (list->items[i].transform_case == TO_SERVER_VALUE)
            return true;
    return false;
}

static int64_t ms_of(struct timestamp t)
{
    return timestamp_to_us(t) / US_PER_MS;
}

/* In which millisecond the newest of the documents was written that the run is to stamp; 0: none was. What
 * cannot be read is told later. */
static int64_t last_written(const struct run *run)
{
    struct worker *worker = run->call->worker;
    struct timestamp ignored;
    uint64_t view = store_view_now(run->call->server->store, &ignored);
    int64_t last = 0;
    for (size_t i = 0; i < run->n_jobs; i++) {
        const struct job *job = &run->jobs[i];
        for (size_t k = 0; job->state == JOB_READY && k < job->n; k++) {
            struct store_document doc = { 0 };
            struct status st = status_init(worker->scratch);
            if (!stamps_again(&job->writes[k]) ||
                store_get(worker->reader, view, run->db, job->names[k], worker->scratch, &doc, &st) ||
                !doc.exists)
                continue;
            if (ms_of(doc.update_time) > last)
                last = ms_of(doc.update_time);
        }
    }
    return last;
}

bool server_time_repeats(struct run *run)
{
    if (run->not_before_ms == 0) {
        int64_t last = last_written(run);
        /* A document from later than now means that the clock was set back: no reason to wait. */
        run->not_before_ms = last <= ms_of(authz_request_time()) ? last + 1 : 1;
    }
    if (ms_of(run->now) >= run->not_before_ms)
        return false;
    run->now = authz_request_time();
    return ms_of(run->now) < run->not_before_ms;
}

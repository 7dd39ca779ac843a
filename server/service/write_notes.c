/* write_notes.c - what became of each write of a run, for the request log. */
#include "server/service/job.h"

static enum store_operation operation_of(const struct msg_write *write, const struct pending *p)
{
    const struct msg_precondition *pre = write->current_document;
    if (write->operation_case == 2)
        return STORE_OPERATION_DELETE;
    if (write->operation_case == 5)
        return STORE_OPERATION_NONE;
    if (pre && pre->condition_case == 1)
        return pre->exists ? STORE_OPERATION_UPDATE : STORE_OPERATION_CREATE;
    if (pre && pre->condition_case == 2)
        return STORE_OPERATION_UPDATE;
    if (!p)
        return STORE_OPERATION_NONE;
    return p->base.exists ? STORE_OPERATION_UPDATE : STORE_OPERATION_CREATE;
}

/* Without what the server sets itself, which is never the same twice. */
static struct value_map as_sent(const struct value_map *fields, const struct msg_write *write,
                                struct arena *arena)
{
    struct value_map sent = *fields;
    struct status ignored = status_init(NULL);
    for (size_t i = 0; i < write->update_transforms.n; i++) {
        struct field_path path;
        if (field_path_parse(&path, arena, write->update_transforms.items[i].field_path, &ignored) ==
            STATUS_OK)
            field_path_set(arena, &sent, &path, NULL);
    }
    return sent;
}

/* A create that lost against an equal document: most likely the same one, sent again because its answer was
 * lost. */
static bool is_repeated(const struct msg_write *write, const struct pending *p, struct arena *arena)
{
    if (!p->base.exists || !p->assume_missing)
        return false;
    if (write->update_transforms.n == 0)
        return str_eq(p->raw, p->base.fields);
    struct value before = { .kind = VALUE_MAP, .map = as_sent(&p->before.fields, write, arena) };
    struct value now = { .kind = VALUE_MAP, .map = as_sent(&p->now.fields, write, arena) };
    return value_equal(&before, &now);
}

/* The entry that the write's document got in this commit; 0: none. */
static uint64_t entry_of(const struct job *job, const struct pending *p)
{
    const struct store_op *op = NULL;
    if (job->status.code == STATUS_OK)
        op = p->end_op > p->first_op ? &job->ops[p->end_op - 1] : NULL;
    else if (job->n_ops == 1 && str_eq(job->ops[0].path, p->path)) /* its refusal */
        return job->commit.first_seq;
    return op && op->seq != p->base.seq ? op->seq : 0;
}

static void note(struct call_write *out, const struct job *job, size_t i)
{
    const struct msg_write *write = &job->writes[i];
    const struct pending *p = job->doc_of ? job->doc_of[i] : NULL;
    *out = (struct call_write){
        .operation = operation_of(write, p),
        .path = job->names[i],
        .code = job->status.code,
    };
    if (!p)
        return;
    if (!str_eq(p->request_id, job->run->call->request_id))
        out->request_id = p->request_id;
    out->seq = entry_of(job, p);
    if (job->status.code == STATUS_ALREADY_EXISTS && is_repeated(write, p, job->run->call->arena))
        out->retry_of = p->base.seq;
}

void note_writes(struct run *run)
{
    struct call *call = run->call;
    size_t n = 0;
    for (size_t i = 0; i < run->n_jobs; i++)
        n += run->jobs[i].n;
    struct call_write *writes = ARENA_ARRAY(call->arena, struct call_write, n);
    call->notes.writes = writes;
    call->notes.n_writes = n;
    for (size_t i = 0; i < run->n_jobs; i++)
        for (size_t j = 0; j < run->jobs[i].n; j++)
            note(writes++, &run->jobs[i], j);
}

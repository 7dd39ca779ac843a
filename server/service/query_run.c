/* query_run.c - see query_run.h. */
#include "server/service/query_run.h"

#include "server/service/query_rules.h"

enum status_code query_run_begin(struct query_run *run, struct call *call, struct str parent,
                                 const struct consistency_choice *choice, struct status *st)
{
    if (path_parse_parent(&run->parent, parent, st))
        return st->code;
    run->db = run->parent.db;
    run->prefix = path_full(call->arena, run->db, STR("")).n + 1;
    run->choice = *choice;
    if (choice->kind == CONSISTENCY_TRANSACTION)
        return consistency_begin(&run->consistency, call, run->db, choice, st);
    return STATUS_OK;
}

/* ---- rules ---- */

enum status_code query_run_authorize(struct query_run *run, struct call *call, struct status *st)
{
    struct rules_query rules;
    authz_begin(&run->authz, call, call->arena, run->db, run->consistency.view, authz_request_time());
    query_rules(&rules, run->plan, run->structured, run->parent.path, call->arena);
    struct str path = rules.all_descendants ? rules.collection_id
                                            : path_join(call->arena, run->parent.path, rules.collection_id);
    return authz_list(&run->authz, path, &rules, st);
}

/* ---- running ---- */

enum status_code query_run_open(struct query_run *run, struct call *call, struct status *st)
{
    if (run->choice.kind != CONSISTENCY_TRANSACTION &&
        consistency_begin(&run->consistency, call, run->db, &run->choice, st))
        return st->code;
    consistency_fix_view(&run->consistency, call);
    if (query_run_authorize(run, call, st))
        return st->code;
    return query_open(&run->query, run->plan, call->worker->reader, run->consistency.view, st);
}

static enum status_code note_document(struct query_run *run, struct call *call, struct str path,
                                      struct status *st)
{
    struct store_document seen;
    struct transaction *txn = run->consistency.txn;
    if (transaction_lock(txn, path, st) ||
        store_peek(call->worker->reader, run->consistency.view, run->db, path, &seen, st))
        return st->code;
    transaction_saw(txn, path, seen.seq);
    return STATUS_OK;
}

enum status_code query_run_next(struct query_run *run, struct call *call, struct arena *arena,
                                struct document *out, struct status *st)
{
    if (query_next(run->query, call->worker->reader, arena, out, st))
        return st->code;
    if (!consistency_locks(&run->consistency) || query_paused(run->query))
        return STATUS_OK;
    if (out->name.n > 0)
        return note_document(run, call, str_skip(out->name, run->prefix), st);
    return transaction_saw_query(run->consistency.txn, run->parent.path, run->structured,
                                 run->consistency.view, st);
}

void query_run_end(struct query_run *run)
{
    query_close(run->query);
    run->query = NULL;
    authz_end(&run->authz);
    consistency_end(&run->consistency);
}

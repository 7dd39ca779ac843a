/* consistency.c - see consistency.h. */
#include "server/service/consistency.h"

#include "core/clock.h"

enum { OLDEST_S = 3600 };

/* A time before everything that the ledger holds is refused, as where history ends after an hour. */
enum status_code consistency_view_at(uint64_t *view, struct store_reader *reader, struct timestamp time,
                                     struct status *st)
{
    if (time.nanos % 1000 != 0)
        return status_set(st, STATUS_INVALID_ARGUMENT,
                          "timestamp cannot have more than microseconds precision");
    if (timestamp_to_us(time) <= 0)
        return status_set(st, STATUS_INVALID_ARGUMENT, "Only timestamps past epoch are supported.");
    if (store_view_at(reader, time, view, st))
        return st->code;
    if (*view == 0 && timestamp_to_us(time) < clock_wall_us() - (int64_t)OLDEST_S * 1000000)
        return status_set(st, STATUS_FAILED_PRECONDITION, "The requested 'read_time' is too old.");
    return STATUS_OK;
}

enum status_code consistency_begin(struct consistency *out, struct call *call, struct database_name db,
                                   const struct consistency_choice *choice, struct status *st)
{
    struct server *server = call->server;
    *out = (struct consistency){ 0 };
    struct str id = choice->transaction;
    struct msg_transaction_options options = { 0 };
    switch (choice->kind) {
    case CONSISTENCY_NEWEST:
        out->view = store_view_now(server->store, &out->read_time);
        return STATUS_OK;
    case CONSISTENCY_READ_TIME:
        out->read_time = choice->read_time;
        return consistency_view_at(&out->view, call->worker->reader, choice->read_time, st);
    case CONSISTENCY_NEW:
        options = choice->options ? *choice->options : options;
        /* One that a read begins is read-only by default (API reference, 1.19.9). */
        if (options.mode_case == 0)
            options.mode_case = 2;
        if (transactions_begin(server->transactions, server->store, call->worker->reader, db, &options,
                               call->arena, &id, st))
            return st->code;
        out->new_id = id;
        break;
    case CONSISTENCY_TRANSACTION:
        break;
    }
    if (transactions_enter(server->transactions, db, id, false, &out->txn, st))
        return st->code;
    if (transaction_read_only(out->txn))
        out->view = transaction_view(out->txn, &out->read_time);
    return STATUS_OK;
}

void consistency_fix_view(struct consistency *c, struct call *call)
{
    if (consistency_locks(c))
        c->view = store_view_now(call->server->store, &c->read_time);
}

void consistency_end(struct consistency *c)
{
    transaction_leave(c->txn);
    c->txn = NULL;
}

/* consistency.h - on which view a read is answered: newest, readTime, or a transaction's. */
#ifndef SERVER_SERVICE_CONSISTENCY_H
#define SERVER_SERVICE_CONSISTENCY_H

#include "server/rpc/rpc.h"
#include "server/service/transaction.h"

/* The consistency_selector oneof, whichever field numbers a message gives it. */
struct consistency_choice {
    enum consistency_kind { CONSISTENCY_NEWEST, CONSISTENCY_TRANSACTION, CONSISTENCY_NEW, CONSISTENCY_READ_TIME } kind;
    struct str transaction;
    const struct msg_transaction_options *options;
    struct timestamp read_time;
};

/* Which it is, given the number in a message's case and those that the message gives to the three. */
static inline enum consistency_kind consistency_kind_of(uint32_t set, uint32_t transaction, uint32_t new_transaction,
                                                        uint32_t read_time)
{
    return set == 0                 ? CONSISTENCY_NEWEST
           : set == transaction     ? CONSISTENCY_TRANSACTION
           : set == new_transaction ? CONSISTENCY_NEW
           : set == read_time       ? CONSISTENCY_READ_TIME
                                    : CONSISTENCY_NEWEST;
}

struct consistency {
    uint64_t view;
    struct timestamp read_time;
    struct transaction *txn; /* entered; NULL outside transactions */
    struct str new_id;       /* of a transaction begun by this read */
};

/* The view of a readTime. INVALID_ARGUMENT before 1970 and in the future, FAILED_PRECONDITION before everything. */
enum status_code consistency_view_at(uint64_t *view, struct store_reader *reader, struct timestamp time,
                                     struct status *st);
/* Enters or begins the transaction and, except for read-write ones, fixes the view. */
enum status_code consistency_begin(struct consistency *out, struct call *call, struct database_name db,
                                   const struct consistency_choice *choice, struct status *st);
/* Read-write transactions: fixes the view now. Call after the locks of what is read were taken. Harmless
 * otherwise. */
void consistency_fix_view(struct consistency *c, struct call *call);
/* Whether reads must be locked and noted. */
static inline bool consistency_locks(const struct consistency *c) { return c->txn && !transaction_read_only(c->txn); }
/* Leaves the transaction. */
void consistency_end(struct consistency *c);

#endif

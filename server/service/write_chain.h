/* write_chain.h - which writes of one document go together in one request. Pure: no store.
 *
 * Google's emulator joins all writes of a document into one before it looks at what is stored, and refuses
 * those that contradict each other whatever that is: creating what an earlier write has left there, updating
 * what it deleted, naming another version. So only the precondition of a document's first write is about the
 * stored version; the later ones hold because the chain does. Rules and texts: every pair and some triples of
 * writes, observed on 1.19.9. */
#ifndef SERVER_SERVICE_WRITE_CHAIN_H
#define SERVER_SERVICE_WRITE_CHAIN_H

#include "core/messages.h"

enum write_chain_kind {
    CHAIN_NONE, /* no write of it yet: what a zeroed struct is */
    CHAIN_INSERT,
    CHAIN_UPDATE,
    CHAIN_UPSERT,
    CHAIN_DELETE,
    CHAIN_VERIFY,
};

/* What the writes of one document come to so far. */
struct write_chain {
    enum write_chain_kind kind;
    bool has_version; /* some precondition named an update time: */
    int64_t version_us;
};

/* Adds a write. INVALID_ARGUMENT when it contradicts the ones before; the chain then takes it all the same.
 */
enum status_code write_chain_add(struct write_chain *chain, const struct msg_write *write, struct status *st);

#endif

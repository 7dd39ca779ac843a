/* server.h - the running server: what every part of this room may reach through a call.
 *
 * Built by cli/app.c from options, in this order: net and its loop, store, rules, pool, transactions; then
 * `readiness` is reached, and the struct itself does not change any more. Everything here is thread-safe by its
 * own contract. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "rules-engine/rules.h"
#include "server/auth/principal.h"
#include "server/options.h"
#include "server/pool.h"
#include "server/readiness.h"
#include "storage/storage.h"

#include <stdatomic.h>

struct faults;
struct feed;
struct metrics;
struct expectations;
struct net;
struct request_log;
struct summary;
struct transactions;
struct rules_registry;
struct listen_hub;
struct write_memory;

struct server {
    const struct options *options;
    struct store *store;
    struct pool *pool;
    struct net *net;
    struct rules_registry *rules;
    struct transactions *transactions;
    struct listen_hub *listeners;
    struct write_memory *write_memory;
    struct summary *summary;
    struct faults *faults; /* NULL: none can be set */
    struct metrics *metrics; /* NULL: nothing is counted */
    struct request_log *request_log; /* NULL: none */
    struct feed *feed; /* NULL: nobody can listen */
    struct expectations *expectations; /* NULL: none */
    struct owner_policy *policies; /* by listener index */
    size_t n_policies;
    struct readiness readiness; /* before it is reached the loop may touch nothing else here but what is constant */
    bool quiet; /* denials are not told on the terminal: whoever runs this tells them (rules test) */
    atomic_bool stopping;
    atomic_size_t calls; /* running */
};

#endif

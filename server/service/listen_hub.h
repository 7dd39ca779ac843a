/* listen_hub.h - who hears of which change: one place reads what was committed, once, and wakes the streams
 * concerned.
 *
 * The hub has a position, a view up to which it has told everybody everything. A batch of commits becomes
 * visible (listen_hub_visible, on the writer: one atomic load when nobody listens); a worker then reads the
 * ledger's entries from the position on, notes for each target the changes that may concern it, and moves the
 * position.
 *
 *   H1  A watch that is added while the newest view is V is noted every change after V that may concern it,
 *       in order; maybe some before V, too.
 *   H2  What listen_hub_take gives out is complete up to the position that it returns: a change that may
 *       concern a watch and is not after that position was given out, now or before. Some after it may have
 *       been, too: they are kept by whoever took them until the position has reached them, which wakes him.
 *   H3  What waits for one watch is bounded (LIMIT_LISTEN_NEWS). Beyond it only `lost` is kept: whoever
 *       takes it reads the ledger from where it was (store_changes). So a client that does not read costs
 *       nothing. Every LIMIT_LISTEN_BEAT_S all streams are woken, which then say that they live.
 *   H4  A call is poked only while it is registered: from listen_hub_add until listen_hub_remove returned. */
#ifndef SERVER_SERVICE_LISTEN_HUB_H
#define SERVER_SERVICE_LISTEN_HUB_H

#include "server/rpc/rpc.h"

struct listen_hub;

enum listen_scope {
    LISTEN_DOCUMENT,   /* path */
    LISTEN_COLLECTION, /* documents directly in the collection at path */
    LISTEN_GROUP,      /* documents in any collection whose id is path */
    LISTEN_DATABASE,   /* every document */
};

/* Something that a watch looks at. `rule`: a document that its rule looked up. */
struct listen_key {
    enum listen_scope scope;
    bool rule;
    struct str path;
    struct listen_watch *watch; /* the hub's, as are the following */
    uint32_t hash;
    struct listen_key *next, **prev; /* in its bucket */
};

/* What has come for a watch. */
struct listen_news {
    struct buf changes;    /* listen_news_next; an empty path: the whole database was cleared */
    bool lost;             /* some are missing there */
    uint64_t rule_changed; /* the newest change of a document that the rules looked up; 0: none */
};

/* One target's. Everything is borrowed until it is removed. */
struct listen_watch {
    struct call *call;
    struct database_name db;
    struct listen_key *keys;
    size_t n_keys;
    struct listen_watch *sibling; /* the stream's next one */
    struct listen_news news;      /* taken: the stream's; the buffer is freed by listen_hub_remove */
    /* The hub's: */
    struct listen_news coming;
    bool told;       /* something has come since the position was moved */
    uint64_t awaits; /* a position; 0: none */
    struct listen_watch *next, **prev;
};

/* The server's store and pool are used once somebody listens. */
struct listen_hub *listen_hub_new(struct server *server);
/* After the pool is closed. */
void listen_hub_free(struct listen_hub *hub);

/* How many targets there are. NULL: 0. */
size_t listen_hub_watches(const struct listen_hub *hub);

/* store_observer.visible. */
void listen_hub_visible(struct listen_hub *hub);
/* Other rules are in force: wakes every stream. NULL is allowed. */
void listen_hub_rules_changed(struct listen_hub *hub);
/* How often that was: whoever has asked the rules since this number came asks again once it is another. */
uint64_t listen_hub_rules(const struct listen_hub *hub);
/* Wakes every stream: the server stops. NULL is allowed. */
void listen_hub_wake_all(struct listen_hub *hub);

/* From here on changes are noted. `call`, `db` and the keys are given. */
void listen_hub_add(struct listen_hub *hub, struct listen_watch *watch);
void listen_hub_remove(struct listen_hub *hub, struct listen_watch *watch);

/* Adds to the news of each watch of a stream, `first` and its siblings, what has come; *time is to be
 * reported for that view. False, and nothing, while the position is below `least`: the call is poked once it
 * is not. */
bool listen_hub_take(uint64_t *position, struct timestamp *time, struct listen_hub *hub,
                     struct listen_watch *first, uint64_t least);
/* Replaces the keys; what has come stays. */
void listen_hub_rekey(struct listen_hub *hub, struct listen_watch *watch, struct listen_key *keys, size_t n);
/* False when there is no room: `changes` is as it was. */
bool listen_news_put(struct buf *changes, uint64_t seq, struct str path);
/* Takes the oldest change off *rest. False at the end. */
bool listen_news_next(struct str *rest, uint64_t *seq, struct str *path);

#endif

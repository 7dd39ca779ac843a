/* listen_state.h - shared by the files of Listen: one stream and its targets.
 *
 * A target is a query or a list of documents that the client wants to be kept told about. The client knows
 * each target as it was in one view, `target->known`; a *round* takes all targets of the stream from there to
 * one later view, so that what the client has between two rounds is one moment of the whole database.
 * Documents in the ledger have all their versions, so a target keeps nothing but that number: whether a
 * document was in the result before is asked of the view before.
 *
 *   listen.c         messages of the client, the order of work, what is sent
 *   listen_target.c  a target's beginning: checked, authorized, watched (listen_hub.h), and its end
 *   listen_follow.c  a target's documents: all of a view, or what changed between two
 *
 *   L1  For every document that changed in scope between `known` and the round's view, exactly one message
 *       says so: changed where it is in the result of the later view, removed or deleted where it was in
 *       that of the earlier one only.
 *   L2  `known` moves to the round's view when all of that was sent, never before: work that parks goes on
 *       where it was.
 *   L3  The snapshot message (NO_CHANGE without targets) is sent when every target has reached the round's
 *       view, with that view's read time and token; read times never go backwards.
 *   L4  A target is told of only while the rules grant it: they are asked when it is added, when other rules
 *       are in force (before the next piece of work, also in the middle of one that had to rest), when a
 *       document that they looked up has changed, and with each document of a list. Refused, it is removed
 *       with the reason; the stream goes on.
 *   L5  A resume token is a view of this ledger. One of another ledger, or of before a reset, is answered by
 *       all results. */
#ifndef SERVER_SERVICE_LISTEN_STATE_H
#define SERVER_SERVICE_LISTEN_STATE_H

#include "core/messages.h"
#include "server/service/answer.h"
#include "server/service/listen_hub.h"
#include "storage/query.h"

enum target_phase {
    TARGET_FILLING,   /* all results of the view `known` are being sent */
    TARGET_COUNTING,  /* resumed: how many results the view `known` has, since the client said how many it has
                       */
    TARGET_FOLLOWING, /* rounds */
};

struct window; /* listen_follow.c: the results of a query with limit or offset, or after a clear, while a
                  round compares them */

struct target {
    struct target *next;
    struct call *call; /* of its own, never finished: arena, principal, worker */
    const struct msg_target *asked;
    int32_t id;
    enum target_phase phase;
    bool resuming; /* CURRENT has not been sent yet, though no result of `known` will be */
    bool behind;   /* what changed after `behind_at` must be read in the ledger */
    uint64_t behind_at;
    bool behind_again; /* in the next round, too: what came after this round's view was not kept */
    bool cleared;      /* the whole database was, between `known` and the round's view */
    bool in_round;     /* it was there when the round began */
    bool ask_again;    /* the rules looked up what has changed since */
    uint64_t rules;    /* listen_hub_rules when they were asked */
    int64_t expected_count, count; /* count: results, from TARGET_COUNTING on */
    bool miscounted;               /* the client resumed with another number of results than there were */
    uint64_t known;
    struct timestamp known_time; /* while filling */
    /* a query */
    struct query_plan *plan; /* NULL: documents */
    struct str parent;
    const struct msg_structured_query *structured;
    struct answer_mask mask; /* of its projection */
    bool windowed;           /* has limit or offset */
    struct query *query;     /* filling, counting */
    struct window *window;
    bool window_changed;
    /* documents */
    struct str *paths;
    size_t n_paths, next_path; /* next_path: while filling */

    struct listen_watch watch;
    bool watched;
    struct listen_key *scope_keys; /* of the target itself; the watch has the rule's too */
    size_t n_scope_keys;
    struct str news; /* in watch.news.changes: what has still to be looked at, in this round or a later one */
};

struct listen {
    struct call *call;
    struct database_name db; /* project empty: not said yet */
    struct target *targets;  /* in the order in which they came */
    size_t n_targets;
    struct listen_watch *watches; /* the targets', linked as siblings */
    struct arena *scratch;        /* of one document */
    int64_t slice_end;
    bool owes_snapshot;         /* something was sent since the last one, or a target has begun */
    int64_t beat_ns;            /* of the last snapshot */
    struct timestamp sent_time; /* the newest that was sent */
    uint64_t least; /* no round is before it: a view whose time was sent, in which a target began (H1), or in
                       which something looked up has changed */
    /* The round, while there is one: */
    bool in_round;
    uint64_t view;
    struct timestamp time;
    struct target *at;
};

enum listen_work {
    LISTEN_DONE,      /* with this piece */
    LISTEN_CONGESTED, /* the client reads slowly */
    LISTEN_SLICE_OVER,
    LISTEN_REFUSED, /* the target has to go; the status says why */
};

/* ---- listen.c ---- */

/* Between two documents: whether the client reads slowly or the slice is over. */
bool listen_must_rest(enum listen_work *why, struct listen *l);
void listen_send_target(struct listen *l, enum msg_target_change_type type, const struct target *t,
                        const struct status *cause);
void listen_send_document(struct listen *l, const struct target *t, const struct document *document);
/* removed: it exists, but is no result any more. */
void listen_send_gone(struct listen *l, const struct target *t, struct str path, bool removed);

/* ---- listen_target.c ---- */

/* The resume token of a view. */
struct str listen_token(struct arena *arena, struct store *store, uint64_t view);

/* Takes over `call`, whose request is `asked`. Checked, watched and authorized; a refusal is in call->status.
 * The target is there in any case. */
struct target *target_new(struct listen *l, struct call *call, const struct msg_target *asked);
void target_free(struct listen *l, struct target *t);
/* Asks the rules again, on `view`. */
enum status_code target_authorize(struct listen *l, struct target *t, uint64_t view, struct status *st);
/* Whether the document lies where the target looks. */
bool target_has_in_scope(const struct target *t, struct str path);

/* ---- listen_follow.c ---- */

/* Sends all results of the view `known`, or goes on with it. */
enum listen_work target_fill(struct listen *l, struct target *t, struct status *st);
enum listen_work target_count(struct listen *l, struct target *t, struct status *st);
/* Takes it to the round's view, or goes on with it. */
enum listen_work target_follow(struct listen *l, struct target *t, struct status *st);
/* All results again, of `view`. */
void target_start_filling(struct target *t, uint64_t view, struct timestamp time);
void target_stop_work(struct target *t);

#endif

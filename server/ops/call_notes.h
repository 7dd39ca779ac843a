/* call_notes.h - what is learned of a call on its way: for the request log, the metrics and the exit summary.
 *
 * Filled by whoever runs the call (one thread at a time, see rpc.h) and read once, at its end (call_log.h).
 * Texts and arrays live in the call's arena, or as long as its exchange. */
#ifndef SERVER_OPS_CALL_NOTES_H
#define SERVER_OPS_CALL_NOTES_H

#include "storage/storage.h"

enum call_verdict {
    CALL_UNDECIDED, /* refused or answered before anybody was asked */
    CALL_ALLOWED,
    CALL_DENIED,
    CALL_ERROR, /* a rule could not be evaluated, which denies too */
};

/* The last decision of a call: the one that its answer follows from. */
struct call_decision {
    enum call_verdict verdict;
    const char *by;  /* "rules", "iam", "owner" (nobody was asked), "append-only"; NULL while undecided */
    struct str file; /* with line and column: the allow that granted, or the first that was tried */
    uint32_t line, column;       /* 0: no allow matched, or it was not the rules */
    struct str reason;           /* of a denial, in one line */
    const unsigned char *digest; /* of the ruleset, 32 bytes; NULL: none was asked */
};

/* One write of a call. */
struct call_write {
    /* As it was asked; NONE: a verify, or refused before it was known which. */
    enum store_operation operation;
    struct str path;
    struct str request_id; /* its document's own, where that is not the call's; else empty */
    enum status_code code; /* of this write, where others may have succeeded (BatchWrite) */
    uint64_t seq;          /* of its entry; 0: it made none */
    uint64_t retry_of;     /* a create of what is there already, with equal content: that one's entry */
};

struct call_notes {
    uint32_t decisions_allowed, decisions_denied;
    struct call_decision decision;
    int64_t rules_ns;       /* in decisions, look-ups included */
    int64_t commit_ns;      /* from handing the writes to the writer until it was done, all rounds; 0: none */
    int64_t total_ns;       /* set when the call ends */
    uint64_t request_bytes; /* of the message as it came */
    uint64_t response_bytes;      /* of the messages of the answer; an error has none */
    uint64_t first_seq, last_seq; /* of the entries it made, refusals included; 0: none */
    const struct call_write *writes;
    size_t n_writes;
    bool caller_gone;      /* set when the call ends: the client has left, or its deadline has passed */
    const char *fault;     /* what was injected into it, "UNAVAILABLE", "lost-answer"; NULL: nothing */
    uint64_t fault_id;     /* of the fault's row; 0: it has none */
    const char *transport; /* "grpc", "rest", "webchannel" */
    struct str peer, user_agent, traceparent;
    uint64_t connection;
};

#endif

/* rpc.h - the one table of RPCs, and the call: one RPC being answered, whatever it came over.
 *
 * Transports (rest, grpc, later WebChannel) make a call: request decoded into its arena, principal taken
 * from the token, a reply sink. rpc_dispatch passes the one ordered gate and runs it on a worker. The
 * RPC answers with call_send (0 or 1 message for unary, any number for streams) and exactly one call_finish.
 *
 *   run() returns RPC_DONE    after call_finish,
 *                 RPC_PARKED  after having arranged that somebody calls call_resume or call_finish.
 *
 * A call of RPC_BIDI has no request but an inbox; it parks with call_wait and is woken by call_poke, never by
 * call_resume. What it keeps between steps it keeps in arenas of its own: call->arena lives as long as the stream.
 *
 * Everything about a request lives in call->arena; it is used by one thread at a time: worker, then writer
 * (completion of a commit), then worker ... handed over by the queues, which order memory. */
#ifndef SERVER_RPC_RPC_H
#define SERVER_RPC_RPC_H

#include "core/codec.h"
#include "server/auth/principal.h"
#include "server/ops/call_notes.h"
#include "server/pool.h"
#include "server/rpc/inbox.h"

#include <stdatomic.h>

struct call;
struct server;

enum rpc_kind { RPC_UNARY, RPC_SERVER_STREAM, RPC_BIDI };
enum rpc_flow { RPC_DONE, RPC_PARKED };

struct rpc {
    const char *name;          /* "Commit": gRPC path is /google.firestore.v1.Firestore/Commit */
    const char *http_method;   /* NULL: not over REST */
    const char *http_template; /* google.api.http path, "{parent=projects/x/databases/x/documents/xx}" forms
                                  with one star for x, two for xx: see table.c */
    const char *http_template2; /* additional binding or NULL */
    const char *http_body;     /* "*", a field name, or NULL */
    enum rpc_kind kind;
    const struct schema_message *request, *response;
    enum rpc_flow (*run)(struct call *call); /* NULL: UNIMPLEMENTED with the RPC's name */
    const char *operation; /* for logs, in the words of the rules: "get", "list", "create" ... */
    bool writes;
};
extern const struct rpc rpc_table[];
extern const size_t rpc_count;
const struct rpc *rpc_by_name(struct str name);
/* v1beta1 is v1 under an older name, without the methods that came later. */
bool rpc_in_v1beta1(const struct rpc *rpc);
/* UNIMPLEMENTED for a row without run, or not in v1beta1: its name and, where there is something, what to use. */
enum status_code rpc_unimplemented(const struct rpc *rpc, bool v1beta1, struct status *st);

/* What can happen to an answer on purpose (server/faults). All but SINK_GOAWAY are its end for the client: what comes
 * after them is dropped, and finish only frees. */
enum sink_fault {
    SINK_MUTE,     /* no byte of it, not even when the deadline passes */
    SINK_CLOSE,    /* the connection is closed; of an answer that has not begun, without a byte of it */
    SINK_RESET,    /* the same by a TCP reset */
    SINK_TRUNCATE, /* it breaks off: what there is of it goes out (of a unary one the first half), no end comes */
    SINK_GOAWAY,   /* it goes on; the connection takes no further call */
};

/* Implemented by each transport; embeds as first member of its own struct. Thread-safe against the loop. */
struct reply_sink {
    /* One response message. */
    void (*message)(struct reply_sink *sink, const void *response);
    /* The end, once: OK or an error (call->status). Frees the call afterwards (call_free). */
    void (*finish)(struct reply_sink *sink, const struct status *status);
    /* Bytes waiting for the client; above LIMIT_RESPONSE_BUFFER a stream parks. */
    size_t (*pending)(struct reply_sink *sink);
    /* Calls call_resume(call) once pending has fallen, or at once when cancelled. */
    void (*when_drained)(struct reply_sink *sink);
    void (*fault)(struct reply_sink *sink, enum sink_fault fault);
};

struct call {
    struct task task; /* first: the pool's queue links through it */
    struct server *server;
    const struct rpc *rpc;
    struct arena *arena;
    void *request;               /* struct of rpc->request */
    struct principal principal;
    struct reply_sink *sink;
    struct status status;        /* uses arena */
    struct str request_id;       /* escaped and bounded: 128 bytes */
    struct str fault_header;     /* x-cinderlog-fault, empty when absent; borrowed */
    bool request_id_made;        /* the caller gave none: ours, until a written document has one */
    int64_t started_ns, deadline_ns; /* monotonic; deadline 0: none */
    atomic_bool cancelled;       /* client gone: stop when convenient; a submitted commit still happens */
    struct worker *worker;       /* while run() or step() runs */
    enum rpc_flow (*step)(struct call *call); /* what call_resume runs; run() sets it before parking */
    void *state;                 /* the service's own, in arena */
    struct call *next_held;      /* call_hold */
    struct inbox *inbox;         /* of RPC_BIDI, the transport's; else NULL */
    struct call_notes notes;
};

/* A new call with its arena; the transport fills request, principal, sink. Freed by call_free (by the
 * sink's finish). */
struct call *call_new(struct server *server, const struct rpc *rpc);
/* One that is made on behalf of another, by the same caller over the same connection, on the same worker; it may not live
 * longer than the other. */
struct call *call_child(const struct call *outer, const struct rpc *rpc);
void call_free(struct call *call);
/* The gate, in this order: shutting down, queue full, deadline, single project mode, then run on a worker. */
void rpc_dispatch(struct call *call);
void call_resume(struct call *call);
void call_send(struct call *call, const void *response);
/* Ends the call with call->status (OK when its code is 0). From any thread; once. */
void call_finish(struct call *call);
/* Between the two, the answers of calls that the calling thread finishes wait, where there is a request log: their
 * lines are written together, in call_release, and then the answers go out. */
void call_hold(const struct server *server);
void call_release(const struct server *server);
/* Convenience: sets the status, finishes, returns RPC_DONE. */
enum rpc_flow call_fail(struct call *call, enum status_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether the sink is over its limit: a stream that sees true sets step, calls call_park and returns
 * RPC_PARKED. */
bool call_congested(const struct call *call);
enum rpc_flow call_park(struct call *call, enum rpc_flow (*step)(struct call *call));
/* For long work, after CALL_SLICE_MS of it: goes on with `step`, on any worker, once others have had their turn
 * (pool_post_behind). */
enum { CALL_SLICE_MS = 4 };
enum rpc_flow call_yield(struct call *call, enum rpc_flow (*step)(struct call *call));
int64_t call_slice_end(void); /* clock_mono_ns() at the end of a slice that begins now */

/* RPC_BIDI: the client's next message, decoded into `arena`, in *request (a struct of rpc->request). */
enum call_received {
    CALL_RECEIVED,
    CALL_NOTHING_YET, /* call_wait */
    CALL_ALL_SAID,    /* the client has ended its side */
    CALL_UNREADABLE,  /* call->status says why */
};
enum call_received call_receive(void **request, struct call *call, struct arena *arena);
/* Wakes it, or makes its next call_wait go on at once. From any thread that knows it is not finished. */
void call_poke(struct call *call);
/* Parks until it is poked. */
enum rpc_flow call_wait(struct call *call, enum rpc_flow (*step)(struct call *call));
/* Cancelled or past its deadline; sets call->status accordingly. */
bool call_over(struct call *call);

#endif

/* request.h - shared inside server/transport: one request on its way through a worker.
 *
 * A request lives as long as its exchange (exchange_own_user): so closed(), on the loop, and a deadline may
 * look at it while a worker finishes. `call` is the RPC it became, NULL before and after, under `lock`.
 * Lock order: deadlines -> request -> exchange. */
#ifndef SERVER_TRANSPORT_REQUEST_H
#define SERVER_TRANSPORT_REQUEST_H

#include "server/rpc/rpc.h"
#include "server/rpc/side.h"
#include "server/transport/deadlines.h"
#include "server/transport/http.h"

#include <pthread.h>

struct transport {
    struct transport_options options;
    struct deadlines *deadlines;
    struct channels *channels;
    atomic_ullong requests; /* numbers request ids */
    pthread_mutex_t side_lock;
    struct side *sides; /* open calls of health and reflection */
};

struct request {
    struct task task; /* first */
    struct transport *transport;
    struct exchange *exchange;
    struct str body;
    bool handed; /* loop thread: somebody else will answer and release */
    bool cors;   /* an allowed Origin was given */
    bool grpc;   /* or else REST */
    pthread_mutex_t lock;
    struct call *call; /* under lock */
    struct str id;     /* under lock: the call's request id as the answer's header has it, in the call's arena */
    struct reply_sink sink;
    const struct rpc *rpc;
    /* rest.c */
    unsigned json_flags;
    bool any;       /* a message was sent */
    struct buf out; /* what is encoded and not yet given to the exchange */
    /* both; under lock in grpc.c */
    bool started;
    bool ended; /* nothing more goes out: grpc.c has sent trailers, at the end or the deadline; or a fault */
    /* grpc.c */
    struct deadline deadline;
    int64_t timeout_ns; /* 0: none */
    bool compressed;    /* it came with what we do not read */
    struct side *side;  /* of health and reflection; no `call` then */
    /* of RPC_BIDI: */
    struct inbox inbox;
    struct buf in;         /* loop thread: bytes of a message that is not whole yet */
    bool waits_for_socket; /* under lock: the exchange will tell when it has drained */
    /* webchannel.c */
    struct channel *channel; /* under lock: the session whose back channel it is or was, with a reference */
    struct channel *opened;  /* the session that it opened; as long as its call */
};

struct request *request_of_sink(struct reply_sink *sink);
/* Hands it to a worker. */
void request_post(struct request *r, void (*run)(struct task *task, struct worker *worker));
/* A call for r->rpc with notes, request id and sink set; r->call is set. */
struct call *request_call(struct request *r, struct worker *worker);
/* Once it is decoded: a written document may name the request; then rpc_dispatch. */
void request_dispatch(struct request *r, struct call *call);
/* Takes the principal from the authorization header. */
enum status_code request_principal(struct request *r, struct call *call);
/* The same where the header came otherwise. */
enum status_code request_principal_of(struct request *r, struct call *call, struct str authorization);
/* The client left in the middle of its request: the loop thread records it. */
void request_cut_off(struct request *r);
/* The call is over: r->call is NULL from here on, the call is freed. */
void request_end_call(struct request *r);
/* Both transports' reply_sink.fault, with the lock held; only SINK_TRUNCATE is theirs, once the answer has started. */
void request_fault(struct request *r, enum sink_fault fault);
/* Wakes the call of an RPC_BIDI when there is one. `gone`: nobody will read its answer. */
void request_poke(struct request *r, bool gone);

/* Headers of an answer: content type (NULL: none), CORS, request id. Returns how many. Under lock while others may
 * know the id better (request_dispatch). */
enum { REQUEST_HEADERS_MAX = 8 };
size_t request_headers(const struct request *r, struct net_header *out, const char *content_type);

/* {"error":{...}} on one line, with details as google.rpc.ErrorInfo. */
bool http_error_json(struct buf *out, const struct status *status);
/* Answers with it and releases nothing. */
void request_reply_error(struct request *r, const struct status *status);

/* rest.c: decodes and dispatches; on a worker. */
void rest_run(struct task *task, struct worker *worker);
/* grpc.c */
bool grpc_is(struct str content_type);
/* "/package.Service/Method": no path of REST or a control route. */
bool grpc_names_method(struct str target);
/* Decides on a gRPC request when its head is there: answered, or what the body is for. */
enum net_body grpc_head(struct request *r);
void grpc_run(struct task *task, struct worker *worker);
/* Of an RPC_BIDI: bytes as they come, `end` with the last ones. Loop thread. */
void grpc_chunk(struct request *r, struct str bytes, bool end);
void grpc_too_large(struct exchange *exchange);
void grpc_not_grpc(struct exchange *exchange, int status, const char *message);
/* Trailers-Only with a status that no RPC gave. */
void grpc_refuse(struct exchange *exchange, enum status_code code, const char *message);
/* One framed message of a stream; grpc_end once, after the last one. Under lock, both, where r->call may have others. */
void grpc_send(struct request *r, struct buf *frame);
void grpc_end(struct request *r, const struct status *status);

/* grpc_side.c: calls of server/rpc/side.h. All from the loop thread, but side_changed. */
void side_begin(struct request *r, const struct side_method *method); /* its head is there */
void side_chunk(struct request *r, struct str bytes, bool end);
void side_closed(struct request *r);
void side_dispose(struct request *r);
/* Tells those that watch; `stopping` ends all. From any thread. */
void side_changed(struct transport *transport, bool stopping);

#endif

/* side.h - the gRPC services beside Firestore's: health and reflection, which tools of any service ask for. One row a
 * method.
 *
 * They are answered on the loop thread, from constants and the server's readiness: so a starting server answers them,
 * too, and a probe costs no worker. Like /healthz they need no token, and neither faults nor the request log nor metrics
 * know of them. A client's deadline is its own to keep: what takes long here is only what waits for the client. */
#ifndef SERVER_RPC_SIDE_H
#define SERVER_RPC_SIDE_H

#include "core/schema.h"
#include "server/rpc/rpc.h"

struct side_call;

struct side_method {
    const char *path; /* "/grpc.health.v1.Health/Check" */
    enum rpc_kind kind;
    const struct schema_message *request, *response;
    /* One message of the client: answers with side_send, or sets call->status. RPC_UNARY and RPC_SERVER_STREAM: called
     * once at most. */
    void (*take)(struct side_call *call, const void *request);
    /* The server's readiness may have changed, and take() has been called; NULL: then the stream does not care. With it an
     * RPC_SERVER_STREAM stays open until the client or the server goes. */
    void (*changed)(struct side_call *call);
};

struct side_call {
    const struct side_method *method;
    const struct server *server;
    struct arena *arena;  /* of one message and its answer */
    struct status status; /* not OK: the call ends with it */
    int state;            /* the method's own, 0 at first */
    void (*send)(struct side_call *call, const void *response);
};

extern const struct side_method side_methods[];
extern const size_t side_method_count;
/* NULL: none of these. */
const struct side_method *side_by_path(struct str path);

/* health.c, reflection.c */
#define SIDE_SCHEMA(id) extern const struct schema_message id
SIDE_SCHEMA(health_check_request);
SIDE_SCHEMA(health_check_response);
SIDE_SCHEMA(health_list_request);
SIDE_SCHEMA(health_list_response);
SIDE_SCHEMA(reflection_request);
SIDE_SCHEMA(reflection_response);
void health_check(struct side_call *call, const void *request);
void health_list(struct side_call *call, const void *request);
void health_watch(struct side_call *call, const void *request);
void health_changed(struct side_call *call);
void reflection_take(struct side_call *call, const void *request);

#endif

/* loopback.h - RPCs without sockets: a server on a :memory: store, requests as proto-JSON, answers as proto-JSON. */
#ifndef TESTS_SERVER_LOOPBACK_H
#define TESTS_SERVER_LOOPBACK_H

#include "server/rpc/rpc.h"
#include "server/server.h"

struct loopback {
    struct options options;
    struct server server;
    struct owner_policy policy;
    struct arena *arena;
    struct str fault_header; /* x-cinderlog-fault of what is sent from now on */
};
/* `data` NULL: :memory:. Options may be set before by the caller of loopback_open_with. */
void loopback_open(struct loopback *l, const struct options *options);
void loopback_close(struct loopback *l);
/* Compiles and installs rules for every project. */
void loopback_rules(struct loopback *l, const char *rules);

struct answer {
    struct reply_sink sink;
    struct call *call;
    struct arena *arena;
    enum status_code code;
    const char *message;  /* in arena */
    const char *json;     /* all messages, one a line; in arena */
    size_t messages;
    const struct status_detail *details;
    const char *fault;    /* of the call's notes; "" for none */
    unsigned faults[SINK_GOAWAY + 1]; /* how often each came to the sink */
    bool finished;
};
/* Sends and waits. who: "owner", "anonymous", or a JSON object of claims. Free with answer_free. */
struct answer *loopback_ask(struct loopback *l, const char *rpc, const char *who, const char *json);
/* Sends and returns at once; answer_wait waits. */
struct answer *loopback_send(struct loopback *l, const char *rpc, const char *who, const char *json);
void answer_wait(struct answer *a);
void answer_free(struct answer *a);
/* Puts JSON and message into out, frees the answer and returns its code. */
enum status_code answer_keep(char *out, size_t size, struct answer *a);
/* Who asks: "owner", "anonymous", or a JSON object of claims. */
void loopback_become(struct call *call, const char *who);
/* The text after `key` in the answer's JSON up to the next quote, e.g. "\"transaction\":\"". In a's arena. */
const char *answer_text(struct answer *a, const char *key);

#endif

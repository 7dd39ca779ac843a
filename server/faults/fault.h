/* fault.h - one fault: what happens (its effect) to which calls (its keys). Its text, parsed and printed.
 *
 *   EFFECT [KEY=VALUE ...]     "UNAVAILABLE rpc=Commit path=api_audit_logs count=2"
 *   {"effect":"UNAVAILABLE","rpc":"Commit","path":"api_audit_logs","count":2}
 *
 * Effects are rows of fault_effects (fault_effect.c), keys are rows of fault_keys (fault_key.c); names are
 * read in any case and with '-' and '_' alike. Calls are matched by fault_match.c, counted and drawn by
 * faults.c. */
#ifndef SERVER_FAULTS_FAULT_H
#define SERVER_FAULTS_FAULT_H

#include "core/buf.h"
#include "core/status.h"

struct call;

enum fault_act {
    FAULT_STATUS,   /* the code and message of a status */
    FAULT_DELAY,    /* nothing but the latency */
    FAULT_RESET,    /* the connection is reset, the call never runs */
    FAULT_STALL,    /* no answer; the call never runs */
    FAULT_LOST,     /* the call runs, and the connection is closed without a byte of the answer */
    FAULT_TRUNCATE, /* the call runs, and its answer breaks off */
    FAULT_GOAWAY,   /* the call is answered, and the connection takes no other one */
};

struct fault_effect {
    const char *name; /* as recorded: "UNAVAILABLE", "lost-answer" */
    enum fault_act act;
    enum status_code code; /* FAULT_STATUS */
    const char *text; /* FAULT_STATUS: the message when the fault has none; production's words where known */
    const char *help;
};
extern const struct fault_effect fault_effects[];
extern const size_t fault_effect_count;

/* In the order of fault_keys. */
enum fault_key_id {
    FAULT_KEY_RPC,
    FAULT_KEY_PATH,
    FAULT_KEY_PRINCIPAL,
    FAULT_KEY_TRANSPORT,
    FAULT_KEY_NTH,
    FAULT_KEY_PROBABILITY,
    FAULT_KEY_SEED,
    FAULT_KEY_COUNT,
    FAULT_KEY_FROM,
    FAULT_KEY_UNTIL,
    FAULT_KEY_LATENCY,
    FAULT_KEY_WHEN,
    FAULT_KEY_RETRY,
    FAULT_KEY_MESSAGES,
    FAULT_KEY_MESSAGE,
    FAULT_KEYS,
};

enum fault_spread { FAULT_FIXED, FAULT_UNIFORM, FAULT_EXPONENTIAL };

struct fault {
    const struct fault_effect *effect;
    struct str given[FAULT_KEYS]; /* as it was written; empty: not given */
    /* Which calls; all of them where nothing is given. */
    uint64_t rpcs;   /* bit i: row i of rpc_table; 0: any */
    uint64_t nth;    /* only that one of the calls that match, from 1; 0: any */
    uint64_t chance; /* of UINT64_MAX; UINT64_MAX: always */
    uint64_t seed;
    uint64_t count;            /* how many injections at most; 0: no end */
    int64_t from_ns, until_ns; /* since it was set; until 0: no end */
    /* What happens. */
    enum fault_spread spread;
    int64_t latency_ms, latency_to_ms; /* FAULT_UNIFORM: from, to; else the (mean) latency */
    int64_t retry_ms;                  /* 0: without RetryInfo */
    uint64_t messages;                 /* FAULT_TRUNCATE: messages of a stream that get through */
    bool after;                        /* FAULT_STATUS: the call runs, and the status replaces its answer */
};

/* A row of the keys. */
struct fault_key {
    const char *name, *value, *help;
    bool counts; /* looks at more than one call: not for a fault that one request brings along */
    /* False when the value is not `value`. */
    bool (*parse)(struct fault *fault, struct str text);
    /* Whether the call is one of those; NULL: says nothing about a call by itself. */
    bool (*holds)(const struct fault *fault, const struct call *call);
};
extern const struct fault_key fault_keys[];

/* Either form; INVALID_ARGUMENT that names what is wrong. Everything lives in arena, the text is not kept. At
 * most LIMIT_FAULT_BYTES. */
enum status_code fault_parse(struct fault *out, struct arena *arena, struct str text, struct status *st);
/* Whether each key that says something about a call holds for this one. */
bool fault_matches(const struct fault *fault, const struct call *call);
/* The text form. */
bool fault_print(struct buf *out, const struct fault *fault);
/* Members of a JSON object, without braces: "effect":"UNAVAILABLE","rpc":"Commit". */
bool fault_print_json(struct buf *out, const struct fault *fault);
/* Effects and keys with their help, for people. */
void fault_print_help(struct buf *out);

#endif

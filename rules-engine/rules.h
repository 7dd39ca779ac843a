/* rules.h - the face of this room: security rules text in, decisions with reasons out.
 *
 * A ruleset is compiled once and immutable afterwards (coverage counters are atomics): any number of
 * threads decide with it at the same time. Life cycle: rules_compile -> rules_decide (many) ->
 * rules_release; rules_retain for a second holder.
 *
 * The room knows nothing of storage or transports: documents come through struct rules_env. */
#ifndef RULES_ENGINE_RULES_H
#define RULES_ENGINE_RULES_H

#include "core/limits.h"
#include "core/path.h"
#include "core/value.h"

/* ---- compiling ---- */

enum rules_severity { RULES_WARNING = 2, RULES_ERROR = 3 };

/* One finding. Lines and columns are 1-based, offsets 0-based, both in code points, end_offset inclusive; all 0 (and
 * has_position false) for findings about the whole file. Texts as Google's compiler 1.19.9 words them. */
struct rules_issue {
    enum rules_severity severity;
    const char *description;
    struct str file;
    bool has_position;
    uint32_t line, column, offset, end_offset;
    const char *lint; /* id of our own lint, NULL for a compiler finding */
    const char *note; /* second line for a person: what to do; NULL for none */
    const struct rules_related *related; /* other places that the finding speaks of */
    size_t n_related;
};
struct rules_related {
    struct str file;
    uint32_t line, column;
    const char *text;
};
struct rules_issues {
    struct rules_issue *items; /* sorted by file, then position; at most LIMIT_RULES_ISSUES */
    size_t n;
    size_t errors;                  /* all there are */
    size_t dropped, dropped_errors; /* for which there was no room */
};

struct rules_file {
    struct str name, content;
};

struct ruleset;

/* Compiles. Always fills *issues (in arena; the strings may point into the ruleset or the files). With
 * errors *out is NULL and the answer is STATUS_INVALID_ARGUMENT with Google's message "Error compiling
 * rules:\nL1:87 ..." (one line per error, warnings folded in by position). Content is copied. */
enum status_code rules_compile(struct ruleset **out, const struct rules_file *files, size_t n,
                               struct rules_issues *issues, struct arena *arena, struct status *st);
void rules_retain(struct ruleset *ruleset);
void rules_release(struct ruleset *ruleset); /* NULL is allowed */

/* One of our own lints, as its finding names it; `severity` is the worst it reports. */
struct rules_lint_info {
    const char *id;
    const char *doc;   /* one line: what it finds */
    enum rules_severity severity;
    const char *cwe;   /* "CWE-863" */
    const char *owasp; /* "A01:2021", of the OWASP Top Ten */
};
/* The i-th lint; NULL past the last. */
const struct rules_lint_info *rules_lint_info(size_t i);

struct rules_lint_options {
    const struct str *append_only; /* patterns as --append-only takes them: entries there only come to be */
    size_t n_append_only;
    int64_t now;                   /* seconds since 1970, to tell an expiry that is over; 0: not known */
};

/* Our own lints over a compiled ruleset, added to *issues (lint != NULL), which are sorted again. A warning of
 * the compiler that a lint explains better at the same place is dropped, and so are those of names inside a
 * function that nothing calls, which say no more than "Unused function". options may be NULL. */
void rules_lint(const struct ruleset *ruleset, const struct rules_lint_options *options,
                struct rules_issues *issues, struct arena *arena);
/* Adds a note to those errors of the compiler that do not name their cause. `files` as they were compiled. */
void rules_explain(const struct rules_file *files, size_t n, struct rules_issues *issues);
/* What may grant update or delete in an append-only pattern: "line 10 grants update when ...; line 12 ...". NULL:
 * nothing was found, which is no proof that nothing does. In arena. */
const char *rules_append_only_grants(const struct ruleset *ruleset, struct str pattern, struct arena *arena);
/* Writes one issue with its source line and carets, as `rules check` prints it. colour: ANSI. */
void rules_print_issue(struct buf *out, const struct rules_issue *issue, const struct rules_file *files,
                       size_t n, bool colour);

/* SHA-256 over names and contents: what the ledger calls the rules digest. */
const unsigned char *rules_digest(const struct ruleset *ruleset);
const struct rules_file *rules_files(const struct ruleset *ruleset, size_t *n);

/* The ruleset in force when none was given: reads and writes of everything, file name OPEN_RULES. */
struct ruleset *rules_open_ruleset(void);

/* ---- deciding ---- */

enum rules_method { RULES_GET, RULES_LIST, RULES_CREATE, RULES_UPDATE, RULES_DELETE };
const char *rules_method_name(enum rules_method method); /* "get" */

/* A document as rules see it. `exists` false: no such document. `written`, with `after` only: the request itself
 * writes it, so that its state is known without looking it up. */
struct rules_document {
    bool exists, written;
    struct value_map fields;
};

/* Where documents come from. get(): the document at `path` ("c/d", in `db`) on the view that the request
 * is decided on; with `after`, as the whole request would leave it. The host records the read. Not called
 * twice for one path and `after` in one decision, but for the disjuncts of a list. A failure is an error of
 * the host: the decision becomes an error. `now` of the request is in rules_request. trace may be NULL. */
struct rules_env {
    void *data;
    enum status_code (*get_document)(void *data, struct database_name db, struct str path, bool after,
                                     struct arena *arena, struct rules_document *out, struct status *st);
    /* One call per debug(x): where, and x as text. */
    void (*trace)(void *data, struct str file, uint32_t line, uint32_t column, struct str text);
    /* For the Requests feed: one call each time that rules were evaluated, a query's disjuncts one by one. `record`
     * is a JSON object (evaluation.h) without rulesReleaseKey, requestId and time, which are the host's to add; it
     * lives during the call. NULL: nobody listens, and nothing is made. */
    void (*evaluated)(void *data, struct str record);
};

/* What the query guarantees about every document it returns: the input of the list proof. */
enum rules_constraint_op {
    RULES_EQ, RULES_NE, RULES_LT, RULES_LE, RULES_GT, RULES_GE, RULES_ARRAY_CONTAINS, RULES_NOT_IN,
};
struct rules_constraint {
    const struct str *field; /* segments */
    size_t field_n;
    enum rules_constraint_op op;
    const struct value *operand;
};
/* One disjunct: all its constraints hold. A query is a list of disjuncts; each must be allowed. */
struct rules_disjunct {
    const struct rules_constraint *items;
    size_t n;
};
struct rules_query {
    struct str parent;        /* relative path of the parent document, "" for the root */
    struct str collection_id; /* "" for every collection */
    bool all_descendants;
    bool has_limit;
    int64_t limit, offset;
    const struct rules_disjunct *disjuncts; /* NULL, 0: no constraint (one empty disjunct) */
    size_t n_disjuncts;
    struct {
        struct str field;
        bool descending;
    } *order_by;
    size_t n_order_by;
};

struct rules_auth {
    bool present;                /* false: request.auth == null */
    bool has_uid;
    struct str uid;
    const struct value_map *token; /* all claims; may be NULL for none */
};

/* What the writes of one document name, for request.writeFields, request.transforms and request.autoId. */
struct rules_touched {
    bool masked;            /* none of them replaces or deletes the document */
    const struct str *mask; /* "a.b", a point inside a name as "\."; each once */
    size_t n_mask;
    const struct str *transforms; /* "a.b", in the order of the request */
    size_t n_transforms;
    bool inserted; /* exists: false, or CreateDocument */
    bool auto_id;  /* CreateDocument without an id: the one that was made is in request.resource alone */
};

struct rules_request {
    enum rules_method method;
    struct database_name db;
    struct str path;                      /* document path; for list: the collection's path */
    struct rules_auth auth;
    struct timestamp time;                /* request.time, millisecond precision */
    bool in_transaction;
    const struct rules_document *resource; /* get, update, delete, create: the state before; NULL for list */
    const struct value_map *new_fields;   /* create, update: the full document after; else NULL */
    const struct rules_touched *touched;  /* create, update; may be NULL */
    const struct rules_query *query;      /* list only */
};

/* The 20 lookups that a multi-document request may make in all: shared between its decisions, which count a
 * document once. `arena` keeps their paths; it outlives the decisions. */
struct rules_budget {
    struct arena *arena;
    uint32_t lookups;
    struct {
        struct str path;
        bool whole; /* for get, not for exists alone */
    } counted[LIMIT_RULES_LOOKUPS_BATCH];
};

/* One `allow` that was tried and did not grant. */
struct rules_try {
    struct str file;
    uint32_t allow_line, allow_column;   /* of the statement */
    uint32_t line, column;               /* where it failed: the smallest sub-expression that decides */
    const char *verdict;                 /* "false" or "error" */
    const char *reason;                  /* Google's reason text: "false", "Null value error.", ... */
    const char *expression;              /* source of the deciding sub-expression, at most 200 bytes, one line */
    const char *value;                   /* what made it so, as text: "token.role is 'writer'"; or NULL */
    const char *missing;                 /* of a failed hasAll: "'status_code', 'method'"; or NULL */
    const char *have;                    /* the receiver's elements, cut at 300 bytes; or NULL */
    const char *extra;                   /* of a failed hasOnly: what is not allowed; or NULL */
    bool not_provable;                   /* list: true only means that we cannot prove it yet */
};

struct rules_decision {
    bool allowed;
    struct str file;                     /* when allowed: the granting statement */
    uint32_t line, column;
    bool matched;                        /* some allow statement matched at all */
    const char *message;                 /* when denied: Google's text, each reason once: "\nfalse for 'get' @ L3" */
    const struct rules_try *tries;       /* when denied: in source order */
    size_t n_tries;
    uint32_t expressions;                /* evaluated; LIMIT_RULES_EXPRESSIONS at most */
};

/* Decides. STATUS_OK with decision->allowed either way; another code only when the host's get_document
 * failed or the arena limit was hit. `budget` may be NULL for single-document requests. */
enum status_code rules_decide(const struct ruleset *ruleset, const struct rules_request *request,
                              const struct rules_env *env, struct rules_budget *budget, struct arena *arena,
                              struct rules_decision *decision, struct status *st);
/* Tells env->evaluated, which is not NULL, of a request that the rules were not asked about; `outcome` is "admin", or
 * "deny" when somebody else refused it. `resource` is told as unknown. */
void rules_tell_unasked(const struct ruleset *ruleset, const struct rules_request *request, const struct rules_env *env,
                        struct arena *arena, const char *outcome);

/* ---- what the language comes with ---- */

/* Every built-in function, one a line: its signature and what it does; a blank line between the types. */
void rules_print_builtins(struct buf *out);

/* ---- what was exercised ---- */

struct rules_allow_stats {
    struct str file;
    uint32_t line, column;
    const char *methods;  /* "read, write" as written */
    const char *pattern;  /* full match path as written */
    uint64_t evaluated, granted;
};
/* While the first decisions are made, LIMIT_COVERAGE_LOOKS of them, each value is told apart: whoever would decide a
 * request twice to save work should decide it once, so that what was exercised is what was asked. */
bool rules_watched(const struct ruleset *ruleset);
/* What every expression came to: the "report" of Google's coverage JSON, an array of nodes {sourcePosition, values,
 * children}, counted since the ruleset was compiled. False, and [], when there is no node: literals have none.
 * Beside Google's members "otherValues" counts evaluations that were not told apart (coverage.h). */
bool rules_coverage_json(struct buf *out, const struct ruleset *ruleset, struct arena *arena);
/* The same for people, and as lcov's tracefile: allows, functions, and conditions taken apart at && and ||. */
void rules_coverage_text(struct buf *out, const struct ruleset *ruleset, struct arena *arena);
void rules_coverage_lcov(struct buf *out, const struct ruleset *ruleset, struct arena *arena);
/* Every allow statement of the ruleset in source order, with its counters. In arena. */
struct rules_allow_stats *rules_stats(const struct ruleset *ruleset, struct arena *arena, size_t *n);

#endif

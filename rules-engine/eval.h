/* eval.h - one decision being made: the state of the tree walker, and what built-ins may use of it.
 *
 * Costs, observed on Google's emulator 1.19.9 and kept: every node that is evaluated counts one expression,
 * a map entry's key and value one each, a literal path segment one, a `let` one, the type after `is` one, the
 * second operand of && and || and the taken branch of ?: one extra; both bounds of a slice count when absent
 * too. Arguments and lets are evaluated once, at the call, used or not; an error among them is a value like
 * any other and harms only who uses it. At LIMIT_RULES_EXPRESSIONS the decision ends in an error that nothing
 * absorbs.
 *
 * Memory: at most LIMIT_RULES_ARENA of the arena is used by one decision. Whoever makes something larger than
 * its inputs asks eval_room first. */
#ifndef RULES_ENGINE_EVAL_H
#define RULES_ENGINE_EVAL_H

#include "rules-engine/builtins/builtins.h"
#include "rules-engine/coverage.h"

struct eval_frame {
    const struct rvalue *parameters;
    struct rvalue *lets;
};

/* One document looked up: exists/get share an entry, the After functions have their own view.
 *
 * What counts, observed on Google's emulator 1.19.9: exists asks for less than get, so get after exists is
 * another look-up, exists after get is none; the After functions share both. The document that is judged is
 * free, and so is what the After functions say of a document that the request writes. */
struct eval_lookup {
    struct str path; /* relative */
    bool after;
    bool whole; /* counted for get, not for exists alone */
    struct rules_document document;
};

/* What chains of names below `request` and `resource` had as values in this decision (ast_node.chain), by
 * chain % EVAL_CHAINS: those of one match block are numbered one after the other and rarely meet. */
enum { EVAL_CHAINS = 32 };
struct eval_chains {
    uint32_t chain[EVAL_CHAINS]; /* 0: nothing yet */
    struct rvalue value[EVAL_CHAINS];
};

struct eval {
    struct arena *arena;
    struct coverage_shard *shard;   /* the counters of this decision, of the ruleset's coverage; */
    struct coverage_node *coverage; /* NULL while nothing is counted: explanations */
    bool watching;                  /* the values of all nodes are looked at: coverage.h */
    const struct ruleset *ruleset;
    const struct rules_request *request;
    const struct rules_env *env;
    struct rules_budget *budget;
    struct status *st;
    enum status_code host_code; /* the first failure of the host, or RESOURCE_EXHAUSTED for memory */

    size_t arena_start;
    uint32_t steps;     /* expressions so far: LIMIT_RULES_EXPRESSIONS */
    uint32_t alarm;     /* at so many steps the next node is entered with care: eval_carefully; 0: always */
    uint32_t explained; /* expressions evaluated again for explanations */
    bool fatal;         /* the error below ends everything; alarm is 0 */
    struct rerror fatal_error;

    const struct ast_node *node; /* whose operation runs: errors name it */
    struct eval_frame frame;
    uint32_t call_depth;
    const struct rvalue *wildcards; /* of the match being judged */

    struct str path;                       /* relative, of the document judged; list: the collection's */
    const struct rules_document *resource; /* the state before; NULL in a list that names no document */
    bool request_made, resource_made, auth_made;
    struct rvalue request_value, resource_value, auth_value;
    struct eval_chains chains;
    struct rvalue list_resource; /* list: what the disjunct says of resource */

    struct eval_lookup *lookups;
    size_t n_lookups, cap_lookups, n_distinct;
};

void eval_init(struct eval *e, const struct ruleset *ruleset, const struct rules_request *request,
               const struct rules_env *env, struct rules_budget *budget, struct arena *arena,
               struct status *st);

/* Another document is judged from now on: what depends on it is not known any more. */
void eval_turn(struct eval *e, struct str path, const struct rules_document *resource);

/* Counts expressions from 0 again. */
static inline void eval_restart(struct eval *e)
{
    e->steps = e->alarm = 0;
}

/* The value of a node in the current frame and match. */
struct rvalue eval_node(struct eval *e, const struct ast_node *node);

/* Evaluates the arguments and lets of a call to a user function and gives its frame; false when they do not
 * fit. */
bool eval_enter(struct eval *e, const struct ast_node *node, struct eval_frame *frame);

/* An error value that names e->node. */
struct rvalue eval_error(struct eval *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and nothing absorbs it: the decision is over. */
struct rvalue eval_fatal(struct eval *e, const char *text);
/* The list prover's "the query does not say". */
struct rvalue eval_unproved(struct eval *e);
/* "Type error. Received: [int] Expected: [list]." */
struct rvalue eval_type_error(struct eval *e, struct rvalue got, const char *expected);
/* Whether `size` more bytes of memory fit; if not the decision ends. */
bool eval_room(struct eval *e, size_t size);

/* get and exists, globals.c: the document at a path value. `after` as in rules_env; `whole` for get. On any
 * refusal *error is the error value for `function`, and false. */
bool eval_lookup(struct eval *e, const struct rules_document **out, struct rvalue *error,
                 const char *function, struct rvalue path, bool after, bool whole);

/* request.c: the `request` and `resource` objects, built at first use, and a document as rules see it. */
struct rvalue eval_request(struct eval *e);
/* One member of `request` without the rest of it; false for a name that is better looked up there. */
bool eval_request_member(struct rvalue *out, struct eval *e, struct str name);
struct rvalue eval_resource(struct eval *e);
struct rvalue eval_document(struct eval *e, struct str path, const struct value_map *fields);

/* Around the evaluation of a node that is counted: a condition, an operand of &&, || and ?:, a
 * function's body. Inline, as there are some of them in every decision. */
static inline bool coverage_begin(struct eval *e, const struct ast_node *node)
{
    if (e->watching || !coverage_wants(e->coverage, node))
        return false;
    e->watching = true;
    e->alarm = 0;
    return true;
}
static inline void coverage_end(struct eval *e, const struct ast_node *node, bool began, struct rvalue v)
{
    if (began)
        e->watching = false;
    else if (e->coverage && !e->watching)
        coverage_count(&e->coverage[node->id], v);
}

/* eval_node of a node that is counted. */
static inline struct rvalue eval_counted(struct eval *e, const struct ast_node *node)
{
    bool began = coverage_begin(e, node);
    struct rvalue v = eval_node(e, node);
    coverage_end(e, node, began, v);
    return v;
}

#endif

/* clauses.h - what an expression asks of the variables in it; a part of the type checker (types.c).
 *
 * Each part of an expression asks on its own: where parts meet, what they ask of one variable is joined, from
 * left to right. When no type satisfies both, that is noted with where, and the next part starts afresh.
 * (As Google's compiler 1.19.9 does.) */
#ifndef RULES_ENGINE_CLAUSES_H
#define RULES_ENGINE_CLAUSES_H

#include "rules-engine/signatures.h"

/* A parameter, a let, request or resource. Set up with asked.set = ANY. */
struct variable {
    struct str name;
    struct wanted asked; /* by the expressions that were closed */
    bool mentioned;      /* types.c's own */
};

struct clause {
    struct variable *variable;
    struct wanted asked;
};

/* No type is what this variable is asked to be; `start` is that of the expression whose parts ask it. */
struct contradiction {
    struct variable *variable;
    uint32_t start;
};

/* Those of the expressions that are being looked at, innermost last. Zeroed but for the arena, which it grows
 * in. */
struct clauses {
    struct arena *arena;
    struct clause *items;
    uint32_t n, cap;
    struct contradiction *contradictions; /* no two alike; LIMIT_RULES_ISSUES at most */
    uint32_t n_contradictions, cap_contradictions;
};

void clauses_ask(struct clauses *clauses, struct variable *variable, struct wanted wanted);
/* Joins what the parts of an expression asked, from the clause `from` on. `start` is that of the expression.
 */
void clauses_join(struct clauses *clauses, uint32_t from, uint32_t start);
/* Joins what a whole expression asked with what is asked of the variables already; none are left. */
void clauses_close(struct clauses *clauses, uint32_t start);

#endif

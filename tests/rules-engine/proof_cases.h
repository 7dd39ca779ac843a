/* proof_cases.h - random list requests for the prover: a condition, a query, and documents that the query
 * returns. The same seed gives the same case on every machine.
 *
 * Conditions are made from what the query says, weakened, turned round, combined, and now and then broken, so
 * that about half of the cases can be proved. They hold what a proof is sound for and nothing else: nothing
 * asks whether a field is absent, and whole numbers are always ints (see constraint.h, 12). */
#ifndef TESTS_PROOF_CASES_H
#define TESTS_PROOF_CASES_H

#include "rules_world.h"

enum { PROOF_DISJUNCTS = 3, PROOF_FILTERS = 3, PROOF_VALUES = 3 };

/* One filter as it was asked: `in` and array-contains-any have several values. */
struct proof_filter {
    unsigned field, op; /* rows of the tables in proof_cases.c */
    unsigned values[PROOF_VALUES];
    size_t n;
};
struct proof_case {
    uint64_t seed; /* state of the generator behind the case: documents are drawn from it */
    struct proof_filter filters[PROOF_DISJUNCTS][PROOF_FILTERS];
    size_t n_filters[PROOF_DISJUNCTS], n_disjuncts;
    struct str condition;
    const struct rules_disjunct *expanded; /* one value a filter, as the rules engine takes them */
    size_t n_expanded;
};

void proof_case_make(struct proof_case *out, struct arena *arena, uint64_t seed);
/* A random document that the query returns; false when no value satisfies the disjunct that was picked. */
bool proof_document(struct value_map *out, struct arena *arena, struct proof_case *c);
/* {"expr": ..., "query": [[filters as asked]], "disjuncts": [[filters expanded]]} */
void proof_case_print(struct buf *out, const struct proof_case *c);

#endif

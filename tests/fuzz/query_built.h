/* query_built.h - bytes as decisions: a structured query that is mostly valid, whatever they are.
 *
 * Mutated protobuf is nearly always refused, so a fuzzer that has only that sees little of what answers a query.
 * Here each byte picks one of a few collections, fields, operators, operands, orders and cursors. */
#ifndef TESTS_FUZZ_QUERY_BUILT_H
#define TESTS_FUZZ_QUERY_BUILT_H

#include "core/messages.h"

/* In `arena`. Bytes that are missing count as zero. */
struct msg_structured_query *query_built(struct arena *arena, struct str bytes);

#endif

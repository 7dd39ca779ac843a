/* deadlines.h - calls that must be answered by a certain time, whoever works on them.
 *
 * A heap and one timer of the pool, armed for the earliest: clients give 60 seconds to calls that take
 * one millisecond, so nearly all are taken off long before anything fires. Thread-safe. */
#ifndef SERVER_TRANSPORT_DEADLINES_H
#define SERVER_TRANSPORT_DEADLINES_H

#include <stddef.h>
#include <stdint.h>

struct pool;
struct deadlines;

struct deadline {
    int64_t at_ns;                             /* monotonic */
    void (*passed)(struct deadline *deadline); /* called with the heap locked: must not add or remove */
    size_t place_;                             /* 0: not in the heap */
};

struct deadlines *deadlines_new(struct pool *const *pool);
/* After the pool has been closed. NULL is allowed. */
void deadlines_free(struct deadlines *deadlines);
/* It stays the caller's and must be removed before it is freed; in the heap at most once. */
void deadlines_add(struct deadlines *deadlines, struct deadline *deadline);
/* When this returns, passed() is neither running nor will it be called. */
void deadlines_remove(struct deadlines *deadlines, struct deadline *deadline);

#endif

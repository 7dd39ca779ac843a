/* fault_hit.c - see fault_hit.h: chances and latencies, drawn from the fault's seed and the number of the
 * call. */
#include "server/faults/fault_hit.h"

#include "core/limits.h"

#include <math.h>

enum { DRAW_CHANCE, DRAW_LATENCY, DRAWS };

/* SplitMix64's output function (public domain, Vigna): the n-th number of a sequence without the ones before.
 */
static uint64_t number_at(uint64_t seed, uint64_t n)
{
    uint64_t x = seed * UINT64_C(0xd1342543de82ef95) + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* From 0 (excluded) to 1. */
static double fraction(uint64_t bits)
{
    return (double)((bits >> 11) + 1) * 0x1p-53;
}

static int64_t latency_of(const struct fault *f, uint64_t bits)
{
    double ms = (double)f->latency_ms;
    if (f->spread == FAULT_UNIFORM)
        ms += fraction(bits) * (double)(f->latency_to_ms - f->latency_ms);
    else if (f->spread == FAULT_EXPONENTIAL)
        ms *= -log(fraction(bits));
    return ms < LIMIT_FAULT_WAIT_MS ? (int64_t)ms : LIMIT_FAULT_WAIT_MS;
}

bool fault_hit_drawn(const struct fault *f, uint64_t draw)
{
    return f->chance == UINT64_MAX || number_at(f->seed, draw * DRAWS + DRAW_CHANCE) < f->chance;
}

void fault_hit_fill(struct fault_hit *out, const struct fault *f, uint64_t draw, struct arena *arena)
{
    struct str message = f->given[FAULT_KEY_MESSAGE];
    *out = (struct fault_hit){
        .effect = f->effect,
        .latency_ms = latency_of(f, number_at(f->seed, draw * DRAWS + DRAW_LATENCY)),
        .retry_ms = f->retry_ms,
        .messages = f->messages,
        .after = f->after,
        .message = message.n ? arena_str(arena, message) : str_of(f->effect->text),
    };
}

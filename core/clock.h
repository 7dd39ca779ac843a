/* clock.h - the only source of time and of randomness, so that tests and the simulation can set both.
 *
 * Wall time is microseconds since 1970 UTC (Firestore's resolution); monotonic time is nanoseconds from
 * an arbitrary start and is what deadlines and durations use. All functions are thread-safe. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void); /* as clock_move has it */
int64_t clock_mono_ns(void);
/* Fills out with unpredictable bytes (getrandom); ends the process if the system has none. */
void clock_random(void *out, size_t n);

/* How far wall time is ahead of the system's (negative: behind), for tests of retention and expiry: whatever asks for
 * the time is told the moved one. Monotonic time does not move. Thread-safe. */
void clock_move_us(int64_t offset);
int64_t clock_offset_us(void);

/* Replaces the sources for the whole process (tests only, before threads start); NULL members keep the
 * system's. The struct is borrowed. Passing NULL restores the system's. */
struct clock_source {
    int64_t (*wall_us)(void *data);
    int64_t (*mono_ns)(void *data);
    void (*random)(void *data, void *out, size_t n);
    void *data;
};
void clock_replace(const struct clock_source *source);

#endif

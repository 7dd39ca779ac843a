/* histogram.h - how often which values came, in buckets: counted by any thread, read by whoever tells it. */
#ifndef SERVER_OPS_HISTOGRAM_H
#define SERVER_OPS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 21 };

/* Upper bounds of n buckets, as numbers and as texts that read back as the same numbers; one bucket more has
 * none. */
struct histogram_scale {
    size_t n;
    bool seconds; /* values are nanoseconds and told in seconds */
    uint64_t bounds[HISTOGRAM_BUCKETS - 1];
    const char *texts[HISTOGRAM_BUCKETS - 1];
};
extern const struct histogram_scale histogram_time;  /* 5 us to 10 s */
extern const struct histogram_scale histogram_sizes; /* 1 to 10,000 */

/* All zero: nothing came. */
struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS], sum;
};
/* Two relaxed additions. Returns the bucket that it fell into. */
size_t histogram_add(struct histogram *histogram, const struct histogram_scale *scale, uint64_t value);

struct histogram_sum {
    uint64_t buckets[HISTOGRAM_BUCKETS], sum;
};
/* Adds what came to *sum. */
void histogram_read(struct histogram_sum *sum, const struct histogram *histogram);
uint64_t histogram_count(const struct histogram_sum *sum);

#endif

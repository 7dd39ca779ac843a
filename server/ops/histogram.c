/* histogram.c - see histogram.h. */
#include "server/ops/histogram.h"

const struct histogram_scale histogram_time = {
    .n = 20,
    .seconds = true,
    .bounds = { 5000,      10000,     25000,      50000,      100000,     250000,     500000,
                1000000,   2500000,   5000000,    10000000,   25000000,   50000000,   100000000,
                250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000 },
    .texts = { "5e-06", "1e-05",  "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005",
               "0.001", "0.0025", "0.005",   "0.01",  "0.025",  "0.05",    "0.1",
               "0.25",  "0.5",    "1.0",     "2.5",   "5.0",    "10.0" },
};
const struct histogram_scale histogram_sizes = {
    .n = 12,
    .bounds = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 10000 },
    .texts = { "1.0", "2.0", "5.0", "10.0", "20.0", "50.0", "100.0", "200.0", "500.0", "1000.0", "2000.0",
               "10000.0" },
};

size_t histogram_add(struct histogram *h, const struct histogram_scale *scale, uint64_t value)
{
    size_t i = 0;
    while (i < scale->n && value > scale->bounds[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
    return i;
}

void histogram_read(struct histogram_sum *sum, const struct histogram *h)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->buckets[i] += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    sum->sum += atomic_load_explicit(&h->sum, memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram_sum *sum)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        n += sum->buckets[i];
    return n;
}

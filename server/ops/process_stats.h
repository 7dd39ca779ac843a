/* process_stats.h - what the kernel says of this process, as Prometheus' clients for other languages tell it.
 */
#ifndef SERVER_OPS_PROCESS_STATS_H
#define SERVER_OPS_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
    uint64_t resident_bytes, cpu_ns, open_fds, max_fds;
};

/* What cannot be read is 0. */
void process_stats_read(struct process_stats *out);

#endif

/* spill.h - a temporary file for what a query cannot hold in memory.
 *
 * It has no name (O_TMPFILE, or unlinked at once), mode 0600, and is gone when it is closed or the process
 * ends. Bytes are appended and read anywhere; used by one thread at a time. */
#ifndef STORAGE_SPILL_H
#define STORAGE_SPILL_H

#include "core/status.h"

struct spill;

/* In the first place that lets us: beside the file `beside` (NULL: the store lies in memory), in $TMPDIR, in
 * /tmp. RESOURCE_EXHAUSTED when none does. */
enum status_code spill_open(struct spill **out, const char *beside, struct status *st);
void spill_close(struct spill *spill); /* NULL is allowed */

uint64_t spill_size(const struct spill *spill);
/* Appends. RESOURCE_EXHAUSTED when less than LIMIT_SPILL_DISK_FREE would be left on the disk: the ledger
 * needs room too. */
enum status_code spill_write(struct spill *spill, const void *bytes, size_t n, struct status *st);
enum status_code spill_read(const struct spill *spill, uint64_t at, void *to, size_t n, struct status *st);
/* These bytes are not read any more: gives their room back where the filesystem can. */
void spill_forget(struct spill *spill, uint64_t from, uint64_t to);

#endif

/* wal.h - looks for damage in a write-ahead log that SQLite would silently take for its end.
 *
 * SQLite reads a WAL up to the first frame whose checksum is wrong. That is right after a crash, where the
 * last transaction may be half written, and wrong after a flipped bit in the middle: acknowledged commits
 * vanish and integrity_check finds nothing. The difference can be seen: behind a torn end there are no
 * further transactions of the same generation (salts). */
#ifndef STORAGE_WAL_H
#define STORAGE_WAL_H

#include "storage/vfs.h"

#include "core/status.h"

struct wal_report {
    uint64_t frames;    /* good ones from the start */
    bool damaged;       /* later transactions exist behind a bad frame, or the header is bad */
    uint64_t bad_frame; /* first bad one, from 1; 0: the header */
};
/* `path` of the -wal; vfs NULL: the system's files. A missing or empty file is a good one. `live`: somebody
 * may be writing; a frame being written looks bad for a moment, so damage is looked at twice.
 * FAILED_PRECONDITION when unreadable. */
enum status_code wal_check(struct wal_report *out, const char *path, struct vfs *vfs, bool live,
                           struct status *st);

#endif

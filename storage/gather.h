/* gather.h - an SQLite VFS that writes the frames of a transaction to the -wal in one piece.
 *
 * SQLite writes every frame with two calls, 24 bytes of header and the page: a batch of commits is dozens of
 * system calls. This VFS stands before another one and touches nothing but files opened as a -wal. There it
 * holds back what is appended frame by frame, until
 *   - the frame is there that commits the transaction (its header names the size of the database), or
 *   - GATHER_BYTES are held, or
 *   - anything else is done with the file: a read, a sync, a write elsewhere, its end.
 * So when SQLite's write of the committing frame returns, everything is written, and its result is the result
 * of writing it all: a COMMIT that returned OK means what it means without us. What is held back before is
 * part of no transaction yet, nobody else looks for it, and when the file is closed or begun anew it never
 * will be. */
#ifndef STORAGE_GATHER_H
#define STORAGE_GATHER_H

#include <sqlite3.h>

enum { GATHER_BYTES = 64 * 1024 };

struct gather {
    sqlite3_vfs vfs; /* first */
    sqlite3_vfs *base;
};

/* Makes `name` (static text) a VFS over base. The struct must outlive every connection. SQLite's code. */
int gather_register(struct gather *gather, const char *name, sqlite3_vfs *base);
/* The one over the system's files, registered at its first use. NULL: there is none, use the system's. */
const char *gather_vfs(void);

#endif

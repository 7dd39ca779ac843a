/* files.h - reading a small file whole: rules, principals, roles, configuration; and seeing that one changed. */
#ifndef SERVER_FILES_H
#define SERVER_FILES_H

#include "core/status.h"

#include <sys/stat.h>

/* The file's bytes in arena, followed by a NUL that is not counted. INVALID_ARGUMENT naming the file when it
 * cannot be read or holds more than `max` bytes. */
enum status_code file_read(struct str *out, struct arena *arena, const char *path, size_t max, struct status *st);

/* Writes it whole, or says why not: INVALID_ARGUMENT naming the file. */
enum status_code file_write(const char *path, struct str content, struct status *st);

/* How often those who watch files look at them: it survives editors that replace a file, and bind and network mounts,
 * of which inotify tells nothing. */
enum { FILE_LOOK_MS = 250 };
/* Whether what stat said of a file tells that it is another, or has another content. */
bool file_changed(const struct stat *before, const struct stat *now);

#endif

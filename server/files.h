/* files.h - reading a small file whole: rules, principals, roles, configuration. */
#ifndef SERVER_FILES_H
#define SERVER_FILES_H

#include "core/status.h"

/* The file's bytes in arena, followed by a NUL that is not counted. INVALID_ARGUMENT naming the file when it
 * cannot be read or holds more than `max` bytes. */
enum status_code file_read(struct str *out, struct arena *arena, const char *path, size_t max, struct status *st);

#endif

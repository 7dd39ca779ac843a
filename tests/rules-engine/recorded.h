/* recorded.h - reading what was recorded of Google's emulator: a line a record, and a list of those that
 * differ. */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include "core/arena.h"

/* The file's text, in arena; the test fails when there is none. */
struct str recorded_file(struct arena *arena, const char *path);
/* Takes the next line off *rest; false when none is left. */
bool recorded_line(struct str *rest, struct str *line);

#endif

/* source.h - one rules file as text: from byte offsets to lines and columns, and the caret picture.
 *
 * Everything in this room carries byte offsets; lines and columns are computed only when something is
 * printed. Columns count code points from 1, as Google's compiler 1.19.9 does; a LF ends a line. */
#ifndef RULES_ENGINE_SOURCE_H
#define RULES_ENGINE_SOURCE_H

#include "core/buf.h"
#include "rules-engine/rules.h"

struct source {
    struct str name, text; /* borrowed */
    const uint32_t *lines; /* offset of the first byte of each line */
    uint32_t n_lines;      /* at least 1 */
    bool is_ascii;         /* bytes are code points */
};

/* The line table goes into arena; name and text are borrowed for as long as the source is used. */
void source_init(struct source *out, struct arena *arena, struct str name, struct str text);
/* 1-based; `offset` may be the end of the text. */
void source_position(const struct source *source, uint32_t offset, uint32_t *line, uint32_t *column);
/* The text of a 1-based line without its line end. */
struct str source_line(const struct source *source, uint32_t line);
/* The number of code points before `offset`, which may lie past the end: what Google's offsets count. */
uint32_t source_chars(const struct source *source, uint32_t offset);

#endif

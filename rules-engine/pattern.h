/* pattern.h - what the paths of two match declarations have to do with each other. All answers are exact:
 * tested against every short path. */
#ifndef RULES_ENGINE_PATTERN_H
#define RULES_ENGINE_PATTERN_H

#include "rules-engine/ast.h"

/* Whether some path fits both. `version` is that of the file: {x=**} takes one segment or more in version 1,
 * none or more in version 2. */
bool pattern_intersects(const struct ast_match *a, const struct ast_match *b, int version);
/* Whether every path that fits `narrow` fits `wide`. */
bool pattern_covers(const struct ast_match *wide, const struct ast_match *narrow, int version);
/* A path that fits both, "/databases/x/documents/users/x", wildcards filled with x; of even length below
 * /documents where that can be had. NULL when there is none. In arena. */
const char *pattern_witness(struct arena *arena, const struct ast_match *a, const struct ast_match *b,
                            int version);

#endif

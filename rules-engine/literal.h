/* literal.h - the values that literal tokens stand for. */
#ifndef RULES_ENGINE_LITERAL_H
#define RULES_ENGINE_LITERAL_H

#include "rules-engine/ast.h"

/* A NUM_INT token; with `negative` its value below zero. False when it does not fit. */
bool literal_int(int64_t *out, struct str token, bool negative);
double literal_float(struct str token);
/* A STRING token with its quotes, unescaped, UTF-8; a lone surrogate (\ud800) stays as three bytes. */
struct str literal_string(struct arena *arena, struct str token);
/* A BYTES token with its b and quotes. False for a \u escape, which bytes do not have. */
bool literal_bytes(struct str *out, struct arena *arena, struct str token);
/* A path segment without its slash: %41 and + are decoded as in a URL. */
struct str literal_path_segment(struct arena *arena, struct str segment);
/* The name of a type on the right side of `is`. */
bool literal_type(enum rules_type *out, struct str name);

/* What the compiler says when it is none. In arena. */
const char *literal_type_refusal(struct arena *arena, struct str name);

#endif

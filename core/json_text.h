/* json_text.h - numbers as JSON and URL parameters spell them. Internal to core; the rest of json_text.c is
 * declared in codec.h. */
#ifndef CORE_JSON_TEXT_H
#define CORE_JSON_TEXT_H

#include "core/codec.h"

/* A whole number of 64 bits, in JSON's number syntax with an optional '+': "5", "-5", and, being whole,
 * "5.0" and "5e2". Google's emulator 1.19.9 takes these too. */
bool json_int64(int64_t *out, struct str text);

enum json_double { JSON_DOUBLE_OK, JSON_DOUBLE_MALFORMED, JSON_DOUBLE_RANGE };
/* The nearest double of a text in JSON's number syntax with an optional '+', or of NaN, Infinity and
 * -Infinity. RANGE: beyond the largest finite double. */
enum json_double json_double(double *out, struct arena *arena, struct str text);

#endif

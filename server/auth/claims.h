/* claims.h - a JSON object as a map of values: token claims and --owner-as files.
 *
 * Whole numbers that fit are ints, other numbers doubles, null is null (observed on Google's emulator
 * 1.19.9). Doubled keys: the last one wins, as JSON parsers of token libraries do. */
#ifndef SERVER_AUTH_CLAIMS_H
#define SERVER_AUTH_CLAIMS_H

#include "core/value.h"

/* INVALID_ARGUMENT with a sentence when it is not one JSON object. Borrows from json. */
enum status_code claims_parse(struct value_map *out, struct arena *arena, struct str json, struct status *st);

#endif

/* document_limits.h - whether a document is small enough to be stored, as it is after its writes.
 *
 * Its size, as Google's emulator 1.19.9 counts it; and what production refuses though that emulator does not,
 * where a service under test would notice only after it was deployed. */
#ifndef SERVER_SERVICE_DOCUMENT_LIMITS_H
#define SERVER_SERVICE_DOCUMENT_LIMITS_H

#include "core/value.h"

/* INVALID_ARGUMENT above LIMIT_DOCUMENT_BYTES, LIMIT_DOCUMENT_NAME_BYTES or LIMIT_INDEX_ENTRIES. */
enum status_code document_limits_check(struct str path, const struct value_map *fields, struct arena *arena,
                                       struct status *st);

#endif

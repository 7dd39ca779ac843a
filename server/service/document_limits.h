/* document_limits.h - what production refuses to store though Google's emulator 1.19.9 does not, where a
 * service under test would notice only after it was deployed. What both refuse is in core/value.h
 * (document_validate). */
#ifndef SERVER_SERVICE_DOCUMENT_LIMITS_H
#define SERVER_SERVICE_DOCUMENT_LIMITS_H

#include "core/value.h"

/* INVALID_ARGUMENT above LIMIT_DOCUMENT_NAME_BYTES or LIMIT_INDEX_ENTRIES. */
enum status_code document_limits_check(struct str path, const struct value_map *fields, struct arena *arena,
                                       struct status *st);

#endif

/* fault_path.h - whether a call is about documents of a pattern. */
#ifndef SERVER_FAULTS_FAULT_PATH_H
#define SERVER_FAULTS_FAULT_PATH_H

#include "core/path.h"

struct call;

/* Whether a document that the request names is one of the pattern's (path_pattern_matches), or a collection
 * that it lists or queries holds such documents. Names that are none match nothing. */
bool fault_path_matches(struct str pattern, const struct call *call);

#endif

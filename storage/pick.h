/* pick.h - only the fields that somebody looks at, out of a document's encoding. */
#ifndef STORAGE_PICK_H
#define STORAGE_PICK_H

#include "core/value.h"

/* Decodes those of the top-level fields `names` (sorted, each once) that `raw` has; what
 * protobuf_decode_fields would say of it otherwise. */
enum status_code pick_fields(struct value_map *out, struct arena *arena, struct str raw,
                             const struct str *names, size_t n, struct status *st);

#endif

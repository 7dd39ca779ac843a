/* protojson.h - what the reader of JSON bodies and the reader of URL parameters share. Internal to core. */
#ifndef CORE_PROTOJSON_H
#define CORE_PROTOJSON_H

#include "core/codec_fault.h"
#include "core/schema.h"

/* A scalar, enum, timestamp or wrapper field from its text: what stood between the quotes of a JSON string,
 * the digits of a JSON number, or a URL parameter. The text outlives the message. False with a fault. */
bool protojson_scalar(struct codec_fault *fault, struct arena *arena, const struct schema_field *f, void *to,
                      struct str text);
/* Whether the field may be set: false with a fault when another member of its oneof is set already. */
bool protojson_may_set(struct codec_fault *fault, const struct schema_message *message,
                       const struct schema_field *f, const void *out);
/* The place of a singular field, marked as set; a message behind a pointer is made when there is none yet.
 * NULL with a fault. */
void *protojson_place(struct codec_fault *fault, struct arena *arena, const struct schema_field *f,
                      void *out);

#endif

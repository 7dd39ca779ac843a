/* codec_samples.h - messages to try a codec with: random ones of every schema, made by walking its table,
 * and the ones an official protobuf runtime encoded (data/codec_vectors.txt). */
#ifndef TESTS_CORE_CODEC_SAMPLES_H
#define TESTS_CORE_CODEC_SAMPLES_H

#include "core/core_test.h"
#include "core/schema.h"

/* Every message of SCHEMA_LIST. */
extern const struct schema_message *const sample_schemas[];
extern const size_t sample_schema_count;

/* A zeroed message of that schema in the arena. */
void *sample_empty(struct arena *arena, const struct schema_message *schema);
/* A random one. Everything in it survives both encodings. */
void *sample_message(struct dice *dice, struct arena *arena, const struct schema_message *schema);

struct sample_vector {
    const struct schema_message *schema;
    struct str name, protobuf, json;
};
/* Reads the recorded vectors into the arena; fails the test when there are none. */
size_t sample_vectors(struct sample_vector **out, struct arena *arena);

/* The bytes of a text like "0a0161". */
struct str sample_hex(struct arena *arena, const char *hex);
/* A message's encodings, in the arena. */
struct str sample_protobuf(struct arena *arena, const struct schema_message *schema, const void *message);
struct str sample_json(struct arena *arena, const struct schema_message *schema, const void *message,
                       unsigned flags);

#endif

/* codec.h - one schema, two encodings: the structs of messages.h to and from protobuf and proto3-JSON.
 *
 * Decoding writes into a zeroed struct; everything it points to is in the arena or borrowed from the input
 * (which must outlive the message). Nesting is limited (LIMIT_MESSAGE_DEPTH), input to LIMIT_MESSAGE_BYTES,
 * decoded size to LIMIT_REQUEST_ARENA; strings must be UTF-8. All refusals are INVALID_ARGUMENT (or
 * RESOURCE_EXHAUSTED for sizes) and name the field.
 *
 * JSON in: camelCase and snake_case, int64 as string or number, enums by name or number, base64 in both
 * alphabets with or without padding, RFC 3339 times, unknown and doubled fields and two members of a oneof
 * refused by name; an empty text is an empty message. JSON out: camelCase, int64 as strings, NaN and
 * infinities as strings. Protobuf in: unknown fields are skipped, last one wins for scalars, messages merge.
 * In both, times inside values are cut to microseconds, there is one NaN, and map keys come out sorted. */
#ifndef CORE_CODEC_H
#define CORE_CODEC_H

#include "core/messages.h"

struct schema_message; /* core/schema.h has the table layout */

/* One object per message of messages.h: SCHEMA(commit_request) describes struct msg_commit_request. */
#define SCHEMA(name) (&schema_##name)
#define SCHEMA_LIST(X)                                                                             \
    X(empty) X(value) X(array_value) X(map_value) X(document) X(document_mask) X(precondition)      \
    X(transaction_options) X(write) X(write_result) X(structured_query) X(filter) X(cursor)         \
    X(get_document_request) X(list_documents_request) X(list_documents_response)                    \
    X(create_document_request) X(update_document_request) X(delete_document_request)                \
    X(batch_get_request) X(batch_get_response) X(begin_transaction_request)                         \
    X(begin_transaction_response) X(commit_request) X(commit_response) X(rollback_request)          \
    X(run_query_request) X(run_query_response) X(run_aggregation_request)                           \
    X(run_aggregation_response) X(partition_query_request) X(partition_query_response)              \
    X(list_collection_ids_request) X(list_collection_ids_response) X(batch_write_request)           \
    X(batch_write_response) X(write_request) X(write_response) X(listen_request)                    \
    X(listen_response) X(execute_pipeline_request) X(rpc_status)
#define X(name) extern const struct schema_message schema_##name;
SCHEMA_LIST(X)
#undef X

size_t schema_size(const struct schema_message *schema);      /* sizeof of its struct */
const char *schema_name(const struct schema_message *schema); /* "CommitRequest" */

enum status_code protobuf_decode(void *out, const struct schema_message *schema, struct arena *arena,
                                 struct str bytes, struct status *st);
/* Appends; false when out overflowed. Map keys are written in sorted order: the encoding is canonical. */
bool protobuf_encode(struct buf *out, const struct schema_message *schema, const void *message);

/* The fields of a document alone (repeated field 2 of Document), as the ledger keeps them. */
bool protobuf_encode_fields(struct buf *out, const struct value_map *fields);
enum status_code protobuf_decode_fields(struct value_map *out, struct arena *arena, struct str bytes,
                                        struct status *st);
/* Makes document->fields usable whichever of fields and fields_raw is set. */
enum status_code document_decode(struct document *document, struct arena *arena, struct status *st);

enum protojson_flags {
    PROTOJSON_PRETTY = 1,   /* two spaces and newlines, as Google's emulator prints */
    PROTOJSON_ENUM_INT = 2, /* $alt=json;enum-encoding=int */
};
enum status_code protojson_decode(void *out, const struct schema_message *schema, struct arena *arena,
                                  struct str json, struct status *st);
bool protojson_encode(struct buf *out, const struct schema_message *schema, const void *message,
                      unsigned flags);
/* Sets one field from a URL query parameter: "mask.fieldPaths", "current_document.exists", "pageSize".
 * NOT_FOUND when the message has no such field (REST ignores those), INVALID_ARGUMENT for a bad value and for a second
 * one where there can be one. */
enum status_code protojson_set_param(void *message, const struct schema_message *schema, struct arena *arena,
                                     struct str name, struct str text, struct status *st);

/* ---- json_read.c: the pull reader beneath, for others who must keep number texts ---- */
enum json_token {
    JSON_ERROR, JSON_END, JSON_OBJECT, JSON_OBJECT_END, JSON_ARRAY, JSON_ARRAY_END,
    JSON_KEY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL,
};
struct json_reader {
    const char *start, *at, *end;
    struct arena *arena;
    struct str text;    /* of KEY, STRING (unescaped, UTF-8 checked), NUMBER (as written) */
    const char *error;  /* of JSON_ERROR: a constant sentence */
    uint32_t depth;     /* LIMIT_MESSAGE_DEPTH at most */
    unsigned char stack[16]; /* one bit a level: object or array */
    unsigned char state;
};
void json_reader_init(struct json_reader *r, struct arena *arena, struct str json);
enum json_token json_next(struct json_reader *r);
/* Reads past the value that the last token began. False on error. */
bool json_skip(struct json_reader *r, enum json_token first);

bool base64_decode(struct str *out, struct arena *arena, struct str text); /* both alphabets, padding optional */
bool base64_encode(struct buf *out, const void *bytes, size_t n);           /* standard, padded */
/* ,"key":"value" after an earlier member; nothing for an empty value, null for one that is not UTF-8. */
bool json_write_member(struct buf *out, const char *key, struct str value);
bool json_write_string(struct buf *out, struct str text);                   /* quoted and escaped */
bool json_write_double(struct buf *out, double d); /* shortest that reads back; "NaN" etc. quoted */

#endif

/* schema.c - the tables: every google.firestore.v1 message this program reads or writes.
 *
 * Each row macro takes the type of the struct member into account: _Generic refuses to compile a row whose
 * member has another C type than the wire type needs. */
#include "core/schema.h"

#include <assert.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER(T, member) (((T *)0)->member)
/* The offset of `member`, provided that it is a `type`. */
#define AT(type, T, member) _Generic(MEMBER(T, member), type : offsetof(T, member))
#define AT_POINTER(type, T, member) _Generic(MEMBER(T, member), type * : offsetof(T, member))
#define AT_LIST(type, T, member) _Generic(MEMBER(T, member).items, type * : offsetof(T, member))

/* Row macros read better as rows than as blocks. */
/* clang-format off */
#define NAMES(num, camel, snake) .json = STR_INIT(camel), .name = STR_INIT(snake), .number = (num)

/* Singular scalars: set when not zero. */
#define STRING(T, num, camel, snake, m)                                                            \
    { NAMES(num, camel, snake), .type = SCHEMA_STRING, .offset = AT(struct str, T, m) }
#define BYTES(T, num, camel, snake, m)                                                             \
    { NAMES(num, camel, snake), .type = SCHEMA_BYTES, .offset = AT(struct str, T, m) }
#define BOOL(T, num, camel, snake, m)                                                              \
    { NAMES(num, camel, snake), .type = SCHEMA_BOOL, .offset = AT(bool, T, m) }
#define INT32(T, num, camel, snake, m)                                                             \
    { NAMES(num, camel, snake), .type = SCHEMA_INT32, .offset = AT(int32_t, T, m) }
#define INT64(T, num, camel, snake, m)                                                             \
    { NAMES(num, camel, snake), .type = SCHEMA_INT64, .offset = AT(int64_t, T, m) }
#define ENUM(T, num, camel, snake, m, e)                                                           \
    { NAMES(num, camel, snake), .type = SCHEMA_ENUM, .offset = AT(int32_t, T, m), .enumeration = (e) }

/* Singular with a flag beside it. */
#define FLAG(T, m) .presence = SCHEMA_IF_FLAG, .has_offset = AT(bool, T, m)
#define TIME(T, num, camel, snake, m)                                                              \
    { NAMES(num, camel, snake), .type = SCHEMA_TIMESTAMP, FLAG(T, m.set),                          \
      .offset = AT(struct timestamp, T, m.value) }
#define WRAPPED(kind, ctype, T, num, camel, snake, m)                                              \
    { NAMES(num, camel, snake), .type = (kind), .wrapped = true, FLAG(T, m.set),                   \
      .offset = AT(ctype, T, m.value) }

/* Members of a oneof, told by its case. */
#define CASE(T, c) .presence = SCHEMA_IF_CASE, .has_offset = AT(uint32_t, T, c)
#define ONE(kind, ctype, T, c, num, camel, snake, m)                                               \
    { NAMES(num, camel, snake), .type = (kind), CASE(T, c), .offset = AT(ctype, T, m) }
#define ONE_STRING(...) ONE(SCHEMA_STRING, struct str, __VA_ARGS__)
#define ONE_BYTES(...) ONE(SCHEMA_BYTES, struct str, __VA_ARGS__)
#define ONE_BOOL(...) ONE(SCHEMA_BOOL, bool, __VA_ARGS__)
#define ONE_TIME(...) ONE(SCHEMA_TIMESTAMP, struct timestamp, __VA_ARGS__)
#define ONE_VALUE(...) ONE(SCHEMA_VALUE, struct value, __VA_ARGS__)
#define ONE_MESSAGE(ctype, T, c, num, camel, snake, m, sub)                                        \
    { NAMES(num, camel, snake), .type = SCHEMA_MESSAGE, CASE(T, c), .offset = AT(ctype, T, m), .message = (sub) }
#define ONE_POINTER(ctype, T, c, num, camel, snake, m, sub)                                        \
    { NAMES(num, camel, snake), .type = SCHEMA_MESSAGE, .pointer = true, CASE(T, c),               \
      .offset = AT_POINTER(ctype, T, m), .message = (sub) }

/* Messages: a pointer, or held in place (then set when not empty). */
#define POINTER(ctype, T, num, camel, snake, m, sub)                                               \
    { NAMES(num, camel, snake), .type = SCHEMA_MESSAGE, .pointer = true,                           \
      .presence = SCHEMA_IF_POINTER, .offset = AT_POINTER(ctype, T, m), .message = (sub) }
#define INPLACE(ctype, T, num, camel, snake, m, sub)                                               \
    { NAMES(num, camel, snake), .type = SCHEMA_MESSAGE, .offset = AT(ctype, T, m), .message = (sub) }
#define VALUE(T, num, camel, snake, m)                                                             \
    { NAMES(num, camel, snake), .type = SCHEMA_VALUE, .offset = AT(struct value, T, m) }

/* Repeated. */
#define STRINGS(T, num, camel, snake, m)                                                           \
    { NAMES(num, camel, snake), .type = SCHEMA_STRING, .repeated = true, .offset = AT_LIST(struct str, T, m) }
#define INT32S(T, num, camel, snake, m)                                                            \
    { NAMES(num, camel, snake), .type = SCHEMA_INT32, .repeated = true, .offset = AT_LIST(int32_t, T, m) }
#define VALUES(T, num, camel, snake, m)                                                            \
    { NAMES(num, camel, snake), .type = SCHEMA_VALUE, .repeated = true, .offset = AT_LIST(struct value, T, m) }
#define LABELS(T, num, camel, snake, m)                                                            \
    { NAMES(num, camel, snake), .type = SCHEMA_LABELS, .repeated = true,                           \
      .offset = AT_LIST(struct msg_label, T, m) }
#define MESSAGES(ctype, T, num, camel, snake, m, sub)                                              \
    { NAMES(num, camel, snake), .type = SCHEMA_MESSAGE, .repeated = true, .offset = AT_LIST(ctype, T, m), \
      .message = (sub) }

#define SKIP(num, camel, snake) { NAMES(num, camel, snake), .type = SCHEMA_SKIP }
/* Sent by clients newer than 1.19.9's API. */
#define REQUEST_OPTIONS(num) SKIP(num, "requestOptions", "request_options")

#define MESSAGE_BODY(api_name, T, rows) { .name = (api_name), .size = sizeof(T), .fields = (rows), .n = COUNT(rows) }
/* One of SCHEMA_LIST, and one that only others refer to. */
#define MESSAGE(id, api_name, T, rows) const struct schema_message schema_##id = MESSAGE_BODY(api_name, T, rows)
#define INNER(id, api_name, T, rows) static const struct schema_message id = MESSAGE_BODY(api_name, T, rows)

/* clang-format on */

/* ---- enums ---- */
#define E(name, number)                                                                                      \
    {                                                                                                        \
        STR_INIT(name), (number)                                                                             \
    }
#define ENUMERATION(id) static const struct schema_enum id = { id##_rows, COUNT(id##_rows) }

static const struct schema_enumerator server_value_rows[] = {
    E("SERVER_VALUE_UNSPECIFIED", 0),
    E("REQUEST_TIME", 1),
};
ENUMERATION(server_value);
static const struct schema_enumerator direction_rows[] = {
    E("DIRECTION_UNSPECIFIED", 0),
    E("ASCENDING", 1),
    E("DESCENDING", 2),
};
ENUMERATION(direction);
static const struct schema_enumerator composite_op_rows[] = {
    E("OPERATOR_UNSPECIFIED", 0),
    E("AND", 1),
    E("OR", 2),
};
ENUMERATION(composite_op);
static const struct schema_enumerator field_op_rows[] = {
    E("OPERATOR_UNSPECIFIED", 0),
    E("LESS_THAN", 1),
    E("LESS_THAN_OR_EQUAL", 2),
    E("GREATER_THAN", 3),
    E("GREATER_THAN_OR_EQUAL", 4),
    E("EQUAL", 5),
    E("NOT_EQUAL", 6),
    E("ARRAY_CONTAINS", 7),
    E("IN", 8),
    E("ARRAY_CONTAINS_ANY", 9),
    E("NOT_IN", 10),
};
ENUMERATION(field_op);
static const struct schema_enumerator unary_op_rows[] = {
    E("OPERATOR_UNSPECIFIED", 0), E("IS_NAN", 2), E("IS_NULL", 3), E("IS_NOT_NAN", 4), E("IS_NOT_NULL", 5),
};
ENUMERATION(unary_op);
static const struct schema_enumerator distance_rows[] = {
    E("DISTANCE_MEASURE_UNSPECIFIED", 0),
    E("EUCLIDEAN", 1),
    E("COSINE", 2),
    E("DOT_PRODUCT", 3),
};
ENUMERATION(distance);
static const struct schema_enumerator concurrency_rows[] = {
    E("CONCURRENCY_MODE_UNSPECIFIED", 0),
    E("OPTIMISTIC", 1),
    E("PESSIMISTIC", 2),
};
ENUMERATION(concurrency);
static const struct schema_enumerator target_change_type_rows[] = {
    E("NO_CHANGE", 0), E("ADD", 1), E("REMOVE", 2), E("CURRENT", 3), E("RESET", 4),
};
ENUMERATION(target_change_type);

/* ---- document.proto ---- */
const struct schema_message schema_empty = { .name = "Empty", .size = sizeof(struct msg_empty) };

/* Only names and numbers: the offsets of a value are known to the codecs' own code for it. */
#define KIND(num, kind, camel, snake)                                                                        \
    {                                                                                                        \
        NAMES(num, camel, snake), .type = (kind)                                                             \
    }
static const struct schema_field value_rows[] = {
    KIND(VALUE_BOOL, SCHEMA_BOOL, "booleanValue", "boolean_value"),
    KIND(VALUE_INT, SCHEMA_INT64, "integerValue", "integer_value"),
    KIND(VALUE_DOUBLE, SCHEMA_DOUBLE, "doubleValue", "double_value"),
    KIND(VALUE_REFERENCE, SCHEMA_STRING, "referenceValue", "reference_value"),
    KIND(VALUE_MAP, SCHEMA_MESSAGE, "mapValue", "map_value"),
    KIND(VALUE_GEO, SCHEMA_MESSAGE, "geoPointValue", "geo_point_value"),
    KIND(VALUE_ARRAY, SCHEMA_MESSAGE, "arrayValue", "array_value"),
    KIND(VALUE_TIMESTAMP, SCHEMA_TIMESTAMP, "timestampValue", "timestamp_value"),
    KIND(VALUE_NULL, SCHEMA_NULL, "nullValue", "null_value"),
    KIND(VALUE_STRING, SCHEMA_STRING, "stringValue", "string_value"),
    KIND(VALUE_BYTES, SCHEMA_BYTES, "bytesValue", "bytes_value"),
    KIND(VALUE_FIELD_REFERENCE, SCHEMA_STRING, "fieldReferenceValue", "field_reference_value"),
    KIND(VALUE_FUNCTION, SCHEMA_SKIP, "functionValue", "function_value"),
    KIND(VALUE_PIPELINE, SCHEMA_SKIP, "pipelineValue", "pipeline_value"),
};
const struct schema_message schema_value = {
    .name = "Value",
    .size = sizeof(struct value),
    .fields = value_rows,
    .n = COUNT(value_rows),
    .is_value = true,
};

/* ArrayValue and MapValue are their lists: struct value_list and struct value_map themselves. */
static const struct schema_field array_value_rows[] = {
    { NAMES(1, "values", "values"), .type = SCHEMA_VALUE, .repeated = true,
      .offset = offsetof(struct value_list, items) },
};
MESSAGE(array_value, "ArrayValue", struct value_list, array_value_rows);

static const struct schema_field map_value_rows[] = {
    { NAMES(1, "fields", "fields"), .type = SCHEMA_VALUE_MAP, .repeated = true,
      .offset = offsetof(struct value_map, items) },
};
MESSAGE(map_value, "MapValue", struct value_map, map_value_rows);

#define DOCUMENT_TIME(num, camel, snake, m)                                                                  \
    {                                                                                                        \
        NAMES(num, camel, snake), .type = SCHEMA_TIMESTAMP, FLAG(struct document, has_##m),                  \
                                  .offset = AT(struct timestamp, struct document, m)                         \
    }
static const struct schema_field document_rows[] = {
    STRING(struct document, 1, "name", "name", name),
    { NAMES(2, "fields", "fields"), .type = SCHEMA_VALUE_MAP, .repeated = true, .presence = SCHEMA_IF_NOT_RAW,
      .offset = AT(struct value_map, struct document, fields),
      .has_offset = AT(struct str, struct document, fields_raw) },
    DOCUMENT_TIME(3, "createTime", "create_time", create_time),
    DOCUMENT_TIME(4, "updateTime", "update_time", update_time),
};
MESSAGE(document, "Document", struct document, document_rows);

/* ---- common.proto ---- */
static const struct schema_field document_mask_rows[] = {
    STRINGS(struct msg_document_mask, 1, "fieldPaths", "field_paths", field_paths),
};
MESSAGE(document_mask, "DocumentMask", struct msg_document_mask, document_mask_rows);

static const struct schema_field precondition_rows[] = {
    ONE_BOOL(struct msg_precondition, condition_case, 1, "exists", "exists", exists),
    ONE_TIME(struct msg_precondition, condition_case, 2, "updateTime", "update_time", update_time),
};
MESSAGE(precondition, "Precondition", struct msg_precondition, precondition_rows);

/* ReadOnly and ReadWrite are held in place and have no struct name of their own. */
typedef __typeof__(MEMBER(struct msg_transaction_options, read_only)) read_only_t;
typedef __typeof__(MEMBER(struct msg_transaction_options, read_write)) read_write_t;
static const struct schema_field read_only_rows[] = {
    TIME(read_only_t, 2, "readTime", "read_time", read_time),
};
INNER(read_only, "ReadOnly", read_only_t, read_only_rows);
static const struct schema_field read_write_rows[] = {
    BYTES(read_write_t, 1, "retryTransaction", "retry_transaction", retry_transaction),
    ENUM(read_write_t, 2, "concurrencyMode", "concurrency_mode", concurrency_mode, &concurrency),
};
INNER(read_write, "ReadWrite", read_write_t, read_write_rows);
static const struct schema_field transaction_options_rows[] = {
    ONE_MESSAGE(read_only_t, struct msg_transaction_options, mode_case, 2, "readOnly", "read_only", read_only,
                &read_only),
    ONE_MESSAGE(read_write_t, struct msg_transaction_options, mode_case, 3, "readWrite", "read_write",
                read_write, &read_write),
};
MESSAGE(transaction_options, "TransactionOptions", struct msg_transaction_options, transaction_options_rows);

/* ---- write.proto ---- */
#define T struct msg_field_transform
static const struct schema_field field_transform_rows[] = {
    STRING(T, 1, "fieldPath", "field_path", field_path),
    { NAMES(2, "setToServerValue", "set_to_server_value"), .type = SCHEMA_ENUM, CASE(T, transform_case),
      .offset = AT(int32_t, T, set_to_server_value), .enumeration = &server_value },
    ONE_VALUE(T, transform_case, 3, "increment", "increment", operand),
    ONE_VALUE(T, transform_case, 4, "maximum", "maximum", operand),
    ONE_VALUE(T, transform_case, 5, "minimum", "minimum", operand),
    ONE_MESSAGE(struct value_list, T, transform_case, 6, "appendMissingElements", "append_missing_elements",
                array_operand, &schema_array_value),
    ONE_MESSAGE(struct value_list, T, transform_case, 7, "removeAllFromArray", "remove_all_from_array",
                array_operand, &schema_array_value),
};
INNER(field_transform, "FieldTransform", T, field_transform_rows);
#undef T

static const struct schema_field document_transform_rows[] = {
    STRING(struct msg_document_transform, 1, "document", "document", document),
    MESSAGES(struct msg_field_transform, struct msg_document_transform, 2, "fieldTransforms",
             "field_transforms", field_transforms, &field_transform),
};
INNER(document_transform, "DocumentTransform", struct msg_document_transform, document_transform_rows);

#define T struct msg_write
static const struct schema_field write_rows[] = {
    ONE_MESSAGE(struct document, T, operation_case, 1, "update", "update", update, &schema_document),
    ONE_STRING(T, operation_case, 2, "delete", "delete", delete_name),
    POINTER(struct msg_document_mask, T, 3, "updateMask", "update_mask", update_mask, &schema_document_mask),
    POINTER(struct msg_precondition, T, 4, "currentDocument", "current_document", current_document,
            &schema_precondition),
    ONE_STRING(T, operation_case, 5, "verify", "verify", verify),
    ONE_MESSAGE(struct msg_document_transform, T, operation_case, 6, "transform", "transform", transform,
                &document_transform),
    MESSAGES(struct msg_field_transform, T, 7, "updateTransforms", "update_transforms", update_transforms,
             &field_transform),
};
MESSAGE(write, "Write", T, write_rows);
#undef T

static const struct schema_field write_result_rows[] = {
    TIME(struct msg_write_result, 1, "updateTime", "update_time", update_time),
    VALUES(struct msg_write_result, 2, "transformResults", "transform_results", transform_results),
};
MESSAGE(write_result, "WriteResult", struct msg_write_result, write_result_rows);

#define T struct msg_document_change
static const struct schema_field document_change_rows[] = {
    INPLACE(struct document, T, 1, "document", "document", document, &schema_document),
    INT32S(T, 5, "targetIds", "target_ids", target_ids),
    INT32S(T, 6, "removedTargetIds", "removed_target_ids", removed_target_ids),
};
INNER(document_change, "DocumentChange", T, document_change_rows);
#undef T

#define T struct msg_document_delete
static const struct schema_field document_delete_rows[] = {
    STRING(T, 1, "document", "document", document),
    TIME(T, 4, "readTime", "read_time", read_time),
    INT32S(T, 6, "removedTargetIds", "removed_target_ids", removed_target_ids),
};
INNER(document_delete, "DocumentDelete", T, document_delete_rows);
#undef T

#define T struct msg_document_remove
static const struct schema_field document_remove_rows[] = {
    STRING(T, 1, "document", "document", document),
    INT32S(T, 2, "removedTargetIds", "removed_target_ids", removed_target_ids),
    TIME(T, 4, "readTime", "read_time", read_time),
};
INNER(document_remove, "DocumentRemove", T, document_remove_rows);
#undef T

static const struct schema_field existence_filter_rows[] = {
    INT32(struct msg_existence_filter, 1, "targetId", "target_id", target_id),
    INT32(struct msg_existence_filter, 2, "count", "count", count),
    SKIP(3, "unchangedNames", "unchanged_names"),
};
INNER(existence_filter, "ExistenceFilter", struct msg_existence_filter, existence_filter_rows);

/* ---- query.proto ---- */
static const struct schema_field field_reference_rows[] = {
    STRING(struct msg_field_reference, 2, "fieldPath", "field_path", field_path),
};
INNER(field_reference, "FieldReference", struct msg_field_reference, field_reference_rows);

static const struct schema_field composite_filter_rows[] = {
    ENUM(struct msg_composite_filter, 1, "op", "op", op, &composite_op),
    MESSAGES(struct msg_filter, struct msg_composite_filter, 2, "filters", "filters", filters,
             &schema_filter),
};
INNER(composite_filter, "CompositeFilter", struct msg_composite_filter, composite_filter_rows);

static const struct schema_field field_filter_rows[] = {
    INPLACE(struct msg_field_reference, struct msg_field_filter, 1, "field", "field", field,
            &field_reference),
    ENUM(struct msg_field_filter, 2, "op", "op", op, &field_op),
    VALUE(struct msg_field_filter, 3, "value", "value", value),
};
INNER(field_filter, "FieldFilter", struct msg_field_filter, field_filter_rows);

static const struct schema_field unary_filter_rows[] = {
    ENUM(struct msg_unary_filter, 1, "op", "op", op, &unary_op),
    POINTER(struct msg_field_reference, struct msg_unary_filter, 2, "field", "field", field,
            &field_reference),
};
INNER(unary_filter, "UnaryFilter", struct msg_unary_filter, unary_filter_rows);

#define T struct msg_filter
static const struct schema_field filter_rows[] = {
    ONE_POINTER(struct msg_composite_filter, T, filter_case, 1, "compositeFilter", "composite_filter",
                composite, &composite_filter),
    ONE_POINTER(struct msg_field_filter, T, filter_case, 2, "fieldFilter", "field_filter", field,
                &field_filter),
    ONE_POINTER(struct msg_unary_filter, T, filter_case, 3, "unaryFilter", "unary_filter", unary,
                &unary_filter),
};
MESSAGE(filter, "Filter", T, filter_rows);
#undef T

static const struct schema_field order_rows[] = {
    INPLACE(struct msg_field_reference, struct msg_order, 1, "field", "field", field, &field_reference),
    ENUM(struct msg_order, 2, "direction", "direction", direction, &direction),
};
INNER(order, "Order", struct msg_order, order_rows);

static const struct schema_field projection_rows[] = {
    MESSAGES(struct msg_field_reference, struct msg_projection, 2, "fields", "fields", fields,
             &field_reference),
};
INNER(projection, "Projection", struct msg_projection, projection_rows);

static const struct schema_field collection_selector_rows[] = {
    STRING(struct msg_collection_selector, 2, "collectionId", "collection_id", collection_id),
    BOOL(struct msg_collection_selector, 3, "allDescendants", "all_descendants", all_descendants),
};
INNER(collection_selector, "CollectionSelector", struct msg_collection_selector, collection_selector_rows);

static const struct schema_field cursor_rows[] = {
    VALUES(struct msg_cursor, 1, "values", "values", values),
    BOOL(struct msg_cursor, 2, "before", "before", before),
};
MESSAGE(cursor, "Cursor", struct msg_cursor, cursor_rows);

#define T struct msg_find_nearest
static const struct schema_field find_nearest_rows[] = {
    INPLACE(struct msg_field_reference, T, 1, "vectorField", "vector_field", vector_field, &field_reference),
    VALUE(T, 2, "queryVector", "query_vector", query_vector),
    ENUM(T, 3, "distanceMeasure", "distance_measure", distance_measure, &distance),
    WRAPPED(SCHEMA_INT32, int64_t, T, 4, "limit", "limit", limit),
    STRING(T, 5, "distanceResultField", "distance_result_field", distance_result_field),
    WRAPPED(SCHEMA_DOUBLE, double, T, 6, "distanceThreshold", "distance_threshold", distance_threshold),
};
INNER(find_nearest, "FindNearest", T, find_nearest_rows);
#undef T

#define T struct msg_structured_query
static const struct schema_field structured_query_rows[] = {
    POINTER(struct msg_projection, T, 1, "select", "select", select, &projection),
    MESSAGES(struct msg_collection_selector, T, 2, "from", "from", from, &collection_selector),
    POINTER(struct msg_filter, T, 3, "where", "where", where, &schema_filter),
    MESSAGES(struct msg_order, T, 4, "orderBy", "order_by", order_by, &order),
    WRAPPED(SCHEMA_INT32, int64_t, T, 5, "limit", "limit", limit),
    INT32(T, 6, "offset", "offset", offset),
    POINTER(struct msg_cursor, T, 7, "startAt", "start_at", start_at, &schema_cursor),
    POINTER(struct msg_cursor, T, 8, "endAt", "end_at", end_at, &schema_cursor),
    POINTER(struct msg_find_nearest, T, 9, "findNearest", "find_nearest", find_nearest, &find_nearest),
};
MESSAGE(structured_query, "StructuredQuery", T, structured_query_rows);
#undef T
#define STRUCTURED_QUERY(T, num)                                                                             \
    ONE_POINTER(struct msg_structured_query, T, query_case, num, "structuredQuery", "structured_query",      \
                structured_query, &schema_structured_query)

/* Count holds one wrapper and Sum and Avg one reference: the struct keeps just those. */
static const struct schema_field count_rows[] = {
    { NAMES(1, "upTo", "up_to"), .type = SCHEMA_INT64, .wrapped = true, .presence = SCHEMA_IF_FLAG,
      .has_offset = AT(bool, opt_int, set), .offset = AT(int64_t, opt_int, value) },
};
INNER(count, "Count", opt_int, count_rows);
static const struct schema_field field_of_rows[] = {
    { NAMES(1, "field", "field"), .type = SCHEMA_MESSAGE, .offset = 0, .message = &field_reference },
};
INNER(sum, "Sum", struct msg_field_reference, field_of_rows);
INNER(avg, "Avg", struct msg_field_reference, field_of_rows);

#define T struct msg_aggregation
static const struct schema_field aggregation_rows[] = {
    ONE_MESSAGE(opt_int, T, operator_case, 1, "count", "count", count_up_to, &count),
    ONE_MESSAGE(struct msg_field_reference, T, operator_case, 2, "sum", "sum", sum_field, &sum),
    ONE_MESSAGE(struct msg_field_reference, T, operator_case, 3, "avg", "avg", avg_field, &avg),
    STRING(T, 7, "alias", "alias", alias),
};
INNER(aggregation, "Aggregation", T, aggregation_rows);
#undef T

static const struct schema_field structured_aggregation_query_rows[] = {
    STRUCTURED_QUERY(struct msg_structured_aggregation_query, 1),
    MESSAGES(struct msg_aggregation, struct msg_structured_aggregation_query, 3, "aggregations",
             "aggregations", aggregations, &aggregation),
};
INNER(structured_aggregation_query, "StructuredAggregationQuery", struct msg_structured_aggregation_query,
      structured_aggregation_query_rows);

static const struct schema_field explain_options_rows[] = {
    BOOL(struct msg_explain_options, 1, "analyze", "analyze", analyze),
};
INNER(explain_options, "ExplainOptions", struct msg_explain_options, explain_options_rows);

/* ---- firestore.proto: requests and responses ---- */
#define MASK(T, num) POINTER(struct msg_document_mask, T, num, "mask", "mask", mask, &schema_document_mask)
#define CURRENT_DOCUMENT(T, num)                                                                             \
    POINTER(struct msg_precondition, T, num, "currentDocument", "current_document", current_document,        \
            &schema_precondition)
#define IN_TRANSACTION(T, num) ONE_BYTES(T, consistency_case, num, "transaction", "transaction", transaction)
#define NEW_TRANSACTION(T, num)                                                                              \
    ONE_POINTER(struct msg_transaction_options, T, consistency_case, num, "newTransaction",                  \
                "new_transaction", new_transaction, &schema_transaction_options)
#define AT_READ_TIME(T, num) ONE_TIME(T, consistency_case, num, "readTime", "read_time", read_time)
#define EXPLAIN(T, num)                                                                                      \
    POINTER(struct msg_explain_options, T, num, "explainOptions", "explain_options", explain_options,        \
            &explain_options)
#define WRITES(T, num) MESSAGES(struct msg_write, T, num, "writes", "writes", writes, &schema_write)
#define WRITE_RESULTS(T, num)                                                                                \
    MESSAGES(struct msg_write_result, T, num, "writeResults", "write_results", write_results,                \
             &schema_write_result)
#define PARENT(T, num) STRING(T, num, "parent", "parent", parent)
#define DATABASE(T, num) STRING(T, num, "database", "database", database)
#define PAGE_TOKEN(T, num) STRING(T, num, "pageToken", "page_token", page_token)
#define NEXT_PAGE_TOKEN(T, num) STRING(T, num, "nextPageToken", "next_page_token", next_page_token)
#define PAGE_SIZE(T, num) INT32(T, num, "pageSize", "page_size", page_size)
#define TRANSACTION(T, num) BYTES(T, num, "transaction", "transaction", transaction)
#define READ_TIME(T, num) TIME(T, num, "readTime", "read_time", read_time)
#define DOCUMENT(T, num) POINTER(struct document, T, num, "document", "document", document, &schema_document)

#define T struct msg_get_document_request
static const struct schema_field get_document_request_rows[] = {
    STRING(T, 1, "name", "name", name),
    MASK(T, 2),
    IN_TRANSACTION(T, 3),
    AT_READ_TIME(T, 5),
    REQUEST_OPTIONS(10),
};
MESSAGE(get_document_request, "GetDocumentRequest", T, get_document_request_rows);
#undef T

#define T struct msg_list_documents_request
static const struct schema_field list_documents_request_rows[] = {
    PARENT(T, 1),
    STRING(T, 2, "collectionId", "collection_id", collection_id),
    PAGE_SIZE(T, 3),
    PAGE_TOKEN(T, 4),
    STRING(T, 6, "orderBy", "order_by", order_by),
    MASK(T, 7),
    IN_TRANSACTION(T, 8),
    AT_READ_TIME(T, 10),
    BOOL(T, 12, "showMissing", "show_missing", show_missing),
    REQUEST_OPTIONS(13),
};
MESSAGE(list_documents_request, "ListDocumentsRequest", T, list_documents_request_rows);
#undef T

#define T struct msg_list_documents_response
static const struct schema_field list_documents_response_rows[] = {
    MESSAGES(struct document, T, 1, "documents", "documents", documents, &schema_document),
    NEXT_PAGE_TOKEN(T, 2),
};
MESSAGE(list_documents_response, "ListDocumentsResponse", T, list_documents_response_rows);
#undef T

#define T struct msg_create_document_request
static const struct schema_field create_document_request_rows[] = {
    PARENT(T, 1),
    STRING(T, 2, "collectionId", "collection_id", collection_id),
    STRING(T, 3, "documentId", "document_id", document_id),
    DOCUMENT(T, 4),
    MASK(T, 5),
    REQUEST_OPTIONS(6),
};
MESSAGE(create_document_request, "CreateDocumentRequest", T, create_document_request_rows);
#undef T

#define T struct msg_update_document_request
static const struct schema_field update_document_request_rows[] = {
    DOCUMENT(T, 1),
    POINTER(struct msg_document_mask, T, 2, "updateMask", "update_mask", update_mask, &schema_document_mask),
    MASK(T, 3),
    CURRENT_DOCUMENT(T, 4),
    REQUEST_OPTIONS(5),
};
MESSAGE(update_document_request, "UpdateDocumentRequest", T, update_document_request_rows);
#undef T

#define T struct msg_delete_document_request
static const struct schema_field delete_document_request_rows[] = {
    STRING(T, 1, "name", "name", name),
    CURRENT_DOCUMENT(T, 2),
    REQUEST_OPTIONS(3),
};
MESSAGE(delete_document_request, "DeleteDocumentRequest", T, delete_document_request_rows);
#undef T

#define T struct msg_batch_get_request
static const struct schema_field batch_get_request_rows[] = {
    DATABASE(T, 1),
    STRINGS(T, 2, "documents", "documents", documents),
    MASK(T, 3),
    IN_TRANSACTION(T, 4),
    NEW_TRANSACTION(T, 5),
    AT_READ_TIME(T, 7),
    REQUEST_OPTIONS(8),
};
MESSAGE(batch_get_request, "BatchGetDocumentsRequest", T, batch_get_request_rows);
#undef T

#define T struct msg_batch_get_response
static const struct schema_field batch_get_response_rows[] = {
    ONE_MESSAGE(struct document, T, result_case, 1, "found", "found", found, &schema_document),
    ONE_STRING(T, result_case, 2, "missing", "missing", missing),
    TRANSACTION(T, 3),
    READ_TIME(T, 4),
};
MESSAGE(batch_get_response, "BatchGetDocumentsResponse", T, batch_get_response_rows);
#undef T

#define T struct msg_begin_transaction_request
static const struct schema_field begin_transaction_request_rows[] = {
    DATABASE(T, 1),
    POINTER(struct msg_transaction_options, T, 2, "options", "options", options, &schema_transaction_options),
    REQUEST_OPTIONS(3),
};
MESSAGE(begin_transaction_request, "BeginTransactionRequest", T, begin_transaction_request_rows);
#undef T

#define T struct msg_begin_transaction_response
static const struct schema_field begin_transaction_response_rows[] = { TRANSACTION(T, 1) };
MESSAGE(begin_transaction_response, "BeginTransactionResponse", T, begin_transaction_response_rows);
#undef T

#define T struct msg_commit_request
static const struct schema_field commit_request_rows[] = {
    DATABASE(T, 1),
    WRITES(T, 2),
    TRANSACTION(T, 3),
    REQUEST_OPTIONS(4),
};
MESSAGE(commit_request, "CommitRequest", T, commit_request_rows);
#undef T

#define T struct msg_commit_response
static const struct schema_field commit_response_rows[] = {
    WRITE_RESULTS(T, 1),
    TIME(T, 2, "commitTime", "commit_time", commit_time),
};
MESSAGE(commit_response, "CommitResponse", T, commit_response_rows);
#undef T

#define T struct msg_rollback_request
static const struct schema_field rollback_request_rows[] = { DATABASE(T, 1), TRANSACTION(T, 2),
                                                             REQUEST_OPTIONS(3) };
MESSAGE(rollback_request, "RollbackRequest", T, rollback_request_rows);
#undef T

#define T struct msg_run_query_request
static const struct schema_field run_query_request_rows[] = {
    PARENT(T, 1),       STRUCTURED_QUERY(T, 2), IN_TRANSACTION(T, 5), NEW_TRANSACTION(T, 6),
    AT_READ_TIME(T, 7), EXPLAIN(T, 10),         REQUEST_OPTIONS(11),
};
MESSAGE(run_query_request, "RunQueryRequest", T, run_query_request_rows);
#undef T

/* ---- query_profile.proto ---- */
#define WRITTEN(ctype, T, num, camel, snake, m, sub)                                                         \
    { NAMES(num, camel, snake), .type = SCHEMA_MESSAGE, .pointer = true, .write_only = true,                 \
      .presence = SCHEMA_IF_POINTER, .offset = AT_POINTER(const ctype, T, m), .message = (sub) }
#define EXPLAINED(T, num)                                                                                    \
    WRITTEN(struct msg_explain_metrics, T, num, "explainMetrics", "explain_metrics", explain_metrics,        \
            &explain_metrics)

static const struct schema_field plan_summary_rows[] = {
    { NAMES(1, "indexesUsed", "indexes_used"), .type = SCHEMA_STRUCT, .repeated = true,
      .offset = AT_LIST(struct value_map, struct msg_plan_summary, indexes_used) },
};
INNER(plan_summary, "PlanSummary", struct msg_plan_summary, plan_summary_rows);

#define T struct msg_execution_stats
static const struct schema_field execution_stats_rows[] = {
    INT64(T, 1, "resultsReturned", "results_returned", results_returned),
    { NAMES(3, "executionDuration", "execution_duration"), .type = SCHEMA_DURATION,
      FLAG(T, execution_duration.set), .offset = AT(struct timestamp, T, execution_duration.value) },
    INT64(T, 4, "readOperations", "read_operations", read_operations),
    { NAMES(5, "debugStats", "debug_stats"), .type = SCHEMA_STRUCT, .offset = AT(struct value_map, T, debug_stats) },
};
INNER(execution_stats, "ExecutionStats", T, execution_stats_rows);
#undef T

#define T struct msg_explain_metrics
static const struct schema_field explain_metrics_rows[] = {
    WRITTEN(struct msg_plan_summary, T, 1, "planSummary", "plan_summary", plan_summary, &plan_summary),
    WRITTEN(struct msg_execution_stats, T, 2, "executionStats", "execution_stats", execution_stats,
            &execution_stats),
};
INNER(explain_metrics, "ExplainMetrics", T, explain_metrics_rows);
#undef T

#define T struct msg_run_query_response
static const struct schema_field run_query_response_rows[] = {
    DOCUMENT(T, 1),
    TRANSACTION(T, 2),
    READ_TIME(T, 3),
    INT32(T, 4, "skippedResults", "skipped_results", skipped_results),
    ONE_BOOL(T, continuation_case, 6, "done", "done", done),
    EXPLAINED(T, 11),
};
MESSAGE(run_query_response, "RunQueryResponse", T, run_query_response_rows);
#undef T

#define T struct msg_run_aggregation_request
static const struct schema_field run_aggregation_request_rows[] = {
    PARENT(T, 1),
    ONE_POINTER(struct msg_structured_aggregation_query, T, query_case, 2, "structuredAggregationQuery",
                "structured_aggregation_query", structured_aggregation_query, &structured_aggregation_query),
    IN_TRANSACTION(T, 4),
    NEW_TRANSACTION(T, 5),
    AT_READ_TIME(T, 6),
    EXPLAIN(T, 8),
    REQUEST_OPTIONS(9),
};
MESSAGE(run_aggregation_request, "RunAggregationQueryRequest", T, run_aggregation_request_rows);
#undef T

static const struct schema_field aggregation_result_rows[] = {
    { NAMES(2, "aggregateFields", "aggregate_fields"), .type = SCHEMA_VALUE_MAP, .repeated = true,
      .offset = AT(struct value_map, struct msg_aggregation_result, aggregate_fields) },
};
INNER(aggregation_result, "AggregationResult", struct msg_aggregation_result, aggregation_result_rows);

#define T struct msg_run_aggregation_response
static const struct schema_field run_aggregation_response_rows[] = {
    POINTER(struct msg_aggregation_result, T, 1, "result", "result", result, &aggregation_result),
    TRANSACTION(T, 2),
    READ_TIME(T, 3),
    /* Google's emulator prints it over REST although the API has it in RunQueryResponse alone; its case
     * number is the one there. */
    { NAMES(6, "done", "done"), .type = SCHEMA_BOOL, .json_only = true, CASE(T, continuation_case),
      .offset = AT(bool, T, done) },
    EXPLAINED(T, 10),
};
MESSAGE(run_aggregation_response, "RunAggregationQueryResponse", T, run_aggregation_response_rows);
#undef T

#define T struct msg_partition_query_request
static const struct schema_field partition_query_request_rows[] = {
    PARENT(T, 1),
    STRUCTURED_QUERY(T, 2),
    INT64(T, 3, "partitionCount", "partition_count", partition_count),
    PAGE_TOKEN(T, 4),
    PAGE_SIZE(T, 5),
    AT_READ_TIME(T, 6),
    REQUEST_OPTIONS(7),
};
MESSAGE(partition_query_request, "PartitionQueryRequest", T, partition_query_request_rows);
#undef T

#define T struct msg_partition_query_response
static const struct schema_field partition_query_response_rows[] = {
    MESSAGES(struct msg_cursor, T, 1, "partitions", "partitions", partitions, &schema_cursor),
    NEXT_PAGE_TOKEN(T, 2),
};
MESSAGE(partition_query_response, "PartitionQueryResponse", T, partition_query_response_rows);
#undef T

#define T struct msg_list_collection_ids_request
static const struct schema_field list_collection_ids_request_rows[] = {
    PARENT(T, 1), PAGE_SIZE(T, 2), PAGE_TOKEN(T, 3), AT_READ_TIME(T, 4), REQUEST_OPTIONS(5),
};
MESSAGE(list_collection_ids_request, "ListCollectionIdsRequest", T, list_collection_ids_request_rows);
#undef T

#define T struct msg_list_collection_ids_response
static const struct schema_field list_collection_ids_response_rows[] = {
    STRINGS(T, 1, "collectionIds", "collection_ids", collection_ids),
    NEXT_PAGE_TOKEN(T, 2),
};
MESSAGE(list_collection_ids_response, "ListCollectionIdsResponse", T, list_collection_ids_response_rows);
#undef T

#define T struct msg_batch_write_request
static const struct schema_field batch_write_request_rows[] = {
    DATABASE(T, 1),
    WRITES(T, 2),
    LABELS(T, 3, "labels", "labels", labels),
    REQUEST_OPTIONS(4),
};
MESSAGE(batch_write_request, "BatchWriteRequest", T, batch_write_request_rows);
#undef T

static const struct schema_field rpc_status_rows[] = {
    INT32(struct msg_rpc_status, 1, "code", "code", code),
    STRING(struct msg_rpc_status, 2, "message", "message", message),
    SKIP(3, "details", "details"),
};
MESSAGE(rpc_status, "Status", struct msg_rpc_status, rpc_status_rows);

#define T struct msg_batch_write_response
static const struct schema_field batch_write_response_rows[] = {
    WRITE_RESULTS(T, 1),
    MESSAGES(struct msg_rpc_status, T, 2, "status", "status", status, &schema_rpc_status),
};
MESSAGE(batch_write_response, "BatchWriteResponse", T, batch_write_response_rows);
#undef T

#define T struct msg_write_request
static const struct schema_field write_request_rows[] = {
    DATABASE(T, 1),
    STRING(T, 2, "streamId", "stream_id", stream_id),
    WRITES(T, 3),
    BYTES(T, 4, "streamToken", "stream_token", stream_token),
    LABELS(T, 5, "labels", "labels", labels),
    REQUEST_OPTIONS(6),
};
MESSAGE(write_request, "WriteRequest", T, write_request_rows);
#undef T

#define T struct msg_write_response
static const struct schema_field write_response_rows[] = {
    STRING(T, 1, "streamId", "stream_id", stream_id),
    BYTES(T, 2, "streamToken", "stream_token", stream_token),
    WRITE_RESULTS(T, 3),
    TIME(T, 4, "commitTime", "commit_time", commit_time),
};
MESSAGE(write_response, "WriteResponse", T, write_response_rows);
#undef T

static const struct schema_field query_target_rows[] = {
    PARENT(struct msg_query_target, 1),
    STRUCTURED_QUERY(struct msg_query_target, 2),
};
INNER(query_target, "QueryTarget", struct msg_query_target, query_target_rows);
static const struct schema_field documents_target_rows[] = {
    STRINGS(struct msg_documents_target, 2, "documents", "documents", documents),
};
INNER(documents_target, "DocumentsTarget", struct msg_documents_target, documents_target_rows);

#define T struct msg_target
static const struct schema_field target_rows[] = {
    ONE_POINTER(struct msg_query_target, T, target_case, 2, "query", "query", query, &query_target),
    ONE_POINTER(struct msg_documents_target, T, target_case, 3, "documents", "documents", documents,
                &documents_target),
    ONE_BYTES(T, resume_case, 4, "resumeToken", "resume_token", resume_token),
    INT32(T, 5, "targetId", "target_id", target_id),
    BOOL(T, 6, "once", "once", once),
    ONE_TIME(T, resume_case, 11, "readTime", "read_time", read_time),
    WRAPPED(SCHEMA_INT32, int64_t, T, 12, "expectedCount", "expected_count", expected_count),
};
INNER(target, "Target", T, target_rows);
#undef T

#define T struct msg_listen_request
static const struct schema_field listen_request_rows[] = {
    DATABASE(T, 1),
    ONE_POINTER(struct msg_target, T, change_case, 2, "addTarget", "add_target", add_target, &target),
    ONE(SCHEMA_INT32, int32_t, T, change_case, 3, "removeTarget", "remove_target", remove_target),
    LABELS(T, 4, "labels", "labels", labels),
    REQUEST_OPTIONS(5),
};
MESSAGE(listen_request, "ListenRequest", T, listen_request_rows);
#undef T

#define T struct msg_target_change
static const struct schema_field target_change_rows[] = {
    ENUM(T, 1, "targetChangeType", "target_change_type", target_change_type, &target_change_type),
    INT32S(T, 2, "targetIds", "target_ids", target_ids),
    POINTER(struct msg_rpc_status, T, 3, "cause", "cause", cause, &schema_rpc_status),
    BYTES(T, 4, "resumeToken", "resume_token", resume_token),
    READ_TIME(T, 6),
};
INNER(target_change, "TargetChange", T, target_change_rows);
#undef T

#define T struct msg_listen_response
static const struct schema_field listen_response_rows[] = {
    ONE_POINTER(struct msg_target_change, T, response_case, 2, "targetChange", "target_change", target_change,
                &target_change),
    ONE_POINTER(struct msg_document_change, T, response_case, 3, "documentChange", "document_change",
                document_change, &document_change),
    ONE_POINTER(struct msg_document_delete, T, response_case, 4, "documentDelete", "document_delete",
                document_delete, &document_delete),
    ONE_POINTER(struct msg_existence_filter, T, response_case, 5, "filter", "filter", filter,
                &existence_filter),
    ONE_POINTER(struct msg_document_remove, T, response_case, 6, "documentRemove", "document_remove",
                document_remove, &document_remove),
};
MESSAGE(listen_response, "ListenResponse", T, listen_response_rows);
#undef T

static const struct schema_field execute_pipeline_request_rows[] = {
    DATABASE(struct msg_execute_pipeline_request, 1),
    SKIP(2, "structuredPipeline", "structured_pipeline"),
    SKIP(5, "transaction", "transaction"),
    SKIP(6, "newTransaction", "new_transaction"),
    SKIP(7, "readTime", "read_time"),
    SKIP(9, "autoCommitTransaction", "auto_commit_transaction"),
    REQUEST_OPTIONS(10),
};
MESSAGE(execute_pipeline_request, "ExecutePipelineRequest", struct msg_execute_pipeline_request,
        execute_pipeline_request_rows);

/* ---- reading the tables ---- */

size_t schema_size(const struct schema_message *schema)
{
    return schema->size;
}
const char *schema_name(const struct schema_message *schema)
{
    return schema->name;
}

size_t schema_element_size(const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_BOOL:
        return sizeof(bool);
    case SCHEMA_INT32:
        return field->wrapped ? sizeof(int64_t) : sizeof(int32_t);
    case SCHEMA_ENUM:
        return sizeof(int32_t);
    case SCHEMA_INT64:
        return sizeof(int64_t);
    case SCHEMA_DOUBLE:
        return sizeof(double);
    case SCHEMA_STRING:
    case SCHEMA_BYTES:
        return sizeof(struct str);
    case SCHEMA_TIMESTAMP:
    case SCHEMA_DURATION:
        return sizeof(struct timestamp);
    case SCHEMA_VALUE:
        return sizeof(struct value);
    case SCHEMA_VALUE_MAP:
        return sizeof(struct field);
    case SCHEMA_LABELS:
        return sizeof(struct msg_label);
    case SCHEMA_STRUCT:
        return sizeof(struct value_map);
    case SCHEMA_MESSAGE:
        return field->message->size;
    case SCHEMA_NULL:
    case SCHEMA_SKIP:
        break;
    }
    return 0;
}

const struct schema_field *schema_by_number(const struct schema_message *message, uint32_t number)
{
    for (size_t i = 0; i < message->n; i++) {
        if (message->fields[i].number == number)
            return &message->fields[i];
    }
    return NULL;
}

const struct schema_field *schema_by_name(const struct schema_message *message, struct str name)
{
    for (size_t i = 0; i < message->n; i++) {
        const struct schema_field *field = &message->fields[i];
        if (str_eq(field->json, name) || str_eq(field->name, name))
            return field;
    }
    return NULL;
}

struct str schema_enum_name(const struct schema_enum *e, int32_t number)
{
    for (size_t i = 0; i < e->n; i++) {
        if (e->rows[i].number == number)
            return e->rows[i].name;
    }
    return STR("");
}

bool schema_enum_number(int32_t *out, const struct schema_enum *e, struct str name)
{
    for (size_t i = 0; i < e->n; i++) {
        if (str_eq(e->rows[i].name, name)) {
            *out = e->rows[i].number;
            return true;
        }
    }
    return false;
}

bool schema_is_set(const struct schema_field *field, const void *message)
{
    switch (field->presence) {
    case SCHEMA_IF_POINTER:
        return *(void *const *)schema_at_const(message, field->offset) != NULL;
    case SCHEMA_IF_FLAG:
        return *(const bool *)schema_at_const(message, field->has_offset);
    case SCHEMA_IF_CASE:
        return *(const uint32_t *)schema_at_const(message, field->has_offset) == field->number;
    case SCHEMA_IF_NOT_DEFAULT:
    case SCHEMA_IF_NOT_RAW:
        break;
    }
    return true;
}

void schema_mark_set(const struct schema_field *field, void *message)
{
    if (field->presence == SCHEMA_IF_FLAG) {
        *(bool *)schema_at(message, field->has_offset) = true;
    } else if (field->presence == SCHEMA_IF_CASE) {
        uint32_t *which = schema_at(message, field->has_offset);
        if (*which != field->number) {
            size_t size = field->pointer ? sizeof(void *) : schema_element_size(field);
            memset(schema_at(message, field->offset), 0, size);
            *which = field->number;
        }
    }
}

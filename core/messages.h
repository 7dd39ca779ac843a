/* messages.h - google.firestore.v1 as C structs: what the codec decodes into and encodes from.
 *
 * Conventions: message members are pointers (NULL = absent) unless noted; strings and bytes are struct
 * str; repeated fields are REPEATED(T); wrapper types are OPTIONAL(T); a oneof has a `*_case` member that
 * holds the field number of the member that is set (0: none) and the members beside it, of which only
 * that one is meaningful. Everything lives in the arena given to the decoder. All structs may be zeroed
 * to mean "default". core/schema.c describes each with one const table; field numbers are facts of the
 * public API. `Write.verify` (5) is sent by web clients and missing from the published proto. */
#ifndef CORE_MESSAGES_H
#define CORE_MESSAGES_H

#include "core/value.h"

#define REPEATED(T)                                                                                \
    struct {                                                                                       \
        T *items;                                                                                  \
        size_t n;                                                                                  \
    }
#define OPTIONAL(T)                                                                                \
    struct {                                                                                       \
        bool set;                                                                                  \
        T value;                                                                                   \
    }
typedef OPTIONAL(struct timestamp) opt_timestamp;
typedef OPTIONAL(int64_t) opt_int; /* Int32Value and Int64Value alike */
typedef OPTIONAL(double) opt_double;
typedef OPTIONAL(bool) opt_bool;
typedef REPEATED(struct str) str_list;
struct msg_label {
    struct str key, value;
};
typedef REPEATED(struct msg_label) label_list;

struct msg_empty {
    char nothing;
};

/* ---- common.proto ---- */
struct msg_document_mask {
    str_list field_paths;
};
struct msg_precondition {
    uint32_t condition_case; /* 1 exists, 2 update_time */
    bool exists;
    struct timestamp update_time;
};
struct msg_transaction_options {
    uint32_t mode_case; /* 2 read_only, 3 read_write */
    struct {
        opt_timestamp read_time; /* 2 */
    } read_only;
    struct {
        struct str retry_transaction; /* 1 */
        int32_t concurrency_mode;     /* 2 */
    } read_write;
};

/* ---- write.proto ---- */
enum msg_server_value { SERVER_VALUE_UNSPECIFIED = 0, SERVER_VALUE_REQUEST_TIME = 1 };
struct msg_field_transform {
    struct str field_path;   /* 1 */
    uint32_t transform_case; /* 2 set_to_server_value, 3 increment, 4 maximum, 5 minimum,
                                6 append_missing_elements, 7 remove_all_from_array */
    int32_t set_to_server_value;
    struct value operand;            /* 3, 4, 5 */
    struct value_list array_operand; /* 6, 7: ArrayValue */
};
typedef REPEATED(struct msg_field_transform) field_transform_list;
struct msg_document_transform {
    struct str document;                   /* 1 */
    field_transform_list field_transforms; /* 2 */
};
struct msg_write {
    uint32_t operation_case; /* 1 update, 2 delete, 5 verify, 6 transform */
    struct document update;
    struct str delete_name; /* "delete" */
    struct str verify;
    struct msg_document_transform transform;
    struct msg_document_mask *update_mask;      /* 3 */
    field_transform_list update_transforms;     /* 7 */
    struct msg_precondition *current_document;  /* 4 */
};
typedef REPEATED(struct msg_write) write_list;
struct msg_write_result {
    opt_timestamp update_time;                 /* 1 */
    struct value_list transform_results;       /* 2 */
};
typedef REPEATED(struct msg_write_result) write_result_list;
struct msg_document_change {
    struct document document;                 /* 1 */
    REPEATED(int32_t) target_ids;             /* 5 */
    REPEATED(int32_t) removed_target_ids;     /* 6 */
};
struct msg_document_delete {
    struct str document;                      /* 1 */
    REPEATED(int32_t) removed_target_ids;     /* 6 */
    opt_timestamp read_time;                  /* 4 */
};
struct msg_document_remove {
    struct str document;                      /* 1 */
    REPEATED(int32_t) removed_target_ids;     /* 2 */
    opt_timestamp read_time;                  /* 4 */
};
struct msg_existence_filter { /* unchanged_names is never sent by us and skipped when read */
    int32_t target_id; /* 1 */
    int32_t count;     /* 2 */
};

/* ---- query.proto ---- */
enum msg_direction { DIRECTION_UNSPECIFIED = 0, DIRECTION_ASCENDING = 1, DIRECTION_DESCENDING = 2 };
enum msg_composite_op { COMPOSITE_UNSPECIFIED = 0, COMPOSITE_AND = 1, COMPOSITE_OR = 2 };
enum msg_field_op {
    FIELD_OP_UNSPECIFIED = 0,
    FIELD_OP_LESS_THAN = 1,
    FIELD_OP_LESS_THAN_OR_EQUAL = 2,
    FIELD_OP_GREATER_THAN = 3,
    FIELD_OP_GREATER_THAN_OR_EQUAL = 4,
    FIELD_OP_EQUAL = 5,
    FIELD_OP_NOT_EQUAL = 6,
    FIELD_OP_ARRAY_CONTAINS = 7,
    FIELD_OP_IN = 8,
    FIELD_OP_ARRAY_CONTAINS_ANY = 9,
    FIELD_OP_NOT_IN = 10,
};
enum msg_unary_op {
    UNARY_OP_UNSPECIFIED = 0,
    UNARY_OP_IS_NAN = 2,
    UNARY_OP_IS_NULL = 3,
    UNARY_OP_IS_NOT_NAN = 4,
    UNARY_OP_IS_NOT_NULL = 5,
};
enum msg_distance { DISTANCE_UNSPECIFIED = 0, DISTANCE_EUCLIDEAN = 1, DISTANCE_COSINE = 2, DISTANCE_DOT_PRODUCT = 3 };
struct msg_field_reference {
    struct str field_path; /* 2 */
};
struct msg_filter;
struct msg_composite_filter {
    int32_t op;                          /* 1 */
    REPEATED(struct msg_filter) filters; /* 2 */
};
struct msg_field_filter {
    struct msg_field_reference field; /* 1 */
    int32_t op;                       /* 2 */
    struct value value;               /* 3; VALUE_UNSET when absent */
};
struct msg_unary_filter {
    int32_t op;                         /* 1 */
    struct msg_field_reference *field;  /* 2, oneof operand_type */
};
struct msg_filter {
    uint32_t filter_case; /* 1 composite_filter, 2 field_filter, 3 unary_filter */
    struct msg_composite_filter *composite;
    struct msg_field_filter *field;
    struct msg_unary_filter *unary;
};
struct msg_order {
    struct msg_field_reference field; /* 1 */
    int32_t direction;                /* 2 */
};
struct msg_projection {
    REPEATED(struct msg_field_reference) fields; /* 2 */
};
struct msg_collection_selector {
    struct str collection_id; /* 2 */
    bool all_descendants;     /* 3 */
};
struct msg_cursor {
    struct value_list values; /* 1 */
    bool before;              /* 2 */
};
struct msg_find_nearest {
    struct msg_field_reference vector_field; /* 1 */
    struct value query_vector;               /* 2 */
    int32_t distance_measure;                /* 3 */
    opt_int limit;                           /* 4 */
    struct str distance_result_field;        /* 5 */
    opt_double distance_threshold;           /* 6 */
};
struct msg_structured_query {
    struct msg_projection *select;                  /* 1 */
    REPEATED(struct msg_collection_selector) from;  /* 2 */
    struct msg_filter *where;                       /* 3 */
    REPEATED(struct msg_order) order_by;            /* 4 */
    struct msg_cursor *start_at;                    /* 7 */
    struct msg_cursor *end_at;                      /* 8 */
    int32_t offset;                                 /* 6 */
    opt_int limit;                                  /* 5 */
    struct msg_find_nearest *find_nearest;          /* 9 */
};
struct msg_aggregation {
    uint32_t operator_case; /* 1 count, 2 sum, 3 avg */
    opt_int count_up_to;    /* count.up_to = 1 */
    struct msg_field_reference sum_field; /* sum.field = 1 */
    struct msg_field_reference avg_field; /* avg.field = 1 */
    struct str alias;       /* 7 */
};
struct msg_structured_aggregation_query {
    uint32_t query_case;                           /* 1 structured_query */
    struct msg_structured_query *structured_query;
    REPEATED(struct msg_aggregation) aggregations; /* 3 */
};
struct msg_explain_options {
    bool analyze; /* 1 */
};

/* ---- firestore.proto: requests and responses ---- */
struct msg_get_document_request {
    struct str name;                /* 1 */
    struct msg_document_mask *mask; /* 2 */
    uint32_t consistency_case;      /* 3 transaction, 5 read_time */
    struct str transaction;
    struct timestamp read_time;
};
struct msg_list_documents_request {
    struct str parent, collection_id; /* 1, 2 */
    int32_t page_size;                /* 3 */
    struct str page_token, order_by;  /* 4, 6 */
    struct msg_document_mask *mask;   /* 7 */
    uint32_t consistency_case;        /* 8 transaction, 10 read_time */
    struct str transaction;
    struct timestamp read_time;
    bool show_missing;                /* 12 */
};
struct msg_list_documents_response {
    REPEATED(struct document) documents; /* 1 */
    struct str next_page_token;          /* 2 */
};
struct msg_create_document_request {
    struct str parent, collection_id, document_id; /* 1, 2, 3 */
    struct document *document;                     /* 4 */
    struct msg_document_mask *mask;                /* 5 */
};
struct msg_update_document_request {
    struct document *document;                    /* 1 */
    struct msg_document_mask *update_mask, *mask; /* 2, 3 */
    struct msg_precondition *current_document;    /* 4 */
};
struct msg_delete_document_request {
    struct str name;                           /* 1 */
    struct msg_precondition *current_document; /* 2 */
};
struct msg_batch_get_request {
    struct str database;            /* 1 */
    str_list documents;             /* 2 */
    struct msg_document_mask *mask; /* 3 */
    uint32_t consistency_case;      /* 4 transaction, 5 new_transaction, 7 read_time */
    struct str transaction;
    struct msg_transaction_options *new_transaction;
    struct timestamp read_time;
};
struct msg_batch_get_response {
    uint32_t result_case;    /* 1 found, 2 missing */
    struct document found;
    struct str missing;
    struct str transaction;  /* 3 */
    opt_timestamp read_time; /* 4 */
};
struct msg_begin_transaction_request {
    struct str database;                     /* 1 */
    struct msg_transaction_options *options; /* 2 */
};
struct msg_begin_transaction_response {
    struct str transaction; /* 1 */
};
struct msg_commit_request {
    struct str database;    /* 1 */
    write_list writes;      /* 2 */
    struct str transaction; /* 3 */
};
struct msg_commit_response {
    write_result_list write_results; /* 1 */
    opt_timestamp commit_time;       /* 2 */
};
struct msg_rollback_request {
    struct str database, transaction; /* 1, 2 */
};
struct msg_run_query_request {
    struct str parent;         /* 1 */
    uint32_t query_case;       /* 2 structured_query */
    struct msg_structured_query *structured_query;
    uint32_t consistency_case; /* 5 transaction, 6 new_transaction, 7 read_time */
    struct str transaction;
    struct msg_transaction_options *new_transaction;
    struct timestamp read_time;
    struct msg_explain_options *explain_options; /* 10 */
};
struct msg_plan_summary {
    REPEATED(struct value_map) indexes_used; /* 1; Structs of strings and Structs */
};
struct msg_execution_stats {
    int64_t results_returned;         /* 1 */
    opt_timestamp execution_duration; /* 3; a Duration */
    int64_t read_operations;          /* 4 */
    struct value_map debug_stats;     /* 5; a Struct of strings and Structs */
};
struct msg_explain_metrics { /* only written */
    const struct msg_plan_summary *plan_summary;       /* 1 */
    const struct msg_execution_stats *execution_stats; /* 2 */
};
struct msg_run_query_response {
    struct str transaction;     /* 2 */
    struct document *document;  /* 1 */
    opt_timestamp read_time;    /* 3 */
    int32_t skipped_results;    /* 4 */
    uint32_t continuation_case; /* 6 done */
    bool done;
    const struct msg_explain_metrics *explain_metrics; /* 11 */
};
struct msg_run_aggregation_request {
    struct str parent;         /* 1 */
    uint32_t query_case;       /* 2 structured_aggregation_query */
    struct msg_structured_aggregation_query *structured_aggregation_query;
    uint32_t consistency_case; /* 4 transaction, 5 new_transaction, 6 read_time */
    struct str transaction;
    struct msg_transaction_options *new_transaction;
    struct timestamp read_time;
    struct msg_explain_options *explain_options; /* 8 */
};
struct msg_aggregation_result {
    struct value_map aggregate_fields; /* 2 */
};
struct msg_run_aggregation_response {
    struct msg_aggregation_result *result; /* 1 */
    struct str transaction;                /* 2 */
    opt_timestamp read_time;               /* 3 */
    uint32_t continuation_case;            /* done: REST output of Google's emulator only */
    bool done;
    const struct msg_explain_metrics *explain_metrics; /* 10 */
};
struct msg_partition_query_request {
    struct str parent;         /* 1 */
    uint32_t query_case;       /* 2 structured_query */
    struct msg_structured_query *structured_query;
    int64_t partition_count;   /* 3 */
    struct str page_token;     /* 4 */
    int32_t page_size;         /* 5 */
    uint32_t consistency_case; /* 6 read_time */
    struct timestamp read_time;
};
struct msg_partition_query_response {
    REPEATED(struct msg_cursor) partitions; /* 1 */
    struct str next_page_token;             /* 2 */
};
struct msg_list_collection_ids_request {
    struct str parent;         /* 1 */
    int32_t page_size;         /* 2 */
    struct str page_token;     /* 3 */
    uint32_t consistency_case; /* 4 read_time */
    struct timestamp read_time;
};
struct msg_list_collection_ids_response {
    str_list collection_ids;    /* 1 */
    struct str next_page_token; /* 2 */
};
struct msg_batch_write_request {
    struct str database; /* 1 */
    write_list writes;   /* 2 */
    label_list labels;   /* 3 */
};
struct msg_rpc_status { /* google.rpc.Status without details */
    int32_t code;       /* 1 */
    struct str message; /* 2 */
};
struct msg_batch_write_response {
    write_result_list write_results;        /* 1 */
    REPEATED(struct msg_rpc_status) status; /* 2 */
};
struct msg_write_request {
    struct str database, stream_id; /* 1, 2 */
    write_list writes;              /* 3 */
    struct str stream_token;        /* 4 */
    label_list labels;              /* 5 */
};
struct msg_write_response {
    struct str stream_id, stream_token; /* 1, 2 */
    write_result_list write_results;    /* 3 */
    opt_timestamp commit_time;          /* 4 */
};
struct msg_query_target {
    struct str parent;   /* 1 */
    uint32_t query_case; /* 2 structured_query */
    struct msg_structured_query *structured_query;
};
struct msg_documents_target {
    str_list documents; /* 2 */
};
struct msg_target {
    uint32_t target_case; /* 2 query, 3 documents */
    struct msg_query_target *query;
    struct msg_documents_target *documents;
    uint32_t resume_case; /* 4 resume_token, 11 read_time */
    struct str resume_token;
    struct timestamp read_time;
    int32_t target_id;    /* 5 */
    bool once;            /* 6 */
    opt_int expected_count; /* 12 */
};
struct msg_listen_request {
    struct str database;  /* 1 */
    uint32_t change_case; /* 2 add_target, 3 remove_target */
    struct msg_target *add_target;
    int32_t remove_target;
    label_list labels;    /* 4 */
};
enum msg_target_change_type {
    TARGET_NO_CHANGE = 0, TARGET_ADD = 1, TARGET_REMOVE = 2, TARGET_CURRENT = 3, TARGET_RESET = 4,
};
struct msg_target_change {
    int32_t target_change_type;    /* 1 */
    REPEATED(int32_t) target_ids;  /* 2 */
    struct msg_rpc_status *cause;  /* 3 */
    struct str resume_token;       /* 4 */
    opt_timestamp read_time;       /* 6 */
};
struct msg_listen_response {
    uint32_t response_case; /* 2 target_change, 3 document_change, 4 document_delete, 5 filter,
                               6 document_remove */
    struct msg_target_change *target_change;
    struct msg_document_change *document_change;
    struct msg_document_delete *document_delete;
    struct msg_existence_filter *filter;
    struct msg_document_remove *document_remove;
};
struct msg_execute_pipeline_request { /* read only far enough to say that it is not supported */
    struct str database; /* 1 */
};

#endif

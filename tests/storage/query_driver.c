/* query_driver.c - runs queries for tests that are written in another language. Lines in, lines out:
 *
 *   X                      forget all documents
 *   D {Document}           put it; no answer
 *   R {Document}           remove the one of that name; no answer
 *   V                      answers {"view":"N"}, the present one
 *   @N                     view of the queries and aggregations that follow; 0: the present one
 *   Q {RunQueryRequest}    answers {"documents":[...]} or {"error":["CODE","message"]}
 *   L {ListDocumentsRequest}   the same, with "token" after a full page
 *   A {RunAggregationQueryRequest}   answers the response or {"error":[...]}
 *
 * Every answer is checked on the way: each document belongs to the query by query_matches, no scan stays
 * open between two documents, and readers change from call to call. */
#include "storage/aggregate.h"
#include "storage/query.h"
#include "storage/query_world.h"

#include "core/codec.h"
#include "core/limits.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct world *world;
static uint64_t chosen_view; /* 0: the present one */

static uint64_t view_asked(void)
{
    return chosen_view ? chosen_view : world_view(world);
}

static void print_error(const struct status *st)
{
    struct buf out;
    buf_init(&out, LIMIT_MESSAGE_BYTES);
    buf_z(&out, "{\"error\":[");
    json_write_string(&out, str_of(status_name(st->code)));
    buf_z(&out, ",");
    json_write_string(&out, str_of(status_message(st)));
    buf_z(&out, "]}");
    printf(STR_FMT "\n", STR_ARG(buf_view(&out)));
    buf_dispose(&out);
}

static void change_document(struct arena *arena, struct str json, bool removes)
{
    struct status st = status_init(arena);
    struct document doc = { 0 };
    struct resource_name name;
    if (protojson_decode(&doc, SCHEMA(document), arena, json, &st) ||
        path_parse_document(&name, doc.name, &st)) {
        fprintf(stderr, "query_driver: bad document: %s\n", status_message(&st));
        exit(1);
    }
    if (removes)
        world_remove(world, name.db, name.path);
    else
        world_put(world, name.db, name.path, &doc.fields);
}

/* A document that is in the answer must be in the query for the matcher too. */
static void check_member(const struct query_plan *plan, const struct document *doc, struct arena *arena)
{
    struct status st = status_init(arena);
    struct resource_name name;
    struct store_document stored;
    struct value_map fields;
    if (path_parse_document(&name, doc->name, &st) ||
        store_get(world_reader(world, 0), view_asked(), name.db, name.path, arena, &stored, &st) ||
        protobuf_decode_fields(&fields, arena, stored.fields, &st) ||
        !query_matches(plan, name.path, &fields)) {
        fprintf(stderr, "query_driver: " STR_FMT " is no member: %s\n", STR_ARG(doc->name),
                status_message(&st));
        exit(1);
    }
}

/* Appends the answers; the last one's name and fields are for a page token. */
static enum status_code run(struct buf *out, size_t *n, struct str *last, struct value_map *last_fields,
                            const struct query_plan *plan, struct arena *keep, struct status *st)
{
    struct query *query;
    struct arena *arena = arena_new();
    *n = 0;
    if (query_open(&query, plan, world_reader(world, 0), view_asked(), st))
        goto out;
    for (;; (*n)++) {
        struct document doc;
        arena_reset(arena);
        if (query_next(query, world_reader(world, *n % 2), arena, &doc, st) || doc.name.n == 0)
            break;
        assert(world_open_scans(world) == 0);
        check_member(plan, &doc, arena);
        *last = arena_str(keep, doc.name);
        if (doc.fields_raw.p) /* what is decoded borrows from it */
            doc.fields_raw = arena_str(keep, doc.fields_raw);
        if (document_decode(&doc, keep, st))
            break;
        buf_z(out, *n ? "," : "");
        protojson_encode(out, SCHEMA(document), &doc, 0);
        *last_fields = doc.fields;
    }
    query_close(query);
out:
    arena_free(arena);
    return st->code;
}

static void answer(const struct query_plan *plan, int32_t page, struct arena *arena)
{
    struct status st = status_init(arena);
    struct buf out;
    size_t n;
    struct str last;
    struct value_map fields;
    buf_init(&out, (size_t)4 * LIMIT_RESPONSE_BYTES);
    buf_z(&out, "{\"documents\":[");
    if (run(&out, &n, &last, &fields, plan, arena, &st)) {
        print_error(&st);
    } else {
        buf_z(&out, "]");
        struct resource_name name;
        if (page > 0 && n == (size_t)page && path_parse_document(&name, last, &st) == STATUS_OK) {
            buf_z(&out, ",\"token\":");
            json_write_string(&out, query_page_token_make(arena, plan, name.path, &fields));
        }
        buf_z(&out, "}");
        printf(STR_FMT "\n", STR_ARG(buf_view(&out)));
    }
    buf_dispose(&out);
}

static void run_query(struct arena *arena, struct str json)
{
    struct status st = status_init(arena);
    struct msg_run_query_request request = { 0 };
    struct resource_name parent;
    struct query_plan *plan;
    if (protojson_decode(&request, SCHEMA(run_query_request), arena, json, &st) ||
        path_parse_parent(&parent, request.parent, &st) ||
        query_check(&plan, parent.db, parent.path, request.structured_query, arena, &st))
        print_error(&st);
    else
        answer(plan, 0, arena);
}

static enum status_code add_all(struct aggregate_sums *sums, struct query_plan *plan, struct arena *arena,
                                struct status *st)
{
    struct query *query;
    if (query_open(&query, plan, world_reader(world, 0), view_asked(), st))
        return st->code;
    for (;;) {
        struct document doc;
        if (query_next(query, world_reader(world, 0), arena, &doc, st) || doc.name.n == 0 ||
            document_decode(&doc, arena, st))
            break;
        aggregate_add(sums, &doc.fields);
    }
    query_close(query);
    return st->code;
}

static void print_result(const struct value_map *fields)
{
    struct buf out;
    buf_init(&out, LIMIT_MESSAGE_BYTES);
    struct msg_aggregation_result result = { .aggregate_fields = *fields };
    const struct msg_run_aggregation_response response = { .result = &result };
    protojson_encode(&out, SCHEMA(run_aggregation_response), &response, 0);
    printf(STR_FMT "\n", STR_ARG(buf_view(&out)));
    buf_dispose(&out);
}

static void run_aggregation(struct arena *arena, struct str json)
{
    struct status st = status_init(arena);
    struct msg_run_aggregation_request request = { 0 };
    struct resource_name parent;
    struct aggregate_plan *plan;
    if (protojson_decode(&request, SCHEMA(run_aggregation_request), arena, json, &st) ||
        path_parse_parent(&parent, request.parent, &st) ||
        aggregate_check(&plan, parent.db, parent.path, request.structured_aggregation_query, arena, &st)) {
        print_error(&st);
        return;
    }
    struct aggregate_sums *sums = aggregate_begin(plan, arena);
    if (add_all(sums, aggregate_query(plan), arena, &st)) {
        print_error(&st);
        return;
    }
    struct value_map fields = aggregate_result(sums, arena);
    print_result(&fields);
}

static void run_list(struct arena *arena, struct str json)
{
    struct status st = status_init(arena);
    struct msg_list_documents_request request = { 0 };
    struct resource_name parent;
    struct query_plan *plan;
    int32_t page;
    if (protojson_decode(&request, SCHEMA(list_documents_request), arena, json, &st) ||
        path_parse_parent(&parent, request.parent, &st)) {
        print_error(&st);
        return;
    }
    struct query_list_options options = {
        .collection_id = request.collection_id,
        .order_by = request.order_by,
        .page_size = request.page_size,
        .page_token = request.page_token,
        .show_missing = request.show_missing,
    };
    if (query_list(&plan, &page, parent.db, parent.path, &options, arena, &st))
        print_error(&st);
    else
        answer(plan, page, arena);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    setvbuf(stdout, NULL, _IOLBF, 1 << 16); /* callers wait for each line */
    world = world_new();
    while ((n = getline(&line, &cap, stdin)) > 0) {
        struct arena *arena = arena_new();
        struct str json = { line + 1, (size_t)n - 1 };
        switch (line[0]) {
        case 'X':
            world_free(world);
            world = world_new();
            chosen_view = 0;
            break;
        case 'D':
        case 'R':
            change_document(arena, json, line[0] == 'R');
            break;
        case 'V':
            printf("{\"view\":\"%" PRIu64 "\"}\n", world_view(world));
            break;
        case '@':
            chosen_view = strtoull(json.p, NULL, 10);
            break;
        case 'Q':
            run_query(arena, json);
            break;
        case 'A':
            run_aggregation(arena, json);
            break;
        case 'L':
            run_list(arena, json);
            break;
        default:
            fprintf(stderr, "query_driver: what is '%c'?\n", line[0]);
            return 2;
        }
        arena_free(arena);
    }
    free(line);
    world_free(world);
    return 0;
}

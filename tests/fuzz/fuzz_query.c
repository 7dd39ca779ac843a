/* fuzz_query.c - any bytes as a query, a row of decisions that build one (query_built.h) or aggregations over
 * one, an order clause or a page token; the first byte says which.
 *
 * A query that is accepted is run over a few documents of every type. The answer must be what the matcher
 * says of each document alone, sorted; that is all there is to check without a second implementation
 * (model_query.py is one). */
#include "core/codec.h"
#include "core/order.h"
#include "query_built.h"
#include "storage/aggregate.h"
#include "storage/plan.h"
#include "storage/query_world.h"

#include <math.h>
#include <stdlib.h>

#define VECTOR(x, y)                                                                                         \
    "{'mapValue':{'fields':{'__type__':{'stringValue':'__vector__'},'value':{'arrayValue':{'values':["       \
    "{'doubleValue':" x "},{'doubleValue':" y "}]}}}}}"

static const char *const documents[][2] = {
    { "c/a", "{'a':{'nullValue':null},'b':{'integerValue':1}}" },
    { "c/b", "{'a':{'doubleValue':'NaN'},'m':{'mapValue':{'fields':{'x':{'integerValue':2}}}}}" },
    { "c/c",
      "{'a':{'integerValue':1},'b':{'stringValue':'x'},'t':{'arrayValue':{'values':[{'integerValue':1}]}}}" },
    { "c/d",
      "{'a':{'doubleValue':1.5},'b':{'integerValue':3},'t':{'arrayValue':{'values':[{'nullValue':null}]}}}" },
    { "c/e", "{'a':{'stringValue':'abc'},'b':{'booleanValue':true},'m':{'mapValue':{}}}" },
    { "c/f", "{'a':{'timestampValue':'2020-01-01T00:00:00Z'},'b':{'bytesValue':'AAE='}}" },
    { "c/g", "{'a':{'referenceValue':'projects/p/databases/d/documents/c/"
             "a'},'b':{'geoPointValue':{'latitude':1}}}" },
    { "c/__id7__", "{'a':{'integerValue':1},'b':{'integerValue':1}}" },
    { "c/h", "{'a':{'integerValue':1},'b':{'integerValue':1}}" }, /* ties: only its name is another */
    { "c/a/c/z", "{'a':{'integerValue':2},'b':{'integerValue':1}}" },
    { "c/v", "{'a':{'integerValue':3},'v':" VECTOR("1", "2") "}" },
    { "c/w", "{'a':{'integerValue':1},'v':" VECTOR("2", "0") ",'m':{'mapValue':{'fields':{'v':" VECTOR(
                 "0", "0") "}}}}" },
    { "d/a", "{}" },
};
enum { DOCUMENTS = sizeof documents / sizeof documents[0] };
static struct value_map fields[DOCUMENTS];
static struct world *world;
static struct arena *forever;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void make_world(void)
{
    forever = arena_new();
    world = world_new();
    for (size_t i = 0; i < DOCUMENTS; i++) {
        struct status st = status_init(forever);
        struct document doc = { 0 };
        char *json = arena_printf(forever, "{'fields':%s}", documents[i][1]);
        for (char *at = json; *at; at++)
            *at = *at == '\'' ? '"' : *at;
        must(protojson_decode(&doc, SCHEMA(document), forever, str_of(json), &st) == STATUS_OK);
        fields[i] = doc.fields;
        world_put(world, (struct database_name){ STR("p"), STR("d") }, str_of(documents[i][0]), &fields[i]);
    }
}

static size_t index_of(struct str name)
{
    struct str prefix = STR("projects/p/databases/d/documents/");
    must(str_starts(name, prefix));
    for (size_t i = 0; i < DOCUMENTS; i++)
        if (str_eq_z(str_skip(name, prefix.n), documents[i][0]))
            return i;
    abort();
}

/* What is no number is farthest, and greatest. */
static int compare_distance(const struct nearest *nearest, size_t a, size_t b)
{
    double x, y;
    must(nearest_distance(&x, nearest, &fields[a]) && nearest_distance(&y, nearest, &fields[b]));
    int c = isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y);
    return nearest->measure == DISTANCE_DOT_PRODUCT ? -c : c;
}

static int compare(const struct query_plan *plan, size_t a, size_t b)
{
    int distance = plan->nearest ? compare_distance(plan->nearest, a, b) : 0;
    if (distance != 0)
        return distance;
    for (size_t i = 0; i < plan->n_orders; i++) {
        const struct plan_order *o = &plan->orders[i];
        int c = o->is_name ? order_compare_path(str_of(documents[a][0]), str_of(documents[b][0]))
                           : order_compare(field_path_get(&fields[a], &o->field),
                                           field_path_get(&fields[b], &o->field));
        if (c != 0)
            return o->descending ? -c : c;
    }
    return 0;
}

static void run(const struct query_plan *plan, struct arena *arena)
{
    struct status st = status_init(arena);
    struct query *query;
    size_t members[DOCUMENTS], n = 0, answers = 0;
    for (size_t i = 0; i < DOCUMENTS; i++) {
        if (!query_matches(plan, str_of(documents[i][0]), &fields[i]))
            continue;
        size_t at = n++;
        for (; at > 0 && compare(plan, members[at - 1], i) > 0; at--)
            members[at] = members[at - 1];
        members[at] = i;
    }
    uint64_t left = n > plan->offset ? n - plan->offset : 0;
    must(query_open(&query, plan, world_reader(world, 0), world_view(world), &st) == STATUS_OK);
    for (;; answers++) {
        struct document doc;
        must(query_next(query, world_reader(world, answers % 2), arena, &doc, &st) == STATUS_OK);
        must(world_open_scans(world) == 0);
        if (doc.name.n == 0)
            break;
        must(answers < left && index_of(doc.name) == members[plan->offset + answers]);
    }
    query_close(query);
    must(answers == (left < plan->limit ? left : plan->limit));
}

/* The first byte picks the operators, the second the fields; the rest is the query. */
static void try_aggregations(struct str bytes, struct arena *arena)
{
    static const struct str paths[] = { STR_INIT("a"), STR_INIT("b"), STR_INIT("m.x"), STR_INIT("__name__") };
    struct status st = status_init(arena);
    struct msg_aggregation items[3] = { 0 };
    struct aggregate_plan *plan;
    struct query *query;
    if (bytes.n < 2)
        return;
    for (size_t i = 0; i < 3; i++) {
        items[i].operator_case = (unsigned char)bytes.p[0] >> 2 * i & 3;
        items[i].sum_field.field_path = items[i].avg_field.field_path =
            paths[(unsigned char)bytes.p[1] >> 2 * i & 3];
    }
    struct msg_structured_aggregation_query message = { .structured_query =
                                                            query_built(arena, str_skip(bytes, 2)) };
    message.aggregations.items = items;
    message.aggregations.n = 1 + ((unsigned char)bytes.p[0] >> 6) % 3;
    if (aggregate_check(&plan, (struct database_name){ STR("p"), STR("d") }, STR(""), &message, arena, &st)) {
        must(st.code == STATUS_INVALID_ARGUMENT || st.code == STATUS_FAILED_PRECONDITION);
        return;
    }
    const struct query_plan *below = aggregate_query(plan);
    struct aggregate_sums *sums = aggregate_begin(plan, arena);
    uint64_t members = 0;
    for (size_t i = 0; i < DOCUMENTS; i++)
        members += query_matches(below, str_of(documents[i][0]), &fields[i]);
    uint64_t left = members > below->offset ? members - below->offset : 0;
    must(query_open(&query, below, world_reader(world, 0), world_view(world), &st) == STATUS_OK);
    for (;;) {
        struct document doc;
        must(query_next(query, world_reader(world, 0), arena, &doc, &st) == STATUS_OK);
        if (doc.name.n == 0)
            break;
        aggregate_add(sums, &doc.fields);
    }
    query_close(query);
    struct value_map result = aggregate_result(sums, arena);
    must(result.n == message.aggregations.n);
    for (size_t i = 0; i < message.aggregations.n; i++) {
        const struct value *value = value_map_get(&result, str_of(arena_printf(arena, "field_%zu", i + 1)));
        must(value && (items[i].operator_case != 1 ||
                       value->integer == (int64_t)(left < below->limit ? left : below->limit)));
    }
}

static void check_disjuncts(const struct query_plan *plan)
{
    size_t n;
    const struct query_disjunct *d = query_disjuncts(plan, &n);
    must(n >= 1 && n <= 30);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d[i].n; k++)
            must(d[i].items[k].operand && d[i].items[k].field.n > 0 && d[i].items[k].op > 0);
}

static void try_structured(const struct msg_structured_query *structured, struct str parent,
                           struct arena *arena)
{
    struct status st = status_init(arena);
    struct query_plan *plan;
    if (query_check(&plan, (struct database_name){ STR("p"), STR("d") }, parent, structured, arena, &st)) {
        must(st.code == STATUS_INVALID_ARGUMENT || st.code == STATUS_FAILED_PRECONDITION);
        must(status_message(&st)[0] != '\0');
        return;
    }
    check_disjuncts(plan);
    run(plan, arena);
}

static void try_query(struct str bytes, struct arena *arena)
{
    struct status st = status_init(arena);
    struct msg_run_query_request request = { 0 };
    struct resource_name parent;
    if (protobuf_decode(&request, SCHEMA(run_query_request), arena, bytes, &st) || !request.structured_query)
        return;
    bool known = path_parse_parent(&parent, request.parent, &st) == STATUS_OK;
    try_structured(request.structured_query, known ? parent.path : STR(""), arena);
}

static void try_list(struct str text, bool token, struct arena *arena)
{
    struct status st = status_init(arena);
    struct query_list_options options = { .collection_id = STR("c"), .page_size = 2 };
    struct query_plan *plan;
    int32_t page;
    if (token)
        options.page_token = text;
    else
        options.order_by = text;
    if (query_list(&plan, &page, (struct database_name){ STR("p"), STR("d") }, STR(""), &options, arena,
                   &st) == 0)
        run(plan, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!world)
        make_world();
    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    struct str rest = str_from(data + 1, size - 1);
    if (data[0] == 'o' || data[0] == 't')
        try_list(rest, data[0] == 't', arena);
    else if (data[0] == 'b')
        try_structured(query_built(arena, rest), STR(""), arena);
    else if (data[0] == 'g')
        try_aggregations(rest, arena);
    else
        try_query(rest, arena);
    arena_free(arena);
    return 0;
}

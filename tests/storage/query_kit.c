/* query_kit.c - see query_kit.h. */
#include "storage/query_kit.h"

static struct str quoted(struct arena *arena, const char *json)
{
    struct str text = arena_str(arena, str_of(json));
    for (char *at = (char *)text.p; *at; at++)
        if (*at == '\'')
            *at = '"';
    return text;
}

static void decode(void *out, const struct schema_message *schema, struct arena *arena, struct str json)
{
    struct status st = status_init(arena);
    if (protojson_decode(out, schema, arena, json, &st))
        fail_msg("%s in " STR_FMT, status_message(&st), STR_ARG(json));
}

struct value_map kit_fields(struct arena *arena, const char *json)
{
    struct document doc = { 0 };
    decode(&doc, SCHEMA(document), arena, quoted(arena, arena_printf(arena, "{'fields':%s}", json)));
    return doc.fields;
}

struct value *kit_value(struct arena *arena, const char *json)
{
    struct value *value = ARENA_NEW(arena, struct value);
    decode(value, SCHEMA(value), arena, quoted(arena, json));
    return value;
}

struct msg_structured_query *kit_query(struct arena *arena, const char *json)
{
    struct msg_structured_query *query = ARENA_NEW(arena, struct msg_structured_query);
    decode(query, SCHEMA(structured_query), arena, quoted(arena, json));
    return query;
}

struct query_plan *kit_plan(struct arena *arena, const char *json)
{
    struct query_plan *plan;
    struct status st = status_init(arena);
    if (query_check(&plan, QUERY_DB, STR(""), kit_query(arena, json), arena, &st))
        fail_msg("%s in %s", status_message(&st), json);
    return plan;
}

const char *kit_refusal(struct arena *arena, const char *parent, const char *json, enum status_code *code)
{
    struct query_plan *plan;
    struct status st = status_init(arena);
    enum status_code refused =
        query_check(&plan, QUERY_DB, str_of(parent), kit_query(arena, json), arena, &st);
    assert_int_equal(refused, st.code);
    assert_true((plan == NULL) == (refused != STATUS_OK));
    if (code)
        *code = refused;
    return refused ? status_message(&st) : "OK";
}

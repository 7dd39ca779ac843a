/* evaluation.c - see evaluation.h. */
#include "rules-engine/evaluation.h"

#include "core/codec.h"
#include "core/limits.h"

static void put_path(struct buf *out, const struct eval *e)
{
    const struct rules_request *r = e->request;
    const struct rules_query *query = r->query;
    bool list = r->method == RULES_LIST && !e->resource; /* a query for one name is that document's */
    bool group = list && query && query->all_descendants;
    bool unnamed = r->touched && r->touched->auto_id;
    struct str path = group ? query->parent : unnamed ? path_parent(e->path) : e->path;
    struct buf text;
    buf_init(&text, LIMIT_RULES_RECORD);
    buf_printf(&text, "/databases/" STR_FMT "/documents", STR_ARG(r->db.database));
    if (path.n)
        buf_printf(&text, "/" STR_FMT, STR_ARG(path));
    if (group)
        buf_printf(&text, "/**/" STR_FMT, STR_ARG(query->collection_id.n ? query->collection_id : STR("*")));
    if (list || unnamed)
        buf_z(&text, "/*");
    json_write_string(out, buf_view(&text));
    buf_dispose(&text);
}

static void put_value(struct buf *out, struct eval *e, struct rvalue v)
{
    if (rv_is_error(v))
        buf_z(out, "{\"undefined\":{}}");
    else
        coverage_put_value(out, e->ruleset, e->arena, v);
}

static void put_context(struct buf *out, struct eval *e)
{
    buf_z(out, "{\"path\":");
    put_path(out, e);
    buf_z(out, ",\"request\":");
    put_value(out, e, eval_request(e));
    json_write_member(out, "method", str_of(rules_method_name(e->request->method)));
    buf_z(out, ",\"resource\":");
    put_value(out, e, eval_resource(e));
    buf_z(out, ",\"time\":\"");
    rv_print(out, e->arena, rv_time(e->request->time));
    buf_z(out, "\"}");
}

static void put_outcomes(struct buf *out, const struct eval *e, const struct evaluation *evaluation)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < evaluation->n; i++) {
        const struct ast_allow *allow = evaluation->allows[i];
        bool granted = evaluation->granted && i + 1 == evaluation->n;
        uint32_t line, column;
        source_position(&e->ruleset->sources[allow->file], allow->span.from, &line, &column);
        buf_printf(out, "%s{\"line\":%u,\"outcome\":%s}", i ? "," : "", line, granted ? "true" : "false");
    }
    buf_byte(out, ']');
}

static void tell(struct eval *e, const struct evaluation *evaluation, const char *outcome)
{
    struct buf out;
    buf_init(&out, LIMIT_RULES_RECORD);
    buf_z(&out, "{\"rules\":");
    json_write_string(&out, e->ruleset->files[0].content);
    buf_z(&out, ",\"rulesContext\":");
    put_context(&out, e);
    buf_z(&out, ",\"granularAllowOutcomes\":");
    put_outcomes(&out, e, evaluation);
    buf_printf(&out, ",\"outcome\":\"%s\"}", outcome);
    if (!out.overflowed)
        e->env->evaluated(e->env->data, buf_view(&out));
    buf_dispose(&out);
}

void evaluation_tell(struct eval *e, const struct evaluation *evaluation)
{
    tell(e, evaluation, evaluation->granted ? "allow" : evaluation->failed ? "error" : "deny");
}

void rules_tell_unasked(const struct ruleset *ruleset, const struct rules_request *request, const struct rules_env *env,
                        struct arena *arena, const char *outcome)
{
    struct eval e;
    struct rules_budget budget = { .arena = arena };
    struct status st = status_init(NULL);
    eval_init(&e, ruleset, request, env, &budget, arena, &st);
    e.resource_made = true; /* nobody looked, and the host may not have read it */
    e.resource_value = eval_unproved(&e);
    tell(&e, &(struct evaluation){ 0 }, outcome);
}

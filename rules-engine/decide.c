/* decide.c - rules_decide: which allows apply, what they say, and the message when none grants. */
#include "core/limits.h"
#include "rules-engine/constraint.h"
#include "rules-engine/evaluation.h"
#include "rules-engine/match.h"
#include "rules-engine/trace.h"

#include <stdlib.h>

/* An allow whose match covers the path, with what its wildcards are bound to. */
struct candidate {
    struct ast_allow *allow;
    const struct rvalue *wildcards;
};
struct candidates {
    struct candidate *items;
    size_t n, cap;
    struct arena *arena;
};

static void add_candidate(struct candidates *list, struct ast_allow *allow, const struct rvalue *wildcards)
{
    if (list->n == list->cap) {
        size_t size = list->cap * sizeof *list->items;
        list->cap = list->cap ? list->cap * 2 : 8;
        list->items = arena_grow(list->arena, list->items, size, list->cap * sizeof *list->items);
    }
    list->items[list->n++] = (struct candidate){ allow, wildcards };
}

static void collect(struct candidates *list, const struct ast_match *match, int version, unsigned method,
                    const struct match_target *target)
{
    for (; match; match = match->next) {
        const struct rvalue *wildcards = NULL;
        bool tried = false, covers = false;
        for (struct ast_allow *allow = match->allows; allow; allow = allow->next) {
            if (!(allow->methods & method))
                continue;
            if (!tried)
                covers = match_covers(&wildcards, list->arena, match, version, target);
            tried = true;
            if (covers)
                add_candidate(list, allow, wildcards);
        }
        collect(list, match->children, version, method, target);
    }
}

static int in_source_order(const void *a, const void *b)
{
    uint32_t x = ((const struct candidate *)a)->allow->index, y = ((const struct candidate *)b)->allow->index;
    return (x > y) - (x < y);
}

static struct candidates find_candidates(const struct ruleset *ruleset, struct arena *arena,
                                         enum rules_method method, const struct match_target *target)
{
    static const unsigned bits[] = { METHOD_GET, METHOD_LIST, METHOD_CREATE, METHOD_UPDATE, METHOD_DELETE };
    struct candidates list = { .arena = arena };
    for (size_t i = 0; i < ruleset->n_files; i++)
        for (const struct ast_service *service = ruleset->units[i].services; service; service = service->next)
            if (str_eq(service->name, STR("cloud.firestore")))
                collect(&list, service->matches, ruleset->units[i].version, bits[method], target);
    if (list.n > 1)
        qsort(list.items, list.n, sizeof *list.items, in_source_order);
    return list;
}

/* The refusals of one decision, kept until we know that nothing grants. */
struct refusal {
    const struct candidate *candidate;
    struct rvalue value;
};

static struct rvalue judge(struct eval *e, const struct candidate *candidate)
{
    struct ast_allow *allow = candidate->allow;
    atomic_fetch_add_explicit(&allow->evaluated, 1, memory_order_relaxed);
    e->wildcards = candidate->wildcards;
    struct rvalue v = { .type = RT_BOOL, .boolean = true };
    if (allow->condition) {
        v = eval_counted(e, allow->condition);
    }
    if (rv_is_true(v))
        atomic_fetch_add_explicit(&allow->granted, 1, memory_order_relaxed);
    return v;
}

static void grant(struct rules_decision *decision, const struct eval *e, const struct ast_allow *allow)
{
    decision->allowed = true;
    decision->file = e->ruleset->sources[allow->file].name;
    source_position(&e->ruleset->sources[allow->file], allow->span.from, &decision->line, &decision->column);
}

/* "\nfalse for 'get' @ L3, ..." with every item once. */
static const char *compose(struct eval *e, const struct rules_try *tries, size_t n, enum rules_method method)
{
    struct buf text;
    buf_init(&text, LIMIT_RULES_ARENA / 4);
    buf_byte(&text, '\n');
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen =
                tries[k].allow_line == tries[i].allow_line && strcmp(tries[k].reason, tries[i].reason) == 0;
        if (!seen)
            buf_printf(&text, "%s%s for '%s' @ L%u", i ? ", " : "", tries[i].reason,
                       rules_method_name(method), tries[i].allow_line);
    }
    /* Halves of characters that a rule cut are no UTF-8: they may not reach a client. */
    const char *out = arena_str(e->arena, rv_utf8_bytes(e->arena, buf_view(&text))).p;
    buf_dispose(&text);
    return out;
}

static void explain(struct rules_decision *decision, struct eval *e, const struct refusal *refusals, size_t n)
{
    uint32_t spent = e->steps;
    struct rules_try *tries = ARENA_ARRAY(e->arena, struct rules_try, n);
    for (size_t i = 0; i < n; i++) {
        e->wildcards = refusals[i].candidate->wildcards;
        trace_explain(&tries[i], e, refusals[i].candidate->allow, refusals[i].value);
    }
    e->steps = spent;
    if (e->host_code != STATUS_OK) { /* too little memory to explain: the verdict stands */
        e->host_code = STATUS_OK;
        status_clear(e->st);
    }
    decision->tries = tries;
    decision->n_tries = n;
}

/* For whoever listens to the feed: n refusals, then perhaps a grant. */
static void tell(struct eval *e, const struct candidates *list, const struct refusal *refusals, size_t n,
                 bool granted)
{
    const struct ast_allow **allows = ARENA_ARRAY(e->arena, const struct ast_allow *, n + 1);
    struct evaluation evaluation = { .allows = allows, .n = n + granted, .granted = granted };
    for (size_t i = 0; i < evaluation.n; i++)
        allows[i] = list->items[i].allow;
    for (size_t i = 0; i < n; i++)
        evaluation.failed = evaluation.failed || refusals[i].value.type != RT_BOOL;
    evaluation_tell(e, &evaluation);
}

/* Every candidate in source order until one grants. */
static void decide_candidates(struct rules_decision *decision, struct eval *e, const struct candidates *list)
{
    struct refusal *refusals = arena_alloc(e->arena, list->n * sizeof *refusals);
    size_t n = 0;
    decision->allowed = false;
    decision->matched = decision->matched || list->n > 0;
    for (size_t i = 0; i < list->n && !decision->allowed && e->host_code == STATUS_OK; i++) {
        struct rvalue v = judge(e, &list->items[i]);
        if (rv_is_true(v))
            grant(decision, e, list->items[i].allow);
        else
            refusals[n++] = (struct refusal){ &list->items[i], v };
    }
    if (e->env && e->env->evaluated && e->host_code == STATUS_OK)
        tell(e, list, refusals, n, decision->allowed);
    if (decision->allowed || e->host_code != STATUS_OK)
        return;
    explain(decision, e, refusals, n);
    decision->message =
        n ? compose(e, decision->tries, n, e->request->method) : "No matching allow statements";
}

static void decide_document(struct rules_decision *decision, struct eval *e)
{
    const struct rules_request *r = e->request;
    bool unnamed = r->touched && r->touched->auto_id;
    struct match_target target = unnamed ? match_collection(e->arena, r->db, NULL, path_parent(e->path))
                                         : match_document(e->arena, r->db, e->path);
    struct candidates list = find_candidates(e->ruleset, e->arena, e->request->method, &target);
    decide_candidates(decision, e, &list);
}

/* A disjunct that names the document: the real one is judged, read through the host like any lookup. */
static void decide_named(struct rules_decision *decision, struct eval *e, struct str path)
{
    struct rules_document *document = ARENA_NEW(e->arena, struct rules_document);
    if (e->env && e->env->get_document)
        e->host_code =
            e->env->get_document(e->env->data, e->request->db, path, false, e->arena, document, e->st);
    eval_turn(e, path, document);
    if (e->host_code == STATUS_OK)
        decide_document(decision, e);
}

static void decide_list(struct rules_decision *decision, struct eval *e)
{
    static const struct rules_disjunct any = { 0 };
    const struct rules_query *query = e->request->query;
    size_t n = query && query->n_disjuncts ? query->n_disjuncts : 1;
    bool below = query && query->all_descendants && query->parent.n > 0;
    struct match_target target = match_collection(e->arena, e->request->db, query, e->request->path);
    struct candidates list = find_candidates(e->ruleset, e->arena, RULES_LIST, &target);
    for (size_t i = 0; i < n && e->host_code == STATUS_OK; i++) {
        const struct rules_disjunct *disjunct = query && query->n_disjuncts ? &query->disjuncts[i] : &any;
        struct str named;
        decision->expressions += e->steps;
        eval_restart(e);
        e->n_lookups = e->n_distinct = 0; /* ten for each disjunct; the budget counts them all */
        eval_turn(e, e->request->path, NULL);
        if (constraint_name(&named, disjunct)) {
            decide_named(decision, e, named);
        } else {
            e->list_resource = constraint_resource(e->arena, disjunct, below);
            decide_candidates(decision, e, &list);
        }
        if (!decision->allowed)
            return;
    }
}

/* A few more than the limit when several decide at once. */
static void count_first(const struct ruleset *ruleset)
{
    if (rules_watched(ruleset))
        atomic_fetch_add_explicit(&((struct ruleset *)ruleset)->first_decisions, 1, memory_order_relaxed);
}

bool rules_watched(const struct ruleset *ruleset)
{
    return atomic_load_explicit(&ruleset->first_decisions, memory_order_relaxed) < LIMIT_COVERAGE_LOOKS;
}

enum status_code rules_decide(const struct ruleset *ruleset, const struct rules_request *request,
                              const struct rules_env *env, struct rules_budget *budget, struct arena *arena,
                              struct rules_decision *decision, struct status *st)
{
    struct eval e;
    *decision = (struct rules_decision){ 0 };
    eval_init(&e, ruleset, request, env, budget, arena, st);
    count_first(ruleset);
    e.shard = coverage_take(ruleset->coverage);
    e.coverage = coverage_nodes(e.shard);
    if (request->method == RULES_LIST)
        decide_list(decision, &e);
    else
        decide_document(decision, &e);
    coverage_give(e.shard);
    decision->expressions += e.steps;
    if (decision->expressions > LIMIT_RULES_EXPRESSIONS && request->method != RULES_LIST)
        decision->expressions = LIMIT_RULES_EXPRESSIONS;
    if (e.host_code != STATUS_OK)
        decision->allowed = false;
    return e.host_code;
}

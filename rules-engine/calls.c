/* calls.c - see check.h: who calls whom. Every function is resolved by now; built-ins do not call. */
#include "rules-engine/check.h"

#include "core/limits.h"

/* ---- walking the calls of an expression ---- */

/* `call` is a call of the callee, or of a method of its name: to Google's compiler 1.19.9 that uses it too. */
typedef void call_visitor(void *data, const struct ast_node *call, struct ast_function *callee);

struct call_visit {
    call_visitor *visit;
    void *data;
};

static void visit_node(void *data, struct ast_node *node)
{
    const struct call_visit *v = data;
    if (node->kind == AST_CALL && node->call.function)
        v->visit(v->data, node, node->call.function);
    else if (node->kind == AST_METHOD && node->call.namesake)
        v->visit(v->data, node, node->call.namesake);
    ast_each_child(node, visit_node, data);
}

static void visit_calls(struct ast_node *node, call_visitor *visit, void *data)
{
    if (node)
        visit_node(&(struct call_visit){ visit, data }, node);
}

static void visit_function_calls(const struct ast_function *function, call_visitor *visit, void *data)
{
    for (uint32_t i = 0; i < function->n_lets; i++)
        visit_calls(function->lets[i].value, visit, data);
    visit_calls(function->body, visit, data);
}

/* ---- the graph, searched depth first with a stack of our own ---- */

enum { UNSEEN, OPEN, DONE };
enum { CYCLE_TEXT_BYTES = 64 * 1024 };

struct callees {
    struct arena *arena;
    uint32_t stamp; /* of the caller: a callee that carries it is in the list */
    struct ast_function **items;
    uint32_t n, cap;
};

static void push_callee(struct callees *list, struct ast_function *callee)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 4;
        list->items =
            arena_grow(list->arena, list->items, list->n * sizeof *list->items, cap * sizeof *list->items);
        list->cap = cap;
    }
    list->items[list->n++] = callee;
}

static void add_callee(void *data, const struct ast_node *call, struct ast_function *callee)
{
    struct callees *list = data;
    if (call->kind == AST_METHOD || callee->call_stamp == list->stamp)
        return;
    callee->call_stamp = list->stamp;
    push_callee(list, callee);
}

struct step {
    struct ast_function *function;
    struct callees callees;
    uint32_t next;
};

struct search {
    struct arena *arena;
    struct issue_list *issues;
    struct step *steps;
    uint32_t n, cap, stamps;
};

static void open_function(struct search *s, struct ast_function *function)
{
    if (s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 32;
        s->steps = arena_grow(s->arena, s->steps, s->n * sizeof *s->steps, cap * sizeof *s->steps);
        s->cap = cap;
    }
    function->call_state = OPEN;
    if (function->call_height == 0)
        function->call_height = 1;
    struct step *step = &s->steps[s->n++];
    *step = (struct step){ .function = function, .callees = { .arena = s->arena, .stamp = ++s->stamps } };
    visit_function_calls(function, add_callee, &step->callees);
}

static const char *names_of_steps(struct search *s, uint32_t from, const char *between)
{
    struct buf text;
    buf_init(&text, CYCLE_TEXT_BYTES);
    for (uint32_t i = from; i < s->n && !text.overflowed; i++) {
        buf_z(&text, i > from ? between : "");
        buf_str(&text, s->steps[i].function->name);
    }
    const char *names = arena_str(s->arena, buf_view(&text)).p;
    buf_dispose(&text);
    return names;
}

static void report_cycle(struct search *s, const struct ast_function *again)
{
    uint32_t from = s->n - 1;
    while (s->steps[from].function != again)
        from--;
    if (from + 1 == s->n)
        issues_add(s->issues, RULES_ERROR, again->file, again->name_span, "Recursive call is not allowed.");
    else
        issues_add(s->issues, RULES_ERROR, again->file, again->name_span,
                   "Detected a call cycle between [%s] functions.", names_of_steps(s, from, ","));
}

/* Everything that can be reached from a function: cycles are reported, heights computed on the way back. */
static void search_from(struct search *s, struct ast_function *root)
{
    open_function(s, root);
    while (s->n > 0) {
        struct step *step = &s->steps[s->n - 1];
        if (step->next < step->callees.n) {
            struct ast_function *callee = step->callees.items[step->next++];
            if (callee->call_state == OPEN)
                report_cycle(s, callee);
            else if (callee->call_state == UNSEEN)
                open_function(s, callee);
            continue;
        }
        step->function->call_state = DONE;
        for (uint32_t i = 0; i < step->callees.n; i++)
            if (step->callees.items[i]->call_state == DONE &&
                step->function->call_height <= step->callees.items[i]->call_height)
                step->function->call_height = step->callees.items[i]->call_height + 1;
        s->n--;
    }
}

/* ---- chains that are too long ---- */

/* The first chain from a function that no other calls, in the order in which calls stand in the source. */
static void report_long_chain(struct search *s, struct ast_function *root)
{
    struct ast_function *function = root;
    s->n = 0;
    for (;;) {
        open_function(s, function);
        const struct callees *callees = &s->steps[s->n - 1].callees;
        uint32_t i = 0;
        while (i < callees->n && callees->items[i]->call_height + s->n <= LIMIT_RULES_CALL_DEPTH + 1)
            i++;
        if (i == callees->n)
            return; /* a cycle cut the chain short */
        function = callees->items[i];
        if (s->n > LIMIT_RULES_CALL_DEPTH)
            break;
    }
    issues_add(s->issues, RULES_ERROR, function->file, function->name_span,
               "Maximum allowed call depth of %d is reached for [%s] call stack.", LIMIT_RULES_CALL_DEPTH,
               names_of_steps(s, 0, "->"));
}

static void check_chain(void *data, struct ast_function *function)
{
    if (!function->called_by_function && function->call_height > LIMIT_RULES_CALL_DEPTH + 1)
        report_long_chain(data, function);
}

/* ---- marking ---- */

static void mark_called(void *data, const struct ast_node *call, struct ast_function *callee)
{
    (void)data, (void)call;
    callee->called = callee->called_by_function = true;
}

/* Work list of functions that an allow reaches; a function enters it once, with all others of its name. */
static void mark_used(void *data, const struct ast_node *call, struct ast_function *callee)
{
    (void)call;
    struct callees *list = data;
    callee->called = true;
    for (; callee && !callee->used; callee = callee->next_duplicate) {
        callee->used = true;
        push_callee(list, callee);
    }
}

static void mark_called_by_allow(void *data, const struct ast_node *call, struct ast_function *callee)
{
    (void)data, (void)call;
    callee->called = true;
}

static void mark_from_matches(struct callees *used, const struct ast_match *list)
{
    for (const struct ast_match *match = list; match; match = match->next) {
        for (const struct ast_allow *allow = match->allows; allow; allow = allow->next)
            visit_calls(allow->condition, allow->methods ? mark_used : mark_called_by_allow, used);
        mark_from_matches(used, match->children);
    }
}

static void search_function(void *data, struct ast_function *function)
{
    visit_function_calls(function, mark_called, NULL);
    if (function->call_state == UNSEEN)
        search_from(data, function);
}

void check_calls(struct ruleset *ruleset, struct issue_list *issues)
{
    struct arena *arena = arena_new();
    struct callees used = { .arena = arena };
    for (size_t i = 0; i < ruleset->n_files; i++)
        for (const struct ast_service *s = ruleset->units[i].services; s; s = s->next)
            mark_from_matches(&used, s->matches);
    for (uint32_t i = 0; i < used.n; i++)
        visit_function_calls(used.items[i], mark_used, &used);
    struct search search = { .arena = arena, .issues = issues };
    for (size_t i = 0; i < ruleset->n_files; i++)
        check_each_function(&ruleset->units[i], search_function, &search);
    for (size_t i = 0; i < ruleset->n_files; i++)
        check_each_function(&ruleset->units[i], check_chain, &search);
    arena_free(arena);
}

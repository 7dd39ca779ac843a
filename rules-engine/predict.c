/* predict.c - see predict.h. */
#include "rules-engine/predict.h"

#include "core/limits.h"

#include <assert.h>
#include <stdlib.h>

/* One way to be in the middle of things: a state, what is open above it, and which alternative led here. */
struct config {
    uint32_t context;
    uint16_t state;
    uint8_t alternative, precedence;
    bool left; /* went past the end of the rule whose choice this is */
};

struct config_list {
    struct config *items;
    size_t n, cap;
};

enum { ALTERNATIVES = 15, PRECEDENCES = 12, NOT_COMPUTED = 0 };
#define NOWHERE UINT32_MAX

/* All configs after some tokens, without context: the same whenever the same choice sees the same tokens, so
 * it is kept, with what follows from it. (ANTLR calls this the lookahead DFA.) */
struct node {
    struct config *configs; /* sorted */
    size_t n;
    uint64_t hash;
    uint8_t only;     /* the alternative that is left, or 0 */
    uint8_t least;    /* of those that are left */
    uint8_t finished; /* the least that has come to the end of the rule, or 0 */
    bool conflict;
    uint32_t next[TOKEN_KINDS]; /* a node, NOT_COMPUTED, or NOWHERE */
};

struct predictor {
    struct arena *arena;
    const struct grammar *g;
    const struct tokens *tokens;
    struct predict_context *contexts;
    uint32_t n_contexts, cap_contexts;
    uint32_t *context_table; /* open addressing over contexts; 0 is free */
    size_t context_slots;
    uint64_t *seen; /* open addressing over keys of configs; stamped with the round */
    uint32_t *seen_round;
    size_t seen_slots, seen_used;
    uint32_t round;
    struct config_list current, next, work;
    struct node **nodes; /* from 1 */
    uint32_t n_nodes, cap_nodes;
    uint32_t *node_table; /* open addressing over nodes; 0 is free */
    size_t node_slots;
    uint32_t *starts; /* by state and precedence: a node, or NOT_COMPUTED */
    uint64_t steps;
    bool gave_up;
};

/* ---- contexts ---- */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 29;
}

static uint64_t context_hash(struct predict_context c)
{
    return mix((uint64_t)c.parent << 24 | (uint64_t)c.state << 8 | c.precedence);
}

static void context_insert(struct predictor *p, uint32_t id)
{
    size_t i = context_hash(p->contexts[id]) & (p->context_slots - 1);
    while (p->context_table[i])
        i = (i + 1) & (p->context_slots - 1);
    p->context_table[i] = id;
}

static void grow_contexts(struct predictor *p)
{
    uint32_t cap = p->cap_contexts * 2;
    p->contexts =
        arena_grow(p->arena, p->contexts, p->n_contexts * sizeof *p->contexts, cap * sizeof *p->contexts);
    p->cap_contexts = cap;
    p->context_slots = (size_t)cap * 2;
    p->context_table = ARENA_ARRAY(p->arena, uint32_t, p->context_slots);
    for (uint32_t id = 1; id < p->n_contexts; id++)
        context_insert(p, id);
}

uint32_t predictor_context(struct predictor *p, uint32_t parent, uint16_t state, uint8_t precedence)
{
    struct predict_context wanted = { parent, state, precedence };
    size_t i = context_hash(wanted) & (p->context_slots - 1);
    for (; p->context_table[i]; i = (i + 1) & (p->context_slots - 1)) {
        struct predict_context c = p->contexts[p->context_table[i]];
        if (c.parent == parent && c.state == state && c.precedence == precedence)
            return p->context_table[i];
    }
    if (p->n_contexts == p->cap_contexts)
        grow_contexts(p);
    p->contexts[p->n_contexts] = wanted;
    context_insert(p, p->n_contexts);
    return p->n_contexts++;
}

struct predict_context predictor_context_at(const struct predictor *p, uint32_t context)
{
    assert(context > 0 && context < p->n_contexts);
    return p->contexts[context];
}

/* ---- sets of configs ---- */

static void push(struct predictor *p, struct config_list *list, struct config config)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 256;
        list->items = arena_grow(p->arena, list->items, list->n * sizeof config, cap * sizeof config);
        list->cap = cap;
    }
    list->items[list->n++] = config;
}

static uint64_t config_key(struct config c)
{
    static_assert(GRAMMAR_STATES < 1 << 12, "a state fits its bits");
    return (uint64_t)c.context << 21 | (uint64_t)c.state << 9 | (uint64_t)c.alternative << 5 |
           (uint64_t)c.precedence << 1 | c.left;
}

static bool seen_insert(struct predictor *p, uint64_t key)
{
    size_t i = mix(key) & (p->seen_slots - 1);
    for (; p->seen_round[i] == p->round; i = (i + 1) & (p->seen_slots - 1))
        if (p->seen[i] == key)
            return false;
    p->seen[i] = key;
    p->seen_round[i] = p->round;
    p->seen_used++;
    return true;
}

static void grow_seen(struct predictor *p)
{
    uint64_t *old = p->seen;
    uint32_t *old_round = p->seen_round;
    size_t slots = p->seen_slots;
    p->seen_slots = slots * 2;
    p->seen = ARENA_ARRAY(p->arena, uint64_t, p->seen_slots);
    p->seen_round = ARENA_ARRAY(p->arena, uint32_t, p->seen_slots);
    p->seen_used = 0;
    for (size_t i = 0; i < slots; i++)
        if (old_round[i] == p->round)
            seen_insert(p, old[i]);
}

static void new_round(struct predictor *p)
{
    p->round++;
    p->seen_used = 0;
    p->next.n = 0;
}

/* Notes a config to be followed, once a round. */
static void visit(struct predictor *p, struct config config)
{
    if (p->seen_used * 2 > p->seen_slots)
        grow_seen(p);
    if (!seen_insert(p, config_key(config)))
        return;
    if (++p->steps > LIMIT_RULES_SYNTAX_STEPS)
        p->gave_up = true;
    else
        push(p, &p->work, config);
}

/* Past the end of a rule: to its caller, or to every place that can follow it. */
static void leave_rule(struct predictor *p, struct config c, bool full)
{
    if (c.context != 0) {
        struct predict_context to = p->contexts[c.context];
        c.context = to.parent;
        c.precedence = to.precedence;
        c.state = to.state;
        visit(p, c);
        return;
    }
    if (full) {
        push(p, &p->next, c);
        return;
    }
    const uint16_t *first = &p->g->after_first[p->g->states[c.state].rule];
    if (first[0] == first[1])
        push(p, &p->next, c);
    c.left = true;
    c.precedence = 0;
    for (unsigned i = first[0]; i < first[1]; i++) {
        c.state = p->g->after[i];
        visit(p, c);
    }
}

static void follow_edge(struct predictor *p, struct config c, const struct grammar_edge *edge, bool *waits)
{
    struct config to = c;
    to.state = edge->target;
    switch ((enum grammar_edge_kind)edge->kind) {
    case EDGE_TOKEN:
    case EDGE_SET:
        *waits = true;
        return;
    case EDGE_RULE:
        to.context = predictor_context(p, c.context, edge->target, c.precedence);
        to.state = p->g->start[p->g->twin[edge->value]];
        to.precedence = edge->precedence;
        break;
    case EDGE_PRECEDENCE:
        if (edge->value < c.precedence)
            return;
        break;
    case EDGE_EMPTY:
    case EDGE_ACTION:
        break;
    }
    visit(p, to);
}

/* Follows what is noted until every config waits for a token: those are p->next. */
static void close_over(struct predictor *p, bool full)
{
    while (p->work.n > 0 && !p->gave_up) {
        struct config c = p->work.items[--p->work.n];
        const struct grammar_state *state = &p->g->states[c.state];
        if (state->type == STATE_STOP) {
            leave_rule(p, c, full);
            continue;
        }
        bool waits = false;
        for (unsigned i = 0; i < state->n_edges; i++)
            follow_edge(p, c, &p->g->edges[state->first_edge + i], &waits);
        if (waits)
            push(p, &p->next, c);
    }
    p->work.n = 0;
}

static unsigned least_alternative(const struct config_list *list)
{
    unsigned least = list->items[0].alternative;
    for (size_t i = 1; i < list->n; i++)
        if (list->items[i].alternative < least)
            least = list->items[i].alternative;
    return least;
}

static int compare_configs(const void *a, const void *b)
{
    const struct config *x = a, *y = b;
    if (x->state != y->state)
        return x->state < y->state ? -1 : 1;
    if (x->context != y->context)
        return x->context < y->context ? -1 : 1;
    if (x->alternative != y->alternative)
        return x->alternative - y->alternative;
    return x->precedence - y->precedence;
}

/* Of a sorted list. */
static void drop_doubles(struct config_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (n == 0 || compare_configs(&list->items[n - 1], &list->items[i]) != 0)
            list->items[n++] = list->items[i];
    list->n = n;
}

/* ANTLR holds all configs of one state and alternative as one, with their contexts merged: when one of them
 * has left the rule, so have the others. */
static void share_left(struct config_list *list)
{
    qsort(list->items, list->n, sizeof *list->items, compare_configs);
    for (size_t i = 0, end; i < list->n; i = end) {
        bool left[ALTERNATIVES + 1] = { false };
        for (end = i; end < list->n && list->items[end].state == list->items[i].state; end++)
            left[list->items[end].alternative] |= list->items[end].left;
        for (size_t j = i; j < end; j++)
            list->items[j].left = left[list->items[j].alternative];
    }
    drop_doubles(list);
}

static void swap(struct predictor *p)
{
    struct config_list list = p->current;
    p->current = p->next;
    p->next = list;
}

static bool is_stop(const struct predictor *p, struct config c)
{
    return p->g->states[c.state].type == STATE_STOP;
}

/* ---- telling alternatives apart ---- */

static unsigned only_alternative(const struct config_list *list)
{
    for (size_t i = 1; i < list->n; i++)
        if (list->items[i].alternative != list->items[0].alternative)
            return 0;
    return list->n ? list->items[0].alternative : 0;
}

/* Sorts the list; whether some state with the same context is reached by several alternatives while no
 * state belongs to one alternative only: more tokens will not tell them apart. */
static bool is_conflict(struct config_list *list)
{
    qsort(list->items, list->n, sizeof *list->items, compare_configs);
    bool any = false;
    for (size_t i = 0; i < list->n;) {
        size_t j = i;
        bool several = false;
        for (; j < list->n && list->items[j].state == list->items[i].state; j++) {
            several = several || list->items[j].alternative != list->items[i].alternative;
            any = any || (j > i && list->items[j].context == list->items[j - 1].context &&
                          list->items[j].alternative != list->items[j - 1].alternative);
        }
        if (!several)
            return false;
        i = j;
    }
    return any;
}

/* With the whole context: the alternative that is the least wherever several meet, if it is one. */
static unsigned resolved(struct config_list *list)
{
    qsort(list->items, list->n, sizeof *list->items, compare_configs);
    unsigned found = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct config *c = &list->items[i];
        if (i > 0 && c->state == c[-1].state && c->context == c[-1].context)
            continue;
        if (found && found != c->alternative)
            return 0;
        found = c->alternative;
    }
    return found;
}

static unsigned least_finished(const struct predictor *p, bool full)
{
    unsigned least = 0;
    for (size_t i = 0; i < p->current.n; i++) {
        const struct config *c = &p->current.items[i];
        bool finished = (is_stop(p, *c) && c->context == 0) || (!full && c->left);
        if (finished && (least == 0 || c->alternative < least))
            least = c->alternative;
    }
    return least;
}

static void keep_stopped(struct predictor *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->next.n; i++)
        if (is_stop(p, p->next.items[i]))
            p->next.items[n++] = p->next.items[i];
    p->next.n = n;
}

/* All configs after one token; false when there are none. */
static bool step(struct predictor *p, unsigned kind, bool full)
{
    new_round(p);
    for (size_t i = 0; i < p->current.n; i++) {
        struct config c = p->current.items[i];
        const struct grammar_state *state = &p->g->states[c.state];
        for (unsigned j = 0; j < state->n_edges; j++) {
            const struct grammar_edge *edge = &p->g->edges[state->first_edge + j];
            if (edge->kind == EDGE_TOKEN
                    ? edge->value == kind
                    : edge->kind == EDGE_SET && token_set_has(&p->g->sets[edge->value], kind)) {
                struct config to = c;
                to.state = edge->target;
                visit(p, to);
            }
        }
    }
    if (!full)
        share_left(&p->work);
    close_over(p, full);
    if (!full)
        share_left(&p->next);
    if (kind == TOKEN_EOF)
        keep_stopped(p);
    return p->next.n > 0;
}

/* In a loop of operators, leaving the loop to go on with an enclosing one is the same as going on here. */
static void drop_outer_loops(struct predictor *p)
{
    struct config_list *list = &p->next;
    qsort(list->items, list->n, sizeof *list->items, compare_configs);
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct config c = list->items[i];
        bool same = n > 0 && c.alternative == 2 && list->items[n - 1].state == c.state &&
                    list->items[n - 1].context == c.context && list->items[n - 1].alternative == 1;
        if (!same)
            list->items[n++] = c;
    }
    list->n = n;
}

static void start(struct predictor *p, uint16_t state, uint32_t context, uint8_t precedence, bool full)
{
    const struct grammar_state *s = &p->g->states[state];
    new_round(p);
    for (unsigned i = 0; i < s->n_edges; i++)
        visit(p, (struct config){ .context = full ? context : 0,
                                  .state = p->g->edges[s->first_edge + i].target,
                                  .alternative = (uint8_t)(i + 1),
                                  .precedence = precedence });
    close_over(p, full);
    if (!full && s->type == STATE_LOOP_ENTRY)
        drop_outer_loops(p);
    swap(p);
}

static unsigned kind_at(const struct predictor *p, uint32_t at)
{
    return p->tokens->items[at].kind;
}

static unsigned choose_with_context(struct predictor *p, uint16_t state, uint32_t context, uint8_t precedence,
                                    uint32_t at, uint32_t *error)
{
    start(p, state, context, precedence, true);
    while (!p->gave_up) {
        unsigned kind = kind_at(p, at);
        if (!step(p, kind, true)) {
            *error = at;
            return least_finished(p, true);
        }
        swap(p);
        unsigned alternative = only_alternative(&p->current);
        if (!alternative)
            alternative = resolved(&p->current);
        if (alternative)
            return alternative;
        if (kind == TOKEN_EOF)
            return p->current.items[0].alternative;
        at++;
    }
    return 0;
}

/* ---- nodes ---- */

/* What tells nodes apart is whether any config has left the rule, but not which. The first node of its kind
 * serves for all, as in ANTLR: errors depend a little on what was looked at before. */
static uint64_t place_key(struct config c)
{
    c.left = false;
    return config_key(c);
}

static bool any_left(const struct config *configs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (configs[i].left)
            return true;
    return false;
}

static uint64_t hash_configs(const struct config_list *list)
{
    uint64_t h = list->n * 2 + any_left(list->items, list->n);
    for (size_t i = 0; i < list->n; i++)
        h = mix(h ^ place_key(list->items[i])) + i;
    return h;
}

static bool same_configs(const struct node *node, const struct config_list *list)
{
    if (node->n != list->n || any_left(node->configs, node->n) != any_left(list->items, list->n))
        return false;
    for (size_t i = 0; i < list->n; i++)
        if (place_key(node->configs[i]) != place_key(list->items[i]))
            return false;
    return true;
}

static void insert_node(struct predictor *p, uint32_t id)
{
    size_t i = p->nodes[id]->hash & (p->node_slots - 1);
    while (p->node_table[i])
        i = (i + 1) & (p->node_slots - 1);
    p->node_table[i] = id;
}

static void grow_nodes(struct predictor *p)
{
    uint32_t cap = p->cap_nodes * 2;
    p->nodes = arena_grow(p->arena, p->nodes, p->n_nodes * sizeof *p->nodes, cap * sizeof *p->nodes);
    p->cap_nodes = cap;
    p->node_slots = (size_t)cap * 2;
    p->node_table = ARENA_ARRAY(p->arena, uint32_t, p->node_slots);
    for (uint32_t id = 1; id < p->n_nodes; id++)
        insert_node(p, id);
}

/* The node of p->current, which is sorted for it. */
static uint32_t node_of_current(struct predictor *p)
{
    bool conflict = is_conflict(&p->current);
    uint64_t hash = hash_configs(&p->current);
    for (size_t i = hash & (p->node_slots - 1); p->node_table[i]; i = (i + 1) & (p->node_slots - 1)) {
        const struct node *node = p->nodes[p->node_table[i]];
        if (node->hash == hash && same_configs(node, &p->current))
            return p->node_table[i];
    }
    if (p->n_nodes == p->cap_nodes)
        grow_nodes(p);
    struct node *node = ARENA_NEW(p->arena, struct node);
    node->n = p->current.n;
    node->configs = arena_alloc(p->arena, node->n * sizeof *node->configs);
    memcpy(node->configs, p->current.items, node->n * sizeof *node->configs);
    node->hash = hash;
    node->only = (uint8_t)only_alternative(&p->current);
    node->least = (uint8_t)least_alternative(&p->current);
    node->finished = (uint8_t)least_finished(p, false);
    node->conflict = conflict;
    p->nodes[p->n_nodes] = node;
    insert_node(p, p->n_nodes);
    return p->n_nodes++;
}

static uint32_t start_node(struct predictor *p, uint16_t state, uint8_t precedence)
{
    uint32_t *known = &p->starts[(size_t)state * PRECEDENCES + precedence];
    if (*known == NOT_COMPUTED) {
        start(p, state, 0, precedence, false);
        *known = node_of_current(p);
    }
    return *known;
}

static uint32_t next_node(struct predictor *p, uint32_t id, unsigned kind)
{
    if (p->nodes[id]->next[kind] == NOT_COMPUTED) {
        p->current.n = 0;
        for (size_t i = 0; i < p->nodes[id]->n; i++)
            push(p, &p->current, p->nodes[id]->configs[i]);
        uint32_t next = NOWHERE;
        if (step(p, kind, false)) {
            swap(p);
            next = node_of_current(p);
        }
        p->nodes[id]->next[kind] = next;
    }
    return p->nodes[id]->next[kind];
}

unsigned predictor_choose(struct predictor *p, bool quickly, uint16_t state, uint32_t context,
                          uint8_t precedence, uint32_t at, uint32_t *error, uint32_t *furthest)
{
    assert(precedence < PRECEDENCES);
    uint32_t id = start_node(p, state, precedence);
    for (uint32_t i = at; !p->gave_up; i++) {
        unsigned kind = kind_at(p, i);
        if (i > *furthest)
            *furthest = i;
        uint32_t next = next_node(p, id, kind);
        if (next == NOWHERE) {
            *error = i;
            return p->nodes[id]->finished;
        }
        id = next;
        if (++p->steps > LIMIT_RULES_SYNTAX_STEPS)
            p->gave_up = true;
        if (p->nodes[id]->only)
            return p->nodes[id]->only;
        if (kind == TOKEN_EOF || p->nodes[id]->conflict)
            return quickly ? p->nodes[id]->least
                           : choose_with_context(p, state, context, precedence, at, error);
    }
    return 0;
}

bool predictor_gave_up(const struct predictor *p)
{
    return p->gave_up;
}

/* ---- set up ---- */

struct predictor *predictor_new(struct arena *arena, const struct grammar *g, const struct tokens *tokens)
{
    struct predictor *p = ARENA_NEW(arena, struct predictor);
    p->arena = arena;
    p->g = g;
    p->tokens = tokens;
    p->cap_contexts = 512;
    p->n_contexts = 1;
    p->contexts = ARENA_ARRAY(arena, struct predict_context, p->cap_contexts);
    p->context_slots = p->cap_contexts * 2;
    p->context_table = ARENA_ARRAY(arena, uint32_t, p->context_slots);
    p->seen_slots = 4096;
    p->seen = ARENA_ARRAY(arena, uint64_t, p->seen_slots);
    p->seen_round = ARENA_ARRAY(arena, uint32_t, p->seen_slots);
    p->cap_nodes = 256;
    p->n_nodes = 1;
    p->nodes = ARENA_ARRAY(arena, struct node *, p->cap_nodes);
    p->node_slots = p->cap_nodes * 2;
    p->node_table = ARENA_ARRAY(arena, uint32_t, p->node_slots);
    p->starts = ARENA_ARRAY(arena, uint32_t, (size_t)g->n_states * PRECEDENCES);
    return p;
}

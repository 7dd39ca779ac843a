/* clauses.c - see clauses.h. */
#include "rules-engine/clauses.h"

#include "core/limits.h"

void clauses_ask(struct clauses *clauses, struct variable *variable, struct wanted wanted)
{
    if (clauses->n == clauses->cap) {
        uint32_t cap = clauses->cap ? clauses->cap * 2 : 32;
        clauses->items = arena_grow(clauses->arena, clauses->items, clauses->n * sizeof *clauses->items,
                                    cap * sizeof *clauses->items);
        clauses->cap = cap;
    }
    clauses->items[clauses->n++] = (struct clause){ variable, wanted };
}

static void contradict(struct clauses *clauses, struct variable *variable, uint32_t start)
{
    uint32_t n = clauses->n_contradictions;
    for (uint32_t i = 0; i < n; i++)
        if (clauses->contradictions[i].variable == variable && clauses->contradictions[i].start == start)
            return;
    if (n == LIMIT_RULES_ISSUES)
        return;
    if (n == clauses->cap_contradictions) {
        uint32_t cap = n ? n * 2 : 4;
        clauses->contradictions =
            arena_grow(clauses->arena, clauses->contradictions, n * sizeof *clauses->contradictions,
                       cap * sizeof *clauses->contradictions);
        clauses->cap_contradictions = cap;
    }
    clauses->contradictions[clauses->n_contradictions++] = (struct contradiction){ variable, start };
}

/* `text` stays where the order of types is that of one who asked. */
static void narrow(struct clauses *clauses, struct wanted *asked, struct clause clause, uint32_t start)
{
    type_set both = asked->set & clause.asked.set;
    if (!both) {
        contradict(clauses, clause.variable, start);
        *asked = (struct wanted){ ANY, NULL };
    } else if (both == clause.asked.set) {
        *asked = clause.asked;
    } else if (both != asked->set) {
        *asked = (struct wanted){ both, NULL };
    }
}

void clauses_join(struct clauses *clauses, uint32_t from, uint32_t start)
{
    uint32_t n = from;
    for (uint32_t i = from; i < clauses->n; i++) {
        struct clause clause = clauses->items[i];
        uint32_t j = from;
        while (j < n && clauses->items[j].variable != clause.variable)
            j++;
        if (j < n)
            narrow(clauses, &clauses->items[j].asked, clause, start);
        else
            clauses->items[n++] = clause;
    }
    clauses->n = n;
}

void clauses_close(struct clauses *clauses, uint32_t start)
{
    for (uint32_t i = 0; i < clauses->n; i++)
        narrow(clauses, &clauses->items[i].variable->asked, clauses->items[i], start);
    clauses->n = 0;
}

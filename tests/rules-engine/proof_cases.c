/* proof_cases.c - see proof_cases.h. */
#include "proof_cases.h"

#include "core/order.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- what cases are made of ---- */

/* Values in their order, as rules and filters write them. */
static const struct {
    const char *name;
    const char *const *values;
    unsigned n;
    bool ordered, array;
} fields[] = {
    { "n", (const char *const[]){ "0", "1", "2", "2.5", "3", "4" }, 6, true, false },
    { "s", (const char *const[]){ "'a'", "'b'", "'c'", "'d'", "'e'" }, 5, true, false },
    { "a.b", (const char *const[]){ "0", "1", "2", "3" }, 4, true, false },
    { "f", (const char *const[]){ "false", "true" }, 2, false, false },
    { "z", (const char *const[]){ "1", "2", "'x'", "'y'" }, 4, false, false },
    { "tags", (const char *const[]){ "'p'", "'q'", "'r'" }, 3, false, true },
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

enum op { EQ, NE, LT, LE, GT, GE, NOT_IN, IN, CONTAINS, CONTAINS_ANY, IS_NULL, NOT_NULL };
static const char *const op_names[] = {
    "==", "!=", "<", "<=", ">", ">=", "not-in", "in", "array-contains", "array-contains-any", "==", "!=",
};

/* Every field of a document may hold any of these, if the query lets it. */
static const char *const stored[] = {
    "null", "false", "true", "NaN", "-1",  "0",   "1",    "2",    "2.5",   "3",
    "3.5",  "4",     "10",   "''",  "'a'", "'b'", "'c'",  "'d'",  "'e'",   "'x'",
    "'y'",  "'zz'",  "[]",   "[p]", "[q]", "[r]", "[pq]", "[qr]", "[pqr]",
};
enum { N_STORED = sizeof stored / sizeof *stored };

/* ---- chance: splitmix64 ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)(draw(state) % n);
}

static bool chance(uint64_t *state, unsigned percent)
{
    return below(state, 100) < percent;
}

/* ---- the query ---- */

static void make_filter(struct proof_filter *f, uint64_t *state)
{
    static const unsigned ordered[] = {
        EQ, EQ, EQ, NE, LT, LE, GT, GE, GT, GE, NOT_IN, IN, IS_NULL, NOT_NULL
    };
    static const unsigned plain[] = { EQ, EQ, EQ, EQ, NE, NOT_IN, IN, NOT_NULL, IS_NULL };
    static const unsigned array[] = { CONTAINS, CONTAINS, CONTAINS, CONTAINS_ANY, NOT_NULL };
    f->field = below(state, N_FIELDS);
    f->op = fields[f->field].array     ? array[below(state, sizeof array / sizeof *array)]
            : fields[f->field].ordered ? ordered[below(state, sizeof ordered / sizeof *ordered)]
                                       : plain[below(state, sizeof plain / sizeof *plain)];
    bool several = f->op == IN || f->op == NOT_IN || f->op == CONTAINS_ANY;
    f->n = f->op == IS_NULL || f->op == NOT_NULL ? 0 : several ? 1 + below(state, PROOF_VALUES) : 1;
    for (size_t i = 0; i < f->n; i++)
        f->values[i] = below(state, fields[f->field].n);
}

static const char *value_text(const struct proof_filter *f, size_t i)
{
    return fields[f->field].values[f->values[i]];
}

/* The filter with the one value `i`, or all of them, in the notation of world_filter. */
static void print_filter(struct buf *out, const struct proof_filter *f, size_t i, bool all)
{
    enum op op = all || f->op == NOT_IN ? f->op : f->op == IN ? EQ : f->op == CONTAINS_ANY ? CONTAINS : f->op;
    buf_printf(out, "%s %s ", fields[f->field].name, op_names[op]);
    if (f->n == 0)
        buf_z(out, "null");
    else if (op == f->op)
        for (size_t k = 0; k < f->n; k++)
            buf_printf(out, "%s%s", k ? "," : "", value_text(f, k));
    else
        buf_z(out, value_text(f, i));
}

static size_t alternatives(const struct proof_filter *f)
{
    return f->op == IN || f->op == CONTAINS_ANY ? f->n : 1;
}

static size_t count_expanded(const struct proof_case *c, size_t d)
{
    size_t n = 1;
    for (size_t i = 0; i < c->n_filters[d]; i++)
        n *= alternatives(&c->filters[d][i]);
    return n;
}

/* Number `which` of the combinations of disjunct d: calls print_filter for each of its filters. */
static void print_combination(struct buf *out, const struct proof_case *c, size_t d, size_t which,
                              size_t filter)
{
    for (size_t i = 0; i < filter; i++)
        which /= alternatives(&c->filters[d][i]);
    print_filter(out, &c->filters[d][filter], which % alternatives(&c->filters[d][filter]), false);
}

static void expand(struct proof_case *c, struct arena *arena)
{
    size_t n = 0, cap = 0;
    for (size_t d = 0; d < c->n_disjuncts; d++)
        cap += count_expanded(c, d);
    struct rules_disjunct *made = ARENA_ARRAY(arena, struct rules_disjunct, cap);
    struct buf text;
    buf_init(&text, 4096);
    for (size_t d = 0; d < c->n_disjuncts; d++) {
        for (size_t k = 0; k < count_expanded(c, d); k++) {
            struct rules_constraint *items = ARENA_ARRAY(arena, struct rules_constraint, PROOF_FILTERS);
            for (size_t i = 0; i < c->n_filters[d]; i++) {
                buf_clear(&text);
                print_combination(&text, c, d, k, i);
                items[i] = world_filter(arena, arena_str(arena, buf_view(&text)));
            }
            made[n++] = (struct rules_disjunct){ items, c->n_filters[d] };
        }
    }
    buf_dispose(&text);
    c->expanded = made;
    c->n_expanded = n;
}

/* ---- the condition ---- */

static void compare(struct buf *out, uint64_t *state, unsigned field, enum op op, const char *value)
{
    static const enum op mirrored[] = { EQ, NE, GT, GE, LT, LE };
    if (chance(state, 25))
        buf_printf(out, "%s %s resource.data.%s", value, op_names[mirrored[op]], fields[field].name);
    else
        buf_printf(out, "resource.data.%s %s %s", fields[field].name, op_names[op], value);
}

/* Something about some field. A comparison may be negated; hasAny and `in` may not (constraint.h, 12). */
static void any_comparison(struct buf *out, uint64_t *state)
{
    unsigned field = below(state, N_FIELDS - 1); /* all but tags */
    const char *value = fields[field].values[below(state, fields[field].n)];
    compare(out, state, field, fields[field].ordered ? below(state, 6) : below(state, 2), value);
}

static void any_atom(struct buf *out, uint64_t *state)
{
    unsigned field = below(state, N_FIELDS);
    const char *value = fields[field].values[below(state, fields[field].n)];
    if (fields[field].array && chance(state, 50))
        buf_printf(out, "%s in resource.data.%s", value, fields[field].name);
    else if (fields[field].array)
        buf_printf(out, "resource.data.%s.hasAny([%s])", fields[field].name, value);
    else if (chance(state, 10))
        compare(out, state, field, NE, "null");
    else
        any_comparison(out, state);
}

/* A comparison that follows from `field op value number v`, or is near one that does. */
static void ordered_atom(struct buf *out, uint64_t *state, const struct proof_filter *f, enum op op,
                         unsigned v)
{
    bool lower = op == GT || op == GE;
    unsigned last = fields[f->field].n - 1, wanted = v;
    if (lower && v > 0 && chance(state, 40))
        wanted = below(state, v);
    else if (!lower && v < last && chance(state, 40))
        wanted = v + 1 + below(state, last - v);
    bool strict = op == GT || op == LT || wanted != v;
    enum op said = lower ? GE : LE;
    if (strict && chance(state, 50))
        said = lower ? GT : LT;
    else if (strict && chance(state, 20))
        said = NE;
    compare(out, state, f->field, said, fields[f->field].values[wanted]);
}

static void equal_atom(struct buf *out, uint64_t *state, const struct proof_filter *f, size_t i)
{
    unsigned n = fields[f->field].n, v = f->values[i], other = (v + 1 + below(state, n - 1)) % n;
    const char *name = fields[f->field].name, *value = value_text(f, i);
    switch (below(state, fields[f->field].ordered ? 6 : 4)) {
    case 0:
        compare(out, state, f->field, NE, fields[f->field].values[other]);
        break;
    case 1:
        buf_printf(out, "resource.data.%s in [%s, %s]", name, fields[f->field].values[other], value);
        break;
    case 4:
        ordered_atom(out, state, f, GE, v);
        break;
    case 5:
        ordered_atom(out, state, f, LE, v);
        break;
    default:
        compare(out, state, f->field, EQ, value);
        break;
    }
}

/* What holds for every value of an `in`: each disjunct needs its own proof. */
static void in_atom(struct buf *out, uint64_t *state, const struct proof_filter *f)
{
    if (chance(state, 30)) {
        equal_atom(out, state, f, 0);
        return;
    }
    buf_printf(out, "resource.data.%s in [", fields[f->field].name);
    for (size_t i = 0; i < f->n; i++)
        buf_printf(out, "%s%s", i ? ", " : "", value_text(f, i));
    buf_z(out, "]");
}

static void contains_atom(struct buf *out, uint64_t *state, const struct proof_filter *f)
{
    const char *name = fields[f->field].name;
    if (f->op == CONTAINS && chance(state, 50)) {
        buf_printf(out, "%s in resource.data.%s", value_text(f, 0), name);
        return;
    }
    buf_printf(out, "resource.data.%s.hasAny([", name);
    for (size_t i = 0; i < f->n; i++)
        buf_printf(out, "%s%s", i ? ", " : "", value_text(f, i));
    buf_printf(out, "%s%s])", chance(state, 30) ? ", " : ", 'none', ",
               fields[f->field].values[below(state, fields[f->field].n)]);
}

static void implied_atom(struct buf *out, uint64_t *state, const struct proof_filter *f)
{
    if (f->op != IS_NULL && chance(state, 8)) {
        compare(out, state, f->field, NE, "null");
        return;
    }
    switch ((enum op)f->op) {
    case EQ:
        equal_atom(out, state, f, 0);
        break;
    case NE:
    case NOT_IN:
        compare(out, state, f->field, NE, value_text(f, below(state, (unsigned)f->n)));
        break;
    case IN:
        in_atom(out, state, f);
        break;
    case CONTAINS:
    case CONTAINS_ANY:
        contains_atom(out, state, f);
        break;
    case IS_NULL:
    case NOT_NULL:
        compare(out, state, f->field, f->op == IS_NULL ? EQ : NE, "null");
        break;
    default:
        ordered_atom(out, state, f, f->op, f->values[0]);
        break;
    }
}

enum frame { TERNARY = 3, NEGATED = 5, PLAIN = 6 };

/* ( A ) in a frame that keeps its truth, or gives it a second way to be true. */
static void framed(struct buf *out, uint64_t *state, struct str atom)
{
    struct buf other;
    buf_init(&other, 1024);
    unsigned frame = below(state, 12);
    if (frame == TERNARY &&
        memmem(atom.p, atom.n, "hasAny", 6)) /* false may mean unknown: constraint.h, 12 */
        frame = PLAIN;
    if (frame == NEGATED)
        any_comparison(&other, state);
    else
        any_atom(&other, state);
    struct str o = buf_view(&other);
    switch (frame) {
    case 0:
        buf_printf(out, "(" STR_FMT " || " STR_FMT ")", STR_ARG(atom), STR_ARG(o));
        break;
    case 1:
        buf_printf(out, "(" STR_FMT " || " STR_FMT ")", STR_ARG(o), STR_ARG(atom));
        break;
    case 2:
        buf_printf(out, "!(!(" STR_FMT "))", STR_ARG(atom));
        break;
    case TERNARY:
        buf_printf(out, "(" STR_FMT " ? true : " STR_FMT ")", STR_ARG(atom), STR_ARG(o));
        break;
    case 4:
        buf_printf(out, "(" STR_FMT " && " STR_FMT ")", STR_ARG(atom), STR_ARG(o));
        break;
    case NEGATED:
        buf_printf(out, "(!(" STR_FMT ") && " STR_FMT ")", STR_ARG(o), STR_ARG(atom));
        break;
    default:
        buf_str(out, atom);
        break;
    }
    buf_dispose(&other);
}

/* What the filters of disjunct d prove, or should. */
static void conjunction(struct buf *out, uint64_t *state, const struct proof_case *c, size_t d)
{
    struct buf atom;
    size_t n = c->n_filters[d], keep = n ? below(state, (unsigned)n) : 0;
    bool first = true;
    buf_init(&atom, 1024);
    for (size_t i = 0; i < n; i++) {
        if (i != keep && chance(state, 40))
            continue;
        buf_clear(&atom);
        if (chance(state, 5))
            any_atom(&atom, state);
        else
            implied_atom(&atom, state, &c->filters[d][i]);
        buf_z(out, first ? "" : " && ");
        framed(out, state, buf_view(&atom));
        first = false;
    }
    if (first) {
        if (chance(state, 50))
            buf_z(out, "true");
        else
            any_atom(out, state);
    }
    buf_dispose(&atom);
}

static void make_condition(struct proof_case *c, struct arena *arena, uint64_t *state)
{
    struct buf text;
    buf_init(&text, 16384);
    for (size_t d = 0; d < c->n_disjuncts; d++) {
        if (d > 0 && chance(state, 20)) /* one disjunct is not provided for */
            continue;
        buf_z(&text, d ? " || (" : "(");
        conjunction(&text, state, c, d);
        buf_z(&text, ")");
    }
    c->condition = arena_str(arena, buf_view(&text));
    buf_dispose(&text);
}

void proof_case_make(struct proof_case *out, struct arena *arena, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    *out =
        (struct proof_case){ .n_disjuncts = chance(&state, 65) ? 1 : 2 + below(&state, PROOF_DISJUNCTS - 1) };
    for (size_t d = 0; d < out->n_disjuncts; d++) {
        out->n_filters[d] = chance(&state, 6) ? 0 : 1 + below(&state, PROOF_FILTERS);
        for (size_t i = 0; i < out->n_filters[d]; i++)
            make_filter(&out->filters[d][i], &state);
    }
    expand(out, arena);
    make_condition(out, arena, &state);
    out->seed = state;
}

/* ---- documents that the query returns ---- */

static struct value parse_stored(struct arena *arena, const char *text)
{
    struct value v = { .kind = VALUE_ARRAY };
    if (text[0] != '[')
        return *world_filter(arena, str_of(arena_printf(arena, "x == %s", text))).operand;
    v.array.items = ARENA_ARRAY(arena, struct value, strlen(text));
    for (text++; *text != ']'; text++)
        v.array.items[v.array.n++] = (struct value){ .kind = VALUE_STRING, .text = str_from(text, 1) };
    return v;
}

static bool is_nan(const struct value *v)
{
    return v->kind == VALUE_DOUBLE && isnan(v->number);
}

static bool contains(const struct value *list, const struct value *v)
{
    for (size_t i = 0; list->kind == VALUE_ARRAY && i < list->array.n; i++)
        if (value_equal(&list->array.items[i], v))
            return true;
    return false;
}

/* Firestore's own idea of a filter: NaN and null are outside every comparison, null of != and not-in too. */
static bool matches(const struct value *v, const struct rules_constraint *c)
{
    const struct value *w = c->operand;
    int order = order_compare(v, w);
    switch (c->op) {
    case RULES_EQ:
        return value_equal(v, w);
    case RULES_NE:
        return v->kind != VALUE_NULL && !value_equal(v, w);
    case RULES_NOT_IN:
        return v->kind != VALUE_NULL && !contains(w, v);
    case RULES_ARRAY_CONTAINS:
        return contains(v, w);
    default:
        break;
    }
    if (order_class_of(v) != order_class_of(w) || is_nan(v) || v->kind == VALUE_NULL)
        return false;
    return c->op == RULES_LT   ? order < 0
           : c->op == RULES_LE ? order <= 0
           : c->op == RULES_GT ? order > 0
                               : order >= 0;
}

static bool is_on(const struct rules_constraint *c, const char *field)
{
    return str_eq_z(c->field[c->field_n - 1], strrchr(field, '.') ? strrchr(field, '.') + 1 : field);
}

/* A random value that passes the disjunct's filters on the field. *absent: the field is left out. */
static bool choose(struct value *out, bool *absent, struct arena *arena, const struct rules_disjunct *d,
                   const char *field, uint64_t *state)
{
    struct value fit[N_STORED];
    size_t n = 0, on = 0;
    for (size_t k = 0; k < d->n; k++)
        on += is_on(&d->items[k], field);
    *absent = on == 0 && chance(state, 25);
    if (*absent)
        return true;
    for (size_t i = 0; i < N_STORED; i++) {
        fit[n] = parse_stored(arena, stored[i]);
        bool passes = true;
        for (size_t k = 0; passes && k < d->n; k++)
            passes = !is_on(&d->items[k], field) || matches(&fit[n], &d->items[k]);
        n += passes;
    }
    if (n == 0)
        return false;
    *out = fit[below(state, (unsigned)n)];
    return true;
}

bool proof_document(struct value_map *out, struct arena *arena, struct proof_case *c)
{
    /* in the order of their names, a.b first */
    static const char *const names[N_FIELDS] = { "a.b", "f", "n", "s", "tags", "z" };
    const struct rules_disjunct *d = &c->expanded[below(&c->seed, (unsigned)c->n_expanded)];
    struct field *made = ARENA_ARRAY(arena, struct field, N_FIELDS);
    *out = (struct value_map){ made, 0 };
    for (size_t i = 0; i < N_FIELDS; i++) {
        struct value v;
        bool absent;
        if (!choose(&v, &absent, arena, d, names[i], &c->seed))
            return false;
        if (absent)
            continue;
        if (i == 0) {
            struct field *inner = ARENA_NEW(arena, struct field);
            *inner = (struct field){ STR("b"), v };
            v = (struct value){ .kind = VALUE_MAP, .map = { inner, 1 } };
        }
        made[out->n++] = (struct field){ i == 0 ? STR("a") : str_of(names[i]), v };
    }
    return true;
}

/* ---- cases as data ---- */

void proof_case_print(struct buf *out, const struct proof_case *c)
{
    buf_printf(out, "{\"expr\":\"" STR_FMT "\",\"query\":[", STR_ARG(c->condition));
    for (size_t d = 0; d < c->n_disjuncts; d++) {
        buf_z(out, d ? ",[" : "[");
        for (size_t i = 0; i < c->n_filters[d]; i++) {
            buf_z(out, i ? ",\"" : "\"");
            print_filter(out, &c->filters[d][i], 0, true);
            buf_z(out, "\"");
        }
        buf_z(out, "]");
    }
    buf_z(out, "],\"disjuncts\":[");
    for (size_t d = 0, n = 0; d < c->n_disjuncts; d++) {
        for (size_t k = 0; k < count_expanded(c, d); k++, n++) {
            buf_z(out, n ? ",[" : "[");
            for (size_t i = 0; i < c->n_filters[d]; i++) {
                buf_z(out, i ? ",\"" : "\"");
                print_combination(out, c, d, k, i);
                buf_z(out, "\"");
            }
            buf_z(out, "]");
        }
    }
    buf_z(out, "]}\n");
}

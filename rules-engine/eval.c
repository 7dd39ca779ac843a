/* eval.c - the tree walker, see eval.h. One function a kind of node; errors are values and travel up. */
#include "rules-engine/eval.h"

#include "core/limits.h"
#include "rules-engine/builtins/tables.h"
#include "rules-engine/constraint.h"

#include <assert.h>
#include <math.h>

/* Kept out of line: the walk then has no frame that holds the locals of every kind of node. */
#define NODE_FUNCTION static __attribute__((noinline))
/* What is only worded for a mistake, and would lend its large frame to who finds the mistake. */
#define REFUSAL static __attribute__((noinline, cold))

static const char too_many[] =
    "Unable to evaluate the expression as the maximum of 1000 expressions to evaluate has been reached.";
static const char too_large[] = "Unable to evaluate the expression as it needs too much memory.";

void eval_init(struct eval *e, const struct ruleset *ruleset, const struct rules_request *request,
               const struct rules_env *env, struct rules_budget *budget, struct arena *arena,
               struct status *st)
{
    *e = (struct eval){ .arena = arena,
                        .ruleset = ruleset,
                        .request = request,
                        .env = env,
                        .budget = budget,
                        .st = st,
                        .path = request->path,
                        .resource = request->resource,
                        .arena_start = arena_used(arena) };
}

void eval_turn(struct eval *e, struct str path, const struct rules_document *resource)
{
    e->path = path;
    e->resource = resource;
    e->resource_made = false;
    memset(e->chains.chain, 0, sizeof e->chains.chain);
}

/* ---- errors ---- */

static struct rvalue make_error(struct eval *e, const char *text, bool fatal, bool unproved)
{
    struct rerror *error = ARENA_NEW(e->arena, struct rerror);
    *error = (struct rerror){ text, e->node, fatal, unproved };
    return RV(RT_UNDEFINED, error, error);
}

enum { MAX_ERROR = 4000 }; /* texts quote document values, which may be a megabyte */

struct rvalue eval_error(struct eval *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(e->arena, fmt, args);
    va_end(args);
    if (strlen(text) > MAX_ERROR) {
        size_t n = MAX_ERROR;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
        memcpy(text + n, "...", 4);
    }
    return make_error(e, text, false, false);
}

struct rvalue eval_fatal(struct eval *e, const char *text)
{
    if (!e->fatal) {
        e->fatal = true;
        e->alarm = 0;
        e->fatal_error = (struct rerror){ text, e->node, true, false };
    }
    return RV(RT_UNDEFINED, error, &e->fatal_error);
}

struct rvalue eval_unproved(struct eval *e)
{
    return make_error(e, "the query does not prove it", false, true);
}

struct rvalue eval_type_error(struct eval *e, struct rvalue got, const char *expected)
{
    return eval_error(e, "Type error. Received: [%s] Expected: [%s].",
                      rules_type_name((enum rules_type)got.type), expected);
}

bool eval_room(struct eval *e, size_t size)
{
    if (size <= LIMIT_RULES_ARENA && arena_used(e->arena) - e->arena_start <= LIMIT_RULES_ARENA - size)
        return true;
    if (e->host_code == STATUS_OK)
        e->host_code = status_set(e->st, STATUS_RESOURCE_EXHAUSTED,
                                  "security rules: one decision may use at most %d MiB of memory",
                                  LIMIT_RULES_ARENA / 1048576);
    eval_fatal(e, too_large);
    return false;
}

static struct rvalue null_error(struct eval *e)
{
    return make_error(e, "Null value error.", false, false);
}

static const char *name_of(struct rvalue v)
{
    return rules_type_name((enum rules_type)v.type);
}

/* ---- literals ---- */

NODE_FUNCTION struct rvalue eval_list(struct eval *e, const struct ast_node *node)
{
    struct rvalue *items = arena_alloc(e->arena, node->list.n * sizeof *items);
    struct rvalue failed = { .type = RT_NULL };
    for (uint32_t i = 0; i < node->list.n; i++) {
        items[i] = eval_node(e, node->list.items[i]);
        if (rv_is_error(items[i]) && !rv_is_error(failed))
            failed = items[i];
    }
    return rv_is_error(failed) ? failed : rv_list(items, node->list.n);
}

/* Keys are checked before the first value is looked at, as there. */
NODE_FUNCTION struct rvalue eval_map(struct eval *e, const struct ast_node *node)
{
    struct rentry *entries = arena_alloc(e->arena, node->map.n * sizeof *entries);
    struct rvalue bad_key = { .type = RT_NULL }, bad_value = { .type = RT_NULL };
    for (uint32_t i = 0; i < node->map.n; i++) {
        struct rvalue key = eval_node(e, node->map.keys[i]);
        entries[i].value = eval_node(e, node->map.values[i]);
        if (!rv_is_error(key) && key.type != RT_STRING) {
            e->node = node->map.keys[i];
            key = eval_type_error(e, key, "string");
        }
        if (rv_is_error(key) && !rv_is_error(bad_key))
            bad_key = key;
        if (rv_is_error(entries[i].value) && !rv_is_error(bad_value))
            bad_value = entries[i].value;
        entries[i].name = rv_is_error(key) ? STR("") : rv_str(key);
    }
    if (rv_is_error(bad_key) || rv_is_error(bad_value))
        return rv_is_error(bad_key) ? bad_key : bad_value;
    return rv_map(entries, rv_sort_entries(entries, node->map.n));
}

/* One $(expr): a path gives all its segments, anything else one. */
static struct rvalue path_part(struct eval *e, const struct ast_path_part *part, const struct rpath **many,
                               struct rsegment *one)
{
    struct rvalue v = eval_node(e, part->expr);
    *many = NULL;
    if (rv_is_error(v))
        return v;
    *one = (struct rsegment){ .kind = SEGMENT_SIMPLE };
    if (v.type == RT_PATH)
        *many = v.path;
    else if (!rv_to_string(&one->text, e->arena, v))
        return builtin_not_string(e, v);
    return rv_null();
}

NODE_FUNCTION struct rvalue eval_path(struct eval *e, const struct ast_node *node)
{
    size_t cap = node->path.n, n = 0;
    struct rsegment *items = ARENA_ARRAY(e->arena, struct rsegment, cap);
    struct rvalue failed = { .type = RT_NULL };
    for (uint32_t i = 0; i < node->path.n; i++) {
        const struct ast_path_part *part = &node->path.parts[i];
        const struct rpath *many = NULL;
        struct rsegment one = { .kind = SEGMENT_SIMPLE, .text = part->text };
        if (part->kind == PART_EXPR) {
            struct rvalue outcome = path_part(e, part, &many, &one);
            if (rv_is_error(outcome) && !rv_is_error(failed))
                failed = outcome;
        } else if (part->kind == PART_LITERAL) {
            e->steps++;
        } else {
            one = (struct rsegment){ .kind = part->kind == PART_GLOB ? SEGMENT_GLOB : SEGMENT_CAPTURE,
                                     .name = part->text };
        }
        size_t more = many ? many->n : 1;
        if (n + more > cap) {
            size_t grown = cap * 2 + more;
            items = arena_grow(e->arena, items, cap * sizeof *items, grown * sizeof *items);
            cap = grown;
        }
        memcpy(items + n, many ? many->items : &one, more * sizeof *items);
        n += more;
    }
    if (rv_is_error(failed))
        return failed;
    struct rpath *path = ARENA_NEW(e->arena, struct rpath);
    *path = (struct rpath){ items, n };
    return rv_path(path);
}

/* ---- names and members ---- */

NODE_FUNCTION struct rvalue eval_name(struct eval *e, const struct ast_node *node)
{
    switch (node->name.scope) {
    case SCOPE_REQUEST:
        return eval_request(e);
    case SCOPE_RESOURCE:
        return eval_resource(e);
    case SCOPE_LET:
        return e->frame.lets[node->name.slot];
    case SCOPE_WILDCARD: {
        struct rvalue v = e->wildcards[node->name.slot];
        e->node = node;
        return rv_is_error(v) ? null_error(e) : v; /* not bound: a list's documents have no id */
    }
    default:
        e->node = node;
        return null_error(e);
    }
}

static struct rvalue path_member(struct eval *e, const struct rpath *path, struct str name)
{
    for (size_t i = 0; i < path->n; i++) {
        const struct rsegment *segment = &path->items[i];
        if (segment->kind == SEGMENT_SIMPLE || !str_eq(segment->name, name))
            continue;
        if (!segment->bound)
            return eval_error(e, "Variable " STR_FMT " is not bound in path template.", STR_ARG(name));
        return segment->kind == SEGMENT_GLOB ? rv_path(segment->glob) : rv_string(segment->text);
    }
    return eval_error(e, "Property " STR_FMT " is undefined on object.", STR_ARG(name));
}

static struct rvalue member_of(struct eval *e, struct rvalue object, struct str name)
{
    struct rvalue found;
    if (object.type == RT_MAP) {
        if (rv_lookup(&found, e->arena, object, name))
            return found;
        return eval_error(e, "Property " STR_FMT " is undefined on object.", STR_ARG(name));
    }
    if (object.type == RT_PATH)
        return path_member(e, object.path, name);
    if (object.type == RT_NULL)
        return null_error(e);
    return eval_type_error(e, object, "map,path");
}

NODE_FUNCTION struct rvalue eval_member(struct eval *e, const struct ast_node *node)
{
    const struct ast_node *from = node->member.object;
    struct rvalue object;
    e->node = node;
    if (from->kind == AST_NAME && from->name.scope == SCOPE_REQUEST && e->steps < LIMIT_RULES_EXPRESSIONS &&
        !(e->watching && coverage_wants(e->coverage, from)) &&
        eval_request_member(&object, e, node->member.name)) {
        e->steps++; /* for the name */
        return object;
    }
    object = eval_node(e, from);
    if (rv_is_error(object))
        return object;
    e->node = node;
    return member_of(e, object, node->member.name);
}

/* fold.h: whether the walk of a node whose value is known may be left out. It has been entered. */
static bool may_skip(struct eval *e, const struct ast_node *node)
{
    uint32_t steps = e->steps + node->cost - 1;
    if (e->watching || steps > LIMIT_RULES_EXPRESSIONS)
        return false;
    e->steps = steps;
    if (node->kind > AST_MAP) /* as the walk leaves it */
        e->node = node;
    return true;
}

/* A chain of names: its value is the same until the decision ends. Errors are not, they name their node. */
static struct rvalue eval_chain(struct eval *e, const struct ast_node *node)
{
    if (e->chains.chain[node->chain % EVAL_CHAINS] == node->chain && may_skip(e, node))
        return e->chains.value[node->chain % EVAL_CHAINS];
    struct rvalue v = eval_member(e, node);
    if (!rv_is_error(v)) {
        e->chains.chain[node->chain % EVAL_CHAINS] = node->chain;
        e->chains.value[node->chain % EVAL_CHAINS] = v;
    }
    return v;
}

/* ---- index and slice ---- */

static struct rvalue bound_error(struct eval *e, int64_t index, size_t size)
{
    return eval_error(e, "Index out of bound error. Index: [%lld] , size: [%zu].", (long long)index, size);
}

static bool sized(size_t *size, struct rvalue v)
{
    if (v.type == RT_LIST)
        *size = v.n;
    else if (v.type == RT_STRING)
        *size = rv_utf16_size(rv_str(v));
    else if (v.type == RT_PATH)
        *size = v.path->n;
    else
        return false;
    return true;
}

/* A path without its captures: what indexing sees. */
static bool flatten(struct eval *e, struct rvalue *v, struct rvalue *error)
{
    struct str unbound;
    if (v->type != RT_PATH || rv_path_flat(e->arena, v->path, &v->path, &unbound))
        return true;
    *error = eval_error(e, "Variable " STR_FMT " is not bound in path template.", STR_ARG(unbound));
    return false;
}

static struct rvalue part_of(struct eval *e, struct rvalue v, size_t from, size_t to)
{
    if (v.type == RT_STRING)
        return rv_string(rv_utf16_slice(e->arena, rv_str(v), from, to));
    if (v.type == RT_PATH) {
        struct rpath *path = ARENA_NEW(e->arena, struct rpath);
        *path = (struct rpath){ v.path->items + from, to - from };
        return rv_path(path);
    }
    switch (v.form) {
    case LIST_VALUES:
        v.values += from;
        break;
    case LIST_KEYS:
        v.fields += from;
        break;
    default:
        v.items += from;
        break;
    }
    v.n = (uint32_t)(to - from);
    return v;
}

static struct rvalue index_of(struct eval *e, struct rvalue object, struct rvalue index)
{
    size_t size = 0;
    struct rvalue error;
    if (object.type == RT_NULL)
        return null_error(e);
    if (object.type == RT_MAP) {
        if (rv_is_error(index))
            return index;
        if (index.type == RT_STRING)
            return member_of(e, object, rv_str(index));
        return eval_error(e, "Unsupported operation error. Received: map[%s]. Expected: map[string].",
                          name_of(index));
    }
    if (object.type == RT_PATH && index.type == RT_STRING)
        return path_member(e, object.path, rv_str(index));
    if (object.type != RT_LIST && object.type != RT_STRING && object.type != RT_PATH)
        return eval_error(e, "Function not found error: Name: [[]].");
    if (rv_is_error(index))
        return index;
    if (index.type != RT_INT)
        return eval_error(e, "Unsupported operation error. Received: %s[%s]. Expected: %s.", name_of(object),
                          name_of(index),
                          object.type == RT_PATH   ? "path[string], path[int]"
                          : object.type == RT_LIST ? "list[int]"
                                                   : "string[int]");
    if (!flatten(e, &object, &error))
        return error;
    sized(&size, object);
    if (index.integer < 0 || (uint64_t)index.integer >= size)
        return bound_error(e, index.integer, size);
    size_t at = (size_t)index.integer;
    if (object.type == RT_LIST)
        return rv_at(e->arena, object, at);
    if (object.type == RT_PATH)
        return rv_string(object.path->items[at].text);
    return part_of(e, object, at, at + 1);
}

NODE_FUNCTION struct rvalue eval_index(struct eval *e, const struct ast_node *node)
{
    struct rvalue object = eval_node(e, node->index.object);
    struct rvalue index = eval_node(e, node->index.from);
    if (rv_is_error(object))
        return object;
    e->node = node;
    return index_of(e, object, index);
}

static struct rvalue refuse_bounds(struct eval *e, struct rvalue object, struct rvalue from, struct rvalue to)
{
    const char *name = name_of(object);
    if (object.type == RT_PATH)
        return eval_error(
            e,
            "Unsupported operation error. Received: path[%s:%s]. Expected: path[null:null], path[int:int], "
            "path[int:null], path[null:int].",
            name_of(from), name_of(to));
    return eval_error(
        e,
        "Unsupported operation error. Received: %s[%s:%s]. Expected: %s[null:null], %s[null:int], "
        "%s[int:null], %s[int:int].",
        name, name_of(from), name_of(to), name, name, name, name);
}

/* Google's check, quirks included: both i and j - 1 must be indexes, so [0:0] and [n:n] are refused. */
static struct rvalue slice_of(struct eval *e, struct rvalue object, struct rvalue from, struct rvalue to)
{
    size_t size = 0;
    struct rvalue error;
    if (object.type == RT_NULL)
        return null_error(e);
    if (!sized(&size, object))
        return eval_error(e, "Function not found error: Name: [@range].");
    if (rv_is_error(from) || rv_is_error(to))
        return rv_is_error(from) ? from : to;
    if ((from.type != RT_INT && from.type != RT_NULL) || (to.type != RT_INT && to.type != RT_NULL))
        return refuse_bounds(e, object, from, to);
    if (!flatten(e, &object, &error))
        return error;
    sized(&size, object);
    int64_t n = (int64_t)size, i = from.type == RT_INT ? from.integer : 0,
            j = to.type == RT_INT ? to.integer : n;
    if ((from.type == RT_INT || to.type == RT_INT) && (i < 0 || i >= n))
        return bound_error(e, i, size);
    if (to.type == RT_INT && (j - 1 < 0 || j - 1 >= n))
        return bound_error(e, j - 1, size);
    if (j < i)
        return eval_error(e, "Illegal range error. From index: [%lld] , To index: [%lld].", (long long)i,
                          (long long)j);
    return part_of(e, object, (size_t)i, (size_t)j);
}

NODE_FUNCTION struct rvalue eval_slice(struct eval *e, const struct ast_node *node)
{
    struct rvalue object = eval_node(e, node->index.object), from = rv_null(), to = rv_null();
    if (node->index.from)
        from = eval_node(e, node->index.from);
    if (node->index.to)
        to = eval_node(e, node->index.to);
    e->steps += (node->index.from == NULL) + (uint32_t)(node->index.to == NULL);
    if (rv_is_error(object))
        return object;
    e->node = node;
    return slice_of(e, object, from, to);
}

/* ---- calls ---- */

static struct rvalue eval_args(struct eval *e, struct rvalue *out, const struct ast_node *node)
{
    struct rvalue failed = { .type = RT_NULL };
    for (uint32_t i = 0; i < node->call.n; i++) {
        struct rvalue v = eval_node(e, node->call.args[i]);
        if (i < BUILTIN_MAX_ARGS)
            out[i] = v;
        if (rv_is_error(v) && !rv_is_error(failed))
            failed = v;
    }
    return failed;
}

/* "Received: map.get(int, int). Expected: map.get(string, any), map.get(list, any)." */
REFUSAL struct rvalue refuse_args(struct eval *e, const struct builtin *row, const struct rvalue *args,
                                  uint32_t n, bool wrong_count)
{
    struct buf text;
    buf_init(&text, 4096);
    if (wrong_count) {
        buf_printf(&text, "Incorrect number of arguments. Received: %u. Expected: ", n);
    } else {
        const char *open = strchr(row->signature, '(');
        buf_printf(&text, "Unsupported operation error. Received: %.*s(", (int)(open - row->signature),
                   row->signature);
        for (uint32_t i = 0; i < n; i++)
            buf_printf(&text, "%s%s", i ? ", " : "", name_of(args[i]));
        buf_z(&text, "). Expected: ");
    }
    if (row->receiver == RT_CONSTRAINT) /* Google's words: it is the list's method that was expected */
        row = builtin_method(RT_LIST, row->name);
    for (const struct builtin *r = row; r; r = builtin_next(r))
        buf_printf(&text, "%s%s", r == row ? "" : ", ", r->signature);
    struct rvalue error = eval_error(e, STR_FMT ".", STR_ARG(buf_view(&text)));
    buf_dispose(&text);
    return error;
}

static bool takes_count(const struct builtin *row, uint32_t n)
{
    return row->n_args == n || (row->variadic && n > row->n_args);
}

static bool takes(const struct builtin *row, const struct rvalue *args, uint32_t n)
{
    if (!takes_count(row, n))
        return false;
    for (unsigned i = 0; i < row->n_args; i++)
        if (!(row->args[i] & BUILTIN_BIT(args[i].type)))
            return false;
    return true;
}

static struct rvalue run_builtin(struct eval *e, const struct builtin *first, const struct rvalue *self,
                                 const struct rvalue *args, uint32_t n)
{
    bool wrong_count = true;
    for (const struct builtin *row = first; row; row = builtin_next(row)) {
        if (takes(row, args, n)) {
            struct rvalue out = row->run(e, self, args);
            return eval_room(e, 0) ? out : RV(RT_UNDEFINED, error, &e->fatal_error);
        }
        wrong_count = wrong_count && !takes_count(row, n);
    }
    if (first->variadic && wrong_count) /* debug(): Google's words */
        return eval_error(e, "Service call error. Function: [" STR_FMT "], Argument: [].",
                          STR_ARG(first->name));
    return refuse_args(e, first, args, n, wrong_count);
}

REFUSAL struct rvalue function_count_error(struct eval *e, const struct ast_function *f, uint32_t n)
{
    struct buf text;
    buf_init(&text, 4096);
    for (uint32_t i = 0; i < f->n_parameters; i++)
        buf_printf(&text, "%s" STR_FMT, i ? ", " : "", STR_ARG(f->parameters[i]));
    struct rvalue error =
        eval_error(e, "Incorrect number of arguments. Received: %u. Expected: " STR_FMT "(" STR_FMT ").", n,
                   STR_ARG(f->name), STR_ARG(buf_view(&text)));
    buf_dispose(&text);
    return error;
}

/* Calls f with its parameters; the frame of the caller is back afterwards. `frame` is for explanations. */
static struct rvalue call_function(struct eval *e, const struct ast_node *node, struct eval_frame *frame)
{
    const struct ast_function *f = node->call.function;
    struct rvalue *slots = arena_alloc(e->arena, ((size_t)node->call.n + f->n_lets) * sizeof *slots);
    for (uint32_t i = 0; i < node->call.n; i++)
        slots[i] = eval_node(e, node->call.args[i]);
    e->node = node;
    if (node->call.n != f->n_parameters)
        return function_count_error(e, f, node->call.n);
    if (e->call_depth >= LIMIT_RULES_CALL_DEPTH * 2)
        return eval_fatal(e, too_many);
    struct eval_frame caller = e->frame;
    e->frame = (struct eval_frame){ slots, slots + node->call.n };
    e->call_depth++;
    bool began = coverage_begin(e, f->body); /* the lets with the body */
    for (uint32_t i = 0; i < f->n_lets; i++) {
        e->steps++;
        e->frame.lets[i] = eval_node(e, f->lets[i].value);
    }
    struct rvalue out;
    if (frame) {
        *frame = e->frame;
        out = rv_null();
    } else {
        out = eval_node(e, f->body);
    }
    coverage_end(e, f->body, began, out);
    e->call_depth--;
    e->frame = caller;
    return out;
}

bool eval_enter(struct eval *e, const struct ast_node *node, struct eval_frame *frame)
{
    return !rv_is_error(call_function(e, node, frame));
}

NODE_FUNCTION struct rvalue eval_call(struct eval *e, const struct ast_node *node)
{
    struct rvalue args[BUILTIN_MAX_ARGS];
    if (node->call.function)
        return call_function(e, node, NULL);
    struct rvalue failed = eval_args(e, args, node);
    e->node = node;
    if (!node->call.builtin)
        return eval_error(e, "Function not found error: Name: [" STR_FMT "%s" STR_FMT "].",
                          STR_ARG(node->call.package), node->call.package.n ? "." : "",
                          STR_ARG(node->call.name));
    if (rv_is_error(failed))
        return failed;
    return run_builtin(e, node->call.builtin, NULL, args, node->call.n);
}

NODE_FUNCTION struct rvalue eval_method(struct eval *e, const struct ast_node *node)
{
    struct rvalue args[BUILTIN_MAX_ARGS];
    if (node->call.package.n)
        return eval_call(e, node);
    struct rvalue self = eval_node(e, node->call.object);
    struct rvalue failed = eval_args(e, args, node);
    if (rv_is_error(self))
        return self;
    e->node = node;
    if (self.type == RT_NULL)
        return null_error(e);
    const struct builtin *row = node->call.methods ? node->call.methods->of[self.type] : NULL;
    if (!row)
        return eval_error(e, "Function not found error: Name: [" STR_FMT "].", STR_ARG(node->call.name));
    if (rv_is_error(failed))
        return failed;
    return run_builtin(e, row, &self, args, node->call.n);
}

/* ---- operators ---- */

NODE_FUNCTION struct rvalue eval_not(struct eval *e, const struct ast_node *node)
{
    struct rvalue v = eval_node(e, node->op.a);
    if (rv_is_error(v))
        return v;
    e->node = node;
    if (v.type == RT_BOOL)
        return rv_bool(!v.boolean);
    return eval_error(e, "Unsupported operation error. Received: !%s. Expected: !bool.", name_of(v));
}

static struct rvalue overflow(struct eval *e)
{
    return eval_error(e, "Integer value is out of the [-9223372036854775808, 9223372036854775807] range.");
}

NODE_FUNCTION struct rvalue eval_negate(struct eval *e, const struct ast_node *node)
{
    struct rvalue v = eval_node(e, node->op.a);
    if (rv_is_error(v))
        return v;
    e->node = node;
    switch ((enum rules_type)v.type) {
    case RT_INT:
        return v.integer == INT64_MIN ? overflow(e) : rv_int(-v.integer);
    case RT_FLOAT:
        return rv_float(-v.number);
    case RT_DURATION:
        v.seconds = -v.seconds;
        v.nanos = -v.nanos;
        return v;
    default:
        return eval_error(e, "Unsupported operation error. Received: -%s. Expected: -int, -float, -duration.",
                          name_of(v));
    }
}

static struct rvalue not_bool(struct eval *e, const struct ast_node *node, struct rvalue v)
{
    e->node = node;
    return rv_is_error(v) || v.type == RT_BOOL ? v : eval_type_error(e, v, "bool");
}

/* && and ||: `absorbing` on either side decides, whatever the other is, unless evaluation is over. */
NODE_FUNCTION struct rvalue eval_logic(struct eval *e, const struct ast_node *node, bool absorbing)
{
    struct rvalue a = eval_counted(e, node->op.a);
    if (a.type != RT_BOOL)
        a = not_bool(e, node->op.a, a);
    if (a.type == RT_BOOL && a.boolean == absorbing)
        return a;
    e->steps++;
    struct rvalue b = eval_counted(e, node->op.b);
    if (b.type != RT_BOOL)
        b = not_bool(e, node->op.b, b);
    if (b.type == RT_BOOL && (b.boolean == absorbing || !rv_is_error(a)))
        return b;
    return rv_is_error(a) ? a : b;
}

NODE_FUNCTION struct rvalue eval_ternary(struct eval *e, const struct ast_node *node)
{
    struct rvalue v = not_bool(e, node->op.a, eval_counted(e, node->op.a));
    if (rv_is_error(v))
        return v;
    e->steps++;
    return eval_counted(e, v.boolean ? node->op.b : node->op.c);
}

/* What a constraint can be compared with at all. */
static bool is_comparable(enum ast_kind op, struct rvalue v)
{
    const unsigned ordered = BUILTIN_BIT(RT_TIMESTAMP) | BUILTIN_BIT(RT_DURATION) | BUILTIN_BIT(RT_FLOAT) |
                             BUILTIN_BIT(RT_INT) | BUILTIN_BIT(RT_STRING) | BUILTIN_BIT(RT_BYTES);
    const unsigned incomparable = BUILTIN_BIT(RT_CONSTRAINT) | BUILTIN_BIT(RT_MAP_DIFF);
    return op == AST_EQ || op == AST_NE ? !(incomparable & BUILTIN_BIT(v.type))
                                        : (ordered & BUILTIN_BIT(v.type)) != 0;
}

static enum ast_kind mirrored(enum ast_kind op)
{
    switch (op) {
    case AST_LT:
        return AST_GT;
    case AST_LE:
        return AST_GE;
    case AST_GT:
        return AST_LT;
    case AST_GE:
        return AST_LE;
    default:
        return op;
    }
}

NODE_FUNCTION struct rvalue compare_constraint(struct eval *e, enum ast_kind op, struct rvalue a,
                                               struct rvalue b)
{
    struct rvalue other = a.type == RT_CONSTRAINT ? b : a;
    if (!is_comparable(op, other))
        return eval_type_error(
            e, other, op == AST_EQ || op == AST_NE ? CONSTRAINT_EQUALITY_TYPES : CONSTRAINT_ORDER_TYPES);
    bool proved = a.type == RT_CONSTRAINT ? constraint_implies(e->arena, a.constraint, op, b)
                                          : constraint_implies(e->arena, b.constraint, mirrored(op), a);
    return proved ? rv_bool(true) : eval_unproved(e);
}

static const char *operator_text(enum ast_kind op)
{
    static const char *const texts[] = {
        [AST_EQ] = "==", [AST_NE] = "!=", [AST_LT] = "<",  [AST_LE] = "<=", [AST_GT] = ">",  [AST_GE] = ">=",
        [AST_ADD] = "+", [AST_SUB] = "-", [AST_MUL] = "*", [AST_DIV] = "/", [AST_MOD] = "%",
    };
    return texts[op];
}

/* "Received: string + int. Expected: int + int, ..." for each pair of the operator. */
REFUSAL struct rvalue refuse_operands(struct eval *e, enum ast_kind op, struct rvalue a, struct rvalue b)
{
    static const char *const order_pairs[] = {
        "string",   "string",    "bytes",     "bytes",      "int", "int", "float",      "float", "duration",
        "duration", "timestamp", "timestamp", "constraint", "any", "any", "constraint", NULL
    };
    static const char *const add_pairs[] = { "int",       "int",      "float",    "float",    "string",
                                             "string",    "duration", "duration", "duration", "timestamp",
                                             "timestamp", "duration", NULL };
    static const char *const sub_pairs[] = { "int",       "int",       "float",     "float",
                                             "duration",  "duration",  "timestamp", "duration",
                                             "timestamp", "timestamp", NULL };
    static const char *const number_pairs[] = { "int", "int", "float", "float", NULL };
    const char *const *pairs = op == AST_ADD   ? add_pairs
                               : op == AST_SUB ? sub_pairs
                               : op >= AST_MUL ? number_pairs
                                               : order_pairs;
    const char *text = operator_text(op);
    struct buf out;
    buf_init(&out, 1024);
    buf_printf(&out, "Unsupported operation error. Received: %s %s %s. Expected: ", name_of(a), text,
               name_of(b));
    for (size_t i = 0; pairs[i]; i += 2)
        buf_printf(&out, "%s%s %s %s", i ? ", " : "", pairs[i], text, pairs[i + 1]);
    struct rvalue error = eval_error(e, STR_FMT ".", STR_ARG(buf_view(&out)));
    buf_dispose(&out);
    return error;
}

static struct rvalue compare_order(struct eval *e, enum ast_kind op, struct rvalue a, struct rvalue b)
{
    int order;
    if (a.type == RT_CONSTRAINT || b.type == RT_CONSTRAINT)
        return compare_constraint(e, op, a, b);
    if (!rv_order(&order, a, b))
        return refuse_operands(e, op, a, b);
    if (rv_unordered(a, b))
        return rv_bool(false);
    return rv_bool(op == AST_LT   ? order < 0
                   : op == AST_LE ? order <= 0
                   : op == AST_GT ? order > 0
                                  : order >= 0);
}

static struct rvalue compare_equal(struct eval *e, enum ast_kind op, struct rvalue a, struct rvalue b)
{
    if (a.type == RT_CONSTRAINT || b.type == RT_CONSTRAINT)
        return compare_constraint(e, op, a, b);
    return rv_bool(rv_equal(e->arena, a, b) == (op == AST_EQ));
}

static struct rvalue arithmetic_int(struct eval *e, enum ast_kind op, int64_t a, int64_t b)
{
    int64_t out = 0;
    bool wrong = false;
    switch (op) {
    case AST_ADD:
        wrong = __builtin_add_overflow(a, b, &out);
        break;
    case AST_SUB:
        wrong = __builtin_sub_overflow(a, b, &out);
        break;
    case AST_MUL:
        wrong = __builtin_mul_overflow(a, b, &out);
        break;
    default:
        if (b == 0)
            return eval_error(e, "Divide by zero error.");
        if (b == -1) /* the smallest int by -1 is itself, as in Java */
            out = op == AST_MOD ? 0 : (int64_t)(0 - (uint64_t)a);
        else
            out = op == AST_MOD ? a % b : a / b;
        break;
    }
    return wrong ? overflow(e) : rv_int(out);
}

static struct rvalue arithmetic_float(enum ast_kind op, double a, double b)
{
    return rv_float(op == AST_ADD   ? a + b
                    : op == AST_SUB ? a - b
                    : op == AST_MUL ? a * b
                    : op == AST_DIV ? a / b
                                    : fmod(a, b));
}

/* A timestamp moved by a duration (sign 1 or -1). */
static struct rvalue move_time(struct eval *e, struct timestamp t, struct rduration d, int sign)
{
    int64_t seconds = t.seconds + sign * d.seconds, nanos = t.nanos + (int64_t)sign * d.nanos;
    if (nanos < 0 || nanos >= 1000000000) {
        int64_t carry = nanos < 0 ? -1 : 1;
        seconds += carry;
        nanos -= carry * 1000000000;
    }
    struct timestamp out = { seconds, (int32_t)nanos };
    if (!timestamp_is_valid(out))
        return eval_error(
            e, "Timestamp is not valid. Seconds must be in range [-62,135,596,800, +253,402,300,799]. Nanos "
               "must be in range [0, +999,999,999].");
    return rv_time(out);
}

static struct rvalue arithmetic_time(struct eval *e, enum ast_kind op, struct rvalue a, struct rvalue b)
{
    bool add = op == AST_ADD, sub = op == AST_SUB;
    int sign = add ? 1 : -1;
    if ((add || sub) && a.type == RT_DURATION && b.type == RT_DURATION)
        return builtin_duration(e, a.seconds + sign * b.seconds, a.nanos + (int64_t)sign * b.nanos);
    if ((add || sub) && a.type == RT_TIMESTAMP && b.type == RT_DURATION)
        return move_time(e, rv_timestamp(a), rv_interval(b), sign);
    if (add && a.type == RT_DURATION && b.type == RT_TIMESTAMP)
        return move_time(e, rv_timestamp(b), rv_interval(a), 1);
    if (sub && a.type == RT_TIMESTAMP && b.type == RT_TIMESTAMP)
        return builtin_duration(e, a.seconds - b.seconds, (int64_t)a.nanos - b.nanos);
    return refuse_operands(e, op, a, b);
}

static struct rvalue arithmetic(struct eval *e, enum ast_kind op, struct rvalue a, struct rvalue b)
{
    if (a.type == RT_INT && b.type == RT_INT)
        return arithmetic_int(e, op, a.integer, b.integer);
    if ((a.type == RT_INT || a.type == RT_FLOAT) && (b.type == RT_INT || b.type == RT_FLOAT))
        return arithmetic_float(op, builtin_double(a), builtin_double(b));
    if (op == AST_ADD && a.type == RT_STRING && b.type == RT_STRING) {
        if (!eval_room(e, rv_str(a).n + rv_str(b).n))
            return RV(RT_UNDEFINED, error, &e->fatal_error);
        return rv_string(rv_concat(e->arena, rv_str(a), rv_str(b)));
    }
    return arithmetic_time(e, op, a, b);
}

typedef struct rvalue operation(struct eval *e, enum ast_kind op, struct rvalue a, struct rvalue b);

static inline struct rvalue eval_operands(struct eval *e, const struct ast_node *node, operation *run)
{
    struct rvalue a = eval_node(e, node->op.a), b = eval_node(e, node->op.b);
    if (rv_is_error(a) || rv_is_error(b))
        return rv_is_error(a) ? a : b;
    e->node = node;
    return run(e, node->kind, a, b);
}

NODE_FUNCTION struct rvalue eval_equality(struct eval *e, const struct ast_node *node)
{
    return eval_operands(e, node, compare_equal);
}

NODE_FUNCTION struct rvalue eval_order(struct eval *e, const struct ast_node *node)
{
    return eval_operands(e, node, compare_order);
}

NODE_FUNCTION struct rvalue eval_arithmetic(struct eval *e, const struct ast_node *node)
{
    return eval_operands(e, node, arithmetic);
}

NODE_FUNCTION struct rvalue eval_in(struct eval *e, const struct ast_node *node)
{
    struct rvalue item = eval_node(e, node->op.a), in = eval_node(e, node->op.b);
    if (rv_is_error(in))
        return in;
    e->node = node;
    if (in.type == RT_NULL)
        return null_error(e);
    if (in.type != RT_LIST && in.type != RT_SET && in.type != RT_MAP && in.type != RT_CONSTRAINT)
        return eval_error(e, "Function not found error: Name: [in].");
    if (rv_is_error(item))
        return item;
    switch ((enum rules_type)in.type) {
    case RT_SET:
        if (in.n > 0 && builtin_is_unproved(e, item))
            return builtin_no_equality(e);
        return rv_bool(rv_list_has(e->arena, in, item));
    case RT_LIST:
        return rv_bool(rv_list_has(e->arena, in, item));
    case RT_MAP:
        if (item.type == RT_STRING)
            return rv_bool(rv_has_key(in, rv_str(item)));
        return eval_error(e, "Unsupported operation error. Received: map.in(%s). Expected: map.in(string).",
                          name_of(item));
    default:
        if (item.type == RT_CONSTRAINT)
            return eval_type_error(e, item, CONSTRAINT_ORDER_TYPES);
        return constraint_contains(e->arena, in.constraint, item) ? rv_bool(true) : eval_unproved(e);
    }
}

NODE_FUNCTION struct rvalue eval_is(struct eval *e, const struct ast_node *node)
{
    struct rvalue v = eval_node(e, node->is.a);
    e->steps++;
    if (rv_is_error(v))
        return v;
    if (node->is.type == RT_NUMBER)
        return rv_bool(v.type == RT_INT || v.type == RT_FLOAT);
    /* A set `is set` is false on Google's emulator 1.19.9, whatever its documentation says. */
    return rv_bool(v.type == node->is.type && v.type != RT_SET);
}

/* ---- the walk ---- */

/* Every so many expressions memory is looked at, and after every built-in. */
enum { ROOM_STEPS = 16 };

/* At an alarm: the limit, memory, values to be looked at. Then the node is entered after all. */
NODE_FUNCTION struct rvalue eval_carefully(struct eval *e, const struct ast_node *node)
{
    if (e->steps >= LIMIT_RULES_EXPRESSIONS || e->fatal) {
        e->node = node;
        return eval_fatal(e, too_many);
    }
    if (!eval_room(e, 0))
        return RV(RT_UNDEFINED, error, &e->fatal_error);
    e->alarm = e->steps + (e->watching ? 1 : ROOM_STEPS);
    if (e->alarm > LIMIT_RULES_EXPRESSIONS)
        e->alarm = LIMIT_RULES_EXPRESSIONS;
    struct rvalue v = eval_node(e, node);
    if (e->watching && !e->fatal)
        coverage_look(e, node, v);
    return v;
}

struct rvalue eval_node(struct eval *e, const struct ast_node *node)
{
    if (e->steps >= e->alarm)
        return eval_carefully(e, node);
    e->steps++;
    switch (node->kind) {
    case AST_NULL:
        return rv_null();
    case AST_BOOL:
        return rv_bool(node->boolean);
    case AST_INT:
        return rv_int(node->integer);
    case AST_FLOAT:
        return rv_float(node->number);
    case AST_STRING:
        return rv_string(node->text);
    case AST_BYTES:
        return rv_bytes(node->text);
    case AST_LIST:
        return node->constant && may_skip(e, node) ? *node->constant : eval_list(e, node);
    case AST_MAP:
        return node->constant && may_skip(e, node) ? *node->constant : eval_map(e, node);
    case AST_PATH:
        return eval_path(e, node);
    case AST_NAME:
        return node->name.scope == SCOPE_PARAMETER ? e->frame.parameters[node->name.slot]
                                                   : eval_name(e, node);
    case AST_MEMBER:
        return node->chain ? eval_chain(e, node) : eval_member(e, node);
    case AST_INDEX:
        return eval_index(e, node);
    case AST_SLICE:
        return eval_slice(e, node);
    case AST_CALL:
        return eval_call(e, node);
    case AST_METHOD:
        return node->constant && may_skip(e, node) ? *node->constant : eval_method(e, node);
    case AST_NOT:
        return eval_not(e, node);
    case AST_NEGATE:
        return node->constant && may_skip(e, node) ? *node->constant : eval_negate(e, node);
    case AST_AND:
        return eval_logic(e, node, false);
    case AST_OR:
        return eval_logic(e, node, true);
    case AST_IN:
        return eval_in(e, node);
    case AST_IS:
        return eval_is(e, node);
    case AST_TERNARY:
        return eval_ternary(e, node);
    case AST_EQ:
    case AST_NE:
        return eval_equality(e, node);
    case AST_LT:
    case AST_LE:
    case AST_GT:
    case AST_GE:
        return eval_order(e, node);
    default:
        return eval_arithmetic(e, node);
    }
}

/* test_verdicts.c - replays what Google's emulator 1.19.9 said (the files of verdicts/, made by
 * record_verdicts.py) through rules_compile and rules_decide. Every difference must be listed in
 * verdicts/known.txt with its reason, and every line there must still be a difference. */
#include "rules_world.h"

#include "rules-engine/constraint.h"
#include "rules-engine/match.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct value_map doc_fields, token;
static size_t compared, differences, unexpected;
static struct {
    size_t n, allowed_there, denied_here, allowed_here;
} lists;

/* ---- known differences ---- */

struct known {
    struct str key; /* "group: expression" */
    bool used;
};
static struct known known[512];
static size_t n_known;

static struct str read_file(struct arena *arena, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    size_t cap = 1 << 20, n = 0;
    char *text = arena_alloc(arena, cap);
    for (size_t got; (got = fread(text + n, 1, cap - n, f)) > 0;) {
        n += got;
        if (n == cap) {
            text = arena_grow(arena, text, cap, cap * 2);
            cap *= 2;
        }
    }
    fclose(f);
    return str_from(text, n);
}

static bool next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    *line = end ? str_from(rest->p, (size_t)(end - rest->p)) : *rest;
    *rest = str_skip(*rest, line->n + (end != NULL));
    return true;
}

/* Lines "key<TAB>reason"; # begins a comment. */
static void load_known(struct arena *arena)
{
    struct str rest = read_file(arena, "rules-engine/verdicts/known.txt"), line;
    while (next_line(&rest, &line)) {
        if (line.n == 0 || line.p[0] == '#')
            continue;
        const char *tab = memchr(line.p, '\t', line.n);
        assert_non_null(tab);
        assert_true(n_known < sizeof known / sizeof *known);
        known[n_known++] = (struct known){ str_from(line.p, (size_t)(tab - line.p)), false };
    }
}

static void differ(const char *key, const char *theirs, const char *ours)
{
    differences++;
    for (size_t i = 0; i < n_known; i++) {
        if (str_eq_z(known[i].key, key)) {
            known[i].used = true;
            return;
        }
    }
    if (unexpected++ < 60)
        fprintf(stderr, "DIFFERS %s\n  theirs %s\n  ours   %s\n", key, theirs, ours);
}

/* ---- values as the coverage report prints them ---- */

static bool same_value(struct arena *arena, const struct json *v, struct rvalue ours);

static bool same_list(struct arena *arena, const struct json *list, struct rvalue ours)
{
    const struct json *values = json_get(list, "values");
    size_t n = values ? values->n : 0;
    if (n != ours.n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!same_value(arena, &values->items[i], rv_at(arena, ours, i)))
            return false;
    return true;
}

static bool same_map(struct arena *arena, const struct json *map, struct rvalue ours)
{
    const struct json *fields = json_get(map, "fields");
    size_t n = fields ? fields->n : 0;
    struct rvalue v;
    if (n != ours.n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!rv_lookup(&v, arena, ours, fields->members[i].name) ||
            !same_value(arena, &fields->members[i].value, v))
            return false;
    return true;
}

static bool same_path(const struct json *path, const struct rpath *ours)
{
    const struct json *segments = json_get(path, "segments");
    size_t n = segments ? segments->n : 0, at = 0;
    for (size_t i = 0; i < n; i++, at++) {
        const struct json *simple = json_get(&segments->items[i], "simple");
        const struct json *capture = json_get(&segments->items[i], "capture");
        if (at >= ours->n)
            return false;
        const struct rsegment *s = &ours->items[at];
        if (simple && (s->kind != SEGMENT_SIMPLE || !str_eq(s->text, simple->text)))
            return false;
        if (capture) {
            /* bind() with a variable missing prints the unbound ones nowhere */
            if (s->kind != SEGMENT_CAPTURE || !str_eq(s->name, json_text(capture, "variableName")) ||
                !str_eq(s->text, json_text(capture, "boundValue")))
                return false;
        }
    }
    while (at < ours->n && ours->items[at].kind != SEGMENT_SIMPLE && !ours->items[at].bound)
        at++;
    return at == ours->n;
}

static bool same_duration(struct str text, struct rvalue ours, struct arena *arena)
{
    return str_eq_z(text, rv_text(arena, ours, 64));
}

static bool same_double(const struct json *v, double ours, struct arena *arena)
{
    double theirs = strtod(arena_str(arena, v->text).p, NULL);
    return theirs == ours || (isnan(theirs) && isnan(ours));
}

static bool same_diff(struct arena *arena, const struct json *v, struct rvalue ours)
{
    static const char *const methods[] = { "addedKeys", "removedKeys", "changedKeys", "unchangedKeys" };
    static const char *const statuses[] = { "ADDED", "REMOVED", "CHANGED", "UNCHANGED" };
    const struct json *keys = json_get(v, "keyStatuses");
    struct eval e = { .arena = arena };
    size_t n = 0;
    for (int i = 0; i < 4; i++) {
        struct rvalue set = builtin_method(RT_MAP_DIFF, str_of(methods[i]))->run(&e, &ours, NULL);
        for (size_t k = 0; k < set.n; k++, n++)
            if (!keys || !str_eq_z(json_text(keys, arena_str(arena, rv_str(set.items[k])).p), statuses[i]))
                return false;
    }
    return n == (keys ? keys->n : 0);
}

static bool same_value(struct arena *arena, const struct json *v, struct rvalue ours)
{
    const struct json *inner = &v->members[0].value;
    struct timestamp time;
    struct str bytes, type = v->members[0].name;
    switch ((enum rules_type)ours.type) {
    case RT_NULL:
        return str_eq(type, STR("nullValue"));
    case RT_BOOL:
        return str_eq(type, STR("boolValue")) && (inner->kind == JSON_TRUE) == ours.boolean;
    case RT_INT:
        return str_eq(type, STR("intValue")) &&
               strtoll(arena_str(arena, inner->text).p, NULL, 10) == ours.integer;
    case RT_FLOAT:
        return str_eq(type, STR("floatValue")) && same_double(inner, ours.number, arena);
    case RT_STRING:
        return str_eq(type, STR("stringValue")) && str_eq(inner->text, rv_utf8_bytes(arena, rv_str(ours)));
    case RT_BYTES:
        return str_eq(type, STR("bytesValue")) && base64_decode(&bytes, arena, inner->text) &&
               str_eq(bytes, rv_str(ours));
    case RT_LIST:
        return str_eq(type, STR("listValue")) && same_list(arena, inner, ours);
    case RT_SET:
        return str_eq(type, STR("setValue")) && same_list(arena, inner, ours);
    case RT_MAP:
        return str_eq(type, STR("mapValue")) && same_map(arena, inner, ours);
    case RT_PATH:
        return str_eq(type, STR("pathValue")) && same_path(inner, ours.path);
    case RT_TIMESTAMP:
        return str_eq(type, STR("timestampValue")) && timestamp_parse(&time, inner->text) &&
               timestamp_cmp(time, rv_timestamp(ours)) == 0;
    case RT_DURATION:
        return str_eq(type, STR("durationValue")) && same_duration(inner->text, ours, arena);
    case RT_LATLNG:
        return str_eq(type, STR("latlngValue")) &&
               same_double(json_get(inner, "latitude"), ours.latlng->latitude, arena) &&
               same_double(json_get(inner, "longitude"), ours.latlng->longitude, arena);
    case RT_MAP_DIFF:
        return str_eq(type, STR("mapDiffValue")) && same_diff(arena, inner, ours);
    case RT_VECTOR:
        return str_eq(type, STR("vectorValue")) && json_get(inner, "values") &&
               json_get(inner, "values")->n == ours.vector->n;
    default:
        return false;
    }
}

/* ---- expressions ---- */

static struct str rules_around(struct arena *arena, struct str match)
{
    return str_of(arena_printf(
        arena,
        "rules_version = '2';\nservice cloud.firestore {\n  match /databases/{database}/documents {\n"
        "  function f(d) { return d.n == 7 && g(); }   function g() { return resource.data.n == 7; }\n"
        "%s\n  }\n}\n",
        match.p));
}

static struct rules_auth make_auth(struct arena *arena, const struct json *claims)
{
    if (!claims || claims->kind != JSON_OBJECT)
        return (struct rules_auth){ 0 };
    struct value_map *map = ARENA_NEW(arena, struct value_map);
    *map = json_plain(arena, claims).map;
    return (struct rules_auth){ true, json_get(claims, "sub") != NULL, json_text(claims, "sub"), map };
}

static void put_usual(struct world *w)
{
    static struct field role = { .name = STR_INIT("role") };
    role.value = (struct value){ .kind = VALUE_STRING, .text = STR("admin") };
    world_clear(w);
    world_put(w, STR("u/v"), (struct value_map){ &role, 1 });
}

static struct rules_request get_request(struct world *w, struct str path, struct rules_document *resource)
{
    resource->exists = true;
    resource->fields = doc_fields;
    return (struct rules_request){ .method = RULES_GET,
                                   .db = w->db,
                                   .path = path,
                                   .auth = { true, true, STR("alice"), &token },
                                   .time = { 1700000000, 123000000 },
                                   .resource = resource };
}

static void check_compile(struct arena *arena, const char *key, const struct json *texts, struct str rules)
{
    struct rules_file file = { STR("test.rules"), rules };
    struct rules_issues issues;
    struct ruleset *ruleset;
    struct status st = status_init(arena);
    if (!rules_compile(&ruleset, &file, 1, &issues, arena, &st)) {
        rules_release(ruleset);
        differ(key, "does not compile", "compiles");
        return;
    }
    for (size_t i = 0; i < texts->n; i++) {
        bool found = false;
        for (size_t k = 0; k < issues.n && !found; k++)
            found = str_eq_z(texts->items[i].text, issues.items[k].description);
        if (!found) {
            differ(key, arena_str(arena, texts->items[i].text).p,
                   issues.n ? issues.items[0].description : "");
            return;
        }
    }
}

static void check_value(struct world *w, const char *key, const struct ruleset *ruleset,
                        const struct rules_request *request, const struct json *value)
{
    struct eval e;
    struct status st = status_init(w->arena);
    struct rules_env env = world_env(w);
    struct match_target target = match_document(w->arena, request->db, request->path);
    eval_init(&e, ruleset, request, &env, NULL, w->arena, &st);
    assert_true(match_covers(&e.wildcards, w->arena, ruleset->allows[0]->match, 2, &target));
    struct rvalue v = eval_node(&e, ruleset->allows[0]->condition);
    if (!same_value(w->arena, value, v)) {
        struct str theirs = value->members[0].value.text;
        differ(key,
               arena_printf(w->arena, "value " STR_FMT " " STR_FMT, STR_ARG(value->members[0].name),
                            STR_ARG(theirs)),
               rv_text(w->arena, v, 300));
    }
}

static const char *said(struct arena *arena, bool allowed, const struct json *reasons)
{
    if (allowed)
        return "allowed";
    struct buf text;
    buf_init(&text, 65536);
    for (size_t i = 0; reasons && i < reasons->n; i++) {
        buf_z(&text, i ? " | " : "denied ");
        buf_str(&text, reasons->items[i].text);
    }
    const char *out = arena_str(arena, buf_view(&text)).p;
    buf_dispose(&text);
    return out;
}

/* A condition may have failed otherwise in Google's first pass: the last reason is that of the verdict. */
static const char *said_last(struct arena *arena, const struct json *record)
{
    const struct json *reasons = json_get(record, "reasons");
    if (!reasons || reasons->n == 0)
        return said(arena, json_true(record, "allowed"), reasons);
    return arena_printf(arena, "denied " STR_FMT, STR_ARG(reasons->items[reasons->n - 1].text));
}

/* Our verdict in the same words: the first reason of each try, positions relative to the condition. */
static const char *we_said(struct arena *arena, const struct ruleset *ruleset, const struct rules_decision *d)
{
    if (d->allowed)
        return "allowed";
    if (!d->matched)
        return "no match";
    const char *out = "denied ";
    for (size_t i = 0; i < d->n_tries; i++) {
        const char *reason = d->tries[i].reason;
        if (str_starts(str_of(reason), STR("evaluation error at ")))
            reason = "evaluation error at +0";
        out = arena_printf(arena, "%s%s%s", out, i ? " | " : "", reason);
    }
    (void)ruleset;
    return out;
}

static void replay_expression(struct world *w, const struct json *record)
{
    struct arena *arena = w->arena;
    struct str expression = json_text(record, "expr"), id = json_text(record, "id");
    const char *key = arena_printf(arena, "expr: " STR_FMT, STR_ARG(expression));
    struct str rules = rules_around(
        arena,
        str_of(arena_printf(arena, "    match /e/{id} { allow get: if " STR_FMT "; }", STR_ARG(expression))));
    compared++;
    if (json_get(record, "compile")) {
        check_compile(arena, key, json_get(record, "compile"), rules);
        return;
    }
    struct rules_document resource;
    struct str path = str_of(arena_printf(arena, "e/" STR_FMT, STR_ARG(id)));
    struct rules_request request = get_request(w, path, &resource);
    struct rules_decision decision;
    struct status st = status_init(arena);
    struct rules_env env = world_env(w);
    const char *refused;
    struct ruleset *ruleset = world_try_compile(&refused, arena, rules);
    if (!ruleset) {
        differ(key, "compiles", refused);
        return;
    }
    put_usual(w);
    assert_int_equal(world_decide(ruleset, &request, &env, NULL, arena, &decision, &st), STATUS_OK);
    const char *theirs = json_get(record, "http") ? "http 500" : said_last(arena, record);
    const char *ours = we_said(arena, ruleset, &decision);
    if (strcmp(theirs, ours) != 0)
        differ(key, theirs, ours);
    else if (json_get(record, "value"))
        check_value(w, key, ruleset, &request, json_get(record, "value"));
    rules_release(ruleset);
}

/* ---- lists ---- */

static struct rules_query make_query(struct arena *arena, struct str parent, struct str collection,
                                     const struct json *disjuncts)
{
    struct rules_query query = { .parent = parent, .collection_id = collection };
    struct rules_disjunct *made = ARENA_ARRAY(arena, struct rules_disjunct, disjuncts ? disjuncts->n : 0);
    for (size_t i = 0; disjuncts && i < disjuncts->n; i++) {
        const struct json *filters = &disjuncts->items[i];
        struct rules_constraint *items = ARENA_ARRAY(arena, struct rules_constraint, filters->n);
        for (size_t k = 0; k < filters->n; k++)
            items[k] = world_filter(arena, filters->items[k].text);
        made[i] = (struct rules_disjunct){ items, filters->n };
    }
    query.disjuncts = made;
    query.n_disjuncts = disjuncts ? disjuncts->n : 0;
    return query;
}

static void add_extras(struct arena *arena, struct rules_query *query, const struct json *record)
{
    const struct json *limit = json_get(record, "limit"), *offset = json_get(record, "offset");
    const struct json *order = json_get(record, "orderBy");
    if (limit) {
        query->has_limit = true;
        query->limit = strtoll(arena_str(arena, limit->text).p, NULL, 10);
    }
    if (offset)
        query->offset = strtoll(arena_str(arena, offset->text).p, NULL, 10);
    if (!order)
        return;
    query->order_by = arena_zalloc(arena, order->n, sizeof *query->order_by);
    query->n_order_by = order->n;
    for (size_t i = 0; i < order->n; i++) {
        struct str text = order->items[i].text;
        size_t space = (size_t)((const char *)memchr(text.p, ' ', text.n) - text.p);
        query->order_by[i].field = str_from(text.p, space);
        query->order_by[i].descending = text.p[space + 1] == 'D';
    }
}

/* "{c}" stands for the collection's id. */
static struct str with_collection(struct arena *arena, struct str text)
{
    for (size_t i = 0; i + 3 <= text.n; i++)
        if (memcmp(text.p + i, "{c}", 3) == 0)
            return str_of(
                arena_printf(arena, "%.*sq0" STR_FMT, (int)i, text.p, STR_ARG(str_skip(text, i + 3))));
    return text;
}

static void replay_list(struct world *w, const struct json *record)
{
    struct arena *arena = w->arena;
    struct str expression = json_text(record, "expr");
    const struct json *disjuncts = json_get(record, "disjuncts");
    const char *key = arena_printf(arena, "list: " STR_FMT " <-", STR_ARG(expression));
    for (size_t i = 0; i < disjuncts->n; i++)
        for (size_t k = 0; k < disjuncts->items[i].n; k++)
            key = arena_printf(arena, "%s%s " STR_FMT, key,
                               k   ? ","
                               : i ? " |"
                                   : "",
                               STR_ARG(disjuncts->items[i].items[k].text));
    compared++;
    struct str rules =
        rules_around(arena, str_of(arena_printf(arena, "    match /q0/{id} { allow list: if " STR_FMT "; }",
                                                STR_ARG(with_collection(arena, expression)))));
    struct rules_query query = make_query(arena, STR(""), STR("q0"), disjuncts);
    add_extras(arena, &query, record);
    struct rules_request request = { .method = RULES_LIST,
                                     .db = w->db,
                                     .path = STR("q0"),
                                     .query = &query,
                                     .auth = { true, true, STR("alice"), &token },
                                     .time = { 1700000000, 0 } };
    struct rules_decision decision;
    struct status st = status_init(arena);
    struct rules_env env = world_env(w);
    struct ruleset *ruleset = world_compile(arena, rules);
    put_usual(w);
    assert_int_equal(world_decide(ruleset, &request, &env, NULL, arena, &decision, &st), STATUS_OK);
    /* Google judges all disjuncts and prints the reasons of each; we stop at the first that is denied. */
    const struct json *reasons = json_get(record, "reasons");
    const char *theirs = said(arena, json_true(record, "allowed"), reasons);
    const char *ours = we_said(arena, ruleset, &decision);
    lists.n++;
    lists.allowed_here += decision.allowed;
    lists.allowed_there += json_true(record, "allowed");
    lists.denied_here += json_true(record, "allowed") && !decision.allowed;
    bool same = strcmp(theirs, ours) == 0;
    for (size_t i = 0; !same && reasons && i < reasons->n; i++)
        same = !decision.allowed && str_eq_z(reasons->items[i].text, ours + strlen("denied "));
    /* Of several disjuncts Google says false where one alone would be an error. */
    if (disjuncts->n > 1 && strcmp(theirs, "denied false") == 0)
        same = !decision.allowed;
    if (!same)
        differ(key, theirs, ours);
    if (strstr(ours, "evaluation error") && (decision.n_tries != 1 || !decision.tries[0].not_provable))
        differ(key, "not provable", "not marked so");
    rules_release(ruleset);
}

/* ---- requests ---- */

static struct ruleset *current;
static const struct json *current_docs;

static const struct timestamp now = { 1700000000, 5000000 };

static int compare_names(const void *a, const void *b)
{
    return str_cmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

static struct value_map fields_with_now(struct arena *arena, const struct json *record)
{
    struct value_map given = json_fields(arena, json_get(record, "fields"));
    const struct json *times = json_get(record, "now");
    size_t more = times ? times->n : 0;
    struct field *items = ARENA_ARRAY(arena, struct field, given.n + more);
    memcpy(items, given.items, given.n * sizeof *items);
    for (size_t i = 0; i < more; i++)
        items[given.n + i] = (struct field){ times->items[i].text, { .kind = VALUE_TIMESTAMP, .time = now } };
    qsort(items, given.n + more, sizeof *items, compare_names);
    return (struct value_map){ items, given.n + more };
}

static const char *decide_one(struct world *w, struct rules_budget *budget, const struct json *auth,
                              struct str op, struct str path, struct value_map *fields, bool *allowed)
{
    static const struct rules_document missing = { 0 };
    struct rules_document *resource = ARENA_NEW(w->arena, struct rules_document);
    const struct world_document *d = world_find(w, path);
    struct rules_env env = world_env(w);
    struct rules_decision decision;
    struct status st = status_init(w->arena);
    struct rules_request request = {
        .db = w->db, .path = path, .auth = make_auth(w->arena, auth), .time = now
    };
    *resource = d ? (struct rules_document){ .exists = d->exists, .fields = d->fields } : missing;
    request.resource = resource;
    request.method = str_eq(op, STR("get"))      ? RULES_GET
                     : str_eq(op, STR("create")) ? RULES_CREATE
                     : str_eq(op, STR("update")) ? RULES_UPDATE
                                                 : RULES_DELETE;
    request.new_fields = fields;
    request.touched = &(struct rules_touched){ .inserted = request.method == RULES_CREATE };
    assert_int_equal(world_decide(current, &request, &env, budget, w->arena, &decision, &st), STATUS_OK);
    *allowed = decision.allowed;
    return decision.allowed ? "allowed" : decision.message;
}

static void put_after(struct world *w, struct str path, bool exists, struct value_map fields)
{
    struct world_document *d = world_find(w, path);
    if (!d) {
        world_put(w, path, fields);
        d = world_find(w, path);
        d->exists = false;
    }
    d->written = true;
    d->exists_after = exists;
    d->fields_after = fields;
}

/* All of a commit: every write is judged, messages are joined as Google joins them. */
static const char *decide_commit(struct world *w, const struct json *record, const struct json *auth)
{
    const struct json *writes = json_get(record, "writes");
    struct value_map *fields = ARENA_ARRAY(w->arena, struct value_map, writes->n);
    struct rules_budget budget = { .arena = w->arena };
    const char *message = NULL;
    for (size_t i = 0; i < writes->n; i++) {
        const struct json *given = json_get(&writes->items[i], "fields"); /* none: a delete */
        fields[i] = given ? json_fields(w->arena, given) : (struct value_map){ 0 };
        put_after(w, json_text(&writes->items[i], "path"), given != NULL, fields[i]);
    }
    for (size_t i = 0; i < writes->n; i++) {
        bool allowed;
        const char *said_now = decide_one(
            w, &budget, auth, json_text(&writes->items[i], "op"), json_text(&writes->items[i], "path"),
            json_get(&writes->items[i], "fields") ? &fields[i] : NULL, &allowed);
        if (!allowed)
            message = message ? arena_printf(w->arena, "%s, %s", message, said_now + 1) : said_now;
    }
    return message ? message : "allowed";
}

static const char *decide_list_request(struct world *w, const struct json *record, const struct json *auth,
                                       bool group)
{
    struct str path = json_text(record, "path");
    const struct json *filters = json_get(record, "filters");
    struct json disjuncts = { .kind = JSON_ARRAY,
                              .items = (struct json *)(uintptr_t)filters,
                              .n = filters->n > 0 };
    struct rules_query query = make_query(w->arena, path_parent(path), path_last(path), &disjuncts);
    if (path_segments(path) == 1)
        query.parent = STR("");
    query.all_descendants = group;
    struct rules_request request = { .method = RULES_LIST,
                                     .db = w->db,
                                     .path = path,
                                     .query = &query,
                                     .auth = make_auth(w->arena, auth),
                                     .time = now };
    struct rules_env env = world_env(w);
    struct rules_decision decision;
    struct status st = status_init(w->arena);
    assert_int_equal(world_decide(current, &request, &env, NULL, w->arena, &decision, &st), STATUS_OK);
    return decision.allowed ? "allowed" : decision.message;
}

/* Whether each item of our denial, "REASON for 'get' @ L3", is in Google's, which has an order of its own. */
static bool items_are_in(const char *theirs, struct str ours, struct arena *arena)
{
    while (ours.n > 0) {
        const char *at = memmem(ours.p, ours.n, "' @ L", 5);
        if (!at)
            return false;
        size_t n = (size_t)(at - ours.p) + 5;
        while (n < ours.n && ours.p[n] >= '0' && ours.p[n] <= '9')
            n++;
        if (!strstr(theirs, arena_str(arena, str_from(ours.p, n)).p))
            return false;
        ours = str_skip(ours, n + 2 < ours.n ? n + 2 : ours.n);
    }
    return true;
}

/* Whether Google's denial is ours. It also tells what a first pass, without the documents, found wrong: ours
 * is among it. Of a commit it tells the writes in an order of its own: the verdict is what counts. */
static bool same_denial(bool commit, const char *theirs, const char *ours, struct arena *arena)
{
    if (strcmp(theirs, "allowed") == 0 || strcmp(ours, "allowed") == 0 || strcmp(theirs, "http") == 0)
        return strcmp(theirs, ours) == 0;
    return commit || strcmp(theirs, ours) == 0 ||
           (ours[0] == '\n' && items_are_in(theirs, str_of(ours + 1), arena));
}

static void replay_request(struct world *w, const struct json *record, struct str ruleset_name)
{
    struct str op = json_text(record, "op"), path = json_text(record, "path");
    const struct json *auth = json_get(record, "auth");
    struct value_map *fields = NULL;
    compared++;
    world_clear(w);
    for (size_t i = 0; i < current_docs->n; i++)
        world_put(w, current_docs->members[i].name, json_fields(w->arena, &current_docs->members[i].value));
    if (json_get(record, "fields")) {
        fields = ARENA_NEW(w->arena, struct value_map);
        *fields = fields_with_now(w->arena, record);
        put_after(w, path, true, *fields);
    } else if (str_eq(op, STR("delete")) && world_find(w, path)) {
        put_after(w, path, false, (struct value_map){ 0 });
    }
    bool allowed;
    const char *ours = str_eq(op, STR("commit"))  ? decide_commit(w, record, auth)
                       : str_eq(op, STR("list"))  ? decide_list_request(w, record, auth, false)
                       : str_eq(op, STR("group")) ? decide_list_request(w, record, auth, true)
                                                  : decide_one(w, NULL, auth, op, path, fields, &allowed);
    const char *theirs = json_get(record, "http")       ? "http"
                         : json_true(record, "allowed") ? "allowed"
                                                        : arena_str(w->arena, json_text(record, "message")).p;
    if (!same_denial(str_eq(op, STR("commit")), theirs, ours, w->arena))
        differ(arena_printf(w->arena, "request: " STR_FMT ": " STR_FMT " " STR_FMT, STR_ARG(ruleset_name),
                            STR_ARG(op), STR_ARG(path)),
               theirs, ours);
}

/* ---- the run ---- */

static void replay_line(struct arena *kept, struct arena *arena, struct str line)
{
    static struct str name; /* of the ruleset in force */
    struct json record;
    struct world w;
    bool keep =
        str_starts(line, STR("{\"group\":\"setup\"")) || str_starts(line, STR("{\"group\":\"ruleset\""));
    if (!json_parse(&record, keep ? kept : arena, line))
        fail_msg("not JSON: " STR_FMT, STR_ARG(line));
    world_init(&w, arena);
    struct str group = json_text(&record, "group");
    if (str_eq(group, STR("setup"))) {
        doc_fields = json_fields(kept, json_get(&record, "fields"));
        token = json_plain(kept, json_get(&record, "token")).map;
    } else if (str_eq(group, STR("ruleset"))) {
        rules_release(current);
        current = world_compile(kept, json_text(&record, "rules"));
        struct json *docs = ARENA_NEW(kept, struct json);
        *docs = *json_get(&record, "docs");
        current_docs = docs;
        name = json_text(&record, "name");
    } else if (str_eq(group, STR("list"))) {
        replay_list(&w, &record);
    } else if (str_eq(group, STR("request"))) {
        replay_request(&w, &record, name);
    } else {
        replay_expression(&w, &record);
    }
    buf_dispose(&w.traces);
}

static void replay_file(struct arena *kept, const char *path)
{
    struct arena *arena = arena_new();
    struct str rest = read_file(kept, path), line;
    while (next_line(&rest, &line)) {
        replay_line(kept, arena, line);
        arena_reset(arena);
    }
    arena_free(arena);
}

/* Every line of the table is a difference, and there are few. */
static void check_known(void)
{
    assert_true(n_known <= 15);
    for (size_t i = 0; i < n_known; i++) {
        if (!known[i].used) {
            fprintf(stderr, "no longer a difference: " STR_FMT "\n", STR_ARG(known[i].key));
            unexpected++;
        }
    }
}

/* recorded.ndjson comes first: it says which document and token expressions are about. */
static const char *const recorded[] = {
    "rules-engine/verdicts/recorded.ndjson",
    "rules-engine/verdicts/more.ndjson",
    "rules-engine/verdicts/styles.ndjson",
};
/* The random cases of test_proof.c: how much of what Google's emulator proves is proved here. */
static const char *const proofs = "rules-engine/verdicts/proofs.ndjson";
static const char *one_more; /* a file to replay behind them, by argument */

static void every_recorded_verdict_is_ours(void **state)
{
    (void)state;
    struct arena *kept = arena_new();
    load_known(kept);
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++)
        replay_file(kept, recorded[i]);
    memset(&lists, 0, sizeof lists);
    replay_file(kept, proofs);
    if (one_more)
        replay_file(kept, one_more);
    rules_release(current);
    check_known();
    fprintf(stderr, "%zu verdicts, %zu differences, %zu of them not listed\n", compared, differences,
            unexpected);
    fprintf(stderr, "random list proofs: Google's emulator allows %zu of %zu, %zu of those are denied here\n",
            lists.allowed_there, lists.n, lists.denied_here);
    arena_free(kept);
    assert_true(compared >= 35000 && lists.n >= 2000);
    assert_true(lists.denied_here * 100 <= lists.allowed_there);
    assert_true(lists.allowed_here * 100 >= lists.n * 30 && lists.allowed_here * 100 <= lists.n * 70);
    assert_int_equal(unexpected, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_recorded_verdict_is_ours) };
    one_more = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
